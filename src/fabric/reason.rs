//! Why a packet is dropped.

use std::fmt;

macro_rules! reasons {
    ($( $variant:ident = $name:literal, $says:literal; )*) => {
        /// Why a packet is dropped. The names are stable (egress.md §10, decisions.md 41).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $( #[doc = $says] $variant, )*
        }

        impl Reason {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];

            /// Stable name.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $name ),* }
            }

            /// The name in words.
            pub fn says(self) -> &'static str {
                match self { $( Self::$variant => $says ),* }
            }
        }
    };
}

reasons! {
    NoRoute = "no_route", "no route matches the destination";
    RoutingLoop = "routing_loop", "the packet comes back to a table it has already passed";
    DeadNexthop = "dead_nexthop", "the next hop is gone, stopped or detached";
    BadNexthop = "bad_nexthop", "the next hop cannot take this packet";
    NoSuchHost = "no_such_host", "nobody owns the destination address";
    DstNotRoutable = "dst_not_routable", "the destination is in a range that is never routed";
    PrivateDstAtInternetGw = "private_dst_at_internet_gw", "a private destination reached an Internet gateway";
    NatNotAvailable = "nat_not_available", "the NAT gateway is not available";
    NatNoEip = "nat_no_eip", "the NAT gateway has no EIP";
    NatNoSnatEntry = "nat_no_snat_entry", "no SNAT entry covers the source";
    SnatIpUnbound = "snat_ip_unbound", "the entry's address is not bound to the NAT gateway";
    NatVswitchNotPublic = "nat_vswitch_not_public", "the NAT gateway's vSwitch has no route to the IPv4 gateway";
    VpcPrivateMode = "vpc_private_mode", "the VPC is cut off from the Internet";
    Ipv4gwInactive = "ipv4gw_inactive", "the IPv4 gateway is not activated";
    NoPublicIpAtIpv4gw = "no_public_ip_at_ipv4gw", "the source has no public address of its own";
    CutThroughNoPrivate = "cut_through_no_private", "a cut-through EIP cannot reach private destinations";
    CutThroughUnsupported = "cut_through_unsupported", "cut-through EIPs do not work in this VPC";
    ForwarderDisabled = "forwarder_disabled", "the next hop does not forward packets";
    TrNoAssociation = "tr_no_association", "the attachment has no transit router route table";
    TrNoRoute = "tr_no_route", "the transit router has no route to the destination";
    PeerInactive = "peer_inactive", "the peering connection is not active";
    PeerNotTransitive = "peer_not_transitive", "peering reaches only addresses of the peer VPC";
    Ipv6NoBandwidth = "ipv6_no_bandwidth", "the IPv6 address has no Internet bandwidth";
    Ipv6EgressOnly = "ipv6_egress_only", "the IPv6 gateway lets the address connect outwards only";
    EcrNotTransitive = "ecr_not_transitive", "an Express Connect Router does not connect VPCs";
    SgIngressDenied = "sg_ingress_denied", "the security groups of the target do not let it in";
    SgEgressDenied = "sg_egress_denied", "the security groups of the sender do not let it out";
    NaclIngressDenied = "nacl_ingress_denied", "the network ACL of the vSwitch does not let it in";
    NaclEgressDenied = "nacl_egress_denied", "the network ACL of the vSwitch does not let it out";
    PlatformSmtp25 = "platform_smtp_25", "the platform blocks TCP port 25 towards the Internet";
    ListenerAclDenied = "listener_acl_denied", "the listener's access list does not admit the client";
    NoListener = "no_listener", "no running listener has this protocol and port";
    NoBackend = "no_backend", "the listener has no backend that takes new connections";
    LbInactive = "lb_inactive", "the load balancer is not active";
    ClbHairpin = "clb_hairpin", "a backend cannot be its own client";
    EndpointNotConnected = "endpoint_not_connected", "the endpoint is not connected to its service";
    EndpointZoneNotServed = "endpoint_zone_not_served", "the service has no resource in the endpoint's zone";
    EndpointServiceInactive = "endpoint_service_inactive", "the endpoint service is not active";
    EndpointProtocol = "endpoint_protocol", "an endpoint carries only what its load balancer listens to";
    IpUnbound = "ip_unbound", "the public address is bound to nothing";
    EipLocked = "eip_locked", "the EIP is locked";
    VswitchNotPublic = "vswitch_not_public", "the vSwitch has no route to the IPv4 gateway";
    NoDnatEntry = "no_dnat_entry", "no DNAT entry takes this protocol and port";
    IcmpIgnored = "icmp_ignored", "the NAT gateway does not answer ICMP";
    DnatTargetHasPublicIp = "dnat_target_has_public_ip", "the DNAT target has a public address of its own and answers through it";
    HairpinMultiBinded = "hairpin_multi_binded", "a NAT gateway in MULTI_BINDED mode does not turn packets back to itself";
    AsymmetricEniReply = "asymmetric_eni_reply", "the guest answers through another ENI than the one that was asked";
    ReplyNoRoute = "reply_no_route", "the reply finds no route back";
    ReplyPathMismatch = "reply_path_mismatch", "the reply comes back another way, past the device that must turn it back";
    UnsupportedFront = "unsupported_front", "the public address belongs to a service that is not modelled";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
