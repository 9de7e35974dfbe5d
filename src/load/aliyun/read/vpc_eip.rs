//! EIPs, bandwidth packages and HaVips (formats-api.md §4.2).

use serde::Deserialize;

use super::Api;
use super::vpc_common::{addr, ids, listing, without_id};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{
    BandwidthPackage, Eip, EipMode, EipTarget, HaVip, Listing, PackageAddress, Source,
};

pub(super) static APIS: &[Api] = &[
    Api { product: "vpc", name: "DescribeEipAddresses", listing: Listing::Eips, read: eips },
    Api { product: "ecs", name: "DescribeEipAddresses", listing: Listing::Eips, read: eips },
    Api {
        product: "vpc",
        name: "DescribeCommonBandwidthPackages",
        listing: Listing::BandwidthPackages,
        read: common_packages,
    },
    Api {
        product: "vpc",
        name: "DescribeBandwidthPackages",
        listing: Listing::NatBandwidthPackages,
        read: nat_packages,
    },
    Api {
        product: "ecs",
        name: "DescribeBandwidthPackages",
        listing: Listing::NatBandwidthPackages,
        read: nat_packages,
    },
    Api { product: "vpc", name: "DescribeHaVips", listing: Listing::HaVips, read: havips },
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct EipRow<'a> {
    #[serde(borrow)]
    allocation_id: Scalar<'a>,
    name: Scalar<'a>,
    ip_address: Scalar<'a>,
    status: Scalar<'a>,
    instance_type: Scalar<'a>,
    instance_id: Scalar<'a>,
    private_ip_address: Scalar<'a>,
    mode: Scalar<'a>,
    vpc_id: Scalar<'a>,
    business_status: Scalar<'a>,
    operation_locks: List<LockRow<'a>>,
    bandwidth_package_id: Scalar<'a>,
    bandwidth: Scalar<'a>,
    #[serde(rename = "ISP")]
    isp: Scalar<'a>,
    charge_type: Scalar<'a>,
    region_id: Scalar<'a>,
    tags: List<Tag<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct LockRow<'a> {
    #[serde(borrow)]
    lock_reason: Scalar<'a>,
}

listing!(eips, "EipAddresses", EipRow => add_eip);

fn add_eip(cx: &mut ReadContext<'_>, row: &EipRow<'_>, source: Source) {
    let Some(id) = row.allocation_id.id() else {
        return without_id(cx, "AllocationId", &source);
    };
    let mut eip = Eip::new(id);
    let common = Common {
        name: row.name.clone(),
        status: row.status.clone(),
        business_status: row.business_status.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut eip.meta, source, &common);
    eip.meta.tags = tags(&row.tags);
    eip.address = addr(cx, &eip, "address", &row.ip_address);
    eip.target_id = row.instance_id.stated_id();
    eip.target =
        row.instance_type.stated_text().map(|word| word.map(|word| EipTarget::from_text(&word)));
    // an EIP is unbound when the cloud says so in any of three ways
    let available = row.status.as_str().is_some_and(|s| s.eq_ignore_ascii_case("Available"));
    if eip.target_id.is_none() && (available || eip.target == Some(None)) {
        eip.target_id = Some(None);
    }
    if eip.target.is_none() && eip.target_id == Some(None) {
        eip.target = Some(None);
    }
    eip.private_address = addr(cx, &eip, "private_address", &row.private_ip_address);
    eip.mode = row.mode.as_str().map(EipMode::from_text);
    eip.vpc = row.vpc_id.id();
    eip.bandwidth_package = row.bandwidth_package_id.stated_id();
    eip.bandwidth = row.bandwidth.number();
    eip.isp = row.isp.text();
    eip.charge_type = row.charge_type.text();
    eip.locks = row.operation_locks.stated_some(|lock| lock.lock_reason.text());
    cx.add(eip);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PackageRow<'a> {
    #[serde(borrow)]
    bandwidth_package_id: Scalar<'a>,
    name: Scalar<'a>,
    status: Scalar<'a>,
    business_status: Scalar<'a>,
    region_id: Scalar<'a>,
    public_ip_addresses: List<PackageAddressRow<'a>>,
    bandwidth: Scalar<'a>,
    #[serde(rename = "ISP")]
    isp: Scalar<'a>,
    tags: List<Tag<'a>>,
    // shared packages
    zone: Scalar<'a>,
    // the NAT packages of 2016
    nat_gateway_id: Scalar<'a>,
    ip_count: Scalar<'a>,
    zone_id: Scalar<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PackageAddressRow<'a> {
    #[serde(borrow)]
    allocation_id: Scalar<'a>,
    ip_address: Scalar<'a>,
}

listing!(common_packages, "CommonBandwidthPackages", PackageRow => add_package);
listing!(
    /// NAT bandwidth packages; their addresses are not EIPs of the EIP listing.
    nat_packages, "BandwidthPackages", PackageRow => add_package
);

fn add_package(cx: &mut ReadContext<'_>, row: &PackageRow<'_>, source: Source) {
    let Some(id) = row.bandwidth_package_id.id() else {
        return without_id(cx, "BandwidthPackageId", &source);
    };
    let mut package = BandwidthPackage::new(id);
    let common = Common {
        name: row.name.clone(),
        status: row.status.clone(),
        business_status: row.business_status.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut package.meta, source, &common);
    package.meta.tags = tags(&row.tags);
    package.nat_gateway = row.nat_gateway_id.id();
    package.addresses = row.public_ip_addresses.stated_some(|member| {
        Some(PackageAddress {
            address: cx.addr(&package, "addresses", member.ip_address.as_str()?),
            eip: member.allocation_id.id(),
        })
    });
    package.bandwidth = row.bandwidth.number();
    package.ip_count = row.ip_count.number();
    package.isp = row.isp.text();
    package.zone = row.zone_id.text().or_else(|| row.zone.text());
    cx.add(package);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct HaVipRow<'a> {
    #[serde(borrow)]
    ha_vip_id: Scalar<'a>,
    name: Scalar<'a>,
    ip_address: Scalar<'a>,
    vpc_id: Scalar<'a>,
    v_switch_id: Scalar<'a>,
    status: Scalar<'a>,
    // the inner keys of these two begin in lower case
    associated_instances: List<Scalar<'a>>,
    associated_eip_addresses: List<Scalar<'a>>,
    master_instance_id: Scalar<'a>,
    region_id: Scalar<'a>,
    tags: List<Tag<'a>>,
}

listing!(havips, "HaVips", HaVipRow => add_havip);

fn add_havip(cx: &mut ReadContext<'_>, row: &HaVipRow<'_>, source: Source) {
    let Some(id) = row.ha_vip_id.id() else {
        return without_id(cx, "HaVipId", &source);
    };
    let mut havip = HaVip::new(id);
    let common = Common {
        name: row.name.clone(),
        status: row.status.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut havip.meta, source, &common);
    havip.meta.tags = tags(&row.tags);
    havip.vpc = row.vpc_id.id();
    havip.vswitch = row.v_switch_id.id();
    havip.address = addr(cx, &havip, "address", &row.ip_address);
    havip.members = ids(&row.associated_instances);
    havip.master = row.master_instance_id.stated_id();
    havip.eips = row
        .associated_eip_addresses
        .stated_some(|eip| Some(cx.addr(&havip, "eips", eip.as_str()?)));
    cx.add(havip);
}

#[cfg(test)]
mod tests {
    use super::super::vpc_common::testing::{read, try_read};
    use super::*;
    use crate::topology::Id;

    #[test]
    fn an_eip_is_bound_unbound_or_not_stated() {
        let body = r#"{"EipAddresses":{"EipAddress":[
            {"AllocationId":"eip-1","IpAddress":"203.0.113.7","Status":"InUse","InstanceType":"NetworkInterface",
             "InstanceId":"eni-1","PrivateIpAddress":"10.0.0.5","Mode":"BINDED","BandwidthPackageId":"",
             "Bandwidth":"5","ISP":"BGP","ChargeType":"PostPaid","OperationLocks":{"LockReason":[{"LockReason":"financial"}]}},
            {"AllocationId":"eip-2","InstanceId":"","InstanceType":"","OperationLocks":{"LockReason":[]}},
            {"AllocationId":"eip-3","Status":"Available"},
            {"AllocationId":"eip-4","Status":"InUse","HDMonitorStatus":"OFF","Descritpion":""}]}}"#;
        for product in ["vpc", "ecs"] {
            let t = try_read(product, "DescribeEipAddresses", &[], body).unwrap().topology;
            let eip = t.eips.get("eip-1").unwrap();
            assert_eq!(eip.target, Some(Some(EipTarget::Eni)));
            assert_eq!(eip.target_id, Some(Some(Id::from("eni-1"))));
            assert_eq!(eip.mode, Some(EipMode::Binded));
            assert_eq!(eip.bandwidth_package, Some(None));
            assert_eq!(eip.bandwidth, Some(5));
            assert_eq!(eip.locks.as_ref().unwrap()[0].as_ref(), "financial");
            assert_eq!(eip.meta.source.as_ref().unwrap().pointer(), "/EipAddresses/EipAddress/0");
            for unbound in ["eip-2", "eip-3"] {
                let eip = t.eips.get(unbound).unwrap();
                assert_eq!((eip.target.clone(), eip.target_id.clone()), (Some(None), Some(None)));
            }
            assert_eq!(t.eips.get("eip-2").unwrap().locks, Some(vec![]));
            let bare = t.eips.get("eip-4").unwrap();
            assert_eq!((bare.target.clone(), bare.target_id.clone()), (None, None));
            assert_eq!(bare.locks, None);
        }
    }

    #[test]
    fn packages_of_both_generations() {
        let t = read(
            "DescribeCommonBandwidthPackages",
            r#"{"CommonBandwidthPackages":{"CommonBandwidthPackage":[{"BandwidthPackageId":"cbwp-1",
              "Bandwidth":"20","PublicIpAddresses":{"PublicIpAddresse":[{"AllocationId":"eip-1","IpAddress":"203.0.113.7"}]}}]}}"#,
        );
        let package = t.bandwidth_packages.get("cbwp-1").unwrap();
        assert_eq!(package.nat_gateway, None);
        assert_eq!(package.addresses.as_ref().unwrap()[0].eip.as_deref(), Some("eip-1"));
        let body = r#"{"BandwidthPackages":{"BandwidthPackage":[{"BandwidthPackageId":"bwp-1","NatGatewayId":"ngw-1",
            "IpCount":"1","ZoneId":"cn-shanghai-a","PublicIpAddresses":{"PublicIpAddresse":[
            {"AllocationId":"nateip-1","IpAddress":"139.xxx.xx.1"}]}}]}}"#;
        for product in ["vpc", "ecs"] {
            let t = try_read(product, "DescribeBandwidthPackages", &[], body).unwrap().topology;
            let package = t.bandwidth_packages.get("bwp-1").unwrap();
            assert_eq!(package.nat_gateway.as_deref(), Some("ngw-1"));
            assert_eq!(
                (package.ip_count, package.zone.as_deref()),
                (Some(1), Some("cn-shanghai-a"))
            );
            assert!(package.addresses.as_ref().unwrap()[0].address.symbol().is_some());
        }
    }

    #[test]
    fn inner_keys_of_a_havip_begin_in_lower_case() {
        let t = read(
            "DescribeHaVips",
            r#"{"HaVips":{"HaVip":[{"HaVipId":"havip-1","IpAddress":"10.0.0.50","VSwitchId":"vsw-1",
              "AssociatedInstances":{"associatedInstance":["i-1","i-2"]},
              "AssociatedEipAddresses":{"associatedEipAddresse":["203.0.113.9"]},"MasterInstanceId":""}]}}"#,
        );
        let havip = t.havips.get("havip-1").unwrap();
        assert_eq!(havip.members.as_ref().unwrap().len(), 2);
        assert_eq!(havip.eips.as_ref().unwrap()[0].to_string(), "203.0.113.9");
        assert_eq!(havip.master, Some(None));
        assert_eq!(havip.vpc, None);
    }
}
