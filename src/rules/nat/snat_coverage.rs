//! NAT014 and NAT015: SNAT entries and routes that do not meet.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyze::egress::EgressClass;
use crate::fabric::Reason;
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::simulate::Verdict;
use crate::topology::{
    CidrValue, Id, Kind, Lifecycle, Listing, Resource, ResourceRef, Scope, SnatEntry, VSwitch,
};

pub(crate) struct VSwitchWithoutSnat;

static WITHOUT_SNAT: RuleMeta = RuleMeta {
    id: "NAT014",
    name: "vswitch-without-snat",
    summary: "a vSwitch that routes to an Internet NAT gateway is covered by an SNAT entry there",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "uncovered",
            message: "{vswitch} routes to {nat}, but no SNAT entry covers {hosts}",
            help: "add an SNAT entry for {block} to the gateway",
        },
        Case {
            key: "dnat-only",
            message: "{nat} has no SNAT entry at all, so {hosts} behind it cannot open connections to the Internet",
            help: "if that is intended, ignore this rule for the gateway; otherwise add an SNAT entry for the vSwitches that need it",
        },
    ],
    page: include_str!("../../../rules/NAT014-vswitch-without-snat.md"),
};

/// Sources of one vSwitch that a gateway turns away.
type Uncovered<'a> = BTreeMap<(Id, Option<Id>), BTreeSet<&'a ResourceRef>>;

impl Rule for VSwitchWithoutSnat {
    fn meta(&self) -> &'static RuleMeta {
        &WITHOUT_SNAT
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut uncovered: Uncovered<'_> = BTreeMap::new();
        for source in &cx.egress.sources {
            let host = source.instance.as_ref().unwrap_or(&source.eni);
            // whatever the filters do, packets that would get out are not turned away
            let open = |c: &&EgressClass| c.verdict == Verdict::Unknown && c.if_allowed.is_empty();
            if let Some(class) = source.public_classes().find(open) {
                out.undetermined(Unknown { missing: class.missing.iter().cloned().collect() });
                continue;
            }
            let turned_away =
                source.public_classes().find(|c| c.reason == Some(Reason::NatNoSnatEntry));
            let nat = turned_away
                .and_then(|class| class.via.iter().rfind(|r| r.kind == Kind::NatGateway));
            if let Some(nat) = nat {
                uncovered.entry((nat.id.clone(), source.vswitch.clone())).or_default().insert(host);
            }
        }
        report(cx, &uncovered, out);
    }
}

fn report(cx: &Context<'_>, uncovered: &Uncovered<'_>, out: &mut Sink) {
    let with_snat: BTreeSet<&Id> =
        cx.topology.snat_entries.iter().filter_map(|e| gateway_of(cx, e)).collect();
    let mut dnat_only: BTreeMap<&Id, BTreeSet<&ResourceRef>> = BTreeMap::new();
    for ((nat_id, vswitch_id), hosts) in uncovered {
        let Some(nat) = cx.topology.nat_gateways.get(nat_id).filter(|n| super::is_internet(n))
        else {
            continue;
        };
        if !with_snat.contains(nat_id) {
            dnat_only.entry(nat_id).or_default().extend(hosts);
            continue;
        }
        let Some(vswitch) = vswitch_id.as_ref().and_then(|id| cx.topology.vswitches.get(id)) else {
            continue;
        };
        let block =
            vswitch.cidr.as_ref().map_or_else(|| "its block".to_owned(), ToString::to_string);
        out.fail("uncovered")
            .on(vswitch, "cidr")
            .with_whole(nat, "the gateway that the routes lead to")
            .fact("vswitch", vswitch.to_ref())
            .fact("nat", nat.to_ref())
            .fact("hosts", names(hosts))
            .fact("block", block)
            .emit();
    }
    for (nat_id, hosts) in dnat_only {
        if let Some(nat) = cx.topology.nat_gateways.get(nat_id) {
            out.fail("dnat-only")
                .on_whole(nat)
                .fact("nat", nat.to_ref())
                .fact("hosts", names(&hosts))
                .emit();
        }
    }
}

fn gateway_of<'t>(cx: &Context<'t>, entry: &SnatEntry) -> Option<&'t Id> {
    cx.gateway_of(entry.nat_gateway.as_ref(), entry.table.as_ref()).map(Resource::id)
}

fn names(hosts: &BTreeSet<&ResourceRef>) -> String {
    first_of(&hosts.iter().collect::<Vec<_>>(), 6)
}

pub(crate) struct SnatSourceNotRouted;

static NOT_ROUTED: RuleMeta = RuleMeta {
    id: "NAT015",
    name: "snat-source-not-routed",
    summary: "the vSwitches of an SNAT entry route to its gateway",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "not-routed",
        message: "{entry} covers {vswitches}, but no route there leads to {nat}, so the entry has no effect",
        help: "add a route to the gateway (usually 0.0.0.0/0) to the route table of the vSwitch; the automatic one exists only in the system table, for the first gateway of the VPC",
    }],
    page: include_str!("../../../rules/NAT015-snat-source-not-routed.md"),
};

impl Rule for SnatSourceNotRouted {
    fn meta(&self) -> &'static RuleMeta {
        &NOT_ROUTED
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut of_vpc: BTreeMap<&Id, Vec<&VSwitch>> = BTreeMap::new();
        for vswitch in &cx.topology.vswitches {
            if let Some(vpc) = &vswitch.vpc {
                of_vpc.entry(vpc).or_default().push(vswitch);
            }
        }
        let live = cx.topology.snat_entries.iter().filter(|e| e.lifecycle() != Lifecycle::Dead);
        out.each(cx, live, |entry, out| {
            let nat = cx.gateway_of(entry.nat_gateway.as_ref(), entry.table.as_ref());
            let Some(nat) = nat.filter(|n| super::is_internet(n)) else { return Ok(()) };
            let vpc = stated(nat.vpc.as_ref(), nat, "VPC")?;
            let vswitches = match &entry.source_vswitch {
                Some(id) => cx.topology.vswitches.get(id).into_iter().collect(),
                None => covered(cx, entry, vpc, of_vpc.get(vpc).map_or(&[], Vec::as_slice))?,
            };
            let mut lost: Vec<&VSwitch> = Vec::new();
            let mut routed = false;
            for vswitch in &vswitches {
                match cx.fabric.vswitch_routes_to(vswitch.id(), &nat.to_ref()) {
                    Ok(true) => routed = true,
                    Ok(false) => lost.push(vswitch),
                    Err(missing) => return Err(Unknown::of(missing.to_string())),
                }
            }
            // an entry for a wide block serves whichever of its vSwitches are routed
            if routed || lost.is_empty() {
                return Ok(());
            }
            let names: Vec<ResourceRef> = lost.iter().map(|v| v.to_ref()).collect();
            let mut finding = out.fail("not-routed").on_whole(entry);
            for vswitch in lost {
                finding = finding.with(vswitch, "route_table", "its route table");
            }
            finding
                .fact("entry", entry.to_ref())
                .fact("nat", nat.to_ref())
                .fact("vswitches", first_of(&names, 6))
                .emit();
            Ok(())
        });
    }
}

/// Those of a VPC's vSwitches that share addresses with the block of the entry.
fn covered<'t>(
    cx: &Context<'t>,
    entry: &SnatEntry,
    vpc: &Id,
    of_vpc: &[&'t VSwitch],
) -> Result<Vec<&'t VSwitch>, Unknown> {
    let value = stated(entry.source_cidr.as_ref(), entry, "source block")?;
    let source = crate::rules::facts::block(value, entry, "source block")?;
    let touches = |v: &&VSwitch| {
        v.cidr.as_ref().and_then(CidrValue::cidr).is_some_and(|cidr| cidr.overlaps(&source))
    };
    let found: Vec<&VSwitch> = of_vpc.iter().copied().filter(touches).collect();
    if found.is_empty() {
        // none can be judged unless all are known
        let meta = cx.topology.vpcs.get(vpc).map(|v| Scope::around(&v.meta).with_parent(vpc));
        cx.need(Listing::VSwitches, &meta.unwrap_or_default())?;
    }
    Ok(found)
}
