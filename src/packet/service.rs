//! The service line: protocol and destination port as one number.
//!
//! TCP ports come first, then UDP ports, then one point each for ICMP, GRE and every other
//! protocol. Sets of services are then sets of ranges, and one sweep covers them all.

use std::fmt;

use super::Protocol;

const UDP: u32 = 0x1_0000;
const ICMP: u32 = 0x2_0000;
const GRE: u32 = ICMP + 1;
const OTHER: u32 = ICMP + 2;

/// Ranges of ports, both ends included, in order.
pub type Ports = Vec<(u16, u16)>;

/// A protocol with its destination port: a point of the service line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service(u32);

impl Service {
    /// The last point of the line.
    pub const LAST: Self = Self(OTHER);

    /// The service of a protocol and port; the port counts for TCP and UDP only.
    pub fn new(protocol: Protocol, port: u16) -> Self {
        Self(match protocol {
            Protocol::Tcp => u32::from(port),
            Protocol::Udp => UDP + u32::from(port),
            Protocol::Icmp => ICMP,
            Protocol::Gre => GRE,
            Protocol::Other => OTHER,
        })
    }

    /// Protocol.
    pub fn protocol(self) -> Protocol {
        match self.0 {
            0..UDP => Protocol::Tcp,
            UDP..ICMP => Protocol::Udp,
            ICMP => Protocol::Icmp,
            GRE => Protocol::Gre,
            _ => Protocol::Other,
        }
    }

    /// Destination port; 0 for protocols without ports.
    pub fn port(self) -> u16 {
        let port = match self.protocol() {
            Protocol::Tcp => self.0,
            Protocol::Udp => self.0 - UDP,
            _ => 0,
        };
        u16::try_from(port).unwrap_or(0)
    }

    /// The point after it.
    pub fn next(self) -> Option<Self> {
        (self < Self::LAST).then(|| Self(self.0 + 1))
    }

    fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

/// A range of the service line, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceRange {
    /// First point.
    pub first: Service,
    /// Last point.
    pub last: Service,
}

impl ServiceRange {
    /// The whole line.
    pub const ALL: Self = Self { first: Service(0), last: Service::LAST };

    /// A protocol with all its ports.
    pub fn of(protocol: Protocol) -> Self {
        Self::ports(protocol, 0, u16::MAX)
    }

    /// A protocol with a range of ports; the ports count for TCP and UDP only.
    pub fn ports(protocol: Protocol, first: u16, last: u16) -> Self {
        Self { first: Service::new(protocol, first), last: Service::new(protocol, last) }
    }

    /// True when the service lies in the range.
    pub fn contains(&self, service: Service) -> bool {
        self.first <= service && service <= self.last
    }

    /// The common part.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Self { first, last })
    }
}

/// A set of services: disjoint ranges that do not touch, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceSet(Vec<ServiceRange>);

impl ServiceSet {
    /// All services.
    pub fn all() -> Self {
        Self(vec![ServiceRange::ALL])
    }

    /// The set of these ranges.
    pub fn from_ranges(mut ranges: Vec<ServiceRange>) -> Self {
        ranges.sort_unstable();
        let mut out: Vec<ServiceRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match out.last_mut() {
                Some(last) if last.last.next().is_none_or(|next| range.first <= next) => {
                    last.last = last.last.max(range.last);
                }
                _ => out.push(range),
            }
        }
        Self(out)
    }

    /// Its ranges, in order.
    pub fn ranges(&self) -> &[ServiceRange] {
        &self.0
    }

    /// True when nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when everything is in it.
    pub fn is_all(&self) -> bool {
        self.0 == [ServiceRange::ALL]
    }

    /// True when the service is in it.
    pub fn contains(&self, service: Service) -> bool {
        self.0.iter().any(|range| range.contains(service))
    }

    /// The widest range around a service whose members are all in the set, or all outside.
    pub fn constant_range(&self, service: Service) -> ServiceRange {
        let mut out = ServiceRange::ALL;
        for range in &self.0 {
            if range.contains(service) {
                return *range;
            }
            if range.last < service {
                out.first = range.last.next().unwrap_or(Service::LAST);
            } else {
                out.last = range.first.previous().unwrap_or(Service(0));
                break;
            }
        }
        out
    }

    /// Everything in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_ranges(self.0.iter().chain(&other.0).copied().collect())
    }

    /// Everything in both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let common = self.0.iter().flat_map(|a| other.0.iter().filter_map(|b| a.intersect(b)));
        Self::from_ranges(common.collect())
    }

    /// Everything that is not in it.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut out = Vec::new();
        let mut from = Some(Service(0));
        for range in &self.0 {
            if let (Some(first), Some(last)) = (from, range.first.previous())
                && first <= last
            {
                out.push(ServiceRange { first, last });
            }
            from = range.last.next();
        }
        if let Some(first) = from {
            out.push(ServiceRange { first, last: Service::LAST });
        }
        Self(out)
    }

    /// The set by protocol: for each protocol in it its ports, `None` for all of them.
    pub fn by_protocol(&self) -> Vec<(Protocol, Option<Ports>)> {
        Protocol::ALL
            .into_iter()
            .filter_map(|protocol| {
                let whole = ServiceRange::of(protocol);
                let ports: Ports = self
                    .0
                    .iter()
                    .filter_map(|range| range.intersect(&whole))
                    .map(|range| (range.first.port(), range.last.port()))
                    .collect();
                let all = !protocol.has_ports() || ports == [(0, u16::MAX)];
                (!ports.is_empty()).then_some((protocol, (!all).then_some(ports)))
            })
            .collect()
    }
}

impl fmt::Display for ServiceSet {
    /// `any`, or `tcp/80,443 udp icmp`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("any");
        }
        for (n, (protocol, ports)) in self.by_protocol().iter().enumerate() {
            let space = if n > 0 { " " } else { "" };
            write!(f, "{space}{protocol}")?;
            if let Some(ports) = ports {
                write!(f, "/{}", port_list(ports))?;
            }
        }
        Ok(())
    }
}

/// `80,443,8000-8099`.
pub fn port_list(ports: &[(u16, u16)]) -> String {
    let text = |(first, last): &(u16, u16)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ports.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_name_themselves() {
        let web = ServiceSet::from_ranges(vec![
            ServiceRange::ports(Protocol::Tcp, 443, 443),
            ServiceRange::ports(Protocol::Tcp, 80, 81),
            ServiceRange::of(Protocol::Icmp),
        ]);
        assert_eq!(web.to_string(), "tcp/80-81,443 icmp");
        assert_eq!(ServiceSet::all().to_string(), "any");
        assert_eq!(web.complement().complement(), web);
        assert!(web.intersect(&web.complement()).is_empty());
        assert!(web.union(&web.complement()).is_all());
    }

    #[test]
    fn constant_ranges_end_where_membership_changes() {
        let web = ServiceSet::from_ranges(vec![ServiceRange::ports(Protocol::Tcp, 80, 90)]);
        let at = |port| Service::new(Protocol::Tcp, port);
        assert_eq!(web.constant_range(at(85)), ServiceRange::ports(Protocol::Tcp, 80, 90));
        assert_eq!(web.constant_range(at(3)), ServiceRange { first: at(0), last: at(79) });
        assert_eq!(web.constant_range(Service::LAST).first, at(91));
    }
}
