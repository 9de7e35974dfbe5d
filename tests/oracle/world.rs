//! Builds topologies for tests in a few lines. Every listing is complete unless a test says otherwise.
//!
//! The resources are public maps by id, so that a test can change any field of what it built.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vpclint::addr::Cidr;
use vpclint::topology::{
    Accept, AccessList, AddrValue, BandwidthPackage, Cen, CenRoute, CidrValue, DnatEntry, Draft,
    Eip, Endpoint, EndpointConnection, EndpointService, Eni, EniType, ForwardingRule, HaVip, Id,
    Instance, Ipv4Gateway, Ipv6Address, Ipv6EgressRule, Ipv6Gateway, Listener, Listing,
    ListingState, LoadBalancer, Meta, NatGateway, NatIp, NetworkAcl, NextHop, NextHopType,
    PortList, PrefixList, PrivateIp, RouteDestination, RouteEntry, RouteOrigin, RouteTable,
    RouteTableScope, RouteTableType, RouteTargetGroup, RouterInterface, Scope, SecurityGroup,
    SecurityGroupRule, ServerGroup, SnatEntry, Text, Topology, TransitAssociation,
    TransitAttachment, TransitRouteEntry, TransitRouteTable, TransitRouter, VSwitch, Vpc, VpcPeer,
    VpnGateway,
};

pub fn addr(text: &str) -> AddrValue {
    AddrValue::from_text(text)
}

pub fn block(text: &str) -> CidrValue {
    CidrValue::from_text(text)
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A topology under construction.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub vpcs: BTreeMap<String, Vpc>,
    pub vswitches: BTreeMap<String, VSwitch>,
    pub tables: BTreeMap<String, RouteTable>,
    pub routes: BTreeMap<String, RouteEntry>,
    pub ipv4_gateways: BTreeMap<String, Ipv4Gateway>,
    pub ipv6_gateways: BTreeMap<String, Ipv6Gateway>,
    pub ipv6_addresses: BTreeMap<String, Ipv6Address>,
    pub instances: BTreeMap<String, Instance>,
    pub enis: BTreeMap<String, Eni>,
    pub havips: BTreeMap<String, HaVip>,
    pub eips: BTreeMap<String, Eip>,
    pub nats: BTreeMap<String, NatGateway>,
    pub packages: BTreeMap<String, BandwidthPackage>,
    pub snat: BTreeMap<String, SnatEntry>,
    pub dnat: BTreeMap<String, DnatEntry>,
    pub prefix_lists: BTreeMap<String, PrefixList>,
    pub peers: BTreeMap<String, VpcPeer>,
    pub balancers: BTreeMap<String, LoadBalancer>,
    pub endpoints: BTreeMap<String, Endpoint>,
    pub target_groups: BTreeMap<String, RouteTargetGroup>,
    pub transit_routers: BTreeMap<String, TransitRouter>,
    pub transit_attachments: BTreeMap<String, TransitAttachment>,
    pub transit_tables: BTreeMap<String, TransitRouteTable>,
    pub transit_routes: BTreeMap<String, TransitRouteEntry>,
    pub associations: BTreeMap<String, TransitAssociation>,
    pub groups: BTreeMap<String, SecurityGroup>,
    pub rules: BTreeMap<String, SecurityGroupRule>,
    pub acls: BTreeMap<String, NetworkAcl>,
    pub port_lists: BTreeMap<String, PortList>,
    pub listeners: BTreeMap<String, Listener>,
    pub forwarding_rules: BTreeMap<String, ForwardingRule>,
    pub server_groups: BTreeMap<String, ServerGroup>,
    pub access_lists: BTreeMap<String, AccessList>,
    pub services: BTreeMap<String, EndpointService>,
    pub connections: BTreeMap<String, EndpointConnection>,
    pub nat_ips: BTreeMap<String, NatIp>,
    pub ipv6_egress_rules: BTreeMap<String, Ipv6EgressRule>,
    pub cens: BTreeMap<String, Cen>,
    pub cen_routes: BTreeMap<String, CenRoute>,
    pub router_interfaces: BTreeMap<String, RouterInterface>,
    pub vpn_gateways: BTreeMap<String, VpnGateway>,
    /// An ENI that states no security groups is one of which they are not known. Without this, it
    /// states that it has none, which stands for a world without filters.
    pub filters_modelled: bool,
    /// Listings that are not in the input: all of them, or those of one parent.
    pub missing: BTreeSet<(Listing, Option<String>)>,
    /// Leave the entries out that the cloud makes itself, as a plan does.
    pub unstated_system_routes: bool,
}

/// Sets a status word.
pub fn working(meta: &mut Meta, status: &str) {
    meta.status = Some(Text::from(status));
}

impl World {
    pub fn new() -> Self {
        Self::default()
    }

    // ---- VPC, vSwitches, routes --------------------------------------------------------------

    /// A VPC in DIRECT mode with its system table `vtb-<id>`.
    #[must_use]
    pub fn vpc(mut self, id: &str, cidr: &str) -> Self {
        let mut vpc = Vpc::new(id);
        vpc.cidr = Some(block(cidr));
        vpc.secondary_cidrs = Some(vec![]);
        vpc.user_cidrs = Some(vec![]);
        vpc.support_ipv4_gateway = Some(false);
        vpc.ipv4_gateway = Some(None);
        working(&mut vpc.meta, "Available");
        self.vpcs.insert(id.to_owned(), vpc);
        self.any_table(&format!("vtb-{id}"), id, RouteTableType::System)
    }

    #[must_use]
    pub fn secondary_cidr(mut self, vpc: &str, cidr: &str) -> Self {
        let vpc = self.vpcs.get_mut(vpc).unwrap();
        vpc.secondary_cidrs.get_or_insert_default().push(block(cidr));
        self
    }

    #[must_use]
    pub fn user_cidr(mut self, vpc: &str, cidr: &str) -> Self {
        self.vpcs.get_mut(vpc).unwrap().user_cidrs.get_or_insert_default().push(block(cidr));
        self
    }

    /// A vSwitch on the system table.
    #[must_use]
    pub fn vswitch(mut self, id: &str, vpc: &str, cidr: &str) -> Self {
        let mut vswitch = VSwitch::new(id);
        vswitch.vpc = Some(Id::from(vpc));
        vswitch.cidr = Some(block(cidr));
        vswitch.zone = Some(Text::from("cn-hangzhou-h"));
        vswitch.route_table = Some(Id::from(&format!("vtb-{vpc}")));
        working(&mut vswitch.meta, "Available");
        self.vswitches.insert(id.to_owned(), vswitch);
        self
    }

    /// A custom table.
    #[must_use]
    pub fn table(self, id: &str, vpc: &str) -> Self {
        self.any_table(id, vpc, RouteTableType::Custom)
    }

    fn any_table(mut self, id: &str, vpc: &str, kind: RouteTableType) -> Self {
        let mut table = RouteTable::new(id);
        table.vpc = Some(Id::from(vpc));
        table.table_type = Some(kind);
        table.scope = Some(RouteTableScope::VSwitch);
        table.propagation = Some(true);
        working(&mut table.meta, "Available");
        self.tables.insert(id.to_owned(), table);
        self
    }

    /// Puts a vSwitch on a table.
    #[must_use]
    pub fn on_table(mut self, vswitch: &str, table: &str) -> Self {
        self.vswitches.get_mut(vswitch).unwrap().route_table = Some(Id::from(table));
        self
    }

    /// A custom route.
    #[must_use]
    pub fn route(self, table: &str, cidr: &str, hop: &str, id: &str) -> Self {
        self.route_as(table, cidr, RouteOrigin::Custom, vec![Self::hop(hop, id)])
    }

    /// A learnt route.
    #[must_use]
    pub fn dynamic(self, table: &str, cidr: &str, hop: &str, id: &str) -> Self {
        self.route_as(table, cidr, RouteOrigin::Dynamic, vec![Self::hop(hop, id)])
    }

    pub fn hop(hop: &str, id: &str) -> NextHop {
        NextHop {
            hop_type: NextHopType::from_text(hop),
            id: (!id.is_empty()).then(|| Id::from(id)),
            weight: None,
            enabled: None,
        }
    }

    /// A route of any origin with any next hops. Ids are made of table, block and origin, so a
    /// second route of the same three replaces the first.
    #[must_use]
    pub fn route_as(
        mut self,
        table: &str,
        cidr: &str,
        origin: RouteOrigin,
        next_hops: Vec<NextHop>,
    ) -> Self {
        let id = format!("rte-{table}-{cidr}-{origin}");
        let mut entry = RouteEntry::new(&id);
        entry.table = Some(Id::from(table));
        entry.destination = Some(RouteDestination::Cidr(block(cidr)));
        entry.origin = Some(origin);
        entry.next_hops = Some(next_hops);
        working(&mut entry.meta, "Available");
        self.routes.insert(id, entry);
        self
    }

    /// A route to a prefix list.
    #[must_use]
    pub fn prefix_route(mut self, table: &str, list: &str, cidrs: &[&str], hop: NextHop) -> Self {
        let mut prefixes = PrefixList::new(list);
        prefixes.entries = Some(cidrs.iter().map(|c| block(c)).collect());
        self.prefix_lists.insert(list.to_owned(), prefixes);
        let id = format!("rte-{table}-{list}");
        let mut entry = RouteEntry::new(&id);
        entry.table = Some(Id::from(table));
        entry.destination = Some(RouteDestination::PrefixList(Id::from(list)));
        entry.origin = Some(RouteOrigin::Custom);
        entry.next_hops = Some(vec![hop]);
        working(&mut entry.meta, "Available");
        self.routes.insert(id, entry);
        self
    }

    /// An IPv4 gateway. Enabled, it puts its VPC into CENTRAL mode.
    #[must_use]
    pub fn ipv4_gateway(mut self, id: &str, vpc: &str, enabled: bool) -> Self {
        let mut gateway = Ipv4Gateway::new(id);
        gateway.vpc = Some(Id::from(vpc));
        gateway.enabled = Some(enabled);
        working(&mut gateway.meta, "Created");
        self.ipv4_gateways.insert(id.to_owned(), gateway);
        let vpc = self.vpcs.get_mut(vpc).unwrap();
        vpc.support_ipv4_gateway = Some(true);
        vpc.ipv4_gateway = Some(Some(Id::from(id)));
        self
    }

    /// PRIVATE mode: the IPv4 gateway was deleted and the VPC stayed closed.
    #[must_use]
    pub fn private_mode(mut self, vpc: &str) -> Self {
        let vpc = self.vpcs.get_mut(vpc).unwrap();
        vpc.support_ipv4_gateway = Some(true);
        vpc.ipv4_gateway = Some(None);
        self
    }

    // ---- instances and ENIs ------------------------------------------------------------------

    /// A running instance and its primary ENI.
    #[must_use]
    pub fn instance(mut self, id: &str, eni: &str, vswitch: &str, address: &str) -> Self {
        let vpc = self.vswitches.get(vswitch).unwrap().vpc.clone();
        let mut instance = Instance::new(id);
        instance.vpc.clone_from(&vpc);
        instance.vswitch = Some(Id::from(vswitch));
        instance.private_ips = Some(vec![addr(address)]);
        instance.public_ips = Some(vec![]);
        instance.enis = Some(vec![Id::from(eni)]);
        working(&mut instance.meta, "Running");
        self.instances.insert(id.to_owned(), instance);
        self.eni(eni, EniType::Primary, Some(id), vswitch, address)
    }

    /// An attached secondary ENI.
    #[must_use]
    pub fn secondary_eni(mut self, id: &str, instance: &str, vswitch: &str, address: &str) -> Self {
        self.instances.get_mut(instance).unwrap().enis.get_or_insert_default().push(Id::from(id));
        self.eni(id, EniType::Secondary, Some(instance), vswitch, address)
    }

    /// A secondary ENI that is attached to nothing.
    #[must_use]
    pub fn loose_eni(self, id: &str, vswitch: &str, address: &str) -> Self {
        self.eni(id, EniType::Secondary, None, vswitch, address)
    }

    fn eni(
        mut self,
        id: &str,
        kind: EniType,
        instance: Option<&str>,
        vswitch: &str,
        address: &str,
    ) -> Self {
        let mut eni = Eni::new(id);
        eni.eni_type = Some(kind);
        eni.instance = Some(instance.map(Id::from));
        eni.vpc.clone_from(&self.vswitches.get(vswitch).unwrap().vpc);
        eni.vswitch = Some(Id::from(vswitch));
        eni.zone = Some(Text::from("cn-hangzhou-h"));
        eni.private_ips =
            Some(vec![PrivateIp { address: addr(address), primary: Some(true), public_ip: None }]);
        eni.service_managed = Some(false);
        working(&mut eni.meta, if instance.is_some() { "InUse" } else { "Available" });
        self.enis.insert(id.to_owned(), eni);
        self
    }

    /// A secondary private address.
    #[must_use]
    pub fn extra_ip(mut self, eni: &str, address: &str) -> Self {
        self.enis.get_mut(eni).unwrap().private_ips.get_or_insert_default().push(PrivateIp {
            address: addr(address),
            primary: Some(false),
            public_ip: None,
        });
        self
    }

    /// A static public address.
    #[must_use]
    pub fn static_ip(mut self, instance: &str, address: &str) -> Self {
        self.instances.get_mut(instance).unwrap().public_ips = Some(vec![addr(address)]);
        self
    }

    /// A HaVip held by an instance or ENI.
    #[must_use]
    pub fn havip(mut self, id: &str, vswitch: &str, address: &str, master: Option<&str>) -> Self {
        let mut havip = HaVip::new(id);
        havip.vpc.clone_from(&self.vswitches.get(vswitch).unwrap().vpc);
        havip.vswitch = Some(Id::from(vswitch));
        havip.address = Some(addr(address));
        havip.members = Some(master.into_iter().map(Id::from).collect());
        havip.master = Some(master.map(Id::from));
        havip.eips = Some(vec![]);
        working(&mut havip.meta, "InUse");
        self.havips.insert(id.to_owned(), havip);
        self
    }

    // ---- the result --------------------------------------------------------------------------

    /// The listing (of one parent) is not in the input.
    #[must_use]
    pub fn without(mut self, listing: Listing, parent: Option<&str>) -> Self {
        self.missing.insert((listing, parent.map(str::to_owned)));
        self
    }

    /// Takes the rows out of the listings that are missing, as an export without them would.
    /// Without this, the rows stay and only nothing says that they are all.
    #[must_use]
    pub fn without_rows(mut self) -> Self {
        let missing = self.missing.clone();
        let gone = |listing: Listing, parent: &Option<Id>| {
            let parent = parent.as_ref().map(|id| id.as_str().to_owned());
            missing.contains(&(listing, None)) || missing.contains(&(listing, parent))
        };
        // what the cloud adds to a table is in the listing too
        if !self.unstated_system_routes {
            self = self.add_system_routes();
            self.unstated_system_routes = true;
        }
        self.routes.retain(|_, e| !gone(Listing::RouteEntries, &e.table));
        self.snat.retain(|_, e| !gone(Listing::SnatEntries, &e.nat_gateway));
        self.dnat.retain(|_, e| !gone(Listing::DnatEntries, &e.nat_gateway));
        self.transit_routes.retain(|_, e| !gone(Listing::TransitRouteEntries, &e.table));
        if gone(Listing::NatGateways, &None) {
            self.nats.clear();
        }
        if gone(Listing::HaVips, &None) {
            self.havips.clear();
        }
        if gone(Listing::VpcPeers, &None) {
            self.peers.clear();
        }
        if gone(Listing::TransitAssociations, &None) {
            self.associations.clear();
        }
        if gone(Listing::Eips, &None) {
            self.eips.clear();
            // that a HaVip names an EIP does not tell whether the EIP is locked
            self.havips.values_mut().for_each(|havip| havip.eips = None);
        }
        self.rules.retain(|_, r| !gone(Listing::SecurityGroupRules, &r.group));
        for (id, acl) in &mut self.acls {
            if gone(Listing::NetworkAclAttributes, &Some(Id::from(id))) {
                acl.ingress = None;
                acl.egress = None;
            }
        }
        if gone(Listing::ClbListeners, &None) {
            self.listeners.clear();
        }
        if gone(Listing::EndpointServices, &None) {
            self.services.clear();
        }
        self
    }

    /// The route entries that the cloud makes itself in every table: the vSwitches of the VPC and
    /// 100.64.0.0/10, except where a custom entry took their place.
    fn add_system_routes(mut self) -> Self {
        for (id, table) in self.tables.clone() {
            let mut own = vec![(String::from("100.64.0.0/10"), "service")];
            for vswitch in self.vswitches.values().filter(|v| v.vpc == table.vpc) {
                for cidr in vswitch.cidr.iter().chain(&vswitch.ipv6_cidr) {
                    own.push((cidr.cidr().unwrap().to_string(), "local"));
                }
            }
            for (cidr, hop) in own {
                let wanted: Cidr = cidr.parse().unwrap();
                let replaced = self.routes.values().any(|e| {
                    e.table.as_deref() == Some(id.as_str())
                        && e.origin == Some(RouteOrigin::Custom)
                        && e.cidr() == Some(wanted)
                });
                if !replaced {
                    self = self.route_as(&id, &cidr, RouteOrigin::System, vec![Self::hop(hop, "")]);
                }
            }
        }
        self
    }

    fn coverage(&self, draft: &mut Draft) {
        let parents: BTreeMap<Listing, Vec<String>> = BTreeMap::from([
            (Listing::RouteEntries, self.tables.keys().cloned().collect()),
            (Listing::SnatEntries, self.nats.keys().cloned().collect()),
            (Listing::DnatEntries, self.nats.keys().cloned().collect()),
            (Listing::TransitRouteEntries, self.transit_tables.keys().cloned().collect()),
            (Listing::SecurityGroupRules, self.groups.keys().cloned().collect()),
            (Listing::NetworkAclAttributes, self.acls.keys().cloned().collect()),
            (Listing::EndpointZones, self.endpoints.keys().cloned().collect()),
            (Listing::EndpointSecurityGroups, self.endpoints.keys().cloned().collect()),
            (Listing::EndpointServiceResources, self.services.keys().cloned().collect()),
        ]);
        for listing in Listing::ALL {
            let missing: Vec<&Option<String>> =
                self.missing.iter().filter(|(l, _)| l == listing).map(|(_, p)| p).collect();
            if missing.is_empty() {
                draft.coverage.record(*listing, Scope::anywhere(), ListingState::Complete);
                continue;
            }
            if missing.contains(&&None) {
                continue;
            }
            for parent in parents.get(listing).into_iter().flatten() {
                if !missing.contains(&&Some(parent.clone())) {
                    let scope = Scope::of_parent(&Id::from(parent));
                    draft.coverage.record(*listing, scope, ListingState::Complete);
                }
            }
        }
    }

    pub fn build(&self) -> Topology {
        self.build_in_order(false)
    }

    /// The same topology, read in the opposite order when `reversed`.
    pub fn build_in_order(&self, reversed: bool) -> Topology {
        self.draft(reversed).build()
    }

    /// The draft of it, for tests that add what no method here makes.
    pub fn draft(&self, reversed: bool) -> Draft {
        let mut world = self.clone();
        if !world.unstated_system_routes {
            world = world.add_system_routes();
        }
        if !world.filters_modelled {
            world.enis.values_mut().for_each(|eni| {
                eni.security_groups.get_or_insert_default();
            });
        }
        let mut draft = Draft::default();
        world.coverage(&mut draft);
        let d = &mut draft;
        add_all(d, &world.vpcs, reversed);
        add_all(d, &world.vswitches, reversed);
        add_all(d, &world.tables, reversed);
        add_all(d, &world.routes, reversed);
        add_all(d, &world.ipv4_gateways, reversed);
        add_all(d, &world.ipv6_gateways, reversed);
        add_all(d, &world.ipv6_addresses, reversed);
        add_all(d, &world.instances, reversed);
        add_all(d, &world.enis, reversed);
        add_all(d, &world.havips, reversed);
        add_all(d, &world.eips, reversed);
        add_all(d, &world.nats, reversed);
        add_all(d, &world.packages, reversed);
        add_all(d, &world.snat, reversed);
        add_all(d, &world.dnat, reversed);
        add_all(d, &world.prefix_lists, reversed);
        add_all(d, &world.peers, reversed);
        add_all(d, &world.balancers, reversed);
        add_all(d, &world.endpoints, reversed);
        add_all(d, &world.target_groups, reversed);
        add_all(d, &world.transit_routers, reversed);
        add_all(d, &world.transit_attachments, reversed);
        add_all(d, &world.transit_tables, reversed);
        add_all(d, &world.transit_routes, reversed);
        add_all(d, &world.associations, reversed);
        add_all(d, &world.groups, reversed);
        add_all(d, &world.rules, reversed);
        add_all(d, &world.acls, reversed);
        add_all(d, &world.port_lists, reversed);
        add_all(d, &world.listeners, reversed);
        add_all(d, &world.forwarding_rules, reversed);
        add_all(d, &world.server_groups, reversed);
        add_all(d, &world.access_lists, reversed);
        add_all(d, &world.services, reversed);
        add_all(d, &world.connections, reversed);
        add_all(d, &world.nat_ips, reversed);
        add_all(d, &world.ipv6_egress_rules, reversed);
        add_all(d, &world.cens, reversed);
        add_all(d, &world.cen_routes, reversed);
        add_all(d, &world.router_interfaces, reversed);
        add_all(d, &world.vpn_gateways, reversed);
        draft
    }
}

fn add_all<T: Clone>(draft: &mut Draft, resources: &BTreeMap<String, T>, reversed: bool)
where
    Draft: Accept<T>,
{
    let mut all: Vec<T> = resources.values().cloned().collect();
    if reversed {
        all.reverse();
    }
    for resource in all {
        draft.accept(resource);
    }
}
