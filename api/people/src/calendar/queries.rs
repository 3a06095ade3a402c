//! SQL of holiday tables.
//!
//! Owns statements only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::calendar::Year;
use uuid::Uuid;

use crate::towns::holidays::read;
use gridpatrol_store::schema::{calendar_state as state, calendar_years as table};
use gridpatrol_store::types::At;
use gridpatrol_store::{Conn, on_each};

/// A stored version of a year's table.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = table)]
pub struct Row {
    /// Its number, from 1.
    pub version: i64,
    /// The table as JSON.
    pub body: String,
    /// When it was set.
    pub created_at: DateTime<Utc>,
    /// Who set it. None: the command line.
    pub created_by: Option<Uuid>,
}

impl Row {
    /// The table.
    ///
    /// # Errors
    /// If what is kept cannot be read.
    pub fn year(&self) -> QueryResult<Year> {
        read(&self.body)
    }
}

/// The table in force of one year.
///
/// # Errors
/// If the database fails.
pub fn latest(conn: &mut Conn, year: i32) -> QueryResult<Option<Row>> {
    table::table
        .filter(table::year.eq(year))
        .order(table::version.desc())
        .select(Row::as_select())
        .first(conn)
        .optional()
}

/// Makes other changes wait until the transaction ends, and tells every process. The number is
/// random, not the next one: if a process saw a number and the transaction was rolled back, that
/// number must never return with other content.
///
/// # Errors
/// If the database fails.
pub fn touch(conn: &mut Conn) -> QueryResult<()> {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    diesel::update(state::table.find(1))
        .set(state::version.eq(i64::from_be_bytes((high >> 1).to_be_bytes())))
        .execute(conn)
        .map(drop)
}

/// Adds a version.
///
/// # Errors
/// If the database fails.
pub fn add(conn: &mut Conn, year: i32, row: &Row) -> QueryResult<()> {
    on_each!(conn, c => diesel::insert_into(table::table)
        .values((
            table::year.eq(year),
            table::version.eq(row.version),
            table::body.eq(&row.body),
            table::created_at.eq(At(row.created_at)),
            table::created_by.eq(row.created_by),
        ))
        .execute(c)
        .map(drop))
}
