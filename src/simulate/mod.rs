//! Interpreters of the forwarding tables. Knows nothing of JSON and nothing of one cloud.

mod fate;

pub use fate::{Reason, Verdict};
