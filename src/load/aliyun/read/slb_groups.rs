//! Server groups and access control lists of CLB (formats-api.md §4.5).

use super::Api;
use super::shared::{as_detail, lost, parent, row};
use super::slb::{ServerRow, backend};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{AccessList, Id, Listing, LoadBalancerType, ServerGroup, Source, Text};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "slb",
        name: "DescribeVServerGroups",
        listing: Listing::ClbServerGroups,
        read: server_groups,
    },
    Api {
        product: "slb",
        name: "DescribeVServerGroupAttribute",
        listing: Listing::ClbServerGroupMembers,
        read: server_group_attribute,
    },
    Api {
        product: "slb",
        name: "DescribeMasterSlaveServerGroups",
        listing: Listing::ClbMasterSlaveGroups,
        read: master_slave_groups,
    },
    Api {
        product: "slb",
        name: "DescribeMasterSlaveServerGroupAttribute",
        listing: Listing::ClbMasterSlaveMembers,
        read: master_slave_group_attribute,
    },
    Api {
        product: "slb",
        name: "DescribeAccessControlLists",
        listing: Listing::ClbAccessLists,
        read: access_lists,
    },
    Api {
        product: "slb",
        name: "DescribeAccessControlListAttribute",
        listing: Listing::ClbAccessListEntries,
        read: access_list_entries,
    },
];

row! {
    GroupsBody<'a> {
        #[serde(alias = "MasterSlaveServerGroups")]
        v_server_groups: List<GroupRow<'a>>,
    }
}

row! {
    GroupRow<'a> {
        #[serde(alias = "MasterSlaveServerGroupId")]
        v_server_group_id: Scalar<'a>,
        #[serde(alias = "MasterSlaveServerGroupName")]
        v_server_group_name: Scalar<'a>,
        load_balancer_id: Scalar<'a>,
        #[serde(alias = "MasterSlaveBackendServers")]
        backend_servers: List<ServerRow<'a>>,
        tags: List<Tag<'a>>,
    }
}

/// The two kinds of server groups of a CLB, which differ in names only.
struct Flavour {
    list: &'static str,
    id: &'static str,
    group_type: Option<&'static str>,
}

const SERVER_GROUP: Flavour =
    Flavour { list: "/VServerGroups", id: "VServerGroupId", group_type: None };
const MASTER_SLAVE: Flavour = Flavour {
    list: "/MasterSlaveServerGroups",
    id: "MasterSlaveServerGroupId",
    group_type: Some("MasterSlave"),
};

fn server_groups(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    groups(body, &SERVER_GROUP, cx)
}

fn master_slave_groups(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    groups(body, &MASTER_SLAVE, cx)
}

fn server_group_attribute(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    group_attribute(body, &SERVER_GROUP, cx)
}

fn master_slave_group_attribute(
    body: &str,
    cx: &mut ReadContext<'_>,
) -> Result<(), serde_json::Error> {
    group_attribute(body, &MASTER_SLAVE, cx)
}

/// The load balancer comes from the request; without it, it comes from the group's own detail call.
fn groups(
    body: &str,
    flavour: &Flavour,
    cx: &mut ReadContext<'_>,
) -> Result<(), serde_json::Error> {
    let body: GroupsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources(flavour.list, &body.v_server_groups);
    cx.count(&body.v_server_groups);
    for (n, row) in body.v_server_groups.iter().enumerate() {
        let Some(id) = row.v_server_group_id.id() else { continue };
        let group = group(id, row, flavour, sources.at(n), cx);
        cx.add(group);
    }
    Ok(())
}

fn group_attribute(
    body: &str,
    flavour: &Flavour,
    cx: &mut ReadContext<'_>,
) -> Result<(), serde_json::Error> {
    let row: GroupRow<'_> = serde_json::from_str(body)?;
    cx.count(&row.backend_servers);
    let Some(id) = parent(cx, &row.v_server_group_id, flavour.id) else {
        lost(cx, row.backend_servers.len(), flavour.id);
        return Ok(());
    };
    let mut group = group(id, &row, flavour, cx.source(""), cx);
    as_detail(&mut group.meta);
    cx.add(group);
    Ok(())
}

fn group(
    id: Id,
    row: &GroupRow<'_>,
    flavour: &Flavour,
    source: Source,
    cx: &mut ReadContext<'_>,
) -> ServerGroup {
    let mut group = ServerGroup::new(id);
    let common = Common { name: row.v_server_group_name.clone(), ..Common::default() };
    cx.fill(&mut group.meta, source, &common);
    group.meta.tags = tags(&row.tags);
    group.lb_type = Some(LoadBalancerType::Clb);
    group.load_balancer = parent(cx, &row.load_balancer_id, "LoadBalancerId");
    group.group_type = flavour.group_type.map(Text::from);
    group.backends = row.backend_servers.stated(|server| backend(server, &group, "backends", cx));
    group
}

row! {
    AccessListsBody<'a> {
        acls: List<AccessListRow<'a>>,
    }
}

row! {
    AccessListRow<'a> {
        acl_id: Scalar<'a>,
        acl_name: Scalar<'a>,
        acl_entrys: List<AclEntryRow<'a>>,
        tags: List<Tag<'a>>,
    }
}

row! {
    AclEntryRow<'a> {
        #[serde(rename = "AclEntryIP")]
        cidr: Scalar<'a>,
    }
}

fn access_lists(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: AccessListsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Acls", &body.acls);
    cx.count(&body.acls);
    for (n, row) in body.acls.iter().enumerate() {
        let Some(id) = row.acl_id.id() else { continue };
        let list = access_list(id, row, sources.at(n), cx);
        cx.add(list);
    }
    Ok(())
}

fn access_list_entries(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let row: AccessListRow<'_> = serde_json::from_str(body)?;
    cx.count(&row.acl_entrys);
    let Some(id) = parent(cx, &row.acl_id, "AclId") else {
        lost(cx, row.acl_entrys.len(), "AclId");
        return Ok(());
    };
    let mut list = access_list(id, &row, cx.source(""), cx);
    as_detail(&mut list.meta);
    cx.add(list);
    Ok(())
}

fn access_list(
    id: Id,
    row: &AccessListRow<'_>,
    source: Source,
    cx: &mut ReadContext<'_>,
) -> AccessList {
    let mut list = AccessList::new(id);
    let common = Common { name: row.acl_name.clone(), ..Common::default() };
    cx.fill(&mut list.meta, source, &common);
    list.meta.tags = tags(&row.tags);
    list.lb_type = Some(LoadBalancerType::Clb);
    list.entries =
        row.acl_entrys.stated_some(|entry| Some(cx.cidr(&list, "entries", entry.cidr.as_str()?)));
    list
}

#[cfg(test)]
mod tests {
    use crate::load::aliyun::read::testing::{read, read_all};
    use crate::topology::BackendType;

    #[test]
    fn groups_get_their_load_balancer_from_request_or_detail() {
        let listing = r#"{"VServerGroups":{"VServerGroup":[{"VServerGroupId":"rsp-1","VServerGroupName":"web"},
            {"VServerGroupId":"rsp-2"}]}}"#;
        let detail = r#"{"VServerGroupId":"rsp-1","LoadBalancerId":"lb-1","BackendServers":{"BackendServer":[
            {"ServerId":"eni-1","ServerIp":"10.0.0.5","Type":"eni","Port":8080,"Weight":0}]}}"#;
        let (topology, _) = read_all(&[
            ("slb", "DescribeVServerGroupAttribute", detail, &[]),
            ("slb", "DescribeVServerGroups", listing, &[]),
        ]);
        let group = topology.server_groups.get("rsp-1").unwrap();
        assert_eq!(group.load_balancer.as_deref(), Some("lb-1"));
        assert_eq!(group.meta.name.as_deref(), Some("web"));
        let server = &group.backends.as_ref().unwrap()[0];
        assert_eq!(server.backend_type, Some(BackendType::Eni));
        assert_eq!((server.port, server.weight), (Some(8080), Some(0)));
        let source = group.meta.source.as_ref().unwrap();
        assert_eq!(source.pointer(), "/VServerGroups/VServerGroup/0");
        assert_eq!(topology.server_groups.get("rsp-2").unwrap().backends, None);
        let params = [("LoadBalancerId", "lb-7")];
        let (topology, _) = read("slb", "DescribeVServerGroups", listing, &params);
        let group = topology.server_groups.get("rsp-2").unwrap();
        assert_eq!(group.load_balancer.as_deref(), Some("lb-7"));
    }

    #[test]
    fn master_slave_groups_have_roles() {
        let detail = r#"{"MasterSlaveServerGroupId":"rsp-9","LoadBalancerId":"lb-1","MasterSlaveBackendServers":
            {"MasterSlaveBackendServer":[{"ServerId":"i-1","ServerType":"Master","Port":80,"Type":"ecs"},
             {"ServerId":"i-2","ServerType":"Slave","Port":80}]}}"#;
        let listing = r#"{"MasterSlaveServerGroups":{"MasterSlaveServerGroup":[
            {"MasterSlaveServerGroupId":"rsp-9","MasterSlaveServerGroupName":"pair"}]}}"#;
        let (topology, _) = read_all(&[
            ("slb", "DescribeMasterSlaveServerGroupAttribute", detail, &[]),
            ("slb", "DescribeMasterSlaveServerGroups", listing, &[]),
        ]);
        let group = topology.server_groups.get("rsp-9").unwrap();
        assert_eq!(group.group_type.as_deref(), Some("MasterSlave"));
        let roles: Vec<_> =
            group.backends.iter().flatten().map(|b| b.role.as_deref().unwrap()).collect();
        assert_eq!(roles, ["Master", "Slave"]);
        let source = group.meta.source.as_ref().unwrap();
        assert_eq!(source.pointer(), "/MasterSlaveServerGroups/MasterSlaveServerGroup/0");
    }

    #[test]
    fn entries_of_access_lists_join_over_pages() {
        let page = |ip: &str| {
            format!(r#"{{"AclId":"acl-1","AclEntrys":{{"AclEntry":[{{"AclEntryIP":"{ip}"}}]}}}}"#)
        };
        let (first, second) = (page("198.51.100.0/24"), page("203.0.113.7"));
        let (topology, _) = read_all(&[
            ("slb", "DescribeAccessControlListAttribute", &first, &[]),
            ("slb", "DescribeAccessControlListAttribute", &second, &[]),
            (
                "slb",
                "DescribeAccessControlLists",
                r#"{"Acls":{"Acl":[{"AclId":"acl-1","AclName":"office"}]}}"#,
                &[],
            ),
        ]);
        let list = topology.access_lists.get("acl-1").unwrap();
        let entries: Vec<_> = list.entries.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(entries, ["198.51.100.0/24", "203.0.113.7/32"]);
        assert_eq!(list.meta.name.as_deref(), Some("office"));
        assert!(topology.conflicts.is_empty());
    }
}
