//! Writes the changes of an import and records them in the towns' chains. It must not decide what
//! changes: `plan` does.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::grid_management::path_below;
use uuid::Uuid;

use super::plan::Change;
use super::surroundings::Surroundings;
use super::{Entry, GridImporter};
use crate::grids::restructure::{self, Restructuring};
use crate::grids::{queries, record};
use crate::imports::Job;
use crate::towns::snapshot::Grid;
use gridpatrol_store::schema::{events as event_table, grids, towns};
use gridpatrol_store::types::Id;
use gridpatrol_store::{Conn, Outcome, events, town};

/// Events written at a time.
const EVENTS_AT_ONCE: usize = 500;
/// Unpublished towns removed at a time.
const ABANDONED_AT_ONCE: i64 = 20;

/// The grid of a line, below its parent. A town has no parent.
fn drawn(entry: &Entry, above: Option<&Grid>, now: DateTime<Utc>) -> Option<Grid> {
    let id = Uuid::now_v7();
    let path = path_below(id, above.map(Grid::standing)).ok()?;
    Some(Grid {
        id,
        code: entry.code.as_str().to_owned(),
        name: entry.said.name.clone(),
        path,
        parent_id: above.map(|above| above.id),
        contact: entry.said.contact.clone(),
        version: 1,
        valid_from: now,
        valid_to: None,
        successor_id: None,
        code_from: now,
    })
}

/// The grids of a new town, each after its parent.
pub(super) fn new_town(changes: &[Change<'_>], job: &Job) -> Vec<Grid> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut new: Vec<Grid> = Vec::with_capacity(changes.len());
    for change in changes {
        let Change::Create(entry) = change else {
            continue;
        };
        let parent = entry.code.parent();
        let above = parent
            .as_ref()
            .and_then(|parent| places.get(parent.as_str()))
            .and_then(|place| new.get(*place));
        if let Some(grid) = drawn(entry, above, job.now) {
            places.insert(entry.code.as_str(), new.len());
            new.push(grid);
        }
    }
    new
}

/// Writes whole new towns. They stay hidden until the import is published.
pub(super) fn new_towns(conn: &mut Conn, new: &[Vec<Grid>], job: &Job) -> Outcome<()> {
    let all: Vec<&Grid> = new.iter().flatten().collect();
    queries::add_grids(conn, &all, job.now)?;
    let founded = new
        .iter()
        .filter_map(|grids| {
            let town = grids.first()?.path.town_id();
            let records = grids
                .iter()
                .map(|grid| record::created(grid, job.actor_id, job.now))
                .collect();
            Some((town, records))
        })
        .collect();
    Ok(events::found(conn, founded, Some(job.id))?)
}

/// Changes an existing town.
pub(super) fn change_town(
    conn: &mut Conn,
    importer: &GridImporter,
    town_id: Uuid,
    changes: &[Change<'_>],
    there: &Surroundings,
    job: &Job,
) -> Outcome<()> {
    let ending: Vec<(&Grid, &str)> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Archive(grid, successor) => Some((*grid, *successor)),
            _ => None,
        })
        .collect();
    if !ending.is_empty() {
        let town = importer.directory.town(conn, town_id)?;
        let ids: Vec<Uuid> = ending.iter().map(|(grid, _)| grid.id).collect();
        restructure::lock_reports(conn, &*importer.open_reports, &town, &ids)?;
    }
    let mut head = town::advance(conn, town_id)?;
    let mut made: HashMap<String, Grid> = HashMap::new();
    let mut order: Vec<String> = Vec::new();
    let mut records = Vec::new();
    for change in changes {
        match change {
            Change::Create(entry) => {
                let parent = entry.code.parent();
                let above = parent.as_ref().and_then(|parent| {
                    made.get(parent.as_str())
                        .or_else(|| there.grid(parent.as_str()))
                });
                let Some(grid) = drawn(entry, above, job.now) else {
                    continue;
                };
                records.push(record::created(&grid, job.actor_id, job.now));
                order.push(grid.code.clone());
                made.insert(grid.code.clone(), grid);
            }
            Change::Update(grid, entry) => {
                let mut after = (*grid).clone();
                after.name.clone_from(&entry.said.name);
                after.contact = entry.said.contact.clone().or(after.contact);
                after.version += 1;
                queries::update(conn, &after)?;
                records.push(record::updated(grid, &after, job.actor_id, job.now));
            }
            Change::Archive(..) => {}
        }
    }
    let new: Vec<&Grid> = order.iter().filter_map(|code| made.get(code)).collect();
    queries::add_grids(conn, &new, job.now)?;
    while !records.is_empty() {
        let rest = records.split_off(records.len().min(EVENTS_AT_ONCE));
        events::append(conn, &mut head, std::mem::replace(&mut records, rest))?;
    }
    town::touch_directory(conn, town_id)?;
    let restructuring = Restructuring {
        directory: &importer.directory,
        open_reports: &*importer.open_reports,
        actor_id: job.actor_id,
        now: job.now,
        reason: None,
    };
    for (grid, successor) in ending {
        let taking = made.get(successor).or_else(|| there.grid(successor));
        restructuring.archive(conn, town_id, grid.id, taking.map(|taking| taking.id))?;
    }
    Ok(())
}

/// Removes some hidden towns that a failed import wrote. Returns whether there may be more.
pub(super) fn abandon(conn: &mut Conn, import: Uuid) -> QueryResult<bool> {
    let unseen: Vec<Id> = towns::table
        .filter(towns::import_id.eq(Some(import)))
        .limit(ABANDONED_AT_ONCE)
        .select(towns::id)
        .load::<Uuid>(conn)?
        .into_iter()
        .map(Id)
        .collect();
    if unseen.is_empty() {
        return Ok(false);
    }
    let of = |tier: Tier| {
        grids::table
            .filter(grids::town_id.eq_any(unseen.clone()))
            .filter(grids::tier.eq(gridpatrol_store::types::Coded(tier)))
    };
    diesel::delete(event_table::table.filter(event_table::town_id.eq_any(unseen.clone())))
        .execute(conn)?;
    diesel::delete(towns::table.filter(towns::id.eq_any(unseen.clone()))).execute(conn)?;
    for tier in [Tier::Group, Tier::Village, Tier::Town] {
        diesel::delete(of(tier)).execute(conn)?;
    }
    Ok(true)
}

/// Writes new grids, each after its parent, and records them in the chains of their towns.
///
/// # Errors
/// If the database fails.
pub fn write(
    conn: &mut Conn,
    new: &[Grid],
    actor: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<()> {
    let all: Vec<&Grid> = new.iter().collect();
    queries::add_grids(conn, &all, now)?;
    // By id: all code locks the towns' rows in this order.
    let mut by_town: BTreeMap<Uuid, Vec<&Grid>> = BTreeMap::new();
    for grid in new {
        by_town.entry(grid.path.town_id()).or_default().push(grid);
        if grid.path == GridPath::town(grid.id) {
            town::found(conn, grid.id)?;
        }
    }
    for (town_id, grids) in by_town {
        let mut head = town::advance(conn, town_id)?;
        for grids in grids.chunks(EVENTS_AT_ONCE) {
            let records = grids
                .iter()
                .map(|grid| record::created(grid, actor, now))
                .collect();
            events::append(conn, &mut head, records)?;
        }
        town::touch_directory(conn, town_id)?;
    }
    Ok(())
}
