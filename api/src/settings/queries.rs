//! SQL of settings.
//!
//! Owns statements only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::settings::{Settings, Timeline, Version};
use uuid::Uuid;

use crate::store::Conn;
use crate::store::conn::MultiBackend;
use crate::store::schema::town_settings as table;
use crate::store::types::{At, Id};

/// A version as it is kept.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = table)]
pub struct Row {
    /// Its number.
    pub version: i64,
    /// From when it holds.
    pub effective_from: DateTime<Utc>,
    /// The settings as JSON.
    pub body: String,
    /// When it was set.
    pub created_at: DateTime<Utc>,
    /// By whom.
    pub created_by: Option<Uuid>,
}

impl Row {
    /// The settings.
    ///
    /// # Errors
    /// If what is kept cannot be read.
    pub fn settings(&self) -> QueryResult<Settings> {
        serde_json::from_str(&self.body)
            .map_err(|error| diesel::result::Error::DeserializationError(error.into()))
    }
}

/// All versions of a town.
///
/// # Errors
/// If the database fails.
pub fn timeline(conn: &mut Conn, town: Uuid) -> QueryResult<Timeline> {
    let rows: Vec<Row> = table::table
        .filter(table::town_id.eq(Id(town)))
        .select(Row::as_select())
        .load(conn)?;
    let versions = rows
        .iter()
        .map(|row| {
            Ok(Version {
                number: row.version,
                from: row.effective_from,
                settings: row.settings()?.into(),
            })
        })
        .collect::<QueryResult<_>>()?;
    Ok(Timeline::new(versions))
}

/// Versions of a town, the latest first, behind one.
///
/// # Errors
/// If the database fails.
pub fn history(
    conn: &mut Conn,
    town: Uuid,
    after: Option<i64>,
    limit: i64,
) -> QueryResult<Vec<Row>> {
    let mut query = table::table
        .filter(table::town_id.eq(Id(town)))
        .order(table::version.desc())
        .limit(limit)
        .select(Row::as_select())
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
pub fn add(conn: &mut Conn, town: Uuid, row: &Row) -> QueryResult<()> {
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
