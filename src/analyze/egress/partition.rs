//! The exact classes of destinations of one source.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::answer::EgressClass;
use super::why;
use crate::addr::{AddrRange, AddrSet, Family, special};
use crate::fabric::{ElementId, Fabric, Held, SourcePoint};
use crate::simulate::{Hop, Outcome, Public, Verdict, walk};
use crate::topology::{AddrValue, ResourceRef, Text};

/// Destinations with one fate, before a source's own address is filled in.
struct Piece {
    ranges: Vec<AddrRange>,
    public: bool,
    outcomes: Vec<Outcome>,
    hops: Vec<Hop>,
    witness: IpAddr,
}

/// All classes of one source, and of every source that the tables cannot tell from it.
pub(super) struct Partition {
    /// Classes; where the source leaves under its own address, `public_ips` is still empty.
    pub(super) classes: Arc<[EgressClass]>,
    /// Positions of those classes.
    own: Vec<usize>,
}

impl Partition {
    /// Walks one packet per range of destinations that all lookups treat alike. Also returns the
    /// range of source addresses for which all of that holds.
    pub(super) fn of(fabric: &Fabric, source: &SourcePoint, family: Family) -> (Self, AddrRange) {
        let public = public_space(fabric, source, family);
        let mut sources = AddrRange { first: 0, last: family.max() };
        let mut pieces: Vec<Piece> = Vec::new();
        let mut next = Some(0u128);
        while let Some(start) = next {
            let dst = family.address(start);
            let walked = walk(fabric, source, dst);
            sources = sources.intersect(&walked.src_extent).unwrap_or(sources);
            let constant = public.constant_range(start);
            let extent = walked.dst_extent.intersect(&constant).unwrap_or(constant);
            let range = AddrRange { first: start, last: extent.last };
            let is_public = public.contains(dst);
            match pieces.iter_mut().find(|p| p.public == is_public && p.outcomes == walked.outcomes)
            {
                Some(piece) => piece.ranges.push(range),
                None => pieces.push(Piece {
                    ranges: vec![range],
                    public: is_public,
                    outcomes: walked.outcomes,
                    hops: walked.hops,
                    witness: dst,
                }),
            }
            next = (range.last < family.max()).then(|| range.last + 1);
        }
        let own = pieces
            .iter()
            .enumerate()
            .filter(|(_, piece)| piece.outcomes.iter().any(|o| o.public == Public::Own))
            .map(|(n, _)| n)
            .collect();
        let classes = pieces.into_iter().map(|piece| class(fabric, family, piece)).collect();
        (Self { classes, own }, sources)
    }

    /// The classes with the source's own address filled in.
    pub(super) fn with_own(
        &self,
        fabric: &Fabric,
        source: &SourcePoint,
        held: &Held,
    ) -> Arc<[EgressClass]> {
        let mut classes: Vec<EgressClass> = self.classes.to_vec();
        for (n, class) in classes.iter_mut().enumerate() {
            if self.own.contains(&n) {
                class.public_ips.push(held.address.clone());
                class.public_ips.sort();
                class.public_ips.dedup();
                class.via.extend(held.by.iter().cloned());
                class.assumptions.extend(held.assumptions.iter().map(ToString::to_string));
                class.why = why::own_address(fabric, source, held, class.witness);
            } else if class.public {
                class.why.extend(why::own_address_unused(source, held, class));
            }
        }
        classes.into()
    }
}

/// Destinations that count as public for a source.
fn public_space(fabric: &Fabric, source: &SourcePoint, family: Family) -> AddrSet {
    match source.vpc.as_deref().and_then(|vpc| fabric.space(vpc)) {
        Some(space) => space.public(family).clone(),
        None => {
            let mut private = special::rfc1918().to_vec();
            private.extend([special::shared_address_space(), special::unique_local()]);
            AddrSet::from_cidrs(family, &private).union(&special::not_routable(family)).complement()
        }
    }
}

fn class(fabric: &Fabric, family: Family, piece: Piece) -> EgressClass {
    let summary = Summary::of(&piece.outcomes);
    let mut via: Vec<ResourceRef> = Vec::new();
    for id in summary.via {
        if let Some(element) = fabric.element(id)
            && !via.contains(&element.resource)
        {
            via.push(element.resource.clone());
        }
    }
    let destinations = AddrSet::from_ranges(family, piece.ranges);
    let witness = witness(&destinations, piece.witness);
    EgressClass {
        destinations,
        public: piece.public,
        verdict: summary.verdict,
        reason: summary.reason,
        public_ips: summary.public_ips,
        via,
        why: why::translation(fabric, &piece.hops),
        notes: summary.notes,
        partial: summary.partial,
        missing: summary.missing,
        assumptions: summary.assumptions,
        witness,
    }
}

/// A destination to show: a well-known public host where the class has one, else one that can be a
/// host at all, which the first address of a block seldom is. Every member has the same fate.
fn witness(destinations: &AddrSet, first: IpAddr) -> IpAddr {
    let known = [
        IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888)),
    ];
    let family = destinations.family();
    let next = family.address(Family::number(first).saturating_add(1));
    known.into_iter().chain([next]).find(|address| destinations.contains(*address)).unwrap_or(first)
}

/// Several outcomes as one.
struct Summary {
    verdict: Verdict,
    reason: Option<crate::simulate::Reason>,
    public_ips: Vec<AddrValue>,
    via: Vec<ElementId>,
    notes: Vec<String>,
    partial: bool,
    missing: Vec<String>,
    assumptions: Vec<String>,
}

impl Summary {
    /// The best outcome stands for all; the others become notes. One unknown path makes the whole
    /// unknown: it could be any of them.
    fn of(outcomes: &[Outcome]) -> Self {
        let rank = |outcome: &&Outcome| match outcome.verdict {
            Verdict::Unknown => 0,
            Verdict::Exits => 1,
            Verdict::Answered | Verdict::Delivered => 2,
            Verdict::Leaves => 3,
            Verdict::Conditional => 4,
            Verdict::Dropped => 5,
        };
        let best = outcomes.iter().min_by_key(rank);
        let verdict = best.map_or(Verdict::Unknown, |o| o.verdict);
        let mut out = Self {
            verdict,
            reason: best.and_then(|o| o.reason),
            public_ips: Vec::new(),
            via: Vec::new(),
            notes: Vec::new(),
            partial: false,
            missing: Vec::new(),
            assumptions: Vec::new(),
        };
        for outcome in outcomes {
            extend(&mut out.assumptions, &outcome.assumptions);
            extend(&mut out.missing, &outcome.missing);
            extend(&mut out.notes, &outcome.notes);
            if outcome.verdict == verdict && outcome.reason == out.reason {
                out.via.extend(outcome.via.iter().chain(&outcome.at).copied());
                if let Public::Given(addresses) = &outcome.public {
                    out.public_ips.extend(addresses.iter().cloned());
                }
            } else {
                out.partial = true;
                let reason = outcome.reason.map(|r| format!(" ({r})")).unwrap_or_default();
                out.notes.push(format!("another possible path is {}{reason}", outcome.verdict));
            }
        }
        out.public_ips.sort();
        out.public_ips.dedup();
        out
    }
}

fn extend(list: &mut Vec<String>, texts: &[Text]) {
    for text in texts {
        if !list.iter().any(|known| **known == **text) {
            list.push(text.to_string());
        }
    }
}
