//! PL009: network ACLs between the clients of an endpoint and its ENIs (access.md §2.2, §4.6 steps
//! 2 and 7).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Asked, asked, interfaces, no_clients, vpc_of};
use crate::rules::acl::Borders;
use crate::rules::facts::first_of;
use crate::rules::paths::{Client, clients, hosts_of};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown};
use crate::topology::{Endpoint, Id, Kind, NetworkAcl, Resource};

pub(crate) struct EndpointPathBlockedByAcl;

static META: RuleMeta = RuleMeta {
    id: "PL009",
    name: "endpoint-path-blocked-by-acl",
    summary: "network ACLs let the clients of an endpoint ask it, and its replies come back",
    severity: Severity::Error,
    pack: Pack::Default,
    needs: &[],
    cases: &[
        Case {
            key: "none",
            message: "no client of {vpc} gets through to {endpoint} on {service}: {reasons}",
            help: "add entries that accept {service} towards {addresses} and the replies to ports 1024-65535; ACLs keep no state",
        },
        Case {
            key: "some",
            message: "clients in {vswitches} do not get through to {endpoint} on {service}: {reasons}",
            help: "if they are to use the endpoint, add entries that accept {service} towards {addresses} and the replies to ports 1024-65535",
        },
    ],
    page: include_str!("../../../rules/PL009-endpoint-path-blocked-by-acl.md"),
};

impl Rule for EndpointPathBlockedByAcl {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let clients = clients(cx);
        let hosts = hosts_of(cx.fabric, Kind::Endpoint);
        let mut borders = Borders::default();
        out.each(cx, interfaces(cx), |endpoint, out| {
            let of_vpc = clients.get(vpc_of(cx, endpoint)?).map_or(&[][..], Vec::as_slice);
            if of_vpc.is_empty() {
                return no_clients(cx, endpoint);
            }
            let mut by_vswitch: BTreeMap<&Id, Vec<&Client<'_>>> = BTreeMap::new();
            for client in of_vpc {
                if let Some(vswitch) = &client.point.vswitch {
                    by_vswitch.entry(vswitch).or_default().push(client);
                }
            }
            let mut doors: Vec<(&Id, IpAddr)> = Vec::new();
            for (_, host) in hosts.get(endpoint.id()).into_iter().flatten() {
                let zones = endpoint.zones.iter().flatten();
                let segment = host.segment.and_then(|id| cx.fabric.element(id));
                let of_zone = |id: &&Id| segment.is_some_and(|e| e.resource.id == **id);
                if let Some(id) = zones.filter_map(|z| z.vswitch.as_ref()).find(of_zone) {
                    doors.push((id, host.address));
                }
            }
            // everything is inside one vSwitch: no ACL tests that
            if doors.iter().all(|(door, _)| by_vswitch.keys().all(|id| id == door)) {
                return Ok(());
            }
            for asked in asked(cx, endpoint)? {
                let outcome = Paths::default()
                    .of(cx, &mut borders, &by_vswitch, &doors, &asked)
                    .and_then(|paths| paths.report(endpoint, &asked, &doors, out));
                out.settle(outcome);
            }
            Ok(())
        });
    }
}

/// Ways from clients to the ENIs of an endpoint.
#[derive(Default)]
struct Paths<'c> {
    passing: usize,
    stopped: usize,
    vswitches: BTreeSet<&'c Id>,
    reasons: BTreeSet<String>,
    acls: BTreeMap<&'c Id, &'c NetworkAcl>,
    missing: Unknown,
}

impl<'c> Paths<'c> {
    fn of(
        mut self,
        cx: &Context<'c>,
        borders: &mut Borders<'c>,
        clients: &BTreeMap<&'c Id, Vec<&Client<'c>>>,
        doors: &[(&Id, IpAddr)],
        asked: &Asked<'_>,
    ) -> Result<Self, Unknown> {
        for (vswitch, clients) in clients {
            for (door, address) in doors {
                if *vswitch == *door {
                    self.passing += clients.len();
                    continue;
                }
                if let Err(unknown) =
                    self.cross(cx, borders, (vswitch, clients), (door, *address), asked)
                {
                    self.missing.missing.extend(unknown.missing);
                }
            }
        }
        Ok(self)
    }

    /// From one vSwitch to another: out of the first, into the second, and the replies likewise.
    fn cross(
        &mut self,
        cx: &Context<'c>,
        borders: &mut Borders<'c>,
        (vswitch, clients): (&'c Id, &[&Client<'c>]),
        (door, address): (&Id, IpAddr),
        asked: &Asked<'_>,
    ) -> Result<(), Unknown> {
        let (protocol, port) = (asked.protocol, asked.port);
        let near = borders.of(cx, vswitch)?;
        let far = borders.of(cx, door)?;
        let mut reasons: Vec<(&'c NetworkAcl, &str)> = Vec::new();
        if let Some(near) = &near {
            if !near.requests_out(protocol, port).contains(address) {
                reasons.push((near.acl, "does not let the requests out"));
            }
            if !near.replies_in(protocol).any.contains(address) {
                reasons.push((near.acl, "does not let the replies in"));
            }
        }
        let stopped_near = !reasons.is_empty();
        let mut stopped = if stopped_near { clients.len() } else { 0 };
        if let Some(far) = &far {
            let (asks, gets) = (far.requests_in(protocol, port), far.replies_out(protocol).any);
            let asking = clients.iter().filter(|c| !asks.contains(c.address)).count();
            let getting = clients.iter().filter(|c| !gets.contains(c.address)).count();
            if asking > 0 {
                reasons.push((far.acl, "does not let the requests in"));
            }
            if getting > 0 {
                reasons.push((far.acl, "does not let the replies out"));
            }
            if !stopped_near {
                let passes =
                    |c: &&&Client<'_>| asks.contains(c.address) && gets.contains(c.address);
                stopped = clients.len() - clients.iter().filter(passes).count();
            }
        }
        self.stopped += stopped;
        self.passing += clients.len() - stopped;
        if stopped > 0 {
            self.vswitches.insert(vswitch);
        }
        for (acl, reason) in reasons {
            self.reasons.insert(format!("{} {reason}", acl.to_ref()));
            self.acls.insert(acl.id(), acl);
        }
        Ok(())
    }

    fn report(
        self,
        endpoint: &Endpoint,
        asked: &Asked<'_>,
        doors: &[(&Id, IpAddr)],
        out: &mut Sink,
    ) -> Result<(), Unknown> {
        if self.stopped == 0 || (self.passing == 0 && !self.missing.missing.is_empty()) {
            let nothing = self.missing.missing.is_empty();
            return if nothing { Ok(()) } else { Err(self.missing) };
        }
        let finding = match self.passing {
            0 => out.fail("none"),
            _ => out.fail("some").severity(Severity::Warning),
        };
        let vswitches: Vec<&Id> = self.vswitches.into_iter().collect();
        let reasons: Vec<String> = self.reasons.into_iter().collect();
        let addresses: Vec<String> = doors.iter().map(|(_, address)| address.to_string()).collect();
        let mut finding = finding
            .on(endpoint, "zones")
            .with_whole(asked.listener, "listens behind the endpoint")
            .fact("endpoint", endpoint.to_ref())
            .fact("vpc", "its VPC")
            .fact("vswitches", first_of(&vswitches, 3))
            .fact("reasons", first_of(&reasons, 4))
            .fact("addresses", first_of(&addresses, 3))
            .fact("service", format!("{} {}", asked.protocol, asked.port))
            .discriminator(asked.protocol)
            .discriminator(asked.port);
        for acl in self.acls.into_values() {
            finding = finding.with_whole(acl, "stops them").unless_reported("ACL004", acl);
        }
        finding.emit();
        if self.missing.missing.is_empty() { Ok(()) } else { Err(self.missing) }
    }
}
