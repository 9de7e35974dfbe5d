//! `vpclint check`.

use clap::ValueEnum;
use vpclint::report::{concise, json, text};
use vpclint::rules::{self, Context, Pack, Severity};

use super::failure::{Failure, say};
use super::output::{Format, emit, targets};
use super::select::Selection;
use super::session::{Inputs, Session};
use super::{Exit, Global};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Gravity from which a finding makes the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: Level,
    /// Report only these rules: ids, names, or the beginning of one with `*` (NAT*)
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Do not report these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// How many rules to report
    #[arg(long, default_value = "default")]
    pack: PackName,
}

#[derive(Clone, Copy, ValueEnum)]
enum Level {
    Error,
    Warning,
    Note,
}

#[derive(Clone, Copy, ValueEnum)]
enum PackName {
    /// High value, few false positives
    Recommended,
    /// Also correct and quiet rules about rarer states
    Default,
    /// Also useful rules with more noise
    Strict,
    /// Every rule
    All,
}

pub(crate) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let targets = targets(global, &[Format::Text, Format::Concise, Format::Json])?;
    let selection = Selection::new(&args.select, &args.ignore, args.pack.into())?;
    let session = Session::start(&args.inputs, global)?;
    let context = Context::new(session.topology(), &session.fabric, &session.egress);
    let outcome = rules::run(&context, |meta| selection.wants(meta));
    let (checked, texts) = session.places(&outcome);
    emit(&targets, global, |format, out, paint| match format {
        Format::Text => {
            let options = text::TextOptions { paint, quiet: global.quiet, verbose: global.verbose };
            text::write(out, &checked, &texts, options)
        }
        Format::Concise => concise::write(out, &checked),
        Format::Json => json::write(out, &json::CheckV1::new(&checked)),
    })?;
    // one line per finding is for programs that read lines, so the summary goes beside it
    let concise = targets.iter().any(|t| t.format == Format::Concise && t.path.is_none());
    if concise && !global.quiet {
        say(text::summary(&checked));
    }
    let limit = match args.fail_on {
        Level::Error => Severity::Error,
        Level::Warning => Severity::Warning,
        Level::Note => Severity::Note,
    };
    let failed = outcome.findings.iter().any(|finding| finding.severity <= limit);
    Ok(if failed { Exit::Findings } else { Exit::Clean })
}

impl From<PackName> for Pack {
    fn from(name: PackName) -> Self {
        match name {
            PackName::Recommended => Self::Recommended,
            PackName::Default => Self::Default,
            PackName::Strict => Self::Strict,
            PackName::All => Self::OptIn,
        }
    }
}
