//! CIDR003: blocks that are written with bits to the right of the mask.

use crate::rules::values;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink};
use crate::topology::Kind;

pub(crate) struct HostBitsSet;

static META: RuleMeta = RuleMeta {
    id: "CIDR003",
    name: "host-bits-set",
    summary: "CIDR blocks are written as network addresses",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "host-bits",
        message: "`{written}` of {resource} has bits set to the right of the mask and is read as {block}",
        help: "write {block}, or the block that was meant",
    }],
    page: include_str!("../../../rules/CIDR003-host-bits-set.md"),
};

impl Rule for HostBitsSet {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        for stated in values::all(cx.topology) {
            let Some((block, written)) = values::host_bits(stated.value) else { continue };
            let network = matches!(stated.resource.kind(), Kind::Vpc | Kind::VSwitch);
            // the cloud refuses to create such a VPC or vSwitch, so a design cannot be built
            let refused = network && cx.is_design(stated.resource);
            let severity = if refused { Severity::Error } else { META.severity };
            out.fail("host-bits")
                .severity(severity)
                .on(stated.resource, stated.field)
                .discriminator(written)
                .fact("written", written)
                .fact("resource", stated.resource.to_ref())
                .fact("block", block)
                .emit();
        }
    }
}
