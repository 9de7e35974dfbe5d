//! The part of [`World`] about load balancers.

use vpclint::topology::{
    AccessList, AclType, AddressType, Backend, BackendHealth, BackendType, BalancerZone,
    ForwardingRule, Id, Listener, ListenerProtocol, LoadBalancer, LoadBalancerType, NetworkType,
    ServerGroup, Text,
};

use super::world::{World, addr, block, working};

/// The id of a listener, as the model makes it.
pub fn listener_id(lb: &str, port: u16, protocol: &str) -> String {
    format!("{lb}:{port}/{protocol}")
}

impl World {
    /// A private CLB in a vSwitch.
    #[must_use]
    pub fn clb(mut self, id: &str, vswitch: &str, address: &str) -> Self {
        let home = self.vswitches.get(vswitch).unwrap();
        let mut lb = LoadBalancer::new(id);
        lb.lb_type = Some(LoadBalancerType::Clb);
        lb.address_type = Some(AddressType::Intranet);
        lb.network = Some(NetworkType::Vpc);
        lb.address = Some(addr(address));
        lb.vpc = Some(home.vpc.clone());
        lb.vswitch = Some(Some(Id::from(vswitch)));
        lb.master_zone.clone_from(&home.zone);
        lb.pay_type = Some(Text::from("PayOnDemand"));
        lb.default_backends = Some(vec![]);
        working(&mut lb.meta, "active");
        self.balancers.insert(id.to_owned(), lb);
        self
    }

    /// A public CLB; its backends are in any VPC.
    #[must_use]
    pub fn public_clb(mut self, id: &str, address: &str) -> Self {
        let mut lb = LoadBalancer::new(id);
        lb.lb_type = Some(LoadBalancerType::Clb);
        lb.address_type = Some(AddressType::Internet);
        lb.network = Some(NetworkType::Classic);
        lb.address = Some(addr(address));
        lb.vpc = Some(None);
        lb.vswitch = Some(None);
        lb.default_backends = Some(vec![]);
        working(&mut lb.meta, "active");
        self.balancers.insert(id.to_owned(), lb);
        self
    }

    /// An ALB or NLB: per zone a vSwitch, its address and the address that backends see.
    #[must_use]
    pub fn zoned_balancer(
        mut self,
        id: &str,
        lb_type: LoadBalancerType,
        vpc: &str,
        zones: &[(&str, &str, &str)],
    ) -> Self {
        let mut lb = LoadBalancer::new(id);
        lb.lb_type = Some(lb_type);
        lb.address_type = Some(AddressType::Intranet);
        lb.vpc = Some(Some(Id::from(vpc)));
        lb.security_groups = Some(vec![]);
        let zones = zones.iter().map(|(vswitch, address, local)| BalancerZone {
            zone: self.vswitches.get(*vswitch).unwrap().zone.clone().unwrap(),
            vswitch: Some(Id::from(*vswitch)),
            status: Some(Text::from("Active")),
            private_ips: vec![addr(address)],
            public_ips: vec![],
            eips: vec![],
            enis: vec![],
            local_ips: vec![addr(local)],
        });
        lb.zones = Some(zones.collect());
        working(&mut lb.meta, "Active");
        self.balancers.insert(id.to_owned(), lb);
        self
    }

    #[must_use]
    pub fn alb(self, id: &str, vpc: &str, zones: &[(&str, &str, &str)]) -> Self {
        self.zoned_balancer(id, LoadBalancerType::Alb, vpc, zones)
    }

    #[must_use]
    pub fn nlb(self, id: &str, vpc: &str, zones: &[(&str, &str, &str)]) -> Self {
        self.zoned_balancer(id, LoadBalancerType::Nlb, vpc, zones)
    }

    /// A running listener without access list; a CLB's default group answers on `backend_port`.
    #[must_use]
    pub fn listener(mut self, lb: &str, port: u16, protocol: &str, backend_port: u16) -> Self {
        let id = listener_id(lb, port, protocol);
        let mut listener = Listener::new(&id);
        listener.load_balancer = Some(Id::from(lb));
        listener.port = Some(port);
        listener.protocol = Some(ListenerProtocol::from_text(protocol));
        listener.backend_port = Some(backend_port);
        listener.server_groups = Some(vec![]);
        listener.acl_enabled = Some(false);
        listener.access_lists = Some(vec![]);
        working(&mut listener.meta, "running");
        self.listeners.insert(id, listener);
        self
    }

    /// A running listener that sends to a server group.
    #[must_use]
    pub fn listener_to(self, lb: &str, port: u16, protocol: &str, group: &str) -> Self {
        let mut world = self.listener(lb, port, protocol, port);
        let listener = world.listeners.get_mut(&listener_id(lb, port, protocol)).unwrap();
        listener.server_groups = Some(vec![Id::from(group)]);
        listener.backend_port = None;
        world
    }

    pub fn any_backend(server: &str, port: Option<u16>, weight: u32) -> Backend {
        let kind = if server.starts_with("eni-") {
            BackendType::Eni
        } else if server.starts_with("i-") {
            BackendType::Instance
        } else {
            BackendType::Ip
        };
        let by_address = kind == BackendType::Ip;
        Backend {
            server: (!by_address).then(|| Id::from(server)),
            backend_type: Some(kind),
            address: by_address.then(|| addr(server)),
            port,
            weight: Some(weight),
            role: None,
            zone: None,
            status: None,
        }
    }

    /// A server of a CLB's default group.
    #[must_use]
    pub fn backend(mut self, lb: &str, server: &str, weight: u32) -> Self {
        let lb = self.balancers.get_mut(lb).unwrap();
        lb.default_backends.get_or_insert_default().push(Self::any_backend(server, None, weight));
        self
    }

    /// An empty server group of a load balancer; NLB groups show the client's address.
    #[must_use]
    pub fn server_group(mut self, id: &str, lb: &str) -> Self {
        let owner = self.balancers.get(lb).unwrap();
        let mut group = ServerGroup::new(id);
        group.lb_type.clone_from(&owner.lb_type);
        group.load_balancer = Some(Id::from(lb));
        group.vpc = owner.vpc.clone().flatten();
        group.backends = Some(vec![]);
        group.any_port = Some(false);
        self.server_groups.insert(id.to_owned(), group);
        self
    }

    #[must_use]
    pub fn group_backend(mut self, group: &str, server: &str, port: u16, weight: u32) -> Self {
        let group = self.server_groups.get_mut(group).unwrap();
        group.backends.get_or_insert_default().push(Self::any_backend(server, Some(port), weight));
        self
    }

    /// A master/slave group.
    #[must_use]
    pub fn master_slave(self, id: &str, lb: &str, master: &str, slave: &str, port: u16) -> Self {
        let mut world = self.server_group(id, lb);
        let group = world.server_groups.get_mut(id).unwrap();
        group.group_type = Some(Text::from("MasterSlave"));
        let mut member = |server: &str, role: &str| {
            let mut backend = Self::any_backend(server, Some(port), 100);
            backend.role = Some(Text::from(role));
            group.backends.get_or_insert_default().push(backend);
        };
        member(master, "Master");
        member(slave, "Slave");
        world
    }

    /// What the health check of a listener says about a server.
    #[must_use]
    pub fn health(mut self, listener: &str, server: &str, status: &str) -> Self {
        let listener = self.listeners.get_mut(listener).unwrap();
        listener.health.get_or_insert_default().push(BackendHealth {
            server: Id::from(server),
            listener_port: listener.port,
            port: None,
            status: Some(Text::from(status)),
        });
        self
    }

    /// A list of blocks and its use by a listener.
    #[must_use]
    pub fn listener_acl(
        mut self,
        listener: &str,
        kind: AclType,
        list: &str,
        cidrs: &[&str],
    ) -> Self {
        let mut access = AccessList::new(list);
        access.entries = Some(cidrs.iter().map(|c| block(c)).collect());
        self.access_lists.insert(list.to_owned(), access);
        let listener = self.listeners.get_mut(listener).unwrap();
        listener.acl_enabled = Some(true);
        listener.acl_type = Some(kind);
        listener.access_lists = Some(vec![Id::from(list)]);
        self
    }

    /// A forwarding rule of a listener.
    #[must_use]
    pub fn forwarding(mut self, id: &str, listener: &str, domain: &str, group: &str) -> Self {
        let owner = self.listeners.get(listener).unwrap();
        let mut rule = ForwardingRule::new(id);
        rule.listener = Some(Id::from(listener));
        rule.load_balancer.clone_from(&owner.load_balancer);
        rule.listener_port = owner.port;
        rule.server_groups = Some(vec![Id::from(group)]);
        rule.domain = Some(Text::from(domain));
        self.forwarding_rules.insert(id.to_owned(), rule);
        self
    }
}
