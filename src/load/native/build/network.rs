//! VPCs, vSwitches, route tables and routes.

use super::{Build, Result, Unknown, text, word};
use crate::addr::special::shared_address_space;
use crate::load::native::error::Fault;
use crate::load::native::flat::Placed;
use crate::load::native::names::Ref;
use crate::load::native::text::{Many, TextOr};
use crate::load::native::tree::{self, Internet, Via};
use crate::topology::{
    GatewayEndpoint, Id, Ipv4Gateway, Ipv6Address, Ipv6EgressRule, Ipv6Gateway, Kind, Meta,
    NextHop, NextHopType, RouteDestination, RouteEntry, RouteOrigin, RouteTable, RouteTableScope,
    RouteTableType, RouteTarget, RouteTargetGroup, StatedCidr, VSwitch, Value, Vpc,
};

/// What a next hop can be, with the cloud's word for it.
const HOPS: &[(Kind, NextHopType)] = &[
    (Kind::Instance, NextHopType::Instance),
    (Kind::Eni, NextHopType::NetworkInterface),
    (Kind::HaVip, NextHopType::HaVip),
    (Kind::NatGateway, NextHopType::NatGateway),
    (Kind::VpnGateway, NextHopType::VpnGateway),
    (Kind::RouterInterface, NextHopType::RouterInterface),
    (Kind::Ipv4Gateway, NextHopType::Ipv4Gateway),
    (Kind::Ipv6Gateway, NextHopType::Ipv6Gateway),
    (Kind::VpcPeer, NextHopType::VpcPeer),
    (Kind::TransitAttachment, NextHopType::Attachment),
    (Kind::Cen, NextHopType::CenBasic),
    (Kind::GatewayEndpoint, NextHopType::GatewayEndpoint),
    (Kind::Endpoint, NextHopType::GatewayLoadBalancerEndpoint),
    (Kind::RouteTargetGroup, NextHopType::RouteTargetGroup),
];

/// A gateway of the file: its place, the VPC that it names, the VPC that it stands in.
type Gateway<'a> = (usize, &'a Option<String>, Option<usize>);

impl Build<'_> {
    pub(super) fn network(&mut self) -> Result<()> {
        let flat = self.flat;
        for vpc in &flat.vpcs {
            self.vpc_resource(vpc)?;
        }
        for vswitch in &flat.vswitches {
            self.vswitch(vswitch)?;
        }
        for table in &flat.route_tables {
            self.route_table(table)?;
        }
        for route in &flat.routes {
            self.route(route)?;
        }
        for gateway in &flat.ipv4_gateways {
            let (at, dto) = (gateway.at, &gateway.dto);
            let mut out = Ipv4Gateway::new("");
            out.meta = self.meta(at);
            out.vpc = self.vpc(at, &dto.vpc, gateway.vpc)?;
            out.enabled = self.or(at, "enabled", dto.enabled, true);
            out.route_table = self.opt_id(at, "table", &[Kind::RouteTable], &dto.table)?;
            out.internet_mode = text(&dto.internet_mode);
            self.add(out);
        }
        self.ipv6()?;
        for endpoint in &flat.gateway_endpoints {
            let (at, dto) = (endpoint.at, &endpoint.dto);
            let mut out = GatewayEndpoint::new("");
            out.meta = self.meta(at);
            out.vpc = self.vpc(at, &dto.vpc, endpoint.vpc)?;
            out.service = text(&dto.service);
            let tables = self.ids(at, "tables", &[Kind::RouteTable], &dto.tables)?;
            out.route_tables = self.or(at, "tables", tables, Vec::new());
            self.add(out);
        }
        for group in &flat.route_target_groups {
            let (at, dto) = (group.at, &group.dto);
            let mut out = RouteTargetGroup::new("");
            out.meta = self.meta(at);
            out.vpc = self.vpc(at, &dto.vpc, group.vpc)?;
            let mut members = Vec::new();
            for member in dto.members.iter().flat_map(|m| &m.items) {
                let (id, weight, enabled) = match member {
                    TextOr::Text(id) => (id.as_str(), None, None),
                    TextOr::Table(via) => {
                        (via.id.as_deref().unwrap_or_default(), via.weight, via.enabled)
                    }
                };
                let id = self.id_for(at, "members", &[Kind::Endpoint], id)?;
                members.push(RouteTarget { id, weight, enabled });
            }
            out.members = dto.members.is_some().then_some(members);
            self.add(out);
        }
        Ok(())
    }

    fn vpc_resource(&mut self, vpc: &Placed<tree::Vpc>) -> Result<()> {
        let (at, dto, flat) = (vpc.at, &vpc.dto, self.flat);
        let mut out = Vpc::new("");
        out.meta = self.meta(at);
        out.cidr = self.opt_cidr(at, "cidr", &dto.cidr);
        let cidrs = self.cidrs(at, "secondary_cidrs", &dto.secondary_cidrs);
        out.secondary_cidrs = self.or(at, "secondary_cidrs", cidrs, Vec::new());
        let cidrs = self.cidrs(at, "user_cidrs", &dto.user_cidrs);
        out.user_cidrs = self.or(at, "user_cidrs", cidrs, Vec::new());
        let cidrs = self.cidrs(at, "ipv6_cidrs", &dto.ipv6_cidrs);
        out.ipv6_cidrs = self.or(at, "ipv6_cidrs", cidrs, Vec::new());
        out.is_default = self.or(at, "default", dto.default, false);
        out.vrouter = dto.vrouter.as_deref().map(Id::from);

        let (mut gateway, mut enabled) = (None, false);
        for g in &flat.ipv4_gateways {
            if self.vpc_node(g.at, &g.dto.vpc, g.vpc)? == Some(at) && gateway.is_none() {
                gateway = Some(self.id(g.at));
                enabled = g.dto.enabled.unwrap_or(!self.open(g.at, "enabled"));
            }
        }
        // true with an enabled gateway is central, true without gateway is private (egress.md §3)
        let mode = match dto.internet {
            Some(Internet::Direct) => Some(false),
            Some(Internet::Central | Internet::Private) => Some(true),
            None => (!self.open(at, "internet")).then_some(enabled),
        };
        out.support_ipv4_gateway = mode;
        out.ipv4_gateway = match gateway {
            Some(id) => Some(Some(id)),
            None => mode.map(|_| None),
        };

        let stated = self.ids(at, "cens", &[Kind::Cen], &dto.cens)?;
        let listed = self.cens_of(at, Kind::Vpc)?;
        out.cens = if self.unknown.contains(&Unknown::CenChildren) {
            stated
        } else {
            self.or(at, "cens", stated, listed)
        };
        self.add(out);
        Ok(())
    }

    fn vswitch(&mut self, vswitch: &Placed<tree::VSwitch>) -> Result<()> {
        let (at, dto) = (vswitch.at, &vswitch.dto);
        let mut out = VSwitch::new("");
        out.meta = self.meta(at);
        out.vpc = self.vpc(at, &dto.vpc, vswitch.vpc)?;
        out.cidr = self.opt_cidr(at, "cidr", &dto.cidr);
        out.ipv6_cidr = self.opt_cidr(at, "ipv6_cidr", &dto.ipv6_cidr);
        out.zone = text(&dto.zone);
        out.available_ips = dto.free_ips;
        out.share_type = text(&dto.share);
        out.route_table = match &dto.table {
            Some(table) => Some(self.id_for(at, "table", &[Kind::RouteTable], table)?),
            None => self.table_of(vswitch)?.map(|n| self.id(n)),
        };
        let stated = self.opt_id(at, "acl", &[Kind::NetworkAcl], &dto.acl)?;
        let mut listed = None;
        for acl in &self.flat.network_acls {
            let names = acl.dto.vswitches.iter().flat_map(|v| &v.items);
            for name in names {
                let found = self.target(acl.at, "vswitches", &[Kind::VSwitch], name.as_str())?;
                if found == Some(at) && listed.is_none() {
                    listed = Some(self.id(acl.at));
                }
            }
        }
        let known = !self.open(at, "acl") && !self.unknown.contains(&Unknown::NetworkAcls);
        out.network_acl = match stated.or(listed) {
            Some(id) => Some(Some(id)),
            None => known.then_some(None),
        };
        self.add(out);
        Ok(())
    }

    /// The node of the table that a vSwitch uses when it names none: the table that lists it, else
    /// the system table of its VPC.
    fn table_of(&self, vswitch: &Placed<tree::VSwitch>) -> Result<Option<usize>> {
        if self.open(vswitch.at, "table") {
            return Ok(None);
        }
        let mut system = None;
        let vpc = self.vpc_node(vswitch.at, &vswitch.dto.vpc, vswitch.vpc)?;
        for table in &self.flat.route_tables {
            for name in table.dto.vswitches.iter().flat_map(|v| &v.items) {
                let key = "vswitches";
                if self.target(table.at, key, &[Kind::VSwitch], name.as_str())? == Some(vswitch.at)
                {
                    return Ok(Some(table.at));
                }
            }
            let own = vpc.is_some() && self.vpc_node(table.at, &table.dto.vpc, table.vpc)? == vpc;
            if own && is_system(&table.dto) && !is_gateway(&table.dto) && system.is_none() {
                system = Some(table.at);
            }
        }
        Ok(system)
    }

    fn route_table(&mut self, table: &Placed<tree::RouteTable>) -> Result<()> {
        let (at, dto, flat) = (table.at, &table.dto, self.flat);
        let mut out = RouteTable::new("");
        out.meta = self.meta(at);
        out.vpc = self.vpc(at, &dto.vpc, table.vpc)?;
        let table_type = word!(self, at, "type", dto.r#type, RouteTableType, [System, Custom]);
        out.table_type = self.or(at, "type", table_type, RouteTableType::System);
        let scope = word!(self, at, "scope", dto.scope, RouteTableScope, [VSwitch, Gateway]);
        out.scope = self.or(at, "scope", scope, RouteTableScope::VSwitch);
        out.router_type = text(&dto.router_type);
        let vpc = self.vpc_node(at, &dto.vpc, table.vpc)?;
        let vrouter = vpc.and_then(|n| self.object(&flat.vpcs, n)?.dto.vrouter.as_deref());
        out.router = dto.router.as_deref().or(vrouter).map(Id::from);
        let system = out.table_type == Some(RouteTableType::System);
        out.propagation =
            dto.propagation.or_else(|| (system && !self.open(at, "propagation")).then_some(true));

        let mut vswitches = Vec::new();
        for vswitch in &flat.vswitches {
            let uses = match &vswitch.dto.table {
                Some(name) => self.target(vswitch.at, "table", &[Kind::RouteTable], name)?,
                None => self.table_of(vswitch)?,
            };
            if uses == Some(at) {
                vswitches.push(self.id(vswitch.at));
            }
        }
        let stated = self.ids(at, "vswitches", &[Kind::VSwitch], &dto.vswitches)?;
        out.vswitches = self.or(at, "vswitches", stated, vswitches);

        let mut gateways = Vec::new();
        let v4 = flat.ipv4_gateways.iter().map(|g| (g.at, &g.dto.table));
        let v6 = flat.ipv6_gateways.iter().map(|g| (g.at, &g.dto.table));
        for (gateway, name) in v4.chain(v6) {
            let Some(name) = name else { continue };
            if self.target(gateway, "table", &[Kind::RouteTable], name)? == Some(at) {
                gateways.push(self.id(gateway));
            }
        }
        let kinds = [Kind::Ipv4Gateway, Kind::Ipv6Gateway];
        let stated = self.ids(at, "gateways", &kinds, &dto.gateways)?;
        out.gateways = self.or(at, "gateways", stated, gateways);
        self.add(out);
        if let Some(vpc) = vpc
            && !self.unknown.contains(&Unknown::RouteEntries)
        {
            self.system_routes(table, vpc)?;
        }
        Ok(())
    }

    /// The routes that the cloud puts into every table (egress.md §2.2).
    fn system_routes(&mut self, table: &Placed<tree::RouteTable>, vpc: usize) -> Result<()> {
        let flat = self.flat;
        let written: Vec<_> = flat
            .routes
            .iter()
            .filter(|r| r.parent == Some(table.at))
            .filter(|r| r.dto.origin.as_deref().is_some_and(|o| o.eq_ignore_ascii_case("system")))
            .filter_map(|r| StatedCidr::parse(r.dto.to.as_deref()?).ok())
            .map(|stated| stated.cidr)
            .collect();
        let mut routes = Vec::new();
        for vswitch in &flat.vswitches {
            if self.vpc_node(vswitch.at, &vswitch.dto.vpc, vswitch.vpc)? != Some(vpc) {
                continue;
            }
            for (suffix, block) in [("", &vswitch.dto.cidr), ("/ipv6", &vswitch.dto.ipv6_cidr)] {
                let Some(block) = block.as_deref().and_then(|b| StatedCidr::parse(b).ok()) else {
                    continue;
                };
                let name = format!("local/{}{suffix}", self.id(vswitch.at));
                routes.push((name, block.cidr, NextHopType::Local));
            }
        }
        if !is_gateway(&table.dto) {
            routes.push(("service".to_owned(), shared_address_space(), NextHopType::Service));
        }
        let meta = self.meta(table.at);
        for (name, cidr, hop_type) in routes {
            if written.contains(&cidr) {
                continue;
            }
            let mut out = RouteEntry::new("");
            out.meta = Meta {
                account: meta.account.clone(),
                region: meta.region.clone(),
                status: Some("Available".into()),
                source: meta.source.clone(),
                synthetic: Some("every table has it"),
                ..Meta::new(format!("{}/{name}", meta.id))
            };
            out.table = Some(meta.id.clone());
            out.destination = Some(RouteDestination::Cidr(Value::Known(cidr.into())));
            out.origin = Some(RouteOrigin::System);
            out.next_hops = Some(vec![NextHop { hop_type, id: None, weight: None, enabled: None }]);
            self.add(out);
        }
        Ok(())
    }

    fn route(&mut self, route: &Placed<tree::RouteEntry>) -> Result<()> {
        let (at, dto) = (route.at, &route.dto);
        let mut out = RouteEntry::new("");
        out.meta = self.meta(at);
        out.table = route.parent.map(|n| self.id(n));
        out.destination = match &dto.to {
            Some(to) => Some(self.destination(at, to)?),
            None => None,
        };
        let origin = dto.origin.as_ref().map(|o| match o.eq_ignore_ascii_case("dynamic") {
            true => "CEN".to_owned(),
            false => o.clone(),
        });
        let origin = word!(self, at, "origin", origin, RouteOrigin, [Custom, System, Dynamic]);
        out.origin = self.or(at, "origin", origin, RouteOrigin::Custom);
        out.next_hops = match &dto.via {
            Some(via) => Some(self.hops(at, via)?),
            None => None,
        };
        self.add(out);
        Ok(())
    }

    /// A block, or a prefix list of this file or written `prefix_list:pl-1`.
    pub(super) fn destination(&mut self, at: usize, to: &str) -> Result<RouteDestination> {
        Ok(match self.refer(at, "to", &[Kind::PrefixList], to)? {
            Ref::Node(list) => RouteDestination::PrefixList(self.id(list)),
            Ref::Missing(Some(_), id) => RouteDestination::PrefixList(Id::from(id)),
            Ref::Missing(None, block) => {
                RouteDestination::Cidr(self.cidr(at, "destination", block))
            }
        })
    }

    fn hops(&mut self, at: usize, via: &Many<TextOr<Via>>) -> Result<Vec<NextHop>> {
        let mut hops = Vec::new();
        for (n, via_item) in via.items.iter().enumerate() {
            let key = if via.list { format!("via/{n}") } else { "via".to_owned() };
            hops.push(match via_item {
                TextOr::Text(text) => self.hop(at, &key, text)?,
                TextOr::Table(Via { r#type, id, weight, enabled }) => {
                    let mut hop = match (r#type, id) {
                        (Some(word), id) => {
                            let kinds: Vec<Kind> = HOPS.iter().map(|(kind, _)| *kind).collect();
                            let id = self.opt_id(at, &key, &kinds, id)?;
                            let hop_type = NextHopType::from_text(word);
                            NextHop { hop_type, id, weight: None, enabled: None }
                        }
                        (None, Some(id)) => self.hop(at, &key, id)?,
                        (None, None) => {
                            let fault = Fault::new(self.pointer(at, &key), "a next hop is empty");
                            return Err(fault.help("give it an `id` or a `type`"));
                        }
                    };
                    (hop.weight, hop.enabled) = (*weight, *enabled);
                    hop
                }
            });
        }
        Ok(hops)
    }

    fn hop(&mut self, at: usize, key: &str, text: &str) -> Result<NextHop> {
        let hop = |hop_type, id| NextHop { hop_type, id, weight: None, enabled: None };
        let text = text.trim();
        if text.eq_ignore_ascii_case("local") {
            return Ok(hop(NextHopType::Local, None));
        }
        if text.eq_ignore_ascii_case("service") {
            return Ok(hop(NextHopType::Service, None));
        }
        if let Some(id) = text.strip_prefix("ecr:") {
            return Ok(hop(NextHopType::Ecr, Some(Id::from(id.trim()))));
        }
        let kinds: Vec<Kind> = HOPS.iter().map(|(kind, _)| *kind).collect();
        let word = |kind| HOPS.iter().find(|(k, _)| *k == kind).map(|(_, t)| t.clone());
        match self.refer(at, key, &kinds, text)? {
            Ref::Node(node) => {
                if let Some(hop_type) = self.kind(node).and_then(word) {
                    return Ok(hop(hop_type, Some(self.id(node))));
                }
            }
            Ref::Missing(Some(kind), id) => {
                if let Some(hop_type) = word(kind) {
                    return Ok(hop(hop_type, Some(Id::from(id))));
                }
            }
            Ref::Missing(None, _) => {}
        }
        if let Some(found) = self.gateway_by_kind(at, text)? {
            return Ok(found);
        }
        if let Some(router) = self.target(at, key, &[Kind::TransitRouter], text)? {
            return match self.attachment_to(router, at)? {
                Some(id) => Ok(hop(NextHopType::Attachment, Some(id))),
                None => Err(Fault::new(
                    self.pointer(at, key),
                    format!("transit router `{text}` has no attachment to this VPC"),
                )
                .help("add the attachment, or name one as `transit_attachment:ID`")),
            };
        }
        let fault = Fault::new(
            self.pointer(at, key),
            format!("`{text}` names no next hop of this file, so its kind is not known"),
        );
        let kinds: Vec<&str> = HOPS.iter().map(|(kind, _)| kind.name()).collect();
        Err(fault.help(format!(
            "write `KIND:{text}`, with one of these kinds: {}, ecr; or `local`, `service`",
            kinds.join(", ")
        )))
    }

    /// `via = "ipv4_gateway"`: the gateway that a VPC can have only one of.
    fn gateway_by_kind(&self, at: usize, text: &str) -> Result<Option<NextHop>> {
        let vpc = self.node(at).and_then(|n| n.vpc);
        let flat = self.flat;
        let (list, hop_type): (Vec<Gateway<'_>>, _) = match text {
            "ipv4_gateway" => (
                flat.ipv4_gateways.iter().map(|g| (g.at, &g.dto.vpc, g.vpc)).collect(),
                NextHopType::Ipv4Gateway,
            ),
            "ipv6_gateway" => (
                flat.ipv6_gateways.iter().map(|g| (g.at, &g.dto.vpc, g.vpc)).collect(),
                NextHopType::Ipv6Gateway,
            ),
            _ => return Ok(None),
        };
        for (gateway, stated, nested) in list {
            if vpc.is_some() && self.vpc_node(gateway, stated, nested)? == vpc {
                let id = Some(self.id(gateway));
                return Ok(Some(NextHop { hop_type, id, weight: None, enabled: None }));
            }
        }
        Ok(None)
    }

    /// The attachment of a transit router to the VPC that an object is in.
    fn attachment_to(&self, router: usize, at: usize) -> Result<Option<Id>> {
        let Some(vpc) = self.node(at).and_then(|n| n.vpc) else { return Ok(None) };
        for attachment in &self.flat.attachments {
            let Some(to) = &attachment.dto.to else { continue };
            if attachment.parent == Some(router)
                && self.target(attachment.at, "to", &[Kind::Vpc], to)? == Some(vpc)
            {
                return Ok(Some(self.id(attachment.at)));
            }
        }
        Ok(None)
    }

    fn ipv6(&mut self) -> Result<()> {
        let flat = self.flat;
        for gateway in &flat.ipv6_gateways {
            let (at, dto) = (gateway.at, &gateway.dto);
            let mut out = Ipv6Gateway::new("");
            out.meta = self.meta(at);
            out.vpc = self.vpc(at, &dto.vpc, gateway.vpc)?;
            out.route_table = self.opt_id(at, "table", &[Kind::RouteTable], &dto.table)?;
            self.add(out);
        }
        for address in &flat.ipv6_addresses {
            self.ipv6_address(address)?;
        }
        for rule in &flat.ipv6_egress_rules {
            let mut out = Ipv6EgressRule::new("");
            out.meta = self.meta(rule.at);
            out.gateway = rule.parent.map(|n| self.id(n));
            out.address = match &rule.dto.address {
                None => None,
                Some(text) => Some(match self.ipv6_by_address(text) {
                    Some(node) => self.id(node),
                    None => self.id_for(rule.at, "address", &[Kind::Ipv6Address], text)?,
                }),
            };
            self.add(out);
        }
        Ok(())
    }

    fn ipv6_by_address(&self, text: &str) -> Option<usize> {
        let address: std::net::IpAddr = text.trim().parse().ok()?;
        let same = |a: &&Placed<tree::Ipv6Address>| {
            a.dto.ip.as_deref().and_then(|ip| ip.trim().parse().ok()) == Some(address)
        };
        self.flat.ipv6_addresses.iter().find(same).map(|a| a.at)
    }

    fn ipv6_address(&mut self, address: &Placed<tree::Ipv6Address>) -> Result<()> {
        let (at, dto, flat) = (address.at, &address.dto, self.flat);
        let mut out = Ipv6Address::new("");
        out.meta = self.meta(at);
        out.address = self.opt_addr(at, "address", &dto.ip);
        out.prefix = self.opt_cidr(at, "prefix", &dto.prefix);
        let site =
            self.site(at, (&dto.vpc, address.vpc), (&dto.vswitch, address.vswitch), &None)?;
        (out.vpc, out.vswitch) = (site.vpc, site.vswitch);
        let vpc = self.vpc_node(at, &dto.vpc, address.vpc)?;
        out.gateway = self.opt_id(at, "gateway", &[Kind::Ipv6Gateway], &dto.gateway)?;
        for gateway in &flat.ipv6_gateways {
            let own =
                vpc.is_some() && self.vpc_node(gateway.at, &gateway.dto.vpc, gateway.vpc)? == vpc;
            if own && out.gateway.is_none() && !self.open(at, "gateway") {
                out.gateway = Some(self.id(gateway.at));
            }
        }
        out.attached_to = self.opt_id(at, "on", &[Kind::Instance, Kind::Eni], &dto.on)?;
        if out.attached_to.is_none()
            && !self.open(at, "on")
            && let Some(own) = out.address.as_ref().and_then(|a| a.addr())
        {
            let has = |e: &&Placed<tree::Eni>| {
                let mut all = e.dto.ipv6.iter().flat_map(|w| &w.items);
                all.any(|w| w.as_str().trim().parse() == Ok(own))
            };
            out.attached_to = flat.enis.iter().find(has).map(|e| self.id(e.at));
        }
        out.public = self.or(at, "public", dto.public, false);
        self.add(out);
        Ok(())
    }
}

fn is_system(table: &tree::RouteTable) -> bool {
    table.r#type.as_deref().is_none_or(|t| t.eq_ignore_ascii_case("system"))
}

fn is_gateway(table: &tree::RouteTable) -> bool {
    table.scope.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("gateway"))
}
