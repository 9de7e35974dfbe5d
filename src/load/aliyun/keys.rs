//! Which key of a row holds a model field, for findings that point at it.

use crate::topology::Kind;

/// Candidate keys of a model field, best first, as paths inside the row. Empty when the field has no
/// key of its own: then the row is the place.
pub(crate) fn keys(kind: Kind, field: &str) -> &'static [&'static str] {
    let own = own_keys(kind, field);
    if own.is_empty() { common_keys(kind, field) } else { own }
}

/// Fields whose key depends on the kind.
fn own_keys(kind: Kind, field: &str) -> &'static [&'static str] {
    match kind {
        Kind::Vpc => vpc(field),
        Kind::VSwitch => match field {
            "ipv6_cidr" => &["Ipv6CidrBlock"],
            "route_table" => &["RouteTable/RouteTableId", "RouteTable"],
            "available_ips" => &["AvailableIpAddressCount"],
            _ => &[],
        },
        Kind::RouteTable => match field {
            "table_type" => &["RouteTableType"],
            "scope" => &["AssociateType"],
            "router" => &["RouterId", "VRouterId"],
            "gateways" => &["GatewayIds"],
            "propagation" => &["RoutePropagationEnable"],
            "vswitches" => &["VSwitchIds"],
            _ => &[],
        },
        Kind::RouteEntry => match field {
            "table" => &["RouteTableId"],
            "origin" => &["Origin", "Type"],
            "next_hops" => &["NextHops", "NextHopId", "InstanceId"],
            _ => &[],
        },
        Kind::Instance => instance(field),
        Kind::Eni => match field {
            "eni_type" => &["Type"],
            "private_ips" => &["PrivateIpSets", "PrivateIpAddress"],
            "ipv6_ips" => &["Ipv6Sets"],
            "ipv4_prefixes" => &["Ipv4PrefixSets"],
            _ => &[],
        },
        Kind::HaVip => match field {
            "members" => &["AssociatedInstances"],
            "master" => &["MasterInstanceId"],
            "eips" => &["AssociatedEipAddresses"],
            _ => &[],
        },
        Kind::Eip => match field {
            "target" => &["InstanceType"],
            "target_id" => &["InstanceId"],
            "private_address" => &["PrivateIpAddress"],
            "mode" => &["Mode"],
            "bandwidth_package" => &["BandwidthPackageId"],
            "locks" => &["OperationLocks"],
            "charge_type" => &["ChargeType", "InternetChargeType"],
            _ => &[],
        },
        Kind::NatGateway => nat_gateway(field),
        Kind::SnatEntry => match field {
            "source_cidr" => &["SourceCIDR"],
            "source_vswitch" => &["SourceVSwitchId"],
            "snat_ips" => &["SnatIp"],
            "table" => &["SnatTableId"],
            "eip_affinity" => &["EipAffinity"],
            _ => &[],
        },
        Kind::DnatEntry => match field {
            "table" => &["ForwardTableId"],
            "external_ip" => &["ExternalIp"],
            "external_port" => &["ExternalPort"],
            "internal_ip" => &["InternalIp"],
            "internal_port" => &["InternalPort"],
            "protocol" => &["IpProtocol"],
            _ => &[],
        },
        Kind::FullNatEntry => match field {
            "nat_ip" => &["NatIp"],
            "nat_port" => &["NatIpPort"],
            "access_ip" => &["AccessIp"],
            "access_port" => &["AccessPort"],
            "protocol" => &["IpProtocol"],
            _ => &[],
        },
        Kind::NatIp => match field {
            "address" => &["NatIp"],
            "cidr" => &["NatIpCidr"],
            _ => &[],
        },
        Kind::SecurityGroup | Kind::SecurityGroupRule | Kind::NetworkAcl => filter(field),
        Kind::PrefixList => match field {
            "entries" => &["Entries", "CidrBlocks", "Cidr"],
            "ip_version" => &["IpVersion", "AddressFamily"],
            _ => &[],
        },
        Kind::LoadBalancer | Kind::Listener | Kind::ServerGroup | Kind::AccessList => {
            balancer(field)
        }
        Kind::Endpoint | Kind::EndpointService | Kind::EndpointConnection => private_link(field),
        Kind::VpcPeer => match field {
            "vpc" => &["Vpc/VpcId", "Vpc"],
            "accepting_vpc" => &["AcceptingVpc/VpcId", "AcceptingVpc"],
            "cidrs" => &["Vpc/Ipv4Cidrs"],
            "accepting_cidrs" => &["AcceptingVpc/Ipv4Cidrs"],
            _ => &[],
        },
        Kind::TransitAttachment => match field {
            "resource" => &["VpcId", "VbrId", "VpnId", "EcrId", "PeerTransitRouterId"],
            "zones" => &["ZoneMappings"],
            _ => &[],
        },
        Kind::TransitRouteEntry => match field {
            "destination" => &["TransitRouterRouteEntryDestinationCidrBlock"],
            "next_hop" => &["TransitRouterRouteEntryNextHopId"],
            _ => &[],
        },
        Kind::VpnGateway => match field {
            "address" | "public_address" | "internet_ip" => &["InternetIp"],
            _ => &[],
        },
        Kind::VpnConnection => match field {
            "local_subnets" | "local_cidrs" => &["LocalSubnet"],
            "remote_subnets" | "remote_cidrs" => &["RemoteSubnet"],
            _ => &[],
        },
        Kind::VpnRoute => match field {
            "destination" => &["RouteDest"],
            "next_hop" => &["NextHop"],
            _ => &[],
        },
        Kind::Ipv6Address => match field {
            "address" | "prefix" => &["Ipv6Address"],
            "attached_to" => &["AssociatedInstanceId"],
            "public" => &["NetworkType"],
            _ => &[],
        },
        Kind::Ipv4Gateway | Kind::Ipv6Gateway => match field {
            "enabled" => &["Enabled"],
            "route_table" => &["Ipv4GatewayRouteTableId", "GatewayRouteTableId"],
            _ => &[],
        },
        Kind::BandwidthPackage => match field {
            "addresses" => &["PublicIpAddresses"],
            _ => &[],
        },
        _ => &[],
    }
}

fn vpc(field: &str) -> &'static [&'static str] {
    match field {
        "secondary_cidrs" => &["SecondaryCidrBlocks"],
        "user_cidrs" => &["UserCidrs"],
        "ipv6_cidrs" => &["Ipv6CidrBlocks", "Ipv6CidrBlock"],
        "vrouter" => &["VRouterId"],
        "support_ipv4_gateway" => &["SupportIpv4Gateway"],
        "ipv4_gateway" => &["Ipv4GatewayId"],
        "vswitch_ids" => &["VSwitchIds"],
        "nat_gateway_ids" => &["NatGatewayIds"],
        "route_table_ids" => &["RouterTableIds"],
        "cens" => &["AssociatedCens"],
        _ => &[],
    }
}

fn instance(field: &str) -> &'static [&'static str] {
    match field {
        "vpc" => &["VpcAttributes/VpcId"],
        "vswitch" => &["VpcAttributes/VSwitchId"],
        "network" => &["InstanceNetworkType"],
        "private_ips" => &["VpcAttributes/PrivateIpAddress", "InnerIpAddress"],
        "public_ips" => &["PublicIpAddress"],
        "eip" => &["EipAddress"],
        "enis" => &["NetworkInterfaces"],
        "stopped_mode" => &["StoppedMode"],
        "charge_type" => &["InstanceChargeType"],
        "internet_max_bandwidth_out" => &["InternetMaxBandwidthOut"],
        _ => &[],
    }
}

fn nat_gateway(field: &str) -> &'static [&'static str] {
    match field {
        "vswitch" => &["NatGatewayPrivateInfo/VswitchId", "PrivateInfo/VswitchId", "VSwitchId"],
        "zone" => &["NatGatewayPrivateInfo/IzNo", "PrivateInfo/IzNo", "ZoneId"],
        "nat_type" => &["NatType"],
        "network" => &["NetworkType"],
        "eip_bind_mode" => &["EipBindMode"],
        "eips" => &["IpLists", "IpList"],
        "bandwidth_packages" => &["BandwidthPackageIds"],
        "snat_tables" => &["SnatTableIds"],
        "dnat_tables" => &["ForwardTableIds"],
        "eni" => &["NatGatewayPrivateInfo/EniInstanceId"],
        "private_address" => &["NatGatewayPrivateInfo/PrivateIpAddress"],
        "icmp_reply" => &["IcmpReplyEnabled"],
        "spec" => &["Spec"],
        _ => &[],
    }
}

fn filter(field: &str) -> &'static [&'static str] {
    match field {
        "group_type" => &["SecurityGroupType"],
        "inner_access" => &["InnerAccessPolicy"],
        "ports" => &["PortRange", "PortRangeListId"],
        "source_ports" => &["SourcePortRange"],
        "peer" => &[
            "SourceCidrIp",
            "DestCidrIp",
            "Ipv6SourceCidrIp",
            "Ipv6DestCidrIp",
            "SourceGroupId",
            "DestGroupId",
            "SourcePrefixListId",
            "DestPrefixListId",
        ],
        "protocol" => &["IpProtocol"],
        "policy" => &["Policy"],
        "priority" => &["Priority"],
        "direction" => &["Direction"],
        "vswitches" => &["Resources"],
        "ingress" => &["IngressAclEntries"],
        "egress" => &["EgressAclEntries"],
        _ => &[],
    }
}

fn balancer(field: &str) -> &'static [&'static str] {
    match field {
        "address" | "addresses" => &["Address", "ZoneMappings"],
        "address_type" => &["AddressType"],
        "zones" => &["ZoneMappings", "MasterZoneId"],
        "master_zone" => &["MasterZoneId"],
        "slave_zone" => &["SlaveZoneId"],
        "port" => &["ListenerPort"],
        "protocol" => &["ListenerProtocol", "Protocol"],
        "backends" => &["BackendServers", "MasterSlaveBackendServers"],
        "server_group" | "server_groups" => &["VServerGroupId", "ServerGroupId", "DefaultActions"],
        "entries" => &["AclEntrys", "AclEntries"],
        "group_type" => &["ServerGroupType"],
        "acl" | "acls" | "access_lists" => &["AclId", "AclIds", "AclConfig"],
        _ => &[],
    }
}

fn private_link(field: &str) -> &'static [&'static str] {
    match field {
        "endpoint_type" => &["EndpointType"],
        "service" => &["ServiceId"],
        "service_name" => &["ServiceName"],
        "service_region" => &["ServiceRegionId"],
        "service_type" => &["ServiceType"],
        "resource_type" => &["ServiceResourceType"],
        "connection_status" => &["ConnectionStatus"],
        "zones" => &["Zones"],
        "zone_affinity" => &["ZoneAffinityEnabled"],
        "auto_accept" => &["AutoAcceptEnabled"],
        "payer" => &["Payer"],
        "endpoint" => &["EndpointId"],
        "endpoint_account" => &["EndpointOwnerId"],
        "endpoint_vpc" => &["EndpointVpcId"],
        "endpoint_region" => &["EndpointRegionId"],
        _ => &[],
    }
}

/// Fields that have the same key wherever they occur.
fn common_keys(kind: Kind, field: &str) -> &'static [&'static str] {
    match field {
        "cidr" | "destination" => &["CidrBlock", "DestinationCidrBlock", "DestinationCidr"],
        "address" => &["IpAddress", "Address", "PrivateIpAddress"],
        "vpc" => &["VpcId"],
        "vswitch" => &["VSwitchId"],
        "zone" => &["ZoneId"],
        "instance" => &["InstanceId"],
        "eni" => &["NetworkInterfaceId"],
        "nat_gateway" => &["NatGatewayId"],
        "load_balancer" => &["LoadBalancerId"],
        "security_groups" => &["SecurityGroupIds", "SecurityGroupId"],
        "group" => &["SecurityGroupId"],
        "network_acl" => &["NetworkAclId"],
        "gateway" => &["Ipv6GatewayId"],
        "cen" => &["CenId"],
        "transit_router" => &["TransitRouterId"],
        "table" => &["TransitRouterRouteTableId", "RouteTableId"],
        "attachment" => &["TransitRouterAttachmentId"],
        "bandwidth" => &["Bandwidth"],
        "isp" => &["ISP"],
        "share_type" => &["ShareType"],
        "service_managed" => &["ServiceManaged"],
        "source_dest_check" => &["SourceDestCheck"],
        "status" => status(kind),
        "business_status" => &["BusinessStatus", "BizStatus", "EndpointBusinessStatus"],
        "region" => &["RegionId"],
        "account" => &["OwnerId"],
        "tags" => &["Tags"],
        "name" => name(kind),
        "id" => id(kind),
        _ => &[],
    }
}

fn status(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::LoadBalancer => &["LoadBalancerStatus"],
        Kind::Listener => &["ListenerStatus", "Status"],
        Kind::Endpoint => &["EndpointStatus"],
        Kind::EndpointService => &["ServiceStatus"],
        Kind::EndpointConnection => &["ConnectionStatus"],
        Kind::NatIp => &["NatIpStatus"],
        Kind::TransitRouteTable => &["TransitRouterRouteTableStatus"],
        Kind::TransitRouteEntry => &["TransitRouterRouteEntryStatus"],
        _ => &["Status", "State"],
    }
}

fn name(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Vpc => &["VpcName"],
        Kind::VSwitch => &["VSwitchName"],
        Kind::RouteTable => &["RouteTableName"],
        Kind::Instance => &["InstanceName"],
        Kind::Eni => &["NetworkInterfaceName"],
        Kind::SecurityGroup => &["SecurityGroupName"],
        Kind::LoadBalancer => &["LoadBalancerName"],
        Kind::Endpoint => &["EndpointName"],
        Kind::EndpointService => &["ServiceName"],
        _ => &["Name"],
    }
}

fn id(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Vpc => &["VpcId"],
        Kind::VSwitch => &["VSwitchId"],
        Kind::RouteTable => &["RouteTableId"],
        Kind::RouteEntry => &["RouteEntryId"],
        Kind::Instance => &["InstanceId"],
        Kind::Eni => &["NetworkInterfaceId"],
        Kind::HaVip => &["HaVipId"],
        Kind::Eip => &["AllocationId"],
        Kind::NatGateway => &["NatGatewayId"],
        Kind::SnatEntry => &["SnatEntryId"],
        Kind::DnatEntry => &["ForwardEntryId"],
        Kind::SecurityGroup => &["SecurityGroupId"],
        Kind::NetworkAcl => &["NetworkAclId"],
        Kind::LoadBalancer => &["LoadBalancerId"],
        Kind::Endpoint => &["EndpointId"],
        Kind::EndpointService => &["ServiceId"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_keys() {
        assert_eq!(keys(Kind::Vpc, "cidr").first(), Some(&"CidrBlock"));
        assert_eq!(keys(Kind::SnatEntry, "snat_ips"), ["SnatIp"]);
        assert!(keys(Kind::RouteEntry, "destination").contains(&"DestinationCidrBlock"));
        assert_eq!(keys(Kind::NatGateway, "vswitch")[0], "NatGatewayPrivateInfo/VswitchId");
        assert!(keys(Kind::Vpc, "no_such_field").is_empty());
    }
}
