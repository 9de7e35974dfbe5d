//! Random topologies in a small address space, so that prefixes, entries and bindings collide.
//!
//! A [`Sketch`] is a list of small facts with numbers for names. Building it (`build.rs`) takes every
//! number modulo what exists, so any sketch is a topology and a failing one shrinks by losing facts.
//!
//! Left out on purpose, because the semantics do not say what happens and an answer would depend on
//! the order of ids: two SNAT entries with one block, two IP mappings of one address on one gateway,
//! two EIPs of one kind on one address, a static public address beside an EIP, two routes of one
//! origin to one block, an IP mapping of a Normal gateway whose public address is not bound, next
//! hops in another VPC.

use proptest::prelude::*;
use vpclint::topology::EipTarget;

use super::world::{World, addr};

/// Blocks of routes, transit routes, SNAT sources and user CIDRs.
pub const PREFIXES: &[&str] = &[
    "0.0.0.0/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "8.0.0.0/7",
    "8.8.8.0/24",
    "8.8.8.8/31",
    "8.8.8.8/32",
    "30.0.0.0/24",
    "30.0.0.0/28",
    "30.0.0.64/26",
    "10.0.0.0/8",
    "10.0.0.0/24",
    "10.0.0.0/27",
    "10.0.0.128/25",
    "10.0.1.0/24",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "100.100.0.0/16",
];

/// Blocks of the three VPCs; the third has public addresses.
pub const VPCS: [&str; 3] = ["10.0.0.0/24", "10.0.1.0/24", "30.0.0.0/24"];

/// Destinations that are tried besides the edges of all blocks.
pub const FIXED: &[&str] = &[
    "8.8.8.8",
    "1.1.1.1",
    "9.255.255.255",
    "223.5.5.5",
    "0.0.0.0",
    "0.255.255.255",
    "1.0.0.0",
    "127.0.0.1",
    "169.254.1.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "100.100.2.136",
    "10.0.0.250",
    "192.168.9.9",
];

/// Exit of a route. The number picks one of what the VPC has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Nat(u8),
    Forwarder(u8),
    ForwarderEni(u8),
    HaVip(u8),
    Ipv4Gateway,
    Peer(u8),
    Transit,
    Vpn,
    /// A pair of router interfaces: first one alive?, second one alive?, weights 100/0?
    Express(bool, bool, bool),
    Ecr,
    Inspection,
    InspectionGroup(bool),
    GatewayEndpoint,
    /// Something that no longer exists.
    Gone(u8),
    Ipv6Gateway,
}

/// How an EIP is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    Instance,
    EniPrimary,
    EniExtra,
    HaVip,
    Address,
    CutThrough,
    MultiCutThrough,
    Loose,
}

/// One fact about the topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    VSwitch {
        vpc: u8,
        table: u8,
    },
    Host {
        vswitch: u8,
    },
    SecondaryEni {
        host: u8,
        vswitch: u8,
    },
    LooseEni {
        vswitch: u8,
    },
    ExtraIp {
        eni: u8,
    },
    HaVip {
        vswitch: u8,
        host: Option<u8>,
        by_eni: bool,
    },
    Nat {
        vswitch: u8,
        eips: u8,
        kind: u8,
        ok: bool,
    },
    Snat {
        nat: u8,
        prefix: u8,
        vswitch: Option<u8>,
        ips: u8,
        affinity: bool,
        pending: bool,
    },
    IpMapping {
        nat: u8,
        eni: u8,
        ip: u8,
    },
    PortMapping {
        nat: u8,
        eni: u8,
        ip: u8,
    },
    Eip {
        binding: Binding,
        target: u8,
        locked: bool,
    },
    Static {
        host: u8,
    },
    Guest {
        host: u8,
        stopped: bool,
        forwards: Option<bool>,
        masquerade: Option<bool>,
    },
    Route {
        vswitch: u8,
        prefix: u8,
        exit: Exit,
        dynamic: bool,
    },
    /// Points the local entry of one vSwitch, in the table of another, elsewhere.
    Retarget {
        vswitch: u8,
        local: u8,
        exit: Exit,
    },
    PrefixList {
        vswitch: u8,
        prefixes: (u8, u8),
        exit: Exit,
    },
    PendingRoute {
        vswitch: u8,
        prefix: u8,
        exit: Exit,
    },
    TransitRoute {
        second: bool,
        prefix: u8,
        to: Option<u8>,
    },
    UserCidr {
        vpc: u8,
        prefix: u8,
    },
    SecondaryCidr {
        vpc: u8,
    },
    Missing {
        what: u8,
        parent: u8,
    },
}

/// Internet mode of a VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeSketch {
    Direct,
    NotActivated,
    Central,
    Private,
}

/// A random topology before it is named and built.
#[derive(Debug, Clone)]
pub struct Sketch {
    pub modes: [ModeSketch; 3],
    pub facts: Vec<Fact>,
    pub peer_active: bool,
    pub associated: [bool; 3],
    pub unstated_system_routes: bool,
    /// Instances and ENIs name their public addresses, too.
    pub stated_bindings: bool,
}

/// How ids are made; the second way turns their order around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    Plain,
    Reversed,
}

impl Names {
    pub fn id(self, kind: &str, n: usize) -> String {
        match self {
            Self::Plain => format!("{kind}-{n:03}"),
            Self::Reversed => format!("{kind}-x{:03}", 999 - n),
        }
    }
}

fn exit() -> impl Strategy<Value = Exit> {
    prop_oneof![
        6 => (0u8..3).prop_map(Exit::Nat),
        2 => (0u8..4).prop_map(Exit::Forwarder),
        1 => (0u8..4).prop_map(Exit::ForwarderEni),
        1 => (0u8..4).prop_map(Exit::HaVip),
        3 => Just(Exit::Ipv4Gateway),
        2 => (0u8..2).prop_map(Exit::Peer),
        3 => Just(Exit::Transit),
        1 => Just(Exit::Vpn),
        1 => any::<(bool, bool, bool)>().prop_map(|(a, b, c)| Exit::Express(a, b, c)),
        1 => Just(Exit::Ecr),
        1 => Just(Exit::Inspection),
        1 => any::<bool>().prop_map(Exit::InspectionGroup),
        1 => Just(Exit::GatewayEndpoint),
        1 => (0u8..4).prop_map(Exit::Gone),
        1 => Just(Exit::Ipv6Gateway),
    ]
}

fn binding() -> impl Strategy<Value = Binding> {
    prop_oneof![
        3 => Just(Binding::Instance),
        2 => Just(Binding::EniPrimary),
        2 => Just(Binding::EniExtra),
        1 => Just(Binding::HaVip),
        1 => Just(Binding::Address),
        1 => Just(Binding::CutThrough),
        1 => Just(Binding::MultiCutThrough),
        1 => Just(Binding::Loose),
    ]
}

fn prefix() -> impl Strategy<Value = u8> {
    // a default route is what makes the rest reachable
    prop_oneof![2 => Just(0u8), 3 => 0u8..60]
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        2 => (0u8..3, 0u8..3).prop_map(|(vpc, table)| Fact::VSwitch { vpc, table }),
        2 => (0u8..8).prop_map(|vswitch| Fact::Host { vswitch }),
        2 => (0u8..8, 0u8..8).prop_map(|(host, vswitch)| Fact::SecondaryEni { host, vswitch }),
        1 => (0u8..8).prop_map(|vswitch| Fact::LooseEni { vswitch }),
        1 => (0u8..8).prop_map(|eni| Fact::ExtraIp { eni }),
        1 => (0u8..8, prop::option::weighted(0.8, 0u8..4), any::<bool>())
            .prop_map(|(vswitch, host, by_eni)| Fact::HaVip { vswitch, host, by_eni }),
        3 => (0u8..8, 0u8..4, 0u8..4, prop::bool::weighted(0.9))
            .prop_map(|(vswitch, eips, kind, ok)| Fact::Nat { vswitch, eips, kind, ok }),
        6 => (0u8..3, 0u8..40, prop::option::of(0u8..4), 1u8..16, any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(nat, prefix, vswitch, ips, affinity, pending)| Fact::Snat {
                nat, prefix, vswitch, ips, affinity, pending
            }),
        2 => (0u8..3, 0u8..8, 0u8..4).prop_map(|(nat, eni, ip)| Fact::IpMapping { nat, eni, ip }),
        1 => (0u8..3, 0u8..8, 0u8..4).prop_map(|(nat, eni, ip)| Fact::PortMapping { nat, eni, ip }),
        4 => (binding(), 0u8..8, prop::bool::weighted(0.1))
            .prop_map(|(binding, target, locked)| Fact::Eip { binding, target, locked }),
        1 => (0u8..8).prop_map(|host| Fact::Static { host }),
        1 => (0u8..8, prop::bool::weighted(0.2), prop::option::of(any::<bool>()), prop::option::of(any::<bool>()))
            .prop_map(|(host, stopped, forwards, masquerade)| Fact::Guest {
                host, stopped, forwards, masquerade
            }),
        12 => (0u8..8, prefix(), exit(), prop::bool::weighted(0.2))
            .prop_map(|(vswitch, prefix, exit, dynamic)| Fact::Route { vswitch, prefix, exit, dynamic }),
        1 => (0u8..8, 0u8..4, exit())
            .prop_map(|(vswitch, local, exit)| Fact::Retarget { vswitch, local, exit }),
        1 => (0u8..8, (prefix(), prefix()), exit())
            .prop_map(|(vswitch, prefixes, exit)| Fact::PrefixList { vswitch, prefixes, exit }),
        1 => (0u8..8, 0u8..60, exit())
            .prop_map(|(vswitch, prefix, exit)| Fact::PendingRoute { vswitch, prefix, exit }),
        3 => (any::<bool>(), prefix(), prop::option::weighted(0.85, 0u8..6))
            .prop_map(|(second, prefix, to)| Fact::TransitRoute { second, prefix, to }),
        1 => (0u8..3, 0u8..4).prop_map(|(vpc, prefix)| Fact::UserCidr { vpc, prefix }),
        1 => (0u8..3).prop_map(|vpc| Fact::SecondaryCidr { vpc }),
    ]
}

fn mode() -> impl Strategy<Value = ModeSketch> {
    prop_oneof![
        4 => Just(ModeSketch::Direct),
        1 => Just(ModeSketch::NotActivated),
        2 => Just(ModeSketch::Central),
        1 => Just(ModeSketch::Private),
    ]
}

/// Random topologies of which everything is known.
pub fn sketch() -> impl Strategy<Value = Sketch> {
    (
        [mode(), mode(), mode()],
        prop::collection::vec(fact(), 0..40),
        prop::bool::weighted(0.9),
        [prop::bool::weighted(0.9), prop::bool::weighted(0.9), prop::bool::weighted(0.9)],
        prop::bool::weighted(0.2),
        any::<bool>(),
    )
        .prop_map(
            |(modes, facts, peer_active, associated, unstated_system_routes, stated_bindings)| {
                Sketch {
                    modes,
                    facts,
                    peer_active,
                    associated,
                    unstated_system_routes,
                    stated_bindings,
                }
            },
        )
}

/// Random topologies of which some listings are not in the input.
pub fn partial_sketch() -> impl Strategy<Value = Sketch> {
    let gap = (0u8..9, 0u8..8).prop_map(|(what, parent)| Fact::Missing { what, parent });
    (sketch(), prop::collection::vec(gap, 1..3)).prop_map(|(mut sketch, gaps)| {
        sketch.facts.extend(gaps);
        sketch
    })
}

/// A VPC that has nothing to do with the others but uses the addresses of the first.
pub fn add_unrelated_vpc(world: World) -> World {
    let world = world
        .vpc("vpc-unrelated", "10.0.0.0/24")
        .vswitch("vsw-unrelated", "vpc-unrelated", "10.0.0.0/28")
        .instance("i-unrelated", "eni-unrelated", "vsw-unrelated", "10.0.0.1")
        .eip_on("eip-unrelated", "198.51.100.201", EipTarget::Instance, "i-unrelated")
        .nat("ngw-unrelated", "vsw-unrelated", &["198.51.100.202"])
        .snat("snat-unrelated", "ngw-unrelated", "0.0.0.0/0", &["198.51.100.202"])
        .route("vtb-vpc-unrelated", "0.0.0.0/0", "NatGateway", "ngw-unrelated");
    let mut world = world;
    let eip = world.eips.get_mut("eip-unrelated").unwrap();
    eip.private_address = Some(addr("10.0.0.1"));
    world
}
