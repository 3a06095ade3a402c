//! The integration tests: the real server over HTTP, on SQLite and on PostgreSQL alike.
//!
//! `support` starts it and gives typed officers; `journeys` are stories that cross rooms; `routes`
//! mirror the rooms. Every test runs once a database and ends with an audit of what it left behind.
//! It must not reach behind HTTP for what HTTP can tell.
//!
//! # One test in seconds
//! ```sh
//! cargo test --test integration read_changed_and_archived::sqlite    # needs no PostgreSQL
//! tests/run read_changed_and_archived                                  # on both databases
//! ```
//! The first compiles the library and this binary, not the unit tests; the second starts a throw-away
//! PostgreSQL and looks for the name in the unit tests as well. After a change most of the time is
//! rustc's; the test itself takes a tenth of a second to one.
//!
//! # What a test costs
//! - `World::start` copies a template: a database with both towns, made once a run (SQLite: the file;
//!   PostgreSQL: `CREATE DATABASE … TEMPLATE`). Passwords are hashed with the least of argon2.
//! - The clock stands still until `World::tick`: nothing sleeps until something is due. What waits
//!   for a receiver waits in real time; therefore `tests/run` runs three tests a processor.
//! - `World::stop` does not wait for idle connections.
//! - Dependencies that cost much without optimisation are named in Cargo.toml under `[profile.dev]`.
//!   `perf record target/debug/deps/integration-… NAME` shows the next one.
//!
//! # Snapshots
//! `INSTA_UPDATE=always tests/run NAME` writes `tests/snapshots/*.snap` anew; see `support::snapshot`.
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
