//! Pieces of input files for the renderer.
//!
//! miette's own source type reads a file from its start for every label and prints lines whole: a
//! one-line export of 64 KB makes it panic (craft.md §0.1–2). An [`Excerpt`] is cut beforehand: a
//! few lines, long ones cut around what is marked, hostile characters masked. Cutting one costs the
//! same at any file size.

use std::ops::Range;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::clean::{clean, mask_line};
use super::place::{Place, Spot};

/// Longest line in bytes that is shown whole.
const LONG: usize = 200;
/// Bytes shown on each side of what is marked in a longer line.
const SIDE: usize = 80;
/// Lines that may lie between two marks of one excerpt.
const NEAR: u32 = 6;
/// Lines shown after the first line of an object that is marked as a whole.
const OBJECT_LINES: u32 = 3;

/// A few lines of a file with marks.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    text: String,
    /// Line of the first character, from 0.
    first_line: usize,
    /// Line and column of the first mark, from 0.
    at: (usize, usize),
    marks: Vec<LabeledSpan>,
    /// Which of the given spots are marked.
    marked: Vec<bool>,
}

impl Excerpt {
    /// Cuts the lines around the first spot out of its file and marks it, and with it every other
    /// spot that lies close by in the same file.
    pub(super) fn cut(text: &str, spots: &[Spot<'_>]) -> Option<Self> {
        let (first, rest) = spots.split_first()?;
        let line = Line::around(text, first.place.bytes.start)?;
        let mut excerpt = Self {
            name: clean(&first.place.file),
            text: String::new(),
            first_line: index(first.place.line),
            at: (index(first.place.line), index(first.place.column)),
            marks: Vec::new(),
            marked: vec![false; spots.len()],
        };
        if line.is_long(text) {
            let window = line.window(text, &first.place.bytes);
            excerpt.push(text, &window, std::slice::from_ref(first));
            return Some(excerpt);
        }
        let near = |spot: &&Spot<'_>| {
            spot.place.file_id == first.place.file_id
                && spot.place.line.abs_diff(first.place.line) <= NEAR
                && spot.place.bytes != first.place.bytes
        };
        let mut start = line;
        let top = rest.iter().filter(near).map(|s| s.place.line).fold(first.place.line, u32::min);
        let mut before = first.place.line - top + 1;
        while before > 0
            && let Some(previous) = start.previous(text).filter(|l| !l.is_long(text))
        {
            start = previous;
            excerpt.first_line = excerpt.first_line.saturating_sub(1);
            before -= 1;
        }
        let bottom = rest
            .iter()
            .filter(near)
            .map(|spot| last_line_shown(&spot.place))
            .fold(last_line_shown(&first.place), u32::max);
        let mut next = Some(start);
        let mut number = excerpt.first_line;
        while let Some(line) = next.filter(|l| number <= index(bottom) + 1 && !l.is_long(text)) {
            excerpt.push(text, &(line.start..line.end), spots);
            next = line.next(text);
            number += 1;
        }
        Some(excerpt)
    }

    /// Adds a piece of a line and the marks that begin in it.
    fn push(&mut self, text: &str, piece: &Range<usize>, spots: &[Spot<'_>]) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let base = self.text.len();
        mask_line(text.get(piece.clone()).unwrap_or_default(), &mut self.text);
        let file = spots.first().map(|spot| spot.place.file_id);
        for (n, spot) in spots.iter().enumerate() {
            let bytes = &spot.place.bytes;
            let again = n > 0 && spots.first().is_some_and(|first| first.place.bytes == *bytes);
            if !piece.contains(&bytes.start) || Some(spot.place.file_id) != file || again {
                continue;
            }
            let Some(at_start) = text.get(bytes.start..) else { continue };
            let end = floor_boundary(text, bytes.end.min(piece.end));
            let least = at_start.chars().next().map_or(1, char::len_utf8);
            let offset = base + (bytes.start - piece.start);
            let label = Some(clean(spot.label)).filter(|label| !label.is_empty());
            let span = (offset, end.saturating_sub(bytes.start).max(least));
            if let Some(marked) = self.marked.get_mut(n) {
                *marked = true;
            }
            self.marks.push(if n == 0 {
                LabeledSpan::new_primary_with_span(label, span)
            } else {
                LabeledSpan::new_with_span(label, span)
            });
        }
    }

    /// True when the excerpt marks the spot of this index.
    pub(super) fn has(&self, spot: usize) -> bool {
        self.marked.get(spot).copied().unwrap_or(false)
    }

    /// The marks, for the renderer.
    pub(super) fn marks(&self) -> impl Iterator<Item = LabeledSpan> + '_ {
        self.marks.iter().cloned()
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // without context the renderer wants the place of the first mark for its header
        let header = before == 0 && after == 0;
        let (span, line, column) = if header {
            (*span, self.at.0, self.at.1)
        } else {
            (SourceSpan::from((0, self.text.len())), self.first_line, 0)
        };
        let data = self
            .text
            .as_bytes()
            .get(span.offset()..span.offset().saturating_add(span.len()))
            .ok_or(MietteError::OutOfBounds)?;
        let lines = self.text.lines().count();
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data,
            span,
            line,
            column,
            lines,
        )))
    }
}

/// From 1 to from 0.
fn index(number: u32) -> usize {
    number.saturating_sub(1) as usize
}

/// The last line of a place that is shown: an object is shown with its first lines only.
fn last_line_shown(place: &Place) -> u32 {
    if place.end_line > place.line {
        place.end_line.min(place.line + OBJECT_LINES).saturating_sub(1).max(place.line)
    } else {
        place.line
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A line of a text, without its line break. For a long line the ends may lie anywhere further than
/// [`LONG`] from where it was looked for.
#[derive(Debug, Clone, Copy)]
struct Line {
    start: usize,
    end: usize,
}

impl Line {
    /// The line that holds a byte.
    fn around(text: &str, at: usize) -> Option<Self> {
        if at > text.len() || !text.is_char_boundary(at) {
            return None;
        }
        let low = floor_boundary(text, at.saturating_sub(LONG + 4));
        let high = floor_boundary(text, at.saturating_add(LONG + 4));
        let start = text.get(low..at)?.rfind('\n').map_or(low, |n| low + n + 1);
        let end = text.get(at..high)?.find('\n').map_or(high, |n| at + n);
        let end = if text.get(start..end)?.ends_with('\r') { end - 1 } else { end };
        Some(Self { start, end })
    }

    fn is_long(&self, text: &str) -> bool {
        self.end - self.start > LONG
            || (self.start > 0 && text.as_bytes().get(self.start - 1) != Some(&b'\n'))
    }

    fn previous(&self, text: &str) -> Option<Self> {
        Self::around(text, self.start.checked_sub(1)?).map(|line| Self {
            start: line.start,
            // looked for from its line break
            end: line.end.min(self.start.saturating_sub(1)),
        })
    }

    fn next(&self, text: &str) -> Option<Self> {
        let after = text.get(self.end..)?;
        let broken = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n'))?;
        if broken.is_empty() {
            return None;
        }
        Self::around(text, text.len() - broken.len())
    }

    /// The piece of a long line around what is marked.
    fn window(&self, text: &str, mark: &Range<usize>) -> Range<usize> {
        let start = floor_boundary(text, mark.start.saturating_sub(SIDE)).max(self.start);
        let end = floor_boundary(text, mark.end.min(mark.start + SIDE) + SIDE).min(self.end);
        start..end.max(start)
    }
}
