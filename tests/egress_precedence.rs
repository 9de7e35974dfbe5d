//! What beats what: the precedence pairs and route rules that the numbered vectors leave out.
//!
//! Expectations are written by hand from the same tables; every row runs against the reference
//! simulator and against the program.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod oracle;

use oracle::Answer;
use oracle::rows::*;
use oracle::world::World;
use vpclint::topology::{
    AttachmentType, EipMode, EipTarget, Listing, NextHop, NextHopType, RouteOrigin, Text,
};

/// e1's packet to any destination.
fn to(dst: &str, row: &str, world: &World, expected: &Answer) -> Answer {
    check(row, world, "eni-1", "10.0.1.10", dst, expected)
}

// ---- routes --------------------------------------------------------------------------------------

#[test]
fn custom_before_dynamic_before_system() {
    let both = base().dynamic(SYSTEM, ANY, "VpnGateway", "vpn-1");
    to(DNS, "custom and dynamic 0/0", &both, &exits(&[N1]));
    let mut learnt = both;
    learnt.routes.retain(|_, e| e.origin != Some(RouteOrigin::Custom));
    to(DNS, "dynamic 0/0", &learnt, &Answer::leaves());
}

#[test]
fn a_longer_dynamic_route_diverts() {
    let world = base().dynamic(SYSTEM, "8.0.0.0/8", "VpnGateway", "vpn-1");
    to(DNS, "8/8 -> VPN", &world, &Answer::leaves());
    to("9.9.9.9", "8/8 -> VPN", &world, &exits(&[N1]));
}

#[test]
fn dynamic_routes_never_take_a_vswitch() {
    for block in ["10.0.2.0/24", "10.0.2.0/28", "100.64.0.0/10", "100.100.0.0/16"] {
        let world = base().dynamic(SYSTEM, block, "VpnGateway", "vpn-1");
        to("10.0.2.10", block, &world, &Answer::delivered());
        to("100.100.2.136", block, &world, &Answer::delivered());
    }
    let around = base().dynamic(SYSTEM, "10.0.2.0/23", "VpnGateway", "vpn-1");
    to("10.0.2.10", "10.0.2.0/23", &around, &Answer::delivered());
    to("10.0.3.10", "10.0.2.0/23", &around, &Answer::leaves());
}

#[test]
fn system_entries_are_there_when_nobody_states_them() {
    let mut world = base();
    world.unstated_system_routes = true;
    to("10.0.2.10", "plan", &world, &Answer::delivered());
    to("100.100.2.136", "plan", &world, &Answer::delivered());
    to(DNS, "plan", &world, &exits(&[N1]));
}

#[test]
fn entries_that_are_not_in_force() {
    for (status, expected) in [
        ("Pending", exits(&[N1])),
        ("Deleting", exits(&[N1])),
        ("Modifying", Answer::leaves()),
        ("Available", Answer::leaves()),
    ] {
        let mut world = base().route(SYSTEM, "8.0.0.0/8", "VpnGateway", "vpn-1");
        let entry = world.routes.values_mut().find(|e| e.cidr().unwrap().mask() == 8).unwrap();
        entry.meta.status = Some(Text::from(status));
        to(DNS, status, &world, &expected);
    }
}

#[test]
fn a_prefix_list_is_its_entries() {
    let hop = World::hop("VpnGateway", "vpn-1");
    let world = base().prefix_route(SYSTEM, "pl-1", &["8.8.0.0/16", "9.0.0.0/8"], hop);
    to(DNS, "prefix list", &world, &Answer::leaves());
    to("9.9.9.9", "prefix list", &world, &Answer::leaves());
    to("8.9.0.1", "prefix list", &world, &exits(&[N1]));
}

fn express(hops: [(u32, bool); 2]) -> World {
    let hops = hops.iter().zip(["ri-1", "ri-2"]).map(|((weight, enabled), id)| NextHop {
        hop_type: NextHopType::RouterInterface,
        id: Some(id.into()),
        weight: Some(*weight),
        enabled: Some(*enabled),
    });
    base().route_as(SYSTEM, "8.0.0.0/8", RouteOrigin::Custom, hops.collect())
}

#[test]
fn router_interfaces_that_are_down_fall_out() {
    to(DNS, "both up", &express([(100, true), (0, true)]), &Answer::leaves());
    to(DNS, "active down", &express([(100, false), (0, true)]), &Answer::leaves());
    // no fall-through to the default route
    to(DNS, "both down", &express([(100, false), (0, false)]), &dropped("dead_nexthop"));
}

#[test]
fn dead_next_hops_are_black_holes() {
    for hop in ["NatGateway", "Instance", "NetworkInterface", "HaVip"] {
        let world = base().route(SYSTEM, "8.0.0.0/8", hop, "gone-1");
        to(DNS, hop, &world, &dropped("dead_nexthop"));
        to("9.9.9.9", hop, &world, &exits(&[N1]));
    }
    let loose = base().loose_eni("eni-loose", "vsw-b", "10.0.2.50");
    let world = loose.route(SYSTEM, ANY, "NetworkInterface", "eni-loose");
    to(DNS, "detached ENI", &world, &dropped("dead_nexthop"));
    let idle = base().havip("havip-1", "vsw-b", "10.0.2.99", None);
    let world = idle.route(SYSTEM, ANY, "HaVip", "havip-1");
    to(DNS, "HaVip without a master", &world, &dropped("dead_nexthop"));
}

#[test]
fn next_hops_that_cannot_work() {
    let world = base().route(SYSTEM, ANY, "IPv6Gateway", "ipv6gw-1");
    to(DNS, "IPv6 gateway for IPv4", &world, &dropped("bad_nexthop"));
    let world = base().route(SYSTEM, ANY, "Ipv4Gateway", "ipv4gw-1");
    to(DNS, "IPv4 gateway in DIRECT mode", &world, &dropped("ipv4gw_inactive"));
    let world = base()
        .vpc("vpc-2", "10.1.0.0/16")
        .vswitch("vsw-2", "vpc-2", "10.1.0.0/24")
        .nat("ngw-far", "vsw-2", &[M1])
        .snat("snat-far", "ngw-far", ANY, &[M1])
        .route(SYSTEM, ANY, "NatGateway", "ngw-far");
    to(DNS, "NAT gateway of another VPC", &world, &dropped("bad_nexthop"));
}

// ---- own public addresses ------------------------------------------------------------------------

#[test]
fn an_own_address_beats_every_route_in_direct_mode() {
    let own = |w: World| w.eip_on("eip-e1", "198.51.100.8", EipTarget::Instance, "i-1");
    let world = own(base()).instance("i-fw", "eni-fw", "vsw-b", "10.0.2.30");
    for (hop, id) in [("Instance", "i-fw"), ("NetworkInterface", "eni-fw"), ("VpnGateway", "vpn")] {
        let world = world.clone().route(SYSTEM, ANY, hop, id);
        to(DNS, hop, &world, &exits(&["198.51.100.8"]));
    }
    let world = own(base()).gwlb_endpoint("gwlbe-1", "vpc-1", &["vsw-n"]);
    let world = world.route(SYSTEM, ANY, "GatewayLoadBalancerEndpoint", "gwlbe-1");
    to(DNS, "GWLB endpoint", &world, &exits(&["198.51.100.8"]));
}

#[test]
fn a_locked_address_is_none() {
    let mut world = base();
    world.eips.get_mut("eip-e2").unwrap().meta.business_status =
        Some(Text::from("FinancialLocked"));
    check("locked EIP", &world, "eni-2", "10.0.1.11", DNS, &exits(&[N1]));
    let mut world = base();
    world.eips.get_mut("eip-e2").unwrap().locks = Some(vec![Text::from("security")]);
    check("locked EIP", &world, "eni-2", "10.0.1.11", DNS, &exits(&[N1]));
}

#[test]
fn a_static_address_belongs_to_the_primary_address() {
    let world = base().static_ip("i-1", "198.51.100.8").extra_ip("eni-1", "10.0.1.15");
    to(DNS, "static", &world, &exits(&["198.51.100.8"]));
    check("static", &world, "eni-1", "10.0.1.15", DNS, &exits(&[N1]));
    let world = world.secondary_eni("eni-1b", "i-1", "vsw-a", "10.0.1.16");
    check("static", &world, "eni-1b", "10.0.1.16", DNS, &exits(&[N1]));
}

#[test]
fn an_eip_on_an_address_of_a_central_vpc() {
    let world =
        central(("Ipv4Gateway", "ipv4gw-1")).eip_on_address("eip-a", E9, "vpc-1", "10.0.1.10");
    to(DNS, "IpAddress", &world, &exits(&[E9]));
}

#[test]
fn multi_binded_sees_both_addresses() {
    let world = base().secondary_eni("eni-1b", "i-1", "vsw-a", "10.0.1.50").cut_through(
        "eip-c1",
        C1,
        "eni-1b",
        EipMode::MultiBinded,
    );
    check("from the EIP", &world, "eni-1b", C1, DNS, &exits(&[C1]));
    check("from the EIP, private", &world, "eni-1b", C1, "10.0.2.10", &Answer::unknown());
    check("from the private address", &world, "eni-1b", "10.0.1.50", DNS, &exits(&[N1]));
}

#[test]
fn cut_through_needs_direct_mode() {
    let world = central(("Ipv4Gateway", "ipv4gw-1"))
        .secondary_eni("eni-1b", "i-1", "vsw-a", "10.0.1.50")
        .cut_through("eip-c1", C1, "eni-1b", EipMode::Binded);
    check("CENTRAL", &world, "eni-1b", C1, DNS, &dropped("cut_through_unsupported"));
    let mut world = world;
    world.ipv4_gateways.clear();
    let world = world.private_mode("vpc-1");
    check("PRIVATE", &world, "eni-1b", C1, DNS, &dropped("vpc_private_mode"));
    check("PRIVATE", &world, "eni-1b", C1, "10.0.2.10", &dropped("cut_through_unsupported"));
}

#[test]
fn user_cidrs_and_secondary_cidrs_are_private() {
    let world = base().secondary_cidr("vpc-1", "31.0.0.0/24").user_cidr("vpc-1", "40.0.0.0/8");
    for dst in ["31.0.0.9", "40.1.2.3"] {
        let row = format!("private {dst}");
        check(&row, &world, "eni-2", "10.0.1.11", dst, &dropped("private_dst_at_internet_gw"));
    }
    check("public", &world, "eni-2", "10.0.1.11", "31.0.1.9", &exits(&[E2]));
}

#[test]
fn destinations_that_nothing_forwards() {
    for dst in ["0.1.2.3", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255"] {
        check(dst, &base(), "eni-2", "10.0.1.11", dst, &dropped("dst_not_routable"));
    }
}

// ---- central and private mode --------------------------------------------------------------------

#[test]
fn central_mode_ip_mapping_beats_the_own_eip() {
    let world = central(("NatGateway", "ngw1")).dnat_any("dnat-1", "ngw1", N3, "10.0.1.11");
    check("EIP and IP mapping", &world, "eni-2", "10.0.1.11", DNS, &exits(&[N3]));
}

#[test]
fn central_mode_is_decided_per_destination() {
    let world =
        central(("NatGateway", "ngw1")).route("vtb-a", "9.0.0.0/8", "Ipv4Gateway", "ipv4gw-1");
    check("through NAT", &world, "eni-2", "10.0.1.11", DNS, &exits(&[N1]));
    check("through the IPv4 gateway", &world, "eni-2", "10.0.1.11", "9.9.9.9", &exits(&[E2]));
    let world = central(("Ipv4Gateway", "ipv4gw-1"));
    to("10.0.9.9", "private", &world, &dropped("private_dst_at_internet_gw"));
}

#[test]
fn private_mode_keeps_private_traffic() {
    let world = base().private_mode("vpc-1");
    to("10.0.2.10", "private", &world, &Answer::delivered());
    to("10.0.9.9", "private", &world, &dropped("private_dst_at_internet_gw"));
}

// ---- NAT -----------------------------------------------------------------------------------------

#[test]
fn the_entries_of_the_routed_gateway_count() {
    let world = base().nat("ngw2", "vsw-n", &[M1]).dnat_any("dnat-2", "ngw2", M1, "10.0.1.10");
    to(DNS, "IP mapping on another gateway", &world, &exits(&[N1]));
    let mut world = world;
    world.nats.get_mut("ngw2").unwrap().nat_type = Some(vpclint::topology::NatType::Normal);
    to(DNS, "IP mapping on a Normal gateway", &world, &exits(&[M1]));
}

#[test]
fn a_gateway_that_does_not_work() {
    let mut world = base();
    world.nats.get_mut("ngw1").unwrap().meta.business_status = Some(Text::from("FinancialLocked"));
    to(DNS, "locked", &world, &dropped("nat_not_available"));
    let mut world = base();
    world.nats.get_mut("ngw1").unwrap().meta.status = Some(Text::from("Creating"));
    to(DNS, "being made", &world, &dropped("nat_not_available"));
}

#[test]
fn addresses_of_entries_must_be_bound() {
    let world = base().snat_vswitch("snat-a", "ngw1", "vsw-a", &[N1, M1]);
    to(DNS, "half of a pool", &world, &exits(&[N1]));
    let world = base().dnat_any("dnat-1", "ngw1", M1, "10.0.1.10");
    to(DNS, "IP mapping", &world, &dropped("snat_ip_unbound"));
    let mut world = base().snat("snat-host", "ngw1", "10.0.1.10/32", &[N2]);
    world.snat.get_mut("snat-host").unwrap().meta.status = Some(Text::from("Pending"));
    to(DNS, "pending entry", &world, &exits(&[N1]));
}

#[test]
fn a_vpc_nat_gateway_translates_and_looks_up_again() {
    let shared = base()
        .vpc_nat("vpcnat1", "vsw-n")
        .snat("snat-v", "vpcnat1", "10.0.1.0/24", &["10.0.0.50"])
        .table("vtb-a", "vpc-1")
        .on_table("vsw-a", "vtb-a")
        .route("vtb-a", ANY, "NatGateway", "vpcnat1");
    // its own vSwitch is on the system table, whose NAT gateway does not cover the new source
    to(DNS, "second lookup", &shared, &dropped("nat_no_snat_entry"));
    let covered = shared.clone().snat("snat-n", "ngw1", "10.0.0.0/24", &[N2]);
    to(DNS, "second lookup", &covered, &exits(&[N2]));
    let looped = shared.on_table("vsw-n", "vtb-a").snat("snat-w", "vpcnat1", ANY, &["10.0.0.51"]);
    to(DNS, "loop", &looped, &dropped("routing_loop"));
    let mapped = covered.dnat_any("dnat-v", "vpcnat1", "10.0.9.9", "10.0.1.10");
    to(DNS, "IP mapping first", &mapped, &dropped("nat_no_snat_entry"));
}

// ---- forwarders ----------------------------------------------------------------------------------

fn firewall() -> World {
    base()
        .instance("i-fw", "eni-fw", "vsw-b", "10.0.2.30")
        .table("vtb-a", "vpc-1")
        .on_table("vsw-a", "vtb-a")
        .route("vtb-a", ANY, "Instance", "i-fw")
}

#[test]
fn a_forwarder_without_its_own_exit() {
    to(DNS, "masquerading", &firewall(), &dropped("nat_no_snat_entry"));
    let covered = firewall().snat("snat-fw", "ngw1", "10.0.2.30/32", &[N2]);
    to(DNS, "masquerading", &covered, &exits(&[N2]));
    let mut plain = covered;
    plain.instances.get_mut("i-fw").unwrap().masquerade = Some(false);
    to(DNS, "not masquerading", &plain, &exits(&[N1]));
}

#[test]
fn a_forwarder_that_is_routed_to_itself() {
    let world = firewall().on_table("vsw-b", "vtb-a");
    to(DNS, "masquerading", &world, &dropped("routing_loop"));
    let mut plain = world;
    plain.instances.get_mut("i-fw").unwrap().masquerade = Some(false);
    to(DNS, "not masquerading", &plain, &dropped("routing_loop"));
}

#[test]
fn a_havip_forwards_through_its_master() {
    let world = firewall()
        .havip("havip-1", "vsw-b", "10.0.2.99", Some("i-fw"))
        .route("vtb-a", ANY, "HaVip", "havip-1")
        .eip_on("eip-fw", E3, EipTarget::Instance, "i-fw");
    to(DNS, "HaVip", &world, &exits(&[E3]));
}

#[test]
fn inspection_returns_the_packet() {
    let inspected = |table: &str| {
        base()
            .table("vtb-a", "vpc-1")
            .on_table("vsw-a", "vtb-a")
            .gwlb_endpoint("gwlbe-1", "vpc-1", &["vsw-n"])
            .gwlb_endpoint("gwlbe-2", "vpc-1", &["vsw-a"])
            .target_group("rtg-1", "vpc-1", [("gwlbe-1", table == "first"), ("gwlbe-2", true)])
    };
    let world = inspected("first").route("vtb-a", ANY, "GatewayLoadBalancerEndpoint", "gwlbe-1");
    assert!(to(DNS, "endpoint", &world, &exits(&[N1])).notes.contains("inspected"));
    let world = inspected("first").route("vtb-a", ANY, "RouteTargetGroup", "rtg-1");
    to(DNS, "group, active", &world, &exits(&[N1]));
    // the standby endpoint sits in a vSwitch whose table leads to the group again
    let world = inspected("second").route("vtb-a", ANY, "RouteTargetGroup", "rtg-1");
    to(DNS, "group, standby", &world, &dropped("routing_loop"));
}

// ---- other VPCs ----------------------------------------------------------------------------------

fn peered(active: bool) -> World {
    base()
        .vpc("vpc-2", "10.1.0.0/16")
        .vswitch("vsw-2", "vpc-2", "10.1.0.0/24")
        .nat("ngw-2", "vsw-2", &[M1])
        .snat("snat-2", "ngw-2", ANY, &[M1])
        .route("vtb-vpc-2", ANY, "NatGateway", "ngw-2")
        .peering("pcc-1", "vpc-2", "vpc-1", active)
        .route(SYSTEM, ANY, "VpcPeer", "pcc-1")
}

#[test]
fn a_peering_reaches_vswitches_only() {
    assert!(
        to("10.1.0.9", "peer", &peered(true), &Answer::delivered())
            .notes
            .contains("reply_no_route")
    );
    to("10.1.9.9", "outside its vSwitches", &peered(true), &dropped("peer_not_transitive"));
    to(DNS, "Internet behind the peer", &peered(true), &dropped("peer_not_transitive"));
    to("10.1.0.9", "inactive", &peered(false), &dropped("peer_inactive"));
}

#[test]
fn an_ecr_does_not_lead_to_another_vpc() {
    let world = base().vpc("vpc-2", "10.1.0.0/16").route(SYSTEM, ANY, "Ecr", "ecr-1");
    to("10.1.0.9", "known VPC", &world, &dropped("ecr_not_transitive"));
    to("172.16.0.9", "elsewhere", &world, &Answer::leaves());
}

/// VPC 2 holds the NAT gateway; e1 reaches it over a transit router whose attachment has two zones.
fn transit(zones: &[&str], associated: bool) -> World {
    base()
        .vpc("vpc-2", "10.1.0.0/16")
        .vswitch("vsw-2a", "vpc-2", "10.1.0.0/24")
        .vswitch("vsw-2b", "vpc-2", "10.1.1.0/24")
        .table("vtb-2b", "vpc-2")
        .on_table("vsw-2b", "vtb-2b")
        .nat("ngw-2", "vsw-2a", &[M1])
        .snat("snat-2", "ngw-2", ANY, &[M1])
        .route("vtb-vpc-2", ANY, "NatGateway", "ngw-2")
        .transit_router("tr-1")
        .transit_table("trtb-1", "tr-1")
        .attach_vpc("att-1", "tr-1", "vpc-1", &["vsw-n"], associated.then_some("trtb-1"))
        .attach_vpc("att-2", "tr-1", "vpc-2", zones, Some("trtb-1"))
        .route(SYSTEM, ANY, "Attachment", "att-1")
        .transit_route("trtb-1", ANY, Some("att-2"))
}

#[test]
fn the_zones_of_an_attachment_may_differ() {
    to(DNS, "zone with NAT", &transit(&["vsw-2a"], true), &exits(&[M1]));
    to(DNS, "zone without", &transit(&["vsw-2b"], true), &dropped("no_route"));
    let mut both = exits(&[M1]);
    both.outcomes.extend(dropped("no_route").outcomes);
    to(DNS, "both zones", &transit(&["vsw-2a", "vsw-2b"], true), &both);
}

#[test]
fn transit_tables() {
    let zones = ["vsw-2a"];
    to(DNS, "no association", &transit(&zones, false), &dropped("tr_no_association"));
    let world = transit(&zones, true).transit_route("trtb-1", "8.0.0.0/8", None);
    to(DNS, "black hole", &world, &dropped("tr_no_route"));
    to("9.9.9.9", "beside the black hole", &world, &exits(&[M1]));
    let mut world = transit(&zones, true);
    world.transit_routes.clear();
    to(DNS, "empty table", &world, &dropped("tr_no_route"));
    let world = transit(&zones, true)
        .attachment("att-v", "tr-1", AttachmentType::Vbr, "vbr-1", Some("trtb-1"))
        .transit_route("trtb-1", "8.0.0.0/8", Some("att-v"));
    to(DNS, "border router", &world, &Answer::leaves());
    // into PRIVATE mode
    to(
        DNS,
        "private VPC",
        &transit(&zones, true).private_mode("vpc-2"),
        &dropped("vpc_private_mode"),
    );
    // and back where it came from
    let world = transit(&zones, true).transit_route("trtb-1", "8.0.0.0/8", Some("att-1"));
    to(DNS, "back", &world, &dropped("routing_loop"));
}

#[test]
fn two_transit_routers() {
    let world = transit(&["vsw-2a"], true)
        .transit_router("tr-2")
        .transit_table("trtb-2", "tr-2")
        .attach_vpc("att-2", "tr-2", "vpc-2", &["vsw-2a"], None)
        .attachment("att-p", "tr-1", AttachmentType::Peer, "tr-2", Some("trtb-1"))
        .associate("att-p", "trtb-2")
        .transit_route("trtb-1", ANY, Some("att-p"))
        .transit_route("trtb-2", ANY, Some("att-2"));
    to(DNS, "over the peering", &world, &exits(&[M1]));
    let mut unassociated = world.clone();
    unassociated.associations.remove("trtb-2/att-p");
    to(DNS, "no table at the far router", &unassociated, &dropped("tr_no_association"));
    unassociated.transit_routers.remove("tr-2");
    to(DNS, "far router not in the input", &unassociated, &Answer::leaves());
    let world = world.transit_route("trtb-2", "8.0.0.0/8", Some("att-p"));
    to(DNS, "no transit between peerings", &world, &dropped("tr_no_route"));
    to("9.9.9.9", "over the peering", &world, &exits(&[M1]));
}

// ---- IPv6 ----------------------------------------------------------------------------------------

const V6: &str = "2001:db8:1::10";

fn dual_stack() -> World {
    let mut world = base().ipv6("eni-1", V6, true).ipv6_gateway("ipv6gw-1", "vpc-1");
    for (vswitch, cidr) in [("vsw-a", "2001:db8:1::/64"), ("vsw-b", "2001:db8:2::/64")] {
        world.vswitches.get_mut(vswitch).unwrap().ipv6_cidr = Some(oracle::world::block(cidr));
    }
    world
}

#[test]
fn ipv6_needs_a_route_of_its_own() {
    let v6 = |row: &str, world: &World, dst: &str, expected: &Answer| {
        check(row, world, "eni-1", V6, dst, expected);
    };
    let world = dual_stack();
    v6("the IPv4 default route does not help", &world, "2400:3200::1", &dropped("no_route"));
    v6("local", &world, "2001:db8:2::9", &Answer::delivered());
    let mut routed = world.route(SYSTEM, "::/0", "IPv6Gateway", "ipv6gw-1");
    v6("routed", &routed, "2400:3200::1", &exits(&[V6]));
    v6("local", &routed, "2001:db8:2::9", &Answer::delivered());
    v6("link-local", &routed, "fe80::1", &dropped("dst_not_routable"));
    v6("multicast", &routed, "ff02::1", &dropped("dst_not_routable"));
    to(DNS, "IPv4 beside it", &routed, &exits(&[N1]));
    routed.ipv6_addresses.clear();
    v6("no row says it is public", &routed, "2400:3200::1", &dropped("ipv6_no_bandwidth"));
    let unlisted = routed.without(Listing::Ipv6Addresses, None);
    v6("rows are missing", &unlisted, "2400:3200::1", &Answer::unknown());
}

#[test]
fn private_mode_is_about_ipv4() {
    let world = dual_stack().private_mode("vpc-1").route(SYSTEM, "::/0", "IPv6Gateway", "gw");
    check("PRIVATE", &world, "eni-1", V6, "2400:3200::1", &exits(&[V6]));
}

// ---- what is not in the input --------------------------------------------------------------------

#[test]
fn missing_listings_give_unknown() {
    let unknown = Answer::unknown();
    let routes = base().without(Listing::RouteEntries, Some(SYSTEM));
    to(DNS, "routes", &routes, &unknown);
    check("own EIP needs no route", &routes, "eni-2", "10.0.1.11", DNS, &exits(&[E2]));
    to(DNS, "SNAT entries", &base().without(Listing::SnatEntries, Some("ngw1")), &unknown);
    to(DNS, "DNAT entries", &base().without(Listing::DnatEntries, Some("ngw1")), &unknown);
    let mapped = base().dnat_any("dnat-1", "ngw1", N3, "10.0.1.10");
    to(DNS, "known mapping", &mapped.without(Listing::SnatEntries, Some("ngw1")), &exits(&[N3]));
    to(DNS, "EIPs", &base().without(Listing::Eips, None), &unknown);
    let other = base().nat("ngw2", "vsw-n", &[M1]).without(Listing::SnatEntries, Some("ngw2"));
    to(DNS, "entries of another gateway", &other, &exits(&[N1]));
    let gone = base().route(SYSTEM, ANY, "NatGateway", "gone-1");
    to(DNS, "gateways", &gone.without(Listing::NatGateways, None), &unknown);
}
