//! Protocols and ports of filter rules as sets of services (access.md §1.3, §2.1).

use super::Compiler;
use crate::addr::Family;
use crate::packet::{Protocol, ServiceRange, ServiceSet};
use crate::topology::{FilterProtocol, PortSpec, Text};

/// Ports as ranges, or what is missing to know them.
pub(super) type Ports = Result<Vec<(u16, u16)>, Text>;

impl Compiler<'_> {
    /// Port ranges of a specification; a port list stands for its entries.
    pub(super) fn ports(&self, spec: Option<&PortSpec>) -> Ports {
        match spec {
            Some(PortSpec::All) => Ok(vec![(0, u16::MAX)]),
            Some(PortSpec::Range(first, last)) => Ok(vec![(*first, *last)]),
            Some(PortSpec::List(id)) => {
                let entries = self.topology.port_lists.get(id).and_then(|l| l.entries.as_ref());
                let Some(entries) = entries else {
                    return Err(Text::from(format!(
                        "entries of port list {id} (not in the input)"
                    )));
                };
                let mut out = Vec::new();
                for entry in entries {
                    match entry {
                        PortSpec::List(_) => {
                            return Err(Text::from(format!("port list {id} names another list")));
                        }
                        entry => out.extend(self.ports(Some(entry))?),
                    }
                }
                Ok(out)
            }
            Some(PortSpec::Other(text)) => Err(Text::from(format!("ports `{text}` (unreadable)"))),
            None => Err(Text::from("ports (not stated)")),
        }
    }

    /// The services of a rule for packets of one family: `None` when no packet of the family can
    /// match it. `icmp` is ICMP over IPv4, `icmpv6` over IPv6; ports count for TCP and UDP only.
    pub(super) fn services(
        &self,
        protocol: Option<&FilterProtocol>,
        ports: Option<&PortSpec>,
        family: Family,
    ) -> Result<Option<ServiceSet>, Text> {
        let of = |protocol| ServiceSet::from_ranges(vec![ServiceRange::of(protocol)]);
        let with_ports = |protocol| {
            let ports = self.ports(ports)?;
            let ranges = ports.iter().map(|(a, b)| ServiceRange::ports(protocol, *a, *b)).collect();
            Ok(Some(ServiceSet::from_ranges(ranges)))
        };
        match (protocol, family) {
            (Some(FilterProtocol::All), _) => Ok(Some(ServiceSet::all())),
            (Some(FilterProtocol::Tcp), _) => with_ports(Protocol::Tcp),
            (Some(FilterProtocol::Udp), _) => with_ports(Protocol::Udp),
            (Some(FilterProtocol::Icmp), Family::V4)
            | (Some(FilterProtocol::Icmpv6), Family::V6) => Ok(Some(of(Protocol::Icmp))),
            (Some(FilterProtocol::Icmp | FilterProtocol::Icmpv6), _) => Ok(None),
            (Some(FilterProtocol::Gre), _) => Ok(Some(of(Protocol::Gre))),
            (Some(FilterProtocol::Other(word)), _) => {
                Err(Text::from(format!("protocol `{word}` (not understood)")))
            }
            (None, _) => Err(Text::from("protocol (not stated)")),
        }
    }
}
