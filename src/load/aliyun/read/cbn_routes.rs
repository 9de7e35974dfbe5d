//! Routes of CEN: transit router tables, basic CEN, route maps (formats-api.md §4.8).

use std::collections::BTreeSet;

use super::Api;
use super::shared::{cidrs, lost, parent, row};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Object, Scalar};
use crate::topology::{
    CenRoute, CenRouteMap, Id, Listing, RouteDestination, Text, TransitAssociation, TransitHopType,
    TransitPropagation, TransitRouteEntry, TransitRouteTable,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "cbn",
        name: "ListTransitRouterRouteTables",
        listing: Listing::TransitRouteTables,
        read: route_tables,
    },
    Api {
        product: "cbn",
        name: "ListTransitRouterRouteEntries",
        listing: Listing::TransitRouteEntries,
        read: route_entries,
    },
    Api {
        product: "cbn",
        name: "ListTransitRouterPrefixListAssociation",
        listing: Listing::TransitPrefixLists,
        read: prefix_lists,
    },
    Api {
        product: "cbn",
        name: "ListTransitRouterRouteTableAssociations",
        listing: Listing::TransitAssociations,
        read: associations,
    },
    Api {
        product: "cbn",
        name: "ListTransitRouterRouteTablePropagations",
        listing: Listing::TransitPropagations,
        read: propagations,
    },
    Api {
        product: "cbn",
        name: "DescribeCenRegionDomainRouteEntries",
        listing: Listing::CenRoutes,
        read: cen_routes,
    },
    Api {
        product: "cbn",
        name: "DescribeCenRouteMaps",
        listing: Listing::CenRouteMaps,
        read: route_maps,
    },
    Api {
        product: "cbn",
        name: "DescribePublishedRouteEntries",
        listing: Listing::CenPublishedRoutes,
        read: published_routes,
    },
];

row! {
    TablesBody<'a> {
        transit_router_route_tables: List<TableRow<'a>>,
    }
}

row! {
    TableRow<'a> {
        transit_router_route_table_id: Scalar<'a>,
        transit_router_route_table_name: Scalar<'a>,
        transit_router_route_table_type: Scalar<'a>,
        transit_router_route_table_status: Scalar<'a>,
        transit_router_id: Scalar<'a>,
        region_id: Scalar<'a>,
        tags: List<Tag<'a>>,
    }
}

fn route_tables(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: TablesBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/TransitRouterRouteTables", &body.transit_router_route_tables);
    cx.count(&body.transit_router_route_tables);
    for (n, row) in body.transit_router_route_tables.iter().enumerate() {
        let Some(id) = row.transit_router_route_table_id.id() else { continue };
        let mut table = TransitRouteTable::new(id);
        let common = Common {
            name: row.transit_router_route_table_name.clone(),
            status: row.transit_router_route_table_status.clone(),
            region: row.region_id.clone(),
            ..Common::default()
        };
        cx.fill(&mut table.meta, sources.at(n), &common);
        table.meta.tags = tags(&row.tags);
        table.transit_router = parent(cx, &row.transit_router_id, "TransitRouterId");
        table.table_type = row.transit_router_route_table_type.text();
        cx.add(table);
    }
    Ok(())
}

row! {
    EntriesBody<'a> {
        transit_router_route_entries: List<EntryRow<'a>>,
    }
}

row! {
    EntryRow<'a> {
        #[serde(rename = "TransitRouterRouteEntryId")]
        id: Scalar<'a>,
        #[serde(rename = "TransitRouterRouteEntryName")]
        name: Scalar<'a>,
        #[serde(rename = "TransitRouterRouteEntryDestinationCidrBlock")]
        destination: Scalar<'a>,
        #[serde(rename = "TransitRouterRouteEntryNextHopType")]
        next_hop_type: Scalar<'a>,
        #[serde(rename = "TransitRouterRouteEntryNextHopId")]
        next_hop: Scalar<'a>,
        #[serde(rename = "TransitRouterRouteEntryType")]
        origin: Scalar<'a>,
        #[serde(rename = "TransitRouterRouteEntryStatus")]
        status: Scalar<'a>,
        path_attributes: Object<PathRow<'a>>,
        prefix_list_id: Scalar<'a>,
    }
}

row! {
    PathRow<'a> {
        preference: Scalar<'a>,
    }
}

/// Makes ids for rows that have none. A destination can stand in a body more than once, with another
/// next hop or in another state; then the next hop and at last a number tell them apart.
#[derive(Default)]
struct MadeUpIds(BTreeSet<String>);

impl MadeUpIds {
    fn next(&mut self, base: String, next_hop: &Scalar<'_>) -> Id {
        let hop = next_hop.as_str().unwrap_or("-");
        let candidates = [base.clone(), format!("{base}:{hop}")].into_iter();
        let numbered = (2_u32..).map(|n| format!("{base}:{hop}#{n}"));
        let free = candidates.chain(numbered).find(|id| !self.0.contains(id)).unwrap_or(base);
        self.0.insert(free.clone());
        Id::from(free)
    }
}

fn route_entries(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: EntriesBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/TransitRouterRouteEntries", &body.transit_router_route_entries);
    cx.count(&body.transit_router_route_entries);
    let Some(table) = parent(cx, &Scalar::Absent, "TransitRouterRouteTableId") else {
        lost(cx, body.transit_router_route_entries.len(), "TransitRouterRouteTableId");
        return Ok(());
    };
    let mut made_up = MadeUpIds::default();
    for (n, row) in body.transit_router_route_entries.iter().enumerate() {
        let Some(destination) = row.destination.as_str().or_else(|| row.prefix_list_id.as_str())
        else {
            continue;
        };
        let id = row
            .id
            .id()
            .unwrap_or_else(|| made_up.next(format!("{table}:{destination}"), &row.next_hop));
        let mut entry = TransitRouteEntry::new(id);
        let common =
            Common { name: row.name.clone(), status: row.status.clone(), ..Common::default() };
        cx.fill(&mut entry.meta, sources.at(n), &common);
        entry.table = Some(table.clone());
        // an entry of a prefix list is printed with its own block
        entry.destination = Some(match row.destination.as_str() {
            Some(text) => RouteDestination::Cidr(cx.cidr(&entry, "destination", text)),
            None => RouteDestination::PrefixList(Id::from(destination)),
        });
        entry.next_hop_type = row.next_hop_type.as_str().map(TransitHopType::from_text);
        entry.next_hop = row.next_hop.id();
        entry.origin = row.origin.text();
        entry.preference = row.path_attributes.get().and_then(|path| path.preference.number());
        cx.add(entry);
    }
    Ok(())
}

row! {
    PrefixListsBody<'a> {
        prefix_lists: List<PrefixListRow<'a>>,
    }
}

row! {
    PrefixListRow<'a> {
        prefix_list_id: Scalar<'a>,
        transit_router_table_id: Scalar<'a>,
        next_hop: Scalar<'a>,
        next_hop_type: Scalar<'a>,
        status: Scalar<'a>,
    }
}

/// Prefix lists as route destinations: each is a static entry of its table. `NextHopType` names what
/// the attachment leads to, or `BlackHole`.
fn prefix_lists(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: PrefixListsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/PrefixLists", &body.prefix_lists);
    cx.count(&body.prefix_lists);
    let mut made_up = MadeUpIds::default();
    let mut orphans = 0;
    for (n, row) in body.prefix_lists.iter().enumerate() {
        let Some(list) = row.prefix_list_id.id() else { continue };
        let Some(table) = parent(cx, &row.transit_router_table_id, "TransitRouterTableId") else {
            orphans += 1;
            continue;
        };
        let id = made_up.next(format!("{table}:{list}"), &row.next_hop);
        let mut entry = TransitRouteEntry::new(id);
        let common = Common { status: row.status.clone(), ..Common::default() };
        cx.fill(&mut entry.meta, sources.at(n), &common);
        entry.table = Some(table);
        entry.destination = Some(RouteDestination::PrefixList(list));
        entry.next_hop_type =
            row.next_hop_type.as_str().map(|word| match TransitHopType::from_text(word) {
                TransitHopType::BlackHole => TransitHopType::BlackHole,
                TransitHopType::Attachment | TransitHopType::Other(_) => TransitHopType::Attachment,
            });
        entry.next_hop = row
            .next_hop
            .id()
            .filter(|_| entry.next_hop_type.as_ref() != Some(&TransitHopType::BlackHole));
        entry.origin = Some(Text::from("Static"));
        cx.add(entry);
    }
    lost(cx, orphans, "TransitRouterTableId");
    Ok(())
}

row! {
    LinksBody<'a> {
        #[serde(alias = "TransitRouterPropagations")]
        transit_router_associations: List<LinkRow<'a>>,
    }
}

row! {
    /// An association or propagation: a table and an attachment.
    LinkRow<'a> {
        transit_router_route_table_id: Scalar<'a>,
        transit_router_attachment_id: Scalar<'a>,
        status: Scalar<'a>,
    }
}

/// A row of either listing, with its two ends.
struct Link<'a> {
    table: Id,
    attachment: Id,
    common: Common<'a>,
    row: usize,
}

/// Table and attachment of every row; what a row leaves out, the request names.
fn links<'a>(list: &List<LinkRow<'a>>, cx: &mut ReadContext<'_>) -> Vec<Link<'a>> {
    cx.count(list);
    let mut orphans = 0;
    let mut links = Vec::with_capacity(list.len());
    for (row, link) in list.iter().enumerate() {
        let table = parent(cx, &link.transit_router_route_table_id, "TransitRouterRouteTableId");
        let attachment =
            parent(cx, &link.transit_router_attachment_id, "TransitRouterAttachmentId");
        let (Some(table), Some(attachment)) = (table, attachment) else {
            orphans += 1;
            continue;
        };
        let common = Common { status: link.status.clone(), ..Common::default() };
        links.push(Link { table, attachment, common, row });
    }
    lost(cx, orphans, "TransitRouterRouteTableId");
    links
}

fn associations(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: LinksBody<'_> = serde_json::from_str(body)?;
    let list = &body.transit_router_associations;
    let sources = cx.sources("/TransitRouterAssociations", list);
    for link in links(list, cx) {
        let id = format!("{}/{}", link.table, link.attachment);
        let mut association = TransitAssociation::new(id);
        cx.fill(&mut association.meta, sources.at(link.row), &link.common);
        association.table = Some(link.table);
        association.attachment = Some(link.attachment);
        cx.add(association);
    }
    Ok(())
}

fn propagations(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: LinksBody<'_> = serde_json::from_str(body)?;
    let list = &body.transit_router_associations;
    let sources = cx.sources("/TransitRouterPropagations", list);
    for link in links(list, cx) {
        let id = format!("{}/{}", link.table, link.attachment);
        let mut propagation = TransitPropagation::new(id);
        cx.fill(&mut propagation.meta, sources.at(link.row), &link.common);
        propagation.table = Some(link.table);
        propagation.attachment = Some(link.attachment);
        cx.add(propagation);
    }
    Ok(())
}

row! {
    CenRoutesBody<'a> {
        cen_route_entries: List<CenRouteRow<'a>>,
    }
}

row! {
    CenRouteRow<'a> {
        destination_cidr_block: Scalar<'a>,
        status: Scalar<'a>,
        #[serde(rename = "Type")]
        route_type: Scalar<'a>,
        next_hop_instance_id: Scalar<'a>,
        next_hop_type: Scalar<'a>,
        next_hop_region_id: Scalar<'a>,
    }
}

fn cen_routes(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: CenRoutesBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/CenRouteEntries", &body.cen_route_entries);
    cx.count(&body.cen_route_entries);
    let cen = parent(cx, &Scalar::Absent, "CenId");
    let region = parent(cx, &Scalar::Absent, "CenRegionId");
    let (Some(cen), Some(region)) = (cen, region) else {
        lost(cx, body.cen_route_entries.len(), "CenId,CenRegionId");
        return Ok(());
    };
    let mut made_up = MadeUpIds::default();
    for (n, row) in body.cen_route_entries.iter().enumerate() {
        let Some(destination) = row.destination_cidr_block.as_str() else { continue };
        let base = format!("{cen}:{region}:{destination}");
        let mut route = CenRoute::new(made_up.next(base, &row.next_hop_instance_id));
        let common = Common { status: row.status.clone(), ..Common::default() };
        cx.fill(&mut route.meta, sources.at(n), &common);
        route.meta.region = Some(region.clone());
        route.cen = Some(cen.clone());
        route.in_region = Some(Text::from(region.as_str()));
        route.destination = Some(cx.cidr(&route, "destination", destination));
        route.route_status = row.status.text();
        route.route_type = row.route_type.text();
        route.next_hop = row.next_hop_instance_id.id();
        route.next_hop_type = row.next_hop_type.text();
        route.next_hop_region = row.next_hop_region_id.text();
        cx.add(route);
    }
    Ok(())
}

row! {
    RouteMapsBody<'a> {
        route_maps: List<RouteMapRow<'a>>,
    }
}

row! {
    RouteMapRow<'a> {
        route_map_id: Scalar<'a>,
        cen_id: Scalar<'a>,
        cen_region_id: Scalar<'a>,
        status: Scalar<'a>,
        transmit_direction: Scalar<'a>,
        map_result: Scalar<'a>,
        priority: Scalar<'a>,
        destination_cidr_blocks: List<Scalar<'a>>,
    }
}

fn route_maps(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: RouteMapsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/RouteMaps", &body.route_maps);
    cx.count(&body.route_maps);
    for (n, row) in body.route_maps.iter().enumerate() {
        let Some(id) = row.route_map_id.id() else { continue };
        let mut map = CenRouteMap::new(id);
        let common = Common {
            status: row.status.clone(),
            region: row.cen_region_id.clone(),
            ..Common::default()
        };
        cx.fill(&mut map.meta, sources.at(n), &common);
        map.cen = parent(cx, &row.cen_id, "CenId");
        map.in_region = row.cen_region_id.text();
        map.direction = row.transmit_direction.text();
        map.result = row.map_result.text();
        map.priority = row.priority.number();
        map.destinations = cidrs(cx, &map, "destinations", &row.destination_cidr_blocks);
        cx.add(map);
    }
    Ok(())
}

row! {
    PublishedBody<'a> {
        published_route_entries: List<PublishedRow<'a>>,
    }
}

row! {
    PublishedRow<'a> {
        destination_cidr_block: Scalar<'a>,
    }
}

/// Which routes a network publishes into CEN. The routes that result stand in the other listings, so
/// rows are only counted.
fn published_routes(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: PublishedBody<'_> = serde_json::from_str(body)?;
    let rows = body.published_route_entries.iter();
    let stated = rows.filter(|row| row.destination_cidr_block.is_stated()).count();
    cx.rows = u64::try_from(stated).unwrap_or(u64::MAX);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::aliyun::read::testing::read;

    #[test]
    fn tables_and_what_is_attached_to_them() {
        let tables = r#"{"TransitRouterRouteTables":[{"TransitRouterRouteTableId":"vtb-1","TransitRouterId":"tr-1",
            "TransitRouterRouteTableType":"System","TransitRouterRouteTableStatus":"Active"}]}"#;
        let (topology, _) = read("cbn", "ListTransitRouterRouteTables", tables, &[]);
        let table = topology.transit_route_tables.get("vtb-1").unwrap();
        assert_eq!(table.table_type.as_deref(), Some("System"));
        assert_eq!(table.meta.status.as_deref(), Some("Active"));

        let link = r#"[{"TransitRouterAttachmentId":"at-1","TransitRouterRouteTableId":"vtb-1","Status":"Active"}]"#;
        let body = format!(r#"{{"TransitRouterAssociations":{link}}}"#);
        let (topology, _) = read("cbn", "ListTransitRouterRouteTableAssociations", &body, &[]);
        let association = topology.transit_associations.get("vtb-1/at-1").unwrap();
        assert_eq!(association.meta.status.as_deref(), Some("Active"));
        let pointer = association.meta.source.as_ref().unwrap().pointer();
        assert_eq!(pointer, "/TransitRouterAssociations/0");

        let body = r#"{"TransitRouterPropagations":[{"TransitRouterAttachmentId":"at-2","Status":"Enabling"}]}"#;
        let params = [("TransitRouterRouteTableId", "vtb-1")];
        let (topology, _) = read("cbn", "ListTransitRouterRouteTablePropagations", body, &params);
        let propagation = topology.transit_propagations.get("vtb-1/at-2").unwrap();
        assert_eq!(propagation.attachment.as_deref(), Some("at-2"));
        let pointer = propagation.meta.source.as_ref().unwrap().pointer();
        assert_eq!(pointer, "/TransitRouterPropagations/0");
    }

    #[test]
    fn entries_take_their_table_from_the_request() {
        let body = r#"{"TransitRouterRouteEntries":[
            {"TransitRouterRouteEntryDestinationCidrBlock":"10.1.0.0/16","TransitRouterRouteEntryNextHopType":"Attachment",
             "TransitRouterRouteEntryNextHopId":"at-1","TransitRouterRouteEntryStatus":"Active",
             "TransitRouterRouteEntryType":"Propagated","PathAttributes":{"Preference":50}},
            {"TransitRouterRouteEntryDestinationCidrBlock":"10.1.0.0/16","TransitRouterRouteEntryNextHopType":"Attachment",
             "TransitRouterRouteEntryNextHopId":"at-2","TransitRouterRouteEntryStatus":"Candidate"},
            {"TransitRouterRouteEntryId":"rte-3","TransitRouterRouteEntryDestinationCidrBlock":"10.2.0.0/16",
             "TransitRouterRouteEntryNextHopType":"BlackHole","TransitRouterRouteEntryType":"Static"}]}"#;
        let (topology, cx) = read("cbn", "ListTransitRouterRouteEntries", body, &[]);
        assert!(topology.transit_route_entries.is_empty());
        assert_eq!(cx.unattached, ["3 rows without `TransitRouterRouteTableId`"]);
        let params = [("TransitRouterRouteTableId", "vtb-1")];
        let (topology, _) = read("cbn", "ListTransitRouterRouteEntries", body, &params);
        let entries = &topology.transit_route_entries;
        let first = entries.get("vtb-1:10.1.0.0/16").unwrap();
        assert_eq!((first.preference, first.origin.as_deref()), (Some(50), Some("Propagated")));
        assert_eq!(first.table.as_deref(), Some("vtb-1"));
        let second = entries.get("vtb-1:10.1.0.0/16:at-2").unwrap();
        assert_eq!(second.meta.status.as_deref(), Some("Candidate"));
        assert_eq!(entries.get("rte-3").unwrap().next_hop_type, Some(TransitHopType::BlackHole));
    }

    #[test]
    fn prefix_lists_are_static_entries() {
        let body = r#"{"PrefixLists":[{"PrefixListId":"pl-1","TransitRouterTableId":"vtb-1","NextHop":"at-1",
            "NextHopType":"VPC","Status":"Active"},{"PrefixListId":"pl-2","TransitRouterTableId":"vtb-1",
            "NextHop":"BlackHole","NextHopType":"BlackHole"}]}"#;
        let (topology, _) = read("cbn", "ListTransitRouterPrefixListAssociation", body, &[]);
        let entry = topology.transit_route_entries.get("vtb-1:pl-1").unwrap();
        assert_eq!(entry.destination, Some(RouteDestination::PrefixList(Id::from("pl-1"))));
        assert_eq!(entry.next_hop_type, Some(TransitHopType::Attachment));
        assert_eq!(entry.next_hop.as_deref(), Some("at-1"));
        let entry = topology.transit_route_entries.get("vtb-1:pl-2").unwrap();
        assert_eq!(entry.next_hop_type, Some(TransitHopType::BlackHole));
        assert_eq!(entry.next_hop, None);
    }

    #[test]
    fn basic_cen_routes_belong_to_cen_and_region_of_the_request() {
        let body = r#"{"CenRouteEntries":{"CenRouteEntry":[{"DestinationCidrBlock":"10.1.0.0/24","Status":"Active",
            "Type":"CEN","NextHopInstanceId":"vpc-1","NextHopType":"VPC","NextHopRegionId":"cn-beijing"}]}}"#;
        let params = [("CenId", "cen-1"), ("CenRegionId", "cn-shanghai")];
        let (topology, _) = read("cbn", "DescribeCenRegionDomainRouteEntries", body, &params);
        let route = topology.cen_routes.get("cen-1:cn-shanghai:10.1.0.0/24").unwrap();
        assert_eq!(route.in_region.as_deref(), Some("cn-shanghai"));
        assert_eq!(route.route_status.as_deref(), Some("Active"));
        assert_eq!(
            route.meta.source.as_ref().unwrap().pointer(),
            "/CenRouteEntries/CenRouteEntry/0"
        );
        let (_, cx) = read("cbn", "DescribeCenRegionDomainRouteEntries", body, &[]);
        assert_eq!(cx.unattached.len(), 1);
        let published = r#"{"PublishedRouteEntries":{"PublishedRouteEntry":[{"DestinationCidrBlock":"10.0.0.0/8"}]}}"#;
        assert_eq!(read("cbn", "DescribePublishedRouteEntries", published, &[]).1.rows, 1);
    }

    #[test]
    fn route_maps_keep_their_order() {
        let body = r#"{"RouteMaps":{"RouteMap":[{"RouteMapId":"cenrmap-1","CenId":"cen-1","CenRegionId":"cn-hangzhou",
            "TransmitDirection":"RegionOut","MapResult":"Deny","Priority":5000,
            "DestinationCidrBlocks":{"DestinationCidrBlock":["10.0.0.1/8"]}}]}}"#;
        let (topology, _) = read("cbn", "DescribeCenRouteMaps", body, &[]);
        let map = topology.cen_route_maps.get("cenrmap-1").unwrap();
        assert_eq!((map.priority, map.result.as_deref()), (Some(5000), Some("Deny")));
        assert_eq!(map.destinations.as_ref().unwrap()[0].to_string(), "10.0.0.1/8");
    }
}
