//! The first stage of a packet: does its source leave by itself, or do the routes decide?
//! (egress.md §4.2 rows 0–2, §10 rule 4)

use super::super::assume::{DnatBypass, InternetMode, PublicRangeBypass, Smtp25};
use super::super::identity::{CutThrough, OwnPublic};
use super::super::nat as facts;
use super::super::pipeline::{Branch, ElementId, End, Op, Pass, Stage};
use super::super::reason::Reason;
use super::super::sources::{Seed, SourcePoint};
use super::super::table::{Match, Rule, Table, block};
use super::filter::{Filters, Groups, Next};
use super::{Compiler, Job, OwnKind};
use crate::addr::{AddrSet, Cidr, Family, special};
use crate::packet::{Protocol, ServiceRange, ServiceSet};
use crate::topology::{Direction, Id, Kind, NatGateway, NextHopType, Resource, Text};

impl Compiler<'_> {
    /// Gives a source its first stages.
    pub(super) fn source_point(&mut self, seed: Seed) -> SourcePoint {
        let filters = self.filters_of_seed(&seed);
        let own = self.own_with_mapping(seed.vpc.as_ref(), &seed.address, seed.own);
        let kind = own_kind(&own);
        // free passage in groups is for private addresses of the ENI itself
        let foreign = seed.havip.is_some() || matches!(kind, OwnKind::CutThrough(_));
        let mut entry = |own| {
            let source = Job::Source { vpc: seed.vpc.clone(), vswitch: seed.vswitch.clone(), own };
            let source = self.stage(source);
            let next = Next::Stage(source);
            let first = if foreign {
                self.in_transit(&filters, Direction::Egress, next)
            } else {
                self.outbound(&filters, next)
            };
            match first {
                Next::Stage(first) => first,
                Next::Here => source,
            }
        };
        let (entry, entry_without_own) = (entry(kind), entry(OwnKind::Plain));
        let home = seed.vpc.as_ref().map(|vpc| self.network(vpc));
        let sender = seed.vswitch.as_ref().map(|vswitch| self.segment(vswitch));
        SourcePoint {
            instance: seed.instance,
            eni: seed.eni,
            havip: seed.havip,
            address: seed.address,
            role: seed.role,
            region: seed.region,
            zone: seed.zone,
            vpc: seed.vpc,
            vswitch: seed.vswitch,
            own,
            notes: seed.notes,
            home,
            sender,
            entry,
            entry_without_own,
        }
    }

    fn filters_of_seed(&self, seed: &Seed) -> Filters {
        if let Some(eni) = self.topology.enis.get(&seed.eni.id) {
            let filters = self.filters_of(eni, self.owner(eni));
            return match &seed.havip {
                // a HaVip has the groups of its master and the ACL of its own vSwitch
                Some(_) => Filters { border: seed.vswitch.clone(), ..filters },
                None => filters,
            };
        }
        let owner = seed.instance.as_ref().and_then(|i| self.topology.instances.get(&i.id));
        let groups = match owner {
            Some(owner) => self.groups(owner, owner.security_groups.as_ref()),
            None if self.no_group_exists(seed.vpc.as_ref()) => Groups::None,
            None => Groups::Unknown(Text::from(format!("ENI of {} (not stated)", seed.eni))),
        };
        Filters { vpc: seed.vpc.clone(), groups, border: seed.vswitch.clone(), doubt: None }
    }

    /// The exit to the Internet at a device. The platform blocks SMTP at every one (access.md §1.5).
    pub(super) fn exit(&mut self, at: ElementId, otherwise: Reason) -> Branch {
        let blocked = self.assume.smtp_25 == Smtp25::Blocked;
        let gate = blocked.then(|| self.stage(Job::Smtp { at, otherwise }));
        Branch::new(End::Exit { otherwise, gate })
    }

    pub(super) fn smtp_stage(&mut self, at: ElementId, otherwise: Reason) -> Stage {
        let out = Branch::new(End::Exit { otherwise, gate: None });
        let smtp = ServiceSet::from_ranges(vec![ServiceRange::ports(Protocol::Tcp, 25, 25)]);
        let assumed = Op::Assume(Text::from("smtp_25 = blocked"));
        let then = Branch::drop(Reason::PlatformSmtp25, at).after(assumed);
        let rules = vec![Rule::new(Match::services(smtp), at, then)];
        let pass = Pass { to: out.clone(), stateful: true, blanket: true };
        Stage::filter("platform", at, Table { rules, default: out }, pass)
    }

    /// IP mapping on a Normal NAT gateway of a DIRECT VPC counts as held when nothing better is
    /// (egress.md §10 4.6b).
    pub(super) fn own_with_mapping(
        &self,
        vpc: Option<&Id>,
        address: &crate::topology::AddrValue,
        own: OwnPublic,
    ) -> OwnPublic {
        let applies = own == OwnPublic::None
            && self.assume.dnat_ip_map_bypasses_routes == DnatBypass::NormalOnly;
        let (true, Some(vpc), Some(address)) = (applies, vpc, address.addr()) else { return own };
        let direct = self.spaces.get(vpc).is_some_and(|s| s.mode == InternetMode::Direct);
        if direct { self.bindings.normal_mapping(vpc, address) } else { own }
    }

    pub(super) fn source_stage(
        &mut self,
        vpc: Option<&Id>,
        vswitch: Option<&Id>,
        own: OwnKind,
    ) -> Stage {
        let at = match (vswitch, vpc) {
            (Some(id), _) => self.referred_or_named(Kind::VSwitch, id),
            (None, Some(id)) => self.referred_or_named(Kind::Vpc, id),
            (None, None) => self.referred(Kind::Vpc, &Id::from("unknown")),
        };
        let mut rules = Vec::new();
        for family in [Family::V4, Family::V6] {
            rules.push(Rule::new(
                Match::to(special::not_routable(family)),
                at,
                Branch::drop(Reason::DstNotRoutable, at),
            ));
        }
        let routes = self.after_source(vpc, vswitch);
        let Some(space) = vpc.and_then(|id| self.spaces.get(id)).cloned() else {
            // without a VPC nothing says which destinations it takes for public
            let default = Branch::unknown("VPC of the source (not stated)");
            return Stage::new("source", at, Table { rules, default });
        };
        let assumptions: Vec<Op> = space
            .mode_assumption
            .iter()
            .chain(&space.assumptions)
            .map(|text| Op::Assume(text.clone()))
            .collect();
        let public_fate = match (space.mode, own) {
            // decisions.md 41: before any route, and before the kind of EIP, is looked at
            (InternetMode::Private, _) => Branch::drop(Reason::VpcPrivateMode, at),
            (InternetMode::Central, OwnKind::CutThrough(_)) => {
                Branch::drop(Reason::CutThroughUnsupported, at)
            }
            (InternetMode::Direct, OwnKind::Own | OwnKind::CutThrough(_)) => {
                self.exit(at, Reason::NoRoute)
            }
            (InternetMode::Direct, OwnKind::Plain)
                if self.assume.public_range_bypass == PublicRangeBypass::AnyInternetCapable =>
            {
                self.past_private_routes(vpc, vswitch, routes.clone())
            }
            (InternetMode::Central, OwnKind::Own) | (_, OwnKind::Plain) => routes.clone(),
        };
        rules.push(Rule::new(
            Match::to(space.public_v4.clone()),
            at,
            public_fate.after_all(assumptions),
        ));
        let default = match (space.mode, own) {
            (InternetMode::Direct, OwnKind::CutThrough(CutThrough::Replaces)) => {
                Branch::drop(Reason::CutThroughNoPrivate, at)
            }
            (InternetMode::Direct, OwnKind::CutThrough(CutThrough::Beside)) => Branch::unknown(
                "how a MULTI_BINDED EIP reaches private destinations (not documented)",
            ),
            (_, OwnKind::CutThrough(_)) => Branch::drop(Reason::CutThroughUnsupported, at),
            _ => routes,
        };
        Stage::new("source", at, Table { rules, default })
    }

    /// Sources behind an Internet NAT gateway reach public destinations through it, whatever a more
    /// specific route to another network says (egress.md §8 C1, knob `public_range_bypass`).
    fn past_private_routes(
        &mut self,
        vpc: Option<&Id>,
        vswitch: Option<&Id>,
        routes: Branch,
    ) -> Branch {
        let (Some(vpc), Some(vswitch)) = (vpc, vswitch) else { return routes };
        // a table that is not known leads to an unknown answer by itself
        let Ok(hops) = self.routes_with_hops(vpc, vswitch) else { return routes };
        let at = self.segment(vswitch);
        let mut rules = Vec::new();
        for (cidr, hops, element) in hops {
            for nat in hops.iter().filter(|hop| hop.hop_type == NextHopType::NatGateway) {
                let nat = nat.id.as_ref().and_then(|id| self.topology.nat_gateways.get(id));
                let nat = nat.filter(|nat| {
                    !facts::is_vpc_nat(nat) && facts::works(nat) && nat.vpc.as_ref() == Some(vpc)
                });
                let Some(nat) = nat else { continue };
                let Some(on) = self.hop_to_nat(vpc, nat.id(), element) else { continue };
                let value = self.assume.public_range_bypass.name();
                let assumed =
                    Op::Assume(Text::from(format!("public_range_bypass = {value} ({vswitch})")));
                let matches = Match { src: Some(self.behind(nat)), ..Match::to(block(cidr)) };
                rules.push(Rule::new(matches, element, on.after(assumed)));
            }
        }
        if rules.is_empty() {
            return routes;
        }
        let stage = Stage::new("source", at, Table { rules, default: routes });
        Branch::go(self.place(stage))
    }

    /// The sources that a gateway gives a public address.
    fn behind(&self, nat: &NatGateway) -> AddrSet {
        let topology = self.topology;
        let snat = facts::snat_entries(topology, nat)
            .filter_map(|entry| facts::snat_source(topology, entry).ok());
        let mapped = facts::ip_mappings(topology, nat)
            .filter_map(|entry| entry.internal_ip.as_ref()?.addr())
            .map(Cidr::host);
        let blocks: Vec<Cidr> =
            snat.chain(mapped).filter(|block| block.family() == Family::V4).collect();
        AddrSet::from_cidrs(Family::V4, &blocks)
    }

    /// The routes of the source's vSwitch.
    fn after_source(&mut self, vpc: Option<&Id>, vswitch: Option<&Id>) -> Branch {
        match (vpc, vswitch) {
            (Some(vpc), Some(vswitch)) => self.routes_of_vswitch(vpc, vswitch),
            _ => Branch::unknown("vSwitch of the source (not stated)"),
        }
    }

    /// The element of a resource that may be only referred to.
    pub(super) fn referred_or_named(&mut self, kind: Kind, id: &Id) -> ElementId {
        let topology = self.topology;
        let resource: Option<&dyn Resource> = match kind {
            Kind::VSwitch => topology.vswitches.get(id).map(|r| r as &dyn Resource),
            Kind::Vpc => topology.vpcs.get(id).map(|r| r as &dyn Resource),
            Kind::RouteTable => topology.route_tables.get(id).map(|r| r as &dyn Resource),
            Kind::NatGateway => topology.nat_gateways.get(id).map(|r| r as &dyn Resource),
            Kind::TransitRouteTable => {
                topology.transit_route_tables.get(id).map(|r| r as &dyn Resource)
            }
            Kind::VpcPeer => topology.vpc_peers.get(id).map(|r| r as &dyn Resource),
            Kind::Eni => topology.enis.get(id).map(|r| r as &dyn Resource),
            _ => None,
        };
        match resource {
            Some(resource) => self.named(resource),
            None => self.referred(kind, id),
        }
    }
}

/// What tables need to know of a holding.
pub(super) fn own_kind(own: &OwnPublic) -> OwnKind {
    match own {
        OwnPublic::None => OwnKind::Plain,
        OwnPublic::Held(held) => held.cut_through.map_or(OwnKind::Own, OwnKind::CutThrough),
        OwnPublic::Unknown(_) => OwnKind::Own,
    }
}
