//! ALB: instances, listeners and forwarding rules (formats-api.md §4.6).

use super::Api;
use super::shared::{as_detail, ids, lost, parent, row};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Object, Scalar};
use crate::topology::{
    AclType, AddrValue, AddressType, BalancerZone, ForwardingRule, Id, Listener, ListenerProtocol,
    Listing, LoadBalancer, LoadBalancerType, Source, Text,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "alb",
        name: "ListLoadBalancers",
        listing: Listing::AlbInstances,
        read: load_balancers,
    },
    Api {
        product: "alb",
        name: "GetLoadBalancerAttribute",
        listing: Listing::AlbAttributes,
        read: load_balancer_attribute,
    },
    Api { product: "alb", name: "ListListeners", listing: Listing::AlbListeners, read: listeners },
    Api {
        product: "alb",
        name: "GetListenerAttribute",
        listing: Listing::AlbListenerAttributes,
        read: listener_attribute,
    },
    Api { product: "alb", name: "ListRules", listing: Listing::AlbRules, read: rules },
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
        load_balancer_status: Scalar<'a>,
        // the cloud's spelling (formats-api.md Q20)
        #[serde(alias = "LoadBalancerBusinessStatus")]
        load_balancer_bussiness_status: Scalar<'a>,
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
        address: Scalar<'a>,
        intranet_address: Scalar<'a>,
        ipv6_address: Scalar<'a>,
        allocation_id: Scalar<'a>,
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
        business_status: row.load_balancer_bussiness_status.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut balancer.meta, source, &common);
    balancer.meta.tags = tags(&row.tags);
    balancer.lb_type = Some(LoadBalancerType::Alb);
    balancer.address_type = row.address_type.as_str().map(AddressType::from_text);
    balancer.ip_version = row.address_ip_version.text();
    balancer.vpc = row.vpc_id.stated_id();
    balancer.security_groups = ids(&row.security_group_ids);
    balancer.pay_type = row.load_balancer_billing_config.get().and_then(|b| b.pay_type.text());
    let ipv6_type = row.ipv6_address_type.as_str().map(AddressType::from_text);
    balancer.zones =
        row.zone_mappings.stated_some(|zone| self::zone(zone, &balancer, ipv6_type.as_ref(), cx));
    balancer
}

/// A zone with its addresses. `Address` is the public or the private one, as the load balancer's
/// address type says.
fn zone(
    row: &ZoneRow<'_>,
    balancer: &LoadBalancer,
    ipv6_type: Option<&AddressType>,
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
    let is_public = |of: Option<&AddressType>| of == Some(&AddressType::Internet);
    for address in &row.load_balancer_addresses {
        let stated = [
            (&address.address, is_public(balancer.address_type.as_ref())),
            (&address.intranet_address, false),
            (&address.ipv6_address, is_public(ipv6_type)),
        ];
        for (text, public) in stated {
            let Some(text) = text.as_str() else { continue };
            let ips = if public { &mut zone.public_ips } else { &mut zone.private_ips };
            push_new(ips, cx.addr(balancer, "zones", text));
        }
        zone.eips.extend(address.allocation_id.id());
        let locals = address.ipv4_local_addresses.iter().chain(&address.ipv6_local_addresses);
        for text in locals.filter_map(Scalar::as_str) {
            push_new(&mut zone.local_ips, cx.addr(balancer, "zones", text));
        }
    }
    Some(zone)
}

/// Adds an address unless it is there: a private ALB prints its address twice.
fn push_new(ips: &mut Vec<AddrValue>, ip: AddrValue) {
    if !ips.contains(&ip) {
        ips.push(ip);
    }
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
        listener_protocol: Scalar<'a>,
        listener_status: Scalar<'a>,
        default_actions: List<ActionRow<'a>>,
        acl_config: Object<AclConfigRow<'a>>,
        tags: List<Tag<'a>>,
    }
}

row! {
    ActionRow<'a> {
        forward_group_config: Object<ForwardRow<'a>>,
    }
}

row! {
    ForwardRow<'a> {
        server_group_tuples: List<TupleRow<'a>>,
    }
}

row! {
    TupleRow<'a> {
        server_group_id: Scalar<'a>,
    }
}

row! {
    AclConfigRow<'a> {
        acl_type: Scalar<'a>,
        acl_relations: List<AclRelationRow<'a>>,
    }
}

row! {
    AclRelationRow<'a> {
        acl_id: Scalar<'a>,
    }
}

/// The server groups that actions send to; other actions (redirect, fixed response) have none.
fn forward_groups(actions: &List<ActionRow<'_>>) -> Option<Vec<Id>> {
    actions.is_stated().then(|| {
        let forwards = actions.iter().filter_map(|action| action.forward_group_config.get());
        let tuples = forwards.flat_map(|forward| &forward.server_group_tuples);
        tuples.filter_map(|tuple| tuple.server_group_id.id()).collect()
    })
}

fn listeners(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: ListenersBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Listeners", &body.listeners);
    cx.count(&body.listeners);
    for (n, row) in body.listeners.iter().enumerate() {
        let Some(id) = row.listener_id.id() else { continue };
        let listener = listener(id, row, sources.at(n), cx);
        cx.add(listener);
    }
    Ok(())
}

fn listener_attribute(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let row: ListenerRow<'_> = serde_json::from_str(body)?;
    cx.rows = 1;
    let Some(id) = parent(cx, &row.listener_id, "ListenerId") else {
        lost(cx, 1, "ListenerId");
        return Ok(());
    };
    let mut listener = listener(id, &row, cx.source(""), cx);
    as_detail(&mut listener.meta);
    // only the detail call speaks of access lists, and leaves the object out where there is none
    let config = row.acl_config.get();
    let lists: Vec<Id> =
        config.iter().flat_map(|c| &c.acl_relations).filter_map(|r| r.acl_id.id()).collect();
    listener.acl_enabled = Some(!lists.is_empty());
    listener.acl_type = config.and_then(|c| c.acl_type.as_str()).map(AclType::from_text);
    listener.access_lists = Some(lists);
    cx.add(listener);
    Ok(())
}

fn listener(id: Id, row: &ListenerRow<'_>, source: Source, cx: &mut ReadContext<'_>) -> Listener {
    let mut listener = Listener::new(id);
    let common = Common {
        name: row.listener_description.clone(),
        status: row.listener_status.clone(),
        ..Common::default()
    };
    cx.fill(&mut listener.meta, source, &common);
    listener.meta.tags = tags(&row.tags);
    listener.load_balancer = row.load_balancer_id.id();
    listener.port = row.listener_port.number();
    listener.protocol = row.listener_protocol.as_str().map(ListenerProtocol::from_text);
    listener.server_groups = forward_groups(&row.default_actions);
    listener
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
        rule_status: Scalar<'a>,
        listener_id: Scalar<'a>,
        load_balancer_id: Scalar<'a>,
        priority: Scalar<'a>,
        rule_actions: List<ActionRow<'a>>,
        rule_conditions: List<ConditionRow<'a>>,
        tags: List<Tag<'a>>,
    }
}

row! {
    ConditionRow<'a> {
        host_config: Object<ValuesRow<'a>>,
        path_config: Object<ValuesRow<'a>>,
    }
}

row! {
    ValuesRow<'a> {
        values: List<Scalar<'a>>,
    }
}

fn rules(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: RulesBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Rules", &body.rules);
    cx.count(&body.rules);
    for (n, row) in body.rules.iter().enumerate() {
        let Some(id) = row.rule_id.id() else { continue };
        let mut rule = ForwardingRule::new(id);
        let common = Common {
            name: row.rule_name.clone(),
            status: row.rule_status.clone(),
            ..Common::default()
        };
        cx.fill(&mut rule.meta, sources.at(n), &common);
        rule.meta.tags = tags(&row.tags);
        rule.listener = row.listener_id.id();
        rule.load_balancer = row.load_balancer_id.id();
        rule.priority = row.priority.number();
        rule.server_groups = forward_groups(&row.rule_actions);
        rule.domain = joined(&row.rule_conditions, |condition| &condition.host_config);
        rule.url = joined(&row.rule_conditions, |condition| &condition.path_config);
        cx.add(rule);
    }
    Ok(())
}

/// The values of one kind of condition, joined by commas.
fn joined<'r, 'a: 'r>(
    conditions: &'r List<ConditionRow<'a>>,
    of: impl Fn(&'r ConditionRow<'a>) -> &'r Object<ValuesRow<'a>>,
) -> Option<Text> {
    let configs = conditions.iter().filter_map(|condition| of(condition).get());
    let values: Vec<_> =
        configs.flat_map(|config| &config.values).filter_map(Scalar::as_str).collect();
    (!values.is_empty()).then(|| Text::from(values.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::aliyun::read::testing::{read, read_all};

    fn texts<T: ToString>(values: &[T]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn zones_come_from_the_detail_call() {
        let listing = r#"{"LoadBalancers":[{"LoadBalancerId":"alb-1","LoadBalancerName":"front",
            "AddressType":"Internet","LoadBalancerStatus":"Active","LoadBalancerBussinessStatus":"Abnormal",
            "VpcId":"vpc-1","SecurityGroupIds":[]}]}"#;
        let detail = r#"{"LoadBalancerId":"alb-1","AddressType":"Internet","RegionId":"cn-hangzhou",
            "ZoneMappings":[{"ZoneId":"cn-hangzhou-a","VSwitchId":"vsw-1","LoadBalancerAddresses":[
              {"Address":"203.0.113.7","IntranetAddress":"10.0.0.7","AllocationId":"eip-1",
               "Ipv4LocalAddresses":["10.0.0.8","10.0.0.9"]}]}]}"#;
        let (topology, _) = read_all(&[
            ("alb", "GetLoadBalancerAttribute", detail, &[]),
            ("alb", "ListLoadBalancers", listing, &[]),
        ]);
        assert!(topology.conflicts.is_empty());
        let balancer = topology.load_balancers.get("alb-1").unwrap();
        assert_eq!(balancer.lb_type, Some(LoadBalancerType::Alb));
        assert_eq!(balancer.meta.business_status.as_deref(), Some("Abnormal"));
        assert_eq!(balancer.meta.source.as_ref().unwrap().pointer(), "/LoadBalancers/0");
        let zone = &balancer.zones.as_ref().unwrap()[0];
        assert_eq!(texts(&zone.public_ips), ["203.0.113.7"]);
        assert_eq!(texts(&zone.private_ips), ["10.0.0.7"]);
        assert_eq!(texts(&zone.local_ips), ["10.0.0.8", "10.0.0.9"]);
        assert_eq!(texts(&zone.eips), ["eip-1"]);
        let private = detail.replace("Internet", "Intranet").replace("203.0.113.7", "10.0.0.7");
        let (topology, _) = read("alb", "GetLoadBalancerAttribute", &private, &[]);
        let balancer = topology.load_balancers.get("alb-1").unwrap();
        let zone = &balancer.zones.as_ref().unwrap()[0];
        assert_eq!((texts(&zone.private_ips).len(), zone.public_ips.len()), (1, 0));
    }

    #[test]
    fn listeners_and_rules_name_their_groups() {
        let action = r#"{"Type":"ForwardGroup","ForwardGroupConfig":{"ServerGroupTuples":[{"ServerGroupId":"sgp-1"}]}}"#;
        let listing = format!(
            r#"{{"Listeners":[{{"ListenerId":"lsn-1","LoadBalancerId":"alb-1","ListenerPort":443,
            "ListenerProtocol":"HTTPS","ListenerStatus":"Running","DefaultActions":[{action}]}}]}}"#
        );
        let detail = r#"{"ListenerId":"lsn-1","AclConfig":{"AclType":"White","AclRelations":[
            {"AclId":"nacl-1","Status":"Associated"}]}}"#;
        let rules = format!(
            r#"{{"Rules":[{{"RuleId":"rule-1","ListenerId":"lsn-1","LoadBalancerId":"alb-1","Priority":"3",
            "RuleActions":[{action},{{"Type":"Redirect","ForwardGroupConfig":{{}}}}],
            "RuleConditions":[{{"Type":"Host","HostConfig":{{"Values":["a.example.com","b.example.com"]}}}}]}}]}}"#
        );
        let (topology, _) = read_all(&[
            ("alb", "GetListenerAttribute", detail, &[]),
            ("alb", "ListListeners", &listing, &[]),
            ("alb", "ListRules", &rules, &[]),
        ]);
        let listener = topology.listeners.get("lsn-1").unwrap();
        assert_eq!(texts(listener.server_groups.as_ref().unwrap()), ["sgp-1"]);
        assert_eq!((listener.acl_enabled, listener.port), (Some(true), Some(443)));
        assert_eq!(listener.acl_type, Some(AclType::White));
        let rule = topology.forwarding_rules.get("rule-1").unwrap();
        assert_eq!(rule.domain.as_deref(), Some("a.example.com,b.example.com"));
        assert_eq!((rule.priority, rule.url.as_deref()), (Some(3), None));
        assert_eq!(texts(rule.server_groups.as_ref().unwrap()), ["sgp-1"]);
        let (topology, _) = read("alb", "GetListenerAttribute", r#"{"ListenerId":"lsn-2"}"#, &[]);
        assert_eq!(topology.listeners.get("lsn-2").unwrap().acl_enabled, Some(false));
    }
}
