//! Security groups and network ACLs as `nft` rules, made from the model alone.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use vpclint::addr::Family;
use vpclint::topology::{
    CidrValue, Direction, Eni, FilterProtocol, NetworkAclEntry, Policy, PortSpec, RulePeer,
    SecurityGroup, SecurityGroupRule, SecurityGroupType, Topology,
};

use super::render::addresses;

/// The filters in the namespace of a host: all groups of its ENI as one pool (access.md §1.4).
pub fn groups(topology: &Topology, eni: &Eni) -> String {
    let groups: Vec<&SecurityGroup> = eni
        .security_groups
        .iter()
        .flatten()
        .map(|id| topology.security_groups.get(id).unwrap())
        .collect();
    if groups.is_empty() {
        return String::new();
    }
    let own = list(&addresses(eni));
    let mut out = String::from("table ip groups {\n");
    // where the packet passes the interface: before translation inwards, behind it outwards
    for (chain, hook, direction) in [
        ("inward", "prerouting priority -150", Direction::Ingress),
        ("outward", "postrouting priority 200", Direction::Egress),
    ] {
        let inward = direction == Direction::Ingress;
        // access.md §1.2: basic groups let everything out, nothing else is let through by default
        let basic = groups.iter().all(|g| g.group_type == Some(SecurityGroupType::Basic));
        let default = if basic && !inward { "accept" } else { "drop" };
        writeln!(out, "chain {chain} {{ type filter hook {hook}; policy {default};").unwrap();
        writeln!(out, "ct state established,related accept").unwrap();
        let (peer, here) = if inward { ("saddr", "daddr") } else { ("daddr", "saddr") };
        for group in &groups {
            // access.md §1.4 step 3
            let open = group.group_type == Some(SecurityGroupType::Basic)
                && group.inner_access == Some(Policy::Accept);
            if open {
                let members = list(&members(topology, group.meta.id.as_str()));
                writeln!(out, "ip {here} {{ {own} }} ip {peer} {{ {members} }} accept").unwrap();
            }
        }
        for rule in pool(topology, eni, &direction) {
            if let Some(line) = rule_line(topology, rule, inward) {
                writeln!(out, "{line} comment \"{}\"", rule.meta.id).unwrap();
            }
        }
        out.push_str("}\n");
    }
    out.push_str("}\n");
    out
}

/// The rules of all groups of an ENI, lowest priority number first, drop first among equals.
fn pool<'a>(
    topology: &'a Topology,
    eni: &Eni,
    direction: &Direction,
) -> Vec<&'a SecurityGroupRule> {
    let of_eni = |rule: &&SecurityGroupRule| {
        let group = rule.group.as_ref().unwrap();
        eni.security_groups.iter().flatten().any(|id| id == group)
    };
    let mut rules: Vec<&SecurityGroupRule> = topology
        .security_group_rules
        .iter()
        .filter(of_eni)
        .filter(|rule| rule.direction.as_ref() == Some(direction))
        .collect();
    rules.sort_by_key(|rule| (rule.priority, rule.policy != Some(Policy::Drop)));
    rules
}

fn members(topology: &Topology, group: &str) -> Vec<Ipv4Addr> {
    let of = |eni: &&Eni| eni.security_groups.iter().flatten().any(|id| id.as_str() == group);
    topology.enis.iter().filter(of).flat_map(addresses).collect()
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A rule; `None` when no IPv4 packet can match it.
fn rule_line(topology: &Topology, rule: &SecurityGroupRule, inward: bool) -> Option<String> {
    let (peer, own) = if inward { ("saddr", "daddr") } else { ("daddr", "saddr") };
    let peers = match rule.peer.as_ref().unwrap() {
        RulePeer::Cidr(cidr) => four(std::slice::from_ref(cidr)),
        RulePeer::Group { group, .. } => {
            members(topology, group).iter().map(ToString::to_string).collect()
        }
        RulePeer::PrefixList(id) => four(topology.prefix_lists.get(id)?.entries.as_ref().unwrap()),
    };
    if peers.is_empty() {
        return None;
    }
    let mut line = format!("ip {peer} {{ {} }}", peers.join(", "));
    if let Some(cidr) = &rule.own_cidr {
        let own_block = four(std::slice::from_ref(cidr)).pop()?;
        write!(line, " ip {own} {own_block}").unwrap();
    }
    let protocol = rule.protocol.as_ref().unwrap();
    line += &service(topology, protocol, rule.ports.as_ref(), "dport");
    if let Some(ports) = &rule.source_ports {
        line += &service(topology, protocol, Some(ports), "sport");
    }
    Some(format!("{line} {}", verb(rule.policy.as_ref(), "accept")))
}

fn verb(policy: Option<&Policy>, accept: &'static str) -> &'static str {
    match policy {
        Some(Policy::Accept) => accept,
        Some(Policy::Drop) => "drop",
        other => panic!("policy {other:?}"),
    }
}

/// The IPv4 blocks of a list.
fn four(cidrs: &[CidrValue]) -> Vec<String> {
    let blocks = cidrs.iter().map(|cidr| cidr.cidr().unwrap());
    blocks.filter(|cidr| cidr.family() == Family::V4).map(|cidr| cidr.to_string()).collect()
}

fn service(
    topology: &Topology,
    protocol: &FilterProtocol,
    ports: Option<&PortSpec>,
    field: &str,
) -> String {
    let ports = match ports {
        None | Some(PortSpec::All) => None,
        Some(PortSpec::Range(first, last)) => Some(format!("{first}-{last}")),
        Some(PortSpec::List(id)) => {
            let list = topology.port_lists.get(id).unwrap().entries.as_ref().unwrap();
            let ranges = list.iter().map(|spec| match spec {
                PortSpec::Range(first, last) => format!("{first}-{last}"),
                other => panic!("ports {other:?} in a list"),
            });
            Some(format!("{{ {} }}", ranges.collect::<Vec<_>>().join(", ")))
        }
        Some(PortSpec::Other(text)) => panic!("ports `{text}`"),
    };
    let name = match protocol {
        FilterProtocol::All => return String::new(),
        FilterProtocol::Tcp => "tcp",
        FilterProtocol::Udp => "udp",
        FilterProtocol::Icmp => "icmp",
        FilterProtocol::Gre => "gre",
        other => panic!("protocol {other:?}"),
    };
    match ports.filter(|_| matches!(name, "tcp" | "udp")) {
        // one port is not a range for nft
        Some(ports) => match ports.split_once('-') {
            Some((first, last)) if first == last => format!(" {name} {field} {first}"),
            _ => format!(" {name} {field} {ports}"),
        },
        None => format!(" meta l4proto {name}"),
    }
}

/// The network ACLs of a VPC in the namespace of its router: without memory, in the order of the
/// list, at the border of the vSwitch only (access.md §2). `devices` are those of its hosts.
pub fn acls(topology: &Topology, borders: &[(String, Vec<String>)]) -> String {
    let mut jumps = String::new();
    let mut chains = String::new();
    for (vswitch, devices) in borders {
        let bound = topology.vswitches.get(vswitch).unwrap().network_acl.clone().flatten();
        let Some(acl) = bound.map(|id| topology.network_acls.get(&id).unwrap()) else { continue };
        if devices.is_empty() {
            continue;
        }
        let inside = format!("{{ {} }}", list(devices));
        for (here, there, entries, field, way) in [
            ("iifname", "oifname", &acl.egress, "daddr", "out"),
            ("oifname", "iifname", &acl.ingress, "saddr", "in"),
        ] {
            let chain = format!("\"{vswitch}-{way}\"").replace(['"', '-'], "_");
            writeln!(jumps, "{here} {inside} {there} != {inside} jump {chain}").unwrap();
            writeln!(chains, "chain {chain} {{").unwrap();
            for entry in entries.as_ref().unwrap() {
                if let Some(line) = entry_line(topology, entry, field) {
                    writeln!(chains, "{line}").unwrap();
                }
            }
            writeln!(chains, "drop\n}}").unwrap();
        }
    }
    format!(
        "table ip acls {{\n{chains}\
         chain forward {{ type filter hook forward priority 0; policy accept;\n{jumps}}}\n}}\n"
    )
}

fn entry_line(topology: &Topology, entry: &NetworkAclEntry, field: &str) -> Option<String> {
    let block = four(std::slice::from_ref(entry.cidr.as_ref().unwrap())).pop()?;
    let service =
        service(topology, entry.protocol.as_ref().unwrap(), entry.ports.as_ref(), "dport");
    Some(format!("ip {field} {block}{service} {}", verb(entry.policy.as_ref(), "return")))
}
