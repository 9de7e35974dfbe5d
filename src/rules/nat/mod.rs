//! NAT gateways: SNAT and DNAT entries against each other, against the routes and the hosts.

mod dnat_blocked;
mod dnat_conflicts;
mod dnat_return;
mod dnat_target;
mod hairpin;
mod snat_coverage;
mod without_eip;

pub(super) use dnat_blocked::DnatEntryBlocked;
pub(super) use dnat_conflicts::{DnatDuplicateExternal, DnatIpMappingConflict};
pub(super) use dnat_return::DnatReturnRoute;
pub(super) use dnat_target::DnatTargetHasPublicIp;
pub(super) use hairpin::NatHairpin;
pub(super) use snat_coverage::{SnatSourceNotRouted, VSwitchWithoutSnat};
pub(super) use without_eip::NatWithoutEip;

use super::Context;
use crate::topology::{DnatEntry, Id, NatGateway, NatNetwork, Resource};

/// What tells the entries of one gateway from those of another: its id, else the table.
fn owner<'c>(cx: &Context<'c>, entry: &'c DnatEntry) -> Option<&'c Id> {
    match cx.gateway_of(entry.nat_gateway.as_ref(), entry.table.as_ref()) {
        Some(nat) => Some(nat.id()),
        None => entry.nat_gateway.as_ref().or(entry.table.as_ref()),
    }
}

/// True for an Internet NAT gateway; bodies without network type are that (formats-api.md §4.2).
fn is_internet(nat: &NatGateway) -> bool {
    nat.network != Some(NatNetwork::Intranet)
}
