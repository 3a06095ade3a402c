//! Who works where: towns and their grids, officers and teams, settings and calendar, sign-in.
//!
//! A module may use only the modules before it: `towns` (the snapshot of a town), `auth`,
//! `imports`, then `service_accounts`, `grids`, `officers`, `teams`, `settings` and `calendar`.
//! None of them may know reports.

pub mod auth;
pub mod calendar;
pub mod grids;
pub mod imports;
pub mod officers;
pub mod service_accounts;
pub mod settings;
pub mod teams;
pub mod towns;

#[cfg(test)]
#[path = "../../../tests/support/database.rs"]
mod testing;
