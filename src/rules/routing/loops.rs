//! RT012: destinations for which packets go round for ever.

use std::collections::{BTreeMap, BTreeSet};

use crate::addr::{AddrSet, Cidr, Family, special};
use crate::fabric::{ElementId, Fabric, SourcePoint};
use crate::packet::Packet;
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::simulate::{Mode, Path, Reason, Verdict, start_without_own, walk};
use crate::topology::{CidrValue, Kind, Resource, ResourceRef, Topology};

pub(crate) struct ForwardingLoop;

static META: RuleMeta = RuleMeta {
    id: "RT012",
    name: "forwarding-loop",
    summary: "no destination makes packets go round between tables",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "loop",
        message: "packets from {source} to {destinations} go round: {cycle}",
        help: "let one of these routes lead elsewhere, or make it end where it is not needed, for instance with a black hole",
    }],
    page: include_str!("../../../rules/RT012-forwarding-loop.md"),
};

/// A circle of tables and devices, as the first source that gets into it finds it.
struct Circle {
    packet: Packet,
    /// Entries and devices in the order in which packets pass them.
    cycle: Vec<ResourceRef>,
    destinations: AddrSet,
}

impl Rule for ForwardingLoop {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut circles: BTreeMap<BTreeSet<ResourceRef>, Circle> = BTreeMap::new();
        for source in representatives(cx.fabric) {
            let missing = follow(cx.fabric, source, &mut circles);
            if !missing.is_empty() {
                out.undetermined(Unknown { missing });
            }
        }
        for circle in circles.values() {
            report(cx, out, circle);
        }
    }
}

/// One source per vSwitch and address family: all sources of a vSwitch meet the same tables.
fn representatives(fabric: &Fabric) -> impl Iterator<Item = &SourcePoint> {
    let mut seen = BTreeSet::new();
    fabric.sources.iter().filter(move |source| {
        let Some(address) = source.address.addr() else { return false };
        seen.insert((source.vpc.clone(), source.vswitch.clone(), address.is_ipv4()))
    })
}

/// Follows packets of a source to every destination, one per range in which no table changes its
/// answer. Returns what is missing where it cannot be told.
fn follow(
    fabric: &Fabric,
    source: &SourcePoint,
    circles: &mut BTreeMap<BTreeSet<ResourceRef>, Circle>,
) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    let Some(src) = source.address.addr() else { return missing };
    let family = Family::of(src);
    // filters hide loops and do not mend them
    let mode = Mode { diagnose: true, ..Mode::default() };
    let mut next = Some(0u128);
    while let Some(first) = next {
        let packet = Packet::witness(src, family.address(first));
        let walked = walk(fabric, &start_without_own(source, &packet), &mode);
        let mut range = walked.extent.dst;
        range.first = first;
        for path in &walked.paths {
            if path.outcome.verdict == Verdict::Unknown {
                missing.extend(path.outcome.missing.iter().map(ToString::to_string));
            }
            let Some((key, cycle)) = circle(fabric, path) else { continue };
            let here = AddrSet::from_ranges(family, vec![range]);
            match circles.get_mut(&key) {
                Some(known) if known.destinations.family() == family => {
                    known.destinations = known.destinations.union(&here);
                }
                Some(_) => {}
                None => {
                    circles.insert(key, Circle { packet, cycle, destinations: here });
                }
            }
        }
        next = (range.last < family.max()).then(|| range.last + 1);
    }
    missing
}

/// The circle that a path ends in: its tables and devices as a set, and what decides in them.
fn circle(fabric: &Fabric, path: &Path) -> Option<(BTreeSet<ResourceRef>, Vec<ResourceRef>)> {
    let end = path.blockers.iter().find(|blocker| blocker.reason == Reason::RoutingLoop)?;
    let entered =
        path.hops.iter().position(|hop| hop.stage == end.stage && hop.header == path.header)?;
    let resource = |id: ElementId| fabric.element(id).map(|e| e.resource.clone());
    let mut key = BTreeSet::new();
    let mut cycle = Vec::new();
    for hop in path.hops.get(entered..)? {
        let Some(stage) = fabric.stage(hop.stage).filter(|stage| stage.pass.is_none()) else {
            continue;
        };
        key.extend(resource(stage.at));
        cycle.extend(hop.element.or(Some(stage.at)).and_then(resource));
    }
    cycle.dedup();
    // the same beginning whoever gets into the circle, and wherever
    let first = cycle.iter().enumerate().min_by_key(|(_, step)| *step).map(|(n, _)| n)?;
    cycle.rotate_left(first);
    Some((key, cycle))
}

fn report(cx: &Context<'_>, out: &mut Sink, circle: &Circle) {
    let mut finding = out.fail("loop").witness(circle.packet);
    if !matters(cx.topology, circle) {
        finding = finding.severity(Severity::Warning);
    }
    // routes are what can be mended; they come first, devices are named
    let entries: Vec<(&ResourceRef, &dyn Resource)> =
        circle.cycle.iter().filter_map(|r| Some((r, entry(cx.topology, r)?))).collect();
    for (n, (_, route)) in entries.iter().enumerate() {
        let field = if route.kind() == Kind::RouteEntry { "next_hops" } else { "next_hop" };
        finding = match n {
            0 => finding.on(*route, field),
            _ => finding.with(*route, field, "leads back"),
        };
    }
    for device in circle.cycle.iter().filter(|r| entry(cx.topology, r).is_none()) {
        finding = finding.about(device.clone());
    }
    let steps: Vec<String> = circle
        .cycle
        .iter()
        .chain(circle.cycle.first())
        .map(|step| step_text(cx.topology, step))
        .collect();
    finding
        .fact("source", circle.packet.src)
        .fact("destinations", first_of(&circle.destinations.to_cidrs(), 3))
        .fact("cycle", steps.join(", then "))
        .emit();
}

/// An entry by its id, with the table that it stands in.
fn step_text(topology: &Topology, step: &ResourceRef) -> String {
    let table = match step.kind {
        Kind::RouteEntry => topology.route_entries.get(&step.id).and_then(|e| e.table.as_ref()),
        Kind::TransitRouteEntry => {
            topology.transit_route_entries.get(&step.id).and_then(|e| e.table.as_ref())
        }
        _ => None,
    };
    match table {
        Some(table) => format!("{step} of {table}"),
        None => step.to_string(),
    }
}

fn entry<'t>(topology: &'t Topology, resource: &ResourceRef) -> Option<&'t dyn Resource> {
    match resource.kind {
        Kind::RouteEntry => topology.route_entries.get(&resource.id).map(|r| r as &dyn Resource),
        Kind::TransitRouteEntry => {
            topology.transit_route_entries.get(&resource.id).map(|r| r as &dyn Resource)
        }
        _ => None,
    }
}

/// True when somebody can want to reach a destination: it is public, or in a vSwitch.
fn matters(topology: &Topology, circle: &Circle) -> bool {
    let family = circle.destinations.family();
    let vswitches: Vec<_> = topology
        .vswitches
        .iter()
        .flat_map(|v| v.cidr.iter().chain(&v.ipv6_cidr))
        .filter_map(CidrValue::cidr)
        .filter(|cidr| cidr.family() == family)
        .collect();
    let held = AddrSet::from_cidrs(family, &vswitches);
    let private: Vec<Cidr> = match family {
        Family::V4 => {
            special::rfc1918().into_iter().chain([special::shared_address_space()]).collect()
        }
        Family::V6 => vec![special::unique_local()],
    };
    let public = AddrSet::from_cidrs(family, &private).complement();
    !circle.destinations.intersect(&public.union(&held)).is_empty()
}
