//! Values that may be opaque.

use std::fmt;
use std::net::IpAddr;

use super::Text;
use super::resource::Part;
use crate::addr::{Cidr, CidrError};

/// A value of the input: known, or a symbol that stands for a value nobody stated.
///
/// Symbols are masked texts (`139.xxx.xx.107`, rule DATA003) and values that a plan does not know
/// yet (`alicloud_eip_address.nat.ip_address`). Two equal symbols are the same value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value<T> {
    /// The value.
    Known(T),
    /// The text that stands for it.
    Symbol(Text),
}

impl<T> Value<T> {
    /// The value, unless it is a symbol.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Symbol(_) => None,
        }
    }

    /// The symbol, unless the value is known.
    pub fn symbol(&self) -> Option<&Text> {
        match self {
            Self::Known(_) => None,
            Self::Symbol(text) => Some(text),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::Symbol(text) => f.write_str(text),
        }
    }
}

impl<T: Eq + std::hash::Hash> Part for Value<T> {
    fn key(&self) -> impl Eq + std::hash::Hash {
        self
    }
}

/// An address as stated.
pub type AddrValue = Value<IpAddr>;

/// A CIDR block as stated.
pub type CidrValue = Value<StatedCidr>;

/// A block together with the spelling of the input where that had host bits (rule CIDR003).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StatedCidr {
    /// The block, host bits cleared.
    pub cidr: Cidr,
    /// The text, if it had host bits.
    pub as_written: Option<Text>,
}

impl StatedCidr {
    /// Reads a block and remembers its spelling if it had host bits.
    pub fn parse(text: &str) -> Result<Self, CidrError> {
        let parsed = Cidr::parse(text)?;
        Ok(Self {
            cidr: parsed.cidr,
            as_written: parsed.host_bits.then(|| Text::from(text.trim())),
        })
    }
}

impl From<Cidr> for StatedCidr {
    fn from(cidr: Cidr) -> Self {
        Self { cidr, as_written: None }
    }
}

impl fmt::Display for StatedCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.as_written {
            Some(text) => f.write_str(text),
            None => self.cidr.fmt(f),
        }
    }
}

impl CidrValue {
    /// The block, unless it is a symbol.
    pub fn cidr(&self) -> Option<Cidr> {
        self.known().map(|stated| stated.cidr)
    }

    /// Reads a block; a text that is not a block becomes a symbol. The loader reports it.
    pub fn from_text(text: &str) -> Self {
        StatedCidr::parse(text).map_or_else(|_| Self::Symbol(Text::from(text)), Self::Known)
    }
}

impl AddrValue {
    /// The address, unless it is a symbol.
    pub fn addr(&self) -> Option<IpAddr> {
        self.known().copied()
    }

    /// Reads an address; a text that is not an address becomes a symbol. The loader reports it.
    pub fn from_text(text: &str) -> Self {
        text.trim().parse().map_or_else(|_| Self::Symbol(Text::from(text.trim())), Self::Known)
    }
}
