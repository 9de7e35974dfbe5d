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

macro_rules! knobs {
    ($(
        $(#[$doc:meta])*
        $field:ident: $name:ident {
            $(#[$fdoc:meta])* $first:ident = $fword:literal,
            $( $(#[$vdoc:meta])* $variant:ident = $word:literal ),* $(,)?
        }
    )*) => {
        $(
            $(#[$doc])*
            ///
            /// The first value is the default.
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
            pub enum $name { #[default] $(#[$fdoc])* $first, $( $(#[$vdoc])* $variant, )* }

            impl $name {
                const VALUES: &'static [(Self, &'static str)] =
                    &[(Self::$first, $fword), $( (Self::$variant, $word) ),*];

                /// Name of the value, as it is set and printed.
                pub fn name(self) -> &'static str {
                    match self { Self::$first => $fword, $( Self::$variant => $word ),* }
                }
            }
        )*

        /// Settings of all knobs.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Assume {
            /// Mode of VPCs for which the input does not state it; `None`: by decisions.md 30.
            pub internet_mode: Option<InternetMode>,
            $( $(#[$doc])* pub $field: $name, )*
        }

        /// Names and values of all knobs; the first value is the default.
        pub const KNOBS: &[(&str, &[&str])] = &[
            ("internet_mode", &["direct", "central", "private"]),
            $( (stringify!($field), &[$fword, $( $word ),*]), )*
        ];

        impl Assume {
            /// Sets a knob to a value; `None` when it does not take it.
            fn put(&mut self, knob: &str, value: &str) -> Option<()> {
                match knob {
                    "internet_mode" => self.internet_mode = Some(value.parse().ok()?),
                    $( stringify!($field) => {
                        self.$field = $name::VALUES.iter().find(|(_, word)| *word == value)?.0;
                    } )*
                    _ => return None,
                }
                Some(())
            }
        }
    };
}

knobs! {
    /// What a route to a next hop that is gone does (egress.md §8 U1).
    dead_nexthop: DeadNexthop {
        /// It stays in the table and swallows packets.
        Blackhole = "blackhole",
        /// It is passed over.
        Skip = "skip",
    }
    /// Whether IP mapping on a NAT gateway works without a route to it (egress.md §8 C9,
    /// decisions.md 31).
    dnat_ip_map_bypasses_routes: DnatBypass {
        /// Exactly on gateways of type Normal.
        NormalOnly = "normal_only",
        /// Never.
        Never = "never",
    }
    /// Whether a listing counts as whole when nothing says so: output of `aliyun --pager`, bare
    /// lists (formats-api.md F3, F4).
    unverified_listings: UnverifiedListings {
        /// Pages may be missing, so what depends on it is unknown.
        Incomplete = "incomplete",
        /// The user vouches for it.
        Complete = "complete",
    }
    /// Which sources reach a public destination whatever a more specific private route says, in a
    /// VPC without IPv4 gateway (egress.md §8 C1, decisions.md 16).
    public_range_bypass: PublicRangeBypass {
        /// Those with a public address of their own.
        OwnIpOnly = "own_ip_only",
        /// Also those behind an Internet NAT gateway.
        AnyInternetCapable = "any_internet_capable",
    }
    /// Whether the default route that the first NAT gateway of a VPC gets by itself is added where
    /// the input has none (egress.md §8 C6).
    synthesize_nat_default_route: SynthesizeNatRoute {
        /// In inputs that list only what the customer made: plans.
        Plans = "plans",
        /// Never.
        Never = "never",
        /// In every input.
        Always = "always",
    }
    /// What filters do of which the input does not state the groups or rules.
    missing_filters: MissingFilters {
        /// What depends on them is unknown.
        Unknown = "unknown",
        /// They let everything through.
        Pass = "pass",
    }
    /// Whether security groups of a backend see packets of a layer 4 CLB listener, which carry the
    /// client's address (access.md §1.6).
    lb_l4_backend_sg: LbL4BackendSg {
        /// They do not.
        Bypass = "bypass",
        /// They do, with the client's address.
        ClientIp = "client_ip",
    }
    /// What a white list without entries lets through (access.md §3.3).
    empty_white_acl: EmptyWhiteAcl {
        /// Everything.
        ForwardAll = "forward_all",
        /// Nothing.
        DropAll = "drop_all",
    }
    /// Whether the network ACL of a NAT gateway's vSwitch tests what it translates (access.md §2.2).
    nacl_on_nat_vswitch: NaclOnNatVswitch {
        /// It does not.
        Ignore = "ignore",
        /// It does.
        Apply = "apply",
    }
    /// The source that a CLB behind an endpoint shows its backends (access.md §4.6).
    pl_clb_source: PlClbSource {
        /// An address of the load balancer's system range.
        SystemRange = "100.64",
        /// Not known.
        Unknown = "unknown",
    }
    /// What a listener does when all its backends are unhealthy (access.md §3.2).
    all_unhealthy: AllUnhealthy {
        /// Nothing is forwarded.
        Drop = "drop",
        /// It forwards as if all were healthy.
        Forward = "forward",
    }
    /// Whether filters of an instance that forwards the packets of others test them
    /// (decisions.md 33).
    forwarder_filters: ForwarderFilters {
        /// They do.
        Apply = "apply",
        /// They do not.
        Ignore = "ignore",
    }
    /// Whether the platform blocks TCP port 25 towards the Internet (access.md §1.5). Reports on
    /// all destinations leave it out; traces do not.
    smtp_25: Smtp25 {
        /// It does, unless Alibaba Cloud has lifted the block for the account.
        Blocked = "blocked",
        /// The block is lifted.
        Open = "open",
    }
}

/// A knob that does not exist, or a value that it does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssumeError {
    /// No `=`.
    #[error("`{0}` is not of the form knob=value")]
    Form(String),
    /// No such knob.
    #[error("there is no knob `{name}`; knobs are {knobs}")]
    Name {
        /// The text given.
        name: String,
        /// Names of all knobs.
        knobs: String,
    },
    /// No such value.
    #[error("`{value}` is not a value of `{knob}`; use {allowed}")]
    Value {
        /// Knob.
        knob: &'static str,
        /// The text given.
        value: String,
        /// Values that it takes.
        allowed: String,
    },
}

impl Assume {
    /// Sets one knob from `knob=value`.
    pub fn set(&mut self, text: &str) -> Result<(), AssumeError> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| AssumeError::Form(text.to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        let (knob, allowed) = KNOBS
            .iter()
            .find(|(knob, _)| *knob == name)
            .ok_or_else(|| AssumeError::Name { name: name.to_owned(), knobs: knob_names() })?;
        self.put(knob, value).ok_or_else(|| AssumeError::Value {
            knob,
            value: value.to_owned(),
            allowed: alternatives(allowed),
        })
    }
}

fn knob_names() -> String {
    KNOBS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// `direct, central or private`.
fn alternatives(values: &[&str]) -> String {
    match values {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        all => all.concat(),
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
    fn the_page_on_assumptions_names_every_knob() {
        let page = include_str!("../../docs/assumptions.md");
        for (knob, values) in KNOBS {
            let all: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            let start = format!("| `{knob}` | {} | ", all.join(", "));
            let row = page.lines().find_map(|line| line.strip_prefix(&start));
            let row = row.unwrap_or_else(|| panic!("no row `{start}`"));
            // without a setting, the mode follows from the input
            let default = if *knob == "internet_mode" { "`central` if" } else { &all[0] };
            assert!(row.starts_with(default), "default of {knob}: {row}");
        }
    }

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
