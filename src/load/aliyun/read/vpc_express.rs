//! Express Connect and VPC peering (formats-api.md §4.3).

use serde::Deserialize;

use super::Api;
use super::vpc_common::{addr, cidrs, detail, id_or_param, listing, without_id};
use super::vpc_network::AssociatedCen;
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Object, Scalar};
use crate::topology::{BorderRouter, Listing, PeerSide, RouterInterface, Source, VpcPeer};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "vpc",
        name: "DescribeRouterInterfaces",
        listing: Listing::RouterInterfaces,
        read: router_interfaces,
    },
    Api {
        product: "vpc",
        name: "DescribeVirtualBorderRouters",
        listing: Listing::BorderRouters,
        read: border_routers,
    },
    Api {
        product: "vpcpeer",
        name: "ListVpcPeerConnections",
        listing: Listing::VpcPeers,
        read: vpc_peers,
    },
    Api {
        product: "vpcpeer",
        name: "GetVpcPeerConnectionAttribute",
        listing: Listing::VpcPeerAttributes,
        read: vpc_peer_attribute,
    },
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct InterfaceRow<'a> {
    #[serde(borrow)]
    router_interface_id: Scalar<'a>,
    name: Scalar<'a>,
    router_id: Scalar<'a>,
    router_type: Scalar<'a>,
    role: Scalar<'a>,
    status: Scalar<'a>,
    business_status: Scalar<'a>,
    vpc_instance_id: Scalar<'a>,
    opposite_interface_id: Scalar<'a>,
    opposite_router_id: Scalar<'a>,
    opposite_router_type: Scalar<'a>,
    opposite_region_id: Scalar<'a>,
    opposite_interface_owner_id: Scalar<'a>,
    opposite_vpc_instance_id: Scalar<'a>,
    tags: List<Tag<'a>>,
}

listing!(router_interfaces, "RouterInterfaceSet", InterfaceRow => add_interface);

fn add_interface(cx: &mut ReadContext<'_>, row: &InterfaceRow<'_>, source: Source) {
    let Some(id) = row.router_interface_id.id() else {
        return without_id(cx, "RouterInterfaceId", &source);
    };
    let mut interface = RouterInterface::new(id);
    let common = Common {
        name: row.name.clone(),
        status: row.status.clone(),
        business_status: row.business_status.clone(),
        ..Common::default()
    };
    cx.fill(&mut interface.meta, source, &common);
    interface.meta.tags = tags(&row.tags);
    interface.router = row.router_id.id();
    interface.router_type = row.router_type.text();
    interface.vpc = row.vpc_instance_id.id();
    interface.role = row.role.text();
    interface.opposite = row.opposite_interface_id.id();
    interface.opposite_router = row.opposite_router_id.id();
    interface.opposite_router_type = row.opposite_router_type.text();
    interface.opposite_region = row.opposite_region_id.text();
    interface.opposite_vpc = row.opposite_vpc_instance_id.id();
    interface.opposite_account = row.opposite_interface_owner_id.id();
    cx.add(interface);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct BorderRow<'a> {
    #[serde(borrow)]
    vbr_id: Scalar<'a>,
    name: Scalar<'a>,
    route_table_id: Scalar<'a>,
    physical_connection_id: Scalar<'a>,
    status: Scalar<'a>,
    local_gateway_ip: Scalar<'a>,
    peer_gateway_ip: Scalar<'a>,
    vlan_id: Scalar<'a>,
    associated_cens: List<AssociatedCen<'a>>,
    ecr_id: Scalar<'a>,
    tags: List<Tag<'a>>,
}

listing!(border_routers, "VirtualBorderRouterSet", BorderRow => add_border_router);

fn add_border_router(cx: &mut ReadContext<'_>, row: &BorderRow<'_>, source: Source) {
    let Some(id) = row.vbr_id.id() else {
        return without_id(cx, "VbrId", &source);
    };
    let mut router = BorderRouter::new(id);
    let common = Common { name: row.name.clone(), status: row.status.clone(), ..Common::default() };
    cx.fill(&mut router.meta, source, &common);
    router.meta.tags = tags(&row.tags);
    router.route_table = row.route_table_id.id();
    router.physical_connection = row.physical_connection_id.id();
    router.local_address = addr(cx, &router, "local_address", &row.local_gateway_ip);
    router.peer_address = addr(cx, &router, "peer_address", &row.peer_gateway_ip);
    router.vlan = row.vlan_id.number();
    router.cens = row.associated_cens.stated_some(|cen| cen.cen_id.id());
    router.ecr = row.ecr_id.id();
    cx.add(router);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PeerRow<'a> {
    #[serde(borrow)]
    instance_id: Scalar<'a>,
    name: Scalar<'a>,
    status: Scalar<'a>,
    biz_status: Scalar<'a>,
    vpc: Object<PeerVpc<'a>>,
    accepting_vpc: Object<PeerVpc<'a>>,
    region_id: Scalar<'a>,
    accepting_region_id: Scalar<'a>,
    owner_id: Scalar<'a>,
    accepting_owner_uid: Scalar<'a>,
    bandwidth: Scalar<'a>,
    tags: List<Tag<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PeerVpc<'a> {
    #[serde(borrow)]
    vpc_id: Scalar<'a>,
    ipv4_cidrs: List<Scalar<'a>>,
    ipv6_cidrs: List<Scalar<'a>>,
}

listing!(vpc_peers, "VpcPeerConnects", PeerRow => add_peer);
detail!(vpc_peer_attribute, PeerRow => add_peer);

fn add_peer(cx: &mut ReadContext<'_>, row: &PeerRow<'_>, source: Source) {
    let Some(id) = id_or_param(cx, &[&row.instance_id], "InstanceId") else {
        return without_id(cx, "InstanceId", &source);
    };
    let mut peer = VpcPeer::new(id);
    let common = Common {
        name: row.name.clone(),
        status: row.status.clone(),
        business_status: row.biz_status.clone(),
        owner: row.owner_id.clone(),
        region: row.region_id.clone(),
    };
    cx.fill(&mut peer.meta, source, &common);
    peer.meta.tags = tags(&row.tags);
    peer.requester = side(cx, &peer, "requester", &row.vpc, &row.region_id, &row.owner_id);
    peer.accepter = side(
        cx,
        &peer,
        "accepter",
        &row.accepting_vpc,
        &row.accepting_region_id,
        &row.accepting_owner_uid,
    );
    // -1 stands for "no limit"
    peer.bandwidth = row.bandwidth.number::<i64>().map(|mbit| u64::try_from(mbit).ok());
    cx.add(peer);
}

fn side(
    cx: &mut ReadContext<'_>,
    peer: &VpcPeer,
    field: &'static str,
    vpc: &Object<PeerVpc<'_>>,
    region: &Scalar<'_>,
    account: &Scalar<'_>,
) -> Option<PeerSide> {
    let vpc = vpc.get()?;
    let ipv4 = cidrs(cx, peer, field, &vpc.ipv4_cidrs);
    let ipv6 = cidrs(cx, peer, field, &vpc.ipv6_cidrs);
    let blocks = match (ipv4, ipv6) {
        (Some(mut ipv4), Some(ipv6)) => {
            ipv4.extend(ipv6);
            Some(ipv4)
        }
        (ipv4, ipv6) => ipv4.or(ipv6),
    };
    Some(PeerSide {
        vpc: vpc.vpc_id.id(),
        cidrs: blocks,
        region: region.text(),
        account: account.id(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::vpc_common::testing::{read, try_read};

    #[test]
    fn router_interfaces_name_both_ends() {
        let t = read(
            "DescribeRouterInterfaces",
            r#"{"RouterInterfaceSet":{"RouterInterfaceType":[{"RouterInterfaceId":"ri-1","RouterId":"vrt-1",
              "RouterType":"VRouter","Status":"active","OppositeInterfaceId":"ri-2","OppositeRouterId":"vbr-1",
              "OppositeInterfaceOwnerId":271598332402530847,"OppositeVpcInstanceId":"","HasReservationData":"false"}]}}"#,
        );
        let interface = t.router_interfaces.get("ri-1").unwrap();
        assert_eq!(interface.router.as_deref(), Some("vrt-1"));
        assert_eq!(interface.opposite_account.as_deref(), Some("271598332402530847"));
        assert_eq!(interface.opposite_vpc, None);
        let pointer = interface.meta.source.as_ref().unwrap().pointer();
        assert_eq!(pointer, "/RouterInterfaceSet/RouterInterfaceType/0");
    }

    #[test]
    fn border_routers_state_their_cens_or_do_not() {
        let t = read(
            "DescribeVirtualBorderRouters",
            r#"{"VirtualBorderRouterSet":{"VirtualBorderRouterType":[{"VbrId":"vbr-1","VlanId":"10",
              "LocalGatewayIp":"10.9.0.1","PeerGatewayIp":"","AssociatedCens":null,"EcrId":"ecr-1"},{"VbrId":"vbr-2"}]}}"#,
        );
        let router = t.border_routers.get("vbr-1").unwrap();
        assert_eq!((router.vlan, router.cens.clone()), (Some(10), Some(vec![])));
        assert_eq!(router.ecr.as_deref(), Some("ecr-1"));
        assert_eq!(router.peer_address, None);
        assert_eq!(t.border_routers.get("vbr-2").unwrap().cens, None);
    }

    #[test]
    fn peers_know_the_blocks_of_the_far_side() {
        let row = r#"{"InstanceId":"pcc-1","Name":"p","Status":"Activated","BizStatus":"Normal","Bandwidth":-1,
            "Vpc":{"VpcId":"vpc-1","Ipv4Cidrs":["10.0.0.0/16"],"Ipv6Cidrs":["2001:db8::/56"]},
            "AcceptingVpc":{"VpcId":"vpc-2","Ipv4Cidrs":["10.1.0.0/16","10.2.0.0/16"]},
            "RegionId":"cn-hangzhou","AcceptingRegionId":"cn-beijing","OwnerId":1,"AcceptingOwnerUid":2,"Tags":[]}"#;
        let list = format!(r#"{{"VpcPeerConnects":[{row}],"TotalCount":1}}"#);
        for (name, body, pointer) in [
            ("ListVpcPeerConnections", list.as_str(), "/VpcPeerConnects/0"),
            ("GetVpcPeerConnectionAttribute", row, ""),
        ] {
            let t = try_read("vpcpeer", name, &[], body).unwrap().topology;
            let peer = t.vpc_peers.get("pcc-1").unwrap();
            assert_eq!(peer.bandwidth, Some(None));
            assert_eq!(peer.requester.as_ref().unwrap().cidrs.as_ref().unwrap().len(), 2);
            let far = peer.accepter.as_ref().unwrap();
            assert_eq!(far.region.as_deref(), Some("cn-beijing"));
            assert_eq!(far.account.as_deref(), Some("2"));
            assert_eq!(far.cidrs.as_ref().unwrap().len(), 2);
            assert_eq!(peer.meta.tags, Some(vec![]));
            assert_eq!(peer.meta.source.as_ref().unwrap().pointer(), pointer);
        }
    }
}
