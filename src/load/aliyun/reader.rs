//! What a reader of one API's body gets and where it puts its rows.

use std::collections::BTreeMap;

use super::shape::{List, Scalar};
use crate::topology::{
    Accept, AddrValue, CidrValue, Draft, FileId, Id, Meta, Observation, ObservationKind, Resource,
    Source, Text,
};

/// Reads the rows of one body into the draft.
pub(crate) type ReadFn = fn(&str, &mut ReadContext<'_>) -> Result<(), serde_json::Error>;

/// One body in its context: request parameters, place and owner.
pub(crate) struct ReadContext<'a> {
    /// Request parameters by name, from manifest, file name or recovery (formats-api.md §6.3).
    pub(crate) params: &'a BTreeMap<String, String>,
    /// Account whose credentials made the call.
    pub(crate) account: Option<Id>,
    /// Region that was asked.
    pub(crate) region: Option<Id>,
    /// The file.
    pub(crate) file: FileId,
    /// Pointer of the body in the file; empty for a plain file.
    pub(crate) prefix: &'a str,
    /// Where rows go.
    pub(crate) draft: &'a mut Draft,
    /// Rows that could not be attached to their parent, as `reason` texts (formats-api.md §6.3).
    pub(crate) unattached: Vec<String>,
    /// Number of rows of the body's main list.
    pub(crate) rows: u64,
}

impl ReadContext<'_> {
    /// Value of a request parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    /// Sources of the elements of a list that stands under the pointer `outer` (`/Vpcs`).
    pub(crate) fn sources<T>(&self, outer: &str, list: &List<T>) -> Sources {
        Sources {
            file: self.file,
            base: Text::from(format!("{}{}", self.prefix, list.pointer(outer))),
            indexed: !list.is_collapsed(),
        }
    }

    /// Source of the body itself, or of an object in it.
    pub(crate) fn source(&self, pointer: &str) -> Source {
        Source {
            file: self.file,
            base: Text::from(format!("{}{pointer}", self.prefix)),
            index: None,
        }
    }

    /// Counts the rows of the main list; called once per body.
    pub(crate) fn count<T>(&mut self, list: &List<T>) {
        self.rows = u64::try_from(list.len()).unwrap_or(u64::MAX);
    }

    /// Fills the common part: account and region of the call, unless the row says otherwise.
    pub(crate) fn fill(&self, meta: &mut Meta, source: Source, row: &Common<'_>) {
        // a body that is the row itself is a detail call; the listing's row is the better place
        meta.detail |= source.index.is_none() && *source.base == *self.prefix;
        meta.source = Some(source);
        meta.name = row.name.text();
        meta.status = row.status.text();
        meta.business_status = row.business_status.text();
        meta.account = row.owner.id().or_else(|| self.account.clone());
        meta.region = row.region.id().or_else(|| self.region.clone());
    }

    /// Adds a resource.
    pub(crate) fn add<T>(&mut self, resource: T)
    where
        Draft: Accept<T>,
    {
        self.draft.add(resource);
    }

    /// Reads an address; what is not one is kept as a symbol and reported.
    pub(crate) fn addr(&mut self, of: &dyn Resource, field: &'static str, text: &str) -> AddrValue {
        let value = AddrValue::from_text(text);
        if value.known().is_none() {
            self.observe(of, field, text);
        }
        value
    }

    /// Reads a block; what is not one is kept as a symbol and reported.
    pub(crate) fn cidr(&mut self, of: &dyn Resource, field: &'static str, text: &str) -> CidrValue {
        let value = CidrValue::from_text(text);
        if value.known().is_none() {
            self.observe(of, field, text);
        }
        value
    }

    fn observe(&mut self, of: &dyn Resource, field: &'static str, text: &str) {
        let kind =
            if is_masked(text) { ObservationKind::Masked } else { ObservationKind::Unreadable };
        self.draft.observations.push(Observation {
            resource: of.to_ref(),
            field,
            kind,
            text: Text::from(text),
            source: of.meta().source.clone(),
        });
    }
}

/// True for texts that somebody masked by hand: `139.xxx.xx.107`, `47.75.XX.XX`, `10.1.**.**`
/// (formats-api.md Q15, rules.md DATA003).
pub(crate) fn is_masked(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("xx") || text.contains("**")
}

/// Places of a list's elements.
pub(crate) struct Sources {
    file: FileId,
    base: Text,
    indexed: bool,
}

impl Sources {
    /// Place of element `n`.
    pub(crate) fn at(&self, n: usize) -> Source {
        let index = if self.indexed { u32::try_from(n).ok() } else { None };
        Source { file: self.file, base: self.base.clone(), index }
    }
}

/// The fields that most rows share, gathered by each reader from wherever its API keeps them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Common<'a> {
    /// Name.
    pub(crate) name: Scalar<'a>,
    /// Status.
    pub(crate) status: Scalar<'a>,
    /// Business status.
    pub(crate) business_status: Scalar<'a>,
    /// Owner account, if the row states it.
    pub(crate) owner: Scalar<'a>,
    /// Region, if the row states it.
    pub(crate) region: Scalar<'a>,
}

/// A tag in either spelling (formats-api.md Q11).
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Tag<'a> {
    #[serde(alias = "TagKey", rename = "Key", default, borrow)]
    key: Scalar<'a>,
    #[serde(alias = "TagValue", rename = "Value", default, borrow)]
    value: Scalar<'a>,
}

/// Tags of a row; `None` when the key is missing.
pub(crate) fn tags(list: &List<Tag<'_>>) -> Option<Vec<(Text, Text)>> {
    list.stated_some(|tag| {
        Some((tag.key.text()?, tag.value.text().unwrap_or_else(|| Text::from(""))))
    })
}
