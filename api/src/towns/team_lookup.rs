//! Teams as the directory of a town knows them.
//!
//! Owns the way from what is kept to what the rules read. It reads no database.

use gridpatrol_domain::officer::{Crew, Staffing};
use gridpatrol_domain::report::{Category, Desk};
use gridpatrol_domain::team::{Team, TeamKind};
use uuid::Uuid;

use super::directory::Town;
use super::teams::TeamFacts;

impl Town {
    /// A team of this town, archived or not.
    #[must_use]
    pub fn team(&self, id: Uuid) -> Option<&TeamFacts> {
        self.teams().iter().find(|team| team.id == id)
    }

    /// Teams, archived or not, in whose area the grid lies, if one is named, and whose field the category
    /// is, if one is.
    pub fn teams_for(
        &self,
        grid: Option<Uuid>,
        category: Option<Category>,
    ) -> impl Iterator<Item = &TeamFacts> {
        // A grid of another town lies in no team's area.
        let elsewhere = grid.is_some_and(|grid| self.grid(grid).is_none());
        let place = grid.map(|grid| self.home(grid));
        self.teams().iter().filter(move |team| {
            let rules = self.team_as_kept(team);
            !elsewhere
                && place.is_none_or(|place| rules.covers(place))
                && category.is_none_or(|category| rules.concerns(category))
        })
    }

    /// Who belongs to the teams that are not archived.
    pub fn crews(&self) -> impl Iterator<Item = Crew> + '_ {
        let at_work = self
            .teams()
            .iter()
            .filter(|team| team.archived_at.is_none());
        at_work.map(|team| Crew {
            team_id: team.id,
            lead: team.lead_id,
            members: team.member_ids.clone(),
        })
    }

    /// A team as the rules see it: its area is where its grids are now, or who took them over. One that
    /// this town does not know, or that is archived, is that of a town of its own.
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

    /// As [`Town::team_at_work`], archived or not.
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

    /// What a desk is called: the team, as long as anybody of it is there; else the grid.
    #[must_use]
    pub fn desk_name(&self, desk: &Desk, staffing: &Staffing) -> String {
        let team = desk.team.filter(|team| staffing.crew_serves(*team));
        let team = team.and_then(|team| self.team(team));
        let name = team.map(|team| team.name.as_str());
        name.or_else(|| self.grid_name(desk.grid.id()))
            .unwrap_or_default()
            .to_owned()
    }
}
