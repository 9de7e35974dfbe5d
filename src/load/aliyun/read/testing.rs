//! Running readers in tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{APIS, Api};
use crate::load::aliyun::reader::ReadContext;
use crate::topology::{Draft, FileId, Id, Topology};

/// What a reader reports besides resources.
pub(super) struct Report {
    pub(super) rows: u64,
    pub(super) unattached: Vec<String>,
}

/// Reader of an API.
pub(super) fn api(product: &str, name: &str) -> Option<&'static Api> {
    APIS.iter().copied().flatten().find(|api| api.product == product && api.name == name)
}

/// Reads one body as account `1001` in `cn-hangzhou`.
pub(super) fn read(
    product: &str,
    name: &str,
    body: &str,
    params: &[(&str, &str)],
) -> (Topology, Report) {
    read_all(&[(product, name, body, params)])
}

/// A call: product, API, body, request parameters.
pub(super) type Call<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Reads several bodies into one topology; the report is that of the last one.
pub(super) fn read_all(calls: &[Call<'_>]) -> (Topology, Report) {
    let mut draft = Draft::default();
    let mut report = Report { rows: 0, unattached: Vec::new() };
    for (n, (product, name, body, params)) in calls.iter().enumerate() {
        let api = api(product, name).unwrap_or_else(|| panic!("no reader for {product} {name}"));
        let params: BTreeMap<_, _> =
            params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut cx = ReadContext {
            params: &params,
            account: Some(Id::from("1001")),
            region: Some(Id::from("cn-hangzhou")),
            file: FileId(u32::try_from(n).unwrap()),
            prefix: "",
            draft: &mut draft,
            unattached: Vec::new(),
            rows: 0,
        };
        (api.read)(body, &mut cx).unwrap_or_else(|e| panic!("{product} {name}: {e}"));
        report = Report { rows: cx.rows, unattached: cx.unattached };
    }
    (draft.build(), report)
}

/// The body without the `{"<Api>Response": …}` of documentation samples.
fn unwrapped(text: &str, name: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(text).unwrap();
    match body.get(format!("{name}Response")) {
        Some(inner) => inner.to_string(),
        None => text.to_owned(),
    }
}

fn sample_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Reads every sample body that lies next to the repository, if any.
#[test]
fn sample_bodies_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/api-samples");
    let root = if root.is_dir() {
        root
    } else {
        // a worktree lies one folder deeper than a clone
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/api-samples")
    };
    if !root.is_dir() {
        println!("skipped: no sample bodies in {}", root.display());
        return;
    }
    let mut count = 0;
    for product in ["ecs", "slb", "alb", "nlb", "privatelink", "cbn", "sts"] {
        for path in sample_files(&root.join(product)) {
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            let name = file.split('.').next().unwrap();
            if api(product, name).is_none() {
                println!("no reader: {product}/{file}");
                continue;
            }
            let body = unwrapped(&std::fs::read_to_string(&path).unwrap(), name);
            let (_, report) = read(product, name, &body, &PARENTS);
            println!("{product}/{file}: {} rows {:?}", report.rows, report.unattached);
            count += 1;
        }
    }
    assert!(count > 80, "only {count} sample bodies have a reader");
}

/// Parents for the bodies that do not name theirs.
const PARENTS: [(&str, &str); 11] = [
    ("PortRangeListId", "prl-1"),
    ("LoadBalancerId", "lb-1"),
    ("ListenerPort", "80"),
    ("ListenerProtocol", "http"),
    ("AclId", "acl-1"),
    ("EndpointId", "ep-1"),
    ("ServiceId", "epsrv-1"),
    ("TransitRouterRouteTableId", "vtb-1"),
    ("CenId", "cen-1"),
    ("CenRegionId", "cn-hangzhou"),
    ("ServerGroupId", "sgp-1"),
];
