//! Route entries by themselves and against what they point to.

mod loops;
mod next_hop;

pub(super) use loops::ForwardingLoop;
pub(super) use next_hop::NextHopMissing;
