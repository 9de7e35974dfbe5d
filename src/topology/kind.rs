//! The kinds of resources, with the names that JSON, messages and selectors use.

use std::fmt;

macro_rules! kinds {
    ($( $variant:ident = $name:literal, $title:literal; )*) => {
        /// Kind of a resource.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $( #[doc = $title] $variant, )*
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];

            /// Name in JSON and selectors (snake_case).
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $name ),* }
            }

            /// Name in messages for people.
            pub fn title(self) -> &'static str {
                match self { $( Self::$variant => $title ),* }
            }
        }
    };
}

kinds! {
    Vpc = "vpc", "VPC";
    VSwitch = "vswitch", "vSwitch";
    RouteTable = "route_table", "route table";
    RouteEntry = "route_entry", "route entry";
    Ipv4Gateway = "ipv4_gateway", "IPv4 gateway";
    Ipv6Gateway = "ipv6_gateway", "IPv6 gateway";
    Ipv6Address = "ipv6_address", "IPv6 address";
    Ipv6EgressRule = "ipv6_egress_rule", "IPv6 egress-only rule";
    GatewayEndpoint = "gateway_endpoint", "gateway endpoint";
    RouteTargetGroup = "route_target_group", "route target group";
    Instance = "instance", "instance";
    Eni = "eni", "ENI";
    HaVip = "havip", "HaVip";
    Eip = "eip", "EIP";
    BandwidthPackage = "bandwidth_package", "bandwidth package";
    NatGateway = "nat_gateway", "NAT gateway";
    SnatEntry = "snat_entry", "SNAT entry";
    DnatEntry = "dnat_entry", "DNAT entry";
    FullNatEntry = "full_nat_entry", "FULLNAT entry";
    NatIp = "nat_ip", "NAT IP";
    SecurityGroup = "security_group", "security group";
    SecurityGroupRule = "security_group_rule", "security group rule";
    NetworkAcl = "network_acl", "network ACL";
    NetworkAclEntry = "network_acl_entry", "network ACL entry";
    PrefixList = "prefix_list", "prefix list";
    PortList = "port_list", "port list";
    LoadBalancer = "load_balancer", "load balancer";
    Listener = "listener", "listener";
    ForwardingRule = "forwarding_rule", "forwarding rule";
    ServerGroup = "server_group", "server group";
    AccessList = "access_list", "access control list";
    Endpoint = "endpoint", "endpoint";
    EndpointService = "endpoint_service", "endpoint service";
    EndpointConnection = "endpoint_connection", "endpoint connection";
    VpcPeer = "vpc_peer", "VPC peering connection";
    Cen = "cen", "CEN instance";
    CenRoute = "cen_route", "CEN route";
    CenRouteMap = "cen_route_map", "CEN route map";
    TransitRouter = "transit_router", "transit router";
    TransitAttachment = "transit_attachment", "transit router attachment";
    TransitRouteTable = "transit_route_table", "transit router route table";
    TransitRouteEntry = "transit_route_entry", "transit router route entry";
    TransitAssociation = "transit_association", "transit router association";
    TransitPropagation = "transit_propagation", "transit router propagation";
    VpnGateway = "vpn_gateway", "VPN gateway";
    VpnConnection = "vpn_connection", "IPsec connection";
    VpnRoute = "vpn_route", "VPN route";
    CustomerGateway = "customer_gateway", "customer gateway";
    RouterInterface = "router_interface", "router interface";
    BorderRouter = "border_router", "virtual border router";
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}
