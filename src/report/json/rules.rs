//! `rules --output json`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::rules::RuleMeta;

/// The document of `vpclint rules --output json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RulesV1 {
    /// `vpclint/rules/v1`.
    #[schemars(extend("const" = "vpclint/rules/v1"))]
    schema: &'static str,
    /// Rules by id.
    rules: Vec<RuleV1>,
}

/// A rule.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Rule")]
struct RuleV1 {
    /// Id, e.g. `CIDR001`.
    id: &'static str,
    /// Name, e.g. `vswitch-outside-vpc`.
    name: &'static str,
    /// What must hold.
    summary: &'static str,
    /// Usual severity.
    #[schemars(extend("enum" = ["error", "warning", "note"]))]
    severity: &'static str,
    /// The smallest pack that has it.
    #[schemars(extend("enum" = ["engine", "recommended", "default", "strict", "all"]))]
    pack: &'static str,
    /// Calls without which it cannot decide.
    needs: Vec<&'static str>,
}

impl RulesV1 {
    /// The document of some rules.
    pub fn new(rules: &[&'static RuleMeta]) -> Self {
        let rule = |meta: &&'static RuleMeta| RuleV1 {
            id: meta.id,
            name: meta.name,
            summary: meta.summary,
            severity: meta.severity.name(),
            pack: meta.pack.name(),
            needs: meta.needs.iter().map(|listing| listing.api()).collect(),
        };
        Self { schema: "vpclint/rules/v1", rules: rules.iter().map(rule).collect() }
    }
}
