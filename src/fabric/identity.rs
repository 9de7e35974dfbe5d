//! The public address that a private one holds by itself: EIP or static (egress.md §10 rule 1).

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::topology::{
    AddrValue, DnatEntry, Eip, EipMode, EipTarget, Eni, EniType, HaVip, Id, Instance, Ipv6Address,
    Kind, Lifecycle, Listing, NatGateway, NatType, PrivateIp, Resource, ResourceRef, Scope, Text,
    Topology, Value,
};

/// A public address held by a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnPublic {
    /// It holds none.
    None,
    /// It holds one.
    Held(Held),
    /// Cannot be told, for lack of these.
    Unknown(Vec<Text>),
}

/// How a public address is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The address.
    pub address: AddrValue,
    /// What gives it: the EIP, the instance (static address), or a DNAT entry with its gateway.
    pub by: Vec<ResourceRef>,
    /// The guest sees the public address itself.
    pub cut_through: Option<CutThrough>,
    /// Assumptions that it rests on.
    pub assumptions: Vec<Text>,
}

impl OwnPublic {
    /// The address, where one is held and known as a number.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Held(held) => held.address.addr(),
            Self::None | Self::Unknown(_) => None,
        }
    }
}

impl Held {
    /// True when an entry of a gateway gives it and not a binding of its own (egress.md §10 4.6b).
    pub fn is_translation(&self) -> bool {
        self.by.iter().any(|by| by.kind == Kind::DnatEntry)
    }
}

/// Modes of an EIP that the guest sees (egress.md §4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CutThrough {
    /// `BINDED`: the EIP replaces the private address.
    Replaces,
    /// `MULTI_BINDED`: the EIP stands beside the private address.
    Beside,
}

/// EIPs by what they are bound to, for fast lookup.
pub(super) struct Bindings<'t> {
    topology: &'t Topology,
    by_target: FxHashMap<&'t str, Vec<&'t Eip>>,
    by_address: FxHashMap<IpAddr, Vec<&'t Eip>>,
    /// EIPs of type IpAddress.
    address_eips: Vec<&'t Eip>,
    ipv6: FxHashMap<&'t AddrValue, &'t Ipv6Address>,
    /// IP mappings of gateways of type Normal, by VPC and internal address.
    normal_mappings: FxHashMap<(&'t str, IpAddr), (&'t NatGateway, &'t DnatEntry)>,
    /// DNAT listings of such gateways that are not known to be whole, by VPC.
    normal_gaps: FxHashMap<&'t str, Vec<Text>>,
}

/// False for an EIP that is locked or not in use: it does not count as held (decisions.md 32).
pub(super) fn is_usable(eip: &Eip) -> bool {
    let in_use = eip.meta.status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("InUse"));
    in_use && !is_locked(eip)
}

/// True for an EIP that is locked, by its status or by what locks it.
pub(super) fn is_locked(eip: &Eip) -> bool {
    eip.is_locked() || eip.locks.as_ref().is_some_and(|locks| !locks.is_empty())
}

impl<'t> Bindings<'t> {
    /// Indexes the EIPs of a topology.
    pub(super) fn new(topology: &'t Topology) -> Self {
        let mut by_target: FxHashMap<&str, Vec<&Eip>> = FxHashMap::default();
        let mut by_address: FxHashMap<IpAddr, Vec<&Eip>> = FxHashMap::default();
        for eip in &topology.eips {
            if let Some(Some(target)) = &eip.target_id {
                by_target.entry(target.as_str()).or_default().push(eip);
            }
            if let Some(address) = eip.address.as_ref().and_then(AddrValue::addr) {
                by_address.entry(address).or_default().push(eip);
            }
        }
        let address_eips =
            topology.eips.iter().filter(|eip| targets(eip, &EipTarget::IpAddress)).collect();
        let normal_mappings = normal_mappings(topology);
        let ipv6 = topology
            .ipv6_addresses
            .iter()
            .filter_map(|row| Some((row.address.as_ref()?, row)))
            .collect();
        let normal_gaps = normal_gaps(topology);
        Self { topology, by_target, by_address, address_eips, ipv6, normal_mappings, normal_gaps }
    }

    /// What the IPv6 listing says about an address.
    pub(super) fn ipv6_row(&self, address: &AddrValue) -> Option<&'t Ipv6Address> {
        self.ipv6.get(address).copied()
    }

    /// EIPs that name this target.
    pub(super) fn bound_to(&self, target: &str) -> &[&'t Eip] {
        self.by_target.get(target).map_or(&[], Vec::as_slice)
    }

    /// EIPs with this address.
    pub(super) fn with_address(&self, address: IpAddr) -> &[&'t Eip] {
        self.by_address.get(&address).map_or(&[], Vec::as_slice)
    }

    /// Notes on EIPs of a target that are locked and therefore do not count (decisions.md 32).
    pub(super) fn locked(&self, target: &str) -> impl Iterator<Item = Text> {
        self.bound_to(target).iter().filter(|eip| is_locked(eip)).map(|eip| {
            Text::from(format!(
                "EIP {} is locked and does not count as its public address",
                eip.id()
            ))
        })
    }

    /// Cut-through EIPs of an ENI: further sources, under their public address (egress.md §4.6).
    pub(super) fn cut_through(&self, eni: &Eni) -> impl Iterator<Item = (&'t Eip, CutThrough)> {
        self.bound_to(eni.id())
            .iter()
            .filter(|eip| targets(eip, &EipTarget::Eni) && is_usable(eip))
            .filter_map(|eip| match eip.mode {
                Some(EipMode::Binded) => Some((*eip, CutThrough::Replaces)),
                Some(EipMode::MultiBinded) => Some((*eip, CutThrough::Beside)),
                _ => None,
            })
    }

    /// What an address of an ENI holds.
    pub(super) fn of_private_ip(
        &self,
        eni: &Eni,
        owner: Option<&'t Instance>,
        ip: &PrivateIp,
        is_eni_primary: bool,
    ) -> OwnPublic {
        let default_source = is_eni_primary && eni.eni_type != Some(EniType::Secondary);
        let mapped = self
            .bound_to(eni.id())
            .iter()
            .filter(|eip| targets(eip, &EipTarget::Eni) && is_usable(eip))
            .filter(|eip| !matches!(eip.mode, Some(EipMode::Binded | EipMode::MultiBinded)))
            .find(|eip| match &eip.private_address {
                Some(private) => *private == ip.address,
                None => is_eni_primary,
            });
        if let Some(eip) = mapped {
            return held(eip);
        }
        if default_source
            && let Some(owner) = owner
            && let Some(found) = self.of_instance(owner)
        {
            return found;
        }
        if let Some(found) = self.of_address(eni.vpc.as_deref(), &ip.address) {
            return found;
        }
        if let Some(Some(public)) = &ip.public_ip {
            return self.associated(eni, owner, default_source, public);
        }
        self.none_or_unknown(eni, owner, ip, default_source)
    }

    /// What an instance's primary address holds: EIP first, then static (egress.md §10 1.2).
    pub(super) fn of_instance(&self, instance: &'t Instance) -> Option<OwnPublic> {
        let bound = self
            .bound_to(instance.id())
            .iter()
            .find(|eip| targets(eip, &EipTarget::Instance) && is_usable(eip));
        if let Some(eip) = bound {
            return Some(held(eip));
        }
        if let Some(Some(stated)) = &instance.eip {
            let eip = stated.eip.as_ref().and_then(|id| self.topology.eips.get(id));
            match eip {
                Some(eip) if !is_usable(eip) => {}
                Some(eip) => return Some(held(eip)),
                None => {
                    let id =
                        stated.eip.clone().unwrap_or_else(|| Id::from(&stated.address.to_string()));
                    let unlocked = taken_as_unlocked(&id);
                    let by = ResourceRef { kind: Kind::Eip, id, name: None };
                    return Some(OwnPublic::Held(Held {
                        address: stated.address.clone(),
                        by: vec![by],
                        cut_through: None,
                        assumptions: vec![unlocked],
                    }));
                }
            }
        }
        let fixed = instance.public_ips.iter().flatten().next()?;
        Some(OwnPublic::Held(Held {
            address: fixed.clone(),
            by: vec![instance.to_ref()],
            cut_through: None,
            assumptions: Vec::new(),
        }))
    }

    /// What a HaVip holds (egress.md §10 1.3).
    pub(super) fn of_havip(&self, havip: &HaVip) -> OwnPublic {
        let bound = self
            .bound_to(havip.id())
            .iter()
            .find(|eip| targets(eip, &EipTarget::HaVip) && is_usable(eip));
        if let Some(eip) = bound {
            return held(eip);
        }
        for address in havip.eips.iter().flatten() {
            let eips = address.addr().map_or(&[][..], |a| self.with_address(a));
            match eips.first() {
                Some(eip) if is_usable(eip) => return held(eip),
                Some(_) => {}
                None => {
                    return OwnPublic::Held(Held {
                        address: address.clone(),
                        by: vec![havip.to_ref()],
                        cut_through: None,
                        assumptions: vec![taken_as_unlocked(&address.to_string())],
                    });
                }
            }
        }
        if havip.eips.is_some() {
            return OwnPublic::None;
        }
        self.unless_eips_listed(&Scope::around(&havip.meta), Vec::new())
    }

    /// EIPs of type IpAddress (egress.md §10 1.4, decisions.md 43).
    fn of_address(&self, vpc: Option<&str>, address: &AddrValue) -> Option<OwnPublic> {
        self.address_eips
            .iter()
            .filter(|eip| is_usable(eip))
            .find(|eip| {
                let private = eip.private_address.as_ref() == Some(address)
                    || eip
                        .target_id
                        .as_ref()
                        .is_some_and(|id| id.as_deref() == Some(address.to_string().as_str()));
                private && eip.vpc.as_deref() == vpc
            })
            .map(|eip| held(eip))
    }

    /// A public address that the ENI listing names.
    fn associated(
        &self,
        eni: &Eni,
        owner: Option<&'t Instance>,
        default_source: bool,
        public: &crate::topology::AssociatedPublicIp,
    ) -> OwnPublic {
        if let Some(id) = &public.eip {
            match self.topology.eips.get(id) {
                // cut-through EIPs are listed under the ENI too, but are sources of their own
                Some(eip) if matches!(eip.mode, Some(EipMode::Binded | EipMode::MultiBinded)) => {
                    return OwnPublic::None;
                }
                Some(eip) if !is_usable(eip) => return OwnPublic::None,
                Some(eip) => return held(eip),
                None => {}
            }
        }
        let by = match (&public.eip, owner) {
            (Some(id), _) => ResourceRef { kind: Kind::Eip, id: id.clone(), name: None },
            (None, Some(owner)) if default_source => owner.to_ref(),
            (None, _) => eni.to_ref(),
        };
        OwnPublic::Held(Held {
            address: public.address.clone(),
            by: vec![by],
            cut_through: None,
            assumptions: public.eip.iter().map(|id| taken_as_unlocked(id)).collect(),
        })
    }

    /// No binding was found: is that because there is none, or because it was not exported?
    fn none_or_unknown(
        &self,
        eni: &Eni,
        owner: Option<&Instance>,
        ip: &PrivateIp,
        default_source: bool,
    ) -> OwnPublic {
        if ip.public_ip == Some(None) {
            return OwnPublic::None;
        }
        let static_unknown =
            default_source && owner.is_some_and(|owner| owner.public_ips.is_none());
        if default_source
            && let Some(owner) = owner
            && owner.eip == Some(None)
            && !static_unknown
        {
            return OwnPublic::None;
        }
        let mut missing = Vec::new();
        if static_unknown && let Some(owner) = owner {
            missing
                .push(Text::from(format!("static public address of {} (not stated)", owner.id())));
        }
        self.unless_eips_listed(&Scope::around(&eni.meta), missing)
    }

    fn unless_eips_listed(&self, scope: &Scope, mut missing: Vec<Text>) -> OwnPublic {
        if let Some(gap) = self.topology.coverage.gap(Listing::Eips, scope) {
            missing.push(Text::from(gap.to_string()));
        }
        if missing.is_empty() { OwnPublic::None } else { OwnPublic::Unknown(missing) }
    }

    /// The IP mapping of a Normal gateway that works without a route (egress.md §10 4.6b); unknown
    /// when there is none and the DNAT entries of such a gateway are not all in the input.
    pub(super) fn normal_mapping(&self, vpc: &str, address: IpAddr) -> OwnPublic {
        let found = self.normal_mappings.get(&(vpc, address));
        if let Some((nat, entry)) = found
            && let Some(external) = &entry.external_ip
        {
            let by = vec![nat.to_ref(), entry.to_ref()];
            let id = nat.id();
            let mut assumptions =
                vec![Text::from(format!("dnat_ip_map_bypasses_routes = normal_only ({id})"))];
            if nat_type(nat).1 {
                assumptions.push(Text::from(format!("nat_type = Normal ({id}, not stated)")));
            }
            let address = external.clone();
            return OwnPublic::Held(Held { address, by, cut_through: None, assumptions });
        }
        match self.normal_gaps.get(vpc) {
            Some(gaps) => OwnPublic::Unknown(gaps.clone()),
            None => OwnPublic::None,
        }
    }
}

fn targets(eip: &Eip, target: &EipTarget) -> bool {
    eip.target.as_ref().is_some_and(|t| t.as_ref() == Some(target))
}

/// An EIP that only its holder names: whether it is locked stands in the listing of EIPs.
pub(super) fn taken_as_unlocked(eip: &str) -> Text {
    Text::from(format!("eip_lock = none ({eip}, not in the listing of EIPs)"))
}

fn held(eip: &Eip) -> OwnPublic {
    let address =
        eip.address.clone().unwrap_or_else(|| Value::Symbol(Text::from(eip.id().as_str())));
    OwnPublic::Held(Held {
        address,
        by: vec![eip.to_ref()],
        cut_through: None,
        assumptions: Vec::new(),
    })
}

/// A held cut-through EIP.
pub(super) fn held_cut_through(eip: &Eip, mode: CutThrough) -> OwnPublic {
    match held(eip) {
        OwnPublic::Held(held) => OwnPublic::Held(Held { cut_through: Some(mode), ..held }),
        other => other,
    }
}

fn normal_mappings(topology: &Topology) -> FxHashMap<(&str, IpAddr), (&NatGateway, &DnatEntry)> {
    let mut out = FxHashMap::default();
    for entry in topology.dnat_entries.iter().filter(|e| e.is_ip_mapping() && is_available(*e)) {
        let Some(nat) = gateway_of_dnat(topology, entry) else { continue };
        if nat_type(nat).0 != NatType::Normal || super::nat::is_vpc_nat(nat) {
            continue;
        }
        if let (Some(vpc), Some(internal)) =
            (nat.vpc.as_deref(), entry.internal_ip.as_ref().and_then(AddrValue::addr))
        {
            out.entry((vpc, internal)).or_insert((nat, entry));
        }
    }
    out
}

fn normal_gaps(topology: &Topology) -> FxHashMap<&str, Vec<Text>> {
    let mut out: FxHashMap<&str, Vec<Text>> = FxHashMap::default();
    for nat in &topology.nat_gateways {
        if nat_type(nat).0 != NatType::Normal || super::nat::is_vpc_nat(nat) {
            continue;
        }
        let scope = Scope::around(&nat.meta).with_parent(nat.id());
        if let (Some(vpc), Some(gap)) =
            (nat.vpc.as_deref(), topology.coverage.gap(Listing::DnatEntries, &scope))
        {
            out.entry(vpc).or_default().push(Text::from(gap.to_string()));
        }
    }
    out
}

/// The gateway of a DNAT entry: named, or the one that has its table (formats-api.md §4.2).
pub(super) fn gateway_of_dnat<'t>(
    topology: &'t Topology,
    entry: &DnatEntry,
) -> Option<&'t NatGateway> {
    match (&entry.nat_gateway, &entry.table) {
        (Some(id), _) => topology.nat_gateways.get(id),
        (None, Some(table)) => topology
            .nat_gateways
            .iter()
            .find(|nat| nat.dnat_tables.as_ref().is_some_and(|tables| tables.contains(table))),
        (None, None) => None,
    }
}

/// Generation of a NAT gateway, and whether it is an assumption (decisions.md 31).
pub fn nat_type(nat: &NatGateway) -> (NatType, bool) {
    match &nat.nat_type {
        Some(stated) => (stated.clone(), false),
        None if nat.bandwidth_packages.is_some() => (NatType::Normal, true),
        None => (NatType::Enhanced, true),
    }
}

/// True for entries that take part in translation: status Available, or none stated (plans and
/// designs; egress.md §4.4).
pub(super) fn is_available(entry: &dyn Resource) -> bool {
    match entry.lifecycle() {
        Lifecycle::Usable | Lifecycle::Unstated => true,
        Lifecycle::Transitional => {
            entry.meta().status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("modifying"))
        }
        Lifecycle::Dead | Lifecycle::Unrecognised => false,
    }
}

/// A list of what is missing, as an identity carries it.
pub(super) fn shared(missing: Vec<Text>) -> Arc<[Text]> {
    missing.into()
}
