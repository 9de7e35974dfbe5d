//! vpclint: an offline analyzer for cloud VPC networks.
//!
//! Data goes one way through the modules, in this order: [`load`] reads inputs into a
//! [`topology`]; [`fabric`] compiles that into forwarding tables; [`simulate`] walks packets through
//! them; [`analyze`] turns walks into answers; [`rules`] turns topology and answers into findings;
//! [`policy`] reads what a user says about a topology;
//! [`report`] prints. [`addr`] and [`packet`] know nothing of clouds. A module uses only the ones
//! before it. [`export`] stands apart: it writes the script that makes the input.

#![cfg_attr(test, allow(clippy::string_slice, reason = "tests fail by panicking"))]

pub mod addr;
pub mod analyze;
pub mod export;
pub mod fabric;
pub mod load;
pub mod packet;
pub mod policy;
pub mod report;
pub mod rules;
pub mod simulate;
pub mod topology;
