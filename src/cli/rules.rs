//! `vpclint rules`.

use vpclint::report::{json, rules_table};
use vpclint::rules::{RULES, RuleMeta};

use super::failure::Failure;
use super::output::{Format, emit, targets};
use super::{Exit, Global};

pub(crate) fn run(global: &Global) -> Result<Exit, Failure> {
    let targets = targets(global, &[Format::Text, Format::Json])?;
    let metas: Vec<&'static RuleMeta> = RULES.iter().map(|rule| rule.meta()).collect();
    emit(&targets, global, |format, out, paint| match format {
        Format::Json => json::write(out, &json::RulesV1::new(&metas)),
        _ => rules_table::write(out, &metas, paint),
    })?;
    Ok(Exit::Clean)
}
