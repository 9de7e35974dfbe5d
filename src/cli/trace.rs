//! `vpclint trace`.

use std::collections::{BTreeMap, BTreeSet};

use vpclint::analyze::trace::{Connection, trace};
use vpclint::load::Place;
use vpclint::policy::flow::{self, Options};
use vpclint::policy::resolve::Resolver;
use vpclint::policy::selector::{Selector, SelectorError, Wanted};
use vpclint::report::json::{self, TraceDocument};
use vpclint::report::{ElementPlace, TraceContext, Traced, elements, trace_text};

use super::failure::{Failure, say, warn};
use super::output::{Format, emit, targets};
use super::session::{Compiled, Inputs};
use super::{Exit, Global};

#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Who opens the connection: an id, a name, an address, `internet`, or a selector
    #[arg(long, value_name = "SEL")]
    from: String,
    /// To whom, and for which service; an instance is asked for at its primary private address, or
    /// from the Internet at the public addresses that lead to it
    #[arg(long, value_name = "SEL[:PORT[/PROTO]]")]
    to: String,
    /// The client's port; left out: packets are shown with 49152, and replies are judged for all of
    /// 1024-65535
    #[arg(long, value_name = "PORT")]
    source_port: Option<u16>,
    /// Most traces to make of several sources and targets
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

const HELP: &str = "\
Selectors: ecs:ID|NAME eni: havip: vpc: vsw: sg: zone: tag:KEY=VALUE role: ip: cidr: eip: nat: lb: svc:
ep: account: internet internet:IP *. A space means AND, `|` OR, `!` NOT, `*` any text; quote values
with spaces. A word without a kind is the id, name or address of anything. docs/trace.md says more.

Protocols: tcp (the default), udp, icmp, gre. The port may be left out for `internet` (443), and for
load balancers, endpoints and endpoint services (one trace for each listener).

Examples:
  vpclint trace export --from ecs:web-1 --to internet
  vpclint trace export --from web-1 --to 10.0.2.15:3306
  vpclint trace export --from internet --to lb:shop
  vpclint trace export --from 'vpc:prod tag:tier=app' --to ecs:db-1:3306 --output concise
  vpclint trace export --from ecs:web-1 --to ecs:db-1/icmp

Exit codes:
  0  every connection works
  1  some connection does not, or it cannot be told
  2  the question could not be asked: bad input, or a selector that means nothing";

pub(crate) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let targets = targets(global, &[Format::Text, Format::Concise, Format::Json])?;
    let from: Selector = args.from.parse().map_err(|error| complaint("--from", error))?;
    let to: Wanted = args.to.parse().map_err(|error| complaint("--to", error))?;
    let compiled = Compiled::start(&args.inputs, global)?;
    let traces = answers(args, &from, &to, &compiled, global)?;
    let places = places(&compiled, &traces);
    let context = TraceContext { fabric: &compiled.fabric, places: &places };
    emit(&targets, global, |format, out, paint| match format {
        Format::Text => trace_text::write(out, context, &traces, paint),
        Format::Concise => trace_text::write_concise(out, &traces),
        Format::Json => json::write(out, &TraceDocument::new(context, &traces)),
    })?;
    let concise = targets.iter().any(|t| t.format == Format::Concise && t.path.is_none());
    if concise && !global.quiet {
        say(trace_text::summary(&traces));
    }
    let works = traces.iter().all(|traced| traced.trace.connection == Connection::Works);
    Ok(if works { Exit::Clean } else { Exit::Findings })
}

/// Asks and answers.
fn answers(
    args: &Args,
    from: &Selector,
    to: &Wanted,
    compiled: &Compiled,
    global: &Global,
) -> Result<Vec<Traced>, Failure> {
    let fabric = &compiled.fabric;
    let resolver = Resolver::new(&compiled.loaded.topology, fabric);
    let from = resolver.resolve(from).map_err(|error| complaint("--from", error))?;
    let selected = resolver.resolve(&to.selector).map_err(|error| complaint("--to", error))?;
    if !global.quiet {
        for warning in from.warnings.iter().chain(&selected.warnings) {
            warn(warning);
        }
    }
    let options = Options { ask: to.ask, source_port: args.source_port, limit: args.limit };
    let asked = flow::questions(&resolver, &from, &selected, options).map_err(of_selector)?;
    let answered = asked.into_iter().filter_map(|asked| {
        let trace = trace(fabric, &asked.question)?.with_own(fabric);
        Some(Traced { asked, trace })
    });
    Ok(answered.collect())
}

/// Where the elements stand that the traces name.
fn places(
    compiled: &Compiled,
    traces: &[Traced],
) -> BTreeMap<vpclint::fabric::ElementId, ElementPlace> {
    let fabric = &compiled.fabric;
    let named: BTreeSet<_> =
        traces.iter().flat_map(|traced| elements(fabric, &traced.trace)).collect();
    let stated: Vec<_> = named
        .into_iter()
        .filter_map(|id| {
            let element = fabric.element(id)?;
            Some((id, element.resource.kind, element.source.as_ref()?))
        })
        .collect();
    let wanted: Vec<Place<'_>> =
        stated.iter().map(|(_, kind, source)| Place { source, kind: *kind, field: None }).collect();
    let found = compiled.loaded.files.locate_all(&wanted);
    stated
        .iter()
        .zip(found)
        .filter_map(|((id, ..), at)| {
            let at = at?;
            Some((*id, ElementPlace { file: at.file, line: at.line, column: at.column }))
        })
        .collect()
}

fn complaint(option: &str, error: SelectorError) -> Failure {
    let failure = Failure::new(format!("{option}: {}", error.what));
    match error.help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

fn of_selector(error: SelectorError) -> Failure {
    let failure = Failure::new(error.what);
    match error.help {
        Some(help) => failure.help(help),
        None => failure,
    }
}
