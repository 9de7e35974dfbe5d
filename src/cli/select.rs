//! Choosing rules by id, name or wildcard.

use vpclint::rules::{self, Pack, RULES, RuleMeta};

use super::failure::Failure;

/// Which rules a run reports.
pub(crate) struct Selection {
    select: Vec<String>,
    ignore: Vec<String>,
    pack: Pack,
}

impl Selection {
    /// Checks that every pattern means some rule.
    pub(crate) fn new(select: &[String], ignore: &[String], pack: Pack) -> Result<Self, Failure> {
        for pattern in select.iter().chain(ignore) {
            if !RULES.iter().any(|rule| matches(pattern, rule.meta())) {
                return Err(unknown(pattern));
            }
        }
        Ok(Self { select: select.to_vec(), ignore: ignore.to_vec(), pack })
    }

    /// True when the rule's findings are wanted. What is selected by name is wanted whatever the
    /// pack; what is ignored is not wanted.
    pub(crate) fn wants(&self, meta: &RuleMeta) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, meta));
        let chosen =
            if self.select.is_empty() { meta.pack <= self.pack } else { any(&self.select) };
        chosen && !any(&self.ignore)
    }
}

/// An id or a name in any case, or the beginning of one followed by `*`.
fn matches(pattern: &str, meta: &RuleMeta) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => {
            let (id, name) = (meta.id.to_ascii_lowercase(), meta.name.to_ascii_lowercase());
            let prefix = prefix.to_ascii_lowercase();
            id.starts_with(&prefix) || name.starts_with(&prefix)
        }
        None => meta.id.eq_ignore_ascii_case(pattern) || meta.name.eq_ignore_ascii_case(pattern),
    }
}

/// The rule of this id or name, or a complaint that names similar ones.
pub(crate) fn rule(id_or_name: &str) -> Result<&'static RuleMeta, Failure> {
    rules::find(id_or_name).ok_or_else(|| unknown(id_or_name))
}

fn unknown(text: &str) -> Failure {
    let wanted = text.trim_end_matches('*').to_ascii_lowercase();
    let similar = RULES
        .iter()
        .flat_map(|rule| [rule.meta().id, rule.meta().name])
        .map(|candidate| {
            (strsim::jaro_winkler(&wanted, &candidate.to_ascii_lowercase()), candidate)
        })
        .filter(|(score, _)| *score > 0.8)
        .max_by(|(a, x), (b, y)| a.total_cmp(b).then(y.cmp(x)));
    let failure = Failure::new(format!("there is no rule `{text}`"));
    match similar {
        Some((_, candidate)) => failure.help(format!("did you mean `{candidate}`?")),
        None => failure.help("`vpclint rules` lists the rules"),
    }
}
