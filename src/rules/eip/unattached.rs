//! EIP001: an EIP that is bound to nothing.

use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{AddrValue, Resource};

pub(crate) struct EipUnattached;

static META: RuleMeta = RuleMeta {
    id: "EIP001",
    name: "eip-unattached",
    summary: "an EIP is bound to a resource, unless it is marked as a reserve",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "unbound",
        message: "{eip} ({address}) is bound to nothing",
        help: "release it, or give it the tag `reserve` if it is kept on purpose",
    }],
    page: include_str!("../../../rules/EIP001-eip-unattached.md"),
};

impl Rule for EipUnattached {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.eips, |eip, out| {
            let unbound = match (&eip.target_id, eip.meta.status.as_deref()) {
                (Some(None), _) => true,
                (Some(Some(_)), _) => false,
                (None, Some(status)) => status.eq_ignore_ascii_case("Available"),
                (None, None) => {
                    return Err(Unknown::of(format!("binding of {} (not stated)", eip.id())));
                }
            };
            // the tag may stand with any value, or as the value of a purpose tag
            let reserve = eip.meta.tags.iter().flatten().any(|(key, value)| {
                key.eq_ignore_ascii_case("reserve") || value.eq_ignore_ascii_case("reserve")
            });
            if unbound && !reserve {
                let address = eip
                    .address
                    .as_ref()
                    .map_or_else(|| "no address".to_owned(), AddrValue::to_string);
                out.fail("unbound")
                    .on(eip, "target_id")
                    .fact("eip", eip.to_ref())
                    .fact("address", address)
                    .emit();
            }
            Ok(())
        });
    }
}
