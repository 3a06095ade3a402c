//! The rules as a whole: properties that hold whatever people do, and whatever is set.
//!
//! `properties` plays random histories; `town`, `actions` and `bodies` make them up, `invariants` says
//! what must hold; `settings` shows that a change never moves what was filed before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)] // These are tests: a failure is meant to stop them.

mod actions;
mod bodies;
mod invariants;
mod properties;
mod settings;
mod town;
