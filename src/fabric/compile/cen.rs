//! Basic CEN: every attached network learns what the others publish; one table per region, no
//! associations (access.md §5.3).

use std::collections::BTreeMap;

use super::super::pipeline::{Branch, ElementId, Op, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table, block, by_prefix_length};
use super::onprem::{Beyond, blocks};
use super::{Compiler, Job};
use crate::addr::Cidr;
use crate::topology::{
    Cen, CenChild, CenRoute, CidrValue, Id, Kind, Listing, Resource, Scope, Text,
};

impl<'t> Compiler<'t> {
    /// A route into basic CEN. The entry names the CEN instance or its basic transit router, or
    /// leaves out which.
    pub(super) fn hop_to_cen(&mut self, vpc: &Id, hop: Option<&Id>, element: ElementId) -> Branch {
        match self.cen_of(vpc, hop) {
            Ok(cen) => {
                let job = Job::Cen { cen: cen.id().clone(), vpc: vpc.clone() };
                Branch::go(self.stage(job)).after(Op::Via(element))
            }
            Err(missing) => Branch::unknown(missing),
        }
    }

    fn cen_of(&self, vpc: &Id, hop: Option<&Id>) -> Result<&'t Cen, Text> {
        let topology = self.topology;
        let by_router = |id: &Id| topology.transit_routers.get(id)?.cen.as_ref();
        let named =
            hop.and_then(|id| topology.cens.get(id).or_else(|| topology.cens.get(by_router(id)?)));
        if let Some(cen) = named {
            return Ok(cen);
        }
        let lists = |cen: &&Cen| cen.children.iter().flatten().any(|child| child.id == *vpc);
        let mut listing = topology.cens.iter().filter(lists);
        match (hop, listing.next(), listing.next()) {
            (None, Some(only), None) => Ok(only),
            (Some(id), _, _) => Err(Text::from(format!("CEN instance {id} (not in the input)"))),
            (None, _, _) => Err(Text::from(format!("CEN instance of {vpc} (not stated)"))),
        }
    }

    pub(super) fn cen_stage(&mut self, id: &Id, vpc: &Id) -> Stage {
        let at = self.device(Kind::Cen, id);
        let region = self.topology.vpcs.get(vpc).and_then(|v| v.meta.region.clone());
        let topology = self.topology;
        let routes: Vec<&CenRoute> = topology
            .cen_routes
            .iter()
            .filter(|route| route.cen.as_ref() == Some(id))
            .filter(|route| match (&region, &route.in_region) {
                (Some(near), Some(seen)) => *near.as_str() == **seen,
                _ => true,
            })
            .collect();
        let scope = Scope { region, ..Scope::of_parent(id) };
        let gap = topology.coverage.gap(Listing::CenRoutes, &scope).map(|gap| gap.to_string());
        let table = match (routes.is_empty(), gap) {
            // a route that is not in the input could be longer than any other
            (false, Some(gap)) => Table::constant(Branch::unknown(gap)),
            (false, None) => self.exported_routes(id, vpc, &routes, at),
            (true, gap) => self.exchanged_routes(id, vpc, gap, at),
        };
        Stage::new("route", at, table)
    }

    /// The table of the region as exported; only active entries forward.
    fn exported_routes(
        &mut self,
        cen: &Id,
        vpc: &Id,
        routes: &[&'t CenRoute],
        at: ElementId,
    ) -> Table {
        let mut prefixes = Vec::new();
        for route in routes.iter().filter(|route| is_active(route)) {
            match route.destination.as_ref().and_then(CidrValue::cidr) {
                Some(cidr) => prefixes.push((cidr, 0, *route)),
                None => {
                    let missing = format!("destination of {} (masked or not stated)", route.id());
                    return Table::constant(Branch::unknown(missing));
                }
            }
        }
        let mut rules = Vec::new();
        for (cidr, route) in by_prefix_length(prefixes) {
            let hop = route.next_hop.as_ref().map_or("", |id| id.as_str());
            let kind = route.next_hop_type.as_deref().unwrap_or_default();
            let element = self.element(route, format!("{cidr} -> {kind} {hop}"));
            let then = match &route.next_hop {
                Some(network) => {
                    let kind =
                        route.next_hop_type.clone().or_else(|| self.child_type(cen, network));
                    self.enter_network(cen, vpc, network, kind.as_deref())
                }
                None => Branch::unknown(format!("next hop of {} (not stated)", route.id())),
            };
            rules.push(Rule::new(Match::to(block(cidr)), element, then.after(Op::Via(element))));
        }
        Table { rules, default: Branch::drop(Reason::NoRoute, at).after(Op::Via(at)) }
    }

    fn child_type(&self, cen: &Id, network: &Id) -> Option<Text> {
        let children = self.topology.cens.get(cen)?.children.as_ref()?;
        children.iter().find(|child| child.id == *network)?.child_type.clone()
    }

    /// Into an attached network. A VPC delivers to its vSwitches; what else it publishes follows its
    /// main table, the only one that learns and publishes (access.md §5.3).
    fn enter_network(&mut self, cen: &Id, near: &Id, network: &Id, kind: Option<&str>) -> Branch {
        let at = self.device(Kind::Cen, cen);
        let is_vpc = kind.is_some_and(|word| word.eq_ignore_ascii_case("VPC"));
        if is_vpc && self.topology.vpcs.get(network).is_some() {
            let job = Job::Inside {
                vpc: network.clone(),
                kind: Kind::Cen,
                device: cen.clone(),
                beyond: Beyond::SystemTable,
            };
            return Branch::go(self.stage(job)).after_all([
                Op::Via(at),
                Op::Identity(super::super::Identity::None),
                Op::Sender(None),
            ]);
        }
        if kind.is_none() && self.topology.border_routers.get(network).is_none() {
            return Branch::unknown(format!("what {network} in {cen} is (not stated)"));
        }
        // what comes back is delivered by the main table of the near VPC
        let back = self.enter_from(near, Kind::Cen, cen, Beyond::SystemTable);
        let target = self.device(if is_vpc { Kind::Vpc } else { Kind::BorderRouter }, network);
        self.leave(target, back).after(Op::Via(at))
    }

    /// Without the table: all attached VPCs publish their vSwitches to each other (access.md §5.3).
    fn exchanged_routes(&mut self, id: &Id, vpc: &Id, gap: Option<String>, at: ElementId) -> Table {
        let topology = self.topology;
        let table = |missing: Text| Table::constant(Branch::unknown(missing));
        let Some(cen) = topology.cens.get(id) else {
            return table(Text::from(format!("CEN instance {id} (not in the input)")));
        };
        let Some(children) = &cen.children else {
            let gap = topology.coverage.gap(Listing::CenChildren, &Scope::of_parent(id));
            let missing = gap.map_or_else(
                || format!("networks attached to {id} (not stated)"),
                |gap| gap.to_string(),
            );
            return table(Text::from(missing));
        };
        let attached: Vec<&CenChild> = children.iter().filter(|child| is_attached(child)).collect();
        if !attached.iter().any(|child| child.id == *vpc) {
            return Table::constant(Branch::drop(Reason::BadNexthop, at).after(Op::Via(at)));
        }
        let assumed = gap.as_ref().map(|gap| {
            Op::Assume(Text::from(format!(
                "CEN {id} exchanges the vSwitch routes of its networks: {gap}"
            )))
        });
        let mut missing: Vec<Text> = gap.into_iter().map(Text::from).collect();
        let mut published: BTreeMap<Cidr, Vec<&CenChild>> = BTreeMap::new();
        for child in attached.into_iter().filter(|child| child.id != *vpc) {
            let is_vpc = child.child_type.as_deref().is_none_or(|t| t.eq_ignore_ascii_case("VPC"));
            if !is_vpc || topology.vpcs.get(&child.id).is_none() {
                missing.push(Text::from(format!("routes that {} publishes in {id}", child.id)));
                continue;
            }
            let vswitches = topology.vswitches.iter().filter(|v| v.vpc.as_ref() == Some(&child.id));
            for cidr in vswitches.flat_map(blocks) {
                published.entry(cidr).or_default().push(child);
            }
            missing.extend(self.vswitch_gap(&child.id));
        }
        let mut rules = Vec::new();
        for (cidr, holders) in
            by_prefix_length(published.iter().map(|(cidr, holders)| (*cidr, 0, holders)).collect())
        {
            let then = match self.exchange_doubt(cen, cidr, holders, &published) {
                Some(doubt) => Branch::unknown(doubt),
                None => match holders.first() {
                    Some(child) => self
                        .enter_network(id, vpc, &child.id, Some("VPC"))
                        .after_all(assumed.iter().cloned()),
                    None => continue,
                },
            };
            rules.push(Rule::new(Match::to(block(cidr)), at, then));
        }
        let default = if missing.is_empty() {
            Branch::drop(Reason::NoRoute, at).after(Op::Via(at))
        } else {
            super::unknown(missing)
        };
        Table { rules, default }
    }

    fn vswitch_gap(&self, vpc: &Id) -> Option<Text> {
        let scope = self.around_vpc(vpc).with_parent(vpc);
        let gap = self.topology.coverage.gap(Listing::VSwitches, &scope)?;
        Some(Text::from(gap.to_string()))
    }

    /// Why it is not clear who gets a published block: identical ones conflict, and with the old
    /// protection level also those that contain each other; route maps may have filtered it.
    fn exchange_doubt(
        &self,
        cen: &Cen,
        cidr: Cidr,
        holders: &[&CenChild],
        published: &BTreeMap<Cidr, Vec<&CenChild>>,
    ) -> Option<Text> {
        if holders.len() > 1 {
            return Some(Text::from(format!(
                "which of the networks that publish {cidr} in {} has it (conflict)",
                cen.id()
            )));
        }
        let full = cen.protection_level.as_deref().is_some_and(|l| l.eq_ignore_ascii_case("FULL"));
        let contained = |other: &Cidr| *other != cidr && other.overlaps(&cidr);
        if full && let Some(other) = published.keys().find(|other| contained(other)) {
            return Some(Text::from(format!(
                "whether {} accepts both {cidr} and {other} (protection level FULL)",
                cen.id()
            )));
        }
        let map = self.topology.cen_route_maps.iter().find(|map| {
            map.cen.as_ref() == Some(cen.id())
                && map.result.as_deref().is_none_or(|word| word.eq_ignore_ascii_case("Deny"))
                && map.destinations.as_ref().is_none_or(|list| {
                    list.is_empty()
                        || list.iter().any(|d| d.cidr().is_none_or(|d| d.overlaps(&cidr)))
                })
        })?;
        Some(Text::from(format!("what route map {} leaves of {cidr}", map.id())))
    }
}

/// `Active` entries forward; `Candidate`, `Rejected` and `Prohibited` ones do not (access.md §5.3).
fn is_active(route: &CenRoute) -> bool {
    let status = route.route_status.as_deref().or(route.meta.status.as_deref());
    status.is_none_or(|word| word.eq_ignore_ascii_case("Active"))
}

fn is_attached(child: &CenChild) -> bool {
    child.status.as_deref().is_none_or(|word| !word.eq_ignore_ascii_case("Detaching"))
}
