//! Security groups as first-match tables (access.md §1.3, §1.4).
//!
//! The rules of all groups of an ENI form one pool: by priority, drop before accept on a tie. Ahead
//! of it stands the free passage between members of one basic group, behind it the default of the
//! group type.

use rustc_hash::FxHashMap;

use super::super::pipeline::{Branch, ElementId, Op, Pass, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table};
use super::Compiler;
use super::filter::{Groups, Next};
use crate::addr::{AddrSet, Cidr, Family};
use crate::topology::{
    AddrValue, CidrValue, Direction, FilterProtocol, Id, Kind, Listing, Policy, PortSpec, Resource,
    RulePeer, Scope, SecurityGroup, SecurityGroupRule, SecurityGroupType, Text, Topology,
};

/// Private addresses of the members of a group.
#[derive(Debug, Clone)]
pub(super) struct Members {
    v4: AddrSet,
    v6: AddrSet,
    /// Set when some member has an address that is not known as a number.
    masked: Option<Text>,
}

impl Members {
    fn of(&self, family: Family) -> &AddrSet {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

/// Private addresses by group. The unit of membership is the ENI (access.md §1.1).
pub(super) fn members(topology: &Topology) -> FxHashMap<Id, Members> {
    let mut found: FxHashMap<&Id, (Vec<Cidr>, Option<Text>)> = FxHashMap::default();
    let mut join = |group, addresses: &mut dyn Iterator<Item = &AddrValue>| {
        let (cidrs, masked): &mut (Vec<Cidr>, Option<Text>) = found.entry(group).or_default();
        for address in addresses {
            match address.addr() {
                Some(address) => cidrs.push(Cidr::host(address)),
                None => *masked = Some(Text::from(format!("address `{address}` (masked)"))),
            }
        }
    };
    let mut with_eni = rustc_hash::FxHashSet::default();
    for eni in &topology.enis {
        let owner = eni.instance.as_ref().and_then(|i| topology.instances.get(i.as_ref()?));
        let primary = eni.eni_type != Some(crate::topology::EniType::Secondary);
        if let Some(owner) = owner.filter(|_| primary) {
            with_eni.insert(owner.id());
        }
        let of_owner = owner.filter(|_| primary).and_then(|o| o.security_groups.as_ref());
        for group in eni.security_groups.as_ref().or(of_owner).into_iter().flatten() {
            let private = eni.private_ips.iter().flatten().map(|ip| &ip.address);
            join(group, &mut private.chain(eni.ipv6_ips.iter().flatten()));
        }
    }
    for instance in topology.instances.iter().filter(|i| !with_eni.contains(i.id())) {
        for group in instance.security_groups.iter().flatten() {
            join(group, &mut instance.private_ips.iter().flatten());
        }
    }
    // devices with ENIs of their own are members too (access.md §4.6 step 2, §1.7)
    for endpoint in &topology.endpoints {
        for group in endpoint.security_groups.iter().flatten() {
            let zones = endpoint.zones.iter().flatten();
            join(group, &mut zones.filter_map(|zone| zone.address.as_ref()));
        }
    }
    for balancer in &topology.load_balancers {
        for group in balancer.security_groups.iter().flatten() {
            let zones = balancer.zones.iter().flatten();
            join(group, &mut zones.flat_map(|zone| &zone.private_ips));
        }
    }
    found
        .into_iter()
        .map(|(group, (cidrs, masked))| {
            let set = |family| AddrSet::from_cidrs(family, &cidrs);
            (group.clone(), Members { v4: set(Family::V4), v6: set(Family::V6), masked })
        })
        .collect()
}

/// One side of a rule: the blocks that it names, the members of a group, or what is missing.
enum Peer {
    Blocks(Vec<Cidr>),
    Group(Id),
    Missing(Text),
    Nobody,
}

impl<'t> Compiler<'t> {
    /// The stage of a set of groups in one direction.
    pub(super) fn groups_stage(
        &mut self,
        vpc: Option<&Id>,
        groups: &Groups,
        direction: &Direction,
        transit: bool,
        next: Next,
    ) -> Stage {
        let pass = Pass::stateful(next.branch());
        let ids = match groups {
            Groups::Known(ids) => ids.clone(),
            Groups::None => std::sync::Arc::from([]),
            Groups::Unknown(missing) => {
                let at = vpc.map(|vpc| self.network(vpc));
                let at =
                    at.unwrap_or_else(|| self.referred(Kind::SecurityGroup, &"unknown".into()));
                return self.unreadable_filter(STAGE, at, missing.clone(), pass, next);
            }
        };
        let at = match ids.first() {
            Some(first) => self.security_group(first),
            None => self.referred(Kind::SecurityGroup, &"none".into()),
        };
        let mut known: Vec<&'t SecurityGroup> = Vec::new();
        for id in ids.iter() {
            let Some(group) = self.topology.security_groups.get(id) else {
                let missing = Text::from(format!("security group {id} (not in the input)"));
                return self.unreadable_filter(STAGE, at, missing, pass, next);
            };
            known.push(group);
        }
        // free passage is between the ENIs themselves, not for what they forward
        let members: &[&SecurityGroup] = if transit { &[] } else { &known };
        let mut rules = self.intra_group(vpc, members, direction, next);
        let gap = known.iter().find_map(|group| self.rules_gap(group));
        if let Some(missing) = gap {
            // a rule that is not in the input could outrank all others
            let default = self.missing_filter(missing, next);
            return Stage::filter(STAGE, at, Table { rules, default }, pass);
        }
        rules.extend(self.pool(vpc, &known, direction, next));
        let default = self.group_default(&known, direction, at, next);
        Stage::filter(STAGE, at, Table { rules, default }, pass)
    }

    fn security_group(&mut self, id: &Id) -> ElementId {
        match self.topology.security_groups.get(id) {
            Some(group) => self.named(group),
            None => self.referred(Kind::SecurityGroup, id),
        }
    }

    /// What is missing to know all rules of a group.
    fn rules_gap(&self, group: &SecurityGroup) -> Option<Text> {
        let scope = Scope::around(&group.meta).with_parent(group.id());
        let gap = self.topology.coverage.gap(Listing::SecurityGroupRules, &scope)?;
        Some(Text::from(gap.to_string()))
    }

    /// Free passage between members of a basic group with inner access: ahead of every custom rule
    /// (access.md §1.4 step 3). Both addresses must be private addresses of members.
    fn intra_group(
        &mut self,
        vpc: Option<&Id>,
        groups: &[&SecurityGroup],
        direction: &Direction,
        next: Next,
    ) -> Vec<Rule> {
        let mut rules = Vec::new();
        let home = vpc.map(|vpc| self.network(vpc));
        for group in groups.iter().filter(|g| is_basic(g)) {
            let doubt = match group.inner_access {
                Some(Policy::Accept) => None,
                Some(Policy::Drop) => continue,
                _ => {
                    Some(Text::from(format!("inner access policy of {} (not stated)", group.id())))
                }
            };
            let element = self.security_group(group.id());
            for family in [Family::V4, Family::V6] {
                let Some(members) = self.members.get(group.id()).map(|m| m.of(family).clone())
                else {
                    continue;
                };
                if members.is_empty() {
                    continue;
                }
                let matches = match direction {
                    Direction::Ingress => Match { home, ..Match::from(members) },
                    _ => Match::to(members),
                };
                let mut then = next.branch();
                if group.group_type.is_none() {
                    then = then.after(assumed_basic(group));
                }
                rules.push(Rule { matches, element, then, doubt: doubt.clone() });
            }
            rules.extend(self.absent_members(group.id(), home, direction, element, next));
        }
        rules
    }

    /// Addresses of which it is not known whether they are members, for lack of ENIs.
    fn absent_members(
        &self,
        group: &Id,
        home: Option<ElementId>,
        direction: &Direction,
        element: ElementId,
        next: Next,
    ) -> Vec<Rule> {
        let Some(missing) = self.members_gap(group) else { return Vec::new() };
        [Family::V4, Family::V6]
            .into_iter()
            .map(|family| {
                let listed = self.members.get(group).map(|m| m.of(family).clone());
                let others = listed.unwrap_or_else(|| AddrSet::empty(family)).complement();
                let matches = match direction {
                    Direction::Ingress => Match { home, ..Match::from(others) },
                    _ => Match::to(others.intersect(&self.own_space(family))),
                };
                Rule { matches, element, then: next.branch(), doubt: Some(missing.clone()) }
            })
            .collect()
    }

    /// Addresses that can belong to a host of some VPC.
    fn own_space(&self, family: Family) -> AddrSet {
        let blocks = self.topology.vpcs.iter().flat_map(|vpc| {
            let v4 = vpc.cidr.iter().chain(vpc.secondary_cidrs.iter().flatten());
            v4.chain(vpc.ipv6_cidrs.iter().flatten()).filter_map(CidrValue::cidr)
        });
        let blocks: Vec<Cidr> = blocks.collect();
        AddrSet::from_cidrs(family, &blocks)
    }

    /// What is missing to know all members of a group.
    fn members_gap(&self, group: &Id) -> Option<Text> {
        if let Some(masked) = self.members.get(group).and_then(|m| m.masked.clone()) {
            return Some(masked);
        }
        let meta = self.topology.security_groups.get(group).map(|g| Scope::around(&g.meta));
        let gap = self.topology.coverage.gap(Listing::Enis, &meta.unwrap_or_default())?;
        Some(Text::from(format!("members of {group}: {gap}")))
    }

    /// All custom rules in match order (access.md §1.4 step 4).
    fn pool(
        &mut self,
        vpc: Option<&Id>,
        groups: &[&SecurityGroup],
        direction: &Direction,
        next: Next,
    ) -> Vec<Rule> {
        let mut pool: Vec<&SecurityGroupRule> = groups
            .iter()
            .flat_map(|group| self.group_rules.get(group.id().as_str()).into_iter().flatten())
            .filter(|rule| rule.direction.as_ref().is_none_or(|d| d == direction))
            .copied()
            .collect();
        pool.sort_by_key(|rule| (rule.priority.unwrap_or(1), !drops(rule)));
        let mut out = Vec::new();
        for rule in pool {
            out.extend(self.group_rule(vpc, rule, direction, next));
        }
        out
    }

    /// A rule as table rules: one per family, and one per range of source ports.
    fn group_rule(
        &mut self,
        vpc: Option<&Id>,
        rule: &'t SecurityGroupRule,
        direction: &Direction,
        next: Next,
    ) -> Vec<Rule> {
        let element = self.element(rule, rule_text(rule));
        let then = if drops(rule) {
            let reason = match direction {
                Direction::Ingress => Reason::SgIngressDenied,
                _ => Reason::SgEgressDenied,
            };
            Branch::drop(reason, self.rule_group(rule)).after(Op::Via(element))
        } else {
            next.branch()
        };
        let mut doubt = match &rule.policy {
            Some(Policy::Other(word)) => Some(format!("policy `{word}` of {}", rule.id())),
            _ if rule.direction.is_none() => Some(format!("direction of {}", rule.id())),
            _ => None,
        };
        let source_ports = match &rule.source_ports {
            None => vec![(0, u16::MAX)],
            stated => self.ports(stated.as_ref()).unwrap_or_else(|missing| {
                doubt = Some(format!("source {missing} of {}", rule.id()));
                vec![(0, u16::MAX)]
            }),
        };
        let mut out = Vec::new();
        for family in [Family::V4, Family::V6] {
            let services = self.services(rule.protocol.as_ref(), rule.ports.as_ref(), family);
            let services = match services {
                Ok(Some(services)) => services,
                Ok(None) => continue,
                Err(missing) => {
                    doubt = Some(format!("{missing} of {}", rule.id()));
                    possible_services(rule)
                }
            };
            for (peer, certain) in self.peer_sets(vpc, rule, family, direction) {
                let mut matches = self.sides(vpc, rule, family, direction, peer);
                matches.services = (!services.is_all()).then(|| services.clone());
                let doubt = doubt.as_deref().map(Text::from).or(certain);
                for ports in &source_ports {
                    let src_ports = (*ports != (0, u16::MAX)).then_some(*ports);
                    let matches = Match { src_ports, ..matches.clone() };
                    out.push(Rule { matches, element, then: then.clone(), doubt: doubt.clone() });
                }
            }
        }
        out
    }

    fn rule_group(&mut self, rule: &SecurityGroupRule) -> ElementId {
        let id = rule.group.clone().unwrap_or_else(|| "unknown".into());
        self.security_group(&id)
    }

    /// Addresses on the other side of a rule, each set with what is missing to be sure of it.
    fn peer_sets(
        &self,
        vpc: Option<&Id>,
        rule: &SecurityGroupRule,
        family: Family,
        direction: &Direction,
    ) -> Vec<(AddrSet, Option<Text>)> {
        match self.peer(vpc, rule) {
            Peer::Blocks(blocks) => {
                let set = AddrSet::from_cidrs(family, &blocks);
                if set.is_empty() { Vec::new() } else { vec![(set, None)] }
            }
            Peer::Group(group) => {
                let mut sets = Vec::new();
                let listed = self.members.get(&group).map(|m| m.of(family).clone());
                let listed = listed.unwrap_or_else(|| AddrSet::empty(family));
                let of = self.topology.security_groups.get(&group);
                if of.is_none_or(|group| group.vpc.is_none()) {
                    // it may be one of another VPC, whose members count for nothing here
                    let mut any = AddrSet::full(family);
                    if *direction == Direction::Egress {
                        any = self.own_space(family).union(&listed);
                    }
                    let missing = Text::from(format!("VPC of security group {group} (not stated)"));
                    return vec![(any, Some(missing))];
                }
                if let Some(missing) = self.members_gap(&group) {
                    let mut others = listed.complement();
                    if *direction == Direction::Egress {
                        others = others.intersect(&self.own_space(family));
                    }
                    sets.push((others, Some(missing)));
                }
                sets.insert(0, (listed, None));
                sets.retain(|(set, _)| !set.is_empty());
                sets
            }
            Peer::Missing(missing) => vec![(AddrSet::full(family), Some(missing))],
            Peer::Nobody => Vec::new(),
        }
    }

    /// The other side of a rule. The reader has already taken the first of several
    /// (access.md §1.3: block before group before prefix list).
    fn peer(&self, vpc: Option<&Id>, rule: &SecurityGroupRule) -> Peer {
        match &rule.peer {
            Some(RulePeer::Cidr(value)) => match value.cidr() {
                Some(cidr) => Peer::Blocks(vec![cidr]),
                None => Peer::Missing(Text::from(format!("block `{value}` of {}", rule.id()))),
            },
            Some(RulePeer::PrefixList(list)) => match self.prefix_list(list) {
                Ok(blocks) => Peer::Blocks(blocks),
                Err(missing) => Peer::Missing(missing),
            },
            Some(RulePeer::Group { group, .. }) => {
                let of = self.topology.security_groups.get(group);
                match of.and_then(|g| g.vpc.as_ref()) {
                    // group peers do not span VPCs (access.md §1.3)
                    Some(other) if vpc.is_some() && other.as_ref() != vpc => Peer::Nobody,
                    _ => Peer::Group(group.clone()),
                }
            }
            None => Peer::Missing(Text::from(format!("peer of {} (not stated)", rule.id()))),
        }
    }

    /// Entries of a prefix list.
    pub(super) fn prefix_list(&self, id: &Id) -> Result<Vec<Cidr>, Text> {
        let entries = self.topology.prefix_lists.get(id).and_then(|list| list.entries.as_ref());
        let blocks = entries.and_then(|entries| entries.iter().map(CidrValue::cidr).collect());
        blocks.ok_or_else(|| Text::from(format!("entries of prefix list {id} (not in the input)")))
    }

    /// Source and destination of a rule. A group as peer means hosts of the same VPC only: public
    /// addresses never match it.
    fn sides(
        &mut self,
        vpc: Option<&Id>,
        rule: &SecurityGroupRule,
        family: Family,
        direction: &Direction,
        peer: AddrSet,
    ) -> Match {
        let own = rule.own_cidr.as_ref().and_then(CidrValue::cidr);
        let own = own.map(|cidr| AddrSet::from_cidrs(family, [&cidr]));
        let whole = peer == AddrSet::full(family);
        let of_group = matches!(rule.peer, Some(RulePeer::Group { .. }));
        let home = vpc.filter(|_| of_group).map(|vpc| self.network(vpc));
        // the family of a rule for everything stands in its other side
        let peer = (!whole || own.is_none()).then_some(peer);
        match direction {
            Direction::Ingress => Match { src: peer, dst: own, home, ..Match::default() },
            _ => Match { src: own, dst: peer, ..Match::default() },
        }
    }

    /// What happens to packets that no rule matches (access.md §1.2, §1.4 step 6): a mixture of
    /// types counts as the stricter.
    fn group_default(
        &mut self,
        groups: &[&SecurityGroup],
        direction: &Direction,
        at: ElementId,
        next: Next,
    ) -> Branch {
        let advanced = groups.iter().any(|g| g.group_type == Some(SecurityGroupType::Advanced));
        let other = groups.iter().find_map(|g| match &g.group_type {
            Some(SecurityGroupType::Other(word)) => Some((g.id(), word)),
            _ => None,
        });
        let branch = match direction {
            Direction::Ingress => Branch::drop(Reason::SgIngressDenied, at).after(Op::Via(at)),
            _ if advanced => Branch::drop(Reason::SgEgressDenied, at).after(Op::Via(at)),
            _ => match other {
                Some((id, word)) => {
                    Branch::unknown(format!("type `{word}` of {id} (not understood)"))
                }
                None => next.branch(),
            },
        };
        let untyped = groups.iter().filter(|g| g.group_type.is_none());
        branch.after_all(untyped.map(|group| assumed_basic(group)))
    }
}

/// Name of the stages.
const STAGE: &str = "security_group";

/// A group of unknown type is taken as basic (decisions.md 42).
fn is_basic(group: &SecurityGroup) -> bool {
    matches!(group.group_type, None | Some(SecurityGroupType::Basic))
}

fn assumed_basic(group: &SecurityGroup) -> Op {
    Op::Assume(Text::from(format!("group_type = basic ({}, not stated)", group.id())))
}

fn drops(rule: &SecurityGroupRule) -> bool {
    rule.policy == Some(Policy::Drop)
}

/// Services that a rule may mean whose services cannot be read: those of its protocol.
fn possible_services(rule: &SecurityGroupRule) -> crate::packet::ServiceSet {
    use crate::packet::{Protocol, ServiceRange, ServiceSet};
    let of = |protocol| ServiceSet::from_ranges(vec![ServiceRange::of(protocol)]);
    match rule.protocol {
        Some(FilterProtocol::Tcp) => of(Protocol::Tcp),
        Some(FilterProtocol::Udp) => of(Protocol::Udp),
        _ => ServiceSet::all(),
    }
}

/// `accept tcp 443/443 from 10.0.0.0/8, priority 1`.
fn rule_text(rule: &SecurityGroupRule) -> Text {
    let policy = if drops(rule) { "drop" } else { "accept" };
    let protocol = rule.protocol.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    let ports = match &rule.ports {
        Some(PortSpec::Range(first, last)) if first == last => format!(" {first}"),
        Some(PortSpec::Range(first, last)) => format!(" {first}-{last}"),
        Some(PortSpec::List(id)) => format!(" ports {id}"),
        Some(PortSpec::Other(text)) => format!(" ports {text}"),
        Some(PortSpec::All) | None => String::new(),
    };
    let side = if rule.direction == Some(Direction::Egress) { "to" } else { "from" };
    let peer = match &rule.peer {
        Some(RulePeer::Cidr(cidr)) => cidr.to_string(),
        Some(RulePeer::Group { group, .. }) => format!("members of {group}"),
        Some(RulePeer::PrefixList(list)) => format!("prefix list {list}"),
        None => "?".to_owned(),
    };
    let priority = rule.priority.unwrap_or(1);
    let group = rule.group.as_ref().map(|group| format!("{group}: ")).unwrap_or_default();
    Text::from(format!("{group}{policy} {protocol}{ports} {side} {peer}, priority {priority}"))
}
