//! Real packets through real routers: small topologies as Linux network namespaces, in which the
//! kernel's routing, connection tracking, translation and `nft` rules say what becomes of a packet.
//! What the program says of the same packet must be the same. That proves the reading of first
//! match, memory, longest prefix and translation, not what the cloud does (engine.md §8).
//!
//! Runs where `ip` and `nft` are there and namespaces may be made, that is for root; elsewhere a
//! line says that nothing was tried. `VPCLINT_NETNS=0` skips it anywhere.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests fail by panicking and say what they tried; the builder is shared with other tests"
)]

mod cases;
mod compare;
mod filters;
mod gateways;
mod lab;
mod probe;
mod random;
mod render;
#[path = "../oracle/world.rs"]
mod world;
#[path = "../oracle/world_filters.rs"]
mod world_filters;
#[path = "../oracle/world_gateways.rs"]
mod world_gateways;
#[path = "../oracle/world_links.rs"]
mod world_links;

use std::io::Write as _;
use std::sync::Once;

use compare::{Matrix, Report, compare};
use lab::Plan;
use world::World;

/// Not a test: the part of this program that runs inside a namespace.
#[test]
#[ignore = "started by the other tests"]
fn agent() {
    if let Some(host) = std::env::var_os(probe::ROLE) {
        probe::agent(host.to_str().unwrap());
    }
}

/// A line that is seen although the harness keeps what tests print.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What came out; `None` when it cannot be tried here.
fn examine(case: (World, Matrix), fault: Option<&dyn Fn(&mut Plan)>) -> Option<Report> {
    static TOLD: Once = Once::new();
    if let Some(why) = lab::missing() {
        TOLD.call_once(|| tell(&format!("skipped: no real packets (tests/netns): {why}")));
        return None;
    }
    let (world, matrix) = case;
    Some(compare(&world.build(), &matrix, fault))
}

/// Kernel and program agree on every probe, and there is something to agree on.
fn agrees(name: &str, case: (World, Matrix)) {
    let Some(report) = examine(case, None) else { return };
    no_disagreement(name, &report);
    assert!(report.undecided.is_empty(), "{name}: {:#?}", report.undecided);
    assert!(report.probes >= 50, "{name}: {report:?}");
    assert!(report.works > 5 && report.works + 5 < report.probes, "{name}: {report:?}");
}

fn no_disagreement(name: &str, report: &Report) {
    println!("{name}: {} probes, {} work, {} one way", report.probes, report.works, report.one_way);
    let wrong: Vec<String> = report.disagreements.iter().map(ToString::to_string).collect();
    assert!(
        wrong.is_empty(),
        "{name}: {} of {} probes\n{}",
        wrong.len(),
        report.probes,
        wrong.join("\n")
    );
}

#[test]
fn groups() {
    agrees("groups", cases::groups());
}

#[test]
fn members() {
    agrees("members", cases::members());
}

#[test]
fn lists() {
    agrees("lists", cases::lists());
}

#[test]
fn egress() {
    agrees("egress", cases::egress());
}

#[test]
fn peering() {
    agrees("peering", cases::peering());
}

#[test]
fn ingress() {
    agrees("ingress", cases::ingress());
}

#[test]
fn forwarders() {
    agrees("forwarders", cases::forwarders());
}

#[test]
fn vpc_nat() {
    agrees("vpc_nat", cases::vpc_nat());
}

#[test]
fn central() {
    agrees("central", cases::central());
}

#[test]
fn transit() {
    agrees("transit", cases::transit());
}

#[test]
fn random() {
    for seed in 1..=4 {
        let name = format!("random {seed}");
        let Some(report) = examine(random::random(seed), None) else { return };
        no_disagreement(&name, &report);
    }
}

/// A kernel that was told one thing otherwise: the comparison must see it, at these hosts and only
/// there.
fn sees(name: &str, case: (World, Matrix), fault: impl Fn(&mut Plan), touched: &[&str]) {
    let Some(report) = examine(case, Some(&fault)) else { return };
    assert!(!report.disagreements.is_empty(), "{name}: the fault was not seen");
    for seen in &report.disagreements {
        let (dst, host) = (seen.probe.dst.to_string(), seen.from.as_str());
        let touches = touched.contains(&host) || touched.contains(&dst.as_str());
        assert!(touches, "{name}: {seen}");
    }
}

#[test]
fn a_wrong_rule_is_seen() {
    let words = "tcp dport 80 drop comment \"sg-tie/001\"";
    let by = "tcp dport 80 accept comment \"sg-tie/001\"";
    let fault = |plan: &mut Plan| plan.replace("eni-tie", words, by);
    sees("wrong rule", cases::groups(), fault, &["10.0.1.10"]);
}

#[test]
fn a_wrong_order_is_seen() {
    // the drop of the list behind the accept that covers it
    let fault = |plan: &mut Plan| {
        plan.replace("router-vpc-a", "ip saddr 10.0.2.11/32 tcp dport 443 drop\n", "");
    };
    sees("wrong order", cases::lists(), fault, &["eni-2b"]);
}

#[test]
fn a_wrong_route_is_seen() {
    let fault = |plan: &mut Plan| plan.replace("router-vpc-a", "10.2.0.0/16", "10.2.1.0/24");
    sees("wrong route", cases::peering(), fault, &["10.2.2.10", "eni-b2"]);
}

#[test]
fn a_wrong_address_is_seen() {
    let fault = |plan: &mut Plan| {
        plan.replace("nat-ngw-2", "10.0.2.10/32 snat to 47.0.1.1", "10.0.2.10/32 snat to 47.0.0.9");
    };
    sees("wrong address", cases::egress(), fault, &["eni-2"]);
}

#[test]
fn a_wrong_port_is_seen() {
    let fault = |plan: &mut Plan| plan.replace("nat-ngw-1", "10.0.1.11:9010", "10.0.1.11:9000");
    sees("wrong port", cases::ingress(), fault, &["47.0.0.1"]);
}

#[test]
fn a_wrong_association_is_seen() {
    // packets from the attachment without a table find the one of another
    let fault = |plan: &mut Plan| {
        plan.replace("transit-tr-1", "rule add iif a1 priority", "rule add priority");
    };
    sees(
        "wrong association",
        cases::transit(),
        fault,
        &["eni-c1", "eni-c2", "10.3.1.10", "10.3.2.10"],
    );
}

#[test]
fn lost_memory_is_seen() {
    let words = "priority -150; policy drop;\nct state established,related accept";
    let by = "priority -150; policy drop;";
    let fault = |plan: &mut Plan| plan.replace("eni-open1", words, by);
    sees("lost memory", cases::members(), fault, &["eni-open1"]);
}
