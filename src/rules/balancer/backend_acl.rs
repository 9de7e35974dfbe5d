//! CLB009: network ACLs between a CLB and its servers (access.md §2.2).

use std::collections::BTreeMap;

use super::targets::{Rules, forwarding};
use crate::addr::{AddrSet, Family, special};
use crate::packet::Protocol;
use crate::rules::acl::{Borders, always_open};
use crate::rules::facts::{Blocks, first_of};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{
    AddressType, Backend, Id, Listener, ListenerProtocol, Listing, LoadBalancer, LoadBalancerType,
    NetworkAcl, Resource, Scope,
};

pub(crate) struct BackendAclBlocksLb;

static META: RuleMeta = RuleMeta {
    id: "CLB009",
    name: "backend-acl-blocks-lb",
    summary: "network ACLs before the servers of a CLB let its health checks and its clients pass",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "none",
            message: "{acl} of vSwitch {vswitch} does not let {what} for {servers}, servers of {listener}",
            help: "add entries that accept {service} from {from} in, and tcp 1024-65535 to it out; ACLs exempt no load balancer, unlike security groups",
        },
        Case {
            key: "some",
            message: "{acl} of vSwitch {vswitch} lets only a part of {what} for {servers}, servers of {listener}",
            help: "the CLB uses any address of 100.64.0.0/10: accept the whole block, {service} in and tcp 1024-65535 out",
        },
    ],
    page: include_str!("../../../rules/CLB009-backend-acl-blocks-lb.md"),
};

/// Servers of a listener in one vSwitch, by the port that they are sent to.
type Places<'a> = BTreeMap<(&'a Id, u16), Vec<&'a Id>>;

impl Rule for BackendAclBlocksLb {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let rules = Rules::of_topology(cx);
        let mut borders = Borders::default();
        forwarding(cx, &rules, out, |lb, listener, targets, out| {
            let filtered = !cx.topology.network_acls.is_empty()
                || cx.need(Listing::NetworkAcls, &Scope::around(&lb.meta)).is_err();
            if lb.lb_type != Some(LoadBalancerType::Clb) || !filtered {
                return Ok(());
            }
            let mut places: Places<'_> = BTreeMap::new();
            let mut missing = Unknown::default();
            for target in targets {
                let servers = match target.servers {
                    Ok(servers) => servers,
                    Err(unknown) => {
                        missing.missing.extend(unknown.missing);
                        continue;
                    }
                };
                for server in servers {
                    match place(cx, listener, target.is_default, server) {
                        Ok(Some((vswitch, port, id))) => {
                            places.entry((vswitch, port)).or_default().push(id);
                        }
                        Ok(None) => {}
                        Err(unknown) => missing.missing.extend(unknown.missing),
                    }
                }
            }
            for ((vswitch, port), servers) in places {
                let way = Way { lb, listener, vswitch, port, servers };
                if let Err(unknown) = way.judge(cx, &mut borders, out) {
                    missing.missing.extend(unknown.missing);
                }
            }
            if missing.missing.is_empty() { Ok(()) } else { Err(missing) }
        });
    }
}

/// vSwitch, port and id of a server; `None` for one that is not there, which is REF009's.
fn place<'a>(
    cx: &Context<'a>,
    listener: &Listener,
    is_default: bool,
    server: &'a Backend,
) -> Result<Option<(&'a Id, u16, &'a Id)>, Unknown> {
    let Some(id) = &server.server else { return Ok(None) };
    let own = server.port.filter(|port| *port != 0);
    // the default group has no ports: the listener says it (access.md §3.2)
    let port = own.or(listener.backend_port.filter(|_| is_default));
    let port = port.ok_or_else(|| Unknown::of(format!("port of server {id} (not stated)")))?;
    let topology = cx.topology;
    let primary = || topology.enis.iter().find(|e| e.instance == Some(Some(id.clone())));
    let eni = topology.enis.get(id);
    let instance = topology.instances.get(id);
    if eni.is_none() && instance.is_none() {
        return Ok(None);
    }
    let vswitch = eni
        .and_then(|e| e.vswitch.as_ref())
        .or_else(|| instance.and_then(|i| i.vswitch.as_ref()))
        .or_else(|| primary()?.vswitch.as_ref());
    let vswitch = vswitch.ok_or_else(|| Unknown::of(format!("vSwitch of {id} (not stated)")))?;
    Ok(Some((vswitch, port, id)))
}

/// From a CLB to its servers in one vSwitch.
struct Way<'a> {
    lb: &'a LoadBalancer,
    listener: &'a Listener,
    vswitch: &'a Id,
    port: u16,
    servers: Vec<&'a Id>,
}

impl Way<'_> {
    fn judge<'c>(
        &self,
        cx: &Context<'c>,
        borders: &mut Borders<'c>,
        out: &mut Sink,
    ) -> Result<(), Unknown> {
        let protocol = match stated(self.listener.protocol.as_ref(), self.listener, "protocol")? {
            ListenerProtocol::Udp => Protocol::Udp,
            _ => Protocol::Tcp,
        };
        let Some(border) = borders.of(cx, self.vswitch)? else { return Ok(()) };
        let range = AddrSet::from_cidrs(Family::V4, [&special::shared_address_space()]);
        let range = range.difference(&always_open());
        let asked = border.requests_in(protocol, self.port);
        let answered = border.replies_out(protocol);
        // the CLB stands on the other side of the border, even in the same vSwitch
        let service = format!("{protocol} {}", self.port);
        let inward = format!("{service} from 100.64.0.0/10 in, the CLB's health checks,");
        let outward = "the replies to 100.64.0.0/10 out, the CLB's health checks,";
        let mut failed = false;
        let checks = [
            ("ingress", &asked, &asked, inward.as_str()),
            ("egress", &answered.any, &answered.all, outward),
        ];
        for (field, any, all, what) in checks {
            let none = any.intersect(&range).is_empty();
            if none || !range.difference(all).is_empty() {
                failed = true;
                self.report(border.acl, (field, none), (what, "100.64.0.0/10"), &service, out);
            }
        }
        // layer 4 keeps the client's address (access.md §1.6); behind PrivateLink nobody sees it
        let layer4 =
            matches!(self.listener.protocol, Some(ListenerProtocol::Tcp | ListenerProtocol::Udp));
        let mut resources =
            cx.topology.endpoint_services.iter().flat_map(|s| s.resources.iter().flatten());
        if failed || !layer4 || resources.any(|r| r.resource == *self.lb.id()) {
            return Ok(());
        }
        let Some((clients, from)) = self.clients(cx) else { return Ok(()) };
        let what = format!("{service} from {from} in, the CLB's clients,");
        if asked.intersect(&clients).is_empty() {
            self.report(border.acl, ("ingress", true), (&what, &from), &service, out);
        } else if answered.any.intersect(&asked).intersect(&clients).is_empty() {
            let what = format!("the replies to {from} out, the CLB's clients,");
            self.report(border.acl, ("egress", true), (&what, &from), &service, out);
        }
        Ok(())
    }

    /// Whoever may ask the CLB: the Internet, or its VPC.
    fn clients(&self, cx: &Context<'_>) -> Option<(AddrSet, String)> {
        let vpc = self.lb.vpc.as_ref()?.as_ref()?;
        match self.lb.address_type {
            Some(AddressType::Internet) => {
                Some((cx.fabric.space(vpc)?.public_v4.clone(), "the Internet".to_owned()))
            }
            Some(AddressType::Intranet) => {
                // networks that are connected may use it as well
                let blocks = Blocks::of(cx.topology.vpcs.get(vpc)?);
                let private = AddrSet::from_cidrs(Family::V4, &special::rfc1918());
                let own = AddrSet::from_cidrs(Family::V4, blocks.known());
                Some((private.union(&own), "private addresses".to_owned()))
            }
            _ => None,
        }
    }

    fn report(
        &self,
        acl: &NetworkAcl,
        (field, none): (&'static str, bool),
        (what, from): (&str, &str),
        service: &str,
        out: &mut Sink,
    ) {
        let finding = match none {
            true => out.fail("none"),
            false => out.fail("some").severity(Severity::Warning),
        };
        finding
            .on(acl, field)
            .with_whole(self.listener, "sends to servers in this vSwitch")
            .fact("acl", acl.to_ref())
            .fact("vswitch", self.vswitch)
            .fact("what", what)
            .fact("servers", first_of(&self.servers, 3))
            .fact("listener", self.listener.to_ref())
            .fact("service", service)
            .fact("from", from)
            .discriminator(field)
            .discriminator(self.vswitch)
            .discriminator(service)
            .unless_reported("ACL004", acl)
            .emit();
    }
}
