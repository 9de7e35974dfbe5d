//! Exact sets of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Cidr;

/// Address family. Addresses of different families never compare or mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The largest address as a number.
    pub fn max(self) -> u128 {
        match self {
            Self::V4 => u128::from(u32::MAX),
            Self::V6 => u128::MAX,
        }
    }

    /// The bits of the address as a number.
    pub fn number(address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(v4) => u128::from(u32::from(v4)),
            IpAddr::V6(v6) => u128::from(v6),
        }
    }

    /// The address with these bits. Bits beyond the family's width are cut off.
    pub fn address(self, number: u128) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::from(
                u32::try_from(number & u128::from(u32::MAX)).unwrap_or(u32::MAX),
            )),
            Self::V6 => IpAddr::V6(Ipv6Addr::from(number)),
        }
    }
}

/// An inclusive range of addresses as numbers. Both ends inclusive, so that the whole space needs
/// no value beyond the last address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddrRange {
    /// First address.
    pub first: u128,
    /// Last address; never smaller than `first`.
    pub last: u128,
}

impl AddrRange {
    /// True when the number is in the range.
    pub fn contains(&self, number: u128) -> bool {
        self.first <= number && number <= self.last
    }

    /// The common part of two ranges.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Self { first, last })
    }
}

/// A set of addresses of one family.
///
/// INVARIANT: `ranges` are sorted, disjoint and not adjacent, so equal sets have equal ranges.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AddrSet {
    family: Family,
    ranges: Vec<AddrRange>,
}

impl AddrSet {
    /// The empty set.
    pub fn empty(family: Family) -> Self {
        Self { family, ranges: Vec::new() }
    }

    /// Every address of the family.
    pub fn full(family: Family) -> Self {
        Self { family, ranges: vec![AddrRange { first: 0, last: family.max() }] }
    }

    /// The union of blocks; blocks of another family are left out.
    pub fn from_cidrs<'a>(family: Family, cidrs: impl IntoIterator<Item = &'a Cidr>) -> Self {
        Self::from_ranges(
            family,
            cidrs.into_iter().filter(|c| c.family() == family).map(Cidr::range).collect(),
        )
    }

    /// The union of ranges in any order.
    pub fn from_ranges(family: Family, mut ranges: Vec<AddrRange>) -> Self {
        ranges.sort_unstable();
        let mut out: Vec<AddrRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match out.last_mut() {
                Some(previous) if range.first <= previous.last.saturating_add(1) => {
                    previous.last = previous.last.max(range.last);
                }
                _ => out.push(range),
            }
        }
        Self { family, ranges: out }
    }

    /// The family of all members.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The members as sorted, disjoint, non-adjacent ranges.
    pub fn ranges(&self) -> &[AddrRange] {
        &self.ranges
    }

    /// True when the set has no member.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Number of members; saturates for the whole IPv6 space.
    pub fn len(&self) -> u128 {
        self.ranges
            .iter()
            .fold(0u128, |sum, r| sum.saturating_add((r.last - r.first).saturating_add(1)))
    }

    /// True when the address is a member.
    pub fn contains(&self, address: IpAddr) -> bool {
        Family::of(address) == self.family && self.range_at(Family::number(address)).is_some()
    }

    /// The range that holds the number.
    pub fn range_at(&self, number: u128) -> Option<&AddrRange> {
        let after = self.ranges.partition_point(|r| r.first <= number);
        self.ranges.get(after.checked_sub(1)?).filter(|r| r.contains(number))
    }

    /// The widest range around `number` whose members are all in the set or all outside it.
    pub fn constant_range(&self, number: u128) -> AddrRange {
        if let Some(range) = self.range_at(number) {
            return *range;
        }
        let after = self.ranges.partition_point(|r| r.first <= number);
        let first = after
            .checked_sub(1)
            .and_then(|i| self.ranges.get(i))
            .map_or(0, |r| r.last.saturating_add(1));
        let last = self.ranges.get(after).map_or(self.family.max(), |r| r.first.saturating_sub(1));
        AddrRange { first, last }
    }

    /// Members of either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_ranges(self.family, self.ranges.iter().chain(&other.ranges).copied().collect())
    }

    /// Members of both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let (mut a, mut b) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
            out.extend(x.intersect(y));
            if x.last <= y.last {
                a.next()
            } else {
                b.next()
            };
        }
        Self { family: self.family, ranges: out }
    }

    /// Members of this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.intersect(&other.complement())
    }

    /// Addresses of the family that are not in the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut out = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = Some(0u128);
        for range in &self.ranges {
            if let Some(start) = next
                && start < range.first
            {
                out.push(AddrRange { first: start, last: range.first - 1 });
            }
            next = (range.last < self.family.max()).then(|| range.last + 1);
        }
        if let Some(start) = next {
            out.push(AddrRange { first: start, last: self.family.max() });
        }
        Self { family: self.family, ranges: out }
    }

    /// The fewest blocks whose union is the set, in address order.
    pub fn to_cidrs(&self) -> Vec<Cidr> {
        let width: u32 = if self.family == Family::V4 { 32 } else { 128 };
        let mut out = Vec::new();
        for range in &self.ranges {
            let mut start = range.first;
            loop {
                let aligned = start.trailing_zeros().min(width);
                let mut bits = aligned;
                // the largest aligned block that starts here and ends in the range
                while bits > 0 && block_last(start, bits) > range.last {
                    bits -= 1;
                }
                let mask = u8::try_from(width - bits).unwrap_or(u8::MAX);
                out.extend(Cidr::new(self.family.address(start), mask));
                let last = block_last(start, bits);
                if last >= range.last {
                    break;
                }
                start = last + 1;
            }
        }
        out
    }
}

/// Last number of the block of `2^bits` numbers that starts at `start`.
fn block_last(start: u128, bits: u32) -> u128 {
    match 1u128.checked_shl(bits) {
        Some(size) => start.saturating_add(size - 1),
        None => u128::MAX,
    }
}

impl fmt::Display for AddrSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, cidr) in self.to_cidrs().iter().enumerate() {
            write!(f, "{}{cidr}", if n == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sets over the last 64 addresses of IPv4, so that the upper end of the space is exercised.
    fn small_set() -> impl Strategy<Value = AddrSet> {
        prop::collection::vec((0u128..64, 0u128..64), 0..6).prop_map(|pairs| {
            let base = u128::from(u32::MAX) - 63;
            let ranges = pairs
                .into_iter()
                .map(|(a, b)| AddrRange { first: base + a.min(b), last: base + a.max(b) })
                .collect();
            AddrSet::from_ranges(Family::V4, ranges)
        })
    }

    fn members(set: &AddrSet) -> Vec<bool> {
        let base = u128::from(u32::MAX) - 63;
        (0..64).map(|i| set.contains(Family::V4.address(base + i))).collect()
    }

    proptest! {
        #[test]
        fn set_algebra_is_pointwise(a in small_set(), b in small_set()) {
            let (ma, mb) = (members(&a), members(&b));
            let both: Vec<bool> = ma.iter().zip(&mb).map(|(x, y)| *x && *y).collect();
            let either: Vec<bool> = ma.iter().zip(&mb).map(|(x, y)| *x || *y).collect();
            let less: Vec<bool> = ma.iter().zip(&mb).map(|(x, y)| *x && !*y).collect();
            prop_assert_eq!(members(&a.intersect(&b)), both);
            prop_assert_eq!(members(&a.union(&b)), either);
            prop_assert_eq!(members(&a.difference(&b)), less);
            prop_assert_eq!(&a.complement().complement(), &a);
            prop_assert_eq!(a.len() + a.complement().len(), 1u128 << 32);
        }

        #[test]
        fn blocks_are_exact_and_sorted(a in small_set()) {
            let blocks = a.to_cidrs();
            prop_assert_eq!(&AddrSet::from_cidrs(Family::V4, &blocks), &a);
            prop_assert_eq!(blocks.iter().map(Cidr::size).sum::<u128>(), a.len());
            prop_assert!(blocks.is_sorted());
        }

        #[test]
        fn constant_range_is_maximal(a in small_set(), i in 0u128..64) {
            let at = u128::from(u32::MAX) - 63 + i;
            let range = a.constant_range(at);
            let inside = a.contains(Family::V4.address(at));
            prop_assert!(range.contains(at));
            for edge in [range.first, range.last] {
                prop_assert_eq!(a.contains(Family::V4.address(edge)), inside);
            }
            if range.first > 0 {
                prop_assert_ne!(a.contains(Family::V4.address(range.first - 1)), inside);
            }
            if range.last < Family::V4.max() {
                prop_assert_ne!(a.contains(Family::V4.address(range.last + 1)), inside);
            }
        }
    }

    #[test]
    fn the_whole_ipv6_space() {
        let all = AddrSet::full(Family::V6);
        assert_eq!(all.to_cidrs(), vec![Cidr::everything_v6()]);
        assert!(all.complement().is_empty());
        assert_eq!(AddrSet::empty(Family::V6).complement(), all);
    }
}
