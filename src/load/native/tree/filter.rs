//! Security groups, network ACLs and lists as written.

use super::super::text::{Many, TextOr, Word, Words};
use super::*;

object! {
    /// A security group.
    SecurityGroup {
        /// VPC. Left out: the one it is written in, else the classic network.
        vpc: Option<String>,
        /// `basic` or `advanced`. Left out: `basic`.
        r#type: Option<String>,
        /// Members reach each other: `accept` or `drop`. Left out: `accept` for a basic group.
        inner_access: Option<String>,
        /// Managed by a cloud service. Left out: no.
        managed: Option<bool>,
        /// Number of rules that the listing tells, for cross-checks.
        rule_count: Option<u64>,
        /// Rules for traffic to the members: `accept tcp 22 from 10.0.0.0/8 priority 1`, or tables.
        /// `unknown = ["ingress"]`: there may be others.
        ingress: Vec<TextOr<Rule>>,
        /// Rules for traffic from the members: `drop all to 203.0.113.0/24`, or tables.
        egress: Vec<TextOr<Rule>>,
    }
}

table! {
    /// A rule of a security group or network ACL, spelt out.
    Rule {
        /// Id. Left out: made from the place.
        id: Option<String>,
        /// Name or description.
        name: Option<String>,
        /// `accept` or `drop`.
        policy: Option<String>,
        /// `tcp`, `udp`, `icmp`, `icmpv6`, `gre` or `all`.
        protocol: Option<String>,
        /// Destination ports: `22`, `8000-8010`, `all`, or `port_list:ID`. Left out: all.
        ports: Option<Word>,
        /// Source ports. Left out: all.
        source_ports: Option<Word>,
        /// Far side of an ingress rule: a block, `any`, `group:ID` or `prefix_list:ID`.
        from: Option<String>,
        /// Far side of an egress rule.
        to: Option<String>,
        /// Account of the other group.
        account: Option<Word>,
        /// Own addresses that the rule is limited to.
        own: Option<String>,
        /// Priority, 1 first. Left out: 1. Security groups only.
        priority: Option<u64>,
        /// `intranet` or `internet`, classic network only.
        nic_type: Option<String>,
        /// `custom` or `system`. Network ACLs only.
        r#type: Option<String>,
        /// `IPv4` or `IPv6`. Network ACLs only.
        ip_version: Option<String>,
    }
}

object! {
    /// A network ACL. The order of the entries is the order of evaluation.
    NetworkAcl {
        /// VPC. Left out: the one it is written in.
        vpc: Option<String>,
        /// vSwitches. Left out: those that name it.
        vswitches: Option<Words>,
        /// Entries for traffic into the vSwitch: `accept tcp 80 from 0.0.0.0/0`, or tables.
        ingress: Vec<TextOr<Rule>>,
        /// Entries for traffic out of the vSwitch: `accept tcp 1024-65535 to any`, or tables.
        egress: Vec<TextOr<Rule>>,
    }
}

object! {
    /// A prefix list.
    PrefixList {
        /// Blocks.
        entries: Option<Words>,
        /// `IPv4` or `IPv6`.
        ip_version: Option<String>,
        /// Number of entries it may hold.
        max_entries: Option<u64>,
    }
}

object! {
    /// A port list.
    PortList {
        /// Ports and ranges: `80`, `8000-8010`.
        entries: Option<Many<Word>>,
    }
}
