//! Security groups and network ACLs, statement by statement (access.md §1.3–1.7, §2): each test is
//! named after its section. Rows run against the reference simulator.
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
use vpclint::topology::{EipMode, EipTarget, Listing, NatPort, NatProtocol};

const ALLOWED: &str = "delivered @eni-b:80 <- all";
const IN: &str = "dropped(sg_ingress_denied)";
const OUT: &str = "dropped(sg_egress_denied)";
const ACL_IN: &str = "dropped(nacl_ingress_denied)";
const ACL_OUT: &str = "dropped(nacl_egress_denied)";
const A_TO_B: &str = "eni-a -> 10.0.2.10 tcp/80";

fn two() -> World {
    World::new()
        .filters()
        .vpc("vpc-1", "10.0.0.0/16")
        .vswitch("vsw-a", "vpc-1", "10.0.1.0/24")
        .vswitch("vsw-b", "vpc-1", "10.0.2.0/24")
        .instance("i-a", "eni-a", "vsw-a", "10.0.1.10")
        .instance("i-b", "eni-b", "vsw-b", "10.0.2.10")
}

/// A in sg-a, B in sg-b, both basic.
fn apart() -> World {
    two()
        .group("sg-a", "vpc-1")
        .group("sg-b", "vpc-1")
        .member("eni-a", &["sg-a"])
        .member("eni-b", &["sg-b"])
}

fn passes(name: &str, world: &World, asked: &str) {
    row(name, world, asked, ALLOWED, "works");
}

fn fails(name: &str, world: &World, asked: &str, expected: &str) {
    row(name, world, asked, expected, "fails");
}

#[test]
fn s1_3_ports_are_those_of_the_destination() {
    let world = apart().rule("sg-b", "ingress accept tcp 80/90 0.0.0.0/0");
    passes("first", &world, A_TO_B);
    fails("beside", &world, "eni-a -> 10.0.2.10 tcp/91", IN);
    fails("protocol", &world, "eni-a -> 10.0.2.10 udp/80", IN);
    // the ports of an egress rule, too
    let world = world.rule("sg-a", "egress drop tcp 80/80 0.0.0.0/0");
    fails("egress", &world, A_TO_B, OUT);
    row(
        "egress beside",
        &world,
        "eni-a -> 10.0.2.10 tcp/81",
        "delivered @eni-b:81 <- all",
        "works",
    );
}

#[test]
fn s1_3_source_ports_narrow_a_rule() {
    let world = apart().rule("sg-b", "ingress accept tcp 80/80 0.0.0.0/0 sport 1024/2000");
    passes("inside", &world, "eni-a -> 10.0.2.10 tcp/80<2000");
    fails("outside", &world, "eni-a -> 10.0.2.10 tcp/80<2001", IN);
}

#[test]
fn s1_3_protocols_and_ports() {
    // a rule for icmp ignores ports, one for tcp does not match it
    let world = apart().rule("sg-b", "ingress accept icmp -1/-1 10.0.0.0/8");
    row("icmp", &world, "eni-a -> 10.0.2.10 icmp", "delivered @eni-b:0 <- all", "works");
    fails("tcp", &world, A_TO_B, IN);
    let world = apart().rule("sg-b", "ingress accept all -1/-1 10.0.0.0/8");
    passes("all", &world, A_TO_B);
    row("gre", &world, "eni-a -> 10.0.2.10 gre", "delivered @eni-b:0 <- all", "works");
    let any = apart().rule("sg-b", "ingress accept tcp -1/-1 10.0.0.0/8");
    passes("any port", &any, A_TO_B);
}

#[test]
fn s1_3_host_bits_are_masked_and_own_addresses_narrow() {
    let world = apart().rule("sg-b", "ingress accept tcp 80/80 10.0.1.77/24");
    passes("host bits", &world, A_TO_B);
    let own = |cidr: &str| {
        apart().rule("sg-b", &format!("ingress accept tcp 80/80 0.0.0.0/0 own {cidr}"))
    };
    passes("own", &own("10.0.2.10/32"), A_TO_B);
    fails("another own", &own("10.0.2.11/32"), A_TO_B, IN);
    let out = apart()
        .rule("sg-b", "ingress accept tcp 80/80 0.0.0.0/0")
        .rule("sg-a", "egress drop all -1/-1 0.0.0.0/0 own 10.0.1.11/32");
    passes("own in egress", &out, A_TO_B);
}

#[test]
fn s1_3_families_are_apart() {
    let world = apart()
        .ipv6("eni-a", "2001:db8::a", false)
        .ipv6("eni-b", "2001:db8::b", false)
        .rule("sg-b", "ingress accept tcp 80/80 0.0.0.0/0");
    let mut world = world;
    world.vswitches.get_mut("vsw-b").unwrap().ipv6_cidr =
        Some(oracle::world::block("2001:db8::/64"));
    let asked = "eni-a@2001:db8::a -> 2001:db8::b tcp/80";
    fails("v4 rule", &world, asked, IN);
    let six = world.clone().rule("sg-b", "ingress accept tcp 80/80 2001:db8::a/128");
    passes("v6 rule", &six, asked);
    // a group peer matches both families
    let group = world.rule("sg-b", "ingress accept tcp 80/80 sg-a");
    passes("group", &group, asked);
}

#[test]
fn s1_3_group_peers() {
    let world = apart().rule("sg-b", "ingress accept tcp 80/80 sg-a");
    passes("member", &world, A_TO_B);
    let stranger = world.clone().instance("i-c", "eni-c", "vsw-a", "10.0.1.11");
    let stranger = stranger.group("sg-c", "vpc-1").member("eni-c", &["sg-c"]);
    fails("no member", &stranger, "eni-c -> 10.0.2.10 tcp/80", IN);
    // secondary addresses of a member count, a HaVip that it holds does not (decisions.md 37)
    let more = world.clone().extra_ip("eni-a", "10.0.1.12");
    passes("secondary address", &more, "eni-a@10.0.1.12 -> 10.0.2.10 tcp/80");
    let havip = world.havip("havip-1", "vsw-a", "10.0.1.99", Some("i-a"));
    fails("havip", &havip, "eni-a@10.0.1.99 -> 10.0.2.10 tcp/80", IN);
    // in egress the peer is the far group
    let out = apart()
        .rule("sg-b", "ingress accept tcp 80/80 0.0.0.0/0")
        .rule("sg-a", "egress drop all -1/-1 sg-b");
    fails("egress", &out, A_TO_B, OUT);
}

#[test]
fn s1_3_group_peers_end_at_the_vpc() {
    let world = apart()
        .vpc("vpc-2", "10.1.0.0/16")
        .vswitch("vsw-c", "vpc-2", "10.1.0.0/24")
        .instance("i-c", "eni-c", "vsw-c", "10.1.0.10")
        .group("sg-c", "vpc-2")
        .member("eni-c", &["sg-c"])
        .peering("pcc-1", "vpc-1", "vpc-2", true)
        .route("vtb-vpc-1", "10.1.0.0/16", "VpcPeer", "pcc-1")
        .route("vtb-vpc-2", "10.0.0.0/16", "VpcPeer", "pcc-1")
        .rule("sg-b", "ingress accept tcp 80/80 sg-c");
    let asked = "eni-c -> 10.0.2.10 tcp/80";
    fails("group", &world, asked, IN);
    passes("block", &world.rule("sg-b", "ingress accept tcp 80/80 10.1.0.0/16"), asked);
}

#[test]
fn s1_3_prefix_and_port_lists() {
    let world = apart()
        .prefix_list("pl-1", &["172.16.0.0/12", "10.0.1.0/24"])
        .port_list("prl-1", &["22/22", "80/81"])
        .rule("sg-b", "ingress accept tcp list:prl-1 pl-1");
    passes("both", &world, A_TO_B);
    fails("port", &world, "eni-a -> 10.0.2.10 tcp/82", IN);
    let mut gone = world.clone();
    gone.prefix_lists.clear();
    let answer = row("unknown list", &gone, A_TO_B, "unknown", "unknown");
    assert!(answer.missing.contains("DescribePrefixListAttributes"), "{:?}", answer.missing);
    // a rule before it that decides makes the list irrelevant
    passes("decided before", &gone.rule("sg-b", "ingress accept tcp 80/80 10.0.0.0/8"), A_TO_B);
    let mut gone = world;
    gone.port_lists.clear();
    let answer = row("unknown ports", &gone, A_TO_B, "unknown", "unknown");
    assert!(answer.missing.contains("DescribePortRangeListEntries"), "{:?}", answer.missing);
}

#[test]
fn s1_4_an_established_session_needs_no_rule() {
    // B answers although nothing lets it out, and A takes the answer although nothing lets it in
    let world = two()
        .advanced_group("sg-a", "vpc-1")
        .advanced_group("sg-b", "vpc-1")
        .member("eni-a", &["sg-a"])
        .member("eni-b", &["sg-b"])
        .rule("sg-a", "egress accept tcp 80/80 0.0.0.0/0")
        .rule("sg-b", "ingress accept tcp 80/80 0.0.0.0/0");
    passes("there and back", &world, A_TO_B);
    fails("the other way", &world, "eni-b -> 10.0.1.10 tcp/80", OUT);
}

#[test]
fn s1_4_services_of_the_cloud_need_egress() {
    let asked = "eni-a -> 100.100.2.136 udp/53";
    let reached = "delivered @cloud_service:53 <- all";
    row("basic", &apart(), asked, reached, "works");
    let world = two().advanced_group("sg-a", "vpc-1").member("eni-a", &["sg-a"]);
    fails("advanced", &world, asked, OUT);
    let world = world.rule("sg-a", "egress accept all -1/-1 100.64.0.0/10");
    row("allowed", &world, asked, reached, "works");
}

#[test]
fn s1_4_inner_access_is_ahead_of_every_rule_both_ways() {
    let world = two()
        .group("sg-x", "vpc-1")
        .member("eni-a", &["sg-x"])
        .member("eni-b", &["sg-x"])
        .rule("sg-x", "egress drop all -1/-1 0.0.0.0/0")
        .rule("sg-x", "ingress drop all -1/-1 0.0.0.0/0");
    passes("basic", &world, A_TO_B);
    fails("a stranger", &world, "eni-a -> 10.0.2.99 tcp/80", OUT);
    // an advanced group isolates its members, whatever is exported of its policy (§1.5)
    let mut advanced = world;
    let group = advanced.groups.get_mut("sg-x").unwrap();
    group.group_type = Some(vpclint::topology::SecurityGroupType::Advanced);
    fails("advanced", &advanced, A_TO_B, OUT);
}

#[test]
fn s1_4_drop_wins_ties_and_110_is_last() {
    let b = |rules: &[&str]| rules.iter().fold(apart(), |world, rule| world.rule("sg-b", rule));
    let accept = "ingress accept tcp 80/80 0.0.0.0/0 prio 50";
    fails("tie", &b(&[accept, "ingress drop all -1/-1 0.0.0.0/0 prio 50"]), A_TO_B, IN);
    fails("tie turned", &b(&["ingress drop all -1/-1 0.0.0.0/0 prio 50", accept]), A_TO_B, IN);
    passes("110", &b(&[accept, "ingress drop all -1/-1 0.0.0.0/0 prio 110"]), A_TO_B);
}

#[test]
fn s1_4_unstated_types_and_mixed_groups() {
    let mut world = apart();
    world.groups.get_mut("sg-a").unwrap().group_type = None;
    let world = world.rule("sg-b", "ingress accept tcp 80/80 0.0.0.0/0");
    passes("unstated is basic (decisions.md 42)", &world, A_TO_B);
    let mixed = world.advanced_group("sg-adv", "vpc-1").member("eni-a", &["sg-adv"]);
    fails("mixed takes the stricter default (§7)", &mixed, A_TO_B, OUT);
}

#[test]
fn s1_4_what_is_not_known_of_groups() {
    let open = apart().rule("sg-b", "ingress accept tcp 80/80 0.0.0.0/0");
    let world = open.clone().without(Listing::SecurityGroupRules, Some("sg-b"));
    let answer = row("rules", &world, A_TO_B, "unknown", "unknown");
    let what = "DescribeSecurityGroupAttribute for sg-b (not in the input)";
    assert!(answer.missing.contains(what), "{:?}", answer.missing);
    // a drop that is certain stays one
    let certain = world.rule("sg-a", "egress drop all -1/-1 0.0.0.0/0");
    fails("dropped before", &certain, A_TO_B, OUT);
    // nobody says the groups of an ENI
    let mut nobody = open.clone().without(Listing::Enis, None);
    nobody.enis.get_mut("eni-b").unwrap().security_groups = None;
    row("no groups", &nobody, A_TO_B, "unknown", "unknown");
    // the instance says those of its primary ENI
    nobody.instances.get_mut("i-b").unwrap().security_groups = Some(vec!["sg-b".into()]);
    passes("of the instance", &nobody, A_TO_B);
    // a group that is referenced and not there
    let mut dangling = open;
    dangling.groups.remove("sg-b");
    row("no such group", &dangling, A_TO_B, "unknown", "unknown");
}

#[test]
fn s1_5_mail_is_blocked_by_the_platform() {
    let world = apart().eip_on("eip-a", "198.51.100.1", EipTarget::Instance, "i-a");
    fails("out", &world, "eni-a -> 8.8.8.8 tcp/25", "dropped(platform_smtp_25)");
    let exits = "exits {198.51.100.1} <- all";
    row("udp", &world, "eni-a -> 8.8.8.8 udp/25", exits, "works");
    let knobs = Knobs { smtp_waiver: true, ..Knobs::default() };
    row_with("waiver", &world, knobs, "eni-a -> 8.8.8.8 tcp/25", exits, "works");
    let inside = world.rule("sg-b", "ingress accept tcp 25/25 0.0.0.0/0");
    row("inside", &inside, "eni-a -> 10.0.2.10 tcp/25", "delivered @eni-b:25 <- all", "works");
}

// ---- the source that a target sees (§1.6) ------------------------------------------------------

#[test]
fn s1_6_an_eip_keeps_the_client() {
    let world = apart()
        .eip_on("eip-b", "198.51.100.2", EipTarget::Instance, "i-b")
        .rule("sg-b", "ingress accept tcp 80/80 203.0.113.0/24 own 10.0.2.10/32");
    passes("client", &world, "203.0.113.9 -> 198.51.100.2 tcp/80");
    fails("another", &world, "203.0.114.9 -> 198.51.100.2 tcp/80", IN);
}

/// A public NAT gateway in a vSwitch of its own; everything is routed to it.
fn with_nat() -> World {
    apart()
        .vswitch("vsw-n", "vpc-1", "10.0.0.0/24")
        .nat("ngw-1", "vsw-n", &["198.51.100.1", "198.51.100.3"])
        .route("vtb-vpc-1", "0.0.0.0/0", "NatGateway", "ngw-1")
        .snat("snat-1", "ngw-1", "10.0.0.0/16", &["198.51.100.1"])
}

/// DNAT of 198.51.100.3:8000 to B:80.
fn with_dnat() -> World {
    let mut world = with_nat().dnat_port("dnat-1", "ngw-1", "198.51.100.3", "10.0.2.10", 80);
    let entry = world.dnat.get_mut("dnat-1").unwrap();
    entry.external_port = Some(NatPort::Range(8000, 8000));
    entry.protocol = Some(NatProtocol::Tcp);
    world
}

#[test]
fn s1_6_dnat_keeps_the_client_and_shows_the_inner_port() {
    let asked = "203.0.113.9 -> 198.51.100.3 tcp/8000";
    let inner = with_dnat().rule("sg-b", "ingress accept tcp 80/80 203.0.113.9/32");
    passes("inner port", &inner, asked);
    let outer = with_dnat().rule("sg-b", "ingress accept tcp 8000/8000 203.0.113.9/32");
    fails("outer port", &outer, asked, IN);
    let gateway = with_dnat().rule("sg-b", "ingress accept tcp 80/80 198.51.100.3/32");
    fails("not the gateway", &gateway, asked, IN);
}

#[test]
fn s1_6_snat_comes_after_the_groups_of_the_sender() {
    let world = with_nat().rule("sg-a", "egress drop all -1/-1 8.8.8.8/32");
    fails("dst", &world, "eni-a -> 8.8.8.8 tcp/443", OUT);
    row("other", &world, "eni-a -> 8.8.4.4 tcp/443", "exits {198.51.100.1} <- all", "works");
    let own = with_nat().rule("sg-a", "egress drop all -1/-1 0.0.0.0/0 own 198.51.100.1/32");
    row("src", &own, "eni-a -> 8.8.8.8 tcp/443", "exits {198.51.100.1} <- all", "works");
}

#[test]
fn s1_6_vpc_nat_shows_its_address() {
    // A's table leads to a VPC NAT in vSwitch n, whose table peers with VPC 2
    let world = apart()
        .vswitch("vsw-n", "vpc-1", "10.0.3.0/24")
        .table("vtb-a", "vpc-1")
        .on_table("vsw-a", "vtb-a")
        .vpc_nat("ngw-p", "vsw-n")
        .snat("snat-p", "ngw-p", "10.0.1.0/24", &["10.0.3.50"])
        .vpc("vpc-2", "10.1.0.0/16")
        .vswitch("vsw-c", "vpc-2", "10.1.0.0/24")
        .instance("i-c", "eni-c", "vsw-c", "10.1.0.10")
        .group("sg-c", "vpc-2")
        .member("eni-c", &["sg-c"])
        .peering("pcc-1", "vpc-1", "vpc-2", true)
        .route("vtb-a", "10.1.0.0/16", "NatGateway", "ngw-p")
        .route("vtb-vpc-1", "10.1.0.0/16", "VpcPeer", "pcc-1")
        .route("vtb-vpc-2", "10.0.0.0/16", "VpcPeer", "pcc-1");
    let asked = "eni-a -> 10.1.0.10 tcp/80";
    let nat = world.clone().rule("sg-c", "ingress accept tcp 80/80 10.0.3.50/32");
    row("NAT IP", &nat, asked, "delivered @eni-c:80 <- all", "works");
    fails("client", &world.rule("sg-c", "ingress accept tcp 80/80 10.0.1.10/32"), asked, IN);
}

// ---- network ACLs (§2) -------------------------------------------------------------------------

fn reply_of(entries: &[&str]) -> World {
    entries.iter().fold(two().acl("acl-b", &["vsw-b"]), |world, entry| world.entry("acl-b", entry))
}

const IN_80: &str = "ingress accept tcp 80/80 0.0.0.0/0";

#[test]
fn s2_1_replies_go_to_the_clients_port() {
    let all = reply_of(&[IN_80, "egress accept tcp 1024/65535 10.0.1.0/24"]);
    passes("all", &all, A_TO_B);
    let linux = reply_of(&[IN_80, "egress accept tcp 32768/61000 0.0.0.0/0"]);
    let some = "delivered @eni-b:80 <- some 32768-61000";
    row("some", &linux, A_TO_B, some, "partial");
    let two = reply_of(&[
        IN_80,
        "egress drop tcp 5000/5999 0.0.0.0/0",
        "egress accept tcp 1024/9999 0.0.0.0/0",
        "egress accept tcp 20000/20000 0.0.0.0/0",
    ]);
    let some = "delivered @eni-b:80 <- some 1024-4999,6000-9999,20000-20000";
    row("pieces", &two, A_TO_B, some, "partial");
    // the service's own port is the source port of the reply: no entry asks for it
    let wrong = reply_of(&[IN_80, "egress accept tcp 80/80 0.0.0.0/0"]);
    fails("source port", &wrong, A_TO_B, "delivered @eni-b:80 <- none(nacl_egress_denied)");
    let udp = reply_of(&[IN_80, "egress accept udp 1/65535 0.0.0.0/0"]);
    fails("protocol", &udp, A_TO_B, "delivered @eni-b:80 <- none(nacl_egress_denied)");
    let elsewhere = reply_of(&[IN_80, "egress accept all -1/-1 10.0.9.0/24"]);
    fails("block", &elsewhere, A_TO_B, "delivered @eni-b:80 <- none(nacl_egress_denied)");
}

#[test]
fn s2_1_both_vswitches_and_both_directions() {
    let open = |world: World, id: &str, vswitch: &str| world.open_acl(id, &[vswitch]);
    passes("open", &open(open(two(), "acl-a", "vsw-a"), "acl-b", "vsw-b"), A_TO_B);
    fails("out of a", &two().acl("acl-a", &["vsw-a"]), A_TO_B, ACL_OUT);
    fails("into b", &two().acl("acl-b", &["vsw-b"]), A_TO_B, ACL_IN);
    let one_way =
        two().acl("acl-a", &["vsw-a"]).entry("acl-a", "egress accept all -1/-1 10.0.2.0/24");
    fails("back into a", &one_way, A_TO_B, "delivered @eni-b:80 <- none(nacl_ingress_denied)");
}

#[test]
fn s2_1_first_match_by_version_protocol_and_block() {
    let acl = |entries: &[&str]| {
        let world = entries.iter().fold(two().acl("acl-b", &["vsw-b"]), |w, e| w.entry("acl-b", e));
        world.entry("acl-b", "egress accept all -1/-1 0.0.0.0/0")
    };
    let drop = "ingress drop tcp 80/80 10.0.1.10/32";
    fails("drop first", &acl(&[drop, "ingress accept all -1/-1 0.0.0.0/0"]), A_TO_B, ACL_IN);
    passes("accept first", &acl(&["ingress accept all -1/-1 0.0.0.0/0", drop]), A_TO_B);
    let six = acl(&["ingress drop all -1/-1 ::/0", "ingress accept tcp 80/80 10.0.0.0/8"]);
    passes("other version", &six, A_TO_B);
    // ports mean something for tcp and udp only
    let ping = acl(&["ingress accept icmp -1/-1 0.0.0.0/0"]);
    row("icmp", &ping, "eni-a -> 10.0.2.10 icmp", "delivered @eni-b:0 <- all", "works");
    fails("tcp", &ping, A_TO_B, ACL_IN);
    let list = acl(&["ingress accept tcp 80/80 pl-1"]);
    passes("prefix list", &list.clone().prefix_list("pl-1", &["10.0.1.0/24"]), A_TO_B);
    row("unknown list", &list, A_TO_B, "unknown", "unknown");
}

#[test]
fn s2_1_names_and_metadata_are_always_open() {
    let world = two().acl("acl-a", &["vsw-a"]);
    let reached = |port: u16| format!("delivered @cloud_service:{port} <- all");
    row("dns", &world, "eni-a -> 100.100.2.136 udp/53", &reached(53), "works");
    row("metadata", &world, "eni-a -> 100.100.100.200 tcp/80", &reached(80), "works");
    fails("the rest", &world, "eni-a -> 100.100.2.144 udp/53", ACL_OUT);
}

#[test]
fn s2_1_what_is_not_known_of_acls() {
    let world = two().open_acl("acl-b", &["vsw-b"]);
    let mut hollow = world.without(Listing::NetworkAclAttributes, Some("acl-b"));
    hollow = hollow.without_rows();
    let answer = row("entries", &hollow, A_TO_B, "unknown", "unknown");
    assert!(answer.missing.iter().any(|m| m.starts_with("DescribeNetworkAclAttributes")));
    // nobody says whether a is bound to one
    let unbound = two().without(Listing::NetworkAcls, None);
    row("binding", &unbound, A_TO_B, "unknown", "unknown");
    let mut stated = unbound;
    for vswitch in stated.vswitches.values_mut() {
        vswitch.network_acl = Some(None);
    }
    passes("stated", &stated, A_TO_B);
    // the ACL names the vSwitch, the vSwitch nothing
    let mut one_sided = two().acl("acl-b", &["vsw-b"]);
    one_sided.vswitches.get_mut("vsw-b").unwrap().network_acl = None;
    fails("by the ACL", &one_sided, A_TO_B, ACL_IN);
}

#[test]
fn s2_2_snat_leaves_the_vswitch_with_the_inner_source() {
    let acl = |world: World| world.acl("acl-a", &["vsw-a"]);
    let asked = "eni-a -> 8.8.8.8 tcp/443";
    let exits = "exits {198.51.100.1} <- all";
    fails("out", &acl(with_nat()), asked, ACL_OUT);
    let out = acl(with_nat()).entry("acl-a", "egress accept tcp 443/443 8.8.8.8/32");
    fails("back", &out, asked, "exits {198.51.100.1} <- none(nacl_ingress_denied)");
    let back = out.entry("acl-a", "ingress accept tcp 1024/65535 8.8.8.8/32");
    row("both", &back, asked, exits, "works");
    // a gateway in the sender's own vSwitch changes nothing: the other end is outside
    let mut here = acl(with_nat());
    here.nats.get_mut("ngw-1").unwrap().vswitch = Some("vsw-a".into());
    fails("same vSwitch", &here, asked, ACL_OUT);
    // the ACL of the gateway's vSwitch is a knob
    let nat = with_nat().acl("acl-n", &["vsw-n"]);
    row("ignored", &nat, asked, exits, "works");
    let knobs = Knobs { nacl_on_nat_vswitch: true, ..Knobs::default() };
    row_with("applied", &nat, knobs, asked, ACL_IN, "fails");
}

#[test]
fn s2_2_traffic_of_an_eip_is_tested_unless_it_is_cut_through() {
    let world = two().acl("acl-b", &["vsw-b"]);
    let eip = world.clone().eip_on("eip-b", "198.51.100.2", EipTarget::Instance, "i-b");
    fails("EIP", &eip, "8.8.8.8 -> 198.51.100.2 tcp/80", ACL_IN);
    let cut = world.secondary_eni("eni-b2", "i-b", "vsw-b", "10.0.2.20").cut_through(
        "eip-b",
        "198.51.100.2",
        "eni-b2",
        EipMode::Binded,
    );
    let reached = "delivered @eni-b2:80 <- all";
    row("cut-through", &cut, "8.8.8.8 -> 198.51.100.2 tcp/80", reached, "works");
}

#[test]
fn s2_2_a_forwarding_guest_is_tested_too() {
    // A's way to B leads through F in vSwitch f (decisions.md 33)
    let world = two()
        .vswitch("vsw-f", "vpc-1", "10.0.3.0/24")
        .instance("i-f", "eni-f", "vsw-f", "10.0.3.10")
        .table("vtb-a", "vpc-1")
        .on_table("vsw-a", "vtb-a")
        .route("vtb-a", "10.0.2.0/24", "Instance", "i-f");
    passes("open", &world, A_TO_B);
    let ignore = Knobs { forwarder_filters: false, ..Knobs::default() };
    let acl = world.clone().acl("acl-f", &["vsw-f"]);
    fails("ACL", &acl, A_TO_B, ACL_IN);
    row_with("ACL ignored", &acl, ignore, A_TO_B, ALLOWED, "works");
    let group = world.group("sg-f", "vpc-1").member("eni-f", &["sg-f"]);
    let group = group.member("eni-a", &[]).member("eni-b", &[]);
    fails("group", &group, A_TO_B, IN);
    row_with("group ignored", &group, ignore, A_TO_B, ALLOWED, "works");
    // basic: what came in may go out; the reply does not come by
    passes("let in", &group.rule("sg-f", "ingress accept all -1/-1 10.0.1.0/24"), A_TO_B);
}
