//! RT006: a custom table without the default route that its siblings have.

use std::collections::{BTreeMap, BTreeSet};

use super::tables::{Tables, is_active};
use crate::addr::Cidr;
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{
    Id, Instance, Listing, Resource, RouteDestination, RouteEntry, RouteTable, RouteTableScope,
    RouteTableType, Scope, VSwitch,
};

pub(crate) struct CustomTableMissingDefault;

static META: RuleMeta = RuleMeta {
    id: "RT006",
    name: "custom-table-missing-default",
    summary: "a vSwitch with a custom route table has the default route that vSwitches of its role have",
    severity: Severity::Warning,
    pack: Pack::Default,
    needs: &[],
    cases: &[Case {
        key: "missing",
        message: "{table} of {vswitches} has no default route, but {sibling} of {other} has one, to {hop}",
        help: "add a route for 0.0.0.0/0, if these vSwitches shall have a way out; a new NAT gateway adds one to the system table only",
    }],
    page: include_str!("../../../rules/RT006-custom-table-missing-default.md"),
};

impl Rule for CustomTableMissingDefault {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let tables = Tables::new(cx);
        let roles = Roles::of(cx);
        let custom = cx.topology.route_tables.iter().filter(|t| {
            t.table_type == Some(RouteTableType::Custom)
                && t.scope != Some(RouteTableScope::Gateway)
        });
        out.each(cx, custom, |table, out| judge(cx, &tables, &roles, table, out));
    }
}

fn judge(
    cx: &Context<'_>,
    tables: &Tables<'_>,
    roles: &Roles<'_>,
    table: &RouteTable,
    out: &mut Sink,
) -> Result<(), Unknown> {
    let Some(vpc) = &table.vpc else { return Ok(()) };
    let (by_table, missing) = tables.by_table(vpc);
    let Some(own) = by_table.get(table.id()) else {
        // nobody uses it, unless some vSwitch's table is not known
        return missing.map_or(Ok(()), Err);
    };
    let around = Scope::around(&table.meta);
    if default_route(tables.entries(table.id())).is_some() {
        return Ok(());
    }
    cx.need(Listing::RouteEntries, &around.clone().with_parent(table.id()))?;
    let mut open = Unknown::default();
    for (id, vswitches) in by_table.iter().filter(|(id, _)| **id != table.id()) {
        let like = |v: &&&VSwitch| own.iter().any(|mine| roles.alike(mine, v));
        let Some(other) = vswitches.iter().find(like) else { continue };
        let Some(route) = default_route(tables.entries(id)) else {
            let scope = around.clone().with_parent(id);
            if let Err(unknown) = cx.need(Listing::RouteEntries, &scope) {
                open.missing.extend(unknown.missing);
            }
            continue;
        };
        let names: Vec<_> =
            own.iter().filter(|v| roles.alike(v, other)).map(|v| v.to_ref()).collect();
        out.fail("missing")
            .on_whole(table)
            .with(route, "next_hops", "the default route of its sibling")
            .fact("table", table.to_ref())
            .fact("vswitches", first_of(&names, 3))
            .fact("sibling", format!("route table {id}"))
            .fact("other", other.to_ref())
            .fact("hop", hop_text(route))
            .emit();
        return Ok(());
    }
    if !open.missing.is_empty() {
        return Err(open);
    }
    // a sibling may not be in the input
    cx.need(Listing::RouteTables, &around)?;
    cx.need(Listing::VSwitches, &around.with_parent(vpc))
}

/// The route for 0.0.0.0/0 that is in use.
fn default_route<'e>(entries: &[&'e RouteEntry]) -> Option<&'e RouteEntry> {
    let is_default = |e: &&&RouteEntry| {
        is_active(e)
            && matches!(&e.destination, Some(RouteDestination::Cidr(value))
                if value.cidr() == Some(Cidr::everything_v4()))
    };
    entries.iter().find(is_default).copied()
}

fn hop_text(route: &RouteEntry) -> String {
    let hops: Vec<String> = route
        .next_hops
        .iter()
        .flatten()
        .map(|hop| hop.id.as_ref().map_or_else(|| hop.hop_type.to_string(), Id::to_string))
        .collect();
    if hops.is_empty() { "an unknown next hop".to_owned() } else { first_of(&hops, 2) }
}

/// Tags that tell what something is for.
const TAGS: [&str; 2] = ["role", "tier"];

/// What vSwitches are for: their own tags, else those of the instances in them.
struct Roles<'a>(BTreeMap<&'a Id, BTreeSet<String>>);

impl<'a> Roles<'a> {
    fn of(cx: &Context<'a>) -> Self {
        let mut out: BTreeMap<&Id, BTreeSet<String>> = BTreeMap::new();
        for vswitch in &cx.topology.vswitches {
            let own = tagged(vswitch);
            if !own.is_empty() {
                out.insert(vswitch.id(), own);
            }
        }
        let stated: BTreeSet<&Id> = out.keys().copied().collect();
        for instance in &cx.topology.instances {
            if let Some(vswitch) = &instance.vswitch
                && !stated.contains(vswitch)
            {
                out.entry(vswitch).or_default().extend(of_instance(instance));
            }
        }
        Self(out)
    }

    /// Do two vSwitches have a role in common? Those of which none is stated are alike.
    fn alike(&self, a: &VSwitch, b: &VSwitch) -> bool {
        let none = BTreeSet::new();
        let of = |v: &VSwitch| self.0.get(v.id()).unwrap_or(&none);
        let (a, b) = (of(a), of(b));
        (a.is_empty() && b.is_empty()) || !a.is_disjoint(b)
    }
}

fn tagged(resource: &dyn Resource) -> BTreeSet<String> {
    TAGS.into_iter().filter_map(|key| resource.meta().tag(key)).map(str::to_owned).collect()
}

fn of_instance(instance: &Instance) -> BTreeSet<String> {
    let mut out = tagged(instance);
    out.extend(instance.role.iter().map(|role| role.to_string()));
    out
}
