//! The rule catalogue: one folder per family, one file per rule (or tight pair), one list.
//!
//! A rule reads topology and analyses and yields evidence. It never parses and never prints;
//! wording stands in its [`RuleMeta`], places are found by the report. How to add one:
//! CONTRIBUTING.md.

mod acl;
mod balancer;
mod cidr;
mod context;
mod data;
mod egress;
mod eip;
mod exposure;
mod facts;
mod finding;
mod meta;
mod nat;
mod paths;
mod ports;
mod privatelink;
mod reference;
mod routing;
mod security_group;
mod sink;
mod values;
mod zone;

pub use context::{Context, stated};
pub use finding::{Finding, Location, LocationRole, Undetermined, Unknown};
pub use meta::{Case, Pack, RuleMeta, Severity};
pub use sink::{Draft, Sink};

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::topology::ResourceRef;

/// A check over the whole topology.
pub trait Rule: Sync {
    /// What is fixed about it.
    fn meta(&self) -> &'static RuleMeta;
    /// Looks for violations.
    fn check(&self, cx: &Context<'_>, out: &mut Sink);
}

/// All rules, in the order of their ids.
pub static RULES: &[&dyn Rule] = &[
    &acl::ReturnTrafficBlocked,
    &acl::AclEmptyDirection,
    &cidr::VSwitchOutsideVpc,
    &cidr::VSwitchOverlap,
    &cidr::HostBitsSet,
    &cidr::IpOutsideVSwitch,
    &cidr::IpOutsideVpc,
    &cidr::DuplicatePrivateIp,
    &cidr::ConnectedVpcOverlap,
    &balancer::NoListener,
    &balancer::ListenerNotRunning,
    &balancer::NoBackend,
    &balancer::AllWeightsZero,
    &balancer::AllBackendsUnhealthy,
    &balancer::SomeBackendsUnhealthy,
    &balancer::BackendAclBlocksLb,
    &balancer::BackendInOtherVpc,
    &balancer::WhitelistAclEmpty,
    &data::ListingTruncated,
    &data::DuplicateIdConflict,
    &data::MaskedValue,
    &data::CompanionDataMissing,
    &data::TransientStatus,
    &data::UnknownAtPlan,
    &data::UnmodelledFeature,
    &egress::EgressNotUniform,
    &egress::InstanceBypassesNat,
    &egress::DnatIpMappingHijacksEgress,
    &egress::NoEgress,
    &egress::SecondaryEniEipNeedsPolicyRouting,
    &egress::EgressHubBroken,
    &egress::EgressBlockedBySg,
    &eip::EipUnattached,
    &exposure::DnatExposesRiskyPort,
    &nat::DnatDuplicateExternal,
    &nat::DnatIpMappingConflict,
    &nat::DnatTargetHasPublicIp,
    &nat::DnatReturnRoute,
    &nat::DnatEntryBlocked,
    &nat::VSwitchWithoutSnat,
    &nat::SnatSourceNotRouted,
    &nat::NatWithoutEip,
    &nat::NatHairpin,
    &privatelink::ConsumerNotWhitelisted,
    &privatelink::EndpointNotConnected,
    &privatelink::ResourceNotEligible,
    &privatelink::ResourceWithoutListener,
    &privatelink::EndpointSgBlocksListener,
    &privatelink::EndpointWithoutSg,
    &privatelink::EndpointPathBlockedByAcl,
    &privatelink::ServiceWithoutResource,
    &privatelink::PrivatelinkPathBroken,
    &reference::DanglingReference,
    &reference::SnatIpNotOnGateway,
    &reference::DnatIpNotOnGateway,
    &reference::DnatTargetMissing,
    &reference::BackendMissing,
    &routing::NextHopMissing,
    &routing::NextHopUnhealthy,
    &routing::CustomTableMissingDefault,
    &routing::OneWayPeering,
    &routing::PeeringDestinationWrong,
    &routing::AsymmetricReturn,
    &routing::ForwardingLoop,
    &routing::PublicIpWithoutIpv4gwRoute,
    &routing::Ipv4gwInactiveOrUnrouted,
    &routing::TrAssociationOrPropagationMissing,
    &security_group::AdvancedSgWithoutEgress,
    &security_group::AdvancedSgGroupPeer,
    &security_group::MixedGroupTypes,
    &zone::EndpointZoneNotServed,
    &zone::ServiceZoneVsClbPrimary,
    &zone::EndpointVSwitchZoneMismatch,
    &zone::PrivatelinkRegionMismatch,
    &zone::EniZoneMismatch,
];

/// How many resources a message names before it counts the rest.
const SHOWN: usize = 6;

/// The rule with this id or name (any case).
pub fn find(id_or_name: &str) -> Option<&'static RuleMeta> {
    RULES
        .iter()
        .map(|rule| rule.meta())
        .find(|m| m.id.eq_ignore_ascii_case(id_or_name) || m.name.eq_ignore_ascii_case(id_or_name))
}

/// What a run of rules found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Findings, gravest first, then by rule, resource and place.
    pub findings: Vec<Finding>,
    /// What could not be decided, by rule.
    pub undetermined: Vec<Undetermined>,
    /// Rules that ran.
    pub rules: usize,
}

/// Runs the rules for which `wanted` is true.
pub fn run(cx: &Context<'_>, wanted: impl Fn(&RuleMeta) -> bool + Sync) -> Outcome {
    let results: Vec<_> = RULES
        .par_iter()
        .map(|rule| {
            // rules that are not wanted run too: they may be the root cause of wanted ones
            let mut sink = Sink::new(rule.meta());
            rule.check(cx, &mut sink);
            sink.into_parts()
        })
        .collect();
    let reported: BTreeSet<(&str, &ResourceRef)> = results
        .iter()
        .flat_map(|(findings, _)| findings)
        .flat_map(|f| f.resources.iter().take(1).map(move |r| (f.rule.id, r)))
        .collect();
    let keep = |f: &Finding| {
        wanted(f.rule) && !f.root_causes.iter().any(|(rule, r)| reported.contains(&(*rule, r)))
    };
    let mut outcome = Outcome {
        findings: results.iter().flat_map(|(f, _)| f).filter(|f| keep(f)).cloned().collect(),
        undetermined: Vec::new(),
        rules: RULES.iter().filter(|rule| wanted(rule.meta())).count(),
    };
    outcome.undetermined =
        results.into_iter().filter_map(|(_, u)| u).filter(|u| wanted(u.rule)).collect();
    outcome.findings.sort_by(|a, b| {
        (a.severity, a.rule.id, &a.resources, &a.locations, &a.message).cmp(&(
            b.severity,
            b.rule.id,
            &b.resources,
            &b.locations,
            &b.message,
        ))
    });
    outcome.undetermined.sort_by_key(|u| u.rule.id);
    outcome
}
