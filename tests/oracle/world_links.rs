//! The part of [`World`] between VPCs: peering, transit routers, inspection.

use vpclint::topology::{
    AttachmentType, AttachmentZone, Cen, CenRoute, Endpoint, EndpointType, EndpointZone, Id,
    PeerSide, RouteDestination, RouteTarget, RouteTargetGroup, RouterInterface, Text,
    TransitAssociation, TransitAttachment, TransitHopType, TransitRouteEntry, TransitRouteTable,
    TransitRouter, VpcPeer,
};

use super::world::{World, block, working};

impl World {
    // ---- between VPCs ------------------------------------------------------------------------

    /// A peering connection, active or not.
    #[must_use]
    pub fn peering(mut self, id: &str, requester: &str, accepter: &str, active: bool) -> Self {
        let side = |vpc: &str| PeerSide {
            vpc: Some(Id::from(vpc)),
            cidrs: None,
            region: None,
            account: None,
        };
        let mut peer = VpcPeer::new(id);
        peer.requester = Some(side(requester));
        peer.accepter = Some(side(accepter));
        working(&mut peer.meta, if active { "Activated" } else { "Rejected" });
        self.peers.insert(id.to_owned(), peer);
        self
    }

    /// An Enterprise transit router.
    #[must_use]
    pub fn transit_router(mut self, id: &str) -> Self {
        let mut router = TransitRouter::new(id);
        router.cen = Some(Id::from("cen-1"));
        router.router_type = Some(vpclint::topology::TransitRouterType::Enterprise);
        working(&mut router.meta, "Active");
        self.transit_routers.insert(id.to_owned(), router);
        self
    }

    #[must_use]
    pub fn transit_table(mut self, id: &str, router: &str) -> Self {
        let mut table = TransitRouteTable::new(id);
        table.transit_router = Some(Id::from(router));
        working(&mut table.meta, "Active");
        self.transit_tables.insert(id.to_owned(), table);
        self
    }

    /// An attachment of a VPC by vSwitches, associated with a table.
    #[must_use]
    pub fn attach_vpc(
        self,
        id: &str,
        router: &str,
        vpc: &str,
        vswitches: &[&str],
        table: Option<&str>,
    ) -> Self {
        let mut world = self.attachment(id, router, AttachmentType::Vpc, vpc, table);
        let zones = vswitches.iter().map(|v| AttachmentZone {
            zone: None,
            vswitch: Some(Id::from(*v)),
            eni: None,
        });
        let zones = zones.collect();
        world.transit_attachments.get_mut(id).unwrap().zones = Some(zones);
        world
    }

    /// An attachment of any kind, associated with a table.
    #[must_use]
    pub fn attachment(
        mut self,
        id: &str,
        router: &str,
        kind: AttachmentType,
        target: &str,
        table: Option<&str>,
    ) -> Self {
        let mut attachment = TransitAttachment::new(id);
        attachment.transit_router = Some(Id::from(router));
        attachment.cen = Some(Id::from("cen-1"));
        attachment.attachment_type = Some(kind);
        attachment.target = Some(Id::from(target));
        working(&mut attachment.meta, "Attached");
        self.transit_attachments.insert(id.to_owned(), attachment);
        match table {
            Some(table) => self.associate(id, table),
            None => self,
        }
    }

    #[must_use]
    pub fn associate(mut self, attachment: &str, table: &str) -> Self {
        let id = format!("{table}/{attachment}");
        let mut association = TransitAssociation::new(&id);
        association.table = Some(Id::from(table));
        association.attachment = Some(Id::from(attachment));
        working(&mut association.meta, "Active");
        self.associations.insert(id, association);
        self
    }

    /// A route of a transit router; no attachment means a black hole.
    #[must_use]
    pub fn transit_route(mut self, table: &str, cidr: &str, attachment: Option<&str>) -> Self {
        let id = format!("{table}/{cidr}");
        let mut entry = TransitRouteEntry::new(&id);
        entry.table = Some(Id::from(table));
        entry.destination = Some(RouteDestination::Cidr(block(cidr)));
        entry.next_hop_type = Some(match attachment {
            Some(_) => TransitHopType::Attachment,
            None => TransitHopType::BlackHole,
        });
        entry.next_hop = attachment.map(Id::from);
        entry.origin = Some(Text::from("Static"));
        working(&mut entry.meta, "Active");
        self.transit_routes.insert(id, entry);
        self
    }

    /// A GWLB endpoint in some vSwitches.
    #[must_use]
    pub fn gwlb_endpoint(mut self, id: &str, vpc: &str, vswitches: &[&str]) -> Self {
        let mut endpoint = Endpoint::new(id);
        endpoint.vpc = Some(Id::from(vpc));
        endpoint.endpoint_type = Some(EndpointType::GatewayLoadBalancer);
        let zones = vswitches.iter().map(|v| EndpointZone {
            zone: None,
            vswitch: Some(Id::from(*v)),
            eni: None,
            address: None,
            status: None,
            resource: None,
        });
        endpoint.zones = Some(zones.collect());
        working(&mut endpoint.meta, "Active");
        self.endpoints.insert(id.to_owned(), endpoint);
        self
    }

    /// A route target group: the first endpoint is active, the second stands by.
    #[must_use]
    pub fn target_group(mut self, id: &str, vpc: &str, members: [(&str, bool); 2]) -> Self {
        let mut group = RouteTargetGroup::new(id);
        group.vpc = Some(Id::from(vpc));
        let weights = [Some(100), Some(0)];
        let members = members.into_iter().zip(weights).map(|((member, enabled), weight)| {
            RouteTarget { id: Id::from(member), weight, enabled: Some(enabled) }
        });
        group.members = Some(members.collect());
        self.target_groups.insert(id.to_owned(), group);
        self
    }

    /// A basic CEN instance; routes to it are `CenBasic`.
    #[must_use]
    pub fn cen(mut self, id: &str) -> Self {
        let mut cen = Cen::new(id);
        working(&mut cen.meta, "Active");
        self.cens.insert(id.to_owned(), cen);
        self
    }

    /// A route of basic CEN to a VPC or border router.
    #[must_use]
    pub fn cen_route(mut self, cen: &str, cidr: &str, kind: &str, target: &str) -> Self {
        let id = format!("{cen}/{cidr}/{target}");
        let mut route = CenRoute::new(&id);
        route.cen = Some(Id::from(cen));
        route.destination = Some(block(cidr));
        route.route_status = Some(Text::from("Active"));
        route.next_hop = Some(Id::from(target));
        route.next_hop_type = Some(Text::from(kind));
        self.cen_routes.insert(id, route);
        self
    }

    /// A pair of active router interfaces between two VPCs.
    #[must_use]
    pub fn router_interfaces(mut self, near: (&str, &str), far: (&str, &str)) -> Self {
        for ((id, vpc), (other, other_vpc)) in [(near, far), (far, near)] {
            let mut interface = RouterInterface::new(id);
            interface.router_type = Some(Text::from("VRouter"));
            interface.vpc = Some(Id::from(vpc));
            interface.opposite = Some(Id::from(other));
            interface.opposite_router_type = Some(Text::from("VRouter"));
            interface.opposite_vpc = Some(Id::from(other_vpc));
            working(&mut interface.meta, "Active");
            self.router_interfaces.insert(id.to_owned(), interface);
        }
        self
    }
}
