//! Runs every example of every rule page: `fail` examples must fire, `pass` examples must be clean,
//! `undetermined` ones open. See `pages` for how an example is written.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod pages;

use std::collections::BTreeSet;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use pages::{Example, Verdict};
use vpclint::analyze::egress;
use vpclint::fabric::{Assume, Fabric};
use vpclint::load::{self, Input, LoadOptions};
use vpclint::rules::{self, Context, Finding, Outcome};
use vpclint::topology::Topology;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for page in pages::all() {
        for example in page.examples() {
            let id = page.id().to_owned();
            trials.push(Trial::test(example.name.clone(), move || run(&id, &example)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run(id: &str, example: &Example) -> Result<(), Failed> {
    let topology = load(example)?;
    let fabric = Fabric::compile(&topology, &Assume::default());
    let egress = egress::analyze(&fabric);
    let outcome = rules::run(&Context::new(&topology, &fabric, &egress), |_| true);
    for finding in &outcome.findings {
        wording(finding)?;
    }
    judge(id, example, &outcome)
}

/// Writes the files of an example to a folder and loads that.
fn load(example: &Example) -> Result<Topology, Failed> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &example.files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let loaded = load::load(&[Input::Path(folder.path().into())], &LoadOptions::default())
        .map_err(|error| format!("the example does not load: {error:?}"))?;
    Ok(loaded.topology)
}

fn judge(id: &str, example: &Example, outcome: &Outcome) -> Result<(), Failed> {
    let findings: Vec<&Finding> = outcome.findings.iter().filter(|f| f.rule.id == id).collect();
    let open = outcome.undetermined.iter().find(|u| u.rule.id == id);
    let told: Vec<&str> = findings.iter().map(|f| f.message.as_str()).collect();
    match example.verdict {
        Verdict::Fail if findings.is_empty() => {
            Err(format!("{id} does not fire; open: {open:?}").into())
        }
        Verdict::Fail => expected(example, &findings),
        _ if !findings.is_empty() => Err(format!("{id} fires: {told:#?}").into()),
        Verdict::Pass if open.is_some() => Err(format!("{id} cannot tell: {open:?}").into()),
        Verdict::Undetermined if open.is_none() => Err(format!("{id} is sure").into()),
        Verdict::Pass | Verdict::Undetermined => Ok(()),
    }
}

fn expected(example: &Example, findings: &[&Finding]) -> Result<(), Failed> {
    let primary = |f: &&Finding| {
        let resource = f.resources.first()?;
        let by_name = resource.name.as_deref().filter(|name| example.expect.contains(*name));
        Some(by_name.map_or_else(|| resource.id.to_string(), str::to_owned))
    };
    let actual: BTreeSet<String> = findings.iter().filter_map(primary).collect();
    if !example.expect.is_empty() && actual != example.expect {
        return Err(format!("findings are about {actual:?}, expected {:?}", example.expect).into());
    }
    if let Some(severity) = &example.severity {
        for finding in findings {
            if finding.severity.name() != severity {
                return Err(format!("{} is {}", finding.message, finding.severity).into());
            }
        }
    }
    Ok(())
}

/// Messages read like messages, whatever facts fill them.
fn wording(finding: &Finding) -> Result<(), Failed> {
    let complain = |what: &str| -> Result<(), Failed> {
        let (id, message, help) = (finding.rule.id, &finding.message, &finding.help);
        Err(format!("{id}: {what}: {message} / {help}").into())
    };
    if finding.help.is_empty() || !finding.message.contains(' ') {
        return complain("no wording");
    }
    for text in [&finding.message, &finding.help] {
        if text.contains('{') || text.contains('}') {
            return complain("a placeholder without a fact");
        }
        if text.ends_with('.') || text.contains("  ") || text.contains('\n') {
            return complain("a full stop or stray blanks");
        }
    }
    if finding.resources.is_empty() && finding.rule.family() != "DATA" {
        return complain("no resource");
    }
    Ok(())
}
