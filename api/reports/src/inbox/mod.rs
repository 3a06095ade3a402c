//! The inbox of an officer: the reports that wait for the officer, and deciding many of them at
//! once.
//!
//! Owns who a report waits for, the inbox queries and counts, and decisions in bulk. It must not
//! decide by itself what a decision does: each one goes through `commands`.

pub mod decisions;
pub mod item;
pub mod queries;
pub mod routes;
