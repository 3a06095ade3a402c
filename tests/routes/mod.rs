//! Tests that mirror the rooms with routes.

mod auth;
mod bad_input;
mod grids;
mod imports;
mod positions;
mod reports;
mod service_accounts;
mod tickets;
mod traffic;
