//! NAT001 and NAT003: DNAT entries that claim the same public port.

use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, stated};
use crate::topology::{DnatEntry, Listing, NatPort, NatProtocol, Resource, Scope, SnatEntry};

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
        let entries: Vec<&DnatEntry> =
            cx.topology.dnat_entries.iter().filter(|e| !e.is_ip_mapping()).collect();
        for (n, entry) in entries.iter().enumerate() {
            // the earlier entry is the one that the API would have accepted first
            let earlier =
                entries.iter().take(n).find(|e| same_front(cx, e, entry) && clash(e, entry));
            let Some(earlier) = earlier else { continue };
            let text = |port: &Option<NatPort>| port.as_ref().map_or_else(String::new, port_text);
            let address = entry.external_ip.as_ref().map(ToString::to_string).unwrap_or_default();
            out.fail("overlap")
                .on(*entry, "external_port")
                .with(
                    *earlier,
                    "external_port",
                    format!("also publishes {}", text(&earlier.external_port)),
                )
                .fact("entry", entry.to_ref())
                .fact("other", earlier.to_ref())
                .fact("external", format!("{address}:{}", text(&entry.external_port)))
                .fact("protocol", entry.protocol.as_ref().map_or("any", NatProtocol::as_str))
                .emit();
        }
    }
}

/// Same gateway and same public address; masked addresses compare as texts.
fn same_front(cx: &Context<'_>, a: &DnatEntry, b: &DnatEntry) -> bool {
    let owner = super::owner(cx.topology, a);
    owner.is_some()
        && owner == super::owner(cx.topology, b)
        && a.external_ip.is_some()
        && a.external_ip == b.external_ip
}

fn clash(a: &DnatEntry, b: &DnatEntry) -> bool {
    let protocols = match (&a.protocol, &b.protocol) {
        (Some(NatProtocol::Any), Some(_)) | (Some(_), Some(NatProtocol::Any)) => true,
        (Some(a), Some(b)) => a == b,
        _ => false,
    };
    let ports = match (&a.external_port, &b.external_port) {
        (Some(NatPort::Any), Some(_)) | (Some(_), Some(NatPort::Any)) => true,
        (Some(NatPort::Range(a1, a2)), Some(NatPort::Range(b1, b2))) => a1 <= b2 && b1 <= a2,
        _ => false,
    };
    protocols && ports
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
        out.each(
            cx,
            cx.topology.dnat_entries.iter().filter(|e| e.is_ip_mapping()),
            |entry, out| {
                let external = stated(entry.external_ip.as_ref(), entry, "external address")?;
                let dnat: Vec<&DnatEntry> = cx
                    .topology
                    .dnat_entries
                    .iter()
                    .filter(|other| other.id() != entry.id() && same_front(cx, entry, other))
                    // of two mappings of one address the later one reports
                    .filter(|other| !other.is_ip_mapping() || other.id() < entry.id())
                    .collect();
                let nat = super::gateway_of(cx.topology, entry);
                let snat: Vec<&SnatEntry> = cx
                    .topology
                    .snat_entries
                    .iter()
                    .filter(|s| {
                        s.nat_gateway.is_some() && s.nat_gateway.as_ref() == nat.map(Resource::id)
                    })
                    .filter(|s| s.snat_ips.iter().flatten().any(|ip| ip == external))
                    .collect();
                if dnat.is_empty() && snat.is_empty() {
                    // a clash could be among entries that are not in the input
                    if let Some(nat) = nat {
                        let scope = Scope::around(&nat.meta).with_parent(nat.id());
                        cx.need(Listing::DnatEntries, &scope)?;
                        cx.need(Listing::SnatEntries, &scope)?;
                    }
                    return Ok(());
                }
                let names: Vec<String> = dnat
                    .iter()
                    .map(|e| e.to_ref().to_string())
                    .chain(snat.iter().map(|e| e.to_ref().to_string()))
                    .collect();
                let mut finding = out.fail("shared").on(entry, "external_ip");
                for other in dnat {
                    finding = finding.with(other, "external_ip", "uses the same address");
                }
                for other in snat {
                    finding = finding.with(other, "snat_ips", "uses the same address");
                }
                finding
                    .fact("entry", entry.to_ref())
                    .fact("external", external)
                    .fact("others", names.join(", "))
                    .emit();
                Ok(())
            },
        );
    }
}
