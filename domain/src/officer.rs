//! Officers: roles, dated postings, deputies, and who acts at a grid.
//!
//! Owns the rule "there is always somebody" (DESIGN.md 3, who may act): an active posting at the
//! grid, a dated deputy, or, where the grid has nobody, the nearest manned ancestor, last the town.
//! It must not know what an action does (`report::lifecycle`).

use std::collections::HashSet;

use uuid::Uuid;

use crate::grid::{GridPath, Tier};
use crate::slug::slugs;

slugs! {
    /// What an officer is at a grid.
    Role {
        /// Administers accounts and grids, and never acts on reports.
        Admin = "admin", "管理员", "Administrator";
        /// 镇领导.
        TownLeader = "town_leader", "镇领导", "Town leader";
        /// 镇环保办工作人员.
        TownOfficer = "town_officer", "镇级网格员", "Town officer";
        /// 村书记: decides on escalations.
        VillageSecretary = "village_secretary", "村书记", "Village secretary";
        /// 村干部.
        VillageOfficer = "village_officer", "村级网格员", "Village officer";
        /// 村民小组长.
        GroupLeader = "group_leader", "村民小组长", "Group leader";
    }
}

impl Role {
    /// The tier of the grids where this role may be posted; an admin may be posted at any.
    #[must_use]
    pub const fn tier(self) -> Option<Tier> {
        match self {
            Self::Admin => None,
            Self::TownLeader | Self::TownOfficer => Some(Tier::Town),
            Self::VillageSecretary | Self::VillageOfficer => Some(Tier::Village),
            Self::GroupLeader => Some(Tier::Group),
        }
    }

    /// Whether it acts on reports at all.
    #[must_use]
    pub const fn acts(self) -> bool {
        !matches!(self, Self::Admin)
    }

    /// Whether it decides on escalations at the village.
    #[must_use]
    pub const fn decides(self) -> bool {
        matches!(self, Self::VillageSecretary)
    }
}

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
}

/// Somebody who acts: an officer with the postings active now, deputised ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The officer.
    pub officer_id: Uuid,
    /// The officer's active postings.
    pub postings: Vec<Posting>,
}

impl Actor {
    /// Postings that act on reports.
    pub fn acting(&self) -> impl Iterator<Item = &Posting> {
        self.postings.iter().filter(|posting| posting.role.acts())
    }

    /// Whether the officer is posted anywhere in this town.
    #[must_use]
    pub fn in_town(&self, town: Uuid) -> bool {
        self.postings
            .iter()
            .any(|posting| posting.grid.town_id() == town)
    }
}

/// An officer posted at a grid, as the staffing of a town lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Post {
    /// The grid.
    pub grid_id: Uuid,
    /// The officer.
    pub officer_id: Uuid,
    /// The role there.
    pub role: Role,
    /// The officer stood in for, when this one is a deputy.
    pub on_behalf_of: Option<Uuid>,
}

/// Who is posted where in one town, now: active postings of active officers and their deputies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staffing {
    posts: Vec<Post>,
}

/// By what an actor acts at a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The officer on whose behalf, when by deputy.
    pub on_behalf_of: Option<Uuid>,
}

impl Staffing {
    /// The staffing made of these posts.
    #[must_use]
    pub fn new(posts: impl IntoIterator<Item = Post>) -> Self {
        let mut posts: Vec<Post> = posts.into_iter().filter(|post| post.role.acts()).collect();
        posts.sort_by_key(|post| post.grid_id);
        Self { posts }
    }

    /// Who acts at exactly this grid.
    fn at(&self, grid: Uuid) -> &[Post] {
        let from = self.posts.partition_point(|post| post.grid_id < grid);
        let to = self.posts.partition_point(|post| post.grid_id <= grid);
        self.posts.get(from..to).unwrap_or_default()
    }

    /// The officers who act at exactly this grid; one with two posts there comes twice.
    pub fn posted_at(&self, grid: Uuid) -> impl Iterator<Item = Uuid> + '_ {
        self.at(grid).iter().map(|post| post.officer_id)
    }

    /// Whether anybody acts at exactly this grid.
    #[must_use]
    pub fn manned(&self, grid: Uuid) -> bool {
        !self.at(grid).is_empty()
    }

    /// Whether the village has a secretary, or one who stands in for a secretary.
    #[must_use]
    pub fn has_secretary(&self, village: Uuid) -> bool {
        self.at(village).iter().any(|post| post.role.decides())
    }

    /// The grid whose officers act for `grid`: itself, or its nearest manned ancestor; the town when
    /// nobody is anywhere.
    #[must_use]
    pub fn acting_grid(&self, grid: GridPath) -> Uuid {
        grid.upward()
            .find(|(_, id)| self.manned(*id))
            .map_or(grid.town_id(), |(_, id)| id)
    }

    /// The officers who act for `grid`, each once, fallbacks included.
    #[must_use]
    pub fn officers(&self, grid: GridPath) -> Vec<Uuid> {
        distinct(self.at(self.acting_grid(grid)))
    }

    /// Who decides on an escalation at the village of this path: its secretary, or those who stand
    /// in for one; where there is none, the town.
    #[must_use]
    pub fn deciders(&self, grid: GridPath) -> Vec<Uuid> {
        let secretaries: Vec<Post> = grid
            .village_id()
            .map(|village| self.at(village))
            .unwrap_or_default()
            .iter()
            .filter(|post| post.role.decides())
            .copied()
            .collect();
        if secretaries.is_empty() {
            distinct(self.at(grid.town_id()))
        } else {
            distinct(&secretaries)
        }
    }

    /// Whether the officer's own posting is at exactly this grid.
    #[must_use]
    pub fn posted(&self, officer: Uuid, grid: Uuid) -> bool {
        self.at(grid)
            .iter()
            .any(|post| post.officer_id == officer && post.on_behalf_of.is_none())
    }

    /// The grids where this officer is posted, not counting those of others stood in for.
    pub fn grids_of(&self, officer: Uuid) -> impl Iterator<Item = Uuid> + '_ {
        self.posts
            .iter()
            .filter(move |post| post.officer_id == officer && post.on_behalf_of.is_none())
            .map(|post| post.grid_id)
    }

    /// All officers who hold a post in this town, each once.
    #[must_use]
    pub fn serving(&self) -> Vec<Uuid> {
        distinct(&self.posts)
    }

    /// Whether the officer holds any post in this town.
    #[must_use]
    pub fn serves(&self, officer: Uuid) -> bool {
        self.posts.iter().any(|post| post.officer_id == officer)
    }
}

fn distinct(posts: &[Post]) -> Vec<Uuid> {
    let mut seen = HashSet::new();
    posts
        .iter()
        .map(|post| post.officer_id)
        .filter(|officer| seen.insert(*officer))
        .collect()
}

impl Actor {
    /// Whether and by what the actor acts at `grid`: a posting at exactly that grid (own before
    /// deputised), or at its nearest manned ancestor where the grid has nobody.
    #[must_use]
    pub fn stands_at(&self, grid: GridPath, staffing: &Staffing) -> Option<Standing> {
        let at = |id: Uuid| {
            self.acting()
                .filter(|posting| posting.grid.id() == id)
                .map(|posting| Standing {
                    on_behalf_of: posting.on_behalf_of,
                })
                .min_by_key(|standing| standing.on_behalf_of.is_some())
        };
        at(grid.id()).or_else(|| {
            let acting = staffing.acting_grid(grid);
            (acting != grid.id()).then(|| at(acting)).flatten()
        })
    }

    /// Whether and by what the actor decides on escalations at the village of this path: its
    /// secretary, a deputy, or the town.
    #[must_use]
    pub fn decides_for(&self, grid: GridPath) -> Option<Standing> {
        self.acting()
            .filter(|posting| {
                let id = posting.grid.id();
                (Some(id) == grid.village_id() && posting.role.decides()) || id == grid.town_id()
            })
            .map(|posting| Standing {
                on_behalf_of: posting.on_behalf_of,
            })
            .min_by_key(|standing| standing.on_behalf_of.is_some())
    }

    /// Whether and by what the actor acts at `grid` or as a superior of it.
    #[must_use]
    pub fn stands_above(&self, grid: GridPath, staffing: &Staffing) -> Option<Standing> {
        self.stands_at(grid, staffing).or_else(|| {
            self.acting()
                .filter(|posting| posting.grid.covers(grid))
                .map(|posting| Standing {
                    on_behalf_of: posting.on_behalf_of,
                })
                .min_by_key(|standing| standing.on_behalf_of.is_some())
        })
    }

    /// The actor's standing at the town of this path.
    #[must_use]
    pub fn stands_at_town(&self, grid: GridPath) -> Option<Standing> {
        self.acting()
            .filter(|posting| posting.grid.id() == grid.town_id())
            .map(|posting| Standing {
                on_behalf_of: posting.on_behalf_of,
            })
            .min_by_key(|standing| standing.on_behalf_of.is_some())
    }
}
