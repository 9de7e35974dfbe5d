//! The first-match table: the one place where match semantics live (design.md §4, engine.md §6 I1).
//!
//! A lookup also says how far its answer reaches: the range of key values around the packet's own
//! for which every rule matches or fails in the same way. An exact partition of all destinations
//! follows from walking one packet per such range.

use std::net::IpAddr;

use super::pipeline::{Branch, ElementId};
use crate::addr::{AddrRange, AddrSet, Cidr, Family};

/// Which address of the packet a table looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// The source address.
    Source,
    /// The destination address.
    Destination,
}

/// A rule of a table.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Addresses that it matches, all of one family.
    pub matches: AddrSet,
    /// The object of the topology that it stands for.
    pub element: ElementId,
    /// What happens to packets that it matches first.
    pub then: Branch,
}

/// Rules in match order, and what happens when none matches.
#[derive(Debug, Clone)]
pub struct Table {
    /// The address that the rules match.
    pub key: Key,
    /// Rules; longest prefix first where the device matches by prefix length, so that every reader
    /// sees one order.
    pub rules: Vec<Rule>,
    /// What happens to packets that no rule matches.
    pub default: Branch,
}

/// The answer of a table.
#[derive(Debug)]
pub struct Hit<'t> {
    /// The first rule that matches; `None` for the default.
    pub rule: Option<&'t Rule>,
    /// What happens.
    pub then: &'t Branch,
    /// Range of key values for which *every* rule of the table matches or fails as for this packet.
    pub extent: AddrRange,
}

impl Table {
    /// A table that treats every packet alike.
    pub fn constant(key: Key, then: Branch) -> Self {
        Self { key, rules: Vec::new(), default: then }
    }

    /// First match for an address.
    pub fn lookup(&self, address: IpAddr) -> Hit<'_> {
        let family = Family::of(address);
        let number = Family::number(address);
        let mut extent = AddrRange { first: 0, last: family.max() };
        let mut first: Option<&Rule> = None;
        for rule in self.rules.iter().filter(|rule| rule.matches.family() == family) {
            let constant = rule.matches.constant_range(number);
            extent = extent.intersect(&constant).unwrap_or(constant);
            if first.is_none() && rule.matches.contains(address) {
                first = Some(rule);
            }
        }
        Hit { rule: first, then: first.map_or(&self.default, |rule| &rule.then), extent }
    }

    /// All rules that match, in order: the first decides, the others are beaten by it.
    pub fn matching(&self, address: IpAddr) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.matches.contains(address))
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
