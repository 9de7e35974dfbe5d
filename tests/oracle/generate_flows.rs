//! Random topologies with filters, load balancers and PrivateLink on top of `generate.rs`, and random
//! questions about them.
//!
//! A [`FlowSketch`] works like a sketch: facts with numbers for names, each taken modulo what exists.
//! Left out, because the semantics do not say what happens: two listeners of one port, a vSwitch in
//! two ACLs, groups of another VPC.

use proptest::prelude::*;
use vpclint::addr::Cidr;
use vpclint::topology::{AclType, Listing, RouteOrigin};

use super::build::pick;
use super::flow::{End, Protocol, Question};
use super::generate::{Names, Sketch, VPCS, partial_sketch, sketch};
use super::world::{World, ip};
use super::world_balancers::listener_id;

/// Far sides of rules and entries besides the addresses of hosts.
const BLOCKS: &[&str] = &[
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/24",
    "10.0.0.0/28",
    "10.0.1.0/24",
    "30.0.0.0/24",
    "100.64.0.0/10",
    "100.64.0.0/11",
    "203.0.113.0/24",
    "198.51.100.0/24",
    "8.8.8.8/32",
];

const SERVICES: &[&str] = &["tcp", "tcp", "tcp", "udp", "icmp", "all"];

/// Ports of rules and entries; clients' ports among them.
const RANGES: &[&str] =
    &["80/80", "1/65535", "22/90", "25/25", "1024/65535", "32768/61000", "49000/49999"];

const PORTS: &[u16] = &[80, 80, 80, 22, 25, 443];

/// Clients in the Internet.
const CLIENTS: &[&str] = &["198.51.100.9", "8.8.8.8", "1.1.1.1"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowFact {
    /// 0, 1: basic; 2: basic without inner access; 3: advanced.
    Group {
        vpc: u8,
        kind: u8,
    },
    Member {
        eni: u8,
        group: u8,
    },
    Rule {
        group: u8,
        ingress: bool,
        accept: bool,
        service: u8,
        range: u8,
        peer: Side,
        prio: u8,
    },
    Acl {
        vswitch: u8,
        open: bool,
    },
    Entry {
        acl: u8,
        ingress: bool,
        accept: bool,
        service: u8,
        range: u8,
        peer: Side,
    },
    Clb {
        vswitch: u8,
        l7: bool,
        public: bool,
        backends: Vec<(u8, bool)>,
    },
    ListenerAcl {
        clb: u8,
        white: bool,
        block: u8,
    },
    Sick {
        clb: u8,
        backend: u8,
    },
    Endpoint {
        vswitch: u8,
        clb: u8,
        connected: bool,
        group: Option<u8>,
    },
    /// Routes to each other in all tables of two VPCs.
    Peering {
        a: u8,
        b: u8,
    },
    /// A default route to a NAT gateway in the table of its VPC's vSwitches, and SNAT for all.
    Exit {
        nat: u8,
    },
    FlowGap {
        what: u8,
        parent: u8,
    },
}

/// The far side of a rule or entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Block(u8),
    Host(u8),
    Group(u8),
    List(u8),
}

/// A question before its numbers mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    pub from: u8,
    pub from_internet: bool,
    pub to: u16,
    pub protocol: u8,
    pub port: u8,
}

#[derive(Debug, Clone)]
pub struct FlowSketch {
    pub base: Sketch,
    pub facts: Vec<FlowFact>,
    pub asks: Vec<Ask>,
}

/// A built sketch.
pub struct BuiltFlows {
    pub world: World,
    pub questions: Vec<Question>,
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![
        3 => Just(Side::Block(0)),
        4 => (0u8..11).prop_map(Side::Block),
        2 => (0u8..8).prop_map(Side::Host),
        2 => (0u8..6).prop_map(Side::Group),
        1 => (0u8..3).prop_map(Side::List),
    ]
}

fn flow_fact() -> impl Strategy<Value = FlowFact> {
    let service = || (0u8..6, 0u8..7);
    prop_oneof![
        4 => (0u8..3, 0u8..4).prop_map(|(vpc, kind)| FlowFact::Group { vpc, kind }),
        8 => (0u8..8, 0u8..6).prop_map(|(eni, group)| FlowFact::Member { eni, group }),
        10 => (0u8..6, prop::bool::weighted(0.7), prop::bool::weighted(0.7), service(), side(), 1u8..4)
            .prop_map(|(group, ingress, accept, (service, range), peer, prio)| FlowFact::Rule {
                group, ingress, accept, service, range, peer, prio
            }),
        3 => (0u8..8, prop::bool::weighted(0.6))
            .prop_map(|(vswitch, open)| FlowFact::Acl { vswitch, open }),
        6 => (0u8..3, any::<bool>(), prop::bool::weighted(0.7), service(), side())
            .prop_map(|(acl, ingress, accept, (service, range), peer)| FlowFact::Entry {
                acl, ingress, accept, service, range, peer
            }),
        3 => (0u8..8, any::<bool>(), prop::bool::weighted(0.3),
              prop::collection::vec((0u8..8, prop::bool::weighted(0.8)), 0..4))
            .prop_map(|(vswitch, l7, public, backends)| FlowFact::Clb { vswitch, l7, public, backends }),
        1 => (0u8..3, any::<bool>(), 0u8..11)
            .prop_map(|(clb, white, block)| FlowFact::ListenerAcl { clb, white, block }),
        1 => (0u8..3, 0u8..4).prop_map(|(clb, backend)| FlowFact::Sick { clb, backend }),
        3 => (0u8..8, 0u8..3, prop::bool::weighted(0.8), prop::option::of(0u8..6))
            .prop_map(|(vswitch, clb, connected, group)| FlowFact::Endpoint {
                vswitch, clb, connected, group
            }),
        3 => (0u8..3, 0u8..3).prop_map(|(a, b)| FlowFact::Peering { a, b }),
        2 => (0u8..3).prop_map(|nat| FlowFact::Exit { nat }),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    (any::<u8>(), prop::bool::weighted(0.25), any::<u16>(), 0u8..8, 0u8..6).prop_map(
        |(from, from_internet, to, protocol, port)| Ask { from, from_internet, to, protocol, port },
    )
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    prop::collection::vec(ask(), 40)
}

/// Random topologies of which everything is known, with questions.
pub fn flow_sketch() -> impl Strategy<Value = FlowSketch> {
    (sketch(), prop::collection::vec(flow_fact(), 0..40), asks())
        .prop_map(|(base, facts, asks)| FlowSketch { base, facts, asks })
}

/// Random topologies of which some listings are not in the input.
pub fn partial_flow_sketch() -> impl Strategy<Value = FlowSketch> {
    let gap = (0u8..7, 0u8..8).prop_map(|(what, parent)| FlowFact::FlowGap { what, parent });
    let base = prop_oneof![1 => partial_sketch().boxed(), 2 => sketch().boxed()];
    (base, prop::collection::vec(flow_fact(), 0..40), prop::collection::vec(gap, 1..3), asks())
        .prop_map(|(base, mut facts, gaps, asks)| {
            facts.extend(gaps);
            FlowSketch { base, facts, asks }
        })
}

/// What a sketch has so far, in the order of its facts.
struct Things {
    names: Names,
    world: World,
    vswitches: Vec<String>,
    /// ENI and first address.
    enis: Vec<(String, String)>,
    groups: Vec<(String, String)>,
    acls: Vec<String>,
    /// Load balancer, listener, backends.
    clbs: Vec<(String, String, Vec<String>)>,
    endpoints: Vec<String>,
    targets: Vec<String>,
}

impl Things {
    fn edit(&mut self, change: impl FnOnce(World) -> World) {
        self.world = change(std::mem::take(&mut self.world));
    }

    fn vpc_of(&self, vswitch: &str) -> String {
        self.world.vswitches[vswitch].vpc.clone().unwrap().to_string()
    }

    fn eni_vpc(&self, eni: &str) -> String {
        self.world.enis[eni].vpc.clone().unwrap().to_string()
    }

    /// An address of a vSwitch that no host takes, once.
    fn spare(&mut self, vswitch: &str, n: u128) -> Option<String> {
        let block: Cidr = self.world.vswitches[vswitch].cidr.as_ref()?.cidr()?;
        let address = block.nth(n)?.to_string();
        (!self.targets.contains(&address)).then(|| {
            self.targets.push(address.clone());
            address
        })
    }

    fn peer(&mut self, side: Side, groups: bool) -> Option<String> {
        Some(match side {
            Side::Block(n) => (*pick(BLOCKS, n)?).to_owned(),
            Side::Host(n) => format!("{}/32", pick(&self.enis, n)?.1),
            Side::Group(n) if groups => pick(&self.groups, n)?.0.clone(),
            Side::Group(n) => (*pick(BLOCKS, n)?).to_owned(),
            Side::List(n) => {
                let id = self.names.id("pl-f", usize::from(n));
                let cidrs = [*pick(BLOCKS, n)?, *pick(BLOCKS, n + 3)?];
                self.edit(|w| w.prefix_list(&id, &cidrs));
                id
            }
        })
    }

    /// Ports only where the protocol has some.
    fn service(service: u8, range: u8) -> String {
        let service = *pick(SERVICES, service).unwrap();
        let ports =
            if matches!(service, "tcp" | "udp") { *pick(RANGES, range).unwrap() } else { "-1/-1" };
        format!("{service} {ports}")
    }

    fn apply(&mut self, fact: &FlowFact) -> Option<()> {
        match fact {
            FlowFact::Group { vpc, kind } => {
                let vpc = self.names.id("vpc", usize::from(*vpc));
                let id = self.names.id("sg", self.groups.len());
                self.edit(|w| match kind {
                    0 | 1 => w.group(&id, &vpc),
                    2 => w.closed_group(&id, &vpc),
                    _ => w.advanced_group(&id, &vpc),
                });
                self.groups.push((id, vpc));
            }
            FlowFact::Member { eni, group } => {
                let (eni, _) = pick(&self.enis, *eni)?.clone();
                let vpc = self.eni_vpc(&eni);
                let mine: Vec<String> =
                    self.groups.iter().filter(|(_, v)| *v == vpc).map(|(g, _)| g.clone()).collect();
                let group = pick(&mine, *group)?.clone();
                let already = self.world.enis[&eni].security_groups.clone().unwrap_or_default();
                if !already.iter().any(|g| g.as_str() == group) {
                    self.edit(|w| w.member(&eni, &[&group]));
                }
            }
            FlowFact::Rule { group, ingress, accept, service, range, peer, prio } => {
                let (group, _) = pick(&self.groups, *group)?.clone();
                let peer = self.peer(*peer, true)?;
                let service = Self::service(*service, *range);
                let way = if *ingress { "ingress" } else { "egress" };
                let policy = if *accept { "accept" } else { "drop" };
                self.edit(|w| {
                    w.rule(&group, &format!("{way} {policy} {service} {peer} prio {prio}"))
                });
            }
            FlowFact::Acl { vswitch, open } => {
                let vswitch = pick(&self.vswitches, *vswitch)?.clone();
                if self.world.vswitches[&vswitch].network_acl.is_some() {
                    return None;
                }
                let id = self.names.id("acl", self.acls.len());
                self.edit(|w| {
                    if *open { w.open_acl(&id, &[&vswitch]) } else { w.acl(&id, &[&vswitch]) }
                });
                self.acls.push(id);
            }
            FlowFact::Entry { acl, ingress, accept, service, range, peer } => {
                let acl = pick(&self.acls, *acl)?.clone();
                let peer = self.peer(*peer, false)?;
                let service = Self::service(*service, *range);
                let way = if *ingress { "ingress" } else { "egress" };
                let policy = if *accept { "accept" } else { "drop" };
                self.edit(|w| w.entry(&acl, &format!("{way} {policy} {service} {peer}")));
                // new entries come before what an open list ends with
                let acl = self.world.acls.get_mut(&acl)?;
                let list = if *ingress { &mut acl.ingress } else { &mut acl.egress };
                list.as_mut()?.rotate_right(1);
            }
            FlowFact::Clb { vswitch, l7, public, backends } => {
                let vswitch = pick(&self.vswitches, *vswitch)?.clone();
                let vpc = self.vpc_of(&vswitch);
                let id = self.names.id("lb", self.clbs.len());
                let protocol = if *l7 { "http" } else { "tcp" };
                if *public {
                    let address = format!("198.51.100.{}", 100 + self.clbs.len());
                    self.targets.push(address.clone());
                    self.edit(|w| w.public_clb(&id, &address));
                } else {
                    let address = self.spare(&vswitch, 13)?;
                    self.edit(|w| w.clb(&id, &vswitch, &address));
                }
                self.edit(|w| w.listener(&id, 80, protocol, 80));
                let mine: Vec<String> = self
                    .enis
                    .iter()
                    .map(|(e, _)| e.clone())
                    .filter(|e| self.eni_vpc(e) == vpc)
                    .collect();
                let mut servers = Vec::new();
                for (backend, up) in backends {
                    let server = pick(&mine, *backend)?.clone();
                    if !servers.contains(&server) {
                        self.edit(|w| w.backend(&id, &server, if *up { 100 } else { 0 }));
                        servers.push(server);
                    }
                }
                self.clbs.push((id.clone(), listener_id(&id, 80, protocol), servers));
            }
            FlowFact::ListenerAcl { clb, white, block } => {
                let (id, listener, _) = pick(&self.clbs, *clb)?.clone();
                let kind = if *white { AclType::White } else { AclType::Black };
                let block = *pick(BLOCKS, *block)?;
                self.edit(|w| w.listener_acl(&listener, kind, &format!("list-{id}"), &[block]));
            }
            FlowFact::Sick { clb, backend } => {
                let (_, listener, servers) = pick(&self.clbs, *clb)?.clone();
                let server = pick(&servers, *backend)?.clone();
                self.edit(|w| w.health(&listener, &server, "abnormal"));
            }
            FlowFact::Endpoint { vswitch, clb, connected, group } => {
                let private: Vec<String> = self
                    .clbs
                    .iter()
                    .map(|(lb, _, _)| lb.clone())
                    .filter(|lb| self.world.balancers[lb].vswitch.clone().flatten().is_some())
                    .collect();
                let lb = pick(&private, *clb)?.clone();
                let vswitch = pick(&self.vswitches, *vswitch)?.clone();
                let address = self.spare(&vswitch, 14)?;
                let vpc = self.vpc_of(&vswitch);
                let mine: Vec<String> =
                    self.groups.iter().filter(|(_, v)| *v == vpc).map(|(g, _)| g.clone()).collect();
                let group = group.and_then(|n| pick(&mine, n).cloned());
                let groups: Vec<&str> = group.as_deref().into_iter().collect();
                let n = self.endpoints.len();
                let (service, id) = (self.names.id("epsrv", n), self.names.id("ep", n));
                self.edit(|w| {
                    w.service(&service)
                        .resource(&service, &lb, "cn-hangzhou-h")
                        .endpoint(&id, &vpc, &service, &groups)
                        .endpoint_zone(&id, &vswitch, &address)
                });
                if !connected {
                    self.world.endpoints.get_mut(&id)?.connection_status =
                        Some(vpclint::topology::ConnectionStatus::Disconnected);
                }
                self.endpoints.push(id);
            }
            FlowFact::Peering { a, b } => {
                let (a, b) = (usize::from(*a.min(b)), usize::from(*a.max(b)));
                if a != b {
                    let id = self.names.id("pcc", a * 3 + b);
                    self.routes(a, VPCS[b], "VpcPeer", &id);
                    self.routes(b, VPCS[a], "VpcPeer", &id);
                }
            }
            FlowFact::Exit { nat } => {
                let nats: Vec<String> =
                    (0..self.world.nats.len()).map(|n| self.names.id("ngw", n)).collect();
                let id = pick(&nats, *nat)?.clone();
                let vpc = self.world.nats[&id].vpc.clone()?;
                let n = (0..3).find(|n| self.names.id("vpc", *n) == vpc.as_str())?;
                self.routes(n, "0.0.0.0/0", "NatGateway", &id);
                let eip = self.world.nats[&id].eips.iter().flatten().next()?.address.to_string();
                let taken = self.world.snat.values().any(|s| {
                    s.nat_gateway.as_deref() == Some(id.as_str())
                        && s.source_cidr.as_ref().is_some_and(|c| c.to_string() == "0.0.0.0/0")
                });
                if !taken {
                    self.edit(|w| w.snat(&format!("snat-all-{id}"), &id, "0.0.0.0/0", &[&eip]));
                }
            }
            FlowFact::FlowGap { what, parent } => self.gap(*what, *parent)?,
        }
        Some(())
    }

    /// A route in every table of a VPC that has none of its own to this block.
    fn routes(&mut self, vpc: usize, cidr: &str, hop: &str, id: &str) {
        let vpc = self.names.id("vpc", vpc);
        let tables: Vec<String> = self
            .world
            .tables
            .iter()
            .filter(|(_, t)| t.vpc.as_deref() == Some(vpc.as_str()))
            .map(|(id, _)| id.clone())
            .collect();
        for table in tables {
            let custom = RouteOrigin::Custom;
            let wanted: Cidr = cidr.parse().unwrap();
            let listed = self.world.routes.values().any(|r| {
                r.table.as_deref() == Some(table.as_str())
                    && r.origin == Some(custom.clone())
                    && (r.cidr() == Some(wanted) || r.cidr().is_none())
            });
            if !listed {
                self.edit(|w| w.route(&table, cidr, hop, id));
            }
        }
    }

    fn gap(&mut self, what: u8, parent: u8) -> Option<()> {
        let groups: Vec<String> = self.groups.iter().map(|(g, _)| g.clone()).collect();
        let (listing, parent) = match what {
            0 | 1 => (Listing::SecurityGroupRules, Some(pick(&groups, parent)?.clone())),
            2 | 3 => (Listing::NetworkAclAttributes, Some(pick(&self.acls, parent)?.clone())),
            4 => (Listing::ClbListeners, None),
            5 => (Listing::EndpointServices, None),
            _ => (Listing::NetworkAcls, None),
        };
        self.edit(|w| w.without(listing, parent.as_deref()));
        Some(())
    }
}

impl FlowSketch {
    pub fn build(&self, names: Names) -> BuiltFlows {
        let built = self.base.build(names);
        let world = built.world;
        let numbered = |kind: &str, count: usize| -> Vec<String> {
            (0..count).map(|n| names.id(kind, n)).collect()
        };
        let vswitches = numbered("vsw", world.vswitches.len());
        let first = |eni: &String| {
            let ips = world.enis[eni].private_ips.as_ref().unwrap();
            (eni.clone(), ips[0].address.to_string())
        };
        let enis: Vec<(String, String)> =
            numbered("eni", world.enis.len()).iter().map(first).collect();
        let mut things = Things {
            names,
            vswitches,
            enis,
            groups: vec![],
            acls: vec![],
            clbs: vec![],
            endpoints: vec![],
            targets: vec![],
            world,
        };
        // things before what names them
        let mut facts = self.facts.clone();
        facts.sort_by_key(|fact| match fact {
            FlowFact::Group { .. } | FlowFact::Acl { .. } => 0,
            FlowFact::FlowGap { .. } => 3,
            FlowFact::Clb { .. } => 1,
            _ => 2,
        });
        for fact in &facts {
            things.apply(fact);
        }
        // what balancers and endpoints answer to counts twice: there are few of them
        let mut targets = [things.targets.clone(), things.targets.clone()].concat();
        targets.extend(built.sources.iter().map(|s| s.address.to_string()));
        let mut public: Vec<(String, String)> = Vec::new();
        for (id, eip) in &things.world.eips {
            let address = eip.address.as_ref().unwrap().to_string();
            public.push((address, id.clone()));
        }
        // by address, which does not depend on the naming
        public.sort();
        targets.extend(public.into_iter().map(|(address, _)| address));
        targets.extend(["8.8.8.8", "10.0.0.14", "100.100.2.136", "172.16.0.1"].map(str::to_owned));
        // a client of the Internet asks for what it can name
        let private = ["10.", "30.0.0.", "172.", "100.100."];
        let named: Vec<String> =
            targets.iter().filter(|t| !private.iter().any(|p| t.starts_with(p))).cloned().collect();
        let protocols = [Protocol::Tcp, Protocol::Udp, Protocol::Icmp];
        let questions = self.asks.iter().map(|ask| {
            let targets = if ask.from_internet { &named } else { &targets };
            let to = targets[usize::from(ask.to) % targets.len()].clone();
            let source = pick(&built.sources, ask.from).unwrap();
            let from = if ask.from_internet {
                End::Internet(ip(pick(CLIENTS, ask.from).unwrap()))
            } else {
                End::Host { eni: source.eni.clone(), ip: source.address }
            };
            Question {
                from,
                to: End::Address(ip(&to)),
                protocol: *protocols.get(usize::from(ask.protocol)).unwrap_or(&Protocol::Tcp),
                src_port: super::expect::CLIENT_PORT,
                dst_port: *pick(PORTS, ask.port).unwrap(),
            }
        });
        let questions = questions.collect();
        BuiltFlows { world: things.world, questions }
    }
}

/// The id that something has under the plain naming.
pub fn plain(id: &str) -> String {
    match id.rsplit_once("-x") {
        Some((kind, n)) => match n.parse::<usize>() {
            Ok(n) => Names::Plain.id(kind, 999 - n),
            Err(_) => id.to_owned(),
        },
        None => id.to_owned(),
    }
}
