//! Security groups: what their type allows, and what it takes away.

mod advanced_egress;
mod types;

pub(super) use advanced_egress::AdvancedSgWithoutEgress;
pub(super) use types::{AdvancedSgGroupPeer, MixedGroupTypes};

use std::collections::BTreeSet;

use super::Context;
use crate::topology::{Id, Resource};

/// Something that has security groups: an ENI, or an instance whose primary ENI is not in the
/// input (access.md §1.1: groups are attached to ENIs).
struct Attached<'a> {
    resource: &'a dyn Resource,
    /// The instance behind it, or the ENI when it hangs on none that is in the input.
    host: &'a dyn Resource,
    groups: &'a [Id],
}

/// Everything that has security groups and belongs to the customer.
fn attached<'a>(cx: &Context<'a>) -> Vec<Attached<'a>> {
    let mut out: Vec<Attached<'a>> = Vec::new();
    let mut with_eni: BTreeSet<&Id> = BTreeSet::new();
    for eni in &cx.topology.enis {
        let Some(groups) = eni.security_groups.as_deref() else { continue };
        if let Some(Some(instance)) = &eni.instance {
            with_eni.insert(instance);
        }
        if eni.service_managed != Some(true) {
            let owner = eni.instance.as_ref().and_then(Option::as_ref);
            let host: &dyn Resource = match owner.and_then(|id| cx.topology.instances.get(id)) {
                Some(instance) => instance,
                None => eni,
            };
            out.push(Attached { resource: eni, host, groups });
        }
    }
    for instance in &cx.topology.instances {
        if let Some(groups) = instance.security_groups.as_deref()
            && !with_eni.contains(instance.id())
        {
            out.push(Attached { resource: instance, host: instance, groups });
        }
    }
    out
}
