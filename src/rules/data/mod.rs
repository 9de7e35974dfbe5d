//! Diagnostics of the input itself: what is missing, contradictory or only known as a symbol.

mod conflict;
mod listing;
mod status;
mod symbol;
mod unmodelled;

pub(super) use conflict::DuplicateIdConflict;
pub(super) use listing::{CompanionDataMissing, ListingTruncated};
pub(super) use status::TransientStatus;
pub(super) use symbol::{MaskedValue, UnknownAtPlan};
pub(super) use unmodelled::UnmodelledFeature;
