//! CIDR011: VPCs that are connected and share addresses.

use std::collections::BTreeMap;

use crate::addr::Cidr;
use crate::rules::facts::{Blocks, list, routes_of_vpc};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{
    AttachmentType, Id, Kind, NextHopType, PeerSide, Resource, ResourceRef, VSwitch, Vpc,
};

pub(crate) struct ConnectedVpcOverlap;

static META: RuleMeta = RuleMeta {
    id: "CIDR011",
    name: "connected-vpc-overlap",
    summary: "VPCs that are connected to each other do not overlap",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "vswitches",
            message: "{first} and {second}, connected by {connection}, have vSwitches that overlap: {pairs}",
            help: "renumber one of the vSwitches; in each VPC the route to its own vSwitch wins, so hosts with these addresses cannot reach each other",
        },
        Case {
            key: "blocks",
            message: "{first} ({first_blocks}) and {second} ({second_blocks}), connected by {connection}, overlap",
            help: "route the blocks of single vSwitches over the connection, never whole VPC blocks, and keep future vSwitches disjoint; renumbering one VPC removes the risk",
        },
    ],
    page: include_str!("../../../rules/CIDR011-connected-vpc-overlap.md"),
};

impl Rule for ConnectedVpcOverlap {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        for pair in connected(cx) {
            let outcome = judge(cx, &pair, out);
            out.settle(outcome);
        }
    }
}

/// One end of a connection.
#[derive(Clone, Copy)]
struct End<'a> {
    id: &'a Id,
    vpc: Option<&'a Vpc>,
    side: Option<&'a PeerSide>,
}

impl End<'_> {
    /// Its blocks: those of the VPC, else those that the connection states for it.
    fn blocks(&self) -> Result<Vec<Cidr>, Unknown> {
        if let Some(vpc) = self.vpc {
            return Blocks::of(vpc).all().map(<[Cidr]>::to_vec);
        }
        let unknown = || Unknown::of(format!("CIDR blocks of {} (not in the input)", self.id));
        let stated = self.side.and_then(|s| s.cidrs.as_ref()).ok_or_else(unknown)?;
        stated.iter().map(|value| value.cidr().ok_or_else(unknown)).collect()
    }

    fn to_ref(self) -> ResourceRef {
        self.vpc.map_or_else(
            || ResourceRef { kind: Kind::Vpc, id: self.id.clone(), name: None },
            Resource::to_ref,
        )
    }
}

/// Two connected VPCs, the smaller id first.
struct Pair<'a> {
    ends: [End<'a>; 2],
    connection: &'a dyn Resource,
    /// A hub connects many VPCs that need not talk to each other; a peering connects two that do.
    hub: bool,
}

/// Connected pairs, each once; a peering names the pair rather than a hub.
fn connected<'a>(cx: &Context<'a>) -> Vec<Pair<'a>> {
    let topology = cx.topology;
    let mut pairs: BTreeMap<(&Id, &Id), Pair<'_>> = BTreeMap::new();
    let mut add = |a: End<'a>, b: End<'a>, connection: &'a dyn Resource, hub: bool| {
        let ends = if a.id <= b.id { [a, b] } else { [b, a] };
        let [first, second] = ends;
        if first.id != second.id {
            pairs.entry((first.id, second.id)).or_insert(Pair { ends, connection, hub });
        }
    };
    for peer in &topology.vpc_peers {
        let end = |side: &'a Option<PeerSide>| {
            let side = side.as_ref()?;
            let id = side.vpc.as_ref()?;
            Some(End { id, vpc: topology.vpcs.get(id), side: Some(side) })
        };
        if let (Some(a), Some(b)) = (end(&peer.requester), end(&peer.accepter)) {
            add(a, b, peer, false);
        }
    }
    // every VPC of a CEN instance, attached directly or through one of its transit routers
    let mut hubs: BTreeMap<&Id, (&dyn Resource, Vec<&Id>)> = BTreeMap::new();
    for cen in &topology.cens {
        let vpcs = cen.children.iter().flatten();
        let vpcs =
            vpcs.filter(|c| c.child_type.as_deref().is_none_or(|t| t.eq_ignore_ascii_case("VPC")));
        hubs.entry(cen.id()).or_insert((cen, Vec::new())).1.extend(vpcs.map(|c| &c.id));
    }
    for attachment in &topology.transit_attachments {
        if attachment.attachment_type != Some(AttachmentType::Vpc) {
            continue;
        }
        let router = attachment.transit_router.as_ref();
        let router = router.and_then(|id| topology.transit_routers.get(id));
        let cen = attachment.cen.as_ref().or_else(|| router?.cen.as_ref());
        let hub: Option<&dyn Resource> = cen
            .and_then(|id| topology.cens.get(id).map(|c| c as &dyn Resource))
            .or(router.map(|r| r as &dyn Resource));
        if let (Some(hub), Some(vpc)) = (hub, &attachment.target) {
            hubs.entry(hub.id()).or_insert((hub, Vec::new())).1.push(vpc);
        }
    }
    for (hub, mut vpcs) in hubs.into_values() {
        vpcs.sort();
        vpcs.dedup();
        let end = |id: &'a Id| End { id, vpc: topology.vpcs.get(id), side: None };
        for (n, a) in vpcs.iter().enumerate() {
            for b in vpcs.iter().skip(n + 1) {
                // what is not in the input at all cannot overlap with what is
                if topology.vpcs.get(a).is_some() && topology.vpcs.get(b).is_some() {
                    add(end(a), end(b), hub, true);
                }
            }
        }
    }
    pairs.into_values().collect()
}

fn judge(cx: &Context<'_>, pair: &Pair<'_>, out: &mut Sink) -> Result<(), Unknown> {
    let [first, second] = &pair.ends;
    let overlapping = vswitch_pairs(cx, first.id, second.id);
    let (a, b) = match (first.blocks(), second.blocks()) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(unknown), _) | (_, Err(unknown)) if overlapping.is_empty() => return Err(unknown),
        (a, b) => (a.unwrap_or_default(), b.unwrap_or_default()),
    };
    let blocks_overlap = a.iter().any(|x| b.iter().any(|y| x.overlaps(y)));
    if overlapping.is_empty() && !blocks_overlap {
        return Ok(());
    }
    if pair.hub && !talk(cx, first, &b)? && !talk(cx, second, &a)? {
        return Ok(());
    }
    let case = if overlapping.is_empty() { "blocks" } else { "vswitches" };
    let mut draft = out.fail(case);
    if overlapping.is_empty() {
        draft = draft.severity(Severity::Warning);
    }
    for end in &pair.ends {
        draft = match end.vpc {
            Some(vpc) if end.id == first.id => draft.on(vpc, "cidr"),
            Some(vpc) => draft.with(vpc, "cidr", "the other VPC"),
            None => draft.about(end.to_ref()),
        };
    }
    for (x, y) in overlapping.iter().take(1) {
        draft =
            draft.with(*x, "cidr", "overlapping vSwitch").with(*y, "cidr", "overlapping vSwitch");
    }
    let texts: Vec<String> = overlapping.iter().map(|(x, y)| pair_text(x, y)).collect();
    draft
        .with_whole(pair.connection, "the connection")
        .fact("first", first.to_ref())
        .fact("second", second.to_ref())
        .fact("first_blocks", list(&a))
        .fact("second_blocks", list(&b))
        .fact("pairs", crate::rules::facts::first_of(&texts, 3))
        .fact("connection", pair.connection.to_ref())
        .emit();
    Ok(())
}

fn pair_text(a: &VSwitch, b: &VSwitch) -> String {
    let block = |v: &VSwitch| v.cidr.as_ref().map_or_else(String::new, ToString::to_string);
    format!("{} ({}) with {} ({})", a.id(), block(a), b.id(), block(b))
}

/// Overlapping vSwitches of two VPCs in id order.
fn vswitch_pairs<'a>(cx: &Context<'a>, a: &Id, b: &Id) -> Vec<(&'a VSwitch, &'a VSwitch)> {
    let of = |vpc: &Id| -> Vec<(Cidr, &'a VSwitch)> {
        let mut all: Vec<_> = cx
            .topology
            .vswitches
            .iter()
            .filter(|v| v.vpc.as_ref() == Some(vpc))
            .filter_map(|v| Some((v.cidr.as_ref()?.cidr()?, v)))
            .collect();
        all.sort_by_key(|(cidr, _)| *cidr);
        all
    };
    let (left, right) = (of(a), of(b));
    let mut out = Vec::new();
    for (x, v) in &left {
        out.extend(right.iter().filter(|(y, _)| x.overlaps(y)).map(|(_, w)| (*v, *w)));
    }
    out.sort_by_key(|(v, w)| (v.id(), w.id()));
    out
}

/// Does a VPC send anything for these blocks into a hub?
fn talk(cx: &Context<'_>, from: &End<'_>, to: &[Cidr]) -> Result<bool, Unknown> {
    let Some(vpc) = from.vpc else { return Ok(false) };
    Ok(routes_of_vpc(cx, vpc)?.into_iter().any(|route| {
        let hub =
            |hop: &NextHopType| matches!(hop, NextHopType::Attachment | NextHopType::CenBasic);
        route.next_hops.iter().flatten().any(|hop| hub(&hop.hop_type))
            && route.cidr().is_none_or(|c| to.iter().any(|block| block.overlaps(&c)))
    }))
}
