//! Transit routers (access.md §5.4, egress.md §4.5, §10 rule 5 `tr`).
//!
//! Route maps act on the distribution of routes, not on packets: what is exported is what they left,
//! so they are not applied again (access.md §5.4).

use super::super::pipeline::{Branch, ElementId, Op, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table, block, by_prefix_length};
use super::{Compiler, Job};
use crate::addr::Cidr;
use crate::topology::{
    AttachmentType, CidrValue, Id, Kind, Lifecycle, Listing, Resource, RouteDestination, Scope,
    Text, TransitAttachment, TransitHopType, TransitRouteEntry,
};

impl<'t> Compiler<'t> {
    /// A route into a transit router attachment: the table associated with it decides. `None` when a
    /// knob passes the route over.
    pub(super) fn hop_to_transit(
        &mut self,
        vpc: &Id,
        attachment: &Id,
        element: ElementId,
    ) -> Option<Branch> {
        let mut notes = Vec::new();
        if let Some(found) = self.topology.transit_attachments.get(attachment) {
            let of_vpc = found.attachment_type == Some(AttachmentType::Vpc);
            if of_vpc && found.target.as_ref().is_some_and(|target| target != vpc) {
                return Some(Branch::drop(Reason::BadNexthop, element).after(Op::Via(element)));
            }
            if found.lifecycle() == Lifecycle::Dead {
                return self.dead(element);
            }
            let zones = found.zones.iter().flatten().filter_map(|zone| zone.vswitch.as_ref());
            notes.extend(zones.filter_map(|vswitch| self.attachment_acl_note(vswitch)));
        }
        let via = Op::Via(self.device(Kind::TransitAttachment, attachment));
        Some(match self.association(attachment, None) {
            Ok(Some(table)) => {
                let stage = self.stage(Job::Transit { table, over_peering: false });
                Branch::go(stage).after_all(notes).after(via)
            }
            Ok(None) => Branch::drop(Reason::TrNoAssociation, element).after(via),
            Err(missing) => Branch::unknown(missing),
        })
    }

    /// Where packets go on that come out of an attachment into a transit router.
    fn behind_attachment(
        &mut self,
        attachment: &TransitAttachment,
        not_of: Option<&Id>,
        via: ElementId,
    ) -> Branch {
        let over_peering = attachment.attachment_type == Some(AttachmentType::Peer);
        match self.association(attachment.id(), not_of) {
            Ok(Some(table)) => Branch::go(self.stage(Job::Transit { table, over_peering })),
            Ok(None) => Branch::drop(Reason::TrNoAssociation, via),
            Err(missing) => Branch::unknown(missing),
        }
    }

    /// Leaves by an attachment; replies are looked up in the table associated with it.
    fn leave_by(
        &mut self,
        attachment: &TransitAttachment,
        not_of: Option<&Id>,
        via: ElementId,
    ) -> Branch {
        let foreign =
            [Op::Identity(super::super::Identity::None), Op::Home(None), Op::Sender(None)];
        let back = self.behind_attachment(attachment, not_of, via).after_all(foreign);
        self.leave(via, back)
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
        // of equal prefixes: static before learned, then the smaller preference (access.md §5.4);
        // an export marks the one in use as active, so that the others are not here
        prefixes.sort_by_key(|(_, _, entry)| {
            let preference = entry.preference.unwrap_or(DEFAULT_PREFERENCE);
            (is_learned(entry), preference, entry.id().clone())
        });
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
        if found.lifecycle() == Lifecycle::Dead {
            return Branch::drop(Reason::DeadNexthop, via)
                .after(Op::Via(element))
                .after(Op::Via(via));
        }
        let branch = match (&found.attachment_type, &found.target) {
            (Some(AttachmentType::Vpc), Some(vpc)) => self.enter_vpc(found, vpc, via),
            // no transit from one peering to another (egress.md §10 rule 5)
            (Some(AttachmentType::Peer), _) if over_peering => Branch::drop(Reason::TrNoRoute, via),
            (Some(AttachmentType::Peer), _) => self.enter_far_router(table, found, via),
            (Some(AttachmentType::Vpn), Some(connection)) if self.is_tunnel_down(connection) => {
                Branch::drop(Reason::DeadNexthop, via)
            }
            (Some(AttachmentType::Vbr | AttachmentType::Vpn | AttachmentType::Ecr), _) => {
                self.leave_by(found, None, via)
            }
            _ => Branch::unknown(format!("what attachment {attachment} leads to (not stated)")),
        };
        branch.after(Op::Via(element)).after(Op::Via(via))
    }

    /// True for an IPsec connection that is known to be down.
    fn is_tunnel_down(&self, connection: &Id) -> bool {
        let found = self.topology.vpn_connections.get(connection);
        found.is_some_and(|connection| connection.lifecycle() == Lifecycle::Dead)
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
            return self.leave_by(peering, far, via);
        }
        self.behind_attachment(peering, near, via)
    }

    /// Into a VPC: the tables of all vSwitches that hold the attachment's ENIs (egress.md U3).
    fn enter_vpc(&mut self, attachment: &TransitAttachment, vpc: &Id, via: ElementId) -> Branch {
        if self.topology.vpcs.get(vpc).is_none() {
            return self.leave_by(attachment, None, via);
        }
        let zones = attachment.zones.as_deref().unwrap_or_default();
        let vswitches: Vec<&Id> = zones.iter().filter_map(|z| z.vswitch.as_ref()).collect();
        let branches = vswitches
            .into_iter()
            .map(|vswitch| {
                let note = self.attachment_acl_note(vswitch);
                self.transit_into(vpc, vswitch).after_all(note)
            })
            .collect();
        Branch::fork(branches).unwrap_or_else(|| {
            Branch::unknown(format!("vSwitches of attachment {} (not stated)", attachment.id()))
        })
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

/// Preference of a path that states none (access.md §5.4).
const DEFAULT_PREFERENCE: u64 = 50;

fn is_learned(entry: &TransitRouteEntry) -> bool {
    entry.origin.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("Propagated"))
}
