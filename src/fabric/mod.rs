//! Compiles a topology into forwarding tables.
//!
//! Cloud semantics become data here: [`Stage`]s of first-match [`Table`]s (egress.md §10), the
//! [`SourcePoint`]s where packets start, and the infrastructure graph. Interpreters and analyses
//! read only these.

mod assume;
mod compile;
mod graph;
mod hosts;
mod identity;
mod nat;
mod pipeline;
mod reason;
mod sources;
mod space;
mod table;

use std::net::IpAddr;

use rustc_hash::FxHashMap;

pub use assume::*;
pub use graph::{InfraGraph, InfraNode};
pub use hosts::{Found, Host, HostId, PublicPoint};
pub use identity::{CutThrough, Held, OwnPublic, nat_type};
pub use nat::snat_source;
pub use pipeline::{
    Back, Branch, Condition, Element, ElementId, End, Identity, Op, Pass, PublicSet, Resume, Stage,
    StageId, Turn,
};
pub use reason::Reason;
pub use sources::{SourcePoint, SourceRole};
pub use space::VpcSpace;
pub use table::{Extent, Header, Hit, Match, Rule, Table};

use crate::topology::{Id, ResourceRef, Text, Topology};

/// A compiled topology.
#[derive(Debug)]
pub struct Fabric {
    pub(crate) elements: Vec<Element>,
    pub(crate) stages: Vec<Stage>,
    spaces: FxHashMap<Id, VpcSpace>,
    hosts: hosts::Hosts,
    routes: FxHashMap<Id, Branch>,
    /// Where packets start: every address of every ENI that is not managed by a service, and every
    /// HaVip (decisions.md 37).
    pub sources: Vec<SourcePoint>,
    /// Gateways, tables, vSwitches and interconnects, and how they are wired.
    pub graph: InfraGraph,
}

impl Fabric {
    /// Compiles a topology under the given assumptions.
    pub fn compile(topology: &Topology, assume: &Assume) -> Self {
        compile::compile(topology, assume)
    }

    /// An element by its index.
    pub fn element(&self, id: ElementId) -> Option<&Element> {
        self.elements.get(id.0 as usize)
    }

    /// A stage by its index.
    pub fn stage(&self, id: StageId) -> Option<&Stage> {
        self.stages.get(id.0 as usize)
    }

    /// All stages, for interpreters that read them as a whole.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Does some route of a vSwitch's table lead to this device? `Err` says what is missing to
    /// know all routes.
    pub fn vswitch_routes_to(&self, vswitch: &str, device: &ResourceRef) -> Result<bool, Text> {
        let stage = match self.routes.get(vswitch).map(|branch| &branch.end) {
            Some(End::Go(stage)) => self.stage(*stage),
            Some(End::Unknown(missing)) => return Err(first(missing)),
            _ => None,
        };
        let Some(stage) = stage else { return Ok(false) };
        if stage.table.rules.iter().any(|rule| self.leads_to(&rule.then, device)) {
            return Ok(true);
        }
        match &stage.table.default.end {
            End::Unknown(missing) => Err(first(missing)),
            _ => Ok(false),
        }
    }

    fn leads_to(&self, branch: &Branch, device: &ResourceRef) -> bool {
        match &branch.end {
            End::Go(stage) => self.stage(*stage).is_some_and(|stage| match &stage.pass {
                // filters stand before the device
                Some(pass) => self.leads_to(&pass.to, device),
                None => self
                    .element(stage.at)
                    .is_some_and(|e| e.resource.kind == device.kind && e.resource.id == device.id),
            }),
            End::Fork(branches) => branches.iter().any(|branch| self.leads_to(branch, device)),
            _ => false,
        }
    }

    /// A host by its index.
    pub fn host(&self, id: HostId) -> Option<&Host> {
        self.hosts.get(id)
    }

    /// Who has an address of a network.
    pub fn host_at(&self, network: ElementId, address: IpAddr) -> Found {
        self.hosts.at(network, address)
    }

    /// All hosts.
    pub fn hosts(&self) -> impl Iterator<Item = (HostId, &Host)> {
        self.hosts.all()
    }

    /// What happens to packets from the Internet to a public address; `None` when nobody in the
    /// input has it.
    pub fn public_at(&self, address: IpAddr) -> Option<&PublicPoint> {
        self.hosts.public_at(address)
    }

    /// What is missing to know all public addresses.
    pub fn public_gap(&self) -> Option<&Text> {
        self.hosts.public_gap()
    }

    /// Mode and address space of a VPC.
    pub fn space(&self, vpc: &str) -> Option<&VpcSpace> {
        self.spaces.get(vpc)
    }
}

fn first(missing: &[Text]) -> Text {
    missing.first().cloned().unwrap_or_else(|| Text::from("routes"))
}
