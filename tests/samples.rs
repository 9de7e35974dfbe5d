//! What the READMEs of `samples/` state is what the program finds.
//!
//! A README states results in fenced blocks. The word after `egress` or `findings` is the input,
//! relative to the README:
//!
//! - ```` ```text egress repaired.vpclint.toml ````: one line per source, all of them:
//!   `ECS1 10.0.0.1 primary -> 203.0.113.1`, with the name (or id) of the instance, or the id of an
//!   ENI that is not attached. Behind the arrow: the public addresses with commas between,
//!   `none (reason)`, or `unknown`. An empty block says that there is no source.
//! - ```` ```text findings repaired.vpclint.toml ````: one line per finding of all packs, all of
//!   them: `error CIDR001 vsw-1`, with the id or name of the primary resource and, if wanted, of
//!   further ones, or what the message quotes. `undetermined NAT014` says that the rule could not tell for some resource; these
//!   need not be complete.
//! - ```` ```text trace repaired.vpclint.toml ````: one flow per line,
//!   `ecs:web-1 -> db-1:3306 fails: sg_ingress_denied`, as `--from`, `--to` and how the answer of
//!   `vpclint trace` begins.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vpclint::analyze::egress::{self, EgressReport, SourceEgress, SourceVerdict};
use vpclint::fabric::{Assume, Fabric};
use vpclint::load::{Input, LoadOptions, load};
use vpclint::rules::{self, Context, Finding, Outcome};

/// A block of a README.
struct Statement {
    kind: String,
    input: PathBuf,
    lines: Vec<String>,
}

fn samples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut out: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    out.sort();
    out
}

fn statements(sample: &Path) -> Vec<Statement> {
    let text = std::fs::read_to_string(sample.join("README.md")).unwrap();
    let mut out = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body = lines.by_ref().take_while(|line| *line != "```");
        let body: Vec<String> =
            body.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
        if let ["text", kind @ ("egress" | "findings" | "trace"), input] =
            info.split_whitespace().collect::<Vec<_>>()[..]
        {
            let input = sample.join(input);
            assert!(input.exists(), "{} is not there", input.display());
            out.push(Statement { kind: kind.to_owned(), input, lines: body });
        }
    }
    out
}

/// Runs the program on one input.
fn answers(input: &Path) -> (EgressReport, Outcome) {
    let loaded = load(&[Input::Path(input.to_path_buf())], &LoadOptions::default())
        .unwrap_or_else(|e| panic!("{}: {e}", input.display()));
    let fabric = Fabric::compile(&loaded.topology, &Assume::default());
    let egress = egress::analyze(&fabric);
    let outcome = rules::run(&Context::new(&loaded.topology, &fabric, &egress), |_| true);
    (egress, outcome)
}

fn source_line(source: &SourceEgress) -> String {
    let holder = source.instance.as_ref().unwrap_or(&source.eni);
    let name = holder.name.as_deref().unwrap_or(&holder.id);
    let ips: Vec<String> = source.public_ips.iter().map(ToString::to_string).collect();
    let reason = source.public_classes().find_map(|class| class.reason);
    let exit = match (source.verdict, reason) {
        (SourceVerdict::Exits, _) => ips.join(", "),
        (SourceVerdict::None, Some(reason)) => format!("none ({reason})"),
        (SourceVerdict::Unknown, _) => "unknown".to_owned(),
        (verdict, _) => format!("{verdict} {}", ips.join(", ")),
    };
    format!("{name} {} {} -> {exit}", source.address, source.role)
}

/// True when a line `severity RULE word…` is about this finding.
fn speaks_of(line: &str, finding: &Finding) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [severity, rule, words @ ..] = words.as_slice() else { return false };
    let is = |n: usize, word: &str| {
        let resource = finding.resources.get(n);
        resource.is_some_and(|r| *r.id == *word || r.name.as_deref() == Some(word))
    };
    let named = |word: &str| (0..finding.resources.len()).any(|n| is(n, word));
    let quoted = |word: &str| finding.message.contains(&format!("`{word}`"));
    *severity == finding.severity.name()
        && *rule == finding.rule.id
        && words.first().is_none_or(|word| is(0, word) || !named(word))
        && words.iter().all(|word| named(word) || quoted(word))
}

fn compare_findings(statement: &Statement, outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut left: Vec<&Finding> = outcome.findings.iter().collect();
    for line in &statement.lines {
        if let Some(rule) = line.strip_prefix("undetermined ") {
            if !outcome.undetermined.iter().any(|u| u.rule.id == rule) {
                wrong.push(format!("not so: {line}"));
            }
            continue;
        }
        match left.iter().position(|finding| speaks_of(line, finding)) {
            Some(at) => drop(left.remove(at)),
            None => wrong.push(format!("not found: {line}")),
        }
    }
    for finding in left {
        let resource = finding.resources.first().map(ToString::to_string).unwrap_or_default();
        let (severity, rule) = (finding.severity, finding.rule.id);
        wrong.push(format!("not stated: {severity} {rule} {resource}: {}", finding.message));
    }
    wrong
}

fn compare_egress(statement: &Statement, report: &EgressReport) -> Vec<String> {
    let stated: BTreeSet<String> = statement
        .lines
        .iter()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let found: BTreeSet<String> = report.sources.iter().map(source_line).collect();
    let missing = stated.difference(&found).map(|line| format!("not found: {line}"));
    missing.chain(found.difference(&stated).map(|line| format!("not stated: {line}"))).collect()
}

/// Asks the program about each flow; the answer of one line stands behind the question.
fn compare_traces(statement: &Statement) -> Vec<String> {
    let mut wrong = Vec::new();
    for line in &statement.lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [from, "->", to, expected @ ..] = words.as_slice() else { panic!("no flow: {line}") };
        let run = assert_cmd::Command::cargo_bin("vpclint")
            .unwrap()
            .args(["trace", "--output", "concise", "--from", from, "--to", to])
            .arg(&statement.input)
            .output()
            .unwrap();
        let answer = String::from_utf8(run.stdout).unwrap();
        if !answer.contains(&format!(": {}", expected.join(" "))) {
            wrong.push(format!("{}: {line}: {}", statement.input.display(), answer.trim()));
        }
    }
    wrong
}

#[test]
fn results_are_as_stated() {
    let mut wrong = Vec::new();
    for statement in samples().iter().flat_map(|sample| statements(sample)) {
        if statement.kind == "trace" {
            wrong.extend(compare_traces(&statement));
            continue;
        }
        let (report, outcome) = answers(&statement.input);
        let differences = match statement.kind.as_str() {
            "egress" => compare_egress(&statement, &report),
            _ => compare_findings(&statement, &outcome),
        };
        let place = format!("{} of {}", statement.kind, statement.input.display());
        wrong.extend(differences.into_iter().map(|difference| format!("{place}: {difference}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_input_has_its_results_stated() {
    for sample in samples() {
        let stated: BTreeSet<(String, PathBuf)> =
            statements(&sample).into_iter().map(|s| (s.kind, s.input)).collect();
        for entry in std::fs::read_dir(&sample).unwrap() {
            let input = entry.unwrap().path();
            if input.file_name().is_some_and(|name| name == "README.md") {
                continue;
            }
            for kind in ["egress", "findings"] {
                let key = (kind.to_owned(), input.clone());
                assert!(stated.contains(&key), "no {kind} of {} stated", input.display());
            }
        }
    }
}

/// What the repaired PrivateLink samples are for.
#[test]
fn repaired_privatelink_has_neither_errors_nor_warnings() {
    for sample in samples().iter().flat_map(|sample| statements(sample)) {
        let input = sample.input.to_string_lossy().into_owned();
        if sample.kind == "findings" && input.contains("privatelink") && input.contains("repaired")
        {
            let grave = |line: &&String| !line.starts_with("note ");
            assert_eq!(sample.lines.iter().find(grave), None, "{input}");
        }
    }
}

#[test]
fn native_samples_fit_the_published_schema() {
    let schema: serde_json::Value = serde_json::from_str(&vpclint::load::native::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut checked = 0;
    for folder in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/samples")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if !path.to_string_lossy().ends_with(".vpclint.toml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let tree: serde_json::Value = toml::from_str(&text).unwrap();
            let errors: Vec<String> =
                validator.iter_errors(&tree).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            checked += 1;
        }
    }
    assert!(checked >= 4, "two PrivateLink samples, documented and repaired");
}
