//! What is fixed about a rule: its id, name, severity, needs and wording.

use std::fmt;

use crate::topology::Listing;

/// Severity of a finding, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The API would refuse it, it is provably dead, or it violates what the user demanded.
    Error,
    /// It works, but is risky or ambiguous.
    Warning,
    /// Hygiene or information.
    Note,
}

impl Severity {
    /// Lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which runs include a rule (rules.md §1.2). Ordered: a pack includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pack {
    /// Diagnostics of the input itself; always on.
    Engine,
    /// High value, few false positives.
    Recommended,
    /// Also on by default: correct and quiet, but about rarer states.
    Default,
    /// Useful with more noise.
    Strict,
    /// Style, cost, or needs to be asked for.
    OptIn,
}

impl Pack {
    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Recommended => "recommended",
            Self::Default => "default",
            Self::Strict => "strict",
            Self::OptIn => "all",
        }
    }
}

/// One way in which a rule can fail, with its wording.
///
/// `{name}` in the texts stands for a fact that the rule gives under that name.
#[derive(Debug, PartialEq, Eq)]
pub struct Case {
    /// Key by which the rule chooses the case.
    pub key: &'static str,
    /// What is wrong: one sentence, lower case, no full stop.
    pub message: &'static str,
    /// What to do: one or two sentences, lower case, no full stop at the end.
    pub help: &'static str,
}

/// Everything that is fixed about a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleMeta {
    /// Code, e.g. `CIDR001`; never reused.
    pub id: &'static str,
    /// Name of the problem in kebab-case, e.g. `vswitch-outside-vpc`.
    pub name: &'static str,
    /// What must hold, in one line.
    pub summary: &'static str,
    /// Severity unless a finding says otherwise.
    pub severity: Severity,
    /// Pack.
    pub pack: Pack,
    /// Listings without which the rule cannot decide about a subject. Those that are made per
    /// parent are asked for the subject itself; others for the subject's region.
    pub needs: &'static [Listing],
    /// Wording of its findings.
    pub cases: &'static [Case],
    /// Its page in Markdown.
    pub page: &'static str,
}

impl RuleMeta {
    /// Family, e.g. `CIDR`.
    pub fn family(&self) -> &'static str {
        self.id.trim_end_matches(|c: char| c.is_ascii_digit())
    }
}
