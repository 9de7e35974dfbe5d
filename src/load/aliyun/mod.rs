//! The cloud's own JSON: responses of the `aliyun` CLI and of SDKs (formats-api.md).
//!
//! A file goes through these steps: [`carrier`] takes responses out of their wrappers, [`recognize`]
//! finds the API, [`read`] turns rows into resources; when all files are read, [`parents`] recovers
//! lost request parameters and [`pages`] judges which listings are whole.

mod body;
mod carrier;
mod fingerprints;
mod keys;
mod manifest;
mod name;
mod pages;
mod parents;
mod pluck;
mod read;
mod reader;
mod recognize;
mod rows;
mod session;
mod shape;
mod sketch;
mod wording;

pub(crate) use keys::keys as field_keys;
pub(crate) use manifest::{Beside, Manifest, looks_like_manifest};
pub(crate) use read::account_id;
pub(crate) use session::{FileOutcome, Session};
