//! Security groups, network ACLs, prefix lists and port lists.

use super::parse::{LINE_FORM, Line, is_masked, ports};
use super::{Build, Result, text, unknown_word, word};
use crate::load::native::error::Fault;
use crate::load::native::flat::{Placed, RuleLine};
use crate::load::native::names::Ref;
use crate::load::native::text::TextOr;
use crate::load::native::tree::{self, Rule};
use crate::topology::{
    CidrValue, Direction, FilterProtocol, Id, Kind, NetworkAcl, NetworkAclEntry, Policy, PortList,
    PortSpec, PrefixList, ReadAt, RulePeer, SecurityGroup, SecurityGroupRule, SecurityGroupType,
    Source, Text,
};

/// A rule as both notations give it.
struct Parsed<'r> {
    policy: Option<Policy>,
    protocol: Option<FilterProtocol>,
    ports: Option<PortSpec>,
    source_ports: Option<PortSpec>,
    peer: Option<&'r str>,
    own: Option<&'r str>,
    account: Option<&'r str>,
    priority: Option<u64>,
}

impl Build<'_> {
    pub(super) fn filters(&mut self) -> Result<()> {
        let flat = self.flat;
        for group in &flat.security_groups {
            let (at, dto) = (group.at, &group.dto);
            let mut out = SecurityGroup::new("");
            out.meta = self.meta(at);
            out.vpc = match self.vpc(at, &dto.vpc, group.vpc)? {
                Some(vpc) => Some(Some(vpc)),
                None => (!self.open(at, "vpc")).then_some(None),
            };
            let kind = word!(self, at, "type", dto.r#type, SecurityGroupType, [Basic, Advanced]);
            out.group_type = self.or(at, "type", kind, SecurityGroupType::Basic);
            out.inner_access =
                word!(self, at, "inner_access", dto.inner_access, Policy, [Accept, Drop]);
            if out.inner_access.is_none() && out.group_type == Some(SecurityGroupType::Basic) {
                out.inner_access = self.or(at, "inner_access", None, Policy::Accept);
            }
            out.service_managed = self.or(at, "managed", dto.managed, false);
            out.rule_count = dto.rule_count;
            self.add(out);
        }
        for rule in &flat.rules {
            self.rule(rule)?;
        }
        for acl in &flat.network_acls {
            self.network_acl(acl)?;
        }
        for list in &flat.prefix_lists {
            let mut out = PrefixList::new("");
            out.meta = self.meta(list.at);
            out.entries = self.cidrs(list.at, "entries", &list.dto.entries);
            out.ip_version = text(&list.dto.ip_version);
            out.max_entries = list.dto.max_entries;
            self.add(out);
        }
        for list in &flat.port_lists {
            let mut out = PortList::new("");
            out.meta = self.meta(list.at);
            let mut entries = Vec::new();
            for word in list.dto.entries.iter().flat_map(|e| &e.items) {
                entries.push(ports(word.as_str()).unwrap_or(PortSpec::Other(word.as_str().into())));
            }
            out.entries = list.dto.entries.is_some().then_some(entries);
            self.add(out);
        }
        Ok(())
    }

    fn rule(&mut self, line: &Placed<RuleLine>) -> Result<()> {
        let at = line.at;
        // the node of a rule is the rule itself, so its own pointer is the place of a mistake
        let parsed = self.parse(at, "", &line.dto.rule, line.dto.ingress)?;
        let mut out = SecurityGroupRule::new("");
        out.meta = self.meta(at);
        out.group = line.parent.map(|n| self.id(n));
        out.position = u64::try_from(line.dto.position).ok();
        out.direction = Some(if line.dto.ingress { Direction::Ingress } else { Direction::Egress });
        out.policy = parsed.policy;
        out.priority = Some(parsed.priority.unwrap_or(1));
        out.protocol = parsed.protocol;
        out.ports = parsed.ports;
        out.source_ports = parsed.source_ports;
        out.peer = match parsed.peer {
            Some(peer) => Some(self.peer(at, peer, parsed.account)?),
            None => None,
        };
        out.own_cidr = parsed.own.map(|own| self.cidr(at, "own_cidr", own));
        if let TextOr::Table(rule) = &line.dto.rule {
            out.nic_type = text(&rule.nic_type);
        }
        self.add(out);
        Ok(())
    }

    /// A block, `any`, a group or a prefix list.
    fn peer(&mut self, at: usize, peer: &str, account: Option<&str>) -> Result<RulePeer> {
        let kinds = [Kind::SecurityGroup, Kind::PrefixList];
        let group = |group| RulePeer::Group { group, account: account.map(Id::from) };
        if let Some(id) = peer.strip_prefix("group:") {
            let id = self.id_for(at, "", &[Kind::SecurityGroup], id)?;
            return Ok(group(id));
        }
        Ok(match self.refer(at, "", &kinds, peer)? {
            Ref::Node(node) if self.kind(node) == Some(Kind::SecurityGroup) => group(self.id(node)),
            Ref::Node(node) => RulePeer::PrefixList(self.id(node)),
            Ref::Missing(Some(Kind::SecurityGroup), id) => group(Id::from(id)),
            Ref::Missing(Some(_), id) => RulePeer::PrefixList(Id::from(id)),
            Ref::Missing(None, block) => {
                // a word that can be no block is a name that is not in the file, unless it is masked
                let is_block = block.contains('.') || block.contains(':') || is_masked(block);
                if !is_block && !block.eq_ignore_ascii_case("any") {
                    let message = format!("`{block}` is no block and names no group or list");
                    let place = self.pointer(at, "");
                    return Err(Fault::new(place.trim_end_matches('/'), message).help(
                        "for one that is not in this file write `group:ID` or `prefix_list:ID`",
                    ));
                }
                RulePeer::Cidr(self.block(at, "peer", block))
            }
        })
    }

    /// A block, or `any` for all of IPv4.
    fn block(&mut self, at: usize, field: &'static str, text: &str) -> CidrValue {
        let text = if text.eq_ignore_ascii_case("any") { "0.0.0.0/0" } else { text };
        self.cidr(at, field, text)
    }

    /// Reads a rule in either notation. `key` leads from the object to the rule.
    fn parse<'r>(
        &self,
        at: usize,
        key: &str,
        rule: &'r TextOr<Rule>,
        ingress: bool,
    ) -> Result<Parsed<'r>> {
        let pointer = |more: &str| {
            let place = self.pointer(at, key);
            format!("{}{more}", place.trim_end_matches('/'))
        };
        let line = match rule {
            TextOr::Text(text) => {
                Line::of(text).map_err(|m| Fault::new(pointer(""), m).help(LINE_FORM))?
            }
            TextOr::Table(rule) => Line {
                policy: rule.policy.as_deref().unwrap_or_default(),
                protocol: rule.protocol.as_deref().unwrap_or_default(),
                ports: rule.ports.as_ref().map(|p| p.as_str()),
                from: rule.from.as_deref(),
                to: rule.to.as_deref(),
                source_ports: rule.source_ports.as_ref().map(|p| p.as_str()),
                own: rule.own.as_deref(),
                account: rule.account.as_ref().map(|a| a.as_str()),
                priority: rule.priority,
            },
        };
        let (peer, wrong) = if ingress { (line.from, line.to) } else { (line.to, line.from) };
        let (right_word, wrong_word) = if ingress { ("from", "to") } else { ("to", "from") };
        if wrong.is_some() {
            let direction = if ingress { "an ingress" } else { "an egress" };
            let message = format!("{direction} rule has no `{wrong_word}`");
            return Err(Fault::new(pointer(""), message)
                .help(format!("name the far side with `{right_word}`")));
        }
        if matches!(rule, TextOr::Text(_)) && peer.is_none() {
            let message = format!("the rule has no `{right_word}`");
            return Err(Fault::new(pointer(""), message)
                .help(format!("write `{right_word} any` for every address")));
        }
        let stated = |word: &str| (!word.is_empty()).then(|| word.to_owned());
        let key = key.trim_end_matches('/');
        let (policy, protocol) = (stated(line.policy), stated(line.protocol));
        let known = ["accept", "allow", "drop", "deny"].map(str::to_owned);
        let policy = match policy.as_deref().map(|p| (p, Policy::from_text(p))) {
            None => None,
            Some((text, Policy::Other(_))) => match text.strip_prefix("other:") {
                Some(rest) => Some(Policy::Other(rest.into())),
                None => return Err(unknown_word(pointer(""), "policy", text, &known)),
            },
            Some((_, known)) => Some(known),
        };
        let known = ["tcp", "udp", "icmp", "icmpv6", "gre", "all"].map(str::to_owned);
        let protocol = match protocol.as_deref().map(|p| (p, FilterProtocol::from_text(p))) {
            None => None,
            Some((text, FilterProtocol::Other(_))) => match text.strip_prefix("other:") {
                Some(rest) => Some(FilterProtocol::Other(rest.into())),
                None => return Err(unknown_word(pointer(""), "protocol", text, &known)),
            },
            Some((_, known)) => Some(known),
        };
        Ok(Parsed {
            policy,
            protocol,
            ports: Some(self.port_spec(at, key, line.ports)?.unwrap_or(PortSpec::All)),
            source_ports: self.port_spec(at, key, line.source_ports)?,
            peer,
            own: line.own,
            account: line.account,
            priority: line.priority,
        })
    }

    fn port_spec(&self, at: usize, key: &str, text: Option<&str>) -> Result<Option<PortSpec>> {
        let Some(text) = text else { return Ok(None) };
        if let Some(ports) = ports(text) {
            return Ok(Some(ports));
        }
        Ok(Some(match self.refer(at, key, &[Kind::PortList], text)? {
            Ref::Node(list) => PortSpec::List(self.id(list)),
            Ref::Missing(Some(_), id) => PortSpec::List(Id::from(id)),
            Ref::Missing(None, text) => match text.strip_prefix("other:") {
                Some(rest) => PortSpec::Other(Text::from(rest)),
                None => {
                    let pointer = self.pointer(at, key);
                    let message = format!("`{text}` is not a port, a range or a port list");
                    return Err(Fault::new(pointer.trim_end_matches('/'), message)
                        .help("write `22`, `8000-8010`, `all` or `port_list:ID`"));
                }
            },
        }))
    }

    fn network_acl(&mut self, acl: &Placed<tree::NetworkAcl>) -> Result<()> {
        let (at, dto, flat) = (acl.at, &acl.dto, self.flat);
        let mut out = NetworkAcl::new("");
        out.meta = self.meta(at);
        out.vpc = self.vpc(at, &dto.vpc, acl.vpc)?;
        let mut vswitches = Vec::new();
        for vswitch in &flat.vswitches {
            let Some(name) = &vswitch.dto.acl else { continue };
            if self.target(vswitch.at, "acl", &[Kind::NetworkAcl], name)? == Some(at) {
                vswitches.push(self.id(vswitch.at));
            }
        }
        let stated = self.ids(at, "vswitches", &[Kind::VSwitch], &dto.vswitches)?;
        out.vswitches = self.or(at, "vswitches", stated, vswitches);
        out.ingress = self.acl_entries(at, &dto.ingress, true)?;
        out.egress = self.acl_entries(at, &dto.egress, false)?;
        self.add(out);
        Ok(())
    }

    fn acl_entries(
        &mut self,
        at: usize,
        rules: &[TextOr<Rule>],
        ingress: bool,
    ) -> Result<Option<Vec<NetworkAclEntry>>> {
        let list = if ingress { "ingress" } else { "egress" };
        if rules.is_empty() && self.open(at, list) {
            return Ok(None);
        }
        let mut entries = Vec::new();
        for (n, rule) in rules.iter().enumerate() {
            let key = format!("{list}/{n}");
            let parsed = self.parse(at, &key, rule, ingress)?;
            if parsed.priority.is_some() || parsed.own.is_some() || parsed.source_ports.is_some() {
                let fault = Fault::new(
                    self.pointer(at, &key),
                    "a network ACL entry has no priority, own addresses or source ports",
                );
                return Err(fault.help("the order of the list is the order of evaluation"));
            }
            let field = if ingress { "ingress" } else { "egress" };
            let cidr = parsed.peer.map(|peer| self.block(at, field, peer));
            let table = match rule {
                TextOr::Table(table) => Some(table),
                TextOr::Text(_) => None,
            };
            entries.push(NetworkAclEntry {
                id: table.and_then(|t| t.id.as_deref()).map(Id::from),
                policy: parsed.policy,
                protocol: parsed.protocol,
                cidr,
                ports: parsed.ports,
                entry_type: table.and_then(|t| text(&t.r#type)).or_else(|| Some("custom".into())),
                ip_version: table.and_then(|t| text(&t.ip_version)),
                name: table.and_then(|t| text(&t.name)),
                read_at: ReadAt(Some(Source {
                    file: self.file,
                    base: Text::from(self.pointer(at, &key)),
                    index: None,
                })),
            });
        }
        Ok(Some(entries))
    }
}
