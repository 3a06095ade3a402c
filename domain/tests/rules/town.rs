//! A random town: its grids, its people and its teams.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::officer::{Actor, Covers, Post, Posting, Role, Staffing, TeamRoster};
use gridpatrol_domain::service::{Access, Service};
use gridpatrol_domain::team::{Team, TeamKind};
use proptest::prelude::*;
use uuid::Uuid;

pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

pub const TOWN: Uuid = Uuid::from_u128(0x1000);
pub const OTHER_TOWN: Uuid = Uuid::from_u128(0x2000);

pub fn village(number: u128) -> GridPath {
    GridPath::village(TOWN, Uuid::from_u128(0x1100 + number))
}

pub fn group(of: u128, number: u128) -> GridPath {
    GridPath::group(
        TOWN,
        Uuid::from_u128(0x1100 + of),
        Uuid::from_u128(0x1200 + of * 16 + number),
    )
}

/// Every grid of the town: itself, two villages, two groups each.
pub fn grids() -> Vec<GridPath> {
    vec![
        GridPath::town(TOWN),
        village(1),
        village(2),
        group(1, 1),
        group(1, 2),
        group(2, 1),
        group(2, 2),
    ]
}

pub fn posting(role: Role, grid: GridPath) -> Posting {
    Posting {
        id: Uuid::from_u128(grid.id().as_u128() << 8 | role as u128),
        role,
        grid,
        on_behalf_of: None,
        covers: Covers::All,
        manages: false,
    }
}

/// The town's people: always a leader; each other post is there or not; one officer stands in for
/// the secretary of village 1; an administrator; a leader of another town; and service accounts. Some
/// belong to teams. From `until` on some of them are away, and a team may have ended.
#[derive(Debug, Clone)]
pub struct People {
    pub actors: Vec<Actor>,
    pub staffing: Staffing,
    pub teams: Vec<Team>,
    until: DateTime<Utc>,
    later: Staffing,
}

impl People {
    pub fn at(&self, now: DateTime<Utc>) -> &Staffing {
        if now < self.until {
            &self.staffing
        } else {
            &self.later
        }
    }
}

/// The officers of the town with the grids where each is posted.
pub fn officers(staffing: &Staffing) -> Vec<(Uuid, Vec<GridPath>)> {
    (0x10..0x1A)
        .map(Uuid::from_u128)
        .map(|officer| {
            let posted: Vec<Uuid> = staffing.grids_of(officer).collect();
            let grids = grids().into_iter();
            let at = grids.filter(|grid| posted.contains(&grid.id()));
            (officer, at.collect())
        })
        .collect()
}

/// A team of the town and one that looks after village 1, of these officers.
pub fn teams(members: &[Vec<u128>; 2]) -> Vec<Team> {
    [
        (0x71, TeamKind::Inspection, &members[0]),
        (0x72, TeamKind::VillageLiaison, &members[1]),
    ]
    .into_iter()
    .map(|(id, kind, members)| {
        let members: Vec<Uuid> = members.iter().copied().map(Uuid::from_u128).collect();
        Team {
            id: Uuid::from_u128(id),
            town_id: TOWN,
            kind,
            area: vec![village(1)],
            field: Vec::new(),
            lead: members[0],
            members,
        }
    })
    .collect()
}

pub fn rosters(teams: &[Team]) -> Vec<TeamRoster> {
    teams
        .iter()
        .map(|team| TeamRoster {
            team_id: team.id,
            lead: team.lead,
            members: team.members.clone(),
        })
        .collect()
}

/// Who leaves, by officer, the town's leader never; which teams are left; and after how long.
#[derive(Debug, Clone)]
pub struct Leaving {
    pub officers: Vec<Uuid>,
    pub teams_left: usize,
    pub after: i64,
}

pub fn leaving() -> impl Strategy<Value = Leaving> {
    (
        proptest::collection::vec(0x11..0x19_u128, 0..6),
        0..=2_usize,
        0..3_000_000_i64,
    )
        .prop_map(|(officers, teams_left, after)| Leaving {
            officers: officers.into_iter().map(Uuid::from_u128).collect(),
            teams_left,
            after,
        })
}

pub fn people(posts: &[bool], members: &[Vec<u128>; 2], leaving: &Leaving) -> People {
    let mut wanted = vec![(Role::TownLeader, GridPath::town(TOWN))];
    let optional = [
        (Role::TownOfficer, GridPath::town(TOWN)),
        (Role::VillageSecretary, village(1)),
        (Role::VillageOfficer, village(1)),
        (Role::VillageSecretary, village(2)),
        (Role::VillageOfficer, village(2)),
        (Role::GroupLeader, group(1, 1)),
        (Role::GroupLeader, group(1, 2)),
        (Role::GroupLeader, group(2, 1)),
    ];
    wanted.extend(
        optional
            .iter()
            .zip(posts)
            .filter(|(_, there)| **there)
            .map(|(post, _)| *post),
    );
    let mut actors: Vec<Actor> = wanted
        .iter()
        .enumerate()
        .map(|(number, (role, grid))| Actor {
            officer_id: Uuid::from_u128(0x10 + number as u128),
            postings: vec![posting(*role, *grid)],
            service: None,
        })
        .collect();
    // The last one stands in for the secretary of village 1, if both are there and differ.
    let secretary = actors
        .iter()
        .find(|actor| {
            actor.postings[0].role == Role::VillageSecretary && actor.postings[0].grid == village(1)
        })
        .map(|actor| actor.officer_id);
    let last = actors.len() - 1;
    if let Some(secretary) = secretary.filter(|secretary| *secretary != actors[last].officer_id) {
        actors[last].postings.push(Posting {
            on_behalf_of: Some(secretary),
            ..posting(Role::VillageSecretary, village(1))
        });
    }
    let staffed = |gone: &[Uuid]| {
        let there = actors
            .iter()
            .filter(|actor| !gone.contains(&actor.officer_id));
        Staffing::new(there.flat_map(|actor| {
            actor.postings.iter().map(|posting| Post {
                grid_id: posting.grid.id(),
                officer_id: actor.officer_id,
                role: posting.role,
                on_behalf_of: posting.on_behalf_of,
                covers: posting.covers,
            })
        }))
    };
    let teams = teams(members);
    let staffing = staffed(&[]).with_rosters(rosters(&teams));
    let later = staffed(&leaving.officers).with_rosters(rosters(&teams[..leaving.teams_left]));
    for (id, posted) in [
        (0xAD, posting(Role::Admin, GridPath::town(TOWN))),
        (0xF0, posting(Role::TownLeader, GridPath::town(OTHER_TOWN))),
    ] {
        actors.push(Actor {
            officer_id: Uuid::from_u128(id),
            postings: vec![posted],
            service: None,
        });
    }
    for (id, grid, access) in [
        (0xC0, village(1), Access::File),
        (0xC1, GridPath::town(TOWN), Access::Read),
    ] {
        actors.push(Actor {
            officer_id: Uuid::from_u128(id),
            postings: Vec::new(),
            service: Some(Service { grid, access }),
        });
    }
    People {
        actors,
        staffing,
        teams,
        until: start() + TimeDelta::seconds(leaving.after),
        later,
    }
}
