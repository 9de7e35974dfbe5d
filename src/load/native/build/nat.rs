//! NAT gateways and their entries.

use super::eip::{Named, Use};
use super::parse::{Service, is_address, nat_port};
use super::{Build, Result, Unknown, symbol, text};
use crate::load::native::flat::Placed;
use crate::load::native::names::Ref;
use crate::load::native::text::TextOr;
use crate::load::native::tree;
use crate::topology::{
    AddrValue, DnatEntry, EipBindMode, EipTarget, FullNatEntry, Id, Kind, NatEip, NatEipUse,
    NatGateway, NatIp, NatNetwork, NatPort, NatProtocol, NatType, SnatEntry,
};

use super::word;

impl Build<'_> {
    pub(super) fn nat(&mut self) -> Result<()> {
        let flat = self.flat;
        for nat in &flat.nat_gateways {
            self.nat_gateway(nat)?;
        }
        for entry in &flat.snat {
            self.snat(entry)?;
        }
        for entry in &flat.dnat {
            let (at, dto) = (entry.at, &entry.dto);
            let mut out = DnatEntry::new("");
            out.meta = self.meta(at);
            out.nat_gateway = self.owner(at, &dto.nat_gateway, entry.parent)?;
            out.table = dto.table.as_deref().map(Id::from);
            let pair = self.pair(at, &dto.from, &dto.to, "external_ip", "internal_ip")?;
            (out.external_ip, out.external_port) = (pair.from, pair.from_port);
            (out.internal_ip, out.internal_port) = (pair.to, pair.to_port);
            out.protocol = pair.protocol;
            self.add(out);
        }
        for entry in &flat.full_nat {
            let (at, dto) = (entry.at, &entry.dto);
            let mut out = FullNatEntry::new("");
            out.meta = self.meta(at);
            out.nat_gateway = self.owner(at, &dto.nat_gateway, entry.parent)?;
            let pair = self.pair(at, &dto.from, &dto.to, "nat_ip", "access_ip")?;
            (out.nat_ip, out.nat_port) = (pair.from, pair.from_port);
            (out.access_ip, out.access_port) = (pair.to, pair.to_port);
            out.protocol = pair.protocol;
            out.eni = self.opt_id(at, "eni", &[Kind::Eni], &dto.eni)?;
            self.add(out);
        }
        for ip in &flat.nat_ips {
            let mut out = NatIp::new("");
            out.meta = self.meta(ip.at);
            out.nat_gateway = ip.parent.map(|n| self.id(n));
            out.address = self.opt_addr(ip.at, "address", &ip.dto.ip);
            out.cidr = self.opt_cidr(ip.at, "cidr", &ip.dto.cidr);
            out.is_default = self.or(ip.at, "default", ip.dto.default, false);
            self.add(out);
        }
        Ok(())
    }

    fn owner(
        &self,
        at: usize,
        stated: &Option<String>,
        nested: Option<usize>,
    ) -> Result<Option<Id>> {
        let stated = self.opt_id(at, "nat_gateway", &[Kind::NatGateway], stated)?;
        Ok(self.or_nested(at, "nat_gateway", stated, nested))
    }

    fn nat_gateway(&mut self, nat: &Placed<tree::NatGateway>) -> Result<()> {
        let (at, dto) = (nat.at, &nat.dto);
        let mut out = NatGateway::new("");
        out.meta = self.meta(at);
        let site = self.site(at, (&dto.vpc, nat.vpc), (&dto.vswitch, nat.vswitch), &dto.zone)?;
        (out.vpc, out.vswitch, out.zone) = (site.vpc, site.vswitch, site.zone);
        out.nat_type = word!(self, at, "type", dto.r#type, NatType, [Enhanced, Normal]);
        let network = word!(self, at, "network", dto.network, NatNetwork, [Internet, Intranet]);
        out.network = self.or(at, "network", network, NatNetwork::Internet);
        out.eip_bind_mode =
            word!(self, at, "bind_mode", dto.bind_mode, EipBindMode, [MultiBinded, Nat]);
        out.eips = self.nat_eips(nat)?;
        let kinds = [Kind::BandwidthPackage];
        let stated = self.ids(at, "bandwidth_packages", &kinds, &dto.bandwidth_packages)?;
        let mut packages = Vec::new();
        for package in &self.flat.packages {
            let Some(name) = &package.dto.nat_gateway else { continue };
            if self.target(package.at, "nat_gateway", &[Kind::NatGateway], name)? == Some(at) {
                packages.push(self.id(package.at));
            }
        }
        out.bandwidth_packages = self.or(at, "bandwidth_packages", stated, packages);
        out.snat_tables = self.ids(at, "snat_tables", &[], &dto.snat_tables)?;
        out.dnat_tables = self.ids(at, "dnat_tables", &[], &dto.dnat_tables)?;
        out.snat_entry_count = dto.snat_count;
        out.dnat_entry_count = dto.dnat_count;
        out.eni = self.opt_id(at, "eni", &[Kind::Eni], &dto.eni)?;
        out.private_address = self.opt_addr(at, "private_address", &dto.ip);
        out.icmp_reply = dto.icmp_reply;
        out.spec = text(&dto.spec);
        out.created = text(&dto.created);
        out.port_break = dto.port_break;
        self.add(out);
        Ok(())
    }

    fn nat_eips(&mut self, nat: &Placed<tree::NatGateway>) -> Result<Option<Vec<NatEip>>> {
        let at = nat.at;
        let mut eips: Vec<NatEip> = Vec::new();
        for item in nat.dto.eips.iter().flat_map(|m| &m.items) {
            let table;
            let (named, ip, private, used_by) = match item {
                TextOr::Text(name) => (Some(name), &None, &None, &None),
                TextOr::Table(t) => {
                    table = t;
                    (table.eip.as_ref(), &table.ip, &table.private_ip, &table.used_by)
                }
            };
            let private = self.opt_addr(at, "eips", private);
            let target =
                Use { target: EipTarget::NatGateway, id: self.id(at), private: private.clone() };
            let (address, eip) = match (named.or(ip.as_ref()), ip) {
                (None, _) => continue,
                (Some(name), ip) => {
                    let named = self.eip_named(at, "eips", name)?;
                    let (address, eip) = self.bind(at, "eips", named, target);
                    match ip {
                        Some(ip) => (self.addr(at, "eips", ip), eip),
                        None => (address, eip),
                    }
                }
            };
            let used_by = word!(self, at, "eips", used_by, NatEipUse, [Forward, Snat, Both, Idle]);
            eips.push(NatEip { address, eip, private_address: private, used_by });
        }
        for eip in self.eips_on.get(&at).cloned().unwrap_or_default() {
            let id = self.id(eip);
            if eips.iter().any(|e| e.eip.as_ref() == Some(&id)) {
                continue;
            }
            let target = Use { target: EipTarget::NatGateway, id: self.id(at), private: None };
            let (address, eip) = self.bind(at, "eips", Named::Explicit(eip), target);
            eips.push(NatEip { address, eip, private_address: None, used_by: None });
        }
        let known = !self.open(at, "eips")
            && (nat.dto.eips.is_some() || !self.unknown.contains(&Unknown::Eips));
        Ok((known || !eips.is_empty()).then_some(eips))
    }

    fn snat(&mut self, entry: &Placed<tree::SnatEntry>) -> Result<()> {
        let (at, dto, flat) = (entry.at, &entry.dto, self.flat);
        let mut out = SnatEntry::new("");
        out.meta = self.meta(at);
        out.nat_gateway = self.owner(at, &dto.nat_gateway, entry.parent)?;
        out.table = dto.table.as_deref().map(Id::from);
        if let Some(from) = &dto.from {
            match self.refer(at, "from", &[Kind::VSwitch], from)? {
                Ref::Node(node) => {
                    out.source_vswitch = Some(self.id(node));
                    // the cloud lists the block of the vSwitch too
                    let block = self.object(&flat.vswitches, node).map(|v| &v.dto.cidr);
                    out.source_cidr = block.and_then(|b| self.opt_cidr(at, "source_cidr", b));
                }
                Ref::Missing(Some(_), id) => out.source_vswitch = Some(Id::from(id)),
                Ref::Missing(None, block) => {
                    out.source_cidr = Some(self.cidr(at, "source_cidr", block));
                }
            }
        }
        if let Some(to) = &dto.to {
            let mut ips = Vec::new();
            for word in &to.items {
                ips.push(self.address_of(at, "to", "snat_ips", word.as_str(), &[Kind::Eip])?);
            }
            out.snat_ips = Some(ips);
        }
        out.eip_affinity = dto.affinity;
        out.eni = self.opt_id(at, "eni", &[Kind::Eni], &dto.eni)?;
        self.add(out);
        Ok(())
    }

    /// An address, written as such or as the object that has it.
    pub(super) fn address_of(
        &mut self,
        at: usize,
        key: &str,
        field: &'static str,
        name: &str,
        kinds: &[Kind],
    ) -> Result<AddrValue> {
        let flat = self.flat;
        if is_address(name) {
            return Ok(self.addr(at, field, name));
        }
        let Some(node) = self.target(at, key, kinds, name)? else {
            return Ok(self.addr(at, field, name));
        };
        let ip = match self.kind(node) {
            Some(Kind::Eip) => self.object(&flat.eips, node).and_then(|e| e.dto.ip.as_deref()),
            Some(Kind::HaVip) => self.object(&flat.havips, node).and_then(|h| h.dto.ip.as_deref()),
            Some(Kind::LoadBalancer) => {
                self.object(&flat.load_balancers, node).and_then(|l| l.dto.ip.as_deref())
            }
            Some(Kind::Instance) => {
                self.object(&flat.instances, node).and_then(|i| first_ip(&i.dto.ip))
            }
            Some(Kind::Eni) => self.object(&flat.enis, node).and_then(|e| first_ip(&e.dto.ip)),
            _ => None,
        };
        Ok(match ip {
            Some(ip) => AddrValue::from_text(ip),
            None => symbol(&self.id(node)),
        })
    }

    fn pair(
        &mut self,
        at: usize,
        from: &Option<String>,
        to: &Option<String>,
        from_field: &'static str,
        to_field: &'static str,
    ) -> Result<Pair> {
        let mut pair = Pair::default();
        if let Some(from) = from {
            let service = Service::of(from);
            let kinds = [Kind::Eip];
            pair.from = Some(self.address_of(at, "from", from_field, service.host, &kinds)?);
            let port = service.port.map_or(NatPort::Any, nat_port);
            // a port without protocol means TCP; no port at all means everything
            let protocol = match (service.protocol, service.port) {
                (Some(protocol), _) => protocol,
                (None, Some(_)) if port != NatPort::Any => "tcp",
                (None, _) => "any",
            };
            let protocol = Some(protocol.to_owned());
            pair.protocol = word!(self, at, "from", protocol, NatProtocol, [Tcp, Udp, Any]);
            pair.from_port = Some(port);
        }
        if let Some(to) = to {
            let service = Service::of(to);
            let kinds = [Kind::Instance, Kind::Eni, Kind::HaVip, Kind::LoadBalancer];
            pair.to = Some(self.address_of(at, "to", to_field, service.host, &kinds)?);
            pair.to_port = match service.port {
                Some(port) => Some(nat_port(port)),
                None => pair.from_port.clone(),
            };
        }
        Ok(pair)
    }
}

/// Both sides of a DNAT or FULLNAT entry.
#[derive(Default)]
struct Pair {
    from: Option<AddrValue>,
    from_port: Option<NatPort>,
    to: Option<AddrValue>,
    to_port: Option<NatPort>,
    protocol: Option<NatProtocol>,
}

fn first_ip(
    ips: &Option<crate::load::native::text::Many<TextOr<tree::PrivateIp>>>,
) -> Option<&str> {
    let items = &ips.as_ref()?.items;
    let primary = items.iter().find(|i| matches!(i, TextOr::Table(p) if p.primary == Some(true)));
    match primary.or(items.first())? {
        TextOr::Text(ip) => Some(ip),
        TextOr::Table(p) => p.ip.as_deref(),
    }
}
