//! What every command with inputs does first: load, compile, and answer for all sources.

use std::collections::BTreeMap;
use std::path::PathBuf;

use vpclint::analyze::egress::{self, EgressReport};
use vpclint::fabric::{Assume, Fabric, UnverifiedListings};
use vpclint::load::{self, Document, Files, Input, LoadOptions, LoadReport, Loaded, NoteLevel};
use vpclint::report::{Checked, Place, Spot, Texts};
use vpclint::rules;
use vpclint::topology::{FileId, Listing, Scope, Topology};

use super::Global;
use super::failure::{Failure, note, warn};

/// Warnings about the input that are printed unless everything is asked for.
const WARNINGS_SHOWN: usize = 5;

#[derive(clap::Args)]
pub(crate) struct Inputs {
    /// Files, directories, or `-` for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Settle what the input or the documents leave open; docs/assumptions.md lists the knobs
    #[arg(long, value_name = "KNOB=VALUE")]
    assume: Vec<String>,
    /// Region of responses that do not tell it
    #[arg(long)]
    region: Option<String>,
    /// Account of responses that do not tell it
    #[arg(long)]
    account: Option<String>,
}

/// The inputs of a run, loaded and compiled.
pub(crate) struct Compiled {
    pub(crate) loaded: Loaded,
    pub(crate) fabric: Fabric,
}

/// The inputs of a run and the answers that most commands build on.
pub(crate) struct Session {
    pub(crate) loaded: Loaded,
    pub(crate) fabric: Fabric,
    pub(crate) egress: EgressReport,
}

impl Compiled {
    /// Loads and compiles. Warnings about the input go to standard error.
    pub(crate) fn start(args: &Inputs, global: &Global) -> Result<Self, Failure> {
        Self::load(args, global, false)
    }

    fn load(args: &Inputs, global: &Global, keep_going: bool) -> Result<Self, Failure> {
        let mut assume = Assume::default();
        for setting in &args.assume {
            assume.set(setting).map_err(|error| Failure::new(format!("--assume: {error}")))?;
        }
        let inputs: Vec<Input> = args
            .inputs
            .iter()
            .map(|path| match path.to_str() {
                Some("-") => Input::Stdin,
                _ => Input::Path(path.clone()),
            })
            .collect();
        let options = LoadOptions {
            region: args.region.clone(),
            account: args.account.clone(),
            keep_going,
            ..LoadOptions::default()
        };
        let mut loaded = load::load(&inputs, &options)?;
        if assume.unverified_listings == UnverifiedListings::Complete {
            loaded.topology.coverage.trust_unverified();
        }
        tell(&loaded, global);
        let fabric = Fabric::compile(&loaded.topology, &assume);
        Ok(Self { loaded, fabric })
    }
}

impl Session {
    /// Loads and compiles. Warnings about the input go to standard error.
    pub(crate) fn start(args: &Inputs, global: &Global) -> Result<Self, Failure> {
        Self::load(args, global, false)
    }

    /// The same, but goes on without files that are broken; the report of the load lists them.
    pub(crate) fn start_in_part(args: &Inputs, global: &Global) -> Result<Self, Failure> {
        Self::load(args, global, true)
    }

    fn load(args: &Inputs, global: &Global, keep_going: bool) -> Result<Self, Failure> {
        let Compiled { loaded, fabric } = Compiled::load(args, global, keep_going)?;
        let egress = egress::analyze(&fabric);
        Ok(Self { loaded, fabric, egress })
    }

    pub(crate) fn topology(&self) -> &Topology {
        &self.loaded.topology
    }

    /// Listings without which there may be sources of egress that nobody knows of.
    pub(crate) fn source_gaps(&self) -> Vec<String> {
        let topology = self.topology();
        let mut scopes: Vec<Scope> =
            topology.vpcs.iter().map(|vpc| Scope::around(&vpc.meta)).collect();
        if scopes.is_empty() {
            scopes.push(Scope::anywhere());
        }
        let mut gaps: Vec<String> = scopes
            .iter()
            .flat_map(|scope| [Listing::Enis, Listing::Instances].map(|listing| (listing, scope)))
            .filter_map(|(listing, scope)| topology.coverage.gap(listing, scope))
            .map(|gap| gap.to_string())
            .collect();
        gaps.sort();
        gaps.dedup();
        gaps
    }

    /// The findings with their places, and the texts of the files they are in.
    pub(crate) fn places<'a>(&'a self, outcome: &'a rules::Outcome) -> (Checked<'a>, FileTexts) {
        let files = &self.loaded.files;
        let wanted: Vec<load::Place<'_>> = outcome
            .findings
            .iter()
            .flat_map(|finding| &finding.locations)
            .map(|location| load::Place {
                source: &location.source,
                kind: location.kind,
                field: location.field,
            })
            .collect();
        let mut found = files.locate_all(&wanted).into_iter();
        let mut texts = FileTexts::default();
        let resources = self.topology().resources().count();
        let understood = understood_files(&self.loaded.report);
        let checked = Checked::new(outcome, resources, understood, |finding| {
            finding
                .locations
                .iter()
                .filter_map(|location| {
                    let at = found.next()??;
                    texts.keep(files, location.source.file);
                    let place = Place {
                        file_id: location.source.file,
                        file: at.file,
                        pointer: at.pointer,
                        line: at.line,
                        column: at.column,
                        end_line: at.end_line,
                        end_column: at.end_column,
                        bytes: at.bytes,
                    };
                    Some(Spot { role: location.role, label: &location.label, place })
                })
                .collect()
        });
        (checked, texts)
    }
}

/// Texts of the files that findings point into.
#[derive(Default)]
pub(crate) struct FileTexts(BTreeMap<FileId, Option<String>>);

impl FileTexts {
    fn keep(&mut self, files: &Files, file: FileId) {
        self.0.entry(file).or_insert_with(|| files.text(file));
    }
}

impl Texts for FileTexts {
    fn text(&self, file: FileId) -> Option<&str> {
        self.0.get(&file)?.as_deref()
    }
}

/// Number of files of which at least something went into the topology.
fn understood_files(report: &LoadReport) -> usize {
    let mut files: Vec<FileId> =
        report.documents.iter().filter(|d| is_used(d)).map(|d| d.file).collect();
    files.dedup();
    files.len()
}

/// True for documents that went into the topology.
fn is_used(document: &Document) -> bool {
    matches!(document.outcome, load::Outcome::Read(_) | load::Outcome::Native)
}

/// Says on standard error what is worth knowing about the input.
fn tell(loaded: &Loaded, global: &Global) {
    if global.quiet {
        return;
    }
    let report = &loaded.report;
    let mut more = 0usize;
    let mut shown = 0usize;
    for item in &report.notes {
        if item.level == NoteLevel::Note && !global.verbose {
            continue;
        }
        if shown == WARNINGS_SHOWN && !global.verbose {
            more += 1;
            continue;
        }
        shown += 1;
        let text = match item.file {
            Some(file) => format!("{}: {}", loaded.files.display(file), item.text),
            None => item.text.clone(),
        };
        match item.level {
            NoteLevel::Warning => warn(text),
            NoteLevel::Note => note(text),
        }
    }
    if more > 0 {
        warn(format_args!("and {more} more about the input; `vpclint inspect` lists them"));
    }
    if global.verbose {
        note(format_args!(
            "loaded {} resources from {} of {} files",
            loaded.topology.resources().count(),
            understood_files(report),
            loaded.files.len(),
        ));
    }
}
