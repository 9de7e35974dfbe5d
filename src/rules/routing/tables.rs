//! The routes of VPC tables in match order, for rules that compare whole blocks.

use std::collections::BTreeMap;

use crate::addr::{AddrSet, Cidr, Family};
use crate::rules::facts::block;
use crate::rules::{Context, Unknown, stated};
use crate::topology::{
    CidrValue, Id, Lifecycle, Listing, NextHop, PeerSide, Resource, RouteDestination, RouteEntry,
    RouteOrigin, RouteTable, RouteTableScope, RouteTableType, Scope, VSwitch, VpcPeer,
};

/// Route tables by what uses them.
pub(super) struct Tables<'c> {
    cx: &'c Context<'c>,
    entries: BTreeMap<&'c Id, Vec<&'c RouteEntry>>,
    of_vpc: BTreeMap<&'c Id, Vec<&'c RouteTable>>,
    listed: BTreeMap<&'c Id, &'c Id>,
    vswitches: BTreeMap<&'c Id, Vec<&'c VSwitch>>,
}

/// A route in match order; `None` for delivery inside the VPC that the input does not spell out.
pub(super) type Route<'c> = (Cidr, Option<&'c RouteEntry>);

impl<'c> Tables<'c> {
    pub(super) fn new(cx: &'c Context<'c>) -> Self {
        let t = cx.topology;
        let mut out = Self {
            cx,
            entries: BTreeMap::new(),
            of_vpc: BTreeMap::new(),
            listed: BTreeMap::new(),
            vswitches: BTreeMap::new(),
        };
        for entry in &t.route_entries {
            if let Some(table) = &entry.table {
                out.entries.entry(table).or_default().push(entry);
            }
        }
        for table in &t.route_tables {
            if table.scope == Some(RouteTableScope::Gateway) {
                continue;
            }
            if let Some(vpc) = &table.vpc {
                out.of_vpc.entry(vpc).or_default().push(table);
            }
            for vswitch in table.vswitches.iter().flatten() {
                out.listed.entry(vswitch).or_insert(table.id());
            }
        }
        for vswitch in &t.vswitches {
            if let Some(vpc) = &vswitch.vpc {
                out.vswitches.entry(vpc).or_default().push(vswitch);
            }
        }
        out
    }

    /// The vSwitches of a VPC that are in the input.
    pub(super) fn vswitches(&self, vpc: &Id) -> &[&'c VSwitch] {
        self.vswitches.get(vpc).map_or(&[], Vec::as_slice)
    }

    /// The table of a vSwitch: stated by it, by the table, or the VPC's system table
    /// (formats-api.md §4.1).
    pub(super) fn of_vswitch(&self, vswitch: &'c VSwitch) -> Result<&'c Id, Unknown> {
        if let Some(table) = &vswitch.route_table {
            return Ok(table);
        }
        if let Some(table) = self.listed.get(vswitch.id()) {
            return Ok(table);
        }
        self.cx.need(Listing::RouteTables, &Scope::around(&vswitch.meta))?;
        let vpc = stated(vswitch.vpc.as_ref(), vswitch, "VPC")?;
        let mut tables = self.of_vpc.get(vpc).into_iter().flatten();
        tables
            .find(|t| t.table_type == Some(RouteTableType::System))
            .map(|t| t.id())
            .ok_or_else(|| Unknown::of(format!("route table of {} (not stated)", vswitch.id())))
    }

    /// The vSwitches of a VPC by their table, with those whose table is not known left out and
    /// told.
    pub(super) fn by_table(
        &self,
        vpc: &Id,
    ) -> (BTreeMap<&'c Id, Vec<&'c VSwitch>>, Option<Unknown>) {
        let mut out: BTreeMap<&Id, Vec<&VSwitch>> = BTreeMap::new();
        let mut missing: Option<Unknown> = None;
        for vswitch in self.vswitches(vpc) {
            match self.of_vswitch(vswitch) {
                Ok(table) => out.entry(table).or_default().push(vswitch),
                Err(unknown) => {
                    missing.get_or_insert_default().missing.extend(unknown.missing);
                }
            }
        }
        (out, missing)
    }

    /// All entries of a table, as far as they are in the input.
    pub(super) fn entries(&self, table: &Id) -> &[&'c RouteEntry] {
        self.entries.get(table).map_or(&[], Vec::as_slice)
    }

    /// The routes of a table in match order: longest prefix, then custom, dynamic, system
    /// (decisions.md 27). Fails unless all of them are known.
    pub(super) fn routes(&self, table: &Id) -> Result<Vec<Route<'c>>, Unknown> {
        let found = self.cx.topology.route_tables.get(table);
        let scope = found.map(|t| Scope::around(&t.meta)).unwrap_or_default();
        self.cx.need(Listing::RouteEntries, &scope.with_parent(table))?;
        let mut routes: Vec<(Cidr, u8, Option<&RouteEntry>)> = Vec::new();
        let mut has_system = false;
        for entry in self.entries(table) {
            has_system |= entry.origin == Some(RouteOrigin::System);
            if is_active(entry) {
                for cidr in destinations(self.cx, entry)? {
                    routes.push((cidr, rank(entry), Some(entry)));
                }
            }
        }
        if !has_system && let Some(vpc) = found.and_then(|t| t.vpc.as_ref()) {
            // plans list only what the customer made (egress.md §10 2.1)
            let own = self.vswitches(vpc).iter();
            let own = own.flat_map(|v| v.cidr.iter().chain(&v.ipv6_cidr));
            routes.extend(own.filter_map(CidrValue::cidr).map(|cidr| (cidr, 2, None)));
        }
        routes.sort_by_key(|(cidr, rank, _)| (std::cmp::Reverse(cidr.mask()), *cidr, *rank));
        routes.dedup_by_key(|(cidr, ..)| *cidr);
        Ok(routes.into_iter().map(|(cidr, _, entry)| (cidr, entry)).collect())
    }
}

/// Splits a set of destinations by the entry that each part meets; parts that meet none are left
/// out. `routes` are in match order.
pub(super) fn split<T: Copy>(routes: &[(Cidr, T)], within: &AddrSet) -> Vec<(AddrSet, T)> {
    let mut rest = within.clone();
    let mut out = Vec::new();
    for (cidr, entry) in routes {
        if rest.is_empty() {
            break;
        }
        if cidr.family() != rest.family() {
            continue;
        }
        let own = AddrSet::from_cidrs(rest.family(), [cidr]);
        let part = rest.intersect(&own);
        if !part.is_empty() {
            rest = rest.difference(&own);
            out.push((part, *entry));
        }
    }
    out
}

fn rank(entry: &RouteEntry) -> u8 {
    match entry.origin {
        Some(RouteOrigin::Dynamic) => 1,
        Some(RouteOrigin::System) => 2,
        Some(RouteOrigin::Custom | RouteOrigin::Other(_)) | None => 0,
    }
}

/// Does the entry forward? `Available` and `Modifying` do (egress.md §2.2 item 10).
pub(super) fn is_active(entry: &RouteEntry) -> bool {
    match entry.lifecycle() {
        Lifecycle::Usable | Lifecycle::Unstated => true,
        Lifecycle::Transitional => {
            entry.meta.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("modifying"))
        }
        Lifecycle::Dead | Lifecycle::Unrecognised => false,
    }
}

/// The blocks that an entry covers; a prefix list stands for its entries.
pub(super) fn destinations(cx: &Context<'_>, entry: &RouteEntry) -> Result<Vec<Cidr>, Unknown> {
    blocks_of(cx, entry, entry.destination.as_ref())
}

/// The same for an entry of any kind of table.
pub(super) fn blocks_of(
    cx: &Context<'_>,
    of: &dyn Resource,
    destination: Option<&RouteDestination>,
) -> Result<Vec<Cidr>, Unknown> {
    match stated(destination, of, "destination")? {
        RouteDestination::Cidr(value) => Ok(vec![block(value, of, "destination")?]),
        RouteDestination::PrefixList(id) => {
            let list = cx.topology.prefix_lists.get(id);
            let lacks = || Unknown::of(format!("entries of prefix list {id} (not in the input)"));
            let list = list.ok_or_else(lacks)?;
            let entries = list.entries.as_ref().ok_or_else(lacks)?;
            entries.iter().map(|value| block(value, list, "entry")).collect()
        }
    }
}

/// The next hops of an entry that are in use.
pub(super) fn hops(entry: &RouteEntry) -> impl Iterator<Item = &NextHop> {
    entry.next_hops.iter().flatten().filter(|hop| hop.enabled != Some(false))
}

/// What stands at a route's destination in messages.
pub(super) fn destination_text(entry: &RouteEntry) -> String {
    match &entry.destination {
        Some(RouteDestination::Cidr(cidr)) => cidr.to_string(),
        Some(RouteDestination::PrefixList(list)) => format!("prefix list {list}"),
        None => "its destination".to_owned(),
    }
}

/// The IPv4 addresses of vSwitches.
pub(super) fn addresses<'v>(vswitches: impl IntoIterator<Item = &'v VSwitch>) -> AddrSet {
    let cidrs: Vec<Cidr> = vswitches.into_iter().filter_map(|v| v.cidr.as_ref()?.cidr()).collect();
    AddrSet::from_cidrs(Family::V4, &cidrs)
}

/// The side of a peering connection that is not this VPC's; `None` when the VPC is on neither.
pub(super) fn far_side<'p>(peer: &'p VpcPeer, vpc: &Id) -> Option<&'p PeerSide> {
    let is = |side: &&PeerSide| side.vpc.as_ref() == Some(vpc);
    let (requester, accepter) = (peer.requester.as_ref(), peer.accepter.as_ref());
    if requester.as_ref().is_some_and(is) {
        accepter
    } else if accepter.as_ref().is_some_and(is) {
        requester
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_go_to_the_first_match() {
        let cidr = |text: &str| text.parse::<Cidr>().unwrap();
        let routes = [(cidr("10.0.1.0/24"), 'b'), (cidr("10.0.0.0/16"), 'a'), (cidr("::/0"), 'c')];
        let within = AddrSet::from_cidrs(Family::V4, &[cidr("10.0.0.0/23"), cidr("10.9.0.0/16")]);
        let parts: Vec<(String, char)> =
            split(&routes, &within).into_iter().map(|(set, to)| (set.to_string(), to)).collect();
        assert_eq!(parts, [("10.0.1.0/24".to_owned(), 'b'), ("10.0.0.0/24".to_owned(), 'a')]);
    }
}
