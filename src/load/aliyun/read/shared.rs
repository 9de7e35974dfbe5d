//! What several readers need: rows, objects that may be empty, lost parents, grouping.

use std::collections::BTreeMap;

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
