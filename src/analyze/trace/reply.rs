//! The way back of a flow.
//!
//! A path is cut into legs at the devices that remember the flow. Replies go through the legs in
//! reverse order: over each, the packet of that leg with its ends exchanged must come from the far
//! end to the near one. Filters that remember flows let it pass; those that do not test it like any
//! packet, with the client's port as destination port, so each leg is walked for every range of
//! client ports that some filter tells apart.

use std::net::IpAddr;

use super::answer::{From, Question, Replies, Return};
use crate::fabric::{
    Back, ElementId, Fabric, Found, Header, HostId, Identity, OwnPublic, Reason, Resume,
    SourcePoint,
};
use crate::packet::{Packet, Service};
use crate::simulate::{
    Blocker, Leg as Passed, Mode, Path, Public, Start, Verdict, start, start_without_own, walk,
};
use crate::topology::Text;

/// Works out the way back of a path.
pub(super) fn walk_back(fabric: &Fabric, question: &Question, forward: &Path) -> Return {
    let mut back = Return {
        replies: Replies::All,
        reason: None,
        parts: Vec::new(),
        near: Vec::new(),
        blockers: Vec::new(),
    };
    let mut ports = vec![question.client_ports];
    let mut missing = untraceable(fabric, question, forward);
    let mut mixed = false;
    for leg in legs(fabric, question, forward) {
        let swept = sweep(fabric, question, &leg);
        missing.extend(swept.missing);
        mixed |= swept.mixed;
        ports = intersect(&ports, &swept.ports);
        back.reason = back.reason.or(swept.reason);
        for blocker in &swept.path.blockers {
            if !back.blockers.contains(blocker) {
                back.blockers.push(blocker.clone());
            }
        }
        back.near.push(leg.near);
        back.parts.push(swept.path);
    }
    if let Some(condition) = forward.conditions.iter().find(|condition| condition.failed) {
        // the guest sends replies another way (egress.md §5.3)
        ports.clear();
        back.reason = Some(condition.reason);
    }
    if forward.outcome.verdict == Verdict::Leaves {
        let beyond = forward.outcome.at.and_then(|at| fabric.element(at));
        let beyond = beyond.map_or_else(|| "gateway".to_owned(), |e| e.resource.to_string());
        missing.push(Text::from(format!("the network behind {beyond} (not in the input)")));
    }
    back.replies = if ports.is_empty() {
        Replies::None
    } else if !missing.is_empty() {
        missing.dedup();
        Replies::Unknown(missing)
    } else if mixed {
        Replies::SomePaths
    } else if ports == [question.client_ports] {
        Replies::All
    } else {
        Replies::Some(ports)
    };
    if back.replies == Replies::All {
        back.reason = None;
    }
    back
}

/// What is missing to walk a leg at all, where an end of it is not known as a number.
fn untraceable(fabric: &Fabric, question: &Question, forward: &Path) -> Vec<Text> {
    let outside = matches!(forward.outcome.verdict, Verdict::Exits | Verdict::Leaves);
    let answers = forward.host.and_then(|id| fabric.host(id)?.source).is_some();
    let mut missing = Vec::new();
    if !outside && answers && forward.header.src.is_none() {
        missing.push(Text::from("source that the target sees (masked or not stated)"));
    }
    let resumes = forward.legs.iter().any(|leg| matches!(leg.turn.resume, Resume::Host));
    if resumes && client_host(fabric, question).is_none() {
        missing.push(Text::from("who has the client's address (masked or not stated)"));
    }
    missing
}

/// A leg of the way back.
struct Leg {
    start: Start,
    goal: Goal,
    /// The public address that the sender of the reply has of its own.
    own: Option<IpAddr>,
    /// Position of the device at its near end among the legs of the way there.
    near: Option<usize>,
}

/// What must become of a reply on a leg.
enum Goal {
    /// It comes to this device.
    Device(ElementId),
    /// It passes the filters of its sender; the device gets it whatever the routes say.
    Filters,
    /// It leaves under this public address, which is the sender's own.
    OwnExit(IpAddr),
    /// It leaves to a network that we do not see.
    Leaves,
    /// It comes to the host that opened the connection.
    Client(Option<HostId>),
}

/// The legs of the way back, from the target on. Those over networks that we do not see are left
/// out: they bring replies back.
fn legs(fabric: &Fabric, question: &Question, forward: &Path) -> Vec<Leg> {
    let mut out = Vec::new();
    let turns = &forward.legs;
    let outside = matches!(forward.outcome.verdict, Verdict::Exits | Verdict::Leaves);
    if !outside
        && let Some((start, own)) = from_target(fabric, forward)
        && let Some(goal) = goal(fabric, question, turns.last())
    {
        let near = turns.len().checked_sub(1);
        out.push(Leg { start, goal, own, near });
    }
    if out.is_empty()
        && forward.host.is_none()
        && matches!(forward.outcome.verdict, Verdict::Delivered | Verdict::Answered)
        && let Some(id) = client_host(fabric, question).filter(|_| turns.is_empty())
        && let Some(host) = fabric.host(id)
    {
        // a service answers straight to the client's own filters
        let header = reversed(&forward.header);
        let at = host.inbound.clone();
        let start = Start { at, header, identity: Identity::None, host: Some(id) };
        out.push(Leg { start, goal: Goal::Client(Some(id)), own: None, near: None });
    }
    for (n, leg) in forward.legs.iter().enumerate().rev() {
        let near = n.checked_sub(1);
        let (at, host) = match &leg.turn.resume {
            Resume::Outside => continue,
            Resume::Go(branch) => (branch.clone(), None),
            Resume::Host => {
                let id = client_host(fabric, question);
                match id.and_then(|id| fabric.host(id)) {
                    Some(host) => (host.inbound.clone(), id),
                    None => continue,
                }
            }
        };
        let turn = near.and_then(|n| turns.get(n));
        let Some(goal) = goal(fabric, question, turn) else { continue };
        let header = reversed(&leg.header);
        let start = Start { at, header, identity: Identity::None, host };
        out.push(Leg { start, goal, own: None, near });
    }
    out
}

/// What a reply must come to at the near end of a leg; `None` when nothing can go wrong there.
fn goal(fabric: &Fabric, question: &Question, near: Option<&Passed>) -> Option<Goal> {
    match near {
        Some(Passed { header, turn, .. }) => Some(match turn.back {
            Back::Routed => Goal::Device(turn.at),
            Back::Direct => Goal::Filters,
            Back::Exit => Goal::OwnExit(header.dst),
        }),
        None => match question.from {
            From::Source(_) => Some(Goal::Client(client_host(fabric, question))),
            From::Outside(_) => Some(Goal::Leaves),
            From::Internet(_) => None,
        },
    }
}

/// The host that opened the connection.
fn client_host(fabric: &Fabric, question: &Question) -> Option<HostId> {
    let From::Source(n) = question.from else { return None };
    let source = fabric.sources.get(n)?;
    match fabric.host_at(source.home?, source.address.addr()?) {
        Found::Host(id) => Some(id),
        _ => None,
    }
}

/// The reply as the target sends it; `None` for targets that are services and answer by themselves.
fn from_target(fabric: &Fabric, forward: &Path) -> Option<(Start, Option<IpAddr>)> {
    let host = fabric.host(forward.host?)?;
    let source: &SourcePoint = fabric.sources.get(host.source?)?;
    let header = reversed(&forward.header);
    let packet = Packet {
        src: header.src.unwrap_or(header.dst),
        dst: header.dst,
        protocol: header.protocol,
        src_port: header.src_port,
        dst_port: header.dst_port,
    };
    // a client whose address is not known cannot be answered by the tables
    forward.header.src?;
    let routed = forward.legs.last().is_some_and(|leg| leg.turn.back == Back::Routed);
    let mapped = matches!(&source.own, OwnPublic::Held(held) if held.is_translation());
    let start = if routed && mapped {
        // the session of another entry comes before the mapping that gives it its address; whether
        // its replies find the device is up to the routes (egress.md §5.2)
        start_without_own(source, &packet)
    } else {
        start(source, &packet)
    };
    Some((start, source.own.address()))
}

fn reversed(header: &Header) -> Header {
    Header {
        src: Some(header.dst),
        dst: header.src.unwrap_or(header.dst),
        protocol: header.protocol,
        src_port: header.dst_port,
        dst_port: header.src_port,
        home: None,
        sender: None,
    }
}

/// A leg for all client ports.
struct Swept {
    /// Ports to which replies come back.
    ports: Vec<(u16, u16)>,
    /// Why others do not.
    reason: Option<Reason>,
    /// Some of the ways that a reply can take fail, others do not.
    mixed: bool,
    missing: Vec<Text>,
    /// The walk of the packet asked for, or of one that is stopped.
    path: Path,
}

fn sweep(fabric: &Fabric, question: &Question, leg: &Leg) -> Swept {
    let asked = one(fabric, question, leg, leg.start.header.dst_port);
    let mut swept = Swept {
        ports: Vec::new(),
        reason: None,
        mixed: asked.mixed,
        missing: Vec::new(),
        path: asked.path,
    };
    if !question.protocol.has_ports() {
        swept.reason = asked.reason;
        swept.missing = asked.missing;
        if asked.reason.is_none() || asked.mixed {
            swept.ports.push(question.client_ports);
        }
        return swept;
    }
    let (first, last) = question.client_ports;
    let mut next = Some(first);
    while let Some(port) = next.filter(|port| *port <= last) {
        let found = one(fabric, question, leg, port);
        let end = found.until.min(last);
        swept.mixed |= found.mixed;
        match found.reason {
            _ if found.mixed => {
                swept.ports.push((port, end));
                swept.reason = swept.reason.or(found.reason);
            }
            None => swept.ports.push((port, end)),
            Some(reason) => {
                swept.reason = swept.reason.or(Some(reason));
                if swept.path.blockers.is_empty() {
                    swept.path = found.path;
                }
            }
        }
        for text in found.missing {
            if !swept.missing.contains(&text) {
                swept.missing.push(text);
            }
        }
        next = end.checked_add(1);
    }
    swept.ports = joined(swept.ports);
    swept
}

/// One reply over one leg.
struct One {
    /// Why it does not come back.
    reason: Option<Reason>,
    /// Some of the ways that it can take fail, others do not.
    mixed: bool,
    missing: Vec<Text>,
    /// Last client port for which this holds.
    until: u16,
    path: Path,
}

fn one(fabric: &Fabric, question: &Question, leg: &Leg, port: u16) -> One {
    let mut start = leg.start.clone();
    if question.protocol.has_ports() {
        start.header.dst_port = port;
    }
    let client = match leg.goal {
        Goal::Client(host) => host,
        _ => None,
    };
    let mode = Mode {
        to_host: true,
        diagnose: true,
        reply: true,
        until: match leg.goal {
            Goal::Device(at) => Some(at),
            _ => None,
        },
        filters_only: matches!(leg.goal, Goal::Filters),
        otherwise: client,
        ..Mode::default()
    };
    let walked = walk(fabric, &start, &mode);
    let line = walked.extent.services.last;
    let service = Service::new(question.protocol, port);
    let until = if line.protocol() == service.protocol() { line.port() } else { u16::MAX };
    let judged: Vec<(Option<Reason>, Path)> =
        walked.paths.into_iter().map(|path| judge(fabric, leg, path)).collect();
    let undecided = |path: &Path| path.outcome.verdict == Verdict::Unknown;
    let missing: Vec<Text> = judged
        .iter()
        .filter(|(_, path)| undecided(path))
        .flat_map(|(_, path)| path.outcome.missing.clone())
        .collect();
    let failing = judged.iter().filter(|(reason, _)| reason.is_some()).count();
    let mixed = failing > 0 && failing < judged.len();
    // the one to show is the worst: the far side may take any
    let shown = judged.into_iter().max_by_key(|(reason, path)| (reason.is_some(), undecided(path)));
    let (reason, path) = shown.unwrap_or_else(|| (Some(Reason::ReplyNoRoute), empty(&start)));
    One { reason, mixed, missing, until, path }
}

/// Does a path come to its goal? Otherwise why not (decisions.md 39).
fn judge(fabric: &Fabric, leg: &Leg, mut path: Path) -> (Option<Reason>, Path) {
    for blocker in &mut path.blockers {
        // filters keep their names; whatever else stops a reply means that it finds no way back
        let filtered = fabric.stage(blocker.stage).is_some_and(|stage| stage.pass.is_some());
        if !filtered || blocker.reason == Reason::RoutingLoop {
            blocker.reason = Reason::ReplyNoRoute;
        }
    }
    let lost = path.end.0 != Verdict::Dropped && !arrives(fabric, leg, &path);
    if lost && path.outcome.verdict != Verdict::Unknown {
        // it comes somewhere, but not to where it must: behind all that stops it on that way
        let last = path.hops.last().cloned();
        let at = last.as_ref().and_then(|hop| fabric.stage(hop.stage)).map(|stage| stage.at);
        if let (Some(hop), Some(at)) = (last, at) {
            let (stage, element) = (hop.stage, hop.element);
            let reason = Reason::ReplyPathMismatch;
            path.blockers.push(Blocker { stage, reason, at, element });
        }
    }
    let reason = match path.outcome.verdict {
        Verdict::Unknown => None,
        Verdict::Dropped => {
            Some(path.blockers.first().map_or(Reason::ReplyNoRoute, |blocker| blocker.reason))
        }
        _ => lost.then_some(Reason::ReplyPathMismatch),
    };
    path.outcome.reason = reason;
    (reason, path)
}

/// A flow that comes back to the host that opened it, through a device that cannot have that.
pub(super) fn stop_loop(fabric: &Fabric, question: &Question, forward: &mut Path) {
    let owner = |n: usize| fabric.sources.get(n).map(|source| &source.eni.id);
    let client = match question.from {
        From::Source(n) => owner(n),
        From::Internet(_) | From::Outside(_) => None,
    };
    let host = forward.host.and_then(|id| fabric.host(id)?.source).and_then(owner);
    let turn = forward.legs.last().map(|leg| (leg.turn.clone(), leg.blockers));
    let Some((turn, place)) = turn else { return };
    let (Some(reason), true) = (turn.loops, host == client) else { return };
    if client.is_none() || forward.blockers.iter().any(|blocker| blocker.reason == reason) {
        return;
    }
    let Some(hop) = forward
        .hops
        .iter()
        .find(|hop| fabric.stage(hop.stage).is_some_and(|stage| stage.at == turn.at))
    else {
        return;
    };
    let blocker = Blocker { stage: hop.stage, reason, at: turn.at, element: hop.element };
    block(forward, place, blocker);
}

/// Adds a blocker at its place in path order.
fn block(forward: &mut Path, place: usize, blocker: Blocker) {
    forward.blockers.insert(place.min(forward.blockers.len()), blocker);
    if let Some(first) = forward.blockers.first() {
        forward.outcome.verdict = Verdict::Dropped;
        forward.outcome.reason = Some(first.reason);
        forward.outcome.at = Some(first.at);
    }
}

/// A device that turns packets from outside to a host drops them when the host's replies would not
/// come back to it: the flow is never set up (egress.md §10 10.4, decisions.md 39).
pub(super) fn stop_unanswerable(forward: &mut Path, back: &mut Return) {
    let is_lost =
        |b: &&Blocker| matches!(b.reason, Reason::ReplyNoRoute | Reason::ReplyPathMismatch);
    let outside =
        |leg: &Passed| leg.turn.back == Back::Routed && matches!(leg.turn.resume, Resume::Outside);
    let found = forward.legs.iter().enumerate().find_map(|(n, leg)| {
        let part = back.near.iter().position(|near| *near == Some(n)).filter(|_| outside(leg))?;
        let lost = back.parts.get(part)?.blockers.iter().find(is_lost)?;
        Some((leg.clone(), lost.clone()))
    });
    let Some((leg, mut blocker)) = found else { return };
    // it is told once, where it stops the flow
    back.blockers.retain(|other| *other != blocker);
    blocker.reason = Reason::ReplyPathMismatch;
    // that the target has a public address of its own comes first (egress.md §10 10.4)
    let rest = forward.blockers.get(leg.blockers..).unwrap_or_default();
    let first = rest.iter().take_while(|b| b.reason == Reason::DnatTargetHasPublicIp).count();
    let place = leg.blockers + first;
    block(forward, place, blocker);
}

fn arrives(fabric: &Fabric, leg: &Leg, path: &Path) -> bool {
    let outcome = &path.outcome;
    // whoever waits for the reply does not know it under an address that a forwarder put on it
    let inside = matches!(leg.goal, Goal::Device(_) | Goal::Client(_));
    if inside && path.header.src != leg.start.header.src {
        return false;
    }
    match leg.goal {
        Goal::Device(at) => path.end == (Verdict::Delivered, Some(at)),
        Goal::Filters => true,
        Goal::Leaves => path.end.0 == Verdict::Leaves,
        Goal::OwnExit(asked) => {
            let own = outcome.public == Public::Own && leg.own == Some(asked);
            path.end.0 == Verdict::Exits && own
        }
        Goal::Client(Some(client)) => {
            let element = |id| fabric.host(id).map(|host| host.element);
            path.host.is_some_and(|host| element(host) == element(client))
        }
        // a client whose host is not known: its segment is all that can be asked for
        Goal::Client(None) => path.end.0 == Verdict::Delivered,
    }
}

fn empty(start: &Start) -> Path {
    Path::stopped(start.header, Verdict::Dropped)
}

fn joined(mut ranges: Vec<(u16, u16)>) -> Vec<(u16, u16)> {
    ranges.sort_unstable();
    let mut out: Vec<(u16, u16)> = Vec::new();
    for (first, last) in ranges {
        match out.last_mut() {
            Some(before) if u32::from(first) <= u32::from(before.1) + 1 => {
                before.1 = before.1.max(last);
            }
            _ => out.push((first, last)),
        }
    }
    out
}

fn intersect(a: &[(u16, u16)], b: &[(u16, u16)]) -> Vec<(u16, u16)> {
    let common = |x: &(u16, u16), y: &(u16, u16)| {
        let (first, last) = (x.0.max(y.0), x.1.min(y.1));
        (first <= last).then_some((first, last))
    };
    a.iter().flat_map(|x| b.iter().filter_map(move |y| common(x, y))).collect()
}
