//! NAT gateways (egress.md §4.3–4.4, §10 rules 3 and 6).

use std::net::IpAddr;
use std::sync::Arc;

use super::super::Identity;
use super::super::assume::{InternetMode, NaclOnNatVswitch};
use super::super::identity::is_available;
use super::super::nat as facts;
use super::super::pipeline::{Back, Branch, ElementId, End, Op, PublicSet, Resume, Stage, Turn};
use super::super::reason::Reason;
use super::super::table::{Match, Rule, Table, block, by_prefix_length};
use super::{Compiler, Job};
use crate::addr::{AddrSet, Cidr, Family};
use crate::topology::{
    AddrValue, Direction, Id, Kind, Listing, NatGateway, NextHopType, Resource, Scope, Text,
};

impl<'t> Compiler<'t> {
    /// A route to a NAT gateway.
    pub(super) fn hop_to_nat(&mut self, vpc: &Id, id: &Id, element: ElementId) -> Option<Branch> {
        let topology = self.topology;
        let Some(nat) = topology.nat_gateways.get(id) else {
            let scope = topology.vpcs.get(vpc).map(|v| Scope::around(&v.meta)).unwrap_or_default();
            return match topology.coverage.gap(Listing::NatGateways, &scope) {
                Some(gap) => Some(Branch::unknown(format!("NAT gateway {id}: {gap}"))),
                None => self.dead(element),
            };
        };
        if nat.vpc.as_ref().is_some_and(|owner| owner != vpc) {
            return Some(Branch::drop(Reason::BadNexthop, element).after(Op::Via(element)));
        }
        let job = if facts::is_vpc_nat(nat) {
            Job::VpcNat { nat: id.clone() }
        } else {
            Job::Nat { nat: id.clone() }
        };
        let stage = self.stage(job);
        Some(self.nat_border(nat, Direction::Ingress, stage))
    }

    fn nat(&self, id: &Id) -> Option<&'t NatGateway> {
        self.topology.nat_gateways.get(id)
    }

    /// An Internet NAT gateway takes public destinations only (egress.md §10 rule 5).
    pub(super) fn nat_stage(&mut self, id: &Id) -> Stage {
        let at = self.referred_or_named(Kind::NatGateway, id);
        let vpc = self.nat(id).and_then(|nat| nat.vpc.clone());
        let Some(space) = vpc.as_ref().and_then(|vpc| self.spaces.get(vpc)).cloned() else {
            let default = Branch::unknown(format!("VPC of NAT gateway {id} (not in the input)"));
            return Stage::new("nat", at, Table::constant(default));
        };
        let translate = Branch::go(self.stage(Job::NatTranslate { nat: id.clone() }));
        let then = match space.mode {
            InternetMode::Private => Branch::drop(Reason::VpcPrivateMode, at),
            InternetMode::Direct | InternetMode::Central => translate,
        };
        // bodies up to 2020 do not say which kind of NAT gateway they are (formats-api.md §4.2)
        let unstated = self.nat(id).is_some_and(|nat| nat.network.is_none());
        let assumed = unstated
            .then(|| Op::Assume(Text::from(format!("nat_network = internet ({id}, not stated)"))));
        let then = then.after_all(assumed).after(Op::Via(at));
        let rule = Rule::new(Match::to(space.public_v4), at, then);
        let default = Branch::drop(Reason::PrivateDstAtInternetGw, at).after(Op::Via(at));
        Stage::new("nat", at, Table { rules: vec![rule], default })
    }

    /// Translation: IP mapping, then the longest SNAT entry (egress.md §4.2 rows 3–5).
    pub(super) fn nat_translate_stage(&mut self, id: &Id) -> Stage {
        let at = self.referred_or_named(Kind::NatGateway, id);
        let stage = |table| Stage::new("nat", at, table);
        let constant = |branch| stage(Table::constant(branch));
        let Some(nat) = self.nat(id) else {
            return constant(Branch::unknown(format!("NAT gateway {id} (not in the input)")));
        };
        if !facts::works(nat) {
            return constant(Branch::drop(Reason::NatNotAvailable, at));
        }
        let eips = facts::eips(self.topology, &self.bindings, nat);
        if eips.addresses.is_empty() {
            return constant(match eips.missing {
                Some(missing) => Branch::unknown(missing),
                None => Branch::drop(Reason::NatNoEip, at),
            });
        }
        let mut rules = self.mapping_rules(nat, &eips);
        if let Some(gap) = facts::dnat_gap(self.topology, nat) {
            // an IP mapping that is not in the input would outrank every SNAT entry
            return stage(Table { rules, default: Branch::unknown(gap) });
        }
        let (snat, mut gaps) = self.snat_rules(nat, &eips);
        gaps.extend(facts::snat_gap(self.topology, nat));
        if gaps.is_empty() {
            rules.extend(snat);
            let default = Branch::drop(Reason::NatNoSnatEntry, at);
            stage(Table { rules, default })
        } else {
            // no entry can be longer than one address
            rules.extend(snat.into_iter().filter(is_of_one_address));
            stage(Table { rules, default: super::unknown(gaps) })
        }
    }

    fn mapping_rules(&mut self, nat: &NatGateway, eips: &facts::NatEips) -> Vec<Rule> {
        let mut rules = Vec::new();
        for entry in facts::ip_mappings(self.topology, nat) {
            let (Some(internal), Some(external)) = (&entry.internal_ip, &entry.external_ip) else {
                continue;
            };
            let Some(internal) = internal.addr() else { continue };
            let element = self.element(entry, format!("{external} any port -> {internal}"));
            let then = self.translated(nat, element, std::slice::from_ref(external), eips, false);
            rules.push(Rule::new(Match::from(block(Cidr::host(internal))), element, then));
        }
        rules
    }

    /// SNAT rules in match order, and what could not be read.
    fn snat_rules(&mut self, nat: &'t NatGateway, eips: &facts::NatEips) -> (Vec<Rule>, Vec<Text>) {
        let topology = self.topology;
        let mut gaps = Vec::new();
        let mut prefixes = Vec::new();
        for entry in facts::snat_entries(topology, nat) {
            match facts::snat_source(topology, entry) {
                Ok(cidr) => prefixes.push((cidr, 0, entry)),
                Err(missing) => gaps.push(missing),
            }
        }
        let mut rules = Vec::new();
        for (cidr, entry) in by_prefix_length(prefixes) {
            let ips = entry.snat_ips.as_deref().unwrap_or_default();
            let list: Vec<String> = ips.iter().map(ToString::to_string).collect();
            let element = self.element(entry, format!("{cidr} -> {}", list.join(", ")));
            let sticky = entry.eip_affinity == Some(true);
            let then = self.translated(nat, element, ips, eips, sticky);
            rules.push(Rule::new(Match::from(block(cidr)), element, then));
        }
        (rules, gaps)
    }

    /// Takes on the addresses of an entry, as far as they are bound to the gateway (§10 3.4).
    fn translated(
        &mut self,
        nat: &NatGateway,
        element: ElementId,
        addresses: &[AddrValue],
        eips: &facts::NatEips,
        sticky: bool,
    ) -> Branch {
        let mut bound: Vec<AddrValue> =
            addresses.iter().filter(|a| eips.addresses.contains(a)).cloned().collect();
        bound.sort();
        bound.dedup();
        if bound.is_empty() {
            return match &eips.missing {
                Some(missing) => Branch::unknown(missing.clone()),
                None => Branch::drop(Reason::SnatIpUnbound, element).after(Op::Via(element)),
            };
        }
        let several = bound.len() > 1;
        let set = PublicSet { addresses: bound, via: Vec::new() };
        let reply = Branch::go(self.stage(Job::NatReply { nat: nat.id().clone() }));
        let turn = self.nat_turn(nat);
        let mut ops = vec![Op::Via(element), turn, Op::Identity(Identity::Given(Arc::new(set)))];
        if several {
            let text = if sticky {
                "sticky: each client keeps one address of the pool"
            } else {
                "hash: one address of the pool per connection"
            };
            ops.push(Op::Note(Text::from(text)));
        }
        reply.after_all(ops)
    }

    /// Replies come back to the gateway, which sends them on by the table of its own vSwitch
    /// (egress.md §4.4).
    pub(super) fn nat_turn(&mut self, nat: &NatGateway) -> Op {
        let at = self.named(nat);
        let back = if facts::is_vpc_nat(nat) { Back::Routed } else { Back::Direct };
        let resume = match (&nat.vpc, &nat.vswitch) {
            (Some(vpc), Some(vswitch)) => self.back_through(nat, vpc, vswitch),
            _ => Branch::unknown(format!("vSwitch of {} (not stated)", nat.id())),
        };
        Op::Turn(Arc::new(Turn::new(at, back, Resume::Go(resume))))
    }

    /// Replies on their way from a gateway to the near side: received and sent at the border of its
    /// vSwitch, if the ACL there tests them.
    fn back_through(&mut self, nat: &NatGateway, vpc: &Id, vswitch: &Id) -> Branch {
        let routes = self.transit_into(vpc, vswitch);
        let (End::Go(stage), NaclOnNatVswitch::Apply) =
            (&routes.end, self.assume.nacl_on_nat_vswitch)
        else {
            return routes;
        };
        let sent = self.nat_border(nat, Direction::Egress, *stage);
        let tested = match sent.end {
            // a VPC NAT gateway's own table has led the reply to it past the ACL already
            End::Go(stage) if !facts::is_vpc_nat(nat) => {
                self.nat_border(nat, Direction::Ingress, stage).after_all(sent.ops)
            }
            _ => sent,
        };
        tested.after_all(routes.ops)
    }

    /// Do replies to a source of another network find back? (egress.md §4.4 "NAT's own vSwitch",
    /// decisions.md 39). Changes no verdict.
    pub(super) fn nat_reply_stage(&mut self, id: &Id) -> Stage {
        let at = self.referred_or_named(Kind::NatGateway, id);
        let exit = self.stage(Job::NatExit { nat: id.clone() });
        let next = match self.nat(id) {
            Some(nat) => self.nat_border(nat, Direction::Egress, exit),
            None => Branch::go(exit),
        };
        let lost = next.clone().after(Op::Note(Text::from(format!(
            "reply_no_route: the vSwitch of {id} has no route back to the source"
        ))));
        let (vpc, vswitch) =
            self.nat(id).map(|n| (n.vpc.clone(), n.vswitch.clone())).unwrap_or_default();
        let own = vpc.as_ref().and_then(|vpc| self.spaces.get(vpc)).map(|s| s.own_v4.clone());
        let own = own.unwrap_or_else(|| AddrSet::empty(Family::V4));
        let mut rules = vec![Rule::new(Match::from(own), at, next.clone())];
        let hops = match (&vpc, &vswitch) {
            (Some(vpc), Some(vswitch)) => self.hops_of_vswitch(vpc, vswitch),
            _ => Err(Text::from(format!("vSwitch of {id} (not stated)"))),
        };
        let default = match hops {
            Ok(routes) => {
                for (cidr, hops) in routes {
                    let leads_back = hops.iter().any(|hop| leads_to_other_networks(&hop.hop_type));
                    let then = if leads_back { next.clone() } else { lost.clone() };
                    rules.push(Rule::new(Match::from(block(cidr)), at, then));
                }
                lost
            }
            Err(missing) => next.after(Op::Note(Text::from(format!(
                "whether replies find back to the source is unknown: {missing}"
            )))),
        };
        Stage::new("reply", at, Table { rules, default })
    }

    /// The way out of the gateway itself: in a CENTRAL VPC its own vSwitch must be public
    /// (egress.md §4.3 row 3).
    pub(super) fn nat_exit_stage(&mut self, id: &Id) -> Stage {
        let at = self.referred_or_named(Kind::NatGateway, id);
        let exit = self.exit(at, Reason::NatNoEip);
        let (vpc, vswitch) =
            self.nat(id).map(|n| (n.vpc.clone(), n.vswitch.clone())).unwrap_or_default();
        let central = vpc
            .as_ref()
            .and_then(|vpc| self.spaces.get(vpc))
            .is_some_and(|space| space.mode == InternetMode::Central);
        if !central {
            return Stage::new("nat", at, Table::constant(exit));
        }
        let blocked = Branch::drop(Reason::NatVswitchNotPublic, at);
        let hops = match (&vpc, &vswitch) {
            (Some(vpc), Some(vswitch)) => self.hops_of_vswitch(vpc, vswitch),
            _ => Err(Text::from(format!("vSwitch of {id} (not stated)"))),
        };
        let mut rules = Vec::new();
        let default = match hops {
            Ok(routes) => {
                for (cidr, hops) in routes {
                    let public = hops.iter().any(|hop| hop.hop_type == NextHopType::Ipv4Gateway);
                    let then = if public { exit.clone() } else { blocked.clone() };
                    rules.push(Rule::new(Match::to(block(cidr)), at, then));
                }
                blocked
            }
            Err(missing) => Branch::unknown(missing),
        };
        Stage::new("nat", at, Table { rules, default })
    }

    /// A VPC NAT gateway: translation to its NAT IPs, then a second lookup in the table of its own
    /// vSwitch (egress.md §4.5, §10 rule 6).
    pub(super) fn vpc_nat_stage(&mut self, id: &Id) -> Stage {
        let at = self.referred_or_named(Kind::NatGateway, id);
        let stage = |table| Stage::new("nat", at, table);
        let constant = |branch: Branch| stage(Table::constant(branch.after(Op::Via(at))));
        let Some(nat) = self.nat(id) else {
            return constant(Branch::unknown(format!("NAT gateway {id} (not in the input)")));
        };
        if !facts::works(nat) {
            return constant(Branch::drop(Reason::NatNotAvailable, at));
        }
        let routes = match (&nat.vpc, &nat.vswitch) {
            (Some(vpc), Some(vswitch)) => {
                // a NAT IP is an address of the gateway's own VPC
                let (home, sender) = (self.network(vpc), self.segment(vswitch));
                let routes = self.out_of_vpc_nat(nat);
                routes.after_all([
                    Op::Identity(Identity::None),
                    Op::Home(Some(home)),
                    Op::Sender(Some(sender)),
                ])
            }
            _ => Branch::unknown(format!("vSwitch of {id} (not stated)")),
        };
        let (mut rules, snat, gaps) = self.vpc_nat_rules(nat, at, &routes);
        let default = if let Some(gap) = facts::dnat_gap(self.topology, nat) {
            // an IP mapping that is not in the input would outrank every SNAT entry
            Branch::unknown(gap)
        } else if gaps.is_empty() {
            rules.extend(snat);
            Branch::drop(Reason::NatNoSnatEntry, at).after(Op::Via(at))
        } else {
            // no entry can be longer than one address
            rules.extend(snat.into_iter().filter(is_of_one_address));
            super::unknown(gaps)
        };
        stage(Table { rules, default })
    }

    /// Rules of IP mappings, rules of SNAT entries, and what could not be read of the latter.
    fn vpc_nat_rules(
        &mut self,
        nat: &'t NatGateway,
        at: ElementId,
        routes: &Branch,
    ) -> (Vec<Rule>, Vec<Rule>, Vec<Text>) {
        let topology = self.topology;
        let mut mappings = Vec::new();
        let mut snat = Vec::new();
        let mut gaps: Vec<Text> = facts::snat_gap(topology, nat).into_iter().collect();
        let turn = self.nat_turn(nat);
        let as_nat_ip = |addresses: &[AddrValue], element: ElementId| {
            let branches = addresses
                .iter()
                .map(|address| {
                    let source: Option<IpAddr> = address.addr();
                    let ops = [Op::Via(at), Op::Via(element), turn.clone(), Op::Source(source)];
                    routes.clone().after_all(ops)
                })
                .collect();
            Branch::fork(branches)
                .unwrap_or_else(|| Branch::drop(Reason::NatNoSnatEntry, at).after(Op::Via(at)))
        };
        for entry in facts::ip_mappings(topology, nat) {
            if let (Some(internal), Some(external)) =
                (entry.internal_ip.as_ref().and_then(AddrValue::addr), &entry.external_ip)
            {
                let element = self.element(entry, format!("{external} any port -> {internal}"));
                let then = as_nat_ip(std::slice::from_ref(external), element);
                mappings.push(Rule::new(Match::from(block(Cidr::host(internal))), element, then));
            }
        }
        let mut prefixes = Vec::new();
        for entry in facts::snat_entries(topology, nat).filter(|e| is_available(*e)) {
            match facts::snat_source(topology, entry) {
                Ok(cidr) => prefixes.push((cidr, 0, entry)),
                Err(missing) => gaps.push(missing),
            }
        }
        for (cidr, entry) in by_prefix_length(prefixes) {
            let ips = entry.snat_ips.as_deref().unwrap_or_default();
            let list: Vec<String> = ips.iter().map(ToString::to_string).collect();
            let element = self.element(entry, format!("{cidr} -> {}", list.join(", ")));
            let then = as_nat_ip(ips, element);
            snat.push(Rule::new(Match::from(block(cidr)), element, then));
        }
        (mappings, snat, gaps)
    }
}

fn is_of_one_address(rule: &Rule) -> bool {
    rule.matches.src.as_ref().is_some_and(|set| set.len() == 1)
}

/// Next hops behind which another VPC or a data centre lies.
pub(super) fn leads_to_other_networks(hop: &NextHopType) -> bool {
    matches!(
        hop,
        NextHopType::Attachment
            | NextHopType::CenBasic
            | NextHopType::VpcPeer
            | NextHopType::VpnGateway
            | NextHopType::RouterInterface
            | NextHopType::Ecr
            | NextHopType::Instance
            | NextHopType::NetworkInterface
            | NextHopType::HaVip
    )
}
