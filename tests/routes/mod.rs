//! Tests that mirror the rooms with routes.

mod auth;
mod bad_input;
mod reports;
mod service_accounts;
mod tickets;
