//! Load balancers, listeners, server groups and access lists.

use super::eip::Use;
use super::parse::{Service, is_address};
use super::{Build, Result, text, word};
use crate::load::native::error::Fault;
use crate::load::native::flat::Placed;
use crate::load::native::names::Ref;
use crate::load::native::text::TextOr;
use crate::load::native::tree;
use crate::topology::{
    AccessList, AclType, AddrValue, AddressType, Backend, BackendHealth, BackendType, BalancerZone,
    EipTarget, ForwardingRule, Id, Kind, Listener, ListenerProtocol, LoadBalancer,
    LoadBalancerType, NetworkType, ServerGroup, Text,
};

/// The zone and vSwitch of one zone of something.
pub(super) struct ZoneSite {
    pub(super) zone: Option<Text>,
    pub(super) vswitch: Option<Id>,
}

impl Build<'_> {
    pub(super) fn balancers(&mut self) -> Result<()> {
        let flat = self.flat;
        for balancer in &flat.load_balancers {
            self.balancer(balancer)?;
        }
        for listener in &flat.listeners {
            self.listener(listener)?;
        }
        for rule in &flat.forwarding_rules {
            let (at, dto) = (rule.at, &rule.dto);
            let mut out = ForwardingRule::new("");
            out.meta = self.meta(at);
            out.listener = rule.parent.map(|n| self.id(n));
            let listener = rule.parent.and_then(|n| self.object(&flat.listeners, n));
            if let Some(listener) = listener {
                out.load_balancer = self.balancer_of(listener)?;
            }
            out.server_groups =
                self.ids(at, "server_groups", &[Kind::ServerGroup], &dto.server_groups)?;
            out.domain = text(&dto.domain);
            out.url = text(&dto.url);
            out.priority = dto.priority;
            self.add(out);
        }
        for group in &flat.server_groups {
            self.server_group(group)?;
        }
        for list in &flat.access_lists {
            let (at, dto) = (list.at, &list.dto);
            let mut out = AccessList::new("");
            out.meta = self.meta(at);
            let kind = word!(self, at, "type", dto.r#type, LoadBalancerType, [Clb, Alb, Nlb, Gwlb]);
            out.lb_type = self.or(at, "type", kind, LoadBalancerType::Clb);
            let entries = self.cidrs(at, "entries", &dto.entries);
            out.entries = self.or(at, "entries", entries, Vec::new());
            self.add(out);
        }
        Ok(())
    }

    fn balancer(&mut self, balancer: &Placed<tree::LoadBalancer>) -> Result<()> {
        let (at, dto) = (balancer.at, &balancer.dto);
        let mut out = LoadBalancer::new("");
        out.meta = self.meta(at);
        out.lb_type = word!(self, at, "type", dto.r#type, LoadBalancerType, [Clb, Alb, Nlb, Gwlb]);
        out.address_type =
            word!(self, at, "network", dto.network, AddressType, [Internet, Intranet]);
        out.address = self.opt_addr(at, "address", &dto.ip);
        out.ip_version = text(&dto.ip_version);
        out.network = Some(if dto.classic { NetworkType::Classic } else { NetworkType::Vpc });
        let site = self.site(at, (&dto.vpc, balancer.vpc), (&dto.vswitch, None), &None)?;
        out.vpc = match site.vpc {
            Some(vpc) => Some(Some(vpc)),
            None => dto.classic.then_some(None),
        };
        out.vswitch = site.vswitch.map(Some);
        out.master_zone = text(&dto.master_zone);
        out.slave_zone = match text(&dto.slave_zone) {
            Some(zone) => Some(Some(zone)),
            None => (dto.master_zone.is_some() && !self.open(at, "slave_zone")).then_some(None),
        };
        if let Some(zones) = &dto.zones {
            let mut all = Vec::new();
            for zone in zones {
                all.push(self.balancer_zone(at, zone)?);
            }
            out.zones = Some(all);
        }
        out.security_groups =
            self.ids(at, "security_groups", &[Kind::SecurityGroup], &dto.security_groups)?;
        out.spec = text(&dto.spec);
        out.pay_type = text(&dto.pay_type);
        out.cross_zone = dto.cross_zone;
        out.default_backends = match &dto.backends {
            Some(backends) => Some(self.backends(at, backends)?),
            None => (!self.open(at, "backends")).then(Vec::new),
        };
        // EIPs that say they are on this load balancer
        for eip in self.eips_on.get(&at).cloned().unwrap_or_default() {
            let private = out.address.clone();
            let target = Use { target: EipTarget::LoadBalancer, id: self.id(at), private };
            self.eip_uses.entry(eip).or_insert(target);
        }
        self.add(out);
        Ok(())
    }

    fn balancer_zone(&mut self, at: usize, zone: &tree::BalancerZone) -> Result<BalancerZone> {
        let site = self.zone_site(at, "zones", &zone.zone, &zone.vswitch)?;
        let private_ips = self.addrs(at, "zones", &zone.ip).unwrap_or_default();
        let mut public_ips = self.addrs(at, "zones", &zone.public_ip).unwrap_or_default();
        let mut eips = Vec::new();
        for word in zone.eips.iter().flat_map(|w| &w.items) {
            let named = self.eip_named(at, "zones", word.as_str())?;
            let private = private_ips.first().cloned();
            let target = Use { target: EipTarget::LoadBalancer, id: self.id(at), private };
            let (address, eip) = self.bind(at, "zones", named, target);
            if !public_ips.contains(&address) {
                public_ips.push(address);
            }
            eips.extend(eip);
        }
        Ok(BalancerZone {
            // a zone has no model value for "not stated"; its vSwitch names it in every export
            zone: site.zone.unwrap_or_else(|| Text::from("")),
            vswitch: site.vswitch,
            status: Some(Text::from(zone.status.as_deref().unwrap_or("Active"))),
            private_ips,
            public_ips,
            eips,
            enis: self.ids(at, "zones", &[Kind::Eni], &zone.enis)?.unwrap_or_default(),
            // nothing of the format states them yet
            local_ips: Vec::new(),
        })
    }

    /// Zone and vSwitch; a zone that is left out is that of the vSwitch.
    pub(super) fn zone_site(
        &self,
        at: usize,
        key: &str,
        zone: &Option<String>,
        vswitch: &Option<String>,
    ) -> Result<ZoneSite> {
        let node = match vswitch {
            Some(name) => self.target(at, key, &[Kind::VSwitch], name)?,
            None => None,
        };
        let own = node.and_then(|n| self.object(&self.flat.vswitches, n)?.dto.zone.as_deref());
        Ok(ZoneSite {
            zone: zone.as_deref().or(own).map(Text::from),
            vswitch: self.opt_id(at, key, &[Kind::VSwitch], vswitch)?,
        })
    }

    fn backends(&mut self, at: usize, list: &[TextOr<tree::Backend>]) -> Result<Vec<Backend>> {
        let mut out = Vec::new();
        for (n, backend) in list.iter().enumerate() {
            let key = format!("backends/{n}");
            let read;
            let table = match backend {
                TextOr::Table(table) => table,
                TextOr::Text(text) => {
                    read = self.backend_text(at, &key, text)?;
                    &read
                }
            };
            out.push(self.backend(at, &key, table)?);
        }
        Ok(out)
    }

    /// `web-1:8080` or `10.0.1.10:80`.
    fn backend_text(&self, at: usize, key: &str, text: &str) -> Result<tree::Backend> {
        let service = Service::of(text);
        let port = match service.port.map(str::parse) {
            None => None,
            Some(Ok(port)) => Some(port),
            Some(Err(_)) => {
                let message = format!("`{text}` does not end in a port");
                return Err(Fault::new(self.pointer(at, key), message)
                    .help("write `web-1:8080` or `10.0.1.10:80`"));
            }
        };
        let host = Some(service.host.to_owned());
        let (server, ip) = if is_address(service.host) { (None, host) } else { (host, None) };
        Ok(tree::Backend { server, ip, port, ..tree::Backend::default() })
    }

    fn backend(&mut self, at: usize, key: &str, dto: &tree::Backend) -> Result<Backend> {
        let kinds = [Kind::Instance, Kind::Eni];
        let mut node = None;
        let server = match &dto.server {
            None => None,
            Some(name) => Some(match self.refer(at, key, &kinds, name)? {
                Ref::Node(found) => {
                    node = self.kind(found);
                    self.id(found)
                }
                Ref::Missing(kind, id) => {
                    node = kind;
                    Id::from(id)
                }
            }),
        };
        let kind = dto.r#type.as_deref().map(BackendType::from_text).or(match node {
            Some(Kind::Instance) => Some(BackendType::Instance),
            Some(_) => Some(BackendType::Eni),
            None if server.is_none() && dto.ip.is_some() => Some(BackendType::Ip),
            None => None,
        });
        let address: Option<AddrValue> = match (&dto.ip, &dto.server) {
            (Some(ip), _) => Some(self.addr(at, "backends", ip)),
            (None, Some(name)) if node.is_some() => {
                let address = self.address_of(at, key, "backends", name, &kinds)?;
                address.known().is_some().then_some(address)
            }
            _ => None,
        };
        Ok(Backend {
            server,
            backend_type: kind,
            address,
            port: dto.port,
            weight: Some(dto.weight.unwrap_or(100)),
            role: text(&dto.role),
            zone: text(&dto.zone),
            status: text(&dto.status),
        })
    }

    fn balancer_of(&self, listener: &Placed<tree::Listener>) -> Result<Option<Id>> {
        let kinds = [Kind::LoadBalancer];
        let stated =
            self.opt_id(listener.at, "load_balancer", &kinds, &listener.dto.load_balancer)?;
        Ok(self.or_nested(listener.at, "load_balancer", stated, listener.parent))
    }

    fn listener(&mut self, listener: &Placed<tree::Listener>) -> Result<()> {
        let (at, dto) = (listener.at, &listener.dto);
        let mut out = Listener::new("");
        out.meta = self.meta(at);
        out.load_balancer = self.balancer_of(listener)?;
        out.port = dto.port;
        out.end_port = dto.end_port;
        out.protocol = word!(
            self,
            at,
            "protocol",
            dto.protocol,
            ListenerProtocol,
            [Tcp, Udp, Http, Https, Quic, TcpSsl]
        );
        out.backend_port = dto.backend_port;
        let groups = self.ids(at, "server_groups", &[Kind::ServerGroup], &dto.server_groups)?;
        out.server_groups = self.or(at, "server_groups", groups, Vec::new());
        let lists = self.ids(at, "access_lists", &[Kind::AccessList], &dto.access_lists)?;
        let has_list = lists.as_ref().is_some_and(|l| !l.is_empty());
        out.acl_enabled = self.or(at, "acl", dto.acl, has_list);
        out.acl_type = word!(self, at, "acl_type", dto.acl_type, AclType, [White, Black]);
        out.access_lists = self.or(at, "access_lists", lists, Vec::new());
        out.redirect_to = dto.redirect_to;
        let mut health = Vec::new();
        for backend in dto.health.iter().flatten() {
            let kinds = [Kind::Instance, Kind::Eni];
            let server = self.opt_id(at, "health", &kinds, &backend.server)?;
            health.push(BackendHealth {
                server: server.unwrap_or_else(|| Id::from("")),
                listener_port: dto.port,
                port: backend.port,
                status: text(&backend.status),
            });
        }
        out.health = (dto.health.is_some() || !self.open(at, "health")).then_some(health);
        self.add(out);
        Ok(())
    }

    fn server_group(&mut self, group: &Placed<tree::ServerGroup>) -> Result<()> {
        let (at, dto, flat) = (group.at, &group.dto, self.flat);
        let mut out = ServerGroup::new("");
        out.meta = self.meta(at);
        let kinds = [Kind::LoadBalancer];
        let node = match &dto.load_balancer {
            Some(name) => self.target(at, "load_balancer", &kinds, name)?,
            None => group.parent.filter(|p| self.kind(*p) == Some(Kind::LoadBalancer)),
        };
        let owner = node.and_then(|n| self.object(&flat.load_balancers, n));
        let own_type = owner.and_then(|o| o.dto.r#type.as_deref()).map(LoadBalancerType::from_text);
        out.lb_type = word!(self, at, "type", dto.r#type, LoadBalancerType, [Clb, Alb, Nlb, Gwlb])
            .or(own_type);
        let stated = self.opt_id(at, "load_balancer", &kinds, &dto.load_balancer)?;
        out.load_balancer = self.or_nested(at, "load_balancer", stated, node);
        out.vpc = self.vpc(at, &dto.vpc, group.vpc)?;
        if let (None, Some(owner)) = (&out.vpc, owner) {
            out.vpc = self.vpc(owner.at, &owner.dto.vpc, owner.vpc)?;
        }
        out.backends = match &dto.backends {
            Some(backends) => Some(self.backends(at, backends)?),
            None => (!self.open(at, "backends")).then(Vec::new),
        };
        out.group_type = text(&dto.group_type);
        out.preserve_client_ip = dto.preserve_client_ip;
        out.any_port = dto.any_port;
        out.protocol = text(&dto.protocol);
        self.add(out);
        Ok(())
    }
}
