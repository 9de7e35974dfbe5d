//! PL004, PL005 and PL015: the load balancers behind an endpoint service.

use std::collections::BTreeMap;

use crate::rules::facts::{list, load_balancer, product};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    AddressType, EndpointService, Id, Lifecycle, Listener, ListenerProtocol, Listing, LoadBalancer,
    LoadBalancerType, NetworkType, Resource, Scope, Topology,
};

pub(crate) struct ResourceNotEligible;

static ELIGIBLE: RuleMeta = RuleMeta {
    id: "PL004",
    name: "resource-not-eligible",
    summary: "the load balancers behind an endpoint service are of a kind that PrivateLink takes",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "clb",
            message: "CLB {balancer} cannot serve {service}: {reasons}",
            help: "use a CLB that is intranet, in a VPC, IPv4 and pay-as-you-go; the billing method can be changed, the rest needs a new one",
        },
        Case {
            key: "newer",
            message: "{product} {balancer} may not be able to serve {service}: {reasons}",
            help: "use an intranet {product}; documents disagree on whether public ones are taken",
        },
    ],
    page: include_str!("../../../rules/PL004-resource-not-eligible.md"),
};

impl Rule for ResourceNotEligible {
    fn meta(&self) -> &'static RuleMeta {
        &ELIGIBLE
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        for (service, lb) in served(cx) {
            let outcome = lb.and_then(|lb| eligible(service, lb, out));
            out.settle(outcome);
        }
    }
}

fn eligible(service: &EndpointService, lb: &LoadBalancer, out: &mut Sink) -> Result<(), Unknown> {
    let mut reasons: Vec<String> = Vec::new();
    let mut missing = Unknown::default();
    let mut lacks = |what: &str| {
        missing.missing.insert(format!("{what} of {} (not stated)", lb.id()));
    };
    let clb = match &lb.lb_type {
        Some(LoadBalancerType::Clb) => true,
        Some(LoadBalancerType::Alb | LoadBalancerType::Nlb) => false,
        Some(LoadBalancerType::Gwlb) => return Ok(()),
        _ => return Err(Unknown::of(format!("type of {} (not stated)", lb.id()))),
    };
    let mut field = "address_type";
    match &lb.address_type {
        Some(AddressType::Intranet) => {}
        Some(other) => reasons.push(format!("its address type is `{other}`")),
        None => lacks("address type"),
    }
    if clb {
        match &lb.network {
            Some(NetworkType::Vpc) => {}
            Some(other) => {
                reasons.push(format!("its network type is `{other}`"));
                field = if reasons.len() == 1 { "network" } else { field };
            }
            None => lacks("network type"),
        }
        match lb.pay_type.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("payondemand" | "postpaid") => {}
            Some(other) => {
                reasons.push(format!(
                    "its billing method is `{}`",
                    lb.pay_type.as_deref().unwrap_or(other)
                ));
                field = if reasons.len() == 1 { "pay_type" } else { field };
            }
            None => lacks("billing method"),
        }
        // an old body without the IP version is older than IPv6
        if let Some(version) = lb.ip_version.as_deref()
            && !version.eq_ignore_ascii_case("ipv4")
        {
            reasons.push(format!("its IP version is `{version}`"));
            field = if reasons.len() == 1 { "ip_version" } else { field };
        }
    }
    if reasons.is_empty() {
        return if missing.missing.is_empty() { Ok(()) } else { Err(missing) };
    }
    out.fail(if clb { "clb" } else { "newer" })
        .severity(if clb { ELIGIBLE.severity } else { Severity::Warning })
        .on(lb, field)
        .with(service, "resources", "the endpoint service")
        .fact("product", product(lb))
        .fact("balancer", balancer(lb))
        .fact("service", service.to_ref())
        .fact("reasons", list(&reasons))
        .emit();
    Ok(())
}

pub(crate) struct ResourceWithoutListener;

static LISTENER: RuleMeta = RuleMeta {
    id: "PL005",
    name: "resource-without-listener",
    summary: "a load balancer behind an endpoint service has a running listener",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "none",
            message: "{product} {balancer} behind {service} has no listener, so nothing answers",
            help: "add a listener for the port that clients of the service use",
        },
        Case {
            key: "stopped",
            message: "none of the listeners of {product} {balancer} behind {service} runs ({listeners}), so nothing answers",
            help: "start a listener; those made through the API are stopped until they are started",
        },
        Case {
            key: "protocol",
            message: "{product} {balancer} behind {service} has only listeners that PrivateLink cannot reach ({listeners})",
            help: "add a TCP listener, and end TLS on the backends",
        },
    ],
    page: include_str!("../../../rules/PL005-resource-without-listener.md"),
};

impl Rule for ResourceWithoutListener {
    fn meta(&self) -> &'static RuleMeta {
        &LISTENER
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let by_lb = listeners_by_balancer(cx.topology);
        for (service, lb) in served(cx) {
            let outcome = lb.and_then(|lb| {
                let own = by_lb.get(lb.id()).map_or(&[][..], Vec::as_slice);
                listening(cx, service, lb, own, out)
            });
            out.settle(outcome);
        }
    }
}

fn listeners_by_balancer(topology: &Topology) -> BTreeMap<&Id, Vec<&Listener>> {
    let mut out: BTreeMap<&Id, Vec<&Listener>> = BTreeMap::new();
    for listener in &topology.listeners {
        if let Some(lb) = &listener.load_balancer {
            out.entry(lb).or_default().push(listener);
        }
    }
    out
}

fn listening(
    cx: &Context<'_>,
    service: &EndpointService,
    lb: &LoadBalancer,
    listeners: &[&Listener],
    out: &mut Sink,
) -> Result<(), Unknown> {
    let listing = match &lb.lb_type {
        Some(LoadBalancerType::Clb) => Listing::ClbListeners,
        Some(LoadBalancerType::Alb) => Listing::AlbListeners,
        Some(LoadBalancerType::Nlb) => Listing::NlbListeners,
        Some(LoadBalancerType::Gwlb) => return Ok(()), // its listeners are not exported
        _ => return Err(Unknown::of(format!("type of {} (not stated)", lb.id()))),
    };
    let reachable: Vec<&&Listener> =
        listeners.iter().filter(|l| l.protocol != Some(ListenerProtocol::TcpSsl)).collect();
    let runs = |l: &&&Listener| {
        // `starting` ends in `running` by itself
        matches!(l.lifecycle(), Lifecycle::Usable)
            || l.meta.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("starting"))
    };
    if reachable.iter().any(runs) {
        return Ok(());
    }
    cx.need(listing, &Scope::around(&lb.meta))?;
    let unclear =
        |l: &&&&Listener| matches!(l.lifecycle(), Lifecycle::Unstated | Lifecycle::Unrecognised);
    if let Some(listener) = reachable.iter().find(unclear) {
        return Err(Unknown::of(format!("whether listener {} runs", listener.id())));
    }
    let case = match (listeners.is_empty(), reachable.is_empty()) {
        (true, _) => "none",
        (false, true) => "protocol",
        (false, false) => "stopped",
    };
    let names: Vec<&Id> = listeners.iter().map(|l| l.id()).collect();
    let mut draft = out
        .fail(case)
        .on_whole(lb)
        .with(service, "resources", "the endpoint service")
        .fact("product", product(lb))
        .fact("balancer", balancer(lb))
        .fact("service", service.to_ref())
        .fact("listeners", list(&names));
    for listener in listeners {
        draft = draft.with(*listener, "status", "");
    }
    draft.emit();
    Ok(())
}

pub(crate) struct ServiceWithoutResource;

static RESOURCE: RuleMeta = RuleMeta {
    id: "PL015",
    name: "service-without-resource",
    summary: "an endpoint service has a service resource",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[Listing::EndpointServiceResources],
    cases: &[
        Case {
            key: "used",
            message: "{service} has no service resource, but {endpoints} uses it",
            help: "attach a load balancer: `aliyun privatelink AttachResourceToVpcEndpointService --ServiceId {id} --ResourceType slb --ResourceId` and its id",
        },
        Case {
            key: "unused",
            message: "{service} has no service resource",
            help: "attach a load balancer before clients connect, or delete the service",
        },
    ],
    page: include_str!("../../../rules/PL015-service-without-resource.md"),
};

impl Rule for ServiceWithoutResource {
    fn meta(&self) -> &'static RuleMeta {
        &RESOURCE
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        // what a consumer sees of somebody else's service does not include its resources
        let own = cx.topology.endpoint_services.iter().filter(|s| s.consumer_view != Some(true));
        out.each(cx, own, |service, out| {
            let resources = stated(service.resources.as_ref(), service, "service resources")?;
            if !resources.is_empty() {
                return Ok(());
            }
            let uses = |id: &Option<Id>| id.as_ref() == Some(service.id());
            let endpoint =
                cx.topology.endpoints.iter().find(|e| uses(&e.service)).map(|e| e as &dyn Resource);
            let connection = || {
                let mut all = cx.topology.endpoint_connections.iter();
                all.find(|c| uses(&c.service)).map(|c| c as &dyn Resource)
            };
            let draft = match endpoint.or_else(connection) {
                Some(user) => out
                    .fail("used")
                    .on(service, "resources")
                    .with_whole(user, "uses the service")
                    .fact("endpoints", user.to_ref()),
                None => out.fail("unused").severity(Severity::Warning).on(service, "resources"),
            };
            draft.fact("service", service.to_ref()).fact("id", service.id()).emit();
            Ok(())
        });
    }
}

/// Every load balancer of every service, each once per service.
fn served<'a>(cx: &Context<'a>) -> Vec<(&'a EndpointService, Result<&'a LoadBalancer, Unknown>)> {
    let mut out = Vec::new();
    for service in &cx.topology.endpoint_services {
        let mut ids: Vec<&Id> = service.resources.iter().flatten().map(|r| &r.resource).collect();
        ids.sort();
        ids.dedup();
        out.extend(ids.into_iter().map(|id| (service, load_balancer(cx, id))));
    }
    out
}

/// `lb-1 (web)`.
fn balancer(lb: &LoadBalancer) -> String {
    match lb.name() {
        Some(name) => format!("{} ({name})", lb.id()),
        None => lb.id().to_string(),
    }
}
