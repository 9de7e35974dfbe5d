//! Gateways, NAT and public addresses as written.

use super::super::text::{Many, TextOr, Words};
use super::*;

object! {
    /// An IPv4 gateway.
    Ipv4Gateway {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// Activated. Left out: yes.
        enabled: Option<bool>,
        /// Its gateway route table.
        table: Option<String>,
        /// What deleting it leaves behind: `public` or `private`.
        internet_mode: Option<String>,
    }
}

object! {
    /// An IPv6 gateway.
    Ipv6Gateway {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// Its gateway route table.
        table: Option<String>,
        /// IPv6 addresses that may connect outwards only: ids, names or addresses.
        egress_only: Vec<TextOr<Ipv6EgressRule>>,
    }
}

object! {
    /// An egress-only rule of an IPv6 gateway.
    Ipv6EgressRule {
        /// The IPv6 address: id, name or address.
        address: Option<String>,
    }
}

object! {
    /// An IPv6 address and its way to the Internet.
    Ipv6Address {
        /// The address.
        ip: Option<String>,
        /// The prefix, when it is one.
        prefix: Option<String>,
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// vSwitch.
        vswitch: Option<String>,
        /// IPv6 gateway. Left out: that of the VPC.
        gateway: Option<String>,
        /// Instance or ENI that has it. Left out: the one with this address.
        on: Option<String>,
        /// Has Internet bandwidth. Left out: no.
        public: Option<bool>,
    }
}

object! {
    /// A gateway endpoint (OSS, Tablestore).
    GatewayEndpoint {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// Service name.
        service: Option<String>,
        /// Route tables that got its route. Left out: none.
        tables: Option<Words>,
    }
}

object! {
    /// An active/standby pair of GWLB endpoints.
    RouteTargetGroup {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// Members.
        members: Option<Many<TextOr<Via>>>,
    }
}

object! {
    /// An Internet or VPC NAT gateway.
    NatGateway {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// Its vSwitch. Left out: not stated.
        vswitch: Option<String>,
        /// Its zone. Left out: that of the vSwitch.
        zone: Option<String>,
        /// `enhanced` or `normal`. Left out: not stated.
        r#type: Option<String>,
        /// `internet` or `intranet` (VPC NAT). Left out: `internet`.
        network: Option<String>,
        /// `NAT` or `MULTI_BINDED`. Left out: not stated.
        bind_mode: Option<String>,
        /// Its EIPs: ids, names or addresses. Left out: those that name it.
        eips: Option<Many<TextOr<NatEip>>>,
        /// Bandwidth packages whose addresses it uses.
        bandwidth_packages: Option<Words>,
        /// Ids of its SNAT tables.
        snat_tables: Option<Words>,
        /// Ids of its DNAT tables.
        dnat_tables: Option<Words>,
        /// Number of SNAT entries that its detail call tells, for cross-checks.
        snat_count: Option<u64>,
        /// Number of DNAT entries that its detail call tells, for cross-checks.
        dnat_count: Option<u64>,
        /// Its ENI.
        eni: Option<String>,
        /// Its private address.
        ip: Option<String>,
        /// Answers pings.
        icmp_reply: Option<bool>,
        /// Flavour of a normal gateway, e.g. `Small`.
        spec: Option<String>,
        /// Day of creation.
        created: Option<String>,
        /// SNAT and DNAT may share an EIP without port conflicts.
        port_break: Option<bool>,
        /// SNAT entries. `unknown = ["snat"]`: there may be others.
        snat: Vec<SnatEntry>,
        /// DNAT entries. `unknown = ["dnat"]`: there may be others.
        dnat: Vec<DnatEntry>,
        /// FULLNAT entries (VPC NAT).
        full_nat: Vec<FullNatEntry>,
        /// Private NAT addresses (VPC NAT).
        nat_ip: Vec<NatIp>,
    }
}

table! {
    /// An EIP of a NAT gateway with more to say than its id.
    NatEip {
        /// Id or name.
        eip: Option<String>,
        /// Address. Left out: that of the EIP.
        ip: Option<String>,
        /// Private address that it takes in the vSwitch (bind mode `NAT`).
        private_ip: Option<String>,
        /// `UsedBySnatTable`, `UsedByForwardTable`, `UsedByForwardSnatTable` or `Idle`.
        used_by: Option<String>,
    }
}

object! {
    /// An SNAT entry.
    SnatEntry {
        /// NAT gateway. Left out: the one it is written in.
        nat_gateway: Option<String>,
        /// Source: a block, or a vSwitch (id, name, or `vswitch:ID`).
        from: Option<String>,
        /// Addresses it translates to, or EIPs by id or name.
        to: Option<Words>,
        /// SNAT table.
        table: Option<String>,
        /// Each client sticks to one address.
        affinity: Option<bool>,
        /// ENI whose addresses are used instead (VPC NAT).
        eni: Option<String>,
    }
}

object! {
    /// A DNAT entry.
    DnatEntry {
        /// NAT gateway. Left out: the one it is written in.
        nat_gateway: Option<String>,
        /// Public side: `203.0.113.9:80/tcp`, `203.0.113.9:8000-8010/udp`, or `203.0.113.9` for all
        /// ports and protocols. The protocol is `tcp` when it is left out after a port. The address
        /// may be an EIP by id or name.
        from: Option<String>,
        /// Private side: `10.0.1.10:8080`. Without a port: the same as on the public side. The
        /// address may be an instance by id or name.
        to: Option<String>,
        /// DNAT table.
        table: Option<String>,
    }
}

object! {
    /// A FULLNAT entry of a VPC NAT gateway.
    FullNatEntry {
        /// NAT gateway. Left out: the one it is written in.
        nat_gateway: Option<String>,
        /// NAT side, written like `from` of a DNAT entry.
        from: Option<String>,
        /// Side it leads to, written like `to` of a DNAT entry.
        to: Option<String>,
        /// ENI.
        eni: Option<String>,
    }
}

object! {
    /// A private address of a VPC NAT gateway.
    NatIp {
        /// The address.
        ip: Option<String>,
        /// Its block.
        cidr: Option<String>,
        /// Made with the gateway. Left out: no.
        default: Option<bool>,
    }
}

object! {
    /// An elastic IP address. One that only an `eip = "203.0.113.7"` elsewhere names is implied.
    Eip {
        /// The public address.
        ip: Option<String>,
        /// What it is bound to: an instance, ENI, HaVip, NAT gateway or load balancer by id or name,
        /// or `KIND:ID`. Left out: what names it, else nothing.
        on: Option<String>,
        /// Private address that it is mapped to.
        private_ip: Option<String>,
        /// `NAT`, `BINDED` or `MULTI_BINDED`. Left out: not stated.
        mode: Option<String>,
        /// VPC, for `on = "ip:10.0.1.10"`.
        vpc: Option<String>,
        /// Bandwidth package. Left out: the one that lists it, else none.
        bandwidth_package: Option<String>,
        /// Bandwidth in Mbit/s.
        bandwidth: Option<u64>,
        /// Line, e.g. `BGP`.
        isp: Option<String>,
        /// `PostPaid` or `PrePaid`.
        charge_type: Option<String>,
        /// Why it is locked, e.g. `financial`. Left out: it is not.
        locks: Option<Words>,
    }
}

object! {
    /// A shared bandwidth package; one with a NAT gateway is a NAT bandwidth package of 2016.
    BandwidthPackage {
        /// NAT gateway (2016 only).
        nat_gateway: Option<String>,
        /// Its EIPs: ids, names or addresses. Left out: those that name it.
        eips: Option<Words>,
        /// Bandwidth in Mbit/s.
        bandwidth: Option<u64>,
        /// Number of addresses as the cloud tells it.
        ip_count: Option<u64>,
        /// Line.
        isp: Option<String>,
        /// Zone.
        zone: Option<String>,
    }
}
