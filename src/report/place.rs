//! Findings with the places that they point at. The report prints places, it does not look them up.

use std::ops::Range;

use crate::rules::{Finding, LocationRole, Outcome, Undetermined};
use crate::topology::FileId;

/// A place in an input (decisions.md 26).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, for its text.
    pub file_id: FileId,
    /// The file as it was named on the command line.
    pub file: String,
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// First line, from 1.
    pub line: u32,
    /// First column, from 1, in Unicode scalar values.
    pub column: u32,
    /// Line of the end, which is exclusive.
    pub end_line: u32,
    /// Column of the end, which is exclusive.
    pub end_column: u32,
    /// The same place in bytes of the file's text.
    pub bytes: Range<usize>,
}

/// A place together with what a finding says about it.
#[derive(Debug, Clone)]
pub struct Spot<'a> {
    /// Whether it is what is wrong or what it conflicts with.
    pub role: LocationRole,
    /// What stands there, in a few words; may be empty.
    pub label: &'a str,
    /// Where.
    pub place: Place,
}

/// A finding with its places, the primary one first.
#[derive(Debug, Clone)]
pub struct Located<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// Its places; none for findings about something absent.
    pub spots: Vec<Spot<'a>>,
}

/// The texts of the input files.
pub trait Texts {
    /// The text of a file, if it is still at hand.
    fn text(&self, file: FileId) -> Option<&str>;
}

/// What a check printed in any format consists of.
pub struct Checked<'a> {
    /// Findings, gravest first.
    pub findings: Vec<Located<'a>>,
    /// What could not be decided, by rule.
    pub undetermined: &'a [Undetermined],
    /// Number of rules that ran.
    pub rules: usize,
    /// Number of resources in the topology.
    pub resources: usize,
    /// Number of input files that were understood.
    pub files: usize,
}

impl<'a> Checked<'a> {
    /// Joins an outcome with the places of its findings; `spots` gives those of one finding.
    pub fn new(
        outcome: &'a Outcome,
        resources: usize,
        files: usize,
        mut spots: impl FnMut(&'a Finding) -> Vec<Spot<'a>>,
    ) -> Self {
        Self {
            findings: outcome
                .findings
                .iter()
                .map(|finding| Located { finding, spots: spots(finding) })
                .collect(),
            undetermined: &outcome.undetermined,
            rules: outcome.rules,
            resources,
            files,
        }
    }
}
