//! What all formats of the egress answer share: which classes are shown, counts, and the answer by
//! public address.

use std::collections::BTreeMap;

use crate::analyze::egress::{EgressClass, EgressReport, SourceEgress, SourceVerdict};
use crate::topology::{AddrValue, Id, Topology};

/// Which classes of destinations are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EgressScope {
    /// Public destinations.
    Public,
    /// Private and special ranges as well.
    All,
    /// Every class of an answer that was restricted to some destinations.
    Within,
}

impl EgressScope {
    /// The classes to show.
    pub(super) fn classes(self, source: &SourceEgress) -> impl Iterator<Item = &EgressClass> {
        source.classes.iter().filter(move |class| class.public || self != Self::Public)
    }

    /// Assumptions of the classes to show, sorted.
    pub(super) fn assumptions(self, source: &SourceEgress) -> Vec<String> {
        let mut all: Vec<String> =
            self.classes(source).flat_map(|class| class.assumptions.iter().cloned()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Sources by the public addresses that they leave with; known addresses first, in order.
pub(super) fn by_public_ip(report: &EgressReport) -> BTreeMap<&AddrValue, Vec<&SourceEgress>> {
    let mut map: BTreeMap<&AddrValue, Vec<&SourceEgress>> = BTreeMap::new();
    for source in &report.sources {
        for address in &source.public_ips {
            map.entry(address).or_default().push(source);
        }
    }
    for sources in map.values_mut() {
        sources.sort_by_key(|source| &source.address);
    }
    map
}

/// EIPs by their public address, as the EIP listing or a NAT gateway names them.
pub(super) fn eips_by_address(topology: &Topology) -> BTreeMap<&AddrValue, &Id> {
    let of_gateways = topology
        .nat_gateways
        .iter()
        .flat_map(|nat| nat.eips.iter().flatten())
        .filter_map(|eip| Some((&eip.address, eip.eip.as_ref()?)));
    let listed = topology.eips.iter().filter_map(|eip| Some((eip.address.as_ref()?, &eip.meta.id)));
    of_gateways.chain(listed).collect()
}

/// Sources by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// At least some public destinations are reached.
    pub(super) with_egress: usize,
    /// None is.
    pub(super) without_egress: usize,
    /// Not decided.
    pub(super) unknown: usize,
}

/// Counts sources by verdict.
pub(super) fn counts(report: &EgressReport) -> Counts {
    let mut counts = Counts::default();
    for source in &report.sources {
        match source.verdict {
            SourceVerdict::Exits | SourceVerdict::Mixed => counts.with_egress += 1,
            SourceVerdict::None => counts.without_egress += 1,
            SourceVerdict::Unknown => counts.unknown += 1,
        }
    }
    counts
}
