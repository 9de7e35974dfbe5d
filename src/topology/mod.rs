//! What the customer has: typed resources, their ids and names, where each was read, and which
//! listings are known to be complete.
//!
//! Rules of this model:
//! - `None` means *not stated in the input*, never "empty". An empty list is `Some(vec![])`.
//! - A value that is masked or not yet known is a [`Value::Symbol`]: it can be compared, not computed with.
//! - Enumerations are open: an unknown word loads as `Other(text)`.
//! - References are ids. They need not resolve; a rule or the fabric asks the [`Topology`].
//! - Whether a missing object means "there is none" is a question for [`Coverage`].

mod balancer;
mod collection;
mod compute;
mod coverage;
mod draft;
mod filter;
mod gateway;
mod id;
mod interconnect;
mod kind;
mod network;
mod privatelink;
mod resource;
mod value;

pub use balancer::*;
pub use collection::Collection;
pub use compute::*;
pub use coverage::{Absence, Coverage, Gap, Listing, ListingState, Scope};
pub use draft::{Accept, Conflict, Observation, ObservationKind, Origin};
pub use filter::*;
pub use gateway::*;
pub use id::{Id, Text};
pub use interconnect::*;
pub use kind::Kind;
pub use network::*;
pub use privatelink::*;
pub use resource::{FileId, Lifecycle, Merge, Meta, Part, ReadAt, Resource, ResourceRef, Source};
pub use value::{AddrValue, CidrValue, StatedCidr, Value};

use std::collections::BTreeMap;

/// Declares the one list of resource kinds of the model: the fields of [`Topology`], the inserters
/// of [`Draft`], and the walk over all resources.
macro_rules! collections {
    ($( $(#[$doc:meta])* $field:ident : $type:ident ),* $(,)?) => {
        /// Everything that was loaded, linked by id.
        #[derive(Debug, Clone, Default)]
        pub struct Topology {
            $( $(#[$doc])* pub $field: Collection<$type>, )*
            /// Which listings are complete, truncated or absent.
            pub coverage: Coverage,
            /// Objects that were stated more than once with different content.
            pub conflicts: Vec<Conflict>,
            /// Values of the input that could not be read as what they should be.
            pub observations: Vec<Observation>,
            /// What kind of input each file is; a file that is not here is a cloud export.
            pub origins: BTreeMap<FileId, Origin>,
        }

        /// A topology under construction: resources and listing states as they are read.
        #[derive(Debug, Default)]
        pub struct Draft {
            $( pub(crate) $field: Vec<$type>, )*
            /// Which listings are complete.
            pub coverage: Coverage,
            /// Values that could not be read as what they should be.
            pub observations: Vec<Observation>,
            /// What kind of input each file is.
            pub origins: BTreeMap<FileId, Origin>,
            conflicts: Vec<Conflict>,
        }

        impl Topology {
            /// Every resource, by kind in the order of this list, then by id.
            pub fn resources(&self) -> impl Iterator<Item = &dyn Resource> {
                std::iter::empty()
                    $( .chain(self.$field.iter().map(|r| r as &dyn Resource)) )*
            }

            /// Number of resources per kind; kinds without resources are left out.
            pub fn counts(&self) -> Vec<(Kind, usize)> {
                [$( (<$type as resource::Typed>::KIND, self.$field.len()) ),*]
                    .into_iter().filter(|(_, n)| *n > 0).collect()
            }
        }

        impl Draft {
            /// Sorts and indexes what was added.
            pub fn build(mut self) -> Topology {
                Topology {
                    $( $field: Collection::new(std::mem::take(&mut self.$field), &mut self.conflicts), )*
                    coverage: self.coverage,
                    origins: self.origins,
                    observations: { self.observations.sort(); self.observations },
                    conflicts: { self.conflicts.sort_by(Conflict::order); self.conflicts },
                }
            }
            /// Adds everything of `other`, as if it had been added here one by one.
            pub fn absorb(&mut self, mut other: Self) {
                $( self.$field.append(&mut other.$field); )*
                self.coverage.absorb(other.coverage);
                self.origins.append(&mut other.origins);
                self.observations.append(&mut other.observations);
                self.conflicts.append(&mut other.conflicts);
            }

            /// Lets a loader correct the places of everything that was added, for input that it read
            /// in another shape than the file has.
            pub(crate) fn move_sources(&mut self, mut change: impl FnMut(&mut Source)) {
                $( for resource in &mut self.$field {
                    if let Some(source) = &mut resource.meta.source { change(source); }
                } )*
                for acl in &mut self.network_acls {
                    let entries = acl.ingress.iter_mut().chain(&mut acl.egress).flatten();
                    for source in entries.filter_map(|entry| entry.read_at.0.as_mut()) {
                        change(source);
                    }
                }
                for observation in &mut self.observations {
                    if let Some(source) = &mut observation.source { change(source); }
                }
            }
        }

        $( impl draft::Accept<$type> for Draft {
            fn accept(&mut self, resource: $type) { self.$field.push(resource); }
        } )*
    };
}

collections! {
    /// Virtual private clouds.
    vpcs: Vpc,
    /// vSwitches (subnets of one zone).
    vswitches: VSwitch,
    /// Route tables of VPCs and of their gateways.
    route_tables: RouteTable,
    /// Entries of VPC route tables.
    route_entries: RouteEntry,
    /// IPv4 gateways.
    ipv4_gateways: Ipv4Gateway,
    /// IPv6 gateways.
    ipv6_gateways: Ipv6Gateway,
    /// IPv6 addresses with their Internet bandwidth.
    ipv6_addresses: Ipv6Address,
    /// IPv6 addresses that may only connect outwards.
    ipv6_egress_rules: Ipv6EgressRule,
    /// Endpoints of OSS and the like that a route points to.
    gateway_endpoints: GatewayEndpoint,
    /// Active/standby pairs of GWLB endpoints.
    route_target_groups: RouteTargetGroup,
    /// ECS instances.
    instances: Instance,
    /// Elastic network interfaces.
    enis: Eni,
    /// Virtual addresses with a master.
    havips: HaVip,
    /// Elastic IP addresses.
    eips: Eip,
    /// Shared bandwidth packages, also the NAT packages of 2016.
    bandwidth_packages: BandwidthPackage,
    /// Internet and VPC NAT gateways.
    nat_gateways: NatGateway,
    /// SNAT entries.
    snat_entries: SnatEntry,
    /// DNAT entries (the API calls them forward entries).
    dnat_entries: DnatEntry,
    /// Entries of a VPC NAT that translate both ends.
    full_nat_entries: FullNatEntry,
    /// Private addresses of VPC NAT gateways.
    nat_ips: NatIp,
    /// Security groups.
    security_groups: SecurityGroup,
    /// Rules of security groups.
    security_group_rules: SecurityGroupRule,
    /// Network ACLs with their entries in order.
    network_acls: NetworkAcl,
    /// VPC and ECS prefix lists.
    prefix_lists: PrefixList,
    /// Port lists of security group rules.
    port_lists: PortList,
    /// CLB, ALB and NLB instances.
    load_balancers: LoadBalancer,
    /// Listeners.
    listeners: Listener,
    /// Forwarding rules of listeners.
    forwarding_rules: ForwardingRule,
    /// Server groups of all load balancers.
    server_groups: ServerGroup,
    /// Access control lists of listeners.
    access_lists: AccessList,
    /// PrivateLink endpoints.
    endpoints: Endpoint,
    /// PrivateLink endpoint services.
    endpoint_services: EndpointService,
    /// Connections of endpoints as the service side lists them.
    endpoint_connections: EndpointConnection,
    /// VPC peering connections.
    vpc_peers: VpcPeer,
    /// Cloud Enterprise Network instances.
    cens: Cen,
    /// Routes of basic (not Enterprise) CEN.
    cen_routes: CenRoute,
    /// Route maps of CEN.
    cen_route_maps: CenRouteMap,
    /// Transit routers.
    transit_routers: TransitRouter,
    /// Attachments of transit routers.
    transit_attachments: TransitAttachment,
    /// Route tables of transit routers.
    transit_route_tables: TransitRouteTable,
    /// Entries of those tables.
    transit_route_entries: TransitRouteEntry,
    /// Which table an attachment uses.
    transit_associations: TransitAssociation,
    /// Which tables learn an attachment's routes.
    transit_propagations: TransitPropagation,
    /// VPN gateways.
    vpn_gateways: VpnGateway,
    /// IPsec connections.
    vpn_connections: VpnConnection,
    /// Routes of VPN gateways and connections.
    vpn_routes: VpnRoute,
    /// The far ends of IPsec connections.
    customer_gateways: CustomerGateway,
    /// Router interfaces (Express Connect).
    router_interfaces: RouterInterface,
    /// Virtual border routers.
    border_routers: BorderRouter,
}
