//! RT009: routes into a peering connection for addresses that are not on its other side.

use super::tables::{destination_text, destinations, far_side, hops};
use crate::addr::{Cidr, Family};
use crate::rules::facts::{Blocks, block, list};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{Id, NextHopType, PeerSide, Resource, RouteEntry, RouteTableScope, VpcPeer};

pub(crate) struct PeeringDestinationWrong;

static META: RuleMeta = RuleMeta {
    id: "RT009",
    name: "peering-destination-wrong",
    summary: "a route into a peering connection leads to addresses of the peer VPC",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "outside",
        message: "{route} sends {destination} to {peer}, but VPC {vpc} on its other side has {blocks}; peering forwards no further",
        help: "route the peer's blocks; for a network behind the peer VPC use a transit router or a connection of its own",
    }],
    page: include_str!("../../../rules/RT009-peering-destination-wrong.md"),
};

impl Rule for PeeringDestinationWrong {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.route_entries, |entry, out| {
            for hop in hops(entry).filter(|hop| hop.hop_type == NextHopType::VpcPeer) {
                let id = stated(hop.id.as_ref(), entry, "next hop")?;
                judge(cx, entry, id, out)?;
            }
            Ok(())
        });
    }
}

fn judge(cx: &Context<'_>, entry: &RouteEntry, id: &Id, out: &mut Sink) -> Result<(), Unknown> {
    let table = stated(entry.table.as_ref(), entry, "route table")?;
    let table = cx.topology.route_tables.get(table);
    let table =
        table.ok_or_else(|| Unknown::of(format!("table of {} (not in the input)", entry.id())))?;
    if table.scope == Some(RouteTableScope::Gateway) {
        return Ok(());
    }
    let vpc = stated(table.vpc.as_ref(), table, "VPC")?;
    // a connection that does not exist is RT001's
    let peer = cx.topology.vpc_peers.get(id);
    let peer: &VpcPeer =
        peer.ok_or_else(|| Unknown::of(format!("peering connection {id} (not in the input)")))?;
    let far = far_side(peer, vpc)
        .ok_or_else(|| Unknown::of(format!("side of {id} across from {vpc} (not stated)")))?;
    let to = destinations(cx, entry)?;
    for family in [Family::V4, Family::V6] {
        let to: Vec<&Cidr> = to.iter().filter(|cidr| cidr.family() == family).collect();
        if to.is_empty() {
            continue;
        }
        let blocks = far_blocks(cx, peer, far, family)?;
        if to.iter().any(|cidr| blocks.iter().any(|block| block.overlaps(cidr))) {
            continue;
        }
        let texts = if blocks.is_empty() { "no such block".to_owned() } else { list(&blocks) };
        out.fail("outside")
            .on(entry, "destination")
            .with_whole(peer, "the connection")
            .fact("route", entry.to_ref())
            .fact("destination", destination_text(entry))
            .fact("peer", peer.to_ref())
            .fact("vpc", far.vpc.as_ref().map_or("of another account", |id| id.as_str()))
            .fact("blocks", texts)
            .discriminator(id)
            .emit();
    }
    Ok(())
}

/// All blocks of the far VPC: its own statement, else what the connection's body says.
fn far_blocks(
    cx: &Context<'_>,
    peer: &VpcPeer,
    far: &PeerSide,
    family: Family,
) -> Result<Vec<Cidr>, Unknown> {
    let of_family = |cidrs: Vec<Cidr>| -> Vec<Cidr> {
        cidrs.into_iter().filter(|cidr| cidr.family() == family).collect()
    };
    if let Some(vpc) = far.vpc.as_ref().and_then(|id| cx.topology.vpcs.get(id)) {
        return match family {
            Family::V4 => Ok(Blocks::of(vpc).all()?.to_vec()),
            Family::V6 => {
                let values = stated(vpc.ipv6_cidrs.as_ref(), vpc, "IPv6 blocks")?;
                values.iter().map(|value| block(value, vpc, "IPv6 block")).collect()
            }
        };
    }
    let values = stated(far.cidrs.as_ref(), peer, "blocks of the far VPC")?;
    let blocks: Result<Vec<Cidr>, Unknown> =
        values.iter().map(|value| block(value, peer, "block of the far VPC")).collect();
    Ok(of_family(blocks?))
}
