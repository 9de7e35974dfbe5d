//! The part of the builder about HaVips, NAT gateways and public addresses.

use vpclint::topology::{EipMode, EipTarget, NatType, Text};

use super::build::{Builder, NatSketch, pick};
use super::generate::{Binding, Fact, PREFIXES};

impl Builder {
    pub fn add_havip(&mut self, vswitch: u8, host: Option<u8>, by_eni: bool) {
        let Some((vswitch, vpc, address)) = self.address_in(vswitch) else { return };
        // the holder of a HaVip sits in its vSwitch
        let here = |eni: &String| self.world.enis[eni].vswitch.as_deref() == Some(vswitch.as_str());
        let mine: Vec<(String, String)> = self
            .hosts
            .iter()
            .filter(|h| here(&h.eni))
            .map(|h| (h.id.clone(), h.eni.clone()))
            .collect();
        let master = host.and_then(|n| pick(&mine, n).cloned());
        let id = self.id("havip", self.havips.len());
        let holder = master.as_ref().map(|(host, eni)| if by_eni { eni } else { host });
        self.edit(|w| w.havip(&id, &vswitch, &address, holder.map(String::as_str)));
        if let Some((_, eni)) = master {
            self.source(&eni, &address);
        }
        self.havips.push((id, vpc));
    }

    pub fn add_nat(&mut self, vswitch: u8, eips: u8, kind: u8, ok: bool) {
        let Some(chosen) = pick(&self.vswitches, vswitch) else { return };
        let (vswitch, vpc) = (chosen.id.clone(), chosen.vpc);
        if self.nats.len() >= 3 {
            return;
        }
        let id = self.id("ngw", self.nats.len());
        let intranet = kind % 4 == 3;
        let normal = kind % 4 == 2;
        let eips: Vec<String> =
            if intranet { Vec::new() } else { (0..eips % 4).map(|_| self.next_public()).collect() };
        let texts: Vec<&str> = eips.iter().map(String::as_str).collect();
        if intranet {
            self.edit(|w| w.vpc_nat(&id, &vswitch));
        } else {
            self.edit(|w| w.nat(&id, &vswitch, &texts));
        }
        let nat = self.world.nats.get_mut(&id).unwrap();
        if normal {
            nat.nat_type = Some(NatType::Normal);
        }
        if !ok {
            nat.meta.business_status = Some(Text::from("FinancialLocked"));
        }
        self.nats.push(NatSketch { id, vpc, eips, normal, intranet, ok });
    }

    pub fn add_translation(&mut self, fact: Fact) {
        let (Fact::Snat { nat, .. } | Fact::IpMapping { nat, .. } | Fact::PortMapping { nat, .. }) =
            fact
        else {
            return;
        };
        let Some(chosen) = pick(&self.nats, nat) else { return };
        let (id, vpc) = (chosen.id.clone(), chosen.vpc);
        let (normal, intranet, ok) = (chosen.normal, chosen.intranet, chosen.ok);
        // an address that the gateway does not have follows those that it has
        let mut pool = chosen.eips.clone();
        if intranet {
            pool = (0..3).map(|n| format!("172.31.{vpc}.{n}")).collect();
        } else if !normal {
            pool.push("198.51.100.250".to_owned());
        }
        match fact {
            Fact::Snat { prefix, vswitch, ips, affinity, pending, .. } => {
                let ips: Vec<&str> = pool
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| ips & (1 << n) != 0)
                    .map(|(_, ip)| ip.as_str())
                    .collect();
                if ips.is_empty() {
                    return;
                }
                let mine = self.vswitches.iter().filter(|v| v.vpc == vpc);
                let mine: Vec<(String, String)> =
                    mine.map(|v| (v.id.clone(), v.cidr.clone())).collect();
                let by_vswitch = vswitch.and_then(|n| pick(&mine, n).cloned());
                let hosts = self.enis.iter().flat_map(|e| &e.ips).map(|ip| format!("{ip}/32"));
                let mut blocks: Vec<String> = PREFIXES.iter().map(|p| (*p).to_owned()).collect();
                blocks.extend(hosts);
                let cidr = match &by_vswitch {
                    Some((_, cidr)) => cidr.clone(),
                    None => pick(&blocks, prefix).unwrap().clone(),
                };
                if !self.claim(format!("snat {id} {cidr}")) {
                    return;
                }
                let entry = self.id("snat", self.world.snat.len());
                self.edit(|w| match &by_vswitch {
                    Some((vswitch, _)) => w.snat_vswitch(&entry, &id, vswitch, &ips),
                    None => w.snat(&entry, &id, &cidr, &ips),
                });
                let entry = self.world.snat.get_mut(&entry).unwrap();
                entry.eip_affinity = Some(affinity);
                if pending {
                    entry.meta.status = Some(Text::from("Pending"));
                }
            }
            Fact::IpMapping { eni, ip, .. } | Fact::PortMapping { eni, ip, .. } => {
                let any = matches!(fact, Fact::IpMapping { .. });
                let mine = self.enis.iter().filter(|e| e.vpc == vpc).flat_map(|e| e.ips.clone());
                let mine: Vec<String> = mine.collect();
                let (Some(internal), Some(external)) = (pick(&mine, eni), pick(&pool, ip)) else {
                    return;
                };
                let (internal, external) = (internal.clone(), external.clone());
                let scope = if normal { "Normal" } else { id.as_str() };
                if any && (normal && !ok || !self.claim(format!("mapping {scope} {internal}"))) {
                    return;
                }
                let entry = self.id("dnat", self.world.dnat.len());
                self.edit(|w| {
                    if any {
                        w.dnat_any(&entry, &id, &external, &internal)
                    } else {
                        w.dnat_port(&entry, &id, &external, &internal, 80)
                    }
                });
            }
            _ => {}
        }
    }

    pub fn add_eip(&mut self, binding: Binding, target: u8, locked: bool) {
        let address = self.next_public();
        let id = self.id("eip", usize::from(self.public));
        let eni =
            pick(&self.enis, target).map(|e| (e.id.clone(), e.ips.clone(), e.vpc, e.secondary));
        match binding {
            Binding::Loose => self.edit(|w| w.eip(&id, &address)),
            Binding::Instance => {
                let Some(host) = pick(&self.hosts, target).map(|h| (h.id.clone(), h.eni.clone()))
                else {
                    return;
                };
                let private = self.first_address(&host.1);
                if !self.claim_eip("instance", &private) {
                    return;
                }
                self.edit(|w| w.eip_on(&id, &address, EipTarget::Instance, &host.0));
            }
            Binding::EniPrimary | Binding::EniExtra => {
                let Some((eni, ips, _, _)) = eni else { return };
                let private = if binding == Binding::EniExtra { ips.last() } else { ips.first() };
                let private = private.unwrap();
                if !self.claim_eip("eni", private) {
                    return;
                }
                let stated =
                    (ips.len() > 1 || target.is_multiple_of(2)).then_some(private.as_str());
                self.edit(|w| w.eip_on_eni(&id, &address, &eni, stated));
            }
            Binding::HaVip => {
                let Some((havip, _)) = pick(&self.havips, target).cloned() else { return };
                if !self.claim_eip("havip", &havip) {
                    return;
                }
                self.edit(|w| w.eip_on(&id, &address, EipTarget::HaVip, &havip));
            }
            Binding::Address => {
                let Some((_, ips, vpc, _)) = eni else { return };
                let private = ips.last().unwrap();
                if !self.claim_eip("address", private) {
                    return;
                }
                let vpc = self.vpcs[vpc].clone();
                self.edit(|w| w.eip_on_address(&id, &address, &vpc, private));
            }
            Binding::CutThrough | Binding::MultiCutThrough => {
                let Some((eni, _, _, true)) = eni else { return };
                let mode = if binding == Binding::CutThrough {
                    EipMode::Binded
                } else {
                    EipMode::MultiBinded
                };
                if !self.claim(format!("cut-through {eni}")) {
                    return;
                }
                self.edit(|w| w.cut_through(&id, &address, &eni, mode));
                if !locked {
                    self.source(&eni, &address);
                }
            }
        }
        if locked {
            let eip = self.world.eips.get_mut(&id).unwrap();
            eip.meta.business_status = Some(Text::from("FinancialLocked"));
        }
    }
}
