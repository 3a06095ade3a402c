//! Service accounts: named keys for dashboards and integrations.
//!
//! Owns their life (made, rotated, ended), the form of a key, what it is let in by, and what it may
//! call. An account belongs to its town, not to who made it: it stays when that officer leaves, and
//! the town's leader ends it. It must not decide what may happen to a report
//! (`gridpatrol_domain::service`).

pub mod commands;
pub mod queries;
pub mod routes;
pub mod wire;
