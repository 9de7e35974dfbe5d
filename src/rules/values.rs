//! A walk over all addresses and blocks that the input states, wherever they stand.

use crate::topology::{
    AddrValue, CidrValue, NetworkAclEntry, Resource, RouteDestination, RulePeer, Text, Topology,
    Value,
};

/// An address or a block.
#[derive(Clone, Copy)]
pub(super) enum AnyValue<'a> {
    /// An address.
    Addr(&'a AddrValue),
    /// A block.
    Cidr(&'a CidrValue),
}

impl<'a> AnyValue<'a> {
    /// The symbol that stands for it, if its value is not known.
    pub(super) fn symbol(self) -> Option<&'a Text> {
        match self {
            Self::Addr(value) => value.symbol(),
            Self::Cidr(value) => value.symbol(),
        }
    }
}

/// One value with its place.
#[derive(Clone, Copy)]
pub(super) struct Stated<'a> {
    /// The resource.
    pub(super) resource: &'a dyn Resource,
    /// Model field.
    pub(super) field: &'static str,
    /// The value.
    pub(super) value: AnyValue<'a>,
}

/// Every address and block, in the order of the model.
pub(super) fn all(topology: &Topology) -> Vec<Stated<'_>> {
    let mut walk = Walk(Vec::new());
    networks(topology, &mut walk);
    hosts(topology, &mut walk);
    gateways(topology, &mut walk);
    filters(topology, &mut walk);
    services(topology, &mut walk);
    interconnects(topology, &mut walk);
    walk.0
}

struct Walk<'a>(Vec<Stated<'a>>);

impl<'a> Walk<'a> {
    fn addrs(
        &mut self,
        resource: &'a dyn Resource,
        field: &'static str,
        values: impl IntoIterator<Item = &'a AddrValue>,
    ) {
        let values = values.into_iter().map(AnyValue::Addr);
        self.0.extend(values.map(|value| Stated { resource, field, value }));
    }

    fn cidrs(
        &mut self,
        resource: &'a dyn Resource,
        field: &'static str,
        values: impl IntoIterator<Item = &'a CidrValue>,
    ) {
        let values = values.into_iter().map(AnyValue::Cidr);
        self.0.extend(values.map(|value| Stated { resource, field, value }));
    }
}

fn networks<'a>(t: &'a Topology, walk: &mut Walk<'a>) {
    for vpc in &t.vpcs {
        walk.cidrs(vpc, "cidr", &vpc.cidr);
        walk.cidrs(vpc, "secondary_cidrs", vpc.secondary_cidrs.iter().flatten());
        walk.cidrs(vpc, "user_cidrs", vpc.user_cidrs.iter().flatten());
        walk.cidrs(vpc, "ipv6_cidrs", vpc.ipv6_cidrs.iter().flatten());
    }
    for vswitch in &t.vswitches {
        walk.cidrs(vswitch, "cidr", &vswitch.cidr);
        walk.cidrs(vswitch, "ipv6_cidr", &vswitch.ipv6_cidr);
    }
    for route in &t.route_entries {
        if let Some(RouteDestination::Cidr(value)) = &route.destination {
            walk.cidrs(route, "destination", Some(value));
        }
    }
}

fn hosts<'a>(t: &'a Topology, walk: &mut Walk<'a>) {
    for instance in &t.instances {
        walk.addrs(instance, "private_ips", instance.private_ips.iter().flatten());
        walk.addrs(instance, "public_ips", instance.public_ips.iter().flatten());
        walk.addrs(instance, "eip", instance.eip.iter().flatten().map(|e| &e.address));
    }
    for eni in &t.enis {
        walk.addrs(eni, "private_ips", eni.private_ips.iter().flatten().map(|p| &p.address));
        walk.addrs(eni, "ipv6_ips", eni.ipv6_ips.iter().flatten());
        walk.cidrs(eni, "ipv4_prefixes", eni.ipv4_prefixes.iter().flatten());
    }
    for havip in &t.havips {
        walk.addrs(havip, "address", &havip.address);
        walk.addrs(havip, "eips", havip.eips.iter().flatten());
    }
}

fn gateways<'a>(t: &'a Topology, walk: &mut Walk<'a>) {
    for address in &t.ipv6_addresses {
        walk.addrs(address, "address", &address.address);
        walk.cidrs(address, "prefix", &address.prefix);
    }
    for eip in &t.eips {
        walk.addrs(eip, "address", &eip.address);
        walk.addrs(eip, "private_address", &eip.private_address);
    }
    for package in &t.bandwidth_packages {
        let addresses = package.addresses.iter().flatten().map(|a| &a.address);
        walk.addrs(package, "addresses", addresses);
    }
    for nat in &t.nat_gateways {
        walk.addrs(nat, "private_address", &nat.private_address);
        walk.addrs(nat, "eips", nat.eips.iter().flatten().map(|e| &e.address));
    }
    for entry in &t.snat_entries {
        walk.cidrs(entry, "source_cidr", &entry.source_cidr);
        walk.addrs(entry, "snat_ips", entry.snat_ips.iter().flatten());
    }
    for entry in &t.dnat_entries {
        walk.addrs(entry, "external_ip", &entry.external_ip);
        walk.addrs(entry, "internal_ip", &entry.internal_ip);
    }
    for entry in &t.full_nat_entries {
        walk.addrs(entry, "nat_ip", &entry.nat_ip);
        walk.addrs(entry, "access_ip", &entry.access_ip);
    }
    for nat_ip in &t.nat_ips {
        walk.addrs(nat_ip, "address", &nat_ip.address);
        walk.cidrs(nat_ip, "cidr", &nat_ip.cidr);
    }
}

fn filters<'a>(t: &'a Topology, walk: &mut Walk<'a>) {
    for rule in &t.security_group_rules {
        if let Some(RulePeer::Cidr(value)) = &rule.peer {
            walk.cidrs(rule, "peer", Some(value));
        }
        walk.cidrs(rule, "own_cidr", &rule.own_cidr);
    }
    for acl in &t.network_acls {
        let blocks = |entries: &'a Option<Vec<NetworkAclEntry>>| {
            entries.iter().flatten().filter_map(|e| e.cidr.as_ref())
        };
        walk.cidrs(acl, "ingress", blocks(&acl.ingress));
        walk.cidrs(acl, "egress", blocks(&acl.egress));
    }
    for prefixes in &t.prefix_lists {
        walk.cidrs(prefixes, "entries", prefixes.entries.iter().flatten());
    }
}

fn services<'a>(t: &'a Topology, walk: &mut Walk<'a>) {
    for lb in &t.load_balancers {
        walk.addrs(lb, "address", &lb.address);
        for zone in lb.zones.iter().flatten() {
            walk.addrs(lb, "zones", zone.private_ips.iter().chain(&zone.public_ips));
        }
        let backends = lb.default_backends.iter().flatten();
        walk.addrs(lb, "default_backends", backends.filter_map(|b| b.address.as_ref()));
    }
    for group in &t.server_groups {
        let backends = group.backends.iter().flatten();
        walk.addrs(group, "backends", backends.filter_map(|b| b.address.as_ref()));
    }
    for list in &t.access_lists {
        walk.cidrs(list, "entries", list.entries.iter().flatten());
    }
    for endpoint in &t.endpoints {
        let zones = endpoint.zones.iter().flatten();
        walk.addrs(endpoint, "zones", zones.filter_map(|z| z.address.as_ref()));
    }
    for service in &t.endpoint_services {
        let resources = service.resources.iter().flatten();
        walk.addrs(service, "resources", resources.filter_map(|r| r.address.as_ref()));
    }
}

fn interconnects<'a>(t: &'a Topology, walk: &mut Walk<'a>) {
    for peer in &t.vpc_peers {
        for (field, side) in [("requester", &peer.requester), ("accepter", &peer.accepter)] {
            let blocks = side.iter().filter_map(|s| s.cidrs.as_ref()).flatten();
            walk.cidrs(peer, field, blocks);
        }
    }
    for route in &t.cen_routes {
        walk.cidrs(route, "destination", &route.destination);
    }
    for router in &t.transit_routers {
        walk.cidrs(router, "cidrs", router.cidrs.iter().flatten());
    }
    for route in &t.transit_route_entries {
        if let Some(RouteDestination::Cidr(value)) = &route.destination {
            walk.cidrs(route, "destination", Some(value));
        }
    }
    for gateway in &t.vpn_gateways {
        walk.addrs(gateway, "internet_ips", gateway.internet_ips.iter().flatten());
    }
    for connection in &t.vpn_connections {
        walk.cidrs(connection, "local_subnets", connection.local_subnets.iter().flatten());
        walk.cidrs(connection, "remote_subnets", connection.remote_subnets.iter().flatten());
        let tunnels = connection.tunnels.iter().flatten();
        walk.addrs(connection, "tunnels", tunnels.filter_map(|t| t.internet_ip.as_ref()));
    }
    for route in &t.vpn_routes {
        walk.cidrs(route, "destination", &route.destination);
        walk.cidrs(route, "route_source", &route.route_source);
    }
    for gateway in &t.customer_gateways {
        walk.addrs(gateway, "address", &gateway.address);
    }
    for router in &t.border_routers {
        walk.addrs(router, "local_address", &router.local_address);
        walk.addrs(router, "peer_address", &router.peer_address);
    }
}

/// The block, its spelling with host bits, if a value has them.
pub(super) fn host_bits(value: AnyValue<'_>) -> Option<(crate::addr::Cidr, &Text)> {
    match value {
        AnyValue::Cidr(Value::Known(stated)) => Some((stated.cidr, stated.as_written.as_ref()?)),
        _ => None,
    }
}
