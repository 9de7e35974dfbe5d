//! The tree of the format, as it is written: one struct per table. The doc comments are the
//! descriptions of the published JSON Schema.

mod balancer;
mod compute;
mod filter;
mod gateway;
mod interconnect;
mod network;
mod place;
mod privatelink;

pub(super) use balancer::*;
pub(super) use compute::*;
pub(super) use filter::*;
pub(super) use gateway::*;
pub(super) use interconnect::*;
pub(super) use network::*;
pub(super) use place::*;
pub(super) use privatelink::*;

use std::collections::BTreeMap;

use super::text::Word;
use crate::topology::Kind;

/// What every object may state.
#[derive(Debug, Default)]
pub(super) struct Common {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) tags: BTreeMap<String, Word>,
    pub(super) status: Option<String>,
    pub(super) business_status: Option<String>,
    pub(super) unknown: Vec<String>,
}

/// An object of the tree that becomes a resource.
pub(super) trait Object {
    /// Its kind.
    const KIND: Kind;
    /// Its own keys, without the common ones.
    const FIELDS: &'static [&'static str];
    /// Takes the common part out.
    fn take_common(&mut self) -> Common;
}

/// Declares an object: the common keys and its own.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident { $( $(#[$fdoc:meta])* $field:ident : $type:ty ),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(in crate::load::native) struct $name {
            /// Id. Left out: the name, if no other object of the kind has it; else one made from the
            /// place in the file, such as `vpc-1/vswitch/0`. Must differ from all others of its kind.
            pub(in crate::load::native) id: Option<String>,
            /// Name. References may use it instead of the id.
            pub(in crate::load::native) name: Option<String>,
            /// Tags, e.g. `{ role = "bastion" }`. Left out: none.
            pub(in crate::load::native) tags: std::collections::BTreeMap<String, $crate::load::native::text::Word>,
            /// Status word of the cloud, e.g. `Pending`. Left out: the word of the working state.
            pub(in crate::load::native) status: Option<String>,
            /// Business status of the cloud, e.g. `FinancialLocked`. Left out: `Normal`.
            pub(in crate::load::native) business_status: Option<String>,
            /// Keys of this object whose content is not known. Without this, a key that is left out
            /// means what its description says.
            pub(in crate::load::native) unknown: Vec<String>,
            $( $(#[$fdoc])* pub(in crate::load::native) $field: $type, )*
        }

        impl $crate::load::native::tree::Object for $name {
            const KIND: $crate::topology::Kind = $crate::topology::Kind::$name;
            const FIELDS: &'static [&'static str] = &[$( stringify!($field) ),*];
            fn take_common(&mut self) -> $crate::load::native::tree::Common {
                $crate::load::native::tree::Common {
                    id: self.id.take(),
                    name: self.name.take(),
                    tags: std::mem::take(&mut self.tags),
                    status: self.status.take(),
                    business_status: self.business_status.take(),
                    unknown: std::mem::take(&mut self.unknown),
                }
            }
        }
    };
}

/// Declares a table that is part of an object.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $( $(#[$fdoc:meta])* $field:ident : $type:ty ),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(in crate::load::native) struct $name {
            $( $(#[$fdoc])* pub(in crate::load::native) $field: $type, )*
        }
    };
}

use {object, table};
