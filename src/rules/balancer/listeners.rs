//! CLB001, CLB002 and CLB016: load balancers without listener, listeners that do not run, and
//! access lists without entries.

use std::collections::BTreeSet;

use super::{listener_listing, owner, runs, within};
use crate::rules::facts::{list, product};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    AccessList, AclType, Id, Lifecycle, Listener, Listing, LoadBalancerType, Resource, Scope,
};

pub(crate) struct NoListener;

static WITHOUT: RuleMeta = RuleMeta {
    id: "CLB001",
    name: "no-listener",
    summary: "a load balancer has at least one listener",
    severity: Severity::Warning,
    pack: Pack::Default,
    needs: &[],
    cases: &[Case {
        key: "none",
        message: "{product} {balancer} has no listener, so it forwards nothing",
        help: "add a listener, or release the load balancer",
    }],
    page: include_str!("../../../rules/CLB001-no-listener.md"),
};

impl Rule for NoListener {
    fn meta(&self) -> &'static RuleMeta {
        &WITHOUT
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let with_listener: BTreeSet<&Id> =
            cx.topology.listeners.iter().filter_map(|l| l.load_balancer.as_ref()).collect();
        let bare = cx.topology.load_balancers.iter().filter(|lb| !with_listener.contains(lb.id()));
        out.each(cx, bare, |lb, out| {
            let Some(listing) = listener_listing(lb)? else { return Ok(()) };
            cx.need(listing, &Scope::around(&lb.meta))?;
            out.fail("none")
                .on_whole(lb)
                .fact("product", product(lb))
                .fact("balancer", lb.id())
                // behind an endpoint service it is an error, which PL005 reports
                .unless_reported("PL005", lb)
                .emit();
            Ok(())
        });
    }
}

pub(crate) struct ListenerNotRunning;

static STOPPED: RuleMeta = RuleMeta {
    id: "CLB002",
    name: "listener-not-running",
    summary: "listeners run",
    severity: Severity::Warning,
    pack: Pack::Default,
    needs: &[],
    cases: &[Case {
        key: "stopped",
        message: "{listener} is `{status}`, so it takes no connections",
        help: "start it, or delete it; a listener made through the API of CLB is stopped until `StartLoadBalancerListener` is called",
    }],
    page: include_str!("../../../rules/CLB002-listener-not-running.md"),
};

impl Rule for ListenerNotRunning {
    fn meta(&self) -> &'static RuleMeta {
        &STOPPED
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.listeners, |listener, out| {
            let status = stated(listener.meta.status.as_ref(), listener, "status")?;
            match runs(listener) {
                Some(true) => return Ok(()),
                Some(false) => {}
                None => {
                    let what = format!("status of {} (`{status}` is not known)", listener.id());
                    return Err(Unknown::of(what));
                }
            }
            let mut finding = out
                .fail("stopped")
                .on(listener, "status")
                .fact("listener", listener.to_ref())
                .fact("status", status);
            if listener.lifecycle() == Lifecycle::Transitional {
                finding = finding.unless_reported("DATA005", listener);
            }
            if let Ok(lb) = owner(cx, listener) {
                // with no other listener, PL005 says what that means for the service
                finding = finding.unless_reported("PL005", lb);
            }
            finding.emit();
            Ok(())
        });
    }
}

pub(crate) struct WhitelistAclEmpty;

static EMPTY_LIST: RuleMeta = RuleMeta {
    id: "CLB016",
    name: "whitelist-acl-empty",
    summary: "a listener whose whitelist is switched on has an entry in it",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "empty",
            message: "the whitelist of {listener} is on, but {lists} has no entry; documents disagree on whether everybody or nobody gets through",
            help: "add the sources that may connect, or switch the access control off if everybody may",
        },
        Case {
            key: "none",
            message: "the whitelist of {listener} is on, but names no access list; documents disagree on whether everybody or nobody gets through",
            help: "name an access list with the sources that may connect, or switch the access control off if everybody may",
        },
    ],
    page: include_str!("../../../rules/CLB016-whitelist-acl-empty.md"),
};

impl Rule for WhitelistAclEmpty {
    fn meta(&self) -> &'static RuleMeta {
        &EMPTY_LIST
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.listeners, |listener, out| whitelist(cx, listener, out));
    }
}

fn whitelist(cx: &Context<'_>, listener: &Listener, out: &mut Sink) -> Result<(), Unknown> {
    let lb = owner(cx, listener)?;
    // an NLB has security groups in place of access lists (access.md §3.4)
    if matches!(lb.lb_type, Some(LoadBalancerType::Nlb | LoadBalancerType::Gwlb)) {
        return Ok(());
    }
    if !*stated(listener.acl_enabled.as_ref(), listener, "access control")? {
        return Ok(());
    }
    if *stated(listener.acl_type.as_ref(), listener, "kind of access control")? != AclType::White {
        return Ok(());
    }
    let names = stated(listener.access_lists.as_ref(), listener, "access lists")?;
    let mut empty: Vec<&AccessList> = Vec::new();
    let mut missing = Unknown::default();
    for name in names {
        match entries(cx, listener, name) {
            Ok((_, false)) => return Ok(()),
            Ok((found, true)) => empty.push(found),
            Err(unknown) => missing.missing.extend(unknown.missing),
        }
    }
    if !missing.missing.is_empty() {
        return Err(missing);
    }
    let lists: Vec<_> = empty.iter().map(|found| found.to_ref()).collect();
    let case = if lists.is_empty() { out.fail("none") } else { out.fail("empty") };
    let mut finding = case
        .on(listener, "access_lists")
        .fact("listener", listener.to_ref())
        .fact("lists", list(&lists));
    for found in empty {
        finding = finding.with(found, "entries", "has no entry");
    }
    finding.emit();
    Ok(())
}

/// An access list, and whether it is known to be empty.
fn entries<'c>(
    cx: &Context<'c>,
    listener: &Listener,
    id: &Id,
) -> Result<(&'c AccessList, bool), Unknown> {
    let found = cx.topology.access_lists.get(id);
    let found = found.ok_or_else(|| Unknown::of(format!("access list {id} (not in the input)")))?;
    let entries = found.entries.as_deref().unwrap_or_default();
    if entries.is_empty() {
        let listing = match found.lb_type {
            Some(LoadBalancerType::Alb) => Listing::AlbAccessListEntries,
            _ => Listing::ClbAccessListEntries,
        };
        cx.need(listing, &within(listener, id))?;
    }
    Ok((found, entries.is_empty()))
}
