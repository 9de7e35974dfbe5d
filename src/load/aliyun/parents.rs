//! Request parameters that a response does not repeat, recovered from other responses
//! (formats-api.md §6.3). Only what is certain is recovered.

use std::collections::{BTreeMap, BTreeSet};

use super::fingerprints::Fingerprint;
use super::pluck;
use crate::topology::{Draft, Id, RouteTableScope};

/// True when the call needs a parameter that neither the request nor the response tells.
pub(crate) fn is_lost(print: &Fingerprint, params: &BTreeMap<String, String>) -> bool {
    print.lost.iter().any(|name| !params.contains_key(*name))
}

/// Recovers the lost parameters of a body from its rows and from what was read already.
pub(crate) fn recover(
    print: &Fingerprint,
    body: &str,
    draft: &Draft,
) -> Option<(&'static str, String)> {
    let list = print.lists.first()?;
    let values = |key: &str| pluck::values(body, list, key);
    let (name, found) = match print.api {
        "DescribeIpv6EgressOnlyRules" => {
            ("Ipv6GatewayId", ipv6_gateways(&values("InstanceId"), draft))
        }
        "ListGatewayRouteTableEntries" => ("GatewayRouteTableId", gateway_tables(draft)),
        "DescribeVServerGroups" => {
            ("LoadBalancerId", load_balancers(&values("VServerGroupId"), draft))
        }
        "DescribeMasterSlaveServerGroups" => {
            ("LoadBalancerId", load_balancers(&values("MasterSlaveServerGroupId"), draft))
        }
        "ListVpcEndpointZones" => {
            let by_domain = endpoints_of_domains(&values("ZoneDomain"), &values("ZoneId"));
            let found = if by_domain.is_empty() {
                endpoints_of_enis(&values("EniId"), draft)
            } else {
                by_domain
            };
            ("EndpointId", found)
        }
        "ListVpcEndpointServiceResources" => {
            ("ServiceId", services_of_resources(&values("ResourceId"), draft))
        }
        "ListVpcEndpointServiceUsers" => ("ServiceId", own_services(draft)),
        _ => return None,
    };
    match found.into_iter().collect::<Vec<_>>().as_slice() {
        [only] => Some((name, only.clone())),
        _ => None,
    }
}

fn ipv6_gateways(addresses: &BTreeSet<String>, draft: &Draft) -> BTreeSet<String> {
    draft
        .ipv6_addresses
        .iter()
        .filter(|address| addresses.contains(address.meta.id.as_str()))
        .filter_map(|address| Some(address.gateway.as_ref()?.to_string()))
        .collect()
}

fn gateway_tables(draft: &Draft) -> BTreeSet<String> {
    draft
        .route_tables
        .iter()
        .filter(|table| table.scope == Some(RouteTableScope::Gateway))
        .map(|table| table.meta.id.to_string())
        .collect()
}

fn load_balancers(groups: &BTreeSet<String>, draft: &Draft) -> BTreeSet<String> {
    draft
        .server_groups
        .iter()
        .filter(|group| groups.contains(group.meta.id.as_str()))
        .filter_map(|group| Some(group.load_balancer.as_ref()?.to_string()))
        .collect()
}

/// A zone domain is `<endpoint>-<zone>.<service>.<region>…`.
fn endpoints_of_domains(domains: &BTreeSet<String>, zones: &BTreeSet<String>) -> BTreeSet<String> {
    domains
        .iter()
        .filter_map(|domain| {
            let label = domain.split('.').next()?;
            zones.iter().find_map(|zone| label.strip_suffix(zone.as_str())?.strip_suffix('-'))
        })
        .filter(|endpoint| !endpoint.is_empty())
        .map(str::to_owned)
        .collect()
}

fn endpoints_of_enis(enis: &BTreeSet<String>, draft: &Draft) -> BTreeSet<String> {
    connections(draft, |zone| zone.eni.as_ref().is_some_and(|eni| enis.contains(eni.as_str())))
        .filter_map(|connection| Some(connection.endpoint.as_ref()?.to_string()))
        .collect()
}

fn services_of_resources(resources: &BTreeSet<String>, draft: &Draft) -> BTreeSet<String> {
    connections(draft, |zone| {
        zone.resource.as_ref().is_some_and(|id| resources.contains(id.as_str()))
    })
    .filter_map(|connection| Some(connection.service.as_ref()?.to_string()))
    .collect()
}

fn connections(
    draft: &Draft,
    zone: impl Fn(&crate::topology::EndpointZone) -> bool,
) -> impl Iterator<Item = &crate::topology::EndpointConnection> {
    draft
        .endpoint_connections
        .iter()
        .filter(move |c| c.zones.as_ref().is_some_and(|zones| zones.iter().any(&zone)))
}

fn own_services(draft: &Draft) -> BTreeSet<String> {
    let ids: BTreeSet<&Id> = draft
        .endpoint_services
        .iter()
        .filter(|service| service.consumer_view != Some(true))
        .map(|service| &service.meta.id)
        .collect();
    ids.into_iter().map(Id::to_string).collect()
}
