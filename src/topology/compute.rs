//! Instances, network interfaces and HaVips: the sources and targets of traffic.

use super::resource::{open_enum, part, resource};
use super::value::{AddrValue, CidrValue};
use super::{Id, Text};

open_enum! {
    /// Network type of an instance or load balancer.
    NetworkType {
        /// In a VPC.
        Vpc = "vpc",
        /// In the classic network.
        Classic = "classic",
    }
}

/// The EIP that an instance names: that of its primary ENI's primary address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InstanceEip {
    /// The public address.
    pub address: AddrValue,
    /// EIP id.
    pub eip: Option<Id>,
}

resource! {
    /// An ECS instance.
    Instance {
        /// VPC.
        vpc: Id,
        /// vSwitch of the primary ENI.
        vswitch: Id,
        /// Zone.
        zone: Text,
        /// VPC or classic network.
        network: NetworkType,
        /// Private addresses of the primary ENI, the primary one first.
        private_ips: Vec<AddrValue>,
        /// Static public addresses (`PublicIpAddress`); an empty list means none.
        public_ips: Vec<AddrValue>,
        /// VPC that an instance of the classic network is joined to (ClassicLink).
        classic_link_vpc: Id,
        /// EIP of the primary address; a stated "none" is `Some(None)`.
        eip: Option<InstanceEip>,
        /// Security groups of the primary ENI.
        security_groups: Vec<Id>,
        /// ENIs as the instance names them.
        enis: Vec<Id>,
        /// `KeepCharging`, `StopCharging`, …
        stopped_mode: Text,
        /// `PostPaid` or `PrePaid`.
        charge_type: Text,
        /// Outbound Internet bandwidth in Mbit/s.
        internet_max_bandwidth_out: u64,
        /// Role given by hand (native format) or by the tag `role`.
        role: Text,
        /// Does the guest forward packets of others? Native format only (egress.md §4.5).
        forwards: bool,
        /// Does the guest masquerade what it forwards? Native format only.
        masquerade: bool,
    }
}

open_enum! {
    /// Type of an ENI.
    EniType {
        /// The one that every instance has.
        Primary = "Primary",
        /// An additional one.
        Secondary = "Secondary",
    }
}

/// The public address that is bound to a private one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AssociatedPublicIp {
    /// The public address.
    pub address: AddrValue,
    /// EIP id; `None` for static public addresses.
    pub eip: Option<Id>,
}

/// A private address of an ENI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PrivateIp {
    /// The address.
    pub address: AddrValue,
    /// Is it the ENI's primary address?
    pub primary: Option<bool>,
    /// Public address bound to it; a stated "none" is `Some(None)`.
    pub public_ip: Option<Option<AssociatedPublicIp>>,
}

part!(PrivateIp: address; primary, public_ip);

resource! {
    /// An elastic network interface.
    Eni {
        /// Primary or secondary.
        eni_type: EniType,
        /// Instance; an unattached ENI is `Some(None)`.
        instance: Option<Id>,
        /// VPC.
        vpc: Id,
        /// vSwitch.
        vswitch: Id,
        /// Zone.
        zone: Text,
        /// IPv4 addresses, the primary one first.
        private_ips: Vec<PrivateIp> => parts,
        /// IPv6 addresses.
        ipv6_ips: Vec<AddrValue> => parts,
        /// IPv4 prefixes assigned to it.
        ipv4_prefixes: Vec<CidrValue> => parts,
        /// Security groups.
        security_groups: Vec<Id>,
        /// Managed by a cloud service (NAT, PrivateLink, NLB, …): never a source of egress.
        service_managed: bool,
        /// Refuses packets that it is not the source or target of.
        source_dest_check: bool,
        /// Does the guest route replies by source address? Native format only (egress.md §5.3).
        policy_routing: bool,
    }
}

resource! {
    /// A HaVip.
    HaVip {
        /// VPC.
        vpc: Id,
        /// vSwitch.
        vswitch: Id,
        /// The address.
        address: AddrValue,
        /// Instances or ENIs that may hold it.
        members: Vec<Id>,
        /// The one that holds it; none at the moment is `Some(None)`.
        master: Option<Id>,
        /// EIP addresses bound to it.
        eips: Vec<AddrValue>,
    }
}
