//! What NAT gateways let in: DNAT from the Internet and through VPC NAT gateways, hairpins
//! (egress.md §5.2, §5.4, §10 10.4).

use std::net::IpAddr;
use std::sync::Arc;

use super::super::assume::{DnatBypass, InternetMode, NaclOnNatVswitch};
use super::super::identity::{OwnPublic, nat_type, shared};
use super::super::nat as facts;
use super::super::pipeline::{
    Back, Branch, ElementId, End, Op, Pass, Resume, Stage, StageId, Turn,
};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table};
use super::Compiler;
use super::filter::{Filters, Groups, Next};
use crate::addr::{AddrSet, Cidr, Family};
use crate::packet::{Protocol, ServiceRange, ServiceSet};
use crate::topology::{
    AddrValue, Direction, DnatEntry, EipBindMode, Eni, EniType, Id, Listing, NatEipUse, NatGateway,
    NatPort, NatProtocol, NatType, PrivateIp, Resource, Scope, Text,
};

const STAGE: &str = "dnat";

impl<'t> Compiler<'t> {
    /// From a public address of an Internet NAT gateway to whatever its DNAT entries lead to.
    pub(super) fn enter_nat(&mut self, nat: &'t NatGateway, address: IpAddr) -> Branch {
        let at = self.named(nat);
        let space = nat.vpc.as_ref().and_then(|vpc| self.spaces.get(vpc)).cloned();
        let Some(space) = space else {
            let missing = format!("VPC of NAT gateway {} (not in the input)", nat.id());
            return self.cannot_tell("nat", at, missing);
        };
        let next = self.enter_dnat(nat, address);
        let next = if facts::works(nat) {
            next
        } else {
            self.barrier("nat", at, Reason::NatNotAvailable, next)
        };
        let next = match (space.mode, &nat.vpc) {
            (InternetMode::Private, Some(vpc)) => {
                let network = self.network(vpc);
                self.barrier("gateway", network, Reason::VpcPrivateMode, next)
            }
            _ => next,
        };
        let unstated = nat
            .network
            .is_none()
            .then(|| Text::from(format!("nat_network = internet ({}, not stated)", nat.id())));
        let assumed = space.mode_assumption.into_iter().chain(unstated).chain(self.trusted());
        next.after_all(assumed.map(Op::Assume))
    }

    /// Every address of a VPC NAT gateway is a host of its VPC (egress.md §4.5).
    pub(super) fn add_nat_hosts(&mut self) {
        let topology = self.topology;
        for nat in topology.nat_gateways.iter().filter(|nat| facts::is_vpc_nat(nat)) {
            let Some(vpc) = &nat.vpc else { continue };
            let listed = topology
                .nat_ips
                .iter()
                .filter(|ip| ip.nat_gateway.as_ref() == Some(nat.id()))
                .filter_map(|ip| ip.address.as_ref());
            let snat = facts::snat_entries(topology, nat)
                .flat_map(|entry| entry.snat_ips.iter().flatten());
            let dnat = facts::dnat_entries(topology, nat);
            let dnat = dnat.iter().filter_map(|entry| entry.external_ip.as_ref());
            let mut addresses: Vec<&AddrValue> = listed.chain(snat).chain(dnat).collect();
            addresses.sort();
            addresses.dedup();
            let element = self.named(nat);
            for address in addresses {
                let Some(number) = address.addr() else { continue };
                let next = self.enter_dnat(nat, number);
                let inbound = if facts::works(nat) {
                    next
                } else {
                    self.barrier("nat", element, Reason::NatNotAvailable, next)
                };
                self.add_host(vpc, nat.vswitch.as_ref(), address, element, inbound, None);
            }
            let scope = Scope::around(&nat.meta).with_parent(nat.id());
            if let Some(gap) = topology.coverage.gap(Listing::NatIps, &scope) {
                let network = self.network(vpc);
                self.hosts.incomplete(network, Text::from(gap.to_string()));
            }
        }
    }

    /// The DNAT table of one address of a gateway.
    fn enter_dnat(&mut self, nat: &'t NatGateway, address: IpAddr) -> Branch {
        let at = self.named(nat);
        let table = self.dnat_table(nat, address);
        let stage = self.place(Stage::new(STAGE, at, table));
        self.nat_border(nat, Direction::Ingress, stage).after(Op::Via(at))
    }

    fn dnat_table(&mut self, nat: &'t NatGateway, address: IpAddr) -> Table {
        let at = self.named(nat);
        let topology = self.topology;
        // a masked external address may be any address of the gateway
        let may_own = |value: &AddrValue| value.addr().is_none_or(|ip| ip == address);
        let entries: Vec<&DnatEntry> = facts::dnat_entries(topology, nat)
            .into_iter()
            .filter(|entry| entry.external_ip.as_ref().is_none_or(may_own))
            .collect();
        let mut rules: Vec<Rule> = entries.iter().map(|entry| self.dnat_rule(nat, entry)).collect();
        rules.extend(self.full_nat_rules(nat, address, at));
        let gap = self.dnat_gap(nat, address);
        // an address with port entries has no IP mapping (egress.md §5.2)
        let ports_only = entries.iter().any(|e| {
            e.external_ip.as_ref().and_then(AddrValue::addr) == Some(address) && !e.is_ip_mapping()
        });
        if gap.is_none() || ports_only {
            rules.push(answers_icmp(nat, at));
        }
        let default = match gap {
            Some(gap) => Branch::unknown(gap),
            None => Branch::drop(Reason::NoDnatEntry, at).after(Op::Via(at)),
        };
        Table { rules, default }
    }

    /// What is missing to know all entries of an address. The gateway's own list of EIPs can prove
    /// that no DNAT entry uses it.
    fn dnat_gap(&self, nat: &NatGateway, address: IpAddr) -> Option<Text> {
        let scope = Scope::around(&nat.meta).with_parent(nat.id());
        let mut listings = vec![Listing::DnatEntries];
        if facts::is_vpc_nat(nat) {
            listings.push(Listing::FullNatEntries);
        }
        let unused = nat.eips.iter().flatten().any(|eip| {
            eip.address.addr() == Some(address)
                && matches!(eip.used_by, Some(NatEipUse::Snat | NatEipUse::Idle))
        });
        let mut gaps = listings.into_iter().filter_map(|l| self.topology.coverage.gap(l, &scope));
        gaps.next().filter(|_| !unused).map(|gap| Text::from(gap.to_string()))
    }

    fn dnat_rule(&mut self, nat: &'t NatGateway, entry: &DnatEntry) -> Rule {
        let element = self.element(entry, entry_text(entry));
        let mut doubts = Vec::new();
        let masked = entry.external_ip.as_ref().and_then(AddrValue::addr).is_none();
        if masked {
            doubts.push("external address (masked or not stated)".to_owned());
        }
        let services = match services(entry) {
            Ok(services) => services,
            Err(missing) => {
                doubts.push(missing);
                ServiceSet::all()
            }
        };
        let internal = entry.internal_ip.as_ref().and_then(AddrValue::addr);
        let then = match (internal, shift(entry)) {
            (None, _) => Branch::unknown(format!(
                "internal address of {} (masked or not stated)",
                entry.id()
            )),
            (_, Err(missing)) => Branch::unknown(missing),
            (Some(internal), Ok(shift)) => {
                self.translated_inwards(nat, entry, element, internal, shift)
            }
        };
        let matches = if services.is_all() { Match::default() } else { Match::services(services) };
        let doubt = (!doubts.is_empty())
            .then(|| Text::from(format!("{} of {}", doubts.join(", "), entry.id())));
        Rule { matches, element, then, doubt }
    }

    /// The translation of an entry and what lies behind it.
    fn translated_inwards(
        &mut self,
        nat: &'t NatGateway,
        entry: &DnatEntry,
        element: ElementId,
        internal: IpAddr,
        shift: Option<Op>,
    ) -> Branch {
        let at = self.named(nat);
        let Some(vpc) = &nat.vpc else {
            return Branch::unknown(format!("VPC of {} (not stated)", nat.id()));
        };
        let mut ops = vec![Op::Via(at), Op::Via(element)];
        if facts::is_vpc_nat(nat) {
            // the source stays the host that it was; the gateway sends by its own vSwitch's table
            let sender = nat.vswitch.as_ref().map(|vswitch| self.segment(vswitch));
            ops.extend([self.nat_turn(nat), Op::Destination(internal)]);
            ops.extend(shift);
            ops.push(Op::Sender(sender));
            return self.out_of_vpc_nat(nat).after_all(ops);
        }
        let bypass = self.answers_by_mapping(nat, entry);
        let back = if bypass.is_some() { Back::Exit } else { Back::Routed };
        let turn = Turn::new(at, back, Resume::Outside);
        ops.extend([Op::Turn(Arc::new(turn)), Op::Destination(internal)]);
        ops.extend(shift);
        // the client's address is kept (egress.md §5.2)
        ops.extend([Op::Home(None), Op::Sender(None)]);
        ops.extend(bypass.into_iter().flatten().map(Op::Assume));
        ops.extend(self.note_on_target(vpc, internal));
        self.before_target(nat, vpc, internal).after_all(ops)
    }

    /// The routes of a VPC NAT gateway's own vSwitch.
    pub(super) fn out_of_vpc_nat(&mut self, nat: &NatGateway) -> Branch {
        match (&nat.vpc, &nat.vswitch) {
            (Some(vpc), Some(vswitch)) => {
                let routes = self.routes_of_vswitch(vpc, vswitch);
                match routes.end {
                    End::Go(stage) if routes.ops.is_empty() => {
                        self.nat_border(nat, Direction::Egress, stage)
                    }
                    _ => routes,
                }
            }
            _ => Branch::unknown(format!("vSwitch of {} (not stated)", nat.id())),
        }
    }

    /// IP mapping on a Normal gateway of a DIRECT VPC: the target answers through it whatever its
    /// routes say (egress.md §8 C9, decisions.md 31). Yields the assumptions.
    fn answers_by_mapping(&self, nat: &NatGateway, entry: &DnatEntry) -> Option<Vec<Text>> {
        let (kind, assumed) = nat_type(nat);
        let direct =
            nat.vpc.as_ref().and_then(|vpc| self.spaces.get(vpc))?.mode == InternetMode::Direct;
        let bypasses = self.assume.dnat_ip_map_bypasses_routes == DnatBypass::NormalOnly
            && kind == NatType::Normal
            && entry.is_ip_mapping()
            && direct;
        let id = nat.id();
        bypasses.then(|| {
            let mut out =
                vec![Text::from(format!("dnat_ip_map_bypasses_routes = normal_only ({id})"))];
            if assumed {
                out.push(Text::from(format!("nat_type = Normal ({id}, not stated)")));
            }
            out
        })
    }

    /// What stands between the translation and the target, in the order of egress.md §10 10.4.
    fn before_target(&mut self, nat: &'t NatGateway, vpc: &Id, internal: IpAddr) -> Branch {
        let at = self.named(nat);
        let network = self.network(vpc);
        let segment = self.vswitch_around(vpc, internal).map_or(network, |id| self.segment(id));
        let arrive = Branch::new(End::Arrive { segment, network });
        let next = if self.assume.nacl_on_nat_vswitch == NaclOnNatVswitch::Apply {
            let stage = self.place(Stage::new("nat", at, Table::constant(arrive)));
            self.nat_border(nat, Direction::Egress, stage)
        } else {
            arrive
        };
        let mode = self.spaces.get(vpc).map(|space| space.mode);
        let central = mode == Some(InternetMode::Central);
        let next = if central {
            self.public_vswitch(vpc, nat.vswitch.as_ref(), Reason::NatVswitchNotPublic, next)
        } else {
            next
        };
        let next = self.nat_hairpin(nat, next);
        let (target, own) = self.own_of_target(vpc, internal);
        match (own, central) {
            (OwnPublic::None, _) => next,
            // in CENTRAL the routes decide, so the target answers through the gateway
            // (decisions.md 36)
            (OwnPublic::Held(held), true) => {
                let note = format!("the target has the public address {} of its own", held.address);
                next.after(Op::Note(Text::from(note)))
            }
            (OwnPublic::Unknown(_), true) => next,
            (OwnPublic::Held(_), false) => {
                let target = target.unwrap_or(at);
                self.barrier(STAGE, target, Reason::DnatTargetHasPublicIp, next)
            }
            (OwnPublic::Unknown(missing), false) => {
                let unknown = Branch::new(End::Unknown(shared(missing)));
                let table = Table::constant(unknown);
                let stage =
                    Stage::filter(STAGE, target.unwrap_or(at), table, Pass::stateless(next));
                Branch::go(self.place(stage))
            }
        }
    }

    /// A packet that the gateway itself has sent comes back to it (egress.md §5.4).
    fn nat_hairpin(&mut self, nat: &'t NatGateway, next: Branch) -> Branch {
        let at = self.named(nat);
        let (kind, assumed) = nat_type(nat);
        let doubt = match (&nat.eip_bind_mode, kind) {
            (_, NatType::Normal) | (Some(EipBindMode::Nat), _) => return next,
            (Some(EipBindMode::MultiBinded), _) => None,
            (Some(EipBindMode::Other(word)), _) => Some(format!("`{word}`, not understood")),
            // API and console differ in their defaults (egress.md §4.4)
            (None, _) => Some("not stated".to_owned()),
        };
        let own: Vec<Cidr> = facts::eips(self.topology, &self.bindings, nat)
            .addresses
            .iter()
            .filter_map(AddrValue::addr)
            .filter(|address| Family::of(*address) == Family::V4)
            .map(Cidr::host)
            .collect();
        if own.is_empty() {
            return next;
        }
        let id = nat.id();
        let assumed = assumed
            .then(|| Op::Assume(Text::from(format!("nat_type = Enhanced ({id}, not stated)"))));
        let then = Branch::drop(Reason::HairpinMultiBinded, at).after(Op::Via(at));
        let rule = Rule {
            matches: Match::from(AddrSet::from_cidrs(Family::V4, &own)),
            element: at,
            then: then.after_all(assumed),
            doubt: doubt.map(|why| Text::from(format!("EipBindMode of {id} ({why})"))),
        };
        let table = Table { rules: vec![rule], default: next.clone() };
        let stage = Stage::filter("nat", at, table, Pass::stateless(next));
        Branch::go(self.place(stage))
    }

    /// The public address that a target holds by itself, and who the target is.
    fn own_of_target(&mut self, vpc: &Id, internal: IpAddr) -> (Option<ElementId>, OwnPublic) {
        let topology = self.topology;
        let is_target = |value: &AddrValue| value.addr() == Some(internal);
        let havip = topology.havips.iter().find(|havip| {
            havip.vpc.as_ref() == Some(vpc) && havip.address.as_ref().is_some_and(is_target)
        });
        if let Some(havip) = havip {
            return (Some(self.named(havip)), self.bindings.of_havip(havip));
        }
        let holders: Vec<&'t Eni> =
            self.enis_with(internal).filter(|eni| eni.vpc.as_ref() == Some(vpc)).collect();
        for eni in holders {
            let ips = eni.private_ips.as_deref().unwrap_or_default();
            let found = ips.iter().enumerate().find(|(_, ip)| is_target(&ip.address));
            if let Some((n, ip)) = found {
                if eni.service_managed == Some(true) {
                    return (None, OwnPublic::None);
                }
                let primary = ip.primary.unwrap_or(n == 0);
                let own = self.bindings.of_private_ip(eni, self.owner(eni), ip, primary);
                return (Some(self.named(eni)), own);
            }
        }
        let instance = topology.instances.iter().find(|instance| {
            instance.vpc.as_ref() == Some(vpc)
                && instance.private_ips.iter().flatten().next().is_some_and(is_target)
                && !self.primary_enis.contains_key(instance.id().as_str())
        });
        let Some(instance) = instance else { return (None, OwnPublic::None) };
        // stands for the ENI that is not in the input
        let mut eni = Eni::new(format!("{}/primary", instance.id()));
        eni.meta.region.clone_from(&instance.meta.region);
        eni.meta.account.clone_from(&instance.meta.account);
        eni.eni_type = Some(EniType::Primary);
        eni.vpc.clone_from(&instance.vpc);
        let ip =
            PrivateIp { address: AddrValue::Known(internal), primary: Some(true), public_ip: None };
        let own = self.bindings.of_private_ip(&eni, Some(instance), &ip, true);
        (Some(self.named(instance)), own)
    }

    /// Sources disagree on whether DNAT to a load balancer or HaVip works (egress.md §8 C5).
    fn note_on_target(&self, vpc: &Id, internal: IpAddr) -> Option<Op> {
        let has = |value: &AddrValue| value.addr() == Some(internal);
        let balancer = self.topology.load_balancers.iter().find(|lb| {
            lb.vpc.as_ref().and_then(Option::as_ref) == Some(vpc)
                && (lb.address.as_ref().is_some_and(has)
                    || lb.zones.iter().flatten().any(|zone| zone.private_ips.iter().any(has)))
        });
        let havip = self.topology.havips.iter().find(|havip| {
            havip.vpc.as_ref() == Some(vpc) && havip.address.as_ref().is_some_and(has)
        });
        let (what, id) = match (balancer, havip) {
            (Some(lb), _) => ("load balancer", lb.id()),
            (None, Some(havip)) => ("HaVip", havip.id()),
            (None, None) => return None,
        };
        let text = format!(
            "DNAT to the {what} {id}: the documents of 2019 call it ineffective, current samples use it"
        );
        Some(Op::Note(Text::from(text)))
    }

    /// FULLNAT entries replace both ends; what they do is not modelled.
    fn full_nat_rules(&mut self, nat: &NatGateway, address: IpAddr, at: ElementId) -> Vec<Rule> {
        let topology = self.topology;
        let mut rules = Vec::new();
        for entry in &topology.full_nat_entries {
            let here =
                entry.nat_ip.as_ref().is_none_or(|ip| ip.addr().is_none_or(|ip| ip == address));
            if entry.nat_gateway.as_ref() != Some(nat.id()) || !here {
                continue;
            }
            let services = ranges(entry.protocol.as_ref(), entry.nat_port.as_ref());
            let services = services.unwrap_or_else(|_| ServiceSet::all());
            let then = Branch::unknown(format!("FULLNAT entry {} (not modelled)", entry.id()));
            rules.push(Rule::new(Match::services(services), at, then));
        }
        rules
    }

    // ---- the ACL of the gateway's own vSwitch ------------------------------------------------

    /// The ACL at the border of a gateway's vSwitch; whether it tests what the gateway translates is
    /// not documented (access.md §2.2, knob `nacl_on_nat_vswitch`).
    pub(super) fn nat_border(
        &mut self,
        nat: &NatGateway,
        direction: Direction,
        next: StageId,
    ) -> Branch {
        let Some(vswitch) = &nat.vswitch else { return Branch::go(next) };
        let id = nat.id();
        let assumed =
            |value: &str| Op::Assume(Text::from(format!("nacl_on_nat_vswitch = {value} ({id})")));
        if self.assume.nacl_on_nat_vswitch == NaclOnNatVswitch::Ignore {
            let bound = matches!(self.acl_of(vswitch), Ok(Some(_)));
            return Branch::go(next).after_all(bound.then(|| assumed("ignore")));
        }
        let first = self.acl(&nat_filters(nat), direction, Next::Stage(next));
        let tested = first != Next::Stage(next);
        first.branch().after_all(tested.then(|| assumed("apply")))
    }
}

/// No groups that anybody could edit (access.md §1.8), but an ACL.
fn nat_filters(nat: &NatGateway) -> Filters {
    Filters { vpc: nat.vpc.clone(), groups: Groups::None, border: nat.vswitch.clone(), doubt: None }
}

/// Without IP mapping the gateway answers pings itself, unless told not to (egress.md §5.2).
fn answers_icmp(nat: &NatGateway, at: ElementId) -> Rule {
    let icmp = ServiceSet::from_ranges(vec![ServiceRange::of(Protocol::Icmp)]);
    let then = match nat.icmp_reply {
        Some(false) => Branch::drop(Reason::IcmpIgnored, at),
        Some(true) => Branch::new(End::Answer(at)),
        None => Branch::new(End::Answer(at))
            .after(Op::Assume(Text::from(format!("icmp_reply = true ({}, not stated)", nat.id())))),
    };
    Rule::new(Match::services(icmp), at, then.after(Op::Via(at)))
}

/// The services that an entry takes.
fn services(entry: &DnatEntry) -> Result<ServiceSet, String> {
    ranges(entry.protocol.as_ref(), entry.external_port.as_ref())
}

fn ranges(protocol: Option<&NatProtocol>, port: Option<&NatPort>) -> Result<ServiceSet, String> {
    let (first, last) = match port {
        Some(NatPort::Any) => (0, u16::MAX),
        Some(NatPort::Range(first, last)) if first <= last => (*first, *last),
        Some(NatPort::Range(first, last)) => {
            return Err(format!("port `{first}/{last}` (unreadable)"));
        }
        Some(NatPort::Other(text)) => return Err(format!("port `{text}` (unreadable)")),
        None => return Err("external port (not stated)".to_owned()),
    };
    let protocols: &[Protocol] = match protocol {
        Some(NatProtocol::Tcp) => &[Protocol::Tcp],
        Some(NatProtocol::Udp) => &[Protocol::Udp],
        Some(NatProtocol::Any) if port == Some(&NatPort::Any) => return Ok(ServiceSet::all()),
        Some(NatProtocol::Any) => &[Protocol::Tcp, Protocol::Udp],
        Some(NatProtocol::Other(word)) => {
            return Err(format!("protocol `{word}` (not understood)"));
        }
        None => return Err("protocol (not stated)".to_owned()),
    };
    let ranges = protocols.iter().map(|p| ServiceRange::ports(*p, first, last)).collect();
    Ok(ServiceSet::from_ranges(ranges))
}

/// How an entry moves ports: ranges of one width in step (egress.md §5.2).
fn shift(entry: &DnatEntry) -> Result<Option<Op>, Text> {
    match (&entry.external_port, &entry.internal_port) {
        (Some(NatPort::Range(a, b)), Some(NatPort::Range(c, d)))
            if b.checked_sub(*a).is_some() && b.checked_sub(*a) == d.checked_sub(*c) =>
        {
            Ok((a != c).then_some(Op::ShiftPort { from: *a, to: *c }))
        }
        (Some(NatPort::Any | NatPort::Range(..)), Some(NatPort::Any)) => Ok(None),
        _ => Err(Text::from(format!("ports of {} (not stated or of unequal width)", entry.id()))),
    }
}

/// `203.0.113.1 tcp 80 -> 10.0.0.1:8080`.
fn entry_text(entry: &DnatEntry) -> Text {
    let address =
        |ip: &Option<AddrValue>| ip.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    let (external, internal) = (address(&entry.external_ip), address(&entry.internal_ip));
    if entry.is_ip_mapping() {
        return Text::from(format!("{external} any port -> {internal}"));
    }
    let port = |port: &Option<NatPort>| match port {
        Some(NatPort::Any) => "any port".to_owned(),
        Some(NatPort::Range(first, last)) if first == last => first.to_string(),
        Some(NatPort::Range(first, last)) => format!("{first}-{last}"),
        Some(NatPort::Other(text)) => text.to_string(),
        None => "?".to_owned(),
    };
    let protocol = entry.protocol.as_ref().map_or("?", NatProtocol::as_str);
    let (from, to) = (port(&entry.external_port), port(&entry.internal_port));
    Text::from(format!("{external} {protocol} {from} -> {internal} {to}"))
}
