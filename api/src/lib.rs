//! The gridpatrol server: HTTP API, store and workers around the rules of `gridpatrol_domain`.
//!
//! A request passes three hops and never more: `routes` (HTTP and its wire types) → `commands`
//! (one transaction: load, ask the domain, save, record) → `queries` (SQL only). A feature lives in
//! one folder.

pub mod app;
mod aside;
pub mod audit;
pub mod auth;
pub mod bootstrap;
pub mod calendar;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod docs;
pub mod grids;
pub mod http;
pub mod imports;
pub mod notices;
pub mod officers;
pub mod openapi;
pub mod operation;
pub mod photos;
pub mod problem;
pub mod ready;
pub mod reports;
pub mod service_accounts;
pub mod settings;
pub mod store;
pub mod teams;
pub mod telemetry;
pub mod towns;
pub mod traffic;
pub mod webhooks;
pub mod workers;
