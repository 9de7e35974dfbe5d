//! Through which public address every source leaves, for which destinations, and why.

mod answer;

pub use answer::{EgressClass, EgressReport, SourceEgress, SourceRole, SourceVerdict};
