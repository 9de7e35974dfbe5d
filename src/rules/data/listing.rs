//! DATA001 and DATA004: listings that are not whole, and listings that are not there.

use std::collections::BTreeMap;

use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink};
use crate::topology::{
    Absence, EipTarget, Kind, Listing, ListingState, LoadBalancer, LoadBalancerType, NatNetwork,
    Resource, ResourceRef, RouteTableScope, Scope, Topology,
};

pub(crate) struct ListingTruncated;

static TRUNCATED: RuleMeta = RuleMeta {
    id: "DATA001",
    name: "listing-truncated",
    summary: "every listing in the input is whole",
    severity: Severity::Warning,
    pack: Pack::Engine,
    needs: &[],
    cases: &[
        Case {
            key: "counted",
            message: "`{api}`{place} has {have} of {total} rows, so nothing can be said to be missing",
            help: "export the remaining pages: {command}, with the next page number or token until all rows are there",
        },
        Case {
            key: "more",
            message: "`{api}`{place} ends after {have} rows although the cloud has more, so nothing can be said to be missing",
            help: "export the remaining pages: {command}, with the next page number or token until none is returned",
        },
        Case {
            key: "unverified",
            message: "`{api}`{place} does not say whether pages are missing",
            help: "export the pages as the cloud returns them, with their counts and tokens: {command}",
        },
        Case {
            key: "failed",
            message: "`{api}`{place} failed ({code}), so nothing is known of its rows",
            help: "see why it failed, usually a missing permission, and repeat {command}",
        },
    ],
    page: include_str!("../../../rules/DATA001-listing-truncated.md"),
};

impl Rule for ListingTruncated {
    fn meta(&self) -> &'static RuleMeta {
        &TRUNCATED
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let companions = missing_companions(cx.topology);
        for (listing, scope, state) in cx.topology.coverage.iter() {
            // a failed call that something in the input depends on is DATA004's
            if matches!(state, ListingState::Failed { .. }) && companions.contains_key(&listing) {
                continue;
            }
            // another listing of the input may make up for this one
            if cx.topology.coverage.is_complete(listing, scope) {
                continue;
            }
            let (case, have, total) = match state {
                ListingState::Truncated { have, total: Some(total) } => ("counted", *have, *total),
                ListingState::Truncated { have, total: None } => ("more", *have, 0),
                ListingState::Unverified => ("unverified", 0, 0),
                ListingState::Failed { .. } => ("failed", 0, 0),
                ListingState::Complete => continue,
            };
            let mut draft = out.fail(case);
            if matches!(case, "unverified" | "failed") {
                draft = draft.severity(Severity::Note);
            }
            if let ListingState::Failed { code } = state {
                draft = draft.fact("code", code);
            }
            if let (Some(kind), Some(parent)) = (listing.parent(), &scope.parent) {
                draft = draft.about(ResourceRef { kind, id: parent.clone(), name: None });
            }
            draft
                .discriminator(listing.api())
                .discriminator(place(scope))
                .fact("api", listing.api())
                .fact("place", place(scope))
                .fact("have", have)
                .fact("total", total)
                .fact("command", command(listing, scope))
                .emit();
        }
    }
}

/// ` for ngw-1 in cn-hangzhou of account 123`.
fn place(scope: &Scope) -> String {
    let parts =
        [(" for ", &scope.parent), (" in ", &scope.region), (" of account ", &scope.account)];
    parts.iter().filter_map(|(word, id)| Some(format!("{word}{}", id.as_ref()?))).collect()
}

/// The call that makes a listing, as it is typed.
fn command(listing: Listing, scope: &Scope) -> String {
    let mut out = format!("`aliyun {} {}", listing.product(), listing.api());
    if let Some(region) = &scope.region {
        out.push_str(&format!(" --region {region}"));
    }
    if let (Some(parameter), Some(parent)) = (parent_parameter(listing), &scope.parent) {
        out.push_str(&format!(" --{parameter} {parent}"));
    }
    out.push('`');
    out
}

/// Request parameter that names the parent.
fn parent_parameter(listing: Listing) -> Option<&'static str> {
    Some(match (listing, listing.parent()?) {
        (Listing::GatewayRouteEntries, _) => "GatewayRouteTableId",
        (Listing::ClbServerGroupMembers, _) => "VServerGroupId",
        (Listing::ClbMasterSlaveMembers, _) => "MasterSlaveServerGroupId",
        (Listing::ClbRules, _) => "ListenerPort",
        (_, Kind::Vpc) => "VpcId",
        (_, Kind::RouteTable) => "RouteTableId",
        (_, Kind::PrefixList) => "PrefixListId",
        (_, Kind::PortList) => "PortRangeListId",
        (_, Kind::Ipv6Gateway) => "Ipv6GatewayId",
        (_, Kind::NatGateway) => "NatGatewayId",
        (_, Kind::VpnGateway) => "VpnGatewayId",
        (_, Kind::VpnConnection) => "VpnConnectionId",
        (_, Kind::SecurityGroup) => "SecurityGroupId",
        (_, Kind::LoadBalancer) => "LoadBalancerId",
        (_, Kind::ServerGroup) => "ServerGroupId",
        (_, Kind::Listener) => "ListenerId",
        (_, Kind::AccessList) => "AclId",
        (_, Kind::Endpoint) => "EndpointId",
        (_, Kind::EndpointService) => "ServiceId",
        (_, Kind::Cen) => "CenId",
        (_, Kind::TransitRouter) => "TransitRouterId",
        (_, Kind::TransitRouteTable) => "TransitRouterRouteTableId",
        _ => return None,
    })
}

pub(crate) struct CompanionDataMissing;

static COMPANION: RuleMeta = RuleMeta {
    id: "DATA004",
    name: "companion-data-missing",
    summary: "what is needed to judge the resources in the input is in the input",
    severity: Severity::Note,
    pack: Pack::Engine,
    needs: &[],
    cases: &[
        Case {
            key: "absent",
            message: "`{api}` is not in the input, without which {subjects} cannot be judged",
            help: "add the output of {command}{each}",
        },
        Case {
            key: "failed",
            message: "`{api}` failed in the export ({code}), without which {subjects} cannot be judged",
            help: "allow the call, then add the output of {command}{each}",
        },
    ],
    page: include_str!("../../../rules/DATA004-companion-data-missing.md"),
};

impl Rule for CompanionDataMissing {
    fn meta(&self) -> &'static RuleMeta {
        &COMPANION
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        for (listing, missing) in missing_companions(cx.topology) {
            let Some(first) = missing.subjects.first() else { continue };
            let mut scope = Scope::around(first.meta());
            if listing.parent().is_some() {
                scope = scope.with_parent(first.id());
            }
            let names: Vec<ResourceRef> = missing.subjects.iter().map(|r| r.to_ref()).collect();
            let many = listing.parent().is_some() && names.len() > 1;
            let draft = match &missing.code {
                Some(code) => out.fail("failed").fact("code", code),
                None => out.fail("absent"),
            };
            draft
                .on_whole(*first)
                .discriminator(listing.api())
                .fact("api", listing.api())
                .fact("subjects", first_of(&names, 3))
                .fact("command", command(listing, &scope))
                .fact(
                    "each",
                    if many { ", and of the same call for each of the others" } else { "" },
                )
                .emit();
        }
    }
}

/// A listing that is not there, with what it is needed for.
#[derive(Default)]
struct Missing<'a> {
    subjects: Vec<&'a dyn Resource>,
    /// Error code, when the call was made and failed.
    code: Option<String>,
}

fn missing_companions(topology: &Topology) -> BTreeMap<Listing, Missing<'_>> {
    let mut out: BTreeMap<Listing, Missing<'_>> = BTreeMap::new();
    for resource in topology.resources().filter(|r| r.meta().synthetic.is_none()) {
        for listing in companions(topology, resource) {
            let mut scope = Scope::around(resource.meta());
            if listing.parent() == Some(resource.kind()) {
                scope = scope.with_parent(resource.id());
            }
            let code = match topology.coverage.gap(*listing, &scope).map(|gap| gap.absence) {
                Some(Absence::NotLoaded) => None,
                Some(Absence::State(ListingState::Failed { code })) => Some(code),
                _ => continue,
            };
            let missing = out.entry(*listing).or_default();
            missing.subjects.push(resource);
            missing.code = missing.code.take().or(code);
        }
    }
    out
}

/// The listings without which a resource cannot be judged.
fn companions(topology: &Topology, resource: &dyn Resource) -> &'static [Listing] {
    use Listing as L;
    let id = resource.id();
    match resource.kind() {
        // without these a VPC looks as if nothing were in it
        Kind::Vpc => &[
            L::VSwitches,
            L::RouteTables,
            L::VpcAttributes,
            L::NatGateways,
            L::Eips,
            L::Instances,
            L::Enis,
        ],
        Kind::VSwitch => &[L::Vpcs, L::RouteTables],
        Kind::RouteTable => match topology.route_tables.get(id).and_then(|t| t.scope.as_ref()) {
            Some(RouteTableScope::Gateway) => &[L::GatewayRouteEntries],
            _ => &[L::RouteEntries],
        },
        Kind::Instance => &[L::Enis, L::SecurityGroups, L::Vpcs, L::VSwitches, L::Eips],
        Kind::Eni => &[L::SecurityGroups, L::VSwitches],
        Kind::NatGateway => match topology.nat_gateways.get(id).and_then(|n| n.network.as_ref()) {
            Some(NatNetwork::Intranet) => {
                &[L::SnatEntries, L::DnatEntries, L::Vpcs, L::RouteTables, L::NatIps]
            }
            _ => &[L::SnatEntries, L::DnatEntries, L::Vpcs, L::RouteTables, L::Eips],
        },
        Kind::SnatEntry | Kind::DnatEntry => &[L::NatGateways],
        Kind::Eip => match topology.eips.get(id).and_then(|e| e.target.as_ref()) {
            Some(Some(EipTarget::NatGateway)) => &[L::NatGateways],
            Some(Some(EipTarget::Instance)) => &[L::Instances],
            Some(Some(EipTarget::Eni)) => &[L::Enis],
            Some(Some(EipTarget::HaVip)) => &[L::HaVips],
            _ => &[],
        },
        Kind::SecurityGroup => &[L::SecurityGroupRules],
        Kind::LoadBalancer => topology.load_balancers.get(id).map_or(&[], balancer_companions),
        Kind::ServerGroup => {
            match topology.server_groups.get(id).and_then(|g| g.lb_type.as_ref()) {
                Some(LoadBalancerType::Alb) => &[L::AlbServers],
                Some(LoadBalancerType::Nlb) => &[L::NlbServers],
                _ => &[],
            }
        }
        Kind::AccessList => match topology.access_lists.get(id).and_then(|a| a.lb_type.as_ref()) {
            Some(LoadBalancerType::Clb) => &[L::ClbAccessListEntries],
            Some(LoadBalancerType::Alb) => &[L::AlbAccessListEntries],
            _ => &[],
        },
        Kind::Endpoint => &[L::EndpointZones, L::EndpointSecurityGroups],
        Kind::EndpointService => {
            let consumer = topology.endpoint_services.get(id).and_then(|s| s.consumer_view);
            if consumer == Some(true) {
                return &[];
            }
            &[
                L::EndpointServiceAttributes,
                L::EndpointServiceResources,
                L::EndpointServiceUsers,
                L::EndpointConnections,
            ]
        }
        Kind::VpcPeer => &[L::Vpcs, L::RouteTables],
        Kind::VpnGateway => &[L::VpnConnections, L::VpnRoutes],
        Kind::Cen => &[L::TransitRouters, L::CenChildren],
        Kind::TransitRouter => &[L::TransitRouteTables],
        Kind::TransitRouteTable => {
            &[L::TransitRouteEntries, L::TransitAssociations, L::TransitPropagations]
        }
        Kind::Ipv6Gateway => &[L::Ipv6Addresses, L::Ipv6EgressRules],
        _ => &[],
    }
}

fn balancer_companions(lb: &LoadBalancer) -> &'static [Listing] {
    match &lb.lb_type {
        Some(LoadBalancerType::Clb) => &[Listing::ClbAttributes, Listing::ClbListeners],
        Some(LoadBalancerType::Alb) => &[Listing::AlbListeners, Listing::AlbServerGroups],
        Some(LoadBalancerType::Nlb) => &[Listing::NlbListeners, Listing::NlbServerGroups],
        _ => &[],
    }
}
