//! The part of [`World`] about public addresses: EIPs, NAT gateways, IPv6.

use vpclint::topology::{
    AssociatedPublicIp, DnatEntry, Eip, EipMode, EipTarget, EniType, Id, InstanceEip, Ipv6Address,
    Ipv6Gateway, NatEip, NatGateway, NatNetwork, NatPort, NatProtocol, NatType, SnatEntry, Text,
};

use super::world::{World, addr, block, working};

impl World {
    // ---- EIPs --------------------------------------------------------------------------------

    /// An EIP that is bound to nothing.
    #[must_use]
    pub fn eip(mut self, id: &str, address: &str) -> Self {
        let mut eip = Eip::new(id);
        eip.address = Some(addr(address));
        eip.target = Some(None);
        eip.target_id = Some(None);
        eip.locks = Some(vec![]);
        working(&mut eip.meta, "Available");
        eip.meta.business_status = Some(Text::from("Normal"));
        self.eips.insert(id.to_owned(), eip);
        self
    }

    #[must_use]
    pub fn eip_on(self, id: &str, address: &str, target: EipTarget, target_id: &str) -> Self {
        let mut world = self.eip(id, address);
        let eip = world.eips.get_mut(id).unwrap();
        if target == EipTarget::HaVip {
            let havip = world.havips.get_mut(target_id).unwrap();
            havip.eips.get_or_insert_default().push(addr(address));
        }
        eip.target = Some(Some(target));
        eip.target_id = Some(Some(Id::from(target_id)));
        working(&mut eip.meta, "InUse");
        world
    }

    /// An EIP on an ENI, in mode `NAT` on one of its private addresses.
    #[must_use]
    pub fn eip_on_eni(self, id: &str, address: &str, eni: &str, private: Option<&str>) -> Self {
        let mut world = self.eip_on(id, address, EipTarget::Eni, eni);
        let eip = world.eips.get_mut(id).unwrap();
        eip.mode = Some(EipMode::Nat);
        eip.private_address = private.map(addr);
        world
    }

    /// An EIP that the guest of an ENI sees itself.
    #[must_use]
    pub fn cut_through(self, id: &str, address: &str, eni: &str, mode: EipMode) -> Self {
        let mut world = self.eip_on(id, address, EipTarget::Eni, eni);
        world.eips.get_mut(id).unwrap().mode = Some(mode);
        world
    }

    /// An EIP on a private address of a VPC.
    #[must_use]
    pub fn eip_on_address(self, id: &str, address: &str, vpc: &str, private: &str) -> Self {
        let mut world = self.eip_on(id, address, EipTarget::IpAddress, private);
        let eip = world.eips.get_mut(id).unwrap();
        eip.vpc = Some(Id::from(vpc));
        eip.private_address = Some(addr(private));
        world
    }

    /// Says at every instance and private address which public address is bound to it, as the
    /// listings of instances and ENIs do beside that of EIPs. Says nothing where the listings of the
    /// cloud would not be clear: locked, doubly bound and cut-through EIPs.
    #[must_use]
    pub fn state_bindings(mut self) -> Self {
        let enis = self.enis.clone();
        for (id, eni) in &enis {
            let owner = eni.instance.clone().flatten();
            for (n, ip) in eni.private_ips.iter().flatten().enumerate() {
                let first = n == 0 && eni.eni_type == Some(EniType::Primary);
                let touching: Vec<&Eip> = self
                    .eips
                    .values()
                    .filter(|eip| {
                        let target = eip.target_id.clone().flatten();
                        let here = match eip.target.as_ref().and_then(Option::as_ref) {
                            Some(EipTarget::Eni) => target.as_deref() == Some(id.as_str()),
                            Some(EipTarget::Instance) => first && target == owner,
                            Some(EipTarget::IpAddress) => true,
                            _ => false,
                        };
                        let cut_through =
                            matches!(eip.mode, Some(EipMode::Binded | EipMode::MultiBinded));
                        let on = eip.private_address.clone();
                        here && (cut_through || on.map_or(n == 0, |on| on == ip.address))
                    })
                    .collect();
                let owner = owner.as_ref().and_then(|id| self.instances.get(id.as_str()));
                let fixed = owner.and_then(|o| o.public_ips.as_ref()?.first().cloned());
                let fixed = fixed.filter(|_| first);
                let stated = match (touching.as_slice(), fixed) {
                    ([], None) => Some(None),
                    ([], Some(address)) => Some(Some(AssociatedPublicIp { address, eip: None })),
                    ([eip], None)
                        if eip.meta.business_status.as_deref() == Some("Normal")
                            && matches!(eip.mode, None | Some(EipMode::Nat))
                            && eip.target != Some(Some(EipTarget::IpAddress)) =>
                    {
                        let address = eip.address.clone().unwrap();
                        Some(Some(AssociatedPublicIp { address, eip: Some(eip.meta.id.clone()) }))
                    }
                    _ => None,
                };
                if let Some(list) = &mut self.enis.get_mut(id).unwrap().private_ips {
                    list[n].public_ip.clone_from(&stated);
                }
                if first && let Some(owner) = eni.instance.clone().flatten() {
                    let of_instance = stated.map(|stated| {
                        let bound = stated.filter(|s| s.eip.is_some());
                        bound.map(|s| InstanceEip { address: s.address, eip: s.eip })
                    });
                    self.instances.get_mut(owner.as_str()).unwrap().eip = of_instance;
                }
            }
        }
        self
    }

    // ---- NAT ---------------------------------------------------------------------------------

    /// An Enhanced Internet NAT gateway with EIPs, which are added as EIPs too.
    #[must_use]
    pub fn nat(mut self, id: &str, vswitch: &str, eips: &[&str]) -> Self {
        let mut nat = NatGateway::new(id);
        nat.vpc.clone_from(&self.vswitches.get(vswitch).unwrap().vpc);
        nat.vswitch = Some(Id::from(vswitch));
        nat.nat_type = Some(NatType::Enhanced);
        nat.eip_bind_mode = Some(vpclint::topology::EipBindMode::MultiBinded);
        nat.network = Some(NatNetwork::Internet);
        nat.snat_tables = Some(vec![Id::from(&format!("stb-{id}"))]);
        nat.dnat_tables = Some(vec![Id::from(&format!("ftb-{id}"))]);
        working(&mut nat.meta, "Available");
        nat.meta.business_status = Some(Text::from("Normal"));
        nat.eips = Some(vec![]);
        self.nats.insert(id.to_owned(), nat);
        for (n, address) in eips.iter().enumerate() {
            let eip = format!("eip-{id}-{n}");
            self = self.eip_on(&eip, address, EipTarget::NatGateway, id);
            self.nats.get_mut(id).unwrap().eips.get_or_insert_default().push(NatEip {
                address: addr(address),
                eip: Some(Id::from(&eip)),
                private_address: None,
                used_by: None,
            });
        }
        self
    }

    /// Takes an EIP off a NAT gateway; the entries that name it stay.
    #[must_use]
    pub fn unbind_nat_eip(mut self, nat: &str, address: &str) -> Self {
        let nat = self.nats.get_mut(nat).unwrap();
        nat.eips.get_or_insert_default().retain(|e| e.address != addr(address));
        for eip in self.eips.values_mut().filter(|e| e.address == Some(addr(address))) {
            eip.target = Some(None);
            eip.target_id = Some(None);
            working(&mut eip.meta, "Available");
        }
        self
    }

    /// A VPC NAT gateway.
    #[must_use]
    pub fn vpc_nat(self, id: &str, vswitch: &str) -> Self {
        let mut world = self.nat(id, vswitch, &[]);
        world.nats.get_mut(id).unwrap().network = Some(NatNetwork::Intranet);
        world
    }

    #[must_use]
    pub fn snat(mut self, id: &str, nat: &str, cidr: &str, ips: &[&str]) -> Self {
        let mut entry = SnatEntry::new(id);
        entry.nat_gateway = Some(Id::from(nat));
        entry.table = Some(Id::from(&format!("stb-{nat}")));
        entry.source_cidr = Some(block(cidr));
        entry.snat_ips = Some(ips.iter().map(|ip| addr(ip)).collect());
        working(&mut entry.meta, "Available");
        self.snat.insert(id.to_owned(), entry);
        self
    }

    #[must_use]
    pub fn snat_vswitch(self, id: &str, nat: &str, vswitch: &str, ips: &[&str]) -> Self {
        let mut world = self.snat(id, nat, "0.0.0.0/0", ips);
        let entry = world.snat.get_mut(id).unwrap();
        entry.source_cidr = None;
        entry.source_vswitch = Some(Id::from(vswitch));
        world
    }

    /// IP mapping.
    #[must_use]
    pub fn dnat_any(self, id: &str, nat: &str, external: &str, internal: &str) -> Self {
        self.dnat(id, nat, (external, NatPort::Any), (internal, NatPort::Any), NatProtocol::Any)
    }

    /// Port mapping, TCP.
    #[must_use]
    pub fn dnat_port(self, id: &str, nat: &str, external: &str, internal: &str, port: u16) -> Self {
        let port = NatPort::Range(port, port);
        self.dnat(id, nat, (external, port.clone()), (internal, port), NatProtocol::Tcp)
    }

    fn dnat(
        mut self,
        id: &str,
        nat: &str,
        external: (&str, NatPort),
        internal: (&str, NatPort),
        protocol: NatProtocol,
    ) -> Self {
        let mut entry = DnatEntry::new(id);
        entry.nat_gateway = Some(Id::from(nat));
        entry.table = Some(Id::from(&format!("ftb-{nat}")));
        entry.external_ip = Some(addr(external.0));
        entry.external_port = Some(external.1);
        entry.internal_ip = Some(addr(internal.0));
        entry.internal_port = Some(internal.1);
        entry.protocol = Some(protocol);
        working(&mut entry.meta, "Available");
        self.dnat.insert(id.to_owned(), entry);
        self
    }

    // ---- IPv6 --------------------------------------------------------------------------------

    /// An IPv6 address of an ENI, with or without Internet bandwidth.
    #[must_use]
    pub fn ipv6(mut self, eni: &str, address: &str, public: bool) -> Self {
        let owner = self.enis.get_mut(eni).unwrap();
        owner.ipv6_ips.get_or_insert_default().push(addr(address));
        let id = format!("ipv6-{address}");
        let mut resource = Ipv6Address::new(&id);
        resource.address = Some(addr(address));
        resource.vpc.clone_from(&owner.vpc);
        resource.vswitch.clone_from(&owner.vswitch);
        resource.attached_to = Some(Id::from(eni));
        resource.public = Some(public);
        working(&mut resource.meta, "Available");
        self.ipv6_addresses.insert(id, resource);
        self
    }

    #[must_use]
    pub fn ipv6_gateway(mut self, id: &str, vpc: &str) -> Self {
        let mut gateway = Ipv6Gateway::new(id);
        gateway.vpc = Some(Id::from(vpc));
        working(&mut gateway.meta, "Available");
        self.ipv6_gateways.insert(id.to_owned(), gateway);
        self
    }
}
