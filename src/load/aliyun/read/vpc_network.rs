//! VPCs, vSwitches and virtual routers (formats-api.md §4.1).

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::Api;
use super::vpc_common::{cidr, cidrs, counted_only, detail, id_or_param, ids, listing, without_id};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Object, Scalar};
use crate::topology::{CidrValue, Id, Listing, Source, VSwitch, Vpc};

pub(super) static APIS: &[Api] = &[
    Api { product: "vpc", name: "DescribeVpcs", listing: Listing::Vpcs, read: vpcs },
    Api { product: "ecs", name: "DescribeVpcs", listing: Listing::Vpcs, read: vpcs },
    Api {
        product: "vpc",
        name: "DescribeVpcAttribute",
        listing: Listing::VpcAttributes,
        read: vpc_attribute,
    },
    Api { product: "vpc", name: "DescribeVSwitches", listing: Listing::VSwitches, read: vswitches },
    Api { product: "ecs", name: "DescribeVSwitches", listing: Listing::VSwitches, read: vswitches },
    Api {
        product: "vpc",
        name: "DescribeVSwitchAttributes",
        listing: Listing::VSwitchAttributes,
        read: vswitch_attributes,
    },
    Api { product: "vpc", name: "DescribeVRouters", listing: Listing::VRouters, read: vrouters },
    // who may attach a VPC to which CEN; attachments themselves are listed by the cbn product
    Api {
        product: "vpc",
        name: "DescribeGrantRulesToCen",
        listing: Listing::CenGrants,
        read: counted_only,
    },
    // reserved parts of a vSwitch; they narrow where new addresses come from, not where packets go
    Api {
        product: "vpc",
        name: "ListVSwitchCidrReservations",
        listing: Listing::CidrReservations,
        read: counted_only,
    },
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct VpcRow<'a> {
    #[serde(borrow)]
    vpc_id: Scalar<'a>,
    vpc_name: Scalar<'a>,
    cidr_block: Scalar<'a>,
    secondary_cidr_blocks: List<Scalar<'a>>,
    user_cidrs: List<Scalar<'a>>,
    ipv6_cidr_block: Scalar<'a>,
    ipv6_cidr_blocks: List<Ipv6Block<'a>>,
    v_router_id: Scalar<'a>,
    v_switch_ids: List<VSwitchRef>,
    router_table_ids: List<Scalar<'a>>,
    nat_gateway_ids: List<Scalar<'a>>,
    is_default: Scalar<'a>,
    status: Scalar<'a>,
    region_id: Scalar<'a>,
    owner_id: Scalar<'a>,
    tags: List<Tag<'a>>,
    // DescribeVpcAttribute only
    support_ipv4_gateway: Scalar<'a>,
    ipv4_gateway_id: Scalar<'a>,
    associated_cens: List<AssociatedCen<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Ipv6Block<'a> {
    #[serde(borrow)]
    ipv6_cidr_block: Scalar<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AssociatedCen<'a> {
    #[serde(borrow)]
    pub(super) cen_id: Scalar<'a>,
}

/// An id, or an object that holds ids under any key: bodies print `VSwitchId:["vsw-1"]` and
/// `VSwitchId:[{"VSwitchId":["vsw-1"]}]`.
struct VSwitchRef(Vec<Id>);

impl<'de> Deserialize<'de> for VSwitchRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RefVisitor;

        impl<'de> Visitor<'de> for RefVisitor {
            type Value = VSwitchRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id or an object with ids")
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                let text = text.trim();
                Ok(VSwitchRef(if text.is_empty() { Vec::new() } else { vec![Id::from(text)] }))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(VSwitchRef(Vec::new()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = Vec::new();
                while map.next_key::<IgnoredAny>()?.is_some() {
                    // one id reads as a list of one
                    let inner = map.next_value::<OneOrMore>()?;
                    found.extend(inner.0);
                }
                Ok(VSwitchRef(found))
            }
        }

        deserializer.deserialize_any(RefVisitor)
    }
}

#[derive(Deserialize)]
#[serde(from = "OneOrMoreText")]
struct OneOrMore(Vec<Id>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMoreText {
    One(String),
    More(Vec<String>),
    Other(IgnoredAny),
}

impl From<OneOrMoreText> for OneOrMore {
    fn from(text: OneOrMoreText) -> Self {
        Self(match text {
            OneOrMoreText::One(text) => vec![Id::from(text)],
            OneOrMoreText::More(texts) => texts.into_iter().map(Id::from).collect(),
            OneOrMoreText::Other(_) => Vec::new(),
        })
    }
}

listing!(
    /// `Vpcs.Vpc[]`.
    vpcs, "Vpcs", VpcRow => add_vpc
);
detail!(
    /// The one call that says how the VPC reaches the Internet (formats-api.md §1.4).
    vpc_attribute, VpcRow => add_vpc
);

fn add_vpc(cx: &mut ReadContext<'_>, row: &VpcRow<'_>, source: Source) {
    let Some(id) = id_or_param(cx, &[&row.vpc_id], "VpcId") else {
        return without_id(cx, "VpcId", &source);
    };
    let mut vpc = Vpc::new(id);
    let common = Common {
        name: row.vpc_name.clone(),
        status: row.status.clone(),
        owner: row.owner_id.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut vpc.meta, source, &common);
    vpc.meta.tags = tags(&row.tags);
    vpc.cidr = cidr(cx, &vpc, "cidr", &row.cidr_block);
    vpc.secondary_cidrs = cidrs(cx, &vpc, "secondary_cidrs", &row.secondary_cidr_blocks);
    if !vpc.meta.detail {
        // the listing leaves the key out when there is none (formats-api.md §4.1)
        vpc.secondary_cidrs.get_or_insert_default();
    }
    vpc.user_cidrs = cidrs(cx, &vpc, "user_cidrs", &row.user_cidrs);
    vpc.ipv6_cidrs = ipv6_cidrs(cx, &vpc, row);
    vpc.vrouter = row.v_router_id.id();
    vpc.support_ipv4_gateway = row.support_ipv4_gateway.bool();
    vpc.ipv4_gateway = row.ipv4_gateway_id.stated_id();
    vpc.is_default = row.is_default.bool();
    vpc.vswitch_ids = row
        .v_switch_ids
        .is_stated()
        .then(|| row.v_switch_ids.iter().flat_map(|one| one.0.iter().cloned()).collect());
    vpc.nat_gateway_ids = ids(&row.nat_gateway_ids);
    vpc.route_table_ids = ids(&row.router_table_ids);
    vpc.cens = row.associated_cens.stated_some(|cen| cen.cen_id.id());
    cx.add(vpc);
}

/// The list of IPv6 blocks; bodies from before the list have one block under its own key.
fn ipv6_cidrs(cx: &mut ReadContext<'_>, vpc: &Vpc, row: &VpcRow<'_>) -> Option<Vec<CidrValue>> {
    if !row.ipv6_cidr_blocks.is_stated() && !row.ipv6_cidr_block.is_stated() {
        return None;
    }
    let mut texts: Vec<&str> =
        row.ipv6_cidr_blocks.iter().filter_map(|block| block.ipv6_cidr_block.as_str()).collect();
    if let Some(text) = row.ipv6_cidr_block.as_str()
        && !texts.contains(&text)
    {
        texts.push(text);
    }
    Some(texts.into_iter().map(|text| cx.cidr(vpc, "ipv6_cidrs", text)).collect())
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct VSwitchRow<'a> {
    #[serde(borrow)]
    v_switch_id: Scalar<'a>,
    v_switch_name: Scalar<'a>,
    vpc_id: Scalar<'a>,
    cidr_block: Scalar<'a>,
    ipv6_cidr_block: Scalar<'a>,
    zone_id: Scalar<'a>,
    status: Scalar<'a>,
    available_ip_address_count: Scalar<'a>,
    network_acl_id: Scalar<'a>,
    route_table: Object<RouteTableRef<'a>>,
    share_type: Scalar<'a>,
    owner_id: Scalar<'a>,
    tags: List<Tag<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RouteTableRef<'a> {
    #[serde(borrow)]
    route_table_id: Scalar<'a>,
}

listing!(vswitches, "VSwitches", VSwitchRow => add_vswitch);
detail!(vswitch_attributes, VSwitchRow => add_vswitch);

fn add_vswitch(cx: &mut ReadContext<'_>, row: &VSwitchRow<'_>, source: Source) {
    let Some(id) = id_or_param(cx, &[&row.v_switch_id], "VSwitchId") else {
        return without_id(cx, "VSwitchId", &source);
    };
    let mut vswitch = VSwitch::new(id);
    let common = Common {
        name: row.v_switch_name.clone(),
        status: row.status.clone(),
        owner: row.owner_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut vswitch.meta, source, &common);
    if vswitch.meta.region.is_none() {
        vswitch.meta.region = row.zone_id.as_str().and_then(region_of_zone);
    }
    vswitch.meta.tags = tags(&row.tags);
    vswitch.vpc = row.vpc_id.id();
    vswitch.cidr = cidr(cx, &vswitch, "cidr", &row.cidr_block);
    vswitch.ipv6_cidr = cidr(cx, &vswitch, "ipv6_cidr", &row.ipv6_cidr_block);
    vswitch.zone = row.zone_id.text();
    vswitch.route_table = row.route_table.get().and_then(|table| table.route_table_id.id());
    vswitch.network_acl = row.network_acl_id.stated_id();
    vswitch.available_ips = row.available_ip_address_count.number();
    vswitch.share_type = row.share_type.text();
    cx.add(vswitch);
}

/// Region of a zone id, `cn-hangzhou-b` and `ap-southeast-1a` alike (formats-api.md Q13). The ids of
/// local zones do not contain their region in that way.
fn region_of_zone(zone: &str) -> Option<Id> {
    if zone.contains("-lz") {
        return None;
    }
    let region = zone.strip_suffix(|c: char| c.is_ascii_lowercase())?;
    let region = region.strip_suffix('-').unwrap_or(region);
    // a region has at least two parts; what ends in a letter is a word cut short
    let cut_word =
        zone.len() - region.len() == 1 && !region.ends_with(|c: char| c.is_ascii_digit());
    (region.contains('-') && !cut_word).then(|| Id::from(region))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct VRouterRow<'a> {
    #[serde(borrow)]
    v_router_id: Scalar<'a>,
    vpc_id: Scalar<'a>,
}

listing!(
    /// Which virtual router belongs to which VPC. Name and status of the row are the router's, so
    /// the VPC gets nothing but the id.
    vrouters, "VRouters", VRouterRow => add_vrouter
);

#[allow(clippy::needless_pass_by_value, reason = "rows of all listings are handed over alike")]
fn add_vrouter(cx: &mut ReadContext<'_>, row: &VRouterRow<'_>, source: Source) {
    let (Some(vpc), Some(router)) = (row.vpc_id.id(), row.v_router_id.id()) else {
        return without_id(cx, "VpcId", &source);
    };
    let mut vpc = Vpc::new(vpc);
    vpc.vrouter = Some(router);
    cx.add(vpc);
}

#[cfg(test)]
mod tests {
    use super::super::vpc_common::testing::{read, try_read};
    use super::*;
    use crate::topology::{ObservationKind, Resource};

    #[test]
    fn a_vpc_keeps_absent_and_empty_apart() {
        let t = read(
            "DescribeVpcs",
            r#"{"Vpcs":{"Vpc":[{"VpcId":"vpc-1","VpcName":"prod","CidrBlock":"10.10.1.0/16",
              "SecondaryCidrBlocks":{"SecondaryCidrBlock":[]},"UserCidrs":{"UserCidr":["30.0.0.0/8"]},
              "Ipv6CidrBlock":"2001:db8::/56","VRouterId":"vrt-1","VSwitchIds":{"VSwitchId":["vsw-1"]},
              "RouterTableIds":{"RouterTableIds":["vtb-1"]},"NatGatewayIds":{"NatGatewayIds":["ngw-1"]},
              "IsDefault":false,"OwnerId":253460731706911258,"RegionId":"cn-beijing","Status":"Available",
              "Tags":{"Tag":[{"Key":"env","Value":"prod"}]}},{"VpcId":"vpc-2"}]},"TotalCount":2}"#,
        );
        let vpc = t.vpcs.get("vpc-1").unwrap();
        assert_eq!(vpc.name(), Some("prod"));
        assert_eq!(vpc.meta.account.as_deref(), Some("253460731706911258"));
        assert_eq!(vpc.meta.region.as_deref(), Some("cn-beijing"));
        assert_eq!(vpc.cidr.as_ref().unwrap().to_string(), "10.10.1.0/16");
        assert_eq!(vpc.cidr.as_ref().unwrap().cidr().unwrap().to_string(), "10.10.0.0/16");
        assert_eq!(vpc.secondary_cidrs, Some(vec![]));
        assert_eq!(vpc.ipv6_cidrs.as_ref().unwrap()[0].to_string(), "2001:db8::/56");
        assert_eq!(vpc.route_table_ids, Some(vec![Id::from("vtb-1")]));
        assert_eq!(vpc.support_ipv4_gateway, None);
        assert_eq!(vpc.ipv4_gateway, None);
        assert_eq!(vpc.meta.source.as_ref().unwrap().pointer(), "/Vpcs/Vpc/0");
        let bare = t.vpcs.get("vpc-2").unwrap();
        assert_eq!(bare.secondary_cidrs, Some(vec![]));
        assert_eq!(bare.vswitch_ids, None);
        assert_eq!(bare.meta.region.as_deref(), Some("cn-hangzhou"));
    }

    #[test]
    fn pointers_follow_the_shape_of_the_list() {
        let pointer = |body: &str| {
            let t = read("DescribeVpcs", body);
            t.vpcs.get("v").unwrap().meta.source.as_ref().unwrap().pointer()
        };
        assert_eq!(pointer(r#"{"Vpcs":{"Vpc":[{"VpcId":"v"}]}}"#), "/Vpcs/Vpc/0");
        assert_eq!(pointer(r#"{"Vpcs":[{"VpcId":"v"}]}"#), "/Vpcs/0");
        assert_eq!(pointer(r#"{"Vpcs":{"Vpc":{"VpcId":"v"}}}"#), "/Vpcs/Vpc");
    }

    #[test]
    fn the_attribute_call_states_the_internet_mode() {
        let t = read(
            "DescribeVpcAttribute",
            r#"{"VpcId":"vpc-1","SupportIpv4Gateway":true,"Ipv4GatewayId":"",
              "VSwitchIds":{"VSwitchId":[{"VSwitchId":["vsw-1","vsw-2"]}]},
              "AssociatedCens":{"AssociatedCen":[{"CenId":"cen-1","CenStatus":"Attached"}]},
              "Ipv6CidrBlock":"","Ipv6CidrBlocks":{"Ipv6CidrBlock":[{"Ipv6CidrBlock":"2001:db8::/56"}]}}"#,
        );
        let vpc = t.vpcs.get("vpc-1").unwrap();
        assert_eq!(vpc.support_ipv4_gateway, Some(true));
        assert_eq!(vpc.ipv4_gateway, Some(None));
        assert_eq!(vpc.vswitch_ids.as_ref().unwrap().len(), 2);
        assert_eq!(vpc.cens, Some(vec![Id::from("cen-1")]));
        assert_eq!(vpc.ipv6_cidrs.as_ref().unwrap().len(), 1);
        assert_eq!(vpc.meta.source.as_ref().unwrap().pointer(), "");
    }

    #[test]
    fn vswitches_of_both_products_and_of_the_detail_call() {
        let body = r#"{"VSwitches":{"VSwitch":[{"VSwitchId":"vsw-1","VSwitchName":"a","VpcId":"vpc-1",
            "CidrBlock":"192.168.XX.XX/24","ZoneId":"cn-hangzhou-b","AvailableIpAddressCount":251,
            "NetworkAclId":"","RouteTable":{"RouteTableId":"vtb-1","RouteTableType":"System"},
            "ShareType":""},{"VSwitchId":"vsw-2","RouteTable":""},{}]}}"#;
        for product in ["vpc", "ecs"] {
            let out = try_read(product, "DescribeVSwitches", &[], body).unwrap();
            assert_eq!((out.rows, out.unattached.len()), (3, 1));
            let t = out.topology;
            let vswitch = t.vswitches.get("vsw-1").unwrap();
            assert_eq!(vswitch.network_acl, Some(None));
            assert_eq!(vswitch.route_table.as_deref(), Some("vtb-1"));
            assert_eq!(vswitch.available_ips, Some(251));
            assert!(vswitch.cidr.as_ref().unwrap().symbol().is_some());
            assert_eq!(t.observations[0].kind, ObservationKind::Masked);
            assert_eq!(t.vswitches.get("vsw-2").unwrap().network_acl, None);
        }
        let t = read("DescribeVSwitchAttributes", r#"{"VSwitchId":"vsw-1","ShareType":"Shared"}"#);
        assert_eq!(t.vswitches.get("vsw-1").unwrap().share_type.as_deref(), Some("Shared"));
    }

    #[test]
    fn zones_tell_their_region() {
        let region = |zone: &str| region_of_zone(zone).map(|id| id.to_string());
        assert_eq!(region("cn-hangzhou-b").as_deref(), Some("cn-hangzhou"));
        assert_eq!(region("ap-southeast-1a").as_deref(), Some("ap-southeast-1"));
        for none in ["ap-southeast-1-lzdvn-cb", "cn-hangzhou", "b", ""] {
            assert_eq!(region(none), None, "{none}");
        }
    }

    #[test]
    fn virtual_routers_only_name_their_vpc() {
        let t = read(
            "DescribeVRouters",
            r#"{"VRouters":{"VRouter":[{"VRouterId":"vrt-1","VRouterName":"r","VpcId":"vpc-1"}]}}"#,
        );
        let vpc = t.vpcs.get("vpc-1").unwrap();
        assert_eq!(vpc.vrouter.as_deref(), Some("vrt-1"));
        assert_eq!(vpc.meta.name, None);
    }
}
