//! PL022: from a client through an endpoint to a backend and back (access.md §4.6).

use std::collections::BTreeSet;

use super::{Asked, asked, interfaces, no_clients, service_of, vpc_of};
use crate::addr::{AddrRange, Family};
use crate::analyze::trace::{Connection, From, Trace, trace};
use crate::fabric::{ElementId, Fabric, Host, HostId, StageId};
use crate::packet::Packet;
use crate::rules::paths::{Client, clients, hosts_of, question, reach, resource};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{Endpoint, Kind, Resource, ResourceRef, Text};

pub(crate) struct PrivatelinkPathBroken;

static META: RuleMeta = RuleMeta {
    id: "PL022",
    name: "privatelink-path-broken",
    summary: "clients get through an endpoint to a backend of the service, and the replies back",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "broken",
        message: "no client gets through {endpoint} to a backend on {service}: {hop}",
        help: "mend {place} first; `vpclint trace` from a client to {address} shows all that stands in the way",
    }],
    page: include_str!("../../../rules/PL022-privatelink-path-broken.md"),
};

/// Rules that name the cause themselves (decisions.md 5). Addresses and zones of the endpoint that
/// do not fit are such causes too.
const CAUSES: [&str; 23] = [
    "PL001", "PL002", "PL004", "PL005", "PL006", "PL007", "PL009", "PL015", "CLB001", "CLB002",
    "CLB003", "CLB004", "CLB005", "CLB009", "CLB011", "CLB016", "ACL001", "ACL004", "ZONE001",
    "ZONE002", "ZONE004", "CIDR007", "CIDR008",
];

/// Kinds of clients that are tried before nobody can tell: each is one that no table on the way
/// tells from others.
const MOST: usize = 64;

impl Rule for PrivatelinkPathBroken {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let clients = clients(cx);
        let hosts = hosts_of(cx.fabric, Kind::Endpoint);
        out.each(cx, interfaces(cx), |endpoint, out| {
            let of_vpc = clients.get(vpc_of(cx, endpoint)?).map_or(&[][..], Vec::as_slice);
            if of_vpc.is_empty() {
                return no_clients(cx, endpoint);
            }
            let Some(doors) = hosts.get(endpoint.id()) else {
                return Err(Unknown::of(format!("address of {} (not stated)", endpoint.id())));
            };
            for asked in asked(cx, endpoint)? {
                let outcome = judge(cx, endpoint, doors, of_vpc, &asked, out);
                out.settle(outcome);
            }
            Ok(())
        });
    }
}

/// A client that does not get through.
struct Failure {
    trace: Trace,
    packet: Packet,
}

fn judge(
    cx: &Context<'_>,
    endpoint: &Endpoint,
    doors: &[(HostId, &Host)],
    clients: &[Client<'_>],
    asked: &Asked<'_>,
    out: &mut Sink,
) -> Result<(), Unknown> {
    let mut missing: BTreeSet<String> = BTreeSet::new();
    let mut first: Option<Failure> = None;
    let mut tried = 0;
    for (id, host) in doors {
        // clients are sorted so that those alike stand together
        let mut same: Option<(StageId, Option<ElementId>, AddrRange)> = None;
        for client in clients {
            let point = client.point;
            let number = Family::number(client.address);
            let known = same.as_ref().is_some_and(|(entry, sender, range)| {
                *entry == point.entry && *sender == point.sender && range.contains(number)
            });
            if known || client.address == host.address {
                continue;
            }
            if tried == MOST {
                let text = format!("clients of {} of more than {MOST} kinds", endpoint.id());
                return Err(Unknown::of(text));
            }
            tried += 1;
            let from = From::Source(client.index);
            let question = question(from, host.address, Some(*id), asked.protocol, asked.port);
            let Some(trace) = trace(cx.fabric, &question) else { continue };
            match trace.connection {
                Connection::Works | Connection::Partial => return Ok(()),
                Connection::Unknown => missing.extend(trace.missing.iter().map(Text::to_string)),
                Connection::Fails => {}
            }
            same = Some((point.entry, point.sender, reach(cx.fabric, &trace, client.address)));
            if trace.connection == Connection::Fails && first.is_none() {
                let packet = Packet {
                    src: client.address,
                    dst: host.address,
                    protocol: asked.protocol,
                    src_port: question.src_port,
                    dst_port: asked.port,
                };
                first = Some(Failure { trace, packet });
            }
        }
    }
    match first {
        Some(failure) if missing.is_empty() => report(cx, endpoint, asked, &failure, out),
        _ if missing.is_empty() => {}
        _ => return Err(Unknown { missing }),
    }
    Ok(())
}

fn report(
    cx: &Context<'_>,
    endpoint: &Endpoint,
    asked: &Asked<'_>,
    failure: &Failure,
    out: &mut Sink,
) {
    let trace = &failure.trace;
    let best = trace.best();
    let there = best.and_then(|branch| branch.forward.blockers.first());
    let back = || best.and_then(|branch| branch.back.as_ref()?.blockers.first());
    let (hop, place) = match there.or_else(back) {
        Some(blocker) => {
            let place = resource(cx.fabric, blocker.at).map_or_else(String::new, |r| r.to_string());
            let way = if there.is_some() { "" } else { " on the way back" };
            (format!("at {place}{way}, {}", blocker.reason.says()), place)
        }
        None => ("the connection fails".to_owned(), "the path".to_owned()),
    };
    let mut finding = out
        .fail("broken")
        .on(endpoint, "zones")
        .with_whole(asked.listener, "listens behind the endpoint")
        .fact("endpoint", endpoint.to_ref())
        .fact("service", format!("{} {}", asked.protocol, asked.port))
        .fact("hop", hop)
        .fact("place", place)
        .fact("address", format!("{}:{}", failure.packet.dst, asked.port))
        .witness(failure.packet)
        .discriminator(asked.protocol)
        .discriminator(asked.port);
    for reference in on_path(cx, endpoint, asked, trace) {
        for rule in CAUSES {
            finding = finding.unless_reported_about(rule, reference.clone());
        }
    }
    finding.emit();
}

/// Everything that the flow meets, and what the endpoint is made of.
fn on_path(
    cx: &Context<'_>,
    endpoint: &Endpoint,
    asked: &Asked<'_>,
    trace: &Trace,
) -> BTreeSet<ResourceRef> {
    let mut out = BTreeSet::from([endpoint.to_ref(), asked.listener.to_ref()]);
    let topology = cx.topology;
    let connections = topology.endpoint_connections.iter();
    let of_endpoint = connections.filter(|c| c.endpoint.as_ref() == Some(endpoint.id()));
    out.extend(of_endpoint.map(Resource::to_ref));
    if let Ok(service) = service_of(cx, endpoint) {
        out.insert(service.to_ref());
        let balancers = service.resources.iter().flatten();
        out.extend(
            balancers
                .filter_map(|r| topology.load_balancers.get(&r.resource))
                .map(Resource::to_ref),
        );
    }
    let groups = asked.listener.server_groups.iter().flatten();
    out.extend(groups.filter_map(|id| topology.server_groups.get(id)).map(Resource::to_ref));
    for branch in &trace.branches {
        let back = branch.back.iter().flat_map(|back| &back.parts);
        for path in std::iter::once(&branch.forward).chain(back) {
            for hop in &path.hops {
                let stage = stage_at(cx.fabric, hop.stage);
                out.extend(
                    stage
                        .into_iter()
                        .chain(hop.element)
                        .filter_map(|id| resource(cx.fabric, id).cloned()),
                );
            }
        }
    }
    out
}

fn stage_at(fabric: &Fabric, id: StageId) -> Option<ElementId> {
    fabric.stage(id).map(|stage| stage.at)
}
