//! What a team looks like to a client.
//!
//! Owns the shape and how we fill it. It must not change anything.

use chrono::{DateTime, Utc};
use gridpatrol_domain::officer::Staffing;
use gridpatrol_domain::report::Category;
use gridpatrol_domain::team::TeamKind;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::towns::directory::Town;
use crate::towns::teams::TeamFacts;

/// A team.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-0000000000d1", "town_id": "0192f7a0-0000-7000-8000-000000000001",
    "name": "东片检查组", "kind": "inspection",
    "lead": {"officer_id": "0192f7a0-0000-7000-8000-000000000011", "name": "王环保", "active": true},
    "members": [
        {"officer_id": "0192f7a0-0000-7000-8000-000000000011", "name": "王环保", "active": true},
        {"officer_id": "0192f7a0-0000-7000-8000-000000000012", "name": "张书记", "active": true}
    ],
    "area": [{"grid_id": "0192f7a0-0000-7000-8000-000000000002", "name": "青山村"}],
    "categories": ["straw_burning"], "created_at": "2026-11-20T00:15:00Z", "version": 1
}))]
pub struct Team {
    /// Its id.
    id: Uuid,
    /// The town it belongs to.
    town_id: Uuid,
    /// Its name.
    name: String,
    /// What it is.
    kind: TeamKind,
    /// Who leads it.
    lead: TeamMember,
    /// Who belongs to it, the lead first.
    members: Vec<TeamMember>,
    /// Where it works, each grid with all below; empty: in the whole town.
    area: Vec<TeamGrid>,
    /// What it is for; empty: everything.
    categories: Vec<Category>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was archived; absent while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    archived_at: Option<DateTime<Utc>>,
    /// Its version.
    version: i64,
}

/// Somebody of a team.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TeamMember {
    /// The officer.
    officer_id: Uuid,
    /// The officer's name.
    #[schema(example = "王环保")]
    name: String,
    /// Whether somebody does that one's work now: posted and present, or a deputy.
    active: bool,
}

/// A grid where a team works.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TeamGrid {
    /// The grid, or the one that took it over.
    grid_id: Uuid,
    /// Its name.
    #[schema(example = "青山村")]
    name: String,
}

impl Team {
    /// Its version.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.version
    }

    /// What a client sees of a team.
    #[must_use]
    pub fn of(town: &Town, staffing: &Staffing, team: &TeamFacts) -> Self {
        let member = |officer: Uuid| TeamMember {
            officer_id: officer,
            name: town.officer_name(officer).unwrap_or_default().to_owned(),
            active: staffing.serves(officer),
        };
        let mut area: Vec<Uuid> = Vec::new();
        for grid in team.grid_ids.iter().map(|grid| town.home(*grid).id()) {
            if !area.contains(&grid) {
                area.push(grid);
            }
        }
        Self {
            id: team.id,
            town_id: team.town_id,
            name: team.name.clone(),
            kind: team.kind,
            lead: member(team.lead_id),
            members: team.member_ids.iter().copied().map(member).collect(),
            area: area
                .into_iter()
                .map(|grid_id| TeamGrid {
                    grid_id,
                    name: town.grid_name(grid_id).unwrap_or_default().to_owned(),
                })
                .collect(),
            categories: team.categories.clone(),
            created_at: team.created_at,
            archived_at: team.archived_at,
            version: team.version,
        }
    }
}
