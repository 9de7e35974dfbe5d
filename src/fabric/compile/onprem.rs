//! Ways to networks that we do not see, and how their replies come in again: leaving through a
//! device, and entering a VPC from it (access.md §5.5, §5.6).

use std::sync::Arc;

use super::super::Identity;
use super::super::pipeline::{Back, Branch, ElementId, End, Op, Resume, Stage, Turn};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table, block};
use super::{Compiler, Job};
use crate::addr::{AddrSet, Cidr, Family};
use crate::topology::{
    CidrValue, Id, Kind, Listing, Resource, RouteTableType, Scope, Text, VSwitch,
};

/// What a VPC does with packets that a device brings in for addresses that are not in its vSwitches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Beyond {
    /// Nothing: the connection is not transitive.
    Drop(Reason),
    /// The table of this vSwitch, which holds the device, decides.
    TableOf(Id),
    /// The VPC's system table decides.
    SystemTable,
}

impl<'t> Compiler<'t> {
    /// The element of a device between networks.
    pub(super) fn device(&mut self, kind: Kind, id: &Id) -> ElementId {
        let topology = self.topology;
        let found: Option<&dyn Resource> = match kind {
            Kind::VpnGateway => topology.vpn_gateways.get(id).map(|r| r as &dyn Resource),
            Kind::VpnConnection => topology.vpn_connections.get(id).map(|r| r as &dyn Resource),
            Kind::RouterInterface => topology.router_interfaces.get(id).map(|r| r as &dyn Resource),
            Kind::BorderRouter => topology.border_routers.get(id).map(|r| r as &dyn Resource),
            Kind::Cen => topology.cens.get(id).map(|r| r as &dyn Resource),
            Kind::TransitAttachment => {
                topology.transit_attachments.get(id).map(|r| r as &dyn Resource)
            }
            _ => return self.referred_or_named(kind, id),
        };
        match found {
            Some(resource) => self.named(resource),
            None => self.referred(kind, id),
        }
    }

    /// Leaves at a device to a network that we do not see. That network answers the device itself;
    /// `resume` says where its replies enter again.
    pub(super) fn leave(&self, at: ElementId, resume: Branch) -> Branch {
        let turn = Turn::new(at, Back::Direct, Resume::Go(resume));
        Branch::new(End::Leave(at)).after_all([Op::Via(at), Op::Turn(Arc::new(turn))])
    }

    /// Enters a VPC from a device, as traffic of a network whose addresses are nobody's in it.
    pub(super) fn enter_from(
        &mut self,
        vpc: &Id,
        kind: Kind,
        device: &Id,
        beyond: Beyond,
    ) -> Branch {
        let job = Job::Inside { vpc: vpc.clone(), kind, device: device.clone(), beyond };
        let foreign = [Op::Identity(Identity::None), Op::Home(None), Op::Sender(None)];
        Branch::go(self.stage(job)).after_all(foreign)
    }

    /// Delivery to the vSwitches of a VPC, ahead of whatever else the VPC does with packets that a
    /// device brings in.
    pub(super) fn inside_stage(
        &mut self,
        vpc: &Id,
        kind: Kind,
        device: &Id,
        beyond: &Beyond,
    ) -> Stage {
        let at = self.device(kind, device);
        let mut rules = self.local_rules(vpc);
        rules.extend(self.unlisted_vswitches(vpc, at));
        let default = match beyond {
            Beyond::Drop(reason) => Branch::drop(*reason, at).after(Op::Via(at)),
            Beyond::TableOf(vswitch) => self.routes_of_vswitch(vpc, vswitch),
            Beyond::SystemTable => self.system_routes(vpc),
        };
        Stage::new("gateway", at, Table { rules, default })
    }

    /// A rule per block of the VPC's vSwitches, which delivers to it.
    pub(super) fn local_rules(&mut self, vpc: &Id) -> Vec<Rule> {
        let network = self.network(vpc);
        let topology = self.topology;
        let mut rules = Vec::new();
        for vswitch in topology.vswitches.iter().filter(|v| v.vpc.as_ref() == Some(vpc)) {
            let segment = self.named(vswitch);
            for cidr in blocks(vswitch) {
                let then = Branch::new(End::Arrive { segment, network });
                rules.push(Rule::new(Match::to(block(cidr)), segment, then));
            }
        }
        rules
    }

    /// For a VPC of which not all vSwitches are known: the rest of its blocks cannot be decided.
    pub(super) fn unlisted_vswitches(&self, vpc: &Id, at: ElementId) -> Option<Rule> {
        let found = self.topology.vpcs.get(vpc)?;
        let scope = Scope::around(&found.meta).with_parent(vpc);
        let gap = self.topology.coverage.gap(Listing::VSwitches, &scope)?;
        let stated: Vec<Cidr> = found
            .cidr
            .iter()
            .chain(found.secondary_cidrs.iter().flatten())
            .filter_map(CidrValue::cidr)
            .collect();
        let matches = Match::to(AddrSet::from_cidrs(Family::V4, &stated));
        Some(Rule::new(matches, at, Branch::unknown(gap.to_string())))
    }

    /// The routes of a VPC's system table.
    pub(super) fn system_routes(&mut self, vpc: &Id) -> Branch {
        let topology = self.topology;
        let system = topology.route_tables.iter().find(|table| {
            table.vpc.as_ref() == Some(vpc) && table.table_type == Some(RouteTableType::System)
        });
        match system {
            Some(table) => {
                let table = table.id().clone();
                Branch::go(self.stage(Job::Route { vpc: vpc.clone(), table }))
            }
            None => Branch::unknown(format!("system route table of {vpc} (not in the input)")),
        }
    }

    /// Scope of the listings that would have the devices of a VPC.
    pub(super) fn around_vpc(&self, vpc: &Id) -> Scope {
        self.topology.vpcs.get(vpc).map(|v| Scope::around(&v.meta)).unwrap_or_default()
    }

    /// An Express Connect Router: on-premises, but never another VPC (decisions.md 29). What comes
    /// back reaches the VPC's vSwitches.
    pub(super) fn ecr_stage(&mut self, vpc: &Id, id: &Id) -> Stage {
        let at = self.device(Kind::BorderRouter, id);
        let known: Vec<Cidr> = self
            .topology
            .vpcs
            .iter()
            .flat_map(|v| v.cidr.iter().chain(v.secondary_cidrs.iter().flatten()))
            .filter_map(CidrValue::cidr)
            .collect();
        let rule = Rule::new(
            Match::to(AddrSet::from_cidrs(Family::V4, &known)),
            at,
            Branch::drop(Reason::EcrNotTransitive, at).after(Op::Via(at)),
        );
        let back = self.enter_from(vpc, Kind::BorderRouter, id, Beyond::Drop(Reason::ReplyNoRoute));
        let default = self.leave(at, back);
        Stage::new("gateway", at, Table { rules: vec![rule], default })
    }

    /// The note about ACLs of vSwitches that hold the ENIs of an attachment: one source says that
    /// they test transit traffic (egress.md §8 end), another that it is not known (access.md §2.2);
    /// they are left out of the path.
    pub(super) fn attachment_acl_note(&self, vswitch: &Id) -> Option<Op> {
        let topology = self.topology;
        let stated = topology.vswitches.get(vswitch).and_then(|v| v.network_acl.as_ref());
        let bound = || {
            let lists = |acl: &&crate::topology::NetworkAcl| {
                acl.vswitches.iter().flatten().any(|id| id == vswitch)
            };
            topology.network_acls.iter().find(lists).map(|acl| acl.id().clone())
        };
        let acl = match stated {
            Some(stated) => stated.clone(),
            None => bound(),
        }?;
        Some(Op::Note(Text::from(format!(
            "attachment_acl: network ACL {acl} of attachment vSwitch {vswitch} is left out; whether it tests transit traffic is not documented"
        ))))
    }
}

/// The blocks of a vSwitch, of both families.
pub(super) fn blocks(vswitch: &VSwitch) -> impl Iterator<Item = Cidr> {
    vswitch.cidr.iter().chain(&vswitch.ipv6_cidr).filter_map(CidrValue::cidr)
}
