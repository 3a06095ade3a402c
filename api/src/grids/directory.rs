//! What a town is made of, in memory: its grids, its officers, who is posted where and when.
//!
//! Owns the snapshots. One is read anew when the version in the town's row has changed, which every
//! command does that changes grids, officers, postings or deputies (`store::town::touch_directory`);
//! so it is never older than the transaction that asks. It must not decide who may act.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::officer::{Post, Role, Staffing};
use uuid::Uuid;

use super::queries;
use crate::problem::Problem;
use crate::store::{Conn, Outcome, town};

/// Towns kept in memory at most: the one asked for longest ago makes room.
const TOWNS: usize = 256;

/// A grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// Its id.
    pub id: Uuid,
    /// Its division code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub path: GridPath,
    /// The grid above; none above a town.
    pub parent_id: Option<Uuid>,
    /// A phone number or the like.
    pub contact: Option<String>,
    /// Its version.
    pub version: i64,
}

impl Grid {
    /// Its tier.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        self.path.tier()
    }
}

/// A role at a grid, from one instant to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatedPosting {
    /// Its id.
    pub id: Uuid,
    /// Who.
    pub officer_id: Uuid,
    /// Where.
    pub grid_id: Uuid,
    /// As what.
    pub role: Role,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when; none: without end.
    pub to: Option<DateTime<Utc>>,
}

impl DatedPosting {
    /// Whether it is in force at this instant.
    #[must_use]
    pub fn active(&self, now: DateTime<Utc>) -> bool {
        self.from <= now && self.to.is_none_or(|to| now < to)
    }
}

/// Who stands in for a posting, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatedDeputy {
    /// The posting.
    pub posting_id: Uuid,
    /// Who stands in.
    pub deputy_id: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
}

/// Somebody who is or was posted in the town, or stands in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The person's name.
    pub name: String,
    /// Whether the account is disabled.
    pub disabled: bool,
}

/// A town as it is at one version of its directory.
#[derive(Debug)]
pub struct Town {
    /// Its id.
    pub id: Uuid,
    /// Its division code, 12 digits.
    pub code: String,
    grids: HashMap<Uuid, Grid>,
    /// By code, which puts each grid before those below it.
    order: Vec<Uuid>,
    postings: Vec<DatedPosting>,
    deputies: Vec<DatedDeputy>,
    people: HashMap<Uuid, Person>,
    version: i64,
    staffed: Mutex<Option<Staffed>>,
}

/// A staffing and how long it holds.
#[derive(Debug)]
struct Staffed {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    staffing: Arc<Staffing>,
}

impl Town {
    /// A grid of this town.
    #[must_use]
    pub fn grid(&self, id: Uuid) -> Option<&Grid> {
        self.grids.get(&id)
    }

    /// Where a grid of this town stands.
    #[must_use]
    pub fn path(&self, id: Uuid) -> Option<GridPath> {
        self.grid(id).map(|grid| grid.path)
    }

    /// The name of a grid of this town.
    #[must_use]
    pub fn grid_name(&self, id: Uuid) -> Option<&str> {
        self.grid(id).map(|grid| grid.name.as_str())
    }

    /// All grids by code, each before those below it.
    pub fn grids(&self) -> impl Iterator<Item = &Grid> {
        self.order.iter().filter_map(|id| self.grids.get(id))
    }

    /// The name of somebody who is or was posted here.
    #[must_use]
    pub fn officer_name(&self, id: Uuid) -> Option<&str> {
        self.people.get(&id).map(|person| person.name.as_str())
    }

    /// All postings, those past and to come included.
    #[must_use]
    pub fn postings(&self) -> &[DatedPosting] {
        &self.postings
    }

    /// Who is posted where at this instant: active postings of officers who are not disabled, and
    /// who stands in for them.
    #[must_use]
    pub fn staffing(&self, now: DateTime<Utc>) -> Arc<Staffing> {
        let mut staffed = lock(&self.staffed);
        match staffed.as_ref() {
            Some(known) if known.from <= now && now < known.until => Arc::clone(&known.staffing),
            _ => {
                let (from, until) = self.holds(now);
                let staffing = Arc::new(self.staff(now));
                *staffed = Some(Staffed {
                    from,
                    until,
                    staffing: Arc::clone(&staffing),
                });
                staffing
            }
        }
    }

    fn staff(&self, now: DateTime<Utc>) -> Staffing {
        let enabled = |officer: Uuid| self.people.get(&officer).is_some_and(|one| !one.disabled);
        let active: HashMap<Uuid, &DatedPosting> = self
            .postings
            .iter()
            .filter(|posting| posting.active(now))
            .map(|posting| (posting.id, posting))
            .collect();
        let own = active
            .values()
            .filter(|posting| enabled(posting.officer_id))
            .map(|posting| (posting, posting.officer_id, None));
        let deputised = self
            .deputies
            .iter()
            .filter(|deputy| deputy.from <= now && now < deputy.to && enabled(deputy.deputy_id))
            .filter_map(|deputy| {
                let posting = active.get(&deputy.posting_id)?;
                Some((posting, deputy.deputy_id, Some(posting.officer_id)))
            });
        let mut posts: Vec<Post> = own
            .chain(deputised)
            .map(|(posting, officer_id, on_behalf_of)| Post {
                grid_id: posting.grid_id,
                officer_id,
                role: posting.role,
                on_behalf_of,
            })
            .collect();
        // One order always, so that names are listed alike each time: own before deputised.
        posts.sort_by_key(|post| (post.on_behalf_of, post.role, post.officer_id));
        Staffing::new(posts)
    }

    /// From when until when the staffing is that of `now`.
    fn holds(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let mut holds = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        let of_postings = self
            .postings
            .iter()
            .flat_map(|posting| [Some(posting.from), posting.to]);
        let of_deputies = self
            .deputies
            .iter()
            .flat_map(|deputy| [Some(deputy.from), Some(deputy.to)]);
        for at in of_postings.chain(of_deputies).flatten() {
            if at <= now {
                holds.0 = holds.0.max(at);
            } else {
                holds.1 = holds.1.min(at);
            }
        }
        holds
    }

    fn load(conn: &mut Conn, id: Uuid, version: i64) -> Outcome<Self> {
        let rows = queries::grids_of(conn, id)?;
        let order = rows.iter().map(|grid| grid.id).collect();
        let grids: HashMap<Uuid, Grid> = rows.into_iter().map(|grid| (grid.id, grid)).collect();
        let code = grids.get(&id).map(|grid| grid.code.clone());
        let postings = queries::postings_of(conn, id)?;
        let deputies = queries::deputies_of(conn, id)?;
        let ids: HashSet<Uuid> = postings
            .iter()
            .map(|posting| posting.officer_id)
            .chain(deputies.iter().map(|deputy| deputy.deputy_id))
            .collect();
        Ok(Self {
            id,
            code: code.ok_or_else(|| Problem::new(Code::NotFound))?,
            grids,
            order,
            postings,
            deputies,
            people: queries::people(conn, ids)?,
            version,
            staffed: Mutex::default(),
        })
    }
}

/// The towns asked for lately. A cheap handle.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    towns: Arc<Mutex<Towns>>,
}

#[derive(Debug, Default)]
struct Towns {
    known: HashMap<Uuid, (Arc<Town>, u64)>,
    asked: u64,
}

impl Directory {
    /// The town as this transaction sees it.
    ///
    /// # Errors
    /// `not_found` if there is no such town; otherwise if the database fails.
    pub fn town(&self, conn: &mut Conn, id: Uuid) -> Outcome<Arc<Town>> {
        let version =
            town::directory_version(conn, id)?.ok_or_else(|| Problem::new(Code::NotFound))?;
        if let Some(known) = self.known(id).filter(|known| known.version == version) {
            return Ok(known);
        }
        let town = Arc::new(Town::load(conn, id, version)?);
        self.keep(&town);
        Ok(town)
    }

    /// The first of these towns that has the grid, and where it stands there.
    ///
    /// # Errors
    /// If the database fails.
    pub fn find(
        &self,
        conn: &mut Conn,
        towns: &[Uuid],
        grid_id: Uuid,
    ) -> Outcome<Option<(Arc<Town>, GridPath)>> {
        for id in towns {
            let town = self.town(conn, *id)?;
            if let Some(path) = town.path(grid_id) {
                return Ok(Some((town, path)));
            }
        }
        Ok(None)
    }

    fn known(&self, id: Uuid) -> Option<Arc<Town>> {
        let mut towns = lock(&self.towns);
        towns.asked += 1;
        let asked = towns.asked;
        towns.known.get_mut(&id).map(|(town, last)| {
            *last = asked;
            Arc::clone(town)
        })
    }

    fn keep(&self, town: &Arc<Town>) {
        let mut towns = lock(&self.towns);
        if towns.known.len() >= TOWNS && !towns.known.contains_key(&town.id) {
            let oldest = towns
                .known
                .iter()
                .min_by_key(|(_, (_, last))| *last)
                .map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                towns.known.remove(&oldest);
            }
        }
        towns.asked += 1;
        let asked = towns.asked;
        towns.known.insert(town.id, (Arc::clone(town), asked));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
