//! The concrete walk: one packet through the stages, naming what decides at each.

use std::net::IpAddr;
use std::sync::Arc;

use super::fate::{Outcome, Public, Verdict};
use crate::addr::{AddrRange, Family};
use crate::fabric::{
    Branch, ElementId, End, Fabric, Identity, Key, Op, OwnPublic, Reason, SourcePoint, StageId,
};
use crate::topology::Text;

/// A decision on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Stage.
    pub stage: StageId,
    /// The rule that matched first; `None` for the table's default.
    pub element: Option<ElementId>,
    /// Further rules that matched and were beaten.
    pub beaten: Vec<ElementId>,
    /// Source address at this stage, where it is known as a number.
    pub src: Option<IpAddr>,
}

/// What a walk found.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Everything that can become of the packet, without repetition, in a fixed order.
    pub outcomes: Vec<Outcome>,
    /// Decisions in the order in which they were taken, over all paths.
    pub hops: Vec<Hop>,
    /// Destinations around the packet's for which every lookup gives the same answer.
    pub dst_extent: AddrRange,
    /// Sources around the packet's for which every lookup gives the same answer.
    pub src_extent: AddrRange,
}

/// Walks a packet of a source to a destination.
pub fn walk(fabric: &Fabric, source: &SourcePoint, dst: IpAddr) -> Walk {
    let identity = match &source.own {
        OwnPublic::None => Identity::None,
        OwnPublic::Held(_) => Identity::Own,
        OwnPublic::Unknown(missing) => Identity::Unknown(Arc::from(missing.as_slice())),
    };
    run(fabric, source, source.entry, identity, dst)
}

/// The same walk, as if the source had no public address of its own.
pub fn walk_without_own(fabric: &Fabric, source: &SourcePoint, dst: IpAddr) -> Walk {
    run(fabric, source, source.entry_without_own, Identity::None, dst)
}

fn run(
    fabric: &Fabric,
    source: &SourcePoint,
    entry: StageId,
    identity: Identity,
    dst: IpAddr,
) -> Walk {
    let family = Family::of(dst);
    let whole = AddrRange { first: 0, last: family.max() };
    let mut walker = Walker {
        fabric,
        dst,
        walk: Walk { outcomes: Vec::new(), hops: Vec::new(), dst_extent: whole, src_extent: whole },
    };
    let state = State {
        src: source.address.addr(),
        original_src: true,
        identity,
        via: Vec::new(),
        notes: Vec::new(),
        assumptions: Vec::new(),
        seen: Vec::new(),
    };
    walker.stage(entry, state);
    walker.walk
}

/// What a packet carries with it.
#[derive(Debug, Clone)]
struct State {
    src: Option<IpAddr>,
    /// True until a device replaces the source address.
    original_src: bool,
    identity: Identity,
    via: Vec<ElementId>,
    notes: Vec<Text>,
    assumptions: Vec<Text>,
    /// Stages passed, each with the source address then; the same pair again is a loop.
    seen: Vec<(StageId, Option<IpAddr>)>,
}

/// Longest path that is followed: more hops than any packet's time to live.
const MAX_HOPS: usize = 255;

/// Lookups of one walk over all its paths; only inputs made to explode come near it.
const MAX_LOOKUPS: usize = 20_000;

struct Walker<'f> {
    fabric: &'f Fabric,
    dst: IpAddr,
    walk: Walk,
}

impl<'f> Walker<'f> {
    fn stage(&mut self, id: StageId, mut state: State) {
        let fabric: &'f Fabric = self.fabric;
        let Some(stage) = fabric.stage(id) else { return };
        if state.seen.contains(&(id, state.src)) {
            push(&mut state.via, stage.at);
            let outcome = dropped(state, Reason::RoutingLoop, stage.at);
            return self.end(outcome);
        }
        if state.seen.len() >= MAX_HOPS || self.walk.hops.len() >= MAX_LOOKUPS {
            let missing = Text::from("the path is too long or has too many branches to follow");
            return self.end(unknown(state, &[missing]));
        }
        state.seen.push((id, state.src));
        let address = match stage.table.key {
            Key::Destination => Some(self.dst),
            Key::Source => state.src,
        };
        // a table without rules treats all packets alike, whatever their address
        let Some(address) = address.or_else(|| stage.table.rules.is_empty().then_some(self.dst))
        else {
            let missing = Text::from("source address (masked or not stated)");
            return self.end(unknown(state, &[missing]));
        };
        let hit = stage.table.lookup(address);
        match stage.table.key {
            Key::Destination => narrow(&mut self.walk.dst_extent, hit.extent),
            Key::Source if state.original_src && !stage.table.rules.is_empty() => {
                narrow(&mut self.walk.src_extent, hit.extent);
            }
            Key::Source => {}
        }
        self.walk.hops.push(Hop {
            stage: id,
            element: hit.rule.map(|rule| rule.element),
            beaten: stage.table.matching(address).skip(1).map(|rule| rule.element).collect(),
            src: state.src,
        });
        self.branch(hit.then, state);
    }

    fn branch(&mut self, branch: &Branch, mut state: State) {
        for op in &branch.ops {
            match op {
                Op::Via(element) => push(&mut state.via, *element),
                Op::Identity(identity) => state.identity = identity.clone(),
                Op::Source(src) => {
                    state.src = *src;
                    state.original_src = false;
                }
                Op::Note(text) => push(&mut state.notes, text.clone()),
                Op::Assume(text) => push(&mut state.assumptions, text.clone()),
            }
        }
        match &branch.end {
            End::Go(stage) => self.stage(*stage, state),
            End::Fork(branches) => {
                for branch in branches.iter() {
                    self.branch(branch, state.clone());
                }
            }
            End::Exit { otherwise } => self.exit(state, *otherwise),
            End::Deliver(at) => {
                let outcome = ended(state, Verdict::Delivered, Some(*at));
                self.end(outcome);
            }
            End::Leave(at) => {
                let outcome = ended(state, Verdict::Leaves, Some(*at));
                self.end(outcome);
            }
            End::Drop(reason, at) => self.end(dropped(state, *reason, *at)),
            End::Unknown(missing) => self.end(unknown(state, missing)),
        }
    }

    fn exit(&mut self, mut state: State, otherwise: Reason) {
        match state.identity.clone() {
            Identity::None => {
                let at = state.via.last().copied();
                let mut outcome = ended(state, Verdict::Dropped, at);
                outcome.reason = Some(otherwise);
                self.end(outcome);
            }
            Identity::Own => {
                let mut outcome = ended(state, Verdict::Exits, None);
                outcome.public = Public::Own;
                self.end(outcome);
            }
            Identity::Given(set) => {
                for element in &set.via {
                    push(&mut state.via, *element);
                }
                let mut outcome = ended(state, Verdict::Exits, None);
                outcome.public = Public::Given(set.addresses.clone());
                self.end(outcome);
            }
            Identity::Unknown(missing) => self.end(unknown(state, &missing)),
        }
    }

    fn end(&mut self, outcome: Outcome) {
        if !self.walk.outcomes.contains(&outcome) {
            self.walk.outcomes.push(outcome);
        }
    }
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn narrow(extent: &mut AddrRange, by: AddrRange) {
    // both hold the packet's own address, so the intersection is never empty
    if let Some(both) = extent.intersect(&by) {
        *extent = both;
    }
}

fn ended(state: State, verdict: Verdict, at: Option<ElementId>) -> Outcome {
    Outcome {
        verdict,
        reason: None,
        public: Public::None,
        via: state.via,
        at,
        notes: state.notes,
        assumptions: state.assumptions,
        missing: Vec::new(),
    }
}

fn dropped(state: State, reason: Reason, at: ElementId) -> Outcome {
    Outcome { reason: Some(reason), ..ended(state, Verdict::Dropped, Some(at)) }
}

fn unknown(state: State, missing: &[Text]) -> Outcome {
    Outcome { missing: missing.to_vec(), ..ended(state, Verdict::Unknown, None) }
}
