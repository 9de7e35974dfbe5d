//! Reads inputs into a topology: one folder per input kind.

pub mod native;
