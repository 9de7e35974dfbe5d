//! Why nothing was loaded.

use std::fmt;

/// An input that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The file as the user named it.
    pub file: String,
    /// Line, counted from 1; `None` when the file could not even be opened or decoded.
    pub line: Option<u32>,
    /// Column in characters, counted from 1.
    pub column: Option<u32>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Broken {
    /// `vpcs.json:3:14: the JSON ends before it is complete`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Why a run could not load its inputs. Nothing is half done: one unreadable file fails the run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// No input, or standard input twice.
    #[error("{0}")]
    Usage(String),
    /// Files that cannot be read, all of them.
    #[error("{}", list(.0))]
    Broken(Vec<Broken>),
    /// Every file was read, and none of them is anything known.
    #[error("nothing recognised in {files} {}: {seen}", if *.files == 1 { "file" } else { "files" })]
    NothingRecognised {
        /// Number of files.
        files: usize,
        /// What they look like.
        seen: String,
    },
}

impl LoadError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Usage(_) => None,
            Self::Broken(_) => None,
            Self::NothingRecognised { .. } => Some(
                "pass responses of the `aliyun` CLI or a `*.vpclint.toml`; `vpclint export-commands` prints the commands that make a complete export"
                    .to_owned(),
            ),
        }
    }
}

fn list(broken: &[Broken]) -> String {
    let lines: Vec<String> = broken
        .iter()
        .map(|b| match &b.help {
            Some(help) => format!("{b}\n  help: {help}"),
            None => b.to_string(),
        })
        .collect();
    lines.join("\n")
}
