//! The town for the measurements: 12 villages of 8 groups with their officers. The program's own commands
//! make it.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::officer::{Actor, Role, Staffing};
use gridpatrol_domain::scope::Scope;
use gridpatrol_people::auth::AuthSettings;
use gridpatrol_people::auth::authenticate::active_postings;
use gridpatrol_people::auth::passwords::Passwords;
use gridpatrol_people::grids::import;
use gridpatrol_people::officers::commands::{self, NewOfficer, NewPosting};
use gridpatrol_people::towns::directory::{Directory, Town};
use gridpatrol_people::towns::queries::grids_coded;
use gridpatrol_reports::relocation::FollowingReports;
use gridpatrol_store::{Lane, Store};
use uuid::Uuid;

use crate::Fallible;

/// The password of all officers.
pub const PASSWORD: &str = "load-Patrol-2026";
const VILLAGES: usize = 12;
const GROUPS: usize = 8;
const TOWN_CODE: &str = "990001100000";

const SURNAMES: [&str; 12] = [
    "张", "李", "王", "赵", "陈", "杨", "周", "吴", "徐", "孙", "马", "胡",
];
const GIVEN: [&str; 8] = [
    "建国", "秀英", "志强", "桂兰", "永福", "丽华", "德明", "小芳",
];

/// An officer.
pub struct Officer {
    /// The name to sign in with.
    pub username: String,
    /// As the rules see the officer.
    pub actor: Actor,
    /// Where the officer is posted.
    pub grid: GridPath,
}

impl Officer {
    /// What the officer sees.
    pub fn scope(&self) -> Scope {
        Scope::of(&self.actor)
    }
}

/// The town, its people and who is posted where.
pub struct Seeded {
    /// Grids and names.
    pub town: Arc<Town>,
    /// Who is posted where.
    pub staffing: Arc<Staffing>,
    /// One in each group, the groups of a village one after the other.
    pub leaders: Vec<Officer>,
    /// One in each village.
    pub secretaries: Vec<Officer>,
}

/// An officer to be: name to sign in with, code of the grid, role.
type Wanted = (String, String, Role);

fn wanted() -> Vec<Wanted> {
    let mut wanted = vec![
        (
            "town_leader".to_owned(),
            TOWN_CODE.to_owned(),
            Role::TownLeader,
        ),
        (
            "town_officer".to_owned(),
            TOWN_CODE.to_owned(),
            Role::TownOfficer,
        ),
    ];
    for village in 0..VILLAGES {
        let code = village_code(village);
        wanted.push((
            format!("secretary_{village}"),
            code.clone(),
            Role::VillageSecretary,
        ));
        wanted.push((
            format!("village_officer_{village}"),
            code.clone(),
            Role::VillageOfficer,
        ));
        for group in 0..GROUPS {
            wanted.push((
                format!("group_{village}_{group}"),
                group_code(&code, group),
                Role::GroupLeader,
            ));
        }
    }
    wanted
}

fn village_code(village: usize) -> String {
    format!("990001100{:03}", 200 + village)
}

fn group_code(village: &str, group: usize) -> String {
    format!("{village}{:03}", group + 1)
}

fn grids() -> String {
    let mut file = format!("code,name,tier,parent_code\n{TOWN_CODE},示范镇,town,\n");
    for village in 0..VILLAGES {
        let code = village_code(village);
        file.push_str(&format!(
            "{code},示范{}村,village,{TOWN_CODE}\n",
            village + 1
        ));
        for group in 0..GROUPS {
            let group_code = group_code(&code, group);
            file.push_str(&format!(
                "{group_code},示范{}村{}组,group,{code}\n",
                village + 1,
                group + 1
            ));
        }
    }
    file
}

/// Makes the town in an empty database.
pub fn seed(store: &Store) -> Fallible<Seeded> {
    let now = Utc::now();
    let ended = import::import_file(
        store,
        std::sync::Arc::new(FollowingReports),
        grids().as_bytes(),
        None,
        false,
        Utc::now,
    )?;
    if !ended.done {
        return Err(ended.to_string().into());
    }

    let hash = Passwords::new(&AuthSettings::default())?.hash_blocking(PASSWORD)?;
    let officers = store.write_blocking(Lane::Interactive, move |conn| {
        let mut officers = Vec::new();
        for (number, (username, code, role)) in wanted().into_iter().enumerate() {
            let grids = grids_coded(conn, &[code.as_str()])?;
            let Some(grid) = grids.get(&code) else {
                continue;
            };
            let surname = SURNAMES.iter().cycle().nth(number).copied().unwrap_or("钱");
            let given = GIVEN
                .iter()
                .cycle()
                .nth(number / 3)
                .copied()
                .unwrap_or("一");
            let officer = NewOfficer {
                id: Uuid::now_v7(),
                username: username.clone(),
                name: format!("{surname}{given}"),
                phone: None,
                password_hash: hash.clone(),
                must_change_password: false,
            };
            let posting = NewPosting {
                role,
                grid_id: grid.id,
                // Reports of years past were filed by officers in office.
                from: now - TimeDelta::days(20 * 366),
                to: None,
            };
            let id = commands::create(conn, &officer, posting, None, now)?;
            let actor = Actor {
                officer_id: id,
                postings: active_postings(conn, id, now)?,
                service: None,
            };
            officers.push((
                role,
                Officer {
                    username,
                    actor,
                    grid: grid.path,
                },
            ));
        }
        Ok(officers)
    })?;

    let town_id = officers
        .first()
        .map(|(_, officer)| officer.grid.town_id())
        .ok_or("no officer was made")?;
    let town = store.read_blocking(|conn| Directory::default().town(conn, town_id))?;
    let staffing = town.staffing(now);
    let (mut leaders, mut secretaries) = (Vec::new(), Vec::new());
    for (role, officer) in officers {
        match role {
            Role::GroupLeader => leaders.push(officer),
            Role::VillageSecretary => secretaries.push(officer),
            _ => {}
        }
    }
    Ok(Seeded {
        town,
        staffing,
        leaders,
        secretaries,
    })
}
