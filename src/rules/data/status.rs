//! DATA005: resources that were caught on the way to another state.

use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink};
use crate::topology::{Kind, Lifecycle};

pub(crate) struct TransientStatus;

static META: RuleMeta = RuleMeta {
    id: "DATA005",
    name: "transient-status",
    summary: "every resource is in a state that lasts",
    severity: Severity::Warning,
    pack: Pack::Engine,
    needs: &[],
    cases: &[Case {
        key: "transient",
        message: "{resource} is `{status}`, so the input may not show what it will be in a minute",
        help: "export again when the change is through",
    }],
    page: include_str!("../../../rules/DATA005-transient-status.md"),
};

impl Rule for TransientStatus {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        for resource in cx.topology.resources() {
            // PL002 speaks about connections: they may wait for their acceptance for days
            if resource.kind() == Kind::EndpointConnection
                || resource.lifecycle() != Lifecycle::Transitional
            {
                continue;
            }
            let status = resource.meta().status.as_deref().unwrap_or_default();
            out.fail("transient")
                .on(resource, "status")
                .fact("resource", resource.to_ref())
                .fact("status", status)
                // a connection that waits for its acceptance and is routed to
                .unless_reported("RT002", resource)
                .emit();
        }
    }
}
