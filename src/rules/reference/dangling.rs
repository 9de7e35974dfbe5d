//! REF001: references to resources that do not exist.

use std::collections::BTreeMap;

use super::links::{self, Link};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink};
use crate::topology::{Id, Kind, ResourceRef, Topology};

/// Referring resources that a finding lists.
const PLACES: usize = 5;

pub(crate) struct DanglingReference;

static META: RuleMeta = RuleMeta {
    id: "REF001",
    name: "dangling-reference",
    summary: "every resource that another one names exists",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "dangling",
        message: "{kind} {id} does not exist, but {from}{others} refers to it",
        help: "`{api}` is complete and does not have it: either {id} was deleted, or it belongs to an account or region that is not in the input",
    }],
    page: include_str!("../../../rules/REF001-dangling-reference.md"),
};

impl Rule for DanglingReference {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        // one finding per missing resource: it is one cause, however many name it
        let mut missing: BTreeMap<(Kind, &Id), Vec<Link<'_>>> = BTreeMap::new();
        for link in links::all(cx.topology) {
            if exists(cx.topology, link.kind, link.id) {
                continue;
            }
            match cx.need(link.listing, &link.scope) {
                Ok(()) => missing.entry((link.kind, link.id)).or_default().push(link),
                Err(unknown) => out.undetermined(unknown),
            }
        }
        for ((kind, id), links) in missing {
            let Some(first) = links.first() else { continue };
            let others = match links.len() - 1 {
                0 => String::new(),
                1 => " (and another resource)".to_owned(),
                n => format!(" (and {n} other resources)"),
            };
            let mut draft = out.fail("dangling").on(first.from, first.field);
            for link in links.iter().skip(1).take(PLACES - 1) {
                draft = draft.with(link.from, link.field, "refers to it too");
            }
            draft
                .about(ResourceRef { kind, id: id.clone(), name: None })
                .fact("kind", kind)
                .fact("id", id)
                .fact("from", first.from.to_ref())
                .fact("others", others)
                .fact("api", first.listing.api())
                .emit();
        }
    }
}

fn exists(t: &Topology, kind: Kind, id: &str) -> bool {
    match kind {
        Kind::Vpc => t.vpcs.get(id).is_some(),
        Kind::VSwitch => t.vswitches.get(id).is_some(),
        Kind::RouteTable => t.route_tables.get(id).is_some(),
        Kind::NetworkAcl => t.network_acls.get(id).is_some(),
        Kind::SecurityGroup => t.security_groups.get(id).is_some(),
        Kind::Instance => t.instances.get(id).is_some(),
        Kind::Eni => t.enis.get(id).is_some(),
        Kind::HaVip => t.havips.get(id).is_some(),
        Kind::NatGateway => t.nat_gateways.get(id).is_some(),
        Kind::LoadBalancer => t.load_balancers.get(id).is_some(),
        Kind::BandwidthPackage => t.bandwidth_packages.get(id).is_some(),
        Kind::ServerGroup => t.server_groups.get(id).is_some(),
        Kind::AccessList => t.access_lists.get(id).is_some(),
        Kind::VpnGateway => t.vpn_gateways.get(id).is_some(),
        Kind::CustomerGateway => t.customer_gateways.get(id).is_some(),
        _ => true,
    }
}
