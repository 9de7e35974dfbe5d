//! Security groups and network ACLs (access.md §1, §2).

use std::collections::BTreeSet;
use std::net::IpAddr;

use vpclint::addr::Cidr;
use vpclint::topology::{
    CidrValue, Direction, EipMode, EipTarget, Eni, EniType, FilterProtocol, Id, Listing,
    NetworkAcl, Policy, PortSpec, RulePeer, Scope, SecurityGroup, SecurityGroupRule,
    SecurityGroupType,
};

use super::facts::in_any;
use super::flow::{Flow, Gate, Packet, Protocol, Trip, holds};

/// Name servers and metadata, which no ACL closes (access.md §2.1).
const OPEN: [&str; 3] = ["100.100.2.128/28", "100.100.2.112/28", "100.100.100.200/32"];

/// What a filter does with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    Allow,
    Deny,
    /// What is missing to say so.
    Unknown(String),
}

/// Whether a condition holds.
enum Match {
    Yes,
    No,
    Maybe(String),
}

impl Match {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// All of them hold.
    fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::Yes;
        for condition in conditions {
            match condition {
                Self::No => return Self::No,
                Self::Maybe(what) => sum = Self::Maybe(what),
                Self::Yes => {}
            }
        }
        sum
    }

    /// One of them holds.
    fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::No;
        for condition in conditions {
            match condition {
                Self::Yes => return Self::Yes,
                Self::Maybe(what) => sum = Self::Maybe(what),
                Self::No => {}
            }
        }
        sum
    }
}

/// First match in order; where it is open whether an entry matches, both ways are gone.
fn first_match(entries: impl IntoIterator<Item = (Match, bool)>, default: bool) -> Filter {
    let mut seen = BTreeSet::new();
    let mut why = String::new();
    let mut decided = false;
    for (matches, accepts) in entries {
        match matches {
            Match::No => {}
            Match::Maybe(what) => {
                seen.insert(accepts);
                why = what;
            }
            Match::Yes => {
                seen.insert(accepts);
                decided = true;
                break;
            }
        }
    }
    if !decided {
        seen.insert(default);
    }
    match (seen.contains(&true), seen.contains(&false)) {
        (true, false) => Filter::Allow,
        (false, _) => Filter::Deny,
        (true, true) => Filter::Unknown(why),
    }
}

/// Somebody in security groups: an ENI, or what acts like one.
#[derive(Debug, Clone)]
pub struct Member {
    pub vpc: Option<Id>,
    pub addresses: Vec<IpAddr>,
    pub blocks: Vec<Cidr>,
    /// What is missing, if they are not known.
    pub groups: Result<Vec<Id>, String>,
}

impl Member {
    fn holds(&self, ip: IpAddr) -> bool {
        self.addresses.contains(&ip) || self.blocks.iter().any(|block| block.contains(ip))
    }
}

/// Who is at the other end, for rules about groups.
pub enum Peer {
    Member(Member),
    Nobody,
    Missing(String),
}

impl From<Option<Member>> for Peer {
    fn from(member: Option<Member>) -> Self {
        member.map_or(Self::Nobody, Self::Member)
    }
}

/// The rules that the cloud gives an ALB or NLB (access.md §1.7).
pub enum Managed {
    No,
    /// Accept with priority 100, and with priority 1 when the source is one of its own addresses.
    Balancer {
        from_itself: bool,
    },
}

fn protocol_matches(stated: Option<&FilterProtocol>, protocol: Protocol) -> Match {
    let wanted = match protocol {
        Protocol::Tcp => FilterProtocol::Tcp,
        Protocol::Udp => FilterProtocol::Udp,
        Protocol::Icmp => FilterProtocol::Icmp,
        Protocol::Icmpv6 => FilterProtocol::Icmpv6,
        Protocol::Gre => FilterProtocol::Gre,
    };
    match stated {
        None => Match::Maybe("the protocol of a rule".to_owned()),
        Some(stated) => Match::of(*stated == FilterProtocol::All || *stated == wanted),
    }
}

fn in_block(block: &CidrValue, ip: IpAddr) -> Match {
    match block.cidr() {
        Some(cidr) => Match::of(cidr.contains(ip)),
        None => Match::Maybe(format!("the block {block}")),
    }
}

impl<'a> Flow<'a> {
    pub fn gap(&self, listing: Listing, parent: Option<&Id>) -> Option<String> {
        let scope = parent.map_or_else(Scope::anywhere, Scope::of_parent);
        self.facts.topology.coverage.gap(listing, &scope).map(|gap| gap.to_string())
    }

    // ---- who is in which group -----------------------------------------------------------------

    pub fn member(&self, eni: &Eni) -> Member {
        Member {
            vpc: eni.vpc.clone(),
            addresses: eni
                .private_ips
                .iter()
                .flatten()
                .filter_map(|ip| ip.address.addr())
                .chain(eni.ipv6_ips.iter().flatten().filter_map(|ip| ip.addr()))
                .collect(),
            blocks: eni.ipv4_prefixes.iter().flatten().filter_map(|c| c.cidr()).collect(),
            groups: self.groups(eni),
        }
    }

    /// Those that the ENI states, or for a primary ENI its instance. Where neither states any it is in
    /// none only if there are none at all.
    fn groups(&self, eni: &Eni) -> Result<Vec<Id>, String> {
        if let Some(groups) = &eni.security_groups {
            return Ok(groups.clone());
        }
        let owner = self.facts.owner(eni).filter(|_| eni.eni_type == Some(EniType::Primary));
        if let Some(groups) = owner.and_then(|o| o.security_groups.clone()) {
            return Ok(groups);
        }
        if !self.facts.topology.security_groups.is_empty() {
            return Err("security groups of the ENI".to_owned());
        }
        let gap = self.gap(Listing::SecurityGroups, None);
        gap.map_or(Ok(Vec::new()), Err)
    }

    /// Whose private address this is in a VPC.
    pub fn peer_at(&self, vpc: Option<&Id>, ip: IpAddr) -> Peer {
        let t = self.facts.topology;
        let endpoint = t.endpoints.iter().find_map(|e| {
            let zone = e
                .zones
                .iter()
                .flatten()
                .find(|z| z.address.as_ref().and_then(|a| a.addr()) == Some(ip));
            (e.vpc.as_ref() == vpc).then_some(zone?)?;
            Some(self.endpoint_member(e, ip))
        });
        let balancer = || {
            let lb = t.load_balancers.iter().find(|lb| {
                lb.vpc.clone().flatten().as_ref() == vpc
                    && lb
                        .zones
                        .iter()
                        .flatten()
                        .any(|z| z.private_ips.iter().any(|a| a.addr() == Some(ip)))
            })?;
            Some(self.balancer_member(lb))
        };
        let eni = || t.enis.iter().find(|e| e.vpc.as_ref() == vpc && holds(e, ip));
        let found = endpoint.or_else(balancer).or_else(|| Some(self.member(eni()?)));
        match (found, self.gap(Listing::Enis, None)) {
            (Some(member), _) => Peer::Member(member),
            (None, None) => Peer::Nobody,
            (None, Some(gap)) => Peer::Missing(gap),
        }
    }

    // ---- security groups -----------------------------------------------------------------------

    /// One ENI, one direction (access.md §1.4). Replies are not asked about.
    pub fn security_groups(
        &self,
        direction: &Direction,
        own: &Member,
        packet: &Packet,
        peer: &Peer,
        managed: &Managed,
    ) -> Filter {
        let groups = match &own.groups {
            Err(what) => return Filter::Unknown(what.clone()),
            Ok(groups) if groups.is_empty() => return Filter::Allow,
            Ok(groups) => groups,
        };
        let (own_ip, far_ip) = match direction {
            Direction::Ingress => (packet.dst, packet.src),
            _ => (packet.src, packet.dst),
        };
        let inner = self.inner_access(own, groups, own_ip, peer, far_ip);
        if matches!(inner, Match::Yes) {
            return Filter::Allow;
        }
        let mut basic = true;
        let mut pool: Vec<(&SecurityGroupRule, u64, bool)> = Vec::new();
        for id in groups {
            let Some(group) = self.facts.topology.security_groups.get(id) else {
                return Filter::Unknown(format!("security group {id}"));
            };
            if let Some(gap) = self.gap(Listing::SecurityGroupRules, Some(id)) {
                return Filter::Unknown(gap);
            }
            // of groups of both types the stricter defaults hold (access.md §7)
            basic &= is_basic(group);
            let rules = self.facts.topology.security_group_rules.iter();
            for rule in rules.filter(|r| r.group.as_ref() == Some(id)) {
                let accepts = rule.policy != Some(Policy::Drop);
                pool.push((rule, rule.priority.unwrap_or(1), accepts));
            }
        }
        let mut ranked: Vec<(u64, bool, Match)> = pool
            .into_iter()
            .map(|(rule, rank, accepts)| {
                (rank, accepts, self.rule_matches(rule, direction, own, packet, peer))
            })
            .collect();
        if let Managed::Balancer { from_itself } = managed {
            ranked.push((1, true, Match::of(*from_itself)));
            ranked.push((100, true, Match::Yes));
        }
        // by priority, of equal ones drop first (step 4)
        ranked.sort_by_key(|(rank, accepts, _)| (*rank, *accepts));
        let default = basic && *direction == Direction::Egress;
        let verdict = first_match(ranked.into_iter().map(|(_, a, m)| (m, a)), default);
        match (verdict, inner) {
            (Filter::Deny, Match::Maybe(what)) => Filter::Unknown(what),
            (verdict, _) => verdict,
        }
    }

    /// Step 3: both are in one basic group that lets its members reach each other.
    fn inner_access(
        &self,
        own: &Member,
        groups: &[Id],
        own_ip: IpAddr,
        peer: &Peer,
        far_ip: IpAddr,
    ) -> Match {
        if !own.holds(own_ip) {
            return Match::No;
        }
        let open = |id: &Id| match self.facts.topology.security_groups.get(id) {
            Some(group) if !is_basic(group) => Match::No,
            Some(group) => match &group.inner_access {
                Some(policy) => Match::of(*policy == Policy::Accept),
                None => Match::Maybe(format!("InnerAccessPolicy of {id}")),
            },
            None => Match::Maybe(format!("security group {id}")),
        };
        match peer {
            Peer::Nobody => Match::No,
            Peer::Member(m) if m.vpc != own.vpc || !m.holds(far_ip) => Match::No,
            Peer::Member(Member { groups: Ok(theirs), .. }) => {
                Match::any(groups.iter().filter(|g| theirs.contains(g)).map(open))
            }
            Peer::Member(Member { groups: Err(what), .. }) | Peer::Missing(what) => {
                match Match::any(groups.iter().map(open)) {
                    Match::No => Match::No,
                    Match::Yes | Match::Maybe(_) => Match::Maybe(what.clone()),
                }
            }
        }
    }

    fn rule_matches(
        &self,
        rule: &SecurityGroupRule,
        direction: &Direction,
        own: &Member,
        packet: &Packet,
        peer: &Peer,
    ) -> Match {
        let (own_ip, far_ip) = match direction {
            Direction::Ingress => (packet.dst, packet.src),
            _ => (packet.src, packet.dst),
        };
        let way = match &rule.direction {
            Some(stated) => Match::of(stated == direction),
            None => Match::Maybe("the direction of a rule".to_owned()),
        };
        let (mut ports, mut source_ports) = (Match::Yes, Match::Yes);
        if packet.protocol.has_ports() {
            ports = match &rule.ports {
                Some(spec) => self.port_matches(spec, packet.dport),
                None => Match::Maybe(format!("the ports of {}", rule.meta.id)),
            };
            if let Some(spec) = &rule.source_ports {
                source_ports = self.port_matches(spec, packet.sport);
            }
        }
        let far = match &rule.peer {
            None => Match::No,
            Some(RulePeer::Cidr(block)) => in_block(block, far_ip),
            Some(RulePeer::PrefixList(id)) => self.in_prefix_list(id, far_ip),
            Some(RulePeer::Group { group, .. }) => group_matches(group, own, peer, far_ip),
        };
        let near = rule.own_cidr.as_ref().map_or(Match::Yes, |block| in_block(block, own_ip));
        let protocol = protocol_matches(rule.protocol.as_ref(), packet.protocol);
        Match::all([way, protocol, ports, source_ports, far, near])
    }

    fn port_matches(&self, spec: &PortSpec, port: u16) -> Match {
        match spec {
            PortSpec::All => Match::Yes,
            PortSpec::Range(first, last) => Match::of((*first..=*last).contains(&port)),
            PortSpec::List(id) => {
                let list = self.facts.topology.port_lists.get(id);
                match list.and_then(|l| l.entries.as_ref()) {
                    Some(entries) => {
                        Match::any(entries.iter().map(|entry| self.port_matches(entry, port)))
                    }
                    None => Match::Maybe(Listing::PortListEntries.api().to_owned()),
                }
            }
            PortSpec::Other(text) => Match::Maybe(format!("the ports {text}")),
        }
    }

    fn in_prefix_list(&self, id: &str, ip: IpAddr) -> Match {
        let list = self.facts.topology.prefix_lists.get(id);
        match list.and_then(|l| l.entries.as_ref()) {
            Some(entries) => Match::any(entries.iter().map(|block| in_block(block, ip))),
            None => Match::Maybe(Listing::EcsPrefixListEntries.api().to_owned()),
        }
    }

    // ---- network ACLs --------------------------------------------------------------------------

    /// The border that an ENI's packets cross.
    pub fn gate(&self, eni: &Eni) -> Option<Gate> {
        let secondary = eni.eni_type == Some(EniType::Secondary);
        let exempt = secondary
            && self.facts.topology.eips.iter().any(|eip| {
                eip.target == Some(Some(EipTarget::Eni))
                    && eip.target_id.clone().flatten().as_ref() == Some(&eni.meta.id)
                    && matches!(eip.mode, Some(EipMode::Binded | EipMode::MultiBinded))
                    && super::facts::Facts::is_usable(eip)
            });
        let doubt = self.gap(Listing::Eips, None).filter(|_| secondary && !exempt);
        Some(Gate { vswitch: eni.vswitch.clone()?, exempt, doubt })
    }

    /// The border of a vSwitch for a device that its ACL sees or not.
    pub fn gate_of(vswitch: Option<&Id>, exempt: bool) -> Option<Gate> {
        Some(Gate { vswitch: vswitch?.clone(), exempt, doubt: None })
    }

    fn acl_of(&self, vswitch: &Id) -> Result<Option<&'a NetworkAcl>, String> {
        let acls = &self.facts.topology.network_acls;
        let Some(owner) = self.facts.topology.vswitches.get(vswitch) else {
            return Err(format!("vSwitch {vswitch}"));
        };
        match &owner.network_acl {
            Some(Some(id)) => acls.get(id).map(Some).ok_or_else(|| format!("network ACL {id}")),
            Some(None) => Ok(None),
            None => {
                let bound =
                    acls.iter().find(|a| a.vswitches.iter().flatten().any(|v| v == vswitch));
                match (bound, self.gap(Listing::NetworkAcls, None)) {
                    (None, Some(gap)) => Err(gap),
                    (bound, _) => Ok(bound),
                }
            }
        }
    }

    fn acl(&self, direction: &Direction, gate: &Gate, packet: &Packet) -> Filter {
        let far = if *direction == Direction::Ingress { packet.src } else { packet.dst };
        if gate.exempt || in_any(&OPEN, far) {
            return Filter::Allow;
        }
        let acl = match self.acl_of(&gate.vswitch) {
            Err(what) => return Filter::Unknown(what),
            Ok(None) => return Filter::Allow,
            Ok(Some(acl)) => acl,
        };
        let list = if *direction == Direction::Ingress { &acl.ingress } else { &acl.egress };
        let Some(list) = list else {
            return Filter::Unknown(format!(
                "{} for {}",
                Listing::NetworkAclAttributes.api(),
                acl.meta.id
            ));
        };
        let entries = list.iter().map(|entry| {
            let version = if far.is_ipv4() { "ipv4" } else { "ipv6" };
            let family = entry.ip_version.as_ref();
            let family = Match::of(family.is_none_or(|v| v.eq_ignore_ascii_case(version)));
            let ports = match &entry.ports {
                _ if !packet.protocol.has_ports() => Match::Yes,
                Some(spec) => self.port_matches(spec, packet.dport),
                None => Match::Maybe("the ports of an ACL entry".to_owned()),
            };
            let block = match &entry.cidr {
                None => Match::Maybe("the block of an ACL entry".to_owned()),
                Some(block) => match (block.cidr(), block.symbol()) {
                    (None, Some(list)) => self.in_prefix_list(list, far),
                    _ => in_block(block, far),
                },
            };
            let protocol = protocol_matches(entry.protocol.as_ref(), packet.protocol);
            let matches = Match::all([family, protocol, ports, block]);
            (matches, entry.policy == Some(Policy::Accept))
        });
        // no entry, or none that matches: dropped (access.md §2.1)
        match (first_match(entries, false), &gate.doubt) {
            (Filter::Deny, Some(doubt)) => Filter::Unknown(doubt.clone()),
            (verdict, _) => verdict,
        }
    }

    /// From the vSwitch that the packet left last into another, or out of it. Within one vSwitch no
    /// ACL is asked (access.md §2.2). `Err` is the reason of the drop.
    pub fn cross(&self, trip: &mut Trip<'_>, to: Option<&Gate>) -> Result<(), &'static str> {
        let from = trip.departure.take();
        if let (Some(from), Some(to)) = (&from, to)
            && from.vswitch == to.vswitch
        {
            return Ok(());
        }
        // an address of the vSwitch that nobody has: the packet does not leave it either
        let inside = |gate: &Gate| {
            let vswitch = self.facts.topology.vswitches.get(&gate.vswitch);
            let block = vswitch.and_then(|v| v.cidr.as_ref()?.cidr());
            block.is_some_and(|block| block.contains(trip.packet.dst))
        };
        if to.is_none() && from.as_ref().is_some_and(inside) {
            return Ok(());
        }
        let out = from.map(|gate| (Direction::Egress, gate, "nacl_egress_denied"));
        let into = to.map(|gate| (Direction::Ingress, gate.clone(), "nacl_ingress_denied"));
        for (direction, gate, reason) in out.into_iter().chain(into) {
            match self.acl(&direction, &gate, &trip.packet) {
                Filter::Allow => {}
                Filter::Deny => return Err(reason),
                Filter::Unknown(what) => {
                    trip.doubts.insert(what);
                }
            }
        }
        Ok(())
    }

    // ---- pieces on which filters judge alike ---------------------------------------------------

    /// One address of every piece of these blocks that no filter of the world divides.
    pub fn samples(&self, blocks: &[Cidr]) -> Vec<IpAddr> {
        let t = self.facts.topology;
        let mut cuts: Vec<Cidr> = Vec::new();
        for rule in &t.security_group_rules {
            if let Some(RulePeer::Cidr(block)) = &rule.peer {
                cuts.extend(block.cidr());
            }
            cuts.extend(rule.own_cidr.iter().filter_map(|c| c.cidr()));
        }
        for acl in &t.network_acls {
            let entries = acl.ingress.iter().chain(&acl.egress).flatten();
            cuts.extend(entries.filter_map(|e| e.cidr.as_ref()?.cidr()));
        }
        cuts.extend(OPEN.map(|c| c.parse::<Cidr>().unwrap()));
        cuts.extend(
            t.access_lists.iter().flat_map(|l| &l.entries).flatten().filter_map(|c| c.cidr()),
        );
        cuts.extend(
            t.prefix_lists.iter().flat_map(|l| &l.entries).flatten().filter_map(|c| c.cidr()),
        );
        let mut out = BTreeSet::new();
        for block in blocks {
            out.insert(block.first());
            for cut in &cuts {
                let edges = [Some(cut.first()), next(cut.last())];
                out.extend(edges.into_iter().flatten().filter(|ip| block.contains(*ip)));
            }
        }
        // name servers and metadata are not addresses of a load balancer
        out.into_iter().filter(|ip| !in_any(&OPEN, *ip)).collect()
    }

    /// First port of every range in 1024–65535 that no ACL of the world divides.
    pub fn client_ports(&self) -> BTreeSet<u16> {
        let mut out = BTreeSet::from([1024]);
        for acl in &self.facts.topology.network_acls {
            for entry in acl.ingress.iter().chain(&acl.egress).flatten() {
                if let Some(PortSpec::Range(first, last)) = entry.ports {
                    out.insert(first);
                    out.extend(last.checked_add(1));
                }
            }
        }
        out.retain(|port| *port >= 1024);
        out
    }
}

fn is_basic(group: &SecurityGroup) -> bool {
    // decisions.md 42
    group.group_type != Some(SecurityGroupType::Advanced)
}

/// access.md §1.3: the far address is a private one of a member, in the same VPC.
fn group_matches(group: &Id, own: &Member, peer: &Peer, far_ip: IpAddr) -> Match {
    match peer {
        Peer::Nobody => Match::No,
        Peer::Missing(what) => Match::Maybe(what.clone()),
        Peer::Member(member) if member.vpc != own.vpc || !member.holds(far_ip) => Match::No,
        Peer::Member(Member { groups: Ok(groups), .. }) => Match::of(groups.contains(group)),
        Peer::Member(Member { groups: Err(what), .. }) => Match::Maybe(what.clone()),
    }
}

fn next(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(ip) => Some(IpAddr::V4(u32::from(ip).checked_add(1)?.into())),
        IpAddr::V6(ip) => Some(IpAddr::V6(u128::from(ip).checked_add(1)?.into())),
    }
}
