//! ACL004: a direction without entries.

use super::bound;
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, stated};
use crate::topology::Resource;

pub(crate) struct AclEmptyDirection;

static META: RuleMeta = RuleMeta {
    id: "ACL004",
    name: "acl-empty-direction",
    summary: "a network ACL that is bound to a vSwitch has entries in both directions",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "empty",
        message: "{acl} has no {directions} entry, so nothing crosses the border of {vswitches}",
        help: "add entries; an empty list denies everything. Or unbind the ACL",
    }],
    page: include_str!("../../../rules/ACL004-acl-empty-direction.md"),
};

impl Rule for AclEmptyDirection {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.network_acls, |acl, out| {
            let vswitches = bound(cx, acl)?;
            if vswitches.is_empty() {
                return Ok(());
            }
            let ingress = stated(acl.ingress.as_ref(), acl, "ingress entries")?;
            let egress = stated(acl.egress.as_ref(), acl, "egress entries")?;
            let (directions, field) = match (ingress.is_empty(), egress.is_empty()) {
                (false, false) => return Ok(()),
                (true, false) => ("ingress", "ingress"),
                (false, true) => ("egress", "egress"),
                (true, true) => ("ingress and no egress", "ingress"),
            };
            let mut finding = out.fail("empty").on(acl, field);
            if ingress.is_empty() && egress.is_empty() {
                finding = finding.with(acl, "egress", "is empty as well");
            }
            finding
                .fact("acl", acl.to_ref())
                .fact("directions", directions)
                .fact("vswitches", first_of(&vswitches, 4))
                .emit();
            Ok(())
        });
    }
}
