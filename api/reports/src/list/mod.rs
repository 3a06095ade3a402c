//! Lists of reports.

pub mod queries;
pub mod routes;
