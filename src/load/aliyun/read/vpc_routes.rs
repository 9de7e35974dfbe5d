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
        // account and region are the listing's to state: a shared list belongs to someone else
        list.meta.source = Some(sources.at(n));
        list.entries = row.cidr.as_str().map(|text| vec![cx.cidr(&list, "entries", text)]);
        cx.add(list);
    }
    if rows.is_stated()
        && rows.len() == 0
        && let Some(id) = cx.param("PrefixListId").map(Id::from)
    {
        let mut list = PrefixList::new(id);
        list.meta.source = Some(cx.source("/PrefixListEntry"));
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

#[cfg(test)]
mod tests {
    use super::super::vpc_common::testing::{read, read_with, try_read};
    use super::*;
    use crate::topology::Resource;

    fn hop(hop_type: NextHopType, id: Option<&str>) -> NextHop {
        NextHop { hop_type, id: id.map(Id::from), weight: None, enabled: None }
    }

    #[test]
    fn route_tables_of_the_listing() {
        let t = read(
            "DescribeRouteTableList",
            r#"{"RouterTableList":{"RouterTableListType":[{"RouteTableId":"vtb-1","RouteTableName":"main",
              "RouteTableType":"System","RouterId":"vrt-1","RouterType":"VRouter","VpcId":"",
              "VSwitchIds":{"VSwitchId":["vsw-1"]},"GatewayIds":{"GatewayIds":["ipv4gw-1"]},
              "AssociateType":"Gateway","RoutePropagationEnable":true,"OwnerId":1001}]}}"#,
        );
        let table = t.route_tables.get("vtb-1").unwrap();
        assert_eq!(table.name(), Some("main"));
        assert_eq!(table.vpc, None);
        assert_eq!(table.router.as_deref(), Some("vrt-1"));
        assert_eq!(table.scope, Some(RouteTableScope::Gateway));
        assert_eq!(table.gateways, Some(vec![Id::from("ipv4gw-1")]));
        assert_eq!(table.propagation, Some(true));
        let pointer = table.meta.source.as_ref().unwrap().pointer();
        assert_eq!(pointer, "/RouterTableList/RouterTableListType/0");
    }

    #[test]
    fn the_older_call_has_the_hop_at_the_entry() {
        let body = r#"{"RouteTables":{"RouteTable":[{"RouteTableId":"vtb-1","VRouterId":"vbr-1",
            "RouteTableType":"System","VSwitchIds":{"VSwitchId":[]},"RouteEntrys":{"RouteEntry":[
              {"DestinationCidrBlock":"0.0.0.0/0","Type":"Custom","Status":"Available","InstanceId":"i-1",
               "NextHopType":"Instance","NextHops":{"NextHop":[]}},
              {"DestinationCidrBlock":"100.64.0.0/10","Type":"System","InstanceId":"",
               "NextHopType":"service","NextHops":{"NextHop":[]}},
              {"DestinationCidrBlock":"10.0.0.0/8","Type":"Custom","NextHopType":"RouterInterface",
               "NextHops":{"NextHop":[{"NextHopType":"RouterInterface","NextHopId":"ri-1","Weight":100,"Enabled":1},
                 {"NextHopType":"RouterInterface","NextHopId":"ri-2","Weight":"0","Enabled":0}]}}]}}]}}"#;
        for product in ["vpc", "ecs"] {
            let t = try_read(product, "DescribeRouteTables", &[], body).unwrap().topology;
            let table = t.route_tables.get("vtb-1").unwrap();
            assert_eq!(table.router.as_deref(), Some("vbr-1"));
            assert_eq!(table.vswitches, Some(vec![]));
            let default = t.route_entries.get("vtb-1:0.0.0.0/0").unwrap();
            assert_eq!(default.next_hops, Some(vec![hop(NextHopType::Instance, Some("i-1"))]));
            assert_eq!(
                default.meta.source.as_ref().unwrap().pointer(),
                "/RouteTables/RouteTable/0/RouteEntrys/RouteEntry/0"
            );
            let service = t.route_entries.get("vtb-1:100.64.0.0/10").unwrap();
            assert_eq!(service.next_hops, Some(vec![hop(NextHopType::Service, None)]));
            assert_eq!(service.origin, Some(RouteOrigin::System));
            let hops = t.route_entries.get("vtb-1:10.0.0.0/8").unwrap().next_hops.as_ref().unwrap();
            assert_eq!((hops[0].weight, hops[0].enabled), (Some(100), Some(true)));
            assert_eq!((hops[1].weight, hops[1].enabled), (Some(0), Some(false)));
            let asked = Scope::of_parent(&Id::from("vtb-1"));
            assert!(t.coverage.is_complete(Listing::RouteEntries, &asked));
            assert!(!t.coverage.is_loaded(Listing::RouteTables));
        }
        let t = read(
            "DescribeRouteTables",
            r#"{"RouteTables":{"RouteTable":{"RouteTableId":"vtb-1","RouteEntrys":{"RouteEntry":
              {"RouteEntryId":"rte-1","DestinationCidrBlock":"10.0.0.0/8"}}}}}"#,
        );
        let entry = t.route_entries.get("rte-1").unwrap();
        let pointer = entry.meta.source.as_ref().unwrap().pointer();
        assert_eq!(pointer, "/RouteTables/RouteTable/RouteEntrys/RouteEntry");
        assert_eq!(entry.next_hops, None);
    }

    #[test]
    fn origins_and_prefix_lists_of_route_entries() {
        let t = read_with(
            "DescribeRouteEntryList",
            ("RouteTableId", "vtb-9"),
            r#"{"RouteEntrys":{"RouteEntry":[
              {"RouteEntryId":"rte-1","RouteTableId":"vtb-1","DestinationCidrBlock":"10.0.0.0/8","Type":"Custom",
               "Origin":"RoutePropagation","NextHops":{"NextHop":[{"NextHopType":"ATTACHMENT","NextHopId":"tr-attach-1"}]}},
              {"RouteEntryId":"rte-2","DestinationCidrBlock":"pl-1","Type":"Custom","Origin":"SystemCreate"},
              {"RouteEntryId":"rte-3","Type":"System","ServiceType":"TR"},
              {"RouteEntryId":"rte-4","Type":"BGP","ServiceType":""},
              {"RouteEntryId":"rte-5","Origin":"SystemCreate"},
              {"RouteEntryId":"rte-6"}]}}"#,
        );
        let origin = |id: &str| t.route_entries.get(id).unwrap().origin.clone();
        assert_eq!(origin("rte-1"), Some(RouteOrigin::Dynamic));
        assert_eq!(origin("rte-2"), Some(RouteOrigin::Custom));
        assert_eq!(origin("rte-3"), Some(RouteOrigin::Dynamic));
        assert_eq!(origin("rte-4"), Some(RouteOrigin::Dynamic));
        assert_eq!(origin("rte-5"), Some(RouteOrigin::System));
        assert_eq!(origin("rte-6"), None);
        let first = t.route_entries.get("rte-1").unwrap();
        assert_eq!(first.next_hops.as_ref().unwrap()[0].hop_type, NextHopType::Attachment);
        assert_eq!(first.table.as_deref(), Some("vtb-1"));
        let second = t.route_entries.get("rte-2").unwrap();
        assert_eq!(second.table.as_deref(), Some("vtb-9"));
        assert_eq!(second.destination, Some(RouteDestination::PrefixList(Id::from("pl-1"))));
    }

    #[test]
    fn gateway_routes_need_their_table_from_the_request() {
        let body = r#"{"GatewayRouteEntryModels":[{"DestinationCidrBlock":"192.168.0.0/24","NextHopId":"i-1",
            "NextHopType":"EcsInstance","NextHops":[],"Status":"Available","Name":"in"}],"TotalCount":"1"}"#;
        let t = read_with("ListGatewayRouteTableEntries", ("GatewayRouteTableId", "vtb-gw"), body);
        let entry = t.route_entries.get("vtb-gw:192.168.0.0/24").unwrap();
        assert_eq!(entry.name(), Some("in"));
        assert_eq!(entry.next_hops, Some(vec![hop(NextHopType::Instance, Some("i-1"))]));
        assert_eq!(entry.meta.source.as_ref().unwrap().pointer(), "/GatewayRouteEntryModels/0");
        let lost = try_read("vpc", "ListGatewayRouteTableEntries", &[], body).unwrap();
        assert_eq!((lost.rows, lost.unattached.len()), (1, 1));
        assert!(lost.topology.route_entries.is_empty());
    }

    #[test]
    fn prefix_lists_and_the_pages_of_their_entries() {
        let t = read(
            "ListPrefixLists",
            r#"{"PrefixLists":[{"PrefixListId":"pl-1","PrefixListName":"dc","CidrBlocks":["10.0.0.0/8"],
              "IpVersion":"IPV4","PrefixListStatus":"Created","Status":"Created","MaxEntries":10}]}"#,
        );
        let list = t.prefix_lists.get("pl-1").unwrap();
        assert_eq!(list.meta.status.as_deref(), Some("Created"));
        assert_eq!(list.max_entries, Some(10));
        let t = read(
            "GetVpcPrefixListEntries",
            r#"{"PrefixListEntry":[{"PrefixListId":"pl-1","Cidr":"10.0.0.0/8"},{"PrefixListId":"pl-1","Cidr":"172.16.0.0/12"}]}"#,
        );
        assert_eq!(t.prefix_lists.get("pl-1").unwrap().entries.as_ref().unwrap().len(), 2);
        assert!(t.conflicts.is_empty());
        let empty = read_with(
            "GetVpcPrefixListEntries",
            ("PrefixListId", "pl-2"),
            r#"{"PrefixListEntry":[]}"#,
        );
        assert_eq!(empty.prefix_lists.get("pl-2").unwrap().entries, Some(vec![]));
    }

    #[test]
    fn members_of_a_route_target_group() {
        let t = read(
            "ListRouteTargetGroups",
            r#"{"RouteTargetGroups":[{"RouteTargetGroupId":"rtg-1","VpcId":"vpc-1","RouteTargetMemberList":[
              {"MemberId":"ep-1","Weight":100,"EnableStatus":"Enable"},{"MemberId":"ep-2","Weight":"0","EnableStatus":"Disable"}]}]}"#,
        );
        let members = t.route_target_groups.get("rtg-1").unwrap().members.as_ref().unwrap();
        assert_eq!((members[0].weight, members[0].enabled), (Some(100), Some(true)));
        assert_eq!((members[1].weight, members[1].enabled), (Some(0), Some(false)));
    }
}
