//! Ports that should not be published, by what listens there (rules.md SG001–SG003).

/// Remote login.
const ADMIN: &[(u16, u16, &str)] = &[(22, 22, "SSH"), (3389, 3389, "RDP")];

/// Databases, middleware and management interfaces.
const SERVICES: &[(u16, u16, &str)] = &[
    (21, 21, "FTP"),
    (23, 23, "telnet"),
    (25, 25, "SMTP"),
    (135, 135, "RPC"),
    (137, 139, "NetBIOS"),
    (445, 445, "SMB"),
    (1433, 1433, "SQL Server"),
    (1521, 1521, "Oracle"),
    (2375, 2376, "Docker"),
    (3306, 3306, "MySQL"),
    (5432, 5432, "PostgreSQL"),
    (5601, 5601, "Kibana"),
    (5900, 5900, "VNC"),
    (6379, 6379, "Redis"),
    (7001, 7001, "WebLogic"),
    (8500, 8500, "Consul"),
    (9000, 9000, "ClickHouse"),
    (9092, 9092, "Kafka"),
    (9200, 9200, "Elasticsearch"),
    (9300, 9300, "Elasticsearch"),
    (10250, 10250, "kubelet"),
    (11211, 11211, "Memcached"),
    (15672, 15672, "RabbitMQ"),
    (27017, 27018, "MongoDB"),
    (50070, 50070, "HDFS"),
];

/// The risky ports of an inclusive range, as `22 (SSH)`.
pub(super) fn risky(first: u16, last: u16) -> Vec<String> {
    let mut found: Vec<(u16, u16, &str)> = ADMIN
        .iter()
        .chain(SERVICES)
        .copied()
        .filter(|(low, high, _)| *low <= last && first <= *high)
        .collect();
    found.sort_unstable();
    found
        .into_iter()
        .map(|(low, high, name)| match low == high {
            true => format!("{low} ({name})"),
            false => format!("{low}-{high} ({name})"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_meet_ports() {
        assert_eq!(risky(22, 22), ["22 (SSH)"]);
        assert_eq!(risky(20, 23), ["21 (FTP)", "22 (SSH)", "23 (telnet)"]);
        assert_eq!(risky(27018, 30000), ["27017-27018 (MongoDB)"]);
        assert!(risky(443, 443).is_empty());
    }
}
