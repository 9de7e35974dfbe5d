//! Routes and their next hops.

mod asymmetric;
mod hop_health;
mod ipv4_gateway;
mod loops;
mod missing_default;
mod next_hop;
mod one_way;
mod peering;
mod tables;
mod transit;

pub(super) use asymmetric::AsymmetricReturn;
pub(super) use hop_health::NextHopUnhealthy;
pub(super) use ipv4_gateway::{Ipv4gwInactiveOrUnrouted, PublicIpWithoutIpv4gwRoute};
pub(super) use loops::ForwardingLoop;
pub(super) use missing_default::CustomTableMissingDefault;
pub(super) use next_hop::NextHopMissing;
pub(super) use one_way::OneWayPeering;
pub(super) use peering::PeeringDestinationWrong;
pub(super) use transit::TrAssociationOrPropagationMissing;
