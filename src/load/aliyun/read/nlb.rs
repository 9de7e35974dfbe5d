//! NLB: instances, listeners and server groups (formats-api.md §4.6).

use super::Api;
use super::alb_groups::{read_server_groups, read_servers};
use super::shared::{as_detail, ids, lost, parent, row};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Object, Scalar};
use crate::topology::{
    AddressType, BalancerZone, Id, Listener, ListenerProtocol, Listing, LoadBalancer,
    LoadBalancerType, Source,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "nlb",
        name: "ListLoadBalancers",
        listing: Listing::NlbInstances,
        read: load_balancers,
    },
    Api {
        product: "nlb",
        name: "GetLoadBalancerAttribute",
        listing: Listing::NlbAttributes,
        read: load_balancer_attribute,
    },
    Api { product: "nlb", name: "ListListeners", listing: Listing::NlbListeners, read: listeners },
    Api {
        product: "nlb",
        name: "ListServerGroups",
        listing: Listing::NlbServerGroups,
        read: server_groups,
    },
    Api {
        product: "nlb",
        name: "ListServerGroupServers",
        listing: Listing::NlbServers,
        read: servers,
    },
];

row! {
    LoadBalancersBody<'a> {
        load_balancers: List<LoadBalancerRow<'a>>,
    }
}

row! {
    LoadBalancerRow<'a> {
        load_balancer_id: Scalar<'a>,
        load_balancer_name: Scalar<'a>,
        address_type: Scalar<'a>,
        address_ip_version: Scalar<'a>,
        ipv6_address_type: Scalar<'a>,
        cross_zone_enabled: Scalar<'a>,
        load_balancer_status: Scalar<'a>,
        load_balancer_business_status: Scalar<'a>,
        load_balancer_billing_config: Object<BillingRow<'a>>,
        vpc_id: Scalar<'a>,
        region_id: Scalar<'a>,
        security_group_ids: List<Scalar<'a>>,
        zone_mappings: List<ZoneRow<'a>>,
        tags: List<Tag<'a>>,
    }
}

row! {
    BillingRow<'a> {
        pay_type: Scalar<'a>,
    }
}

row! {
    ZoneRow<'a> {
        zone_id: Scalar<'a>,
        v_switch_id: Scalar<'a>,
        status: Scalar<'a>,
        load_balancer_addresses: List<AddressRow<'a>>,
    }
}

row! {
    AddressRow<'a> {
        #[serde(rename = "PublicIPv4Address")]
        public_ip: Scalar<'a>,
        #[serde(rename = "PrivateIPv4Address")]
        private_ip: Scalar<'a>,
        ipv6_address: Scalar<'a>,
        allocation_id: Scalar<'a>,
        eni_id: Scalar<'a>,
        ipv4_local_addresses: List<Scalar<'a>>,
        ipv6_local_addresses: List<Scalar<'a>>,
    }
}

fn load_balancers(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: LoadBalancersBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/LoadBalancers", &body.load_balancers);
    cx.count(&body.load_balancers);
    for (n, row) in body.load_balancers.iter().enumerate() {
        let Some(id) = row.load_balancer_id.id() else { continue };
        let balancer = load_balancer(id, row, sources.at(n), cx);
        cx.add(balancer);
    }
    Ok(())
}

fn load_balancer_attribute(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let row: LoadBalancerRow<'_> = serde_json::from_str(body)?;
    cx.rows = 1;
    let Some(id) = parent(cx, &row.load_balancer_id, "LoadBalancerId") else {
        lost(cx, 1, "LoadBalancerId");
        return Ok(());
    };
    let mut balancer = load_balancer(id, &row, cx.source(""), cx);
    as_detail(&mut balancer.meta);
    cx.add(balancer);
    Ok(())
}

fn load_balancer(
    id: Id,
    row: &LoadBalancerRow<'_>,
    source: Source,
    cx: &mut ReadContext<'_>,
) -> LoadBalancer {
    let mut balancer = LoadBalancer::new(id);
    let common = Common {
        name: row.load_balancer_name.clone(),
        status: row.load_balancer_status.clone(),
        business_status: row.load_balancer_business_status.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut balancer.meta, source, &common);
    balancer.meta.tags = tags(&row.tags);
    balancer.lb_type = Some(LoadBalancerType::Nlb);
    balancer.address_type = row.address_type.as_str().map(AddressType::from_text);
    balancer.ip_version = row.address_ip_version.text();
    balancer.vpc = row.vpc_id.stated_id();
    balancer.cross_zone = row.cross_zone_enabled.bool();
    balancer.security_groups = ids(&row.security_group_ids);
    balancer.pay_type = row.load_balancer_billing_config.get().and_then(|b| b.pay_type.text());
    let ipv6_type = row.ipv6_address_type.as_str().map(AddressType::from_text);
    let public_ipv6 = ipv6_type == Some(AddressType::Internet);
    balancer.zones =
        row.zone_mappings.stated_some(|zone| self::zone(zone, &balancer, public_ipv6, cx));
    balancer
}

fn zone(
    row: &ZoneRow<'_>,
    balancer: &LoadBalancer,
    public_ipv6: bool,
    cx: &mut ReadContext<'_>,
) -> Option<BalancerZone> {
    let mut zone = BalancerZone {
        zone: row.zone_id.text()?,
        vswitch: row.v_switch_id.id(),
        status: row.status.text(),
        private_ips: Vec::new(),
        public_ips: Vec::new(),
        eips: Vec::new(),
        enis: Vec::new(),
        local_ips: Vec::new(),
    };
    let mut read = |text: &Scalar<'_>| Some(cx.addr(balancer, "zones", text.as_str()?));
    for address in &row.load_balancer_addresses {
        zone.private_ips.extend(read(&address.private_ip));
        zone.public_ips.extend(read(&address.public_ip));
        let ipv6 = read(&address.ipv6_address);
        if public_ipv6 {
            zone.public_ips.extend(ipv6)
        } else {
            zone.private_ips.extend(ipv6)
        }
        zone.eips.extend(address.allocation_id.id());
        zone.enis.extend(address.eni_id.id());
        let locals = address.ipv4_local_addresses.iter().chain(&address.ipv6_local_addresses);
        zone.local_ips.extend(locals.filter_map(&mut read));
    }
    Some(zone)
}

row! {
    ListenersBody<'a> {
        listeners: List<ListenerRow<'a>>,
    }
}

row! {
    ListenerRow<'a> {
        listener_id: Scalar<'a>,
        listener_description: Scalar<'a>,
        load_balancer_id: Scalar<'a>,
        listener_port: Scalar<'a>,
        start_port: Scalar<'a>,
        end_port: Scalar<'a>,
        listener_protocol: Scalar<'a>,
        listener_status: Scalar<'a>,
        server_group_id: Scalar<'a>,
        region_id: Scalar<'a>,
        tags: List<Tag<'a>>,
    }
}

fn listeners(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: ListenersBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Listeners", &body.listeners);
    cx.count(&body.listeners);
    for (n, row) in body.listeners.iter().enumerate() {
        let Some(id) = row.listener_id.id() else { continue };
        let mut listener = Listener::new(id);
        let common = Common {
            name: row.listener_description.clone(),
            status: row.listener_status.clone(),
            region: row.region_id.clone(),
            ..Common::default()
        };
        cx.fill(&mut listener.meta, sources.at(n), &common);
        listener.meta.tags = tags(&row.tags);
        listener.load_balancer = row.load_balancer_id.id();
        // port 0 stands for the range; otherwise the range means nothing
        listener.port = row.listener_port.number();
        if listener.port == Some(0) {
            listener.port = row.start_port.number();
            listener.end_port = row.end_port.number();
        }
        listener.protocol = row.listener_protocol.as_str().map(ListenerProtocol::from_text);
        listener.server_groups =
            row.server_group_id.is_stated().then(|| row.server_group_id.id().into_iter().collect());
        cx.add(listener);
    }
    Ok(())
}

fn server_groups(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    read_server_groups(body, &LoadBalancerType::Nlb, cx)
}

fn servers(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    read_servers(body, &LoadBalancerType::Nlb, cx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::aliyun::read::testing::{read, read_all};

    #[test]
    fn zones_stand_in_the_listing() {
        let body = r#"{"LoadBalancers":[{"LoadBalancerId":"nlb-1","AddressType":"Internet","CrossZoneEnabled":true,
            "LoadBalancerStatus":"Active","LoadBalancerBusinessStatus":"Normal","VpcId":"vpc-1","RegionId":"cn-beijing",
            "Ipv6AddressType":"Intranet","Tags":[{"Key":"env","Value":""}],
            "ZoneMappings":[{"ZoneId":"cn-beijing-a","VSwitchId":"vsw-1","Status":"Active","LoadBalancerAddresses":[
              {"PublicIPv4Address":"203.0.113.7","PrivateIPv4Address":"10.0.0.7","EniId":"eni-1","AllocationId":"eip-1",
               "Ipv6Address":"2001:db8::7"}]}]}]}"#;
        let (topology, _) = read("nlb", "ListLoadBalancers", body, &[]);
        let balancer = topology.load_balancers.get("nlb-1").unwrap();
        assert_eq!(
            (balancer.cross_zone, balancer.lb_type.clone()),
            (Some(true), Some(LoadBalancerType::Nlb))
        );
        assert_eq!(balancer.meta.tag("env"), Some(""));
        assert_eq!(balancer.meta.region.as_deref(), Some("cn-beijing"));
        let zone = &balancer.zones.as_ref().unwrap()[0];
        assert_eq!(zone.public_ips.len(), 1);
        assert_eq!(zone.private_ips[1].to_string(), "2001:db8::7");
        assert_eq!(zone.enis, [Id::from("eni-1")]);
        let detail = r#"{"LoadBalancerId":"nlb-1","Tags":[{"TagKey":"env","TagValue":""}]}"#;
        let (topology, _) = read("nlb", "GetLoadBalancerAttribute", detail, &[]);
        let balancer = topology.load_balancers.get("nlb-1").unwrap();
        assert_eq!((balancer.meta.tag("env"), balancer.zones.clone()), (Some(""), None));
    }

    #[test]
    fn a_listener_on_port_zero_is_a_range() {
        let body = r#"{"Listeners":[
            {"ListenerId":"lsn-1","LoadBalancerId":"nlb-1","ListenerPort":0,"StartPort":"8000","EndPort":"8999",
             "ListenerProtocol":"TCP","ServerGroupId":"sgp-1","ListenerStatus":"Running"},
            {"ListenerId":"lsn-2","ListenerPort":443,"StartPort":"1","EndPort":"2","ListenerProtocol":"TCPSSL"}]}"#;
        let (topology, _) = read("nlb", "ListListeners", body, &[]);
        let range = topology.listeners.get("lsn-1").unwrap();
        assert_eq!((range.port, range.end_port), (Some(8000), Some(8999)));
        assert_eq!(range.meta.source.as_ref().unwrap().pointer(), "/Listeners/0");
        let single = topology.listeners.get("lsn-2").unwrap();
        assert_eq!((single.port, single.end_port), (Some(443), None));
        assert_eq!(single.protocol, Some(ListenerProtocol::TcpSsl));
    }

    #[test]
    fn groups_keep_what_only_nlb_has() {
        let (topology, _) = read_all(&[
            (
                "nlb",
                "ListServerGroupServers",
                r#"{"Servers":[{"ServerGroupId":"sgp-1","ServerId":"i-1","ServerType":"Ecs","Port":0,"ZoneId":"cn-hangzhou-a"}]}"#,
                &[],
            ),
            (
                "nlb",
                "ListServerGroups",
                r#"{"ServerGroups":[{"ServerGroupId":"sgp-1","AnyPortEnabled":true,"PreserveClientIpEnabled":"false",
                    "AliUid":1001,"Protocol":"TCP"}]}"#,
                &[],
            ),
        ]);
        assert!(topology.conflicts.is_empty());
        let group = topology.server_groups.get("sgp-1").unwrap();
        assert_eq!((group.any_port, group.preserve_client_ip), (Some(true), Some(false)));
        assert_eq!(group.lb_type, Some(LoadBalancerType::Nlb));
        assert_eq!(group.backends.as_ref().unwrap()[0].zone.as_deref(), Some("cn-hangzhou-a"));
    }
}
