//! Load balancers: listener, access list, backends (access.md §1.6, §1.7, §3).

use std::net::IpAddr;

use vpclint::addr::Cidr;
use vpclint::topology::{
    AclType, AddrValue, Backend, BackendType, BalancerZone, Direction, Eni, Id, Listener,
    ListenerProtocol, Listing, LoadBalancer, LoadBalancerType, ServerGroup,
};

use super::arrive::Place;
use super::filters::{Filter, Managed, Member, Peer};
use super::flow::{
    BackendSg, Fate, Flow, Gate, Outcome, PlSource, Protocol, Site, Target, Trip, dropped, unknown,
};
use super::reply::Back;

/// Addresses that a load balancer may send from, each with the border it sends over.
pub struct Sources {
    pub all: Vec<(IpAddr, Option<Gate>)>,
    /// Its addresses are not in the input; these are those of its vSwitches.
    guessed: bool,
}

/// What a filter says about each of several addresses.
enum Verdict {
    Pass,
    Deny(&'static str),
    Varies(&'static str),
    Unknown(String),
}

pub fn shared_range() -> Cidr {
    "100.64.0.0/10".parse().unwrap()
}

fn is(stated: Option<&str>, words: &[&str]) -> bool {
    stated.is_none_or(|s| words.iter().any(|w| s.eq_ignore_ascii_case(w)))
}

fn is_clb(lb: &LoadBalancer) -> bool {
    matches!(lb.lb_type, None | Some(LoadBalancerType::Clb))
}

fn listeners_of(lb: &LoadBalancer) -> Listing {
    match lb.lb_type {
        Some(LoadBalancerType::Alb) => Listing::AlbListeners,
        Some(LoadBalancerType::Nlb) => Listing::NlbListeners,
        _ => Listing::ClbListeners,
    }
}

fn is_l7(listener: &Listener) -> bool {
    let l7 = [ListenerProtocol::Http, ListenerProtocol::Https, ListenerProtocol::Quic];
    listener.protocol.as_ref().is_some_and(|p| l7.contains(p))
}

impl<'a> Flow<'a> {
    /// A zone of an ALB or NLB as a member of groups, for rules of others about it.
    pub fn balancer_member(&self, lb: &LoadBalancer) -> Member {
        let zones = lb.zones.iter().flatten();
        let addresses = zones.flat_map(|z| z.private_ips.iter().chain(&z.local_ips));
        Member {
            vpc: lb.vpc.clone().flatten(),
            addresses: addresses.filter_map(AddrValue::addr).collect(),
            blocks: Vec::new(),
            groups: Ok(lb.security_groups.clone().unwrap_or_default()),
        }
    }

    fn zones_hit(lb: &LoadBalancer, dst: Option<IpAddr>) -> Vec<&BalancerZone> {
        let hit = |z: &&BalancerZone| {
            z.private_ips.iter().chain(&z.public_ips).any(|a| a.addr() == dst && dst.is_some())
        };
        let zones: Vec<&BalancerZone> = lb.zones.iter().flatten().filter(hit).collect();
        if zones.is_empty() { lb.zones.iter().flatten().collect() } else { zones }
    }

    /// A packet for the address of a load balancer. The address of a CLB is no ENI: no ACL sees it,
    /// except that of the sender's vSwitch (access.md §2.2). ALB and NLB have ENIs.
    pub fn balancer(&self, mut trip: Trip<'a>, lb: &'a LoadBalancer, back: Back) -> Vec<Outcome> {
        let dst = trip.packet.dst;
        let zone = Self::zones_hit(lb, Some(dst)).first().copied();
        let vswitch = match zone {
            Some(zone) if !is_clb(lb) => zone.vswitch.clone(),
            _ => lb.vswitch.clone().flatten(),
        };
        let gate = Self::gate_of(vswitch.as_ref(), is_clb(lb));
        if let Err(reason) = self.cross(&mut trip, gate.as_ref()) {
            return dropped(reason);
        }
        let site =
            Site { vpc: lb.vpc.clone().flatten(), vswitch, gate: gate.clone(), ..Site::default() };
        trip.close_leg(site, back);
        let client = trip.packet.src;
        self.serve(trip, lb, &[client], false, None)
    }

    /// The load balancer takes the packet. `clients` is who it seems to come from: the sender, or
    /// behind PrivateLink any of several addresses (access.md §4.6, step 5).
    pub fn serve(
        &self,
        mut trip: Trip<'a>,
        lb: &'a LoadBalancer,
        clients: &[IpAddr],
        private_link: bool,
        zone: Option<&str>,
    ) -> Vec<Outcome> {
        let mut varies = None;
        if !is(lb.meta.status.as_deref(), &["active"]) {
            return dropped("lb_inactive");
        }
        if !is_clb(lb) {
            match self.own_groups(lb, &trip, clients) {
                Verdict::Deny(reason) => return dropped(reason),
                Verdict::Unknown(what) => {
                    trip.doubts.insert(what);
                }
                Verdict::Varies(reason) => varies = Some(reason),
                Verdict::Pass => {}
            }
        }
        let listener = match self.listener(lb, &trip, private_link) {
            Err(what) => return unknown(&trip, &what),
            Ok(None) if private_link && !trip.packet.protocol.has_ports() => {
                return dropped("endpoint_protocol");
            }
            Ok(None) => return dropped("no_listener"),
            Ok(Some(listener)) => listener,
        };
        match self.access_list(listener, clients) {
            Verdict::Deny(reason) => return dropped(reason),
            Verdict::Unknown(what) => {
                trip.doubts.insert(what);
            }
            Verdict::Varies(reason) => varies = varies.or(Some(reason)),
            Verdict::Pass => {}
        }
        let outcomes = self.answer(trip, lb, listener, private_link, zone);
        match varies {
            Some(reason) => vary(outcomes, reason),
            None => outcomes,
        }
    }

    fn answer(
        &self,
        trip: Trip<'a>,
        lb: &'a LoadBalancer,
        listener: &'a Listener,
        private_link: bool,
        zone: Option<&str>,
    ) -> Vec<Outcome> {
        if listener.redirect_to.is_some() {
            let target =
                Target { id: lb.meta.id.to_string(), ip: trip.packet.dst, port: trip.packet.dport };
            return self.end(trip, Fate::Answered, Some(target));
        }
        self.groups_of(&trip, lb, listener)
            .into_iter()
            .flat_map(|(backends, group)| match backends {
                Err(what) => unknown(&trip, &what),
                Ok(backends) => {
                    self.to_backends(&trip, lb, listener, &backends, group, private_link, zone)
                }
            })
            .collect()
    }

    /// The same for ALB and NLB as for an ENI, with the managed rules in the pool (access.md §1.7).
    fn own_groups(&self, lb: &LoadBalancer, trip: &Trip<'a>, clients: &[IpAddr]) -> Verdict {
        let own = self.balancer_member(lb);
        let verdicts = clients.iter().map(|client| {
            let mut packet = trip.packet;
            packet.src = *client;
            let peer = trip.origin.clone().into();
            let managed = Managed::Balancer { from_itself: own.addresses.contains(client) };
            self.security_groups(&Direction::Ingress, &own, &packet, &peer, &managed)
        });
        together(verdicts.map(|v| (v, "sg_ingress_denied")))
    }

    fn listener(
        &self,
        lb: &LoadBalancer,
        trip: &Trip<'a>,
        private_link: bool,
    ) -> Result<Option<&'a Listener>, String> {
        let packet = trip.packet;
        let found = self.facts.topology.listeners.iter().find(|l| {
            let udp = matches!(l.protocol, Some(ListenerProtocol::Udp | ListenerProtocol::Quic));
            let class = match packet.protocol {
                Protocol::Tcp => !udp,
                Protocol::Udp => udp,
                _ => false,
            };
            let first = l.port.unwrap_or(0);
            l.load_balancer.as_ref() == Some(&lb.meta.id)
                && class
                && (first..=l.end_port.unwrap_or(first)).contains(&packet.dport)
        });
        let gap = self.gap(listeners_of(lb), None);
        let Some(listener) = found else {
            return match gap {
                Some(gap) if packet.protocol.has_ports() => Err(gap),
                _ => Ok(None),
            };
        };
        let runs = is(listener.meta.status.as_deref(), &["running", "active"]);
        // access.md §4.4
        let hidden = private_link && listener.protocol == Some(ListenerProtocol::TcpSsl);
        Ok((runs && !hidden).then_some(listener))
    }

    /// access.md §3.3.
    fn access_list(&self, listener: &Listener, clients: &[IpAddr]) -> Verdict {
        if listener.acl_enabled != Some(true) {
            let lists = listener.access_lists.as_ref().is_some_and(|l| !l.is_empty());
            return if listener.acl_enabled.is_none() && lists {
                Verdict::Unknown(format!("AclStatus of {}", listener.meta.id))
            } else {
                Verdict::Pass
            };
        }
        let white = match &listener.acl_type {
            Some(AclType::White) => true,
            Some(AclType::Black) => false,
            _ => return Verdict::Unknown(format!("AclType of {}", listener.meta.id)),
        };
        let mut blocks: Vec<Cidr> = Vec::new();
        for id in listener.access_lists.iter().flatten() {
            let list = self.facts.topology.access_lists.get(id);
            let entries = list.and_then(|l| l.entries.as_ref());
            let Some(entries) = entries else {
                return Verdict::Unknown(format!("the entries of {id}"));
            };
            let Some(known) = entries.iter().map(|e| e.cidr()).collect::<Option<Vec<Cidr>>>()
            else {
                return Verdict::Unknown(format!("the entries of {id}"));
            };
            blocks.extend(known);
        }
        if blocks.is_empty() {
            return if white && !self.knobs.empty_white_acl_forwards {
                Verdict::Deny("listener_acl_denied")
            } else {
                Verdict::Pass
            };
        }
        together(clients.iter().map(|client| {
            let hit = blocks.iter().any(|block| block.contains(*client));
            let verdict = if hit == white { Filter::Allow } else { Filter::Deny };
            (verdict, "listener_acl_denied")
        }))
    }

    /// Every set of backends that the listener may choose from: one for L4; for L7 also those of the
    /// forwarding rules, because nobody says which host and path is asked for.
    #[allow(clippy::type_complexity, reason = "read once, below")]
    fn groups_of(
        &self,
        trip: &Trip<'a>,
        lb: &'a LoadBalancer,
        listener: &'a Listener,
    ) -> Vec<(Result<Vec<&'a Backend>, String>, Option<&'a ServerGroup>)> {
        let t = self.facts.topology;
        let mut ids: Vec<&'a Id> = listener.server_groups.iter().flatten().collect();
        let default = ids.is_empty() && is_clb(lb);
        let mut out = Vec::new();
        if default {
            let known = lb.default_backends.as_ref();
            let known = known.ok_or_else(|| format!("the default server group of {}", lb.meta.id));
            out.push((known.map(|all| all.iter().collect()), None));
        } else if ids.is_empty() {
            out.push((Ok(Vec::new()), None));
        }
        if is_l7(listener) {
            for rule in &t.forwarding_rules {
                let by_port = rule.listener.is_none()
                    && rule.load_balancer.as_ref() == Some(&lb.meta.id)
                    && rule.listener_port == Some(trip.packet.dport);
                if rule.listener.as_ref() == Some(&listener.meta.id) || by_port {
                    ids.extend(rule.server_groups.iter().flatten());
                }
            }
        }
        for id in ids {
            let group = t.server_groups.get(id);
            let backends = group.and_then(|g| g.backends.as_ref());
            let backends = backends.ok_or_else(|| format!("the servers of {id}"));
            out.push((backends.map(|all| all.iter().collect()), group));
        }
        out
    }

    /// Eligible servers (access.md §3.2), each a branch.
    #[allow(clippy::too_many_arguments, reason = "what a listener knows")]
    fn to_backends(
        &self,
        trip: &Trip<'a>,
        lb: &'a LoadBalancer,
        listener: &'a Listener,
        backends: &[&'a Backend],
        group: Option<&'a ServerGroup>,
        private_link: bool,
        zone: Option<&str>,
    ) -> Vec<Outcome> {
        let eligible = self.eligible(listener, backends, group);
        if eligible.is_empty() {
            return dropped("no_backend");
        }
        let preserve = group.and_then(|g| g.preserve_client_ip).unwrap_or(true);
        let sources = match self.sources(trip, lb, listener, preserve, private_link, zone) {
            Ok(sources) => sources,
            Err(what) => return unknown(trip, &what),
        };
        let any_port = group.and_then(|g| g.any_port) == Some(true);
        eligible
            .into_iter()
            .flat_map(|backend| {
                let port = if any_port { Some(trip.packet.dport) } else { backend.port };
                let Some(port) = port.or(listener.backend_port) else {
                    return unknown(trip, &format!("the backend port of {}", listener.meta.id));
                };
                let (eni, ip) = match self.server(lb, group, backend) {
                    Ok(found) => found,
                    Err(Some(what)) => return unknown(trip, &what),
                    Err(None) => return dropped("no_such_host"),
                };
                let own = !private_link && is_clb(lb) && !is_l7(listener);
                if own
                    && trip.legs.first().and_then(|l| l.start.eni).map(|e| &e.meta.id)
                        == Some(&eni.meta.id)
                {
                    return dropped("clb_hairpin");
                }
                let mut trip = trip.clone();
                (trip.packet.dst, trip.packet.dport) = (ip, port);
                self.to_backend(trip, lb, is_l7(listener) || private_link, eni, &sources)
            })
            .collect()
    }

    fn eligible(
        &self,
        listener: &Listener,
        backends: &[&'a Backend],
        group: Option<&ServerGroup>,
    ) -> Vec<&'a Backend> {
        // "unavailable" says that nothing is checked
        let healthy = |b: &&Backend| {
            !listener.health.iter().flatten().any(|h| {
                Some(&h.server) == b.server.as_ref()
                    && (h.port.is_none() || b.port.is_none() || h.port == b.port)
                    && h.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("abnormal"))
            })
        };
        let role = |b: &&Backend, role: &str| {
            b.role.as_deref().is_some_and(|r| r.eq_ignore_ascii_case(role))
        };
        let kind = group.and_then(|g| g.group_type.as_deref());
        if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("MasterSlave")) {
            let master: Vec<&Backend> =
                backends.iter().copied().filter(|b| role(b, "Master") && healthy(b)).collect();
            if !master.is_empty() {
                return master;
            }
            return backends.iter().copied().filter(|b| role(b, "Slave")).collect();
        }
        let weighted = |b: &&Backend| b.weight != Some(0);
        let all: Vec<&Backend> = backends.iter().copied().filter(weighted).collect();
        let up: Vec<&Backend> = all.iter().copied().filter(healthy).collect();
        // knob `all_unhealthy`
        if up.is_empty() && self.knobs.all_unhealthy_forwards { all } else { up }
    }

    /// The ENI and address of a server; `Err(None)` when it is gone.
    fn server(
        &self,
        lb: &LoadBalancer,
        group: Option<&ServerGroup>,
        backend: &Backend,
    ) -> Result<(&'a Eni, IpAddr), Option<String>> {
        let t = self.facts.topology;
        let stated = backend.address.as_ref().and_then(|a| a.addr());
        if backend.backend_type == Some(BackendType::Ip) || backend.server.is_none() {
            let vpc = group.and_then(|g| g.vpc.clone()).or_else(|| lb.vpc.clone().flatten());
            let (Some(vpc), Some(ip)) = (vpc, stated) else {
                return Err(Some("the address of a backend".to_owned()));
            };
            return match self.place(&vpc, ip) {
                Place::Host(eni) => Ok((eni, ip)),
                // it may be beyond a gateway (access.md §3.4)
                _ => Err(Some(format!("the backend {ip}"))),
            };
        }
        let id = backend.server.as_ref().ok_or(None)?;
        let eni = t.enis.get(id).or_else(|| self.facts.primary_eni(id));
        let Some(eni) = eni else {
            let gap = self.gap(Listing::Enis, None).or_else(|| self.gap(Listing::Instances, None));
            return Err(gap);
        };
        let ip = stated.or_else(|| self.facts.primary_ip(eni));
        if ip.is_some_and(|ip| self.is_replaced(eni, ip)) {
            return Err(None);
        }
        ip.map(|ip| (eni, ip)).ok_or_else(|| Some(format!("the address of {id}")))
    }

    /// What backends see as the source (access.md §1.6).
    fn sources(
        &self,
        trip: &Trip<'a>,
        lb: &LoadBalancer,
        listener: &Listener,
        preserve: bool,
        private_link: bool,
        zone: Option<&str>,
    ) -> Result<Sources, String> {
        let client = trip.packet.src;
        if is_clb(lb) {
            let all = if is_l7(listener) || private_link {
                if private_link && self.knobs.pl_clb_source == PlSource::Unknown {
                    return Err("the source that a CLB behind PrivateLink shows".to_owned());
                }
                self.samples(&[shared_range()])
            } else {
                vec![client]
            };
            let all = all.into_iter().map(|ip| (ip, None)).collect();
            return Ok(Sources { all, guessed: false });
        }
        let nlb = lb.lb_type == Some(LoadBalancerType::Nlb);
        let tls = listener.protocol == Some(ListenerProtocol::TcpSsl);
        let shown = nlb && preserve && !private_link && !tls;
        let dst = trip.legs.last().map(|leg| leg.packet.dst).filter(|_| !private_link);
        let mut zones = Self::zones_hit(lb, dst);
        if let Some(zone) = zone
            && zones.iter().any(|z| *z.zone == *zone)
        {
            zones.retain(|z| *z.zone == *zone);
        }
        if zones.is_empty() {
            return Err(format!("the zones of {}", lb.meta.id));
        }
        let mut sources = Sources { all: Vec::new(), guessed: false };
        for zone in zones {
            let gate = Self::gate_of(zone.vswitch.as_ref(), false);
            let mut ips: Vec<IpAddr> = zone.local_ips.iter().filter_map(AddrValue::addr).collect();
            if shown {
                ips = vec![client];
            } else if ips.is_empty() {
                let home = zone.vswitch.as_ref().and_then(|v| self.facts.topology.vswitches.get(v));
                let Some(block) = home.and_then(|v| v.cidr.as_ref()?.cidr()) else {
                    return Err(format!("the addresses of {}", lb.meta.id));
                };
                ips = self.samples(&[block]);
                sources.guessed = true;
            }
            sources.all.extend(ips.into_iter().map(|ip| (ip, gate.clone())));
        }
        Ok(sources)
    }

    /// ACL and groups of the backend, for each address that the packet may come from. It comes from
    /// no ENI of the backend's vSwitch when a CLB sends it, so its ACL is always asked (§2.2).
    fn to_backend(
        &self,
        mut trip: Trip<'a>,
        lb: &LoadBalancer,
        hidden: bool,
        eni: &'a Eni,
        sources: &Sources,
    ) -> Vec<Outcome> {
        let gate = self.gate(eni);
        let own = self.member(eni);
        let mut verdicts = Vec::new();
        for (ip, from) in &sources.all {
            let mut probe = Trip::new(trip.packet, Site::default());
            probe.packet.src = *ip;
            probe.departure.clone_from(from);
            if let Err(reason) = self.cross(&mut probe, gate.as_ref()) {
                verdicts.push((Filter::Deny, reason));
                continue;
            }
            let clb = is_clb(lb);
            let bypass = clb && (hidden || self.knobs.lb_l4_backend_sg == BackendSg::Bypass);
            let peer: Peer = trip.origin.clone().filter(|_| trip.packet.src == *ip).into();
            let peer = match peer {
                // an ALB or NLB under its own address is a member of its groups
                Peer::Nobody if !clb => Peer::Member(self.balancer_member(lb)),
                other => other,
            };
            let filter = if bypass {
                Filter::Allow
            } else {
                self.security_groups(&Direction::Ingress, &own, &probe.packet, &peer, &Managed::No)
            };
            let filter = match (filter, probe.doubts.first()) {
                (Filter::Allow, Some(what)) => Filter::Unknown(what.clone()),
                (filter, _) => filter,
            };
            verdicts.push((filter, "sg_ingress_denied"));
        }
        let together = together(verdicts.into_iter());
        trip.packet.src = sources.all[0].0;
        trip.start = Site::default();
        trip.close_leg(self.site(eni), Back::Balancer(sources.all.clone()));
        let target =
            Target { id: eni.meta.id.to_string(), ip: trip.packet.dst, port: trip.packet.dport };
        match together {
            Verdict::Deny(reason) => dropped(reason),
            Verdict::Unknown(what) => unknown(&trip, &what),
            Verdict::Varies(_) if sources.guessed => {
                unknown(&trip, &format!("the addresses of {}", lb.meta.id))
            }
            Verdict::Pass => self.end(trip, Fate::Delivered, Some(target)),
            Verdict::Varies(reason) => vary(self.end(trip, Fate::Delivered, Some(target)), reason),
        }
    }
}

/// Some addresses of the load balancer get through: conditional, and partial as a connection.
fn vary(outcomes: Vec<Outcome>, reason: &str) -> Vec<Outcome> {
    let change = |mut outcome: Outcome| {
        if matches!(outcome.branch.verdict, Fate::Delivered | Fate::Answered) {
            outcome.branch.verdict = Fate::Conditional;
            outcome.branch.reason = Some(reason.to_owned());
            outcome.varies = true;
        }
        outcome
    };
    outcomes.into_iter().map(change).collect()
}

/// All of them pass, none does, or some do.
fn together(verdicts: impl Iterator<Item = (Filter, &'static str)>) -> Verdict {
    let (mut passes, mut denied) = (false, None);
    for (verdict, reason) in verdicts {
        match verdict {
            Filter::Allow => passes = true,
            Filter::Deny => denied = denied.or(Some(reason)),
            Filter::Unknown(what) => return Verdict::Unknown(what),
        }
    }
    match (passes, denied) {
        (_, None) => Verdict::Pass,
        (false, Some(reason)) => Verdict::Deny(reason),
        (true, Some(reason)) => Verdict::Varies(reason),
    }
}
