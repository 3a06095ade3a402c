//! Teams in the directory of a town.
//!
//! Owns turning stored teams into the form that the rules use. It must not read the database.

use gridpatrol_domain::officer::{Staffing, TeamRoster};
use gridpatrol_domain::report::{Category, Desk};
use gridpatrol_domain::team::{Team, TeamKind};
use uuid::Uuid;

use super::directory::Town;
use super::teams::TeamFacts;

impl Town {
    /// A team of this town, archived ones included.
    #[must_use]
    pub fn team(&self, id: Uuid) -> Option<&TeamFacts> {
        self.teams().iter().find(|team| team.id == id)
    }

    /// Teams, archived ones included, whose area contains the grid (if one is given) and whose
    /// field contains the category (if one is given).
    pub fn teams_for(
        &self,
        grid: Option<Uuid>,
        category: Option<Category>,
    ) -> impl Iterator<Item = &TeamFacts> {
        // A grid of another town is in no team's area.
        let elsewhere = grid.is_some_and(|grid| self.grid(grid).is_none());
        let place = grid.map(|grid| self.home(grid));
        self.teams().iter().filter(move |team| {
            let rules = self.team_as_kept(team);
            !elsewhere
                && place.is_none_or(|place| rules.covers(place))
                && category.is_none_or(|category| rules.concerns(category))
        })
    }

    /// The members of the teams that are not archived.
    pub fn rosters(&self) -> impl Iterator<Item = TeamRoster> + '_ {
        let at_work = self
            .teams()
            .iter()
            .filter(|team| team.archived_at.is_none());
        at_work.map(|team| TeamRoster {
            team_id: team.id,
            lead: team.lead_id,
            members: team.member_ids.clone(),
        })
    }

    /// A team in the form that the rules use. Its area is its grids, or the grids that took them
    /// over. If the team is unknown or archived, the result belongs to no real town.
    #[must_use]
    pub fn team_at_work(&self, id: Uuid) -> Team {
        let team = self.team(id).filter(|team| team.archived_at.is_none());
        team.map_or_else(
            || Team {
                id,
                town_id: Uuid::nil(),
                kind: TeamKind::Other,
                area: Vec::new(),
                field: Vec::new(),
                lead: Uuid::nil(),
                members: Vec::new(),
            },
            |team| self.team_as_kept(team),
        )
    }

    /// Like [`Town::team_at_work`], but archived teams are included.
    #[must_use]
    fn team_as_kept(&self, team: &TeamFacts) -> Team {
        Team {
            id: team.id,
            town_id: self.id,
            kind: team.kind,
            area: team.grid_ids.iter().map(|grid| self.home(*grid)).collect(),
            field: team.categories.clone(),
            lead: team.lead_id,
            members: team.member_ids.clone(),
        }
    }

    /// The name of a desk: the team if any member is present, otherwise the grid.
    #[must_use]
    pub fn desk_name(&self, desk: &Desk, staffing: &Staffing) -> String {
        let team = desk.team.filter(|team| staffing.team_serves(*team));
        let team = team.and_then(|team| self.team(team));
        let name = team.map(|team| team.name.as_str());
        name.or_else(|| self.grid_name(desk.grid.id()))
            .unwrap_or_default()
            .to_owned()
    }
}
