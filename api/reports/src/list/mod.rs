//! Lists of reports, by filter.
//!
//! Owns the list routes (those of the inbox too) and the SQL of lists. It must not write, and must
//! not show a report outside the scope of the caller.

pub mod queries;
pub mod routes;
