//! Sets the holiday table of a year, in one transaction.
//!
//! Owns who may do it, and what we record. Each table is a new version of its year; it must never
//! overwrite an old one. The security log says who set it. The calendar belongs to no town, so it
//! is in no town's chain. A later table never moves the deadlines that reports already have.

use chrono::{DateTime, Utc};
use gridpatrol_domain::calendar::Year;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::Actor;
use uuid::Uuid;

use super::queries::{self, Row};
use crate::auth::security_log::{self, Kind, Origin, Record};
use gridpatrol_http::etag::{self, IfMatch};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Conn, Outcome};

/// Who sets a table.
#[derive(Debug, Clone)]
pub struct Giver {
    /// The officer. None: the command line.
    pub officer_id: Option<Uuid>,
    /// Where the request came from.
    pub origin: Origin,
}

/// Whether the actor may change the tables of all towns.
///
/// # Errors
/// `not_permitted`.
pub fn may_change(actor: &Actor) -> Result<(), Problem> {
    if actor.is_admin() {
        return Ok(());
    }
    Err(Problem::new(Code::NotPermitted)
        .detail("All towns share one calendar. Only administrators can change it."))
}

/// Sets the whole table of a year. Setting the same table again changes nothing. Without
/// `if_match`, as on the command line, we do not compare the version.
///
/// # Errors
/// `version_mismatch`.
pub fn give(
    conn: &mut Conn,
    giver: &Giver,
    year: &Year,
    if_match: Option<&IfMatch>,
    now: DateTime<Utc>,
) -> Outcome<Row> {
    // The state is locked, so no other transaction adds a version.
    queries::touch(conn)?;
    let latest = queries::latest(conn, year.year)?;
    let version = latest.as_ref().map_or(0, |row| row.version);
    etag::check(if_match, version)?;
    if let Some(latest) = latest.filter(|row| row.year().ok().as_ref() == Some(year)) {
        return Ok(latest);
    }
    let row = Row {
        version: version + 1,
        body: serde_json::to_string(year).map_err(|error| {
            tracing::error!(%error, "a calendar cannot be written");
            Problem::new(Code::Internal)
        })?,
        created_at: now,
        created_by: giver.officer_id,
    };
    queries::add(conn, year.year, &row)?;
    let detail = format!("{} version {}", year.year, row.version);
    let record = Record {
        kind: Kind::CalendarChanged,
        officer_id: giver.officer_id,
        username: None,
        detail: Some(&detail),
    };
    security_log::record(conn, now, &giver.origin, record)?;
    Ok(row)
}
