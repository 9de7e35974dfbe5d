//! What a target offers by itself, when the user names no port.

use super::Flows;
use crate::packet::Protocol;
use crate::policy::resolve::Item;
use crate::policy::selector::{Ask, SelectorError};
use crate::topology::{Endpoint, Id, Listener, ListenerProtocol, Resource};

impl<'a> Flows<'_, 'a> {
    /// What a target offers by itself: the listeners of a load balancer, also behind an endpoint.
    pub(super) fn offered(&self, item: Item) -> Result<Vec<Ask>, SelectorError> {
        let t = self.resolver.topology;
        let balancers: Vec<&Id> = match item {
            Item::Balancer(n) => {
                t.load_balancers.as_slice().get(n).map(Resource::id).into_iter().collect()
            }
            Item::Endpoint(n) => {
                let endpoint = t.endpoints.as_slice().get(n);
                endpoint.map(|ep| self.behind(ep)).unwrap_or_default()
            }
            Item::Service(n) => {
                let service = t.endpoint_services.as_slice().get(n);
                let resources = service.into_iter().flat_map(|s| s.resources.iter().flatten());
                resources.map(|r| &r.resource).collect()
            }
            _ => {
                return Err(SelectorError::new("the target lacks a port")
                    .help("write `--to SEL:443`, `--to SEL:53/udp` or `--to SEL/icmp`"));
            }
        };
        let of = |listener: &&Listener| {
            listener.load_balancer.as_ref().is_some_and(|id| balancers.contains(&id))
        };
        let mut asks: Vec<Ask> = Vec::new();
        for listener in t.listeners.iter().filter(of) {
            let protocol = match &listener.protocol {
                Some(ListenerProtocol::Udp | ListenerProtocol::Quic) => Protocol::Udp,
                _ => Protocol::Tcp,
            };
            let ask = Ask { protocol, port: listener.port };
            if listener.port.is_some() && !asks.contains(&ask) {
                asks.push(ask);
            }
        }
        asks.sort_by_key(|ask| (ask.port, ask.protocol));
        if asks.is_empty() {
            let what = self.reference(item).map(|r| r.to_string()).unwrap_or_default();
            return Err(SelectorError::new(format!("the input has no listener of {what}"))
                .help("say which port: `--to SEL:443`"));
        }
        Ok(asks)
    }

    /// Load balancers behind an endpoint.
    fn behind(&self, endpoint: &Endpoint) -> Vec<&'a Id> {
        let services = self.resolver.topology.endpoint_services.iter();
        services
            .filter(|service| {
                endpoint.service.as_ref() == Some(service.id())
                    || (service.service_name.is_some()
                        && endpoint.service_name == service.service_name)
            })
            .flat_map(|service| service.resources.iter().flatten())
            .map(|resource| &resource.resource)
            .collect()
    }
}
