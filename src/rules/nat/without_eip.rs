//! NAT016: an Internet NAT gateway without a public address.

use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink};
use crate::topology::{EipTarget, Kind, Listing, NatGateway, Resource, Scope};

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
        let internet = cx.topology.nat_gateways.iter().filter(|nat| super::is_internet(nat));
        out.each(cx, internet, |nat, out| {
            if has_public_address(cx, nat) {
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
            let mut uses = Vec::new();
            let is_mine = |id: Option<&crate::topology::Id>| id == Some(nat.id());
            if cx.topology.snat_entries.iter().any(|e| is_mine(e.nat_gateway.as_ref()))
                || cx.topology.dnat_entries.iter().any(|e| is_mine(e.nat_gateway.as_ref()))
            {
                uses.push("has SNAT or DNAT entries".to_owned());
            }
            if let Some(table) = cx.fabric.graph.predecessors(Kind::NatGateway, nat.id()).first() {
                uses.push(format!("{table} routes to it"));
            }
            let finding = if uses.is_empty() {
                out.fail("idle").severity(Severity::Warning)
            } else {
                out.fail("used").fact("use", uses.join(" and "))
            };
            finding.on(nat, "eips").fact("nat", nat.to_ref()).emit();
            Ok(())
        });
    }
}

fn has_public_address(cx: &Context<'_>, nat: &NatGateway) -> bool {
    let listed = nat.eips.as_ref().is_some_and(|eips| !eips.is_empty());
    let bound = || {
        cx.topology.eips.iter().any(|eip| {
            eip.target == Some(Some(EipTarget::NatGateway))
                && eip.target_id.as_ref().is_some_and(|id| id.as_ref() == Some(nat.id()))
        })
    };
    let package = || {
        cx.topology.bandwidth_packages.iter().any(|package| {
            let mine = package.nat_gateway.as_ref() == Some(nat.id())
                || nat.bandwidth_packages.iter().flatten().any(|id| id == package.id());
            mine && package.addresses.as_ref().is_some_and(|a| !a.is_empty())
        })
    };
    listed || bound() || package()
}
