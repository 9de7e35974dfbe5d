//! The base topology of the vectors and the rows that are checked on it.

use vpclint::topology::EipTarget;

use super::engine::{Engine, contradiction};
use super::world::{World, ip};
use super::{Answer, egress};

pub const N1: &str = "203.0.113.1";
pub const N2: &str = "203.0.113.2";
pub const N3: &str = "203.0.113.3";
pub const M1: &str = "203.0.113.11";
pub const E2: &str = "198.51.100.2";
pub const E3: &str = "198.51.100.3";
pub const E9: &str = "198.51.100.9";
pub const H1: &str = "198.51.100.99";
pub const C1: &str = "198.51.100.77";
pub const DNS: &str = "8.8.8.8";
pub const ANY: &str = "0.0.0.0/0";
/// The system table of the base topology.
pub const SYSTEM: &str = "vtb-vpc-1";

/// Base T: three vSwitches on the system table, which sends everything to ngw1; A is covered by an
/// SNAT entry. e1 and e2 (with an EIP) are in A, e3 in B.
pub fn base() -> World {
    World::new()
        .vpc("vpc-1", "10.0.0.0/16")
        .vswitch("vsw-n", "vpc-1", "10.0.0.0/24")
        .vswitch("vsw-a", "vpc-1", "10.0.1.0/24")
        .vswitch("vsw-b", "vpc-1", "10.0.2.0/24")
        .nat("ngw1", "vsw-n", &[N1, N2, N3])
        .route(SYSTEM, ANY, "NatGateway", "ngw1")
        .snat_vswitch("snat-a", "ngw1", "vsw-a", &[N1])
        .instance("i-1", "eni-1", "vsw-a", "10.0.1.10")
        .instance("i-2", "eni-2", "vsw-a", "10.0.1.11")
        .eip_on("eip-e2", E2, EipTarget::Instance, "i-2")
        .instance("i-3", "eni-3", "vsw-b", "10.0.2.10")
}

/// A moved to the custom table `vtb-a`, which has only system entries.
pub fn a_on_custom_table(world: World) -> World {
    world.table("vtb-a", "vpc-1").on_table("vsw-a", "vtb-a")
}

pub fn exits(ips: &[&str]) -> Answer {
    Answer::exits(ips)
}

pub fn dropped(reason: &str) -> Answer {
    Answer::dropped(reason)
}

/// One row, for the reference, the walk and the classes: the packet from `src`, sent by the guest of `eni`, ends as expected.
pub fn check(
    row: &str,
    world: &World,
    eni: &str,
    src: &str,
    dst: &str,
    expected: &Answer,
) -> Answer {
    let topology = world.build();
    let answer = egress(&topology, eni, ip(src), ip(dst));
    assert_eq!(answer.outcomes, expected.outcomes, "{row}, reference: {src} -> {dst}");
    let engine = Engine::new(&topology);
    let walked = engine.egress(eni, ip(src), ip(dst));
    assert_eq!(walked.outcomes, expected.outcomes, "{row}, walk: {src} -> {dst}");
    let class = engine.class(eni, ip(src), ip(dst));
    assert_eq!(contradiction(class, expected), None, "{row}, class: {src} -> {dst}");
    answer
}

pub fn e1(row: &str, world: &World, expected: &Answer) -> Answer {
    check(row, world, "eni-1", "10.0.1.10", DNS, expected)
}

pub fn e2(row: &str, world: &World, expected: &Answer) -> Answer {
    check(row, world, "eni-2", "10.0.1.11", DNS, expected)
}

pub fn e3(row: &str, world: &World, expected: &Answer) -> Answer {
    check(row, world, "eni-3", "10.0.2.10", DNS, expected)
}

/// CENTRAL: N is public, A goes where `hop` says.
pub fn central(hop: (&str, &str)) -> World {
    let mut world = a_on_custom_table(base())
        .ipv4_gateway("ipv4gw-1", "vpc-1", true)
        .table("vtb-n", "vpc-1")
        .on_table("vsw-n", "vtb-n")
        .route("vtb-n", ANY, "Ipv4Gateway", "ipv4gw-1")
        .route("vtb-a", ANY, hop.0, hop.1);
    let nat = world.nats.get_mut("ngw1").unwrap();
    nat.eip_bind_mode = Some(vpclint::topology::EipBindMode::Nat);
    world
}
