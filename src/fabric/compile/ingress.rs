//! Packets from the Internet to the public addresses of the input: what happens to them until they
//! reach a private address (egress.md §5.1, §5.3, §10 rule 10). NAT gateways: `dnat`.

use std::net::IpAddr;
use std::sync::Arc;

use super::super::assume::InternetMode;
use super::super::hosts::{Host, PublicPoint};
use super::super::identity::{self, is_locked};
use super::super::nat as facts;
use super::super::pipeline::{
    Back, Branch, Condition, ElementId, End, Op, Pass, Resume, Stage, Turn,
};
use super::super::reason::Reason;
use super::super::sources::SourcePoint;
use super::super::table::{Match, Rule, Table, block};
use super::Compiler;
use super::filter::Next;
use crate::addr::Family;
use crate::topology::{
    AddrValue, Eip, EipMode, EipTarget, Eni, EniType, Id, Ipv6Address, Kind, Listing, NatType,
    NextHopType, PrivateIp, Resource, RouteTableScope, Scope, Text,
};

const STAGE: &str = "public_ip";

/// What a public address leads to.
pub(super) struct Inner<'t> {
    vpc: Id,
    vswitch: Option<Id>,
    /// The private address; the public one itself where the guest sees it.
    address: IpAddr,
    eni: Option<&'t Eni>,
}

impl<'t> Compiler<'t> {
    /// Publishes every public address of the input but those of load balancers.
    pub(super) fn publish_addresses(&mut self, sources: &[SourcePoint]) {
        let topology = self.topology;
        for eip in &topology.eips {
            self.publish_eip(eip, sources);
        }
        self.publish_stated();
        for nat in topology.nat_gateways.iter().filter(|nat| !facts::is_vpc_nat(nat)) {
            let mut addresses: Vec<IpAddr> = (nat.eips.iter().flatten())
                .filter_map(|eip| eip.address.addr())
                .chain(
                    facts::eips(topology, &self.bindings, nat)
                        .addresses
                        .iter()
                        .filter_map(AddrValue::addr),
                )
                .collect();
            addresses.sort();
            addresses.dedup();
            for address in addresses {
                if self.hosts.public_at(address).is_none() {
                    let at = self.named(nat);
                    let entry = self.enter_nat(nat, address);
                    self.hosts.publish(address, PublicPoint { element: at, entry });
                }
            }
        }
        for row in &topology.ipv6_addresses {
            self.publish_ipv6(row);
        }
        if let Some(gap) = topology.coverage.gap(Listing::Eips, &Scope::anywhere()) {
            self.hosts.maybe_public(Text::from(gap.to_string()));
        }
    }

    fn publish_eip(&mut self, eip: &'t Eip, sources: &[SourcePoint]) {
        let Some(address) = eip.address.as_ref().and_then(AddrValue::addr) else { return };
        if self.is_of_balancer(eip, address) {
            return;
        }
        let at = self.named(eip);
        let target_id = eip.target_id.clone().flatten();
        let nat = self.nat_listing(address);
        let bound = eip.meta.status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("InUse"));
        let unbound = |this: &mut Self| this.stop(STAGE, at, Reason::IpUnbound);
        let inside = match eip.target.as_ref().map(Option::as_ref) {
            Some(Some(_)) if !bound => unbound(self),
            Some(Some(EipTarget::LoadBalancer)) => return,
            Some(Some(EipTarget::NatGateway)) => match &target_id {
                Some(id) => self.enter_nat_of(id, address),
                None => self.cannot_tell(STAGE, at, format!("NAT gateway of {}", eip.id())),
            },
            Some(Some(EipTarget::Other(_))) => self.stop(STAGE, at, Reason::UnsupportedFront),
            Some(Some(target)) => {
                let inner = self.holder(eip, target, target_id.as_ref());
                if let Ok(inner) = &inner
                    && inner.address == address
                {
                    self.add_cut_through(inner, sources);
                }
                self.enter_host(at, inner, address)
            }
            // the listing of gateways says what that of EIPs does not
            None if nat.is_some() => {
                let id = nat.unwrap_or_else(|| eip.id().clone());
                self.enter_nat_of(&id, address)
            }
            None => {
                self.cannot_tell(STAGE, at, format!("what {} is bound to (not stated)", eip.id()))
            }
            Some(None) => unbound(self),
        };
        // U7: a locked EIP is dead (decisions.md 32)
        let entry = if is_locked(eip) {
            self.barrier(STAGE, at, Reason::EipLocked, inside)
        } else {
            inside
        };
        self.hosts.publish(address, PublicPoint { element: at, entry });
    }

    /// Public addresses that only their holders name: static ones, and EIPs of which the listing is
    /// not in the input.
    fn publish_stated(&mut self) {
        let topology = self.topology;
        for instance in &topology.instances {
            let fixed = instance.public_ips.iter().flatten().map(|ip| (ip, None));
            let stated = instance.eip.iter().flatten().map(|eip| (&eip.address, eip.eip.as_ref()));
            for (address, eip) in fixed.chain(stated) {
                let inner = self.of_instance(instance.id(), None);
                self.publish_holding(instance, eip, address, inner);
            }
        }
        for eni in topology.enis.iter().filter(|eni| eni.service_managed != Some(true)) {
            for ip in eni.private_ips.iter().flatten() {
                if let Some(Some(public)) = &ip.public_ip {
                    let inner = self.of_eni(eni, ip.address.addr());
                    self.publish_holding(eni, public.eip.as_ref(), &public.address, inner);
                }
            }
        }
        for havip in &topology.havips {
            for address in havip.eips.iter().flatten() {
                let inner = self.of_havip(havip.id());
                self.publish_holding(havip, None, address, inner);
            }
        }
    }

    fn publish_holding(
        &mut self,
        holder: &dyn Resource,
        eip: Option<&Id>,
        address: &AddrValue,
        inner: Result<Inner<'t>, Text>,
    ) {
        let Some(address) = address.addr() else { return };
        if self.hosts.public_at(address).is_some() {
            return;
        }
        let at = match eip {
            Some(eip) => self.referred(Kind::Eip, eip),
            None => self.named(holder),
        };
        let unlisted = eip.map(|eip| Op::Assume(identity::taken_as_unlocked(eip)));
        let entry = self.enter_host(at, inner, address).after_all(unlisted);
        self.hosts.publish(address, PublicPoint { element: at, entry });
    }

    /// An IPv6 address with Internet bandwidth; one without cannot be reached (egress.md §4.5).
    fn publish_ipv6(&mut self, row: &'t Ipv6Address) {
        let topology = self.topology;
        let Some(address) = row.address.as_ref().and_then(AddrValue::addr) else { return };
        let at = self.named(row);
        if row.public == Some(false) {
            let entry = self.stop("gateway", at, Reason::Ipv6NoBandwidth);
            return self.hosts.publish(address, PublicPoint { element: at, entry });
        }
        let owner = self.enis_with(address).find(|eni| {
            eni.ipv6_ips.iter().flatten().any(|ip| ip.addr() == Some(address))
                && (row.vpc.is_none() || eni.vpc == row.vpc)
        });
        let vpc = row.vpc.clone().or_else(|| owner.and_then(|eni| eni.vpc.clone()));
        let vswitch = row.vswitch.clone().or_else(|| owner.and_then(|eni| eni.vswitch.clone()));
        let inner = vpc
            .map(|vpc| Inner { vpc, vswitch, address, eni: owner })
            .ok_or_else(|| Text::from(format!("VPC of {} (not stated)", row.id())));
        let has_gateway = row.gateway.is_some()
            || inner.as_ref().is_ok_and(|inner| {
                topology.ipv6_gateways.iter().any(|g| g.vpc.as_ref() == Some(&inner.vpc))
            });
        let inside = match (row.public, &inner) {
            (None, _) => Err(Text::from(format!("network type of {} (not stated)", row.id()))),
            (_, Ok(inner)) if !has_gateway => {
                Err(Text::from(format!("IPv6 gateway of {} (not in the input)", inner.vpc)))
            }
            _ => inner,
        };
        let entry = self.enter_host(at, inside, address);
        let outwards_only = topology
            .ipv6_egress_rules
            .iter()
            .any(|rule| rule.address.as_ref() == Some(row.id()) && identity::is_available(rule));
        let entry = if outwards_only {
            // an egress-only rule blocks connections from outside (egress.md §4.5)
            self.barrier("gateway", at, Reason::Ipv6EgressOnly, entry)
        } else {
            entry
        };
        self.hosts.publish(address, PublicPoint { element: at, entry });
    }

    /// True when a load balancer has the address: its listeners answer there.
    fn is_of_balancer(&self, eip: &Eip, address: IpAddr) -> bool {
        let has = |value: &AddrValue| value.addr() == Some(address);
        let word = match eip.target.as_ref().and_then(Option::as_ref) {
            Some(EipTarget::LoadBalancer) => return true,
            Some(EipTarget::Other(word)) => Some(word),
            _ => None,
        };
        let of_kind = word.is_some_and(|word| {
            ["nlb", "alb", "slb", "nlbinstance", "albinstance"]
                .contains(&word.to_ascii_lowercase().as_str())
        });
        of_kind
            || self.topology.load_balancers.iter().any(|lb| {
                lb.address.as_ref().is_some_and(has)
                    || lb.zones.iter().flatten().any(|zone| {
                        zone.public_ips.iter().any(has) || zone.eips.iter().any(|id| id == eip.id())
                    })
            })
    }

    /// The NAT gateway that lists an address as its own.
    fn nat_listing(&self, address: IpAddr) -> Option<Id> {
        let mut nats = self.topology.nat_gateways.iter();
        let has = |eip: &crate::topology::NatEip| eip.address.addr() == Some(address);
        nats.find(|nat| nat.eips.iter().flatten().any(has)).map(|nat| nat.id().clone())
    }

    fn enter_nat_of(&mut self, id: &Id, address: IpAddr) -> Branch {
        let topology = self.topology;
        if let Some(nat) = topology.nat_gateways.get(id) {
            return self.enter_nat(nat, address);
        }
        let at = self.referred(Kind::NatGateway, id);
        match topology.coverage.gap(Listing::NatGateways, &Scope::anywhere()) {
            Some(gap) => self.cannot_tell("nat", at, format!("NAT gateway {id}: {gap}")),
            None => self.stop("nat", at, Reason::NatNotAvailable),
        }
    }

    // ---- what has the private address --------------------------------------------------------

    fn holder(
        &self,
        eip: &Eip,
        target: &EipTarget,
        target_id: Option<&Id>,
    ) -> Result<Inner<'t>, Text> {
        let unstated = || Text::from(format!("target of {} (not stated)", eip.id()));
        let private = eip.private_address.as_ref().and_then(AddrValue::addr);
        if *target == EipTarget::IpAddress {
            let address = private.or_else(|| target_id?.parse().ok()).ok_or_else(unstated)?;
            let vpc = eip
                .vpc
                .clone()
                .ok_or_else(|| Text::from(format!("VPC of {} (not stated)", eip.id())))?;
            return Ok(self.of_address(&vpc, address));
        }
        let id = target_id.ok_or_else(unstated)?;
        match target {
            EipTarget::Instance => self.of_instance(id, private),
            EipTarget::HaVip => self.of_havip(id),
            _ => {
                let eni = self.topology.enis.get(id).ok_or_else(|| not_here("ENI", id))?;
                match (&eip.mode, eip.address.as_ref().and_then(AddrValue::addr)) {
                    // the guest has the public address itself (egress.md §4.6)
                    (Some(EipMode::Binded | EipMode::MultiBinded), Some(public)) => {
                        self.of_eni(eni, Some(public))
                    }
                    _ => self.of_eni(eni, private),
                }
            }
        }
    }

    /// The primary address of an instance's primary ENI.
    fn of_instance(&self, id: &Id, private: Option<IpAddr>) -> Result<Inner<'t>, Text> {
        if let Some(eni) = self.primary_enis.get(id.as_str()).copied() {
            return self.of_eni(eni, None);
        }
        let instance = self.topology.instances.get(id).ok_or_else(|| not_here("instance", id))?;
        let first = instance.private_ips.iter().flatten().next().and_then(AddrValue::addr);
        let address = first.or(private);
        let address =
            address.ok_or_else(|| Text::from(format!("private address of {id} (not stated)")))?;
        let of_vswitch = || self.topology.vswitches.get(instance.vswitch.as_ref()?)?.vpc.clone();
        let vpc = instance.vpc.clone().or_else(of_vswitch);
        let vpc = vpc.ok_or_else(|| Text::from(format!("VPC of {id} (not stated)")))?;
        Ok(Inner { vpc, vswitch: instance.vswitch.clone(), address, eni: None })
    }

    /// An address of an ENI: the one stated, or its primary one.
    fn of_eni(&self, eni: &'t Eni, address: Option<IpAddr>) -> Result<Inner<'t>, Text> {
        let ips = eni.private_ips.as_deref().unwrap_or_default();
        let primary = || ips.iter().find(|ip| ip.primary == Some(true)).or_else(|| ips.first());
        let address = address.or_else(|| primary()?.address.addr()).ok_or_else(|| {
            Text::from(format!("private address of {} (masked or not stated)", eni.id()))
        })?;
        let of_vswitch = || self.topology.vswitches.get(eni.vswitch.as_ref()?)?.vpc.clone();
        let vpc = eni.vpc.clone().or_else(of_vswitch);
        let vpc = vpc.ok_or_else(|| Text::from(format!("VPC of {} (not stated)", eni.id())))?;
        Ok(Inner { vpc, vswitch: eni.vswitch.clone(), address, eni: Some(eni) })
    }

    /// A HaVip: whoever is its master takes packets to it.
    fn of_havip(&self, id: &Id) -> Result<Inner<'t>, Text> {
        let havip = self.topology.havips.get(id).ok_or_else(|| not_here("HaVip", id))?;
        let address = havip.address.as_ref().and_then(AddrValue::addr);
        let of_vswitch = || self.topology.vswitches.get(havip.vswitch.as_ref()?)?.vpc.clone();
        match (address, havip.vpc.clone().or_else(of_vswitch)) {
            (Some(address), Some(vpc)) => {
                Ok(Inner { vpc, vswitch: havip.vswitch.clone(), address, eni: None })
            }
            _ => Err(Text::from(format!("address or VPC of {id} (masked or not stated)"))),
        }
    }

    fn of_address(&self, vpc: &Id, address: IpAddr) -> Inner<'t> {
        let has = |ip: &PrivateIp| ip.address.addr() == Some(address);
        let eni = self
            .enis_with(address)
            .find(|eni| eni.vpc.as_ref() == Some(vpc) && eni.private_ips.iter().flatten().any(has));
        let vswitch = eni
            .and_then(|eni| eni.vswitch.clone())
            .or_else(|| self.vswitch_around(vpc, address).cloned());
        Inner { vpc: vpc.clone(), vswitch, address, eni }
    }

    /// The vSwitch of a VPC whose block holds an address.
    pub(super) fn vswitch_around(&self, vpc: &Id, address: IpAddr) -> Option<&'t Id> {
        let found = self.topology.vswitches.iter().find(|vswitch| {
            let mut blocks = vswitch.cidr.iter().chain(&vswitch.ipv6_cidr);
            vswitch.vpc.as_ref() == Some(vpc)
                && blocks.any(|b| b.cidr().is_some_and(|b| b.contains(address)))
        });
        found.map(Resource::id)
    }

    /// An address that a guest sees beside or instead of a private one is an address of the VPC.
    fn add_cut_through(&mut self, inner: &Inner<'t>, sources: &[SourcePoint]) {
        let Some(eni) = inner.eni else { return };
        let filters = self.filters_of(eni, self.owner(eni));
        let inbound = self.inbound(&filters, Next::Here).branch();
        let (element, network) = (self.named(eni), self.network(&inner.vpc));
        let segment = inner.vswitch.as_ref().map(|id| self.segment(id));
        let source = sources.iter().position(|source| {
            source.havip.is_none()
                && source.eni.id == *eni.id()
                && source.address.addr() == Some(inner.address)
        });
        let address = inner.address;
        self.hosts.add(Host { element, network, address, segment, inbound, source });
    }

    // ---- the way in --------------------------------------------------------------------------

    /// From a public address to the private one behind it (egress.md §10 10.2, 10.5).
    fn enter_host(
        &mut self,
        at: ElementId,
        inner: Result<Inner<'t>, Text>,
        public: IpAddr,
    ) -> Branch {
        let inner = match inner {
            Ok(inner) => inner,
            Err(missing) => return self.cannot_tell(STAGE, at, missing),
        };
        let Some(space) = self.spaces.get(&inner.vpc).cloned() else {
            return self.cannot_tell(STAGE, at, format!("VPC {} (not in the input)", inner.vpc));
        };
        let v4 = Family::of(public) == Family::V4;
        let mode = if v4 { space.mode } else { InternetMode::Direct };
        let next = self.mapped(at, &inner, public, v4 && mode == InternetMode::Central);
        let next = match self.asymmetric(&inner) {
            Err(missing) => self.doubt(STAGE, at, missing, next),
            Ok(_) => next,
        };
        let next = match mode {
            InternetMode::Direct => next,
            InternetMode::Central => self.public_vswitch(
                &inner.vpc,
                inner.vswitch.as_ref(),
                Reason::VswitchNotPublic,
                next,
            ),
            InternetMode::Private => {
                let network = self.network(&inner.vpc);
                self.barrier("gateway", network, Reason::VpcPrivateMode, next)
            }
        };
        let assumed = space.mode_assumption.filter(|_| v4);
        next.after_all(assumed.into_iter().chain(self.trusted()).map(Op::Assume))
    }

    /// That listings are taken for whole is said wherever an answer needs them.
    pub(super) fn trusted(&self) -> Option<Text> {
        let trusted = self.topology.coverage.is_trusted();
        trusted.then(|| Text::from("unverified_listings = complete"))
    }

    /// The mapping itself, and the way to the vSwitch.
    fn mapped(
        &mut self,
        at: ElementId,
        inner: &Inner<'t>,
        public: IpAddr,
        central: bool,
    ) -> Branch {
        let network = self.network(&inner.vpc);
        let segment = inner.vswitch.as_ref().map_or(network, |id| self.segment(id));
        let arrive = Branch::new(End::Arrive { segment, network });
        let on = if central || Family::of(public) == Family::V6 {
            self.steered(inner, arrive)
        } else {
            arrive
        };
        let turn = Turn::new(at, Back::Exit, Resume::Outside);
        let mut ops = vec![Op::Via(at), Op::Turn(Arc::new(turn))];
        if inner.address != public {
            ops.push(Op::Destination(inner.address));
        }
        ops.extend([Op::Home(None), Op::Sender(None)]);
        if let Ok(Some((text, assumed))) = self.asymmetric(inner) {
            let failed = inner.eni.is_some_and(|eni| eni.policy_routing == Some(false));
            let reason = Reason::AsymmetricEniReply;
            ops.push(Op::Condition(Condition { reason, text, failed }));
            ops.extend(assumed.map(Op::Assume));
        }
        let stage = Stage::new(STAGE, at, Table::constant(on.after_all(ops)));
        Branch::go(self.place(stage))
    }

    /// Replies of a secondary ENI leave by the primary one unless the guest routes by source; with an
    /// Enhanced Internet NAT gateway in the VPC they are then lost (egress.md §5.3, §10 10.5).
    fn asymmetric(&self, inner: &Inner<'t>) -> Result<Option<(Text, Option<Text>)>, Text> {
        let secondary = inner.eni.filter(|eni| {
            eni.eni_type == Some(EniType::Secondary)
                && eni.policy_routing != Some(true)
                && Family::of(inner.address) == Family::V4
        });
        let Some(eni) = secondary else { return Ok(None) };
        let of_vpc = self
            .topology
            .nat_gateways
            .iter()
            .filter(|nat| nat.vpc.as_ref() == Some(&inner.vpc) && !facts::is_vpc_nat(nat));
        let mut enhanced: Vec<_> = of_vpc
            .map(|nat| (nat, identity::nat_type(nat)))
            .filter(|(_, (kind, _))| *kind != NatType::Normal)
            .collect();
        // one whose type is stated makes the answer certain
        enhanced.sort_by_key(|(_, (_, assumed))| *assumed);
        if let Some((nat, (kind, assumed))) = enhanced.first() {
            let id = nat.id();
            let text = format!(
                "with the Enhanced NAT gateway {id} in the VPC, the guest must \
                 send replies of {} out of that ENI (policy routing)",
                eni.id()
            );
            let assumed =
                assumed.then(|| Text::from(format!("nat_type = {kind} ({id}, not stated)")));
            return Ok(Some((Text::from(text), assumed)));
        }
        let gap = self.topology.coverage.gap(Listing::NatGateways, &Scope::around(&eni.meta));
        match gap {
            Some(gap) => Err(Text::from(format!("NAT gateways of {}: {gap}", inner.vpc))),
            None => Ok(None),
        }
    }

    /// In a CENTRAL VPC the vSwitch must send the client's address to the IPv4 gateway, else the
    /// address cannot be reached either (egress.md §3, §10 10.4, 10.5).
    pub(super) fn public_vswitch(
        &mut self,
        vpc: &Id,
        vswitch: Option<&Id>,
        reason: Reason,
        next: Branch,
    ) -> Branch {
        let at = match vswitch {
            Some(vswitch) => self.segment(vswitch),
            None => self.network(vpc),
        };
        let routes = match vswitch {
            Some(vswitch) => self.routes_with_hops(vpc, vswitch),
            None => Err(Text::from(format!("vSwitch in {vpc} (not stated)"))),
        };
        let blocked = Branch::drop(reason, at).after(Op::Via(at));
        let mut rules = Vec::new();
        let default = match routes {
            Ok(routes) => {
                for (cidr, hops, element) in routes {
                    let public = hops.iter().any(|hop| hop.hop_type == NextHopType::Ipv4Gateway);
                    let then =
                        if public { next.clone() } else { blocked.clone().after(Op::Via(element)) };
                    rules.push(Rule::new(Match::from(block(cidr)), element, then));
                }
                blocked
            }
            Err(missing) => Branch::unknown(missing),
        };
        let stage = Stage::filter("gateway", at, Table { rules, default }, Pass::stateless(next));
        Branch::go(self.place(stage))
    }

    /// A gateway route table leads what enters the VPC to an appliance (egress.md §5.1).
    fn steered(&mut self, inner: &Inner<'t>, arrive: Branch) -> Branch {
        let topology = self.topology;
        let (gateway, stated) = if Family::of(inner.address) == Family::V4 {
            let found = topology.ipv4_gateways.iter().find(|g| g.vpc.as_ref() == Some(&inner.vpc));
            (found.map(Resource::id), found.and_then(|g| g.route_table.as_ref()))
        } else {
            let found = topology.ipv6_gateways.iter().find(|g| g.vpc.as_ref() == Some(&inner.vpc));
            (found.map(Resource::id), found.and_then(|g| g.route_table.as_ref()))
        };
        let Some(gateway) = gateway else { return arrive };
        let of_gateway = || {
            let mut tables = topology.route_tables.iter();
            tables.find(|t| {
                t.scope == Some(RouteTableScope::Gateway)
                    && t.gateways.iter().flatten().any(|id| id == gateway)
            })
        };
        let table = stated.or_else(|| of_gateway().map(Resource::id));
        match table {
            Some(table) => self.steered_by(inner, table, arrive),
            None => arrive,
        }
    }

    fn steered_by(&mut self, inner: &Inner<'t>, table: &Id, arrive: Branch) -> Branch {
        match self.gateway_route(&inner.vpc, table, inner.address) {
            Err(missing) => Branch::unknown(missing),
            Ok(None) => arrive,
            Ok(Some((cidr, entry, hops))) => {
                let element = self.route_element(cidr, entry);
                let mut branches = Vec::new();
                for hop in &hops {
                    let on = match hop.hop_type {
                        NextHopType::Local | NextHopType::Service => Some(arrive.clone()),
                        _ => self.hop_branch(&inner.vpc, hop, cidr, element).map(|on| {
                            let to = hop.id.as_deref().unwrap_or("an appliance");
                            let note = format!("the gateway route table {table} steers it to {to}");
                            on.after_all([Op::Via(element), Op::Note(Text::from(note))])
                        }),
                    };
                    branches.extend(on);
                }
                Branch::fork(branches).unwrap_or(arrive)
            }
        }
    }

    // ---- gates -------------------------------------------------------------------------------

    /// Drops everything; a diagnosis goes on at `next`.
    pub(super) fn barrier(
        &mut self,
        name: &'static str,
        at: ElementId,
        reason: Reason,
        next: Branch,
    ) -> Branch {
        let dropped = Table::constant(Branch::drop(reason, at).after(Op::Via(at)));
        let stage = Stage::filter(name, at, dropped, Pass::stateless(next));
        Branch::go(self.place(stage))
    }

    /// Whether it passes cannot be told; the way on is known.
    pub(super) fn doubt(
        &mut self,
        name: &'static str,
        at: ElementId,
        missing: Text,
        next: Branch,
    ) -> Branch {
        let table = Table::constant(Branch::unknown(missing));
        let stage = Stage::filter(name, at, table, Pass::stateless(next));
        Branch::go(self.place(stage))
    }

    /// Drops everything, and nothing lies behind.
    pub(super) fn stop(&mut self, name: &'static str, at: ElementId, reason: Reason) -> Branch {
        let dropped = Table::constant(Branch::drop(reason, at).after(Op::Via(at)));
        Branch::go(self.place(Stage::new(name, at, dropped)))
    }

    /// Nothing is known of the way on.
    pub(super) fn cannot_tell(
        &mut self,
        name: &'static str,
        at: ElementId,
        missing: impl Into<Text>,
    ) -> Branch {
        let table = Table::constant(Branch::unknown(missing).after(Op::Via(at)));
        Branch::go(self.place(Stage::new(name, at, table)))
    }
}

fn not_here(what: &str, id: &Id) -> Text {
    Text::from(format!("{what} {id} (not in the input)"))
}
