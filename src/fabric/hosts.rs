//! Who has which address: the ends of paths.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::pipeline::{Branch, ElementId};
use crate::topology::Text;

/// Index of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(u32);

/// An address of a network that somebody has: an ENI, a load balancer, an endpoint, a gateway.
#[derive(Debug, Clone)]
pub struct Host {
    /// Who has it.
    pub element: ElementId,
    /// The network in which the address counts.
    pub network: ElementId,
    /// The address.
    pub address: IpAddr,
    /// The segment that holds it, where it is stated.
    pub segment: Option<ElementId>,
    /// What happens to packets that reach the segment for it.
    pub inbound: Branch,
    /// Where packets that it sends start: index into the fabric's sources; `None` for devices.
    pub source: Option<usize>,
}

/// A public address and what happens to packets from the Internet that are sent to it.
#[derive(Debug, Clone)]
pub struct PublicPoint {
    /// Who has it.
    pub element: ElementId,
    /// First decision.
    pub entry: Branch,
}

/// The answer to the question who has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This host.
    Host(HostId),
    /// Nobody.
    Nobody,
    /// Cannot be told, for lack of this.
    Unknown(Text),
}

/// All hosts of a fabric.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    list: Vec<Host>,
    by_address: FxHashMap<(ElementId, IpAddr), HostId>,
    /// Networks of which not all hosts are known.
    gaps: FxHashMap<ElementId, Text>,
    public: FxHashMap<IpAddr, PublicPoint>,
    /// Set when there may be public addresses that are not in the input.
    public_gap: Option<Text>,
}

impl Hosts {
    /// Adds a host; of two with one address the first stays (an address conflict is a rule's
    /// business).
    pub(super) fn add(&mut self, host: Host) {
        let id = HostId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        let key = (host.network, host.address);
        if let std::collections::hash_map::Entry::Vacant(free) = self.by_address.entry(key) {
            free.insert(id);
            self.list.push(host);
        }
    }

    /// Notes that not all hosts of a network are known.
    pub(super) fn incomplete(&mut self, network: ElementId, missing: Text) {
        self.gaps.entry(network).or_insert(missing);
    }

    /// Adds a public address; the first stays.
    pub(super) fn publish(&mut self, address: IpAddr, point: PublicPoint) {
        self.public.entry(address).or_insert(point);
    }

    /// Notes that there may be further public addresses.
    pub(super) fn maybe_public(&mut self, missing: Text) {
        self.public_gap.get_or_insert(missing);
    }

    pub(super) fn public_gap(&self) -> Option<&Text> {
        self.public_gap.as_ref()
    }

    pub(super) fn get(&self, id: HostId) -> Option<&Host> {
        self.list.get(id.0 as usize)
    }

    pub(super) fn at(&self, network: ElementId, address: IpAddr) -> Found {
        match (self.by_address.get(&(network, address)), self.gaps.get(&network)) {
            (Some(id), _) => Found::Host(*id),
            (None, Some(missing)) => Found::Unknown(missing.clone()),
            (None, None) => Found::Nobody,
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (HostId, &Host)> {
        self.list
            .iter()
            .enumerate()
            .map(|(n, host)| (HostId(u32::try_from(n).unwrap_or(u32::MAX)), host))
    }

    pub(super) fn public_at(&self, address: IpAddr) -> Option<&PublicPoint> {
        self.public.get(&address)
    }
}
