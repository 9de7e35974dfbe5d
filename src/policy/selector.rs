//! Selectors as the user writes them (rules.md §8.2): `vpc:prod tag:tier=app | lb:web`.
//!
//! A space means AND, `|` means OR and binds less tightly, `!` means NOT, `*` in a value stands for
//! any text, and values with spaces stand in double quotes. A word without a kind is the id, name
//! or address of anything.

use std::fmt;
use std::iter::Peekable;
use std::net::IpAddr;
use std::str::{CharIndices, FromStr};

use super::matching::nearest;
use crate::addr::Cidr;
use crate::packet::Protocol;

/// A selector: any of several lists of terms that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Alternatives; never empty, and none of them is.
    pub any: Vec<Vec<Term>>,
}

/// A condition, or its contrary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The contrary is meant.
    pub negated: bool,
    /// The condition.
    pub atom: Atom,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Atom {
    /// Everything.
    All,
    /// The Internet, or one address of it.
    Internet(Option<IpAddr>),
    /// An address.
    Ip(IpAddr),
    /// A block of addresses.
    Cidr(Cidr),
    /// A tag with this key and a value like this.
    Tag(String, String),
    /// Something of a kind with an id, name or value like this.
    Of(Key, String),
    /// The id, name or address of anything.
    Word(String),
}

macro_rules! keys {
    ($( $(#[$doc:meta])* $variant:ident = $name:literal $(| $alias:literal)*; )*) => {
        /// The kinds that a selector may name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key { $( $(#[$doc])* $variant, )* }

        impl Key {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];

            /// The word of a selector.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $name ),* }
            }

            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $( $name $(| $alias)* => Some(Self::$variant), )*
                    _ => None,
                }
            }
        }
    };
}

keys! {
    /// A group of the configuration.
    Group = "group";
    /// An instance.
    Ecs = "ecs" | "instance";
    /// An ENI.
    Eni = "eni";
    /// A HaVip.
    HaVip = "havip";
    /// What is in a VPC.
    Vpc = "vpc";
    /// What is in a vSwitch.
    Vsw = "vsw" | "vswitch";
    /// Members of a security group.
    Sg = "sg" | "security_group";
    /// What is in a zone.
    Zone = "zone";
    /// What has a role: of its address (`primary`, `secondary_eni`, …), or given by hand or tag.
    Role = "role";
    /// Addresses like this, also masked ones.
    Ip = "ip";
    /// An EIP.
    Eip = "eip";
    /// A NAT gateway.
    Nat = "nat" | "nat_gateway";
    /// A load balancer.
    Lb = "lb" | "load_balancer";
    /// An endpoint service.
    Svc = "svc" | "endpoint_service";
    /// An endpoint.
    Ep = "ep" | "endpoint";
    /// A network on premises of the configuration.
    OnPrem = "onprem";
    /// What an account owns.
    Account = "account";
}

/// Words before a colon that are no [`Key`].
const OTHER_WORDS: [&str; 3] = ["tag", "cidr", "internet"];

/// Why a selector cannot be read or means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectorError {
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl SelectorError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for SelectorError {}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut any = vec![Vec::new()];
        let mut chars = text.char_indices().peekable();
        while let Some((_, c)) = chars.peek().copied() {
            if c.is_whitespace() {
                chars.next();
            } else if c == '|' {
                chars.next();
                any.push(Vec::new());
            } else if let Some(last) = any.last_mut() {
                last.push(term(&mut chars)?);
            }
        }
        if any.iter().all(Vec::is_empty) {
            return Err(SelectorError::new("the selector is empty")
                .help("name something: an id, a name, an address, `internet`, or `*`"));
        }
        if any.iter().any(Vec::is_empty) {
            return Err(SelectorError::new(format!("`{text}`: one side of `|` is empty")));
        }
        Ok(Self { any })
    }
}

type Chars<'a> = Peekable<CharIndices<'a>>;

fn term(chars: &mut Chars<'_>) -> Result<Term, SelectorError> {
    let mut negated = false;
    while chars.next_if(|(_, c)| *c == '!').is_some() {
        negated = !negated;
    }
    let token = token(chars)?;
    if token.head.is_empty() && token.quoted.is_none() {
        return Err(SelectorError::new("`!` stands before nothing")
            .help("write it directly before a term: `!ecs:web-1`"));
    }
    Ok(Term { negated, atom: atom(token)? })
}

/// A term as written: what stands before the quotes, and what in them.
struct Token {
    head: String,
    quoted: Option<String>,
}

fn token(chars: &mut Chars<'_>) -> Result<Token, SelectorError> {
    let mut head = String::new();
    while let Some((_, c)) = chars.next_if(|(_, c)| !c.is_whitespace() && *c != '|') {
        if c != '"' {
            head.push(c);
            continue;
        }
        if !head.is_empty() && !head.ends_with(':') {
            return Err(SelectorError::new(format!("a quote in the middle of `{head}\"`"))
                .help("quote the whole value: `ecs:\"web 1\"`"));
        }
        let quoted = Some(quoted(chars)?);
        if chars.peek().is_some_and(|(_, c)| !c.is_whitespace() && *c != '|') {
            return Err(SelectorError::new("text directly behind a closing quote"));
        }
        return Ok(Token { head, quoted });
    }
    Ok(Token { head, quoted: None })
}

fn quoted(chars: &mut Chars<'_>) -> Result<String, SelectorError> {
    let mut text = String::new();
    while let Some((_, c)) = chars.next() {
        match c {
            '"' => return Ok(text),
            '\\' => text.extend(chars.next().map(|(_, c)| c)),
            c => text.push(c),
        }
    }
    Err(SelectorError::new("a quote is not closed"))
}

fn atom(token: Token) -> Result<Atom, SelectorError> {
    let Token { head, quoted } = token;
    let (word, value) = match (&quoted, head.split_once(':')) {
        (Some(text), None) if head.is_empty() => return Ok(Atom::Word(text.clone())),
        (None, None) => return Ok(bare(&head)),
        (None, _) if address(&head).is_some() => return Ok(bare(&head)),
        (Some(text), Some((word, ""))) => (word, text.as_str()),
        (None, Some((word, value))) => (word, value),
        _ => return Err(SelectorError::new(format!("`{head}\"…\"` is not understood"))),
    };
    let word = word.to_ascii_lowercase();
    if value.is_empty() {
        return Err(SelectorError::new(format!("`{word}:` lacks its value")));
    }
    match word.as_str() {
        "ip" => Ok(address(value).map_or(Atom::Of(Key::Ip, value.to_owned()), Atom::Ip)),
        "internet" => match address(value) {
            Some(address) => Ok(Atom::Internet(Some(address))),
            None => Err(SelectorError::new(format!("`{value}` is not an address"))
                .help("write `internet` or `internet:8.8.8.8`")),
        },
        "cidr" => match Cidr::parse(value) {
            Ok(parsed) => Ok(Atom::Cidr(parsed.cidr)),
            Err(error) => Err(SelectorError::new(format!("`cidr:{value}`: {error}"))),
        },
        "tag" => match value.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                Ok(Atom::Tag(key.to_owned(), value.to_owned()))
            }
            _ => Err(SelectorError::new(format!("`tag:{value}` lacks key or value"))
                .help("write `tag:KEY=VALUE`, or `tag:KEY=*` for any value")),
        },
        _ => match Key::from_word(&word) {
            Some(key) => Ok(Atom::Of(key, value.to_owned())),
            None => Err(unknown_key(&word)),
        },
    }
}

fn bare(text: &str) -> Atom {
    match (text, address(text)) {
        ("*", _) => Atom::All,
        ("internet", _) => Atom::Internet(None),
        (_, Some(address)) => Atom::Ip(address),
        _ => Atom::Word(text.to_owned()),
    }
}

/// An address, also in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    inner.unwrap_or(text).parse().ok()
}

fn unknown_key(word: &str) -> SelectorError {
    let keys = || Key::ALL.iter().map(|key| key.name()).chain(OTHER_WORDS);
    let error = SelectorError::new(format!("there is no kind of selector `{word}`"));
    match nearest(word, keys(), 1).first() {
        Some(near) => error.help(format!("did you mean `{near}:`?")),
        None => error.help(format!("use {}", keys().collect::<Vec<_>>().join(", "))),
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, all) in self.any.iter().enumerate() {
            if n > 0 {
                f.write_str(" | ")?;
            }
            for (n, term) in all.iter().enumerate() {
                let space = if n > 0 { " " } else { "" };
                let not = if term.negated { "!" } else { "" };
                write!(f, "{space}{not}{}", term.atom)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Internet(None) => f.write_str("internet"),
            Self::Internet(Some(address)) => write!(f, "internet:{address}"),
            Self::Ip(address) => write!(f, "ip:{address}"),
            Self::Cidr(cidr) => write!(f, "cidr:{cidr}"),
            Self::Tag(key, value) => write!(f, "tag:{}", Quoted(&format!("{key}={value}"))),
            Self::Of(key, value) => write!(f, "{}:{}", key.name(), Quoted(value)),
            Self::Word(text) => {
                let plain = bare(text) == *self && !text.contains(':') && !text.starts_with('!');
                if plain { Quoted(text).fmt(f) } else { always_quoted(text, f) }
            }
        }
    }
}

/// A value, in quotes where it needs them.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needed = |c: char| c.is_whitespace() || matches!(c, '|' | '"');
        if self.0.is_empty() || self.0.contains(needed) {
            always_quoted(self.0, f)
        } else {
            f.write_str(self.0)
        }
    }
}

fn always_quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What a flow is for: `80`, `53/udp`, `icmp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Protocol; TCP where none is given.
    pub protocol: Protocol,
    /// Port; `None` for protocols without ports.
    pub port: Option<u16>,
}

/// A target: a selector, and what to ask of what it selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who.
    pub selector: Selector,
    /// Port and protocol; `None` when the target itself says what it offers.
    pub ask: Option<Ask>,
}

impl FromStr for Wanted {
    type Err = SelectorError;

    /// Reads `SEL[:PORT[/PROTO]]` and `SEL/icmp`.
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        let (rest, protocol) = match text.rsplit_once('/') {
            Some((rest, word)) => match protocol(word) {
                Some(protocol) => (rest, Some(protocol)),
                None => {
                    check_no_protocol(rest, word)?;
                    (text, None)
                }
            },
            None => (text, None),
        };
        let (rest, port) = split_port(rest);
        if let Some(odd) = odd_port(rest).filter(|_| port.is_none()) {
            return Err(
                SelectorError::new(format!("`{odd}` is no port")).help("ports are 1 to 65535")
            );
        }
        let selector = rest.parse()?;
        let protocol_or_tcp = protocol.unwrap_or(Protocol::Tcp);
        let ask = match (port, protocol) {
            (Some(port), _) if protocol_or_tcp.has_ports() => {
                Some(Ask { protocol: protocol_or_tcp, port: Some(port) })
            }
            (Some(_), _) => {
                return Err(SelectorError::new(format!("{protocol_or_tcp} has no ports"))
                    .help(format!("write `{rest}/{protocol_or_tcp}`")));
            }
            (None, None) => None,
            (None, Some(protocol)) if protocol.has_ports() => {
                return Err(SelectorError::new(format!("`{text}` lacks the port"))
                    .help(format!("write `{rest}:PORT/{protocol}`")));
            }
            (None, Some(protocol)) => Some(Ask { protocol, port: None }),
        };
        Ok(Self { selector, ask })
    }
}

fn protocol(word: &str) -> Option<Protocol> {
    Protocol::ALL.into_iter().find(|p| *p != Protocol::Other && p.name().eq_ignore_ascii_case(word))
}

/// A word behind `PORT/` can only be meant as a protocol.
fn check_no_protocol(rest: &str, word: &str) -> Result<(), SelectorError> {
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic());
    match split_port(rest).1 {
        Some(_) if is_word => Err(SelectorError::new(format!("there is no protocol `{word}`"))
            .help("use tcp, udp, icmp or gre")),
        _ => Ok(()),
    }
}

/// Digits behind the last colon of an IPv4 address or a value that are too many for a port.
fn odd_port(text: &str) -> Option<&str> {
    let (rest, digits) = text.rsplit_once(':')?;
    let number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    let value = rest.rsplit_once(':').map_or(rest, |(_, value)| value);
    let target = value.parse::<std::net::Ipv4Addr>().is_ok() || rest.contains(':');
    let address = text.parse::<IpAddr>().is_ok();
    (number && target && !address && digits.parse::<u16>().is_err()).then_some(digits)
}

/// Cuts off `:PORT`, unless it is the value of a kind (`ecs:80`) or a part of an IPv6 address.
fn split_port(text: &str) -> (&str, Option<u16>) {
    let Some((rest, port)) = text.rsplit_once(':') else { return (text, None) };
    let Some(port) = port.parse().ok().filter(|_| port.chars().all(|c| c.is_ascii_digit())) else {
        return (text, None);
    };
    let start = rest.rfind(|c: char| c.is_whitespace() || matches!(c, '|' | '!'));
    let last = start.and_then(|at| rest.get(at + 1..)).unwrap_or(rest);
    let whole = start.and_then(|at| text.get(at + 1..)).unwrap_or(text);
    let value = whole.split_once(':').filter(|(word, _)| is_key(word)).map_or(whole, |(_, v)| v);
    let bracketed = value.starts_with('[');
    if (is_key(last) && last != "internet") || (!bracketed && value.parse::<IpAddr>().is_ok()) {
        return (text, None);
    }
    (rest, Some(port))
}

fn is_key(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    Key::from_word(&word).is_some() || OTHER_WORDS.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Selector {
        text.parse().unwrap()
    }

    fn wanted(text: &str) -> (String, Option<Ask>) {
        let wanted: Wanted = text.parse().unwrap();
        (wanted.selector.to_string(), wanted.ask)
    }

    fn tcp(port: u16) -> Option<Ask> {
        Some(Ask { protocol: Protocol::Tcp, port: Some(port) })
    }

    #[test]
    fn a_space_binds_more_tightly_than_a_bar() {
        let selector = read("vpc:prod tag:tier=app | !lb:web*  10.0.0.1");
        let term = |negated, atom| Term { negated, atom };
        assert_eq!(
            selector.any,
            vec![
                vec![
                    term(false, Atom::Of(Key::Vpc, "prod".into())),
                    term(false, Atom::Tag("tier".into(), "app".into())),
                ],
                vec![
                    term(true, Atom::Of(Key::Lb, "web*".into())),
                    term(false, Atom::Ip("10.0.0.1".parse().unwrap())),
                ],
            ]
        );
        assert_eq!(selector.to_string(), "vpc:prod tag:tier=app | !lb:web* ip:10.0.0.1");
    }

    #[test]
    fn values_with_spaces_stand_in_quotes() {
        let selector = read(r#"ecs:"web 1" | "a|b" | tag:"x=y z" | "internet""#);
        assert_eq!(selector.any[0][0].atom, Atom::Of(Key::Ecs, "web 1".into()));
        assert_eq!(selector.any[1][0].atom, Atom::Word("a|b".into()));
        assert_eq!(selector.any[2][0].atom, Atom::Tag("x".into(), "y z".into()));
        assert_eq!(selector.any[3][0].atom, Atom::Word("internet".into()));
        assert_eq!(selector.to_string(), r#"ecs:"web 1" | "a|b" | tag:"x=y z" | "internet""#);
    }

    #[test]
    fn what_cannot_be_read_says_what_is_near() {
        let error = |text: &str| text.parse::<Selector>().unwrap_err();
        assert_eq!(error("ecz:web").help.unwrap(), "did you mean `ecs:`?");
        assert!(error("nothing-like-it:web").help.unwrap().contains("group, ecs, eni"));
        for text in ["", "  ", "|", "a |", "!", "ecs:", "a\"b\"", "\"a", "cidr:x", "tag:x"] {
            assert!(!error(text).what.is_empty(), "{text}");
        }
    }

    #[test]
    fn the_port_is_what_stands_behind_the_last_colon() {
        assert_eq!(wanted("ecs:web:443"), ("ecs:web".into(), tcp(443)));
        assert_eq!(wanted("10.0.0.1:80"), ("ip:10.0.0.1".into(), tcp(80)));
        assert_eq!(wanted("internet:443"), ("internet".into(), tcp(443)));
        assert_eq!(wanted("internet:8.8.8.8:53/udp").0, "internet:8.8.8.8");
        assert_eq!(
            wanted("a:53/UDP"),
            ("a".into(), Some(Ask { protocol: Protocol::Udp, port: Some(53) }))
        );
        assert_eq!(wanted("[2001:db8::1]:443"), ("ip:2001:db8::1".into(), tcp(443)));
        assert_eq!(wanted("ip:[2001:db8::1]:443"), ("ip:2001:db8::1".into(), tcp(443)));
        assert_eq!(
            wanted("cidr:10.0.0.0/24 zone:b:22"),
            ("cidr:10.0.0.0/24 zone:b".into(), tcp(22))
        );
        let icmp = Some(Ask { protocol: Protocol::Icmp, port: None });
        assert_eq!(wanted("10.0.0.1/icmp"), ("ip:10.0.0.1".into(), icmp));
    }

    #[test]
    fn what_looks_like_a_port_may_be_none() {
        assert_eq!(wanted("ecs:80"), ("ecs:80".into(), None));
        assert_eq!(wanted("2001:db8::1:443"), ("ip:2001:db8::1:443".into(), None));
        assert_eq!(wanted("account:1234567890123456").1, None);
        assert_eq!(wanted("cidr:10.0.0.0/24"), ("cidr:10.0.0.0/24".into(), None));
        assert_eq!(wanted("lb:web"), ("lb:web".into(), None));
        for text in ["a/tcp", "a:80/icmp", "a:80/sctp"] {
            assert!(text.parse::<Wanted>().unwrap_err().help.is_some(), "{text}");
        }
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z0-9*.=/-]{1,8}", "[ -~]{1,8}", "\\PC{1,6}"]
    }

    fn atoms() -> impl Strategy<Value = Atom> {
        let key = prop::sample::select(Key::ALL.to_vec());
        prop_oneof![
            Just(Atom::All),
            any::<Option<IpAddr>>().prop_map(Atom::Internet),
            any::<IpAddr>().prop_map(Atom::Ip),
            (any::<IpAddr>(), 0u8..=32)
                .prop_filter_map("a block", |(ip, mask)| { Cidr::new(ip, mask).map(Atom::Cidr) }),
            ("[a-z:/ ]{1,5}", "[ -~]{0,6}").prop_map(|(k, v)| Atom::Tag(k, v)),
            (key, text())
                .prop_filter("an address is another atom", |(_, t)| address(t).is_none())
                .prop_map(|(key, text)| Atom::Of(key, text)),
            text().prop_map(Atom::Word),
        ]
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,40}|[a-z:|!\"\\[\\]/* .0-9-]{0,40}") {
            let _ = text.parse::<Selector>();
            let _ = text.parse::<Wanted>();
        }

        #[test]
        fn what_is_written_reads_as_itself(
            any in prop::collection::vec(
                prop::collection::vec(
                    (any::<bool>(), atoms()).prop_map(|(negated, atom)| Term { negated, atom }),
                    1..4,
                ),
                1..4,
            )
        ) {
            let selector = Selector { any };
            let written = selector.to_string();
            prop_assert_eq!(written.parse::<Selector>(), Ok(selector), "{}", written);
        }
    }
}
