//! The answer to one question about a flow, before it is printed.

use std::fmt;
use std::net::IpAddr;

use crate::fabric::{ElementId, HostId};
use crate::packet::Protocol;
use crate::simulate::{Blocker, Path, Reason, Verdict};
use crate::topology::{AddrValue, Text};

/// Who opens the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// A source of the fabric, by its index.
    Source(usize),
    /// A host of the Internet.
    Internet(IpAddr),
    /// A host of a network that we do not see, behind some gateway of the target's network.
    Outside(IpAddr),
}

/// To what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct To {
    /// The address that the sender uses.
    pub address: IpAddr,
    /// Who is meant by it, where that is a host of a network that we see: where a diagnosis goes
    /// on behind a missing route.
    pub host: Option<HostId>,
}

/// A question: does this flow work, and how?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who opens the connection.
    pub from: From,
    /// To what.
    pub to: To,
    /// Protocol.
    pub protocol: Protocol,
    /// Client port of the packet that is walked; 0 for protocols without ports.
    pub src_port: u16,
    /// Client ports for which the way back is examined; the packet's own alone if the user set it.
    pub client_ports: (u16, u16),
    /// Port asked for; 0 for protocols without ports.
    pub dst_port: u16,
}

/// Both directions as one (decisions.md 39).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Connection {
    /// Requests arrive and replies come back, whatever path is taken.
    Works,
    /// It does not.
    Fails,
    /// It depends on the path that is taken, or on the client's port.
    Partial,
    /// Cannot be decided from the input.
    Unknown,
}

impl Connection {
    /// Name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Fails => "fails",
            Self::Partial => "partial",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which replies come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replies {
    /// All.
    All,
    /// Those to these client ports.
    Some(Vec<(u16, u16)>),
    /// It depends on the way that they take.
    SomePaths,
    /// None.
    None,
    /// Cannot be decided, for lack of these.
    Unknown(Vec<Text>),
}

/// The way back.
#[derive(Debug, Clone)]
pub struct Return {
    /// Which replies come back.
    pub replies: Replies,
    /// Why not, for those that do not.
    pub reason: Option<Reason>,
    /// The parts of the way, from the target to the client: one per device that turns replies back.
    pub parts: Vec<Path>,
    /// For each part, which device of the way there it must come to, counted among its legs.
    pub(super) near: Vec<Option<usize>>,
    /// All that stops replies, in path order.
    pub blockers: Vec<Blocker>,
}

/// One way that the flow can take, there and back.
#[derive(Debug, Clone)]
pub struct Branch {
    /// The way there.
    pub forward: Path,
    /// The way back; `None` when there is nothing to come back from.
    pub back: Option<Return>,
    /// Who takes the packet in the end.
    pub target: Option<Target>,
    /// Both directions of this way.
    pub connection: Connection,
}

/// Who takes the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host or service.
    pub element: ElementId,
    /// Address that the packet then carries.
    pub address: IpAddr,
    /// Port that the packet then carries.
    pub port: u16,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The question.
    pub question: Question,
    /// Both directions over all branches.
    pub connection: Connection,
    /// The way there, of the best branch.
    pub verdict: Verdict,
    /// The first that stops it.
    pub reason: Option<Reason>,
    /// Public addresses under which the flow leaves to the Internet.
    pub public_ips: Vec<AddrValue>,
    /// Every way that the flow can take, in a fixed order.
    pub branches: Vec<Branch>,
    /// What is missing to decide what is not decided.
    pub missing: Vec<Text>,
    /// Assumptions that the answer rests on.
    pub assumptions: Vec<Text>,
    /// Facts that change nothing.
    pub notes: Vec<Text>,
}

impl Trace {
    /// All that stops the flow, there and back, over all branches and without repetition.
    pub fn blockers(&self) -> Vec<&Blocker> {
        let mut out: Vec<&Blocker> = Vec::new();
        for branch in &self.branches {
            let back = branch.back.iter().flat_map(|back| &back.blockers);
            for blocker in branch.forward.blockers.iter().chain(back) {
                if !out.contains(&blocker) {
                    out.push(blocker);
                }
            }
        }
        out
    }

    /// The branch that stands for all: the best one.
    pub fn best(&self) -> Option<&Branch> {
        let rank = |branch: &&Branch| {
            let connection = match branch.connection {
                Connection::Works => 0,
                Connection::Partial => 1,
                Connection::Unknown => 2,
                Connection::Fails => 3,
            };
            (connection, branch.forward.outcome.verdict, branch.forward.blockers.len())
        };
        self.branches.iter().min_by_key(rank)
    }
}
