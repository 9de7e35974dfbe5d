//! CLB instances, listeners, forwarding rules and health (formats-api.md §4.5, access.md §3).

use super::Api;
use super::shared::{Groups, as_detail, ids, lost, parent, row};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Object, Scalar};
use crate::topology::{
    AclType, AddressType, Backend, BackendHealth, BackendType, ForwardingRule, Id, Listener,
    ListenerProtocol, Listing, LoadBalancer, LoadBalancerType, NetworkType, Resource, Source, Text,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "slb",
        name: "DescribeLoadBalancers",
        listing: Listing::ClbInstances,
        read: load_balancers,
    },
    Api {
        product: "slb",
        name: "DescribeLoadBalancerAttribute",
        listing: Listing::ClbAttributes,
        read: load_balancer_attribute,
    },
    Api {
        product: "slb",
        name: "DescribeLoadBalancerListeners",
        listing: Listing::ClbListeners,
        read: listeners,
    },
    Api { product: "slb", name: "DescribeRules", listing: Listing::ClbRules, read: rules },
    Api { product: "slb", name: "DescribeHealthStatus", listing: Listing::ClbHealth, read: health },
];

/// Id of a CLB's listener; the cloud gives it none. A port can be in use once per transport protocol.
fn listener_id(load_balancer: &Id, port: u16, protocol: &str) -> Id {
    Id::from(format!("{load_balancer}:{port}/{}", protocol.to_ascii_lowercase()))
}

row! {
    LoadBalancersBody<'a> {
        load_balancers: List<LoadBalancerRow<'a>>,
    }
}

row! {
    LoadBalancerRow<'a> {
        load_balancer_id: Scalar<'a>,
        load_balancer_name: Scalar<'a>,
        address: Scalar<'a>,
        address_type: Scalar<'a>,
        #[serde(rename = "AddressIPVersion")]
        address_ip_version: Scalar<'a>,
        network_type: Scalar<'a>,
        vpc_id: Scalar<'a>,
        v_switch_id: Scalar<'a>,
        master_zone_id: Scalar<'a>,
        slave_zone_id: Scalar<'a>,
        // a documented sample has the trailing blank (formats-api.md F10)
        #[serde(alias = "LoadBalancerStatus ")]
        load_balancer_status: Scalar<'a>,
        load_balancer_spec: Scalar<'a>,
        pay_type: Scalar<'a>,
        region_id: Scalar<'a>,
        tags: List<Tag<'a>>,
        backend_servers: List<ServerRow<'a>>,
        listener_ports_and_protocol: List<PortRow<'a>>,
        listener_ports_and_protocal: List<PortRow<'a>>,
    }
}

row! {
    PortRow<'a> {
        listener_port: Scalar<'a>,
        #[serde(alias = "ListenerProtocal")]
        listener_protocol: Scalar<'a>,
        listener_forward: Scalar<'a>,
        forward_port: Scalar<'a>,
    }
}

row! {
    /// A server of the default group, a server group or a master/slave group.
    ServerRow<'a> {
        server_id: Scalar<'a>,
        server_ip: Scalar<'a>,
        #[serde(rename = "Type")]
        server_kind: Scalar<'a>,
        /// Role in a master/slave group.
        server_type: Scalar<'a>,
        port: Scalar<'a>,
        weight: Scalar<'a>,
    }
}

/// Reads a server of a CLB.
pub(super) fn backend(
    row: &ServerRow<'_>,
    of: &dyn Resource,
    field: &'static str,
    cx: &mut ReadContext<'_>,
) -> Backend {
    Backend {
        server: row.server_id.id(),
        backend_type: row.server_kind.as_str().map(BackendType::from_text),
        address: row.server_ip.as_str().map(|text| cx.addr(of, field, text)),
        port: row.port.number(),
        weight: row.weight.number(),
        role: row.server_type.text(),
        zone: None,
        status: None,
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
    let mut balancer = load_balancer(id.clone(), &row, cx.source(""), cx);
    as_detail(&mut balancer.meta);
    balancer.default_backends =
        row.backend_servers.stated(|server| backend(server, &balancer, "default_backends", cx));
    cx.add(balancer);

    // the list stands twice in the body, once under a misspelt name (formats-api.md Q20)
    let (pointer, ports) = if row.listener_ports_and_protocol.is_stated() {
        ("/ListenerPortsAndProtocol", &row.listener_ports_and_protocol)
    } else {
        ("/ListenerPortsAndProtocal", &row.listener_ports_and_protocal)
    };
    let sources = cx.sources(pointer, ports);
    for (n, port) in ports.iter().enumerate() {
        let Some(mut listener) = listener(&id, &port.listener_port, &port.listener_protocol) else {
            continue;
        };
        let common = Common { region: row.region_id.clone(), ..Common::default() };
        cx.fill(&mut listener.meta, sources.at(n), &common);
        as_detail(&mut listener.meta);
        listener.redirect_to = redirect(&port.listener_forward, &port.forward_port);
        cx.add(listener);
    }
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
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut balancer.meta, source, &common);
    balancer.meta.tags = tags(&row.tags);
    balancer.lb_type = Some(LoadBalancerType::Clb);
    balancer.address_type = row.address_type.as_str().map(AddressType::from_text);
    balancer.address = row.address.as_str().map(|text| cx.addr(&balancer, "address", text));
    balancer.ip_version = row.address_ip_version.text();
    balancer.network = row.network_type.as_str().map(NetworkType::from_text);
    balancer.vpc = row.vpc_id.stated_id();
    balancer.vswitch = row.v_switch_id.stated_id();
    balancer.master_zone = row.master_zone_id.text();
    balancer.slave_zone = row.slave_zone_id.stated_text();
    // an empty flavour is the shared one (access.md §3.1)
    balancer.spec = row
        .load_balancer_spec
        .is_stated()
        .then(|| row.load_balancer_spec.text().unwrap_or_else(|| Text::from("")));
    balancer.pay_type = row.pay_type.text();
    balancer
}

/// A listener of which only the key is known.
fn listener(load_balancer: &Id, port: &Scalar<'_>, protocol: &Scalar<'_>) -> Option<Listener> {
    let port: u16 = port.number()?;
    let protocol = protocol.as_str()?;
    let mut listener = Listener::new(listener_id(load_balancer, port, protocol));
    listener.load_balancer = Some(load_balancer.clone());
    listener.port = Some(port);
    listener.protocol = Some(ListenerProtocol::from_text(protocol));
    Some(listener)
}

/// The port that a listener with `ListenerForward` on redirects to.
fn redirect(forward: &Scalar<'_>, port: &Scalar<'_>) -> Option<u16> {
    if forward.bool() == Some(true) { port.number() } else { None }
}

row! {
    ListenersBody<'a> {
        listeners: List<ListenerRow<'a>>,
    }
}

row! {
    ListenerRow<'a> {
        load_balancer_id: Scalar<'a>,
        listener_port: Scalar<'a>,
        listener_protocol: Scalar<'a>,
        description: Scalar<'a>,
        status: Scalar<'a>,
        backend_server_port: Scalar<'a>,
        v_server_group_id: Scalar<'a>,
        acl_status: Scalar<'a>,
        acl_type: Scalar<'a>,
        acl_id: Scalar<'a>,
        acl_ids: List<Scalar<'a>>,
        #[serde(rename = "TCPListenerConfig")]
        tcp: Object<ConfigRow<'a>>,
        #[serde(rename = "UDPListenerConfig")]
        udp: Object<ConfigRow<'a>>,
        #[serde(rename = "HTTPListenerConfig")]
        http: Object<ConfigRow<'a>>,
        tags: List<Tag<'a>>,
    }
}

row! {
    ConfigRow<'a> {
        master_slave_server_group_id: Scalar<'a>,
        forward_port: Scalar<'a>,
        listener_forward: Scalar<'a>,
    }
}

fn listeners(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: ListenersBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Listeners", &body.listeners);
    cx.count(&body.listeners);
    let mut orphans = 0;
    for (n, row) in body.listeners.iter().enumerate() {
        let Some(balancer) = parent(cx, &row.load_balancer_id, "LoadBalancerId") else {
            orphans += 1;
            continue;
        };
        let Some(mut listener) = listener(&balancer, &row.listener_port, &row.listener_protocol)
        else {
            continue;
        };
        let common = Common {
            name: row.description.clone(),
            status: row.status.clone(),
            ..Common::default()
        };
        cx.fill(&mut listener.meta, sources.at(n), &common);
        listener.meta.tags = tags(&row.tags);
        listener.backend_port = row.backend_server_port.number();
        listener.server_groups = Some(server_groups(row));
        listener.acl_enabled = row.acl_status.bool();
        listener.acl_type = row.acl_type.as_str().map(AclType::from_text);
        listener.access_lists = ids(&row.acl_ids)
            .filter(|lists| !lists.is_empty())
            .or_else(|| row.acl_id.is_stated().then(|| row.acl_id.id().into_iter().collect()))
            .or_else(|| ids(&row.acl_ids));
        if let Some(http) = row.http.get() {
            listener.redirect_to = redirect(&http.listener_forward, &http.forward_port);
        }
        cx.add(listener);
    }
    lost(cx, orphans, "LoadBalancerId");
    Ok(())
}

/// The group that a listener sends to; none named means the default group (access.md §3.2).
fn server_groups(row: &ListenerRow<'_>) -> Vec<Id> {
    let configs = [row.tcp.get(), row.udp.get()];
    let pair = configs.into_iter().flatten().find_map(|c| c.master_slave_server_group_id.id());
    row.v_server_group_id.id().or(pair).into_iter().collect()
}

row! {
    RulesBody<'a> {
        rules: List<RuleRow<'a>>,
    }
}

row! {
    RuleRow<'a> {
        rule_id: Scalar<'a>,
        rule_name: Scalar<'a>,
        domain: Scalar<'a>,
        url: Scalar<'a>,
        v_server_group_id: Scalar<'a>,
    }
}

fn rules(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: RulesBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Rules", &body.rules);
    cx.count(&body.rules);
    let balancer = parent(cx, &Scalar::Absent, "LoadBalancerId");
    let port: Option<u16> = cx.param("ListenerPort").and_then(|port| port.trim().parse().ok());
    if balancer.is_none() || port.is_none() {
        lost(cx, body.rules.len(), "LoadBalancerId,ListenerPort");
        return Ok(());
    }
    // the protocol is an optional parameter; without it the rule is found by its port
    let listener = match (&balancer, port, cx.param("ListenerProtocol")) {
        (Some(balancer), Some(port), Some(protocol)) => {
            Some(listener_id(balancer, port, protocol.trim()))
        }
        _ => None,
    };
    for (n, row) in body.rules.iter().enumerate() {
        let Some(id) = row.rule_id.id() else { continue };
        let mut rule = ForwardingRule::new(id);
        let common = Common { name: row.rule_name.clone(), ..Common::default() };
        cx.fill(&mut rule.meta, sources.at(n), &common);
        rule.listener.clone_from(&listener);
        rule.load_balancer.clone_from(&balancer);
        rule.listener_port = port;
        rule.server_groups = row
            .v_server_group_id
            .is_stated()
            .then(|| row.v_server_group_id.id().into_iter().collect());
        rule.domain = row.domain.text();
        rule.url = row.url.text();
        cx.add(rule);
    }
    Ok(())
}

row! {
    HealthBody<'a> {
        load_balancer_id: Scalar<'a>,
        backend_servers: List<HealthRow<'a>>,
    }
}

row! {
    HealthRow<'a> {
        listener_port: Scalar<'a>,
        protocol: Scalar<'a>,
        port: Scalar<'a>,
        server_id: Scalar<'a>,
        server_health_status: Scalar<'a>,
    }
}

fn health(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: HealthBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/BackendServers", &body.backend_servers);
    cx.count(&body.backend_servers);
    let Some(balancer) = parent(cx, &body.load_balancer_id, "LoadBalancerId") else {
        lost(cx, body.backend_servers.len(), "LoadBalancerId");
        return Ok(());
    };
    let asked = |name| cx.param(name).map(str::trim).filter(|text| !text.is_empty());
    let asked = (asked("ListenerPort"), asked("ListenerProtocol"));
    let mut listeners: Groups<BackendHealth> = Groups::new();
    let mut orphans = 0;
    for (n, row) in body.backend_servers.iter().enumerate() {
        // old bodies leave out the listener, which is then that of the request, if it names one
        let port = row.listener_port.as_str().or(asked.0);
        let port: Option<u16> = port.and_then(|port| port.parse().ok());
        let protocol = row.protocol.as_str().or(asked.1);
        let (Some(port), Some(protocol), Some(server)) = (port, protocol, row.server_id.id())
        else {
            orphans += 1;
            continue;
        };
        listeners.of(listener_id(&balancer, port, protocol), n).push(BackendHealth {
            server,
            listener_port: Some(port),
            port: row.port.number(),
            status: row.server_health_status.text(),
        });
    }
    for (id, (n, rows)) in listeners {
        let mut listener = Listener::new(id);
        cx.fill(&mut listener.meta, sources.at(n), &Common::default());
        as_detail(&mut listener.meta);
        listener.load_balancer = Some(balancer.clone());
        listener.health = Some(rows);
        cx.add(listener);
    }
    lost(cx, orphans, "ListenerPort,ListenerProtocol");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::aliyun::read::testing::{read, read_all};

    #[test]
    fn a_load_balancer_joins_listing_and_attribute() {
        let attribute = r#"{"LoadBalancerId":"lb-1","Address":"10.0.0.9","LoadBalancerStatus":"active",
            "BackendServers":{"BackendServer":[{"ServerId":"i-1","ServerIp":"10.0.0.5","Type":"ecs","Weight":"100"}]},
            "ListenerPortsAndProtocal":{"ListenerPortAndProtocal":[{"ListenerPort":80,"ListenerProtocal":"http"}]},
            "ListenerPortsAndProtocol":{"ListenerPortAndProtocol":[{"ListenerPort":80,"ListenerProtocol":"HTTP",
              "ListenerForward":"on","ForwardPort":443}]}}"#;
        let listing = r#"{"LoadBalancers":{"LoadBalancer":[{"LoadBalancerId":"lb-1","Address":"10.0.0.9",
            "AddressType":"intranet","NetworkType":"VPC","VpcId":"vpc-1","VSwitchId":"vsw-1","SlaveZoneId":"",
            "LoadBalancerStatus ":"active","LoadBalancerSpec":"","RegionId":"cn-beijing"},
            {"LoadBalancerId":"lb-2","AddressType":"internet","NetworkType":"classic","VpcId":""}]}}"#;
        let (topology, cx) = read_all(&[
            ("slb", "DescribeLoadBalancerAttribute", attribute, &[]),
            ("slb", "DescribeLoadBalancers", listing, &[]),
        ]);
        assert_eq!(cx.rows, 2);
        let balancer = topology.load_balancers.get("lb-1").unwrap();
        assert_eq!(balancer.network, Some(NetworkType::Vpc));
        assert_eq!(balancer.meta.status.as_deref(), Some("active"));
        assert_eq!((balancer.slave_zone.clone(), balancer.spec.as_deref()), (Some(None), Some("")));
        let server = &balancer.default_backends.as_ref().unwrap()[0];
        assert_eq!((server.server.as_deref(), server.weight), (Some("i-1"), Some(100)));
        let source = balancer.meta.source.as_ref().unwrap();
        assert_eq!(source.pointer(), "/LoadBalancers/LoadBalancer/0");
        assert_eq!(topology.load_balancers.get("lb-2").unwrap().vpc, Some(None));
        let listener = topology.listeners.get("lb-1:80/http").unwrap();
        assert_eq!(listener.redirect_to, Some(443));
    }

    #[test]
    fn listeners_name_groups_and_access_lists() {
        let body = r#"{"Listeners":[
            {"LoadBalancerId":"lb-1","ListenerPort":80,"ListenerProtocol":"TCP","Status":"running",
             "BackendServerPort":8080,"AclStatus":"on","AclType":"white","AclId":"acl-1","AclIds":["acl-1","acl-2"],
             "TCPListenerConfig":{"MasterSlaveServerGroupId":"rsp-1"}},
            {"LoadBalancerId":"lb-1","ListenerPort":"443","ListenerProtocol":"https","AclStatus":"off",
             "TCPListenerConfig":{},"AclId":""}]}"#;
        let (topology, _) = read("slb", "DescribeLoadBalancerListeners", body, &[]);
        let tcp = topology.listeners.get("lb-1:80/tcp").unwrap();
        assert_eq!(tcp.server_groups.as_deref(), Some([Id::from("rsp-1")].as_slice()));
        assert_eq!(tcp.access_lists.as_ref().unwrap().len(), 2);
        assert_eq!((tcp.acl_enabled, tcp.backend_port), (Some(true), Some(8080)));
        assert_eq!(tcp.meta.source.as_ref().unwrap().pointer(), "/Listeners/0");
        let https = topology.listeners.get("lb-1:443/https").unwrap();
        assert_eq!(https.server_groups, Some(Vec::new()), "the default group");
        assert_eq!(https.access_lists, Some(Vec::new()));
        assert_eq!(https.acl_enabled, Some(false));
    }

    #[test]
    fn rules_take_their_listener_from_the_request() {
        let body = r#"{"Rules":{"Rule":[{"RuleId":"rule-1","RuleName":"api","Domain":"a.example.com",
            "Url":"","VServerGroupId":"rsp-1"}]}}"#;
        let params = [("LoadBalancerId", "lb-1"), ("ListenerPort", "80")];
        let (topology, _) = read("slb", "DescribeRules", body, &params);
        let rule = topology.forwarding_rules.get("rule-1").unwrap();
        assert_eq!((rule.listener_port, rule.listener.clone()), (Some(80), None));
        assert_eq!(rule.load_balancer.as_deref(), Some("lb-1"));
        assert_eq!((rule.domain.as_deref(), rule.url.as_deref()), (Some("a.example.com"), None));
        assert_eq!(read("slb", "DescribeRules", body, &[]).1.unattached.len(), 1);
    }

    #[test]
    fn health_joins_over_several_answers() {
        let first = r#"{"BackendServers":{"BackendServer":[{"ListenerPort":80,"Protocol":"TCP","Port":8080,
            "ServerId":"i-1","ServerHealthStatus":"normal"}]}}"#;
        let second = r#"{"BackendServers":{"BackendServer":[{"ServerId":"i-2","ServerHealthStatus":"abnormal"}]}}"#;
        let (topology, _) = read_all(&[
            ("slb", "DescribeHealthStatus", first, &[("LoadBalancerId", "lb-1")]),
            (
                "slb",
                "DescribeHealthStatus",
                second,
                &[("LoadBalancerId", "lb-1"), ("ListenerPort", "80"), ("ListenerProtocol", "tcp")],
            ),
        ]);
        let health = topology.listeners.get("lb-1:80/tcp").unwrap().health.as_ref().unwrap();
        let states: Vec<_> = health.iter().map(|h| (&*h.server, h.status.as_deref())).collect();
        assert_eq!(states, [("i-1", Some("normal")), ("i-2", Some("abnormal"))]);
        let (topology, cx) =
            read("slb", "DescribeHealthStatus", second, &[("LoadBalancerId", "lb-1")]);
        assert!(topology.listeners.is_empty() && cx.unattached.len() == 1);
    }
}
