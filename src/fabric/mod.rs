//! Compiles a topology into forwarding tables.
//!
//! Cloud semantics become data here: [`Stage`]s of first-match [`Table`]s (egress.md §10), the
//! [`SourcePoint`]s where packets start, and the infrastructure graph. Interpreters and analyses
//! read only these.

mod assume;
mod compile;
mod graph;
mod identity;
mod nat;
mod pipeline;
mod reason;
mod sources;
mod space;
mod table;

use rustc_hash::FxHashMap;

pub use assume::{Assume, AssumeError, DeadNexthop, DnatBypass, InternetMode, KNOBS};
pub use graph::{InfraGraph, InfraNode};
pub use identity::{CutThrough, Held, OwnPublic, nat_type};
pub use pipeline::{Branch, Element, ElementId, End, Identity, Op, PublicSet, Stage, StageId};
pub use reason::Reason;
pub use sources::{SourcePoint, SourceRole};
pub use space::VpcSpace;
pub use table::{Hit, Key, Rule, Table};

use crate::topology::{Id, Topology};

/// A compiled topology.
#[derive(Debug)]
pub struct Fabric {
    pub(crate) elements: Vec<Element>,
    pub(crate) stages: Vec<Stage>,
    spaces: FxHashMap<Id, VpcSpace>,
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

    /// Mode and address space of a VPC.
    pub fn space(&self, vpc: &str) -> Option<&VpcSpace> {
        self.spaces.get(vpc)
    }
}
