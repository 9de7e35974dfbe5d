//! Gateways of a VPC and public addresses: IPv4/IPv6 gateways, NAT, EIP, bandwidth packages.

use super::resource::{Complete, open_enum, resource};
use super::value::{AddrValue, CidrValue};
use super::{Id, Merge, Text};

resource! {
    /// An IPv4 gateway. Only `enabled` changes traffic (egress.md §3).
    Ipv4Gateway {
        /// VPC.
        vpc: Id,
        /// Activated.
        enabled: bool,
        /// Its gateway route table.
        route_table: Id,
        /// What deleting it leaves behind (plans only).
        internet_mode: Text,
    }
}

resource! {
    /// An IPv6 gateway.
    Ipv6Gateway {
        /// VPC.
        vpc: Id,
        /// Its gateway route table.
        route_table: Id,
    }
}

resource! {
    /// An IPv6 address (or prefix) and its way to the Internet. The id is the address id.
    Ipv6Address {
        /// The address.
        address: AddrValue,
        /// The prefix, when it is one.
        prefix: CidrValue,
        /// VPC.
        vpc: Id,
        /// vSwitch.
        vswitch: Id,
        /// IPv6 gateway.
        gateway: Id,
        /// Instance or ENI that has it.
        attached_to: Id,
        /// True for `NetworkType=Public`: it has Internet bandwidth.
        public: bool,
    }
}

resource! {
    /// An egress-only rule: the address may connect outwards only.
    Ipv6EgressRule {
        /// IPv6 gateway.
        gateway: Id,
        /// Id of the IPv6 address.
        address: Id,
    }
}

resource! {
    /// A gateway endpoint (OSS, Tablestore).
    GatewayEndpoint {
        /// VPC.
        vpc: Id,
        /// Service name.
        service: Text,
        /// Route tables that got its route.
        route_tables: Vec<Id>,
    }
}

/// A member of a route target group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RouteTarget {
    /// GWLB endpoint.
    pub id: Id,
    /// 100 = active, 0 = standby.
    pub weight: Option<u32>,
    /// False when taken out.
    pub enabled: Option<bool>,
}

resource! {
    /// An active/standby pair of GWLB endpoints (egress.md §2.2).
    RouteTargetGroup {
        /// VPC.
        vpc: Id,
        /// Members.
        members: Vec<RouteTarget>,
    }
}

open_enum! {
    /// Generation of a NAT gateway.
    NatType {
        /// Current.
        Enhanced = "Enhanced",
        /// Legacy, called Standard in documents.
        Normal = "Normal" | "Standard",
    }
}

open_enum! {
    /// Network of a NAT gateway.
    NatNetwork {
        /// Internet NAT.
        Internet = "internet",
        /// VPC NAT.
        Intranet = "intranet",
    }
}

open_enum! {
    /// How EIPs are bound to a NAT gateway (not to be confused with the mode of an EIP on an ENI).
    EipBindMode {
        /// Default of API and Terraform; cannot be used with an IPv4 gateway.
        MultiBinded = "MULTI_BINDED",
        /// Takes one private address of the vSwitch per EIP.
        Nat = "NAT",
    }
}

open_enum! {
    /// What uses an EIP of a NAT gateway.
    NatEipUse {
        /// DNAT entries only.
        Forward = "UsedByForwardTable",
        /// SNAT entries only.
        Snat = "UsedBySnatTable",
        /// Both.
        Both = "UsedByForwardSnatTable",
        /// Nothing.
        Idle = "Idle" | "Available",
    }
}

/// An EIP bound to a NAT gateway, as the gateway lists it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NatEip {
    /// Address.
    pub address: AddrValue,
    /// EIP id.
    pub eip: Option<Id>,
    /// Private address it takes in the vSwitch (bind mode NAT).
    pub private_address: Option<AddrValue>,
    /// What uses it.
    pub used_by: Option<NatEipUse>,
}

resource! {
    /// A NAT gateway.
    NatGateway {
        /// VPC.
        vpc: Id,
        /// Its own vSwitch.
        vswitch: Id,
        /// Its zone.
        zone: Text,
        /// Enhanced or Normal.
        nat_type: NatType,
        /// Internet or VPC NAT.
        network: NatNetwork,
        /// Bind mode of its EIPs.
        eip_bind_mode: EipBindMode,
        /// Its EIPs; the detail call names fewer of their fields than the listing.
        eips: Vec<NatEip> => complete,
        /// Legacy or attached bandwidth packages, whose addresses play the role of EIPs.
        bandwidth_packages: Vec<Id>,
        /// SNAT tables.
        snat_tables: Vec<Id>,
        /// DNAT tables.
        dnat_tables: Vec<Id>,
        /// Number of SNAT entries by its detail call, for cross-checks.
        snat_entry_count: u64,
        /// Number of DNAT entries by its detail call, for cross-checks.
        dnat_entry_count: u64,
        /// Its ENI.
        eni: Id,
        /// Private address.
        private_address: AddrValue,
        /// Whether it answers pings.
        icmp_reply: bool,
        /// Flavour of 2016 (`Small`, …).
        spec: Text,
        /// Day of creation as printed.
        created: Text,
        /// SNAT and DNAT may share an EIP without port conflicts (plans only).
        port_break: bool,
        /// Blocks of its NAT addresses (VPC NAT).
        nat_cidrs: Vec<NatCidr> => complete,
    }
}

impl Complete for Vec<NatEip> {
    /// Two lists of one gateway are the same when they name the same addresses; each may say what
    /// the other leaves out.
    fn complete(&mut self, later: Self) -> bool {
        let mut same = self.len() == later.len();
        for new in later {
            match self.iter_mut().find(|old| old.address == new.address) {
                Some(old) => {
                    same &= old.eip.merge(new.eip);
                    same &= old.private_address.merge(new.private_address);
                    same &= old.used_by.merge(new.used_by);
                }
                None => {
                    same = false;
                    self.push(new);
                }
            }
        }
        same
    }
}

/// A block of NAT addresses of a VPC NAT gateway.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NatCidr {
    /// The block.
    pub cidr: CidrValue,
    /// Made with the gateway: the block of its vSwitch.
    pub is_default: Option<bool>,
}

impl Complete for Vec<NatCidr> {
    /// Pages of the listing add up.
    fn complete(&mut self, later: Self) -> bool {
        for new in later {
            if !self.contains(&new) {
                self.push(new);
            }
        }
        true
    }
}

resource! {
    /// An SNAT entry.
    SnatEntry {
        /// NAT gateway.
        nat_gateway: Id,
        /// SNAT table.
        table: Id,
        /// Source block.
        source_cidr: CidrValue,
        /// Source vSwitch.
        source_vswitch: Id,
        /// Addresses it translates to.
        snat_ips: Vec<AddrValue>,
        /// Each client sticks to one address.
        eip_affinity: bool,
        /// ENI whose addresses are used instead (VPC NAT).
        eni: Id,
    }
}

open_enum! {
    /// Protocol of a DNAT entry.
    NatProtocol {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// All protocols.
        Any = "any" | "all",
    }
}

/// Port of a DNAT entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NatPort {
    /// All ports.
    Any,
    /// A range; a single port is a range of one.
    Range(u16, u16),
    /// A text that is neither.
    Other(Text),
}

impl NatPort {
    /// Reads `80`, `10/20` and `Any` (any case).
    pub fn from_text(text: &str) -> Self {
        let text = text.trim();
        if text.eq_ignore_ascii_case("any") {
            return Self::Any;
        }
        let (first, last) = text.split_once('/').unwrap_or((text, text));
        match (first.trim().parse(), last.trim().parse()) {
            (Ok(first), Ok(last)) if first <= last => Self::Range(first, last),
            _ => Self::Other(Text::from(text)),
        }
    }
}

resource! {
    /// A DNAT entry.
    DnatEntry {
        /// NAT gateway.
        nat_gateway: Id,
        /// DNAT table.
        table: Id,
        /// Public address.
        external_ip: AddrValue,
        /// Public port.
        external_port: NatPort,
        /// Private address.
        internal_ip: AddrValue,
        /// Private port.
        internal_port: NatPort,
        /// Protocol.
        protocol: NatProtocol,
    }
}

impl DnatEntry {
    /// True for IP mapping: external port, internal port and protocol all `Any` (egress.md §5.2).
    pub fn is_ip_mapping(&self) -> bool {
        self.external_port == Some(NatPort::Any)
            && self.internal_port == Some(NatPort::Any)
            && self.protocol == Some(NatProtocol::Any)
    }
}

resource! {
    /// A FULLNAT entry of a VPC NAT gateway.
    FullNatEntry {
        /// NAT gateway.
        nat_gateway: Id,
        /// NAT address.
        nat_ip: AddrValue,
        /// NAT port.
        nat_port: NatPort,
        /// Address it leads to.
        access_ip: AddrValue,
        /// Port it leads to.
        access_port: NatPort,
        /// Protocol.
        protocol: NatProtocol,
        /// ENI.
        eni: Id,
    }
}

resource! {
    /// A private address of a VPC NAT gateway.
    NatIp {
        /// NAT gateway.
        nat_gateway: Id,
        /// Address.
        address: AddrValue,
        /// Its block.
        cidr: CidrValue,
        /// Made with the gateway.
        is_default: bool,
    }
}

open_enum! {
    /// What an EIP is bound to.
    EipTarget {
        /// The primary address of an instance's primary ENI.
        Instance = "EcsInstance",
        /// A CLB instance.
        LoadBalancer = "SlbInstance",
        /// A NAT gateway.
        NatGateway = "Nat",
        /// A HaVip.
        HaVip = "HaVip",
        /// A private address of an ENI.
        Eni = "NetworkInterface",
        /// A private address (VPCs with an IPv4 gateway only).
        IpAddress = "IpAddress",
    }
}

open_enum! {
    /// How an EIP is bound to an ENI (egress.md §4.6).
    EipMode {
        /// 1:1 NAT onto a private address.
        Nat = "NAT",
        /// Cut-through: the EIP replaces the private address.
        Binded = "BINDED",
        /// The EIP is visible in the guest beside the private address.
        MultiBinded = "MULTI_BINDED",
    }
}

resource! {
    /// An elastic IP address.
    Eip {
        /// The public address.
        address: AddrValue,
        /// What it is bound to; an unbound EIP is `Some(None)`.
        target: Option<EipTarget>,
        /// Id of that resource.
        target_id: Option<Id>,
        /// Private address it is mapped to.
        private_address: AddrValue,
        /// Bind mode.
        mode: EipMode,
        /// VPC, for targets of type IpAddress.
        vpc: Id,
        /// Bandwidth package.
        bandwidth_package: Option<Id>,
        /// Bandwidth in Mbit/s.
        bandwidth: u64,
        /// Line (`BGP`, `BGP_PRO`, …).
        isp: Text,
        /// `PostPaid` or `PrePaid`.
        charge_type: Text,
        /// Why it is locked; an empty list means it is not.
        locks: Vec<Text>,
    }
}

/// A member of a bandwidth package.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PackageAddress {
    /// Address.
    pub address: AddrValue,
    /// EIP id, or the `nateip-` id of 2016.
    pub eip: Option<Id>,
}

resource! {
    /// A shared bandwidth package; a NAT bandwidth package when `nat_gateway` is set.
    BandwidthPackage {
        /// NAT gateway (2016 packages only).
        nat_gateway: Id,
        /// Its addresses.
        addresses: Vec<PackageAddress>,
        /// Bandwidth in Mbit/s.
        bandwidth: u64,
        /// Number of addresses as stated.
        ip_count: u64,
        /// Line.
        isp: Text,
        /// Zone.
        zone: Text,
    }
}
