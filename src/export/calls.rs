//! The calls of a complete export, in the order in which they are made.
//!
//! This table is the only place that knows them: the export script and the RAM policy are both
//! written from it (formats-api.md §3, §8, §9; decisions.md 24).

use crate::topology::Listing::{self, *};

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// A listing that the model keeps track of.
    Known(Listing),
    /// A call whose answer adds facts to objects of other listings, or that is kept for the reader.
    Extra {
        /// Product of the call, e.g. `vpc`.
        product: &'static str,
        /// Name of the call.
        name: &'static str,
    },
}

impl Api {
    /// Product as the CLI names it.
    pub(super) fn product(self) -> &'static str {
        match self {
            Self::Known(listing) => listing.product(),
            Self::Extra { product, .. } => product,
        }
    }

    /// Name of the call.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Known(listing) => listing.api(),
            Self::Extra { name, .. } => name,
        }
    }
}

/// How the rows of a listing come in pages. Sizes are the largest that the API documents
/// (formats-api.md §3), or 50 and 100 where none is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paging {
    /// One answer holds everything.
    Single,
    /// Page numbers from 1, with the number of all rows in each answer.
    Number {
        /// Parameter with the number of the page.
        parameter: &'static str,
        /// Rows per page, sent as `PageSize`.
        size: u16,
        /// jq path of the rows.
        rows: &'static str,
        /// jq path of the number of all rows.
        total: &'static str,
    },
    /// A token from the answer before.
    Token {
        /// Parameter with the number of rows per page.
        parameter: &'static str,
        /// Rows per page.
        size: u16,
        /// jq path of the rows.
        rows: &'static str,
    },
}

/// The loop around a call that is made once per object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loop {
    /// The listing that names the objects; it comes earlier in the table.
    pub(super) over: Listing,
    /// jq filter that yields the objects.
    pub(super) objects: &'static str,
    /// Request parameter, and the field of the object that gives its value.
    pub(super) parameters: &'static [(&'static str, &'static str)],
}

/// One kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    /// What is called.
    pub(super) api: Api,
    /// How its rows come in pages.
    pub(super) paging: Paging,
    /// The loop around it.
    pub(super) each: Option<Loop>,
    /// Parameter that restricts a listing of the region to one VPC.
    pub(super) vpc_parameter: Option<&'static str>,
    /// Further parameters, always sent.
    pub(super) with: &'static [(&'static str, &'static str)],
    /// The answers are known to hold secrets.
    pub(super) secrets: bool,
    /// A failure costs nothing in most accounts.
    pub(super) optional: bool,
}

impl Call {
    const fn new(api: Api, paging: Paging) -> Self {
        Self {
            api,
            paging,
            each: None,
            vpc_parameter: None,
            with: &[],
            secrets: false,
            optional: false,
        }
    }

    /// A call without pages.
    const fn single(listing: Listing) -> Self {
        Self::new(Api::Known(listing), Paging::Single)
    }

    /// Pages by `PageNumber`.
    const fn pages(listing: Listing, size: u16, rows: &'static str) -> Self {
        Self::new(Api::Known(listing), numbered(size, rows))
    }

    /// Pages by `NextToken` and `MaxResults`.
    const fn tokens(listing: Listing, size: u16, rows: &'static str) -> Self {
        let paging = Paging::Token { parameter: "MaxResults", size, rows };
        Self::new(Api::Known(listing), paging)
    }

    const fn each(
        mut self,
        over: Listing,
        objects: &'static str,
        parameters: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.each = Some(Loop { over, objects, parameters });
        self
    }

    const fn of_vpc(mut self, parameter: &'static str) -> Self {
        self.vpc_parameter = Some(parameter);
        self
    }

    const fn with(mut self, parameters: &'static [(&'static str, &'static str)]) -> Self {
        self.with = parameters;
        self
    }

    const fn secrets(mut self) -> Self {
        self.secrets = true;
        self
    }

    const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

const fn numbered(size: u16, rows: &'static str) -> Paging {
    Paging::Number { parameter: "PageNumber", size, rows, total: ".TotalCount" }
}

const VPCS: &str = ".Vpcs.Vpc[]?";
const NATS: &str = ".NatGateways.NatGateway[]?";
const VPN_GATEWAYS: &str = ".VpnGateways.VpnGateway[]?";
const CLBS: &str = ".LoadBalancers.LoadBalancer[]?";
const CENS: &str = ".Cens.Cen[]?";
const TRANSIT_TABLES: &str = ".TransitRouterRouteTables[]?";

const OF_NAT: &[(&str, &str)] = &[("NatGatewayId", "NatGatewayId")];
const OF_VPN_GATEWAY: &[(&str, &str)] = &[("VpnGatewayId", "VpnGatewayId")];
const OF_CLB: &[(&str, &str)] = &[("LoadBalancerId", "LoadBalancerId")];
const OF_ENDPOINT: &[(&str, &str)] = &[("EndpointId", "EndpointId")];
const OF_SERVICE: &[(&str, &str)] = &[("ServiceId", "ServiceId")];
const OF_CEN: &[(&str, &str)] = &[("CenId", "CenId")];
const OF_TRANSIT_TABLE: &[(&str, &str)] =
    &[("TransitRouterRouteTableId", "TransitRouterRouteTableId")];
const BGP: &[(&str, &str)] = &[("RouteEntryType", "bgp")];

/// An IPsec connection that belongs to a transit router has routes of its own; one that is attached
/// to nothing has none to ask for.
const ATTACHED_VPN: &str =
    r#".VpnAttachments[]? | select((.AttachType // "" | ascii_upcase) != "NO_ASSOCIATED")"#;

/// All calls of an export.
pub(super) const CALLS: &[Call] = &[
    Call::single(CallerIdentity),
    // VPC and routing
    Call::pages(Vpcs, 50, ".Vpcs.Vpc").of_vpc("VpcId"),
    Call::single(VpcAttributes).each(Vpcs, VPCS, &[("VpcId", "VpcId")]),
    Call::pages(CenGrants, 50, ".CenGrantRules.CbnGrantRule")
        .with(&[("InstanceType", "VPC")])
        .each(Vpcs, VPCS, &[("InstanceId", "VpcId")]),
    Call::pages(VSwitches, 50, ".VSwitches.VSwitch").of_vpc("VpcId"),
    Call::tokens(CidrReservations, 100, ".VSwitchCidrReservations"),
    Call::pages(VRouters, 50, ".VRouters.VRouter"),
    Call::pages(RouteTables, 50, ".RouterTableList.RouterTableListType").of_vpc("VpcId"),
    // The size parameter of this one call has no `s` (formats-api.md §3). Gateway tables refuse it.
    Call::new(
        Api::Known(RouteEntries),
        Paging::Token { parameter: "MaxResult", size: 100, rows: ".RouteEntrys.RouteEntry" },
    )
    .each(
        RouteTables,
        r#".RouterTableList.RouterTableListType[]? | select(.AssociateType != "Gateway")"#,
        &[("RouteTableId", "RouteTableId")],
    ),
    Call::tokens(GatewayRouteEntries, 100, ".GatewayRouteEntryModels").each(
        RouteTables,
        r#".RouterTableList.RouterTableListType[]? | select(.AssociateType == "Gateway")"#,
        &[("GatewayRouteTableId", "RouteTableId")],
    ),
    Call::tokens(VpcPrefixLists, 100, ".PrefixLists"),
    Call::tokens(VpcPrefixListEntries, 100, ".PrefixListEntry").each(
        VpcPrefixLists,
        ".PrefixLists[]?",
        &[("PrefixListId", "PrefixListId")],
    ),
    Call::pages(NetworkAcls, 50, ".NetworkAcls.NetworkAcl").of_vpc("VpcId"),
    Call::tokens(Ipv4Gateways, 100, ".Ipv4GatewayModels").of_vpc("VpcId"),
    Call::pages(Ipv6Gateways, 50, ".Ipv6Gateways.Ipv6Gateway").of_vpc("VpcId"),
    Call::single(Ipv6GatewayAttributes).each(
        Ipv6Gateways,
        ".Ipv6Gateways.Ipv6Gateway[]?",
        &[("Ipv6GatewayId", "Ipv6GatewayId")],
    ),
    Call::pages(Ipv6EgressRules, 50, ".Ipv6EgressOnlyRules.Ipv6EgressOnlyRule").each(
        Ipv6Gateways,
        ".Ipv6Gateways.Ipv6Gateway[]?",
        &[("Ipv6GatewayId", "Ipv6GatewayId")],
    ),
    Call::pages(Ipv6Addresses, 50, ".Ipv6Addresses.Ipv6Address").of_vpc("VpcId"),
    Call::pages(Ipv6Addresses, 50, ".Ipv6Addresses.Ipv6Address")
        .with(&[("AddressType", "IPv6Prefix")])
        .of_vpc("VpcId"),
    Call::tokens(GatewayEndpoints, 100, ".Endpoints").of_vpc("VpcId"),
    Call::tokens(RouteTargetGroups, 50, ".RouteTargetGroups").of_vpc("VpcId"),
    Call::new(
        Api::Extra { product: "vpc", name: "DescribeFlowLogs" },
        numbered(50, ".FlowLogs.FlowLog"),
    )
    .of_vpc("VpcId"),
    // NAT, EIP, HaVip
    Call::pages(NatGateways, 50, ".NatGateways.NatGateway").of_vpc("VpcId"),
    Call::pages(SnatEntries, 50, ".SnatTableEntries.SnatTableEntry").each(
        NatGateways,
        NATS,
        OF_NAT,
    ),
    Call::pages(DnatEntries, 50, ".ForwardTableEntries.ForwardTableEntry").each(
        NatGateways,
        NATS,
        OF_NAT,
    ),
    Call::tokens(FullNatEntries, 100, ".FullNatEntries").each(NatGateways, NATS, OF_NAT),
    // Only a gateway that serves PrivateLink has interfaces of others.
    Call::tokens(NatGatewayEnis, 100, ".AssociateNetworkInterfaces.AssociateNetworkInterface").each(
        NatGateways,
        ".NatGateways.NatGateway[]? | select(.PrivateLinkEnabled == true)",
        OF_NAT,
    ),
    Call::tokens(NatIpCidrs, 100, ".NatIpCidrs").each(NatGateways, VPC_NATS, OF_NAT),
    Call::tokens(NatIps, 100, ".NatIps").each(NatGateways, VPC_NATS, OF_NAT),
    Call::pages(Eips, 100, ".EipAddresses.EipAddress"),
    Call::pages(BandwidthPackages, 50, ".CommonBandwidthPackages.CommonBandwidthPackage"),
    Call::pages(HaVips, 50, ".HaVips.HaVip"),
    // VPN, Express Connect, peering
    Call::pages(VpnGateways, 50, ".VpnGateways.VpnGateway").of_vpc("VpcId"),
    Call::pages(VpnConnections, 50, ".VpnConnections.VpnConnection").secrets(),
    Call::pages(CustomerGateways, 50, ".CustomerGateways.CustomerGateway").secrets(),
    Call::pages(VpnRoutes, 50, ".VpnRouteEntries.VpnRouteEntry").each(
        VpnGateways,
        VPN_GATEWAYS,
        OF_VPN_GATEWAY,
    ),
    Call::pages(VpnRoutes, 50, ".VpnRouteEntries.VpnRouteEntry").with(BGP).each(
        VpnGateways,
        VPN_GATEWAYS,
        OF_VPN_GATEWAY,
    ),
    Call::pages(VpnPbrRoutes, 50, ".VpnPbrRouteEntries.VpnPbrRouteEntry").each(
        VpnGateways,
        VPN_GATEWAYS,
        OF_VPN_GATEWAY,
    ),
    Call::pages(VpnAttachments, 50, ".VpnAttachments").secrets(),
    Call::pages(VcoRoutes, 50, ".VcoRouteEntries").each(VpnAttachments, ATTACHED_VPN, OF_VCO),
    Call::pages(VcoRoutes, 50, ".VcoRouteEntries").with(BGP).each(
        VpnAttachments,
        ATTACHED_VPN,
        OF_VCO,
    ),
    Call::pages(RouterInterfaces, 50, ".RouterInterfaceSet.RouterInterfaceType"),
    Call::pages(BorderRouters, 50, ".VirtualBorderRouterSet.VirtualBorderRouterType")
        .with(&[("IncludeCrossAccountVbr", "true")])
        .secrets(),
    Call::tokens(VpcPeers, 100, ".VpcPeerConnects").of_vpc("VpcId.1"),
    // ECS. The attribute adds the IPv6 addresses and prefixes of the ENIs.
    Call::tokens(Instances, 100, ".Instances.Instance")
        .with(&[("AdditionalAttributes.1", "NETWORK_PRIMARY_ENI_IP")])
        .of_vpc("VpcId"),
    Call::tokens(Enis, 500, ".NetworkInterfaceSets.NetworkInterfaceSet").of_vpc("VpcId"),
    Call::tokens(SecurityGroups, 100, ".SecurityGroups.SecurityGroup").of_vpc("VpcId"),
    Call::tokens(SecurityGroupRules, 1000, ".Permissions.Permission")
        .with(&[("Direction", "all")])
        .each(
            SecurityGroups,
            ".SecurityGroups.SecurityGroup[]?",
            &[("SecurityGroupId", "SecurityGroupId")],
        ),
    Call::tokens(EcsPrefixLists, 100, ".PrefixLists.PrefixList"),
    Call::single(EcsPrefixListEntries).each(
        EcsPrefixLists,
        ".PrefixLists.PrefixList[]?",
        &[("PrefixListId", "PrefixListId")],
    ),
    Call::tokens(PortLists, 100, ".PortRangeLists"),
    Call::single(PortListEntries).each(
        PortLists,
        ".PortRangeLists[]?",
        &[("PortRangeListId", "PortRangeListId")],
    ),
    // Instances of the classic network, which new accounts do not have.
    Call::pages(ClassicLinks, 100, ".Links.Link").of_vpc("VpcId").optional(),
    // The NAT packages of 2016; only accounts that had them can ask.
    Call::pages(NatBandwidthPackages, 50, ".BandwidthPackages.BandwidthPackage").optional(),
    // CLB
    Call::pages(ClbInstances, 100, ".LoadBalancers.LoadBalancer").of_vpc("VpcId"),
    Call::single(ClbAttributes).each(ClbInstances, CLBS, OF_CLB),
    Call::single(ClbServerGroups).each(ClbInstances, CLBS, OF_CLB),
    Call::single(ClbMasterSlaveGroups).each(ClbInstances, CLBS, OF_CLB),
    Call::single(ClbHealth).each(ClbInstances, CLBS, OF_CLB),
    Call::single(ClbServerGroupMembers).each(
        ClbServerGroups,
        ".VServerGroups.VServerGroup[]?",
        &[("VServerGroupId", "VServerGroupId")],
    ),
    Call::single(ClbMasterSlaveMembers).each(
        ClbMasterSlaveGroups,
        ".MasterSlaveServerGroups.MasterSlaveServerGroup[]?",
        &[("MasterSlaveServerGroupId", "MasterSlaveServerGroupId")],
    ),
    Call::tokens(ClbListeners, 100, ".Listeners"),
    // Only HTTP and HTTPS listeners have forwarding rules.
    Call::single(ClbRules).each(
        ClbListeners,
        r#".Listeners[]? | select(.ListenerProtocol // "" | ascii_downcase | . == "http" or . == "https")"#,
        &[
            ("LoadBalancerId", "LoadBalancerId"),
            ("ListenerPort", "ListenerPort"),
            ("ListenerProtocol", "ListenerProtocol"),
        ],
    ),
    Call::pages(ClbAccessLists, 50, ".Acls.Acl"),
    // The page and the total have names of their own here.
    Call::new(
        Api::Known(ClbAccessListEntries),
        Paging::Number {
            parameter: "Page",
            size: 50,
            rows: ".AclEntrys.AclEntry",
            total: ".TotalAclEntry",
        },
    )
    .each(ClbAccessLists, ".Acls.Acl[]?", &[("AclId", "AclId")]),
    // ALB, NLB
    Call::tokens(AlbInstances, 100, ".LoadBalancers").of_vpc("VpcIds.1"),
    Call::single(AlbAttributes).each(AlbInstances, ".LoadBalancers[]?", OF_CLB),
    Call::tokens(AlbListeners, 100, ".Listeners"),
    Call::single(AlbListenerAttributes).each(
        AlbListeners,
        ".Listeners[]?",
        &[("ListenerId", "ListenerId")],
    ),
    Call::tokens(AlbRules, 100, ".Rules"),
    Call::tokens(AlbServerGroups, 100, ".ServerGroups").of_vpc("VpcId"),
    Call::tokens(AlbServers, 100, ".Servers"),
    Call::tokens(AlbAccessLists, 100, ".Acls"),
    Call::tokens(AlbAccessListEntries, 100, ".AclEntries").each(
        AlbAccessLists,
        ".Acls[]?",
        &[("AclId", "AclId")],
    ),
    Call::tokens(NlbInstances, 100, ".LoadBalancers").of_vpc("VpcIds.1"),
    Call::tokens(NlbListeners, 100, ".Listeners"),
    Call::tokens(NlbServerGroups, 100, ".ServerGroups").of_vpc("VpcId"),
    Call::tokens(NlbServers, 100, ".Servers"),
    // PrivateLink
    Call::tokens(Endpoints, 1000, ".Endpoints").of_vpc("VpcId"),
    Call::tokens(EndpointZones, 1000, ".Zones").each(Endpoints, ".Endpoints[]?", OF_ENDPOINT),
    Call::tokens(EndpointSecurityGroups, 50, ".SecurityGroups").each(
        Endpoints,
        ".Endpoints[]?",
        OF_ENDPOINT,
    ),
    Call::tokens(EndpointServices, 1000, ".Services"),
    Call::single(EndpointServiceAttributes).each(EndpointServices, ".Services[]?", OF_SERVICE),
    Call::tokens(EndpointServiceResources, 50, ".Resources").each(
        EndpointServices,
        ".Services[]?",
        OF_SERVICE,
    ),
    Call::tokens(EndpointServiceUsers, 50, ".Users").each(
        EndpointServices,
        ".Services[]?",
        OF_SERVICE,
    ),
    Call::tokens(EndpointConnections, 1000, ".Connections"),
    Call::tokens(EndpointServicesByUser, 1000, ".Services"),
    // CEN and transit routers
    Call::pages(Cens, 50, ".Cens.Cen"),
    Call::pages(CenChildren, 50, ".ChildInstances.ChildInstance").each(Cens, CENS, OF_CEN),
    Call::pages(CenRouteMaps, 50, ".RouteMaps.RouteMap").each(Cens, CENS, OF_CEN),
    Call::pages(CenRoutes, 50, ".CenRouteEntries.CenRouteEntry")
        .with(&[("CenRegionId", REGION)])
        .each(Cens, CENS, OF_CEN),
    Call::pages(TransitRouters, 50, ".TransitRouters").each(Cens, CENS, OF_CEN),
    Call::tokens(TransitVpcAttachments, 100, ".TransitRouterAttachments").each(Cens, CENS, OF_CEN),
    Call::tokens(TransitVbrAttachments, 100, ".TransitRouterAttachments").each(Cens, CENS, OF_CEN),
    Call::tokens(TransitVpnAttachments, 100, ".TransitRouterAttachments").each(Cens, CENS, OF_CEN),
    Call::tokens(TransitEcrAttachments, 100, ".TransitRouterAttachments").each(Cens, CENS, OF_CEN),
    Call::tokens(TransitPeerAttachments, 100, ".TransitRouterAttachments").each(Cens, CENS, OF_CEN),
    Call::tokens(TransitRouteTables, 100, ".TransitRouterRouteTables").each(
        TransitRouters,
        ".TransitRouters[]?",
        &[("TransitRouterId", "TransitRouterId")],
    ),
    Call::pages(TransitPrefixLists, 100, ".PrefixLists").each(
        TransitRouters,
        ".TransitRouters[]?",
        &[("TransitRouterId", "TransitRouterId")],
    ),
    // Without the filter only active routes are listed.
    Call::tokens(TransitRouteEntries, 100, ".TransitRouterRouteEntries")
        .with(&[("TransitRouterRouteEntryStatus", "All")])
        .each(TransitRouteTables, TRANSIT_TABLES, OF_TRANSIT_TABLE),
    Call::tokens(TransitAssociations, 100, ".TransitRouterAssociations").each(
        TransitRouteTables,
        TRANSIT_TABLES,
        OF_TRANSIT_TABLE,
    ),
    Call::tokens(TransitPropagations, 100, ".TransitRouterPropagations").each(
        TransitRouteTables,
        TRANSIT_TABLES,
        OF_TRANSIT_TABLE,
    ),
];

/// NAT IPs exist on VPC NAT gateways only.
const VPC_NATS: &str =
    r#".NatGateways.NatGateway[]? | select(.NetworkType // "" | ascii_downcase == "intranet")"#;

/// The listing of attachments calls the connection an instance.
const OF_VCO: &[(&str, &str)] = &[("VpnConnectionId", "InstanceId")];

/// Stands for the region of the export among the values of [`Call::with`].
pub(super) const REGION: &str = "$REGION";

/// Listings that an input may hold and that the export does without.
pub(super) const NOT_EXPORTED: &[Listing] = &[
    // Details of one object that another listing states in full.
    VSwitchAttributes,
    RouterRouteTables,
    Ipv4GatewayAttributes,
    NatGatewayAttributes,
    NetworkAclAttributes,
    VpnGatewayAttributes,
    VpnConnectionAttributes,
    VpcPeerAttributes,
    NlbAttributes,
    EndpointAttributes,
    TransitCidrs,
    // What follows from the rules of the groups, and from the routes of the CEN.
    SecurityGroupReferences,
    CenPublishedRoutes,
    // What the cloud offers, not what the customer has.
    GatewayEndpointServices,
];
