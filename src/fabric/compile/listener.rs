//! Listeners of load balancers and their access lists (access.md §3.2, §3.3).

use super::super::assume::EmptyWhiteAcl;
use super::super::pipeline::{Branch, ElementId, End, Op, Pass, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table};
use super::Compiler;
use super::balancer::{Door, Front, Step};
use super::filter::Next;
use crate::addr::{AddrSet, Family};
use crate::packet::{Protocol, ServiceRange, ServiceSet};
use crate::topology::{
    AclType, CidrValue, Id, Kind, Lifecycle, Listener, ListenerProtocol, Listing, LoadBalancer,
    LoadBalancerType, Resource, Scope, Text,
};

impl<'t> Compiler<'t> {
    pub(super) fn listeners_of(&self, lb: &Id) -> Vec<&'t Listener> {
        self.listeners_of.get(lb.as_str()).cloned().unwrap_or_default()
    }

    /// What a load balancer listens to: protocol and port choose the listener (access.md §3.2).
    pub(super) fn listeners_stage(&mut self, lb: &'t LoadBalancer, front: &Front) -> Stage {
        let at = self.named(lb);
        let listing = listing_of_listeners(lb);
        let gap = self.balancer_gap(listing, lb);
        let mut rules: Vec<Rule> = self.only_listened_protocols(front).into_iter().collect();
        let mut stopped = Vec::new();
        for listener in self.listeners_of(lb.id()) {
            let element = self.listener_element(listener);
            let (services, unreadable) = services(listener);
            let mut doubt = unreadable;
            let running = match runs(listener) {
                Some(running) => running,
                None => {
                    let status = listener.meta.status.as_deref();
                    doubt = doubt.or(match (status, &gap) {
                        // the row in the listing would state it
                        (None, Some(gap)) => {
                            Some(format!("status of {} (not stated): {gap}", listener.id()))
                        }
                        (None, None) => None,
                        (Some(word), _) => Some(format!("status `{word}` of {}", listener.id())),
                    });
                    true
                }
            };
            let then = if running {
                self.listened(lb, front, listener, element)
            } else {
                Branch::drop(Reason::NoListener, at)
            };
            let then = then.after(Op::Via(element));
            let matches = Match::services(services);
            let rule = Rule { matches, element, then, doubt: doubt.map(Text::from) };
            if running { rules.push(rule) } else { stopped.push(rule) }
        }
        rules.extend(stopped);
        let default = match gap {
            Some(gap) => Branch::unknown(gap),
            None => Branch::drop(Reason::NoListener, at).after(Op::Via(at)),
        };
        Stage::new("listener", at, Table { rules, default })
    }

    /// An endpoint's ENI answers no ping, nor anything else that nobody can listen to
    /// (access.md §4.6 step 4).
    fn only_listened_protocols(&mut self, front: &Front) -> Option<Rule> {
        let Door::Link { endpoint, .. } = &front.door else { return None };
        let endpoint = self.topology.endpoints.get(endpoint)?;
        let at = self.named(endpoint);
        let others = [Protocol::Icmp, Protocol::Gre, Protocol::Other];
        let services = ServiceSet::from_ranges(others.map(ServiceRange::of).to_vec());
        let then = Branch::drop(Reason::EndpointProtocol, at).after(Op::Via(at));
        Some(Rule::new(Match::services(services), at, then))
    }

    /// What a running listener does.
    fn listened(
        &mut self,
        lb: &'t LoadBalancer,
        front: &Front,
        listener: &'t Listener,
        element: ElementId,
    ) -> Branch {
        if front.is_link() && listener.protocol == Some(ListenerProtocol::TcpSsl) {
            // access.md §4.4
            return Branch::drop(Reason::NoListener, element);
        }
        let id = listener.id().clone();
        let tested = !matches!(self.access(lb, listener), Ok(None));
        if listener.redirect_to.is_some() && !tested {
            // terminal: no server sees it (access.md §3.2)
            return redirected(listener, element);
        }
        let step = if tested { Step::Access(id) } else { Step::Choice(id) };
        Branch::go(self.balancer_step(front, step))
    }

    /// The kind of access list that tests a listener's clients; `None` when none does.
    fn access(&self, lb: &LoadBalancer, listener: &Listener) -> Result<Option<AclType>, Text> {
        match (listener.acl_enabled, &listener.acl_type) {
            (Some(false), _) => Ok(None),
            (Some(true), Some(kind @ (AclType::White | AclType::Black))) => Ok(Some(kind.clone())),
            (Some(true), Some(AclType::Other(word))) => {
                Err(Text::from(format!("access list type `{word}` of {}", listener.id())))
            }
            (Some(true), None) => {
                Err(Text::from(format!("access list type of {} (not stated)", listener.id())))
            }
            (None, _) => {
                let gap = match lb.lb_type {
                    Some(LoadBalancerType::Alb) => {
                        let scope = Scope::around(&listener.meta).with_parent(listener.id());
                        let gap =
                            self.topology.coverage.gap(Listing::AlbListenerAttributes, &scope);
                        gap.map(|gap| Text::from(gap.to_string()))
                    }
                    // an NLB has groups instead (access.md §3.4)
                    Some(LoadBalancerType::Nlb) => None,
                    _ => self.balancer_gap(Listing::ClbListeners, lb),
                };
                match gap {
                    Some(gap) => {
                        Err(Text::from(format!("access list of {}: {gap}", listener.id())))
                    }
                    None => Ok(None),
                }
            }
        }
    }

    /// Tests the client's address, or what stands for it behind an endpoint (access.md §3.3, §4.6).
    pub(super) fn access_stage(&mut self, lb: &'t LoadBalancer, front: &Front, id: &Id) -> Stage {
        let next = Next::Stage(self.balancer_step(front, Step::Choice(id.clone())));
        let Some(listener) = self.topology.listeners.get(id) else {
            let at = self.referred(Kind::Listener, id);
            let missing = Text::from(format!("listener {id} (not in the input)"));
            return self.unreadable_filter(
                STAGE,
                at,
                missing,
                Pass::stateless(next.branch()),
                next,
            );
        };
        let at = self.listener_element(listener);
        let pass = Pass::stateless(next.branch());
        let kind = match self.access(lb, listener) {
            Ok(Some(kind)) => kind,
            Ok(None) => {
                let table = Table::constant(next.branch());
                return Stage::filter(STAGE, at, table, pass);
            }
            Err(missing) => return self.unreadable_filter(STAGE, at, missing, pass, next),
        };
        let white = kind == AclType::White;
        let mut rules = Vec::new();
        let mut missing = None;
        let mut empty = true;
        match &listener.access_lists {
            Some(lists) => {
                for list in lists {
                    let (element, entries) = self.entries_of_list(lb, list);
                    match entries {
                        Ok(entries) => {
                            empty &= entries.is_empty();
                            let denied = Branch::drop(Reason::ListenerAclDenied, at);
                            let then = if white { next.branch() } else { denied };
                            let then = then.after(Op::Via(element));
                            rules.extend(list_rules(list, entries, element, &then));
                        }
                        Err(text) => missing = missing.or(Some(text)),
                    }
                }
            }
            None => missing = Some(Text::from(format!("access lists of {id} (not stated)"))),
        }
        let default = match missing {
            Some(missing) => self.missing_filter(missing, next),
            None => self.unlisted(id, at, white, empty, next),
        };
        Stage::filter(STAGE, at, Table { rules, default }, pass)
    }

    /// What happens to clients that no list names.
    fn unlisted(&self, id: &Id, at: ElementId, white: bool, empty: bool, next: Next) -> Branch {
        let denied = Branch::drop(Reason::ListenerAclDenied, at).after(Op::Via(at));
        if !white {
            return next.branch();
        }
        if !empty {
            return denied;
        }
        // documents contradict each other about a white list without entries (access.md §3.3)
        let knob = self.assume.empty_white_acl;
        let branch = match knob {
            EmptyWhiteAcl::ForwardAll => next.branch(),
            EmptyWhiteAcl::DropAll => denied,
        };
        branch.after(Op::Assume(Text::from(format!("empty_white_acl = {} ({id})", knob.name()))))
    }

    /// The entries of an access list, or what is missing to know them.
    fn entries_of_list(
        &mut self,
        lb: &LoadBalancer,
        id: &Id,
    ) -> (ElementId, Result<&'t [CidrValue], Text>) {
        let alb = lb.lb_type == Some(LoadBalancerType::Alb);
        let listings = if alb {
            [Listing::AlbAccessLists, Listing::AlbAccessListEntries]
        } else {
            [Listing::ClbAccessLists, Listing::ClbAccessListEntries]
        };
        let scope = Scope::around(&lb.meta).with_parent(id);
        let gap = listings.iter().find_map(|listing| self.topology.coverage.gap(*listing, &scope));
        let Some(list) = self.topology.access_lists.get(id) else {
            let missing = match gap {
                Some(gap) => format!("access list {id}: {gap}"),
                None => format!("access list {id} (not in the input)"),
            };
            return (self.referred(Kind::AccessList, id), Err(Text::from(missing)));
        };
        let element = self.element(list, list_text(id, list.entries.as_deref()));
        let entries = match (&list.entries, gap) {
            (Some(entries), _) => Ok(entries.as_slice()),
            (None, Some(gap)) => Err(Text::from(format!("access list {id}: {gap}"))),
            (None, None) => Err(Text::from(format!("entries of access list {id} (not stated)"))),
        };
        (element, entries)
    }

    /// Blocks of all access lists of a load balancer's listeners.
    pub(super) fn list_blocks(&self, lb: &Id) -> Vec<AddrSet> {
        let lists = self.listeners_of(lb).into_iter().filter(|l| l.acl_enabled != Some(false));
        lists
            .flat_map(|listener| listener.access_lists.iter().flatten())
            .filter_map(|id| self.topology.access_lists.get(id)?.entries.as_ref())
            .map(|entries| {
                let blocks: Vec<_> = entries.iter().filter_map(CidrValue::cidr).collect();
                AddrSet::from_cidrs(Family::V4, &blocks)
            })
            .collect()
    }

    pub(super) fn listener_element(&mut self, listener: &Listener) -> ElementId {
        self.element(listener, listener_text(listener))
    }
}

const STAGE: &str = "listener_acl";

/// The call that lists a load balancer's listeners.
pub(super) fn listing_of_listeners(lb: &LoadBalancer) -> Listing {
    match lb.lb_type {
        Some(LoadBalancerType::Alb) => Listing::AlbListeners,
        Some(LoadBalancerType::Nlb) => Listing::NlbListeners,
        _ => Listing::ClbListeners,
    }
}

/// Rules of one list.
fn list_rules(list: &Id, entries: &[CidrValue], element: ElementId, then: &Branch) -> Vec<Rule> {
    let blocks: Vec<_> = entries.iter().filter_map(CidrValue::cidr).collect();
    let mut rules = Vec::new();
    for family in [Family::V4, Family::V6] {
        let set = AddrSet::from_cidrs(family, &blocks);
        if !set.is_empty() {
            rules.push(Rule::new(Match::from(set), element, then.clone()));
        }
    }
    if let Some(masked) = entries.iter().find_map(CidrValue::symbol) {
        let doubt = Some(Text::from(format!("block `{masked}` of access list {list}")));
        rules.push(Rule { matches: Match::default(), element, then: then.clone(), doubt });
    }
    rules
}

/// `access list acl-1: 10.0.0.0/8, 192.0.2.1/32`.
fn list_text(id: &Id, entries: Option<&[CidrValue]>) -> String {
    const SHOWN: usize = 4;
    let Some(entries) = entries else { return format!("access list {id}") };
    let mut shown: Vec<String> = entries.iter().take(SHOWN).map(ToString::to_string).collect();
    if entries.len() > SHOWN {
        shown.push(format!("and {} more", entries.len() - SHOWN));
    }
    let shown = if shown.is_empty() { "no entry".to_owned() } else { shown.join(", ") };
    format!("access list {id}: {shown}")
}

/// Does it take connections? `None` when nothing understandable says so. What starts ends up running.
fn runs(listener: &Listener) -> Option<bool> {
    let starting =
        listener.meta.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("starting"));
    match listener.lifecycle() {
        Lifecycle::Usable => Some(true),
        Lifecycle::Transitional => Some(starting),
        Lifecycle::Dead => Some(false),
        Lifecycle::Unstated | Lifecycle::Unrecognised => None,
    }
}

/// The services of a listener, and what could not be read of them.
fn services(listener: &Listener) -> (ServiceSet, Option<String>) {
    let id = listener.id();
    let mut doubt = None;
    let (first, last) = match (listener.port, listener.end_port) {
        (Some(first), Some(last)) if last >= first => (first, last),
        (Some(port), _) => (port, port),
        (None, _) => {
            doubt = Some(format!("port of {id} (not stated)"));
            (0, u16::MAX)
        }
    };
    let protocols: &[Protocol] = match &listener.protocol {
        Some(
            ListenerProtocol::Tcp
            | ListenerProtocol::Http
            | ListenerProtocol::Https
            | ListenerProtocol::TcpSsl,
        ) => &[Protocol::Tcp],
        Some(ListenerProtocol::Udp | ListenerProtocol::Quic) => &[Protocol::Udp],
        Some(ListenerProtocol::Other(word)) => {
            doubt = Some(format!("protocol `{word}` of {id}"));
            &[Protocol::Tcp, Protocol::Udp]
        }
        None => {
            doubt = Some(format!("protocol of {id} (not stated)"));
            &[Protocol::Tcp, Protocol::Udp]
        }
    };
    let ranges = protocols.iter().map(|p| ServiceRange::ports(*p, first, last)).collect();
    (ServiceSet::from_ranges(ranges), doubt)
}

/// `listener http 80, stopped`.
fn listener_text(listener: &Listener) -> String {
    let protocol = listener.protocol.as_ref().map_or("?", ListenerProtocol::as_str);
    let port = match (listener.port, listener.end_port) {
        (Some(first), Some(last)) if last > first => format!("{first}-{last}"),
        (Some(port), _) => port.to_string(),
        (None, _) => "?".to_owned(),
    };
    let status = match (runs(listener), listener.meta.status.as_deref()) {
        (Some(false), Some(word)) => format!(", {word}"),
        _ => String::new(),
    };
    format!("listener {protocol} {port}{status}")
}

/// The load balancer answers by itself: the client shall come again by HTTPS (access.md §3.2; its
/// §7 calls it a denial, but the client does get an answer).
pub(super) fn redirected(listener: &Listener, element: ElementId) -> Branch {
    let to = listener.redirect_to.map_or_else(String::new, |port| format!(" port {port}"));
    let note = Text::from(format!("the listener only redirects to HTTPS{to}"));
    Branch::new(End::Answer(element)).after_all([Op::Via(element), Op::Note(note)])
}
