//! The package of a report for the county: everything about it in one ZIP.

mod answer;
mod archive;
mod download;
mod package;
mod queries;
pub mod routes;
