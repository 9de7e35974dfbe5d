//! NAT016: an Internet NAT gateway without a public address.

use rustc_hash::FxHashSet;

use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink};
use crate::topology::{
    BandwidthPackage, EipTarget, Id, Kind, Listing, NatGateway, Resource, Scope,
};

pub(crate) struct NatWithoutEip;

static META: RuleMeta = RuleMeta {
    id: "NAT016",
    name: "nat-without-eip",
    summary: "an Internet NAT gateway has at least one EIP",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "used",
            message: "{nat} has no EIP, but {use}",
            help: "bind an EIP to the gateway; without one it translates nothing",
        },
        Case {
            key: "idle",
            message: "{nat} has no EIP",
            help: "bind an EIP to the gateway before you route traffic to it, or delete it",
        },
    ],
    page: include_str!("../../../rules/NAT016-nat-without-eip.md"),
};

impl Rule for NatWithoutEip {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let uses = Uses::new(cx);
        let internet = cx.topology.nat_gateways.iter().filter(|nat| super::is_internet(nat));
        out.each(cx, internet, |nat, out| {
            if uses.has_public_address(nat) {
                return Ok(());
            }
            let around = Scope::around(&nat.meta);
            if nat.eips.is_none() {
                cx.need(Listing::Eips, &around)?;
            }
            if nat.bandwidth_packages.iter().flatten().next().is_some() {
                // addresses of legacy packages are listed nowhere else
                cx.need(Listing::NatBandwidthPackages, &around)?;
            }
            let mut needs = Vec::new();
            if uses.entries.contains(nat.id()) {
                needs.push("has SNAT or DNAT entries".to_owned());
            }
            if let Some(table) = cx.fabric.graph.predecessors(Kind::NatGateway, nat.id()).first() {
                needs.push(format!("{table} routes to it"));
            }
            let finding = if needs.is_empty() {
                out.fail("idle").severity(Severity::Warning)
            } else {
                out.fail("used").fact("use", needs.join(" and "))
            };
            finding.on(nat, "eips").fact("nat", nat.to_ref()).emit();
            Ok(())
        });
    }
}

/// What the rest of the topology says about NAT gateways.
struct Uses<'t> {
    /// Gateways with SNAT or DNAT entries.
    entries: FxHashSet<&'t Id>,
    /// Gateways that EIPs are bound to, or that bandwidth packages with addresses name.
    addressed: FxHashSet<&'t Id>,
    /// Bandwidth packages with addresses.
    packages: FxHashSet<&'t Id>,
}

impl<'t> Uses<'t> {
    fn new(cx: &Context<'t>) -> Self {
        let topology = cx.topology;
        let snat = topology.snat_entries.iter().map(|e| (&e.nat_gateway, &e.table));
        let dnat = topology.dnat_entries.iter().map(|e| (&e.nat_gateway, &e.table));
        let entries = snat
            .chain(dnat)
            .filter_map(|(nat, table)| cx.gateway_of(nat.as_ref(), table.as_ref()))
            .map(Resource::id)
            .collect();
        let eips = topology.eips.iter();
        let eips = eips.filter(|eip| eip.target == Some(Some(EipTarget::NatGateway)));
        let mut addressed: FxHashSet<&Id> =
            eips.filter_map(|eip| eip.target_id.as_ref()?.as_ref()).collect();
        let mut packages = FxHashSet::default();
        let filled = |p: &&BandwidthPackage| p.addresses.as_ref().is_some_and(|a| !a.is_empty());
        for package in topology.bandwidth_packages.iter().filter(filled) {
            packages.insert(package.id());
            addressed.extend(&package.nat_gateway);
        }
        Self { entries, addressed, packages }
    }

    fn has_public_address(&self, nat: &NatGateway) -> bool {
        nat.eips.as_ref().is_some_and(|eips| !eips.is_empty())
            || self.addressed.contains(nat.id())
            || nat.bandwidth_packages.iter().flatten().any(|id| self.packages.contains(id))
    }
}
