//! RT014 and RT015: VPCs whose Internet access an IPv4 gateway controls (egress.md §3).

use std::collections::{BTreeMap, BTreeSet};

use super::tables::{Tables, split};
use crate::addr::{AddrSet, Family};
use crate::analyze::egress::SourceEgress;
use crate::fabric::{InternetMode, OwnPublic, VpcSpace};
use crate::rules::facts::{first_of, routes_of_vpc};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    AddrValue, Eip, EipTarget, Id, Ipv4Gateway, NextHopType, Resource, ResourceRef, RouteEntry,
};

pub(crate) struct Ipv4gwInactiveOrUnrouted;

static GATEWAY: RuleMeta = RuleMeta {
    id: "RT015",
    name: "ipv4gw-inactive-or-unrouted",
    summary: "an IPv4 gateway is activated and some route leads to it",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "inactive",
            message: "{gateway} is not activated, so {effect}",
            help: "activate it (`EnableVpcIpv4Gateway`, naming the route tables that get a default route), or delete it; activating changes how everything in the VPC reaches the Internet",
        },
        Case {
            key: "unrouted",
            message: "{gateway} is activated, but no route of {vpc} leads to it, so nothing in the VPC reaches the Internet{users}",
            help: "add a route for 0.0.0.0/0 to the gateway to the tables of public vSwitches, also to that of the NAT gateway's own vSwitch",
        },
    ],
    page: include_str!("../../../rules/RT015-ipv4gw-inactive-or-unrouted.md"),
};

impl Rule for Ipv4gwInactiveOrUnrouted {
    fn meta(&self) -> &'static RuleMeta {
        &GATEWAY
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.ipv4_gateways, |gateway, out| {
            let vpc = cx.vpc(gateway, gateway.vpc.as_ref())?;
            let leads_here = |entry: &&RouteEntry| leads_to(entry, gateway);
            if !*stated(gateway.enabled.as_ref(), gateway, "whether it is activated")? {
                let routed = cx.topology.route_entries.iter().find(leads_here);
                let effect = match routed {
                    Some(_) => "the routes to it swallow packets",
                    None => "it does nothing",
                };
                let mut finding = out
                    .fail("inactive")
                    .on(gateway, "enabled")
                    .fact("gateway", gateway.to_ref())
                    .fact("effect", effect);
                if let Some(route) = routed {
                    finding = finding.with(route, "next_hops", "leads to it");
                }
                finding.emit();
                return Ok(());
            }
            if routes_of_vpc(cx, vpc)?.iter().any(leads_here) {
                return Ok(());
            }
            let users = public_users(cx, vpc.id());
            let names: Vec<&ResourceRef> = users.iter().collect();
            let text = match names.as_slice() {
                [] => String::new(),
                _ => format!("; {} would need it", first_of(&names, 4)),
            };
            let finding = out.fail("unrouted");
            // with public addresses it is an outage (decisions.md 11)
            let finding =
                if users.is_empty() { finding } else { finding.severity(Severity::Error) };
            finding
                .on_whole(gateway)
                .fact("gateway", gateway.to_ref())
                .fact("vpc", vpc.to_ref())
                .fact("users", text)
                .emit();
            Ok(())
        });
    }
}

fn leads_to(entry: &RouteEntry, gateway: &Ipv4Gateway) -> bool {
    entry.next_hops.iter().flatten().any(|hop| {
        hop.hop_type == NextHopType::Ipv4Gateway
            && hop.id.as_ref().is_none_or(|id| id == gateway.id())
    })
}

/// What has a public address in a VPC: hosts and NAT gateways.
fn public_users(cx: &Context<'_>, vpc: &Id) -> BTreeSet<ResourceRef> {
    let mut out: BTreeSet<ResourceRef> = cx
        .egress
        .sources
        .iter()
        .filter(|s| s.vpc.as_ref() == Some(vpc))
        .filter(|s| matches!(&s.own, OwnPublic::Held(held) if !held.is_translation()))
        .filter(|s| s.address.addr().is_none_or(|a| a.is_ipv4()))
        .map(holder)
        .collect();
    for nat in cx.topology.nat_gateways.iter().filter(|nat| nat.vpc.as_ref() == Some(vpc)) {
        let bound = |eip: &Eip| {
            eip.target == Some(Some(EipTarget::NatGateway))
                && eip.target_id.as_ref().and_then(Option::as_ref) == Some(nat.id())
        };
        if nat.eips.as_ref().is_some_and(|eips| !eips.is_empty())
            || cx.topology.eips.iter().any(bound)
        {
            out.insert(nat.to_ref());
        }
    }
    out
}

/// What has the address in the eyes of a person.
fn holder(source: &SourceEgress) -> ResourceRef {
    let host = source.havip.as_ref().or(source.instance.as_ref());
    host.unwrap_or(&source.eni).clone()
}

pub(crate) struct PublicIpWithoutIpv4gwRoute;

static PUBLIC: RuleMeta = RuleMeta {
    id: "RT014",
    name: "public-ip-without-ipv4gw-route",
    summary: "behind an activated IPv4 gateway, whatever has a public IP is in a vSwitch that is routed to the gateway",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "private",
        message: "{hosts} in {vswitch} has public addresses of its own ({addresses}), but the vSwitch's {route}; behind an activated IPv4 gateway they work in neither direction",
        help: "add a route for 0.0.0.0/0 to the IPv4 gateway to the table of the vSwitch, or release the addresses",
    }],
    page: include_str!("../../../rules/RT014-public-ip-without-ipv4gw-route.md"),
};

impl Rule for PublicIpWithoutIpv4gwRoute {
    fn meta(&self) -> &'static RuleMeta {
        &PUBLIC
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let tables = Tables::new(cx);
        // one finding per vSwitch and holder
        let mut holders: BTreeMap<(&Id, ResourceRef), Vec<&SourceEgress>> = BTreeMap::new();
        let v4 = |s: &&SourceEgress| s.address.addr().is_none_or(|a| a.is_ipv4());
        for source in cx.egress.sources.iter().filter(v4) {
            let held = match &source.own {
                OwnPublic::None => false,
                OwnPublic::Held(held) => !held.is_translation(),
                OwnPublic::Unknown(_) => true,
            };
            if let Some(vswitch) = &source.vswitch
                && held
            {
                holders.entry((vswitch, holder(source))).or_default().push(source);
            }
        }
        for ((vswitch, holder), sources) in holders {
            let outcome = public_ip(cx, &tables, vswitch, &holder, &sources, out);
            out.settle(outcome);
        }
    }
}

fn public_ip(
    cx: &Context<'_>,
    tables: &Tables<'_>,
    vswitch: &Id,
    holder: &ResourceRef,
    sources: &[&SourceEgress],
    out: &mut Sink,
) -> Result<(), Unknown> {
    let space = sources.iter().find_map(|s| cx.fabric.space(s.vpc.as_deref()?));
    let Some(space) = space else {
        return Err(Unknown::of(format!("VPC of {vswitch} (not stated)")));
    };
    // elsewhere a public address of one's own beats the routes
    if space.mode != InternetMode::Central && space.mode_assumption.is_none() {
        return Ok(());
    }
    let found = cx.topology.vswitches.get(vswitch);
    let found =
        found.ok_or_else(|| Unknown::of(format!("vSwitch {vswitch} (not in the input)")))?;
    let table = tables.of_vswitch(found)?;
    let Some(route) = default_way(tables, table, space)? else { return Ok(()) };
    if let Some(assumed) = &space.mode_assumption {
        return Err(Unknown::of(assumed.to_string()));
    }
    let mut addresses: BTreeSet<&AddrValue> = BTreeSet::new();
    let mut missing = Unknown::default();
    let mut by: Vec<&ResourceRef> = Vec::new();
    for source in sources {
        match &source.own {
            OwnPublic::Held(held) => {
                addresses.insert(&held.address);
                by.extend(held.by.iter().filter(|r| *r != holder));
            }
            OwnPublic::Unknown(lacks) => {
                missing.missing.extend(lacks.iter().map(ToString::to_string));
            }
            OwnPublic::None => {}
        }
    }
    if addresses.is_empty() {
        return Err(missing);
    }
    let list: Vec<&AddrValue> = addresses.into_iter().collect();
    let mut finding = out.fail("private");
    let resource = resource_of(cx, holder);
    finding = match resource {
        Some(resource) => finding.on_whole(resource),
        None => finding.about(holder.clone()),
    };
    finding = finding.with(found, "route_table", "has no way to the IPv4 gateway");
    for reference in by {
        finding = finding.about(reference.clone());
    }
    let gateway = cx.topology.ipv4_gateways.iter().find(|g| g.vpc == found.vpc);
    if let Some(gateway) = gateway {
        finding = finding.unless_reported("RT015", gateway);
    }
    finding
        .fact("hosts", holder)
        .fact("vswitch", found.to_ref())
        .fact("addresses", first_of(&list, 4))
        .fact("route", route)
        .emit();
    Ok(())
}

fn resource_of<'a>(cx: &Context<'a>, holder: &ResourceRef) -> Option<&'a dyn Resource> {
    let t = cx.topology;
    let instance = t.instances.get(&holder.id).map(|r| r as &dyn Resource);
    let eni = t.enis.get(&holder.id).map(|r| r as &dyn Resource);
    let havip = t.havips.get(&holder.id).map(|r| r as &dyn Resource);
    [instance, eni, havip].into_iter().flatten().find(|r| r.kind() == holder.kind)
}

/// Where a table sends the Internet, if no part of it goes to the IPv4 gateway.
fn default_way(
    tables: &Tables<'_>,
    table: &Id,
    space: &VpcSpace,
) -> Result<Option<String>, Unknown> {
    let public: &AddrSet = space.public(Family::V4);
    let to_gateway = |entry: &RouteEntry| {
        entry.next_hops.iter().flatten().any(|hop| hop.hop_type == NextHopType::Ipv4Gateway)
    };
    let routes = match tables.routes(table) {
        Ok(routes) => routes,
        // a route to the gateway is enough to know
        Err(_) if tables.entries(table).iter().any(|e| to_gateway(e)) => return Ok(None),
        Err(unknown) => return Err(unknown),
    };
    let parts = split(&routes, public);
    if parts.iter().any(|(_, entry)| entry.is_some_and(to_gateway)) {
        return Ok(None);
    }
    let default = parts.iter().rev().find_map(|(_, entry)| *entry);
    let hop = default.and_then(|entry| {
        let hop = entry.next_hops.as_ref()?.first()?;
        Some(match &hop.id {
            Some(id) => format!("{} {id}", hop.hop_type),
            None => hop.hop_type.to_string(),
        })
    });
    Ok(Some(match hop {
        Some(hop) => format!("routes lead to {hop}"),
        None => "table has no route to the Internet".to_owned(),
    }))
}
