//! CLB011: servers of a CLB outside its VPC.

use std::collections::{BTreeMap, BTreeSet};

use super::within;
use crate::rules::facts::list;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    AddressType, Backend, BackendType, Id, Kind, Listing, LoadBalancer, LoadBalancerType,
    NetworkType, Resource, ResourceRef, ServerGroup,
};

pub(crate) struct BackendInOtherVpc;

static META: RuleMeta = RuleMeta {
    id: "CLB011",
    name: "backend-in-other-vpc",
    summary: "all servers of a CLB are in the CLB's VPC",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "other",
            message: "{server} behind {balancer} is in {place}, but the CLB is in VPC {vpc}, so it cannot be reached",
            help: "use servers of the CLB's VPC; for servers elsewhere use an ALB or NLB with a server group of type `Ip`",
        },
        Case {
            key: "mixed",
            message: "the servers behind {balancer} are in different networks: {places}; a CLB can only use one",
            help: "keep the servers of one VPC, and give the others a CLB of their own",
        },
    ],
    page: include_str!("../../../rules/CLB011-backend-in-other-vpc.md"),
};

impl Rule for BackendInOtherVpc {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut groups: BTreeMap<&Id, Vec<&ServerGroup>> = BTreeMap::new();
        for group in &cx.topology.server_groups {
            if let Some(lb) = &group.load_balancer {
                groups.entry(lb).or_default().push(group);
            }
        }
        let clbs = cx.topology.load_balancers.iter();
        let clbs = clbs.filter(|lb| lb.lb_type == Some(LoadBalancerType::Clb));
        out.each(cx, clbs, |lb, out| {
            let own = groups.get(lb.id()).map_or(&[][..], Vec::as_slice);
            check_clb(cx, lb, own, out)
        });
    }
}

/// Where a server is; ordered, so that messages are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Vpc(Id),
    Classic,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Vpc(id) => write!(f, "VPC {id}"),
            Self::Classic => f.write_str("the classic network"),
        }
    }
}

/// A server, with the resource that lists it.
struct Member<'a> {
    holder: &'a dyn Resource,
    field: &'static str,
    server: &'a dyn Resource,
    place: Place,
}

fn check_clb<'a>(
    cx: &Context<'a>,
    lb: &'a LoadBalancer,
    groups: &[&'a ServerGroup],
    out: &mut Sink,
) -> Result<(), Unknown> {
    let default = lb.default_backends.iter().flatten();
    let mut rows: Vec<(&dyn Resource, &'static str, &Backend)> =
        default.map(|b| (lb as &dyn Resource, "default_backends", b)).collect();
    for group in groups {
        let own = group.backends.iter().flatten();
        rows.extend(own.map(|b| (*group as &dyn Resource, "backends", b)));
    }
    let mut missing = unlisted(cx, lb, groups);
    let mut members = Vec::new();
    for (holder, field, backend) in rows {
        match locate(cx, backend) {
            Ok(Some((server, place))) => members.push(Member { holder, field, server, place }),
            Ok(None) => {}
            Err(unknown) => missing.missing.extend(unknown.missing),
        }
    }
    // exports of public CLBs carry no VPC (access.md §3.1)
    let vpc = match (&lb.address_type, &lb.network, &lb.vpc) {
        (Some(AddressType::Internet), _, _) | (_, Some(NetworkType::Classic), _) => None,
        (_, _, Some(Some(vpc))) => Some(vpc),
        _ => None,
    };
    match vpc {
        Some(vpc) => outside(lb, vpc, &members, out),
        None => mixed(lb, &members, out),
    }
    if missing.missing.is_empty() { Ok(()) } else { Err(missing) }
}

/// What is missing to know all servers of a CLB.
fn unlisted(cx: &Context<'_>, lb: &LoadBalancer, groups: &[&ServerGroup]) -> Unknown {
    let mut out = Unknown::default();
    let mut lacks = |outcome: Result<(), Unknown>| {
        if let Err(unknown) = outcome {
            out.missing.extend(unknown.missing);
        }
    };
    if lb.default_backends.is_none() {
        lacks(cx.need(Listing::ClbAttributes, &within(lb, lb.id())));
    }
    for listing in [Listing::ClbServerGroups, Listing::ClbMasterSlaveGroups] {
        lacks(cx.need(listing, &within(lb, lb.id())));
    }
    for group in groups {
        lacks(stated(group.backends.as_ref(), *group, "servers").map(|_| ()));
    }
    out
}

fn outside(lb: &LoadBalancer, vpc: &Id, members: &[Member<'_>], out: &mut Sink) {
    let mut seen = BTreeSet::new();
    for member in members.iter().filter(|m| m.place != Place::Vpc(vpc.clone())) {
        if !seen.insert((member.holder.id(), member.server.id())) {
            continue; // one server may be there with several ports
        }
        out.fail("other")
            .on(member.holder, member.field)
            .with_whole(member.server, format!("in {}", member.place))
            .fact("server", member.server.to_ref())
            .fact("balancer", lb.to_ref())
            .fact("place", &member.place)
            .fact("vpc", vpc)
            .emit();
    }
}

fn mixed(lb: &LoadBalancer, members: &[Member<'_>], out: &mut Sink) {
    let mut places: BTreeMap<&Place, Vec<ResourceRef>> = BTreeMap::new();
    for member in members {
        let servers = places.entry(&member.place).or_default();
        let server = member.server.to_ref();
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    if places.len() < 2 {
        return;
    }
    let texts: Vec<String> =
        places.iter().map(|(place, servers)| format!("{} in {place}", list(servers))).collect();
    let mut finding = out
        .fail("mixed")
        .on_whole(lb)
        .fact("balancer", lb.to_ref())
        .fact("places", texts.join("; "));
    for server in places.into_values().flatten() {
        finding = finding.about(server);
    }
    finding.emit();
}

/// The server behind a row, and where it is; `None` for servers that are not in any export.
fn locate<'a>(
    cx: &Context<'a>,
    backend: &Backend,
) -> Result<Option<(&'a dyn Resource, Place)>, Unknown> {
    let Some(id) = &backend.server else { return Ok(None) };
    let eni = cx.topology.enis.get(id);
    let instance = cx.topology.instances.get(id);
    let (server, vpc): (&dyn Resource, _) = match (&backend.backend_type, eni, instance) {
        (Some(BackendType::Instance) | None, _, Some(instance)) => {
            if instance.network == Some(NetworkType::Classic) {
                return Ok(Some((instance, Place::Classic)));
            }
            (instance, &instance.vpc)
        }
        (Some(BackendType::Eni) | None, Some(eni), _) => (eni, &eni.vpc),
        // a server that does not exist is REF009's
        (Some(BackendType::Instance) | None, ..) => {
            return Err(Unknown::of(format!("{} {id} (not in the input)", Kind::Instance)));
        }
        (Some(BackendType::Eni), ..) => {
            return Err(Unknown::of(format!("{} {id} (not in the input)", Kind::Eni)));
        }
        (Some(_), ..) => return Ok(None),
    };
    match vpc {
        Some(vpc) => Ok(Some((server, Place::Vpc(vpc.clone())))),
        None => Err(Unknown::of(format!("VPC of {id} (not stated)"))),
    }
}
