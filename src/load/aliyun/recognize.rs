//! Which API a document is the answer of, from its content (formats-api.md §6.2).

use super::fingerprints::{ENVELOPE, FINGERPRINTS, Fingerprint, ListPrint};
use super::sketch::{Elements, Inner, Keys, Outline, Shape};

/// Scores count hundredths, so that sums are exact.
type Score = i64;

const KEY_KNOWN: Score = 300;
const KEY_UNKNOWN: Score = -200;
const KEY_MISSING: Score = -5;
const SHAPE_RIGHT: Score = 200;
const SHAPE_WRONG: Score = -500;
/// A flat list where the wrapped form is usual: a hand has been at it.
const UNWRAPPED: Score = -300;
/// None of the keys that identify an object.
const NO_OBJECT: Score = -300;
const INNER_MISSING: Score = -300;
const ELEMENT_KNOWN: Score = 100;
const ELEMENT_UNKNOWN: Score = -100;
const ELEMENT_MISSING: Score = -2;
/// Less than this is no recognition.
const ENOUGH: Score = 150;
/// Two APIs closer than this cannot be told apart.
const MARGIN: Score = 100;
/// The content overrules a name from here on.
const OVERRULE: Score = 500;

/// What a document is.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    /// A whole response.
    Body(&'static Fingerprint),
    /// Rows of the main list without the response around them (F4), or one of them (F5).
    Rows(&'static Fingerprint),
    /// One of several, and nothing tells which.
    Ambiguous(Vec<&'static Fingerprint>),
    /// Nothing known.
    Unknown,
}

/// A verdict, and the name that it contradicts.
#[derive(Debug, Clone)]
pub(crate) struct Recognised {
    /// What it is.
    pub(crate) verdict: Verdict,
    /// The name said something else and was overruled.
    pub(crate) overruled: bool,
    /// The verdict follows the name; the content alone does not decide.
    pub(crate) by_name: bool,
}

/// True when both are the same call in two products (`ecs` of 2014, `vpc` of 2016): same meaning.
pub(crate) fn twins(a: &Fingerprint, b: &Fingerprint) -> bool {
    let moved = |p: &Fingerprint| matches!(p.product, "ecs" | "vpc");
    let everywhere = matches!(a.api, "DescribeRegions" | "DescribeZones");
    a.api == b.api && (a.product == b.product || everywhere || (moved(a) && moved(b)))
}

/// Of a call that moved from `ecs` to `vpc` the newer one: its reader knows both.
fn current(print: &'static Fingerprint) -> &'static Fingerprint {
    if print.product != "ecs" {
        return print;
    }
    FINGERPRINTS.named(print.api).find(|other| other.product == "vpc").unwrap_or(print)
}

/// Top-level keys that say something about the API.
pub(crate) fn data_keys<'o>(outline: &'o Outline<'_>) -> impl Iterator<Item = &'o str> {
    outline.entries.iter().map(|e| e.key.as_ref()).filter(|key| !ENVELOPE.contains(key))
}

/// Recognises an object. `named` are the calls that a name allows, empty without a name.
pub(crate) fn object(outline: &Outline<'_>, named: &[&'static Fingerprint]) -> Recognised {
    let scores = body_scores(outline);
    let bare = !outline.entries.iter().any(|e| ENVELOPE.contains(&e.key.as_ref()));
    if bare && let Some(print) = single_row(outline, &scores, named) {
        let verdict = Verdict::Rows(current(print));
        return Recognised { verdict, overruled: false, by_name: false };
    }
    decide(scores, named, Verdict::Body)
}

/// Recognises a bare list.
pub(crate) fn list(elements: &Elements<'_>, named: &[&'static Fingerprint]) -> Recognised {
    if elements.empty {
        // an empty list of a known call: the name is all there is
        let verdict = match named {
            [] => Verdict::Unknown,
            [only] => Verdict::Rows(only),
            [first, rest @ ..] if rest.iter().all(|r| twins(first, r)) => Verdict::Rows(first),
            several => Verdict::Ambiguous(several.to_vec()),
        };
        return Recognised { verdict, overruled: false, by_name: true };
    }
    let samples: Vec<&Keys<'_>> = elements.samples.iter().collect();
    decide(row_scores(&samples), named, Verdict::Rows)
}

/// Best first; equal scores in the order of the table, which puts `vpc` before `ecs`.
fn decide(
    mut scores: Vec<(&'static Fingerprint, Score)>,
    named: &[&'static Fingerprint],
    verdict: fn(&'static Fingerprint) -> Verdict,
) -> Recognised {
    scores.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
    let is_named = |print: &Fingerprint| named.iter().any(|n| twins(n, print));
    let best = scores.first().copied().filter(|(_, score)| *score >= ENOUGH);
    let best = best.map(|(print, score)| (current(print), score));
    let best_named = scores.iter().copied().find(|(print, _)| is_named(print));
    let best_named = best_named.map(|(print, score)| {
        let exact = named.iter().copied().find(|n| std::ptr::eq(*n, print));
        (exact.or_else(|| named.iter().copied().find(|n| twins(n, print))).unwrap_or(print), score)
    });
    let result = |verdict, overruled, by_name| Recognised { verdict, overruled, by_name };
    match (best, best_named) {
        (Some((print, score)), Some((named, named_score))) => {
            if twins(print, named) || score - named_score < OVERRULE {
                result(verdict(named), false, true)
            } else {
                result(verdict(print), true, false)
            }
        }
        (Some((print, score)), None) => {
            let close: Vec<_> = scores
                .iter()
                .filter(|(other, s)| score - s < MARGIN && !twins(print, other))
                .map(|(other, _)| *other)
                .collect();
            if close.is_empty() {
                result(verdict(print), !named.is_empty(), false)
            } else {
                let all = std::iter::once(print).chain(close).collect();
                result(Verdict::Ambiguous(all), !named.is_empty(), false)
            }
        }
        (None, Some((named, score))) if score > 0 => result(verdict(named), false, true),
        (None, _) => result(Verdict::Unknown, false, false),
    }
}

fn body_scores(outline: &Outline<'_>) -> Vec<(&'static Fingerprint, Score)> {
    let mut candidates: Vec<usize> =
        data_keys(outline).flat_map(|key| FINGERPRINTS.with_key(key).iter().copied()).collect();
    candidates.sort_unstable();
    candidates.dedup();
    candidates
        .into_iter()
        .filter_map(|n| FINGERPRINTS.all.get(n))
        .map(|print| (print, body_score(outline, print)))
        .collect()
}

fn body_score(outline: &Outline<'_>, print: &Fingerprint) -> Score {
    let mut score = 0;
    for key in data_keys(outline) {
        score += if print.keys.contains(&key) { KEY_KNOWN } else { KEY_UNKNOWN };
    }
    let missing = print.keys.iter().filter(|key| !outline.has(key)).count();
    score += KEY_MISSING * Score::try_from(missing).unwrap_or(0);
    let is_list = |key: &str| print.lists.iter().any(|list| list.outer == key);
    let mut own = print.keys.iter().filter(|key| !is_list(key)).peekable();
    if print.main_list().is_none() && own.peek().is_some() && !own.any(|key| outline.has(key)) {
        score += NO_OBJECT;
    }
    for list in &print.lists {
        if let Some(entry) = outline.get(list.outer) {
            score += list_score(&entry.shape, list);
        }
    }
    score
}

fn list_score(shape: &Shape<'_>, list: &ListPrint) -> Score {
    match (shape, list.inner) {
        (Shape::Scalar(_), _) => 0,
        (Shape::List(elements), None) => SHAPE_RIGHT + elements_score(elements, list),
        (Shape::Object(inner), Some(_)) if inner.is_empty() => 0,
        (Shape::Object(inner), Some(key)) => match inner.iter().find(|(k, _)| k == key) {
            None => INNER_MISSING,
            Some((_, Inner::List(elements))) => SHAPE_RIGHT + elements_score(elements, list),
            // one element without brackets (F10)
            Some((_, Inner::Object(keys))) => SHAPE_RIGHT + keys_score(keys, list),
            Some((_, Inner::Scalar(_))) => 0,
        },
        (Shape::List(elements), Some(_)) => UNWRAPPED + elements_score(elements, list),
        (Shape::Object(_), None) => SHAPE_WRONG,
    }
}

fn elements_score(elements: &Elements<'_>, list: &ListPrint) -> Score {
    elements.samples.iter().map(|keys| keys_score(keys, list)).sum()
}

fn keys_score(keys: &Keys<'_>, list: &ListPrint) -> Score {
    let known = keys.iter().filter(|(k, _)| list.keys.contains(&k.as_ref())).count();
    let unknown = keys.len() - known;
    let missing = list.keys.len().saturating_sub(known);
    let count = |n: usize| Score::try_from(n).unwrap_or(0);
    ELEMENT_KNOWN * count(known)
        + ELEMENT_UNKNOWN * count(unknown)
        + ELEMENT_MISSING * count(missing)
}

/// Scores of the main lists of all APIs for rows without a response around them.
fn row_scores(samples: &[&Keys<'_>]) -> Vec<(&'static Fingerprint, Score)> {
    FINGERPRINTS
        .all
        .iter()
        .filter_map(|print| {
            let list = print.main_list().filter(|list| !list.keys.is_empty())?;
            let score = samples.iter().map(|keys| keys_score(keys, list)).sum();
            (score > 0).then_some((print, score))
        })
        .collect()
}

/// An object without anything of an envelope may be one row (`jq '.Vpcs.Vpc[]'`). It is one when it
/// fits a row better than any whole response.
fn single_row(
    outline: &Outline<'_>,
    bodies: &[(&'static Fingerprint, Score)],
    named: &[&'static Fingerprint],
) -> Option<&'static Fingerprint> {
    let keys: Keys<'_> = outline.entries.iter().map(|e| (e.key.clone(), None)).collect();
    let fit = |known: &[&'static str]| {
        let hits = keys.iter().filter(|(k, _)| known.contains(&k.as_ref())).count();
        let misses = keys.len() - hits;
        (Score::try_from(hits).unwrap_or(0) - 2 * Score::try_from(misses).unwrap_or(0)) * 100
            - Score::try_from(known.len().saturating_sub(hits)).unwrap_or(0)
    };
    let body = bodies.iter().map(|(print, _)| fit(&print.keys)).max().unwrap_or(Score::MIN);
    let mut rows = row_scores(&[&keys]);
    if !named.is_empty() {
        rows.retain(|(print, _)| named.iter().any(|n| twins(n, print)));
    }
    rows.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
    let (print, score) = rows.first().copied()?;
    let unclear = rows.iter().any(|(other, s)| score - s < MARGIN && !twins(print, other));
    let row = fit(&print.main_list()?.keys);
    (score >= KEY_KNOWN && !unclear && row > body).then_some(print)
}
