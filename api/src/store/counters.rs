//! How many reports each grid has, by status, category and severity.
//!
//! Kept in the transaction that changes a report, so that a figure never needs a count of rows.

use diesel::prelude::*;
use diesel::upsert::excluded;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::report::{Category, Severity, Status};

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
    reports: i64,
}

/// Adds `by` reports of this status, category and severity to every grid of the path. With the
/// town's row locked (lock order).
///
/// # Errors
/// If the database fails.
pub fn shift(
    conn: &mut Conn,
    path: GridPath,
    status: Status,
    category: Category,
    severity: Severity,
    by: i64,
) -> QueryResult<()> {
    let cells: Vec<Cell> = path
        .upward()
        .map(|(_, grid)| Cell {
            town_id: Id(path.town_id()),
            grid_id: Id(grid),
            status: Coded(status),
            category: Coded(category),
            severity: Coded(severity),
            reports: by,
        })
        .collect();
    let key = (
        counts::town_id,
        counts::grid_id,
        counts::status,
        counts::category,
        counts::severity,
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
