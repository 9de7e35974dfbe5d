//! `vpclint export-commands`.

use vpclint::export::{self, ScriptOptions};

use super::failure::Failure;
use super::output::{Format, emit, targets};
use super::{Exit, Global};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Region to export
    #[arg(long, required_unless_present = "ram_policy")]
    region: Option<String>,
    /// Only this VPC and what belongs to it
    #[arg(long, value_name = "ID")]
    vpc: Option<String>,
    /// Print the RAM policy that the commands need instead
    #[arg(long)]
    ram_policy: bool,
}

pub(crate) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let targets = targets(global, &[Format::Text])?;
    let text = match &args.region {
        Some(region) if !args.ram_policy => {
            export::script(&ScriptOptions { region: region.clone(), vpc: args.vpc.clone() })
        }
        _ => export::ram_policy(),
    };
    emit(&targets, global, |_, out, _| out.write_all(text.as_bytes()))?;
    Ok(Exit::Clean)
}
