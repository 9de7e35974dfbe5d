//! Route entries by themselves and against what they point to.

mod next_hop;

pub(super) use next_hop::NextHopMissing;
