//! Open reports follow a grid that moves or ends, in the transaction that moves or ends it.
//!
//! Owns which reports these are and how they are written: locked by id before the town's row (lock
//! order), each with its event, the counters shifted together. What becomes of a report the domain
//! says.

use std::collections::HashMap;

use diesel::prelude::*;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::grid_management::followed;
use gridpatrol_domain::report::relocation::relocate;
use gridpatrol_domain::report::{Context, Status};
use uuid::Uuid;

use crate::record::apply::{By, Changes, Decided, Kept, Texts};
use crate::record::rows::{ReportRow, TextsRow};
use gridpatrol_people::grids::open_reports::{LockedReports, OpenReports, Relocation};
use gridpatrol_people::towns::directory::Town;
use gridpatrol_store::schema::{report_texts, reports};
use gridpatrol_store::town::TownSequence;
use gridpatrol_store::types::{Coded, Id};
use gridpatrol_store::{Conn, Outcome, locked, unclaimed};

/// Statuses in which a report follows. What is closed or void keeps the path of its time.
const OPEN: [Status; 4] = [
    Status::Open,
    Status::Escalating,
    Status::Resolved,
    Status::Suspended,
];

/// Reports whose texts are read, and events that are written, at a time.
const AT_ONCE: usize = 500;

/// The open reports of grids that move or end.
#[derive(Debug, Clone, Copy, Default)]
pub struct FollowingReports;

impl OpenReports for FollowingReports {
    fn lock(&self, conn: &mut Conn, town: Uuid, grids: &[Uuid]) -> Outcome<()> {
        Ok(lock(conn, town, grids)?)
    }

    fn locked(
        &self,
        conn: &mut Conn,
        town: Uuid,
        grids: &[Uuid],
    ) -> Outcome<Option<Box<dyn LockedReports>>> {
        let rows = all(conn, town, grids)?;
        Ok(rows.map(|rows| -> Box<dyn LockedReports> { Box::new(Locked(rows)) }))
    }
}

struct Locked(Vec<ReportRow>);

impl LockedReports for Locked {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn follow(
        self: Box<Self>,
        conn: &mut Conn,
        head: &mut TownSequence,
        relocation: &Relocation,
        before: &Town,
        town: &Town,
    ) -> Outcome<()> {
        let now = relocation.now;
        let staffing = town.staffing(now);
        let context = Context {
            staffing: &staffing,
            // Each report follows those of its receipt.
            policy: &town.settings().at(now).reports,
            calendar: town.calendar(now),
            // Nobody closes anything here.
            evidence: false,
            now,
        };
        let all = self.0.len();
        let followed = follow(conn, head, self.0, relocation, before, town, &context)?;
        tracing::info!(grid = %relocation.from.id(), all, followed, "open reports have followed");
        Ok(())
    }
}

/// Open reports that lie at one of these grids or are worked on there.
macro_rules! concerned {
    ($town:expr, $grids:expr) => {{
        let grids: Vec<Id> = $grids.iter().copied().map(Id).collect();
        reports::table
            .filter(reports::town_id.eq(Id($town)))
            .filter(reports::status.eq_any(OPEN.map(Coded)))
            .filter(
                reports::village_id
                    .assume_not_null()
                    .eq_any(grids.clone())
                    .or(reports::group_id.assume_not_null().eq_any(grids.clone()))
                    .or(reports::handler_grid_id.assume_not_null().eq_any(grids)),
            )
    }};
}

/// Locks the open reports of these grids, in the order of their ids. Before the town's row is
/// locked.
///
/// # Errors
/// If the database fails.
fn lock(conn: &mut Conn, town: Uuid, grids: &[Uuid]) -> QueryResult<()> {
    let locked: QueryResult<Vec<Uuid>> = locked!(
        conn,
        concerned!(town, grids)
            .order(reports::id)
            .select(reports::id),
        load
    );
    locked.map(drop)
}

/// The open reports of these grids, locked, now that the town's row is and no further one can be filed.
/// Those filed since [`lock`] are locked without waiting, for whoever has one waits for the town's row;
/// none is returned if somebody has.
///
/// # Errors
/// If the database fails.
fn all(conn: &mut Conn, town: Uuid, grids: &[Uuid]) -> QueryResult<Option<Vec<ReportRow>>> {
    let free: Vec<ReportRow> = unclaimed!(
        conn,
        concerned!(town, grids)
            .order(reports::id)
            .select(ReportRow::as_select())
    )?;
    let count: i64 = concerned!(town, grids).count().get_result(conn)?;
    Ok((i64::try_from(free.len()) == Ok(count)).then_some(free))
}

/// Lets the locked reports follow. `before` is the town as they knew it; `town` and `context` as it is
/// now. Returns how many of them changed.
///
/// # Errors
/// If the database fails.
fn follow(
    conn: &mut Conn,
    head: &mut TownSequence,
    rows: Vec<ReportRow>,
    change: &Relocation,
    before: &Town,
    town: &Town,
    context: &Context<'_>,
) -> Outcome<usize> {
    let mut changes = Changes::of(town, context.staffing);
    let by = By {
        officer: change.actor_id,
        at: change.now,
    };
    let mut count = 0;
    for rows in rows.chunks(AT_ONCE) {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let texts = texts_of(conn, &ids)?;
        for row in rows {
            let report = row.state(|grid| before.path(grid));
            let place = followed(report.place, change.from, change.to);
            let handler = report
                .handler
                .as_ref()
                .map(|handler| followed(handler.grid, change.from, change.to));
            // As ever, by the settings of its receipt.
            let context = Context {
                policy: &before.settings().at(report.received_at).reports,
                calendar: before.calendar(report.received_at),
                ..*context
            };
            let Some(decision) = relocate(&report, place, handler, change.reason, &context) else {
                continue;
            };
            let mut after = row.clone();
            after.take_over(&decision.report);
            after.change_seq = head.change_seq;
            let moved = row.place() != after.place();
            let kept = Kept {
                texts: match texts.get(&row.id).filter(|_| moved) {
                    Some((entry, texts)) => Texts::Moved(*entry, texts),
                    None => Texts::Same,
                },
                participants: decision
                    .report
                    .handler
                    .iter()
                    .flat_map(|handler| sight(handler.grid, decision.report.place))
                    .collect(),
                ..Kept::row(row, &after)
            };
            let decided = Decided::new(Some(report), decision, by);
            changes.apply(conn, head, &kept, vec![decided])?;
            count += 1;
        }
        changes.flush(conn, head)?;
    }
    changes.finish(conn, head)?;
    Ok(count)
}

/// The grids that get lasting sight of a report at `place` when `grid` works on it: that grid, and those
/// above, to whom the work falls where it has nobody. Those of the report's own path see it anyway.
pub fn sight(grid: GridPath, place: GridPath) -> impl Iterator<Item = Uuid> {
    let above = grid.upward().skip(1).map(|(_, id)| id);
    let elsewhere = above.filter(move |above| place.upward().all(|(_, own)| own != *above));
    std::iter::once(grid.id()).chain(elsewhere)
}

fn texts_of(conn: &mut Conn, ids: &[Uuid]) -> QueryResult<HashMap<Uuid, (i64, TextsRow)>> {
    let texts: Vec<(i64, TextsRow)> = report_texts::table
        .filter(report_texts::report_id.eq_any(ids.iter().copied().map(Id)))
        .select((report_texts::search_id, TextsRow::as_select()))
        .load(conn)?;
    Ok(texts
        .into_iter()
        .map(|(entry, texts)| (texts.report_id, (entry, texts)))
        .collect())
}
