//! What a selector means in a topology.
//!
//! Terms without a kind of their own (`vpc:`, `tag:`, …) select hosts: whoever sends packets by
//! itself. With a term that names another kind (`lb:web vpc:prod`) they narrow that kind.

mod facts;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::addr::{Cidr, Family};
use crate::fabric::{Fabric, OwnPublic, SourcePoint, SourceRole};
use crate::policy::matching::{like, nearest, with_plain_numbers};
use crate::policy::selector::{Atom, Key, Selector, SelectorError, Term};
use crate::topology::{Id, Kind, Meta, Resource, Text, Topology};

/// Something that is selected; numbers are positions in the fabric's sources or the topology's
/// collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// A host, by its address of either family.
    Host {
        /// Source with its IPv4 address.
        v4: Option<usize>,
        /// Source with its IPv6 address.
        v6: Option<usize>,
    },
    /// An ENI that is no source: a service manages it.
    Eni(usize),
    /// A load balancer.
    Balancer(usize),
    /// An endpoint.
    Endpoint(usize),
    /// An endpoint service.
    Service(usize),
    /// A NAT gateway.
    Nat(usize),
    /// An EIP.
    Eip(usize),
    /// An address, whoever has it.
    Address(IpAddr),
    /// The Internet, or one address of it.
    Internet(Option<IpAddr>),
}

/// What a selector selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Selected, in a fixed order and without repetition; never empty.
    pub items: Vec<Item>,
    /// What the user should know about how it was understood.
    pub warnings: Vec<String>,
}

/// Finds what selectors mean.
#[derive(Debug, Clone, Copy)]
pub struct Resolver<'a> {
    pub(super) topology: &'a Topology,
    pub(super) fabric: &'a Fabric,
}

/// A term whose names have been found.
struct Found {
    negated: bool,
    condition: Condition,
}

enum Condition {
    All,
    Internet(Option<IpAddr>),
    Ip(IpAddr),
    Cidr(Cidr),
    Tag(String, String),
    /// Any of these things.
    Ids(Key, Vec<Id>),
    /// A value like this.
    Like(Key, String),
}

impl<'a> Resolver<'a> {
    /// Selectors of this topology; the fabric is compiled from it.
    pub fn new(topology: &'a Topology, fabric: &'a Fabric) -> Self {
        Self { topology, fabric }
    }

    /// Everything that a selector selects.
    pub fn resolve(&self, selector: &Selector) -> Result<Selection, SelectorError> {
        let mut selection = Selection { items: Vec::new(), warnings: Vec::new() };
        for all in &selector.any {
            let found = all
                .iter()
                .map(|term| self.find(term, &mut selection.warnings))
                .collect::<Result<Vec<Found>, _>>()?;
            selection.items.extend(self.select(&found));
        }
        selection.items.sort_unstable();
        selection.items.dedup();
        if selection.items.is_empty() {
            return Err(self.nothing(selector));
        }
        Ok(selection)
    }

    /// Looks up the names of a term.
    fn find(&self, term: &Term, warnings: &mut Vec<String>) -> Result<Found, SelectorError> {
        let condition = match &term.atom {
            Atom::All => Condition::All,
            Atom::Internet(address) => Condition::Internet(*address),
            Atom::Ip(address) => Condition::Ip(*address),
            Atom::Cidr(cidr) => Condition::Cidr(*cidr),
            Atom::Tag(key, value) => Condition::Tag(key.clone(), value.clone()),
            Atom::Of(Key::Group | Key::OnPrem, _) => {
                return Err(SelectorError::new(format!(
                    "`{}`: groups and networks on premises come from a configuration file, which \
                     this version does not read",
                    term.atom
                ))
                .help("write what is in it: `vpc:prod tag:tier=app`"));
            }
            Atom::Of(key @ (Key::Zone | Key::Role | Key::Ip | Key::Account), value) => {
                Condition::Like(*key, value.clone())
            }
            Atom::Of(key, value) => {
                Condition::Ids(*key, self.ids(*key, value, &term.atom, warnings)?)
            }
            Atom::Word(word) => self.word(word, warnings)?,
        };
        Ok(Found { negated: term.negated, condition })
    }

    /// Things of a kind with an id or name like this; names a second time with plain numbers.
    fn ids(
        &self,
        key: Key,
        value: &str,
        atom: &Atom,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Id>, SelectorError> {
        let all = self.named(key);
        let exact = |(id, name): &(Id, Option<Text>)| {
            like(value, id) || name.as_deref().is_some_and(|name| like(value, name))
        };
        let mut ids: Vec<Id> =
            all.iter().filter(|thing| exact(thing)).map(|t| t.0.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        if !ids.is_empty() {
            return Ok(ids);
        }
        let plain = with_plain_numbers(value);
        let loose = |(_, name): &&(Id, Option<Text>)| {
            name.as_deref().is_some_and(|name| like(&plain, &with_plain_numbers(name)))
        };
        let near: Vec<&(Id, Option<Text>)> = all.iter().filter(loose).collect();
        if near.is_empty() {
            return Err(no_match(atom, &all));
        }
        let names: Vec<&str> = near.iter().filter_map(|thing| thing.1.as_deref()).collect();
        warnings.push(format!("`{atom}` is taken for {}", names.join(", ")));
        Ok(near.into_iter().map(|thing| thing.0.clone()).collect())
    }

    /// Ids and names of everything of a kind.
    fn named(&self, key: Key) -> Vec<(Id, Option<Text>)> {
        let t = self.topology;
        let mut out = match key {
            Key::Ecs => names(&t.instances),
            Key::Eni => names(&t.enis),
            Key::HaVip => names(&t.havips),
            Key::Vpc => names(&t.vpcs),
            Key::Vsw => names(&t.vswitches),
            Key::Sg => names(&t.security_groups),
            Key::Eip => self.eips(),
            Key::Nat => names(&t.nat_gateways),
            Key::Lb => names(&t.load_balancers),
            Key::Ep => names(&t.endpoints),
            Key::Svc => self.services(),
            Key::Group | Key::OnPrem | Key::Zone | Key::Role | Key::Ip | Key::Account => Vec::new(),
        };
        // sources may name things that no listing has
        let referred: Vec<(Id, Option<Text>)> = match key {
            Key::Ecs => self.of_sources(|s| s.instance.as_ref().map(|r| (&r.id, r.name.clone()))),
            Key::Eni => self.of_sources(|s| Some((&s.eni.id, s.eni.name.clone()))),
            Key::Vpc => self.of_sources(|s| s.vpc.as_ref().map(|id| (id, None))),
            Key::Vsw => self.of_sources(|s| s.vswitch.as_ref().map(|id| (id, None))),
            _ => Vec::new(),
        };
        let known: std::collections::BTreeSet<Id> = out.iter().map(|(id, _)| id.clone()).collect();
        out.extend(referred.into_iter().filter(|(id, _)| !known.contains(id)));
        out
    }

    /// EIPs, also by their addresses.
    fn eips(&self) -> Vec<(Id, Option<Text>)> {
        let eips = &self.topology.eips;
        let address = |eip: &crate::topology::Eip| {
            Some((eip.id().clone(), Some(Text::from(eip.address.as_ref()?.to_string()))))
        };
        names(eips).into_iter().chain(eips.iter().filter_map(address)).collect()
    }

    fn services(&self) -> Vec<(Id, Option<Text>)> {
        let named = |name: &Option<Text>, id: &Id| (id.clone(), name.clone());
        let mut out = names(&self.topology.endpoint_services);
        // a service is also known by the name that endpoints connect to
        out.extend(self.topology.endpoint_services.iter().map(|s| named(&s.service_name, s.id())));
        out
    }

    fn of_sources<'s>(
        &'s self,
        get: impl Fn(&'s SourcePoint) -> Option<(&'s Id, Option<Text>)>,
    ) -> Vec<(Id, Option<Text>)> {
        let unique: BTreeMap<&Id, Option<Text>> =
            self.fabric.sources.iter().filter_map(get).collect();
        unique.into_iter().map(|(id, name)| (id.clone(), name)).collect()
    }

    /// A word without a kind: whatever has this id or name, if only one thing has it.
    fn word(&self, word: &str, warnings: &mut Vec<String>) -> Result<Condition, SelectorError> {
        let mut found = self.things(|text| like(word, text));
        if found.is_empty() {
            let plain = with_plain_numbers(word);
            found = self.things(|text| like(&plain, &with_plain_numbers(text)));
            if let [(key, id, name)] = found.as_slice() {
                let says = name.as_deref().unwrap_or(id.as_str());
                warnings.push(format!("`{word}` is taken for {}:{says}", key.name()));
            }
        }
        match found.as_slice() {
            [(key, id, _)] => Ok(Condition::Ids(*key, vec![id.clone()])),
            [] if self.masked(word) => Ok(Condition::Like(Key::Ip, word.to_owned())),
            [] => {
                let all: Vec<(Id, Option<Text>)> =
                    REFERENCES.iter().flat_map(|key| self.named(*key)).collect();
                Err(no_match(&Atom::Word(word.to_owned()), &all))
            }
            [(key, ..), rest @ ..] if word.contains('*') && rest.iter().all(|r| r.0 == *key) => {
                Ok(Condition::Ids(*key, found.into_iter().map(|(_, id, _)| id).collect()))
            }
            _ => Err(ambiguous(word, &found)),
        }
    }

    fn things(&self, matches: impl Fn(&str) -> bool) -> Vec<(Key, Id, Option<Text>)> {
        let mut out: Vec<(Key, Id, Option<Text>)> = Vec::new();
        for key in REFERENCES {
            for (id, name) in self.named(*key) {
                let hit = matches(&id) || name.as_deref().is_some_and(&matches);
                if hit && !out.iter().any(|(k, i, _)| k == key && *i == id) {
                    out.push((*key, id, name));
                }
            }
        }
        out
    }

    /// True for the masked address of some source.
    fn masked(&self, text: &str) -> bool {
        self.fabric
            .sources
            .iter()
            .any(|s| s.address.symbol().is_some_and(|symbol| **symbol == *text))
    }

    fn select(&self, all: &[Found]) -> Vec<Item> {
        let asserted: Vec<&Condition> =
            all.iter().filter(|found| !found.negated).map(|found| &found.condition).collect();
        if let [Condition::Ip(address)] = asserted.as_slice()
            && all.len() == 1
        {
            return vec![Item::Address(*address)];
        }
        let kinds: Vec<Universe> =
            asserted.iter().filter_map(|condition| universe(condition)).collect();
        let universe = match kinds.as_slice() {
            [] => Universe::Hosts,
            [first, rest @ ..] if rest.iter().all(|kind| kind == first) => *first,
            _ => return Vec::new(),
        };
        if universe == Universe::Hosts {
            return self.hosts(all, &asserted);
        }
        let items = match universe {
            Universe::Hosts => Vec::new(),
            Universe::Internet => {
                let address = asserted.iter().find_map(|condition| match condition {
                    Condition::Internet(address) => *address,
                    _ => None,
                });
                vec![Item::Internet(address)]
            }
            Universe::Balancers => count(self.topology.load_balancers.len(), Item::Balancer),
            Universe::Endpoints => count(self.topology.endpoints.len(), Item::Endpoint),
            Universe::Services => count(self.topology.endpoint_services.len(), Item::Service),
            Universe::Nats => count(self.topology.nat_gateways.len(), Item::Nat),
            Universe::Eips => count(self.topology.eips.len(), Item::Eip),
        };
        let holds = |item: &Item| {
            all.iter().all(|found| self.holds(&found.condition, *item) != found.negated)
        };
        items.into_iter().filter(holds).collect()
    }

    /// Hosts of which all terms hold. Unless a term speaks of addresses, a host stands for its
    /// primary address.
    fn hosts(&self, all: &[Found], asserted: &[&Condition]) -> Vec<Item> {
        let sources: Vec<usize> = self
            .fabric
            .sources
            .iter()
            .enumerate()
            .filter(|(_, source)| {
                all.iter().all(|f| self.holds_of_source(&f.condition, source) != f.negated)
            })
            .map(|(n, _)| n)
            .collect();
        let by_instance = asserted.iter().any(|c| matches!(c, Condition::Ids(Key::Ecs, _)));
        let mut items: Vec<Item> = if all.iter().any(|f| speaks_of_addresses(&f.condition)) {
            sources.into_iter().map(|n| self.host(&[n])).collect()
        } else {
            self.primary(&sources, by_instance)
        };
        if asserted.iter().any(|c| matches!(c, Condition::Ids(Key::Eni, _))) {
            let managed = self.topology.enis.iter().enumerate();
            let managed = managed.filter(|(_, eni)| eni.service_managed == Some(true));
            items.extend(managed.map(|(n, _)| Item::Eni(n)).filter(|item| {
                all.iter().all(|found| self.holds(&found.condition, *item) != found.negated)
            }));
        }
        items
    }

    /// One item per host: its first address of each family, the primary one first.
    fn primary(&self, sources: &[usize], by_instance: bool) -> Vec<Item> {
        let mut groups: BTreeMap<(u8, &Id), Vec<usize>> = BTreeMap::new();
        for n in sources {
            let Some(source) = self.fabric.sources.get(*n) else { continue };
            let key = match (&source.havip, &source.instance) {
                // the HaVip of an instance is another host than the instance
                (Some(_), _) if by_instance => continue,
                (Some(havip), _) => (2, &havip.id),
                (None, Some(instance)) => (0, &instance.id),
                (None, None) => (1, &source.eni.id),
            };
            groups.entry(key).or_default().push(*n);
        }
        let role = |n: &usize| self.fabric.sources.get(*n).map(|s| s.role);
        groups
            .into_values()
            .map(|mut group| {
                group.sort_by_key(role);
                self.host(&group)
            })
            .collect()
    }

    /// A host by the first of these sources in each family; a masked address is taken for IPv4.
    fn host(&self, sources: &[usize]) -> Item {
        let first = |family| {
            sources.iter().copied().find(|n| {
                let source = self.fabric.sources.get(*n);
                source.is_some_and(|s| s.address.addr().map_or(Family::V4, Family::of) == family)
            })
        };
        Item::Host { v4: first(Family::V4), v6: first(Family::V6) }
    }

    fn holds_of_source(&self, condition: &Condition, source: &SourcePoint) -> bool {
        let has = |ids: &[Id], id: Option<&Id>| id.is_some_and(|id| ids.contains(id));
        match condition {
            Condition::All => true,
            Condition::Internet(_) => false,
            Condition::Ip(address) => {
                source.address.addr() == Some(*address) || own(source) == Some(*address)
            }
            Condition::Cidr(cidr) => source.address.addr().is_some_and(|ip| cidr.contains(ip)),
            Condition::Tag(key, value) => self
                .metas(source)
                .any(|meta| meta.tag(key).is_some_and(|stated| like(value, stated))),
            Condition::Like(key, value) => self.values(*key, source).iter().any(|v| like(value, v)),
            Condition::Ids(key, ids) => match key {
                Key::Ecs => has(ids, source.instance.as_ref().map(|r| &r.id)),
                Key::Eni => source.havip.is_none() && has(ids, Some(&source.eni.id)),
                Key::HaVip => has(ids, source.havip.as_ref().map(|r| &r.id)),
                Key::Vpc => has(ids, source.vpc.as_ref()),
                Key::Vsw => has(ids, source.vswitch.as_ref()),
                Key::Sg => self.groups(source).iter().any(|group| ids.contains(group)),
                Key::Eip => match &source.own {
                    OwnPublic::Held(held) => held.by.iter().any(|by| ids.contains(&by.id)),
                    _ => false,
                },
                _ => false,
            },
        }
    }

    /// What a source says about a kind of value.
    fn values(&self, key: Key, source: &SourcePoint) -> Vec<String> {
        match key {
            Key::Zone => source.zone.iter().map(ToString::to_string).collect(),
            Key::Ip => vec![source.address.to_string()],
            Key::Account => {
                self.metas(source).filter_map(|m| m.account.as_ref()).map(Id::to_string).collect()
            }
            Key::Role => {
                let owner = source.instance.as_ref().map(|i| &i.id);
                let owner = owner.and_then(|id| self.topology.instances.get(id));
                let given = owner.and_then(|owner| owner.role.as_ref()).map(ToString::to_string);
                let tagged = self.metas(source).filter_map(|m| m.tag("role")).map(str::to_owned);
                let of_address = std::iter::once(source.role.name().to_owned());
                of_address.chain(given).chain(tagged).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Common parts of what a source belongs to: HaVip, ENI, instance.
    fn metas<'s>(&'s self, source: &'s SourcePoint) -> impl Iterator<Item = &'s Meta> {
        let t = self.topology;
        let havip = source.havip.as_ref().and_then(|r| t.havips.get(&r.id)).map(|r| &r.meta);
        let eni = t.enis.get(&source.eni.id).map(|r| &r.meta);
        let owner = source.instance.as_ref().and_then(|r| t.instances.get(&r.id));
        havip.into_iter().chain(eni).chain(owner.map(|r| &r.meta))
    }

    /// Security groups of a source: those of its ENI; a primary ENI may leave them to its instance.
    fn groups(&self, source: &SourcePoint) -> &[Id] {
        let eni = self.topology.enis.get(&source.eni.id);
        let owner = source.instance.as_ref().and_then(|r| self.topology.instances.get(&r.id));
        let of_owner = owner
            .filter(|_| source.role != SourceRole::SecondaryEni)
            .and_then(|owner| owner.security_groups.as_deref());
        eni.and_then(|eni| eni.security_groups.as_deref()).or(of_owner).unwrap_or_default()
    }

    /// Why a selector selects nothing.
    fn nothing(&self, selector: &Selector) -> SelectorError {
        let error = SelectorError::new(format!("nothing is `{selector}`"));
        let mut values: Vec<String> = Vec::new();
        let mut wanted = None;
        for term in selector.any.iter().flatten().filter(|term| !term.negated) {
            match &term.atom {
                Atom::Of(key @ (Key::Zone | Key::Role | Key::Ip | Key::Account), value) => {
                    let sources = self.fabric.sources.iter();
                    values.extend(sources.flat_map(|source| self.values(*key, source)));
                    wanted = Some(value.clone());
                }
                Atom::Tag(key, value) => {
                    let metas = self.fabric.sources.iter().flat_map(|source| self.metas(source));
                    let tags = metas.flat_map(|meta| meta.tags.iter().flatten());
                    values.extend(tags.map(|(k, v)| format!("{k}={v}")));
                    wanted = Some(format!("{key}={value}"));
                }
                _ => continue,
            }
            break;
        }
        // a term that matches by itself has nothing near it to offer
        let wanted = wanted.filter(|text| !values.iter().any(|value| like(text, value)));
        let near = wanted.map(|text| nearest(&text, values.iter().map(String::as_str), 3));
        match near {
            Some(near) if !near.is_empty() => error.help(format!("near: {}", near.join(", "))),
            _ => error.help("each of its terms may match something, but nothing matches them all"),
        }
    }
}

/// Kinds whose values are ids or names of things.
const REFERENCES: &[Key] = &[
    Key::Ecs,
    Key::Eni,
    Key::HaVip,
    Key::Lb,
    Key::Ep,
    Key::Svc,
    Key::Nat,
    Key::Eip,
    Key::Vpc,
    Key::Vsw,
    Key::Sg,
];

/// What a list of terms is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Universe {
    Hosts,
    Internet,
    Balancers,
    Endpoints,
    Services,
    Nats,
    Eips,
}

fn universe(condition: &Condition) -> Option<Universe> {
    match condition {
        Condition::Internet(_) => Some(Universe::Internet),
        Condition::Ids(key, _) => match key {
            Key::Ecs | Key::Eni | Key::HaVip => Some(Universe::Hosts),
            Key::Lb => Some(Universe::Balancers),
            Key::Ep => Some(Universe::Endpoints),
            Key::Svc => Some(Universe::Services),
            Key::Nat => Some(Universe::Nats),
            Key::Eip => Some(Universe::Eips),
            _ => None,
        },
        _ => None,
    }
}

/// True for terms that tell the addresses of a host apart.
fn speaks_of_addresses(condition: &Condition) -> bool {
    match condition {
        Condition::Ip(_) | Condition::Cidr(_) | Condition::Like(Key::Ip, _) => true,
        Condition::Ids(Key::Eni | Key::Eip | Key::HaVip, _) => true,
        Condition::Like(Key::Role, value) => [
            SourceRole::Primary,
            SourceRole::SecondaryIp,
            SourceRole::SecondaryEni,
            SourceRole::HaVip,
        ]
        .iter()
        .any(|role| like(value, role.name())),
        _ => false,
    }
}

/// The public address that a source holds.
pub(super) fn own(source: &SourcePoint) -> Option<IpAddr> {
    match &source.own {
        OwnPublic::Held(held) => held.address.addr(),
        _ => None,
    }
}

fn names<T: Resource>(things: &crate::topology::Collection<T>) -> Vec<(Id, Option<Text>)> {
    things.iter().map(|thing| (thing.id().clone(), thing.name().map(Text::from))).collect()
}

fn count(len: usize, item: impl Fn(usize) -> Item) -> Vec<Item> {
    (0..len).map(item).collect()
}

fn no_match(atom: &Atom, all: &[(Id, Option<Text>)]) -> SelectorError {
    let (value, what) = match atom {
        Atom::Of(key, value) => (value.as_str(), key.name()),
        Atom::Word(word) => (word.as_str(), "id, name or address"),
        _ => ("", ""),
    };
    let error = SelectorError::new(format!("nothing in the input is `{atom}`"));
    let texts = all.iter().flat_map(|(id, name)| [Some(id.as_str()), name.as_deref()]).flatten();
    match nearest(value, texts, 3) {
        near if !near.is_empty() => error.help(format!("near: {}", near.join(", "))),
        _ if all.is_empty() => error.help(format!("the input has no {what} at all")),
        _ => error.help("`vpclint inspect` lists what the input holds"),
    }
}

fn ambiguous(word: &str, found: &[(Key, Id, Option<Text>)]) -> SelectorError {
    let says = |(key, id, name): &(Key, Id, Option<Text>)| match name {
        Some(name) if **name != *id.as_str() => format!("{}:{id} ({name})", key.name()),
        _ => format!("{}:{id}", key.name()),
    };
    let shown: Vec<String> = found.iter().take(8).map(says).collect();
    let more = if found.len() > shown.len() { ", …" } else { "" };
    SelectorError::new(format!("`{word}` may mean {} things", found.len()))
        .help(format!("say which: {}{more}", shown.join(", ")))
}

/// Kind of a thing that selectors name.
pub(super) fn kind_of(item: Item) -> Option<Kind> {
    match item {
        Item::Host { .. } | Item::Address(_) | Item::Internet(_) => None,
        Item::Eni(_) => Some(Kind::Eni),
        Item::Balancer(_) => Some(Kind::LoadBalancer),
        Item::Endpoint(_) => Some(Kind::Endpoint),
        Item::Service(_) => Some(Kind::EndpointService),
        Item::Nat(_) => Some(Kind::NatGateway),
        Item::Eip(_) => Some(Kind::Eip),
    }
}
