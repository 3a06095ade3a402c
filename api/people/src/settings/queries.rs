//! SQL of settings.
//!
//! Owns statements only.

use diesel::prelude::*;
use uuid::Uuid;

use crate::towns::settings::SettingsRow;
use gridpatrol_store::Conn;
use gridpatrol_store::conn::MultiBackend;
use gridpatrol_store::schema::town_settings as table;
use gridpatrol_store::types::{At, Id};

/// Versions of a town after a given one, latest first.
///
/// # Errors
/// If the database fails.
pub fn history(
    conn: &mut Conn,
    town: Uuid,
    after: Option<i64>,
    limit: i64,
) -> QueryResult<Vec<SettingsRow>> {
    let mut query = table::table
        .filter(table::town_id.eq(Id(town)))
        .order(table::version.desc())
        .limit(limit)
        .select(SettingsRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(table::version.lt(after));
    }
    query.load(conn)
}

/// Adds a version.
///
/// # Errors
/// If the database fails.
pub fn add(conn: &mut Conn, town: Uuid, row: &SettingsRow) -> QueryResult<()> {
    diesel::insert_into(table::table)
        .values((
            table::town_id.eq(Id(town)),
            table::version.eq(row.version),
            table::effective_from.eq(At(row.effective_from)),
            table::body.eq(&row.body),
            table::created_at.eq(At(row.created_at)),
            table::created_by.eq(row.created_by),
        ))
        .execute(conn)?;
    Ok(())
}
