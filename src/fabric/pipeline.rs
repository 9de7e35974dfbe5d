//! Stages of first-match tables as data, for both interpreters.
//!
//! A stage looks a packet up in one table; the branch it finds changes the packet's state by
//! operations and then ends or goes on to another stage. Nothing here knows what a NAT gateway is.

use std::net::IpAddr;
use std::sync::Arc;

use super::reason::Reason;
use super::table::Table;
use crate::topology::{AddrValue, ResourceRef, Source, Text};

/// Index of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StageId(pub(super) u32);

/// Index of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ElementId(pub(super) u32);

/// An object of the topology that a decision names.
#[derive(Debug, Clone)]
pub struct Element {
    /// Kind, id, name.
    pub resource: ResourceRef,
    /// What it says, in short (`0.0.0.0/0 -> nat_gateway ngw-1`).
    pub text: Text,
    /// Where it was read.
    pub source: Option<Source>,
    /// For entries of tables: why it wins over others of its kind that match too.
    pub precedence: Option<&'static str>,
}

/// A public identity: the addresses under which a packet leaves, and what gives them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PublicSet {
    /// Public addresses; more than one when the device chooses per connection.
    pub addresses: Vec<AddrValue>,
    /// The binding or entry that gives them, and its device.
    pub via: Vec<ElementId>,
}

/// What is known of a source's public identity. It travels with the packet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// It has none.
    None,
    /// The source's own; which one it is does not matter to any table.
    Own,
    /// One that a device gave it.
    Given(Arc<PublicSet>),
    /// Cannot be told, for lack of these.
    Unknown(Arc<[Text]>),
}

/// A change of the packet's state.
#[derive(Debug, Clone)]
pub enum Op {
    /// Names an element that decides the path.
    Via(ElementId),
    /// Takes on a public identity, or loses it.
    Identity(Identity),
    /// Replaces the source address; `None` when the new one is not known as a number.
    Source(Option<IpAddr>),
    /// A fact to report that does not change the fate.
    Note(Text),
    /// An assumption that the fate rests on.
    Assume(Text),
}

/// How a branch ends.
#[derive(Debug, Clone)]
pub enum End {
    /// Goes on at another stage.
    Go(StageId),
    /// Takes every one of several paths; each is possible.
    Fork(Arc<[Branch]>),
    /// Leaves to the Internet under its identity; without one it is dropped for this reason.
    Exit {
        /// Reason when there is no identity.
        otherwise: Reason,
    },
    /// Reaches its target.
    Deliver(ElementId),
    /// Goes to a network that we do not see.
    Leave(ElementId),
    /// Dropped at an element.
    Drop(Reason, ElementId),
    /// Cannot be decided, for lack of these.
    Unknown(Arc<[Text]>),
}

/// What happens to a packet that a rule matches.
#[derive(Debug, Clone)]
pub struct Branch {
    /// Changes, in order.
    pub ops: Vec<Op>,
    /// End.
    pub end: End,
}

impl Branch {
    /// A branch that only ends.
    pub fn new(end: End) -> Self {
        Self { ops: Vec::new(), end }
    }

    /// Goes on at a stage.
    pub fn go(stage: StageId) -> Self {
        Self::new(End::Go(stage))
    }

    /// Drops at an element.
    pub fn drop(reason: Reason, at: ElementId) -> Self {
        Self::new(End::Drop(reason, at))
    }

    /// Cannot be decided.
    pub fn unknown(missing: impl Into<Text>) -> Self {
        Self::new(End::Unknown(Arc::from([missing.into()])))
    }

    /// Takes all of these paths; one path is taken as it is.
    pub fn fork(mut branches: Vec<Self>) -> Option<Self> {
        match branches.len() {
            0 => None,
            1 => branches.pop(),
            _ => Some(Self::new(End::Fork(branches.into()))),
        }
    }

    /// The same branch after a further change at its beginning.
    #[must_use]
    pub fn after(mut self, op: Op) -> Self {
        self.ops.insert(0, op);
        self
    }

    /// The same branch after further changes at its beginning.
    #[must_use]
    pub fn after_all(mut self, ops: impl IntoIterator<Item = Op>) -> Self {
        self.ops.splice(0..0, ops);
        self
    }
}

/// One table at one place.
#[derive(Debug, Clone)]
pub struct Stage {
    /// What kind of decision it is: `source`, `route`, `nat`, `gateway`, `forward`, `reply`.
    pub name: &'static str,
    /// The device or table.
    pub at: ElementId,
    /// The table.
    pub table: Table,
}
