//! Where packets start.

use rustc_hash::FxHashMap;

use super::identity::{Bindings, CutThrough, Held, OwnPublic, held_cut_through};
use super::pipeline::{ElementId, StageId};
use crate::topology::{
    AddrValue, Eni, EniType, HaVip, Id, Instance, Kind, Lifecycle, PrivateIp, Resource,
    ResourceRef, Text, Topology,
};

/// Which address of which ENI a source is (design.md §6, decisions.md 37).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceRole {
    /// Primary address of the primary ENI: what the guest uses unless it is told otherwise
    /// (egress.md §4.1).
    Primary,
    /// Further address of the primary ENI.
    SecondaryIp,
    /// Any address of a secondary ENI.
    SecondaryEni,
    /// The address of a HaVip, at its master.
    HaVip,
}

impl SourceRole {
    /// Name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::SecondaryIp => "secondary_ip",
            Self::SecondaryEni => "secondary_eni",
            Self::HaVip => "havip",
        }
    }
}

impl std::fmt::Display for SourceRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A source of packets: one address of one ENI.
#[derive(Debug, Clone)]
pub struct SourcePoint {
    /// Instance; `None` for an ENI that is not attached.
    pub instance: Option<ResourceRef>,
    /// ENI.
    pub eni: ResourceRef,
    /// The HaVip, for role `HaVip`.
    pub havip: Option<ResourceRef>,
    /// Address that packets carry: private, or the EIP for cut-through modes.
    pub address: AddrValue,
    /// Role.
    pub role: SourceRole,
    /// Region.
    pub region: Option<Id>,
    /// Zone.
    pub zone: Option<Text>,
    /// VPC.
    pub vpc: Option<Id>,
    /// vSwitch.
    pub vswitch: Option<Id>,
    /// Public address of its own.
    pub own: OwnPublic,
    /// Facts about it that the answer mentions (`not attached`, `the instance is stopped`).
    pub notes: Vec<Text>,
    /// The VPC in which its address counts.
    pub home: Option<ElementId>,
    /// The vSwitch from which its packets are sent.
    pub sender: Option<ElementId>,
    /// First stage for its packets.
    pub entry: StageId,
    /// First stage if it had no public address of its own: what that address wins over.
    pub entry_without_own: StageId,
}

impl SourcePoint {
    /// How the source holds a public address, in words: `EIP eip-1 on the primary address`.
    pub fn holder(&self, held: &Held) -> String {
        let place = match self.role {
            SourceRole::Primary => "the primary address".to_owned(),
            _ => self.address.to_string(),
        };
        match held.by.last() {
            Some(by) if by.kind == Kind::Instance => format!("the static public address of {by}"),
            Some(by) if held.cut_through.is_some() => format!("{by} (cut-through)"),
            Some(by) => format!("{by} on {place}"),
            None => format!("the public address {} on {place}", held.address),
        }
    }
}

/// A source before its stages are known.
pub(super) struct Seed {
    pub(super) instance: Option<ResourceRef>,
    pub(super) eni: ResourceRef,
    pub(super) havip: Option<ResourceRef>,
    pub(super) address: AddrValue,
    pub(super) role: SourceRole,
    pub(super) region: Option<Id>,
    pub(super) zone: Option<Text>,
    pub(super) vpc: Option<Id>,
    pub(super) vswitch: Option<Id>,
    pub(super) own: OwnPublic,
    pub(super) notes: Vec<Text>,
}

/// All sources of a topology, by region, VPC, instance, ENI and address.
pub(super) fn seeds<'t>(
    topology: &'t Topology,
    bindings: &Bindings<'t>,
    primary_enis: &FxHashMap<&str, &'t Eni>,
) -> Vec<Seed> {
    let mut out = Vec::with_capacity(topology.enis.len());
    for eni in &topology.enis {
        if eni.service_managed != Some(true) {
            from_eni(topology, bindings, eni, &mut out);
        }
    }
    for instance in &topology.instances {
        if !primary_enis.contains_key(instance.id().as_str()) {
            from_instance(bindings, instance, &mut out);
        }
    }
    for havip in &topology.havips {
        out.extend(from_havip(topology, bindings, primary_enis, havip));
    }
    out.sort_by(|a, b| {
        (&a.region, &a.vpc, &a.instance, a.role, &a.eni, &a.address).cmp(&(
            &b.region,
            &b.vpc,
            &b.instance,
            b.role,
            &b.eni,
            &b.address,
        ))
    });
    out
}

fn from_eni(topology: &Topology, bindings: &Bindings<'_>, eni: &Eni, out: &mut Vec<Seed>) {
    let owner = match &eni.instance {
        Some(Some(id)) => topology.instances.get(id),
        _ => None,
    };
    let instance = match (&eni.instance, owner) {
        (_, Some(owner)) => Some(owner.to_ref()),
        (Some(Some(id)), None) => {
            Some(ResourceRef { kind: Kind::Instance, id: id.clone(), name: None })
        }
        _ => None,
    };
    let mut notes = notes_of(eni, owner);
    notes.extend(
        bindings.locked(eni.id()).chain(owner.into_iter().flat_map(|o| bindings.locked(o.id()))),
    );
    let vswitch = eni.vswitch.as_ref().and_then(|id| topology.vswitches.get(id));
    let base = |address: AddrValue, role, own| Seed {
        instance: instance.clone(),
        eni: eni.to_ref(),
        havip: None,
        address,
        role,
        region: eni.meta.region.clone().or_else(|| owner.and_then(|o| o.meta.region.clone())),
        zone: eni.zone.clone().or_else(|| vswitch.and_then(|v| v.zone.clone())),
        vpc: eni.vpc.clone().or_else(|| vswitch.and_then(|v| v.vpc.clone())),
        vswitch: eni.vswitch.clone(),
        own,
        notes: notes.clone(),
    };
    let cut_through: Vec<_> = bindings.cut_through(eni).collect();
    let replaced = cut_through.iter().any(|(_, mode)| *mode == CutThrough::Replaces);
    for (n, ip) in eni.private_ips.iter().flatten().enumerate() {
        let is_primary = ip.primary.unwrap_or(n == 0);
        // a BINDED EIP takes the place of the primary private address (decisions.md 32)
        if is_primary && replaced {
            continue;
        }
        let own = bindings.of_private_ip(eni, owner, ip, is_primary);
        out.push(base(ip.address.clone(), role(eni, is_primary), own));
    }
    for (eip, mode) in cut_through {
        if let Some(address) = &eip.address {
            out.push(base(address.clone(), role(eni, false), held_cut_through(eip, mode)));
        }
    }
    for (n, address) in eni.ipv6_ips.iter().flatten().enumerate() {
        let own = own_ipv6(topology, bindings, eni, address);
        out.push(base(address.clone(), role(eni, n == 0), own));
    }
}

fn role(eni: &Eni, is_primary_address: bool) -> SourceRole {
    match (&eni.eni_type, is_primary_address) {
        (Some(EniType::Secondary), _) => SourceRole::SecondaryEni,
        (_, true) => SourceRole::Primary,
        (_, false) => SourceRole::SecondaryIp,
    }
}

/// Public identity of an IPv6 address: itself, if it has Internet bandwidth (egress.md §10 rule 8).
fn own_ipv6(
    topology: &Topology,
    bindings: &Bindings<'_>,
    eni: &Eni,
    address: &AddrValue,
) -> OwnPublic {
    match bindings.ipv6_row(address).map(|row| (row, row.public)) {
        Some((row, Some(true))) => OwnPublic::Held(Held {
            address: address.clone(),
            by: vec![row.to_ref()],
            cut_through: None,
            assumptions: Vec::new(),
        }),
        Some((_, Some(false))) => OwnPublic::None,
        Some((row, None)) => OwnPublic::Unknown(vec![Text::from(format!(
            "network type of {} (not stated)",
            row.id()
        ))]),
        None => {
            let scope = crate::topology::Scope::around(&eni.meta);
            match topology.coverage.gap(crate::topology::Listing::Ipv6Addresses, &scope) {
                Some(gap) => OwnPublic::Unknown(vec![Text::from(gap.to_string())]),
                None => OwnPublic::None,
            }
        }
    }
}

/// An instance whose primary ENI is not in the input, as in bodies of 2014–2016.
fn from_instance(bindings: &Bindings<'_>, instance: &Instance, out: &mut Vec<Seed>) {
    let eni = Eni::new(format!("{}/primary", instance.id()));
    for (n, address) in instance.private_ips.iter().flatten().enumerate() {
        let ip = PrivateIp { address: address.clone(), primary: Some(n == 0), public_ip: None };
        let mut pseudo = eni.clone();
        pseudo.meta.region.clone_from(&instance.meta.region);
        pseudo.meta.account.clone_from(&instance.meta.account);
        pseudo.eni_type = Some(EniType::Primary);
        pseudo.vpc.clone_from(&instance.vpc);
        let own = bindings.of_private_ip(&pseudo, Some(instance), &ip, n == 0);
        out.push(Seed {
            instance: Some(instance.to_ref()),
            eni: eni.to_ref(),
            havip: None,
            address: address.clone(),
            role: if n == 0 { SourceRole::Primary } else { SourceRole::SecondaryIp },
            region: instance.meta.region.clone(),
            zone: instance.zone.clone(),
            vpc: instance.vpc.clone(),
            vswitch: instance.vswitch.clone(),
            own,
            notes: notes_of(&eni, Some(instance))
                .into_iter()
                .chain(bindings.locked(instance.id()))
                .collect(),
        });
    }
}

/// The address of a HaVip, at its master's primary ENI (decisions.md 37).
fn from_havip(
    topology: &Topology,
    bindings: &Bindings<'_>,
    primary_enis: &FxHashMap<&str, &Eni>,
    havip: &HaVip,
) -> Option<Seed> {
    let address = havip.address.clone()?;
    let master = havip.master.clone().flatten();
    let eni = master
        .as_ref()
        .and_then(|id| topology.enis.get(id).or_else(|| primary_enis.get(id.as_str()).copied()));
    let owner = eni
        .and_then(|eni| eni.instance.clone().flatten())
        .or_else(|| master.clone())
        .and_then(|id| topology.instances.get(&id));
    let mut notes: Vec<Text> = eni.map(|eni| notes_of(eni, owner)).unwrap_or_default();
    if master.is_none() {
        notes.push(Text::from(format!("HaVip {} has no master in the input", havip.id())));
    }
    notes.extend(bindings.locked(havip.id()));
    let vswitch = havip.vswitch.as_ref().and_then(|id| topology.vswitches.get(id));
    Some(Seed {
        instance: owner.map(Resource::to_ref),
        eni: eni.map_or_else(|| havip.to_ref(), Resource::to_ref),
        havip: Some(havip.to_ref()),
        address,
        role: SourceRole::HaVip,
        region: havip.meta.region.clone(),
        zone: vswitch.and_then(|v| v.zone.clone()),
        vpc: havip.vpc.clone().or_else(|| vswitch.and_then(|v| v.vpc.clone())),
        vswitch: havip.vswitch.clone(),
        own: bindings.of_havip(havip),
        notes,
    })
}

fn notes_of(eni: &Eni, owner: Option<&Instance>) -> Vec<Text> {
    let mut notes = Vec::new();
    if eni.instance == Some(None) {
        notes.push(Text::from("the ENI is not attached to an instance"));
    }
    if let Some(owner) = owner
        && owner.lifecycle() != Lifecycle::Usable
        && let Some(status) = &owner.meta.status
    {
        notes.push(Text::from(format!("the instance is {}", status.to_lowercase())));
        let releases =
            owner.stopped_mode.as_deref().is_some_and(|m| m.eq_ignore_ascii_case("StopCharging"));
        if releases && owner.public_ips.as_ref().is_some_and(|ips| !ips.is_empty()) {
            notes.push(Text::from("its static public address is released while it is stopped"));
        }
    }
    notes
}
