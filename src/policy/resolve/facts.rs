//! What terms can ask about things that are no hosts.

use std::net::IpAddr;

use super::{Condition, Item, Resolver};
use crate::policy::matching::like;
use crate::policy::selector::Key;
use crate::topology::{Id, Meta};

impl<'a> Resolver<'a> {
    /// Does a condition hold of a thing that is no host?
    pub(super) fn holds(&self, condition: &Condition, item: Item) -> bool {
        let Some(facts) = self.facts(item) else {
            return match (condition, item) {
                (Condition::All, _) => true,
                (Condition::Internet(wanted), Item::Internet(is)) => {
                    wanted.is_none() || *wanted == is
                }
                _ => false,
            };
        };
        let any = |ids: &[Id], of: &[&Id]| of.iter().any(|id| ids.contains(id));
        match condition {
            Condition::All => true,
            Condition::Internet(_) => false,
            Condition::Ip(address) => facts.addresses.contains(address),
            Condition::Cidr(cidr) => facts.addresses.iter().any(|ip| cidr.contains(*ip)),
            Condition::Tag(key, value) => facts.meta.tag(key).is_some_and(|v| like(value, v)),
            Condition::Like(Key::Account, value) => {
                facts.meta.account.as_ref().is_some_and(|id| like(value, id))
            }
            Condition::Like(Key::Zone, value) => facts.zones.iter().any(|zone| like(value, zone)),
            Condition::Like(Key::Role, value) => {
                facts.meta.tag("role").is_some_and(|role| like(value, role))
            }
            Condition::Like(..) => false,
            Condition::Ids(Key::Vpc, ids) => any(ids, &facts.vpcs),
            Condition::Ids(Key::Vsw, ids) => any(ids, &facts.vswitches),
            Condition::Ids(Key::Sg, ids) => any(ids, &facts.groups),
            Condition::Ids(key, ids) => *key == facts.key && ids.contains(&facts.meta.id),
        }
    }

    /// What terms can ask about a thing that is no host.
    fn facts(&self, item: Item) -> Option<Facts<'a>> {
        let t = self.topology;
        match item {
            Item::Host { .. } | Item::Address(_) | Item::Internet(_) => None,
            Item::Eni(n) => t.enis.as_slice().get(n).map(|eni| Facts {
                vpcs: eni.vpc.iter().collect(),
                vswitches: eni.vswitch.iter().collect(),
                groups: eni.security_groups.iter().flatten().collect(),
                zones: eni.zone.iter().map(|z| &**z).collect(),
                addresses: eni
                    .private_ips
                    .iter()
                    .flatten()
                    .map(|ip| &ip.address)
                    .chain(eni.ipv6_ips.iter().flatten())
                    .filter_map(|a| a.addr())
                    .collect(),
                ..Facts::new(Key::Eni, &eni.meta)
            }),
            Item::Balancer(n) => t.load_balancers.as_slice().get(n).map(|lb| {
                let zones = || lb.zones.iter().flatten();
                let of_zones = zones().flat_map(|z| z.private_ips.iter().chain(&z.public_ips));
                Facts {
                    vpcs: lb.vpc.iter().flatten().collect(),
                    vswitches: lb
                        .vswitch
                        .iter()
                        .flatten()
                        .chain(zones().filter_map(|z| z.vswitch.as_ref()))
                        .collect(),
                    groups: lb.security_groups.iter().flatten().collect(),
                    zones: lb
                        .master_zone
                        .iter()
                        .map(|z| &**z)
                        .chain(zones().map(|z| &*z.zone))
                        .collect(),
                    addresses: lb.address.iter().chain(of_zones).filter_map(|a| a.addr()).collect(),
                    ..Facts::new(Key::Lb, &lb.meta)
                }
            }),
            Item::Endpoint(n) => t.endpoints.as_slice().get(n).map(|ep| {
                let zones = || ep.zones.iter().flatten();
                Facts {
                    vpcs: ep.vpc.iter().collect(),
                    vswitches: zones().filter_map(|z| z.vswitch.as_ref()).collect(),
                    groups: ep.security_groups.iter().flatten().collect(),
                    zones: zones().filter_map(|z| z.zone.as_deref()).collect(),
                    addresses: zones().filter_map(|z| z.address.as_ref()?.addr()).collect(),
                    ..Facts::new(Key::Ep, &ep.meta)
                }
            }),
            Item::Service(n) => t.endpoint_services.as_slice().get(n).map(|service| Facts {
                zones: service.zones.iter().flatten().map(|z| &**z).collect(),
                ..Facts::new(Key::Svc, &service.meta)
            }),
            Item::Nat(n) => t.nat_gateways.as_slice().get(n).map(|nat| Facts {
                vpcs: nat.vpc.iter().collect(),
                vswitches: nat.vswitch.iter().collect(),
                zones: nat.zone.iter().map(|z| &**z).collect(),
                addresses: nat.eips.iter().flatten().filter_map(|e| e.address.addr()).collect(),
                ..Facts::new(Key::Nat, &nat.meta)
            }),
            Item::Eip(n) => t.eips.as_slice().get(n).map(|eip| Facts {
                vpcs: eip.vpc.iter().collect(),
                addresses: eip.address.iter().filter_map(|a| a.addr()).collect(),
                ..Facts::new(Key::Eip, &eip.meta)
            }),
        }
    }
}

/// What terms can ask about a thing that is no host.
struct Facts<'t> {
    key: Key,
    meta: &'t Meta,
    vpcs: Vec<&'t Id>,
    vswitches: Vec<&'t Id>,
    groups: Vec<&'t Id>,
    zones: Vec<&'t str>,
    addresses: Vec<IpAddr>,
}

impl<'t> Facts<'t> {
    fn new(key: Key, meta: &'t Meta) -> Self {
        let (vpcs, vswitches, groups) = (Vec::new(), Vec::new(), Vec::new());
        Self { key, meta, vpcs, vswitches, groups, zones: Vec::new(), addresses: Vec::new() }
    }
}
