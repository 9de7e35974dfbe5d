//! From the Internet to a public address (egress.md §5, §10 rule 10).

use std::net::IpAddr;

use vpclint::topology::{
    Eip, EipMode, EipTarget, Eni, EniType, Id, Listing, LoadBalancer, NatGateway, NatNetwork,
    NatPort, NatProtocol, NatType, NextHopType, Scope,
};

use super::arrive::Place;
use super::facts::{Facts, Lookup, Mode, Own};
use super::flow::{Fate, Flow, Outcome, Packet, Protocol, Reply, Target, Trip, dropped, unknown};
use super::reply::Back;

/// What holds a public address.
enum Owner<'a> {
    Eni(&'a Eni, IpAddr),
    Nat(&'a NatGateway),
    Balancer(&'a LoadBalancer),
    Ipv6(&'a Eni, Option<bool>),
    Locked,
    Unbound,
    /// Bound to an address of this VPC that nobody has.
    NoHost(&'a Id),
    Nobody,
    Missing(String),
}

impl<'a> Flow<'a> {
    /// The packet has a public target; its source is a client out there, or the public address under
    /// which somebody in here left.
    pub fn internet_sends(&self, trip: Trip<'a>) -> Vec<Outcome> {
        let public = trip.packet.dst;
        if public.is_ipv4() && !self.is_public_somewhere(public) {
            return dropped("dst_not_routable");
        }
        match self.owner(public) {
            Owner::Missing(what) => unknown(&trip, &what),
            Owner::Locked => dropped("eip_locked"),
            Owner::Unbound => dropped("ip_unbound"),
            Owner::NoHost(vpc) if self.mode(vpc) == Mode::Private => dropped("vpc_private_mode"),
            Owner::NoHost(_) => dropped("no_such_host"),
            Owner::Nobody => match self.unlisted_owner() {
                Some(gap) => unknown(&trip, &gap),
                None => dropped("ip_unbound"),
            },
            Owner::Eni(eni, private) => self.own_address(trip, eni, private),
            Owner::Nat(nat) => self.dnat(trip, nat),
            Owner::Balancer(lb) => match lb.vpc.clone().flatten() {
                Some(vpc) if self.mode(&vpc) == Mode::Private => dropped("vpc_private_mode"),
                _ => self.balancer(trip, lb, Back::Direct),
            },
            Owner::Ipv6(eni, Some(true)) => self.ipv6(trip, eni),
            Owner::Ipv6(_, Some(false)) => dropped("ipv6_no_bandwidth"),
            Owner::Ipv6(_, None) => unknown(&trip, Listing::Ipv6Addresses.api()),
        }
    }

    /// Something of this world holds the address, or the world names it.
    pub fn is_ours(&self, public: IpAddr) -> bool {
        !matches!(self.owner(public), Owner::Nobody)
    }

    fn is_public_somewhere(&self, public: IpAddr) -> bool {
        let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
        !super::facts::is_special(public) && !super::facts::in_any(&private, public)
    }

    fn unlisted_owner(&self) -> Option<String> {
        let listings = [
            Listing::Eips,
            Listing::Instances,
            Listing::NatGateways,
            Listing::ClbInstances,
            Listing::AlbInstances,
            Listing::NlbInstances,
            Listing::Ipv6Addresses,
        ];
        listings.into_iter().find_map(|listing| self.gap(listing, None))
    }

    fn owner(&self, public: IpAddr) -> Owner<'a> {
        let t = self.facts.topology;
        let is = |a: &vpclint::topology::AddrValue| a.addr() == Some(public);
        if let Some(eip) = t.eips.iter().find(|e| e.address.as_ref().is_some_and(is)) {
            return self.bound_to(eip);
        }
        if let Some(host) = t.instances.iter().find(|i| i.public_ips.iter().flatten().any(is)) {
            return match self.facts.primary_eni(&host.meta.id) {
                Some(eni) => self.on_eni(eni, self.facts.primary_ip(eni)),
                None => Owner::Missing(format!("the ENI of {}", host.meta.id)),
            };
        }
        let text = public.to_string();
        if let Some(nat) = t.nat_gateways.iter().find(|n| self.facts.nat_eips(n).contains(&text)) {
            return Owner::Nat(nat);
        }
        let lb = t.load_balancers.iter().find(|lb| {
            let internet = lb.address_type == Some(vpclint::topology::AddressType::Internet);
            (internet && lb.address.as_ref().is_some_and(is))
                || lb.zones.iter().flatten().any(|z| z.public_ips.iter().any(is))
        });
        if let Some(lb) = lb {
            return Owner::Balancer(lb);
        }
        if public.is_ipv6()
            && let Some(eni) = t.enis.iter().find(|e| e.ipv6_ips.iter().flatten().any(is))
        {
            return Owner::Ipv6(eni, self.facts.ipv6_is_public(public));
        }
        Owner::Nobody
    }

    fn on_eni(&self, eni: &'a Eni, private: Option<IpAddr>) -> Owner<'a> {
        match private {
            Some(private) if self.is_replaced(eni, private) => match &eni.vpc {
                Some(vpc) => Owner::NoHost(vpc),
                None => Owner::Missing(format!("the VPC of {}", eni.meta.id)),
            },
            Some(private) => Owner::Eni(eni, private),
            None => Owner::Missing(format!("the private address of {}", eni.meta.id)),
        }
    }

    fn bound_to(&self, eip: &'a Eip) -> Owner<'a> {
        let t = self.facts.topology;
        let locked = eip.locks.as_ref().is_some_and(|l| !l.is_empty())
            || eip
                .meta
                .business_status
                .as_deref()
                .is_some_and(|s| !s.eq_ignore_ascii_case("Normal"));
        let target = match (&eip.target, &eip.target_id) {
            (Some(None), _) => return Owner::Unbound,
            _ if locked => return Owner::Locked,
            (Some(Some(target)), Some(Some(id))) => (target, id),
            _ => return Owner::Missing(format!("what {} is bound to", eip.meta.id)),
        };
        if eip.meta.status.as_deref().is_some_and(|s| !s.eq_ignore_ascii_case("InUse")) {
            return Owner::Unbound;
        }
        let address = eip.address.as_ref().and_then(|a| a.addr());
        let stated = eip.private_address.as_ref().and_then(|a| a.addr());
        let absent =
            |what: &Id| Owner::Missing(format!("{what}, which {} is bound to", eip.meta.id));
        match target {
            (EipTarget::Instance, id) => match self.facts.primary_eni(id) {
                Some(eni) => self.on_eni(eni, self.facts.primary_ip(eni)),
                None => absent(id),
            },
            (EipTarget::Eni, id) => match t.enis.get(id) {
                Some(eni) => match &eip.mode {
                    Some(EipMode::Binded | EipMode::MultiBinded) => self.on_eni(eni, address),
                    _ => self.on_eni(eni, stated.or_else(|| self.facts.primary_ip(eni))),
                },
                None => absent(id),
            },
            (EipTarget::HaVip, id) => match t.havips.get(id) {
                Some(havip) => match (&havip.vpc, havip.address.as_ref().and_then(|a| a.addr())) {
                    (Some(vpc), Some(ip)) => match self.place(vpc, ip) {
                        Place::Host(eni) => Owner::Eni(eni, ip),
                        Place::Missing(what) => Owner::Missing(what),
                        _ => Owner::NoHost(vpc),
                    },
                    _ => absent(id),
                },
                None => absent(id),
            },
            (EipTarget::IpAddress, id) => match (&eip.vpc, stated) {
                (Some(vpc), Some(ip)) => match self.place(vpc, ip) {
                    Place::Host(eni) => Owner::Eni(eni, ip),
                    Place::Missing(what) => Owner::Missing(what),
                    _ => Owner::NoHost(vpc),
                },
                _ => absent(id),
            },
            (EipTarget::NatGateway, id) => {
                t.nat_gateways.get(id).map_or_else(|| absent(id), Owner::Nat)
            }
            (EipTarget::LoadBalancer, id) => {
                t.load_balancers.get(id).map_or_else(|| absent(id), Owner::Balancer)
            }
            (EipTarget::Other(_), id) => absent(id),
        }
    }

    /// Rule 10.5.
    fn own_address(&self, mut trip: Trip<'a>, eni: &'a Eni, private: IpAddr) -> Vec<Outcome> {
        let (client, public) = (trip.packet.src, trip.packet.dst);
        let (Some(vpc), Some(vswitch)) = (&eni.vpc, &eni.vswitch) else {
            return unknown(&trip, "where the target is");
        };
        match self.mode(vpc) {
            Mode::Private => return dropped("vpc_private_mode"),
            Mode::Central => {
                match self.leads_to(vswitch, client, &NextHopType::Ipv4Gateway, None) {
                    Ok(true) => {}
                    Ok(false) => return dropped("vswitch_not_public"),
                    Err(what) => return unknown(&trip, &what),
                }
            }
            Mode::Direct => {}
        }
        trip.packet.dst = private;
        if let Some(outcomes) = self.gateway_table(&trip, vpc) {
            return outcomes;
        }
        let outcomes = self.host(trip, eni, Back::OwnExit(public.to_string()));
        self.by_secondary_eni(outcomes, eni, vpc)
    }

    /// A gateway route table that leads through an appliance (egress.md §5.1) is not followed.
    fn gateway_table(&self, trip: &Trip<'a>, vpc: &Id) -> Option<Vec<Outcome>> {
        let t = self.facts.topology;
        let gateway = t.ipv4_gateways.iter().find(|g| g.vpc.as_ref() == Some(vpc))?;
        let table = gateway.route_table.as_ref().filter(|_| gateway.enabled == Some(true))?;
        match self.facts.lookup(table, trip.packet.dst) {
            Lookup::Hops(hops) if hops.iter().all(|h| h.hop_type == NextHopType::Local) => None,
            _ => Some(unknown(trip, "what the gateway route table leads through")),
        }
    }

    /// egress.md §5.3: beside an Enhanced NAT gateway the reply of a secondary ENI leaves by the
    /// primary one, unless the guest routes by source.
    fn by_secondary_eni(&self, outcomes: Vec<Outcome>, eni: &Eni, vpc: &Id) -> Vec<Outcome> {
        let enhanced = self.facts.topology.nat_gateways.iter().any(|nat| {
            let generation = match &nat.nat_type {
                Some(kind) => *kind != NatType::Normal,
                None => nat.bandwidth_packages.as_ref().is_none_or(Vec::is_empty),
            };
            nat.vpc.as_ref() == Some(vpc) && nat.network != Some(NatNetwork::Intranet) && generation
        });
        let secondary = eni.eni_type == Some(EniType::Secondary);
        if !secondary || eni.policy_routing == Some(true) {
            return outcomes;
        }
        let gap = self.gap(Listing::NatGateways, None);
        if !enhanced && gap.is_none() {
            return outcomes;
        }
        outcomes
            .into_iter()
            .map(|mut outcome| {
                if outcome.branch.verdict == Fate::Delivered {
                    let reason = "asymmetric_eni_reply".to_owned();
                    if !enhanced {
                        outcome.branch.verdict = Fate::Unknown;
                        outcome.branch.reply = Reply::NoRequest;
                        outcome.missing.extend(gap.clone());
                        return outcome;
                    }
                    outcome.branch.verdict = Fate::Conditional;
                    outcome.branch.reason = Some(reason.clone());
                    if eni.policy_routing == Some(false) {
                        outcome.branch.reply = Reply::None(reason);
                    }
                }
                outcome
            })
            .collect()
    }

    fn ipv6(&self, trip: Trip<'a>, eni: &'a Eni) -> Vec<Outcome> {
        let t = self.facts.topology;
        let public = trip.packet.dst;
        let address = t
            .ipv6_addresses
            .iter()
            .find(|a| a.address.as_ref().and_then(|a| a.addr()) == Some(public));
        let outwards = t.ipv6_egress_rules.iter().any(|rule| {
            rule.address.is_some() && rule.address == address.map(|a| a.meta.id.clone())
        });
        // egress.md §4.5: outbound allowed, inbound blocked
        if outwards {
            return dropped("ipv6_egress_only");
        }
        self.host(trip, eni, Back::OwnExit(public.to_string()))
    }

    // ---- DNAT ----------------------------------------------------------------------------------

    /// Every next hop of a vSwitch towards an address is of this kind (and this one).
    fn leads_to(
        &self,
        vswitch: &Id,
        to: IpAddr,
        kind: &NextHopType,
        id: Option<&Id>,
    ) -> Result<bool, String> {
        let Some(table) = self.facts.table_of(vswitch) else {
            return Err("the route table of the vSwitch".to_owned());
        };
        match self.facts.lookup(&table, to) {
            Lookup::Missing(what) => Err(what),
            Lookup::NoRoute => Ok(false),
            Lookup::Hops(hops) => Ok(!hops.is_empty()
                && hops
                    .iter()
                    .all(|h| h.hop_type == *kind && (id.is_none() || h.id.as_ref() == id))),
        }
    }

    /// Which private address and port an entry leads to (egress.md §5.2).
    pub fn translate(
        &self,
        nat: &NatGateway,
        packet: &Packet,
    ) -> Result<Option<(IpAddr, u16)>, String> {
        let mine: Vec<_> = self
            .facts
            .dnat_of(nat)
            .into_iter()
            .filter(|e| e.external_ip.as_ref().and_then(|a| a.addr()) == Some(packet.dst))
            .collect();
        let internal = |e: &vpclint::topology::DnatEntry| {
            let ip = e.internal_ip.as_ref().and_then(|a| a.addr());
            ip.ok_or_else(|| format!("the internal address of {}", e.meta.id))
        };
        if let Some(entry) = mine.iter().find(|e| e.is_ip_mapping()) {
            return Ok(Some((internal(entry)?, packet.dport)));
        }
        for entry in mine {
            let protocol = match &entry.protocol {
                Some(NatProtocol::Any) => packet.protocol.has_ports(),
                Some(NatProtocol::Tcp) => packet.protocol == Protocol::Tcp,
                Some(NatProtocol::Udp) => packet.protocol == Protocol::Udp,
                _ => return Err(format!("the protocol of {}", entry.meta.id)),
            };
            if !protocol {
                continue;
            }
            match (&entry.external_port, &entry.internal_port) {
                (Some(NatPort::Range(first, last)), Some(NatPort::Range(to, to_last))) => {
                    if !(*first..=*last).contains(&packet.dport) {
                        continue;
                    }
                    if last - first != to_last - to {
                        return Err(format!("the ports of {}", entry.meta.id));
                    }
                    return Ok(Some((internal(entry)?, to + (packet.dport - first))));
                }
                _ => return Err(format!("the ports of {}", entry.meta.id)),
            }
        }
        let scope = Scope::around(&nat.meta).with_parent(&nat.meta.id);
        match self.facts.topology.coverage.gap(Listing::DnatEntries, &scope) {
            Some(gap) => Err(gap.to_string()),
            None => Ok(None),
        }
    }

    /// Rule 10.4.
    fn dnat(&self, mut trip: Trip<'a>, nat: &'a NatGateway) -> Vec<Outcome> {
        let Some(vpc) = &nat.vpc else { return unknown(&trip, "the VPC of the NAT gateway") };
        let (client, public) = (trip.packet.src, trip.packet.dst);
        let mode = self.mode(vpc);
        if mode == Mode::Private {
            return dropped("vpc_private_mode");
        }
        if !Facts::nat_works(nat) || !self.facts.nat_eips(nat).contains(&public.to_string()) {
            return dropped("nat_not_available");
        }
        let (ip, port) = match self.translate(nat, &trip.packet) {
            Err(what) => return unknown(&trip, &what),
            Ok(Some(to)) => to,
            Ok(None) if matches!(trip.packet.protocol, Protocol::Icmp) => {
                // egress.md §5.2: by default it answers itself
                if nat.icmp_reply == Some(false) {
                    return dropped("icmp_ignored");
                }
                let target =
                    Target { id: nat.meta.id.to_string(), ip: public, port: trip.packet.dport };
                return self.end(trip, Fate::Answered, Some(target));
            }
            Ok(None) => return dropped("no_dnat_entry"),
        };
        (trip.packet.dst, trip.packet.dport) = (ip, port);
        let place = self.place(vpc, ip);
        let vswitch = match &place {
            Place::Host(eni) => {
                match self.facts.own_public(eni, ip) {
                    Own::Missing => return unknown(&trip, Listing::Eips.api()),
                    // decisions.md 36: in a CENTRAL VPC it works
                    Own::Mapped(_) | Own::CutThrough { .. } if mode == Mode::Direct => {
                        return dropped("dnat_target_has_public_ip");
                    }
                    Own::None | Own::Mapped(_) | Own::CutThrough { .. } => {}
                }
                eni.vswitch.clone()
            }
            Place::Balancer(lb) => lb.vswitch.clone().flatten(),
            Place::Missing(what) => return unknown(&trip, what),
            Place::Endpoint(..) | Place::Nat(_) | Place::Nobody => return dropped("no_such_host"),
        };
        if trip.through.as_ref() == Some(&nat.meta.id) && Self::cannot_hairpin(nat) {
            return dropped("hairpin_multi_binded");
        }
        let Some(vswitch) = vswitch else { return unknown(&trip, "the vSwitch of the target") };
        // C9: the mapping of a Normal gateway works without a route
        let mapped = self.facts.dnat_of(nat).into_iter().any(|e| {
            e.is_ip_mapping() && e.external_ip.as_ref().and_then(|a| a.addr()) == Some(public)
        });
        let unrouted = mapped
            && mode == Mode::Direct
            && self.knobs.dnat_ip_map_bypasses_routes
            && self.facts.is_public(client, vpc)
            && Facts::is_normal(nat);
        match self.leads_to(&vswitch, client, &NextHopType::NatGateway, Some(&nat.meta.id)) {
            _ if unrouted => {}
            Ok(true) => {}
            Ok(false) => return dropped("reply_path_mismatch"),
            Err(what) => return unknown(&trip, &what),
        }
        if mode == Mode::Central {
            let own = nat.vswitch.as_ref();
            let public = own.map(|v| self.leads_to(v, client, &NextHopType::Ipv4Gateway, None));
            match public {
                Some(Ok(true)) => {}
                Some(Ok(false)) => return dropped("nat_vswitch_not_public"),
                Some(Err(what)) => return unknown(&trip, &what),
                None => return unknown(&trip, "the vSwitch of the NAT gateway"),
            }
        }
        match place {
            Place::Host(eni) => self.host(trip, eni, Back::Direct),
            Place::Balancer(lb) => self.balancer(trip, lb, Back::Direct),
            _ => dropped("no_such_host"),
        }
    }
}
