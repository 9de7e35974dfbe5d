//! Sets of addresses as blocks that a person can read: `0.0.0.0/0 except 10.0.0.0/8` instead of the
//! blocks in between.

use std::net::IpAddr;

use crate::addr::{AddrRange, AddrSet, Cidr, Family};

/// A set of addresses as the union of some blocks less the union of others. Exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Blocks that cover the set.
    pub cover: Vec<Cidr>,
    /// Blocks of the cover that are not in the set.
    pub except: Vec<Cidr>,
}

impl Blocks {
    /// The way of writing `set` with the fewest blocks; among equals the one with the fewest
    /// exceptions. Exceptions lie in the cover, and no two blocks of one list overlap.
    pub fn of(set: &AddrSet) -> Self {
        let family = set.family();
        let root = Node { family, first: 0, bits: width(family) };
        let written = root.write(set.ranges());
        Self { cover: written.cover, except: written.except }
    }
}

fn width(family: Family) -> u32 {
    match family {
        Family::V4 => 32,
        Family::V6 => 128,
    }
}

/// A block as a node of the binary tree of all blocks.
#[derive(Clone, Copy)]
struct Node {
    family: Family,
    first: u128,
    /// Host bits.
    bits: u32,
}

/// How much of a block a set has.
enum Fill<'a> {
    Empty,
    Full,
    /// Some of it; the ranges that touch the block.
    Part(&'a [AddrRange]),
}

impl Node {
    fn last(self) -> u128 {
        self.first | 1u128.checked_shl(self.bits).map_or(u128::MAX, |size| size - 1)
    }

    fn cidr(self) -> Option<Cidr> {
        let address: IpAddr = self.family.address(self.first);
        Cidr::new(address, u8::try_from(width(self.family) - self.bits).ok()?)
    }

    fn halves(self) -> Option<(Self, Self)> {
        let bits = self.bits.checked_sub(1)?;
        Some((Self { bits, ..self }, Self { bits, first: self.first | (1 << bits), ..self }))
    }

    fn fill(self, ranges: &[AddrRange]) -> Fill<'_> {
        let last = self.last();
        let from = ranges.partition_point(|r| r.last < self.first);
        let to = ranges.partition_point(|r| r.first <= last);
        match ranges.get(from..to) {
            None | Some([]) => Fill::Empty,
            Some([one]) if one.first <= self.first && one.last >= last => Fill::Full,
            Some(inside) => Fill::Part(inside),
        }
    }

    /// The best way of writing what the set has in this node, and the blocks that it lacks.
    fn write(self, ranges: &[AddrRange]) -> Written {
        let this = || self.cidr().into_iter().collect();
        match self.fill(ranges) {
            Fill::Empty => Written { holes: this(), ..Written::default() },
            Fill::Full => Written { cover: this(), ..Written::default() },
            Fill::Part(inside) => {
                let Some((low, high)) = self.halves() else { return Written::default() };
                let mut split = low.write(inside);
                split.append(high.write(inside));
                if 1 + split.holes.len() < split.len() {
                    Written { cover: this(), except: split.holes.clone(), holes: split.holes }
                } else {
                    split
                }
            }
        }
    }
}

/// How the part of a set in one node is written, and what of the node is not in the set.
#[derive(Default)]
struct Written {
    cover: Vec<Cidr>,
    except: Vec<Cidr>,
    holes: Vec<Cidr>,
}

impl Written {
    fn len(&self) -> usize {
        self.cover.len() + self.except.len()
    }

    fn append(&mut self, mut other: Self) {
        self.cover.append(&mut other.cover);
        self.except.append(&mut other.except);
        self.holes.append(&mut other.holes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::special;
    use proptest::prelude::*;

    fn texts(cidrs: &[Cidr]) -> Vec<String> {
        cidrs.iter().map(Cidr::to_string).collect()
    }

    #[test]
    fn the_public_space_reads_as_an_exception_list() {
        let mut inside = special::not_routable(Family::V4);
        inside = inside.union(&AddrSet::from_cidrs(Family::V4, &special::rfc1918()));
        inside = inside.union(&AddrSet::from_cidrs(Family::V4, &[special::shared_address_space()]));
        let blocks = Blocks::of(&inside.complement());
        assert_eq!(texts(&blocks.cover), ["0.0.0.0/0"]);
        assert_eq!(
            texts(&blocks.except),
            [
                "0.0.0.0/8",
                "10.0.0.0/8",
                "100.64.0.0/10",
                "127.0.0.0/8",
                "169.254.0.0/16",
                "172.16.0.0/12",
                "192.168.0.0/16",
                "224.0.0.0/3"
            ]
        );
    }

    #[test]
    fn plain_lists_stay_plain() {
        let cidrs: Vec<Cidr> = vec!["8.8.8.8/32".parse().unwrap(), "9.9.0.0/16".parse().unwrap()];
        let blocks = Blocks::of(&AddrSet::from_cidrs(Family::V4, &cidrs));
        assert_eq!((blocks.cover, blocks.except), (cidrs, vec![]));
        assert_eq!(Blocks::of(&AddrSet::empty(Family::V4)), Blocks::default());
        let all = Blocks::of(&AddrSet::full(Family::V6));
        assert_eq!(texts(&all.cover), ["::/0"]);
    }

    fn any_set(family: Family) -> impl Strategy<Value = AddrSet> {
        // ends near powers of two and at both ends of the space
        let max = family.max();
        let end =
            prop_oneof![0u128..40, (max - 40)..=max, any::<u128>().prop_map(move |n| n & max)];
        prop::collection::vec((end.clone(), end), 0..8).prop_map(move |pairs| {
            let ranges = pairs
                .into_iter()
                .map(|(a, b)| AddrRange { first: a.min(b), last: a.max(b) })
                .collect();
            AddrSet::from_ranges(family, ranges)
        })
    }

    proptest! {
        #[test]
        fn cover_less_exceptions_is_the_set(
            v4 in any_set(Family::V4), v6 in any_set(Family::V6), flip in any::<bool>(),
        ) {
            for set in [v4, v6] {
                let set = if flip { set.complement() } else { set };
                let family = set.family();
                let blocks = Blocks::of(&set);
                let cover = AddrSet::from_cidrs(family, &blocks.cover);
                let except = AddrSet::from_cidrs(family, &blocks.except);
                prop_assert_eq!(cover.difference(&except), set.clone());
                prop_assert_eq!(cover.intersect(&except), except);
                prop_assert!(blocks.cover.len() + blocks.except.len() <= set.to_cidrs().len());
                prop_assert!(blocks.cover.is_sorted() && blocks.except.is_sorted());
            }
        }
    }
}
