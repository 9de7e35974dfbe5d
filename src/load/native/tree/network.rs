//! VPCs, vSwitches and routes as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::text::{Many, TextOr, Words};
use super::*;

/// How a VPC reaches the Internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::load::native) enum Internet {
    /// No IPv4 gateway: public addresses work whatever the routes say.
    Direct,
    /// An enabled IPv4 gateway: routes decide.
    Central,
    /// The IPv4 gateway was deleted in private mode: nothing reaches the Internet.
    Private,
}

object! {
    /// A VPC. What belongs to it is written inside it, or beside it with `vpc = "…"`.
    Vpc {
        /// Primary IPv4 block, e.g. `10.0.0.0/16`.
        cidr: Option<String>,
        /// Secondary IPv4 blocks. Left out: none.
        secondary_cidrs: Option<Words>,
        /// User CIDR blocks: public ranges that count as private. Left out: none.
        user_cidrs: Option<Words>,
        /// IPv6 blocks. Left out: none.
        ipv6_cidrs: Option<Words>,
        /// Internet mode. Left out: `central` when the VPC has an enabled IPv4 gateway, else `direct`.
        internet: Option<Internet>,
        /// Made by the cloud. Left out: no.
        default: Option<bool>,
        /// Id of its virtual router.
        vrouter: Option<String>,
        /// CEN instances it is attached to. Left out: those that list it.
        cens: Option<Words>,
        /// Its IPv4 gateway.
        ipv4_gateway: Many<Ipv4Gateway>,
        /// Its IPv6 gateway.
        ipv6_gateway: Many<Ipv6Gateway>,
        /// vSwitches.
        vswitch: Vec<VSwitch>,
        /// Route tables. Left out: the system table alone, with the system routes.
        route_table: Vec<RouteTable>,
        /// Instances; usually written inside their vSwitch.
        instance: Vec<Instance>,
        /// ENIs that are on no instance, or on one that names no vSwitch.
        eni: Vec<Eni>,
        /// HaVips.
        havip: Vec<HaVip>,
        /// NAT gateways.
        nat_gateway: Vec<NatGateway>,
        /// IPv6 addresses.
        ipv6_address: Vec<Ipv6Address>,
        /// Security groups.
        security_group: Vec<SecurityGroup>,
        /// Network ACLs.
        network_acl: Vec<NetworkAcl>,
        /// Load balancers.
        load_balancer: Vec<LoadBalancer>,
        /// Server groups that are not written inside a load balancer.
        server_group: Vec<ServerGroup>,
        /// PrivateLink endpoints.
        endpoint: Vec<Endpoint>,
        /// PrivateLink endpoint services.
        endpoint_service: Vec<EndpointService>,
        /// Gateway endpoints.
        gateway_endpoint: Vec<GatewayEndpoint>,
        /// Route target groups.
        route_target_group: Vec<RouteTargetGroup>,
        /// VPN gateways.
        vpn_gateway: Vec<VpnGateway>,
        /// Router interfaces.
        router_interface: Vec<RouterInterface>,
    }
}

object! {
    /// A vSwitch.
    VSwitch {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// IPv4 block.
        cidr: Option<String>,
        /// IPv6 block.
        ipv6_cidr: Option<String>,
        /// Zone, e.g. `cn-hangzhou-h`.
        zone: Option<String>,
        /// Route table. Left out: the table that lists it, else the system table of the VPC.
        table: Option<String>,
        /// Network ACL. Left out: the one that lists it, else none.
        acl: Option<String>,
        /// Number of free addresses.
        free_ips: Option<u64>,
        /// `Shared` or `Sharing` when it is shared between accounts.
        share: Option<String>,
        /// Instances.
        instance: Vec<Instance>,
        /// ENIs that are on no instance.
        eni: Vec<Eni>,
        /// HaVips.
        havip: Vec<HaVip>,
    }
}

object! {
    /// A route table of a VPC. The system routes (one per vSwitch, and 100.64.0.0/10) are added.
    RouteTable {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// `system` or `custom`. Left out: `system`.
        r#type: Option<String>,
        /// What it is for: `vswitch` or `gateway`. Left out: `vswitch`.
        scope: Option<String>,
        /// Associated vSwitches. Left out: those that name it.
        vswitches: Option<Words>,
        /// Associated IPv4 or IPv6 gateways. Left out: those that name it.
        gateways: Option<Words>,
        /// Learns dynamic routes. Left out: yes for system tables, not stated for others.
        propagation: Option<bool>,
        /// Virtual router or border router that owns it.
        router: Option<String>,
        /// `VRouter` or `VBR`.
        router_type: Option<String>,
        /// Routes. `unknown = ["routes"]`: there may be others.
        routes: Vec<RouteEntry>,
    }
}

object! {
    /// A route.
    RouteEntry {
        /// Destination: a block, or a prefix list (`pl-1` or `prefix_list:pl-1`).
        to: Option<String>,
        /// Next hop: an id or name in this file, `KIND:ID` such as `nat_gateway:ngw-1`, `local` or
        /// `service`. A list for several next hops.
        via: Option<Many<TextOr<Via>>>,
        /// `custom`, `system` or `dynamic`. Left out: `custom`.
        origin: Option<String>,
    }
}

table! {
    /// One of several next hops.
    Via {
        /// Kind of the next hop, e.g. `RouterInterface`. Left out: what the id names in this file.
        r#type: Option<String>,
        /// Id or name.
        id: Option<String>,
        /// Weight.
        weight: Option<u32>,
        /// False when it is taken out. Left out: not stated.
        enabled: Option<bool>,
    }
}
