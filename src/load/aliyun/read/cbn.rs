//! CEN instances, transit routers and their attachments (formats-api.md §4.8).

use super::Api;
use super::shared::{Groups, as_detail, lost, parent, row};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{
    AttachmentType, AttachmentZone, Cen, CenChild, CidrValue, Listing, TransitAttachment,
    TransitRouter, TransitRouterType,
};

pub(super) static APIS: &[Api] = &[
    Api { product: "cbn", name: "DescribeCens", listing: Listing::Cens, read: cens },
    Api {
        product: "cbn",
        name: "DescribeCenAttachedChildInstances",
        listing: Listing::CenChildren,
        read: children,
    },
    Api {
        product: "cbn",
        name: "ListTransitRouters",
        listing: Listing::TransitRouters,
        read: transit_routers,
    },
    Api {
        product: "cbn",
        name: "ListTransitRouterCidr",
        listing: Listing::TransitCidrs,
        read: transit_cidrs,
    },
    Api {
        product: "cbn",
        name: "ListTransitRouterVpcAttachments",
        listing: Listing::TransitVpcAttachments,
        read: |body, cx| attachments(body, &AttachmentType::Vpc, cx),
    },
    Api {
        product: "cbn",
        name: "ListTransitRouterVbrAttachments",
        listing: Listing::TransitVbrAttachments,
        read: |body, cx| attachments(body, &AttachmentType::Vbr, cx),
    },
    Api {
        product: "cbn",
        name: "ListTransitRouterVpnAttachments",
        listing: Listing::TransitVpnAttachments,
        read: |body, cx| attachments(body, &AttachmentType::Vpn, cx),
    },
    Api {
        product: "cbn",
        name: "ListTransitRouterEcrAttachments",
        listing: Listing::TransitEcrAttachments,
        read: |body, cx| attachments(body, &AttachmentType::Ecr, cx),
    },
    Api {
        product: "cbn",
        name: "ListTransitRouterPeerAttachments",
        listing: Listing::TransitPeerAttachments,
        read: |body, cx| attachments(body, &AttachmentType::Peer, cx),
    },
];

row! {
    CensBody<'a> {
        cens: List<CenRow<'a>>,
    }
}

row! {
    CenRow<'a> {
        cen_id: Scalar<'a>,
        name: Scalar<'a>,
        status: Scalar<'a>,
        protection_level: Scalar<'a>,
        tags: List<Tag<'a>>,
    }
}

fn cens(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: CensBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Cens", &body.cens);
    cx.count(&body.cens);
    for (n, row) in body.cens.iter().enumerate() {
        let Some(id) = row.cen_id.id() else { continue };
        let mut cen = Cen::new(id);
        let common =
            Common { name: row.name.clone(), status: row.status.clone(), ..Common::default() };
        cx.fill(&mut cen.meta, sources.at(n), &common);
        cen.meta.region = None; // global: the region of the call says nothing about it
        cen.meta.tags = tags(&row.tags);
        cen.protection_level = row.protection_level.text();
        cx.add(cen);
    }
    Ok(())
}

row! {
    ChildrenBody<'a> {
        child_instances: List<ChildRow<'a>>,
    }
}

row! {
    ChildRow<'a> {
        cen_id: Scalar<'a>,
        child_instance_id: Scalar<'a>,
        child_instance_type: Scalar<'a>,
        child_instance_region_id: Scalar<'a>,
        child_instance_owner_id: Scalar<'a>,
        status: Scalar<'a>,
    }
}

fn children(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: ChildrenBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/ChildInstances", &body.child_instances);
    cx.count(&body.child_instances);
    let mut groups: Groups<CenChild> = Groups::new();
    if let Some(asked) = parent(cx, &Scalar::Absent, "CenId") {
        groups.of(asked, 0); // the answer may be empty
    }
    let mut orphans = 0;
    for (n, row) in body.child_instances.iter().enumerate() {
        let Some(id) = row.child_instance_id.id() else { continue };
        let Some(cen) = parent(cx, &row.cen_id, "CenId") else {
            orphans += 1;
            continue;
        };
        groups.of(cen, n).push(CenChild {
            id,
            child_type: row.child_instance_type.text(),
            region: row.child_instance_region_id.text(),
            account: row.child_instance_owner_id.id(),
            status: row.status.text(),
        });
    }
    for (id, (n, rows)) in groups {
        let mut cen = Cen::new(id);
        let source = if rows.is_empty() { cx.source("/ChildInstances") } else { sources.at(n) };
        cx.fill(&mut cen.meta, source, &Common::default());
        cen.meta.region = None;
        as_detail(&mut cen.meta);
        cen.children = Some(rows);
        cx.add(cen);
    }
    lost(cx, orphans, "CenId");
    Ok(())
}

row! {
    RoutersBody<'a> {
        transit_routers: List<RouterRow<'a>>,
    }
}

row! {
    RouterRow<'a> {
        transit_router_id: Scalar<'a>,
        transit_router_name: Scalar<'a>,
        cen_id: Scalar<'a>,
        region_id: Scalar<'a>,
        ali_uid: Scalar<'a>,
        #[serde(rename = "Type")]
        router_type: Scalar<'a>,
        status: Scalar<'a>,
        transit_router_cidr_list: List<CidrRow<'a>>,
        tags: List<Tag<'a>>,
    }
}

row! {
    CidrRow<'a> {
        cidr: Scalar<'a>,
        transit_router_id: Scalar<'a>,
    }
}

fn transit_routers(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: RoutersBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/TransitRouters", &body.transit_routers);
    cx.count(&body.transit_routers);
    for (n, row) in body.transit_routers.iter().enumerate() {
        let Some(id) = row.transit_router_id.id() else { continue };
        let mut router = TransitRouter::new(id);
        let common = Common {
            name: row.transit_router_name.clone(),
            status: row.status.clone(),
            owner: row.ali_uid.clone(),
            region: row.region_id.clone(),
            ..Common::default()
        };
        cx.fill(&mut router.meta, sources.at(n), &common);
        router.meta.tags = tags(&row.tags);
        router.cen = parent(cx, &row.cen_id, "CenId");
        router.router_type = row.router_type.as_str().map(TransitRouterType::from_text);
        router.cidrs = row
            .transit_router_cidr_list
            .stated_some(|row| Some(cx.cidr(&router, "cidrs", row.cidr.as_str()?)));
        cx.add(router);
    }
    Ok(())
}

row! {
    CidrsBody<'a> {
        cidr_lists: List<CidrRow<'a>>,
    }
}

fn transit_cidrs(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: CidrsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/CidrLists", &body.cidr_lists);
    cx.count(&body.cidr_lists);
    let mut groups: Groups<&str> = Groups::new();
    let mut orphans = 0;
    for (n, row) in body.cidr_lists.iter().enumerate() {
        let Some(cidr) = row.cidr.as_str() else { continue };
        match parent(cx, &row.transit_router_id, "TransitRouterId") {
            Some(id) => groups.of(id, n).push(cidr),
            None => orphans += 1,
        }
    }
    for (id, (n, rows)) in groups {
        let mut router = TransitRouter::new(id);
        // the owner of the router may be another account; its own row says so
        router.meta.source = Some(sources.at(n));
        router.meta.region.clone_from(&cx.region);
        as_detail(&mut router.meta);
        let cidrs: Vec<CidrValue> =
            rows.into_iter().map(|text| cx.cidr(&router, "cidrs", text)).collect();
        router.cidrs = Some(cidrs);
        cx.add(router);
    }
    lost(cx, orphans, "TransitRouterId");
    Ok(())
}

row! {
    AttachmentsBody<'a> {
        transit_router_attachments: List<AttachmentRow<'a>>,
    }
}

row! {
    AttachmentRow<'a> {
        transit_router_attachment_id: Scalar<'a>,
        transit_router_attachment_name: Scalar<'a>,
        transit_router_id: Scalar<'a>,
        cen_id: Scalar<'a>,
        resource_type: Scalar<'a>,
        status: Scalar<'a>,
        auto_publish_route_enabled: Scalar<'a>,
        vpc_id: Scalar<'a>,
        vpc_region_id: Scalar<'a>,
        vbr_id: Scalar<'a>,
        vbr_region_id: Scalar<'a>,
        vpn_id: Scalar<'a>,
        vpn_region_id: Scalar<'a>,
        ecr_id: Scalar<'a>,
        transit_router_region_id: Scalar<'a>,
        peer_transit_router_id: Scalar<'a>,
        peer_transit_router_region_id: Scalar<'a>,
        region_id: Scalar<'a>,
        #[serde(alias = "Zones")]
        zone_mappings: List<ZoneRow<'a>>,
        tags: List<Tag<'a>>,
    }
}

row! {
    ZoneRow<'a> {
        zone_id: Scalar<'a>,
        v_switch_id: Scalar<'a>,
        network_interface_id: Scalar<'a>,
    }
}

impl<'a> AttachmentRow<'a> {
    /// What the attachment leads to.
    fn target(&self, attachment_type: &AttachmentType) -> &Scalar<'a> {
        match attachment_type {
            AttachmentType::Vpc => &self.vpc_id,
            AttachmentType::Vbr => &self.vbr_id,
            AttachmentType::Vpn => &self.vpn_id,
            AttachmentType::Ecr => &self.ecr_id,
            AttachmentType::Peer => &self.peer_transit_router_id,
            AttachmentType::Other(_) => &Scalar::Absent,
        }
    }

    /// The region of the router, which is that of the attached network.
    fn region(&self) -> Scalar<'a> {
        let stated = [
            &self.transit_router_region_id,
            &self.region_id,
            &self.vpc_region_id,
            &self.vbr_region_id,
            &self.vpn_region_id,
        ];
        stated.into_iter().find(|region| region.as_str().is_some()).cloned().unwrap_or_default()
    }
}

/// Reads one of the five attachment listings. The call says what the rows are; `ResourceType` is
/// only a repetition.
fn attachments(
    body: &str,
    attachment_type: &AttachmentType,
    cx: &mut ReadContext<'_>,
) -> Result<(), serde_json::Error> {
    let body: AttachmentsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/TransitRouterAttachments", &body.transit_router_attachments);
    cx.count(&body.transit_router_attachments);
    for (n, row) in body.transit_router_attachments.iter().enumerate() {
        let Some(id) = row.transit_router_attachment_id.id() else { continue };
        let stated = row.resource_type.as_str().map(AttachmentType::from_text);
        let attachment_type = stated.unwrap_or_else(|| attachment_type.clone());
        let mut attachment = TransitAttachment::new(id);
        let common = Common {
            name: row.transit_router_attachment_name.clone(),
            status: row.status.clone(),
            region: row.region(),
            ..Common::default()
        };
        cx.fill(&mut attachment.meta, sources.at(n), &common);
        attachment.meta.tags = tags(&row.tags);
        attachment.transit_router = parent(cx, &row.transit_router_id, "TransitRouterId");
        attachment.cen = parent(cx, &row.cen_id, "CenId");
        attachment.target = row.target(&attachment_type).id();
        attachment.peer_region = row.peer_transit_router_region_id.text();
        attachment.zones = row.zone_mappings.stated(|zone| AttachmentZone {
            zone: zone.zone_id.text(),
            vswitch: zone.v_switch_id.id(),
            eni: zone.network_interface_id.id(),
        });
        attachment.auto_publish = row.auto_publish_route_enabled.bool();
        attachment.attachment_type = Some(attachment_type);
        cx.add(attachment);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::aliyun::read::testing::{read, read_all};

    #[test]
    fn children_join_their_cen_over_pages() {
        let page = |id: &str| {
            format!(
                r#"{{"ChildInstances":{{"ChildInstance":[{{"CenId":"cen-1","ChildInstanceId":"{id}",
                "ChildInstanceType":"VPC","ChildInstanceOwnerId":1001,"Status":"Attached"}}]}}}}"#
            )
        };
        let (first, second) = (page("vpc-1"), page("vpc-2"));
        let cens = r#"{"Cens":{"Cen":[{"CenId":"cen-1","Name":"core","Status":"Active","ProtectionLevel":"REDUCED"}]}}"#;
        let (topology, _) = read_all(&[
            ("cbn", "DescribeCenAttachedChildInstances", &first, &[("CenId", "cen-1")]),
            ("cbn", "DescribeCenAttachedChildInstances", &second, &[]),
            ("cbn", "DescribeCens", cens, &[]),
        ]);
        assert!(topology.conflicts.is_empty());
        let cen = topology.cens.get("cen-1").unwrap();
        let ids: Vec<_> = cen.children.iter().flatten().map(|child| &*child.id).collect();
        assert_eq!(ids, ["vpc-1", "vpc-2"]);
        assert_eq!((cen.meta.region.clone(), cen.meta.name.as_deref()), (None, Some("core")));
        assert_eq!(cen.meta.source.as_ref().unwrap().pointer(), "/Cens/Cen/0");
    }

    #[test]
    fn transit_routers_join_their_blocks() {
        let routers = r#"{"TransitRouters":[{"TransitRouterId":"tr-1","CenId":"cen-1","RegionId":"cn-hangzhou",
            "Type":"Enterprise","Status":"Active","AliUid":2002,"TransitRouterCidrList":[{"Cidr":"10.99.0.0/24"}]}]}"#;
        let cidrs = r#"{"CidrLists":[{"Cidr":"10.99.0.0/24","TransitRouterId":"tr-1"},{"Cidr":"10.98.0.0/24"}]}"#;
        let (topology, cx) = read_all(&[
            ("cbn", "ListTransitRouters", routers, &[]),
            ("cbn", "ListTransitRouterCidr", cidrs, &[]),
        ]);
        assert!(topology.conflicts.is_empty());
        assert_eq!(cx.unattached, ["1 row without `TransitRouterId`"]);
        let router = topology.transit_routers.get("tr-1").unwrap();
        assert_eq!(router.router_type, Some(TransitRouterType::Enterprise));
        assert_eq!(router.meta.account.as_deref(), Some("2002"));
        assert_eq!(router.cidrs.as_ref().unwrap().len(), 1);
        assert_eq!(router.meta.source.as_ref().unwrap().pointer(), "/TransitRouters/0");
    }

    #[test]
    fn five_listings_make_one_kind_of_attachment() {
        let target = |key: &str, id: &str, rest: &str| {
            format!(
                r#"{{"TransitRouterAttachments":[{{"TransitRouterAttachmentId":"at-{id}","TransitRouterId":"tr-1",
                "CenId":"cen-1","Status":"Attached","{key}":"{id}"{rest}}}]}}"#
            )
        };
        let cases = [
            (
                "Vpc",
                "VpcId",
                "vpc-1",
                r#","VpcRegionId":"cn-beijing","ResourceType":"VPC","ZoneMappings":[{"ZoneId":"z","VSwitchId":"vsw-1","NetworkInterfaceId":"eni-1"}]"#,
                AttachmentType::Vpc,
            ),
            ("Vbr", "VbrId", "vbr-1", "", AttachmentType::Vbr),
            ("Vpn", "VpnId", "vco-1", r#","Zones":[{"ZoneId":"z"}]"#, AttachmentType::Vpn),
            ("Ecr", "EcrId", "ecr-1", "", AttachmentType::Ecr),
            (
                "Peer",
                "PeerTransitRouterId",
                "tr-2",
                r#","PeerTransitRouterRegionId":"cn-beijing","AutoPublishRouteEnabled":"true""#,
                AttachmentType::Peer,
            ),
        ];
        for (word, key, id, rest, expected) in cases {
            let body = target(key, id, rest);
            let name = format!("ListTransitRouter{word}Attachments");
            let (topology, _) = read("cbn", &name, &body, &[]);
            let attachment = topology.transit_attachments.get(&format!("at-{id}")).unwrap();
            assert_eq!(attachment.attachment_type.as_ref(), Some(&expected));
            assert_eq!(attachment.target.as_deref(), Some(id));
            assert_eq!(attachment.zones.is_some(), rest.contains("Zone"));
            let region = attachment.meta.region.as_deref();
            assert_eq!(region, Some(if word == "Vpc" { "cn-beijing" } else { "cn-hangzhou" }));
            let peer = (attachment.peer_region.as_deref(), attachment.auto_publish);
            assert_eq!(peer.0.is_some(), word == "Peer");
            assert_eq!(peer.1, (word == "Peer").then_some(true));
            let source = attachment.meta.source.as_ref().unwrap();
            assert_eq!(source.pointer(), "/TransitRouterAttachments/0");
        }
    }
}
