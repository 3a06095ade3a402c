//! The gridpatrol server: HTTP API, store and workers around the rules of `gridpatrol_domain`.
//!
//! A request passes at most three layers: `routes` (HTTP and its wire types) → `commands` (one
//! transaction: load, ask the domain, save, record) → `queries` (SQL only). Each feature has its own
//! folder.

pub mod app;
pub mod audit;
pub mod bootstrap;
pub mod cli;
pub mod config;
pub mod demo;
pub mod docs;
pub mod openapi;
pub mod operation;
pub mod ready;
pub mod telemetry;
pub mod webhooks;
pub mod workers;

#[cfg(test)]
#[path = "../../tests/support/database.rs"]
mod testing;
#[cfg(test)]
mod tests;
