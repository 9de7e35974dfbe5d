//! PL006: what the security groups of an endpoint admit (access.md §1.6, §4.6 step 2).

use std::net::IpAddr;

use super::{Asked, asked, interfaces, no_clients, vpc_of};
use crate::addr::AddrSet;
use crate::fabric::{Header, Host};
use crate::packet::WITNESS_SRC_PORT;
use crate::rules::facts::{Blocks, first_of, list};
use crate::rules::paths::{Client, admitted, clients, filter, hosts_of};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{Endpoint, Id, Kind, Listing, Resource, Scope};

pub(crate) struct EndpointSgBlocksListener;

static META: RuleMeta = RuleMeta {
    id: "PL006",
    name: "endpoint-sg-blocks-listener",
    summary: "the security groups of an endpoint admit its clients on every port of the service",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "none",
            message: "the security groups of {endpoint} ({groups}) admit no host of {vpc} on {service}, where {listener} listens",
            help: "add a rule to one of the groups: accept {service} from the blocks of the clients",
        },
        Case {
            key: "others",
            message: "the security groups of {endpoint} ({groups}) admit no host of {vpc} on {service}, only addresses outside the VPC such as {outside}",
            help: "if hosts of the VPC are to use the endpoint, accept {service} from their blocks too",
        },
        Case {
            key: "some",
            message: "the security groups of {endpoint} ({groups}) admit {passing} of the {count} hosts of {vpc} on {service}; not {blocked}",
            help: "if these hosts are to use the endpoint, accept {service} from their blocks too",
        },
    ],
    page: include_str!("../../../rules/PL006-endpoint-sg-blocks-listener.md"),
};

impl Rule for EndpointSgBlocksListener {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let clients = clients(cx);
        let hosts = hosts_of(cx.fabric, Kind::Endpoint);
        out.each(cx, interfaces(cx), |endpoint, out| {
            let vpc = vpc_of(cx, endpoint)?;
            let of_vpc = clients.get(vpc).map_or(&[][..], Vec::as_slice);
            if endpoint.security_groups.as_ref().is_some_and(Vec::is_empty) {
                return Ok(()); // PL007
            }
            let scope = Scope::around(&endpoint.meta).with_parent(endpoint.id());
            if endpoint.security_groups.is_none() {
                cx.need(Listing::EndpointSecurityGroups, &scope)?;
                return Ok(());
            }
            if of_vpc.is_empty() {
                return no_clients(cx, endpoint);
            }
            let Some((_, host)) = hosts.get(endpoint.id()).and_then(|list| list.first()) else {
                return Err(Unknown::of(format!("address of {} (not stated)", endpoint.id())));
            };
            for asked in asked(cx, endpoint)? {
                let outcome = judge(cx, endpoint, vpc, host, &asked, of_vpc, out);
                out.settle(outcome);
            }
            Ok(())
        });
    }
}

fn judge(
    cx: &Context<'_>,
    endpoint: &Endpoint,
    vpc: &Id,
    host: &Host,
    asked: &Asked<'_>,
    clients: &[Client<'_>],
    out: &mut Sink,
) -> Result<(), Unknown> {
    let Some(stage) = filter(cx.fabric, &host.inbound, "security_group") else { return Ok(()) };
    // the groups of all ENIs of an endpoint are the same, so one of them tells for all
    let header = Header {
        src: None,
        dst: host.address,
        protocol: asked.protocol,
        src_port: WITNESS_SRC_PORT,
        dst_port: asked.port,
        home: Some(host.network),
        sender: None,
    };
    let admitted = admitted(&stage.table, &header);
    let passing = clients.iter().filter(|c| admitted.passed.contains(c.address)).count();
    let is_open = |c: &&Client<'_>| admitted.open.contains(c.address);
    let blocked: Vec<IpAddr> = clients
        .iter()
        .filter(|c| !admitted.passed.contains(c.address) && !is_open(c))
        .map(|c| c.address)
        .collect();
    if passing == clients.len() {
        return Ok(());
    }
    // with nobody let in for certain, those of whom it cannot be told decide
    if passing + blocked.len() < clients.len() && (passing == 0 || blocked.is_empty()) {
        return Err(admitted.missing);
    }
    let outside = outside(cx, vpc, &admitted.passed);
    let finding = match (passing, outside) {
        (0, None) => out.fail("none"),
        (0, Some(block)) => out.fail("others").severity(Severity::Warning).fact("outside", block),
        _ => out.fail("some").severity(Severity::Warning),
    };
    let groups: Vec<&Id> = endpoint.security_groups.iter().flatten().collect();
    let mut finding = finding.on(endpoint, "security_groups");
    for group in groups.iter().filter_map(|id| cx.topology.security_groups.get(id)) {
        finding = finding.with_whole(group, "decides what comes in");
    }
    finding
        .with_whole(asked.listener, "listens behind the endpoint")
        .fact("endpoint", endpoint.to_ref())
        .fact("groups", first_of(&groups, 3))
        .fact("vpc", format!("VPC {vpc}"))
        .fact("service", format!("{} {}", asked.protocol, asked.port))
        .fact("listener", asked.listener.to_ref())
        .fact("count", clients.len())
        .fact("passing", passing)
        .fact("blocked", list(&shortened(&blocked)))
        .discriminator(asked.protocol)
        .discriminator(asked.port)
        .emit();
    Ok(())
}

fn shortened(addresses: &[IpAddr]) -> Vec<String> {
    let mut out: Vec<String> = addresses.iter().take(3).map(IpAddr::to_string).collect();
    if addresses.len() > 3 {
        out.push(format!("{} more", addresses.len() - 3));
    }
    out
}

/// A block outside the VPC that is let in: clients may sit in connected networks.
fn outside(cx: &Context<'_>, vpc: &Id, passed: &AddrSet) -> Option<String> {
    let own = Blocks::of(cx.topology.vpcs.get(vpc)?);
    let rest = passed.difference(&AddrSet::from_cidrs(passed.family(), own.known()));
    rest.to_cidrs().first().map(ToString::to_string)
}
