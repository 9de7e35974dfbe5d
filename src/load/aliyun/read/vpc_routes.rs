//! Route tables, route entries, prefix lists and route target groups (formats-api.md §4.1).

use serde::Deserialize;

use super::Api;
use super::vpc_common::{cidrs, id_or_param, ids, listing, without_id};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{
    Id, Listing, ListingState, NextHop, NextHopType, PrefixList, RouteDestination, RouteEntry,
    RouteOrigin, RouteTable, RouteTableScope, RouteTableType, RouteTarget, RouteTargetGroup, Scope,
    Source,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "vpc",
        name: "DescribeRouteTableList",
        listing: Listing::RouteTables,
        read: route_table_list,
    },
    Api {
        product: "vpc",
        name: "DescribeRouteTables",
        listing: Listing::RouterRouteTables,
        read: route_tables,
    },
    Api {
        product: "ecs",
        name: "DescribeRouteTables",
        listing: Listing::RouterRouteTables,
        read: route_tables,
    },
    Api {
        product: "vpc",
        name: "DescribeRouteEntryList",
        listing: Listing::RouteEntries,
        read: route_entries,
    },
    Api {
        product: "vpc",
        name: "ListGatewayRouteTableEntries",
        listing: Listing::GatewayRouteEntries,
        read: gateway_route_entries,
    },
    Api {
        product: "vpc",
        name: "ListPrefixLists",
        listing: Listing::VpcPrefixLists,
        read: prefix_lists,
    },
    Api {
        product: "vpc",
        name: "GetVpcPrefixListEntries",
        listing: Listing::VpcPrefixListEntries,
        read: prefix_list_entries,
    },
    Api {
        product: "vpc",
        name: "ListRouteTargetGroups",
        listing: Listing::RouteTargetGroups,
        read: route_target_groups,
    },
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct TableRow<'a> {
    #[serde(borrow)]
    route_table_id: Scalar<'a>,
    route_table_name: Scalar<'a>,
    route_table_type: Scalar<'a>,
    router_id: Scalar<'a>,
    // DescribeRouteTables; holds a `vbr-` id for the table of a border router
    v_router_id: Scalar<'a>,
    router_type: Scalar<'a>,
    vpc_id: Scalar<'a>,
    v_switch_ids: List<Scalar<'a>>,
    gateway_ids: List<Scalar<'a>>,
    associate_type: Scalar<'a>,
    route_propagation_enable: Scalar<'a>,
    status: Scalar<'a>,
    owner_id: Scalar<'a>,
    tags: List<Tag<'a>>,
    // DescribeRouteTables
    route_entrys: List<RouteRow<'a>>,
}

listing!(route_table_list, "RouterTableList", TableRow => add_table);

fn add_table(cx: &mut ReadContext<'_>, row: &TableRow<'_>, source: Source) {
    let Some(id) = row.route_table_id.id() else {
        return without_id(cx, "RouteTableId", &source);
    };
    let mut table = RouteTable::new(id);
    let common = Common {
        name: row.route_table_name.clone(),
        status: row.status.clone(),
        owner: row.owner_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut table.meta, source, &common);
    table.meta.tags = tags(&row.tags);
    table.vpc = row.vpc_id.id();
    table.table_type = row.route_table_type.as_str().map(RouteTableType::from_text);
    table.scope = row.associate_type.as_str().map(RouteTableScope::from_text);
    table.router = id_or_param(cx, &[&row.router_id, &row.v_router_id], "VRouterId");
    table.router_type = row.router_type.text();
    table.vswitches = ids(&row.v_switch_ids);
    table.gateways = ids(&row.gateway_ids);
    table.propagation = row.route_propagation_enable.bool();
    cx.add(table);
}

/// The older call: tables with their entries inside. The entries of a table are not paged, so they
/// are all there.
fn route_tables(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(rename = "RouteTables", default, borrow)]
        rows: List<TableRow<'a>>,
    }
    let body: Body<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/RouteTables", &body.rows);
    cx.count(&body.rows);
    let array = body.rows.pointer("/RouteTables");
    for (n, row) in body.rows.iter().enumerate() {
        add_table(cx, row, sources.at(n));
        let (Some(table), true) = (row.route_table_id.id(), row.route_entrys.is_stated()) else {
            continue;
        };
        let at = if body.rows.is_collapsed() { array.clone() } else { format!("{array}/{n}") };
        let entries = cx.sources(&format!("{at}/RouteEntrys"), &row.route_entrys);
        for (n, entry) in row.route_entrys.iter().enumerate() {
            add_route(cx, entry, &table, entries.at(n));
        }
        let scope =
            Scope { account: cx.account.clone(), region: cx.region.clone(), parent: Some(table) };
        cx.draft.coverage.record(Listing::RouteEntries, scope, ListingState::Complete);
    }
    Ok(())
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RouteRow<'a> {
    #[serde(borrow)]
    route_entry_id: Scalar<'a>,
    route_entry_name: Scalar<'a>,
    name: Scalar<'a>,
    route_table_id: Scalar<'a>,
    destination_cidr_block: Scalar<'a>,
    #[serde(rename = "Type")]
    route_type: Scalar<'a>,
    origin: Scalar<'a>,
    service_type: Scalar<'a>,
    status: Scalar<'a>,
    next_hops: List<HopRow<'a>>,
    // one hop at the level of the entry: `InstanceId` in the older call, `NextHopId` for gateways
    next_hop_type: Scalar<'a>,
    next_hop_id: Scalar<'a>,
    instance_id: Scalar<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct HopRow<'a> {
    #[serde(borrow)]
    next_hop_type: Scalar<'a>,
    next_hop_id: Scalar<'a>,
    weight: Scalar<'a>,
    enabled: Scalar<'a>,
}

listing!(route_entries, "RouteEntrys", RouteRow => add_listed_route);

fn add_listed_route(cx: &mut ReadContext<'_>, row: &RouteRow<'_>, source: Source) {
    match id_or_param(cx, &[&row.route_table_id], "RouteTableId") {
        Some(table) => add_route(cx, row, &table, source),
        None => without_id(cx, "RouteTableId", &source),
    }
}

listing!(
    /// Entries of a gateway route table; the table is a request parameter only (formats-api.md §6.3).
    gateway_route_entries, "GatewayRouteEntryModels", RouteRow => add_gateway_route
);

fn add_gateway_route(cx: &mut ReadContext<'_>, row: &RouteRow<'_>, source: Source) {
    match id_or_param(cx, &[&row.route_table_id], "GatewayRouteTableId") {
        Some(table) => add_route(cx, row, &table, source),
        None => without_id(cx, "GatewayRouteTableId", &source),
    }
}

fn add_route(cx: &mut ReadContext<'_>, row: &RouteRow<'_>, table: &Id, source: Source) {
    let id = row.route_entry_id.id().or_else(|| {
        row.destination_cidr_block.as_str().map(|block| Id::from(format!("{table}:{block}")))
    });
    let Some(id) = id else {
        return without_id(cx, "RouteEntryId", &source);
    };
    let mut entry = RouteEntry::new(id);
    let name = if row.name.as_str().is_some() { &row.name } else { &row.route_entry_name };
    let common = Common { name: name.clone(), status: row.status.clone(), ..Common::default() };
    cx.fill(&mut entry.meta, source, &common);
    entry.table = Some(table.clone());
    entry.destination = row.destination_cidr_block.as_str().map(|text| {
        if text.starts_with("pl-") {
            RouteDestination::PrefixList(Id::from(text))
        } else {
            RouteDestination::Cidr(cx.cidr(&entry, "destination", text))
        }
    });
    entry.origin = origin(row);
    entry.next_hops = next_hops(row);
    cx.add(entry);
}

/// Where an entry comes from. A route that the cloud made and the customer changed is printed as
/// Custom, and so it counts.
fn origin(row: &RouteRow<'_>) -> Option<RouteOrigin> {
    let read = |value: &Scalar<'_>| value.as_str().map(RouteOrigin::from_text);
    let dynamic = [&row.service_type, &row.origin].into_iter().filter_map(read);
    if dynamic.into_iter().any(|origin| origin == RouteOrigin::Dynamic) {
        return Some(RouteOrigin::Dynamic);
    }
    read(&row.route_type).or_else(|| read(&row.origin))
}

/// The hops of the list, or the one at the level of the entry when the list is empty.
fn next_hops(row: &RouteRow<'_>) -> Option<Vec<NextHop>> {
    let hop = |hop_type: &Scalar<'_>, id: Option<Id>| {
        (hop_type.as_str().is_some() || id.is_some()).then(|| NextHop {
            hop_type: NextHopType::from_text(hop_type.as_str().unwrap_or_default()),
            id,
            weight: None,
            enabled: None,
        })
    };
    let listed = row.next_hops.stated_some(|of| {
        let hop = hop(&of.next_hop_type, of.next_hop_id.id())?;
        Some(NextHop { weight: of.weight.number(), enabled: of.enabled.bool(), ..hop })
    });
    if listed.as_ref().is_some_and(|hops| !hops.is_empty()) {
        return listed;
    }
    match hop(&row.next_hop_type, row.instance_id.id().or_else(|| row.next_hop_id.id())) {
        Some(hop) => Some(vec![hop]),
        None => listed,
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PrefixListRow<'a> {
    #[serde(borrow)]
    prefix_list_id: Scalar<'a>,
    prefix_list_name: Scalar<'a>,
    cidr_blocks: List<Scalar<'a>>,
    ip_version: Scalar<'a>,
    max_entries: Scalar<'a>,
    prefix_list_status: Scalar<'a>,
    status: Scalar<'a>,
    owner_id: Scalar<'a>,
    region_id: Scalar<'a>,
    tags: List<Tag<'a>>,
}

listing!(prefix_lists, "PrefixLists", PrefixListRow => add_prefix_list);

fn add_prefix_list(cx: &mut ReadContext<'_>, row: &PrefixListRow<'_>, source: Source) {
    let Some(id) = row.prefix_list_id.id() else {
        return without_id(cx, "PrefixListId", &source);
    };
    let mut list = PrefixList::new(id);
    let status = if row.status.is_stated() { &row.status } else { &row.prefix_list_status };
    let common = Common {
        name: row.prefix_list_name.clone(),
        status: status.clone(),
        owner: row.owner_id.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut list.meta, source, &common);
    list.meta.tags = tags(&row.tags);
    list.entries = cidrs(cx, &list, "entries", &row.cidr_blocks);
    list.ip_version = row.ip_version.text();
    list.max_entries = row.max_entries.number();
    cx.add(list);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PrefixEntriesBody<'a> {
    #[serde(borrow)]
    prefix_list_entry: List<PrefixEntryRow<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PrefixEntryRow<'a> {
    #[serde(borrow)]
    prefix_list_id: Scalar<'a>,
    cidr: Scalar<'a>,
}

/// One prefix list, its entries page by page; pages add up in the model.
fn prefix_list_entries(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: PrefixEntriesBody<'_> = serde_json::from_str(body)?;
    let rows = &body.prefix_list_entry;
    cx.count(rows);
    let sources = cx.sources("/PrefixListEntry", rows);
    for (n, row) in rows.iter().enumerate() {
        let Some(id) = id_or_param(cx, &[&row.prefix_list_id], "PrefixListId") else {
            without_id(cx, "PrefixListId", &sources.at(n));
            continue;
        };
        let mut list = PrefixList::new(id);
        cx.fill(&mut list.meta, sources.at(n), &Common::default());
        list.entries = row.cidr.as_str().map(|text| vec![cx.cidr(&list, "entries", text)]);
        cx.add(list);
    }
    if rows.is_stated()
        && rows.len() == 0
        && let Some(id) = cx.param("PrefixListId").map(Id::from)
    {
        let mut list = PrefixList::new(id);
        let source = cx.source("/PrefixListEntry");
        cx.fill(&mut list.meta, source, &Common::default());
        list.entries = Some(Vec::new());
        cx.add(list);
    }
    Ok(())
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct TargetGroupRow<'a> {
    #[serde(borrow)]
    route_target_group_id: Scalar<'a>,
    route_target_group_name: Scalar<'a>,
    vpc_id: Scalar<'a>,
    route_target_member_list: List<TargetRow<'a>>,
    status: Scalar<'a>,
    region_id: Scalar<'a>,
    tags: List<Tag<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct TargetRow<'a> {
    #[serde(borrow)]
    member_id: Scalar<'a>,
    weight: Scalar<'a>,
    enable_status: Scalar<'a>,
}

listing!(route_target_groups, "RouteTargetGroups", TargetGroupRow => add_target_group);

fn add_target_group(cx: &mut ReadContext<'_>, row: &TargetGroupRow<'_>, source: Source) {
    let Some(id) = row.route_target_group_id.id() else {
        return without_id(cx, "RouteTargetGroupId", &source);
    };
    let mut group = RouteTargetGroup::new(id);
    let common = Common {
        name: row.route_target_group_name.clone(),
        status: row.status.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut group.meta, source, &common);
    group.meta.tags = tags(&row.tags);
    group.vpc = row.vpc_id.id();
    group.members = row.route_target_member_list.stated_some(|member| {
        Some(RouteTarget {
            id: member.member_id.id()?,
            weight: member.weight.number(),
            enabled: member.enable_status.bool(),
        })
    });
    cx.add(group);
}
