//! Who takes a packet that routing has brought to a VPC, or out of the cloud and in again.

use std::collections::BTreeSet;
use std::net::IpAddr;

use vpclint::topology::{
    Direction, EipBindMode, Endpoint, EndpointZone, Eni, Id, Listing, LoadBalancer, NatGateway,
    NatNetwork, NatType,
};

use super::flow::{
    Fate, Flow, Outcome, Protocol, Site, Target, Trip, arrived, dropped, holds, unknown,
};
use super::reply::Back;
use super::travel::{Step, Stop};

/// What has an address of a VPC.
pub enum Place<'a> {
    Balancer(&'a LoadBalancer),
    Endpoint(&'a Endpoint, &'a EndpointZone),
    Nat(&'a NatGateway),
    Host(&'a Eni),
    Nobody,
    Missing(String),
}

impl<'a> Flow<'a> {
    /// The end of the way there.
    pub fn finish(&self, step: Step<'a>) -> Vec<Outcome> {
        let Step { trip, stop } = step;
        let packet = trip.packet;
        match stop {
            Stop::Dropped(reason) => dropped(&reason),
            Stop::Unknown(what) => unknown(&trip, &what),
            Stop::Local(vpc) => self.deliver(trip, &vpc),
            Stop::Cloud => {
                let id = "cloud_service".to_owned();
                let target = Target { id, ip: packet.dst, port: packet.dport };
                self.end(trip, Fate::Delivered, Some(target))
            }
            Stop::Exit => self.leave_and_return(trip),
            Stop::Leaves => self.end(trip, Fate::Leaves, None),
        }
    }

    /// The packet is where it goes to; now the way back.
    pub fn end(&self, mut trip: Trip<'a>, verdict: Fate, target: Option<Target>) -> Vec<Outcome> {
        let (mut reply, what) = self.reply(&trip.legs);
        // what the network out there does with the reply is not in sight
        if verdict == Fate::Leaves && !matches!(reply, super::flow::Reply::None(_)) {
            reply = super::flow::Reply::Unknown;
        }
        let mut outcomes = arrived(&trip, verdict, target, reply);
        trip.doubts.extend(what);
        outcomes.iter_mut().for_each(|o| o.missing.extend(trip.doubts.clone()));
        outcomes
    }

    /// A packet to the Internet may be one to a public address of this world (egress.md §5.4).
    fn leave_and_return(&self, trip: Trip<'a>) -> Vec<Outcome> {
        let packet = trip.packet;
        // access.md §1.5: only what goes to the Internet
        let mail = packet.protocol == Protocol::Tcp && packet.dport == 25;
        if mail && !self.knobs.smtp_waiver {
            return dropped("platform_smtp_25");
        }
        if !self.is_ours(packet.dst) {
            return self.end(trip, Fate::Exits, None);
        }
        let public: Vec<String> = trip.public.iter().cloned().collect();
        public
            .into_iter()
            .flat_map(|ip| {
                let mut trip = trip.clone();
                trip.public = BTreeSet::from([ip.clone()]);
                trip.start = Site::default();
                match ip.parse() {
                    Ok(ip) => {
                        trip.packet.src = ip;
                        self.internet_sends(trip)
                    }
                    Err(_) => unknown(&trip, "the public address of the sender"),
                }
            })
            .collect()
    }

    /// A local route of `vpc` delivers. The reply is routed from the target (decisions.md 39).
    pub fn deliver(&self, trip: Trip<'a>, vpc: &Id) -> Vec<Outcome> {
        match self.place(vpc, trip.packet.dst) {
            Place::Missing(what) => unknown(&trip, &what),
            Place::Nobody => self.refuse(trip, "no_such_host"),
            Place::Host(eni) => self.host(trip, eni, Back::Routed),
            Place::Balancer(lb) => self.balancer(trip, lb, Back::Routed),
            Place::Endpoint(endpoint, zone) => self.endpoint(trip, endpoint, zone),
            Place::Nat(nat) if nat.network == Some(NatNetwork::Intranet) => {
                self.enter_vpc_nat(trip, nat)
            }
            Place::Nat(_) => self.refuse(trip, "no_such_host"),
        }
    }

    /// Drop, unless the ACL of the vSwitch left before does so first.
    pub fn refuse(&self, mut trip: Trip<'a>, reason: &str) -> Vec<Outcome> {
        match self.cross(&mut trip, None) {
            Ok(()) => dropped(reason),
            Err(reason) => dropped(reason),
        }
    }

    /// Into an ENI: the ACL of its vSwitch, then its security groups.
    pub fn host(&self, mut trip: Trip<'a>, eni: &'a Eni, back: Back) -> Vec<Outcome> {
        let gate = self.gate(eni);
        let pass = self.cross(&mut trip, gate.as_ref());
        if let Err(reason) = pass.and_then(|()| self.guard(&mut trip, eni, &Direction::Ingress)) {
            return dropped(reason);
        }
        trip.close_leg(self.site(eni), back);
        let target =
            Target { id: eni.meta.id.to_string(), ip: trip.packet.dst, port: trip.packet.dport };
        self.end(trip, Fate::Delivered, Some(target))
    }

    /// Who answers to an address inside a VPC.
    pub fn place(&self, vpc: &Id, ip: IpAddr) -> Place<'a> {
        let t = self.facts.topology;
        let is = |a: &vpclint::topology::AddrValue| a.addr() == Some(ip);
        for lb in &t.load_balancers {
            let here = lb.vpc.clone().flatten().as_ref() == Some(vpc);
            let zone = lb.zones.iter().flatten().any(|z| z.private_ips.iter().any(is));
            if here && (zone || lb.address.as_ref().is_some_and(is)) {
                return Place::Balancer(lb);
            }
        }
        for endpoint in t.endpoints.iter().filter(|e| e.vpc.as_ref() == Some(vpc)) {
            let mut zones = endpoint.zones.iter().flatten();
            if let Some(zone) = zones.find(|z| z.address.as_ref().is_some_and(is)) {
                return Place::Endpoint(endpoint, zone);
            }
        }
        for nat in t.nat_gateways.iter().filter(|n| n.vpc.as_ref() == Some(vpc)) {
            let listed = t.nat_ips.iter().any(|n| {
                n.nat_gateway.as_ref() == Some(&nat.meta.id) && n.address.as_ref().is_some_and(is)
            });
            if listed || nat.private_address.as_ref().is_some_and(is) {
                return Place::Nat(nat);
            }
        }
        if let Some(havip) = t
            .havips
            .iter()
            .find(|h| h.vpc.as_ref() == Some(vpc) && h.address.as_ref().is_some_and(is))
        {
            return match &havip.master {
                None => Place::Missing("the master of the HaVip".to_owned()),
                Some(None) => Place::Nobody,
                Some(Some(id)) => match t.enis.get(id).or_else(|| self.facts.primary_eni(id)) {
                    Some(eni) => Place::Host(eni),
                    None => Place::Missing(format!("the ENI of {id}")),
                },
            };
        }
        if let Some(eni) = t.enis.iter().find(|e| e.vpc.as_ref() == Some(vpc) && holds(e, ip)) {
            // a cut-through EIP has taken the place of the private address (egress.md §4.6)
            return if self.is_replaced(eni, ip) { Place::Nobody } else { Place::Host(eni) };
        }
        let listings = [
            Listing::Enis,
            Listing::HaVips,
            Listing::ClbInstances,
            Listing::AlbInstances,
            Listing::NlbInstances,
            Listing::Endpoints,
            Listing::EndpointZones,
        ];
        match listings.into_iter().find_map(|listing| self.gap(listing, None)) {
            Some(gap) => Place::Missing(gap),
            None => Place::Nobody,
        }
    }

    pub fn is_replaced(&self, eni: &Eni, ip: IpAddr) -> bool {
        use vpclint::topology::{EipMode, EipTarget};
        let primary = self.facts.primary_ip(eni) == Some(ip);
        primary
            && self
                .facts
                .bound(&EipTarget::Eni, &eni.meta.id)
                .iter()
                .any(|eip| eip.mode == Some(EipMode::Binded))
    }

    /// To an address of a VPC NAT gateway: what its DNAT entries say.
    fn enter_vpc_nat(&self, mut trip: Trip<'a>, nat: &'a NatGateway) -> Vec<Outcome> {
        if let Err(reason) = self.cross(&mut trip, None) {
            return dropped(reason);
        }
        match self.translate(nat, &trip.packet) {
            Err(what) => unknown(&trip, &what),
            Ok(None) => dropped("no_dnat_entry"),
            Ok(Some((ip, port))) => {
                let (Some(vpc), Some(vswitch)) = (&nat.vpc, &nat.vswitch) else {
                    return unknown(&trip, "where the NAT gateway is");
                };
                let site = Site {
                    vpc: Some(vpc.clone()),
                    vswitch: Some(vswitch.clone()),
                    ..Site::default()
                };
                trip.close_leg(site, Back::Routed);
                trip.start = Site::default();
                (trip.packet.dst, trip.packet.dport) = (ip, port);
                match self.place(vpc, ip) {
                    Place::Host(eni) => self.host(trip, eni, Back::Direct),
                    Place::Balancer(lb) => self.balancer(trip, lb, Back::Direct),
                    Place::Missing(what) => unknown(&trip, &what),
                    Place::Endpoint(..) | Place::Nat(_) | Place::Nobody => dropped("no_such_host"),
                }
            }
        }
    }

    /// An Enhanced gateway whose EIPs are bound in the mode that cannot hairpin (egress.md §5.4).
    pub fn cannot_hairpin(nat: &NatGateway) -> bool {
        let normal = match &nat.nat_type {
            Some(kind) => *kind == NatType::Normal,
            None => nat.bandwidth_packages.as_ref().is_some_and(|p| !p.is_empty()),
        };
        // MULTI_BINDED is the default of the API
        !normal && nat.eip_bind_mode != Some(EipBindMode::Nat)
    }
}
