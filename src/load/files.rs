//! The inputs: finding files, reading them, and going back to the text for what is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decode::{Decoded, decode, responses, to_text};
use super::error::{Broken, LoadError};
use super::json::{Skimmer, documents};
use super::span;
use super::{aliyun, native};
use crate::topology::{FileId, Kind, Source};

/// An input of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file or a directory.
    Path(PathBuf),
    /// Standard input (`-`).
    Stdin,
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        if text == "-" { Self::Stdin } else { Self::Path(PathBuf::from(text)) }
    }
}

/// Suffixes of files that are read from directories.
const SUFFIXES: &[&str] = &[".json", ".jsonl", ".ndjson", ".vpclint.toml"];

/// How the documents of a file stand in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// JSON values that follow each other; usually one.
    Json,
    /// Responses in the output of a debugging session (F11).
    Transcript,
    /// TOML of a native topology.
    Toml,
    /// JSON of a native topology.
    Native,
}

/// One input file.
#[derive(Debug, Clone)]
pub(crate) struct FileEntry {
    /// Name for people and JSON.
    pub(crate) display: String,
    /// Path; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    /// Bytes of standard input, which cannot be read twice.
    kept: Option<Arc<[u8]>>,
    /// How its documents stand in it.
    pub(crate) layout: Layout,
}

impl FileEntry {
    /// Reads the file.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, Broken> {
        match (&self.kept, &self.path) {
            (Some(bytes), _) => Ok(bytes.to_vec()),
            (None, Some(path)) => {
                std::fs::read(path).map_err(|error| unreadable(&self.display, &error))
            }
            (None, None) => Ok(Vec::new()),
        }
    }

    /// Path for what names say; that of standard input is empty.
    pub(crate) fn name(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }
}

fn unreadable(display: &str, error: &std::io::Error) -> Broken {
    let what = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Broken { file: display.to_owned(), line: None, column: None, what, help: None }
}

/// The input files of a run, in the order of their ids.
#[derive(Debug, Clone, Default)]
pub struct Files {
    entries: Vec<FileEntry>,
}

/// A place to look up: a resource, and the model field that matters.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Where the resource was read.
    pub source: &'a Source,
    /// Its kind.
    pub kind: Kind,
    /// Model field, e.g. `cidr`; `None` for the resource itself.
    pub field: Option<&'a str>,
}

/// A place in a file. Lines and columns count from 1, columns in Unicode scalar values; ends are
/// exclusive (decisions.md 26).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as the user named it.
    pub file: String,
    /// JSON pointer of what is shown; a dotted key for TOML.
    pub pointer: String,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column after the last character.
    pub end_column: u32,
    /// The same as byte range in the decoded text.
    pub bytes: Range<usize>,
}

impl Files {
    /// Finds the files of all inputs, sorted by path. Hidden files and directories are passed over,
    /// links that lead in circles too.
    pub(crate) fn find(inputs: &[Input]) -> Result<Self, LoadError> {
        if inputs.is_empty() {
            return Err(LoadError::Usage("no input: name files, directories or `-`".to_owned()));
        }
        let stdin = inputs.iter().filter(|i| **i == Input::Stdin).count();
        if stdin > 1 {
            return Err(LoadError::Usage("`-` (standard input) can be named once only".to_owned()));
        }
        let mut walk = Walk::default();
        for input in inputs {
            if let Input::Path(path) = input {
                walk.input(path);
            }
        }
        let Walk { found, broken, .. } = walk;
        if !broken.is_empty() {
            return Err(LoadError::Broken(broken));
        }
        let mut seen = BTreeSet::new();
        let mut entries: Vec<FileEntry> = found
            .into_values()
            .filter(|path: &PathBuf| seen.insert(path.canonicalize().unwrap_or(path.clone())))
            .map(|path| FileEntry {
                display: path.display().to_string(),
                path: Some(path),
                kept: None,
                layout: Layout::Json,
            })
            .collect();
        if stdin == 1 {
            entries.push(stdin_entry().map_err(|b| LoadError::Broken(vec![b]))?);
        }
        Ok(Self { entries })
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Name of a file as the user knows it.
    pub fn display(&self, file: FileId) -> &str {
        self.entry(file).map_or("?", |e| &e.display)
    }

    pub(crate) fn entries(&self) -> &[FileEntry] {
        &self.entries
    }

    fn entry(&self, file: FileId) -> Option<&FileEntry> {
        self.entries.get(file.0 as usize)
    }

    pub(crate) fn set_layout(&mut self, file: FileId, layout: Layout) {
        if let Some(entry) = self.entries.get_mut(file.0 as usize) {
            entry.layout = layout;
        }
    }

    /// The text of a file, decoded; read from disk again.
    pub fn text(&self, file: FileId) -> Option<String> {
        let entry = self.entry(file)?;
        let bytes = entry.bytes().ok()?;
        if entry.layout == Layout::Toml {
            return to_text(bytes).ok();
        }
        match decode(bytes) {
            Decoded::Text(text) | Decoded::Toml(text) | Decoded::Transcript(text) => Some(text),
            Decoded::Empty => Some(String::new()),
            Decoded::CliError(_) | Decoded::Broken(_) => None,
        }
    }

    /// The place of one resource or field; the resource itself where the field is not written out.
    pub fn locate(&self, place: &Place<'_>) -> Option<Location> {
        self.locate_all(std::slice::from_ref(place)).pop().flatten()
    }

    /// The places of many resources and fields, one pass per file.
    pub fn locate_all(&self, places: &[Place<'_>]) -> Vec<Option<Location>> {
        let mut out = vec![None; places.len()];
        let mut by_file: BTreeMap<FileId, Vec<usize>> = BTreeMap::new();
        for (n, place) in places.iter().enumerate() {
            by_file.entry(place.source.file).or_default().push(n);
        }
        for (file, wanted) in by_file {
            let Some(entry) = self.entry(file) else { continue };
            let Some(text) = self.text(file) else { continue };
            let asked: Vec<Place<'_>> =
                wanted.iter().filter_map(|n| places.get(*n).copied()).collect();
            for (n, found) in wanted.iter().zip(locate_in(entry, &text, &asked)) {
                if let Some(slot) = out.get_mut(*n) {
                    *slot = found;
                }
            }
        }
        out
    }
}

fn locate_in(entry: &FileEntry, text: &str, places: &[Place<'_>]) -> Vec<Option<Location>> {
    let found: Vec<Option<(String, Range<usize>)>> = match entry.layout {
        Layout::Toml => places.iter().map(|place| in_toml(text, place)).collect(),
        layout => in_json(text, layout, places),
    };
    let offsets: Vec<usize> =
        found.iter().flatten().flat_map(|(_, range)| [range.start, range.end]).collect();
    let spots = span::places(text, &offsets);
    let mut pairs = spots.chunks_exact(2);
    found
        .into_iter()
        .map(|found| {
            let (pointer, bytes) = found?;
            let [start, end] = pairs.next()? else { return None };
            Some(Location {
                file: entry.display.clone(),
                pointer,
                line: start.line,
                column: start.column,
                end_line: end.line,
                end_column: end.column,
                bytes,
            })
        })
        .collect()
}

fn in_json(
    text: &str,
    layout: Layout,
    places: &[Place<'_>],
) -> Vec<Option<(String, Range<usize>)>> {
    let roots = document_ranges(text, layout);
    let pointers: Vec<String> = places.iter().map(|p| p.source.pointer()).collect();
    span::ranges(text, &roots, &pointers)
        .into_iter()
        .zip(places)
        .zip(pointers)
        .map(|((range, place), pointer)| Some(with_field(text, layout, range?, place, pointer)))
        .collect()
}

/// Native files are written by hand and small, so each place may parse the text anew.
fn in_toml(text: &str, place: &Place<'_>) -> Option<(String, Range<usize>)> {
    let pointer = place.source.pointer();
    if let Some(key) = place.field.and_then(|field| native::field_key(place.kind, field)) {
        let inner = format!("{pointer}/{key}");
        if let Some(range) = native::locate_toml(text, &inner) {
            return Some((inner, range));
        }
    }
    native::locate_toml(text, &pointer).map(|range| (pointer, range))
}

/// Narrows the place of a resource to that of its field, if the field is written out.
fn with_field(
    text: &str,
    layout: Layout,
    object: Range<usize>,
    place: &Place<'_>,
    pointer: String,
) -> (String, Range<usize>) {
    let Some(field) = place.field else { return (pointer, object) };
    let native_key = native::field_key(place.kind, field);
    let keys = match layout {
        Layout::Native => native_key.as_slice(),
        _ => aliyun::field_keys(place.kind, field),
    };
    for path in keys {
        if let Some(range) = span::field(text, &object, path) {
            return (format!("{pointer}/{path}"), range);
        }
    }
    (pointer, object)
}

/// Where the documents of a text stand.
pub(crate) fn document_ranges(text: &str, layout: Layout) -> Vec<Range<usize>> {
    match layout {
        Layout::Json | Layout::Native => documents(text).unwrap_or_default(),
        Layout::Transcript => responses(text)
            .into_iter()
            .filter_map(|at| Skimmer::new(text, at).skip_value().ok())
            .collect(),
        Layout::Toml => Vec::new(),
    }
}

fn stdin_entry() -> Result<FileEntry, Broken> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(|e| unreadable("-", &e))?;
    Ok(FileEntry {
        display: "-".to_owned(),
        path: None,
        kept: Some(Arc::from(bytes)),
        layout: Layout::Json,
    })
}

/// A walk through directories.
#[derive(Default)]
struct Walk {
    found: BTreeMap<String, PathBuf>,
    broken: Vec<Broken>,
    /// Real paths of the directories seen, so that links in circles end.
    seen: BTreeSet<PathBuf>,
}

impl Walk {
    fn input(&mut self, path: &Path) {
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => self.directory(path),
            Ok(_) => self.add(path.to_path_buf()),
            Err(error) => self.broken.push(unreadable(&path.display().to_string(), &error)),
        }
    }

    fn add(&mut self, path: PathBuf) {
        self.found.insert(path.display().to_string(), path);
    }

    fn directory(&mut self, path: &Path) {
        let Ok(real) = path.canonicalize() else { return };
        if !self.seen.insert(real) {
            return;
        }
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                self.broken.push(unreadable(&path.display().to_string(), &error));
                return;
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            let path = path.join(entry.file_name());
            // a link that leads nowhere is passed over
            match std::fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => self.directory(&path),
                Ok(meta) if meta.is_file() && SUFFIXES.iter().any(|s| name.ends_with(s)) => {
                    self.add(path);
                }
                _ => {}
            }
        }
    }
}
