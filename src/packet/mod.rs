//! One packet header. Knows nothing of clouds.

use std::fmt;
use std::net::IpAddr;

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
}

impl Protocol {
    /// Lower-case name as used in messages and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Gre => "gre",
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
    /// A TCP packet to port 443, the usual witness.
    pub fn witness(src: IpAddr, dst: IpAddr) -> Self {
        Self { src, dst, protocol: Protocol::Tcp, src_port: WITNESS_SRC_PORT, dst_port: 443 }
    }
}
