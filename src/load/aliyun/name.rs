//! What a path says: product, API, request parameters, page, account, region
//! (formats-api.md §6.1, §7).

use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::fingerprints::{FINGERPRINTS, Fingerprint};
use crate::topology::Id;

/// What a file name says.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileName {
    /// The calls that fit the name.
    pub(crate) calls: Vec<&'static Fingerprint>,
    /// Request parameters after `@`.
    pub(crate) params: BTreeMap<String, String>,
    /// Page number (`.p3`).
    pub(crate) page: Option<u64>,
}

/// Reads `<product>.<Api>[@<Param>=<value>,…][.p<N>].json` and looser names that hold the API.
pub(crate) fn file_name(path: &Path) -> FileName {
    let (stem, page) = split_page(stem(path));
    let (head, tail) = stem.split_once('@').map_or((stem, None), |(h, t)| (h, Some(t)));
    let params = tail.map(parse_params).unwrap_or_default();
    let parent = path.parent().and_then(|p| p.file_name()).and_then(|n| n.to_str());
    FileName { calls: calls(head, parent), params, page }
}

/// The file name without its extension and page number, which the pages of one listing share.
pub(crate) fn without_page(path: &Path) -> &str {
    split_page(stem(path)).0
}

fn stem(path: &Path) -> &str {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
    [".json", ".jsonl", ".ndjson", ".txt"]
        .iter()
        .find_map(|ext| name.strip_suffix(ext))
        .unwrap_or(name)
}

fn split_page(stem: &str) -> (&str, Option<u64>) {
    let page = stem.rsplit_once(".p").and_then(|(head, n)| Some((head, n.parse().ok()?)));
    page.map_or((stem, None), |(head, n)| (head, Some(n)))
}

fn parse_params(text: &str) -> BTreeMap<String, String> {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, value)| !key.is_empty() && !value.is_empty())
        .map(|(key, value)| (key.to_owned(), percent_decode(value)))
        .collect()
}

/// Undoes `%XX`.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = match (first, tail.get(..2)) {
            (b'%', Some(hex)) => {
                std::str::from_utf8(hex).ok().and_then(|h| u8::from_str_radix(h, 16).ok())
            }
            _ => None,
        };
        bytes.push(code.unwrap_or(*first));
        rest = tail.get(if code.is_some() { 2 } else { 0 }..).unwrap_or(&[]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The calls whose name stands in the text as a word of its own; the product is the word before it
/// or the directory.
fn calls(head: &str, directory: Option<&str>) -> Vec<&'static Fingerprint> {
    let words: Vec<&str> =
        head.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let Some((at, api)) =
        words.iter().enumerate().find(|(_, w)| FINGERPRINTS.named(w).next().is_some())
    else {
        return Vec::new();
    };
    let all: Vec<&'static Fingerprint> = FINGERPRINTS.named(api).collect();
    let before = at.checked_sub(1).and_then(|n| words.get(n)).copied();
    for product in [before, directory].into_iter().flatten() {
        let exact: Vec<_> = all.iter().copied().filter(|f| f.product == product).collect();
        if !exact.is_empty() {
            return exact;
        }
    }
    all
}

/// Account and region that the directories of a path name; the innermost counts.
pub(crate) fn place(path: &Path) -> (Option<Id>, Option<Id>) {
    let mut account = None;
    let mut region = None;
    let directories = path.parent().unwrap_or(Path::new(""));
    for component in directories.components() {
        let Component::Normal(name) = component else { continue };
        let Some(name) = name.to_str() else { continue };
        if is_account(name) {
            account = Some(Id::from(name));
        } else if is_region(name) {
            region = Some(Id::from(name));
        }
    }
    (account, region)
}

/// Account ids are decimal numbers of about 16 digits.
pub(crate) fn is_account(text: &str) -> bool {
    (12..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Cities of region ids that do not end in a number.
const CITIES: &[&str] = &[
    "hangzhou",
    "shanghai",
    "qingdao",
    "beijing",
    "zhangjiakou",
    "huhehaote",
    "wulanchabu",
    "shenzhen",
    "heyuan",
    "guangzhou",
    "chengdu",
    "nanjing",
    "fuzhou",
    "wuhan",
    "hongkong",
    "zhongwei",
    "zhengzhou",
];

/// True for region ids: `cn-hangzhou`, `cn-shanghai-finance-1`, `ap-southeast-1`.
pub(crate) fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let area = parts.next().unwrap_or("");
    let rest: Vec<&str> = parts.collect();
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else { return false };
    if !plain || !matches!(area, "cn" | "ap" | "us" | "eu" | "me" | "na" | "sa" | "af" | "rus") {
        return false;
    }
    let numbered = rest.len() >= 2 && last.len() <= 2 && last.bytes().all(|b| b.is_ascii_digit());
    numbered || (area == "cn" && CITIES.contains(first))
}

/// Region of a zone id: `cn-hangzhou-b`, `ap-southeast-1a` (formats-api.md Q13).
pub(crate) fn region_of_zone(zone: &str) -> Option<Id> {
    let zone = zone.trim();
    let head = zone.strip_suffix(|c: char| c.is_ascii_lowercase())?;
    let head = head.strip_suffix('-').unwrap_or(head);
    is_region(head).then(|| Id::from(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> (Vec<String>, Vec<(String, String)>, Option<u64>) {
        let name = file_name(Path::new(path));
        let calls = name.calls.iter().map(|f| format!("{}.{}", f.product, f.api)).collect();
        (calls, name.params.into_iter().collect(), name.page)
    }

    #[test]
    fn names_are_read() {
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        assert_eq!(
            read("x/alb.ListRules@A=1,B.1=2%2C3.p12.json"),
            (vec!["alb.ListRules".into()], vec![pair("A", "1"), pair("B.1", "2,3")], Some(12))
        );
        assert_eq!(read("nlb/ListListeners.json").0, ["nlb.ListListeners"]);
        assert_eq!(read("ListListeners-1.json").0, ["alb.ListListeners", "nlb.ListListeners"]);
        assert_eq!(read("ecs/DescribeVpcs.doc2020.json").0, ["ecs.DescribeVpcs"]);
        assert_eq!(read("vpcs.json").0, Vec::<String>::new());
    }

    #[test]
    fn places_are_read() {
        let at = |p: &str| {
            let (a, r) = place(Path::new(p));
            (a.map(|i| i.to_string()), r.map(|i| i.to_string()))
        };
        assert_eq!(
            at("export/1234567890123456/cn-hangzhou/vpc.DescribeVpcs.p1.json"),
            (Some("1234567890123456".into()), Some("cn-hangzhou".into()))
        );
        assert_eq!(at("cn-export/us-west-1/x.json"), (None, Some("us-west-1".into())));
        assert_eq!(region_of_zone("cn-hangzhou-b").unwrap().as_str(), "cn-hangzhou");
        assert_eq!(region_of_zone("ap-southeast-1a").unwrap().as_str(), "ap-southeast-1");
        assert_eq!(
            region_of_zone("cn-shanghai-finance-1k").unwrap().as_str(),
            "cn-shanghai-finance-1"
        );
        assert_eq!(region_of_zone("zone"), None);
    }
}
