//! The topologies.

use std::net::Ipv4Addr;

use vpclint::topology::{EipBindMode, EipTarget, Id, NatIp, NatPort, NatProtocol};

use super::compare::Matrix;
use super::probe::Transport::{Tcp, Udp};
use super::world::{World, addr};

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// Two VPC-wide ports of TCP and one of UDP, from one client port; nothing public.
pub fn inside() -> Matrix {
    Matrix {
        services: vec![(Tcp, 80), (Tcp, 443), (Udp, 53)],
        client_ports: vec![49152],
        ..Matrix::default()
    }
}

/// Basic and advanced groups: priorities, ties, several groups of one ENI, own addresses, source
/// ports, prefix and port lists (access.md §1.3, §1.4).
pub fn groups() -> (World, Matrix) {
    let world = World::new()
        .vpc("vpc-a", "10.0.0.0/16")
        .vswitch("vsw-1", "vpc-a", "10.0.1.0/24")
        .vswitch("vsw-2", "vpc-a", "10.0.2.0/24")
        .prefix_list("pl-1", &["10.0.1.10/32", "10.0.2.0/28"])
        .port_list("prl-1", &["80/80", "50/60"])
        // the drop of the same number comes first; a smaller number comes before it
        .closed_group("sg-tie", "vpc-a")
        .rule("sg-tie", "ingress accept tcp 80/80 10.0.0.0/16 prio 5")
        .rule("sg-tie", "ingress drop tcp 80/80 10.0.2.0/24 prio 5")
        .rule("sg-tie", "ingress accept tcp 1/65535 10.0.2.11/32 prio 4")
        .rule("sg-tie", "ingress accept udp 53/53 10.0.0.0/16 prio 1 sport 1024/40000")
        // a second group of the same ENI: one pool
        .closed_group("sg-pool", "vpc-a")
        .rule("sg-pool", "ingress drop tcp 443/443 10.0.1.10/32 prio 2")
        .rule("sg-pool", "ingress accept all -1/-1 10.0.0.0/8 prio 3")
        .rule("sg-pool", "egress drop udp 1/65535 10.0.2.11/32 prio 1")
        .advanced_group("sg-adv", "vpc-a")
        .rule("sg-adv", "ingress accept tcp list:prl-1 pl-1 prio 1")
        .rule("sg-adv", "ingress accept udp list:prl-1 pl-1 prio 1 own 10.0.2.11/32")
        .rule("sg-adv", "egress accept tcp 443/443 0.0.0.0/0 prio 1")
        .rule("sg-adv", "egress drop tcp 443/443 10.0.1.11/32 prio 1")
        .instance("i-tie", "eni-tie", "vsw-1", "10.0.1.10")
        .instance("i-both", "eni-both", "vsw-1", "10.0.1.11")
        .instance("i-plain", "eni-plain", "vsw-2", "10.0.2.10")
        .instance("i-adv", "eni-adv", "vsw-2", "10.0.2.11")
        .instance("i-adv2", "eni-adv2", "vsw-2", "10.0.2.30")
        .member("eni-tie", &["sg-tie"])
        .member("eni-both", &["sg-tie", "sg-pool"])
        .member("eni-plain", &["sg-pool"])
        .member("eni-adv", &["sg-adv"])
        .member("eni-adv2", &["sg-adv"])
        .filters();
    (world, Matrix { client_ports: vec![20000, 49152], ..inside() })
}

/// Members of one group: let through ahead of every rule, or not; groups as peers of rules
/// (access.md §1.3, §1.4 steps 3 and 5).
pub fn members() -> (World, Matrix) {
    let world = World::new()
        .vpc("vpc-a", "10.0.0.0/16")
        .vswitch("vsw-1", "vpc-a", "10.0.1.0/24")
        .vswitch("vsw-2", "vpc-a", "10.0.2.0/24")
        .group("sg-open", "vpc-a")
        .rule("sg-open", "ingress drop all -1/-1 0.0.0.0/0 prio 1")
        .rule("sg-open", "egress drop all -1/-1 10.0.2.0/24 prio 1")
        .closed_group("sg-shut", "vpc-a")
        .rule("sg-shut", "ingress accept tcp 80/80 sg-open prio 10")
        .rule("sg-shut", "ingress drop tcp 80/80 10.0.1.11/32 prio 9")
        .closed_group("sg-db", "vpc-a")
        .rule("sg-db", "ingress accept tcp 1/65535 sg-shut")
        .rule("sg-db", "ingress accept udp 53/53 sg-open")
        .rule("sg-db", "egress drop tcp 443/443 sg-shut")
        .instance("i-open1", "eni-open1", "vsw-1", "10.0.1.10")
        .instance("i-open2", "eni-open2", "vsw-1", "10.0.1.11")
        .instance("i-open3", "eni-open3", "vsw-2", "10.0.2.10")
        .instance("i-shut1", "eni-shut1", "vsw-1", "10.0.1.20")
        .instance("i-mixed", "eni-mixed", "vsw-2", "10.0.2.20")
        .instance("i-db", "eni-db", "vsw-1", "10.0.1.30")
        .member("eni-open1", &["sg-open"])
        .member("eni-open2", &["sg-open"])
        .member("eni-open3", &["sg-open"])
        .member("eni-shut1", &["sg-shut"])
        .member("eni-mixed", &["sg-shut", "sg-open"])
        .member("eni-db", &["sg-db"])
        .filters();
    (world, inside())
}

/// Lists without memory: answers need an entry for the client's port; inside a vSwitch nothing is
/// tested (access.md §2).
pub fn lists() -> (World, Matrix) {
    let world = World::new()
        .vpc("vpc-a", "10.0.0.0/16")
        .vswitch("vsw-1", "vpc-a", "10.0.1.0/24")
        .vswitch("vsw-2", "vpc-a", "10.0.2.0/24")
        .vswitch("vsw-3", "vpc-a", "10.0.3.0/24")
        .instance("i-1", "eni-1", "vsw-1", "10.0.1.10")
        .instance("i-1b", "eni-1b", "vsw-1", "10.0.1.11")
        .instance("i-2", "eni-2", "vsw-2", "10.0.2.10")
        .instance("i-2b", "eni-2b", "vsw-2", "10.0.2.11")
        .instance("i-3", "eni-3", "vsw-3", "10.0.3.10")
        // answers to a part of the client ports of vsw-2, to all of those of vsw-1
        .acl("acl-1", &["vsw-1"])
        .entry("acl-1", "ingress drop tcp 443/443 10.0.2.11/32")
        .entry("acl-1", "ingress accept tcp 80/443 10.0.0.0/16")
        .entry("acl-1", "ingress accept udp 1/65535 10.0.2.0/24")
        .entry("acl-1", "ingress accept tcp 32768/65535 10.0.3.0/24")
        .entry("acl-1", "egress drop tcp 50000/50999 10.0.2.0/24")
        .entry("acl-1", "egress accept tcp 30000/65535 0.0.0.0/0")
        .entry("acl-1", "egress accept udp 1024/29999 10.0.2.0/24")
        .entry("acl-1", "egress accept tcp 80/80 10.0.3.10/32")
        // in but not out again
        .acl("acl-3", &["vsw-3"])
        .entry("acl-3", "ingress accept all -1/-1 0.0.0.0/0")
        .entry("acl-3", "egress accept tcp 32000/60000 10.0.1.10/32")
        .entry("acl-3", "egress accept tcp 80/80 10.0.1.0/24");
    let matrix = Matrix { client_ports: vec![20000, 30000, 50500, 65535], ..inside() };
    (world, matrix)
}

/// NAT gateways, their entries and addresses of one's own (egress.md §4.2, §4.4).
pub fn egress() -> (World, Matrix) {
    let world = World::new()
        .vpc("vpc-a", "10.0.0.0/16")
        .vswitch("vsw-1", "vpc-a", "10.0.1.0/24")
        .vswitch("vsw-2", "vpc-a", "10.0.2.0/24")
        .vswitch("vsw-3", "vpc-a", "10.0.3.0/24")
        .vswitch("vsw-nat", "vpc-a", "10.0.9.0/24")
        .table("vtb-2", "vpc-a")
        .on_table("vsw-2", "vtb-2")
        .table("vtb-3", "vpc-a")
        .on_table("vsw-3", "vtb-3")
        .nat("ngw-1", "vsw-nat", &["47.0.0.1", "47.0.0.2", "47.0.0.3"])
        .nat("ngw-2", "vsw-nat", &["47.0.1.1"])
        .route("vtb-vpc-a", "0.0.0.0/0", "NatGateway", "ngw-1")
        // longer than the default: a part of the Internet by the other gateway
        .route("vtb-2", "0.0.0.0/0", "NatGateway", "ngw-1")
        .route("vtb-2", "8.8.0.0/16", "NatGateway", "ngw-2")
        .snat("snat-all", "ngw-1", "10.0.0.0/16", &["47.0.0.1"])
        .snat_vswitch("snat-1", "ngw-1", "vsw-1", &["47.0.0.2", "47.0.0.3"])
        .snat("snat-one", "ngw-1", "10.0.1.12/32", &["47.0.0.1"])
        .snat("snat-2", "ngw-2", "10.0.2.10/32", &["47.0.1.1"])
        .instance("i-1", "eni-1", "vsw-1", "10.0.1.10")
        .instance("i-own", "eni-own", "vsw-1", "10.0.1.11")
        .instance("i-one", "eni-one", "vsw-1", "10.0.1.12")
        .instance("i-2", "eni-2", "vsw-2", "10.0.2.10")
        .instance("i-bare", "eni-bare", "vsw-2", "10.0.2.11")
        .instance("i-3", "eni-3", "vsw-3", "10.0.3.10")
        .instance("i-3own", "eni-3own", "vsw-3", "10.0.3.11")
        // second addresses: one with a public address of its own, one without
        .extra_ip("eni-1", "10.0.1.20")
        .eip_on_eni("eip-second", "47.0.2.3", "eni-1", Some("10.0.1.20"))
        .extra_ip("eni-own", "10.0.1.21")
        .eip_on("eip-own", "47.0.2.1", EipTarget::Instance, "i-own")
        .eip_on("eip-3own", "47.0.2.2", EipTarget::Instance, "i-3own")
        .closed_group("sg-1", "vpc-a")
        .rule("sg-1", "ingress accept tcp 80/80 10.0.0.0/16")
        .rule("sg-1", "egress drop tcp 443/443 8.8.8.8/32")
        .member("eni-1", &["sg-1"])
        .member("eni-own", &["sg-1"])
        .acl("acl-2", &["vsw-2"])
        .entry("acl-2", "egress accept all -1/-1 0.0.0.0/0")
        .entry("acl-2", "ingress drop tcp 1/65535 8.8.8.8/32")
        .entry("acl-2", "ingress accept all -1/-1 0.0.0.0/0");
    let matrix = Matrix { internet: vec![ip("8.8.8.8"), ip("9.9.9.9")], ..inside() };
    (world, matrix)
}

/// Peering: both ways, one way, not on to a third VPC, not active.
pub fn peering() -> (World, Matrix) {
    let mut world = World::new();
    for (name, net) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        let vpc = format!("vpc-{name}");
        world = world.vpc(&vpc, &format!("10.{net}.0.0/16"));
        for n in [1, 2] {
            let vswitch = format!("vsw-{name}{n}");
            let host = format!("10.{net}.{n}.10");
            world = world.vswitch(&vswitch, &vpc, &format!("10.{net}.{n}.0/24")).instance(
                &format!("i-{name}{n}"),
                &format!("eni-{name}{n}"),
                &vswitch,
                &host,
            );
        }
    }
    let world = world
        .peering("pcc-ab", "vpc-a", "vpc-b", true)
        .peering("pcc-bc", "vpc-b", "vpc-c", true)
        .peering("pcc-ad", "vpc-a", "vpc-d", false)
        .route("vtb-vpc-a", "10.2.0.0/16", "VpcPeer", "pcc-ab")
        .route("vtb-vpc-b", "10.1.1.0/24", "VpcPeer", "pcc-ab")
        // through b to c and back, which peering does not do
        .route("vtb-vpc-a", "10.3.0.0/16", "VpcPeer", "pcc-ab")
        .route("vtb-vpc-c", "10.1.0.0/16", "VpcPeer", "pcc-bc")
        // one vSwitch of b knows the way, the other does not
        .table("vtb-b2", "vpc-b")
        .on_table("vsw-b2", "vtb-b2")
        .route("vtb-vpc-b", "10.3.0.0/16", "VpcPeer", "pcc-bc")
        .route("vtb-vpc-c", "10.2.0.0/16", "VpcPeer", "pcc-bc")
        .route("vtb-vpc-a", "10.4.0.0/16", "VpcPeer", "pcc-ad")
        .route("vtb-vpc-d", "10.1.0.0/16", "VpcPeer", "pcc-ad")
        // the older kind of it
        .router_interfaces(("ri-c", "vpc-c"), ("ri-d", "vpc-d"))
        .route("vtb-vpc-c", "10.4.0.0/16", "RouterInterface", "ri-c")
        .route("vtb-vpc-d", "10.3.1.0/24", "RouterInterface", "ri-d")
        .route("vtb-vpc-b", "10.4.0.0/16", "VpcPeer", "pcc-bc")
        .route("vtb-vpc-d", "10.2.0.0/16", "RouterInterface", "ri-d")
        .closed_group("sg-c", "vpc-c")
        .rule("sg-c", "ingress accept tcp 80/80 10.2.0.0/16")
        .rule("sg-c", "ingress accept udp 53/53 0.0.0.0/0")
        .member("eni-c1", &["sg-c"]);
    (world, inside())
}

/// A DNAT entry with other ports inside.
fn dnat(
    world: World,
    id: &str,
    nat: &str,
    outside: (&str, u16, u16),
    inside: (&str, u16, u16),
    protocol: NatProtocol,
) -> World {
    let mut world = world.dnat_port(id, nat, outside.0, inside.0, outside.1);
    let entry = world.dnat.get_mut(id).unwrap();
    entry.external_port = Some(NatPort::Range(outside.1, outside.2));
    entry.internal_port = Some(NatPort::Range(inside.1, inside.2));
    entry.protocol = Some(protocol);
    world
}

/// From outside to addresses of one's own and through DNAT entries: one port, a range, all of an
/// address; with and without a way back (egress.md §5.1, §5.2), and from inside by way of the
/// Internet (§5.4).
pub fn ingress() -> (World, Matrix) {
    let mut world = World::new()
        .vpc("vpc-a", "10.0.0.0/16")
        .vswitch("vsw-1", "vpc-a", "10.0.1.0/24")
        .vswitch("vsw-2", "vpc-a", "10.0.2.0/24")
        .vswitch("vsw-3", "vpc-a", "10.0.3.0/24")
        .vswitch("vsw-nat", "vpc-a", "10.0.9.0/24")
        .table("vtb-2", "vpc-a")
        .on_table("vsw-2", "vtb-2")
        .table("vtb-3", "vpc-a")
        .on_table("vsw-3", "vtb-3")
        .nat("ngw-1", "vsw-nat", &["47.0.0.1", "47.0.0.2"])
        .nat("ngw-2", "vsw-nat", &["47.0.1.1"])
        .route("vtb-vpc-a", "0.0.0.0/0", "NatGateway", "ngw-1")
        .route("vtb-3", "0.0.0.0/0", "NatGateway", "ngw-2")
        // a part of the clients finds its way back
        .route("vtb-2", "9.9.9.9/32", "NatGateway", "ngw-1")
        .snat("snat-1", "ngw-1", "10.0.1.0/24", &["47.0.0.1"])
        .snat("snat-3", "ngw-2", "10.0.3.0/24", &["47.0.1.1"])
        .instance("i-web", "eni-web", "vsw-1", "10.0.1.10")
        .instance("i-range", "eni-range", "vsw-1", "10.0.1.11")
        .instance("i-whole", "eni-whole", "vsw-1", "10.0.1.12")
        .instance("i-own", "eni-own", "vsw-1", "10.0.1.13")
        .instance("i-2", "eni-2", "vsw-2", "10.0.2.10")
        .instance("i-2own", "eni-2own", "vsw-2", "10.0.2.11")
        .instance("i-3", "eni-3", "vsw-3", "10.0.3.10")
        .eip_on("eip-own", "47.0.2.1", EipTarget::Instance, "i-own")
        .eip_on_eni("eip-2own", "47.0.2.2", "eni-2own", Some("10.0.2.11"))
        .dnat_any("fwd-whole", "ngw-1", "47.0.0.2", "10.0.1.12")
        .dnat_port("fwd-443", "ngw-1", "47.0.0.1", "10.0.2.10", 443)
        .dnat_port("fwd-22", "ngw-1", "47.0.0.1", "10.0.3.10", 22)
        .dnat_port("fwd-own", "ngw-1", "47.0.0.1", "10.0.1.13", 2525)
        .closed_group("sg-web", "vpc-a")
        // the port behind the translation is the one that is tested (access.md §1.6)
        .rule("sg-web", "ingress accept tcp 8080/8080 0.0.0.0/0")
        .rule("sg-web", "ingress accept udp 53/53 9.9.9.9/32")
        .rule("sg-web", "ingress accept udp 53/53 47.0.2.0/24")
        .member("eni-web", &["sg-web"])
        .closed_group("sg-own", "vpc-a")
        .rule("sg-own", "ingress accept tcp 443/443 0.0.0.0/0")
        .rule("sg-own", "ingress drop tcp 443/443 8.8.8.8/32")
        .rule("sg-own", "ingress accept udp 53/53 47.0.0.1/32")
        .member("eni-own", &["sg-own"])
        .acl("acl-2", &["vsw-2"])
        .entry("acl-2", "ingress accept all -1/-1 0.0.0.0/0")
        .entry("acl-2", "egress drop udp 1024/65535 8.8.8.8/32")
        .entry("acl-2", "egress accept all -1/-1 0.0.0.0/0");
    let (tcp, udp) = (NatProtocol::Tcp, NatProtocol::Udp);
    let web = ("10.0.1.10", 8080, 8080);
    world = dnat(world, "fwd-80", "ngw-1", ("47.0.0.1", 80, 80), web, tcp.clone());
    let range = ("10.0.1.11", 9000, 9010);
    world = dnat(world, "fwd-range", "ngw-1", ("47.0.0.1", 8000, 8010), range, tcp);
    let dns = ("10.0.1.10", 53, 53);
    world = dnat(world, "fwd-53", "ngw-1", ("47.0.0.1", 53, 53), dns, udp.clone());
    let dns = ("10.0.2.10", 53, 53);
    world = dnat(world, "fwd-53b", "ngw-2", ("47.0.1.1", 53, 53), dns, udp);
    for nat in world.nats.values_mut() {
        nat.eip_bind_mode = Some(EipBindMode::Nat);
    }
    let matrix = Matrix {
        internet: vec![ip("8.8.8.8"), ip("9.9.9.9")],
        targets: ["47.0.0.1", "47.0.0.2", "47.0.1.1", "47.0.2.1", "47.0.2.2"].map(ip).to_vec(),
        services: vec![
            (Tcp, 22),
            (Tcp, 2525),
            (Tcp, 80),
            (Tcp, 443),
            (Tcp, 8000),
            (Tcp, 8010),
            (Tcp, 8011),
            (Udp, 53),
        ],
        listen: vec![(Tcp, 8080), (Tcp, 9000), (Tcp, 9010)],
        // a flow to the sender's own address: nobody knows (decisions.md 36)
        skip: vec![
            ("eni-own", ip("47.0.2.1")),
            ("eni-2own", ip("47.0.2.2")),
            ("eni-whole", ip("47.0.0.2")),
        ],
        client_ports: vec![49152],
    };
    (world, matrix)
}

/// Instances that forward for others: under their own address or not, with a public address of
/// their own or behind a NAT gateway; their filters see what they forward (egress.md §4.5,
/// decisions.md 33).
pub fn forwarders() -> (World, Matrix) {
    let mut world = World::new().vpc("vpc-a", "10.0.0.0/16");
    for n in [1, 2, 3, 4, 5, 6, 9] {
        let (vswitch, table) = (format!("vsw-{n}"), format!("vtb-{n}"));
        world = world
            .vswitch(&vswitch, "vpc-a", &format!("10.0.{n}.0/24"))
            .table(&table, "vpc-a")
            .on_table(&vswitch, &table);
    }
    let mut world = world
        // between 5 and 6 both ways through a forwarder, in place of the local routes
        .instance("i-5", "eni-5", "vsw-5", "10.0.5.10")
        .instance("i-6", "eni-6", "vsw-6", "10.0.6.10")
        .instance("i-fw3", "eni-fw3", "vsw-2", "10.0.2.13")
        .route("vtb-5", "10.0.6.0/24", "Instance", "i-fw3")
        .route("vtb-6", "10.0.5.0/24", "Instance", "i-fw3")
        .advanced_group("sg-fw3", "vpc-a")
        .rule("sg-fw3", "ingress accept all -1/-1 10.0.5.0/24")
        .rule("sg-fw3", "egress accept tcp 80/80 10.0.6.0/24")
        .rule("sg-fw3", "ingress accept udp 53/53 10.0.6.0/24")
        .rule("sg-fw3", "egress accept udp 53/53 10.0.0.0/16 own 10.0.6.0/24")
        .member("eni-fw3", &["sg-fw3"])
        // from 1 to 5 under another address: answers to 5 would come from it too
        .instance("i-fw4", "eni-fw4", "vsw-2", "10.0.2.14")
        .route("vtb-1", "10.0.5.0/24", "Instance", "i-fw4")
        .instance("i-1", "eni-1", "vsw-1", "10.0.1.10")
        .instance("i-1b", "eni-1b", "vsw-1", "10.0.1.11")
        .instance("i-own", "eni-own", "vsw-1", "10.0.1.12")
        .instance("i-3", "eni-3", "vsw-3", "10.0.3.10")
        .instance("i-4", "eni-4", "vsw-4", "10.0.4.10")
        .instance("i-fw1", "eni-fw1", "vsw-2", "10.0.2.10")
        .instance("i-fw2", "eni-fw2", "vsw-2", "10.0.2.11")
        .instance("i-plain", "eni-plain", "vsw-2", "10.0.2.12")
        .eip_on("eip-fw1", "47.0.2.1", EipTarget::Instance, "i-fw1")
        .eip_on("eip-own", "47.0.2.2", EipTarget::Instance, "i-own")
        .nat("ngw-1", "vsw-9", &["47.0.0.1", "47.0.0.2"])
        .snat("snat-2", "ngw-1", "10.0.2.0/24", &["47.0.0.1"])
        .snat("snat-4", "ngw-1", "10.0.4.0/24", &["47.0.0.2"])
        .route("vtb-1", "0.0.0.0/0", "Instance", "i-fw1")
        .route("vtb-2", "0.0.0.0/0", "NatGateway", "ngw-1")
        .route("vtb-3", "0.0.0.0/0", "Instance", "i-fw2")
        .route("vtb-4", "8.0.0.0/8", "Instance", "i-plain")
        .closed_group("sg-fw", "vpc-a")
        .rule("sg-fw", "ingress accept tcp 80/443 10.0.1.0/24")
        .rule("sg-fw", "ingress accept udp 53/53 10.0.1.10/32")
        .rule("sg-fw", "egress drop tcp 443/443 8.8.8.8/32")
        .rule("sg-fw", "egress drop udp 53/53 9.9.9.9/32 own 10.0.2.10/32")
        .member("eni-fw1", &["sg-fw"])
        // one of its members is let through to the forwarder, not through it
        .group("sg-3", "vpc-a")
        .rule("sg-3", "ingress accept tcp 443/443 10.0.3.0/24")
        .member("eni-fw2", &["sg-3"])
        .member("eni-3", &["sg-3"])
        .acl("acl-2", &["vsw-2"])
        .entry("acl-2", "ingress drop tcp 80/80 10.0.4.0/24")
        .entry("acl-2", "ingress accept all -1/-1 0.0.0.0/0")
        .entry("acl-2", "egress accept all -1/-1 0.0.0.0/0");
    for (id, masquerade) in
        [("i-fw1", true), ("i-fw2", true), ("i-plain", false), ("i-fw3", false), ("i-fw4", true)]
    {
        let instance = world.instances.get_mut(id).unwrap();
        instance.forwards = Some(true);
        instance.masquerade = Some(masquerade);
    }
    let matrix = Matrix {
        internet: vec![ip("8.8.8.8"), ip("9.9.9.9")],
        // what i-fw4 remembers of an answer that it gave its own address looks like this question
        skip: vec![("eni-5", ip("10.0.2.14"))],
        ..inside()
    };
    (world, matrix)
}

/// A VPC NAT gateway between two peered VPCs: the other side sees its address, and knows a way to
/// nothing else (access.md §1.6, egress.md §4.5).
pub fn vpc_nat() -> (World, Matrix) {
    let mut world = World::new();
    for (name, net) in [("a", 1), ("b", 2)] {
        let vpc = format!("vpc-{name}");
        world = world.vpc(&vpc, &format!("10.{net}.0.0/16"));
        for n in [1, 2, 9] {
            let (vswitch, table) = (format!("vsw-{name}{n}"), format!("vtb-{name}{n}"));
            world = world
                .vswitch(&vswitch, &vpc, &format!("10.{net}.{n}.0/24"))
                .table(&table, &vpc)
                .on_table(&vswitch, &table);
        }
        for n in [1, 2] {
            for host in [10, 11] {
                let (id, vswitch) = (format!("{name}{n}-{host}"), format!("vsw-{name}{n}"));
                let address = format!("10.{net}.{n}.{host}");
                world =
                    world.instance(&format!("i-{id}"), &format!("eni-{id}"), &vswitch, &address);
            }
        }
    }
    world = world
        .peering("pcc-1", "vpc-a", "vpc-b", true)
        .vpc_nat("ngw-1", "vsw-a9")
        .snat("snat-1", "ngw-1", "10.1.1.0/24", &["10.1.9.5"])
        .snat("snat-2", "ngw-1", "10.1.2.10/32", &["10.1.9.6"])
        .route("vtb-a1", "10.2.0.0/16", "NatGateway", "ngw-1")
        .route("vtb-a2", "10.2.0.0/16", "NatGateway", "ngw-1")
        .route("vtb-a9", "10.2.0.0/16", "VpcPeer", "pcc-1")
        .route("vtb-b1", "10.1.9.0/24", "VpcPeer", "pcc-1")
        .route("vtb-b2", "10.1.9.6/32", "VpcPeer", "pcc-1")
        .closed_group("sg-b", "vpc-b")
        .rule("sg-b", "ingress accept tcp 80/80 10.1.9.5/32")
        .rule("sg-b", "ingress accept udp 53/53 10.1.0.0/16")
        .rule("sg-b", "ingress drop udp 53/53 10.1.9.6/32")
        .member("eni-b1-11", &["sg-b"]);
    for address in ["10.1.9.5", "10.1.9.6", "10.1.9.7"] {
        let id = format!("vpcnatip-{address}");
        let mut ip = NatIp::new(&id);
        ip.nat_gateway = Some(Id::from("ngw-1"));
        ip.address = Some(addr(address));
        world.nat_ips.insert(address.to_owned(), ip);
    }
    world = world.dnat_port("fwd-443", "ngw-1", "10.1.9.7", "10.1.1.10", 443);
    let web = ("10.1.2.11", 8080, 8080);
    world = dnat(world, "fwd-80", "ngw-1", ("10.1.9.6", 80, 80), web, NatProtocol::Tcp);
    let matrix = Matrix { listen: vec![(Tcp, 8080)], ..inside() };
    (world, matrix)
}

/// An IPv4 gateway that is switched on: routes decide for everybody, NAT gateways included
/// (egress.md §4.3, §5.1).
pub fn central() -> (World, Matrix) {
    let mut world =
        World::new().vpc("vpc-a", "10.0.0.0/16").ipv4_gateway("ipv4gw-1", "vpc-a", true);
    for n in [1, 2, 3, 8, 9] {
        let (vswitch, table) = (format!("vsw-{n}"), format!("vtb-{n}"));
        world = world
            .vswitch(&vswitch, "vpc-a", &format!("10.0.{n}.0/24"))
            .table(&table, "vpc-a")
            .on_table(&vswitch, &table);
    }
    for n in [1, 2, 3] {
        let (host, vswitch) = (format!("10.0.{n}.10"), format!("vsw-{n}"));
        let (own, other) = (format!("i-own{n}"), format!("i-{n}"));
        world = world
            .instance(&own, &format!("eni-own{n}"), &vswitch, &host)
            .instance(&other, &format!("eni-{n}"), &vswitch, &format!("10.0.{n}.11"))
            .eip_on(&format!("eip-{n}"), &format!("47.0.2.{n}"), EipTarget::Instance, &own);
    }
    let mut world = world
        .nat("ngw-8", "vsw-8", &["47.0.0.8"])
        .nat("ngw-9", "vsw-9", &["47.0.0.9"])
        .snat("snat-8", "ngw-8", "10.0.0.0/16", &["47.0.0.8"])
        .snat("snat-9", "ngw-9", "10.0.0.0/16", &["47.0.0.9"])
        // public; private by a NAT gateway, for a part by one whose own vSwitch is not public
        .route("vtb-1", "0.0.0.0/0", "Ipv4Gateway", "ipv4gw-1")
        .route("vtb-2", "0.0.0.0/0", "NatGateway", "ngw-8")
        .route("vtb-2", "9.9.9.9/32", "NatGateway", "ngw-9")
        .route("vtb-3", "8.8.0.0/16", "Ipv4Gateway", "ipv4gw-1")
        .route("vtb-8", "0.0.0.0/0", "Ipv4Gateway", "ipv4gw-1")
        .dnat_port("fwd-80", "ngw-8", "47.0.0.8", "10.0.2.11", 80)
        .dnat_port("fwd-443", "ngw-8", "47.0.0.8", "10.0.1.11", 443);
    for nat in world.nats.values_mut() {
        nat.eip_bind_mode = Some(EipBindMode::Nat);
    }
    let matrix = Matrix {
        internet: vec![ip("8.8.8.8"), ip("9.9.9.9")],
        targets: ["47.0.0.8", "47.0.2.1", "47.0.2.2", "47.0.2.3"].map(ip).to_vec(),
        skip: vec![
            ("eni-own1", ip("47.0.2.1")),
            ("eni-own2", ip("47.0.2.2")),
            ("eni-own3", ip("47.0.2.3")),
        ],
        ..inside()
    };
    (world, matrix)
}

/// A transit router: tables by attachment, a missing association, black holes, longest prefix, and
/// a VPC whose NAT gateway serves another (access.md §5.4, egress.md §4.5).
pub fn transit() -> (World, Matrix) {
    let mut world = World::new().transit_router("tr-1");
    for (name, net) in [("a", 1), ("b", 2), ("c", 3)] {
        let vpc = format!("vpc-{name}");
        world = world.vpc(&vpc, &format!("10.{net}.0.0/16"));
        for n in [1, 2] {
            let vswitch = format!("vsw-{name}{n}");
            let host = format!("10.{net}.{n}.10");
            world = world.vswitch(&vswitch, &vpc, &format!("10.{net}.{n}.0/24")).instance(
                &format!("i-{name}{n}"),
                &format!("eni-{name}{n}"),
                &vswitch,
                &host,
            );
        }
        let attachment = format!("tr-attach-{name}");
        let first = format!("vsw-{name}1");
        world = world.attach_vpc(&attachment, "tr-1", &vpc, &[&first], None).route(
            &format!("vtb-{vpc}"),
            "10.0.0.0/8",
            "Attachment",
            &attachment,
        );
    }
    let world = world
        .transit_table("vtb-tr-1", "tr-1")
        .transit_table("vtb-tr-2", "tr-1")
        .associate("tr-attach-a", "vtb-tr-1")
        .associate("tr-attach-b", "vtb-tr-2")
        // nothing says what to do with packets from c
        .transit_route("vtb-tr-1", "10.2.0.0/16", Some("tr-attach-b"))
        .transit_route("vtb-tr-1", "10.3.0.0/16", Some("tr-attach-c"))
        .transit_route("vtb-tr-2", "10.0.0.0/8", Some("tr-attach-a"))
        .transit_route("vtb-tr-2", "10.1.2.0/24", None)
        .transit_route("vtb-tr-2", "10.3.0.0/16", Some("tr-attach-c"))
        .transit_route("vtb-tr-2", "0.0.0.0/0", Some("tr-attach-a"))
        // b goes out through the gateway of a, which translates one half of it
        .vswitch("vsw-nat", "vpc-a", "10.1.9.0/24")
        .nat("ngw-1", "vsw-nat", &["47.0.0.1"])
        .snat("snat-a", "ngw-1", "10.1.1.0/24", &["47.0.0.1"])
        .snat("snat-b", "ngw-1", "10.2.1.0/24", &["47.0.0.1"])
        .route("vtb-vpc-a", "0.0.0.0/0", "NatGateway", "ngw-1")
        .route("vtb-vpc-b", "0.0.0.0/0", "Attachment", "tr-attach-b")
        .route("vtb-vpc-c", "0.0.0.0/0", "Attachment", "tr-attach-c")
        .open_acl("acl-b", &["vsw-b2"])
        .entry("acl-b", "egress drop all -1/-1 0.0.0.0/0");
    let matrix = Matrix { internet: vec![ip("8.8.8.8")], ..inside() };
    (world, matrix)
}
