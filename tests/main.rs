//! The integration tests: the real server over HTTP, on SQLite and on PostgreSQL alike.
//!
//! `support` starts the server and provides officers; `journeys` are stories that use several features;
//! `routes` has a file for each feature. Every test runs once on each database and ends with an audit of
//! the data. Tests must not look into the database for what HTTP can tell.
//!
//! # One test in seconds
//! ```sh
//! cargo test --test integration read_changed_and_archived::sqlite    # needs no PostgreSQL
//! tests/run read_changed_and_archived                                  # on both databases
//! ```
//! The first compiles the library and this binary, not the unit tests; the second starts a temporary
//! PostgreSQL and looks for the name in the unit tests too. After a change, rustc takes most of the
//! time; the test itself takes 0.1 to 1 second.
//!
//! # What a test costs
//! - `World::start` copies a template: a database with both towns, made once a run (SQLite: the file;
//!   PostgreSQL: `CREATE DATABASE … TEMPLATE`). Passwords use the cheapest argon2 settings.
//! - The clock stands still until `World::tick`: no test sleeps until something is due. Waiting for a
//!   receiver takes real time, so `tests/run` runs three tests on each processor.
//! - `World::stop` does not wait for idle connections.
//! - Cargo.toml lists dependencies that are slow without optimisation under `[profile.dev]`.
//!   `perf record target/debug/deps/integration-… NAME` shows the next one.
//!
//! # Snapshots
//! `INSTA_UPDATE=always tests/run NAME` rewrites `tests/snapshots/*.snap`; see `support::snapshot`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)] // These are tests: a failure is meant to stop them.

#[macro_use]
mod support;

mod authorization;
mod guides;
mod journeys;
mod openapi;
mod routes;
