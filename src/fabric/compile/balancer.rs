//! Load balancers: their addresses and what stands before their listeners (access.md §1.7, §2.2,
//! §3.1; egress.md §5.1).

use std::net::IpAddr;
use std::sync::Arc;

use super::super::Identity;
use super::super::assume::InternetMode;
use super::super::hosts::PublicPoint;
use super::super::pipeline::{Back, Branch, End, Op, Pass, Resume, Stage, StageId, Turn};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table, block};
use super::filter::{Filters, Groups, Next};
use super::{Compiler, Job};
use crate::addr::AddrSet;
use crate::topology::{
    AddrValue, AddressType, BalancerZone, Direction, Eip, EipTarget, Id, Kind, Lifecycle, Listing,
    LoadBalancer, LoadBalancerType, NextHopType, Resource, Scope, Text,
};

/// A way into a load balancer. Its stages differ by it: in the source that servers see, and in how
/// replies go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Front {
    /// The load balancer.
    pub(super) lb: Id,
    /// Zone of an ALB or NLB.
    pub(super) zone: Option<usize>,
    /// How packets come in.
    pub(super) door: Door,
}

/// How packets come to a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Door {
    /// To a private address.
    Private,
    /// To a public address.
    Public,
    /// Through a zone of an endpoint.
    Link { endpoint: Id, zone: usize },
}

/// A stage of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// A public address, of this EIP.
    Public(Option<Id>),
    /// Security groups of an ALB or NLB.
    Groups,
    /// Whether it works.
    Gate,
    /// Its listeners.
    Listeners,
    /// Access lists of a listener.
    Access(Id),
    /// Server groups of a listener.
    Choice(Id),
    /// A server.
    Backend { listener: Id, group: Option<Id>, n: usize },
}

/// What keeps a device from working, and what is not known about that.
#[derive(Debug, Default)]
pub(super) struct State {
    /// What does.
    pub(super) failed: Vec<String>,
    /// What is missing to know.
    pub(super) doubt: Option<Text>,
}

impl Front {
    pub(super) fn is_link(&self) -> bool {
        matches!(self.door, Door::Link { .. })
    }
}

impl<'t> Compiler<'t> {
    /// Adds the addresses of all load balancers.
    pub(super) fn add_balancers(&mut self) {
        for lb in &self.topology.load_balancers {
            match lb.lb_type {
                Some(LoadBalancerType::Clb) => self.add_clb(lb),
                Some(LoadBalancerType::Alb | LoadBalancerType::Nlb) => self.add_zones(lb),
                // a GWLB has no address; others are not known
                _ => {}
            }
        }
    }

    /// Where no CLBs are listed, an address that nobody seems to have may be one's.
    pub(super) fn note_absent_balancers(&mut self) {
        for vpc in &self.topology.vpcs {
            let scope = Scope::around(&vpc.meta);
            if let Some(gap) = self.topology.coverage.gap(Listing::ClbInstances, &scope) {
                let network = self.named(vpc);
                self.hosts.incomplete(network, Text::from(gap.to_string()));
            }
        }
    }

    fn add_clb(&mut self, lb: &'t LoadBalancer) {
        let front = |door| Front { lb: lb.id().clone(), zone: None, door };
        let vpc = self.vpc_of_balancer(lb);
        let public = match lb.address_type {
            Some(AddressType::Internet) => true,
            Some(AddressType::Intranet) => false,
            _ => vpc.is_none(),
        };
        match (&lb.address, &vpc) {
            (Some(address), _) if public => {
                self.publish(lb, address, None, &front(Door::Public));
            }
            (Some(address), Some(vpc)) => {
                let inbound = self.front(lb, &front(Door::Private));
                let element = self.named(lb);
                let vswitch = lb.vswitch.as_ref().and_then(Option::as_ref);
                self.add_host(vpc, vswitch, address, element, inbound, None);
            }
            (None, Some(vpc)) if !public => {
                let network = self.network(vpc);
                let missing = format!("address of {} (not stated)", lb.id());
                self.hosts.incomplete(network, Text::from(missing));
            }
            // an address of the classic network
            _ => {}
        }
        // an EIP on a private CLB publishes it (access.md §3.1)
        for eip in self.bindings.bound_to(lb.id()).to_vec() {
            let bound = matches!(eip.target, None | Some(Some(EipTarget::LoadBalancer)));
            if let Some(address) = eip.address.as_ref().filter(|_| bound) {
                self.publish(lb, address, Some(eip), &front(Door::Public));
            }
        }
    }

    fn add_zones(&mut self, lb: &'t LoadBalancer) {
        let Some(vpc) = self.vpc_of_balancer(lb) else { return };
        let Some(zones) = &lb.zones else {
            let network = self.network(&vpc);
            let listing = match lb.lb_type {
                Some(LoadBalancerType::Nlb) => Listing::NlbInstances,
                _ => Listing::AlbAttributes,
            };
            let missing = match self.balancer_gap(listing, lb) {
                Some(gap) => gap,
                None => Text::from(format!("zones of {} (not stated)", lb.id())),
            };
            return self.hosts.incomplete(network, missing);
        };
        for (n, zone) in zones.iter().enumerate() {
            let front = |door| Front { lb: lb.id().clone(), zone: Some(n), door };
            let element = self.named(lb);
            for address in &zone.private_ips {
                let inbound = self.front(lb, &front(Door::Private));
                self.add_host(&vpc, zone.vswitch.as_ref(), address, element, inbound, None);
            }
            for id in &zone.eips {
                let Some(eip) = self.topology.eips.get(id) else { continue };
                if let Some(address) = &eip.address {
                    self.publish(lb, address, Some(eip), &front(Door::Public));
                }
            }
            for address in &zone.public_ips {
                self.publish(lb, address, None, &front(Door::Public));
            }
        }
    }

    fn publish(
        &mut self,
        lb: &'t LoadBalancer,
        address: &AddrValue,
        eip: Option<&'t Eip>,
        front: &Front,
    ) {
        // an address that is only known as a symbol cannot be asked for
        let Some(address) = address.addr() else { return };
        let element = self.named(lb);
        let step = Step::Public(eip.map(|eip| eip.id().clone()));
        let entry = Branch::go(self.balancer_step(front, step));
        self.hosts.publish(address, PublicPoint { element, entry });
    }

    /// VPC of a load balancer, by itself or by its vSwitch.
    pub(super) fn vpc_of_balancer(&self, lb: &LoadBalancer) -> Option<Id> {
        let of_vswitch = || {
            let vswitch = lb.vswitch.as_ref()?.as_ref()?;
            self.topology.vswitches.get(vswitch)?.vpc.clone()
        };
        lb.vpc.clone().flatten().or_else(of_vswitch)
    }

    /// The zone of a way in.
    pub(super) fn zone_of(lb: &'t LoadBalancer, front: &Front) -> Option<&'t BalancerZone> {
        lb.zones.as_ref()?.get(front.zone?)
    }

    /// What is wrong with a listing about a load balancer.
    pub(super) fn balancer_gap(&self, listing: Listing, lb: &LoadBalancer) -> Option<Text> {
        let scope = Scope::around(&lb.meta).with_parent(lb.id());
        self.topology.coverage.gap(listing, &scope).map(|gap| Text::from(gap.to_string()))
    }

    pub(super) fn balancer_step(&mut self, front: &Front, step: Step) -> StageId {
        self.stage(Job::Balancer { front: front.clone(), step })
    }

    pub(super) fn balancer_stage(&mut self, front: &Front, step: &Step) -> Stage {
        let Some(lb) = self.topology.load_balancers.get(&front.lb) else {
            let at = self.referred(Kind::LoadBalancer, &front.lb);
            let default = Branch::unknown(format!("load balancer {} (not in the input)", front.lb));
            return Stage::new("load_balancer", at, Table::constant(default));
        };
        match step {
            Step::Public(eip) => self.public_stage(lb, front, eip.as_ref()),
            Step::Groups => self.balancer_groups_stage(lb, front),
            Step::Gate => self.balancer_gate(lb, front),
            Step::Listeners => self.listeners_stage(lb, front),
            Step::Access(listener) => self.access_stage(lb, front, listener),
            Step::Choice(listener) => self.choice_stage(lb, front, listener),
            Step::Backend { listener, group, n } => {
                self.backend_stage(lb, front, listener, group.as_ref(), *n)
            }
        }
    }

    /// The first decision for packets that come in this way. A CLB's address is filtered by no
    /// network ACL and no group; ALB and NLB have ENIs, which both filter (access.md §1.7, §2.2).
    pub(super) fn front(&mut self, lb: &'t LoadBalancer, front: &Front) -> Branch {
        let mut next = Next::Stage(self.balancer_step(front, Step::Gate));
        // behind an endpoint the source is an address of the load balancer itself, which its
        // managed group admits first of all (access.md §1.7, §4.6)
        if front.is_link() || lb.lb_type == Some(LoadBalancerType::Clb) {
            return next.branch();
        }
        if self.balancer_groups(lb) != Groups::None {
            next = Next::Stage(self.balancer_step(front, Step::Groups));
        }
        let border = Self::zone_of(lb, front).and_then(|zone| zone.vswitch.clone());
        let filters =
            Filters { vpc: self.vpc_of_balancer(lb), groups: Groups::None, border, doubt: None };
        self.acl(&filters, Direction::Ingress, next).branch()
    }

    fn balancer_groups(&self, lb: &LoadBalancer) -> Groups {
        if let Some(stated) = &lb.security_groups {
            return self.groups(lb, Some(stated));
        }
        let listing = match lb.lb_type {
            Some(LoadBalancerType::Nlb) => Listing::NlbInstances,
            _ => Listing::AlbInstances,
        };
        match self.balancer_gap(listing, lb) {
            Some(gap) => Groups::Unknown(Text::from(format!(
                "security groups of {} (not stated): {gap}",
                lb.id()
            ))),
            None => Groups::None,
        }
    }

    /// Groups of an ALB or NLB. Behind the customer's rules stands the managed group's accept of
    /// everything, so only a rule that drops drops (access.md §1.7).
    fn balancer_groups_stage(&mut self, lb: &'t LoadBalancer, front: &Front) -> Stage {
        let next = Next::Stage(self.balancer_step(front, Step::Gate));
        let groups = self.balancer_groups(lb);
        let vpc = self.vpc_of_balancer(lb);
        let mut stage = self.groups_stage(vpc.as_ref(), &groups, &Direction::Ingress, false, next);
        if matches!(stage.table.default.end, End::Drop(..)) {
            stage.table.default = next.branch();
        }
        stage.table.rules.retain(|rule| !self.is_behind_managed(rule));
        stage
    }

    /// A rule that comes after the managed accept of everything at priority 100.
    fn is_behind_managed(&self, rule: &Rule) -> bool {
        let rule = self.topology.security_group_rules.get(self.element_id(rule.element));
        rule.is_some_and(|rule| rule.priority.is_some_and(|priority| priority > 100))
    }

    /// A public address: the EIP must not be locked, the VPC not be cut off (egress.md §10 rules
    /// 10.1 to 10.3).
    fn public_stage(&mut self, lb: &'t LoadBalancer, front: &Front, eip: Option<&Id>) -> Stage {
        let eip = eip.and_then(|id| self.topology.eips.get(id));
        let at = match eip {
            Some(eip) => self.named(eip),
            None => self.named(lb),
        };
        let mut to = self.front(lb, front).after(Op::Via(at));
        let mut rules = Vec::new();
        let all = |then| Rule::new(Match::default(), at, then);
        let locked = |eip: &Eip| {
            eip.is_locked() || eip.locks.as_ref().is_some_and(|locks| !locks.is_empty())
        };
        if eip.is_some_and(locked) {
            rules.push(all(Branch::drop(Reason::EipLocked, at).after(Op::Via(at))));
        }
        let space = self.vpc_of_balancer(lb).and_then(|vpc| self.spaces.get(&vpc)).cloned();
        if let Some(space) = space {
            let assumed = space.mode_assumption.clone().map(Op::Assume);
            if space.mode == InternetMode::Private {
                let dropped = Branch::drop(Reason::VpcPrivateMode, at).after(Op::Via(at));
                rules.push(all(dropped.after_all(assumed.clone())));
            }
            to = to.after_all(assumed);
            if space.mode == InternetMode::Central && eip.is_some() {
                rules.extend(self.routes_of_published(lb, at, &to));
            }
        }
        let table = Table { rules, default: to.clone() };
        Stage::filter("public_address", at, table, Pass::stateful(to))
    }

    /// In some regions an EIP on a private CLB follows the IPv4 gateway: replies to the client must
    /// find it (egress.md §3, constraints of CENTRAL; §10 rule 10.3).
    fn routes_of_published(
        &mut self,
        lb: &'t LoadBalancer,
        at: super::ElementId,
        to: &Branch,
    ) -> Vec<Rule> {
        let region = lb.meta.region.as_deref().unwrap_or_default();
        let clb = lb.lb_type == Some(LoadBalancerType::Clb);
        if !clb || !FOLLOW_IPV4_GATEWAY.contains(&region) {
            return Vec::new();
        }
        let lost = Branch::drop(Reason::VswitchNotPublic, at).after(Op::Via(at));
        let vswitch = lb.vswitch.clone().flatten();
        let hops = match (self.vpc_of_balancer(lb), &vswitch) {
            (Some(vpc), Some(vswitch)) => self.hops_of_vswitch(&vpc, vswitch),
            _ => Err(Text::from(format!("vSwitch of {} (not stated)", lb.id()))),
        };
        match hops {
            Ok(routes) => {
                let mut rules: Vec<Rule> = routes
                    .into_iter()
                    .map(|(cidr, hops)| {
                        let public =
                            hops.iter().any(|hop| hop.hop_type == NextHopType::Ipv4Gateway);
                        let then = if public { to.clone() } else { lost.clone() };
                        Rule::new(Match::from(block(cidr)), at, then)
                    })
                    .collect();
                rules.push(Rule::new(Match::default(), at, lost));
                rules
            }
            Err(missing) => {
                let doubt = Some(missing);
                vec![Rule { matches: Match::default(), element: at, then: lost, doubt }]
            }
        }
    }

    /// Only an active load balancer forwards, and only in a zone that is in use (access.md §3.1).
    fn balancer_gate(&mut self, lb: &'t LoadBalancer, front: &Front) -> Stage {
        let listing = match lb.lb_type {
            Some(LoadBalancerType::Alb) => Listing::AlbInstances,
            Some(LoadBalancerType::Nlb) => Listing::NlbInstances,
            _ => Listing::ClbInstances,
        };
        let mut state = State::default();
        let status = lb.meta.status.as_deref().unwrap_or_default();
        let unfinished = ["provisioning", "creating", "deleting"];
        match lb.lifecycle() {
            Lifecycle::Usable => {}
            Lifecycle::Transitional
                if !unfinished.iter().any(|w| status.eq_ignore_ascii_case(w)) => {}
            Lifecycle::Dead | Lifecycle::Transitional => {
                state.failed.push(format!("status {status}"));
            }
            Lifecycle::Unstated => {
                state.doubt = self
                    .balancer_gap(listing, lb)
                    .map(|gap| Text::from(format!("status of {} (not stated): {gap}", lb.id())));
            }
            Lifecycle::Unrecognised => {
                state.doubt = Some(Text::from(format!("status `{status}` of {}", lb.id())));
            }
        }
        if lb.is_locked() {
            let word = lb.meta.business_status.as_deref().unwrap_or("locked");
            state.failed.push(format!("business status {word}"));
        }
        if let Some(zone) = Self::zone_of(lb, front)
            && Lifecycle::of(Kind::LoadBalancer, zone.status.as_deref()) == Lifecycle::Dead
        {
            let word = zone.status.as_deref().unwrap_or_default();
            state.failed.push(format!("zone {} {word}", zone.zone));
        }
        let to = Branch::go(self.balancer_step(front, Step::Listeners));
        self.gate("load_balancer", lb, state, Reason::LbInactive, to)
    }

    /// A gate that is open unless something fails; all that fails stands in its element's text.
    pub(super) fn gate(
        &mut self,
        name: &'static str,
        of: &dyn Resource,
        state: State,
        reason: Reason,
        to: Branch,
    ) -> Stage {
        let at = self.named(of);
        let to = to.after(Op::Via(at));
        let closed = Branch::drop(reason, at).after(Op::Via(at));
        let mut rules = Vec::new();
        if !state.failed.is_empty() {
            let text = format!("{}: {}", of.to_ref(), state.failed.join(", "));
            let element = self.remark(of.to_ref(), of.meta().source.clone(), text);
            rules.push(Rule::new(Match::default(), element, closed));
        } else if state.doubt.is_some() {
            let matches = Match::default();
            rules.push(Rule { matches, element: at, then: closed, doubt: state.doubt });
        }
        Stage::filter(name, at, Table { rules, default: to.clone() }, Pass::stateful(to))
    }

    /// The load balancer remembers the flow: its servers answer it, whatever the routes say, and it
    /// answers the client (access.md §3.1, egress.md §5.1).
    /// A server that calls it at layer 4 meets itself (access.md §3.2).
    pub(super) fn balancer_turn(
        &mut self,
        lb: &'t LoadBalancer,
        front: &Front,
        layer_4: bool,
    ) -> Op {
        let at = self.named(lb);
        let resume = match front.door {
            Door::Public => Resume::Outside,
            _ => Resume::Go(self.answer_of(lb, front)),
        };
        let loops =
            (layer_4 && lb.lb_type == Some(LoadBalancerType::Clb)).then_some(Reason::ClbHairpin);
        Op::Turn(Arc::new(Turn { loops, ..Turn::new(at, Back::Direct, resume) }))
    }

    /// Replies from a private address: by the routes of its vSwitch. A CLB's address is none of an
    /// ENI, so that its packets count as coming from outside every vSwitch (access.md §2.2).
    fn answer_of(&mut self, lb: &'t LoadBalancer, front: &Front) -> Branch {
        let vswitch = match lb.lb_type {
            Some(LoadBalancerType::Clb) => lb.vswitch.clone().flatten(),
            _ => Self::zone_of(lb, front).and_then(|zone| zone.vswitch.clone()),
        };
        let (Some(vpc), Some(vswitch)) = (self.vpc_of_balancer(lb), vswitch) else {
            return Branch::unknown(format!("vSwitch of {} (not stated)", lb.id()));
        };
        if lb.lb_type == Some(LoadBalancerType::Clb) {
            // between a client and the address in one vSwitch no ACL is asked, both ways
            let segment = self.segment(&vswitch);
            let routes = self.routes_of_vswitch(&vpc, &vswitch);
            return routes.after_all([Op::Identity(Identity::None), Op::Sender(Some(segment))]);
        }
        self.sent_from(&vpc, &vswitch).after(Op::Identity(Identity::None))
    }

    /// What a device sends from its ENI in a vSwitch: past the ACL, by the routes.
    pub(super) fn sent_from(&mut self, vpc: &Id, vswitch: &Id) -> Branch {
        let sender = self.segment(vswitch);
        let routes = self.routes_of_vswitch(vpc, vswitch);
        let out = match routes.end {
            End::Go(stage) => {
                let filters = Filters {
                    vpc: Some(vpc.clone()),
                    groups: Groups::None,
                    border: Some(vswitch.clone()),
                    doubt: None,
                };
                let next = self.acl(&filters, Direction::Egress, Next::Stage(stage));
                next.branch().after_all(routes.ops)
            }
            end => Branch { ops: routes.ops, end },
        };
        out.after(Op::Sender(Some(sender)))
    }

    /// Addresses under which the nodes of an ALB or NLB in a zone send, with what is assumed about
    /// them (access.md §1.6). The private addresses stand in where no others are stated.
    pub(super) fn node_addresses(
        lb: &'t LoadBalancer,
        front: &Front,
    ) -> (Vec<Option<IpAddr>>, Option<Text>) {
        let Some(zone) = Self::zone_of(lb, front) else { return (vec![None], None) };
        let instead = zone.local_ips.is_empty() && lb.lb_type == Some(LoadBalancerType::Alb);
        let addresses = if zone.local_ips.is_empty() { &zone.private_ips } else { &zone.local_ips };
        let mut out: Vec<Option<IpAddr>> = addresses.iter().map(AddrValue::addr).collect();
        out.sort();
        out.dedup();
        if out.is_empty() {
            return (vec![None], None);
        }
        let text = format!("local addresses of {} = its private ones (not stated)", lb.id());
        (out, instead.then(|| Text::from(text)))
    }
}

/// Regions where an EIP on a private CLB follows the IPv4 gateway: London, Tokyo, Riyadh, Kuala
/// Lumpur, Hohhot, Virginia (egress.md §3).
const FOLLOW_IPV4_GATEWAY: &[&str] =
    &["eu-west-1", "ap-northeast-1", "me-central-1", "ap-southeast-3", "cn-huhehaote", "us-east-1"];

/// The classes of a set of addresses that these sets tell apart, each with its first usable address.
pub(super) fn classes(base: AddrSet, cuts: &[AddrSet]) -> Vec<(AddrSet, IpAddr)> {
    let mut parts = vec![base];
    for cut in cuts {
        parts = parts
            .into_iter()
            .flat_map(|part| [part.intersect(cut), part.difference(cut)])
            .filter(|part| !part.is_empty())
            .collect();
    }
    let first = |part: &AddrSet| {
        let range = part.ranges().first()?;
        let number = if range.first < range.last { range.first + 1 } else { range.first };
        Some(part.family().address(number))
    };
    parts.into_iter().filter_map(|part| first(&part).map(|address| (part, address))).collect()
}
