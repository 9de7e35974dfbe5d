//! The public addresses at which a stranger reaches a host.

use super::{Flows, Target, source_end};
use crate::analyze::trace::To;
use crate::fabric::{OwnPublic, SourcePoint};
use crate::packet::Protocol;
use crate::policy::resolve::own;
use crate::policy::selector::Ask;
use crate::topology::{AddrValue, NatPort, NatProtocol, Resource, Text};

impl Flows<'_, '_> {
    /// The public addresses under which a host is published: its own, and those of DNAT entries.
    pub(super) fn published(&self, v4: Option<usize>, v6: Option<usize>) -> Vec<Target> {
        let sources: Vec<&SourcePoint> =
            [v4, v6].into_iter().filter_map(|n| self.source(n)).collect();
        let mut out: Vec<Target> = Vec::new();
        for source in &sources {
            let own = own(source).filter(|_| match &source.own {
                OwnPublic::Held(held) => !held.is_translation(),
                _ => false,
            });
            let Some(address) = own else { continue };
            out.push(Target::new(To { address, host: None }, source_end(source)));
        }
        for source in &sources {
            out.extend(self.forwarded(source));
        }
        if out.is_empty()
            && let Some(source) = sources.first()
            && let Some(address) = source.address.addr()
        {
            let mut target = Target::new(To { address, host: None }, source_end(source));
            target.notes.push(Text::from(format!(
                "{} has no public address, and no DNAT entry leads to this port of it",
                source.instance.as_ref().unwrap_or(&source.eni)
            )));
            out.push(target);
        }
        out
    }

    /// The public addresses of DNAT entries that lead to a source. What is asked for is the port of
    /// the host; the question is about the public port that leads to it.
    fn forwarded(&self, source: &SourcePoint) -> Vec<Target> {
        let t = self.resolver.topology;
        let mut out: Vec<Target> = Vec::new();
        for entry in &t.dnat_entries {
            let nat = entry.nat_gateway.as_ref().and_then(|id| t.nat_gateways.get(id));
            let here = nat.and_then(|nat| nat.vpc.as_ref()) == source.vpc.as_ref();
            let leads = here && entry.internal_ip.as_ref() == Some(&source.address);
            let Some(address) = entry.external_ip.as_ref().and_then(AddrValue::addr) else {
                continue;
            };
            if !leads || !of_protocol(entry.protocol.as_ref(), self.options.ask) {
                continue;
            }
            let mut target = Target::new(To { address, host: None }, source_end(source));
            let ports = (&entry.external_port, &entry.internal_port);
            if let Some(Ask { protocol, port: Some(port) }) = self.options.ask {
                let Some(outer) = outer_port(ports.0.as_ref(), ports.1.as_ref(), port) else {
                    continue;
                };
                target.ask = Some(Ask { protocol, port: Some(outer) });
                if outer != port {
                    let entry = entry.to_ref();
                    target.notes.push(Text::from(format!(
                        "{entry} publishes port {port} as port {outer} of {address}"
                    )));
                }
            }
            let known = |other: &Target| other.to == target.to && other.ask == target.ask;
            if !out.iter().any(known) {
                out.push(target);
            }
        }
        out
    }
}

/// True when an entry may carry what is asked for.
fn of_protocol(stated: Option<&NatProtocol>, ask: Option<Ask>) -> bool {
    match (stated, ask.map(|ask| ask.protocol)) {
        (Some(NatProtocol::Tcp), Some(protocol)) => protocol == Protocol::Tcp,
        (Some(NatProtocol::Udp), Some(protocol)) => protocol == Protocol::Udp,
        _ => true,
    }
}

/// The public port behind which an inner port lies; an outer port is taken as it is.
fn outer_port(outer: Option<&NatPort>, inner: Option<&NatPort>, port: u16) -> Option<u16> {
    match (outer, inner) {
        (Some(NatPort::Range(outer, _)), Some(NatPort::Range(first, last)))
            if (*first..=*last).contains(&port) =>
        {
            outer.checked_add(port - first)
        }
        (Some(NatPort::Range(first, last)), _) => (*first..=*last).contains(&port).then_some(port),
        _ => Some(port),
    }
}
