//! CIDR007 and CIDR008: addresses outside their vSwitch, addresses outside their VPC. One address is
//! reported by one of them: the VPC is the graver fault (decisions.md 4).

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::addr::Cidr;
use crate::rules::facts::{self, Blocks, Holder, address, block, free_address, holders};
use crate::rules::{Case, Context, Draft, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{NatNetwork, NextHopType, Resource, SnatEntry, Topology, VSwitch, Vpc};

pub(crate) struct IpOutsideVSwitch;

static VSWITCH: RuleMeta = RuleMeta {
    id: "CIDR007",
    name: "ip-outside-vswitch",
    summary: "every private address lies in the block of its vSwitch",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "other-vswitch",
            message: "{address} of {holder} is not in the block of its vSwitch {vswitch} ({block})",
            help: "put it into vSwitch {fitting}, whose block {fitting_block} has this address, or give it an address of {block}",
        },
        Case {
            key: "free",
            message: "{address} of {holder} is not in the block of its vSwitch {vswitch} ({block})",
            help: "give it an address of {block}, such as {free}",
        },
        Case {
            key: "full",
            message: "{address} of {holder} is not in the block of its vSwitch {vswitch} ({block})",
            help: "give it an address of {block}",
        },
    ],
    page: include_str!("../../../rules/CIDR007-ip-outside-vswitch.md"),
};

impl Rule for IpOutsideVSwitch {
    fn meta(&self) -> &'static RuleMeta {
        &VSWITCH
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let holders = holders(cx.topology);
        for holder in &holders {
            let outcome = outside_vswitch(cx, holder, &holders, out);
            out.settle(outcome);
        }
    }
}

fn outside_vswitch(
    cx: &Context<'_>,
    holder: &Holder<'_>,
    all: &[Holder<'_>],
    out: &mut Sink,
) -> Result<(), Unknown> {
    let vswitch = cx.vswitch(holder.resource, holder.vswitch)?;
    let cidr = vswitch_block(vswitch)?;
    let ip = address(holder.address, holder.resource, "address")?;
    if cidr.contains(ip) {
        return Ok(());
    }
    let vpc = vswitch.vpc.as_ref().and_then(|id| cx.topology.vpcs.get(id));
    if vpc.is_some_and(|vpc| matches!(Blocks::of(vpc).contain(&Cidr::host(ip)), Ok(false))) {
        return Ok(()); // CIDR008 speaks
    }
    let fitting = vswitch_with(cx.topology, ip, |v| v.vpc == vswitch.vpc);
    let free = free_address(&cidr, ip, &taken(all));
    let case = match (fitting, free) {
        (Some(_), _) => "other-vswitch",
        (None, Some(_)) => "free",
        (None, None) => "full",
    };
    let mut draft = out
        .fail(case)
        .on(holder.resource, holder.field)
        .with(vswitch, "cidr", "block of the vSwitch")
        .discriminator(ip)
        .fact("address", ip)
        .fact("holder", holder.resource.to_ref())
        .fact("vswitch", vswitch.id())
        .fact("block", cidr);
    if let Some((fitting, fitting_block)) = fitting {
        draft = draft
            .with(fitting, "cidr", "this block has the address")
            .fact("fitting", fitting.id())
            .fact("fitting_block", fitting_block);
    }
    if let Some(free) = free {
        draft = draft.fact("free", free);
    }
    draft.emit();
    Ok(())
}

pub(crate) struct IpOutsideVpc;

static VPC: RuleMeta = RuleMeta {
    id: "CIDR008",
    name: "ip-outside-vpc",
    summary: "every address that is used as one of a VPC lies in one of its blocks",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "fits-elsewhere",
            message: "{address} of {holder} is in no block of its VPC {vpc} ({blocks})",
            help: "the address fits vSwitch {fitting} ({fitting_block}) of VPC {other_vpc}; check whether the two were swapped",
        },
        Case {
            key: "free",
            message: "{address} of {holder} is in no block of its VPC {vpc} ({blocks})",
            help: "give it an address of its vSwitch {vswitch}, such as {free}",
        },
        Case {
            key: "outside",
            message: "{address} of {holder} is in no block of its VPC {vpc} ({blocks})",
            help: "give it an address of the VPC",
        },
        Case {
            key: "snat-source",
            message: "{holder} translates {address}, which is in no block of VPC {vpc} ({blocks}) and which no route of the VPC leads to",
            help: "correct the source, or add the route to the network that it belongs to",
        },
    ],
    page: include_str!("../../../rules/CIDR008-ip-outside-vpc.md"),
};

impl Rule for IpOutsideVpc {
    fn meta(&self) -> &'static RuleMeta {
        &VPC
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let holders = holders(cx.topology);
        for holder in &holders {
            let outcome = outside_vpc(cx, holder, &holders, out);
            out.settle(outcome);
        }
        out.each(cx, &cx.topology.snat_entries, |entry, out| snat_source(cx, entry, out));
    }
}

fn outside_vpc(
    cx: &Context<'_>,
    holder: &Holder<'_>,
    all: &[Holder<'_>],
    out: &mut Sink,
) -> Result<(), Unknown> {
    let vpc = cx.vpc(holder.resource, holder.vpc)?;
    let ip = address(holder.address, holder.resource, "address")?;
    let blocks = Blocks::of(vpc);
    if blocks.contain(&Cidr::host(ip))? {
        return Ok(());
    }
    let vswitch = holder.vswitch.and_then(|id| cx.topology.vswitches.get(id));
    let own = vswitch.and_then(|v| Some((v, vswitch_block(v).ok()?)));
    let fitting = vswitch_with(cx.topology, ip, |v| v.vpc.as_ref() != Some(vpc.id()));
    let free = own.and_then(|(v, cidr)| Some((v, free_address(&cidr, ip, &taken(all))?)));
    let case = match (fitting, free) {
        (Some(_), _) => "fits-elsewhere",
        (None, Some(_)) => "free",
        (None, None) => "outside",
    };
    let mut draft = describe(out.fail(case), holder.resource, holder.field, vpc, &blocks)
        .fact("address", ip)
        .discriminator(ip);
    if let Some((fitting, fitting_block)) = fitting {
        draft = draft
            .with(fitting, "cidr", "this block has the address")
            .fact("fitting", fitting.id())
            .fact("fitting_block", fitting_block)
            .fact("other_vpc", fitting.vpc.as_ref().map_or("", |id| id.as_str()));
    }
    if let Some((vswitch, free)) = free {
        draft = draft.fact("vswitch", vswitch.id()).fact("free", free);
    }
    if let Some((vswitch, cidr)) = own
        && cidr.contains(ip)
    {
        draft = draft.unless_reported("CIDR001", vswitch);
    }
    draft.emit();
    Ok(())
}

/// A single address as the source of an SNAT entry is one of the VPC, unless a route leads to where
/// it comes from. Wider sources are for networks that are connected to the VPC.
fn snat_source(cx: &Context<'_>, entry: &SnatEntry, out: &mut Sink) -> Result<(), Unknown> {
    if entry.source_vswitch.is_some() || entry.source_cidr.is_none() {
        return Ok(());
    }
    let value = stated(entry.source_cidr.as_ref(), entry, "source")?;
    let source = block(value, entry, "source")?;
    let nat = facts::gateway_of_entry(cx, entry, entry.nat_gateway.as_ref(), entry.table.as_ref())?;
    if source.mask() != 32 || nat.network == Some(NatNetwork::Intranet) {
        return Ok(());
    }
    let vpc = cx.vpc(nat, nat.vpc.as_ref())?;
    let blocks = Blocks::of(vpc);
    if blocks.contain(&source)? {
        return Ok(());
    }
    let routed = facts::routes_of_vpc(cx, vpc)?.into_iter().any(|route| {
        let internet =
            |hop: &NextHopType| matches!(hop, NextHopType::NatGateway | NextHopType::Ipv4Gateway);
        route.cidr().is_some_and(|c| c.contains_block(&source))
            && route.next_hops.iter().flatten().any(|hop| !internet(&hop.hop_type))
    });
    if !routed {
        let draft = describe(out.fail("snat-source"), entry, "source_cidr", vpc, &blocks);
        draft.fact("address", source.first()).emit();
    }
    Ok(())
}

fn describe<'s>(
    draft: Draft<'s>,
    resource: &dyn Resource,
    field: &'static str,
    vpc: &Vpc,
    blocks: &Blocks,
) -> Draft<'s> {
    draft
        .on(resource, field)
        .with(vpc, "cidr", "block of the VPC")
        .fact("holder", resource.to_ref())
        .fact("vpc", vpc.id())
        .fact("blocks", blocks.text())
}

fn vswitch_block(vswitch: &VSwitch) -> Result<Cidr, Unknown> {
    block(stated(vswitch.cidr.as_ref(), vswitch, "CIDR block")?, vswitch, "CIDR block")
}

/// The first vSwitch that is wanted and has the address in its block.
fn vswitch_with(
    topology: &Topology,
    ip: IpAddr,
    wanted: impl Fn(&VSwitch) -> bool,
) -> Option<(&VSwitch, Cidr)> {
    topology.vswitches.iter().filter(|v| wanted(v)).find_map(|vswitch| {
        let cidr = vswitch.cidr.as_ref()?.cidr()?;
        cidr.contains(ip).then_some((vswitch, cidr))
    })
}

fn taken(holders: &[Holder<'_>]) -> BTreeSet<IpAddr> {
    holders.iter().filter_map(|h| h.address.addr()).collect()
}
