//! Facts about calls that stand beside the bodies: `manifest.jsonl` and `_meta` envelopes
//! (formats-api.md §7), and the accounts that `sts GetCallerIdentity` names.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::fingerprints::{FINGERPRINTS, Fingerprint};
use super::name::without_page;
use super::shape::Scalar;
use crate::load::json::documents;
use crate::topology::Id;

/// One call, as a manifest row or an envelope describes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    /// File of the body, relative to the manifest.
    pub(crate) file: Option<String>,
    /// Product.
    pub(crate) product: Option<String>,
    /// API.
    pub(crate) api: Option<String>,
    /// Account whose credentials were used.
    pub(crate) account: Option<Id>,
    /// Region that was asked.
    pub(crate) region: Option<Id>,
    /// Page, counted from 1.
    pub(crate) page: Option<u64>,
    /// Exit code; 0 is success.
    pub(crate) rc: Option<i64>,
    /// Error code of a failed call.
    pub(crate) error: Option<String>,
    /// Request parameters.
    pub(crate) params: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Row<'a> {
    #[serde(borrow)]
    file: Scalar<'a>,
    #[serde(borrow)]
    product: Scalar<'a>,
    #[serde(borrow)]
    api: Scalar<'a>,
    #[serde(borrow)]
    account: Scalar<'a>,
    #[serde(borrow)]
    region: Scalar<'a>,
    #[serde(borrow)]
    page: Scalar<'a>,
    #[serde(borrow)]
    rc: Scalar<'a>,
    #[serde(borrow)]
    error: Scalar<'a>,
    #[serde(borrow)]
    params: Option<BTreeMap<String, Scalar<'a>>>,
}

impl Call {
    /// Reads a manifest row or the value of `_meta`.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let row: Row<'_> = serde_json::from_str(text)?;
        let text = |scalar: &Scalar<'_>| scalar.as_str().map(str::to_owned);
        Ok(Self {
            file: text(&row.file),
            product: text(&row.product),
            api: text(&row.api),
            account: row.account.id(),
            region: row.region.id(),
            page: row.page.number(),
            rc: row.rc.number(),
            error: text(&row.error),
            params: row
                .params
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
                .collect(),
        })
    }

    /// Error code, when the call failed.
    pub(crate) fn failure(&self) -> Option<String> {
        match (self.rc, &self.error) {
            (Some(0) | None, None) | (Some(0), Some(_)) => None,
            (_, Some(error)) => Some(error.clone()),
            (Some(rc), None) => Some(format!("exit code {rc}")),
        }
    }

    /// The calls that product and API name.
    pub(crate) fn calls(&self) -> Vec<&'static Fingerprint> {
        let Some(api) = &self.api else { return Vec::new() };
        let all: Vec<_> = FINGERPRINTS.named(api).collect();
        match &self.product {
            Some(product) => all.into_iter().filter(|f| f.product == product).collect(),
            None => all,
        }
    }
}

/// A manifest with the place it was read from.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// Its directory.
    pub(crate) directory: PathBuf,
    /// Its rows.
    pub(crate) calls: Vec<Call>,
}

/// True for the first bytes of a manifest: rows of calls without bodies.
pub(crate) fn looks_like_manifest(head: &str) -> bool {
    head.contains("\"api\"") && head.contains("\"rc\"") && !head.contains("\"body\"")
}

impl Manifest {
    /// Reads a manifest; lines that are not rows are passed over here and reported with the file.
    pub(crate) fn parse(text: &str, path: &Path) -> Self {
        let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut calls = Vec::new();
        for range in documents(text).unwrap_or_default() {
            if let Some(Ok(call)) = text.get(range).map(Call::parse)
                && call.api.is_some()
            {
                calls.push(call);
            }
        }
        Self { directory, calls }
    }
}

/// Everything that stands beside the bodies.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    by_file: BTreeMap<PathBuf, Call>,
    /// Failed calls with the directory of their manifest.
    pub(crate) failed: Vec<(PathBuf, Call)>,
    identities: Vec<(PathBuf, Id)>,
}

impl Beside {
    /// Takes over a manifest.
    pub(crate) fn add_manifest(&mut self, manifest: Manifest) {
        for call in manifest.calls {
            if call.failure().is_some() {
                self.failed.push((manifest.directory.clone(), call));
            } else if let Some(file) = &call.file {
                let path = normalise(&manifest.directory.join(file));
                self.by_file.insert(path, call);
            }
        }
    }

    /// Takes over the account of a directory and everything below it.
    pub(crate) fn add_identity(&mut self, file: &Path, account: Id) {
        let directory = file.parent().map(normalise).unwrap_or_default();
        self.identities.push((directory, account));
    }

    /// The call that made a file.
    pub(crate) fn call(&self, path: &Path) -> Option<&Call> {
        self.by_file.get(&normalise(path))
    }

    /// What the files of one run of an export have in common (decisions.md 20): the directory of
    /// their manifest; without one, the name without its page.
    pub(crate) fn run_of(&self, path: &Path) -> PathBuf {
        let mut run = normalise(path);
        match self.call(path).and_then(|call| call.file.as_deref()) {
            Some(file) => Path::new(file).components().for_each(|_| {
                run.pop();
            }),
            None => run.set_file_name(without_page(path)),
        }
        run
    }

    /// The account of the nearest directory above a file that has an identity, unless two
    /// identities there contradict each other.
    pub(crate) fn account(&self, path: &Path) -> Option<Id> {
        let path = normalise(path);
        let mut directory = path.parent();
        while let Some(here) = directory {
            let mut found = self.identities.iter().filter(|(d, _)| d == here).map(|(_, id)| id);
            if let Some(account) = found.next() {
                return found.all(|other| other == account).then(|| account.clone());
            }
            directory = here.parent();
        }
        None
    }
}

/// Drops `.` and resolves `..` by text.
fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_rows_find_their_files() {
        let text = r#"{"file":"cn-hangzhou/vpc.DescribeVpcs.p1.json","product":"vpc","api":"DescribeVpcs","region":"cn-hangzhou","page":1,"rc":0,"error":"","params":{"PageNumber":"1","PageSize":50}}
{"file":"x.json","product":"vpc","api":"DescribeSnatTableEntries","region":"cn-hangzhou","page":1,"rc":1,"error":"Forbidden.RAM","params":{"NatGatewayId":"ngw-1"}}
[]"#;
        assert!(looks_like_manifest(text));
        let manifest = Manifest::parse(text, Path::new("./out/1/manifest.jsonl"));
        assert_eq!(manifest.calls.len(), 2);
        let mut beside = Beside::default();
        beside.add_manifest(manifest);
        let call = beside.call(Path::new("out/1/cn-hangzhou/vpc.DescribeVpcs.p1.json")).unwrap();
        assert_eq!(call.params.get("PageSize").unwrap(), "50");
        assert_eq!(beside.failed[0].1.failure().unwrap(), "Forbidden.RAM");
        assert!(beside.call(Path::new("out/1/x.json")).is_none());
    }

    #[test]
    fn the_nearest_identity_counts() {
        let mut beside = Beside::default();
        beside.add_identity(Path::new("a/sts.json"), Id::from("1"));
        beside.add_identity(Path::new("a/b/sts.json"), Id::from("2"));
        assert_eq!(beside.account(Path::new("a/b/c/x.json")).unwrap().as_str(), "2");
        assert_eq!(beside.account(Path::new("a/x.json")).unwrap().as_str(), "1");
        assert_eq!(beside.account(Path::new("z/x.json")), None);
    }
}
