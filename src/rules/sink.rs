//! Where rules put what they find. Wording, identity and undetermined results are made here, so
//! that a rule only detects.

use std::fmt::{self, Display};

use rustc_hash::FxHashSet;

use super::context::Context;
use super::finding::{Finding, Location, LocationRole, Undetermined, Unknown};
use super::meta::{Case, RuleMeta, Severity};
use crate::packet::Packet;
use crate::topology::{Resource, ResourceRef, Scope};

/// Findings and undecided objects of one rule.
pub struct Sink {
    rule: &'static RuleMeta,
    pub(super) findings: Vec<Finding>,
    undetermined: Option<Undetermined>,
}

impl Sink {
    /// An empty sink for one rule.
    pub(super) fn new(rule: &'static RuleMeta) -> Self {
        Self { rule, findings: Vec::new(), undetermined: None }
    }

    /// Calls `check` for every subject whose needs are met (see [`RuleMeta::needs`]); the others,
    /// and those for which it returns an error, are undetermined.
    pub fn each<'t, T: Resource + 't>(
        &mut self,
        cx: &Context<'_>,
        subjects: impl IntoIterator<Item = &'t T>,
        mut check: impl FnMut(&'t T, &mut Self) -> Result<(), Unknown>,
    ) {
        for subject in subjects {
            let outcome = self.needs_met(cx, subject).and_then(|()| check(subject, self));
            self.settle(outcome);
        }
    }

    /// Notes that one object could not be decided, if that is the outcome.
    pub fn settle(&mut self, outcome: Result<(), Unknown>) {
        if let Err(unknown) = outcome {
            self.undetermined(unknown);
        }
    }

    fn needs_met(&self, cx: &Context<'_>, subject: &dyn Resource) -> Result<(), Unknown> {
        let mut missing = Unknown::default();
        for listing in self.rule.needs {
            let mut scope = Scope::around(subject.meta());
            if let Some(parent) = listing.parent() {
                if parent != subject.kind() {
                    continue;
                }
                scope = scope.with_parent(subject.id());
            }
            if let Err(unknown) = cx.need(*listing, &scope) {
                missing.missing.extend(unknown.missing);
            }
        }
        if missing.missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Notes that one object could not be decided.
    pub fn undetermined(&mut self, unknown: Unknown) {
        let entry = self.undetermined.get_or_insert_with(|| Undetermined {
            rule: self.rule,
            missing: Default::default(),
            resources: 0,
        });
        entry.missing.extend(unknown.missing);
        entry.resources += 1;
    }

    /// Begins a finding; `case` is the key of one of the rule's cases.
    pub fn fail(&mut self, case: &'static str) -> Draft<'_> {
        Draft {
            case: self.rule.cases.iter().find(|c| c.key == case),
            finding: Finding {
                rule: self.rule,
                severity: self.rule.severity,
                message: String::new(),
                help: String::new(),
                resources: Vec::new(),
                locations: Vec::new(),
                witness: None,
                discriminators: Vec::new(),
                root_causes: Vec::new(),
            },
            facts: Vec::new(),
            case_key: case,
            sink: self,
        }
    }

    pub(super) fn into_parts(self) -> (Vec<Finding>, Option<Undetermined>) {
        (self.findings, self.undetermined)
    }
}

/// A finding under construction. Ends with [`Draft::emit`].
#[must_use = "a finding is reported only by `emit`"]
pub struct Draft<'s> {
    sink: &'s mut Sink,
    case: Option<&'static Case>,
    case_key: &'static str,
    finding: Finding,
    facts: Vec<(&'static str, String)>,
}

impl Draft<'_> {
    /// The resource that is wrong, at one of its fields (model name). The first call names the
    /// primary resource.
    pub fn on(self, resource: &dyn Resource, field: &'static str) -> Self {
        self.place(LocationRole::Primary, resource, Some(field), "")
    }

    /// The resource that is wrong as a whole.
    pub fn on_whole(self, resource: &dyn Resource) -> Self {
        self.place(LocationRole::Primary, resource, None, "")
    }

    /// A resource that it conflicts with or depends on, at one of its fields.
    pub fn with(
        self,
        resource: &dyn Resource,
        field: &'static str,
        label: impl Into<String>,
    ) -> Self {
        self.place(LocationRole::Related, resource, Some(field), label)
    }

    /// A resource that it conflicts with or depends on.
    pub fn with_whole(self, resource: &dyn Resource, label: impl Into<String>) -> Self {
        self.place(LocationRole::Related, resource, None, label)
    }

    /// A resource that has no object of its own in the input (a missing target, a VPC seen from afar).
    pub fn about(mut self, resource: ResourceRef) -> Self {
        self.finding.resources.push(resource);
        self
    }

    /// A further place of a resource that is already named.
    pub fn at(mut self, location: Location) -> Self {
        self.finding.locations.push(location);
        self
    }

    fn place(
        mut self,
        role: LocationRole,
        resource: &dyn Resource,
        field: Option<&'static str>,
        label: impl Into<String>,
    ) -> Self {
        if let Some(source) = &resource.meta().source {
            self.finding.locations.push(Location {
                role,
                source: source.clone(),
                kind: resource.kind(),
                field,
                label: label.into(),
            });
        }
        self.about(resource.to_ref())
    }

    /// A fact for the wording: stands for `{name}` in message and help.
    pub fn fact(mut self, name: &'static str, value: impl Display) -> Self {
        self.facts.push((name, value.to_string()));
        self
    }

    /// Another severity than the rule's; the condition is stated on the rule's page.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.finding.severity = severity;
        self
    }

    /// A packet that shows the problem.
    pub fn witness(mut self, packet: Packet) -> Self {
        self.finding.witness = Some(packet);
        self
    }

    /// What tells this finding from others of the same rule on the same resources, e.g. a block.
    pub fn discriminator(mut self, text: impl Display) -> Self {
        self.finding.discriminators.push(text.to_string());
        self
    }

    /// Drops this finding when `rule` reports `resource`: that is the cause, this the symptom
    /// (rules.md §1.2).
    pub fn unless_reported(mut self, rule: &'static str, resource: &dyn Resource) -> Self {
        self.finding.root_causes.push((rule, resource.to_ref()));
        self
    }

    /// The same for a resource that is known by its name only.
    pub fn unless_reported_about(mut self, rule: &'static str, resource: ResourceRef) -> Self {
        self.finding.root_causes.push((rule, resource));
        self
    }

    /// Adds the finding.
    pub fn emit(mut self) {
        let (message, help) = match self.case {
            Some(case) => (case.message, case.help),
            // a case without wording is a mistake in the rule; its key is better than silence
            None => (self.case_key, ""),
        };
        self.finding.message = Filled { template: message, facts: &self.facts }.to_string();
        self.finding.help = Filled { template: help, facts: &self.facts }.to_string();
        let mut seen = FxHashSet::default();
        self.finding.resources.retain(|resource| seen.insert(resource.clone()));
        self.finding.locations.sort_by_key(|location| location.role);
        self.sink.findings.push(self.finding);
    }
}

/// A template with its facts filled in.
struct Filled<'a> {
    template: &'a str,
    facts: &'a [(&'static str, String)],
}

impl Display for Filled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.template;
        while let Some((before, after)) = rest.split_once('{') {
            f.write_str(before)?;
            let Some((name, tail)) = after.split_once('}') else {
                return write!(f, "{{{after}");
            };
            match self.facts.iter().find(|(fact, _)| *fact == name) {
                Some((_, value)) => f.write_str(value)?,
                None => write!(f, "{{{name}}}")?,
            }
            rest = tail;
        }
        f.write_str(rest)
    }
}
