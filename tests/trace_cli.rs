//! `vpclint trace` as a user sees it: selectors, answers, exit codes, places.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests fail by panicking"
)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const NET: &str = include_str!("data/trace.vpclint.toml");

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out:\n{}\nerr:\n{}", self.out, self.err);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

fn run_in(dir: &Path, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_vpclint"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Traces in the small world of `data/trace.vpclint.toml`.
fn trace(from: &str, to: &str, more: &[&str]) -> Ran {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("net.vpclint.toml"), NET).unwrap();
    let mut args = vec!["trace", "net.vpclint.toml", "--from", from, "--to", to];
    args.extend(more);
    run_in(dir.path(), &args)
}

/// Traces in the export of the sample.
fn sample(from: &str, to: &str, more: &[&str]) -> Ran {
    let mut args = vec!["trace", "samples/three-tier/export", "--from", from, "--to", to];
    args.extend(more);
    run_in(Path::new(env!("CARGO_MANIFEST_DIR")), &args)
}

/// The ends of every trace: addresses of sources and targets.
#[track_caller]
fn ends(from: &str, to: &str) -> Vec<(String, String)> {
    let ran = trace(from, to, &["--output", "json"]);
    assert_ne!(ran.code, 2, "{}", ran.err);
    let document = ran.json();
    let one = std::slice::from_ref(&document);
    let traces = document["traces"].as_array().map_or(one, Vec::as_slice);
    let ip = |end: &Value| end["ip"].as_str().unwrap().to_owned();
    traces.iter().map(|t| (ip(&t["question"]["from"]), ip(&t["question"]["to"]))).collect()
}

#[track_caller]
fn assert_senders(selector: &str, expected: &[&str]) {
    let found: Vec<String> = ends(selector, "internet").into_iter().map(|(from, _)| from).collect();
    assert_eq!(found, expected, "{selector}");
}

#[track_caller]
fn assert_targets(from: &str, selector: &str, expected: &[&str]) {
    let found: Vec<String> = ends(from, selector).into_iter().map(|(_, to)| to).collect();
    assert_eq!(found, expected, "{selector}");
}

/// A complaint with exit code 2 that says all of these.
#[track_caller]
fn assert_refused(from: &str, to: &str, says: &[&str]) {
    let ran = trace(from, to, &[]).code(2);
    assert_eq!(ran.out, "");
    for text in says {
        assert!(ran.err.contains(text), "{from} -> {to} does not say `{text}`:\n{}", ran.err);
    }
}

#[test]
fn every_kind_of_selector_selects_senders() {
    assert_senders("ecs:web01", &["10.0.1.10"]);
    assert_senders("instance:web01", &["10.0.1.10"]);
    assert_senders("web01", &["10.0.1.10"]);
    assert_senders("eni:eni-extra", &["10.0.2.10"]);
    assert_senders("eni-extra", &["10.0.2.10"]);
    assert_senders("vpc:far", &["172.16.1.10"]);
    assert_senders("vpc:far | vsw:db-vsw", &["172.16.1.10", "10.0.2.20", "10.0.2.10"]);
    assert_senders("sg:sg-db", &["10.0.2.20"]);
    assert_senders("zone:cn-hangzhou-i ecs:db", &["10.0.2.20"]);
    assert_senders("tag:tier=app", &["10.0.1.10", "10.0.1.20"]);
    assert_senders("tag:tier=a*", &["10.0.1.10", "10.0.1.20"]);
    assert_senders("role:frontend", &["10.0.1.10"]);
    assert_senders("role:secondary_eni", &["10.0.2.10"]);
    assert_senders("ecs:web01 role:secondary_ip", &["10.0.1.11"]);
    assert_senders("ip:10.0.1.11", &["10.0.1.11"]);
    assert_senders("10.0.1.11", &["10.0.1.11"]);
    assert_senders("ip:10.0.1.1*", &["10.0.1.10", "10.0.1.11"]);
    assert_senders("cidr:10.0.1.0/28", &["10.0.1.10", "10.0.1.11"]);
    assert_senders("eip:203.0.113.9", &["10.0.1.20"]);
    assert_senders("203.0.113.9", &["10.0.1.20"]);
    assert_senders("account:1234567890123456 vpc:far", &["172.16.1.10"]);
    assert_senders("ecs:web* !ecs:web02", &["10.0.1.10"]);
    assert_senders("* !vpc:shop !vpc:v6", &["172.16.1.10"]);
    assert_senders("ecs:six", &["2001:db8::10"]);
}

#[test]
fn every_kind_of_selector_selects_targets() {
    assert_targets("web01", "ecs:db:3306", &["10.0.2.20"]);
    assert_targets("web01", "db:3306", &["10.0.2.20"]);
    assert_targets("web01", "eni:eni-extra:22", &["10.0.2.10"]);
    assert_targets("web01", "10.0.2.20:3306/udp", &["10.0.2.20"]);
    assert_targets("web01", "198.51.100.1:443", &["198.51.100.1"]);
    assert_targets("web01", "internet", &["8.8.8.8"]);
    assert_targets("web01", "internet:198.51.100.1", &["198.51.100.1"]);
    assert_targets("six", "internet", &["2001:4860:4860::8888"]);
    assert_targets("six", "[2001:db8::20]:443", &["2001:db8::20"]);
    assert_targets("web01", "eip:203.0.113.9:443", &["203.0.113.9"]);
    assert_targets("web01", "nat:nat:2222", &["203.0.113.7"]);
    assert_targets("web01", "lb:front:443", &["10.0.1.200"]);
    assert_targets("web01", "lb:public:443", &["203.0.113.30"]);
    assert_targets("partner", "ep:ep-1:80", &["172.16.1.60"]);
    assert_targets("partner", "svc:epsrv-1:80", &["172.16.1.60"]);
    assert_targets("web01", "tag:tier=*/icmp", &["10.0.2.20", "10.0.1.20"]);
}

#[test]
fn a_stranger_comes_to_the_public_addresses_of_a_host() {
    let ask = |to: &str| {
        let document = trace("internet", to, &["--output", "json"]).json();
        let question = document["question"].clone();
        (question["to"]["ip"].to_string(), question["dst_port"].as_u64().unwrap())
    };
    assert_eq!(ask("web02:443"), ("\"203.0.113.9\"".to_owned(), 443));
    // the DNAT entry publishes port 22 as 2222
    assert_eq!(ask("db:22"), ("\"203.0.113.7\"".to_owned(), 2222));
    assert_eq!(ask("db:2222"), ("\"203.0.113.7\"".to_owned(), 2222));
    assert_eq!(ask("lb:public"), ("\"203.0.113.30\"".to_owned(), 443));
    let ran = trace("internet", "web01:443", &[]).code(1);
    assert!(ran.out.contains("ip_unbound — instance web01 has no public address"), "{}", ran.out);
    let ran = trace("internet", "lb:front:80", &[]).code(1);
    assert!(ran.out.contains("ip_unbound — load balancer front has no public"), "{}", ran.out);
}

#[test]
fn without_a_port_every_listener_is_asked() {
    let document = trace("web01", "lb:front", &["--output", "json"]).json();
    assert_eq!(document["schema"], "vpclint/traces/v1");
    let asked: Vec<String> = document["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| format!("{}/{}", t["question"]["dst_port"], t["question"]["protocol"]))
        .collect();
    assert_eq!(asked, ["53/\"udp\"", "80/\"tcp\"", "443/\"tcp\""]);
    assert_eq!(ends("partner", "svc:epsrv-1").len(), 3);
    assert_eq!(ends("partner", "ep:ep-1").len(), 3);
}

#[test]
fn questions_that_cannot_be_asked_say_what_is_near() {
    assert_refused(
        "ecs:web03x",
        "internet",
        &["nothing in the input is `ecs:web03x`", "near: web01"],
    );
    assert_refused("ecz:web01", "internet", &["no kind of selector `ecz`", "did you mean `ecs:`?"]);
    assert_refused("zone:cn-hangzhou-x", "internet", &["nothing is", "near: cn-hangzhou-h"]);
    assert_refused("tag:tier=ap", "internet", &["near: tier=app"]);
    assert_refused("vpc:far tag:tier=app", "internet", &["nothing matches them all"]);
    assert_refused("group:app", "internet", &["configuration file"]);
    assert_refused("onprem:dc", "internet", &["configuration file"]);
    assert_refused("twin", "internet", &["may mean 2 things", "ecs:twin", "sg:twin"]);
    assert_refused("web01", "db", &["lacks a port", "/icmp"]);
    assert_refused("web01", "db/tcp", &["lacks the port"]);
    assert_refused("web01", "db:80/sctp", &["no protocol `sctp`"]);
    assert_refused("lb:front", "db:80", &["opens no connections"]);
    assert_refused("internet", "internet", &["both source and target are the Internet"]);
    assert_refused("198.51.100.9", "db:80", &["no host of the input has", "internet:198.51.100.9"]);
    assert_refused("six", "db:80", &["no addresses of the same family"]);
    assert_refused("", "db:80", &["the selector is empty"]);
}

#[test]
fn numbers_with_leading_zeros_match_with_a_warning() {
    for selector in ["ecs:web1", "web1", "ecs:web001"] {
        let ran = trace(selector, "internet", &[]).code(0);
        assert!(ran.err.contains("is taken for"), "{}", ran.err);
        assert!(ran.out.starts_with("web01 10.0.1.10 -> "), "{}", ran.out);
    }
    assert_eq!(trace("ecs:web1", "internet", &["--quiet"]).code(0).err, "");
    assert_eq!(trace("ecs:web01", "internet", &[]).code(0).err, "");
}

#[test]
fn the_exit_code_is_that_of_the_worst_connection() {
    trace("web01", "db:3306", &[]).code(0);
    // the ACL lets replies to this client through to some of its ports only
    trace("web02", "db:3306", &[]).code(1);
    trace("web02", "db:3306", &["--source-port", "2000"]).code(0);
    trace("web02", "db:3306", &["--source-port", "40000"]).code(1);
    trace("web*", "db:3306", &[]).code(2);
    let ran = trace("ecs:web*", "db:3306", &["--output", "concise"]).code(1);
    assert_eq!(
        ran.out,
        "web01 10.0.1.10 -> db 10.0.2.20, tcp 3306: works\n\
         web02 10.0.1.20 -> db 10.0.2.20, tcp 3306: partial: replies come back to client ports \
         1024-29999 only\n"
    );
    assert_eq!(ran.err, "2 traces: 1 works, 1 partial\n");
}

#[test]
fn too_many_traces_are_refused() {
    let ran = trace("*", "*:22", &["--limit", "3"]).code(2);
    assert!(ran.err.contains("more than 3 traces") && ran.err.contains("--limit"), "{}", ran.err);
}

#[test]
fn all_that_stands_in_the_way_is_listed_with_its_line() {
    let ran = sample("ecs:i-web-1", "ecs:i-db-1:3306", &[]).code(1);
    let mut lines = ran.out.lines();
    assert_eq!(
        lines.next().unwrap(),
        "i-web-1 (商城前端-1) 10.20.10.11 -> i-db-1 (订单库-主) 10.20.30.11, tcp 3306"
    );
    assert_eq!(
        lines.next().unwrap(),
        "fails: nacl_ingress_denied — the network ACL of the vSwitch does not let it in"
    );
    let (_, blockers) = ran.out.split_once("what stands in the way: all of these\n").unwrap();
    let wanted = [
        "  1. nacl_ingress_denied — the network ACL of the vSwitch does not let it in",
        "     nacl-db ingress 5: drop all from 0.0.0.0/0  vpc.DescribeNetworkAcls.p1.json:101",
        "  2. sg_ingress_denied — the security groups of the target do not let it in",
        "     security group sg-db (数据库): no rule matches, and a security group drops all other \
         ingress  ecs.DescribeSecurityGroups.p1.json:59",
        "  3. on the way back, nacl_egress_denied — the network ACL of the vSwitch does not let it \
         out",
        "     nacl-db egress 4: drop all to 0.0.0.0/0  vpc.DescribeNetworkAcls.p1.json:42",
    ];
    let shown: Vec<&str> = blockers.lines().take(wanted.len()).collect();
    assert_eq!(shown, wanted);
}

/// The line that a trace prints for an ACL entry is the line of the entry, in exports and in native
/// files.
#[test]
fn acl_entries_are_found_at_their_lines() {
    let document = sample("ecs:i-web-1", "ecs:i-db-1:3306", &["--output", "json"]).json();
    let element = &document["blockers"][0]["element"];
    assert_eq!(element["kind"], "network_acl_entry");
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join(element["file"].as_str().unwrap()),
    )
    .unwrap();
    let line = usize::try_from(element["line"].as_u64().unwrap()).unwrap();
    let entry: Vec<&str> = text.lines().skip(line - 1).take(6).collect();
    assert_eq!(entry[0].trim(), "{");
    let id = format!("\"NetworkAclEntryId\": {}", element["id"]);
    assert!(entry.iter().any(|l| l.contains(&id)), "{entry:?}");

    let document = trace("partner", "db:22", &["--output", "json"]).json();
    let blockers = document["blockers"].as_array().unwrap();
    let of_acl = |b: &&Value| b["reason"] == "nacl_ingress_denied";
    let element = &blockers.iter().find(of_acl).unwrap()["element"];
    let line = usize::try_from(element["line"].as_u64().unwrap()).unwrap();
    assert_eq!(NET.lines().nth(line - 1).unwrap().trim(), "\"drop all from any\",");
}

#[test]
fn documents_follow_the_published_schema() {
    let dir = TempDir::new().unwrap();
    let schema = run_in(dir.path(), &["schema", "trace"]).code(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (from, to) in [
        ("web01", "internet"),
        ("web02", "db:3306"),
        ("partner", "db:22"),
        ("internet", "web01:443"),
        ("internet", "db:22"),
        ("*", "db:3306"),
        ("six", "[2001:db8::20]/icmp"),
        ("192.168.7.7", "db:3306"),
    ] {
        let document = trace(from, to, &["--output", "json"]).json();
        let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{from} -> {to}: {errors:?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({"schema": "vpclint/trace/v1"})));
    assert!(!validator.is_valid(&serde_json::json!({"schema": "vpclint/traces/v2", "traces": []})));
}

#[test]
fn a_trace_as_json_is_as_the_contract_says() {
    let document = trace("web02", "internet", &["--output", "json"]).code(0).json();
    assert_eq!(
        document["question"],
        serde_json::json!({
            "from": {"kind": "eni", "id": "web02/eni", "name": "web02", "instance": "web02",
                     "ip": "10.0.1.20"},
            "to": {"kind": "internet", "ip": "8.8.8.8"},
            "protocol": "tcp", "src_port": 49152, "dst_port": 443,
        })
    );
    assert_eq!(document["connection"], "works");
    assert_eq!(document["verdict"], "exits");
    assert_eq!(document["reason"], Value::Null);
    assert_eq!(document["public_ips"], serde_json::json!(["203.0.113.9"]));
    assert_eq!(document["target"], Value::Null);
    assert_eq!(document["branches"], serde_json::json!([]));
    assert_eq!(document["return"]["ports"], "all");
    let first = &document["hops"][0];
    assert_eq!(first["packet"]["src"], "10.0.1.20");
    assert!(first["at"]["kind"].is_string() && first["action"].is_string());

    let document = trace("web02", "db:3306", &["--output", "json"]).code(1).json();
    assert_eq!(document["connection"], "partial");
    assert_eq!(document["verdict"], "delivered");
    assert_eq!(
        document["target"],
        serde_json::json!({"kind": "eni", "id": "db/eni", "ip": "10.0.2.20", "port": 3306})
    );
    assert_eq!(document["return"]["verdict"], "delivered");
    assert_eq!(document["return"]["reason"], "nacl_egress_denied");
    assert_eq!(document["return"]["ports"], "1024-29999");
    assert_eq!(document["blockers"][0]["direction"], "return");
}

#[test]
fn a_target_behind_a_missing_route_is_still_examined() {
    let document = trace("partner", "db:22", &["--output", "json"]).code(1).json();
    let reasons: Vec<&str> = document["blockers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|b| b["direction"] == "forward")
        .map(|b| b["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["no_route", "nacl_ingress_denied", "sg_ingress_denied"]);
    assert_eq!(document["reason"], "no_route");
}

#[test]
fn two_runs_give_the_same_bytes() {
    for output in ["text", "json", "concise"] {
        let run = || sample("*", "ecs:i-db-1:3306", &["--output", output]).out;
        assert_eq!(run(), run());
    }
}

#[test]
fn names_cannot_drive_the_terminal() {
    let dir = TempDir::new().unwrap();
    let net = NET.replace("name = \"web02\"", "id = \"web02\"\nname = \"a\\u001b[31mb\"");
    std::fs::write(dir.path().join("net.vpclint.toml"), net).unwrap();
    for output in ["text", "concise"] {
        let args = ["trace", ".", "--from", "ecs:web02", "--to", "db:3306", "--output", output];
        let ran = run_in(dir.path(), &args).code(1);
        assert!(ran.out.contains("a\\u{1b}[31mb") && !ran.out.contains('\u{1b}'), "{}", ran.out);
    }
}

#[test]
fn the_page_explains_every_reason() {
    let page = include_str!("../docs/trace.md");
    for reason in vpclint::fabric::Reason::ALL {
        let row = format!("| `{}` | {} |", reason.name(), reason.says());
        assert!(page.contains(&row), "docs/trace.md lacks {row}");
    }
}
