//! Settings of a town over HTTP and in the store.
//!
//! Owns reading and changing them, and their record. What they are and what may be set is
//! `gridpatrol_domain::settings`; the town's snapshot (`grids::directory`) keeps them at hand. The
//! server's own configuration is `config`.

pub mod commands;
pub mod queries;
pub mod routes;
