//! Peering, CEN, VPN and Express Connect as written.

use super::super::text::{TextOr, Word, Words};
use super::*;

object! {
    /// A VPC peering connection.
    VpcPeer {
        /// The side that asked: a VPC by id or name, or a table.
        from: Option<TextOr<PeerSide>>,
        /// The side that accepted: a VPC by id or name, or a table.
        to: Option<TextOr<PeerSide>>,
        /// Bandwidth in Mbit/s. Left out: unlimited.
        bandwidth: Option<u64>,
    }
}

table! {
    /// One side of a peering connection, for a VPC that is not in this file.
    PeerSide {
        /// VPC.
        vpc: Option<String>,
        /// Its blocks. Left out: those of the VPC in this file.
        cidrs: Option<Words>,
        /// Region.
        region: Option<String>,
        /// Account.
        account: Option<Word>,
    }
}

object! {
    /// A CEN instance.
    Cen {
        /// Attached networks: VPCs by id or name, or tables. Left out: the targets of its
        /// attachments.
        children: Option<Vec<TextOr<CenChild>>>,
        /// Overlap protection level.
        protection_level: Option<String>,
        /// Transit routers.
        transit_router: Vec<TransitRouter>,
        /// Routes of basic CEN.
        route: Vec<CenRoute>,
        /// Route maps.
        route_map: Vec<CenRouteMap>,
    }
}

table! {
    /// A network attached to a CEN instance.
    CenChild {
        /// VPC, VBR or CCN.
        id: Option<String>,
        /// `VPC`, `VBR` or `CCN`. Left out: what the id names in this file.
        r#type: Option<String>,
        /// Region. Left out: that of the network.
        region: Option<String>,
        /// Account. Left out: that of the network.
        account: Option<Word>,
        /// Status. Left out: `Attached`.
        status: Option<String>,
    }
}

object! {
    /// A route of basic CEN in one region.
    CenRoute {
        /// Region in which it is seen.
        region: Option<String>,
        /// Destination block.
        to: Option<String>,
        /// `CEN`, `System`, `Custom`, …
        r#type: Option<String>,
        /// Next hop.
        via: Option<String>,
        /// Kind of next hop (`VPC`, `VBR`, …). Left out: what the id names in this file.
        via_type: Option<String>,
        /// Region of the next hop. Left out: that of the next hop.
        via_region: Option<String>,
    }
}

object! {
    /// A route map of CEN.
    CenRouteMap {
        /// Region.
        region: Option<String>,
        /// `RegionIn` or `RegionOut`.
        direction: Option<String>,
        /// `Permit` or `Deny`.
        result: Option<String>,
        /// Order of evaluation.
        priority: Option<u64>,
        /// Destination blocks it matches.
        destinations: Option<Words>,
    }
}

object! {
    /// A transit router.
    TransitRouter {
        /// CEN instance. Left out: the one it is written in.
        cen: Option<String>,
        /// Region. Left out: the one it is written in.
        region: Option<String>,
        /// `enterprise` or `basic`. Left out: `enterprise`.
        r#type: Option<String>,
        /// Its own blocks. Left out: none.
        cidrs: Option<Words>,
        /// Attachments.
        attachment: Vec<TransitAttachment>,
        /// Route tables.
        route_table: Vec<TransitRouteTable>,
    }
}

object! {
    /// An attachment of a transit router.
    TransitAttachment {
        /// What it leads to: a VPC, VBR, IPsec connection or transit router by id or name.
        to: Option<String>,
        /// `VPC`, `VBR`, `VPN`, `ECR` or `TR`. Left out: what `to` names in this file.
        r#type: Option<String>,
        /// Region of the far transit router. Left out: that of the router in this file.
        peer_region: Option<String>,
        /// Zones of a VPC attachment.
        zones: Option<Vec<AttachmentZone>>,
        /// Publishes its routes into the VPC. Left out: not stated.
        auto_publish: Option<bool>,
        /// Route table that packets from it are looked up in (association).
        table: Option<String>,
        /// Route tables that learn its routes (propagation).
        propagates_to: Option<Words>,
    }
}

table! {
    /// A zone of a VPC attachment.
    AttachmentZone {
        /// Zone. Left out: that of the vSwitch.
        zone: Option<String>,
        /// vSwitch that holds its ENI.
        vswitch: Option<String>,
        /// The ENI.
        eni: Option<String>,
    }
}

object! {
    /// A route table of a transit router.
    TransitRouteTable {
        /// `system` or `custom`. Left out: `custom`.
        r#type: Option<String>,
        /// Routes. `unknown = ["routes"]`: there may be others.
        routes: Vec<TransitRouteEntry>,
        /// Attachments that use it; the same as `table` of the attachment.
        associations: Option<Words>,
        /// Attachments whose routes it learns; the same as `propagates_to` of the attachment.
        propagations: Option<Words>,
    }
}

object! {
    /// A route of a transit router.
    TransitRouteEntry {
        /// Destination: a block, or a prefix list.
        to: Option<String>,
        /// Attachment, or `blackhole`.
        via: Option<String>,
        /// `Static` or `Propagated`. Left out: `Static`.
        origin: Option<String>,
        /// Preference of the path, smaller first.
        preference: Option<u64>,
    }
}

object! {
    /// A VPN gateway.
    VpnGateway {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// vSwitches.
        vswitches: Option<Words>,
        /// Public addresses.
        ip: Option<Words>,
        /// `public` or `private`. Left out: `public`.
        network: Option<String>,
        /// Its ENIs.
        enis: Option<Words>,
        /// IPsec is switched on. Left out: yes.
        ipsec: Option<bool>,
        /// SSL VPN is switched on. Left out: no.
        ssl: Option<bool>,
        /// Publishes its routes into the VPC. Left out: not stated.
        auto_propagate: Option<bool>,
        /// IPsec connections.
        connection: Vec<VpnConnection>,
        /// Routes.
        routes: Vec<VpnRoute>,
    }
}

object! {
    /// An IPsec connection.
    VpnConnection {
        /// VPN gateway. Left out: the one it is written in, else none.
        vpn_gateway: Option<String>,
        /// Transit router.
        transit_router: Option<String>,
        /// Customer gateway.
        customer_gateway: Option<String>,
        /// Own blocks.
        local: Option<Words>,
        /// Far blocks.
        remote: Option<Words>,
        /// Tunnels. Left out: none.
        tunnels: Option<Vec<Tunnel>>,
        /// Routes of a connection on a transit router.
        routes: Vec<VpnRoute>,
    }
}

table! {
    /// A tunnel.
    Tunnel {
        /// Id.
        id: Option<String>,
        /// `master` or `slave`.
        role: Option<String>,
        /// Zone.
        zone: Option<String>,
        /// Public address.
        ip: Option<String>,
        /// Status as the cloud tells it.
        status: Option<String>,
        /// Customer gateway.
        customer_gateway: Option<String>,
    }
}

object! {
    /// A route of a VPN gateway or IPsec connection.
    VpnRoute {
        /// Destination block.
        to: Option<String>,
        /// Source block of a policy-based route.
        from: Option<String>,
        /// IPsec connection.
        via: Option<String>,
        /// Weight.
        weight: Option<u64>,
        /// Priority of a policy-based route, smaller first.
        priority: Option<u64>,
        /// `published` or `normal`. Left out: `published`.
        state: Option<String>,
        /// `custom`, `bgp` or `pbr`. Left out: `pbr` with `from`, else `custom`.
        r#type: Option<String>,
    }
}

object! {
    /// The far end of IPsec connections.
    CustomerGateway {
        /// Its address.
        ip: Option<String>,
    }
}

object! {
    /// A router interface (Express Connect).
    RouterInterface {
        /// Own VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// Own router. Left out: the virtual router of the VPC.
        router: Option<String>,
        /// `VRouter` or `VBR`. Left out: `VRouter` inside a VPC.
        router_type: Option<String>,
        /// `InitiatingSide` or `AcceptingSide`.
        role: Option<String>,
        /// Far interface.
        opposite: Option<String>,
        /// Far router.
        opposite_router: Option<String>,
        /// Kind of the far router.
        opposite_router_type: Option<String>,
        /// Far region.
        opposite_region: Option<String>,
        /// Far VPC.
        opposite_vpc: Option<String>,
        /// Far account.
        opposite_account: Option<Word>,
    }
}

object! {
    /// A virtual border router.
    BorderRouter {
        /// Route table.
        route_table: Option<String>,
        /// Physical connection.
        physical_connection: Option<String>,
        /// Address on the side of the cloud.
        local_ip: Option<String>,
        /// Address on the side of the customer.
        peer_ip: Option<String>,
        /// VLAN.
        vlan: Option<u64>,
        /// CEN instances. Left out: those that list it.
        cens: Option<Words>,
        /// Express Connect Router.
        ecr: Option<String>,
    }
}
