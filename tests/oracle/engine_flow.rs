//! The program's answers about flows in the reference's terms. Nothing of the reference is used here
//! but its types.

use std::collections::BTreeSet;
use std::net::IpAddr;

use vpclint::analyze::trace::{self, Replies, Trace, trace};
use vpclint::fabric::{Assume, ElementId, Fabric, Found, HostId, OwnPublic};
use vpclint::packet;
use vpclint::simulate::{Public, Verdict};
use vpclint::topology::{Kind, Topology};

use super::flow::{Branch, Connection, End, Fate, FlowAnswer, Protocol, Question, Reply, Target};

/// A compiled topology.
pub struct FlowEngine {
    pub fabric: Fabric,
}

impl FlowEngine {
    pub fn new(topology: &Topology) -> Self {
        Self::with(topology, &Assume::default())
    }

    pub fn with(topology: &Topology, assume: &Assume) -> Self {
        Self { fabric: Fabric::compile(topology, assume) }
    }

    /// The program's question; `None` when it has no such sender.
    pub fn question(&self, asked: &Question) -> Option<trace::Question> {
        let source = |eni: &str, ip| {
            self.fabric
                .sources
                .iter()
                .position(|s| s.eni.id.as_str() == eni && s.address.addr() == Some(ip))
        };
        let from = match &asked.from {
            End::Host { eni, ip } => trace::From::Source(source(eni, *ip)?),
            End::Internet(ip) => trace::From::Internet(*ip),
            End::Address(ip) => {
                let known = self.fabric.sources.iter().position(|s| s.address.addr() == Some(*ip));
                known.map_or(trace::From::Outside(*ip), trace::From::Source)
            }
        };
        let home = match from {
            trace::From::Source(n) => self.fabric.sources[n].home,
            trace::From::Internet(_) | trace::From::Outside(_) => None,
        };
        let host = match &asked.to {
            End::Host { eni, ip } => {
                let found = self
                    .fabric
                    .sources
                    .iter()
                    .find(|s| s.eni.id.as_str() == eni && s.address.addr() == Some(*ip));
                found.and_then(|s| host(&self.fabric, s.home?, *ip))
            }
            End::Address(ip) => home.and_then(|home| host(&self.fabric, home, *ip)),
            End::Internet(_) => None,
        };
        let ported = asked.protocol.has_ports();
        let port = |port| if ported { port } else { 0 };
        Some(trace::Question {
            from,
            to: trace::To { address: asked.to.ip(), host },
            protocol: match asked.protocol {
                Protocol::Tcp => packet::Protocol::Tcp,
                Protocol::Udp => packet::Protocol::Udp,
                Protocol::Icmp | Protocol::Icmpv6 => packet::Protocol::Icmp,
                Protocol::Gre => packet::Protocol::Gre,
            },
            src_port: port(asked.src_port),
            client_ports: (1024, u16::MAX),
            dst_port: port(asked.dst_port),
        })
    }

    /// The program's trace.
    pub fn trace(&self, asked: &Question) -> Option<Trace> {
        trace(&self.fabric, &self.question(asked)?)
    }

    /// Everything that it says stands in the way of a flow.
    pub fn reasons(&self, asked: &Question) -> BTreeSet<&'static str> {
        let trace = self.trace(asked);
        let blockers = trace.iter().flat_map(|trace| trace.blockers());
        let first = trace.iter().filter_map(|trace| trace.reason);
        blockers.map(|blocker| blocker.reason).chain(first).map(|reason| reason.name()).collect()
    }

    /// Its answer in the reference's terms.
    pub fn flow(&self, asked: &Question) -> Option<FlowAnswer> {
        let trace = self.trace(asked)?;
        let mut branches: BTreeSet<Branch> =
            trace.branches.iter().map(|b| self.branch(asked, &trace, b)).collect();
        if branches.is_empty() {
            branches.insert(Branch {
                verdict: fate(trace.verdict),
                reason: trace.reason.map(|r| r.name().to_owned()),
                target: None,
                public_ips: BTreeSet::new(),
                reply: Reply::NoRequest,
            });
        }
        Some(FlowAnswer {
            branches,
            connection: match trace.connection {
                trace::Connection::Works => Connection::Works,
                trace::Connection::Fails => Connection::Fails,
                trace::Connection::Partial => Connection::Partial,
                trace::Connection::Unknown => Connection::Unknown,
            },
            missing: trace.missing.iter().map(ToString::to_string).collect(),
        })
    }

    fn branch(&self, asked: &Question, trace: &Trace, branch: &trace::Branch) -> Branch {
        let outcome = &branch.forward.outcome;
        let verdict = fate(outcome.verdict);
        let arrives = matches!(verdict, Fate::Delivered | Fate::Answered | Fate::Conditional);
        let own = match trace.question.from {
            trace::From::Source(n) => match &self.fabric.sources[n].own {
                OwnPublic::Held(held) => Some(held.address.to_string()),
                _ => None,
            },
            trace::From::Internet(_) | trace::From::Outside(_) => None,
        };
        let target = branch.target.as_ref().filter(|_| arrives).map(|target| {
            let resource = &self.fabric.element(target.element).unwrap().resource;
            let service = matches!(resource.kind, Kind::RouteEntry | Kind::RouteTable);
            // a HaVip's address is its master's
            let master = (self.fabric.sources.iter())
                .find(|s| s.havip.as_ref().is_some_and(|h| h.id == resource.id));
            let id = match master {
                _ if service => "cloud_service".to_owned(),
                Some(master) if resource.kind == Kind::HaVip => master.eni.id.to_string(),
                _ => resource.id.to_string(),
            };
            // the reference keeps the port of the question where the protocol has none
            let ported = trace.question.protocol.has_ports();
            let port = if ported { target.port } else { asked.dst_port };
            Target { id, ip: target.address, port }
        });
        Branch {
            verdict,
            reason: outcome.reason.map(|r| r.name().to_owned()),
            target,
            public_ips: match &outcome.public {
                _ if verdict == Fate::Dropped || verdict == Fate::Unknown => BTreeSet::new(),
                Public::None => BTreeSet::new(),
                Public::Given(given) => given.iter().map(ToString::to_string).collect(),
                Public::Own => own.into_iter().collect(),
            },
            reply: match branch.back.as_ref().filter(|_| verdict != Fate::Dropped) {
                _ if verdict == Fate::Unknown => Reply::NoRequest,
                None if verdict == Fate::Answered => Reply::All,
                None => Reply::NoRequest,
                Some(back) => match &back.replies {
                    Replies::All => Reply::All,
                    Replies::Some(ports) => Reply::Some(ports.clone()),
                    Replies::SomePaths => Reply::SomePaths,
                    Replies::None => Reply::None(back.reason.unwrap().name().to_owned()),
                    Replies::Unknown(_) => Reply::Unknown,
                },
            },
        }
    }
}

fn host(fabric: &Fabric, network: ElementId, address: IpAddr) -> Option<HostId> {
    match fabric.host_at(network, address) {
        Found::Host(id) => Some(id),
        _ => None,
    }
}

fn fate(verdict: Verdict) -> Fate {
    match verdict {
        Verdict::Exits => Fate::Exits,
        Verdict::Delivered => Fate::Delivered,
        Verdict::Leaves => Fate::Leaves,
        Verdict::Answered => Fate::Answered,
        Verdict::Dropped => Fate::Dropped,
        Verdict::Conditional => Fate::Conditional,
        Verdict::Unknown => Fate::Unknown,
    }
}
