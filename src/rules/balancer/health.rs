//! CLB005 and CLB006: what the health checks of a CLB say.

use std::collections::BTreeSet;

use super::{owner, runs, within};
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{BackendHealth, Listener, Listing, LoadBalancerType, Resource};

/// How the servers behind a listener are.
#[derive(Default)]
struct Health {
    normal: BTreeSet<String>,
    /// `abnormal`: the check fails.
    failing: BTreeSet<String>,
    /// `unavailable`: not usable either, but not because a check failed.
    unavailable: BTreeSet<String>,
}

/// Reads the health of a listener's servers; `None` for listeners of which there is none.
fn health_of(cx: &Context<'_>, listener: &Listener) -> Result<Option<Health>, Unknown> {
    if runs(listener) == Some(false) {
        return Ok(None);
    }
    let lb = owner(cx, listener)?;
    if lb.lb_type != Some(LoadBalancerType::Clb) {
        return Ok(None); // the export has no health of other products
    }
    cx.need(Listing::ClbHealth, &within(lb, lb.id()))?;
    let mut out = Health::default();
    for row in listener.health.iter().flatten() {
        let Some(word) = row.status.as_deref() else {
            return Err(Unknown::of(format!(
                "health of {} at {} (not stated)",
                row.server,
                listener.id()
            )));
        };
        let set = match word.to_ascii_lowercase().as_str() {
            "normal" => &mut out.normal,
            "abnormal" => &mut out.failing,
            "unavailable" => &mut out.unavailable,
            _ => {
                return Err(Unknown::of(format!(
                    "health of {} at {} (`{word}` is not known)",
                    row.server,
                    listener.id()
                )));
            }
        };
        set.insert(name(row));
    }
    Ok(Some(out))
}

/// `i-1:8080`.
fn name(row: &BackendHealth) -> String {
    match row.port {
        Some(port) => format!("{}:{port}", row.server),
        None => row.server.to_string(),
    }
}

fn names(set: &BTreeSet<String>) -> String {
    first_of(&set.iter().collect::<Vec<_>>(), 6)
}

pub(crate) struct AllBackendsUnhealthy;

static ALL: RuleMeta = RuleMeta {
    id: "CLB005",
    name: "all-backends-unhealthy",
    summary: "at least one server of every listener is healthy",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "all",
        message: "no server of {listener} is healthy: {servers}",
        help: "look whether the servers listen on the port, whether guest firewalls and network ACLs let 100.64.0.0/10 through, and whether the check asks for the right path",
    }],
    page: include_str!("../../../rules/CLB005-all-backends-unhealthy.md"),
};

impl Rule for AllBackendsUnhealthy {
    fn meta(&self) -> &'static RuleMeta {
        &ALL
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.listeners, |listener, out| {
            let Some(health) = health_of(cx, listener)? else { return Ok(()) };
            let bad: BTreeSet<String> = &health.failing | &health.unavailable;
            if bad.is_empty() || !health.normal.is_empty() {
                return Ok(());
            }
            out.fail("all")
                .on(listener, "health")
                .fact("listener", listener.to_ref())
                .fact("servers", names(&bad))
                .emit();
            Ok(())
        });
    }
}

pub(crate) struct SomeBackendsUnhealthy;

static SOME: RuleMeta = RuleMeta {
    id: "CLB006",
    name: "some-backends-unhealthy",
    summary: "every server of a listener is healthy",
    severity: Severity::Warning,
    pack: Pack::Default,
    needs: &[],
    cases: &[Case {
        key: "some",
        message: "the health check of {listener} fails for {failing}; {healthy} of {total} servers stay healthy",
        help: "repair the servers; until then the others carry the load",
    }],
    page: include_str!("../../../rules/CLB006-some-backends-unhealthy.md"),
};

impl Rule for SomeBackendsUnhealthy {
    fn meta(&self) -> &'static RuleMeta {
        &SOME
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.listeners, |listener, out| {
            let Some(health) = health_of(cx, listener)? else { return Ok(()) };
            if health.failing.is_empty() || health.normal.is_empty() {
                return Ok(());
            }
            let total = health.normal.len() + health.failing.len() + health.unavailable.len();
            out.fail("some")
                .on(listener, "health")
                .fact("listener", listener.to_ref())
                .fact("failing", names(&health.failing))
                .fact("healthy", health.normal.len())
                .fact("total", total)
                .emit();
            Ok(())
        });
    }
}
