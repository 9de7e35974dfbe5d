//! One server behind a listener: who it is, which source it sees, and which filters it stands
//! behind (access.md §1.6, §2.2, §3.2, §3.4).

use std::net::IpAddr;
use std::sync::Arc;

use super::super::assume::LbL4BackendSg;
use super::super::pipeline::{Branch, ElementId, End, Op, Pass, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table};
use super::Compiler;
use super::acl::always_open;
use super::backend::{Health, is_clb, is_l7};
use super::balancer::{Front, classes};
use super::filter::{Filters, Groups, Next};
use crate::addr::{AddrSet, Cidr, Family, special};
use crate::topology::{
    AddrValue, Backend, BackendType, Direction, Eni, Id, Instance, Kind, Lifecycle, Listener,
    ListenerProtocol, Listing, LoadBalancer, LoadBalancerType, Resource, ResourceRef, RulePeer,
    Scope, Text,
};

/// A server, as far as the topology knows it.
pub(super) struct Server<'t> {
    eni: Option<&'t Eni>,
    instance: Option<&'t Instance>,
}

impl<'t> Compiler<'t> {
    /// Sends to one server.
    pub(super) fn backend_stage(
        &mut self,
        lb: &'t LoadBalancer,
        front: &Front,
        listener: &Id,
        group: Option<&Id>,
        n: usize,
    ) -> Stage {
        let at = self.group_element(lb, group);
        let listener = self.topology.listeners.get(listener);
        let backends = match group {
            Some(id) => self.server_group(id).and_then(|g| g.backends.as_ref()),
            None => lb.default_backends.as_ref(),
        };
        let (Some(listener), Some(backend)) = (listener, backends.and_then(|b| b.get(n))) else {
            // the stage was asked for with what is there
            let default = Branch::unknown(format!("servers of {} (not stated)", lb.id()));
            return Stage::new("backend", at, Table::constant(default));
        };
        let server = self.server(backend);
        let address = address_of(backend, &server);
        let port = self.port(listener, group, backend);
        let element = self.backend_element(lb, group, backend, &server, address.as_ref(), &port);
        let then = match (&address, port) {
            (_, _) if backend.backend_type == Some(BackendType::Function) => {
                Branch::new(End::Answer(element))
            }
            (Some(address), Ok(port)) => {
                let at = Behind { lb, front, listener, group };
                self.forward(&at, &server, backend, address, port.map(|(_, op)| op))
            }
            (None, _) => self.absent(lb, backend, &server, element),
            (_, Err(missing)) => Branch::unknown(missing),
        };
        let then = then.after(Op::Via(element));
        let mut rules = Vec::new();
        rules.extend(self.hairpin(lb, front, listener, &server, address.as_ref(), element));
        if let Health::Unknown(missing) = self.health(lb, listener, backend) {
            let dropped = Branch::drop(Reason::NoBackend, at);
            let matches = Match::default();
            rules.push(Rule { matches, element, then: dropped, doubt: Some(missing) });
        }
        rules.push(Rule::new(Match::default(), element, then.clone()));
        let table = Table { rules, default: then.clone() };
        Stage::filter("backend", at, table, Pass::stateful(then))
    }

    /// A server of a layer 4 listener cannot be its own client (access.md §3.2).
    fn hairpin(
        &mut self,
        lb: &LoadBalancer,
        front: &Front,
        listener: &Listener,
        server: &Server<'t>,
        address: Option<&AddrValue>,
        element: ElementId,
    ) -> Option<Rule> {
        if !is_clb(lb) || is_l7(listener) || front.is_link() {
            return None;
        }
        let vpc = server.vpc()?;
        let home = Some(self.network(&vpc));
        let own = address.and_then(AddrValue::addr);
        let others = server.eni.into_iter().flat_map(|eni| eni.private_ips.iter().flatten());
        let blocks: Vec<Cidr> = others
            .filter_map(|ip| ip.address.addr())
            .chain(own)
            .filter(IpAddr::is_ipv4)
            .map(Cidr::host)
            .collect();
        let src = AddrSet::from_cidrs(Family::V4, &blocks);
        let matches = Match { home, ..Match::from(src) };
        Some(Rule::new(matches, element, Branch::drop(Reason::ClbHairpin, element)))
    }

    /// The ENI and instance of a server.
    pub(super) fn server(&self, backend: &Backend) -> Server<'t> {
        let topology = self.topology;
        let Some(id) = &backend.server else {
            return Server { eni: None, instance: None };
        };
        let is = |kind: &BackendType| backend.backend_type.as_ref().is_none_or(|t| t == kind);
        if is(&BackendType::Eni)
            && let Some(eni) = topology.enis.get(id)
        {
            return Server { eni: Some(eni), instance: self.owner(eni) };
        }
        if !is(&BackendType::Instance) {
            return Server { eni: None, instance: None };
        }
        let primary = self.primary_enis.get(id.as_str()).copied();
        let has = |eni: &Eni| {
            let stated = backend.address.as_ref();
            stated.is_none_or(|a| eni.private_ips.iter().flatten().any(|ip| ip.address == *a))
        };
        let eni = match primary {
            Some(primary) if has(primary) => Some(primary),
            _ => {
                let of_instance = |eni: &&Eni| {
                    eni.instance.as_ref().and_then(Option::as_ref) == Some(id) && has(eni)
                };
                topology.enis.iter().find(of_instance).or(primary)
            }
        };
        Server { eni, instance: topology.instances.get(id) }
    }

    /// The port that a server gets, as a change; `None` when it stays.
    fn port(
        &self,
        listener: &Listener,
        group: Option<&Id>,
        backend: &Backend,
    ) -> Result<Option<(u16, Op)>, Text> {
        let any = group.and_then(|id| self.server_group(id)).and_then(|group| group.any_port);
        if any == Some(true) {
            return Ok(None);
        }
        let own = backend.port.filter(|port| *port != 0);
        // the default group of a CLB has no ports: the listener says it (access.md §3.2)
        let to = own.or(listener.backend_port.filter(|_| group.is_none()));
        let range = listener.end_port.is_some_and(|end| listener.port.is_some_and(|p| end > p));
        match (listener.port, to) {
            (Some(from), Some(to)) if !range => Ok(Some((to, Op::ShiftPort { from, to }))),
            (Some(_), Some(to)) => Ok(Some((to, Op::Port(to)))),
            (None, _) => Err(Text::from(format!("port of {} (not stated)", listener.id()))),
            (_, None) => match group {
                Some(id) => Err(Text::from(format!("port of a server of {id} (not stated)"))),
                None => Err(Text::from(format!("backend port of {} (not stated)", listener.id()))),
            },
        }
    }

    /// `ECS2 192.168.24.200:80 weight 100`.
    fn backend_element(
        &mut self,
        lb: &'t LoadBalancer,
        group: Option<&Id>,
        backend: &Backend,
        server: &Server<'t>,
        address: Option<&AddrValue>,
        port: &Result<Option<(u16, Op)>, Text>,
    ) -> ElementId {
        let group = group.and_then(|id| self.server_group(id));
        let owner: &dyn Resource = match group {
            Some(group) => group,
            None => lb,
        };
        let resource = match (server.instance, server.eni, &backend.server) {
            (Some(instance), _, _) => instance.to_ref(),
            (None, Some(eni), _) => eni.to_ref(),
            (None, None, Some(id)) => {
                let eni = backend.backend_type == Some(BackendType::Eni);
                let kind = if eni { Kind::Eni } else { Kind::Instance };
                ResourceRef { kind, id: id.clone(), name: None }
            }
            (None, None, None) => owner.to_ref(),
        };
        let mut text = String::new();
        if backend.server.is_some() {
            text.push_str(resource.name.as_deref().unwrap_or(&resource.id));
            text.push(' ');
        }
        text.push_str(&address.map_or_else(|| "?".to_owned(), ToString::to_string));
        if let Ok(Some((to, _))) = port {
            text.push_str(&format!(":{to}"));
        }
        match (&backend.role, backend.weight) {
            (Some(role), _) => text.push_str(&format!(" {}", role.to_ascii_lowercase())),
            (None, Some(weight)) => text.push_str(&format!(" weight {weight}")),
            (None, None) => {}
        }
        self.remark(resource, owner.meta().source.clone(), text)
    }

    /// A server of which no address is known: it does not exist, or it is not in the input.
    fn absent(
        &self,
        lb: &LoadBalancer,
        backend: &Backend,
        server: &Server<'t>,
        element: ElementId,
    ) -> Branch {
        let Some(id) = &backend.server else {
            return Branch::unknown(format!("address of a server of {} (not stated)", lb.id()));
        };
        let listings = match &backend.backend_type {
            Some(BackendType::Instance) => &[Listing::Instances, Listing::Enis][..],
            Some(BackendType::Eni) => &[Listing::Enis],
            None => &[Listing::Enis, Listing::Instances],
            Some(other) => {
                return Branch::unknown(format!("address of {other} {id} (not stated)"));
            }
        };
        if server.eni.is_some() || server.instance.is_some() {
            return Branch::unknown(format!("address of {id} (not stated)"));
        }
        let scope = Scope::around(&lb.meta);
        let gap = listings.iter().find_map(|l| self.topology.coverage.gap(*l, &scope));
        match gap {
            Some(gap) => Branch::unknown(format!("server {id}: {gap}")),
            None => Branch::drop(Reason::NoSuchHost, element),
        }
    }

    /// Translates to a server and sends there: one branch per source that its filters tell apart.
    fn forward(
        &mut self,
        at: &Behind<'_, 't>,
        server: &Server<'t>,
        backend: &Backend,
        address: &AddrValue,
        port: Option<Op>,
    ) -> Branch {
        let Some(to) = address.addr() else {
            return Branch::unknown(format!("address `{address}` of a server (masked)"));
        };
        let filters = self.filters_of_server(server);
        let reach = if is_clb(at.lb) {
            self.reach_of_clb(at, server, backend, filters.as_ref())
        } else {
            self.reach_of_nodes(at)
        };
        let mut ops: Vec<Op> = Vec::new();
        if let Some(note) = stopped(server) {
            ops.push(Op::Note(note));
        }
        if !at.front.is_link() {
            let layer_4 = !is_l7(at.listener);
            ops.push(self.balancer_turn(at.lb, at.front, layer_4));
        }
        let mut tail = vec![Op::Destination(to)];
        tail.extend(port);
        let mut branches = Vec::new();
        for source in self.sources_of(at, filters.as_ref(), Family::of(to)) {
            let branch = reach.clone().after_all(tail.iter().cloned());
            branches.push(branch.after_all(source).after_all(ops.iter().cloned()));
        }
        Branch::fork(branches).unwrap_or_else(|| {
            Branch::unknown(format!("source addresses of {} (not stated)", at.lb.id()))
        })
    }

    pub(super) fn filters_of_server(&self, server: &Server<'t>) -> Option<Filters> {
        if let Some(eni) = server.eni {
            return Some(self.filters_of(eni, self.owner(eni)));
        }
        let instance = server.instance?;
        let groups = self.groups(instance, instance.security_groups.as_ref());
        Some(Filters {
            vpc: instance.vpc.clone(),
            groups,
            border: instance.vswitch.clone(),
            doubt: None,
        })
    }

    /// What a CLB sends reaches the server whatever the routes say, past its network ACL, and past
    /// its security groups only in so far as they see it (access.md §1.6, §2.2).
    fn reach_of_clb(
        &mut self,
        at: &Behind<'_, 't>,
        server: &Server<'t>,
        backend: &Backend,
        filters: Option<&Filters>,
    ) -> Branch {
        let own = self.vpc_of_balancer(at.lb);
        let name = backend.server.as_ref().map_or("a server", |id| id.as_str());
        let Some(vpc) = server.vpc().or_else(|| own.clone()) else {
            return Branch::unknown(format!("VPC of {name} (not stated)"));
        };
        if own.as_ref().is_some_and(|own| *own != vpc) {
            let what = format!("how {} reaches {name} in {vpc} (another VPC)", at.lb.id());
            return Branch::unknown(what);
        }
        let network = self.network(&vpc);
        let Some(filters) = filters else {
            // an address that no object names: whoever has it, with whatever filters it has
            return Branch::new(End::Arrive { segment: network, network });
        };
        let segment = match &filters.border {
            Some(vswitch) => self.segment(vswitch),
            None => network,
        };
        // the source is the system's own range, or stands for a client behind an endpoint
        let exempt = is_l7(at.listener) || at.front.is_link();
        let knob = self.assume.lb_l4_backend_sg;
        let next = if exempt || knob == LbL4BackendSg::Bypass {
            self.acl(filters, Direction::Ingress, Next::Here)
        } else {
            self.inbound(filters, Next::Here)
        };
        let inbound = Arc::new(next.branch());
        let branch = Branch::new(End::Enter { segment, network, inbound });
        if exempt || filters.groups == Groups::None {
            return branch;
        }
        let assumed = format!("lb_l4_backend_sg = {} ({})", knob.name(), at.lb.id());
        branch.after(Op::Assume(Text::from(assumed)))
    }

    /// An ALB or NLB sends from its ENIs, by the routes of their vSwitch: also to addresses of
    /// other networks (access.md §3.4).
    fn reach_of_nodes(&mut self, at: &Behind<'_, 't>) -> Branch {
        let vpc = self.vpc_of_balancer(at.lb);
        let vswitch = Self::zone_of(at.lb, at.front).and_then(|zone| zone.vswitch.clone());
        let (Some(vpc), Some(vswitch)) = (vpc, vswitch) else {
            let missing = format!("vSwitch of {} (not stated)", at.lb.id());
            return Branch::unknown(missing);
        };
        self.sent_from(&vpc, &vswitch)
    }

    /// The sources that a server sees (access.md §1.6), one branch each.
    fn sources_of(
        &mut self,
        at: &Behind<'_, 't>,
        filters: Option<&Filters>,
        family: Family,
    ) -> Vec<Vec<Op>> {
        if at.front.is_link() {
            // already replaced where the packet left the endpoint
            return vec![Vec::new()];
        }
        if is_clb(at.lb) {
            if !is_l7(at.listener) {
                return vec![vec![Op::Sender(None)]];
            }
            let cuts = self.acl_blocks_of(filters.and_then(|f| f.border.as_ref()));
            return system_sources(&cuts);
        }
        let group = at.group.and_then(|id| self.server_group(id));
        let nlb = at.lb.lb_type == Some(LoadBalancerType::Nlb);
        let tls = at.listener.protocol == Some(ListenerProtocol::TcpSsl);
        let kept = group.and_then(|group| group.preserve_client_ip);
        if nlb && !tls && kept != Some(false) {
            // the default (access.md §3.4)
            let name = at.group.map_or("?", Id::as_str);
            let assumed = format!("preserve_client_ip = true ({name}, not stated)");
            let assumed = kept.is_none().then(|| Op::Assume(Text::from(assumed)));
            return vec![assumed.into_iter().collect()];
        }
        let home = self.vpc_of_balancer(at.lb).map(|vpc| self.network(&vpc));
        if !nlb && Self::zone_of(at.lb, at.front).is_some_and(|zone| zone.local_ips.is_empty()) {
            let source = self.some_address_of_zone(at, filters);
            return vec![vec![Op::Source(source), Op::Home(home)]];
        }
        let (addresses, assumed) = Self::node_addresses(at.lb, at.front);
        let same = |a: &Option<IpAddr>| a.is_none_or(|a| Family::of(a) == family);
        addresses
            .into_iter()
            .filter(same)
            .map(|address| {
                let mut ops = vec![Op::Source(address), Op::Home(home)];
                ops.extend(assumed.clone().map(Op::Assume));
                ops
            })
            .collect()
    }

    /// An address for a node of an ALB whose own ones are not stated: any of its vSwitch, as long as
    /// the server's filters treat all of them alike.
    fn some_address_of_zone(
        &self,
        at: &Behind<'_, 't>,
        filters: Option<&Filters>,
    ) -> Option<IpAddr> {
        let vswitch = Self::zone_of(at.lb, at.front)?.vswitch.as_ref()?;
        let block = self.topology.vswitches.get(vswitch)?.cidr.as_ref()?.cidr()?;
        let mut cuts = self.acl_blocks_of(filters?.border.as_ref());
        if let Groups::Known(groups) = &filters?.groups {
            cuts.extend(groups.iter().flat_map(|group| self.group_blocks(group)));
        }
        match classes(AddrSet::from_cidrs(block.family(), [&block]), &cuts).as_slice() {
            [(_, address)] => Some(*address),
            _ => None,
        }
    }

    /// Blocks that the rules of a group name, one set for each rule.
    fn group_blocks(&self, group: &Id) -> Vec<AddrSet> {
        let rules = self.group_rules.get(group.as_str()).into_iter().flatten();
        rules
            .filter_map(|rule| match &rule.peer {
                Some(RulePeer::Cidr(value)) => Some(vec![value.cidr()?]),
                Some(RulePeer::PrefixList(list)) => self.prefix_list(list).ok(),
                Some(RulePeer::Group { .. }) | None => None,
            })
            .map(|blocks| AddrSet::from_cidrs(Family::V4, &blocks))
            .collect()
    }

    /// Blocks by which the ACL of a vSwitch tells packets apart, in both directions: replies are
    /// tested too.
    pub(super) fn acl_blocks_of(&self, vswitch: Option<&Id>) -> Vec<AddrSet> {
        let acl = vswitch.and_then(|vswitch| self.acl_of(vswitch).ok().flatten());
        let Some(acl) = acl.and_then(|id| self.topology.network_acls.get(&id)) else {
            return Vec::new();
        };
        let entries = acl.ingress.iter().flatten().chain(acl.egress.iter().flatten());
        entries
            .filter_map(|entry| self.acl_blocks(entry).ok())
            .map(|blocks| AddrSet::from_cidrs(Family::V4, &blocks))
            .collect()
    }
}

/// Where in a load balancer a packet is when it is sent to a server.
struct Behind<'a, 't> {
    lb: &'t LoadBalancer,
    front: &'a Front,
    listener: &'t Listener,
    group: Option<&'a Id>,
}

impl Server<'_> {
    fn vpc(&self) -> Option<Id> {
        let of_eni = self.eni.and_then(|eni| eni.vpc.clone());
        of_eni.or_else(|| self.instance.and_then(|instance| instance.vpc.clone()))
    }
}

/// The system range of CLB as sources, one for each part that these blocks tell apart. DNS and
/// metadata have addresses in it that no load balancer sends from (access.md §1.6, §2.1).
pub(super) fn system_sources(cuts: &[AddrSet]) -> Vec<Vec<Op>> {
    let range = AddrSet::from_cidrs(Family::V4, [&special::shared_address_space()]);
    let parts = classes(range.difference(&always_open()), cuts);
    let several = parts.len() > 1;
    parts
        .into_iter()
        .map(|(part, address)| {
            let mut ops = vec![Op::Source(Some(address)), Op::Home(None), Op::Sender(None)];
            if several {
                let blocks: Vec<String> =
                    part.to_cidrs().iter().take(3).map(ToString::to_string).collect();
                let text = format!("from the load balancer's addresses in {}", blocks.join(", "));
                ops.push(Op::Note(Text::from(text)));
            }
            ops
        })
        .collect()
}

/// The stated address, else the primary one of the server (access.md §3.2).
fn address_of(backend: &Backend, server: &Server<'_>) -> Option<AddrValue> {
    let primary = |eni: &Eni| {
        let ips = eni.private_ips.as_deref().unwrap_or_default();
        let primary = ips.iter().find(|ip| ip.primary == Some(true)).or_else(|| ips.first());
        primary.map(|ip| ip.address.clone())
    };
    let of_instance = || server.instance?.private_ips.as_ref()?.first().cloned();
    backend.address.clone().or_else(|| server.eni.and_then(primary)).or_else(of_instance)
}

/// A server that does not run answers nothing; its state may change any time.
fn stopped(server: &Server<'_>) -> Option<Text> {
    let instance = server.instance?;
    let dead = matches!(instance.lifecycle(), Lifecycle::Dead);
    let status = instance.meta.status.as_deref()?;
    dead.then(|| Text::from(format!("backend {} is {status}", instance.id())))
}
