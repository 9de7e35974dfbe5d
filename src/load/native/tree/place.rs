//! The top of the tree: the file, accounts and regions. All three hold the same lists.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::text::Word;
use super::super::unknown::Unknown;
use super::*;

/// The lists of objects that the file, an account and a region can hold, as one struct.
macro_rules! places {
    ({ $( $(#[$fdoc:meta])* $field:ident : $type:ty ),* $(,)? }) => {
        /// The lists of one place.
        #[derive(Debug, Default)]
        pub(in crate::load::native) struct Contents {
            $( pub(in crate::load::native) $field: Vec<$type>, )*
        }

        impl Contents {
            /// True when nothing is written here.
            pub(in crate::load::native) fn is_empty(&self) -> bool {
                $( self.$field.is_empty() )&&*
            }
        }

        /// A network topology written by hand for vpclint, from the top down: accounts, regions, VPCs,
        /// vSwitches, instances. Every list and nearly every key may be left out; a file may begin
        /// with `[[vpc]]`. The file is taken to describe everything there is, except what `unknown`
        /// names.
        #[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        #[schemars(title = "vpclint topology", rename = "Topology")]
        pub(in crate::load::native) struct Document {
            /// Address of this schema, for editors.
            #[serde(rename = "$schema")]
            pub(in crate::load::native) schema: Option<String>,
            /// Version of the format. Left out: 1.
            pub(in crate::load::native) version: Option<u32>,
            /// What the design is about; for readers.
            pub(in crate::load::native) description: Option<String>,
            /// Kinds of objects of which there may be more than are written here.
            pub(in crate::load::native) unknown: Vec<Unknown>,
            /// Accounts.
            pub(in crate::load::native) account: Vec<Account>,
            /// Regions.
            pub(in crate::load::native) region: Vec<Region>,
            $( $(#[$fdoc])* pub(in crate::load::native) $field: Vec<$type>, )*
        }

        /// An account.
        #[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(in crate::load::native) struct Account {
            /// Account id, e.g. `1234567890123456`. Left out: the name.
            pub(in crate::load::native) id: Option<Word>,
            /// Name; for readers.
            pub(in crate::load::native) name: Option<String>,
            /// Regions.
            pub(in crate::load::native) region: Vec<Region>,
            $( $(#[$fdoc])* pub(in crate::load::native) $field: Vec<$type>, )*
        }

        /// A region.
        #[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(in crate::load::native) struct Region {
            /// Region id, e.g. `cn-hangzhou`. Left out: the name.
            pub(in crate::load::native) id: Option<String>,
            /// Name; for readers.
            pub(in crate::load::native) name: Option<String>,
            $( $(#[$fdoc])* pub(in crate::load::native) $field: Vec<$type>, )*
        }

        places!(@take Document $($field)*);
        places!(@take Account $($field)*);
        places!(@take Region $($field)*);
    };
    (@take $name:ident $($field:ident)*) => {
        impl $name {
            /// Takes the lists out.
            pub(in crate::load::native) fn take_contents(&mut self) -> Contents {
                Contents { $( $field: std::mem::take(&mut self.$field), )* }
            }
        }
    };
}

places!({
    /// VPCs.
    vpc: Vpc,
    /// vSwitches that are not written inside a VPC.
    vswitch: VSwitch,
    /// Route tables that are not written inside a VPC.
    route_table: RouteTable,
    /// Instances that are not written inside a vSwitch.
    instance: Instance,
    /// ENIs that are not written inside an instance or vSwitch.
    eni: Eni,
    /// HaVips that are not written inside a VPC.
    havip: HaVip,
    /// EIPs.
    eip: Eip,
    /// Shared bandwidth packages.
    bandwidth_package: BandwidthPackage,
    /// IPv4 gateways that are not written inside a VPC.
    ipv4_gateway: Ipv4Gateway,
    /// IPv6 gateways that are not written inside a VPC.
    ipv6_gateway: Ipv6Gateway,
    /// IPv6 addresses.
    ipv6_address: Ipv6Address,
    /// NAT gateways that are not written inside a VPC.
    nat_gateway: NatGateway,
    /// SNAT entries that are not written inside a NAT gateway.
    snat: SnatEntry,
    /// DNAT entries that are not written inside a NAT gateway.
    dnat: DnatEntry,
    /// Security groups that are not written inside a VPC.
    security_group: SecurityGroup,
    /// Network ACLs that are not written inside a VPC.
    network_acl: NetworkAcl,
    /// Prefix lists.
    prefix_list: PrefixList,
    /// Port lists.
    port_list: PortList,
    /// Load balancers that are not written inside a VPC.
    load_balancer: LoadBalancer,
    /// Listeners that are not written inside a load balancer.
    listener: Listener,
    /// Server groups that are not written inside a load balancer.
    server_group: ServerGroup,
    /// Access control lists of listeners.
    access_list: AccessList,
    /// PrivateLink endpoints that are not written inside a VPC.
    endpoint: Endpoint,
    /// PrivateLink endpoint services.
    endpoint_service: EndpointService,
    /// Connections to endpoint services that are not written inside one.
    endpoint_connection: EndpointConnection,
    /// Gateway endpoints.
    gateway_endpoint: GatewayEndpoint,
    /// Route target groups.
    route_target_group: RouteTargetGroup,
    /// VPC peering connections.
    vpc_peer: VpcPeer,
    /// CEN instances.
    cen: Cen,
    /// Transit routers that are not written inside a CEN instance.
    transit_router: TransitRouter,
    /// VPN gateways that are not written inside a VPC.
    vpn_gateway: VpnGateway,
    /// IPsec connections that are not written inside a VPN gateway.
    vpn_connection: VpnConnection,
    /// Customer gateways.
    customer_gateway: CustomerGateway,
    /// Router interfaces that are not written inside a VPC.
    router_interface: RouterInterface,
    /// Virtual border routers.
    border_router: BorderRouter,
});
