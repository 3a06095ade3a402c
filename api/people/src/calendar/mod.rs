//! Holidays and make-up days over HTTP and in the store.
//!
//! Owns the tables, one a year for all towns, version by version, and who changes them. What they mean
//! is `gridpatrol_domain::calendar`; a town's snapshot (`grids::directory`) keeps them at hand.

pub mod commands;
pub mod queries;
pub mod routes;
