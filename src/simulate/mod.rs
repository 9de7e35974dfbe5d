//! Interpreters of the forwarding tables. Knows nothing of JSON and nothing of one cloud.

mod fate;
mod path;
mod walk;

pub use crate::fabric::Reason;
pub use fate::{Outcome, Public, Verdict};
pub use path::{Action, Blocker, Hop, Leg, Mode, Path, Start, Walk};
pub use walk::{start, start_without_own, walk};
