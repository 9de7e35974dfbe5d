//! PrivateLink: endpoints, services and connections.

use std::collections::BTreeSet;

use super::{Build, Result, Unknown, text, word};
use crate::load::native::flat::Placed;
use crate::load::native::names::Ref;
use crate::load::native::text::TextOr;
use crate::load::native::tree;
use crate::topology::{
    ConnectionStatus, Endpoint, EndpointConnection, EndpointService, EndpointType, EndpointZone,
    Id, Kind, Meta, ServiceResource, Text,
};

const BALANCER: &[Kind] = &[Kind::LoadBalancer];

impl Build<'_> {
    pub(super) fn private_link(&mut self) -> Result<()> {
        let flat = self.flat;
        for service in &flat.endpoint_services {
            self.service(service)?;
        }
        for endpoint in &flat.endpoints {
            self.endpoint(endpoint)?;
        }
        for connection in &flat.endpoint_connections {
            self.connection(connection)?;
        }
        Ok(())
    }

    fn service(&mut self, service: &Placed<tree::EndpointService>) -> Result<()> {
        let (at, dto) = (service.at, &service.dto);
        let mut out = EndpointService::new("");
        out.meta = self.meta(at);
        out.service_name = text(&dto.service_name);
        let kind = dto.r#type.as_deref().map(|t| Text::from(EndpointType::from_text(t).as_str()));
        out.service_type = self.or(at, "type", kind, Text::from("Interface"));
        if let Some(resources) = &dto.resources {
            let mut all = Vec::new();
            for resource in resources {
                all.push(self.resource(at, resource)?);
            }
            out.resources = Some(all);
        } else if !self.open(at, "resources") {
            out.resources = Some(Vec::new());
        }
        let kinds: BTreeSet<&Text> =
            out.resources.iter().flatten().filter_map(|r| r.resource_type.as_ref()).collect();
        let only = (kinds.len() == 1).then(|| kinds.first().copied().cloned()).flatten();
        out.resource_type = text(&dto.resource_type).or(only);
        let zones = dto.zones.as_ref();
        out.zones = zones.map(|z| z.items.iter().map(|w| Text::from(w.as_str())).collect());
        if out.zones.is_none() && !self.open(at, "zones") {
            // the zones of the resources, if each states one
            let own: Option<BTreeSet<Text>> =
                out.resources.iter().flatten().map(|r| r.zone.clone()).collect();
            out.zones = own.filter(|z| !z.is_empty()).map(|z| z.into_iter().collect());
        }
        let regions = dto.supported_regions.as_ref();
        let regions = regions.map(|r| r.items.iter().map(|w| Text::from(w.as_str())).collect());
        let home = out.meta.region.as_ref().map(|r| vec![Text::from(r.as_str())]);
        let home = home.filter(|_| !self.open(at, "supported_regions"));
        out.supported_regions = regions.or(home);
        let users = dto.users.as_ref();
        let users = users.map(|u| u.items.iter().map(|w| Text::from(w.as_str())).collect());
        out.users = self.or(at, "users", users, Vec::new());
        out.auto_accept = self.or(at, "auto_accept", dto.auto_accept, false);
        out.zone_affinity = dto.zone_affinity;
        out.payer = text(&dto.payer);
        out.consumer_view = self.or(at, "consumer_view", dto.consumer_view, false);
        self.add(out);
        Ok(())
    }

    fn resource(
        &mut self,
        at: usize,
        resource: &TextOr<tree::ServiceResource>,
    ) -> Result<ServiceResource> {
        let written;
        let dto = match resource {
            TextOr::Table(table) => table,
            TextOr::Text(id) => {
                written = tree::ServiceResource { id: Some(id.clone()), ..Default::default() };
                &written
            }
        };
        let name = dto.id.as_deref().unwrap_or_default();
        let node = self.target(at, "resources", BALANCER, name)?;
        let own = node.and_then(|n| self.object(&self.flat.load_balancers, n));
        let mut out = ServiceResource {
            resource: self.id_for(at, "resources", BALANCER, name)?,
            resource_type: text(&dto.r#type),
            zone: text(&dto.zone),
            vpc: self.opt_id(at, "resources", &[Kind::Vpc], &dto.vpc)?,
            vswitch: self.opt_id(at, "resources", &[Kind::VSwitch], &dto.vswitch)?,
            address: self.opt_addr(at, "resources", &dto.ip),
        };
        if let Some(own) = own {
            let kind = own.dto.r#type.as_deref().map(str::to_ascii_lowercase);
            // services call a CLB by its old name
            let kind = kind.map(|k| if k == "clb" { "slb".to_owned() } else { k });
            out.resource_type = out.resource_type.or(kind.map(Text::from));
            let site =
                self.site(own.at, (&own.dto.vpc, own.vpc), (&own.dto.vswitch, None), &None)?;
            out.vpc = out.vpc.or(site.vpc);
            out.vswitch = out.vswitch.or(site.vswitch);
            if out.address.is_none() {
                out.address = self.opt_addr(own.at, "address", &own.dto.ip);
            }
        }
        Ok(out)
    }

    /// The service of an endpoint: by id, name, or service name.
    fn service_of(&self, at: usize, name: &str) -> Result<Option<usize>> {
        if let Some(node) = self.target(at, "service", &[Kind::EndpointService], name)? {
            return Ok(Some(node));
        }
        let same = |s: &&Placed<tree::EndpointService>| s.dto.service_name.as_deref() == Some(name);
        Ok(self.flat.endpoint_services.iter().find(same).map(|s| s.at))
    }

    fn endpoint(&mut self, endpoint: &Placed<tree::Endpoint>) -> Result<()> {
        let (at, dto, flat) = (endpoint.at, &endpoint.dto, self.flat);
        let mut out = Endpoint::new("");
        out.meta = self.meta(at);
        out.vpc = self.vpc(at, &dto.vpc, endpoint.vpc)?;
        let kind = word!(
            self,
            at,
            "type",
            dto.r#type,
            EndpointType,
            [Interface, Reverse, GatewayLoadBalancer]
        );
        out.endpoint_type = self.or(at, "type", kind, EndpointType::Interface);
        let node = match &dto.service {
            Some(name) => self.service_of(at, name)?,
            None => None,
        };
        let service = node.and_then(|n| self.object(&flat.endpoint_services, n));
        let service_meta = node.map(|n| self.meta(n));
        out.service = match (node, &dto.service) {
            (Some(node), _) => Some(self.id(node)),
            (None, Some(name)) => {
                Some(self.id_for(at, "service", &[Kind::EndpointService], name)?)
            }
            (None, None) => None,
        };
        out.service_name =
            text(&dto.service_name).or(service.and_then(|s| text(&s.dto.service_name)));
        let region = service_meta.as_ref().and_then(|m| m.region.clone());
        out.service_region = text(&dto.service_region).or(region.map(|r| Text::from(r.as_str())));
        out.same_account = dto.same_account.or_else(|| {
            let other = service_meta.as_ref()?;
            (!self.open(at, "same_account")).then(|| other.account == out.meta.account)
        });
        out.connection_status = self.status_of(endpoint)?;
        let usual = matches!(out.connection_status, Some(ConnectionStatus::Connected));
        out.zones = match &dto.zones {
            Some(zones) => Some(self.endpoint_zones(at, zones, usual)?),
            None => (!self.open(at, "zones")).then(Vec::new),
        };
        let groups =
            self.ids(at, "security_groups", &[Kind::SecurityGroup], &dto.security_groups)?;
        out.security_groups = self.or(at, "security_groups", groups, Vec::new());
        out.zone_affinity = dto.zone_affinity;
        out.domain = text(&dto.domain);

        if let Some(node) = node
            && self.listed(endpoint)?.is_none()
            && !self.unknown.contains(&Unknown::EndpointConnections)
            && service.is_none_or(|s| s.dto.consumer_view != Some(true))
        {
            self.implied_connection(&out, node);
        }
        self.add(out);
        Ok(())
    }

    /// The connection of an endpoint as the service lists it.
    fn listed(
        &self,
        endpoint: &Placed<tree::Endpoint>,
    ) -> Result<Option<&'_ Placed<tree::EndpointConnection>>> {
        for connection in &self.flat.endpoint_connections {
            let Some(name) = &connection.dto.endpoint else { continue };
            let found = self.target(connection.at, "endpoint", &[Kind::Endpoint], name)?;
            if found == Some(endpoint.at) {
                return Ok(Some(connection));
            }
        }
        Ok(None)
    }

    fn status_of(&self, endpoint: &Placed<tree::Endpoint>) -> Result<Option<ConnectionStatus>> {
        let at = endpoint.at;
        let own = self.connection_word(at, &endpoint.dto.connection)?;
        if own.is_some() || self.open(at, "connection") {
            return Ok(own);
        }
        let listed = match self.listed(endpoint)? {
            Some(connection) => self.connection_word(connection.at, &connection.dto.connection)?,
            None => None,
        };
        Ok(listed.or(Some(ConnectionStatus::Connected)))
    }

    fn connection_word(
        &self,
        at: usize,
        text: &Option<String>,
    ) -> Result<Option<ConnectionStatus>> {
        Ok(word!(
            self,
            at,
            "connection",
            text,
            ConnectionStatus,
            [Pending, Connecting, Connected, Disconnecting, Disconnected, Deleting, ServiceDeleted]
        ))
    }

    fn endpoint_zones(
        &mut self,
        at: usize,
        zones: &[tree::EndpointZone],
        usual: bool,
    ) -> Result<Vec<EndpointZone>> {
        let mut out = Vec::new();
        for (n, zone) in zones.iter().enumerate() {
            let key = format!("zones/{n}");
            let site = self.zone_site(at, &key, &zone.zone, &zone.vswitch)?;
            out.push(EndpointZone {
                zone: site.zone,
                vswitch: site.vswitch,
                eni: self.opt_id(at, &key, &[Kind::Eni], &zone.eni)?,
                address: self.opt_addr(at, "zones", &zone.ip),
                status: text(&zone.status).or(usual.then(|| Text::from("Connected"))),
                resource: self.opt_id(at, &key, BALANCER, &zone.resource)?,
            });
        }
        Ok(out)
    }

    fn implied_connection(&mut self, endpoint: &Endpoint, service: usize) {
        let around = self.meta(service);
        let mut out = EndpointConnection::new("");
        let status = endpoint.connection_status.clone();
        out.meta = Meta {
            account: around.account,
            region: around.region,
            status: status.as_ref().map(|s| Text::from(s.as_str())),
            source: endpoint.meta.source.clone(),
            synthetic: Some("the endpoint names the service"),
            ..Meta::new(format!("{}/{}", around.id, endpoint.meta.id))
        };
        out.endpoint = Some(endpoint.meta.id.clone());
        out.service = Some(around.id);
        out.endpoint_account = endpoint.meta.account.clone();
        out.endpoint_vpc = endpoint.vpc.clone();
        out.endpoint_region = endpoint.meta.region.as_ref().map(|r| Text::from(r.as_str()));
        out.connection_status = status;
        out.zones = endpoint.zones.clone();
        self.add(out);
    }

    fn connection(&mut self, connection: &Placed<tree::EndpointConnection>) -> Result<()> {
        let (at, dto, flat) = (connection.at, &connection.dto, self.flat);
        let mut out = EndpointConnection::new("");
        out.meta = self.meta(at);
        let service = match &dto.service {
            Some(name) => self.service_of(at, name)?,
            None => connection.parent,
        };
        out.service = match (service, &dto.service) {
            (Some(node), _) => Some(self.id(node)),
            (None, Some(name)) => Some(Id::from(name)),
            (None, None) => None,
        };
        let node = match dto.endpoint.as_deref() {
            None => None,
            Some(name) => match self.refer(at, "endpoint", &[Kind::Endpoint], name)? {
                Ref::Node(node) => {
                    out.endpoint = Some(self.id(node));
                    self.object(&flat.endpoints, node)
                }
                Ref::Missing(_, id) => {
                    out.endpoint = Some(Id::from(id));
                    None
                }
            },
        };
        let own_id =
            self.node(at).is_some_and(|n| n.common.id.is_some() || n.common.name.is_some());
        if let (false, Some(service), Some(endpoint)) = (own_id, &out.service, &out.endpoint) {
            out.meta.id = Id::from(format!("{service}/{endpoint}"));
        }
        let own = self.connection_word(at, &dto.connection)?;
        let other = match node {
            Some(endpoint) => self.status_of(endpoint)?,
            None => Some(ConnectionStatus::Connected),
        };
        out.connection_status = own.or(other.filter(|_| !self.open(at, "connection")));
        let no_status = self.node(at).is_some_and(|n| n.common.status.is_none());
        if let (true, Some(status)) = (no_status, &out.connection_status) {
            out.meta.status = Some(Text::from(status.as_str()));
        }
        out.endpoint_account = dto.endpoint_account.as_ref().map(|a| Id::from(&a.0));
        out.endpoint_vpc = self.opt_id(at, "endpoint_vpc", &[Kind::Vpc], &dto.endpoint_vpc)?;
        out.endpoint_region = text(&dto.endpoint_region);
        let usual = matches!(out.connection_status, Some(ConnectionStatus::Connected));
        if let Some(zones) = &dto.zones {
            out.zones = Some(self.endpoint_zones(at, zones, usual)?);
        }
        if let Some(endpoint) = node {
            let meta = self.meta(endpoint.at);
            out.endpoint_account = out.endpoint_account.or(meta.account);
            out.endpoint_region =
                out.endpoint_region.or(meta.region.map(|r| Text::from(r.as_str())));
            if out.endpoint_vpc.is_none() {
                out.endpoint_vpc = self.vpc(endpoint.at, &endpoint.dto.vpc, endpoint.vpc)?;
            }
            if let (None, Some(zones)) = (&out.zones, &endpoint.dto.zones) {
                out.zones = Some(self.endpoint_zones(endpoint.at, zones, usual)?);
            }
        }
        out.bandwidth = dto.bandwidth;
        self.add(out);
        Ok(())
    }
}
