//! Why these elements decide and not others.

use super::answer::EgressClass;
use crate::fabric::{Fabric, Held, SourcePoint};
use crate::packet::Packet;
use crate::simulate::{Hop, Mode, Public, Verdict, start_without_own, walk};

/// The source's own address wins: over what? Found by walking the same packet without it.
pub(super) fn own_address(
    fabric: &Fabric,
    source: &SourcePoint,
    held: &Held,
    packet: &Packet,
) -> Vec<String> {
    let otherwise = walk(fabric, &start_without_own(source, packet), &Mode::default());
    let outcomes = otherwise.outcomes();
    if held.is_translation() {
        // it is met again on the path; what it wins over are the other entries there
        return translation(fabric, otherwise.hops());
    }
    let holder = source.holder(held);
    let mut out: Vec<String> = Vec::new();
    for outcome in &outcomes {
        let sentence = match (outcome.verdict, &outcome.public, outcome.reason) {
            (Verdict::Exits, Public::Given(_), _) => {
                let losers: Vec<String> = outcome
                    .via
                    .iter()
                    .filter_map(|id| fabric.element(*id))
                    .map(|element| element.resource.to_string())
                    .rev()
                    .collect();
                format!("{holder} wins over {}", losers.join(" of "))
            }
            (Verdict::Dropped, _, Some(reason)) => {
                format!("{holder} is the only way out; without it: {reason}")
            }
            _ => continue,
        };
        if !out.contains(&sentence) {
            out.push(sentence);
        }
    }
    out
}

/// The source holds a public address and yet leaves by another way, or not at all.
pub(super) fn own_address_unused(
    source: &SourcePoint,
    held: &Held,
    class: &EgressClass,
) -> Option<String> {
    let holder = source.holder(held);
    match class.verdict {
        Verdict::Exits => Some(format!("{holder} is not used: here the route decides")),
        Verdict::Dropped => Some(format!("{holder} does not help here")),
        _ => None,
    }
}

/// Which entry of a table wins over which others.
pub(super) fn translation<'h>(
    fabric: &Fabric,
    hops: impl IntoIterator<Item = &'h Hop>,
) -> Vec<String> {
    let mut out = Vec::new();
    for hop in hops {
        let Some(winner) = hop.element.and_then(|id| fabric.element(id)) else { continue };
        let Some(precedence) = winner.precedence else { continue };
        let losers: Vec<String> = hop
            .beaten
            .iter()
            .filter_map(|id| fabric.element(*id))
            .filter(|loser| loser.precedence.is_some())
            .map(|loser| format!("{} ({})", loser.resource, loser.text))
            .collect();
        let sentence = format!(
            "{} ({}) wins over {}: {precedence}",
            winner.resource,
            winner.text,
            losers.join(", ")
        );
        if !losers.is_empty() && !out.contains(&sentence) {
            out.push(sentence);
        }
    }
    out
}
