//! Between VPCs and to the outside: peering, CEN and transit routers, VPN, Express Connect.

use super::resource::{open_enum, part, resource};
use super::value::{AddrValue, CidrValue};
use super::{Id, RouteDestination, Text};

/// One side of a peering connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerSide {
    /// VPC.
    pub vpc: Option<Id>,
    /// Its blocks; in the body even when the VPC itself is not exported.
    pub cidrs: Option<Vec<CidrValue>>,
    /// Region.
    pub region: Option<Text>,
    /// Account.
    pub account: Option<Id>,
}

resource! {
    /// A VPC peering connection.
    VpcPeer {
        /// The side that asked.
        requester: PeerSide,
        /// The side that accepted.
        accepter: PeerSide,
        /// Bandwidth in Mbit/s; `None` inside = unlimited.
        bandwidth: Option<u64>,
    }
}

/// A network attached to a CEN instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CenChild {
    /// VPC, VBR or CCN.
    pub id: Id,
    /// `VPC`, `VBR`, `CCN`.
    pub child_type: Option<Text>,
    /// Region.
    pub region: Option<Text>,
    /// Account.
    pub account: Option<Id>,
    /// Status as exported.
    pub status: Option<Text>,
}

part!(CenChild: id; child_type, region, account, status);

resource! {
    /// A Cloud Enterprise Network instance.
    Cen {
        /// Attached networks.
        children: Vec<CenChild> => parts,
        /// Overlap protection level.
        protection_level: Text,
    }
}

resource! {
    /// A route of basic CEN in one region.
    CenRoute {
        /// CEN instance.
        cen: Id,
        /// Region in which it is seen.
        in_region: Text,
        /// Destination.
        destination: CidrValue,
        /// `Active`, `Candidate`, …
        route_status: Text,
        /// `CEN`, `System`, `Custom`, …
        route_type: Text,
        /// Next hop id.
        next_hop: Id,
        /// Kind of next hop (`VPC`, `VBR`, …).
        next_hop_type: Text,
        /// Region of the next hop.
        next_hop_region: Text,
    }
}

resource! {
    /// A route map of CEN. Only what is read is modelled; a map makes routes it may touch unknown.
    CenRouteMap {
        /// CEN instance.
        cen: Id,
        /// Region.
        in_region: Text,
        /// `RegionIn` or `RegionOut`.
        direction: Text,
        /// `Permit` or `Deny`.
        result: Text,
        /// Order of evaluation.
        priority: u64,
        /// Destination blocks it matches.
        destinations: Vec<CidrValue>,
    }
}

open_enum! {
    /// Edition of a transit router.
    TransitRouterType {
        /// Has route tables of its own.
        Enterprise = "Enterprise",
        /// Basic CEN: no tables to list.
        Basic = "Basic",
    }
}

resource! {
    /// A transit router.
    TransitRouter {
        /// CEN instance.
        cen: Id,
        /// Edition.
        router_type: TransitRouterType,
        /// Its own blocks.
        cidrs: Vec<CidrValue> => parts,
    }
}

open_enum! {
    /// What a transit router attachment leads to.
    AttachmentType {
        /// A VPC.
        Vpc = "VPC",
        /// A virtual border router.
        Vbr = "VBR",
        /// An IPsec connection.
        Vpn = "VPN",
        /// Express Connect Router.
        Ecr = "ECR",
        /// Another transit router.
        Peer = "TR",
    }
}

/// A zone of a VPC attachment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttachmentZone {
    /// Zone.
    pub zone: Option<Text>,
    /// vSwitch that holds the attachment's ENI.
    pub vswitch: Option<Id>,
    /// The ENI.
    pub eni: Option<Id>,
}

resource! {
    /// An attachment of a transit router.
    TransitAttachment {
        /// Transit router.
        transit_router: Id,
        /// CEN instance.
        cen: Id,
        /// What it leads to.
        attachment_type: AttachmentType,
        /// Id of that: VPC, VBR, IPsec connection, ECR, or the far transit router.
        target: Id,
        /// Region of the far transit router.
        peer_region: Text,
        /// Zones of a VPC attachment.
        zones: Vec<AttachmentZone>,
        /// Publishes its routes into the VPC.
        auto_publish: bool,
    }
}

resource! {
    /// A route table of a transit router.
    TransitRouteTable {
        /// Transit router.
        transit_router: Id,
        /// `System` or `Custom`.
        table_type: Text,
    }
}

open_enum! {
    /// What a transit route does.
    TransitHopType {
        /// Drop.
        BlackHole = "BlackHole",
        /// Send into an attachment.
        Attachment = "Attachment",
    }
}

resource! {
    /// An entry of a transit router's route table. Only `Active` entries forward.
    TransitRouteEntry {
        /// Table.
        table: Id,
        /// Destination.
        destination: RouteDestination,
        /// Attachment or black hole.
        next_hop_type: TransitHopType,
        /// Attachment.
        next_hop: Id,
        /// `Static` or `Propagated`.
        origin: Text,
        /// Preference of the path, smaller first.
        preference: u64,
    }
}

resource! {
    /// Which table is looked at for packets that come from an attachment.
    TransitAssociation {
        /// Table.
        table: Id,
        /// Attachment.
        attachment: Id,
    }
}

resource! {
    /// Which table learns the routes of an attachment.
    TransitPropagation {
        /// Table.
        table: Id,
        /// Attachment.
        attachment: Id,
    }
}

resource! {
    /// A VPN gateway.
    VpnGateway {
        /// VPC.
        vpc: Id,
        /// vSwitches.
        vswitches: Vec<Id>,
        /// Public addresses.
        internet_ips: Vec<AddrValue>,
        /// `public` or `private`.
        network: Text,
        /// Its ENIs.
        enis: Vec<Id>,
        /// IPsec is switched on.
        ipsec: bool,
        /// SSL VPN is switched on.
        ssl_vpn: bool,
        /// Publishes its routes into the VPC.
        auto_propagate: bool,
    }
}

/// A tunnel of an IPsec connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VpnTunnel {
    /// Id.
    pub id: Option<Id>,
    /// `master` or `slave`.
    pub role: Option<Text>,
    /// Zone.
    pub zone: Option<Text>,
    /// Public address.
    pub internet_ip: Option<AddrValue>,
    /// Status as exported.
    pub status: Option<Text>,
    /// Customer gateway.
    pub customer_gateway: Option<Id>,
}

resource! {
    /// An IPsec connection. Keys are never loaded.
    VpnConnection {
        /// VPN gateway; a connection on a transit router is `Some(None)`.
        vpn_gateway: Option<Id>,
        /// Transit router.
        transit_router: Id,
        /// Customer gateway.
        customer_gateway: Id,
        /// Own blocks.
        local_subnets: Vec<CidrValue>,
        /// Far blocks.
        remote_subnets: Vec<CidrValue>,
        /// Tunnels.
        tunnels: Vec<VpnTunnel>,
    }
}

resource! {
    /// A route of a VPN gateway or of an IPsec connection on a transit router.
    VpnRoute {
        /// VPN gateway or connection.
        owner: Id,
        /// Destination.
        destination: CidrValue,
        /// Source block of a policy-based route.
        route_source: CidrValue,
        /// IPsec connection.
        next_hop: Id,
        /// Weight.
        weight: u64,
        /// Priority of a policy-based route, smaller first.
        priority: u64,
        /// `published` or `normal`.
        state: Text,
        /// `custom`, `bgp`, `pbr`.
        route_type: Text,
    }
}

resource! {
    /// The far end of IPsec connections.
    CustomerGateway {
        /// Its address.
        address: AddrValue,
    }
}

resource! {
    /// A router interface.
    RouterInterface {
        /// Own router (`vrt-` or `vbr-`).
        router: Id,
        /// `VRouter` or `VBR`.
        router_type: Text,
        /// Own VPC.
        vpc: Id,
        /// `InitiatingSide` or `AcceptingSide`.
        role: Text,
        /// Far interface.
        opposite: Id,
        /// Far router.
        opposite_router: Id,
        /// Kind of the far router.
        opposite_router_type: Text,
        /// Far region.
        opposite_region: Text,
        /// Far VPC.
        opposite_vpc: Id,
        /// Far account.
        opposite_account: Id,
    }
}

resource! {
    /// A virtual border router.
    BorderRouter {
        /// Route table.
        route_table: Id,
        /// Physical connection.
        physical_connection: Id,
        /// Cloud side address.
        local_address: AddrValue,
        /// Customer side address.
        peer_address: AddrValue,
        /// VLAN.
        vlan: u64,
        /// CEN instances.
        cens: Vec<Id>,
        /// Express Connect Router.
        ecr: Id,
    }
}
