//! The references that REF001 follows: those that no specialised rule covers (decisions.md 1).
//!
//! Not here: next hops (RT001), addresses of SNAT and DNAT entries (REF006, REF007), backends
//! (REF009), service resources and services of endpoints (REF010, REF011), peers of security group
//! rules (REF013), and lists that only repeat the other side's reference (REF005).

use crate::topology::{
    AttachmentType, EipTarget, Eni, Id, Kind, Listing, LoadBalancer, LoadBalancerType, PeerSide,
    Resource, Scope, Topology,
};

/// A reference from one resource to another.
pub(super) struct Link<'a> {
    pub(super) from: &'a dyn Resource,
    /// Model field that holds it.
    pub(super) field: &'static str,
    pub(super) kind: Kind,
    pub(super) id: &'a Id,
    /// The listing that has all resources of that kind.
    pub(super) listing: Listing,
    /// Where that listing must be complete to say that the target does not exist.
    pub(super) scope: Scope,
}

/// Every reference, in the order of the model.
pub(super) fn all(topology: &Topology) -> Vec<Link<'_>> {
    let mut links = Links { topology, out: Vec::new() };
    links.networks();
    links.hosts();
    links.gateways();
    links.balancers();
    links.interconnects();
    links.out
}

struct Links<'a> {
    topology: &'a Topology,
    out: Vec<Link<'a>>,
}

impl<'a> Links<'a> {
    fn add(
        &mut self,
        from: &'a dyn Resource,
        field: &'static str,
        kind: Kind,
        listing: Listing,
        ids: impl IntoIterator<Item = &'a Id>,
    ) {
        let scope = Scope::around(from.meta());
        self.out.extend(ids.into_iter().map(|id| Link {
            from,
            field,
            kind,
            id,
            listing,
            scope: scope.clone(),
        }));
    }

    fn vpc(&mut self, from: &'a dyn Resource, id: &'a Option<Id>) {
        self.add(from, "vpc", Kind::Vpc, Listing::Vpcs, id);
    }

    fn vswitches(
        &mut self,
        from: &'a dyn Resource,
        field: &'static str,
        ids: impl IntoIterator<Item = &'a Id>,
    ) {
        self.add(from, field, Kind::VSwitch, Listing::VSwitches, ids);
    }

    fn groups(&mut self, from: &'a dyn Resource, ids: &'a Option<Vec<Id>>) {
        let (kind, listing) = (Kind::SecurityGroup, Listing::SecurityGroups);
        self.add(from, "security_groups", kind, listing, ids.iter().flatten());
    }

    /// True when a vSwitch is shared by another account: its VPC, and that of everything in it, is
    /// not in the own account's listings.
    fn is_shared(&self, vswitch: &Option<Id>) -> bool {
        let vswitch = vswitch.as_ref().and_then(|id| self.topology.vswitches.get(id));
        vswitch.is_some_and(|v| v.share_type.is_some())
    }

    fn networks(&mut self) {
        let t = self.topology;
        for vswitch in &t.vswitches {
            if vswitch.share_type.is_some() {
                continue; // its VPC, table and ACL belong to the owner
            }
            self.vpc(vswitch, &vswitch.vpc);
            let (table, listing) = (&vswitch.route_table, Listing::RouteTables);
            self.add(vswitch, "route_table", Kind::RouteTable, listing, table);
            let acl = vswitch.network_acl.iter().flatten();
            self.add(vswitch, "network_acl", Kind::NetworkAcl, Listing::NetworkAcls, acl);
        }
        for table in &t.route_tables {
            self.vpc(table, &table.vpc);
        }
        for entry in &t.route_entries {
            self.add(entry, "table", Kind::RouteTable, Listing::RouteTables, &entry.table);
        }
        for group in &t.security_groups {
            self.add(group, "vpc", Kind::Vpc, Listing::Vpcs, group.vpc.iter().flatten());
        }
        for rule in &t.security_group_rules {
            let (kind, listing) = (Kind::SecurityGroup, Listing::SecurityGroups);
            self.add(rule, "group", kind, listing, &rule.group);
        }
        for acl in &t.network_acls {
            self.vpc(acl, &acl.vpc);
            self.vswitches(acl, "vswitches", acl.vswitches.iter().flatten());
        }
    }

    fn hosts(&mut self) {
        let t = self.topology;
        for instance in &t.instances {
            if !self.is_shared(&instance.vswitch) {
                self.vpc(instance, &instance.vpc);
            }
            self.vswitches(instance, "vswitch", &instance.vswitch);
            self.groups(instance, &instance.security_groups);
        }
        for eni in &t.enis {
            self.eni(eni);
        }
        for havip in &t.havips {
            if !self.is_shared(&havip.vswitch) {
                self.vpc(havip, &havip.vpc);
            }
            self.vswitches(havip, "vswitch", &havip.vswitch);
        }
    }

    fn eni(&mut self, eni: &'a Eni) {
        if !self.is_shared(&eni.vswitch) {
            self.vpc(eni, &eni.vpc);
        }
        self.vswitches(eni, "vswitch", &eni.vswitch);
        // an ENI of a cloud service hangs on a service, and has the service's groups
        if eni.service_managed == Some(false) {
            let instance = eni.instance.iter().flatten();
            self.add(eni, "instance", Kind::Instance, Listing::Instances, instance);
            self.groups(eni, &eni.security_groups);
        }
    }

    fn gateways(&mut self) {
        let t = self.topology;
        for gateway in &t.ipv4_gateways {
            self.vpc(gateway, &gateway.vpc);
        }
        for gateway in &t.ipv6_gateways {
            self.vpc(gateway, &gateway.vpc);
        }
        let (nat, nats) = (Kind::NatGateway, Listing::NatGateways);
        for gateway in &t.nat_gateways {
            self.vpc(gateway, &gateway.vpc);
            self.vswitches(gateway, "vswitch", &gateway.vswitch);
        }
        for entry in &t.snat_entries {
            self.add(entry, "nat_gateway", nat, nats, &entry.nat_gateway);
            self.vswitches(entry, "source_vswitch", &entry.source_vswitch);
        }
        for entry in &t.dnat_entries {
            self.add(entry, "nat_gateway", nat, nats, &entry.nat_gateway);
        }
        for entry in &t.full_nat_entries {
            self.add(entry, "nat_gateway", nat, nats, &entry.nat_gateway);
        }
        for nat_ip in &t.nat_ips {
            self.add(nat_ip, "nat_gateway", nat, nats, &nat_ip.nat_gateway);
        }
        for eip in &t.eips {
            let target = match &eip.target {
                Some(Some(EipTarget::Instance)) => Some((Kind::Instance, Listing::Instances)),
                Some(Some(EipTarget::NatGateway)) => Some((nat, nats)),
                Some(Some(EipTarget::HaVip)) => Some((Kind::HaVip, Listing::HaVips)),
                Some(Some(EipTarget::Eni)) => Some((Kind::Eni, Listing::Enis)),
                Some(Some(EipTarget::LoadBalancer)) => {
                    Some((Kind::LoadBalancer, Listing::ClbInstances))
                }
                _ => None,
            };
            if let Some((kind, listing)) = target {
                self.add(eip, "target_id", kind, listing, eip.target_id.iter().flatten());
            }
            let (kind, listing) = (Kind::BandwidthPackage, Listing::BandwidthPackages);
            let package = eip.bandwidth_package.iter().flatten();
            self.add(eip, "bandwidth_package", kind, listing, package);
        }
    }

    fn balancers(&mut self) {
        let t = self.topology;
        for lb in &t.load_balancers {
            self.add(lb, "vpc", Kind::Vpc, Listing::Vpcs, lb.vpc.iter().flatten());
            self.vswitches(lb, "vswitch", lb.vswitch.iter().flatten());
            let zones = lb.zones.iter().flatten().filter_map(|z| z.vswitch.as_ref());
            self.vswitches(lb, "zones", zones);
        }
        for listener in &t.listeners {
            let lb = listener.load_balancer.as_ref().and_then(|id| t.load_balancers.get(id));
            let Some((lb, (groups, lists))) = lb.and_then(|lb| Some((lb, parts_of(lb)?))) else {
                continue;
            };
            let before = self.out.len();
            let ids = listener.server_groups.iter().flatten();
            self.add(listener, "server_groups", Kind::ServerGroup, groups, ids);
            if groups.parent() == Some(Kind::LoadBalancer) {
                let links = self.out.iter_mut().skip(before);
                links.for_each(|link| link.scope.parent = Some(lb.id().clone()));
            }
            let ids = listener.access_lists.iter().flatten();
            self.add(listener, "access_lists", Kind::AccessList, lists, ids);
        }
        for endpoint in &t.endpoints {
            self.vpc(endpoint, &endpoint.vpc);
            let zones = endpoint.zones.iter().flatten().filter_map(|z| z.vswitch.as_ref());
            self.vswitches(endpoint, "zones", zones);
            self.groups(endpoint, &endpoint.security_groups);
        }
    }

    fn interconnects(&mut self) {
        let t = self.topology;
        for peer in &t.vpc_peers {
            self.peer_side(peer, "requester", peer.requester.as_ref());
            self.peer_side(peer, "accepter", peer.accepter.as_ref());
        }
        for gateway in &t.vpn_gateways {
            self.vpc(gateway, &gateway.vpc);
            self.vswitches(gateway, "vswitches", gateway.vswitches.iter().flatten());
        }
        for connection in &t.vpn_connections {
            let gateway = connection.vpn_gateway.iter().flatten();
            self.add(connection, "vpn_gateway", Kind::VpnGateway, Listing::VpnGateways, gateway);
            let (kind, listing) = (Kind::CustomerGateway, Listing::CustomerGateways);
            self.add(connection, "customer_gateway", kind, listing, &connection.customer_gateway);
        }
        for attachment in &t.transit_attachments {
            let zones = attachment.zones.iter().flatten().filter_map(|z| z.vswitch.as_ref());
            // the VPC may be another account's: then the own listings do not have its vSwitches
            let own = attachment.target.as_ref().is_some_and(|id| t.vpcs.get(id).is_some());
            if attachment.attachment_type == Some(AttachmentType::Vpc) && own {
                self.vswitches(attachment, "zones", zones);
            }
        }
    }

    /// The far side of a peering is looked for in its own account and region.
    fn peer_side(
        &mut self,
        from: &'a dyn Resource,
        field: &'static str,
        side: Option<&'a PeerSide>,
    ) {
        let Some(side) = side else { return };
        let Some(id) = &side.vpc else { return };
        // without its account and region, any export would do and none could tell
        let (Some(account), Some(region)) = (&side.account, &side.region) else { return };
        let scope = Scope {
            account: Some(account.clone()),
            region: Some(Id::from(&**region)),
            parent: None,
        };
        let (kind, listing) = (Kind::Vpc, Listing::Vpcs);
        self.out.push(Link { from, field, kind, id, listing, scope });
    }
}

/// Listings of the server groups and access lists of a load balancer's product, where one listing
/// has them all.
fn parts_of(lb: &LoadBalancer) -> Option<(Listing, Listing)> {
    match lb.lb_type.as_ref()? {
        LoadBalancerType::Alb => Some((Listing::AlbServerGroups, Listing::AlbAccessLists)),
        LoadBalancerType::Nlb => Some((Listing::NlbServerGroups, Listing::AlbAccessLists)),
        LoadBalancerType::Clb => Some((Listing::ClbServerGroups, Listing::ClbAccessLists)),
        LoadBalancerType::Gwlb | LoadBalancerType::Other(_) => None,
    }
}
