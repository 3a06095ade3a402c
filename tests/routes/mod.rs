//! Tests of the routes, one file for each feature.

mod absences;
mod audit;
mod auth;
mod bad_input;
mod bootstrap;
mod calendar;
mod decisions;
mod docs;
mod erasure;
mod grids;
mod imports;
mod invitations;
mod lapsed;
mod officers;
mod positions;
mod reports;
mod service_accounts;
mod settings;
mod teams;
mod tickets;
mod traffic;
mod webhooks;
