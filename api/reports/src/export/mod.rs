//! The package of a report for the county: everything about the report in one ZIP file.
//!
//! Owns what the package holds, how it is built and signed, and who may take it. It must not change
//! the report: it only adds an entry to the security log.

mod answer;
mod archive;
mod download;
mod package;
mod queries;
pub mod routes;
