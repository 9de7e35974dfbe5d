//! Load balancers: CLB, ALB and NLB in one shape.

use super::compute::NetworkType;
use super::resource::{open_enum, part, resource};
use super::value::{AddrValue, CidrValue};
use super::{Id, Text};

open_enum! {
    /// Product of a load balancer.
    LoadBalancerType {
        /// Classic Load Balancer (SLB).
        Clb = "clb" | "slb",
        /// Application Load Balancer.
        Alb = "alb",
        /// Network Load Balancer.
        Nlb = "nlb",
        /// Gateway Load Balancer.
        Gwlb = "gwlb",
    }
}

open_enum! {
    /// Whether a load balancer has public or private addresses.
    AddressType {
        /// Public.
        Internet = "internet",
        /// Private.
        Intranet = "intranet",
    }
}

/// A zone of an ALB or NLB.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BalancerZone {
    /// Zone.
    pub zone: Text,
    /// vSwitch.
    pub vswitch: Option<Id>,
    /// Status as exported.
    pub status: Option<Text>,
    /// Private addresses.
    pub private_ips: Vec<AddrValue>,
    /// Public addresses.
    pub public_ips: Vec<AddrValue>,
    /// EIP ids.
    pub eips: Vec<Id>,
    /// ENIs.
    pub enis: Vec<Id>,
    /// Addresses that backends see as the source: the Local IPs of an ALB, or of an NLB that does not
    /// keep the client's address (access.md §1.6).
    pub local_ips: Vec<AddrValue>,
}

resource! {
    /// A load balancer instance.
    LoadBalancer {
        /// Product.
        lb_type: LoadBalancerType,
        /// Public or private.
        address_type: AddressType,
        /// Address of a CLB.
        address: AddrValue,
        /// `ipv4`, `ipv6`, `DualStack`.
        ip_version: Text,
        /// VPC or classic network.
        network: NetworkType,
        /// VPC.
        vpc: Option<Id>,
        /// vSwitch of a CLB.
        vswitch: Option<Id>,
        /// Zone that carries a CLB's traffic.
        master_zone: Text,
        /// Zone that takes over.
        slave_zone: Option<Text>,
        /// Zones of an ALB or NLB.
        zones: Vec<BalancerZone>,
        /// Security groups of an ALB or NLB.
        security_groups: Vec<Id>,
        /// Flavour, e.g. `slb.s1.small`.
        spec: Text,
        /// `PayOnDemand`, `PrePay`, …
        pay_type: Text,
        /// NLB: distribute across zones.
        cross_zone: bool,
        /// Default server group of a CLB.
        default_backends: Vec<Backend>,
    }
}

open_enum! {
    /// What a backend is.
    BackendType {
        /// An instance.
        Instance = "ecs",
        /// An ENI.
        Eni = "eni",
        /// A container group.
        Eci = "eci",
        /// An address.
        Ip = "ip",
        /// A function.
        Function = "fc",
    }
}

/// A server behind a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Backend {
    /// Server id.
    pub server: Option<Id>,
    /// Kind of server.
    pub backend_type: Option<BackendType>,
    /// Address, where the export has it.
    pub address: Option<AddrValue>,
    /// Port; the default group of a CLB has none, its listener says it.
    pub port: Option<u16>,
    /// Weight; 0 takes no new connections.
    pub weight: Option<u32>,
    /// `Master` or `Slave` in a master/slave group.
    pub role: Option<Text>,
    /// Zone (NLB).
    pub zone: Option<Text>,
    /// Status as exported.
    pub status: Option<Text>,
}

part!(Backend: server, address, port; backend_type, weight, role, zone, status);

open_enum! {
    /// Protocol of a listener.
    ListenerProtocol {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// HTTP.
        Http = "http",
        /// HTTPS.
        Https = "https",
        /// QUIC.
        Quic = "quic",
        /// TCP with TLS.
        TcpSsl = "tcpssl" | "tcps",
    }
}

open_enum! {
    /// Kind of a listener's access list.
    AclType {
        /// Only listed sources.
        White = "white",
        /// All but listed sources.
        Black = "black",
    }
}

/// Health of one backend as a CLB reports it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BackendHealth {
    /// Server id.
    pub server: Id,
    /// Listener port.
    pub listener_port: Option<u16>,
    /// Backend port.
    pub port: Option<u16>,
    /// `normal`, `abnormal`, `unavailable`.
    pub status: Option<Text>,
}

part!(BackendHealth: server, listener_port, port; status);

resource! {
    /// A listener. For a CLB the id is `lb-1:80/tcp`.
    Listener {
        /// Load balancer.
        load_balancer: Id,
        /// First port.
        port: u16,
        /// Last port, for NLB port ranges.
        end_port: u16,
        /// Protocol.
        protocol: ListenerProtocol,
        /// Backend port of the default server group.
        backend_port: u16,
        /// Server groups that it sends to; empty for the default group of a CLB.
        server_groups: Vec<Id>,
        /// Is the access list switched on?
        acl_enabled: bool,
        /// White or black.
        acl_type: AclType,
        /// Access lists.
        access_lists: Vec<Id>,
        /// Port that an HTTP listener redirects to.
        redirect_to: u16,
        /// Health of its backends (CLB).
        health: Vec<BackendHealth> => parts,
    }
}

resource! {
    /// A forwarding rule of a listener.
    ForwardingRule {
        /// Listener.
        listener: Id,
        /// Load balancer.
        load_balancer: Id,
        /// Port of the listener (CLB), which finds it where the export leaves out its protocol.
        listener_port: u16,
        /// Server groups.
        server_groups: Vec<Id>,
        /// Host name condition.
        domain: Text,
        /// Path condition.
        url: Text,
        /// Order of evaluation.
        priority: u64,
    }
}

resource! {
    /// A server group.
    ServerGroup {
        /// Product that it belongs to.
        lb_type: LoadBalancerType,
        /// Load balancer (CLB groups).
        load_balancer: Id,
        /// VPC.
        vpc: Id,
        /// Members.
        backends: Vec<Backend> => parts,
        /// `Instance`, `Ip`, `Fc`, or `MasterSlave` for a CLB's master/slave group.
        group_type: Text,
        /// Backends see the client's address.
        preserve_client_ip: bool,
        /// NLB: all ports.
        any_port: bool,
        /// Protocol towards the backends.
        protocol: Text,
    }
}

resource! {
    /// An access control list of listeners.
    AccessList {
        /// Product that it belongs to.
        lb_type: LoadBalancerType,
        /// Blocks.
        entries: Vec<CidrValue> => parts,
    }
}
