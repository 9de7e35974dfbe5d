//! What several readers need: rows, objects that may be empty, lost parents, grouping.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::load::aliyun::reader::ReadContext;
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{CidrValue, Id, Meta, Resource};

/// Declares a row or body: every field borrows from the text, unknown keys are passed over, missing
/// ones are absent, and names are those of the cloud (`vpc_id` is `VpcId`) unless renamed.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident<$life:lifetime> {
        $( $(#[$attr:meta])* $field:ident : $type:ty ),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        pub(super) struct $name<$life> {
            $( $(#[$attr])* #[serde(borrow)] pub(super) $field: $type, )*
        }
    };
}
pub(super) use row;

/// An object inside a row; the cloud also prints `{}`, `""` or `null` where there is none.
#[derive(Debug, Default)]
pub(super) enum Object<T> {
    /// The key is missing.
    #[default]
    Absent,
    /// Stated to be none.
    Empty,
    /// The object.
    Stated(T),
}

impl<T> Object<T> {
    /// The object, if there is one.
    pub(super) fn get(&self) -> Option<&T> {
        match self {
            Self::Stated(object) => Some(object),
            Self::Absent | Self::Empty => None,
        }
    }

    /// True unless the key is missing.
    pub(super) fn is_stated(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Object::Empty)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text.trim().is_empty() {
                    self.visit_unit()
                } else {
                    Err(E::invalid_type(de::Unexpected::Str(text), &self))
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let first = seq.next_element::<T>()?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(first.map_or(Object::Empty, Object::Stated))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Object::Stated)
            }
        }

        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

/// The parent of a body's rows: as the body states it, else the request parameter (formats-api.md
/// §6.3).
pub(super) fn parent(cx: &ReadContext<'_>, stated: &Scalar<'_>, param: &str) -> Option<Id> {
    stated.id().or_else(|| cx.param(param).map(str::trim).filter(|id| !id.is_empty()).map(Id::from))
}

/// Notes rows whose parent neither the body nor the request parameters name.
pub(super) fn lost(cx: &mut ReadContext<'_>, rows: usize, param: &str) {
    if rows > 0 {
        let noun = if rows == 1 { "row" } else { "rows" };
        cx.unattached.push(format!("{rows} {noun} without `{param}`"));
    }
}

/// Marks a statement that is not the row of the resource's own listing.
pub(super) fn as_detail(meta: &mut Meta) {
    meta.detail = true;
}

/// A list of ids; empty texts are passed over.
pub(super) fn ids(list: &List<Scalar<'_>>) -> Option<Vec<Id>> {
    list.stated_some(Scalar::id)
}

/// A list of blocks; empty texts are passed over.
pub(super) fn cidrs(
    cx: &mut ReadContext<'_>,
    of: &dyn Resource,
    field: &'static str,
    list: &List<Scalar<'_>>,
) -> Option<Vec<CidrValue>> {
    list.stated_some(|text| Some(cx.cidr(of, field, text.as_str()?)))
}

/// Rows gathered by the resource that they belong to.
pub(super) struct Groups<T>(BTreeMap<Id, (usize, Vec<T>)>);

impl<T> Groups<T> {
    /// No groups.
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The rows of one resource so far; `n` is the position of the row that names it.
    pub(super) fn of(&mut self, id: Id, n: usize) -> &mut Vec<T> {
        &mut self.0.entry(id).or_insert_with(|| (n, Vec::new())).1
    }
}

impl<T> IntoIterator for Groups<T> {
    /// Id, position of the first row, rows.
    type Item = (Id, (usize, Vec<T>));
    type IntoIter = std::collections::btree_map::IntoIter<Id, (usize, Vec<T>)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
