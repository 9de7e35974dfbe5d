//! Flows as tables write them: a question in one line, and what is expected of it in one line.
//!
//! A question is `eni-1 -> 10.0.2.10 tcp/80`; the sender may be an ENI (its primary address), `eni@ip`
//! or an address. An answer is a list of branches, `|` between them: a verdict, the reason in
//! parentheses, the target after `@` as `id:port`, the public addresses in braces, and what there is of
//! the reply after `<-`: `all`, `none(reason)`, `some 1024-2000`, `paths`, `unknown`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use vpclint::fabric::{self, Assume};
use vpclint::topology::Topology;

use super::facts::Mode;
use super::flow::{
    BackendSg, Branch, Connection, End, Fate, FlowAnswer, Knobs, PlSource, Protocol, Question,
    Reply, flow_with,
};
use super::world::World;

/// The client port of questions (decisions.md 39).
pub const CLIENT_PORT: u16 = 49152;

fn is_public(ip: IpAddr) -> bool {
    let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
    !super::facts::in_any(&private, ip)
}

fn end(topology: &Topology, text: &str) -> End {
    if let Some((eni, ip)) = text.split_once('@') {
        return End::Host { eni: eni.to_owned(), ip: ip.parse().unwrap() };
    }
    if let Ok(ip) = text.parse() {
        return if is_public(ip) { End::Internet(ip) } else { End::Address(ip) };
    }
    let eni = topology.enis.get(text).unwrap_or_else(|| panic!("no ENI {text}"));
    let ip = eni.private_ips.as_ref().unwrap()[0].address.addr().unwrap();
    End::Host { eni: text.to_owned(), ip }
}

/// Reads a question.
pub fn question(topology: &Topology, text: &str) -> Question {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [from, "->", to, service] = words.as_slice() else { panic!("not a question: {text}") };
    let (protocol, port) = service.split_once('/').unwrap_or((service, "0"));
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "icmp" => Protocol::Icmp,
        "icmpv6" => Protocol::Icmpv6,
        "gre" => Protocol::Gre,
        other => panic!("no protocol {other}"),
    };
    let (port, client) = port.split_once('<').unwrap_or((port, ""));
    Question {
        from: end(topology, from),
        to: end(topology, to),
        protocol,
        src_port: client.parse().unwrap_or(CLIENT_PORT),
        dst_port: port.parse().unwrap(),
    }
}

fn branch(branch: &Branch) -> String {
    let mut out = match branch.verdict {
        Fate::Delivered => "delivered",
        Fate::Exits => "exits",
        Fate::Answered => "answered",
        Fate::Leaves => "leaves",
        Fate::Conditional => "conditional",
        Fate::Unknown => "unknown",
        Fate::Dropped => "dropped",
    }
    .to_owned();
    if let Some(reason) = &branch.reason {
        write!(out, "({reason})").unwrap();
    }
    if let Some(target) = &branch.target {
        write!(out, " @{}:{}", target.id, target.port).unwrap();
    }
    if !branch.public_ips.is_empty() {
        let ips: Vec<&str> = branch.public_ips.iter().map(String::as_str).collect();
        write!(out, " {{{}}}", ips.join(",")).unwrap();
    }
    let reply = match &branch.reply {
        Reply::NoRequest => return out,
        Reply::All => "all".to_owned(),
        Reply::None(reason) => format!("none({reason})"),
        Reply::SomePaths => "paths".to_owned(),
        Reply::Unknown => "unknown".to_owned(),
        Reply::Some(ports) => {
            let ports: Vec<String> = ports.iter().map(|(a, b)| format!("{a}-{b}")).collect();
            format!("some {}", ports.join(","))
        }
    };
    write!(out, " <- {reply}").unwrap();
    out
}

/// An answer as tables write it.
pub fn text(answer: &FlowAnswer) -> String {
    let branches: Vec<String> = answer.branches.iter().map(branch).collect();
    branches.join(" | ")
}

fn connection(connection: Connection) -> &'static str {
    match connection {
        Connection::Works => "works",
        Connection::Fails => "fails",
        Connection::Partial => "partial",
        Connection::Unknown => "unknown",
    }
}

/// One row: the answer to a question in a world, and the sum of both directions.
pub fn row(name: &str, world: &World, asked: &str, expected: &str, sum: &str) -> FlowAnswer {
    row_with(name, world, Knobs::default(), asked, expected, sum)
}

/// The same under knobs.
pub fn row_with(
    name: &str,
    world: &World,
    knobs: Knobs,
    asked: &str,
    expected: &str,
    sum: &str,
) -> FlowAnswer {
    let topology = world.build();
    let question = question(&topology, asked);
    let answer = flow_with(&topology, &question, knobs);
    let context = format!("{name}, reference: {asked}, missing {:?}", answer.missing);
    assert_eq!(text(&answer), expected, "{context}");
    assert_eq!(connection(answer.connection), sum, "{context}");
    let engine = super::engine_flow::FlowEngine::with(&topology, &assume(knobs));
    let found = engine.flow(&question).unwrap_or_else(|| panic!("{name}: no sender for {asked}"));
    let context = format!("{name}, program: {asked}, missing {:?}", found.missing);
    assert_eq!(canonical(&found), canonical(&answer), "{context}");
    assert_eq!(connection(found.connection), sum, "{context}");
    answer
}

/// Two ways to say one thing made one. Where a load balancer has several addresses and a filter
/// admits some of them, the reference says that a branch is conditional, or comes back on some
/// paths; the program has a branch for each.
pub fn canonical(answer: &FlowAnswer) -> BTreeSet<Branch> {
    let mut out: BTreeSet<Branch> = BTreeSet::new();
    for branch in &answer.branches {
        if branch.verdict == Fate::Leaves {
            // the reference does not ask how our side would bring such replies back
            out.insert(Branch { reply: Reply::Unknown, ..branch.clone() });
            continue;
        }
        let varies = branch.verdict == Fate::Conditional
            && branch.reason.as_deref() != Some("asymmetric_eni_reply");
        if varies {
            let reason = branch.reason.clone();
            out.insert(Branch { verdict: Fate::Delivered, reason: None, ..branch.clone() });
            let (target, public_ips, reply) = (None, BTreeSet::new(), Reply::NoRequest);
            out.insert(Branch { verdict: Fate::Dropped, reason, target, public_ips, reply });
        } else {
            out.insert(branch.clone());
        }
    }
    let same_way = |a: &Branch, b: &Branch| {
        (a.verdict, &a.reason, &a.target, &a.public_ips)
            == (b.verdict, &b.reason, &b.target, &b.public_ips)
    };
    let all: Vec<Branch> = out.into_iter().collect();
    let merged = all.iter().map(|branch| {
        let replies: BTreeSet<&Reply> =
            all.iter().filter(|b| same_way(b, branch)).map(|b| &b.reply).collect();
        let reply = match replies.len() {
            1 => branch.reply.clone(),
            _ => Reply::SomePaths,
        };
        Branch { reply, ..branch.clone() }
    });
    merged.collect()
}

/// Both directions, where the reference judges them (see [`canonical`]).
pub fn comparable(answer: &FlowAnswer) -> Option<Connection> {
    let leaves = answer.branches.iter().any(|branch| branch.verdict == Fate::Leaves);
    (!leaves).then_some(answer.connection)
}

/// The same knobs in the program's terms.
pub fn assume(knobs: Knobs) -> Assume {
    let mut assume = Assume::default();
    if knobs.lb_l4_backend_sg == BackendSg::ClientIp {
        assume.lb_l4_backend_sg = fabric::LbL4BackendSg::ClientIp;
    }
    if !knobs.empty_white_acl_forwards {
        assume.empty_white_acl = fabric::EmptyWhiteAcl::DropAll;
    }
    if knobs.nacl_on_nat_vswitch {
        assume.nacl_on_nat_vswitch = fabric::NaclOnNatVswitch::Apply;
    }
    if knobs.pl_clb_source == PlSource::Unknown {
        assume.pl_clb_source = fabric::PlClbSource::Unknown;
    }
    if knobs.all_unhealthy_forwards {
        assume.all_unhealthy = fabric::AllUnhealthy::Forward;
    }
    if !knobs.forwarder_filters {
        assume.forwarder_filters = fabric::ForwarderFilters::Ignore;
    }
    if !knobs.dnat_ip_map_bypasses_routes {
        assume.dnat_ip_map_bypasses_routes = fabric::DnatBypass::Never;
    }
    if knobs.smtp_waiver {
        assume.smtp_25 = fabric::Smtp25::Open;
    }
    assume.internet_mode = knobs.internet_mode.map(|mode| match mode {
        Mode::Direct => fabric::InternetMode::Direct,
        Mode::Central => fabric::InternetMode::Central,
        Mode::Private => fabric::InternetMode::Private,
    });
    assume
}
