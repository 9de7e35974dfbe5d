//! The concrete walk: one packet through the stages, naming what decides at each.

use std::sync::Arc;

use super::fate::{Outcome, Public, Verdict};
use super::path::{Action, Blocker, Hop, Leg, Mode, Path, Start, Walk, too_long};
use crate::addr::Family;
use crate::fabric::{
    Back, Branch, Condition, ElementId, End, Extent, Fabric, Found, Header, Hit, HostId, Identity,
    Op, OwnPublic, Reason, Resume, SourcePoint, Stage, StageId, Turn,
};
use crate::packet::{Packet, ServiceRange};
use crate::topology::Text;

/// The start of a packet of a source, whether or not its address is known as a number.
pub fn start(source: &SourcePoint, packet: &Packet) -> Start {
    let identity = match &source.own {
        OwnPublic::None => Identity::None,
        OwnPublic::Held(_) => Identity::Own,
        OwnPublic::Unknown(missing) => Identity::Unknown(Arc::from(missing.as_slice())),
    };
    Start { at: Branch::go(source.entry), header: header(source, packet), identity, host: None }
}

/// The same start, as if the source had no public address of its own.
pub fn start_without_own(source: &SourcePoint, packet: &Packet) -> Start {
    let at = Branch::go(source.entry_without_own);
    Start { at, header: header(source, packet), identity: Identity::None, host: None }
}

fn header(source: &SourcePoint, packet: &Packet) -> Header {
    Header {
        src: source.address.addr(),
        dst: packet.dst,
        protocol: packet.protocol,
        src_port: packet.src_port,
        dst_port: packet.dst_port,
        home: source.home,
        sender: source.sender,
    }
}

/// Walks a packet.
pub fn walk(fabric: &Fabric, start: &Start, mode: &Mode) -> Walk {
    let extent = Extent::whole(Family::of(start.header.dst));
    let mut walker = Walker { fabric, mode, lookups: 0, walk: Walk { paths: Vec::new(), extent } };
    let state = State {
        header: start.header,
        original: Original { src: true, dst: true, services: true },
        identity: start.identity.clone(),
        via: Vec::new(),
        notes: Vec::new(),
        assumptions: Vec::new(),
        conditions: Vec::new(),
        missing: Vec::new(),
        hops: Vec::new(),
        legs: Vec::new(),
        blockers: Vec::new(),
        host: start.host,
        jumped: false,
        seen: Vec::new(),
    };
    walker.branch(&start.at, state, None);
    walker.walk
}

/// What a packet carries with it.
#[derive(Debug, Clone)]
struct State {
    header: Header,
    /// What no device has changed yet: for it, lookups say how far the answer reaches.
    original: Original,
    identity: Identity,
    via: Vec<ElementId>,
    notes: Vec<Text>,
    assumptions: Vec<Text>,
    conditions: Vec<Condition>,
    /// Filters that could not be decided, for lack of these.
    missing: Vec<Text>,
    hops: Vec<Hop>,
    legs: Vec<Leg>,
    blockers: Vec<Blocker>,
    host: Option<HostId>,
    /// It has been carried over a drop to the host asked for.
    jumped: bool,
    /// Stages passed, each with the packet then; the same pair again is a loop.
    seen: Vec<(StageId, Header)>,
}

/// Fields of the packet that no device has changed.
#[derive(Debug, Clone, Copy)]
struct Original {
    src: bool,
    dst: bool,
    services: bool,
}

/// Longest path that is followed: more hops than any packet's time to live.
const MAX_HOPS: usize = 255;

/// Lookups of one walk over all its paths; only inputs made to explode come near it.
const MAX_LOOKUPS: usize = 20_000;

struct Walker<'f, 'm> {
    fabric: &'f Fabric,
    mode: &'m Mode,
    lookups: usize,
    walk: Walk,
}

impl<'f> Walker<'f, '_> {
    fn stage(&mut self, id: StageId, mut state: State) {
        let fabric: &'f Fabric = self.fabric;
        let Some(stage) = fabric.stage(id) else { return };
        if self.mode.until == Some(stage.at) {
            return self.finish(state, Verdict::Delivered, Some(stage.at));
        }
        if self.mode.filters_only && stage.pass.is_none() {
            return self.finish(state, Verdict::Delivered, Some(stage.at));
        }
        if state.seen.contains(&(id, state.header)) {
            push(&mut state.via, stage.at);
            return self.drop(state, Some((id, stage)), Reason::RoutingLoop, stage.at, None);
        }
        if state.seen.len() >= MAX_HOPS || self.lookups >= MAX_LOOKUPS {
            state.missing.push(too_long());
            return self.finish(state, Verdict::Unknown, None);
        }
        state.seen.push((id, state.header));
        if let Some(pass) = &stage.pass {
            if pass.blanket && !self.mode.blankets {
                return self.branch(&pass.to, state, None);
            }
            if pass.stateful && self.mode.reply {
                self.hop(&mut state, id, None, Action::Session);
                return self.branch(&pass.to, state, None);
            }
        }
        // a table that does not look at the source treats all packets alike, whatever theirs is
        if state.header.src.is_none() && stage.table.reads_source() {
            let missing = [Text::from("source address (masked or not stated)")];
            return self.undecided(state, id, stage, &missing);
        }
        self.lookups += 1;
        let hit = stage.table.lookup(&state.header);
        narrow(&mut self.walk.extent, &hit.extent, state.original);
        if let Some(doubts) = doubts(&hit) {
            return self.undecided(state, id, stage, &doubts);
        }
        let element = hit.rule.map(|rule| rule.element);
        self.hop(&mut state, id, element, action(stage, hit.then));
        if let (End::Unknown(missing), Some(_)) = (&hit.then.end, &stage.pass) {
            state.hops.pop();
            return self.undecided(state, id, stage, missing);
        }
        self.branch(hit.then, state, Some((id, stage, element)));
    }

    fn hop(&self, state: &mut State, stage: StageId, element: Option<ElementId>, action: Action) {
        // looked for only where something ranks the rules, so not in the long tables of filters
        let ranked = element
            .and_then(|id| self.fabric.element(id))
            .filter(|element| element.precedence.is_some())
            .and_then(|_| self.fabric.stage(stage));
        let beaten = ranked.map_or_else(Vec::new, |stage| {
            stage.table.matching(&state.header).skip(1).map(|rule| rule.element).collect()
        });
        state.hops.push(Hop { stage, element, beaten, header: state.header, action });
    }

    /// A stage that cannot be decided. Behind a filter the way is known all the same, and something
    /// there may drop the packet for certain.
    fn undecided(&mut self, mut state: State, id: StageId, stage: &Stage, missing: &[Text]) {
        self.hop(&mut state, id, None, Action::Unknown);
        for text in missing {
            push(&mut state.missing, text.clone());
        }
        match &stage.pass {
            Some(pass) => self.branch(&pass.to, state, None),
            None => self.finish(state, Verdict::Unknown, None),
        }
    }

    fn branch(
        &mut self,
        branch: &Branch,
        mut state: State,
        at: Option<(StageId, &Stage, Option<ElementId>)>,
    ) {
        for op in &branch.ops {
            let moves = match op {
                Op::ShiftPort { from, to } => from != to,
                Op::Port(_) => true,
                _ => false,
            };
            if moves && state.original.services {
                // behind it ports say nothing of the packet's own: the answer holds for this one
                let service = state.header.service();
                self.walk.extent.services = ServiceRange { first: service, last: service };
            }
            apply(op, &mut state);
        }
        match &branch.end {
            End::Go(stage) => self.stage(*stage, state),
            End::Fork(branches) => {
                for branch in branches.iter() {
                    self.branch(branch, state.clone(), at);
                }
            }
            End::Exit { otherwise, gate } => match gate {
                Some(gate)
                    if self.mode.blankets
                        && matches!(state.identity, Identity::Own | Identity::Given(_)) =>
                {
                    self.stage(*gate, state);
                }
                _ => self.exit(state, *otherwise, at),
            },
            End::Arrive { segment, network } => self.arrive(state, (*segment, *network), None, at),
            End::Enter { segment, network, inbound } => {
                self.arrive(state, (*segment, *network), Some(inbound), at)
            }
            End::Here => {
                let host = state.host.and_then(|host| self.fabric.host(host));
                let at = host.map(|host| host.element);
                self.finish(state, Verdict::Delivered, at);
            }
            End::Deliver(at) => self.finish(state, Verdict::Delivered, Some(*at)),
            End::Answer(at) => self.finish(state, Verdict::Answered, Some(*at)),
            End::Leave(at) => self.finish(state, Verdict::Leaves, Some(*at)),
            End::Drop(reason, place) => {
                let element = at.and_then(|(_, _, element)| element);
                let stage = at.map(|(id, stage, _)| (id, stage));
                self.drop(state, stage, *reason, *place, element);
            }
            End::Unknown(missing) => {
                for text in missing.iter() {
                    push(&mut state.missing, text.clone());
                }
                self.finish(state, Verdict::Unknown, None);
            }
        }
    }

    /// Reaches a segment of a network: the host there takes the packet, past its own filters or
    /// past these.
    fn arrive(
        &mut self,
        mut state: State,
        (segment, network): (ElementId, ElementId),
        inbound: Option<&Branch>,
        at: Option<(StageId, &Stage, Option<ElementId>)>,
    ) {
        if !self.mode.to_host {
            return self.finish(state, Verdict::Delivered, Some(segment));
        }
        match self.fabric.host_at(network, state.header.dst) {
            Found::Host(id) => {
                let Some(host) = self.fabric.host(id) else { return };
                if self.mode.until == Some(host.element) {
                    return self.finish(state, Verdict::Delivered, Some(host.element));
                }
                state.host = Some(id);
                self.branch(inbound.unwrap_or(&host.inbound), state, None);
            }
            Found::Nobody => {
                let stage = at.map(|(id, stage, _)| (id, stage));
                self.drop(state, stage, Reason::NoSuchHost, segment, None);
            }
            Found::Unknown(missing) => {
                push(&mut state.missing, missing);
                self.finish(state, Verdict::Unknown, Some(segment));
            }
        }
    }

    fn drop(
        &mut self,
        mut state: State,
        stage: Option<(StageId, &Stage)>,
        reason: Reason,
        at: ElementId,
        element: Option<ElementId>,
    ) {
        if let Some((stage, _)) = stage {
            state.blockers.push(Blocker { stage, reason, at, element });
        }
        if !self.mode.diagnose {
            return self.dropped(state, reason, at);
        }
        if reason != Reason::RoutingLoop
            && let Some(pass) = stage.and_then(|(_, stage)| stage.pass.as_ref())
        {
            return self.branch(&pass.to, state, None);
        }
        let host = self.mode.otherwise.filter(|id| !state.jumped && state.host != Some(*id));
        match host.and_then(|id| Some((id, self.fabric.host(id)?))) {
            Some((id, host)) => {
                state.jumped = true;
                state.host = Some(id);
                self.branch(&host.inbound, state, None);
            }
            None => self.dropped(state, reason, at),
        }
    }

    fn dropped(&mut self, state: State, reason: Reason, at: ElementId) {
        let mut path = path(state, Verdict::Dropped, Some(at));
        // the first of several is the reason (decisions.md 39)
        let first = path.blockers.first();
        path.outcome.at = Some(first.map_or(at, |b| b.at));
        path.outcome.reason = Some(first.map_or(reason, |b| b.reason));
        self.walk.paths.push(path);
    }

    fn exit(
        &mut self,
        mut state: State,
        otherwise: Reason,
        at: Option<(StageId, &Stage, Option<ElementId>)>,
    ) {
        let public = match state.identity.clone() {
            Identity::None => {
                let place = state.via.last().copied().or(at.map(|(_, stage, _)| stage.at));
                let Some(place) = place else { return };
                let stage = at.map(|(id, stage, _)| (id, stage));
                return self.drop(state, stage, otherwise, place, None);
            }
            Identity::Own => {
                if let Some((_, stage, _)) = at {
                    let turn = Turn::new(stage.at, Back::Direct, Resume::Host);
                    let blockers = state.blockers.len();
                    state.legs.push(Leg { header: state.header, turn: Arc::new(turn), blockers });
                }
                Public::Own
            }
            Identity::Given(set) => {
                for element in &set.via {
                    push(&mut state.via, *element);
                }
                Public::Given(set.addresses.clone())
            }
            Identity::Unknown(missing) => {
                for text in missing.iter() {
                    push(&mut state.missing, text.clone());
                }
                Public::None
            }
        };
        let mut path = end(state, Verdict::Exits, None);
        path.outcome.public = public;
        self.walk.paths.push(path);
    }

    fn finish(&mut self, state: State, verdict: Verdict, at: Option<ElementId>) {
        self.walk.paths.push(end(state, verdict, at));
    }
}

/// The end of a path that nothing dropped here. What was dropped before, when diagnosing, stays
/// dropped; what could not be decided before is not known to get this far.
fn end(state: State, reached: Verdict, at: Option<ElementId>) -> Path {
    let verdict = reached;
    let verdict = if !state.blockers.is_empty() {
        Verdict::Dropped
    } else if !state.missing.is_empty() {
        Verdict::Unknown
    } else if !state.conditions.is_empty() && verdict == Verdict::Delivered {
        Verdict::Conditional
    } else {
        verdict
    };
    Path { end: (reached, at), ..path(state, verdict, at) }
}

fn path(state: State, verdict: Verdict, at: Option<ElementId>) -> Path {
    let first = state.blockers.first().filter(|_| verdict == Verdict::Dropped);
    let mut notes = state.notes;
    notes.extend(state.conditions.iter().map(|condition| condition.text.clone()));
    let condition = state.conditions.first().filter(|_| verdict == Verdict::Conditional);
    let outcome = Outcome {
        verdict,
        reason: first.map(|blocker| blocker.reason).or(condition.map(|c| c.reason)),
        public: Public::None,
        via: state.via,
        at: first.map(|blocker| blocker.at).or(at),
        notes,
        assumptions: state.assumptions,
        missing: state.missing,
    };
    Path {
        outcome,
        end: (verdict, at),
        hops: state.hops,
        legs: state.legs,
        header: state.header,
        host: state.host,
        blockers: state.blockers,
        conditions: state.conditions,
    }
}

fn apply(op: &Op, state: &mut State) {
    match op {
        Op::Via(element) => push(&mut state.via, *element),
        Op::Identity(identity) => state.identity = identity.clone(),
        Op::Source(src) => {
            state.header.src = *src;
            state.original.src = false;
        }
        Op::Destination(dst) => {
            state.header.dst = *dst;
            state.original.dst = false;
        }
        Op::ShiftPort { from, to } => {
            state.header.dst_port = state.header.dst_port.wrapping_sub(*from).wrapping_add(*to);
            state.original.services &= from == to;
        }
        Op::Port(port) => {
            state.header.dst_port = *port;
            state.original.services = false;
        }
        Op::Home(home) => state.header.home = *home,
        Op::Sender(sender) => state.header.sender = *sender,
        Op::Turn(turn) => {
            let blockers = state.blockers.len();
            state.legs.push(Leg { header: state.header, turn: Arc::clone(turn), blockers });
        }
        Op::Note(text) => push(&mut state.notes, text.clone()),
        Op::Assume(text) => push(&mut state.assumptions, text.clone()),
        Op::Condition(condition) => push(&mut state.conditions, condition.clone()),
    }
}

/// What would be needed to decide between the rules that may match; `None` when they all come to
/// the same as the first that certainly matches.
fn doubts(hit: &Hit<'_>) -> Option<Vec<Text>> {
    let stops = |branch: &Branch| matches!(branch.end, End::Drop(..));
    let decided = stops(hit.then);
    let open = hit.doubts.iter().filter(|rule| stops(&rule.then) != decided);
    let missing: Vec<Text> = open.filter_map(|rule| rule.doubt.clone()).collect();
    (!missing.is_empty()).then_some(missing)
}

fn action(stage: &Stage, branch: &Branch) -> Action {
    let changes = |op: &Op| {
        matches!(op, Op::Source(_) | Op::Destination(_) | Op::ShiftPort { .. } | Op::Port(_))
            || matches!(op, Op::Identity(Identity::Given(_)))
    };
    match &branch.end {
        End::Drop(..) => Action::Drop,
        End::Unknown(_) => Action::Unknown,
        End::Answer(_) => Action::Answer,
        _ if branch.ops.iter().any(changes) => Action::Translate,
        End::Fork(branches) if branches.iter().any(|b| b.ops.iter().any(changes)) => {
            Action::Translate
        }
        End::Exit { .. } => Action::Exit,
        End::Leave(_) => Action::Leave,
        _ if stage.pass.is_some() => Action::Allow,
        End::Deliver(_) | End::Here => Action::Deliver,
        _ => Action::Forward,
    }
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn narrow(extent: &mut Extent, by: &Extent, original: Original) {
    // both hold the packet itself, so no intersection is ever empty
    if original.src {
        extent.src = extent.src.intersect(&by.src).unwrap_or(by.src);
    }
    if original.dst {
        extent.dst = extent.dst.intersect(&by.dst).unwrap_or(by.dst);
    }
    if original.services {
        extent.services = extent.services.intersect(&by.services).unwrap_or(by.services);
    }
    let (a, b) = (extent.src_ports, by.src_ports);
    extent.src_ports = (a.0.max(b.0), a.1.min(b.1));
}
