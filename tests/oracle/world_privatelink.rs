//! The part of [`World`] about PrivateLink.

use vpclint::topology::{
    ConnectionStatus, Endpoint, EndpointConnection, EndpointService, EndpointType, EndpointZone,
    Id, LoadBalancerType, ServiceResource, Text,
};

use super::world::{World, addr, working};

impl World {
    /// An active service without resources.
    #[must_use]
    pub fn service(mut self, id: &str) -> Self {
        let mut service = EndpointService::new(id);
        service.service_type = Some(Text::from("Interface"));
        service.resources = Some(vec![]);
        service.zones = Some(vec![]);
        service.users = Some(vec![]);
        service.auto_accept = Some(true);
        working(&mut service.meta, "Active");
        service.meta.business_status = Some(Text::from("Normal"));
        self.services.insert(id.to_owned(), service);
        self
    }

    /// A load balancer behind a service, in a zone.
    #[must_use]
    pub fn resource(mut self, service: &str, lb: &str, zone: &str) -> Self {
        let kind = match self.balancers.get(lb).unwrap().lb_type {
            Some(LoadBalancerType::Alb) => "alb",
            Some(LoadBalancerType::Nlb) => "nlb",
            _ => "slb",
        };
        let service = self.services.get_mut(service).unwrap();
        service.resource_type = Some(Text::from(kind));
        service.zones.get_or_insert_default().push(Text::from(zone));
        service.resources.get_or_insert_default().push(ServiceResource {
            resource: Id::from(lb),
            resource_type: Some(Text::from(kind)),
            zone: Some(Text::from(zone)),
            vpc: None,
            vswitch: None,
            address: None,
        });
        self
    }

    /// A connected interface endpoint in no zone yet.
    #[must_use]
    pub fn endpoint(mut self, id: &str, vpc: &str, service: &str, groups: &[&str]) -> Self {
        let mut endpoint = Endpoint::new(id);
        endpoint.vpc = Some(Id::from(vpc));
        endpoint.endpoint_type = Some(EndpointType::Interface);
        endpoint.service = Some(Id::from(service));
        endpoint.connection_status = Some(ConnectionStatus::Connected);
        endpoint.security_groups = Some(groups.iter().map(|g| Id::from(*g)).collect());
        endpoint.zones = Some(vec![]);
        working(&mut endpoint.meta, "Active");
        endpoint.meta.business_status = Some(Text::from("Normal"));
        self.endpoints.insert(id.to_owned(), endpoint);
        self
    }

    /// A connected zone of an endpoint with its address.
    #[must_use]
    pub fn endpoint_zone(mut self, endpoint: &str, vswitch: &str, address: &str) -> Self {
        let zone = self.vswitches.get(vswitch).unwrap().zone.clone();
        let endpoint = self.endpoints.get_mut(endpoint).unwrap();
        endpoint.zones.get_or_insert_default().push(EndpointZone {
            zone,
            vswitch: Some(Id::from(vswitch)),
            eni: Some(Id::from(&format!("eni-{}-{address}", endpoint.meta.id))),
            address: Some(addr(address)),
            status: Some(Text::from("Connected")),
            resource: None,
        });
        self
    }

    /// A connection as the service side lists it.
    #[must_use]
    pub fn connection(mut self, service: &str, endpoint: &str, status: &str) -> Self {
        let id = format!("{service}/{endpoint}");
        let mut connection = EndpointConnection::new(&id);
        connection.service = Some(Id::from(service));
        connection.endpoint = Some(Id::from(endpoint));
        connection.connection_status = Some(ConnectionStatus::from_text(status));
        connection.zones = Some(vec![]);
        self.connections.insert(id, connection);
        self
    }

    /// The zone of a vSwitch; all are in one zone otherwise.
    #[must_use]
    pub fn in_zone(mut self, vswitch: &str, zone: &str) -> Self {
        self.vswitches.get_mut(vswitch).unwrap().zone = Some(Text::from(zone));
        self
    }
}
