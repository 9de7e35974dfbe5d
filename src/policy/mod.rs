//! What a user says about a topology: selectors, and who is meant by them.
//!
//! [`selector`] reads the words, knowing nothing of any topology; [`resolve`] finds what they mean
//! in one; [`flow`] makes questions about flows of two of them.

pub mod flow;
mod matching;
pub mod resolve;
pub mod selector;
