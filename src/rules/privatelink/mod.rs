//! PrivateLink: whether an endpoint gets through to its service.

mod connection;
mod groups;
mod resource;
mod whitelist;

pub(super) use connection::EndpointNotConnected;
pub(super) use groups::EndpointWithoutSg;
pub(super) use resource::{ResourceNotEligible, ResourceWithoutListener, ServiceWithoutResource};
pub(super) use whitelist::ConsumerNotWhitelisted;

use super::context::Context;
use super::finding::Unknown;
use crate::topology::{Endpoint, EndpointService};

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
