//! SG015 and SG016: advanced groups as peers, and groups of both types on one ENI.

use std::collections::BTreeMap;

use super::attached;
use crate::rules::facts::list;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{Id, Resource, RulePeer, SecurityGroup, SecurityGroupType};

/// The group with this id, or that it is not in the input.
fn group<'c>(cx: &Context<'c>, id: &Id) -> Result<&'c SecurityGroup, Unknown> {
    let found = cx.topology.security_groups.get(id);
    found.ok_or_else(|| Unknown::of(format!("security group {id} (not in the input)")))
}

fn type_of<'c>(cx: &Context<'c>, id: &Id) -> Result<&'c SecurityGroupType, Unknown> {
    let group = group(cx, id)?;
    stated(group.group_type.as_ref(), group, "type")
}

pub(crate) struct AdvancedSgGroupPeer;

static PEER: RuleMeta = RuleMeta {
    id: "SG015",
    name: "advanced-sg-group-peer",
    summary: "advanced security groups neither name groups as peers nor are named as one",
    severity: Severity::Error,
    pack: Pack::Default,
    needs: &[],
    cases: &[
        Case {
            key: "owner",
            message: "a rule of the advanced {group} names {peer} as its peer, which only basic groups may",
            help: "name the addresses instead: a block or a prefix list",
        },
        Case {
            key: "peer",
            message: "a rule of {group} names the advanced {peer} as its peer, which only basic groups may be",
            help: "name the addresses of its members instead: a block or a prefix list",
        },
    ],
    page: include_str!("../../../rules/SG015-advanced-sg-group-peer.md"),
};

impl Rule for AdvancedSgGroupPeer {
    fn meta(&self) -> &'static RuleMeta {
        &PEER
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let advanced =
            |t: Result<&SecurityGroupType, Unknown>| t.map(|t| *t == SecurityGroupType::Advanced);
        out.each(cx, &cx.topology.security_group_rules, |rule, out| {
            let Some(RulePeer::Group { group: peer, .. }) = &rule.peer else { return Ok(()) };
            let owner = stated(rule.group.as_ref(), rule, "security group")?;
            let by_owner = advanced(type_of(cx, owner));
            let by_peer = advanced(type_of(cx, peer));
            let finding = match (&by_owner, &by_peer) {
                (Ok(true), _) => out.fail("owner"),
                (_, Ok(true)) => out.fail("peer"),
                _ => {
                    by_owner?;
                    by_peer?;
                    return Ok(());
                }
            };
            let name = |id: &Id| match cx.topology.security_groups.get(id) {
                Some(group) => group.to_ref().to_string(),
                None => format!("security group {id}"),
            };
            let mut finding =
                finding.on(rule, "peer").fact("group", name(owner)).fact("peer", name(peer));
            for group in [owner, peer].into_iter().filter_map(|id| group(cx, id).ok()) {
                if group.group_type == Some(SecurityGroupType::Advanced) {
                    finding = finding.with(group, "group_type", "is advanced");
                }
            }
            finding.emit();
            Ok(())
        });
    }
}

pub(crate) struct MixedGroupTypes;

static MIXED: RuleMeta = RuleMeta {
    id: "SG016",
    name: "mixed-group-types",
    summary: "all security groups of one ENI are of one type",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "mixed",
        message: "{host} has security groups of different types: {groups}",
        help: "use groups of one type; the cloud refuses to mix them on one ENI",
    }],
    page: include_str!("../../../rules/SG016-mixed-group-types.md"),
};

impl Rule for MixedGroupTypes {
    fn meta(&self) -> &'static RuleMeta {
        &MIXED
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        for host in attached(cx).into_iter().filter(|host| host.groups.len() > 1) {
            let mut types: BTreeMap<&SecurityGroupType, Vec<&SecurityGroup>> = BTreeMap::new();
            let mut missing = Unknown::default();
            for id in host.groups {
                match group(cx, id).and_then(|g| Ok((g, type_of(cx, id)?))) {
                    Ok((group, kind)) => types.entry(kind).or_default().push(group),
                    Err(unknown) => missing.missing.extend(unknown.missing),
                }
            }
            if types.len() < 2 {
                if !missing.missing.is_empty() {
                    out.undetermined(missing);
                }
                continue;
            }
            let texts: Vec<String> = types
                .iter()
                .map(|(kind, groups)| {
                    let ids: Vec<&Id> = groups.iter().map(|g| g.id()).collect();
                    format!("{} ({})", list(&ids), word(kind))
                })
                .collect();
            let mut finding = out
                .fail("mixed")
                .on(host.resource, "security_groups")
                .fact("host", host.resource.to_ref())
                .fact("groups", list(&texts));
            for (kind, groups) in &types {
                for group in groups {
                    finding = finding.with(*group, "group_type", word(kind));
                }
            }
            finding.emit();
        }
    }
}

/// The document's word for a type, which differs from the API's.
fn word(kind: &SecurityGroupType) -> &str {
    match kind {
        SecurityGroupType::Basic => "basic",
        SecurityGroupType::Advanced => "advanced",
        SecurityGroupType::Other(word) => word,
    }
}
