//! REF009: servers behind a load balancer that do not exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::facts::list;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{
    AddrValue, Backend, BackendType, Eni, Id, Instance, Kind, Listing, Resource, ResourceRef,
    Scope, Topology,
};

pub(crate) struct BackendMissing;

static META: RuleMeta = RuleMeta {
    id: "REF009",
    name: "backend-missing",
    summary: "every server behind a load balancer exists and has the address that is stated for it",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "missing",
            message: "{owner} sends to {kind} {server}, which does not exist",
            help: "replace the backend or remove it; its share of the traffic is lost",
        },
        Case {
            key: "similar",
            message: "{owner} sends to {kind} {server}, which does not exist",
            help: "{similar} has nearly the same name; if it is meant, name it as it is called",
        },
        Case {
            key: "address",
            message: "{owner} sends to {address} of {kind} {server}, which has {addresses}",
            help: "remove the backend and add it again with an address of the server",
        },
    ],
    page: include_str!("../../../rules/REF009-backend-missing.md"),
};

impl Rule for BackendMissing {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let hosts = Hosts::of(cx.topology);
        for lb in &cx.topology.load_balancers {
            backends(cx, &hosts, lb, "default_backends", lb.default_backends.as_deref(), out);
        }
        for group in &cx.topology.server_groups {
            backends(cx, &hosts, group, "backends", group.backends.as_deref(), out);
        }
    }
}

/// The addresses of the ENIs of every instance.
struct Hosts<'a>(BTreeMap<&'a Id, Vec<&'a AddrValue>>);

impl<'a> Hosts<'a> {
    fn of(topology: &'a Topology) -> Self {
        let mut out: BTreeMap<&Id, Vec<&AddrValue>> = BTreeMap::new();
        for eni in &topology.enis {
            if let Some(Some(instance)) = &eni.instance {
                out.entry(instance).or_default().extend(eni_addresses(eni));
            }
        }
        Self(out)
    }

    /// Addresses of all ENIs of an instance; empty when none is stated.
    fn addresses(&self, instance: &'a Instance) -> Vec<&'a AddrValue> {
        let mut out: Vec<&AddrValue> = instance.private_ips.iter().flatten().collect();
        out.extend(self.0.get(instance.id()).into_iter().flatten());
        out.sort();
        out.dedup();
        out
    }
}

fn backends<'a>(
    cx: &Context<'a>,
    hosts: &Hosts<'a>,
    owner: &dyn Resource,
    field: &'static str,
    backends: Option<&'a [Backend]>,
    out: &mut Sink,
) {
    // one server may be there with several ports
    let mut seen: BTreeSet<(&Id, Option<&AddrValue>)> = BTreeSet::new();
    for backend in backends.into_iter().flatten() {
        let Some(server) = &backend.server else { continue };
        if seen.insert((server, backend.address.as_ref())) {
            let outcome = judge(cx, hosts, owner, field, backend, server, out);
            out.settle(outcome);
        }
    }
}

fn judge<'a>(
    cx: &Context<'a>,
    hosts: &Hosts<'a>,
    owner: &dyn Resource,
    field: &'static str,
    backend: &'a Backend,
    server: &Id,
    out: &mut Sink,
) -> Result<(), Unknown> {
    let scope = Scope::around(owner.meta());
    let (kind, found) = match &backend.backend_type {
        Some(BackendType::Eni) => (
            Kind::Eni,
            cx.find(&cx.topology.enis, Listing::Enis, server, &scope)?.map(eni_addresses),
        ),
        Some(BackendType::Instance) => {
            let found = cx.find(&cx.topology.instances, Listing::Instances, server, &scope)?;
            (Kind::Instance, found.map(|i| hosts.addresses(i)))
        }
        None => {
            // bodies of 2014 to 2018 do not state the type; it was an instance then
            let eni = cx.topology.enis.get(server).map(eni_addresses);
            let found = cx.find(&cx.topology.instances, Listing::Instances, server, &scope);
            match eni {
                Some(addresses) => (Kind::Eni, Some(addresses)),
                None => (Kind::Instance, found?.map(|i| hosts.addresses(i))),
            }
        }
        // container groups, functions and bare addresses are not in the input
        Some(_) => return Ok(()),
    };
    let Some(addresses) = found else {
        let similar = similar_host(cx, server);
        let draft = out
            .fail(if similar.is_some() { "similar" } else { "missing" })
            .on(owner, field)
            .about(ResourceRef { kind, id: server.clone(), name: None });
        let draft = match similar {
            Some(similar) => draft.fact("similar", similar),
            None => draft,
        };
        draft.fact("owner", owner.to_ref()).fact("kind", kind).fact("server", server).emit();
        return Ok(());
    };
    let Some(address) = &backend.address else { return Ok(()) };
    let masked = |value: &&AddrValue| value.known().is_none();
    if addresses.is_empty() || addresses.contains(&address) {
        return Ok(());
    }
    if let Some(masked) = addresses.iter().copied().chain([address]).find(masked) {
        return Err(Unknown::of(format!("address of {server} (only known as `{masked}`)")));
    }
    out.fail("address")
        .on(owner, field)
        .about(ResourceRef { kind, id: server.clone(), name: None })
        .discriminator(address)
        .fact("owner", owner.to_ref())
        .fact("kind", kind)
        .fact("server", server)
        .fact("address", address)
        .fact("addresses", list(&addresses))
        .emit();
    Ok(())
}

fn eni_addresses(eni: &Eni) -> Vec<&AddrValue> {
    let own = eni.private_ips.iter().flatten().map(|ip| &ip.address);
    own.chain(eni.ipv6_ips.iter().flatten()).collect()
}

/// The instance whose id or name differs only in case, separators and leading zeros (`ECS01` and
/// `ecs-1`).
fn similar_host(cx: &Context<'_>, server: &str) -> Option<ResourceRef> {
    let wanted = normal(server);
    cx.topology
        .instances
        .iter()
        .find(|i| normal(i.id()) == wanted || i.name().is_some_and(|name| normal(name) == wanted))
        .map(Resource::to_ref)
}

fn normal(name: &str) -> String {
    let mut out = String::new();
    let mut in_number = false;
    for c in name.chars().filter(char::is_ascii_alphanumeric) {
        let leading_zero = c == '0' && !in_number;
        in_number = c.is_ascii_digit() && (in_number || c != '0');
        if !leading_zero {
            out.push(c.to_ascii_lowercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_separators_and_leading_zeros() {
        assert_eq!(normal("ECS01"), normal("ecs-1"));
        assert_eq!(normal("web_010"), normal("Web10"));
        assert_ne!(normal("web-10"), normal("web-1"));
    }
}
