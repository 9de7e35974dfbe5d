//! PrivateLink: whether an endpoint gets through to its service.

mod acl;
mod connection;
mod filter;
mod groups;
mod path;
mod resource;
mod whitelist;

pub(super) use acl::EndpointPathBlockedByAcl;
pub(super) use connection::EndpointNotConnected;
pub(super) use filter::EndpointSgBlocksListener;
pub(super) use groups::EndpointWithoutSg;
pub(super) use path::PrivatelinkPathBroken;
pub(super) use resource::{ResourceNotEligible, ResourceWithoutListener, ServiceWithoutResource};
pub(super) use whitelist::ConsumerNotWhitelisted;

use super::balancer::{listener_listing, runs};
use super::context::Context;
use super::facts::load_balancer;
use super::finding::Unknown;
use crate::packet::Protocol;
use crate::topology::{
    Endpoint, EndpointService, EndpointType, Id, Listener, ListenerProtocol, Listing,
    LoadBalancerType, Resource, Scope,
};

/// The service of an endpoint, by id or by service name. Services of other accounts are usually not
/// in the input.
pub(super) fn service_of<'a>(
    cx: &Context<'a>,
    endpoint: &Endpoint,
) -> Result<&'a EndpointService, Unknown> {
    let services = &cx.topology.endpoint_services;
    let by_id = endpoint.service.as_ref().and_then(|id| services.get(id));
    let by_name = || {
        let name = endpoint.service_name.as_ref()?;
        services.iter().find(|s| s.service_name.as_ref() == Some(name))
    };
    by_id.or_else(by_name).ok_or_else(|| {
        let name = endpoint.service.as_deref().or(endpoint.service_name.as_deref());
        Unknown::of(match name {
            Some(name) => format!("endpoint service {name} (not in the input)"),
            None => format!("endpoint service of {} (not stated)", endpoint.meta.id),
        })
    })
}

/// A listener that clients of an endpoint can ask for.
struct Asked<'a> {
    listener: &'a Listener,
    protocol: Protocol,
    port: u16,
}

/// Interface endpoints: the others take no connections of clients (access.md §4.6).
fn interfaces<'a>(cx: &Context<'a>) -> impl Iterator<Item = &'a Endpoint> {
    let other = |t: &EndpointType| *t != EndpointType::Interface;
    cx.topology.endpoints.iter().filter(move |e| !e.endpoint_type.as_ref().is_some_and(other))
}

/// The VPC of an endpoint, its own statement or that of a vSwitch in which it has an ENI.
fn vpc_of<'a>(cx: &Context<'a>, endpoint: &'a Endpoint) -> Result<&'a Id, Unknown> {
    let of_zone = || {
        let zones = endpoint.zones.iter().flatten();
        zones
            .filter_map(|zone| cx.topology.vswitches.get(zone.vswitch.as_ref()?))
            .find_map(|vswitch| vswitch.vpc.as_ref())
    };
    let missing = || Unknown::of(format!("VPC of {} (not stated)", endpoint.id()));
    endpoint.vpc.as_ref().or_else(of_zone).ok_or_else(missing)
}

/// The listeners behind an endpoint that run. A port of the endpoint is a port of the load
/// balancer (access.md §4.6 step 4).
fn asked<'a>(cx: &Context<'a>, endpoint: &Endpoint) -> Result<Vec<Asked<'a>>, Unknown> {
    let service = service_of(cx, endpoint)?;
    let Some(resources) = &service.resources else {
        let scope = Scope::around(&service.meta).with_parent(service.id());
        cx.need(Listing::EndpointServiceResources, &scope)?;
        return Err(Unknown::of(format!("resources of {} (not stated)", service.id())));
    };
    let mut out: Vec<Asked<'_>> = Vec::new();
    for resource in resources {
        let lb = load_balancer(cx, &resource.resource)?;
        if let Some(listing) = listener_listing(lb)? {
            cx.need(listing, &Scope::around(&lb.meta))?;
        }
        let of_lb = |l: &&Listener| l.load_balancer.as_ref() == Some(lb.id());
        for listener in cx.topology.listeners.iter().filter(of_lb) {
            // PrivateLink does not reach TCPSSL listeners of an NLB
            let tls = listener.protocol == Some(ListenerProtocol::TcpSsl);
            if runs(listener) == Some(false) || (tls && lb.lb_type == Some(LoadBalancerType::Nlb)) {
                continue;
            }
            let missing =
                |what: &str| Unknown::of(format!("{what} of {} (not stated)", listener.id()));
            let port = listener.port.ok_or_else(|| missing("port"))?;
            let protocol = match &listener.protocol {
                Some(ListenerProtocol::Udp | ListenerProtocol::Quic) => Protocol::Udp,
                Some(ListenerProtocol::Other(_)) | None => return Err(missing("protocol")),
                Some(_) => Protocol::Tcp,
            };
            // load balancers of several zones have the same listeners
            if !out.iter().any(|a| a.protocol == protocol && a.port == port) {
                out.push(Asked { listener, protocol, port });
            }
        }
    }
    Ok(out)
}

/// What is missing to know all hosts of the region: without it nobody knows who the clients are.
fn no_clients(cx: &Context<'_>, endpoint: &Endpoint) -> Result<(), Unknown> {
    let scope = Scope::around(&endpoint.meta);
    cx.need(Listing::Instances, &scope)?;
    cx.need(Listing::Enis, &scope)
}
