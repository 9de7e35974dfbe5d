//! Inside VPN gateways: policy-based routes, then destination routes, then what the IPsec connection
//! protects (access.md §5.5).

use super::super::pipeline::{Branch, ElementId, Op, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table};
use super::onprem::Beyond;
use super::{Compiler, Job};
use crate::addr::{AddrSet, Cidr, Family};
use crate::topology::{
    Absence, CidrValue, Id, Kind, Lifecycle, Listing, Resource, Text, VpnConnection, VpnRoute,
};

/// Priority of a policy-based route that states none (access.md §5.5).
const DEFAULT_PRIORITY: u64 = 10;

/// What an IPsec connection carries.
enum Carries {
    /// Everything.
    All,
    /// Packets from the first to the second.
    Between(AddrSet, AddrSet),
    /// Nothing: it is down.
    Nothing,
    /// Cannot be told, for lack of this.
    Unknown(Text),
}

/// A route of a VPN gateway with what decides its rank.
struct Candidate<'t> {
    route: &'t VpnRoute,
    to: Cidr,
    /// Of policy-based routes only.
    from: Option<Cidr>,
}

/// What is not known of a gateway's routes.
#[derive(Default)]
struct Gaps {
    /// Listings that were not exported at all.
    not_loaded: Vec<Text>,
    /// What else is missing.
    missing: Vec<Text>,
}

impl<'t> Compiler<'t> {
    /// A route into a VPN gateway; `None` when a knob passes the route over.
    pub(super) fn hop_to_vpn(&mut self, vpc: &Id, id: &Id, element: ElementId) -> Option<Branch> {
        if let Some(gateway) = self.topology.vpn_gateways.get(id) {
            if gateway.vpc.as_ref().is_some_and(|own| own != vpc) {
                return Some(Branch::drop(Reason::BadNexthop, element).after(Op::Via(element)));
            }
            if gateway.lifecycle() == Lifecycle::Dead || gateway.is_locked() {
                return self.dead(element);
            }
        }
        let job = Job::Vpn { vpc: vpc.clone(), gateway: id.clone() };
        Some(Branch::go(self.stage(job)).after(Op::Via(element)))
    }

    pub(super) fn vpn_stage(&mut self, vpc: &Id, id: &Id) -> Stage {
        let at = self.device(Kind::VpnGateway, id);
        let leave = self.leave_by_vpn(vpc, id, at);
        let stage = |table| Stage::new("gateway", at, table);
        if self.topology.vpn_gateways.get(id).is_none() {
            let assumed =
                format!("VPN gateway {id} (not in the input) carries what is routed to it");
            return stage(Table::constant(leave.after(Op::Assume(Text::from(assumed)))));
        }
        let mut gaps = self.vpn_gaps(vpc, id);
        let candidates = self.vpn_candidates(id, &mut gaps);
        if !gaps.missing.is_empty() {
            // a route that is not in the input could come before any other
            return stage(Table::constant(super::unknown(gaps.missing)));
        }
        let assumed: Vec<Op> = gaps
            .not_loaded
            .iter()
            .map(|gap| {
                Op::Assume(Text::from(format!(
                    "VPN gateway {id} carries what is routed to it: {gap}"
                )))
            })
            .collect();
        let mut rules = Vec::new();
        for candidate in candidates {
            self.vpn_rules(&candidate, at, &leave, &assumed, &mut rules);
        }
        let default = if assumed.is_empty() {
            Branch::drop(Reason::NoRoute, at).after(Op::Via(at))
        } else {
            leave.after_all(assumed)
        };
        stage(Table { rules, default })
    }

    /// On-premises; what comes back is delivered in the VPC, and else goes on by the routes of the
    /// gateway's vSwitch, so that a VPN can serve other VPCs over a transit router (access.md §5.5).
    fn leave_by_vpn(&mut self, vpc: &Id, id: &Id, at: ElementId) -> Branch {
        let gateway = self.topology.vpn_gateways.get(id);
        let vswitch = gateway.and_then(|g| g.vswitches.iter().flatten().next());
        let beyond = match vswitch {
            Some(vswitch) => Beyond::TableOf(vswitch.clone()),
            None => Beyond::SystemTable,
        };
        let back = self.enter_from(vpc, Kind::VpnGateway, id, beyond);
        self.leave(at, back)
    }

    fn vpn_gaps(&self, vpc: &Id, id: &Id) -> Gaps {
        let scope = self.around_vpc(vpc).with_parent(id);
        let mut gaps = Gaps::default();
        for listing in [Listing::VpnRoutes, Listing::VpnPbrRoutes] {
            let Some(gap) = self.topology.coverage.gap(listing, &scope) else { continue };
            let text = Text::from(gap.to_string());
            match gap.absence {
                Absence::NotLoaded => gaps.not_loaded.push(text),
                Absence::State(_) => gaps.missing.push(text),
            }
        }
        gaps
    }

    /// The routes of a gateway in match order: policy-based ones by priority, then destination
    /// routes by prefix length; an active one before its standby.
    fn vpn_candidates(&self, id: &Id, gaps: &mut Gaps) -> Vec<Candidate<'t>> {
        let mut found = Vec::new();
        for route in self.topology.vpn_routes.iter().filter(|r| r.owner.as_ref() == Some(id)) {
            let policy = route.route_type.as_deref() == Some("pbr") || route.route_source.is_some();
            let to = route.destination.as_ref().and_then(CidrValue::cidr);
            let from = route.route_source.as_ref().and_then(CidrValue::cidr);
            match (to, from) {
                (Some(to), Some(from)) => found.push(Candidate { route, to, from: Some(from) }),
                (Some(to), None) if !policy => found.push(Candidate { route, to, from: None }),
                _ => gaps.missing.push(Text::from(format!(
                    "blocks of VPN route {} (masked or not stated)",
                    route.id()
                ))),
            }
        }
        found.sort_by_key(|c| {
            let priority = c.route.priority.unwrap_or(DEFAULT_PRIORITY);
            let standby = std::cmp::Reverse(c.route.weight.unwrap_or(100));
            let longest = |cidr: &Cidr| std::cmp::Reverse(cidr.mask());
            (
                c.from.is_none(),
                c.from.map(|from| (priority, longest(&from))),
                longest(&c.to),
                c.to,
                standby,
                c.route.id().clone(),
            )
        });
        found
    }

    /// The rules of one route: what the connection carries leaves; the rest is dropped there. A
    /// connection that is down gives way to its standby.
    fn vpn_rules(
        &mut self,
        candidate: &Candidate<'t>,
        at: ElementId,
        leave: &Branch,
        assumed: &[Op],
        rules: &mut Vec<Rule>,
    ) {
        let route = candidate.route;
        let hop = route.next_hop.as_ref();
        let text = match (&candidate.from, hop) {
            (Some(from), Some(hop)) => format!("{from} to {} -> {hop}", candidate.to),
            (None, Some(hop)) => format!("{} -> {hop}", candidate.to),
            (_, None) => candidate.to.to_string(),
        };
        let element = self.element(route, text);
        let family = candidate.to.family();
        let to = AddrSet::from_cidrs(family, [&candidate.to]);
        let from = candidate.from.map(|from| AddrSet::from_cidrs(family, [&from]));
        let matches =
            |src: Option<AddrSet>, dst: AddrSet| Match { src, dst: Some(dst), ..Match::default() };
        let Some(hop) = hop else {
            let then =
                Branch::unknown(format!("next hop of VPN route {} (not stated)", route.id()));
            rules.push(Rule::new(matches(from, to), element, then));
            return;
        };
        let connection = self.device(Kind::VpnConnection, hop);
        let via = [Op::Via(at), Op::Via(element), Op::Via(connection)];
        let then = leave.clone().after_all(assumed.iter().cloned()).after_all(via.clone());
        match self.carries(hop) {
            Carries::All => rules.push(Rule::new(matches(from, to), element, then)),
            Carries::Between(local, remote) => {
                let src = from.as_ref().map_or(local.clone(), |from| from.intersect(&local));
                let protected = matches(Some(src), to.intersect(&remote));
                rules.push(Rule::new(protected, element, then));
                let outside = Branch::drop(Reason::BadNexthop, connection).after_all(via);
                rules.push(Rule::new(matches(from, to), element, outside));
            }
            Carries::Unknown(missing) => {
                rules.push(Rule::new(matches(from, to), element, Branch::unknown(missing)));
            }
            Carries::Nothing if self.has_standby(candidate) => {}
            Carries::Nothing => {
                let down = Branch::drop(Reason::DeadNexthop, connection).after_all(via);
                rules.push(Rule::new(matches(from, to), element, down));
            }
        }
    }

    /// True when another route for the same packets goes by a connection that is not down.
    fn has_standby(&self, candidate: &Candidate<'t>) -> bool {
        self.topology.vpn_routes.iter().any(|other| {
            other.id() != candidate.route.id()
                && other.owner == candidate.route.owner
                && other.destination.as_ref().and_then(CidrValue::cidr) == Some(candidate.to)
                && other.route_source.as_ref().and_then(CidrValue::cidr) == candidate.from
                && other
                    .next_hop
                    .as_ref()
                    .is_some_and(|hop| !matches!(self.carries(hop), Carries::Nothing))
        })
    }

    /// What a connection carries: with 0.0.0.0/0 on both sides everything, else protected flows
    /// (access.md §5.5).
    fn carries(&self, id: &Id) -> Carries {
        let Some(connection) = self.topology.vpn_connections.get(id) else {
            let gap = self
                .topology
                .coverage
                .gap(Listing::VpnConnections, &crate::topology::Scope::anywhere());
            return match gap {
                Some(gap) => Carries::Unknown(Text::from(format!("IPsec connection {id}: {gap}"))),
                None => Carries::Nothing,
            };
        };
        if connection.lifecycle() == Lifecycle::Dead {
            return Carries::Nothing;
        }
        match (subnets(&connection.local_subnets), subnets(&connection.remote_subnets)) {
            (Some(local), Some(remote)) if is_everything(&local) && is_everything(&remote) => {
                Carries::All
            }
            (Some(local), Some(remote)) => Carries::Between(local, remote),
            _ => Carries::Unknown(protected_missing(connection)),
        }
    }
}

fn protected_missing(connection: &VpnConnection) -> Text {
    Text::from(format!("protected blocks of {} (masked or not stated)", connection.id()))
}

fn subnets(stated: &Option<Vec<CidrValue>>) -> Option<AddrSet> {
    let known: Option<Vec<Cidr>> = stated.as_ref()?.iter().map(CidrValue::cidr).collect();
    Some(AddrSet::from_cidrs(Family::V4, &known?))
}

fn is_everything(set: &AddrSet) -> bool {
    set.complement().is_empty()
}
