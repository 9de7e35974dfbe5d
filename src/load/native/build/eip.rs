//! EIPs and bandwidth packages. An EIP may say what it is on, or be named by what it is on.

use super::parse::is_address;
use super::{Build, Result, Unknown, symbol, text, word};
use crate::load::native::flat::Placed;
use crate::load::native::names::Ref;
use crate::load::native::tree;
use crate::topology::{
    AddrValue, BandwidthPackage, Eip, EipMode, EipTarget, Id, Kind, Meta, PackageAddress, Text,
};

/// What an EIP can be bound to.
const TARGETS: &[(Kind, EipTarget)] = &[
    (Kind::Instance, EipTarget::Instance),
    (Kind::Eni, EipTarget::Eni),
    (Kind::HaVip, EipTarget::HaVip),
    (Kind::NatGateway, EipTarget::NatGateway),
    (Kind::LoadBalancer, EipTarget::LoadBalancer),
];

/// What binds an EIP.
#[derive(Debug, Clone)]
pub(super) struct Use {
    pub(super) target: EipTarget,
    pub(super) id: Id,
    pub(super) private: Option<AddrValue>,
}

/// How an object names an EIP.
#[derive(Debug, Clone)]
pub(super) enum Named {
    /// An EIP of the file.
    Explicit(usize),
    /// An address that no EIP of the file has.
    Address(String),
    /// An id that is not in the file.
    Missing(String),
}

impl Build<'_> {
    /// Notes which EIPs say what they are on.
    pub(super) fn find_eip_targets(&mut self) -> Result<()> {
        for eip in &self.flat.eips {
            let Some(on) = &eip.dto.on else { continue };
            if let Some(node) = self.target(eip.at, "on", &target_kinds(), on)? {
                self.eips_on.entry(node).or_default().push(eip.at);
            }
        }
        Ok(())
    }

    /// The EIP that a text names by id, name or address.
    pub(super) fn eip_named(&self, at: usize, key: &str, text: &str) -> Result<Named> {
        let text = text.trim();
        if let Some(node) = self.target(at, key, &[Kind::Eip], text)? {
            return Ok(Named::Explicit(node));
        }
        if !is_address(text) {
            let id = self.id_for(at, key, &[Kind::Eip], text)?;
            return Ok(Named::Missing(id.to_string()));
        }
        let value = AddrValue::from_text(text);
        let same = |e: &&Placed<tree::Eip>| {
            e.dto.ip.as_deref().map(AddrValue::from_text).as_ref() == Some(&value)
        };
        Ok(match self.flat.eips.iter().find(same) {
            Some(eip) => Named::Explicit(eip.at),
            None => Named::Address(text.to_owned()),
        })
    }

    /// Notes that an object uses an EIP; returns the address and the id.
    pub(super) fn bind(
        &mut self,
        at: usize,
        field: &'static str,
        named: Named,
        target: Use,
    ) -> (AddrValue, Option<Id>) {
        match named {
            Named::Explicit(node) => {
                let ip = self.object(&self.flat.eips, node).and_then(|e| e.dto.ip.as_deref());
                let id = self.id(node);
                let address = ip.map_or_else(|| symbol(&id), AddrValue::from_text);
                self.eip_uses.entry(node).or_insert(target);
                (address, Some(id))
            }
            Named::Address(text) => {
                let address = self.addr(at, field, &text);
                if self.unknown.contains(&Unknown::Eips) {
                    return (address, None);
                }
                let id = implied_id(&text);
                self.implied_eips.entry(text).or_insert((at, target));
                (address, Some(id))
            }
            Named::Missing(id) => (symbol(&id), Some(Id::from(id))),
        }
    }

    pub(super) fn eips(&mut self) -> Result<()> {
        let flat = self.flat;
        for eip in &flat.eips {
            self.eip(eip)?;
        }
        for (address, (at, target)) in std::mem::take(&mut self.implied_eips) {
            let around = self.meta(at);
            let mut out = Eip::new("");
            out.meta = Meta {
                account: around.account,
                region: around.region,
                status: Some(Text::from("InUse")),
                business_status: Some(Text::from("Normal")),
                source: self.source(at),
                synthetic: Some("the object that uses it names its address"),
                ..Meta::new(implied_id(&address))
            };
            out.address = Some(AddrValue::from_text(&address));
            out.target = Some(Some(target.target));
            out.target_id = Some(Some(target.id));
            out.private_address = target.private;
            out.bandwidth_package = Some(self.package_of(None, &address)?);
            out.locks = Some(Vec::new());
            self.add(out);
        }
        for package in &flat.packages {
            self.package(package)?;
        }
        Ok(())
    }

    fn eip(&mut self, eip: &Placed<tree::Eip>) -> Result<()> {
        let (at, dto) = (eip.at, &eip.dto);
        let mut out = Eip::new("");
        out.meta = self.meta(at);
        out.address = self.opt_addr(at, "address", &dto.ip);
        let used = self.eip_uses.get(&at).cloned();
        out.private_address = self.opt_addr(at, "private_address", &dto.private_ip);
        let kind_word =
            |kind| TARGETS.iter().find(|(k, _)| *k == kind).map(|(_, target)| target.clone());
        match (&dto.on, used) {
            (Some(on), _) if on.trim().starts_with("ip:") => {
                out.target = Some(Some(EipTarget::IpAddress));
                let ip = on.trim().trim_start_matches("ip:").trim();
                out.target_id = Some(Some(Id::from(ip)));
                if out.private_address.is_none() {
                    out.private_address = Some(self.addr(at, "private_address", ip));
                }
            }
            (Some(on), used) => match self.refer(at, "on", &target_kinds(), on)? {
                Ref::Node(node) => {
                    out.target = Some(self.kind(node).and_then(kind_word));
                    out.target_id = Some(Some(self.id(node)));
                    let id = self.id(node);
                    if out.private_address.is_none() {
                        out.private_address = used.filter(|u| u.id == id).and_then(|u| u.private);
                    }
                }
                Ref::Missing(kind, id) => {
                    out.target = kind.and_then(kind_word).map(Some);
                    out.target_id = Some(Some(Id::from(id)));
                }
            },
            (None, Some(used)) => {
                out.target = Some(Some(used.target));
                out.target_id = Some(Some(used.id));
                out.private_address = out.private_address.or(used.private);
            }
            (None, None) if self.open(at, "on") => {}
            (None, None) => {
                out.target = Some(None);
                out.target_id = Some(None);
                let no_status = self.node(at).is_some_and(|n| n.common.status.is_none());
                if no_status && out.meta.status.is_some() {
                    out.meta.status = Some(Text::from("Available"));
                }
            }
        }
        out.mode = word!(self, at, "mode", dto.mode, EipMode, [Nat, Binded, MultiBinded]);
        out.vpc = self.opt_id(at, "vpc", &[Kind::Vpc], &dto.vpc)?;
        let stated = self.opt_id(
            at,
            "bandwidth_package",
            &[Kind::BandwidthPackage],
            &dto.bandwidth_package,
        )?;
        out.bandwidth_package = match stated {
            Some(id) => Some(Some(id)),
            None if self.open(at, "bandwidth_package") => None,
            None => Some(self.package_of(Some(at), dto.ip.as_deref().unwrap_or_default())?),
        };
        out.bandwidth = dto.bandwidth;
        out.isp = text(&dto.isp);
        out.charge_type = text(&dto.charge_type);
        let locks = dto.locks.as_ref();
        let locks = locks.map(|l| l.items.iter().map(|w| Text::from(w.as_str())).collect());
        out.locks = self.or(at, "locks", locks, Vec::new());
        self.add(out);
        Ok(())
    }

    /// The bandwidth package that lists an EIP, by its node or its address.
    fn package_of(&self, node: Option<usize>, address: &str) -> Result<Option<Id>> {
        for package in &self.flat.packages {
            for word in package.dto.eips.iter().flat_map(|w| &w.items) {
                let listed = match self.eip_named(package.at, "eips", word.as_str())? {
                    Named::Explicit(listed) => Some(listed) == node,
                    Named::Address(listed) => listed == address,
                    Named::Missing(_) => false,
                };
                if listed {
                    return Ok(Some(self.id(package.at)));
                }
            }
        }
        Ok(None)
    }

    fn package(&mut self, package: &Placed<tree::BandwidthPackage>) -> Result<()> {
        let (at, dto, flat) = (package.at, &package.dto, self.flat);
        let mut out = BandwidthPackage::new("");
        out.meta = self.meta(at);
        out.nat_gateway = self.opt_id(at, "nat_gateway", &[Kind::NatGateway], &dto.nat_gateway)?;
        let mut addresses: Vec<PackageAddress> = Vec::new();
        for word in dto.eips.iter().flat_map(|w| &w.items) {
            let named = self.eip_named(at, "eips", word.as_str())?;
            addresses.push(match named {
                Named::Explicit(node) => self.package_address(node),
                Named::Address(text) => {
                    let address = self.addr(at, "addresses", &text);
                    PackageAddress { address, eip: None }
                }
                Named::Missing(id) => {
                    PackageAddress { address: symbol(&id), eip: Some(Id::from(id)) }
                }
            });
        }
        for eip in &flat.eips {
            let Some(name) = &eip.dto.bandwidth_package else { continue };
            let key = "bandwidth_package";
            if self.target(eip.at, key, &[Kind::BandwidthPackage], name)? == Some(at) {
                let address = self.package_address(eip.at);
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        let known = !self.open(at, "eips") || !addresses.is_empty();
        out.addresses = known.then_some(addresses);
        out.bandwidth = dto.bandwidth;
        out.ip_count = dto.ip_count;
        out.isp = text(&dto.isp);
        out.zone = text(&dto.zone);
        self.add(out);
        Ok(())
    }

    fn package_address(&self, eip: usize) -> PackageAddress {
        let id = self.id(eip);
        let ip = self.object(&self.flat.eips, eip).and_then(|e| e.dto.ip.as_deref());
        let address = ip.map_or_else(|| symbol(&id), AddrValue::from_text);
        PackageAddress { address, eip: Some(id) }
    }
}

fn target_kinds() -> Vec<Kind> {
    TARGETS.iter().map(|(kind, _)| *kind).collect()
}

fn implied_id(address: &str) -> Id {
    Id::from(format!("eip/{address}"))
}
