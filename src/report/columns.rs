//! Aligned columns. Widths are those of a terminal, so Chinese names align (a character takes two
//! columns there).

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::paint::Paint;

/// Spaces between columns.
const GAP: usize = 2;

/// A table for people.
pub(super) struct Columns {
    headers: Vec<&'static str>,
    rows: Vec<Row>,
}

/// A row: per column some lines, and lines that follow the row at full width.
#[derive(Default)]
pub(super) struct Row {
    /// Lines of every column.
    pub(super) cells: Vec<Vec<String>>,
    /// Lines below it.
    pub(super) below: Vec<String>,
}

impl Row {
    /// A row of one line.
    pub(super) fn of<const N: usize>(cells: [String; N]) -> Self {
        Self { cells: cells.into_iter().map(|cell| vec![cell]).collect(), below: Vec::new() }
    }
}

impl Columns {
    pub(super) fn new(headers: &[&'static str]) -> Self {
        Self { headers: headers.to_vec(), rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Writes headers and rows, indented by `indent` spaces.
    pub(super) fn write(&self, out: &mut dyn Write, indent: usize, paint: Paint) -> io::Result<()> {
        let mut widths: Vec<usize> = self.headers.iter().map(|h| h.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(&row.cells) {
                *width = cell.iter().map(|line| line.width()).fold(*width, usize::max);
            }
        }
        let mut line = String::new();
        let mut put = |out: &mut dyn Write, cells: &mut dyn Iterator<Item = &str>, head: bool| {
            line.clear();
            line.push_str(&" ".repeat(indent));
            for (cell, width) in cells.zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat((width + GAP).saturating_sub(cell.width())));
            }
            let text = line.trim_end();
            if head { writeln!(out, "{}", paint.dim(text)) } else { writeln!(out, "{text}") }
        };
        put(out, &mut self.headers.iter().copied(), true)?;
        for row in &self.rows {
            let height = row.cells.iter().map(Vec::len).max().unwrap_or(0);
            for n in 0..height {
                let cell = |lines: &'_ Vec<String>| lines.get(n).cloned().unwrap_or_default();
                let cells: Vec<String> = row.cells.iter().map(cell).collect();
                put(out, &mut cells.iter().map(String::as_str), false)?;
            }
            for text in &row.below {
                writeln!(out, "{}{}", " ".repeat(indent + GAP), paint.dim(text))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_align() {
        let mut columns = Columns::new(&["NAME", "ADDRESS"]);
        columns.push(Row::of(["网关".into(), "10.0.0.1".into()]));
        columns.push(Row {
            cells: vec![vec!["a".into()], vec!["10.0.0.2".into(), "10.0.0.3".into()]],
            below: vec!["because".into()],
        });
        let mut out = Vec::new();
        columns.write(&mut out, 0, Paint::PLAIN).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "NAME  ADDRESS\n网关  10.0.0.1\na     10.0.0.2\n      10.0.0.3\n  because\n"
        );
    }
}
