//! PrivateLink: from the ENI of an endpoint to the load balancer behind its service
//! (access.md §4).

use std::sync::Arc;

use super::super::Identity;
use super::super::assume::PlClbSource;
use super::super::pipeline::{Back, Branch, ElementId, Op, Resume, Stage, StageId, Turn};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table};
use super::balancer::{Door, Front, State};
use super::filter::{Filters, Groups, Next};
use super::server::system_sources;
use super::{Compiler, Job};
use crate::topology::{
    AddrValue, ConnectionStatus, Endpoint, EndpointConnection, EndpointService, EndpointType,
    EndpointZone, Id, Kind, Listing, LoadBalancer, LoadBalancerType, Resource, Scope,
    ServiceResource, Text,
};

/// A stage of a zone of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// Whether endpoint, connection and zone work.
    Gate,
    /// Whether the service works.
    Service,
    /// Which load balancer serves the zone.
    Resource,
    /// An endpoint that answers nothing.
    Closed,
}

impl<'t> Compiler<'t> {
    /// Adds the ENIs of all endpoints.
    pub(super) fn add_endpoints(&mut self) {
        for endpoint in &self.topology.endpoints {
            let Some(vpc) = self.vpc_of_endpoint(endpoint) else { continue };
            let Some(zones) = &endpoint.zones else {
                let scope = Scope::around(&endpoint.meta).with_parent(endpoint.id());
                let missing = match self.topology.coverage.gap(Listing::EndpointZones, &scope) {
                    Some(gap) => gap.to_string(),
                    None => format!("zones of {} (not stated)", endpoint.id()),
                };
                let network = self.network(&vpc);
                self.hosts.incomplete(network, Text::from(missing));
                continue;
            };
            for (n, zone) in zones.iter().enumerate() {
                self.add_endpoint_zone(endpoint, &vpc, n, zone);
            }
        }
    }

    fn vpc_of_endpoint(&self, endpoint: &Endpoint) -> Option<Id> {
        let zones = endpoint.zones.iter().flatten();
        let mut vswitches = zones.filter_map(|zone| zone.vswitch.as_ref());
        endpoint.vpc.clone().or_else(|| {
            vswitches.find_map(|vswitch| self.topology.vswitches.get(vswitch)?.vpc.clone())
        })
    }

    fn add_endpoint_zone(
        &mut self,
        endpoint: &'t Endpoint,
        vpc: &Id,
        n: usize,
        zone: &'t EndpointZone,
    ) {
        let of_eni = || {
            let eni = self.topology.enis.get(zone.eni.as_ref()?)?;
            eni.private_ips.as_ref()?.first().map(|ip| &ip.address)
        };
        let address: Option<&AddrValue> = zone.address.as_ref().or_else(of_eni);
        let inspects = endpoint.endpoint_type == Some(EndpointType::GatewayLoadBalancer);
        if address.is_none() && inspects {
            // a next hop of routes, nobody's address
            return;
        }
        let Some(address) = address else {
            let network = self.network(vpc);
            let missing = format!("address of {} in one of its zones (not stated)", endpoint.id());
            return self.hosts.incomplete(network, Text::from(missing));
        };
        let step = match endpoint.endpoint_type {
            None | Some(EndpointType::Interface) => Step::Gate,
            // a GWLB endpoint is a next hop of routes, and no target (access.md §4.6)
            _ => Step::Closed,
        };
        let first = Next::Stage(self.endpoint_step(endpoint.id(), n, step));
        let filters = Filters {
            vpc: Some(vpc.clone()),
            groups: self.groups_of_endpoint(endpoint),
            border: zone.vswitch.clone(),
            doubt: None,
        };
        let inbound = self.inbound(&filters, first).branch();
        let element = self.named(endpoint);
        self.add_host(vpc, zone.vswitch.as_ref(), address, element, inbound, None);
    }

    /// The endpoint's own groups test what comes in (access.md §1.6).
    fn groups_of_endpoint(&self, endpoint: &Endpoint) -> Groups {
        let scope = Scope::around(&endpoint.meta).with_parent(endpoint.id());
        match &endpoint.security_groups {
            Some(stated) => self.groups(endpoint, Some(stated)),
            None => match self.topology.coverage.gap(Listing::EndpointSecurityGroups, &scope) {
                Some(gap) => Groups::Unknown(Text::from(gap.to_string())),
                None => Groups::None,
            },
        }
    }

    fn endpoint_step(&mut self, endpoint: &Id, zone: usize, step: Step) -> StageId {
        self.stage(Job::Endpoint { endpoint: endpoint.clone(), zone, step })
    }

    pub(super) fn endpoint_stage(&mut self, id: &Id, n: usize, step: Step) -> Stage {
        let endpoint = self.topology.endpoints.get(id);
        let zone = endpoint.and_then(|e| e.zones.as_ref()?.get(n));
        let (Some(endpoint), Some(zone)) = (endpoint, zone) else {
            // the stage was asked for with what is there
            let at = self.referred(Kind::Endpoint, id);
            let default = Branch::unknown(format!("endpoint {id} (not in the input)"));
            return Stage::new("endpoint", at, Table::constant(default));
        };
        match step {
            Step::Gate => {
                let state = self.state_of_endpoint(endpoint, zone);
                let to = Branch::go(self.endpoint_step(id, n, Step::Service));
                self.gate("endpoint", endpoint, state, Reason::EndpointNotConnected, to)
            }
            Step::Service => self.service_stage(endpoint, n),
            Step::Resource => self.resource_stage(endpoint, n, zone),
            Step::Closed => {
                let at = self.named(endpoint);
                let then = match &endpoint.endpoint_type {
                    Some(EndpointType::GatewayLoadBalancer) => {
                        Branch::drop(Reason::EndpointProtocol, at).after(Op::Via(at))
                    }
                    other => {
                        let word = other.as_ref().map_or("?", EndpointType::as_str);
                        Branch::unknown(format!("endpoints of type `{word}` (not modelled)"))
                    }
                };
                Stage::new("endpoint", at, Table::constant(then))
            }
        }
    }

    fn connection(&self, endpoint: &Endpoint) -> Option<&'t EndpointConnection> {
        let of = |c: &&EndpointConnection| c.endpoint.as_ref() == Some(endpoint.id());
        self.topology.endpoint_connections.iter().find(of)
    }

    /// The zone as the service side lists it.
    fn connected_zone(&self, endpoint: &Endpoint, zone: &EndpointZone) -> Option<&'t EndpointZone> {
        let zones = self.connection(endpoint)?.zones.as_ref()?;
        zones.iter().find(|z| z.zone.is_some() && z.zone == zone.zone)
    }

    /// What must hold of endpoint, connection and zone (access.md §4.2, §4.6 step 3).
    fn state_of_endpoint(&self, endpoint: &Endpoint, zone: &EndpointZone) -> State {
        let mut state = State::default();
        let id = endpoint.id();
        let scope = Scope::around(&endpoint.meta);
        let gap = |listing, scope: &Scope| {
            self.topology.coverage.gap(listing, scope).map(|gap| format!(": {gap}"))
        };
        let mut doubt = |what: String, gap: Option<String>| {
            let text = format!("{what} of {id} (not stated){}", gap.unwrap_or_default());
            state.doubt.get_or_insert(Text::from(text));
        };
        let listed = gap(Listing::Endpoints, &scope);
        match endpoint.meta.status.as_deref() {
            Some(word) if works(word) => {}
            Some(word) => state.failed.push(format!("status {word}")),
            None if listed.is_none() => {}
            None => doubt("status".to_owned(), listed.clone()),
        }
        if endpoint.is_locked() {
            let word = endpoint.meta.business_status.as_deref().unwrap_or("locked");
            state.failed.push(format!("business status {word}"));
        }
        // of two sides that state it both must say so
        let there = self.connection(endpoint).and_then(|c| c.connection_status.as_ref());
        let mut stated = endpoint.connection_status.iter().chain(there).peekable();
        if stated.peek().is_none() {
            doubt("connection status".to_owned(), listed);
        }
        if let Some(other) = stated.find(|status| **status != ConnectionStatus::Connected) {
            state.failed.push(format!("connection {other}"));
        }
        let other = self.connected_zone(endpoint, zone).and_then(|zone| zone.status.as_ref());
        let name = zone.zone.as_deref().unwrap_or("of the address");
        match zone.status.as_ref().or(other) {
            Some(word) if word.eq_ignore_ascii_case("Connected") => {}
            Some(word) => state.failed.push(format!("zone {name} {word}")),
            None => doubt(
                format!("status of zone {name}"),
                gap(Listing::EndpointZones, &scope.with_parent(id)),
            ),
        }
        state
    }

    fn service_of(&self, endpoint: &Endpoint) -> Option<&'t EndpointService> {
        let services = &self.topology.endpoint_services;
        let by_name = || {
            let name = endpoint.service_name.as_ref()?;
            services.iter().find(|service| service.service_name.as_ref() == Some(name))
        };
        endpoint.service.as_ref().and_then(|id| services.get(id)).or_else(by_name)
    }

    fn service_stage(&mut self, endpoint: &'t Endpoint, n: usize) -> Stage {
        let to = Branch::go(self.endpoint_step(endpoint.id(), n, Step::Resource));
        let Some(service) = self.service_of(endpoint) else {
            let (name, at) = match &endpoint.service {
                Some(id) => (id.to_string(), self.referred(Kind::EndpointService, id)),
                None => ("?".to_owned(), self.named(endpoint)),
            };
            let gap = self
                .topology
                .coverage
                .gap(Listing::EndpointServices, &Scope::around(&endpoint.meta));
            let missing = match gap {
                Some(gap) => format!("endpoint service {name}: {gap}"),
                // it may belong to somebody else
                None => format!("endpoint service {name} (not in the input)"),
            };
            return Stage::new("endpoint_service", at, Table::constant(Branch::unknown(missing)));
        };
        let mut state = State::default();
        match service.meta.status.as_deref() {
            Some(word) if works(word) => {}
            Some(word) => state.failed.push(format!("status {word}")),
            None => {
                let scope = Scope::around(&service.meta);
                let gap = self.topology.coverage.gap(Listing::EndpointServices, &scope);
                let missing = gap
                    .map(|gap| format!("status of {} (not stated): {gap}", service.id()))
                    .or_else(|| {
                        // the consumer's view states no status
                        let foreign = service.consumer_view == Some(true);
                        foreign.then(|| format!("status of {} (not stated)", service.id()))
                    });
                state.doubt = missing.map(Text::from);
            }
        }
        if service.is_locked() {
            let word = service.meta.business_status.as_deref().unwrap_or("locked");
            state.failed.push(format!("business status {word}"));
        }
        let assumed = self.region_of(endpoint, service, &mut state);
        let mut stage =
            self.gate("endpoint_service", service, state, Reason::EndpointServiceInactive, to);
        for rule in &mut stage.table.rules {
            rule.then = rule.then.clone().after_all(assumed.clone().map(Op::Assume));
        }
        stage
    }

    /// Endpoint and service share a region, or the service supports the endpoint's
    /// (access.md §4.5 R1).
    fn region_of(
        &self,
        endpoint: &Endpoint,
        service: &EndpointService,
        state: &mut State,
    ) -> Option<Text> {
        let of_service = service.meta.region.as_deref().or(endpoint.service_region.as_deref())?;
        let region = endpoint.meta.region.as_deref()?;
        if region == of_service {
            return None;
        }
        match &service.supported_regions {
            Some(regions) if regions.iter().any(|r| **r == *region) => None,
            Some(_) => {
                state.failed.push(format!("region {region} is not supported"));
                None
            }
            None => {
                state.failed.push(format!("region {region} is not known to be supported"));
                let text =
                    format!("supported_regions = {of_service} ({}, not stated)", service.id());
                Some(Text::from(text))
            }
        }
    }

    /// The load balancer that serves the zone; there is no way over to another zone
    /// (access.md §4.5 R6).
    fn resource_stage(
        &mut self,
        endpoint: &'t Endpoint,
        n: usize,
        zone: &'t EndpointZone,
    ) -> Stage {
        let at = match self.service_of(endpoint) {
            Some(service) => self.named(service),
            None => self.named(endpoint),
        };
        let stage = |branch| Stage::new("endpoint_zone", at, Table::constant(branch));
        let allocated = zone
            .resource
            .clone()
            .or_else(|| self.connected_zone(endpoint, zone).and_then(|zone| zone.resource.clone()));
        let serving = match allocated {
            Some(id) => Ok(vec![id]),
            None => self.resources_in(endpoint, zone),
        };
        let serving = match serving {
            Ok(serving) => serving,
            Err(missing) => return stage(Branch::unknown(missing)),
        };
        let branches: Vec<Branch> =
            serving.iter().map(|id| self.towards_balancer(endpoint, n, zone, id)).collect();
        let several = branches.len() > 1;
        match Branch::fork(branches) {
            Some(branch) => {
                let note = Text::from(
                    "which of the service's load balancers serves the zone is not stated",
                );
                stage(branch.after_all(several.then_some(Op::Note(note))))
            }
            None => {
                let name = zone.zone.as_deref().unwrap_or("?");
                let service = self.service_of(endpoint);
                let zones: Vec<&str> =
                    service.iter().flat_map(|s| s.zones.iter().flatten()).map(|z| &**z).collect();
                let served = if zones.is_empty() { "none".to_owned() } else { zones.join(", ") };
                let text = format!("zone {name} of {}; zones served: {served}", endpoint.id());
                let of: &dyn Resource = match service {
                    Some(service) => service,
                    None => endpoint,
                };
                let element = self.remark(of.to_ref(), of.meta().source.clone(), text);
                let then = Branch::drop(Reason::EndpointZoneNotServed, at).after(Op::Via(at));
                let rule = Rule::new(Match::default(), element, then.clone());
                Stage::new("endpoint_zone", at, Table { rules: vec![rule], default: then })
            }
        }
    }

    /// Resources of the service that work in the zone: a CLB only in its primary one
    /// (access.md §4.5 R2).
    fn resources_in(&self, endpoint: &Endpoint, zone: &EndpointZone) -> Result<Vec<Id>, Text> {
        let Some(service) = self.service_of(endpoint) else {
            return Err(Text::from(format!("service of {} (not in the input)", endpoint.id())));
        };
        let Some(name) = &zone.zone else {
            return Err(Text::from(format!("zone of an ENI of {} (not stated)", endpoint.id())));
        };
        let Some(resources) = &service.resources else {
            let scope = Scope::around(&service.meta).with_parent(service.id());
            let gap = self.topology.coverage.gap(Listing::EndpointServiceResources, &scope);
            return Err(match gap {
                Some(gap) => Text::from(gap.to_string()),
                None => Text::from(format!("resources of {} (not stated)", service.id())),
            });
        };
        let mut out = Vec::new();
        for resource in resources {
            if self.works_in(resource, name)? && !out.contains(&resource.resource) {
                out.push(resource.resource.clone());
            }
        }
        Ok(out)
    }

    fn works_in(&self, resource: &ServiceResource, zone: &Text) -> Result<bool, Text> {
        let id = &resource.resource;
        let Some(lb) = self.topology.load_balancers.get(id) else {
            let missing = || format!("zone of load balancer {id} (not in the input)");
            return match &resource.zone {
                Some(stated) => Ok(stated == zone),
                None => Err(Text::from(missing())),
            };
        };
        let listed = resource.zone.as_ref().is_none_or(|stated| stated == zone);
        match lb.lb_type {
            Some(LoadBalancerType::Clb) => match &lb.master_zone {
                Some(primary) => Ok(primary == zone),
                None => Err(Text::from(format!("primary zone of {id} (not stated)"))),
            },
            _ => match &lb.zones {
                Some(zones) => Ok(listed && zones.iter().any(|z| z.zone == *zone)),
                None if resource.zone.is_some() => Ok(listed),
                None => Err(Text::from(format!("zones of {id} (not stated)"))),
            },
        }
    }

    /// From the endpoint to a load balancer, under one of that side's addresses. No route leads
    /// there, so that blocks of both networks may overlap (access.md §4.6).
    fn towards_balancer(
        &mut self,
        endpoint: &'t Endpoint,
        n: usize,
        zone: &'t EndpointZone,
        id: &Id,
    ) -> Branch {
        let Some(lb) = self.topology.load_balancers.get(id) else {
            let scope = Scope::around(&endpoint.meta);
            let service = self.service_of(endpoint);
            let listing = match service.and_then(|s| s.resource_type.as_deref()) {
                Some(word) if word.eq_ignore_ascii_case("alb") => Listing::AlbInstances,
                Some(word) if word.eq_ignore_ascii_case("nlb") => Listing::NlbInstances,
                _ => Listing::ClbInstances,
            };
            return Branch::unknown(match self.topology.coverage.gap(listing, &scope) {
                Some(gap) => format!("load balancer {id}: {gap}"),
                None => format!("load balancer {id} (not in the input)"),
            });
        };
        let index = lb.zones.iter().flatten().position(|z| Some(&z.zone) == zone.zone.as_ref());
        let door = Door::Link { endpoint: endpoint.id().clone(), zone: n };
        let front = Front { lb: id.clone(), zone: index, door };
        let on = self.front(lb, &front);
        let turn = self.endpoint_turn(endpoint, zone);
        let at = self.named(lb);
        let branches = self
            .link_sources(lb, &front)
            .into_iter()
            .map(|source| on.clone().after_all(source).after_all([Op::Via(at), turn.clone()]))
            .collect();
        Branch::fork(branches)
            .unwrap_or_else(|| Branch::unknown(format!("source addresses of {id} (not stated)")))
    }

    /// What the far side sees instead of the client (access.md §4.6 step 5).
    fn link_sources(&mut self, lb: &'t LoadBalancer, front: &Front) -> Vec<Vec<Op>> {
        if lb.lb_type != Some(LoadBalancerType::Clb) {
            let home = self.vpc_of_balancer(lb).map(|vpc| self.network(&vpc));
            let (addresses, assumed) = Self::node_addresses(lb, front);
            let ops = |address| {
                let mut ops = vec![Op::Source(address), Op::Home(home), Op::Sender(None)];
                ops.extend(assumed.clone().map(Op::Assume));
                ops
            };
            return addresses.into_iter().map(ops).collect();
        }
        let knob = self.assume.pl_clb_source;
        let assumed =
            Op::Assume(Text::from(format!("pl_clb_source = {} ({})", knob.name(), lb.id())));
        let mut sources = match knob {
            PlClbSource::SystemRange => {
                let mut cuts = self.list_blocks(lb.id());
                cuts.extend(self.server_blocks(lb));
                system_sources(&cuts)
            }
            PlClbSource::Unknown => vec![vec![Op::Source(None), Op::Home(None), Op::Sender(None)]],
        };
        for source in &mut sources {
            source.push(assumed.clone());
        }
        sources
    }

    /// Replies come back along the connection, and from the endpoint's ENI to the client: past the
    /// ACL of its vSwitch, by the routes (access.md §4.6 step 7).
    fn endpoint_turn(&mut self, endpoint: &'t Endpoint, zone: &'t EndpointZone) -> Op {
        let at: ElementId = self.named(endpoint);
        let resume = match (self.vpc_of_endpoint(endpoint), &zone.vswitch) {
            (Some(vpc), Some(vswitch)) => {
                self.sent_from(&vpc, vswitch).after(Op::Identity(Identity::None))
            }
            _ => Branch::unknown(format!("vSwitch of {} (not stated)", endpoint.id())),
        };
        Op::Turn(Arc::new(Turn::new(at, Back::Direct, Resume::Go(resume))))
    }
}

/// Status words under which endpoints and services carry traffic (access.md §4.2; `Pending` is a
/// change under way).
fn works(word: &str) -> bool {
    ["active", "pending", "available"].iter().any(|w| word.eq_ignore_ascii_case(w))
}
