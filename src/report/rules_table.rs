//! `rules` for people.

use std::io::{self, Write};

use super::columns::{Columns, Row};
use super::paint::Paint;
use super::plural;
use crate::rules::RuleMeta;

/// Writes the catalogue as a table.
pub fn write(out: &mut dyn Write, rules: &[&RuleMeta], paint: Paint) -> io::Result<()> {
    let mut columns = Columns::new(&["ID", "NAME", "SEVERITY", "PACK", "WHAT MUST HOLD"]);
    for meta in rules {
        let cells = [meta.id, meta.name, meta.severity.name(), meta.pack.name(), meta.summary];
        columns.push(Row::of(cells.map(str::to_owned)));
    }
    columns.write(out, 0, paint)?;
    writeln!(out, "\n{}; `vpclint explain RULE` says more", plural(rules.len(), "rule"))
}
