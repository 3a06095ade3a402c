//! Towns as every other room asks for them: names, paths, who is responsible when, teams, settings.
//!
//! Owns the snapshot of a town, its reading, and how long it is kept. It changes nothing, and it must
//! not know who asks.

pub mod choice;
pub mod directory;
pub mod holidays;
pub mod queries;
pub mod settings;
pub mod snapshot;
mod team_lookup;
pub mod teams;
