use proptest::prelude::*;

use super::*;
use crate::topology::*;

const ALL: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/all-kinds.vpclint.toml"));

fn load(text: &str, syntax: Syntax) -> Result<Topology, NativeError> {
    let mut draft = Draft::default();
    read(text, syntax, FileId(0), &mut draft)?;
    Ok(draft.build())
}

fn toml(text: &str) -> Topology {
    load(text, Syntax::Toml).unwrap_or_else(|error| panic!("{error}"))
}

fn error(text: &str) -> String {
    load(text, Syntax::Toml).unwrap_err().to_string()
}

fn json_of(text: &str) -> serde_json::Value {
    toml::from_str(text).unwrap()
}

#[test]
fn every_kind_can_be_written() {
    let t = toml(ALL);
    let found: Vec<Kind> = t.counts().into_iter().map(|(kind, _)| kind).collect();
    let missing: Vec<_> =
        Kind::ALL.iter().filter(|k| !found.contains(k) && **k != Kind::NetworkAclEntry).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(t.conflicts.is_empty(), "{:?}", t.conflicts);
    assert!(t.resources().all(|r| r.meta().source.is_some()));
    let symbols: Vec<_> = t.observations.iter().map(|o| (o.kind, &*o.text)).collect();
    assert_eq!(symbols, [(ObservationKind::Masked, "139.xxx.xx.107")]);
}

#[test]
fn toml_and_json_are_the_same_tree() {
    let json = serde_json::to_string_pretty(&json_of(ALL)).unwrap();
    let (a, b) = (toml(ALL), load(&json, Syntax::Json).unwrap());
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

#[test]
fn the_schema_accepts_the_fixture_and_refuses_unknown_keys() {
    let text = schema();
    assert_eq!(text, schema());
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    if let Err(error) = validator.validate(&json_of(ALL)) {
        panic!("{error} at {}", error.instance_path());
    }
    assert!(!validator.is_valid(&json_of("[[vpc]]\ncidrs = \"10.0.0.0/8\"")));
    assert!(!text.contains("\"default\": null"));
}

#[test]
fn pointers_lead_to_the_text() {
    let t = toml(ALL);
    let at = |source: &Source| locate_toml(ALL, &source.pointer()).map(|span| &ALL[span]);
    for resource in t.resources() {
        assert!(at(resource.meta().source.as_ref().unwrap()).is_some(), "{}", resource.id());
    }
    let rule = t.security_group_rules.get("sg-1/ingress/0").unwrap();
    let text = at(rule.meta.source.as_ref().unwrap()).unwrap();
    assert_eq!(text, "\"accept tcp 22 from 10.0.0.0/8 priority 1\"");
    let vswitch = t.vswitches.get("vsw-1").unwrap();
    let pointer = vswitch.meta.source.as_ref().unwrap().pointer();
    let key = field_key(Kind::VSwitch, "cidr").unwrap();
    let span = locate_toml(ALL, &format!("{pointer}/{key}")).unwrap();
    assert_eq!(&ALL[span], "\"10.0.1.0/24\"");
}

#[test]
fn references_and_links_resolve() {
    let t = toml(ALL);
    let web = t.instances.get("i-1").unwrap();
    assert_eq!(web.vpc.as_deref(), Some("vpc-1"));
    assert_eq!(web.zone.as_deref(), Some("cn-hangzhou-h"));
    assert_eq!(web.meta.account.as_deref(), Some("1234567890"));
    assert_eq!(web.meta.region.as_deref(), Some("cn-hangzhou"));
    assert_eq!(web.meta.tag("tier"), Some("1"));
    assert_eq!(web.enis, Some(vec![Id::from("i-1/eni"), Id::from("eni-2")]));
    let eip = t.eips.get("eip/203.0.113.7").unwrap();
    assert_eq!(eip.target, Some(Some(EipTarget::Instance)));
    assert_eq!(eip.target_id, Some(Some(Id::from("i-1"))));
    assert_eq!(eip.private_address, Some(AddrValue::from_text("10.0.1.10")));
    let second = t.eips.get("eip/203.0.113.9").unwrap();
    assert_eq!(second.target_id, Some(Some(Id::from("i-1/eni"))));
    assert_eq!(t.enis.get("eni-2").unwrap().vswitch.as_deref(), Some("edge"));
    let spare = &t.enis.get("spare").unwrap().private_ips.as_ref().unwrap()[0];
    assert!(matches!(&spare.public_ip, Some(Some(p)) if p.eip.as_deref() == Some("eip-spare")));
    assert_eq!(t.eips.get("eip-spare").unwrap().bandwidth_package, Some(Some("cbwp-1".into())));
    let bastion = t.instances.get("bastion").unwrap();
    assert_eq!(bastion.meta.status.as_deref(), Some("Stopped"));
    assert_eq!(bastion.eip, Some(None));
    let entry = t.snat_entries.get("ngw-1/snat/0").unwrap();
    assert_eq!(entry.source_vswitch.as_deref(), Some("vsw-1"));
    assert_eq!(entry.snat_ips.as_ref().unwrap()[0], AddrValue::from_text("203.0.113.30"));
    let dnat = t.dnat_entries.get("ngw-1/dnat/0").unwrap();
    assert_eq!(dnat.internal_ip, Some(AddrValue::from_text("10.0.1.10")));
    assert_eq!(dnat.internal_port, Some(NatPort::Range(8080, 8080)));
    assert!(t.dnat_entries.get("ngw-1/dnat/1").unwrap().is_ip_mapping());
    assert!(t.listeners.get("lb-1:80/tcp").is_some());
    let ep = t.endpoint_connections.get("epsrv-1/ep-1").unwrap();
    assert_eq!(ep.connection_status, Some(ConnectionStatus::Connected));
    let vpc = t.vpcs.get("vpc-1").unwrap();
    assert_eq!(vpc.support_ipv4_gateway, Some(true));
    assert_eq!(vpc.cens, Some(vec![Id::from("cen-1")]));
}

#[test]
fn routes_find_their_next_hops() {
    let t = toml(ALL);
    let hop = |id: &str| {
        let hops = t.route_entries.get(id).unwrap().next_hops.clone().unwrap();
        (hops[0].hop_type.clone(), hops[0].id.clone().map(|i| i.to_string()).unwrap_or_default())
    };
    assert_eq!(hop("rtb-sys/routes/0"), (NextHopType::Ipv4Gateway, "ipv4gw-1".to_owned()));
    assert_eq!(hop("rtb-sys/routes/1"), (NextHopType::VpcPeer, "peer-1".to_owned()));
    assert_eq!(hop("rtb-sys/routes/2"), (NextHopType::Attachment, "tr-attach-1".to_owned()));
    assert_eq!(hop("rtb-app/routes/0"), (NextHopType::NatGateway, "ngw-1".to_owned()));
    let local = t.route_entries.get("rtb-app/local/vsw-1").unwrap();
    assert_eq!(local.meta.synthetic, Some("every table has it"));
    assert!(t.route_entries.get("rtb-app/service").is_some());
    // `other` names no table, so it has the system table alone
    assert!(t.route_tables.get("other/system").is_some());
    let system = t.route_tables.get("rtb-sys").unwrap();
    assert_eq!(system.vswitches, Some(vec![Id::from("edge")]));
}

#[test]
fn a_file_may_start_at_the_vpc() {
    let t = toml("[[vpc]]\n[[vpc.vswitch]]\n[[vpc.vswitch.instance]]\n[[vpc.vswitch.instance]]");
    assert!(t.instances.get("vpc/0/vswitch/0/instance/1").is_some());
    assert!(t.instances.get("vpc/0/vswitch/0/instance/1").unwrap().private_ips.is_none());
    assert_eq!(t.vpcs.get("vpc/0").unwrap().support_ipv4_gateway, Some(false));
}

#[test]
fn the_world_is_closed_unless_said() {
    let t = toml(ALL);
    let asked = Scope {
        account: Some("1234567890".into()),
        region: Some("cn-hangzhou".into()),
        parent: None,
    };
    assert!(t.coverage.is_complete(Listing::Instances, &asked));
    let of = |id: &str| asked.clone().with_parent(&Id::from(id));
    assert!(t.coverage.is_complete(Listing::SnatEntries, &of("ngw-1")));
    assert!(!t.coverage.is_complete(Listing::SnatEntries, &of("ngw-vpc")));
    assert!(t.coverage.is_complete(Listing::DnatEntries, &of("ngw-vpc")));

    let t = toml(
        "unknown = [\"enis\", \"eips\"]\n[[instance]]\nip = \"10.0.0.1\"\neip = \"203.0.113.1\"",
    );
    assert!(!t.coverage.is_complete(Listing::Enis, &Scope::anywhere()));
    assert!(t.coverage.is_complete(Listing::Instances, &Scope::anywhere()));
    assert!(t.enis.is_empty() && t.eips.is_empty());
    let instance = t.instances.get("instance/0").unwrap();
    assert!(matches!(&instance.eip, Some(Some(e)) if e.eip.is_none()));

    let t = toml("[[instance]]\nunknown = [\"eip\", \"status\"]");
    let instance = t.instances.get("instance/0").unwrap();
    assert_eq!((&instance.eip, &instance.meta.status), (&None, &None));
    let t = toml("[[vpc]]\nid = \"v\"\nunknown = [\"internet\"]");
    assert_eq!(t.vpcs.get("v").unwrap().support_ipv4_gateway, None);
    let vpc = Scope::of_parent(&Id::from("v"));
    assert!(!t.coverage.is_complete(Listing::VpcAttributes, &vpc));
}

#[test]
fn names_are_ids_unless_they_repeat() {
    let t = toml(
        "[[vpc]]\nname = \"a\"\n[[vpc.vswitch]]\nname = \"app\"\n[[vpc.vswitch.instance]]\n\
         vswitch = \"app\"\n[[vpc]]\nname = \"b\"\n[[vpc.vswitch]]\nname = \"app\"\n",
    );
    assert!(t.vswitches.get("a/app").is_some() && t.vswitches.get("b/app").is_some());
    // a name means the one in the same VPC
    let instance = t.instances.iter().next().unwrap();
    assert_eq!(instance.vswitch.as_deref(), Some("a/app"));
}

#[test]
fn references_that_lead_nowhere_stay() {
    let t = toml(
        "[[nat_gateway]]\nvpc = \"vpc-9\"\nvswitch = \"vsw-9\"\n\
         snat = [{ from = \"vswitch:vsw-8\", to = \"eip-9\" }]\n\
         [[eip]]\nid = \"eip-1\"\non = \"nat_gateway:ngw-9\"\n",
    );
    let nat = t.nat_gateways.get("nat_gateway/0").unwrap();
    assert_eq!((nat.vpc.as_deref(), nat.vswitch.as_deref()), (Some("vpc-9"), Some("vsw-9")));
    assert_eq!(nat.nat_type, None);
    let entry = t.snat_entries.iter().next().unwrap();
    assert_eq!(entry.source_vswitch.as_deref(), Some("vsw-8"));
    let eip = t.eips.get("eip-1").unwrap();
    assert_eq!(eip.target, Some(Some(EipTarget::NatGateway)));
    assert_eq!(eip.target_id, Some(Some(Id::from("ngw-9"))));
    assert_eq!(t.observations[0].kind, ObservationKind::Unreadable);
}

#[test]
fn host_bits_are_kept_and_bad_blocks_are_symbols() {
    let t = toml("[[vpc]]\ncidr = \"10.10.1.0/16\"\nsecondary_cidrs = [\"10.**.0.0/16\", \"x\"]");
    let vpc = t.vpcs.iter().next().unwrap();
    assert_eq!(vpc.cidr.as_ref().unwrap().to_string(), "10.10.1.0/16");
    assert_eq!(
        vpc.secondary_cidrs.as_ref().unwrap()[0].symbol().map(|s| &**s),
        Some("10.**.0.0/16")
    );
    let kinds: Vec<_> = t.observations.iter().map(|o| (o.field, o.kind)).collect();
    let field = "secondary_cidrs";
    assert_eq!(kinds, [(field, ObservationKind::Masked), (field, ObservationKind::Unreadable)]);
}

#[test]
fn mistakes_are_placed_and_explained() {
    for (text, expected) in [
        ("[[vpc]]\ncdir = \"x\"", "line 2, column 1: unknown key `cdir`; did you mean `cidr`?"),
        (
            "unknown = [\"snat_entrys\"]",
            "line 1, column 12: unknown word `snat_entrys`; did you mean `snat_entries`?",
        ),
        (
            "[[vpc]]\nid = \"v\"\n[[vpc]]\nid = \"v\"",
            "line 4, column 6: the id `v` is used for more than one VPC; first used at line 2, column 6; \
             give one of them another id",
        ),
        (
            "[[nat_gateway]]\ntype = \"enhancd\"",
            "line 2, column 8: `enhancd` is not a known type; did you mean `Enhanced`?",
        ),
        (
            "[[security_group]]\ningress = [\"accept tcp 22\"]",
            "line 2, column 12: the rule has no `from`; write `from any` for every address",
        ),
        (
            "version = 2",
            "line 1, column 11: version 2 of the format is not known; this program reads version 1",
        ),
        (
            "[[instance]]\nunknown = [\"eips\"]",
            "line 2, column 12: `eips` is not a key of this instance; did you mean `eip`?",
        ),
    ] {
        assert_eq!(error(text), expected);
    }
    let text =
        "[[vswitch]]\nname = \"a\"\n[[vswitch]]\nname = \"a\"\n[[instance]]\nvswitch = \"a\"";
    let message = error(text);
    assert!(message.starts_with("line 6, column 11: `a` names 2 objects"), "{message}");
    assert!(message.contains("at line 1") && message.contains("at line 3"), "{message}");
    let message =
        error("[[vpc]]\n[[vpc.route_table]]\nroutes = [{ to = \"0.0.0.0/0\", via = \"ngw-1\" }]");
    assert!(message.contains("names no next hop") && message.contains("KIND:ngw-1"), "{message}");
    let json = load("{\"vpc\": [\n  {\"cdir\": 1}]}", Syntax::Json).unwrap_err();
    let place = json.place.unwrap();
    assert_eq!((place.line, place.column, json.message.as_str()), (2, 5, "unknown key `cdir`"));
    for broken in ["", "{", "[]", "null", "{\"vpc\": 1}", "\u{feff}{}"] {
        let _ = load(broken, Syntax::Json);
    }
    assert!(error("[[vpc]\n").starts_with("line 1"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_text_never_panics(text in "\\PC{0,200}") {
        let _ = load(&text, Syntax::Toml);
        let _ = load(&text, Syntax::Json);
        let _ = locate_toml(&text, &text);
    }

    #[test]
    fn mangled_files_never_panic(at in 0usize..9000, cut in 0usize..60, put in "[a-z0-9\"\\[\\]{}=., \\n]{0,12}") {
        let chars: Vec<char> = ALL.chars().collect();
        let at = at.min(chars.len());
        let end = (at + cut).min(chars.len());
        let text: String =
            chars[..at].iter().chain(put.chars().collect::<Vec<_>>().iter()).chain(&chars[end..]).collect();
        let _ = load(&text, Syntax::Toml);
    }
}

#[test]
fn the_examples_of_the_reference_are_read() {
    const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/native-format.md"));
    let blocks: Vec<&str> =
        PAGE.split("```toml\n").skip(1).filter_map(|b| b.split("```").next()).collect();
    assert!(blocks.len() > 6);
    for block in blocks {
        // examples below a VPC show only their own part, and name what the first example has
        let text = if block.starts_with("[[vpc.") {
            format!("[[vpc]]\nname = \"prod\"\n[[vpc.vswitch]]\nname = \"edge\"\n{block}")
        } else {
            block.to_owned()
        };
        if let Err(error) = load(&text, Syntax::Toml) {
            let is_fragment = error.message.contains("names no next hop")
                || error.message.contains("no group or list");
            assert!(is_fragment, "{error}\n{text}");
        }
    }
}
