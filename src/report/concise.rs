//! `check` in one line per finding: `file:line:col: error[CIDR001] message`.

use std::io::{self, Write};

use super::clean::Clean;
use super::place::Checked;

/// Writes a check in one line per finding.
pub fn write(out: &mut dyn Write, checked: &Checked<'_>) -> io::Result<()> {
    for located in &checked.findings {
        if let Some(spot) = located.spots.first() {
            let place = &spot.place;
            write!(out, "{}:{}:{}: ", Clean(&place.file), place.line, place.column)?;
        }
        let finding = located.finding;
        writeln!(out, "{}[{}] {}", finding.severity, finding.rule.id, Clean(&finding.message))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn one_line_per_finding() {
        let (outcome, files) = (fixture::outcome(), fixture::pretty());
        let mut out = Vec::new();
        write(&mut out, &fixture::checked(&outcome, &files)).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "export/vswitches.json:4:21: error[CIDR001] 10.1.0.0/24 of vSwitch vsw-1 is not in \
             VPC vpc-1\nnote[DATA004] nothing says which \\u{1b}[31m routes there are\n"
        );
    }
}
