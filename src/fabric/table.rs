//! The first-match table: the one place where match semantics live (design.md §4, engine.md §6 I1).
//!
//! A lookup also says how far its answer reaches: the box around the packet within which every rule
//! matches or fails in the same way. An exact partition of all packets follows from walking one
//! packet per such box.

use std::net::IpAddr;

use super::pipeline::{Branch, ElementId};
use crate::addr::{AddrRange, AddrSet, Cidr, Family};
use crate::packet::{Protocol, Service, ServiceRange, ServiceSet};
use crate::topology::Text;

/// The header of a packet at a table, and what its way so far says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// Source address, where it is known as a number.
    pub src: Option<IpAddr>,
    /// Destination address.
    pub dst: IpAddr,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Source port; 0 for protocols without ports.
    pub src_port: u16,
    /// Destination port; 0 for protocols without ports.
    pub dst_port: u16,
    /// The network in which the source address is that of a host, as long as nothing replaced it.
    pub home: Option<ElementId>,
    /// The segment from which a host or device last sent the packet, where we see it.
    pub sender: Option<ElementId>,
}

impl Header {
    /// Protocol and destination port.
    pub fn service(&self) -> Service {
        Service::new(self.protocol, self.dst_port)
    }
}

/// Packets that a rule matches: all conditions must hold; one that is not stated holds always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// Source addresses, all of one family.
    pub src: Option<AddrSet>,
    /// Destination addresses, all of one family.
    pub dst: Option<AddrSet>,
    /// Protocols and destination ports.
    pub services: Option<ServiceSet>,
    /// Source ports; protocols without ports match always.
    pub src_ports: Option<(u16, u16)>,
    /// The network in which the source address must be a host's.
    pub home: Option<ElementId>,
    /// The segment from which the packet must have been sent.
    pub sender: Option<ElementId>,
}

impl Match {
    /// Packets to these addresses.
    pub fn to(dst: AddrSet) -> Self {
        Self { dst: Some(dst), ..Self::default() }
    }

    /// Packets from these addresses.
    pub fn from(src: AddrSet) -> Self {
        Self { src: Some(src), ..Self::default() }
    }

    /// Packets of these services.
    pub fn services(services: ServiceSet) -> Self {
        Self { services: Some(services), ..Self::default() }
    }

    /// Also only these services.
    #[must_use]
    pub fn only(mut self, services: ServiceSet) -> Self {
        self.services = Some(services);
        self
    }

    /// True when the packet is matched. A source that is not known as a number matches only what
    /// does not look at it; tables with such rules are not looked up for it.
    pub fn matches(&self, header: &Header) -> bool {
        let from = |set: &AddrSet| header.src.is_some_and(|src| set.contains(src));
        let (first, last) = self.src_ports.unwrap_or((0, u16::MAX));
        self.src.as_ref().is_none_or(from)
            && self.dst.as_ref().is_none_or(|set| set.contains(header.dst))
            && self.services.as_ref().is_none_or(|set| set.contains(header.service()))
            && (!header.protocol.has_ports() || (first..=last).contains(&header.src_port))
            && (self.home.is_none() || self.home == header.home)
            && (self.sender.is_none() || self.sender == header.sender)
    }
}

/// A rule of a table.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it matches.
    pub matches: Match,
    /// The object of the topology that it stands for.
    pub element: ElementId,
    /// What happens to packets that it matches first.
    pub then: Branch,
    /// Set when it is not known whether the rule really matches: what would be needed to know. The
    /// answer is known all the same when the rules behind it come to the same.
    pub doubt: Option<Text>,
}

impl Rule {
    /// A rule that certainly matches.
    pub fn new(matches: Match, element: ElementId, then: Branch) -> Self {
        Self { matches, element, then, doubt: None }
    }
}

/// Rules in match order, and what happens when none matches.
#[derive(Debug, Clone)]
pub struct Table {
    /// Rules; longest prefix first where the device matches by prefix length, so that every reader
    /// sees one order.
    pub rules: Vec<Rule>,
    /// What happens to packets that no rule matches.
    pub default: Branch,
}

/// The box around a packet within which an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Source addresses.
    pub src: AddrRange,
    /// Destination addresses.
    pub dst: AddrRange,
    /// Services.
    pub services: ServiceRange,
    /// Source ports.
    pub src_ports: (u16, u16),
}

impl Extent {
    /// Everything of a family.
    pub fn whole(family: Family) -> Self {
        let all = AddrRange { first: 0, last: family.max() };
        Self { src: all, dst: all, services: ServiceRange::ALL, src_ports: (0, u16::MAX) }
    }

    /// The common part with the constant range of one rule's source ports.
    fn narrow_ports(&mut self, (first, last): (u16, u16), port: u16) {
        let (low, high) = &mut self.src_ports;
        if port < first {
            *high = (*high).min(first - 1);
        } else if port > last {
            *low = (*low).max(last + 1);
        } else {
            (*low, *high) = ((*low).max(first), (*high).min(last));
        }
    }
}

/// The answer of a table.
#[derive(Debug)]
pub struct Hit<'t> {
    /// The first rule that certainly matches; `None` for the default.
    pub rule: Option<&'t Rule>,
    /// What happens.
    pub then: &'t Branch,
    /// Rules before it of which it is not known whether they match.
    pub doubts: Vec<&'t Rule>,
    /// Box around the packet for which *every* rule of the table matches or fails as for it.
    pub extent: Extent,
}

impl Table {
    /// A table that treats every packet alike.
    pub fn constant(then: Branch) -> Self {
        Self { rules: Vec::new(), default: then }
    }

    /// True when some rule looks at the source address.
    pub fn reads_source(&self) -> bool {
        self.rules.iter().any(|rule| rule.matches.src.is_some())
    }

    /// First match for a packet.
    pub fn lookup(&self, header: &Header) -> Hit<'_> {
        let family = Family::of(header.dst);
        let mut extent = Extent::whole(family);
        let dst = Family::number(header.dst);
        let src = header.src.filter(|src| Family::of(*src) == family).map(Family::number);
        let mut first: Option<&Rule> = None;
        let mut doubts = Vec::new();
        for rule in &self.rules {
            let matches = &rule.matches;
            let of_family = |set: &&AddrSet| set.family() == family;
            if let Some(set) = matches.dst.as_ref().filter(of_family) {
                narrow(&mut extent.dst, set.constant_range(dst));
            }
            if let (Some(set), Some(src)) = (matches.src.as_ref().filter(of_family), src) {
                narrow(&mut extent.src, set.constant_range(src));
            }
            if let Some(set) = &matches.services {
                let constant = set.constant_range(header.service());
                extent.services = extent.services.intersect(&constant).unwrap_or(constant);
            }
            if let Some(ports) = matches.src_ports {
                extent.narrow_ports(ports, header.src_port);
            }
            if first.is_none() && matches.matches(header) {
                if rule.doubt.is_some() {
                    doubts.push(rule);
                } else {
                    first = Some(rule);
                }
            }
        }
        let then = first.map_or(&self.default, |rule| &rule.then);
        Hit { rule: first, then, doubts, extent }
    }

    /// All rules that match, in order: the first decides, the others are beaten by it.
    pub fn matching(&self, header: &Header) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.matches.matches(header))
    }
}

fn narrow(extent: &mut AddrRange, by: AddrRange) {
    // both hold the packet's own address, so the intersection is never empty
    if let Some(both) = extent.intersect(&by) {
        *extent = both;
    }
}

/// Sorts prefix rules into match order: longest first; equal prefixes by `rank`, smaller first.
/// The sort is stable, so equal ranks keep the order of their ids.
pub(super) fn by_prefix_length<T>(mut prefixes: Vec<(Cidr, u8, T)>) -> Vec<(Cidr, T)> {
    prefixes.sort_by_key(|(cidr, rank, _)| (std::cmp::Reverse(cidr.mask()), *cidr, *rank));
    prefixes.into_iter().map(|(cidr, _, value)| (cidr, value)).collect()
}

/// The set of one block.
pub(super) fn block(cidr: Cidr) -> AddrSet {
    AddrSet::from_cidrs(cidr.family(), [&cidr])
}
