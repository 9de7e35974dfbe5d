//! RT002: a route to something that does not forward.

use std::collections::BTreeMap;

use super::tables::destination_text;
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    Collection, Eni, Id, Instance, Kind, Lifecycle, NextHop, NextHopType, Resource, RouteEntry,
    RouteOrigin,
};

pub(crate) struct NextHopUnhealthy;

static META: RuleMeta = RuleMeta {
    id: "RT002",
    name: "next-hop-unhealthy",
    summary: "the next hops of custom routes can forward",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "hop",
            message: "{hop} {says}, so packets to {destinations} are swallowed",
            help: "repair it, or point the routes at something that forwards",
        },
        Case {
            key: "disabled",
            message: "the health check took every next hop of {route} out, so packets to {destinations} are swallowed",
            help: "repair one of the lines behind {hops}",
        },
        Case {
            key: "route",
            message: "{route} is `{status}`, so packets to {destinations} do not follow it",
            help: "make the route anew",
        },
    ],
    page: include_str!("../../../rules/RT002-next-hop-unhealthy.md"),
};

/// What is wrong with a next hop.
struct Trouble<'a> {
    resource: &'a dyn Resource,
    field: &'static str,
    says: String,
}

impl Rule for NextHopUnhealthy {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let custom = cx.topology.route_entries.iter().filter(|entry| {
            !matches!(entry.origin, Some(RouteOrigin::System | RouteOrigin::Dynamic))
        });
        // one finding per hop, however many routes lead to it
        let mut broken: BTreeMap<(Kind, &Id), (Trouble<'_>, Vec<&RouteEntry>)> = BTreeMap::new();
        out.each(cx, custom, |entry, out| {
            if entry.lifecycle() == Lifecycle::Dead {
                report_route(entry, out);
                return Ok(());
            }
            let hops = entry.next_hops.as_deref().unwrap_or_default();
            if !hops.is_empty() && hops.iter().all(|hop| hop.enabled == Some(false)) {
                report_disabled(entry, hops, out);
                return Ok(());
            }
            let mut missing = Unknown::default();
            for hop in hops.iter().filter(|hop| hop.enabled != Some(false)) {
                match trouble(cx, hop) {
                    Ok(None) => {}
                    Ok(Some(found)) => {
                        let key = (found.resource.kind(), found.resource.id());
                        broken.entry(key).or_insert((found, Vec::new())).1.push(entry);
                    }
                    Err(unknown) => missing.missing.extend(unknown.missing),
                }
            }
            if missing.missing.is_empty() { Ok(()) } else { Err(missing) }
        });
        for (found, routes) in broken.into_values() {
            let to: Vec<String> = routes.iter().map(|entry| destination_text(entry)).collect();
            let mut finding = out
                .fail("hop")
                .on(found.resource, found.field)
                .fact("hop", found.resource.to_ref())
                .fact("says", found.says)
                .fact("destinations", first_of(&to, 4));
            for entry in routes {
                finding = finding.with(entry, "next_hops", "leads to it");
            }
            finding.emit();
        }
    }
}

fn report_route(entry: &RouteEntry, out: &mut Sink) {
    out.fail("route")
        .on(entry, "status")
        .fact("route", entry.to_ref())
        .fact("status", entry.meta.status.as_deref().unwrap_or_default())
        .fact("destinations", destination_text(entry))
        .emit();
}

fn report_disabled(entry: &RouteEntry, hops: &[NextHop], out: &mut Sink) {
    let ids: Vec<&Id> = hops.iter().filter_map(|hop| hop.id.as_ref()).collect();
    out.fail("disabled")
        .on(entry, "next_hops")
        .fact("route", entry.to_ref())
        .fact("hops", first_of(&ids, 4))
        .fact("destinations", destination_text(entry))
        .emit();
}

/// What keeps a next hop from forwarding. One that does not exist is RT001's, an IPv4 gateway
/// RT015's, an endpoint PL002's, a locked NAT gateway NAT028's (decisions.md 3).
fn trouble<'a>(cx: &Context<'a>, hop: &NextHop) -> Result<Option<Trouble<'a>>, Unknown> {
    let Some(id) = &hop.id else { return Ok(None) };
    let t = cx.topology;
    match &hop.hop_type {
        NextHopType::Instance => Ok(of_instance(find(&t.instances, Kind::Instance, id)?)?),
        NextHopType::NetworkInterface => of_eni(cx, find(&t.enis, Kind::Eni, id)?),
        NextHopType::HaVip => of_havip(cx, id),
        NextHopType::NatGateway => of_status(find(&t.nat_gateways, Kind::NatGateway, id)?, false),
        NextHopType::VpcPeer => of_status(find(&t.vpc_peers, Kind::VpcPeer, id)?, true),
        NextHopType::VpnGateway => of_status(find(&t.vpn_gateways, Kind::VpnGateway, id)?, true),
        NextHopType::RouterInterface => {
            of_status(find(&t.router_interfaces, Kind::RouterInterface, id)?, true)
        }
        NextHopType::Ipv6Gateway => of_status(find(&t.ipv6_gateways, Kind::Ipv6Gateway, id)?, true),
        NextHopType::GatewayEndpoint => {
            of_status(find(&t.gateway_endpoints, Kind::GatewayEndpoint, id)?, true)
        }
        NextHopType::RouteTargetGroup => {
            of_status(find(&t.route_target_groups, Kind::RouteTargetGroup, id)?, true)
        }
        NextHopType::Attachment => {
            of_status(find(&t.transit_attachments, Kind::TransitAttachment, id)?, true)
        }
        _ => Ok(None),
    }
}

fn find<'a, T>(all: &'a Collection<T>, kind: Kind, id: &Id) -> Result<&'a T, Unknown> {
    all.get(id).ok_or_else(|| Unknown::of(format!("{kind} {id} (not in the input)")))
}

/// By the status words alone.
fn of_status(resource: &dyn Resource, lock: bool) -> Result<Option<Trouble<'_>>, Unknown> {
    let meta = resource.meta();
    let trouble =
        |field, word: &str| Some(Trouble { resource, field, says: format!("is `{word}`") });
    if lock && resource.is_locked() {
        return Ok(trouble("business_status", meta.business_status.as_deref().unwrap_or("locked")));
    }
    let status = stated(meta.status.as_ref(), resource, "status")?;
    match resource.lifecycle() {
        Lifecycle::Dead => Ok(trouble("status", status)),
        // a connection may wait for its acceptance for days
        Lifecycle::Transitional if status.eq_ignore_ascii_case("accepting") => {
            Ok(trouble("status", status))
        }
        Lifecycle::Usable | Lifecycle::Transitional | Lifecycle::Unstated => Ok(None),
        Lifecycle::Unrecognised => {
            Err(Unknown::of(format!("status of {} (`{status}` is not known)", resource.id())))
        }
    }
}

fn of_instance(instance: &Instance) -> Result<Option<Trouble<'_>>, Unknown> {
    of_status(instance, false)
}

fn of_eni<'a>(cx: &Context<'a>, eni: &'a Eni) -> Result<Option<Trouble<'a>>, Unknown> {
    // a managed ENI hangs on a service and not on an instance
    if eni.service_managed == Some(true) {
        return Ok(None);
    }
    let detached = |field| Trouble { resource: eni, field, says: "is not attached".to_owned() };
    match stated(eni.instance.as_ref(), eni, "instance")? {
        None => Ok(Some(detached("instance"))),
        Some(instance) => match cx.topology.instances.get(instance) {
            Some(owner) => of_instance(owner),
            None => Err(Unknown::of(format!("instance {instance} (not in the input)"))),
        },
    }
}

fn of_havip<'a>(cx: &Context<'a>, id: &Id) -> Result<Option<Trouble<'a>>, Unknown> {
    let havip = find(&cx.topology.havips, Kind::HaVip, id)?;
    match stated(havip.master.as_ref(), havip, "master")? {
        None => {
            Ok(Some(Trouble { resource: havip, field: "master", says: "has no master".to_owned() }))
        }
        Some(master) => match (cx.topology.instances.get(master), cx.topology.enis.get(master)) {
            (Some(instance), _) => of_instance(instance),
            (None, Some(eni)) => of_eni(cx, eni),
            (None, None) => Err(Unknown::of(format!("master {master} (not in the input)"))),
        },
    }
}
