//! Peering connections between VPCs (access.md §5.1, egress.md §10 rule 5 `VpcPeer`).

use super::super::Identity;
use super::super::pipeline::{Branch, ElementId, End, Op, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table, block};
use super::onprem::blocks;
use super::{Compiler, Job};
use crate::addr::{AddrSet, Cidr, Family};
use crate::topology::{
    CidrValue, Id, Kind, Lifecycle, Listing, NextHopType, PeerSide, Resource, Text, VpcPeer,
};

impl Compiler<'_> {
    /// A route into a peering connection.
    pub(super) fn hop_to_peer(&mut self, vpc: &Id, id: &Id, element: ElementId) -> Option<Branch> {
        let topology = self.topology;
        let Some(peer) = topology.vpc_peers.get(id) else {
            let scope = self.around_vpc(vpc);
            return match topology.coverage.gap(Listing::VpcPeers, &scope) {
                Some(gap) => Some(Branch::unknown(format!("peering connection {id}: {gap}"))),
                None => self.dead(element),
            };
        };
        let at = self.named(peer);
        if !matches!(peer.lifecycle(), Lifecycle::Usable | Lifecycle::Unstated) || peer.is_locked()
        {
            return Some(Branch::drop(Reason::PeerInactive, at).after(Op::Via(at)));
        }
        match far_side(peer, vpc) {
            Some(Some(into)) => {
                let job = Job::Peer { peer: id.clone(), into: into.clone() };
                Some(Branch::go(self.stage(job)))
            }
            Some(None) => Some(Branch::unknown(format!("far VPC of {id} (not stated)"))),
            None => Some(Branch::drop(Reason::BadNexthop, element).after(Op::Via(element))),
        }
    }

    /// Peering delivers to addresses of the peer's vSwitches and to nothing else (decisions.md 34).
    pub(super) fn peer_stage(&mut self, id: &Id, into: &Id) -> Stage {
        let at = self.referred_or_named(Kind::VpcPeer, id);
        let default = Branch::drop(Reason::PeerNotTransitive, at).after(Op::Via(at));
        let stage = |rules, default| Stage::new("gateway", at, Table { rules, default });
        let stated = self.topology.vpc_peers.get(id).and_then(|peer| stated_blocks(peer, into));
        if self.topology.vpcs.get(into).is_none() {
            // the far VPC is not in the input; its blocks may be in the connection's body
            let Some(stated) = stated else {
                return stage(
                    Vec::new(),
                    Branch::unknown(format!("VPC {into} (not in the input)")),
                );
            };
            let then = self.leave_over_peering(id, into, at);
            let rules = [Family::V4, Family::V6].into_iter().map(|family| {
                let of_family = stated.iter().filter(|cidr| cidr.family() == family);
                let matches = Match::to(AddrSet::from_cidrs(family, of_family));
                Rule::new(matches, at, then.clone())
            });
            return stage(rules.collect(), default);
        }
        let topology = self.topology;
        let mut rules = Vec::new();
        for vswitch in topology.vswitches.iter().filter(|v| v.vpc.as_ref() == Some(into)) {
            let job = Job::PeerReply { peer: id.clone(), vswitch: vswitch.id().clone() };
            let then = Branch::go(self.stage(job)).after(Op::Via(at));
            let element = self.named(vswitch);
            for cidr in blocks(vswitch) {
                rules.push(Rule::new(Match::to(block(cidr)), element, then.clone()));
            }
        }
        rules.extend(self.unlisted_vswitches(into, at));
        stage(rules, default)
    }

    /// Into a VPC that is not in the input. What comes back over the connection reaches the
    /// vSwitches of the near VPC.
    fn leave_over_peering(&mut self, id: &Id, far: &Id, at: ElementId) -> Branch {
        let near = self.topology.vpc_peers.get(id).and_then(|peer| far_side(peer, far)).flatten();
        let back = match near {
            Some(near) => {
                let job = Job::Peer { peer: id.clone(), into: near.clone() };
                Branch::go(self.stage(job)).after_all([Op::Home(None), Op::Sender(None)])
            }
            None => Branch::unknown(format!("near VPC of {id} (not stated)")),
        };
        self.leave(at, back)
    }

    /// Do replies find back over the peering connection? Changes no verdict.
    pub(super) fn peer_reply_stage(&mut self, id: &Id, vswitch: &Id) -> Stage {
        let at = self.referred_or_named(Kind::VSwitch, vswitch);
        let network = self.topology.vswitches.get(vswitch).and_then(|v| v.vpc.clone());
        let end = match network {
            Some(vpc) => End::Arrive { segment: at, network: self.network(&vpc) },
            None => End::Deliver(at),
        };
        let deliver = Branch::new(end).after_all([Op::Identity(Identity::None), Op::Sender(None)]);
        let lost = deliver.clone().after(Op::Note(Text::from(format!(
            "reply_no_route: {vswitch} has no route back over {id}"
        ))));
        let vpc = self.topology.vswitches.get(vswitch).and_then(|v| v.vpc.clone());
        let hops = match &vpc {
            Some(vpc) => self.hops_of_vswitch(vpc, vswitch),
            None => Err(Text::from(format!("VPC of {vswitch} (not stated)"))),
        };
        let mut rules = Vec::new();
        let default = match hops {
            Ok(routes) => {
                for (cidr, hops) in routes {
                    let back = hops.iter().any(|hop| {
                        hop.hop_type == NextHopType::VpcPeer && hop.id.as_ref() == Some(id)
                    });
                    let then = if back { deliver.clone() } else { lost.clone() };
                    rules.push(Rule::new(Match::from(block(cidr)), at, then));
                }
                lost
            }
            Err(missing) => deliver.after(Op::Note(Text::from(format!(
                "whether replies find back is unknown: {missing}"
            )))),
        };
        Stage::new("reply", at, Table { rules, default })
    }
}

/// The VPC on the other side; `None` when `vpc` is on neither side, `Some(None)` when the other
/// side is not stated.
fn far_side<'p>(peer: &'p VpcPeer, vpc: &Id) -> Option<Option<&'p Id>> {
    let of = |side: &'p Option<PeerSide>| side.as_ref().and_then(|s| s.vpc.as_ref());
    let (requester, accepter) = (of(&peer.requester), of(&peer.accepter));
    if requester == Some(vpc) {
        Some(accepter)
    } else if accepter == Some(vpc) {
        Some(requester)
    } else if requester.is_none() || accepter.is_none() {
        Some(None)
    } else {
        None
    }
}

/// Blocks of one side as the connection's body states them.
fn stated_blocks(peer: &VpcPeer, vpc: &Id) -> Option<Vec<Cidr>> {
    [&peer.requester, &peer.accepter]
        .into_iter()
        .flatten()
        .find(|side| side.vpc.as_ref() == Some(vpc))?
        .cidrs
        .as_ref()
        .map(|cidrs| cidrs.iter().filter_map(CidrValue::cidr).collect())
}
