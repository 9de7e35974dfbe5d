//! Network ACLs (formats-api.md §4.2).

use serde::Deserialize;

use super::Api;
use super::vpc_common::{cidr, id_or_param, listing, without_id};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Object, Scalar};
use crate::topology::{
    FileId, FilterProtocol, Listing, NetworkAcl, NetworkAclEntry, Policy, PortSpec, ReadAt, Source,
    Text,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "vpc",
        name: "DescribeNetworkAcls",
        listing: Listing::NetworkAcls,
        read: network_acls,
    },
    Api {
        product: "vpc",
        name: "DescribeNetworkAclAttributes",
        listing: Listing::NetworkAclAttributes,
        read: network_acl_attributes,
    },
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct AclRow<'a> {
    #[serde(borrow)]
    network_acl_id: Scalar<'a>,
    network_acl_name: Scalar<'a>,
    vpc_id: Scalar<'a>,
    status: Scalar<'a>,
    region_id: Scalar<'a>,
    owner_id: Scalar<'a>,
    resources: List<ResourceRow<'a>>,
    ingress_acl_entries: List<EntryRow<'a>>,
    egress_acl_entries: List<EntryRow<'a>>,
    tags: List<Tag<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ResourceRow<'a> {
    #[serde(borrow)]
    resource_id: Scalar<'a>,
    resource_type: Scalar<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct EntryRow<'a> {
    #[serde(borrow)]
    network_acl_entry_id: Scalar<'a>,
    network_acl_entry_name: Scalar<'a>,
    policy: Scalar<'a>,
    protocol: Scalar<'a>,
    source_cidr_ip: Scalar<'a>,
    destination_cidr_ip: Scalar<'a>,
    port: Scalar<'a>,
    ip_version: Scalar<'a>,
    entry_type: Scalar<'a>,
}

listing!(network_acls, "NetworkAcls", AclRow => add_acl);

/// The detail call, whose object stands under a key of its own.
fn network_acl_attributes(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(rename = "NetworkAclAttribute", default, borrow)]
        acl: Object<AclRow<'a>>,
    }
    let body: Body<'_> = serde_json::from_str(body)?;
    if let Some(row) = body.acl.get() {
        cx.rows = 1;
        let source = cx.source("/NetworkAclAttribute");
        add_acl(cx, row, source);
    }
    Ok(())
}

fn add_acl(cx: &mut ReadContext<'_>, row: &AclRow<'_>, source: Source) {
    let Some(id) = id_or_param(cx, &[&row.network_acl_id], "NetworkAclId") else {
        return without_id(cx, "NetworkAclId", &source);
    };
    let mut acl = NetworkAcl::new(id);
    let common = Common {
        name: row.network_acl_name.clone(),
        status: row.status.clone(),
        owner: row.owner_id.clone(),
        region: row.region_id.clone(),
        ..Common::default()
    };
    let places = |list: &List<EntryRow<'_>>, key: &str| Places {
        file: source.file,
        base: Text::from(format!("{}/{}", source.pointer(), list.pointer(key))),
        single: list.is_collapsed(),
        next: 0,
    };
    let mut into = places(&row.ingress_acl_entries, "IngressAclEntries");
    let mut out_of = places(&row.egress_acl_entries, "EgressAclEntries");
    cx.fill(&mut acl.meta, source, &common);
    acl.meta.tags = tags(&row.tags);
    acl.vpc = row.vpc_id.id();
    acl.vswitches = row.resources.stated_some(|of| {
        let other = of.resource_type.as_str().is_some_and(|t| !t.eq_ignore_ascii_case("VSwitch"));
        if other { None } else { of.resource_id.id() }
    });
    acl.ingress = row
        .ingress_acl_entries
        .stated(|e| entry(cx, &acl, "ingress", e, &e.source_cidr_ip, into.take()));
    acl.egress = row
        .egress_acl_entries
        .stated(|e| entry(cx, &acl, "egress", e, &e.destination_cidr_ip, out_of.take()));
    cx.add(acl);
}

/// Places of the entries of a list, one after the other.
struct Places {
    file: FileId,
    base: Text,
    /// The one entry stands without brackets.
    single: bool,
    next: u32,
}

impl Places {
    fn take(&mut self) -> ReadAt {
        let index = (!self.single).then_some(self.next);
        self.next = self.next.saturating_add(1);
        ReadAt(Some(Source { file: self.file, base: self.base.clone(), index }))
    }
}

fn entry(
    cx: &mut ReadContext<'_>,
    acl: &NetworkAcl,
    field: &'static str,
    row: &EntryRow<'_>,
    block: &Scalar<'_>,
    read_at: ReadAt,
) -> NetworkAclEntry {
    NetworkAclEntry {
        id: row.network_acl_entry_id.id(),
        policy: row.policy.as_str().map(Policy::from_text),
        protocol: row.protocol.as_str().map(FilterProtocol::from_text),
        cidr: cidr(cx, acl, field, block),
        ports: row.port.as_str().map(PortSpec::from_text),
        entry_type: row.entry_type.text(),
        ip_version: row.ip_version.text(),
        name: row.network_acl_entry_name.text(),
        read_at,
    }
}

#[cfg(test)]
mod tests {
    use super::super::vpc_common::testing::read;
    use super::*;
    use crate::topology::Id;

    #[test]
    fn entries_keep_their_order_and_lose_their_tabs() {
        let acl = r#"{"NetworkAclId":"nacl-1","NetworkAclName":"a","VpcId":"vpc-1","Status":"Available",
            "Resources":{"Resource":[{"ResourceId":"vsw-1","ResourceType":"VSwitch","Status":"BINDED"}]},
            "IngressAclEntries":{"IngressAclEntry":[
              {"NetworkAclEntryId":"nae-1\t","Policy":"drop\t","Protocol":"tcp\t","SourceCidrIp":"10.0.0.0/24\t","Port":"22/22\t","IpVersion":"IPV4"},
              {"NetworkAclEntryId":"nae-2","Policy":"accept","Protocol":"all","SourceCidrIp":"0.0.0.0/0","Port":"-1/-1","EntryType":"custom"}]},
            "EgressAclEntries":{"EgressAclEntry":[]}}"#;
        let list = format!(r#"{{"NetworkAcls":{{"NetworkAcl":[{acl}]}},"TotalCount":"1"}}"#);
        let detail = format!(r#"{{"NetworkAclAttribute":{acl}}}"#);
        for (name, body, pointer) in [
            ("DescribeNetworkAcls", list, "/NetworkAcls/NetworkAcl/0"),
            ("DescribeNetworkAclAttributes", detail, "/NetworkAclAttribute"),
        ] {
            let t = read(name, &body);
            let acl = t.network_acls.get("nacl-1").unwrap();
            assert_eq!(acl.vswitches, Some(vec![Id::from("vsw-1")]));
            assert_eq!(acl.egress, Some(vec![]));
            let ingress = acl.ingress.as_ref().unwrap();
            assert_eq!(ingress[0].id.as_deref(), Some("nae-1"));
            assert_eq!(ingress[0].policy, Some(Policy::Drop));
            assert_eq!(ingress[0].cidr.as_ref().unwrap().to_string(), "10.0.0.0/24");
            assert_eq!(ingress[0].ports, Some(PortSpec::Range(22, 22)));
            assert_eq!(ingress[1].ports, Some(PortSpec::All));
            assert_eq!(ingress[1].protocol, Some(FilterProtocol::All));
            assert_eq!(acl.meta.source.as_ref().unwrap().pointer(), pointer);
            let at = ingress[1].read_at.0.as_ref().unwrap().pointer();
            assert_eq!(at, format!("{pointer}/IngressAclEntries/IngressAclEntry/1"));
        }
    }
}
