//! `egress --output json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::PacketV1;
use crate::analyze::egress::{EgressClass, EgressReport, SourceEgress};
use crate::packet::{Packet, port_list};
use crate::report::blocks::Blocks;
use crate::report::egress_view::{self, EgressScope};
use crate::topology::{ResourceRef, Topology};

/// The document of `vpclint egress --output json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EgressV1 {
    /// `vpclint/egress/v1`.
    #[schemars(extend("const" = "vpclint/egress/v1"))]
    schema: &'static str,
    /// Every source address, by region, VPC, instance, ENI and address.
    sources: Vec<SourceV1>,
    /// Sources by the public address that they leave with.
    by_public_ip: Vec<PublicIpV1>,
    /// Counts.
    summary: SummaryV1,
    /// Listings without which there may be further sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

/// A private address that traffic leaves from.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Source")]
struct SourceV1 {
    /// Instance; null for an ENI that is not attached.
    instance: Option<String>,
    /// Name of the instance.
    name: Option<String>,
    /// ENI.
    eni: String,
    /// The address, or the symbol that stands for it.
    private_ip: String,
    /// `primary`: primary address of the primary ENI, what the guest uses unless told otherwise.
    #[schemars(extend("enum" = ["primary", "secondary_ip", "secondary_eni", "havip"]))]
    role: &'static str,
    /// Region.
    region: Option<String>,
    /// Zone.
    zone: Option<String>,
    /// VPC.
    vpc: Option<String>,
    /// vSwitch.
    vswitch: Option<String>,
    /// Sum over the public destinations: `exits` when all are reached, `none` when none is,
    /// `mixed` in between, `unknown` when something that is missing could change it.
    #[schemars(extend("enum" = ["exits", "none", "mixed", "unknown"]))]
    verdict: &'static str,
    /// Public addresses over all public destinations, or the symbols that stand for them.
    public_ips: Vec<String>,
    /// One set of public addresses for all destinations that are reached.
    uniform: bool,
    /// Classes of destinations with the same fate, disjoint.
    classes: Vec<ClassV1>,
    /// Assumptions that decided about some class.
    assumptions: Vec<String>,
    /// Facts about the source itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// Packets with the same fate: those to `destinations` less `except`, of one protocol or all, to
/// some or all ports. A fate that several protocols share, but not all, is a class for each.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Class")]
struct ClassV1 {
    /// Blocks.
    destinations: Vec<String>,
    /// Blocks of them that do not belong to the class.
    except: Vec<String>,
    /// Protocol; `any` for all of them, with all ports.
    #[schemars(extend("enum" = ["any", "tcp", "udp", "icmp", "gre", "other"]))]
    protocol: &'static str,
    /// Destination ports, such as `80,443,8000-8099`, or `any`.
    ports: String,
    /// What happens.
    #[schemars(extend("enum" = ["exits", "delivered", "leaves", "answered", "dropped", "conditional", "unknown"]))]
    verdict: &'static str,
    /// Why not, for drops.
    reason: Option<&'static str>,
    /// Public addresses; more than one when the gateway chooses per connection.
    public_ips: Vec<String>,
    /// For `unknown`, where only security groups or network ACLs are not known: public addresses
    /// under which the packets leave if these let them through.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    if_allowed: Vec<String>,
    /// Devices and entries that decide, in path order.
    via: Vec<ViaV1>,
    /// A packet of the class; null when the source address is not known as a number.
    witness: Option<PacketV1>,
    /// Why these and not others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    why: Vec<String>,
    /// Facts to know that do not change the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// What is missing, when the verdict is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

/// An element of a path.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Via")]
struct ViaV1 {
    /// Kind, e.g. `nat_gateway`.
    kind: &'static str,
    /// Id.
    id: String,
}

/// A public address and who leaves with it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PublicIp")]
struct PublicIpV1 {
    /// The address, or the symbol that stands for it.
    public_ip: String,
    /// Its EIP, if it is one that the input names.
    eip: Option<String>,
    /// Private addresses of the sources.
    sources: Vec<String>,
}

/// Counts of an egress report.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Summary")]
struct SummaryV1 {
    /// Sources.
    sources: usize,
    /// Sources that reach at least some public destinations.
    with_egress: usize,
    /// Sources that reach none.
    without_egress: usize,
    /// Sources for which something that is missing could change the answer.
    unknown: usize,
    /// Different public addresses in use.
    public_ips: usize,
}

impl EgressV1 {
    /// The document of an answer, with the classes that the scope asks for; `missing` are listings
    /// without which there may be further sources.
    pub fn new(
        report: &EgressReport,
        topology: &Topology,
        scope: EgressScope,
        missing: &[String],
    ) -> Self {
        let eips = egress_view::eips_by_address(topology);
        let by_ip = egress_view::by_public_ip(report);
        let counts = egress_view::counts(report);
        Self {
            schema: "vpclint/egress/v1",
            sources: report.sources.iter().map(|s| SourceV1::new(s, scope)).collect(),
            by_public_ip: by_ip
                .iter()
                .map(|(address, sources)| PublicIpV1 {
                    public_ip: address.to_string(),
                    eip: eips.get(address).map(|id| id.to_string()),
                    sources: sources.iter().map(|s| s.address.to_string()).collect(),
                })
                .collect(),
            summary: SummaryV1 {
                sources: report.sources.len(),
                with_egress: counts.with_egress,
                without_egress: counts.without_egress,
                unknown: counts.unknown,
                public_ips: by_ip.len(),
            },
            missing: missing.to_vec(),
        }
    }
}

impl SourceV1 {
    fn new(source: &SourceEgress, scope: EgressScope) -> Self {
        let text = |id: &crate::topology::Id| id.to_string();
        Self {
            instance: source.instance.as_ref().map(|i| text(&i.id)),
            name: source.instance.as_ref().and_then(|i| i.name.as_ref()).map(|n| n.to_string()),
            eni: text(&source.eni.id),
            private_ip: source.address.to_string(),
            role: source.role.name(),
            region: source.region.as_ref().map(text),
            zone: source.zone.as_ref().map(|zone| zone.to_string()),
            vpc: source.vpc.as_ref().map(text),
            vswitch: source.vswitch.as_ref().map(text),
            verdict: source.verdict.name(),
            public_ips: source.public_ips.iter().map(ToString::to_string).collect(),
            uniform: source.uniform,
            classes: scope.classes(source).flat_map(|c| ClassV1::of(source, c)).collect(),
            assumptions: scope.assumptions(source),
            notes: source.notes.clone(),
        }
    }
}

impl ClassV1 {
    /// One class where the fate is that of all services, else one per protocol.
    fn of(source: &SourceEgress, class: &EgressClass) -> Vec<Self> {
        if class.services.is_all() {
            let witness = source.witness(class);
            return vec![Self::new(class, "any", "any".to_owned(), witness)];
        }
        let protocols = class.services.by_protocol().into_iter();
        protocols
            .map(|(protocol, ports)| {
                let ports = ports.map_or_else(|| "any".to_owned(), |ports| port_list(&ports));
                let witness = class.witness_of(protocol).and_then(|packet| source.sent(packet));
                Self::new(class, protocol.name(), ports, witness)
            })
            .collect()
    }

    fn new(
        class: &EgressClass,
        protocol: &'static str,
        ports: String,
        witness: Option<Packet>,
    ) -> Self {
        let blocks = Blocks::of(&class.destinations);
        let texts = |cidrs: &[crate::addr::Cidr]| cidrs.iter().map(ToString::to_string).collect();
        Self {
            destinations: texts(&blocks.cover),
            except: texts(&blocks.except),
            protocol,
            ports,
            verdict: class.verdict.name(),
            reason: class.reason.map(crate::simulate::Reason::name),
            public_ips: class.public_ips.iter().map(ToString::to_string).collect(),
            if_allowed: class.if_allowed.iter().map(ToString::to_string).collect(),
            via: class.via.iter().map(ViaV1::from).collect(),
            witness: witness.as_ref().map(PacketV1::from),
            why: class.why.clone(),
            notes: class.notes.clone(),
            missing: class.missing.clone(),
        }
    }
}

impl From<&ResourceRef> for ViaV1 {
    fn from(r: &ResourceRef) -> Self {
        Self { kind: r.kind.name(), id: r.id.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{egress_fixture, json};
    use serde_json::json;

    #[test]
    fn the_document_is_as_the_contract_says() {
        let (report, topology) = (egress_fixture::report(), egress_fixture::topology());
        let document = EgressV1::new(&report, &topology, EgressScope::Public, &[]);
        let value = json::assert_valid(&document);
        assert_eq!(
            value["sources"][0],
            json!({
                "instance": "i-1", "name": "网关", "eni": "eni-i-1", "private_ip": "10.0.1.10",
                "role": "primary", "region": "cn-shanghai", "zone": "cn-shanghai-b",
                "vpc": "vpc-1", "vswitch": "vsw-1", "verdict": "exits",
                "public_ips": ["203.0.113.7"], "uniform": true,
                "classes": [{
                    "destinations": ["0.0.0.0/0"], "except": ["10.0.0.0/8"],
                    "protocol": "any", "ports": "any", "verdict": "exits", "reason": null,
                    "public_ips": ["203.0.113.7"],
                    "via": [{"kind": "nat_gateway", "id": "ngw-1"},
                            {"kind": "snat_entry", "id": "snat-1"}],
                    "witness": {"src": "10.0.1.10", "dst": "8.8.8.8", "protocol": "tcp",
                                "src_port": 49152, "dst_port": 443},
                    "why": ["SNAT entry snat-1 covers the vSwitch vsw-1"],
                }],
                "assumptions": ["internet_mode = DIRECT (vpc-1)"],
            })
        );
        assert_eq!(
            value["by_public_ip"],
            json!([
                {"public_ip": "198.51.100.9", "eip": null, "sources": ["10.0.1.12"]},
                {"public_ip": "203.0.113.7", "eip": "eip-1", "sources": ["10.0.1.10", "10.0.1.11"]},
            ])
        );
        assert_eq!(
            value["summary"],
            json!({"sources": 5, "with_egress": 3, "without_egress": 1, "unknown": 1, "public_ips": 2})
        );
    }

    #[test]
    fn a_class_of_some_services_is_one_per_protocol() {
        let (report, topology) = (egress_fixture::filtered(), egress_fixture::topology());
        let value =
            json::assert_valid(&EgressV1::new(&report, &topology, EgressScope::Public, &[]));
        let short: Vec<String> = value["sources"][0]["classes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|class| {
                let (verdict, protocol) = (&class["verdict"], &class["protocol"]);
                let (ports, witness) = (&class["ports"], &class["witness"]["dst_port"]);
                assert_eq!(&class["witness"]["protocol"], protocol);
                format!("{verdict} {protocol} {ports} {witness}").replace('"', "")
            })
            .collect();
        assert_eq!(
            short,
            [
                "exits tcp 80,443,8000-8099 443",
                "exits icmp any 0",
                "dropped tcp 0-79,81-442,444-7999,8100-65535 22",
                "dropped udp any 53",
                "dropped gre any 0",
                "dropped other any 0",
            ]
        );
        let open = &value["sources"][1]["classes"][0];
        assert_eq!(open["verdict"], "unknown");
        assert_eq!(open["public_ips"], json!([]));
        assert_eq!(open["if_allowed"], json!(["203.0.113.7"]));
    }

    #[test]
    fn private_classes_come_on_demand() {
        let (report, topology) = (egress_fixture::report(), egress_fixture::topology());
        let value = json::assert_valid(&EgressV1::new(&report, &topology, EgressScope::All, &[]));
        let verdicts: Vec<&str> = value["sources"][0]["classes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|class| class["verdict"].as_str().unwrap())
            .collect();
        assert_eq!(verdicts, ["exits", "delivered"]);
    }
}
