//! CIDR002: vSwitches of one VPC that share addresses.

use std::collections::BTreeMap;

use crate::addr::Cidr;
use crate::rules::facts::{Blocks, block, free_block, vswitch_blocks};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{Id, Listing, Resource, Scope, VSwitch};

pub(crate) struct VSwitchOverlap;

static META: RuleMeta = RuleMeta {
    id: "CIDR002",
    name: "vswitch-overlap",
    summary: "the vSwitches of a VPC do not overlap",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "move",
            message: "{first} ({first_block}) and {second} ({second_block}) of VPC {vpc} overlap",
            help: "move one of them: {free} is free in the VPC and has the size of {smaller}",
        },
        Case {
            key: "no-room",
            message: "{first} ({first_block}) and {second} ({second_block}) of VPC {vpc} overlap",
            help: "shrink one of them until they are disjoint; the input shows no free block of the size of {smaller} in the VPC",
        },
    ],
    page: include_str!("../../../rules/CIDR002-vswitch-overlap.md"),
};

impl Rule for VSwitchOverlap {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut by_vpc: BTreeMap<&Id, Vec<(Cidr, &VSwitch)>> = BTreeMap::new();
        for vswitch in &cx.topology.vswitches {
            match place(vswitch) {
                Ok((vpc, cidr)) => by_vpc.entry(vpc).or_default().push((cidr, vswitch)),
                Err(unknown) => out.undetermined(unknown),
            }
        }
        for (vpc, mut vswitches) in by_vpc {
            vswitches.sort_by(|a, b| (a.0, a.1.id()).cmp(&(b.0, b.1.id())));
            report(cx, vpc, &vswitches, out);
            if let Some((_, vswitch)) = vswitches.first() {
                out.settle(cx.need(Listing::VSwitches, &Scope::around(&vswitch.meta)));
            }
        }
    }
}

fn place(vswitch: &VSwitch) -> Result<(&Id, Cidr), Unknown> {
    let vpc = stated(vswitch.vpc.as_ref(), vswitch, "VPC")?;
    let value = stated(vswitch.cidr.as_ref(), vswitch, "CIDR block")?;
    Ok((vpc, block(value, vswitch, "CIDR block")?))
}

/// Blocks overlap exactly when one contains the other, so in this order a stack holds the blocks
/// that contain the current one. Each block is reported once, with the smallest that contains it.
fn report(cx: &Context<'_>, vpc: &Id, sorted: &[(Cidr, &VSwitch)], out: &mut Sink) {
    let mut around: Vec<(Cidr, &VSwitch)> = Vec::new();
    for &(cidr, vswitch) in sorted {
        while around.last().is_some_and(|(outer, _)| !outer.contains_block(&cidr)) {
            around.pop();
        }
        if let Some(&(outer_cidr, outer)) = around.last() {
            let mut pair = [(outer_cidr, outer), (cidr, vswitch)];
            pair.sort_by_key(|(_, v)| v.id());
            let [first, second] = pair;
            let taken = vswitch_blocks(cx.topology, vpc);
            let within = cx.topology.vpcs.get(vpc).map(Blocks::of);
            let free = within.and_then(|b| free_block(b.known(), &taken, cidr.mask()));
            let draft = out.fail(if free.is_some() { "move" } else { "no-room" });
            let draft = match free {
                Some(free) => draft.fact("free", free),
                None => draft,
            };
            draft
                .on(first.1, "cidr")
                .with(second.1, "cidr", "overlaps with this block")
                .fact("first", first.1.to_ref())
                .fact("first_block", first.0)
                .fact("second", second.1.to_ref())
                .fact("second_block", second.0)
                .fact("smaller", vswitch.id())
                .fact("vpc", vpc)
                .emit();
        }
        around.push((cidr, vswitch));
    }
}
