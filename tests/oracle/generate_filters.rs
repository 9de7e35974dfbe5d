//! Random security groups and network ACLs on top of a random topology (`generate.rs`).
//!
//! Numbers stand for names, as there: every sketch is a topology, and a failing one shrinks by losing
//! facts.

use proptest::prelude::*;
use vpclint::topology::Listing;

use super::build::{Built, pick};
use super::generate::{Names, PREFIXES};
use super::world::World;

/// Ports of rules and entries; small ranges, so that they collide.
pub const PORTS: &[&str] = &["-1/-1", "443/443", "80/443", "1/1023", "1024/65535", "list:prl-0"];
const PROTOCOLS: &[&str] = &["all", "tcp", "tcp", "udp", "icmp", "gre"];
const SOURCE_PORTS: &[&str] = &["1024/65535", "49152/49152", "1/1023", "40000/50000"];

/// What a rule or entry matches and does. `peer` picks a block, a group or a prefix list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleSketch {
    /// Group or ACL.
    pub of: u8,
    pub ingress: bool,
    pub accept: bool,
    pub protocol: u8,
    pub ports: u8,
    pub peer: (u8, u8),
    pub priority: u8,
    pub own: Option<u8>,
    pub source_ports: Option<u8>,
}

/// What is not in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Nobody listed the rules of a group; only the first `kept` are there.
    Rules { group: u8, kept: u8 },
    /// A group is not in the input.
    Group(u8),
    /// The groups of an ENI are not stated.
    Membership(u8),
    /// Whether members of a group reach each other is not stated.
    InnerAccess(u8),
    /// There may be further ENIs, so further members.
    Enis,
    /// The entries of an ACL are not stated.
    Entries(u8),
    /// An ACL is not in the input, but its vSwitches name it.
    Acl(u8),
    /// Nothing says which vSwitch has an ACL.
    Acls,
    /// The entries of the prefix list are not in the input.
    PrefixList,
    /// The entries of the port list are not in the input.
    PortList,
}

/// Random filters.
#[derive(Debug, Clone)]
pub struct FilterSketch {
    /// VPC and kind: basic, closed, advanced.
    pub groups: Vec<(u8, u8)>,
    /// ENI and group.
    pub members: Vec<(u8, u8)>,
    pub rules: Vec<RuleSketch>,
    /// vSwitches with an ACL of their own.
    pub acls: Vec<u8>,
    pub entries: Vec<RuleSketch>,
    pub list: (u8, u8),
    pub gaps: Vec<Gap>,
}

fn rule() -> impl Strategy<Value = RuleSketch> {
    let matches = (0u8..12, 0u8..12, (0u8..8, 0u8..60));
    let options = (prop::option::weighted(0.2, 0u8..60), prop::option::weighted(0.2, 0u8..8));
    (0u8..8, prop::bool::weighted(0.2), prop::bool::weighted(0.6), matches, 0u8..3, options)
        .prop_map(|(of, ingress, accept, (protocol, ports, peer), priority, options)| RuleSketch {
            of,
            ingress,
            accept,
            protocol,
            ports,
            peer,
            priority,
            own: options.0,
            source_ports: options.1,
        })
}

/// Filters of which everything is known.
pub fn filters() -> impl Strategy<Value = FilterSketch> {
    (
        prop::collection::vec((0u8..3, 0u8..3), 1..5),
        prop::collection::vec((0u8..12, 0u8..5), 0..16),
        prop::collection::vec(rule(), 0..14),
        prop::collection::vec(0u8..8, 0..3),
        prop::collection::vec(rule(), 0..8),
        (0u8..60, 0u8..60),
    )
        .prop_map(|(groups, members, rules, acls, entries, list)| FilterSketch {
            groups,
            members,
            rules,
            acls,
            entries,
            list,
            gaps: Vec::new(),
        })
}

/// Filters of which some facts are not in the input.
pub fn partial_filters() -> impl Strategy<Value = FilterSketch> {
    let gap = prop_oneof![
        2 => (0u8..8, 0u8..3).prop_map(|(group, kept)| Gap::Rules { group, kept }),
        1 => (0u8..8).prop_map(Gap::Group),
        1 => (0u8..12).prop_map(Gap::Membership),
        1 => (0u8..8).prop_map(Gap::InnerAccess),
        1 => Just(Gap::Enis),
        1 => (0u8..4).prop_map(Gap::Entries),
        1 => (0u8..4).prop_map(Gap::Acl),
        1 => Just(Gap::Acls),
        1 => Just(Gap::PrefixList),
        1 => Just(Gap::PortList),
    ];
    (filters(), prop::collection::vec(gap, 1..3)).prop_map(|(mut filters, gaps)| {
        filters.gaps = gaps;
        filters
    })
}

/// Ids of a map in an order that does not depend on the way ids are made: by kind, then number.
fn made<T>(map: &std::collections::BTreeMap<String, T>) -> Vec<String> {
    let mut all: Vec<String> = map.keys().cloned().collect();
    all.sort_by_cached_key(|id| {
        let (kind, number) = id.rsplit_once('-').unwrap_or((id, ""));
        let turned = number.strip_prefix('x').and_then(|n| Some(999 - n.parse::<u32>().ok()?));
        (kind.to_owned(), turned.or(number.parse().ok()), number.to_owned())
    });
    all
}

impl FilterSketch {
    /// Puts the filters on a topology, without the gaps.
    pub fn put_on(&self, built: &Built, names: Names) -> World {
        let mut world = built.world.clone();
        let blocks = [self.list.0, self.list.1].map(|n| *pick(PREFIXES, n).unwrap());
        world = world.prefix_list("pl-filter", &blocks).port_list("prl-0", &["22/22", "443/8443"]);
        let (vpcs, enis) = (made(&world.vpcs), made(&world.enis));
        let vswitches = made(&world.vswitches);
        for (n, (vpc, kind)) in self.groups.iter().enumerate() {
            let (id, Some(vpc)) = (names.id("sg", n), pick(&vpcs, *vpc)) else { continue };
            world = match kind {
                0 => world.group(&id, vpc),
                1 => world.closed_group(&id, vpc),
                _ => world.advanced_group(&id, vpc),
            };
        }
        let groups: Vec<String> = (0..self.groups.len()).map(|n| names.id("sg", n)).collect();
        for (eni, group) in &self.members {
            let Some(eni) = pick(&enis, *eni) else { continue };
            // groups of the ENI's own VPC only (access.md §1.1)
            let vpc = world.enis[eni].vpc.clone();
            let of_vpc: Vec<&String> =
                groups.iter().filter(|g| world.groups[*g].vpc == Some(vpc.clone())).collect();
            let Some(group) = pick(&of_vpc, *group) else { continue };
            let group = group.to_string();
            world = world.member(eni, &[&group]);
        }
        for rule in &self.rules {
            let Some(group) = pick(&groups, rule.of) else { continue };
            let peer = match rule.peer {
                (0 | 1, n) => pick(&groups, n).unwrap().clone(),
                (2, _) => "pl-filter".to_owned(),
                (3 | 4, _) => "0.0.0.0/0".to_owned(),
                (_, n) => (*pick(PREFIXES, n).unwrap()).to_owned(),
            };
            world = world.rule(group, &rule.text(&peer, true));
        }
        let mut acls: Vec<String> = Vec::new();
        for vswitch in &self.acls {
            let Some(vswitch) = pick(&vswitches, *vswitch) else { continue };
            if !matches!(world.vswitches[vswitch].network_acl, None | Some(None)) {
                continue;
            }
            let id = names.id("nacl", acls.len());
            world = world.acl(&id, &[vswitch]);
            acls.push(id);
        }
        for entry in &self.entries {
            let Some(acl) = pick(&acls, entry.of) else { continue };
            let block = match entry.peer {
                (0, _) => "pl-filter",
                (1..=4, _) => "0.0.0.0/0",
                (_, n) => *pick(PREFIXES, n).unwrap(),
            };
            world = world.entry(acl, &entry.text(block, false));
        }
        world
    }

    /// Takes the gaps out of a topology that [`FilterSketch::put_on`] made.
    pub fn take_gaps(&self, mut world: World) -> World {
        let (groups, enis) = (made(&world.groups), made(&world.enis));
        let acls = made(&world.acls);
        world.enis.values_mut().for_each(|eni| {
            eni.security_groups.get_or_insert_default();
        });
        world = world.filters();
        for gap in &self.gaps {
            world = take_gap(world, *gap, (&groups, &enis, &acls));
        }
        world
    }
}

fn take_gap(
    mut world: World,
    gap: Gap,
    (groups, enis, acls): (&[String], &[String], &[String]),
) -> World {
    match gap {
        Gap::Rules { group, kept } => {
            let Some(group) = pick(groups, group) else { return world };
            let kept = u64::from(kept);
            world.rules.retain(|_, rule| {
                rule.group.as_deref() != Some(group.as_str()) || rule.position < Some(kept)
            });
            world.without(Listing::SecurityGroupRules, Some(group.as_str()))
        }
        Gap::Group(group) => {
            let Some(group) = pick(groups, group) else { return world };
            world.groups.remove(group);
            world.rules.retain(|_, rule| rule.group.as_deref() != Some(group.as_str()));
            world.without(Listing::SecurityGroups, None)
        }
        Gap::Membership(eni) => {
            let Some(eni) = pick(enis, eni) else { return world };
            let eni = world.enis.get_mut(eni).unwrap();
            eni.security_groups = None;
            world.without(Listing::SecurityGroups, None)
        }
        Gap::InnerAccess(group) => {
            let group = pick(groups, group).and_then(|group| world.groups.get_mut(group));
            if let Some(group) = group {
                group.inner_access = None;
            }
            world
        }
        Gap::Enis => world.without(Listing::Enis, None),
        Gap::Entries(acl) => {
            if let Some(acl) = pick(acls, acl).and_then(|acl| world.acls.get_mut(acl)) {
                (acl.ingress, acl.egress) = (None, None);
            }
            world
        }
        Gap::Acl(acl) => {
            let Some(acl) = pick(acls, acl) else { return world };
            world.acls.remove(acl);
            world.without(Listing::NetworkAcls, None)
        }
        Gap::Acls => {
            world.acls.clear();
            world.vswitches.values_mut().for_each(|vswitch| vswitch.network_acl = None);
            world.without(Listing::NetworkAcls, None)
        }
        Gap::PrefixList => {
            world.prefix_lists.remove("pl-filter");
            world
        }
        Gap::PortList => {
            world.port_lists.remove("prl-0");
            world
        }
    }
}

impl RuleSketch {
    fn text(&self, peer: &str, of_group: bool) -> String {
        let direction = if self.ingress { "ingress" } else { "egress" };
        let policy = if self.accept { "accept" } else { "drop" };
        let protocol = *pick(PROTOCOLS, self.protocol).unwrap();
        let ports = match protocol {
            "tcp" | "udp" if of_group => *pick(PORTS, self.ports).unwrap(),
            "tcp" | "udp" => *pick(&PORTS[..5], self.ports).unwrap(),
            _ => "-1/-1",
        };
        let mut text = format!("{direction} {policy} {protocol} {ports} {peer}");
        if of_group {
            text += &format!(" prio {}", 1 + self.priority);
            if let Some(own) = self.own {
                text += &format!(" own {}", pick(PREFIXES, own).unwrap());
            }
            if let Some(ports) = self.source_ports.filter(|_| matches!(protocol, "tcp" | "udp")) {
                text += &format!(" sport {}", pick(SOURCE_PORTS, ports).unwrap());
            }
        }
        text
    }
}
