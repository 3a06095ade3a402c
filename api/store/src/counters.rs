//! How many reports each grid has, by status, category, severity and colour (due soon, overdue).
//!
//! Owns the counter rows. The transaction that changes a report updates them too, so that reading a
//! number never counts rows. It must not decide what a report's status or colour is.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::report::{Category, Severity, Status, WarningLevel};
use uuid::Uuid;

use super::Conn;
use super::schema::report_counts as counts;
use super::types::{Coded, Id};
use crate::{on_each, prepared};

#[derive(Insertable)]
#[diesel(table_name = counts)]
struct Cell {
    town_id: Id,
    grid_id: Id,
    status: Coded<Status>,
    category: Coded<Category>,
    severity: Coded<Severity>,
    colour: Coded<WarningLevel>,
    reports: i64,
}

/// What reports are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// Their status.
    pub status: Status,
    /// What is wrong.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// How much of the time limit is used up.
    pub colour: WarningLevel,
}

/// Most cells in one statement.
const TOGETHER: usize = 1000;

/// Changes that are written together: each counter is written once, even if many reports change it.
#[derive(Debug, Default)]
pub struct Shifts(BTreeMap<(Uuid, Uuid, Counted), i64>);

impl Shifts {
    /// Adds `by` reports of this kind to every grid of the path.
    pub fn add(&mut self, path: GridPath, counted: Counted, by: i64) {
        for (_, grid) in path.upward() {
            *self.0.entry((path.town_id(), grid, counted)).or_default() += by;
        }
    }

    /// Writes them, always in the same order. The town's row must be locked (lock order).
    ///
    /// # Errors
    /// If the database fails.
    pub fn write(self, conn: &mut Conn) -> QueryResult<()> {
        let cells: Vec<Cell> = self
            .0
            .into_iter()
            .filter(|(_, by)| *by != 0)
            .map(|((town, grid, counted), by)| Cell {
                town_id: Id(town),
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
            // One prepared statement, used for each row.
            sqlite c => cells.iter().try_for_each(|cell| {
                prepared!(diesel::insert_into(counts::table)
                    .values(cell)
                    .on_conflict(key)
                    .do_update()
                    .set(sum()))
                    .execute(c)
                    .map(drop)
            }),
            // One round trip.
            postgres c => cells.chunks(TOGETHER).try_for_each(|cells| {
                diesel::insert_into(counts::table)
                    .values(cells)
                    .on_conflict(key)
                    .do_update()
                    .set(sum())
                    .execute(c)
                    .map(drop)
            }),
        )
    }
}

/// Adds `by` reports of this kind to every grid of the path. The town's row must be locked (lock
/// order).
///
/// # Errors
/// If the database fails.
pub fn shift(conn: &mut Conn, path: GridPath, counted: Counted, by: i64) -> QueryResult<()> {
    let mut shifts = Shifts::default();
    shifts.add(path, counted, by);
    shifts.write(conn)
}
