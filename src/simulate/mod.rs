//! Interpreters of the forwarding tables. Knows nothing of JSON and nothing of one cloud.

mod fate;
mod walk;

pub use crate::fabric::Reason;
pub use fate::{Outcome, Public, Verdict};
pub use walk::{Hop, Walk, walk, walk_without_own};
