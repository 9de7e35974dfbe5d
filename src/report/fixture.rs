//! Findings and files that the tests of all formats share.

use std::collections::BTreeSet;

use super::place::{Checked, Place, Spot, Texts};
use crate::packet::Packet;
use crate::rules::{
    Finding, Location, LocationRole, Outcome, Pack, RuleMeta, Severity, Undetermined,
};
use crate::topology::{FileId, Id, Kind, ResourceRef, Source, Text};

static OUTSIDE: RuleMeta = meta("CIDR001", "vswitch-outside-vpc", Severity::Error);
static MISSING: RuleMeta = meta("DATA004", "listing-missing", Severity::Note);
static RETURN: RuleMeta = meta("NAT009", "dnat-return-route", Severity::Error);
static OTHER: RuleMeta = meta("NAT010", "dnat-blocked", Severity::Error);

const fn meta(id: &'static str, name: &'static str, severity: Severity) -> RuleMeta {
    RuleMeta {
        id,
        name,
        summary: "a rule",
        severity,
        pack: Pack::Recommended,
        needs: &[],
        cases: &[],
        page: "# page\n",
    }
}

/// Texts of two files: vSwitches, VPCs.
pub(super) struct Files(pub(super) [String; 2]);

impl Texts for Files {
    fn text(&self, file: FileId) -> Option<&str> {
        self.0.get(file.0 as usize).map(String::as_str)
    }
}

const VPCS: &str =
    "[\n  {\n    \"VpcId\": \"vpc-1\",\n    \"CidrBlock\":   \"10.0.0.0/16\"\n  }\n]\n";

/// Files as a person would indent them.
pub(super) fn pretty() -> Files {
    Files([
        "[\n  {\n    \"VSwitchId\": \"vsw-1\",\n      \"CidrBlock\":  \"10.1.0.0/24\"\n  }\n]\n"
            .into(),
        VPCS.into(),
    ])
}

/// The first file as one line of more than `size` bytes, the place at its end.
pub(super) fn one_line(size: usize) -> Files {
    let filler = "{\"VSwitchId\":\"数据库\"},".repeat(size / 22);
    Files([format!("[{filler}{{\"CidrBlock\":\"10.1.0.0/24\"}}]"), VPCS.into()])
}

/// Files with characters that drive a terminal.
pub(super) fn hostile() -> Files {
    Files([
        "[\n\"\u{202e}\u{1b}[31m\",\n{ \"VSwitchId\": \"\u{7}\",\n \"CidrBlock\": \"10.1.0.0/24\"}]".into(),
        VPCS.into(),
    ])
}

fn location(role: LocationRole, file: u32, kind: Kind, label: &str) -> Location {
    Location {
        role,
        source: Source { file: FileId(file), base: Text::from(""), index: Some(0) },
        kind,
        field: Some("cidr"),
        label: label.to_owned(),
    }
}

/// An error with two places, a note without, and two undetermined rules.
pub(super) fn outcome() -> Outcome {
    let vswitch = ResourceRef {
        kind: Kind::VSwitch,
        id: Id::from("vsw-1"),
        name: Some(Text::from("app\u{1b}[2J")),
    };
    let vpc = ResourceRef { kind: Kind::Vpc, id: Id::from("vpc-1"), name: None };
    let missing =
        BTreeSet::from(["DescribeRouteEntryList for vtb-1 (not in the input)".to_owned()]);
    let mut outside = Finding::bare(&OUTSIDE);
    outside.message = "10.1.0.0/24 of vSwitch vsw-1 is not in VPC vpc-1".into();
    outside.help = "give the vSwitch a block inside 10.0.0.0/16".into();
    outside.resources = vec![vswitch, vpc];
    outside.locations = vec![
        location(LocationRole::Primary, 0, Kind::VSwitch, ""),
        location(LocationRole::Related, 1, Kind::Vpc, "the block of the VPC"),
    ];
    outside.witness =
        Some(Packet::witness("10.1.0.9".parse().unwrap(), "8.8.8.8".parse().unwrap()));
    let mut absent = Finding::bare(&MISSING);
    absent.message = "nothing says which \u{1b}[31m routes there are".into();
    Outcome {
        findings: vec![outside, absent],
        undetermined: vec![
            Undetermined { rule: &RETURN, missing: missing.clone(), resources: 3 },
            Undetermined { rule: &OTHER, missing, resources: 1 },
        ],
        rules: 7,
    }
}

/// The outcome with its places looked up in the texts.
pub(super) fn checked<'a>(outcome: &'a Outcome, files: &Files) -> Checked<'a> {
    Checked::new(outcome, 12, 2, |finding| {
        finding
            .locations
            .iter()
            .map(|location| {
                let file = location.source.file;
                let text = files.text(file).unwrap();
                let start = text.find("\"10.").unwrap();
                let (value, _) = text.get(start + 1..).unwrap().split_once('"').unwrap();
                let end = start + 1 + value.len() + 1;
                let name = if file.0 == 0 { "export/vswitches.json" } else { "export/vpcs.json" };
                let at = |offset: usize| {
                    let before = text.get(..offset).unwrap();
                    let line = before.matches('\n').count() + 1;
                    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
                    (u32::try_from(line).unwrap(), u32::try_from(column).unwrap())
                };
                let ((line, column), (end_line, end_column)) = (at(start), at(end));
                Spot {
                    role: location.role,
                    label: &location.label,
                    place: Place {
                        file_id: file,
                        file: name.to_owned(),
                        pointer: "/0/CidrBlock".to_owned(),
                        line,
                        column,
                        end_line,
                        end_column,
                        bytes: start..end,
                    },
                }
            })
            .collect()
    })
}
