//! The vectors of the access semantics (access.md §8): whole flows, expectations written by hand.
//!
//! Each row runs against the reference simulator; `oracle/expect.rs` says how rows are written, and
//! is where the program's answer to the same row is compared.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod oracle;

use oracle::expect::{row, row_with};
use oracle::flow::Knobs;
use oracle::world::World;
use oracle::world_balancers::listener_id;
use vpclint::topology::{AclType, ConnectionStatus, EipTarget, Policy};

/// A (eni-a) and B (eni-b) in two vSwitches of one VPC, without groups.
fn two() -> World {
    World::new()
        .filters()
        .vpc("vpc-1", "10.0.0.0/16")
        .vswitch("vsw-a", "vpc-1", "10.0.1.0/24")
        .vswitch("vsw-b", "vpc-1", "10.0.2.0/24")
        .instance("i-a", "eni-a", "vsw-a", "10.0.1.10")
        .instance("i-b", "eni-b", "vsw-b", "10.0.2.10")
}

const A_TO_B: &str = "eni-a -> 10.0.2.10 tcp/80";
const ALLOWED: &str = "delivered @eni-b:80 <- all";
const DENIED: &str = "dropped(sg_ingress_denied)";

/// A and B in the basic group x.
fn in_one_group() -> World {
    two().group("sg-x", "vpc-1").member("eni-a", &["sg-x"]).member("eni-b", &["sg-x"])
}

fn closed(world: World) -> World {
    let mut world = world;
    world.groups.get_mut("sg-x").unwrap().inner_access = Some(Policy::Drop);
    world
}

#[test]
fn s1_s2_s3_access_within_a_group() {
    let world = in_one_group().rule("sg-x", "ingress drop all -1/-1 0.0.0.0/0 prio 1");
    row("S1", &world, A_TO_B, ALLOWED, "works");
    row("S2", &closed(world.clone()), A_TO_B, DENIED, "fails");
    let world = closed(world).rule("sg-x", "ingress accept tcp 80/80 0.0.0.0/0 prio 2");
    row("S3", &world, A_TO_B, DENIED, "fails");
}

#[test]
fn s4_s5_one_pool_of_rules() {
    let b_in_two = |accept: u8, drop: u8| {
        two()
            .group("sg-a", "vpc-1")
            .group("sg-1", "vpc-1")
            .group("sg-2", "vpc-1")
            .member("eni-a", &["sg-a"])
            .member("eni-b", &["sg-1", "sg-2"])
            .rule("sg-1", &format!("ingress accept tcp 80/80 10.0.1.0/24 prio {accept}"))
            .rule("sg-2", &format!("ingress drop tcp 80/80 10.0.1.0/24 prio {drop}"))
    };
    row("S4", &b_in_two(1, 1), A_TO_B, DENIED, "fails");
    row("S5", &b_in_two(5, 6), A_TO_B, ALLOWED, "works");
}

#[test]
fn s6_s7_defaults_by_type() {
    let with_eip = |world: World| {
        world.member("eni-a", &["sg-x"]).member("eni-b", &["sg-x"]).eip_on(
            "eip-a",
            "198.51.100.1",
            EipTarget::Instance,
            "i-a",
        )
    };
    let out = "eni-a -> 8.8.8.8 tcp/443";
    let world = with_eip(two().advanced_group("sg-x", "vpc-1"));
    row("S6", &world, out, "dropped(sg_egress_denied)", "fails");
    let world = with_eip(two().group("sg-x", "vpc-1"));
    row("S7 out", &world, out, "exits {198.51.100.1} <- all", "works");
    row("S7 in", &world, "8.8.8.8 -> 198.51.100.1 tcp/443", DENIED, "fails");
}

#[test]
fn s8_s8b_shared_groups() {
    let three = two().instance("i-c", "eni-c", "vsw-b", "10.0.2.11");
    let world = three
        .closed_group("sg-1", "vpc-1")
        .group("sg-2", "vpc-1")
        .member("eni-a", &["sg-1"])
        .member("eni-b", &["sg-1", "sg-2"])
        .member("eni-c", &["sg-2"]);
    row("S8 1-2", &world, A_TO_B, DENIED, "fails");
    row("S8 2-1", &world, "eni-b -> 10.0.1.10 tcp/80", DENIED, "fails");
    row("S8 2-3", &world, "eni-b -> 10.0.2.11 tcp/80", "delivered @eni-c:80 <- all", "works");
    row("S8 3-2", &world, "eni-c -> 10.0.2.10 tcp/80", ALLOWED, "works");
    row("S8 1-3", &world, "eni-a -> 10.0.2.11 tcp/80", DENIED, "fails");
    let both = ["sg-1", "sg-2"];
    let world = two()
        .closed_group("sg-1", "vpc-1")
        .group("sg-2", "vpc-1")
        .member("eni-a", &both)
        .member("eni-b", &both);
    row("S8b", &world, A_TO_B, ALLOWED, "works");
}

#[test]
fn s9_a_public_address_is_nobody_of_the_group() {
    let world = in_one_group().eip_on("eip-a", "198.51.100.1", EipTarget::Instance, "i-a").eip_on(
        "eip-b",
        "198.51.100.2",
        EipTarget::Instance,
        "i-b",
    );
    let over = "eni-a -> 198.51.100.2 tcp/80";
    row("S9 no rule", &world, over, DENIED, "fails");
    let private = world.clone().rule("sg-x", "ingress accept tcp 80/80 10.0.1.10/32");
    row("S9 private", &private, over, DENIED, "fails");
    let public = world.rule("sg-x", "ingress accept tcp 80/80 198.51.100.1/32");
    let passes = "delivered @eni-b:80 {198.51.100.1} <- all";
    row("S9 public", &public, over, passes, "works");
}

#[test]
fn s10_a_group_peer_is_an_eni() {
    let world = two()
        .group("sg-a", "vpc-1")
        .group("sg-b", "vpc-1")
        .member("eni-a", &["sg-a"])
        .member("eni-b", &["sg-b"])
        .rule("sg-b", "ingress accept tcp 80/80 sg-a")
        .route("vtb-vpc-1", "172.16.0.0/16", "VpnGateway", "vpn-1");
    row("S10 eni", &world, A_TO_B, ALLOWED, "works");
    row("S10 vpn", &world, "172.16.0.9 -> eni-b tcp/80", DENIED, "fails");
    let world = world.rule("sg-b", "ingress accept tcp 80/80 172.16.0.0/16");
    row("S10 block", &world, "172.16.0.9 -> eni-b tcp/80", ALLOWED, "works");
}

#[test]
fn n1_a_reply_needs_its_own_entry() {
    let world = two().acl("acl-b", &["vsw-b"]).entry("acl-b", "ingress accept tcp 80/80 0.0.0.0/0");
    let expected = "delivered @eni-b:80 <- none(nacl_egress_denied)";
    row("N1", &world, A_TO_B, expected, "fails");
}

#[test]
fn n2_within_a_vswitch_no_acl_is_asked() {
    let world = two().instance("i-c", "eni-c", "vsw-b", "10.0.2.11").acl("acl-b", &["vsw-b"]);
    row("N2", &world, "eni-c -> 10.0.2.10 tcp/80", ALLOWED, "works");
    row("N2 across", &world, A_TO_B, "dropped(nacl_ingress_denied)", "fails");
}

#[test]
fn n3_entries_in_the_order_of_the_list() {
    let world = World::new()
        .vpc("vpc-1", "172.16.0.0/12")
        .vswitch("vsw-a", "vpc-1", "172.17.0.0/24")
        .vswitch("vsw-b", "vpc-1", "172.16.0.0/24")
        .instance("i-a", "eni-a", "vsw-a", "172.17.0.10")
        .instance("i-b", "eni-b", "vsw-b", "172.16.0.1")
        .acl("acl-a", &["vsw-a"])
        .entry("acl-a", "ingress accept all -1/-1 0.0.0.0/0")
        .entry("acl-a", "egress accept all -1/-1 10.0.0.0/8")
        .entry("acl-a", "egress drop all -1/-1 172.16.0.0/12")
        .entry("acl-a", "egress accept all -1/-1 172.16.0.0/12");
    let asked = "eni-a -> 172.16.0.1 tcp/80";
    row("N3", &world, asked, "dropped(nacl_egress_denied)", "fails");
    let mut swapped = world;
    swapped.acls.get_mut("acl-a").unwrap().egress.as_mut().unwrap().swap(1, 2);
    row("N3 swapped", &swapped, asked, ALLOWED, "works");
}

/// A private CLB in vSwitch b with backends i-b and i-c; A is the client.
fn with_clb() -> World {
    two()
        .instance("i-c", "eni-c", "vsw-b", "10.0.2.11")
        .clb("lb-1", "vsw-b", "10.0.2.100")
        .listener("lb-1", 80, "tcp", 8080)
        .backend("lb-1", "i-b", 100)
        .backend("lb-1", "i-c", 100)
}

const TO_CLB: &str = "eni-a -> 10.0.2.100 tcp/80";

#[test]
fn c1_weight_zero_takes_nothing() {
    let both = "delivered @eni-b:8080 <- all | delivered @eni-c:8080 <- all";
    row("C1 both", &with_clb(), TO_CLB, both, "works");
    let mut world = with_clb();
    let lb = world.balancers.get_mut("lb-1").unwrap();
    lb.default_backends.as_mut().unwrap()[0].weight = Some(0);
    row("C1", &world, TO_CLB, "delivered @eni-c:8080 <- all", "works");
}

#[test]
fn c2_an_empty_white_list_is_a_knob() {
    let listener = listener_id("lb-1", 80, "tcp");
    let world = with_clb().listener_acl(&listener, AclType::White, "acl-1", &[]);
    let both = "delivered @eni-b:8080 <- all | delivered @eni-c:8080 <- all";
    row("C2 forward_all", &world, TO_CLB, both, "works");
    let knobs = Knobs { empty_white_acl_forwards: false, ..Knobs::default() };
    row_with("C2 drop_all", &world, knobs, TO_CLB, "dropped(listener_acl_denied)", "fails");
}

/// Seed 002, repaired (access.md §4.7); the consumer's VPC has the block given.
fn seed_002(consumer: &str, home: &str, ecs1: &str, endpoint: &str) -> World {
    World::new()
        .filters()
        .vpc("vpc-1", consumer)
        .vswitch("vsw-1", "vpc-1", home)
        .in_zone("vsw-1", "eu-central-1b")
        .instance("i-1", "eni-1", "vsw-1", ecs1)
        .vpc("vpc-2", "192.168.0.0/16")
        .vswitch("vsw-2", "vpc-2", "192.168.24.0/24")
        .in_zone("vsw-2", "eu-central-1b")
        .instance("i-2", "eni-2", "vsw-2", "192.168.24.200")
        .instance("i-3", "eni-3", "vsw-2", "192.168.24.2")
        .group("sg-1", "vpc-1")
        .group("sg-2", "vpc-2")
        .member("eni-1", &["sg-1"])
        .member("eni-2", &["sg-2"])
        .member("eni-3", &["sg-2"])
        .clb("lb-1", "vsw-2", "192.168.24.100")
        .listener("lb-1", 80, "tcp", 80)
        .backend("lb-1", "i-2", 100)
        .backend("lb-1", "i-3", 100)
        .service("epsrv-1")
        .resource("epsrv-1", "lb-1", "eu-central-1b")
        .endpoint("ep-1", "vpc-1", "epsrv-1", &["sg-1"])
        .endpoint_zone("ep-1", "vsw-1", endpoint)
}

fn repaired() -> World {
    seed_002("10.0.0.0/16", "10.0.0.0/24", "10.0.0.182", "10.0.0.77")
}

const TO_ENDPOINT: &str = "eni-1 -> 10.0.0.77 tcp/80";
const BOTH: &str = "delivered @eni-2:80 <- all | delivered @eni-3:80 <- all";

#[test]
fn p1_p5_the_repaired_seed_works() {
    row("P1", &repaired(), TO_ENDPOINT, BOTH, "works");
    // P5: the owner is whitelisted without an entry
    assert_eq!(repaired().services["epsrv-1"].users, Some(vec![]));
}

#[test]
fn p2_the_slave_zone_of_a_clb_serves_nobody() {
    let mut world = repaired().in_zone("vsw-1", "eu-central-1a");
    world.endpoints.get_mut("ep-1").unwrap().zones.as_mut().unwrap()[0].zone =
        Some("eu-central-1a".into());
    world.balancers.get_mut("lb-1").unwrap().slave_zone = Some(Some("eu-central-1a".into()));
    row("P2", &world, TO_ENDPOINT, "dropped(endpoint_zone_not_served)", "fails");
    // a service that names the slave zone does not change that (§4.5, R2)
    world.services.get_mut("epsrv-1").unwrap().resources.as_mut().unwrap()[0].zone =
        Some("eu-central-1a".into());
    row("P2 stated", &world, TO_ENDPOINT, "dropped(endpoint_zone_not_served)", "fails");
}

#[test]
fn p3_a_connection_waits_for_acceptance() {
    let mut world = repaired();
    world.services.get_mut("epsrv-1").unwrap().auto_accept = Some(false);
    let endpoint = world.endpoints.get_mut("ep-1").unwrap();
    endpoint.connection_status = Some(ConnectionStatus::Disconnected);
    row("P3", &world, TO_ENDPOINT, "dropped(endpoint_not_connected)", "fails");
}

#[test]
fn p4_overlapping_blocks_do_not_matter() {
    let world = seed_002("192.168.0.0/16", "192.168.24.0/24", "192.168.24.182", "192.168.24.77");
    row("P4", &world, "eni-1 -> 192.168.24.77 tcp/80", BOTH, "works");
}

/// Three VPCs with one host each, on the system tables.
fn three_vpcs() -> World {
    let mut world = World::new();
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        let (vpc, vswitch) = (format!("vpc-{name}"), format!("vsw-{name}"));
        world = world
            .vpc(&vpc, &format!("10.{n}.0.0/16"))
            .vswitch(&vswitch, &vpc, &format!("10.{n}.0.0/24"))
            .instance(
                &format!("i-{name}"),
                &format!("eni-{name}"),
                &vswitch,
                &format!("10.{n}.0.10"),
            );
    }
    world
}

#[test]
fn t1_peering_is_not_transitive() {
    let world = three_vpcs()
        .peering("pcc-ab", "vpc-a", "vpc-b", true)
        .peering("pcc-bc", "vpc-b", "vpc-c", true)
        .route("vtb-vpc-a", "10.0.0.0/8", "VpcPeer", "pcc-ab")
        .route("vtb-vpc-b", "10.0.0.0/16", "VpcPeer", "pcc-ab")
        .route("vtb-vpc-b", "10.2.0.0/16", "VpcPeer", "pcc-bc")
        .route("vtb-vpc-c", "10.0.0.0/8", "VpcPeer", "pcc-bc");
    row("T1 A-B", &world, "eni-a -> 10.1.0.10 tcp/80", ALLOWED, "works");
    row("T1", &world, "eni-a -> 10.2.0.10 tcp/80", "dropped(peer_not_transitive)", "fails");
}

/// A and B on one transit router; the table of A, that of B.
fn transit() -> World {
    three_vpcs()
        .transit_router("tr-1")
        .transit_table("trtb-a", "tr-1")
        .transit_table("trtb-b", "tr-1")
        .attach_vpc("att-a", "tr-1", "vpc-a", &["vsw-a"], Some("trtb-a"))
        .attach_vpc("att-b", "tr-1", "vpc-b", &["vsw-b"], Some("trtb-b"))
        .route("vtb-vpc-a", "10.0.0.0/8", "Attachment", "att-a")
        .route("vtb-vpc-b", "10.0.0.0/8", "Attachment", "att-b")
        .transit_route("trtb-b", "10.0.0.0/16", Some("att-a"))
}

#[test]
fn t2_a_transit_table_needs_the_route() {
    let asked = "eni-a -> 10.1.0.10 tcp/80";
    row("T2", &transit(), asked, "dropped(tr_no_route)", "fails");
    let world = transit().transit_route("trtb-a", "10.1.0.0/16", Some("att-b"));
    row("T2 with it", &world, asked, ALLOWED, "works");
}

#[test]
fn t3_an_ecr_joins_no_vpcs() {
    let world = three_vpcs()
        .route("vtb-vpc-a", "10.1.0.0/16", "Ecr", "ecr-1")
        .route("vtb-vpc-b", "10.0.0.0/16", "Ecr", "ecr-1")
        .route("vtb-vpc-a", "172.16.0.0/16", "Ecr", "ecr-1");
    row("T3", &world, "eni-a -> 10.1.0.10 tcp/80", "dropped(ecr_not_transitive)", "fails");
    row("T3 out", &world, "eni-a -> 172.16.0.1 tcp/80", "leaves <- unknown", "unknown");
}
