//! Server groups of ALB and NLB, access control lists of ALB (formats-api.md §4.6).

use super::Api;
use super::shared::{Groups, as_detail, lost, parent, row};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{
    AccessList, Backend, BackendType, CidrValue, Listing, LoadBalancerType, ServerGroup,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "alb",
        name: "ListServerGroups",
        listing: Listing::AlbServerGroups,
        read: server_groups,
    },
    Api {
        product: "alb",
        name: "ListServerGroupServers",
        listing: Listing::AlbServers,
        read: servers,
    },
    Api { product: "alb", name: "ListAcls", listing: Listing::AlbAccessLists, read: access_lists },
    Api {
        product: "alb",
        name: "ListAclEntries",
        listing: Listing::AlbAccessListEntries,
        read: access_list_entries,
    },
];

row! {
    ServerGroupsBody<'a> {
        server_groups: List<ServerGroupRow<'a>>,
    }
}

row! {
    /// A server group of an ALB or NLB.
    ServerGroupRow<'a> {
        server_group_id: Scalar<'a>,
        server_group_name: Scalar<'a>,
        server_group_status: Scalar<'a>,
        server_group_type: Scalar<'a>,
        vpc_id: Scalar<'a>,
        protocol: Scalar<'a>,
        any_port_enabled: Scalar<'a>,
        preserve_client_ip_enabled: Scalar<'a>,
        region_id: Scalar<'a>,
        ali_uid: Scalar<'a>,
        tags: List<Tag<'a>>,
    }
}

fn server_groups(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    read_server_groups(body, &LoadBalancerType::Alb, cx)
}

/// Reads `ListServerGroups` of ALB and NLB, which only differ in which fields are there.
pub(super) fn read_server_groups(
    body: &str,
    lb_type: &LoadBalancerType,
    cx: &mut ReadContext<'_>,
) -> Result<(), serde_json::Error> {
    let body: ServerGroupsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/ServerGroups", &body.server_groups);
    cx.count(&body.server_groups);
    for (n, row) in body.server_groups.iter().enumerate() {
        let Some(id) = row.server_group_id.id() else { continue };
        let mut group = ServerGroup::new(id);
        let common = Common {
            name: row.server_group_name.clone(),
            status: row.server_group_status.clone(),
            owner: row.ali_uid.clone(),
            region: row.region_id.clone(),
            ..Common::default()
        };
        cx.fill(&mut group.meta, sources.at(n), &common);
        group.meta.tags = tags(&row.tags);
        group.lb_type = Some(lb_type.clone());
        group.vpc = row.vpc_id.id();
        group.group_type = row.server_group_type.text();
        group.protocol = row.protocol.text();
        group.any_port = row.any_port_enabled.bool();
        group.preserve_client_ip = row.preserve_client_ip_enabled.bool();
        cx.add(group);
    }
    Ok(())
}

row! {
    ServersBody<'a> {
        servers: List<ServerRow<'a>>,
    }
}

row! {
    ServerRow<'a> {
        server_group_id: Scalar<'a>,
        server_id: Scalar<'a>,
        server_ip: Scalar<'a>,
        server_type: Scalar<'a>,
        port: Scalar<'a>,
        weight: Scalar<'a>,
        status: Scalar<'a>,
        zone_id: Scalar<'a>,
    }
}

fn servers(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    read_servers(body, &LoadBalancerType::Alb, cx)
}

/// Reads `ListServerGroupServers` of ALB and NLB: servers of one or of all groups of a region.
pub(super) fn read_servers(
    body: &str,
    lb_type: &LoadBalancerType,
    cx: &mut ReadContext<'_>,
) -> Result<(), serde_json::Error> {
    let body: ServersBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Servers", &body.servers);
    cx.count(&body.servers);
    let mut groups: Groups<(usize, &ServerRow<'_>)> = Groups::new();
    if let Some(asked) = parent(cx, &Scalar::Absent, "ServerGroupId") {
        groups.of(asked, 0); // the answer about one group may be empty
    }
    let mut orphans = 0;
    for (n, row) in body.servers.iter().enumerate() {
        match parent(cx, &row.server_group_id, "ServerGroupId") {
            Some(id) => groups.of(id, n).push((n, row)),
            None => orphans += 1,
        }
    }
    for (id, (n, rows)) in groups {
        let mut group = ServerGroup::new(id);
        let source = if body.servers.len() == 0 { cx.source("/Servers") } else { sources.at(n) };
        cx.fill(&mut group.meta, source, &Common::default());
        as_detail(&mut group.meta);
        group.lb_type = Some(lb_type.clone());
        let backends = rows.iter().map(|(_, row)| server(row, &group, cx)).collect();
        group.backends = Some(backends);
        cx.add(group);
    }
    lost(cx, orphans, "ServerGroupId");
    Ok(())
}

fn server(row: &ServerRow<'_>, group: &ServerGroup, cx: &mut ReadContext<'_>) -> Backend {
    Backend {
        server: row.server_id.id(),
        backend_type: row.server_type.as_str().map(BackendType::from_text),
        address: row.server_ip.as_str().map(|text| cx.addr(group, "backends", text)),
        port: row.port.number(),
        weight: row.weight.number(),
        role: None,
        zone: row.zone_id.text(),
        status: row.status.text(),
    }
}

row! {
    AclsBody<'a> {
        acls: List<AclRow<'a>>,
    }
}

row! {
    AclRow<'a> {
        acl_id: Scalar<'a>,
        acl_name: Scalar<'a>,
        acl_status: Scalar<'a>,
        tags: List<Tag<'a>>,
    }
}

fn access_lists(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: AclsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Acls", &body.acls);
    cx.count(&body.acls);
    for (n, row) in body.acls.iter().enumerate() {
        let Some(id) = row.acl_id.id() else { continue };
        let mut list = AccessList::new(id);
        let common = Common {
            name: row.acl_name.clone(),
            status: row.acl_status.clone(),
            ..Common::default()
        };
        cx.fill(&mut list.meta, sources.at(n), &common);
        list.meta.tags = tags(&row.tags);
        list.lb_type = Some(LoadBalancerType::Alb);
        cx.add(list);
    }
    Ok(())
}

row! {
    EntriesBody<'a> {
        acl_entries: List<EntryRow<'a>>,
    }
}

row! {
    EntryRow<'a> {
        entry: Scalar<'a>,
    }
}

fn access_list_entries(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: EntriesBody<'_> = serde_json::from_str(body)?;
    cx.count(&body.acl_entries);
    let Some(id) = parent(cx, &Scalar::Absent, "AclId") else {
        lost(cx, body.acl_entries.len(), "AclId");
        return Ok(());
    };
    let mut list = AccessList::new(id);
    cx.fill(&mut list.meta, cx.source(""), &Common::default());
    as_detail(&mut list.meta);
    list.lb_type = Some(LoadBalancerType::Alb);
    let entries: Option<Vec<CidrValue>> = body
        .acl_entries
        .stated_some(|entry| Some(cx.cidr(&list, "entries", entry.entry.as_str()?)));
    list.entries = entries;
    cx.add(list);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::load::aliyun::read::testing::{read, read_all};

    #[test]
    fn servers_join_their_group_over_pages() {
        let groups = r#"{"ServerGroups":[{"ServerGroupId":"sgp-1","ServerGroupType":"Ip","VpcId":"vpc-1"}]}"#;
        let page = |ip: &str| {
            format!(
                r#"{{"Servers":[{{"ServerGroupId":"sgp-1","ServerIp":"{ip}","ServerType":"Ip","Port":80,"Weight":50}},
                {{"ServerGroupId":"sgp-2","ServerId":"i-1","ServerType":"Ecs","Port":80}}]}}"#
            )
        };
        let (first, second) = (page("10.0.0.1"), page("10.0.0.2"));
        let (topology, _) = read_all(&[
            ("alb", "ListServerGroupServers", &first, &[]),
            ("alb", "ListServerGroupServers", &second, &[]),
            ("alb", "ListServerGroups", groups, &[]),
        ]);
        assert!(topology.conflicts.is_empty());
        let group = topology.server_groups.get("sgp-1").unwrap();
        let ips: Vec<_> = group
            .backends
            .iter()
            .flatten()
            .map(|b| b.address.as_ref().unwrap().to_string())
            .collect();
        assert_eq!(ips, ["10.0.0.1", "10.0.0.2"]);
        assert_eq!(group.meta.source.as_ref().unwrap().pointer(), "/ServerGroups/0");
        let other = topology.server_groups.get("sgp-2").unwrap();
        assert_eq!(other.backends.as_ref().unwrap().len(), 1, "the same server twice is one");
        let params = [("ServerGroupId", "sgp-3")];
        let (topology, _) = read("alb", "ListServerGroupServers", r#"{"Servers":[]}"#, &params);
        let empty = topology.server_groups.get("sgp-3").unwrap();
        assert_eq!(empty.backends, Some(Vec::new()));
    }

    #[test]
    fn entries_need_their_list_from_the_request() {
        let body = r#"{"AclEntries":[{"Entry":"10.0.1.1/24","Status":"Available"}]}"#;
        let (topology, cx) = read("alb", "ListAclEntries", body, &[]);
        assert!(topology.access_lists.is_empty());
        assert_eq!(cx.unattached, ["1 row without `AclId`"]);
        let (topology, _) = read_all(&[
            ("alb", "ListAclEntries", body, &[("AclId", "nacl-1")]),
            ("alb", "ListAcls", r#"{"Acls":[{"AclId":"nacl-1","AclName":"office"}]}"#, &[]),
        ]);
        let list = topology.access_lists.get("nacl-1").unwrap();
        assert_eq!(list.entries.as_ref().unwrap()[0].to_string(), "10.0.1.1/24");
        assert_eq!(list.meta.name.as_deref(), Some("office"));
    }
}
