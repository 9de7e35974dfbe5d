//! Reference integrity: what one resource names must exist.

mod backend;
mod dangling;
mod dnat_target;
mod links;
mod nat_addresses;

pub(super) use backend::BackendMissing;
pub(super) use dangling::DanglingReference;
pub(super) use dnat_target::DnatTargetMissing;
pub(super) use nat_addresses::{DnatIpNotOnGateway, SnatIpNotOnGateway};
