//! NAT010: DNAT entries whose target lets nobody of the Internet in (egress.md §5.2, access.md §1.6).

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::is_internet;
use crate::addr::Family;
use crate::analyze::trace::{Branch, Connection, From, Trace, trace};
use crate::packet::Protocol;
use crate::rules::facts::{address, first_of, gateway_of_entry};
use crate::rules::paths::{question, reach, resource};
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::simulate::{Blocker, Reason};
use crate::topology::{DnatEntry, NatPort, NatProtocol, Resource, Text};

pub(crate) struct DnatEntryBlocked;

static META: RuleMeta = RuleMeta {
    id: "NAT010",
    name: "dnat-entry-blocked",
    summary: "security groups and network ACLs let some client of the Internet through to the target of every DNAT entry",
    severity: Severity::Warning,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[Case {
        key: "blocked",
        message: "{entry} publishes {target}, but {filters} {verb} no client of the Internet through",
        help: "accept {service} from the clients that need it; the filters see the internal port, and the client's own address. If it is closed for the time being, waive this finding",
    }],
    page: include_str!("../../../rules/NAT010-dnat-entry-blocked.md"),
};

/// Kinds of clients that are tried before nobody can tell.
const MOST: usize = 2048;

/// Ports that stand for an entry that has all of them: those that are published most.
const USUAL: [u16; 4] = [443, 80, 22, 3389];

impl Rule for DnatEntryBlocked {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.dnat_entries, |entry, out| {
            let nat =
                gateway_of_entry(cx, entry, entry.nat_gateway.as_ref(), entry.table.as_ref())?;
            if !is_internet(nat) {
                return Ok(());
            }
            let external = stated(entry.external_ip.as_ref(), entry, "external address")?;
            let external = address(external, entry, "external address")?;
            // an address that is bound to nothing is REF007's
            if cx.fabric.public_at(external).is_none() || !external.is_ipv4() {
                return Ok(());
            }
            let vpc = stated(nat.vpc.as_ref(), nat, "VPC")?;
            let Some(space) = cx.fabric.space(vpc) else { return Ok(()) };
            let mut tried = Tried::default();
            for (protocol, port) in services(entry)? {
                for range in space.public_v4.ranges() {
                    let mut next = Some(range.first);
                    while let Some(first) = next {
                        if tried.walks >= MOST {
                            let text = format!("more than {MOST} kinds of clients");
                            return Err(Unknown::of(text));
                        }
                        let last = tried.client(cx, external, (protocol, port), first);
                        if tried.passes {
                            return Ok(());
                        }
                        next = (last < range.last).then(|| last + 1);
                    }
                }
            }
            tried.report(cx, entry, out)
        });
    }
}

/// Protocols and external ports that stand for an entry: filters see single ports, and an entry for
/// everything is alive when one of the usual ones is.
fn services(entry: &DnatEntry) -> Result<Vec<(Protocol, u16)>, Unknown> {
    let unclear = |what: &str| Unknown::of(format!("{what} of {} (not understood)", entry.id()));
    let ports = match stated(entry.external_port.as_ref(), entry, "external port")? {
        NatPort::Any => USUAL.to_vec(),
        NatPort::Range(first, last) => {
            let width = last.saturating_sub(*first).min(15);
            (0..=width).map(|n| first.saturating_add(n)).collect()
        }
        NatPort::Other(_) => return Err(unclear("external port")),
    };
    let protocols = match stated(entry.protocol.as_ref(), entry, "protocol")? {
        NatProtocol::Tcp => vec![Protocol::Tcp],
        NatProtocol::Udp => vec![Protocol::Udp],
        NatProtocol::Any => vec![Protocol::Tcp, Protocol::Udp],
        NatProtocol::Other(_) => return Err(unclear("protocol")),
    };
    Ok(protocols.iter().flat_map(|p| ports.iter().map(|port| (*p, *port))).collect())
}

/// What clients of an entry met.
#[derive(Default)]
struct Tried {
    walks: usize,
    passes: bool,
    /// Something else is wrong, which other rules report.
    otherwise: bool,
    filters: BTreeSet<String>,
    target: Option<String>,
    service: Option<String>,
    missing: BTreeSet<String>,
}

impl Tried {
    /// One client; returns the last one that is treated alike.
    fn client(
        &mut self,
        cx: &Context<'_>,
        external: IpAddr,
        (protocol, port): (Protocol, u16),
        first: u128,
    ) -> u128 {
        self.walks += 1;
        let client = Family::V4.address(first);
        let question = question(From::Internet(client), external, None, protocol, port);
        let Some(trace) = trace(cx.fabric, &question) else { return first };
        if trace.branches.is_empty() {
            self.otherwise = true;
        }
        for branch in &trace.branches {
            self.branch(cx, &trace, branch);
        }
        reach(cx.fabric, &trace, client).last
    }

    fn branch(&mut self, cx: &Context<'_>, trace: &Trace, branch: &Branch) {
        if let Some(target) = &branch.target
            && self.target.is_none()
            && let Some(host) = resource(cx.fabric, target.element)
        {
            self.target = Some(format!("port {} of {host} ({})", target.port, target.address));
            let protocol = branch.forward.header.protocol;
            self.service = Some(format!("{protocol} {}", target.port));
        }
        let back = branch.back.iter().flat_map(|back| &back.blockers);
        let mut filters = branch.forward.blockers.iter().chain(back).filter(|b| is_filter(b));
        match branch.connection {
            Connection::Works | Connection::Partial => self.passes = true,
            Connection::Fails => match filters.next() {
                Some(first) => {
                    for blocker in std::iter::once(first).chain(filters) {
                        let name = resource(cx.fabric, blocker.at).map(ToString::to_string);
                        self.filters.extend(name);
                    }
                }
                None => self.otherwise = true,
            },
            Connection::Unknown => {
                self.missing.extend(trace.missing.iter().map(Text::to_string));
            }
        }
    }

    fn report(self, cx: &Context<'_>, entry: &DnatEntry, out: &mut Sink) -> Result<(), Unknown> {
        if !self.missing.is_empty() {
            return Err(Unknown { missing: self.missing });
        }
        if self.otherwise || self.filters.is_empty() {
            return Ok(());
        }
        let names: Vec<&String> = self.filters.iter().collect();
        let verb = if names.len() == 1 { "lets" } else { "let" };
        let mut finding = out.fail("blocked").on(entry, "internal_port");
        for group in cx.topology.security_groups.iter() {
            if self.filters.contains(&group.to_ref().to_string()) {
                finding = finding.with_whole(group, "lets no client in");
            }
        }
        for acl in cx.topology.network_acls.iter() {
            if self.filters.contains(&acl.to_ref().to_string()) {
                finding = finding.with_whole(acl, "stops requests or replies");
                finding = finding.unless_reported("ACL004", acl);
            }
        }
        finding
            .fact("entry", entry.to_ref())
            .fact("target", self.target.unwrap_or_else(|| "its target".to_owned()))
            .fact("service", self.service.unwrap_or_else(|| "the internal port".to_owned()))
            .fact("filters", first_of(&names, 3))
            .fact("verb", verb)
            .emit();
        Ok(())
    }
}

/// Does a filter of the target stop it, in either direction?
fn is_filter(blocker: &Blocker) -> bool {
    matches!(
        blocker.reason,
        Reason::SgIngressDenied | Reason::NaclIngressDenied | Reason::NaclEgressDenied
    )
}
