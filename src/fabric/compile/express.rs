//! Router interfaces of Express Connect: to another VPC or to a border router (access.md §5.6).

use super::super::pipeline::{Branch, ElementId, Op, Stage};
use super::super::reason::Reason;
use super::super::table::Table;
use super::onprem::Beyond;
use super::{Compiler, Job};
use crate::topology::{Id, Kind, Lifecycle, Resource, RouterInterface, Text};

/// What is at the other end of a router interface.
enum FarEnd<'t> {
    /// A VPC.
    Vpc(&'t Id),
    /// A border router: a data centre.
    Border,
    /// Cannot be told, for lack of this.
    Unknown(Text),
}

impl<'t> Compiler<'t> {
    /// A route into a router interface. Both ends must be active and name each other (access.md
    /// §5.6); `None` when a knob passes the route over.
    pub(super) fn hop_to_interface(
        &mut self,
        vpc: &Id,
        id: &Id,
        element: ElementId,
    ) -> Option<Branch> {
        let topology = self.topology;
        let bad = Some(Branch::drop(Reason::BadNexthop, element).after(Op::Via(element)));
        if let Some(interface) = topology.router_interfaces.get(id) {
            let far =
                interface.opposite.as_ref().and_then(|far| topology.router_interfaces.get(far));
            if interface.vpc.as_ref().is_some_and(|own| own != vpc) {
                return bad;
            }
            if [Some(interface), far].into_iter().flatten().any(is_down) {
                return self.dead(element);
            }
            // half a pair: the other end belongs to somebody else
            if far.and_then(|far| far.opposite.as_ref()).is_some_and(|own| own != id) {
                return bad;
            }
        }
        let job = Job::Express { vpc: vpc.clone(), interface: id.clone() };
        Some(Branch::go(self.stage(job)).after(Op::Via(element)))
    }

    pub(super) fn express_stage(&mut self, vpc: &Id, id: &Id) -> Stage {
        let at = self.device(Kind::RouterInterface, id);
        let kind = Kind::RouterInterface;
        let back = self.enter_from(vpc, kind, id, Beyond::Drop(Reason::ReplyNoRoute));
        let leave = self.leave(at, back);
        let then = match self.topology.router_interfaces.get(id) {
            None => leave.after(Op::Assume(Text::from(format!(
                "router interface {id} (not in the input) leads to a network that is not in the input"
            )))),
            Some(interface) => match self.far_end(interface) {
                FarEnd::Border => leave,
                FarEnd::Vpc(far) if self.topology.vpcs.get(far).is_none() => leave,
                FarEnd::Vpc(far) => {
                    let job = Job::Inside {
                        vpc: far.clone(),
                        kind,
                        device: id.clone(),
                        beyond: Beyond::Drop(Reason::PeerNotTransitive),
                    };
                    // the sender's address stays one of its own VPC, so its network stays known
                    let ops = [
                        Op::Via(at),
                        Op::Identity(super::super::Identity::None),
                        Op::Sender(None),
                    ];
                    Branch::go(self.stage(job)).after_all(ops)
                }
                FarEnd::Unknown(missing) => Branch::unknown(missing),
            },
        };
        Stage::new("gateway", at, Table::constant(then))
    }

    fn far_end(&self, interface: &'t RouterInterface) -> FarEnd<'t> {
        let topology = self.topology;
        let far = interface.opposite.as_ref().and_then(|far| topology.router_interfaces.get(far));
        let stated = interface.opposite_router_type.as_ref();
        let far_type = stated.or(far.and_then(|far| far.router_type.as_ref()));
        let router = interface.opposite_router.as_ref().or(far.and_then(|far| far.router.as_ref()));
        let is_border = far_type.is_some_and(|word| word.eq_ignore_ascii_case("VBR"))
            || router.is_some_and(|id| topology.border_routers.get(id).is_some());
        if is_border {
            return FarEnd::Border;
        }
        let by_router =
            router.and_then(|id| topology.vpcs.iter().find(|v| v.vrouter.as_ref() == Some(id)));
        let vpc = interface
            .opposite_vpc
            .as_ref()
            .or(far.and_then(|far| far.vpc.as_ref()))
            .or(by_router.map(|vpc| vpc.id()));
        match vpc {
            Some(vpc) => FarEnd::Vpc(vpc),
            None => FarEnd::Unknown(Text::from(format!(
                "opposite side of {} (not stated)",
                interface.id()
            ))),
        }
    }
}

/// Not active, or locked.
fn is_down(interface: &RouterInterface) -> bool {
    matches!(interface.lifecycle(), Lifecycle::Dead | Lifecycle::Unrecognised)
        || interface
            .meta
            .status
            .as_deref()
            // not connected yet, whatever it is on the way to
            .is_some_and(|s| s.to_ascii_lowercase().ends_with("connecting"))
        || interface.is_locked()
}
