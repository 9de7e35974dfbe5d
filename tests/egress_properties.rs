//! Properties of egress on random topologies (the table in `tests/README.md` names them all).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod oracle;

use std::collections::BTreeMap;
use std::net::IpAddr;

use oracle::build::Built;
use oracle::engine::{Engine, contradiction, is_partition};
use oracle::generate::{Names, Sketch, add_unrelated_vpc, partial_sketch, sketch};
use oracle::world::World;
use oracle::{Answer, egress};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use vpclint::analyze::egress::EgressClass;
use vpclint::topology::Topology;

fn cases(n: u32) -> ProptestConfig {
    let regressions = FileFailurePersistence::Direct("tests/proptest-regressions/egress.txt");
    ProptestConfig {
        cases: n,
        failure_persistence: Some(Box::new(regressions)),
        ..ProptestConfig::default()
    }
}

/// Every answer of the reference, by source and destination.
fn answers(sketch: &Sketch, names: Names, change: impl Fn(&World) -> Topology) -> Vec<Answer> {
    let built = sketch.build(names);
    let topology = change(&built.world);
    let mut out = Vec::new();
    for source in &built.sources {
        for dst in &built.destinations {
            out.push(egress(&topology, &source.eni, source.address, *dst));
        }
    }
    out
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn the_reference_is_total_and_deterministic(sketch in partial_sketch()) {
        let first = answers(&sketch, Names::Plain, World::build);
        let second = answers(&sketch, Names::Plain, World::build);
        prop_assert_eq!(first, second);
    }

    #[test]
    fn the_reference_does_not_depend_on_order_names_or_strangers(sketch in sketch()) {
        let plain = answers(&sketch, Names::Plain, World::build);
        let reversed = answers(&sketch, Names::Plain, |w| w.build_in_order(true));
        prop_assert_eq!(&plain, &reversed, "order of the input");
        let renamed = answers(&sketch, Names::Reversed, World::build);
        prop_assert_eq!(&plain, &renamed, "names");
        let strangers = answers(&sketch, Names::Plain, |w| add_unrelated_vpc(w.clone()).build());
        prop_assert_eq!(&plain, &strangers, "an unrelated VPC");
    }

    #[test]
    fn what_the_reference_does_not_know_never_flips_an_answer(sketch in partial_sketch()) {
        let whole = answers(&sketch, Names::Plain, |w| {
            let mut whole = w.clone();
            whole.missing.clear();
            whole.build()
        });
        let partial = answers(&sketch, Names::Plain, World::build);
        let hollow = answers(&sketch, Names::Plain, |w| w.clone().without_rows().build());
        for (whole, less) in whole.iter().zip(partial).chain(whole.iter().zip(hollow)) {
            prop_assert!(less.is_unknown() || less.outcomes == whole.outcomes, "{less:?} for {whole:?}");
        }
    }
}

/// First, middle and last address of every range of a class.
fn samples(class: &EgressClass) -> Vec<IpAddr> {
    let family = class.destinations.family();
    let ranges = class.destinations.ranges().iter();
    ranges
        .flat_map(|r| [r.first, r.first + (r.last - r.first) / 2, r.last])
        .map(|number| family.address(number))
        .collect()
}

/// The program agrees with the reference on a topology: every source and destination.
fn agree(built: &Built, topology: &Topology) -> Result<(), TestCaseError> {
    let engine = Engine::new(topology);
    for source in &built.sources {
        let (eni, src) = (source.eni.as_str(), source.address);
        if !engine.has_source(eni, src) {
            // the private address that a BINDED EIP replaces
            prop_assert!(built.replaced(eni), "no source {} {}", eni, src);
            continue;
        }
        for dst in &built.destinations {
            let expected = egress(topology, eni, src, *dst);
            let walked = engine.egress(eni, src, *dst);
            prop_assert_eq!(
                &walked.outcomes,
                &expected.outcomes,
                "walk {} {} -> {}",
                eni,
                src,
                dst
            );
        }
        let answer = engine.source(eni, src);
        prop_assert!(is_partition(answer), "classes of {} {}", eni, src);
        for class in answer.classes.iter() {
            for dst in samples(class) {
                let expected = egress(topology, eni, src, dst);
                let wrong = contradiction(class, &expected);
                prop_assert_eq!(wrong, None, "class {} {} -> {}", eni, src, dst);
            }
        }
    }
    Ok(())
}

/// The answer for every source, without ids.
fn fates(built: &Built, topology: &Topology) -> Vec<String> {
    let engine = Engine::new(topology);
    let mut out = Vec::new();
    for source in &built.sources {
        if !engine.has_source(&source.eni, source.address) {
            out.push("no source".to_owned());
            continue;
        }
        let answer = engine.source(&source.eni, source.address);
        let mut classes: Vec<String> = answer
            .classes
            .iter()
            .map(|c| {
                let (ips, partial) = (&c.public_ips, c.partial);
                let reason = c.reason.map(|r| r.name());
                format!("{} {} {reason:?} {ips:?} {partial}", c.destinations, c.verdict)
            })
            .collect();
        classes.sort();
        let (ips, uniform) = (&answer.public_ips, answer.uniform);
        out.push(format!("{} {ips:?} {uniform} {}", answer.verdict, classes.join("; ")));
    }
    out
}

/// The first pair that differs.
fn difference<'a>(left: &'a [String], right: &'a [String]) -> Option<(&'a String, &'a String)> {
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).find(|(left, right)| left != right)
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn program_and_reference_agree(sketch in sketch()) {
        let built = sketch.build(Names::Plain);
        agree(&built, &built.world.build())?;
    }

    #[test]
    fn the_program_does_not_depend_on_order_names_or_strangers(sketch in partial_sketch()) {
        let plain = sketch.build(Names::Plain);
        let renamed = sketch.build(Names::Reversed);
        let expected = fates(&plain, &plain.world.build());
        let again = fates(&plain, &plain.world.build());
        prop_assert_eq!(difference(&expected, &again), None, "twice");
        let reversed = fates(&plain, &plain.world.build_in_order(true));
        prop_assert_eq!(difference(&expected, &reversed), None, "order of the input");
        let renamed = fates(&renamed, &renamed.world.build());
        prop_assert_eq!(difference(&expected, &renamed), None, "names");
        let strangers = fates(&plain, &add_unrelated_vpc(plain.world.clone()).build());
        prop_assert_eq!(difference(&expected, &strangers), None, "an unrelated VPC");
    }

    #[test]
    fn what_the_program_does_not_know_never_flips_an_answer(sketch in partial_sketch()) {
        let built = sketch.build(Names::Plain);
        let mut whole = built.world.clone();
        whole.missing.clear();
        let whole = whole.build();
        for less in [built.world.build(), built.world.clone().without_rows().build()] {
            let engine = Engine::new(&less);
            for source in &built.sources {
                let (eni, src) = (source.eni.as_str(), source.address);
                // without EIPs nothing says that a cut-through address is a source
                if !engine.has_source(eni, src) {
                    continue;
                }
                for dst in &built.destinations {
                    let walked = engine.egress(eni, src, *dst);
                    let wrong = contradiction(engine.class(eni, src, *dst), &walked);
                    prop_assert_eq!(wrong, None, "class {} {} -> {}", eni, src, dst);
                    let at_least = egress(&less, eni, src, *dst);
                    if at_least.is_unknown() {
                        let truth = egress(&whole, eni, src, *dst);
                        prop_assert!(
                            walked.is_unknown() || walked.outcomes == truth.outcomes,
                            "{} {} -> {}: {:?} for {:?}", eni, src, dst, walked, truth
                        );
                    } else {
                        prop_assert_eq!(
                            &walked.outcomes, &at_least.outcomes,
                            "known: {} {} -> {}", eni, src, dst
                        );
                    }
                }
            }
        }
    }
}

/// Guards the tests above against a generator that stops making interesting topologies.
#[test]
fn the_generator_reaches_every_outcome() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::new();
    let mut several = 0;
    for _ in 0..400 {
        let sketch = partial_sketch().new_tree(&mut runner).unwrap().current();
        for answer in answers(&sketch, Names::Plain, World::build) {
            several += usize::from(answer.outcomes.len() > 1);
            for ((verdict, reason), _) in answer.outcomes {
                *seen.entry(reason.unwrap_or_else(|| format!("{verdict:?}"))).or_insert(0) += 1;
            }
        }
    }
    let wanted = [
        "Delivered",
        "Exits",
        "Leaves",
        "Unknown",
        "bad_nexthop",
        "cut_through_no_private",
        "cut_through_unsupported",
        "dead_nexthop",
        "dst_not_routable",
        "ecr_not_transitive",
        "forwarder_disabled",
        "ipv4gw_inactive",
        "nat_no_eip",
        "nat_no_snat_entry",
        "nat_not_available",
        "nat_vswitch_not_public",
        "no_public_ip_at_ipv4gw",
        "no_route",
        "peer_inactive",
        "peer_not_transitive",
        "private_dst_at_internet_gw",
        "routing_loop",
        "snat_ip_unbound",
        "tr_no_association",
        "tr_no_route",
        "vpc_private_mode",
    ];
    let rare: Vec<&str> =
        wanted.into_iter().filter(|key| seen.get(*key).is_none_or(|n| *n < 3)).collect();
    assert!(rare.is_empty(), "hardly ever: {rare:?} in {seen:#?}");
    assert!(several > 3, "{several} answers with several outcomes");
}
