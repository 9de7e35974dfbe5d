//! Alignment of zones and regions.

mod eni;
mod privatelink;

pub(super) use eni::EniZoneMismatch;
pub(super) use privatelink::{
    EndpointVSwitchZoneMismatch, EndpointZoneNotServed, PrivatelinkRegionMismatch,
    ServiceZoneVsClbPrimary,
};
