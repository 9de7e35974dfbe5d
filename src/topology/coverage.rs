//! Which listings of the cloud are in the input, and whether they are whole.
//!
//! "There is no SNAT entry" and "the SNAT entries were not exported" are different facts; this file
//! keeps them apart (formats-api.md §5, completeness rules).

use std::collections::BTreeMap;
use std::fmt;

use super::{Id, Kind};

macro_rules! listings {
    ($( $variant:ident = $product:literal, $api:literal, $parent:expr; )*) => {
        /// A listing that an export can hold, named after the call that makes it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Listing {
            $( #[doc = $api] $variant, )*
        }

        impl Listing {
            /// All listings.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];

            /// Name of the call, e.g. `DescribeVpcs`.
            pub fn api(self) -> &'static str {
                match self { $( Self::$variant => $api ),* }
            }

            /// Product of the call, e.g. `vpc`.
            pub fn product(self) -> &'static str {
                match self { $( Self::$variant => $product ),* }
            }

            /// The kind of resource that the call is made for, one call each.
            pub fn parent(self) -> Option<Kind> {
                match self { $( Self::$variant => $parent ),* }
            }
        }
    };
}

listings! {
    Vpcs = "vpc", "DescribeVpcs", None;
    VpcAttributes = "vpc", "DescribeVpcAttribute", Some(Kind::Vpc);
    VSwitches = "vpc", "DescribeVSwitches", None;
    VSwitchAttributes = "vpc", "DescribeVSwitchAttributes", Some(Kind::VSwitch);
    VRouters = "vpc", "DescribeVRouters", None;
    CidrReservations = "vpc", "ListVSwitchCidrReservations", None;
    CenGrants = "vpc", "DescribeGrantRulesToCen", Some(Kind::Vpc);
    RouteTables = "vpc", "DescribeRouteTableList", None;
    RouterRouteTables = "vpc", "DescribeRouteTables", Some(Kind::Vpc);
    RouteEntries = "vpc", "DescribeRouteEntryList", Some(Kind::RouteTable);
    GatewayRouteEntries = "vpc", "ListGatewayRouteTableEntries", Some(Kind::RouteTable);
    VpcPrefixLists = "vpc", "ListPrefixLists", None;
    VpcPrefixListEntries = "vpc", "GetVpcPrefixListEntries", Some(Kind::PrefixList);
    Ipv4Gateways = "vpc", "ListIpv4Gateways", None;
    Ipv4GatewayAttributes = "vpc", "GetIpv4GatewayAttribute", Some(Kind::Ipv4Gateway);
    Ipv6Gateways = "vpc", "DescribeIpv6Gateways", None;
    Ipv6GatewayAttributes = "vpc", "DescribeIpv6GatewayAttribute", Some(Kind::Ipv6Gateway);
    Ipv6Addresses = "vpc", "DescribeIpv6Addresses", None;
    Ipv6EgressRules = "vpc", "DescribeIpv6EgressOnlyRules", Some(Kind::Ipv6Gateway);
    GatewayEndpoints = "vpc", "ListVpcGatewayEndpoints", None;
    GatewayEndpointServices = "vpc", "ListVpcEndpointServicesByEndUser", None;
    RouteTargetGroups = "vpc", "ListRouteTargetGroups", None;
    NatGateways = "vpc", "DescribeNatGateways", None;
    NatGatewayAttributes = "vpc", "GetNatGatewayAttribute", Some(Kind::NatGateway);
    NatGatewayEnis = "vpc", "DescribeNatGatewayAssociateNetworkInterfaces", Some(Kind::NatGateway);
    SnatEntries = "vpc", "DescribeSnatTableEntries", Some(Kind::NatGateway);
    DnatEntries = "vpc", "DescribeForwardTableEntries", Some(Kind::NatGateway);
    FullNatEntries = "vpc", "ListFullNatEntries", Some(Kind::NatGateway);
    NatIps = "vpc", "ListNatIps", Some(Kind::NatGateway);
    NatIpCidrs = "vpc", "ListNatIpCidrs", Some(Kind::NatGateway);
    Eips = "vpc", "DescribeEipAddresses", None;
    BandwidthPackages = "vpc", "DescribeCommonBandwidthPackages", None;
    NatBandwidthPackages = "ecs", "DescribeBandwidthPackages", None;
    HaVips = "vpc", "DescribeHaVips", None;
    NetworkAcls = "vpc", "DescribeNetworkAcls", None;
    NetworkAclAttributes = "vpc", "DescribeNetworkAclAttributes", Some(Kind::NetworkAcl);
    VpnGateways = "vpc", "DescribeVpnGateways", None;
    VpnGatewayAttributes = "vpc", "DescribeVpnGateway", Some(Kind::VpnGateway);
    VpnConnections = "vpc", "DescribeVpnConnections", None;
    VpnConnectionAttributes = "vpc", "DescribeVpnConnection", Some(Kind::VpnConnection);
    VpnRoutes = "vpc", "DescribeVpnRouteEntries", Some(Kind::VpnGateway);
    VpnPbrRoutes = "vpc", "DescribeVpnPbrRouteEntries", Some(Kind::VpnGateway);
    VpnAttachments = "vpc", "DescribeVpnAttachments", None;
    VcoRoutes = "vpc", "DescribeVcoRouteEntries", Some(Kind::VpnConnection);
    CustomerGateways = "vpc", "DescribeCustomerGateways", None;
    RouterInterfaces = "vpc", "DescribeRouterInterfaces", None;
    BorderRouters = "vpc", "DescribeVirtualBorderRouters", None;
    VpcPeers = "vpcpeer", "ListVpcPeerConnections", None;
    VpcPeerAttributes = "vpcpeer", "GetVpcPeerConnectionAttribute", Some(Kind::VpcPeer);
    Instances = "ecs", "DescribeInstances", None;
    ClassicLinks = "ecs", "DescribeClassicLinkInstances", None;
    Enis = "ecs", "DescribeNetworkInterfaces", None;
    SecurityGroups = "ecs", "DescribeSecurityGroups", None;
    SecurityGroupRules = "ecs", "DescribeSecurityGroupAttribute", Some(Kind::SecurityGroup);
    SecurityGroupReferences = "ecs", "DescribeSecurityGroupReferences", Some(Kind::SecurityGroup);
    EcsPrefixLists = "ecs", "DescribePrefixLists", None;
    EcsPrefixListEntries = "ecs", "DescribePrefixListAttributes", Some(Kind::PrefixList);
    PortLists = "ecs", "DescribePortRangeLists", None;
    PortListEntries = "ecs", "DescribePortRangeListEntries", Some(Kind::PortList);
    ClbInstances = "slb", "DescribeLoadBalancers", None;
    ClbAttributes = "slb", "DescribeLoadBalancerAttribute", Some(Kind::LoadBalancer);
    ClbListeners = "slb", "DescribeLoadBalancerListeners", None;
    ClbServerGroups = "slb", "DescribeVServerGroups", Some(Kind::LoadBalancer);
    ClbServerGroupMembers = "slb", "DescribeVServerGroupAttribute", Some(Kind::ServerGroup);
    ClbMasterSlaveGroups = "slb", "DescribeMasterSlaveServerGroups", Some(Kind::LoadBalancer);
    ClbMasterSlaveMembers = "slb", "DescribeMasterSlaveServerGroupAttribute", Some(Kind::ServerGroup);
    ClbHealth = "slb", "DescribeHealthStatus", Some(Kind::LoadBalancer);
    ClbRules = "slb", "DescribeRules", Some(Kind::Listener);
    ClbAccessLists = "slb", "DescribeAccessControlLists", None;
    ClbAccessListEntries = "slb", "DescribeAccessControlListAttribute", Some(Kind::AccessList);
    AlbInstances = "alb", "ListLoadBalancers", None;
    AlbAttributes = "alb", "GetLoadBalancerAttribute", Some(Kind::LoadBalancer);
    AlbListeners = "alb", "ListListeners", None;
    AlbListenerAttributes = "alb", "GetListenerAttribute", Some(Kind::Listener);
    AlbRules = "alb", "ListRules", None;
    AlbServerGroups = "alb", "ListServerGroups", None;
    AlbServers = "alb", "ListServerGroupServers", None;
    AlbAccessLists = "alb", "ListAcls", None;
    AlbAccessListEntries = "alb", "ListAclEntries", Some(Kind::AccessList);
    NlbInstances = "nlb", "ListLoadBalancers", None;
    NlbAttributes = "nlb", "GetLoadBalancerAttribute", Some(Kind::LoadBalancer);
    NlbListeners = "nlb", "ListListeners", None;
    NlbServerGroups = "nlb", "ListServerGroups", None;
    NlbServers = "nlb", "ListServerGroupServers", None;
    Endpoints = "privatelink", "ListVpcEndpoints", None;
    EndpointAttributes = "privatelink", "GetVpcEndpointAttribute", Some(Kind::Endpoint);
    EndpointZones = "privatelink", "ListVpcEndpointZones", Some(Kind::Endpoint);
    EndpointSecurityGroups = "privatelink", "ListVpcEndpointSecurityGroups", Some(Kind::Endpoint);
    EndpointServices = "privatelink", "ListVpcEndpointServices", None;
    EndpointServiceAttributes = "privatelink", "GetVpcEndpointServiceAttribute", Some(Kind::EndpointService);
    EndpointServiceResources = "privatelink", "ListVpcEndpointServiceResources", Some(Kind::EndpointService);
    EndpointServiceUsers = "privatelink", "ListVpcEndpointServiceUsers", Some(Kind::EndpointService);
    EndpointServicesByUser = "privatelink", "ListVpcEndpointServicesByEndUser", None;
    EndpointConnections = "privatelink", "ListVpcEndpointConnections", None;
    Cens = "cbn", "DescribeCens", None;
    CenChildren = "cbn", "DescribeCenAttachedChildInstances", Some(Kind::Cen);
    CenRoutes = "cbn", "DescribeCenRegionDomainRouteEntries", Some(Kind::Cen);
    CenPublishedRoutes = "cbn", "DescribePublishedRouteEntries", Some(Kind::Cen);
    CenRouteMaps = "cbn", "DescribeCenRouteMaps", Some(Kind::Cen);
    TransitRouters = "cbn", "ListTransitRouters", Some(Kind::Cen);
    TransitCidrs = "cbn", "ListTransitRouterCidr", Some(Kind::TransitRouter);
    TransitVpcAttachments = "cbn", "ListTransitRouterVpcAttachments", Some(Kind::Cen);
    TransitVbrAttachments = "cbn", "ListTransitRouterVbrAttachments", Some(Kind::Cen);
    TransitVpnAttachments = "cbn", "ListTransitRouterVpnAttachments", Some(Kind::Cen);
    TransitEcrAttachments = "cbn", "ListTransitRouterEcrAttachments", Some(Kind::Cen);
    TransitPeerAttachments = "cbn", "ListTransitRouterPeerAttachments", Some(Kind::Cen);
    TransitRouteTables = "cbn", "ListTransitRouterRouteTables", Some(Kind::TransitRouter);
    TransitPrefixLists = "cbn", "ListTransitRouterPrefixListAssociation", Some(Kind::TransitRouter);
    TransitRouteEntries = "cbn", "ListTransitRouterRouteEntries", Some(Kind::TransitRouteTable);
    TransitAssociations = "cbn", "ListTransitRouterRouteTableAssociations", Some(Kind::TransitRouteTable);
    TransitPropagations = "cbn", "ListTransitRouterRouteTablePropagations", Some(Kind::TransitRouteTable);
    CallerIdentity = "sts", "GetCallerIdentity", None;
}

/// What part of the world a listing speaks about. `None` means "not restricted, or not known".
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// Account that was asked.
    pub account: Option<Id>,
    /// Region that was asked.
    pub region: Option<Id>,
    /// The parent, or the VPC that the call was filtered by.
    pub parent: Option<Id>,
}

impl Scope {
    /// No restriction known.
    pub fn anywhere() -> Self {
        Self::default()
    }

    /// The children of one parent.
    pub fn of_parent(parent: &Id) -> Self {
        Self { parent: Some(parent.clone()), ..Self::default() }
    }

    /// Where a resource is: its account and region, no parent.
    pub fn around(meta: &super::Meta) -> Self {
        Self { account: meta.account.clone(), region: meta.region.clone(), parent: None }
    }

    /// The same place, restricted to one parent.
    #[must_use]
    pub fn with_parent(mut self, parent: &Id) -> Self {
        self.parent = Some(parent.clone());
        self
    }

    /// True when a listing with this scope answers a question about `question`.
    fn covers(&self, question: &Self) -> bool {
        let compatible = |mine: &Option<Id>, asked: &Option<Id>| {
            mine.is_none() || asked.is_none() || mine == asked
        };
        compatible(&self.account, &question.account)
            && compatible(&self.region, &question.region)
            && (self.parent.is_none() || self.parent == question.parent)
    }
}

/// How much of a listing is in the input. Ordered from best to worst.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListingState {
    /// Every page is there.
    Complete,
    /// Nothing says whether pages are missing (`--pager` output, bare arrays).
    Unverified,
    /// Pages are missing.
    Truncated {
        /// Rows in the input.
        have: u64,
        /// Rows that the cloud announced, if it did.
        total: Option<u64>,
    },
    /// The call failed, or its answer was empty or unreadable.
    Failed {
        /// Error code, e.g. `Forbidden.RAM`.
        code: String,
    },
}

/// Why a listing cannot be relied on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Absence {
    /// Not in the input at all.
    NotLoaded,
    /// In the input, but not known to be whole.
    State(ListingState),
}

/// A listing that is missing or not whole, as an answer names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The listing.
    pub listing: Listing,
    /// For which parent, if the listing is made per parent.
    pub parent: Option<Id>,
    /// What is wrong with it.
    pub absence: Absence,
}

impl fmt::Display for Gap {
    /// `DescribeSnatTableEntries for ngw-1 (not in the input)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.listing.api())?;
        if let Some(parent) = &self.parent {
            write!(f, " for {parent}")?;
        }
        match &self.absence {
            Absence::NotLoaded => f.write_str(" (not in the input)"),
            Absence::State(ListingState::Complete) => Ok(()),
            Absence::State(ListingState::Unverified) => {
                f.write_str(" (cannot tell whether pages are missing)")
            }
            Absence::State(ListingState::Truncated { have, total: Some(total) }) => {
                write!(f, " (truncated: {have} of {total} rows)")
            }
            Absence::State(ListingState::Truncated { have, total: None }) => {
                write!(f, " (truncated after {have} rows)")
            }
            Absence::State(ListingState::Failed { code }) => write!(f, " (failed: {code})"),
        }
    }
}

/// The states of all listings in the input.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    states: BTreeMap<Listing, Vec<(Scope, ListingState)>>,
    trusted: bool,
}

impl Coverage {
    /// Notes the state of a listing. Of two statements about the same scope the better one stays:
    /// rows are joined, so a complete export makes up for a failed one.
    pub fn record(&mut self, listing: Listing, scope: Scope, state: ListingState) {
        let states = self.states.entry(listing).or_default();
        match states.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, known)) => {
                if state < *known {
                    *known = state;
                }
            }
            None => states.push((scope, state)),
        }
    }

    /// Takes over everything that `other` states.
    pub fn absorb(&mut self, other: Self) {
        for (listing, states) in other.states {
            for (scope, state) in states {
                self.record(listing, scope, state);
            }
        }
    }

    /// `None` when the listing is known to be complete for this scope, else what is wrong with it.
    pub fn gap(&self, listing: Listing, scope: &Scope) -> Option<Gap> {
        let best = self
            .states
            .get(&listing)
            .into_iter()
            .flatten()
            .filter(|(known, _)| known.covers(scope))
            .map(|(_, state)| state)
            .min();
        let absence = match best {
            Some(ListingState::Complete) => return None,
            Some(state) => Absence::State(state.clone()),
            None => Absence::NotLoaded,
        };
        Some(Gap { listing, parent: scope.parent.clone(), absence })
    }

    /// Takes listings for complete of which nothing says whether pages are missing. The user decides
    /// that (knob `unverified_listings`); whatever rests on it says so.
    pub fn trust_unverified(&mut self) {
        for (_, state) in self.states.values_mut().flatten() {
            if *state == ListingState::Unverified {
                *state = ListingState::Complete;
                self.trusted = true;
            }
        }
    }

    /// True when [`Coverage::trust_unverified`] changed something.
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// True when the listing is known to be complete for this scope.
    pub fn is_complete(&self, listing: Listing, scope: &Scope) -> bool {
        self.gap(listing, scope).is_none()
    }

    /// True when anything at all of this listing is in the input.
    pub fn is_loaded(&self, listing: Listing) -> bool {
        self.states.get(&listing).is_some_and(|states| {
            states.iter().any(|(_, s)| !matches!(s, ListingState::Failed { .. }))
        })
    }

    /// Every recorded listing with scope and state, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Listing, &Scope, &ListingState)> {
        self.states.iter().flat_map(|(listing, states)| {
            let mut sorted: Vec<_> = states.iter().collect();
            sorted.sort();
            sorted.into_iter().map(|(scope, state)| (*listing, scope, state))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(region: Option<&str>, parent: Option<&str>) -> Scope {
        Scope { account: None, region: region.map(Id::from), parent: parent.map(Id::from) }
    }

    #[test]
    fn absent_is_not_empty() {
        let mut coverage = Coverage::default();
        let asked = scope(Some("cn-hangzhou"), None);
        assert_eq!(coverage.gap(Listing::Vpcs, &asked).unwrap().absence, Absence::NotLoaded);
        coverage.record(Listing::Vpcs, scope(Some("cn-beijing"), None), ListingState::Complete);
        assert!(!coverage.is_complete(Listing::Vpcs, &asked));
        coverage.record(Listing::Vpcs, scope(Some("cn-hangzhou"), None), ListingState::Complete);
        assert!(coverage.is_complete(Listing::Vpcs, &asked));
    }

    #[test]
    fn a_parent_listing_does_not_cover_another_parent() {
        let mut coverage = Coverage::default();
        coverage.record(Listing::SnatEntries, scope(None, Some("ngw-1")), ListingState::Complete);
        assert!(coverage.is_complete(Listing::SnatEntries, &scope(None, Some("ngw-1"))));
        let gap = coverage.gap(Listing::SnatEntries, &scope(None, Some("ngw-2"))).unwrap();
        assert_eq!(gap.to_string(), "DescribeSnatTableEntries for ngw-2 (not in the input)");
    }

    #[test]
    fn unverified_listings_are_complete_only_on_request() {
        let mut coverage = Coverage::default();
        let at = scope(None, None);
        coverage.record(Listing::Eips, at.clone(), ListingState::Unverified);
        assert!(!coverage.is_complete(Listing::Eips, &at));
        coverage.trust_unverified();
        assert!(coverage.is_complete(Listing::Eips, &at) && coverage.is_trusted());
    }

    #[test]
    fn the_better_of_two_statements_stays() {
        let mut coverage = Coverage::default();
        let at = scope(None, None);
        coverage.record(
            Listing::Eips,
            at.clone(),
            ListingState::Failed { code: "Forbidden".into() },
        );
        coverage.record(
            Listing::Eips,
            at.clone(),
            ListingState::Truncated { have: 10, total: Some(73) },
        );
        let gap = coverage.gap(Listing::Eips, &at).unwrap();
        assert_eq!(gap.to_string(), "DescribeEipAddresses (truncated: 10 of 73 rows)");
        coverage.record(Listing::Eips, at.clone(), ListingState::Complete);
        assert!(coverage.is_complete(Listing::Eips, &at));
    }
}
