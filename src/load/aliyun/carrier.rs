//! From the text of a file to response bodies: concatenated values, envelopes, wrappers of XML
//! converters, error bodies, transcripts (formats-api.md §2).

use std::borrow::Cow;
use std::ops::Range;

use super::fingerprints::FINGERPRINTS;
use super::manifest::Call;
use super::recognize::data_keys;
use super::sketch::{Elements, Outline, Shape, Sketch, sketch};
use crate::load::decode::responses;
use crate::load::files::Layout;
use crate::load::json::{JsonError, Skimmer};

/// What a document holds.
#[derive(Debug, Clone)]
pub(crate) enum Content<'t> {
    /// An object, most likely a response.
    Object(Outline<'t>),
    /// A bare list (F4).
    List(Elements<'t>),
    /// A number, text or word.
    Scalar,
    /// The error body of an HTTP client (F8), or the envelope of a failed call.
    Failed(String),
    /// Nothing but a request id (F9).
    NoData,
    /// A manifest row.
    ManifestRow(Box<Call>),
}

/// A document of a file, out of its wrappers.
#[derive(Debug, Clone)]
pub(crate) struct Part<'t> {
    /// JSON pointer of the body in the file.
    pub(crate) pointer: String,
    /// Bytes of the body.
    pub(crate) range: Range<usize>,
    /// What it is.
    pub(crate) content: Content<'t>,
    /// Its envelope (formats-api.md §7).
    pub(crate) envelope: Option<Box<Call>>,
    /// API that a wrapper names (`{"DescribeVpcsResponse": …}`, F10).
    pub(crate) hint: Option<&'t str>,
    /// Keys have blanks around them (F10).
    pub(crate) blank_keys: bool,
}

/// The documents of a text.
pub(crate) fn parts(text: &str, layout: Layout) -> Result<Vec<Part<'_>>, JsonError> {
    let found = match layout {
        Layout::Transcript => {
            let starts = responses(text);
            starts.into_iter().map(|at| sketch(text, at)).collect::<Result<Vec<_>, _>>()?
        }
        Layout::Json | Layout::Native | Layout::Toml => values(text)?,
    };
    let single = found.len() == 1;
    let mut out = Vec::with_capacity(found.len());
    for (n, (sketch, range)) in found.into_iter().enumerate() {
        let pointer = if single { String::new() } else { format!("/{n}") };
        unwrap(text, &pointer, sketch, range, &mut out)?;
    }
    Ok(out)
}

fn values(text: &str) -> Result<Vec<(Sketch<'_>, Range<usize>)>, JsonError> {
    let mut out = Vec::new();
    let mut at = 0;
    // one comma may stand after a value, as `documents` has it
    let mut comma = false;
    loop {
        let mut skimmer = Skimmer::new(text, at);
        match skimmer.peek() {
            None => return Ok(out),
            Some(b',') if comma => {
                at = skimmer.at() + 1;
                comma = false;
            }
            Some(_) => {
                let (sketch, range) = sketch(text, skimmer.at())?;
                at = range.end;
                out.push((sketch, range));
                comma = true;
            }
        }
    }
}

fn unwrap<'t>(
    text: &'t str,
    pointer: &str,
    found: Sketch<'t>,
    range: Range<usize>,
    out: &mut Vec<Part<'t>>,
) -> Result<(), JsonError> {
    let part = |content| Part {
        pointer: pointer.to_owned(),
        range: range.clone(),
        content,
        envelope: None,
        hint: None,
        blank_keys: false,
    };
    match found {
        Sketch::Scalar => out.push(part(Content::Scalar)),
        Sketch::List(elements) if is_slurped(&elements) => {
            // `jq -s` put whole responses into a list
            for (n, at) in items(text, range.start)?.into_iter().enumerate() {
                let (inner, range) = sketch(text, at)?;
                unwrap(text, &format!("{pointer}/{n}"), inner, range, out)?;
            }
        }
        Sketch::List(elements) => out.push(part(Content::List(elements))),
        Sketch::Object(outline) => {
            if let Some(meta) = outline.get("_meta") {
                let envelope = text.get(meta.range.clone()).and_then(|t| Call::parse(t).ok());
                let before = out.len();
                match (envelope.as_ref().and_then(Call::failure), outline.get("body")) {
                    (Some(code), _) => out.push(part(Content::Failed(code))),
                    (None, Some(body)) => {
                        let (inner, range) = sketch(text, body.range.start)?;
                        unwrap(text, &format!("{pointer}/body"), inner, range, out)?;
                    }
                    (None, None) => out.push(part(Content::NoData)),
                }
                for part in out.iter_mut().skip(before) {
                    part.envelope = envelope.clone().map(Box::new);
                }
                return Ok(());
            }
            if let Some((key, at)) = response_wrapper(&outline, text) {
                let (inner, range) = sketch(text, at)?;
                let before = out.len();
                unwrap(text, &format!("{pointer}/{key}"), inner, range, out)?;
                for part in out.iter_mut().skip(before) {
                    part.hint = key.strip_suffix("Response");
                    // inner keys of elements are not sketched; converters that leave blanks
                    // leave them anywhere
                    part.blank_keys = true;
                }
                return Ok(());
            }
            let blank_keys = outline.blank_keys;
            let content = object(text, &range, outline);
            out.push(Part { blank_keys, ..part(content) });
        }
    }
    Ok(())
}

/// True for a list of whole responses.
fn is_slurped(elements: &Elements<'_>) -> bool {
    elements.samples.first().is_some_and(|keys| {
        keys.iter()
            .any(|(key, _)| key == "RequestId" || key == "_meta" || key.ends_with("Response"))
    })
}

fn items(text: &str, at: usize) -> Result<Vec<usize>, JsonError> {
    let mut skimmer = Skimmer::new(text, at);
    let mut out = Vec::new();
    skimmer.enter_array()?;
    let mut first = true;
    while skimmer.next_item(&mut first)? {
        out.push(skimmer.skip_value()?.start);
    }
    Ok(out)
}

/// The one key of `{"DescribeVpcsResponse": {…}}` and where its value begins.
fn response_wrapper<'t>(outline: &Outline<'t>, text: &'t str) -> Option<(&'t str, usize)> {
    let [entry] = outline.entries.as_slice() else { return None };
    let api = entry.key.strip_suffix("Response")?;
    if !matches!(entry.shape, Shape::Object(_)) {
        return None;
    }
    // the name in the text lives as long as the text; the key of the outline may be a copy
    let before = text.get(..entry.range.start)?;
    let start = before.rfind(&*entry.key)?;
    let key = before.get(start..start + entry.key.len())?;
    let known = FINGERPRINTS.named(api).next().is_some();
    let call_like = ["Describe", "List", "Get"].iter().any(|verb| api.starts_with(verb));
    (known || call_like).then_some((key, entry.range.start))
}

/// Sorts error bodies, empty answers and manifest rows from responses.
fn object<'t>(text: &str, range: &Range<usize>, outline: Outline<'t>) -> Content<'t> {
    if outline.has("api") && outline.has("rc") {
        let row = text.get(range.clone()).and_then(|t| Call::parse(t).ok());
        if let Some(row) = row {
            return Content::ManifestRow(Box::new(row));
        }
    }
    let about_errors = ["HostId", "Recommend", "AccessDeniedDetail", "Description", "RequestID"];
    let data = data_keys(&outline).any(|key| !about_errors.contains(&key));
    if data {
        return Content::Object(outline);
    }
    match outline.text("Code") {
        Some(code) if !matches!(code.as_str(), "200" | "OK" | "Success") => Content::Failed(code),
        _ => Content::NoData,
    }
}

/// The body with blanks around keys cut off; only for small bodies that somebody pasted (F10).
pub(crate) fn trim_keys(body: &str) -> Cow<'_, str> {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    let mut changed = false;
    while let Some(quote) = rest.find('"') {
        let (before, tail) = rest.split_at(quote);
        out.push_str(before);
        let mut end = None;
        let mut escaped = false;
        for (n, c) in tail.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    end = Some(n);
                    break;
                }
                _ => {}
            }
        }
        let Some(end) = end else { break };
        let (literal, after) = tail.split_at(end + 1);
        let inner = literal.trim_matches('"');
        if after.trim_start().starts_with(':') && inner.trim().len() != inner.len() {
            out.push('"');
            out.push_str(inner.trim());
            out.push('"');
            changed = true;
        } else {
            out.push_str(literal);
        }
        rest = after;
    }
    if !changed {
        return Cow::Borrowed(body);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(text: &str) -> Vec<String> {
        parts(text, Layout::Json)
            .unwrap()
            .into_iter()
            .map(|p| {
                let what = match &p.content {
                    Content::Object(_) => "object".to_owned(),
                    Content::List(_) => "list".to_owned(),
                    Content::Scalar => "scalar".to_owned(),
                    Content::Failed(code) => format!("failed {code}"),
                    Content::NoData => "no data".to_owned(),
                    Content::ManifestRow(row) => format!("row {}", row.api.clone().unwrap()),
                };
                format!("{}:{what}", p.pointer)
            })
            .collect()
    }

    #[test]
    fn wrappers_come_off() {
        assert_eq!(summary(r#"{"Vpcs":{}}"#), [":object"]);
        assert_eq!(summary(r#"{"Vpcs":{}} {"Eips":1}"#), ["/0:object", "/1:object"]);
        assert_eq!(
            summary(r#"{"DescribeVpcsResponse":{"Vpcs":{}}}"#),
            ["/DescribeVpcsResponse:object"]
        );
        assert_eq!(summary(r#"{"_meta":{"api":"X"},"body":{"Vpcs":{}}}"#), ["/body:object"]);
        assert_eq!(summary(r#"{"_meta":{"api":"X","rc":1,"error":"E"}}"#), [":failed E"]);
        assert_eq!(
            summary(r#"[{"RequestId":"1","Vpcs":{}},{"RequestId":"2"}]"#),
            ["/0:object", "/1:no data"]
        );
        assert_eq!(summary(r#"[{"VpcId":"1"}]"#), [":list"]);
        assert_eq!(summary(r#"{"api":"DescribeVpcs","rc":0}"#), [":row DescribeVpcs"]);
        assert_eq!(summary("7"), [":scalar"]);
    }

    #[test]
    fn errors_are_told_from_answers() {
        assert_eq!(
            summary(r#"{"RequestId":"1","HostId":"h","Code":"Throttling.User","Message":"m"}"#),
            [":failed Throttling.User"]
        );
        assert_eq!(summary(r#"{"RequestId":"1"}"#), [":no data"]);
        assert_eq!(
            summary(r#"{"Code":"200","Message":"successful","Success":true,"RouterTableList":{}}"#),
            [":object"]
        );
    }

    #[test]
    fn keys_are_trimmed_and_values_are_not() {
        let body = r#"{"A ":" x ","B":{" C":"\" :"}}"#;
        assert_eq!(trim_keys(body), r#"{"A":" x ","B":{"C":"\" :"}}"#);
        assert!(matches!(trim_keys("{\"A\":1}"), Cow::Borrowed(_)));
    }
}
