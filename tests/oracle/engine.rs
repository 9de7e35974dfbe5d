//! The program's answers in the reference's terms. Nothing of the reference is used here but its
//! types.

use std::collections::BTreeSet;
use std::net::IpAddr;

use vpclint::addr::{AddrSet, Family};
use vpclint::analyze::egress::{EgressClass, EgressReport, SourceEgress, analyze};
use vpclint::fabric::{Assume, Fabric, OwnPublic, SourcePoint};
use vpclint::packet::Packet;
use vpclint::simulate::{Mode, Public, Verdict as EngineVerdict, start, walk};
use vpclint::topology::Topology;

use super::{Answer, Verdict};

/// A compiled topology and its egress classes.
pub struct Engine {
    pub fabric: Fabric,
    pub report: EgressReport,
}

fn verdict(verdict: EngineVerdict) -> Verdict {
    match verdict {
        EngineVerdict::Exits => Verdict::Exits,
        EngineVerdict::Delivered | EngineVerdict::Answered => Verdict::Delivered,
        EngineVerdict::Leaves => Verdict::Leaves,
        EngineVerdict::Dropped => Verdict::Dropped,
        EngineVerdict::Unknown | EngineVerdict::Conditional => Verdict::Unknown,
    }
}

impl Engine {
    pub fn new(topology: &Topology) -> Self {
        let fabric = Fabric::compile(topology, &Assume::default());
        let report = analyze(&fabric);
        Self { fabric, report }
    }

    fn point(&self, eni: &str, src: IpAddr) -> Option<&SourcePoint> {
        let mut all = self.fabric.sources.iter();
        all.find(|s| s.eni.id.as_str() == eni && s.address.addr() == Some(src))
    }

    /// True when the program takes this address of this ENI for a source.
    pub fn has_source(&self, eni: &str, src: IpAddr) -> bool {
        self.point(eni, src).is_some()
    }

    /// The concrete walk.
    pub fn egress(&self, eni: &str, src: IpAddr, dst: IpAddr) -> Answer {
        let point = self.point(eni, src).unwrap_or_else(|| panic!("no source {eni} {src}"));
        let mut answer = Answer::default();
        let packet = Packet::witness(point.address.addr().unwrap_or(dst), dst);
        let walked = walk(&self.fabric, &start(point, &packet), &Mode::default());
        for outcome in walked.outcomes() {
            let reason = outcome.reason.map(|r| r.name().to_owned());
            let ips = answer.outcomes.entry((verdict(outcome.verdict), reason)).or_default();
            match (&outcome.public, &point.own) {
                (Public::None, _) => {}
                (Public::Given(given), _) => ips.extend(given.iter().map(ToString::to_string)),
                (Public::Own, OwnPublic::Held(held)) => {
                    ips.insert(held.address.to_string());
                }
                (Public::Own, _) => panic!("leaves under an address of its own that it lacks"),
            }
            answer.notes.extend(outcome.notes.iter().map(ToString::to_string));
        }
        answer
    }

    /// The classes of a source.
    pub fn source(&self, eni: &str, src: IpAddr) -> &SourceEgress {
        let mut all = self.report.sources.iter();
        all.find(|s| s.eni.id.as_str() == eni && s.address.addr() == Some(src)).unwrap()
    }

    /// The class that holds a destination.
    pub fn class(&self, eni: &str, src: IpAddr, dst: IpAddr) -> &EgressClass {
        let mut all = self.source(eni, src).classes.iter();
        all.find(|class| class.destinations.contains(dst)).unwrap()
    }
}

/// What a class says of its destinations contradicts what becomes of one of them; `None` when it
/// does not. One unknown path makes the class unknown; otherwise the best outcome stands for all.
pub fn contradiction(class: &EgressClass, answer: &Answer) -> Option<String> {
    let order =
        [Verdict::Unknown, Verdict::Exits, Verdict::Delivered, Verdict::Leaves, Verdict::Dropped];
    let best = order
        .into_iter()
        .find(|v| answer.outcomes.keys().any(|(verdict, _)| verdict == v))
        .unwrap();
    let reasons: BTreeSet<Option<&str>> = answer
        .outcomes
        .keys()
        .filter(|(verdict, _)| *verdict == best)
        .map(|(_, reason)| reason.as_deref())
        .collect();
    let ips: BTreeSet<String> = class.public_ips.iter().map(ToString::to_string).collect();
    let expected = if best == Verdict::Exits { answer.public_ips() } else { BTreeSet::new() };
    let reason = class.reason.map(|r| r.name());
    let same = verdict(class.verdict) == best
        && reasons.contains(&reason)
        && ips == expected
        && class.partial == (answer.outcomes.len() > 1);
    (!same).then(|| {
        let partial = if class.partial { " on some paths" } else { "" };
        format!("class {} {reason:?} {ips:?}{partial} for {answer:?}", class.verdict)
    })
}

/// The classes are disjoint and cover the whole space.
pub fn is_partition(source: &SourceEgress) -> bool {
    let family = source.address.addr().map_or(Family::V4, Family::of);
    let mut covered = AddrSet::empty(family);
    for class in source.classes.iter() {
        if !covered.intersect(&class.destinations).is_empty() || class.destinations.is_empty() {
            return false;
        }
        covered = covered.union(&class.destinations);
    }
    covered == AddrSet::full(family)
}
