//! Properties of egress classes on random topologies with security groups and network ACLs: the
//! classes are disjoint boxes of destinations and services that cover everything, a packet meets the
//! fate of the class that holds it, and what is missing never flips an answer.
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
use std::net::IpAddr;

use oracle::build::Built;
use oracle::generate::{Names, Sketch, sketch};
use oracle::generate_filters::{FilterSketch, filters, partial_filters};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use vpclint::addr::{AddrSet, Family};
use vpclint::analyze::egress::{EgressClass, EgressReport, SourceEgress, SourceVerdict, analyze};
use vpclint::fabric::{Assume, Fabric, OwnPublic, SourcePoint};
use vpclint::packet::{Packet, Protocol, Service, ServiceSet};
use vpclint::simulate::{Mode, Outcome, Public, Verdict, start, walk};
use vpclint::topology::{AddrValue, Topology};

fn cases(n: u32) -> ProptestConfig {
    let regressions = FileFailurePersistence::Direct("tests/proptest-regressions/filters.txt");
    ProptestConfig {
        cases: n,
        failure_persistence: Some(Box::new(regressions)),
        ..ProptestConfig::default()
    }
}

struct Answers {
    fabric: Fabric,
    report: EgressReport,
}

impl Answers {
    fn of(topology: &Topology) -> Self {
        let fabric = Fabric::compile(topology, &Assume::default());
        let report = analyze(&fabric);
        Self { fabric, report }
    }

    fn sources(&self) -> impl Iterator<Item = (&SourcePoint, &SourceEgress)> {
        self.fabric.sources.iter().zip(&self.report.sources)
    }

    fn walk(&self, point: &SourcePoint, dst: IpAddr, service: Service) -> Vec<Outcome> {
        let src = point.address.addr().unwrap_or(dst);
        let packet = Packet::of_service(src, dst, service);
        walk(&self.fabric, &start(point, &packet), &Mode::default()).outcomes()
    }
}

/// Every place where membership of some class changes: the first addresses of ranges, and those
/// right behind their ends.
fn edges(source: &SourceEgress) -> BTreeSet<u128> {
    let ranges = source.classes.iter().flat_map(|class| class.destinations.ranges());
    ranges.flat_map(|r| [Some(r.first), r.last.checked_add(1)]).flatten().collect()
}

/// The classes are disjoint, and cover all services of all destinations.
fn check_partition(source: &SourceEgress) -> Result<(), TestCaseError> {
    let family = source.address.addr().map_or(Family::V4, Family::of);
    let all = source
        .classes
        .iter()
        .fold(AddrSet::empty(family), |all, class| all.union(&class.destinations));
    prop_assert_eq!(all, AddrSet::full(family));
    for number in edges(source).into_iter().filter(|n| *n <= family.max()) {
        let dst = family.address(number);
        let mut covered = ServiceSet::from_ranges(vec![]);
        for class in source.classes.iter().filter(|c| c.destinations.contains(dst)) {
            let common = covered.intersect(&class.services);
            prop_assert!(common.is_empty(), "{} {}: {} twice", source.address, dst, common);
            covered = covered.union(&class.services);
        }
        prop_assert!(covered.is_all(), "{} {}: only {}", source.address, dst, covered);
    }
    Ok(())
}

/// Services to try: the ends and the middles of all ranges of the source's classes, and some more.
fn services(source: &SourceEgress) -> BTreeSet<Service> {
    let ranges = source.classes.iter().flat_map(|class| class.services.ranges().iter());
    let mut all: BTreeSet<Service> = ranges
        .flat_map(|r| [Some(r.first), Some(r.last), r.first.next(), r.last.next()])
        .flatten()
        .collect();
    for (protocol, port) in [(Protocol::Tcp, 443), (Protocol::Tcp, 5000), (Protocol::Udp, 53)] {
        all.insert(Service::new(protocol, port));
    }
    all.insert(Service::new(Protocol::Icmp, 0));
    all
}

/// Public addresses of an outcome, with the source's own filled in.
fn public(point: &SourcePoint, outcome: &Outcome) -> Option<Vec<AddrValue>> {
    match (&outcome.public, &point.own) {
        (Public::None, _) => None,
        (Public::Given(given), _) => Some(given.clone()),
        (Public::Own, OwnPublic::Held(held)) => Some(vec![held.address.clone()]),
        (Public::Own, _) => panic!("leaves under an address of its own that it lacks"),
    }
}

/// What the class says contradicts the fate of a packet in it. One unknown path makes the class
/// unknown; otherwise the best outcome stands for all.
fn contradiction(point: &SourcePoint, class: &EgressClass, found: &[Outcome]) -> Option<String> {
    let order = [Verdict::Unknown, Verdict::Exits, Verdict::Answered, Verdict::Delivered];
    let rest = [Verdict::Leaves, Verdict::Conditional, Verdict::Dropped];
    let best = order.into_iter().chain(rest).find(|v| found.iter().any(|o| o.verdict == *v))?;
    let of_best: Vec<&Outcome> = found.iter().filter(|o| o.verdict == best).collect();
    let ips: Vec<Option<Vec<AddrValue>>> = of_best.iter().map(|o| public(point, o)).collect();
    let known = ips.iter().all(Option::is_some);
    let ips: BTreeSet<AddrValue> = ips.into_iter().flatten().flatten().collect();
    let ips = if known { ips } else { BTreeSet::new() };
    let said = |list: &[AddrValue]| list.iter().cloned().collect::<BTreeSet<_>>();
    let right = class.verdict == best
        && of_best.iter().any(|outcome| outcome.reason == class.reason)
        && match best {
            Verdict::Unknown => said(&class.if_allowed) == ips && class.public_ips.is_empty(),
            _ => said(&class.public_ips) == ips && class.if_allowed.is_empty(),
        };
    (!right).then(|| format!("{class:?} for {found:?}"))
}

/// Every packet meets the fate of the one class that holds it.
fn check_fates(
    answers: &Answers,
    built: &Built,
    more: &[(u32, u16, bool)],
) -> Result<(), TestCaseError> {
    for (point, source) in answers.sources() {
        check_partition(source)?;
        let family = source.address.addr().map_or(Family::V4, Family::of);
        let mut packets: Vec<(IpAddr, Service)> = Vec::new();
        let services = services(source);
        let all: BTreeSet<IpAddr> = built.destinations.iter().copied().collect();
        let all: Vec<IpAddr> = all.into_iter().filter(|d| Family::of(*d) == family).collect();
        // every service somewhere, every destination with some service
        for (n, service) in services.iter().enumerate() {
            packets.extend(all.iter().skip(n % 7).step_by(7).map(|dst| (*dst, *service)));
        }
        for (n, number) in edges(source).into_iter().filter(|n| *n <= family.max()).enumerate() {
            let service = services.iter().nth(n % services.len()).unwrap();
            packets.push((family.address(number), *service));
        }
        if family == Family::V4 {
            packets.extend(more.iter().map(|(dst, port, tcp)| {
                let protocol = if *tcp { Protocol::Tcp } else { Protocol::Udp };
                (IpAddr::V4((*dst).into()), Service::new(protocol, *port))
            }));
        }
        for (dst, service) in packets {
            let holds =
                |c: &&EgressClass| c.destinations.contains(dst) && c.services.contains(service);
            let class = source.classes.iter().find(holds).unwrap();
            let wrong = contradiction(point, class, &answers.walk(point, dst, service));
            prop_assert_eq!(wrong, None, "{} -> {} {:?}", source.address, dst, service);
        }
    }
    Ok(())
}

/// The answers in words without ids, by address. Which of two equal rules decides may depend on ids,
/// and with it where classes end, so they are compared packet by packet.
fn fates(topology: &Topology, built: &Built) -> BTreeMap<String, Vec<String>> {
    let answers = Answers::of(topology);
    let ports = [(Protocol::Tcp, 80), (Protocol::Tcp, 443), (Protocol::Tcp, 5000)];
    let more =
        [(Protocol::Udp, 53), (Protocol::Udp, 5000), (Protocol::Icmp, 0), (Protocol::Gre, 0)];
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, source) in answers.sources() {
        let (ips, uniform) = (&source.public_ips, source.uniform);
        let mut said = vec![format!("{} {ips:?} {uniform}", source.verdict)];
        for dst in built.destinations.iter().step_by(3) {
            for (protocol, port) in ports.iter().chain(&more) {
                let service = Service::new(*protocol, *port);
                let holds = |c: &&EgressClass| {
                    c.destinations.contains(*dst) && c.services.contains(service)
                };
                let class = source.classes.iter().find(holds);
                let fate =
                    class.map(|c| (c.verdict, c.reason, &c.public_ips, &c.if_allowed, c.partial));
                said.push(format!("{dst} {protocol} {port} {fate:?}"));
            }
        }
        let source = format!("{} {}", source.address, source.role);
        out.entry(source).or_default().push(said.join("; "));
    }
    out.values_mut().for_each(|all| all.sort());
    out
}

fn built(sketch: &Sketch) -> Built {
    sketch.build(Names::Plain)
}

/// Fates that a missing fact must not change into another: verdicts with their addresses.
fn known(point: &SourcePoint, found: &[Outcome]) -> BTreeSet<(Verdict, Option<Vec<AddrValue>>)> {
    found.iter().map(|outcome| (outcome.verdict, public(point, outcome))).collect()
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn classes_are_the_fates_of_their_packets(
        sketch in sketch(),
        filters in filters(),
        more in prop::collection::vec(any::<(u32, u16, bool)>(), 24),
    ) {
        let built = built(&sketch);
        let answers = Answers::of(&filters.put_on(&built, Names::Plain).build());
        check_fates(&answers, &built, &more)?;
    }

    #[test]
    fn they_are_when_filters_are_missing(
        sketch in sketch(),
        filters in partial_filters(),
        more in prop::collection::vec(any::<(u32, u16, bool)>(), 24),
    ) {
        let built = built(&sketch);
        let world = filters.take_gaps(filters.put_on(&built, Names::Plain));
        check_fates(&Answers::of(&world.build()), &built, &more)?;
    }

    #[test]
    fn missing_filters_never_flip_an_answer(sketch in sketch(), filters in partial_filters()) {
        let built = built(&sketch);
        let whole = filters.put_on(&built, Names::Plain);
        let less = Answers::of(&filters.take_gaps(whole.clone()).build());
        let whole = Answers::of(&whole.build());
        for (point, source) in less.sources() {
            let same = |(p, _): &(&SourcePoint, &SourceEgress)| {
                p.eni.id == point.eni.id && p.address == point.address
            };
            let Some((true_point, true_source)) = whole.sources().find(same) else { continue };
            for dst in &built.destinations {
                for service in services(true_source) {
                    let found = less.walk(point, *dst, service);
                    if found.iter().any(|o| o.verdict == Verdict::Unknown) {
                        continue;
                    }
                    let truth = whole.walk(true_point, *dst, service);
                    prop_assert_eq!(
                        known(point, &found), known(true_point, &truth),
                        "{} -> {} {:?}: {:?} for {:?}", source.address, dst, service, found, truth
                    );
                }
            }
        }
    }

    #[test]
    fn order_and_names_do_not_matter(sketch in sketch(), filters in partial_filters()) {
        let (plain, renamed) = (sketch.build(Names::Plain), sketch.build(Names::Reversed));
        let on = |built, names| filters.take_gaps(filters.put_on(built, names));
        let world = on(&plain, Names::Plain);
        let expected = fates(&world.build(), &plain);
        prop_assert_eq!(&expected, &fates(&world.build_in_order(true), &plain), "order");
        let renamed = on(&renamed, Names::Reversed).build();
        prop_assert_eq!(&expected, &fates(&renamed, &plain), "names");
    }
}

fn count(filters: &FilterSketch, sketch: &Sketch, seen: &mut BTreeMap<String, usize>) {
    let world = filters.take_gaps(filters.put_on(&built(sketch), Names::Plain));
    for (_, source) in Answers::of(&world.build()).sources() {
        *seen.entry(format!("source {}", source.verdict)).or_default() += 1;
        let some_services = source.verdict == SourceVerdict::Exits
            && source.public_classes().any(|class| !class.services.is_all());
        *seen.entry("exits with some services".to_owned()).or_default() +=
            usize::from(some_services);
        for class in source.classes.iter() {
            let fate = class.reason.map_or(class.verdict.name(), |reason| reason.name());
            *seen.entry(fate.to_owned()).or_default() += 1;
            let open = class.verdict == Verdict::Unknown && !class.if_allowed.is_empty();
            *seen.entry("if allowed".to_owned()).or_default() += usize::from(open);
            let ports = class.notes.iter().any(|note| note.starts_with("holds for client ports"));
            *seen.entry("client ports".to_owned()).or_default() += usize::from(ports);
        }
    }
}

/// Guards the tests above against a generator that stops making interesting filters.
#[test]
fn the_generator_reaches_every_outcome() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::new();
    for _ in 0..200 {
        let sketch = sketch().new_tree(&mut runner).unwrap().current();
        let whole = filters().new_tree(&mut runner).unwrap().current();
        let partial = partial_filters().new_tree(&mut runner).unwrap().current();
        count(&whole, &sketch, &mut seen);
        count(&partial, &sketch, &mut seen);
    }
    let wanted = [
        "sg_egress_denied",
        "nacl_egress_denied",
        "exits",
        "unknown",
        "if allowed",
        "client ports",
        "exits with some services",
        "source exits",
        "source mixed",
        "source none",
        "source unknown",
    ];
    let rare: Vec<&str> =
        wanted.into_iter().filter(|key| seen.get(*key).is_none_or(|n| *n < 5)).collect();
    assert!(rare.is_empty(), "hardly ever: {rare:?} in {seen:#?}");
}
