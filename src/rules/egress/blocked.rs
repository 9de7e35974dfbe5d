//! EGR012: instances with a way out that their own filters close.

use std::collections::{BTreeMap, BTreeSet};

use super::no_egress::{is_filter, is_primary_v4};
use crate::analyze::egress::{EgressClass, SourceEgress};
use crate::fabric::{ElementId, SourcePoint};
use crate::packet::{Packet, Protocol, Service};
use crate::rules::facts::first_of;
use crate::rules::paths::resource;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::simulate::{Mode, Public, Reason, Verdict, start, walk};
use crate::topology::{Id, Kind, ResourceRef};

pub(crate) struct EgressBlockedBySg;

static META: RuleMeta = RuleMeta {
    id: "EGR012",
    name: "egress-blocked-by-sg",
    summary: "security groups and network ACLs let out what the network has a way for",
    severity: Severity::Warning,
    pack: Pack::Default,
    needs: &[],
    cases: &[Case {
        key: "request",
        message: "{hosts} in {vswitch} {have} a way to the Internet, but {filter} lets no request to tcp 80 or 443 out",
        help: "if they need the Internet, accept tcp 443 (and 80) out; if they are closed on purpose, waive this finding",
    }],
    page: include_str!("../../../rules/EGR012-egress-blocked-by-sg.md"),
};

/// Ports without which nearly nothing of the Internet can be used.
const WEB: [u16; 2] = [443, 80];

/// Instances of one vSwitch that one filter closes.
type Groups<'a> = BTreeMap<(Option<Id>, ResourceRef), BTreeSet<&'a ResourceRef>>;

impl Rule for EgressBlockedBySg {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut groups: Groups<'_> = BTreeMap::new();
        for (point, source) in cx.fabric.sources.iter().zip(&cx.egress.sources) {
            let Some(instance) = source.instance.as_ref().filter(|_| is_primary_v4(source)) else {
                continue;
            };
            match judge(cx, point, source) {
                Ok(Some(filter)) => {
                    let key = (source.vswitch.clone(), filter);
                    groups.entry(key).or_default().insert(instance);
                }
                Ok(None) => {}
                Err(unknown) => out.undetermined(unknown),
            }
        }
        for ((vswitch, filter), hosts) in &groups {
            report(cx, out, vswitch.as_ref(), filter, hosts);
        }
    }
}

/// The filter that closes the way out, if there is a way.
fn judge(
    cx: &Context<'_>,
    point: &SourcePoint,
    source: &SourceEgress,
) -> Result<Option<ResourceRef>, Unknown> {
    let web: Vec<(&EgressClass, Service)> = source
        .public_classes()
        .flat_map(|class| {
            let web = WEB.map(|port| Service::new(Protocol::Tcp, port)).into_iter();
            let of_class = web.filter(|service| class.services.contains(*service));
            of_class.map(move |service| (class, service))
        })
        .collect();
    let exits = |(class, _): &&(&EgressClass, Service)| class.verdict == Verdict::Exits;
    if web.iter().any(|pair| exits(&pair)) {
        return Ok(None);
    }
    let open: BTreeSet<String> = web
        .iter()
        .filter(|(class, _)| class.verdict == Verdict::Unknown)
        .flat_map(|(class, _)| class.missing.iter().cloned())
        .collect();
    if !open.is_empty() {
        return Err(Unknown { missing: open });
    }
    let closed = web.iter().filter(|(class, _)| class.reason.is_some_and(is_filter));
    Ok(closed
        .filter_map(|(class, service)| closing(cx, point, class, *service))
        .find_map(|id| resource(cx.fabric, id).cloned()))
}

/// The first filter that stops a packet which would leave without filters.
fn closing(
    cx: &Context<'_>,
    point: &SourcePoint,
    class: &EgressClass,
    service: Service,
) -> Option<ElementId> {
    let packet = Packet::of_service(point.address.addr()?, class.witness, service);
    let mode = Mode { diagnose: true, ..Mode::default() };
    let walked = walk(cx.fabric, &start(point, &packet), &mode);
    let way = walked.paths.iter().find(|path| {
        path.outcome.public != Public::None && path.blockers.iter().all(|b| is_filter(b.reason))
    })?;
    // the groups are named before the ACL: packets meet them first
    let groups = way.blockers.iter().find(|b| b.reason == Reason::SgEgressDenied);
    groups.or_else(|| way.blockers.first()).map(|blocker| blocker.at)
}

fn report(
    cx: &Context<'_>,
    out: &mut Sink,
    vswitch: Option<&Id>,
    filter: &ResourceRef,
    hosts: &BTreeSet<&ResourceRef>,
) {
    let mut finding = out.fail("request");
    for (n, host) in hosts.iter().enumerate() {
        // one place stands for all; the finding names the others
        finding = match cx.topology.instances.get(&host.id).filter(|_| n == 0) {
            Some(instance) => finding.on_whole(instance),
            None => finding.about((*host).clone()),
        };
    }
    let group = cx.topology.security_groups.get(&filter.id);
    let acl = cx.topology.network_acls.get(&filter.id);
    finding = match (filter.kind, group, acl) {
        (Kind::SecurityGroup, Some(group), _) => finding.with_whole(group, "lets nothing out"),
        (Kind::NetworkAcl, _, Some(acl)) => {
            let finding = finding.with_whole(acl, "tests what crosses the border of the vSwitch");
            finding.unless_reported("ACL004", acl)
        }
        _ => finding,
    };
    let members: Vec<&ResourceRef> = hosts.iter().copied().collect();
    let place =
        vswitch.map_or_else(|| "an unknown vSwitch".to_owned(), |id| format!("vSwitch {id}"));
    let what = match filter.kind {
        Kind::SecurityGroup | Kind::NetworkAcl => filter.to_string(),
        _ => "the security groups".to_owned(),
    };
    finding
        .fact("hosts", first_of(&members, 6))
        .fact("have", if members.len() == 1 { "has" } else { "have" })
        .fact("vswitch", place)
        .fact("filter", what)
        .discriminator(filter)
        .emit();
}
