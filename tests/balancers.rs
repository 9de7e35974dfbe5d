//! Load balancers and PrivateLink, packet by packet (access.md §1.6, §1.7, §3, §4; vectors C1, C2
//! and P1 to P5 of §8). Expectations are written by hand.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::net::IpAddr;

use vpclint::fabric::{Assume, Branch, Fabric, Header, Identity, Resume};
use vpclint::load::native::{Syntax, read};
use vpclint::packet::{Packet, Protocol, WITNESS_SRC_PORT};
use vpclint::simulate::{Mode, Path, Start, Verdict, start, walk};
use vpclint::topology::{Draft, FileId};

/// One VPC: a client in vSwitch `a`, two servers in vSwitch `b`, and a private CLB with its address
/// in vSwitch `b`. `{lb}` and `{more}` stand for what a test adds.
const BASE: &str = r#"
unknown = [{unknown}]
[[account]]
id = "1"
[[account.region]]
id = "cn-hangzhou"
[[account.region.vpc]]
name = "vpc"
cidr = "192.168.0.0/16"
internet = "direct"
[[account.region.vpc.vswitch]]
name = "a"
cidr = "192.168.10.0/24"
zone = "z1"
[[account.region.vpc.vswitch.instance]]
name = "client"
ip = "192.168.10.10"
security_groups = ["open"]
[[account.region.vpc.vswitch]]
name = "b"
cidr = "192.168.24.0/24"
zone = "z1"
[[account.region.vpc.vswitch.instance]]
name = "ECS2"
ip = "192.168.24.200"
security_groups = ["servers"]
[[account.region.vpc.vswitch.instance]]
name = "ECS3"
ip = "192.168.24.201"
security_groups = ["servers"]
[[account.region.vpc.security_group]]
name = "open"
[[account.region.vpc.security_group]]
name = "servers"
inner_access = "drop"
ingress = [{ingress}]
{more}
[[account.region.vpc.load_balancer]]
name = "lb"
{lb}
"#;

const CLB: &str = r#"
type = "clb"
network = "intranet"
ip = "192.168.24.100"
vswitch = "b"
master_zone = "z1"
backends = [{ server = "ECS2", weight = 100 }, { server = "ECS3", weight = 100 }]
"#;

const TCP: &str = r#"
[[account.region.vpc.load_balancer.listener]]
port = 80
protocol = "tcp"
backend_port = 8080
"#;

/// A topology in the making.
#[derive(Clone)]
struct World {
    text: String,
    assume: Assume,
}

fn world(lb: &str) -> World {
    let text = BASE.replace("{lb}", lb);
    World { text, assume: Assume::default() }
}

impl World {
    fn more(self, more: &str) -> Self {
        let text = self.text.replace("{more}", &format!("{more}\n{{more}}"));
        Self { text, ..self }
    }

    fn ingress(self, rules: &str) -> Self {
        Self { text: self.text.replace("{ingress}", rules), ..self }
    }

    fn missing(self, words: &str) -> Self {
        Self { text: self.text.replace("{unknown}", &format!("\"{words}\"")), ..self }
    }

    fn assume(mut self, knob: &str) -> Self {
        self.assume.set(knob).unwrap();
        self
    }

    fn change(self, from: &str, to: &str) -> Self {
        assert!(self.text.contains(from), "{from}");
        Self { text: self.text.replace(from, to), ..self }
    }

    fn fabric(&self) -> Fabric {
        let text = ["{more}", "{unknown}", "{ingress}"]
            .iter()
            .fold(self.text.clone(), |text, hole| text.replace(hole, ""));
        let mut draft = Draft::default();
        if let Err(error) = read(&text, Syntax::Toml, FileId(0), &mut draft) {
            panic!("{error}\n{text}");
        }
        Fabric::compile(&draft.build(), &self.assume)
    }

    fn send(&self, from: &str, to: &str, port: u16) -> Sent {
        self.send_as(from, to, port, Protocol::Tcp)
    }

    /// From a source of the topology, or from the Internet.
    fn send_as(&self, from: &str, to: &str, dst_port: u16, protocol: Protocol) -> Sent {
        let fabric = self.fabric();
        let (src, dst): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
        let packet = Packet { src, dst, protocol, src_port: WITNESS_SRC_PORT, dst_port };
        let start = match fabric.sources.iter().find(|s| s.address.addr() == Some(src)) {
            Some(source) => start(source, &packet),
            None => Start {
                at: fabric.public_at(dst).expect("published").entry.clone(),
                header: Header {
                    src: Some(src),
                    dst,
                    protocol,
                    src_port: WITNESS_SRC_PORT,
                    dst_port,
                    home: None,
                    sender: None,
                },
                identity: Identity::None,
                host: None,
            },
        };
        let mode = Mode { to_host: true, blankets: true, ..Mode::default() };
        let paths = walk(&fabric, &start, &mode).paths;
        Sent { fabric, paths }
    }
}

/// What became of a packet.
struct Sent {
    fabric: Fabric,
    paths: Vec<Path>,
}

impl Sent {
    /// One line per path, sorted: `ok ECS2 192.168.24.200:8080 from 192.168.10.10`, a reason, or
    /// `? ` with what is missing.
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.paths.iter().map(|path| self.line(path)).collect();
        lines.sort();
        lines
    }

    fn line(&self, path: &Path) -> String {
        let outcome = &path.outcome;
        match outcome.verdict {
            Verdict::Delivered => {
                let host = self.fabric.host(path.host.expect("a host")).unwrap();
                let source = &self.fabric.element(host.element).unwrap().resource;
                let header = path.header;
                let src = header.src.map_or("?".to_owned(), |src| src.to_string());
                let owner = &source.id;
                let name = owner.split('/').next().unwrap().to_owned();
                assert_eq!(host.address, header.dst);
                format!("ok {name} {}:{} from {src}", header.dst, header.dst_port)
            }
            Verdict::Dropped => outcome.reason.unwrap().name().to_owned(),
            Verdict::Unknown => format!("? {}", outcome.missing.join("; ")),
            other => other.name().to_owned(),
        }
    }

    fn is(&self, expected: &[&str]) -> &Self {
        assert_eq!(self.lines(), expected);
        self
    }

    /// The only thing that is said of it is that this listing is missing.
    fn lacks(&self, listing: &str) {
        let lines = self.lines();
        assert!(
            lines.iter().any(|line| line.starts_with("? ") && line.contains(listing)),
            "{lines:?}"
        );
    }

    fn assumptions(&self) -> Vec<String> {
        let mut all: Vec<String> = self
            .paths
            .iter()
            .flat_map(|p| p.outcome.assumptions.iter().map(|a| a.to_string()))
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// Texts of the elements that decided, on all paths.
    fn elements(&self) -> Vec<String> {
        let hops = self.paths.iter().flat_map(|path| &path.hops);
        hops.filter_map(|hop| hop.element)
            .map(|element| self.fabric.element(element).unwrap().text.to_string())
            .collect()
    }

    fn says(&self, text: &str) -> &Self {
        let elements = self.elements();
        assert!(elements.iter().any(|e| e == text), "{text}: {elements:#?}");
        self
    }
}

const CLIENT: &str = "192.168.10.10";
const VIP: &str = "192.168.24.100";
const TO_2: &str = "ok ECS2 192.168.24.200:8080 from 192.168.10.10";
const TO_3: &str = "ok ECS3 192.168.24.201:8080 from 192.168.10.10";

fn clb() -> World {
    world(&format!("{CLB}{TCP}"))
}

#[test]
fn a_listener_sends_to_all_its_servers() {
    let sent = clb().send(CLIENT, VIP, 80);
    sent.is(&[TO_2, TO_3]).says("ECS2 192.168.24.200:8080 weight 100").says("listener tcp 80");
    assert_eq!(sent.assumptions(), ["lb_l4_backend_sg = bypass (lb)"]);
    let turn = &sent.paths[0].legs[0];
    assert_eq!(turn.header.dst.to_string(), VIP, "the leg ends before the translation");
    assert!(matches!(turn.turn.resume, Resume::Go(Branch { .. })));
    clb().send(CLIENT, VIP, 81).is(&["no_listener"]);
    clb().send_as(CLIENT, VIP, 80, Protocol::Udp).is(&["no_listener"]);
    clb().send_as(CLIENT, VIP, 0, Protocol::Icmp).is(&["no_listener"]);
}

#[test]
fn c1_weight_0_takes_no_new_connections() {
    let one = clb().change(r#""ECS2", weight = 100"#, r#""ECS2", weight = 0"#);
    one.send(CLIENT, VIP, 80).is(&[TO_3]);
    let none = one.change(r#""ECS3", weight = 100"#, r#""ECS3", weight = 0"#);
    none.send(CLIENT, VIP, 80).is(&["no_backend"]);
}

#[test]
fn c2_a_white_list_without_entries() {
    let list = "[[account.region.access_list]]\nname = \"acl\"\nentries = []";
    let listener = format!("{TCP}acl_type = \"white\"\naccess_lists = [\"acl\"]\n{list}");
    let empty = world(&format!("{CLB}{listener}"));
    let sent = empty.send(CLIENT, VIP, 80);
    sent.is(&[TO_2, TO_3]);
    assert!(sent.assumptions()[0].starts_with("empty_white_acl = forward_all"));
    let sent = empty.assume("empty_white_acl=drop_all").send(CLIENT, VIP, 80);
    sent.is(&["listener_acl_denied"]);
    assert!(sent.assumptions()[0].starts_with("empty_white_acl = drop_all"));
}

fn with_list(kind: &str, entries: &str) -> World {
    let list = format!("[[account.region.access_list]]\nname = \"acl\"\nentries = [{entries}]");
    let of = format!("acl_type = \"{kind}\"\naccess_lists = [\"acl\"]");
    world(&format!("{CLB}{TCP}{of}\n{list}"))
}

#[test]
fn access_lists_test_the_client() {
    with_list("white", "\"192.168.10.0/24\"")
        .send(CLIENT, VIP, 80)
        .is(&[TO_2, TO_3])
        .says("access list acl: 192.168.10.0/24");
    with_list("white", "\"10.0.0.0/8\"").send(CLIENT, VIP, 80).is(&["listener_acl_denied"]);
    with_list("black", "\"192.168.10.10/32\"").send(CLIENT, VIP, 80).is(&["listener_acl_denied"]);
    with_list("black", "").send(CLIENT, VIP, 80).is(&[TO_2, TO_3]);
    with_list("white", "\"10.0.0.0/8\"")
        .missing("access_list_entries")
        .change("entries = [\"10.0.0.0/8\"]", "unknown = [\"entries\"]")
        .send(CLIENT, VIP, 80)
        .lacks("DescribeAccessControlListAttribute");
}

#[test]
fn a_layer_4_listener_keeps_the_client() {
    let world = clb().assume("lb_l4_backend_sg=client_ip");
    let sent = world.clone().ingress("").send(CLIENT, VIP, 80);
    sent.is(&["sg_ingress_denied", "sg_ingress_denied"]);
    assert_eq!(sent.assumptions(), ["lb_l4_backend_sg = client_ip (lb)"]);
    let rule = "\"accept tcp 8080 from 192.168.10.0/24\"";
    world.clone().ingress(rule).send(CLIENT, VIP, 80).is(&[TO_2, TO_3]);
    let peer = "\"accept tcp 8080 from open\"";
    world.ingress(peer).send(CLIENT, VIP, 80).is(&[TO_2, TO_3]);
}

const HTTP: &str = "[[account.region.vpc.load_balancer.listener]]\nport = 80\nprotocol = \"http\"\nbackend_port = 8080\n";

fn acl(entries: &str) -> String {
    format!(
        "[[account.region.vpc.network_acl]]\nid = \"nacl\"\nvswitches = [\"b\"]\n\
         ingress = [{entries}]\negress = [\"accept all to any\"]"
    )
}

#[test]
fn a_layer_7_listener_comes_from_the_system_range() {
    let http = world(&format!("{CLB}{HTTP}"));
    let from = |n| format!("ok ECS{n} 192.168.24.20{}:8080 from 100.64.0.1", n - 2);
    // no rule of the servers' groups is needed
    let sent = http.send(CLIENT, VIP, 80);
    sent.is(&[&from(2), &from(3)]);
    assert_eq!(sent.assumptions(), [""; 0]);
    // the network ACL is
    let closed = http.clone().more(&acl("\"accept tcp 8080 from 192.168.0.0/16\""));
    closed.send(CLIENT, VIP, 80).is(&["nacl_ingress_denied", "nacl_ingress_denied"]);
    let open = http.clone().more(&acl("\"accept tcp 8080 from 100.64.0.0/10\""));
    open.send(CLIENT, VIP, 80).is(&[&from(2), &from(3)]);
    let part = http.more(&acl("\"accept tcp 8080 from 100.64.0.0/11\""));
    let denied = "nacl_ingress_denied";
    part.send(CLIENT, VIP, 80).is(&[denied, denied, &from(2), &from(3)]);
}

#[test]
fn the_acl_of_a_server_sees_the_client_of_layer_4() {
    let open = clb().more(&acl("\"accept tcp 8080 from 192.168.10.0/24\""));
    open.send(CLIENT, VIP, 80).is(&[TO_2, TO_3]);
    let closed = clb().more(&acl("\"accept tcp 80 from 192.168.10.0/24\""));
    let sent = closed.send(CLIENT, VIP, 80);
    sent.is(&["nacl_ingress_denied", "nacl_ingress_denied"]);
}

#[test]
fn unhealthy_servers_are_left_out() {
    let health = |two: &str, three: &str| {
        format!(
            "health = [{{ server = \"ECS2\", status = \"{two}\" }}, \
             {{ server = \"ECS3\", status = \"{three}\" }}]"
        )
    };
    let with = |two, three| world(&format!("{CLB}{TCP}{}", health(two, three)));
    with("abnormal", "normal").send(CLIENT, VIP, 80).is(&[TO_3]);
    with("unavailable", "normal").send(CLIENT, VIP, 80).is(&[TO_2, TO_3]);
    let down = with("abnormal", "abnormal");
    let sent = down.send(CLIENT, VIP, 80);
    sent.is(&["no_backend"]);
    assert_eq!(sent.assumptions(), ["all_unhealthy = drop (lb:80/tcp)"]);
    down.assume("all_unhealthy=forward").send(CLIENT, VIP, 80).is(&[TO_2, TO_3]);
}

#[test]
fn the_slave_takes_over_when_the_master_fails() {
    let group = "[[account.region.vpc.load_balancer.server_group]]\nname = \"pair\"\n\
                 group_type = \"MasterSlave\"\nbackends = [\
                 { server = \"ECS2\", port = 8080, role = \"Master\" },\
                 { server = \"ECS3\", port = 8080, role = \"Slave\" }]";
    let pair =
        |health: &str| world(&format!("{CLB}{TCP}server_groups = [\"pair\"]\n{health}\n{group}"));
    pair("").send(CLIENT, VIP, 80).is(&[TO_2]).says("ECS2 192.168.24.200:8080 master");
    pair("health = [{ server = \"ECS2\", status = \"abnormal\" }]")
        .send(CLIENT, VIP, 80)
        .is(&[TO_3]);
}

#[test]
fn redirects_rules_and_stopped_listeners() {
    let redirect = world(&format!("{CLB}{HTTP}redirect_to = 443"));
    redirect.send(CLIENT, VIP, 80).is(&["answered"]).says("listener http 80");
    let stopped = world(&format!("{CLB}{TCP}status = \"stopped\""));
    stopped.send(CLIENT, VIP, 80).is(&["no_listener"]).says("listener tcp 80, stopped");
    let group = "[[account.region.vpc.load_balancer.server_group]]\nname = \"api\"\n\
                 backends = [{ server = \"ECS3\", port = 9000 }]";
    let rule = "rule = [{ domain = \"a.example.com\", url = \"/api\", server_groups = \"api\" }]";
    let rules = world(&format!("{CLB}{HTTP}{rule}\n{group}"));
    let sent = rules.send(CLIENT, VIP, 80);
    sent.is(&[
        "ok ECS2 192.168.24.200:8080 from 100.64.0.1",
        "ok ECS3 192.168.24.201:8080 from 100.64.0.1",
        "ok ECS3 192.168.24.201:9000 from 100.64.0.1",
    ]);
    let noted = sent.paths.iter().filter(|path| !path.outcome.notes.is_empty());
    let notes: Vec<_> = noted.flat_map(|path| &path.outcome.notes).collect();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("a.example.com /api"), "{notes:?}");
}

#[test]
fn a_server_cannot_be_its_own_client() {
    clb()
        .send("192.168.24.200", VIP, 80)
        .is(&["clb_hairpin", "ok ECS3 192.168.24.201:8080 from 192.168.24.200"]);
    // at layer 7 the load balancer is the client
    let http = world(&format!("{CLB}{HTTP}"));
    assert_eq!(http.send("192.168.24.200", VIP, 80).lines().len(), 2);
    assert!(http.send("192.168.24.200", VIP, 80).lines()[0].starts_with("ok ECS2"));
}

#[test]
fn an_inactive_load_balancer_forwards_nothing() {
    let locked = world(&format!("status = \"inactive\"\n{CLB}{TCP}"));
    locked.send(CLIENT, VIP, 80).is(&["lb_inactive"]).says("load balancer lb: status inactive");
}

#[test]
fn public_addresses_lead_to_listeners() {
    let public = CLB.replace("intranet", "internet").replace("192.168.24.100", "203.0.113.9");
    let public = public.replace("vswitch = \"b\"\n", "classic = true\n");
    let sent = world(&format!("{public}{TCP}")).send("198.51.100.7", "203.0.113.9", 80);
    sent.is(&[
        "ok ECS2 192.168.24.200:8080 from 198.51.100.7",
        "ok ECS3 192.168.24.201:8080 from 198.51.100.7",
    ]);
    assert!(matches!(sent.paths[0].legs[0].turn.resume, Resume::Outside));
    let eip = |more: &str| {
        format!("[[account.region.eip]]\nname = \"eip\"\nip = \"203.0.113.8\"\non = \"lb\"\n{more}")
    };
    let bound = clb().more(&eip(""));
    bound.send("198.51.100.7", "203.0.113.8", 80).is(&[
        "ok ECS2 192.168.24.200:8080 from 198.51.100.7",
        "ok ECS3 192.168.24.201:8080 from 198.51.100.7",
    ]);
    let locked = clb().more(&eip("locks = [\"financial\"]"));
    locked.send("198.51.100.7", "203.0.113.8", 80).is(&["eip_locked"]);
    let private = clb().more(&eip("")).change("internet = \"direct\"", "internet = \"private\"");
    private.send("198.51.100.7", "203.0.113.8", 80).is(&["vpc_private_mode"]);
}

const NLB: &str = r#"
type = "nlb"
network = "intranet"
zones = [{ zone = "z1", vswitch = "a", ip = "192.168.10.50" }]
security_groups = []
"#;

fn grouped(listener: &str, group: &str) -> String {
    format!(
        "[[account.region.vpc.load_balancer.listener]]\n{listener}\nserver_groups = [\"sgp\"]\n\
         [[account.region.vpc.load_balancer.server_group]]\nname = \"sgp\"\ngroup_type = \"Instance\"\n{group}\n"
    )
}

#[test]
fn an_nlb_keeps_the_client_unless_told_otherwise() {
    let vip = "192.168.10.50";
    let backends = "backends = [{ server = \"ECS2\", port = 8080 }]";
    let listener = "port = 80\nprotocol = \"tcp\"";
    let kept = world(&format!("{NLB}{}", grouped(listener, backends)));
    kept.clone().ingress("").send(CLIENT, vip, 80).is(&["sg_ingress_denied"]);
    let rule = "\"accept tcp 8080 from 192.168.10.10/32\"";
    let sent = kept.ingress(rule).send(CLIENT, vip, 80);
    sent.is(&[TO_2]);
    assert_eq!(sent.assumptions(), ["preserve_client_ip = true (sgp, not stated)"]);
    let own = format!("{backends}\npreserve_client_ip = false");
    let own = world(&format!("{NLB}{}", grouped(listener, &own)));
    let rule = "\"accept tcp 8080 from 192.168.10.50/32\"";
    own.ingress(rule).send(CLIENT, vip, 80).is(&["ok ECS2 192.168.24.200:8080 from 192.168.10.50"]);
    // a range onto one port
    let range = "port = 7000\nend_port = 7010\nprotocol = \"tcp\"";
    let one = world(&format!("{NLB}{}", grouped(range, backends)));
    one.ingress("\"accept tcp 8080 from any\"").send(CLIENT, vip, 7005).is(&[TO_2]);
    // all ports
    let any = format!("{backends}\npreserve_client_ip = true\nany_port = true");
    let any = world(&format!("{NLB}{}", grouped(range, &any)));
    let any = any.ingress("\"accept tcp all from 192.168.10.10/32\"");
    any.send(CLIENT, vip, 7005).is(&["ok ECS2 192.168.24.200:7005 from 192.168.10.10"]);
    any.send(CLIENT, vip, 7011).is(&["no_listener"]);
    let off = any.change("vswitch = \"a\", ip", "vswitch = \"a\", status = \"Stopped\", ip");
    off.send(CLIENT, vip, 7005).is(&["lb_inactive"]);
}

#[test]
fn groups_of_an_nlb_block_only_what_they_drop() {
    let vip = "192.168.10.50";
    let backends = "backends = [{ server = \"ECS2\", port = 8080 }]\npreserve_client_ip = true";
    let guarded = NLB.replace("security_groups = []", "security_groups = [\"guard\"]");
    let nlb = world(&format!("{guarded}{}", grouped("port = 80\nprotocol = \"tcp\"", backends)))
        .ingress("\"accept tcp 8080 from any\"");
    let guard = |rules: &str| {
        nlb.clone().more(&format!(
            "[[account.region.vpc.security_group]]\nname = \"guard\"\ningress = [{rules}]"
        ))
    };
    guard("").send(CLIENT, vip, 80).is(&[TO_2]);
    guard("\"accept tcp 443 from any\"").send(CLIENT, vip, 80).is(&[TO_2]);
    guard("\"drop all from any priority 100\"").send(CLIENT, vip, 80).is(&["sg_ingress_denied"]);
    // behind the managed accept of everything
    guard("\"drop all from any priority 101\"").send(CLIENT, vip, 80).is(&[TO_2]);
    guard("\"drop all from any priority 100\", \"accept tcp 80 from 192.168.10.0/24 priority 1\"")
        .send(CLIENT, vip, 80)
        .is(&[TO_2]);
}

#[test]
fn the_acl_before_an_nlb_counts() {
    let vip = "192.168.10.50";
    let backends = "backends = [{ server = \"ECS2\", port = 8080 }]\npreserve_client_ip = true";
    let nlb = world(&format!("{NLB}{}", grouped("port = 80\nprotocol = \"tcp\"", backends)))
        .ingress("\"accept tcp 8080 from any\"");
    let closed = |egress: &str| {
        nlb.clone().more(&format!(
            "[[account.region.vpc.network_acl]]\nid = \"nacl\"\nvswitches = [\"a\"]\n\
             ingress = [\"drop all from any\"]\negress = [{egress}]"
        ))
    };
    // from the same vSwitch the way in is free, the way on to the server is not
    closed("\"accept tcp 8080 to 192.168.24.0/24\"").send(CLIENT, vip, 80).is(&[TO_2]);
    closed("\"drop all to any\"").send(CLIENT, vip, 80).is(&["nacl_egress_denied"]);
    closed("\"accept all to any\"").send("192.168.24.201", vip, 80).is(&["nacl_ingress_denied"]);
}

#[test]
fn an_alb_sends_from_its_own_addresses() {
    let alb = NLB.replace("nlb", "alb");
    let vip = "192.168.10.50";
    let backends = "backends = [{ server = \"ECS2\", port = 8080 }]";
    let alb = world(&format!("{alb}{}", grouped("port = 80\nprotocol = \"http\"", backends)));
    alb.send(CLIENT, vip, 80).is(&["sg_ingress_denied"]);
    // which address of its vSwitch it takes is not stated
    let one = alb.clone().ingress("\"accept tcp 8080 from 192.168.10.50/32\"");
    one.send(CLIENT, vip, 80).lacks("source address");
    let all = alb.ingress("\"accept tcp 8080 from 192.168.10.0/24\"");
    all.send(CLIENT, vip, 80).is(&["ok ECS2 192.168.24.200:8080 from 192.168.10.1"]);
}

#[test]
fn addresses_as_servers_are_reached_by_routes() {
    let vip = "192.168.10.50";
    let to = |ip: &str| format!("backends = [\"{ip}:8080\"]\npreserve_client_ip = true");
    let nlb = |ip: &str| {
        world(&format!("{NLB}{}", grouped("port = 80\nprotocol = \"tcp\"", &to(ip))))
            .ingress("\"accept tcp 8080 from any\"")
            .send(CLIENT, vip, 80)
    };
    nlb("192.168.24.200").is(&[TO_2]);
    nlb("192.168.24.222").is(&["no_such_host"]);
    nlb("10.9.9.9").is(&["no_route"]);
}

#[test]
fn missing_listings_are_named() {
    clb().missing("listeners").send(CLIENT, VIP, 81).lacks("DescribeLoadBalancerListeners");
    clb().missing("listeners").send(CLIENT, VIP, 80).is(&[TO_2, TO_3]);
    clb()
        .missing("backend_health")
        .change("backend_port = 8080", "backend_port = 8080\nunknown = [\"health\"]")
        .send(CLIENT, VIP, 80)
        .lacks("DescribeHealthStatus for");
    let without = CLB.lines().filter(|line| !line.starts_with("backends")).collect::<Vec<_>>();
    world(&format!("unknown = [\"backends\"]\n{}\n{TCP}", without.join("\n")))
        .send(CLIENT, VIP, 80)
        .lacks("DescribeLoadBalancerAttribute for lb");
    world(&format!("{CLB}{TCP}server_groups = [\"rsp-1\"]"))
        .missing("server_groups")
        .send(CLIENT, VIP, 80)
        .lacks("DescribeVServerGroups for lb");
    world(&format!("{CLB}{TCP}server_groups = [\"rsp-1\"]\n[[account.region.vpc.load_balancer.server_group]]\nid = \"rsp-1\"\nunknown = [\"backends\"]"))
        .send(CLIENT, VIP, 80)
        .lacks("DescribeVServerGroupAttribute for rsp-1");
    world(&format!("{CLB}{HTTP}"))
        .missing("forwarding_rules")
        .send(CLIENT, VIP, 80)
        .lacks("DescribeRules for");
    clb()
        .missing("load_balancers")
        .send(CLIENT, "192.168.24.101", 80)
        .lacks("DescribeLoadBalancers");
    clb()
        .missing("instances")
        .change("\"ECS2\", weight", "\"i-gone\", weight")
        .send(CLIENT, VIP, 80)
        .lacks("DescribeInstances");
    let gone = clb().change("\"ECS2\", weight", "\"i-gone\", weight").send(CLIENT, VIP, 80);
    gone.is(&["no_such_host", TO_3]);
}

/// The repaired network of the sample: ECS1 in VPC1, an endpoint at 10.0.0.77, a CLB in VPC2 with
/// ECS2 and ECS3 behind it.
fn linked() -> World {
    let text = include_str!("../samples/privatelink-same-account/repaired.vpclint.toml");
    sample_of(text, "name = \"ECS1\"")
}

/// A sample with this client.
fn sample_of(text: &str, client: &str) -> World {
    assert!(text.contains(client));
    World { text: text.to_owned(), assume: Assume::default() }
}

const ECS1: &str = "10.0.0.182";
const ENI: &str = "10.0.0.77";
const LINK_2: &str = "ok ECS2 192.168.24.200:80 from 100.64.0.1";
const LINK_3: &str = "ok ECS3 192.168.25.2:80 from 100.64.0.1";

#[test]
fn p1_an_endpoint_leads_to_both_servers() {
    let sent = linked().send(ECS1, ENI, 80);
    sent.is(&[LINK_2, LINK_3]);
    assert_eq!(sent.assumptions(), ["pl_clb_source = 100.64 (clb)"]);
    assert_eq!(sent.paths[0].legs.len(), 1, "the endpoint turns the reply back");
    let turn = &sent.paths[0].legs[0];
    assert_eq!(turn.header.dst.to_string(), ENI);
    assert_eq!(&*sent.fabric.element(turn.turn.at).unwrap().resource.id, "end-test01");
    linked().send(ECS1, ENI, 81).is(&["sg_ingress_denied"]);
    let open = linked().change("accept tcp 80 from 10.0.0.0/24", "accept all from 10.0.0.0/24");
    open.send(ECS1, ENI, 81).is(&["no_listener"]);
    open.send_as(ECS1, ENI, 0, Protocol::Icmp).is(&["endpoint_protocol"]);
}

#[test]
fn p2_a_clb_serves_no_endpoint_in_its_standby_zone() {
    let standby = linked().change(
        "name = \"VPC1-vswitch\"\ncidr = \"10.0.0.0/24\"\nzone = \"eu-central-1b\"",
        "name = \"VPC1-vswitch\"\ncidr = \"10.0.0.0/24\"\nzone = \"eu-central-1a\"",
    );
    let standby = standby.change(
        "vswitch = \"VPC1-vswitch\", zone = \"eu-central-1b\"",
        "vswitch = \"VPC1-vswitch\", zone = \"eu-central-1a\"",
    );
    standby.send(ECS1, ENI, 80).is(&["endpoint_zone_not_served"]);
    let attached = standby.change(
        "{ id = \"clb\", zone = \"eu-central-1b\" }",
        "{ id = \"clb\", zone = \"eu-central-1a\" }",
    );
    attached.send(ECS1, ENI, 80).is(&["endpoint_zone_not_served"]);
}

#[test]
fn p3_an_endpoint_must_be_accepted() {
    let waiting = linked().change("connection = \"Connected\"", "connection = \"Disconnected\"");
    let waiting = waiting.change("ip = \"10.0.0.77\"", "ip = \"10.0.0.77\", status = \"Wait\"");
    waiting
        .send(ECS1, ENI, 80)
        .is(&["endpoint_not_connected"])
        .says("endpoint end-test01: connection Disconnected, zone eu-central-1b Wait");
}

#[test]
fn p4_blocks_of_both_sides_may_overlap() {
    let text = include_str!("../samples/privatelink-cross-account/repaired.vpclint.toml");
    let overlap = sample_of(text, "name = \"client\"");
    overlap
        .send(ECS1, ENI, 80)
        .is(&["ok app-1 10.0.0.200:80 from 100.64.0.1", "ok app-2 10.0.1.200:80 from 100.64.0.1"]);
}

#[test]
fn p5_the_whitelist_does_not_stop_a_connection() {
    let alone = linked().change("auto_accept = false", "auto_accept = false\nusers = []");
    alone.send(ECS1, ENI, 80).is(&[LINK_2, LINK_3]);
}

#[test]
fn behind_an_endpoint_the_access_list_sees_the_load_balancer() {
    let listed = |entries: &str| {
        linked().change(
            "protocol = \"tcp\"\nbackend_port = 80",
            &format!(
                "protocol = \"tcp\"\nbackend_port = 80\nacl_type = \"white\"\naccess_lists = [\"acl\"]\n\
                 [[account.region.access_list]]\nname = \"acl\"\nentries = [\"{entries}\"]"
            ),
        )
    };
    listed("10.0.0.0/24").send(ECS1, ENI, 80).is(&["listener_acl_denied"]);
    listed("100.64.0.0/10").send(ECS1, ENI, 80).is(&[LINK_2, LINK_3]);
    listed("100.64.0.0/11").send(ECS1, ENI, 80).is(&["listener_acl_denied", LINK_2, LINK_3]);
    let unknown = listed("100.64.0.0/10").assume("pl_clb_source=unknown");
    unknown.send(ECS1, ENI, 80).lacks("source address");
}

#[test]
fn services_and_regions() {
    let service = |line: &str| {
        linked().change("auto_accept = false", &format!("auto_accept = false\n{line}"))
    };
    service("status = \"Deleting\"").send(ECS1, ENI, 80).is(&["endpoint_service_inactive"]);
    linked()
        .change("service = \"service\"", "service = \"epsrv-other\"")
        .send(ECS1, ENI, 80)
        .lacks("endpoint service epsrv-other");
    let gwlb = linked()
        .change("service = \"service\"", "service = \"service\"\ntype = \"GatewayLoadBalancer\"");
    gwlb.send(ECS1, ENI, 80).is(&["endpoint_protocol"]);
}

#[test]
fn missing_listings_of_privatelink_are_named() {
    let missing = |words: &str| {
        linked().change("description =", &format!("unknown = [{words}]\ndescription ="))
    };
    let service = "auto_accept = false";
    missing("\"endpoint_service_resources\"")
        .change(
            "resources = [{ id = \"clb\", zone = \"eu-central-1b\" }]",
            "unknown = [\"resources\"]",
        )
        .send(ECS1, ENI, 80)
        .lacks("ListVpcEndpointServiceResources for service");
    missing("\"endpoint_services\"")
        .change("service = \"service\"", "service = \"epsrv-other\"")
        .change(service, service)
        .send(ECS1, ENI, 80)
        .lacks("ListVpcEndpointServices");
    linked()
        .change("security_groups = [\"endpoint-group\"]", "unknown = [\"security_groups\"]")
        .send(ECS1, ENI, 80)
        .lacks("ListVpcEndpointSecurityGroups for end-test01");
    missing("\"listeners\"")
        .change("port = 80\nprotocol", "port = 81\nprotocol")
        .send(ECS1, ENI, 80)
        .lacks("DescribeLoadBalancerListeners");
    missing("\"load_balancers\"")
        .change("resources = [{ id = \"clb\"", "resources = [{ id = \"lb-other\"")
        .send(ECS1, ENI, 80)
        .lacks("DescribeLoadBalancers");
}
