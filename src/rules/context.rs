//! What a rule may look at.

use super::finding::Unknown;
use rustc_hash::FxHashMap;

use crate::analyze::egress::{EgressReport, SourceEgress};
use crate::fabric::Fabric;
use crate::topology::{
    AddrValue, Collection, Eni, Id, Instance, Listing, NatGateway, Resource, Scope, Source,
    Topology, VSwitch, Vpc,
};

/// The input of all rules.
pub struct Context<'a> {
    /// What the customer has.
    pub topology: &'a Topology,
    /// Its forwarding tables.
    pub fabric: &'a Fabric,
    /// Through which public address every source leaves.
    pub egress: &'a EgressReport,
    sources: FxHashMap<(&'a str, &'a AddrValue), &'a SourceEgress>,
    nat_tables: FxHashMap<&'a Id, &'a NatGateway>,
}

impl<'a> Context<'a> {
    /// Puts the parts together.
    pub fn new(topology: &'a Topology, fabric: &'a Fabric, egress: &'a EgressReport) -> Self {
        let mut sources = FxHashMap::default();
        for source in &egress.sources {
            if let Some(vpc) = source.vpc.as_deref() {
                sources.entry((vpc, &source.address)).or_insert(source);
            }
        }
        let mut nat_tables = FxHashMap::default();
        for nat in &topology.nat_gateways {
            for table in [&nat.snat_tables, &nat.dnat_tables].into_iter().flatten().flatten() {
                nat_tables.entry(table).or_insert(nat);
            }
        }
        Self { topology, fabric, egress, sources, nat_tables }
    }

    /// The source with this private address in a VPC.
    pub fn source(&self, vpc: &'a str, address: &'a AddrValue) -> Option<&'a SourceEgress> {
        self.sources.get(&(vpc, address)).copied()
    }

    /// The NAT gateway of an SNAT or DNAT entry: the one that it names, or the one that has its table
    /// (bodies of 2014 state only the table, formats-api.md §4.2). `None` when it is not in the input.
    pub fn gateway_of(&self, gateway: Option<&Id>, table: Option<&Id>) -> Option<&'a NatGateway> {
        match (gateway, table) {
            (Some(id), _) => self.topology.nat_gateways.get(id),
            (None, Some(table)) => self.nat_tables.get(table).copied(),
            (None, None) => None,
        }
    }

    /// Fails with what is missing unless the listing is complete for this scope.
    pub fn need(&self, listing: Listing, scope: &Scope) -> Result<(), Unknown> {
        self.topology.coverage.gap(listing, scope).map_or(Ok(()), |gap| Err(gap.into()))
    }

    /// Looks a resource up: found, known not to exist (`None`), or undecidable because the listing
    /// that would have it is not complete.
    pub fn find<T>(
        &self,
        collection: &'a Collection<T>,
        listing: Listing,
        id: &str,
        scope: &Scope,
    ) -> Result<Option<&'a T>, Unknown> {
        match collection.get(id) {
            Some(found) => Ok(Some(found)),
            None => self.need(listing, scope).map(|()| None),
        }
    }

    /// Looks up a resource that another one refers to; "known not to exist" is also undecidable
    /// here, because a REF rule reports the dangling reference.
    fn follow<T>(
        &self,
        collection: &'a Collection<T>,
        from: &dyn Resource,
        what: &str,
        id: Option<&Id>,
    ) -> Result<&'a T, Unknown> {
        let id = id.ok_or_else(|| Unknown::of(format!("{what} of {} (not stated)", from.id())))?;
        collection.get(id).ok_or_else(|| Unknown::of(format!("{what} {id} (not in the input)")))
    }

    /// True when the resource was written as a design or plan, so that it may hold what the cloud
    /// refuses.
    pub fn is_design(&self, resource: &dyn Resource) -> bool {
        self.is_design_at(resource.meta().source.as_ref())
    }

    /// True when the place is in a file that was written as a design or plan.
    pub fn is_design_at(&self, source: Option<&Source>) -> bool {
        source.and_then(|s| self.topology.origins.get(&s.file)).is_some_and(|o| o.design)
    }

    /// The VPC that a resource names.
    pub fn vpc(&self, from: &dyn Resource, id: Option<&Id>) -> Result<&'a Vpc, Unknown> {
        self.follow(&self.topology.vpcs, from, "VPC", id)
    }

    /// The vSwitch that a resource names.
    pub fn vswitch(&self, from: &dyn Resource, id: Option<&Id>) -> Result<&'a VSwitch, Unknown> {
        self.follow(&self.topology.vswitches, from, "vSwitch", id)
    }

    /// The NAT gateway that a resource names.
    pub fn nat_gateway(
        &self,
        from: &dyn Resource,
        id: Option<&Id>,
    ) -> Result<&'a NatGateway, Unknown> {
        self.follow(&self.topology.nat_gateways, from, "NAT gateway", id)
    }

    /// The instance that a resource names.
    pub fn instance(&self, from: &dyn Resource, id: Option<&Id>) -> Result<&'a Instance, Unknown> {
        self.follow(&self.topology.instances, from, "instance", id)
    }

    /// The ENI that a resource names.
    pub fn eni(&self, from: &dyn Resource, id: Option<&Id>) -> Result<&'a Eni, Unknown> {
        self.follow(&self.topology.enis, from, "ENI", id)
    }
}

/// A field that the rule needs, or what is missing.
pub fn stated<'v, T>(
    value: Option<&'v T>,
    of: &dyn Resource,
    what: &str,
) -> Result<&'v T, Unknown> {
    value.ok_or_else(|| Unknown::of(format!("{what} of {} (not stated)", of.id())))
}
