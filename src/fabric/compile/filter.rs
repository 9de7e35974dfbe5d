//! Security groups and network ACLs of an ENI, in the order in which packets meet them
//! (egress.md §8 end: security group before ACL on the way out; on the way in the other way round).

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::assume::MissingFilters;
use super::super::pipeline::{Branch, ElementId, End, Op, Pass, Stage};
use super::super::table::Table;
use super::{Compiler, Job};
use crate::topology::{
    Direction, Eni, Id, Instance, Kind, Listing, Resource, Scope, Text, Topology,
};

/// What filters the packets of an ENI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Filters {
    /// VPC of the ENI.
    pub(super) vpc: Option<Id>,
    /// Its security groups.
    pub(super) groups: Groups,
    /// Its vSwitch, whose network ACL tests what crosses its border; `None` for addresses that no
    /// ACL tests (access.md §2.2).
    pub(super) border: Option<Id>,
    /// What is missing to know that the ACL tests it.
    pub(super) doubt: Option<Text>,
}

/// Security groups of an ENI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Groups {
    /// These, in order of their ids.
    Known(Arc<[Id]>),
    /// None at all: the topology has no security groups, or they do not test this address.
    None,
    /// Cannot be told, for lack of this.
    Unknown(Text),
}

/// Where packets go on behind a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Next {
    /// At a stage.
    Stage(super::super::pipeline::StageId),
    /// They have reached the host.
    Here,
}

impl Next {
    pub(super) fn branch(self) -> Branch {
        match self {
            Self::Stage(stage) => Branch::go(stage),
            Self::Here => Branch::new(End::Here),
        }
    }
}

/// The ACL of every vSwitch that one names; the first in order of ids, though a vSwitch has at most
/// one (access.md §2.1).
pub(super) fn acls_by_vswitch(topology: &Topology) -> FxHashMap<&str, &Id> {
    let mut out = FxHashMap::default();
    for acl in &topology.network_acls {
        for vswitch in acl.vswitches.iter().flatten() {
            out.entry(vswitch.as_str()).or_insert_with(|| acl.id());
        }
    }
    out
}

impl Compiler<'_> {
    /// The filters of an ENI. Managed ENIs have groups that nobody can edit; their service decides
    /// what passes (access.md §1.8).
    pub(super) fn filters_of(&self, eni: &Eni, owner: Option<&Instance>) -> Filters {
        let groups = if eni.service_managed == Some(true) {
            Groups::None
        } else {
            let of_owner = owner
                .filter(|_| eni.eni_type != Some(crate::topology::EniType::Secondary))
                .and_then(|owner| owner.security_groups.as_ref());
            self.groups(eni, eni.security_groups.as_ref().or(of_owner))
        };
        // an ENI whose guest sees its EIP is not tested by ACLs (access.md §2.2)
        let exempt = eni.eni_type == Some(crate::topology::EniType::Secondary)
            && self.bindings.cut_through(eni).next().is_some();
        let border = eni.vswitch.clone().filter(|_| !exempt);
        let gap = self.topology.coverage.gap(Listing::Eips, &Scope::around(&eni.meta));
        let secondary = eni.eni_type == Some(crate::topology::EniType::Secondary);
        let doubt = gap.filter(|_| secondary && !exempt).map(|gap| Text::from(gap.to_string()));
        Filters { vpc: eni.vpc.clone(), groups, border, doubt }
    }

    /// The groups that an object states.
    pub(super) fn groups(&self, of: &dyn Resource, stated: Option<&Vec<Id>>) -> Groups {
        let listed = || {
            let scope = Scope::around(of.meta());
            self.topology.coverage.is_complete(Listing::SecurityGroups, &scope)
        };
        match stated {
            Some(groups) if groups.is_empty() => Groups::None,
            Some(groups) => {
                let mut groups = groups.clone();
                groups.sort();
                groups.dedup();
                Groups::Known(groups.into())
            }
            // where no group exists, nothing can be in one
            None if self.topology.security_groups.is_empty() && listed() => Groups::None,
            None => {
                // one text for all ENIs, so that they share their stages
                Groups::Unknown(Text::from("security groups of the ENI (not stated)"))
            }
        }
    }

    /// True when it is known that there is no security group at all where this VPC is.
    pub(super) fn no_group_exists(&self, vpc: Option<&Id>) -> bool {
        let vpc = vpc.and_then(|id| self.topology.vpcs.get(id));
        let scope = vpc.map(|vpc| Scope::around(&vpc.meta)).unwrap_or_default();
        self.topology.security_groups.is_empty()
            && self.topology.coverage.is_complete(Listing::SecurityGroups, &scope)
    }

    /// The way out of an ENI: its groups, then the ACL of its vSwitch.
    pub(super) fn outbound(&mut self, filters: &Filters, next: Next) -> Next {
        let next = self.acl(filters, Direction::Egress, next);
        self.group_filter(filters, Direction::Egress, false, next)
    }

    /// The way into an ENI: the ACL of its vSwitch, then its groups.
    pub(super) fn inbound(&mut self, filters: &Filters, next: Next) -> Next {
        let next = self.group_filter(filters, Direction::Ingress, false, next);
        self.acl(filters, Direction::Ingress, next)
    }

    /// The same for packets that are neither from nor to the ENI: it forwards them.
    pub(super) fn in_transit(
        &mut self,
        filters: &Filters,
        direction: Direction,
        next: Next,
    ) -> Next {
        if direction == Direction::Ingress {
            let next = self.group_filter(filters, direction.clone(), true, next);
            return self.acl(filters, direction, next);
        }
        let next = self.acl(filters, direction.clone(), next);
        self.group_filter(filters, direction, true, next)
    }

    fn group_filter(
        &mut self,
        filters: &Filters,
        direction: Direction,
        transit: bool,
        next: Next,
    ) -> Next {
        if filters.groups == Groups::None {
            return next;
        }
        Next::Stage(self.stage(Job::Groups {
            vpc: filters.vpc.clone(),
            groups: filters.groups.clone(),
            direction,
            transit,
            next,
        }))
    }

    /// The ACL at the border of a vSwitch, if there is one.
    pub(super) fn acl(&mut self, filters: &Filters, direction: Direction, next: Next) -> Next {
        let Some(vswitch) = &filters.border else { return next };
        let acl = match self.acl_of(vswitch) {
            Ok(None) => return next,
            Ok(Some(acl)) => match &filters.doubt {
                None => Ok(acl),
                Some(missing) => Err(missing.clone()),
            },
            Err(missing) => Err(missing),
        };
        let vswitch = vswitch.clone();
        Next::Stage(self.stage(Job::Acl { acl, vswitch, direction, next }))
    }

    /// The ACL of a vSwitch (access.md §2.1: at most one; none filters nothing).
    pub(super) fn acl_of(&self, vswitch: &Id) -> Result<Option<Id>, Text> {
        let topology = self.topology;
        let found = topology.vswitches.get(vswitch);
        if let Some(stated) = found.and_then(|v| v.network_acl.as_ref()) {
            return Ok(stated.clone());
        }
        if let Some(acl) = self.acls.get(vswitch.as_str()) {
            return Ok(Some((*acl).clone()));
        }
        let scope = found.map(|v| Scope::around(&v.meta)).unwrap_or_default();
        match topology.coverage.gap(Listing::NetworkAcls, &scope) {
            Some(gap) => Err(Text::from(format!("network ACL of {vswitch}: {gap}"))),
            None => Ok(None),
        }
    }

    /// The branch for a filter about which something is missing.
    pub(super) fn missing_filter(&self, missing: Text, next: Next) -> Branch {
        match self.assume.missing_filters {
            MissingFilters::Unknown => Branch::unknown(missing),
            MissingFilters::Pass => {
                let assumed = Text::from(format!("missing_filters = pass ({missing})"));
                next.branch().after(Op::Assume(assumed))
            }
        }
    }

    /// A filter that cannot be read at all.
    pub(super) fn unreadable_filter(
        &self,
        name: &'static str,
        at: ElementId,
        missing: Text,
        pass: Pass,
        next: Next,
    ) -> Stage {
        let table = Table::constant(self.missing_filter(missing, next));
        Stage::filter(name, at, table, pass)
    }

    /// The element of a vSwitch.
    pub(super) fn segment(&mut self, vswitch: &Id) -> ElementId {
        self.referred_or_named(Kind::VSwitch, vswitch)
    }

    /// The element of a VPC.
    pub(super) fn network(&mut self, vpc: &Id) -> ElementId {
        self.referred_or_named(Kind::Vpc, vpc)
    }
}
