//! What can be wrong with a native file.

use std::fmt;
use std::ops::Range;

use super::Syntax;
use super::locate::{locate_json, locate_toml};

/// A place in the text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Bytes.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The place of a byte span. Ends beyond the text are moved to its end.
    pub(super) fn of(text: &str, span: Range<usize>) -> Self {
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        Self {
            span: start..span.end.clamp(start, text.len()),
            line: before.bytes().filter(|b| *b == b'\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// Why a native file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// What to do.
    pub help: Option<String>,
    /// Other places that belong to the story, each with a label.
    pub related: Vec<(String, Place)>,
}

impl fmt::Display for NativeError {
    /// `line 4, column 1: unknown key …; help: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "line {}, column {}: ", place.line, place.column)?;
        }
        f.write_str(&self.message)?;
        for (label, place) in &self.related {
            write!(f, "; {label} at line {}, column {}", place.line, place.column)?;
        }
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for NativeError {}

/// A mistake in the tree, placed by JSON pointer.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) pointer: String,
    pub(super) help: Option<String>,
    pub(super) related: Vec<(String, String)>,
}

impl Fault {
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), pointer: pointer.into(), help: None, related: Vec::new() }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Finds the places in the text.
    pub(super) fn locate(self, text: &str, syntax: Syntax) -> NativeError {
        let place = |pointer: &str| {
            // a pointer to a key that is left out leads to the object
            let mut pointer = pointer;
            loop {
                let span = match syntax {
                    Syntax::Toml => locate_toml(text, pointer),
                    Syntax::Json => locate_json(text, pointer),
                };
                match (span, pointer.rsplit_once('/')) {
                    (Some(span), _) => return Some(Place::of(text, span)),
                    (None, Some((up, _))) => pointer = up,
                    (None, None) => return None,
                }
            }
        };
        NativeError {
            place: place(&self.pointer),
            related: self
                .related
                .into_iter()
                .filter_map(|(label, pointer)| Some((label, place(&pointer)?)))
                .collect(),
            message: self.message,
            help: self.help,
        }
    }
}

/// The candidate that is closest to a misspelt word, if any is close.
pub(super) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let limit = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|c| (distance(&word, &c.to_ascii_lowercase()), c))
        .filter(|(d, c)| *d <= limit || (word.len() > 2 && c.starts_with(word.as_str())))
        .min()
        .map(|(_, c)| c)
}

/// Edit distance with transposition of neighbours. Words are short; long ones are cut.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], n: usize| row.get(n).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&previous, j) + usize::from(x != y))
                .min(at(&previous, j + 1) + 1)
                .min(at(&row, j) + 1);
            let swapped =
                i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) && x != y;
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_close() {
        let keys = ["vswitch", "route_table", "nat_gateway", "cidr"];
        assert_eq!(closest("vswich", keys), Some("vswitch"));
        assert_eq!(closest("cdir", keys), Some("cidr"));
        assert_eq!(closest("route_tables", keys), Some("route_table"));
        assert_eq!(closest("zebra", keys), None);
    }

    #[test]
    fn places_count_characters() {
        let text = "a = \"杭州\"\nb = 1\n";
        let at = text.find("州").unwrap();
        let place = Place::of(text, at..at + 1);
        assert_eq!((place.line, place.column), (1, 7));
        let place = Place::of(text, 1000..2000);
        assert_eq!((place.line, place.column), (3, 1));
    }
}
