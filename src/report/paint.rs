//! Colours of our own lines. Whether to use them is decided once, at the start of the run; nothing
//! here looks at the environment (craft.md A.2).

use std::fmt::Display;

/// Whether output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Use ANSI colours.
    pub colour: bool,
}

impl Paint {
    /// No colours.
    pub const PLAIN: Self = Self { colour: false };

    fn sgr(self, code: &str, text: impl Display) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }

    /// Headings.
    pub(crate) fn bold(self, text: impl Display) -> String {
        self.sgr("1", text)
    }

    /// An answer: green when it is good, red when it is not.
    pub(crate) fn verdict(self, good: bool, text: impl Display) -> String {
        self.sgr(if good { "1;32" } else { "1;31" }, text)
    }

    /// What is less important than the rest.
    pub(crate) fn dim(self, text: impl Display) -> String {
        self.sgr("2", text)
    }
}
