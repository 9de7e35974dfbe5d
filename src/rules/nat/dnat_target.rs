//! NAT007: a DNAT entry whose target has a public address of its own.

use crate::fabric::OwnPublic;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{Kind, Resource};

pub(crate) struct DnatTargetHasPublicIp;

static META: RuleMeta = RuleMeta {
    id: "NAT007",
    name: "dnat-target-has-public-ip",
    summary: "the target of a DNAT entry has no public address of its own",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "eip",
            message: "{entry} leads to {target}, which has {public} of its own, so the entry takes no effect",
            help: "unbind the EIP from {target}, bind it to a secondary ENI instead, or delete the entry",
        },
        Case {
            key: "static",
            message: "{entry} leads to {target}, whose static public address {public} answers instead",
            help: "convert the static address to an EIP and unbind it, or delete the entry",
        },
    ],
    page: include_str!("../../../rules/NAT007-dnat-target-has-public-ip.md"),
};

impl Rule for DnatTargetHasPublicIp {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.dnat_entries, |entry, out| {
            let nat = cx.gateway_of(entry.nat_gateway.as_ref(), entry.table.as_ref());
            let Some(nat) = nat.filter(|nat| super::is_internet(nat)) else { return Ok(()) };
            let internal = stated(entry.internal_ip.as_ref(), entry, "internal address")?;
            let vpc = stated(nat.vpc.as_ref(), nat, "VPC")?;
            // a target that nobody owns is REF008's
            let Some(source) = cx.source(vpc, internal) else { return Ok(()) };
            let held = match &source.own {
                OwnPublic::None => return Ok(()),
                OwnPublic::Unknown(missing) => {
                    let missing = missing.iter().map(ToString::to_string).collect();
                    return Err(Unknown { missing });
                }
                OwnPublic::Held(held) => held,
            };
            let by = held.by.last();
            // IP mapping of a Normal gateway counts as held, but it is a DNAT entry itself
            if by.is_some_and(|by| by.kind == Kind::DnatEntry) {
                return Ok(());
            }
            let fixed = by.is_some_and(|by| by.kind == Kind::Instance);
            let target = source.instance.clone().unwrap_or_else(|| source.eni.clone());
            let mut finding = out.fail(if fixed { "static" } else { "eip" });
            if fixed {
                // egress.md documents the rule for EIPs; for static addresses it is inferred
                finding = finding.severity(Severity::Warning);
            }
            finding = finding.on(entry, "internal_ip");
            let eip =
                by.filter(|by| by.kind == Kind::Eip).and_then(|by| cx.topology.eips.get(&by.id));
            if let Some(eip) = eip {
                finding = finding.with(eip, "target_id", "bound to the target");
            }
            let public = match by {
                Some(by) if !fixed => format!("{by} ({})", held.address),
                _ => held.address.to_string(),
            };
            finding
                .about(target.clone())
                .fact("entry", entry.to_ref())
                .fact("target", target)
                .fact("public", public)
                .emit();
            Ok(())
        });
    }
}
