//! `inspect --output json`. The text format prints the same document.

use schemars::JsonSchema;
use serde::Serialize;

/// The document of `vpclint inspect --output json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct InspectV1 {
    /// `vpclint/inspect/v1`.
    #[schemars(extend("const" = "vpclint/inspect/v1"))]
    pub schema: &'static str,
    /// What was recognised, by file and call.
    pub files: Vec<ReadFileV1>,
    /// Resources by kind.
    pub counts: Vec<CountV1>,
    /// VPCs and how they reach the Internet.
    pub vpcs: Vec<VpcV1>,
    /// Listings that are in the input but not whole.
    pub incomplete: Vec<ListingV1>,
    /// What answers and rules would need and the input does not have.
    pub missing: Vec<MissingV1>,
    /// Documents that were not understood.
    pub not_understood: Vec<NotUnderstoodV1>,
    /// Rows whose parent is not known.
    pub unattached: Vec<UnattachedV1>,
    /// Other things to know about the input.
    pub notes: Vec<String>,
}

/// What one call contributed in one file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "File")]
pub struct ReadFileV1 {
    /// The file as named on the command line.
    pub file: String,
    /// What it holds: `vpc DescribeVpcs`, `native topology`, `manifest`, `failed call`.
    pub content: String,
    /// How that was recognised: `envelope`, `manifest`, `option`, `file name`, `content`.
    pub recognised_by: Option<String>,
    /// Documents of this content in the file.
    pub documents: usize,
    /// Rows in them.
    pub rows: u64,
    /// False for responses that are recognised, but that no answer needs.
    pub used: bool,
}

/// Number of resources of a kind.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Count")]
pub struct CountV1 {
    /// Kind, e.g. `vswitch`.
    pub kind: &'static str,
    /// The kind in words.
    #[serde(skip)]
    pub title: &'static str,
    /// Resources.
    pub count: usize,
}

/// A VPC and how it reaches the Internet.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Vpc")]
pub struct VpcV1 {
    /// Id.
    pub id: String,
    /// Name.
    pub name: Option<String>,
    /// Account.
    pub account: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// `direct`, `central` or `private`.
    #[schemars(extend("enum" = ["direct", "central", "private"]))]
    pub internet_mode: &'static str,
    /// What says so, or that it is assumed.
    pub known_by: String,
}

/// A listing that is not whole.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Listing")]
pub struct ListingV1 {
    /// Product of the call.
    pub product: &'static str,
    /// The call.
    pub api: &'static str,
    /// Account that was asked.
    pub account: Option<String>,
    /// Region that was asked.
    pub region: Option<String>,
    /// Parent that it was made for.
    pub parent: Option<String>,
    /// `unverified`, `truncated` or `failed`.
    #[schemars(extend("enum" = ["unverified", "truncated", "failed"]))]
    pub state: &'static str,
    /// The state in words.
    pub detail: String,
}

/// Something that is missing and what that costs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Missing")]
pub struct MissingV1 {
    /// A call or a value.
    pub missing: String,
    /// Rules that cannot decide about some resource without it.
    pub rules: Vec<&'static str>,
    /// Sources whose egress is unknown without it.
    pub egress_sources: usize,
    /// True when there may be sources of egress that nobody knows of without it.
    pub hides_sources: bool,
}

/// A document that was not understood.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NotUnderstood")]
pub struct NotUnderstoodV1 {
    /// The file.
    pub file: String,
    /// JSON pointer of the document in the file.
    pub pointer: String,
    /// Why.
    pub why: String,
}

/// A row that could not be attached.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Unattached")]
pub struct UnattachedV1 {
    /// The file.
    pub file: String,
    /// The call.
    pub api: String,
    /// Why.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use crate::report::{inspect_text, json};

    #[test]
    fn the_document_is_valid() {
        let value = json::assert_valid(&inspect_text::tests::document());
        assert_eq!(value["schema"], "vpclint/inspect/v1");
        assert_eq!(value["counts"][0], serde_json::json!({"kind": "vpc", "count": 1}));
    }
}
