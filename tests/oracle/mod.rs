//! The reference simulator: one packet, linear scans, no tables compiled in advance.
//!
//! Written from the semantics in the documents alone and sharing no forwarding code with the
//! program, so that a disagreement between the two is a finding about one of them. It reads only
//! the model (`vpclint::topology`) and uses [`Cidr`] to parse and contain. Clarity beats speed
//! everywhere in this folder.
//!
//! [`egress`] answers where a packet ends. A packet may have several outcomes (ECMP, the zones of a
//! transit router attachment, pools), so an answer is a set of outcomes.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by several test binaries that each use a part; tests fail by panicking"
)]

pub mod arrive;
pub mod balancer;
pub mod build;
pub mod build_gateways;
pub mod engine;
pub mod engine_flow;
pub mod expect;
pub mod facts;
pub mod filters;
pub mod flow;
pub mod generate;
pub mod generate_filters;
pub mod generate_flows;
pub mod ingress;
pub mod privatelink;
pub mod reply;
pub mod rows;
pub mod travel;
pub mod world;
pub mod world_balancers;
pub mod world_filters;
pub mod world_gateways;
pub mod world_links;
pub mod world_privatelink;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use vpclint::topology::{
    AttachmentType, Eni, HaVip, Id, Listing, NatGateway, NatNetwork, NextHop, NextHopType, Topology,
};

use facts::{Facts, Lookup, Mode, Own, TransitLookup};

/// How a packet ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Exits,
    Delivered,
    Leaves,
    Dropped,
    Unknown,
}

/// Every way in which the packet may end, with the public addresses it may then carry.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Verdict and reason, and the public addresses of that outcome.
    pub outcomes: BTreeMap<(Verdict, Option<String>), BTreeSet<String>>,
    /// Assumptions and remarks; not part of the fate.
    pub notes: BTreeSet<String>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, ((verdict, reason), ips)) in self.outcomes.iter().enumerate() {
            let sep = if n == 0 { "" } else { " | " };
            write!(f, "{sep}{verdict:?}")?;
            if let Some(reason) = reason {
                write!(f, "({reason})")?;
            }
            if !ips.is_empty() {
                write!(f, "{ips:?}")?;
            }
        }
        if !self.notes.is_empty() {
            write!(f, " notes {:?}", self.notes)?;
        }
        Ok(())
    }
}

impl Answer {
    fn one(verdict: Verdict, reason: Option<&str>) -> Self {
        let key = (verdict, reason.map(str::to_owned));
        Self { outcomes: BTreeMap::from([(key, BTreeSet::new())]), notes: BTreeSet::new() }
    }

    pub fn exits<S: ToString>(ips: impl IntoIterator<Item = S>) -> Self {
        let ips = ips.into_iter().map(|ip| ip.to_string()).collect();
        Self { outcomes: BTreeMap::from([((Verdict::Exits, None), ips)]), notes: BTreeSet::new() }
    }

    pub fn dropped(reason: &str) -> Self {
        Self::one(Verdict::Dropped, Some(reason))
    }

    pub fn delivered() -> Self {
        Self::one(Verdict::Delivered, None)
    }

    pub fn leaves() -> Self {
        Self::one(Verdict::Leaves, None)
    }

    pub fn unknown() -> Self {
        Self::one(Verdict::Unknown, None)
    }

    fn note(mut self, note: &str) -> Self {
        self.notes.insert(note.to_owned());
        self
    }

    /// Unknown, and what would settle it.
    fn missing(what: &str) -> Self {
        Self::unknown().note(what)
    }

    fn union(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::default();
        for answer in answers {
            for (key, ips) in answer.outcomes {
                sum.outcomes.entry(key).or_default().extend(ips);
            }
            sum.notes.extend(answer.notes);
        }
        sum
    }

    /// The verdict, when all outcomes share it.
    pub fn verdict(&self) -> Option<Verdict> {
        let verdicts: BTreeSet<Verdict> = self.outcomes.keys().map(|(v, _)| *v).collect();
        (verdicts.len() == 1).then(|| *verdicts.first().unwrap())
    }

    /// All public addresses the packet may carry.
    pub fn public_ips(&self) -> BTreeSet<String> {
        self.outcomes.values().flatten().cloned().collect()
    }

    pub fn is_unknown(&self) -> bool {
        self.outcomes.keys().any(|(verdict, _)| *verdict == Verdict::Unknown)
    }
}

/// The tables passed so far, each with the source address the packet then had.
type Seen = Vec<(Id, Id, IpAddr)>;

/// What happens to a packet that the guest of `eni` sends (egress.md §10 rule 4).
pub fn egress(topology: &Topology, eni: &str, src: IpAddr, dst: IpAddr) -> Answer {
    let oracle = Oracle { facts: Facts { topology } };
    let eni = topology.enis.get(eni).expect("the source is an ENI of the topology");
    let answer = oracle.egress(eni, src, dst, &[]);
    assert!(!answer.outcomes.is_empty(), "every packet ends somewhere");
    answer
}

struct Oracle<'a> {
    facts: Facts<'a>,
}

impl<'a> Oracle<'a> {
    /// Rule 4.
    fn egress(&self, eni: &'a Eni, src: IpAddr, dst: IpAddr, seen: &[(Id, Id, IpAddr)]) -> Answer {
        let facts = &self.facts;
        if facts::is_special(dst) {
            return Answer::dropped("dst_not_routable");
        }
        let (Some(vpc), Some(vswitch)) = (&eni.vpc, &eni.vswitch) else {
            return Answer::missing("the VPC and vSwitch of the ENI");
        };
        if facts.topology.vpcs.get(vpc).is_none() {
            return Answer::missing("the VPC");
        }
        if dst.is_ipv6() {
            return self.walk(vpc, vswitch, src, dst, &Own::None, seen);
        }
        let mode = facts.mode(vpc);
        let public = facts.is_public(dst, vpc);
        // decisions.md 41
        if mode == Mode::Private && public {
            return Answer::dropped("vpc_private_mode");
        }
        let own = facts.own_public(eni, src);
        if let Own::CutThrough { ip, multi } = &own {
            return match (mode, public, multi) {
                (Mode::Central | Mode::Private, _, _) => Answer::dropped("cut_through_unsupported"),
                (Mode::Direct, true, _) => Answer::exits([ip]),
                (Mode::Direct, false, true) => Answer::missing("routing of a MULTI_BINDED guest"),
                (Mode::Direct, false, false) => Answer::dropped("cut_through_no_private"),
            };
        }
        // an address that the ENI does not list may be a cut-through EIP or that of a HaVip
        let unlisted = !facts.is_private_address(eni, src);
        if unlisted && (matches!(own, Own::Missing) || !facts.is_whole(Listing::HaVips)) {
            return Answer::missing("whose address the source is");
        }
        if mode == Mode::Direct && public {
            match &own {
                Own::Mapped(ip) => return Answer::exits([ip]),
                Own::Missing => return Answer::missing("EIPs"),
                Own::None | Own::CutThrough { .. } => {}
            }
            match facts.normal_nat_mapping(vpc, src) {
                Ok(Some(ip)) => return Answer::exits([ip]),
                Ok(None) => {}
                Err(what) => return Answer::missing(&what),
            }
        }
        let answer = self.walk(vpc, vswitch, src, dst, &own, seen);
        if facts.is_down(eni) { answer.note("source_down") } else { answer }
    }

    /// Rule 5: the packet is looked up in the table of `vswitch`.
    fn walk(
        &self,
        vpc: &Id,
        vswitch: &Id,
        src: IpAddr,
        dst: IpAddr,
        own: &Own,
        seen: &[(Id, Id, IpAddr)],
    ) -> Answer {
        let facts = &self.facts;
        if dst.is_ipv4() && facts.mode(vpc) == Mode::Private && facts.is_public(dst, vpc) {
            return Answer::dropped("vpc_private_mode");
        }
        let Some(table) = facts.table_of(vswitch) else {
            return Answer::missing("the route table of the vSwitch");
        };
        let here = (vpc.clone(), table.clone(), src);
        if seen.contains(&here) {
            return Answer::dropped("routing_loop");
        }
        let mut seen: Seen = seen.to_vec();
        seen.push(here);
        let hops = match facts.lookup(&table, dst) {
            Lookup::Missing(what) => return Answer::missing(&what),
            Lookup::NoRoute => return Answer::dropped("no_route"),
            Lookup::Hops(hops) => hops,
        };
        if hops.is_empty() {
            return Answer::dropped("dead_nexthop");
        }
        Answer::union(hops.iter().map(|hop| self.hop(vpc, hop, src, dst, own, &seen)))
    }

    fn hop(
        &self,
        vpc: &Id,
        hop: &NextHop,
        src: IpAddr,
        dst: IpAddr,
        own: &Own,
        seen: &[(Id, Id, IpAddr)],
    ) -> Answer {
        let id = hop.id.as_deref().unwrap_or("");
        match &hop.hop_type {
            NextHopType::Local | NextHopType::Service | NextHopType::GatewayEndpoint => {
                Answer::delivered()
            }
            NextHopType::Ipv6Gateway if dst.is_ipv6() => self.ipv6_gateway(src),
            NextHopType::Ipv6Gateway => Answer::dropped("bad_nexthop"),
            NextHopType::Ipv4Gateway => self.ipv4_gateway(vpc, dst, own),
            NextHopType::NatGateway => self.nat(vpc, id, src, dst, seen),
            NextHopType::Instance | NextHopType::NetworkInterface | NextHopType::HaVip => {
                match self.forwarder(&hop.hop_type, id) {
                    Ok(eni) => self.forward(vpc, eni, src, dst, seen),
                    Err(answer) => answer,
                }
            }
            NextHopType::Attachment => self.transit(id, None, src, dst, seen),
            NextHopType::VpcPeer => self.peer(vpc, id, src, dst),
            NextHopType::VpnGateway | NextHopType::RouterInterface => Answer::leaves(),
            NextHopType::Ecr => self.ecr(dst),
            NextHopType::GatewayLoadBalancerEndpoint => {
                self.inspection(vpc, id, src, dst, own, seen)
            }
            NextHopType::RouteTargetGroup => match self.facts.active_member(id) {
                Some(endpoint) => self.inspection(vpc, &endpoint, src, dst, own, seen),
                None => Answer::dropped("dead_nexthop"),
            },
            NextHopType::CenBasic | NextHopType::Other(_) => {
                Answer::missing("what this next hop does")
            }
        }
    }

    /// Rule 8.
    fn ipv6_gateway(&self, src: IpAddr) -> Answer {
        match self.facts.ipv6_is_public(src) {
            Some(true) => Answer::exits([src]),
            Some(false) => Answer::dropped("ipv6_no_bandwidth"),
            None => Answer::missing("IPv6 addresses"),
        }
    }

    fn ipv4_gateway(&self, vpc: &Id, dst: IpAddr, own: &Own) -> Answer {
        if self.facts.mode(vpc) != Mode::Central {
            return Answer::dropped("ipv4gw_inactive");
        }
        if !self.facts.is_public(dst, vpc) {
            return Answer::dropped("private_dst_at_internet_gw");
        }
        match own {
            Own::Mapped(ip) => Answer::exits([ip]),
            Own::Missing => Answer::missing("EIPs"),
            Own::None | Own::CutThrough { .. } => Answer::dropped("no_public_ip_at_ipv4gw"),
        }
    }

    fn nat(
        &self,
        vpc: &Id,
        id: &str,
        src: IpAddr,
        dst: IpAddr,
        seen: &[(Id, Id, IpAddr)],
    ) -> Answer {
        let facts = &self.facts;
        let Some(nat) = facts.topology.nat_gateways.get(id) else {
            return self.absent(Listing::NatGateways, "dead_nexthop");
        };
        if nat.vpc.as_ref() != Some(vpc) {
            return Answer::dropped("bad_nexthop");
        }
        if nat.network == Some(NatNetwork::Intranet) {
            return self.vpc_nat(vpc, nat, src, dst, seen);
        }
        if !facts.is_public(dst, vpc) {
            return Answer::dropped("private_dst_at_internet_gw");
        }
        let mut answer = facts.nat_public(nat, src);
        if answer.verdict() != Some(Verdict::Exits) {
            return answer;
        }
        let own_table = nat.vswitch.as_ref().and_then(|v| facts.table_of(v));
        let Some(own_table) = own_table else {
            return Answer::missing("the route table of the NAT gateway's vSwitch");
        };
        if facts.mode(vpc) == Mode::Central {
            match facts.lookup(&own_table, dst) {
                Lookup::Missing(what) => return Answer::missing(&what),
                Lookup::Hops(hops)
                    if hops.iter().all(|h| h.hop_type == NextHopType::Ipv4Gateway)
                        && !hops.is_empty() => {}
                Lookup::NoRoute | Lookup::Hops(_) => {
                    return Answer::dropped("nat_vswitch_not_public");
                }
            }
        }
        if !facts.vpc_blocks(vpc).iter().any(|c| c.contains(src)) {
            let back = match facts.lookup(&own_table, src) {
                Lookup::Hops(hops) => hops.iter().any(|h| {
                    !matches!(h.hop_type, NextHopType::NatGateway | NextHopType::Ipv4Gateway)
                }),
                Lookup::NoRoute | Lookup::Missing(_) => false,
            };
            if !back {
                answer = answer.note("reply_no_route");
            }
        }
        answer
    }

    /// Rule 6: translate, then a second lookup in the table of the gateway's own vSwitch.
    fn vpc_nat(
        &self,
        vpc: &Id,
        nat: &NatGateway,
        src: IpAddr,
        dst: IpAddr,
        seen: &[(Id, Id, IpAddr)],
    ) -> Answer {
        let translated = match self.facts.vpc_nat_sources(nat, src) {
            Ok(addresses) => addresses,
            Err(answer) => return answer,
        };
        let Some(vswitch) = &nat.vswitch else {
            return Answer::missing("the vSwitch of the NAT gateway");
        };
        Answer::union(
            translated.into_iter().map(|ip| self.walk(vpc, vswitch, ip, dst, &Own::None, seen)),
        )
    }

    /// The ENI that forwards for a next hop, if it is up.
    fn forwarder(&self, hop: &NextHopType, id: &str) -> Result<&'a Eni, Answer> {
        let t = self.facts.topology;
        let dead = || Answer::dropped("dead_nexthop");
        let holder = match hop {
            NextHopType::HaVip => {
                let havip: &HaVip =
                    t.havips.get(id).ok_or_else(|| self.absent(Listing::HaVips, "dead_nexthop"))?;
                match &havip.master {
                    None => return Err(Answer::missing("the master of the HaVip")),
                    Some(None) => return Err(dead()),
                    Some(Some(master)) => master.as_str(),
                }
            }
            _ => id,
        };
        let eni = t.enis.get(holder).or_else(|| self.facts.primary_eni(holder));
        let eni = eni.ok_or_else(|| self.absent(Listing::Enis, "dead_nexthop"))?;
        if self.facts.is_down(eni) { Err(dead()) } else { Ok(eni) }
    }

    /// A guest that forwards: what it would get for its own address, if it masquerades.
    fn forward(
        &self,
        vpc: &Id,
        eni: &'a Eni,
        src: IpAddr,
        dst: IpAddr,
        seen: &[(Id, Id, IpAddr)],
    ) -> Answer {
        if eni.vpc.as_ref() != Some(vpc) {
            return Answer::dropped("bad_nexthop");
        }
        let guest = self.facts.owner(eni);
        if guest.and_then(|g| g.forwards) == Some(false) {
            return Answer::dropped("forwarder_disabled");
        }
        let stated = guest.and_then(|g| g.masquerade);
        let masquerade = stated.unwrap_or_else(|| self.facts.is_public(dst, vpc));
        let answer = if masquerade {
            match self.facts.primary_ip(eni) {
                Some(ip) => self.egress(eni, ip, dst, seen),
                None => Answer::missing("the address of the forwarder"),
            }
        } else {
            match &eni.vswitch {
                Some(vswitch) => self.walk(vpc, vswitch, src, dst, &Own::None, seen),
                None => Answer::missing("the vSwitch of the forwarder"),
            }
        };
        if stated.is_none() { answer.note("guest_forwarding_assumed") } else { answer }
    }

    /// The transit router: `entered` is the router at which the packet arrives over a peering.
    fn transit(
        &self,
        attachment: &str,
        entered: Option<&Id>,
        src: IpAddr,
        dst: IpAddr,
        seen: &[(Id, Id, IpAddr)],
    ) -> Answer {
        let t = self.facts.topology;
        let Some(from) = t.transit_attachments.get(attachment) else {
            return self.absent(Listing::TransitVpcAttachments, "dead_nexthop");
        };
        let router = entered.or(from.transit_router.as_ref());
        let out = match self.facts.transit_lookup(attachment, router, dst) {
            TransitLookup::Missing(what) => return Answer::missing(&what),
            TransitLookup::NoAssociation => return Answer::dropped("tr_no_association"),
            TransitLookup::NoRoute => return Answer::dropped("tr_no_route"),
            TransitLookup::Attachment(id) => id,
        };
        let Some(to) = t.transit_attachments.get(&out) else {
            return self.absent(Listing::TransitVpcAttachments, "tr_no_route");
        };
        match &to.attachment_type {
            Some(AttachmentType::Vpc) => {
                let (Some(vpc), Some(zones)) = (&to.target, &to.zones) else {
                    return Answer::missing("the zones of the attachment");
                };
                if t.vpcs.get(vpc).is_none() {
                    return Answer::missing("the VPC behind the attachment");
                }
                Answer::union(zones.iter().map(|zone| match &zone.vswitch {
                    Some(vswitch) => self.walk(vpc, vswitch, src, dst, &Own::None, seen),
                    None => Answer::missing("the vSwitch of a zone"),
                }))
            }
            // a transit router does not carry traffic from one peering to another
            Some(AttachmentType::Peer) if entered.is_some() => Answer::dropped("tr_no_route"),
            Some(AttachmentType::Peer) => {
                let far = [&to.transit_router, &to.target].into_iter().flatten();
                match far.into_iter().find(|r| Some(*r) != router) {
                    Some(far) if t.transit_routers.get(far).is_none() => Answer::leaves(),
                    Some(far) => self.transit(&out, Some(far), src, dst, seen),
                    None => Answer::missing("the far transit router"),
                }
            }
            Some(AttachmentType::Vbr | AttachmentType::Vpn | AttachmentType::Ecr) => {
                Answer::leaves()
            }
            Some(AttachmentType::Other(_)) | None => Answer::missing("the kind of the attachment"),
        }
    }

    fn peer(&self, vpc: &Id, id: &str, src: IpAddr, dst: IpAddr) -> Answer {
        let t = self.facts.topology;
        let Some(peer) = t.vpc_peers.get(id) else {
            return self.absent(Listing::VpcPeers, "dead_nexthop");
        };
        if peer.meta.status.as_deref().is_some_and(|s| !s.eq_ignore_ascii_case("Activated")) {
            return Answer::dropped("peer_inactive");
        }
        let side =
            |side: &Option<vpclint::topology::PeerSide>| side.as_ref().and_then(|s| s.vpc.clone());
        let (a, b) = (side(&peer.requester), side(&peer.accepter));
        let other = match (a, b) {
            (Some(a), Some(b)) if a == *vpc => b,
            (Some(a), Some(b)) if b == *vpc => a,
            (Some(_), Some(_)) => return Answer::dropped("bad_nexthop"),
            _ => return Answer::missing("the sides of the peering"),
        };
        if t.vpcs.get(&other).is_none() {
            return Answer::missing("the peer VPC");
        }
        let Some(target) = self.facts.vswitch_holding(&other, dst) else {
            return Answer::dropped("peer_not_transitive");
        };
        let back = match self.facts.table_of(&target).map(|table| self.facts.lookup(&table, src)) {
            Some(Lookup::Hops(hops)) => hops.iter().any(|h| h.id.as_deref() == Some(id)),
            _ => false,
        };
        if back { Answer::delivered() } else { Answer::delivered().note("reply_no_route") }
    }

    /// Leaves the cloud, but never into a VPC that is known (decisions.md 29).
    fn ecr(&self, dst: IpAddr) -> Answer {
        let mut vpcs = self.facts.topology.vpcs.iter();
        let known = vpcs
            .any(|vpc| self.facts.vpc_blocks(&vpc.meta.id).iter().any(|block| block.contains(dst)));
        if known { Answer::dropped("ecr_not_transitive") } else { Answer::leaves() }
    }

    fn inspection(
        &self,
        vpc: &Id,
        endpoint: &str,
        src: IpAddr,
        dst: IpAddr,
        own: &Own,
        seen: &[(Id, Id, IpAddr)],
    ) -> Answer {
        let Some(endpoint) = self.facts.topology.endpoints.get(endpoint) else {
            return self.absent(Listing::Endpoints, "dead_nexthop");
        };
        let zones = endpoint.zones.iter().flatten();
        let vswitches: Vec<&Id> = zones.filter_map(|zone| zone.vswitch.as_ref()).collect();
        if vswitches.is_empty() {
            return Answer::missing("the vSwitch of the endpoint");
        }
        Answer::union(vswitches.into_iter().map(|v| self.walk(vpc, v, src, dst, own, seen)))
            .note("inspected")
    }

    /// A next hop that is not in the input: dead when the listing is whole, else unknown.
    fn absent(&self, listing: Listing, reason: &str) -> Answer {
        if self.facts.is_whole(listing) {
            Answer::dropped(reason)
        } else {
            Answer::missing(listing.api())
        }
    }
}
