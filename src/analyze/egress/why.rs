//! Why these elements decide and not others.

use std::net::IpAddr;

use super::answer::EgressClass;
use crate::fabric::{Fabric, Held, SourcePoint, SourceRole};
use crate::simulate::{Hop, Public, Verdict, walk_without_own};
use crate::topology::{Kind, ResourceRef};

/// The source's own address wins: over what? Found by walking the same packet without it.
pub(super) fn own_address(
    fabric: &Fabric,
    source: &SourcePoint,
    held: &Held,
    dst: IpAddr,
) -> Vec<String> {
    let otherwise = walk_without_own(fabric, source, dst);
    if held.by.iter().any(|by| by.kind == Kind::DnatEntry) {
        // an IP mapping is met again on the path; what it wins over are the SNAT entries there
        return translation(fabric, &otherwise.hops);
    }
    let holder = holder(source, held);
    let mut out: Vec<String> = Vec::new();
    for outcome in &otherwise.outcomes {
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

/// `EIP eip-1 on the primary address`.
fn holder(source: &SourcePoint, held: &Held) -> String {
    let place = match source.role {
        SourceRole::Primary => "the primary address".to_owned(),
        _ => source.address.to_string(),
    };
    match held.by.last() {
        Some(by) if by.kind == Kind::Instance => {
            format!("the static public address of {by}")
        }
        Some(by) if held.cut_through.is_some() => format!("{by} (cut-through)"),
        Some(by) => format!("{by} on {place}"),
        None => format!("the public address {} on {place}", held.address),
    }
}

/// The source holds a public address and yet leaves by another way, or not at all.
pub(super) fn own_address_unused(
    source: &SourcePoint,
    held: &Held,
    class: &EgressClass,
) -> Option<String> {
    let holder = holder(source, held);
    match class.verdict {
        Verdict::Exits => {
            Some(format!("{holder} is not used: with an activated IPv4 gateway the route decides"))
        }
        Verdict::Dropped => Some(format!("{holder} does not help here")),
        _ => None,
    }
}

/// Which entry of a translation table wins over which others, and which route over which.
pub(super) fn translation(fabric: &Fabric, hops: &[Hop]) -> Vec<String> {
    let mut out = Vec::new();
    for hop in hops {
        let Some(winner) = hop.element.and_then(|id| fabric.element(id)) else { continue };
        let translates = |r: &ResourceRef| matches!(r.kind, Kind::SnatEntry | Kind::DnatEntry);
        let losers: Vec<&crate::fabric::Element> =
            hop.beaten.iter().filter_map(|id| fabric.element(*id)).collect();
        if losers.is_empty() {
            continue;
        }
        let rank = match winner.resource.kind {
            Kind::DnatEntry => "IP mapping outranks SNAT",
            Kind::SnatEntry | Kind::RouteEntry | Kind::TransitRouteEntry => "longest prefix",
            _ => continue,
        };
        let texts: Vec<String> = losers
            .iter()
            .filter(|l| translates(&winner.resource) == translates(&l.resource))
            .map(|l| format!("{} ({})", l.resource, l.text))
            .collect();
        if !texts.is_empty() {
            out.push(format!(
                "{} ({}) wins over {}: {rank}",
                winner.resource,
                winner.text,
                texts.join(", ")
            ));
        }
    }
    out
}
