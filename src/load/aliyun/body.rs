//! One response with everything that is known about the call that made it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::fingerprints::{Fingerprint, Paging};
use super::manifest::Call;
use super::pluck;
use super::read::Api;
use super::sketch::Outline;
use crate::load::report::How;
use crate::topology::{FileId, Id, Kind};

/// The token of the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// No such key, or an empty value: this is the last page.
    End,
    /// There are more pages.
    Next(String),
}

/// What a response says about pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageFacts {
    /// Page number, by the response, the manifest or the file name.
    pub(crate) number: Option<u64>,
    /// Page number by the response itself.
    pub(crate) stated_number: Option<u64>,
    /// Rows of all pages, as the cloud announces them.
    pub(crate) total: Option<u64>,
    /// Token of the next page.
    pub(crate) token: Token,
    /// Token that this page was asked with.
    pub(crate) asked_token: Option<String>,
    /// False for output that lost everything around the rows (`--pager`, `jq`).
    pub(crate) enveloped: bool,
}

impl PageFacts {
    /// Facts of rows that stand alone.
    pub(crate) fn none() -> Self {
        Self {
            number: None,
            stated_number: None,
            total: None,
            token: Token::End,
            asked_token: None,
            enveloped: false,
        }
    }

    /// Facts of a response.
    pub(crate) fn of(outline: &Outline<'_>) -> Self {
        let stated_number = outline.number("PageNumber").filter(|n| *n > 0);
        let token = outline.text("NextToken").map_or(Token::End, Token::Next);
        let enveloped = ["RequestId", "TotalCount", "PageNumber", "NextToken", "TotalAclEntry"]
            .iter()
            .any(|key| outline.has(key));
        Self {
            number: stated_number,
            stated_number,
            total: outline.number("TotalCount").or_else(|| outline.number("TotalAclEntry")),
            token,
            asked_token: None,
            enveloped,
        }
    }

    /// Adds what manifest, envelope and file name say.
    pub(crate) fn add_call(&mut self, call: Option<&Call>, named: Option<u64>) {
        let page = call.and_then(|c| c.page).or(named);
        self.number = self.number.or(page);
        self.asked_token = call.and_then(|c| c.params.get("NextToken").cloned());
    }
}

/// Parameters of paging and transport: they do not change what is listed.
pub(crate) fn is_paging(param: &str) -> bool {
    matches!(
        param,
        "PageNumber"
            | "PageSize"
            | "Page"
            | "NextToken"
            | "MaxResults"
            | "MaxResult"
            | "RegionId"
            | "AcceptLanguage"
            | "ClientToken"
    )
}

/// A parent that a response names: a key and its value.
pub(crate) type Parent = (&'static str, String);

/// Names under which requests and rows carry the parent of a kind.
pub(crate) fn parent_keys(kind: Kind) -> &'static [&'static str] {
    match kind {
        // `InstanceId` of DescribeGrantRulesToCen
        Kind::Vpc => &["VpcId", "InstanceId"],
        Kind::VSwitch => &["VSwitchId"],
        Kind::RouteTable => &["RouteTableId", "GatewayRouteTableId"],
        Kind::PrefixList => &["PrefixListId"],
        Kind::PortList => &["PortRangeListId"],
        Kind::Ipv4Gateway => &["Ipv4GatewayId"],
        Kind::Ipv6Gateway => &["Ipv6GatewayId"],
        Kind::NatGateway => &["NatGatewayId", "SnatTableId", "ForwardTableId", "FullNatTableId"],
        Kind::NetworkAcl => &["NetworkAclId"],
        Kind::VpnGateway => &["VpnGatewayId", "VpnInstanceId"],
        Kind::VpnConnection => &["VpnConnectionId", "VpnInstanceId"],
        Kind::VpcPeer => &["InstanceId"],
        Kind::SecurityGroup => &["SecurityGroupId"],
        Kind::LoadBalancer => &["LoadBalancerId"],
        Kind::ServerGroup => &["VServerGroupId", "MasterSlaveServerGroupId", "ServerGroupId"],
        Kind::Listener => &["ListenerId"],
        Kind::AccessList => &["AclId"],
        Kind::Endpoint => &["EndpointId"],
        Kind::EndpointService => &["ServiceId"],
        Kind::Cen => &["CenId"],
        Kind::TransitRouter => &["TransitRouterId"],
        Kind::TransitRouteTable => &["TransitRouterRouteTableId"],
        _ => &[],
    }
}

/// A response that was read, as far as completeness is concerned.
#[derive(Clone)]
pub(crate) struct Body {
    /// The file.
    pub(crate) file: FileId,
    /// Its directory: pages of one listing lie together.
    pub(crate) directory: PathBuf,
    /// Position among the report's documents.
    pub(crate) document: usize,
    /// The API.
    pub(crate) print: &'static Fingerprint,
    /// Its reader.
    pub(crate) api: &'static Api,
    /// How it was recognised.
    pub(crate) how: How,
    /// Account that was asked.
    pub(crate) account: Option<Id>,
    /// Region that was asked.
    pub(crate) region: Option<Id>,
    /// Request parameters, those of paging left out.
    pub(crate) params: BTreeMap<String, String>,
    /// What it says about pages.
    pub(crate) page: PageFacts,
    /// Parents that its content names.
    pub(crate) parents: Vec<Parent>,
    /// Rows of its main list.
    pub(crate) rows: u64,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} of file {}", self.print.product, self.print.api, self.file.0)
    }
}

impl Body {
    /// How the call is paged.
    pub(crate) fn paging(&self) -> Paging {
        self.print.paging
    }
}

/// The parents that a body names itself, at the top or in its rows. Empty when the request
/// parameters tell already.
pub(crate) fn content_parents(
    api: &Api,
    print: &Fingerprint,
    params: &BTreeMap<String, String>,
    outline: Option<&Outline<'_>>,
    body: &str,
) -> Vec<Parent> {
    // the old call lists whole tables with their entries
    let keys: &[&'static str] = match api.name {
        "DescribeRouteTables" => &["RouteTableId"],
        _ => api.listing.parent().map_or(&[], parent_keys),
    };
    if api.name != "DescribeRouteTables" && keys.iter().any(|key| params.contains_key(*key)) {
        return Vec::new();
    }
    for key in keys {
        let stated = outline.and_then(|o| o.text(key).or_else(|| o.inner_text(key)));
        if let Some(text) = stated {
            return vec![(key, text)];
        }
        let in_rows = print.lists.iter().find(|list| list.keys.contains(key));
        if let Some(list) = in_rows {
            let found: Vec<Parent> =
                pluck::values(body, list, key).into_iter().map(|value| (*key, value)).collect();
            if !found.is_empty() {
                return found;
            }
        }
    }
    Vec::new()
}
