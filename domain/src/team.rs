//! Teams of a town: a lead and members who take work together, with an area and a field.
//!
//! Owns what a team is and for whom it works. Which of its members are present at an instant is
//! known to `officer::staffing`, who does what on a report to `report::handler`.

use uuid::Uuid;

use crate::category::Category;
use crate::coded_value::coded_values;
use crate::grid::{GridPath, Tier};

coded_values! {
    /// What a team is.
    TeamKind {
        /// 检查小组: checks on site, usually by area and field.
        Inspection = "inspection", "检查小组", "Inspection team";
        /// A department of the town.
        Department = "department", "部门", "Department";
        /// 包村工作组: the town's people who look after some villages.
        VillageLiaison = "village_liaison", "包村工作组", "Village liaison team";
        /// Anything else.
        Other = "other", "其他", "Other";
    }
}

/// A team that has not been archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: Uuid,
    /// Its town.
    pub town_id: Uuid,
    /// What it is.
    pub kind: TeamKind,
    /// The grids where it works, each with all below; none: the whole town.
    pub area: Vec<GridPath>,
    /// What it is for; none: everything.
    pub field: Vec<Category>,
    /// Who leads it.
    pub lead: Uuid,
    /// Who belongs to it, the lead included.
    pub members: Vec<Uuid>,
}

impl Team {
    /// Whether a grid lies in its area.
    #[must_use]
    pub fn covers(&self, grid: GridPath) -> bool {
        grid.town_id() == self.town_id
            && (self.area.is_empty() || self.area.iter().any(|own| own.covers(grid)))
    }

    /// Whether a category is in its field.
    #[must_use]
    pub fn concerns(&self, category: Category) -> bool {
        self.field.is_empty() || self.field.contains(&category)
    }

    /// Whether a holder may give it work: the town, and a village to those who look after it. Area and
    /// field do not bind the town: they say whom to think of first.
    #[must_use]
    pub fn works_for(&self, holder: GridPath) -> bool {
        match holder.tier() {
            Tier::Town => holder.town_id() == self.town_id,
            Tier::Village => self.kind == TeamKind::VillageLiaison && self.covers(holder),
            Tier::Group => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOWN: Uuid = Uuid::from_u128(1);

    fn village(number: u128) -> GridPath {
        GridPath::village(TOWN, Uuid::from_u128(number * 10))
    }

    fn group(of: u128, number: u128) -> GridPath {
        GridPath::group(
            TOWN,
            Uuid::from_u128(of * 10),
            Uuid::from_u128(of * 10 + number),
        )
    }

    fn team(kind: TeamKind, area: &[GridPath]) -> Team {
        Team {
            id: Uuid::from_u128(7),
            town_id: TOWN,
            kind,
            area: area.to_vec(),
            field: vec![Category::StrawBurning],
            lead: Uuid::from_u128(8),
            members: vec![Uuid::from_u128(8)],
        }
    }

    #[test]
    fn area_and_field_say_what_a_team_is_for() {
        let east = team(TeamKind::Inspection, &[village(1)]);
        assert!(east.covers(village(1)) && east.covers(group(1, 1)));
        assert!(!east.covers(village(2)) && !east.covers(GridPath::town(TOWN)));
        let all = team(TeamKind::Department, &[]);
        assert!(all.covers(group(2, 1)));
        assert!(!all.covers(GridPath::town(Uuid::from_u128(2))));
        assert!(all.concerns(Category::StrawBurning) && !all.concerns(Category::Unclassified));
    }

    #[test]
    fn a_village_has_only_those_who_look_after_it() {
        let liaison = team(TeamKind::VillageLiaison, &[village(1)]);
        assert!(liaison.works_for(village(1)) && liaison.works_for(GridPath::town(TOWN)));
        assert!(!liaison.works_for(village(2)) && !liaison.works_for(group(1, 1)));
        assert!(!liaison.works_for(GridPath::town(Uuid::from_u128(2))));
        let inspection = team(TeamKind::Inspection, &[village(1)]);
        assert!(!inspection.works_for(village(1)) && inspection.works_for(GridPath::town(TOWN)));
    }
}
