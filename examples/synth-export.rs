//! Writes an export of any size, for measuring: a region with VPCs in two zones, tiers, NAT gateways
//! with pools, instances with their own EIPs, DNAT entries, custom tables and security groups.
//!
//! `cargo run --release --example synth-export -- --instances 10000 --seed 1 --out DIR`
//!
//! The same arguments give the same bytes.

#![allow(clippy::indexing_slicing, reason = "a program for measuring; rows are made here")]

use std::error::Error;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::{Value, json};

/// Writes an export of any size, for measuring.
#[derive(Parser)]
struct Args {
    /// Number of instances.
    #[arg(long)]
    instances: u32,
    /// Seed of the pseudo-random choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder to write to; made if it does not exist.
    #[arg(long)]
    out: PathBuf,
}

const ACCOUNT: &str = "1000000000000001";
const REGION: &str = "cn-hangzhou";
/// Instances per VPC: what 16 vSwitches of /24 hold with room to spare.
const PER_VPC: u32 = 2000;
const VSWITCHES: u32 = 16;

/// A small generator of pseudo-random numbers (xorshift), so that runs can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 % u64::from(limit.max(1))).unwrap_or(0)
    }
}

/// Rows of every listing.
#[derive(Default)]
struct World {
    vpcs: Vec<Value>,
    vswitches: Vec<Value>,
    tables: Vec<Value>,
    routes: Vec<(String, Vec<Value>)>,
    nats: Vec<Value>,
    snat: Vec<(String, Vec<Value>)>,
    dnat: Vec<(String, Vec<Value>)>,
    eips: Vec<Value>,
    instances: Vec<Value>,
    enis: Vec<Value>,
    groups: Vec<Value>,
    rules: Vec<(String, Vec<Value>)>,
    acls: Vec<Value>,
    public: u32,
}

impl World {
    /// The next address of 198.18.0.0/15 (RFC 2544, benchmarking).
    fn public_ip(&mut self) -> Ipv4Addr {
        self.public += 1;
        Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + self.public)
    }

    fn eip(&mut self, kind: &str, target: &str, private: &str) -> (String, String) {
        let ip = self.public_ip().to_string();
        let id = format!("eip-{:020}", self.public);
        self.eips.push(json!({
            "AllocationId": id, "IpAddress": ip, "Name": "", "Status": "InUse", "InstanceType": kind,
            "InstanceId": target, "PrivateIpAddress": private, "Mode": "NAT", "RegionId": REGION,
            "BusinessStatus": "Normal", "OperationLocks": {"LockReason": []}, "Bandwidth": "10",
            "BandwidthPackageId": "", "ISP": "BGP", "ServiceManaged": 0,
        }));
        (ip, id)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let mut random = Random(args.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut world = World::default();
    let mut left = args.instances;
    let mut number = 0;
    while left > 0 {
        let count = left.min(PER_VPC);
        vpc(&mut world, &mut random, number, count);
        left -= count;
        number += 1;
    }
    write(&world, &args.out)
}

fn vpc(world: &mut World, random: &mut Random, number: u32, count: u32) {
    let id = format!("vpc-{number:020}");
    let base = u32::from(Ipv4Addr::new(10, 0, 0, 0)) + (number % 256) * 0x1_0000;
    let block = |offset: u32| Ipv4Addr::from(base + offset).to_string();
    let nat = format!("ngw-{number:020}");
    let tables = [format!("vtb-{number:019}s"), format!("vtb-{number:019}c")];
    world.vpcs.push(json!({
        "VpcId": id, "VpcName": format!("业务-{number}"), "CidrBlock": format!("{}/16", block(0)),
        "SecondaryCidrBlocks": {"SecondaryCidrBlock": []}, "UserCidrs": {"UserCidr": []},
        "Status": "Available", "RegionId": REGION, "OwnerId": 1_000_000_000_000_001_u64,
    }));
    let vswitch = |n: u32| format!("vsw-{number:016}{n:04}");
    let acl = format!("nacl-{number:020}");
    for n in 0..VSWITCHES {
        let zone = if n % 2 == 0 { "cn-hangzhou-h" } else { "cn-hangzhou-i" };
        // the last quarter is the data tier: its table has no default route
        let custom = n >= VSWITCHES * 3 / 4;
        world.vswitches.push(json!({
            "VSwitchId": vswitch(n), "VSwitchName": format!("tier-{}", n / 4), "VpcId": id,
            "CidrBlock": format!("{}/24", block(n * 256)), "ZoneId": zone, "Status": "Available",
            "NetworkAclId": if custom { acl.as_str() } else { "" },
            "RouteTable": {"RouteTableId": tables[usize::from(custom)], "RouteTableType": if custom { "Custom" } else { "System" }},
        }));
    }
    for (n, table) in tables.iter().enumerate() {
        world.tables.push(json!({
            "RouteTableId": table, "VpcId": id, "RouteTableType": if n == 0 { "System" } else { "Custom" },
            "AssociateType": "VSwitch", "RouterType": "VRouter", "Status": "Available",
        }));
        let entry = |name: String, to: String, kind: &str, hop: &str, hop_id: &str| {
            json!({
                "RouteTableId": table, "RouteEntryId": format!("rte-{table}-{name}"),
                "DestinationCidrBlock": to, "Type": kind, "Status": "Available", "IpVersion": "IPv4",
                "NextHops": {"NextHop": [{"NextHopType": hop, "NextHopId": hop_id}]},
            })
        };
        let mut rows: Vec<Value> = (0..VSWITCHES)
            .map(|v| {
                entry(format!("l{v}"), format!("{}/24", block(v * 256)), "System", "local", "")
            })
            .collect();
        rows.push(entry("s".into(), "100.64.0.0/10".into(), "System", "service", ""));
        if n == 0 {
            rows.push(entry("d".into(), "0.0.0.0/0".into(), "Custom", "NatGateway", &nat));
        }
        world.routes.push((table.clone(), rows));
    }
    let pool: Vec<(String, String)> = (0..3).map(|_| world.eip("Nat", &nat, "")).collect();
    world.nats.push(json!({
        "NatGatewayId": nat, "Name": "", "VpcId": id, "RegionId": REGION, "NatType": "Enhanced",
        "NetworkType": "internet", "Status": "Available", "BusinessStatus": "Normal",
        "EipBindMode": "MULTI_BINDED",
        "IpLists": {"IpList": pool.iter().map(|(ip, eip)| json!({"IpAddress": ip, "AllocationId": eip})).collect::<Vec<_>>()},
        "NatGatewayPrivateInfo": {"VswitchId": vswitch(0), "IzNo": "cn-hangzhou-h"},
        "SnatTableIds": {"SnatTableId": [format!("stb-{number}")]},
        "ForwardTableIds": {"ForwardTableId": [format!("ftb-{number}")]},
    }));
    let snat = (0..VSWITCHES * 3 / 4)
        .map(|n| {
            let ips = if n % 4 == 0 { format!("{},{}", pool[0].0, pool[1].0) } else { pool[0].0.clone() };
            json!({
                "SnatEntryId": format!("snat-{number:016}{n:04}"), "SnatTableId": format!("stb-{number}"),
                "NatGatewayId": nat, "SourceVSwitchId": vswitch(n),
                "SourceCIDR": format!("{}/24", block(n * 256)), "SnatIp": ips, "Status": "Available",
            })
        })
        .collect();
    world.snat.push((nat.clone(), snat));
    let dnat = (0..20u32)
        .map(|n| {
            json!({
                "ForwardEntryId": format!("fwd-{number:016}{n:04}"), "ForwardTableId": format!("ftb-{number}"),
                "NatGatewayId": nat, "ExternalIp": pool[2].0, "ExternalPort": (8000 + n).to_string(),
                "InternalIp": Ipv4Addr::from(base + 10 + n).to_string(), "InternalPort": "443",
                "IpProtocol": "tcp", "Status": "Available",
            })
        })
        .collect();
    world.dnat.push((nat, dnat));
    for tier in 0..4 {
        world.groups.push(json!({
            "SecurityGroupId": format!("sg-{number:016}{tier:04}"), "SecurityGroupName": format!("tier-{tier}"),
            "VpcId": id, "SecurityGroupType": "normal", "ServiceManaged": false,
        }));
        group_rules(world, number, tier);
    }
    let data: Vec<String> = (VSWITCHES * 3 / 4..VSWITCHES).map(vswitch).collect();
    world.acls.push(network_acl(&acl, &id, &data, &block(0)));
    for n in 0..count {
        let subnet = n % VSWITCHES;
        let ip = Ipv4Addr::from(base + subnet * 256 + 10 + n / VSWITCHES).to_string();
        host(world, random, &id, &vswitch(subnet), number * PER_VPC + n, &ip, subnet);
    }
}

/// Rules of the group of a tier: it is entered from the tier before it; the application tier gets
/// out to web services only, the data tier nowhere.
fn group_rules(world: &mut World, number: u32, tier: u32) {
    let group = |tier: u32| format!("sg-{number:016}{tier:04}");
    let mut rows: Vec<Value> = Vec::new();
    let mut rule = |direction: &str, policy: &str, ports: &str, priority: &str, peer: &str| {
        let ingress = direction == "ingress";
        let (group, cidr) = if peer.starts_with("sg-") { (peer, "") } else { ("", peer) };
        let side =
            |wanted: bool, value: &str| if wanted { value.to_owned() } else { String::new() };
        rows.push(json!({
            "SecurityGroupRuleId": format!("sgr-{number:012}{tier:04}{:04}", rows.len()),
            "Direction": direction, "Policy": policy, "PortRange": ports, "Priority": priority,
            "IpProtocol": if ports == "-1/-1" { "ALL" } else { "TCP" }, "NicType": "intranet",
            "SourceCidrIp": side(ingress, cidr), "SourceGroupId": side(ingress, group),
            "DestCidrIp": side(!ingress, cidr), "DestGroupId": side(!ingress, group),
            "Ipv6SourceCidrIp": "", "Ipv6DestCidrIp": "", "SourcePrefixListId": "",
            "DestPrefixListId": "", "SourcePortRange": "", "SourceGroupOwnerAccount": "",
            "DestGroupOwnerAccount": "", "Description": "",
        }));
    };
    match tier {
        0 => rule("ingress", "Accept", "443/443", "1", "0.0.0.0/0"),
        tier => rule("ingress", "Accept", "8080/8080", "1", &group(tier - 1)),
    }
    for n in 0..12u32 {
        let admin = format!("172.16.{}.0/24", n * 3);
        rule("ingress", "Accept", "22/22", "10", &admin);
    }
    match tier {
        2 => {
            rule("egress", "Accept", "80/80", "1", "0.0.0.0/0");
            rule("egress", "Accept", "443/443", "1", "0.0.0.0/0");
            rule("egress", "Accept", "3306/3306", "1", &group(3));
            rule("egress", "Drop", "-1/-1", "100", "0.0.0.0/0");
        }
        3 => rule("egress", "Drop", "-1/-1", "100", "0.0.0.0/0"),
        _ => {}
    }
    world.rules.push((group(tier), rows));
}

/// An ACL that lets its vSwitches talk with their VPC only.
fn network_acl(id: &str, vpc: &str, vswitches: &[String], base: &str) -> Value {
    let entries = |side: &str| -> Vec<Value> {
        [("accept", format!("{base}/16")), ("drop", "0.0.0.0/0".to_owned())]
            .into_iter()
            .map(|(policy, block)| {
                json!({
                    "Policy": policy, "Protocol": "all", "Port": "-1/-1", side: block,
                    "EntryType": "custom", "IpVersion": "IPv4", "Description": "",
                })
            })
            .collect()
    };
    let bound: Vec<Value> = vswitches
        .iter()
        .map(|id| json!({"ResourceId": id, "ResourceType": "VSwitch", "Status": "BINDED"}))
        .collect();
    json!({
        "NetworkAclId": id, "NetworkAclName": "data", "VpcId": vpc, "Status": "Available",
        "RegionId": REGION, "Resources": {"Resource": bound},
        "IngressAclEntries": {"IngressAclEntry": entries("SourceCidrIp")},
        "EgressAclEntries": {"EgressAclEntry": entries("DestinationCidrIp")},
    })
}

fn host(
    world: &mut World,
    random: &mut Random,
    vpc: &str,
    vswitch: &str,
    n: u32,
    ip: &str,
    subnet: u32,
) {
    let (id, eni) = (format!("i-{n:020}"), format!("eni-{n:020}"));
    let zone = if subnet.is_multiple_of(2) { "cn-hangzhou-h" } else { "cn-hangzhou-i" };
    let group = format!("sg-{:016}{:04}", n / PER_VPC, subnet / 4);
    let own = (random.below(50) == 0).then(|| world.eip("EcsInstance", &id, ip));
    let (public, eip) = own.unwrap_or_default();
    world.instances.push(json!({
        "InstanceId": id, "InstanceName": format!("主机-{n}"), "Status": "Running", "InstanceNetworkType": "vpc",
        "RegionId": REGION, "ZoneId": zone, "PublicIpAddress": {"IpAddress": []},
        "EipAddress": {"IpAddress": public, "AllocationId": eip},
        "VpcAttributes": {"VpcId": vpc, "VSwitchId": vswitch, "PrivateIpAddress": {"IpAddress": [ip]}},
        "NetworkInterfaces": {"NetworkInterface": [{"NetworkInterfaceId": eni, "Type": "Primary", "PrimaryIpAddress": ip}]},
        "SecurityGroupIds": {"SecurityGroupId": [group]},
        "Tags": {"Tag": [{"TagKey": "tier", "TagValue": format!("t{}", subnet / 4)}]},
        "OSName": "Alibaba Cloud Linux 3.2104 LTS 64 bit", "InstanceType": "ecs.g7.xlarge", "Cpu": 4, "Memory": 16384,
        "CreationTime": "2024-01-01T00:00Z", "ImageId": "aliyun_3_x64_20G_alibase_20240528.vhd", "Description": "",
    }));
    let bound = if public.is_empty() {
        json!({})
    } else {
        json!({"PublicIpAddress": public, "AllocationId": eip})
    };
    world.enis.push(json!({
        "NetworkInterfaceId": eni, "Type": "Primary", "Status": "InUse", "InstanceId": id, "VpcId": vpc,
        "VSwitchId": vswitch, "ZoneId": zone, "PrivateIpAddress": ip, "MacAddress": "00:16:3e:00:00:00",
        "PrivateIpSets": {"PrivateIpSet": [{"PrivateIpAddress": ip, "Primary": true, "AssociatedPublicIp": bound}]},
        "AssociatedPublicIp": bound, "Ipv6Sets": {"Ipv6Set": []}, "SecurityGroupIds": {"SecurityGroupId": [group]},
        "ServiceManaged": false, "OwnerId": ACCOUNT, "Tags": {"Tag": []},
    }));
}

fn write(world: &World, out: &Path) -> Result<(), Box<dyn Error>> {
    let dir = out.join(ACCOUNT).join(REGION);
    fs::create_dir_all(&dir)?;
    fs::write(
        out.join(ACCOUNT).join("sts.GetCallerIdentity.json"),
        json!({"AccountId": ACCOUNT, "IdentityType": "Account", "RequestId": "0"}).to_string(),
    )?;
    let numbered = [
        ("vpc.DescribeVpcs", "Vpcs", "Vpc", &world.vpcs, 50),
        ("vpc.DescribeVSwitches", "VSwitches", "VSwitch", &world.vswitches, 50),
        ("vpc.DescribeRouteTableList", "RouterTableList", "RouterTableListType", &world.tables, 50),
        ("vpc.DescribeNatGateways", "NatGateways", "NatGateway", &world.nats, 50),
        ("vpc.DescribeEipAddresses", "EipAddresses", "EipAddress", &world.eips, 100),
        ("vpc.DescribeHaVips", "HaVips", "HaVip", &Vec::new(), 50),
        ("vpc.DescribeNetworkAcls", "NetworkAcls", "NetworkAcl", &world.acls, 50),
    ];
    for (name, outer, inner, rows, size) in numbered {
        pages(&dir, name, outer, inner, rows, size, false)?;
    }
    let tokens = [
        ("ecs.DescribeInstances", "Instances", "Instance", &world.instances, 100),
        (
            "ecs.DescribeNetworkInterfaces",
            "NetworkInterfaceSets",
            "NetworkInterfaceSet",
            &world.enis,
            500,
        ),
        ("ecs.DescribeSecurityGroups", "SecurityGroups", "SecurityGroup", &world.groups, 100),
    ];
    for (name, outer, inner, rows, size) in tokens {
        pages(&dir, name, outer, inner, rows, size, true)?;
    }
    for (table, rows) in &world.routes {
        let name = format!("vpc.DescribeRouteEntryList@RouteTableId={table}");
        pages(&dir, &name, "RouteEntrys", "RouteEntry", rows, 100, true)?;
    }
    for (nat, rows) in &world.snat {
        let name = format!("vpc.DescribeSnatTableEntries@NatGatewayId={nat}");
        pages(&dir, &name, "SnatTableEntries", "SnatTableEntry", rows, 50, false)?;
    }
    for (nat, rows) in &world.dnat {
        let name = format!("vpc.DescribeForwardTableEntries@NatGatewayId={nat}");
        pages(&dir, &name, "ForwardTableEntries", "ForwardTableEntry", rows, 50, false)?;
    }
    for (group, rows) in &world.rules {
        let name = format!("ecs.DescribeSecurityGroupAttribute@SecurityGroupId={group}.p1.json");
        let body = json!({
            "SecurityGroupId": group, "InnerAccessPolicy": "Accept", "RegionId": REGION,
            "Permissions": {"Permission": rows}, "NextToken": "", "RequestId": "0",
        });
        fs::write(dir.join(name), serde_json::to_string_pretty(&body)?)?;
    }
    for vpc in &world.vpcs {
        let id = vpc["VpcId"].as_str().unwrap_or_default();
        let body = json!({"VpcId": id, "SupportIpv4Gateway": false, "Ipv4GatewayId": "", "RegionId": REGION, "RequestId": "0"});
        fs::write(
            dir.join(format!("vpc.DescribeVpcAttribute@VpcId={id}.p1.json")),
            body.to_string(),
        )?;
    }
    let none =
        json!({"Ipv4GatewayModels": [], "NextToken": "", "TotalCount": "0", "RequestId": "0"});
    fs::write(dir.join("vpc.ListIpv4Gateways.p1.json"), none.to_string())?;
    Ok(())
}

fn pages(
    dir: &Path,
    name: &str,
    outer: &str,
    inner: &str,
    rows: &[Value],
    size: usize,
    by_token: bool,
) -> Result<(), Box<dyn Error>> {
    let last = rows.chunks(size).len().max(1);
    let empty: &[Value] = &[];
    for n in 0..last {
        let chunk = rows.chunks(size).nth(n).unwrap_or(empty);
        let mut body = json!({outer: {inner: chunk}, "RequestId": "0"});
        if by_token {
            body["NextToken"] =
                json!(if n + 1 < last { format!("token-{}", n + 1) } else { String::new() });
        } else {
            body["PageNumber"] = json!(n + 1);
            body["PageSize"] = json!(size);
            body["TotalCount"] = json!(rows.len());
        }
        fs::write(
            dir.join(format!("{name}.p{}.json", n + 1)),
            serde_json::to_string_pretty(&body)?,
        )?;
    }
    Ok(())
}
