//! EGR002 and EGR003: hosts that an SNAT entry covers and that leave by another address.

use crate::analyze::egress::{SourceEgress, SourceRole};
use crate::fabric::{InternetMode, OwnPublic};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    AddrValue, CidrValue, Id, Kind, Lifecycle, Listing, NatNetwork, Resource, Scope, SnatEntry,
    Topology,
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
        for source in cx.egress.sources.iter().filter(|s| s.role == SourceRole::Primary) {
            if let Err(unknown) = bypass(cx, source, out) {
                out.undetermined(unknown);
            }
        }
    }
}

fn bypass(cx: &Context<'_>, source: &SourceEgress, out: &mut Sink) -> Result<(), Unknown> {
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
    let entry = entries_of_vpc(cx.topology, vpc)
        .find(|entry| source_of(cx.topology, entry).is_some_and(|c| c.contains(address)));
    let Some(entry) = entry else {
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

/// Live SNAT entries of the Internet NAT gateways of a VPC.
fn entries_of_vpc<'t>(topology: &'t Topology, vpc: &'t Id) -> impl Iterator<Item = &'t SnatEntry> {
    topology.snat_entries.iter().filter(move |entry| {
        let nat = entry.nat_gateway.as_ref().and_then(|id| topology.nat_gateways.get(id));
        entry.lifecycle() != Lifecycle::Dead
            && nat.is_some_and(|nat| {
                nat.vpc.as_ref() == Some(vpc) && nat.network != Some(NatNetwork::Intranet)
            })
    })
}

/// The block of an SNAT entry: stated, or that of its vSwitch.
fn source_of(topology: &Topology, entry: &SnatEntry) -> Option<crate::addr::Cidr> {
    let vswitch = entry.source_vswitch.as_ref().and_then(|id| topology.vswitches.get(id));
    vswitch.and_then(|v| v.cidr.as_ref()).or(entry.source_cidr.as_ref()).and_then(CidrValue::cidr)
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
        out.each(
            cx,
            cx.topology.dnat_entries.iter().filter(|e| e.is_ip_mapping()),
            |entry, out| {
                let nat = cx.nat_gateway(entry, entry.nat_gateway.as_ref())?;
                let internal = stated(entry.internal_ip.as_ref(), entry, "internal address")?;
                let external = stated(entry.external_ip.as_ref(), entry, "external address")?;
                let address = internal.addr().ok_or_else(|| {
                    Unknown::of(format!("internal address of {} (masked)", entry.id()))
                })?;
                let covering = cx
                    .topology
                    .snat_entries
                    .iter()
                    .filter(|s| s.nat_gateway.as_ref() == Some(nat.id()))
                    .find(|s| source_of(cx.topology, s).is_some_and(|c| c.contains(address)));
                let Some(snat) = covering else {
                    return cx.need(
                        Listing::SnatEntries,
                        &Scope::around(&nat.meta).with_parent(nat.id()),
                    );
                };
                let ips = snat.snat_ips.as_deref().unwrap_or_default();
                if ips.contains(external) {
                    return Ok(());
                }
                let texts: Vec<String> = ips.iter().map(ToString::to_string).collect();
                out.fail("hijack")
                    .on(entry, "external_port")
                    .with_whole(snat, "covers the host, without effect")
                    // a target with a public address of its own uses neither
                    .unless_reported("NAT007", entry)
                    .fact("entry", entry.to_ref())
                    .fact("internal", internal)
                    .fact("external", external)
                    .fact("snat", snat.to_ref())
                    .fact("ips", texts.join(", "))
                    .emit();
                Ok(())
            },
        );
    }
}
