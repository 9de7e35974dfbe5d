//! The exact classes of destinations of one source.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::answer::EgressClass;
use super::why;
use crate::addr::{AddrRange, AddrSet, Family, special};
use crate::fabric::{ElementId, Extent, Fabric, Held, SourcePoint};
use crate::packet::{Packet, ServiceRange, ServiceSet};
use crate::simulate::{Hop, Mode, Outcome, Public, Verdict, start, walk};
use crate::topology::{AddrValue, ResourceRef, Text};

/// Packets with one fate, before a source's own address is filled in: destinations × services.
struct Piece {
    ranges: Vec<AddrRange>,
    services: ServiceSet,
    public: bool,
    fate: Fate,
    witness: IpAddr,
}

/// What becomes of packets.
#[derive(PartialEq)]
struct Fate {
    outcomes: Vec<Outcome>,
    /// Client ports for which it holds.
    src_ports: (u16, u16),
}

/// Services of one range of destinations with one fate, and the decisions on the way.
struct Part {
    services: Vec<ServiceRange>,
    fate: Fate,
    hops: Vec<Hop>,
}

/// All classes of one source, and of every source that the tables cannot tell from it.
pub(super) struct Partition {
    /// Classes; where the source leaves under its own address, `public_ips` is still empty.
    pub(super) classes: Arc<[EgressClass]>,
    /// Positions of those classes.
    own: Vec<usize>,
}

impl Partition {
    /// Walks one packet per box of destinations and services that all lookups treat alike. Also
    /// returns the range of source addresses for which all of that holds.
    pub(super) fn of(fabric: &Fabric, source: &SourcePoint, family: Family) -> (Self, AddrRange) {
        let public = public_space(fabric, source, family);
        let mut sources = AddrRange { first: 0, last: family.max() };
        let mut pieces: Vec<Piece> = Vec::new();
        let mut hops: Vec<Vec<Hop>> = Vec::new();
        let mut next = Some(0u128);
        while let Some(start) = next {
            let dst = family.address(start);
            let (parts, extent) = column(fabric, source, dst);
            sources = sources.intersect(&extent.src).unwrap_or(sources);
            let constant = public.constant_range(start);
            let extent = extent.dst.intersect(&constant).unwrap_or(constant);
            let range = AddrRange { first: start, last: extent.last };
            let is_public = public.contains(dst);
            for part in parts {
                let services = ServiceSet::from_ranges(part.services);
                let same = |p: &&mut Piece| {
                    p.public == is_public && p.services == services && p.fate == part.fate
                };
                match pieces.iter_mut().find(same) {
                    Some(piece) => piece.ranges.push(range),
                    None => {
                        pieces.push(Piece {
                            ranges: vec![range],
                            services,
                            public: is_public,
                            fate: part.fate,
                            witness: dst,
                        });
                        hops.push(part.hops);
                    }
                }
            }
            next = (range.last < family.max()).then(|| range.last + 1);
        }
        let own = pieces
            .iter()
            .enumerate()
            .filter(|(_, piece)| addresses(&piece.fate.outcomes).any(|p| *p == Public::Own))
            .map(|(n, _)| n)
            .collect();
        let classes = pieces
            .into_iter()
            .zip(hops)
            .map(|(piece, hops)| class(fabric, family, piece, &hops))
            .collect();
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
                let ips = match class.verdict {
                    Verdict::Unknown => &mut class.if_allowed,
                    _ => &mut class.public_ips,
                };
                ips.push(held.address.clone());
                ips.sort();
                ips.dedup();
                class.via.extend(held.by.iter().cloned());
                class.assumptions.extend(held.assumptions.iter().map(ToString::to_string));
                class.why = why::own_address(fabric, source, held, &class.witness());
            } else if class.public {
                class.why.extend(why::own_address_unused(source, held, class));
            }
        }
        classes.into()
    }
}

/// All services of one destination, and the box around it for which the answer holds.
fn column(fabric: &Fabric, source: &SourcePoint, dst: IpAddr) -> (Vec<Part>, Extent) {
    let mut parts: Vec<Part> = Vec::new();
    let mut extent = Extent::whole(Family::of(dst));
    let mut next = Some(ServiceRange::ALL.first);
    while let Some(first) = next {
        let packet = Packet::of_service(source.address.addr().unwrap_or(dst), dst, first);
        let walked = walk(fabric, &start(source, &packet), &Mode::default());
        extent.src = extent.src.intersect(&walked.extent.src).unwrap_or(extent.src);
        extent.dst = extent.dst.intersect(&walked.extent.dst).unwrap_or(extent.dst);
        let services = ServiceRange { first, last: walked.extent.services.last };
        let fate = Fate { outcomes: walked.outcomes(), src_ports: walked.extent.src_ports };
        match parts.iter_mut().find(|part| part.fate == fate) {
            Some(part) => part.services.push(services),
            None => {
                let hops = walked.hops().cloned().collect();
                parts.push(Part { services: vec![services], fate, hops });
            }
        }
        next = services.last.next();
    }
    (parts, extent)
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

fn class(fabric: &Fabric, family: Family, piece: Piece, hops: &[Hop]) -> EgressClass {
    let mut summary = Summary::of(&piece.fate.outcomes);
    let (first, last) = piece.fate.src_ports;
    if first > EPHEMERAL || last < u16::MAX {
        summary.notes.push(format!("holds for client ports {first}-{last}"));
    }
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
        services: piece.services,
        public: piece.public,
        verdict: summary.verdict,
        reason: summary.reason,
        public_ips: summary.public_ips,
        if_allowed: summary.if_allowed,
        via,
        why: why::translation(fabric, hops),
        notes: summary.notes,
        partial: summary.partial,
        missing: summary.missing,
        assumptions: summary.assumptions,
        witness,
    }
}

/// First port that clients use by themselves (access.md §2.1).
const EPHEMERAL: u16 = 1024;

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
    if_allowed: Vec<AddrValue>,
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
            if_allowed: Vec::new(),
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
            } else {
                out.partial = true;
                let reason = outcome.reason.map(|r| format!(" ({r})")).unwrap_or_default();
                out.notes.push(format!("another possible path is {}{reason}", outcome.verdict));
            }
        }
        let given = addresses(outcomes).filter_map(|public| match public {
            Public::Given(given) => Some(given),
            _ => None,
        });
        let mut given: Vec<AddrValue> = given.flatten().cloned().collect();
        given.sort();
        given.dedup();
        match verdict {
            Verdict::Unknown => out.if_allowed = given,
            _ => out.public_ips = given,
        }
        out
    }
}

/// Under which addresses packets with these outcomes leave, or, where only filters are not known,
/// would leave: nothing unless that is known of every path that is open.
fn addresses(outcomes: &[Outcome]) -> impl Iterator<Item = &Public> {
    let open = outcomes.iter().any(|outcome| outcome.verdict == Verdict::Unknown);
    let wanted = if open { Verdict::Unknown } else { Verdict::Exits };
    let of_wanted = move || outcomes.iter().filter(move |o| o.verdict == wanted);
    let known = of_wanted().all(|outcome| outcome.public != Public::None);
    of_wanted().filter(move |_| known).map(|outcome| &outcome.public)
}

fn extend(list: &mut Vec<String>, texts: &[Text]) {
    for text in texts {
        if !list.iter().any(|known| **known == **text) {
            list.push(text.to_string());
        }
    }
}
