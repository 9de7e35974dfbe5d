//! Rows that stand alone (`jq`, `--cli-query`): put back into a response so that the reader of the
//! API reads them, and their places corrected afterwards.

use std::ops::Range;

use super::fingerprints::Fingerprint;
use crate::topology::{Draft, Source, Text};

/// A response made around rows.
#[derive(Debug)]
pub(crate) struct Wrapped {
    /// The text for the reader.
    pub(crate) text: String,
    /// Where the list stands in that text.
    path: String,
    /// Where it stands in the file.
    place: Place,
}

/// Where the rows stand in the file.
#[derive(Debug)]
enum Place {
    /// In a list with this pointer.
    List(String),
    /// One document each, from this index on.
    Documents(usize),
    /// The only document of the file.
    Only(String),
}

impl Wrapped {
    /// Wraps a bare list.
    pub(crate) fn list(print: &Fingerprint, list: &str, pointer: String) -> Option<Self> {
        Self::new(print, list, Place::List(pointer))
    }

    /// Wraps documents that are one row each; `first` is the index of the first of them.
    pub(crate) fn documents(
        print: &Fingerprint,
        text: &str,
        ranges: &[Range<usize>],
        first: usize,
        pointer: &str,
    ) -> Option<Self> {
        let rows: Vec<&str> = ranges.iter().filter_map(|r| text.get(r.clone())).collect();
        let place = match pointer.strip_prefix('/').map(str::parse::<usize>) {
            Some(Ok(_)) => Place::Documents(first),
            _ => Place::Only(pointer.to_owned()),
        };
        Self::new(print, &format!("[{}]", rows.join(",")), place)
    }

    fn new(print: &Fingerprint, list: &str, place: Place) -> Option<Self> {
        let main = print.main_list()?;
        let (text, path) = match main.inner {
            Some(inner) => (
                format!("{{\"{}\":{{\"{inner}\":{list}}}}}", main.outer),
                format!("/{}/{inner}", main.outer),
            ),
            None => (format!("{{\"{}\":{list}}}", main.outer), format!("/{}", main.outer)),
        };
        Some(Self { text, path, place })
    }

    /// Moves the places of what was read to where the rows stand in the file.
    pub(crate) fn correct(&self, draft: &mut Draft) {
        draft.move_sources(|source| self.move_source(source));
    }

    fn move_source(&self, source: &mut Source) {
        let base = Text::clone(&source.base);
        let Some(rest) = base.strip_prefix(self.path.as_str()) else { return };
        match &self.place {
            Place::List(pointer) => source.base = Text::from(format!("{pointer}{rest}")),
            Place::Only(pointer) => {
                // the first row is the document
                let inside = rest.strip_prefix("/0").unwrap_or("");
                source.base = Text::from(format!("{pointer}{inside}"));
                if rest.is_empty() {
                    source.index = None;
                }
            }
            Place::Documents(first) => {
                if rest.is_empty() {
                    let first = u32::try_from(*first).unwrap_or(u32::MAX);
                    source.base = Text::from("");
                    source.index = source.index.map(|n| n.saturating_add(first));
                    return;
                }
                let rest = rest.trim_start_matches('/');
                let (row, inside) = rest.split_once('/').unwrap_or((rest, ""));
                let row = row.parse::<usize>().unwrap_or(0).saturating_add(*first);
                let slash = if inside.is_empty() { "" } else { "/" };
                source.base = Text::from(format!("/{row}{slash}{inside}"));
            }
        }
    }
}
