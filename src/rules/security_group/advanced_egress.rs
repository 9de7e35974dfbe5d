//! SG013: hosts in advanced groups that may not send anything.

use std::collections::{BTreeMap, BTreeSet};

use super::attached;
use crate::rules::facts::first_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    Direction, Id, Listing, Policy, Resource, ResourceRef, Scope, SecurityGroup, SecurityGroupRule,
    SecurityGroupType,
};

pub(crate) struct AdvancedSgWithoutEgress;

static META: RuleMeta = RuleMeta {
    id: "SG013",
    name: "advanced-sg-without-egress",
    summary: "an advanced security group that hosts use has an egress rule that accepts something",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[Listing::SecurityGroupRules],
    cases: &[Case {
        key: "sealed",
        message: "the advanced {group} accepts nothing outwards, so {hosts} cannot open any connection, not even to the cloud's DNS",
        help: "add an egress rule; only the console makes one by itself, the API and Terraform do not. Platform services need 100.64.0.0/10",
    }],
    page: include_str!("../../../rules/SG013-advanced-sg-without-egress.md"),
};

impl Rule for AdvancedSgWithoutEgress {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut egress: BTreeMap<&Id, Vec<&SecurityGroupRule>> = BTreeMap::new();
        for rule in &cx.topology.security_group_rules {
            // a rule without direction may be one
            if rule.direction != Some(Direction::Ingress)
                && let Some(group) = &rule.group
            {
                egress.entry(group).or_default().push(rule);
            }
        }
        let own = cx.topology.security_groups.iter().filter(|g| g.service_managed != Some(true));
        let hosts = attached(cx);
        out.each(cx, own, |group, out| {
            if *stated(group.group_type.as_ref(), group, "type")? != SecurityGroupType::Advanced
                || accepts(&egress, group.id())?
            {
                return Ok(());
            }
            let mut sealed: BTreeSet<ResourceRef> = BTreeSet::new();
            for host in hosts.iter().filter(|h| h.groups.contains(group.id())) {
                // the rules of all groups of an ENI are one pool (access.md §1.4)
                let mut helped = false;
                for other in host.groups.iter().filter(|id| *id != group.id()) {
                    helped |= other_accepts(cx, &egress, group, other)?;
                }
                if !helped {
                    sealed.insert(host.host.to_ref());
                }
            }
            if sealed.is_empty() {
                // other hosts may use the group
                let around = Scope::around(&group.meta);
                cx.need(Listing::Instances, &around)?;
                cx.need(Listing::Enis, &around)?;
            } else {
                let names: Vec<&ResourceRef> = sealed.iter().collect();
                let mut finding = out
                    .fail("sealed")
                    .on_whole(group)
                    .fact("group", group.to_ref())
                    .fact("hosts", first_of(&names, 4));
                for host in &sealed {
                    finding = finding.about(host.clone());
                }
                finding.emit();
            }
            Ok(())
        });
    }
}

/// Does some egress rule of a group accept something?
fn accepts(egress: &BTreeMap<&Id, Vec<&SecurityGroupRule>>, group: &Id) -> Result<bool, Unknown> {
    let rules = || egress.get(group).into_iter().flatten();
    let is = |rule: &SecurityGroupRule| {
        rule.policy == Some(Policy::Accept) && rule.direction == Some(Direction::Egress)
    };
    if rules().any(|rule| is(rule)) {
        return Ok(true);
    }
    for rule in rules() {
        stated(rule.policy.as_ref(), *rule, "policy")?;
        stated(rule.direction.as_ref(), *rule, "direction")?;
    }
    Ok(false)
}

/// The same for another group of a host, whose rules may not be in the input.
fn other_accepts(
    cx: &Context<'_>,
    egress: &BTreeMap<&Id, Vec<&SecurityGroupRule>>,
    of: &SecurityGroup,
    other: &Id,
) -> Result<bool, Unknown> {
    if accepts(egress, other)? {
        return Ok(true);
    }
    cx.need(Listing::SecurityGroupRules, &Scope::around(&of.meta).with_parent(other))?;
    Ok(false)
}
