//! Network ACLs: lists that deny everything, and replies that do not get back.

mod border;
mod empty;
mod lists;
mod return_traffic;

pub(super) use border::{Borders, always_open};
pub(super) use empty::AclEmptyDirection;
pub(super) use return_traffic::ReturnTrafficBlocked;

use super::{Context, Unknown};
use crate::topology::{Id, Listing, NetworkAcl, Resource, Scope};

/// The vSwitches that an ACL is bound to, by its own statement or by theirs.
fn bound<'c>(cx: &Context<'c>, acl: &'c NetworkAcl) -> Result<Vec<&'c Id>, Unknown> {
    let mut out: Vec<&Id> = acl.vswitches.iter().flatten().collect();
    for vswitch in &cx.topology.vswitches {
        if vswitch.network_acl.as_ref().and_then(Option::as_ref) == Some(acl.id()) {
            out.push(vswitch.id());
        }
    }
    out.sort();
    out.dedup();
    if out.is_empty() && acl.vswitches.is_none() {
        let around = Scope::around(&acl.meta);
        cx.need(Listing::VSwitches, &around)?;
        let unstated = cx
            .topology
            .vswitches
            .iter()
            .find(|v| v.network_acl.is_none() && (acl.vpc.is_none() || v.vpc == acl.vpc));
        if let Some(vswitch) = unstated {
            return Err(Unknown::of(format!("network ACL of {} (not stated)", vswitch.id())));
        }
    }
    Ok(out)
}
