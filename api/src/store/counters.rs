//! How many reports each grid has, by status, category, severity and colour: how many are due soon or
//! overdue among them.
//!
//! Kept in the transaction that changes a report, so that a figure never needs a count of rows.

use diesel::prelude::*;
use diesel::upsert::excluded;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::report::{Category, Colour, Severity, Status};

use super::Conn;
use super::schema::report_counts as counts;
use super::types::{Coded, Id};
use crate::{fixed, on_each};

#[derive(Insertable)]
#[diesel(table_name = counts)]
struct Cell {
    town_id: Id,
    grid_id: Id,
    status: Coded<Status>,
    category: Coded<Category>,
    severity: Coded<Severity>,
    colour: Coded<Colour>,
    reports: i64,
}

/// By what reports are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counted {
    /// Where they stand.
    pub status: Status,
    /// What is wrong.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// How much of the limit is used up.
    pub colour: Colour,
}

/// Adds `by` reports of this kind to every grid of the path. With the
/// town's row locked (lock order).
///
/// # Errors
/// If the database fails.
pub fn shift(conn: &mut Conn, path: GridPath, counted: Counted, by: i64) -> QueryResult<()> {
    let cells: Vec<Cell> = path
        .upward()
        .map(|(_, grid)| Cell {
            town_id: Id(path.town_id()),
            grid_id: Id(grid),
            status: Coded(counted.status),
            category: Coded(counted.category),
            severity: Coded(counted.severity),
            colour: Coded(counted.colour),
            reports: by,
        })
        .collect();
    let key = (
        counts::town_id,
        counts::grid_id,
        counts::status,
        counts::category,
        counts::severity,
        counts::colour,
    );
    let sum = || counts::reports.eq(counts::reports + excluded(counts::reports));
    on_each!(conn,
        // One prepared statement, again and again.
        sqlite c => cells.iter().try_for_each(|cell| {
            fixed!(diesel::insert_into(counts::table)
                .values(cell)
                .on_conflict(key)
                .do_update()
                .set(sum()))
                .execute(c)
                .map(drop)
        }),
        // One round trip.
        postgres c => diesel::insert_into(counts::table)
            .values(&cells)
            .on_conflict(key)
            .do_update()
            .set(sum())
            .execute(c)
            .map(drop),
    )
}
