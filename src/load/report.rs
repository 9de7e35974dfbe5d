//! What a run loaded and what it could not use: the facts that `vpclint inspect` prints.

use std::collections::BTreeMap;

use super::error::Broken;
use crate::topology::{FileId, Id};

/// How the API of a document was recognised (formats-api.md §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// By the `_meta` envelope around it.
    Envelope,
    /// By a row of `manifest.jsonl`.
    Manifest,
    /// By the command line.
    Option,
    /// By the file name.
    FileName,
    /// By its keys.
    Content,
}

/// A response that was read into the topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBody {
    /// Product.
    pub product: &'static str,
    /// API.
    pub api: &'static str,
    /// How it was recognised.
    pub how: How,
    /// Account that was asked, if known.
    pub account: Option<Id>,
    /// Region that was asked, if known.
    pub region: Option<Id>,
    /// Request parameters, also recovered ones, without those of paging.
    pub params: BTreeMap<String, String>,
    /// Rows of its main list.
    pub rows: u64,
    /// Rows that could not be attached to their parent, and why.
    pub unattached: Vec<String>,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A response, read into the topology.
    Read(ReadBody),
    /// A response of a call that the program knows but does not use.
    NotUsed {
        /// Product.
        product: &'static str,
        /// API.
        api: &'static str,
    },
    /// The trace of a call that failed.
    FailedCall {
        /// `product API`, if known.
        call: Option<String>,
        /// Error code.
        code: String,
    },
    /// Valid, but not understood.
    NotUnderstood {
        /// Why.
        why: String,
    },
    /// A manifest of calls.
    Manifest {
        /// Number of calls.
        calls: usize,
        /// How many of them failed.
        failed: usize,
    },
    /// A native topology.
    Native,
}

/// A document of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file.
    pub file: FileId,
    /// JSON pointer of the document in the file; empty for plain files.
    pub pointer: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteLevel {
    /// Answers may be wrong or missing because of it.
    Warning,
    /// Something was assumed; good to know.
    Note,
}

/// Something worth knowing about the input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// How much it matters.
    pub level: NoteLevel,
    /// The file that it is about.
    pub file: Option<FileId>,
    /// The text.
    pub text: String,
}

/// Everything that is known about the inputs of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Every document in the order of files.
    pub documents: Vec<Document>,
    /// Warnings and notes, in the order of files.
    pub notes: Vec<Note>,
    /// Files that could not be read, when the run went on without them.
    pub broken: Vec<Broken>,
}

impl LoadReport {
    /// Adds a warning.
    pub(crate) fn warn(&mut self, file: Option<FileId>, text: String) {
        self.notes.push(Note { level: NoteLevel::Warning, file, text });
    }

    /// Adds a note.
    pub(crate) fn note(&mut self, file: Option<FileId>, text: String) {
        self.notes.push(Note { level: NoteLevel::Note, file, text });
    }

    /// Documents that were read into the topology.
    pub fn bodies(&self) -> impl Iterator<Item = (FileId, &ReadBody)> {
        self.documents.iter().filter_map(|d| match &d.outcome {
            Outcome::Read(body) => Some((d.file, body)),
            _ => None,
        })
    }

    /// Takes over everything of `other`.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        self.documents.append(&mut other.documents);
        self.notes.append(&mut other.notes);
    }
}
