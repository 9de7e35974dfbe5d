//! From a field of the model to the key of the native format.

use crate::topology::Kind;

/// The key of a native object that states a model field, so that a finding can point at the value;
/// `None` when no key of its own states it. Fields of the common part are those of
/// [`crate::topology::Meta`].
pub fn field_key(kind: Kind, field: &str) -> Option<&'static str> {
    if let Some((_, _, key)) = RENAMED.iter().find(|(k, f, _)| *k == kind && *f == field) {
        return *key;
    }
    if let Some((_, key)) = COMMON.iter().find(|(f, _)| *f == field) {
        return Some(key);
    }
    SAME.iter()
        .find(|(k, _)| *k == kind)?
        .1
        .iter()
        .map(|k| k.trim_start_matches("r#"))
        .find(|k| *k == field)
}

const COMMON: &[(&str, &str)] = &[
    ("id", "id"),
    ("name", "name"),
    ("tags", "tags"),
    ("status", "status"),
    ("business_status", "business_status"),
];

/// Fields whose key has another name, or no key.
const RENAMED: &[(Kind, &str, Option<&str>)] = &[
    (Kind::Vpc, "is_default", Some("default")),
    (Kind::Vpc, "support_ipv4_gateway", Some("internet")),
    (Kind::VSwitch, "route_table", Some("table")),
    (Kind::VSwitch, "network_acl", Some("acl")),
    (Kind::VSwitch, "available_ips", Some("free_ips")),
    (Kind::VSwitch, "share_type", Some("share")),
    (Kind::RouteTable, "table_type", Some("type")),
    (Kind::RouteEntry, "destination", Some("to")),
    (Kind::RouteEntry, "next_hops", Some("via")),
    (Kind::Ipv4Gateway, "route_table", Some("table")),
    (Kind::Ipv6Gateway, "route_table", Some("table")),
    (Kind::Ipv6Address, "address", Some("ip")),
    (Kind::Ipv6Address, "attached_to", Some("on")),
    (Kind::GatewayEndpoint, "route_tables", Some("tables")),
    (Kind::Instance, "private_ips", Some("ip")),
    (Kind::Instance, "public_ips", Some("public_ip")),
    (Kind::Instance, "enis", Some("eni")),
    (Kind::Instance, "network", Some("classic")),
    (Kind::Instance, "internet_max_bandwidth_out", Some("bandwidth")),
    (Kind::Eni, "eni_type", Some("type")),
    (Kind::Eni, "private_ips", Some("ip")),
    (Kind::Eni, "ipv6_ips", Some("ipv6")),
    (Kind::Eni, "service_managed", Some("managed")),
    (Kind::HaVip, "address", Some("ip")),
    (Kind::Eip, "address", Some("ip")),
    (Kind::Eip, "target", Some("on")),
    (Kind::Eip, "target_id", Some("on")),
    (Kind::Eip, "private_address", Some("private_ip")),
    (Kind::BandwidthPackage, "addresses", Some("eips")),
    (Kind::NatGateway, "nat_type", Some("type")),
    (Kind::NatGateway, "eip_bind_mode", Some("bind_mode")),
    (Kind::NatGateway, "private_address", Some("ip")),
    (Kind::NatGateway, "snat_entry_count", Some("snat_count")),
    (Kind::NatGateway, "dnat_entry_count", Some("dnat_count")),
    (Kind::SnatEntry, "source_cidr", Some("from")),
    (Kind::SnatEntry, "source_vswitch", Some("from")),
    (Kind::SnatEntry, "snat_ips", Some("to")),
    (Kind::SnatEntry, "eip_affinity", Some("affinity")),
    (Kind::DnatEntry, "external_ip", Some("from")),
    (Kind::DnatEntry, "external_port", Some("from")),
    (Kind::DnatEntry, "protocol", Some("from")),
    (Kind::DnatEntry, "internal_ip", Some("to")),
    (Kind::DnatEntry, "internal_port", Some("to")),
    (Kind::FullNatEntry, "nat_ip", Some("from")),
    (Kind::FullNatEntry, "nat_port", Some("from")),
    (Kind::FullNatEntry, "protocol", Some("from")),
    (Kind::FullNatEntry, "access_ip", Some("to")),
    (Kind::FullNatEntry, "access_port", Some("to")),
    (Kind::NatIp, "address", Some("ip")),
    (Kind::NatIp, "is_default", Some("default")),
    (Kind::SecurityGroup, "group_type", Some("type")),
    (Kind::SecurityGroup, "service_managed", Some("managed")),
    (Kind::LoadBalancer, "lb_type", Some("type")),
    (Kind::LoadBalancer, "address_type", Some("network")),
    (Kind::LoadBalancer, "address", Some("ip")),
    (Kind::LoadBalancer, "network", Some("classic")),
    (Kind::LoadBalancer, "default_backends", Some("backends")),
    (Kind::Listener, "acl_enabled", Some("acl")),
    (Kind::ServerGroup, "lb_type", Some("type")),
    (Kind::AccessList, "lb_type", Some("type")),
    (Kind::Endpoint, "endpoint_type", Some("type")),
    (Kind::Endpoint, "connection_status", Some("connection")),
    (Kind::EndpointService, "service_type", Some("type")),
    (Kind::EndpointConnection, "connection_status", Some("connection")),
    (Kind::VpcPeer, "requester", Some("from")),
    (Kind::VpcPeer, "accepter", Some("to")),
    (Kind::CenRoute, "in_region", Some("region")),
    (Kind::CenRoute, "destination", Some("to")),
    (Kind::CenRoute, "route_status", Some("status")),
    (Kind::CenRoute, "route_type", Some("type")),
    (Kind::CenRoute, "next_hop", Some("via")),
    (Kind::CenRoute, "next_hop_type", Some("via_type")),
    (Kind::CenRoute, "next_hop_region", Some("via_region")),
    (Kind::CenRouteMap, "in_region", Some("region")),
    (Kind::TransitRouter, "router_type", Some("type")),
    (Kind::TransitAttachment, "attachment_type", Some("type")),
    (Kind::TransitAttachment, "target", Some("to")),
    (Kind::TransitRouteTable, "table_type", Some("type")),
    (Kind::TransitRouteEntry, "destination", Some("to")),
    (Kind::TransitRouteEntry, "next_hop", Some("via")),
    (Kind::TransitRouteEntry, "next_hop_type", Some("via")),
    (Kind::VpnGateway, "internet_ips", Some("ip")),
    (Kind::VpnGateway, "ssl_vpn", Some("ssl")),
    (Kind::VpnConnection, "local_subnets", Some("local")),
    (Kind::VpnConnection, "remote_subnets", Some("remote")),
    (Kind::VpnRoute, "destination", Some("to")),
    (Kind::VpnRoute, "route_source", Some("from")),
    (Kind::VpnRoute, "next_hop", Some("via")),
    (Kind::VpnRoute, "route_type", Some("type")),
    (Kind::CustomerGateway, "address", Some("ip")),
    (Kind::BorderRouter, "local_address", Some("local_ip")),
    (Kind::BorderRouter, "peer_address", Some("peer_ip")),
];

macro_rules! same {
    ($($type:ident),* $(,)?) => {
        /// The keys of each kind; a field with the name of a key is stated by it.
        const SAME: &[(Kind, &[&str])] = &[
            $( (Kind::$type, <super::tree::$type as super::tree::Object>::FIELDS) ),*
        ];
    };
}

same! {
    Vpc, VSwitch, RouteTable, RouteEntry, Ipv4Gateway, Ipv6Gateway, Ipv6Address, Ipv6EgressRule,
    GatewayEndpoint, RouteTargetGroup, Instance, Eni, HaVip, Eip, BandwidthPackage, NatGateway,
    SnatEntry, DnatEntry, FullNatEntry, NatIp, SecurityGroup, NetworkAcl, PrefixList, PortList,
    LoadBalancer, Listener, ForwardingRule, ServerGroup, AccessList, Endpoint, EndpointService,
    EndpointConnection, VpcPeer, Cen, CenRoute, CenRouteMap, TransitRouter, TransitAttachment,
    TransitRouteTable, TransitRouteEntry, VpnGateway, VpnConnection, VpnRoute, CustomerGateway,
    RouterInterface, BorderRouter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lead_to_keys() {
        assert_eq!(field_key(Kind::VSwitch, "cidr"), Some("cidr"));
        assert_eq!(field_key(Kind::RouteEntry, "next_hops"), Some("via"));
        assert_eq!(field_key(Kind::Eip, "name"), Some("name"));
        assert_eq!(field_key(Kind::SnatEntry, "snat_ips"), Some("to"));
        assert_eq!(field_key(Kind::SecurityGroupRule, "peer"), None);
        assert_eq!(field_key(Kind::Vpc, "vswitch_ids"), None);
    }

    #[test]
    fn renamed_keys_exist() {
        for (kind, field, key) in RENAMED {
            let (Some(key), Some((_, keys))) = (key, SAME.iter().find(|(k, _)| k == kind)) else {
                continue;
            };
            let known = keys.iter().any(|k| k.trim_start_matches("r#") == *key)
                || COMMON.iter().any(|(_, k)| k == key);
            assert!(known, "{kind:?}.{field} -> {key}");
        }
    }
}
