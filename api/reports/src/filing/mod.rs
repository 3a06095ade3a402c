//! Filing a report: what is sent, and where it goes.

pub mod commands;
pub mod filing_target;
pub mod request;
pub mod routes;
pub mod texts;
