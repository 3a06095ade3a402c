//! Somebody who acts, and by what.
//!
//! Owns the postings that an actor has now, and the questions asked of them: who works where, who
//! decides, who stands in. Who else is there is `staffing`'s.

use uuid::Uuid;

use super::role::{Covers, Role};
use super::staffing::Staffing;
use crate::grid::GridPath;
use crate::service::Service;

/// A role at a grid that is active now: the officer's own, or one stood in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// The posting's id.
    pub id: Uuid,
    /// The role.
    pub role: Role,
    /// Where.
    pub grid: GridPath,
    /// The officer whose posting it is, when the holder of this value is a deputy.
    pub on_behalf_of: Option<Uuid>,
    /// What of it a deputy does; an officer's own posting covers all.
    pub covers: Covers,
    /// Whether it manages the accounts and grids of its town (`managing`); never by deputy.
    pub manages: bool,
}

/// Somebody who acts: an officer with the postings active now, deputised ones included; or a service
/// account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The officer.
    pub officer_id: Uuid,
    /// The officer's active postings.
    pub postings: Vec<Posting>,
    /// What a service account may do; it has no postings. None for people.
    pub service: Option<Service>,
}

impl Actor {
    /// Postings that act on reports.
    pub fn acting(&self) -> impl Iterator<Item = &Posting> {
        self.postings.iter().filter(|posting| posting.role.acts())
    }

    /// Postings that do the work of their grid, and do not only decide.
    pub fn working(&self) -> impl Iterator<Item = &Posting> {
        self.acting()
            .filter(|posting| posting.covers == Covers::All)
    }

    /// The officer's own postings, those that act and those that administer.
    pub fn own(&self) -> impl Iterator<Item = &Posting> {
        self.postings
            .iter()
            .filter(|posting| posting.on_behalf_of.is_none())
    }

    /// Whether the actor reads the whole record of a town: its auditors, its leader and administrators,
    /// by postings of their own.
    #[must_use]
    pub fn audits(&self, town: GridPath) -> bool {
        self.own().any(|posting| {
            posting.role == Role::Admin
                || (matches!(posting.role, Role::Auditor | Role::TownLeader)
                    && posting.grid.covers(town))
        })
    }

    /// Whether the actor takes what happened at this place out of the system, personal data and all:
    /// who works for its town, and so refers to the county, and who reads its whole record.
    #[must_use]
    pub fn exports(&self, place: GridPath) -> bool {
        self.stands_at_town(place).is_some() || self.audits(place)
    }

    /// Whether the officer is posted anywhere in this town.
    #[must_use]
    pub fn in_town(&self, town: Uuid) -> bool {
        self.postings
            .iter()
            .any(|posting| posting.grid.town_id() == town)
    }
}

/// By what an actor acts at a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Authority {
    /// The officer on whose behalf, when by deputy.
    pub on_behalf_of: Option<Uuid>,
}

impl Authority {
    /// The best of these postings: the actor's own before deputised ones.
    fn best<'a>(postings: impl Iterator<Item = &'a Posting>) -> Option<Self> {
        postings
            .map(|posting| Self {
                on_behalf_of: posting.on_behalf_of,
            })
            .min_by_key(|authority| authority.on_behalf_of.is_some())
    }
}

impl Actor {
    /// Whether and by what the actor works at `grid`: a posting at exactly that grid (own before
    /// deputised), or at its nearest manned ancestor where the grid has nobody.
    #[must_use]
    pub fn stands_at(&self, grid: GridPath, staffing: &Staffing) -> Option<Authority> {
        let at =
            |id: Uuid| Authority::best(self.working().filter(|posting| posting.grid.id() == id));
        at(grid.id()).or_else(|| {
            let acting = staffing.acting_grid(grid);
            (acting != grid.id()).then(|| at(acting)).flatten()
        })
    }

    /// Whether and by what the actor decides on escalations at the village of this path: its
    /// secretary, a deputy, or the town.
    #[must_use]
    pub fn decides_for(&self, grid: GridPath) -> Option<Authority> {
        Authority::best(self.acting().filter(|posting| {
            let id = posting.grid.id();
            (Some(id) == grid.village_id() && posting.role.decides()) || id == grid.town_id()
        }))
    }

    /// Whether and by what the actor works at `grid` or as a superior of it.
    #[must_use]
    pub fn stands_above(&self, grid: GridPath, staffing: &Staffing) -> Option<Authority> {
        self.stands_at(grid, staffing)
            .or_else(|| Authority::best(self.working().filter(|posting| posting.grid.covers(grid))))
    }

    /// The actor's authority at the town of this path.
    #[must_use]
    pub fn stands_at_town(&self, grid: GridPath) -> Option<Authority> {
        Authority::best(
            self.working()
                .filter(|posting| posting.grid.id() == grid.town_id()),
        )
    }

    /// By what the actor is the secretary of the village of this path, or a deputy.
    #[must_use]
    pub fn secretary_of(&self, grid: GridPath) -> Option<Authority> {
        Authority::best(self.acting().filter(|posting| {
            Some(posting.grid.id()) == grid.village_id() && posting.role.decides()
        }))
    }

    /// By what the actor leads the town of this path.
    #[must_use]
    pub fn leads_town(&self, grid: GridPath) -> Option<Authority> {
        Authority::best(self.working().filter(|posting| {
            posting.grid.id() == grid.town_id() && posting.role == Role::TownLeader
        }))
    }

    /// By what the actor is one of these officers: in person, or as a deputy in all that one does.
    #[must_use]
    pub fn stands_among(&self, officers: &[Uuid]) -> Option<Authority> {
        if officers.contains(&self.officer_id) {
            return Some(Authority::default());
        }
        officers
            .iter()
            .find_map(|officer| self.stands_for(*officer))
    }

    /// By what the actor stands in for this officer in all that officer does.
    #[must_use]
    pub fn stands_for(&self, officer: Uuid) -> Option<Authority> {
        Authority::best(
            self.working()
                .filter(|posting| posting.on_behalf_of == Some(officer)),
        )
    }
}
