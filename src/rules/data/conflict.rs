//! DATA002: one id, stated more than once with different content.

use crate::rules::facts::list;
use crate::rules::{Case, Context, Location, LocationRole, Pack, Rule, RuleMeta, Severity, Sink};
use crate::topology::{Conflict, Source};

pub(crate) struct DuplicateIdConflict;

static META: RuleMeta = RuleMeta {
    id: "DATA002",
    name: "duplicate-id-conflict",
    summary: "statements about one resource agree",
    severity: Severity::Error,
    pack: Pack::Engine,
    needs: &[],
    cases: &[
        Case {
            key: "exports",
            message: "{resource} is stated twice with different content ({fields}); the later statement is used",
            help: "leave out the older export, or compare the two with `vpclint diff`",
        },
        Case {
            key: "pages",
            message: "{resource} is stated twice in one export with different content ({fields}); the later statement is used",
            help: "it changed while the export was made; export again when nobody changes the network",
        },
    ],
    page: include_str!("../../../rules/DATA002-duplicate-id-conflict.md"),
};

impl Rule for DuplicateIdConflict {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        for conflict in &cx.topology.conflicts {
            let field = match conflict.fields.as_slice() {
                // `meta` is no single key of the input
                [field] if *field != "meta" => Some(*field),
                _ => None,
            };
            let fields: Vec<&str> = conflict
                .fields
                .iter()
                .map(|f| if *f == "meta" { "name, tags, owner or status" } else { f })
                .collect();
            let one_export = same_export(cx, conflict);
            let severity = if one_export { Severity::Warning } else { Severity::Error };
            let mut draft = out
                .fail(if one_export { "pages" } else { "exports" })
                .severity(severity)
                .about(conflict.resource.clone())
                .fact("resource", &conflict.resource)
                .fact("fields", list(&fields));
            let place = |role, source: &Source, label: &str| Location {
                role,
                source: source.clone(),
                kind: conflict.resource.kind,
                field,
                label: label.to_owned(),
            };
            if let Some(later) = &conflict.later {
                draft = draft.at(place(LocationRole::Primary, later, ""));
            }
            if let Some(earlier) = &conflict.earlier {
                draft = draft.at(place(LocationRole::Related, earlier, "the other statement"));
            }
            draft.emit();
        }
    }
}

/// Statements of one file or of one run of an export differ because the network changed meanwhile
/// (decisions.md 20).
fn same_export(cx: &Context<'_>, conflict: &Conflict) -> bool {
    let (Some(earlier), Some(later)) = (&conflict.earlier, &conflict.later) else { return false };
    let export = |source: &Source| {
        cx.topology.origins.get(&source.file).and_then(|origin| origin.export.as_ref())
    };
    let design =
        |source: &Source| cx.topology.origins.get(&source.file).is_some_and(|origin| origin.design);
    let same_file = earlier.file == later.file && !design(earlier);
    same_file || export(earlier).is_some_and(|e| export(later) == Some(e))
}
