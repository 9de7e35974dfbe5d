//! Whether the pages of a listing are all there (formats-api.md §5, completeness rules).
//!
//! A false "none" is worse than an "unknown": whatever cannot be shown to be whole is not recorded as
//! complete.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::body::{Body, Parent, Token, is_paging, parent_keys};
use super::fingerprints::Paging;
use crate::load::report::LoadReport;
use crate::topology::{Coverage, Draft, Id, Listing, ListingState, Scope};

/// Pages that belong together.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    listing: Listing,
    api: &'static str,
    account: Option<Id>,
    region: Option<Id>,
    params: Vec<(String, String)>,
    parents: Vec<Parent>,
    directory: PathBuf,
}

/// A call that failed.
#[derive(Debug, Clone)]
pub(crate) struct FailedCall {
    /// The listing that it would have made.
    pub(crate) listing: Listing,
    /// Account that was asked.
    pub(crate) account: Option<Id>,
    /// Region that was asked.
    pub(crate) region: Option<Id>,
    /// Request parameters.
    pub(crate) params: BTreeMap<String, String>,
    /// Error code.
    pub(crate) code: String,
}

/// Records how much of each listing was read.
pub(crate) fn record(
    bodies: &[Body],
    failed: &[FailedCall],
    draft: &mut Draft,
    report: &mut LoadReport,
) {
    let mut groups: BTreeMap<GroupKey, Vec<&Body>> = BTreeMap::new();
    for body in bodies {
        groups.entry(key(body)).or_default().push(body);
    }
    let mut coverage = Coverage::default();
    for (key, pages) in &groups {
        let mut state = state(pages);
        remark(key, pages, &state, report);
        let filters: Vec<&str> = filters(key).collect();
        if !filters.is_empty() && state == ListingState::Complete {
            let filters = filters.join(", ");
            let text =
                format!("{} is filtered by {filters}: it says nothing about other rows", key.api);
            report.note(first_file(pages), text);
            state = ListingState::Unverified;
        }
        record_group(key, pages, &state, draft, &mut coverage, report);
    }
    for call in failed {
        record_failed(call, draft, &mut coverage);
    }
    draft.coverage.absorb(coverage);
}

fn key(body: &Body) -> GroupKey {
    GroupKey {
        listing: body.api.listing,
        api: body.api.name,
        account: body.account.clone(),
        region: body.region.clone(),
        params: body.params.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        parents: body.parents.clone(),
        directory: body.directory.clone(),
    }
}

fn first_file(pages: &[&Body]) -> Option<crate::topology::FileId> {
    pages.first().map(|b| b.file)
}

/// Parameters that restrict a listing to VPCs; each API takes one of them.
const VPC_FILTERS: [&str; 3] = ["VpcId", "VpcId.1", "VpcIds.1"];

/// The VPCs that a listing was restricted to, as stated: one id or several with commas.
fn vpc_filter<'a>(params: &BTreeMap<&str, &'a str>) -> Option<&'a str> {
    VPC_FILTERS.iter().find_map(|name| params.get(name).copied())
}

/// Parameters that leave rows out.
fn filters(key: &GroupKey) -> impl Iterator<Item = &str> {
    let parents = key.listing.parent().map_or(&[][..], parent_keys);
    key.params.iter().filter_map(move |(name, value)| {
        let neutral = is_paging(name)
            || name.starts_with("AdditionalAttributes")
            || name.starts_with("Include")
            || VPC_FILTERS.contains(&name.as_str())
            || matches!(name.as_str(), "CenId" | "CenRegionId" | "DryRun")
            || (key.listing == Listing::CenGrants && name == "InstanceType")
            || (name == "Direction" && value == "all")
            || (name == "TransitRouterRouteEntryStatus" && value == "All")
            || (key.api == "DescribeRouteTables" && name.ends_with("RouterId"))
            || (key.listing == Listing::ClbRules || key.listing == Listing::ClbHealth)
                && matches!(name.as_str(), "LoadBalancerId" | "ListenerPort" | "ListenerProtocol")
            || parents.contains(&name.as_str());
        (!neutral).then_some(name.as_str())
    })
}

/// The state of one listing.
fn state(pages: &[&Body]) -> ListingState {
    let rows = rows(pages);
    let total = total(pages, rows);
    let paging = pages.first().map_or(Paging::None, |b| b.paging());
    if paging == Paging::None {
        return ListingState::Complete;
    }
    if pages.iter().any(|b| !b.page.enveloped) {
        return ListingState::Unverified;
    }
    match chain(pages) {
        Chain::Open => {
            let total = total.filter(|total| *total > rows);
            return ListingState::Truncated { have: rows, total };
        }
        Chain::Unclear => return ListingState::Unverified,
        Chain::Closed => {}
    }
    match (total, paging) {
        (Some(total), _) if rows < total => {
            ListingState::Truncated { have: rows, total: Some(total) }
        }
        (Some(_), _) | (None, Paging::Token | Paging::None) => ListingState::Complete,
        (None, Paging::Numbered) => ListingState::Unverified,
    }
}

/// Rows of all pages; a page that is there twice counts once (Q17).
fn rows(pages: &[&Body]) -> u64 {
    let mut by_number: BTreeMap<u64, u64> = BTreeMap::new();
    let mut loose: u64 = 0;
    for body in pages {
        match body.page.number {
            Some(number) => {
                let rows = by_number.entry(number).or_default();
                *rows = (*rows).max(body.rows);
            }
            None => loose = loose.saturating_add(body.rows),
        }
    }
    by_number.into_values().fold(loose, u64::saturating_add)
}

/// The number of rows that the cloud announces, where it can be trusted: in token mode
/// DescribeNetworkInterfaces states a meaningless one (formats-api.md §3).
fn total(pages: &[&Body], rows: u64) -> Option<u64> {
    let total = pages.iter().filter_map(|b| b.page.total).max()?;
    let token_mode =
        pages.iter().all(|b| b.paging() == Paging::Token && b.page.stated_number.is_none());
    let enis = pages.iter().any(|b| b.api.listing == Listing::Enis);
    (!(token_mode && (enis || total < rows))).then_some(total)
}

/// The chain of tokens.
#[derive(Debug, PartialEq, Eq)]
enum Chain {
    /// From the first page to the last.
    Closed,
    /// A page is missing.
    Open,
    /// Cannot be told.
    Unclear,
}

fn chain(pages: &[&Body]) -> Chain {
    let nexts: Vec<&str> = pages
        .iter()
        .filter_map(|b| match &b.page.token {
            Token::Next(token) => Some(token.as_str()),
            Token::End => None,
        })
        .collect();
    let asked: BTreeSet<&str> =
        pages.iter().filter_map(|b| b.page.asked_token.as_deref()).collect();
    let ends = pages.len() - nexts.len();
    let numbers: BTreeSet<u64> = pages.iter().filter_map(|b| b.page.number).collect();
    let numbered = pages.iter().all(|b| b.page.number.is_some());
    let counts_up = numbers.iter().zip(1u64..).all(|(n, m)| *n == m);
    if numbered && !counts_up {
        return Chain::Open;
    }
    if nexts.is_empty() {
        // pages by number, or one whole answer; a page that was asked by token had one before it
        return if asked.is_empty() { Chain::Closed } else { Chain::Open };
    }
    if !asked.is_empty() {
        let begins = pages.iter().any(|b| b.page.asked_token.is_none());
        let follows = nexts.iter().all(|token| asked.contains(token));
        return if begins && follows && ends > 0 { Chain::Closed } else { Chain::Open };
    }
    if ends == 0 {
        return Chain::Open;
    }
    let last = if numbered { pages.iter().max_by_key(|b| b.page.number) } else { pages.last() };
    match last.map(|b| &b.page.token) {
        Some(Token::End) if ends == 1 => Chain::Closed,
        _ => Chain::Unclear,
    }
}

/// Tells about pages that may be missing.
fn remark(key: &GroupKey, pages: &[&Body], state: &ListingState, report: &mut LoadReport) {
    let call = format!("{} {}", key.listing.product(), key.api);
    match state {
        ListingState::Unverified => {
            let rows = rows(pages);
            let text = if matches!(rows, 10 | 20 | 50 | 100) {
                format!(
                    "{call}: exactly {rows} rows, a common page size, and nothing says whether there are more; `--pager` returns the first page only"
                )
            } else {
                format!("{call}: {rows} rows, and nothing says whether there are more")
            };
            report.warn(first_file(pages), text);
        }
        ListingState::Truncated { have, total } => {
            let text = match total {
                Some(total) => format!("{call}: {have} of {total} rows, further pages are missing"),
                None => format!("{call}: further pages after {have} rows are missing"),
            };
            report.warn(first_file(pages), text);
        }
        ListingState::Complete | ListingState::Failed { .. } => {}
    }
}

fn record_group(
    key: &GroupKey,
    pages: &[&Body],
    state: &ListingState,
    draft: &Draft,
    coverage: &mut Coverage,
    report: &mut LoadReport,
) {
    let scope = Scope { account: key.account.clone(), region: key.region.clone(), parent: None };
    if key.api == "DescribeRouteTables" {
        for (_, table) in &key.parents {
            let scope = scope.clone().with_parent(&Id::from(table));
            coverage.record(Listing::RouteEntries, scope, state.clone());
        }
        return;
    }
    let params: BTreeMap<&str, &str> =
        key.params.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let Some(kind) = key.listing.parent() else {
        match vpc_filter(&params) {
            None => coverage.record(key.listing, scope, state.clone()),
            Some(vpcs) => {
                for vpc in vpcs.split(',').map(str::trim).filter(|v| !v.is_empty()) {
                    let scope = scope.clone().with_parent(&Id::from(vpc));
                    coverage.record(key.listing, scope, state.clone());
                }
            }
        }
        return;
    };
    let parents = parents(key.listing, &params, &key.parents, draft);
    if parents.is_empty() {
        let rows = rows(pages);
        let text = format!(
            "{}: {rows} rows, but of which {kind} is not known; a file name such as `{}.{}@{}=ID.json` tells",
            key.api,
            key.listing.product(),
            key.api,
            pages
                .first()
                .and_then(|b| b.print.lost.first())
                .or_else(|| parent_keys(kind).first())
                .copied()
                .unwrap_or("Parent"),
        );
        report.warn(first_file(pages), text);
    }
    for parent in parents {
        let mut scope = scope.clone().with_parent(&parent);
        if let Some(region) = params.get("CenRegionId") {
            scope.region = Some(Id::from(region));
        }
        coverage.record(key.listing, scope, state.clone());
    }
}

fn record_failed(call: &FailedCall, draft: &Draft, coverage: &mut Coverage) {
    let scope = Scope { account: call.account.clone(), region: call.region.clone(), parent: None };
    let state = ListingState::Failed { code: call.code.clone() };
    let params: BTreeMap<&str, &str> =
        call.params.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let parents = match call.listing.parent() {
        Some(_) => parents(call.listing, &params, &[], draft),
        None => vpc_filter(&params).map(Id::from).into_iter().collect(),
    };
    if parents.is_empty() {
        coverage.record(call.listing, scope, state);
        return;
    }
    for parent in parents {
        coverage.record(call.listing, scope.clone().with_parent(&parent), state.clone());
    }
}

/// The parents of a listing, by request parameters, else by what the body names.
fn parents(
    listing: Listing,
    params: &BTreeMap<&str, &str>,
    named: &[Parent],
    draft: &Draft,
) -> Vec<Id> {
    if listing == Listing::ClbRules {
        return clb_listeners(params, draft);
    }
    let keys = listing.parent().map_or(&[][..], parent_keys);
    let by_param = keys.iter().find_map(|key| Some((*key, params.get(*key)?.to_owned())));
    let mut out: Vec<Id> = match by_param {
        Some((key, value)) => resolve(key, value, draft),
        None => named.iter().flat_map(|(key, value)| resolve(key, value, draft)).collect(),
    };
    out.sort();
    out.dedup();
    out
}

/// A NAT table stands for its gateway; every other parent for itself.
fn resolve(key: &str, value: &str, draft: &Draft) -> Vec<Id> {
    let table = Id::from(value);
    let tables = |gateway: &crate::topology::NatGateway| {
        let snat = gateway.snat_tables.as_ref().is_some_and(|t| t.contains(&table));
        let dnat = gateway.dnat_tables.as_ref().is_some_and(|t| t.contains(&table));
        snat || dnat
    };
    match key {
        "SnatTableId" | "ForwardTableId" | "FullNatTableId" => draft
            .nat_gateways
            .iter()
            .filter(|gateway| tables(gateway))
            .map(|gateway| gateway.meta.id.clone())
            .collect(),
        _ => value.split(',').map(str::trim).filter(|v| !v.is_empty()).map(Id::from).collect(),
    }
}

/// The listeners that DescribeRules was called for.
fn clb_listeners(params: &BTreeMap<&str, &str>, draft: &Draft) -> Vec<Id> {
    let (Some(lb), Some(port)) = (params.get("LoadBalancerId"), params.get("ListenerPort")) else {
        return Vec::new();
    };
    let prefix = format!("{lb}:{port}/");
    draft
        .listeners
        .iter()
        .map(|listener| &listener.meta.id)
        .filter(|id| id.as_str().starts_with(&prefix))
        .cloned()
        .collect()
}
