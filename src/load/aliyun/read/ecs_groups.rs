//! Security groups, prefix lists and port lists (formats-api.md §4.4, access.md §1).

use super::Api;
use super::shared::{as_detail, lost, parent, row};
use crate::load::aliyun::reader::{Common, ReadContext, Tag, tags};
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{
    CidrValue, Direction, FilterProtocol, Id, Listing, Policy, PortList, PortSpec, PrefixList,
    RulePeer, SecurityGroup, SecurityGroupRule, SecurityGroupType, Source,
};

pub(super) static APIS: &[Api] = &[
    Api {
        product: "ecs",
        name: "DescribeSecurityGroups",
        listing: Listing::SecurityGroups,
        read: security_groups,
    },
    Api {
        product: "ecs",
        name: "DescribeSecurityGroupAttribute",
        listing: Listing::SecurityGroupRules,
        read: security_group_rules,
    },
    Api {
        product: "ecs",
        name: "DescribeSecurityGroupReferences",
        listing: Listing::SecurityGroupReferences,
        read: references,
    },
    Api {
        product: "ecs",
        name: "DescribePrefixLists",
        listing: Listing::EcsPrefixLists,
        read: prefix_lists,
    },
    Api {
        product: "ecs",
        name: "DescribePrefixListAttributes",
        listing: Listing::EcsPrefixListEntries,
        read: prefix_list_entries,
    },
    Api {
        product: "ecs",
        name: "DescribePortRangeLists",
        listing: Listing::PortLists,
        read: port_lists,
    },
    Api {
        product: "ecs",
        name: "DescribePortRangeListEntries",
        listing: Listing::PortListEntries,
        read: port_list_entries,
    },
];

row! {
    SecurityGroupsBody<'a> {
        region_id: Scalar<'a>,
        security_groups: List<SecurityGroupRow<'a>>,
    }
}

row! {
    SecurityGroupRow<'a> {
        security_group_id: Scalar<'a>,
        security_group_name: Scalar<'a>,
        vpc_id: Scalar<'a>,
        security_group_type: Scalar<'a>,
        service_managed: Scalar<'a>,
        rule_count: Scalar<'a>,
        tags: List<Tag<'a>>,
    }
}

fn security_groups(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: SecurityGroupsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/SecurityGroups", &body.security_groups);
    cx.count(&body.security_groups);
    for (n, row) in body.security_groups.iter().enumerate() {
        let Some(id) = row.security_group_id.id() else { continue };
        let mut group = SecurityGroup::new(id);
        let common = Common {
            name: row.security_group_name.clone(),
            region: body.region_id.clone(),
            ..Common::default()
        };
        cx.fill(&mut group.meta, sources.at(n), &common);
        group.meta.tags = tags(&row.tags);
        group.vpc = row.vpc_id.stated_id();
        group.group_type = row.security_group_type.as_str().map(SecurityGroupType::from_text);
        group.service_managed = row.service_managed.bool();
        group.rule_count = row.rule_count.number();
        cx.add(group);
    }
    Ok(())
}

row! {
    GroupBody<'a> {
        security_group_id: Scalar<'a>,
        security_group_name: Scalar<'a>,
        vpc_id: Scalar<'a>,
        region_id: Scalar<'a>,
        inner_access_policy: Scalar<'a>,
        permissions: List<PermissionRow<'a>>,
    }
}

row! {
    PermissionRow<'a> {
        security_group_rule_id: Scalar<'a>,
        direction: Scalar<'a>,
        policy: Scalar<'a>,
        priority: Scalar<'a>,
        ip_protocol: Scalar<'a>,
        port_range: Scalar<'a>,
        port_range_list_id: Scalar<'a>,
        source_port_range: Scalar<'a>,
        nic_type: Scalar<'a>,
        source_cidr_ip: Scalar<'a>,
        dest_cidr_ip: Scalar<'a>,
        ipv6_source_cidr_ip: Scalar<'a>,
        ipv6_dest_cidr_ip: Scalar<'a>,
        source_group_id: Scalar<'a>,
        dest_group_id: Scalar<'a>,
        source_group_owner_account: Scalar<'a>,
        dest_group_owner_account: Scalar<'a>,
        source_prefix_list_id: Scalar<'a>,
        dest_prefix_list_id: Scalar<'a>,
    }
}

/// One end of a rule: its selectors, of which one is the peer or limits the own addresses.
struct End<'r, 'a> {
    cidrs: [&'r Scalar<'a>; 2],
    group: &'r Scalar<'a>,
    account: &'r Scalar<'a>,
    prefix_list: &'r Scalar<'a>,
}

impl<'a> PermissionRow<'a> {
    fn source(&self) -> End<'_, 'a> {
        End {
            cidrs: [&self.source_cidr_ip, &self.ipv6_source_cidr_ip],
            group: &self.source_group_id,
            account: &self.source_group_owner_account,
            prefix_list: &self.source_prefix_list_id,
        }
    }

    fn target(&self) -> End<'_, 'a> {
        End {
            cidrs: [&self.dest_cidr_ip, &self.ipv6_dest_cidr_ip],
            group: &self.dest_group_id,
            account: &self.dest_group_owner_account,
            prefix_list: &self.dest_prefix_list_id,
        }
    }
}

fn security_group_rules(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: GroupBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/Permissions", &body.permissions);
    cx.count(&body.permissions);
    // merged output of `--pager` has lost the group (formats-api.md §1.2)
    let Some(id) = parent(cx, &body.security_group_id, "SecurityGroupId") else {
        lost(cx, body.permissions.len(), "SecurityGroupId");
        return Ok(());
    };
    let mut group = SecurityGroup::new(id.clone());
    let common = Common {
        name: body.security_group_name.clone(),
        region: body.region_id.clone(),
        ..Common::default()
    };
    cx.fill(&mut group.meta, cx.source(""), &common);
    as_detail(&mut group.meta);
    group.vpc = body.vpc_id.stated_id();
    group.inner_access = body.inner_access_policy.as_str().map(Policy::from_text);
    let region = group.meta.region.clone();
    cx.add(group);
    for (n, row) in body.permissions.iter().enumerate() {
        let mut rule = rule(row, &id, n, sources.at(n), cx);
        rule.meta.region.clone_from(&region);
        cx.add(rule);
    }
    Ok(())
}

fn rule(
    row: &PermissionRow<'_>,
    group: &Id,
    n: usize,
    source: Source,
    cx: &mut ReadContext<'_>,
) -> SecurityGroupRule {
    let id = row.security_group_rule_id.id().unwrap_or_else(|| Id::from(format!("{group}#{n}")));
    let mut rule = SecurityGroupRule::new(id);
    cx.fill(&mut rule.meta, source, &Common::default());
    rule.group = Some(group.clone());
    rule.position = u64::try_from(n).ok();
    rule.direction = row.direction.as_str().map(Direction::from_text);
    rule.policy = row.policy.as_str().map(Policy::from_text);
    rule.priority = row.priority.number();
    rule.protocol = row.ip_protocol.as_str().map(FilterProtocol::from_text);
    rule.ports = match row.port_range_list_id.id() {
        Some(list) => Some(PortSpec::List(list)),
        None => row.port_range.as_str().map(PortSpec::from_text),
    };
    rule.source_ports = row
        .source_port_range
        .is_stated()
        .then(|| row.source_port_range.as_str().map_or(PortSpec::All, PortSpec::from_text));
    rule.nic_type = row.nic_type.text();
    // an egress rule's peer is the destination; its source limits the own addresses
    let egress = rule.direction == Some(Direction::Egress);
    let (far, own) =
        if egress { (row.target(), row.source()) } else { (row.source(), row.target()) };
    rule.peer = peer(&far, &rule, cx);
    rule.own_cidr = cidr(&own, "own_cidr", &rule, cx);
    rule
}

/// The far side. Of several selectors the block wins over the group, and both over the prefix list
/// (access.md §1.3).
fn peer(end: &End<'_, '_>, rule: &SecurityGroupRule, cx: &mut ReadContext<'_>) -> Option<RulePeer> {
    if let Some(cidr) = cidr(end, "peer", rule, cx) {
        return Some(RulePeer::Cidr(cidr));
    }
    if let Some(group) = end.group.id() {
        let account = end.account.id().filter(|account| Some(account) != cx.account.as_ref());
        return Some(RulePeer::Group { group, account });
    }
    end.prefix_list.id().map(RulePeer::PrefixList)
}

fn cidr(
    end: &End<'_, '_>,
    field: &'static str,
    rule: &SecurityGroupRule,
    cx: &mut ReadContext<'_>,
) -> Option<CidrValue> {
    let text = end.cidrs.iter().find_map(|cidr| cidr.as_str())?;
    Some(cx.cidr(rule, field, text))
}

row! {
    ReferencesBody<'a> {
        security_group_references: List<ReferenceRow<'a>>,
    }
}

row! {
    ReferenceRow<'a> {
        security_group_id: Scalar<'a>,
    }
}

/// Which groups name a group as a peer; the rules themselves say the same, so rows are only counted.
fn references(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: ReferencesBody<'_> = serde_json::from_str(body)?;
    let rows = body.security_group_references.iter();
    let named = rows.filter(|row| row.security_group_id.is_stated()).count();
    cx.rows = u64::try_from(named).unwrap_or(u64::MAX);
    Ok(())
}

row! {
    PrefixListsBody<'a> {
        prefix_lists: List<PrefixListRow<'a>>,
    }
}

row! {
    PrefixListRow<'a> {
        prefix_list_id: Scalar<'a>,
        prefix_list_name: Scalar<'a>,
        address_family: Scalar<'a>,
        max_entries: Scalar<'a>,
        entries: List<EntryRow<'a>>,
        tags: List<Tag<'a>>,
    }
}

row! {
    EntryRow<'a> {
        cidr: Scalar<'a>,
        port_range: Scalar<'a>,
    }
}

fn prefix_lists(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: PrefixListsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/PrefixLists", &body.prefix_lists);
    cx.count(&body.prefix_lists);
    for (n, row) in body.prefix_lists.iter().enumerate() {
        let Some(id) = row.prefix_list_id.id() else { continue };
        let list = prefix_list(id, row, sources.at(n), cx);
        cx.add(list);
    }
    Ok(())
}

fn prefix_list_entries(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let row: PrefixListRow<'_> = serde_json::from_str(body)?;
    cx.count(&row.entries);
    let Some(id) = parent(cx, &row.prefix_list_id, "PrefixListId") else {
        lost(cx, row.entries.len(), "PrefixListId");
        return Ok(());
    };
    let mut list = prefix_list(id, &row, cx.source(""), cx);
    as_detail(&mut list.meta);
    cx.add(list);
    Ok(())
}

fn prefix_list(
    id: Id,
    row: &PrefixListRow<'_>,
    source: Source,
    cx: &mut ReadContext<'_>,
) -> PrefixList {
    let mut list = PrefixList::new(id);
    let common = Common { name: row.prefix_list_name.clone(), ..Common::default() };
    cx.fill(&mut list.meta, source, &common);
    list.meta.tags = tags(&row.tags);
    list.ip_version = row.address_family.text();
    list.max_entries = row.max_entries.number();
    list.entries =
        row.entries.stated_some(|entry| Some(cx.cidr(&list, "entries", entry.cidr.as_str()?)));
    list
}

row! {
    PortListsBody<'a> {
        port_range_lists: List<PortListRow<'a>>,
    }
}

row! {
    PortListRow<'a> {
        port_range_list_id: Scalar<'a>,
        port_range_list_name: Scalar<'a>,
        tags: List<Tag<'a>>,
    }
}

fn port_lists(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: PortListsBody<'_> = serde_json::from_str(body)?;
    let sources = cx.sources("/PortRangeLists", &body.port_range_lists);
    cx.count(&body.port_range_lists);
    for (n, row) in body.port_range_lists.iter().enumerate() {
        let Some(id) = row.port_range_list_id.id() else { continue };
        let mut list = PortList::new(id);
        let common = Common { name: row.port_range_list_name.clone(), ..Common::default() };
        cx.fill(&mut list.meta, sources.at(n), &common);
        list.meta.tags = tags(&row.tags);
        cx.add(list);
    }
    Ok(())
}

row! {
    PortListBody<'a> {
        port_range_list_id: Scalar<'a>,
        entries: List<EntryRow<'a>>,
    }
}

fn port_list_entries(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: PortListBody<'_> = serde_json::from_str(body)?;
    cx.count(&body.entries);
    let Some(id) = parent(cx, &body.port_range_list_id, "PortRangeListId") else {
        lost(cx, body.entries.len(), "PortRangeListId");
        return Ok(());
    };
    let mut list = PortList::new(id);
    cx.fill(&mut list.meta, cx.source(""), &Common::default());
    as_detail(&mut list.meta);
    list.entries =
        body.entries.stated_some(|entry| entry.port_range.as_str().map(PortSpec::from_text));
    cx.add(list);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::aliyun::read::testing::{read, read_all};

    #[test]
    fn rules_read_peer_own_addresses_and_ports() {
        let body = r#"{"SecurityGroupId":"sg-1","VpcId":"","InnerAccessPolicy":"drop","Permissions":
            {"Permission":[
              {"Direction":"ingress","IpProtocol":"TCP","PortRange":"22/22","Policy":"Accept",
               "Priority":"1","SourceCidrIp":"","SourceGroupId":"sg-2","SourceGroupOwnerAccount":"1001",
               "DestCidrIp":"10.0.0.5/32","SourcePortRange":""},
              {"SecurityGroupRuleId":"sgr-2","Direction":"egress","IpProtocol":"ALL","PortRange":"-1/-1",
               "Policy":"Drop","Priority":110,"DestCidrIp":"10.1.2.3/8","DestPrefixListId":"pl-1"},
              {"Direction":"egress","IpProtocol":"udp","PortRangeListId":"prl-1","PortRange":"",
               "DestPrefixListId":"pl-1"}]}}"#;
        let (topology, cx) = read("ecs", "DescribeSecurityGroupAttribute", body, &[]);
        assert_eq!(cx.rows, 3);
        let group = topology.security_groups.get("sg-1").unwrap();
        assert_eq!(group.vpc, Some(None), "classic network");
        assert_eq!(group.inner_access, Some(Policy::Drop));

        let first = topology.security_group_rules.get("sg-1#0").unwrap();
        assert_eq!(
            first.peer,
            Some(RulePeer::Group { group: Id::from("sg-2"), account: None }),
            "the own account is not another one"
        );
        assert_eq!(first.own_cidr.as_ref().unwrap().to_string(), "10.0.0.5/32");
        assert_eq!(first.ports, Some(PortSpec::Range(22, 22)));
        assert_eq!(first.source_ports, Some(PortSpec::All));
        assert_eq!(first.meta.source.as_ref().unwrap().pointer(), "/Permissions/Permission/0");

        let second = topology.security_group_rules.get("sgr-2").unwrap();
        let Some(RulePeer::Cidr(cidr)) = &second.peer else { panic!("block wins") };
        assert_eq!(cidr.to_string(), "10.1.2.3/8");
        assert_eq!((second.priority, second.source_ports.clone()), (Some(110), None));

        let third = topology.security_group_rules.get("sg-1#2").unwrap();
        assert_eq!(third.ports, Some(PortSpec::List(Id::from("prl-1"))));
        assert_eq!(third.peer, Some(RulePeer::PrefixList(Id::from("pl-1"))));
    }

    #[test]
    fn the_listing_is_the_source_of_a_group() {
        let attribute =
            r#"{"SecurityGroupId":"sg-1","VpcId":"vpc-1","Permissions":{"Permission":[]}}"#;
        let listing = r#"{"RegionId":"cn-beijing","SecurityGroups":{"SecurityGroup":[
            {"SecurityGroupId":"sg-1","VpcId":"vpc-1","SecurityGroupType":"enterprise","RuleCount":7}]}}"#;
        let (topology, _) = read_all(&[
            ("ecs", "DescribeSecurityGroupAttribute", attribute, &[]),
            ("ecs", "DescribeSecurityGroups", listing, &[]),
        ]);
        let group = topology.security_groups.get("sg-1").unwrap();
        assert_eq!(group.group_type, Some(SecurityGroupType::Advanced));
        assert_eq!(group.rule_count, Some(7));
        let source = group.meta.source.as_ref().unwrap();
        assert_eq!(source.pointer(), "/SecurityGroups/SecurityGroup/0");
    }

    #[test]
    fn merged_pages_need_the_group_from_the_request() {
        let body =
            r#"{"Permissions":{"Permission":[{"Direction":"ingress","SourceCidrIp":"::/0"}]}}"#;
        let (topology, cx) = read("ecs", "DescribeSecurityGroupAttribute", body, &[]);
        assert!(topology.security_group_rules.is_empty());
        assert_eq!(cx.unattached, ["1 row without `SecurityGroupId`"]);
        let params = [("SecurityGroupId", "sg-9")];
        let (topology, _) = read("ecs", "DescribeSecurityGroupAttribute", body, &params);
        assert!(topology.security_group_rules.get("sg-9#0").is_some());
    }

    #[test]
    fn lists_and_their_entries_join() {
        let (topology, _) = read_all(&[
            (
                "ecs",
                "DescribePrefixLists",
                r#"{"PrefixLists":{"PrefixList":[{"PrefixListId":"pl-1","PrefixListName":"office",
                    "AddressFamily":"IPv4","MaxEntries":20}]}}"#,
                &[],
            ),
            (
                "ecs",
                "DescribePrefixListAttributes",
                r#"{"PrefixListId":"pl-1","Entries":{"Entry":[{"Cidr":"198.51.100.0/24"}]}}"#,
                &[],
            ),
            (
                "ecs",
                "DescribePortRangeLists",
                r#"{"PortRangeLists":[{"PortRangeListId":"prl-1","PortRangeListName":"web"}]}"#,
                &[],
            ),
            (
                "ecs",
                "DescribePortRangeListEntries",
                r#"{"Entries":[{"PortRange":"80/80"},{"PortRange":"8000/8999"}]}"#,
                &[("PortRangeListId", "prl-1")],
            ),
        ]);
        let list = topology.prefix_lists.get("pl-1").unwrap();
        assert_eq!(list.entries.as_ref().unwrap()[0].to_string(), "198.51.100.0/24");
        assert_eq!((list.max_entries, list.meta.name.as_deref()), (Some(20), Some("office")));
        let ports = topology.port_lists.get("prl-1").unwrap();
        assert_eq!(
            ports.entries.as_deref(),
            Some([PortSpec::Range(80, 80), PortSpec::Range(8000, 8999)].as_slice())
        );
        assert!(topology.conflicts.is_empty());
        let (topology, cx) = read(
            "ecs",
            "DescribePortRangeListEntries",
            r#"{"Entries":[{"PortRange":"1/2"}]}"#,
            &[],
        );
        assert!(topology.port_lists.is_empty() && cx.unattached.len() == 1);
        let references = r#"{"SecurityGroupReferences":{"SecurityGroupReference":[{"SecurityGroupId":"sg-1"}]}}"#;
        assert_eq!(read("ecs", "DescribeSecurityGroupReferences", references, &[]).1.rows, 1);
    }
}
