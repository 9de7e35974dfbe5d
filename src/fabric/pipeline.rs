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

/// How replies find a device that must turn them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Back {
    /// The far side's tables must lead them to the device.
    Routed,
    /// They come to it whatever the tables say: the far side answers the device itself.
    Direct,
    /// The far side must leave under its own public address.
    Exit,
}

/// Where a reply goes on after a device has turned it back.
#[derive(Debug, Clone)]
pub enum Resume {
    /// Here.
    Go(Branch),
    /// Straight to the host with the near side's address.
    Host,
    /// Into a network whose tables we do not see and that brings it to the near side.
    Outside,
}

/// A device that remembers a flow, and turns its replies back. It ends a leg of the way: behind it
/// the packet may carry other addresses.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The device.
    pub at: ElementId,
    /// How replies find it.
    pub back: Back,
    /// Where they go on.
    pub resume: Resume,
    /// Why a flow that it brings back to the very host that opened it fails; `None` when it does not.
    pub loops: Option<Reason>,
}

impl Turn {
    /// A device that may also bring a flow back to the host that opened it.
    pub fn new(at: ElementId, back: Back, resume: Resume) -> Self {
        Self { at, back, resume, loops: None }
    }
}

/// Something outside the network on which replies depend, such as the guest's routing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// What goes wrong when it is not met.
    pub reason: Reason,
    /// What it is, in words.
    pub text: Text,
    /// It is known not to be met.
    pub failed: bool,
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
    /// Replaces the destination address.
    Destination(IpAddr),
    /// Moves the destination port: what was `from` becomes `to`, and so on in step.
    ShiftPort {
        /// First port before.
        from: u16,
        /// First port after.
        to: u16,
    },
    /// Replaces the destination port.
    Port(u16),
    /// The source address is now that of a host of this network, or of none.
    Home(Option<ElementId>),
    /// The packet is now sent from this segment, or from none that we see.
    Sender(Option<ElementId>),
    /// Passes a device that remembers the flow. Stands before the changes that the device makes.
    Turn(Arc<Turn>),
    /// A fact to report that does not change the fate.
    Note(Text),
    /// An assumption that the fate rests on.
    Assume(Text),
    /// Whether replies come back depends on something outside the network.
    Condition(Condition),
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
        /// A filter that stands at every exit; answers about all packets leave it out.
        gate: Option<StageId>,
    },
    /// Reaches a segment of a network; whoever has the destination address takes it.
    Arrive {
        /// The segment.
        segment: ElementId,
        /// The network in which the destination address counts.
        network: ElementId,
    },
    /// Reaches the host that has the destination address past these filters and not past its own:
    /// what a load balancer sends is not tested by all of them.
    Enter {
        /// The segment.
        segment: ElementId,
        /// The network in which the destination address counts.
        network: ElementId,
        /// First of the filters.
        inbound: Arc<Branch>,
    },
    /// Reaches the host that has the destination address.
    Here,
    /// Reaches its target, which is no host.
    Deliver(ElementId),
    /// A device answers in the target's place.
    Answer(ElementId),
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
    /// What kind of decision it is: `source`, `route`, `nat`, `security_group`, `listener`, …
    pub name: &'static str,
    /// The device or table.
    pub at: ElementId,
    /// The table.
    pub table: Table,
    /// For filters and gates: where packets that they let through go on.
    pub pass: Option<Pass>,
}

/// The way on behind a filter or a gate.
#[derive(Debug, Clone)]
pub struct Pass {
    /// Where packets go on.
    pub to: Branch,
    /// The filter remembers flows: replies of a flow that it let through pass untested.
    pub stateful: bool,
    /// It stops the same packets everywhere; answers about all packets leave it out.
    pub blanket: bool,
}

impl Stage {
    /// A stage that is no filter.
    pub fn new(name: &'static str, at: ElementId, table: Table) -> Self {
        Self { name, at, table, pass: None }
    }

    /// A filter or gate.
    pub fn filter(name: &'static str, at: ElementId, table: Table, pass: Pass) -> Self {
        Self { name, at, table, pass: Some(pass) }
    }
}

impl Pass {
    /// Goes on there; replies are tested like any packet.
    pub fn stateless(to: Branch) -> Self {
        Self { to, stateful: false, blanket: false }
    }

    /// Goes on there; replies pass untested.
    pub fn stateful(to: Branch) -> Self {
        Self { to, stateful: true, blanket: false }
    }
}
