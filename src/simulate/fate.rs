//! What can become of a packet.

use std::fmt;

use crate::fabric::{ElementId, Reason};
use crate::topology::{AddrValue, Text};

/// Verdict on one flow (design.md §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Leaves to the Internet with one of a set of public addresses.
    Exits,
    /// Reaches its target inside the networks we see.
    Delivered,
    /// Goes on to a network that we do not see.
    Leaves,
    /// A device answers in the target's place.
    Answered,
    /// Is dropped, for a reason.
    Dropped,
    /// Depends on something outside the network, such as the guest's routing.
    Conditional,
    /// Cannot be decided from the input.
    Unknown,
}

impl Verdict {
    /// Name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exits => "exits",
            Self::Delivered => "delivered",
            Self::Leaves => "leaves",
            Self::Answered => "answered",
            Self::Dropped => "dropped",
            Self::Conditional => "conditional",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that can become of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// Verdict.
    pub verdict: Verdict,
    /// Why not, for drops.
    pub reason: Option<Reason>,
    /// Public addresses, for exits.
    pub public: Public,
    /// Elements that decide, in path order.
    pub via: Vec<ElementId>,
    /// Target, place of the drop, or way out to a network that we do not see.
    pub at: Option<ElementId>,
    /// Facts that do not change the verdict.
    pub notes: Vec<Text>,
    /// Assumptions that it rests on.
    pub assumptions: Vec<Text>,
    /// What is missing, when it is unknown.
    pub missing: Vec<Text>,
}

/// The public addresses of an exit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Public {
    /// It is no exit.
    None,
    /// The source's own address.
    Own,
    /// Addresses that a device gave it.
    Given(Vec<AddrValue>),
}
