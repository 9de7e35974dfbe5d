//! NAT025: hosts behind a NAT gateway that call an address of the same gateway (egress.md §5.4).

use std::collections::{BTreeMap, BTreeSet};

use super::is_internet;
use crate::analyze::trace::{From, Trace, trace};
use crate::packet::Protocol;
use crate::rules::facts::{first_of, list};
use crate::rules::paths::{Client, clients, question, resource};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::simulate::Reason;
use crate::topology::{
    AddrValue, DnatEntry, EipBindMode, Id, NatGateway, NatPort, NatProtocol, Resource, ResourceRef,
};

pub(crate) struct NatHairpin;

static META: RuleMeta = RuleMeta {
    id: "NAT025",
    name: "nat-hairpin",
    summary: "hosts behind a NAT gateway can use the public addresses that it publishes",
    severity: Severity::Warning,
    pack: Pack::Strict,
    needs: &[],
    cases: &[Case {
        key: "multi-binded",
        message: "{nat} is in mode MULTI_BINDED and does not turn packets back to itself, so hosts behind it, such as {hosts}, cannot use what it publishes: {addresses}",
        help: "if they call each other by the public address, use the private one instead, or bring the gateway to mode NAT",
    }],
    page: include_str!("../../../rules/NAT025-nat-hairpin.md"),
};

/// Hosts that are tried per gateway: one that cannot call is enough for a finding.
const MOST: usize = 32;

/// May a route of the vSwitch lead to the gateway?
fn leads_to(cx: &Context<'_>, vswitch: Option<&Id>, nat: &NatGateway) -> bool {
    vswitch.is_none_or(|id| cx.fabric.vswitch_routes_to(id, &nat.to_ref()).unwrap_or(true))
}

impl Rule for NatHairpin {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let clients = clients(cx);
        out.each(cx, &cx.topology.nat_gateways, |nat, out| {
            let affected = !matches!(nat.eip_bind_mode, Some(EipBindMode::Nat));
            let of_vpc = nat.vpc.as_ref().and_then(|vpc| clients.get(vpc));
            let (true, true, Some(of_vpc)) = (affected, is_internet(nat), of_vpc) else {
                return Ok(());
            };
            // two hosts per vSwitch, as one may be the target: the others leave in the same way
            let mut seen: BTreeMap<Option<&Id>, (usize, bool)> = BTreeMap::new();
            let kinds: Vec<&Client<'_>> = of_vpc
                .iter()
                .filter(|client| {
                    let vswitch = client.point.vswitch.as_ref();
                    let (count, routed) =
                        seen.entry(vswitch).or_insert_with(|| (0, leads_to(cx, vswitch, nat)));
                    *count += 1;
                    *routed && *count <= 2
                })
                .take(MOST)
                .collect();
            judge(cx, nat, &kinds, out)
        });
    }
}

fn judge(
    cx: &Context<'_>,
    nat: &NatGateway,
    kinds: &[&Client<'_>],
    out: &mut Sink,
) -> Result<(), Unknown> {
    let mut hosts: BTreeSet<&ResourceRef> = BTreeSet::new();
    let mut entries: BTreeMap<String, &DnatEntry> = BTreeMap::new();
    let mut missing = BTreeSet::new();
    for entry in &cx.topology.dnat_entries {
        let owner = cx.gateway_of(entry.nat_gateway.as_ref(), entry.table.as_ref());
        let external = entry.external_ip.as_ref().and_then(AddrValue::addr);
        let (Some(owner), Some(external)) = (owner, external) else { continue };
        if owner.id() != nat.id() {
            continue;
        }
        let port = match entry.external_port {
            Some(NatPort::Range(first, _)) => first,
            Some(NatPort::Any) => 443,
            _ => continue,
        };
        let protocol = match entry.protocol {
            Some(NatProtocol::Udp) => Protocol::Udp,
            _ => Protocol::Tcp,
        };
        for client in kinds {
            // the target itself has no reason to go round
            if entry.internal_ip.as_ref() == Some(&client.point.address) {
                continue;
            }
            let from = From::Source(client.index);
            let question = question(from, external, None, protocol, port);
            let Some(trace) = trace(cx.fabric, &question) else { continue };
            if turns_back(cx, nat, &trace) {
                hosts.extend(client.point.instance.as_ref());
                entries.entry(format!("{external}:{port}/{protocol}")).or_insert(entry);
            }
            // the mode is all that this rule asks for
            let mode = format!("EipBindMode of {}", nat.id());
            missing.extend(
                trace.missing.iter().map(ToString::to_string).filter(|m| m.contains(&mode)),
            );
        }
    }
    let Some(first) = entries.values().next() else {
        return if missing.is_empty() { Ok(()) } else { Err(Unknown { missing }) };
    };
    let addresses: Vec<&String> = entries.keys().collect();
    let hosts: Vec<&ResourceRef> = hosts.into_iter().take(2).collect();
    // nothing says that they do (rules.md NAT025: a warning with a declared flow)
    out.fail("multi-binded")
        .severity(Severity::Note)
        .on(nat, "eip_bind_mode")
        .with(*first, "external_ip", "published here")
        .fact("nat", nat.to_ref())
        .fact("hosts", list(&hosts))
        .fact("addresses", first_of(&addresses, 3))
        .emit();
    Ok(())
}

/// Does the flow come back to the gateway that sent it, and is dropped there?
fn turns_back(cx: &Context<'_>, nat: &NatGateway, trace: &Trace) -> bool {
    trace.blockers().iter().any(|blocker| {
        blocker.reason == Reason::HairpinMultiBinded
            && resource(cx.fabric, blocker.at).is_some_and(|r| r.id == *nat.id())
    })
}
