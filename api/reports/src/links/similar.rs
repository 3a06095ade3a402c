//! Reports that may be about the same matter: same category, near in place and time.
//!
//! Owns the search. [`near`] searches the whole town, whatever the caller may see. So its rows must
//! go through [`parted`], which separates what the scope shows from a mere count of the others.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::geo::Position;
use gridpatrol_domain::report::{Category, Status};
use gridpatrol_domain::scope::Scope;
use gridpatrol_domain::settings::SimilarRules;
use uuid::Uuid;

use crate::record::queries;
use crate::record::rows::ReportRow;
use gridpatrol_store::Conn;
use gridpatrol_store::conn::MultiBackend;
use gridpatrol_store::prepared_statement::PreparedByText;
use gridpatrol_store::schema::reports;
use gridpatrol_store::types::{At, Coded, Id};

/// How many reports are looked at in all; each status gets an equal share.
const MOST_SCANNED: i64 = 10_000;
/// The most reports that are suggested: the nearest ones.
pub const MOST_SUGGESTED: usize = 20;

/// The statuses that are suggested: all that count.
const STATUSES: [Status; 5] = [
    Status::Open,
    Status::Escalating,
    Status::Resolved,
    Status::Suspended,
    Status::Closed,
];

/// What other reports are compared with.
#[derive(Debug, Clone, Copy)]
pub struct Matter {
    /// The town.
    pub town_id: Uuid,
    /// What is wrong.
    pub category: Category,
    /// Where.
    pub position: Position,
    /// When it was received, or would be if filed now.
    pub at: DateTime<Utc>,
    /// The report itself, if it is already filed.
    pub report: Option<Uuid>,
}

/// A report and its distance.
#[derive(Debug, Clone)]
pub struct Near {
    /// The report.
    pub row: ReportRow,
    /// The distance in metres.
    pub metres: f64,
}

/// Reports of the town that may be about the same matter, the nearest first.
///
/// # Errors
/// If the database fails.
pub fn near(conn: &mut Conn, matter: &Matter, rules: SimilarRules) -> QueryResult<Vec<Near>> {
    let reach = f64::from(rules.metres);
    let window = TimeDelta::days(i64::from(rules.days));
    let (low, high) = matter.position.around(reach);
    let share = MOST_SCANNED / i64::try_from(STATUSES.len()).unwrap_or(1);
    let mut found = Vec::new();
    for status in STATUSES {
        // One pass down the index of town, status and category.
        let walk = || {
            reports::table
                .filter(reports::town_id.eq(Id(matter.town_id)))
                .filter(reports::status.eq(Coded(status)))
                .filter(reports::category.eq(Coded(matter.category)))
                .filter(reports::received_at.ge(At(matter.at - window)))
                .filter(reports::received_at.le(At(matter.at + window)))
                .order((reports::received_at.desc(), reports::id.desc()))
                .into_boxed::<MultiBackend>()
        };
        let deepest = walk()
            .select(reports::received_at)
            .offset(share - 1)
            .limit(1);
        let deepest: Option<DateTime<Utc>> = PreparedByText(deepest).get_result(conn).optional()?;
        let mut query = walk()
            .filter(reports::lat.between(low.lat, high.lat))
            .filter(reports::lon.between(low.lon, high.lon));
        if let Some(deepest) = deepest {
            query = query.filter(reports::received_at.ge(At(deepest)));
        }
        let rows: Vec<ReportRow> =
            PreparedByText(query.select(ReportRow::as_select()).limit(share)).load(conn)?;
        found.extend(rows.into_iter().filter_map(|row| {
            let position = Position {
                lat: row.lat?,
                lon: row.lon?,
            };
            let metres = matter.position.metres_to(position);
            (metres <= reach && Some(row.id) != matter.report).then_some(Near { row, metres })
        }));
    }
    found.sort_by(|one, other| {
        let newer = other.row.received_at.cmp(&one.row.received_at);
        one.metres.total_cmp(&other.metres).then(newer)
    });
    Ok(found)
}

/// The reports that the scope shows, at most [`MOST_SUGGESTED`], and the number of those it does
/// not show.
///
/// # Errors
/// If the database fails.
pub fn parted(conn: &mut Conn, scope: &Scope, found: Vec<Near>) -> QueryResult<(Vec<Near>, usize)> {
    let (mut shown, mut hidden) = (Vec::new(), 0);
    for near in found {
        if !queries::shows(conn, scope, &near.row)? {
            hidden += 1;
        } else if shown.len() < MOST_SUGGESTED {
            shown.push(near);
        }
    }
    Ok((shown, hidden))
}
