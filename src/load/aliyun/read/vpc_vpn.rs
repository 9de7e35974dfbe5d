//! VPN gateways, IPsec connections and their routes (formats-api.md §4.3).
//!
//! Bodies hold keys (`Psk`, `AuthKey`). No row here has a field for them, so they are never read.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Api;
use super::vpc_common::{addr, cidr, detail, id_or_param, ids, joined_cidrs, listing, without_id};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{
    CustomerGateway, Id, Listing, Source, Text, VpnConnection, VpnGateway, VpnRoute, VpnTunnel,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "vpc",
        name: "DescribeVpnGateways",
        listing: Listing::VpnGateways,
        read: vpn_gateways,
    },
    Api {
        product: "vpc",
        name: "DescribeVpnGateway",
        listing: Listing::VpnGatewayAttributes,
        read: vpn_gateway,
    },
    Api {
        product: "vpc",
        name: "DescribeVpnConnections",
        listing: Listing::VpnConnections,
        read: vpn_connections,
    },
    Api {
        product: "vpc",
        name: "DescribeVpnConnection",
        listing: Listing::VpnConnectionAttributes,
        read: vpn_connection,
    },
    Api {
        product: "vpc",
        name: "DescribeVpnAttachments",
        listing: Listing::VpnAttachments,
        read: vpn_attachments,
    },
    Api {
        product: "vpc",
        name: "DescribeVpnRouteEntries",
        listing: Listing::VpnRoutes,
        read: vpn_routes,
    },
    Api {
        product: "vpc",
        name: "DescribeVpnPbrRouteEntries",
        listing: Listing::VpnPbrRoutes,
        read: vpn_pbr_routes,
    },
    Api {
        product: "vpc",
        name: "DescribeVcoRouteEntries",
        listing: Listing::VcoRoutes,
        read: vco_routes,
    },
    Api {
        product: "vpc",
        name: "DescribeCustomerGateways",
        listing: Listing::CustomerGateways,
        read: customer_gateways,
    },
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct GatewayRow<'a> {
    #[serde(borrow)]
    vpn_gateway_id: Scalar<'a>,
    name: Scalar<'a>,
    vpc_id: Scalar<'a>,
    v_switch_id: Scalar<'a>,
    disaster_recovery_v_switch_id: Scalar<'a>,
    internet_ip: Scalar<'a>,
    disaster_recovery_internet_ip: Scalar<'a>,
    ssl_vpn_internet_ip: Scalar<'a>,
    network_type: Scalar<'a>,
    ipsec_vpn: Scalar<'a>,
    ssl_vpn: Scalar<'a>,
    auto_propagate: Scalar<'a>,
    eni_instance_ids: List<Scalar<'a>>,
    status: Scalar<'a>,
    business_status: Scalar<'a>,
    tags: List<Tag<'a>>,
}

listing!(vpn_gateways, "VpnGateways", GatewayRow => add_gateway);
detail!(vpn_gateway, GatewayRow => add_gateway);

fn add_gateway(cx: &mut ReadContext<'_>, row: &GatewayRow<'_>, source: Source) {
    let Some(id) = id_or_param(cx, &[&row.vpn_gateway_id], "VpnGatewayId") else {
        return without_id(cx, "VpnGatewayId", &source);
    };
    let mut gateway = VpnGateway::new(id);
    let common = Common {
        name: row.name.clone(),
        status: row.status.clone(),
        business_status: row.business_status.clone(),
        ..Common::default()
    };
    cx.fill(&mut gateway.meta, source, &common);
    gateway.meta.tags = tags(&row.tags);
    gateway.vpc = row.vpc_id.id();
    let vswitches = [&row.v_switch_id, &row.disaster_recovery_v_switch_id];
    gateway.vswitches = vswitches
        .iter()
        .any(|value| value.is_stated())
        .then(|| vswitches.iter().filter_map(|value| value.id()).collect());
    let addresses =
        [&row.internet_ip, &row.disaster_recovery_internet_ip, &row.ssl_vpn_internet_ip];
    if addresses.iter().any(|value| value.is_stated()) {
        let mut known = Vec::new();
        for value in addresses {
            if let Some(address) = addr(cx, &gateway, "internet_ips", value)
                && !known.contains(&address)
            {
                known.push(address);
            }
        }
        gateway.internet_ips = Some(known);
    }
    gateway.network = row.network_type.text();
    gateway.ipsec = row.ipsec_vpn.bool();
    gateway.ssl_vpn = row.ssl_vpn.bool();
    gateway.auto_propagate = row.auto_propagate.bool();
    gateway.enis = ids(&row.eni_instance_ids);
    cx.add(gateway);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ConnectionRow<'a> {
    #[serde(borrow)]
    vpn_connection_id: Scalar<'a>,
    name: Scalar<'a>,
    vpn_gateway_id: Scalar<'a>,
    transit_router_id: Scalar<'a>,
    customer_gateway_id: Scalar<'a>,
    local_subnet: Scalar<'a>,
    remote_subnet: Scalar<'a>,
    tunnel_options_specification: List<TunnelRow<'a>>,
    status: Scalar<'a>,
    tag: TagField<'a>,
    tags: List<Tag<'a>>,
    // DescribeVpnAttachments
    instance_id: Scalar<'a>,
    attach_type: Scalar<'a>,
}

/// `Tag` holds a list of tags in some bodies and a text that is no tag in others.
#[derive(Deserialize)]
#[serde(untagged)]
enum TagField<'a> {
    Tags(#[serde(borrow)] List<Tag<'a>>),
    Other(IgnoredAny),
}

impl Default for TagField<'_> {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct TunnelRow<'a> {
    #[serde(borrow)]
    tunnel_id: Scalar<'a>,
    role: Scalar<'a>,
    zone_no: Scalar<'a>,
    internet_ip: Scalar<'a>,
    status: Scalar<'a>,
    customer_gateway_id: Scalar<'a>,
}

listing!(vpn_connections, "VpnConnections", ConnectionRow => add_connection);
detail!(vpn_connection, ConnectionRow => add_connection);
listing!(
    /// Connections on transit routers; the connection's id stands under `InstanceId`.
    vpn_attachments, "VpnAttachments", ConnectionRow => add_connection
);

fn add_connection(cx: &mut ReadContext<'_>, row: &ConnectionRow<'_>, source: Source) {
    let ids = [&row.vpn_connection_id, &row.instance_id];
    let Some(id) = id_or_param(cx, &ids, "VpnConnectionId") else {
        return without_id(cx, "VpnConnectionId", &source);
    };
    let mut connection = VpnConnection::new(id);
    let common = Common { name: row.name.clone(), status: row.status.clone(), ..Common::default() };
    cx.fill(&mut connection.meta, source, &common);
    connection.meta.tags = tags(&row.tags).or_else(|| match &row.tag {
        TagField::Tags(list) => tags(list),
        TagField::Other(_) => None,
    });
    let on_transit_router =
        row.attach_type.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("CEN"));
    connection.vpn_gateway =
        row.vpn_gateway_id.stated_id().or_else(|| on_transit_router.then_some(None));
    connection.transit_router = row.transit_router_id.id();
    connection.customer_gateway = row.customer_gateway_id.id();
    connection.local_subnets = joined_cidrs(cx, &connection, "local_subnets", &row.local_subnet);
    connection.remote_subnets = joined_cidrs(cx, &connection, "remote_subnets", &row.remote_subnet);
    connection.tunnels = row.tunnel_options_specification.stated(|tunnel| VpnTunnel {
        id: tunnel.tunnel_id.id(),
        role: tunnel.role.text(),
        zone: tunnel.zone_no.text(),
        internet_ip: addr(cx, &connection, "tunnels", &tunnel.internet_ip),
        status: tunnel.status.text(),
        customer_gateway: tunnel.customer_gateway_id.id(),
    });
    cx.add(connection);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RouteRow<'a> {
    #[serde(borrow)]
    vpn_instance_id: Scalar<'a>,
    vpn_connection_id: Scalar<'a>,
    route_dest: Scalar<'a>,
    // policy-based routes
    route_source: Scalar<'a>,
    next_hop: Scalar<'a>,
    weight: Scalar<'a>,
    priority: Scalar<'a>,
    state: Scalar<'a>,
    route_entry_type: Scalar<'a>,
}

listing!(vpn_routes, "VpnRouteEntries", RouteRow => add_gateway_route);
listing!(vpn_pbr_routes, "VpnPbrRouteEntries", RouteRow => add_pbr_route);
listing!(vco_routes, "VcoRouteEntries", RouteRow => add_vco_route);

fn add_gateway_route(cx: &mut ReadContext<'_>, row: &RouteRow<'_>, source: Source) {
    let owner = id_or_param(cx, &[&row.vpn_instance_id], "VpnGatewayId");
    add_route(cx, row, owner, None, source);
}

fn add_pbr_route(cx: &mut ReadContext<'_>, row: &RouteRow<'_>, source: Source) {
    let owner = id_or_param(cx, &[&row.vpn_instance_id], "VpnGatewayId");
    add_route(cx, row, owner, Some("pbr"), source);
}

fn add_vco_route(cx: &mut ReadContext<'_>, row: &RouteRow<'_>, source: Source) {
    let owner = id_or_param(cx, &[&row.vpn_connection_id], "VpnConnectionId");
    add_route(cx, row, owner, None, source);
}

/// Adds a route. The cloud gives none an id; it is made of what makes the route, so that the pages
/// of a listing and a second export of it give the same ids.
fn add_route(
    cx: &mut ReadContext<'_>,
    row: &RouteRow<'_>,
    owner: Option<Id>,
    route_type: Option<&str>,
    source: Source,
) {
    let Some(owner) = owner else {
        return without_id(cx, "VpnInstanceId", &source);
    };
    let part = |value: &Scalar<'_>| value.as_str().unwrap_or("-").to_owned();
    let mut id = format!("{owner}:{}", part(&row.route_dest));
    if route_type.is_some() {
        id = format!("{id}:{}", part(&row.route_source));
    }
    let mut route = VpnRoute::new(format!("{id}:{}", part(&row.next_hop)));
    cx.fill(&mut route.meta, source, &Common::default());
    route.owner = Some(owner);
    route.destination = cidr(cx, &route, "destination", &row.route_dest);
    route.route_source = cidr(cx, &route, "route_source", &row.route_source);
    route.next_hop = row.next_hop.id();
    route.weight = row.weight.number();
    route.priority = row.priority.number();
    route.state = row.state.text();
    let stated = row.route_entry_type.as_str().or_else(|| cx.param("RouteEntryType"));
    route.route_type = route_type.or(stated).map(|word| Text::from(word.to_ascii_lowercase()));
    cx.add(route);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct CustomerRow<'a> {
    #[serde(borrow)]
    customer_gateway_id: Scalar<'a>,
    name: Scalar<'a>,
    ip_address: Scalar<'a>,
    tags: List<Tag<'a>>,
}

listing!(customer_gateways, "CustomerGateways", CustomerRow => add_customer_gateway);

fn add_customer_gateway(cx: &mut ReadContext<'_>, row: &CustomerRow<'_>, source: Source) {
    let Some(id) = row.customer_gateway_id.id() else {
        return without_id(cx, "CustomerGatewayId", &source);
    };
    let mut gateway = CustomerGateway::new(id);
    cx.fill(&mut gateway.meta, source, &Common { name: row.name.clone(), ..Common::default() });
    gateway.meta.tags = tags(&row.tags);
    gateway.address = addr(cx, &gateway, "address", &row.ip_address);
    cx.add(gateway);
}

#[cfg(test)]
mod tests {
    use super::super::vpc_common::testing::{read, read_with, try_read};
    use super::*;

    #[test]
    fn vpn_gateways_gather_addresses_and_vswitches() {
        let row = r#"{"VpnGatewayId":"vpn-1","VpcId":"vpc-1","VSwitchId":"vsw-1",
            "DisasterRecoveryVSwitchId":"vsw-2","InternetIp":"203.0.113.1","DisasterRecoveryInternetIp":"203.0.113.2",
            "SslVpnInternetIp":"","IpsecVpn":"enable","SslVpn":"disable","AutoPropagate":true,"Status":"active",
            "Tag":"{\"VpnEnableBgp\":\"true\"}","Tags":{"Tag":[{"Key":"k","Value":"v"}]},"CreateTime":1515383700000}"#;
        let list = format!(r#"{{"VpnGateways":{{"VpnGateway":[{row}]}}}}"#);
        for (name, body) in [("DescribeVpnGateways", list.as_str()), ("DescribeVpnGateway", row)] {
            let t = read(name, body);
            let gateway = t.vpn_gateways.get("vpn-1").unwrap();
            assert_eq!(gateway.vswitches.as_ref().unwrap().len(), 2);
            assert_eq!(gateway.internet_ips.as_ref().unwrap().len(), 2);
            assert_eq!((gateway.ipsec, gateway.ssl_vpn), (Some(true), Some(false)));
            assert_eq!(gateway.enis, None);
        }
    }

    #[test]
    fn connections_split_their_subnets_and_forget_their_keys() {
        let row = r#"{"VpnConnectionId":"vco-1","Name":"dc","VpnGatewayId":"vpn-1","CustomerGatewayId":"cgw-1",
            "LocalSubnet":"10.0.0.0/16,10.1.0.0/16","RemoteSubnet":"192.168.0.0/16","Status":"ipsec_sa_established",
            "IkeConfig":{"Psk":"hunter2"},"VpnBgpConfig":{"AuthKey":"hunter2"},"Tag":{"Tag":[{"Key":"k","Value":"v"}]},
            "TunnelOptionsSpecification":{"TunnelOptions":[{"TunnelId":"tun-1","Role":"master","ZoneNo":"cn-hangzhou-b",
              "InternetIp":"203.0.113.1","TunnelIkeConfig":{"Psk":"hunter2"}}]}}"#;
        let list = format!(r#"{{"VpnConnections":{{"VpnConnection":[{row}]}}}}"#);
        for (name, body) in
            [("DescribeVpnConnections", list.as_str()), ("DescribeVpnConnection", row)]
        {
            let t = read(name, body);
            let connection = t.vpn_connections.get("vco-1").unwrap();
            assert_eq!(connection.vpn_gateway, Some(Some(Id::from("vpn-1"))));
            assert_eq!(connection.local_subnets.as_ref().unwrap().len(), 2);
            let tunnels = connection.tunnels.as_ref().unwrap();
            assert_eq!(tunnels[0].role.as_deref(), Some("master"));
            assert_eq!(connection.meta.tags.as_ref().unwrap().len(), 1);
            assert!(!format!("{t:?}").contains("hunter2"));
        }
    }

    #[test]
    fn attachments_have_no_vpn_gateway() {
        let t = read(
            "DescribeVpnAttachments",
            r#"{"VpnAttachments":[{"InstanceId":"vco-1","AttachType":"CEN","TransitRouterId":"tr-1","Tag":"{}"}]}"#,
        );
        let connection = t.vpn_connections.get("vco-1").unwrap();
        assert_eq!(connection.vpn_gateway, Some(None));
        assert_eq!(connection.transit_router.as_deref(), Some("tr-1"));
        assert_eq!(connection.meta.tags, None);
    }

    #[test]
    fn routes_get_ids_from_what_they_say() {
        let t = read(
            "DescribeVpnRouteEntries",
            r#"{"VpnRouteCounts":{"VpnRouteCount":[{"RouteCount":1}]},"VpnRouteEntries":{"VpnRouteEntry":[
              {"VpnInstanceId":"vpn-1","RouteDest":"10.0.0.0/24","NextHop":"vco-1","Weight":100,"State":"published","RouteEntryType":"Custom"}]}}"#,
        );
        let route = t.vpn_routes.get("vpn-1:10.0.0.0/24:vco-1").unwrap();
        assert_eq!(route.route_type.as_deref(), Some("custom"));
        assert_eq!(route.weight, Some(100));
        assert_eq!(
            route.meta.source.as_ref().unwrap().pointer(),
            "/VpnRouteEntries/VpnRouteEntry/0"
        );
        let t = read_with(
            "DescribeVpnPbrRouteEntries",
            ("VpnGatewayId", "vpn-1"),
            r#"{"VpnPbrRouteEntries":{"VpnPbrRouteEntry":[{"RouteSource":"192.168.0.0/24","RouteDest":"10.0.0.0/24","NextHop":"vco-1","Weight":"0","Priority":5}]}}"#,
        );
        let route = t.vpn_routes.get("vpn-1:10.0.0.0/24:192.168.0.0/24:vco-1").unwrap();
        assert_eq!((route.route_type.as_deref(), route.priority), (Some("pbr"), Some(5)));
        assert_eq!(route.route_source.as_ref().unwrap().to_string(), "192.168.0.0/24");
        let t = read(
            "DescribeVcoRouteEntries",
            r#"{"VcoRouteEntries":[{"VpnConnectionId":"vco-1","RouteDest":"10.0.0.0/24","NextHop":"vco-1"}]}"#,
        );
        assert_eq!(t.vpn_routes.as_slice()[0].owner.as_deref(), Some("vco-1"));
    }

    #[test]
    fn customer_gateways_may_be_masked() {
        let out = try_read(
            "vpc",
            "DescribeCustomerGateways",
            &[],
            r#"{"CustomerGateways":{"CustomerGateway":[{"CustomerGatewayId":"cgw-1","IpAddress":"139.32.XX.XX","AuthKey":"hunter2"}]}}"#,
        )
        .unwrap();
        let gateway = out.topology.customer_gateways.get("cgw-1").unwrap();
        assert!(gateway.address.as_ref().unwrap().symbol().is_some());
        assert!(!format!("{gateway:?}").contains("hunter2"));
    }
}
