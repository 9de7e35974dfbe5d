//! Takes the tree apart: every object gets a node (kind, id, place) and goes to the list of its kind.
//! Parents come before their children.

use std::collections::BTreeSet;

use super::text::{Many, TextOr};
use super::tree::*;
use super::unknown::Unknown;
use crate::topology::{Id, Kind, Text};

/// What every object has, and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Position in the list of its kind.
    pub(super) slot: usize,
    pub(super) common: Common,
    /// Id; empty until [`super::names::Names::assign`].
    pub(super) id: Id,
    /// Pointer to the list (or to the object itself when `index` is none).
    pub(super) base: Text,
    pub(super) index: Option<u32>,
    /// Keys that its `unknown` may name.
    pub(super) keys: &'static [&'static str],
    /// Word for made-up ids.
    pub(super) word: &'static str,
    /// Made-up id beginning with the parent's, e.g. `:80/tcp` of a listener.
    pub(super) suffix: Option<String>,
    pub(super) parent: Option<usize>,
    pub(super) vpc: Option<usize>,
    pub(super) account: Option<Id>,
    pub(super) region: Option<Id>,
    /// Why the program added it, if the file does not spell it out.
    pub(super) synthetic: Option<&'static str>,
}

impl Node {
    /// The JSON pointer of the object.
    pub(super) fn pointer(&self) -> String {
        match self.index {
            Some(index) => format!("{}/{index}", self.base),
            None => self.base.to_string(),
        }
    }

    /// True when the object says that it does not know this key.
    pub(super) fn unknown(&self, key: &str) -> bool {
        self.common.unknown.iter().any(|u| u == key)
    }
}

/// An object in the list of its kind.
#[derive(Debug)]
pub(super) struct Placed<T> {
    /// Its node.
    pub(super) at: usize,
    /// Nodes of the objects it is written in.
    pub(super) vpc: Option<usize>,
    pub(super) vswitch: Option<usize>,
    pub(super) parent: Option<usize>,
    pub(super) dto: T,
}

/// A rule line of a security group.
#[derive(Debug)]
pub(super) struct RuleLine {
    pub(super) ingress: bool,
    pub(super) position: usize,
    pub(super) rule: TextOr<Rule>,
}

/// Where a list stands.
#[derive(Debug, Clone, Default)]
struct Env {
    pointer: String,
    parent: Option<usize>,
    account: Option<Id>,
    region: Option<Id>,
    vpc: Option<usize>,
    vswitch: Option<usize>,
}

macro_rules! flat {
    ($( $field:ident : $type:ty ),* $(,)?) => {
        /// All objects, by kind.
        #[derive(Debug, Default)]
        pub(super) struct Flat {
            pub(super) nodes: Vec<Node>,
            /// Account and region of every place where something is written.
            pub(super) places: Vec<(Option<Id>, Option<Id>)>,
            $( pub(super) $field: Vec<Placed<$type>>, )*
        }
    };
}

flat! {
    vpcs: Vpc, vswitches: VSwitch, route_tables: RouteTable, routes: RouteEntry,
    instances: Instance, enis: Eni, havips: HaVip, eips: Eip, packages: BandwidthPackage,
    ipv4_gateways: Ipv4Gateway, ipv6_gateways: Ipv6Gateway, ipv6_addresses: Ipv6Address,
    ipv6_egress_rules: Ipv6EgressRule,
    nat_gateways: NatGateway, snat: SnatEntry, dnat: DnatEntry, full_nat: FullNatEntry, nat_ips: NatIp,
    security_groups: SecurityGroup, rules: RuleLine, network_acls: NetworkAcl,
    prefix_lists: PrefixList, port_lists: PortList,
    load_balancers: LoadBalancer, listeners: Listener, forwarding_rules: ForwardingRule,
    server_groups: ServerGroup, access_lists: AccessList,
    endpoints: Endpoint, endpoint_services: EndpointService, endpoint_connections: EndpointConnection,
    gateway_endpoints: GatewayEndpoint, route_target_groups: RouteTargetGroup,
    vpc_peers: VpcPeer, cens: Cen, cen_routes: CenRoute, cen_route_maps: CenRouteMap,
    transit_routers: TransitRouter, attachments: TransitAttachment,
    transit_tables: TransitRouteTable, transit_routes: TransitRouteEntry,
    vpn_gateways: VpnGateway, vpn_connections: VpnConnection, vpn_routes: VpnRoute,
    customer_gateways: CustomerGateway, router_interfaces: RouterInterface,
    border_routers: BorderRouter,
}

/// Puts the objects of a list without children into the list of their kind.
macro_rules! leaves {
    ($flat:ident, $env:expr, $( $list:expr => $key:literal in $field:ident ),* $(,)?) => {
        $(
            for (n, dto) in std::mem::take(&mut $list).into_iter().enumerate() {
                let placed = $flat.put(dto, $key, Some(n), $env, $flat.$field.len());
                $flat.$field.push(placed);
            }
        )*
    };
}

impl Flat {
    /// Takes a document apart. `unknown` names the kinds whose implied objects are not made.
    pub(super) fn of(mut document: Document, unknown: &BTreeSet<Unknown>) -> Self {
        let mut flat = Self::default();
        let contents = document.take_contents();
        flat.place(contents, &Env::default(), unknown);
        flat.regions(std::mem::take(&mut document.region), &Env::default(), unknown);
        for (n, mut account) in document.account.into_iter().enumerate() {
            let id = account.id.take().map(|w| w.0).or(account.name.take());
            let env = Env {
                pointer: format!("/account/{n}"),
                account: id.map(Id::from),
                ..Env::default()
            };
            let contents = account.take_contents();
            flat.place(contents, &env, unknown);
            flat.regions(account.region, &env, unknown);
        }
        if flat.places.is_empty() {
            flat.places.push((None, None));
        }
        flat.imply(unknown);
        flat
    }

    fn regions(&mut self, regions: Vec<Region>, env: &Env, unknown: &BTreeSet<Unknown>) {
        for (n, mut region) in regions.into_iter().enumerate() {
            let id = region.id.take().or(region.name.take());
            let env = Env {
                pointer: format!("{}/region/{n}", env.pointer),
                region: id.map(Id::from),
                ..env.clone()
            };
            let contents = region.take_contents();
            self.places.push((env.account.clone(), env.region.clone()));
            self.lists(contents, &env, unknown);
        }
    }

    fn place(&mut self, contents: Contents, env: &Env, unknown: &BTreeSet<Unknown>) {
        if !contents.is_empty() {
            self.places.push((env.account.clone(), env.region.clone()));
            self.lists(contents, env, unknown);
        }
    }

    fn lists(&mut self, mut c: Contents, env: &Env, unknown: &BTreeSet<Unknown>) {
        self.vpc_list(c.vpc, env, unknown);
        leaves!(self, env,
            c.eip => "eip" in eips,
            c.bandwidth_package => "bandwidth_package" in packages,
            c.ipv4_gateway => "ipv4_gateway" in ipv4_gateways,
            c.ipv6_address => "ipv6_address" in ipv6_addresses,
            c.snat => "snat" in snat,
            c.dnat => "dnat" in dnat,
            c.network_acl => "network_acl" in network_acls,
            c.prefix_list => "prefix_list" in prefix_lists,
            c.port_list => "port_list" in port_lists,
            c.server_group => "server_group" in server_groups,
            c.access_list => "access_list" in access_lists,
            c.endpoint => "endpoint" in endpoints,
            c.endpoint_connection => "endpoint_connection" in endpoint_connections,
            c.gateway_endpoint => "gateway_endpoint" in gateway_endpoints,
            c.route_target_group => "route_target_group" in route_target_groups,
            c.vpc_peer => "vpc_peer" in vpc_peers,
            c.customer_gateway => "customer_gateway" in customer_gateways,
            c.router_interface => "router_interface" in router_interfaces,
            c.border_router => "border_router" in border_routers,
            c.havip => "havip" in havips,
            c.eni => "eni" in enis,
        );
        self.ipv6_gateway_list(Many { items: c.ipv6_gateway, list: true }, env);
        self.vswitch_list(c.vswitch, env, unknown);
        self.route_table_list(c.route_table, env);
        self.instance_list(c.instance, env, unknown);
        self.nat_list(c.nat_gateway, env);
        self.group_list(c.security_group, env);
        self.balancer_list(c.load_balancer, env);
        self.listener_list(c.listener, env);
        self.service_list(c.endpoint_service, env);
        self.cen_list(c.cen, env);
        self.router_list(c.transit_router, env);
        self.vpn_list(c.vpn_gateway, env);
        self.connection_list(c.vpn_connection, env);
    }

    /// Makes the node of an object. `slot` is where the caller will put it.
    fn put<T: Object>(
        &mut self,
        mut dto: T,
        key: &'static str,
        index: Option<usize>,
        env: &Env,
        slot: usize,
    ) -> Placed<T> {
        let common = dto.take_common();
        let at = self.node(T::KIND, common, key, index, env, slot);
        if let Some(node) = self.nodes.get_mut(at) {
            node.keys = T::FIELDS;
        }
        Placed { at, vpc: env.vpc, vswitch: env.vswitch, parent: env.parent, dto }
    }

    fn node(
        &mut self,
        kind: Kind,
        common: Common,
        key: &'static str,
        index: Option<usize>,
        env: &Env,
        slot: usize,
    ) -> usize {
        self.nodes.push(Node {
            kind,
            slot,
            common,
            id: Id::from(""),
            base: Text::from(format!("{}/{key}", env.pointer)),
            index: index.and_then(|n| u32::try_from(n).ok()),
            keys: &[],
            word: key,
            suffix: None,
            parent: env.parent,
            vpc: if kind == Kind::Vpc { Some(self.nodes.len()) } else { env.vpc },
            account: env.account.clone(),
            region: env.region.clone(),
            synthetic: None,
        });
        self.nodes.len() - 1
    }

    /// The surroundings of what is written inside an object.
    fn inside(&self, at: usize, env: &Env) -> Env {
        let pointer = self.nodes.get(at).map_or_else(String::new, Node::pointer);
        Env { pointer, parent: Some(at), ..env.clone() }
    }

    fn vpc_list(&mut self, list: Vec<Vpc>, env: &Env, unknown: &BTreeSet<Unknown>) {
        for (n, vpc) in list.into_iter().enumerate() {
            let mut placed = self.put(vpc, "vpc", Some(n), env, self.vpcs.len());
            let inner = Env { vpc: Some(placed.at), ..self.inside(placed.at, env) };
            let v = &mut placed.dto;
            let gateways = std::mem::take(&mut v.ipv4_gateway);
            for (n, gateway) in gateways.items.into_iter().enumerate() {
                let index = gateways.list.then_some(n);
                let slot = self.ipv4_gateways.len();
                let gateway = self.put(gateway, "ipv4_gateway", index, &inner, slot);
                self.ipv4_gateways.push(gateway);
            }
            self.ipv6_gateway_list(std::mem::take(&mut v.ipv6_gateway), &inner);
            self.vswitch_list(std::mem::take(&mut v.vswitch), &inner, unknown);
            self.route_table_list(std::mem::take(&mut v.route_table), &inner);
            self.instance_list(std::mem::take(&mut v.instance), &inner, unknown);
            self.nat_list(std::mem::take(&mut v.nat_gateway), &inner);
            self.group_list(std::mem::take(&mut v.security_group), &inner);
            self.balancer_list(std::mem::take(&mut v.load_balancer), &inner);
            self.service_list(std::mem::take(&mut v.endpoint_service), &inner);
            self.vpn_list(std::mem::take(&mut v.vpn_gateway), &inner);
            leaves!(self, &inner,
                v.eni => "eni" in enis,
                v.havip => "havip" in havips,
                v.ipv6_address => "ipv6_address" in ipv6_addresses,
                v.network_acl => "network_acl" in network_acls,
                v.server_group => "server_group" in server_groups,
                v.endpoint => "endpoint" in endpoints,
                v.gateway_endpoint => "gateway_endpoint" in gateway_endpoints,
                v.route_target_group => "route_target_group" in route_target_groups,
                v.router_interface => "router_interface" in router_interfaces,
            );
            self.vpcs.push(placed);
        }
    }

    fn ipv6_gateway_list(&mut self, list: Many<Ipv6Gateway>, env: &Env) {
        for (n, gateway) in list.items.into_iter().enumerate() {
            let index = list.list.then_some(n);
            let mut placed =
                self.put(gateway, "ipv6_gateway", index, env, self.ipv6_gateways.len());
            let inner = self.inside(placed.at, env);
            let rules = std::mem::take(&mut placed.dto.egress_only).into_iter();
            let mut rules: Vec<Ipv6EgressRule> = rules
                .map(|rule| match rule {
                    TextOr::Table(rule) => rule,
                    TextOr::Text(address) => {
                        Ipv6EgressRule { address: Some(address), ..Ipv6EgressRule::default() }
                    }
                })
                .collect();
            leaves!(self, &inner, rules => "egress_only" in ipv6_egress_rules);
            self.ipv6_gateways.push(placed);
        }
    }

    fn vswitch_list(&mut self, list: Vec<VSwitch>, env: &Env, unknown: &BTreeSet<Unknown>) {
        for (n, vswitch) in list.into_iter().enumerate() {
            let mut placed = self.put(vswitch, "vswitch", Some(n), env, self.vswitches.len());
            let inner = Env { vswitch: Some(placed.at), ..self.inside(placed.at, env) };
            let v = &mut placed.dto;
            self.instance_list(std::mem::take(&mut v.instance), &inner, unknown);
            leaves!(self, &inner, v.eni => "eni" in enis, v.havip => "havip" in havips);
            self.vswitches.push(placed);
        }
    }

    fn route_table_list(&mut self, list: Vec<RouteTable>, env: &Env) {
        for (n, table) in list.into_iter().enumerate() {
            let mut placed = self.put(table, "route_table", Some(n), env, self.route_tables.len());
            let inner = self.inside(placed.at, env);
            leaves!(self, &inner, placed.dto.routes => "routes" in routes);
            self.route_tables.push(placed);
        }
    }

    fn instance_list(&mut self, list: Vec<Instance>, env: &Env, unknown: &BTreeSet<Unknown>) {
        for (n, instance) in list.into_iter().enumerate() {
            let mut placed = self.put(instance, "instance", Some(n), env, self.instances.len());
            let inner = self.inside(placed.at, env);
            if !unknown.contains(&Unknown::Enis) {
                self.primary_eni(&mut placed, &inner);
            }
            leaves!(self, &inner, placed.dto.eni => "eni" in enis);
            self.instances.push(placed);
        }
    }

    /// The primary ENI of an instance; it is written as part of the instance and stands there.
    fn primary_eni(&mut self, instance: &mut Placed<Instance>, env: &Env) {
        let dto = &instance.dto;
        let eni = Eni {
            id: dto.primary_eni.clone(),
            r#type: Some("primary".to_owned()),
            vpc: dto.vpc.clone(),
            vswitch: dto.vswitch.clone(),
            zone: dto.zone.clone(),
            ip: dto.ip.clone(),
            eip: dto.eip.clone(),
            ipv6: dto.ipv6.clone(),
            ipv4_prefixes: dto.ipv4_prefixes.clone(),
            security_groups: dto.security_groups.clone(),
            source_dest_check: dto.source_dest_check,
            ..Eni::default()
        };
        let placed = self.put(eni, "eni", None, env, self.enis.len());
        let unknown = self.nodes.get(instance.at).map(|n| n.common.unknown.clone());
        if let Some(node) = self.nodes.get_mut(placed.at) {
            node.base = Text::from(env.pointer.as_str());
            node.common.unknown = unknown.unwrap_or_default();
        }
        self.enis.push(placed);
    }

    fn nat_list(&mut self, list: Vec<NatGateway>, env: &Env) {
        for (n, nat) in list.into_iter().enumerate() {
            let mut placed = self.put(nat, "nat_gateway", Some(n), env, self.nat_gateways.len());
            let inner = self.inside(placed.at, env);
            let nat = &mut placed.dto;
            leaves!(self, &inner,
                nat.snat => "snat" in snat,
                nat.dnat => "dnat" in dnat,
                nat.full_nat => "full_nat" in full_nat,
                nat.nat_ip => "nat_ip" in nat_ips,
            );
            self.nat_gateways.push(placed);
        }
    }

    fn group_list(&mut self, list: Vec<SecurityGroup>, env: &Env) {
        for (n, group) in list.into_iter().enumerate() {
            let mut placed =
                self.put(group, "security_group", Some(n), env, self.security_groups.len());
            let inner = self.inside(placed.at, env);
            self.rule_lines(std::mem::take(&mut placed.dto.ingress), true, 0, &inner);
            let before = self.rules.last().filter(|r| r.parent == Some(placed.at));
            let position = before.map_or(0, |r| r.dto.position + 1);
            self.rule_lines(std::mem::take(&mut placed.dto.egress), false, position, &inner);
            self.security_groups.push(placed);
        }
    }

    fn rule_lines(&mut self, list: Vec<TextOr<Rule>>, ingress: bool, first: usize, env: &Env) {
        for (n, mut rule) in list.into_iter().enumerate() {
            let mut common = Common::default();
            if let TextOr::Table(rule) = &mut rule {
                common.id = rule.id.take();
                common.name = rule.name.take();
            }
            let key = if ingress { "ingress" } else { "egress" };
            let slot = self.rules.len();
            let at = self.node(Kind::SecurityGroupRule, common, key, Some(n), env, slot);
            self.rules.push(Placed {
                at,
                vpc: env.vpc,
                vswitch: None,
                parent: env.parent,
                dto: RuleLine { ingress, position: first + n, rule },
            });
        }
    }

    fn balancer_list(&mut self, list: Vec<LoadBalancer>, env: &Env) {
        for (n, balancer) in list.into_iter().enumerate() {
            let mut placed =
                self.put(balancer, "load_balancer", Some(n), env, self.load_balancers.len());
            let inner = self.inside(placed.at, env);
            self.listener_list(std::mem::take(&mut placed.dto.listener), &inner);
            leaves!(self, &inner, placed.dto.server_group => "server_group" in server_groups);
            self.load_balancers.push(placed);
        }
    }

    fn listener_list(&mut self, list: Vec<Listener>, env: &Env) {
        for (n, mut listener) in list.into_iter().enumerate() {
            let owner = listener.load_balancer.clone();
            let suffix = match (&listener.port, &listener.protocol) {
                (Some(port), Some(protocol)) => {
                    Some(format!(":{port}/{}", protocol.to_ascii_lowercase()))
                }
                _ => None,
            };
            if let (None, Some(owner), Some(suffix)) = (&listener.id, &owner, &suffix) {
                listener.id = Some(format!("{owner}{suffix}"));
            }
            let mut placed = self.put(listener, "listener", Some(n), env, self.listeners.len());
            if let Some(node) = self.nodes.get_mut(placed.at) {
                node.suffix = suffix;
            }
            let inner = self.inside(placed.at, env);
            leaves!(self, &inner, placed.dto.rule => "rule" in forwarding_rules);
            self.listeners.push(placed);
        }
    }

    fn service_list(&mut self, list: Vec<EndpointService>, env: &Env) {
        for (n, service) in list.into_iter().enumerate() {
            let slot = self.endpoint_services.len();
            let mut placed = self.put(service, "endpoint_service", Some(n), env, slot);
            let inner = self.inside(placed.at, env);
            leaves!(self, &inner, placed.dto.connection => "connection" in endpoint_connections);
            self.endpoint_services.push(placed);
        }
    }

    fn cen_list(&mut self, list: Vec<Cen>, env: &Env) {
        for (n, cen) in list.into_iter().enumerate() {
            let mut placed = self.put(cen, "cen", Some(n), env, self.cens.len());
            let inner = self.inside(placed.at, env);
            let cen = &mut placed.dto;
            self.router_list(std::mem::take(&mut cen.transit_router), &inner);
            leaves!(self, &inner,
                cen.route => "route" in cen_routes,
                cen.route_map => "route_map" in cen_route_maps,
            );
            self.cens.push(placed);
        }
    }

    fn router_list(&mut self, list: Vec<TransitRouter>, env: &Env) {
        for (n, router) in list.into_iter().enumerate() {
            let region = router.region.as_deref().map(Id::from).or_else(|| env.region.clone());
            let env = Env { region, ..env.clone() };
            let mut placed =
                self.put(router, "transit_router", Some(n), &env, self.transit_routers.len());
            let inner = self.inside(placed.at, &env);
            let router = &mut placed.dto;
            leaves!(self, &inner, router.attachment => "attachment" in attachments);
            for (n, table) in std::mem::take(&mut router.route_table).into_iter().enumerate() {
                let slot = self.transit_tables.len();
                let mut table = self.put(table, "route_table", Some(n), &inner, slot);
                let routes = self.inside(table.at, &inner);
                leaves!(self, &routes, table.dto.routes => "routes" in transit_routes);
                self.transit_tables.push(table);
            }
            self.transit_routers.push(placed);
        }
    }

    fn vpn_list(&mut self, list: Vec<VpnGateway>, env: &Env) {
        for (n, gateway) in list.into_iter().enumerate() {
            let mut placed =
                self.put(gateway, "vpn_gateway", Some(n), env, self.vpn_gateways.len());
            let inner = self.inside(placed.at, env);
            self.connection_list(std::mem::take(&mut placed.dto.connection), &inner);
            leaves!(self, &inner, placed.dto.routes => "routes" in vpn_routes);
            self.vpn_gateways.push(placed);
        }
    }

    fn connection_list(&mut self, list: Vec<VpnConnection>, env: &Env) {
        let key =
            if env.vpc.is_some() || env.parent.is_some() { "connection" } else { "vpn_connection" };
        for (n, connection) in list.into_iter().enumerate() {
            let mut placed = self.put(connection, key, Some(n), env, self.vpn_connections.len());
            let inner = self.inside(placed.at, env);
            leaves!(self, &inner, placed.dto.routes => "routes" in vpn_routes);
            self.vpn_connections.push(placed);
        }
    }

    /// Adds what every VPC has: a system route table, and the gateway of a central VPC.
    fn imply(&mut self, unknown: &BTreeSet<Unknown>) {
        for n in 0..self.vpcs.len() {
            let Some(vpc) = self.vpcs.get(n) else { continue };
            let (at, internet) = (vpc.at, vpc.dto.internet);
            let Some(node) = self.nodes.get(at) else { continue };
            let env = Env {
                pointer: node.pointer(),
                parent: Some(at),
                account: node.account.clone(),
                region: node.region.clone(),
                vpc: Some(at),
                vswitch: None,
            };
            let names = [node.common.id.clone(), node.common.name.clone()];
            let is_here = |nested: Option<usize>, text: &Option<String>| match text {
                Some(text) => names.iter().flatten().any(|name| name == text),
                None => nested == Some(at),
            };
            let has_table = self.route_tables.iter().any(|table| {
                is_here(table.vpc, &table.dto.vpc)
                    && table.dto.r#type.as_deref().is_none_or(|t| t.eq_ignore_ascii_case("system"))
                    && table.dto.scope.as_deref().is_none_or(|s| !s.eq_ignore_ascii_case("gateway"))
            });
            let has_gateway = self.ipv4_gateways.iter().any(|g| is_here(g.vpc, &g.dto.vpc));
            if !has_table && !unknown.contains(&Unknown::RouteTables) {
                let slot = self.route_tables.len();
                let table = self.put(RouteTable::default(), "system", None, &env, slot);
                self.at_parent(table.at, &env, "every VPC has a system route table");
                self.route_tables.push(table);
            }
            if internet == Some(Internet::Central) && !has_gateway {
                let slot = self.ipv4_gateways.len();
                let gateway = self.put(Ipv4Gateway::default(), "ipv4_gateway", None, &env, slot);
                self.at_parent(gateway.at, &env, "central Internet access needs an IPv4 gateway");
                self.ipv4_gateways.push(gateway);
            }
            if unknown.contains(&Unknown::Ipv4Gateways)
                && internet.is_none()
                && let Some(node) = self.nodes.get_mut(at)
            {
                // without the gateways nobody knows the mode
                node.common.unknown.push("internet".to_owned());
            }
        }
    }

    /// Places an implied object at the object that implies it.
    fn at_parent(&mut self, at: usize, env: &Env, why: &'static str) {
        if let Some(node) = self.nodes.get_mut(at) {
            node.base = Text::from(env.pointer.as_str());
            node.synthetic = Some(why);
        }
    }
}
