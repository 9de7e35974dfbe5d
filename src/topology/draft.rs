//! A topology under construction: loaders add resources and listing states in any order.

use super::{Draft, ResourceRef, Source, Text};

/// Two statements about one resource that disagree (rule DATA002).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The resource.
    pub resource: ResourceRef,
    /// Model fields on which the statements differ.
    pub fields: Vec<&'static str>,
    /// Where the first statement is.
    pub earlier: Option<Source>,
    /// Where the one that won is.
    pub later: Option<Source>,
}

impl Conflict {
    /// Order for output.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        (&self.resource, &self.earlier, &self.later).cmp(&(
            &other.resource,
            &other.earlier,
            &other.later,
        ))
    }
}

/// What kind of input a file is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// It says what shall be (a native topology, a plan), not what is. The cloud refuses some values
    /// that only a design can hold, so rules judge them harder (decisions.md 28).
    pub design: bool,
    /// Files with the same text were made by one run of an export, so that they differ only because
    /// something changed meanwhile (decisions.md 20). `None`: a run of its own.
    pub export: Option<Text>,
}

/// Why a value could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObservationKind {
    /// It was masked by hand (`139.xxx.xx.107`); kept as an opaque symbol (rule DATA003).
    Masked,
    /// It is not an address, block or port at all; kept as an opaque symbol.
    Unreadable,
}

/// A value of the input that could not be read as what it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// The resource.
    pub resource: ResourceRef,
    /// Model field.
    pub field: &'static str,
    /// Why.
    pub kind: ObservationKind,
    /// The text.
    pub text: Text,
    /// Where the resource is.
    pub source: Option<Source>,
}

/// Implemented by [`Draft`] for every resource type.
pub trait Accept<T> {
    /// Adds a resource; one with the same id is joined when the draft is built.
    fn accept(&mut self, resource: T);
}

impl Draft {
    /// Adds a resource; one with the same id is joined when the draft is built.
    pub fn add<T>(&mut self, resource: T)
    where
        Self: Accept<T>,
    {
        self.accept(resource);
    }
}
