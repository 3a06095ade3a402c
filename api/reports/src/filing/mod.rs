//! Filing a report: what clients send, and which grid gets it.
//!
//! Owns the request of a filing, its checks, the choice of the grid, and the routes. It must not
//! decide what happens to the report (the domain does) and must not save it (`commands` does).

pub mod commands;
pub mod filing_target;
pub mod request;
pub mod routes;
pub mod texts;
