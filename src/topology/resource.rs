//! What every resource has: id, name, tags, account, region, status, and where it was read.

use std::fmt;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::{Id, Kind, Text};

/// Index of an input file in the run's list of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// The place of an object in an input: a file and a JSON pointer, kept as a shared base path and an
/// index because a listing has many objects. Line and column are found late, only for what is printed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// The file.
    pub file: FileId,
    /// Pointer to the object or to the list that holds it (RFC 6901; in a file with several
    /// documents it begins with the document's index).
    pub base: Text,
    /// Position in that list.
    pub index: Option<u32>,
}

impl Source {
    /// The JSON pointer of the object.
    pub fn pointer(&self) -> String {
        match self.index {
            Some(index) => format!("{}/{index}", self.base),
            None => self.base.to_string(),
        }
    }
}

/// Where a part of a resource was read. That says nothing about the part: any two are equal, so that
/// the same part stated in two files is no conflict.
#[derive(Debug, Clone, Default)]
pub struct ReadAt(pub Option<Source>);

impl PartialEq for ReadAt {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ReadAt {}

impl Hash for ReadAt {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

/// The common part of all resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Id; made up by the loader (`parent/3`) where the cloud gives none.
    pub id: Id,
    /// Name given by the customer.
    pub name: Option<Text>,
    /// Tags in the order of the input.
    pub tags: Option<Vec<(Text, Text)>>,
    /// Owner account.
    pub account: Option<Id>,
    /// Region.
    pub region: Option<Id>,
    /// Status word as exported (`Available`, `InUse`, …).
    pub status: Option<Text>,
    /// Business status as exported (`Normal`, `FinancialLocked`, …).
    pub business_status: Option<Text>,
    /// Where it was read; `None` for what the program added itself.
    pub source: Option<Source>,
    /// Why the program added it, e.g. a route that a plan does not spell out.
    pub synthetic: Option<&'static str>,
    /// The source is not the resource's row in its listing, but a detail call or a row about
    /// something else that mentions it; a listing's row takes its place when both are loaded.
    pub detail: bool,
}

impl Meta {
    /// A resource with an id and nothing else.
    pub fn new(id: impl Into<Id>) -> Self {
        Self {
            id: id.into(),
            name: None,
            tags: None,
            account: None,
            region: None,
            status: None,
            business_status: None,
            source: None,
            synthetic: None,
            detail: false,
        }
    }

    /// Value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.as_ref()?.iter().find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }
}

/// Whether a status word means that the resource works (formats-api.md Q9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// In its working state.
    Usable,
    /// On the way to another state; still works, but the snapshot may not be the steady state.
    Transitional,
    /// Does not work.
    Dead,
    /// The status was not stated.
    Unstated,
    /// A word that this program does not know.
    Unrecognised,
}

impl Lifecycle {
    /// Reads a status word of a kind. Words are compared without case (formats-api.md Q7).
    pub fn of(kind: Kind, status: Option<&str>) -> Self {
        let Some(status) = status.map(str::to_ascii_lowercase) else { return Self::Unstated };
        let usable: &[&str] = match kind {
            Kind::Eip | Kind::Eni => &["available", "inuse"],
            Kind::HaVip => &["available", "inuse"],
            Kind::Instance => &["running"],
            Kind::Ipv4Gateway | Kind::PrefixList | Kind::GatewayEndpoint => {
                &["created", "available", "associated"]
            }
            Kind::Listener => &["running", "active"],
            Kind::EndpointConnection => &["connected"],
            Kind::VpcPeer => &["activated"],
            Kind::TransitAttachment => &["attached"],
            Kind::NatIp => &["available", "associated"],
            Kind::VpnConnection => &["ipsec_sa_established"],
            _ => &["available", "active", "created", "attached", "normal", "enabled", "published"],
        };
        let transitional = [
            "pending",
            "creating",
            "modifying",
            "deleting",
            "connecting",
            "disconnecting",
            "migrating",
            "associating",
            "unassociating",
            "dissociating",
            "releasing",
            "attaching",
            "detaching",
            "converting",
            "updating",
            "provisioning",
            "configuring",
            "starting",
            "stopping",
            "upgrading",
            "accepting",
            "enabling",
            "disabling",
            "wait",
            "activating",
            "init",
            "binding",
            "unbinding",
            "recovering",
            "terminating",
        ];
        if usable.contains(&status.as_str()) {
            Self::Usable
        } else if transitional.contains(&status.as_str()) {
            Self::Transitional
        } else if [
            "stopped",
            "inactive",
            "locked",
            "rejected",
            "expired",
            "deleted",
            "disconnected",
            "servicedeleted",
            "terminated",
            "idle",
            "createfailed",
            "unconfirmed",
            "abnormal",
            "ike_sa_not_established",
            "ike_sa_established",
            "ipsec_sa_not_established",
            "shifted",
            "prohibited",
            "standby",
            "candidate",
            "disabled",
        ]
        .contains(&status.as_str())
        {
            Self::Dead
        } else {
            Self::Unrecognised
        }
    }
}

/// A resource of any kind.
pub trait Resource {
    /// Its kind.
    fn kind(&self) -> Kind;
    /// Its common part.
    fn meta(&self) -> &Meta;

    /// Its id.
    fn id(&self) -> &Id {
        &self.meta().id
    }

    /// Its name, if it has one.
    fn name(&self) -> Option<&str> {
        self.meta().name.as_deref().filter(|n| !n.is_empty())
    }

    /// What its status word says about it.
    fn lifecycle(&self) -> Lifecycle {
        Lifecycle::of(self.kind(), self.meta().status.as_deref())
    }

    /// True when a lock or an overdue bill keeps it from working (formats-api.md Q10).
    fn is_locked(&self) -> bool {
        self.meta().business_status.as_deref().is_some_and(|s| {
            [
                "financiallocked",
                "securitylocked",
                "unactivated",
                "abnormal",
                "financial",
                "security",
            ]
            .contains(&s.to_ascii_lowercase().as_str())
        })
    }

    /// Kind, id and name, for findings.
    fn to_ref(&self) -> ResourceRef {
        ResourceRef { kind: self.kind(), id: self.id().clone(), name: self.name().map(Text::from) }
    }
}

/// The kind of a resource type, known at compile time.
pub trait Typed: Resource {
    /// Its kind.
    const KIND: Kind;
}

/// How a finding names a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceRef {
    /// Kind.
    pub kind: Kind,
    /// Id.
    pub id: Id,
    /// Name given by the customer.
    pub name: Option<Text>,
}

impl fmt::Display for ResourceRef {
    /// `NAT gateway ngw-1 (prod-nat)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)?;
        match &self.name {
            Some(name) if **name != *self.id.as_str() => write!(f, " ({name})"),
            _ => Ok(()),
        }
    }
}

/// Joins two statements about the same object.
pub trait Merge {
    /// Takes over what `later` states. Returns false when both state different things; then the
    /// later one wins (decisions.md 20).
    fn merge(&mut self, later: Self) -> bool;
}

impl<T: PartialEq> Merge for Option<T> {
    fn merge(&mut self, later: Self) -> bool {
        match (&*self, later) {
            (_, None) => true,
            (None, later) => {
                *self = later;
                true
            }
            (Some(old), Some(new)) => {
                let same = *old == new;
                *self = Some(new);
                same
            }
        }
    }
}

impl Merge for Meta {
    fn merge(&mut self, later: Self) -> bool {
        // the first source stays, unless it was only a detail and now comes the listing's row
        let parts = [
            self.name.merge(later.name),
            self.tags.merge(later.tags),
            self.account.merge(later.account),
            self.region.merge(later.region),
            self.status.merge(later.status),
            self.business_status.merge(later.business_status),
        ];
        if self.source.is_none() || (self.detail && !later.detail && later.source.is_some()) {
            self.source = later.source;
            self.synthetic = later.synthetic;
            self.detail = later.detail;
        }
        parts.into_iter().all(|same| same)
    }
}

/// A field whose later statement completes the earlier one instead of replacing it: the pages of a
/// list that belongs to one object, or a listing and a detail call that name different parts.
pub(crate) trait Complete {
    /// Takes over what `later` adds. Returns false when both state different things.
    fn complete(&mut self, later: Self) -> bool;
}

impl<T: Complete> Complete for Option<T> {
    fn complete(&mut self, later: Self) -> bool {
        match (self.as_mut(), later) {
            (_, None) => true,
            (None, later) => {
                *self = later;
                true
            }
            (Some(old), Some(new)) => old.complete(new),
        }
    }
}

/// An element of a list that arrives in parts: over several pages, or one row per element.
///
/// Two statements of such a list are joined element by element instead of the later one replacing
/// the earlier (fields marked `=> parts` in `resource!`).
pub trait Part: PartialEq + Sized {
    /// What makes two elements the same one.
    fn key(&self) -> impl Eq + Hash;

    /// Takes over a later statement about the same element; false when the two disagree.
    fn join(&mut self, later: Self) -> bool {
        let same = *self == later;
        *self = later;
        same
    }
}

impl Part for Id {
    fn key(&self) -> impl Eq + Hash {
        self
    }
}

impl Part for Text {
    fn key(&self) -> impl Eq + Hash {
        self
    }
}

/// Joins two lists that arrive in parts: elements of the earlier list stay in their order, those
/// that are new follow. False when the two disagree about an element that both have.
pub(super) fn join_parts<T: Part>(list: &mut Option<Vec<T>>, later: Option<Vec<T>>) -> bool {
    let Some(later) = later else { return true };
    let Some(list) = list else {
        *list = Some(later);
        return true;
    };
    let known: FxHashMap<_, usize> =
        list.iter().enumerate().map(|(n, item)| (item.key(), n)).collect();
    let places: Vec<Option<usize>> =
        later.iter().map(|item| known.get(&item.key()).copied()).collect();
    drop(known);
    let mut same = true;
    for (item, place) in later.into_iter().zip(places) {
        match place.and_then(|n| list.get_mut(n)) {
            Some(earlier) => same &= earlier.join(item),
            None => list.push(item),
        }
    }
    same
}

/// Joins a truth value that only holds when every statement says so, e.g. "seen only from the
/// consumer's side". Never a conflict.
pub(super) fn join_all(value: &mut Option<bool>, later: Option<bool>) -> bool {
    *value = match (*value, later) {
        (Some(a), Some(b)) => Some(a && b),
        (a, b) => a.or(b),
    };
    true
}

/// Declares what makes two elements of a list that arrives in parts the same one, and which further
/// fields are joined when it is stated twice.
macro_rules! part {
    ($type:ty: $($key:ident),+; $($field:ident),*) => {
        impl $crate::topology::resource::Part for $type {
            fn key(&self) -> impl Eq + std::hash::Hash {
                ($( &self.$key, )+)
            }

            fn join(&mut self, later: Self) -> bool {
                use $crate::topology::Merge as _;
                let fields = [$( self.$field.merge(later.$field) ),*];
                fields.into_iter().all(|same| same)
            }
        }
    };
}
pub(crate) use part;

/// Declares a resource: a struct whose fields are all optional, [`Resource`], and a field-wise
/// [`Merge`] that names the fields in conflict. A field marked `=> complete` is joined with
/// [`Complete`]; one marked `=> parts` is a list of [`Part`]s, joined element by element; one marked
/// `=> all` is a truth value that holds when all statements say so.
macro_rules! resource {
    ($(#[$doc:meta])* $name:ident {
        $( $(#[$fdoc:meta])* $field:ident : $type:ty $(=> $how:ident)? ),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            /// Id, name, tags, source.
            pub meta: $crate::topology::Meta,
            $( $(#[$fdoc])* pub $field: Option<$type>, )*
        }

        impl $name {
            /// A resource of which only the id is known.
            pub fn new(id: impl Into<$crate::topology::Id>) -> Self {
                Self { meta: $crate::topology::Meta::new(id), $( $field: None, )* }
            }
        }

        impl $crate::topology::Resource for $name {
            fn kind(&self) -> $crate::topology::Kind {
                $crate::topology::Kind::$name
            }
            fn meta(&self) -> &$crate::topology::Meta {
                &self.meta
            }
        }

        impl $crate::topology::resource::Typed for $name {
            const KIND: $crate::topology::Kind = $crate::topology::Kind::$name;
        }

        impl $crate::topology::resource::Join for $name {
            fn join(&mut self, later: Self) -> Vec<&'static str> {
                use $crate::topology::Merge as _;
                let mut conflicts = Vec::new();
                $(
                    let same = $crate::topology::resource::join_field!(
                        [$($how)?] self.$field, later.$field
                    );
                    if !same { conflicts.push(stringify!($field)); }
                )*
                if !self.meta.merge(later.meta) { conflicts.push("meta"); }
                conflicts
            }
        }
    };
}
pub(crate) use resource;

/// Joins one field of a resource in the way its declaration asks for.
macro_rules! join_field {
    ([] $old:expr, $new:expr) => {
        $crate::topology::Merge::merge(&mut $old, $new)
    };
    ([complete] $old:expr, $new:expr) => {
        $crate::topology::resource::Complete::complete(&mut $old, $new)
    };
    ([parts] $old:expr, $new:expr) => {
        $crate::topology::resource::join_parts(&mut $old, $new)
    };
    ([all] $old:expr, $new:expr) => {
        $crate::topology::resource::join_all(&mut $old, $new)
    };
}
pub(crate) use join_field;

/// Field-wise merge of two statements about one resource.
pub trait Join {
    /// Takes over what `later` states and returns the fields on which the two disagree.
    fn join(&mut self, later: Self) -> Vec<&'static str>;
}

/// Declares an enumeration of the cloud: known words compared without case, everything else kept.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $text:literal $(| $alias:literal)* ),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $( $(#[$vdoc])* $variant, )*
            /// A word that this program does not know.
            Other($crate::topology::Text),
        }

        impl $name {
            /// Reads the cloud's word, without regard to case.
            pub fn from_text(text: &str) -> Self {
                let text = text.trim();
                $( if text.eq_ignore_ascii_case($text) $(|| text.eq_ignore_ascii_case($alias))* {
                    return Self::$variant;
                } )*
                Self::Other($crate::topology::Text::from(text))
            }

            /// The cloud's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )*
                    Self::Other(text) => text,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{AddrValue, Eni, PrivateIp, ServerGroup};

    fn ip(text: &str, primary: Option<bool>) -> PrivateIp {
        PrivateIp { address: AddrValue::from_text(text), primary, public_ip: None }
    }

    #[test]
    fn lists_in_parts_are_joined_element_by_element() {
        let mut eni = Eni::new("eni-1");
        eni.private_ips = Some(vec![ip("10.0.0.1", Some(true)), ip("10.0.0.2", None)]);
        let mut later = Eni::new("eni-1");
        let mut same = ip("10.0.0.2", Some(false));
        same.public_ip = Some(None);
        later.private_ips = Some(vec![ip("10.0.0.3", None), same.clone()]);
        assert!(eni.join(later).is_empty());
        assert_eq!(
            eni.private_ips.clone().unwrap(),
            vec![ip("10.0.0.1", Some(true)), same, ip("10.0.0.3", None)]
        );

        let mut contrary = Eni::new("eni-1");
        contrary.private_ips = Some(vec![ip("10.0.0.1", Some(false))]);
        assert_eq!(eni.join(contrary), ["private_ips"]);
    }

    #[test]
    fn an_empty_part_states_the_list() {
        let mut group = ServerGroup::new("sgp-1");
        let mut empty = ServerGroup::new("sgp-1");
        empty.backends = Some(Vec::new());
        assert!(group.join(empty).is_empty());
        assert_eq!(group.backends, Some(Vec::new()));
        assert!(group.join(ServerGroup::new("sgp-1")).is_empty());
        assert_eq!(group.backends, Some(Vec::new()));
    }

    #[test]
    fn the_row_of_the_listing_is_the_source() {
        let at = |base: &str| Some(Source { file: FileId(0), base: Text::from(base), index: None });
        let mut detail = Meta::new("eni-1");
        detail.source = at("/Instances");
        detail.detail = true;
        let mut row = Meta::new("eni-1");
        row.source = at("/NetworkInterfaceSets");
        let mut first = detail.clone();
        assert!(first.merge(row.clone()));
        assert_eq!(first.source, row.source);
        assert!(first.merge(detail));
        assert_eq!(first.source, row.source);
    }
}
