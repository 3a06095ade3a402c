//! Grids: towns with their villages and groups.
//!
//! Owns the grids' rows and boundaries, their changes and their import. It must not know reports;
//! it only asks that open reports follow a grid that moves or ends (`restructure`).

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
