//! Holidays and make-up days over HTTP and in the store.
//!
//! Owns the tables (one a year for all towns, with versions) and who may change them. It must not
//! decide what they mean: `gridpatrol_domain::calendar` does. A town's snapshot
//! (`towns::directory`) keeps a copy in memory.

pub mod commands;
pub mod queries;
pub mod routes;
