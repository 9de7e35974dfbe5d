//! The part of [`World`] about filters: security groups, network ACLs, prefix and port lists.
//!
//! Rules are written as one line of text, so that a test reads like the table it was taken from.

use vpclint::topology::{
    Direction, FilterProtocol, Id, NetworkAcl, NetworkAclEntry, Policy, PortList, PortSpec,
    PrefixList, ReadAt, RulePeer, SecurityGroup, SecurityGroupRule, SecurityGroupType, Text,
};

use super::world::{World, block, working};

fn ports(text: &str) -> PortSpec {
    match text.strip_prefix("list:") {
        Some(list) => PortSpec::List(Id::from(list)),
        None => PortSpec::from_text(text),
    }
}

fn peer(text: &str) -> RulePeer {
    if text.starts_with("sg-") {
        RulePeer::Group { group: Id::from(text), account: None }
    } else if text.starts_with("pl-") {
        RulePeer::PrefixList(Id::from(text))
    } else {
        RulePeer::Cidr(block(text))
    }
}

impl World {
    // ---- security groups ---------------------------------------------------------------------

    /// From here on an ENI that states no group is one of which nobody said the groups.
    #[must_use]
    pub fn filters(mut self) -> Self {
        self.filters_modelled = true;
        self
    }

    /// A basic group whose members reach each other.
    #[must_use]
    pub fn group(mut self, id: &str, vpc: &str) -> Self {
        let mut group = SecurityGroup::new(id);
        group.vpc = Some(Some(Id::from(vpc)));
        group.group_type = Some(SecurityGroupType::Basic);
        group.inner_access = Some(Policy::Accept);
        group.service_managed = Some(false);
        self.groups.insert(id.to_owned(), group);
        self
    }

    /// A basic group whose members do not reach each other by themselves.
    #[must_use]
    pub fn closed_group(self, id: &str, vpc: &str) -> Self {
        let mut world = self.group(id, vpc);
        world.groups.get_mut(id).unwrap().inner_access = Some(Policy::Drop);
        world
    }

    #[must_use]
    pub fn advanced_group(self, id: &str, vpc: &str) -> Self {
        let mut world = self.closed_group(id, vpc);
        world.groups.get_mut(id).unwrap().group_type = Some(SecurityGroupType::Advanced);
        world
    }

    /// Puts an ENI into groups.
    #[must_use]
    pub fn member(mut self, eni: &str, groups: &[&str]) -> Self {
        let eni = self.enis.get_mut(eni).unwrap();
        eni.security_groups.get_or_insert_default().extend(groups.iter().map(|g| Id::from(*g)));
        self
    }

    /// A rule as text: `ingress accept tcp 80/80 10.0.0.0/8 prio 2 own 10.0.1.1/32 sport 1024/2000`.
    /// Ports may be `list:prl-1`; the peer may be a block, a group `sg-…` or a prefix list `pl-…`.
    #[must_use]
    pub fn rule(mut self, group: &str, text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        let position = self.rules.values().filter(|r| r.group.as_deref() == Some(group)).count();
        let id = format!("{group}/{position:03}");
        let mut rule = SecurityGroupRule::new(&id);
        rule.group = Some(Id::from(group));
        rule.position = Some(position as u64);
        rule.direction = Some(Direction::from_text(words[0]));
        rule.policy = Some(Policy::from_text(words[1]));
        rule.protocol = Some(FilterProtocol::from_text(words[2]));
        rule.ports = Some(ports(words[3]));
        rule.peer = Some(peer(words[4]));
        rule.priority = Some(1);
        for option in words[5..].chunks(2) {
            match option {
                ["prio", n] => rule.priority = Some(n.parse().unwrap()),
                ["own", cidr] => rule.own_cidr = Some(block(cidr)),
                ["sport", range] => rule.source_ports = Some(ports(range)),
                other => panic!("unknown option {other:?}"),
            }
        }
        self.rules.insert(id, rule);
        self
    }

    /// A prefix list without a route.
    #[must_use]
    pub fn prefix_list(mut self, id: &str, cidrs: &[&str]) -> Self {
        let mut list = PrefixList::new(id);
        list.entries = Some(cidrs.iter().map(|c| block(c)).collect());
        self.prefix_lists.insert(id.to_owned(), list);
        self
    }

    #[must_use]
    pub fn port_list(mut self, id: &str, ranges: &[&str]) -> Self {
        let mut list = PortList::new(id);
        list.entries = Some(ranges.iter().map(|r| PortSpec::from_text(r)).collect());
        self.port_lists.insert(id.to_owned(), list);
        self
    }

    // ---- network ACLs ------------------------------------------------------------------------

    /// A network ACL without entries, bound to vSwitches.
    #[must_use]
    pub fn acl(mut self, id: &str, vswitches: &[&str]) -> Self {
        let mut acl = NetworkAcl::new(id);
        acl.vswitches = Some(vswitches.iter().map(|v| Id::from(*v)).collect());
        acl.ingress = Some(vec![]);
        acl.egress = Some(vec![]);
        working(&mut acl.meta, "Available");
        for vswitch in vswitches {
            let vswitch = self.vswitches.get_mut(*vswitch).unwrap();
            acl.vpc.clone_from(&vswitch.vpc);
            vswitch.network_acl = Some(Some(Id::from(id)));
        }
        self.acls.insert(id.to_owned(), acl);
        self
    }

    /// The next entry of a list: `egress drop tcp 1/65535 0.0.0.0/0`; the block may be `pl-…`.
    #[must_use]
    pub fn entry(mut self, acl: &str, text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        let cidr = block(words[4]);
        let six = words[4].contains(':');
        let entry = NetworkAclEntry {
            id: None,
            policy: Some(Policy::from_text(words[1])),
            protocol: Some(FilterProtocol::from_text(words[2])),
            cidr: Some(cidr),
            ports: Some(ports(words[3])),
            entry_type: Some(Text::from("custom")),
            ip_version: Some(Text::from(if six { "IPv6" } else { "IPv4" })),
            name: None,
            read_at: ReadAt::default(),
        };
        let acl = self.acls.get_mut(acl).unwrap();
        let list = if words[0] == "ingress" { &mut acl.ingress } else { &mut acl.egress };
        list.get_or_insert_default().push(entry);
        self
    }

    /// Both directions of an ACL let everything through.
    #[must_use]
    pub fn open_acl(self, id: &str, vswitches: &[&str]) -> Self {
        self.acl(id, vswitches)
            .entry(id, "ingress accept all -1/-1 0.0.0.0/0")
            .entry(id, "egress accept all -1/-1 0.0.0.0/0")
    }
}
