//! Load balancers and PrivateLink, statement by statement (access.md §1.6, §1.7, §3, §4): each test
//! is named after its section. Rows run against the reference simulator.
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
use oracle::flow::{BackendSg, Knobs, PlSource};
use oracle::world::{World, addr};
use oracle::world_balancers::listener_id;
use vpclint::topology::{
    AclType, AddressType, ConnectionStatus, EipTarget, Listing, LoadBalancerType, Text,
};

const B: &str = "delivered @eni-b:8080 <- all";
const C: &str = "delivered @eni-c:8080 <- all";
const BOTH: &str = "delivered @eni-b:8080 <- all | delivered @eni-c:8080 <- all";
const TO_CLB: &str = "eni-a -> 10.0.3.100 tcp/80";
const IN: &str = "dropped(sg_ingress_denied)";
const ACL_IN: &str = "dropped(nacl_ingress_denied)";

/// A in vSwitch a; B and C in vSwitch b, in the basic group sg-b without rules.
fn hosts() -> World {
    World::new()
        .filters()
        .vpc("vpc-1", "10.0.0.0/16")
        .vswitch("vsw-a", "vpc-1", "10.0.1.0/24")
        .vswitch("vsw-b", "vpc-1", "10.0.2.0/24")
        .vswitch("vsw-l", "vpc-1", "10.0.3.0/24")
        .instance("i-a", "eni-a", "vsw-a", "10.0.1.10")
        .instance("i-b", "eni-b", "vsw-b", "10.0.2.10")
        .instance("i-c", "eni-c", "vsw-b", "10.0.2.11")
        .group("sg-a", "vpc-1")
        .group("sg-b", "vpc-1")
        .member("eni-a", &["sg-a"])
        .member("eni-b", &["sg-b"])
        .member("eni-c", &["sg-b"])
}

/// A private CLB in vSwitch l.
fn clb(protocol: &str) -> World {
    hosts()
        .clb("lb-1", "vsw-l", "10.0.3.100")
        .listener("lb-1", 80, protocol, 8080)
        .backend("lb-1", "i-b", 100)
        .backend("lb-1", "i-c", 100)
}

fn listener(protocol: &str) -> String {
    listener_id("lb-1", 80, protocol)
}

fn fails(name: &str, world: &World, asked: &str, expected: &str) {
    row(name, world, asked, expected, "fails");
}

// ---- what backends see -------------------------------------------------------------------------

#[test]
fn s1_6_l4_clb_and_the_groups_of_backends_are_a_knob() {
    row("bypass", &clb("tcp"), TO_CLB, BOTH, "works");
    let knobs = Knobs { lb_l4_backend_sg: BackendSg::ClientIp, ..Knobs::default() };
    row_with("client_ip", &clb("tcp"), knobs, TO_CLB, IN, "fails");
    let open = clb("tcp").rule("sg-b", "ingress accept tcp 8080/8080 10.0.1.10/32");
    row_with("client admitted", &open, knobs, TO_CLB, BOTH, "works");
    let group = clb("tcp").rule("sg-b", "ingress accept tcp 8080/8080 sg-a");
    row_with("client's group admitted", &group, knobs, TO_CLB, BOTH, "works");
}

#[test]
fn s1_6_l7_clb_is_exempt_from_groups_but_not_from_acls() {
    let knobs = Knobs { lb_l4_backend_sg: BackendSg::ClientIp, ..Knobs::default() };
    row_with("no rule", &clb("http"), knobs, TO_CLB, BOTH, "works");
    let acl = |entries: &[&str]| {
        entries.iter().fold(clb("http").acl("acl-b", &["vsw-b"]), |w, e| w.entry("acl-b", e))
    };
    let client =
        acl(&["ingress accept all -1/-1 10.0.1.0/24", "egress accept all -1/-1 0.0.0.0/0"]);
    fails("client's block", &client, TO_CLB, ACL_IN);
    let shared = "ingress accept tcp 8080/8080 100.64.0.0/10";
    let system = acl(&[shared, "egress accept tcp 1024/65535 100.64.0.0/10"]);
    row("system range", &system, TO_CLB, BOTH, "works");
    // part of the range: whether it works depends on the address that the CLB takes
    let part =
        acl(&["ingress accept all -1/-1 100.64.0.0/11", "egress accept all -1/-1 0.0.0.0/0"]);
    let some = "conditional(nacl_ingress_denied) @eni-b:8080 <- all | \
                conditional(nacl_ingress_denied) @eni-c:8080 <- all";
    row("part of it", &part, TO_CLB, some, "partial");
    let back = acl(&[shared, "egress accept tcp 1024/65535 100.64.0.0/12"]);
    let some = "delivered @eni-b:8080 <- paths | delivered @eni-c:8080 <- paths";
    row("part of the replies", &back, TO_CLB, some, "partial");
}

#[test]
fn s2_2_l4_clb_to_backend_crosses_the_border_with_the_clients_address() {
    let acl = |entries: &[&str], world: World| {
        entries.iter().fold(world.acl("acl-b", &["vsw-b"]), |w, e| w.entry("acl-b", e))
    };
    let client =
        ["ingress accept tcp 8080/8080 10.0.1.10/32", "egress accept tcp 1024/65535 10.0.1.10/32"];
    row("client", &acl(&client, clb("tcp")), TO_CLB, BOTH, "works");
    fails("closed", &acl(&[], clb("tcp")), TO_CLB, ACL_IN);
    // the CLB in the backends' vSwitch, the client too: still tested, for a CLB is no ENI
    let mut near = clb("tcp");
    let lb = near.balancers.get_mut("lb-1").unwrap();
    lb.vswitch = Some(Some("vsw-b".into()));
    lb.address = Some(addr("10.0.2.100"));
    fails("same vSwitch", &acl(&[], near), "eni-a -> 10.0.2.100 tcp/80", ACL_IN);
}

#[test]
fn s2_2_the_address_of_a_clb_is_not_filtered() {
    row("CLB", &clb("tcp").acl("acl-l", &["vsw-l"]), TO_CLB, BOTH, "works");
    let out = clb("tcp").acl("acl-a", &["vsw-a"]);
    fails("the client's side is", &out, TO_CLB, "dropped(nacl_egress_denied)");
    fails("NLB", &nlb().acl("acl-l", &["vsw-l"]), TO_NLB, ACL_IN);
}

fn nlb() -> World {
    hosts()
        .nlb("nlb-1", "vpc-1", &[("vsw-l", "10.0.3.50", "10.0.3.50")])
        .server_group("sgp-1", "nlb-1")
        .group_backend("sgp-1", "i-b", 8080, 100)
        .listener_to("nlb-1", 80, "tcp", "sgp-1")
}

const TO_NLB: &str = "eni-a -> 10.0.3.50 tcp/80";

#[test]
fn s1_6_nlb_keeps_the_client_by_default() {
    let client = "ingress accept tcp 8080/8080 10.0.1.10/32";
    let own = "ingress accept tcp 8080/8080 10.0.3.50/32";
    fails("closed", &nlb(), TO_NLB, IN);
    row("client", &nlb().rule("sg-b", client), TO_NLB, B, "works");
    fails("its own", &nlb().rule("sg-b", own), TO_NLB, IN);
    let mut hiding = nlb();
    hiding.server_groups.get_mut("sgp-1").unwrap().preserve_client_ip = Some(false);
    fails("hidden client", &hiding.clone().rule("sg-b", client), TO_NLB, IN);
    row("hidden, its own", &hiding.rule("sg-b", own), TO_NLB, B, "works");
}

fn alb() -> World {
    hosts()
        .alb("alb-1", "vpc-1", &[("vsw-l", "10.0.3.60", "10.0.3.61")])
        .server_group("sgp-1", "alb-1")
        .group_backend("sgp-1", "i-b", 8080, 100)
        .listener_to("alb-1", 80, "http", "sgp-1")
}

const TO_ALB: &str = "eni-a -> 10.0.3.60 tcp/80";

#[test]
fn s1_6_backends_of_an_alb_see_its_local_addresses() {
    fails("closed", &alb(), TO_ALB, IN);
    fails("client", &alb().rule("sg-b", "ingress accept all -1/-1 10.0.1.10/32"), TO_ALB, IN);
    let open = alb().rule("sg-b", "ingress accept tcp 8080/8080 10.0.3.61/32");
    row("local", &open, TO_ALB, B, "works");
    // addresses that the input leaves out are some of the vSwitch
    let mut unstated = open;
    unstated.balancers.get_mut("alb-1").unwrap().zones.as_mut().unwrap()[0].local_ips.clear();
    row("unstated", &unstated, TO_ALB, "unknown", "unknown");
    // where the filters of a server tell none of them apart
    unstated.rules.clear();
    let wide = unstated.rule("sg-b", "ingress accept tcp 8080/8080 10.0.3.0/24");
    row("unstated, whole vSwitch", &wide, TO_ALB, B, "works");
}

#[test]
fn s1_7_groups_of_an_alb_need_a_drop_to_filter() {
    let open = || alb().rule("sg-b", "ingress accept tcp 8080/8080 10.0.3.0/24");
    let with = |rules: &[&str]| {
        let mut world = open().group("sg-lb", "vpc-1");
        world.balancers.get_mut("alb-1").unwrap().security_groups = Some(vec!["sg-lb".into()]);
        rules.iter().fold(world, |w, rule| w.rule("sg-lb", rule))
    };
    row("no rule", &with(&[]), TO_ALB, B, "works");
    let drop = "ingress drop all -1/-1 0.0.0.0/0 prio 100";
    fails("drop at 100 wins the tie", &with(&[drop]), TO_ALB, IN);
    let accept = "ingress accept tcp 80/80 10.0.1.0/24 prio 99";
    row("accept before it", &with(&[drop, accept]), TO_ALB, B, "works");
    let late = "ingress drop all -1/-1 0.0.0.0/0 prio 101";
    row("drop at 101 is too late", &with(&[late]), TO_ALB, B, "works");
}

// ---- listener and backends ---------------------------------------------------------------------

#[test]
fn s3_1_only_an_active_clb_and_a_running_listener_answer() {
    for status in ["inactive", "locked"] {
        let mut world = clb("tcp");
        world.balancers.get_mut("lb-1").unwrap().meta.status = Some(Text::from(status));
        fails(status, &world, TO_CLB, "dropped(lb_inactive)");
    }
    let mut world = clb("tcp");
    world.listeners.get_mut(&listener("tcp")).unwrap().meta.status = Some(Text::from("stopped"));
    fails("stopped", &world, TO_CLB, "dropped(no_listener)");
    fails("port", &clb("tcp"), "eni-a -> 10.0.3.100 tcp/81", "dropped(no_listener)");
    fails("udp", &clb("tcp"), "eni-a -> 10.0.3.100 udp/80", "dropped(no_listener)");
    row("https is tcp", &clb("https"), TO_CLB, BOTH, "works");
    let unlisted = clb("tcp").without(Listing::ClbListeners, None).without_rows();
    row("unlisted", &unlisted, TO_CLB, "unknown", "unknown");
}

#[test]
fn s3_2_groups_of_a_listener() {
    let to = |protocol: &str| {
        let mut world = clb(protocol)
            .server_group("rsp-1", "lb-1")
            .group_backend("rsp-1", "eni-b", 9000, 100)
            .server_group("rsp-2", "lb-1")
            .group_backend("rsp-2", "eni-c", 9001, 100);
        let listener = world.listeners.get_mut(&listener(protocol)).unwrap();
        listener.server_groups = Some(vec!["rsp-1".into()]);
        world
    };
    row("vServer group", &to("tcp"), TO_CLB, "delivered @eni-b:9000 <- all", "works");
    // a rule may match or not: nobody says which host is asked for
    let ruled = to("http").forwarding("rule-1", &listener("http"), "a.example", "rsp-2");
    let either = "delivered @eni-b:9000 <- all | delivered @eni-c:9001 <- all";
    row("rule", &ruled, TO_CLB, either, "works");
    let l4 = to("tcp").forwarding("rule-1", &listener("tcp"), "a.example", "rsp-2");
    row("no rules in L4", &l4, TO_CLB, "delivered @eni-b:9000 <- all", "works");
    let mut gone = to("tcp");
    gone.server_groups.remove("rsp-1");
    row("group not there", &gone, TO_CLB, "unknown", "unknown");
}

#[test]
fn s3_2_master_and_slave() {
    let mut world = clb("tcp").master_slave("rsp-1", "lb-1", "eni-b", "eni-c", 8080);
    let id = listener("tcp");
    world.listeners.get_mut(&id).unwrap().server_groups = Some(vec!["rsp-1".into()]);
    row("master", &world, TO_CLB, B, "works");
    let failed = world.clone().health(&id, "eni-b", "abnormal");
    row("slave", &failed, TO_CLB, C, "works");
    row("slave unchecked", &failed.health(&id, "eni-c", "abnormal"), TO_CLB, C, "works");
}

#[test]
fn s3_2_weights_and_health() {
    let none = {
        let mut world = clb("tcp");
        let lb = world.balancers.get_mut("lb-1").unwrap();
        lb.default_backends.iter_mut().flatten().for_each(|b| b.weight = Some(0));
        world
    };
    fails("all zero", &none, TO_CLB, "dropped(no_backend)");
    let id = listener("tcp");
    let one = clb("tcp").health(&id, "i-b", "abnormal");
    row("one down", &one, TO_CLB, C, "works");
    let unchecked = clb("tcp").health(&id, "i-b", "unavailable");
    row("unchecked", &unchecked, TO_CLB, BOTH, "works");
    let all = one.health(&id, "i-c", "abnormal");
    fails("all down", &all, TO_CLB, "dropped(no_backend)");
    let knobs = Knobs { all_unhealthy_forwards: true, ..Knobs::default() };
    row_with("all down, forward", &all, knobs, TO_CLB, BOTH, "works");
    let empty = hosts().clb("lb-1", "vsw-l", "10.0.3.100").listener("lb-1", 80, "tcp", 8080);
    fails("empty", &empty, TO_CLB, "dropped(no_backend)");
}

#[test]
fn s3_2_redirect_hairpin_and_partly_blocked_backends() {
    let mut redirect = clb("http");
    redirect.listeners.get_mut(&listener("http")).unwrap().redirect_to = Some(443);
    row("redirect", &redirect, TO_CLB, "answered @lb-1:80 <- all", "works");
    let own = "eni-b -> 10.0.3.100 tcp/80";
    let half = "delivered @eni-c:8080 <- all | dropped(clb_hairpin)";
    row("hairpin", &clb("tcp"), own, half, "partial");
    row("L7", &clb("http"), own, BOTH, "works");
    // one backend in a closed vSwitch
    let mut split = clb("tcp").acl("acl-l", &["vsw-a"]);
    split = split.entry("acl-l", "ingress accept all -1/-1 0.0.0.0/0");
    split = split.entry("acl-l", "egress accept all -1/-1 0.0.0.0/0");
    row("open", &split, TO_CLB, BOTH, "works");
    let moved = split.instance("i-d", "eni-d", "vsw-l", "10.0.3.10").backend("lb-1", "i-d", 100);
    let moved = moved.acl("acl-x", &["vsw-l"]);
    let some = format!("{BOTH} | dropped(nacl_ingress_denied)");
    row("one of three", &moved, TO_CLB, &some, "partial");
}

#[test]
fn s3_3_access_lists() {
    let with = |kind: AclType, cidrs: &[&str]| {
        clb("tcp").listener_acl(&listener("tcp"), kind, "acl-1", cidrs)
    };
    let denied = "dropped(listener_acl_denied)";
    row("white hit", &with(AclType::White, &["10.0.1.0/24"]), TO_CLB, BOTH, "works");
    fails("white miss", &with(AclType::White, &["10.0.9.0/24"]), TO_CLB, denied);
    fails("black hit", &with(AclType::Black, &["10.0.1.10/32"]), TO_CLB, denied);
    row("black miss", &with(AclType::Black, &["10.0.9.0/24"]), TO_CLB, BOTH, "works");
    let knobs = Knobs { empty_white_acl_forwards: false, ..Knobs::default() };
    row_with("black empty", &with(AclType::Black, &[]), knobs, TO_CLB, BOTH, "works");
    let mut off = with(AclType::White, &["10.0.9.0/24"]);
    off.listeners.get_mut(&listener("tcp")).unwrap().acl_enabled = Some(false);
    row("off", &off, TO_CLB, BOTH, "works");
    let mut unlisted = with(AclType::White, &["10.0.1.0/24"]);
    unlisted.access_lists.clear();
    row("unknown list", &unlisted, TO_CLB, "unknown", "unknown");
}

#[test]
fn s3_1_public_clb_and_eip_on_a_private_one() {
    let public = hosts()
        .public_clb("lb-1", "198.51.100.9")
        .listener("lb-1", 80, "tcp", 8080)
        .backend("lb-1", "i-b", 100);
    let asked = "203.0.113.9 -> 198.51.100.9 tcp/80";
    row("public", &public, asked, B, "works");
    // nothing routes the backend to the Internet: the reply goes back through the CLB
    fails("never an exit", &public, "eni-b -> 8.8.8.8 tcp/80", "dropped(no_route)");
    let eip = clb("tcp").eip_on("eip-lb", "198.51.100.9", EipTarget::LoadBalancer, "lb-1");
    row("EIP", &eip, asked, BOTH, "works");
    let closed = eip.acl("acl-b", &["vsw-b"]).entry("acl-b", "ingress accept all -1/-1 10.0.0.0/8");
    fails("client at the backend", &closed, asked, ACL_IN);
    let mut internet = nlb().rule("sg-b", "ingress accept tcp 8080/8080 203.0.113.9/32");
    let lb = internet.balancers.get_mut("nlb-1").unwrap();
    lb.address_type = Some(AddressType::Internet);
    lb.zones.as_mut().unwrap()[0].public_ips = vec![addr("198.51.100.9")];
    row("public NLB", &internet, asked, B, "works");
}

#[test]
fn s3_4_nlb_port_ranges() {
    let mut world = nlb().rule("sg-b", "ingress accept tcp 8080/8080 10.0.1.10/32");
    world.listeners.get_mut(&listener_id("nlb-1", 80, "tcp")).unwrap().end_port = Some(90);
    row("range", &world, "eni-a -> 10.0.3.50 tcp/85", B, "works");
    fails("beside", &world, "eni-a -> 10.0.3.50 tcp/91", "dropped(no_listener)");
    world.server_groups.get_mut("sgp-1").unwrap().any_port = Some(true);
    fails("any port keeps it", &world, "eni-a -> 10.0.3.50 tcp/85", IN);
}

// ---- PrivateLink -------------------------------------------------------------------------------

/// Consumer VPC 2 with client D and the endpoint's vSwitch; the service is `lb` of VPC 1.
fn behind(world: World, lb: &str) -> World {
    world
        .vpc("vpc-2", "10.2.0.0/16")
        .vswitch("vsw-d", "vpc-2", "10.2.1.0/24")
        .vswitch("vsw-e", "vpc-2", "10.2.2.0/24")
        .instance("i-d", "eni-d", "vsw-d", "10.2.1.10")
        .group("sg-d", "vpc-2")
        .group("sg-e", "vpc-2")
        .member("eni-d", &["sg-d"])
        .rule("sg-e", "ingress accept tcp 80/80 10.2.0.0/16")
        .service("epsrv-1")
        .resource("epsrv-1", lb, "cn-hangzhou-h")
        .endpoint("ep-1", "vpc-2", "epsrv-1", &["sg-e"])
        .endpoint_zone("ep-1", "vsw-e", "10.2.2.77")
}

const TO_EP: &str = "eni-d -> 10.2.2.77 tcp/80";

#[test]
fn s4_2_every_state_has_to_be_right() {
    let world = || behind(clb("tcp"), "lb-1");
    row("all", &world(), TO_EP, BOTH, "works");
    let not_connected = "dropped(endpoint_not_connected)";
    for status in ["Creating", "Deleting"] {
        let mut w = world();
        w.endpoints.get_mut("ep-1").unwrap().meta.status = Some(Text::from(status));
        fails(status, &w, TO_EP, not_connected);
    }
    let mut locked = world();
    locked.endpoints.get_mut("ep-1").unwrap().meta.business_status =
        Some(Text::from("FinancialLocked"));
    fails("locked", &locked, TO_EP, not_connected);
    let mut pending = world();
    pending.endpoints.get_mut("ep-1").unwrap().meta.status = Some(Text::from("Pending"));
    row("an endpoint that is modified", &pending, TO_EP, BOTH, "works");
    for status in [ConnectionStatus::Connecting, ConnectionStatus::ServiceDeleted] {
        let mut w = world();
        w.endpoints.get_mut("ep-1").unwrap().connection_status = Some(status);
        fails("connection", &w, TO_EP, not_connected);
    }
    for status in ["Wait", "Disconnected"] {
        let mut w = world();
        let zones = w.endpoints.get_mut("ep-1").unwrap().zones.as_mut().unwrap();
        zones[0].status = Some(Text::from(status));
        fails(status, &w, TO_EP, not_connected);
    }
    let mut service = world();
    service.services.get_mut("epsrv-1").unwrap().meta.business_status =
        Some(Text::from("SecurityLocked"));
    fails("service", &service, TO_EP, "dropped(endpoint_service_inactive)");
    // the service's side says that it is not connected, the endpoint's side nothing
    let mut theirs = world().connection("epsrv-1", "ep-1", "Disconnected");
    theirs.endpoints.get_mut("ep-1").unwrap().connection_status = None;
    fails("service side", &theirs, TO_EP, not_connected);
    let gone = world().without(Listing::EndpointServices, None).without_rows();
    row("service of another account", &gone, TO_EP, "unknown", "unknown");
}

#[test]
fn s4_5_the_zone_of_the_endpoint_decides() {
    let mut world = behind(clb("tcp"), "lb-1");
    world.balancers.get_mut("lb-1").unwrap().master_zone = Some(Text::from("cn-hangzhou-i"));
    fails("another master zone", &world, TO_EP, "dropped(endpoint_zone_not_served)");
    // an NLB in two zones serves each; R6: no other zone steps in
    let two = hosts()
        .in_zone("vsw-b", "cn-hangzhou-i")
        .nlb(
            "nlb-1",
            "vpc-1",
            &[("vsw-l", "10.0.3.50", "10.0.3.50"), ("vsw-b", "10.0.2.50", "10.0.2.50")],
        )
        .server_group("sgp-1", "nlb-1")
        .group_backend("sgp-1", "i-b", 8080, 100)
        .listener_to("nlb-1", 80, "tcp", "sgp-1")
        .rule("sg-b", "ingress accept all -1/-1 10.0.0.0/16");
    let mut world = behind(two, "nlb-1");
    row("served", &world, TO_EP, B, "works");
    world.endpoints.get_mut("ep-1").unwrap().zones.as_mut().unwrap()[0].zone =
        Some(Text::from("cn-hangzhou-i"));
    fails("no resource there", &world, TO_EP, "dropped(endpoint_zone_not_served)");
    row("added", &world.resource("epsrv-1", "nlb-1", "cn-hangzhou-i"), TO_EP, B, "works");
}

#[test]
fn s4_6_groups_and_acls_of_the_endpoint() {
    let mut closed = behind(clb("tcp"), "lb-1");
    closed.rules.retain(|_, r| r.group.as_deref() != Some("sg-e"));
    fails("group", &closed, TO_EP, IN);
    // the groups of the endpoint, not of any host: sharing one opens the way
    let shared = closed.member("eni-d", &["sg-e"]);
    row("shared group", &shared, TO_EP, BOTH, "works");
    let acl = behind(clb("tcp"), "lb-1").acl("acl-e", &["vsw-e"]);
    fails("ACL", &acl, TO_EP, ACL_IN);
    let one_way = acl.entry("acl-e", "ingress accept tcp 80/80 10.2.1.0/24");
    let half = "delivered @eni-b:8080 <- none(nacl_egress_denied) | \
                delivered @eni-c:8080 <- none(nacl_egress_denied)";
    fails("ACL, reply", &one_way, TO_EP, half);
    let open = one_way.entry("acl-e", "egress accept tcp 1024/65535 10.2.1.10/32");
    row("ACL, both", &open, TO_EP, BOTH, "works");
    fails(
        "port without listener",
        &behind(clb("tcp"), "lb-1").rule("sg-e", "ingress accept all -1/-1 0.0.0.0/0"),
        "eni-d -> 10.2.2.77 tcp/81",
        "dropped(no_listener)",
    );
}

#[test]
fn s4_6_the_load_balancer_sees_another_source() {
    let list = |cidrs: &[&str]| {
        let world = clb("tcp").listener_acl(&listener("tcp"), AclType::White, "acl-1", cidrs);
        behind(world, "lb-1")
    };
    fails("consumer's block", &list(&["10.2.0.0/16"]), TO_EP, "dropped(listener_acl_denied)");
    row("system range", &list(&["100.64.0.0/10"]), TO_EP, BOTH, "works");
    let part = "conditional(listener_acl_denied) @eni-b:8080 <- all | \
                conditional(listener_acl_denied) @eni-c:8080 <- all";
    row("part of it", &list(&["100.64.0.0/16"]), TO_EP, part, "partial");
    let knobs = Knobs { pl_clb_source: PlSource::Unknown, ..Knobs::default() };
    row_with("unknown source", &list(&["100.64.0.0/10"]), knobs, TO_EP, "unknown", "unknown");
    let client = "ingress accept all -1/-1 10.2.0.0/16";
    fails("NLB hides the client", &behind(nlb().rule("sg-b", client), "nlb-1"), TO_EP, IN);
    let own = "ingress accept tcp 8080/8080 10.0.3.50/32";
    row("NLB", &behind(nlb().rule("sg-b", own), "nlb-1"), TO_EP, B, "works");
    // a backend's ACL must take the system range, both ways
    let acl =
        clb("tcp").acl("acl-b", &["vsw-b"]).entry("acl-b", "ingress accept all -1/-1 10.0.0.0/8");
    fails("ACL of the backend", &behind(acl, "lb-1"), TO_EP, ACL_IN);
}

#[test]
fn s4_4_tcpssl_is_hidden_behind_a_service() {
    let mut world = nlb().rule("sg-b", "ingress accept all -1/-1 10.0.0.0/16");
    let id = listener_id("nlb-1", 80, "tcp");
    world.listeners.get_mut(&id).unwrap().protocol =
        Some(vpclint::topology::ListenerProtocol::TcpSsl);
    row("inside the VPC", &world, TO_NLB, B, "works");
    fails("behind a service", &behind(world, "nlb-1"), TO_EP, "dropped(no_listener)");
}

#[test]
fn s4_6_from_a_peered_network_and_never_back() {
    let world = || {
        behind(clb("tcp"), "lb-1")
            .vpc("vpc-3", "10.3.0.0/16")
            .vswitch("vsw-p", "vpc-3", "10.3.0.0/24")
            .instance("i-p", "eni-p", "vsw-p", "10.3.0.10")
            .peering("pcc-1", "vpc-2", "vpc-3", true)
            .route("vtb-vpc-3", "10.2.0.0/16", "VpcPeer", "pcc-1")
            .rule("sg-e", "ingress accept tcp 80/80 10.3.0.0/16")
            .group("sg-p", "vpc-3")
            .member("eni-p", &["sg-p"])
    };
    let asked = "eni-p -> 10.2.2.77 tcp/80";
    let no_way_back = "delivered @eni-b:8080 <- none(reply_no_route) | \
                       delivered @eni-c:8080 <- none(reply_no_route)";
    fails("one way", &world(), asked, no_way_back);
    row(
        "both",
        &world().route("vtb-vpc-2", "10.3.0.0/16", "VpcPeer", "pcc-1"),
        asked,
        BOTH,
        "works",
    );
    // the provider cannot open connections into the consumer's VPC
    fails("backwards", &world(), "eni-b -> 10.2.1.10 tcp/80", "dropped(no_route)");
    assert_eq!(world().balancers["lb-1"].lb_type, Some(LoadBalancerType::Clb));
}
