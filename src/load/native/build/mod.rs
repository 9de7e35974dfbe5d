//! From the tree to resources: resolves references, fills in what is left out, reads values.

mod balancer;
mod compute;
mod eip;
mod filter;
mod interconnect;
mod nat;
mod network;
mod parse;
mod privatelink;
mod transit;

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Fault, closest};
use super::flat::{Flat, Node, Placed};
use super::names::{Names, Ref};
use super::text::Words;
use super::unknown::{self, Known, Unknown};
use crate::topology::{
    AddrValue, CidrValue, Draft, FileId, Id, Kind, Meta, Observation, ObservationKind, ResourceRef,
    Scope, Source, Text, Value,
};
use parse::is_masked;

type Result<T> = std::result::Result<T, Fault>;

/// Adds the resources and listings of a file to the draft; returns the number of resources.
pub(super) fn build(
    flat: &Flat,
    names: &Names,
    unknown: &BTreeSet<Unknown>,
    file: FileId,
    draft: &mut Draft,
) -> Result<usize> {
    let mut build = Build {
        flat,
        names,
        unknown,
        file,
        draft,
        count: 0,
        eips_on: BTreeMap::new(),
        eip_uses: BTreeMap::new(),
        implied_eips: BTreeMap::new(),
    };
    build.find_eip_targets()?;
    build.network()?;
    build.compute()?;
    build.nat()?;
    build.filters()?;
    build.balancers()?;
    build.private_link()?;
    build.interconnect()?;
    build.transit()?;
    // last: an EIP is bound to whatever names it
    build.eips()?;
    let count = build.count;
    let scopes: Vec<Scope> = flat
        .places
        .iter()
        .map(|(account, region)| Scope {
            account: account.clone(),
            region: region.clone(),
            parent: None,
        })
        .collect();
    let objects =
        flat.nodes.iter().map(|n| Known { kind: n.kind, id: &n.id, unknown: &n.common.unknown });
    unknown::record(&mut draft.coverage, &scopes, unknown, objects);
    Ok(count)
}

/// The state of building.
struct Build<'a> {
    flat: &'a Flat,
    names: &'a Names,
    unknown: &'a BTreeSet<Unknown>,
    file: FileId,
    draft: &'a mut Draft,
    count: usize,
    /// EIPs that say what they are `on`, by the node of that.
    eips_on: BTreeMap<usize, Vec<usize>>,
    /// What names an EIP of the file, by the node of the EIP.
    eip_uses: BTreeMap<usize, eip::Use>,
    /// What names an address that is no EIP of the file.
    implied_eips: BTreeMap<String, (usize, eip::Use)>,
}

/// Reads a word of a closed list; `other:WORD` stands for words that the cloud may add.
macro_rules! word {
    ($build:ident, $at:expr, $key:literal, $text:expr, $type:ident, [$($variant:ident),* $(,)?]) => {
        match $text.as_deref() {
            None => None,
            Some(text) => Some(match text.strip_prefix("other:") {
                Some(rest) => $type::from_text(rest),
                None => match $type::from_text(text) {
                    $( known @ $type::$variant => known, )*
                    _ => {
                        let known = [$( $type::$variant.as_str() ),*].map(str::to_owned);
                        return Err($build.wrong_word($at, $key, text, &known));
                    }
                },
            }),
        }
    };
}
use word;

impl<'a> Build<'a> {
    fn add<T>(&mut self, resource: T)
    where
        Draft: crate::topology::Accept<T>,
    {
        self.count += 1;
        self.draft.add(resource);
    }

    fn node(&self, at: usize) -> Option<&'a Node> {
        self.flat.nodes.get(at)
    }

    fn id(&self, at: usize) -> Id {
        self.node(at).map_or_else(|| Id::from(""), |n| n.id.clone())
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.node(at).map(|n| n.kind)
    }

    /// The object of a node in the list of its kind.
    fn object<T>(&self, list: &'a [Placed<T>], at: usize) -> Option<&'a Placed<T>> {
        list.get(self.node(at)?.slot).filter(|p| p.at == at)
    }

    /// True when the object says that it does not know a key.
    fn open(&self, at: usize, key: &str) -> bool {
        self.node(at).is_some_and(|n| n.unknown(key))
    }

    /// What a key that is left out means, unless the object says that it does not know.
    fn or<T>(&self, at: usize, key: &str, stated: Option<T>, left_out: T) -> Option<T> {
        stated.or_else(|| (!self.open(at, key)).then_some(left_out))
    }

    fn source(&self, at: usize) -> Option<Source> {
        let node = self.node(at)?;
        Some(Source { file: self.file, base: node.base.clone(), index: node.index })
    }

    /// The common part of a resource.
    fn meta(&self, at: usize) -> Meta {
        let Some(node) = self.node(at) else { return Meta::new("") };
        let common = &node.common;
        let word = |key: &str, stated: &Option<String>, left_out: Option<&str>| {
            let left_out = if node.unknown(key) { None } else { left_out };
            stated.as_deref().or(left_out).map(Text::from)
        };
        Meta {
            name: common.name.as_deref().map(Text::from),
            tags: (!node.unknown("tags") || !common.tags.is_empty()).then(|| {
                common
                    .tags
                    .iter()
                    .map(|(k, v)| (Text::from(&**k), Text::from(v.as_str())))
                    .collect()
            }),
            account: node.account.clone(),
            region: node.region.clone(),
            status: word("status", &common.status, usable_status(node.kind)),
            business_status: word(
                "business_status",
                &common.business_status,
                has_business_status(node.kind).then_some("Normal"),
            ),
            source: self.source(at),
            synthetic: node.synthetic,
            ..Meta::new(node.id.clone())
        }
    }

    /// The pointer of a key of an object.
    fn pointer(&self, at: usize, key: &str) -> String {
        let object = self.node(at).map(Node::pointer).unwrap_or_default();
        format!("{object}/{key}")
    }

    fn wrong_word(&self, at: usize, key: &str, text: &str, known: &[String]) -> Fault {
        unknown_word(self.pointer(at, key), key, text, known)
    }

    /// What a text refers to.
    fn refer<'t>(&self, at: usize, key: &str, kinds: &[Kind], text: &'t str) -> Result<Ref<'t>> {
        self.names.refer(self.flat, kinds, text.trim(), at, key)
    }

    /// The node that a text refers to, if it is in this file.
    fn target(&self, at: usize, key: &str, kinds: &[Kind], text: &str) -> Result<Option<usize>> {
        Ok(match self.refer(at, key, kinds, text)? {
            Ref::Node(node) => Some(node),
            Ref::Missing(..) => None,
        })
    }

    /// The id that a text refers to; a text that leads nowhere is taken as an id.
    fn id_for(&self, at: usize, key: &str, kinds: &[Kind], text: &str) -> Result<Id> {
        Ok(match self.refer(at, key, kinds, text)? {
            Ref::Node(node) => self.id(node),
            Ref::Missing(_, text) => Id::from(text),
        })
    }

    fn opt_id(
        &self,
        at: usize,
        key: &str,
        kinds: &[Kind],
        text: &Option<String>,
    ) -> Result<Option<Id>> {
        text.as_deref().map(|text| self.id_for(at, key, kinds, text)).transpose()
    }

    fn ids(
        &self,
        at: usize,
        key: &str,
        kinds: &[Kind],
        words: &Option<Words>,
    ) -> Result<Option<Vec<Id>>> {
        let Some(words) = words else { return Ok(None) };
        let ids = words.items.iter().enumerate().map(|(n, word)| {
            let key = if words.list { format!("{key}/{n}") } else { key.to_owned() };
            self.id_for(at, &key, kinds, word.as_str())
        });
        ids.collect::<Result<_>>().map(Some)
    }

    /// An address; a text that is none becomes a symbol and an observation.
    fn addr(&mut self, at: usize, field: &'static str, text: &str) -> AddrValue {
        let value = AddrValue::from_text(text);
        self.observe(at, field, value.symbol());
        value
    }

    fn opt_addr(
        &mut self,
        at: usize,
        field: &'static str,
        text: &Option<String>,
    ) -> Option<AddrValue> {
        text.as_deref().map(|text| self.addr(at, field, text))
    }

    fn addrs(
        &mut self,
        at: usize,
        field: &'static str,
        words: &Option<Words>,
    ) -> Option<Vec<AddrValue>> {
        let words = words.as_ref()?;
        Some(words.items.iter().map(|w| self.addr(at, field, w.as_str())).collect())
    }

    /// A block; a text that is none becomes a symbol and an observation.
    fn cidr(&mut self, at: usize, field: &'static str, text: &str) -> CidrValue {
        let value = CidrValue::from_text(text.trim());
        self.observe(at, field, value.symbol());
        value
    }

    fn opt_cidr(
        &mut self,
        at: usize,
        field: &'static str,
        text: &Option<String>,
    ) -> Option<CidrValue> {
        text.as_deref().map(|text| self.cidr(at, field, text))
    }

    fn cidrs(
        &mut self,
        at: usize,
        field: &'static str,
        words: &Option<Words>,
    ) -> Option<Vec<CidrValue>> {
        let words = words.as_ref()?;
        Some(words.items.iter().map(|w| self.cidr(at, field, w.as_str())).collect())
    }

    fn observe(&mut self, at: usize, field: &'static str, symbol: Option<&Text>) {
        let (Some(symbol), Some(node)) = (symbol, self.node(at)) else { return };
        // the primary ENI is written as part of its instance, which tells about it
        if node.kind == Kind::Eni && node.index.is_none() {
            return;
        }
        let kind =
            if is_masked(symbol) { ObservationKind::Masked } else { ObservationKind::Unreadable };
        let source = self.source(at);
        let observation = Observation {
            resource: ResourceRef {
                kind: node.kind,
                id: node.id.clone(),
                name: node.common.name.as_deref().map(Text::from),
            },
            field,
            kind,
            text: symbol.clone(),
            source,
        };
        // an address may be read more than once
        if !self.draft.observations.contains(&observation) {
            self.draft.observations.push(observation);
        }
    }

    /// The VPC of an object: what it says, or the one it is written in, or that of its vSwitch.
    fn vpc_node(
        &self,
        at: usize,
        stated: &Option<String>,
        nested: Option<usize>,
    ) -> Result<Option<usize>> {
        match stated {
            Some(text) => self.target(at, "vpc", &[Kind::Vpc], text),
            None => Ok(nested),
        }
    }

    fn vpc(&self, at: usize, stated: &Option<String>, nested: Option<usize>) -> Result<Option<Id>> {
        let stated = self.opt_id(at, "vpc", &[Kind::Vpc], stated)?;
        Ok(self.or_nested(at, "vpc", stated, nested))
    }

    /// A stated reference, or the object around it unless `unknown` names the key.
    fn or_nested(
        &self,
        at: usize,
        key: &str,
        stated: Option<Id>,
        nested: Option<usize>,
    ) -> Option<Id> {
        stated.or_else(|| nested.filter(|_| !self.open(at, key)).map(|n| self.id(n)))
    }

    /// VPC, vSwitch and zone of something in a vSwitch.
    fn site(
        &self,
        at: usize,
        vpc: (&Option<String>, Option<usize>),
        vswitch: (&Option<String>, Option<usize>),
        zone: &Option<String>,
    ) -> Result<Site> {
        let stated = self.opt_id(at, "vswitch", &[Kind::VSwitch], vswitch.0)?;
        let node = match vswitch.0 {
            Some(text) => self.target(at, "vswitch", &[Kind::VSwitch], text)?,
            None => vswitch.1.filter(|_| !self.open(at, "vswitch")),
        };
        let switch = node.and_then(|n| self.object(&self.flat.vswitches, n));
        let mut vpc = self.vpc(at, vpc.0, vpc.1)?;
        if vpc.is_none()
            && !self.open(at, "vpc")
            && let Some(switch) = switch
        {
            vpc = self.vpc(switch.at, &switch.dto.vpc, switch.vpc)?;
        }
        let own = switch.and_then(|s| s.dto.zone.as_deref()).filter(|_| !self.open(at, "zone"));
        Ok(Site {
            vpc,
            vswitch: stated.or_else(|| node.map(|n| self.id(n))),
            zone: zone.as_deref().or(own).map(Text::from),
        })
    }
}

/// A word that is none of a closed list.
fn unknown_word(place: String, what: &str, text: &str, known: &[String]) -> Fault {
    let fault = Fault::new(place, format!("`{text}` is not a known {what}"));
    match closest(text, known.iter().map(String::as_str)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!(
            "known words: {}; write `other:{text}` if the cloud has a new one",
            known.join(", ")
        )),
    }
}

/// Where something in a vSwitch is.
struct Site {
    vpc: Option<Id>,
    vswitch: Option<Id>,
    zone: Option<Text>,
}

/// A text of the tree as the model keeps it.
fn text(stated: &Option<String>) -> Option<Text> {
    stated.as_deref().map(Text::from)
}

/// A symbol for something whose value the file does not state.
fn symbol<T>(of: &str) -> Value<T> {
    Value::Symbol(Text::from(of))
}

/// The status word of something that works; what a status that is left out means.
fn usable_status(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Ipv4Gateway | Kind::GatewayEndpoint | Kind::PrefixList => "Created",
        Kind::Instance => "Running",
        Kind::Eni | Kind::Eip | Kind::HaVip => "InUse",
        Kind::Listener => "Running",
        Kind::LoadBalancer
        | Kind::Endpoint
        | Kind::EndpointService
        | Kind::Cen
        | Kind::TransitRouter
        | Kind::TransitRouteTable
        | Kind::TransitRouteEntry
        | Kind::TransitAssociation
        | Kind::TransitPropagation
        | Kind::VpnGateway
        | Kind::RouterInterface
        | Kind::BorderRouter => "Active",
        Kind::EndpointConnection => "Connected",
        Kind::VpcPeer => "Activated",
        Kind::TransitAttachment => "Attached",
        Kind::VpnConnection => "ipsec_sa_established",
        Kind::SecurityGroup
        | Kind::SecurityGroupRule
        | Kind::NetworkAclEntry
        | Kind::PortList
        | Kind::CustomerGateway
        | Kind::CenRoute
        | Kind::CenRouteMap
        | Kind::Ipv6EgressRule
        | Kind::VpnRoute => return None,
        _ => "Available",
    })
}

/// Kinds whose listings tell a business status.
fn has_business_status(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Eip
            | Kind::NatGateway
            | Kind::BandwidthPackage
            | Kind::LoadBalancer
            | Kind::Endpoint
            | Kind::EndpointService
            | Kind::VpcPeer
            | Kind::VpnGateway
            | Kind::RouterInterface
    )
}
