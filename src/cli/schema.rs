//! `vpclint schema`.

use vpclint::load::native;
use vpclint::report::json::{self, CheckV1, EgressV1, InspectV1, RulesV1, TraceDocument};

use super::failure::Failure;
use super::output::{Format, emit, targets};
use super::{Exit, Global};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which format
    kind: Kind,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// A topology written by hand (`*.vpclint.toml`, `*.vpclint.json`)
    Topology,
    /// `check --output json`
    Check,
    /// `egress --output json`
    Egress,
    /// `trace --output json`
    Trace,
    /// `inspect --output json`
    Inspect,
    /// `rules --output json`
    Rules,
}

pub(crate) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let targets = targets(global, &[Format::Text, Format::Json])?;
    let text = match args.kind {
        Kind::Topology => native::schema(),
        Kind::Check => json::schema::<CheckV1>(),
        Kind::Egress => json::schema::<EgressV1>(),
        Kind::Trace => json::schema::<TraceDocument>(),
        Kind::Inspect => json::schema::<InspectV1>(),
        Kind::Rules => json::schema::<RulesV1>(),
    };
    emit(&targets, global, |_, out, _| {
        out.write_all(text.trim_end().as_bytes())?;
        out.write_all(b"\n")
    })?;
    Ok(Exit::Clean)
}
