//! Topologies at random.

use super::cases::inside;
use super::compare::Matrix;
use super::world::World;

/// Numbers that look random and are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Groups and lists at random over four hosts in two vSwitches.
pub fn random(seed: u64) -> (World, Matrix) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let peers = ["0.0.0.0/0", "10.0.1.0/24", "10.0.2.0/24", "10.0.1.10/32", "10.0.2.10/31"];
    let services = ["all -1/-1", "tcp 1/65535", "tcp 80/80", "tcp 80/443", "udp 53/53"];
    let policies = ["accept", "accept", "accept", "drop"];
    let mut world = World::new()
        .vpc("vpc-a", "10.0.0.0/16")
        .vswitch("vsw-1", "vpc-a", "10.0.1.0/24")
        .vswitch("vsw-2", "vpc-a", "10.0.2.0/24")
        .group("sg-0", "vpc-a")
        .closed_group("sg-1", "vpc-a")
        .advanced_group("sg-2", "vpc-a")
        .filters();
    for group in ["sg-0", "sg-1", "sg-2"] {
        for _ in 0..6 {
            let direction = dice.of(&["ingress", "ingress", "egress"]);
            let (policy, service) = (dice.of(&policies), dice.of(&services));
            let members = group != "sg-2" && dice.below(4) == 0;
            let other = if group == "sg-0" { "sg-1" } else { "sg-0" };
            let peer = if members { other } else { dice.of(&peers) };
            let priority = 1 + dice.below(3);
            let sport = if service.starts_with("tcp") && dice.below(5) == 0 {
                dice.of(&[" sport 1024/29999", " sport 30000/65535"])
            } else {
                ""
            };
            let rule = format!("{direction} {policy} {service} {peer} prio {priority}{sport}");
            world = world.rule(group, &rule);
        }
    }
    for (n, address) in ["10.0.1.10", "10.0.1.11", "10.0.2.10", "10.0.2.11"].iter().enumerate() {
        let vswitch = if n < 2 { "vsw-1" } else { "vsw-2" };
        let eni = format!("eni-{n}");
        world = world.instance(&format!("i-{n}"), &eni, vswitch, address);
        // all groups of an ENI are of one type (access.md §1.2)
        let groups: &[&str] = dice.of(&[&["sg-0"], &["sg-1"], &["sg-0", "sg-1"], &["sg-2"]]);
        world = world.member(&eni, groups);
    }
    let services = ["all -1/-1", "tcp 80/443", "tcp 20000/49999", "udp 1/30000", "tcp 1024/65535"];
    world = world.acl("acl-1", &["vsw-1"]);
    for direction in ["ingress", "egress"] {
        for _ in 0..4 {
            let (policy, service) = (dice.of(&policies), dice.of(&services));
            let peer = dice.of(&peers);
            world = world.entry("acl-1", &format!("{direction} {policy} {service} {peer}"));
        }
    }
    (world, Matrix { client_ports: vec![20000, 30000, 50000], ..inside() })
}
