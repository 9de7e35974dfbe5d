//! PrivateLink: endpoints, services and the connections between them.

use super::resource::{open_enum, part, resource};
use super::value::AddrValue;
use super::{Id, Text};

open_enum! {
    /// Type of an endpoint.
    EndpointType {
        /// Interface endpoint.
        Interface = "Interface",
        /// Reverse endpoint.
        Reverse = "Reverse",
        /// Gateway Load Balancer endpoint.
        GatewayLoadBalancer = "GatewayLoadBalancer",
    }
}

open_enum! {
    /// State of the connection between endpoint and service.
    ConnectionStatus {
        /// Waits for the service side.
        Pending = "Pending",
        /// On the way to Connected.
        Connecting = "Connecting",
        /// Works.
        Connected = "Connected",
        /// On the way to Disconnected.
        Disconnecting = "Disconnecting",
        /// Does not work.
        Disconnected = "Disconnected",
        /// Being deleted.
        Deleting = "Deleting",
        /// The service is gone.
        ServiceDeleted = "ServiceDeleted",
    }
}

/// One zone of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EndpointZone {
    /// Zone.
    pub zone: Option<Text>,
    /// vSwitch.
    pub vswitch: Option<Id>,
    /// Endpoint ENI.
    pub eni: Option<Id>,
    /// Address of that ENI.
    pub address: Option<AddrValue>,
    /// Zone status as exported.
    pub status: Option<Text>,
    /// Service resource that serves it (service side listing only).
    pub resource: Option<Id>,
}

part!(EndpointZone: zone, vswitch, eni; address, status, resource);

resource! {
    /// An endpoint.
    Endpoint {
        /// VPC.
        vpc: Id,
        /// Type.
        endpoint_type: EndpointType,
        /// Endpoint service.
        service: Id,
        /// Name of the service (`com.aliyuncs.privatelink.…`).
        service_name: Text,
        /// Region of the service.
        service_region: Text,
        /// State of the connection.
        connection_status: ConnectionStatus,
        /// Is the service in the same account?
        same_account: bool,
        /// Zones.
        zones: Vec<EndpointZone> => parts,
        /// Security groups.
        security_groups: Vec<Id> => parts,
        /// Prefers the client's zone.
        zone_affinity: bool,
        /// Domain name.
        domain: Text,
    }
}

/// A load balancer behind a service, in one zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceResource {
    /// Load balancer.
    pub resource: Id,
    /// `slb`, `alb`, `nlb`, `gwlb`.
    pub resource_type: Option<Text>,
    /// Zone.
    pub zone: Option<Text>,
    /// VPC.
    pub vpc: Option<Id>,
    /// vSwitch.
    pub vswitch: Option<Id>,
    /// Address.
    pub address: Option<AddrValue>,
}

part!(ServiceResource: resource, zone; resource_type, vpc, vswitch, address);

resource! {
    /// An endpoint service.
    EndpointService {
        /// Service name.
        service_name: Text,
        /// `Interface` or `GatewayLoadBalancer`.
        service_type: Text,
        /// `slb`, `alb`, `nlb`, `gwlb`.
        resource_type: Text,
        /// Load balancers.
        resources: Vec<ServiceResource> => parts,
        /// Zones that it serves.
        zones: Vec<Text> => parts,
        /// Regions whose endpoints may connect, its own included.
        supported_regions: Vec<Text> => parts,
        /// Whitelisted accounts (`12345678`) or ARNs; `*` = everybody. The owner is implicit.
        users: Vec<Text> => parts,
        /// Accepts connections by itself.
        auto_accept: bool,
        /// Prefers the client's zone.
        zone_affinity: bool,
        /// `Endpoint` or `EndpointService`.
        payer: Text,
        /// True when only a consumer's view of it was loaded (ListVpcEndpointServicesByEndUser).
        consumer_view: bool => all,
    }
}

resource! {
    /// A connection as the service side lists it. The id is `epsrv-1/ep-1`.
    EndpointConnection {
        /// Endpoint.
        endpoint: Id,
        /// Service.
        service: Id,
        /// Account of the endpoint.
        endpoint_account: Id,
        /// VPC of the endpoint.
        endpoint_vpc: Id,
        /// Region of the endpoint.
        endpoint_region: Text,
        /// State.
        connection_status: ConnectionStatus,
        /// Zones.
        zones: Vec<EndpointZone>,
        /// Bandwidth in Mbit/s.
        bandwidth: u64,
    }
}
