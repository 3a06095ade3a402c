//! Who does the work when not the holder: a grid, an officer or a team, and those who help.
//!
//! Owns three rules. Work is given to one of the three, and others may be named to help (co-handlers).
//! One leads: the officer named, or the team's lead; where the team's lead is away, the rest of it;
//! where everybody named has left, or the team is archived, the officers of the handler's grid,
//! which for a team is the holder's: a team that has gone never stops a report. All of them see it,
//! accept it, ask for time and put it right; giving it back (`return`, `decline`) is the lead's alone.
//! It must not know status or time.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::grid::GridPath;
use crate::officer::{Actor, Authority, By, Staffing};

/// Who does the work, when not the holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handler {
    /// The grid; of a team, the holder it works for.
    pub grid: GridPath,
    /// One officer of it, when the work was given to a person.
    pub officer: Option<Uuid>,
    /// The team, when the work was given to one.
    pub team: Option<Uuid>,
    /// Officers who help.
    pub co_handlers: Vec<Uuid>,
    /// The handler's own due instant, within the deadline.
    pub due_at: Option<DateTime<Utc>>,
}

impl Handler {
    /// A grid that does the work, with nobody named.
    #[must_use]
    pub const fn of(grid: GridPath) -> Self {
        Self {
            grid,
            officer: None,
            team: None,
            co_handlers: Vec::new(),
            due_at: None,
        }
    }

    /// The one who has the work: the officer, else the team, else the grid.
    #[must_use]
    pub fn assignee_id(&self) -> Uuid {
        let named = self.officer.or(self.team);
        named.unwrap_or_else(|| self.grid.id())
    }

    /// Who leads the work in person, if somebody does that person's work. Nobody: the grid does.
    fn leads(&self, staffing: &Staffing) -> Vec<Uuid> {
        let serves = |officer: &Uuid| staffing.serves(*officer);
        let roster = self.team.and_then(|team| staffing.roster(team));
        let lead = self
            .officer
            .or(roster.map(|roster| roster.lead))
            .filter(serves);
        match (lead, roster) {
            (Some(lead), _) => vec![lead],
            (None, Some(roster)) => roster.members.iter().copied().filter(serves).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Who helps the lead in person.
    fn beside<'a>(&'a self, staffing: &'a Staffing) -> impl Iterator<Item = Uuid> + 'a {
        let roster = self.team.and_then(|team| staffing.roster(team));
        let members = roster.into_iter().flat_map(|roster| &roster.members);
        members.chain(&self.co_handlers).copied()
    }

    /// Those who must act, the lead first, each once; deputies and fallbacks included.
    #[must_use]
    pub fn officers(&self, staffing: &Staffing) -> Vec<Uuid> {
        let leads = self.leads(staffing);
        let first = if leads.is_empty() {
            staffing.officers(self.grid)
        } else {
            in_person(leads, staffing)
        };
        let beside = in_person(self.beside(staffing), staffing);
        let mut seen = HashSet::new();
        first
            .into_iter()
            .chain(beside)
            .filter(|officer| seen.insert(*officer))
            .collect()
    }

    /// Why this officer in person must act, and as whose deputy: named for it or of the team
    /// before standing in for one who is. None: only as one of the grid.
    #[must_use]
    pub fn named(&self, officer: Uuid, staffing: &Staffing) -> Option<(By, Option<Uuid>)> {
        let named = self.officer.into_iter().chain(self.beside(staffing));
        let named: Vec<Uuid> = named.collect();
        if named.contains(&officer) {
            return Some((By::Assigned, None));
        }
        let stood_for = |one: &Uuid| staffing.stands_in(officer, *one);
        let absent = named.into_iter().find(stood_for)?;
        Some((By::Deputy, Some(absent)))
    }

    /// By what the actor leads the work.
    #[must_use]
    pub fn led_by(&self, actor: &Actor, staffing: &Staffing) -> Option<Authority> {
        let leads = self.leads(staffing);
        if leads.is_empty() {
            actor.stands_at(self.grid, staffing)
        } else {
            actor.stands_among(&leads)
        }
    }

    /// By what the actor works on it, leading or helping.
    #[must_use]
    pub fn worked_on_by(&self, actor: &Actor, staffing: &Staffing) -> Option<Authority> {
        self.led_by(actor, staffing).or_else(|| {
            let beside: Vec<Uuid> = self
                .beside(staffing)
                .filter(|officer| staffing.serves(*officer))
                .collect();
            actor.stands_among(&beside)
        })
    }
}

fn in_person(officers: impl IntoIterator<Item = Uuid>, staffing: &Staffing) -> Vec<Uuid> {
    officers
        .into_iter()
        .flat_map(|officer| staffing.in_person(officer))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::officer::{Covers, Post, Posting, Role, TeamRoster};

    const TOWN: Uuid = Uuid::from_u128(1);
    const VILLAGE: Uuid = Uuid::from_u128(2);
    const TEAM: Uuid = Uuid::from_u128(7);

    fn officer(number: u128) -> Uuid {
        Uuid::from_u128(100 + number)
    }

    fn post(number: u128, at_town: bool, stands_for: Option<u128>) -> Post {
        Post {
            grid_id: if at_town { TOWN } else { VILLAGE },
            officer_id: officer(number),
            role: if at_town {
                Role::TownOfficer
            } else {
                Role::VillageOfficer
            },
            on_behalf_of: stands_for.map(officer),
            covers: Covers::All,
        }
    }

    /// A leader of the town (0), the lead of a team (1), its member (2), and a helper (3): those there.
    fn staffing(there: &[u128], deputy: Option<(u128, u128)>, ended: bool) -> Staffing {
        let posts = there.iter().map(|number| post(*number, *number == 0, None));
        let deputies = deputy.map(|(number, absent)| post(number, false, Some(absent)));
        let roster = TeamRoster {
            team_id: TEAM,
            lead: officer(1),
            members: vec![officer(1), officer(2)],
        };
        Staffing::new(posts.chain(deputies)).with_rosters((!ended).then_some(roster))
    }

    fn work() -> Handler {
        Handler {
            team: Some(TEAM),
            co_handlers: vec![officer(3)],
            ..Handler::of(GridPath::town(TOWN))
        }
    }

    fn actor(number: u128, staffing: &Staffing, deputy: Option<(u128, u128)>) -> Actor {
        let own = staffing
            .serves(officer(number))
            .then_some((number == 0, None));
        let deputised = deputy
            .filter(|(deputy, _)| *deputy == number)
            .map(|(_, absent)| (false, Some(officer(absent))));
        Actor {
            officer_id: officer(number),
            postings: own
                .into_iter()
                .chain(deputised)
                .map(|(at_town, on_behalf_of)| Posting {
                    id: Uuid::nil(),
                    role: if at_town {
                        Role::TownOfficer
                    } else {
                        Role::VillageOfficer
                    },
                    grid: if at_town {
                        GridPath::town(TOWN)
                    } else {
                        GridPath::village(TOWN, VILLAGE)
                    },
                    on_behalf_of,
                    covers: Covers::All,
                    manages: false,
                })
                .collect(),
            service: None,
        }
    }

    #[test]
    fn one_leads_and_the_others_help() {
        // Who is there, who stands in for whom, whether the team has ended; who has it, who leads.
        type Case<'a> = (
            &'a [u128],
            Option<(u128, u128)>,
            bool,
            &'a [u128],
            &'a [u128],
        );
        let cases: [Case<'_>; 6] = [
            (&[0, 1, 2, 3], None, false, &[1, 2, 3], &[1]),
            (&[0, 2, 3], None, false, &[2, 3], &[2]),
            (&[0, 2, 3, 4], Some((4, 1)), false, &[4, 2, 3], &[4]),
            (&[0, 3], None, false, &[0, 3], &[0]),
            (&[0, 1, 2, 3], None, true, &[0, 3], &[0]),
            (&[0], None, true, &[0], &[0]),
        ];
        for (there, deputy, ended, has, leads) in cases {
            let staffing = staffing(there, deputy, ended);
            let ids: Vec<Uuid> = has.iter().copied().map(officer).collect();
            assert_eq!(work().officers(&staffing), ids, "{there:?} {ended}");
            for number in there.iter().copied() {
                let actor = actor(number, &staffing, deputy);
                let worked = work().worked_on_by(&actor, &staffing);
                assert_eq!(
                    worked.is_some(),
                    has.contains(&number),
                    "{there:?} {number}"
                );
                let led = work().led_by(&actor, &staffing);
                assert_eq!(led.is_some(), leads.contains(&number), "{there:?} {number}");
            }
        }
    }

    #[test]
    fn one_acts_in_person_before_acting_as_a_deputy() {
        // Who is there, who stands in for whom, who must act and why.
        type Case<'a> = (
            &'a [u128],
            Option<(u128, u128)>,
            u128,
            Option<(By, Option<u128>)>,
        );
        let assigned = Some((By::Assigned, None));
        let cases: [Case<'_>; 8] = [
            (&[0, 1, 2, 3], None, 1, assigned),
            (&[0, 1, 2, 3], None, 2, assigned),
            (&[0, 1, 2, 3], None, 3, assigned),
            // Helps, and stands in for the lead.
            (&[0, 2, 3], Some((3, 1)), 3, assigned),
            (&[0, 2, 3], Some((4, 1)), 4, Some((By::Deputy, Some(1)))),
            // Beside the lead, who is there as well.
            (&[0, 1, 2], Some((4, 1)), 4, Some((By::Deputy, Some(1)))),
            (&[0, 1, 2], Some((4, 3)), 4, Some((By::Deputy, Some(3)))),
            (&[0, 3], None, 0, None),
        ];
        for (there, deputy, number, by) in cases {
            let staffing = staffing(there, deputy, false);
            let by = by.map(|(by, absent)| (by, absent.map(officer)));
            assert_eq!(work().named(officer(number), &staffing), by, "{number}");
        }
    }

    #[test]
    fn an_officer_leads_before_the_team_and_is_replaced_by_the_grid() {
        let given = Handler {
            officer: Some(officer(2)),
            team: None,
            ..work()
        };
        let there = staffing(&[0, 1, 2, 3], None, false);
        assert_eq!(given.officers(&there), [officer(2), officer(3)]);
        let gone = staffing(&[0, 1, 3], None, false);
        assert_eq!(given.officers(&gone), [officer(0), officer(3)]);
    }
}
