//! NAT009: the way back from the target of a DNAT entry (egress.md §5.2).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::is_internet;
use crate::addr::{AddrRange, AddrSet, Family};
use crate::fabric::{ElementId, Found, OwnPublic, SourcePoint};
use crate::packet::{Packet, Protocol, WITNESS_SRC_PORT};
use crate::rules::facts::{first_of, gateway_of_entry};
use crate::rules::paths::resource;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::simulate::{Mode, Path, Reason, Verdict, start_without_own, walk};
use crate::topology::{
    AddrValue, DnatEntry, Kind, NatGateway, NatPort, Resource, ResourceRef, Text,
};

pub(crate) struct DnatReturnRoute;

static META: RuleMeta = RuleMeta {
    id: "NAT009",
    name: "dnat-return-route",
    summary: "the target of a DNAT entry sends its replies back through the same NAT gateway",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "absent",
            message: "{entries} {lead} to {target}, whose replies to {clients} find no route back to {nat}",
            help: "add a route for 0.0.0.0/0 to the NAT gateway to the route table of {vswitch}",
        },
        Case {
            key: "elsewhere",
            message: "{entries} {lead} to {target}, whose replies to {clients} go to {other} and not back to {nat}, so they are not translated",
            help: "route the replies of {vswitch} to {nat}, or move the entries to the gateway that the route names",
        },
    ],
    page: include_str!("../../../rules/NAT009-dnat-return-route.md"),
};

/// Ranges of clients that are told apart; more come only from tables with hundreds of routes.
const MOST: usize = 4096;

/// Entries with one target behind one gateway: their replies take one way.
type Targets<'a> = BTreeMap<(&'a str, &'a AddrValue), (&'a NatGateway, Vec<&'a DnatEntry>)>;

impl Rule for DnatReturnRoute {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut targets: Targets<'_> = BTreeMap::new();
        out.each(cx, &cx.topology.dnat_entries, |entry, _| {
            let nat =
                gateway_of_entry(cx, entry, entry.nat_gateway.as_ref(), entry.table.as_ref())?;
            let internal = stated(entry.internal_ip.as_ref(), entry, "internal address")?;
            if is_internet(nat) {
                let key = (nat.id().as_str(), internal);
                targets.entry(key).or_insert_with(|| (nat, Vec::new())).1.push(entry);
            }
            Ok(())
        });
        let mut points: BTreeMap<(&str, &AddrValue), &SourcePoint> = BTreeMap::new();
        for point in &cx.fabric.sources {
            if let Some(vpc) = &point.vpc {
                points.entry((vpc, &point.address)).or_insert(point);
            }
        }
        let devices = gateways(cx);
        for ((_, internal), (nat, entries)) in targets {
            let Some(vpc) = &nat.vpc else {
                out.undetermined(Unknown::of(format!("VPC of {} (not stated)", nat.id())));
                continue;
            };
            let Some(point) = points.get(&(vpc.as_str(), internal)) else {
                out.settle(absent(cx, nat, internal));
                continue;
            };
            // it answers under its own address, which is NAT007's
            if matches!(point.own, OwnPublic::Held(_)) {
                continue;
            }
            let Some(device) = devices.get(nat.id().as_str()) else { continue };
            let Some(first) = entries.first() else { continue };
            let ways = Ways::of(cx, point, first, *device);
            let outcome = ways.report(cx, point, nat, &entries, out);
            out.settle(outcome);
        }
    }
}

/// Gateways as devices of the fabric.
fn gateways<'a>(cx: &Context<'a>) -> BTreeMap<&'a str, ElementId> {
    let stages = cx.fabric.stages().iter();
    stages
        .filter_map(|stage| {
            let found = resource(cx.fabric, stage.at)?;
            (found.kind == Kind::NatGateway).then_some((found.id.as_str(), stage.at))
        })
        .collect()
}

/// A target that is no source: a device, or nobody (REF008), or nobody knows.
fn absent(cx: &Context<'_>, nat: &NatGateway, internal: &AddrValue) -> Result<(), Unknown> {
    let Some(address) = internal.addr() else {
        return Err(Unknown::of(format!("target `{internal}` of {} (masked)", nat.id())));
    };
    let of_vpc = |e: &&SourcePoint| e.vpc == nat.vpc;
    let network = cx.fabric.sources.iter().find(of_vpc).and_then(|point| point.home);
    match network.map(|network| cx.fabric.host_at(network, address)) {
        Some(Found::Unknown(missing)) => Err(Unknown::of(missing.to_string())),
        _ => Ok(()),
    }
}

/// Where the replies of a target go.
#[derive(Default)]
struct Ways {
    /// Clients to which no route leads.
    lost: Vec<AddrRange>,
    /// Clients whose replies go elsewhere.
    astray: BTreeMap<Option<ResourceRef>, Vec<AddrRange>>,
    missing: BTreeSet<String>,
}

impl Ways {
    /// Walks one reply per range of clients that no table on the way tells apart.
    fn of(cx: &Context<'_>, point: &SourcePoint, entry: &DnatEntry, device: ElementId) -> Self {
        let mut out = Self::default();
        let Some(src) = point.address.addr().filter(IpAddr::is_ipv4) else { return out };
        let Some(space) = point.vpc.as_ref().and_then(|vpc| cx.fabric.space(vpc)) else {
            return out;
        };
        let src_port = match entry.internal_port {
            Some(NatPort::Range(first, _)) => first,
            _ => 443,
        };
        let mode = Mode { diagnose: true, reply: true, ..Mode::default() };
        let mut walks = 0;
        for range in space.public_v4.ranges() {
            let mut next = Some(range.first);
            while let Some(first) = next {
                walks += 1;
                if walks > MOST {
                    out.missing.insert(format!("more than {MOST} routes of {}", point.eni));
                    return out;
                }
                let packet = Packet {
                    src,
                    dst: Family::V4.address(first),
                    protocol: Protocol::Tcp,
                    src_port,
                    dst_port: WITNESS_SRC_PORT,
                };
                let walked = walk(cx.fabric, &start_without_own(point, &packet), &mode);
                let last = walked.extent.dst.last.min(range.last);
                for path in &walked.paths {
                    out.add(cx, path, device, AddrRange { first, last });
                }
                next = (last < range.last).then(|| last + 1);
            }
        }
        out
    }

    fn add(&mut self, cx: &Context<'_>, path: &Path, device: ElementId, clients: AddrRange) {
        let outcome = &path.outcome;
        // filters on the way are NAT010's
        let stopped = path
            .blockers
            .iter()
            .find(|b| !matches!(b.reason, Reason::SgEgressDenied | Reason::NaclEgressDenied));
        match (stopped, outcome.verdict) {
            _ if passes(cx, path, device) => {}
            (Some(blocker), _) if matches!(blocker.reason, Reason::NoRoute | Reason::TrNoRoute) => {
                self.lost.push(clients);
            }
            (None, Verdict::Unknown) => {
                self.missing.extend(outcome.missing.iter().map(Text::to_string));
            }
            _ => {
                let devices = path.hops.iter().rev().filter_map(|hop| {
                    let found = resource(cx.fabric, cx.fabric.stage(hop.stage)?.at)?;
                    (!INNER.contains(&found.kind)).then(|| found.clone())
                });
                let other = devices.into_iter().next();
                self.astray.entry(other).or_default().push(clients);
            }
        }
    }

    fn report(
        self,
        cx: &Context<'_>,
        point: &SourcePoint,
        nat: &NatGateway,
        entries: &[&DnatEntry],
        out: &mut Sink,
    ) -> Result<(), Unknown> {
        if !self.lost.is_empty() {
            let draft = out.fail("absent");
            emit(cx, draft, point, nat, entries, &self.lost);
        }
        for (other, clients) in &self.astray {
            let name =
                other.as_ref().map_or_else(|| "another place".to_owned(), ResourceRef::to_string);
            let draft = out.fail("elsewhere").severity(Severity::Warning);
            let draft = draft.fact("other", &name).discriminator(&name);
            emit(cx, draft, point, nat, entries, clients);
        }
        if self.missing.is_empty() { Ok(()) } else { Err(Unknown { missing: self.missing }) }
    }
}

/// Places inside a vSwitch, which are no gateways.
const INNER: [Kind; 7] = [
    Kind::Eni,
    Kind::Instance,
    Kind::VSwitch,
    Kind::SecurityGroup,
    Kind::NetworkAcl,
    Kind::RouteTable,
    Kind::Vpc,
];

/// Does the path come to the gateway? What that does with a packet of no session does not matter.
fn passes(cx: &Context<'_>, path: &Path, device: ElementId) -> bool {
    path.hops.iter().any(|hop| cx.fabric.stage(hop.stage).is_some_and(|s| s.at == device))
}

fn emit(
    cx: &Context<'_>,
    draft: crate::rules::Draft<'_>,
    point: &SourcePoint,
    nat: &NatGateway,
    entries: &[&DnatEntry],
    clients: &[AddrRange],
) {
    let set = AddrSet::from_ranges(Family::V4, clients.to_vec());
    let all = point.vpc.as_ref().and_then(|vpc| cx.fabric.space(vpc)).map(|s| &s.public_v4);
    let clients = match all == Some(&set) {
        true => "the Internet".to_owned(),
        false => first_of(&set.to_cidrs(), 3),
    };
    let names: Vec<ResourceRef> = entries.iter().map(|entry| entry.to_ref()).collect();
    let target = point.instance.as_ref().unwrap_or(&point.eni);
    let vswitch = point.vswitch.as_deref().unwrap_or("its vSwitch");
    let mut draft = draft;
    for (n, entry) in entries.iter().enumerate() {
        draft = match n {
            0 => draft.on(*entry, "internal_ip"),
            _ => draft.about(entry.to_ref()),
        };
    }
    if let Some(vswitch) = point.vswitch.as_ref().and_then(|id| cx.topology.vswitches.get(id)) {
        draft = draft.with_whole(vswitch, "the target's vSwitch");
    }
    draft
        .fact("entries", first_of(&names, 3))
        .fact("lead", if names.len() == 1 { "leads" } else { "lead" })
        .fact("target", format!("{target} ({})", point.address))
        .fact("clients", clients)
        .fact("nat", nat.to_ref())
        .fact("vswitch", vswitch)
        .emit();
}
