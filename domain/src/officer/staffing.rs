//! Who is responsible where, at one instant: "there is always somebody" (DESIGN.md 3, DOMAIN.md 2).
//!
//! Owns the chain: who is posted at the grid and present, with who stands in for somebody there; where
//! there is nobody, the nearest manned grid above; when that is the town, its duty officer first.
//! What a deputy took over does not pass to the deputy's own deputy (an agent does not appoint
//! another without the principal): where the deputy is away too, the grid falls to the one above. An
//! absent officer does not man a grid, and is not forbidden to act either.
//!
//! Teams are known here by who belongs to them; whether anybody of one is there follows from the posts.
//!
//! Desks, inboxes, permissions and `GET /v1/grids/{id}/responsible` all ask here. It must not know
//! dates: what is in force at the instant is sorted out before.

use std::collections::HashSet;

use uuid::Uuid;

use super::role::{Covers, Role};
use crate::coded_value::coded_values;
use crate::grid::{GridPath, Tier};

/// An officer posted at a grid and present, or one who stands in there.
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
    /// What of it a deputy does.
    pub covers: Covers,
}

coded_values! {
    /// By what an officer is responsible for a grid.
    By as "DutyBasis" {
        /// Posted at the grid.
        Posting = "posting", "本岗", "Posted there";
        /// The work was given to the officer in person, as a helper, or to the officer's team.
        Assigned = "assigned", "指派", "Given the work in person";
        /// Stands in for somebody posted at the grid.
        Deputy = "deputy", "代理", "Deputy";
        /// The grid has nobody: the one above.
        Superior = "superior", "上级", "Superior";
        /// Nobody below: the town's officer on duty.
        DutyOfficer = "duty_officer", "值班", "Duty officer";
        /// Nobody below: anybody of the town.
        TownOfficer = "town_officer", "镇级", "Officer of the town";
    }
}

/// One who is responsible for a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Responsible {
    /// The officer's post.
    pub post: Post,
    /// By what.
    pub by: By,
}

/// Who belongs to a team that is not archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRoster {
    /// The team.
    pub team_id: Uuid,
    /// Who leads it.
    pub lead: Uuid,
    /// Who belongs to it, the lead included; there or not.
    pub members: Vec<Uuid>,
}

/// Who is posted where in one town at one instant: active postings of officers who are neither
/// disabled nor absent, and those who stand in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staffing {
    posts: Vec<Post>,
    on_duty: Option<Uuid>,
    rosters: Vec<TeamRoster>,
}

impl Staffing {
    /// The staffing made of these posts.
    #[must_use]
    pub fn new(posts: impl IntoIterator<Item = Post>) -> Self {
        let mut posts: Vec<Post> = posts.into_iter().filter(|post| post.role.acts()).collect();
        // Who has two posts at a grid is there by the own one.
        posts.sort_by_key(|post| (post.grid_id, post.on_behalf_of.is_some()));
        Self {
            posts,
            on_duty: None,
            rosters: Vec::new(),
        }
    }

    /// With these teams.
    #[must_use]
    pub fn with_rosters(self, rosters: impl IntoIterator<Item = TeamRoster>) -> Self {
        Self {
            rosters: rosters.into_iter().collect(),
            ..self
        }
    }

    /// Who belongs to a team; none if it is archived or belongs to another town.
    #[must_use]
    pub fn roster(&self, team: Uuid) -> Option<&TeamRoster> {
        self.rosters.iter().find(|roster| roster.team_id == team)
    }

    /// The teams that are not archived.
    #[must_use]
    pub fn rosters(&self) -> &[TeamRoster] {
        &self.rosters
    }

    /// Whether somebody of a team is there, or stands in for one of it.
    #[must_use]
    pub fn team_serves(&self, team: Uuid) -> bool {
        self.roster(team).is_some_and(|roster| {
            let mut members = roster.members.iter();
            members.any(|member| self.serves(*member))
        })
    }

    /// Whether somebody does what was given to this officer in person ([`Staffing::in_person`]).
    #[must_use]
    pub fn serves(&self, officer: Uuid) -> bool {
        self.posts.iter().any(|post| {
            own(post, officer) || (post.on_behalf_of == Some(officer) && post.covers == Covers::All)
        })
    }

    /// Whether `deputy` stands in for all that this officer does. The officer may be present or not.
    #[must_use]
    pub fn stands_in(&self, deputy: Uuid, officer: Uuid) -> bool {
        self.posts.iter().any(|post| {
            post.officer_id == deputy
                && post.on_behalf_of == Some(officer)
                && post.covers == Covers::All
        })
    }

    /// With this officer on the town's duty. One without a post at the town counts as nobody.
    #[must_use]
    pub fn with_duty(self, on_duty: Option<Uuid>) -> Self {
        Self { on_duty, ..self }
    }

    /// Who has a post at exactly this grid.
    fn at(&self, grid: Uuid) -> &[Post] {
        let from = self.posts.partition_point(|post| post.grid_id < grid);
        let to = self.posts.partition_point(|post| post.grid_id <= grid);
        self.posts.get(from..to).unwrap_or_default()
    }

    /// Those of them who do the work of the grid, and do not only decide.
    fn working_at(&self, grid: Uuid) -> impl Iterator<Item = &Post> {
        self.at(grid)
            .iter()
            .filter(|post| post.covers == Covers::All)
    }

    /// The officers who work at exactly this grid; one with two posts there comes twice.
    pub fn posted_at(&self, grid: Uuid) -> impl Iterator<Item = Uuid> + '_ {
        self.working_at(grid).map(|post| post.officer_id)
    }

    /// Whether anybody works at exactly this grid.
    #[must_use]
    pub fn manned(&self, grid: Uuid) -> bool {
        self.working_at(grid).next().is_some()
    }

    /// Whether the village has a secretary, or one who stands in for a secretary.
    #[must_use]
    pub fn has_secretary(&self, village: Uuid) -> bool {
        self.at(village).iter().any(|post| post.role.decides())
    }

    /// The grid whose officers work for `grid`: itself, or its nearest manned ancestor; the town when
    /// nobody is anywhere.
    #[must_use]
    pub fn acting_grid(&self, grid: GridPath) -> Uuid {
        grid.upward()
            .find(|(_, id)| self.manned(*id))
            .map_or(grid.town_id(), |(_, id)| id)
    }

    /// Who works for `grid` (handles and verifies), each once, fallbacks included.
    #[must_use]
    pub fn working_for(&self, grid: GridPath) -> Vec<Responsible> {
        let acting = self.acting_grid(grid);
        let posts = self.working_at(acting);
        if acting == grid.id() {
            distinct(posts.map(|post| here(*post)))
        } else if acting == grid.town_id() {
            self.fallen_to_town(posts)
        } else {
            distinct(posts.map(|post| Responsible {
                post: *post,
                by: By::Superior,
            }))
        }
    }

    /// Who decides on an escalation at the village of this path, each once: its secretary and those
    /// who stand in for one; where there is none, the town.
    #[must_use]
    pub fn deciding_for(&self, grid: GridPath) -> Vec<Responsible> {
        let secretaries = grid
            .at(Tier::Village)
            .map(|village| self.at(village))
            .unwrap_or_default()
            .iter()
            .filter(|post| post.role.decides());
        let found = distinct(secretaries.map(|post| here(*post)));
        if found.is_empty() {
            self.fallen_to_town(self.at(grid.town_id()).iter())
        } else {
            found
        }
    }

    /// Posts of the town for what nobody below does: the one on duty first.
    fn fallen_to_town<'a>(&self, posts: impl Iterator<Item = &'a Post>) -> Vec<Responsible> {
        let mut found = distinct(posts.map(|post| Responsible {
            post: *post,
            by: if Some(post.officer_id) == self.on_duty {
                By::DutyOfficer
            } else {
                By::TownOfficer
            },
        }));
        found.sort_by_key(|responsible| responsible.by != By::DutyOfficer);
        found
    }

    /// The officers who work for `grid`, each once, fallbacks included.
    #[must_use]
    pub fn officers(&self, grid: GridPath) -> Vec<Uuid> {
        ids(self.working_for(grid))
    }

    /// The officers who decide on an escalation at the village of this path, fallbacks included.
    #[must_use]
    pub fn deciders(&self, grid: GridPath) -> Vec<Uuid> {
        ids(self.deciding_for(grid))
    }

    /// Who does what was given to this officer in person: the officer, when present, or those who
    /// stand in for all of it. Nobody: the officer's grid must.
    #[must_use]
    pub fn in_person(&self, officer: Uuid) -> Vec<Uuid> {
        if self.posts.iter().any(|post| own(post, officer)) {
            return vec![officer];
        }
        let mut seen = HashSet::new();
        self.posts
            .iter()
            .filter(|post| post.on_behalf_of == Some(officer) && post.covers == Covers::All)
            .map(|post| post.officer_id)
            .filter(|deputy| seen.insert(*deputy))
            .collect()
    }

    /// The grids where this officer is posted, not counting those of others stood in for.
    pub fn grids_of(&self, officer: Uuid) -> impl Iterator<Item = Uuid> + '_ {
        self.posts
            .iter()
            .filter(move |post| own(post, officer))
            .map(|post| post.grid_id)
    }

    /// The officers whose personal work somebody does ([`Staffing::in_person`]), each once.
    #[must_use]
    pub fn serving(&self) -> Vec<Uuid> {
        let mut seen = HashSet::new();
        self.posts
            .iter()
            .filter(|post| post.covers == Covers::All)
            .map(|post| post.on_behalf_of.unwrap_or(post.officer_id))
            .filter(|officer| seen.insert(*officer))
            .collect()
    }
}

fn own(post: &Post, officer: Uuid) -> bool {
    post.officer_id == officer && post.on_behalf_of.is_none()
}

/// One responsible by a post at the very grid.
const fn here(post: Post) -> Responsible {
    Responsible {
        post,
        by: if post.on_behalf_of.is_some() {
            By::Deputy
        } else {
            By::Posting
        },
    }
}

/// Each officer once, by the first post.
fn distinct(found: impl Iterator<Item = Responsible>) -> Vec<Responsible> {
    let mut seen = HashSet::new();
    found
        .filter(|responsible| seen.insert(responsible.post.officer_id))
        .collect()
}

fn ids(responsible: Vec<Responsible>) -> Vec<Uuid> {
    responsible
        .into_iter()
        .map(|responsible| responsible.post.officer_id)
        .collect()
}

#[cfg(test)]
mod tests;
