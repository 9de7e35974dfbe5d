//! Loading cloud exports: every carrier, completeness rule and broken input, with small bodies.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;
use vpclint::load::{How, Input, LoadError, LoadOptions, Loaded, NoteLevel, Outcome, Place, load};
use vpclint::topology::{Id, Kind, Listing, ListingState, Resource, Scope};

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(dir.path(), name, text.as_bytes());
    }
    dir
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn load_dir(dir: &TempDir) -> Result<Loaded, LoadError> {
    load(&[Input::Path(dir.path().to_path_buf())], &LoadOptions::default())
}

/// What was loaded; the files stay as long as it.
struct Run {
    loaded: Loaded,
    _folder: TempDir,
}

impl std::ops::Deref for Run {
    type Target = Loaded;
    fn deref(&self) -> &Loaded {
        &self.loaded
    }
}

fn loaded(files: &[(&str, &str)]) -> Run {
    let folder = folder(files);
    Run { loaded: load_dir(&folder).unwrap(), _folder: folder }
}

fn failure(files: &[(&str, &str)]) -> String {
    load_dir(&folder(files)).unwrap_err().to_string()
}

fn vpc_ids(loaded: &Loaded) -> Vec<&str> {
    loaded.topology.vpcs.iter().map(|v| v.id().as_str()).collect()
}

fn state(loaded: &Loaded, listing: Listing, parent: Option<&str>) -> Option<ListingState> {
    loaded
        .topology
        .coverage
        .iter()
        .find(|(l, scope, _)| *l == listing && scope.parent.as_deref() == parent)
        .map(|(_, _, state)| state.clone())
}

fn notes(loaded: &Loaded) -> Vec<&str> {
    loaded.report.notes.iter().map(|n| n.text.as_str()).collect()
}

/// A DescribeVpcs page with VPCs `vpc-<from>` to `vpc-<to>`.
fn vpcs(from: u32, to: u32, page: &str) -> String {
    let rows: Vec<String> = (from..=to)
        .map(|n| format!(r#"{{"VpcId":"vpc-{n}","CidrBlock":"10.{n}.0.0/16","VpcName":"v{n}","Status":"Available","RegionId":"cn-hangzhou"}}"#))
        .collect();
    format!(r#"{{"Vpcs":{{"Vpc":[{}]}},{page}}}"#, rows.join(","))
}

const ONE: &str = r#"{"RequestId":"1","TotalCount":1,"PageNumber":1,"PageSize":50,"Vpcs":{"Vpc":[{"VpcId":"vpc-1","VpcName":"é","CidrBlock":"10.0.0.0/8","RegionId":"cn-hangzhou","Status":"Available"}]}}"#;
const ROW: &str = r#"{"VpcId":"vpc-1","VpcName":"a","CidrBlock":"10.0.0.0/8","RegionId":"cn-hangzhou","Status":"Available","IsDefault":false,"SecondaryCidrBlocks":{"SecondaryCidrBlock":[]}}"#;

#[test]
fn a_plain_body_is_complete_and_has_its_region() {
    let loaded = loaded(&[("x.json", ONE)]);
    assert_eq!(vpc_ids(&loaded), ["vpc-1"]);
    let scope = Scope { region: Some(Id::from("cn-hangzhou")), ..Scope::default() };
    assert!(loaded.topology.coverage.is_complete(Listing::Vpcs, &scope));
    let (_, body) = loaded.report.bodies().next().unwrap();
    assert_eq!(
        (body.product, body.api, body.how, body.rows),
        ("vpc", "DescribeVpcs", How::Content, 1)
    );
}

#[test]
fn every_carrier_gives_the_same_rows() {
    let bare = format!("[{ROW}]");
    let wrapped = format!(r#"{{"Vpcs":{{"Vpc":[{ROW}]}}}}"#);
    let collapsed = format!(
        r#"{{"DescribeVpcsResponse":{{"RequestId":"1","TotalCount":1,"Vpcs":{{"Vpc":{ROW}}}}}}}"#
    );
    let blanks = collapsed.replace("\"VpcName\"", "\"VpcName \"");
    let envelope = format!(
        r#"{{"_meta":{{"product":"vpc","api":"DescribeVpcs","region":"cn-hangzhou","rc":0}},"body":{ONE}}}"#
    );
    let bom = format!("\u{feff}{ONE}");
    let slurped = format!("[{ONE}]");
    let transcript = format!(
        "$ python api.py DescribeVpcs\n =====Request URL======\n https://x/?AccessKeyId=SECRET\n ====== Got Response ======\n {ONE}\n"
    );
    for text in [
        &bare,
        &wrapped,
        &collapsed,
        &blanks,
        &envelope,
        &bom,
        &slurped,
        &transcript,
        &ROW.to_owned(),
    ] {
        let loaded = loaded(&[("x.json", text)]);
        assert_eq!(vpc_ids(&loaded), ["vpc-1"], "{text}");
        let vpc = loaded.topology.vpcs.get("vpc-1").unwrap();
        assert!(vpc.name().is_some(), "{text}");
        let place = Place {
            source: vpc.meta.source.as_ref().unwrap(),
            kind: Kind::Vpc,
            field: Some("cidr"),
        };
        let location = loaded.files.locate(&place).unwrap_or_else(|| panic!("no place: {text}"));
        let source = loaded.files.text(place.source.file).unwrap();
        assert_eq!(&source[location.bytes.clone()], "\"10.0.0.0/8\"", "{text}");
        assert!(location.pointer.ends_with("/CidrBlock"), "{}", location.pointer);
        assert!(!format!("{:?}", loaded.report).contains("SECRET"));
    }
}

#[test]
fn utf16_is_read() {
    let dir = folder(&[]);
    let units: Vec<u8> = ONE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    write(dir.path(), "x.json", &[&[0xFF, 0xFE], units.as_slice()].concat());
    assert_eq!(vpc_ids(&load_dir(&dir).unwrap()), ["vpc-1"]);
}

#[test]
fn rows_of_jq_are_joined_and_keep_their_places() {
    let second = ROW.replace("vpc-1", "vpc-2");
    let loaded = loaded(&[("x.json", &format!("{ROW}\n{second}\n{ONE}"))]);
    assert_eq!(vpc_ids(&loaded), ["vpc-1", "vpc-2"]);
    let source = loaded.topology.vpcs.get("vpc-2").unwrap().meta.source.clone().unwrap();
    assert_eq!(source.pointer(), "/1");
    let place = Place { source: &source, kind: Kind::Vpc, field: Some("id") };
    let location = loaded.files.locate(&place).unwrap();
    assert_eq!((location.line, location.column, location.pointer.as_str()), (2, 10, "/1/VpcId"));
    assert_eq!(location.end_column, 17);
}

#[test]
fn places_count_characters() {
    let loaded = loaded(&[("x.json", ONE)]);
    let source = loaded.topology.vpcs.get("vpc-1").unwrap().meta.source.clone().unwrap();
    let all = loaded.files.locate_all(&[
        Place { source: &source, kind: Kind::Vpc, field: Some("cidr") },
        Place { source: &source, kind: Kind::Vpc, field: None },
        Place { source: &source, kind: Kind::Vpc, field: Some("user_cidrs") },
    ]);
    let cidr = all[0].as_ref().unwrap();
    assert_eq!(cidr.pointer, "/Vpcs/Vpc/0/CidrBlock");
    let column =
        ONE.chars().collect::<String>().split("\"10.0").next().unwrap().chars().count() + 1;
    assert_eq!((cidr.line as usize, cidr.column as usize), (1, column));
    assert_eq!(cidr.bytes.start, ONE.find("\"10.0").unwrap());
    assert_eq!(all[1].as_ref().unwrap().pointer, "/Vpcs/Vpc/0");
    assert_eq!(all[1], all[2], "a field that is not written is at its resource");
}

#[test]
fn numbered_pages_are_added_up() {
    let page = |n: u32| format!(r#""RequestId":"1","TotalCount":3,"PageNumber":{n},"PageSize":2"#);
    let first = vpcs(1, 2, &page(1));
    let second = vpcs(3, 3, &page(2));
    let both = loaded(&[("p1.json", &first), ("p2.json", &second)]);
    assert_eq!(state(&both, Listing::Vpcs, None), Some(ListingState::Complete));
    let one = loaded(&[("p1.json", &first)]);
    let truncated = ListingState::Truncated { have: 2, total: Some(3) };
    assert_eq!(state(&one, Listing::Vpcs, None), Some(truncated.clone()));
    assert!(notes(&one).iter().any(|n| n.contains("2 of 3 rows")));
    let twice = loaded(&[("p1.json", &first), ("again.json", &first)]);
    assert_eq!(state(&twice, Listing::Vpcs, None), Some(truncated), "a page counts once");
    let text = vpcs(1, 3, r#""RequestId":"1","TotalCount":"3","PageNumber":"1","PageSize":"50""#);
    let text = loaded(&[("x.json", &text)]);
    assert_eq!(state(&text, Listing::Vpcs, None), Some(ListingState::Complete));
}

fn routes(from: u32, to: u32, rest: &str) -> String {
    let rows: Vec<String> = (from..=to)
        .map(|n| format!(r#"{{"RouteTableId":"vtb-1","RouteEntryId":"rte-{n}","DestinationCidrBlock":"10.{n}.0.0/16","Type":"Custom","Status":"Available","NextHops":{{"NextHop":[]}}}}"#))
        .collect();
    format!(r#"{{"RequestId":"1","RouteEntrys":{{"RouteEntry":[{}]}}{rest}}}"#, rows.join(","))
}

#[test]
fn token_pages_must_reach_their_end() {
    let of = |files: &[(&str, &str)]| state(&loaded(files), Listing::RouteEntries, Some("vtb-1"));
    let first = routes(1, 2, r#","NextToken":"t""#);
    let middle = routes(3, 4, r#","NextToken":"u""#);
    let last = routes(5, 5, r#","NextToken":"""#);
    assert_eq!(of(&[("x.json", &last)]), Some(ListingState::Complete));
    assert_eq!(of(&[("x.json", &routes(1, 1, ""))]), Some(ListingState::Complete));
    let open = Some(ListingState::Truncated { have: 2, total: None });
    assert_eq!(of(&[("x.json", &first)]), open);
    let name = |n: u32| format!("vpc.DescribeRouteEntryList@RouteTableId=vtb-1.p{n}.json");
    assert_eq!(
        of(&[(&name(1), &first), (&name(2), &middle), (&name(3), &last)]),
        Some(ListingState::Complete)
    );
    assert!(matches!(
        of(&[(&name(1), &first), (&name(3), &last)]),
        Some(ListingState::Truncated { .. })
    ));
    assert!(matches!(of(&[(&name(3), &last)]), Some(ListingState::Truncated { .. })));
}

#[test]
fn tokens_of_a_manifest_are_followed() {
    let row = |file: &str, token: &str| {
        format!(
            r#"{{"file":"{file}","product":"vpc","api":"DescribeRouteEntryList","region":"cn-hangzhou","rc":0,"error":"","params":{{"RouteTableId":"vtb-1"{token}}}}}"#
        )
    };
    let manifest = [row("a.json", ""), row("b.json", r#","NextToken":"t""#)].join("\n");
    let first = routes(1, 2, r#","NextToken":"t""#);
    let last = routes(3, 3, "");
    let whole = loaded(&[("manifest.jsonl", &manifest), ("a.json", &first), ("b.json", &last)]);
    assert_eq!(state(&whole, Listing::RouteEntries, Some("vtb-1")), Some(ListingState::Complete));
    let part = loaded(&[("manifest.jsonl", &manifest), ("b.json", &last)]);
    assert!(matches!(
        state(&part, Listing::RouteEntries, Some("vtb-1")),
        Some(ListingState::Truncated { .. })
    ));
    assert_eq!(part.report.bodies().next().unwrap().1.how, How::Manifest);
}

#[test]
fn pager_output_cannot_be_verified() {
    let loaded = loaded(&[("x.json", &format!(r#"{{"Vpcs":{{"Vpc":[{ROW}]}}}}"#))]);
    assert_eq!(state(&loaded, Listing::Vpcs, None), Some(ListingState::Unverified));
    let ten = vpcs(1, 10, "\"X\":0").replace(",\"X\":0", "");
    let ten = self::loaded(&[("x.json", &ten)]);
    assert!(notes(&ten).iter().any(|n| n.contains("exactly 10 rows")), "{:?}", notes(&ten));
    assert!(ten.report.notes.iter().any(|n| n.level == NoteLevel::Warning));
}

#[test]
fn failed_calls_are_not_empty_listings() {
    let error = r#"{"RequestId":"1","HostId":"h","Code":"Forbidden.RAM","Message":"secret text"}"#;
    let cli = "ERROR: SDK.ServerError\nErrorCode: Throttling.User\nRequestId: 1\nMessage: m\n";
    let loaded = loaded(&[
        ("cn-hangzhou/vpc.DescribeVpcs.p1.json", ""),
        ("cn-hangzhou/vpc.DescribeEipAddresses.p1.json", cli),
        ("cn-hangzhou/vpc.DescribeSnatTableEntries@NatGatewayId=ngw-1.p1.json", error),
        ("cn-hangzhou/other.json", ""),
        ("x.json", ONE),
    ]);
    let code = |listing, parent| match state(&loaded, listing, parent) {
        Some(ListingState::Failed { code }) => code,
        other => format!("{other:?}"),
    };
    assert_eq!(code(Listing::Eips, None), "Throttling.User");
    assert_eq!(code(Listing::SnatEntries, Some("ngw-1")), "Forbidden.RAM");
    let unknown = loaded.report.documents.iter().filter(
        |d| matches!(&d.outcome, Outcome::FailedCall { call: None, code } if code == "empty file"),
    );
    assert_eq!(unknown.count(), 1);
    assert!(!format!("{:?}", loaded.report).contains("secret text"));
}

#[test]
fn a_manifest_tells_about_calls_without_files() {
    let manifest = r#"{"file":"x.json","product":"vpc","api":"DescribeSnatTableEntries","region":"cn-hangzhou","page":1,"rc":1,"error":"Forbidden.RAM","params":{"NatGatewayId":"ngw-1"}}"#;
    let loaded = loaded(&[("1234567890123456/manifest.jsonl", manifest), ("v.json", ONE)]);
    let gap = loaded
        .topology
        .coverage
        .gap(Listing::SnatEntries, &Scope::of_parent(&Id::from("ngw-1")))
        .unwrap();
    assert_eq!(gap.to_string(), "DescribeSnatTableEntries for ngw-1 (failed: Forbidden.RAM)");
    let account = loaded.topology.coverage.iter().find(|(l, ..)| *l == Listing::SnatEntries);
    assert_eq!(account.unwrap().1.account.as_deref(), Some("1234567890123456"));
}

#[test]
fn nat_tables_lead_to_their_gateway() {
    let nat = r#"{"RequestId":"1","TotalCount":1,"PageNumber":1,"PageSize":10,"NatGateways":{"NatGateway":[{"NatGatewayId":"ngw-1","VpcId":"vpc-1","RegionId":"cn-hangzhou","SnatTableIds":{"SnatTableId":["stb-1"]},"ForwardTableIds":{"ForwardTableId":["ftb-1"]}}]}}"#;
    let dnat = r#"{"RequestId":"1","TotalCount":1,"PageNumber":1,"PageSize":10,"ForwardTableEntries":{"ForwardTableEntry":[{"ForwardTableId":"ftb-1","ForwardEntryId":"fwd-1","ExternalIp":"203.0.113.1","ExternalPort":"80","InternalIp":"10.0.0.1","InternalPort":"80","IpProtocol":"tcp","Status":"Available"}]}}"#;
    let none = r#"{"RequestId":"1","TotalCount":0,"PageNumber":1,"PageSize":10,"SnatTableEntries":{"SnatTableEntry":[]}}"#;
    let known = loaded(&[
        ("nat.json", nat),
        ("dnat.json", dnat),
        ("vpc.DescribeSnatTableEntries@SnatTableId=stb-1.json", none),
    ]);
    assert_eq!(state(&known, Listing::DnatEntries, Some("ngw-1")), Some(ListingState::Complete));
    assert_eq!(state(&known, Listing::SnatEntries, Some("ngw-1")), Some(ListingState::Complete));
    let unknown = loaded(&[("nat.json", nat), ("snat.json", none)]);
    assert_eq!(state(&unknown, Listing::SnatEntries, None), None, "an empty list of nobody");
    assert!(notes(&unknown).iter().any(|n| n.contains("of which NAT gateway is not known")));
}

#[test]
fn a_listing_of_one_vpc_speaks_for_that_vpc() {
    let body = r#"{"RequestId":"1","TotalCount":0,"PageNumber":1,"PageSize":50,"VSwitches":{"VSwitch":[]}}"#;
    let loaded = loaded(&[
        ("vpc.DescribeVSwitches@VpcId=vpc-1.json", body),
        (
            "vpc.DescribeEipAddresses@Status=InUse.json",
            r#"{"RequestId":"1","TotalCount":0,"PageNumber":1,"PageSize":50,"EipAddresses":{"EipAddress":[]}}"#,
        ),
    ]);
    assert_eq!(state(&loaded, Listing::VSwitches, Some("vpc-1")), Some(ListingState::Complete));
    assert_eq!(state(&loaded, Listing::VSwitches, None), None);
    assert_eq!(state(&loaded, Listing::Eips, None), Some(ListingState::Unverified), "filtered");
}

#[test]
fn empty_ambiguous_lists_carry_no_facts() {
    let body = r#"{"Listeners":[],"TotalCount":0,"RequestId":"1"}"#;
    let loaded = loaded(&[("x.json", body), ("v.json", ONE)]);
    let why = loaded.report.documents.iter().find_map(|d| match &d.outcome {
        Outcome::NotUnderstood { why } => Some(why.as_str()),
        _ => None,
    });
    assert!(why.unwrap().contains("alb ListListeners or"), "{why:?}");
}

#[test]
fn content_overrules_a_wrong_name() {
    let loaded = loaded(&[("cn-beijing/vpc.DescribeEipAddresses.p1.json", ONE)]);
    assert_eq!(vpc_ids(&loaded), ["vpc-1"]);
    assert!(notes(&loaded).iter().any(|n| n.contains("named DescribeEipAddresses")));
}

#[test]
fn account_and_region_come_from_the_folder() {
    let identity = r#"{"AccountId":"1000","Arn":"acs:ram::1000:root","IdentityType":"Account","RequestId":"1","UserId":"1"}"#;
    let vswitches = r#"{"RequestId":"1","TotalCount":1,"PageNumber":1,"PageSize":50,"VSwitches":{"VSwitch":[{"VSwitchId":"vsw-1","VpcId":"vpc-1","CidrBlock":"10.0.0.0/24","ZoneId":"cn-shanghai-b"}]}}"#;
    let loaded = loaded(&[
        ("a/sts.GetCallerIdentity.json", identity),
        ("a/x.json", vswitches),
        ("1234567890123456/us-west-1/y.json", &vswitches.replace("vsw-1", "vsw-2")),
    ]);
    let place = |id: &str| {
        let meta = &loaded.topology.vswitches.get(id).unwrap().meta;
        (meta.account.as_deref().map(str::to_owned), meta.region.as_deref().map(str::to_owned))
    };
    assert_eq!(place("vsw-1"), (Some("1000".into()), Some("cn-shanghai".into())));
    assert_eq!(place("vsw-2"), (Some("1234567890123456".into()), Some("us-west-1".into())));
}

#[test]
fn lost_parents_are_recovered_where_they_are_certain() {
    let addresses = r#"{"RequestId":"1","TotalCount":1,"PageNumber":1,"PageSize":10,"Ipv6Addresses":{"Ipv6Address":[{"Ipv6AddressId":"ipv6-1","Ipv6Address":"2001:db8::1","Ipv6GatewayId":"ipv6gw-1","VpcId":"vpc-1","VSwitchId":"vsw-1","NetworkType":"Public"}]}}"#;
    let rules = r#"{"RequestId":"1","TotalCount":1,"PageNumber":1,"PageSize":10,"Ipv6EgressOnlyRules":{"Ipv6EgressOnlyRule":[{"Ipv6EgressOnlyRuleId":"ipv6py-1","InstanceId":"ipv6-1","InstanceType":"Ipv6Address","Status":"Available"}]}}"#;
    let recovered = loaded(&[("a-rules.json", rules), ("z-addresses.json", addresses)]);
    assert_eq!(
        state(&recovered, Listing::Ipv6EgressRules, Some("ipv6gw-1")),
        Some(ListingState::Complete)
    );
    let lost = loaded(&[("a-rules.json", rules)]);
    assert_eq!(state(&lost, Listing::Ipv6EgressRules, None), None);
    assert!(notes(&lost).iter().any(|n| n.contains("of which IPv6 gateway is not known")));
}

#[test]
fn broken_files_fail_the_run_all_together() {
    let dir = folder(&[("good.json", ONE), ("truncated.json", "{\"Vpcs\":{\n\"Vpc\":[")]);
    write(dir.path(), "latin1.json", b"{\"Vpcs\":\"\xe9\"}");
    write(dir.path(), "html.json", b"<!DOCTYPE html><html></html>");
    write(dir.path(), "xml.json", b"<?xml version='1.0'?><a/>");
    write(dir.path(), "table.json", b"VpcId | CidrBlock\n----- | ---------\n");
    write(dir.path(), "binary.json", &[0x7f, b'E', b'L', b'F', 0, 0]);
    write(dir.path(), "deep.json", "[".repeat(100_000).as_bytes());
    write(dir.path(), "deep2.json", format!("{{\"a\":{}", "{\"a\":".repeat(100_000)).as_bytes());
    write(dir.path(), "syntax.json", b"{\"RequestId\":\"1\",\n\"Vpcs\":{\"Vpc\":[{\"VpcId\" 7}]}}");
    write(dir.path(), "text.json", b"hello");
    let LoadError::Broken(broken) = load_dir(&dir).unwrap_err() else { panic!("broken") };
    let what = |name: &str| {
        let b = broken.iter().find(|b| b.file.ends_with(name)).unwrap_or_else(|| panic!("{name}"));
        assert!(b.help.is_some(), "{name}");
        format!("{}:{} {}", b.line.unwrap_or(0), b.column.unwrap_or(0), b.what)
    };
    assert_eq!(broken.len(), 10, "{broken:#?}");
    assert_eq!(what("/truncated.json"), "2:8 the JSON ends before it is complete");
    assert_eq!(what("/latin1.json"), "0:0 not UTF-8: byte 9 cannot be decoded");
    assert_eq!(what("/html.json"), "0:0 an HTML page, not JSON");
    assert_eq!(what("/xml.json"), "0:0 XML, not JSON");
    assert_eq!(what("/table.json"), "0:0 table text, not JSON");
    assert_eq!(what("/binary.json"), "0:0 binary data");
    assert!(what("/deep.json").ends_with("more than 100 levels of nesting"));
    assert!(what("/deep2.json").ends_with("more than 100 levels of nesting"));
    assert!(what("/syntax.json").starts_with("2:"), "{}", what("/syntax.json"));
    assert_eq!(what("/text.json"), "0:0 not JSON");
}

#[test]
fn missing_and_empty_inputs_are_named() {
    let missing = load(&[Input::from("no/such/file.json")], &LoadOptions::default()).unwrap_err();
    assert_eq!(missing.to_string(), "no/such/file.json: no such file or directory");
    assert!(matches!(load(&[], &LoadOptions::default()), Err(LoadError::Usage(_))));
    let twice = load(&[Input::Stdin, Input::Stdin], &LoadOptions::default());
    assert!(matches!(twice, Err(LoadError::Usage(_))));
    let none = failure(&[("readme.txt", "x")]);
    assert_eq!(none, "nothing recognised in 0 files: there is no `*.json` file");
    let unknown = failure(&[("x.json", r#"{"a":1}"#)]);
    assert!(unknown.contains("no known response has the keys `a`"), "{unknown}");
    let error = load_dir(&folder(&[("x.json", "7")])).unwrap_err();
    assert!(error.help().unwrap().contains("vpclint export-commands"));
}

#[test]
fn doubled_keys_are_reported() {
    let text = ONE.replace("\"VpcName\":\"é\"", "\"VpcId\":\"vpc-2\"");
    let loaded = loaded(&[("x.json", &text), ("y.json", &ONE.replace("vpc-1", "vpc-3"))]);
    let why = loaded.report.documents.iter().find_map(|d| match &d.outcome {
        Outcome::NotUnderstood { why } => Some(why.as_str()),
        _ => None,
    });
    assert_eq!(why, Some("looks like the answer of vpc DescribeVpcs, but duplicate field `VpcId`"));
}

#[test]
fn folders_are_walked_and_hidden_files_are_not() {
    let dir = folder(&[
        ("b/x.json", &ONE.replace("vpc-1", "vpc-b")),
        ("a/x.jsonl", &ONE.replace("vpc-1", "vpc-a")),
        (".hidden/x.json", "broken"),
        ("a/.x.json", "broken"),
        ("a/notes.txt", "broken"),
    ]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).unwrap();
    let all = load_dir(&dir).unwrap();
    assert_eq!(vpc_ids(&all), ["vpc-a", "vpc-b"]);
    assert_eq!(all.files.len(), 2);
    assert!(all.files.display(vpclint::topology::FileId(0)).ends_with("a/x.jsonl"));
    write(dir.path(), "odd.name", ONE.as_bytes());
    let named = Input::Path(dir.path().join("odd.name"));
    assert_eq!(vpc_ids(&load(&[named], &LoadOptions::default()).unwrap()), ["vpc-1"]);
}

#[test]
fn an_option_names_the_api_of_ambiguous_bodies() {
    let dir = folder(&[("x.json", r#"{"Vpcs":{"Vpc":[]},"RequestId":"1","TotalCount":0}"#)]);
    let options = LoadOptions {
        region: Some("cn-hangzhou".into()),
        account: Some("1".into()),
        api: Some("vpc:DescribeVpcs".into()),
        ..LoadOptions::default()
    };
    let loaded = load(&[Input::Path(dir.path().to_path_buf())], &options).unwrap();
    let (_, body) = loaded.report.bodies().next().unwrap();
    assert_eq!(body.how, How::Option);
    assert_eq!((body.region.as_deref(), body.account.as_deref()), (Some("cn-hangzhou"), Some("1")));
}

#[test]
fn native_files_are_mixed_in() {
    let toml = "version = 1\n[[vpc]]\nid = \"vpc-t\"\ncidr = \"10.9.0.0/16\"\n";
    let json = r#"{"version":1,"vpc":[{"id":"vpc-j","cidr":"10.8.0.0/16"}]}"#;
    let loaded = loaded(&[("a.json", ONE), ("b.vpclint.toml", toml), ("c.json", json)]);
    assert_eq!(vpc_ids(&loaded), ["vpc-1", "vpc-j", "vpc-t"]);
    for (id, cidr) in [("vpc-t", "\"10.9.0.0/16\""), ("vpc-j", "\"10.8.0.0/16\"")] {
        let source = loaded.topology.vpcs.get(id).unwrap().meta.source.clone().unwrap();
        let place = Place { source: &source, kind: Kind::Vpc, field: Some("cidr") };
        let location = loaded.files.locate(&place).unwrap();
        assert_eq!(&loaded.files.text(source.file).unwrap()[location.bytes], cidr);
    }
    let error = failure(&[("b.vpclint.toml", "[[vpc]]\nno_such_key = 1\n")]);
    assert!(error.contains("b.vpclint.toml:2:1: unknown key"), "{error}");
}

#[test]
fn damaged_account_ids_are_noticed() {
    let owner = |file: &str, id: &str| {
        ONE.replace("vpc-1", file).replace("\"VpcName\"", &format!("\"OwnerId\":{id},\"VpcName\""))
    };
    let loaded = loaded(&[
        ("a.json", &owner("vpc-a", "253460731706911258")),
        ("b.json", &owner("vpc-b", "253460731706911260")),
    ]);
    assert!(notes(&loaded).iter().any(|n| n.contains("differ in the last digits only")));
}

#[test]
fn two_runs_are_equal() {
    let files: Vec<(String, String)> = (0..40)
        .map(|n| (format!("{n}.json"), ONE.replace("vpc-1", &format!("vpc-{}", n % 7))))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let dir = folder(&files);
    let (a, b) = (load_dir(&dir).unwrap(), load_dir(&dir).unwrap());
    assert_eq!(a.report, b.report);
    assert_eq!(
        format!("{:?}", a.topology.vpcs.as_slice()),
        format!("{:?}", b.topology.vpcs.as_slice())
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn mutated_bodies_never_panic(at in 0usize..400, cut in 0usize..20, insert in "[\\[\\]{}\",:a0\\\\ ]{0,4}", which in 0usize..4) {
        let nat = r#"{"DescribeNatGatewaysResponse":{"NatGateways":{"NatGateway":{"NatGatewayId":"ngw-1","IpLists":{"IpList":{"IpAddress":"203.0.113.1"}}}},"TotalCount":"1"}}"#;
        let rows = format!("{ROW}\n{ROW}");
        let routes = routes(1, 2, ",\"NextToken\":\"\"");
        let text = [ONE, nat, rows.as_str(), routes.as_str()][which];
        let chars: Vec<char> = text.chars().collect();
        let at = at.min(chars.len());
        let end = (at + cut).min(chars.len());
        let mutated: String = chars[..at].iter().copied().chain(insert.chars()).chain(chars[end..].iter().copied()).collect();
        let dir = folder(&[("x.json", &mutated)]);
        if let Ok(loaded) = load_dir(&dir) {
            for resource in loaded.topology.resources() {
                if let Some(source) = &resource.meta().source {
                    let place = Place { source, kind: resource.kind(), field: Some("cidr") };
                    prop_assert!(loaded.files.locate(&place).is_some(), "{}", mutated);
                }
            }
        }
    }
}
