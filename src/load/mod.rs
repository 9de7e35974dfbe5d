//! From bytes to a topology.
//!
//! [`load`] takes files, directories and standard input, recognises what they are by content, and
//! gives one [`Topology`], the [`Files`] to go back to for lines and columns, and a [`LoadReport`] of
//! what was understood and what was not.

mod aliyun;
mod decode;
mod error;
mod files;
mod json;
pub mod native;
mod report;
mod span;

use std::path::Path;

use rayon::prelude::*;

use aliyun::{Beside, FileOutcome, Manifest, Session, looks_like_manifest};
use decode::{Decoded, Unreadable, decode, to_text};
use files::{FileEntry, Layout};

pub use error::{Broken, LoadError};
pub use files::{Files, Input, Location, Place};
pub use report::{Document, How, LoadReport, Note, NoteLevel, Outcome, ReadBody};

use crate::topology::{Draft, FileId, Id, Origin, Text, Topology};

/// What the user says about the inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Region of responses that do not tell it.
    pub region: Option<String>,
    /// Account of responses that do not tell it.
    pub account: Option<String>,
    /// API of responses that could be of several: `DescribeVpcs` or `nlb:ListListeners`.
    pub api: Option<String>,
    /// Load the other files when some are broken, and list those in the report. Answers then rest
    /// on part of the input, so only `vpclint inspect` does it.
    pub keep_going: bool,
}

/// What was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// Everything that the inputs say.
    pub topology: Topology,
    /// The files, for lines and columns.
    pub files: Files,
    /// What was recognised and what was not.
    pub report: LoadReport,
}

/// Loads files, directories and standard input.
///
/// # Errors
/// [`LoadError::Usage`] without input; [`LoadError::Broken`] with every file that is missing,
/// unreadable, not text or not JSON; [`LoadError::NothingRecognised`] when every file could be read
/// and none is anything known. Valid JSON that is not understood is reported, not fatal.
pub fn load(inputs: &[Input], options: &LoadOptions) -> Result<Loaded, LoadError> {
    let mut files = Files::find(inputs)?;
    let session = Session { beside: beside(files.entries()), options };
    let outcomes: Vec<(Layout, Result<FileOutcome, Broken>)> = files
        .entries()
        .par_iter()
        .enumerate()
        .map(|(n, entry)| read_entry(&session, FileId(u32::try_from(n).unwrap_or(u32::MAX)), entry))
        .collect();
    let mut broken = Vec::new();
    let mut good = Vec::new();
    for (n, (layout, outcome)) in outcomes.into_iter().enumerate() {
        files.set_layout(FileId(u32::try_from(n).unwrap_or(u32::MAX)), layout);
        match outcome {
            Ok(outcome) => good.push(outcome),
            Err(error) => broken.push(error),
        }
    }
    let nothing_left = good.is_empty();
    if !broken.is_empty() && (nothing_left || !options.keep_going) {
        return Err(LoadError::Broken(broken));
    }
    let mut draft = Draft::default();
    let mut report = LoadReport { broken, ..LoadReport::default() };
    session.finish(good, &mut draft, &mut report);
    for (n, entry) in files.entries().iter().enumerate() {
        // native files have said already that they are designs
        draft.origins.entry(FileId(u32::try_from(n).unwrap_or(u32::MAX))).or_insert_with(|| {
            let run = session.beside.run_of(entry.name());
            Origin { design: false, export: Some(Text::from(run.to_string_lossy())) }
        });
    }
    let topology = draft.build();
    float_damage(&topology, &mut report);
    if !anything_recognised(&report) {
        return Err(nothing_recognised(&files, &report));
    }
    Ok(Loaded { topology, files, report })
}

/// Reads one file, whatever it is. The input kinds meet here.
fn read_entry(
    session: &Session<'_>,
    file: FileId,
    entry: &FileEntry,
) -> (Layout, Result<FileOutcome, Broken>) {
    let bytes = match entry.bytes() {
        Ok(bytes) => bytes,
        Err(broken) => return (Layout::Json, Err(broken)),
    };
    if has_suffix(entry.name(), &["toml"]) {
        return match to_text(bytes) {
            Ok(text) => read_native(file, entry, &text, native::Syntax::Toml),
            Err(unreadable) => (Layout::Toml, Err(undecodable(entry, unreadable))),
        };
    }
    match decode(bytes) {
        Decoded::Toml(text) => read_native(file, entry, &text, native::Syntax::Toml),
        Decoded::Text(text) => {
            if let Some(syntax) = native::recognise(entry.name(), &text) {
                return read_native(file, entry, &text, syntax);
            }
            (Layout::Json, session.read_file(file, entry, &text, Layout::Json))
        }
        Decoded::Transcript(text) => {
            (Layout::Transcript, session.read_file(file, entry, &text, Layout::Transcript))
        }
        Decoded::Empty => (Layout::Json, Ok(session.failed_file(file, entry, "empty file"))),
        Decoded::CliError(code) => (Layout::Json, Ok(session.failed_file(file, entry, &code))),
        Decoded::Broken(unreadable) => (Layout::Json, Err(undecodable(entry, unreadable))),
    }
}

fn undecodable(entry: &FileEntry, unreadable: Unreadable) -> Broken {
    Broken {
        file: entry.display.clone(),
        line: None,
        column: None,
        what: unreadable.what,
        help: Some(unreadable.help.to_owned()),
    }
}

/// Reads a topology that was written by hand.
fn read_native(
    file: FileId,
    entry: &FileEntry,
    text: &str,
    syntax: native::Syntax,
) -> (Layout, Result<FileOutcome, Broken>) {
    let layout = match syntax {
        native::Syntax::Toml => Layout::Toml,
        native::Syntax::Json => Layout::Native,
    };
    let mut draft = Draft::default();
    let outcome = native::read(text, syntax, file, &mut draft)
        .map(|_| FileOutcome::native(file, draft))
        .map_err(|error| {
            let mut what = error.message.clone();
            for (label, place) in &error.related {
                what.push_str(&format!(
                    "; {label} at line {}, column {}",
                    place.line, place.column
                ));
            }
            let number = |n: usize| u32::try_from(n).ok();
            Broken {
                file: entry.display.clone(),
                line: error.place.as_ref().and_then(|p| number(p.line)),
                column: error.place.as_ref().and_then(|p| number(p.column)),
                what,
                help: error.help,
            }
        });
    (layout, outcome)
}

/// Files larger than this are not looked at for an identity.
const IDENTITY_BYTES: u64 = 16 * 1024;

/// Reads manifests and identities, which must be known before the bodies.
fn beside(entries: &[FileEntry]) -> Beside {
    enum Found {
        Manifest(Manifest),
        Identity(Id),
    }
    let found: Vec<Option<Found>> = entries
        .par_iter()
        .map(|entry| {
            let path = entry.path.as_deref()?;
            let lines = has_suffix(path, &["jsonl", "ndjson"]);
            let small = std::fs::metadata(path).is_ok_and(|m| m.len() <= IDENTITY_BYTES);
            if !lines && !small {
                return None;
            }
            let Decoded::Text(text) = decode(entry.bytes().ok()?) else { return None };
            if lines && looks_like_manifest(text.get(..4096).unwrap_or(&text)) {
                return Some(Found::Manifest(Manifest::parse(&text, path)));
            }
            account_of(&text).map(Found::Identity)
        })
        .collect();
    let mut beside = Beside::default();
    for (entry, found) in entries.iter().zip(found) {
        match found {
            Some(Found::Manifest(manifest)) => beside.add_manifest(manifest),
            Some(Found::Identity(account)) => beside.add_identity(entry.name(), account),
            None => {}
        }
    }
    beside
}

fn has_suffix(path: &Path, suffixes: &[&str]) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| suffixes.contains(&e))
}

/// The account of a `GetCallerIdentity` response.
fn account_of(text: &str) -> Option<Id> {
    if !text.contains("\"AccountId\"") || !text.contains("\"IdentityType\"") {
        return None;
    }
    aliyun::account_id(text).map(Id::from)
}

/// Largest number that survives a program that keeps numbers as 64-bit floats.
const EXACT: u64 = 1 << 53;

/// Account ids that differ only in their last digits were damaged by such a program
/// (formats-api.md F16).
fn float_damage(topology: &Topology, report: &mut LoadReport) {
    let accounts: std::collections::BTreeSet<&Id> =
        topology.resources().filter_map(|r| r.meta().account.as_ref()).collect();
    let numbers: Vec<u64> =
        accounts.iter().filter_map(|id| id.as_str().parse().ok()).filter(|n| *n > EXACT).collect();
    for (a, b) in numbers.iter().zip(numbers.iter().skip(1)) {
        if a.abs_diff(*b) < 256 {
            let text = format!(
                "accounts {a} and {b} differ in the last digits only: `--pager`, jq before 1.7 or JavaScript has probably altered one of them"
            );
            report.warn(None, text);
        }
    }
}

fn anything_recognised(report: &LoadReport) -> bool {
    report.documents.iter().any(|d| match &d.outcome {
        Outcome::Read(_) | Outcome::Native => true,
        // failed calls alone are no topology: an answer about nothing would read as clean
        Outcome::FailedCall { .. }
        | Outcome::NotUsed { .. }
        | Outcome::NotUnderstood { .. }
        | Outcome::Manifest { .. } => false,
    })
}

fn nothing_recognised(files: &Files, report: &LoadReport) -> LoadError {
    let seen = report.documents.iter().find_map(|d| {
        let what = match &d.outcome {
            Outcome::NotUnderstood { why } => format!("not understood: {why}"),
            Outcome::NotUsed { product, api } => {
                format!("the answer of {product} {api}, which is not used")
            }
            Outcome::FailedCall { code, .. } => format!("a failed call ({code})"),
            Outcome::Manifest { .. } => "a manifest without the files that it names".to_owned(),
            Outcome::Read(_) | Outcome::Native => return None,
        };
        Some(format!("`{}` is {what}", files.display(d.file)))
    });
    let seen = seen.unwrap_or_else(|| "there is no `*.json` file".to_owned());
    LoadError::NothingRecognised { files: files.len(), seen }
}
