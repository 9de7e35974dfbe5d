//! Interconnects: peering, basic CEN, transit routers, VPN gateways, router interfaces and Express
//! Connect Routers, forward, and how replies from networks that we do not see enter again
//! (access.md §5, vectors T1–T3).
//!
//! Worlds are written in the native format, which is a closed world.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::net::IpAddr;

use vpclint::fabric::{Assume, Back, Fabric, Header, Identity, Resume};
use vpclint::load::{Input, LoadOptions, load};
use vpclint::packet::Packet;
use vpclint::simulate::{Mode, Path, Start, Verdict, Walk, start, walk};

/// VPC `vpc-X` with the block 10.N.0.0/16, vSwitch `vsw-X` 10.N.1.0/24, instance `i-X` at
/// 10.N.1.10, and routes in its system table.
fn vpc(name: &str, n: u8, routes: &[&str]) -> String {
    let routes = routes.join(",\n  ");
    format!(
        r#"
[[vpc]]
id = "vpc-{name}"
cidr = "10.{n}.0.0/16"
vrouter = "vrt-{name}"
[[vpc.vswitch]]
id = "vsw-{name}"
cidr = "10.{n}.1.0/24"
[[vpc.vswitch.instance]]
id = "i-{name}"
ip = "10.{n}.1.10"
[[vpc.route_table]]
id = "rtb-{name}"
routes = [
  {routes}
]
"#
    )
}

/// A route by type and id of its next hop.
fn route(to: &str, kind: &str, id: &str) -> String {
    format!(r#"{{ to = "{to}", via = {{ type = "{kind}", id = "{id}" }} }}"#)
}

fn compile(parts: &[&str]) -> Fabric {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.vpclint.toml");
    // keys of the top level stand before all tables
    std::fs::write(&path, format!("version = 1\n{}", parts.join("\n"))).unwrap();
    let loaded = load(&[Input::Path(path)], &LoadOptions::default()).unwrap();
    Fabric::compile(&loaded.topology, &Assume::default())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mode(reply: bool) -> Mode {
    Mode { to_host: true, blankets: true, reply, ..Mode::default() }
}

/// A packet of an instance to TCP port 443 of an address, to the host there.
fn send(fabric: &Fabric, instance: &str, dst: &str) -> Walk {
    let source = fabric
        .sources
        .iter()
        .find(|s| s.instance.as_ref().is_some_and(|i| i.id.as_str() == instance))
        .unwrap();
    let packet = Packet::witness(source.address.addr().unwrap(), ip(dst));
    walk(fabric, &start(source, &packet), &mode(false))
}

/// Verdict and reason of every path, or the id of the host that it reaches.
fn fates(fabric: &Fabric, walked: &Walk) -> Vec<String> {
    let mut out: Vec<String> = walked
        .paths
        .iter()
        .map(|path| match (path.outcome.verdict, path.outcome.reason, path.host) {
            (Verdict::Delivered, _, Some(host)) => id(fabric, fabric.host(host).unwrap().element),
            (_, Some(reason), _) => reason.to_string(),
            (verdict, None, _) => verdict.to_string(),
        })
        .collect();
    out.sort();
    out.dedup();
    out
}

fn id(fabric: &Fabric, element: vpclint::fabric::ElementId) -> String {
    fabric.element(element).unwrap().resource.id.to_string()
}

#[track_caller]
fn expect(fabric: &Fabric, instance: &str, dst: &str, expected: &[&str]) -> Walk {
    let walked = send(fabric, instance, dst);
    assert_eq!(fates(fabric, &walked), expected, "{instance} -> {dst}: {:#?}", walked.outcomes());
    walked
}

/// The packet leaves at this device; the reply from the far network, as it enters again.
#[track_caller]
fn left_at<'w>(fabric: &Fabric, walked: &'w Walk, device: &str) -> (&'w Path, Walk) {
    let [path] = walked.paths.as_slice() else { panic!("one path: {:#?}", walked.outcomes()) };
    assert_eq!(path.outcome.verdict, Verdict::Leaves);
    assert_eq!(id(fabric, path.outcome.at.unwrap()), device);
    let leg = path.legs.last().expect("a turn before it leaves");
    assert_eq!(id(fabric, leg.turn.at), device);
    assert_eq!(leg.turn.back, Back::Direct);
    let Resume::Go(branch) = &leg.turn.resume else { panic!("resumes in the network") };
    let header = Header {
        src: Some(leg.header.dst),
        dst: leg.header.src.unwrap(),
        protocol: leg.header.protocol,
        src_port: leg.header.dst_port,
        dst_port: leg.header.src_port,
        home: None,
        sender: None,
    };
    let start = Start { at: branch.clone(), header, identity: Identity::None, host: None };
    (path, walk(fabric, &start, &mode(true)))
}

#[track_caller]
fn replies(fabric: &Fabric, reply: &Walk, expected: &[&str]) {
    assert_eq!(fates(fabric, reply), expected, "reply: {:#?}", reply.outcomes());
}

fn missing(walked: &Walk) -> String {
    walked.outcomes().iter().flat_map(|o| o.missing.clone()).map(|t| t.to_string()).collect()
}

fn assumed(walked: &Walk) -> String {
    walked.outcomes().iter().flat_map(|o| o.assumptions.clone()).map(|t| t.to_string()).collect()
}

// ---- peering (access.md §5.1) ----------------------------------------------------------------

const PEER_AB: &str = r#"
[[vpc_peer]]
id = "pcc-ab"
from = "vpc-a"
to = "vpc-b"
"#;

#[test]
fn peering_delivers_in_the_peer_and_nowhere_else() {
    let over = |to: &str| route(to, "VpcPeer", "pcc-ab");
    let a = vpc("a", 0, &[&over("10.1.0.0/16"), &over("0.0.0.0/0")]);
    let b = vpc("b", 1, &[&over("10.0.0.0/16"), &route("10.2.0.0/16", "VpcPeer", "pcc-bc")]);
    let c = vpc("c", 2, &[&route("10.1.0.0/16", "VpcPeer", "pcc-bc")]);
    let bc =
        PEER_AB.replace("pcc-ab", "pcc-bc").replace("vpc-b", "vpc-c").replace("vpc-a", "vpc-b");
    let fabric = compile(&[&a, &b, &c, PEER_AB, &bc]);
    expect(&fabric, "i-a", "10.1.1.10", &["i-b/eni"]);
    expect(&fabric, "i-b", "10.2.1.10", &["i-c/eni"]);
    expect(&fabric, "i-a", "10.1.1.11", &["no_such_host"]);
    // T1: A reaches C over B in no way; nor the Internet, nor a block of the peer without vSwitch
    expect(&fabric, "i-a", "10.2.1.10", &["peer_not_transitive"]);
    expect(&fabric, "i-a", "8.8.8.8", &["peer_not_transitive"]);
    expect(&fabric, "i-a", "10.1.9.9", &["peer_not_transitive"]);
}

#[test]
fn an_inactive_connection_carries_nothing() {
    let a = vpc("a", 0, &[&route("10.1.0.0/16", "VpcPeer", "pcc-ab")]);
    for status in ["Rejected", "Expired", "Accepting", "Creating"] {
        let peer = format!("{PEER_AB}status = \"{status}\"\n");
        let fabric = compile(&[&a, &vpc("b", 1, &[]), &peer]);
        expect(&fabric, "i-a", "10.1.1.10", &["peer_inactive"]);
    }
}

#[test]
fn the_local_route_wins_over_an_overlapping_peer() {
    // both VPCs have 10.0.1.0/24; the peer's other vSwitch is reached
    let more = r#"
[[vpc]]
id = "vpc-b"
cidr = "10.0.0.0/16"
[[vpc.vswitch]]
id = "vsw-b"
cidr = "10.0.1.0/24"
[[vpc.vswitch.instance]]
id = "i-b"
ip = "10.0.1.10"
[[vpc.vswitch]]
id = "vsw-b2"
cidr = "10.0.2.0/24"
[[vpc.vswitch.instance]]
id = "i-b2"
ip = "10.0.2.10"
"#;
    let a = vpc("a", 0, &[&route("10.0.0.0/16", "VpcPeer", "pcc-ab")]);
    let fabric = compile(&[&a, more, PEER_AB]);
    expect(&fabric, "i-a", "10.0.1.10", &["i-a/eni"]);
    expect(&fabric, "i-a", "10.0.2.10", &["i-b2/eni"]);
}

#[test]
fn a_peer_that_is_not_in_the_input_answers_into_the_near_vpc() {
    let peer = r#"
[[vpc_peer]]
id = "pcc-x"
from = "vpc-a"
to = { vpc = "vpc-x", cidrs = "10.9.0.0/16", region = "cn-beijing", account = 42 }
"#;
    let a = vpc("a", 0, &[&route("10.8.0.0/15", "VpcPeer", "pcc-x")]);
    let fabric = compile(&[&a, peer]);
    let walked = expect(&fabric, "i-a", "10.9.1.1", &["leaves"]);
    let (_, reply) = left_at(&fabric, &walked, "pcc-x");
    replies(&fabric, &reply, &["i-a/eni"]);
    // its blocks are in the connection's body: nothing else is behind it
    expect(&fabric, "i-a", "10.8.1.1", &["peer_not_transitive"]);
}

#[test]
fn group_peers_do_not_span_vpcs() {
    let group = |name: &str, rule: &str| {
        format!(
            "[[vpc.security_group]]\nid = \"sg-{name}\"\ningress = [\"{rule}\"]\negress = [\"accept all to any\"]\n"
        )
    };
    let with_group = |text: String, name: &str, rule: &str| {
        let text = text.replace(
            &format!("id = \"i-{name}\""),
            &format!("id = \"i-{name}\"\nsecurity_groups = \"sg-{name}\""),
        );
        format!("{text}{}", group(name, rule))
    };
    for (rule, fate) in [
        ("accept all from group:sg-a", "sg_ingress_denied"),
        ("accept all from 10.0.0.0/16", "i-b/eni"),
    ] {
        let a = vpc("a", 0, &[&route("10.1.0.0/16", "VpcPeer", "pcc-ab")]);
        let a = with_group(a, "a", "accept tcp 1 from any");
        let b = with_group(vpc("b", 1, &[]), "b", rule);
        expect(&compile(&[&a, &b, PEER_AB]), "i-a", "10.1.1.10", &[fate]);
    }
}

// ---- basic CEN (access.md §5.3) --------------------------------------------------------------

fn cen_world(extra: &str) -> Fabric {
    let to_cen =
        [route("10.0.0.0/8", "CenBasic", "cen-1"), route("172.16.0.0/12", "CenBasic", "cen-1")];
    let routes: Vec<&str> = to_cen.iter().map(String::as_str).collect();
    let (a, b) = (vpc("a", 0, &routes), vpc("b", 1, &routes));
    compile(&[&a, &b, &format!("[[cen]]\nid = \"cen-1\"\n{extra}")])
}

#[test]
fn basic_cen_exchanges_the_vswitches_of_its_networks() {
    let fabric = cen_world("children = [\"vpc-a\", \"vpc-b\"]\n");
    expect(&fabric, "i-a", "10.1.1.10", &["i-b/eni"]);
    expect(&fabric, "i-b", "10.0.1.10", &["i-a/eni"]);
    expect(&fabric, "i-a", "10.2.1.10", &["no_route"]);
    // a network that is not attached learns nothing
    let alone = cen_world("children = [\"vpc-b\"]\n");
    expect(&alone, "i-a", "10.1.1.10", &["bad_nexthop"]);
}

#[test]
fn what_a_border_router_publishes_is_in_the_exported_table_only() {
    let children = r#"children = ["vpc-a", "vpc-b", { id = "vbr-1", type = "VBR" }]
"#;
    let fabric = cen_world(children);
    expect(&fabric, "i-a", "10.1.1.10", &["i-b/eni"]);
    let open = expect(&fabric, "i-a", "172.16.0.1", &["unknown"]);
    assert!(missing(&open).contains("vbr-1"), "{}", missing(&open));
    let table = format!(
        "{children}route = [\n{},\n{},\n{},\n]\n",
        r#"{ region = "r", to = "10.1.1.0/24", via = "vpc-b", via_type = "VPC" }"#,
        r#"{ region = "r", to = "172.16.0.0/16", via = "vbr-1", via_type = "VBR" }"#,
        r#"{ region = "r", to = "10.3.0.0/16", via = "vpc-b", via_type = "VPC", status = "Rejected" }"#,
    );
    let fabric = cen_world(&table);
    expect(&fabric, "i-a", "10.1.1.10", &["i-b/eni"]);
    expect(&fabric, "i-a", "10.3.0.1", &["no_route"]);
    let walked = expect(&fabric, "i-a", "172.16.0.1", &["leaves"]);
    let (_, reply) = left_at(&fabric, &walked, "vbr-1");
    replies(&fabric, &reply, &["i-a/eni"]);
}

#[test]
fn identical_blocks_in_basic_cen_conflict() {
    let twin = vpc("c", 1, &[]);
    let to_cen = route("10.0.0.0/8", "CenBasic", "cen-1");
    let cen = "[[cen]]\nid = \"cen-1\"\nchildren = [\"vpc-a\", \"vpc-b\", \"vpc-c\"]\n";
    let fabric = compile(&[&vpc("a", 0, &[&to_cen]), &vpc("b", 1, &[]), &twin, cen]);
    let open = expect(&fabric, "i-a", "10.1.1.10", &["unknown"]);
    assert!(missing(&open).contains("conflict"));
}

// ---- transit routers (access.md §5.4) --------------------------------------------------------

/// A, B attached to `tr-1`; A's packets are looked up in `main` with these routes.
fn transit_world(routes: &[&str], table_of_a: &str, extra: &str) -> Fabric {
    let a = vpc("a", 0, &[&route("0.0.0.0/0", "Attachment", "att-a")]);
    let b = vpc("b", 1, &[&route("10.0.0.0/8", "Attachment", "att-b")]);
    let cen = format!(
        r#"
[[cen]]
id = "cen-1"
[[cen.transit_router]]
id = "tr-1"
attachment = [
  {{ id = "att-a", to = "vpc-a", zones = [{{ vswitch = "vsw-a" }}]{table_of_a} }},
  {{ id = "att-b", to = "vpc-b", zones = [{{ vswitch = "vsw-b" }}], table = "other" }},
  {{ id = "att-v", to = "vbr-1", type = "VBR", table = "other" }},
  {{ id = "att-w", to = "vbr-2", type = "VBR" }},
]
[[cen.transit_router.route_table]]
id = "main"
routes = [
  {}
]
[[cen.transit_router.route_table]]
id = "other"
routes = [{{ to = "10.0.1.0/24", via = "att-a" }}]
{extra}"#,
        routes.join(",\n  ")
    );
    compile(&[&a, &b, &cen])
}

const TO_B: &str = r#"{ to = "10.1.1.0/24", via = "att-b" }"#;
const MAIN: &str = r#", table = "main""#;

#[test]
fn the_associated_table_decides() {
    let fabric = transit_world(&[TO_B], MAIN, "");
    expect(&fabric, "i-a", "10.1.1.10", &["i-b/eni"]);
    expect(&fabric, "i-b", "10.0.1.10", &["i-a/eni"]);
    // T2: the table of A does not have B's route
    expect(&transit_world(&[], MAIN, ""), "i-a", "10.1.1.10", &["tr_no_route"]);
    expect(&transit_world(&[TO_B], "", ""), "i-a", "10.1.1.10", &["tr_no_association"]);
    // beyond B's vSwitches the table of the attachment's vSwitch decides: back, and so on for ever
    let around = transit_world(&[r#"{ to = "10.2.0.0/16", via = "att-b" }"#], MAIN, "");
    expect(&around, "i-a", "10.2.0.1", &["tr_no_route"]);
}

#[test]
fn only_active_entries_forward_and_static_ones_come_first() {
    let hole = r#"{ to = "10.1.1.10/32", via = "blackhole" }"#;
    expect(&transit_world(&[TO_B, hole], MAIN, ""), "i-a", "10.1.1.10", &["tr_no_route"]);
    for status in ["Rejected", "Standby", "Candidate", "Prohibited"] {
        let rejected = TO_B.replace(" }", &format!(", status = \"{status}\" }}"));
        expect(&transit_world(&[&rejected], MAIN, ""), "i-a", "10.1.1.10", &["tr_no_route"]);
    }
    // of two entries for one block the static one, then the smaller preference
    let learned = r#"{ to = "10.1.1.0/24", via = "att-v", origin = "Propagated", preference = 1 }"#;
    expect(&transit_world(&[learned, TO_B], MAIN, ""), "i-a", "10.1.1.10", &["i-b/eni"]);
    let worse = r#"{ to = "10.1.1.0/24", via = "blackhole", preference = 60 }"#;
    expect(&transit_world(&[worse, TO_B], MAIN, ""), "i-a", "10.1.1.10", &["i-b/eni"]);
}

#[test]
fn replies_from_behind_an_attachment_are_looked_up_in_its_table() {
    let to = |attachment: &str| format!(r#"{{ to = "172.16.0.0/12", via = "{attachment}" }}"#);
    let fabric = transit_world(&[&to("att-v")], MAIN, "");
    let walked = expect(&fabric, "i-a", "172.16.0.1", &["leaves"]);
    let (path, reply) = left_at(&fabric, &walked, "att-v");
    assert_eq!(path.legs.len(), 1);
    replies(&fabric, &reply, &["i-a/eni"]);
    // the way out works, the way back does not
    let fabric = transit_world(&[&to("att-w")], MAIN, "");
    let walked = expect(&fabric, "i-a", "172.16.0.1", &["leaves"]);
    let (_, reply) = left_at(&fabric, &walked, "att-w");
    replies(&fabric, &reply, &["tr_no_association"]);
}

#[test]
fn routes_that_are_not_exported_leave_it_open() {
    let open = transit_world(&[TO_B], MAIN, "").sources.len();
    assert_eq!(open, 2);
    let a = vpc("a", 0, &[&route("0.0.0.0/0", "Attachment", "att-a")]);
    let cen = r#"
[[cen]]
id = "cen-1"
[[cen.transit_router]]
id = "tr-1"
attachment = [
  { id = "att-a", to = "vpc-a", zones = [{ vswitch = "vsw-a" }], table = "main", propagates_to = "main" },
  { id = "att-b", to = "vpc-b", zones = [{ vswitch = "vsw-b" }], table = "main", propagates_to = "main" },
]
[[cen.transit_router.route_table]]
id = "main"
unknown = ["routes"]
"#;
    let fabric = compile(&[&a, &vpc("b", 1, &[]), cen]);
    let open = expect(&fabric, "i-a", "10.1.1.10", &["unknown"]);
    assert!(missing(&open).contains("ListTransitRouterRouteEntries"), "{}", missing(&open));
}

#[test]
fn acls_of_attachment_vswitches_are_left_out_and_named() {
    let a = vpc("a", 0, &[&route("0.0.0.0/0", "Attachment", "att-a")]);
    let b = format!(
        "{}{}",
        vpc("b", 1, &[]),
        r#"
[[vpc.vswitch]]
id = "vsw-tr"
cidr = "10.1.9.0/24"
[[vpc.network_acl]]
id = "acl-tr"
vswitches = ["vsw-tr"]
ingress = ["drop all from any"]
egress = ["drop all to any"]
"#
    );
    let cen = r#"
[[cen]]
id = "cen-1"
[[cen.transit_router]]
id = "tr-1"
attachment = [
  { id = "att-a", to = "vpc-a", zones = [{ vswitch = "vsw-a" }], table = "main" },
  { id = "att-b", to = "vpc-b", zones = [{ vswitch = "vsw-tr" }], table = "main" },
]
[[cen.transit_router.route_table]]
id = "main"
routes = [{ to = "10.1.0.0/16", via = "att-b" }]
"#;
    let fabric = compile(&[&a, &b, cen]);
    let walked = expect(&fabric, "i-a", "10.1.1.10", &["i-b/eni"]);
    let notes: String =
        walked.outcomes().iter().flat_map(|o| o.notes.clone()).map(|n| n.to_string()).collect();
    assert!(notes.contains("acl-tr") && notes.contains("vsw-tr"), "{notes}");
}

// ---- VPN gateways (access.md §5.5) -----------------------------------------------------------

/// A with a VPN gateway for 172.16.0.0/12; `vco-1` and `vco-2` protect 10.0.0.0/16 to
/// 172.16.0.0/16, `vco-all` everything.
fn vpn_world(routes: &[&str], extra: &str) -> Fabric {
    let a = vpc("a", 0, &[&route("172.16.0.0/12", "VpnGateway", "vpn-1")]);
    let vpn = format!(
        r#"
[[vpn_gateway]]
id = "vpn-1"
vpc = "vpc-a"
vswitches = "vsw-a"
routes = [
  {}
]
connection = [
  {{ id = "vco-1", local = "10.0.0.0/16", remote = "172.16.0.0/16" }},
  {{ id = "vco-2", local = "10.0.0.0/16", remote = "172.16.0.0/16" }},
  {{ id = "vco-all", local = "0.0.0.0/0", remote = "0.0.0.0/0" }},
  {{ id = "vco-down", local = "0.0.0.0/0", remote = "0.0.0.0/0", status = "ipsec_sa_not_established" }},
]
{extra}"#,
        routes.join(",\n  ")
    );
    compile(&[&a, &vpn])
}

/// Ids of the elements that decide.
fn via(fabric: &Fabric, walked: &Walk) -> Vec<String> {
    walked.paths[0].outcome.via.iter().map(|element| id(fabric, *element)).collect()
}

#[test]
fn inside_a_vpn_gateway_policies_come_before_destinations() {
    let wide = r#"{ to = "172.16.0.0/12", via = "vco-all" }"#;
    let policy = r#"{ from = "10.0.1.0/24", to = "172.16.0.0/12", via = "vco-1" }"#;
    let narrow = r#"{ to = "172.16.5.0/24", via = "vco-2" }"#;
    let fabric = vpn_world(&[wide, policy, narrow], "");
    let walked = expect(&fabric, "i-a", "172.16.5.1", &["leaves"]);
    assert!(via(&fabric, &walked).contains(&"vco-1".to_owned()), "{:?}", via(&fabric, &walked));
    let (_, reply) = left_at(&fabric, &walked, "vpn-1");
    replies(&fabric, &reply, &["i-a/eni"]);
    // of two policies the smaller number comes first
    let first = policy.replace("vco-1", "vco-all").replace(" }", ", priority = 1 }");
    let fabric = vpn_world(&[wide, policy, &first, narrow], "");
    let walked = expect(&fabric, "i-a", "172.16.5.1", &["leaves"]);
    assert!(via(&fabric, &walked).contains(&"vco-all".to_owned()));
    // a policy for other sources does not apply; then the longest destination
    let other = policy.replace("10.0.1.0/24", "10.0.7.0/24");
    let fabric = vpn_world(&[wide, &other, narrow], "");
    let walked = expect(&fabric, "i-a", "172.16.5.1", &["leaves"]);
    assert!(via(&fabric, &walked).contains(&"vco-2".to_owned()));
    let walked = expect(&fabric, "i-a", "172.17.0.1", &["leaves"]);
    assert!(via(&fabric, &walked).contains(&"vco-all".to_owned()));
}

#[test]
fn a_vpn_gateway_drops_what_it_has_no_route_or_no_tunnel_for() {
    let one = r#"{ to = "172.16.0.0/12", via = "vco-1" }"#;
    expect(&vpn_world(&[one], ""), "i-a", "172.16.0.1", &["leaves"]);
    // outside of the protected flows
    expect(&vpn_world(&[one], ""), "i-a", "172.17.0.1", &["bad_nexthop"]);
    expect(&vpn_world(&[], ""), "i-a", "172.16.0.1", &["no_route"]);
    let down = r#"{ to = "172.16.0.0/12", via = "vco-down", weight = 100 }"#;
    expect(&vpn_world(&[down], ""), "i-a", "172.16.0.1", &["dead_nexthop"]);
    let standby = r#"{ to = "172.16.0.0/12", via = "vco-all", weight = 0 }"#;
    expect(&vpn_world(&[down, standby], ""), "i-a", "172.16.0.1", &["leaves"]);
    let fabric = vpn_world(&[one], "status = \"Inactive\"\n");
    expect(&fabric, "i-a", "172.16.0.1", &["dead_nexthop"]);
}

#[test]
fn a_vpn_gateway_without_exported_routes_is_taken_to_carry_all() {
    let fabric = vpn_world(&[], "unknown = [\"routes\"]\n");
    let walked = expect(&fabric, "i-a", "172.16.0.1", &["leaves"]);
    assert!(assumed(&walked).contains("DescribeVpnRouteEntries"), "{}", assumed(&walked));
}

// ---- Express Connect (access.md §5.6) --------------------------------------------------------

fn interface(id: &str, vpc: &str, rest: &str) -> String {
    format!("[[router_interface]]\nid = \"{id}\"\nvpc = \"{vpc}\"\n{rest}\n")
}

#[test]
fn router_interfaces_between_vpcs_work_as_pairs() {
    let a = vpc(
        "a",
        0,
        &[
            &route("10.1.0.0/16", "RouterInterface", "ri-a"),
            &route("10.2.0.0/16", "RouterInterface", "ri-a"),
        ],
    );
    let b = vpc("b", 1, &[&route("10.0.0.0/16", "RouterInterface", "ri-b")]);
    let near = |rest: &str| {
        interface(
            "ri-a",
            "vpc-a",
            &format!("opposite = \"ri-b\"\nopposite_vpc = \"vpc-b\"\n{rest}"),
        )
    };
    let far = |rest: &str| interface("ri-b", "vpc-b", rest);
    let world = |near: &str, far: &str| compile(&[&a, &b, near, far]);
    let good = world(&near(""), &far("opposite = \"ri-a\"\nopposite_vpc = \"vpc-a\""));
    expect(&good, "i-a", "10.1.1.10", &["i-b/eni"]);
    expect(&good, "i-b", "10.0.1.10", &["i-a/eni"]);
    expect(&good, "i-a", "10.2.1.10", &["peer_not_transitive"]);
    let idle = world(&near(""), &far("opposite = \"ri-a\"\nstatus = \"Idle\""));
    expect(&idle, "i-a", "10.1.1.10", &["dead_nexthop"]);
    let idle = world(&near("status = \"Inactive\""), &far("opposite = \"ri-a\""));
    expect(&idle, "i-a", "10.1.1.10", &["dead_nexthop"]);
    let half = world(&near(""), &far("opposite = \"ri-z\"\nopposite_vpc = \"vpc-z\""));
    expect(&half, "i-a", "10.1.1.10", &["bad_nexthop"]);
    let unstated = world(&interface("ri-a", "vpc-a", ""), &far(""));
    expect(&unstated, "i-a", "10.1.1.10", &["unknown"]);
}

#[test]
fn a_router_interface_to_a_border_router_leaves() {
    let a = vpc("a", 0, &[&route("172.16.0.0/12", "RouterInterface", "ri-a")]);
    let to_border =
        "opposite = \"ri-v\"\nopposite_router = \"vbr-1\"\nopposite_router_type = \"VBR\"";
    let fabric = compile(&[&a, &interface("ri-a", "vpc-a", to_border)]);
    let walked = expect(&fabric, "i-a", "172.16.0.1", &["leaves"]);
    let (_, reply) = left_at(&fabric, &walked, "ri-a");
    replies(&fabric, &reply, &["i-a/eni"]);
    // an interface that is not in the input still leads somewhere
    let fabric = compile(&[&a]);
    let walked = expect(&fabric, "i-a", "172.16.0.1", &["leaves"]);
    assert!(assumed(&walked).contains("ri-a"));
}

#[test]
fn t3_an_ecr_does_not_connect_vpcs() {
    let to_ecr = route("0.0.0.0/0", "Ecr", "ecr-1");
    let fabric = compile(&[&vpc("a", 0, &[&to_ecr]), &vpc("b", 1, &[&to_ecr])]);
    expect(&fabric, "i-a", "10.1.1.10", &["ecr_not_transitive"]);
    let walked = expect(&fabric, "i-b", "172.16.0.1", &["leaves"]);
    let (_, reply) = left_at(&fabric, &walked, "ecr-1");
    // the reply enters the VPC that sent the packet
    replies(&fabric, &reply, &["i-b/eni"]);
}
