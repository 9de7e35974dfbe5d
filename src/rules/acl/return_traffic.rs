//! ACL001: requests that an ACL accepts and whose replies it drops (decisions.md 12).

use std::collections::BTreeMap;

use super::bound;
use super::lists::{Entry, Ports, accepted, admitted, pieces, read};
use crate::addr::{AddrSet, Cidr, Family, special};
use crate::packet::Protocol;
use crate::rules::facts::{first_of, list};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, stated};
use crate::topology::{Id, NetworkAcl, NetworkAclEntry, PortSpec, Resource};

pub(crate) struct ReturnTrafficBlocked;

static META: RuleMeta = RuleMeta {
    id: "ACL001",
    name: "return-traffic-blocked",
    summary: "a network ACL lets the replies to the requests that it accepts pass",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "none",
            message: "{acl} accepts {requests} {way}, but lets no reply to the clients' ports 1024-65535 {back}, so these connections never open",
            help: "add an entry to the {other} list that accepts {protocols} 1024-65535 {towards} {peers}; ACLs keep no state",
        },
        Case {
            key: "some",
            message: "{acl} accepts {requests} {way}, but drops a part of the replies: {lost}",
            help: "widen the entry of the {other} list that lets replies pass; clients use any port of 1024-65535",
        },
    ],
    page: include_str!("../../../rules/ACL001-return-traffic-blocked.md"),
};

/// Ports that clients use (decisions.md 12).
const CLIENT: u16 = 1024;

/// An entry for this many ports above 1024 and more lets replies pass, a narrower one requests to a
/// service: the widest range of services in use are the 2,768 node ports of Kubernetes.
const RETURN_WIDTH: u16 = 4096;

impl Rule for ReturnTrafficBlocked {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.network_acls, |acl, out| {
            let vswitches = bound(cx, acl)?;
            if vswitches.is_empty() {
                return Ok(());
            }
            let ingress = stated(acl.ingress.as_ref(), acl, "ingress entries")?;
            let egress = stated(acl.egress.as_ref(), acl, "egress entries")?;
            let lists = [read(cx, acl, ingress, "ingress")?, read(cx, acl, egress, "egress")?];
            let exempt = Exempt::of(cx, &vswitches);
            let [inward, outward] = &lists;
            for side in [Side::Ingress, Side::Egress] {
                let (own, other, raw) = match side {
                    Side::Ingress => (inward, outward, ingress),
                    Side::Egress => (outward, inward, egress),
                };
                let one_way = one_way(own, other, &exempt);
                report(acl, side, raw, &one_way, &vswitches, out);
            }
            Ok(())
        });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Ingress,
    Egress,
}

/// Far ends that an ACL never filters, or that send nothing.
struct Exempt {
    v4: AddrSet,
    v6: AddrSet,
}

impl Exempt {
    fn of(cx: &Context<'_>, vswitches: &[&Id]) -> Self {
        // DNS and metadata (access.md §2.1)
        let always = ["100.100.2.128/28", "100.100.2.112/28", "100.100.100.200/32"];
        let mut blocks: Vec<Cidr> = always.iter().filter_map(|text| text.parse().ok()).collect();
        // inside one vSwitch nothing is filtered; between two with the same ACL it is (§2.2)
        if let [only] = vswitches
            && let Some(vswitch) = cx.topology.vswitches.get(only)
        {
            let own = vswitch.cidr.iter().chain(&vswitch.ipv6_cidr);
            blocks.extend(own.filter_map(|value| value.cidr()));
        }
        let of =
            |family| AddrSet::from_cidrs(family, &blocks).union(&special::not_routable(family));
        Self { v4: of(Family::V4), v6: of(Family::V6) }
    }

    fn set(&self, family: Family) -> &AddrSet {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

/// The requests of one entry that get no reply, or not all of them.
#[derive(Default)]
struct Lost {
    protocols: Vec<Protocol>,
    /// At least one reply to one of its clients passes.
    partly: bool,
    /// `every port of 10.0.0.0/8`.
    parts: Vec<String>,
}

/// Entries whose requests lose replies, by position.
fn one_way(own: &[Entry], other: &[Entry], exempt: &Exempt) -> BTreeMap<usize, Lost> {
    let mut out: BTreeMap<usize, Lost> = BTreeMap::new();
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        for family in [Family::V4, Family::V6] {
            judge(own, other, protocol, family, exempt.set(family), &mut out);
        }
    }
    out
}

fn judge(
    own: &[Entry],
    other: &[Entry],
    protocol: Protocol,
    family: Family,
    exempt: &AddrSet,
    out: &mut BTreeMap<usize, Lost>,
) {
    let cut = pieces([own, other], protocol, CLIENT);
    let replies: Vec<(Ports, AddrSet)> =
        cut.iter().map(|piece| (*piece, admitted(other, protocol, family, *piece))).collect();
    let requests = requests(own, protocol, family, &replies);
    let client = || replies.iter().filter(|(piece, _)| piece.0 >= CLIENT);
    let any = client().fold(AddrSet::empty(family), |sum, (_, set)| sum.union(set));
    let all = client().fold(AddrSet::full(family), |sum, (_, set)| sum.intersect(set));
    for (entry, sources) in requests {
        let sources = sources.difference(exempt);
        let none = sources.difference(&any);
        let some = sources.intersect(&any).difference(&all);
        if none.is_empty() && some.is_empty() {
            continue;
        }
        // the block as it is written, when nothing of it is left out
        let written = own.get(entry).map_or(&[][..], |e| &e.blocks);
        let whole = AddrSet::from_cidrs(family, written).difference(exempt);
        let text = |set: &AddrSet| match *set == whole {
            true => first_of(written, 3),
            false => first_of(&set.to_cidrs(), 3),
        };
        let lost = out.entry(entry).or_default();
        if !lost.protocols.contains(&protocol) {
            lost.protocols.push(protocol);
        }
        lost.partly |= !sources.intersect(&any).is_empty();
        if !none.is_empty() {
            lost.parts.push(format!("{protocol} to every port of {}", text(&none)));
        }
        let ports: Vec<Ports> = client()
            .filter(|(_, set)| !some.difference(set).is_empty())
            .map(|(piece, _)| *piece)
            .collect();
        if !some.is_empty() {
            let ports = joined(&ports);
            lost.parts.push(format!("{protocol} to ports {ports} of {}", text(&some)));
        }
    }
}

/// What each entry accepts that is a request: everything but replies to requests that the other
/// list lets pass, which come to the ports of clients through a wide entry.
fn requests(
    own: &[Entry],
    protocol: Protocol,
    family: Family,
    other: &[(Ports, AddrSet)],
) -> BTreeMap<usize, AddrSet> {
    let asked = other.iter().fold(AddrSet::empty(family), |sum, (_, set)| sum.union(set));
    let mut out: BTreeMap<usize, AddrSet> = BTreeMap::new();
    for (piece, _) in other {
        for (n, part) in accepted(own, protocol, family, *piece) {
            let wide = own.get(n).is_some_and(|entry| {
                entry.ports.1.saturating_sub(entry.ports.0.max(CLIENT)) >= RETURN_WIDTH - 1
            });
            let part = if wide && piece.0 >= CLIENT { part.difference(&asked) } else { part };
            let sum = out.entry(n).or_insert_with(|| AddrSet::empty(family));
            *sum = sum.union(&part);
        }
    }
    out
}

/// `1024-32767 and 61000-65535` of neighbouring pieces.
fn joined(ports: &[Ports]) -> String {
    let mut out: Vec<Ports> = Vec::new();
    for (first, last) in ports {
        match out.last_mut() {
            Some(previous) if previous.1.saturating_add(1) == *first => previous.1 = *last,
            _ => out.push((*first, *last)),
        }
    }
    let texts: Vec<String> = out.iter().map(|(first, last)| range(*first, *last)).collect();
    first_of(&texts, 4)
}

fn range(first: u16, last: u16) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn report(
    acl: &NetworkAcl,
    side: Side,
    raw: &[NetworkAclEntry],
    one_way: &BTreeMap<usize, Lost>,
    vswitches: &[&Id],
    out: &mut Sink,
) {
    for partly in [false, true] {
        let entries: Vec<(usize, &Lost)> = one_way
            .iter()
            .filter(|(_, lost)| lost.partly == partly)
            .map(|(n, l)| (*n, l))
            .collect();
        if entries.is_empty() {
            continue;
        }
        let finding = match partly {
            false => out.fail("none"),
            true => out.fail("some").severity(Severity::Warning),
        };
        let (field, far, way, back, other) = match side {
            Side::Ingress => ("ingress", "from", "into", "out", "egress"),
            Side::Egress => ("egress", "to", "out of", "in", "ingress"),
        };
        let texts: Vec<String> =
            entries.iter().filter_map(|(n, _)| Some(entry_text(raw.get(*n)?, *n, far))).collect();
        let peers: Vec<String> = entries
            .iter()
            .filter_map(|(n, _)| Some(raw.get(*n)?.cidr.as_ref()?.to_string()))
            .collect();
        let parts: Vec<&String> = entries.iter().flat_map(|(_, lost)| &lost.parts).collect();
        let mut protocols: Vec<Protocol> =
            entries.iter().flat_map(|(_, lost)| lost.protocols.iter().copied()).collect();
        protocols.sort();
        protocols.dedup();
        finding
            .on(acl, field)
            .fact("acl", acl.to_ref())
            .fact("requests", first_of(&texts, 3))
            .fact("way", format!("{way} {}", first_of(vswitches, 2)))
            .fact("back", back)
            .fact("other", other)
            .fact("towards", if side == Side::Ingress { "to" } else { "from" })
            .fact("peers", first_of(&unique(peers), 3))
            .fact("protocols", list(&protocols))
            .fact("lost", first_of(&parts, 3))
            .discriminator(field)
            .discriminator(if partly { "some" } else { "none" })
            .unless_reported("ACL004", acl)
            .emit();
    }
}

fn unique(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts.dedup();
    texts
}

/// `tcp 443 from 0.0.0.0/0 (entry 1)`.
fn entry_text(entry: &NetworkAclEntry, n: usize, far: &str) -> String {
    let protocol = entry.protocol.as_ref().map_or("all", |p| p.as_str());
    let ports = match &entry.ports {
        Some(PortSpec::Range(first, last)) => format!(" {}", range(*first, *last)),
        _ => String::new(),
    };
    let block = entry.cidr.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{protocol}{ports} {far} {block} (entry {})", n + 1)
}
