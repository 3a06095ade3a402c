//! What a town is made of, in memory: its grids, its officers, who is posted where and when, who is
//! away, who stands in, who is on duty, its teams, which settings hold, and by which calendar time counts.
//!
//! Owns the snapshots. One is read anew when the version in the town's row has changed, which every
//! command does that changes any of it (`store::town::touch_directory`), or that of the calendar;
//! so it is never older than the transaction that asks. It must not decide who may act.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use gridpatrol_domain::calendar::{Calendar, Holidays};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::officer::{Covers, Held, Post, Staffing};
use gridpatrol_domain::settings::Timeline;
use uuid::Uuid;

use super::snapshot::{DatedAbsence, DatedDeputy, DatedPosting, Grid, Person, Shift};
use super::teams::{self, TeamFacts};
use super::{holidays, queries, settings};
use gridpatrol_problem::Problem;
use gridpatrol_store::town::{self, Versions};
use gridpatrol_store::{Conn, Outcome};

/// Towns kept in memory at most: the one asked for longest ago makes room.
const TOWNS: usize = 256;

/// A town as it is at one version of its directory.
#[derive(Debug)]
pub struct Town {
    /// Its id.
    pub id: Uuid,
    /// Its division code, 12 digits.
    pub code: String,
    grids: HashMap<Uuid, Grid>,
    /// By code.
    order: Vec<Uuid>,
    postings: Vec<DatedPosting>,
    /// Places in `postings`, by officer.
    posted: HashMap<Uuid, Vec<usize>>,
    deputies: Vec<DatedDeputy>,
    absences: Vec<DatedAbsence>,
    shifts: Vec<Shift>,
    teams: Vec<TeamFacts>,
    people: HashMap<Uuid, Person>,
    settings: Timeline,
    holidays: Holidays,
    versions: Versions,
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

    /// Where a grid of this town stands, or stood when it ended.
    #[must_use]
    pub fn path(&self, id: Uuid) -> Option<GridPath> {
        self.grid(id).map(|grid| grid.path)
    }

    /// Where a grid stands that has not ended.
    #[must_use]
    pub fn living(&self, id: Uuid) -> Option<GridPath> {
        let grid = self.grid(id)?;
        (!grid.is_archived()).then_some(grid.path)
    }

    /// The grid itself, or, where it has ended, the one that has taken over since.
    #[must_use]
    pub fn active_successor(&self, id: Uuid) -> Option<&Grid> {
        let mut grid = self.grid(id)?;
        // A chain of successors has no circle: one that has ended takes nothing over.
        for _ in 0..self.grids.len() {
            match grid.successor_id {
                Some(successor) if grid.is_archived() => grid = self.grid(successor)?,
                _ => break,
            }
        }
        (!grid.is_archived()).then_some(grid)
    }

    /// The name of a grid of this town.
    #[must_use]
    pub fn grid_name(&self, id: Uuid) -> Option<&str> {
        self.grid(id).map(|grid| grid.name.as_str())
    }

    /// Where what belongs to a grid is now: at its active successor; where nobody took over, at that of the grid
    /// above; last at the town.
    #[must_use]
    pub fn home(&self, id: Uuid) -> GridPath {
        let mut next = Some(id);
        while let Some(id) = next {
            if let Some(active_successor) = self.active_successor(id) {
                return active_successor.path;
            }
            next = self.grid(id).and_then(|grid| grid.parent_id);
        }
        GridPath::town(self.id)
    }

    /// The grids that have not ended, by code.
    pub fn grids(&self) -> impl Iterator<Item = &Grid> {
        self.all_grids().filter(|grid| !grid.is_archived())
    }

    /// All grids by code, those that have ended included.
    pub fn all_grids(&self) -> impl Iterator<Item = &Grid> {
        self.order.iter().filter_map(|id| self.grids.get(id))
    }

    /// The version of the directory that this is.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.versions.directory
    }

    /// The name of somebody who is or was posted here.
    #[must_use]
    pub fn officer_name(&self, id: Uuid) -> Option<&str> {
        self.people.get(&id).map(|person| person.name.as_str())
    }

    /// All who are or were posted or stood in here.
    pub fn people(&self) -> impl Iterator<Item = (Uuid, &Person)> {
        self.people.iter().map(|(id, person)| (*id, person))
    }

    /// Somebody who is or was posted here.
    #[must_use]
    pub fn person(&self, id: Uuid) -> Option<&Person> {
        self.people.get(&id)
    }

    /// The town's settings, those past and to come included.
    #[must_use]
    pub const fn settings(&self) -> &Timeline {
        &self.settings
    }

    /// How time counts for a report received at this instant: by the tables known now, and by the
    /// hours that were in force then.
    #[must_use]
    pub fn calendar(&self, received_at: DateTime<Utc>) -> Calendar<'_> {
        let settings = self.settings.at(received_at);
        Calendar {
            holidays: &self.holidays,
            hours: settings.working_hours,
            night: settings.quiet_hours,
        }
    }

    /// All postings, those past and to come included.
    #[must_use]
    pub fn postings(&self) -> &[DatedPosting] {
        &self.postings
    }

    /// An officer's postings, those past and to come included, in order.
    pub fn postings_of(&self, officer: Uuid) -> impl Iterator<Item = &DatedPosting> {
        let places = self
            .posted
            .get(&officer)
            .map(Vec::as_slice)
            .unwrap_or_default();
        places.iter().filter_map(|place| self.postings.get(*place))
    }

    /// A posting as managing looks at it.
    #[must_use]
    pub fn held(&self, posting: &DatedPosting) -> Option<Held> {
        Some(Held {
            role: posting.role,
            grid: self.path(posting.grid_id)?,
            manages: posting.manages,
        })
    }

    /// All who stand in, those past and to come included.
    #[must_use]
    pub fn deputies(&self) -> &[DatedDeputy] {
        &self.deputies
    }

    /// The absences of those who are or were posted here, past ones and those to come included.
    #[must_use]
    pub fn absences(&self) -> &[DatedAbsence] {
        &self.absences
    }

    /// The duty roster, past shifts included, in order.
    #[must_use]
    pub fn shifts(&self) -> &[Shift] {
        &self.shifts
    }

    /// Its teams by id, archived ones included.
    #[must_use]
    pub fn teams(&self) -> &[TeamFacts] {
        &self.teams
    }

    /// Who is posted where at this instant: active postings of officers who are neither disabled nor
    /// absent, who stands in, and who is on the town's duty. Where all of the town are absent, they
    /// count as present.
    #[must_use]
    pub fn staffing(&self, now: DateTime<Utc>) -> Arc<Staffing> {
        let mut staffed = lock(&self.staffed);
        match staffed.as_ref() {
            Some(known) if known.from <= now && now < known.until => Arc::clone(&known.staffing),
            _ => {
                let (from, until) = self.holds(now);
                let staffing = Arc::new(self.staffed(now));
                *staffed = Some(Staffed {
                    from,
                    until,
                    staffing: Arc::clone(&staffing),
                });
                staffing
            }
        }
    }

    /// The staffing at an instant, made anew: for looking ahead.
    #[must_use]
    pub fn staffed(&self, now: DateTime<Utc>) -> Staffing {
        let away: HashSet<Uuid> = self
            .absences
            .iter()
            .filter(|absence| absence.from <= now && now < absence.to)
            .map(|absence| absence.officer_id)
            .collect();
        let present = |officer: Uuid| {
            !away.contains(&officer) && self.people.get(&officer).is_some_and(|one| !one.disabled)
        };
        let active: HashMap<Uuid, &DatedPosting> = self
            .postings
            .iter()
            .filter(|posting| posting.active(now))
            .map(|posting| (posting.id, posting))
            .collect();
        let own = active
            .values()
            .filter(|posting| present(posting.officer_id))
            .map(|posting| (posting, posting.officer_id, None, Covers::All));
        let deputised = self
            .deputies
            .iter()
            .filter(|deputy| deputy.from <= now && now < deputy.to && present(deputy.deputy_id))
            .filter_map(|deputy| {
                let posting = active.get(&deputy.posting_id)?;
                let absent = Some(posting.officer_id);
                Some((posting, deputy.deputy_id, absent, deputy.covers))
            });
        let mut posts: Vec<Post> = own
            .chain(deputised)
            .map(|(posting, officer_id, on_behalf_of, covers)| Post {
                grid_id: posting.grid_id,
                officer_id,
                role: posting.role,
                on_behalf_of,
                covers,
            })
            .collect();
        // Somebody must always be responsible: if all of the town are away, they stay responsible.
        let at_town = |post: &Post| post.grid_id == self.id && post.covers == Covers::All;
        if !posts.iter().any(|post| at_town(post) && post.role.acts()) {
            let enabled =
                |officer: &Uuid| self.people.get(officer).is_some_and(|one| !one.disabled);
            let away = active
                .values()
                .filter(|posting| posting.grid_id == self.id && enabled(&posting.officer_id));
            posts.extend(away.map(|posting| Post {
                grid_id: posting.grid_id,
                officer_id: posting.officer_id,
                role: posting.role,
                on_behalf_of: None,
                covers: Covers::All,
            }));
        }
        // One order always, so that names are listed alike each time: own before deputised.
        posts.sort_by_key(|post| (post.on_behalf_of, post.role, post.officer_id));
        let on_duty = self
            .shifts
            .iter()
            .find(|shift| shift.from <= now && now < shift.to)
            .map(|shift| shift.officer_id)
            .filter(|officer| present(*officer));
        Staffing::new(posts)
            .with_duty(on_duty)
            .with_rosters(self.rosters())
    }

    /// The instants after `now` at which the staffing may change, in order.
    #[must_use]
    pub fn changes_after(&self, now: DateTime<Utc>) -> BTreeSet<DateTime<Utc>> {
        self.edges().filter(|at| *at > now).collect()
    }

    /// Every instant at which something begins or ends.
    fn edges(&self) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        let of_postings = self
            .postings
            .iter()
            .flat_map(|posting| [Some(posting.from), posting.to]);
        let of_deputies = self
            .deputies
            .iter()
            .flat_map(|deputy| [Some(deputy.from), Some(deputy.to)]);
        let of_absences = self
            .absences
            .iter()
            .flat_map(|absence| [Some(absence.from), Some(absence.to)]);
        let of_shifts = self
            .shifts
            .iter()
            .flat_map(|shift| [Some(shift.from), Some(shift.to)]);
        of_postings
            .chain(of_deputies)
            .chain(of_absences)
            .chain(of_shifts)
            .flatten()
    }

    /// From when until when the staffing is that of `now`.
    fn holds(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let mut holds = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        for at in self.edges() {
            if at <= now {
                holds.0 = holds.0.max(at);
            } else {
                holds.1 = holds.1.min(at);
            }
        }
        holds
    }

    fn load(conn: &mut Conn, id: Uuid, versions: Versions) -> Outcome<Self> {
        let rows = queries::grids_of(conn, id)?;
        let order = rows.iter().map(|grid| grid.id).collect();
        let grids: HashMap<Uuid, Grid> = rows.into_iter().map(|grid| (grid.id, grid)).collect();
        let code = grids.get(&id).map(|grid| grid.code.clone());
        let postings = queries::postings_of(conn, id)?;
        let mut posted: HashMap<Uuid, Vec<usize>> = HashMap::new();
        for (place, posting) in postings.iter().enumerate() {
            posted.entry(posting.officer_id).or_default().push(place);
        }
        let deputies = queries::deputies_of(conn, id)?;
        let ids: HashSet<Uuid> = postings
            .iter()
            .map(|posting| posting.officer_id)
            .chain(deputies.iter().map(|deputy| deputy.deputy_id))
            .chain(queries::service_accounts_of(conn, id)?)
            .collect();
        Ok(Self {
            id,
            code: code.ok_or_else(|| Problem::new(Code::NotFound))?,
            grids,
            order,
            postings,
            posted,
            deputies,
            absences: queries::absences_of(conn, ids.iter().copied())?,
            shifts: queries::shifts_of(conn, id)?,
            teams: teams::of_town(conn, id)?,
            people: queries::people(conn, ids)?,
            settings: settings::timeline(conn, id)?,
            holidays: holidays::holidays(conn)?,
            versions,
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
        let versions = town::versions(conn, id)?.ok_or_else(|| Problem::new(Code::NotFound))?;
        if let Some(known) = self.known(id).filter(|known| known.versions == versions) {
            return Ok(known);
        }
        let town = Arc::new(Town::load(conn, id, versions)?);
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
