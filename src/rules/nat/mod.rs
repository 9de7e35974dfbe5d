//! NAT gateways: SNAT and DNAT entries against each other, against the routes and the hosts.

mod dnat_conflicts;
mod dnat_target;
mod snat_coverage;
mod without_eip;

pub(super) use dnat_conflicts::{DnatDuplicateExternal, DnatIpMappingConflict};
pub(super) use dnat_target::DnatTargetHasPublicIp;
pub(super) use snat_coverage::{SnatSourceNotRouted, VSwitchWithoutSnat};
pub(super) use without_eip::NatWithoutEip;

use crate::topology::{DnatEntry, Id, NatGateway, NatNetwork, Topology};

/// The gateway of a DNAT entry: named, or the one that has its table (formats-api.md §4.2).
fn gateway_of<'t>(topology: &'t Topology, entry: &DnatEntry) -> Option<&'t NatGateway> {
    match (&entry.nat_gateway, &entry.table) {
        (Some(id), _) => topology.nat_gateways.get(id),
        (None, Some(table)) => topology
            .nat_gateways
            .iter()
            .find(|nat| nat.dnat_tables.as_ref().is_some_and(|tables| tables.contains(table))),
        (None, None) => None,
    }
}

/// What tells the entries of one gateway from those of another: its id, else the table.
fn owner(topology: &Topology, entry: &DnatEntry) -> Option<Id> {
    match gateway_of(topology, entry) {
        Some(nat) => Some(nat.meta.id.clone()),
        None => entry.nat_gateway.clone().or_else(|| entry.table.clone()),
    }
}

/// True for an Internet NAT gateway; bodies without network type are that (formats-api.md §4.2).
fn is_internet(nat: &NatGateway) -> bool {
    nat.network != Some(NatNetwork::Intranet)
}
