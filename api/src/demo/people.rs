//! The officers of the demonstration town.
//!
//! Owns accounts, names and postings. It must not use real people or phone numbers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use gridpatrol_domain::officer::{Actor, Covers, Posting, Role};
use gridpatrol_domain::team::TeamKind;
use uuid::Uuid;

use super::places::{EACH, Places, Spot};
use gridpatrol_people::officers::commands::{self, NewOfficer, NewPosting};
use gridpatrol_people::teams::commands::{Manager, New};
use gridpatrol_people::towns::directory::{Directory, Town};
use gridpatrol_store::{Conn, Outcome};

/// An officer of the demonstration town by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// `admin`.
    Admin,
    /// `town_leader`.
    TownLeader,
    /// `town_officer`.
    TownOfficer,
    /// `secretary_…` of a village.
    Secretary(u8),
    /// `village_officer_…` of a village.
    VillageOfficer(u8),
    /// `group_…_…` of a village and group.
    GroupLeader(u8, u8),
}

const SECRETARIES: [&str; 3] = ["贾青山", "贾绿水", "贾丰年"];
const VILLAGE_OFFICERS: [&str; 3] = ["甄明月", "甄清泉", "甄春晖"];
const GROUP_LEADERS: [[&str; 3]; 3] = [
    ["吴一甲", "吴一乙", "吴一丙"],
    ["吴二甲", "吴二乙", "吴二丙"],
    ["吴三甲", "吴三乙", "吴三丙"],
];

impl Who {
    /// Everybody.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Admin, Self::TownLeader, Self::TownOfficer];
        for village in 1..=EACH {
            all.push(Self::Secretary(village));
            all.push(Self::VillageOfficer(village));
            all.extend((1..=EACH).map(|group| Self::GroupLeader(village, group)));
        }
        all
    }

    /// The name to sign in with.
    #[must_use]
    pub fn username(self) -> String {
        match self {
            Self::Admin => "admin".to_owned(),
            Self::TownLeader => "town_leader".to_owned(),
            Self::TownOfficer => "town_officer".to_owned(),
            Self::Secretary(village) => format!("secretary_{village}"),
            Self::VillageOfficer(village) => format!("village_officer_{village}"),
            Self::GroupLeader(village, group) => format!("group_{village}_{group}"),
        }
    }

    fn name(self) -> &'static str {
        let nth = |number: u8| usize::from(number.saturating_sub(1));
        let found = match self {
            Self::Admin => Some(&"演示管理员"),
            Self::TownLeader => Some(&"郑示范"),
            Self::TownOfficer => Some(&"韩样例"),
            Self::Secretary(village) => SECRETARIES.get(nth(village)),
            Self::VillageOfficer(village) => VILLAGE_OFFICERS.get(nth(village)),
            Self::GroupLeader(village, group) => GROUP_LEADERS
                .get(nth(village))
                .and_then(|names| names.get(nth(group))),
        };
        found.copied().unwrap_or("演示人员")
    }

    fn phone(self) -> String {
        let extension = match self {
            Self::Admin => 0,
            Self::TownLeader => 1,
            Self::TownOfficer => 2,
            Self::Secretary(village) => u16::from(village) * 100 + 11,
            Self::VillageOfficer(village) => u16::from(village) * 100 + 12,
            Self::GroupLeader(village, group) => u16::from(village) * 100 + 20 + u16::from(group),
        };
        format!("100-0000-1{extension:03}")
    }

    const fn role(self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::TownLeader => Role::TownLeader,
            Self::TownOfficer => Role::TownOfficer,
            Self::Secretary(_) => Role::VillageSecretary,
            Self::VillageOfficer(_) => Role::VillageOfficer,
            Self::GroupLeader(..) => Role::GroupLeader,
        }
    }

    const fn spot(self) -> Option<Spot> {
        match self {
            Self::Admin | Self::TownLeader | Self::TownOfficer => None,
            Self::Secretary(village) | Self::VillageOfficer(village) => Some(Spot {
                village,
                group: None,
            }),
            Self::GroupLeader(village, group) => Some(Spot {
                village,
                group: Some(group),
            }),
        }
    }
}

/// Everybody as they act.
#[derive(Debug, Clone)]
pub struct Cast {
    actors: HashMap<Who, Actor>,
    team: Option<Uuid>,
}

impl Cast {
    /// The officers by their ids, with the postings the town has for them.
    #[must_use]
    pub fn of(ids: &HashMap<Who, Uuid>, town: &Town) -> Self {
        let actor = |officer_id: Uuid| Actor {
            officer_id,
            postings: town
                .postings()
                .iter()
                .filter(|posting| posting.officer_id == officer_id)
                .filter_map(|posting| {
                    Some(Posting {
                        id: posting.id,
                        role: posting.role,
                        grid: town.path(posting.grid_id)?,
                        on_behalf_of: None,
                        covers: Covers::All,
                        manages: posting.manages,
                    })
                })
                .collect(),
            service: None,
        };
        Self {
            actors: ids.iter().map(|(who, id)| (*who, actor(*id))).collect(),
            team: town.teams().first().map(|team| team.id),
        }
    }

    /// The team that is given work.
    #[must_use]
    pub const fn team(&self) -> Option<Uuid> {
        self.team
    }

    /// Somebody.
    #[must_use]
    pub fn actor(&self, who: Who) -> Option<&Actor> {
        self.actors.get(&who)
    }
}

/// Creates all accounts with one password, whose hash this is, and posts them from `now` on.
///
/// # Errors
/// If the database fails.
pub fn settle(
    conn: &mut Conn,
    places: &Places,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Outcome<HashMap<Who, Uuid>> {
    let mut ids = HashMap::new();
    for who in Who::all() {
        let officer = NewOfficer {
            id: Uuid::now_v7(),
            username: who.username(),
            name: who.name().to_owned(),
            phone: Some(who.phone()),
            password_hash: password_hash.to_owned(),
            must_change_password: false,
        };
        let posting = NewPosting {
            role: who.role(),
            grid_id: places.id(who.spot()),
            from: now,
            to: None,
        };
        ids.insert(who, commands::create(conn, &officer, posting, None, now)?);
    }
    Ok(ids)
}

/// Makes the town's teams: one of the villages' officers, which is given work, and one that looks
/// after the first village.
///
/// # Errors
/// If the database fails.
pub fn team_up(
    conn: &mut Conn,
    directory: &Directory,
    places: &Places,
    ids: &HashMap<Who, Uuid>,
    now: DateTime<Utc>,
) -> Outcome<()> {
    let town = directory.town(conn, places.town)?;
    let cast = Cast::of(ids, &town);
    let (Some(leader), Some(office)) = (cast.actor(Who::TownLeader), ids.get(&Who::TownOfficer))
    else {
        return Ok(());
    };
    let manager = Manager {
        directory: directory.clone(),
        actor: leader.clone(),
        towns: vec![places.town],
        now,
    };
    let people = |all: &[Who]| all.iter().filter_map(|who| ids.get(who).copied()).collect();
    let officers = [1, 2, 3].map(Who::VillageOfficer);
    let first = Spot {
        village: 1,
        group: None,
    };
    for (name, kind, lead, member_ids, grid_ids) in [
        (
            "镇环境检查组",
            TeamKind::Inspection,
            ids.get(&officers[0]).unwrap_or(office),
            people(&officers),
            Vec::new(),
        ),
        (
            "示范一村包村工作组",
            TeamKind::VillageLiaison,
            office,
            people(&[Who::Secretary(1), Who::VillageOfficer(1)]),
            vec![places.id(Some(first))],
        ),
    ] {
        let new = New {
            id: Uuid::now_v7(),
            town_id: places.town,
            name: name.to_owned(),
            kind,
            lead_id: *lead,
            member_ids,
            grid_ids,
            categories: Vec::new(),
        };
        manager.create(conn, &new)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Who;
    use std::collections::HashSet;

    #[test]
    fn everybody_has_an_account_a_name_and_a_number_of_their_own() {
        let all = Who::all();
        let distinct = |what: &dyn Fn(Who) -> String| {
            all.iter()
                .map(|who| what(*who))
                .collect::<HashSet<_>>()
                .len()
        };
        assert_eq!(all.len(), 18);
        assert_eq!(distinct(&Who::username), 18);
        assert_eq!(distinct(&|who| who.name().to_owned()), 18);
        assert_eq!(distinct(&Who::phone), 18);
        assert_eq!(Who::GroupLeader(3, 2).username(), "group_3_2");
    }
}
