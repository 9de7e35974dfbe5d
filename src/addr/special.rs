//! Ranges that are the same in every network: never routed, never public, or private.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{AddrSet, Cidr, Family};

fn v4(a: u8, b: u8, c: u8, d: u8, mask: u8) -> Cidr {
    Cidr::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), mask)
        .unwrap_or_else(|| Cidr::host(IpAddr::V4(Ipv4Addr::new(a, b, c, d))))
}

fn v6(head: u16, second: u16, mask: u8) -> Cidr {
    let address = IpAddr::V6(Ipv6Addr::new(head, second, 0, 0, 0, 0, 0, 0));
    Cidr::new(address, mask).unwrap_or_else(|| Cidr::host(address))
}

/// RFC 1918.
pub fn rfc1918() -> [Cidr; 3] {
    [v4(10, 0, 0, 0, 8), v4(172, 16, 0, 0, 12), v4(192, 168, 0, 0, 16)]
}

/// RFC 6598 shared address space.
pub fn shared_address_space() -> Cidr {
    v4(100, 64, 0, 0, 10)
}

/// Destinations that no router forwards: "this network", loopback, link-local, multicast, reserved
/// (egress.md §1.2).
pub fn not_routable(family: Family) -> AddrSet {
    match family {
        Family::V4 => AddrSet::from_cidrs(
            family,
            &[
                v4(0, 0, 0, 0, 8),
                v4(127, 0, 0, 0, 8),
                v4(169, 254, 0, 0, 16),
                v4(224, 0, 0, 0, 4),
                v4(240, 0, 0, 0, 4),
            ],
        ),
        // everything but global unicast 2000::/3 and unique local fc00::/7 (egress.md names only
        // the IPv4 ranges; this is the IPv6 counterpart by RFC 4291)
        Family::V6 => {
            AddrSet::from_cidrs(family, &[v6(0x2000, 0, 3), v6(0xfc00, 0, 7)]).complement()
        }
    }
}

/// IPv6 addresses that are routable but private: unique local addresses (RFC 4193).
pub fn unique_local() -> Cidr {
    v6(0xfc00, 0, 7)
}
