//! What rules ask of paths: which hosts of a network are clients, which sources a filter admits,
//! and how far an answer about one client reaches.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::context::Context;
use super::finding::Unknown;
use crate::addr::{AddrRange, AddrSet, Family};
use crate::analyze::trace::{From, Question, To, Trace};
use crate::fabric::{
    Branch, ElementId, End, Fabric, Header, Host, HostId, SourcePoint, Stage, StageId, Table,
};
use crate::packet::{Protocol, WITNESS_SRC_PORT};
use crate::simulate::{Action, Hop};
use crate::topology::{Id, Kind, ResourceRef, Text};

/// Ports that clients use (decisions.md 12).
pub(super) const CLIENT_PORTS: (u16, u16) = (1024, u16::MAX);

/// A host of which connections may come.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    /// Index into the fabric's sources.
    pub(super) index: usize,
    /// The source.
    pub(super) point: &'a SourcePoint,
    /// Its address.
    pub(super) address: IpAddr,
}

/// IPv4 addresses of instances by VPC; an ENI that is not attached asks for nothing.
pub(super) fn clients<'a>(cx: &Context<'a>) -> BTreeMap<&'a Id, Vec<Client<'a>>> {
    let mut out: BTreeMap<&Id, Vec<Client<'_>>> = BTreeMap::new();
    for (index, point) in cx.fabric.sources.iter().enumerate() {
        let (Some(vpc), Some(address)) = (&point.vpc, point.address.addr()) else { continue };
        if address.is_ipv4() && point.instance.is_some() {
            out.entry(vpc).or_default().push(Client { index, point, address });
        }
    }
    for list in out.values_mut() {
        list.sort_by_key(|client| (client.point.entry, client.point.sender, client.address));
    }
    out
}

/// Hosts by the resource that has them, of one kind.
pub(super) fn hosts_of(fabric: &Fabric, kind: Kind) -> BTreeMap<&Id, Vec<(HostId, &Host)>> {
    let mut out: BTreeMap<&Id, Vec<(HostId, &Host)>> = BTreeMap::new();
    for (id, host) in fabric.hosts() {
        if let Some(element) = fabric.element(host.element).filter(|e| e.resource.kind == kind) {
            out.entry(&element.resource.id).or_default().push((id, host));
        }
    }
    out
}

/// A question about a connection to a host.
pub(super) fn question(
    from: From,
    address: IpAddr,
    host: Option<HostId>,
    protocol: Protocol,
    port: u16,
) -> Question {
    Question {
        from,
        to: To { address, host },
        protocol,
        src_port: if protocol.has_ports() { WITNESS_SRC_PORT } else { 0 },
        client_ports: if protocol.has_ports() { CLIENT_PORTS } else { (0, 0) },
        dst_port: port,
    }
}

/// The range of clients for which every table on the way there and back decides as for this one.
pub(super) fn reach(fabric: &Fabric, trace: &Trace, client: IpAddr) -> AddrRange {
    let family = Family::of(client);
    let mut out = AddrRange { first: 0, last: family.max() };
    let looked = |hop: &&Hop| hop.action != Action::Session;
    for branch in &trace.branches {
        for hop in branch.forward.hops.iter().filter(looked) {
            if hop.header.src == Some(client)
                && let Some(stage) = fabric.stage(hop.stage)
            {
                narrow(&mut out, stage.table.lookup(&hop.header).extent.src);
            }
        }
        let back = branch.back.iter().flat_map(|back| &back.parts).flat_map(|part| &part.hops);
        for hop in back.filter(looked) {
            if hop.header.dst == client
                && let Some(stage) = fabric.stage(hop.stage)
            {
                narrow(&mut out, stage.table.lookup(&hop.header).extent.dst);
            }
        }
    }
    out
}

fn narrow(range: &mut AddrRange, by: AddrRange) {
    // both hold the client, so they meet
    if let Some(both) = range.intersect(&by) {
        *range = both;
    }
}

/// The stage of this name among the filters that a branch begins with.
pub(super) fn filter<'f>(fabric: &'f Fabric, branch: &Branch, name: &str) -> Option<&'f Stage> {
    let mut next: Option<StageId> = go(branch);
    while let Some(stage) = next.and_then(|id| fabric.stage(id)) {
        if stage.name == name {
            return Some(stage);
        }
        next = stage.pass.as_ref().and_then(|pass| go(&pass.to));
    }
    None
}

fn go(branch: &Branch) -> Option<StageId> {
    match branch.end {
        End::Go(stage) => Some(stage),
        _ => None,
    }
}

/// What a filter does with packets that differ in their sources.
pub(super) struct Admitted {
    /// Let through.
    pub(super) passed: AddrSet,
    /// Of these it cannot be told.
    pub(super) open: AddrSet,
    /// What is missing to tell.
    pub(super) missing: Unknown,
}

/// Which sources a filter lets through, all else being as in `header`.
pub(super) fn admitted(table: &Table, header: &Header) -> Admitted {
    let family = Family::of(header.dst);
    let mut rest = AddrSet::full(family);
    let mut passed = AddrSet::empty(family);
    let mut open = AddrSet::empty(family);
    // sources that a rule in doubt may let through or may stop
    let mut maybe = [AddrSet::empty(family), AddrSet::empty(family)];
    let mut missing = BTreeSet::new();
    for rule in &table.rules {
        let m = &rule.matches;
        let (first, last) = m.src_ports.unwrap_or((0, u16::MAX));
        let about = m.dst.as_ref().is_none_or(|set| set.contains(header.dst))
            && m.services.as_ref().is_none_or(|set| set.contains(header.service()))
            && (!header.protocol.has_ports() || (first..=last).contains(&header.src_port))
            && (m.home.is_none() || m.home == header.home)
            && (m.sender.is_none() || m.sender == header.sender)
            && m.src.as_ref().is_none_or(|set| set.family() == family);
        if !about {
            continue;
        }
        let part = m.src.as_ref().map_or_else(|| rest.clone(), |set| rest.intersect(set));
        if part.is_empty() {
            continue;
        }
        let [may_pass, may_stop] = &mut maybe;
        match (&rule.doubt, &rule.then.end) {
            (Some(text), end) => {
                missing.insert(text.to_string());
                let either = if matches!(end, End::Drop(..)) { may_stop } else { may_pass };
                *either = either.union(&part);
                continue;
            }
            (None, End::Unknown(texts)) => {
                missing.extend(texts.iter().map(Text::to_string));
                open = open.union(&part);
            }
            (None, End::Drop(..)) => {}
            (None, _) => passed = passed.union(&part),
        }
        rest = rest.difference(&part);
    }
    match &table.default.end {
        End::Unknown(texts) => {
            missing.extend(texts.iter().map(Text::to_string));
            open = open.union(&rest);
        }
        End::Drop(..) => {}
        _ => passed = passed.union(&rest),
    }
    let [may_pass, may_stop] = maybe;
    // a doubt about what comes to the same all the same is none
    let open = open.union(&may_pass.difference(&passed)).union(&may_stop.intersect(&passed));
    Admitted { passed: passed.difference(&open), open, missing: Unknown { missing } }
}

/// The resource of an element.
pub(super) fn resource(fabric: &Fabric, id: ElementId) -> Option<&ResourceRef> {
    fabric.element(id).map(|element| &element.resource)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::Assume;
    use crate::load::{Input, LoadOptions, load};

    /// The set of a filter is what it says of every source by itself.
    #[test]
    fn sets_are_single_lookups() {
        let sample =
            concat!(env!("CARGO_MANIFEST_DIR"), "/samples/blocked-paths/shop.vpclint.toml");
        let loaded = load(&[Input::Path(sample.into())], &LoadOptions::default()).unwrap();
        let fabric = Fabric::compile(&loaded.topology, &Assume::default());
        let mut sources: Vec<_> =
            fabric.sources.iter().filter_map(|s| Some((s.address.addr()?, s.home))).collect();
        sources.push(("198.51.100.7".parse().unwrap(), None));
        sources.push(("100.64.0.1".parse().unwrap(), None));
        let mut seen = [0, 0];
        for stage in fabric.stages().iter().filter(|stage| stage.pass.is_some()) {
            for port in [22, 80, 443, 3306, 6379, 8080] {
                for (src, home) in &sources {
                    let header = Header {
                        src: Some(*src),
                        dst: "10.0.4.10".parse().unwrap(),
                        protocol: Protocol::Tcp,
                        src_port: WITNESS_SRC_PORT,
                        dst_port: port,
                        home: *home,
                        sender: None,
                    };
                    let hit = stage.table.lookup(&header);
                    assert!(hit.doubts.is_empty(), "the sample states everything");
                    let stopped = matches!(hit.then.end, End::Drop(..) | End::Unknown(_));
                    let passed = admitted(&stage.table, &header).passed.contains(*src);
                    assert_eq!(passed, !stopped, "{header:?} at {:?}", fabric.element(stage.at));
                    seen[usize::from(passed)] += 1;
                }
            }
        }
        assert!(seen[0] > 50 && seen[1] > 50, "{seen:?}");
    }
}
