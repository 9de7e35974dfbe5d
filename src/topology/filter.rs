//! Security groups, network ACLs, prefix lists, port lists.

use super::resource::{Complete, ReadAt, open_enum, resource};
use super::value::CidrValue;
use super::{Id, Text};

open_enum! {
    /// Type of a security group.
    SecurityGroupType {
        /// Basic.
        Basic = "normal" | "basic",
        /// Advanced.
        Advanced = "enterprise" | "advanced",
    }
}

open_enum! {
    /// What a filter rule does.
    Policy {
        /// Let through.
        Accept = "accept" | "allow",
        /// Drop silently.
        Drop = "drop" | "deny",
    }
}

open_enum! {
    /// Direction of a filter rule, seen from the ENI.
    Direction {
        /// Towards the ENI.
        Ingress = "ingress",
        /// Away from the ENI.
        Egress = "egress",
    }
}

open_enum! {
    /// Protocol of a filter rule.
    FilterProtocol {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// ICMP (IPv4).
        Icmp = "icmp",
        /// ICMPv6.
        Icmpv6 = "icmpv6",
        /// GRE.
        Gre = "gre",
        /// Everything.
        All = "all" | "any",
    }
}

resource! {
    /// A security group.
    SecurityGroup {
        /// VPC; the classic network is `Some(None)`.
        vpc: Option<Id>,
        /// Basic or advanced.
        group_type: SecurityGroupType,
        /// Whether members of a basic group reach each other (`InnerAccessPolicy`).
        inner_access: Policy,
        /// Managed by a cloud service.
        service_managed: bool,
        /// Number of rules by the listing, for cross-checks.
        rule_count: u64,
    }
}

/// The far side of a security group rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RulePeer {
    /// IPv4 or IPv6 addresses.
    Cidr(CidrValue),
    /// Members of another group.
    Group {
        /// The group.
        group: Id,
        /// Its account, when it is another one.
        account: Option<Id>,
    },
    /// A prefix list.
    PrefixList(Id),
}

/// Ports of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PortSpec {
    /// All ports (`-1/-1`), or a protocol without ports.
    All,
    /// An inclusive range.
    Range(u16, u16),
    /// A port list.
    List(Id),
    /// A text that is none of these.
    Other(Text),
}

impl PortSpec {
    /// Reads `22/22`, `80` and `-1/-1`.
    pub fn from_text(text: &str) -> Self {
        let text = text.trim();
        if text == "-1/-1" || text == "-1" {
            return Self::All;
        }
        let (first, last) = text.split_once('/').unwrap_or((text, text));
        match (first.trim().parse(), last.trim().parse()) {
            (Ok(first), Ok(last)) if first <= last => Self::Range(first, last),
            _ => Self::Other(Text::from(text)),
        }
    }
}

resource! {
    /// A rule of a security group.
    SecurityGroupRule {
        /// Group.
        group: Id,
        /// Position in the group's list.
        position: u64,
        /// Ingress or egress.
        direction: Direction,
        /// Accept or drop.
        policy: Policy,
        /// 1 is looked at first; 110 marks rules of the system.
        priority: u64,
        /// Protocol.
        protocol: FilterProtocol,
        /// Destination ports.
        ports: PortSpec,
        /// Source ports.
        source_ports: PortSpec,
        /// The far side.
        peer: RulePeer,
        /// Own addresses that the rule is limited to.
        own_cidr: CidrValue,
        /// `intranet` or `internet`, classic network only.
        nic_type: Text,
    }
}

/// An entry of a network ACL. The order of the list is the order of evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetworkAclEntry {
    /// Id, if stated.
    pub id: Option<Id>,
    /// Accept or drop.
    pub policy: Option<Policy>,
    /// Protocol.
    pub protocol: Option<FilterProtocol>,
    /// Source (ingress) or destination (egress) block.
    pub cidr: Option<CidrValue>,
    /// Destination ports.
    pub ports: Option<PortSpec>,
    /// `custom` or `system`.
    pub entry_type: Option<Text>,
    /// `IPv4` or `IPv6` as stated.
    pub ip_version: Option<Text>,
    /// Name given by the customer.
    pub name: Option<Text>,
    /// Where it was read.
    pub read_at: ReadAt,
}

resource! {
    /// A network ACL.
    NetworkAcl {
        /// VPC.
        vpc: Id,
        /// vSwitches it is bound to.
        vswitches: Vec<Id>,
        /// Entries for traffic into the vSwitch.
        ingress: Vec<NetworkAclEntry>,
        /// Entries for traffic out of the vSwitch.
        egress: Vec<NetworkAclEntry>,
    }
}

resource! {
    /// A prefix list of the VPC or of the ECS product; both share the `pl-` prefix of ids.
    PrefixList {
        /// Blocks; the pages of its entries add up.
        entries: Vec<CidrValue> => complete,
        /// `IPv4` or `IPv6` as stated.
        ip_version: Text,
        /// Number of entries it may hold.
        max_entries: u64,
    }
}

impl Complete for Vec<CidrValue> {
    fn complete(&mut self, later: Self) -> bool {
        for new in later {
            if !self.contains(&new) {
                self.push(new);
            }
        }
        true
    }
}

resource! {
    /// A port list of security group rules.
    PortList {
        /// Ranges.
        entries: Vec<PortSpec>,
    }
}
