//! Output formats, one file each, all over the same findings and answers.
//!
//! A format prints what it is given and decides nothing. Everything that comes from an input is
//! cleaned on its way to a terminal ([`cleaned`]); colours are decided by the caller ([`Paint`]).

mod blocks;
mod clean;
mod columns;
mod egress_view;
mod excerpt;
mod paint;
mod place;
mod trace_view;

pub mod concise;
pub mod egress_table;
pub mod inspect_text;
pub mod json;
pub mod rules_table;
pub mod text;
pub mod trace_text;

#[cfg(test)]
mod egress_fixture;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod trace_fixture;

pub use blocks::Blocks;
pub use egress_view::EgressScope;
pub use paint::Paint;
pub use place::{Checked, Located, Place, Spot, Texts};
pub use trace_view::{ElementPlace, TraceContext, Traced, elements};

/// A value from an input with hostile characters as escapes.
pub fn cleaned(value: impl std::fmt::Display) -> String {
    clean::clean(value)
}

/// `1 rule`, `2 rules`.
fn plural(n: usize, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{s}")
}
