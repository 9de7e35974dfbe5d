//! Arguments and dispatch; one file per command.

mod check;
mod egress;
mod explain;
mod export_commands;
mod failure;
mod inspect;
mod output;
mod rules;
mod schema;
mod select;
mod session;
mod trace;

use std::process::ExitCode;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use failure::Failure;
use output::Target;

/// Offline analyzer for cloud VPC networks
///
/// Loads an exported topology, checks it against rules, says through which public IP each instance
/// leaves, and follows flows hop by hop. Nothing is ever sent over a network.
#[derive(Parser)]
#[command(name = "vpclint", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; `check` found nothing at or above --fail-on, every connection of `trace` works
  1  `check` found something at or above --fail-on, or a connection of `trace` does not work
  2  could not do the job: bad arguments, unreadable or unrecognised input";

/// Options of every command.
#[derive(Args, Clone)]
struct Global {
    /// Format of the result (text, json; check and trace also have concise), and the file to write it to;
    /// may be given several times
    #[arg(long, global = true, value_name = "FORMAT[=PATH]")]
    output: Vec<Target>,
    /// Colours on the terminal; `auto` respects NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Colour,
    /// Print the result only: no summary, no warnings
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// List everything that is otherwise cut short, and say what was loaded
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    verbose: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Command {
    /// Check a topology against the rules
    Check(check::Args),
    /// Say through which public IP each instance leaves, for which destinations, and why
    Egress(egress::Args),
    /// Follow one flow hop by hop, there and back, and say all that stands in its way
    Trace(trace::Args),
    /// Say what was recognised in the input and what is missing
    Inspect(inspect::Args),
    /// List the rules
    Rules,
    /// Explain a rule
    Explain(explain::Args),
    /// Print the JSON Schema of a format
    Schema(schema::Args),
    /// Print the commands that make a complete export
    ExportCommands(export_commands::Args),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and nothing to complain about.
    Clean,
    /// Findings at or above the limit.
    Findings,
    /// The job could not be done.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Failed => 2,
        })
    }
}

/// Runs a command and reports why it failed, if it did.
pub(crate) fn run(cli: Cli) -> Exit {
    let global = &cli.global;
    let result: Result<Exit, Failure> = match cli.command {
        Command::Check(args) => check::run(&args, global),
        Command::Egress(args) => egress::run(&args, global),
        Command::Trace(args) => trace::run(&args, global),
        Command::Inspect(args) => inspect::run(&args, global),
        Command::Rules => rules::run(global),
        Command::Explain(args) => explain::run(&args, global),
        Command::Schema(args) => schema::run(&args, global),
        Command::ExportCommands(args) => export_commands::run(&args, global),
    };
    result.unwrap_or_else(|failure| {
        failure.print();
        Exit::Failed
    })
}
