//! `vpclint explain`.

use super::failure::Failure;
use super::output::{Format, emit, targets};
use super::{Exit, Global, select};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Id or name of the rule
    rule: String,
}

pub(crate) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let targets = targets(global, &[Format::Text])?;
    let rule = select::rule(&args.rule)?;
    emit(&targets, global, |_, out, _| {
        out.write_all(rule.page.as_bytes())?;
        if rule.page.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") }
    })?;
    Ok(Exit::Clean)
}
