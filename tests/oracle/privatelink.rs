//! PrivateLink: from the ENI of an endpoint to the load balancer of its zone (access.md §4.6).

use std::net::IpAddr;

use vpclint::topology::{
    AddrValue, ConnectionStatus, Direction, Endpoint, EndpointConnection, EndpointService,
    EndpointType, EndpointZone, Id, Listing, LoadBalancer, LoadBalancerType,
};

use super::balancer::shared_range;
use super::filters::{Filter, Managed, Member};
use super::flow::{Flow, Outcome, PlSource, Site, Trip, dropped, unknown};
use super::reply::Back;

fn is(stated: Option<&str>, words: &[&str]) -> bool {
    stated.is_none_or(|s| words.iter().any(|w| s.eq_ignore_ascii_case(w)))
}

impl<'a> Flow<'a> {
    /// The ENI of an endpoint's zone as a member of the endpoint's groups.
    pub fn endpoint_member(&self, endpoint: &Endpoint, ip: IpAddr) -> Member {
        let groups = match &endpoint.security_groups {
            Some(groups) => Ok(groups.clone()),
            None => self
                .gap(Listing::EndpointSecurityGroups, Some(&endpoint.meta.id))
                .map_or(Ok(Vec::new()), Err),
        };
        Member { vpc: endpoint.vpc.clone(), addresses: vec![ip], blocks: Vec::new(), groups }
    }

    /// A packet for the ENI of an endpoint: filters, the gates of the connection, the service.
    pub fn endpoint(
        &self,
        mut trip: Trip<'a>,
        endpoint: &'a Endpoint,
        zone: &'a EndpointZone,
    ) -> Vec<Outcome> {
        let gate = Self::gate_of(zone.vswitch.as_ref(), false);
        if let Err(reason) = self.cross(&mut trip, gate.as_ref()) {
            return dropped(reason);
        }
        let own = self.endpoint_member(endpoint, trip.packet.dst);
        let peer = trip.origin.clone().into();
        let ingress = Direction::Ingress;
        match self.security_groups(&ingress, &own, &trip.packet, &peer, &Managed::No) {
            Filter::Allow => {}
            Filter::Deny => return dropped("sg_ingress_denied"),
            Filter::Unknown(what) => {
                trip.doubts.insert(what);
            }
        }
        let site = Site {
            vpc: endpoint.vpc.clone(),
            vswitch: zone.vswitch.clone(),
            gate,
            ..Site::default()
        };
        trip.close_leg(site, Back::Routed);
        if !matches!(endpoint.endpoint_type, None | Some(EndpointType::Interface)) {
            return unknown(&trip, "what an endpoint of this type answers");
        }
        match self.is_connected(endpoint, zone) {
            Ok(true) => {}
            Ok(false) => return dropped("endpoint_not_connected"),
            Err(what) => return unknown(&trip, &what),
        }
        let services = &self.facts.topology.endpoint_services;
        let by_name = || {
            let name = endpoint.service_name.as_ref()?;
            services.iter().find(|s| s.service_name.as_ref() == Some(name))
        };
        let found = endpoint.service.as_ref().and_then(|id| services.get(id));
        // that of another account is in no listing of ours
        let Some(service) = found.or_else(by_name) else {
            return unknown(&trip, Listing::EndpointServices.api());
        };
        if !is(service.meta.status.as_deref(), &["Active", "Pending"])
            || !is(service.meta.business_status.as_deref(), &["Normal"])
        {
            return dropped("endpoint_service_inactive");
        }
        self.resource(&trip, endpoint, zone, service)
    }

    fn connection_of(&self, endpoint: &Endpoint) -> Option<&'a EndpointConnection> {
        let mut all = self.facts.topology.endpoint_connections.iter();
        all.find(|c| c.endpoint.as_ref() == Some(&endpoint.meta.id))
    }

    /// access.md §4.2; of two sides that state a status both must work.
    fn is_connected(&self, endpoint: &Endpoint, zone: &EndpointZone) -> Result<bool, String> {
        let active = is(endpoint.meta.status.as_deref(), &["Active", "Pending"])
            && is(endpoint.meta.business_status.as_deref(), &["Normal"])
            && is(zone.status.as_deref(), &["Connected"]);
        let there = self.connection_of(endpoint).and_then(|c| c.connection_status.as_ref());
        let stated: Vec<_> = endpoint.connection_status.iter().chain(there).collect();
        if !active || stated.iter().any(|s| **s != ConnectionStatus::Connected) {
            return Ok(false);
        }
        if stated.is_empty() {
            return Err(format!("ConnectionStatus of {}", endpoint.meta.id));
        }
        Ok(true)
    }

    /// The load balancer that serves the zone; no other zone steps in (access.md §4.5, R6).
    fn resource(
        &self,
        trip: &Trip<'a>,
        endpoint: &Endpoint,
        zone: &EndpointZone,
        service: &EndpointService,
    ) -> Vec<Outcome> {
        let t = self.facts.topology;
        let connection = self.connection_of(endpoint);
        let theirs = connection.and_then(|c| {
            c.zones.iter().flatten().find(|z| z.zone.is_some() && z.zone == zone.zone)
        });
        let allocated = zone.resource.clone().or_else(|| theirs?.resource.clone());
        let resources: Vec<Id> = match (&allocated, &service.resources) {
            (Some(id), _) => vec![id.clone()],
            (None, None) => return unknown(trip, Listing::EndpointServiceResources.api()),
            (None, Some(all)) => all
                .iter()
                .filter(|r| {
                    let lb = t.load_balancers.get(&r.resource);
                    // R2: a CLB serves its master zone, whatever the service says
                    let master = lb.and_then(|lb| lb.master_zone.clone());
                    let served = master.or_else(|| r.zone.clone());
                    served.is_some() && served == zone.zone
                })
                .map(|r| r.resource.clone())
                .collect(),
        };
        if resources.is_empty() {
            return dropped("endpoint_zone_not_served");
        }
        resources
            .iter()
            .flat_map(|id| match t.load_balancers.get(id) {
                None => unknown(trip, &format!("load balancer {id}")),
                Some(lb) => self.behind_service(trip.clone(), lb, zone.zone.as_deref()),
            })
            .collect()
    }

    /// The load balancer sees a translated source (access.md §4.6, step 5).
    fn behind_service(
        &self,
        mut trip: Trip<'a>,
        lb: &'a LoadBalancer,
        zone: Option<&str>,
    ) -> Vec<Outcome> {
        let clb = matches!(lb.lb_type, None | Some(LoadBalancerType::Clb));
        trip.origin = None;
        let clients: Vec<IpAddr> = if clb && self.knobs.pl_clb_source == PlSource::Unknown {
            return unknown(&trip, "the source that a CLB behind PrivateLink sees");
        } else if clb {
            self.samples(&[shared_range()])
        } else {
            let zones = lb.zones.iter().flatten().filter(|z| Some(&*z.zone) == zone);
            zones
                .flat_map(|z| z.local_ips.iter().chain(&z.private_ips))
                .filter_map(AddrValue::addr)
                .collect()
        };
        if clients.is_empty() {
            return unknown(&trip, &format!("the addresses of {}", lb.meta.id));
        }
        self.serve(trip, lb, &clients, true, zone)
    }
}
