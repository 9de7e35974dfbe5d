//! The Internet mode of a VPC, and which destinations it takes for public.

use super::assume::{Assume, InternetMode};
use crate::addr::{AddrSet, Cidr, Family, special};
use crate::topology::{
    CidrValue, Id, Ipv4Gateway, Listing, NextHopType, Resource, Scope, Text, Topology, Vpc,
};

/// What forwarding needs to know of a VPC as a whole.
#[derive(Debug, Clone)]
pub struct VpcSpace {
    /// Internet mode.
    pub mode: InternetMode,
    /// Assumption behind the mode, when the input does not state it.
    pub mode_assumption: Option<Text>,
    /// Further assumptions that answers about public destinations rest on.
    pub assumptions: Vec<Text>,
    /// Public IPv4 destinations (egress.md §1.2).
    pub public_v4: AddrSet,
    /// Public IPv6 destinations: global unicast outside the VPC's own blocks.
    pub public_v6: AddrSet,
    /// The VPC's own IPv4 blocks, primary and secondary.
    pub own_v4: AddrSet,
}

impl VpcSpace {
    /// Works out the space of a VPC.
    pub(super) fn of(
        topology: &Topology,
        assume: &Assume,
        vpc: &Vpc,
        gateway_routed: bool,
    ) -> Self {
        let (mode, mode_assumption) = mode(topology, assume, vpc, gateway_routed);
        let own: Vec<Cidr> =
            blocks(vpc.cidr.as_ref().into_iter().chain(vpc.secondary_cidrs.iter().flatten()));
        let user: Vec<Cidr> = blocks(vpc.user_cidrs.iter().flatten());
        let own_v6: Vec<Cidr> = blocks(vpc.ipv6_cidrs.iter().flatten());
        let mut private: Vec<Cidr> = special::rfc1918().to_vec();
        private.push(special::shared_address_space());
        private.extend(own.iter().chain(&user));
        let public = |family, private: &[Cidr]| {
            AddrSet::from_cidrs(family, private).union(&special::not_routable(family)).complement()
        };
        let mut private_v6 = own_v6;
        private_v6.push(special::unique_local());
        let mut assumptions = Vec::new();
        if topology.coverage.is_trusted() {
            assumptions.push(Text::from("unverified_listings = complete"));
        }
        if vpc.user_cidrs.is_none() {
            assumptions.push(Text::from(format!("user_cidrs = none ({}, not stated)", vpc.id())));
        }
        for masked in vpc
            .cidr
            .iter()
            .chain(vpc.secondary_cidrs.iter().flatten())
            .chain(vpc.user_cidrs.iter().flatten())
            .filter_map(CidrValue::symbol)
        {
            assumptions.push(Text::from(format!(
                "the block `{masked}` of {} is private anyway",
                vpc.id()
            )));
        }
        Self {
            mode,
            mode_assumption,
            assumptions,
            public_v4: public(Family::V4, &private),
            public_v6: public(Family::V6, &private_v6),
            own_v4: AddrSet::from_cidrs(Family::V4, &own),
        }
    }

    /// The space of a VPC that others refer to and that is not in the input: what decisions.md 30
    /// says of its mode, and private blocks by RFC 1918. Both are assumptions of every answer.
    pub(super) fn unlisted(
        topology: &Topology,
        assume: &Assume,
        id: &Id,
        gateway_routed: bool,
    ) -> Self {
        let mut stand_in = Vpc::new(id.clone());
        stand_in.user_cidrs = Some(Vec::new());
        let mut space = Self::of(topology, assume, &stand_in, gateway_routed);
        space
            .assumptions
            .push(Text::from(format!("cidrs = RFC 1918 ({id}, DescribeVpcs is not in the input)")));
        space
    }

    /// Public destinations of a family.
    pub fn public(&self, family: Family) -> &AddrSet {
        match family {
            Family::V4 => &self.public_v4,
            Family::V6 => &self.public_v6,
        }
    }
}

fn blocks<'a>(values: impl Iterator<Item = &'a CidrValue>) -> Vec<Cidr> {
    values.filter_map(CidrValue::cidr).collect()
}

/// True when some route of the VPC's tables names an IPv4 gateway (decisions.md 30).
pub(super) fn routes_to_ipv4_gateway(topology: &Topology) -> rustc_hash::FxHashSet<&str> {
    topology
        .route_entries
        .iter()
        .filter(|entry| {
            entry.next_hops.iter().flatten().any(|hop| hop.hop_type == NextHopType::Ipv4Gateway)
        })
        .filter_map(|entry| topology.route_tables.get(entry.table.as_deref()?)?.vpc.as_deref())
        .collect()
}

/// Mode by egress.md §3 and decisions.md 30; the second part is the assumption, if it is one.
fn mode(
    topology: &Topology,
    assume: &Assume,
    vpc: &Vpc,
    gateway_routed: bool,
) -> (InternetMode, Option<Text>) {
    let gateway: Option<&Ipv4Gateway> =
        topology.ipv4_gateways.iter().find(|g| g.vpc.as_deref() == Some(vpc.id().as_str()));
    let enabled = gateway.and_then(|g| g.enabled);
    let listed = topology.coverage.is_complete(Listing::Ipv4Gateways, &Scope::around(&vpc.meta));
    let known = match (vpc.support_ipv4_gateway, enabled) {
        (Some(false), _) | (_, Some(false)) => Some(InternetMode::Direct),
        (_, Some(true)) => Some(InternetMode::Central),
        (Some(true), None) => match &vpc.ipv4_gateway {
            Some(None) => Some(InternetMode::Private),
            None if listed && gateway.is_none() => Some(InternetMode::Private),
            _ => None,
        },
        (None, None) => None,
    };
    if let Some(mode) = known {
        return (mode, None);
    }
    // the gateway is named but not listed, or nothing at all is known about it
    // a route to a gateway that is known not to exist says nothing
    let none_exists = listed && gateway.is_none();
    let central = (gateway_routed && !none_exists) || vpc.support_ipv4_gateway == Some(true);
    let default = if central { InternetMode::Central } else { InternetMode::Direct };
    let mode = assume.internet_mode.unwrap_or(default);
    let missing = if vpc.support_ipv4_gateway.is_none() {
        "DescribeVpcAttribute"
    } else {
        "ListIpv4Gateways"
    };
    let text = format!("internet_mode = {mode} ({}, {missing} is not in the input)", vpc.id());
    (mode, Some(Text::from(text)))
}
