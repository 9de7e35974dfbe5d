//! One packet header, and sets of services. Knows nothing of clouds.

mod service;

use std::fmt;
use std::net::IpAddr;

pub use service::{Ports, Service, ServiceRange, ServiceSet, port_list};

/// Transport protocol of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP or ICMPv6.
    Icmp,
    /// GRE.
    Gre,
    /// Any other.
    Other,
}

impl Protocol {
    /// All of them, in the order of the service line.
    pub const ALL: [Self; 5] = [Self::Tcp, Self::Udp, Self::Icmp, Self::Gre, Self::Other];

    /// True when packets of the protocol carry ports.
    pub fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }

    /// Lower-case name as used in messages and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Gre => "gre",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The header fields that forwarding decisions read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Source port; 0 for protocols without ports.
    pub src_port: u16,
    /// Destination port; 0 for protocols without ports.
    pub dst_port: u16,
}

/// The client port of every witness packet unless the user sets another (decisions.md 39).
pub const WITNESS_SRC_PORT: u16 = 49152;

impl Packet {
    /// Protocol and destination port.
    pub fn service(&self) -> Service {
        Service::new(self.protocol, self.dst_port)
    }

    /// A packet of a service, from the usual client port.
    pub fn of_service(src: IpAddr, dst: IpAddr, service: Service) -> Self {
        let protocol = service.protocol();
        let src_port = if protocol.has_ports() { WITNESS_SRC_PORT } else { 0 };
        Self { src, dst, protocol, src_port, dst_port: service.port() }
    }

    /// A TCP packet to port 443, the usual witness.
    pub fn witness(src: IpAddr, dst: IpAddr) -> Self {
        Self { src, dst, protocol: Protocol::Tcp, src_port: WITNESS_SRC_PORT, dst_port: 443 }
    }
}
