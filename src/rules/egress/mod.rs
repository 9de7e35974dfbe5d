//! Egress identity: through which public address instances leave.

mod blocked;
mod bypass;
mod hub;
mod no_egress;
mod secondary_eni;
mod uniform;

pub(super) use blocked::EgressBlockedBySg;
pub(super) use bypass::{DnatIpMappingHijacksEgress, InstanceBypassesNat};
pub(super) use hub::EgressHubBroken;
pub(super) use no_egress::NoEgress;
pub(super) use secondary_eni::SecondaryEniEipNeedsPolicyRouting;
pub(super) use uniform::EgressNotUniform;
