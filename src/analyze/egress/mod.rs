//! Through which public address every source leaves, for which destinations, and why.
//!
//! Exact: destinations are cut wherever any lookup on the way could change its answer, one packet
//! is walked per piece, and pieces with the same fate are joined. The classes of a source are
//! disjoint and cover the whole address space.

mod answer;
mod partition;
mod restrict;
mod why;

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

pub use answer::{EgressClass, EgressReport, SourceEgress, SourceRole, SourceVerdict};

use crate::addr::{AddrSet, Family};
use crate::fabric::{Fabric, OwnPublic, SourcePoint, StageId};
use crate::simulate::Verdict;
use crate::topology::{AddrValue, Text};
use partition::Partition;

/// Answers for every source of a fabric.
pub fn analyze(fabric: &Fabric) -> EgressReport {
    let mut memo = Memo::default();
    EgressReport { sources: fabric.sources.iter().map(|s| answer(fabric, s, &mut memo)).collect() }
}

/// Partitions that hold for a range of sources, by what the tables can tell of a source: where its
/// packets start, and what it holds.
#[derive(Default)]
struct Memo {
    known: FxHashMap<(StageId, Family, OwnKey), Ranges>,
}

/// Partitions by the first and last address of the sources for which they hold. Two ranges never
/// overlap: what holds for both sources of a pair makes their lookups, and so their ranges, the same.
type Ranges = BTreeMap<u128, (u128, Arc<Partition>)>;

/// What a source holds, as far as a fate can depend on it.
#[derive(Clone, PartialEq, Eq, Hash)]
enum OwnKey {
    None,
    Held,
    Unknown(Vec<Text>),
}

impl Memo {
    fn partition(&mut self, fabric: &Fabric, source: &SourcePoint) -> Arc<Partition> {
        let family = source.address.addr().map_or(Family::V4, Family::of);
        let own = match &source.own {
            OwnPublic::None => OwnKey::None,
            OwnPublic::Held(_) => OwnKey::Held,
            OwnPublic::Unknown(missing) => OwnKey::Unknown(missing.clone()),
        };
        let Some(number) = source.address.addr().map(Family::number) else {
            // without an address there is no range for which the answer would hold
            return Arc::new(Partition::of(fabric, source, family).0);
        };
        let known = self.known.entry((source.entry, family, own)).or_default();
        let before = known.range(..=number).next_back();
        if let Some((_, (_, partition))) = before.filter(|(_, (last, _))| number <= *last) {
            return Arc::clone(partition);
        }
        let (partition, sources) = Partition::of(fabric, source, family);
        let partition = Arc::new(partition);
        known.insert(sources.first, (sources.last, Arc::clone(&partition)));
        partition
    }
}

fn answer(fabric: &Fabric, source: &SourcePoint, memo: &mut Memo) -> SourceEgress {
    let partition = memo.partition(fabric, source);
    let classes = match &source.own {
        OwnPublic::Held(held) => partition.with_own(fabric, source, held),
        _ => Arc::clone(&partition.classes),
    };
    let (verdict, public_ips, uniform) = sum(&classes);
    SourceEgress {
        instance: source.instance.clone(),
        eni: source.eni.clone(),
        havip: source.havip.clone(),
        address: source.address.clone(),
        role: source.role,
        region: source.region.clone(),
        zone: source.zone.clone(),
        vpc: source.vpc.clone(),
        vswitch: source.vswitch.clone(),
        own: source.own.clone(),
        verdict,
        public_ips,
        uniform,
        notes: source.notes.iter().map(ToString::to_string).collect(),
        classes,
    }
}

/// Verdict, public addresses and uniformity over the public classes (decisions.md 38).
fn sum(classes: &[EgressClass]) -> (SourceVerdict, Vec<AddrValue>, bool) {
    let exits: Vec<&EgressClass> =
        classes.iter().filter(|c| c.public && c.verdict == Verdict::Exits).collect();
    let mut public_ips: Vec<AddrValue> =
        exits.iter().flat_map(|class| class.public_ips.iter().cloned()).collect();
    public_ips.sort();
    public_ips.dedup();
    let uniform = match exits.split_first() {
        Some((first, rest)) => rest.iter().all(|class| class.public_ips == first.public_ips),
        None => false,
    };
    (verdict(classes), public_ips, uniform)
}

/// Sum over the public classes (decisions.md 38). A destination counts as reached when some service
/// reaches it on every path; once some destinations exit and some do not, nothing unknown can change
/// `mixed`.
fn verdict(classes: &[EgressClass]) -> SourceVerdict {
    let Some(family) = classes.first().map(|class| class.destinations.family()) else {
        return SourceVerdict::None;
    };
    let union = |wanted: &dyn Fn(&EgressClass) -> bool| {
        let ranges = classes
            .iter()
            .filter(|class| class.public && wanted(class))
            .flat_map(|class| class.destinations.ranges());
        AddrSet::from_ranges(family, ranges.copied().collect())
    };
    let exits = union(&|class| class.verdict == Verdict::Exits && !class.partial);
    let sometimes = union(&|class| class.verdict == Verdict::Exits).difference(&exits);
    let open = union(&|class| class.verdict == Verdict::Unknown).difference(&exits);
    let closed = union(&|_| true).difference(&exits).difference(&sometimes).difference(&open);
    let some = !exits.is_empty() || !sometimes.is_empty();
    // what leaves on some paths only, and by no other service on all of them, is not all
    let some_not = !closed.is_empty() || !sometimes.difference(&open).is_empty();
    match (some, some_not, !open.is_empty()) {
        (true, true, _) => SourceVerdict::Mixed,
        (_, _, true) => SourceVerdict::Unknown,
        (true, _, false) => SourceVerdict::Exits,
        (false, _, false) => SourceVerdict::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::Assume;
    use crate::topology::*;

    /// A VPC with an Internet NAT gateway whose SNAT entry covers one of two instances; the other
    /// holds an EIP. Every listing is complete.
    fn topology() -> Topology {
        filtered_topology(|_| {})
    }

    /// The same with filters.
    fn filtered_topology(change: impl FnOnce(&mut Draft)) -> Topology {
        let mut draft = Draft::default();
        for listing in Listing::ALL {
            draft.coverage.record(*listing, Scope::anywhere(), ListingState::Complete);
        }
        let cidr = |text: &str| Some(CidrValue::from_text(text));
        let mut vpc = Vpc::new("vpc-1");
        vpc.cidr = cidr("10.0.0.0/16");
        vpc.user_cidrs = Some(vec![]);
        vpc.support_ipv4_gateway = Some(false);
        draft.add(vpc);
        let mut vswitch = VSwitch::new("vsw-a");
        vswitch.vpc = Some("vpc-1".into());
        vswitch.cidr = cidr("10.0.1.0/24");
        vswitch.route_table = Some("vtb-1".into());
        draft.add(vswitch);
        let mut entry = RouteEntry::new("rte-1");
        entry.table = Some("vtb-1".into());
        entry.destination = Some(RouteDestination::Cidr(CidrValue::from_text("0.0.0.0/0")));
        entry.origin = Some(RouteOrigin::Custom);
        entry.next_hops = Some(vec![NextHop {
            hop_type: NextHopType::NatGateway,
            id: Some("ngw-1".into()),
            weight: None,
            enabled: None,
        }]);
        draft.add(entry);
        let mut nat = NatGateway::new("ngw-1");
        nat.vpc = Some("vpc-1".into());
        nat.nat_type = Some(NatType::Enhanced);
        nat.eips = Some(vec![NatEip {
            address: AddrValue::from_text("203.0.113.1"),
            eip: None,
            private_address: None,
            used_by: None,
        }]);
        draft.add(nat);
        let mut snat = SnatEntry::new("snat-1");
        snat.nat_gateway = Some("ngw-1".into());
        snat.source_cidr = cidr("10.0.1.0/24");
        snat.snat_ips = Some(vec![AddrValue::from_text("203.0.113.1")]);
        draft.add(snat);
        for (n, public) in [(1, None), (2, Some("203.0.113.2"))] {
            let mut eni = Eni::new(format!("eni-{n}"));
            eni.eni_type = Some(EniType::Primary);
            eni.instance = Some(Some(format!("i-{n}").into()));
            eni.vpc = Some("vpc-1".into());
            eni.vswitch = Some("vsw-a".into());
            eni.private_ips = Some(vec![PrivateIp {
                address: AddrValue::from_text(&format!("10.0.1.1{n}")),
                primary: Some(true),
                public_ip: Some(public.map(|ip| AssociatedPublicIp {
                    address: AddrValue::from_text(ip),
                    eip: Some("eip-2".into()),
                })),
            }]);
            draft.add(eni);
        }
        change(&mut draft);
        draft.build()
    }

    /// Puts both ENIs into an advanced group that lets HTTPS out.
    fn https_only(draft: &mut Draft) {
        let mut group = SecurityGroup::new("sg-1");
        group.vpc = Some(Some("vpc-1".into()));
        group.group_type = Some(SecurityGroupType::Advanced);
        draft.add(group);
        let mut rule = SecurityGroupRule::new("sgr-1");
        rule.group = Some("sg-1".into());
        rule.direction = Some(Direction::Egress);
        rule.policy = Some(Policy::Accept);
        rule.priority = Some(1);
        rule.protocol = Some(FilterProtocol::Tcp);
        rule.ports = Some(PortSpec::Range(443, 443));
        rule.peer = Some(RulePeer::Cidr(CidrValue::from_text("0.0.0.0/0")));
        draft.add(rule);
        members(draft);
    }

    fn members(draft: &mut Draft) {
        for n in [1, 2] {
            let mut eni = Eni::new(format!("eni-{n}"));
            eni.security_groups = Some(vec!["sg-1".into()]);
            draft.add(eni);
        }
    }

    pub(super) fn https_only_report() -> EgressReport {
        analyzed(&filtered_topology(https_only))
    }

    fn analyzed(topology: &Topology) -> EgressReport {
        analyze(&Fabric::compile(topology, &Assume::default()))
    }

    #[test]
    fn one_service_to_everywhere_is_a_way_out() {
        let report = analyzed(&filtered_topology(https_only));
        for (source, ip) in report.sources.iter().zip(["203.0.113.1", "203.0.113.2"]) {
            assert_eq!(source.verdict, SourceVerdict::Exits);
            assert!(source.uniform);
            assert_eq!(source.public_ips, [AddrValue::from_text(ip)]);
            assert_eq!(source.public_classes().count(), 2, "HTTPS and the rest");
            let https = source.public_classes().find(|c| c.verdict == Verdict::Exits).unwrap();
            assert_eq!(https.services.to_string(), "tcp/443");
            let rest = source.public_classes().find(|c| c.verdict == Verdict::Dropped).unwrap();
            assert_eq!(rest.services, https.services.complement());
            assert_eq!(rest.reason, Some(crate::simulate::Reason::SgEgressDenied));
        }
    }

    #[test]
    fn unknown_groups_say_what_is_missing_and_the_address_behind_them() {
        let report = analyzed(&filtered_topology(members));
        for (source, ip) in report.sources.iter().zip(["203.0.113.1", "203.0.113.2"]) {
            assert_eq!(source.verdict, SourceVerdict::Unknown);
            assert!(source.public_ips.is_empty() && !source.uniform);
            assert_eq!(source.missing(), ["security group sg-1 (not in the input)"]);
            assert_eq!(source.if_allowed(), [&AddrValue::from_text(ip)]);
        }
        let assume = {
            let mut assume = Assume::default();
            assume.set("missing_filters=pass").unwrap();
            assume
        };
        let report = analyze(&Fabric::compile(&filtered_topology(members), &assume));
        for source in &report.sources {
            assert_eq!(source.verdict, SourceVerdict::Exits);
            assert!(source.if_allowed().is_empty());
            let assumed = source.assumptions();
            let passed = "missing_filters = pass (security group sg-1 (not in the input))";
            assert!(assumed.contains(&passed), "{assumed:?}");
        }
    }

    #[test]
    fn verdicts_sum_up_services() {
        let report = analyzed(&filtered_topology(https_only));
        let source = &report.sources[0];
        let of = |verdict| source.public_classes().find(|c| c.verdict == verdict).unwrap().clone();
        let (https, rest) = (of(Verdict::Exits), of(Verdict::Dropped));
        let other = EgressClass {
            verdict: Verdict::Exits,
            public_ips: vec![AddrValue::from_text("203.0.113.9")],
            ..rest.clone()
        };
        let (verdict, ips, uniform) = sum(&[https.clone(), other]);
        assert_eq!((verdict, ips.len(), uniform), (SourceVerdict::Exits, 2, false));
        let open = EgressClass { verdict: Verdict::Unknown, ..rest.clone() };
        assert_eq!(sum(&[https.clone(), open.clone()]).0, SourceVerdict::Exits, "one is enough");
        let shut = EgressClass { verdict: Verdict::Dropped, ..https.clone() };
        assert_eq!(sum(&[shut.clone(), open]).0, SourceVerdict::Unknown);
        assert_eq!(sum(&[shut, rest.clone()]).0, SourceVerdict::None);
        let half = AddrSet::from_cidrs(Family::V4, [&"8.0.0.0/8".parse().unwrap()]);
        let part = EgressClass { destinations: half, ..https.clone() };
        assert_eq!(sum(&[part, rest.clone()]).0, SourceVerdict::Mixed);
        let partial = EgressClass { partial: true, ..https };
        assert_eq!(sum(&[partial, rest]).0, SourceVerdict::Mixed);
    }

    pub(super) fn report() -> EgressReport {
        analyze(&Fabric::compile(&topology(), &Assume::default()))
    }

    #[test]
    fn snat_and_own_eip() {
        let report = report();
        let [nat, own] = report.sources.as_slice() else { panic!("two sources") };
        assert_eq!(nat.verdict, SourceVerdict::Exits);
        assert_eq!(nat.public_ips, [AddrValue::from_text("203.0.113.1")]);
        assert_eq!(own.public_ips, [AddrValue::from_text("203.0.113.2")]);
        let why: Vec<&String> = own.classes.iter().flat_map(|c| &c.why).collect();
        assert_eq!(
            why,
            ["EIP eip-2 on the primary address wins over SNAT entry snat-1 of NAT gateway ngw-1"]
        );
        for source in &report.sources {
            let total: u128 = source.classes.iter().map(|c| c.destinations.len()).sum();
            assert_eq!(total, 1 << 32, "classes are disjoint and cover everything");
        }
    }
}
