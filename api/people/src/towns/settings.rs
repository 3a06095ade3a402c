//! Reads the settings of a town for its snapshot. It must not write them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::settings::{Settings, Timeline, Version};
use uuid::Uuid;

use gridpatrol_store::Conn;
use gridpatrol_store::schema::town_settings as table;
use gridpatrol_store::types::Id;

/// A stored version.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = table)]
pub struct SettingsRow {
    /// Its number.
    pub version: i64,
    /// From when it holds.
    pub effective_from: DateTime<Utc>,
    /// The settings as JSON.
    pub body: String,
    /// When it was set.
    pub created_at: DateTime<Utc>,
    /// Who set it.
    pub created_by: Option<Uuid>,
}

impl SettingsRow {
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
    let rows: Vec<SettingsRow> = table::table
        .filter(table::town_id.eq(Id(town)))
        .select(SettingsRow::as_select())
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
