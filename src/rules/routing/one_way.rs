//! RT008: a VPC that routes to another one, which does not route back.

use std::collections::{BTreeMap, BTreeSet};

use super::tables::{Route, Tables, addresses, far_side, hops, split};
use super::transit::Transit;
use crate::addr::AddrSet;
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{
    AttachmentType, Id, Lifecycle, Listing, NextHopType, Resource, RouteEntry, Scope,
    TransitHopType, VSwitch,
};

pub(crate) struct OneWayPeering;

static META: RuleMeta = RuleMeta {
    id: "RT008",
    name: "one-way-peering",
    summary: "a VPC that another one routes to, by peering or transit router, routes back",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "none",
            message: "VPC {from} routes to VPC {to} over {connection}, but no table there routes back to {sources}, so every reply is lost",
            help: "add a route for the vSwitches of {from} to the tables of {to}, over the same connection",
        },
        Case {
            key: "some",
            message: "VPC {from} routes to VPC {to} over {connection}, but the tables of {vswitches} there do not route back to {sources}, so their replies are lost",
            help: "add a route for the vSwitches of {from} to the tables of these vSwitches too",
        },
    ],
    page: include_str!("../../../rules/RT008-one-way-peering.md"),
};

/// One direction of a connection between two VPCs.
type Direction<'a> = (&'a Id, &'a Id, &'a Id);

/// What one direction of a connection reaches, and from where.
struct Use<'a> {
    connection: &'a dyn Resource,
    routes: BTreeSet<&'a Id>,
    /// vSwitches that are routed to and back from.
    works: BTreeSet<&'a Id>,
    /// vSwitches that are routed to and not back from, with their tables.
    lost: BTreeMap<&'a Id, &'a Id>,
    sources: AddrSet,
}

impl Rule for OneWayPeering {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut walk =
            Walk { cx, tables: Tables::new(cx), transit: Transit::new(cx), uses: BTreeMap::new() };
        for vpc in &cx.topology.vpcs {
            let (by_table, missing) = walk.tables.by_table(vpc.id());
            // a VPC without routes to others is not concerned by what is missing of a table
            if let Some(unknown) = missing.filter(|_| connects(cx, vpc.id())) {
                out.undetermined(unknown);
            }
            for (table, sources) in by_table {
                let outcome = walk.table(vpc.id(), table, &sources);
                out.settle(outcome);
            }
        }
        for ((from, to, _), found) in &walk.uses {
            if !found.lost.is_empty() {
                report(&walk, from, to, found, out);
            }
        }
    }
}

/// Is the VPC an end of a connection that is in the input?
fn connects(cx: &Context<'_>, vpc: &Id) -> bool {
    let peered = cx.topology.vpc_peers.iter().any(|p| far_side(p, vpc).is_some());
    peered || cx.topology.transit_attachments.iter().any(|a| a.target.as_ref() == Some(vpc))
}

struct Walk<'c> {
    cx: &'c Context<'c>,
    tables: Tables<'c>,
    transit: Transit<'c>,
    uses: BTreeMap<Direction<'c>, Use<'c>>,
}

impl<'c> Walk<'c> {
    /// Follows the routes of one table into other VPCs.
    fn table(
        &mut self,
        vpc: &'c Id,
        table: &'c Id,
        sources: &[&'c VSwitch],
    ) -> Result<(), Unknown> {
        let entries = self.tables.entries(table).to_vec();
        let leads_out = |entry: &&RouteEntry| {
            hops(entry)
                .any(|hop| matches!(hop.hop_type, NextHopType::VpcPeer | NextHopType::Attachment))
        };
        if !entries.iter().any(leads_out) {
            return Ok(());
        }
        // a source that is not in the input may be the one that is routed back to
        self.all_vswitches(vpc)?;
        let routes = self.tables.routes(table)?;
        let mut missing = Unknown::default();
        for entry in entries.into_iter().filter(|e| leads_out(e)) {
            for hop in hops(entry) {
                let Some(id) = &hop.id else { continue };
                let outcome = match hop.hop_type {
                    NextHopType::VpcPeer => self.over_peering(vpc, &routes, entry, id, sources),
                    NextHopType::Attachment => self.over_transit(vpc, &routes, entry, id, sources),
                    _ => Ok(()),
                };
                if let Err(unknown) = outcome {
                    missing.missing.extend(unknown.missing);
                }
            }
        }
        if missing.missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Fails unless all vSwitches of a VPC are in the input.
    fn all_vswitches(&self, vpc: &Id) -> Result<(), Unknown> {
        let Some(found) = self.cx.topology.vpcs.get(vpc) else {
            return Err(Unknown::of(format!("VPC {vpc} (not in the input)")));
        };
        self.cx.need(Listing::VSwitches, &Scope::around(&found.meta).with_parent(vpc))
    }

    fn over_peering(
        &mut self,
        vpc: &'c Id,
        routes: &[Route<'c>],
        entry: &'c RouteEntry,
        id: &Id,
        sources: &[&'c VSwitch],
    ) -> Result<(), Unknown> {
        // one that does not exist is RT001's, one that does not work RT002's
        let Some(peer) = self.cx.topology.vpc_peers.get(id) else {
            return Err(Unknown::of(format!("peering connection {id} (not in the input)")));
        };
        if !matches!(peer.lifecycle(), Lifecycle::Usable | Lifecycle::Unstated) || peer.is_locked()
        {
            return Ok(());
        }
        let Some(to) = far_side(peer, vpc).and_then(|side| side.vpc.as_ref()) else {
            return Err(Unknown::of(format!("far VPC of {id} (not stated)")));
        };
        let hosts = addresses(self.tables.vswitches(to).iter().copied());
        let reached = part_of(routes, entry, &hosts);
        self.follow(vpc, to, peer, entry, &reached, sources)
    }

    fn over_transit(
        &mut self,
        vpc: &'c Id,
        routes: &[Route<'c>],
        entry: &'c RouteEntry,
        id: &Id,
        sources: &[&'c VSwitch],
    ) -> Result<(), Unknown> {
        let Some(attachment) = self.cx.topology.transit_attachments.get(id) else {
            return Err(Unknown::of(format!("transit router attachment {id} (not in the input)")));
        };
        // what is wrong inside the transit router is RT024's
        let Some(table) = self.transit.table_of(attachment)? else { return Ok(()) };
        let onward = self.transit.routes(table)?;
        let mut missing = Unknown::default();
        for other in &self.cx.topology.transit_attachments {
            let Some(to) = &other.target else { continue };
            if other.attachment_type != Some(AttachmentType::Vpc) || to == vpc {
                continue;
            }
            let hosts = addresses(self.tables.vswitches(to).iter().copied());
            let sent = part_of(routes, entry, &hosts);
            let mut reached = AddrSet::empty(sent.family());
            for (part, next) in split(&onward, &sent) {
                if next.next_hop_type != Some(TransitHopType::BlackHole)
                    && next.next_hop.as_ref() == Some(other.id())
                {
                    reached = reached.union(&part);
                }
            }
            let outcome = self.follow(vpc, to, attachment, entry, &reached, sources);
            if let Err(unknown) = outcome {
                missing.missing.extend(unknown.missing);
            }
        }
        if missing.missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Do the vSwitches with these addresses route back?
    fn follow(
        &mut self,
        from: &'c Id,
        to: &'c Id,
        connection: &'c dyn Resource,
        entry: &'c RouteEntry,
        reached: &AddrSet,
        sources: &[&'c VSwitch],
    ) -> Result<(), Unknown> {
        // what is known of the far side counts, even if there may be more
        let mut missing = self.all_vswitches(to).err().unwrap_or_default();
        let own = addresses(sources.iter().copied());
        for target in self.tables.vswitches(to).to_vec() {
            if addresses([target]).intersect(reached).is_empty() {
                continue;
            }
            let table = self.tables.of_vswitch(target);
            let back = table.and_then(|table| Ok((table, self.routes_back(table, from, &own)?)));
            match back {
                Ok((table, back)) => {
                    let found =
                        self.uses.entry((from, to, connection.id())).or_insert_with(|| Use {
                            connection,
                            routes: BTreeSet::new(),
                            works: BTreeSet::new(),
                            lost: BTreeMap::new(),
                            sources: AddrSet::empty(own.family()),
                        });
                    if back {
                        found.works.insert(target.id());
                    } else {
                        found.lost.insert(target.id(), table);
                        found.routes.insert(entry.id());
                        found.sources = found.sources.union(&own);
                    }
                }
                Err(unknown) => missing.missing.extend(unknown.missing),
            }
        }
        if missing.missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Does a table lead some of these addresses to a connection that may return them? A peering
    /// with another VPC cannot, nor can a NAT gateway or an Internet gateway.
    fn routes_back(&self, table: &Id, from: &Id, sources: &AddrSet) -> Result<bool, Unknown> {
        let routes = self.tables.routes(table)?;
        Ok(split(&routes, sources).into_iter().any(|(_, entry)| {
            entry.is_some_and(|entry| {
                hops(entry).any(|hop| match &hop.hop_type {
                    NextHopType::VpcPeer => {
                        let peer =
                            hop.id.as_ref().and_then(|id| self.cx.topology.vpc_peers.get(id));
                        // a connection that is not in the input may be the right one
                        peer.is_none_or(|peer| far_side(peer, from).is_some())
                    }
                    NextHopType::Local
                    | NextHopType::Service
                    | NextHopType::NatGateway
                    | NextHopType::Ipv4Gateway
                    | NextHopType::Ipv6Gateway
                    | NextHopType::GatewayEndpoint => false,
                    _ => true,
                })
            })
        }))
    }
}

/// The part of a set of addresses that a table sends along one of its entries.
fn part_of(routes: &[Route<'_>], entry: &RouteEntry, within: &AddrSet) -> AddrSet {
    let mut out = AddrSet::empty(within.family());
    for (part, met) in split(routes, within) {
        if met.is_some_and(|met| met.id() == entry.id()) {
            out = out.union(&part);
        }
    }
    out
}

fn report(walk: &Walk<'_>, from: &Id, to: &Id, found: &Use<'_>, out: &mut Sink) {
    let cx = walk.cx;
    // a vSwitch may be lost for one table of the sources and not for another
    let none = found.works.is_empty();
    let finding =
        if none { out.fail("none") } else { out.fail("some").severity(Severity::Warning) };
    let lost: Vec<&&Id> = found.lost.keys().collect();
    let sources: Vec<String> = found.sources.to_cidrs().iter().map(ToString::to_string).collect();
    let mut finding = finding
        .on_whole(found.connection)
        .fact("from", from)
        .fact("to", to)
        .fact("connection", found.connection.to_ref())
        .fact("vswitches", first_of(&lost, 4))
        .fact("sources", first_of(&sources, 4))
        .discriminator(from);
    for id in &found.routes {
        if let Some(route) = cx.topology.route_entries.get(id) {
            finding = finding.with(route, "destination", "leads there");
        }
    }
    let tables: BTreeSet<&&Id> = found.lost.values().collect();
    for table in tables {
        // a way back with the wrong destination is the cause
        for entry in walk.tables.entries(table) {
            if hops(entry).any(|hop| hop.id.as_ref() == Some(found.connection.id())) {
                finding = finding.unless_reported("RT009", *entry);
            }
        }
        if let Some(table) = cx.topology.route_tables.get(table) {
            finding = finding.with_whole(table, "does not lead back");
        }
    }
    finding.emit();
}
