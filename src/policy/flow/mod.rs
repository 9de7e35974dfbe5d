//! Questions about flows: who is meant by a source and a target, address by address.

mod offered;
mod published;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::addr::{Family, special};
use crate::analyze::trace::{From, Question, To};
use crate::fabric::{Found, HostId, SourcePoint};
use crate::packet::{Protocol, WITNESS_SRC_PORT};
use crate::policy::resolve::{Item, Resolver, Selection, kind_of, own};
use crate::policy::selector::{Ask, SelectorError};
use crate::topology::{AddrValue, Endpoint, Id, Kind, LoadBalancer, Resource, ResourceRef, Text};

/// The usual stranger on the Internet.
pub const STRANGER_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8));
/// The same in IPv6.
pub const STRANGER_V6: IpAddr =
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888));

/// One end of a flow, as reports name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndPoint {
    /// Resource; `None` for the Internet and for addresses that nobody in the input has.
    pub resource: Option<ResourceRef>,
    /// The instance behind it.
    pub instance: Option<ResourceRef>,
    /// The Internet is meant.
    pub internet: bool,
    /// Its address.
    pub address: AddrValue,
}

/// A question, and who is meant by it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The question.
    pub question: Question,
    /// Who opens the connection.
    pub from: EndPoint,
    /// To whom.
    pub to: EndPoint,
    /// How the target was understood.
    pub notes: Vec<Text>,
}

/// What to ask of every pair.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Port and protocol, where the user gave them.
    pub ask: Option<Ask>,
    /// The client's port, where the user gave it.
    pub source_port: Option<u16>,
    /// Most questions to ask.
    pub limit: usize,
}

/// Who opens connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    Host {
        v4: Option<usize>,
        v6: Option<usize>,
    },
    Internet(Option<IpAddr>),
    /// Behind a gateway of the target's network.
    Outside(IpAddr),
}

/// An address that a target may be reached at.
struct Target {
    to: To,
    end: EndPoint,
    /// What to ask of it, where that is not what the user asked for.
    ask: Option<Ask>,
    notes: Vec<Text>,
}

impl Target {
    fn new(to: To, end: EndPoint) -> Self {
        Self { to, end, ask: None, notes: Vec::new() }
    }
}

/// Makes the questions of two selections.
pub fn questions(
    resolver: &Resolver<'_>,
    from: &Selection,
    to: &Selection,
    options: Options,
) -> Result<Vec<Asked>, SelectorError> {
    let flows = Flows { resolver, hosts: hosts_by_address(resolver), options };
    let mut senders: Vec<Sender> = Vec::new();
    for item in &from.items {
        for sender in flows.senders(*item)? {
            if !senders.contains(&sender) {
                senders.push(sender);
            }
        }
    }
    // pairs without a common family are passed over when there are others
    let mut paired = false;
    let many = senders.len() * to.items.len() > 1;
    let mut out = Vec::new();
    for sender in &senders {
        for item in &to.items {
            if many && flows.is_itself(*sender, *item) {
                continue;
            }
            paired = true;
            out.extend(flows.pair(*sender, *item)?);
            if out.len() > options.limit {
                return Err(too_many(senders.len(), to.items.len(), options.limit));
            }
        }
    }
    match out.is_empty() {
        true if paired => {
            Err(SelectorError::new("source and target have no addresses of the same family")
                .help("one has only IPv4 addresses, the other only IPv6 ones"))
        }
        true => Err(SelectorError::new("source and target are the same host")),
        false => Ok(out),
    }
}

fn too_many(senders: usize, targets: usize, limit: usize) -> SelectorError {
    SelectorError::new(format!(
        "{senders} sources and {targets} targets make more than {limit} traces"
    ))
    .help("select less, or allow more with --limit N; `--output concise` prints a line for each")
}

struct Flows<'r, 'a> {
    resolver: &'r Resolver<'a>,
    /// Hosts by VPC and address.
    hosts: BTreeMap<(Id, IpAddr), HostId>,
    options: Options,
}

fn hosts_by_address(resolver: &Resolver<'_>) -> BTreeMap<(Id, IpAddr), HostId> {
    let fabric = resolver.fabric;
    let network = |id| fabric.element(id).map(|element| element.resource.id.clone());
    fabric
        .hosts()
        .filter_map(|(id, host)| Some(((network(host.network)?, host.address), id)))
        .collect()
}

impl<'a> Flows<'_, 'a> {
    fn source(&self, n: Option<usize>) -> Option<&'a SourcePoint> {
        self.resolver.fabric.sources.get(n?)
    }

    /// Who sends for an item.
    fn senders(&self, item: Item) -> Result<Vec<Sender>, SelectorError> {
        let t = self.resolver.topology;
        match item {
            Item::Host { v4, v6 } => Ok(vec![Sender::Host { v4, v6 }]),
            Item::Internet(address) => Ok(vec![Sender::Internet(address)]),
            Item::Address(address) => {
                let found = self
                    .with_address(|s| s.address.addr() == Some(address) || own(s) == Some(address));
                match found.is_empty() {
                    false => Ok(found),
                    true if is_private(address) => Ok(vec![Sender::Outside(address)]),
                    true => Err(SelectorError::new(format!("no host of the input has {address}"))
                        .help(format!("a client on the Internet is `internet:{address}`"))),
                }
            }
            Item::Eip(n) => {
                let eip = t.eips.as_slice().get(n);
                let address = eip.and_then(|eip| eip.address.as_ref());
                let found = self.with_address(|s| match &s.own {
                    crate::fabric::OwnPublic::Held(held) => address == Some(&held.address),
                    _ => false,
                });
                if found.is_empty() {
                    let id = eip.map(|eip| eip.to_ref().to_string()).unwrap_or_default();
                    return Err(SelectorError::new(format!("{id} is not a host's own address"))
                        .help("name the host that sends"));
                }
                Ok(found)
            }
            other => {
                let what = kind_of(other).map_or("this", Kind::title);
                let id = self.reference(other).map(|r| r.to_string()).unwrap_or_default();
                Err(SelectorError::new(format!("{id} opens no connections"))
                    .help(format!("a {what} answers; name a host, or `internet`, as the source")))
            }
        }
    }

    fn with_address(&self, is: impl Fn(&SourcePoint) -> bool) -> Vec<Sender> {
        let sources = self.resolver.fabric.sources.iter().enumerate();
        sources
            .filter(|(_, source)| is(source))
            .map(|(n, source)| match source.address.addr() {
                Some(IpAddr::V6(_)) => Sender::Host { v4: None, v6: Some(n) },
                _ => Sender::Host { v4: Some(n), v6: None },
            })
            .collect()
    }

    fn is_itself(&self, sender: Sender, item: Item) -> bool {
        let (Sender::Host { v4, v6 }, Item::Host { v4: to4, v6: to6 }) = (sender, item) else {
            return false;
        };
        let host = |n4, n6| {
            let source = self.source(n4).or(self.source(n6))?;
            Some((&source.havip, source.instance.as_ref().unwrap_or(&source.eni)))
        };
        host(v4, v6).is_some_and(|a| Some(a) == host(to4, to6))
    }

    /// The questions of one source and one target.
    fn pair(&self, sender: Sender, item: Item) -> Result<Vec<Asked>, SelectorError> {
        let targets = self.targets(sender, item)?;
        let mut out = Vec::new();
        for target in targets {
            let asks = match target.ask.or(self.options.ask) {
                Some(ask) => vec![ask],
                None => self.offered(item)?,
            };
            let outside = matches!(sender, Sender::Outside(_));
            if outside && target.to.host.is_none() {
                return Err(SelectorError::new(format!(
                    "{} is not a host of the input, nor is who asks",
                    target.to.address
                )));
            }
            let Some((from, end)) = self.from(sender, Family::of(target.to.address)) else {
                continue;
            };
            for ask in asks {
                let question = self.question(&from, &target.to, ask);
                let mut notes = target.notes.clone();
                if let From::Outside(address) = &from {
                    notes.push(Text::from(format!(
                        "{address} is no host of the input: taken for one of a network behind \
                         the target's VPC"
                    )));
                }
                let (from, to) = (end.clone(), target.end.clone());
                out.push(Asked { question, from, to, notes });
            }
        }
        Ok(out)
    }

    fn question(&self, from: &From, to: &To, ask: Ask) -> Question {
        let ports = ask.protocol.has_ports();
        let (src_port, client_ports) = match self.options.source_port {
            Some(port) if ports => (port, (port, port)),
            None if ports => (WITNESS_SRC_PORT, (1024, u16::MAX)),
            _ => (0, (0, 0)),
        };
        Question {
            from: from.clone(),
            to: to.clone(),
            protocol: ask.protocol,
            src_port,
            client_ports,
            dst_port: ask.port.unwrap_or(0),
        }
    }

    /// The source's end, in a family.
    fn from(&self, sender: Sender, family: Family) -> Option<(From, EndPoint)> {
        match sender {
            Sender::Internet(address) => {
                let client = address.unwrap_or(match family {
                    Family::V4 => STRANGER_V4,
                    Family::V6 => STRANGER_V6,
                });
                (Family::of(client) == family)
                    .then(|| (From::Internet(client), internet_end(client)))
            }
            Sender::Outside(address) => {
                let end = EndPoint {
                    resource: None,
                    instance: None,
                    internet: false,
                    address: AddrValue::Known(address),
                };
                (Family::of(address) == family).then_some((From::Outside(address), end))
            }
            Sender::Host { v4, v6 } => {
                let n = match family {
                    Family::V4 => v4,
                    Family::V6 => v6,
                }?;
                Some((From::Source(n), source_end(self.source(Some(n))?)))
            }
        }
    }

    /// The addresses at which a sender reaches an item.
    fn targets(&self, sender: Sender, item: Item) -> Result<Vec<Target>, SelectorError> {
        let t = self.resolver.topology;
        let found = match item {
            Item::Host { v4, v6 } => match sender {
                Sender::Internet(_) => self.published(v4, v6),
                Sender::Host { v4: s4, v6: s6 } => self.private(s4, s6, v4, v6),
                Sender::Outside(address) => match Family::of(address) {
                    Family::V4 => self.private(v4, None, v4, v6),
                    Family::V6 => self.private(None, v6, v4, v6),
                },
            },
            Item::Internet(address) => vec![self.internet(sender, address)?],
            Item::Address(address) => vec![self.address(sender, address)],
            Item::Eni(n) => {
                let eni = t.enis.as_slice().get(n);
                let private = eni.into_iter().flat_map(|e| e.private_ips.iter().flatten());
                let addresses: Vec<&AddrValue> = private.map(|ip| &ip.address).collect();
                let vpc = eni.and_then(|eni| eni.vpc.as_ref());
                self.known(item, vpc, &addresses)?
            }
            Item::Balancer(n) => match t.load_balancers.as_slice().get(n) {
                Some(balancer) => self.balancer(sender, item, balancer)?,
                None => Vec::new(),
            },
            Item::Endpoint(n) => match t.endpoints.as_slice().get(n) {
                Some(endpoint) => self.endpoint(endpoint)?,
                None => Vec::new(),
            },
            Item::Service(n) => self.service(n)?,
            Item::Nat(n) => {
                let nat = t.nat_gateways.as_slice().get(n);
                let eips = nat.into_iter().flat_map(|nat| nat.eips.iter().flatten());
                let addresses: Vec<&AddrValue> = eips.map(|eip| &eip.address).collect();
                self.known(item, None, &addresses)?
            }
            Item::Eip(n) => {
                let eip = t.eips.as_slice().get(n);
                let addresses: Vec<&AddrValue> =
                    eip.into_iter().flat_map(|eip| eip.address.iter()).collect();
                self.known(item, None, &addresses)?
            }
        };
        Ok(found)
    }

    /// The private address of a host, of a family that both have.
    fn private(
        &self,
        s4: Option<usize>,
        s6: Option<usize>,
        v4: Option<usize>,
        v6: Option<usize>,
    ) -> Vec<Target> {
        let source = match (s4, v4, s6, v6) {
            (Some(_), Some(n), _, _) | (_, _, Some(_), Some(n)) => self.source(Some(n)),
            _ => None,
        };
        let target = source.and_then(|source| {
            let address = source.address.addr()?;
            let to = To { address, host: self.host_of(source, address) };
            Some(Target::new(to, source_end(source)))
        });
        target.into_iter().collect()
    }

    fn host_of(&self, source: &SourcePoint, address: IpAddr) -> Option<HostId> {
        match self.resolver.fabric.host_at(source.home?, address) {
            Found::Host(id) => Some(id),
            _ => None,
        }
    }

    fn internet(&self, sender: Sender, address: Option<IpAddr>) -> Result<Target, SelectorError> {
        let address = match (address, sender) {
            (_, Sender::Internet(_)) => {
                return Err(SelectorError::new("both source and target are the Internet"));
            }
            (Some(address), _) => address,
            (_, Sender::Outside(address)) => {
                return Err(SelectorError::new(format!("no host of the input has {address}"))
                    .help("its way to the Internet is not in the input"));
            }
            (None, Sender::Host { v4: Some(_), .. }) => STRANGER_V4,
            (None, _) => STRANGER_V6,
        };
        let mut target = Target::new(To { address, host: None }, internet_end(address));
        target.ask = self.options.ask.or(Some(Ask { protocol: Protocol::Tcp, port: Some(443) }));
        Ok(target)
    }

    /// An address as the user wrote it: in the sender's VPC, else anywhere.
    fn address(&self, sender: Sender, address: IpAddr) -> Target {
        let vpc = match sender {
            Sender::Host { v4, v6 } => {
                self.source(v4).or(self.source(v6)).and_then(|s| s.vpc.clone())
            }
            Sender::Internet(_) | Sender::Outside(_) => None,
        };
        let near = vpc.and_then(|vpc| self.hosts.get(&(vpc, address)).copied());
        let mut elsewhere = self.hosts.iter().filter(|((_, ip), _)| *ip == address);
        let only = match (elsewhere.next(), elsewhere.next()) {
            (Some((_, id)), None) => Some(*id),
            _ => None,
        };
        // a stranger's packets go to public addresses only
        let host = match sender {
            Sender::Host { .. } | Sender::Outside(_) => near.or(only),
            Sender::Internet(_) => None,
        };
        let end = match host {
            Some(host) => self.host_end(host, address),
            None => EndPoint {
                resource: self.public_owner(address),
                instance: None,
                internet: false,
                address: AddrValue::Known(address),
            },
        };
        Target::new(To { address, host }, end)
    }

    fn public_owner(&self, address: IpAddr) -> Option<ResourceRef> {
        let eips = self.resolver.topology.eips.iter();
        let mut of = eips.filter(|e| e.address.as_ref().and_then(AddrValue::addr) == Some(address));
        of.next().map(Resource::to_ref)
    }

    fn host_end(&self, id: HostId, address: IpAddr) -> EndPoint {
        let fabric = self.resolver.fabric;
        let host = fabric.host(id);
        if let Some(source) = self.source(host.and_then(|host| host.source)) {
            return source_end(source);
        }
        let element = host.and_then(|host| fabric.element(host.element));
        EndPoint {
            resource: element.map(|element| element.resource.clone()),
            instance: None,
            internet: false,
            address: AddrValue::Known(address),
        }
    }

    /// Targets at stated addresses; in a VPC, with the host there.
    fn known(
        &self,
        item: Item,
        vpc: Option<&Id>,
        addresses: &[&AddrValue],
    ) -> Result<Vec<Target>, SelectorError> {
        let resource = self.reference(item);
        let mut out: Vec<Target> = Vec::new();
        for stated in addresses {
            let Some(address) = stated.addr() else { continue };
            let host = vpc.and_then(|vpc| self.hosts.get(&(vpc.clone(), address)).copied());
            let end = EndPoint {
                resource: resource.clone(),
                instance: None,
                internet: false,
                address: (*stated).clone(),
            };
            if !out.iter().any(|target| target.to.address == address) {
                out.push(Target::new(To { address, host }, end));
            }
        }
        if out.is_empty() {
            let what = resource.map(|r| r.to_string()).unwrap_or_default();
            return Err(match addresses.first() {
                Some(masked) => SelectorError::new(format!("the address of {what} is `{masked}`"))
                    .help("a masked address cannot be traced to"),
                None => SelectorError::new(format!("{what} has no address in the input")),
            });
        }
        Ok(out)
    }

    /// A load balancer at its private addresses for senders of the topology, if it has some.
    fn balancer(
        &self,
        sender: Sender,
        item: Item,
        balancer: &LoadBalancer,
    ) -> Result<Vec<Target>, SelectorError> {
        use crate::topology::AddressType;
        let zones = || balancer.zones.iter().flatten();
        let mut private: Vec<&AddrValue> = zones().flat_map(|zone| &zone.private_ips).collect();
        let mut public: Vec<&AddrValue> = zones().flat_map(|zone| &zone.public_ips).collect();
        match (&balancer.address, &balancer.address_type) {
            (Some(address), Some(AddressType::Internet)) => public.push(address),
            (Some(address), _) => private.push(address),
            (None, _) => {}
        }
        let bound = self.resolver.topology.eips.iter();
        let bound =
            bound.filter(|eip| matches!(&eip.target_id, Some(Some(id)) if id == balancer.id()));
        public.extend(bound.filter_map(|eip| eip.address.as_ref()));
        let inside = !matches!(sender, Sender::Internet(_));
        let vpc = balancer.vpc.iter().flatten().next();
        if !public.is_empty() && (!inside || private.is_empty()) {
            return self.known(item, None, &public);
        }
        let mut targets = self.known(item, vpc, &private)?;
        if !inside {
            let note = Text::from(format!("{} has no public address", balancer.to_ref()));
            targets.iter_mut().for_each(|target| target.notes.push(note.clone()));
        }
        Ok(targets)
    }

    /// An endpoint: one address per zone.
    fn endpoint(&self, endpoint: &Endpoint) -> Result<Vec<Target>, SelectorError> {
        let t = self.resolver.topology;
        let mut addresses: Vec<&AddrValue> = Vec::new();
        for zone in endpoint.zones.iter().flatten() {
            let eni = zone.eni.as_ref().and_then(|id| t.enis.get(id));
            let of_eni = eni.and_then(|eni| eni.private_ips.iter().flatten().next());
            addresses.extend(zone.address.as_ref().or(of_eni.map(|ip| &ip.address)));
        }
        let item = t.endpoints.position(endpoint.id()).map(Item::Endpoint);
        match item {
            Some(item) => self.known(item, endpoint.vpc.as_ref(), &addresses),
            None => Ok(Vec::new()),
        }
    }

    /// A service by the endpoints that name it.
    fn service(&self, n: usize) -> Result<Vec<Target>, SelectorError> {
        let t = self.resolver.topology;
        let Some(service) = t.endpoint_services.as_slice().get(n) else { return Ok(Vec::new()) };
        let mut out = Vec::new();
        for endpoint in &t.endpoints {
            let by_name =
                service.service_name.is_some() && endpoint.service_name == service.service_name;
            if endpoint.service.as_ref() == Some(service.id()) || by_name {
                out.extend(self.endpoint(endpoint)?);
            }
        }
        if out.is_empty() {
            return Err(SelectorError::new(format!(
                "no endpoint of the input belongs to {}",
                service.to_ref()
            ))
            .help("a service is reached through its endpoints only"));
        }
        Ok(out)
    }

    fn reference(&self, item: Item) -> Option<ResourceRef> {
        let t = self.resolver.topology;
        match item {
            Item::Host { .. } | Item::Address(_) | Item::Internet(_) => None,
            Item::Eni(n) => t.enis.as_slice().get(n).map(Resource::to_ref),
            Item::Balancer(n) => t.load_balancers.as_slice().get(n).map(Resource::to_ref),
            Item::Endpoint(n) => t.endpoints.as_slice().get(n).map(Resource::to_ref),
            Item::Service(n) => t.endpoint_services.as_slice().get(n).map(Resource::to_ref),
            Item::Nat(n) => t.nat_gateways.as_slice().get(n).map(Resource::to_ref),
            Item::Eip(n) => t.eips.as_slice().get(n).map(Resource::to_ref),
        }
    }
}

/// True for addresses that no host of the Internet has.
fn is_private(address: IpAddr) -> bool {
    let private = match address {
        IpAddr::V4(_) => special::rfc1918().to_vec(),
        IpAddr::V6(_) => vec![special::unique_local()],
    };
    private.iter().any(|block| block.contains(address))
}

fn internet_end(address: IpAddr) -> EndPoint {
    EndPoint { resource: None, instance: None, internet: true, address: AddrValue::Known(address) }
}

fn source_end(source: &SourcePoint) -> EndPoint {
    EndPoint {
        resource: Some(source.havip.as_ref().unwrap_or(&source.eni).clone()),
        instance: source.instance.clone(),
        internet: false,
        address: source.address.clone(),
    }
}
