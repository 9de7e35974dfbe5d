//! PrivateLink as written.

use super::super::text::{TextOr, Word, Words};
use super::*;

object! {
    /// A PrivateLink endpoint.
    Endpoint {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// `interface`, `reverse` or `GatewayLoadBalancer`. Left out: `interface`.
        r#type: Option<String>,
        /// Endpoint service: id, name or service name.
        service: Option<String>,
        /// Service name. Left out: that of the service.
        service_name: Option<String>,
        /// Region of the service. Left out: that of the service.
        service_region: Option<String>,
        /// State of the connection, e.g. `Pending`. Left out: what the service lists for this
        /// endpoint, else `Connected`.
        connection: Option<String>,
        /// The service is in the same account. Left out: as the file has it.
        same_account: Option<bool>,
        /// Zones. Left out: none.
        zones: Option<Vec<EndpointZone>>,
        /// Security groups. Left out: none.
        security_groups: Option<Words>,
        /// Prefers the client's zone.
        zone_affinity: Option<bool>,
        /// Domain name.
        domain: Option<String>,
    }
}

table! {
    /// A zone of an endpoint.
    EndpointZone {
        /// Zone. Left out: that of the vSwitch.
        zone: Option<String>,
        /// vSwitch.
        vswitch: Option<String>,
        /// Endpoint ENI.
        eni: Option<String>,
        /// Address of that ENI.
        ip: Option<String>,
        /// Status of the zone. Left out: `Connected` when the endpoint is.
        status: Option<String>,
        /// Service resource that serves it (service side).
        resource: Option<String>,
    }
}

object! {
    /// A PrivateLink endpoint service.
    EndpointService {
        /// Service name (`com.aliyuncs.privatelink.…`).
        service_name: Option<String>,
        /// `Interface` or `GatewayLoadBalancer`. Left out: `Interface`.
        r#type: Option<String>,
        /// `slb`, `alb`, `nlb` or `gwlb`. Left out: what the resources are.
        resource_type: Option<String>,
        /// Load balancers: ids or names, or tables. Left out: none.
        resources: Option<Vec<TextOr<ServiceResource>>>,
        /// Zones that it serves. Left out: those of the resources.
        zones: Option<Words>,
        /// Regions whose endpoints may connect. Left out: its own.
        supported_regions: Option<Words>,
        /// Whitelisted accounts; `*` = everybody. Left out: only its owner.
        users: Option<Words>,
        /// Accepts connections by itself. Left out: no.
        auto_accept: Option<bool>,
        /// Prefers the client's zone.
        zone_affinity: Option<bool>,
        /// `Endpoint` or `EndpointService`.
        payer: Option<String>,
        /// Only the consumer's view of it is known. Left out: no.
        consumer_view: Option<bool>,
        /// Connections as the service side lists them. Left out: those of the endpoints in this file.
        connection: Vec<EndpointConnection>,
    }
}

table! {
    /// A load balancer behind a service, in one zone.
    ServiceResource {
        /// Load balancer.
        id: Option<String>,
        /// `slb`, `alb`, `nlb` or `gwlb`. Left out: what the load balancer is.
        r#type: Option<String>,
        /// Zone.
        zone: Option<String>,
        /// VPC. Left out: that of the load balancer.
        vpc: Option<String>,
        /// vSwitch. Left out: that of the load balancer.
        vswitch: Option<String>,
        /// Address. Left out: that of the load balancer.
        ip: Option<String>,
    }
}

object! {
    /// A connection of an endpoint as the service side lists it.
    EndpointConnection {
        /// Endpoint.
        endpoint: Option<String>,
        /// Service. Left out: the one it is written in.
        service: Option<String>,
        /// Account of the endpoint. Left out: as the file has it.
        endpoint_account: Option<Word>,
        /// VPC of the endpoint. Left out: that of the endpoint.
        endpoint_vpc: Option<String>,
        /// Region of the endpoint. Left out: that of the endpoint.
        endpoint_region: Option<String>,
        /// State, e.g. `Pending`. Left out: what the endpoint says, else `Connected`.
        connection: Option<String>,
        /// Zones. Left out: those of the endpoint.
        zones: Option<Vec<EndpointZone>>,
        /// Bandwidth in Mbit/s.
        bandwidth: Option<u64>,
    }
}
