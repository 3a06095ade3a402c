//! Giving a year its table: one transaction.
//!
//! Owns who may, and what is recorded: a table is a new version of its year, none is ever written
//! over, and the security log says who gave it. It is no town's, so no town's chain has it; what was
//! counted by it stands in the deadlines of the reports, which a later table never moves.

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

/// Who gives a table.
#[derive(Debug, Clone)]
pub struct Giver {
    /// The officer; none: the command line.
    pub officer_id: Option<Uuid>,
    /// From where.
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
        .detail("The calendar is one for all towns: administrators change it."))
}

/// Gives a year its table, whole. The same one again is no change. Without `if_match`, as the command
/// line gives it, the version is not compared.
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
    // With the state locked nobody else adds a version.
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
