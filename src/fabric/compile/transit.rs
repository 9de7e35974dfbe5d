//! Other VPCs: transit routers and peering (egress.md §4.5, §10 rule 5 `tr` and `VpcPeer`).

use super::super::Identity;
use super::super::pipeline::{Branch, ElementId, End, Op, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table, block, by_prefix_length};
use super::{Compiler, Job};
use crate::addr::{AddrSet, Cidr, Family};
use crate::topology::{
    AttachmentType, CidrValue, Id, Kind, Lifecycle, Listing, NextHopType, PeerSide, Resource,
    RouteDestination, Scope, Text, TransitAttachment, TransitHopType, TransitRouteEntry, VSwitch,
    VpcPeer,
};

impl<'t> Compiler<'t> {
    /// A route into a transit router attachment: the table associated with it decides.
    pub(super) fn hop_to_transit(&mut self, attachment: &Id, element: ElementId) -> Branch {
        let associated = self.association(attachment, None);
        let via = Op::Via(self.referred(Kind::TransitAttachment, attachment));
        match associated {
            Ok(Some(table)) => {
                Branch::go(self.stage(Job::Transit { table, over_peering: false })).after(via)
            }
            Ok(None) => Branch::drop(Reason::TrNoAssociation, element).after(via),
            Err(missing) => Branch::unknown(missing),
        }
    }

    /// The table associated with an attachment, other than those of the router `not_of`.
    fn association(&self, attachment: &Id, not_of: Option<&Id>) -> Result<Option<Id>, Text> {
        let topology = self.topology;
        let router_of = |table: &Id| {
            topology.transit_route_tables.get(table).and_then(|t| t.transit_router.as_ref())
        };
        let found = topology
            .transit_associations
            .iter()
            .filter(|a| {
                a.attachment.as_ref() == Some(attachment) && a.lifecycle() != Lifecycle::Dead
            })
            .filter_map(|a| a.table.as_ref())
            .find(|table| not_of.is_none() || router_of(table) != not_of);
        if let Some(table) = found {
            return Ok(Some(table.clone()));
        }
        let known = topology.transit_attachments.get(attachment);
        let router = known.and_then(|a| match not_of {
            Some(_) => far_router(a, not_of),
            None => a.transit_router.as_ref(),
        });
        let Some(router) = router else {
            return Err(Text::from(format!(
                "transit router attachment {attachment} (not in the input)"
            )));
        };
        let tables_gap =
            topology.coverage.gap(Listing::TransitRouteTables, &Scope::of_parent(router));
        if let Some(gap) = tables_gap {
            return Err(Text::from(gap.to_string()));
        }
        let gap = topology
            .transit_route_tables
            .iter()
            .filter(|t| t.transit_router.as_ref() == Some(router))
            .find_map(|t| {
                topology.coverage.gap(Listing::TransitAssociations, &Scope::of_parent(t.id()))
            });
        match gap {
            Some(gap) => Err(Text::from(gap.to_string())),
            None => Ok(None),
        }
    }

    pub(super) fn transit_stage(&mut self, table: &Id, over_peering: bool) -> Stage {
        let at = self.referred_or_named(Kind::TransitRouteTable, table);
        let mut gaps: Vec<Text> = self
            .topology
            .coverage
            .gap(Listing::TransitRouteEntries, &Scope::of_parent(table))
            .map(|gap| Text::from(gap.to_string()))
            .into_iter()
            .collect();
        let entries = self.transit_entries_of.get(table.as_str()).cloned().unwrap_or_default();
        let mut prefixes = Vec::new();
        for entry in entries.into_iter().filter(|e| is_active(e)) {
            match self.transit_destinations(entry) {
                Ok(cidrs) => prefixes.extend(cidrs.into_iter().map(|c| (c, 0, entry))),
                Err(missing) => gaps.push(missing),
            }
        }
        // of equal prefixes the smaller preference is taken (formats-api.md §4.8)
        prefixes.sort_by_key(|(_, _, entry)| (entry.preference, entry.id().clone()));
        if !gaps.is_empty() {
            let default = super::unknown(gaps);
            return Stage::new("route", at, Table::constant(default));
        }
        let mut rules = Vec::new();
        for (cidr, entry) in by_prefix_length(prefixes) {
            let hop = entry.next_hop.as_ref().map_or("", |id| id.as_str());
            let kind = entry.next_hop_type.as_ref().map_or("", |t| t.as_str());
            let element = self.element(entry, format!("{cidr} -> {kind} {hop}"));
            let then = self.transit_branch(table, over_peering, entry, element);
            rules.push(Rule::new(Match::to(block(cidr)), element, then));
        }
        let default = Branch::drop(Reason::TrNoRoute, at).after(Op::Via(at));
        Stage::new("route", at, Table { rules, default })
    }

    fn transit_destinations(&self, entry: &TransitRouteEntry) -> Result<Vec<Cidr>, Text> {
        match &entry.destination {
            Some(RouteDestination::Cidr(value)) => value
                .cidr()
                .map(|cidr| vec![cidr])
                .ok_or_else(|| Text::from(format!("destination of {} (masked)", entry.id()))),
            Some(RouteDestination::PrefixList(id)) => {
                let list = self.topology.prefix_lists.get(id).and_then(|l| l.entries.as_ref());
                list.map(|entries| entries.iter().filter_map(CidrValue::cidr).collect()).ok_or_else(
                    || Text::from(format!("entries of prefix list {id} (not in the input)")),
                )
            }
            None => Err(Text::from(format!("destination of {} (not stated)", entry.id()))),
        }
    }

    fn transit_branch(
        &mut self,
        table: &Id,
        over_peering: bool,
        entry: &TransitRouteEntry,
        element: ElementId,
    ) -> Branch {
        match (&entry.next_hop_type, &entry.next_hop) {
            (Some(TransitHopType::BlackHole), _) => {
                Branch::drop(Reason::TrNoRoute, element).after(Op::Via(element))
            }
            (Some(TransitHopType::Attachment) | None, Some(attachment)) => {
                self.through_attachment(table, over_peering, attachment, element)
            }
            (Some(TransitHopType::Other(word)), _) => {
                Branch::unknown(format!("transit next hop type `{word}` (not modelled)"))
            }
            (_, None) => Branch::unknown(format!("next hop of {} (not stated)", entry.id())),
        }
    }

    /// Out of a transit router into one of its attachments.
    fn through_attachment(
        &mut self,
        table: &Id,
        over_peering: bool,
        attachment: &Id,
        element: ElementId,
    ) -> Branch {
        let Some(found) = self.topology.transit_attachments.get(attachment) else {
            return Branch::unknown(format!(
                "transit router attachment {attachment} (not in the input)"
            ));
        };
        let via = self.named(found);
        let branch = match (&found.attachment_type, &found.target) {
            (Some(AttachmentType::Vpc), Some(vpc)) => self.enter_vpc(found, vpc, via),
            // no transit from one peering to another (egress.md §10 rule 5)
            (Some(AttachmentType::Peer), _) if over_peering => Branch::drop(Reason::TrNoRoute, via),
            (Some(AttachmentType::Peer), _) => self.enter_far_router(table, found, via),
            (Some(AttachmentType::Vbr | AttachmentType::Vpn | AttachmentType::Ecr), _) => {
                Branch::new(End::Leave(via))
            }
            _ => Branch::unknown(format!("what attachment {attachment} leads to (not stated)")),
        };
        branch.after(Op::Via(element)).after(Op::Via(via))
    }

    /// Over a peering to another transit router, whose own table for the attachment decides.
    fn enter_far_router(
        &mut self,
        table: &Id,
        peering: &TransitAttachment,
        via: ElementId,
    ) -> Branch {
        let topology = self.topology;
        let near = topology.transit_route_tables.get(table).and_then(|t| t.transit_router.as_ref());
        let far = far_router(peering, near);
        if far.is_none_or(|id| topology.transit_routers.get(id).is_none()) {
            return Branch::new(End::Leave(via));
        }
        match self.association(peering.id(), near) {
            Ok(Some(table)) => Branch::go(self.stage(Job::Transit { table, over_peering: true })),
            Ok(None) => Branch::drop(Reason::TrNoAssociation, via),
            Err(missing) => Branch::unknown(missing),
        }
    }

    /// Into a VPC: the tables of all vSwitches that hold the attachment's ENIs (egress.md U3).
    fn enter_vpc(&mut self, attachment: &TransitAttachment, vpc: &Id, via: ElementId) -> Branch {
        if self.topology.vpcs.get(vpc).is_none() {
            return Branch::new(End::Leave(via));
        }
        let zones = attachment.zones.as_deref().unwrap_or_default();
        let vswitches: Vec<&Id> = zones.iter().filter_map(|z| z.vswitch.as_ref()).collect();
        let branches = vswitches.into_iter().map(|v| self.transit_into(vpc, v)).collect();
        Branch::fork(branches).unwrap_or_else(|| {
            Branch::unknown(format!("vSwitches of attachment {} (not stated)", attachment.id()))
        })
    }

    /// A route into a peering connection.
    pub(super) fn hop_to_peer(&mut self, vpc: &Id, id: &Id, element: ElementId) -> Option<Branch> {
        let topology = self.topology;
        let Some(peer) = topology.vpc_peers.get(id) else {
            let scope = topology.vpcs.get(vpc).map(|v| Scope::around(&v.meta)).unwrap_or_default();
            return match topology.coverage.gap(Listing::VpcPeers, &scope) {
                Some(gap) => Some(Branch::unknown(format!("peering connection {id}: {gap}"))),
                None => self.dead(element),
            };
        };
        let at = self.named(peer);
        if !matches!(peer.lifecycle(), Lifecycle::Usable | Lifecycle::Unstated) || peer.is_locked()
        {
            return Some(Branch::drop(Reason::PeerInactive, at).after(Op::Via(at)));
        }
        match far_side(peer, vpc) {
            Some(Some(into)) => {
                let job = Job::Peer { peer: id.clone(), into: into.clone() };
                Some(Branch::go(self.stage(job)))
            }
            Some(None) => Some(Branch::unknown(format!("far VPC of {id} (not stated)"))),
            None => Some(Branch::drop(Reason::BadNexthop, element).after(Op::Via(element))),
        }
    }

    /// Peering delivers to addresses of the peer's vSwitches and to nothing else (decisions.md 34).
    pub(super) fn peer_stage(&mut self, id: &Id, into: &Id) -> Stage {
        let at = self.referred_or_named(Kind::VpcPeer, id);
        let default = Branch::drop(Reason::PeerNotTransitive, at).after(Op::Via(at));
        let stage = |rules, default| Stage::new("gateway", at, Table { rules, default });
        let stated = self.topology.vpc_peers.get(id).and_then(|peer| stated_blocks(peer, into));
        let Some(vpc) = self.topology.vpcs.get(into) else {
            // the far VPC is not in the input; its blocks may be in the connection's body
            return match stated {
                Some(blocks) => {
                    let rule = Rule::new(
                        Match::to(AddrSet::from_cidrs(Family::V4, &blocks)),
                        at,
                        Branch::new(End::Leave(at)).after(Op::Via(at)),
                    );
                    stage(vec![rule], default)
                }
                None => {
                    stage(Vec::new(), Branch::unknown(format!("VPC {into} (not in the input)")))
                }
            };
        };
        let vswitches: Vec<&VSwitch> =
            self.topology.vswitches.iter().filter(|v| v.vpc.as_ref() == Some(into)).collect();
        let mut rules = Vec::new();
        for vswitch in vswitches {
            let job = Job::PeerReply { peer: id.clone(), vswitch: vswitch.id().clone() };
            let then = Branch::go(self.stage(job)).after(Op::Via(at));
            let element = self.named(vswitch);
            for cidr in vswitch.cidr.iter().chain(&vswitch.ipv6_cidr).filter_map(CidrValue::cidr) {
                rules.push(Rule::new(Match::to(block(cidr)), element, then.clone()));
            }
        }
        let scope = Scope::around(&vpc.meta).with_parent(vpc.id());
        if let Some(gap) = self.topology.coverage.gap(Listing::VSwitches, &scope) {
            let blocks: Vec<Cidr> = vpc
                .cidr
                .iter()
                .chain(vpc.secondary_cidrs.iter().flatten())
                .filter_map(CidrValue::cidr)
                .collect();
            rules.push(Rule::new(
                Match::to(AddrSet::from_cidrs(Family::V4, &blocks)),
                at,
                Branch::unknown(gap.to_string()),
            ));
        }
        stage(rules, default)
    }

    /// Do replies find back over the peering connection? Changes no verdict.
    pub(super) fn peer_reply_stage(&mut self, id: &Id, vswitch: &Id) -> Stage {
        let at = self.referred_or_named(Kind::VSwitch, vswitch);
        let network = self.topology.vswitches.get(vswitch).and_then(|v| v.vpc.clone());
        let end = match network {
            Some(vpc) => End::Arrive { segment: at, network: self.network(&vpc) },
            None => End::Deliver(at),
        };
        let deliver = Branch::new(end).after_all([Op::Identity(Identity::None), Op::Sender(None)]);
        let lost = deliver.clone().after(Op::Note(Text::from(format!(
            "reply_no_route: {vswitch} has no route back over {id}"
        ))));
        let vpc = self.topology.vswitches.get(vswitch).and_then(|v| v.vpc.clone());
        let hops = match &vpc {
            Some(vpc) => self.hops_of_vswitch(vpc, vswitch),
            None => Err(Text::from(format!("VPC of {vswitch} (not stated)"))),
        };
        let mut rules = Vec::new();
        let default = match hops {
            Ok(routes) => {
                for (cidr, hops) in routes {
                    let back = hops.iter().any(|hop| {
                        hop.hop_type == NextHopType::VpcPeer && hop.id.as_ref() == Some(id)
                    });
                    let then = if back { deliver.clone() } else { lost.clone() };
                    rules.push(Rule::new(Match::from(block(cidr)), at, then));
                }
                lost
            }
            Err(missing) => deliver.after(Op::Note(Text::from(format!(
                "whether replies find back is unknown: {missing}"
            )))),
        };
        Stage::new("reply", at, Table { rules, default })
    }
}

/// The end of a peering between transit routers that is not `near`.
fn far_router<'p>(peering: &'p TransitAttachment, near: Option<&Id>) -> Option<&'p Id> {
    [&peering.transit_router, &peering.target].into_iter().flatten().find(|id| Some(*id) != near)
}

/// Only `Active` entries forward (formats-api.md §4.8); a design states no status.
fn is_active(entry: &TransitRouteEntry) -> bool {
    entry.meta.status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("Active"))
}

/// The VPC on the other side; `None` when `vpc` is on neither side, `Some(None)` when the other
/// side is not stated.
fn far_side<'p>(peer: &'p VpcPeer, vpc: &Id) -> Option<Option<&'p Id>> {
    let of = |side: &'p Option<PeerSide>| side.as_ref().and_then(|s| s.vpc.as_ref());
    let (requester, accepter) = (of(&peer.requester), of(&peer.accepter));
    if requester == Some(vpc) {
        Some(accepter)
    } else if accepter == Some(vpc) {
        Some(requester)
    } else if requester.is_none() || accepter.is_none() {
        Some(None)
    } else {
        None
    }
}

/// Blocks of one side as the connection's body states them.
fn stated_blocks(peer: &VpcPeer, vpc: &Id) -> Option<Vec<Cidr>> {
    [&peer.requester, &peer.accepter]
        .into_iter()
        .flatten()
        .find(|side| side.vpc.as_ref() == Some(vpc))?
        .cidrs
        .as_ref()
        .map(|cidrs| cidrs.iter().filter_map(CidrValue::cidr).collect())
}
