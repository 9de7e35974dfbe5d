//! What a rule says about an object: a finding, or that it cannot tell.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::meta::{RuleMeta, Severity};
use crate::packet::Packet;
use crate::topology::{Gap, Kind, ResourceRef, Source};

/// Role of a location in a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LocationRole {
    /// The value that is wrong.
    Primary,
    /// A value that it conflicts with or depends on.
    Related,
}

/// A place in an input that a finding points at. Line and column are found by the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Role.
    pub role: LocationRole,
    /// The object.
    pub source: Source,
    /// Kind of the object, which together with the field says which key is meant.
    pub kind: Kind,
    /// Model field; `None` for the whole object.
    pub field: Option<&'static str>,
    /// What stands there, in a few words; empty when the excerpt speaks for itself.
    pub label: String,
}

/// A violation of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Rule.
    pub rule: &'static RuleMeta,
    /// Severity of this finding; a rule may change its own under conditions that its page states.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Resources concerned, the primary one first.
    pub resources: Vec<ResourceRef>,
    /// Places, the primary one first. Empty for findings about something absent.
    pub locations: Vec<Location>,
    /// A packet that shows the problem.
    pub witness: Option<Packet>,
    /// What tells this finding from others of the same rule on the same resources.
    pub(super) discriminators: Vec<String>,
    /// The finding is dropped when one of these rules reports one of these resources.
    pub(super) root_causes: Vec<(&'static str, ResourceRef)>,
}

impl Finding {
    /// A finding that says nothing yet, for tests of what prints findings.
    #[cfg(test)]
    pub(crate) fn bare(rule: &'static RuleMeta) -> Self {
        Self {
            rule,
            severity: rule.severity,
            message: String::new(),
            help: String::new(),
            resources: Vec::new(),
            locations: Vec::new(),
            witness: None,
            discriminators: Vec::new(),
            root_causes: Vec::new(),
        }
    }

    /// Identity over time: of rule, resources and discriminators, never of files or lines
    /// (craft.md A.3), so that a renamed export keeps its findings.
    pub fn fingerprint(&self) -> String {
        let mut resources: Vec<String> =
            self.resources.iter().map(|r| format!("{}:{}", r.kind.name(), r.id)).collect();
        resources.sort();
        let mut hash = Sha256::new();
        for part in std::iter::once(self.rule.id.to_owned())
            .chain(resources)
            .chain(self.discriminators.iter().cloned())
        {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let digest = hash.finalize();
        let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("v1:{hex}")
    }
}

/// Why a rule cannot decide about an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unknown {
    /// What is missing: calls (`DescribeSnatTableEntries for ngw-1 (not in the input)`) or values
    /// (`address of eip-1 (masked)`).
    pub missing: BTreeSet<String>,
}

impl Unknown {
    /// One missing thing.
    pub fn of(missing: impl Into<String>) -> Self {
        Self { missing: BTreeSet::from([missing.into()]) }
    }
}

impl From<Gap> for Unknown {
    fn from(gap: Gap) -> Self {
        Self::of(gap.to_string())
    }
}

/// All that one rule could not decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undetermined {
    /// Rule.
    pub rule: &'static RuleMeta,
    /// What is missing.
    pub missing: BTreeSet<String>,
    /// Number of objects concerned.
    pub resources: usize,
}
