//! REF006 and REF007: SNAT and DNAT entries with addresses that are not on their gateway.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::facts::{gateway_of_entry, list};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{AddrValue, Id, Listing, NatGateway, NatNetwork, Resource, Scope, Value};

pub(crate) struct SnatIpNotOnGateway;

static SNAT: RuleMeta = RuleMeta {
    id: "REF006",
    name: "snat-ip-not-on-gateway",
    summary: "the addresses of an SNAT entry are on its NAT gateway",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: CASES,
    page: include_str!("../../../rules/REF006-snat-ip-not-on-gateway.md"),
};

/// Both rules say the same about their entries.
const CASES: &[Case] = &[
    Case {
        key: "elsewhere",
        message: "{address} of {entry} is not on {gateway}: {eip} is bound to {target}",
        help: "bind {eip} to the gateway, or use one of the gateway's addresses ({addresses}) in the entry",
    },
    Case {
        key: "unbound",
        message: "{address} of {entry} is not on {gateway}: {eip} is bound to nothing",
        help: "bind {eip} to the gateway, or use one of the gateway's addresses ({addresses}) in the entry",
    },
    Case {
        key: "absent",
        message: "{address} of {entry} is not on {gateway}",
        help: "the gateway has {addresses}; bind the address to it, or correct the entry",
    },
];

impl Rule for SnatIpNotOnGateway {
    fn meta(&self) -> &'static RuleMeta {
        &SNAT
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut known = Known::default();
        out.each(cx, &cx.topology.snat_entries, |entry, out| {
            let ips = match (&entry.snat_ips, &entry.eni) {
                (Some(ips), _) => ips,
                (None, Some(_)) => return Ok(()), // uses the addresses of an ENI instead
                (None, None) => {
                    return Err(Unknown::of(format!("addresses of {} (not stated)", entry.id())));
                }
            };
            let (gateway, table) = (entry.nat_gateway.as_ref(), entry.table.as_ref());
            let nat = gateway_of_entry(cx, entry, gateway, table)?;
            let addresses = known.of(cx, nat);
            ips.iter().try_for_each(|ip| judge(cx, nat, addresses, entry, "snat_ips", ip, out))
        });
    }
}

pub(crate) struct DnatIpNotOnGateway;

static DNAT: RuleMeta = RuleMeta {
    id: "REF007",
    name: "dnat-ip-not-on-gateway",
    summary: "the public address of a DNAT entry is on its NAT gateway",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: CASES,
    page: include_str!("../../../rules/REF007-dnat-ip-not-on-gateway.md"),
};

impl Rule for DnatIpNotOnGateway {
    fn meta(&self) -> &'static RuleMeta {
        &DNAT
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut known = Known::default();
        out.each(cx, &cx.topology.dnat_entries, |entry, out| {
            let ip = crate::rules::stated(entry.external_ip.as_ref(), entry, "external address")?;
            let (gateway, table) = (entry.nat_gateway.as_ref(), entry.table.as_ref());
            let nat = gateway_of_entry(cx, entry, gateway, table)?;
            judge(cx, nat, known.of(cx, nat), entry, "external_ip", ip, out)
        });
    }
}

fn judge(
    cx: &Context<'_>,
    nat: &NatGateway,
    (addresses, missing): &Addresses<'_>,
    entry: &dyn Resource,
    field: &'static str,
    ip: &AddrValue,
    out: &mut Sink,
) -> Result<(), Unknown> {
    if addresses.contains(ip) {
        return Ok(());
    }
    if let Some(missing) = missing {
        return Err(missing.clone());
    }
    // two masks with different texts are different addresses; a mask and an address may be the same
    let comparable =
        |other: &&AddrValue| matches!(other, Value::Known(_)) == matches!(ip, Value::Known(_));
    if let Some(other) = addresses.iter().find(|a| !comparable(a)) {
        return Err(Unknown::of(format!(
            "whether {ip} of {} and {other} of {} are the same address",
            entry.id(),
            nat.id()
        )));
    }
    let eip = cx.topology.eips.iter().find(|eip| eip.address.as_ref() == Some(ip));
    let target = eip.map(|eip| eip.target_id.as_ref().and_then(Option::as_ref));
    let shown: Vec<&AddrValue> = addresses.iter().copied().collect();
    let mut draft = out
        .fail(match target {
            Some(Some(_)) => "elsewhere",
            Some(None) => "unbound",
            None => "absent",
        })
        .on(entry, field)
        .with_whole(nat, "the gateway")
        .discriminator(ip)
        .fact("address", ip)
        .fact("entry", entry.to_ref())
        .fact("gateway", nat.to_ref())
        .fact("addresses", if shown.is_empty() { "none".to_owned() } else { list(&shown) });
    if let Some(eip) = eip {
        draft = draft.with(eip, "target_id", "the address").fact("eip", eip.to_ref());
    }
    if let Some(Some(target)) = target {
        draft = draft.fact("target", target);
    }
    draft.emit();
    Ok(())
}

/// The addresses that entries of a gateway may use, and what is missing if there may be more.
type Addresses<'a> = (BTreeSet<&'a AddrValue>, Option<Unknown>);

/// Addresses of the gateways that have been asked for.
#[derive(Default)]
struct Known<'a>(BTreeMap<&'a Id, Addresses<'a>>);

impl<'a> Known<'a> {
    fn of(&mut self, cx: &Context<'a>, nat: &'a NatGateway) -> &Addresses<'a> {
        self.0.entry(nat.id()).or_insert_with(|| addresses_of(cx, nat))
    }
}

fn addresses_of<'a>(cx: &Context<'a>, nat: &'a NatGateway) -> Addresses<'a> {
    let topology = cx.topology;
    let scope = Scope::around(&nat.meta);
    let mut out: BTreeSet<&AddrValue> = BTreeSet::new();
    if nat.network == Some(NatNetwork::Intranet) {
        let own = topology.nat_ips.iter().filter(|ip| ip.nat_gateway.as_ref() == Some(nat.id()));
        out.extend(own.filter_map(|ip| ip.address.as_ref()));
        return (out, cx.need(Listing::NatIps, &scope.with_parent(nat.id())).err());
    }
    let mut missing = Unknown::default();
    out.extend(nat.eips.iter().flatten().map(|eip| &eip.address));
    let bound = |id: &Option<Option<Id>>| id.as_ref().and_then(Option::as_ref) == Some(nat.id());
    let eips = topology.eips.iter().filter(|eip| bound(&eip.target_id));
    out.extend(eips.filter_map(|eip| eip.address.as_ref()));
    // the packages of 2016 hold the addresses of their gateway, which then lists no EIP
    let named = nat.bandwidth_packages.iter().flatten();
    let named: Vec<_> = named.map(|id| (id, topology.bandwidth_packages.get(id))).collect();
    for (id, package) in &named {
        if package.is_none_or(|p| p.addresses.is_none()) {
            missing.missing.insert(format!("addresses of {id} (not in the input)"));
        }
    }
    let owned =
        topology.bandwidth_packages.iter().filter(|p| p.nat_gateway.as_ref() == Some(nat.id()));
    let packages: Vec<_> = owned.chain(named.iter().filter_map(|(_, p)| *p)).collect();
    out.extend(packages.iter().flat_map(|p| p.addresses.iter().flatten()).map(|a| &a.address));
    if nat.eips.is_none()
        && packages.is_empty()
        && let Err(unknown) = cx.need(Listing::Eips, &scope)
    {
        missing.missing.extend(unknown.missing);
    }
    (out, (!missing.missing.is_empty()).then_some(missing))
}
