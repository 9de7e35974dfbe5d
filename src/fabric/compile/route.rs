//! VPC route tables and next hops (egress.md §2, §10 rules 2 and 5).

use super::super::Identity;
use super::super::assume::{DeadNexthop, InternetMode, SynthesizeNatRoute};
use super::super::pipeline::{Branch, ElementId, End, Op, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table, block, by_prefix_length};
use super::{Compiler, Job};
use crate::addr::{Cidr, special};
use crate::topology::{
    CidrValue, Id, Kind, Lifecycle, Listing, NatGateway, NextHop, NextHopType, Resource,
    RouteDestination, RouteEntry, RouteOrigin, RouteTableType, Scope, Text,
};

/// Rank of an origin among equal prefixes: custom, dynamic, system (decisions.md 27).
fn rank(origin: Option<&RouteOrigin>) -> u8 {
    match origin {
        Some(RouteOrigin::Dynamic) => 1,
        Some(RouteOrigin::System) => 2,
        Some(RouteOrigin::Custom | RouteOrigin::Other(_)) | None => 0,
    }
}

/// A route of a table, ready for sorting.
struct Route<'t> {
    cidr: Cidr,
    entry: Option<&'t RouteEntry>,
    /// The vSwitch, for local routes that the input does not spell out.
    local: Option<&'t crate::topology::VSwitch>,
    /// The NAT gateway to which the cloud adds a default route that the input does not spell out.
    nat: Option<&'t NatGateway>,
}

/// A route with its block and the hops that are in use.
type Best<'t> = (Cidr, &'t RouteEntry, Vec<NextHop>);

/// What is not known of a table.
#[derive(Default)]
struct Gaps {
    /// Without it nothing can be said of packets that no route matches.
    unrouted: Option<Text>,
    /// Without it nothing can be said.
    missing: Vec<Text>,
    /// What is said rests on it.
    assumed: Vec<Text>,
}

impl<'t> Compiler<'t> {
    /// The table of a vSwitch: stated by it, stated by the table, or the VPC's system table
    /// (formats-api.md §4.1).
    pub(super) fn table_of(&self, vpc: &Id, vswitch: &Id) -> Result<Id, Text> {
        let topology = self.topology;
        let found = topology
            .vswitches
            .get(vswitch)
            .ok_or_else(|| Text::from(format!("vSwitch {vswitch} (not in the input)")))?;
        if let Some(table) = &found.route_table {
            return Ok(table.clone());
        }
        let of_vpc = || topology.route_tables.iter().filter(|t| t.vpc.as_ref() == Some(vpc));
        if let Some(table) = of_vpc().find(|t| t.vswitches.iter().flatten().any(|v| v == vswitch)) {
            return Ok(table.id().clone());
        }
        if let Some(gap) = topology.coverage.gap(Listing::RouteTables, &Scope::around(&found.meta))
        {
            return Err(Text::from(gap.to_string()));
        }
        of_vpc()
            .find(|t| t.table_type == Some(RouteTableType::System))
            .map(|t| t.id().clone())
            .ok_or_else(|| Text::from(format!("route table of {vswitch} (not stated)")))
    }

    /// Goes on at the routes of a vSwitch.
    pub(super) fn routes_of_vswitch(&mut self, vpc: &Id, vswitch: &Id) -> Branch {
        match self.table_of(vpc, vswitch) {
            Ok(table) => Branch::go(self.stage(Job::Route { vpc: vpc.clone(), table })),
            Err(missing) => Branch::unknown(missing),
        }
    }

    pub(super) fn route_stage(&mut self, vpc: &Id, table: &Id) -> Stage {
        let at = self.referred_or_named(Kind::RouteTable, table);
        let mut gaps =
            Gaps { missing: self.route_gap(table).into_iter().collect(), ..Gaps::default() };
        let mut rules = Vec::new();
        let mut unbeatable = Vec::new();
        let mut skipped: Vec<Op> = Vec::new();
        for (cidr, route) in self.sorted_routes(vpc, table, &mut gaps) {
            let element = match (route.entry, route.local) {
                (Some(entry), _) => self.element(entry, route_text(cidr, entry)),
                (None, Some(vswitch)) => self.named(vswitch),
                (None, None) => route.nat.map_or(at, |nat| self.named(nat)),
            };
            if let Some(then) = self.route_branch(vpc, &route, element) {
                let then = then.after_all(gaps.assumed.iter().cloned().map(Op::Assume));
                let rule = Rule::new(Match::to(block(cidr)), element, then);
                if self.is_unbeatable(vpc, table, &route, &rule) {
                    unbeatable.push(rule.clone());
                }
                rules.push(rule);
            } else {
                let text = format!("dead_nexthop = skip ({})", self.element_id(element));
                skipped.push(Op::Assume(Text::from(text)));
            }
        }
        for rule in &mut rules {
            rule.then = rule.then.clone().after_all(skipped.iter().cloned());
        }
        let private = self.private_mode(vpc, at);
        if !gaps.missing.is_empty() {
            // a route that is not in the input could be longer than any other
            let mut rules = unbeatable;
            rules.splice(0..0, private);
            let default = super::unknown(gaps.missing);
            return Stage::new("route", at, Table { rules, default });
        }
        rules.splice(0..0, private);
        let unrouted = match gaps.unrouted {
            Some(missing) => Branch::unknown(missing),
            None => Branch::drop(Reason::NoRoute, at),
        };
        let default = unrouted.after(Op::Via(at)).after_all(skipped);
        Stage::new("route", at, Table { rules, default })
    }

    /// True for delivery into a vSwitch: no route may be longer, and only an entry of a custom table
    /// may take its place (egress.md §2.2).
    fn is_unbeatable(&self, vpc: &Id, table: &Id, route: &Route<'_>, rule: &Rule) -> bool {
        let topology = self.topology;
        let is_vswitch = |cidr: Cidr| {
            topology
                .vswitches
                .iter()
                .filter(|v| v.vpc.as_ref() == Some(vpc))
                .any(|v| v.cidr.iter().chain(&v.ipv6_cidr).any(|c| c.cidr() == Some(cidr)))
        };
        let stated = route.entry.is_some()
            || topology.route_tables.get(table).and_then(|t| t.table_type.as_ref())
                == Some(&RouteTableType::System);
        let local = matches!(rule.then.end, End::Deliver(_) | End::Arrive { .. });
        stated && local && is_vswitch(route.cidr)
    }

    /// In PRIVATE mode public destinations are cut off before any route is looked at
    /// (decisions.md 41), also for packets that arrive from another VPC.
    fn private_mode(&self, vpc: &Id, at: ElementId) -> Option<Rule> {
        let space = self.spaces.get(vpc).filter(|s| s.mode == InternetMode::Private)?;
        let then = Branch::drop(Reason::VpcPrivateMode, at);
        Some(Rule::new(Match::to(space.public_v4.clone()), at, then))
    }

    /// What is missing to know all entries of a table.
    pub(super) fn route_gap(&self, table: &Id) -> Option<Text> {
        let region = self.topology.route_tables.get(table).map(|t| &t.meta);
        let scope = region.map(Scope::around).unwrap_or_default().with_parent(table);
        self.topology.coverage.gap(Listing::RouteEntries, &scope).map(|g| Text::from(g.to_string()))
    }

    /// Effective routes of a table in match order; what cannot be read goes to `gaps`.
    fn sorted_routes(&self, vpc: &Id, table: &Id, gaps: &mut Gaps) -> Vec<(Cidr, Route<'t>)> {
        let topology = self.topology;
        let locals: Vec<_> = topology
            .vswitches
            .iter()
            .filter(|v| v.vpc.as_ref() == Some(vpc))
            .flat_map(|v| {
                v.cidr.iter().chain(&v.ipv6_cidr).filter_map(CidrValue::cidr).map(move |c| (c, v))
            })
            .collect();
        let entries = self.entries_of.get(table.as_str()).map_or(&[][..], Vec::as_slice);
        let mut routes = Vec::new();
        for entry in entries.iter().filter(|entry| is_active(entry)) {
            for cidr in self.destinations(entry, gaps) {
                let dynamic = entry.origin == Some(RouteOrigin::Dynamic);
                let inside = |c: &Cidr| c.contains_block(&cidr);
                // dynamic routes never undercut a system route (egress.md §2.2 table)
                if dynamic
                    && (inside(&special::shared_address_space())
                        || locals.iter().any(|(local, _)| inside(local)))
                {
                    continue;
                }
                let rank = rank(entry.origin.as_ref());
                routes.push((
                    cidr,
                    rank,
                    Route { cidr, entry: Some(*entry), local: None, nat: None },
                ));
            }
        }
        let has_system = entries.iter().any(|e| e.origin == Some(RouteOrigin::System));
        if !has_system {
            // inputs such as plans list only what the customer made (egress.md §10 2.1)
            routes.extend(
                locals.iter().map(|(c, v)| {
                    (*c, 2, Route { cidr: *c, entry: None, local: Some(v), nat: None })
                }),
            );
            let service = special::shared_address_space();
            routes.push((service, 2, Route { cidr: service, entry: None, local: None, nat: None }));
        }
        if let Some(nat) = self.default_route_to_nat(vpc, table, &routes, has_system, gaps) {
            let cidr = Cidr::everything_v4();
            routes.push((cidr, 2, Route { cidr, entry: None, local: None, nat: Some(nat) }));
        }
        by_prefix_length(routes)
    }

    /// The first Internet NAT gateway of a VPC gets a default route in the system table when that has
    /// none; plans do not spell it out (egress.md §4.4, §8 C6).
    fn default_route_to_nat(
        &self,
        vpc: &Id,
        table: &Id,
        routes: &[(Cidr, u8, Route<'t>)],
        has_system: bool,
        gaps: &mut Gaps,
    ) -> Option<&'t NatGateway> {
        let wanted = match self.assume.synthesize_nat_default_route {
            SynthesizeNatRoute::Plans => !has_system,
            SynthesizeNatRoute::Never => false,
            SynthesizeNatRoute::Always => true,
        };
        let is_system = self.topology.route_tables.get(table).and_then(|t| t.table_type.as_ref())
            == Some(&RouteTableType::System);
        let entries = self.entries_of.get(table.as_str()).map_or(&[][..], Vec::as_slice);
        let taken = routes.iter().any(|(cidr, _, _)| *cidr == Cidr::everything_v4())
            || entries.iter().any(|entry| entry.cidr() == Some(Cidr::everything_v4()));
        if !wanted || !is_system || taken {
            return None;
        }
        let scope = self.topology.vpcs.get(vpc).map(|v| Scope::around(&v.meta)).unwrap_or_default();
        if let Some(gap) = self.topology.coverage.gap(Listing::NatGateways, &scope) {
            // which one is the first, if there is one, is not known
            gaps.unrouted = Some(Text::from(gap.to_string()));
            return None;
        }
        let mut nats: Vec<&NatGateway> = self
            .topology
            .nat_gateways
            .iter()
            .filter(|nat| nat.vpc.as_ref() == Some(vpc) && !super::super::nat::is_vpc_nat(nat))
            .collect();
        nats.sort_by(|a, b| (&a.created, a.id()).cmp(&(&b.created, b.id())));
        let known = nats.len() < 2
            || nats.first().is_some_and(|first| {
                let day = first.created.as_ref();
                day.is_some() && nats.iter().skip(1).all(|nat| nat.created.as_ref() > day)
            });
        if !known {
            let missing = format!("which NAT gateway of {vpc} is the first (creation not stated)");
            gaps.unrouted = Some(Text::from(missing));
            return None;
        }
        nats.first().copied()
    }

    /// Destination blocks of an entry; a prefix list stands for its entries (egress.md §2.2).
    fn destinations(&self, entry: &RouteEntry, gaps: &mut Gaps) -> Vec<Cidr> {
        match &entry.destination {
            Some(RouteDestination::Cidr(value)) => match value.cidr() {
                Some(cidr) => vec![cidr],
                None => {
                    gaps.missing
                        .push(Text::from(format!("destination of {} (masked)", entry.id())));
                    Vec::new()
                }
            },
            Some(RouteDestination::PrefixList(id)) => {
                let list = self.topology.prefix_lists.get(id).and_then(|l| l.entries.as_ref());
                match list {
                    Some(entries) if entries.iter().all(|e| e.cidr().is_some()) => {
                        entries.iter().filter_map(CidrValue::cidr).collect()
                    }
                    _ => {
                        let only_services = entry.next_hops.iter().flatten().all(|hop| {
                            matches!(
                                hop.hop_type,
                                NextHopType::GatewayEndpoint | NextHopType::Service
                            )
                        });
                        if only_services {
                            // the cloud's own lists are not exported; their few blocks go to a
                            // service of the cloud and not to the Internet
                            gaps.assumed.push(Text::from(format!(
                                "destinations in prefix list {id} are not told apart (its entries are not in the input)"
                            )));
                        } else {
                            gaps.missing.push(Text::from(format!(
                                "entries of prefix list {id} (not in the input)"
                            )));
                        }
                        Vec::new()
                    }
                }
            }
            None => {
                gaps.missing
                    .push(Text::from(format!("destination of {} (not stated)", entry.id())));
                Vec::new()
            }
        }
    }

    /// What a route does; `None` when a knob passes it over.
    fn route_branch(&mut self, vpc: &Id, route: &Route<'_>, element: ElementId) -> Option<Branch> {
        if let Some(nat) = route.nat {
            let value = self.assume.synthesize_nat_default_route.name();
            let id = nat.id();
            let assumed = format!("synthesize_nat_default_route = {value} ({id} in {vpc})");
            let on = self.hop_to_nat(vpc, id, element)?;
            return Some(on.after(Op::Assume(Text::from(assumed))));
        }
        let Some(entry) = route.entry else {
            let end = match route.local {
                Some(_) => End::Arrive { segment: element, network: self.network(vpc) },
                None => End::Deliver(element),
            };
            return Some(Branch::new(end));
        };
        let hops = usable_hops(entry.next_hops.as_deref().unwrap_or_default());
        if entry.next_hops.as_ref().is_none_or(Vec::is_empty) {
            return Some(Branch::unknown(format!("next hop of {} (not stated)", entry.id())));
        }
        if hops.is_empty() {
            return self.dead(element);
        }
        let branches: Vec<Branch> =
            hops.iter().filter_map(|hop| self.hop_branch(vpc, hop, route.cidr, element)).collect();
        Branch::fork(branches)
    }

    /// A next hop that is gone (egress.md §8 U1).
    pub(super) fn dead(&self, element: ElementId) -> Option<Branch> {
        match self.assume.dead_nexthop {
            DeadNexthop::Blackhole => {
                // that the entry stays and swallows packets is nowhere documented
                let route = self.element_id(element);
                let assumed = Text::from(format!("dead_nexthop = blackhole ({route})"));
                let dropped = Branch::drop(Reason::DeadNexthop, element);
                Some(dropped.after(Op::Assume(assumed)).after(Op::Via(element)))
            }
            DeadNexthop::Skip => None,
        }
    }

    /// What one next hop does; `None` when a knob passes the route over.
    pub(super) fn hop_branch(
        &mut self,
        vpc: &Id,
        hop: &NextHop,
        cidr: Cidr,
        element: ElementId,
    ) -> Option<Branch> {
        let bad = |element| Some(Branch::drop(Reason::BadNexthop, element).after(Op::Via(element)));
        let id = hop.id.clone().unwrap_or_else(|| Id::from("unnamed"));
        match &hop.hop_type {
            NextHopType::Local => Some(self.local(vpc, cidr, element)),
            NextHopType::Service | NextHopType::GatewayEndpoint => {
                Some(Branch::new(End::Deliver(element)))
            }
            NextHopType::Ipv4Gateway => {
                Some(Branch::go(self.stage(Job::Ipv4Gateway { vpc: vpc.clone() })))
            }
            NextHopType::Ipv6Gateway => match cidr.family() {
                crate::addr::Family::V4 => bad(element),
                crate::addr::Family::V6 => Some(self.exit(element, Reason::Ipv6NoBandwidth)),
            },
            NextHopType::NatGateway => self.hop_to_nat(vpc, &id, element),
            NextHopType::Instance | NextHopType::NetworkInterface | NextHopType::HaVip => {
                self.hop_to_forwarder(vpc, &hop.hop_type, &id, element)
            }
            NextHopType::Attachment => self.hop_to_transit(vpc, &id, element),
            NextHopType::CenBasic => Some(self.hop_to_cen(vpc, hop.id.as_ref(), element)),
            NextHopType::VpcPeer => self.hop_to_peer(vpc, &id, element),
            NextHopType::VpnGateway => self.hop_to_vpn(vpc, &id, element),
            NextHopType::RouterInterface => self.hop_to_interface(vpc, &id, element),
            NextHopType::Ecr => Some(Branch::go(self.stage(Job::Ecr { vpc: vpc.clone(), id }))),
            NextHopType::GatewayLoadBalancerEndpoint => Some(self.hop_to_inspection(vpc, &id)),
            NextHopType::RouteTargetGroup => Some(self.hop_to_target_group(vpc, &id)),
            NextHopType::Other(word) => {
                Some(Branch::unknown(format!("next hop type `{word}` (not modelled)")))
            }
        }
    }

    /// Delivery to the vSwitch that has the block.
    fn local(&mut self, vpc: &Id, cidr: Cidr, element: ElementId) -> Branch {
        let vswitch = self.topology.vswitches.iter().find(|v| {
            v.vpc.as_ref() == Some(vpc)
                && v.cidr.iter().chain(&v.ipv6_cidr).any(|c| c.cidr() == Some(cidr))
        });
        let target = match vswitch {
            Some(vswitch) => self.named(vswitch),
            None => element,
        };
        Branch::new(End::Arrive { segment: target, network: self.network(vpc) })
    }

    /// A GWLB endpoint: the packet comes back in the endpoint's vSwitch (egress.md §10 rule 5).
    fn hop_to_inspection(&mut self, vpc: &Id, endpoint: &Id) -> Branch {
        let zones = self.topology.endpoints.get(endpoint).and_then(|e| e.zones.as_ref());
        let vswitches: Vec<Id> =
            zones.into_iter().flatten().filter_map(|z| z.vswitch.clone()).collect();
        let branches =
            vswitches.iter().map(|vswitch| self.routes_of_vswitch(vpc, vswitch)).collect();
        let note = Op::Note(Text::from(format!("inspected at {endpoint}")));
        match Branch::fork(branches) {
            Some(branch) => branch.after(note),
            None => Branch::unknown(format!("zones of endpoint {endpoint} (not in the input)")),
        }
    }

    /// The active member of a route target group (egress.md §2.2 item 5).
    fn hop_to_target_group(&mut self, vpc: &Id, group: &Id) -> Branch {
        let members = self.topology.route_target_groups.get(group).and_then(|g| g.members.as_ref());
        let active = members.and_then(|members| {
            members
                .iter()
                .filter(|m| m.enabled != Some(false))
                .max_by_key(|m| (m.weight.unwrap_or(0), std::cmp::Reverse(m.id.clone())))
        });
        match active.map(|member| member.id.clone()) {
            Some(endpoint) => self.hop_to_inspection(vpc, &endpoint),
            None => {
                Branch::unknown(format!("members of route target group {group} (not in the input)"))
            }
        }
    }

    /// The exit through the IPv4 gateway: one's own public address or nothing (egress.md §4.3).
    pub(super) fn ipv4_gateway_stage(&mut self, vpc: &Id) -> Stage {
        let gateway = self.topology.ipv4_gateways.iter().find(|g| g.vpc.as_ref() == Some(vpc));
        let at = match gateway {
            Some(gateway) => self.named(gateway),
            None => self.referred(Kind::Ipv4Gateway, vpc),
        };
        let via = Op::Via(at);
        let space = self.spaces.get(vpc);
        let central = space.is_some_and(|space| space.mode == InternetMode::Central);
        let table = match space {
            Some(space) if central => Table {
                rules: vec![Rule::new(
                    Match::to(space.public_v4.clone()),
                    at,
                    self.exit(at, Reason::NoPublicIpAtIpv4gw).after(via.clone()),
                )],
                default: Branch::drop(Reason::PrivateDstAtInternetGw, at).after(via),
            },
            _ => Table::constant(Branch::drop(Reason::Ipv4gwInactive, at).after(via)),
        };
        Stage::new("gateway", at, table)
    }

    /// Leads a packet into a vSwitch's routes as traffic of others: without identity of its own, and
    /// sent by no ENI that we see.
    pub(super) fn transit_into(&mut self, vpc: &Id, vswitch: &Id) -> Branch {
        self.routes_of_vswitch(vpc, vswitch)
            .after_all([Op::Identity(Identity::None), Op::Sender(None)])
    }

    /// Routes of a vSwitch's table as prefixes with their hops, for checks that read another field
    /// than the destination; `Err` when the table is not known.
    pub(super) fn hops_of_vswitch(
        &mut self,
        vpc: &Id,
        vswitch: &Id,
    ) -> Result<Vec<(Cidr, Vec<NextHop>)>, Text> {
        let routes = self.routes_with_hops(vpc, vswitch)?;
        Ok(routes.into_iter().map(|(cidr, hops, _)| (cidr, hops)).collect())
    }

    /// The same with the elements of the routes.
    pub(super) fn routes_with_hops(
        &mut self,
        vpc: &Id,
        vswitch: &Id,
    ) -> Result<Vec<(Cidr, Vec<NextHop>, ElementId)>, Text> {
        let table = self.table_of(vpc, vswitch)?;
        let at = self.referred_or_named(Kind::RouteTable, &table);
        let mut gaps =
            Gaps { missing: self.route_gap(&table).into_iter().collect(), ..Gaps::default() };
        let routes = self.sorted_routes(vpc, &table, &mut gaps);
        if let Some(gap) = gaps.missing.into_iter().next().or(gaps.unrouted) {
            return Err(gap);
        }
        let mut out = Vec::with_capacity(routes.len());
        for (cidr, route) in routes {
            let element = route.entry.map_or(at, |entry| self.route_element(cidr, entry));
            out.push((cidr, route.hops(), element));
        }
        Ok(out)
    }

    /// The entry of a gateway route table that takes packets to an address, with its hops.
    pub(super) fn gateway_route(
        &self,
        vpc: &Id,
        table: &Id,
        address: std::net::IpAddr,
    ) -> Result<Option<Best<'t>>, Text> {
        let found = self.topology.route_tables.get(table).map(|t| &t.meta);
        let scope = found.map(Scope::around).unwrap_or_default().with_parent(table);
        let gap = |listing| self.topology.coverage.gap(listing, &scope);
        let mut gaps = Gaps::default();
        if let (Some(gap), Some(_)) =
            (gap(Listing::GatewayRouteEntries), gap(Listing::RouteEntries))
        {
            gaps.missing.push(Text::from(gap.to_string()));
        }
        let routes = self.sorted_routes(vpc, table, &mut gaps);
        if let Some(gap) = gaps.missing.into_iter().next().or(gaps.unrouted) {
            return Err(gap);
        }
        let route = routes.into_iter().find(|(cidr, _)| cidr.contains(address));
        Ok(route.and_then(|(cidr, route)| Some((cidr, route.entry?, route.hops()))))
    }

    /// The element of an entry.
    pub(super) fn route_element(&mut self, cidr: Cidr, entry: &RouteEntry) -> ElementId {
        self.element(entry, route_text(cidr, entry))
    }
}

impl Route<'_> {
    /// Hops in use.
    fn hops(&self) -> Vec<NextHop> {
        if let Some(nat) = self.nat {
            let id = Some(nat.id().clone());
            return vec![NextHop {
                hop_type: NextHopType::NatGateway,
                id,
                weight: None,
                enabled: None,
            }];
        }
        let hops = self.entry.and_then(|e| e.next_hops.as_deref()).unwrap_or_default();
        usable_hops(hops).into_iter().cloned().collect()
    }
}

/// Status Available or Modifying, or none stated (egress.md §2.2 item 10).
fn is_active(entry: &RouteEntry) -> bool {
    match entry.lifecycle() {
        Lifecycle::Usable | Lifecycle::Unstated => true,
        Lifecycle::Transitional => {
            entry.meta.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("modifying"))
        }
        Lifecycle::Dead | Lifecycle::Unrecognised => false,
    }
}

/// Hops in use: not taken out, and of an active/standby pair the active one (egress.md §10 2.3).
fn usable_hops(hops: &[NextHop]) -> Vec<&NextHop> {
    let enabled: Vec<&NextHop> = hops.iter().filter(|hop| hop.enabled != Some(false)).collect();
    let has = |weight| enabled.iter().any(|hop| hop.weight == Some(weight));
    if has(100) && has(0) {
        return enabled.into_iter().filter(|hop| hop.weight == Some(100)).collect();
    }
    enabled
}

fn route_text(cidr: Cidr, entry: &RouteEntry) -> Text {
    let hops: Vec<String> = entry
        .next_hops
        .iter()
        .flatten()
        .map(|hop| match &hop.id {
            Some(id) => format!("{} {id}", hop.hop_type),
            None => hop.hop_type.to_string(),
        })
        .collect();
    Text::from(format!("{cidr} -> {}", hops.join(", ")))
}
