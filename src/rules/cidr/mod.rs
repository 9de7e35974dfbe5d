//! Addressing: blocks of VPCs and vSwitches, and the addresses in them.

mod connected_overlap;
mod duplicate_address;
mod host_address;
mod host_bits;
mod vswitch_outside_vpc;
mod vswitch_overlap;

pub(super) use connected_overlap::ConnectedVpcOverlap;
pub(super) use duplicate_address::DuplicatePrivateIp;
pub(super) use host_address::{IpOutsideVSwitch, IpOutsideVpc};
pub(super) use host_bits::HostBitsSet;
pub(super) use vswitch_outside_vpc::VSwitchOutsideVpc;
pub(super) use vswitch_overlap::VSwitchOverlap;
