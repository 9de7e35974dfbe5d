//! Network ACLs at the border of a vSwitch (access.md §2).

use super::super::pipeline::{Branch, ElementId, Op, Pass, Stage};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table};
use super::Compiler;
use super::filter::Next;
use std::net::{IpAddr, Ipv4Addr};

use crate::addr::{AddrSet, Cidr, Family};
use crate::packet::ServiceSet;
use crate::topology::{
    CidrValue, Direction, Id, Kind, NetworkAcl, NetworkAclEntry, Policy, PortSpec, Resource,
    ResourceRef, Text,
};

const STAGE: &str = "network_acl";

impl<'t> Compiler<'t> {
    /// The stage of an ACL in one direction, at the border of one of its vSwitches.
    pub(super) fn acl_stage(
        &mut self,
        acl: &Result<Id, Text>,
        vswitch: &Id,
        direction: &Direction,
        next: Next,
    ) -> Stage {
        let pass = Pass::stateless(next.branch());
        let id = match acl {
            Ok(id) => id,
            Err(missing) => {
                let at = self.segment(vswitch);
                return self.unreadable_filter(STAGE, at, missing.clone(), pass, next);
            }
        };
        let Some(acl) = self.topology.network_acls.get(id) else {
            let at = self.referred(Kind::NetworkAcl, id);
            let missing = Text::from(format!("network ACL {id} (not in the input)"));
            return self.unreadable_filter(STAGE, at, missing, pass, next);
        };
        let at = self.named(acl);
        let mut rules = self.exempt_rules(vswitch, direction, at, next);
        let stated = match direction {
            Direction::Ingress => acl.ingress.as_ref(),
            _ => acl.egress.as_ref(),
        };
        let reason = match direction {
            Direction::Ingress => Reason::NaclIngressDenied,
            _ => Reason::NaclEgressDenied,
        };
        let denied = Branch::drop(reason, at).after(Op::Via(at));
        let default = match stated {
            Some(entries) => {
                for (n, entry) in entries.iter().enumerate() {
                    rules.extend(self.acl_rules(acl, direction, n, entry, &denied, next));
                }
                // no entry at all, or none that matches, denies (access.md §2.1)
                denied
            }
            None => {
                let word = direction.as_str();
                self.missing_filter(
                    Text::from(format!("{word} entries of {id} (not stated)")),
                    next,
                )
            }
        };
        Stage::filter(STAGE, at, Table { rules, default }, pass)
    }

    /// What no ACL tests: traffic inside the vSwitch, DNS and metadata (access.md §2.1, §2.2).
    fn exempt_rules(
        &mut self,
        vswitch: &Id,
        direction: &Direction,
        at: ElementId,
        next: Next,
    ) -> Vec<Rule> {
        let segment = self.segment(vswitch);
        let always = always_open();
        let mut rules = Vec::new();
        match direction {
            Direction::Ingress => {
                let inside = Match { sender: Some(segment), ..Match::default() };
                rules.push(Rule::new(inside, segment, next.branch()));
                rules.push(Rule::new(Match::from(always), at, next.branch()));
            }
            _ => {
                // decided by the address: a packet to an address of the vSwitch stays inside
                let found = self.topology.vswitches.get(vswitch);
                let blocks = found.into_iter().flat_map(|v| v.cidr.iter().chain(&v.ipv6_cidr));
                for cidr in blocks.filter_map(CidrValue::cidr) {
                    let inside = AddrSet::from_cidrs(cidr.family(), [&cidr]);
                    rules.push(Rule::new(Match::to(inside), segment, next.branch()));
                }
                rules.push(Rule::new(Match::to(always), at, next.branch()));
            }
        }
        rules
    }

    /// An entry as table rules. Ports are destination ports in both directions (access.md §2.1).
    fn acl_rules(
        &mut self,
        acl: &NetworkAcl,
        direction: &Direction,
        n: usize,
        entry: &NetworkAclEntry,
        denied: &Branch,
        next: Next,
    ) -> Vec<Rule> {
        let element = self.acl_entry(acl, direction, n, entry);
        let mut doubt: Option<String> = match &entry.policy {
            Some(Policy::Accept | Policy::Drop) => None,
            Some(Policy::Other(word)) => Some(format!("policy `{word}` (not understood)")),
            None => Some("policy (not stated)".to_owned()),
        };
        let then = match entry.policy {
            Some(Policy::Drop) => denied.clone().after(Op::Via(element)),
            _ => next.branch(),
        };
        let mut out = Vec::new();
        for family in [Family::V4, Family::V6] {
            if !is_of(entry, family) {
                continue;
            }
            let services = self.services(entry.protocol.as_ref(), entry.ports.as_ref(), family);
            let services = match services {
                Ok(Some(services)) => services,
                Ok(None) => continue,
                Err(missing) => {
                    doubt = Some(missing.to_string());
                    ServiceSet::all()
                }
            };
            let blocks = self.acl_blocks(entry);
            let set = match &blocks {
                Ok(blocks) => AddrSet::from_cidrs(family, blocks),
                Err(missing) => {
                    doubt = Some(missing.to_string());
                    AddrSet::full(family)
                }
            };
            if set.is_empty() {
                continue;
            }
            let mut matches = match direction {
                Direction::Ingress => Match::from(set),
                _ => Match::to(set),
            };
            if !services.is_all() {
                matches = matches.only(services);
            }
            let doubt =
                doubt.as_ref().map(|text| Text::from(format!("{text}, entry {n} of {}", acl.id())));
            out.push(Rule { matches, element, then: then.clone(), doubt });
        }
        out
    }

    /// Blocks of an entry; the field may name a prefix list instead (access.md §2.1).
    pub(super) fn acl_blocks(&self, entry: &NetworkAclEntry) -> Result<Vec<Cidr>, Text> {
        match &entry.cidr {
            Some(CidrValue::Known(stated)) => Ok(vec![stated.cidr]),
            Some(CidrValue::Symbol(text)) if text.starts_with("pl-") => {
                self.prefix_list(&Id::from(&**text))
            }
            Some(CidrValue::Symbol(text)) => {
                Err(Text::from(format!("block `{text}` (unreadable)")))
            }
            None => Err(Text::from("block (not stated)")),
        }
    }

    fn acl_entry(
        &mut self,
        acl: &NetworkAcl,
        direction: &Direction,
        n: usize,
        entry: &NetworkAclEntry,
    ) -> ElementId {
        let id = entry
            .id
            .clone()
            .unwrap_or_else(|| Id::from(&format!("{}/{}/{n}", acl.id(), direction.as_str())));
        let reference = ResourceRef { kind: Kind::NetworkAclEntry, id, name: entry.name.clone() };
        let text = entry_text(acl, direction, n, entry);
        let source = entry.read_at.0.clone().or_else(|| acl.meta.source.clone());
        self.intern(reference, source, || text)
    }
}

/// DNS and metadata (access.md §2.1).
pub(super) fn always_open() -> AddrSet {
    let blocks = [([100, 100, 2, 128], 28), ([100, 100, 2, 112], 28), ([100, 100, 100, 200], 32)];
    let cidrs: Vec<Cidr> = blocks
        .into_iter()
        .filter_map(|(octets, mask)| Cidr::new(IpAddr::V4(Ipv4Addr::from(octets)), mask))
        .collect();
    AddrSet::from_cidrs(Family::V4, &cidrs)
}

/// True when the entry is for packets of this family; its block decides where nothing else does.
fn is_of(entry: &NetworkAclEntry, family: Family) -> bool {
    match entry.ip_version.as_deref() {
        Some(word) if word.eq_ignore_ascii_case("IPv4") => family == Family::V4,
        Some(word) if word.eq_ignore_ascii_case("IPv6") => family == Family::V6,
        _ => true,
    }
}

/// `acl-1 ingress 2: drop tcp 22 from 0.0.0.0/0`; entries are counted from 1, as the console does.
fn entry_text(acl: &NetworkAcl, direction: &Direction, n: usize, entry: &NetworkAclEntry) -> Text {
    let policy = entry.policy.as_ref().map_or("?", Policy::as_str);
    let protocol = entry.protocol.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    let ports = match &entry.ports {
        Some(PortSpec::Range(first, last)) if first == last => format!(" {first}"),
        Some(PortSpec::Range(first, last)) => format!(" {first}-{last}"),
        _ => String::new(),
    };
    let side = if *direction == Direction::Egress { "to" } else { "from" };
    let block = entry.cidr.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    let word = direction.as_str();
    Text::from(format!("{} {word} {}: {policy} {protocol}{ports} {side} {block}", acl.id(), n + 1))
}
