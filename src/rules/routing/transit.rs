//! RT024: attachments of a transit router without a table, and tables without the networks that
//! VPCs route to (access.md §5.4). Also what a route into a transit router meets there.

use std::collections::BTreeMap;

use super::tables::{Tables, addresses, blocks_of, destination_text, destinations, hops, split};
use crate::addr::{AddrSet, Cidr, Family};
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    AttachmentType, CidrValue, Id, Lifecycle, Listing, NextHopType, Resource, RouteEntry, Scope,
    TransitAttachment, TransitRouteEntry, TransitRouterType, Vpc,
};

pub(crate) struct TrAssociationOrPropagationMissing;

static META: RuleMeta = RuleMeta {
    id: "RT024",
    name: "tr-association-or-propagation-missing",
    summary: "every transit router attachment has a route table, and that table knows the networks that are routed to it",
    severity: Severity::Error,
    pack: Pack::Default,
    needs: &[],
    cases: &[
        Case {
            key: "association",
            message: "{attachment} is associated with no route table of its transit router, so whatever comes from it is dropped{use}",
            help: "associate it with a table: `aliyun cbn AssociateTransitRouterAttachmentWithRouteTable --TransitRouterAttachmentId {id} --TransitRouterRouteTableId` and the table's id",
        },
        Case {
            key: "propagation",
            message: "VPC {from} routes {destinations} to the transit router, but {table}, which decides there, has no route to {to}",
            help: "let {to} propagate its routes into the table, or add a static route; if the two are kept apart on purpose, remove the route in the VPC or add a black hole",
        },
    ],
    page: include_str!("../../../rules/RT024-tr-association-or-propagation-missing.md"),
};

/// What is known of transit routers.
pub(super) struct Transit<'c> {
    cx: &'c Context<'c>,
    entries: BTreeMap<&'c Id, Vec<&'c TransitRouteEntry>>,
}

impl<'c> Transit<'c> {
    pub(super) fn new(cx: &'c Context<'c>) -> Self {
        let mut entries: BTreeMap<&Id, Vec<&TransitRouteEntry>> = BTreeMap::new();
        for entry in &cx.topology.transit_route_entries {
            if let Some(table) = &entry.table {
                entries.entry(table).or_default().push(entry);
            }
        }
        Self { cx, entries }
    }

    /// The table that packets from an attachment are looked up in; `None` when it has none.
    pub(super) fn table_of(
        &self,
        attachment: &TransitAttachment,
    ) -> Result<Option<&'c Id>, Unknown> {
        let t = self.cx.topology;
        let found = t.transit_associations.iter().find(|a| {
            a.attachment.as_ref() == Some(attachment.id()) && a.lifecycle() != Lifecycle::Dead
        });
        if let Some(table) = found.and_then(|a| a.table.as_ref()) {
            return Ok(Some(table));
        }
        let router = stated(attachment.transit_router.as_ref(), attachment, "transit router")?;
        self.cx.need(Listing::TransitRouteTables, &Scope::of_parent(router))?;
        for table in &t.transit_route_tables {
            if table.transit_router.as_ref() == Some(router) {
                self.cx.need(Listing::TransitAssociations, &Scope::of_parent(table.id()))?;
            }
        }
        Ok(None)
    }

    /// Entries of a table in match order; fails unless all are known. Only `Active` ones forward
    /// (formats-api.md §4.8); a design states no status.
    pub(super) fn routes(&self, table: &Id) -> Result<Vec<(Cidr, &'c TransitRouteEntry)>, Unknown> {
        self.cx.need(Listing::TransitRouteEntries, &Scope::of_parent(table))?;
        let mut routes: Vec<(Cidr, &TransitRouteEntry)> = Vec::new();
        for entry in self.entries.get(table).into_iter().flatten() {
            let status = entry.meta.status.as_deref();
            if status.is_none_or(|s| s.eq_ignore_ascii_case("Active")) {
                let blocks = blocks_of(self.cx, *entry, entry.destination.as_ref())?;
                routes.extend(blocks.into_iter().map(|cidr| (cidr, *entry)));
            }
        }
        let key = |(cidr, entry): &(Cidr, &TransitRouteEntry)| {
            (std::cmp::Reverse(cidr.mask()), *cidr, entry.preference, entry.id().clone())
        };
        routes.sort_by_cached_key(key);
        routes.dedup_by_key(|(cidr, _)| *cidr);
        Ok(routes)
    }

    /// Does a table learn the routes of an attachment?
    fn learns(&self, table: &Id, attachment: &Id) -> Result<bool, Unknown> {
        let found = self.cx.topology.transit_propagations.iter().any(|p| {
            p.table.as_ref() == Some(table)
                && p.attachment.as_ref() == Some(attachment)
                && p.lifecycle() != Lifecycle::Dead
        });
        if !found {
            self.cx.need(Listing::TransitPropagations, &Scope::of_parent(table))?;
        }
        Ok(found)
    }
}

impl Rule for TrAssociationOrPropagationMissing {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let transit = Transit::new(cx);
        let tables = Tables::new(cx);
        let users = users(cx);
        // basic CEN has no tables
        let enterprise = |a: &&TransitAttachment| {
            let router = a.transit_router.as_ref();
            let router = router.and_then(|id| cx.topology.transit_routers.get(id));
            router.is_none_or(|r| r.router_type != Some(TransitRouterType::Basic))
                && a.lifecycle() != Lifecycle::Dead
        };
        let attachments = cx.topology.transit_attachments.iter().filter(enterprise);
        out.each(cx, attachments, |attachment, out| {
            let own = users.get(attachment.id()).map_or(&[][..], Vec::as_slice);
            match transit.table_of(attachment)? {
                None => {
                    unassociated(attachment, own, out);
                    Ok(())
                }
                Some(table) => unreached(cx, &transit, &tables, attachment, table, own, out),
            }
        });
    }
}

/// Routes of VPC tables by the attachment that they lead to.
fn users<'a>(cx: &Context<'a>) -> BTreeMap<&'a Id, Vec<&'a RouteEntry>> {
    let mut out: BTreeMap<&Id, Vec<&RouteEntry>> = BTreeMap::new();
    for entry in &cx.topology.route_entries {
        for hop in hops(entry).filter(|hop| hop.hop_type == NextHopType::Attachment) {
            if let Some(id) = &hop.id {
                out.entry(id).or_default().push(entry);
            }
        }
    }
    out
}

fn unassociated(attachment: &TransitAttachment, routes: &[&RouteEntry], out: &mut Sink) {
    let to: Vec<String> = routes.iter().map(|entry| destination_text(entry)).collect();
    let finding = out.fail("association");
    // nobody uses it yet
    let finding = if routes.is_empty() { finding.severity(Severity::Warning) } else { finding };
    let mut finding = finding
        .on_whole(attachment)
        .fact("attachment", attachment.to_ref())
        .fact("id", attachment.id())
        .fact(
            "use",
            match to.is_empty() {
                true => String::new(),
                false => format!("; its VPC routes {} to it", first_of(&to, 4)),
            },
        );
    for entry in routes {
        finding = finding.with(*entry, "next_hops", "leads to it");
    }
    finding.emit();
}

fn unreached(
    cx: &Context<'_>,
    transit: &Transit<'_>,
    tables: &Tables<'_>,
    attachment: &TransitAttachment,
    table: &Id,
    routes: &[&RouteEntry],
    out: &mut Sink,
) -> Result<(), Unknown> {
    if routes.is_empty() {
        return Ok(());
    }
    let mut missing = Unknown::default();
    for other in &cx.topology.transit_attachments {
        let same =
            other.transit_router.is_some() && other.transit_router == attachment.transit_router;
        let vpc = other.attachment_type == Some(AttachmentType::Vpc);
        if !same || !vpc || other.id() == attachment.id() || other.lifecycle() == Lifecycle::Dead {
            continue;
        }
        let Some(to) = &other.target else { continue };
        match lacking(cx, transit, tables, attachment, table, routes, other, to) {
            Ok(wanted) if wanted.is_empty() => {}
            Ok(wanted) => report(cx, attachment, table, &wanted, other, to, out),
            Err(unknown) => missing.missing.extend(unknown.missing),
        }
    }
    if missing.missing.is_empty() { Ok(()) } else { Err(missing) }
}

/// The routes that mean the other VPC although the table knows no way to it. A wide route means
/// another VPC only if that one routes back; a black hole keeps the two apart on purpose.
#[allow(clippy::too_many_arguments, reason = "both ends of a pair")]
fn lacking<'r>(
    cx: &Context<'_>,
    transit: &Transit<'_>,
    tables: &Tables<'_>,
    attachment: &TransitAttachment,
    table: &Id,
    routes: &[&'r RouteEntry],
    other: &TransitAttachment,
    to: &Id,
) -> Result<Vec<&'r RouteEntry>, Unknown> {
    let Some(vpc) = cx.topology.vpcs.get(to) else { return Ok(Vec::new()) };
    cx.need(Listing::VSwitches, &Scope::around(&vpc.meta).with_parent(to))?;
    let hosts = addresses(tables.vswitches(to).iter().copied());
    let mut wanted = Vec::new();
    let mut aimed = AddrSet::empty(Family::V4);
    for entry in routes {
        let blocks = destinations(cx, entry)?;
        let reached = AddrSet::from_cidrs(Family::V4, &blocks).intersect(&hosts);
        if reached.is_empty() {
            continue;
        }
        if is_aimed(vpc, &blocks) || routes_back(cx, tables, attachment, other)? {
            aimed = aimed.union(&reached);
            wanted.push(*entry);
        }
    }
    if wanted.is_empty() || !split(&transit.routes(table)?, &aimed).is_empty() {
        return Ok(Vec::new());
    }
    if transit.learns(table, other.id())? { Ok(Vec::new()) } else { Ok(wanted) }
}

/// Is a destination one of this VPC alone, so that it was written for it?
fn is_aimed(vpc: &Vpc, blocks: &[Cidr]) -> bool {
    let own = vpc.cidr.iter().chain(vpc.secondary_cidrs.iter().flatten());
    let own: Vec<Cidr> = own.filter_map(CidrValue::cidr).collect();
    blocks.iter().any(|block| own.iter().any(|cidr| cidr.contains_block(block)))
}

/// Does the far VPC route anything of the near one into its own attachment?
fn routes_back(
    cx: &Context<'_>,
    tables: &Tables<'_>,
    near: &TransitAttachment,
    far: &TransitAttachment,
) -> Result<bool, Unknown> {
    let Some(vpc) = &near.target else { return Ok(false) };
    let hosts = addresses(tables.vswitches(vpc).iter().copied());
    for entry in &cx.topology.route_entries {
        let back = |hop: &crate::topology::NextHop| {
            hop.hop_type == NextHopType::Attachment && hop.id.as_ref() == Some(far.id())
        };
        if hops(entry).any(back) {
            let blocks = destinations(cx, entry)?;
            if !AddrSet::from_cidrs(Family::V4, &blocks).intersect(&hosts).is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn report(
    cx: &Context<'_>,
    attachment: &TransitAttachment,
    table: &Id,
    wanted: &[&RouteEntry],
    other: &TransitAttachment,
    to: &Id,
    out: &mut Sink,
) {
    let name = |id: &Id| match cx.topology.vpcs.get(id) {
        Some(vpc) => vpc.to_ref().to_string(),
        None => format!("VPC {id}"),
    };
    let from = attachment.target.as_ref().map_or("(not stated)", |id| id.as_str());
    let texts: Vec<String> = wanted.iter().map(|entry| destination_text(entry)).collect();
    let found = cx.topology.transit_route_tables.get(table);
    let mut finding = match found {
        Some(found) => out.fail("propagation").on_whole(found),
        None => out.fail("propagation").on_whole(attachment),
    };
    for entry in wanted {
        finding = finding.with(*entry, "next_hops", "routes there");
    }
    finding
        .with_whole(attachment, "uses the table")
        .with_whole(other, "is not reached from it")
        .fact("from", from)
        .fact("destinations", first_of(&texts, 4))
        .fact("table", format!("route table {table}"))
        .fact("to", name(to))
        .emit();
}
