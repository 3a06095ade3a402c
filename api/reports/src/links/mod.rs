//! What reports have to do with each other: similar ones, duplicates, matters that came back.

pub mod duplicates;
pub mod recurrence;
pub mod routes;
pub mod similar;
