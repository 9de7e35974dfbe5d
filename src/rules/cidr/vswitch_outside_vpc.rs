//! CIDR001: a vSwitch whose block is in none of its VPC's blocks.

use crate::rules::facts::{Blocks, block, free_block, vswitch_blocks};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, stated};
use crate::topology::Resource;

pub(crate) struct VSwitchOutsideVpc;

static META: RuleMeta = RuleMeta {
    id: "CIDR001",
    name: "vswitch-outside-vpc",
    summary: "every vSwitch block lies inside one block of its VPC",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "move",
            message: "{vswitch} has the block {block}, which is in no block of its VPC ({vpc_blocks})",
            help: "give the vSwitch a block inside the VPC, such as {free}, or add a secondary CIDR block that covers {block} to {vpc}",
        },
        Case {
            key: "no-room",
            message: "{vswitch} has the block {block}, which is in no block of its VPC ({vpc_blocks})",
            help: "{vpc} has no free block of this size left; add a secondary CIDR block that covers {block}, or make the vSwitch smaller",
        },
    ],
    page: include_str!("../../../rules/CIDR001-vswitch-outside-vpc.md"),
};

impl Rule for VSwitchOutsideVpc {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.vswitches, |vswitch, out| {
            let vpc = cx.vpc(vswitch, vswitch.vpc.as_ref())?;
            let value = stated(vswitch.cidr.as_ref(), vswitch, "CIDR block")?;
            let cidr = block(value, vswitch, "CIDR block")?;
            let blocks = Blocks::of(vpc);
            if blocks.contain(&cidr)? {
                return Ok(());
            }
            let taken = vswitch_blocks(cx.topology, vpc.id());
            let free = free_block(blocks.known(), &taken, cidr.mask());
            let draft = out.fail(if free.is_some() { "move" } else { "no-room" });
            let draft = match free {
                Some(free) => draft.fact("free", free),
                None => draft,
            };
            draft
                .on(vswitch, "cidr")
                .with(vpc, "cidr", "block of the VPC")
                .fact("vswitch", vswitch.to_ref())
                .fact("block", cidr)
                .fact("vpc", vpc.to_ref())
                .fact("vpc_blocks", blocks.text())
                .emit();
            Ok(())
        });
    }
}
