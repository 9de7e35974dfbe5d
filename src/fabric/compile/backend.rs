//! Server groups behind listeners, and which of their servers take connections (access.md §3.2).

use super::super::assume::AllUnhealthy;
use super::super::pipeline::{Branch, ElementId, End, Op, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table};
use super::Compiler;
use super::balancer::{Front, Step};
use super::listener::redirected;
use crate::addr::AddrSet;
use crate::topology::{
    Backend, ForwardingRule, Id, Kind, Listener, ListenerProtocol, Listing, LoadBalancer,
    LoadBalancerType, Resource, Scope, ServerGroup, Text,
};

/// Where a listener may send.
struct Choice<'t> {
    /// The forwarding rule that says so.
    rule: Option<&'t ForwardingRule>,
    to: To,
}

enum To {
    Group(Id),
    /// The default group of a CLB.
    Default,
    /// The load balancer answers by itself.
    Itself,
    Missing(Text),
}

/// Servers that take new connections.
enum Eligible {
    These(Vec<usize>, Option<Text>),
    Missing(Text),
}

/// Health of a server.
#[derive(Clone, PartialEq)]
pub(super) enum Health {
    Up,
    Down,
    Unknown(Text),
}

impl<'t> Compiler<'t> {
    /// All servers that a listener may send to: scheduling only chooses between them
    /// (access.md §3.2).
    pub(super) fn choice_stage(&mut self, lb: &'t LoadBalancer, front: &Front, id: &Id) -> Stage {
        let Some(listener) = self.topology.listeners.get(id) else {
            let at = self.referred(Kind::Listener, id);
            let default = Branch::unknown(format!("listener {id} (not in the input)"));
            return Stage::new("server_group", at, Table::constant(default));
        };
        let at = self.listener_element(listener);
        let then = if listener.redirect_to.is_some() {
            redirected(listener, at)
        } else {
            let mut branches = Vec::new();
            for choice in self.choices(lb, listener) {
                let named = choice.rule.map(|rule| {
                    let text = rule_text(rule);
                    (self.element(rule, text.clone()), text)
                });
                for branch in self.candidates(lb, front, listener, &choice) {
                    let branch = match &named {
                        Some((element, text)) => {
                            let note = Op::Note(Text::from(text.as_str()));
                            branch.after_all([Op::Via(*element), note])
                        }
                        None => branch,
                    };
                    branches.push(branch);
                }
            }
            Branch::fork(branches).unwrap_or_else(|| Branch::drop(Reason::NoBackend, at))
        };
        let rule = Rule::new(Match::default(), at, then.clone());
        Stage::new("server_group", at, Table { rules: vec![rule], default: then })
    }

    /// Which groups a listener may send to. A request's host and path are not known, so every
    /// forwarding rule is possible, and none of them too.
    fn choices(&self, lb: &'t LoadBalancer, listener: &'t Listener) -> Vec<Choice<'t>> {
        let mut out = Vec::new();
        if is_l7(listener) {
            let rules = self.topology.forwarding_rules.iter().filter(|rule| {
                let by_port = rule.load_balancer.as_ref() == Some(lb.id())
                    && rule.listener_port.is_some()
                    && rule.listener_port == listener.port;
                rule.listener.as_ref() == Some(listener.id())
                    || (rule.listener.is_none() && by_port)
            });
            for rule in rules {
                match &rule.server_groups {
                    Some(groups) if groups.is_empty() => {
                        out.push(Choice { rule: Some(rule), to: To::Itself });
                    }
                    Some(groups) => out.extend(
                        groups
                            .iter()
                            .map(|group| Choice { rule: Some(rule), to: To::Group(group.clone()) }),
                    ),
                    None => {
                        let missing = format!("server groups of rule {} (not stated)", rule.id());
                        out.push(Choice { rule: Some(rule), to: To::Missing(missing.into()) });
                    }
                }
            }
            let listing = match lb.lb_type {
                Some(LoadBalancerType::Alb) => Listing::AlbRules,
                _ => Listing::ClbRules,
            };
            let scope = Scope::around(&lb.meta).with_parent(listener.id());
            if let Some(gap) = self.topology.coverage.gap(listing, &scope) {
                out.push(Choice { rule: None, to: To::Missing(Text::from(gap.to_string())) });
            }
        }
        match &listener.server_groups {
            Some(groups) if groups.is_empty() && is_clb(lb) => {
                out.push(Choice { rule: None, to: To::Default });
            }
            Some(groups) => out.extend(
                groups.iter().map(|group| Choice { rule: None, to: To::Group(group.clone()) }),
            ),
            None => {
                let listing = super::listener::listing_of_listeners(lb);
                let missing = format!("server groups of {} (not stated)", listener.id());
                let missing = match self.balancer_gap(listing, lb) {
                    Some(gap) => format!("{missing}: {gap}"),
                    None => missing,
                };
                out.push(Choice { rule: None, to: To::Missing(missing.into()) });
            }
        }
        out
    }

    /// The branches of one choice: one per server that takes new connections.
    fn candidates(
        &mut self,
        lb: &'t LoadBalancer,
        front: &Front,
        listener: &'t Listener,
        choice: &Choice<'t>,
    ) -> Vec<Branch> {
        let group = match &choice.to {
            To::Group(id) => Some(id.clone()),
            To::Default => None,
            To::Itself => {
                let at = match choice.rule {
                    Some(rule) => self.element(rule, rule_text(rule)),
                    None => self.named(lb),
                };
                return vec![Branch::new(End::Answer(at))];
            }
            To::Missing(missing) => return vec![Branch::unknown(missing.clone())],
        };
        let at = self.group_element(lb, group.as_ref());
        let (backends, gap) = match self.backends(lb, group.as_ref()) {
            Ok(found) => found,
            Err(branch) => return vec![branch.after(Op::Via(at))],
        };
        let (eligible, assumed) = match self.eligible(lb, listener, group.as_ref(), backends) {
            Eligible::These(eligible, assumed) => (eligible, assumed),
            Eligible::Missing(missing) => return vec![Branch::unknown(missing).after(Op::Via(at))],
        };
        let mut out: Vec<Branch> = Vec::new();
        for n in eligible {
            let listener = listener.id().clone();
            let step = Step::Backend { listener, group: group.clone(), n };
            out.push(Branch::go(self.balancer_step(front, step)));
        }
        match gap {
            // there may be further servers
            Some(gap) => out.push(Branch::unknown(gap)),
            None if out.is_empty() => out.push(Branch::drop(Reason::NoBackend, at)),
            None => {}
        }
        out.into_iter()
            .map(|branch| branch.after_all(assumed.clone().map(Op::Assume)).after(Op::Via(at)))
            .collect()
    }

    pub(super) fn server_group(&self, id: &Id) -> Option<&'t ServerGroup> {
        self.topology.server_groups.get(id)
    }

    /// The element of a group; the default group of a CLB is the CLB itself.
    pub(super) fn group_element(&mut self, lb: &'t LoadBalancer, group: Option<&Id>) -> ElementId {
        match group.map(|id| (id, self.server_group(id))) {
            Some((_, Some(group))) => self.named(group),
            Some((id, None)) => self.referred(Kind::ServerGroup, id),
            None => self.named(lb),
        }
    }

    /// The servers of a group, and what is missing to know that there are no others.
    fn backends(
        &self,
        lb: &'t LoadBalancer,
        group: Option<&Id>,
    ) -> Result<(&'t [Backend], Option<Text>), Branch> {
        let gap_text = |gap: Option<crate::topology::Gap>, what: String| match gap {
            Some(gap) => Branch::unknown(format!("{what}: {gap}")),
            None => Branch::unknown(format!("{what} (not stated)")),
        };
        let coverage = &self.topology.coverage;
        let around = Scope::around(&lb.meta);
        let Some(id) = group else {
            let gap = coverage.gap(Listing::ClbAttributes, &around.with_parent(lb.id()));
            let what = format!("default server group of {}", lb.id());
            let stated = lb.default_backends.as_deref().ok_or_else(|| gap_text(gap, what))?;
            return Ok((stated, None));
        };
        let (groups, members): (&[Listing], &[Listing]) = match lb.lb_type {
            Some(LoadBalancerType::Alb) => (&[Listing::AlbServerGroups], &[Listing::AlbServers]),
            Some(LoadBalancerType::Nlb) => (&[Listing::NlbServerGroups], &[Listing::NlbServers]),
            _ => (
                &[Listing::ClbServerGroups, Listing::ClbMasterSlaveGroups],
                &[Listing::ClbServerGroupMembers],
            ),
        };
        let Some(found) = self.server_group(id) else {
            let scope = around.with_parent(lb.id());
            let gap = groups.iter().find_map(|listing| coverage.gap(*listing, &scope));
            return Err(Branch::unknown(match gap {
                Some(gap) => format!("server group {id}: {gap}"),
                // the cloud deletes no group that a listener uses: the input contradicts itself
                None => format!("server group {id} (not in the input)"),
            }));
        };
        let members =
            if is_master_slave(found) { &[Listing::ClbMasterSlaveMembers] } else { members };
        let scope = Scope::around(&found.meta).with_parent(id);
        let gap = members.iter().find_map(|listing| coverage.gap(*listing, &scope));
        let what = format!("servers of {id}");
        match found.backends.as_deref() {
            // a CLB's group states all its servers in one body
            Some(backends) if is_clb(lb) => Ok((backends, None)),
            Some(backends) => Ok((backends, gap.map(|gap| Text::from(gap.to_string())))),
            None => Err(gap_text(gap, what)),
        }
    }

    /// Which servers of a group take new connections (access.md §3.2).
    fn eligible(
        &self,
        lb: &LoadBalancer,
        listener: &Listener,
        group: Option<&Id>,
        backends: &[Backend],
    ) -> Eligible {
        let health = |backend: &Backend| self.health(lb, listener, backend);
        if let Some(group) = group.and_then(|id| self.server_group(id))
            && is_master_slave(group)
            && !backends.is_empty()
        {
            let role = |word: &str| {
                backends.iter().position(|backend| {
                    backend.role.as_deref().is_some_and(|role| role.eq_ignore_ascii_case(word))
                })
            };
            // all to the master; the slave is not checked and takes over when the master fails
            return match (role("Master"), role("Slave")) {
                (Some(master), slave) => {
                    let down = backends.get(master).is_some_and(|b| health(b) == Health::Down);
                    Eligible::These(
                        if down { slave.into_iter().collect() } else { vec![master] },
                        None,
                    )
                }
                (None, _) => {
                    Eligible::Missing(format!("roles in {} (not stated)", group.id()).into())
                }
            };
        }
        // a weight that is not stated is the default, 100
        let indexed = backends.iter().enumerate();
        let weighted: Vec<_> = indexed.filter(|(_, b)| b.weight != Some(0)).collect();
        let up: Vec<usize> =
            weighted.iter().filter(|(_, b)| health(b) != Health::Down).map(|(n, _)| *n).collect();
        if !up.is_empty() || weighted.is_empty() {
            return Eligible::These(up, None);
        }
        let knob = self.assume.all_unhealthy;
        let assumed = format!("all_unhealthy = {} ({})", knob.name(), listener.id());
        let all = match knob {
            AllUnhealthy::Drop => Vec::new(),
            AllUnhealthy::Forward => weighted.iter().map(|(n, _)| *n).collect(),
        };
        Eligible::These(all, Some(Text::from(assumed)))
    }

    /// Health of a server at one listener. `unavailable` means that nothing checks it. Health at
    /// ALB and NLB is not part of the model.
    pub(super) fn health(
        &self,
        lb: &LoadBalancer,
        listener: &Listener,
        backend: &Backend,
    ) -> Health {
        if !is_clb(lb) {
            return Health::Up;
        }
        let Some(rows) = &listener.health else {
            return match self.balancer_gap(Listing::ClbHealth, lb) {
                Some(gap) => Health::Unknown(gap),
                None => Health::Up,
            };
        };
        let of_backend = rows.iter().filter(|row| {
            let same_port = match (row.port, backend.port) {
                (Some(row), Some(backend)) => row == backend,
                _ => true,
            };
            Some(&row.server) == backend.server.as_ref() && same_port
        });
        let words: Vec<&str> = of_backend.filter_map(|row| row.status.as_deref()).collect();
        let down = |word: &&str| word.eq_ignore_ascii_case("abnormal");
        if !words.is_empty() && words.iter().all(down) { Health::Down } else { Health::Up }
    }

    /// Blocks by which the ACLs before all servers of a load balancer tell packets apart.
    pub(super) fn server_blocks(&self, lb: &'t LoadBalancer) -> Vec<AddrSet> {
        let mut borders = std::collections::BTreeSet::new();
        for listener in self.listeners_of(lb.id()) {
            for choice in self.choices(lb, listener) {
                let backends = match &choice.to {
                    To::Group(id) => self.server_group(id).and_then(|g| g.backends.as_ref()),
                    To::Default => lb.default_backends.as_ref(),
                    To::Itself | To::Missing(_) => None,
                };
                for backend in backends.into_iter().flatten() {
                    let filters = self.filters_of_server(&self.server(backend));
                    borders.extend(filters.and_then(|f| f.border));
                }
            }
        }
        borders.iter().flat_map(|border| self.acl_blocks_of(Some(border))).collect()
    }
}

pub(super) fn is_clb(lb: &LoadBalancer) -> bool {
    lb.lb_type == Some(LoadBalancerType::Clb)
}

/// Listeners that end the client's connection.
pub(super) fn is_l7(listener: &Listener) -> bool {
    matches!(
        listener.protocol,
        Some(ListenerProtocol::Http | ListenerProtocol::Https | ListenerProtocol::Quic)
    )
}

fn is_master_slave(group: &ServerGroup) -> bool {
    group.group_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("MasterSlave"))
        || group.backends.iter().flatten().any(|backend| backend.role.is_some())
}

/// `rule a.example.com/api`.
fn rule_text(rule: &ForwardingRule) -> String {
    let domain = rule.domain.as_deref().unwrap_or("any host");
    let url = rule.url.as_deref().map(|url| format!(" {url}")).unwrap_or_default();
    format!("rule {} for {domain}{url}", rule.id())
}
