//! The answer of `vpclint egress`, before it is printed.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::addr::AddrSet;
use crate::fabric::OwnPublic;
pub use crate::fabric::SourceRole;
use crate::packet::{Packet, Protocol, Service, ServiceRange, ServiceSet};
use crate::simulate::{Reason, Verdict};
use crate::topology::{AddrValue, Id, ResourceRef, Text};

/// The sum of a source's classes of public destinations (decisions.md 38).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceVerdict {
    /// Every public destination is reached.
    Exits,
    /// No public destination is reached.
    None,
    /// Some are.
    Mixed,
    /// Something that is not known could change the answer.
    Unknown,
}

impl SourceVerdict {
    /// Name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exits => "exits",
            Self::None => "none",
            Self::Mixed => "mixed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for SourceVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Packets that meet the same fate: a box of destinations × services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressClass {
    /// The destinations. Classes of one source are disjoint boxes: two of them may share
    /// destinations or services, not both.
    pub destinations: AddrSet,
    /// Protocols and destination ports.
    pub services: ServiceSet,
    /// True when they are public destinations of the source's VPC (egress.md §1.2); private and
    /// special ranges are classes too, but do not count for the verdict.
    pub public: bool,
    /// What happens.
    pub verdict: Verdict,
    /// Why not, for drops.
    pub reason: Option<Reason>,
    /// Public addresses; more than one when the gateway chooses per connection.
    pub public_ips: Vec<AddrValue>,
    /// For an unknown verdict: public addresses under which the packets leave if the filters that
    /// cannot be decided let them through; empty when that is not known either.
    pub if_allowed: Vec<AddrValue>,
    /// Devices and entries that decide, in path order.
    pub via: Vec<ResourceRef>,
    /// Why these and not others, as sentences.
    pub why: Vec<String>,
    /// Facts to know about it that do not change it (`reply_no_route`, `sticky`, …).
    pub notes: Vec<String>,
    /// True when only some of the possible paths meet this fate; a note says what the others do.
    pub partial: bool,
    /// What is missing, when the verdict is unknown.
    pub missing: Vec<String>,
    /// Assumptions that decided it, as `knob = value (about what)`.
    pub assumptions: Vec<String>,
    /// A destination of the class, for which a walk gave this fate.
    pub witness: IpAddr,
}

/// Services that witness packets have where a class allows it, best first.
const USUAL: [(Protocol, u16); 4] =
    [(Protocol::Tcp, 443), (Protocol::Tcp, 80), (Protocol::Tcp, 22), (Protocol::Udp, 53)];

impl EgressClass {
    /// A packet of the class: to TCP port 443 where the class has it. Its source is left to be
    /// filled in.
    pub fn witness(&self) -> Packet {
        self.packet(&self.services)
    }

    /// A packet of the class and a protocol, if the class has any. Its source is left to be filled
    /// in.
    pub fn witness_of(&self, protocol: Protocol) -> Option<Packet> {
        let whole = ServiceSet::from_ranges(vec![ServiceRange::of(protocol)]);
        let services = self.services.intersect(&whole);
        (!services.is_empty()).then(|| self.packet(&services))
    }

    fn packet(&self, services: &ServiceSet) -> Packet {
        let first = services.ranges().first().map(|range| {
            // port 0 is none that anybody uses
            let next = range.first.next().filter(|next| range.contains(*next));
            next.filter(|_| range.first.port() == 0).unwrap_or(range.first)
        });
        let service = USUAL
            .map(|(protocol, port)| Service::new(protocol, port))
            .into_iter()
            .find(|service| services.contains(*service))
            .or(first)
            .unwrap_or(Service::LAST);
        Packet::of_service(self.witness, self.witness, service)
    }
}

/// The answer for one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEgress {
    /// Instance; `None` for an ENI that is not attached.
    pub instance: Option<ResourceRef>,
    /// ENI.
    pub eni: ResourceRef,
    /// The HaVip, for role `havip`.
    pub havip: Option<ResourceRef>,
    /// Source address as the network sees it.
    pub address: AddrValue,
    /// Role.
    pub role: SourceRole,
    /// Region.
    pub region: Option<Id>,
    /// Zone.
    pub zone: Option<Text>,
    /// VPC.
    pub vpc: Option<Id>,
    /// vSwitch.
    pub vswitch: Option<Id>,
    /// Public address of its own, whether it is used or not.
    pub own: OwnPublic,
    /// Sum over the public classes.
    pub verdict: SourceVerdict,
    /// Union over the public classes.
    pub public_ips: Vec<AddrValue>,
    /// One set of public addresses over all classes that exit.
    pub uniform: bool,
    /// Classes that cover all destinations and services, in order of their first destination.
    pub classes: Arc<[EgressClass]>,
    /// Facts about the source itself (`not attached`, `instance is stopped`, …).
    pub notes: Vec<String>,
}

impl SourceEgress {
    /// The classes that count for the verdict.
    pub fn public_classes(&self) -> impl Iterator<Item = &EgressClass> {
        self.classes.iter().filter(|class| class.public)
    }

    /// A packet of a class, unless the source address is not known as a number.
    pub fn witness(&self, class: &EgressClass) -> Option<Packet> {
        self.sent(class.witness())
    }

    /// The packet with this source, unless its address is not known as a number.
    pub fn sent(&self, packet: Packet) -> Option<Packet> {
        self.address.addr().map(|src| Packet { src, ..packet })
    }

    /// Public addresses over the public classes of which only filters are not known.
    pub fn if_allowed(&self) -> Vec<&AddrValue> {
        let mut all: Vec<&AddrValue> = self.public_classes().flat_map(|c| &c.if_allowed).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Assumptions of all public classes, sorted.
    pub fn assumptions(&self) -> Vec<&str> {
        let mut all: Vec<&str> =
            self.public_classes().flat_map(|c| &c.assumptions).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What is missing for the public classes, sorted.
    pub fn missing(&self) -> Vec<&str> {
        let mut all: Vec<&str> =
            self.public_classes().flat_map(|c| &c.missing).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The answer for all sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressReport {
    /// All sources, by region, VPC, instance, ENI and address.
    pub sources: Vec<SourceEgress>,
}
