//! A topology as network namespaces: one per host, per router of a VPC, per gateway, and the
//! Internet. What the kernel then does with routes, filters and translated addresses is its own.
//!
//! Every host has a cable of its own to the router of its VPC. The tables of the VPC are policy
//! routing tables, looked at by the cable on which a packet comes; a local route ends the lookup and
//! leads to the table of hosts (`throw`), a table without a match is a dead end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use vpclint::addr::Cidr;
use vpclint::topology::{
    AddrValue, EipTarget, Eni, EniType, Ipv4Gateway, NatGateway, NatPort, NatProtocol, NextHopType,
    RouteDestination, RouteOrigin, Topology, TransitHopType, Vpc,
};

use super::filters;
use super::lab::Plan;

/// Where the hosts of every VPC are.
const HOSTS: u32 = 1000;
/// Senders with a public address of their own.
const OWN_ADDRESS: u32 = 1001;
/// NAT gateways behind an IPv4 gateway.
const BEHIND: u32 = 1002;
/// Address of every router towards its hosts.
const GATEWAY: &str = "169.254.1.1";
/// The Internet's router.
const INTERNET: &str = "internet";

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

fn four(address: &AddrValue) -> Ipv4Addr {
    match address.addr() {
        Some(IpAddr::V4(address)) => address,
        other => panic!("{other:?} is not an IPv4 address"),
    }
}

struct Renderer<'a> {
    topology: &'a Topology,
    plan: Plan,
    hosts: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Number of the next cable between routers.
    cable: u8,
    /// Numbers of route tables.
    tables: BTreeMap<String, u32>,
    /// Where a router sends packets for a next hop: the address and device of the other end.
    hops: BTreeMap<(String, String), String>,
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

fn router(vpc: &str) -> String {
    format!("router-{vpc}")
}

impl Renderer<'_> {
    // ---- cables --------------------------------------------------------------------------

    /// A cable between routers. Gives how a route of each to the other is written.
    fn join(&mut self, a: (&str, &str), b: (&str, &str)) -> (String, String) {
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
    fn publish(&mut self, address: Ipv4Addr, way: &str) {
        self.plan.ip(INTERNET, format!("route add {address}/32 {way}"));
    }

    // ---- a VPC ---------------------------------------------------------------------------

    fn enis(&self, vpc: &Vpc) -> Vec<(usize, &Eni)> {
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

    fn table_of(&self, vswitch: &str) -> u32 {
        let table = self.topology.vswitches.get(vswitch).unwrap().route_table.as_ref().unwrap();
        self.tables[table.as_str()]
    }

    /// Private addresses with a public one of their own, by ENI.
    fn bound(&self, vpc: &Vpc) -> Vec<(usize, Ipv4Addr, Ipv4Addr)> {
        let mut out = Vec::new();
        for (n, eni) in self.enis(vpc) {
            let instance = eni.instance.clone().flatten();
            for eip in self.topology.eips.iter() {
                let target = eip.target_id.clone().flatten();
                let here = match eip.target.clone().flatten() {
                    Some(EipTarget::Instance) => target == instance,
                    Some(EipTarget::Eni) => target.as_ref() == Some(&eni.meta.id),
                    Some(EipTarget::NatGateway) | None => false,
                    other => panic!("an EIP on {other:?}"),
                };
                if here {
                    let private = eip.private_address.as_ref().map(four);
                    let private = private.unwrap_or_else(|| addresses(eni)[0]);
                    out.push((n, private, four(eip.address.as_ref().unwrap())));
                }
            }
        }
        out
    }

    fn central(&self, vpc: &Vpc) -> Option<&Ipv4Gateway> {
        let mut all = self.topology.ipv4_gateways.iter();
        all.find(|g| g.vpc.as_ref() == Some(&vpc.meta.id) && g.enabled == Some(true))
    }

    /// The gateway that exchanges private addresses and public ones of their own, one to one. In
    /// DIRECT mode no route leads there, only the sender's address does (egress.md §4.2 row 1); in
    /// CENTRAL mode only a route does, and NAT gateways are behind it (egress.md §4.3).
    fn own_addresses(&mut self, vpc: &Vpc) {
        let bound = self.bound(vpc);
        let central = self.central(vpc).map(|gateway| gateway.meta.id.as_str().to_owned());
        if bound.is_empty() && central.is_none() {
            return;
        }
        let (gateway, router) = (format!("eip-{}", vpc.meta.id), router(&vpc.meta.id));
        let (there, back) = self.join((&router, "eip"), (&gateway, "in"));
        let (out, published) =
            self.join((&gateway, "out"), (INTERNET, &format!("v{}", self.cable)));
        self.plan.ip(&gateway, format!("route add default {out}"));
        self.plan.ip(&router, format!("route add default {there} table {OWN_ADDRESS}"));
        for private in self.private_blocks(vpc) {
            self.plan.ip(&router, format!("route add throw {private} table {OWN_ADDRESS}"));
        }
        let (mut inward, mut outward, mut forward) = <(String, String, String)>::default();
        for (n, private, public) in bound {
            if central.is_none() {
                let from = format!("rule add iif h{n} from {private}");
                self.plan.ip(&router, format!("{from} priority 10 lookup {OWN_ADDRESS}"));
            }
            self.plan.ip(&gateway, format!("route add {private}/32 {back}"));
            self.publish(public, &published);
            writeln!(inward, "iifname \"out\" ip daddr {public} dnat to {private}").unwrap();
            writeln!(outward, "oifname \"out\" ip saddr {private} snat to {public}").unwrap();
            writeln!(forward, "oifname \"out\" ip saddr {private} accept").unwrap();
        }
        if let Some(id) = central {
            let mut untracked = String::new();
            // also from inside, the way to a NAT gateway is by the Internet
            self.plan.ip(&gateway, format!("rule add iif out priority 20 lookup {BEHIND}"));
            for public in self.nat_addresses(vpc) {
                self.plan.ip(&gateway, format!("route add {public}/32 {back} table {BEHIND}"));
                self.publish(public, &published);
                writeln!(forward, "oifname \"out\" ip saddr {public} accept").unwrap();
                writeln!(forward, "oifname \"in\" ip daddr {public} accept").unwrap();
                // it is not the gateway's to remember what others translated: a flow that comes
                // back in to an address of one's own would look like the one that went out
                writeln!(untracked, "iifname \"in\" ip saddr {public} notrack").unwrap();
                writeln!(untracked, "iifname \"out\" ip daddr {public} notrack").unwrap();
            }
            let hook = "type filter hook prerouting priority -300;";
            self.plan.space(&gateway).nft +=
                &format!("table ip raw {{ chain untracked {{ {hook}\n{untracked}}}\n}}\n");
            self.hops.insert((router, id), there);
        }
        self.plan.space(&gateway).nft += &nat_table(&inward, &outward, &forward);
    }

    fn nat_addresses(&self, vpc: &Vpc) -> Vec<Ipv4Addr> {
        let of_vpc = |nat: &&NatGateway| nat.vpc.as_ref() == Some(&vpc.meta.id);
        let nats = self.topology.nat_gateways.iter().filter(of_vpc);
        nats.flat_map(|nat| nat.eips.iter().flatten()).map(|eip| four(&eip.address)).collect()
    }

    /// What a sender with a public address of its own leaves to the routes (egress.md §1.2).
    fn private_blocks(&self, vpc: &Vpc) -> BTreeSet<Cidr> {
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

    // ---- NAT gateways --------------------------------------------------------------------

    fn nat(&mut self, nat: &NatGateway) {
        let id = nat.meta.id.as_str();
        let vpc = self.topology.vpcs.get(nat.vpc.as_ref().unwrap()).unwrap();
        let (space, router) = (format!("nat-{id}"), router(&vpc.meta.id));
        let device = format!("nat{}", self.cable);
        let (there, back) = self.join((&router, &device), (&space, "in"));
        self.hops.insert((router.clone(), id.to_owned()), there);
        for private in self.private_blocks(vpc) {
            self.plan.ip(&space, format!("route add {private} {back}"));
        }
        // replies to senders of other VPCs: the table of the gateway's own vSwitch (egress.md §4.4)
        let table = self.table_of(nat.vswitch.as_ref().unwrap());
        self.plan.ip(&router, format!("rule add iif {device} priority 20 lookup {table}"));
        let eips: Vec<Ipv4Addr> = nat.eips.iter().flatten().map(|e| four(&e.address)).collect();
        let outside = format!("v{}", self.cable);
        let out = if self.central(vpc).is_some() {
            // out and in again by the table of its own vSwitch and the IPv4 gateway
            let (out, back) = self.join((&space, "out"), (&router, &outside));
            self.plan.ip(&router, format!("rule add iif {outside} priority 20 lookup {table}"));
            for eip in &eips {
                self.plan.ip(&router, format!("route add {eip}/32 {back} table {HOSTS}"));
            }
            out
        } else {
            let (out, published) = self.join((&space, "out"), (INTERNET, &outside));
            for eip in &eips {
                self.publish(*eip, &published);
            }
            out
        };
        self.plan.ip(&space, format!("route add default {out}"));
        let (mappings, inward) = self.dnat(id, &eips);
        let mut outward = String::new();
        let mut sources = Vec::new();
        for (internal, external) in mappings {
            // an IP mapping comes before the SNAT entries (egress.md §4.2 rows 3, 4)
            writeln!(outward, "oifname \"out\" ip saddr {internal} snat to {external}").unwrap();
            sources.push(internal.to_string());
        }
        for (cidr, pool) in self.snat(id, &eips) {
            let target = match &pool[..] {
                [one] => one.to_string(),
                _ => {
                    let all = pool.iter().enumerate().map(|(n, ip)| format!("{n} : {ip}"));
                    let all: Vec<String> = all.collect();
                    format!("numgen inc mod {} map {{ {} }}", pool.len(), all.join(", "))
                }
            };
            writeln!(outward, "oifname \"out\" ip saddr {cidr} snat to {target}").unwrap();
            sources.push(cidr.to_string());
        }
        let mut forward = String::new();
        for source in sources {
            writeln!(forward, "iifname \"in\" oifname \"out\" ip saddr {source} accept").unwrap();
        }
        self.plan.space(&space).nft += &nat_table(&inward, &outward, &forward);
    }

    /// SNAT entries, the longest block first (egress.md §4.4).
    fn snat(&self, nat: &str, eips: &[Ipv4Addr]) -> Vec<(Cidr, Vec<Ipv4Addr>)> {
        let entries = self.topology.snat_entries.iter();
        let of_nat = entries.filter(|e| e.nat_gateway.as_deref() == Some(nat));
        let mut out: Vec<(Cidr, Vec<Ipv4Addr>)> = of_nat
            .map(|entry| {
                let of_vswitch = || {
                    let id = entry.source_vswitch.as_ref().unwrap();
                    self.topology.vswitches.get(id).unwrap().cidr.as_ref().unwrap()
                };
                let cidr = entry.source_cidr.as_ref().unwrap_or_else(of_vswitch).cidr().unwrap();
                let pool: Vec<Ipv4Addr> =
                    entry.snat_ips.as_ref().unwrap().iter().map(four).collect();
                assert!(pool.iter().all(|ip| eips.contains(ip)), "SNAT to an unbound address");
                (cidr, pool)
            })
            .collect();
        out.sort_by_key(|(cidr, _)| std::cmp::Reverse(cidr.mask()));
        out
    }

    /// IP mappings, and all DNAT entries as rules: IP mappings own their address (egress.md §5.2).
    fn dnat(&self, nat: &str, eips: &[Ipv4Addr]) -> (Vec<(Ipv4Addr, Ipv4Addr)>, String) {
        let mut mappings = Vec::new();
        let (mut whole, mut ports) = (String::new(), String::new());
        let entries = self.topology.dnat_entries.iter();
        for entry in entries.filter(|e| e.nat_gateway.as_deref() == Some(nat)) {
            let external = four(entry.external_ip.as_ref().unwrap());
            let internal = four(entry.internal_ip.as_ref().unwrap());
            assert!(eips.contains(&external), "DNAT from an unbound address");
            let here = format!("iifname \"out\" ip daddr {external}");
            if entry.is_ip_mapping() {
                mappings.push((internal, external));
                writeln!(whole, "{here} dnat to {internal}").unwrap();
                continue;
            }
            let protocol = match entry.protocol {
                Some(NatProtocol::Tcp) => "tcp",
                Some(NatProtocol::Udp) => "udp",
                ref other => panic!("ports of {other:?}"),
            };
            let (Some(NatPort::Range(first, last)), Some(NatPort::Range(to, _))) =
                (&entry.external_port, &entry.internal_port)
            else {
                panic!("ports of {}", entry.meta.id)
            };
            for port in *first..=*last {
                let to = to + (port - first);
                writeln!(ports, "{here} {protocol} dport {port} dnat to {internal}:{to}").unwrap();
            }
        }
        (mappings, whole + &ports)
    }
}

/// What a gateway with translation does: `inward` before routing, `outward` behind it. Of new flows
/// it forwards those from outside that were translated, and those that `forward` accepts.
fn nat_table(inward: &str, outward: &str, forward: &str) -> String {
    format!(
        "table ip nat {{\n\
         chain inward {{ type nat hook prerouting priority -100;\n{inward}}}\n\
         chain outward {{ type nat hook postrouting priority 100;\n{outward}}}\n\
         chain forward {{ type filter hook forward priority 0; policy drop;\n\
         ct state invalid drop\n\
         iifname \"in\" oifname \"out\" ct state established,related accept\n\
         iifname \"out\" oifname \"in\" ct state established,related accept\n\
         iifname \"out\" oifname \"in\" ct status dnat accept\n{forward}}}\n}}\n"
    )
}
