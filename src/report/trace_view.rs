//! What both forms of a trace need: the names of ends and elements, and their places.

use std::collections::{BTreeMap, BTreeSet};

use super::clean::clean;
use crate::analyze::trace::{Branch, Trace};
use crate::fabric::{ElementId, Fabric, Reason, StageId};
use crate::policy::flow::{Asked, EndPoint};
use crate::simulate::{Action, Blocker, Hop};

/// Where an element stands in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementPlace {
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// An answered question.
#[derive(Debug, Clone)]
pub struct Traced {
    /// The question, and who was meant.
    pub asked: Asked,
    /// The answer.
    pub trace: Trace,
}

/// What answers refer to.
#[derive(Debug, Clone, Copy)]
pub struct TraceContext<'a> {
    /// Elements and stages.
    pub fabric: &'a Fabric,
    /// Places of elements.
    pub places: &'a BTreeMap<ElementId, ElementPlace>,
}

impl TraceContext<'_> {
    pub(super) fn text(&self, id: ElementId) -> String {
        self.fabric.element(id).map_or_else(|| "?".to_owned(), |element| clean(&element.text))
    }

    /// `stage_name`, or `?`.
    pub(super) fn stage(&self, id: StageId) -> &'static str {
        self.fabric.stage(id).map_or("?", |stage| stage.name)
    }

    /// Is it shown? Stages named `reply` only carry packets to where a flow goes on.
    pub(super) fn is_shown(&self, hop: &Hop) -> bool {
        self.stage(hop.stage) != "reply"
    }

    pub(super) fn shown<'h>(&self, hops: &'h [Hop]) -> Vec<&'h Hop> {
        hops.iter().filter(|hop| self.is_shown(hop)).collect()
    }
}

/// Elements that a trace names, to look up their places.
pub fn elements(fabric: &Fabric, trace: &Trace) -> BTreeSet<ElementId> {
    let mut out = BTreeSet::new();
    for branch in &trace.branches {
        let back = branch.back.iter();
        let parts = back.clone().flat_map(|back| &back.parts);
        for path in std::iter::once(&branch.forward).chain(parts) {
            for hop in &path.hops {
                out.extend(hop.element);
                out.extend(fabric.stage(hop.stage).map(|stage| stage.at));
            }
        }
        for blocker in branch.forward.blockers.iter().chain(back.flat_map(|b| &b.blockers)) {
            out.extend(blocker.element);
            out.insert(blocker.at);
        }
    }
    out
}

/// Who an end is, in words: `i-1 (web-1) 10.0.0.1`, `the Internet (8.8.8.8)`.
pub(super) fn end_name(end: &EndPoint) -> String {
    if end.internet {
        return clean(format_args!("the Internet ({})", end.address));
    }
    let Some(resource) = end.instance.as_ref().or(end.resource.as_ref()) else {
        return clean(&end.address);
    };
    match &resource.name {
        Some(name) if **name != *resource.id.as_str() => {
            clean(format_args!("{} ({name}) {}", resource.id, end.address))
        }
        _ => clean(format_args!("{} {}", resource.id, end.address)),
    }
}

/// What a filter or table says where none of its rules decides.
pub(super) fn default_words(
    stage: &str,
    action: Action,
    reason: Option<Reason>,
) -> Option<&'static str> {
    Some(match (stage, action, reason) {
        (_, Action::Session, _) => "a reply of a flow that it has let through",
        (_, Action::Unknown, _) => "cannot be decided",
        ("security_group", _, Some(Reason::SgIngressDenied)) => {
            "no rule matches, and a security group drops all other ingress"
        }
        ("security_group", _, Some(Reason::SgEgressDenied)) => {
            "no rule matches, and an advanced group drops all other egress"
        }
        ("security_group", Action::Allow, None) => {
            "no rule matches, and a basic group lets out all other egress"
        }
        ("network_acl", _, Some(Reason::NaclIngressDenied | Reason::NaclEgressDenied)) => {
            "no entry matches, and a network ACL denies the rest"
        }
        ("route", _, Some(Reason::NoRoute | Reason::ReplyNoRoute)) => "no route matches",
        _ => return None,
    })
}

/// What stops a packet at a hop, if something does.
pub(super) fn blocker_at<'b>(hop: &Hop, blockers: &'b [Blocker]) -> Option<&'b Blocker> {
    let dropped = matches!(hop.action, Action::Drop);
    blockers
        .iter()
        .find(|blocker| blocker.stage == hop.stage && (!dropped || blocker.element == hop.element))
}

/// Blockers of one way, with the direction in which they stop packets, without repetition.
pub(super) fn all_blockers(branches: &[Branch]) -> Vec<(bool, &Blocker)> {
    let mut out: Vec<(bool, &Blocker)> = Vec::new();
    for branch in branches {
        let there = branch.forward.blockers.iter().map(|blocker| (false, blocker));
        let back = branch.back.iter().flat_map(|back| &back.blockers);
        for entry in there.chain(back.map(|blocker| (true, blocker))) {
            if !out.contains(&entry) {
                out.push(entry);
            }
        }
    }
    out
}
