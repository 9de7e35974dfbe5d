//! Load balancers as written.

use super::super::text::{TextOr, Words};
use super::*;

object! {
    /// A load balancer.
    LoadBalancer {
        /// `clb`, `alb`, `nlb` or `gwlb`.
        r#type: Option<String>,
        /// `internet` or `intranet`. Left out: not stated.
        network: Option<String>,
        /// Address of a CLB.
        ip: Option<String>,
        /// `ipv4`, `ipv6` or `DualStack`.
        ip_version: Option<String>,
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// vSwitch of a CLB.
        vswitch: Option<String>,
        /// In the classic network. Left out: no.
        classic: bool,
        /// Zone that carries a CLB's traffic.
        master_zone: Option<String>,
        /// Zone that takes over. Left out: none when `master_zone` is given.
        slave_zone: Option<String>,
        /// Zones of an ALB or NLB.
        zones: Option<Vec<BalancerZone>>,
        /// Security groups of an ALB or NLB.
        security_groups: Option<Words>,
        /// Flavour, e.g. `slb.s1.small`.
        spec: Option<String>,
        /// `PayOnDemand`, `PrePay`, …
        pay_type: Option<String>,
        /// NLB: distributes across zones.
        cross_zone: Option<bool>,
        /// Default server group of a CLB: `web-1`, `web-1:8080`, `10.0.1.10:80`, or tables. Left out: none.
        backends: Option<Vec<TextOr<Backend>>>,
        /// Listeners.
        listener: Vec<Listener>,
        /// Server groups.
        server_group: Vec<ServerGroup>,
    }
}

table! {
    /// A zone of an ALB or NLB.
    BalancerZone {
        /// Zone. Left out: that of the vSwitch.
        zone: Option<String>,
        /// vSwitch.
        vswitch: Option<String>,
        /// Status as the cloud tells it. Left out: `Active`.
        status: Option<String>,
        /// Private addresses.
        ip: Option<Words>,
        /// Public addresses.
        public_ip: Option<Words>,
        /// EIPs: ids or names.
        eips: Option<Words>,
        /// ENIs.
        enis: Option<Words>,
    }
}

table! {
    /// A server behind a load balancer.
    Backend {
        /// Instance, ENI or other server by id or name.
        server: Option<String>,
        /// `ecs`, `eni`, `eci`, `ip` or `fc`. Left out: what the server is in this file.
        r#type: Option<String>,
        /// Address.
        ip: Option<String>,
        /// Port.
        port: Option<u16>,
        /// Weight; 0 takes no new connections. Left out: 100.
        weight: Option<u32>,
        /// `Master` or `Slave`.
        role: Option<String>,
        /// Zone (NLB).
        zone: Option<String>,
        /// Status as the cloud tells it.
        status: Option<String>,
    }
}

object! {
    /// A listener. Its id is `<load balancer>:<port>/<protocol>` when left out.
    Listener {
        /// Load balancer. Left out: the one it is written in.
        load_balancer: Option<String>,
        /// Port.
        port: Option<u16>,
        /// Last port of an NLB port range. Left out: a single port.
        end_port: Option<u16>,
        /// `tcp`, `udp`, `http`, `https`, `quic` or `tcpssl`.
        protocol: Option<String>,
        /// Backend port of the default server group.
        backend_port: Option<u16>,
        /// Server groups. Left out: the default server group of a CLB.
        server_groups: Option<Words>,
        /// The access list is switched on. Left out: when `access_lists` names one.
        acl: Option<bool>,
        /// `white` or `black`.
        acl_type: Option<String>,
        /// Access lists. Left out: none.
        access_lists: Option<Words>,
        /// Port that an HTTP listener redirects to.
        redirect_to: Option<u16>,
        /// Health of its backends (CLB). Left out: nothing is reported.
        health: Option<Vec<Health>>,
        /// Forwarding rules.
        rule: Vec<ForwardingRule>,
    }
}

table! {
    /// Health of a backend.
    Health {
        /// Server.
        server: Option<String>,
        /// Backend port.
        port: Option<u16>,
        /// `normal`, `abnormal` or `unavailable`.
        status: Option<String>,
    }
}

object! {
    /// A forwarding rule.
    ForwardingRule {
        /// Server groups.
        server_groups: Option<Words>,
        /// Host name condition.
        domain: Option<String>,
        /// Path condition.
        url: Option<String>,
        /// Order of evaluation.
        priority: Option<u64>,
    }
}

object! {
    /// A server group.
    ServerGroup {
        /// `clb`, `alb`, `nlb` or `gwlb`. Left out: that of the load balancer it is written in.
        r#type: Option<String>,
        /// Load balancer (CLB groups). Left out: the one it is written in.
        load_balancer: Option<String>,
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// Members: `web-1:8080`, `10.0.1.10:80`, or tables. Left out: none.
        backends: Option<Vec<TextOr<Backend>>>,
        /// `Instance`, `Ip`, `Fc` or `MasterSlave`.
        group_type: Option<String>,
        /// Backends see the client's address.
        preserve_client_ip: Option<bool>,
        /// NLB: all ports.
        any_port: Option<bool>,
        /// Protocol towards the backends.
        protocol: Option<String>,
    }
}

object! {
    /// An access control list of listeners.
    AccessList {
        /// `clb` or `alb`. Left out: `clb`.
        r#type: Option<String>,
        /// Blocks. Left out: none.
        entries: Option<Words>,
    }
}
