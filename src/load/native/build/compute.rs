//! Instances, ENIs and HaVips.

use super::eip::{Named, Use};
use super::{Build, Result, Site, Unknown, text, word};
use crate::load::native::flat::Placed;
use crate::load::native::text::{Many, TextOr};
use crate::load::native::tree;
use crate::topology::{
    AddrValue, AssociatedPublicIp, EipTarget, Eni, EniType, HaVip, Id, Instance, InstanceEip, Kind,
    NetworkType, PrivateIp, Text,
};

/// The private addresses of an ENI, and the public one of its primary address.
struct Addresses {
    ips: Option<Vec<PrivateIp>>,
    primary: Option<Option<AssociatedPublicIp>>,
}

/// Who holds private addresses: the ENI, and the instance when it is the primary ENI.
#[derive(Clone, Copy)]
struct Holder<'a> {
    at: usize,
    eni: Option<usize>,
    instance: Option<usize>,
    public_ip: Option<&'a String>,
}

impl Build<'_> {
    pub(super) fn compute(&mut self) -> Result<()> {
        let flat = self.flat;
        for instance in &flat.instances {
            self.instance(instance)?;
        }
        for eni in &flat.enis {
            self.eni(eni)?;
        }
        for havip in &flat.havips {
            self.havip(havip)?;
        }
        Ok(())
    }

    fn instance_site(&self, instance: &Placed<tree::Instance>) -> Result<Site> {
        let dto = &instance.dto;
        self.site(
            instance.at,
            (&dto.vpc, instance.vpc),
            (&dto.vswitch, instance.vswitch),
            &dto.zone,
        )
    }

    fn instance(&mut self, instance: &Placed<tree::Instance>) -> Result<()> {
        let (at, dto, flat) = (instance.at, &instance.dto, self.flat);
        let mut out = Instance::new("");
        out.meta = self.meta(at);
        let stated = self.node(at).is_some_and(|n| n.common.status.is_some());
        if dto.stopped && !stated {
            out.meta.status = Some(Text::from("Stopped"));
        }
        let site = self.instance_site(instance)?;
        (out.vpc, out.vswitch, out.zone) = (site.vpc, site.vswitch, site.zone);
        out.network = Some(if dto.classic { NetworkType::Classic } else { NetworkType::Vpc });
        let own: Vec<usize> =
            flat.enis.iter().filter(|e| e.parent == Some(at)).map(|e| e.at).collect();
        let is_primary = |e: &&Placed<tree::Eni>| e.parent == Some(at) && is_primary(&e.dto);
        let holder = Holder {
            at,
            eni: flat.enis.iter().find(is_primary).map(|e| e.at),
            instance: Some(at),
            public_ip: None,
        };
        let addresses = self.addresses(holder, &dto.ip, &dto.eip)?;
        out.private_ips = addresses.ips.map(|ips| ips.into_iter().map(|p| p.address).collect());
        out.eip = addresses
            .primary
            .map(|public| public.map(|p| InstanceEip { address: p.address, eip: p.eip }));
        let public = self.addrs(at, "public_ips", &dto.public_ip);
        out.public_ips = self.or(at, "public_ip", public, Vec::new());
        out.security_groups =
            self.ids(at, "security_groups", &[Kind::SecurityGroup], &dto.security_groups)?;
        if !self.unknown.contains(&Unknown::Enis) && !self.open(at, "eni") {
            let mut enis: Vec<Id> = own.into_iter().map(|n| self.id(n)).collect();
            for eni in &flat.enis {
                let Some(owner) = &eni.dto.instance else { continue };
                if self.target(eni.at, "instance", &[Kind::Instance], owner)? == Some(at) {
                    enis.push(self.id(eni.at));
                }
            }
            out.enis = Some(enis);
        }
        out.stopped_mode = text(&dto.stopped_mode);
        out.charge_type = text(&dto.charge_type);
        out.internet_max_bandwidth_out = dto.bandwidth;
        out.role = text(&dto.role);
        out.forwards = dto.forwards;
        out.masquerade = dto.masquerade;
        self.add(out);
        Ok(())
    }

    fn eni(&mut self, eni: &Placed<tree::Eni>) -> Result<()> {
        let (at, dto, flat) = (eni.at, &eni.dto, self.flat);
        let mut out = Eni::new("");
        out.meta = self.meta(at);
        let eni_type = word!(self, at, "type", dto.r#type, EniType, [Primary, Secondary]);
        out.eni_type = self.or(at, "type", eni_type, EniType::Secondary);
        let owner = match &dto.instance {
            Some(name) => self.target(at, "instance", &[Kind::Instance], name)?,
            None => eni.parent.filter(|p| self.kind(*p) == Some(Kind::Instance)),
        };
        let stated = self.opt_id(at, "instance", &[Kind::Instance], &dto.instance)?;
        out.instance = match stated.or_else(|| owner.map(|n| self.id(n))) {
            Some(id) => Some(Some(id)),
            None => (!self.open(at, "instance")).then_some(None),
        };
        let attached = matches!(out.instance, Some(Some(_))) || dto.managed == Some(true);
        let no_status = self.node(at).is_some_and(|n| n.common.status.is_none());
        if !attached && no_status && out.meta.status.is_some() {
            out.meta.status = Some(Text::from("Available"));
        }
        let owner = owner.and_then(|n| self.object(&flat.instances, n));
        let site = self.site(at, (&dto.vpc, eni.vpc), (&dto.vswitch, eni.vswitch), &dto.zone)?;
        (out.vpc, out.vswitch, out.zone) = (site.vpc, site.vswitch, site.zone);
        if let (None, Some(owner)) = (&dto.vswitch, owner)
            && out.vswitch.is_none()
        {
            // a secondary ENI without vSwitch is in that of its instance
            let site = self.instance_site(owner)?;
            out.vswitch = site.vswitch;
            out.vpc = out.vpc.or(site.vpc);
            out.zone = out.zone.or(site.zone);
        }
        let primary = is_primary(dto);
        let holder = Holder {
            at,
            eni: Some(at),
            instance: owner.filter(|_| primary).map(|o| o.at),
            public_ip: owner
                .filter(|_| primary)
                .and_then(|o| o.dto.public_ip.as_ref()?.items.first())
                .map(|w| &w.0),
        };
        let addresses = self.addresses(holder, &dto.ip, &dto.eip)?;
        out.private_ips = addresses.ips;
        let ipv6 = self.addrs(at, "ipv6_ips", &dto.ipv6);
        out.ipv6_ips = self.or(at, "ipv6", ipv6, Vec::new());
        let prefixes = self.cidrs(at, "ipv4_prefixes", &dto.ipv4_prefixes);
        out.ipv4_prefixes = self.or(at, "ipv4_prefixes", prefixes, Vec::new());
        out.security_groups =
            self.ids(at, "security_groups", &[Kind::SecurityGroup], &dto.security_groups)?;
        out.service_managed = self.or(at, "managed", dto.managed, false);
        out.source_dest_check = dto.source_dest_check;
        out.policy_routing = dto.policy_routing;
        self.add(out);
        Ok(())
    }

    /// Reads private addresses and finds the public ones that are bound to them.
    fn addresses(
        &mut self,
        holder: Holder<'_>,
        ip: &Option<Many<TextOr<tree::PrivateIp>>>,
        eip: &Option<String>,
    ) -> Result<Addresses> {
        let at = holder.at;
        let list: Vec<(Option<&str>, Option<&str>, Option<bool>)> = ip
            .iter()
            .flat_map(|many| &many.items)
            .map(|item| match item {
                TextOr::Text(ip) => (Some(ip.as_str()), None, None),
                TextOr::Table(p) => (p.ip.as_deref(), p.eip.as_deref(), p.primary),
            })
            .collect();
        let first = list.iter().position(|(_, _, primary)| *primary == Some(true)).unwrap_or(0);
        let known = !self.unknown.contains(&Unknown::Eips) && !self.open(at, "eip");
        let mut out = Addresses { ips: ip.is_some().then(Vec::new), primary: None };
        if list.is_empty() {
            let public = self.public_of(holder, None, eip.as_deref(), true)?;
            out.primary = public.map(Some).or(known.then_some(None));
        }
        for (n, (ip, own_eip, _)) in list.into_iter().enumerate() {
            let primary = n == first;
            let Some(ip) = ip else { continue };
            let address = self.addr(at, "private_ips", ip);
            let named = own_eip.or(if primary { eip.as_deref() } else { None });
            let public = self.public_of(holder, Some(&address), named, primary)?;
            let mut public_ip = public.map(Some).or(known.then_some(None));
            if primary {
                out.primary.clone_from(&public_ip);
                if public_ip.as_ref().is_none_or(Option::is_none)
                    && let Some(fixed) = holder.public_ip
                {
                    let address = self.addr(at, "private_ips", fixed);
                    public_ip = Some(Some(AssociatedPublicIp { address, eip: None }));
                }
            }
            let ip = PrivateIp { address, primary: Some(primary), public_ip };
            if let Some(ips) = &mut out.ips {
                ips.push(ip);
            }
        }
        Ok(out)
    }

    /// The EIP of a private address: the one named there, or one that says it is on this holder.
    fn public_of(
        &mut self,
        holder: Holder<'_>,
        private: Option<&AddrValue>,
        named: Option<&str>,
        primary: bool,
    ) -> Result<Option<AssociatedPublicIp>> {
        let named = match named {
            Some(text) => Some(self.eip_named(holder.at, "eip", text)?),
            None => self.eip_on(holder, private, primary).map(Named::Explicit),
        };
        let Some(named) = named else { return Ok(None) };
        let (target, node) = match (holder.instance.filter(|_| primary), holder.eni) {
            (Some(instance), _) => (EipTarget::Instance, instance),
            (None, Some(eni)) => (EipTarget::Eni, eni),
            (None, None) => (EipTarget::Instance, holder.at),
        };
        let target = Use { target, id: self.id(node), private: private.cloned() };
        let (address, eip) = self.bind(holder.at, "eip", named, target);
        Ok(Some(AssociatedPublicIp { address, eip }))
    }

    /// The EIP that says it is on this instance or ENI, at this address.
    fn eip_on(
        &self,
        holder: Holder<'_>,
        private: Option<&AddrValue>,
        primary: bool,
    ) -> Option<usize> {
        let on_eni = holder.eni.into_iter().flat_map(|n| self.eips_on.get(&n)).flatten();
        let on_instance = holder.instance.into_iter().flat_map(|n| self.eips_on.get(&n)).flatten();
        on_eni.chain(on_instance).copied().find(|eip| {
            let stated = self.object(&self.flat.eips, *eip).and_then(|e| e.dto.private_ip.clone());
            match stated {
                Some(text) => Some(&AddrValue::from_text(&text)) == private,
                None => primary,
            }
        })
    }

    fn havip(&mut self, havip: &Placed<tree::HaVip>) -> Result<()> {
        let (at, dto) = (havip.at, &havip.dto);
        let mut out = HaVip::new("");
        out.meta = self.meta(at);
        let site = self.site(at, (&dto.vpc, havip.vpc), (&dto.vswitch, havip.vswitch), &None)?;
        (out.vpc, out.vswitch) = (site.vpc, site.vswitch);
        out.address = self.opt_addr(at, "address", &dto.ip);
        let kinds = [Kind::Instance, Kind::Eni];
        let members = self.ids(at, "members", &kinds, &dto.members)?;
        out.members = self.or(at, "members", members, Vec::new());
        out.master = match self.opt_id(at, "master", &kinds, &dto.master)? {
            Some(id) => Some(Some(id)),
            None => (!self.open(at, "master")).then_some(None),
        };
        let mut eips = Vec::new();
        let private = out.address.clone();
        let named = dto.eips.iter().flat_map(|w| &w.items).map(|w| w.as_str());
        let mut all = Vec::new();
        for text in named {
            all.push(self.eip_named(at, "eips", text)?);
        }
        all.extend(self.eips_on.get(&at).into_iter().flatten().map(|n| Named::Explicit(*n)));
        for eip in all {
            let target =
                Use { target: EipTarget::HaVip, id: self.id(at), private: private.clone() };
            let (address, _) = self.bind(at, "eips", eip, target);
            if !eips.contains(&address) {
                eips.push(address);
            }
        }
        let known = !self.open(at, "eips") && !self.unknown.contains(&Unknown::Eips);
        out.eips = (known || !eips.is_empty()).then_some(eips);
        self.add(out);
        Ok(())
    }
}

fn is_primary(eni: &tree::Eni) -> bool {
    eni.r#type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("primary"))
}
