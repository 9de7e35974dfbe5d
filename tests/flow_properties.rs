//! Properties of whole flows on random topologies (the table in `tests/README.md` names them all).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod oracle;

use std::collections::{BTreeMap, BTreeSet};

use oracle::engine_flow::FlowEngine;
use oracle::expect::{CLIENT_PORT, canonical, comparable};
use oracle::flow::{Branch, Connection, End, Fate, FlowAnswer, Protocol, Question, Reply, flow};
use oracle::generate::{Names, add_unrelated_vpc, sketch};
use oracle::generate_flows::{FlowSketch, flow_sketch, partial_flow_sketch, plain};
use oracle::world::World;
use oracle::{Verdict, egress};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FileFailurePersistence, RngSeed, TestRunner};
use vpclint::topology::{NextHop, NextHopType, Topology};

fn cases(n: u32) -> ProptestConfig {
    let regressions = FileFailurePersistence::Direct("tests/proptest-regressions/flow.txt");
    // one seed, so that a run says something about the change at hand; PROPTEST_RNG_SEED and
    // PROPTEST_CASES search further
    let default = ProptestConfig::default();
    let chosen = std::env::var_os("PROPTEST_RNG_SEED").is_some();
    ProptestConfig {
        rng_seed: if chosen { default.rng_seed } else { RngSeed::Fixed(20_261_120) },
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { n },
        failure_persistence: Some(Box::new(regressions)),
        ..default
    }
}

/// Branches with the ids that things have under the plain naming.
fn branches(answer: &FlowAnswer) -> BTreeSet<Branch> {
    let rename = |branch: &Branch| {
        let mut branch = branch.clone();
        if let Some(target) = &mut branch.target {
            target.id = plain(&target.id);
        }
        branch
    };
    answer.branches.iter().map(rename).collect()
}

fn answers(
    sketch: &FlowSketch,
    names: Names,
    change: impl Fn(&World) -> Topology,
) -> Vec<FlowAnswer> {
    let built = sketch.build(names);
    let topology = change(&built.world);
    built.questions.iter().map(|question| flow(&topology, question)).collect()
}

fn fates(answers: &[FlowAnswer]) -> Vec<BTreeSet<Branch>> {
    answers.iter().map(branches).collect()
}

/// Branches without the reasons of drops: with less known, a drop may be for a later reason.
fn without_reasons(answer: &FlowAnswer) -> BTreeSet<Branch> {
    let strip = |branch: &Branch| {
        let mut branch = branch.clone();
        if branch.verdict == Fate::Dropped {
            branch.reason = None;
        }
        branch
    };
    answer.branches.iter().map(strip).collect()
}

/// What becomes of the flow where nothing stops it.
fn arriving(answer: &FlowAnswer) -> BTreeSet<Branch> {
    let arrives = canonical(answer).into_iter().filter(|branch| branch.verdict != Fate::Dropped);
    let lost = |reason: &str| matches!(reason, "reply_no_route" | "reply_path_mismatch");
    arrives
        .map(|branch| match &branch.reply {
            Reply::None(reason) if lost(reason) => {
                Branch { reply: Reply::None("reply_lost".to_owned()), ..branch }
            }
            _ => branch,
        })
        .collect()
}

/// What stops it.
fn drops(answer: &FlowAnswer) -> Vec<String> {
    let dropped = canonical(answer).into_iter().filter(|b| b.verdict == Fate::Dropped);
    dropped.filter_map(|branch| branch.reason).collect()
}

/// The reference judges each filter by itself when a load balancer has several addresses; the
/// program follows each address through all of them.
fn is_coarse(answer: &FlowAnswer) -> bool {
    answer.branches.iter().any(|branch| {
        let varies = branch.verdict == Fate::Conditional
            && branch.reason.as_deref() != Some("asymmetric_eni_reply");
        varies || branch.reply == Reply::SomePaths
    })
}

/// Two DNAT entries for one external address: which of them counts is not documented.
fn maps_twice(topology: &Topology) -> bool {
    let mut seen = BTreeSet::new();
    let external = topology.dnat_entries.iter().filter_map(|entry| {
        let port = entry.external_port.as_ref().map(|port| format!("{port:?}"));
        Some((entry.external_ip.clone()?, port))
    });
    external.into_iter().any(|key| !seen.insert(key))
}

/// What the two are not compared for.
///
/// From one address of an ENI to another of the same: the guest keeps such packets to itself.
///
/// Also Internet clients in a block that some VPC calls its own: whether they are outside is not
/// one question for both.
///
/// And topologies that map one host twice: which mapping its replies take is not documented.
fn is_out_of_scope(topology: &Topology, question: &Question) -> bool {
    let mut mapped = BTreeSet::new();
    let twice = topology
        .dnat_entries
        .iter()
        .filter(|entry| entry.is_ip_mapping())
        .filter_map(|entry| entry.internal_ip.as_ref()?.addr())
        .any(|internal| !mapped.insert(internal));
    if twice || maps_twice(topology) {
        return true;
    }
    // the reference asks for the gateway itself as next hop of a reply, the program follows it there
    let inspected = topology.route_entries.iter().flat_map(|e| e.next_hops.iter().flatten());
    let inspects = |hop: &NextHop| {
        let kind = &hop.hop_type;
        matches!(kind, NextHopType::GatewayLoadBalancerEndpoint | NextHopType::RouteTargetGroup)
    };
    if inspected.into_iter().any(inspects) {
        return true;
    }
    let user = topology.vpcs.iter().flat_map(|vpc| vpc.user_cidrs.iter().flatten());
    let mut user = user.filter_map(|cidr| cidr.cidr());
    if let End::Internet(client) = question.from {
        return user.any(|cidr| cidr.contains(client));
    }
    let End::Host { eni, .. } = &question.from else { return false };
    let owner = topology.enis.get(eni);
    let havips = topology.havips.iter().filter(|havip| {
        let master = havip.master.clone().flatten();
        master.is_some_and(|master| {
            Some(&Some(master.clone())) == owner.and_then(|o| o.instance.as_ref())
                || master.as_str() == eni
        })
    });
    let to = question.to.ip();
    if havips.into_iter().any(|h| h.address.as_ref().and_then(|a| a.addr()) == Some(to)) {
        return true;
    }
    let ips = owner.and_then(|eni| eni.private_ips.as_ref());
    ips.into_iter().flatten().any(|ip| ip.address.addr() == Some(question.to.ip()))
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn the_reference_is_total_and_deterministic(sketch in partial_flow_sketch()) {
        let first = answers(&sketch, Names::Plain, World::build);
        let second = answers(&sketch, Names::Plain, World::build);
        prop_assert_eq!(first, second);
    }

    #[test]
    fn the_reference_does_not_depend_on_order_names_or_strangers(sketch in flow_sketch()) {
        prop_assume!(!maps_twice(&sketch.build(Names::Plain).world.build()));
        let plain = fates(&answers(&sketch, Names::Plain, World::build));
        let reversed = fates(&answers(&sketch, Names::Plain, |w| w.build_in_order(true)));
        prop_assert_eq!(&plain, &reversed, "order of the input");
        let renamed = fates(&answers(&sketch, Names::Reversed, World::build));
        prop_assert_eq!(&plain, &renamed, "names");
        let strangers =
            fates(&answers(&sketch, Names::Plain, |w| add_unrelated_vpc(w.clone()).build()));
        prop_assert_eq!(&plain, &strangers, "an unrelated VPC");
    }

    #[test]
    fn what_the_reference_does_not_know_never_flips_an_answer(sketch in partial_flow_sketch()) {
        let whole = answers(&sketch, Names::Plain, |w| {
            let mut whole = w.clone();
            whole.missing.clear();
            whole.build()
        });
        let partial = answers(&sketch, Names::Plain, World::build);
        for (whole, less) in whole.iter().zip(&partial) {
            prop_assert!(
                less.is_unknown() || without_reasons(less) == without_reasons(whole),
                "{less:?} for {whole:?}"
            );
        }
    }

    /// The program and the reference agree on every flow, there and back.
    #[test]
    fn the_program_agrees_with_the_reference(sketch in flow_sketch()) {
        let built = sketch.build(Names::Plain);
        let topology = built.world.build();
        let engine = FlowEngine::new(&topology);
        for question in &built.questions {
            let truth = flow(&topology, question);
            if is_out_of_scope(&topology, question) {
                continue;
            }
            let Some(found) = engine.flow(question) else { continue };
            if is_coarse(&truth) {
                continue;
            }
            // a flow that fails may be said to fail there or on the way back
            let fails = Connection::Fails;
            if found.connection != fails || truth.connection != fails {
                prop_assert_eq!(
                    (arriving(&found), comparable(&found)),
                    (arriving(&truth), comparable(&truth)),
                    "{:?}, program {:?}, reference {:?}",
                    question, found, truth
                );
            }
            // of several things that stop a packet the two may meet another first, where the
            // documents give no order; the program finds them all
            let reasons = engine.reasons(question);
            for reason in drops(&truth) {
                prop_assert!(
                    reasons.contains(reason.as_str()),
                    "{question:?}: {reason} is not among {reasons:?}"
                );
            }
        }
    }

    /// With listings missing the program either does not know or says what is true of the whole.
    #[test]
    fn missing_listings_never_flip_an_answer_of_the_program(sketch in partial_flow_sketch()) {
        let built = sketch.build(Names::Plain);
        let mut whole = built.world.clone();
        whole.missing.clear();
        let (whole, partial) = (whole.build(), built.world.build());
        let engine = FlowEngine::new(&partial);
        for question in &built.questions {
            let truth = flow(&whole, question);
            if is_out_of_scope(&whole, question) {
                continue;
            }
            let Some(found) = engine.flow(question) else { continue };
            // the reference stops where it does not know, the program may find a drop behind it
            if is_coarse(&truth) || truth.is_unknown() {
                continue;
            }
            prop_assert!(
                found.is_unknown() || comparable(&found) == comparable(&truth),
                "{question:?}: {found:?} for {truth:?}; without {:?}; program on the whole {:?}",
                built.world.missing, FlowEngine::new(&whole).flow(question)
            );
        }
    }

    /// Splitting a block of a rule or entry in two halves changes nothing.
    #[test]
    fn halves_of_a_block_are_the_block(sketch in flow_sketch()) {
        let plain = fates(&answers(&sketch, Names::Plain, World::build));
        let split = fates(&answers(&sketch, Names::Plain, |w| split_blocks(w).build()));
        prop_assert_eq!(plain, split);
    }

    /// Without filters the way there is that of the egress reference.
    #[test]
    fn without_filters_a_flow_goes_where_egress_says(sketch in sketch()) {
        let built = sketch.build(Names::Plain);
        let topology = built.world.build();
        for source in &built.sources {
            for dst in &built.destinations {
                let question = Question {
                    from: End::Host { eni: source.eni.clone(), ip: source.address },
                    to: End::Address(*dst),
                    protocol: Protocol::Tcp,
                    src_port: CLIENT_PORT,
                    dst_port: 443,
                };
                let there = flow(&topology, &question);
                let expected = egress(&topology, &source.eni, source.address, *dst);
                // egress does not look at who is at the other end
                let arrives = |b: &Branch| {
                    matches!(b.reason.as_deref(), Some("no_such_host" | "no_dnat_entry"))
                };
                let ours = built.world.eips.values().any(|e| {
                    e.address.as_ref().and_then(|a| a.addr()) == Some(*dst)
                });
                if ours || topology.instances.iter().any(|i| {
                    i.public_ips.iter().flatten().any(|a| a.addr() == Some(*dst))
                }) {
                    continue;
                }
                let mut outcomes: BTreeMap<(Verdict, Option<String>), BTreeSet<String>> = BTreeMap::new();
                for branch in &there.branches {
                    let verdict = match branch.verdict {
                        Fate::Delivered => Verdict::Delivered,
                        _ if arrives(branch) => Verdict::Delivered,
                        Fate::Exits => Verdict::Exits,
                        Fate::Leaves => Verdict::Leaves,
                        Fate::Dropped => Verdict::Dropped,
                        _ => Verdict::Unknown,
                    };
                    let reason = branch.reason.clone().filter(|_| verdict == Verdict::Dropped);
                    outcomes.entry((verdict, reason)).or_default().extend(branch.public_ips.clone());
                }
                prop_assert_eq!(&outcomes, &expected.outcomes, "{} -> {}", source.address, dst);
            }
        }
    }
}

/// Every entry of an ACL and every rule becomes two, of half the block each.
fn split_blocks(world: &World) -> World {
    use vpclint::addr::Cidr;
    use vpclint::topology::{CidrValue, RulePeer};
    let halves = |value: &CidrValue| -> Option<[CidrValue; 2]> {
        let block = value.cidr().filter(|b| b.first().is_ipv4() && b.mask() < 32)?;
        let half = Cidr::new(block.first(), block.mask() + 1)?;
        let other = Cidr::new(block.last(), block.mask() + 1)?;
        let other: Cidr = format!("{}/{}", other.first(), other.mask()).parse().ok()?;
        Some([half, other].map(|half| CidrValue::from_text(&half.to_string())))
    };
    let mut out = world.clone();
    for acl in out.acls.values_mut() {
        for list in [&mut acl.ingress, &mut acl.egress].into_iter().flatten() {
            let entries = std::mem::take(list);
            for entry in entries {
                match entry.cidr.as_ref().and_then(halves) {
                    Some(pair) => list.extend(pair.map(|half| {
                        let mut entry = entry.clone();
                        entry.cidr = Some(half);
                        entry
                    })),
                    None => list.push(entry),
                }
            }
        }
    }
    for (id, rule) in &world.rules {
        if let Some(RulePeer::Cidr(block)) = &rule.peer
            && let Some([first, second]) = halves(block)
        {
            out.rules.get_mut(id).unwrap().peer = Some(RulePeer::Cidr(first));
            let mut other = rule.clone();
            other.meta.id = format!("{id}b").into();
            other.peer = Some(RulePeer::Cidr(second));
            out.rules.insert(format!("{id}b"), other);
        }
    }
    out
}

/// Random topologies reach what the tables reach by hand, so that the properties speak about it.
#[test]
fn random_flows_reach_every_kind_of_end() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..400 {
        let sketch = flow_sketch().new_tree(&mut runner).unwrap().current();
        for answer in answers(&sketch, Names::Plain, World::build) {
            for branch in &answer.branches {
                let end = branch.reason.clone().unwrap_or_else(|| format!("{:?}", branch.verdict));
                *seen.entry(end).or_default() += 1;
                let reply = match &branch.reply {
                    Reply::None(reason) => format!("reply {reason}"),
                    Reply::Some(_) => "reply some".to_owned(),
                    other => format!("reply {other:?}"),
                };
                *seen.entry(reply).or_default() += 1;
            }
            *seen.entry(format!("connection {:?}", answer.connection)).or_default() += 1;
        }
    }
    let wanted = [
        "Delivered",
        "Exits",
        "Answered",
        "Leaves",
        "Unknown",
        "sg_egress_denied",
        "sg_ingress_denied",
        "nacl_egress_denied",
        "nacl_ingress_denied",
        "listener_acl_denied",
        "no_listener",
        "no_backend",
        "clb_hairpin",
        "endpoint_not_connected",
        "platform_smtp_25",
        "no_such_host",
        "no_dnat_entry",
        "ip_unbound",
        "eip_locked",
        "dnat_target_has_public_ip",
        "asymmetric_eni_reply",
        "reply_path_mismatch",
        "peer_inactive",
        "peer_not_transitive",
        "reply All",
        "reply some",
        "reply nacl_egress_denied",
        "reply nacl_ingress_denied",
        "reply reply_no_route",
        "reply reply_path_mismatch",
        "connection Works",
        "connection Fails",
        "connection Partial",
        "connection Unknown",
    ];
    let absent: Vec<&str> = wanted.into_iter().filter(|w| !seen.contains_key(*w)).collect();
    assert!(absent.is_empty(), "never seen: {absent:?}, seen: {seen:?}");
}
