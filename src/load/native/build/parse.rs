//! The compact notations: `10.0.1.10:8080/tcp`, port ranges, and rule lines.

use std::net::Ipv6Addr;

use crate::topology::{NatPort, PortSpec};

/// `HOST[:PORT[/PROTOCOL]]`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Service<'a> {
    pub(super) host: &'a str,
    pub(super) port: Option<&'a str>,
    pub(super) protocol: Option<&'a str>,
}

impl<'a> Service<'a> {
    /// Takes a text apart; brackets around an IPv6 address set its port off.
    pub(super) fn of(text: &'a str) -> Self {
        let text = text.trim();
        let alone = Self { host: text, port: None, protocol: None };
        if text.parse::<Ipv6Addr>().is_ok() {
            return alone;
        }
        if let Some(host) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            return Self { host, ..alone };
        }
        let Some((host, service)) = text.rsplit_once(':') else { return alone };
        let (port, protocol) = match service.split_once('/') {
            Some((port, protocol)) => (port, Some(protocol)),
            None => (service, None),
        };
        let is_port = port.starts_with(|c: char| c.is_ascii_digit())
            || port.eq_ignore_ascii_case("any")
            || port.eq_ignore_ascii_case("all");
        if !is_port {
            return alone;
        }
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        Self { host, port: Some(port), protocol }
    }
}

/// `80`, `8000-8010` or `any`.
pub(super) fn nat_port(text: &str) -> NatPort {
    if text.eq_ignore_ascii_case("all") {
        return NatPort::Any;
    }
    NatPort::from_text(&text.replace('-', "/"))
}

/// `80`, `8000-8010`, `22/22`, `all`; everything else is `None`.
pub(super) fn ports(text: &str) -> Option<PortSpec> {
    let text = text.trim();
    if ["all", "any", "-1/-1", "-1"].contains(&text.to_ascii_lowercase().as_str()) {
        return Some(PortSpec::All);
    }
    match PortSpec::from_text(&text.replace('-', "/")) {
        PortSpec::Other(_) => None,
        known => Some(known),
    }
}

/// A rule line, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) policy: &'a str,
    pub(super) protocol: &'a str,
    pub(super) ports: Option<&'a str>,
    pub(super) from: Option<&'a str>,
    pub(super) to: Option<&'a str>,
    pub(super) source_ports: Option<&'a str>,
    pub(super) own: Option<&'a str>,
    pub(super) account: Option<&'a str>,
    pub(super) priority: Option<u64>,
}

/// How a rule line is written.
pub(super) const LINE_FORM: &str = "write it like `accept tcp 22 from 10.0.0.0/8 priority 1`: \
     policy, protocol, ports if any, `from` or `to` with the far side, then `source-ports`, `own`, \
     `account`, `priority` if needed";

impl<'a> Line<'a> {
    /// Takes a line apart; the error says what is wrong.
    pub(super) fn of(text: &'a str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let mut line = Line {
            policy: words.next().ok_or("the rule is empty")?,
            protocol: words.next().ok_or("the rule has no protocol")?,
            ..Line::default()
        };
        let keys = ["from", "to", "source-ports", "own", "account", "priority"];
        let mut word = words.next();
        if let Some(ports) = word.filter(|w| !keys.contains(w)) {
            line.ports = Some(ports);
            word = words.next();
        }
        while let Some(key) = word {
            if !keys.contains(&key) {
                return Err(format!("`{key}` is not expected here"));
            }
            let value = words.next().ok_or_else(|| format!("`{key}` has no value"))?;
            let place = match key {
                "from" => &mut line.from,
                "to" => &mut line.to,
                "source-ports" => &mut line.source_ports,
                "own" => &mut line.own,
                "account" => &mut line.account,
                _ => {
                    let number = value.parse();
                    let number = number.map_err(|_| format!("`{value}` is not a priority"))?;
                    if line.priority.replace(number).is_some() {
                        return Err("`priority` is given twice".to_owned());
                    }
                    word = words.next();
                    continue;
                }
            };
            if place.replace(value).is_some() {
                return Err(format!("`{key}` is given twice"));
            }
            word = words.next();
        }
        Ok(line)
    }
}

/// True for a text that someone masked by hand: `139.xxx.xx.107`, `47.**.**.1`.
pub(super) fn is_masked(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("xx") || lower.contains("**")
}

/// True for what is meant as an address: readable, masked, or misspelt (`10.0.0.256`).
pub(super) fn is_address(text: &str) -> bool {
    let text = text.trim();
    let looks_like_v4 = || {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.contains('.')
            && text.chars().all(|c| c.is_ascii_digit() || ".*xX".contains(c))
    };
    text.parse::<std::net::IpAddr>().is_ok() || looks_like_v4()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_come_apart() {
        let of = |text| {
            let s = Service::of(text);
            (s.host.to_owned(), s.port.unwrap_or("-").to_owned(), s.protocol.unwrap_or("-"))
        };
        let is = |host: &str, port: &str, protocol| (host.to_owned(), port.to_owned(), protocol);
        assert_eq!(of("203.0.113.9:80/tcp"), is("203.0.113.9", "80", "tcp"));
        assert_eq!(of("203.0.113.9"), is("203.0.113.9", "-", "-"));
        assert_eq!(of("139.xxx.xx.107:8000-8010/udp"), is("139.xxx.xx.107", "8000-8010", "udp"));
        assert_eq!(of("[2001:db8::1]:any/tcp"), is("2001:db8::1", "any", "tcp"));
        assert_eq!(of("2001:db8::1"), is("2001:db8::1", "-", "-"));
        assert_eq!(of("[2001:db8::1]"), is("2001:db8::1", "-", "-"));
        assert_eq!(of("eip:eip-1"), is("eip:eip-1", "-", "-"));
        assert_eq!(of("instance:i-1:80"), is("instance:i-1", "80", "-"));
    }

    #[test]
    fn rule_lines_come_apart() {
        let line = Line::of("accept tcp 22 from 10.0.0.0/8 priority 1").unwrap();
        assert_eq!((line.policy, line.protocol, line.ports), ("accept", "tcp", Some("22")));
        assert_eq!((line.from, line.priority), (Some("10.0.0.0/8"), Some(1)));
        assert_eq!(Line::of("drop all to any").unwrap().ports, None);
        for (text, error) in [
            ("", "the rule is empty"),
            ("accept", "the rule has no protocol"),
            ("accept tcp 22 23 from any", "`23` is not expected here"),
            ("accept tcp from", "`from` has no value"),
            ("accept tcp from a from b", "`from` is given twice"),
            ("accept tcp from a priority x", "`x` is not a priority"),
        ] {
            assert_eq!(Line::of(text).unwrap_err(), error);
        }
    }

    #[test]
    fn ports_and_masks() {
        assert_eq!(ports("8000-8010"), Some(PortSpec::Range(8000, 8010)));
        assert_eq!(ports("22/22"), Some(PortSpec::Range(22, 22)));
        assert_eq!(ports("-1/-1"), Some(PortSpec::All));
        assert_eq!(ports("web"), None);
        assert_eq!(nat_port("80-81"), NatPort::Range(80, 81));
        assert!(is_masked("139.XXX.xx.107") && is_masked("1.*.**.2") && !is_masked("10.0.0.1"));
        assert!(is_address("139.xxx.xx.107") && is_address("10.0.0.256"));
        assert!(!is_address("eip-xx1") && !is_address("1.example"));
    }
}
