//! DATA007: elements of the network whose effect on packets is not computed.

use std::collections::BTreeMap;

use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink};
use crate::topology::{
    AttachmentType, EipTarget, EndpointType, LoadBalancerType, NextHopType, Resource, ResourceRef,
    Topology,
};

/// Places that a finding lists.
const PLACES: usize = 5;

pub(crate) struct UnmodelledFeature;

static META: RuleMeta = RuleMeta {
    id: "DATA007",
    name: "unmodelled-feature",
    summary: "every element of the network is one whose effect is computed",
    severity: Severity::Note,
    pack: Pack::Engine,
    needs: &[],
    cases: &[Case {
        key: "unmodelled",
        message: "{feature} is not computed, so what passes {resources} may end in an unknown answer",
        help: "read answers about these paths with care, or describe what stands there in a native topology",
    }],
    page: include_str!("../../../rules/DATA007-unmodelled-feature.md"),
};

impl Rule for UnmodelledFeature {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        for (feature, places) in features(cx.topology) {
            let names: Vec<ResourceRef> = places.iter().map(|(r, _)| r.to_ref()).collect();
            let mut draft = out
                .fail("unmodelled")
                .discriminator(&feature)
                .fact("feature", &feature)
                .fact("resources", first_of(&names, 3));
            for (n, (resource, field)) in places.iter().take(PLACES).enumerate() {
                draft = match n {
                    0 => draft.on(*resource, field),
                    _ => draft.with(*resource, field, ""),
                };
            }
            draft.emit();
        }
    }
}

type Places<'a> = Vec<(&'a dyn Resource, &'static str)>;

/// What is not computed, in words, and where it stands.
fn features(t: &Topology) -> BTreeMap<String, Places<'_>> {
    let mut out: BTreeMap<String, Places<'_>> = BTreeMap::new();
    let mut add = |feature: String, resource, field| {
        out.entry(feature).or_default().push((resource, field));
    };
    for route in &t.route_entries {
        for hop in route.next_hops.iter().flatten() {
            match &hop.hop_type {
                NextHopType::GatewayLoadBalancerEndpoint | NextHopType::RouteTargetGroup => {
                    add(
                        "inspection behind a Gateway Load Balancer endpoint".into(),
                        route,
                        "next_hops",
                    );
                }
                NextHopType::Ecr => {
                    add("routing inside an Express Connect Router".into(), route, "next_hops");
                }
                NextHopType::Other(word) => {
                    add(format!("a next hop of type `{word}`"), route, "next_hops");
                }
                _ => {}
            }
        }
    }
    for attachment in &t.transit_attachments {
        match &attachment.attachment_type {
            Some(AttachmentType::Ecr) => {
                add(
                    "routing inside an Express Connect Router".into(),
                    attachment,
                    "attachment_type",
                );
            }
            Some(AttachmentType::Other(word)) => {
                add(format!("an attachment of type `{word}`"), attachment, "attachment_type");
            }
            _ => {}
        }
    }
    for eip in &t.eips {
        if let Some(Some(EipTarget::Other(word))) = &eip.target {
            add(format!("an EIP bound to `{word}`"), eip, "target");
        }
    }
    for lb in &t.load_balancers {
        if let Some(LoadBalancerType::Other(word)) = &lb.lb_type {
            add(format!("a load balancer of type `{word}`"), lb, "lb_type");
        }
    }
    for endpoint in &t.endpoints {
        if let Some(EndpointType::Other(word)) = &endpoint.endpoint_type {
            add(format!("an endpoint of type `{word}`"), endpoint, "endpoint_type");
        }
    }
    // a route with several such hops is one place
    out.values_mut().for_each(|places| places.dedup_by_key(|(r, _)| (r.kind(), r.id().clone())));
    out
}
