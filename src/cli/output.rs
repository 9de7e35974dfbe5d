//! Where results go: formats, files, standard output, colours.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::str::FromStr;

use anstream::{AutoStream, ColorChoice};
use vpclint::report::Paint;

use super::failure::Failure;
use super::{Colour, Global};

/// A format of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One line per finding.
    Concise,
    /// For programs.
    Json,
}

impl Format {
    const ALL: [Self; 3] = [Self::Text, Self::Concise, Self::Json];

    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Concise => "concise",
            Self::Json => "json",
        }
    }
}

/// One `--output`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) format: Format,
    /// `None` for standard output.
    pub(crate) path: Option<PathBuf>,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = match text.split_once('=') {
            Some((_, "")) => return Err("the path after `=` is empty".to_owned()),
            Some((name, "-")) => (name, None),
            Some((name, path)) => (name, Some(PathBuf::from(path))),
            None => (text, None),
        };
        let format = Format::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| format!("there is no format `{name}`; use {}", names(&Format::ALL)))?;
        Ok(Self { format, path })
    }
}

fn names(formats: &[Format]) -> String {
    formats.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
}

/// Checks before any work that a command has the formats that are asked for, and that only one
/// result goes to standard output.
pub(crate) fn targets(global: &Global, allowed: &[Format]) -> Result<Vec<Target>, Failure> {
    for target in &global.output {
        if !allowed.contains(&target.format) {
            return Err(Failure::new(format!(
                "this command has no format `{}`",
                target.format.name()
            ))
            .help(format!("use {}", names(allowed))));
        }
    }
    if global.output.iter().filter(|target| target.path.is_none()).count() > 1 {
        return Err(Failure::new("two results would go to standard output")
            .help("write one of them to a file: --output json=PATH"));
    }
    if global.output.is_empty() {
        return Ok(vec![Target { format: Format::Text, path: None }]);
    }
    Ok(global.output.clone())
}

/// Writes a result to all targets: files first, standard output last. That nobody reads standard
/// output any more is no failure.
pub(crate) fn emit(
    targets: &[Target],
    global: &Global,
    render: impl Fn(Format, &mut dyn Write, Paint) -> io::Result<()>,
) -> Result<(), Failure> {
    for target in targets {
        if let Some(path) = &target.path {
            let paint = Paint { colour: global.color == Colour::Always };
            let mut bytes = Vec::new();
            render(target.format, &mut bytes, paint)
                .and_then(|()| std::fs::write(path, &bytes))
                .map_err(|e| Failure::new(format!("cannot write `{}`: {e}", path.display())))?;
        }
    }
    if let Some(target) = targets.iter().find(|target| target.path.is_none()) {
        let paint = Paint { colour: stdout_has_colour(global.color) };
        to_stdout(paint, |out| render(target.format, out, paint))?;
    }
    Ok(())
}

fn to_stdout(
    paint: Paint,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let stdout = io::stdout().lock();
    let result = if paint.colour {
        let mut out = BufWriter::new(AutoStream::always(stdout));
        write(&mut out).and_then(|()| out.flush())
    } else {
        let mut out = BufWriter::new(stdout);
        write(&mut out).and_then(|()| out.flush())
    };
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn stdout_has_colour(colour: Colour) -> bool {
    match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
    }
}
