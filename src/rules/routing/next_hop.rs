//! RT001: a route to something that does not exist, or is of another type.

use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{
    Id, Kind, Listing, NextHop, NextHopType, Resource, RouteEntry, RouteOrigin, Scope, Topology,
};

pub(crate) struct NextHopMissing;

static META: RuleMeta = RuleMeta {
    id: "RT001",
    name: "next-hop-missing",
    summary: "the next hop of a custom route exists and is of the stated type",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "missing",
            message: "{route} leads to {kind} {hop}, which does not exist; packets to {destination} are swallowed",
            help: "delete the route or point it at an existing next hop",
        },
        Case {
            key: "type",
            message: "{route} names {hop} as {kind}, but it is {actual}",
            help: "correct the type of the next hop",
        },
    ],
    page: include_str!("../../../rules/RT001-next-hop-missing.md"),
};

impl Rule for NextHopMissing {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let custom = cx.topology.route_entries.iter().filter(|entry| {
            !matches!(entry.origin, Some(RouteOrigin::System | RouteOrigin::Dynamic))
        });
        out.each(cx, custom, |entry, out| {
            entry.next_hops.iter().flatten().try_for_each(|hop| check_hop(cx, entry, hop, out))
        });
    }
}

fn check_hop(
    cx: &Context<'_>,
    entry: &RouteEntry,
    hop: &NextHop,
    out: &mut Sink,
) -> Result<(), Unknown> {
    let (Some((kind, listings)), Some(id)) = (expected(&hop.hop_type), &hop.id) else {
        return Ok(());
    };
    if exists(cx.topology, kind, id) {
        return Ok(());
    }
    let destination = match &entry.destination {
        Some(crate::topology::RouteDestination::Cidr(cidr)) => cidr.to_string(),
        Some(crate::topology::RouteDestination::PrefixList(list)) => format!("prefix list {list}"),
        None => "its destination".to_owned(),
    };
    let actual =
        Kind::ALL.iter().copied().find(|other| *other != kind && exists(cx.topology, *other, id));
    let finding = match actual {
        Some(actual) => {
            out.fail("type").fact("actual", with_article(actual)).fact("kind", with_article(kind))
        }
        None => {
            let scope = scope_of(cx, entry);
            for listing in listings {
                cx.need(*listing, &scope)?;
            }
            out.fail("missing").fact("kind", kind)
        }
    };
    finding
        .on(entry, "next_hops")
        .fact("route", entry.to_ref())
        .fact("hop", id)
        .fact("destination", destination)
        .discriminator(id)
        .emit();
    Ok(())
}

/// Account and region of the VPC that the route belongs to.
fn scope_of(cx: &Context<'_>, entry: &RouteEntry) -> Scope {
    let table = entry.table.as_ref().and_then(|id| cx.topology.route_tables.get(id));
    let vpc = table.and_then(|t| t.vpc.as_ref()).and_then(|id| cx.topology.vpcs.get(id));
    vpc.map_or_else(|| Scope::around(&entry.meta), |vpc| Scope::around(&vpc.meta))
}

/// Kind behind a next hop, and the listings that would have it. Next hops without an object of
/// their own, and those whose listings are made per CEN (an attachment may belong to another
/// account), are not judged.
fn expected(hop: &NextHopType) -> Option<(Kind, &'static [Listing])> {
    Some(match hop {
        NextHopType::Instance => (Kind::Instance, &[Listing::Instances]),
        NextHopType::NetworkInterface => (Kind::Eni, &[Listing::Enis]),
        NextHopType::HaVip => (Kind::HaVip, &[Listing::HaVips]),
        NextHopType::NatGateway => (Kind::NatGateway, &[Listing::NatGateways]),
        NextHopType::VpnGateway => (Kind::VpnGateway, &[Listing::VpnGateways]),
        NextHopType::RouterInterface => (Kind::RouterInterface, &[Listing::RouterInterfaces]),
        NextHopType::Ipv4Gateway => (Kind::Ipv4Gateway, &[Listing::Ipv4Gateways]),
        NextHopType::Ipv6Gateway => (Kind::Ipv6Gateway, &[Listing::Ipv6Gateways]),
        NextHopType::VpcPeer => (Kind::VpcPeer, &[Listing::VpcPeers]),
        NextHopType::GatewayEndpoint => (Kind::GatewayEndpoint, &[Listing::GatewayEndpoints]),
        NextHopType::GatewayLoadBalancerEndpoint => (Kind::Endpoint, &[Listing::Endpoints]),
        NextHopType::RouteTargetGroup => (Kind::RouteTargetGroup, &[Listing::RouteTargetGroups]),
        _ => return None,
    })
}

fn exists(topology: &Topology, kind: Kind, id: &Id) -> bool {
    match kind {
        Kind::Instance => topology.instances.get(id).is_some(),
        Kind::Eni => topology.enis.get(id).is_some(),
        Kind::HaVip => topology.havips.get(id).is_some(),
        Kind::NatGateway => topology.nat_gateways.get(id).is_some(),
        Kind::VpnGateway => topology.vpn_gateways.get(id).is_some(),
        Kind::RouterInterface => topology.router_interfaces.get(id).is_some(),
        Kind::Ipv4Gateway => topology.ipv4_gateways.get(id).is_some(),
        Kind::Ipv6Gateway => topology.ipv6_gateways.get(id).is_some(),
        Kind::VpcPeer => topology.vpc_peers.get(id).is_some(),
        Kind::GatewayEndpoint => topology.gateway_endpoints.get(id).is_some(),
        Kind::Endpoint => topology.endpoints.get(id).is_some(),
        Kind::RouteTargetGroup => topology.route_target_groups.get(id).is_some(),
        Kind::TransitAttachment => topology.transit_attachments.get(id).is_some(),
        Kind::Vpc => topology.vpcs.get(id).is_some(),
        Kind::VSwitch => topology.vswitches.get(id).is_some(),
        Kind::LoadBalancer => topology.load_balancers.get(id).is_some(),
        Kind::Eip => topology.eips.get(id).is_some(),
        _ => false,
    }
}

fn with_article(kind: Kind) -> String {
    let title = kind.title();
    let vowel = title.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O']);
    format!("{} {title}", if vowel { "an" } else { "a" })
}
