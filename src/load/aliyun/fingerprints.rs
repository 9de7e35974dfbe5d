//! What separates the responses of the APIs (formats-api.md §6): names of keys, read from a table.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// How a call is paged (formats-api.md §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// `PageNumber`, `PageSize`, `TotalCount`.
    Numbered,
    /// `NextToken`.
    Token,
    /// One answer holds everything.
    None,
}

/// A list of a response.
#[derive(Debug)]
pub(crate) struct ListPrint {
    /// Top-level key.
    pub(crate) outer: &'static str,
    /// Key inside the wrapper; `None` for flat lists.
    pub(crate) inner: Option<&'static str>,
    /// Keys of the elements; empty for lists of scalars.
    pub(crate) keys: Vec<&'static str>,
}

/// The fingerprint of one API.
#[derive(Debug)]
pub(crate) struct Fingerprint {
    /// Product as the CLI names it.
    pub(crate) product: &'static str,
    /// Name of the call.
    pub(crate) api: &'static str,
    /// How it is paged.
    pub(crate) paging: Paging,
    /// Required parameters that the response does not repeat (formats-api.md §6.3).
    pub(crate) lost: Vec<&'static str>,
    /// Top-level keys, without those that every response has.
    pub(crate) keys: Vec<&'static str>,
    /// Its lists.
    pub(crate) lists: Vec<ListPrint>,
}

impl Fingerprint {
    /// The list that holds the rows, unless the response is one object.
    pub(crate) fn main_list(&self) -> Option<&ListPrint> {
        match self.lists.as_slice() {
            [only] if self.keys.len() == 1 => Some(only),
            lists => {
                // `RegionId` and totals may stand beside the rows; an object has many more keys
                let others = self.keys.len().saturating_sub(lists.len());
                if others <= 2 { lists.first() } else { None }
            }
        }
    }
}

/// All fingerprints and their index by top-level key.
#[derive(Debug)]
pub(crate) struct Fingerprints {
    /// In the order of the table.
    pub(crate) all: Vec<Fingerprint>,
    by_key: FxHashMap<&'static str, Vec<usize>>,
}

impl Fingerprints {
    /// Positions of the APIs whose responses have this top-level key.
    pub(crate) fn with_key(&self, key: &str) -> &[usize] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// Fingerprints of all calls with this name.
    pub(crate) fn named<'n>(
        &'static self,
        api: &'n str,
    ) -> impl Iterator<Item = &'static Fingerprint> + use<'n> {
        self.all.iter().filter(move |f| f.api == api)
    }
}

/// Keys that say nothing about the API.
pub(crate) const ENVELOPE: &[&str] = &[
    "RequestId",
    "PageNumber",
    "PageSize",
    "TotalCount",
    "NextToken",
    "MaxResults",
    "MaxResult",
    "Count",
    "Code",
    "Message",
    "Success",
];

/// The fingerprints, parsed from the table when first needed.
pub(crate) static FINGERPRINTS: LazyLock<Fingerprints> =
    LazyLock::new(|| parse(include_str!("fingerprints.tsv")));

fn parse(table: &'static str) -> Fingerprints {
    let all: Vec<Fingerprint> =
        table.lines().filter(|line| !line.starts_with('#')).filter_map(parse_line).collect();
    let mut by_key: FxHashMap<&'static str, Vec<usize>> = FxHashMap::default();
    for (n, print) in all.iter().enumerate() {
        for key in &print.keys {
            by_key.entry(key).or_default().push(n);
        }
    }
    Fingerprints { all, by_key }
}

fn parse_line(line: &'static str) -> Option<Fingerprint> {
    let mut columns = line.split('\t');
    let product = columns.next()?;
    let api = columns.next()?;
    let paging = match columns.next()? {
        "P" => Paging::Numbered,
        "T" => Paging::Token,
        _ => Paging::None,
    };
    let lost = columns.next()?.split(',').filter(|p| !p.is_empty()).collect();
    let keys = columns.next()?.split(' ').filter(|k| !k.is_empty()).collect();
    let lists = columns
        .next()
        .unwrap_or("")
        .split("; ")
        .filter_map(|list| {
            let (path, keys) = list.split_once('=')?;
            let (outer, inner) = match path.split_once('.') {
                Some((outer, inner)) => (outer, Some(inner)),
                None => (path, None),
            };
            let keys = keys.split(' ').filter(|k| !k.is_empty()).collect();
            Some(ListPrint { outer, inner, keys })
        })
        .collect();
    Some(Fingerprint { product, api, paging, lost, keys, lists })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(FINGERPRINTS.all.len(), 141);
        let find = |product, api| {
            FINGERPRINTS.named(api).find(|f: &&Fingerprint| f.product == product).unwrap()
        };
        let vpcs = find("vpc", "DescribeVpcs");
        assert_eq!(vpcs.paging, Paging::Numbered);
        let list = vpcs.main_list().unwrap();
        assert_eq!((list.outer, list.inner), ("Vpcs", Some("Vpc")));
        assert!(list.keys.contains(&"CidrBlock"));
        assert_eq!(FINGERPRINTS.named("ListLoadBalancers").count(), 2);
        assert!(find("vpc", "DescribeVpcAttribute").main_list().is_none());
        let zones = find("privatelink", "ListVpcEndpointZones");
        assert_eq!(zones.lost, ["EndpointId"]);
        assert_eq!(zones.main_list().unwrap().inner, None);
    }
}
