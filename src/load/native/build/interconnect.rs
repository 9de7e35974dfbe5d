//! Peering, VPN and Express Connect.

use super::{Build, Result, text};
use crate::load::native::flat::Placed;
use crate::load::native::names::Ref;
use crate::load::native::text::TextOr;
use crate::load::native::tree;
use crate::topology::{
    BorderRouter, CustomerGateway, Id, Kind, PeerSide, RouterInterface, Text, VpcPeer,
    VpnConnection, VpnGateway, VpnRoute, VpnTunnel,
};

impl Build<'_> {
    pub(super) fn interconnect(&mut self) -> Result<()> {
        let flat = self.flat;
        for peer in &flat.vpc_peers {
            let (at, dto) = (peer.at, &peer.dto);
            let mut out = VpcPeer::new("");
            out.meta = self.meta(at);
            if let Some(side) = &dto.from {
                out.requester = Some(self.side(at, "from", "requester", side)?);
            }
            if let Some(side) = &dto.to {
                out.accepter = Some(self.side(at, "to", "accepter", side)?);
            }
            out.bandwidth = match dto.bandwidth {
                Some(bandwidth) => Some(Some(bandwidth)),
                None => (!self.open(at, "bandwidth")).then_some(None),
            };
            self.add(out);
        }
        for gateway in &flat.vpn_gateways {
            self.vpn_gateway(gateway)?;
        }
        for connection in &flat.vpn_connections {
            self.vpn_connection(connection)?;
        }
        for route in &flat.vpn_routes {
            let (at, dto) = (route.at, &route.dto);
            let mut out = VpnRoute::new("");
            out.meta = self.meta(at);
            out.owner = route.parent.map(|n| self.id(n));
            out.destination = self.opt_cidr(at, "destination", &dto.to);
            out.route_source = self.opt_cidr(at, "route_source", &dto.from);
            out.next_hop = self.opt_id(at, "via", &[Kind::VpnConnection], &dto.via)?;
            out.weight = dto.weight;
            out.priority = dto.priority;
            out.state = self.or(at, "state", text(&dto.state), Text::from("published"));
            let usual = if dto.from.is_some() { "pbr" } else { "custom" };
            out.route_type = self.or(at, "type", text(&dto.r#type), Text::from(usual));
            self.add(out);
        }
        for gateway in &flat.customer_gateways {
            let mut out = CustomerGateway::new("");
            out.meta = self.meta(gateway.at);
            out.address = self.opt_addr(gateway.at, "address", &gateway.dto.ip);
            self.add(out);
        }
        for interface in &flat.router_interfaces {
            self.router_interface(interface)?;
        }
        for router in &flat.border_routers {
            self.border_router(router)?;
        }
        Ok(())
    }

    fn side(
        &mut self,
        at: usize,
        key: &str,
        field: &'static str,
        side: &TextOr<tree::PeerSide>,
    ) -> Result<PeerSide> {
        let written;
        let dto = match side {
            TextOr::Table(table) => table,
            TextOr::Text(vpc) => {
                written = tree::PeerSide { vpc: Some(vpc.clone()), ..Default::default() };
                &written
            }
        };
        let mut out = PeerSide {
            vpc: None,
            cidrs: self.cidrs(at, field, &dto.cidrs),
            region: text(&dto.region),
            account: dto.account.as_ref().map(|a| Id::from(&a.0)),
        };
        let Some(name) = &dto.vpc else { return Ok(out) };
        match self.refer(at, key, &[Kind::Vpc], name)? {
            Ref::Missing(_, id) => out.vpc = Some(Id::from(id)),
            Ref::Node(node) => {
                let meta = self.meta(node);
                out.region = out.region.or(meta.region.map(|r| Text::from(r.as_str())));
                out.account = out.account.or(meta.account);
                let vpc = self.object(&self.flat.vpcs, node).map(|v| &v.dto);
                if let (None, Some(vpc)) = (&out.cidrs, vpc) {
                    let own = self.opt_cidr(node, "cidr", &vpc.cidr);
                    let more = self.cidrs(node, "secondary_cidrs", &vpc.secondary_cidrs);
                    out.cidrs = Some(own.into_iter().chain(more.into_iter().flatten()).collect());
                }
                out.vpc = Some(meta.id);
            }
        }
        Ok(out)
    }

    fn vpn_gateway(&mut self, gateway: &Placed<tree::VpnGateway>) -> Result<()> {
        let (at, dto) = (gateway.at, &gateway.dto);
        let mut out = VpnGateway::new("");
        out.meta = self.meta(at);
        out.vpc = self.vpc(at, &dto.vpc, gateway.vpc)?;
        out.vswitches = self.ids(at, "vswitches", &[Kind::VSwitch], &dto.vswitches)?;
        out.internet_ips = self.addrs(at, "internet_ips", &dto.ip);
        out.network = self.or(at, "network", text(&dto.network), Text::from("public"));
        out.enis = self.ids(at, "enis", &[Kind::Eni], &dto.enis)?;
        out.ipsec = self.or(at, "ipsec", dto.ipsec, true);
        out.ssl_vpn = self.or(at, "ssl", dto.ssl, false);
        out.auto_propagate = dto.auto_propagate;
        self.add(out);
        Ok(())
    }

    fn vpn_connection(&mut self, connection: &Placed<tree::VpnConnection>) -> Result<()> {
        let (at, dto) = (connection.at, &connection.dto);
        let mut out = VpnConnection::new("");
        out.meta = self.meta(at);
        let stated = self.opt_id(at, "vpn_gateway", &[Kind::VpnGateway], &dto.vpn_gateway)?;
        out.vpn_gateway = match self.or_nested(at, "vpn_gateway", stated, connection.parent) {
            Some(id) => Some(Some(id)),
            None => (!self.open(at, "vpn_gateway")).then_some(None),
        };
        out.transit_router =
            self.opt_id(at, "transit_router", &[Kind::TransitRouter], &dto.transit_router)?;
        let kinds = [Kind::CustomerGateway];
        out.customer_gateway =
            self.opt_id(at, "customer_gateway", &kinds, &dto.customer_gateway)?;
        out.local_subnets = self.cidrs(at, "local_subnets", &dto.local);
        out.remote_subnets = self.cidrs(at, "remote_subnets", &dto.remote);
        let mut tunnels = Vec::new();
        for tunnel in dto.tunnels.iter().flatten() {
            tunnels.push(VpnTunnel {
                id: tunnel.id.as_deref().map(Id::from),
                role: text(&tunnel.role),
                zone: text(&tunnel.zone),
                internet_ip: self.opt_addr(at, "tunnels", &tunnel.ip),
                status: text(&tunnel.status),
                customer_gateway: self.opt_id(at, "tunnels", &kinds, &tunnel.customer_gateway)?,
            });
        }
        out.tunnels = (dto.tunnels.is_some() || !self.open(at, "tunnels")).then_some(tunnels);
        self.add(out);
        Ok(())
    }

    fn router_interface(&mut self, interface: &Placed<tree::RouterInterface>) -> Result<()> {
        let (at, dto, flat) = (interface.at, &interface.dto, self.flat);
        let mut out = RouterInterface::new("");
        out.meta = self.meta(at);
        out.vpc = self.vpc(at, &dto.vpc, interface.vpc)?;
        let vpc = self.vpc_node(at, &dto.vpc, interface.vpc)?;
        let vrouter = vpc.and_then(|n| self.object(&flat.vpcs, n)?.dto.vrouter.as_deref());
        let stated = self.opt_id(at, "router", &[Kind::BorderRouter], &dto.router)?;
        out.router = stated.or(vrouter.map(Id::from));
        let usual = vpc.map(|_| Text::from("VRouter"));
        out.router_type = text(&dto.router_type).or(usual);
        out.role = text(&dto.role);
        out.opposite = self.opt_id(at, "opposite", &[Kind::RouterInterface], &dto.opposite)?;
        let kinds = [Kind::BorderRouter];
        out.opposite_router = self.opt_id(at, "opposite_router", &kinds, &dto.opposite_router)?;
        out.opposite_router_type = text(&dto.opposite_router_type);
        out.opposite_region = text(&dto.opposite_region);
        out.opposite_vpc = self.opt_id(at, "opposite_vpc", &[Kind::Vpc], &dto.opposite_vpc)?;
        out.opposite_account = dto.opposite_account.as_ref().map(|a| Id::from(&a.0));
        self.add(out);
        Ok(())
    }

    fn border_router(&mut self, router: &Placed<tree::BorderRouter>) -> Result<()> {
        let (at, dto) = (router.at, &router.dto);
        let mut out = BorderRouter::new("");
        out.meta = self.meta(at);
        out.route_table = dto.route_table.as_deref().map(Id::from);
        out.physical_connection = dto.physical_connection.as_deref().map(Id::from);
        out.local_address = self.opt_addr(at, "local_address", &dto.local_ip);
        out.peer_address = self.opt_addr(at, "peer_address", &dto.peer_ip);
        out.vlan = dto.vlan;
        let stated = self.ids(at, "cens", &[Kind::Cen], &dto.cens)?;
        let listed = self.cens_of(at, Kind::BorderRouter)?;
        out.cens = self.or(at, "cens", stated, listed);
        out.ecr = dto.ecr.as_deref().map(Id::from);
        self.add(out);
        Ok(())
    }
}
