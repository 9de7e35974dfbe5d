//! PL002: endpoints, or zones of endpoints, that are not connected to their service.

use super::service_of;
use crate::rules::{Case, Context, Draft, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{ConnectionStatus, Endpoint, EndpointZone, Id, Listing, Resource, Scope};

pub(crate) struct EndpointNotConnected;

static META: RuleMeta = RuleMeta {
    id: "PL002",
    name: "endpoint-not-connected",
    summary: "an endpoint and each of its zones are connected to the service",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "endpoint",
            message: "{endpoint} is not connected to {service}: its connection is `{status}`",
            help: "the service side accepts it: `aliyun privatelink EnableVpcEndpointConnection --ServiceId {service_id} --EndpointId {endpoint_id}`",
        },
        Case {
            key: "on-the-way",
            message: "{endpoint} is not connected to {service} yet: its connection is `{status}`",
            help: "export again when the change is through; if it stays, the service side has to accept the connection",
        },
        Case {
            key: "zone",
            message: "zone {zone} of {endpoint} is not connected to {service}: it is `{status}`",
            help: "the service side connects the zone: `aliyun privatelink EnableVpcEndpointZoneConnection --ServiceId {service_id} --EndpointId {endpoint_id} --ZoneId {zone}`",
        },
    ],
    page: include_str!("../../../rules/PL002-endpoint-not-connected.md"),
};

impl Rule for EndpointNotConnected {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.endpoints, |endpoint, out| judge(cx, endpoint, out));
        out.each(cx, &cx.topology.endpoint_connections, |connection, out| {
            let loaded = |id: &Id| cx.topology.endpoints.get(id).is_some();
            if connection.endpoint.as_ref().is_some_and(loaded) {
                return Ok(()); // judged above
            }
            let status = stated(connection.connection_status.as_ref(), connection, "state")?;
            if let Some((case, severity)) = verdict(status) {
                let draft = out.fail(case).severity(severity).on(connection, "connection_status");
                let service = connection.service.as_deref().unwrap_or("the service");
                let endpoint = connection.endpoint.as_deref().unwrap_or("?");
                facts(draft, connection, service, endpoint).fact("status", status).emit();
            }
            Ok(())
        });
    }
}

/// What a state means. A service that is gone is another rule's (decisions.md 3).
fn verdict(status: &ConnectionStatus) -> Option<(&'static str, Severity)> {
    match status {
        ConnectionStatus::Connected | ConnectionStatus::ServiceDeleted => None,
        ConnectionStatus::Pending | ConnectionStatus::Connecting => {
            Some(("on-the-way", Severity::Warning))
        }
        ConnectionStatus::Disconnecting
        | ConnectionStatus::Disconnected
        | ConnectionStatus::Deleting => Some(("endpoint", Severity::Error)),
        ConnectionStatus::Other(_) => Some(("endpoint", Severity::Warning)),
    }
}

fn judge(cx: &Context<'_>, endpoint: &Endpoint, out: &mut Sink) -> Result<(), Unknown> {
    let status = stated(endpoint.connection_status.as_ref(), endpoint, "state of the connection")?;
    let service_name =
        endpoint.service.as_deref().or(endpoint.service_name.as_deref()).unwrap_or("its service");
    if let Some((case, severity)) = verdict(status) {
        let mut draft = out.fail(case).severity(severity).on(endpoint, "connection_status");
        // a service that accepts by itself waits only for the whitelist
        if service_of(cx, endpoint).is_ok_and(|s| s.auto_accept == Some(true)) {
            draft = draft.unless_reported("PL001", endpoint);
        }
        facts(draft, endpoint, service_name, endpoint.id()).fact("status", status).emit();
        return Ok(());
    }
    if *status != ConnectionStatus::Connected {
        return Ok(());
    }
    let Some(zones) = &endpoint.zones else {
        let scope = Scope::around(&endpoint.meta).with_parent(endpoint.id());
        cx.need(Listing::EndpointZones, &scope)?;
        return Err(Unknown::of(format!("zones of {} (not stated)", endpoint.id())));
    };
    zones.iter().try_for_each(|zone| judge_zone(endpoint, zone, service_name, out))
}

fn judge_zone(
    endpoint: &Endpoint,
    zone: &EndpointZone,
    service: &str,
    out: &mut Sink,
) -> Result<(), Unknown> {
    let name = zone.zone.as_deref().unwrap_or("?");
    let status = zone.status.as_deref().ok_or_else(|| {
        Unknown::of(format!("status of zone {name} of {} (not stated)", endpoint.id()))
    })?;
    let severity = match status.to_ascii_lowercase().as_str() {
        "connected" => return Ok(()),
        "disconnected" | "disconnecting" | "deleting" => Severity::Error,
        _ => Severity::Warning,
    };
    let draft = out.fail("zone").severity(severity).on(endpoint, "zones").discriminator(name);
    facts(draft, endpoint, service, endpoint.id()).fact("zone", name).fact("status", status).emit();
    Ok(())
}

fn facts<'s>(
    draft: Draft<'s>,
    resource: &dyn Resource,
    service: &str,
    endpoint: &str,
) -> Draft<'s> {
    draft
        .fact("endpoint", resource.to_ref())
        .fact("service", service)
        .fact("service_id", service)
        .fact("endpoint_id", endpoint)
}
