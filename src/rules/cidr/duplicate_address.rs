//! CIDR010: one private address, held by several interfaces of a VPC.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::rules::facts::{Holder, address, holders, list};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{Id, Kind, Listing, Resource, Scope};

pub(crate) struct DuplicatePrivateIp;

static META: RuleMeta = RuleMeta {
    id: "CIDR010",
    name: "duplicate-private-ip",
    summary: "a private address is held by one interface of its VPC",
    severity: Severity::Error,
    pack: Pack::Default,
    needs: &[],
    cases: &[Case {
        key: "duplicate",
        message: "{address} of VPC {vpc} is held by {holders}",
        help: "give all but one of them another address",
    }],
    page: include_str!("../../../rules/CIDR010-duplicate-private-ip.md"),
};

impl Rule for DuplicatePrivateIp {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let holders = holders(cx.topology);
        let mut by_vpc: BTreeMap<&Id, BTreeMap<IpAddr, Vec<&Holder<'_>>>> = BTreeMap::new();
        for holder in &holders {
            match place(holder) {
                Ok((vpc, ip)) => {
                    by_vpc.entry(vpc).or_default().entry(ip).or_default().push(holder);
                }
                Err(unknown) => out.undetermined(unknown),
            }
        }
        for (vpc, addresses) in by_vpc {
            for (ip, holders) in &addresses {
                report(vpc, *ip, holders, out);
            }
            // without the ENIs a second holder may be missing from the input
            let around = addresses.values().flatten().next().map(|h| h.resource.meta());
            let around = cx.topology.vpcs.get(vpc).map(|v| v.meta()).or(around);
            out.settle(around.map_or(Ok(()), |m| cx.need(Listing::Enis, &Scope::around(m))));
        }
    }
}

fn place<'a>(holder: &Holder<'a>) -> Result<(&'a Id, IpAddr), Unknown> {
    let unstated = || Unknown::of(format!("VPC of {} (not stated)", holder.resource.id()));
    let ip = address(holder.address, holder.resource, "address")?;
    Ok((holder.vpc.ok_or_else(unstated)?, ip))
}

fn report(vpc: &Id, ip: IpAddr, holders: &[&Holder<'_>], out: &mut Sink) {
    let mut distinct: Vec<&Holder<'_>> = Vec::new();
    for holder in holders {
        // the address of a HaVip is also configured on the ENI that holds it
        let havip = holder.resource.kind() == Kind::HaVip && holders.len() > 1;
        if !havip && !distinct.iter().any(|d| d.same_interface(holder)) {
            distinct.push(holder);
        }
    }
    distinct.sort_by_key(|h| h.resource.to_ref());
    let [first, others @ ..] = distinct.as_slice() else { return };
    if others.is_empty() {
        return;
    }
    let names: Vec<_> = distinct.iter().map(|h| h.resource.to_ref()).collect();
    let mut draft = out.fail("duplicate").on(first.resource, first.field);
    for other in others {
        draft = draft.with(other.resource, other.field, "has the same address");
    }
    draft
        .discriminator(ip)
        .fact("address", ip)
        .fact("vpc", vpc)
        .fact("holders", list(&names))
        .emit();
}
