//! What the model says, as questions that a packet's journey asks. Every answer is a linear scan.

use std::net::IpAddr;

use vpclint::addr::Cidr;
use vpclint::topology::{
    DnatEntry, Eip, EipMode, EipTarget, Eni, EniType, Id, Instance, Listing, NatGateway,
    NatNetwork, NatType, NextHop, NextHopType, RouteDestination, RouteEntry, RouteOrigin,
    RouteTable, RouteTableType, Scope, SnatEntry, Topology, TransitHopType, TransitRouteEntry,
};

use super::Answer;

pub struct Facts<'a> {
    pub topology: &'a Topology,
}

/// Internet mode of a VPC (egress.md §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Direct,
    Central,
    Private,
}

/// The public address that a source holds itself (rule 1).
#[derive(Clone)]
pub enum Own {
    None,
    Mapped(String),
    CutThrough {
        ip: String,
        multi: bool,
    },
    /// The EIPs are not all known and none of the known ones is it.
    Missing,
}

/// What a table says about a destination (rule 2).
pub enum Lookup {
    NoRoute,
    Hops(Vec<NextHop>),
    Missing(String),
}

pub enum TransitLookup {
    NoAssociation,
    NoRoute,
    Attachment(Id),
    Missing(String),
}

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

pub fn in_any(blocks: &[&str], address: IpAddr) -> bool {
    blocks.iter().any(|block| cidr(block).contains(address))
}

/// Destinations that nothing forwards (egress.md §1.2).
pub fn is_special(dst: IpAddr) -> bool {
    match dst {
        IpAddr::V4(_) => in_any(
            &["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"],
            dst,
        ),
        IpAddr::V6(_) => !in_any(&["2000::/3", "fc00::/7"], dst),
    }
}

fn is_word(status: Option<&str>, words: &[&str]) -> bool {
    status.is_none_or(|s| words.iter().any(|word| s.eq_ignore_ascii_case(word)))
}

fn is_available(status: Option<&str>) -> bool {
    is_word(status, &["Available"])
}

/// Transit, modifying or steady: the object works.
fn works(status: Option<&str>) -> bool {
    is_word(status, &["Available", "Modifying"])
}

impl<'a> Facts<'a> {
    pub fn is_whole(&self, listing: Listing) -> bool {
        self.topology.coverage.is_complete(listing, &Scope::anywhere())
    }

    // ---- VPC ---------------------------------------------------------------------------------

    /// Own IPv4 blocks, primary and secondary.
    pub fn vpc_blocks(&self, vpc: &str) -> Vec<Cidr> {
        let Some(vpc) = self.topology.vpcs.get(vpc) else { return Vec::new() };
        vpc.cidr
            .iter()
            .chain(vpc.secondary_cidrs.iter().flatten())
            .filter_map(|c| c.cidr())
            .collect()
    }

    /// `public(dst, vpc)` of egress.md §1.2.
    pub fn is_public(&self, dst: IpAddr, vpc: &str) -> bool {
        let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
        let user = self.topology.vpcs.get(vpc).and_then(|v| v.user_cidrs.clone());
        let user: Vec<Cidr> = user.iter().flatten().filter_map(|c| c.cidr()).collect();
        !is_special(dst)
            && !in_any(&private, dst)
            && !self.vpc_blocks(vpc).iter().any(|block| block.contains(dst))
            && !user.iter().any(|block| block.contains(dst))
    }

    /// egress.md §3, decisions.md 30.
    pub fn mode(&self, id: &str) -> Mode {
        let Some(vpc) = self.topology.vpcs.get(id) else { return Mode::Direct };
        let gateways: Vec<_> = self
            .topology
            .ipv4_gateways
            .iter()
            .filter(|g| g.vpc.as_deref() == Some(id) || named(&vpc.ipv4_gateway, &g.meta.id))
            .collect();
        let enabled = gateways.iter().any(|g| g.enabled == Some(true));
        match vpc.support_ipv4_gateway {
            Some(false) => Mode::Direct,
            Some(true) if enabled => Mode::Central,
            Some(true) if vpc.ipv4_gateway == Some(None) => Mode::Private,
            Some(true) => Mode::Direct,
            None if enabled => Mode::Central,
            None if self.is_whole(Listing::Ipv4Gateways) => Mode::Direct,
            None => {
                let tables = self.topology.route_tables.iter();
                let mut mine = tables.filter(|t| t.vpc.as_deref() == Some(id));
                let routed = mine.any(|table| {
                    self.entries(&table.meta.id).any(|e| {
                        e.next_hops.iter().flatten().any(|h| h.hop_type == NextHopType::Ipv4Gateway)
                    })
                });
                if routed { Mode::Central } else { Mode::Direct }
            }
        }
    }

    pub fn vswitch_holding(&self, vpc: &str, address: IpAddr) -> Option<Id> {
        let mut mine = self.topology.vswitches.iter().filter(|v| v.vpc.as_deref() == Some(vpc));
        let holds = |c: &Option<vpclint::topology::CidrValue>| {
            c.as_ref().and_then(|c| c.cidr()).is_some_and(|c| c.contains(address))
        };
        mine.find(|v| holds(&v.cidr) || holds(&v.ipv6_cidr)).map(|v| v.meta.id.clone())
    }

    // ---- ENIs and their own public addresses -------------------------------------------------

    pub fn owner(&self, eni: &Eni) -> Option<&'a Instance> {
        self.topology.instances.get(eni.instance.as_ref()?.as_deref()?)
    }

    pub fn primary_eni(&self, instance: &str) -> Option<&'a Eni> {
        self.topology.enis.iter().find(|eni| {
            eni.eni_type == Some(EniType::Primary)
                && eni.instance.as_ref().and_then(|i| i.as_deref()) == Some(instance)
        })
    }

    pub fn primary_ip(&self, eni: &Eni) -> Option<IpAddr> {
        let ips = eni.private_ips.as_ref()?;
        let marked = ips.iter().find(|ip| ip.primary == Some(true));
        marked.or(ips.first())?.address.addr()
    }

    /// One of the private addresses of the ENI, or of a HaVip.
    pub fn is_private_address(&self, eni: &Eni, address: IpAddr) -> bool {
        let mut own = eni.private_ips.iter().flatten();
        let mut havips = self.topology.havips.iter();
        own.any(|ip| ip.address.addr() == Some(address))
            || havips.any(|h| h.address.as_ref().and_then(|a| a.addr()) == Some(address))
    }

    /// Not attached, or its instance does not run.
    pub fn is_down(&self, eni: &Eni) -> bool {
        eni.instance == Some(None)
            || !is_word(eni.meta.status.as_deref(), &["InUse"])
            || self.owner(eni).is_some_and(|i| !is_word(i.meta.status.as_deref(), &["Running"]))
    }

    pub fn is_usable(eip: &Eip) -> bool {
        is_word(eip.meta.status.as_deref(), &["InUse"])
            && is_word(eip.meta.business_status.as_deref(), &["Normal"])
            && eip.locks.as_ref().is_none_or(Vec::is_empty)
    }

    /// Usable EIPs that are bound to a resource of a kind.
    pub fn bound(&self, target: &EipTarget, id: &str) -> Vec<&'a Eip> {
        self.topology
            .eips
            .iter()
            .filter(|e| Self::is_usable(e))
            .filter(|e| e.target.as_ref() == Some(&Some(target.clone())))
            .filter(|e| e.target_id.as_ref().and_then(|i| i.as_deref()) == Some(id))
            .collect()
    }

    /// Rule 1.
    pub fn own_public(&self, eni: &Eni, src: IpAddr) -> Own {
        let text = |eip: &Eip| eip.address.as_ref().map(ToString::to_string).unwrap();
        let primary_ip = self.primary_ip(eni);
        for eip in self.bound(&EipTarget::Eni, &eni.meta.id) {
            match &eip.mode {
                Some(EipMode::Binded | EipMode::MultiBinded) => {
                    if eip.address.as_ref().and_then(|a| a.addr()) == Some(src) {
                        let multi = eip.mode == Some(EipMode::MultiBinded);
                        return Own::CutThrough { ip: text(eip), multi };
                    }
                }
                Some(EipMode::Nat) | None => {
                    let mapped = eip.private_address.as_ref().and_then(|a| a.addr()).or(primary_ip);
                    if mapped == Some(src) {
                        return Own::Mapped(text(eip));
                    }
                }
                Some(EipMode::Other(_)) => {}
            }
        }
        if eni.eni_type == Some(EniType::Primary)
            && primary_ip == Some(src)
            && let Some(owner) = self.owner(eni)
        {
            if let Some(eip) = self.bound(&EipTarget::Instance, &owner.meta.id).first() {
                return Own::Mapped(text(eip));
            }
            if let Some(ip) = owner.public_ips.iter().flatten().next() {
                return Own::Mapped(ip.to_string());
            }
        }
        for havip in &self.topology.havips {
            let holder = havip.master.as_ref().and_then(|m| m.as_deref());
            let here = holder == Some(&*eni.meta.id)
                || (holder.is_some() && holder == eni.instance.as_ref().and_then(|i| i.as_deref()));
            if here
                && havip.address.as_ref().and_then(|a| a.addr()) == Some(src)
                && let Some(eip) = self.bound(&EipTarget::HaVip, &havip.meta.id).first()
            {
                return Own::Mapped(text(eip));
            }
        }
        let on_address = self.topology.eips.iter().find(|eip| {
            Self::is_usable(eip)
                && eip.target == Some(Some(EipTarget::IpAddress))
                && eip.vpc.is_some()
                && eip.vpc == eni.vpc
                && eip.private_address.as_ref().and_then(|a| a.addr()) == Some(src)
        });
        if let Some(eip) = on_address {
            return Own::Mapped(text(eip));
        }
        if self.topology.coverage.is_complete(Listing::Eips, &Scope::around(&eni.meta)) {
            Own::None
        } else {
            Own::Missing
        }
    }

    // ---- routes ------------------------------------------------------------------------------

    /// The table that a vSwitch names, or that names the vSwitch, or the system table of its VPC.
    pub fn table_of(&self, vswitch: &str) -> Option<Id> {
        let tables = &self.topology.route_tables;
        let vswitch = self.topology.vswitches.get(vswitch)?;
        let naming =
            || tables.iter().find(|t| t.vswitches.iter().flatten().any(|v| *v == vswitch.meta.id));
        let system = || {
            tables
                .iter()
                .find(|t| t.vpc == vswitch.vpc && t.table_type == Some(RouteTableType::System))
        };
        vswitch
            .route_table
            .clone()
            .or_else(|| naming().or_else(system).map(|table| table.meta.id.clone()))
    }

    fn entries(&self, table: &str) -> impl Iterator<Item = &'a RouteEntry> {
        let table = table.to_owned();
        self.topology
            .route_entries
            .iter()
            .filter(move |e| e.table.as_deref() == Some(table.as_str()))
            .filter(|e| works(e.meta.status.as_deref()))
    }

    /// The blocks of a destination; a prefix list stands for each of its entries.
    fn blocks(&self, destination: &RouteDestination) -> Option<Vec<Cidr>> {
        match destination {
            RouteDestination::Cidr(value) => Some(vec![value.cidr()?]),
            RouteDestination::PrefixList(id) => {
                let list = self.topology.prefix_lists.get(id)?;
                list.entries.as_ref()?.iter().map(|e| e.cidr()).collect()
            }
        }
    }

    /// Rule 2: longest prefix; custom before dynamic before system (decisions.md 27).
    pub fn lookup(&self, table: &Id, dst: IpAddr) -> Lookup {
        let Some(owner) = self.topology.route_tables.get(table) else {
            return Lookup::Missing(format!("route table {table}"));
        };
        let scope = Scope::around(&owner.meta).with_parent(table);
        if let Some(gap) = self.topology.coverage.gap(Listing::RouteEntries, &scope) {
            return Lookup::Missing(gap.to_string());
        }
        let shared = cidr("100.64.0.0/10");
        let vpc = owner.vpc.as_deref().unwrap_or("");
        let mut local: Vec<Cidr> = Vec::new();
        for vswitch in self.topology.vswitches.iter().filter(|v| v.vpc.as_deref() == Some(vpc)) {
            local.extend(vswitch.cidr.iter().filter_map(|c| c.cidr()));
            local.extend(vswitch.ipv6_cidr.iter().filter_map(|c| c.cidr()));
        }
        let hop = |hop_type| NextHop { hop_type, id: None, weight: None, enabled: None };

        // (prefix length, rank, hops): the largest wins
        let mut best: Option<(u8, u8, Vec<NextHop>)> = None;
        let mut offer = |block: Cidr, rank: u8, hops: Vec<NextHop>| {
            let better = best.as_ref().is_none_or(|(m, r, _)| (block.mask(), rank) > (*m, *r));
            if block.contains(dst) && better {
                best = Some((block.mask(), rank, hops));
            }
        };
        let mut spelled_out = false;
        let mut open = None;
        for entry in self.entries(table) {
            let rank = match &entry.origin {
                Some(RouteOrigin::System) => 1,
                Some(RouteOrigin::Dynamic) => 2,
                Some(RouteOrigin::Custom | RouteOrigin::Other(_)) | None => 3,
            };
            spelled_out |= rank == 1;
            let blocks = entry.destination.as_ref().and_then(|d| self.blocks(d));
            let Some(blocks) = blocks else {
                return Lookup::Missing(format!("the destination of {}", entry.meta.id));
            };
            for block in blocks {
                let ineffective =
                    local.iter().chain([&shared]).any(|own| own.contains_block(&block));
                if rank != 2 || !ineffective {
                    offer(block, rank, entry.next_hops.clone().unwrap_or_default());
                }
            }
        }
        if !spelled_out {
            for block in local {
                offer(block, 1, vec![hop(NextHopType::Local)]);
            }
            offer(shared, 1, vec![hop(NextHopType::Service)]);
            match self.first_nat(owner) {
                Ok(Some(nat)) => offer(cidr("0.0.0.0/0"), 0, vec![nat]),
                Ok(None) => {}
                Err(what) => open = Some(what).filter(|_| dst.is_ipv4()),
            }
        }
        match best {
            None if open.is_some() => Lookup::Missing(open.unwrap()),
            None => Lookup::NoRoute,
            Some((_, _, hops)) => Lookup::Hops(Self::live(hops)),
        }
    }

    /// egress.md §4.4, C6: in an input that spells no system entries out, the system table has a
    /// default route to the first Internet NAT gateway of the VPC, unless it states one.
    fn first_nat(&self, table: &RouteTable) -> Result<Option<NextHop>, String> {
        let default = cidr("0.0.0.0/0");
        let all = self.topology.route_entries.iter();
        let stated = all.filter(|e| e.table.as_ref() == Some(&table.meta.id));
        let mut blocks = stated.filter_map(|e| e.cidr());
        let system = table.table_type == Some(RouteTableType::System);
        if !system || blocks.any(|b| b == default) {
            return Ok(None);
        }
        if !self.is_whole(Listing::NatGateways) {
            return Err(Listing::NatGateways.api().to_owned());
        }
        let nats: Vec<_> = self
            .topology
            .nat_gateways
            .iter()
            .filter(|nat| nat.vpc == table.vpc && nat.network != Some(NatNetwork::Intranet))
            .collect();
        let days: Vec<_> = nats.iter().map(|nat| nat.created.clone()).collect();
        let earliest = days.iter().min().cloned().flatten();
        if nats.len() > 1
            && (earliest.is_none() || days.iter().filter(|d| **d == earliest).count() > 1)
        {
            return Err("which NAT gateway is the first".to_owned());
        }
        let first = nats.iter().find(|nat| nats.len() == 1 || nat.created == earliest);
        Ok(first.map(|nat| {
            let id = Some(nat.meta.id.clone());
            NextHop { hop_type: NextHopType::NatGateway, id, weight: None, enabled: None }
        }))
    }

    /// Rule 2.3: failed router interfaces fall out; of an active/standby pair the active one stays.
    fn live(hops: Vec<NextHop>) -> Vec<NextHop> {
        let failed =
            |h: &NextHop| h.hop_type == NextHopType::RouterInterface && h.enabled == Some(false);
        let hops: Vec<NextHop> = hops.into_iter().filter(|h| !failed(h)).collect();
        let weights: Vec<u32> = hops.iter().filter_map(|h| h.weight).collect();
        if weights.len() == 2 && weights.contains(&100) && weights.contains(&0) {
            return hops.into_iter().filter(|h| h.weight == Some(100)).collect();
        }
        hops
    }

    /// The active GWLB endpoint of a route target group.
    pub fn active_member(&self, group: &str) -> Option<Id> {
        let members = self.topology.route_target_groups.get(group)?.members.as_ref()?;
        let mut alive: Vec<_> = members.iter().filter(|m| m.enabled != Some(false)).collect();
        alive.sort_by_key(|m| std::cmp::Reverse(m.weight));
        alive.first().map(|m| m.id.clone())
    }

    /// The table of a transit router for packets from an attachment, and its longest prefix.
    pub fn transit_lookup(&self, from: &str, router: Option<&Id>, dst: IpAddr) -> TransitLookup {
        let t = self.topology;
        let of_router = |table: &str| match (t.transit_route_tables.get(table), router) {
            (Some(table), Some(router)) => table.transit_router.as_ref() == Some(router),
            _ => true,
        };
        let association = t.transit_associations.iter().find(|a| {
            a.attachment.as_deref() == Some(from)
                && is_word(a.meta.status.as_deref(), &["Active"])
                && a.table.as_deref().is_some_and(of_router)
        });
        let Some(table) = association.and_then(|a| a.table.clone()) else {
            return if self.is_whole(Listing::TransitAssociations) {
                TransitLookup::NoAssociation
            } else {
                TransitLookup::Missing(Listing::TransitAssociations.api().to_owned())
            };
        };
        let scope = Scope::of_parent(&table);
        if let Some(gap) = t.coverage.gap(Listing::TransitRouteEntries, &scope) {
            return TransitLookup::Missing(gap.to_string());
        }
        let mut best: Option<(u8, &TransitRouteEntry)> = None;
        for entry in &t.transit_route_entries {
            let here = entry.table.as_ref() == Some(&table);
            if !here || !is_word(entry.meta.status.as_deref(), &["Active"]) {
                continue;
            }
            let Some(blocks) = entry.destination.as_ref().and_then(|d| self.blocks(d)) else {
                return TransitLookup::Missing(format!("the destination of {}", entry.meta.id));
            };
            for block in blocks {
                if block.contains(dst) && best.is_none_or(|(mask, _)| block.mask() > mask) {
                    best = Some((block.mask(), entry));
                }
            }
        }
        match best {
            Some((_, entry)) if entry.next_hop_type != Some(TransitHopType::BlackHole) => {
                match &entry.next_hop {
                    Some(id) => TransitLookup::Attachment(id.clone()),
                    None => TransitLookup::Missing("a transit next hop".to_owned()),
                }
            }
            _ => TransitLookup::NoRoute,
        }
    }

    // ---- NAT ---------------------------------------------------------------------------------

    pub fn dnat_of(&self, nat: &NatGateway) -> Vec<&'a DnatEntry> {
        let in_table = |table: &Option<Id>| {
            table.as_ref().is_some_and(|t| nat.dnat_tables.iter().flatten().any(|mine| mine == t))
        };
        let entries = self.topology.dnat_entries.iter();
        entries
            .filter(|e| e.nat_gateway.as_ref() == Some(&nat.meta.id) || in_table(&e.table))
            .filter(|e| is_available(e.meta.status.as_deref()))
            .collect()
    }

    fn snat_of(&self, nat: &NatGateway) -> Vec<&'a SnatEntry> {
        let in_table = |table: &Option<Id>| {
            table.as_ref().is_some_and(|t| nat.snat_tables.iter().flatten().any(|mine| mine == t))
        };
        let entries = self.topology.snat_entries.iter();
        entries
            .filter(|e| e.nat_gateway.as_ref() == Some(&nat.meta.id) || in_table(&e.table))
            .filter(|e| is_available(e.meta.status.as_deref()))
            .collect()
    }

    /// The IP mapping of `src` on a gateway; `Err` names the listing when none of the known ones
    /// is it and there may be more.
    fn ip_mapping(&self, nat: &NatGateway, src: IpAddr) -> Result<Option<&'a DnatEntry>, String> {
        let found = self.dnat_of(nat).into_iter().find(|e| {
            e.is_ip_mapping() && e.internal_ip.as_ref().and_then(|a| a.addr()) == Some(src)
        });
        let scope = Scope::around(&nat.meta).with_parent(&nat.meta.id);
        match self.topology.coverage.gap(Listing::DnatEntries, &scope) {
            Some(gap) if found.is_none() => Err(gap.to_string()),
            _ => Ok(found),
        }
    }

    /// The SNAT entry with the longest block that holds `src`.
    fn snat_match(&self, nat: &NatGateway, src: IpAddr) -> Result<Option<&'a SnatEntry>, String> {
        let scope = Scope::around(&nat.meta).with_parent(&nat.meta.id);
        if let Some(gap) = self.topology.coverage.gap(Listing::SnatEntries, &scope) {
            return Err(gap.to_string());
        }
        let mut best: Option<(u8, &SnatEntry)> = None;
        for entry in self.snat_of(nat) {
            let block = match (&entry.source_cidr, &entry.source_vswitch) {
                (Some(block), _) => block.cidr(),
                (None, Some(vswitch)) => self
                    .topology
                    .vswitches
                    .get(vswitch)
                    .and_then(|v| v.cidr.as_ref())
                    .and_then(|c| c.cidr()),
                (None, None) => None,
            };
            let Some(block) = block else {
                return Err(format!("the source of {}", entry.meta.id));
            };
            if block.contains(src) && best.is_none_or(|(mask, _)| block.mask() > mask) {
                best = Some((block.mask(), entry));
            }
        }
        Ok(best.map(|(_, entry)| entry))
    }

    pub fn nat_works(nat: &NatGateway) -> bool {
        works(nat.meta.status.as_deref())
            && is_word(nat.meta.business_status.as_deref(), &["Normal"])
    }

    /// Addresses of a gateway: its EIPs and those of its bandwidth packages of 2016.
    pub fn nat_eips(&self, nat: &NatGateway) -> Vec<String> {
        let mut out: Vec<String> =
            nat.eips.iter().flatten().map(|e| e.address.to_string()).collect();
        for package in &self.topology.bandwidth_packages {
            let mine = package.nat_gateway.as_ref() == Some(&nat.meta.id);
            if mine {
                let addresses = package.addresses.iter().flatten();
                out.extend(addresses.map(|a| a.address.to_string()));
            }
        }
        out
    }

    /// Rule 3.
    pub fn nat_public(&self, nat: &NatGateway, src: IpAddr) -> Answer {
        if !Self::nat_works(nat) {
            return Answer::dropped("nat_not_available");
        }
        let eips = self.nat_eips(nat);
        if eips.is_empty() {
            return Answer::dropped("nat_no_eip");
        }
        match self.ip_mapping(nat, src) {
            Err(what) => return Answer::missing(&what),
            Ok(Some(entry)) => {
                let external = entry.external_ip.as_ref().unwrap().to_string();
                return if eips.contains(&external) {
                    Answer::exits([external])
                } else {
                    Answer::dropped("snat_ip_unbound")
                };
            }
            Ok(None) => {}
        }
        let entry = match self.snat_match(nat, src) {
            Err(what) => return Answer::missing(&what),
            Ok(None) => return Answer::dropped("nat_no_snat_entry"),
            Ok(Some(entry)) => entry,
        };
        let pool = entry.snat_ips.iter().flatten().map(ToString::to_string);
        let pool: Vec<String> = pool.filter(|ip| eips.contains(ip)).collect();
        if pool.is_empty() {
            return Answer::dropped("snat_ip_unbound");
        }
        let several = pool.len() > 1;
        let answer = Answer::exits(pool);
        match (several, entry.eip_affinity) {
            (false, _) => answer,
            (true, Some(true)) => answer.note("sticky"),
            (true, _) => answer.note("hash"),
        }
    }

    /// Rule 6, first half: the addresses a VPC NAT gateway may give to `src`.
    pub fn vpc_nat_sources(&self, nat: &NatGateway, src: IpAddr) -> Result<Vec<IpAddr>, Answer> {
        if !Self::nat_works(nat) {
            return Err(Answer::dropped("nat_not_available"));
        }
        let missing = |what: String| Answer::missing(&what);
        if let Some(entry) = self.ip_mapping(nat, src).map_err(missing)? {
            return Ok(entry.external_ip.iter().filter_map(|a| a.addr()).collect());
        }
        let entry = self.snat_match(nat, src).map_err(missing)?;
        let entry = entry.ok_or_else(|| Answer::dropped("nat_no_snat_entry"))?;
        let pool: Vec<IpAddr> = entry.snat_ips.iter().flatten().filter_map(|a| a.addr()).collect();
        if pool.is_empty() { Err(Answer::missing("the addresses of the entry")) } else { Ok(pool) }
    }

    /// Generation of a gateway (decisions.md 31).
    pub fn is_normal(nat: &NatGateway) -> bool {
        match &nat.nat_type {
            Some(kind) => *kind == NatType::Normal,
            None => nat.bandwidth_packages.as_ref().is_some_and(|p| !p.is_empty()),
        }
    }

    /// Rule 4.6b: the IP mapping of a Normal gateway beats the route table.
    pub fn normal_nat_mapping(&self, vpc: &str, src: IpAddr) -> Result<Option<String>, String> {
        for nat in &self.topology.nat_gateways {
            if nat.vpc.as_deref() == Some(vpc)
                && Self::is_normal(nat)
                && nat.network != Some(NatNetwork::Intranet)
                && let Some(entry) = self.ip_mapping(nat, src)?
            {
                return Ok(entry.external_ip.as_ref().map(ToString::to_string));
            }
        }
        Ok(None)
    }

    // ---- IPv6 --------------------------------------------------------------------------------

    /// Whether an IPv6 address has Internet bandwidth; `None` when that is not known.
    pub fn ipv6_is_public(&self, src: IpAddr) -> Option<bool> {
        let mut all = self.topology.ipv6_addresses.iter();
        match all.find(|a| a.address.as_ref().and_then(|v| v.addr()) == Some(src)) {
            Some(address) => address.public,
            None if self.is_whole(Listing::Ipv6Addresses) => Some(false),
            None => None,
        }
    }
}

/// True when an optional reference names this id.
fn named(reference: &Option<Option<Id>>, id: &Id) -> bool {
    reference.as_ref().and_then(Option::as_ref) == Some(id)
}
