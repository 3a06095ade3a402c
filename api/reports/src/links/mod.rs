//! Links between reports: similar ones, duplicates, and matters that came back.
//!
//! Owns how such reports are found and linked, and how a link is recorded. It must not decide what a
//! link means for a report, and must not show reports that the caller does not see.

pub mod duplicates;
pub mod recurrence;
pub mod routes;
pub mod similar;
