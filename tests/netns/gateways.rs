//! Gateways that exchange addresses: those of public addresses of one's own, NAT gateways.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use vpclint::addr::Cidr;
use vpclint::topology::{
    EipTarget, Ipv4Gateway, NatGateway, NatNetwork, NatPort, NatProtocol, Vpc,
};

use super::render::{HOSTS, INTERNET, Renderer, addresses, four, router};

/// Senders with a public address of their own.
const OWN_ADDRESS: u32 = 1001;
/// NAT gateways behind an IPv4 gateway.
const BEHIND: u32 = 1002;

impl Renderer<'_> {
    // ---- addresses of one's own ----------------------------------------------------------

    /// Private addresses with a public one of their own, by ENI.
    fn bound(&self, vpc: &Vpc) -> Vec<(usize, Ipv4Addr, Ipv4Addr)> {
        let mut out = Vec::new();
        for (n, eni) in self.enis(vpc) {
            let instance = eni.instance.clone().flatten();
            for eip in self.topology.eips.iter() {
                let target = eip.target_id.clone().flatten();
                let here = match eip.target.clone().flatten() {
                    Some(EipTarget::Instance) => target == instance,
                    Some(EipTarget::Eni) => target.as_ref() == Some(&eni.meta.id),
                    Some(EipTarget::NatGateway) | None => false,
                    other => panic!("an EIP on {other:?}"),
                };
                if here {
                    let private = eip.private_address.as_ref().map(four);
                    let private = private.unwrap_or_else(|| addresses(eni)[0]);
                    out.push((n, private, four(eip.address.as_ref().unwrap())));
                }
            }
        }
        out
    }

    fn central(&self, vpc: &Vpc) -> Option<&Ipv4Gateway> {
        let mut all = self.topology.ipv4_gateways.iter();
        all.find(|g| g.vpc.as_ref() == Some(&vpc.meta.id) && g.enabled == Some(true))
    }

    /// The gateway that exchanges private addresses and public ones of their own, one to one. In
    /// DIRECT mode no route leads there, only the sender's address does (egress.md §4.2 row 1); in
    /// CENTRAL mode only a route does, and NAT gateways are behind it (egress.md §4.3).
    pub fn own_addresses(&mut self, vpc: &Vpc) {
        let bound = self.bound(vpc);
        let central = self.central(vpc).map(|gateway| gateway.meta.id.as_str().to_owned());
        if bound.is_empty() && central.is_none() {
            return;
        }
        let (gateway, router) = (format!("eip-{}", vpc.meta.id), router(&vpc.meta.id));
        let (there, back) = self.join((&router, "eip"), (&gateway, "in"));
        let (out, published) =
            self.join((&gateway, "out"), (INTERNET, &format!("v{}", self.cable)));
        self.plan.ip(&gateway, format!("route add default {out}"));
        self.plan.ip(&router, format!("route add default {there} table {OWN_ADDRESS}"));
        for private in self.private_blocks(vpc) {
            self.plan.ip(&router, format!("route add throw {private} table {OWN_ADDRESS}"));
        }
        let (mut inward, mut outward, mut forward) = <(String, String, String)>::default();
        for (n, private, public) in bound {
            if central.is_none() {
                let from = format!("rule add iif h{n} from {private}");
                self.plan.ip(&router, format!("{from} priority 10 lookup {OWN_ADDRESS}"));
            }
            self.plan.ip(&gateway, format!("route add {private}/32 {back}"));
            self.publish(public, &published);
            writeln!(inward, "iifname \"out\" ip daddr {public} dnat to {private}").unwrap();
            writeln!(outward, "oifname \"out\" ip saddr {private} snat to {public}").unwrap();
            writeln!(forward, "oifname \"out\" ip saddr {private} accept").unwrap();
        }
        if let Some(id) = central {
            let mut untracked = String::new();
            // also from inside, the way to a NAT gateway is by the Internet
            self.plan.ip(&gateway, format!("rule add iif out priority 20 lookup {BEHIND}"));
            for public in self.nat_addresses(vpc) {
                self.plan.ip(&gateway, format!("route add {public}/32 {back} table {BEHIND}"));
                self.publish(public, &published);
                writeln!(forward, "oifname \"out\" ip saddr {public} accept").unwrap();
                writeln!(forward, "oifname \"in\" ip daddr {public} accept").unwrap();
                // it is not the gateway's to remember what others translated: a flow that comes
                // back in to an address of one's own would look like the one that went out
                writeln!(untracked, "iifname \"in\" ip saddr {public} notrack").unwrap();
                writeln!(untracked, "iifname \"out\" ip daddr {public} notrack").unwrap();
            }
            let hook = "type filter hook prerouting priority -300;";
            self.plan.space(&gateway).nft +=
                &format!("table ip raw {{ chain untracked {{ {hook}\n{untracked}}}\n}}\n");
            self.hops.insert((router, id), there);
        }
        self.plan.space(&gateway).nft += &nat_table(&inward, &outward, &forward);
    }

    fn nat_addresses(&self, vpc: &Vpc) -> Vec<Ipv4Addr> {
        let of_vpc = |nat: &&NatGateway| nat.vpc.as_ref() == Some(&vpc.meta.id);
        let nats = self.topology.nat_gateways.iter().filter(of_vpc);
        nats.flat_map(|nat| nat.eips.iter().flatten()).map(|eip| four(&eip.address)).collect()
    }

    // ---- NAT gateways --------------------------------------------------------------------

    pub fn nat(&mut self, nat: &NatGateway) {
        let id = nat.meta.id.as_str();
        let vpc = self.topology.vpcs.get(nat.vpc.as_ref().unwrap()).unwrap();
        let (space, router) = (format!("nat-{id}"), router(&vpc.meta.id));
        let device = format!("nat{}", self.cable);
        let (there, back) = self.join((&router, &device), (&space, "in"));
        self.hops.insert((router.clone(), id.to_owned()), there);
        // a VPC NAT gateway passes on what is not for its own VPC (egress.md §4.5)
        let intranet = nat.network == Some(NatNetwork::Intranet);
        let own = vpc.cidr.iter().map(|cidr| cidr.cidr().unwrap());
        let inside = if intranet { own.collect() } else { self.private_blocks(vpc) };
        for private in inside {
            self.plan.ip(&space, format!("route add {private} {back}"));
        }
        // replies to senders of other VPCs: the table of the gateway's own vSwitch (egress.md §4.4)
        let table = self.table_of(nat.vswitch.as_ref().unwrap());
        self.plan.ip(&router, format!("rule add iif {device} priority 20 lookup {table}"));
        let nat_ips = self.topology.nat_ips.iter();
        let of_nat = nat_ips.filter(|ip| ip.nat_gateway.as_ref() == Some(&nat.meta.id));
        let eips = nat.eips.iter().flatten().map(|eip| &eip.address);
        let eips: Vec<Ipv4Addr> =
            eips.chain(of_nat.flat_map(|ip| ip.address.as_ref())).map(four).collect();
        let outside = format!("v{}", self.cable);
        let out = if intranet || self.central(vpc).is_some() {
            // out by the table of its own vSwitch, to the IPv4 gateway or another network
            let (out, back) = self.join((&space, "out"), (&router, &outside));
            self.plan.ip(&router, format!("rule add iif {outside} priority 20 lookup {table}"));
            for eip in &eips {
                self.plan.ip(&router, format!("route add {eip}/32 {back} table {HOSTS}"));
            }
            out
        } else {
            let (out, published) = self.join((&space, "out"), (INTERNET, &outside));
            for eip in &eips {
                self.publish(*eip, &published);
            }
            out
        };
        self.plan.ip(&space, format!("route add default {out}"));
        let (mappings, inward) = self.dnat(id, &eips);
        let mut outward = String::new();
        let mut sources = Vec::new();
        for (internal, external) in mappings {
            // an IP mapping comes before the SNAT entries (egress.md §4.2 rows 3, 4)
            writeln!(outward, "oifname \"out\" ip saddr {internal} snat to {external}").unwrap();
            sources.push(internal.to_string());
        }
        for (cidr, pool) in self.snat(id, &eips) {
            let target = match &pool[..] {
                [one] => one.to_string(),
                _ => {
                    let all = pool.iter().enumerate().map(|(n, ip)| format!("{n} : {ip}"));
                    let all: Vec<String> = all.collect();
                    format!("numgen inc mod {} map {{ {} }}", pool.len(), all.join(", "))
                }
            };
            writeln!(outward, "oifname \"out\" ip saddr {cidr} snat to {target}").unwrap();
            sources.push(cidr.to_string());
        }
        let mut forward = String::new();
        for source in sources {
            writeln!(forward, "iifname \"in\" oifname \"out\" ip saddr {source} accept").unwrap();
        }
        self.plan.space(&space).nft += &nat_table(&inward, &outward, &forward);
    }

    /// SNAT entries, the longest block first (egress.md §4.4).
    fn snat(&self, nat: &str, eips: &[Ipv4Addr]) -> Vec<(Cidr, Vec<Ipv4Addr>)> {
        let entries = self.topology.snat_entries.iter();
        let of_nat = entries.filter(|e| e.nat_gateway.as_deref() == Some(nat));
        let mut out: Vec<(Cidr, Vec<Ipv4Addr>)> = of_nat
            .map(|entry| {
                let of_vswitch = || {
                    let id = entry.source_vswitch.as_ref().unwrap();
                    self.topology.vswitches.get(id).unwrap().cidr.as_ref().unwrap()
                };
                let cidr = entry.source_cidr.as_ref().unwrap_or_else(of_vswitch).cidr().unwrap();
                let pool: Vec<Ipv4Addr> =
                    entry.snat_ips.as_ref().unwrap().iter().map(four).collect();
                assert!(pool.iter().all(|ip| eips.contains(ip)), "SNAT to an unbound address");
                (cidr, pool)
            })
            .collect();
        out.sort_by_key(|(cidr, _)| std::cmp::Reverse(cidr.mask()));
        out
    }

    /// IP mappings, and all DNAT entries as rules: IP mappings own their address (egress.md §5.2).
    fn dnat(&self, nat: &str, eips: &[Ipv4Addr]) -> (Vec<(Ipv4Addr, Ipv4Addr)>, String) {
        let mut mappings = Vec::new();
        let (mut whole, mut ports) = (String::new(), String::new());
        let entries = self.topology.dnat_entries.iter();
        for entry in entries.filter(|e| e.nat_gateway.as_deref() == Some(nat)) {
            let external = four(entry.external_ip.as_ref().unwrap());
            let internal = four(entry.internal_ip.as_ref().unwrap());
            assert!(eips.contains(&external), "DNAT from an unbound address");
            let here = format!("iifname \"out\" ip daddr {external}");
            if entry.is_ip_mapping() {
                mappings.push((internal, external));
                writeln!(whole, "{here} dnat to {internal}").unwrap();
                continue;
            }
            let protocol = match entry.protocol {
                Some(NatProtocol::Tcp) => "tcp",
                Some(NatProtocol::Udp) => "udp",
                ref other => panic!("ports of {other:?}"),
            };
            let (Some(NatPort::Range(first, last)), Some(NatPort::Range(to, _))) =
                (&entry.external_port, &entry.internal_port)
            else {
                panic!("ports of {}", entry.meta.id)
            };
            for port in *first..=*last {
                let to = to + (port - first);
                writeln!(ports, "{here} {protocol} dport {port} dnat to {internal}:{to}").unwrap();
            }
        }
        (mappings, whole + &ports)
    }
}

/// What a gateway with translation does: `inward` before routing, `outward` behind it. Of new flows
/// it forwards those from outside that were translated, and those that `forward` accepts.
fn nat_table(inward: &str, outward: &str, forward: &str) -> String {
    format!(
        "table ip nat {{\n\
         chain inward {{ type nat hook prerouting priority -100;\n{inward}}}\n\
         chain outward {{ type nat hook postrouting priority 100;\n{outward}}}\n\
         chain forward {{ type filter hook forward priority 0; policy drop;\n\
         ct state invalid drop\n\
         iifname \"in\" oifname \"out\" ct state established,related accept\n\
         iifname \"out\" oifname \"in\" ct state established,related accept\n\
         iifname \"out\" oifname \"in\" ct status dnat accept\n{forward}}}\n}}\n"
    )
}
