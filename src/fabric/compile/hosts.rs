//! Who has which private address of a VPC, and what filters what is sent to it.

use super::super::hosts::Host;
use super::super::pipeline::{Branch, ElementId, End};
use super::super::sources::SourcePoint;
use super::Compiler;
use super::filter::{Filters, Groups, Next};
use crate::topology::{AddrValue, CidrValue, Direction, Eni, Id, Listing, Resource, Scope, Text};

impl<'t> Compiler<'t> {
    /// Adds all ENIs, instances without ENI, and HaVips. `sources` are the fabric's, so that a
    /// host knows where its own packets start.
    pub(super) fn add_hosts(&mut self, sources: &[SourcePoint]) {
        let topology = self.topology;
        for vpc in &topology.vpcs {
            let scope = Scope::around(&vpc.meta);
            let gap = topology.coverage.gap(Listing::Enis, &scope);
            if let Some(gap) = gap {
                let network = self.named(vpc);
                self.hosts.incomplete(network, Text::from(gap.to_string()));
            }
        }
        let mut by_eni: rustc_hash::FxHashMap<(&str, &AddrValue), usize> =
            rustc_hash::FxHashMap::default();
        for (n, source) in sources.iter().enumerate() {
            let id = source.havip.as_ref().unwrap_or(&source.eni).id.as_str();
            by_eni.insert((id, &source.address), n);
        }
        for havip in &topology.havips {
            let master = havip.master.clone().flatten();
            if havip.master == Some(None) {
                // without a master nobody has the address
                continue;
            }
            let eni = master.as_ref().and_then(|id| self.eni_of_master(id));
            let inbound = match eni {
                Some(eni) => {
                    // its address is none of the ENI's own: free passage in groups is not for it
                    let filters = self.filters_of(eni, self.owner(eni));
                    self.in_transit(&filters, Direction::Ingress, Next::Here).branch()
                }
                None => Branch::unknown(format!("master of HaVip {} (not stated)", havip.id())),
            };
            let (Some(vpc), Some(address)) = (&havip.vpc, havip.address.as_ref()) else { continue };
            let source = by_eni.get(&(havip.id().as_str(), address)).copied();
            let element = self.named(havip);
            self.add_host(vpc, havip.vswitch.as_ref(), address, element, inbound, source);
        }
        for eni in &topology.enis {
            self.add_eni(eni, &by_eni);
        }
        for instance in topology.instances.iter() {
            if self.primary_enis.contains_key(instance.id().as_str()) {
                continue;
            }
            let Some(vpc) = &instance.vpc else { continue };
            let pseudo = Id::from(&format!("{}/primary", instance.id()));
            let groups = self.groups(instance, instance.security_groups.as_ref());
            let filters = Filters {
                vpc: Some(vpc.clone()),
                groups,
                border: instance.vswitch.clone(),
                doubt: None,
            };
            let inbound = self.inbound(&filters, Next::Here).branch();
            let element = self.named(instance);
            for address in instance.private_ips.iter().flatten() {
                let source = by_eni.get(&(pseudo.as_str(), address)).copied();
                let vswitch = instance.vswitch.as_ref();
                self.add_host(vpc, vswitch, address, element, inbound.clone(), source);
            }
        }
    }

    fn add_eni(&mut self, eni: &'t Eni, by_eni: &rustc_hash::FxHashMap<(&str, &AddrValue), usize>) {
        let vswitch = eni.vswitch.as_ref();
        let of_vswitch = vswitch.and_then(|id| self.topology.vswitches.get(id)?.vpc.as_ref());
        let Some(vpc) = eni.vpc.as_ref().or(of_vswitch) else { return };
        let filters = self.filters_of(eni, self.owner(eni));
        let element = self.named(eni);
        let inbound = match filters.groups {
            // what a service lets through to its own ENI is its business
            Groups::None if eni.service_managed == Some(true) => Branch::new(End::Here),
            _ => self.inbound(&filters, Next::Here).branch(),
        };
        // an EIP that takes the place of the primary address switches that off (egress.md §4.6)
        let replaced = (self.bindings.cut_through(eni))
            .any(|(_, mode)| mode == super::super::identity::CutThrough::Replaces);
        let private = eni.private_ips.iter().flatten().enumerate();
        let private = private
            .filter(|(n, ip)| !(replaced && ip.primary.unwrap_or(*n == 0)))
            .map(|(_, ip)| &ip.address);
        let mut single: Vec<&AddrValue> = private.chain(eni.ipv6_ips.iter().flatten()).collect();
        single.dedup();
        for address in single {
            let source = by_eni.get(&(eni.id().as_str(), address)).copied();
            self.add_host(vpc, vswitch, address, element, inbound.clone(), source);
        }
        for prefix in eni.ipv4_prefixes.iter().flatten().filter_map(CidrValue::cidr) {
            let network = self.network(vpc);
            let missing = format!("which address of {prefix} ({}) a guest uses", eni.id());
            self.hosts.incomplete(network, Text::from(missing));
        }
    }

    /// Adds one address of a VPC.
    pub(super) fn add_host(
        &mut self,
        vpc: &Id,
        vswitch: Option<&Id>,
        address: &AddrValue,
        element: ElementId,
        inbound: Branch,
        source: Option<usize>,
    ) {
        let network = self.network(vpc);
        let segment = vswitch.map(|id| self.segment(id));
        match address.addr() {
            Some(address) => {
                self.hosts.add(Host { element, network, address, segment, inbound, source });
            }
            // somebody has an address that is not known as a number: it could be any
            None => {
                self.hosts.incomplete(network, Text::from(format!("address `{address}` (masked)")))
            }
        }
    }
}
