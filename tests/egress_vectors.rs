//! The vectors of the egress semantics: one test per vector, expectations written by hand.
//!
//! Vectors 1–46 change one base topology; the two seed scenarios follow with every one of their
//! states. Each row runs against the reference simulator and against the program.
//!
//! Left out here: 9b, 37–41, 43 and 47 ask about ingress.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod oracle;

use oracle::rows::*;
use oracle::world::{World, addr, ip};
use oracle::{Answer, Verdict};
use vpclint::topology::{
    BandwidthPackage, EipMode, EipTarget, Id, LoadBalancer, NatEip, NatType, PackageAddress,
    RouteOrigin, Text,
};

#[test]
fn v01_v02_v03_snat_own_eip_and_neither() {
    e1("1", &base(), &exits(&[N1]));
    e2("2", &base(), &exits(&[E2]));
    e3("3", &base(), &dropped("nat_no_snat_entry"));
}

#[test]
fn v04_the_longest_snat_block_decides() {
    let world = base().snat("snat-host", "ngw1", "10.0.1.10/32", &[N2]).instance(
        "i-20",
        "eni-20",
        "vsw-a",
        "10.0.1.20",
    );
    e1("4", &world, &exits(&[N2]));
    check("4", &world, "eni-20", "10.0.1.20", DNS, &exits(&[N1]));
}

#[test]
fn v05_v06_a_pool_is_a_set() {
    let mut world = base().snat_vswitch("snat-a", "ngw1", "vsw-a", &[N1, N2]);
    assert!(e1("5", &world, &exits(&[N1, N2])).notes.contains("hash"));
    world.snat.get_mut("snat-a").unwrap().eip_affinity = Some(true);
    assert!(e1("6", &world, &exits(&[N1, N2])).notes.contains("sticky"));
}

#[test]
fn v07_ip_mapping_beats_snat() {
    e1("7", &base().dnat_any("dnat-1", "ngw1", N3, "10.0.1.10"), &exits(&[N3]));
}

#[test]
fn v08_port_mapping_is_no_exit() {
    e1("8", &base().dnat_port("dnat-1", "ngw1", N3, "10.0.1.10", 80), &exits(&[N1]));
}

#[test]
fn v09_own_eip_beats_ip_mapping() {
    e2("9", &base().dnat_any("dnat-1", "ngw1", N3, "10.0.1.11"), &exits(&[E2]));
}

#[test]
fn v10_own_eip_needs_no_route() {
    let world = a_on_custom_table(base());
    e1("10", &world, &dropped("no_route"));
    e2("10", &world, &exits(&[E2]));
}

fn self_built_nat() -> World {
    a_on_custom_table(base()).instance("i-fw", "eni-fw", "vsw-b", "10.0.2.30").eip_on(
        "eip-e3",
        E3,
        EipTarget::Instance,
        "i-fw",
    )
}

#[test]
fn v11_a_forwarding_instance_uses_its_own_exit() {
    let world = self_built_nat().route("vtb-a", ANY, "Instance", "i-fw");
    assert!(e1("11", &world, &exits(&[E3])).notes.contains("guest_forwarding_assumed"));
    e2("11", &world, &exits(&[E2]));
}

#[test]
fn v12_eight_routes_divert_a_default_route() {
    let split = ["1", "2", "4", "8", "16", "32", "64", "128"];
    let masks = [8, 7, 6, 5, 4, 3, 2, 1];
    let mut world = self_built_nat().route("vtb-a", ANY, "NatGateway", "ngw1");
    for (first, mask) in split.iter().zip(masks) {
        world = world.route("vtb-a", &format!("{first}.0.0.0/{mask}"), "Instance", "i-fw");
    }
    for dst in ["8.8.8.8", "223.5.5.5"] {
        check("12", &world, "eni-1", "10.0.1.10", dst, &exits(&[E3]));
    }
}

#[test]
fn v13_an_snat_entry_for_everything() {
    let world = base().snat("snat-all", "ngw1", ANY, &[N2]);
    e1("13", &world, &exits(&[N1]));
    e3("13", &world, &exits(&[N2]));
}

#[test]
fn v14_v15_the_table_selects_the_gateway() {
    let two = base().nat("ngw2", "vsw-n", &[M1]).snat_vswitch("snat-2", "ngw2", "vsw-a", &[M1]);
    let routed = a_on_custom_table(two.clone()).route("vtb-a", ANY, "NatGateway", "ngw2");
    e1("14", &routed, &exits(&[M1]));
    e1("15", &two, &exits(&[N1]));
}

#[test]
fn v16_v17_addresses_that_left_the_gateway() {
    let one = base().unbind_nat_eip("ngw1", N1);
    e1("16", &one, &dropped("snat_ip_unbound"));
    let none = one.unbind_nat_eip("ngw1", N2).unbind_nat_eip("ngw1", N3);
    e1("17", &none, &dropped("nat_no_eip"));
}

#[test]
fn v18_v19_an_eip_belongs_to_one_private_address() {
    let world = base().extra_ip("eni-2", "10.0.1.12");
    check("18", &world, "eni-2", "10.0.1.12", DNS, &exits(&[N1]));
    let world = world.eip_on_eni("eip-e9", E9, "eni-2", Some("10.0.1.12"));
    check("19", &world, "eni-2", "10.0.1.12", DNS, &exits(&[E9]));
    check("19", &world, "eni-2", "10.0.1.11", DNS, &exits(&[E2]));
}

#[test]
fn v20_a_havip_with_an_eip() {
    let world = base()
        .snat("snat-all", "ngw1", ANY, &[N2])
        .havip("havip-1", "vsw-b", "10.0.2.99", Some("i-3"))
        .eip_on("eip-h1", H1, EipTarget::HaVip, "havip-1");
    check("20", &world, "eni-3", "10.0.2.99", DNS, &exits(&[H1]));
    check("20", &world, "eni-3", "10.0.2.10", DNS, &exits(&[N2]));
}

#[test]
fn v21_cut_through_reaches_the_internet_only() {
    let world = base().secondary_eni("eni-1b", "i-1", "vsw-a", "10.0.1.50").cut_through(
        "eip-c1",
        C1,
        "eni-1b",
        EipMode::Binded,
    );
    check("21", &world, "eni-1b", C1, DNS, &exits(&[C1]));
    check("21", &world, "eni-1b", C1, "10.0.2.10", &dropped("cut_through_no_private"));
}

fn with_public_peer() -> World {
    base()
        .vpc("vpc-p", "30.0.0.0/16")
        .vswitch("vsw-p", "vpc-p", "30.0.0.0/24")
        .peering("pcc-1", "vpc-1", "vpc-p", true)
        .route(SYSTEM, "30.0.0.0/16", "VpcPeer", "pcc-1")
}

#[test]
fn v22_v23_a_public_range_behind_a_peering() {
    let world = with_public_peer();
    check("22", &world, "eni-2", "10.0.1.11", "30.0.0.1", &exits(&[E2]));
    check("22", &world, "eni-1", "10.0.1.10", "30.0.0.1", &Answer::delivered());
    let world = world.user_cidr("vpc-1", "30.0.0.0/16");
    check("23", &world, "eni-2", "10.0.1.11", "30.0.0.1", &Answer::delivered());
}

#[test]
fn v24_v25_v26_private_destinations() {
    let world = base();
    check("24", &world, "eni-1", "10.0.1.10", "10.0.2.10", &Answer::delivered());
    check("24", &world, "eni-2", "10.0.1.11", "10.0.2.10", &Answer::delivered());
    let nowhere = dropped("private_dst_at_internet_gw");
    check("25", &world, "eni-1", "10.0.1.10", "10.0.9.9", &nowhere);
    check("26", &world, "eni-2", "10.0.1.11", "10.0.9.9", &nowhere);
}

#[test]
fn v27_central_mode_ignores_the_own_eip() {
    let world = central(("NatGateway", "ngw1"));
    e1("27", &world, &exits(&[N1]));
    e2("27", &world, &exits(&[N1]));
}

#[test]
fn v28_a_public_vswitch() {
    let world = central(("Ipv4Gateway", "ipv4gw-1"));
    e1("28", &world, &dropped("no_public_ip_at_ipv4gw"));
    e2("28", &world, &exits(&[E2]));
}

#[test]
fn v29_the_vswitch_of_the_gateway_must_be_public() {
    let world = central(("NatGateway", "ngw1")).route("vtb-n", ANY, "NatGateway", "ngw1");
    e1("29", &world, &dropped("nat_vswitch_not_public"));
}

#[test]
fn v30_a_gateway_that_is_not_activated_changes_nothing() {
    let world = a_on_custom_table(base()).ipv4_gateway("ipv4gw-1", "vpc-1", false);
    e2("30", &world, &exits(&[E2]));
}

#[test]
fn v31_private_mode() {
    let world = base().private_mode("vpc-1");
    e1("31", &world, &dropped("vpc_private_mode"));
    e2("31", &world, &dropped("vpc_private_mode"));
}

#[test]
fn v32_a_public_load_balancer_is_no_exit() {
    let mut world = base();
    let mut balancer = LoadBalancer::new("lb-1");
    balancer.vpc = Some(None);
    balancer.address = Some(addr("198.51.100.200"));
    balancer.default_backends = Some(vec![vpclint::topology::Backend {
        server: Some(Id::from("i-3")),
        backend_type: Some(vpclint::topology::BackendType::Instance),
        address: Some(addr("10.0.2.10")),
        port: None,
        weight: Some(100),
        zone: None,
        role: None,
        status: None,
    }]);
    world.balancers.insert("lb-1".to_owned(), balancer);
    e3("32", &world, &dropped("nat_no_snat_entry"));
}

/// T shares its NAT gateway with VPC2 through a transit router.
fn shared_nat() -> World {
    base()
        .vpc("vpc-2", "10.1.0.0/16")
        .vswitch("vsw-2", "vpc-2", "10.1.0.0/24")
        .instance("i-5", "eni-5", "vsw-2", "10.1.0.5")
        .transit_router("tr-1")
        .transit_table("tr-1-main", "tr-1")
        .attach_vpc("att-1", "tr-1", "vpc-1", &["vsw-n"], Some("tr-1-main"))
        .attach_vpc("att-2", "tr-1", "vpc-2", &["vsw-2"], Some("tr-1-main"))
        .route("vtb-vpc-2", ANY, "Attachment", "att-2")
        .transit_route("tr-1-main", ANY, Some("att-1"))
        .transit_route("tr-1-main", "10.1.0.0/16", Some("att-2"))
        .transit_route("tr-1-main", "10.0.0.0/16", Some("att-1"))
}

#[test]
fn v33_v34_v35_a_shared_gateway_behind_a_transit_router() {
    let e5 = |vector: &str, world: &World, expected: &Answer| {
        check(vector, world, "eni-5", "10.1.0.5", DNS, expected)
    };
    e5("34", &shared_nat(), &dropped("nat_no_snat_entry"));
    let covered = shared_nat().snat("snat-vpc-2", "ngw1", "10.1.0.0/16", &[N2]);
    let answer = e5("35", &covered, &exits(&[N2]));
    assert!(answer.notes.contains("reply_no_route"), "{answer:?}");
    let complete = covered.route(SYSTEM, "10.1.0.0/16", "Attachment", "att-1");
    let answer = e5("33", &complete, &exits(&[N2]));
    assert!(!answer.notes.contains("reply_no_route"), "{answer:?}");
}

#[test]
fn v36_ipv6_needs_bandwidth() {
    for (public, expected) in
        [(false, dropped("ipv6_no_bandwidth")), (true, exits(&["2001:db8:1::10"]))]
    {
        let mut world = base()
            .ipv6("eni-1", "2001:db8:1::10", public)
            .ipv6_gateway("ipv6gw-1", "vpc-1")
            .route(SYSTEM, "::/0", "IPv6Gateway", "ipv6gw-1");
        world.vswitches.get_mut("vsw-a").unwrap().ipv6_cidr =
            Some(oracle::world::block("2001:db8:1::/64"));
        check("36", &world, "eni-1", "2001:db8:1::10", "2400:3200::1", &expected);
        check("36", &world, "eni-1", "2001:db8:1::10", "2001:db8:1::11", &Answer::delivered());
    }
}

#[test]
fn v42_unify_egress_state_by_state() {
    const P1: &str = "198.51.100.1";
    let start = base().instance("i-x", "eni-x", "vsw-a", "10.0.1.100").instance(
        "i-y",
        "eni-y",
        "vsw-a",
        "10.0.1.101",
    );
    let attached = start.clone().secondary_eni("eni-x2", "i-x", "vsw-b", "10.0.2.100");
    let covered = |world: World| world.snat_vswitch("snat-b", "ngw1", "vsw-b", &[N1]);
    let on_instance = |w: World| w.eip_on("eip-p1", P1, EipTarget::Instance, "i-x");
    let on_eni = |w: World| w.eip_on_eni("eip-p1", P1, "eni-x2", Some("10.0.2.100"));
    let no_snat = || dropped("nat_no_snat_entry");
    // state, topology, egress of X, egress of X from the second ENI (without and with SNAT for B)
    let states = [
        ("S0", start.clone().static_ip("i-x", P1), P1, None),
        ("S1", on_instance(start.clone()), P1, None),
        ("S2", on_instance(start.clone()).loose_eni("eni-x2", "vsw-b", "10.0.2.100"), P1, None),
        ("S3", on_instance(attached.clone()), P1, Some((no_snat(), exits(&[N1])))),
        ("S4", attached.clone().eip("eip-p1", P1), N1, Some((no_snat(), exits(&[N1])))),
        ("S5", on_eni(attached.clone()), N1, Some((exits(&[P1]), exits(&[P1])))),
    ];
    for (state, world, x, second) in states {
        check(&format!("42 {state} X"), &world, "eni-x", "10.0.1.100", DNS, &exits(&[x]));
        check(&format!("42 {state} Y"), &world, "eni-y", "10.0.1.101", DNS, &exits(&[N1]));
        if let Some((uncovered, with_snat)) = second {
            let vector = format!("42 {state} B");
            check(&vector, &world, "eni-x2", "10.0.2.100", DNS, &uncovered);
            check(&vector, &covered(world), "eni-x2", "10.0.2.100", DNS, &with_snat);
        }
    }
    // cut-through instead of mode NAT in S5: the private address is gone, the default is unchanged
    let world = attached.cut_through("eip-p1", P1, "eni-x2", EipMode::Binded);
    check("42 S5 BINDED", &world, "eni-x", "10.0.1.100", DNS, &exits(&[N1]));
    check("42 S5 BINDED", &world, "eni-x2", P1, DNS, &exits(&[P1]));
    // the start with an IP mapping on the gateway instead of a public address of X
    let world = start.dnat_any("dnat-x", "ngw1", N3, "10.0.1.100");
    check("42 DNAT", &world, "eni-x", "10.0.1.100", DNS, &exits(&[N3]));
}

/// Five public addresses on a Normal gateway: two IP mappings, three port mappings.
fn shared_bandwidth(legacy_package: bool) -> World {
    let ips: Vec<String> = (1..=5).map(|n| format!("198.51.100.{n}")).collect();
    let mut world = World::new()
        .vpc("vpc-1", "192.168.0.0/16")
        .vswitch("vsw-1", "vpc-1", "192.168.1.0/24")
        .nat("ngw1", "vsw-1", &[])
        .route(SYSTEM, ANY, "NatGateway", "ngw1")
        .dnat_any("dnat-1", "ngw1", &ips[0], "192.168.1.1")
        .dnat_any("dnat-2", "ngw1", &ips[1], "192.168.1.2")
        .dnat_port("dnat-3", "ngw1", &ips[2], "192.168.1.3", 80)
        .dnat_port("dnat-4", "ngw1", &ips[2], "192.168.1.4", 443)
        .dnat_port("dnat-5", "ngw1", &ips[3], "192.168.1.5", 22);
    for n in 1..=5 {
        let host = format!("192.168.1.{n}");
        world = world.instance(&format!("i-{n}"), &format!("eni-{n}"), "vsw-1", &host);
    }
    let nat = world.nats.get_mut("ngw1").unwrap();
    if legacy_package {
        nat.nat_type = None;
        nat.bandwidth_packages = Some(vec![Id::from("bwp-1")]);
        let mut package = BandwidthPackage::new("bwp-1");
        package.nat_gateway = Some(Id::from("ngw1"));
        package.meta.status = Some(Text::from("Available"));
        let address = |ip: &String| PackageAddress { address: addr(ip), eip: None };
        package.addresses = Some(ips.iter().map(address).collect());
        world.packages.insert("bwp-1".to_owned(), package);
    } else {
        nat.nat_type = Some(NatType::Normal);
        let bound = |ip: &String| NatEip {
            address: addr(ip),
            eip: None,
            private_address: None,
            used_by: None,
        };
        nat.eips = Some(ips.iter().map(bound).collect());
    }
    world
}

#[test]
fn v44_shared_bandwidth_and_port_mappings() {
    let (ip1, ip2, ip5) = ("198.51.100.1", "198.51.100.2", "198.51.100.5");
    for legacy_package in [false, true] {
        let world = shared_bandwidth(legacy_package);
        let none = dropped("nat_no_snat_entry");
        let ecs = |n: u8, world: &World, expected: &Answer| {
            let (eni, host) = (format!("eni-{n}"), format!("192.168.1.{n}"));
            check(&format!("44 ECS{n}"), world, &eni, &host, DNS, expected);
        };
        ecs(1, &world, &exits(&[ip1]));
        ecs(2, &world, &exits(&[ip2]));
        for n in 3..=5 {
            ecs(n, &world, &none);
        }
        let repaired = world.snat_vswitch("snat-1", "ngw1", "vsw-1", &[ip5]);
        ecs(1, &repaired, &exits(&[ip1]));
        ecs(2, &repaired, &exits(&[ip2]));
        for n in 3..=5 {
            ecs(n, &repaired, &exits(&[ip5]));
        }
    }
}

#[test]
fn v44_a_normal_gateway_maps_without_a_route() {
    let mut world = shared_bandwidth(false);
    world.routes.clear();
    check("44 no route", &world, "eni-1", "192.168.1.1", DNS, &exits(&["198.51.100.1"]));
    check("44 no route", &world, "eni-3", "192.168.1.3", DNS, &dropped("no_route"));
    world.nats.get_mut("ngw1").unwrap().nat_type = Some(NatType::Enhanced);
    check("44 Enhanced", &world, "eni-1", "192.168.1.1", DNS, &dropped("no_route"));
}

#[test]
fn v45_a_vpc_nat_gateway_looks_up_twice() {
    let world = a_on_custom_table(base())
        .table("vtb-n", "vpc-1")
        .on_table("vsw-n", "vtb-n")
        .vpc_nat("vpcnat1", "vsw-n")
        .snat_vswitch("snat-v", "vpcnat1", "vsw-a", &["10.0.0.50"])
        .route("vtb-a", ANY, "NatGateway", "vpcnat1");
    e1("45", &world, &dropped("no_route"));
    let world = world.route("vtb-n", "172.16.0.0/12", "VpnGateway", "vpn-1");
    check("45", &world, "eni-1", "10.0.1.10", "172.16.0.9", &Answer::leaves());
}

#[test]
fn v46_a_local_entry_that_points_to_a_firewall() {
    let world =
        a_on_custom_table(base()).instance("i-fw", "eni-fw", "vsw-n", "10.0.0.30").route_as(
            "vtb-a",
            "10.0.2.0/24",
            RouteOrigin::Custom,
            vec![World::hop("Instance", "i-fw")],
        );
    let to_b = |world: &World, expected: &Answer| {
        check("46", world, "eni-1", "10.0.1.10", "10.0.2.10", expected);
    };
    to_b(&world, &Answer::delivered());
    // the packet did pass the firewall: it is lost when that does not forward or is down
    let mut closed = world.clone();
    closed.instances.get_mut("i-fw").unwrap().forwards = Some(false);
    to_b(&closed, &dropped("forwarder_disabled"));
    let mut down = world;
    down.instances.get_mut("i-fw").unwrap().meta.status = Some(Text::from("Stopped"));
    to_b(&down, &dropped("dead_nexthop"));
}

#[test]
fn every_vector_has_one_verdict() {
    let answer = oracle::egress(&base().build(), "eni-1", ip("10.0.1.10"), ip(DNS));
    assert_eq!(answer.verdict(), Some(Verdict::Exits));
    assert_eq!(answer.public_ips().into_iter().collect::<Vec<_>>(), [N1]);
}
