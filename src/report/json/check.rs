//! `check --output json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{PacketV1, ResourceV1};
use crate::report::place::{Checked, Located, Spot};
use crate::rules::{LocationRole, Severity, Undetermined};

/// The document of `vpclint check --output json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckV1 {
    /// `vpclint/check/v1`.
    #[schemars(extend("const" = "vpclint/check/v1"))]
    schema: &'static str,
    /// Counts.
    summary: SummaryV1,
    /// Findings, gravest first, then by rule and resource.
    findings: Vec<FindingV1>,
    /// Rules that could not decide about some resource, by id.
    undetermined: Vec<UndeterminedV1>,
}

/// Counts of a check.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Summary")]
struct SummaryV1 {
    /// Findings of severity error.
    errors: usize,
    /// Findings of severity warning.
    warnings: usize,
    /// Findings of severity note.
    notes: usize,
    /// Findings that a waiver covers.
    waived: usize,
    /// Rules that could not decide about some resource.
    undetermined: usize,
}

/// A violation of a rule.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
struct FindingV1 {
    /// Rule id, e.g. `CIDR001`.
    rule: &'static str,
    /// Rule name, e.g. `vswitch-outside-vpc`.
    name: &'static str,
    /// `error`, `warning` or `note`.
    #[schemars(extend("enum" = ["error", "warning", "note"]))]
    severity: &'static str,
    /// What is wrong.
    message: String,
    /// What to do.
    help: String,
    /// Resources concerned, the primary one first.
    resources: Vec<ResourceV1>,
    /// Places in the input, the primary one first; empty for something absent.
    locations: Vec<LocationV1>,
    /// A packet that shows the problem.
    witness: Option<PacketV1>,
    /// Identity over time, independent of files and lines.
    fingerprint: String,
    /// The waiver that covers it.
    waived: (),
}

/// A place in an input file. Lines and columns count from 1, columns in Unicode scalar values, the
/// end is exclusive.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Location")]
struct LocationV1 {
    /// The file as named on the command line.
    file: String,
    /// JSON pointer (RFC 6901); in a file of several documents it begins with the document's index.
    pointer: String,
    /// First line.
    line: u32,
    /// First column.
    column: u32,
    /// Line of the end.
    end_line: u32,
    /// Column of the end.
    end_column: u32,
    /// `primary` or `related`.
    #[schemars(extend("enum" = ["primary", "related"]))]
    role: &'static str,
}

/// What a rule could not decide.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Undetermined")]
struct UndeterminedV1 {
    /// Rule id.
    rule: &'static str,
    /// Rule name.
    name: &'static str,
    /// What is missing, sorted.
    missing: Vec<String>,
    /// Number of resources concerned.
    resources: usize,
}

impl CheckV1 {
    /// The document of a check.
    pub fn new(checked: &Checked<'_>) -> Self {
        let count =
            |s: Severity| checked.findings.iter().filter(|l| l.finding.severity == s).count();
        Self {
            schema: "vpclint/check/v1",
            summary: SummaryV1 {
                errors: count(Severity::Error),
                warnings: count(Severity::Warning),
                notes: count(Severity::Note),
                waived: 0,
                undetermined: checked.undetermined.len(),
            },
            findings: checked.findings.iter().map(FindingV1::from).collect(),
            undetermined: checked.undetermined.iter().map(UndeterminedV1::from).collect(),
        }
    }
}

impl From<&Located<'_>> for FindingV1 {
    fn from(located: &Located<'_>) -> Self {
        let finding = located.finding;
        Self {
            rule: finding.rule.id,
            name: finding.rule.name,
            severity: finding.severity.name(),
            message: finding.message.clone(),
            help: finding.help.clone(),
            resources: finding.resources.iter().map(ResourceV1::from).collect(),
            locations: located.spots.iter().map(LocationV1::from).collect(),
            witness: finding.witness.as_ref().map(PacketV1::from),
            fingerprint: finding.fingerprint(),
            waived: (),
        }
    }
}

impl From<&Spot<'_>> for LocationV1 {
    fn from(spot: &Spot<'_>) -> Self {
        let place = &spot.place;
        Self {
            file: place.file.clone(),
            pointer: place.pointer.clone(),
            line: place.line,
            column: place.column,
            end_line: place.end_line,
            end_column: place.end_column,
            role: match spot.role {
                LocationRole::Primary => "primary",
                LocationRole::Related => "related",
            },
        }
    }
}

impl From<&Undetermined> for UndeterminedV1 {
    fn from(undetermined: &Undetermined) -> Self {
        Self {
            rule: undetermined.rule.id,
            name: undetermined.rule.name,
            missing: undetermined.missing.iter().cloned().collect(),
            resources: undetermined.resources,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{fixture, json};
    use serde_json::json;

    #[test]
    fn the_document_is_as_the_contract_says() {
        let (outcome, files) = (fixture::outcome(), fixture::pretty());
        let document = CheckV1::new(&fixture::checked(&outcome, &files));
        let mut value = json::assert_valid(&document);
        let fingerprint = value["findings"][0]["fingerprint"].take();
        assert!(fingerprint.as_str().unwrap().starts_with("v1:"));
        value["findings"].as_array_mut().unwrap().truncate(1);
        assert_eq!(
            value,
            json!({
                "schema": "vpclint/check/v1",
                "summary": {
                    "errors": 1, "warnings": 0, "notes": 1, "waived": 0, "undetermined": 2
                },
                "findings": [{
                    "rule": "CIDR001", "name": "vswitch-outside-vpc", "severity": "error",
                    "message": "10.1.0.0/24 of vSwitch vsw-1 is not in VPC vpc-1",
                    "help": "give the vSwitch a block inside 10.0.0.0/16",
                    "resources": [
                        {"kind": "vswitch", "id": "vsw-1", "name": "app\u{1b}[2J"},
                        {"kind": "vpc", "id": "vpc-1", "name": null}
                    ],
                    "locations": [
                        {"file": "export/vswitches.json", "pointer": "/0/CidrBlock", "line": 4,
                         "column": 21, "end_line": 4, "end_column": 34, "role": "primary"},
                        {"file": "export/vpcs.json", "pointer": "/0/CidrBlock", "line": 4,
                         "column": 20, "end_line": 4, "end_column": 33, "role": "related"}
                    ],
                    "witness": {"src": "10.1.0.9", "dst": "8.8.8.8", "protocol": "tcp",
                                "src_port": 49152, "dst_port": 443},
                    "fingerprint": null, "waived": null
                }],
                "undetermined": [
                    {"rule": "NAT009", "name": "dnat-return-route",
                     "missing": ["DescribeRouteEntryList for vtb-1 (not in the input)"],
                     "resources": 3},
                    {"rule": "NAT010", "name": "dnat-blocked",
                     "missing": ["DescribeRouteEntryList for vtb-1 (not in the input)"],
                     "resources": 1}
                ]
            })
        );
    }
}
