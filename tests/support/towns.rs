//! Two towns side by side, made by the commands that `import grids` and `officer create` use.
//!
//! Each town has three villages of three groups, with officers of every role. The first town's accounts
//! are those of the demonstration town; the second town's begin with `b_`.

use std::collections::HashMap;

use diesel::prelude::*;
use gridpatrol::app::App;
use gridpatrol_domain::officer::Role;
use gridpatrol_people::grids::import;
use gridpatrol_people::officers::commands::{self, NewOfficer, NewPosting};
use gridpatrol_reports::relocation::FollowingReports;
use gridpatrol_store::schema::{grids, officers};
use gridpatrol_store::types::Id;
use gridpatrol_store::{Conn, Lane, Outcome, town};
use uuid::Uuid;

/// The password of every account.
pub const PASSWORD: &str = "demo-Patrol-2026";

/// A town of the test.
#[derive(Debug, Clone)]
pub struct Town {
    grids: HashMap<String, Uuid>,
    code: &'static str,
}

const HERE: (&str, &str) = ("", "990001100");
const BESIDE: (&str, &str) = ("b_", "990002100");

impl Town {
    /// The town itself.
    pub fn id(&self) -> Uuid {
        self.grid(&format!("{}000", self.code))
    }

    /// A village, 1 to 3.
    pub fn village(&self, village: u8) -> Uuid {
        self.grid(&village_code(self.code, village))
    }

    /// A group of a village, 1 to 3 each.
    pub fn group(&self, village: u8, group: u8) -> Uuid {
        self.grid(&group_code(self.code, village, group))
    }

    fn grid(&self, code: &str) -> Uuid {
        *self.grids.get(code).unwrap_or_else(|| panic!("no {code}"))
    }
}

fn village_code(town: &str, village: u8) -> String {
    format!("{town}{}", 199 + u16::from(village))
}

fn group_code(town: &str, village: u8, group: u8) -> String {
    format!("{}{group:03}", village_code(town, village))
}

/// Both towns as the database has them, and the officers by username.
pub async fn read(app: &App) -> (Town, Town, HashMap<String, Uuid>) {
    app.store
        .read(|conn| {
            let codes: HashMap<String, Uuid> = grids::table
                .select((grids::code, grids::id))
                .load(conn)?
                .into_iter()
                .collect();
            let people = officers::table
                .select((officers::username, officers::id))
                .load(conn)?
                .into_iter()
                .collect();
            let town = |(_, code): (&str, &'static str)| Town {
                code,
                grids: codes.clone(),
            };
            Ok((town(HERE), town(BESIDE), people))
        })
        .await
        .expect("the towns")
}

/// Makes both towns.
pub async fn make(app: &App) {
    let hash = app.auth.passwords.hash(PASSWORD.to_owned()).await.unwrap();
    let now = app.clock.now();
    let mut file = String::from("code,name,tier,parent_code\n");
    for ((prefix, code), name) in [(HERE, "示范镇"), (BESIDE, "邻镇")] {
        file.push_str(&format!("{code}000,{name},town,\n"));
        for village in 1..=3 {
            let above = village_code(code, village);
            file.push_str(&format!(
                "{above},{prefix}示范{village}村,village,{code}000\n"
            ));
            for group in 1..=3 {
                let code = group_code(code, village, group);
                file.push_str(&format!(
                    "{code},{prefix}{village}村{group}组,group,{above}\n"
                ));
            }
        }
    }
    let store = app.store.clone();
    tokio::task::spawn_blocking(move || {
        let ended = import::import_file(
            &store,
            std::sync::Arc::new(FollowingReports),
            file.as_bytes(),
            None,
            false,
            move || now,
        );
        assert!(ended.expect("an import").done, "new grids");
    })
    .await
    .expect("an import");
    app.store
        .write(Lane::Interactive, move |conn| {
            for (prefix, code) in [HERE, BESIDE] {
                staff(conn, prefix, code, &hash, now)?;
            }
            Ok(())
        })
        .await
        .expect("two towns");
}

fn staff(
    conn: &mut Conn,
    prefix: &str,
    code: &str,
    hash: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Outcome<()> {
    let town = format!("{code}000");
    let mut people = vec![
        (
            "admin".to_owned(),
            "管理员".to_owned(),
            Role::Admin,
            town.clone(),
        ),
        (
            "town_leader".to_owned(),
            "李镇长".to_owned(),
            Role::TownLeader,
            town.clone(),
        ),
        (
            "town_officer".to_owned(),
            "王环保".to_owned(),
            Role::TownOfficer,
            town.clone(),
        ),
        (
            "auditor".to_owned(),
            "陈审计".to_owned(),
            Role::Auditor,
            town,
        ),
    ];
    for village in 1..=3 {
        let grid = village_code(code, village);
        people.push((
            format!("secretary_{village}"),
            format!("书记{village}"),
            Role::VillageSecretary,
            grid.clone(),
        ));
        people.push((
            format!("village_officer_{village}"),
            format!("村干部{village}"),
            Role::VillageOfficer,
            grid,
        ));
        for group in 1..=3 {
            people.push((
                format!("group_{village}_{group}"),
                format!("组长{village}之{group}"),
                Role::GroupLeader,
                group_code(code, village, group),
            ));
        }
    }
    for (username, name, role, grid) in people {
        let grid_id: Uuid = grids::table
            .filter(grids::code.eq(grid))
            .select(grids::id)
            .first(conn)?;
        let officer = NewOfficer {
            id: Uuid::now_v7(),
            username: format!("{prefix}{username}"),
            name,
            phone: None,
            password_hash: hash.to_owned(),
            must_change_password: false,
        };
        let posting = NewPosting {
            role,
            grid_id,
            // Stories may be set in years past.
            from: now - chrono::TimeDelta::days(20 * 366),
            to: None,
        };
        commands::create(conn, &officer, posting, None, now)?;
    }
    Ok(())
}

/// Ends every posting of an officer, as of now.
pub fn end_postings(
    conn: &mut Conn,
    officer: Uuid,
    now: chrono::DateTime<chrono::Utc>,
) -> Outcome<()> {
    use gridpatrol_store::schema::postings;
    let towns: Vec<Uuid> =
        diesel::update(postings::table.filter(postings::officer_id.eq(Id(officer))))
            .set(postings::valid_to.eq(Some(now)))
            .returning(postings::town_id)
            .get_results(conn)?;
    for id in towns {
        town::touch_directory(conn, id)?;
    }
    Ok(())
}

/// Lets an officer stand in for every posting of another, for a day from now.
pub fn add_deputy(
    conn: &mut Conn,
    absent: Uuid,
    deputy: Uuid,
    now: chrono::DateTime<chrono::Utc>,
) -> Outcome<()> {
    use gridpatrol_store::schema::postings;
    let posts: Vec<Uuid> = postings::table
        .filter(postings::officer_id.eq(Id(absent)))
        .select(postings::id)
        .load(conn)?;
    for posting in posts {
        let day = (now, now + chrono::TimeDelta::days(1));
        commands::add_deputy(conn, posting, deputy, day, None, now)?;
    }
    Ok(())
}

/// Disables an account, as of now.
pub fn disable(conn: &mut Conn, officer: Uuid, now: chrono::DateTime<chrono::Utc>) -> Outcome<()> {
    use gridpatrol_store::schema::postings;
    diesel::update(officers::table.find(Id(officer)))
        .set(officers::disabled_at.eq(Some(now)))
        .execute(conn)?;
    let towns: Vec<Uuid> = postings::table
        .filter(postings::officer_id.eq(Id(officer)))
        .select(postings::town_id)
        .load(conn)?;
    for id in towns {
        town::touch_directory(conn, id)?;
    }
    Ok(())
}
