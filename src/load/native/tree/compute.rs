//! Instances, ENIs and HaVips as written.

use super::super::text::{Many, TextOr, Words};
use super::*;

object! {
    /// An ECS instance. It stands for its primary ENI too.
    Instance {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// vSwitch. Left out: the one it is written in.
        vswitch: Option<String>,
        /// Zone. Left out: that of the vSwitch.
        zone: Option<String>,
        /// Private addresses of the primary ENI, the primary one first.
        ip: Option<Many<TextOr<PrivateIp>>>,
        /// IPv6 addresses of the primary ENI. Left out: none.
        ipv6: Option<Words>,
        /// Static public addresses. Left out: none.
        public_ip: Option<Words>,
        /// EIP of the primary address: its id, name or address. Left out: the EIP that names the
        /// instance, else none.
        eip: Option<String>,
        /// Security groups. Left out: not stated.
        security_groups: Option<Words>,
        /// Id of the primary ENI. Left out: `<instance>/eni`.
        primary_eni: Option<String>,
        /// Secondary ENIs.
        eni: Vec<Eni>,
        /// Role in the design, e.g. `bastion`.
        role: Option<String>,
        /// It is stopped.
        stopped: bool,
        /// `KeepCharging`, `StopCharging`.
        stopped_mode: Option<String>,
        /// Its guest forwards packets of others. Left out: not stated.
        forwards: Option<bool>,
        /// Its guest masquerades what it forwards. Left out: not stated.
        masquerade: Option<bool>,
        /// Its ENI refuses packets that it is not the source or target of.
        source_dest_check: Option<bool>,
        /// IPv4 prefixes of the primary ENI. Left out: none.
        ipv4_prefixes: Option<Words>,
        /// In the classic network. Left out: no.
        classic: bool,
        /// `PostPaid` or `PrePaid`.
        charge_type: Option<String>,
        /// Outbound Internet bandwidth in Mbit/s.
        bandwidth: Option<u64>,
    }
}

table! {
    /// A private address with more to say than the address.
    PrivateIp {
        /// The address.
        ip: Option<String>,
        /// EIP bound to it: id, name or address. Left out: the EIP that names it, else none.
        eip: Option<String>,
        /// Is it the primary address? Left out: the first one is.
        primary: Option<bool>,
    }
}

object! {
    /// An ENI. Inside an instance: a secondary one.
    Eni {
        /// `primary` or `secondary`. Left out: `secondary`.
        r#type: Option<String>,
        /// Instance. Left out: the one it is written in, else none.
        instance: Option<String>,
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// vSwitch. Left out: the one it is written in.
        vswitch: Option<String>,
        /// Zone. Left out: that of the vSwitch.
        zone: Option<String>,
        /// Private addresses, the primary one first.
        ip: Option<Many<TextOr<PrivateIp>>>,
        /// EIP of the primary address: id, name or address.
        eip: Option<String>,
        /// IPv6 addresses. Left out: none.
        ipv6: Option<Words>,
        /// IPv4 prefixes. Left out: none.
        ipv4_prefixes: Option<Words>,
        /// Security groups. Left out: not stated.
        security_groups: Option<Words>,
        /// Managed by a cloud service. Left out: no.
        managed: Option<bool>,
        /// Refuses packets that it is not the source or target of.
        source_dest_check: Option<bool>,
        /// The guest routes replies by source address. Left out: not stated.
        policy_routing: Option<bool>,
    }
}

object! {
    /// A HaVip.
    HaVip {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// vSwitch. Left out: the one it is written in.
        vswitch: Option<String>,
        /// The address.
        ip: Option<String>,
        /// Instances or ENIs that may hold it. Left out: none.
        members: Option<Words>,
        /// The one that holds it. Left out: nobody.
        master: Option<String>,
        /// EIPs: id, name or address. Left out: those that name it.
        eips: Option<Words>,
    }
}
