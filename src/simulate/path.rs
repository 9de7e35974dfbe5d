//! What a walk finds: paths, their decisions, and the legs between devices that remember flows.

use std::sync::Arc;

use super::fate::{Outcome, Public, Verdict};
use crate::fabric::{
    Branch, Condition, ElementId, Extent, Header, HostId, Identity, Reason, StageId, Turn,
};
use crate::topology::Text;

/// Where a packet starts.
#[derive(Debug, Clone)]
pub struct Start {
    /// First decision.
    pub at: Branch,
    /// Header of the packet.
    pub header: Header,
    /// Public identity of its source.
    pub identity: Identity,
    /// The host that it has already reached, when the first decision is one of its filters.
    pub host: Option<HostId>,
}

/// How a packet is walked.
#[derive(Debug, Clone, Default)]
pub struct Mode {
    /// Follow the packet to the host that has the destination address; otherwise the walk ends
    /// where it reaches the segment.
    pub to_host: bool,
    /// Take filters that stop the same packets everywhere into account.
    pub blankets: bool,
    /// Go on behind whatever drops the packet, as if that were mended, and collect all blockers.
    pub diagnose: bool,
    /// The packet is the reply of a flow that has been let through.
    pub reply: bool,
    /// End as delivered behind the filters at the start.
    pub filters_only: bool,
    /// End as delivered on reaching this device.
    pub until: Option<ElementId>,
    /// Where to go on, when diagnosing, behind a drop that is no filter's: the host asked for.
    pub otherwise: Option<HostId>,
}

/// What a stage did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Sent on.
    Forward,
    /// A filter let it through.
    Allow,
    /// A stateful filter let a reply through.
    Session,
    /// Addresses or ports were replaced.
    Translate,
    /// Reached its target.
    Deliver,
    /// Answered in the target's place.
    Answer,
    /// Left to the Internet.
    Exit,
    /// Left to a network that we do not see.
    Leave,
    /// Dropped.
    Drop,
    /// Cannot be decided.
    Unknown,
}

impl Action {
    /// Name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Allow => "allow",
            Self::Session => "session",
            Self::Translate => "translate",
            Self::Deliver => "deliver",
            Self::Answer => "answer",
            Self::Exit => "exit",
            Self::Leave => "leave",
            Self::Drop => "drop",
            Self::Unknown => "unknown",
        }
    }
}

/// A decision on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Stage.
    pub stage: StageId,
    /// The rule that matched first; `None` for the table's default.
    pub element: Option<ElementId>,
    /// Further rules that matched and were beaten, where the winner has a precedence.
    pub beaten: Vec<ElementId>,
    /// The packet as it came to the stage.
    pub header: Header,
    /// What was done with it.
    pub action: Action,
}

/// A decision that stops the packet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Blocker {
    /// Stage.
    pub stage: StageId,
    /// Why.
    pub reason: Reason,
    /// Device or table.
    pub at: ElementId,
    /// The rule that decided; `None` for a default.
    pub element: Option<ElementId>,
}

/// The way from one device that remembers the flow to the next.
#[derive(Debug, Clone)]
pub struct Leg {
    /// The packet on this leg, as it came to the leg's end.
    pub header: Header,
    /// The device at its end.
    pub turn: Arc<Turn>,
    /// How many blockers the path had met by then.
    pub blockers: usize,
}

/// One path that a packet can take.
#[derive(Debug, Clone)]
pub struct Path {
    /// What becomes of the packet.
    pub outcome: Outcome,
    /// How and where it ends, as if everything on the way had let it through.
    pub end: (Verdict, Option<ElementId>),
    /// Decisions in order.
    pub hops: Vec<Hop>,
    /// Legs that ended at devices; what follows the last of them is the way to the target.
    pub legs: Vec<Leg>,
    /// The packet at the end.
    pub header: Header,
    /// The host that it reached or, when diagnosing, would have reached.
    pub host: Option<HostId>,
    /// All that stops it, in path order; more than one only when diagnosing.
    pub blockers: Vec<Blocker>,
    /// What replies depend on, outside the network.
    pub conditions: Vec<Condition>,
}

/// What a walk found.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Every path that the packet can take, in a fixed order.
    pub paths: Vec<Path>,
    /// Box around the packet within which all of this holds.
    pub extent: Extent,
}

impl Path {
    /// A path that ended before its first decision.
    pub fn stopped(header: Header, verdict: Verdict) -> Self {
        let outcome = Outcome {
            verdict,
            reason: None,
            public: Public::None,
            via: Vec::new(),
            at: None,
            notes: Vec::new(),
            assumptions: Vec::new(),
            missing: Vec::new(),
        };
        let (hops, legs, blockers) = (Vec::new(), Vec::new(), Vec::new());
        let end = (verdict, None);
        Self { outcome, end, hops, legs, header, host: None, blockers, conditions: Vec::new() }
    }
}

impl Walk {
    /// Everything that can become of the packet, without repetition.
    pub fn outcomes(&self) -> Vec<Outcome> {
        let mut out: Vec<Outcome> = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            if !out.contains(&path.outcome) {
                out.push(path.outcome.clone());
            }
        }
        out
    }

    /// All decisions, over all paths.
    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        self.paths.iter().flat_map(|path| &path.hops)
    }
}

/// Reasons for not knowing that stand for limits of the walk.
pub(super) fn too_long() -> Text {
    Text::from("the path is too long or has too many branches to follow")
}
