//! `vpclint egress`.

use clap::ValueEnum;
use vpclint::addr::{AddrSet, Cidr};
use vpclint::report::egress_table::{self, By, TableOptions};
use vpclint::report::{EgressScope, json};

use super::failure::Failure;
use super::output::{Format, emit, targets};
use super::session::{Inputs, Session};
use super::{Exit, Global};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Only destinations in this block, or this address; also private ones
    #[arg(long, value_name = "CIDR")]
    to: Option<Cidr>,
    /// How to arrange the text
    #[arg(long, default_value = "instance")]
    by: ByName,
    /// Private and special destinations as well
    #[arg(long, conflicts_with = "to")]
    all_destinations: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ByName {
    /// Every source, by VPC
    Instance,
    /// Public IPs and who leaves with them
    Ip,
    /// Equal answers within a VPC
    Vpc,
    /// Equal answers over everything
    Group,
}

pub(crate) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let targets = targets(global, &[Format::Text, Format::Json])?;
    let session = Session::start(&args.inputs, global)?;
    let restricted =
        args.to.map(|to| session.egress.restricted_to(&AddrSet::from_cidrs(to.family(), [&to])));
    let report = restricted.as_ref().unwrap_or(&session.egress);
    let scope = match (args.to, args.all_destinations) {
        (Some(_), _) => EgressScope::Within,
        (None, true) => EgressScope::All,
        (None, false) => EgressScope::Public,
    };
    let missing = session.source_gaps();
    emit(&targets, global, |format, out, paint| match format {
        Format::Json => {
            json::write(out, &json::EgressV1::new(report, session.topology(), scope, &missing))
        }
        _ => {
            let options = TableOptions {
                by: args.by.into(),
                scope,
                paint,
                quiet: global.quiet,
                missing: &missing,
            };
            egress_table::write(out, report, session.topology(), options)
        }
    })?;
    Ok(Exit::Clean)
}

impl From<ByName> for By {
    fn from(name: ByName) -> Self {
        match name {
            ByName::Instance => Self::Instance,
            ByName::Ip => Self::Ip,
            ByName::Vpc => Self::Vpc,
            ByName::Group => Self::Group,
        }
    }
}
