//! Grids: the towns with their villages and groups, and who is posted where.
//!
//! Owns the grids' rows and boundaries, their changes and their import, and the directory of a town
//! that other rooms ask for names, paths and staffing. Of reports it knows only that open ones follow
//! a grid that moves or ends (`restructure`).

pub mod boundaries;
pub mod boundary_routes;
pub mod change_routes;
pub mod commands;
pub mod import;
pub mod open_reports;
pub mod queries;
pub mod record;
pub mod restructure;
pub mod routes;

#[cfg(test)]
mod tests;
