//! `vpclint inspect`.

use std::collections::{BTreeMap, BTreeSet};

use vpclint::load::{How, LoadError, Outcome};
use vpclint::report::inspect_text;
use vpclint::report::json::{
    self, CountV1, InspectV1, ListingV1, MissingV1, NotUnderstoodV1, ReadFileV1, UnattachedV1,
    VpcV1,
};
use vpclint::rules::{self, Context};
use vpclint::topology::{Absence, Gap, ListingState, Resource, Vpc};

use super::failure::Failure;
use super::output::{Format, emit, targets};
use super::session::{Inputs, Session};
use super::{Exit, Global};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
}

pub(crate) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let targets = targets(global, &[Format::Text, Format::Json])?;
    let quiet = Global { quiet: true, ..global.clone() };
    let session = Session::start_in_part(&args.inputs, &quiet)?;
    let document = inspect(&session);
    emit(&targets, global, |format, out, paint| match format {
        Format::Json => json::write(out, &document),
        _ => inspect_text::write(out, &document, paint, global.verbose),
    })?;
    // what can be said has been said; broken files still mean that the job could not be done
    match &session.loaded.report.broken {
        broken if broken.is_empty() => Ok(Exit::Clean),
        broken => Err(LoadError::Broken(broken.clone()).into()),
    }
}

fn inspect(session: &Session) -> InspectV1 {
    let topology = session.topology();
    let mut document = InspectV1 {
        schema: "vpclint/inspect/v1",
        counts: topology
            .counts()
            .into_iter()
            .map(|(kind, count)| CountV1 { kind: kind.name(), title: kind.title(), count })
            .collect(),
        vpcs: topology.vpcs.iter().filter_map(|vpc| vpc_mode(session, vpc)).collect(),
        incomplete: incomplete(session),
        missing: missing(session),
        ..InspectV1::default()
    };
    documents(session, &mut document);
    document
}

/// What became of every document.
fn documents(session: &Session, out: &mut InspectV1) {
    let report = &session.loaded.report;
    let name = |file| session.loaded.files.display(file).to_owned();
    for broken in &report.broken {
        let at = broken.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        out.not_understood.push(NotUnderstoodV1 {
            file: broken.file.clone(),
            pointer: String::new(),
            why: format!("{}{at}", broken.what),
        });
    }
    let mut files: BTreeMap<(String, String), ReadFileV1> = BTreeMap::new();
    for document in &report.documents {
        let (content, recognised_by, rows) = match &document.outcome {
            Outcome::Read(body) => {
                let api = format!("{} {}", body.product, body.api);
                out.unattached.extend(body.unattached.iter().map(|why| UnattachedV1 {
                    file: name(document.file),
                    api: api.clone(),
                    why: why.clone(),
                }));
                (api, Some(how(body.how).to_owned()), body.rows)
            }
            Outcome::NotUsed { product, api } => (format!("{product} {api}"), None, 0),
            Outcome::FailedCall { call, code } => {
                let call = call.as_deref().unwrap_or("a call");
                (format!("{call}, failed with {code}"), None, 0)
            }
            Outcome::Manifest { calls, failed } => {
                (format!("manifest of {calls} calls, {failed} failed"), None, 0)
            }
            Outcome::Native => ("native topology".to_owned(), None, 0),
            Outcome::NotUnderstood { why } => {
                out.not_understood.push(NotUnderstoodV1 {
                    file: name(document.file),
                    pointer: document.pointer.clone(),
                    why: why.clone(),
                });
                continue;
            }
        };
        let entry = files.entry((name(document.file), content.clone())).or_insert(ReadFileV1 {
            file: name(document.file),
            content,
            recognised_by,
            documents: 0,
            rows: 0,
            used: !matches!(document.outcome, Outcome::NotUsed { .. }),
        });
        entry.documents += 1;
        entry.rows += rows;
    }
    out.files = files.into_values().collect();
    out.notes = report
        .notes
        .iter()
        .map(|note| match note.file {
            Some(file) => format!("{}: {}", name(file), note.text),
            None => note.text.clone(),
        })
        .collect();
}

fn how(how: How) -> &'static str {
    match how {
        How::Envelope => "envelope",
        How::Manifest => "manifest",
        How::Option => "option",
        How::FileName => "file name",
        How::Content => "content",
    }
}

fn vpc_mode(session: &Session, vpc: &Vpc) -> Option<VpcV1> {
    let space = session.fabric.space(vpc.id())?;
    let gateway = session
        .topology()
        .ipv4_gateways
        .iter()
        .find(|g| g.vpc.as_ref() == Some(vpc.id()) && g.enabled.is_some());
    let known_by = match (&space.mode_assumption, gateway) {
        (Some(assumption), _) => format!("assumed: {assumption}"),
        (None, Some(gateway)) if gateway.enabled == Some(true) => {
            format!("IPv4 gateway {} is activated", gateway.id())
        }
        (None, Some(gateway)) => format!("IPv4 gateway {} is not activated", gateway.id()),
        (None, None) => "attributes of the VPC".to_owned(),
    };
    Some(VpcV1 {
        id: vpc.id().to_string(),
        name: vpc.name().map(str::to_owned),
        account: vpc.meta.account.as_ref().map(ToString::to_string),
        region: vpc.meta.region.as_ref().map(ToString::to_string),
        internet_mode: space.mode.name(),
        known_by,
    })
}

/// Listings that are in the input and cannot be relied on.
fn incomplete(session: &Session) -> Vec<ListingV1> {
    let states = session.topology().coverage.iter();
    let wanted = states.filter_map(|(listing, scope, state)| {
        let name = match state {
            ListingState::Complete => return None,
            ListingState::Unverified => "unverified",
            ListingState::Truncated { .. } => "truncated",
            ListingState::Failed { .. } => "failed",
        };
        let gap =
            Gap { listing, parent: scope.parent.clone(), absence: Absence::State(state.clone()) };
        let place = scope.region.as_ref().map_or_else(String::new, |r| format!(" in {r}"));
        Some(ListingV1 {
            product: listing.product(),
            api: listing.api(),
            account: scope.account.as_ref().map(ToString::to_string),
            region: scope.region.as_ref().map(ToString::to_string),
            parent: scope.parent.as_ref().map(ToString::to_string),
            state: name,
            detail: format!("{gap}{place}"),
        })
    });
    wanted.collect()
}

/// What the rules and the egress answer would need and do not have.
fn missing(session: &Session) -> Vec<MissingV1> {
    #[derive(Default)]
    struct Cost {
        rules: BTreeSet<&'static str>,
        sources: usize,
    }
    let mut costs: BTreeMap<String, Cost> = BTreeMap::new();
    let context = Context::new(session.topology(), &session.fabric, &session.egress);
    for undetermined in rules::run(&context, |_| true).undetermined {
        for missing in undetermined.missing {
            costs.entry(missing).or_default().rules.insert(undetermined.rule.id);
        }
    }
    for source in &session.egress.sources {
        for missing in source.missing() {
            costs.entry(missing.to_owned()).or_default().sources += 1;
        }
    }
    let gaps: Vec<String> = session.source_gaps();
    for gap in &gaps {
        costs.entry(gap.clone()).or_default();
    }
    costs
        .into_iter()
        .map(|(missing, cost)| MissingV1 {
            hides_sources: gaps.contains(&missing),
            missing,
            rules: cost.rules.into_iter().collect(),
            egress_sources: cost.sources,
        })
        .collect()
}
