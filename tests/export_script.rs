//! Runs the printed export script against a stand-in for the `aliyun` CLI that serves a small
//! account in pages and knows every parameter (tests/data/aliyun-standin).
//!
//! The script needs bash and jq. Where one of them is missing these tests say so on stderr and do
//! nothing.
#![cfg(unix)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests fail by panicking and say when they are skipped"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use vpclint::export::{ScriptOptions, is_exported, script};
use vpclint::load::{Input, LoadOptions, load};
use vpclint::topology::{Listing, ListingState, Scope};

const ACCOUNT: &str = "1957000000000001";
const REGION: &str = "cn-hangzhou";
/// Part of every secret in the account.
const SECRET: &str = "not-a-real-psk";

/// A folder with the script, the stand-in in `bin`, its state, and the exports.
struct Lab {
    root: TempDir,
    bash: PathBuf,
}

impl Lab {
    /// `None`, with a line on stderr, on a machine that cannot run the script.
    fn new(script: &str) -> Option<Self> {
        let bash = tool("bash")?;
        tool("jq")?;
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("bin");
        fs::create_dir(&bin).unwrap();
        fs::create_dir(root.path().join("state")).unwrap();
        let account = root.path().join("data");
        fs::create_dir(&account).unwrap();
        for file in ["account.json", "calls.tsv"] {
            fs::copy(data().join(file), account.join(file)).unwrap();
        }
        let aliyun = bin.join("aliyun");
        fs::copy(data().join("aliyun"), &aliyun).unwrap();
        fs::set_permissions(&aliyun, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(root.path().join("export.sh"), script).unwrap();
        Some(Self { root, bash })
    }

    fn path(&self) -> OsString {
        let own = self.root.path().join("bin");
        let rest = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&rest))).unwrap()
    }

    fn command(&self, faults: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.bash);
        command
            .current_dir(self.root.path())
            .arg("export.sh")
            .args(["--retry-delay", "0"])
            .args(arguments)
            .env("PATH", self.path())
            .env("STANDIN_DATA", self.root.path().join("data"))
            .env("STANDIN_STATE", self.root.path().join("state"))
            .env("STANDIN_FAULTS", faults);
        command
    }

    /// Runs the script and checks that the stand-in had nothing to complain about.
    fn run(&self, faults: &str, arguments: &[&str]) -> Output {
        let output = self.command(faults, arguments).output().unwrap();
        assert_eq!(self.log("complaints"), Vec::<String>::new());
        output
    }

    fn log(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.root.path().join(format!("state/{name}.log")));
        text.unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn export(&self, out: &str) -> Export {
        Export::read(&self.root.path().join(out))
    }
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/aliyun-standin")
}

fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: {name} is not installed");
    }
    found
}

fn whole_region() -> String {
    script(&ScriptOptions { region: REGION.into(), vpc: None })
}

/// What a run wrote.
struct Export {
    /// Path below the account's folder, and content.
    files: BTreeMap<String, String>,
    manifest: Vec<Value>,
}

impl Export {
    fn read(out: &Path) -> Self {
        let account = out.join(ACCOUNT);
        let mut files = BTreeMap::new();
        collect(&account, &account, &mut files);
        let manifest = files.remove("manifest.jsonl").unwrap();
        let manifest = manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { files, manifest }
    }

    fn body(&self, name: &str) -> Value {
        let name = format!("{REGION}/{name}.json");
        let text = self.files.get(&name).unwrap_or_else(|| panic!("{name} was not written"));
        serde_json::from_str(text).unwrap()
    }

    fn rows_of(&self, api: &str) -> Vec<&Value> {
        self.manifest.iter().filter(|row| row["api"] == api).collect()
    }

    /// Rows without the time, as a set.
    fn rows(&self) -> BTreeSet<String> {
        let timeless = |row: &Value| {
            let mut row = row.clone();
            row.as_object_mut().unwrap().remove("time").expect("a row has a time");
            row.to_string()
        };
        self.manifest.iter().map(timeless).collect()
    }

    /// Files and manifest say the same, and every file is whole and free of secrets.
    fn check(&self) {
        let stated: Vec<_> = self
            .manifest
            .iter()
            .filter(|row| row["rc"] == 0)
            .map(|row| row["file"].as_str().unwrap().to_owned())
            .collect();
        let distinct: BTreeSet<_> = stated.iter().cloned().collect();
        assert_eq!(stated.len(), distinct.len(), "a file has two rows");
        assert_eq!(distinct, self.files.keys().cloned().collect());
        for (name, text) in &self.files {
            assert!(name.ends_with(".json"), "{name} was left behind");
            assert!(serde_json::from_str::<Value>(text).unwrap().is_object(), "{name}");
            assert!(!text.contains(SECRET), "{name} holds a secret");
        }
    }
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

fn len(body: &Value, pointer: &str) -> usize {
    body.pointer(pointer).and_then(Value::as_array).unwrap().len()
}

#[test]
fn an_export_with_faults_is_resumed_to_a_complete_one() {
    let Some(lab) = Lab::new(&whole_region()) else { return };

    let output = lab.run("forbidden,throttled", &["--out", "out"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Forbidden.RAM") && said.contains("vpc DescribeHaVips (1)"), "{said}");
    assert!(!said.contains("is not authorized"), "the message of a failed call: {said}");
    assert!(!said.contains("Throttling"), "a repeated call that worked: {said}");

    let first = lab.export("out");
    first.check();
    let called: BTreeSet<_> = first
        .manifest
        .iter()
        .map(|row| (row["product"].as_str().unwrap(), row["api"].as_str().unwrap()))
        .collect();
    for listing in Listing::ALL.iter().filter(|listing| is_exported(**listing)) {
        assert!(called.contains(&(listing.product(), listing.api())), "{}", listing.api());
    }
    for row in &first.manifest {
        assert_eq!(row["region"], REGION);
        assert!(row["params"].is_object());
        let failed =
            ["DescribeHaVips", "DescribeBandwidthPackages"].contains(&row["api"].as_str().unwrap());
        assert_eq!(row["rc"] != 0, failed, "{row}");
        assert_eq!(row["error"] != "", failed, "{row}");
    }
    assert_eq!(first.rows_of("DescribeHaVips")[0]["error"], "Forbidden.RAM");
    assert!(!first.files.contains_key("cn-hangzhou/vpc.DescribeHaVips.p1.json"));
    assert_eq!(
        lab.log("calls").iter().filter(|c| c.contains("DescribeSecurityGroups ")).count(),
        2
    );

    // Only what is missing is asked for again.
    let before = lab.log("calls").len();
    let output = lab.run("", &["--out", "out", "--resume"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let again: Vec<_> = lab.log("calls").split_off(before);
    let again: Vec<_> = again.iter().map(|call| call.split([' ', '@']).next().unwrap()).collect();
    assert_eq!(
        again,
        ["sts.GetCallerIdentity", "vpc.DescribeHaVips", "ecs.DescribeBandwidthPackages"]
    );
    let resumed = lab.export("out");
    resumed.check();
    assert_eq!(resumed.files.len(), first.files.len() + 1);

    let folder = lab.root.path().join("out");
    let loaded = load(&[Input::Path(folder)], &LoadOptions::default()).unwrap();
    let incomplete: Vec<_> = loaded
        .topology
        .coverage
        .iter()
        .filter(|(_, _, state)| **state != ListingState::Complete)
        .map(|(listing, scope, state)| format!("{} {scope:?} {state:?}", listing.api()))
        .collect();
    // The one call that stays refused.
    assert_eq!(incomplete.len(), 1, "{incomplete:#?}");
    assert!(incomplete[0].starts_with("DescribeBandwidthPackages"), "{incomplete:#?}");
    check_pages(&resumed);
    check_names(&resumed);
}

/// Pages are complete, in both styles.
fn check_pages(export: &Export) {
    let rows =
        |page| len(&export.body(&format!("vpc.DescribeVSwitches.p{page}")), "/VSwitches/VSwitch");
    assert_eq!((rows(1), rows(2)), (50, 5));
    let pages = export.rows_of("DescribeVSwitches");
    assert_eq!(pages.len(), 2);
    assert_eq!((&pages[0]["last"], &pages[1]["last"]), (&false.into(), &true.into()));
    assert_eq!(pages[1]["params"], serde_json::json!({"PageNumber": "2", "PageSize": "50"}));

    let routes =
        |page| export.body(&format!("vpc.DescribeRouteEntryList@RouteTableId=vtb-shop.p{page}"));
    assert_eq!(len(&routes(1), "/RouteEntrys/RouteEntry"), 4);
    assert_eq!(len(&routes(2), "/RouteEntrys/RouteEntry"), 1);
    assert_eq!(routes(2)["NextToken"], "");
    let second = &export.rows_of("DescribeRouteEntryList")[..]
        .iter()
        .find(|row| row["params"]["NextToken"].is_string())
        .map(|row| row["params"].clone());
    let expected = serde_json::json!(
        {"RouteTableId": "vtb-shop", "MaxResult": "100", "NextToken": routes(1)["NextToken"]});
    assert_eq!(*second, Some(expected));

    // This one names its page and its total in a way of its own.
    let acl =
        |page| export.body(&format!("slb.DescribeAccessControlListAttribute@AclId=acl-1.p{page}"));
    assert_eq!(len(&acl(1), "/AclEntrys/AclEntry") + len(&acl(2), "/AclEntrys/AclEntry"), 52);
}

/// Names carry every parameter that the body does not state; loops ask for what they should.
fn check_names(export: &Export) {
    for name in [
        "ecs.DescribeInstances@AdditionalAttributes.1=NETWORK_PRIMARY_ENI_IP.p1",
        "slb.DescribeHealthStatus@LoadBalancerId=lb-shop.p1",
        "slb.DescribeRules@LoadBalancerId=lb-shop,ListenerPort=80,ListenerProtocol=http.p1",
        "slb.DescribeRules@LoadBalancerId=lb-shop,ListenerPort=443,ListenerProtocol=https.p1",
        "vpc.ListGatewayRouteTableEntries@GatewayRouteTableId=vtb-lab-gw.p1",
        "vpc.DescribeVpnRouteEntries@RouteEntryType=bgp,VpnGatewayId=vpn-1.p1",
        "vpc.ListNatIps@NatGatewayId=ngw-lab.p1",
    ] {
        export.body(name);
    }
    let asked = |api: &str| export.rows_of(api).len();
    assert_eq!(asked("DescribeRules"), 2, "TCP listeners have no rules");
    assert_eq!(asked("DescribeRouteEntryList"), 3, "gateway tables are asked elsewhere");
    assert_eq!(asked("ListNatIps"), 1, "an Internet NAT gateway has no NAT IPs");
    assert_eq!(asked("DescribeVcoRouteEntries"), 2, "vco-3 is attached to nothing");

    let connections = export.body("vpc.DescribeVpnConnections.p1");
    let first = &connections["VpnConnections"]["VpnConnection"][0];
    assert_eq!(first["IkeConfig"], serde_json::json!({"IkeVersion": "ikev2"}));
    assert_eq!(first["RemoteSubnet"], "192.168.0.0/16");
}

#[test]
fn a_run_from_the_start_replaces_the_earlier_one() {
    let Some(lab) = Lab::new(&only(&whole_region(), &["NatGateway"])) else { return };
    assert_eq!(lab.run("", &["--out", "out"]).status.code(), Some(0));
    let first = lab.export("out");
    first.check();

    // What the earlier run wrote goes, also a page that there no longer is; other files stay.
    let account = lab.root.path().join("out").join(ACCOUNT);
    let stale = format!("{REGION}/vpc.DescribeNatGateways.p2.json");
    fs::write(account.join(&stale), "{}").unwrap();
    let row = serde_json::json!({"file": stale, "product": "vpc", "api": "DescribeNatGateways", "region": REGION, "page": 2, "rc": 0});
    let other = serde_json::json!({"file": "cn-beijing/vpc.DescribeVpcs.p1.json", "region": "cn-beijing", "rc": 1, "time": ""});
    let mut manifest = fs::read_to_string(account.join("manifest.jsonl")).unwrap();
    manifest.push_str(&format!("{row}\n{other}\n{{\"cut off"));
    fs::write(account.join("manifest.jsonl"), manifest).unwrap();
    fs::write(account.join(REGION).join("notes.txt"), "mine").unwrap();

    assert_eq!(lab.run("", &["--out", "out"]).status.code(), Some(0));
    let mut again = lab.export("out");
    assert_eq!(again.files.remove("cn-hangzhou/notes.txt").as_deref(), Some("mine"));
    let kept = again.manifest.iter().position(|row| row["region"] == "cn-beijing").unwrap();
    assert_eq!(again.manifest.remove(kept), other);
    again.check();
    assert_eq!(again.files, first.files);
    assert_eq!(again.rows(), first.rows());
}

#[test]
fn a_vpc_restricts_the_export() {
    let options = ScriptOptions { region: REGION.into(), vpc: Some("vpc-lab".into()) };
    let calls = ["VpcId", "NatGateway", "DescribeEip", "DescribeHealthStatus"];
    let Some(lab) = Lab::new(&only(&script(&options), &calls)) else { return };
    let output = lab.run("", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let export = lab.export("vpclint-export");
    export.check();

    let vswitches = export.body("vpc.DescribeVSwitches@VpcId=vpc-lab.p1");
    assert_eq!(len(&vswitches, "/VSwitches/VSwitch"), 2);
    assert_eq!(vswitches["TotalCount"], 2);
    assert_eq!(export.rows_of("DescribeVSwitches")[0]["params"]["VpcId"], "vpc-lab");
    export.body("vpcpeer.ListVpcPeerConnections@VpcId.1=vpc-lab.p1");
    // Children follow the restricted listing; what is not of a VPC stays whole.
    assert_eq!(export.rows_of("DescribeSnatTableEntries").len(), 1);
    assert_eq!(export.rows_of("DescribeHealthStatus").len(), 1);
    assert_eq!(len(&export.body("vpc.DescribeEipAddresses.p1"), "/EipAddresses/EipAddress"), 3);
    // The loader takes a restricted listing for what it is, whatever its parameter is called.
    let folder = lab.root.path().join("vpclint-export");
    let loaded = load(&[Input::Path(folder)], &LoadOptions::default()).unwrap();
    let coverage = &loaded.topology.coverage;
    for listing in [Listing::VSwitches, Listing::VpcPeers, Listing::AlbInstances] {
        let of_vpc = |vpc: &str| coverage.is_complete(listing, &Scope::of_parent(&vpc.into()));
        assert!(of_vpc("vpc-lab") && !of_vpc("vpc-shop"), "{}", listing.api());
        assert!(!coverage.is_complete(listing, &Scope::anywhere()), "{}", listing.api());
    }
    assert!(coverage.is_complete(Listing::Eips, &Scope::anywhere()));
    for row in export.rows_of("DescribeVpcAttribute") {
        assert_eq!(row["params"]["VpcId"], "vpc-lab");
    }
}

/// The script with those calls only whose line contains one of the texts.
fn only(script: &str, calls: &[&str]) -> String {
    let is_call = |line: &str| {
        ["  by_page ", "  by_token ", "  once ", "  for_each ", "  secret ", "  optional "]
            .iter()
            .any(|command| line.starts_with(command))
    };
    let wanted = |line: &&str| !is_call(line) || calls.iter().any(|call| line.contains(call));
    let kept = script.lines().filter(wanted);
    kept.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn a_server_that_repeats_itself_does_not_catch_the_script() {
    for (call, fault) in
        [("vpc DescribeVSwitches", "same-page"), ("by_token vpc ListIpv4Gateways", "same-token")]
    {
        let Some(lab) = Lab::new(&only(&whole_region(), &[call])) else { return };
        let output = lab.run(fault, &["--out", "out"]);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        let export = lab.export("out");
        export.check();
        let last = export.manifest.last().unwrap();
        assert_eq!(last["error"], "PagingDoesNotEnd");
        assert_eq!((&last["page"], &last["last"]), (&2.into(), &false.into()));
    }
}

#[test]
fn an_export_that_cannot_start_writes_nothing() {
    let Some(lab) = Lab::new(&whole_region()) else { return };
    let stops = |mut command: Command, what: &str| {
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(what), "{said}");
        assert!(!lab.root.path().join("vpclint-export").exists());
    };
    stops(
        lab.command("identity", &[]),
        "sts GetCallerIdentity failed (InvalidAccessKeyId.NotFound)",
    );
    stops(lab.command("", &["--bogus"]), "unknown argument `--bogus`");

    let mut without_jq = lab.command("", &[]);
    without_jq.env("PATH", lab.root.path().join("bin"));
    stops(without_jq, "jq is not in PATH");

    let mut without_aliyun = lab.command("", &[]);
    without_aliyun.env("PATH", lab.root.path().join("state"));
    stops(without_aliyun, "aliyun is not in PATH");

    let Some(odd) = Lab::new(&script(&ScriptOptions { region: "../etc".into(), vpc: None })) else {
        return;
    };
    stops(odd.command("", &[]), "`../etc` is not a region id");
}

#[test]
fn an_id_that_could_leave_the_folder_is_not_used() {
    let Some(lab) = Lab::new(&only(&whole_region(), &["PortRangeList"])) else { return };
    let account = lab.root.path().join("data/account.json");
    let text = fs::read_to_string(&account).unwrap();
    fs::write(&account, text.replace(r#""prl-web""#, r#""../\"prl web""#)).unwrap();
    let output = lab.run("", &["--out", "out"]);
    assert_eq!(output.status.code(), Some(1));
    let export = lab.export("out");
    export.check();
    let row = export.manifest.last().unwrap();
    assert_eq!(row["error"], "UnusableId");
    assert_eq!(row["api"], "DescribePortRangeListEntries");
    assert_eq!(row["params"]["PortRangeListId"], r#"../"prl web"#);
}

#[test]
fn shellcheck_finds_nothing() {
    let Some(shellcheck) = tool("shellcheck") else { return };
    for vpc in [None, Some("vpc-1".to_owned())] {
        let Some(lab) = Lab::new(&script(&ScriptOptions { region: REGION.into(), vpc })) else {
            return;
        };
        let mut command = Command::new(&shellcheck);
        let output = command.arg("export.sh").current_dir(lab.root.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
