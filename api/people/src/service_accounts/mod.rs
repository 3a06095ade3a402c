//! Service accounts: named keys for dashboards and integrations.
//!
//! Owns creating, changing, rotating and ending them. An account belongs to its town, not to the
//! officer who made it: it stays when that officer leaves, and the town's leader can end it. This
//! module must not decide what an account may call (`auth::service_keys`) or do to a report
//! (`gridpatrol_domain::service`).

pub mod commands;
pub mod queries;
pub mod routes;
pub mod wire;
