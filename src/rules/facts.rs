//! Facts that several rules read: the blocks of a VPC, who holds a private address, the routes of a
//! VPC, free space.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::context::Context;
use super::finding::Unknown;
use crate::addr::{AddrRange, AddrSet, Cidr, Family};
use crate::topology::{
    AddrValue, AddressType, CidrValue, Id, Listing, LoadBalancer, LoadBalancerType, NatGateway,
    Resource, RouteEntry, RouteTableScope, Scope, Topology, Value, Vpc,
};

/// The block of a value, or that it stands only as a symbol.
pub(super) fn block(value: &CidrValue, of: &dyn Resource, what: &str) -> Result<Cidr, Unknown> {
    known(value, of, what).map(|stated| stated.cidr)
}

/// The address of a value, or that it stands only as a symbol.
pub(super) fn address(value: &AddrValue, of: &dyn Resource, what: &str) -> Result<IpAddr, Unknown> {
    known(value, of, what).copied()
}

fn known<'v, T>(value: &'v Value<T>, of: &dyn Resource, what: &str) -> Result<&'v T, Unknown> {
    match value {
        Value::Known(known) => Ok(known),
        Value::Symbol(text) => {
            Err(Unknown::of(format!("{what} of {} (only known as `{text}`)", of.id())))
        }
    }
}

/// The IPv4 blocks of a VPC, as far as they are known.
pub(super) struct Blocks {
    known: Vec<Cidr>,
    missing: Option<Unknown>,
}

impl Blocks {
    /// Primary and secondary blocks.
    pub(super) fn of(vpc: &Vpc) -> Self {
        let mut out = Self { known: Vec::new(), missing: None };
        match &vpc.cidr {
            Some(value) => out.add(value, vpc, "CIDR block"),
            None => out.lacks(format!("CIDR block of {} (not stated)", vpc.id())),
        }
        match &vpc.secondary_cidrs {
            Some(values) => {
                values.iter().for_each(|v| out.add(v, vpc, "secondary CIDR block"));
            }
            None => out.lacks(format!("secondary CIDR blocks of {} (not stated)", vpc.id())),
        }
        out
    }

    fn add(&mut self, value: &CidrValue, vpc: &Vpc, what: &str) {
        match block(value, vpc, what) {
            Ok(cidr) => self.known.push(cidr),
            Err(unknown) => self.missing.get_or_insert_default().missing.extend(unknown.missing),
        }
    }

    fn lacks(&mut self, what: String) {
        self.missing.get_or_insert_default().missing.insert(what);
    }

    /// Is the whole block inside one of the VPC's?
    pub(super) fn contain(&self, block: &Cidr) -> Result<bool, Unknown> {
        match &self.missing {
            _ if self.known.iter().any(|c| c.contains_block(block)) => Ok(true),
            Some(missing) => Err(missing.clone()),
            None => Ok(false),
        }
    }

    /// The blocks that are known.
    pub(super) fn known(&self) -> &[Cidr] {
        &self.known
    }

    /// Fails unless all blocks are known.
    pub(super) fn all(&self) -> Result<&[Cidr], Unknown> {
        self.missing.clone().map_or(Ok(&self.known), Err)
    }

    /// `10.0.0.0/16 and 10.1.0.0/16`.
    pub(super) fn text(&self) -> String {
        list(&self.known)
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list<T: ToString>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.to_string(),
        [init @ .., last] => {
            let init: Vec<String> = init.iter().map(ToString::to_string).collect();
            format!("{} and {}", init.join(", "), last.to_string())
        }
    }
}

/// `3 more` after the first `shown` of `all` items, e.g. `a, b and 3 more`.
pub(super) fn first_of<T: ToString>(items: &[T], shown: usize) -> String {
    if items.len() <= shown + 1 {
        return list(items);
    }
    let mut head: Vec<String> = items.iter().take(shown).map(ToString::to_string).collect();
    head.push(format!("{} more", items.len() - shown));
    list(&head)
}

/// The first block of this mask inside `within` that shares no address with `taken`.
pub(super) fn free_block(within: &[Cidr], taken: &[Cidr], mask: u8) -> Option<Cidr> {
    let width = 32u8.checked_sub(mask)?;
    let size = 1u128 << width;
    let free =
        AddrSet::from_cidrs(Family::V4, within).difference(&AddrSet::from_cidrs(Family::V4, taken));
    free.ranges().iter().find_map(|range: &AddrRange| {
        let start = range.first.div_ceil(size) * size;
        let last = start + (size - 1);
        (last <= range.last).then(|| Cidr::new(Family::V4.address(start), mask))?
    })
}

/// The blocks of a VPC's vSwitches that are known.
pub(super) fn vswitch_blocks(topology: &Topology, vpc: &Id) -> Vec<Cidr> {
    topology
        .vswitches
        .iter()
        .filter(|vsw| vsw.vpc.as_ref() == Some(vpc))
        .filter_map(|vsw| vsw.cidr.as_ref()?.cidr())
        .collect()
}

/// An address of a vSwitch that a host can have and that nobody in `taken` has: the one with the
/// host part of `wanted` if possible, else the first. The cloud keeps the first and the last three
/// addresses of a vSwitch for itself.
pub(super) fn free_address(
    block: &Cidr,
    wanted: IpAddr,
    taken: &BTreeSet<IpAddr>,
) -> Option<IpAddr> {
    let usable = 1..block.size().checked_sub(3)?;
    let host_part = Family::number(wanted) % block.size();
    let at = |offset: u128| block.nth(offset).filter(|ip| !taken.contains(ip));
    if usable.contains(&host_part)
        && let Some(free) = at(host_part)
    {
        return Some(free);
    }
    // a vSwitch that is full this far is not worth a longer search
    usable.take(taken.len() + 1).find_map(at)
}

/// Somebody who holds a private IPv4 address.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    /// The resource.
    pub(super) resource: &'a dyn Resource,
    /// Model field that states the address.
    pub(super) field: &'static str,
    /// The address.
    pub(super) address: &'a AddrValue,
    /// VPC, its own or that of its vSwitch.
    pub(super) vpc: Option<&'a Id>,
    /// vSwitch.
    pub(super) vswitch: Option<&'a Id>,
    /// The ENI that carries the address, where it is named.
    pub(super) eni: Option<&'a Id>,
    /// An ENI of a cloud service; the service may state the same address itself.
    pub(super) managed: bool,
}

impl Holder<'_> {
    /// True when both state the address of one and the same interface.
    pub(super) fn same_interface(&self, other: &Self) -> bool {
        let same_eni = self.eni.is_some() && self.eni == other.eni;
        let service_of =
            |a: &Self, b: &Self| a.managed && b.eni.is_none_or(|eni| a.eni == Some(eni));
        same_eni
            || (self.resource.kind() == other.resource.kind()
                && self.resource.id() == other.resource.id())
            || service_of(self, other)
            || service_of(other, self)
    }
}

/// Everybody who holds a private IPv4 address, each interface once: an instance or service that
/// repeats the address of an ENI in the input is left out.
pub(super) fn holders(topology: &Topology) -> Vec<Holder<'_>> {
    let mut out = Vec::new();
    let mut of_enis: BTreeSet<(&Id, &AddrValue)> = BTreeSet::new();
    let vpc_of = |vpc: Option<&Id>, vswitch: Option<&Id>| -> Option<&Id> {
        let id: &str = vswitch.map_or("", |id| id.as_str());
        let stated = vpc.and_then(|v| topology.vpcs.get(v)).map(|v| v.id());
        stated.or_else(|| topology.vswitches.get(id)?.vpc.as_ref())
    };
    for eni in &topology.enis {
        for ip in eni.private_ips.iter().flatten() {
            of_enis.insert((eni.id(), &ip.address));
            if let Some(Some(instance)) = &eni.instance {
                of_enis.insert((instance, &ip.address));
            }
            out.push(Holder {
                resource: eni,
                field: "private_ips",
                address: &ip.address,
                vpc: eni.vpc.as_ref().or_else(|| vpc_of(None, eni.vswitch.as_ref())),
                vswitch: eni.vswitch.as_ref(),
                eni: Some(eni.id()),
                managed: eni.service_managed == Some(true),
            });
        }
    }
    let mut add = |resource, field, address, vpc: Option<_>, vswitch: Option<_>, eni: Option<_>| {
        if !eni.is_some_and(|eni| of_enis.contains(&(eni, address))) {
            let vpc = vpc.or_else(|| vpc_of(None, vswitch));
            out.push(Holder { resource, field, address, vpc, vswitch, eni, managed: false });
        }
    };
    for instance in &topology.instances {
        for address in instance.private_ips.iter().flatten() {
            let repeated = of_enis.contains(&(instance.id(), address))
                || instance.enis.iter().flatten().any(|eni| of_enis.contains(&(eni, address)));
            if !repeated {
                let (vpc, vswitch) = (instance.vpc.as_ref(), instance.vswitch.as_ref());
                add(instance, "private_ips", address, vpc, vswitch, None);
            }
        }
    }
    for havip in &topology.havips {
        if let Some(address) = &havip.address {
            add(havip, "address", address, havip.vpc.as_ref(), havip.vswitch.as_ref(), None);
        }
    }
    for nat in &topology.nat_gateways {
        let own = nat.private_address.iter().map(|a| ("private_address", a));
        let eips =
            nat.eips.iter().flatten().filter_map(|e| Some(("eips", e.private_address.as_ref()?)));
        for (field, address) in own.chain(eips) {
            add(nat, field, address, nat.vpc.as_ref(), nat.vswitch.as_ref(), nat.eni.as_ref());
        }
    }
    for lb in &topology.load_balancers {
        let vpc = lb.vpc.as_ref().and_then(Option::as_ref);
        if let (Some(AddressType::Intranet), Some(address)) = (&lb.address_type, &lb.address) {
            add(lb, "address", address, vpc, lb.vswitch.as_ref().and_then(Option::as_ref), None);
        }
        for zone in lb.zones.iter().flatten() {
            let eni = if let [eni] = zone.enis.as_slice() { Some(eni) } else { None };
            for address in &zone.private_ips {
                add(lb, "zones", address, vpc, zone.vswitch.as_ref(), eni);
            }
        }
    }
    for endpoint in &topology.endpoints {
        for zone in endpoint.zones.iter().flatten() {
            if let Some(address) = &zone.address {
                let (vpc, vswitch) = (endpoint.vpc.as_ref(), zone.vswitch.as_ref());
                add(endpoint, "zones", address, vpc, vswitch, zone.eni.as_ref());
            }
        }
    }
    out
}

/// The route entries of a VPC's vSwitch route tables.
pub(super) fn routes_of_vpc<'a>(
    cx: &Context<'a>,
    vpc: &Vpc,
) -> Result<Vec<&'a RouteEntry>, Unknown> {
    let around = Scope::around(&vpc.meta);
    cx.need(Listing::RouteTables, &around)?;
    let mut tables = BTreeSet::new();
    for table in &cx.topology.route_tables {
        let gateway = table.scope == Some(RouteTableScope::Gateway);
        if table.vpc.as_ref() == Some(vpc.id()) && !gateway {
            cx.need(Listing::RouteEntries, &around.clone().with_parent(table.id()))?;
            tables.insert(table.id());
        }
    }
    let in_vpc = |e: &&RouteEntry| e.table.as_ref().is_some_and(|t| tables.contains(t));
    Ok(cx.topology.route_entries.iter().filter(in_vpc).collect())
}

/// The NAT gateway of an entry, or what is missing to tell.
pub(super) fn gateway_of_entry<'a>(
    cx: &Context<'a>,
    entry: &dyn Resource,
    gateway: Option<&Id>,
    table: Option<&Id>,
) -> Result<&'a NatGateway, Unknown> {
    match cx.gateway_of(gateway, table) {
        Some(nat) => Ok(nat),
        None => cx.nat_gateway(entry, gateway),
    }
}

/// The load balancer that a service resource or listener names.
pub(super) fn load_balancer<'a>(cx: &Context<'a>, id: &Id) -> Result<&'a LoadBalancer, Unknown> {
    let found = cx.topology.load_balancers.get(id);
    found.ok_or_else(|| Unknown::of(format!("load balancer {id} (not in the input)")))
}

/// Name of a load balancer's product in messages.
pub(super) fn product(lb: &LoadBalancer) -> &str {
    match &lb.lb_type {
        Some(LoadBalancerType::Clb) => "CLB",
        Some(LoadBalancerType::Alb) => "ALB",
        Some(LoadBalancerType::Nlb) => "NLB",
        Some(LoadBalancerType::Gwlb) => "GWLB",
        Some(LoadBalancerType::Other(word)) => word,
        None => "load balancer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn free_blocks_are_aligned_and_disjoint() {
        let within = [cidr("10.0.0.0/22")];
        let taken = [cidr("10.0.0.0/25"), cidr("10.0.2.0/24")];
        assert_eq!(free_block(&within, &taken, 24), Some(cidr("10.0.1.0/24")));
        assert_eq!(free_block(&within, &taken, 25), Some(cidr("10.0.0.128/25")));
        assert_eq!(free_block(&within, &taken, 23), None);
    }

    #[test]
    fn a_free_address_keeps_the_host_part_and_spares_reserved_ones() {
        let block = cidr("192.168.24.0/24");
        let wanted = "192.168.20.200".parse().unwrap();
        let free = free_address(&block, wanted, &BTreeSet::new()).unwrap();
        assert_eq!(free.to_string(), "192.168.24.200");
        let reserved = "192.168.20.253".parse().unwrap();
        let free = free_address(&block, reserved, &BTreeSet::new()).unwrap();
        assert_eq!(free.to_string(), "192.168.24.1");
        assert_eq!(free_address(&cidr("10.0.0.0/31"), wanted, &BTreeSet::new()), None);
    }

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(first_of(&["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(first_of(&["a", "b", "c"], 2), "a, b and c");
    }
}
