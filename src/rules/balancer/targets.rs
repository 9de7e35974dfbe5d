//! CLB003 and CLB004: which servers a listener sends to (access.md §3.2).

use std::collections::{BTreeMap, BTreeSet};

use super::{listener_listing, owner, runs, within};
use crate::rules::facts::{first_of, list};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    Backend, ForwardingRule, Id, Listener, ListenerProtocol, Listing, LoadBalancer,
    LoadBalancerType, Resource, Scope, ServerGroup,
};

/// A group of servers that a listener sends to.
pub(super) struct Target<'a> {
    /// The group, or the load balancer for its default group.
    holder: &'a dyn Resource,
    /// Model field that has the servers.
    field: &'static str,
    /// Its servers, or what is missing to know them all.
    pub(super) servers: Result<&'a [Backend], Unknown>,
    /// The forwarding rule that leads to it.
    rule: Option<&'a ForwardingRule>,
    /// The default group of a CLB, which nobody names.
    pub(super) is_default: bool,
    /// Traffic goes to the master whatever the weights say.
    is_pair: bool,
}

/// Everything that a listener can send to: the groups of its forwarding rules, and its own groups
/// or, if it names none, the default group of the CLB.
fn targets<'a>(
    cx: &Context<'a>,
    rules: &Rules<'a>,
    lb: &'a LoadBalancer,
    listener: &'a Listener,
) -> Result<Vec<Target<'a>>, Unknown> {
    let mut out = Vec::new();
    for rule in rules.of(listener) {
        for id in rule.server_groups.iter().flatten() {
            out.push(group_target(cx, lb, id, Some(rule)));
        }
    }
    let own = stated(listener.server_groups.as_ref(), listener, "server groups")?;
    out.extend(own.iter().map(|id| group_target(cx, lb, id, None)));
    if own.is_empty() && lb.lb_type == Some(LoadBalancerType::Clb) {
        let servers = match lb.default_backends.as_deref() {
            Some(servers) if !servers.is_empty() => Ok(servers),
            known => cx
                .need(Listing::ClbAttributes, &within(lb, lb.id()))
                .and_then(|()| stated(known.as_ref(), lb, "default server group").copied()),
        };
        out.push(Target {
            holder: lb,
            field: "default_backends",
            servers,
            rule: None,
            is_default: true,
            is_pair: false,
        });
    }
    Ok(out)
}

fn group_target<'a>(
    cx: &Context<'a>,
    lb: &'a LoadBalancer,
    id: &Id,
    rule: Option<&'a ForwardingRule>,
) -> Target<'a> {
    let found: Option<&ServerGroup> = cx.topology.server_groups.get(id);
    let is_pair = found
        .and_then(|g| g.group_type.as_deref())
        .is_some_and(|t| t.eq_ignore_ascii_case("MasterSlave"));
    let servers = match found.map(|group| group.backends.as_deref()) {
        // a group that does not exist is REF001's
        None => Err(Unknown::of(format!("server group {id} (not in the input)"))),
        Some(Some(servers)) if !servers.is_empty() => Ok(servers),
        Some(known) => {
            let listing = match lb.lb_type {
                Some(LoadBalancerType::Alb) => Listing::AlbServers,
                Some(LoadBalancerType::Nlb) => Listing::NlbServers,
                _ if is_pair => Listing::ClbMasterSlaveMembers,
                _ => Listing::ClbServerGroupMembers,
            };
            let scope = match listing.parent() {
                Some(_) => within(lb, id),
                None => Scope::around(&lb.meta),
            };
            cx.need(listing, &scope).and_then(|()| {
                known.ok_or_else(|| Unknown::of(format!("servers of {id} (not stated)")))
            })
        }
    };
    let holder: &dyn Resource = match found {
        Some(group) => group,
        None => lb,
    };
    Target { holder, field: "backends", servers, rule, is_default: false, is_pair }
}

/// Forwarding rules by listener; those of a CLB may name only its port.
pub(super) struct Rules<'a> {
    by_listener: BTreeMap<&'a Id, Vec<&'a ForwardingRule>>,
    by_port: BTreeMap<(&'a Id, u16), Vec<&'a ForwardingRule>>,
}

impl<'a> Rules<'a> {
    pub(super) fn of_topology(cx: &Context<'a>) -> Self {
        let mut out = Self { by_listener: BTreeMap::new(), by_port: BTreeMap::new() };
        for rule in &cx.topology.forwarding_rules {
            match (&rule.listener, &rule.load_balancer, rule.listener_port) {
                (Some(listener), _, _) => out.by_listener.entry(listener).or_default().push(rule),
                (None, Some(lb), Some(port)) => {
                    out.by_port.entry((lb, port)).or_default().push(rule);
                }
                _ => {}
            }
        }
        out
    }

    fn of(&self, listener: &'a Listener) -> Vec<&'a ForwardingRule> {
        let named = self.by_listener.get(listener.id()).into_iter().flatten();
        let key = listener.load_balancer.as_ref().zip(listener.port);
        let ported = key.and_then(|key| self.by_port.get(&key)).into_iter().flatten();
        // without a protocol in the request, only an HTTP or HTTPS listener can be meant
        let ported = ported.filter(|_| has_rules(listener));
        named.chain(ported).copied().collect()
    }
}

/// Can the listener have forwarding rules?
fn has_rules(listener: &Listener) -> bool {
    !matches!(
        listener.protocol,
        Some(ListenerProtocol::Tcp | ListenerProtocol::Udp | ListenerProtocol::TcpSsl)
    )
}

/// Listeners that take connections and forward them, with what they can send to. A listener whose
/// status is not known is looked at: a stopped one would be wrong as well (CLB002).
pub(super) fn forwarding<'a>(
    cx: &Context<'a>,
    rules: &Rules<'a>,
    out: &mut Sink,
    mut check: impl FnMut(
        &'a LoadBalancer,
        &'a Listener,
        Vec<Target<'a>>,
        &mut Sink,
    ) -> Result<(), Unknown>,
) {
    out.each(cx, &cx.topology.listeners, |listener, out| {
        // a redirect ends at the listener (access.md §3.2)
        if runs(listener) == Some(false) || listener.redirect_to.is_some() {
            return Ok(());
        }
        let lb = owner(cx, listener)?;
        if listener_listing(lb)?.is_none() {
            return Ok(());
        }
        check(lb, listener, targets(cx, rules, lb, listener)?, out)
    });
}

pub(crate) struct NoBackend;

static EMPTY: RuleMeta = RuleMeta {
    id: "CLB003",
    name: "no-backend",
    summary: "every listener that runs sends to a server group with servers in it",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "all",
            message: "{listener} runs, but has no server to send to: {groups} empty",
            help: "add servers to the group, or point the listener at one that has servers",
        },
        Case {
            key: "some",
            message: "{group} is empty, so what {user} sends to it fails; other groups of {listener} have servers",
            help: "add servers to the group, or point {user} at another one",
        },
    ],
    page: include_str!("../../../rules/CLB003-no-backend.md"),
};

impl Rule for NoBackend {
    fn meta(&self) -> &'static RuleMeta {
        &EMPTY
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let rules = Rules::of_topology(cx);
        forwarding(cx, &rules, out, |lb, listener, targets, out| {
            no_backend(cx, lb, listener, &targets, out)
        });
    }
}

fn no_backend(
    cx: &Context<'_>,
    lb: &LoadBalancer,
    listener: &Listener,
    targets: &[Target<'_>],
    out: &mut Sink,
) -> Result<(), Unknown> {
    let is_empty = |t: &&Target<'_>| t.servers.as_ref().is_ok_and(|servers| servers.is_empty());
    let mut missing = Unknown::default();
    for unknown in targets.iter().filter_map(|t| t.servers.as_ref().err()) {
        missing.missing.extend(unknown.missing.iter().cloned());
    }
    if targets.iter().any(|t| t.servers.as_ref().is_ok_and(|servers| !servers.is_empty())) {
        // nobody fills the default group when all requests match a rule
        for target in targets.iter().filter(is_empty).filter(|t| !t.is_default) {
            let user = target.rule.map_or_else(|| listener.to_ref(), Resource::to_ref);
            let finding = out.fail("some").severity(Severity::Warning);
            let finding = match target.rule {
                Some(rule) => finding.on(rule, "server_groups"),
                None => finding.on(listener, "server_groups"),
            };
            finding
                .with(target.holder, target.field, "has no server")
                .fact("group", target.holder.to_ref())
                .fact("user", user)
                .fact("listener", listener.to_ref())
                .emit();
        }
        return if missing.missing.is_empty() { Ok(()) } else { Err(missing) };
    }
    // further rules could lead to groups with servers
    if has_rules(listener) {
        let (listing, scope) = match lb.lb_type {
            Some(LoadBalancerType::Clb) => (Listing::ClbRules, within(lb, listener.id())),
            _ => (Listing::AlbRules, Scope::around(&lb.meta)),
        };
        if let Err(unknown) = cx.need(listing, &scope) {
            missing.missing.extend(unknown.missing);
        }
    }
    if !missing.missing.is_empty() {
        return Err(missing);
    }
    // an ALB that only redirects or answers by itself names no group
    if targets.is_empty() {
        return Ok(());
    }
    let mut names: Vec<String> = targets.iter().map(group_name).collect();
    names.dedup();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let mut finding = out
        .fail("all")
        .on_whole(listener)
        .fact("listener", listener.to_ref())
        .fact("groups", format!("{} {verb}", first_of(&names, 3)));
    for target in targets {
        finding = finding.with(target.holder, target.field, "has no server");
    }
    finding.emit();
    Ok(())
}

/// `server group rsp-1`, or `the default group of load balancer lb-1`.
fn group_name(target: &Target<'_>) -> String {
    let holder = target.holder.to_ref();
    if target.is_default { format!("the default group of {holder}") } else { holder.to_string() }
}

pub(crate) struct AllWeightsZero;

static WEIGHTS: RuleMeta = RuleMeta {
    id: "CLB004",
    name: "all-weights-zero",
    summary: "at least one server of every used group has a weight above 0",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "zero",
        message: "all {count} of {group} have weight 0, so {listeners} can open no new connection",
        help: "give the servers that may take connections a weight; 100 is the default",
    }],
    page: include_str!("../../../rules/CLB004-all-weights-zero.md"),
};

impl Rule for AllWeightsZero {
    fn meta(&self) -> &'static RuleMeta {
        &WEIGHTS
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let rules = Rules::of_topology(cx);
        // one finding per group, whatever the number of listeners that use it
        let mut idle: BTreeMap<(&str, &Id), (Target<'_>, Vec<&Listener>)> = BTreeMap::new();
        forwarding(cx, &rules, out, |_, listener, targets, _| {
            let mut missing = Unknown::default();
            let mut seen = BTreeSet::new();
            for target in targets {
                let key = (target.field, target.holder.id());
                match all_zero(&target) {
                    Ok(true) if seen.insert(key) => {
                        idle.entry(key).or_insert((target, Vec::new())).1.push(listener);
                    }
                    Ok(_) => {}
                    Err(unknown) => missing.missing.extend(unknown.missing),
                }
            }
            if missing.missing.is_empty() { Ok(()) } else { Err(missing) }
        });
        for (target, listeners) in idle.into_values() {
            let names: Vec<_> = listeners.iter().map(|l| l.to_ref()).collect();
            let count = target.servers.as_ref().map_or(0, |servers| servers.len());
            let mut finding = out
                .fail("zero")
                .on(target.holder, target.field)
                .fact(
                    "count",
                    if count == 1 { "servers".to_owned() } else { format!("{count} servers") },
                )
                .fact("group", group_name(&target))
                .fact("listeners", list(&names));
            for listener in listeners {
                finding = finding.with_whole(listener, "sends to it");
            }
            finding.emit();
        }
    }
}

/// Does the group have servers, none of which takes new connections? An empty group is CLB003's.
fn all_zero(target: &Target<'_>) -> Result<bool, Unknown> {
    let servers = target.servers.clone()?;
    // all traffic of a pair goes to its master (access.md §3.2)
    if target.is_pair || servers.is_empty() || servers.iter().any(|s| s.weight > Some(0)) {
        return Ok(false);
    }
    match servers.iter().find(|s| s.weight.is_none()) {
        Some(server) => {
            let name = server.server.as_ref().map_or("a server", |id| id.as_str());
            Err(Unknown::of(format!("weight of {name} in {} (not stated)", target.holder.id())))
        }
        None => Ok(true),
    }
}
