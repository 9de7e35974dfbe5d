//! The native topology: `*.vpclint.toml` and `*.vpclint.json`, written by hand.
//!
//! One tree, read top-down: accounts hold regions, regions hold VPCs, VPCs hold vSwitches, vSwitches
//! hold instances. A file may start at any level. `docs/native-format.md` is the reference for users,
//! [`schema`] the same for machines.
//!
//! # The closed world
//!
//! A native file describes everything there is. Every listing counts as complete for the places
//! (accounts and regions) in which the file has objects; objects at the top level count for
//! everywhere. `unknown = ["snat_entries"]` at the top takes that back for one kind of objects, and
//! `unknown = ["snat"]` in a NAT gateway for the entries of that gateway. A key that is left out
//! means what a person means by leaving it out; the description of each key says it.
//! `unknown = ["eip"]` in an object makes a key that is left out unknown.
//!
//! # What is implied
//!
//! - a system route table per VPC, and the system routes of every table;
//! - the primary ENI of every instance;
//! - an EIP for every address that some object names as its EIP;
//! - the IPv4 gateway of a VPC with `internet = "central"`;
//! - the connection of an endpoint to a service of the file, as the service side lists it.
//!
//! Nothing is implied of a kind that `unknown` names at the top.
//!
//! # Ids and references
//!
//! An object without id takes its name as id, when no other object of its kind has that name. A
//! reference is an id, a name (one in the same VPC is preferred), or `kind:id`. References that lead
//! nowhere stay as they are; rules report them.

mod build;
mod error;
mod flat;
mod keys;
mod locate;
mod names;
mod text;
mod tree;
mod unknown;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::de::IgnoredAny;

pub use error::{NativeError, Place};
pub use keys::field_key;
pub use locate::locate_toml;

use crate::topology::{Draft, FileId, Origin};
use error::{Fault, closest};
use flat::Flat;
use names::Names;
use tree::Document;

/// Notation of a native file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// TOML.
    Toml,
    /// JSON.
    Json,
}

/// What a native file held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Objects written in the file.
    pub objects: usize,
    /// Resources added to the draft, those that the file implies included.
    pub resources: usize,
}

/// The notation of a native file, or `None` when it is something else: told by the name, and for
/// other names by the content (`version` beside keys of the tree).
pub(crate) fn recognise(path: &Path, text: &str) -> Option<Syntax> {
    let name =
        path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if name.ends_with(".vpclint.toml") {
        return Some(Syntax::Toml);
    }
    if name.ends_with(".vpclint.json") {
        return Some(Syntax::Json);
    }
    let begins = text.trim_start();
    if begins.starts_with('{') {
        // exports are large, so only their head is searched for a hint before the top is read
        let head = begins.get(..begins.floor_char_boundary(64 * 1024)).unwrap_or(begins);
        if !head.contains("\"version\"") {
            return None;
        }
        // what is not JSON at all is for the JSON loader to report
        let top: BTreeMap<Cow<'_, str>, IgnoredAny> = serde_json::from_str(text).ok()?;
        let ours = ["account", "region", "vpc"].iter().any(|key| top.contains_key(*key));
        return (top.contains_key("version") && ours).then_some(Syntax::Json);
    }
    let first = begins
        .lines()
        .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))?;
    let key = first.split('=').next().unwrap_or_default().trim();
    let table = first.trim().starts_with("[[vpc]]") || first.trim().starts_with("[[account]]");
    (table || (key == "version" && first.contains('='))).then_some(Syntax::Toml)
}

/// Reads a native file and adds its resources and listings to the draft. A value that is not an
/// address or block becomes a symbol and an observation.
///
/// # Errors
/// The text is not TOML or JSON, has an unknown key, a value of the wrong type, a word that is none
/// of those expected, an id that is used twice, a name that fits several objects, or a rule line,
/// route or NAT entry that does not parse. Nothing is added to the draft then.
pub fn read(
    text: &str,
    syntax: Syntax,
    file: FileId,
    draft: &mut Draft,
) -> Result<Summary, NativeError> {
    let document: Document = match syntax {
        Syntax::Toml => toml::from_str(text).map_err(|error| toml_error(text, &error))?,
        Syntax::Json => serde_json::from_str(text).map_err(|error| json_error(text, &error))?,
    };
    let mut found = Draft::default();
    let summary = load(document, file, &mut found).map_err(|fault| fault.locate(text, syntax))?;
    found.origins.insert(file, Origin { design: true, export: None });
    draft.absorb(found);
    Ok(summary)
}

fn load(document: Document, file: FileId, draft: &mut Draft) -> Result<Summary, Fault> {
    if let Some(version) = document.version.filter(|v| *v != 1) {
        let message = format!("version {version} of the format is not known");
        return Err(Fault::new("/version", message).help("this program reads version 1"));
    }
    let unknown: BTreeSet<_> = document.unknown.iter().copied().collect();
    let mut flat = Flat::of(document, &unknown);
    let names = Names::assign(&mut flat.nodes)?;
    let objects = flat.nodes.iter().filter(|n| n.synthetic.is_none()).count();
    let resources = build::build(&flat, &names, &unknown, file, draft)?;
    Ok(Summary { objects, resources })
}

/// The JSON Schema of the format, pretty-printed; the same bytes every time.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Document);
    // every key may be left out, so the defaults (null, [], {}) say nothing
    drop_defaults(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

fn drop_defaults(schema: &mut schemars::Schema) {
    schema.remove("default");
    schemars::transform::transform_subschemas(&mut drop_defaults, schema);
}

fn toml_error(text: &str, error: &toml::de::Error) -> NativeError {
    let place = error.span().map(|span| Place::of(text, span));
    serde_error(error.message(), place)
}

fn json_error(text: &str, error: &serde_json::Error) -> NativeError {
    let line_start = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let offset = line_start + error.column().saturating_sub(1);
    let message = error.to_string();
    // the place is told apart
    let message = message.rfind(" at line ").and_then(|n| message.get(..n)).unwrap_or(&message);
    let mut error = serde_error(message, None);
    // the reader stops behind the key or word; point at it
    let word = error.message.split('`').nth(1).filter(|w| !w.is_empty()).map(str::to_owned);
    let start = word.and_then(|word| {
        let before = text.get(..=offset).or_else(|| text.get(..offset))?;
        Some(before.rfind(&word)?..before.rfind(&word)? + word.len())
    });
    error.place = Some(Place::of(text, start.unwrap_or(offset..offset)));
    error
}

/// Rewords serde's message about an unknown key: the key, and the one that was probably meant.
fn serde_error(message: &str, place: Option<Place>) -> NativeError {
    let mut help = None;
    let mut message = message.trim_end().to_owned();
    for (start, what) in [("unknown field `", "key"), ("unknown variant `", "word")] {
        let Some(rest) = message.strip_prefix(start) else { continue };
        let Some((word, rest)) = rest.split_once('`') else { continue };
        let candidates: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        let known = candidates.join(", ");
        help = Some(match closest(word, candidates) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {known}"),
        });
        message = format!("unknown {what} `{word}`");
        break;
    }
    NativeError { message, place, help, related: Vec::new() }
}

#[cfg(test)]
mod tests;
