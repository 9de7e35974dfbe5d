//! One reader per API, one file per product area, one list of all of them.
//!
//! A reader turns the rows of one body into resources. It knows field names and quirks of its API
//! (formats-api.md §4), and nothing about files, paging or recognition.

mod alb;
mod alb_groups;
mod cbn;
mod cbn_routes;
mod ecs_groups;
mod ecs_instances;
mod nlb;
mod privatelink;
mod shared;
mod slb;
mod slb_groups;
pub(crate) mod sts;
#[cfg(test)]
mod testing;
mod vpc_acl;
mod vpc_common;
mod vpc_eip;
mod vpc_express;
mod vpc_gateway;
mod vpc_nat;
mod vpc_network;
mod vpc_routes;
#[cfg(test)]
mod vpc_samples;
mod vpc_vpn;

pub(crate) use sts::account_id;

use super::reader::ReadFn;
use crate::topology::Listing;

/// An API that can be read.
pub(crate) struct Api {
    /// Product, as the CLI names it.
    pub(crate) product: &'static str,
    /// Name of the call.
    pub(crate) name: &'static str,
    /// The listing that its rows belong to; for older calls that of their successor.
    pub(crate) listing: Listing,
    /// Reader.
    pub(crate) read: ReadFn,
}

/// All APIs that can be read.
pub(crate) static APIS: &[&[Api]] = &[
    vpc_acl::APIS,
    vpc_eip::APIS,
    vpc_express::APIS,
    vpc_gateway::APIS,
    vpc_nat::APIS,
    vpc_network::APIS,
    vpc_routes::APIS,
    vpc_vpn::APIS,
    ecs_instances::APIS,
    ecs_groups::APIS,
    slb::APIS,
    slb_groups::APIS,
    alb::APIS,
    alb_groups::APIS,
    nlb::APIS,
    privatelink::APIS,
    cbn::APIS,
    cbn_routes::APIS,
    sts::APIS,
];
