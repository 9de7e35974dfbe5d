//! Answers about a whole topology, computed from walks.

pub mod egress;
pub mod trace;
