//! Addresses, prefixes and sets of addresses. Knows nothing of clouds.
//!
//! - [`Cidr`]: a prefix without host bits; the only form in which prefixes travel through the program.
//! - [`AddrSet`]: an exact set of addresses of one family, kept as sorted disjoint ranges.
//! - [`special`]: the ranges of the Internet registries that decide whether an address is routable.

mod cidr;
mod set;
pub mod special;

pub use cidr::{Cidr, CidrError, ParsedCidr};
pub use set::{AddrRange, AddrSet, Family};
