//! Whole flows: what becomes of a connection, there and back.
//!
//! [`flow`] sends one packet through the model, with every filter, translation and listener on its
//! way, and then its reply (`reply.rs`). Written from the documents alone, like everything here. A
//! flow may take several ways (ECMP, zones, pools, backends), so an answer is a set of branches.

use std::collections::BTreeSet;
use std::net::IpAddr;

use vpclint::topology::{Eni, Id, Topology};

use super::facts::{self, Facts, Mode, Own};
use super::filters::Member;
use super::reply::{Back, Leg};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Icmpv6,
    Gre,
}

impl Protocol {
    pub fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }
}

/// An end of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// One address of an ENI.
    Host { eni: String, ip: IpAddr },
    /// An address: of the sender's VPC or what its routes lead to, or a public one. As a sender: that
    /// of the only ENI that has it, a public one, or else a host beyond a gateway of the target's VPC.
    Address(IpAddr),
    /// A host of the Internet.
    Internet(IpAddr),
}

impl End {
    pub fn ip(&self) -> IpAddr {
        match self {
            Self::Host { ip, .. } | Self::Address(ip) | Self::Internet(ip) => *ip,
        }
    }
}

/// Ports are ignored for protocols without ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub from: End,
    pub to: End,
    pub protocol: Protocol,
    pub src_port: u16,
    pub dst_port: u16,
}

/// How the way there ends (design.md §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Delivered,
    Exits,
    Answered,
    Leaves,
    Conditional,
    Unknown,
    Dropped,
}

/// Who gets the packet: the ENI, load balancer or gateway, or `cloud_service`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub id: String,
    pub ip: IpAddr,
    pub port: u16,
}

/// How much of the way back works.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reply {
    /// Whatever the client's port in 1024–65535 is.
    All,
    /// For clients with these ports, as disjoint ranges in order.
    Some(Vec<(u16, u16)>),
    /// On some of several ways (zones, addresses of a load balancer), not on others.
    SomePaths,
    None(String),
    Unknown,
    /// The request does not arrive.
    NoRequest,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Branch {
    pub verdict: Fate,
    pub reason: Option<String>,
    pub target: Option<Target>,
    /// Public addresses under which the packet leaves.
    pub public_ips: BTreeSet<String>,
    pub reply: Reply,
}

/// Both directions together (decisions.md 39).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Connection {
    Works,
    Fails,
    Partial,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowAnswer {
    pub branches: BTreeSet<Branch>,
    pub connection: Connection,
    /// What would settle the unknown branches; not part of the fate.
    pub missing: BTreeSet<String>,
}

impl FlowAnswer {
    /// That of the best branch (decisions.md 39); the set is ordered from best to worst.
    pub fn verdict(&self) -> Fate {
        self.branches.first().unwrap().verdict
    }

    pub fn reasons(&self) -> BTreeSet<&str> {
        self.branches.iter().filter_map(|b| b.reason.as_deref()).collect()
    }

    pub fn targets(&self) -> BTreeSet<&str> {
        self.branches.iter().filter_map(|b| Some(b.target.as_ref()?.id.as_str())).collect()
    }

    pub fn public_ips(&self) -> BTreeSet<&str> {
        self.branches.iter().flat_map(|b| b.public_ips.iter().map(String::as_str)).collect()
    }

    pub fn replies(&self) -> BTreeSet<&Reply> {
        self.branches.iter().map(|b| &b.reply).collect()
    }

    pub fn is_unknown(&self) -> bool {
        self.connection == Connection::Unknown
            || self.branches.iter().any(|b| b.verdict == Fate::Unknown || b.reply == Reply::Unknown)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendSg {
    Bypass,
    ClientIp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlSource {
    Shared,
    Unknown,
}

/// Where the documents leave a choice (head of access.md, egress.md §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knobs {
    /// `lb_l4_backend_sg`
    pub lb_l4_backend_sg: BackendSg,
    /// `empty_white_acl`: forward_all (true) or drop_all.
    pub empty_white_acl_forwards: bool,
    /// `nacl_on_nat_vswitch`: ignore (false) or apply.
    pub nacl_on_nat_vswitch: bool,
    /// `pl_clb_source`
    pub pl_clb_source: PlSource,
    /// `all_unhealthy`: drop (false) or forward.
    pub all_unhealthy_forwards: bool,
    /// `forwarder_filters` (decisions.md 33): apply (true) or ignore.
    pub forwarder_filters: bool,
    /// `assume_internet_mode`; none: as the input says.
    pub internet_mode: Option<Mode>,
    /// `dnat_ip_map_bypasses_routes`: on gateways of type Normal (true) or on none.
    pub dnat_ip_map_bypasses_routes: bool,
    /// The account may send mail (access.md §1.5).
    pub smtp_waiver: bool,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            lb_l4_backend_sg: BackendSg::Bypass,
            empty_white_acl_forwards: true,
            nacl_on_nat_vswitch: false,
            pl_clb_source: PlSource::Shared,
            all_unhealthy_forwards: false,
            forwarder_filters: true,
            internet_mode: None,
            dnat_ip_map_bypasses_routes: true,
            smtp_waiver: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub protocol: Protocol,
    pub sport: u16,
    pub dport: u16,
}

impl Packet {
    /// The answer, to a client that uses `port`.
    pub fn reply(self, port: u16) -> Self {
        Self { src: self.dst, dst: self.src, sport: self.dport, dport: port, ..self }
    }
}

/// The border of a vSwitch as an ENI in it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    pub vswitch: Id,
    /// Its ACL does not see this ENI (access.md §2.2).
    pub exempt: bool,
    /// Whether it does hangs on this listing.
    pub doubt: Option<String>,
}

/// Where a leg of the way begins or ends.
#[derive(Clone, Default)]
pub struct Site<'a> {
    pub vpc: Option<Id>,
    pub vswitch: Option<Id>,
    pub eni: Option<&'a Eni>,
    pub gate: Option<Gate>,
    /// A NAT gateway, which also takes what a route to it brings.
    pub nat: Option<Id>,
}

/// A packet on its way.
#[derive(Clone)]
pub struct Trip<'a> {
    pub packet: Packet,
    /// Who sent it under the source address that it has now; nobody known after a translation.
    pub origin: Option<Member>,
    /// Where the leg began that is under way.
    pub start: Site<'a>,
    /// The vSwitch it left last, whose ACL has not been asked yet: that depends on where it goes.
    pub departure: Option<Gate>,
    pub legs: Vec<Leg<'a>>,
    pub seen: Vec<(Id, Id, IpAddr)>,
    /// Filters of which too little is known to say that they let it through.
    pub doubts: BTreeSet<String>,
    pub public: BTreeSet<String>,
    /// The NAT gateway through which it left for the Internet.
    pub through: Option<Id>,
    /// It is a reply: security groups let it pass (access.md §1.4, step 1; `no_session_model`).
    pub is_reply: bool,
}

impl<'a> Trip<'a> {
    pub fn new(packet: Packet, start: Site<'a>) -> Self {
        Self {
            packet,
            origin: None,
            start,
            departure: None,
            legs: Vec::new(),
            seen: Vec::new(),
            doubts: BTreeSet::new(),
            public: BTreeSet::new(),
            through: None,
            is_reply: false,
        }
    }

    /// The leg under way ends at a device that goes on under another source or target.
    pub fn close_leg(&mut self, far: Site<'a>, back: Back) {
        let start = self.start.clone();
        self.legs.push(Leg { packet: self.packet, start, far, back });
    }
}

/// A branch with what is missing for it.
pub struct Outcome {
    pub branch: Branch,
    pub missing: BTreeSet<String>,
    /// Conditional on something that only some connections meet, not on something unknown.
    pub varies: bool,
}

pub struct Flow<'a> {
    pub facts: Facts<'a>,
    pub knobs: Knobs,
}

pub fn flow(world: &Topology, question: &Question) -> FlowAnswer {
    flow_with(world, question, Knobs::default())
}

pub fn flow_with(world: &Topology, question: &Question, knobs: Knobs) -> FlowAnswer {
    let flow = Flow { facts: Facts { topology: world }, knobs };
    let outcomes = flow.ask(question);
    assert!(!outcomes.is_empty(), "every packet ends somewhere");
    let parts: BTreeSet<Connection> = outcomes.iter().map(connection).collect();
    FlowAnswer {
        connection: sum(&parts),
        missing: outcomes.iter().flat_map(|o| o.missing.clone()).collect(),
        branches: outcomes.into_iter().map(|o| o.branch).collect(),
    }
}

/// One branch, there and back.
fn connection(outcome: &Outcome) -> Connection {
    let back = match &outcome.branch.reply {
        Reply::All => Connection::Works,
        Reply::Some(_) | Reply::SomePaths => Connection::Partial,
        Reply::None(_) => Connection::Fails,
        Reply::Unknown | Reply::NoRequest => Connection::Unknown,
    };
    match outcome.branch.verdict {
        Fate::Dropped => Connection::Fails,
        Fate::Unknown => Connection::Unknown,
        Fate::Conditional if outcome.varies && back == Connection::Works => Connection::Partial,
        Fate::Conditional if back == Connection::Works => Connection::Unknown,
        _ => back,
    }
}

fn sum(parts: &BTreeSet<Connection>) -> Connection {
    let has = |part| parts.contains(&part);
    if parts.len() == 1 {
        return *parts.first().unwrap();
    }
    let works = has(Connection::Works) && has(Connection::Fails);
    if has(Connection::Partial) || works { Connection::Partial } else { Connection::Unknown }
}

impl<'a> Flow<'a> {
    fn ask(&self, question: &Question) -> Vec<Outcome> {
        let packet = Packet {
            src: question.from.ip(),
            dst: question.to.ip(),
            protocol: question.protocol,
            sport: question.src_port,
            dport: question.dst_port,
        };
        match &question.from {
            End::Host { eni, .. } => {
                let eni = self.facts.topology.enis.get(eni).expect("the sender is in the world");
                self.host_sends(eni, packet)
            }
            End::Internet(_) => self.internet_sends(Trip::new(packet, Site::default())),
            End::Address(ip) => {
                let mut holders = self.facts.topology.enis.iter().filter(|e| holds(e, *ip));
                match (holders.next(), holders.next()) {
                    (Some(eni), None) => self.host_sends(eni, packet),
                    (Some(_), Some(_)) => {
                        unknown(&Trip::new(packet, Site::default()), "which ENI sends")
                    }
                    (None, _) if self.is_outside(*ip) => {
                        self.internet_sends(Trip::new(packet, Site::default()))
                    }
                    (None, _) => self.beyond_sends(question, packet),
                }
            }
        }
    }

    fn host_sends(&self, eni: &'a Eni, packet: Packet) -> Vec<Outcome> {
        let mut trip = Trip::new(packet, self.site(eni));
        trip.origin = Some(self.member(eni));
        // decisions.md 36
        let own = match self.facts.own_public(eni, packet.src) {
            Own::Mapped(ip) | Own::CutThrough { ip, .. } => ip == packet.dst.to_string(),
            Own::None | Own::Missing => false,
        };
        if own {
            return unknown(&trip, "what an ENI gets from its own public address");
        }
        let steps = self.send(eni, trip);
        steps.into_iter().flat_map(|step| self.finish(step)).collect()
    }

    /// A host beyond a VPN gateway or the like enters the VPC of the target.
    fn beyond_sends(&self, question: &Question, packet: Packet) -> Vec<Outcome> {
        let trip = Trip::new(packet, Site::default());
        let vpc = match &question.to {
            End::Host { eni, .. } => self.facts.topology.enis.get(eni).and_then(|e| e.vpc.clone()),
            End::Address(_) | End::Internet(_) => None,
        };
        match vpc {
            Some(vpc) => self.deliver(trip, &vpc),
            None => unknown(&trip, "where the sender is"),
        }
    }

    /// Neither private nor in a block of any VPC.
    fn is_outside(&self, ip: IpAddr) -> bool {
        let t = self.facts.topology;
        let private =
            ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];
        !facts::in_any(&private, ip)
            && !t.vpcs.iter().any(|vpc| {
                self.facts.vpc_blocks(&vpc.meta.id).iter().any(|block| block.contains(ip))
            })
    }

    pub fn mode(&self, vpc: &str) -> Mode {
        self.knobs.internet_mode.unwrap_or_else(|| self.facts.mode(vpc))
    }

    /// Where an ENI sits.
    pub fn site(&self, eni: &'a Eni) -> Site<'a> {
        Site {
            vpc: eni.vpc.clone(),
            vswitch: eni.vswitch.clone(),
            eni: Some(eni),
            gate: self.gate(eni),
            nat: None,
        }
    }
}

/// One of the private addresses of an ENI.
pub fn holds(eni: &Eni, ip: IpAddr) -> bool {
    eni.private_ips.iter().flatten().any(|own| own.address.addr() == Some(ip))
        || eni.ipv6_ips.iter().flatten().any(|own| own.addr() == Some(ip))
        || eni.ipv4_prefixes.iter().flatten().any(|own| own.cidr().is_some_and(|c| c.contains(ip)))
}

fn outcome(trip: &Trip<'_>, branch: Branch) -> Vec<Outcome> {
    vec![Outcome { branch, missing: trip.doubts.clone(), varies: false }]
}

pub fn unknown(trip: &Trip<'_>, what: &str) -> Vec<Outcome> {
    let mut trip = trip.clone();
    trip.doubts.insert(what.to_owned());
    let branch = Branch {
        verdict: Fate::Unknown,
        reason: None,
        target: None,
        public_ips: BTreeSet::new(),
        reply: Reply::NoRequest,
    };
    outcome(&trip, branch)
}

pub fn dropped(reason: &str) -> Vec<Outcome> {
    let branch = Branch {
        verdict: Fate::Dropped,
        reason: Some(reason.to_owned()),
        target: None,
        public_ips: BTreeSet::new(),
        reply: Reply::NoRequest,
    };
    vec![Outcome { branch, missing: BTreeSet::new(), varies: false }]
}

/// The packet arrived. A filter that could not be judged makes it unknown, which comes after every
/// certain drop: those say what becomes of the packet whatever the filter does.
pub fn arrived(
    trip: &Trip<'_>,
    verdict: Fate,
    target: Option<Target>,
    reply: Reply,
) -> Vec<Outcome> {
    if let Some(what) = trip.doubts.first() {
        return unknown(trip, &what.clone());
    }
    let public_ips = trip.public.clone();
    outcome(trip, Branch { verdict, reason: None, target, public_ips, reply })
}
