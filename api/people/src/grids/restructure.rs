//! Moves a group or ends a grid, with everything that depends on it: grids below, postings, open
//! reports.
//!
//! Owns the order of the steps, in one transaction. It must not know more about reports than that
//! they follow. Locks: reports by id, then the town's row, then the rest.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::grid_management;
use gridpatrol_domain::report::code::RelocationReason;
use serde_json::{Map, json};
use uuid::Uuid;

use super::open_reports::{LockedReports, OpenReports, Relocation};
use super::{queries, record};
use crate::towns::directory::{Directory, Town};
use crate::towns::snapshot::Grid;
use gridpatrol_problem::Problem;
use gridpatrol_store::events::{self, EventRecord};
use gridpatrol_store::schema::postings;
use gridpatrol_store::town::{self, TownSequence};
use gridpatrol_store::types::Id;
use gridpatrol_store::{Conn, Outcome};

/// Who changes the tree, when, and how reports follow.
#[derive(Clone, Copy)]
pub struct Restructuring<'a> {
    /// The towns.
    pub directory: &'a Directory,
    /// How open reports follow.
    pub open_reports: &'a dyn OpenReports,
    /// Who. None: the command line.
    pub actor_id: Option<Uuid>,
    /// When.
    pub now: DateTime<Utc>,
    /// The officer's note.
    pub reason: Option<&'a str>,
}

/// A town with its row and the reports that a change needs, all locked.
struct Held {
    town: std::sync::Arc<Town>,
    head: TownSequence,
    reports: Box<dyn LockedReports>,
}

impl Restructuring<'_> {
    /// Locks the open reports of these grids, then the town's row. If something changed in between,
    /// it tries again.
    fn hold(&self, conn: &mut Conn, town_id: Uuid, grids: &[Uuid]) -> Outcome<Held> {
        self.open_reports.lock(conn, town_id, grids)?;
        let town = self.directory.town(conn, town_id)?;
        let head = town::advance(conn, town_id)?;
        head.unchanged_since(town.version())?;
        let reports = self
            .open_reports
            .locked(conn, town_id, grids)?
            .ok_or_else(|| town::try_again("a report was filed, and somebody acts on it"))?;
        Ok(Held {
            town,
            head,
            reports,
        })
    }

    /// Moves a group to another village of its town and returns the group as it is now. `code` is
    /// its new code, which the caller has checked.
    ///
    /// # Errors
    /// `grid_archived`, `parent_invalid`, `not_found`; otherwise if the database fails.
    pub fn move_group(
        &self,
        conn: &mut Conn,
        town_id: Uuid,
        group: Uuid,
        village: Uuid,
        code: Option<&str>,
    ) -> Outcome<Grid> {
        let mut held = self.hold(conn, town_id, &[group])?;
        let (before, parent) = (found(&held.town, group)?, found(&held.town, village)?);
        let path =
            grid_management::moved(before.standing(), parent.standing()).map_err(Problem::from)?;
        let mut after = Grid {
            path,
            parent_id: Some(village),
            version: before.version + 1,
            ..before.clone()
        };
        if let Some(code) = code.filter(|code| *code != before.code) {
            super::commands::give_code(conn, &mut after, code, self.now)?;
        }
        queries::update(conn, &after)?;
        let records = vec![record::moved(&before, &after, self)];
        events::append(conn, &mut held.head, records)?;
        town::touch_directory(conn, town_id)?;
        let relocation = self.relocation(&before, &after, RelocationReason::Moved);
        self.follow(conn, held, &relocation)?;
        Ok(after)
    }

    /// Ends a grid: its successor takes over its grids and open reports, and its postings end.
    /// Returns the ended grid.
    ///
    /// # Errors
    /// `grid_archived`, `successor_invalid`, `grid_in_use`, `not_found`; otherwise if the database
    /// fails.
    pub fn archive(
        &self,
        conn: &mut Conn,
        town_id: Uuid,
        grid: Uuid,
        successor: Option<Uuid>,
    ) -> Outcome<Grid> {
        let known = self.directory.town(conn, town_id)?;
        let mut ids: Vec<Uuid> = below(&known, grid).map(|below| below.id).collect();
        ids.push(grid);
        let mut held = self.hold(conn, town_id, &ids)?;
        let before = found(&held.town, grid)?;
        let taking = successor
            .map(|successor| found(&held.town, successor))
            .transpose()
            .map_err(|_| Problem::from(grid_management::NO_SUCCESSOR))?;
        let children: Vec<Grid> = below(&held.town, grid).cloned().collect();
        grid_management::may_end(
            before.standing(),
            taking.as_ref().map(Grid::standing),
            !children.is_empty() || !held.reports.is_empty(),
        )
        .map_err(Problem::from)?;
        let after = Grid {
            valid_to: Some(self.now.max(before.valid_from)),
            successor_id: successor,
            version: before.version + 1,
            ..before.clone()
        };
        queries::update(conn, &after)?;
        let mut records = vec![record::archived(&after, taking.as_ref(), self)];
        if let Some(taking) = &taking {
            for child in &children {
                let moved = Grid {
                    path: grid_management::followed(child.path, before.path, taking.path),
                    parent_id: Some(taking.id),
                    version: child.version + 1,
                    ..child.clone()
                };
                queries::update(conn, &moved)?;
                records.push(record::moved(child, &moved, self));
            }
        }
        records.extend(self.end_postings(conn, grid)?);
        for records in chunks(records) {
            events::append(conn, &mut held.head, records)?;
        }
        town::touch_directory(conn, town_id)?;
        if let Some(taking) = &taking {
            let relocation = self.relocation(&before, taking, RelocationReason::Archived);
            self.follow(conn, held, &relocation)?;
        }
        Ok(after)
    }

    const fn relocation(&self, from: &Grid, to: &Grid, reason: RelocationReason) -> Relocation {
        Relocation {
            from: from.path,
            to: to.path,
            reason,
            actor_id: self.actor_id,
            now: self.now,
        }
    }

    fn follow(&self, conn: &mut Conn, mut held: Held, relocation: &Relocation) -> Outcome<()> {
        let town = self.directory.town(conn, held.town.id)?;
        held.reports
            .follow(conn, &mut held.head, relocation, &held.town, &town)
    }

    /// Ends the postings at a grid. Future postings end before they begin.
    fn end_postings(&self, conn: &mut Conn, grid: Uuid) -> Outcome<Vec<EventRecord>> {
        let open = postings::valid_to
            .is_null()
            .or(postings::valid_to.gt(Some(self.now)));
        let ending: Vec<(
            Uuid,
            Uuid,
            gridpatrol_store::types::Coded<gridpatrol_domain::officer::Role>,
            DateTime<Utc>,
        )> = postings::table
            .filter(postings::grid_id.eq(Id(grid)))
            .filter(open)
            .order(postings::id)
            .select((
                postings::id,
                postings::officer_id,
                postings::role,
                postings::valid_from,
            ))
            .load(conn)?;
        let mut records = Vec::new();
        for (id, officer, role, from) in ending {
            let to = self.now.max(from);
            diesel::update(postings::table.find(Id(id)))
                .set(postings::valid_to.eq(Some(to)))
                .execute(conn)?;
            let mut facts = Map::new();
            facts.insert("posting_id".to_owned(), json!(id));
            facts.insert("grid_id".to_owned(), json!(grid));
            facts.insert("role".to_owned(), json!(role.0.code()));
            facts.insert("to".to_owned(), json!(to));
            records.push(EventRecord {
                subject_kind: "officer",
                subject_id: officer,
                kind: "officer_posting_ended",
                at: self.now,
                actor_id: self.actor_id,
                facts,
                payload: None,
            });
        }
        Ok(records)
    }
}

/// Locks the open reports of grids that will end, before the caller locks the town's row.
///
/// # Errors
/// If the database fails.
pub fn lock_reports(
    conn: &mut Conn,
    open_reports: &dyn OpenReports,
    town: &Town,
    ending: &[Uuid],
) -> Outcome<()> {
    let mut ids = ending.to_vec();
    for grid in ending {
        ids.extend(below(town, *grid).map(|below| below.id));
    }
    open_reports.lock(conn, town.id, &ids)
}

fn below(town: &Town, grid: Uuid) -> impl Iterator<Item = &Grid> {
    town.grids()
        .filter(move |below| below.parent_id == Some(grid))
}

fn found(town: &Town, grid: Uuid) -> Result<Grid, Problem> {
    town.grid(grid)
        .cloned()
        .ok_or_else(|| Problem::new(gridpatrol_domain::error::Code::NotFound))
}

fn chunks(mut records: Vec<EventRecord>) -> impl Iterator<Item = Vec<EventRecord>> {
    const AT_ONCE: usize = 500;
    std::iter::from_fn(move || {
        if records.is_empty() {
            return None;
        }
        let rest = records.split_off(records.len().min(AT_ONCE));
        Some(std::mem::replace(&mut records, rest))
    })
}
