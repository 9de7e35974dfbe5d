//! From typed resources to stages.
//!
//! A stage is asked for by a [`Job`]; the first request reserves its index and queues it, so that
//! tables may point at each other in circles (the interpreters notice loops). One file per device:
//! `source` (where packets start), `filter` (what an ENI's packets meet), `groups`, `acl`, `route`
//! (VPC tables and next hops), `nat`, `forward` (instances as routers), `peering`, `transit` (transit
//! routers), `cen` (basic CEN), `vpn`, `express` (router interfaces), `onprem` (networks that we do
//! not see), `hosts` (who has which address), `balancer`, `listener`, `backend` and `server` (load
//! balancers from their addresses to their servers), `endpoint` (PrivateLink), `ingress` and `dnat`
//! (packets that arrive from the Internet at a public address).

mod acl;
mod backend;
mod balancer;
mod cen;
mod dnat;
mod endpoint;
mod express;
mod filter;
mod forward;
mod groups;
mod hosts;
mod ingress;
mod listener;
mod nat;
mod onprem;
mod peering;
mod route;
mod server;
mod services;
mod source;
mod transit;
mod vpn;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::assume::Assume;
use super::hosts::Hosts;
use super::identity::{Bindings, CutThrough};
use super::pipeline::{Branch, Element, ElementId, Stage, StageId};
use super::reason::Reason;
use super::space::{VpcSpace, routes_to_ipv4_gateway};
use super::{Fabric, graph, sources};
use crate::topology::{
    AddrValue, Direction, Eni, EniType, Id, Kind, Listener, Resource, ResourceRef, RouteEntry,
    SecurityGroupRule, Source, Text, Topology, TransitRouteEntry,
};

/// A stage that somebody needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Job {
    /// Packets of a source.
    Source { vpc: Option<Id>, vswitch: Option<Id>, own: OwnKind },
    /// A VPC route table.
    Route { vpc: Id, table: Id },
    /// The exit through an IPv4 gateway.
    Ipv4Gateway { vpc: Id },
    /// What an Internet NAT gateway accepts.
    Nat { nat: Id },
    /// Its translation.
    NatTranslate { nat: Id },
    /// Whether replies to foreign sources find back from it.
    NatReply { nat: Id },
    /// The exit of a NAT gateway in a VPC with central Internet access.
    NatExit { nat: Id },
    /// Translation by a VPC NAT gateway.
    VpcNat { nat: Id },
    /// An ENI that forwards the packets of others.
    Forward { eni: Id },
    /// A transit router's route table, for packets from a VPC or, `over_peering`, from another
    /// transit router.
    Transit { table: Id, over_peering: bool },
    /// A peering connection, into this VPC.
    Peer { peer: Id, into: Id },
    /// Whether replies find back over a peering connection.
    PeerReply { peer: Id, vswitch: Id },
    /// An Express Connect Router, for packets of a VPC.
    Ecr { vpc: Id, id: Id },
    /// A VPN gateway, for packets of its VPC.
    Vpn { vpc: Id, gateway: Id },
    /// A router interface, for packets of a VPC.
    Express { vpc: Id, interface: Id },
    /// A basic CEN instance, for packets of a VPC.
    Cen { cen: Id, vpc: Id },
    /// A VPC, for packets that a device brings in.
    Inside { vpc: Id, kind: Kind, device: Id, beyond: onprem::Beyond },
    /// Security groups of an ENI.
    Groups {
        vpc: Option<Id>,
        groups: filter::Groups,
        direction: Direction,
        transit: bool,
        next: filter::Next,
    },
    /// The network ACL of a vSwitch, or why it is not known.
    Acl { acl: Result<Id, Text>, vswitch: Id, direction: Direction, next: filter::Next },
    /// The platform's block of SMTP towards the Internet.
    Smtp { at: ElementId, otherwise: Reason },
    /// A stage of a load balancer.
    Balancer { front: balancer::Front, step: balancer::Step },
    /// A stage of a zone of an endpoint.
    Endpoint { endpoint: Id, zone: usize, step: endpoint::Step },
}

/// What a source holds, as far as tables differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum OwnKind {
    /// No public address.
    Plain,
    /// A public address, or it is not known whether it has one.
    Own,
    /// A public address that the guest sees.
    CutThrough(CutThrough),
}

/// The compiler's state.
struct Compiler<'t> {
    topology: &'t Topology,
    assume: &'t Assume,
    bindings: Bindings<'t>,
    spaces: FxHashMap<Id, VpcSpace>,
    elements: Vec<Element>,
    element_ids: FxHashMap<(Kind, Id), ElementId>,
    stages: Vec<Option<Stage>>,
    jobs: FxHashMap<Job, StageId>,
    queue: VecDeque<(StageId, Job)>,
    entries_of: FxHashMap<&'t str, Vec<&'t RouteEntry>>,
    transit_entries_of: FxHashMap<&'t str, Vec<&'t TransitRouteEntry>>,
    primary_enis: FxHashMap<&'t str, &'t Eni>,
    group_rules: FxHashMap<&'t str, Vec<&'t SecurityGroupRule>>,
    members: FxHashMap<Id, groups::Members>,
    /// ENIs by their addresses, in order.
    by_address: Vec<(IpAddr, &'t Eni)>,
    listeners_of: FxHashMap<&'t str, Vec<&'t Listener>>,
    /// ACLs by the vSwitches that they name.
    acls: FxHashMap<&'t str, &'t Id>,
    hosts: Hosts,
}

/// Compiles a topology.
pub(super) fn compile(topology: &Topology, assume: &Assume) -> Fabric {
    let spaces = spaces(topology, assume);
    let mut compiler = Compiler {
        topology,
        assume,
        bindings: Bindings::new(topology),
        spaces,
        elements: Vec::new(),
        element_ids: FxHashMap::default(),
        stages: Vec::new(),
        jobs: FxHashMap::default(),
        queue: VecDeque::new(),
        entries_of: group(topology.route_entries.iter(), |e| e.table.as_ref()),
        transit_entries_of: group(topology.transit_route_entries.iter(), |e| e.table.as_ref()),
        primary_enis: primary_enis(topology),
        group_rules: group(topology.security_group_rules.iter(), |rule| rule.group.as_ref()),
        members: groups::members(topology),
        by_address: enis_by_address(topology),
        listeners_of: group(topology.listeners.iter(), |l| l.load_balancer.as_ref()),
        acls: filter::acls_by_vswitch(topology),
        hosts: Hosts::default(),
    };
    let seeds = sources::seeds(topology, &compiler.bindings, &compiler.primary_enis);
    let sources: Vec<_> = seeds.into_iter().map(|seed| compiler.source_point(seed)).collect();
    // devices have ENIs that may be listed too; of two hosts with one address the first stays
    compiler.add_balancers();
    compiler.add_endpoints();
    compiler.add_nat_hosts();
    compiler.add_hosts(&sources);
    compiler.note_absent_balancers();
    compiler.publish_addresses(&sources);
    let routes = compiler.routes_of_all_vswitches();
    while let Some((id, job)) = compiler.queue.pop_front() {
        let stage = compiler.build(&job);
        if let Some(slot) = compiler.stages.get_mut(id.0 as usize) {
            *slot = Some(stage);
        }
    }
    Fabric {
        // every reserved stage has been built: the queue is empty
        stages: compiler.stages.into_iter().flatten().collect(),
        elements: compiler.elements,
        spaces: compiler.spaces,
        hosts: compiler.hosts,
        routes,
        sources,
        graph: graph::InfraGraph::of(topology),
    }
}

/// Spaces of all VPCs, also of those that are only referred to.
fn spaces(topology: &Topology, assume: &Assume) -> FxHashMap<Id, VpcSpace> {
    let routed = routes_to_ipv4_gateway(topology);
    let mut spaces: FxHashMap<Id, VpcSpace> = topology
        .vpcs
        .iter()
        .map(|vpc| {
            let space = VpcSpace::of(topology, assume, vpc, routed.contains(vpc.id().as_str()));
            (vpc.id().clone(), space)
        })
        .collect();
    let referred = (topology.enis.iter().filter_map(|r| r.vpc.as_ref()))
        .chain(topology.instances.iter().filter_map(|r| r.vpc.as_ref()))
        .chain(topology.nat_gateways.iter().filter_map(|r| r.vpc.as_ref()))
        .chain(topology.vswitches.iter().filter_map(|r| r.vpc.as_ref()));
    for id in referred {
        if !spaces.contains_key(id) {
            let space = VpcSpace::unlisted(topology, assume, id, routed.contains(id.as_str()));
            spaces.insert(id.clone(), space);
        }
    }
    spaces
}

fn group<'t, T>(
    items: impl Iterator<Item = &'t T>,
    key: impl Fn(&'t T) -> Option<&'t Id>,
) -> FxHashMap<&'t str, Vec<&'t T>> {
    let mut out: FxHashMap<&str, Vec<&T>> = FxHashMap::default();
    for item in items {
        if let Some(key) = key(item) {
            out.entry(key.as_str()).or_default().push(item);
        }
    }
    out
}

fn enis_by_address(topology: &Topology) -> Vec<(IpAddr, &Eni)> {
    let addresses = topology.enis.iter().flat_map(|eni| {
        let private = eni.private_ips.iter().flatten().map(|ip| &ip.address);
        let all = private.chain(eni.ipv6_ips.iter().flatten());
        all.filter_map(AddrValue::addr).map(move |address| (address, eni))
    });
    let mut all: Vec<(IpAddr, &Eni)> = addresses.collect();
    // stable: ENIs with one address stay in the order of their ids
    all.sort_by_key(|(address, _)| *address);
    all
}

fn primary_enis(topology: &Topology) -> FxHashMap<&str, &Eni> {
    topology
        .enis
        .iter()
        .filter(|eni| eni.eni_type == Some(EniType::Primary))
        .filter_map(|eni| Some((eni.instance.as_ref()?.as_deref()?, eni)))
        .collect()
}

impl<'t> Compiler<'t> {
    /// The routes of every vSwitch, also of those without sources.
    fn routes_of_all_vswitches(&mut self) -> FxHashMap<Id, Branch> {
        let topology = self.topology;
        topology
            .vswitches
            .iter()
            .filter_map(|vswitch| {
                let vpc = vswitch.vpc.as_ref()?;
                Some((vswitch.id().clone(), self.routes_of_vswitch(vpc, vswitch.id())))
            })
            .collect()
    }

    /// ENIs that have an address, in order of their ids.
    fn enis_with(&self, address: IpAddr) -> impl Iterator<Item = &'t Eni> + use<'_, 't> {
        let from = self.by_address.partition_point(|(other, _)| *other < address);
        let rest = self.by_address.get(from..).unwrap_or_default();
        rest.iter().take_while(move |(other, _)| *other == address).map(|(_, eni)| *eni)
    }

    /// The stage of a job; queued when it is asked for the first time.
    fn stage(&mut self, job: Job) -> StageId {
        if let Some(id) = self.jobs.get(&job) {
            return *id;
        }
        let id = StageId(u32::try_from(self.stages.len()).unwrap_or(u32::MAX));
        self.stages.push(None);
        self.jobs.insert(job.clone(), id);
        self.queue.push_back((id, job));
        id
    }

    /// A stage that is made on the spot, for one place only.
    fn place(&mut self, stage: Stage) -> StageId {
        let id = StageId(u32::try_from(self.stages.len()).unwrap_or(u32::MAX));
        self.stages.push(Some(stage));
        id
    }

    fn build(&mut self, job: &Job) -> Stage {
        match job {
            Job::Source { vpc, vswitch, own } => {
                self.source_stage(vpc.as_ref(), vswitch.as_ref(), *own)
            }
            Job::Route { vpc, table } => self.route_stage(vpc, table),
            Job::Ipv4Gateway { vpc } => self.ipv4_gateway_stage(vpc),
            Job::Nat { nat } => self.nat_stage(nat),
            Job::NatTranslate { nat } => self.nat_translate_stage(nat),
            Job::NatReply { nat } => self.nat_reply_stage(nat),
            Job::NatExit { nat } => self.nat_exit_stage(nat),
            Job::VpcNat { nat } => self.vpc_nat_stage(nat),
            Job::Forward { eni } => self.forward_stage(eni),
            Job::Transit { table, over_peering } => self.transit_stage(table, *over_peering),
            Job::Peer { peer, into } => self.peer_stage(peer, into),
            Job::PeerReply { peer, vswitch } => self.peer_reply_stage(peer, vswitch),
            Job::Ecr { vpc, id } => self.ecr_stage(vpc, id),
            Job::Vpn { vpc, gateway } => self.vpn_stage(vpc, gateway),
            Job::Express { vpc, interface } => self.express_stage(vpc, interface),
            Job::Cen { cen, vpc } => self.cen_stage(cen, vpc),
            Job::Inside { vpc, kind, device, beyond } => {
                self.inside_stage(vpc, *kind, device, beyond)
            }
            Job::Groups { vpc, groups, direction, transit, next } => {
                self.groups_stage(vpc.as_ref(), groups, direction, *transit, *next)
            }
            Job::Acl { acl, vswitch, direction, next } => {
                self.acl_stage(acl, vswitch, direction, *next)
            }
            Job::Smtp { at, otherwise } => self.smtp_stage(*at, *otherwise),
            Job::Balancer { front, step } => self.balancer_stage(front, step),
            Job::Endpoint { endpoint, zone, step } => self.endpoint_stage(endpoint, *zone, *step),
        }
    }

    /// The element of a resource, with a short text.
    fn element(&mut self, resource: &dyn Resource, text: impl Into<Text>) -> ElementId {
        self.intern(resource.to_ref(), resource.meta().source.clone(), || text.into())
    }

    /// Id of the resource that an element stands for.
    fn element_id(&self, element: ElementId) -> &str {
        self.elements.get(element.0 as usize).map_or("?", |e| e.resource.id.as_str())
    }

    /// The element of a resource that says nothing but its name.
    fn named(&mut self, resource: &dyn Resource) -> ElementId {
        let reference = resource.to_ref();
        // asked for anew with every host, so nothing is made that is already there
        if let Some(id) = self.element_ids.get(&(reference.kind, reference.id.clone())) {
            return *id;
        }
        let text = Text::from(reference.to_string());
        self.intern(reference, resource.meta().source.clone(), || text)
    }

    /// The element of something that is only referred to.
    fn referred(&mut self, kind: Kind, id: &Id) -> ElementId {
        self.intern(ResourceRef { kind, id: id.clone(), name: None }, None, || {
            Text::from(format!("{kind} {id}"))
        })
    }

    /// A further element of a resource, for what one decision says of it.
    fn remark(&mut self, resource: ResourceRef, source: Option<Source>, text: String) -> ElementId {
        let id = ElementId(u32::try_from(self.elements.len()).unwrap_or(u32::MAX));
        self.elements.push(Element { resource, text: Text::from(text), source, precedence: None });
        id
    }

    fn intern(
        &mut self,
        resource: ResourceRef,
        source: Option<Source>,
        text: impl FnOnce() -> Text,
    ) -> ElementId {
        let key = (resource.kind, resource.id.clone());
        if let Some(id) = self.element_ids.get(&key) {
            return *id;
        }
        let id = ElementId(u32::try_from(self.elements.len()).unwrap_or(u32::MAX));
        // longest prefix in routes and SNAT; IP mapping before SNAT (egress.md §2.2, §4.2 rows 3–4)
        let precedence = match resource.kind {
            Kind::RouteEntry | Kind::TransitRouteEntry | Kind::SnatEntry => Some("longest prefix"),
            Kind::DnatEntry => Some("IP mapping outranks SNAT"),
            _ => None,
        };
        self.elements.push(Element { resource, text: text(), source, precedence });
        self.element_ids.insert(key, id);
        id
    }
}

/// A branch that cannot be decided for want of several things.
fn unknown(missing: Vec<Text>) -> Branch {
    Branch::new(super::End::Unknown(Arc::from(missing)))
}
