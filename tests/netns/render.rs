//! A topology as network namespaces: one per host, per router of a VPC, per gateway, and the
//! Internet. What the kernel then does with routes, filters and translated addresses is its own.
//!
//! Every host has a cable of its own to the router of its VPC. The tables of the VPC are policy
//! routing tables, looked at by the cable on which a packet comes; a local route ends the lookup and
//! leads to the table of hosts (`throw`), a table without a match is a dead end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use vpclint::addr::Cidr;
use vpclint::topology::{
    AddrValue, Eni, EniType, NextHopType, RouteDestination, RouteOrigin, Topology, TransitHopType,
    Vpc,
};

use super::filters;
use super::lab::Plan;

/// Where the hosts of every VPC are.
pub const HOSTS: u32 = 1000;
/// Address of every router towards its hosts.
const GATEWAY: &str = "169.254.1.1";
/// The Internet's router.
pub const INTERNET: &str = "internet";

/// A topology as namespaces.
pub struct Rendering {
    pub plan: Plan,
    /// Namespaces that send and listen, with their addresses.
    pub hosts: BTreeMap<String, Vec<Ipv4Addr>>,
}

/// Name of the namespace of a host of the Internet.
pub fn internet_host(address: Ipv4Addr) -> String {
    format!("net-{address}")
}

/// The IPv4 addresses of an ENI, the primary one first.
pub fn addresses(eni: &Eni) -> Vec<Ipv4Addr> {
    eni.private_ips.iter().flatten().map(|ip| four(&ip.address)).collect()
}

pub fn four(address: &AddrValue) -> Ipv4Addr {
    match address.addr() {
        Some(IpAddr::V4(address)) => address,
        other => panic!("{other:?} is not an IPv4 address"),
    }
}

/// A rendering under way.
pub struct Renderer<'a> {
    pub topology: &'a Topology,
    pub plan: Plan,
    hosts: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Number of the next cable between routers.
    pub cable: u8,
    /// Numbers of route tables.
    tables: BTreeMap<String, u32>,
    /// Where a router sends packets for a next hop: the address and device of the other end.
    pub hops: BTreeMap<(String, String), String>,
}

pub fn render(topology: &Topology, internet: &[Ipv4Addr]) -> Rendering {
    let tables = topology.route_tables.iter().map(|t| t.meta.id.as_str().to_owned());
    let transit = topology.transit_route_tables.iter().map(|t| t.meta.id.as_str().to_owned());
    let mut renderer = Renderer {
        topology,
        plan: Plan::default(),
        hosts: BTreeMap::new(),
        cable: 2,
        tables: tables.chain(transit).zip(100..).collect(),
        hops: BTreeMap::new(),
    };
    renderer.internet(internet);
    for vpc in topology.vpcs.iter() {
        renderer.vpc_hosts(vpc);
        renderer.own_addresses(vpc);
    }
    for nat in topology.nat_gateways.iter() {
        renderer.nat(nat);
    }
    renderer.peerings();
    renderer.router_interfaces();
    renderer.transit_routers();
    for vpc in topology.vpcs.iter() {
        renderer.routes(vpc);
    }
    Rendering { plan: renderer.plan, hosts: renderer.hosts }
}

pub fn router(vpc: &str) -> String {
    format!("router-{vpc}")
}

impl Renderer<'_> {
    // ---- cables --------------------------------------------------------------------------

    /// A cable between routers. Gives how a route of each to the other is written.
    pub fn join(&mut self, a: (&str, &str), b: (&str, &str)) -> (String, String) {
        let n = self.cable;
        self.cable += 1;
        for (end, (space, device)) in [(1, a), (2, b)] {
            self.plan.ip(space, format!("addr add 169.254.{n}.{end}/30 dev {device}"));
            self.plan.ip(space, format!("link set {device} up"));
        }
        let plug = |(space, device): (&str, &str)| (space.to_owned(), device.to_owned());
        self.plan.cables.push((plug(a), plug(b)));
        (format!("via 169.254.{n}.2 dev {}", a.1), format!("via 169.254.{n}.1 dev {}", b.1))
    }

    /// A host behind a router. It has no addresses but its own and knows only its gateway.
    fn host(&mut self, name: &str, own: &[Ipv4Addr], router: &str, device: &str, table: u32) {
        let cable = ((name.to_owned(), "e0".to_owned()), (router.to_owned(), device.to_owned()));
        self.plan.cables.push(cable);
        for address in own {
            self.plan.ip(name, format!("addr add {address}/32 dev e0"));
        }
        self.plan.ip(name, "link set e0 up");
        let first = own[0];
        self.plan.ip(name, format!("route add default via {GATEWAY} dev e0 onlink src {first}"));
        self.plan.ip(router, format!("addr add {GATEWAY}/32 dev {device}"));
        self.plan.ip(router, format!("link set {device} up"));
        for address in own {
            self.plan.ip(router, format!("route add {address}/32 dev {device} table {table}"));
        }
        self.hosts.insert(name.to_owned(), own.to_vec());
    }

    // ---- the Internet --------------------------------------------------------------------

    fn internet(&mut self, addresses: &[Ipv4Addr]) {
        self.plan.space(INTERNET);
        for (n, address) in addresses.iter().enumerate() {
            // 254 is the kernel's main table
            self.host(&internet_host(*address), &[*address], INTERNET, &format!("n{n}"), 254);
        }
    }

    /// The Internet knows a way to public addresses and to nothing else.
    pub fn publish(&mut self, address: Ipv4Addr, way: &str) {
        self.plan.ip(INTERNET, format!("route add {address}/32 {way}"));
    }

    // ---- a VPC ---------------------------------------------------------------------------

    pub fn enis(&self, vpc: &Vpc) -> Vec<(usize, &Eni)> {
        let all = self.topology.enis.iter().enumerate();
        all.filter(|(_, eni)| eni.vpc.as_ref() == Some(&vpc.meta.id)).collect()
    }

    fn vpc_hosts(&mut self, vpc: &Vpc) {
        let router = router(&vpc.meta.id);
        self.plan.space(&router);
        let mut borders: Vec<(String, Vec<String>)> = Vec::new();
        let topology = self.topology;
        for vswitch in topology.vswitches.iter().filter(|v| v.vpc.as_ref() == Some(&vpc.meta.id)) {
            borders.push((vswitch.meta.id.as_str().to_owned(), Vec::new()));
        }
        let enis: Vec<(usize, Eni)> =
            self.enis(vpc).into_iter().map(|(n, eni)| (n, eni.clone())).collect();
        for (n, eni) in &enis {
            assert_eq!(eni.eni_type, Some(EniType::Primary), "hosts with one ENI each");
            let device = format!("h{n}");
            self.host(&eni.meta.id, &addresses(eni), &router, &device, HOSTS);
            let filters = filters::groups(topology, eni) + &self.masquerade(eni);
            self.plan.space(&eni.meta.id).nft += &filters;
            let instance = eni.instance.clone().flatten().unwrap();
            let way = format!("via {} dev {device} onlink", addresses(eni)[0]);
            self.hops.insert((router.clone(), instance.as_str().to_owned()), way);
            let vswitch = eni.vswitch.as_ref().unwrap();
            let table = self.table_of(vswitch);
            self.plan.ip(&router, format!("rule add iif {device} priority 20 lookup {table}"));
            let border = borders.iter_mut().find(|(id, _)| id == vswitch.as_str()).unwrap();
            border.1.push(device);
        }
        self.plan.space(&router).nft += &filters::acls(topology, &borders);
        self.plan.ip(&router, format!("rule add priority 30 lookup {HOSTS}"));
        self.plan.ip(&router, format!("route add unreachable default table {HOSTS}"));
    }

    /// A guest that puts its own address on what it forwards (egress.md §4.5).
    fn masquerade(&self, eni: &Eni) -> String {
        let instance = eni.instance.clone().flatten().unwrap();
        if self.topology.instances.get(&instance).unwrap().masquerade != Some(true) {
            return String::new();
        }
        let own = addresses(eni)[0];
        format!(
            "table ip guest {{ chain outward {{ type nat hook postrouting priority 100;\n\
             ip saddr != {own} snat to {own}\n}}\n}}\n"
        )
    }

    pub fn table_of(&self, vswitch: &str) -> u32 {
        let table = self.topology.vswitches.get(vswitch).unwrap().route_table.as_ref().unwrap();
        self.tables[table.as_str()]
    }

    /// What a sender with a public address of its own leaves to the routes (egress.md §1.2).
    pub fn private_blocks(&self, vpc: &Vpc) -> BTreeSet<Cidr> {
        let fixed = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
        let own = vpc.cidr.iter().chain(vpc.secondary_cidrs.iter().flatten());
        let stated = own.chain(vpc.user_cidrs.iter().flatten()).map(|c| c.cidr().unwrap());
        fixed.iter().map(|c| c.parse().unwrap()).chain(stated).collect()
    }

    /// The entries of the tables; the kernel finds the longest prefix, and among equals the one
    /// with the smallest metric (decisions.md 27).
    fn routes(&mut self, vpc: &Vpc) {
        let router = router(&vpc.meta.id);
        let topology = self.topology;
        let tables = topology.route_tables.iter().filter(|t| t.vpc.as_ref() == Some(&vpc.meta.id));
        for table in tables {
            let number = self.tables[table.meta.id.as_str()];
            self.plan
                .ip(&router, format!("route add unreachable default metric 99 table {number}"));
            let of = topology.route_entries.iter();
            for entry in of.filter(|e| e.table.as_ref() == Some(&table.meta.id)) {
                let metric = match entry.origin.as_ref().unwrap() {
                    RouteOrigin::Custom => 10,
                    RouteOrigin::Dynamic => 20,
                    RouteOrigin::System => 30,
                    other => panic!("origin {other:?}"),
                };
                let Some(RouteDestination::Cidr(cidr)) = &entry.destination else {
                    panic!("{:?}", entry.destination)
                };
                let cidr = cidr.cidr().unwrap();
                let [hop] = &entry.next_hops.as_ref().unwrap()[..] else {
                    panic!("several next hops")
                };
                let way = match hop.hop_type {
                    NextHopType::Local => Some(format!("throw {cidr}")),
                    // services of the cloud are not built
                    NextHopType::Service => Some(format!("unreachable {cidr}")),
                    NextHopType::NatGateway
                    | NextHopType::VpcPeer
                    | NextHopType::Attachment
                    | NextHopType::RouterInterface
                    | NextHopType::Instance
                    | NextHopType::Ipv4Gateway => {
                        let id = hop.id.as_ref().unwrap().as_str();
                        let way = self.hops.get(&(router.clone(), id.to_owned()));
                        Some(way.map_or(format!("unreachable {cidr}"), |w| format!("{cidr} {w}")))
                    }
                    _ => None,
                };
                let way = way.unwrap_or_else(|| panic!("next hop {:?}", hop.hop_type));
                let kind = format!("metric {metric} table {number}");
                self.plan.ip(&router, format!("route add {way} {kind}"));
            }
        }
    }

    // ---- between VPCs --------------------------------------------------------------------

    /// A peering connection gives packets to the hosts of the other VPC and to nothing behind it
    /// (egress.md §2.3): what comes in on it finds no rule but that of the table of hosts.
    fn peerings(&mut self) {
        for (n, peer) in self.topology.vpc_peers.iter().enumerate() {
            if peer.meta.status.as_deref() != Some("Activated") {
                continue;
            }
            let side = |side: &Option<vpclint::topology::PeerSide>| {
                router(side.as_ref().unwrap().vpc.as_ref().unwrap())
            };
            let (a, b) = (side(&peer.requester), side(&peer.accepter));
            let device = format!("peer{n}");
            let (there, back) = self.join((&a, &device), (&b, &device));
            let id = peer.meta.id.as_str().to_owned();
            self.hops.insert((a, id.clone()), there);
            self.hops.insert((b, id), back);
        }
    }

    /// A pair of router interfaces is a cable like that (access.md §5.6).
    fn router_interfaces(&mut self) {
        for (n, interface) in self.topology.router_interfaces.iter().enumerate() {
            let (near, far) = (interface.meta.id.as_str(), interface.opposite.as_ref().unwrap());
            // each pair once
            if near > far.as_str() {
                continue;
            }
            let side = |vpc: &Option<vpclint::topology::Id>| router(vpc.as_ref().unwrap());
            let (a, b) = (side(&interface.vpc), side(&interface.opposite_vpc));
            let device = format!("ri{n}");
            let (there, back) = self.join((&a, &device), (&b, &device));
            self.hops.insert((a, near.to_owned()), there);
            self.hops.insert((b, far.as_str().to_owned()), back);
        }
    }

    /// A transit router asks the table that the attachment is associated with; what comes out of it
    /// is routed by the table of the vSwitch that the attachment is in (access.md §5.4).
    fn transit_routers(&mut self) {
        let topology = self.topology;
        let mut ways: BTreeMap<&str, String> = BTreeMap::new();
        for (n, attachment) in topology.transit_attachments.iter().enumerate() {
            let transit = format!("transit-{}", attachment.transit_router.as_ref().unwrap());
            let vpc = router(attachment.target.as_ref().unwrap());
            let id = attachment.meta.id.as_str();
            let (inside, outside) = (format!("tr{n}"), format!("a{n}"));
            let (there, back) = self.join((&vpc, &inside), (&transit, &outside));
            self.hops.insert((vpc.clone(), id.to_owned()), there);
            ways.insert(id, back);
            let [zone] = &attachment.zones.as_ref().unwrap()[..] else { panic!("one zone each") };
            let table = self.table_of(zone.vswitch.as_ref().unwrap());
            self.plan.ip(&vpc, format!("rule add iif {inside} priority 20 lookup {table}"));
            let all = topology.transit_associations.iter();
            for association in all.filter(|a| a.attachment.as_ref() == Some(&attachment.meta.id)) {
                let table = self.tables[association.table.as_ref().unwrap().as_str()];
                self.plan
                    .ip(&transit, format!("rule add iif {outside} priority 20 lookup {table}"));
            }
        }
        for table in topology.transit_route_tables.iter() {
            let transit = format!("transit-{}", table.transit_router.as_ref().unwrap());
            let number = self.tables[table.meta.id.as_str()];
            self.plan
                .ip(&transit, format!("route add unreachable default metric 99 table {number}"));
            let all = topology.transit_route_entries.iter();
            for entry in all.filter(|e| e.table.as_ref() == Some(&table.meta.id)) {
                let Some(RouteDestination::Cidr(cidr)) = &entry.destination else {
                    panic!("{:?}", entry.destination)
                };
                let cidr = cidr.cidr().unwrap();
                let way = match entry.next_hop_type {
                    Some(TransitHopType::BlackHole) => format!("blackhole {cidr}"),
                    _ => format!("{cidr} {}", ways[entry.next_hop.as_ref().unwrap().as_str()]),
                };
                self.plan.ip(&transit, format!("route add {way} metric 10 table {number}"));
            }
        }
    }
}
