//! Grids: the towns with their villages and groups, and who is posted where.
//!
//! Owns the grids' rows, their import, and the directory of a town that other rooms ask for names,
//! paths and staffing. It must not know reports.

pub mod directory;
pub mod import;
pub mod queries;
pub mod routes;

#[cfg(test)]
mod tests;
