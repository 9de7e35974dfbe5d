//! Exact algebra over the ordered entries of a network ACL: which addresses and ports an entry
//! decides about once those before it are done (access.md §2.1).

use std::collections::BTreeSet;

use crate::addr::{AddrSet, Cidr, Family};
use crate::packet::Protocol;
use crate::rules::{Context, Unknown};
use crate::topology::{
    FilterProtocol, Id, NetworkAcl, NetworkAclEntry, Policy, PortSpec, Resource, Value,
};

/// An inclusive range of ports.
pub(super) type Ports = (u16, u16);

/// All ports of TCP and UDP.
pub(super) const ALL_PORTS: Ports = (1, u16::MAX);

/// An entry as it is evaluated.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    accept: bool,
    /// `None` for all protocols.
    protocol: Option<Protocol>,
    /// Far side.
    pub(super) blocks: Vec<Cidr>,
    /// Destination ports, in both directions.
    pub(super) ports: Ports,
}

impl Entry {
    fn is_about(&self, protocol: Protocol) -> bool {
        self.protocol.is_none_or(|own| own == protocol)
    }
}

/// Reads the entries of one direction; fails when one that could decide about TCP or UDP cannot be
/// read, because every later entry depends on it.
pub(super) fn read(
    cx: &Context<'_>,
    acl: &NetworkAcl,
    entries: &[NetworkAclEntry],
    direction: &str,
) -> Result<Vec<Entry>, Unknown> {
    let mut out = Vec::with_capacity(entries.len());
    for (n, entry) in entries.iter().enumerate() {
        let unknown = |what: &str| {
            Unknown::of(format!(
                "{what} of {direction} entry {} of {} (not known)",
                n + 1,
                acl.id()
            ))
        };
        let accept = match &entry.policy {
            Some(Policy::Accept) => true,
            Some(Policy::Drop) => false,
            Some(Policy::Other(_)) | None => return Err(unknown("policy")),
        };
        let (protocol, ports) = match (&entry.protocol, &entry.ports) {
            (Some(FilterProtocol::All), _) => (None, ALL_PORTS),
            (Some(FilterProtocol::Icmp | FilterProtocol::Icmpv6), _) => {
                (Some(Protocol::Icmp), ALL_PORTS)
            }
            (Some(FilterProtocol::Gre), _) => (Some(Protocol::Gre), ALL_PORTS),
            (Some(known), ports) => {
                let protocol = match known {
                    FilterProtocol::Tcp => Protocol::Tcp,
                    FilterProtocol::Udp => Protocol::Udp,
                    _ => return Err(unknown("protocol")),
                };
                let ports = match ports {
                    Some(PortSpec::All) => ALL_PORTS,
                    Some(PortSpec::Range(first, last)) => (*first, *last),
                    _ => return Err(unknown("ports")),
                };
                (Some(protocol), ports)
            }
            (None, _) => return Err(unknown("protocol")),
        };
        let blocks = match &entry.cidr {
            Some(Value::Known(stated)) => vec![stated.cidr],
            // the field may hold the id of a prefix list
            Some(Value::Symbol(id)) => prefix_list(cx, id).ok_or_else(|| unknown("block"))?,
            None => return Err(unknown("block")),
        };
        out.push(Entry { accept, protocol, blocks, ports });
    }
    Ok(out)
}

fn prefix_list(cx: &Context<'_>, id: &str) -> Option<Vec<Cidr>> {
    let list = cx.topology.prefix_lists.get(&Id::from(id))?;
    list.entries.as_ref()?.iter().map(|value| value.cidr()).collect()
}

/// Cuts the ports at every border that some entry has, and at `also`, so that no entry decides
/// differently about two ports of one piece.
pub(super) fn pieces(lists: [&[Entry]; 2], protocol: Protocol, also: u16) -> Vec<Ports> {
    let mut starts: BTreeSet<u32> = BTreeSet::from([1, u32::from(also)]);
    for entry in lists.into_iter().flatten().filter(|e| e.is_about(protocol)) {
        starts.insert(u32::from(entry.ports.0).max(1));
        starts.insert(u32::from(entry.ports.1) + 1);
    }
    let starts: Vec<u32> = starts.into_iter().filter(|s| *s <= u32::from(u16::MAX)).collect();
    let ends = starts.iter().skip(1).map(|s| s - 1).chain([u32::from(u16::MAX)]);
    let narrow = |port: u32| u16::try_from(port).unwrap_or(u16::MAX);
    starts.iter().zip(ends).map(|(first, last)| (narrow(*first), narrow(last))).collect()
}

/// What each entry accepts of one piece: its position, and the addresses that no entry before it
/// decided about. Nothing matches: denied (access.md §2.1).
pub(super) fn accepted(
    list: &[Entry],
    protocol: Protocol,
    family: Family,
    piece: Ports,
) -> Vec<(usize, AddrSet)> {
    let mut open = AddrSet::full(family);
    let mut out = Vec::new();
    for (n, entry) in list.iter().enumerate() {
        let covers = entry.ports.0 <= piece.0 && piece.1 <= entry.ports.1;
        if !entry.is_about(protocol) || !covers {
            continue;
        }
        let own = AddrSet::from_cidrs(family, &entry.blocks);
        let part = open.intersect(&own);
        if part.is_empty() {
            continue;
        }
        open = open.difference(&own);
        if entry.accept {
            out.push((n, part));
        }
    }
    out
}

/// The union of what a list accepts of one piece.
pub(super) fn admitted(
    list: &[Entry],
    protocol: Protocol,
    family: Family,
    piece: Ports,
) -> AddrSet {
    accepted(list, protocol, family, piece)
        .into_iter()
        .fold(AddrSet::empty(family), |sum, (_, part)| sum.union(&part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Entries over the first 16 addresses and a few ports, so that they meet often.
    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let entry = (any::<bool>(), 0u8..3, 0u8..16, 28u8..=32, 1u16..40, 0u16..40);
        prop::collection::vec(entry, 0..6).prop_map(|rows| {
            rows.into_iter()
                .map(|(accept, protocol, host, mask, port, width)| Entry {
                    accept,
                    protocol: [None, Some(Protocol::Tcp), Some(Protocol::Udp)]
                        [usize::from(protocol)],
                    blocks: vec![Cidr::new([10, 0, 0, host].into(), mask).unwrap()],
                    ports: (port, port + width),
                })
                .collect()
        })
    }

    /// The first entry that matches decides; none denies.
    fn naive(list: &[Entry], host: u8, port: u16) -> Option<usize> {
        let address = [10, 0, 0, host].into();
        let hit = list.iter().position(|e| {
            e.protocol.is_none_or(|p| p == Protocol::Tcp)
                && e.blocks.iter().any(|b| b.contains(address))
                && (e.ports.0..=e.ports.1).contains(&port)
        })?;
        list[hit].accept.then_some(hit)
    }

    proptest! {
        #[test]
        fn pieces_are_the_first_match(a in entries(), b in entries(), host in 0u8..16, port in 1u16..100) {
            let cut = pieces([&a, &b], Protocol::Tcp, 30);
            let piece = *cut.iter().find(|p| p.0 <= port && port <= p.1).unwrap();
            for list in [&a, &b] {
                let parts = accepted(list, Protocol::Tcp, Family::V4, piece);
                let address = [10, 0, 0, host].into();
                let by = parts.iter().find(|(_, set)| set.contains(address)).map(|(n, _)| *n);
                prop_assert_eq!(by, naive(list, host, port));
            }
        }

        #[test]
        fn pieces_cover_all_ports_once(a in entries(), also in 1u16..100) {
            let cut = pieces([&a, &[]], Protocol::Tcp, also);
            prop_assert_eq!(cut.first().unwrap().0, 1);
            prop_assert_eq!(cut.last().unwrap().1, u16::MAX);
            prop_assert!(cut.windows(2).all(|w| w[0].1 + 1 == w[1].0));
            prop_assert!(cut.iter().any(|p| p.0 == also));
        }
    }
}
