//! IPv4 and IPv6 gateways, IPv6 addresses and gateway endpoints (formats-api.md §4.1).

use serde::Deserialize;

use super::Api;
use super::vpc_common::{addr, cidr, counted_only, detail, id_or_param, ids, listing, without_id};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Object, Scalar};
use crate::topology::{
    GatewayEndpoint, Ipv4Gateway, Ipv6Address, Ipv6EgressRule, Ipv6Gateway, Listing, Source,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "vpc",
        name: "ListIpv4Gateways",
        listing: Listing::Ipv4Gateways,
        read: ipv4_gateways,
    },
    Api {
        product: "vpc",
        name: "GetIpv4GatewayAttribute",
        listing: Listing::Ipv4GatewayAttributes,
        read: ipv4_gateway_attribute,
    },
    Api {
        product: "vpc",
        name: "DescribeIpv6Gateways",
        listing: Listing::Ipv6Gateways,
        read: ipv6_gateways,
    },
    Api {
        product: "vpc",
        name: "DescribeIpv6GatewayAttribute",
        listing: Listing::Ipv6GatewayAttributes,
        read: ipv6_gateway_attribute,
    },
    Api {
        product: "vpc",
        name: "DescribeIpv6Addresses",
        listing: Listing::Ipv6Addresses,
        read: ipv6_addresses,
    },
    Api {
        product: "vpc",
        name: "DescribeIpv6EgressOnlyRules",
        listing: Listing::Ipv6EgressRules,
        read: ipv6_egress_rules,
    },
    Api {
        product: "vpc",
        name: "ListVpcGatewayEndpoints",
        listing: Listing::GatewayEndpoints,
        read: gateway_endpoints,
    },
    // services that a gateway endpoint could be made for; an endpoint names its service itself
    Api {
        product: "vpc",
        name: "ListVpcEndpointServicesByEndUser",
        listing: Listing::GatewayEndpointServices,
        read: counted_only,
    },
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Ipv4Row<'a> {
    #[serde(borrow)]
    ipv4_gateway_id: Scalar<'a>,
    ipv4_gateway_name: Scalar<'a>,
    vpc_id: Scalar<'a>,
    enabled: Scalar<'a>,
    ipv4_gateway_route_table_id: Scalar<'a>,
    status: Scalar<'a>,
    tags: List<Tag<'a>>,
}

listing!(ipv4_gateways, "Ipv4GatewayModels", Ipv4Row => add_ipv4_gateway);
detail!(ipv4_gateway_attribute, Ipv4Row => add_ipv4_gateway);

fn add_ipv4_gateway(cx: &mut ReadContext<'_>, row: &Ipv4Row<'_>, source: Source) {
    let Some(id) = id_or_param(cx, &[&row.ipv4_gateway_id], "Ipv4GatewayId") else {
        return without_id(cx, "Ipv4GatewayId", &source);
    };
    let mut gateway = Ipv4Gateway::new(id);
    let common = Common {
        name: row.ipv4_gateway_name.clone(),
        status: row.status.clone(),
        ..Common::default()
    };
    cx.fill(&mut gateway.meta, source, &common);
    gateway.meta.tags = tags(&row.tags);
    gateway.vpc = row.vpc_id.id();
    gateway.enabled = row.enabled.bool();
    gateway.route_table = row.ipv4_gateway_route_table_id.id();
    cx.add(gateway);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Ipv6Row<'a> {
    #[serde(borrow)]
    ipv6_gateway_id: Scalar<'a>,
    name: Scalar<'a>,
    vpc_id: Scalar<'a>,
    status: Scalar<'a>,
    business_status: Scalar<'a>,
    region_id: Scalar<'a>,
    owner_id: Scalar<'a>,
    // the detail call only
    gateway_route_table_id: Scalar<'a>,
    tags: List<Tag<'a>>,
}

listing!(ipv6_gateways, "Ipv6Gateways", Ipv6Row => add_ipv6_gateway);
detail!(ipv6_gateway_attribute, Ipv6Row => add_ipv6_gateway);

fn add_ipv6_gateway(cx: &mut ReadContext<'_>, row: &Ipv6Row<'_>, source: Source) {
    let Some(id) = id_or_param(cx, &[&row.ipv6_gateway_id], "Ipv6GatewayId") else {
        return without_id(cx, "Ipv6GatewayId", &source);
    };
    let mut gateway = Ipv6Gateway::new(id);
    let common = Common {
        name: row.name.clone(),
        status: row.status.clone(),
        business_status: row.business_status.clone(),
        owner: row.owner_id.clone(),
        region: row.region_id.clone(),
    };
    cx.fill(&mut gateway.meta, source, &common);
    gateway.meta.tags = tags(&row.tags);
    gateway.vpc = row.vpc_id.id();
    gateway.route_table = row.gateway_route_table_id.id();
    cx.add(gateway);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Ipv6AddressRow<'a> {
    #[serde(borrow)]
    ipv6_address_id: Scalar<'a>,
    ipv6_address_name: Scalar<'a>,
    ipv6_address: Scalar<'a>,
    address_type: Scalar<'a>,
    ipv6_gateway_id: Scalar<'a>,
    vpc_id: Scalar<'a>,
    v_switch_id: Scalar<'a>,
    associated_instance_id: Scalar<'a>,
    network_type: Scalar<'a>,
    status: Scalar<'a>,
    ipv6_internet_bandwidth: Object<Ipv6Bandwidth<'a>>,
    tags: List<Tag<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Ipv6Bandwidth<'a> {
    #[serde(borrow)]
    business_status: Scalar<'a>,
}

listing!(
    /// IPv6 addresses and prefixes; both stand under `Ipv6Address`. The business status is that of
    /// the Internet bandwidth, the only part of an address that is paid for.
    ipv6_addresses, "Ipv6Addresses", Ipv6AddressRow => add_ipv6_address
);

fn add_ipv6_address(cx: &mut ReadContext<'_>, row: &Ipv6AddressRow<'_>, source: Source) {
    let Some(id) = row.ipv6_address_id.id() else {
        return without_id(cx, "Ipv6AddressId", &source);
    };
    let mut address = Ipv6Address::new(id);
    let bandwidth = row.ipv6_internet_bandwidth.get();
    let common = Common {
        name: row.ipv6_address_name.clone(),
        status: row.status.clone(),
        business_status: bandwidth.map(|b| b.business_status.clone()).unwrap_or_default(),
        ..Common::default()
    };
    cx.fill(&mut address.meta, source, &common);
    address.meta.tags = tags(&row.tags);
    let is_prefix = row.address_type.as_str().is_some_and(|t| t.eq_ignore_ascii_case("IPv6Prefix"));
    if is_prefix || row.ipv6_address.as_str().is_some_and(|text| text.contains('/')) {
        address.prefix = cidr(cx, &address, "prefix", &row.ipv6_address);
    } else {
        address.address = addr(cx, &address, "address", &row.ipv6_address);
    }
    address.vpc = row.vpc_id.id();
    address.vswitch = row.v_switch_id.id();
    address.gateway = row.ipv6_gateway_id.id();
    address.attached_to = row.associated_instance_id.id();
    address.public = row.network_type.as_str().map(|word| word.eq_ignore_ascii_case("Public"));
    cx.add(address);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct EgressRuleRow<'a> {
    #[serde(borrow)]
    ipv6_egress_only_rule_id: Scalar<'a>,
    name: Scalar<'a>,
    instance_id: Scalar<'a>,
    status: Scalar<'a>,
}

listing!(
    /// Egress-only rules. The gateway is a request parameter only; without it, it is the gateway of
    /// the rule's address (formats-api.md §6.3).
    ipv6_egress_rules, "Ipv6EgressOnlyRules", EgressRuleRow => add_egress_rule
);

fn add_egress_rule(cx: &mut ReadContext<'_>, row: &EgressRuleRow<'_>, source: Source) {
    let Some(id) = row.ipv6_egress_only_rule_id.id() else {
        return without_id(cx, "Ipv6EgressOnlyRuleId", &source);
    };
    let mut rule = Ipv6EgressRule::new(id);
    let common = Common { name: row.name.clone(), status: row.status.clone(), ..Common::default() };
    cx.fill(&mut rule.meta, source, &common);
    rule.gateway = id_or_param(cx, &[], "Ipv6GatewayId");
    rule.address = row.instance_id.id();
    cx.add(rule);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct GatewayEndpointRow<'a> {
    #[serde(borrow)]
    endpoint_id: Scalar<'a>,
    endpoint_name: Scalar<'a>,
    vpc_id: Scalar<'a>,
    service_name: Scalar<'a>,
    associated_route_tables: List<Scalar<'a>>,
    endpoint_status: Scalar<'a>,
    tags: List<Tag<'a>>,
}

listing!(gateway_endpoints, "Endpoints", GatewayEndpointRow => add_gateway_endpoint);

fn add_gateway_endpoint(cx: &mut ReadContext<'_>, row: &GatewayEndpointRow<'_>, source: Source) {
    let Some(id) = row.endpoint_id.id() else {
        return without_id(cx, "EndpointId", &source);
    };
    let mut endpoint = GatewayEndpoint::new(id);
    let common = Common {
        name: row.endpoint_name.clone(),
        status: row.endpoint_status.clone(),
        ..Common::default()
    };
    cx.fill(&mut endpoint.meta, source, &common);
    endpoint.meta.tags = tags(&row.tags);
    endpoint.vpc = row.vpc_id.id();
    endpoint.service = row.service_name.text();
    endpoint.route_tables = ids(&row.associated_route_tables);
    cx.add(endpoint);
}

#[cfg(test)]
mod tests {
    use super::super::vpc_common::testing::{read, read_with};
    use crate::topology::{Id, Resource};

    #[test]
    fn ipv4_gateways_of_both_calls() {
        let row = r#"{"Ipv4GatewayId":"ipv4gw-1","Ipv4GatewayName":"gw","VpcId":"vpc-1","Enabled":"True",
            "Ipv4GatewayRouteTableId":"","Status":"Created","Tags":[{"Key":"a","Value":""}]}"#;
        let list = format!(r#"{{"Ipv4GatewayModels":[{row}],"TotalCount":"1"}}"#);
        for (name, body, pointer) in [
            ("ListIpv4Gateways", list.as_str(), "/Ipv4GatewayModels/0"),
            ("GetIpv4GatewayAttribute", row, ""),
        ] {
            let t = read(name, body);
            let gateway = t.ipv4_gateways.get("ipv4gw-1").unwrap();
            assert_eq!(gateway.enabled, Some(true));
            assert_eq!(gateway.route_table, None);
            assert_eq!(gateway.meta.tags.as_ref().unwrap().len(), 1);
            assert_eq!(gateway.meta.source.as_ref().unwrap().pointer(), pointer);
        }
    }

    #[test]
    fn ipv6_gateways_of_both_calls() {
        let t = read(
            "DescribeIpv6Gateways",
            r#"{"Ipv6Gateways":{"Ipv6Gateway":[{"Ipv6GatewayId":"ipv6gw-1","VpcId":"vpc-1","OwnerId":7}]}}"#,
        );
        let gateway = t.ipv6_gateways.get("ipv6gw-1").unwrap();
        assert_eq!(gateway.meta.account.as_deref(), Some("7"));
        assert_eq!(gateway.route_table, None);
        let t = read(
            "DescribeIpv6GatewayAttribute",
            r#"{"Ipv6GatewayId":"ipv6gw-1","GatewayRouteTableId":"vtb-6","RegionId":"cn-beijing"}"#,
        );
        let gateway = t.ipv6_gateways.get("ipv6gw-1").unwrap();
        assert_eq!(gateway.route_table.as_deref(), Some("vtb-6"));
        assert_eq!(gateway.meta.region.as_deref(), Some("cn-beijing"));
    }

    #[test]
    fn ipv6_addresses_and_prefixes() {
        let t = read(
            "DescribeIpv6Addresses",
            r#"{"Ipv6Addresses":{"Ipv6Address":[{"Ipv6AddressId":"ipv6-1","Ipv6Address":"2001:db8::5",
              "NetworkType":"Public","AssociatedInstanceId":"i-1","Ipv6GatewayId":"",
              "Ipv6InternetBandwidth":{"Bandwidth":5,"BusinessStatus":"FinancialLocked"}},
              {"Ipv6AddressId":"ipv6-2","Ipv6Address":"2001:db8:0:1::/80","AddressType":"IPv6Prefix",
               "NetworkType":"Private","Ipv6InternetBandwidth":""},{"Ipv6AddressId":"ipv6-3"}]}}"#,
        );
        let address = t.ipv6_addresses.get("ipv6-1").unwrap();
        assert_eq!(address.address.as_ref().unwrap().to_string(), "2001:db8::5");
        assert_eq!((address.public, address.gateway.clone()), (Some(true), None));
        assert!(address.is_locked());
        let prefix = t.ipv6_addresses.get("ipv6-2").unwrap();
        assert_eq!(prefix.prefix.as_ref().unwrap().to_string(), "2001:db8:0:1::/80");
        assert_eq!((prefix.address.clone(), prefix.public), (None, Some(false)));
        assert_eq!(t.ipv6_addresses.get("ipv6-3").unwrap().public, None);
    }

    #[test]
    fn egress_only_rules_take_their_gateway_from_the_request() {
        let body = r#"{"Ipv6EgressOnlyRules":{"Ipv6EgressOnlyRule":[{"Ipv6EgressOnlyRuleId":"ipv6py-1",
            "InstanceId":"ipv6-1","InstanceType":"Ipv6Address","Status":"Available"}]}}"#;
        let t = read_with("DescribeIpv6EgressOnlyRules", ("Ipv6GatewayId", "ipv6gw-1"), body);
        let rule = t.ipv6_egress_rules.get("ipv6py-1").unwrap();
        assert_eq!(rule.gateway.as_deref(), Some("ipv6gw-1"));
        assert_eq!(rule.address.as_deref(), Some("ipv6-1"));
        let t = read("DescribeIpv6EgressOnlyRules", body);
        assert_eq!(t.ipv6_egress_rules.get("ipv6py-1").unwrap().gateway, None);
    }

    #[test]
    fn gateway_endpoints_name_their_tables() {
        let t = read(
            "ListVpcGatewayEndpoints",
            r#"{"Endpoints":[{"EndpointId":"vpce-1","EndpointStatus":"Created","VpcId":"vpc-1",
              "ServiceName":"com.aliyun.cn-hangzhou.oss","AssociatedRouteTables":["vtb-1"]}]}"#,
        );
        let endpoint = t.gateway_endpoints.get("vpce-1").unwrap();
        assert_eq!(endpoint.route_tables, Some(vec![Id::from("vtb-1")]));
        assert_eq!(endpoint.meta.status.as_deref(), Some("Created"));
    }
}
