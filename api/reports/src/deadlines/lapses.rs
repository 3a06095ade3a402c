//! What happens to reports by themselves, in transactions of a few reports of one town each.
//!
//! Owns which reports are due, and how a step that nobody took is saved: with its events (the due
//! instant beside the instant of doing, no actor), its notices, its counters, and the grid that let it
//! lapse. What a step is the domain says (`gridpatrol_domain::report::lapse`). When it runs is
//! `workers::clock`'s.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use diesel::dsl::min;
use diesel::prelude::*;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::report::lapse::{self, Rule, Step};
use gridpatrol_domain::report::{Context, Report};
use serde_json::json;
use uuid::Uuid;

use crate::record::apply::{By, Changes, Decided, Kept};
use crate::record::rows::ReportRow;
use crate::view::present::StaffedTown;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_store::conn::MultiBackend;
use gridpatrol_store::prepared_statement::PreparedByText;
use gridpatrol_store::schema::{report_lapses, reports};
use gridpatrol_store::town;
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, Outcome, on_each, prepared, unclaimed};

/// Steps of one report that one transaction takes at most; after a long standstill the rest follows
/// in the next. One report needs a dozen to come to the top.
const MOST_STEPS: usize = 50;

/// A report to which something is due, and its town.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The town.
    pub town_id: Uuid,
    /// The report.
    pub id: Uuid,
    /// When it was due.
    pub at: DateTime<Utc>,
}

/// Reports to which something is due by `now`, the earliest first, at most about `most`.
///
/// # Errors
/// If the database fails.
pub fn due(conn: &mut Conn, now: DateTime<Utc>, most: i64) -> QueryResult<Vec<Due>> {
    let steps: Vec<(Uuid, Uuid, Option<DateTime<Utc>>)> = reports::table
        .filter(reports::next_due_at.le(Some(At(now))))
        .order((reports::next_due_at, reports::id))
        .limit(most)
        .select((reports::town_id, reports::id, reports::next_due_at))
        .load(conn)?;
    let marks: Vec<(Uuid, Uuid, Option<DateTime<Utc>>)> = reports::table
        .filter(reports::mark_due_at.le(Some(At(now))))
        .order((reports::mark_due_at, reports::id))
        .limit(most)
        .select((reports::town_id, reports::id, reports::mark_due_at))
        .load(conn)?;
    let mut due: Vec<Due> = steps
        .into_iter()
        .chain(marks)
        .map(|(town_id, id, at)| Due {
            town_id,
            id,
            at: at.unwrap_or(now),
        })
        .collect();
    due.sort_by_key(|due| (due.at, due.id));
    let mut seen = HashSet::new();
    due.retain(|due| seen.insert(due.id));
    due.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(due)
}

/// When something is due next; none: nothing is open.
///
/// # Errors
/// If the database fails.
pub fn next(conn: &mut Conn) -> QueryResult<Option<DateTime<Utc>>> {
    // The filters let SQLite answer from the indexes, which leave out what is never due.
    let step: Option<DateTime<Utc>> = reports::table
        .filter(reports::next_due_at.is_not_null())
        .select(min(reports::next_due_at))
        .first(conn)?;
    let mark: Option<DateTime<Utc>> = reports::table
        .filter(reports::mark_due_at.is_not_null())
        .select(min(reports::mark_due_at))
        .first(conn)?;
    Ok(step.into_iter().chain(mark).min())
}

/// Lets happen what is due to these reports of a town, in order, each report as often as it is due.
/// Those that another process has at hand, or that somebody acted on meanwhile, are left out. Returns
/// how many steps were taken.
///
/// # Errors
/// If the database fails.
pub fn catch_up(
    conn: &mut Conn,
    directory: &Directory,
    town_id: Uuid,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Outcome<usize> {
    let rows: Vec<ReportRow> = unclaimed!(
        conn,
        reports::table
            .filter(reports::town_id.eq(Id(town_id)))
            .filter(reports::id.eq_any(ids.iter().copied().map(Id)))
            .filter(
                reports::next_due_at
                    .assume_not_null()
                    .le(At(now))
                    .or(reports::mark_due_at.assume_not_null().le(At(now))),
            )
            .order(reports::id)
            .select(ReportRow::as_select())
    )?;
    if rows.is_empty() {
        return Ok(0);
    }
    let staffed = StaffedTown::read(conn, directory, town_id, now)?;
    let mut head = town::advance(conn, town_id)?;
    head.unchanged_since(staffed.town.version())?;

    let mut changes = Changes::of(&staffed.town, &staffed.staffing);
    let (mut lapses, mut steps) = (Vec::new(), 0);
    for row in rows {
        let mut report = row.state(|grid| staffed.town.path(grid));
        let context = staffed.context(row.received_at, false, now);
        let mut taken = Vec::new();
        while taken.len() < MOST_STEPS
            && let Some(step) = lapse::step(&report, &context)
        {
            let before = std::mem::replace(&mut report, step.decision.report.clone());
            lapses.extend(Lapsed::of(&step, &report, now));
            steps += step.decision.events.len();
            taken.push(decided(before, step, now));
        }
        let mut after = row.clone();
        after.take_over(&report);
        after.change_seq = head.change_seq;
        changes.apply(conn, &mut head, &Kept::row(&row, &after), taken)?;
    }
    keep(conn, &lapses)?;
    changes.finish(conn, &mut head)?;
    Ok(steps)
}

/// The report with the colour it has by now, and the steps to that: somebody acts before the clock has
/// come to them.
pub fn marked(report: &Report, context: &Context<'_>) -> (Report, Vec<Step>) {
    let mut steps: Vec<Step> = Vec::new();
    let mut report = report.clone();
    while steps.len() < MOST_STEPS
        && let Some(step) = lapse::warn(&report, context)
    {
        report = step.decision.report.clone();
        steps.push(step);
    }
    (report, steps)
}

/// These steps as what they are: the system's, and no officer's.
pub fn marks(mut before: Report, steps: Vec<Step>, now: DateTime<Utc>) -> Vec<Decided> {
    steps
        .into_iter()
        .map(|step| {
            let former = std::mem::replace(&mut before, step.decision.report.clone());
            decided(former, step, now)
        })
        .collect()
}

/// A step that lapsed, by the grid that let it.
#[derive(Debug, Insertable)]
#[diesel(table_name = report_lapses, treat_none_as_default_value = false)]
struct Lapsed {
    town_id: Id,
    report_id: Id,
    due_at: At,
    rule: Coded<Rule>,
    grid_id: Id,
    tier: Coded<Tier>,
    charged: bool,
    lapsed_at: At,
}

impl Lapsed {
    fn of(step: &Step, report: &Report, now: DateTime<Utc>) -> Option<Self> {
        step.attribution.map(|attribution| Self {
            town_id: Id(report.place.town_id()),
            report_id: Id(report.id),
            due_at: At(step.due_at),
            rule: Coded(step.rule),
            grid_id: Id(attribution.grid_id),
            tier: Coded(attribution.tier),
            charged: attribution.charged,
            lapsed_at: At(now),
        })
    }
}

/// Keeps what lapsed.
fn keep(conn: &mut Conn, lapses: &[Lapsed]) -> QueryResult<()> {
    on_each!(conn,
        // One prepared statement, again and again.
        sqlite c => lapses.iter().try_for_each(|lapse| {
            prepared!(diesel::insert_into(report_lapses::table).values(lapse)).execute(c).map(drop)
        }),
        // One round trip.
        postgres c => diesel::insert_into(report_lapses::table).values(lapses).execute(c).map(drop),
    )
}

/// A step with its rule and the instant it was due, beside the instant of doing.
fn decided(before: Report, step: Step, now: DateTime<Utc>) -> Decided {
    let by = By {
        officer: None,
        at: now,
    };
    let mut decided = Decided::new(Some(before), step.decision, by);
    let facts = &mut decided.facts;
    facts.insert("rule".to_owned(), json!(step.rule));
    facts.insert("due_at".to_owned(), json!(step.due_at));
    decided
}

/// A step that lapsed, as it is kept.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = report_lapses)]
pub struct LapsedRow {
    /// The report.
    pub report_id: Uuid,
    /// When the step was due.
    pub due_at: DateTime<Utc>,
    /// By which rule it moved.
    pub rule: Coded<Rule>,
    /// The grid that let it lapse.
    pub grid_id: Uuid,
    /// Its tier.
    pub tier: Coded<Tier>,
    /// Whether the grid is charged with it.
    pub charged: bool,
    /// When the report moved.
    pub lapsed_at: DateTime<Utc>,
}

/// The place of a lapse in the list: the latest first.
pub type Place = (DateTime<Utc>, Uuid, DateTime<Utc>);

impl LapsedRow {
    /// Its place in the list.
    #[must_use]
    pub const fn place(&self) -> Place {
        (self.lapsed_at, self.report_id, self.due_at)
    }
}

/// What lapsed at these grids, each named once, the latest first, behind a place in the list. One grid
/// at a time: its index has them in order, however many there ever were.
///
/// # Errors
/// If the database fails.
pub fn lapsed(
    conn: &mut Conn,
    grids: &BTreeSet<Uuid>,
    after: Option<Place>,
    limit: i64,
) -> QueryResult<Vec<(LapsedRow, ReportRow)>> {
    let mut rows = Vec::new();
    for grid in grids {
        let mut query = report_lapses::table
            .inner_join(reports::table.on(reports::id.eq(report_lapses::report_id)))
            .filter(report_lapses::grid_id.eq(Id(*grid)))
            .into_boxed::<MultiBackend>();
        if let Some((at, report, due)) = after {
            query = query.filter(report_lapses::lapsed_at.le(At(at))).filter(
                report_lapses::lapsed_at
                    .lt(At(at))
                    .or(report_lapses::report_id
                        .lt(Id(report))
                        .or(report_lapses::report_id
                            .eq(Id(report))
                            .and(report_lapses::due_at.lt(At(due))))),
            );
        }
        let page = query
            .order((
                report_lapses::lapsed_at.desc(),
                report_lapses::report_id.desc(),
                report_lapses::due_at.desc(),
            ))
            .limit(limit)
            .select((LapsedRow::as_select(), ReportRow::as_select()));
        rows.extend(PreparedByText(page).load::<(LapsedRow, ReportRow)>(conn)?);
    }
    rows.sort_by_key(|(lapse, _)| Reverse(lapse.place()));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}
