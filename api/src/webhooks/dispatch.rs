//! Turns notices into deliveries.
//!
//! Owns which endpoint gets which notice, and from when. It must not make two deliveries of one notice: an
//! endpoint stores the number of the last notice it took, and a town's notices are numbered without gaps.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::notice::delivery::DeliveryState;
use gridpatrol_domain::notice::hours::quiet_until;
use uuid::Uuid;

use super::deliveries::{self, NewDelivery};
use super::queries::Endpoint;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_reports::notices::envelope;
use gridpatrol_store::schema::{notices, towns};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, Outcome};

/// Notices taken in one transaction.
const AT_ONCE: i64 = 200;
/// Deliveries of an endpoint that wait at most: beyond that, notices stay notices.
pub const MOST_WAITING: i64 = 1000;

/// What of a notice decides where it goes.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = notices)]
pub struct Facts {
    /// Its number in the town.
    pub seq: i64,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject_id: Uuid,
    /// Where that is.
    pub grid_id: Uuid,
    /// Where it was before, if it came from elsewhere.
    pub former_grid_id: Option<Uuid>,
    /// Whether it goes to phones in the quiet hours.
    pub breaks_quiet: bool,
}

/// Makes deliveries of the next notices that this endpoint wants. Its row is locked, and saved by the
/// caller. Returns whether there may be more.
///
/// # Errors
/// If the database fails.
pub fn run(
    conn: &mut Conn,
    directory: &Directory,
    endpoint: &mut Endpoint,
    now: DateTime<Utc>,
) -> Outcome<bool> {
    let last: i64 = towns::table
        .find(Id(endpoint.town_id))
        .select(towns::notice_seq)
        .first(conn)?;
    if last <= endpoint.dispatched_seq
        || deliveries::count_pending(conn, endpoint.id)? >= MOST_WAITING
    {
        return Ok(false);
    }
    let found: Vec<Facts> = notices::table
        .filter(notices::town_id.eq(Id(endpoint.town_id)))
        .filter(notices::seq.gt(endpoint.dispatched_seq))
        .filter(notices::seq.le(last))
        .order(notices::seq)
        .limit(AT_ONCE)
        .select(Facts::as_select())
        .load(conn)?;
    let more = found.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
    // After the last one found there are none: missing notices were deleted after their time.
    endpoint.dispatched_seq = match found.last() {
        Some(facts) if more => facts.seq,
        _ => last,
    };
    let wanted = wanted(conn, directory, endpoint, found)?;
    queue(conn, directory, endpoint, &wanted, now)?;
    Ok(more)
}

/// The notices that the endpoint wants: about its grid, or about what has just left the grid. If the grid
/// was merged, its successor counts.
///
/// # Errors
/// If the database fails.
pub fn wanted(
    conn: &mut Conn,
    directory: &Directory,
    endpoint: &Endpoint,
    found: Vec<Facts>,
) -> Outcome<Vec<Facts>> {
    let town = directory.town(conn, endpoint.town_id)?;
    let stands = |grid: Uuid| {
        let active_successor = town
            .active_successor(grid)
            .map(|active_successor| active_successor.path);
        active_successor.or_else(|| town.path(grid))
    };
    let bound = stands(endpoint.grid_id);
    let kinds = endpoint.wanted();
    Ok(found
        .into_iter()
        .filter(|facts| {
            let mut places = [Some(facts.grid_id), facts.former_grid_id]
                .into_iter()
                .flatten()
                .filter_map(stands);
            let within = bound.is_some_and(|bound| places.any(|place| bound.covers(place)));
            within
                && kinds
                    .as_ref()
                    .is_none_or(|kinds| kinds.contains(&facts.kind))
        })
        .collect())
}

/// Until when what goes to phones by this endpoint waits, unless it breaks the quiet: the end of the quiet
/// hours that hold now, whenever it happened.
///
/// # Errors
/// If the database fails.
pub fn quiet(
    conn: &mut Conn,
    directory: &Directory,
    endpoint: &Endpoint,
    now: DateTime<Utc>,
) -> Outcome<Option<DateTime<Utc>>> {
    if endpoint.provider.is_none() {
        return Ok(None);
    }
    let town = directory.town(conn, endpoint.town_id)?;
    Ok(quiet_until(town.settings().at(now).quiet_hours, now))
}

/// Queues notices for an endpoint, in this order; it saves the last number. What goes to phones waits
/// for the end of the quiet hours, and each for what waits of its report before it: only that which may
/// be sent is due.
///
/// # Errors
/// If the database fails.
pub fn queue(
    conn: &mut Conn,
    directory: &Directory,
    endpoint: &mut Endpoint,
    notices: &[Facts],
    now: DateTime<Utc>,
) -> Outcome<()> {
    let quiet = quiet(conn, directory, endpoint, now)?;
    let subjects = notices.iter().map(|facts| facts.subject_id);
    let before = deliveries::waiting_until(conn, endpoint.id, subjects, now)?;
    let rows: Vec<NewDelivery> = notices
        .iter()
        .zip(endpoint.last_number + 1..)
        .map(|(facts, number)| {
            let quiet = quiet.filter(|_| !facts.breaks_quiet);
            let before = before.get(&facts.subject_id).copied();
            NewDelivery {
                endpoint_id: Id(endpoint.id),
                number,
                notice_seq: Some(facts.seq),
                notice_id: envelope::id(endpoint.town_id, facts.seq),
                kind: facts.kind.clone(),
                subject_id: Id(facts.subject_id),
                body: None,
                state: Coded(DeliveryState::Pending),
                due_at: Some(At(now.max(quiet.unwrap_or(now)).max(before.unwrap_or(now)))),
                created_at: At(now),
            }
        })
        .collect();
    if let Some(last) = rows.last() {
        endpoint.last_number = last.number;
    }
    deliveries::insert(conn, &rows)?;
    if endpoint.provider.is_some() {
        // What breaks the quiet takes along what was held back before it of the same report.
        for loud in notices.iter().filter(|facts| facts.breaks_quiet) {
            deliveries::hasten(conn, endpoint.id, loud.subject_id, now)?;
        }
    }
    Ok(())
}
