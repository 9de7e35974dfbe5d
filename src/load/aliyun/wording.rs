//! What is said of documents that are broken or not understood. Values of the input, which may be
//! secret, are never part of it.

use super::carrier::{Content, Part};
use crate::load::error::Broken;
use crate::load::files::FileEntry;
use crate::load::json::JsonError;
use crate::load::span;

/// Says what an unrecognised document looks like.
pub(super) fn unknown(part: &Part<'_>) -> String {
    let Content::Object(outline) = &part.content else {
        return "a list whose elements fit no known response".to_owned();
    };
    if outline.has("terraform_version") || outline.has("planned_values") {
        return "Terraform JSON; this command reads responses of the cloud's API and native topologies".to_owned();
    }
    if outline.has("configurationItems") {
        return "a Cloud Config snapshot, which is not read".to_owned();
    }
    let mut keys: Vec<String> = outline
        .entries
        .iter()
        .take(4)
        .map(|e| e.key.chars().filter(|c| !c.is_control()).take(40).collect::<String>())
        .map(|key| format!("`{key}`"))
        .collect();
    if outline.entries.len() > keys.len() {
        keys.push("…".to_owned());
    }
    format!("no known response has the keys {}", keys.join(", "))
}

/// serde's message without values of the input, which may be secret, and without its place.
pub(super) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rfind(" at line ").and_then(|at| text.get(..at)).unwrap_or(&text);
    let harmless = [
        "duplicate field",
        "missing field",
        "expected",
        "EOF",
        "trailing",
        "invalid escape",
        "control character",
        "lone leading surrogate",
        "key must",
        "invalid number",
        "recursion limit",
        "unexpected end",
        "invalid unicode",
    ];
    if harmless.iter().any(|start| text.starts_with(start)) {
        text.to_owned()
    } else {
        "a value does not have the type that was expected".to_owned()
    }
}

/// Byte offset of a serde error in the text it was given.
pub(super) fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let before: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    (before + error.column().saturating_sub(1)).min(text.len())
}

pub(super) fn broken_json(entry: &FileEntry, text: &str, error: &JsonError) -> Broken {
    broken_at(entry, text, error.at, &error.to_string())
}

pub(super) fn broken_at(entry: &FileEntry, text: &str, offset: usize, what: &str) -> Broken {
    let place = span::places(text, &[offset]).first().copied();
    Broken {
        file: entry.display.clone(),
        line: place.map(|p| p.line),
        column: place.map(|p| p.column),
        what: what.to_owned(),
        help: Some("export the file again, or leave it out".to_owned()),
    }
}
