//! From a sketch to a world: every number becomes one of what exists.

use std::collections::BTreeSet;
use std::net::IpAddr;

use vpclint::addr::{Cidr, Family};
use vpclint::topology::{
    AttachmentType, EipMode, Listing, NextHop, NextHopType, RouteOrigin, Text,
};

use super::generate::{Exit, FIXED, Fact, ModeSketch, Names, PREFIXES, Sketch, VPCS};
use super::world::World;

/// An ENI and one of the addresses that its guest may send from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceSketch {
    pub eni: String,
    pub address: IpAddr,
}

/// A built sketch: the world, and numbers back to names.
pub struct Built {
    pub world: World,
    /// In the order of the facts, whatever the names are.
    pub sources: Vec<SourceSketch>,
    pub destinations: Vec<IpAddr>,
}

impl Built {
    /// True when a usable BINDED EIP takes the place of the ENI's primary private address.
    pub fn replaced(&self, eni: &str) -> bool {
        self.world.eips.values().any(|eip| {
            eip.mode == Some(EipMode::Binded)
                && eip.target_id.as_ref().and_then(|id| id.as_deref()) == Some(eni)
                && eip.meta.business_status.as_deref() == Some("Normal")
        })
    }
}

/// The n-th of a list, counted around.
pub fn pick<T>(all: &[T], n: u8) -> Option<&T> {
    if all.is_empty() { None } else { all.get(usize::from(n) % all.len()) }
}

pub struct Host {
    pub id: String,
    pub eni: String,
}

pub struct EniSketch {
    pub id: String,
    pub vpc: usize,
    pub ips: Vec<String>,
    pub secondary: bool,
}

pub struct VSwitchSketch {
    pub id: String,
    pub vpc: usize,
    pub cidr: String,
    pub table: String,
    pub hosts: u8,
}

pub struct NatSketch {
    pub id: String,
    pub vpc: usize,
    pub eips: Vec<String>,
    pub normal: bool,
    pub intranet: bool,
    pub ok: bool,
}

pub struct Builder {
    pub names: Names,
    pub world: World,
    pub vpcs: Vec<String>,
    pub vswitches: Vec<VSwitchSketch>,
    pub hosts: Vec<Host>,
    pub enis: Vec<EniSketch>,
    pub havips: Vec<(String, usize)>,
    pub nats: Vec<NatSketch>,
    pub public: u8,
    pub taken: BTreeSet<String>,
    pub sources: Vec<SourceSketch>,
    pub routes: usize,
}

impl Builder {
    pub fn id(&self, kind: &str, n: usize) -> String {
        self.names.id(kind, n)
    }

    pub fn edit(&mut self, change: impl FnOnce(World) -> World) {
        self.world = change(std::mem::take(&mut self.world));
    }

    pub fn next_public(&mut self) -> String {
        self.public += 1;
        format!("203.0.113.{}", self.public)
    }

    /// True the first time something is claimed.
    pub fn claim(&mut self, what: String) -> bool {
        self.taken.insert(what)
    }

    /// Claims a private address for an EIP of one kind; never beside a static public address.
    pub fn claim_eip(&mut self, kind: &str, private: &str) -> bool {
        if self.taken.contains(&format!("static {private}")) {
            return false;
        }
        self.taken.insert(format!("public {private}"));
        self.claim(format!("eip {kind} {private}"))
    }

    pub fn first_address(&self, eni: &str) -> String {
        self.enis.iter().find(|e| e.id == eni).unwrap().ips[0].clone()
    }

    pub fn source(&mut self, eni: &str, address: &str) {
        self.sources.push(SourceSketch { eni: eni.to_owned(), address: address.parse().unwrap() });
    }

    /// A fresh address of a vSwitch.
    pub fn address_in(&mut self, vswitch: u8) -> Option<(String, usize, String)> {
        let count = self.vswitches.len();
        let chosen = self.vswitches.get_mut(usize::from(vswitch) % count.max(1))?;
        if chosen.hosts >= 12 {
            return None;
        }
        chosen.hosts += 1;
        let block: Cidr = chosen.cidr.parse().unwrap();
        let address = block.nth(u128::from(chosen.hosts)).unwrap().to_string();
        Some((chosen.id.clone(), chosen.vpc, address))
    }

    /// The next hops of an exit as seen from a VPC, if the VPC has such a thing.
    pub fn hops(&mut self, vpc: usize, exit: Exit) -> Option<Vec<NextHop>> {
        let of_vpc = |n: u8, all: Vec<String>| pick(&all, n).cloned();
        let (kind, id) = match exit {
            Exit::Nat(n) => {
                let mine = self.nats.iter().filter(|x| x.vpc == vpc).map(|x| x.id.clone());
                ("NatGateway", of_vpc(n, mine.collect())?)
            }
            Exit::Forwarder(n) => {
                let mine = self.enis.iter().filter(|e| e.vpc == vpc && !e.secondary);
                let enis: Vec<String> = mine.map(|e| e.id.clone()).collect();
                let eni = pick(&enis, n)?;
                ("Instance", self.hosts.iter().find(|h| h.eni == *eni)?.id.clone())
            }
            Exit::ForwarderEni(n) => {
                let mine = self.enis.iter().filter(|e| e.vpc == vpc && e.secondary);
                ("NetworkInterface", of_vpc(n, mine.map(|e| e.id.clone()).collect())?)
            }
            Exit::HaVip(n) => {
                let mine = self.havips.iter().filter(|(_, v)| *v == vpc);
                ("HaVip", of_vpc(n, mine.map(|(id, _)| id.clone()).collect())?)
            }
            Exit::Ipv4Gateway => ("Ipv4Gateway", self.id("ipv4gw", vpc)),
            Exit::Peer(n) => {
                let other = (vpc + 1 + usize::from(n) % 2) % 3;
                ("VpcPeer", self.id("pcc", vpc.min(other) * 3 + vpc.max(other)))
            }
            Exit::Transit => ("Attachment", self.id("att", vpc)),
            Exit::Vpn => ("VpnGateway", "vpn-1".to_owned()),
            Exit::Ecr => ("Ecr", "ecr-1".to_owned()),
            Exit::Inspection => ("GatewayLoadBalancerEndpoint", self.inspection(vpc, 0)?),
            Exit::GatewayEndpoint => ("GatewayEndpoint", "vpce-1".to_owned()),
            Exit::Ipv6Gateway => ("Ipv6Gateway", "ipv6gw-1".to_owned()),
            Exit::Gone(n) => {
                let kinds = ["NatGateway", "Instance", "NetworkInterface", "HaVip"];
                (*pick(&kinds, n)?, "gone-1".to_owned())
            }
            Exit::Express(first, second, standby) => {
                let interface = |id: &str, weight: u32, enabled: bool| NextHop {
                    hop_type: NextHopType::RouterInterface,
                    id: Some(id.into()),
                    weight: Some(weight),
                    enabled: Some(enabled),
                };
                let spare = if standby { 0 } else { 100 };
                return Some(vec![interface("ri-1", 100, first), interface("ri-2", spare, second)]);
            }
            Exit::InspectionGroup(active) => {
                let members = [self.inspection(vpc, 0)?, self.inspection(vpc, 1)?];
                let id = self.id("rtg", vpc * 2 + usize::from(active));
                let vpc = self.vpcs[vpc].clone();
                let pair = [(members[0].as_str(), active), (members[1].as_str(), true)];
                self.edit(|w| w.target_group(&id, &vpc, pair));
                ("RouteTargetGroup", id)
            }
        };
        Some(vec![World::hop(kind, &id)])
    }

    /// A GWLB endpoint in the n-th vSwitch of the VPC.
    pub fn inspection(&mut self, vpc: usize, n: u8) -> Option<String> {
        let mine = self.vswitches.iter().filter(|v| v.vpc == vpc).map(|v| v.id.clone());
        let mine: Vec<String> = mine.collect();
        let vswitch = pick(&mine, n)?.clone();
        let id = self.id("gwlbe", vpc * 2 + usize::from(n));
        let vpc = self.vpcs[vpc].clone();
        self.edit(|w| w.gwlb_endpoint(&id, &vpc, &[&vswitch]));
        Some(id)
    }

    pub fn route(&mut self, vswitch: u8, cidr: &str, exit: Exit, dynamic: bool, status: &str) {
        let Some(chosen) = pick(&self.vswitches, vswitch) else { return };
        let (vpc, table) = (chosen.vpc, chosen.table.clone());
        let Some(hops) = self.hops(vpc, exit) else { return };
        let origin = if dynamic { RouteOrigin::Dynamic } else { RouteOrigin::Custom };
        // the local entry of a system table cannot be pointed elsewhere
        let local = self.vswitches.iter().any(|v| v.vpc == vpc && v.cidr == cidr);
        if local && !dynamic && table == format!("vtb-{}", self.vpcs[vpc]) {
            return;
        }
        if !self.claim(format!("route {table} {cidr} {origin}")) {
            return;
        }
        self.routes += 1;
        self.edit(|w| w.route_as(&table, cidr, origin.clone(), hops));
        let id = format!("rte-{table}-{cidr}-{origin}");
        self.world.routes.get_mut(&id).unwrap().meta.status = Some(Text::from(status));
    }

    pub fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::VSwitch { vpc, table } => self.add_vswitch(usize::from(vpc) % 3, table % 3),
            Fact::Host { vswitch } => {
                let Some((vswitch, vpc, address)) = self.address_in(vswitch) else { return };
                let n = self.hosts.len();
                let (id, eni) = (self.id("i", n), self.id("eni", self.enis.len()));
                self.edit(|w| w.instance(&id, &eni, &vswitch, &address));
                self.source(&eni, &address);
                let ips = vec![address];
                self.enis.push(EniSketch { id: eni.clone(), vpc, ips, secondary: false });
                self.hosts.push(Host { id, eni });
            }
            Fact::SecondaryEni { host, vswitch } => {
                let Some(host) = pick(&self.hosts, host).map(|h| (h.id.clone(), h.eni.clone()))
                else {
                    return;
                };
                let vpc = self.enis.iter().find(|e| e.id == host.1).unwrap().vpc;
                // same VPC as the instance
                let mine = (0..self.vswitches.len()).filter(|i| self.vswitches[*i].vpc == vpc);
                let mine: Vec<usize> = mine.collect();
                let Some(vswitch) = pick(&mine, vswitch).and_then(|i| u8::try_from(*i).ok()) else {
                    return;
                };
                let Some((vswitch, vpc, address)) = self.address_in(vswitch) else { return };
                let eni = self.id("eni", self.enis.len());
                self.edit(|w| w.secondary_eni(&eni, &host.0, &vswitch, &address));
                self.source(&eni, &address);
                self.enis.push(EniSketch { id: eni, vpc, ips: vec![address], secondary: true });
            }
            Fact::LooseEni { vswitch } => {
                let Some((vswitch, vpc, address)) = self.address_in(vswitch) else { return };
                let eni = self.id("eni", self.enis.len());
                self.edit(|w| w.loose_eni(&eni, &vswitch, &address));
                self.source(&eni, &address);
                self.enis.push(EniSketch { id: eni, vpc, ips: vec![address], secondary: true });
            }
            Fact::ExtraIp { eni } => {
                let Some(chosen) = pick(&self.enis, eni) else { return };
                let id = chosen.id.clone();
                let vswitch = self.world.enis[&id].vswitch.clone().unwrap();
                let at = self.vswitches.iter().position(|v| v.id == vswitch.as_str()).unwrap();
                let Some((_, _, address)) = self.address_in(u8::try_from(at).unwrap()) else {
                    return;
                };
                self.edit(|w| w.extra_ip(&id, &address));
                self.source(&id, &address);
                self.enis.iter_mut().find(|e| e.id == id).unwrap().ips.push(address);
            }
            Fact::HaVip { vswitch, host, by_eni } => self.add_havip(vswitch, host, by_eni),
            Fact::Nat { vswitch, eips, kind, ok } => self.add_nat(vswitch, eips, kind, ok),
            Fact::Snat { .. } | Fact::IpMapping { .. } | Fact::PortMapping { .. } => {
                self.add_translation(fact);
            }
            Fact::Eip { binding, target, locked } => self.add_eip(binding, target, locked),
            Fact::Static { host } => {
                let address = self.next_public();
                let Some(host) = pick(&self.hosts, host).map(|h| (h.id.clone(), h.eni.clone()))
                else {
                    return;
                };
                let private = self.first_address(&host.1);
                if !self.taken.contains(&format!("public {private}"))
                    && self.claim(format!("static {private}"))
                {
                    self.edit(|w| w.static_ip(&host.0, &address));
                }
            }
            Fact::Guest { host, stopped, forwards, masquerade } => {
                let Some(host) = pick(&self.hosts, host) else { return };
                let instance = self.world.instances.get_mut(&host.id).unwrap();
                let status = if stopped { "Stopped" } else { "Running" };
                instance.meta.status = Some(Text::from(status));
                instance.forwards = forwards;
                instance.masquerade = masquerade;
            }
            Fact::Route { vswitch, prefix, exit, dynamic } => {
                let cidr = pick(PREFIXES, prefix).unwrap();
                // a custom route to 100.64.0.0/10 itself is refused by the cloud
                if dynamic || *cidr != "100.64.0.0/10" {
                    self.route(vswitch, cidr, exit, dynamic, "Available");
                }
            }
            Fact::PendingRoute { vswitch, prefix, exit } => {
                let status = if prefix % 2 == 0 { "Pending" } else { "Modifying" };
                self.route(vswitch, pick(PREFIXES, prefix / 2).unwrap(), exit, false, status);
            }
            Fact::Retarget { vswitch, local, exit } => {
                let Some(vpc) = pick(&self.vswitches, vswitch).map(|v| v.vpc) else { return };
                let mine = self.vswitches.iter().filter(|v| v.vpc == vpc).map(|v| v.cidr.clone());
                let mine: Vec<String> = mine.collect();
                let cidr = pick(&mine, local).unwrap().clone();
                self.route(vswitch, &cidr, exit, false, "Available");
            }
            Fact::PrefixList { vswitch, prefixes, exit } => {
                let Some(chosen) = pick(&self.vswitches, vswitch) else { return };
                let (vpc, table) = (chosen.vpc, chosen.table.clone());
                let Some(hops) = self.hops(vpc, exit) else { return };
                let both =
                    BTreeSet::from([prefixes.0, prefixes.1].map(|p| *pick(PREFIXES, p).unwrap()));
                let mut cidrs = Vec::new();
                for cidr in both {
                    let custom = RouteOrigin::Custom;
                    let local = self.vswitches.iter().any(|v| v.vpc == vpc && v.cidr == cidr);
                    if cidr != "100.64.0.0/10"
                        && !local
                        && self.claim(format!("route {table} {cidr} {custom}"))
                    {
                        cidrs.push(cidr);
                    }
                }
                let list = self.id("pl", self.world.prefix_lists.len());
                let hop = hops[0].clone();
                self.edit(|w| w.prefix_route(&table, &list, &cidrs, hop));
            }
            Fact::TransitRoute { second, prefix, to } => {
                let table = self.id("trtb", usize::from(second));
                let to = match (second, to) {
                    (_, None) => None,
                    (false, Some(n)) => Some([0, 1, 3, 4][usize::from(n) % 4]),
                    (true, Some(n)) => Some([2, 3, 5][usize::from(n) % 3]),
                };
                let to = to.map(|n| self.id("att", n));
                let cidr = *pick(PREFIXES, prefix).unwrap();
                if self.claim(format!("transit {table} {cidr}")) {
                    self.edit(|w| w.transit_route(&table, cidr, to.as_deref()));
                }
            }
            Fact::UserCidr { vpc, prefix } => {
                let blocks = ["30.0.0.0/24", "8.8.8.0/24", "8.0.0.0/7", "128.0.0.0/1"];
                let vpc = self.vpcs[usize::from(vpc) % 3].clone();
                let block = *pick(&blocks, prefix).unwrap();
                self.edit(|w| w.user_cidr(&vpc, block));
            }
            Fact::SecondaryCidr { vpc } => {
                let n = usize::from(vpc) % 3;
                let vpc = self.vpcs[n].clone();
                if self.claim(format!("secondary {n}")) {
                    self.edit(|w| w.secondary_cidr(&vpc, &format!("31.0.{n}.0/24")));
                }
            }
            Fact::Missing { what, parent } => self.add_gap(what, parent),
        }
    }

    pub fn add_vswitch(&mut self, vpc: usize, table: u8) {
        let of_vpc = self.vswitches.iter().filter(|v| v.vpc == vpc).count();
        if of_vpc >= 4 {
            return;
        }
        let id = self.id("vsw", self.vswitches.len());
        let parent: Cidr = VPCS[vpc].parse().unwrap();
        let cidr = format!("{}/28", parent.nth(of_vpc as u128 * 16).unwrap());
        let owner = self.vpcs[vpc].clone();
        self.edit(|w| w.vswitch(&id, &owner, &cidr));
        let system = format!("vtb-{owner}");
        let table = if table == 0 {
            system
        } else {
            let custom = self.id("vtb", vpc * 3 + usize::from(table));
            if !self.world.tables.contains_key(&custom) {
                self.edit(|w| w.table(&custom, &owner));
            }
            self.edit(|w| w.on_table(&id, &custom));
            custom
        };
        self.vswitches.push(VSwitchSketch { id, vpc, cidr, table, hosts: 0 });
    }

    pub fn add_gap(&mut self, what: u8, parent: u8) {
        let tables: Vec<String> = self.world.tables.keys().cloned().collect();
        let nats: Vec<String> = self.nats.iter().map(|n| n.id.clone()).collect();
        // a Normal gateway maps without a route, so one that is not listed could be anywhere; the
        // program and the reference both take gateways of that generation for listed
        let normal = self.nats.iter().any(|nat| nat.normal);
        let (listing, parent) = match what % 9 {
            0 => {
                // by vSwitch, because the order of table names depends on the naming
                let table = pick(&self.vswitches, parent).map(|v| v.table.clone());
                (Listing::RouteEntries, table.or_else(|| tables.first().cloned()))
            }
            1 => (Listing::SnatEntries, pick(&nats, parent).cloned()),
            2 => (Listing::DnatEntries, pick(&nats, parent).cloned()),
            3 => (Listing::TransitRouteEntries, Some(self.id("trtb", usize::from(parent % 2)))),
            4 if !normal => (Listing::NatGateways, None),
            5 => (Listing::HaVips, None),
            6 => (Listing::VpcPeers, None),
            7 => (Listing::TransitAssociations, None),
            _ => (Listing::Eips, None),
        };
        let per_parent = matches!(listing, Listing::SnatEntries | Listing::DnatEntries);
        if !per_parent || parent.is_some() {
            self.edit(|w| w.without(listing, parent.as_deref()));
        }
    }
}

impl Sketch {
    /// The topology with ids of one naming.
    pub fn build(&self, names: Names) -> Built {
        let mut builder = Builder {
            names,
            world: World::new(),
            vpcs: (0..3).map(|n| names.id("vpc", n)).collect(),
            vswitches: vec![],
            hosts: vec![],
            enis: vec![],
            havips: vec![],
            nats: vec![],
            public: 0,
            taken: BTreeSet::new(),
            sources: vec![],
            routes: 0,
        };
        for (n, mode) in self.modes.iter().enumerate() {
            let vpc = builder.vpcs[n].clone();
            let gateway = builder.id("ipv4gw", n);
            builder.edit(|w| {
                let w = w.vpc(&vpc, VPCS[n]);
                match mode {
                    ModeSketch::Direct => w,
                    ModeSketch::NotActivated => w.ipv4_gateway(&gateway, &vpc, false),
                    ModeSketch::Central => w.ipv4_gateway(&gateway, &vpc, true),
                    ModeSketch::Private => w.private_mode(&vpc),
                }
            });
            // one vSwitch at least, and one host in it
            builder.apply(Fact::VSwitch { vpc: u8::try_from(n).unwrap(), table: 0 });
            builder.apply(Fact::Host { vswitch: u8::try_from(n).unwrap() });
        }
        // what routes point to comes before the routes
        let mut facts = self.facts.clone();
        facts.sort_by_key(phase);
        let (before, after): (Vec<Fact>, Vec<Fact>) = facts.into_iter().partition(|f| phase(f) < 4);
        before.into_iter().for_each(|fact| builder.apply(fact));
        self.interconnect(&mut builder);
        after.into_iter().for_each(|fact| builder.apply(fact));
        builder.world.unstated_system_routes = self.unstated_system_routes;
        if self.stated_bindings {
            builder.edit(World::state_bindings);
        }
        let destinations = destinations(&builder.world);
        let mut sources = builder.sources;
        sources.dedup();
        Built { world: builder.world, sources, destinations }
    }

    /// Peerings between all VPCs; VPC 0 and 1 on one transit router, VPC 2 on another, and a
    /// peering (attachment 3) between the two. Attachment 4 and 5 lead to a border router.
    pub fn interconnect(&self, builder: &mut Builder) {
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let id = builder.id("pcc", a * 3 + b);
            let (left, right) = (builder.vpcs[a].clone(), builder.vpcs[b].clone());
            let active = self.peer_active;
            builder.edit(|w| w.peering(&id, &left, &right, active));
        }
        let (near, far) = (builder.id("tr", 0), builder.id("tr", 1));
        let tables = [builder.id("trtb", 0), builder.id("trtb", 1)];
        builder.edit(|w| {
            w.transit_router(&near)
                .transit_router(&far)
                .transit_table(&tables[0], &near)
                .transit_table(&tables[1], &far)
        });
        for vpc in 0..3 {
            let id = builder.id("att", vpc);
            let zones = builder.vswitches.iter().filter(|v| v.vpc == vpc).map(|v| v.id.clone());
            let zones: Vec<String> = zones.take(2).collect();
            let zones: Vec<&str> = zones.iter().map(String::as_str).collect();
            let (router, table) = if vpc < 2 { (&near, &tables[0]) } else { (&far, &tables[1]) };
            let table = self.associated[vpc].then_some(table.as_str());
            let owner = builder.vpcs[vpc].clone();
            builder.edit(|w| w.attach_vpc(&id, router, &owner, &zones, table));
        }
        let peering = builder.id("att", 3);
        let borders = [builder.id("att", 4), builder.id("att", 5)];
        builder.edit(|w| {
            w.attachment(&peering, &near, AttachmentType::Peer, &far, Some(&tables[0]))
                .associate(&peering, &tables[1])
                .attachment(&borders[0], &near, AttachmentType::Vbr, "vbr-1", Some(&tables[0]))
                .attachment(&borders[1], &far, AttachmentType::Vbr, "vbr-2", Some(&tables[1]))
        });
    }
}

/// Order in which facts are applied: things before what points to them.
fn phase(fact: &Fact) -> u8 {
    match fact {
        Fact::VSwitch { .. } | Fact::UserCidr { .. } | Fact::SecondaryCidr { .. } => 0,
        Fact::Host { .. } => 1,
        Fact::SecondaryEni { .. } | Fact::LooseEni { .. } => 2,
        Fact::ExtraIp { .. } | Fact::HaVip { .. } | Fact::Nat { .. } => 3,
        Fact::Missing { .. } => 5,
        _ => 4,
    }
}

/// The edges of every block of the world and one address to either side, and fixed addresses.
fn destinations(world: &World) -> Vec<IpAddr> {
    let mut blocks: BTreeSet<Cidr> = BTreeSet::new();
    blocks.extend(world.routes.values().filter_map(vpclint::topology::RouteEntry::cidr));
    for list in world.prefix_lists.values() {
        blocks.extend(list.entries.iter().flatten().filter_map(|c| c.cidr()));
    }
    for entry in world.transit_routes.values() {
        if let Some(vpclint::topology::RouteDestination::Cidr(value)) = &entry.destination {
            blocks.extend(value.cidr());
        }
    }
    blocks.extend(world.vswitches.values().filter_map(|v| v.cidr.as_ref()?.cidr()));
    for vpc in world.vpcs.values() {
        let all = vpc.cidr.iter().chain(vpc.secondary_cidrs.iter().flatten());
        blocks.extend(all.chain(vpc.user_cidrs.iter().flatten()).filter_map(|c| c.cidr()));
    }
    let mut out: BTreeSet<IpAddr> = FIXED.iter().map(|ip| ip.parse().unwrap()).collect();
    for block in blocks {
        let range = block.range();
        let edges = [
            range.first.saturating_sub(1),
            range.first,
            range.first + 1,
            range.last.saturating_sub(1),
            range.last,
            range.last + 1,
        ];
        out.extend(
            edges.into_iter().filter(|n| *n <= Family::V4.max()).map(|n| Family::V4.address(n)),
        );
    }
    out.into_iter().collect()
}
