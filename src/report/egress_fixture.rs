//! An egress answer that the tests of all formats share.

use crate::addr::{AddrSet, Cidr, Family};
use crate::analyze::egress::{EgressClass, EgressReport, SourceEgress, SourceRole, SourceVerdict};
use crate::fabric::OwnPublic;
use crate::packet::{Protocol, ServiceRange, ServiceSet};
use crate::simulate::{Reason, Verdict};
use crate::topology::{AddrValue, Draft, Eip, Id, Kind, ResourceRef, Text, Topology, Value, Vpc};

fn cidrs(texts: &[&str]) -> AddrSet {
    let cidrs: Vec<Cidr> = texts.iter().map(|t| t.parse().unwrap()).collect();
    AddrSet::from_cidrs(Family::V4, &cidrs)
}

fn known(text: &str) -> AddrValue {
    Value::Known(text.parse().unwrap())
}

fn named(kind: Kind, id: &str, name: Option<&str>) -> ResourceRef {
    ResourceRef { kind, id: Id::from(id), name: name.map(Text::from) }
}

fn class(destinations: AddrSet, verdict: Verdict) -> EgressClass {
    EgressClass {
        destinations,
        services: ServiceSet::all(),
        public: true,
        verdict,
        reason: None,
        public_ips: Vec::new(),
        if_allowed: Vec::new(),
        via: Vec::new(),
        why: Vec::new(),
        notes: Vec::new(),
        partial: false,
        missing: Vec::new(),
        assumptions: vec!["internet_mode = DIRECT (vpc-1)".to_owned()],
        witness: "8.8.8.8".parse().unwrap(),
    }
}

fn exit(destinations: AddrSet, ip: &str, via: &[ResourceRef], why: &str) -> EgressClass {
    EgressClass {
        public_ips: vec![known(ip)],
        via: via.to_vec(),
        why: vec![why.to_owned()],
        ..class(destinations, Verdict::Exits)
    }
}

fn source(id: &str, name: Option<&str>, ip: &str, classes: Vec<EgressClass>) -> SourceEgress {
    let mut public_ips: Vec<AddrValue> =
        classes.iter().flat_map(|c| c.public_ips.iter().cloned()).collect();
    public_ips.sort();
    public_ips.dedup();
    SourceEgress {
        instance: Some(named(Kind::Instance, id, name)),
        eni: named(Kind::Eni, &format!("eni-{id}"), None),
        havip: None,
        address: known(ip),
        role: SourceRole::Primary,
        region: Some(Id::from("cn-shanghai")),
        zone: Some(Text::from("cn-shanghai-b")),
        vpc: Some(Id::from("vpc-1")),
        vswitch: Some(Id::from("vsw-1")),
        verdict: SourceVerdict::Exits,
        uniform: public_ips.len() == 1,
        own: OwnPublic::None,
        public_ips,
        classes: classes.into(),
        notes: Vec::new(),
    }
}

/// Five sources of one VPC: two behind a NAT gateway, one partly with its own EIP, one without
/// egress, one unknown.
pub(super) fn report() -> EgressReport {
    let public = cidrs(&["10.0.0.0/8"]).complement();
    let nat = [named(Kind::NatGateway, "ngw-1", None), named(Kind::SnatEntry, "snat-1", None)];
    let snat = "SNAT entry snat-1 covers the vSwitch vsw-1";
    let behind = || exit(public.clone(), "203.0.113.7", &nat, snat);
    let inside = EgressClass { public: false, ..class(cidrs(&["10.0.0.0/8"]), Verdict::Delivered) };
    let mut gateway = source("i-1", Some("网关"), "10.0.1.10", vec![behind(), inside]);
    gateway.uniform = true;
    let web = source("i-2", Some("web\u{1b}[31m"), "10.0.1.11", vec![behind()]);
    let own = source(
        "i-3",
        Some("database"),
        "10.0.1.12",
        vec![
            exit(
                public.difference(&cidrs(&["8.8.0.0/16"])),
                "198.51.100.9",
                &[named(Kind::Eip, "eip-2", None)],
                "EIP eip-2 on the primary address wins over SNAT entry snat-1",
            ),
            EgressClass {
                reason: Some(Reason::NoRoute),
                notes: vec!["reply_no_route".to_owned()],
                ..class(cidrs(&["8.8.0.0/16"]), Verdict::Dropped)
            },
        ],
    );
    let mut none = source(
        "i-4",
        None,
        "10.0.1.13",
        vec![EgressClass {
            reason: Some(Reason::NatNoSnatEntry),
            via: vec![named(Kind::NatGateway, "ngw-1", None)],
            ..class(public.clone(), Verdict::Dropped)
        }],
    );
    none.verdict = SourceVerdict::None;
    let mut unknown = source(
        "i-5",
        None,
        "10.0.2.10",
        vec![EgressClass {
            missing: vec!["DescribeSnatTableEntries for ngw-1 (not in the input)".to_owned()],
            ..class(public, Verdict::Unknown)
        }],
    );
    unknown.verdict = SourceVerdict::Unknown;
    unknown.role = SourceRole::SecondaryEni;
    unknown.notes = vec!["not attached".to_owned()];
    let mut own = own;
    own.verdict = SourceVerdict::Mixed;
    EgressReport { sources: vec![gateway, web, own, none, unknown] }
}

/// Two sources with filters: one that leaves with some services only, one of which the security
/// groups are not known.
pub(super) fn filtered() -> EgressReport {
    let public = cidrs(&["10.0.0.0/8"]).complement();
    let nat = [named(Kind::NatGateway, "ngw-1", None), named(Kind::SnatEntry, "snat-1", None)];
    let tcp = |first, last| ServiceRange::ports(Protocol::Tcp, first, last);
    let icmp = ServiceRange::of(Protocol::Icmp);
    let open = ServiceSet::from_ranges(vec![tcp(80, 80), tcp(443, 443), tcp(8000, 8099), icmp]);
    let web = EgressClass {
        services: open.clone(),
        why: Vec::new(),
        ..exit(public.clone(), "203.0.113.7", &nat, "")
    };
    let rest = EgressClass {
        services: open.complement(),
        reason: Some(Reason::SgEgressDenied),
        via: vec![named(Kind::SecurityGroup, "sg-1", None)],
        ..class(public.clone(), Verdict::Dropped)
    };
    let unknown = EgressClass {
        if_allowed: vec![known("203.0.113.7")],
        via: nat.to_vec(),
        missing: vec!["security group sg-2 (not in the input)".to_owned()],
        ..class(public, Verdict::Unknown)
    };
    let mut second = source("i-2", None, "10.0.1.11", vec![unknown]);
    second.verdict = SourceVerdict::Unknown;
    EgressReport { sources: vec![source("i-1", None, "10.0.1.10", vec![web, rest]), second] }
}

/// The VPC and one EIP of that answer.
pub(super) fn topology() -> Topology {
    let mut draft = Draft::default();
    let mut vpc = Vpc::new("vpc-1");
    vpc.meta.name = Some(Text::from("生产"));
    vpc.meta.region = Some(Id::from("cn-shanghai"));
    draft.add(vpc);
    let mut eip = Eip::new("eip-1");
    eip.address = Some(known("203.0.113.7"));
    draft.add(eip);
    draft.build()
}
