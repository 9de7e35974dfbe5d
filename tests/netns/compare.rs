//! What the program says of every probe, and where the kernel says something else.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use vpclint::analyze::trace::{Connection, From, Question, Replies, To, Trace, trace};
use vpclint::fabric::{Assume, Fabric};
use vpclint::packet;
use vpclint::simulate::{Reason, Verdict};
use vpclint::topology::Topology;

use super::lab::{Lab, Plan};
use super::probe::{Agents, Outcome, Probe, Transport};
use super::render::{self, Rendering};

/// How long to wait for an answer. A probe that seems to contradict the program is tried again, more
/// patiently, so that a busy machine is not taken for a dropped packet; the last one is for topologies
/// in which nothing should contradict it.
const PATIENCE: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(1000), Duration::from_millis(4000)];

/// What the program says of a probe; `None` where it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The request arrives.
    pub arrives: Option<bool>,
    /// An answer comes back.
    pub works: Option<bool>,
    /// Addresses that the target may see.
    pub clients: BTreeSet<Ipv4Addr>,
    /// Hosts that may get the request, with the port at which they do.
    pub targets: BTreeSet<(String, u16)>,
    /// The answer in words, for people.
    pub said: String,
}

/// A probe of which kernel and program say different things.
#[derive(Debug)]
pub struct Disagreement {
    pub from: String,
    pub probe: Probe,
    pub kernel: Outcome,
    pub program: Expected,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Probe { transport, src, client_port, dst, port } = self.probe;
        writeln!(f, "{} {src}:{client_port} -> {dst}:{port} {transport:?}", self.from)?;
        writeln!(f, "   kernel  arrived {:?}", self.kernel.arrived)?;
        writeln!(f, "           answer  {:?}", self.kernel.answer)?;
        write!(f, "   program {}", self.program.said)
    }
}

/// What came out of a topology.
#[derive(Debug, Default)]
pub struct Report {
    pub probes: usize,
    /// Connections that work, by the kernel.
    pub works: usize,
    /// Requests that arrive but whose answers do not, by the kernel (UDP).
    pub one_way: usize,
    /// Probes of which the program decides only part or nothing.
    pub undecided: Vec<String>,
    pub disagreements: Vec<Disagreement>,
}

/// Who asks what.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    /// Hosts of the Internet.
    pub internet: Vec<Ipv4Addr>,
    /// Further targets beside all hosts: addresses of gateways.
    pub targets: Vec<Ipv4Addr>,
    pub services: Vec<(Transport, u16)>,
    /// Further ports at which all hosts listen.
    pub listen: Vec<(Transport, u16)>,
    /// Hosts and targets that are not tried: the program rightly decides nothing, or one probe
    /// would change what becomes of another.
    pub skip: Vec<(&'static str, Ipv4Addr)>,
    pub client_ports: Vec<u16>,
}

impl Matrix {
    /// Every host asks every other address for every service from every client port.
    fn probes(&self, rendering: &Rendering) -> Vec<(String, Probe)> {
        let inside = rendering.hosts.iter().filter(|(name, _)| !name.starts_with("net-"));
        let private: BTreeSet<Ipv4Addr> = inside.flat_map(|(_, own)| own.clone()).collect();
        let public = self.internet.iter().chain(&self.targets);
        let targets: Vec<Ipv4Addr> = private.iter().chain(public).copied().collect();
        let mut out = Vec::new();
        for (host, own) in &rendering.hosts {
            let outside = host.starts_with("net-");
            for dst in &targets {
                // to itself nobody sends, and from the Internet to no private address
                let skipped = self.skip.contains(&(host.as_str(), *dst));
                if skipped || own.contains(dst) || (outside && !self.targets.contains(dst)) {
                    continue;
                }
                for (transport, port) in self.services.iter().copied() {
                    // connections come from the first address, which the kernel chooses
                    let senders = if transport == Transport::Tcp { &own[..1] } else { &own[..] };
                    for (src, client_port) in product(senders, &self.client_ports) {
                        let probe = Probe { transport, src, client_port, dst: *dst, port };
                        out.push((host.clone(), probe));
                    }
                }
            }
        }
        out
    }
}

fn product<A: Copy, B: Copy>(a: &[A], b: &[B]) -> impl Iterator<Item = (A, B)> {
    a.iter().flat_map(|a| b.iter().map(|b| (*a, *b)))
}

/// Builds a topology, sends all probes and compares. A fault spoils what is built.
pub fn compare(topology: &Topology, matrix: &Matrix, fault: Option<&dyn Fn(&mut Plan)>) -> Report {
    let mut rendering = render::render(topology, &matrix.internet);
    if let Some(fault) = fault {
        fault(&mut rendering.plan);
    }
    let probes = matrix.probes(&rendering);
    let fabric = Fabric::compile(topology, &Assume::default());
    let expected: Vec<Expected> =
        probes.iter().map(|(host, probe)| expect(&fabric, host, probe)).collect();
    let lab = Lab::build(&rendering.plan);
    let listen: BTreeSet<(Transport, u16)> =
        matrix.services.iter().chain(&matrix.listen).copied().collect();
    let mut agents = Agents::start(&lab, &rendering.hosts, &listen);
    let mut outcomes = vec![Outcome::default(); probes.len()];
    let mut open: Vec<usize> = (0..probes.len()).collect();
    for patience in &PATIENCE[..if fault.is_some() { 2 } else { 3 }] {
        let tried: Vec<(String, Probe)> = open.iter().map(|n| probes[*n].clone()).collect();
        for (n, outcome) in open.iter().zip(agents.run(&tried, *patience)) {
            outcomes[*n] = outcome;
        }
        open.retain(|n| !agrees(&probes[*n].1, &outcomes[*n], &expected[*n]));
        if open.is_empty() {
            break;
        }
    }
    let mut report = Report { probes: probes.len(), ..Report::default() };
    for (((from, probe), kernel), program) in probes.into_iter().zip(outcomes).zip(expected) {
        report.works += usize::from(kernel.answer.is_some());
        report.one_way += usize::from(kernel.answer.is_none() && !kernel.arrived.is_empty());
        if program.works.is_none() {
            report.undecided.push(format!("{from} {probe:?}: {}", program.said));
        }
        if !agrees(&probe, &kernel, &program) {
            report.disagreements.push(Disagreement { from, probe, kernel, program });
        }
    }
    report
}

fn agrees(probe: &Probe, kernel: &Outcome, program: &Expected) -> bool {
    // whether a request arrives that gets no answer, TCP does not tell
    let arrived = probe.transport == Transport::Tcp
        || program.arrives.is_none_or(|arrives| arrives != kernel.arrived.is_empty());
    let works = program.works.is_none_or(|works| works == kernel.answer.is_some());
    let seen = kernel.arrived.iter().all(|seen| {
        let target = (seen.host.clone(), seen.port);
        program.arrives.is_none()
            || (program.clients.contains(&seen.client) && program.targets.contains(&target))
    });
    arrived && works && seen
}

fn question(fabric: &Fabric, host: &str, probe: &Probe) -> Question {
    let src = IpAddr::V4(probe.src);
    let from = if host.starts_with("net-") {
        From::Internet(src)
    } else {
        let mut sources = fabric.sources.iter();
        let of = |s: &vpclint::fabric::SourcePoint| {
            s.eni.id.as_str() == host && s.address.addr() == Some(src)
        };
        From::Source(sources.position(of).unwrap())
    };
    Question {
        from,
        to: To { address: IpAddr::V4(probe.dst), host: None },
        protocol: match probe.transport {
            Transport::Tcp => packet::Protocol::Tcp,
            Transport::Udp => packet::Protocol::Udp,
        },
        src_port: probe.client_port,
        client_ports: (1024, u16::MAX),
        dst_port: probe.port,
    }
}

fn expect(fabric: &Fabric, host: &str, probe: &Probe) -> Expected {
    let trace = trace(fabric, &question(fabric, host, probe)).unwrap().with_own(fabric);
    let arrives = match trace.verdict {
        Verdict::Exits | Verdict::Delivered => Some(true),
        Verdict::Dropped if trace.reason.is_some_and(is_of_answer) => None,
        Verdict::Dropped => Some(false),
        Verdict::Answered | Verdict::Leaves | Verdict::Conditional | Verdict::Unknown => None,
    };
    let works = match trace.connection {
        Connection::Works => Some(true),
        Connection::Fails => Some(false),
        Connection::Unknown => None,
        Connection::Partial => Some(works_from(&trace, probe.client_port)),
    };
    let public = trace.public_ips.iter().filter_map(|ip| match ip.addr() {
        Some(IpAddr::V4(ip)) => Some(ip),
        _ => None,
    });
    let mut clients: BTreeSet<Ipv4Addr> = public.collect();
    if clients.is_empty() {
        clients.extend(trace.branches.iter().filter_map(|b| match b.forward.header.src {
            Some(IpAddr::V4(ip)) => Some(ip),
            _ => None,
        }));
    }
    let mut targets: BTreeSet<(String, u16)> = BTreeSet::new();
    for branch in &trace.branches {
        match &branch.target {
            Some(target) => {
                let id = fabric.element(target.element).unwrap().resource.id.to_string();
                targets.insert((id, target.port));
            }
            None => {
                targets.insert((render::internet_host(probe.dst), probe.port));
            }
        }
    }
    let said = words(&trace);
    Expected { arrives, works, clients, targets, said }
}

/// Flows from outside of which the documents say that they are never set up because no answer would
/// come back (egress.md §10 10.4, 10.5). Their first packet arrives here all the same; compared is
/// whether the connection works.
fn is_of_answer(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ReplyPathMismatch | Reason::DnatTargetHasPublicIp | Reason::VswitchNotPublic
    )
}

/// A connection that works from some client ports only: from this one?
fn works_from(trace: &Trace, client_port: u16) -> bool {
    let [branch] = &trace.branches[..] else { panic!("several branches: {}", words(trace)) };
    match branch.back.as_ref().map(|back| &back.replies) {
        Some(Replies::Some(ports)) => {
            ports.iter().any(|(first, last)| (*first..=*last).contains(&client_port))
        }
        other => panic!("partial with replies {other:?}"),
    }
}

fn words(trace: &Trace) -> String {
    let replies: Vec<String> = trace
        .branches
        .iter()
        .filter_map(|b| b.back.as_ref())
        .map(|back| format!("{:?} {:?}", back.replies, back.reason))
        .collect();
    let public: Vec<String> = trace.public_ips.iter().map(ToString::to_string).collect();
    format!(
        "{} {} {:?}, replies {replies:?}, public {public:?}, missing {:?}",
        trace.connection, trace.verdict, trace.reason, trace.missing
    )
}
