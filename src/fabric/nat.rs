//! Facts about NAT gateways that several stages need.

use super::identity::{Bindings, gateway_of_dnat, is_available};
use crate::addr::Cidr;
use crate::topology::{
    AddrValue, CidrValue, DnatEntry, EipTarget, Lifecycle, Listing, NatEipUse, NatGateway,
    NatNetwork, Resource, Scope, SnatEntry, Text, Topology,
};

/// True for a VPC NAT gateway. A body without network type is an Internet NAT gateway
/// (formats-api.md §4.2).
pub(super) fn is_vpc_nat(nat: &NatGateway) -> bool {
    nat.network == Some(NatNetwork::Intranet)
}

/// True when the gateway translates (egress.md §4.4).
pub(super) fn works(nat: &NatGateway) -> bool {
    let alive = match nat.lifecycle() {
        Lifecycle::Usable | Lifecycle::Unstated => true,
        Lifecycle::Transitional => {
            nat.meta.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("modifying"))
        }
        Lifecycle::Dead | Lifecycle::Unrecognised => false,
    };
    alive && !nat.is_locked()
}

/// Public addresses that are bound to a gateway.
pub(super) struct NatEips {
    /// Addresses, from the gateway's own list, the EIPs and the legacy bandwidth packages.
    pub(super) addresses: Vec<AddrValue>,
    /// What would be needed to know that there are no others.
    pub(super) missing: Option<Text>,
}

/// The addresses of an Internet NAT gateway (egress.md §4.4; legacy packages: §4.5).
pub(super) fn eips(topology: &Topology, bindings: &Bindings<'_>, nat: &NatGateway) -> NatEips {
    let mut addresses: Vec<AddrValue> =
        nat.eips.iter().flatten().map(|eip| eip.address.clone()).collect();
    let bound = bindings.bound_to(nat.id()).iter().filter(|eip| {
        eip.target.as_ref().is_some_and(|t| t.as_ref() == Some(&EipTarget::NatGateway))
    });
    addresses.extend(bound.filter_map(|eip| eip.address.clone()));
    for package in &topology.bandwidth_packages {
        let named = nat.bandwidth_packages.iter().flatten().any(|id| id == package.id());
        if named || package.nat_gateway.as_ref() == Some(nat.id()) {
            addresses.extend(package.addresses.iter().flatten().map(|a| a.address.clone()));
        }
    }
    addresses.sort();
    addresses.dedup();
    // an EIP that is locked is dead wherever it is bound (egress.md §4.2, U7)
    addresses.retain(|address| {
        address.addr().is_none_or(|addr| {
            let eips = bindings.with_address(addr);
            eips.is_empty() || eips.iter().any(|eip| !eip.is_locked())
        })
    });
    let packages_missing =
        nat.bandwidth_packages.iter().flatten().any(|id| {
            topology.bandwidth_packages.get(id).is_none() && topology.eips.get(id).is_none()
        });
    let missing = if nat.eips.is_some() && !packages_missing {
        None
    } else if packages_missing {
        let scope = Scope::around(&nat.meta);
        topology.coverage.gap(Listing::NatBandwidthPackages, &scope)
    } else {
        topology.coverage.gap(Listing::Eips, &Scope::around(&nat.meta))
    };
    NatEips { addresses, missing: missing.map(|gap| Text::from(gap.to_string())) }
}

/// The block that an SNAT entry covers: stated, or that of its vSwitch.
pub fn snat_source(topology: &Topology, entry: &SnatEntry) -> Result<Cidr, Text> {
    let of_vswitch = || {
        let vswitch = topology.vswitches.get(entry.source_vswitch.as_deref()?)?;
        vswitch.cidr.as_ref()
    };
    let value: Option<&CidrValue> = match (&entry.source_vswitch, &entry.source_cidr) {
        // the vSwitch is what the entry means; its block is printed beside it
        (Some(_), stated) => of_vswitch().or(stated.as_ref()),
        (None, stated) => stated.as_ref(),
    };
    value
        .and_then(CidrValue::cidr)
        .ok_or_else(|| Text::from(format!("source block of {} (not stated or masked)", entry.id())))
}

/// The SNAT entries of a gateway that take part in translation.
pub(super) fn snat_entries<'t>(
    topology: &'t Topology,
    nat: &'t NatGateway,
) -> impl Iterator<Item = &'t SnatEntry> {
    topology.snat_entries.iter().filter(|entry| {
        let named = entry.nat_gateway.as_ref() == Some(nat.id());
        let by_table = entry.nat_gateway.is_none()
            && entry
                .table
                .as_ref()
                .is_some_and(|table| nat.snat_tables.iter().flatten().any(|t| t == table));
        (named || by_table) && is_available(*entry)
    })
}

/// The IP mappings of a gateway that take part in translation.
pub(super) fn ip_mappings<'t>(
    topology: &'t Topology,
    nat: &'t NatGateway,
) -> impl Iterator<Item = &'t DnatEntry> {
    topology.dnat_entries.iter().filter(|entry| {
        entry.is_ip_mapping()
            && is_available(*entry)
            && gateway_of_dnat(topology, entry).is_some_and(|owner| owner.id() == nat.id())
    })
}

/// The DNAT entries of a gateway that take part in translation, IP mappings first: one owns its
/// public address (egress.md §5.2).
pub(super) fn dnat_entries<'t>(topology: &'t Topology, nat: &NatGateway) -> Vec<&'t DnatEntry> {
    let mut entries: Vec<&DnatEntry> = topology
        .dnat_entries
        .iter()
        .filter(|entry| {
            is_available(*entry)
                && gateway_of_dnat(topology, entry).is_some_and(|owner| owner.id() == nat.id())
        })
        .collect();
    entries.sort_by_key(|entry| !entry.is_ip_mapping());
    entries
}

/// What is missing to know all SNAT entries of a gateway.
pub(super) fn snat_gap(topology: &Topology, nat: &NatGateway) -> Option<Text> {
    let scope = Scope::around(&nat.meta).with_parent(nat.id());
    let gap = topology.coverage.gap(Listing::SnatEntries, &scope)?;
    Some(Text::from(gap.to_string()))
}

/// What is missing to know all IP mappings of a gateway. The gateway's own EIP list can prove that
/// there are none: then no EIP is used by a DNAT entry.
pub(super) fn dnat_gap(topology: &Topology, nat: &NatGateway) -> Option<Text> {
    let scope = Scope::around(&nat.meta).with_parent(nat.id());
    let gap = topology.coverage.gap(Listing::DnatEntries, &scope)?;
    let proven_empty = nat.eips.as_ref().is_some_and(|eips| {
        !eips.is_empty()
            && eips.iter().all(|eip| matches!(eip.used_by, Some(NatEipUse::Snat | NatEipUse::Idle)))
    });
    if proven_empty { None } else { Some(Text::from(gap.to_string())) }
}
