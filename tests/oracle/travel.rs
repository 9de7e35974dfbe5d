//! From one ENI to where the routes lead: the egress semantics with the filters on the way.
//!
//! The order of tests is that of egress.md §10 rules 4 and 5; each ENI that is left or entered adds
//! its security groups, each border of a vSwitch its network ACL.

use vpclint::topology::{
    AttachmentType, Direction, Eni, Id, Listing, NatGateway, NatNetwork, NextHop, NextHopType,
    PeerSide,
};

use super::facts::{self, Lookup, Mode, Own, TransitLookup};
use super::filters::{Filter, Managed};
use super::flow::{Flow, Site, Trip};
use super::reply::Back;
use super::{Answer, Verdict};

/// Where routing ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// A local route of this VPC, or a connection into it.
    Local(Id),
    /// A service of the cloud.
    Cloud,
    Exit,
    Leaves,
    Dropped(String),
    Unknown(String),
}

#[derive(Clone)]
pub struct Step<'a> {
    pub trip: Trip<'a>,
    pub stop: Stop,
}

type Steps<'a> = Vec<Step<'a>>;

fn missing<'a>(trip: Trip<'a>, what: impl Into<String>) -> Steps<'a> {
    vec![Step { trip, stop: Stop::Unknown(what.into()) }]
}

impl<'a> Flow<'a> {
    /// The packet leaves every vSwitch it was in, so the ACL of the last one is asked.
    fn stop(&self, mut trip: Trip<'a>, stop: Stop) -> Steps<'a> {
        let stop = match self.cross(&mut trip, None) {
            Ok(()) => stop,
            Err(reason) => Stop::Dropped(reason.to_owned()),
        };
        vec![Step { trip, stop }]
    }

    fn drop(&self, trip: Trip<'a>, reason: &str) -> Steps<'a> {
        self.stop(trip, Stop::Dropped(reason.to_owned()))
    }

    /// Security groups of an ENI; `Err` when they drop the packet. A reply is never asked
    /// (`no_session_model`).
    pub fn guard(
        &self,
        trip: &mut Trip<'a>,
        eni: &Eni,
        direction: &Direction,
    ) -> Result<(), &'static str> {
        if trip.is_reply {
            return Ok(());
        }
        let peer = match direction {
            Direction::Ingress => trip.origin.clone().into(),
            _ => self.peer_at(eni.vpc.as_ref(), trip.packet.dst),
        };
        let own = self.member(eni);
        match self.security_groups(direction, &own, &trip.packet, &peer, &Managed::No) {
            Filter::Allow => Ok(()),
            Filter::Deny if *direction == Direction::Ingress => Err("sg_ingress_denied"),
            Filter::Deny => Err("sg_egress_denied"),
            Filter::Unknown(what) => {
                trip.doubts.insert(what);
                Ok(())
            }
        }
    }

    /// The guest of an ENI sends.
    pub fn send(&self, eni: &'a Eni, mut trip: Trip<'a>) -> Steps<'a> {
        let facts = &self.facts;
        let (src, dst) = (trip.packet.src, trip.packet.dst);
        // nothing forwards these, whatever the filters are
        if facts::is_special(dst) {
            return vec![Step { trip, stop: Stop::Dropped("dst_not_routable".to_owned()) }];
        }
        if let Err(reason) = self.guard(&mut trip, eni, &Direction::Egress) {
            return vec![Step { trip, stop: Stop::Dropped(reason.to_owned()) }];
        }
        let (Some(vpc), Some(vswitch)) = (&eni.vpc, &eni.vswitch) else {
            return missing(trip, "the VPC and vSwitch of the ENI");
        };
        if facts.topology.vpcs.get(vpc).is_none() {
            return missing(trip, "the VPC");
        }
        trip.departure = self.gate(eni);
        if dst.is_ipv6() {
            return self.walk(trip, vpc, vswitch, &Own::None);
        }
        let (mode, public) = (self.mode(vpc), facts.is_public(dst, vpc));
        if mode == Mode::Private && public {
            return self.drop(trip, "vpc_private_mode");
        }
        let own = facts.own_public(eni, src);
        if let Own::CutThrough { ip, multi } = &own {
            return match (mode, public, multi) {
                (Mode::Central | Mode::Private, _, _) => self.drop(trip, "cut_through_unsupported"),
                (Mode::Direct, true, _) => self.exit(trip, ip),
                (Mode::Direct, false, true) => missing(trip, "routing of a MULTI_BINDED guest"),
                (Mode::Direct, false, false) => self.drop(trip, "cut_through_no_private"),
            };
        }
        let unlisted = !facts.is_private_address(eni, src);
        if unlisted && (matches!(own, Own::Missing) || !facts.is_whole(Listing::HaVips)) {
            return missing(trip, "whose address the source is");
        }
        if mode == Mode::Direct && public {
            match &own {
                Own::Mapped(ip) => return self.exit(trip, ip),
                Own::Missing => return missing(trip, "EIPs"),
                Own::None | Own::CutThrough { .. } => {}
            }
            if self.knobs.dnat_ip_map_bypasses_routes {
                match facts.normal_nat_mapping(vpc, src) {
                    Ok(Some(ip)) => return self.exit(trip, &ip),
                    Ok(None) => {}
                    Err(what) => return missing(trip, what),
                }
            }
        }
        self.walk(trip, vpc, vswitch, &own)
    }

    /// Out to the Internet under an address of its own; nothing routes the replies.
    fn exit(&self, trip: Trip<'a>, ip: &str) -> Steps<'a> {
        let mut steps = self.stop(trip, Stop::Exit);
        for step in &mut steps {
            step.trip.public = [ip.to_owned()].into();
            step.trip.close_leg(Site::default(), Back::Direct);
            step.trip.origin = None;
        }
        steps
    }

    /// Rule 5.
    pub fn walk(&self, mut trip: Trip<'a>, vpc: &Id, vswitch: &Id, own: &Own) -> Steps<'a> {
        let facts = &self.facts;
        let dst = trip.packet.dst;
        if dst.is_ipv4() && self.mode(vpc) == Mode::Private && facts.is_public(dst, vpc) {
            return self.drop(trip, "vpc_private_mode");
        }
        let Some(table) = facts.table_of(vswitch) else {
            return missing(trip, "the route table of the vSwitch");
        };
        let here = (vpc.clone(), table.clone(), trip.packet.src);
        if trip.seen.contains(&here) {
            return self.drop(trip, "routing_loop");
        }
        trip.seen.push(here);
        let hops = match facts.lookup(&table, dst) {
            Lookup::Missing(what) => return missing(trip, what),
            Lookup::NoRoute => return self.drop(trip, "no_route"),
            Lookup::Hops(hops) => hops,
        };
        if hops.is_empty() {
            return self.drop(trip, "dead_nexthop");
        }
        hops.iter().flat_map(|hop| self.hop(trip.clone(), vpc, hop, own)).collect()
    }

    pub fn hop(&self, trip: Trip<'a>, vpc: &Id, hop: &NextHop, own: &Own) -> Steps<'a> {
        let id = hop.id.as_deref().unwrap_or("");
        match &hop.hop_type {
            // whose border is crossed, if any, is known when the target is
            NextHopType::Local => vec![Step { trip, stop: Stop::Local(vpc.clone()) }],
            NextHopType::Service | NextHopType::GatewayEndpoint => self.cloud(trip),
            NextHopType::Ipv6Gateway if trip.packet.dst.is_ipv6() => self.ipv6_gateway(trip),
            NextHopType::Ipv6Gateway => self.drop(trip, "bad_nexthop"),
            NextHopType::Ipv4Gateway => self.ipv4_gateway(trip, vpc, own),
            NextHopType::NatGateway => self.nat(trip, vpc, id),
            NextHopType::Instance | NextHopType::NetworkInterface | NextHopType::HaVip => {
                match self.forwarder(&hop.hop_type, id) {
                    Ok(eni) => self.forward(trip, vpc, eni),
                    Err(stop) => self.stop(trip, stop),
                }
            }
            NextHopType::Attachment => self.transit(trip, id, None),
            NextHopType::VpcPeer => self.peer(trip, vpc, id),
            NextHopType::VpnGateway => self.leave(trip),
            NextHopType::RouterInterface => self.router_interface(trip, vpc, id),
            NextHopType::Ecr => self.ecr(trip),
            NextHopType::CenBasic => self.basic_cen(trip, vpc, id),
            NextHopType::GatewayLoadBalancerEndpoint => self.inspection(trip, vpc, id, own),
            NextHopType::RouteTargetGroup => match self.facts.active_member(id) {
                Some(endpoint) => self.inspection(trip, vpc, &endpoint, own),
                None => self.drop(trip, "dead_nexthop"),
            },
            NextHopType::Other(_) => missing(trip, "what this next hop does"),
        }
    }

    fn cloud(&self, trip: Trip<'a>) -> Steps<'a> {
        let mut steps = self.stop(trip, Stop::Cloud);
        steps.iter_mut().for_each(|s| s.trip.close_leg(Site::default(), Back::Direct));
        steps
    }

    fn leave(&self, trip: Trip<'a>) -> Steps<'a> {
        let mut steps = self.stop(trip, Stop::Leaves);
        steps.iter_mut().for_each(|s| s.trip.close_leg(Site::default(), Back::Direct));
        steps
    }

    /// Rule 8.
    fn ipv6_gateway(&self, trip: Trip<'a>) -> Steps<'a> {
        match self.facts.ipv6_is_public(trip.packet.src) {
            Some(true) => {
                let ip = trip.packet.src.to_string();
                self.exit(trip, &ip)
            }
            Some(false) => self.drop(trip, "ipv6_no_bandwidth"),
            None => missing(trip, Listing::Ipv6Addresses.api()),
        }
    }

    fn ipv4_gateway(&self, trip: Trip<'a>, vpc: &Id, own: &Own) -> Steps<'a> {
        if self.mode(vpc) != Mode::Central {
            return self.drop(trip, "ipv4gw_inactive");
        }
        if !self.facts.is_public(trip.packet.dst, vpc) {
            return self.drop(trip, "private_dst_at_internet_gw");
        }
        match own {
            Own::Mapped(ip) => self.exit(trip, ip),
            Own::Missing => missing(trip, "EIPs"),
            Own::None | Own::CutThrough { .. } => self.drop(trip, "no_public_ip_at_ipv4gw"),
        }
    }

    // ---- NAT -----------------------------------------------------------------------------------

    fn nat_site(&self, nat: &NatGateway) -> Site<'a> {
        Site {
            vpc: nat.vpc.clone(),
            vswitch: nat.vswitch.clone(),
            eni: None,
            // knob `nacl_on_nat_vswitch`
            gate: Self::gate_of(nat.vswitch.as_ref(), !self.knobs.nacl_on_nat_vswitch),
            nat: Some(nat.meta.id.clone()),
        }
    }

    fn nat(&self, mut trip: Trip<'a>, vpc: &Id, id: &str) -> Steps<'a> {
        let facts = &self.facts;
        let (src, dst) = (trip.packet.src, trip.packet.dst);
        let Some(nat) = facts.topology.nat_gateways.get(id) else {
            return self.absent(trip, Listing::NatGateways, "dead_nexthop");
        };
        if nat.vpc.as_ref() != Some(vpc) {
            return self.drop(trip, "bad_nexthop");
        }
        if trip.is_reply {
            // it would give the reply another source; whether it is the reply's own gateway, the
            // caller sees
            return vec![Step { trip, stop: Stop::Local(Id::from(&format!("at {id}"))) }];
        }
        if nat.network == Some(NatNetwork::Intranet) {
            return self.vpc_nat(trip, vpc, nat);
        }
        if !facts.is_public(dst, vpc) {
            return self.drop(trip, "private_dst_at_internet_gw");
        }
        let answer = facts.nat_public(nat, src);
        if answer.verdict() != Some(Verdict::Exits) {
            return self.as_answered(trip, &answer);
        }
        let own_table = nat.vswitch.as_ref().and_then(|v| facts.table_of(v));
        let Some(own_table) = own_table else {
            return missing(trip, "the route table of the NAT gateway's vSwitch");
        };
        if self.mode(vpc) == Mode::Central {
            match facts.lookup(&own_table, dst) {
                Lookup::Missing(what) => return missing(trip, what),
                Lookup::Hops(hops)
                    if hops.iter().all(|h| h.hop_type == NextHopType::Ipv4Gateway)
                        && !hops.is_empty() => {}
                Lookup::NoRoute | Lookup::Hops(_) => {
                    return self.drop(trip, "nat_vswitch_not_public");
                }
            }
        }
        let site = self.nat_site(nat);
        // the other end is outside, so the sender's vSwitch is left even when the gateway is in it
        let gate = site.gate.clone().filter(|g| !g.exempt);
        if let Err(reason) = self.cross(&mut trip, gate.as_ref()) {
            return vec![Step { trip, stop: Stop::Dropped(reason.to_owned()) }];
        }
        trip.departure = gate;
        trip.close_leg(site, Back::Routed);
        trip.origin = None;
        trip.through = Some(nat.meta.id.clone());
        trip.public = answer.public_ips();
        self.stop(trip, Stop::Exit)
    }

    /// Rule 6.
    fn vpc_nat(&self, mut trip: Trip<'a>, vpc: &Id, nat: &'a NatGateway) -> Steps<'a> {
        let translated = match self.facts.vpc_nat_sources(nat, trip.packet.src) {
            Ok(addresses) => addresses,
            Err(answer) => return self.as_answered(trip, &answer),
        };
        let Some(vswitch) = &nat.vswitch else {
            return missing(trip, "the vSwitch of the NAT gateway");
        };
        let site = self.nat_site(nat);
        let gate = site.gate.clone().filter(|g| !g.exempt);
        if let Err(reason) = self.cross(&mut trip, gate.as_ref()) {
            return vec![Step { trip, stop: Stop::Dropped(reason.to_owned()) }];
        }
        trip.departure = gate;
        trip.close_leg(site.clone(), Back::Routed);
        trip.origin = None;
        trip.start = site;
        translated
            .into_iter()
            .flat_map(|ip| {
                let mut trip = trip.clone();
                // decisions.md 36: filters behind it see the NAT IP
                trip.packet.src = ip;
                self.walk(trip, vpc, vswitch, &Own::None)
            })
            .collect()
    }

    /// What the egress walk says of a device.
    fn as_answered(&self, trip: Trip<'a>, answer: &Answer) -> Steps<'a> {
        match answer.outcomes.keys().next().unwrap() {
            (Verdict::Dropped, Some(reason)) => self.drop(trip, reason),
            _ => missing(trip, answer.notes.first().cloned().unwrap_or_default()),
        }
    }

    // ---- guests that forward -------------------------------------------------------------------

    fn forwarder(&self, hop: &NextHopType, id: &str) -> Result<&'a Eni, Stop> {
        let t = self.facts.topology;
        let dead = || Stop::Dropped("dead_nexthop".to_owned());
        let absent = |listing: Listing| match self.gap(listing, None) {
            Some(gap) => Stop::Unknown(gap),
            None => dead(),
        };
        let holder = match hop {
            NextHopType::HaVip => {
                let havip = t.havips.get(id).ok_or_else(|| absent(Listing::HaVips))?;
                match &havip.master {
                    None => return Err(Stop::Unknown("the master of the HaVip".to_owned())),
                    Some(None) => return Err(dead()),
                    Some(Some(master)) => master.as_str(),
                }
            }
            _ => id,
        };
        let eni = t.enis.get(holder).or_else(|| self.facts.primary_eni(holder));
        let eni = eni.ok_or_else(|| absent(Listing::Enis))?;
        if self.facts.is_down(eni) { Err(dead()) } else { Ok(eni) }
    }

    /// Its groups and ACL see the packet on the way in and out (decisions.md 33).
    fn forward(&self, mut trip: Trip<'a>, vpc: &Id, eni: &'a Eni) -> Steps<'a> {
        if eni.vpc.as_ref() != Some(vpc) {
            return self.drop(trip, "bad_nexthop");
        }
        let guest = self.facts.owner(eni);
        if guest.and_then(|g| g.forwards) == Some(false) {
            return self.drop(trip, "forwarder_disabled");
        }
        let mut gate = self.gate(eni);
        if !self.knobs.forwarder_filters {
            gate.iter_mut().for_each(|gate| gate.exempt = true);
        }
        let mut pass = self.cross(&mut trip, gate.as_ref());
        if self.knobs.forwarder_filters {
            pass = pass.and_then(|()| self.guard(&mut trip, eni, &Direction::Ingress));
        }
        if let Err(reason) = pass {
            return vec![Step { trip, stop: Stop::Dropped(reason.to_owned()) }];
        }
        let stated = guest.and_then(|g| g.masquerade);
        if stated.unwrap_or_else(|| self.facts.is_public(trip.packet.dst, vpc)) {
            if trip.is_reply {
                return vec![Step { trip, stop: Stop::Dropped("reply_path_mismatch".to_owned()) }];
            }
            let Some(ip) = self.facts.primary_ip(eni) else {
                return missing(trip, "the address of the forwarder");
            };
            trip.close_leg(self.site(eni), Back::Routed);
            trip.start = self.site(eni);
            trip.origin = Some(self.member(eni));
            trip.packet.src = ip;
            return self.send(eni, trip);
        }
        if self.knobs.forwarder_filters
            && let Err(reason) = self.guard(&mut trip, eni, &Direction::Egress)
        {
            return vec![Step { trip, stop: Stop::Dropped(reason.to_owned()) }];
        }
        trip.departure = gate;
        match &eni.vswitch {
            Some(vswitch) => self.walk(trip, vpc, vswitch, &Own::None),
            None => missing(trip, "the vSwitch of the forwarder"),
        }
    }

    fn inspection(&self, trip: Trip<'a>, vpc: &Id, id: &str, own: &Own) -> Steps<'a> {
        let Some(endpoint) = self.facts.topology.endpoints.get(id) else {
            return self.absent(trip, Listing::Endpoints, "dead_nexthop");
        };
        let zones = endpoint.zones.iter().flatten();
        let vswitches: Vec<&Id> = zones.filter_map(|zone| zone.vswitch.as_ref()).collect();
        if vswitches.is_empty() {
            return missing(trip, "the vSwitch of the endpoint");
        }
        vswitches.into_iter().flat_map(|v| self.walk(trip.clone(), vpc, v, own)).collect()
    }

    // ---- between VPCs --------------------------------------------------------------------------

    /// access.md §5.4. Whether ACLs of the attachment's vSwitch see transit traffic is open (§2.2);
    /// they are not asked.
    fn transit(&self, trip: Trip<'a>, attachment: &str, entered: Option<&Id>) -> Steps<'a> {
        let t = self.facts.topology;
        let Some(from) = t.transit_attachments.get(attachment) else {
            return self.absent(trip, Listing::TransitVpcAttachments, "dead_nexthop");
        };
        let router = entered.or(from.transit_router.as_ref());
        let out = match self.facts.transit_lookup(attachment, router, trip.packet.dst) {
            TransitLookup::Missing(what) => return missing(trip, what),
            TransitLookup::NoAssociation => return self.drop(trip, "tr_no_association"),
            TransitLookup::NoRoute => return self.drop(trip, "tr_no_route"),
            TransitLookup::Attachment(id) => id,
        };
        let Some(to) = t.transit_attachments.get(&out) else {
            return self.absent(trip, Listing::TransitVpcAttachments, "tr_no_route");
        };
        match &to.attachment_type {
            Some(AttachmentType::Vpc) => {
                let (Some(vpc), Some(zones)) = (&to.target, &to.zones) else {
                    return missing(trip, "the zones of the attachment");
                };
                if t.vpcs.get(vpc).is_none() {
                    return missing(trip, "the VPC behind the attachment");
                }
                let step = |vswitch: &Option<Id>| match vswitch {
                    Some(vswitch) => self.walk(trip.clone(), vpc, vswitch, &Own::None),
                    None => missing(trip.clone(), "the vSwitch of a zone"),
                };
                zones.iter().flat_map(|zone| step(&zone.vswitch)).collect()
            }
            Some(AttachmentType::Peer) if entered.is_some() => self.drop(trip, "tr_no_route"),
            Some(AttachmentType::Peer) => {
                let far = [&to.transit_router, &to.target].into_iter().flatten();
                match far.into_iter().find(|r| Some(*r) != router) {
                    Some(far) if t.transit_routers.get(far).is_none() => self.leave(trip),
                    Some(far) => self.transit(trip, &out, Some(far)),
                    None => missing(trip, "the far transit router"),
                }
            }
            Some(AttachmentType::Vbr | AttachmentType::Vpn | AttachmentType::Ecr) => {
                self.leave(trip)
            }
            Some(AttachmentType::Other(_)) | None => missing(trip, "the kind of the attachment"),
        }
    }

    /// Only to addresses of the peer's vSwitches (access.md §5.1, decisions.md 34).
    fn enter_vpc(&self, trip: Trip<'a>, vpc: &Id) -> Steps<'a> {
        if self.facts.topology.vpcs.get(vpc).is_none() {
            return missing(trip, "the peer VPC");
        }
        match self.facts.vswitch_holding(vpc, trip.packet.dst) {
            Some(_) => vec![Step { trip, stop: Stop::Local(vpc.clone()) }],
            None => self.drop(trip, "peer_not_transitive"),
        }
    }

    fn peer(&self, trip: Trip<'a>, vpc: &Id, id: &str) -> Steps<'a> {
        let Some(peer) = self.facts.topology.vpc_peers.get(id) else {
            return self.absent(trip, Listing::VpcPeers, "dead_nexthop");
        };
        if peer.meta.status.as_deref().is_some_and(|s| !s.eq_ignore_ascii_case("Activated")) {
            return self.drop(trip, "peer_inactive");
        }
        let side = |side: &Option<PeerSide>| side.as_ref().and_then(|s| s.vpc.clone());
        match (side(&peer.requester), side(&peer.accepter)) {
            (Some(a), Some(b)) if a == *vpc => self.enter_vpc(trip, &b),
            (Some(a), Some(b)) if b == *vpc => self.enter_vpc(trip, &a),
            (Some(_), Some(_)) => self.drop(trip, "bad_nexthop"),
            _ => missing(trip, "the sides of the peering"),
        }
    }

    /// access.md §5.6: to a VPC like a peering, to a border router out of sight. One that is not in
    /// the input leads out of sight, too.
    fn router_interface(&self, trip: Trip<'a>, vpc: &Id, id: &str) -> Steps<'a> {
        let Some(interface) = self.facts.topology.router_interfaces.get(id) else {
            return self.leave(trip);
        };
        let active =
            interface.meta.status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("Active"));
        if !active || interface.opposite.is_none() {
            return self.drop(trip, "dead_nexthop");
        }
        // both sides must be (access.md §5.6)
        let far = interface.opposite.as_ref();
        let far = far.and_then(|far| self.facts.topology.router_interfaces.get(far));
        let idle = far.and_then(|far| far.meta.status.as_deref());
        if idle.is_some_and(|s| !s.eq_ignore_ascii_case("Active")) {
            return self.drop(trip, "dead_nexthop");
        }
        if interface.vpc.as_ref().is_some_and(|own| own != vpc) {
            return self.drop(trip, "bad_nexthop");
        }
        let opposite = interface.opposite_router_type.as_deref();
        match &interface.opposite_vpc {
            Some(far) if opposite.is_none_or(|kind| kind.eq_ignore_ascii_case("VRouter")) => {
                self.enter_vpc(trip, far)
            }
            _ => self.leave(trip),
        }
    }

    /// access.md §5.3: one table per region, longest prefix, Active routes only.
    fn basic_cen(&self, trip: Trip<'a>, vpc: &Id, id: &str) -> Steps<'a> {
        let t = self.facts.topology;
        if let Some(gap) = self.gap(Listing::CenRoutes, Some(&Id::from(id))) {
            return missing(trip, gap);
        }
        let region = t.vpcs.get(vpc).and_then(|v| v.meta.region.clone());
        let mut routes: Vec<_> = t
            .cen_routes
            .iter()
            .filter(|r| id.is_empty() || r.cen.as_deref() == Some(id))
            .filter(|r| r.route_status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("Active")))
            .filter(|r| match (&r.in_region, &region) {
                (Some(seen), Some(here)) => **seen == *here.as_str(),
                _ => true,
            })
            .filter_map(|r| Some((r.destination.as_ref()?.cidr()?, r)))
            .filter(|(block, _)| block.contains(trip.packet.dst))
            .collect();
        routes.sort_by_key(|(block, _)| block.mask());
        let Some((_, route)) = routes.last() else { return self.drop(trip, "no_route") };
        match (route.next_hop_type.as_deref(), &route.next_hop) {
            (Some(kind), Some(target)) if kind.eq_ignore_ascii_case("VPC") => {
                // routes of the sender's own VPC are in the table, too
                self.enter_vpc(trip, target)
            }
            (Some(kind), _) if !kind.eq_ignore_ascii_case("VPC") => self.leave(trip),
            _ => missing(trip, "the next hop of a CEN route"),
        }
    }

    /// decisions.md 29.
    fn ecr(&self, trip: Trip<'a>) -> Steps<'a> {
        let dst = trip.packet.dst;
        let mut vpcs = self.facts.topology.vpcs.iter();
        let known = vpcs.any(|v| self.facts.vpc_blocks(&v.meta.id).iter().any(|b| b.contains(dst)));
        if known { self.drop(trip, "ecr_not_transitive") } else { self.leave(trip) }
    }

    fn absent(&self, trip: Trip<'a>, listing: Listing, reason: &str) -> Steps<'a> {
        match self.gap(listing, None) {
            Some(gap) => missing(trip, gap),
            None => self.drop(trip, reason),
        }
    }
}
