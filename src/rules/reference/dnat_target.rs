//! REF008: DNAT entries that lead to an address nobody has.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::addr::Family;
use crate::rules::facts::{Holder, address, gateway_of_entry, holders, list};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{Absence, AddrValue, DnatEntry, Id, Listing, NatNetwork, Resource, Scope};

pub(crate) struct DnatTargetMissing;

static META: RuleMeta = RuleMeta {
    id: "REF008",
    name: "dnat-target-missing",
    summary: "the private address of a DNAT entry belongs to somebody in the VPC",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "near",
            message: "{entry} leads to {address}, which nobody in VPC {vpc} has",
            help: "correct the address (the nearest that are in use: {near}), or give it to an instance; the entry has no effect before",
        },
        Case {
            key: "none",
            message: "{entry} leads to {address}, which nobody in VPC {vpc} has",
            help: "correct the address, or give it to an instance; the entry has no effect before",
        },
    ],
    page: include_str!("../../../rules/REF008-dnat-target-missing.md"),
};

impl Rule for DnatTargetMissing {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let hosts = Hosts::of(holders(cx.topology));
        out.each(cx, &cx.topology.dnat_entries, |entry, out| judge(cx, entry, &hosts, out));
    }
}

/// Who holds which address, ready for many questions.
struct Hosts<'a> {
    all: Vec<Holder<'a>>,
    held: BTreeSet<(Option<&'a Id>, &'a AddrValue)>,
    masked: Vec<Holder<'a>>,
}

impl<'a> Hosts<'a> {
    fn of(all: Vec<Holder<'a>>) -> Self {
        let held = all.iter().map(|h| (h.vpc, h.address)).collect();
        let masked = all.iter().filter(|h| h.address.known().is_none()).copied().collect();
        Self { all, held, masked }
    }

    /// True when somebody in the VPC, or somebody whose VPC is not stated, has the address.
    fn has(&self, vpc: &Id, address: &AddrValue) -> bool {
        self.held.contains(&(Some(vpc), address)) || self.held.contains(&(None, address))
    }
}

fn judge(
    cx: &Context<'_>,
    entry: &DnatEntry,
    hosts: &Hosts<'_>,
    out: &mut Sink,
) -> Result<(), Unknown> {
    let nat = gateway_of_entry(cx, entry, entry.nat_gateway.as_ref(), entry.table.as_ref())?;
    if nat.network == Some(NatNetwork::Intranet) {
        return Ok(()); // a VPC NAT gateway leads to other networks too
    }
    let target = stated(entry.internal_ip.as_ref(), entry, "internal address")?;
    let vpc = stated(nat.vpc.as_ref(), nat, "VPC")?;
    if hosts.has(vpc, target) {
        return Ok(());
    }
    let ip = address(target, entry, "internal address")?;
    if let Some(masked) = hosts.masked.iter().find(|h| h.vpc.is_none_or(|v| v == vpc)) {
        address(masked.address, masked.resource, "address")?;
    }
    let severity = known_hosts(cx, &Scope::around(&nat.meta))?;
    let near = nearest(&hosts.all, vpc, ip);
    let draft = out
        .fail(if near.is_empty() { "none" } else { "near" })
        .severity(severity)
        .on(entry, "internal_ip")
        .with_whole(nat, "the gateway")
        .discriminator(ip)
        .fact("entry", entry.to_ref())
        .fact("address", ip)
        .fact("vpc", vpc)
        .fact("near", list(&near))
        // an address outside the VPC is wrong for a graver reason (decisions.md 4)
        .unless_reported("NAT008", entry);
    draft.emit();
    Ok(())
}

/// How sure it is that the input has every host (decisions.md 18).
fn known_hosts(cx: &Context<'_>, scope: &Scope) -> Result<Severity, Unknown> {
    match cx.topology.coverage.gap(Listing::Enis, scope) {
        None => {
            cx.need(Listing::HaVips, scope)?;
            Ok(Severity::Error)
        }
        Some(gap) if gap.absence == Absence::NotLoaded => {
            cx.need(Listing::Instances, scope).map_err(|mut unknown| {
                unknown.missing.insert(gap.to_string());
                unknown
            })?;
            Ok(Severity::Warning)
        }
        Some(gap) => Err(gap.into()),
    }
}

/// The three addresses in use that are nearest to this one, in address order.
fn nearest(holders: &[Holder<'_>], vpc: &Id, ip: IpAddr) -> Vec<String> {
    let wanted = Family::number(ip);
    let mut near: Vec<(u128, IpAddr, &Holder<'_>)> = holders
        .iter()
        .filter(|h| h.vpc == Some(vpc) && !h.managed)
        .filter_map(|h| {
            let at = h.address.addr().filter(|a| a.is_ipv4() == ip.is_ipv4())?;
            Some((Family::number(at).abs_diff(wanted), at, h))
        })
        .filter(|(distance, _, _)| *distance < 65_536)
        .collect();
    near.sort_by_key(|(distance, at, _)| (*distance, *at));
    near.truncate(3);
    near.sort_by_key(|(_, at, _)| *at);
    near.into_iter().map(|(_, at, holder)| format!("{at} of {}", holder.resource.id())).collect()
}
