//! EGR011: spokes that leave over a transit router, and a hub that does not let them.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyze::egress::{EgressClass, SourceEgress, SourceRole};
use crate::fabric::Reason;
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::simulate::Verdict;
use crate::topology::{Kind, ResourceRef};

pub(crate) struct EgressHubBroken;

static META: RuleMeta = RuleMeta {
    id: "EGR011",
    name: "egress-hub-broken",
    summary: "spokes that leave over a transit router find a whole way out and back",
    severity: Severity::Error,
    pack: Pack::Strict,
    needs: &[],
    cases: &[
        Case {
            key: "out",
            message: "packets of {hosts} to the Internet enter {attachment}, but get no further than {place} ({says})",
            help: "{fix}",
        },
        Case {
            key: "back",
            message: "packets of {hosts} to the Internet enter {attachment} and leave through {place}, but replies find no way back",
            help: "route the blocks of the spoke from the vSwitch of {place} back to the transit router",
        },
    ],
    page: include_str!("../../../rules/EGR011-egress-hub-broken.md"),
};

/// What goes wrong for packets that enter a transit router by one attachment.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Broken<'a> {
    attachment: &'a ResourceRef,
    place: &'a ResourceRef,
    /// `None`: only replies are lost.
    reason: Option<Reason>,
}

impl Rule for EgressHubBroken {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut found: BTreeMap<Broken<'_>, BTreeSet<&ResourceRef>> = BTreeMap::new();
        let primary = cx.egress.sources.iter().filter(|source| {
            source.role == SourceRole::Primary && source.address.addr().is_none_or(|a| a.is_ipv4())
        });
        for source in primary {
            let Some(class) = largest(source) else { continue };
            let Some(attachment) = class.via.iter().find(|r| r.kind == Kind::TransitAttachment)
            else {
                continue;
            };
            if class.verdict == Verdict::Unknown {
                out.undetermined(Unknown { missing: class.missing.iter().cloned().collect() });
                continue;
            }
            if let Some(broken) = broken(class, attachment) {
                let host = source.instance.as_ref().unwrap_or(&source.eni);
                found.entry(broken).or_default().insert(host);
            }
        }
        for (broken, hosts) in &found {
            report(cx, out, broken, hosts);
        }
    }
}

/// What becomes of most public destinations.
fn largest(source: &SourceEgress) -> Option<&EgressClass> {
    source.public_classes().max_by_key(|class| class.destinations.len())
}

fn broken<'a>(class: &'a EgressClass, attachment: &'a ResourceRef) -> Option<Broken<'a>> {
    let lost = class.notes.iter().any(|note| note.starts_with("reply_no_route"));
    match class.verdict {
        Verdict::Dropped => {
            // the route into the attachment is not where they stop
            let place = class.via.iter().rev().find(|r| r.kind != Kind::RouteEntry);
            let place = place.unwrap_or(attachment);
            Some(Broken { attachment, place, reason: class.reason })
        }
        Verdict::Exits if lost => {
            let place = class.via.iter().find(|r| r.kind == Kind::NatGateway)?;
            Some(Broken { attachment, place, reason: None })
        }
        _ => None,
    }
}

fn report(cx: &Context<'_>, out: &mut Sink, broken: &Broken<'_>, hosts: &BTreeSet<&ResourceRef>) {
    let mut finding = match broken.reason {
        Some(reason) => out
            .fail("out")
            .fact("says", format!("{reason}, {}", reason.says()))
            .fact("fix", fix(reason))
            .discriminator(reason),
        None => out.fail("back"),
    };
    finding = match cx.topology.transit_attachments.get(&broken.attachment.id) {
        Some(attachment) => finding.on_whole(attachment),
        None => finding.about(broken.attachment.clone()),
    };
    finding = finding.about(broken.place.clone());
    for host in hosts {
        finding = finding.about((*host).clone());
    }
    let members: Vec<&ResourceRef> = hosts.iter().copied().collect();
    finding
        .fact("hosts", first_of(&members, 6))
        .fact("attachment", broken.attachment)
        .fact("place", broken.place)
        .emit();
}

/// The missing piece.
fn fix(reason: Reason) -> &'static str {
    match reason {
        Reason::TrNoAssociation => {
            "associate the attachment with a route table of the transit router"
        }
        Reason::TrNoRoute => {
            "add 0.0.0.0/0 to this route table of the transit router, to the attachment of the hub"
        }
        Reason::NoRoute => {
            "add 0.0.0.0/0 to the table of the vSwitch that holds the hub's attachment, to its NAT gateway"
        }
        Reason::NatNoSnatEntry => "add an SNAT entry that covers the blocks of the spoke",
        Reason::RoutingLoop => {
            "let the table of the vSwitch that holds the hub's attachment lead to the NAT gateway and not back"
        }
        _ => "follow the path with `vpclint egress` and mend what drops the packet",
    }
}
