//! A town in memory: its grids, officers, postings, absences, deputies, duty roster, teams,
//! settings, and the calendar that its deadlines use.
//!
//! Owns the snapshots. We read a snapshot again when the version in the town's row or the version
//! of the calendar has changed. Every command that changes such data raises the version
//! (`store::town::touch_directory`), so a snapshot is never older than the transaction that asks.
//! It must not decide who may act.

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

/// The most towns in memory. A new one replaces the one unused for the longest time.
const TOWNS: usize = 256;

/// A town at one version of its directory.
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

    /// The place of a grid of this town, or its last place if it has ended.
    #[must_use]
    pub fn path(&self, id: Uuid) -> Option<GridPath> {
        self.grid(id).map(|grid| grid.path)
    }

    /// The place of a grid that has not ended.
    #[must_use]
    pub fn living(&self, id: Uuid) -> Option<GridPath> {
        let grid = self.grid(id)?;
        (!grid.is_archived()).then_some(grid.path)
    }

    /// The grid itself or, if it has ended, the grid that has taken over.
    #[must_use]
    pub fn active_successor(&self, id: Uuid) -> Option<&Grid> {
        let mut grid = self.grid(id)?;
        // A chain of successors has no cycle, because an ended grid cannot take over.
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

    /// Where the data of a grid belong now: to its active successor; without one, to that of the
    /// grid above; in the end to the town.
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

    /// The version of this directory.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.versions.directory
    }

    /// The name of a person who is or was posted here.
    #[must_use]
    pub fn officer_name(&self, id: Uuid) -> Option<&str> {
        self.people.get(&id).map(|person| person.name.as_str())
    }

    /// Everyone who is or was posted here or a deputy here.
    pub fn people(&self) -> impl Iterator<Item = (Uuid, &Person)> {
        self.people.iter().map(|(id, person)| (*id, person))
    }

    /// A person who is or was posted here.
    #[must_use]
    pub fn person(&self, id: Uuid) -> Option<&Person> {
        self.people.get(&id)
    }

    /// The town's settings, past and future ones included.
    #[must_use]
    pub const fn settings(&self) -> &Timeline {
        &self.settings
    }

    /// How time counts for a report received at this instant: with the holiday tables known now and
    /// the working hours in force then.
    #[must_use]
    pub fn calendar(&self, received_at: DateTime<Utc>) -> Calendar<'_> {
        let settings = self.settings.at(received_at);
        Calendar {
            holidays: &self.holidays,
            hours: settings.working_hours,
            night: settings.quiet_hours,
        }
    }

    /// All postings, past and future ones included.
    #[must_use]
    pub fn postings(&self) -> &[DatedPosting] {
        &self.postings
    }

    /// An officer's postings, past and future ones included, in order.
    pub fn postings_of(&self, officer: Uuid) -> impl Iterator<Item = &DatedPosting> {
        let places = self
            .posted
            .get(&officer)
            .map(Vec::as_slice)
            .unwrap_or_default();
        places.iter().filter_map(|place| self.postings.get(*place))
    }

    /// A posting as the managing rules need it.
    #[must_use]
    pub fn held(&self, posting: &DatedPosting) -> Option<Held> {
        Some(Held {
            role: posting.role,
            grid: self.path(posting.grid_id)?,
            manages: posting.manages,
        })
    }

    /// All deputies, past and future ones included.
    #[must_use]
    pub fn deputies(&self) -> &[DatedDeputy] {
        &self.deputies
    }

    /// The absences of everyone who is or was posted here, past and future ones included.
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

    /// The staffing at this instant: active postings of officers who are neither disabled nor
    /// absent, their deputies, and the officer on the town's duty. If everyone at the town is
    /// absent, they count as present.
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

    /// Builds the staffing at an instant, to look ahead.
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
        // A town always has somebody to act: if everyone is away, they count as present.
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
        // Always the same order, so that lists of names stay the same: own postings first, then
        // deputies.
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

    /// The instants after `now` when the staffing may change, in order.
    #[must_use]
    pub fn changes_after(&self, now: DateTime<Utc>) -> BTreeSet<DateTime<Utc>> {
        self.edges().filter(|at| *at > now).collect()
    }

    /// Every instant when something begins or ends.
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

    /// How long the staffing stays the same as at `now`.
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

/// The recently used towns. A cheap handle.
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

    /// The first of these towns that has the grid, and the grid's place there.
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
