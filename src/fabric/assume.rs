//! Knobs: facts that the documents leave open or that an export does not state, with the default
//! that is used and printed (egress.md §8).

use std::fmt;
use std::str::FromStr;

/// How a VPC reaches the Internet (egress.md §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InternetMode {
    /// A resource with its own public address reaches the Internet whatever the routes say.
    Direct,
    /// Everything follows the route tables; an activated IPv4 gateway is the way out.
    Central,
    /// Nothing reaches the Internet.
    Private,
}

impl InternetMode {
    /// Lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Central => "central",
            Self::Private => "private",
        }
    }
}

impl fmt::Display for InternetMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a route to a next hop that is gone does (egress.md §8 U1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeadNexthop {
    /// It stays in the table and swallows packets.
    #[default]
    Blackhole,
    /// It is passed over.
    Skip,
}

/// Whether IP mapping on a NAT gateway works without a route to it (egress.md §8 C9, decisions.md 31).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DnatBypass {
    /// Exactly on gateways of type Normal.
    #[default]
    NormalOnly,
    /// Never.
    Never,
}

/// Whether a listing counts as whole when nothing says so: output of `aliyun --pager`, bare lists
/// (formats-api.md F3, F4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnverifiedListings {
    /// Pages may be missing, so what depends on it is unknown.
    #[default]
    Incomplete,
    /// The user vouches for it.
    Complete,
}

/// Settings of all knobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assume {
    /// Mode of VPCs for which the input does not state it; `None`: by decisions.md 30.
    pub internet_mode: Option<InternetMode>,
    /// Routes to dead next hops.
    pub dead_nexthop: DeadNexthop,
    /// IP mapping that bypasses routes.
    pub dnat_ip_map_bypasses_routes: DnatBypass,
    /// Listings of which nothing says whether pages are missing.
    pub unverified_listings: UnverifiedListings,
}

/// A knob that does not exist, or a value that it does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssumeError {
    /// No `=`.
    #[error("`{0}` is not of the form knob=value")]
    Form(String),
    /// No such knob.
    #[error("there is no knob `{name}`; knobs are {}", KNOBS.map(|(name, _)| name).join(", "))]
    Name {
        /// The text given.
        name: String,
    },
    /// No such value.
    #[error("`{value}` is not a value of `{knob}`; use {allowed}")]
    Value {
        /// Knob.
        knob: &'static str,
        /// The text given.
        value: String,
        /// Values that it takes.
        allowed: &'static str,
    },
}

/// Names and values of all knobs.
pub const KNOBS: [(&str, &str); 4] = [
    ("internet_mode", "direct, central or private"),
    ("dead_nexthop", "blackhole or skip"),
    ("dnat_ip_map_bypasses_routes", "normal_only or never"),
    ("unverified_listings", "incomplete or complete"),
];

impl Assume {
    /// Sets one knob from `knob=value`.
    pub fn set(&mut self, text: &str) -> Result<(), AssumeError> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| AssumeError::Form(text.to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        let (knob, allowed) = KNOBS
            .into_iter()
            .find(|(knob, _)| *knob == name)
            .ok_or_else(|| AssumeError::Name { name: name.to_owned() })?;
        let known = match (knob, value) {
            ("internet_mode", _) => {
                value.parse().map(|mode| self.internet_mode = Some(mode)).is_ok()
            }
            ("dead_nexthop", "blackhole") => {
                self.dead_nexthop = DeadNexthop::Blackhole;
                true
            }
            ("dead_nexthop", "skip") => {
                self.dead_nexthop = DeadNexthop::Skip;
                true
            }
            ("unverified_listings", "incomplete") => {
                self.unverified_listings = UnverifiedListings::Incomplete;
                true
            }
            ("unverified_listings", "complete") => {
                self.unverified_listings = UnverifiedListings::Complete;
                true
            }
            ("dnat_ip_map_bypasses_routes", "normal_only") => {
                self.dnat_ip_map_bypasses_routes = DnatBypass::NormalOnly;
                true
            }
            ("dnat_ip_map_bypasses_routes", "never") => {
                self.dnat_ip_map_bypasses_routes = DnatBypass::Never;
                true
            }
            _ => false,
        };
        if known {
            Ok(())
        } else {
            Err(AssumeError::Value { knob, value: value.to_owned(), allowed })
        }
    }
}

impl FromStr for InternetMode {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "direct" => Ok(Self::Direct),
            "central" => Ok(Self::Central),
            "private" => Ok(Self::Private),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knobs_are_set_by_text() {
        let mut assume = Assume::default();
        assume.set("internet_mode=central").unwrap();
        assume.set("dead_nexthop = skip").unwrap();
        assert_eq!(assume.internet_mode, Some(InternetMode::Central));
        assert_eq!(assume.dead_nexthop, DeadNexthop::Skip);
        assert!(
            assume.set("dead_nexthop=maybe").unwrap_err().to_string().contains("blackhole or skip")
        );
        assert!(assume.set("speed=1").unwrap_err().to_string().contains("internet_mode"));
        assert!(assume.set("speed").is_err());
    }
}
