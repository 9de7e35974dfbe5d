//! EGR001: instances of one VPC that leave through different public addresses.

use std::collections::BTreeMap;

use crate::analyze::egress::{SourceRole, SourceVerdict};
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{AddrValue, Id, Kind, Resource, ResourceRef};

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
        let mut sets: BTreeMap<&Id, Sets<'_>> = BTreeMap::new();
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
            if sets.len() < 2 {
                continue;
            }
            undecided.remove(*vpc);
            report(cx, vpc, sets, out);
        }
        // with one set known, an undecided instance could still differ
        for unknown in undecided.into_values() {
            out.undetermined(unknown);
        }
    }
}

/// Public addresses, and the instances that leave through them.
type Sets<'a> = BTreeMap<&'a [AddrValue], Vec<&'a ResourceRef>>;

fn report(cx: &Context<'_>, id: &Id, sets: &Sets<'_>, out: &mut Sink) {
    let mut finding = out.fail("differ");
    let vpc = match cx.topology.vpcs.get(id) {
        Some(vpc) => {
            finding = finding.on_whole(vpc);
            vpc.to_ref()
        }
        // an export of instances and gateways alone names VPCs that it does not describe
        None => ResourceRef { kind: Kind::Vpc, id: id.clone(), name: None },
    };
    finding = finding.about(vpc.clone());
    let mut table = Vec::new();
    for (ips, members) in sets {
        let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
        let ips = ips.join(" or ");
        let shown = members.iter().find_map(|member| cx.topology.instances.get(&member.id));
        if let Some(instance) = shown {
            finding = finding.with_whole(instance, format!("leaves through {ips}"));
        }
        table.push(format!("{ips} for {}", first_of(members, 6)));
    }
    for instance in sets.values().flatten() {
        finding = finding.about((*instance).clone());
    }
    finding.fact("vpc", vpc).fact("count", sets.len()).fact("table", table.join("; ")).emit();
}
