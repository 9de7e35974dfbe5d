//! ZONE001 to ZONE004: zones and regions of PrivateLink endpoints, services and service resources.

use std::collections::BTreeSet;

use crate::rules::facts::{list, load_balancer, product};
use crate::rules::privatelink::service_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    Endpoint, EndpointService, EndpointType, Listing, LoadBalancer, LoadBalancerType, Resource,
    Scope, ServiceResource, Text,
};

pub(crate) struct EndpointZoneNotServed;

static NOT_SERVED: RuleMeta = RuleMeta {
    id: "ZONE001",
    name: "endpoint-zone-not-served",
    summary: "every zone of an endpoint is a zone of its endpoint service",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "zone",
        message: "{endpoint} is in zone {zone}, but {service} serves {zones}",
        help: "use one of these zones for the endpoint, or add a service resource in {zone}",
    }],
    page: include_str!("../../../rules/ZONE001-endpoint-zone-not-served.md"),
};

impl Rule for EndpointZoneNotServed {
    fn meta(&self) -> &'static RuleMeta {
        &NOT_SERVED
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.endpoints, |endpoint, out| {
            if endpoint.endpoint_type == Some(EndpointType::Reverse) {
                return Ok(());
            }
            let zones = stated(endpoint.zones.as_ref(), endpoint, "zones")?;
            let service = service_of(cx, endpoint)?;
            if different_regions(endpoint, service) {
                return Ok(()); // ZONE004 decides (decisions.md 15)
            }
            let served = served_zones(service)?;
            for zone in zones.iter().filter_map(|z| z.zone.as_ref()) {
                if !served.contains(zone) {
                    let shown: Vec<&Text> = served.iter().copied().collect();
                    let shown = if shown.is_empty() { "no zone".to_owned() } else { list(&shown) };
                    out.fail("zone")
                        .on(endpoint, "zones")
                        .with(service, "zones", "zones of the service")
                        .discriminator(zone)
                        .unless_reported("PL015", service)
                        .fact("endpoint", endpoint.to_ref())
                        .fact("zone", zone)
                        .fact("service", service.to_ref())
                        .fact("zones", shown)
                        .emit();
                }
            }
            Ok(())
        });
    }
}

/// The zones that a service states, or those of its resources.
fn served_zones(service: &EndpointService) -> Result<BTreeSet<&Text>, Unknown> {
    if let Some(zones) = &service.zones {
        return Ok(zones.iter().collect());
    }
    let resources = stated(service.resources.as_ref(), service, "zones")?;
    resources
        .iter()
        .map(|r| {
            let unknown = || format!("zone of {} in {} (not stated)", r.resource, service.id());
            r.zone.as_ref().ok_or_else(|| Unknown::of(unknown()))
        })
        .collect()
}

fn different_regions(endpoint: &Endpoint, service: &EndpointService) -> bool {
    let region = service.meta.region.as_deref().or(endpoint.service_region.as_deref());
    match (endpoint.meta.region.as_deref(), region) {
        (Some(endpoint), Some(service)) => endpoint != service,
        _ => false,
    }
}

pub(crate) struct ServiceZoneVsClbPrimary;

static PRIMARY: RuleMeta = RuleMeta {
    id: "ZONE002",
    name: "service-zone-vs-clb-primary",
    summary: "a load balancer serves an endpoint service in a zone where it works",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "standby",
            message: "{service} uses {balancer} in its standby zone {zone}; its primary zone is {primary}",
            help: "attach it in {primary}, or attach a CLB whose primary zone is {zone}; the standby zone carries no traffic",
        },
        Case {
            key: "other",
            message: "{service} uses {balancer} in zone {zone}, but its primary zone is {primary}",
            help: "attach it in {primary}, or attach a CLB whose primary zone is {zone}",
        },
        Case {
            key: "zones",
            message: "{service} uses {balancer} in zone {zone}, but it works in {primary}",
            help: "attach it in one of its own zones, or add {zone} to the load balancer",
        },
    ],
    page: include_str!("../../../rules/ZONE002-service-zone-vs-clb-primary.md"),
};

impl Rule for ServiceZoneVsClbPrimary {
    fn meta(&self) -> &'static RuleMeta {
        &PRIMARY
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        for service in &cx.topology.endpoint_services {
            for resource in service.resources.iter().flatten() {
                let outcome = service_zone(cx, service, resource, out);
                out.settle(outcome);
            }
        }
    }
}

fn service_zone(
    cx: &Context<'_>,
    service: &EndpointService,
    resource: &ServiceResource,
    out: &mut Sink,
) -> Result<(), Unknown> {
    let lb = load_balancer(cx, &resource.resource)?;
    let unknown = |what: &str| Unknown::of(format!("{what} (not stated)"));
    // the provider's own tools leave the zone of a CLB out, and then it is the primary one
    let zone = match (&resource.zone, &lb.lb_type) {
        (Some(zone), _) => zone,
        (None, Some(LoadBalancerType::Clb)) => return Ok(()),
        (None, _) => {
            return Err(unknown(&format!("zone of {} in {}", resource.resource, service.id())));
        }
    };
    let (case, primary, field) = match &lb.lb_type {
        Some(LoadBalancerType::Clb) => {
            let primary = stated(lb.master_zone.as_ref(), lb, "primary zone")?;
            let standby = lb.slave_zone.as_ref().and_then(Option::as_ref) == Some(zone);
            if zone == primary {
                return Ok(());
            }
            (if standby { "standby" } else { "other" }, primary.to_string(), "master_zone")
        }
        Some(LoadBalancerType::Alb | LoadBalancerType::Nlb | LoadBalancerType::Gwlb) => {
            let zones = stated(lb.zones.as_ref(), lb, "zones")?;
            let zones: BTreeSet<&Text> = zones.iter().map(|z| &z.zone).collect();
            if zones.contains(zone) {
                return Ok(());
            }
            ("zones", list(&zones.into_iter().collect::<Vec<_>>()), "zones")
        }
        _ => return Err(unknown(&format!("type of {}", lb.id()))),
    };
    out.fail(case)
        .on(service, "resources")
        .with(lb, field, "zones of the load balancer")
        .discriminator(zone)
        .fact("service", service.to_ref())
        .fact("balancer", balancer(lb))
        .fact("zone", zone)
        .fact("primary", primary)
        .emit();
    Ok(())
}

/// `CLB lb-1 (web)`.
fn balancer(lb: &LoadBalancer) -> String {
    match lb.name() {
        Some(name) => format!("{} {} ({name})", product(lb), lb.id()),
        None => format!("{} {}", product(lb), lb.id()),
    }
}

pub(crate) struct EndpointVSwitchZoneMismatch;

static VSWITCH: RuleMeta = RuleMeta {
    id: "ZONE003",
    name: "endpoint-vswitch-zone-mismatch",
    summary: "the vSwitch of each zone of an endpoint is in that zone",
    severity: Severity::Error,
    pack: Pack::Default,
    needs: &[],
    cases: &[
        Case {
            key: "choose",
            message: "{endpoint} has {vswitch} for zone {zone}, but that vSwitch is in {vswitch_zone}",
            help: "choose a vSwitch of the VPC in {zone}, such as {fitting}",
        },
        Case {
            key: "none",
            message: "{endpoint} has {vswitch} for zone {zone}, but that vSwitch is in {vswitch_zone}",
            help: "make a vSwitch in {zone} and choose it; the input shows none there",
        },
    ],
    page: include_str!("../../../rules/ZONE003-endpoint-vswitch-zone-mismatch.md"),
};

impl Rule for EndpointVSwitchZoneMismatch {
    fn meta(&self) -> &'static RuleMeta {
        &VSWITCH
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.endpoints, |endpoint, out| {
            for place in stated(endpoint.zones.as_ref(), endpoint, "zones")? {
                let (Some(zone), Some(id)) = (&place.zone, &place.vswitch) else { continue };
                let vswitch = cx.vswitch(endpoint, Some(id))?;
                let actual = stated(vswitch.zone.as_ref(), vswitch, "zone")?;
                if actual == zone {
                    continue;
                }
                let fitting = cx
                    .topology
                    .vswitches
                    .iter()
                    .find(|v| v.vpc == vswitch.vpc && v.zone.as_ref() == Some(zone));
                let draft = match fitting {
                    Some(fitting) => out.fail("choose").fact("fitting", fitting.id()),
                    None => out.fail("none"),
                };
                draft
                    .on(endpoint, "zones")
                    .with(vswitch, "zone", "zone of the vSwitch")
                    .discriminator(zone)
                    .fact("endpoint", endpoint.to_ref())
                    .fact("vswitch", vswitch.to_ref())
                    .fact("zone", zone)
                    .fact("vswitch_zone", actual)
                    .emit();
            }
            Ok(())
        });
    }
}

pub(crate) struct PrivatelinkRegionMismatch;

static REGION: RuleMeta = RuleMeta {
    id: "ZONE004",
    name: "privatelink-region-mismatch",
    summary: "an endpoint is in the region of its service, or in one that the service supports",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "region",
        message: "{endpoint} is in {region}, but {service} is in {service_region} and supports {supported}",
        help: "add {region} to the supported regions of the service, or make the endpoint in {service_region}",
    }],
    page: include_str!("../../../rules/ZONE004-privatelink-region-mismatch.md"),
};

impl Rule for PrivatelinkRegionMismatch {
    fn meta(&self) -> &'static RuleMeta {
        &REGION
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.endpoints, |endpoint, out| {
            let region = stated(endpoint.meta.region.as_ref(), endpoint, "region")?;
            if endpoint.service_region.as_deref() == Some(region.as_str()) {
                return Ok(());
            }
            let service = service_of(cx, endpoint)?;
            let service_region = stated(service.meta.region.as_ref(), service, "region")?;
            if region == service_region {
                return Ok(());
            }
            let supported = match &service.supported_regions {
                Some(regions) => regions.as_slice(),
                None => {
                    // bodies older than cross-region endpoints lack the list: none is supported
                    let scope = Scope::around(&service.meta).with_parent(service.id());
                    cx.need(Listing::EndpointServiceAttributes, &scope)?;
                    &[]
                }
            };
            if supported.iter().any(|r| **r == **region) {
                return Ok(());
            }
            let others: Vec<&Text> =
                supported.iter().filter(|r| ***r != **service_region).collect();
            let shown = if others.is_empty() { "no other".to_owned() } else { list(&others) };
            out.fail("region")
                .on_whole(endpoint)
                .with(service, "supported_regions", "the service")
                .fact("endpoint", endpoint.to_ref())
                .fact("region", region)
                .fact("service", service.to_ref())
                .fact("service_region", service_region)
                .fact("supported", shown)
                .emit();
            Ok(())
        });
    }
}
