//! How the infrastructure is wired: VPCs, vSwitches, route tables, gateways, interconnects, the
//! Internet. Never one node per ENI (engine.md §7); indices of the graph never reach output.

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef};
use rustc_hash::FxHashMap;

use crate::topology::{Id, Kind, NextHopType, Resource, ResourceRef, Topology};

/// A node of the infrastructure graph.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InfraNode {
    /// A resource.
    Resource(ResourceRef),
    /// The Internet.
    Internet,
    /// A network that we do not see.
    Outside,
}

/// The graph. An edge leads from where packets are to where they can go next.
#[derive(Debug, Clone, Default)]
pub struct InfraGraph {
    graph: DiGraph<InfraNode, &'static str, u32>,
    nodes: FxHashMap<(Kind, Id), NodeIndex<u32>>,
    internet: Option<NodeIndex<u32>>,
    outside: Option<NodeIndex<u32>>,
}

impl InfraGraph {
    /// Builds the graph of a topology.
    pub(super) fn of(topology: &Topology) -> Self {
        let mut out = Self::default();
        for vswitch in &topology.vswitches {
            if let Some(table) = &vswitch.route_table {
                out.edge(vswitch, Kind::RouteTable, table, "table");
            }
        }
        for entry in &topology.route_entries {
            let Some(table) = entry.table.as_ref() else { continue };
            for hop in entry.next_hops.iter().flatten() {
                let Some(id) = &hop.id else { continue };
                if let Some(kind) = kind_of_hop(&hop.hop_type) {
                    let from = out.node(ResourceRef {
                        kind: Kind::RouteTable,
                        id: table.clone(),
                        name: None,
                    });
                    let to = out.node(ResourceRef { kind, id: id.clone(), name: None });
                    out.graph.update_edge(from, to, "route");
                }
            }
        }
        out.gateways(topology);
        out.interconnects(topology);
        out
    }

    fn gateways(&mut self, topology: &Topology) {
        let internet = self.internet();
        for nat in &topology.nat_gateways {
            let from = self.node(nat.to_ref());
            if super::nat::is_vpc_nat(nat) {
                if let Some(vswitch) = &nat.vswitch {
                    self.edge(nat, Kind::VSwitch, vswitch, "nat");
                }
            } else {
                self.graph.update_edge(from, internet, "nat");
            }
        }
        for gateway in &topology.ipv4_gateways {
            let from = self.node(gateway.to_ref());
            self.graph.update_edge(from, internet, "gateway");
        }
        for gateway in &topology.ipv6_gateways {
            let from = self.node(gateway.to_ref());
            self.graph.update_edge(from, internet, "gateway");
        }
    }

    fn interconnects(&mut self, topology: &Topology) {
        let outside = self.outside();
        for association in &topology.transit_associations {
            if let (Some(attachment), Some(table)) = (&association.attachment, &association.table) {
                let from = self.node(refer(Kind::TransitAttachment, attachment));
                let to = self.node(refer(Kind::TransitRouteTable, table));
                self.graph.update_edge(from, to, "association");
            }
        }
        for entry in &topology.transit_route_entries {
            if let (Some(table), Some(attachment)) = (&entry.table, &entry.next_hop) {
                let from = self.node(refer(Kind::TransitRouteTable, table));
                let to = self.node(refer(Kind::TransitAttachment, attachment));
                self.graph.update_edge(from, to, "route");
            }
        }
        for attachment in &topology.transit_attachments {
            let from = self.node(attachment.to_ref());
            let zones = attachment.zones.iter().flatten().filter_map(|z| z.vswitch.as_ref());
            let mut any = false;
            for vswitch in zones {
                let to = self.node(refer(Kind::VSwitch, vswitch));
                self.graph.update_edge(from, to, "attachment");
                any = true;
            }
            if !any {
                self.graph.update_edge(from, outside, "attachment");
            }
        }
        for vpn in &topology.vpn_gateways {
            let from = self.node(vpn.to_ref());
            self.graph.update_edge(from, outside, "vpn");
        }
    }

    fn node(&mut self, resource: ResourceRef) -> NodeIndex<u32> {
        let key = (resource.kind, resource.id.clone());
        if let Some(index) = self.nodes.get(&key) {
            return *index;
        }
        let index = self.graph.add_node(InfraNode::Resource(resource));
        self.nodes.insert(key, index);
        index
    }

    fn edge(&mut self, from: &dyn Resource, kind: Kind, to: &Id, label: &'static str) {
        let from = self.node(from.to_ref());
        let to = self.node(refer(kind, to));
        self.graph.update_edge(from, to, label);
    }

    fn internet(&mut self) -> NodeIndex<u32> {
        *self.internet.get_or_insert_with(|| self.graph.add_node(InfraNode::Internet))
    }

    fn outside(&mut self) -> NodeIndex<u32> {
        *self.outside.get_or_insert_with(|| self.graph.add_node(InfraNode::Outside))
    }

    /// Resources that lead directly to this one (`which tables route to this NAT gateway?`), sorted.
    pub fn predecessors(&self, kind: Kind, id: &Id) -> Vec<&ResourceRef> {
        let Some(index) = self.nodes.get(&(kind, id.clone())) else { return Vec::new() };
        let mut out: Vec<&ResourceRef> = self
            .graph
            .edges_directed(*index, Direction::Incoming)
            .filter_map(|edge| match self.graph.node_weight(edge.source()) {
                Some(InfraNode::Resource(resource)) => Some(resource),
                _ => None,
            })
            .collect();
        out.sort();
        out
    }

    /// Everything that packets from this resource can pass, sorted. An over-approximation: edges
    /// are there whatever the destination.
    pub fn reachable(&self, kind: Kind, id: &Id) -> Vec<&InfraNode> {
        let Some(index) = self.nodes.get(&(kind, id.clone())) else { return Vec::new() };
        let mut out = Vec::new();
        let mut search = Dfs::new(&self.graph, *index);
        while let Some(next) = search.next(&self.graph) {
            if next != *index {
                out.extend(self.graph.node_weight(next));
            }
        }
        out.sort();
        out
    }
}

fn refer(kind: Kind, id: &Id) -> ResourceRef {
    ResourceRef { kind, id: id.clone(), name: None }
}

/// Kind of resource behind a next hop; `None` for hops without one.
fn kind_of_hop(hop: &NextHopType) -> Option<Kind> {
    Some(match hop {
        NextHopType::Instance => Kind::Instance,
        NextHopType::NetworkInterface => Kind::Eni,
        NextHopType::HaVip => Kind::HaVip,
        NextHopType::NatGateway => Kind::NatGateway,
        NextHopType::VpnGateway => Kind::VpnGateway,
        NextHopType::RouterInterface => Kind::RouterInterface,
        NextHopType::Ipv4Gateway => Kind::Ipv4Gateway,
        NextHopType::Ipv6Gateway => Kind::Ipv6Gateway,
        NextHopType::VpcPeer => Kind::VpcPeer,
        NextHopType::Attachment => Kind::TransitAttachment,
        NextHopType::GatewayLoadBalancerEndpoint => Kind::Endpoint,
        NextHopType::RouteTargetGroup => Kind::RouteTargetGroup,
        NextHopType::GatewayEndpoint => Kind::GatewayEndpoint,
        _ => return None,
    })
}
