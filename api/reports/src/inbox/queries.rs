//! Finds the reports that wait for an officer, those that are due first at the top.
//!
//! Owns which desks belong to an officer (by posting, as a deputy, by vacancy, or in person: in a
//! team or as a co-handler) and the SQL for them. The cost must depend on how much waits, not on the
//! history.

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::officer::{Actor, Staffing};
use gridpatrol_domain::report::Duty;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::record::rows::ReportRow;
use crate::view::response::InboxCounts;
use gridpatrol_people::towns::directory::Town;
use gridpatrol_store::Conn;
use gridpatrol_store::conn::MultiBackend;
use gridpatrol_store::prepared_statement::{PreparedByText, padded};
use gridpatrol_store::schema::{report_hands, reports};
use gridpatrol_store::types::{Coded, Id};

/// The desks of an officer in one town.
#[derive(Debug, Default)]
pub struct Desks {
    /// Villages whose escalations the officer decides on.
    deciding: Vec<Uuid>,
    /// Grids where the officer works and verifies.
    working: Vec<Uuid>,
    /// Officers and teams whose personal work does not wait for this officer: everyone in service
    /// except this officer, those the officer stands in for, and their teams.
    colleagues: Vec<Uuid>,
    /// Whose personal work waits for this officer at any grid of the town: the officer, those the
    /// officer stands in for, and their teams.
    assignees: Vec<Uuid>,
    /// The town.
    town: Uuid,
}

impl Desks {
    /// The desks of `actor` in this town.
    #[must_use]
    pub fn of(actor: &Actor, town: &Town, staffing: &Staffing) -> Self {
        let mut desks = Self {
            town: town.id,
            ..Self::default()
        };
        let mut stood_for = vec![actor.officer_id];
        stood_for.extend(actor.working().filter_map(|posting| posting.on_behalf_of));
        let (own, others): (Vec<_>, Vec<_>) = staffing.rosters().iter().partition(|roster| {
            let mut members = roster.members.iter();
            members.any(|member| stood_for.contains(member))
        });
        desks.colleagues = staffing
            .serving()
            .into_iter()
            .filter(|officer| !stood_for.contains(officer))
            .chain(
                others
                    .iter()
                    .map(|roster| roster.team_id)
                    .filter(|team| staffing.team_serves(*team)),
            )
            .collect();
        // An officer without a posting to act by in the town has no work there.
        if actor
            .acting()
            .any(|posting| posting.grid.town_id() == town.id)
        {
            desks.assignees = stood_for;
            desks
                .assignees
                .extend(own.iter().map(|roster| roster.team_id));
        }
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
            let stands_in = || {
                let mut acting = actor.acting();
                !staffing.has_secretary(village)
                    && acting.any(|posting| posting.grid.id() == town.id)
            };
            if secretary || stands_in() {
                desks.deciding.push(village);
            }
        }
        desks
    }
}

/// The sort key: what is due first comes first.
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

/// Whether the desk is at one of these grids. A single grid is compared with `=`: then the index
/// gives its rows in order.
fn at<'a>(grids: &[Uuid]) -> Waits<'a> {
    let grid = reports::desk_grid_id.assume_not_null();
    match grids {
        [grid_id] => Box::new(grid.eq(Id(*grid_id))),
        _ => Box::new(grid.eq_any(ids(grids))),
    }
}

/// What waits at these desks with this duty; none if the officer has no such desk.
fn waits<'a>(desks: &Desks, duty: Duty) -> Option<Waits<'a>> {
    let grids = desks.grids(duty);
    if grids.is_empty() {
        return None;
    }
    let here = reports::desk_grid_id
        .is_not_null()
        .and(at(grids))
        .and(reports::desk_duty.assume_not_null().eq(Coded(duty)));
    Some(match duty {
        Duty::Decide => Box::new(here),
        Duty::Handle | Duty::Verify | Duty::Grant => Box::new(here.and(in_person(desks))),
    })
}

/// What is not given in person to a colleague or to a team of colleagues.
fn in_person<'a>(desks: &Desks) -> Waits<'a> {
    Box::new(
        reports::desk_assignee_id
            .is_null()
            .or(reports::desk_assignee_id
                .assume_not_null()
                .ne_all(ids(&desks.colleagues))),
    )
}

/// What these assignees work on in person, at any grid; none if there are no assignees.
fn at_hand<'a>(desks: &Desks) -> Option<Waits<'a>> {
    if desks.assignees.is_empty() {
        return None;
    }
    let at_hand = report_hands::table
        .filter(report_hands::hand_id.eq_any(ids(&desks.assignees)))
        .select(report_hands::report_id);
    Some(Box::new(
        reports::id
            .eq_any(at_hand)
            .and(reports::town_id.eq(Id(desks.town))),
    ))
}

/// The same, without what already waits at the desks.
fn only_at_hand<'a>(desks: &Desks) -> Option<Waits<'a>> {
    let at_hand = at_hand(desks)?;
    Some(match waits(desks, Duty::Handle) {
        Some(waiting) => Box::new(at_hand.and(not(waiting))),
        None => at_hand,
    })
}

/// The most desks that are read one by one, each in the order of its index.
const MOST_WALKED: usize = 24;

impl Desks {
    /// Splits the desks into pieces of one grid each, so that the index gives the rows in the order
    /// of the inbox. Very many desks stay in one piece, which the database has to sort.
    fn pieces(&self, duty: Duty) -> Vec<Self> {
        let grids = self.grids(duty);
        let piece = |grids: Vec<Uuid>| match duty {
            Duty::Decide => Self {
                deciding: grids,
                ..Self::default()
            },
            Duty::Handle | Duty::Verify | Duty::Grant => Self {
                working: grids,
                colleagues: self.colleagues.clone(),
                ..Self::default()
            },
        };
        if grids.len() <= MOST_WALKED {
            grids.iter().map(|grid| piece(vec![*grid])).collect()
        } else {
            vec![piece(grids.to_vec())]
        }
    }

    /// The grids where the officer has this duty.
    fn grids(&self, duty: Duty) -> &[Uuid] {
        match duty {
            Duty::Decide => &self.deciding,
            Duty::Handle | Duty::Verify | Duty::Grant => &self.working,
        }
    }
}

/// What waits, after a key.
pub fn page(
    conn: &mut Conn,
    desks: &[Desks],
    duty: Option<Duty>,
    after: Option<Key>,
    limit: i64,
) -> QueryResult<Vec<ReportRow>> {
    let mut rows = Vec::new();
    for duty in Duty::ALL
        .iter()
        .filter(|one| duty.is_none_or(|duty| duty == **one))
    {
        let pieces = desks.iter().flat_map(|desks| desks.pieces(*duty));
        let by_desk = pieces.filter_map(|piece| waits(&piece, *duty));
        let by_hand = desks.iter().filter_map(only_at_hand);
        let by_hand = by_hand.filter(|_| *duty == Duty::Handle);
        for waiting in by_desk.chain(by_hand) {
            let mut query: Boxed<'_> = reports::table.into_boxed().filter(waiting);
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
            rows.extend(PreparedByText(page).load::<ReportRow>(conn)?);
        }
    }
    rows.sort_by_key(Key::of);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// How many wait, by duty.
pub fn counts(conn: &mut Conn, desks: &[Desks]) -> QueryResult<InboxCounts> {
    let mut counts = InboxCounts::default();
    for desks in desks {
        if let Some(deciding) = waits(desks, Duty::Decide) {
            let waiting = reports::table.select(count_star()).filter(deciding);
            counts.decide += PreparedByText(waiting).get_result::<i64>(conn)?;
        }
        if let Some(at_hand) = only_at_hand(desks) {
            let waiting = reports::table.select(count_star()).filter(at_hand);
            counts.handle += PreparedByText(waiting).get_result::<i64>(conn)?;
        }
        if desks.working.is_empty() {
            continue;
        }
        let working = reports::table
            .group_by(reports::desk_duty)
            .select((reports::desk_duty, count_star()))
            .filter(reports::desk_grid_id.is_not_null())
            .filter(at(&desks.working))
            .filter(reports::desk_duty.assume_not_null().ne(Coded(Duty::Decide)))
            .filter(in_person(desks));
        let by_duty: Vec<(Option<Coded<Duty>>, i64)> = PreparedByText(working).load(conn)?;
        for (duty, reports) in by_duty {
            match duty {
                Some(Coded(Duty::Handle)) => counts.handle += reports,
                Some(Coded(Duty::Verify)) => counts.verify += reports,
                Some(Coded(Duty::Grant)) => counts.grant += reports,
                Some(Coded(Duty::Decide)) | None => {}
            }
        }
    }
    Ok(counts)
}

/// How many of the waiting reports have passed their deadline, as the clock has marked them.
pub fn overdue(conn: &mut Conn, desks: &[Desks]) -> QueryResult<i64> {
    let mut late = 0;
    for desks in desks {
        let by_desk = Duty::ALL.iter().filter_map(|duty| waits(desks, *duty));
        for waiting in by_desk.chain(only_at_hand(desks)) {
            let waiting = reports::table
                .select(count_star())
                .filter(waiting)
                // Written exactly as in the index, so that the database uses the index.
                .filter(sql::<Bool>("reports.colour = 'red'"));
            late += PreparedByText(waiting).get_result::<i64>(conn)?;
        }
    }
    Ok(late)
}
