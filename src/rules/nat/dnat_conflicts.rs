//! NAT001 and NAT003: DNAT entries that claim the same public port.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    AddrValue, DnatEntry, Id, Listing, NatPort, NatProtocol, Resource, ResourceRef, Scope,
    SnatEntry,
};

pub(crate) struct DnatDuplicateExternal;

static DUPLICATE: RuleMeta = RuleMeta {
    id: "NAT001",
    name: "dnat-duplicate-external",
    summary: "a public address, port and protocol lead to one DNAT entry of a gateway",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "overlap",
        message: "{entry} publishes {external} ({protocol}), which {other} publishes too",
        help: "use another external port or another EIP for one of the two entries",
    }],
    page: include_str!("../../../rules/NAT001-dnat-duplicate-external.md"),
};

impl Rule for DnatDuplicateExternal {
    fn meta(&self) -> &'static RuleMeta {
        &DUPLICATE
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        for entries in by_front(cx, |e| !e.is_ip_mapping()).values() {
            for (entry, other) in clashes(entries) {
                report_duplicate(entry, other, out);
            }
        }
    }
}

fn report_duplicate(entry: &DnatEntry, other: &DnatEntry, out: &mut Sink) {
    let text = |port: &Option<NatPort>| port.as_ref().map_or_else(String::new, port_text);
    let address = entry.external_ip.as_ref().map(ToString::to_string).unwrap_or_default();
    let also = format!("also publishes {}", text(&other.external_port));
    out.fail("overlap")
        .on(entry, "external_port")
        .with(other, "external_port", also)
        .fact("entry", entry.to_ref())
        .fact("other", other.to_ref())
        .fact("external", format!("{address}:{}", text(&entry.external_port)))
        .fact("protocol", entry.protocol.as_ref().map_or("any", NatProtocol::as_str))
        .emit();
}

/// Gateway (or table) and public address of DNAT entries; masked addresses compare as texts.
type Front<'t> = (&'t Id, &'t AddrValue);

/// DNAT entries by gateway and public address, in the order of the input.
fn by_front<'t>(
    cx: &Context<'t>,
    wanted: impl Fn(&DnatEntry) -> bool,
) -> BTreeMap<Front<'t>, Vec<&'t DnatEntry>> {
    let mut out: BTreeMap<Front<'t>, Vec<&DnatEntry>> = BTreeMap::new();
    for entry in cx.topology.dnat_entries.iter().filter(|e| wanted(e)) {
        if let (Some(owner), Some(external)) = (super::owner(cx, entry), &entry.external_ip) {
            out.entry((owner, external)).or_default().push(entry);
        }
    }
    out
}

/// Entries that claim ports which another one claims too, each with one such other. Of two entries
/// the one with the higher first port is named, of equal ones the later.
fn clashes<'t>(entries: &[&'t DnatEntry]) -> Vec<(&'t DnatEntry, &'t DnatEntry)> {
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    let protocols: BTreeSet<&str> =
        entries.iter().filter_map(|e| e.protocol.as_ref()).map(NatProtocol::as_str).collect();
    for protocol in protocols {
        let mut claims: Vec<(u16, usize, u16)> = entries
            .iter()
            .enumerate()
            .filter(|(_, e)| {
                let stated = e.protocol.as_ref();
                stated.is_some_and(|p| *p == NatProtocol::Any || p.as_str() == protocol)
            })
            .filter_map(|(n, e)| match e.external_port.as_ref()? {
                NatPort::Any => Some((0, n, u16::MAX)),
                NatPort::Range(first, last) => Some((*first, n, *last)),
                NatPort::Other(_) => None,
            })
            .collect();
        claims.sort_unstable();
        // whatever overlaps an earlier claim overlaps the one that reaches furthest
        let mut furthest: Option<(u16, usize)> = None;
        for (first, n, last) in claims {
            if let Some((_, other)) = furthest.filter(|(reach, _)| *reach >= first) {
                found.entry(n).or_insert(other);
            }
            if furthest.is_none_or(|(reach, _)| last > reach) {
                furthest = Some((last, n));
            }
        }
    }
    let pair = |(n, other): (usize, usize)| Some((*entries.get(n)?, *entries.get(other)?));
    found.into_iter().filter_map(pair).collect()
}

fn port_text(port: &NatPort) -> String {
    match port {
        NatPort::Any => "any port".to_owned(),
        NatPort::Range(first, last) if first == last => first.to_string(),
        NatPort::Range(first, last) => format!("{first}-{last}"),
        NatPort::Other(text) => text.to_string(),
    }
}

pub(crate) struct DnatIpMappingConflict;

static MAPPING: RuleMeta = RuleMeta {
    id: "NAT003",
    name: "dnat-ip-mapping-conflict",
    summary: "an EIP with IP mapping (any port) is used by no other DNAT or SNAT entry",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "shared",
        message: "{entry} maps all ports of {external}, which {others} uses too",
        help: "dedicate an EIP to the mapping, or replace it by entries for single ports",
    }],
    page: include_str!("../../../rules/NAT003-dnat-ip-mapping-conflict.md"),
};

impl Rule for DnatIpMappingConflict {
    fn meta(&self) -> &'static RuleMeta {
        &MAPPING
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let fronts = by_front(cx, |_| true);
        let mut snat: BTreeMap<Front<'_>, Vec<&SnatEntry>> = BTreeMap::new();
        for entry in &cx.topology.snat_entries {
            let nat = cx.gateway_of(entry.nat_gateway.as_ref(), entry.table.as_ref());
            for ip in entry.snat_ips.iter().flatten() {
                if let Some(nat) = nat {
                    snat.entry((nat.id(), ip)).or_default().push(entry);
                }
            }
        }
        let mappings = cx.topology.dnat_entries.iter().filter(|e| e.is_ip_mapping());
        out.each(cx, mappings, |entry, out| {
            let external = stated(entry.external_ip.as_ref(), entry, "external address")?;
            let Some(owner) = super::owner(cx, entry) else {
                return Err(Unknown::of(format!("NAT gateway of {} (not stated)", entry.id())));
            };
            // of two mappings of one address the later one reports
            let dnat: Vec<&dyn Resource> = fronts
                .get(&(owner, external))
                .into_iter()
                .flatten()
                .filter(|other| other.id() != entry.id())
                .filter(|other| !other.is_ip_mapping() || other.id() < entry.id())
                .map(|other| *other as &dyn Resource)
                .collect();
            let snat = snat.get(&(owner, external)).into_iter().flatten();
            let snat: Vec<&dyn Resource> = snat.map(|other| *other as &dyn Resource).collect();
            if dnat.is_empty() && snat.is_empty() {
                return no_other_entries(cx, entry);
            }
            let others: Vec<ResourceRef> =
                dnat.iter().chain(&snat).map(|other| other.to_ref()).collect();
            let mut finding = out.fail("shared").on(entry, "external_ip");
            for (field, others) in [("external_ip", dnat), ("snat_ips", snat)] {
                for other in others.into_iter().take(crate::rules::SHOWN) {
                    finding = finding.with(other, field, "uses the same address");
                }
            }
            finding
                .fact("entry", entry.to_ref())
                .fact("external", external)
                .fact("others", first_of(&others, 6))
                .emit();
            Ok(())
        });
    }
}

/// A clash could be among entries that are not in the input.
fn no_other_entries(cx: &Context<'_>, entry: &DnatEntry) -> Result<(), Unknown> {
    let nat = cx.gateway_of(entry.nat_gateway.as_ref(), entry.table.as_ref());
    nat.map_or(Ok(()), |nat| {
        let scope = Scope::around(&nat.meta).with_parent(nat.id());
        cx.need(Listing::DnatEntries, &scope)?;
        cx.need(Listing::SnatEntries, &scope)
    })
}
