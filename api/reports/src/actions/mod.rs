//! Actions on reports: what is sent, and what it asks of the rules.

pub mod action_translation;
pub mod amend_routes;
pub mod commands;
pub mod measure_routes;
pub mod measures;
pub mod requests;
pub mod routes;
