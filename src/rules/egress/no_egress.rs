//! EGR004: instances that cannot reach the Internet.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyze::egress::{SourceEgress, SourceRole, SourceVerdict};
use crate::fabric::{Fabric, Reason, SourcePoint};
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::simulate::{Mode, Path, start, walk};
use crate::topology::{Id, Instance, ResourceRef};

pub(crate) struct NoEgress;

static META: RuleMeta = RuleMeta {
    id: "EGR004",
    name: "no-egress",
    summary: "an instance that is expected to reach the Internet has a way out",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "sibling",
            message: "{hosts} in {vswitch} cannot reach the Internet ({says}), but others with the same {mark} can",
            help: "{fix}",
        },
        Case {
            key: "none",
            message: "{hosts} in {vswitch} cannot reach the Internet: {says}",
            help: "if they need to: {fix}",
        },
    ],
    page: include_str!("../../../rules/EGR004-no-egress.md"),
};

/// Tags that group instances which do the same job.
const JOB_TAGS: [&str; 4] = ["role", "tier", "app", "component"];

/// Instances of one vSwitch with one fate.
type Groups<'a> = BTreeMap<(Option<Id>, Reason, Option<String>), BTreeSet<&'a ResourceRef>>;

impl Rule for NoEgress {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let with_egress = jobs_with_egress(cx);
        let mut groups: Groups<'_> = BTreeMap::new();
        for (point, source) in cx.fabric.sources.iter().zip(&cx.egress.sources) {
            let Some(instance) = source.instance.as_ref().filter(|_| is_primary_v4(source)) else {
                continue;
            };
            match source.verdict {
                SourceVerdict::Unknown => out.undetermined(Unknown {
                    missing: source.missing().into_iter().map(str::to_owned).collect(),
                }),
                SourceVerdict::None => {
                    let Some(reason) = obstacle(cx.fabric, point, source) else { continue };
                    let mark = cx.topology.instances.get(&instance.id).and_then(|i| {
                        jobs(i)
                            .into_iter()
                            .find(|job| with_egress.contains(&(source.vpc.clone(), job.clone())))
                    });
                    groups
                        .entry((source.vswitch.clone(), reason, mark))
                        .or_default()
                        .insert(instance);
                }
                SourceVerdict::Exits | SourceVerdict::Mixed => {}
            }
        }
        for ((vswitch, reason, mark), hosts) in &groups {
            report(cx, out, vswitch.as_ref(), *reason, mark.as_deref(), hosts);
        }
    }
}

/// What leaves a source without a way out: `None` when there is a way, and nothing but its own
/// security groups and network ACL stand before it (EGR012), or when it leads out of the cloud or
/// stays inside, which is no drop.
fn obstacle(fabric: &Fabric, point: &SourcePoint, source: &SourceEgress) -> Option<Reason> {
    let dropped = || source.public_classes().filter(|class| class.reason.is_some());
    // filters come first on the way out, so what drops elsewhere is what they let through
    let behind = dropped().filter_map(|class| class.reason).find(|reason| !is_filter(*reason));
    behind.or_else(|| {
        let mode = Mode { diagnose: true, ..Mode::default() };
        let walked = walk(fabric, &start(point, &dropped().next()?.witness()), &mode);
        let blocked =
            |path: &Path| path.blockers.iter().map(|b| b.reason).find(|reason| !is_filter(*reason));
        // one path without an obstacle of its own is a way
        let all: Option<Vec<Reason>> = walked.paths.iter().map(blocked).collect();
        all?.first().copied()
    })
}

/// Whether a filter of the source itself drops the packet.
pub(super) fn is_filter(reason: Reason) -> bool {
    matches!(reason, Reason::SgEgressDenied | Reason::NaclEgressDenied)
}

fn report(
    cx: &Context<'_>,
    out: &mut Sink,
    vswitch: Option<&Id>,
    reason: Reason,
    mark: Option<&str>,
    hosts: &BTreeSet<&ResourceRef>,
) {
    let mut finding = match mark {
        Some(mark) => out.fail("sibling").fact("mark", mark),
        // nothing says that they need the Internet (decisions.md 8)
        None => out.fail("none").severity(Severity::Note),
    };
    for (n, host) in hosts.iter().enumerate() {
        // one place stands for all; the finding names the others
        finding = match cx.topology.instances.get(&host.id).filter(|_| n == 0) {
            Some(instance) => finding.on_whole(instance),
            None => finding.about((*host).clone()),
        };
    }
    let members: Vec<&ResourceRef> = hosts.iter().copied().collect();
    let place =
        vswitch.map_or_else(|| "an unknown vSwitch".to_owned(), |id| format!("vSwitch {id}"));
    finding
        .fact("hosts", first_of(&members, 6))
        .fact("vswitch", place)
        .fact("says", format!("{reason}, {}", reason.says()))
        .fact("fix", fix(reason))
        .discriminator(reason)
        .emit();
}

/// What would give them a way out.
fn fix(reason: Reason) -> &'static str {
    match reason {
        Reason::NoRoute => "add a default route to a NAT gateway to their route table",
        Reason::NatNoSnatEntry => {
            "add an SNAT entry that covers them; a DNAT entry for single ports gives no way out"
        }
        Reason::NatNoEip | Reason::SnatIpUnbound => "bind the address to the NAT gateway",
        Reason::NatVswitchNotPublic => "route the NAT gateway's own vSwitch to the IPv4 gateway",
        Reason::NoPublicIpAtIpv4gw => "give them an EIP, or route them to a NAT gateway",
        Reason::VpcPrivateMode => "create and activate an IPv4 gateway; the VPC is in private mode",
        _ => "follow the path with `vpclint egress` and mend what drops the packet",
    }
}

pub(super) fn is_primary_v4(source: &SourceEgress) -> bool {
    source.role == SourceRole::Primary && source.address.addr().is_none_or(|a| a.is_ipv4())
}

/// What an instance does, as `tier=web` texts.
fn jobs(instance: &Instance) -> Vec<String> {
    let role = instance.role.iter().map(|role| format!("role={role}"));
    let tags = JOB_TAGS
        .into_iter()
        .filter_map(|key| instance.meta.tag(key).map(|value| format!("{key}={value}")));
    role.chain(tags).collect()
}

/// Jobs of which some instance reaches the Internet, per VPC.
fn jobs_with_egress(cx: &Context<'_>) -> BTreeSet<(Option<Id>, String)> {
    let sources = cx.egress.sources.iter().filter(|source| is_primary_v4(source));
    sources
        .filter(|source| !source.public_ips.is_empty())
        .filter_map(|source| {
            Some((source, cx.topology.instances.get(&source.instance.as_ref()?.id)?))
        })
        .flat_map(|(source, instance)| {
            jobs(instance).into_iter().map(move |job| (source.vpc.clone(), job))
        })
        .collect()
}
