//! VPCs, vSwitches and routes.

use super::resource::{open_enum, resource};
use super::value::{CidrValue, Value};
use super::{Id, Text};
use crate::addr::Cidr;

resource! {
    /// A virtual private cloud.
    Vpc {
        /// Primary IPv4 block.
        cidr: CidrValue,
        /// Secondary IPv4 blocks.
        secondary_cidrs: Vec<CidrValue>,
        /// User CIDR blocks: further destinations that count as private (egress.md §1.2).
        user_cidrs: Vec<CidrValue>,
        /// IPv6 blocks.
        ipv6_cidrs: Vec<CidrValue>,
        /// Virtual router (`vrt-`), named by old route tables.
        vrouter: Id,
        /// Whether Internet access is controlled centrally by an IPv4 gateway (`SupportIpv4Gateway`
        /// of DescribeVpcAttribute, egress.md §3).
        support_ipv4_gateway: bool,
        /// Its IPv4 gateway; an empty value of the export is `Some(None)`.
        ipv4_gateway: Option<Id>,
        /// Created by the cloud.
        is_default: bool,
        /// vSwitches as the VPC names them; at most 300, only for cross-checks.
        vswitch_ids: Vec<Id>,
        /// NAT gateways as the VPC names them; Internet NAT only, only for cross-checks.
        nat_gateway_ids: Vec<Id>,
        /// Route tables as the VPC names them, only for cross-checks.
        route_table_ids: Vec<Id>,
        /// CEN instances it is attached to.
        cens: Vec<Id>,
    }
}

resource! {
    /// A vSwitch: the subnet of a VPC in one zone.
    VSwitch {
        /// VPC.
        vpc: Id,
        /// IPv4 block.
        cidr: CidrValue,
        /// IPv6 block.
        ipv6_cidr: CidrValue,
        /// Zone.
        zone: Text,
        /// Route table.
        route_table: Id,
        /// Network ACL; an empty value of the export is `Some(None)`.
        network_acl: Option<Id>,
        /// Free addresses.
        available_ips: u64,
        /// `Shared` or `Sharing` when it is shared between accounts.
        share_type: Text,
    }
}

open_enum! {
    /// Kind of a route table.
    RouteTableType {
        /// The table that every VPC has.
        System = "System",
        /// A table made by the customer.
        Custom = "Custom",
    }
}

open_enum! {
    /// What a route table is associated with.
    RouteTableScope {
        /// vSwitches.
        VSwitch = "VSwitch",
        /// An IPv4 or IPv6 gateway: traffic that enters the VPC.
        Gateway = "Gateway",
    }
}

resource! {
    /// A route table of a VPC.
    RouteTable {
        /// VPC.
        vpc: Id,
        /// System or custom.
        table_type: RouteTableType,
        /// vSwitches or gateway.
        scope: RouteTableScope,
        /// Virtual router or border router that owns it.
        router: Id,
        /// `VRouter` or `VBR`.
        router_type: Text,
        /// Associated vSwitches as the table names them.
        vswitches: Vec<Id>,
        /// Associated gateways.
        gateways: Vec<Id>,
        /// Whether it learns dynamic routes (egress.md §2.2).
        propagation: bool,
    }
}

/// Destination of a route entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RouteDestination {
    /// A block.
    Cidr(CidrValue),
    /// A prefix list; each of its entries is a route (egress.md §2.2).
    PrefixList(Id),
}

open_enum! {
    /// Where a route entry comes from, which decides ties (decisions.md 27).
    RouteOrigin {
        /// Made by the cloud with the VPC or a vSwitch.
        System = "System" | "SystemCreate",
        /// Made by the customer.
        Custom = "Custom" | "CustomCreate",
        /// Learnt from CEN, a transit router, VPN, BGP or ECR.
        Dynamic = "RoutePropagation" | "BGP" | "CEN" | "ECR" | "TR",
    }
}

open_enum! {
    /// Kind of a next hop (egress.md §2.3).
    NextHopType {
        /// Inside the VPC.
        Local = "local",
        /// A service of the cloud (100.64.0.0/10).
        Service = "service",
        /// An ECS instance.
        Instance = "Instance" | "EcsInstance",
        /// A secondary ENI.
        NetworkInterface = "NetworkInterface",
        /// A HaVip.
        HaVip = "HaVip",
        /// A NAT gateway.
        NatGateway = "NatGateway",
        /// A VPN gateway.
        VpnGateway = "VpnGateway",
        /// A router interface (Express Connect).
        RouterInterface = "RouterInterface" | "Tunnel",
        /// The IPv4 gateway.
        Ipv4Gateway = "Ipv4Gateway",
        /// The IPv6 gateway.
        Ipv6Gateway = "Ipv6Gateway",
        /// A VPC peering connection.
        VpcPeer = "VpcPeer",
        /// A transit router attachment.
        Attachment = "Attachment",
        /// Basic CEN.
        CenBasic = "CenBasic",
        /// Express Connect Router.
        Ecr = "Ecr",
        /// OSS and the like by prefix list.
        GatewayEndpoint = "GatewayEndpoint",
        /// A Gateway Load Balancer endpoint (inspection).
        GatewayLoadBalancerEndpoint = "GatewayLoadBalancerEndpoint",
        /// A route target group.
        RouteTargetGroup = "RouteTargetGroup",
    }
}

/// One next hop of a route entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NextHop {
    /// Kind.
    pub hop_type: NextHopType,
    /// Id of the next hop; `None` for `local` and `service`.
    pub id: Option<Id>,
    /// Weight; only router interfaces have one.
    pub weight: Option<u32>,
    /// False when the health check took it out; only router interfaces state it.
    pub enabled: Option<bool>,
}

resource! {
    /// An entry of a VPC route table.
    RouteEntry {
        /// Table.
        table: Id,
        /// Destination.
        destination: RouteDestination,
        /// Origin.
        origin: RouteOrigin,
        /// Next hops; more than one for ECMP and active/standby.
        next_hops: Vec<NextHop>,
    }
}

impl RouteEntry {
    /// The destination block, unless it is a prefix list or a symbol.
    pub fn cidr(&self) -> Option<Cidr> {
        match self.destination.as_ref()? {
            RouteDestination::Cidr(Value::Known(stated)) => Some(stated.cidr),
            RouteDestination::Cidr(Value::Symbol(_)) | RouteDestination::PrefixList(_) => None,
        }
    }
}
