//! The inbox: what waits for an officer, what is due first coming first.
//!
//! Owns which desks are an officer's (by posting, by deputy, by vacancy) and the SQL over them. Its
//! cost follows what waits, not the history.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use gridpatrol_domain::officer::{Actor, Staffing};
use gridpatrol_domain::report::Duty;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::InboxCounts;
use super::rows::ReportRow;
use crate::grids::directory::Town;
use crate::store::kept::{Kept, padded};
use crate::store::schema::reports;
use crate::store::types::{Coded, Id};
use crate::store::{Conn, conn::MultiBackend};

/// The desks of an officer in one town.
#[derive(Debug, Default)]
pub struct Desks {
    /// Villages whose escalations the officer decides on.
    deciding: Vec<Uuid>,
    /// Grids for which the officer works and verifies.
    working: Vec<Uuid>,
    /// Officers whose personal work is not this officer's: all who serve, but this one and those
    /// stood in for.
    colleagues: Vec<Uuid>,
}

impl Desks {
    /// The desks of `actor` in this town.
    #[must_use]
    pub fn of(actor: &Actor, town: &Town, staffing: &Staffing) -> Self {
        let mut desks = Self::default();
        let mut stood_for = vec![actor.officer_id];
        stood_for.extend(actor.working().filter_map(|posting| posting.on_behalf_of));
        desks.colleagues = staffing
            .serving()
            .into_iter()
            .filter(|officer| !stood_for.contains(officer))
            .collect();
        for grid in town.grids().map(|grid| grid.path) {
            if actor.stands_at(grid, staffing).is_some() {
                desks.working.push(grid.id());
            }
            let Some(village) = grid.village_id().filter(|village| *village == grid.id()) else {
                continue;
            };
            let secretary = actor
                .acting()
                .any(|posting| posting.role.decides() && posting.grid.id() == village);
            let stands_in =
                !staffing.has_secretary(village) && actor.stands_at_town(grid).is_some();
            if secretary || stands_in {
                desks.deciding.push(village);
            }
        }
        desks
    }
}

/// The sort key: due first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// When it is due.
    pub next_due_at: DateTime<Utc>,
    /// The report.
    pub id: Uuid,
}

impl Key {
    /// The key of a row that waits at a desk.
    #[must_use]
    pub fn of(row: &ReportRow) -> Self {
        Self {
            next_due_at: row.next_due_at.map_or(row.deadline_at, |due| due.0),
            id: row.id,
        }
    }
}

type Boxed<'a> = reports::BoxedQuery<'a, MultiBackend>;

/// Whether a report waits at one of these desks.
type Waits<'a> = Box<dyn BoxableExpression<reports::table, MultiBackend, SqlType = Bool> + 'a>;

fn ids(ids: &[Uuid]) -> Vec<Id> {
    padded(ids.iter().copied().map(Id))
}

fn waits<'a>(desks: &Desks) -> Waits<'a> {
    let decide = reports::desk_duty.eq(Some(Coded(Duty::Decide))).and(
        reports::desk_grid_id
            .assume_not_null()
            .eq_any(ids(&desks.deciding)),
    );
    let work = reports::desk_duty
        .ne(Some(Coded(Duty::Decide)))
        .and(
            reports::desk_grid_id
                .assume_not_null()
                .eq_any(ids(&desks.working)),
        )
        .and(
            reports::desk_officer_id
                .is_null()
                .or(reports::desk_officer_id
                    .assume_not_null()
                    .ne_all(ids(&desks.colleagues))),
        );
    Box::new(
        reports::desk_grid_id
            .is_not_null()
            .and(decide.assume_not_null().or(work.assume_not_null())),
    )
}

/// What waits, from behind a key.
pub fn page(
    conn: &mut Conn,
    desks: &[Desks],
    duty: Option<Duty>,
    after: Option<Key>,
    limit: i64,
) -> QueryResult<Vec<ReportRow>> {
    let mut rows = Vec::new();
    for desks in desks {
        let mut query: Boxed<'_> = reports::table.into_boxed().filter(waits(desks));
        if let Some(duty) = duty {
            query = query.filter(reports::desk_duty.eq(Some(Coded(duty))));
        }
        if let Some(after) = after {
            query = query
                .filter(reports::next_due_at.ge(Some(after.next_due_at)))
                .filter(
                    reports::next_due_at
                        .gt(Some(after.next_due_at))
                        .assume_not_null()
                        .or(reports::id.gt(Id(after.id))),
                );
        }
        let page = query
            .order((reports::next_due_at.asc(), reports::id.asc()))
            .limit(limit)
            .select(ReportRow::as_select());
        rows.extend(Kept(page).load::<ReportRow>(conn)?);
    }
    rows.sort_by_key(Key::of);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// How many wait, by duty.
pub fn counts(conn: &mut Conn, desks: &[Desks]) -> QueryResult<InboxCounts> {
    let mut counts = InboxCounts::default();
    for desks in desks {
        let by_duty = reports::table
            .group_by(reports::desk_duty)
            .select((reports::desk_duty, count_star()))
            .filter(waits(desks));
        let by_duty: Vec<(Option<Coded<Duty>>, i64)> = Kept(by_duty).load(conn)?;
        for (duty, reports) in by_duty {
            match duty {
                Some(Coded(Duty::Handle)) => counts.handle += reports,
                Some(Coded(Duty::Decide)) => counts.decide += reports,
                Some(Coded(Duty::Verify)) => counts.verify += reports,
                None => {}
            }
        }
    }
    Ok(counts)
}
