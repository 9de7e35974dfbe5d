//! The catalogue and its pages agree, and the pages have what a reader looks for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

#[allow(dead_code, reason = "this test reads pages and does not run their examples")]
mod pages;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pages::Verdict;
use vpclint::rules::RULES;

const HEADINGS: [&str; 7] = [
    "## What it checks",
    "## Why it matters",
    "## Example",
    "## How to fix",
    "## Configuration",
    "## Limits",
    "## References",
];

#[test]
fn ids_are_sorted_and_names_are_unique() {
    let ids: Vec<&str> = RULES.iter().map(|rule| rule.meta().id).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.meta().name).collect();
    assert_eq!(names.len(), ids.len());
}

#[test]
fn every_rule_has_its_page_and_every_page_its_rule() {
    let rules: BTreeSet<String> =
        RULES.iter().map(|r| format!("{}-{}", r.meta().id, r.meta().name)).collect();
    let pages: BTreeSet<String> = pages::all().into_iter().map(|page| page.stem).collect();
    assert_eq!(rules, pages);
}

/// The headings of a page, without those inside fenced blocks.
fn headings(text: &str) -> Vec<&str> {
    let mut fenced = false;
    text.lines()
        .filter(|line| {
            fenced ^= line.starts_with("```");
            !fenced && line.starts_with('#')
        })
        .collect()
}

#[test]
fn pages_have_the_title_and_headings_of_their_rule() {
    for (rule, page) in RULES.iter().zip(pages::all()) {
        let meta = rule.meta();
        let mut wanted = vec![format!("# {} {}", meta.id, meta.name)];
        wanted.extend(HEADINGS.map(str::to_owned));
        assert_eq!(headings(&page.text), wanted, "{}", page.stem);
        assert_eq!(meta.page, page.text, "{} includes another page", meta.id);
    }
}

#[test]
fn every_page_has_a_failing_and_a_clean_example() {
    for page in pages::all() {
        let verdicts: BTreeSet<Verdict> = page.examples().iter().map(|e| e.verdict).collect();
        for wanted in [Verdict::Fail, Verdict::Pass] {
            assert!(verdicts.contains(&wanted), "{} has no {wanted:?} example", page.stem);
        }
    }
}

#[test]
fn wording_has_the_style_of_messages() {
    for rule in RULES {
        let meta = rule.meta();
        assert!(
            meta.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        );
        assert!(!meta.cases.is_empty(), "{} has no wording", meta.id);
        for text in meta.cases.iter().flat_map(|c| [c.message, c.help]).chain([meta.summary]) {
            let first = text.split_whitespace().next().unwrap_or_default();
            let name = first.starts_with('{') || first.starts_with('`');
            // words in capitals are names: CLB, DNAT, VPCs
            let mut letters = first.chars();
            let capital = letters.next().is_some_and(char::is_uppercase)
                && letters.next().is_none_or(char::is_lowercase);
            assert!(!text.is_empty() && (name || !capital), "{}: {text}", meta.id);
            assert!(!text.ends_with('.') && !text.contains("  "), "{}: {text}", meta.id);
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "{}: {text}", meta.id);
        }
    }
}

/// A key without wording would be printed in place of the message.
#[test]
fn every_case_that_the_code_names_has_wording() {
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        let keys: BTreeSet<&str> = after(&text, "key: \"").collect();
        for used in after(&text, ".fail(\"") {
            assert!(keys.contains(used), "{}: case `{used}` has no wording", path.display());
        }
        for key in keys {
            let uses = text.matches(&format!("\"{key}\"")).count();
            assert!(uses > 1, "{}: case `{key}` is never used", path.display());
        }
    }
}

/// The texts between `prefix` and the next quote.
fn after<'t>(text: &'t str, prefix: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(prefix).skip(1).filter_map(|rest| rest.split('"').next())
}

/// The files of the rule families.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let families = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path());
    let files = families.filter(|path| path.is_dir()).flat_map(|folder| {
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>()
    });
    files.filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}
