//! One flow, hop by hop, there and back.
//!
//! The way there is walked as a diagnosis: behind whatever stops the packet the walk goes on, so
//! that all blockers are found. A packet that leaves to a public address which the input has comes
//! in again there. The way back is worked out leg by leg (see `reply`).

mod answer;
mod reply;

use std::net::IpAddr;

pub use answer::{Branch, Connection, From, Question, Replies, Return, Target, To, Trace};

use crate::fabric::{
    Branch as Entry, End, Fabric, Header, HostId, Identity, OwnPublic, Reason, SourcePoint,
};
use crate::packet::Packet;
use crate::simulate::{Mode, Path, Public, Start, Verdict, start, walk};
use crate::topology::{AddrValue, Text};

/// Answers a question; `None` when its source does not exist.
pub fn trace(fabric: &Fabric, question: &Question) -> Option<Trace> {
    let first = first_start(fabric, question)?;
    let mode = Mode {
        to_host: true,
        blankets: true,
        diagnose: true,
        otherwise: question.to.host,
        ..Mode::default()
    };
    let mut paths = Vec::new();
    match first {
        Some(start) => {
            for path in walk(fabric, &start, &mode).paths {
                continue_inside(fabric, question, &mode, path, &mut paths);
            }
        }
        None => return Some(nowhere(fabric, question)),
    }
    let branches: Vec<Branch> =
        paths.into_iter().map(|path| branch(fabric, question, path)).collect();
    Some(sum(question, branches))
}

/// Where the first packet starts; the inner `None` when there is nothing at the public address.
fn first_start(fabric: &Fabric, question: &Question) -> Option<Option<Start>> {
    let dst = question.to.address;
    match &question.from {
        From::Source(n) => {
            let source = fabric.sources.get(*n)?;
            let packet = packet(question, source.address.addr().unwrap_or(dst));
            Some(Some(start(source, &packet)))
        }
        From::Outside(address) => {
            let host = fabric.host(question.to.host?)?;
            let segment = host.segment.unwrap_or(host.network);
            let end = End::Arrive { segment, network: host.network };
            Some(Some(from_internet(question, *address, &Entry::new(end))))
        }
        From::Internet(client) => {
            let point = fabric.public_at(dst);
            Some(point.map(|point| from_internet(question, *client, &point.entry)))
        }
    }
}

fn packet(question: &Question, src: IpAddr) -> Packet {
    Packet {
        src,
        dst: question.to.address,
        protocol: question.protocol,
        src_port: question.src_port,
        dst_port: question.dst_port,
    }
}

fn from_internet(question: &Question, client: IpAddr, entry: &Entry) -> Start {
    let header = Header {
        src: Some(client),
        dst: question.to.address,
        protocol: question.protocol,
        src_port: question.src_port,
        dst_port: question.dst_port,
        home: None,
        sender: None,
    };
    Start { at: entry.clone(), header, identity: Identity::None, host: None }
}

/// A packet that leaves to a public address of the input comes in again there, with the public
/// address under which it left (egress.md §5.4). To its own public address: nobody knows
/// (decisions.md 36).
fn continue_inside(
    fabric: &Fabric,
    question: &Question,
    mode: &Mode,
    path: Path,
    out: &mut Vec<Path>,
) {
    // also behind what stops it or cannot be decided
    let left = path.outcome.public != Public::None;
    let From::Source(n) = &question.from else { return out.push(path) };
    let source = fabric.sources.get(*n);
    let holds = |source: &&SourcePoint| match &source.own {
        OwnPublic::Held(held) => {
            !held.is_translation() && held.address.addr() == Some(question.to.address)
        }
        _ => false,
    };
    if source.as_ref().is_some_and(holds) {
        return out.push(to_itself(path));
    }
    let Some(point) = fabric.public_at(question.to.address).filter(|_| left) else {
        return out.push(path);
    };
    let addresses = match &path.outcome.public {
        Public::Given(addresses) => addresses.clone(),
        _ => source.into_iter().flat_map(own_address).collect(),
    };
    for address in addresses {
        let Some(client) = address.addr() else {
            out.push(undecided(path.clone(), format!("public address `{address}` (masked)")));
            continue;
        };
        let start = from_internet(question, client, &point.entry);
        let mut path = path.clone();
        if let Public::Given(addresses) = &mut path.outcome.public {
            *addresses = vec![address];
        }
        for inside in walk(fabric, &start, mode).paths {
            out.push(join(path.clone(), inside));
        }
    }
}

fn own_address(source: &SourcePoint) -> Option<AddrValue> {
    match &source.own {
        OwnPublic::Held(held) => Some(held.address.clone()),
        _ => None,
    }
}

/// Nobody says what becomes of a packet to the sender's own public address (decisions.md 36).
fn to_itself(mut path: Path) -> Path {
    path.blockers.clear();
    path.hops.clear();
    path.host = None;
    undecided(path, "how a flow to the sender's own public address is treated".to_owned())
}

fn undecided(mut path: Path, missing: String) -> Path {
    path.outcome.missing.push(Text::from(missing));
    if path.blockers.is_empty() {
        path.outcome.verdict = Verdict::Unknown;
        path.outcome.reason = None;
    }
    path
}

/// The way out and the way in again as one path.
fn join(mut out: Path, mut inside: Path) -> Path {
    out.hops.append(&mut inside.hops);
    // what an inner leg counts stands behind what was met before
    inside.legs.iter_mut().for_each(|leg| leg.blockers += out.blockers.len());
    out.legs.append(&mut inside.legs);
    let earlier = !out.blockers.is_empty();
    out.blockers.append(&mut inside.blockers);
    let mut outcome = inside.outcome;
    let prepend = |list: &mut Vec<Text>, before: &[Text]| {
        let mut all = before.to_vec();
        all.extend(list.drain(..).filter(|text| !before.contains(text)));
        *list = all;
    };
    prepend(&mut outcome.notes, &out.outcome.notes);
    prepend(&mut outcome.assumptions, &out.outcome.assumptions);
    prepend(&mut outcome.missing, &out.outcome.missing);
    let mut via = out.outcome.via.clone();
    via.extend(outcome.via.iter().filter(|id| !out.outcome.via.contains(id)));
    outcome.via = via;
    outcome.public = out.outcome.public.clone();
    if earlier {
        outcome.verdict = Verdict::Dropped;
        outcome.reason = out.outcome.reason;
        outcome.at = out.outcome.at;
    } else if !outcome.missing.is_empty() && outcome.verdict != Verdict::Dropped {
        outcome.verdict = Verdict::Unknown;
    }
    out.outcome = outcome;
    out.conditions.append(&mut inside.conditions);
    out.header = inside.header;
    out.host = inside.host;
    out.end = inside.end;
    out
}

/// The whole of one way.
fn branch(fabric: &Fabric, question: &Question, mut forward: Path) -> Branch {
    let mut verdict = forward.outcome.verdict;
    let reached = match verdict {
        // a device that stops the packet answers nothing
        Verdict::Dropped | Verdict::Unknown => {
            forward.host.and_then(|id| fabric.host(id)).is_some_and(|host| host.source.is_some())
        }
        _ => true,
    };
    let mut back = reached.then(|| reply::walk_back(fabric, question, &forward));
    reply::stop_loop(fabric, question, &mut forward);
    if let Some(back) = &mut back {
        reply::stop_unanswerable(&mut forward, back);
    }
    verdict = forward.outcome.verdict;
    let target = target(fabric, &forward);
    let connection = connection(verdict, back.as_ref());
    Branch { forward, back, target, connection }
}

fn target(fabric: &Fabric, path: &Path) -> Option<Target> {
    let arrived = matches!(
        path.outcome.verdict,
        Verdict::Delivered | Verdict::Answered | Verdict::Conditional
    );
    let host = path.host.and_then(|id: HostId| fabric.host(id)).map(|host| host.element);
    let element = host.or(path.outcome.at.filter(|_| arrived))?;
    Some(Target { element, address: path.header.dst, port: path.header.dst_port })
}

/// Both directions (decisions.md 39).
fn connection(verdict: Verdict, back: Option<&Return>) -> Connection {
    let forward = match verdict {
        Verdict::Exits | Verdict::Delivered | Verdict::Answered => Connection::Works,
        Verdict::Dropped => return Connection::Fails,
        // what becomes of it in a network that we do not see, nobody here knows
        Verdict::Leaves | Verdict::Conditional | Verdict::Unknown => Connection::Unknown,
    };
    match back.map(|back| &back.replies) {
        Some(Replies::None) => Connection::Fails,
        None | Some(Replies::All) => forward,
        Some(Replies::Unknown(_)) => Connection::Unknown,
        Some(_) if forward == Connection::Unknown => forward,
        Some(Replies::Some(_) | Replies::SomePaths) => Connection::Partial,
    }
}

/// All branches as one answer.
fn sum(question: &Question, branches: Vec<Branch>) -> Trace {
    let has = |wanted| branches.iter().any(|branch| branch.connection == wanted);
    let works = has(Connection::Works) || has(Connection::Partial);
    let fails = has(Connection::Fails) || has(Connection::Partial);
    let connection = match (works, fails, has(Connection::Unknown)) {
        (true, true, _) => Connection::Partial,
        (_, _, true) => Connection::Unknown,
        (true, false, false) => Connection::Works,
        (false, _, false) => Connection::Fails,
    };
    let mut trace = Trace {
        question: question.clone(),
        connection,
        verdict: Verdict::Unknown,
        reason: None,
        public_ips: Vec::new(),
        branches,
        missing: Vec::new(),
        assumptions: Vec::new(),
        notes: Vec::new(),
    };
    if let Some(best) = trace.best() {
        let outcome = best.forward.outcome.clone();
        (trace.verdict, trace.reason) = (outcome.verdict, outcome.reason);
    }
    for branch in &trace.branches {
        let back = branch.back.iter().flat_map(|back| &back.parts);
        for outcome in std::iter::once(&branch.forward).chain(back).map(|path| &path.outcome) {
            add(&mut trace.missing, &outcome.missing);
            add(&mut trace.assumptions, &outcome.assumptions);
            add(&mut trace.notes, &outcome.notes);
        }
        if let Some(Replies::Unknown(missing)) = branch.back.as_ref().map(|back| &back.replies) {
            add(&mut trace.missing, missing);
        }
        if let Public::Given(addresses) = &branch.forward.outcome.public {
            add(&mut trace.public_ips, addresses);
        }
    }
    trace.public_ips.sort();
    trace
}

impl Trace {
    /// Fills in the source's own public address, where it leaves under it.
    pub fn with_own(mut self, fabric: &Fabric) -> Self {
        let leaves = self.branches.iter().any(|b| b.forward.outcome.public == Public::Own);
        if let (true, From::Source(n)) = (leaves, &self.question.from) {
            let own = fabric.sources.get(*n).and_then(own_address);
            add(&mut self.public_ips, own.as_slice());
            self.public_ips.sort();
        }
        self
    }
}

fn add<T: Clone + PartialEq>(list: &mut Vec<T>, items: &[T]) {
    for item in items {
        if !list.contains(item) {
            list.push(item.clone());
        }
    }
}

/// The answer about a public address that nothing in the input has.
fn nowhere(fabric: &Fabric, question: &Question) -> Trace {
    let mut trace = sum(question, Vec::new());
    match fabric.public_gap() {
        Some(missing) => {
            trace.connection = Connection::Unknown;
            trace.missing.push(missing.clone());
        }
        None => {
            trace.connection = Connection::Fails;
            trace.verdict = Verdict::Dropped;
            trace.reason = Some(Reason::IpUnbound);
        }
    }
    trace
}
