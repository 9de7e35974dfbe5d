//! One prefix type for the whole program.
//!
//! `ipnet` keeps host bits (`10.0.0.1/8 != 10.0.0.0/8`) and accepts leading zeros; a raw
//! [`IpNet`] therefore never leaves this file.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::set::{AddrRange, Family};

/// A CIDR block without host bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr(IpNet);

/// What a text said: the block, and whether host bits had to be cleared to get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParsedCidr {
    /// The block with its host bits cleared.
    pub cidr: Cidr,
    /// True when the text had bits set to the right of the mask (`10.10.1.0/16`).
    pub host_bits: bool,
}

/// Why a text is not a CIDR block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// Not an address, or a mask that is not a number.
    #[error("`{0}` is not a CIDR block (expected something like 10.0.0.0/16)")]
    Syntax(String),
    /// An octet such as `010`, which some programs read as octal.
    #[error("`{0}` has a leading zero in an octet, which is ambiguous; write it without")]
    LeadingZero(String),
    /// A mask longer than the address.
    #[error("`{text}` has the mask /{mask}, but the longest is /{max}")]
    Mask {
        /// The text as given.
        text: String,
        /// The mask in it.
        mask: u32,
        /// The longest mask of the address family.
        max: u32,
    },
}

impl Cidr {
    /// The block of `mask` leading bits that contains `address`; `None` when the mask is too long.
    pub fn new(address: IpAddr, mask: u8) -> Option<Self> {
        IpNet::new(address, mask).ok().map(|net| Self(net.trunc()))
    }

    /// The block that holds just one address.
    pub fn host(address: IpAddr) -> Self {
        Self(IpNet::from(address))
    }

    /// `0.0.0.0/0`.
    pub fn everything_v4() -> Self {
        Self(IpNet::V4(Ipv4Net::default()))
    }

    /// `::/0`.
    pub fn everything_v6() -> Self {
        Self(IpNet::V6(Ipv6Net::default()))
    }

    /// Reads a block; a bare address is a block of one address.
    pub fn parse(text: &str) -> Result<ParsedCidr, CidrError> {
        let text = text.trim();
        let syntax = || CidrError::Syntax(text.to_owned());
        let (address, mask) = match text.split_once('/') {
            Some((address, mask)) => (address, Some(mask)),
            None => (text, None),
        };
        if has_leading_zero(address) {
            return Err(CidrError::LeadingZero(text.to_owned()));
        }
        let address: IpAddr = address.parse().map_err(|_| syntax())?;
        let max: u8 = if address.is_ipv4() { 32 } else { 128 };
        let mask =
            match mask {
                None => max,
                Some(mask) if !mask.is_empty() && mask.bytes().all(|b| b.is_ascii_digit()) => {
                    let mask: u32 = mask.parse().map_err(|_| syntax())?;
                    u8::try_from(mask).ok().filter(|m| *m <= max).ok_or_else(|| {
                        CidrError::Mask { text: text.to_owned(), mask, max: u32::from(max) }
                    })?
                }
                Some(_) => return Err(syntax()),
            };
        let net = IpNet::new(address, mask).map_err(|_| syntax())?;
        Ok(ParsedCidr { cidr: Self(net.trunc()), host_bits: net != net.trunc() })
    }

    /// Number of leading bits that are fixed.
    pub fn mask(&self) -> u8 {
        self.0.prefix_len()
    }

    /// First address of the block.
    pub fn first(&self) -> IpAddr {
        self.0.network()
    }

    /// Last address of the block.
    pub fn last(&self) -> IpAddr {
        self.0.broadcast()
    }

    /// IPv4 or IPv6.
    pub fn family(&self) -> Family {
        match self.0 {
            IpNet::V4(_) => Family::V4,
            IpNet::V6(_) => Family::V6,
        }
    }

    /// True when `address` is in the block.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// True when every address of `other` is in this block (a block contains itself).
    pub fn contains_block(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    /// True when the blocks share an address. Two blocks overlap exactly when one contains the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains_block(other) || other.contains_block(self)
    }

    /// Number of addresses; saturates at `u128::MAX` for `::/0`.
    pub fn size(&self) -> u128 {
        let bits = match self.family() {
            Family::V4 => 32 - u32::from(self.mask()),
            Family::V6 => 128 - u32::from(self.mask()),
        };
        1u128.checked_shl(bits).unwrap_or(u128::MAX)
    }

    /// The block as a range of numbers.
    pub fn range(&self) -> AddrRange {
        AddrRange { first: Family::number(self.first()), last: Family::number(self.last()) }
    }

    /// The address `offset` places after the first one, if it is still in the block.
    pub fn nth(&self, offset: u128) -> Option<IpAddr> {
        (offset < self.size())
            .then(|| self.family().address(self.range().first.wrapping_add(offset)))
    }
}

fn has_leading_zero(address: &str) -> bool {
    !address.contains(':')
        && address.split('.').any(|octet| octet.len() > 1 && octet.starts_with('0'))
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    /// Reads a block and clears its host bits silently; use [`Cidr::parse`] where they matter.
    fn from_str(text: &str) -> Result<Self, CidrError> {
        Self::parse(text).map(|parsed| parsed.cidr)
    }
}

impl Ord for Cidr {
    /// By family, first address, then the shorter mask first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Cidr {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_cleared_and_reported() {
        let parsed = Cidr::parse("10.10.1.0/16").unwrap();
        assert_eq!(parsed.cidr.to_string(), "10.10.0.0/16");
        assert!(parsed.host_bits);
        assert!(!Cidr::parse("10.10.0.0/16").unwrap().host_bits);
    }

    #[test]
    fn a_bare_address_is_a_block_of_one() {
        assert_eq!(Cidr::parse("10.0.0.9").unwrap().cidr.to_string(), "10.0.0.9/32");
        assert_eq!(Cidr::parse("2408::1").unwrap().cidr.mask(), 128);
    }

    #[test]
    fn bad_texts_are_refused() {
        for text in [
            "",
            "10.0.0.0/",
            "10.0.0.0/33",
            "010.0.0.0/8",
            "10.0.0/8",
            "x",
            "10.0.0.0/+8",
            "::/129",
        ] {
            assert!(Cidr::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn containment_and_overlap() {
        let wide: Cidr = "10.0.0.0/8".parse().unwrap();
        let narrow: Cidr = "10.1.0.0/16".parse().unwrap();
        assert!(wide.contains_block(&narrow) && !narrow.contains_block(&wide));
        assert!(wide.overlaps(&narrow) && narrow.overlaps(&wide));
        assert!(!narrow.overlaps(&"10.2.0.0/16".parse().unwrap()));
        assert!(!wide.overlaps(&Cidr::everything_v6()));
    }

    #[test]
    fn size_of_the_extremes() {
        assert_eq!(Cidr::everything_v4().size(), 1 << 32);
        assert_eq!(Cidr::everything_v6().size(), u128::MAX);
        assert_eq!(Cidr::host("1.2.3.4".parse().unwrap()).size(), 1);
    }
}
