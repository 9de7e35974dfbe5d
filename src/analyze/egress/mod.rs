//! Through which public address every source leaves, for which destinations, and why.
//!
//! Exact: destinations are cut wherever any lookup on the way could change its answer, one packet
//! is walked per piece, and pieces with the same fate are joined. The classes of a source are
//! disjoint and cover the whole address space.

mod answer;
mod partition;
mod restrict;
mod why;

use std::sync::Arc;

use rustc_hash::FxHashMap;

pub use answer::{EgressClass, EgressReport, SourceEgress, SourceRole, SourceVerdict};

use crate::addr::{AddrRange, AddrSet, Family};
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
    known: FxHashMap<(StageId, Family, OwnKey), Vec<Known>>,
}

/// A partition and the sources for which it holds.
struct Known {
    sources: AddrRange,
    partition: Arc<Partition>,
}

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
        if let Some(found) = known.iter().find(|known| known.sources.contains(number)) {
            return Arc::clone(&found.partition);
        }
        let (partition, sources) = Partition::of(fabric, source, family);
        let partition = Arc::new(partition);
        known.push(Known { sources, partition: Arc::clone(&partition) });
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
/// reaches it; once some destinations exit and some do not, nothing unknown can change `mixed`.
fn verdict(classes: &[EgressClass]) -> SourceVerdict {
    let Some(family) = classes.first().map(|class| class.destinations.family()) else {
        return SourceVerdict::None;
    };
    let public = || classes.iter().filter(|class| class.public);
    let union = |wanted: &dyn Fn(&EgressClass) -> bool| {
        let ranges = public().filter(|c| wanted(c)).flat_map(|c| c.destinations.ranges());
        AddrSet::from_ranges(family, ranges.copied().collect())
    };
    let exits = union(&|class| class.verdict == Verdict::Exits);
    let open = union(&|class| class.verdict == Verdict::Unknown).difference(&exits);
    let closed = union(&|_| true).difference(&exits).difference(&open);
    let some_not = !closed.is_empty() || public().any(|class| class.partial);
    match (!exits.is_empty(), some_not, !open.is_empty()) {
        (true, true, _) => SourceVerdict::Mixed,
        (_, _, true) => SourceVerdict::Unknown,
        (true, false, false) => SourceVerdict::Exits,
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
        draft.build()
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
