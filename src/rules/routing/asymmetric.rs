//! RT011: replies between VPCs that come back another way than the requests went.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::addr::{AddrRange, Family};
use crate::analyze::trace::{Branch, From, trace};
use crate::fabric::{Fabric, SourcePoint};
use crate::packet::{Packet, Protocol};
use crate::rules::facts::{first_of, list};
use crate::rules::paths::{Client, clients, question, resource};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::simulate::{Mode, Path, Reason, Verdict, start, walk};
use crate::topology::{Id, Kind, Text};

pub(crate) struct AsymmetricReturn;

static META: RuleMeta = RuleMeta {
    id: "RT011",
    name: "asymmetric-return",
    summary: "replies between VPCs come back through the gateways that the requests passed",
    severity: Severity::Warning,
    pack: Pack::Default,
    needs: &[],
    cases: &[
        Case {
            key: "state",
            message: "requests from {from} to {to} are translated by {there}, but their replies do not come back to it",
            help: "route the replies of {to} to the gateway that translated the requests",
        },
        Case {
            key: "forwarder",
            message: "requests from {from} to {to} pass {there}, their replies pass {back}; a firewall that sees one direction only drops connections",
            help: "route both directions through the same instance or ENI, or both past it",
        },
        Case {
            key: "gateway",
            message: "requests from {from} to {to} pass {there}, their replies pass {back}",
            help: "let the routes of both sides name the same kind of gateway",
        },
    ],
    page: include_str!("../../../rules/RT011-asymmetric-return.md"),
};

/// Pairs of connected vSwitches that are looked at before nobody can tell.
const MOST: usize = 4096;

/// What a pair of VPCs does wrong: case, way there, way back.
type Key = (Id, Id, &'static str, String, String);

/// vSwitches from which and to which it is so, and a packet that shows it.
type Found = BTreeMap<Key, (BTreeSet<Id>, BTreeSet<Id>, Packet)>;

impl Rule for AsymmetricReturn {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        // all hosts of a vSwitch meet the same routes
        let mut seen = BTreeSet::new();
        let mut hosts: Vec<Client<'_>> = clients(cx)
            .into_values()
            .flatten()
            .filter(|c| c.point.vswitch.is_some() && seen.insert(&c.point.vswitch))
            .collect();
        hosts.sort_by_key(|host| (host.address, &host.point.vpc));
        let mut found: Found = BTreeMap::new();
        let mut missing = BTreeSet::new();
        let mut traced: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut asked = 0;
        'hosts: for from in &hosts {
            // targets that no route reaches come in runs
            let mut nowhere: Option<AddrRange> = None;
            for to in hosts.iter().filter(|to| to.point.vpc != from.point.vpc) {
                let number = Family::number(to.address);
                if nowhere.is_some_and(|range| range.contains(number))
                    || traced.contains(&(to.index, from.index))
                {
                    continue;
                }
                asked += 1;
                if asked > 8 * MOST || traced.len() >= MOST {
                    let text = format!("replies of more than {MOST} pairs of vSwitches");
                    missing.insert(text);
                    break 'hosts;
                }
                match leads(cx.fabric, from, to.address) {
                    Leads::There => {}
                    Leads::Nowhere(range) => {
                        nowhere = Some(range);
                        continue;
                    }
                    Leads::Unknown(range, texts) => {
                        nowhere = Some(range);
                        missing.extend(texts);
                        continue;
                    }
                }
                traced.insert((from.index, to.index));
                compare(cx, from, to, &mut found, &mut missing);
            }
        }
        for (key, (from, to, packet)) in found {
            report(cx, &key, &from, &to, packet, out);
        }
        if !missing.is_empty() {
            out.undetermined(Unknown { missing });
        }
    }
}

/// Where the routes lead.
enum Leads {
    /// To a host of another VPC.
    There,
    /// To nobody of another VPC, for this range of destinations.
    Nowhere(AddrRange),
    /// Nobody knows, for this range, for lack of these.
    Unknown(AddrRange, BTreeSet<String>),
}

fn leads(fabric: &Fabric, from: &Client<'_>, to: IpAddr) -> Leads {
    let packet = Packet::witness(from.address, to);
    let mode = Mode { to_host: true, diagnose: true, ..Mode::default() };
    let walked = walk(fabric, &start(from.point, &packet), &mode);
    let other = |path: &&Path| {
        let host = path.host.and_then(|id| fabric.host(id));
        host.is_some_and(|host| Some(host.network) != from.point.home)
    };
    if walked.paths.iter().any(|path| other(&path)) {
        return Leads::There;
    }
    let open = walked.paths.iter().filter(|path| path.outcome.verdict == Verdict::Unknown);
    let missing: BTreeSet<String> =
        open.flat_map(|path| path.outcome.missing.iter().map(Text::to_string)).collect();
    // where hosts decide, the answer is about this address alone
    let by_host = walked.paths.iter().any(|path| {
        path.host.is_some() || path.blockers.iter().any(|b| b.reason == Reason::NoSuchHost)
    });
    let number = Family::number(to);
    let range = match by_host {
        true => AddrRange { first: number, last: number },
        false => walked.extent.dst,
    };
    if missing.is_empty() { Leads::Nowhere(range) } else { Leads::Unknown(range, missing) }
}

fn compare(
    cx: &Context<'_>,
    from: &Client<'_>,
    to: &Client<'_>,
    found: &mut Found,
    missing: &mut BTreeSet<String>,
) {
    let host = to.point.home.and_then(|network| match cx.fabric.host_at(network, to.address) {
        crate::fabric::Found::Host(id) => Some(id),
        _ => None,
    });
    let question = question(From::Source(from.index), to.address, host, Protocol::Tcp, 443);
    let Some(trace) = trace(cx.fabric, &question) else { return };
    for branch in &trace.branches {
        // overlapping blocks: another host than the one that was meant
        if branch.forward.host.is_none() || branch.forward.host != host {
            continue;
        }
        match judge(cx.fabric, branch) {
            Ok(Some((case, there, back))) => {
                let (Some(a), Some(b)) = (&from.point.vpc, &to.point.vpc) else { continue };
                let key = (a.clone(), b.clone(), case, there, back);
                let packet = Packet::witness(from.address, to.address);
                let entry =
                    found.entry(key).or_insert_with(|| (BTreeSet::new(), BTreeSet::new(), packet));
                entry.0.extend(vswitch(from.point));
                entry.1.extend(vswitch(to.point));
            }
            Ok(None) => {}
            Err(texts) => missing.extend(texts),
        }
    }
}

fn vswitch(point: &SourcePoint) -> Option<Id> {
    point.vswitch.clone()
}

/// What is different on the way back: the case, and both ways in words.
fn judge(
    fabric: &Fabric,
    branch: &Branch,
) -> Result<Option<(&'static str, String, String)>, BTreeSet<String>> {
    let Some(back) = &branch.back else { return Ok(None) };
    // a way that is broken anyhow is another rule's
    if branch.forward.blockers.iter().any(|blocker| !is_filter(blocker.reason)) {
        return Ok(None);
    }
    let there = Way::of(fabric, std::slice::from_ref(&branch.forward));
    if back.blockers.iter().any(|blocker| blocker.reason == Reason::ReplyPathMismatch) {
        let device = branch.forward.legs.last().and_then(|leg| resource(fabric, leg.turn.at));
        let name = device.map_or_else(|| "a gateway".to_owned(), ToString::to_string);
        return Ok(Some(("state", name, String::new())));
    }
    if back.blockers.iter().any(|blocker| !is_filter(blocker.reason)) {
        return Ok(None);
    }
    let open = back.parts.iter().filter(|part| part.host.is_none());
    let open = open.filter(|part| part.outcome.verdict == Verdict::Unknown);
    let missing: BTreeSet<String> =
        open.flat_map(|part| part.outcome.missing.iter().map(Text::to_string)).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    // a device that turns replies back has got them
    if !branch.forward.legs.is_empty() {
        return Ok(None);
    }
    let return_way = Way::of(fabric, &back.parts);
    Ok(if there.forwarders != return_way.forwarders {
        Some(("forwarder", there.text(), return_way.text()))
    } else if there.gateways != return_way.gateways {
        Some(("gateway", there.text(), return_way.text()))
    } else {
        None
    })
}

fn is_filter(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::SgIngressDenied
            | Reason::SgEgressDenied
            | Reason::NaclIngressDenied
            | Reason::NaclEgressDenied
    )
}

/// What a packet passes between two VPCs.
#[derive(Default, PartialEq, Eq)]
struct Way {
    /// Instances that forward.
    forwarders: BTreeSet<String>,
    /// Kinds of gateways.
    gateways: BTreeSet<&'static str>,
}

impl Way {
    fn of(fabric: &Fabric, paths: &[Path]) -> Self {
        let mut out = Self::default();
        for hop in paths.iter().flat_map(|path| &path.hops) {
            let Some(stage) = fabric.stage(hop.stage) else { continue };
            let Some(at) = resource(fabric, stage.at) else { continue };
            if stage.name == "forward" {
                out.forwarders.insert(at.to_string());
            }
            out.gateways.extend(class(at.kind));
        }
        out
    }

    fn text(&self) -> String {
        let gateways = self.gateways.iter().map(|name| (*name).to_owned());
        let all: Vec<String> = self.forwarders.iter().cloned().chain(gateways).collect();
        if all.is_empty() { "no gateway".to_owned() } else { list(&all) }
    }
}

/// Gateways between VPCs. Several tables of transit routers are one gateway.
fn class(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::VpcPeer => Some("a peering connection"),
        Kind::TransitRouter | Kind::TransitAttachment | Kind::TransitRouteTable => {
            Some("a transit router")
        }
        Kind::Cen => Some("a CEN instance"),
        Kind::VpnGateway | Kind::VpnConnection => Some("a VPN gateway"),
        Kind::RouterInterface | Kind::BorderRouter => Some("a router interface"),
        _ => None,
    }
}

fn report(
    cx: &Context<'_>,
    (a, b, case, there, back): &Key,
    from: &BTreeSet<Id>,
    to: &BTreeSet<Id>,
    packet: Packet,
    out: &mut Sink,
) {
    let mut finding = match *case {
        // the flow is certainly broken (decisions.md 11)
        "state" => out.fail("state").severity(Severity::Error),
        "forwarder" => out.fail("forwarder"),
        _ => out.fail("gateway"),
    };
    let topology = cx.topology;
    for (id, label) in [(a, ""), (b, "the other VPC")] {
        finding = match topology.vpcs.get(id) {
            Some(vpc) if label.is_empty() => finding.on_whole(vpc),
            Some(vpc) => finding.with_whole(vpc, label),
            None => finding,
        };
    }
    let name = |vpc: &Id, vswitches: &BTreeSet<Id>| {
        let all: Vec<&Id> = vswitches.iter().collect();
        format!("{} in VPC {vpc}", first_of(&all, 3))
    };
    finding
        .fact("from", name(a, from))
        .fact("to", name(b, to))
        .fact("there", there)
        .fact("back", back)
        .witness(packet)
        .discriminator(case)
        .discriminator(there)
        .discriminator(back)
        .emit();
}
