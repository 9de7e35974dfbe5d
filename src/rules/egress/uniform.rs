//! EGR001: instances of one VPC that leave through different public addresses.

use std::collections::BTreeMap;

use crate::analyze::egress::{SourceRole, SourceVerdict};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{AddrValue, Id, Resource, ResourceRef};

pub(crate) struct EgressNotUniform;

static META: RuleMeta = RuleMeta {
    id: "EGR001",
    name: "egress-not-uniform",
    summary: "all instances of a VPC that reach the Internet share one set of public addresses",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "differ",
        message: "instances of {vpc} leave through {count} different sets of public addresses: {table}",
        help: "to leave through one address, bind the EIP of an exception to a secondary ENI, so that the instance itself leaves through the NAT gateway; or route a private vSwitch to the gateway behind an activated IPv4 gateway",
    }],
    page: include_str!("../../../rules/EGR001-egress-not-uniform.md"),
};

impl Rule for EgressNotUniform {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut sets: BTreeMap<&Id, BTreeMap<&[AddrValue], Vec<&ResourceRef>>> = BTreeMap::new();
        let mut undecided: BTreeMap<&Id, Unknown> = BTreeMap::new();
        for source in cx.egress.sources.iter().filter(|s| s.role == SourceRole::Primary) {
            let (Some(vpc), Some(instance)) = (&source.vpc, &source.instance) else { continue };
            // IPv6 addresses are public by themselves and always differ
            if source.address.addr().is_some_and(|a| a.is_ipv6()) {
                continue;
            }
            if source.verdict == SourceVerdict::Unknown {
                let missing = source.missing().into_iter().map(str::to_owned);
                undecided.entry(vpc).or_default().missing.extend(missing);
            }
            if !source.public_ips.is_empty() {
                sets.entry(vpc).or_default().entry(&source.public_ips).or_default().push(instance);
            }
        }
        for (vpc, sets) in &sets {
            let Some(vpc) = cx.topology.vpcs.get(vpc) else { continue };
            if sets.len() < 2 {
                continue;
            }
            undecided.remove(vpc.id());
            let table: Vec<String> = sets
                .iter()
                .map(|(ips, members)| {
                    let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
                    format!("{} for {}", ips.join(" or "), crate::rules::list(members))
                })
                .collect();
            let mut finding = out.fail("differ").on_whole(vpc);
            for instance in sets.values().flatten() {
                finding = finding.about((*instance).clone());
            }
            finding
                .fact("vpc", vpc.to_ref())
                .fact("count", sets.len())
                .fact("table", table.join("; "))
                .emit();
        }
        // with one set known, an undecided instance could still differ
        for unknown in undecided.into_values() {
            out.undetermined(unknown);
        }
    }
}
