//! PrivateLink: endpoints, services and connections (formats-api.md §4.7).

use super::Api;
use super::shared::{Groups, as_detail, lost, parent, row};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{
    ConnectionStatus, Endpoint, EndpointConnection, EndpointService, EndpointType, EndpointZone,
    Id, Listing, Resource, ServiceResource, Source, Text,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "privatelink",
        name: "ListVpcEndpoints",
        listing: Listing::Endpoints,
        read: endpoints,
    },
    Api {
        product: "privatelink",
        name: "GetVpcEndpointAttribute",
        listing: Listing::EndpointAttributes,
        read: endpoint_attribute,
    },
    Api {
        product: "privatelink",
        name: "ListVpcEndpointZones",
        listing: Listing::EndpointZones,
        read: endpoint_zones,
    },
    Api {
        product: "privatelink",
        name: "ListVpcEndpointSecurityGroups",
        listing: Listing::EndpointSecurityGroups,
        read: endpoint_security_groups,
    },
    Api {
        product: "privatelink",
        name: "ListVpcEndpointServices",
        listing: Listing::EndpointServices,
        read: services,
    },
    Api {
        product: "privatelink",
        name: "GetVpcEndpointServiceAttribute",
        listing: Listing::EndpointServiceAttributes,
        read: service_attribute,
    },
    Api {
        product: "privatelink",
        name: "ListVpcEndpointServiceResources",
        listing: Listing::EndpointServiceResources,
        read: service_resources,
    },
    Api {
        product: "privatelink",
        name: "ListVpcEndpointServiceUsers",
        listing: Listing::EndpointServiceUsers,
        read: service_users,
    },
    Api {
        product: "privatelink",
        name: "ListVpcEndpointServicesByEndUser",
        listing: Listing::EndpointServicesByUser,
        read: services_by_user,
    },
    Api {
        product: "privatelink",
        name: "ListVpcEndpointConnections",
        listing: Listing::EndpointConnections,
        read: connections,
    },
];

/// How the whitelist spells "everybody".
const EVERYBODY: &str = "acs:ram:*::*";

row! {
    EndpointsBody<'a> {
        endpoints: List<EndpointRow<'a>>,
    }
}

row! {
    EndpointRow<'a> {
        endpoint_id: Scalar<'a>,
        endpoint_name: Scalar<'a>,
        endpoint_type: Scalar<'a>,
        endpoint_status: Scalar<'a>,
        endpoint_business_status: Scalar<'a>,
        connection_status: Scalar<'a>,
        vpc_id: Scalar<'a>,
        service_id: Scalar<'a>,
        service_name: Scalar<'a>,
        region_id: Scalar<'a>,
        service_region_id: Scalar<'a>,
        resource_owner: Scalar<'a>,
        zone_affinity_enabled: Scalar<'a>,
        endpoint_domain: Scalar<'a>,
        tags: List<Tag<'a>>,
    }
}

fn endpoints(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: EndpointsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Endpoints", &body.endpoints);
    cx.count(&body.endpoints);
    for (n, row) in body.endpoints.iter().enumerate() {
        let Some(id) = row.endpoint_id.id() else { continue };
        let endpoint = endpoint(id, row, sources.at(n), cx);
        cx.add(endpoint);
    }
    Ok(())
}

fn endpoint_attribute(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let row: EndpointRow<'_> = serde_json::from_str(body)?;
    cx.rows = 1;
    let Some(id) = parent(cx, &row.endpoint_id, "EndpointId") else {
        lost(cx, 1, "EndpointId");
        return Ok(());
    };
    let mut endpoint = endpoint(id, &row, cx.source(""), cx);
    as_detail(&mut endpoint.meta);
    cx.add(endpoint);
    Ok(())
}

fn endpoint(id: Id, row: &EndpointRow<'_>, source: Source, cx: &ReadContext<'_>) -> Endpoint {
    let mut endpoint = Endpoint::new(id);
    let common = Common {
        name: row.endpoint_name.clone(),
        status: row.endpoint_status.clone(),
        business_status: row.endpoint_business_status.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut endpoint.meta, source, &common);
    endpoint.meta.tags = tags(&row.tags);
    endpoint.vpc = row.vpc_id.id();
    endpoint.endpoint_type = row.endpoint_type.as_str().map(EndpointType::from_text);
    endpoint.service = row.service_id.id();
    endpoint.service_name = row.service_name.text();
    endpoint.service_region = row.service_region_id.text();
    endpoint.connection_status = row.connection_status.as_str().map(ConnectionStatus::from_text);
    endpoint.same_account = row.resource_owner.bool();
    endpoint.zone_affinity = row.zone_affinity_enabled.bool();
    endpoint.domain = row.endpoint_domain.text();
    endpoint
}

row! {
    ZonesBody<'a> {
        zones: List<ZoneRow<'a>>,
    }
}

row! {
    /// A zone as the endpoint's owner or the service side lists it.
    ZoneRow<'a> {
        zone_id: Scalar<'a>,
        v_switch_id: Scalar<'a>,
        eni_id: Scalar<'a>,
        eni_ip: Scalar<'a>,
        zone_domain: Scalar<'a>,
        zone_status: Scalar<'a>,
        resource_id: Scalar<'a>,
        region_id: Scalar<'a>,
    }
}

impl ZoneRow<'_> {
    /// The endpoint, which begins the zone's domain name: `ep-1-cn-hangzhou-b.epsrv-1.…`
    /// (formats-api.md §6.3).
    fn endpoint(&self) -> Option<Id> {
        let (host, _) = self.zone_domain.as_str()?.split_once('.')?;
        let endpoint = host.strip_suffix(self.zone_id.as_str()?)?.strip_suffix('-')?;
        (!endpoint.is_empty()).then(|| Id::from(endpoint))
    }
}

fn endpoint_zone(row: &ZoneRow<'_>, of: &dyn Resource, cx: &mut ReadContext<'_>) -> EndpointZone {
    EndpointZone {
        zone: row.zone_id.text(),
        vswitch: row.v_switch_id.id(),
        eni: row.eni_id.id(),
        address: row.eni_ip.as_str().map(|text| cx.addr(of, "zones", text)),
        status: row.zone_status.text(),
        resource: row.resource_id.id(),
    }
}

fn endpoint_zones(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: ZonesBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Zones", &body.zones);
    cx.count(&body.zones);
    let asked = parent(cx, &Scalar::Absent, "EndpointId");
    let mut groups: Groups<&ZoneRow<'_>> = Groups::new();
    if let Some(asked) = asked.clone() {
        groups.of(asked, 0); // the answer may be empty
    }
    let mut orphans = 0;
    for (n, row) in body.zones.iter().enumerate() {
        match asked.clone().or_else(|| row.endpoint()) {
            Some(id) => groups.of(id, n).push(row),
            None => orphans += 1,
        }
    }
    for (id, (n, rows)) in groups {
        let mut endpoint = Endpoint::new(id);
        let region = rows.first().map(|row| row.region_id.clone()).unwrap_or_default();
        let source = if rows.is_empty() { cx.source("/Zones") } else { sources.at(n) };
        cx.fill(&mut endpoint.meta, source, &Common { region, ..Common::default() });
        as_detail(&mut endpoint.meta);
        let zones = rows.into_iter().map(|row| endpoint_zone(row, &endpoint, cx)).collect();
        endpoint.zones = Some(zones);
        cx.add(endpoint);
    }
    lost(cx, orphans, "EndpointId");
    Ok(())
}

row! {
    SecurityGroupsBody<'a> {
        security_groups: List<SecurityGroupRow<'a>>,
    }
}

row! {
    SecurityGroupRow<'a> {
        security_group_id: Scalar<'a>,
    }
}

fn endpoint_security_groups(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: SecurityGroupsBody<'_> = serde_json::from_str(body)?;
    cx.count(&body.security_groups);
    let Some(id) = parent(cx, &Scalar::Absent, "EndpointId") else {
        lost(cx, body.security_groups.len(), "EndpointId");
        return Ok(());
    };
    let mut endpoint = Endpoint::new(id);
    cx.fill(&mut endpoint.meta, cx.source("/SecurityGroups"), &Common::default());
    as_detail(&mut endpoint.meta);
    endpoint.security_groups = body.security_groups.stated_some(|row| row.security_group_id.id());
    cx.add(endpoint);
    Ok(())
}

row! {
    ServicesBody<'a> {
        services: List<ServiceRow<'a>>,
    }
}

row! {
    ServiceRow<'a> {
        service_id: Scalar<'a>,
        service_name: Scalar<'a>,
        service_domain: Scalar<'a>,
        service_type: Scalar<'a>,
        service_resource_type: Scalar<'a>,
        service_status: Scalar<'a>,
        service_business_status: Scalar<'a>,
        auto_accept_enabled: Scalar<'a>,
        zone_affinity_enabled: Scalar<'a>,
        payer: Scalar<'a>,
        region_id: Scalar<'a>,
        zones: List<Scalar<'a>>,
        supported_region_set: List<RegionRow<'a>>,
        tags: List<Tag<'a>>,
    }
}

row! {
    RegionRow<'a> {
        supported_region_id: Scalar<'a>,
    }
}

fn services(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: ServicesBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Services", &body.services);
    cx.count(&body.services);
    for (n, row) in body.services.iter().enumerate() {
        let Some(id) = row.service_id.id() else { continue };
        let service = service(id, row, sources.at(n), cx);
        cx.add(service);
    }
    Ok(())
}

fn service_attribute(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let row: ServiceRow<'_> = serde_json::from_str(body)?;
    cx.rows = 1;
    let Some(id) = parent(cx, &row.service_id, "ServiceId") else {
        lost(cx, 1, "ServiceId");
        return Ok(());
    };
    let mut service = service(id, &row, cx.source(""), cx);
    as_detail(&mut service.meta);
    cx.add(service);
    Ok(())
}

/// A service as its owner lists it.
fn service(id: Id, row: &ServiceRow<'_>, source: Source, cx: &ReadContext<'_>) -> EndpointService {
    let mut service = EndpointService::new(id);
    let common = Common {
        status: row.service_status.clone(),
        business_status: row.service_business_status.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut service.meta, source, &common);
    service_fields(&mut service, row);
    service.consumer_view = Some(false);
    if row.supported_region_set.is_stated() {
        let own = row.region_id.text();
        let further = row.supported_region_set.iter().filter_map(|r| r.supported_region_id.text());
        let further: Vec<Text> = further.filter(|region| Some(region) != own.as_ref()).collect();
        service.supported_regions = Some(own.into_iter().chain(further).collect());
    }
    service
}

/// What both sides see of a service.
fn service_fields(service: &mut EndpointService, row: &ServiceRow<'_>) {
    service.meta.tags = tags(&row.tags);
    service.service_name = row.service_name.text();
    service.service_type = row.service_type.text();
    service.resource_type = row.service_resource_type.text();
    service.zones = row.zones.stated_some(Scalar::text);
    service.auto_accept = row.auto_accept_enabled.bool();
    service.zone_affinity = row.zone_affinity_enabled.bool();
    service.payer = row.payer.text();
}

/// Services that the account may connect to. They are mostly those of others, so account and region
/// of the call are not theirs; the region stands in the domain name.
fn services_by_user(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: ServicesBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Services", &body.services);
    cx.count(&body.services);
    for (n, row) in body.services.iter().enumerate() {
        let Some(id) = row.service_id.id() else { continue };
        let mut service = EndpointService::new(id);
        service.meta.source = Some(sources.at(n));
        service.meta.region =
            row.service_domain.as_str().and_then(|name| name.split('.').nth(1)).map(Id::from);
        as_detail(&mut service.meta);
        service_fields(&mut service, row);
        service.consumer_view = Some(true);
        cx.add(service);
    }
    Ok(())
}

row! {
    ResourcesBody<'a> {
        resources: List<ResourceRow<'a>>,
    }
}

row! {
    ResourceRow<'a> {
        resource_id: Scalar<'a>,
        resource_type: Scalar<'a>,
        zone_id: Scalar<'a>,
        vpc_id: Scalar<'a>,
        v_switch_id: Scalar<'a>,
        ip: Scalar<'a>,
    }
}

fn service_resources(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: ResourcesBody<'_> = serde_json::from_str(body)?;
    cx.count(&body.resources);
    let Some(id) = parent(cx, &Scalar::Absent, "ServiceId") else {
        lost(cx, body.resources.len(), "ServiceId");
        return Ok(());
    };
    let mut service = EndpointService::new(id);
    cx.fill(&mut service.meta, cx.source("/Resources"), &Common::default());
    as_detail(&mut service.meta);
    service.resources = body.resources.stated_some(|row| {
        Some(ServiceResource {
            resource: row.resource_id.id()?,
            resource_type: row.resource_type.text(),
            zone: row.zone_id.text(),
            vpc: row.vpc_id.id(),
            vswitch: row.v_switch_id.id(),
            address: row.ip.as_str().map(|text| cx.addr(&service, "resources", text)),
        })
    });
    cx.add(service);
    Ok(())
}

row! {
    UsersBody<'a> {
        users: List<UserRow<'a>>,
        #[serde(rename = "UserARNs")]
        user_arns: List<UserRow<'a>>,
    }
}

row! {
    UserRow<'a> {
        #[serde(alias = "UserARN")]
        user_id: Scalar<'a>,
    }
}

fn service_users(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: UsersBody<'_> = serde_json::from_str(body)?;
    let rows = body.users.len() + body.user_arns.len();
    cx.rows = u64::try_from(rows).unwrap_or(u64::MAX);
    let Some(id) = parent(cx, &Scalar::Absent, "ServiceId") else {
        lost(cx, rows, "ServiceId");
        return Ok(());
    };
    let mut service = EndpointService::new(id);
    cx.fill(&mut service.meta, cx.source(""), &Common::default());
    as_detail(&mut service.meta);
    let stated = body.users.is_stated() || body.user_arns.is_stated();
    service.users = stated.then(|| {
        let users = body.users.iter().chain(&body.user_arns).filter_map(|row| row.user_id.as_str());
        users.map(|user| Text::from(if user == EVERYBODY { "*" } else { user })).collect()
    });
    cx.add(service);
    Ok(())
}

row! {
    ConnectionsBody<'a> {
        connections: List<ConnectionRow<'a>>,
    }
}

row! {
    ConnectionRow<'a> {
        endpoint_id: Scalar<'a>,
        service_id: Scalar<'a>,
        endpoint_owner_id: Scalar<'a>,
        endpoint_vpc_id: Scalar<'a>,
        endpoint_region_id: Scalar<'a>,
        service_region_id: Scalar<'a>,
        connection_status: Scalar<'a>,
        bandwidth: Scalar<'a>,
        zones: List<ZoneRow<'a>>,
    }
}

fn connections(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: ConnectionsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Connections", &body.connections);
    cx.count(&body.connections);
    let mut orphans = 0;
    for (n, row) in body.connections.iter().enumerate() {
        let Some(endpoint) = row.endpoint_id.id() else { continue };
        let Some(service) = parent(cx, &row.service_id, "ServiceId") else {
            orphans += 1;
            continue;
        };
        let mut connection = EndpointConnection::new(format!("{service}/{endpoint}"));
        let common = Common {
            status: row.connection_status.clone(),
            region: row.service_region_id.clone(),
            ..Common::default()
        };
        cx.fill(&mut connection.meta, sources.at(n), &common);
        connection.endpoint = Some(endpoint);
        connection.service = Some(service);
        connection.endpoint_account = row.endpoint_owner_id.id();
        connection.endpoint_vpc = row.endpoint_vpc_id.id();
        connection.endpoint_region = row.endpoint_region_id.text();
        connection.connection_status =
            row.connection_status.as_str().map(ConnectionStatus::from_text);
        connection.bandwidth = row.bandwidth.number();
        connection.zones = row.zones.stated(|zone| endpoint_zone(zone, &connection, cx));
        cx.add(connection);
    }
    lost(cx, orphans, "ServiceId");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::aliyun::read::testing::{read, read_all};

    #[test]
    fn an_endpoint_joins_zones_and_groups_over_pages() {
        let zone = |zone: &str| {
            format!(
                r#"{{"Zones":[{{"ZoneId":"{zone}","VSwitchId":"vsw-1","EniId":"eni-{zone}","EniIp":"10.0.0.7",
                "ZoneStatus":"Connected","ZoneDomain":"ep-1-{zone}.epsrv-1.cn-hangzhou.privatelink.example"}}]}}"#
            )
        };
        let (first, second) = (zone("cn-hangzhou-b"), zone("cn-hangzhou-g"));
        let groups =
            r#"{"SecurityGroups":[{"SecurityGroupId":"sg-1","SecurityGroupStatus":"Attached"}]}"#;
        let listing = r#"{"Endpoints":[{"EndpointId":"ep-1","EndpointName":"to-db","EndpointType":"Interface",
            "EndpointStatus":"Active","ConnectionStatus":"Disconnected","VpcId":"vpc-1","ServiceId":"epsrv-1",
            "ResourceOwner":true,"RegionId":"cn-hangzhou"}]}"#;
        let (topology, _) = read_all(&[
            ("privatelink", "ListVpcEndpointZones", &first, &[("EndpointId", "ep-1")]),
            ("privatelink", "ListVpcEndpointZones", &second, &[]),
            ("privatelink", "ListVpcEndpointSecurityGroups", groups, &[("EndpointId", "ep-1")]),
            ("privatelink", "ListVpcEndpoints", listing, &[]),
        ]);
        assert!(topology.conflicts.is_empty());
        assert_eq!(topology.endpoints.len(), 1, "the second page names it in its domain");
        let endpoint = topology.endpoints.get("ep-1").unwrap();
        let zones: Vec<_> =
            endpoint.zones.iter().flatten().map(|z| z.zone.as_deref().unwrap()).collect();
        assert_eq!(zones, ["cn-hangzhou-b", "cn-hangzhou-g"]);
        assert_eq!(endpoint.security_groups.as_deref(), Some([Id::from("sg-1")].as_slice()));
        assert_eq!(endpoint.connection_status, Some(ConnectionStatus::Disconnected));
        assert_eq!(endpoint.meta.source.as_ref().unwrap().pointer(), "/Endpoints/0");
        let nameless = first.replace("ep-1-", "");
        let (topology, cx) = read("privatelink", "ListVpcEndpointZones", &nameless, &[]);
        assert!(topology.endpoints.is_empty());
        assert_eq!(cx.unattached, ["1 row without `EndpointId`"]);
    }

    #[test]
    fn a_service_joins_what_four_calls_say() {
        let listing = r#"{"Services":[{"ServiceId":"epsrv-1","ServiceResourceType":"slb","ServiceStatus":"Active",
            "RegionId":"cn-hangzhou","SupportedRegionSet":[{"SupportedRegionId":"cn-beijing"}]}]}"#;
        let by_user = r#"{"Services":[{"ServiceId":"epsrv-1","ServiceDomain":"epsrv-1.cn-hangzhou.privatelink.example",
            "Zones":["cn-hangzhou-b"]},{"ServiceId":"epsrv-2","Zones":[]}]}"#;
        let resources = |zone: &str| {
            format!(
                r#"{{"Resources":[{{"ResourceId":"lb-1","ResourceType":"slb","ZoneId":"{zone}","Ip":"10.0.0.9"}}]}}"#
            )
        };
        let (first, second) = (resources("cn-hangzhou-b"), resources("cn-hangzhou-g"));
        let users = r#"{"Users":[{"UserId":12345678}],"UserARNs":[{"UserARN":"acs:ram:*::*"}],"TotalCount":"2"}"#;
        let asked: &[(&str, &str)] = &[("ServiceId", "epsrv-1")];
        let (topology, cx) = read_all(&[
            ("privatelink", "ListVpcEndpointServiceResources", &first, asked),
            ("privatelink", "ListVpcEndpointServiceResources", &second, asked),
            ("privatelink", "ListVpcEndpointServicesByEndUser", by_user, &[]),
            ("privatelink", "ListVpcEndpointServices", listing, &[]),
            ("privatelink", "ListVpcEndpointServiceUsers", users, asked),
        ]);
        assert_eq!(cx.rows, 2);
        assert!(topology.conflicts.is_empty(), "{:?}", topology.conflicts);
        let service = topology.endpoint_services.get("epsrv-1").unwrap();
        assert_eq!(service.resources.as_ref().unwrap().len(), 2, "one per zone");
        let users: Vec<_> = service.users.iter().flatten().map(|u| &**u).collect();
        assert_eq!(users, ["12345678", "*"]);
        let regions: Vec<_> = service.supported_regions.iter().flatten().map(|r| &**r).collect();
        assert_eq!(regions, ["cn-hangzhou", "cn-beijing"]);
        assert_eq!(service.consumer_view, Some(false));
        let foreign = topology.endpoint_services.get("epsrv-2").unwrap();
        assert_eq!((foreign.consumer_view, foreign.meta.account.clone()), (Some(true), None));
    }

    #[test]
    fn connections_are_named_after_both_ends() {
        let body = r#"{"Connections":[{"EndpointId":"ep-1","EndpointOwnerId":2002,"ServiceId":"epsrv-1",
            "EndpointVpcId":"vpc-9","EndpointRegionId":"cn-beijing","ConnectionStatus":"Connected","Bandwidth":"1024",
            "Zones":[{"ZoneId":"cn-hangzhou-b","EniId":"eni-1","ResourceId":"lb-1","ZoneStatus":"Migrated"}]}],
            "TotalCount":"1"}"#;
        let (topology, _) = read("privatelink", "ListVpcEndpointConnections", body, &[]);
        let connection = topology.endpoint_connections.get("epsrv-1/ep-1").unwrap();
        assert_eq!(connection.endpoint_account.as_deref(), Some("2002"));
        assert_eq!(connection.meta.status.as_deref(), Some("Connected"));
        assert_eq!(connection.bandwidth, Some(1024));
        let zone = &connection.zones.as_ref().unwrap()[0];
        assert_eq!(zone.resource.as_deref(), Some("lb-1"));
        assert_eq!(connection.meta.source.as_ref().unwrap().pointer(), "/Connections/0");
    }
}
