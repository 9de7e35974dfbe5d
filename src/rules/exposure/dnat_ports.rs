//! EXP003: DNAT entries that publish administration or database ports.

use crate::rules::ports::risky;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{NatNetwork, NatPort, Resource};

pub(crate) struct DnatExposesRiskyPort;

static META: RuleMeta = RuleMeta {
    id: "EXP003",
    name: "dnat-exposes-risky-port",
    summary: "DNAT entries publish no administration or database port",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "port",
            message: "{entry} publishes {ports} of {internal} on {external}",
            help: "delete the entry and reach the host over a VPN or a bastion, or limit the sources in its security group",
        },
        Case {
            key: "any",
            message: "{entry} publishes all ports of {internal} on {external}",
            help: "publish only the ports that must be reached, or limit the sources in the host's security group",
        },
    ],
    page: include_str!("../../../rules/EXP003-dnat-exposes-risky-port.md"),
};

impl Rule for DnatExposesRiskyPort {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.dnat_entries, |entry, out| {
            let nat = cx.gateway_of(entry.nat_gateway.as_ref(), entry.table.as_ref());
            if nat.is_some_and(|nat| nat.network == Some(NatNetwork::Intranet)) {
                return Ok(());
            }
            let internal = stated(entry.internal_ip.as_ref(), entry, "internal address")?;
            let external = stated(entry.external_ip.as_ref(), entry, "external address")?;
            // the internal port decides: 10022 -> 22 publishes SSH
            let finding = match stated(entry.internal_port.as_ref(), entry, "internal port")? {
                NatPort::Any => out.fail("any"),
                NatPort::Range(first, last) => {
                    let ports = risky(*first, *last);
                    if ports.is_empty() {
                        return Ok(());
                    }
                    out.fail("port").fact("ports", ports.join(", "))
                }
                NatPort::Other(text) => {
                    return Err(Unknown::of(format!("internal port `{text}` of {}", entry.id())));
                }
            };
            finding
                .on(entry, "internal_port")
                .fact("entry", entry.to_ref())
                .fact("internal", internal)
                .fact("external", external)
                .emit();
            Ok(())
        });
    }
}
