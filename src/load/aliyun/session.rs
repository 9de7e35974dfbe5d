//! Reads files into drafts, and joins what only all files together tell.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::body::{Body, PageFacts, content_parents, is_paging};
use super::carrier::{Content, Part, parts, trim_keys};
use super::fingerprints::{FINGERPRINTS, Fingerprint};
use super::manifest::{Beside, Call};
use super::name::{FileName, file_name, is_region, place, region_of_zone};
use super::pages::{self, FailedCall};
use super::parents::{is_lost, recover};
use super::read::{APIS, Api};
use super::reader::ReadContext;
use super::recognize::{self, Recognised, Verdict, twins};
use super::rows::Wrapped;
use super::sketch::{Keys, Outline, sample_text};
use super::wording::{broken_at, broken_json, message, offset_of, unknown};
use crate::load::LoadOptions;
use crate::load::error::Broken;
use crate::load::files::{FileEntry, Layout};
use crate::load::report::{Document, How, LoadReport, Outcome, ReadBody};
use crate::topology::{Draft, FileId, Id};

/// What one file gave.
#[derive(Debug, Default)]
pub(crate) struct FileOutcome {
    /// Its resources.
    pub(crate) draft: Draft,
    /// What became of its documents.
    pub(crate) report: LoadReport,
    bodies: Vec<Body>,
    failed: Vec<FailedCall>,
    deferred: Vec<Deferred>,
}

impl FileOutcome {
    /// A native topology: nothing of it waits for other files.
    pub(crate) fn native(file: FileId, draft: Draft) -> Self {
        let mut report = LoadReport::default();
        report.documents.push(Document { file, pointer: String::new(), outcome: Outcome::Native });
        Self { draft, report, bodies: Vec::new(), failed: Vec::new(), deferred: Vec::new() }
    }
}

/// A body that cannot be read before others are.
#[derive(Debug)]
struct Deferred {
    body: Body,
    text: String,
    pointer: String,
}

/// What holds for all files of a run.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    /// Manifests and identities.
    pub(crate) beside: Beside,
    /// What the user says.
    pub(crate) options: &'a LoadOptions,
}

/// A file with what its path and manifest say.
struct FileContext<'a> {
    file: FileId,
    entry: &'a FileEntry,
    text: &'a str,
    name: FileName,
    call: Option<&'a Call>,
}

/// What is said about the call of one part, best source first.
struct Named<'a> {
    calls: Vec<&'static Fingerprint>,
    how: How,
    call: Option<&'a Call>,
}

impl Session<'_> {
    /// Reads all documents of a text.
    pub(crate) fn read_file(
        &self,
        file: FileId,
        entry: &FileEntry,
        text: &str,
        layout: Layout,
    ) -> Result<FileOutcome, Broken> {
        let cx = FileContext {
            file,
            entry,
            text,
            name: file_name(entry.name()),
            call: self.beside.call(entry.name()),
        };
        let parts = parts(text, layout).map_err(|e| broken_json(entry, text, &e))?;
        let mut out = FileOutcome::default();
        let mut manifest = (0usize, 0usize);
        let mut rest = parts.as_slice();
        let mut index = 0usize;
        while let Some((part, tail)) = rest.split_first() {
            let taken = match &part.content {
                Content::ManifestRow(row) => {
                    manifest.0 += 1;
                    manifest.1 += usize::from(row.failure().is_some());
                    1
                }
                _ => self.part(&cx, part, tail, index, &mut out)?,
            };
            index += taken;
            rest = rest.get(taken..).unwrap_or(&[]);
        }
        if manifest.0 > 0 {
            let outcome = Outcome::Manifest { calls: manifest.0, failed: manifest.1 };
            out.document(file, "", outcome);
        }
        Ok(out)
    }

    /// Notes a file that is the trace of a failed call: no bytes, or the CLI's error text.
    pub(crate) fn failed_file(&self, file: FileId, entry: &FileEntry, code: &str) -> FileOutcome {
        let cx = FileContext {
            file,
            entry,
            text: "",
            name: file_name(entry.name()),
            call: self.beside.call(entry.name()),
        };
        let mut out = FileOutcome::default();
        let named = self.named(&cx, None, None);
        self.failed_call(&cx, &named, "", code, &mut out);
        out
    }

    /// Reads one part, or a run of parts that are one row each; returns how many it took.
    fn part(
        &self,
        cx: &FileContext<'_>,
        part: &Part<'_>,
        following: &[Part<'_>],
        index: usize,
        out: &mut FileOutcome,
    ) -> Result<usize, Broken> {
        let named = self.named(cx, part.envelope.as_deref(), part.hint);
        let recognised = match &part.content {
            Content::Object(outline) => recognize::object(outline, &named.calls),
            Content::List(elements) => recognize::list(elements, &named.calls),
            Content::Failed(code) => {
                self.failed_call(cx, &named, &part.pointer, code, out);
                return Ok(1);
            }
            Content::NoData => {
                let why = "nothing but a request id: no rows, and no statement that there are none";
                out.not_understood(cx.file, &part.pointer, why.to_owned());
                return Ok(1);
            }
            Content::Scalar | Content::ManifestRow(_) => {
                let why = "a single value, not a response".to_owned();
                self.check(cx, part)?;
                out.not_understood(cx.file, &part.pointer, why);
                return Ok(1);
            }
        };
        if recognised.overruled {
            overruled(cx, &named, &recognised, out);
        }
        match recognised.verdict {
            Verdict::Body(print) => {
                let body = self.body_text(cx, part);
                self.read(cx, part, print, &named, &recognised, body, None, out)?;
                Ok(1)
            }
            Verdict::Rows(print) => {
                let run = run_of_rows(part, following, print);
                let wrapped = match &part.content {
                    Content::List(_) => {
                        let list = cx.text.get(part.range.clone()).unwrap_or("");
                        Wrapped::list(print, list, part.pointer.clone())
                    }
                    _ => Wrapped::documents(print, cx.text, &run, index, &part.pointer),
                };
                if let Some(wrapped) = wrapped {
                    let text = Cow::Owned(wrapped.text.clone());
                    self.read(cx, part, print, &named, &recognised, text, Some(&wrapped), out)?;
                }
                Ok(run.len())
            }
            Verdict::Ambiguous(candidates) => {
                self.check(cx, part)?;
                let names: Vec<String> =
                    candidates.iter().map(|f| format!("{} {}", f.product, f.api)).collect();
                let why = format!(
                    "could be the answer of {}; name the file after the call or pass `--api`",
                    names.join(" or ")
                );
                out.not_understood(cx.file, &part.pointer, why);
                Ok(1)
            }
            Verdict::Unknown => {
                self.check(cx, part)?;
                out.not_understood(cx.file, &part.pointer, unknown(part));
                Ok(1)
            }
        }
    }

    /// What envelope, manifest, command line and names say about the call.
    fn named<'s>(
        &'s self,
        cx: &'s FileContext<'_>,
        envelope: Option<&'s Call>,
        hint: Option<&str>,
    ) -> Named<'s> {
        for (call, how) in [(envelope, How::Envelope), (cx.call, How::Manifest)] {
            let calls = call.map(Call::calls).unwrap_or_default();
            if !calls.is_empty() {
                return Named { calls, how, call };
            }
        }
        let call = envelope.or(cx.call);
        if let Some(api) = &self.options.api {
            let (product, api) =
                api.split_once([':', '.', ' ']).map_or((None, api.as_str()), |(p, a)| (Some(p), a));
            let calls: Vec<_> = FINGERPRINTS
                .named(api)
                .filter(|f| product.is_none_or(|p| p == f.product))
                .collect();
            return Named { calls, how: How::Option, call };
        }
        if cx.name.calls.is_empty() {
            let calls = hint.map(|api| FINGERPRINTS.all.iter().filter(|f| f.api == api).collect());
            return Named { calls: calls.unwrap_or_default(), how: How::Content, call };
        }
        Named { calls: cx.name.calls.clone(), how: How::FileName, call }
    }

    fn failed_call(
        &self,
        cx: &FileContext<'_>,
        named: &Named<'_>,
        pointer: &str,
        code: &str,
        out: &mut FileOutcome,
    ) {
        let known =
            named.calls.first().filter(|first| named.calls.iter().all(|other| twins(first, other)));
        let call = known.map(|f| format!("{} {}", f.product, f.api));
        if let Some(api) = known.and_then(|print| reader_of(print)) {
            let (account, region) = self.place(cx, named.call, None);
            out.failed.push(FailedCall {
                listing: api.listing,
                account,
                region,
                params: params(cx, named.call),
                code: code.to_owned(),
            });
        }
        out.document(cx.file, pointer, Outcome::FailedCall { call, code: code.to_owned() });
    }

    /// Account and region of a call (formats-api.md §7).
    fn place(
        &self,
        cx: &FileContext<'_>,
        call: Option<&Call>,
        outline: Option<&Outline<'_>>,
    ) -> (Option<Id>, Option<Id>) {
        let (path_account, path_region) = place(cx.entry.name());
        let from_call =
            |get: fn(&Call) -> Option<Id>| call.and_then(get).or_else(|| cx.call.and_then(get));
        let account = from_call(|c| c.account.clone())
            .or(path_account)
            .or_else(|| self.beside.account(cx.entry.name()))
            .or_else(|| self.options.account.as_deref().map(Id::from));
        let region = from_call(|c| c.region.clone())
            .or_else(|| from_call(|c| c.params.get("RegionId").map(Id::from)))
            .or_else(|| cx.name.params.get("RegionId").map(Id::from))
            .or(path_region)
            .or_else(|| outline.and_then(content_region))
            .or_else(|| self.options.region.as_deref().map(Id::from));
        (account, region)
    }

    fn body_text<'t>(&self, cx: &FileContext<'t>, part: &Part<'_>) -> Cow<'t, str> {
        let text = cx.text.get(part.range.clone()).unwrap_or("");
        if part.blank_keys { trim_keys(text) } else { Cow::Borrowed(text) }
    }

    #[expect(clippy::too_many_arguments, reason = "one call site each for bodies and rows")]
    fn read(
        &self,
        cx: &FileContext<'_>,
        part: &Part<'_>,
        print: &'static Fingerprint,
        named: &Named<'_>,
        recognised: &Recognised,
        text: Cow<'_, str>,
        wrapped: Option<&Wrapped>,
        out: &mut FileOutcome,
    ) -> Result<(), Broken> {
        let Some(api) = reader_of(print) else {
            self.check(cx, part)?;
            let outcome = Outcome::NotUsed { product: print.product, api: print.api };
            out.document(cx.file, &part.pointer, outcome);
            return Ok(());
        };
        let outline = match &part.content {
            Content::Object(outline) if wrapped.is_none() => Some(outline),
            _ => None,
        };
        let global = matches!(
            print.api,
            "DescribeCens" | "DescribeCenAttachedChildInstances" | "DescribeCenRouteMaps"
        );
        let (account, region) = self.place(cx, named.call, outline);
        let params = params(cx, named.call);
        let mut page = outline.map_or_else(PageFacts::none, PageFacts::of);
        page.add_call(named.call, cx.name.page);
        let body = Body {
            file: cx.file,
            directory: cx.entry.name().parent().map(PathBuf::from).unwrap_or_default(),
            document: out.report.documents.len(),
            print,
            api,
            how: if recognised.by_name && !named.calls.is_empty() {
                named.how
            } else {
                How::Content
            },
            account,
            region: if global { None } else { region },
            parents: content_parents(api, print, &params, outline, &text),
            params,
            page,
            rows: 0,
        };
        out.document(cx.file, &part.pointer, Outcome::Read(describe(&body, Vec::new())));
        if wrapped.is_none() && is_lost(print, &body.params) {
            let deferred =
                Deferred { body, text: text.into_owned(), pointer: part.pointer.clone() };
            out.deferred.push(deferred);
            return Ok(());
        }
        let mut draft = Draft::default();
        let pointer = if wrapped.is_some() { "" } else { part.pointer.as_str() };
        match read_body(body, &text, pointer, &mut draft) {
            Ok((body, unattached)) => {
                if let Some(wrapped) = wrapped {
                    wrapped.correct(&mut draft);
                }
                out.draft.absorb(draft);
                out.finish(body, unattached);
                Ok(())
            }
            Err(failed) => {
                let (body, error) = *failed;
                self.reader_error(cx, part, &text, &error)?;
                out.unreadable_rows(&body, &error);
                Ok(())
            }
        }
    }

    /// A syntax error of a body fails the run; a shape that the reader does not know does not.
    fn reader_error(
        &self,
        cx: &FileContext<'_>,
        part: &Part<'_>,
        text: &str,
        error: &serde_json::Error,
    ) -> Result<(), Broken> {
        if error.is_data() {
            return Ok(());
        }
        let same = cx.text.get(part.range.clone()).is_some_and(|t| t.len() == text.len());
        let offset = if same { offset_of(text, error) } else { 0 };
        Err(broken_at(cx.entry, cx.text, part.range.start + offset, &message(error)))
    }

    /// Checks the syntax of a document that no reader looks at.
    fn check(&self, cx: &FileContext<'_>, part: &Part<'_>) -> Result<(), Broken> {
        let text = cx.text.get(part.range.clone()).unwrap_or("");
        match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Ok(()),
            Err(error) => {
                let offset = part.range.start + offset_of(text, &error);
                Err(broken_at(cx.entry, cx.text, offset, &message(&error)))
            }
        }
    }

    /// Joins the files, reads what had to wait, and judges which listings are whole.
    pub(crate) fn finish(
        &self,
        outcomes: Vec<FileOutcome>,
        draft: &mut Draft,
        report: &mut LoadReport,
    ) {
        let mut bodies = Vec::new();
        let mut failed: Vec<FailedCall> = Vec::new();
        let mut deferred = Vec::new();
        for mut outcome in outcomes {
            let shift = report.documents.len();
            for body in &mut outcome.bodies {
                body.document += shift;
            }
            for waiting in &mut outcome.deferred {
                waiting.body.document += shift;
            }
            draft.absorb(outcome.draft);
            report.absorb(outcome.report);
            bodies.append(&mut outcome.bodies);
            failed.append(&mut outcome.failed);
            deferred.append(&mut outcome.deferred);
        }
        for waiting in deferred {
            read_deferred(waiting, draft, report, &mut bodies, &mut failed);
        }
        failed.extend(self.failed_by_manifest());
        pages::record(&bodies, &failed, draft, report);
        unknown_places(&bodies, report);
    }

    /// Calls that failed by the manifests; their files do not exist.
    fn failed_by_manifest(&self) -> impl Iterator<Item = FailedCall> + '_ {
        self.beside.failed.iter().filter_map(|(directory, call)| {
            let api = call.calls().first().and_then(|print| reader_of(print))?;
            let beside_manifest = directory.join("manifest.jsonl");
            let (path_account, path_region) = match &call.file {
                Some(file) => place(&directory.join(file)),
                None => place(&beside_manifest),
            };
            Some(FailedCall {
                listing: api.listing,
                account: call
                    .account
                    .clone()
                    .or(path_account)
                    .or_else(|| self.beside.account(&beside_manifest)),
                region: call.region.clone().or(path_region),
                params: without_paging(&call.params),
                code: call.failure().unwrap_or_default(),
            })
        })
    }
}

impl FileOutcome {
    fn document(&mut self, file: FileId, pointer: &str, outcome: Outcome) {
        self.report.documents.push(Document { file, pointer: pointer.to_owned(), outcome });
    }

    fn not_understood(&mut self, file: FileId, pointer: &str, why: String) {
        self.document(file, pointer, Outcome::NotUnderstood { why });
    }

    fn finish(&mut self, body: Body, unattached: Vec<String>) {
        set_outcome(&mut self.report, &body, unattached);
        self.bodies.push(body);
    }

    fn unreadable_rows(&mut self, body: &Body, error: &serde_json::Error) {
        let failed = unreadable_rows(body, error, &mut self.report);
        self.failed.push(failed);
    }
}

/// Notes a body of a known API whose shape its reader does not understand.
fn unreadable_rows(body: &Body, error: &serde_json::Error, report: &mut LoadReport) -> FailedCall {
    let call = format!("{} {}", body.print.product, body.print.api);
    let why = format!("looks like the answer of {call}, but {}", message(error));
    if let Some(document) = report.documents.get_mut(body.document) {
        document.outcome = Outcome::NotUnderstood { why };
    }
    FailedCall {
        listing: body.api.listing,
        account: body.account.clone(),
        region: body.region.clone(),
        params: body.params.clone(),
        code: "not understood".to_owned(),
    }
}

fn read_deferred(
    waiting: Deferred,
    draft: &mut Draft,
    report: &mut LoadReport,
    bodies: &mut Vec<Body>,
    failed: &mut Vec<FailedCall>,
) {
    let Deferred { mut body, text, pointer } = waiting;
    if let Some((name, value)) = recover(body.print, &text, draft) {
        let call = body.print.api;
        report.note(Some(body.file), format!("{call}: {name} is taken to be {value}, by its rows"));
        body.params.insert(name.to_owned(), value);
    }
    match read_body(body, &text, &pointer, draft) {
        Ok((body, unattached)) => {
            set_outcome(report, &body, unattached);
            bodies.push(body);
        }
        // its syntax was checked when it was put aside: only the shape can be unknown
        Err(unread) => failed.push(unreadable_rows(&unread.0, &unread.1, report)),
    }
}

/// A body whose rows are not of the expected shape.
type Unread = Box<(Body, serde_json::Error)>;

/// Hands a body to its reader.
fn read_body(
    mut body: Body,
    text: &str,
    pointer: &str,
    draft: &mut Draft,
) -> Result<(Body, Vec<String>), Unread> {
    let params = body.params.clone();
    let mut cx = ReadContext {
        params: &params,
        account: body.account.clone(),
        region: body.region.clone(),
        file: body.file,
        prefix: pointer,
        draft,
        unattached: Vec::new(),
        rows: 0,
    };
    let result = (body.api.read)(text, &mut cx);
    let (rows, unattached) = (cx.rows, cx.unattached);
    body.rows = rows;
    match result {
        Ok(()) => Ok((body, unattached)),
        Err(error) => Err(Box::new((body, error))),
    }
}

fn set_outcome(report: &mut LoadReport, body: &Body, unattached: Vec<String>) {
    if let Some(document) = report.documents.get_mut(body.document) {
        document.outcome = Outcome::Read(describe(body, unattached));
    }
}

fn describe(body: &Body, unattached: Vec<String>) -> ReadBody {
    ReadBody {
        product: body.print.product,
        api: body.print.api,
        how: body.how,
        account: body.account.clone(),
        region: body.region.clone(),
        params: body.params.clone(),
        rows: body.rows,
        unattached,
    }
}

/// The reader of an API; a call of 2014 is read like its successor.
fn reader_of(print: &Fingerprint) -> Option<&'static Api> {
    let find = |product: &str| {
        APIS.iter()
            .flat_map(|apis| apis.iter())
            .find(|api| api.product == product && api.name == print.api)
    };
    find(print.product).or_else(|| match print.product {
        "ecs" => find("vpc"),
        "vpc" => find("ecs"),
        _ => None,
    })
}

/// Request parameters without those of paging.
fn params(cx: &FileContext<'_>, call: Option<&Call>) -> BTreeMap<String, String> {
    let mut params = without_paging(&cx.name.params);
    for call in [cx.call, call].into_iter().flatten() {
        params.extend(without_paging(&call.params));
    }
    params
}

fn without_paging(params: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    params.iter().filter(|(k, _)| !is_paging(k)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Region by the content: stated at the top or in the first rows, or by a zone.
fn content_region(outline: &Outline<'_>) -> Option<Id> {
    let top = outline.text("RegionId").filter(|region| is_region(region));
    let row = || first_of(outline, "RegionId").filter(|region| is_region(region));
    let zone = || first_of(outline, "ZoneId").and_then(|zone| region_of_zone(&zone));
    top.or_else(row).map(Id::from).or_else(zone)
}

/// The value of a key in the sampled rows, when they agree.
fn first_of(outline: &Outline<'_>, key: &str) -> Option<String> {
    let mut values = outline.samples().filter_map(|keys: &Keys<'_>| sample_text(keys, key));
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// The documents after `part` that are rows of the same list, `part` included.
fn run_of_rows(part: &Part<'_>, following: &[Part<'_>], print: &Fingerprint) -> Vec<Range<usize>> {
    let mut run = vec![part.range.clone()];
    let known = print.main_list().map_or(&[][..], |list| list.keys.as_slice());
    let plain = |p: &Part<'_>| {
        let index = p.pointer.strip_prefix('/').unwrap_or("x");
        p.envelope.is_none() && index.bytes().all(|b| b.is_ascii_digit())
    };
    if !matches!(part.content, Content::Object(_)) || !plain(part) {
        return run;
    }
    for next in following {
        let Content::Object(outline) = &next.content else { break };
        let same = outline.entries.iter().filter(|e| known.contains(&e.key.as_ref())).count();
        if !plain(next) || same < 3 || same * 2 < outline.entries.len() {
            break;
        }
        run.push(next.range.clone());
    }
    run
}

fn overruled(cx: &FileContext<'_>, named: &Named<'_>, found: &Recognised, out: &mut FileOutcome) {
    let Some(said) = named.calls.first() else { return };
    let text = match &found.verdict {
        Verdict::Body(print) | Verdict::Rows(print) => format!(
            "named {}, but its content is that of {} {}; read as the latter",
            said.api, print.product, print.api
        ),
        Verdict::Ambiguous(_) | Verdict::Unknown => {
            format!("named {}, but its content is not", said.api)
        }
    };
    out.report.warn(Some(cx.file), text);
}

/// Notes files whose region or account nobody told.
fn unknown_places(bodies: &[Body], report: &mut LoadReport) {
    let global = |b: &&Body| matches!(b.print.product, "cbn" | "sts");
    let regionless = bodies.iter().filter(|b| b.region.is_none() && !global(b)).count();
    if regionless > 0 {
        let text = format!(
            "{regionless} of {} responses do not tell their region; they are taken to be of one region (`--region` names it)",
            bodies.len()
        );
        report.note(None, text);
    }
}
