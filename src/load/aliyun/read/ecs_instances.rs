//! Instances, ENIs and ClassicLink (formats-api.md §4.4).

use super::Api;
use super::shared::{as_detail, ids, row};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Object, Scalar};
use crate::topology::{
    AddrValue, AssociatedPublicIp, CidrValue, Eni, EniType, Instance, InstanceEip, Listing,
    NetworkType, PrivateIp, Source, Text,
};

pub(super) static APIS: &[Api] = &[
    Api { product: "ecs", name: "DescribeInstances", listing: Listing::Instances, read: instances },
    Api { product: "ecs", name: "DescribeNetworkInterfaces", listing: Listing::Enis, read: enis },
    Api {
        product: "ecs",
        name: "DescribeClassicLinkInstances",
        listing: Listing::ClassicLinks,
        read: classic_links,
    },
];

row! {
    InstancesBody<'a> {
        instances: List<InstanceRow<'a>>,
    }
}

row! {
    InstanceRow<'a> {
        instance_id: Scalar<'a>,
        instance_name: Scalar<'a>,
        status: Scalar<'a>,
        instance_network_type: Scalar<'a>,
        region_id: Scalar<'a>,
        zone_id: Scalar<'a>,
        public_ip_address: List<Scalar<'a>>,
        inner_ip_address: List<Scalar<'a>>,
        eip_address: Object<EipRow<'a>>,
        vpc_attributes: Object<VpcAttributesRow<'a>>,
        network_interfaces: List<InstanceEniRow<'a>>,
        security_group_ids: List<Scalar<'a>>,
        internet_max_bandwidth_out: Scalar<'a>,
        stopped_mode: Scalar<'a>,
        instance_charge_type: Scalar<'a>,
        tags: List<Tag<'a>>,
    }
}

row! {
    EipRow<'a> {
        ip_address: Scalar<'a>,
        allocation_id: Scalar<'a>,
    }
}

row! {
    VpcAttributesRow<'a> {
        vpc_id: Scalar<'a>,
        #[serde(alias = "VswitchId")]
        v_switch_id: Scalar<'a>,
        private_ip_address: List<Scalar<'a>>,
    }
}

row! {
    InstanceEniRow<'a> {
        network_interface_id: Scalar<'a>,
        #[serde(rename = "Type")]
        eni_type: Scalar<'a>,
        primary_ip_address: Scalar<'a>,
        private_ip_sets: List<PrivateIpRow<'a>>,
        ipv6_sets: List<Ipv6Row<'a>>,
        ipv4_prefix_sets: List<PrefixRow<'a>>,
    }
}

row! {
    PrivateIpRow<'a> {
        private_ip_address: Scalar<'a>,
        primary: Scalar<'a>,
        associated_public_ip: Object<PublicIpRow<'a>>,
    }
}

row! {
    PublicIpRow<'a> {
        public_ip_address: Scalar<'a>,
        allocation_id: Scalar<'a>,
    }
}

row! {
    Ipv6Row<'a> {
        ipv6_address: Scalar<'a>,
    }
}

row! {
    PrefixRow<'a> {
        ipv4_prefix: Scalar<'a>,
    }
}

fn instances(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: InstancesBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Instances", &body.instances);
    cx.count(&body.instances);
    for (n, row) in body.instances.iter().enumerate() {
        let source = sources.at(n);
        let Some(instance) = instance(row, source.clone(), cx) else { continue };
        for row in &row.network_interfaces {
            instance_eni(row, &instance, source.clone(), cx);
        }
        cx.add(instance);
    }
    Ok(())
}

fn instance(row: &InstanceRow<'_>, source: Source, cx: &mut ReadContext<'_>) -> Option<Instance> {
    let mut instance = Instance::new(row.instance_id.id()?);
    let common = Common {
        name: row.instance_name.clone(),
        status: row.status.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut instance.meta, source, &common);
    instance.meta.tags = tags(&row.tags);
    instance.role = instance.meta.tag("role").map(Text::from);
    if let Some(vpc) = row.vpc_attributes.get() {
        instance.vpc = vpc.vpc_id.id();
        instance.vswitch = vpc.v_switch_id.id();
    }
    instance.zone = row.zone_id.text();
    instance.network = row.instance_network_type.as_str().map(NetworkType::from_text);
    instance.private_ips = private_ips(row, &instance, cx);
    instance.eip = row.eip_address.is_stated().then(|| {
        let eip = row.eip_address.get()?;
        let address = cx.addr(&instance, "eip", eip.ip_address.as_str()?);
        Some(InstanceEip { address, eip: eip.allocation_id.id() })
    });
    // documented samples print the EIP in both places; it is one address (egress.md, field notes)
    let eip = instance.eip.as_ref().and_then(Option::as_ref).map(|eip| &eip.address);
    instance.public_ips = row.public_ip_address.stated_some(|text| {
        let address = cx.addr(&instance, "public_ips", text.as_str()?);
        (Some(&address) != eip).then_some(address)
    });
    instance.security_groups = ids(&row.security_group_ids);
    instance.enis = row.network_interfaces.stated_some(|eni| eni.network_interface_id.id());
    instance.stopped_mode = row.stopped_mode.text();
    instance.charge_type = row.instance_charge_type.text();
    instance.internet_max_bandwidth_out = row.internet_max_bandwidth_out.number();
    Some(instance)
}

/// Private addresses of the primary ENI: from `VpcAttributes`, else from the ENI itself, else the
/// classic network's.
fn private_ips(
    row: &InstanceRow<'_>,
    instance: &Instance,
    cx: &mut ReadContext<'_>,
) -> Option<Vec<AddrValue>> {
    let mut read = |text: &Scalar<'_>| Some(cx.addr(instance, "private_ips", text.as_str()?));
    let vpc = row.vpc_attributes.get();
    let listed = vpc.and_then(|vpc| vpc.private_ip_address.stated_some(&mut read));
    if listed.as_ref().is_some_and(|ips| !ips.is_empty()) {
        return listed;
    }
    let primary = row
        .network_interfaces
        .iter()
        .find(|eni| eni.eni_type.as_str().map(EniType::from_text) == Some(EniType::Primary));
    if let Some(eni) = primary {
        let ips = ordered_ips(&eni.private_ip_sets, &eni.primary_ip_address);
        if !ips.is_empty() {
            return Some(ips.iter().filter_map(|ip| read(ip.address)).collect());
        }
    }
    row.inner_ip_address.stated_some(&mut read).filter(|ips| !ips.is_empty()).or(listed)
}

/// A private address of an ENI before it is read.
struct StatedIp<'r, 'a> {
    address: &'r Scalar<'a>,
    primary: Option<bool>,
    row: Option<&'r PrivateIpRow<'a>>,
}

/// The addresses of an ENI, the primary one first.
fn ordered_ips<'r, 'a>(
    sets: &'r List<PrivateIpRow<'a>>,
    primary_ip: &'r Scalar<'a>,
) -> Vec<StatedIp<'r, 'a>> {
    let mut ips: Vec<_> = sets
        .iter()
        .filter(|row| row.private_ip_address.as_str().is_some())
        .map(|row| {
            let address = &row.private_ip_address;
            let by_address = primary_ip.as_str().map(|ip| Some(ip) == address.as_str());
            StatedIp { address, primary: row.primary.bool().or(by_address), row: Some(row) }
        })
        .collect();
    if ips.is_empty() && primary_ip.as_str().is_some() {
        ips.push(StatedIp { address: primary_ip, primary: Some(true), row: None });
    }
    ips.sort_by_key(|ip| ip.primary != Some(true));
    ips
}

/// An ENI as its instance names it. What the instance does not say about it stays open, so that the
/// ENI's own row can.
fn instance_eni(
    row: &InstanceEniRow<'_>,
    instance: &Instance,
    source: Source,
    cx: &mut ReadContext<'_>,
) {
    let Some(id) = row.network_interface_id.id() else { return };
    let mut eni = Eni::new(id);
    eni.meta.source = Some(source);
    eni.meta.account = instance.meta.account.clone();
    eni.meta.region = instance.meta.region.clone();
    as_detail(&mut eni.meta);
    eni.eni_type = row.eni_type.as_str().map(EniType::from_text);
    eni.instance = Some(Some(instance.meta.id.clone()));
    eni.vpc = instance.vpc.clone();
    if eni.eni_type == Some(EniType::Primary) {
        eni.vswitch = instance.vswitch.clone();
        eni.zone = instance.zone.clone();
    }
    let ips = ordered_ips(&row.private_ip_sets, &row.primary_ip_address);
    eni.private_ips = (!ips.is_empty()).then(|| {
        let read = |ip: &StatedIp<'_, '_>| {
            let address = cx.addr(&eni, "private_ips", ip.address.as_str()?);
            Some(PrivateIp { address, primary: ip.primary, public_ip: None })
        };
        ips.iter().filter_map(read).collect()
    });
    eni.ipv6_ips = ipv6_ips(&row.ipv6_sets, &eni, cx);
    eni.ipv4_prefixes = ipv4_prefixes(&row.ipv4_prefix_sets, &eni, cx);
    cx.add(eni);
}

fn ipv6_ips(
    list: &List<Ipv6Row<'_>>,
    eni: &Eni,
    cx: &mut ReadContext<'_>,
) -> Option<Vec<AddrValue>> {
    list.stated_some(|row| Some(cx.addr(eni, "ipv6_ips", row.ipv6_address.as_str()?)))
}

fn ipv4_prefixes(
    list: &List<PrefixRow<'_>>,
    eni: &Eni,
    cx: &mut ReadContext<'_>,
) -> Option<Vec<CidrValue>> {
    list.stated_some(|row| Some(cx.cidr(eni, "ipv4_prefixes", row.ipv4_prefix.as_str()?)))
}

row! {
    EnisBody<'a> {
        network_interface_sets: List<EniRow<'a>>,
    }
}

row! {
    EniRow<'a> {
        network_interface_id: Scalar<'a>,
        network_interface_name: Scalar<'a>,
        #[serde(rename = "Type")]
        eni_type: Scalar<'a>,
        status: Scalar<'a>,
        instance_id: Scalar<'a>,
        vpc_id: Scalar<'a>,
        v_switch_id: Scalar<'a>,
        zone_id: Scalar<'a>,
        private_ip_address: Scalar<'a>,
        private_ip_sets: List<PrivateIpRow<'a>>,
        associated_public_ip: Object<PublicIpRow<'a>>,
        ipv6_sets: List<Ipv6Row<'a>>,
        ipv4_prefix_sets: List<PrefixRow<'a>>,
        security_group_ids: List<Scalar<'a>>,
        service_managed: Scalar<'a>,
        source_dest_check: Scalar<'a>,
        owner_id: Scalar<'a>,
        tags: List<Tag<'a>>,
    }
}

fn enis(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: EnisBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/NetworkInterfaceSets", &body.network_interface_sets);
    cx.count(&body.network_interface_sets);
    for (n, row) in body.network_interface_sets.iter().enumerate() {
        let Some(id) = row.network_interface_id.id() else { continue };
        let mut eni = Eni::new(id);
        let common = Common {
            name: row.network_interface_name.clone(),
            status: row.status.clone(),
            owner: row.owner_id.clone(),
            ..Common::default()
        };
        cx.fill(&mut eni.meta, sources.at(n), &common);
        eni.meta.tags = tags(&row.tags);
        eni.eni_type = row.eni_type.as_str().map(EniType::from_text);
        eni.instance = row.instance_id.stated_id();
        eni.vpc = row.vpc_id.id();
        eni.vswitch = row.v_switch_id.id();
        eni.zone = row.zone_id.text();
        eni.private_ips = eni_ips(row, &eni, cx);
        eni.ipv6_ips = ipv6_ips(&row.ipv6_sets, &eni, cx);
        eni.ipv4_prefixes = ipv4_prefixes(&row.ipv4_prefix_sets, &eni, cx);
        eni.security_groups = ids(&row.security_group_ids);
        eni.service_managed = row.service_managed.bool();
        eni.source_dest_check = row.source_dest_check.bool();
        cx.add(eni);
    }
    Ok(())
}

/// The addresses of an ENI with their public ones. The ENI's own `AssociatedPublicIp` is that of the
/// primary address.
fn eni_ips(row: &EniRow<'_>, eni: &Eni, cx: &mut ReadContext<'_>) -> Option<Vec<PrivateIp>> {
    let stated = row.private_ip_sets.is_stated() || row.private_ip_address.is_stated();
    stated.then(|| {
        let read = |ip: StatedIp<'_, '_>| {
            let address = cx.addr(eni, "private_ips", ip.address.as_str()?);
            let mut public_ip =
                ip.row.and_then(|row| public_ip(&row.associated_public_ip, eni, cx));
            if public_ip.is_none() && ip.primary == Some(true) {
                public_ip = self::public_ip(&row.associated_public_ip, eni, cx);
            }
            Some(PrivateIp { address, primary: ip.primary, public_ip })
        };
        let ips = ordered_ips(&row.private_ip_sets, &row.private_ip_address);
        ips.into_iter().filter_map(read).collect()
    })
}

fn public_ip(
    object: &Object<PublicIpRow<'_>>,
    eni: &Eni,
    cx: &mut ReadContext<'_>,
) -> Option<Option<AssociatedPublicIp>> {
    object.is_stated().then(|| {
        let row = object.get()?;
        let address = cx.addr(eni, "private_ips", row.public_ip_address.as_str()?);
        Some(AssociatedPublicIp { address, eip: row.allocation_id.id() })
    })
}

row! {
    LinksBody<'a> {
        links: List<LinkRow<'a>>,
    }
}

row! {
    LinkRow<'a> {
        instance_id: Scalar<'a>,
        vpc_id: Scalar<'a>,
    }
}

fn classic_links(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: LinksBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Links", &body.links);
    cx.count(&body.links);
    for (n, row) in body.links.iter().enumerate() {
        let Some(id) = row.instance_id.id() else { continue };
        let mut instance = Instance::new(id);
        cx.fill(&mut instance.meta, sources.at(n), &Common::default());
        as_detail(&mut instance.meta);
        instance.classic_link_vpc = row.vpc_id.id();
        cx.add(instance);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::load::aliyun::read::testing::read;

    const INSTANCES: &str = r#"{"TotalCount":1,"Instances":{"Instance":[{
        "InstanceId":"i-1","InstanceName":"web","Status":"Running","InstanceNetworkType":"vpc",
        "RegionId":"cn-hangzhou","ZoneId":"cn-hangzhou-b","InternetMaxBandwidthOut":"5",
        "PublicIpAddress":{"IpAddress":["203.0.113.7","203.0.113.8"]},
        "EipAddress":{"IpAddress":"203.0.113.7","AllocationId":"eip-1"},
        "VpcAttributes":{"VpcId":"vpc-1","VSwitchId":"vsw-1","PrivateIpAddress":{"IpAddress":[]}},
        "NetworkInterfaces":{"NetworkInterface":[
          {"NetworkInterfaceId":"eni-1","Type":"Primary","PrimaryIpAddress":"10.0.0.5","PrivateIpSets":
            {"PrivateIpSet":[{"PrivateIpAddress":"10.0.0.9","Primary":false},
                             {"PrivateIpAddress":"10.0.0.5","Primary":true}]}},
          {"NetworkInterfaceId":"eni-2","Type":"Secondary","PrimaryIpAddress":"10.0.1.5"}]},
        "SecurityGroupIds":{"SecurityGroupId":["sg-1"]},
        "Tags":{"Tag":[{"TagKey":"role","TagValue":"nat"}]}},
        {"InstanceId":"i-2","EipAddress":{"IpAddress":"","AllocationId":""}}]}}"#;

    #[test]
    fn an_instance_brings_its_enis() {
        let (topology, cx) = read("ecs", "DescribeInstances", INSTANCES, &[]);
        assert_eq!(cx.rows, 2);
        let web = topology.instances.get("i-1").unwrap();
        assert_eq!(web.vpc.as_deref(), Some("vpc-1"));
        let ips: Vec<_> = web.private_ips.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(ips, ["10.0.0.5", "10.0.0.9"], "from the primary ENI, primary first");
        assert_eq!(web.eip.clone().unwrap().unwrap().eip.as_deref(), Some("eip-1"));
        let public: Vec<_> = web.public_ips.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(public, ["203.0.113.8"], "the EIP is not a second address");
        assert_eq!(web.role.as_deref(), Some("nat"));
        assert_eq!(web.internet_max_bandwidth_out, Some(5));
        assert_eq!(web.meta.source.as_ref().unwrap().pointer(), "/Instances/Instance/0");
        assert_eq!(topology.instances.get("i-2").unwrap().eip, Some(None));
        assert_eq!(topology.instances.get("i-2").unwrap().public_ips, None);

        let primary = topology.enis.get("eni-1").unwrap();
        assert_eq!(primary.vswitch.as_deref(), Some("vsw-1"));
        assert_eq!(primary.private_ips.as_ref().unwrap()[0].primary, Some(true));
        assert_eq!(primary.private_ips.as_ref().unwrap()[0].public_ip, None);
        let secondary = topology.enis.get("eni-2").unwrap();
        assert_eq!(secondary.vswitch, None, "the instance does not say it");
        assert_eq!(secondary.instance.clone().unwrap().as_deref(), Some("i-1"));
    }

    #[test]
    fn enis_state_public_addresses_per_private_address() {
        let body = r#"{"NetworkInterfaceSets":{"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-1",
            "Type":"Primary","Status":"InUse","InstanceId":"","VpcId":"vpc-1","VSwitchId":"vsw-1",
            "PrivateIpAddress":"10.0.0.5","ServiceManaged":"false","OwnerId":253460731706911258,
            "AssociatedPublicIp":{},"PrivateIpSets":{"PrivateIpSet":[
              {"PrivateIpAddress":"10.0.0.9","Primary":false,"AssociatedPublicIp":
                {"PublicIpAddress":"203.0.113.9","AllocationId":"eip-9"}},
              {"PrivateIpAddress":"10.0.0.5","Primary":true}]},
            "Ipv6Sets":{"Ipv6Set":[{"Ipv6Address":"2001:db8::1"}]}}]}}"#;
        let (topology, _) = read("ecs", "DescribeNetworkInterfaces", body, &[]);
        let eni = topology.enis.get("eni-1").unwrap();
        assert_eq!(eni.instance, Some(None));
        assert_eq!(eni.meta.account.as_deref(), Some("253460731706911258"));
        assert_eq!(eni.service_managed, Some(false));
        let ips = eni.private_ips.as_ref().unwrap();
        assert_eq!(ips[0].address.to_string(), "10.0.0.5");
        assert_eq!(ips[0].public_ip, Some(None));
        assert_eq!(ips[1].public_ip.clone().unwrap().unwrap().eip.as_deref(), Some("eip-9"));
        assert_eq!(eni.ipv6_ips.as_ref().unwrap().len(), 1);
        assert_eq!(
            eni.meta.source.as_ref().unwrap().pointer(),
            "/NetworkInterfaceSets/NetworkInterfaceSet/0"
        );
    }

    #[test]
    fn classic_links_join_the_instance() {
        let body = r#"{"Links":{"Link":{"InstanceId":"i-1","VpcId":"vpc-9"}}}"#;
        let (topology, _) = read("ecs", "DescribeClassicLinkInstances", body, &[]);
        let instance = topology.instances.get("i-1").unwrap();
        assert_eq!(instance.classic_link_vpc.as_deref(), Some("vpc-9"));
        assert_eq!(instance.meta.source.as_ref().unwrap().pointer(), "/Links/Link");
    }
}
