//! The integration tests: the real server over HTTP, on SQLite and on PostgreSQL alike.
//!
//! `support` starts it and gives typed officers; `journeys` are stories that cross rooms; `routes`
//! mirror the rooms. Every test runs once a database and ends with an audit of what it left behind.
//! It must not reach behind HTTP for what HTTP can tell.
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
