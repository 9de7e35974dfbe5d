//! Packets from the Internet: one test per row of egress.md §5 and per reason why they do not arrive.
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
use oracle::world::{World, addr, block, ip};
use vpclint::fabric::{Assume, Back, Branch, Fabric, Header, Identity, Resume};
use vpclint::packet::Protocol;
use vpclint::simulate::{Mode, Path, Start, Verdict, walk};
use vpclint::topology::{
    Draft, EipBindMode, EipMode, EipTarget, FilterProtocol, Id, Ipv6EgressRule, Listing, NatIp,
    NatPort, NatType, NetworkAcl, NetworkAclEntry, Policy, PortSpec, RouteTableScope, Text,
};

const CLIENT: &str = "192.0.2.9";
const V6: &str = "2408:4000::10";

/// What comes from a client of the Internet.
#[derive(Clone, Copy)]
struct Probe {
    client: &'static str,
    protocol: Protocol,
    port: u16,
    diagnose: bool,
}

const HTTPS: Probe = tcp(443);
const PING: Probe = Probe { client: CLIENT, protocol: Protocol::Icmp, port: 0, diagnose: false };

const fn tcp(port: u16) -> Probe {
    Probe { client: CLIENT, protocol: Protocol::Tcp, port, diagnose: false }
}

fn header(probe: Probe, src: &str, dst: &str) -> Header {
    Header {
        src: Some(ip(src)),
        dst: ip(dst),
        protocol: probe.protocol,
        src_port: if probe.protocol.has_ports() { 49152 } else { 0 },
        dst_port: probe.port,
        home: None,
        sender: None,
    }
}

fn mode(probe: Probe) -> Mode {
    Mode { to_host: true, blankets: true, diagnose: probe.diagnose, ..Mode::default() }
}

/// The only path of a probe to a public address.
fn enters(fabric: &Fabric, public: &str, probe: Probe) -> Path {
    let point = fabric.public_at(ip(public)).unwrap_or_else(|| panic!("{public} not published"));
    let start = Start {
        at: point.entry.clone(),
        header: header(probe, probe.client, public),
        identity: Identity::None,
        host: None,
    };
    let mut paths = walk(fabric, &start, &mode(probe)).paths;
    assert_eq!(paths.len(), 1, "{public}");
    paths.pop().unwrap()
}

/// The end of a path in words.
fn told(fabric: &Fabric, path: &Path) -> String {
    let name = |element| fabric.element(element).unwrap().resource.id.to_string();
    let outcome = &path.outcome;
    let at = outcome.at.map(name).unwrap_or_default();
    match outcome.verdict {
        Verdict::Delivered | Verdict::Conditional => {
            let port = path.header.dst_port;
            format!("{} {at} {}:{port}", outcome.verdict, path.header.dst)
        }
        Verdict::Dropped => format!("{} at {at}", outcome.reason.unwrap()),
        Verdict::Unknown => format!("unknown: {}", outcome.missing.join("; ")),
        verdict => format!("{verdict} {at}"),
    }
}

fn compiled(world: &World) -> Fabric {
    Fabric::compile(&world.build(), &Assume::default())
}

fn with(world: &World, knob: &str) -> Fabric {
    let mut assume = Assume::default();
    assume.set(knob).unwrap();
    Fabric::compile(&world.build(), &assume)
}

fn check(world: &World, public: &str, probe: Probe, expected: &str) -> Path {
    let fabric = compiled(world);
    let path = enters(&fabric, public, probe);
    assert_eq!(told(&fabric, &path), expected, "{public}");
    path
}

fn check_unknown(world: &World, public: &str, probe: Probe, what: &str) {
    let fabric = compiled(world);
    let said = told(&fabric, &enters(&fabric, public, probe));
    assert!(said.starts_with("unknown: ") && said.contains(what), "{said}");
}

/// All blockers of a probe, as if each earlier one were mended, and the host behind them.
fn diagnosed(fabric: &Fabric, public: &str, probe: Probe) -> (Vec<&'static str>, Option<String>) {
    let path = enters(fabric, public, Probe { diagnose: true, ..probe });
    let host = path.host.and_then(|host| fabric.host(host));
    let host = host.map(|host| fabric.element(host.element).unwrap().resource.id.to_string());
    (path.blockers.iter().map(|blocker| blocker.reason.name()).collect(), host)
}

fn has(texts: &[Text], part: &str) -> bool {
    texts.iter().any(|text| text.contains(part))
}

// ---- §5.1 ------------------------------------------------------------------------------------

#[test]
fn an_eip_on_an_instance_leads_to_its_primary_address() {
    let fabric = compiled(&base());
    let path = enters(&fabric, E2, HTTPS);
    assert_eq!(told(&fabric, &path), "delivered eni-2 10.0.1.11:443");
    // the client's address is kept, and no vSwitch has sent the packet
    assert_eq!(path.header.src, Some(ip(CLIENT)));
    assert_eq!((path.header.home, path.header.sender), (None, None));
    let [leg] = path.legs.as_slice() else { panic!("{:?}", path.legs) };
    assert_eq!(leg.header.dst, ip(E2));
    assert_eq!(fabric.element(leg.turn.at).unwrap().resource.id.as_str(), "eip-e2");
    assert_eq!(leg.turn.back, Back::Exit);
    assert!(matches!(leg.turn.resume, Resume::Outside));
}

#[test]
fn a_static_address_leads_to_its_instance() {
    check(&base().static_ip("i-1", C1), C1, HTTPS, "delivered eni-1 10.0.1.10:443");
}

#[test]
fn an_eip_on_an_eni_leads_to_the_address_it_is_mapped_to() {
    let world = base().extra_ip("eni-1", "10.0.1.12");
    let world = world.eip_on_eni("eip-x", E3, "eni-1", Some("10.0.1.12"));
    check(&world, E3, HTTPS, "delivered eni-1 10.0.1.12:443");
    let world = base().eip_on_eni("eip-x", E3, "eni-1", None);
    check(&world, E3, HTTPS, "delivered eni-1 10.0.1.10:443");
}

/// A secondary ENI of e1, whose guest routes replies by their source or not.
fn secondary(policy: Option<bool>) -> World {
    let mut world = base().secondary_eni("eni-x", "i-1", "vsw-b", "10.0.2.20");
    world.enis.get_mut("eni-x").unwrap().policy_routing = policy;
    world
}

#[test]
fn a_cut_through_eip_is_the_address_of_the_guest() {
    for eip_mode in [EipMode::Binded, EipMode::MultiBinded] {
        let world = secondary(Some(true)).cut_through("eip-x", E9, "eni-x", eip_mode);
        check(&world, E9, HTTPS, &format!("delivered eni-x {E9}:443"));
    }
}

#[test]
fn an_eip_on_a_havip_leads_to_the_havip() {
    let world = base().havip("havip-1", "vsw-a", "10.0.1.100", Some("i-1"));
    let world = world.eip_on("eip-h", H1, EipTarget::HaVip, "havip-1");
    check(&world, H1, HTTPS, "delivered havip-1 10.0.1.100:443");
}

#[test]
fn an_eip_on_an_address() {
    let world = central(("Ipv4Gateway", "ipv4gw-1"));
    let world = world.eip_on_address("eip-a", E9, "vpc-1", "10.0.1.10");
    check(&world, E9, HTTPS, "delivered eni-1 10.0.1.10:443");
}

#[test]
fn addresses_that_lead_nowhere() {
    check(&base().eip("eip-x", E9), E9, HTTPS, "ip_unbound at eip-x");
    let other = EipTarget::Other(Text::from("GaInstance"));
    let world = base().eip_on("eip-x", E9, other, "ga-1");
    check(&world, E9, HTTPS, "unsupported_front at eip-x");
}

#[test]
fn a_locked_eip_is_dead_and_a_diagnosis_looks_behind_it() {
    let mut world = base();
    let eip = world.eips.get_mut("eip-e2").unwrap();
    eip.meta.business_status = Some(Text::from("FinancialLocked"));
    check(&world, E2, HTTPS, "eip_locked at eip-e2");
    let found = diagnosed(&compiled(&world), E2, HTTPS);
    assert_eq!(found, (vec!["eip_locked"], Some("eni-2".to_owned())));
}

#[test]
fn nobody_has_an_address_that_is_not_in_the_input() {
    assert!(compiled(&base()).public_at(ip("203.0.113.200")).is_none());
    let mut world = base();
    world.eips.get_mut("eip-e2").unwrap().address = Some(addr("198.xx.xx.2"));
    assert!(compiled(&world).public_at(ip(E2)).is_none());
}

#[test]
fn a_binding_that_is_not_stated_is_unknown() {
    let mut world = base();
    let eip = world.eips.get_mut("eip-e2").unwrap();
    (eip.target, eip.target_id) = (None, None);
    check_unknown(&world, E2, HTTPS, "what eip-e2 is bound to");
    let world = base().eip_on("eip-x", E9, EipTarget::Instance, "i-gone");
    check_unknown(&world, E9, HTTPS, "instance i-gone");
}

#[test]
fn in_central_mode_the_vswitch_must_be_public_for_the_client() {
    let public = central(("Ipv4Gateway", "ipv4gw-1"));
    check(&public, E2, HTTPS, "delivered eni-2 10.0.1.11:443");
    let private = central(("NatGateway", "ngw1"));
    check(&private, E2, HTTPS, "vswitch_not_public at vsw-a");
    assert_eq!(
        diagnosed(&compiled(&private), E2, HTTPS),
        (vec!["vswitch_not_public"], Some("eni-2".to_owned()))
    );
    let partly = private.route("vtb-a", "192.0.2.0/24", "Ipv4Gateway", "ipv4gw-1");
    check(&partly, E2, HTTPS, "delivered eni-2 10.0.1.11:443");
    let elsewhere = Probe { client: DNS, ..HTTPS };
    check(&partly, E2, elsewhere, "vswitch_not_public at vsw-a");
    let gap = partly.without(Listing::RouteEntries, Some("vtb-a"));
    check_unknown(&gap, E2, HTTPS, "DescribeRouteEntryList");
}

#[test]
fn a_gateway_route_table_steers_through_an_appliance() {
    let mut world = central(("Ipv4Gateway", "ipv4gw-1"))
        .secondary_eni("eni-fw", "i-3", "vsw-b", "10.0.2.30")
        .table("gtb-1", "vpc-1")
        .route("gtb-1", "10.0.1.0/24", "NetworkInterface", "eni-fw");
    let table = world.tables.get_mut("gtb-1").unwrap();
    table.scope = Some(RouteTableScope::Gateway);
    table.gateways = Some(vec![Id::from("ipv4gw-1")]);
    let path = check(&world, E2, HTTPS, "delivered eni-2 10.0.1.11:443");
    assert!(has(&path.outcome.notes, "steers it to eni-fw"), "{:?}", path.outcome.notes);
    let fabric = compiled(&world);
    let appliance = path.hops.iter().any(|hop| {
        let stage = fabric.stage(hop.stage).unwrap();
        stage.name == "forward"
            && fabric.element(stage.at).unwrap().resource.id.as_str() == "eni-fw"
    });
    assert!(appliance);
    // other vSwitches are not steered
    let world = world.static_ip("i-3", C1).on_table("vsw-b", "vtb-a");
    assert!(check(&world, C1, HTTPS, "delivered eni-3 10.0.2.10:443").outcome.notes.is_empty());
}

#[test]
fn a_private_vpc_cannot_be_reached() {
    let world = base().private_mode("vpc-1").dnat_any("d-1", "ngw1", N3, "10.0.1.10");
    check(&world, E2, HTTPS, "vpc_private_mode at vpc-1");
    check(&world, N3, HTTPS, "vpc_private_mode at vpc-1");
}

// ---- §5.2 ------------------------------------------------------------------------------------

#[test]
fn an_ip_mapping_owns_its_address() {
    let world = base().dnat_any("d-1", "ngw1", N3, "10.0.1.10");
    let world = world.dnat_port("d-0", "ngw1", N3, "10.0.2.10", 443);
    check(&world, N3, HTTPS, "delivered eni-1 10.0.1.10:443");
    let fabric = compiled(&world);
    let path = enters(&fabric, N3, PING);
    assert_eq!(told(&fabric, &path), "delivered eni-1 10.0.1.10:0");
    let [leg] = path.legs.as_slice() else { panic!("{:?}", path.legs) };
    assert_eq!(fabric.element(leg.turn.at).unwrap().resource.id.as_str(), "ngw1");
    assert_eq!(leg.turn.back, Back::Routed);
    assert!(matches!(leg.turn.resume, Resume::Outside));
}

#[test]
fn port_entries_take_their_port_only() {
    let mut world = base().dnat_port("d-1", "ngw1", N3, "10.0.1.10", 80);
    let path = check(&world, N3, tcp(80), "delivered eni-1 10.0.1.10:80");
    assert!(path.outcome.via.len() >= 2);
    check(&world, N3, tcp(81), "no_dnat_entry at ngw1");
    check(&world, N3, Probe { protocol: Protocol::Udp, ..tcp(80) }, "no_dnat_entry at ngw1");
    check(&world, N2, tcp(80), "no_dnat_entry at ngw1");
    let path = check(&world, N3, PING, "answered ngw1");
    assert!(has(&path.outcome.assumptions, "icmp_reply = true (ngw1"));
    world.nats.get_mut("ngw1").unwrap().icmp_reply = Some(false);
    check(&world, N3, PING, "icmp_ignored at ngw1");
}

fn ranges(external: (u16, u16), internal: (u16, u16)) -> World {
    let mut world = base().dnat_port("d-1", "ngw1", N3, "10.0.1.10", 80);
    let entry = world.dnat.get_mut("d-1").unwrap();
    entry.external_port = Some(NatPort::Range(external.0, external.1));
    entry.internal_port = Some(NatPort::Range(internal.0, internal.1));
    world
}

#[test]
fn ranges_move_in_step() {
    let world = ranges((10, 20), (80, 90));
    check(&world, N3, tcp(10), "delivered eni-1 10.0.1.10:80");
    check(&world, N3, tcp(15), "delivered eni-1 10.0.1.10:85");
    check(&world, N3, tcp(20), "delivered eni-1 10.0.1.10:90");
    check(&world, N3, tcp(21), "no_dnat_entry at ngw1");
    check_unknown(&ranges((10, 20), (80, 80)), N3, tcp(15), "ports of d-1");
}

#[test]
fn what_is_not_known_of_dnat_entries() {
    let mut masked = base().dnat_port("d-1", "ngw1", N3, "10.0.1.10", 80);
    masked.dnat.get_mut("d-1").unwrap().external_ip = Some(addr("203.x.x.3"));
    check_unknown(&masked, N3, tcp(80), "external address");
    check(&masked, N3, tcp(81), "no_dnat_entry at ngw1");
    let mut masked = base().dnat_port("d-1", "ngw1", N3, "10.0.1.10", 80);
    masked.dnat.get_mut("d-1").unwrap().internal_ip = Some(addr("10.x.x.3"));
    check_unknown(&masked, N3, tcp(80), "internal address of d-1");
    let gap = base().dnat_port("d-1", "ngw1", N3, "10.0.1.10", 80);
    let gap = gap.without(Listing::DnatEntries, Some("ngw1"));
    check(&gap, N3, tcp(80), "delivered eni-1 10.0.1.10:80");
    check_unknown(&gap, N3, tcp(81), "DescribeForwardTableEntries");
    check_unknown(&gap, N2, PING, "DescribeForwardTableEntries");
}

#[test]
fn the_target_of_an_entry_must_exist() {
    let world = base().dnat_port("d-1", "ngw1", N3, "10.0.1.99", 80);
    check(&world, N3, tcp(80), "no_such_host at vsw-a");
}

#[test]
fn a_target_with_its_own_public_address_answers_past_the_gateway() {
    let world = base().dnat_port("d-1", "ngw1", N3, "10.0.1.11", 80);
    check(&world, N3, tcp(80), "dnat_target_has_public_ip at eni-2");
    let found = diagnosed(&compiled(&world), N3, tcp(80));
    assert_eq!(found, (vec!["dnat_target_has_public_ip"], Some("eni-2".to_owned())));
    // one that is locked is none
    let mut locked = world.clone();
    locked.eips.get_mut("eip-e2").unwrap().meta.business_status =
        Some(Text::from("FinancialLocked"));
    check(&locked, N3, tcp(80), "delivered eni-2 10.0.1.11:80");
    check_unknown(&world.without(Listing::Eips, None).without_rows(), N3, tcp(80), "DescribeEip");
    let central = central(("NatGateway", "ngw1")).dnat_port("d-1", "ngw1", N3, "10.0.1.11", 80);
    let path = check(&central, N3, tcp(80), "delivered eni-2 10.0.1.11:80");
    assert!(has(&path.outcome.notes, "public address 198.51.100.2 of its own"));
}

#[test]
fn a_gateway_that_does_not_work() {
    let mut world = base().dnat_port("d-1", "ngw1", N3, "10.0.1.10", 80);
    let meta = &mut world.nats.get_mut("ngw1").unwrap().meta;
    meta.business_status = Some(Text::from("FinancialLocked"));
    check(&world, N3, tcp(80), "nat_not_available at ngw1");
    let found = diagnosed(&compiled(&world), N3, tcp(80));
    assert_eq!(found, (vec!["nat_not_available"], Some("eni-1".to_owned())));
    let gone = base().eip_on("eip-x", E9, EipTarget::NatGateway, "ngw-gone");
    check(&gone, E9, tcp(80), "nat_not_available at ngw-gone");
}

#[test]
fn in_central_mode_the_vswitch_of_the_gateway_must_be_public() {
    let world = central(("NatGateway", "ngw1")).dnat_port("d-1", "ngw1", N3, "10.0.1.10", 80);
    check(&world, N3, tcp(80), "delivered eni-1 10.0.1.10:80");
    let mut closed = world;
    closed.routes.retain(|_, entry| entry.table.as_deref() != Some("vtb-n"));
    check(&closed, N3, tcp(80), "nat_vswitch_not_public at vsw-n");
}

#[test]
fn dnat_to_a_havip_is_noted() {
    let world = base().havip("havip-1", "vsw-a", "10.0.1.100", Some("i-1"));
    let world = world.dnat_port("d-1", "ngw1", N3, "10.0.1.100", 80);
    let path = check(&world, N3, tcp(80), "delivered havip-1 10.0.1.100:80");
    assert!(has(&path.outcome.notes, "DNAT to the HaVip havip-1"));
}

#[test]
fn ip_mapping_on_a_normal_gateway_answers_whatever_the_routes_say() {
    let mut world = base().dnat_any("d-1", "ngw1", N3, "10.0.1.10");
    world.nats.get_mut("ngw1").unwrap().nat_type = Some(NatType::Normal);
    let path = check(&world, N3, HTTPS, "delivered eni-1 10.0.1.10:443");
    assert_eq!(path.legs[0].turn.back, Back::Exit);
    assert!(has(&path.outcome.assumptions, "dnat_ip_map_bypasses_routes = normal_only"));
    let fabric = with(&world, "dnat_ip_map_bypasses_routes=never");
    assert_eq!(enters(&fabric, N3, HTTPS).legs[0].turn.back, Back::Routed);
}

/// Where the target's answer goes, up to the gateway that must turn it back.
fn reply(world: &World, public: &str, port: u16) -> String {
    let fabric = compiled(world);
    let path = enters(&fabric, public, tcp(port));
    let leg = path.legs.last().unwrap();
    let source = fabric.host(path.host.unwrap()).unwrap().source.unwrap();
    let source = &fabric.sources[source];
    let mut back = header(HTTPS, &path.header.dst.to_string(), CLIENT);
    (back.src_port, back.dst_port) = (path.header.dst_port, path.header.src_port);
    (back.home, back.sender) = (source.home, source.sender);
    let at = Branch::go(source.entry);
    let start = Start { at, header: back, identity: Identity::None, host: None };
    let mode = Mode { to_host: true, reply: true, until: Some(leg.turn.at), ..Mode::default() };
    let walked = walk(&fabric, &start, &mode);
    told(&fabric, &walked.paths[0])
}

#[test]
fn the_answer_must_be_led_to_this_gateway() {
    let mapped = |world: World| world.dnat_port("d-1", "ngw1", N3, "10.0.1.10", 80);
    assert!(reply(&mapped(base()), N3, 80).starts_with("delivered ngw1 "));
    assert!(reply(&mapped(a_on_custom_table(base())), N3, 80).starts_with("no_route at vtb-a"));
    let other = a_on_custom_table(base()).nat("ngw2", "vsw-n", &[M1]).route(
        "vtb-a",
        ANY,
        "NatGateway",
        "ngw2",
    );
    let said = reply(&mapped(other), N3, 80);
    assert!(!said.contains("ngw1"), "{said}");
    let diverted = mapped(base()).route(SYSTEM, "192.0.2.0/24", "VpnGateway", "vpn-1");
    assert!(reply(&diverted, N3, 80).starts_with("leaves "));
}

// ---- §5.3 ------------------------------------------------------------------------------------

#[test]
fn replies_of_a_secondary_eni() {
    let bound = |world: World| world.eip_on_eni("eip-x", E9, "eni-x", None);
    let works = "delivered eni-x 10.0.2.20:443";
    let depends = "conditional eni-x 10.0.2.20:443";
    for (policy, expected) in [(None, depends), (Some(false), depends), (Some(true), works)] {
        let world = bound(secondary(policy));
        let path = check(&world, E9, HTTPS, expected);
        let condition = path.conditions.first().map(|condition| condition.failed);
        assert_eq!(condition, policy.map_or(Some(false), |routed| (!routed).then_some(true)));
        // only a Normal gateway, or none
        let mut normal = world.clone();
        normal.nats.get_mut("ngw1").unwrap().nat_type = Some(NatType::Normal);
        check(&normal, E9, HTTPS, works);
        let mut none = world;
        none.nats.clear();
        check(&none, E9, HTTPS, works);
        if policy != Some(true) {
            check_unknown(
                &none.without(Listing::NatGateways, None),
                E9,
                HTTPS,
                "DescribeNatGateways",
            );
        }
    }
    // the primary ENI is where replies leave anyway
    check(&base(), E2, HTTPS, "delivered eni-2 10.0.1.11:443");
}

// ---- §5.4 ------------------------------------------------------------------------------------

#[test]
fn hairpins() {
    let world = |bind: Option<EipBindMode>, kind: NatType| {
        let mut world = base().dnat_port("d-1", "ngw1", N3, "10.0.2.10", 80);
        let nat = world.nats.get_mut("ngw1").unwrap();
        (nat.eip_bind_mode, nat.nat_type) = (bind, Some(kind));
        world
    };
    let from_itself = Probe { client: N1, ..tcp(80) };
    let works = "delivered eni-3 10.0.2.10:80";
    let multi = || Some(EipBindMode::MultiBinded);
    check(&world(multi(), NatType::Enhanced), N3, from_itself, "hairpin_multi_binded at ngw1");
    check(&world(multi(), NatType::Enhanced), N3, tcp(80), works);
    check(&world(multi(), NatType::Normal), N3, from_itself, works);
    check(&world(Some(EipBindMode::Nat), NatType::Enhanced), N3, from_itself, works);
    check_unknown(&world(None, NatType::Enhanced), N3, from_itself, "EipBindMode of ngw1");
    let two = world(multi(), NatType::Enhanced).nat("ngw2", "vsw-n", &[M1]);
    check(&two, N3, Probe { client: M1, ..tcp(80) }, works);
}

// ---- IPv6 ------------------------------------------------------------------------------------

fn with_ipv6(public: bool) -> World {
    base().ipv6("eni-1", V6, public).ipv6_gateway("ipv6gw-1", "vpc-1")
}

fn enters_v6(fabric: &Fabric) -> String {
    let probe = Probe { client: "2001:db8::9", ..HTTPS };
    told(fabric, &enters(fabric, V6, probe))
}

#[test]
fn an_ipv6_address_with_bandwidth() {
    assert_eq!(enters_v6(&compiled(&with_ipv6(true))), format!("delivered eni-1 {V6}:443"));
    let said = enters_v6(&compiled(&with_ipv6(false)));
    assert!(said.starts_with("ipv6_no_bandwidth at "), "{said}");
    let said = enters_v6(&compiled(&base().ipv6("eni-1", V6, true)));
    assert!(said.starts_with("unknown: IPv6 gateway of vpc-1"), "{said}");
    let mut draft: Draft = with_ipv6(true).draft(false);
    let mut rule = Ipv6EgressRule::new("egress-1");
    rule.address = Some(Id::from(&format!("ipv6-{V6}")));
    draft.add(rule);
    let fabric = Fabric::compile(&draft.build(), &Assume::default());
    assert_eq!(enters_v6(&fabric), format!("ipv6_egress_only at ipv6-{V6}"));
}

// ---- VPC NAT gateways --------------------------------------------------------------------------

const NAT_IP: &str = "10.0.0.50";

/// From e3 to an address of a VPC NAT gateway whose DNAT entry leads to e1.
fn to_vpc_nat(change: impl FnOnce(World) -> World, dst: &str, port: u16) -> (String, Path) {
    let world = base().vpc_nat("vngw", "vsw-n").dnat_port("d-1", "vngw", NAT_IP, "10.0.1.10", 80);
    let mut draft = change(world).draft(false);
    let mut idle = NatIp::new("natip-2");
    (idle.nat_gateway, idle.address) = (Some(Id::from("vngw")), Some(addr("10.0.0.51")));
    draft.add(idle);
    let fabric = Fabric::compile(&draft.build(), &Assume::default());
    let source = fabric.sources.iter().find(|s| s.eni.id.as_str() == "eni-3").unwrap();
    let mut packet = header(tcp(port), "10.0.2.10", dst);
    (packet.home, packet.sender) = (source.home, source.sender);
    let start = Start {
        at: Branch::go(source.entry),
        header: packet,
        identity: Identity::None,
        host: None,
    };
    let mut paths = walk(&fabric, &start, &mode(tcp(port))).paths;
    let path = paths.remove(0);
    (told(&fabric, &path), path)
}

#[test]
fn addresses_of_a_vpc_nat_gateway_are_hosts() {
    let (said, path) = to_vpc_nat(|w| w, NAT_IP, 80);
    assert_eq!(said, "delivered eni-1 10.0.1.10:80");
    // the client's private address is kept and still that of a host
    assert_eq!(path.header.src, Some(ip("10.0.2.10")));
    assert!(path.header.home.is_some() && path.header.sender.is_some());
    let [leg] = path.legs.as_slice() else { panic!("{:?}", path.legs) };
    assert_eq!((leg.header.dst, leg.turn.back), (ip(NAT_IP), Back::Routed));
    assert!(matches!(leg.turn.resume, Resume::Go(_)));
    assert_eq!(to_vpc_nat(|w| w, NAT_IP, 81).0, "no_dnat_entry at vngw");
    assert_eq!(to_vpc_nat(|w| w, "10.0.0.51", 80).0, "no_dnat_entry at vngw");
    assert_eq!(to_vpc_nat(|w| w, "10.0.0.52", 80).0, "no_such_host at vsw-n");
    let locked = |mut world: World| {
        let meta = &mut world.nats.get_mut("vngw").unwrap().meta;
        meta.business_status = Some(Text::from("FinancialLocked"));
        world
    };
    assert_eq!(to_vpc_nat(locked, NAT_IP, 80).0, "nat_not_available at vngw");
}

// ---- the ACL of the gateway's vSwitch ----------------------------------------------------------

fn acl_on_nat_vswitch(knob: &str) -> (String, Path) {
    let mut draft = base().dnat_port("d-1", "ngw1", N3, "10.0.1.10", 80).draft(false);
    let mut acl = NetworkAcl::new("acl-1");
    let entry = |cidr: &str| NetworkAclEntry {
        id: None,
        name: None,
        read_at: vpclint::topology::ReadAt::default(),
        policy: Some(Policy::Accept),
        protocol: Some(FilterProtocol::All),
        ports: Some(PortSpec::All),
        cidr: Some(block(cidr)),
        ip_version: None,
        entry_type: None,
    };
    acl.vswitches = Some(vec![Id::from("vsw-n")]);
    acl.ingress = Some(vec![entry("9.0.0.0/8")]);
    acl.egress = Some(vec![entry(ANY)]);
    draft.add(acl);
    let mut assume = Assume::default();
    assume.set(knob).unwrap();
    let fabric = Fabric::compile(&draft.build(), &assume);
    let path = enters(&fabric, N3, tcp(80));
    (told(&fabric, &path), path)
}

#[test]
fn the_acl_of_the_nat_vswitch_is_a_knob() {
    let (said, path) = acl_on_nat_vswitch("nacl_on_nat_vswitch=ignore");
    assert_eq!(said, "delivered eni-1 10.0.1.10:80");
    assert!(has(&path.outcome.assumptions, "nacl_on_nat_vswitch = ignore (ngw1)"));
    let (said, path) = acl_on_nat_vswitch("nacl_on_nat_vswitch=apply");
    assert_eq!(said, "nacl_ingress_denied at acl-1");
    assert!(has(&path.outcome.assumptions, "nacl_on_nat_vswitch = apply (ngw1)"));
}

// ---- §8 C1, C6 ---------------------------------------------------------------------------------

fn leaves(fabric: &Fabric, dst: &str) -> (String, Path) {
    let source = fabric.sources.iter().find(|s| s.eni.id.as_str() == "eni-1").unwrap();
    let start = Start {
        at: Branch::go(source.entry),
        header: header(HTTPS, "10.0.1.10", dst),
        identity: Identity::None,
        host: None,
    };
    let mut paths = walk(fabric, &start, &mode(HTTPS)).paths;
    let path = paths.remove(0);
    (told(fabric, &path), path)
}

#[test]
fn public_range_bypass_is_a_knob() {
    let world = base().route(SYSTEM, "30.0.0.0/16", "VpnGateway", "vpn-1");
    assert!(leaves(&compiled(&world), "30.0.0.1").0.starts_with("leaves "));
    let fabric = with(&world, "public_range_bypass=any_internet_capable");
    let (said, path) = leaves(&fabric, "30.0.0.1");
    assert!(said.starts_with("exits"), "{said}");
    assert!(has(&path.outcome.assumptions, "public_range_bypass = any_internet_capable"));
    // a source that no SNAT entry covers is behind no gateway
    let mut bare = world.clone();
    bare.snat.clear();
    let fabric = with(&bare, "public_range_bypass=any_internet_capable");
    assert!(leaves(&fabric, "30.0.0.1").0.starts_with("leaves "));
    let user = world.user_cidr("vpc-1", "30.0.0.0/8");
    let fabric = with(&user, "public_range_bypass=any_internet_capable");
    assert!(leaves(&fabric, "30.0.0.1").0.starts_with("leaves "));
}

#[test]
fn the_default_route_of_the_first_nat_gateway() {
    let mut plan = base();
    plan.routes.clear();
    let bare = plan.clone();
    plan.unstated_system_routes = true;
    let (said, path) = leaves(&compiled(&plan), DNS);
    assert!(said.starts_with("exits"), "{said}");
    assert!(has(&path.outcome.assumptions, "synthesize_nat_default_route = plans (ngw1 in vpc-1)"));
    let never = with(&plan, "synthesize_nat_default_route=never");
    assert_eq!(leaves(&never, DNS).0, "no_route at vtb-vpc-1");
    // an export states every entry
    assert_eq!(leaves(&compiled(&bare), DNS).0, "no_route at vtb-vpc-1");
    let always = with(&bare, "synthesize_nat_default_route=always");
    assert!(leaves(&always, DNS).0.starts_with("exits"));
    // custom tables never get it
    let custom = a_on_custom_table(plan);
    assert_eq!(leaves(&compiled(&custom), DNS).0, "no_route at vtb-a");
}
