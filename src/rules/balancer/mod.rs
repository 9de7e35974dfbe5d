//! Load balancers: listeners, the servers behind them, and their health.

mod backend_acl;
mod backend_vpc;
mod health;
mod listeners;
mod targets;

pub(super) use backend_acl::BackendAclBlocksLb;
pub(super) use backend_vpc::BackendInOtherVpc;
pub(super) use health::{AllBackendsUnhealthy, SomeBackendsUnhealthy};
pub(super) use listeners::{ListenerNotRunning, NoListener, WhitelistAclEmpty};
pub(super) use targets::{AllWeightsZero, NoBackend};

use super::facts::load_balancer;
use super::{Context, Unknown, stated};
use crate::topology::{
    Id, Lifecycle, Listener, Listing, LoadBalancer, LoadBalancerType, Resource, Scope,
};

/// The load balancer of a listener.
fn owner<'c>(cx: &Context<'c>, listener: &Listener) -> Result<&'c LoadBalancer, Unknown> {
    load_balancer(cx, stated(listener.load_balancer.as_ref(), listener, "load balancer")?)
}

/// Does a listener take connections? A listener on its way to `running` does soon, and one that is
/// being changed still does; `None` when its status is not stated or not known (access.md §3.2).
pub(super) fn runs(listener: &Listener) -> Option<bool> {
    match listener.lifecycle() {
        Lifecycle::Usable => Some(true),
        Lifecycle::Transitional => {
            let status = listener.meta.status.as_deref().unwrap_or_default();
            Some(!["stopping", "deleting"].iter().any(|s| status.eq_ignore_ascii_case(s)))
        }
        Lifecycle::Dead => Some(false),
        Lifecycle::Unstated | Lifecycle::Unrecognised => None,
    }
}

/// The listing that has all listeners of a load balancer; `None` for GWLB, whose listeners are not
/// exported.
pub(super) fn listener_listing(lb: &LoadBalancer) -> Result<Option<Listing>, Unknown> {
    match &lb.lb_type {
        Some(LoadBalancerType::Clb) => Ok(Some(Listing::ClbListeners)),
        Some(LoadBalancerType::Alb) => Ok(Some(Listing::AlbListeners)),
        Some(LoadBalancerType::Nlb) => Ok(Some(Listing::NlbListeners)),
        Some(LoadBalancerType::Gwlb) => Ok(None),
        Some(LoadBalancerType::Other(_)) | None => {
            Err(Unknown::of(format!("type of {} (not stated)", lb.id())))
        }
    }
}

/// Where a listing made for one parent must be complete.
fn within(around: &dyn Resource, parent: &Id) -> Scope {
    Scope::around(around.meta()).with_parent(parent)
}
