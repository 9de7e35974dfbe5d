//! The closed world: which listings a native file makes complete, and which words take that back.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::topology::{Coverage, Id, Kind, Listing, ListingState, Scope};

macro_rules! unknown_words {
    ($( $variant:ident = $($listing:ident)|*, $child:expr; )*) => {
        /// A kind of objects of which there may be more than the file says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum Unknown {
            $(
                #[doc = concat!(stringify!($variant), ".")]
                $variant,
            )*
        }

        impl Unknown {
            const ALL: &'static [Self] = &[$( Self::$variant ),*];

            /// The listings that hold these objects.
            fn listings(self) -> &'static [Listing] {
                match self { $( Self::$variant => &[$( Listing::$listing ),*] ),* }
            }

            /// The kind of object, and its keys, whose `unknown` makes these objects unknown for
            /// that one object.
            fn child(self) -> Option<(Kind, &'static [&'static str])> {
                match self { $( Self::$variant => $child ),* }
            }
        }
    };
}

unknown_words! {
    Vpcs = Vpcs | VRouters, None;
    VpcAttributes = VpcAttributes, Some((Kind::Vpc, &["internet"]));
    Vswitches = VSwitches | VSwitchAttributes | CidrReservations, None;
    RouteTables = RouteTables | RouterRouteTables, None;
    RouteEntries = RouteEntries | GatewayRouteEntries, Some((Kind::RouteTable, &["routes"]));
    Ipv4Gateways = Ipv4Gateways | Ipv4GatewayAttributes, None;
    Ipv6Gateways = Ipv6Gateways | Ipv6GatewayAttributes, None;
    Ipv6Addresses = Ipv6Addresses, None;
    Ipv6EgressRules = Ipv6EgressRules, Some((Kind::Ipv6Gateway, &["egress_only"]));
    GatewayEndpoints = GatewayEndpoints | GatewayEndpointServices, None;
    RouteTargetGroups = RouteTargetGroups, None;
    Instances = Instances | ClassicLinks, None;
    Enis = Enis, None;
    Havips = HaVips, None;
    Eips = Eips, None;
    BandwidthPackages = BandwidthPackages | NatBandwidthPackages, None;
    NatGateways = NatGateways | NatGatewayAttributes | NatGatewayEnis, None;
    SnatEntries = SnatEntries, Some((Kind::NatGateway, &["snat"]));
    DnatEntries = DnatEntries, Some((Kind::NatGateway, &["dnat"]));
    FullNatEntries = FullNatEntries, Some((Kind::NatGateway, &["full_nat"]));
    NatIps = NatIps | NatIpCidrs, Some((Kind::NatGateway, &["nat_ip"]));
    SecurityGroups = SecurityGroups | SecurityGroupReferences, None;
    SecurityGroupRules = SecurityGroupRules, Some((Kind::SecurityGroup, &["ingress", "egress"]));
    NetworkAcls = NetworkAcls | NetworkAclAttributes, None;
    PrefixLists = VpcPrefixLists | EcsPrefixLists, None;
    PrefixListEntries = VpcPrefixListEntries | EcsPrefixListEntries, Some((Kind::PrefixList, &["entries"]));
    PortLists = PortLists, None;
    PortListEntries = PortListEntries, Some((Kind::PortList, &["entries"]));
    LoadBalancers = ClbInstances | AlbInstances | NlbInstances, None;
    LoadBalancerAttributes = ClbAttributes | AlbAttributes | NlbAttributes, Some((Kind::LoadBalancer, &["backends", "zones"]));
    Listeners = ClbListeners | AlbListeners | NlbListeners, None;
    ListenerAttributes = AlbListenerAttributes, Some((Kind::Listener, &["acl"]));
    ForwardingRules = ClbRules | AlbRules, Some((Kind::Listener, &["rule"]));
    BackendHealth = ClbHealth, None;
    ServerGroups = ClbServerGroups | ClbMasterSlaveGroups | AlbServerGroups | NlbServerGroups, Some((Kind::LoadBalancer, &["server_group"]));
    Backends = ClbServerGroupMembers | ClbMasterSlaveMembers | AlbServers | NlbServers, Some((Kind::ServerGroup, &["backends"]));
    AccessLists = ClbAccessLists | AlbAccessLists, None;
    AccessListEntries = ClbAccessListEntries | AlbAccessListEntries, Some((Kind::AccessList, &["entries"]));
    Endpoints = Endpoints | EndpointAttributes, None;
    EndpointZones = EndpointZones, Some((Kind::Endpoint, &["zones"]));
    EndpointSecurityGroups = EndpointSecurityGroups, Some((Kind::Endpoint, &["security_groups"]));
    EndpointServices = EndpointServices | EndpointServicesByUser, None;
    EndpointServiceAttributes = EndpointServiceAttributes, Some((Kind::EndpointService, &["supported_regions", "payer"]));
    EndpointServiceResources = EndpointServiceResources, Some((Kind::EndpointService, &["resources"]));
    EndpointServiceUsers = EndpointServiceUsers, Some((Kind::EndpointService, &["users"]));
    EndpointConnections = EndpointConnections, None;
    VpcPeers = VpcPeers | VpcPeerAttributes, None;
    Cens = Cens | CenGrants, None;
    CenChildren = CenChildren, Some((Kind::Cen, &["children"]));
    CenRoutes = CenRoutes | CenPublishedRoutes, Some((Kind::Cen, &["route"]));
    CenRouteMaps = CenRouteMaps, Some((Kind::Cen, &["route_map"]));
    TransitRouters = TransitRouters | TransitCidrs, Some((Kind::Cen, &["transit_router"]));
    TransitAttachments = TransitVpcAttachments | TransitVbrAttachments | TransitVpnAttachments | TransitEcrAttachments | TransitPeerAttachments, None;
    TransitRouteTables = TransitRouteTables, Some((Kind::TransitRouter, &["route_table"]));
    TransitRouteEntries = TransitRouteEntries, Some((Kind::TransitRouteTable, &["routes"]));
    TransitPrefixLists = TransitPrefixLists, None;
    TransitAssociations = TransitAssociations, Some((Kind::TransitRouteTable, &["associations"]));
    TransitPropagations = TransitPropagations, Some((Kind::TransitRouteTable, &["propagations"]));
    VpnGateways = VpnGateways | VpnGatewayAttributes, None;
    VpnConnections = VpnConnections | VpnConnectionAttributes | VpnAttachments, None;
    VpnRoutes = VpnRoutes | VpnPbrRoutes, Some((Kind::VpnGateway, &["routes"]));
    VpnConnectionRoutes = VcoRoutes, Some((Kind::VpnConnection, &["routes"]));
    CustomerGateways = CustomerGateways, None;
    RouterInterfaces = RouterInterfaces, None;
    BorderRouters = BorderRouters, None;
}

/// An object as the closed world sees it: kind, id, and what its `unknown` names.
pub(super) struct Known<'a> {
    pub(super) kind: Kind,
    pub(super) id: &'a Id,
    pub(super) unknown: &'a [String],
}

/// Records every listing as complete, except what `unknown` names in the file or in an object.
pub(super) fn record<'a>(
    coverage: &mut Coverage,
    scopes: &[Scope],
    unknown: &BTreeSet<Unknown>,
    objects: impl Iterator<Item = Known<'a>>,
) {
    let objects: Vec<Known<'a>> = objects.collect();
    // with all EIPs listed, one that is not known for an object would be known not to exist
    let eip_open = objects.iter().any(|o| o.unknown.iter().any(|u| u == "eip" || u == "eips"));
    for word in Unknown::ALL {
        if unknown.contains(word) || (*word == Unknown::Eips && eip_open) {
            continue;
        }
        // the objects of the parent kind that take the statement back for themselves
        let (parent, gap): (Option<Kind>, BTreeSet<&Id>) = match word.child() {
            None => (None, BTreeSet::new()),
            Some((kind, keys)) => {
                let open = |o: &&Known<'_>| {
                    o.kind == kind && o.unknown.iter().any(|u| keys.contains(&u.as_str()))
                };
                (Some(kind), objects.iter().filter(open).map(|o| o.id).collect())
            }
        };
        for listing in word.listings() {
            if gap.is_empty() || listing.parent() != parent {
                for scope in scopes {
                    coverage.record(*listing, scope.clone(), ListingState::Complete);
                }
                continue;
            }
            // a statement for everywhere would cover these too, so each other parent gets its own
            for object in &objects {
                if Some(object.kind) == parent && !gap.contains(object.id) {
                    let scope = Scope::of_parent(object.id);
                    coverage.record(*listing, scope, ListingState::Complete);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listing_has_a_word() {
        let named: BTreeSet<Listing> =
            Unknown::ALL.iter().flat_map(|word| word.listings()).copied().collect();
        let missing: Vec<_> = Listing::ALL
            .iter()
            .filter(|l| !named.contains(l) && **l != Listing::CallerIdentity)
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
