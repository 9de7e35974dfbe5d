//! Between VPCs and from the Internet, there and back (access.md §5, egress.md §5 and the vectors of
//! its §9 that ask about ingress). Rows run against the reference simulator.
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
use oracle::rows::{E2, M1, N1, N3, SYSTEM, a_on_custom_table, base, central};
use oracle::world::World;
use vpclint::topology::{
    AttachmentType, EipBindMode, EipMode, EipTarget, Id, Listing, NatPort, NatProtocol, NatType,
    Text,
};

const NO_RETURN: &str = "delivered @eni-b:80 <- none(reply_no_route)";
const ALLOWED: &str = "delivered @eni-b:80 <- all";
const A_TO_B: &str = "eni-a -> 10.1.0.10 tcp/80";

fn fails(name: &str, world: &World, asked: &str, expected: &str) {
    row(name, world, asked, expected, "fails");
}

fn works(name: &str, world: &World, asked: &str, expected: &str) {
    row(name, world, asked, expected, "works");
}

/// VPCs a and b with a host each, not joined.
fn vpcs() -> World {
    World::new()
        .vpc("vpc-a", "10.0.0.0/16")
        .vswitch("vsw-a", "vpc-a", "10.0.0.0/24")
        .instance("i-a", "eni-a", "vsw-a", "10.0.0.10")
        .vpc("vpc-b", "10.1.0.0/16")
        .vswitch("vsw-b", "vpc-b", "10.1.0.0/24")
        .instance("i-b", "eni-b", "vsw-b", "10.1.0.10")
}

fn peered(active: bool) -> World {
    vpcs().peering("pcc-1", "vpc-a", "vpc-b", active).route(
        "vtb-vpc-a",
        "10.1.0.0/16",
        "VpcPeer",
        "pcc-1",
    )
}

// ---- interconnects -----------------------------------------------------------------------------

#[test]
fn s5_1_peering_needs_routes_at_both_ends() {
    fails("one way", &peered(true), A_TO_B, NO_RETURN);
    let both = |active| peered(active).route("vtb-vpc-b", "10.0.0.0/16", "VpcPeer", "pcc-1");
    works("both", &both(true), A_TO_B, ALLOWED);
    fails("inactive", &both(false), A_TO_B, "dropped(peer_inactive)");
    fails("no host", &both(true), "eni-a -> 10.1.0.11 tcp/80", "dropped(no_such_host)");
    fails("no vSwitch", &both(true), "eni-a -> 10.1.9.9 tcp/80", "dropped(peer_not_transitive)");
    // not to the peer's gateways
    let out = both(true)
        .nat("ngw-b", "vsw-b", &["198.51.100.1"])
        .route("vtb-vpc-b", "0.0.0.0/0", "NatGateway", "ngw-b")
        .route("vtb-vpc-a", "0.0.0.0/0", "VpcPeer", "pcc-1");
    fails("no exit", &out, "eni-a -> 8.8.8.8 tcp/80", "dropped(peer_not_transitive)");
    let unknown = both(true).without(Listing::VpcPeers, None).without_rows();
    row("unlisted", &unknown, A_TO_B, "unknown", "unknown");
}

#[test]
fn s5_1_acls_of_both_ends_are_asked() {
    let world = peered(true).route("vtb-vpc-b", "10.0.0.0/16", "VpcPeer", "pcc-1");
    let into = world.clone().acl("acl-b", &["vsw-b"]);
    fails("into b", &into, A_TO_B, "dropped(nacl_ingress_denied)");
    let out = world.acl("acl-a", &["vsw-a"]);
    fails("out of a", &out, A_TO_B, "dropped(nacl_egress_denied)");
    let back = out.entry("acl-a", "egress accept all -1/-1 10.1.0.0/16");
    fails("back into a", &back, A_TO_B, "delivered @eni-b:80 <- none(nacl_ingress_denied)");
}

#[test]
fn s5_1_overlapping_blocks_with_distinct_vswitches() {
    // both VPCs have 10.0.0.0/16; only the vSwitch blocks are routed
    let world = World::new()
        .vpc("vpc-a", "10.0.0.0/16")
        .vswitch("vsw-a", "vpc-a", "10.0.0.0/24")
        .instance("i-a", "eni-a", "vsw-a", "10.0.0.10")
        .vpc("vpc-b", "10.0.0.0/16")
        .vswitch("vsw-b", "vpc-b", "10.0.1.0/24")
        .instance("i-b", "eni-b", "vsw-b", "10.0.1.10")
        .peering("pcc-1", "vpc-a", "vpc-b", true)
        .route("vtb-vpc-a", "10.0.1.0/24", "VpcPeer", "pcc-1")
        .route("vtb-vpc-b", "10.0.0.0/24", "VpcPeer", "pcc-1");
    works("distinct", &world, "eni-a -> 10.0.1.10 tcp/80", ALLOWED);
}

fn transit() -> World {
    vpcs()
        .transit_router("tr-1")
        .transit_table("trtb-1", "tr-1")
        .attach_vpc("att-a", "tr-1", "vpc-a", &["vsw-a"], Some("trtb-1"))
        .attach_vpc("att-b", "tr-1", "vpc-b", &["vsw-b"], Some("trtb-1"))
        .route("vtb-vpc-a", "10.0.0.0/8", "Attachment", "att-a")
        .transit_route("trtb-1", "10.0.0.0/16", Some("att-a"))
        .transit_route("trtb-1", "10.1.0.0/16", Some("att-b"))
}

#[test]
fn s5_4_transit_routers_there_and_back() {
    fails("VPC b has no way back", &transit(), A_TO_B, NO_RETURN);
    let both = transit().route("vtb-vpc-b", "10.0.0.0/8", "Attachment", "att-b");
    works("both", &both, A_TO_B, ALLOWED);
    let hole = both.clone().transit_route("trtb-1", "10.1.0.0/24", None);
    fails("black hole", &hole, A_TO_B, "dropped(tr_no_route)");
    let mut rejected = both.clone();
    rejected.transit_routes.get_mut("trtb-1/10.0.0.0/16").unwrap().meta.status =
        Some(Text::from("Rejected"));
    fails("rejected on the way back", &rejected, A_TO_B, NO_RETURN);
    let mut loose = both;
    loose.associations.retain(|_, a| a.attachment.as_deref() != Some("att-b"));
    fails("b without association", &loose, A_TO_B, NO_RETURN);
    loose.associations.clear();
    fails("no association", &loose, A_TO_B, "dropped(tr_no_association)");
    // there by the transit router, back by a peering: asymmetric, but it arrives
    let other = transit().peering("pcc-1", "vpc-a", "vpc-b", true).route(
        "vtb-vpc-b",
        "10.0.0.0/16",
        "VpcPeer",
        "pcc-1",
    );
    works("asymmetric", &other, A_TO_B, ALLOWED);
    let vbr = transit()
        .attachment("att-v", "tr-1", AttachmentType::Vbr, "vbr-1", Some("trtb-1"))
        .transit_route("trtb-1", "10.9.0.0/16", Some("att-v"));
    row("border router", &vbr, "eni-a -> 10.9.0.1 tcp/80", "leaves <- unknown", "unknown");
}

#[test]
fn s5_4_a_shared_nat_gateway_needs_the_way_back() {
    // vector 35 of egress.md: N's table has no route to VPC 2
    let world = base()
        .vpc("vpc-2", "10.1.0.0/16")
        .vswitch("vsw-2", "vpc-2", "10.1.0.0/24")
        .instance("i-5", "eni-5", "vsw-2", "10.1.0.5")
        .transit_router("tr-1")
        .transit_table("trtb-1", "tr-1")
        .attach_vpc("att-1", "tr-1", "vpc-1", &["vsw-n"], Some("trtb-1"))
        .attach_vpc("att-2", "tr-1", "vpc-2", &["vsw-2"], Some("trtb-1"))
        .route("vtb-vpc-2", "0.0.0.0/0", "Attachment", "att-2")
        .transit_route("trtb-1", "0.0.0.0/0", Some("att-1"))
        .transit_route("trtb-1", "10.1.0.0/16", Some("att-2"))
        .snat("snat-2", "ngw1", "10.1.0.0/16", &[N1]);
    let asked = "eni-5 -> 8.8.8.8 tcp/443";
    fails("35", &world, asked, &format!("exits {{{N1}}} <- none(reply_no_route)"));
    let back = world.route(SYSTEM, "10.1.0.0/16", "Attachment", "att-1");
    works("33", &back, asked, &format!("exits {{{N1}}} <- all"));
}

#[test]
fn s5_3_basic_cen() {
    let world = vpcs()
        .cen("cen-1")
        .cen_route("cen-1", "10.0.0.0/24", "VPC", "vpc-a")
        .cen_route("cen-1", "10.1.0.0/24", "VPC", "vpc-b")
        .cen_route("cen-1", "10.9.0.0/16", "VBR", "vbr-1")
        .dynamic("vtb-vpc-a", "10.0.0.0/8", "CenBasic", "cen-1")
        .dynamic("vtb-vpc-b", "10.0.0.0/24", "CenBasic", "cen-1");
    works("both", &world, A_TO_B, ALLOWED);
    row("VBR", &world, "eni-a -> 10.9.0.1 tcp/80", "leaves <- unknown", "unknown");
    fails("no route", &world, "eni-a -> 10.7.0.1 tcp/80", "dropped(no_route)");
    let mut candidate = world.clone();
    candidate.cen_routes.get_mut("cen-1/10.1.0.0/24/vpc-b").unwrap().route_status =
        Some(Text::from("Candidate"));
    fails("not active", &candidate, A_TO_B, "dropped(no_route)");
    let unlisted = world.without(Listing::CenRoutes, None);
    row("unlisted", &unlisted, A_TO_B, "unknown", "unknown");
}

#[test]
fn s5_5_vpn_gateways_lead_out_of_sight() {
    let world = vpcs().route("vtb-vpc-a", "172.16.0.0/16", "VpnGateway", "vpn-1");
    let asked = "eni-a -> 172.16.0.9 tcp/80";
    row("out", &world, asked, "leaves <- unknown", "unknown");
    let acl = world.clone().acl("acl-a", &["vsw-a"]);
    let out = acl.clone().entry("acl-a", "egress accept all -1/-1 172.16.0.0/16");
    fails("no answer gets in", &out, asked, "leaves <- none(nacl_ingress_denied)");
    fails("nothing gets out", &acl, asked, "dropped(nacl_egress_denied)");
    // from there: the reply has to leave by such a gateway
    let there = "172.16.0.9 -> eni-a tcp/80";
    works("in", &world, there, "delivered @eni-a:80 <- all");
    fails("in, no way back", &vpcs(), there, "delivered @eni-a:80 <- none(reply_no_route)");
}

#[test]
fn s5_6_router_interfaces() {
    let world = vpcs().router_interfaces(("ri-a", "vpc-a"), ("ri-b", "vpc-b")).route(
        "vtb-vpc-a",
        "10.0.0.0/8",
        "RouterInterface",
        "ri-a",
    );
    fails("one way", &world, A_TO_B, NO_RETURN);
    let both = world.route("vtb-vpc-b", "10.0.0.0/16", "RouterInterface", "ri-b");
    works("both", &both, A_TO_B, ALLOWED);
    fails("not transitive", &both, "eni-a -> 10.9.0.1 tcp/80", "dropped(peer_not_transitive)");
    let mut idle = both.clone();
    idle.router_interfaces.get_mut("ri-b").unwrap().meta.status = Some(Text::from("Inactive"));
    // both sides must be active (access.md §5.6)
    fails("far end inactive", &idle, A_TO_B, "dropped(dead_nexthop)");
    let mut border = both;
    let near = border.router_interfaces.get_mut("ri-a").unwrap();
    near.opposite_router_type = Some(Text::from("VBR"));
    near.opposite_vpc = None;
    row("VBR", &border, "eni-a -> 10.9.0.1 tcp/80", "leaves <- unknown", "unknown");
}

#[test]
fn s5_2_local_routes_and_targets() {
    let world = vpcs().havip("havip-1", "vsw-a", "10.0.0.99", Some("i-a")).loose_eni(
        "eni-x",
        "vsw-a",
        "10.0.0.20",
    );
    let to = |ip: &str| format!("eni-x -> {ip} tcp/80");
    works("HaVip", &world, &to("10.0.0.99"), "delivered @eni-a:80 <- all");
    fails("nobody", &world, &to("10.0.0.77"), "dropped(no_such_host)");
    let unlisted = world.clone().without(Listing::Enis, None);
    row("perhaps somebody", &unlisted, &to("10.0.0.77"), "unknown", "unknown");
    fails("special", &world, &to("169.254.1.1"), "dropped(dst_not_routable)");
    let dark = world.havip("havip-2", "vsw-a", "10.0.0.98", None);
    fails("no master", &dark, &to("10.0.0.98"), "dropped(no_such_host)");
}

// ---- ingress (egress.md §5, vectors 9, 37–41, 43, 47) --------------------------------------------

/// 38: N3:10/20 to e1's 80/90.
fn v38(world: World) -> World {
    let mut world = world.dnat_port("dnat-1", "ngw1", N3, "10.0.1.10", 80);
    let entry = world.dnat.get_mut("dnat-1").unwrap();
    entry.external_port = Some(NatPort::Range(10, 20));
    entry.internal_port = Some(NatPort::Range(80, 90));
    entry.protocol = Some(NatProtocol::Tcp);
    world
}

#[test]
fn v09_v37_v38_v47_dnat() {
    let held = base().dnat_any("dnat-1", "ngw1", N3, "10.0.1.11");
    fails("9", &held, &format!("9.9.9.9 -> {N3} tcp/443"), "dropped(dnat_target_has_public_ip)");
    fails("37", &base(), &format!("9.9.9.9 -> {N1} tcp/22"), "dropped(no_dnat_entry)");
    let asked = format!("9.9.9.9 -> {N3} tcp/15");
    works("38", &v38(base()), &asked, "delivered @eni-1:85 <- all");
    fails("38 beside", &v38(base()), &format!("9.9.9.9 -> {N3} tcp/21"), "dropped(no_dnat_entry)");
    fails("38 udp", &v38(base()), &format!("9.9.9.9 -> {N3} udp/15"), "dropped(no_dnat_entry)");
    let mut no_snat = v38(base());
    no_snat.snat.clear();
    works("47", &no_snat, &asked, "delivered @eni-1:85 <- all");
    let any = base().dnat_any("dnat-1", "ngw1", N3, "10.0.1.10");
    works("mapping", &any, &format!("9.9.9.9 -> {N3} udp/53"), "delivered @eni-1:53 <- all");
}

#[test]
fn v39_v40_the_reply_takes_another_way() {
    let asked = format!("9.9.9.9 -> {N3} tcp/15");
    let mismatch = "dropped(reply_path_mismatch)";
    let other = a_on_custom_table(v38(base())).nat("ngw2", "vsw-n", &[M1]).route(
        "vtb-a",
        "0.0.0.0/0",
        "NatGateway",
        "ngw2",
    );
    fails("39", &other, &asked, mismatch);
    fails("no route at all", &a_on_custom_table(v38(base())), &asked, mismatch);
    let cen = v38(base())
        .transit_router("tr-1")
        .transit_table("trtb-1", "tr-1")
        .attach_vpc("att-1", "tr-1", "vpc-1", &["vsw-n"], Some("trtb-1"))
        .dynamic(SYSTEM, "203.0.0.0/8", "Attachment", "att-1");
    fails("40 near", &cen, &format!("203.0.113.9 -> {N3} tcp/15"), mismatch);
    works("40 far", &cen, &format!("1.2.3.4 -> {N3} tcp/15"), "delivered @eni-1:85 <- all");
}

#[test]
fn v41_hairpin() {
    let world = || v38(base()).instance("i-20", "eni-20", "vsw-a", "10.0.1.20");
    let asked = format!("eni-20 -> {N3} tcp/15");
    let mut multi = world();
    multi.nats.get_mut("ngw1").unwrap().eip_bind_mode = Some(EipBindMode::MultiBinded);
    fails("MULTI_BINDED", &multi, &asked, "dropped(hairpin_multi_binded)");
    let mut nat = world();
    nat.nats.get_mut("ngw1").unwrap().eip_bind_mode = Some(EipBindMode::Nat);
    let seen = format!("delivered @eni-1:85 {{{N1}}} <- all");
    works("NAT", &nat, &asked, &seen);
    let mut normal = world();
    normal.nats.get_mut("ngw1").unwrap().nat_type = Some(NatType::Normal);
    works("Normal", &normal, &asked, &seen);
    // from a host with an EIP of its own
    let own = format!("delivered @eni-1:85 {{{E2}}} <- all");
    works("own EIP", &world(), &format!("eni-2 -> {N3} tcp/15"), &own);
    let filtered = nat.filters().group("sg-1", "vpc-1").member("eni-1", &["sg-1"]);
    let filtered = filtered.member("eni-20", &[]);
    let filtered = filtered.rule("sg-1", "ingress accept tcp 85/85 10.0.1.20/32");
    fails("not the private source", &filtered, &asked, "dropped(sg_ingress_denied)");
    works(
        "the gateway's",
        &filtered.rule("sg-1", &format!("ingress accept tcp 85/85 {N1}/32")),
        &asked,
        &seen,
    );
}

#[test]
fn s5_4_public_addresses_of_this_world() {
    let asked = format!("eni-1 -> {E2} tcp/80");
    works("another's EIP", &base(), &asked, &format!("delivered @eni-2:80 {{{N1}}} <- all"));
    row("one's own", &base(), &format!("eni-2 -> {E2} tcp/80"), "unknown", "unknown");
    fails(
        "nobody's",
        &base().eip("eip-x", "198.51.100.50"),
        "eni-1 -> 198.51.100.50 tcp/80",
        "dropped(ip_unbound)",
    );
    fails("from outside", &base(), "9.9.9.9 -> 198.51.100.51 tcp/80", "dropped(ip_unbound)");
    let mut locked = base();
    locked.eips.get_mut("eip-e2").unwrap().meta.business_status =
        Some(Text::from("FinancialLocked"));
    fails("locked", &locked, &format!("9.9.9.9 -> {E2} tcp/80"), "dropped(eip_locked)");
    let unlisted = base().without(Listing::Eips, None);
    row("perhaps", &unlisted, "9.9.9.9 -> 198.51.100.51 tcp/80", "unknown", "unknown");
}

#[test]
fn s5_2_the_gateway_answers_pings_itself() {
    let asked = format!("9.9.9.9 -> {N3} icmp");
    works("by default", &base(), &asked, "answered @ngw1:0 <- all");
    let mut silent = base();
    silent.nats.get_mut("ngw1").unwrap().icmp_reply = Some(false);
    fails("switched off", &silent, &asked, "dropped(icmp_ignored)");
    let any = base().dnat_any("dnat-1", "ngw1", N3, "10.0.1.10");
    works("mapping", &any, &asked, "delivered @eni-1:0 <- all");
    let mut down = v38(base());
    down.nats.get_mut("ngw1").unwrap().meta.business_status = Some(Text::from("FinancialLocked"));
    fails("locked", &down, &format!("9.9.9.9 -> {N3} tcp/15"), "dropped(nat_not_available)");
}

#[test]
fn v43_s5_3_the_reply_of_a_secondary_eni() {
    let world = |policy: Option<bool>| {
        let mut world = base().secondary_eni("eni-s", "i-3", "vsw-b", "10.0.2.20").eip_on_eni(
            "eip-s",
            "198.51.100.7",
            "eni-s",
            Some("10.0.2.20"),
        );
        world.enis.get_mut("eni-s").unwrap().policy_routing = policy;
        world
    };
    let asked = "9.9.9.9 -> 198.51.100.7 tcp/22";
    let condition = "conditional(asymmetric_eni_reply) @eni-s:22";
    fails("no", &world(Some(false)), asked, &format!("{condition} <- none(asymmetric_eni_reply)"));
    row("not stated", &world(None), asked, &format!("{condition} <- all"), "unknown");
    works("yes", &world(Some(true)), asked, "delivered @eni-s:22 <- all");
    let mut normal = world(None);
    normal.nats.get_mut("ngw1").unwrap().nat_type = Some(NatType::Normal);
    works("Normal gateway", &normal, asked, "delivered @eni-s:22 <- all");
    let mut primary = world(None);
    primary.nats.clear();
    works("no gateway", &primary, asked, "delivered @eni-s:22 <- all");
    works(
        "primary ENI",
        &world(None),
        &format!("9.9.9.9 -> {E2} tcp/22"),
        "delivered @eni-2:22 <- all",
    );
}

#[test]
fn s5_1_modes_of_the_vpc() {
    let to_e2 = format!("9.9.9.9 -> {E2} tcp/22");
    works("DIRECT", &a_on_custom_table(base()), &to_e2, "delivered @eni-2:22 <- all");
    fails(
        "CENTRAL, private",
        &central(("NatGateway", "ngw1")),
        &to_e2,
        "dropped(vswitch_not_public)",
    );
    let public = central(("Ipv4Gateway", "ipv4gw-1"));
    works("CENTRAL, public", &public, &to_e2, "delivered @eni-2:22 <- all");
    fails("PRIVATE", &base().private_mode("vpc-1"), &to_e2, "dropped(vpc_private_mode)");
    let dnat = format!("9.9.9.9 -> {N3} tcp/15");
    works(
        "CENTRAL, DNAT",
        &v38(central(("NatGateway", "ngw1"))),
        &dnat,
        "delivered @eni-1:85 <- all",
    );
    let closed =
        v38(central(("NatGateway", "ngw1"))).route("vtb-n", "9.0.0.0/8", "NatGateway", "ngw1");
    fails("CENTRAL, gateway", &closed, &dnat, "dropped(nat_vswitch_not_public)");
    let knobs = Knobs { internet_mode: Some(oracle::facts::Mode::Private), ..Knobs::default() };
    let mut unstated = base().without(Listing::Ipv4Gateways, None);
    let vpc = unstated.vpcs.get_mut("vpc-1").unwrap();
    (vpc.support_ipv4_gateway, vpc.ipv4_gateway) = (None, None);
    row_with("knob", &unstated, knobs, &to_e2, "dropped(vpc_private_mode)", "fails");
}

#[test]
fn s5_1_cut_through_havip_and_ipv6() {
    let cut = base().secondary_eni("eni-s", "i-3", "vsw-b", "10.0.2.20").cut_through(
        "eip-s",
        "198.51.100.7",
        "eni-s",
        EipMode::Binded,
    );
    let mut cut = cut;
    cut.enis.get_mut("eni-s").unwrap().policy_routing = Some(true);
    works("cut-through", &cut, "9.9.9.9 -> 198.51.100.7 tcp/22", "delivered @eni-s:22 <- all");
    fails("its private address", &cut, "eni-1 -> 10.0.2.20 tcp/22", "dropped(no_such_host)");
    let havip = base().havip("havip-1", "vsw-b", "10.0.2.99", Some("i-3")).eip_on(
        "eip-h",
        "198.51.100.99",
        EipTarget::HaVip,
        "havip-1",
    );
    works("HaVip", &havip, "9.9.9.9 -> 198.51.100.99 tcp/22", "delivered @eni-3:22 <- all");
    let six = |public| {
        base().ipv6("eni-1", "2001:db8::1", public).ipv6_gateway("ipv6gw-1", "vpc-1").route(
            SYSTEM,
            "::/0",
            "Ipv6Gateway",
            "ipv6gw-1",
        )
    };
    let asked = "2a00::9 -> 2001:db8::1 tcp/80";
    works("IPv6", &six(true), asked, "delivered @eni-1:80 <- all");
    fails("no bandwidth", &six(false), asked, "dropped(ipv6_no_bandwidth)");
    let mut outwards = six(true);
    let mut rule = vpclint::topology::Ipv6EgressRule::new("rule-1");
    rule.address = Some(Id::from("ipv6-2001:db8::1"));
    outwards.ipv6_egress_rules.insert("rule-1".to_owned(), rule);
    fails("outwards only", &outwards, asked, "dropped(ipv6_egress_only)");
    works(
        "and out",
        &outwards,
        "eni-1@2001:db8::1 -> 2a00::9 tcp/80",
        "exits {2001:db8::1} <- all",
    );
}

#[test]
fn s5_2_dnat_to_a_load_balancer() {
    // decisions.md 36: to its listener
    let world = base()
        .clb("lb-1", "vsw-b", "10.0.2.100")
        .listener("lb-1", 80, "tcp", 8080)
        .backend("lb-1", "i-3", 100)
        .dnat_port("dnat-1", "ngw1", N3, "10.0.2.100", 80);
    works("CLB", &world, &format!("9.9.9.9 -> {N3} tcp/80"), "delivered @eni-3:8080 <- all");
    let gone = base().dnat_port("dnat-1", "ngw1", N3, "10.0.2.200", 80);
    fails("nobody", &gone, &format!("9.9.9.9 -> {N3} tcp/80"), "dropped(no_such_host)");
}
