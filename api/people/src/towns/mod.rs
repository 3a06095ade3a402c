//! Towns as all other modules use them: names, paths, who is responsible when, teams, settings.
//!
//! Owns the snapshot of a town, how it is read, and how long we keep it. It must not change
//! anything or know who asks.

pub mod choice;
pub mod directory;
pub mod holidays;
pub mod queries;
pub mod settings;
pub mod snapshot;
mod team_lookup;
pub mod teams;
