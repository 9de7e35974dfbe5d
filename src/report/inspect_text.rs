//! `inspect` for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::clean::clean;
use super::columns::{Columns, Row};
use super::json::{InspectV1, ReadFileV1};
use super::paint::Paint;
use super::plural;

/// Files that are named per call, and items per list, unless everything is asked for.
const SHOWN: usize = 3;
/// Things missing that are listed unless everything is asked for.
const MISSING_SHOWN: usize = 20;

/// Writes what is known about the input; `verbose` lists everything.
pub fn write(
    out: &mut dyn Write,
    document: &InspectV1,
    paint: Paint,
    verbose: bool,
) -> io::Result<()> {
    let page = Page { document, paint, verbose };
    page.files(out)?;
    page.counts(out)?;
    page.vpcs(out)?;
    page.incomplete(out)?;
    page.missing(out)?;
    page.rest(out)?;
    page.summary(out)
}

struct Page<'a> {
    document: &'a InspectV1,
    paint: Paint,
    verbose: bool,
}

impl Page<'_> {
    fn title(&self, out: &mut dyn Write, title: &str) -> io::Result<()> {
        writeln!(out, "{}", self.paint.bold(title))
    }

    fn files(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut by_content: BTreeMap<(bool, &str), Vec<&ReadFileV1>> = BTreeMap::new();
        for file in &self.document.files {
            by_content.entry((!file.used, &file.content)).or_default().push(file);
        }
        if by_content.is_empty() {
            return Ok(());
        }
        let dir = common_directory(self.document.files.iter().map(|f| f.file.as_str()));
        self.title(
            out,
            &clean(match dir {
                "" => "recognised".to_owned(),
                dir => format!("recognised in {dir}"),
            }),
        )?;
        let short = |file: &ReadFileV1| clean(file.file.get(dir.len()..).unwrap_or(&file.file));
        let mut columns = Columns::new(&["CONTENT", "ROWS", "RECOGNISED BY", "FILES"]);
        for ((not_used, content), files) in by_content {
            let shown = if self.verbose { files.len() } else { SHOWN };
            let mut names: Vec<String> = files.iter().take(shown).map(|f| short(f)).collect();
            if files.len() > shown {
                names.push(format!("and {} more", files.len() - shown));
            }
            let mut by: Vec<&str> =
                files.iter().filter_map(|f| f.recognised_by.as_deref()).collect();
            by.sort_unstable();
            by.dedup();
            let what = if not_used { format!("{content} (not used)") } else { content.to_owned() };
            let rows: u64 = files.iter().map(|f| f.rows).sum();
            columns.push(Row {
                cells: vec![vec![clean(what)], vec![rows.to_string()], vec![by.join(", ")], names],
                below: Vec::new(),
            });
        }
        columns.write(out, 2, self.paint)?;
        writeln!(out)
    }

    fn counts(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.document.counts.is_empty() {
            return Ok(());
        }
        self.title(out, "resources")?;
        let mut columns = Columns::new(&["KIND", "COUNT"]);
        for count in &self.document.counts {
            columns.push(Row::of([count.title.to_owned(), count.count.to_string()]));
        }
        columns.write(out, 2, self.paint)?;
        writeln!(out)
    }

    fn vpcs(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.document.vpcs.is_empty() {
            return Ok(());
        }
        self.title(out, "VPCs")?;
        let mut columns = Columns::new(&["VPC", "NAME", "REGION", "INTERNET MODE", "KNOWN BY"]);
        for vpc in &self.document.vpcs {
            columns.push(Row::of([
                clean(&vpc.id),
                vpc.name.as_deref().map_or_else(String::new, clean),
                vpc.region.as_deref().map_or_else(String::new, clean),
                vpc.internet_mode.to_owned(),
                clean(&vpc.known_by),
            ]));
        }
        columns.write(out, 2, self.paint)?;
        writeln!(out)
    }

    fn incomplete(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.document.incomplete.is_empty() {
            return Ok(());
        }
        self.title(out, "in the input, but not known to be whole")?;
        self.list(out, self.document.incomplete.iter().map(|l| l.detail.clone()))?;
        writeln!(out)
    }

    fn missing(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.document.missing.is_empty() {
            return Ok(());
        }
        self.title(out, "missing, and what that costs")?;
        let lines = self.document.missing.iter().map(|m| {
            let mut costs = Vec::new();
            if m.egress_sources > 0 {
                costs.push(format!("egress of {}", plural(m.egress_sources, "source")));
            }
            if m.hides_sources {
                costs.push("egress may have further sources".to_owned());
            }
            if !m.rules.is_empty() {
                costs.push(format!("rules {}", m.rules.join(", ")));
            }
            format!("{}: {}", m.missing, costs.join("; "))
        });
        self.list(out, lines)?;
        writeln!(
            out,
            "  help: `vpclint export-commands --region REGION` prints the calls of a complete export\n"
        )
    }

    fn rest(&self, out: &mut dyn Write) -> io::Result<()> {
        let document = self.document;
        if !document.not_understood.is_empty() {
            self.title(out, "not understood")?;
            let lines = document.not_understood.iter().map(|n| match n.pointer.as_str() {
                "" => format!("{}: {}", n.file, n.why),
                pointer => format!("{} {pointer}: {}", n.file, n.why),
            });
            self.list(out, lines)?;
            writeln!(out)?;
        }
        if !document.unattached.is_empty() {
            self.title(out, "rows without a known parent")?;
            let lines =
                document.unattached.iter().map(|u| format!("{} ({}): {}", u.file, u.api, u.why));
            self.list(out, lines)?;
            writeln!(out)?;
        }
        if !document.notes.is_empty() {
            self.title(out, "notes")?;
            self.list(out, document.notes.iter().cloned())?;
            writeln!(out)?;
        }
        Ok(())
    }

    fn list(&self, out: &mut dyn Write, items: impl Iterator<Item = String>) -> io::Result<()> {
        let shown = if self.verbose { usize::MAX } else { MISSING_SHOWN };
        let mut more = 0usize;
        for (n, item) in items.enumerate() {
            if n < shown {
                writeln!(out, "  {}", clean(item))?;
            } else {
                more += 1;
            }
        }
        if more > 0 {
            writeln!(out, "  and {more} more (`--verbose` lists all)")?;
        }
        Ok(())
    }

    fn summary(&self, out: &mut dyn Write) -> io::Result<()> {
        let document = self.document;
        let files = |used: bool| {
            let mut names: Vec<&str> =
                document.files.iter().filter(|f| f.used == used).map(|f| f.file.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            names.len()
        };
        let resources: usize = document.counts.iter().map(|c| c.count).sum();
        let line = format!(
            "{} from {} · {} not understood, {} without a known parent · {} missing",
            plural(resources, "resource"),
            plural(files(true), "file"),
            plural(document.not_understood.len(), "document"),
            plural(document.unattached.len(), "row"),
            plural(document.missing.len(), "thing"),
        );
        writeln!(out, "{}", self.paint.bold(line))
    }
}

/// The directory that all of several files are in, with its final `/`; empty for a single file.
pub(super) fn common_directory<'a>(mut files: impl Iterator<Item = &'a str>) -> &'a str {
    let Some(first) = files.next() else { return "" };
    let mut common = first;
    let mut several = false;
    for file in files.filter(|file| *file != first) {
        several = true;
        let same = common.bytes().zip(file.bytes()).take_while(|(a, b)| a == b).count();
        let upto = common.as_bytes().get(..same).unwrap_or_default();
        let end = upto.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        common = common.get(..end).unwrap_or_default();
    }
    if several { common } else { "" }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::json::{CountV1, MissingV1, NotUnderstoodV1, VpcV1};

    pub(in crate::report) fn document() -> InspectV1 {
        InspectV1 {
            schema: "vpclint/inspect/v1",
            files: vec![ReadFileV1 {
                file: "export/vpcs.json".into(),
                content: "vpc DescribeVpcs".into(),
                recognised_by: Some("content".into()),
                documents: 1,
                rows: 1,
                used: true,
            }],
            counts: vec![CountV1 { kind: "vpc", title: "VPC", count: 1 }],
            vpcs: vec![VpcV1 {
                id: "vpc-1".into(),
                name: Some("生产\u{1b}[2J".into()),
                account: None,
                region: Some("cn-shanghai".into()),
                internet_mode: "direct",
                known_by: "assumed".into(),
            }],
            missing: vec![MissingV1 {
                missing: "DescribeSnatTableEntries for ngw-1 (not in the input)".into(),
                rules: vec!["NAT001", "NAT014"],
                egress_sources: 12,
                hides_sources: false,
            }],
            not_understood: vec![NotUnderstoodV1 {
                file: "export/notes.json".into(),
                pointer: String::new(),
                why: "no known response has these keys".into(),
            }],
            ..InspectV1::default()
        }
    }

    #[test]
    fn the_directory_of_all_files() {
        let common = |files: &[&'static str]| common_directory(files.iter().copied());
        assert_eq!(common(&["a/b/x.json", "a/b/y.json", "a/bc/z.json"]), "a/");
        assert_eq!(common(&["数据/x.json", "数据库/y.json"]), "");
        assert_eq!(common(&["a/x.json", "a/x.json"]), "");
    }

    #[test]
    fn what_is_there_and_what_is_missing() {
        let mut out = Vec::new();
        write(&mut out, &document(), Paint::PLAIN, false).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
recognised
  CONTENT           ROWS  RECOGNISED BY  FILES
  vpc DescribeVpcs  1     content        export/vpcs.json

resources
  KIND  COUNT
  VPC   1

VPCs
  VPC    NAME           REGION       INTERNET MODE  KNOWN BY
  vpc-1  生产\\u{1b}[2J  cn-shanghai  direct         assumed

missing, and what that costs
  DescribeSnatTableEntries for ngw-1 (not in the input): egress of 12 sources; rules NAT001, NAT014
  help: `vpclint export-commands --region REGION` prints the calls of a complete export

not understood
  export/notes.json: no known response has these keys

1 resource from 1 file · 1 document not understood, 0 rows without a known parent · 1 thing missing
"
        );
    }
}
