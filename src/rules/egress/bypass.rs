//! EGR002 and EGR003: hosts that an SNAT entry covers and that leave by another address.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use crate::addr::Cidr;
use crate::analyze::egress::{SourceEgress, SourceRole, SourceVerdict};
use crate::fabric::{InternetMode, OwnPublic, snat_source};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    AddrValue, Id, Kind, Lifecycle, Listing, NatGateway, NatNetwork, Resource, Scope, SnatEntry,
};

pub(crate) struct InstanceBypassesNat;

static BYPASS: RuleMeta = RuleMeta {
    id: "EGR002",
    name: "instance-bypasses-nat",
    summary: "an instance that an SNAT entry covers holds no public address of its own",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "bypass",
        message: "{instance} leaves through its own {public}, not through {entry} ({snat}) that covers it",
        help: "if it shall leave through the NAT gateway: convert a static address to an EIP, and bind the EIP to a secondary ENI in the same zone",
    }],
    page: include_str!("../../../rules/EGR002-instance-bypasses-nat.md"),
};

impl Rule for InstanceBypassesNat {
    fn meta(&self) -> &'static RuleMeta {
        &BYPASS
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let covered = Covered::new(cx, |nat| nat.vpc.as_ref());
        for source in cx.egress.sources.iter().filter(|s| s.role == SourceRole::Primary) {
            let outcome = bypass(cx, &covered, source, out);
            out.settle(outcome);
        }
    }
}

fn bypass(
    cx: &Context<'_>,
    covered: &Covered<'_>,
    source: &SourceEgress,
    out: &mut Sink,
) -> Result<(), Unknown> {
    let (Some(vpc), Some(address)) = (&source.vpc, source.address.addr()) else { return Ok(()) };
    // only in DIRECT mode does a public address of one's own beat the routes (egress.md §4.2)
    if cx.fabric.space(vpc).is_some_and(|space| space.mode != InternetMode::Direct) {
        return Ok(());
    }
    let held = match &source.own {
        OwnPublic::None => return Ok(()),
        OwnPublic::Held(held) if held.by.iter().any(|by| by.kind == Kind::DnatEntry) => {
            return Ok(());
        }
        OwnPublic::Held(held) => Some(held),
        OwnPublic::Unknown(_) => None,
    };
    let Some(entry) = covered.by(vpc, address) else {
        let scope = cx.topology.vpcs.get(vpc).map(|v| Scope::around(&v.meta)).unwrap_or_default();
        return require_all_snat(cx, vpc, &scope);
    };
    let Some(held) = held else {
        let OwnPublic::Unknown(missing) = &source.own else { return Ok(()) };
        return Err(Unknown { missing: missing.iter().map(ToString::to_string).collect() });
    };
    let Some(instance) = source.instance.as_ref() else { return Ok(()) };
    let snat: Vec<String> = entry.snat_ips.iter().flatten().map(AddrValue::to_string).collect();
    let eip = held.by.last().filter(|by| by.kind == Kind::Eip);
    let public = match eip {
        Some(eip) => format!("{eip} ({})", held.address),
        None => format!("static public address {}", held.address),
    };
    let mut finding = out.fail("bypass");
    finding = match cx.topology.instances.get(&instance.id) {
        Some(resource) if eip.is_none() => finding.on(resource, "public_ips"),
        Some(resource) => finding.on(resource, "eip"),
        None => finding.about(instance.clone()),
    };
    if let Some(eip) = eip.and_then(|eip| cx.topology.eips.get(&eip.id)) {
        finding = finding.with(eip, "target_id", "bound to the primary address");
    }
    finding
        .with_whole(entry, "covers the address, without effect")
        .fact("instance", instance)
        .fact("public", public)
        .fact("entry", entry.to_ref())
        .fact("snat", snat.join(", "))
        .emit();
    Ok(())
}

/// Fails unless all SNAT entries of the VPC's Internet gateways are known.
fn require_all_snat(cx: &Context<'_>, vpc: &Id, scope: &Scope) -> Result<(), Unknown> {
    cx.need(Listing::NatGateways, scope)?;
    for nat in cx.topology.nat_gateways.iter().filter(|n| n.vpc.as_ref() == Some(vpc)) {
        cx.need(Listing::SnatEntries, &Scope::around(&nat.meta).with_parent(nat.id()))?;
    }
    Ok(())
}

/// SNAT entries of Internet NAT gateways by the blocks that they cover, grouped by a property of the
/// gateway.
struct Covered<'t> {
    groups: FxHashMap<&'t Id, FxHashMap<Cidr, &'t SnatEntry>>,
}

impl<'t> Covered<'t> {
    /// Indexes the live entries.
    fn new(cx: &Context<'t>, group: impl Fn(&'t NatGateway) -> Option<&'t Id>) -> Self {
        let mut groups: FxHashMap<&Id, FxHashMap<Cidr, &SnatEntry>> = FxHashMap::default();
        for entry in cx.topology.snat_entries.iter().filter(|e| e.lifecycle() != Lifecycle::Dead) {
            let nat = cx.gateway_of(entry.nat_gateway.as_ref(), entry.table.as_ref());
            let nat = nat.filter(|nat| nat.network != Some(NatNetwork::Intranet));
            if let (Some(key), Some(block)) =
                (nat.and_then(&group), snat_source(cx.topology, entry).ok())
            {
                groups.entry(key).or_default().entry(block).or_insert(entry);
            }
        }
        Self { groups }
    }

    /// The entry with the longest block around an address, as the gateway chooses (egress.md §4.4).
    fn by(&self, key: &Id, address: IpAddr) -> Option<&'t SnatEntry> {
        let blocks = self.groups.get(key)?;
        let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        (0..=bits).rev().find_map(|mask| blocks.get(&Cidr::new(address, mask)?).copied())
    }
}

pub(crate) struct DnatIpMappingHijacksEgress;

static HIJACK: RuleMeta = RuleMeta {
    id: "EGR003",
    name: "dnat-ip-mapping-hijacks-egress",
    summary: "a host with IP mapping (any-port DNAT) is not expected to leave through the SNAT pool",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "hijack",
        message: "{internal} leaves through {external} of {entry}, not through {snat} ({ips}) that covers it",
        help: "publish single ports instead of all, if the host shall leave through the SNAT pool",
    }],
    page: include_str!("../../../rules/EGR003-dnat-ip-mapping-hijacks-egress.md"),
};

impl Rule for DnatIpMappingHijacksEgress {
    fn meta(&self) -> &'static RuleMeta {
        &HIJACK
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let covered = Covered::new(cx, |nat| Some(nat.id()));
        let mappings = cx.topology.dnat_entries.iter();
        let mappings = mappings.filter(|e| e.is_ip_mapping() && e.lifecycle() != Lifecycle::Dead);
        out.each(cx, mappings, |entry, out| {
            let (gateway, table) = (entry.nat_gateway.as_ref(), entry.table.as_ref());
            let nat = crate::rules::facts::gateway_of_entry(cx, entry, gateway, table)?;
            let internal = stated(entry.internal_ip.as_ref(), entry, "internal address")?;
            let external = stated(entry.external_ip.as_ref(), entry, "external address")?;
            let address = crate::rules::facts::address(internal, entry, "internal address")?;
            let Some(snat) = covered.by(nat.id(), address) else {
                let scope = Scope::around(&nat.meta).with_parent(nat.id());
                return cx.need(Listing::SnatEntries, &scope);
            };
            let ips = snat.snat_ips.as_deref().unwrap_or_default();
            if ips.contains(external) || leaves_elsewhere(cx, nat, internal, external) {
                return Ok(());
            }
            let texts: Vec<String> = ips.iter().map(ToString::to_string).collect();
            out.fail("hijack")
                .on(entry, "external_port")
                .with_whole(snat, "covers the host, without effect")
                .fact("entry", entry.to_ref())
                .fact("internal", internal)
                .fact("external", external)
                .fact("snat", snat.to_ref())
                .fact("ips", texts.join(", "))
                .emit();
            Ok(())
        });
    }
}

/// True when the host is known to leave by another address (one of its own, another gateway) or not
/// at all.
fn leaves_elsewhere(
    cx: &Context<'_>,
    nat: &NatGateway,
    internal: &AddrValue,
    external: &AddrValue,
) -> bool {
    let source = nat.vpc.as_ref().and_then(|vpc| cx.source(vpc, internal));
    source.is_some_and(|s| s.verdict != SourceVerdict::Unknown && !s.public_ips.contains(external))
}
