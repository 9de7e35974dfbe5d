//! Instances, ENIs and HaVips as routers (egress.md §4.5 first rows, §10 rules 5 and 7).

use super::super::Identity;
use super::super::assume::ForwarderFilters;
use super::super::identity::OwnPublic;
use super::super::pipeline::{
    Back, Branch, ElementId, End, Op, PublicSet, Resume, Stage, StageId, Turn,
};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table};
use super::filter::Next;
use super::source::own_kind;
use super::{Compiler, Job};
use crate::topology::{
    AddrValue, Direction, Eni, Id, Kind, Listing, NextHopType, PrivateIp, Resource, Scope, Text,
};
use std::sync::Arc;

impl<'t> Compiler<'t> {
    /// A route to an instance, an ENI or a HaVip.
    pub(super) fn hop_to_forwarder(
        &mut self,
        vpc: &Id,
        hop: &NextHopType,
        id: &Id,
        element: ElementId,
    ) -> Option<Branch> {
        let topology = self.topology;
        let (eni, listing) = match hop {
            NextHopType::NetworkInterface => (topology.enis.get(id), Listing::Enis),
            NextHopType::HaVip => (self.master_eni(id), Listing::HaVips),
            _ => (self.primary_enis.get(id.as_str()).copied(), Listing::Instances),
        };
        let masterless = *hop == NextHopType::HaVip
            && topology.havips.get(id).is_some_and(|havip| havip.master == Some(None));
        if masterless {
            // nobody holds the address, whatever else the input lacks
            return self.dead(element);
        }
        let Some(eni) = eni else {
            let scope = topology.vpcs.get(vpc).map(|v| Scope::around(&v.meta)).unwrap_or_default();
            let gap = [listing, Listing::Enis]
                .into_iter()
                .find_map(|listing| topology.coverage.gap(listing, &scope));
            return match gap {
                Some(gap) => Some(Branch::unknown(format!("next hop {id}: {gap}"))),
                None => self.dead(element),
            };
        };
        if eni.vpc.as_ref().is_some_and(|owner| owner != vpc) {
            return Some(Branch::drop(Reason::BadNexthop, element).after(Op::Via(element)));
        }
        if !self.is_up(eni) {
            return self.dead(element);
        }
        if self.owner(eni).is_some_and(|owner| owner.forwards == Some(false)) {
            return Some(Branch::drop(Reason::ForwarderDisabled, element).after(Op::Via(element)));
        }
        let forward = self.stage(Job::Forward { eni: eni.id().clone() });
        Some(self.forwarder_filters(eni, Direction::Ingress, forward))
    }

    /// Filters of a forwarding instance see the packets of others too (decisions.md 33).
    fn forwarder_filters(&mut self, eni: &Eni, direction: Direction, next: StageId) -> Branch {
        if self.assume.forwarder_filters == ForwarderFilters::Ignore {
            return Branch::go(next);
        }
        let filters = self.filters_of(eni, self.owner(eni));
        let first = self.in_transit(&filters, direction, Next::Stage(next));
        let assumed = first != Next::Stage(next);
        let text = Text::from(format!("forwarder_filters = apply ({})", eni.id()));
        first.branch().after_all(assumed.then_some(Op::Assume(text)))
    }

    pub(super) fn owner(&self, eni: &Eni) -> Option<&'t crate::topology::Instance> {
        let id = eni.instance.as_ref()?.as_ref()?;
        self.topology.instances.get(id)
    }

    /// The primary ENI of a HaVip's master.
    pub(super) fn eni_of_master(&self, master: &Id) -> Option<&'t Eni> {
        self.topology.enis.get(master).or_else(|| self.primary_enis.get(master.as_str()).copied())
    }

    fn master_eni(&self, havip: &Id) -> Option<&'t Eni> {
        let master = self.topology.havips.get(havip)?.master.as_ref()?.as_ref()?;
        self.eni_of_master(master)
    }

    /// False for an ENI that is not in use, or whose instance does not run.
    fn is_up(&self, eni: &Eni) -> bool {
        let in_use = eni.meta.status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("InUse"));
        let attached = eni.instance != Some(None) || eni.service_managed == Some(true);
        let running = self.owner(eni).and_then(|owner| owner.meta.status.as_deref());
        in_use && attached && running.is_none_or(|s| s.eq_ignore_ascii_case("Running"))
    }

    pub(super) fn forward_stage(&mut self, id: &Id) -> Stage {
        let at = self.referred_or_named(Kind::Eni, id);
        let stage = |table| Stage::new("forward", at, table);
        let Some(eni) = self.topology.enis.get(id) else {
            let default = Branch::unknown(format!("ENI {id} (not in the input)"));
            return stage(Table::constant(default));
        };
        let routed = self.forwarded(eni).after(Op::Via(at));
        if eni.service_managed == Some(true) {
            return stage(Table::constant(firewall(eni, &routed)));
        }
        let masquerade = self.owner(eni).and_then(|owner| owner.masquerade);
        let originated = self.originate(eni, at);
        match masquerade {
            Some(true) => stage(Table::constant(originated)),
            Some(false) => stage(Table::constant(routed)),
            None => {
                // a router in a VPC must masquerade towards the Internet and need not inside
                // (egress.md §10 rule 5); the guest is not in the export
                let name = self.owner(eni).map_or_else(|| id.to_string(), |o| o.id().to_string());
                let assumed =
                    Op::Assume(Text::from(format!("forwarder_masquerade = public ({name})")));
                let space = eni.vpc.as_ref().and_then(|vpc| self.spaces.get(vpc));
                let rules = space
                    .map(|space| {
                        Rule::new(
                            Match::to(space.public_v4.clone()),
                            at,
                            originated.after(assumed.clone()),
                        )
                    })
                    .into_iter()
                    .collect();
                let default = routed.after(assumed);
                stage(Table { rules, default })
            }
        }
    }

    /// Sends the packet of somebody else on: by the routes of the ENI's vSwitch, from there.
    fn forwarded(&mut self, eni: &'t Eni) -> Branch {
        let (Some(vpc), Some(vswitch)) = (&eni.vpc, &eni.vswitch) else {
            return Branch::unknown(format!("vSwitch of {} (not stated)", eni.id()));
        };
        let sender = self.segment(vswitch);
        let routes = match self.routes_of_vswitch(vpc, vswitch).end {
            End::Go(stage) => self.forwarder_filters(eni, Direction::Egress, stage),
            end => Branch::new(end),
        };
        routes.after_all([Op::Identity(Identity::None), Op::Sender(Some(sender))])
    }

    /// The forwarder sends in its own name: what it would get for its own primary address.
    fn originate(&mut self, eni: &'t Eni, at: ElementId) -> Branch {
        let ips = eni.private_ips.as_deref().unwrap_or_default();
        let Some(ip) = ips.iter().find(|ip| ip.primary == Some(true)).or_else(|| ips.first())
        else {
            return Branch::unknown(format!("addresses of {} (not stated)", eni.id()));
        };
        let own = self.own_of(eni, ip);
        let identity = self.identity(&own);
        let entry = self.stage(Job::Source {
            vpc: eni.vpc.clone(),
            vswitch: eni.vswitch.clone(),
            own: own_kind(&own),
        });
        let entry = match self.assume.forwarder_filters {
            ForwarderFilters::Ignore => Branch::go(entry),
            ForwarderFilters::Apply => {
                let filters = self.filters_of(eni, self.owner(eni));
                self.outbound(&filters, Next::Stage(entry)).branch()
            }
        };
        let home = eni.vpc.as_ref().map(|vpc| self.network(vpc));
        let sender = eni.vswitch.as_ref().map(|vswitch| self.segment(vswitch));
        let turn = self.forwarder_turn(eni, at);
        let assumed = match &own {
            OwnPublic::Held(held) => held.assumptions.clone(),
            OwnPublic::None | OwnPublic::Unknown(_) => Vec::new(),
        };
        entry.after_all(assumed.into_iter().map(Op::Assume)).after_all([
            Op::Via(at),
            turn,
            Op::Source(ip.address.addr()),
            Op::Home(home),
            Op::Sender(sender),
            Op::Identity(identity),
        ])
    }

    /// Replies to what a forwarder sent in its own name come back to it, through the ACL of its
    /// vSwitch; it sends them on by its routes.
    fn forwarder_turn(&mut self, eni: &'t Eni, at: ElementId) -> Op {
        let filters = self.filters_of(eni, self.owner(eni));
        // from outside the vSwitch into it, and only then sent on from there
        let on = self.forwarded(eni);
        let on = self.place(Stage::new("forward", at, Table::constant(on)));
        let first = self.acl(&filters, Direction::Ingress, Next::Stage(on));
        let resume = first.branch().after_all([Op::Home(None), Op::Sender(None)]);
        Op::Turn(Arc::new(Turn::new(at, Back::Routed, Resume::Go(resume))))
    }

    fn own_of(&self, eni: &'t Eni, ip: &PrivateIp) -> OwnPublic {
        let own = self.bindings.of_private_ip(eni, self.owner(eni), ip, true);
        self.own_with_mapping(eni.vpc.as_ref(), &ip.address, own)
    }

    /// A holding as a packet carries it when it is not the source's own.
    fn identity(&mut self, own: &OwnPublic) -> Identity {
        match own {
            OwnPublic::None => Identity::None,
            OwnPublic::Unknown(missing) => {
                Identity::Unknown(super::super::identity::shared(missing.clone()))
            }
            OwnPublic::Held(held) => {
                let via = held
                    .by
                    .iter()
                    .map(|reference| {
                        let text = Text::from(reference.to_string());
                        self.intern(reference.clone(), None, || text)
                    })
                    .collect();
                Identity::Given(Arc::new(PublicSet { addresses: vec![held.address.clone()], via }))
            }
        }
    }
}

/// A Cloud Firewall in front of a NAT gateway. Which source the gateway then sees is not
/// documented: both are possible (egress.md §10 rule 7, U4).
fn firewall(eni: &Eni, routed: &Branch) -> Branch {
    let address = eni.private_ips.iter().flatten().next().map(|ip| &ip.address);
    let note = Op::Note(Text::from(format!(
        "cloud_firewall: whether the NAT gateway sees the source or {} is not documented",
        eni.id()
    )));
    let as_firewall = routed.clone().after(Op::Source(address.and_then(AddrValue::addr)));
    Branch::new(End::Fork(Arc::from([routed.clone(), as_firewall]))).after(note)
}
