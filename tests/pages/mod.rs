//! Reads the pages of rules: headings, and the examples in their fenced blocks.
//!
//! A fenced block whose info string says `fail`, `pass` or `undetermined` is an example:
//!
//! - ```` ```toml fail ````: a native topology. Comment lines `# expect: web-1` name the primary
//!   resources of the findings, by id or name; `# severity: warning` their severity. Without
//!   `expect`, any finding of the rule will do.
//! - ```` ```json fail file=vpc.DescribeVpcs.json ````: a file of a cloud export. Blocks with one
//!   verdict make up one example; `group=NAME` tells several apart. `expect=` and `severity=` stand
//!   in the info string, because JSON has no comments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What an example promises about the rule of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The rule fires.
    Fail,
    /// The rule is silent and sure.
    Pass,
    /// The rule is silent and cannot tell.
    Undetermined,
}

/// One example of a page.
#[derive(Debug, Clone)]
pub struct Example {
    /// `CIDR001 line 17: fail`.
    pub name: String,
    /// What it promises.
    pub verdict: Verdict,
    /// File names and contents.
    pub files: Vec<(String, String)>,
    /// Primary resources of the findings, by id or name.
    pub expect: BTreeSet<String>,
    /// Severity of every finding, if stated.
    pub severity: Option<String>,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Page {
    /// File name without the extension, e.g. `CIDR001-vswitch-outside-vpc`.
    pub stem: String,
    /// Content.
    pub text: String,
}

/// The folder with the pages.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

/// All pages, by name.
pub fn all() -> Vec<Page> {
    let mut out: Vec<Page> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .map(|path| Page {
            stem: path.file_stem().unwrap().to_string_lossy().into_owned(),
            text: std::fs::read_to_string(&path).unwrap(),
        })
        .collect();
    out.sort_by(|a, b| a.stem.cmp(&b.stem));
    out
}

impl Page {
    /// Id of the rule, e.g. `CIDR001`.
    pub fn id(&self) -> &str {
        self.stem.split('-').next().unwrap_or_default()
    }

    /// The examples in the order of the page.
    pub fn examples(&self) -> Vec<Example> {
        let mut out: Vec<Example> = Vec::new();
        let mut groups: BTreeMap<(Verdict, String), usize> = BTreeMap::new();
        let mut lines = self.text.lines().enumerate();
        while let Some((n, line)) = lines.next() {
            let Some(info) = line.strip_prefix("```") else { continue };
            let body: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let mut words = info.split_whitespace();
            let language = words.next().unwrap_or_default();
            let verdict = match words.next() {
                Some("fail") => Verdict::Fail,
                Some("pass") => Verdict::Pass,
                Some("undetermined") => Verdict::Undetermined,
                Some(other) => panic!("{} line {}: verdict `{other}`", self.stem, n + 1),
                None => continue,
            };
            let mut group = String::new();
            let mut file = "example.vpclint.toml".to_owned();
            let mut example = Example {
                name: format!("{} line {}: {verdict:?}", self.id(), n + 1),
                verdict,
                files: Vec::new(),
                expect: BTreeSet::new(),
                severity: None,
            };
            for word in words {
                match word.split_once('=') {
                    Some(("file", name)) => file = name.to_owned(),
                    Some(("group", name)) => group = name.to_owned(),
                    Some(("expect", ids)) => {
                        example.expect.extend(ids.split(',').map(str::to_owned))
                    }
                    Some(("severity", name)) => example.severity = Some(name.to_owned()),
                    _ => panic!("{} line {}: `{word}` is no attribute", self.stem, n + 1),
                }
            }
            for line in &body {
                if let Some(ids) = line.strip_prefix("# expect:") {
                    example.expect.extend(ids.split(',').map(|id| id.trim().to_owned()));
                }
                if let Some(name) = line.strip_prefix("# severity:") {
                    example.severity = Some(name.trim().to_owned());
                }
            }
            example.files.push((file, body.join("\n") + "\n"));
            match (language, groups.get(&(verdict, group.clone()))) {
                ("json", Some(at)) => {
                    let first = &mut out[*at];
                    first.files.append(&mut example.files);
                    first.expect.append(&mut example.expect);
                    first.severity = example.severity.or(first.severity.take());
                }
                ("json", None) => {
                    groups.insert((verdict, group), out.len());
                    out.push(example);
                }
                _ => out.push(example),
            }
        }
        out
    }
}
