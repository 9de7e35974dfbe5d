//! What the network ACL of a vSwitch lets across its border, as sets of addresses (access.md §2).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::lists::{Entry, admitted, pieces, read};
use crate::addr::{AddrSet, Cidr, Family};
use crate::packet::Protocol;
use crate::rules::paths::CLIENT_PORTS;
use crate::rules::{Context, Unknown, stated};
use crate::topology::{Id, Listing, NetworkAcl, Resource, Scope};

/// The ACL at the border of a vSwitch.
pub(in crate::rules) struct Border<'c> {
    /// The ACL.
    pub(in crate::rules) acl: &'c NetworkAcl,
    ingress: Vec<Entry>,
    egress: Vec<Entry>,
}

/// Far ends to which replies pass: for any port of a client, and for all of them.
pub(in crate::rules) struct Replies {
    /// Some reply passes.
    pub(in crate::rules) any: AddrSet,
    /// Every reply passes.
    pub(in crate::rules) all: AddrSet,
}

impl Border<'_> {
    /// Senders of requests to a port of the vSwitch that get in. IPv4.
    pub(in crate::rules) fn requests_in(&self, protocol: Protocol, port: u16) -> AddrSet {
        admitted(&self.ingress, protocol, Family::V4, (port, port))
    }

    /// Targets of requests that get out. IPv4.
    pub(in crate::rules) fn requests_out(&self, protocol: Protocol, port: u16) -> AddrSet {
        admitted(&self.egress, protocol, Family::V4, (port, port))
    }

    /// Servers whose replies get in. IPv4.
    pub(in crate::rules) fn replies_in(&self, protocol: Protocol) -> Replies {
        replies(&self.ingress, protocol)
    }

    /// Clients to which replies get out. IPv4.
    pub(in crate::rules) fn replies_out(&self, protocol: Protocol) -> Replies {
        replies(&self.egress, protocol)
    }
}

fn replies(list: &[Entry], protocol: Protocol) -> Replies {
    let (first, _) = CLIENT_PORTS;
    let mut out = Replies { any: AddrSet::empty(Family::V4), all: AddrSet::full(Family::V4) };
    for piece in pieces([list, &[]], protocol, first).into_iter().filter(|p| p.0 >= first) {
        let set = admitted(list, protocol, Family::V4, piece);
        out.any = out.any.union(&set);
        out.all = out.all.intersect(&set);
    }
    out
}

/// The borders of vSwitches, each read once.
#[derive(Default)]
pub(in crate::rules) struct Borders<'c> {
    known: BTreeMap<Id, Result<Option<Rc<Border<'c>>>, Unknown>>,
}

impl<'c> Borders<'c> {
    /// The border of a vSwitch; `None` when no ACL is bound to it, so that everything passes.
    pub(in crate::rules) fn of(
        &mut self,
        cx: &Context<'c>,
        vswitch: &Id,
    ) -> Result<Option<Rc<Border<'c>>>, Unknown> {
        if let Some(known) = self.known.get(vswitch) {
            return known.clone();
        }
        let border = border(cx, vswitch);
        self.known.insert(vswitch.clone(), border.clone());
        border
    }
}

fn border<'c>(cx: &Context<'c>, vswitch: &Id) -> Result<Option<Rc<Border<'c>>>, Unknown> {
    let Some(acl) = acl_of(cx, vswitch)? else { return Ok(None) };
    let ingress = stated(acl.ingress.as_ref(), acl, "ingress entries")?;
    let egress = stated(acl.egress.as_ref(), acl, "egress entries")?;
    Ok(Some(Rc::new(Border {
        acl,
        ingress: read(cx, acl, ingress, "ingress")?,
        egress: read(cx, acl, egress, "egress")?,
    })))
}

/// The ACL of a vSwitch: at most one (access.md §2.1).
fn acl_of<'c>(cx: &Context<'c>, vswitch: &Id) -> Result<Option<&'c NetworkAcl>, Unknown> {
    let topology = cx.topology;
    let found = topology.vswitches.get(vswitch);
    if let Some(own) = found.and_then(|v| v.network_acl.as_ref()) {
        let Some(id) = own else { return Ok(None) };
        let missing = || Unknown::of(format!("network ACL {id} (not in the input)"));
        return topology.network_acls.get(id).ok_or_else(missing).map(Some);
    }
    let names = |acl: &&NetworkAcl| acl.vswitches.iter().flatten().any(|id| id == vswitch);
    if let Some(acl) = topology.network_acls.iter().find(names) {
        return Ok(Some(acl));
    }
    let scope = found.map(|v| Scope::around(v.meta())).unwrap_or_default();
    cx.need(Listing::NetworkAcls, &scope)?;
    Ok(None)
}

/// DNS and metadata of the cloud, which no ACL tests (access.md §2.1).
pub(in crate::rules) fn always_open() -> AddrSet {
    let blocks = ["100.100.2.128/28", "100.100.2.112/28", "100.100.100.200/32"];
    let blocks: Vec<Cidr> = blocks.iter().filter_map(|text| text.parse().ok()).collect();
    AddrSet::from_cidrs(Family::V4, &blocks)
}
