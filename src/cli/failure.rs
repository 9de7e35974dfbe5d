//! Why a run could not do its job, in one style.

use std::io::Write;

use vpclint::load::LoadError;
use vpclint::report::cleaned;

/// A list of complaints; printed to standard error, all of them.
#[derive(Debug)]
pub(crate) struct Failure(Vec<Complaint>);

#[derive(Debug)]
struct Complaint {
    what: String,
    place: Option<String>,
    help: Option<String>,
}

impl Failure {
    /// Something is wrong; lower case, no full stop.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(vec![Complaint { what: what.into(), place: None, help: None }])
    }

    /// What to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        if let Some(last) = self.0.last_mut() {
            last.help = Some(help.into());
        }
        self
    }

    /// Writes to standard error; that it cannot be written to is nothing to complain about.
    pub(crate) fn print(&self) {
        let mut out = std::io::stderr().lock();
        for complaint in &self.0 {
            let _ = complaint.write(&mut out);
        }
    }
}

impl Complaint {
    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "error: {}", cleaned(&self.what))?;
        if let Some(place) = &self.place {
            writeln!(out, "  --> {}", cleaned(place))?;
        }
        if let Some(help) = &self.help {
            writeln!(out, "  help: {}", cleaned(help))?;
        }
        Ok(())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Broken(files) => Self(
                files
                    .into_iter()
                    .map(|broken| {
                        let mut place = broken.file;
                        for number in [broken.line, broken.column].into_iter().flatten() {
                            place.push_str(&format!(":{number}"));
                        }
                        Complaint { what: broken.what, place: Some(place), help: broken.help }
                    })
                    .collect(),
            ),
            other => {
                let help = other.help();
                Self(vec![Complaint { what: other.to_string(), place: None, help }])
            }
        }
    }
}

/// A warning on standard error.
pub(crate) fn warn(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "warning: {}", cleaned(text));
}

/// A line on standard error as it is.
pub(crate) fn say(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{}", cleaned(text));
}

/// A note on standard error.
pub(crate) fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "note: {}", cleaned(text));
}
