//! Import, directory and posting on both databases.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::officer::Role;
use uuid::Uuid;

use super::directory::{Directory, Town};
use super::import::{Faults, Imported, Plan};
use super::queries;
use crate::auth::authenticate::active_postings;
use crate::officers::commands::{NewOfficer, NewPosting, add_deputy, create};
use crate::problem::Problem;
use crate::store::schema::{grids, officers, postings};
use crate::store::testing::{Database, KINDS, Kind};
use crate::store::types::Id;
use crate::store::{Lane, Store, StoreSettings, events, town};

const TOWN: &str = "\u{feff}code,name,tier,parent_code\r
990001100000,示范镇,town,\r
990001100200,青山村,village,990001100000\r
990001100200001,一组,group,990001100200\r
990001100200002,\"二组,河边\",group,990001100200\r
990001100201,绿水村,village,990001100\r
";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

struct House {
    _database: Database,
    store: Store,
    directory: Directory,
}

impl House {
    async fn new(kind: Kind) -> Self {
        let database = Database::fresh(kind);
        let store = Store::open(&StoreSettings::new(database.url.parse().unwrap())).unwrap();
        store.migrate().unwrap();
        Self {
            _database: database,
            store,
            directory: Directory::default(),
        }
    }

    async fn import(&self, file: &str) -> Result<Imported, Faults> {
        let plan = Plan::parse(file.as_bytes())?;
        self.store
            .write(Lane::Interactive, move |conn| plan.run(conn, None, now()))
            .await
            .unwrap()
    }

    async fn id(&self, code: &'static str) -> Uuid {
        self.store
            .read(move |conn| Ok(queries::grids_coded(conn, &[code])?))
            .await
            .unwrap()
            .remove(code)
            .unwrap()
            .id
    }

    async fn town(&self, id: Uuid) -> Arc<Town> {
        let directory = self.directory.clone();
        self.store
            .read(move |conn| directory.town(conn, id))
            .await
            .unwrap()
    }

    async fn officer(&self, username: &str, role: Role, grid_id: Uuid) -> Result<Uuid, Problem> {
        let officer = NewOfficer {
            id: Uuid::now_v7(),
            username: username.to_owned(),
            name: format!("名 {username}"),
            phone: None,
            password_hash: "$argon2id$".to_owned(),
            must_change_password: false,
        };
        let posting = NewPosting {
            role,
            grid_id,
            from: now(),
            to: None,
        };
        self.store
            .write(Lane::Interactive, move |conn| {
                create(conn, &officer, posting, None, now())
            })
            .await
    }

    async fn grids(&self) -> i64 {
        self.store
            .read(|conn| Ok(grids::table.count().get_result(conn)?))
            .await
            .unwrap()
    }
}

fn details(faults: &Faults) -> Vec<(u64, Option<&'static str>)> {
    faults
        .named
        .iter()
        .map(|fault| (fault.line, fault.column))
        .collect()
}

#[tokio::test]
async fn an_import_creates_what_is_new_and_may_be_repeated() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let (all, none) = (
            Imported {
                created: 5,
                unchanged: 0,
            },
            Imported {
                created: 0,
                unchanged: 5,
            },
        );
        assert_eq!(house.import(TOWN).await.unwrap(), all);
        assert_eq!(house.import(TOWN).await.unwrap(), none);
        // Columns in another order; the village is there already.
        let more = "tier,parent_code,name,code\ngroup,990001100201,三组,990001100201003\n";
        assert_eq!(house.import(more).await.unwrap().created, 1);
        let town_id = house.id("990001100000").await;
        let town = house.town(town_id).await;
        let names: Vec<&str> = town.grids().map(|grid| grid.name.as_str()).collect();
        assert_eq!(
            names,
            ["示范镇", "青山村", "一组", "二组,河边", "绿水村", "三组"]
        );
        let group = house.id("990001100201003").await;
        let path = town.path(group).unwrap();
        assert_eq!(path.village_id(), Some(house.id("990001100201").await));
        assert_eq!(path.town_id(), town_id);
        let (verified, seq) = house
            .store
            .read(move |conn| {
                let verified = events::verify(conn, town_id)?.unwrap();
                Ok((verified, events::after(conn, town_id, 0, 100)?.len()))
            })
            .await
            .unwrap();
        assert_eq!((verified.end.seq, seq), (6, 6));
    }
}

#[tokio::test]
async fn every_bad_line_is_named_and_nothing_is_imported() {
    for kind in KINDS {
        let house = House::new(kind).await;
        house.import(TOWN).await.unwrap();
        let bad = "code,name,tier,parent_code\n\
            990001101000,新镇,town,\n\
            990001100,示范镇二,town,\n\
            990001100202,,village,990001100000\n\
            990001100202001,一组,village,990001100202\n\
            990001100203,石桥村,village,990001101000\n\
            99000110020x,石桥村,village,990001100000\n\
            990001101000,新镇,town,\n\
            990001100204,少一列,village\n\
            990001101200,新村,hamlet,990001101000\n";
        let faults = house.import(bad).await.unwrap_err();
        assert_eq!(
            details(&faults),
            [
                (4, Some("name")),
                (5, Some("tier")),
                (6, Some("parent_code")),
                (7, Some("code")),
                (8, Some("code")),
                (9, None),
                (10, Some("tier")),
            ]
        );
        let contradicting = "code,name,tier,parent_code\n\
            990001101000,新镇,town,\n\
            990001102200001,一组,group,990001102200\n\
            990001100000,改名镇,town,\n";
        let faults = house.import(contradicting).await.unwrap_err();
        assert_eq!(
            details(&faults),
            [(3, Some("parent_code")), (4, Some("name"))]
        );
        assert!(faults.to_string().contains("named 示范镇"), "{faults}");
        assert_eq!(house.grids().await, 5);
    }
}

#[test]
fn a_file_that_is_none_is_named_as_such() {
    for (file, line) in [
        (b"".as_slice(), 1),
        (b"code;name;tier;parent_code\n", 1),
        (b"code,name,tier\n", 1),
        (b"code,code,name,tier,parent_code\n", 1),
        (
            b"code,name,tier,parent_code\n990001101000,\xd0\xc2\xd5\xf2,town,\n",
            2,
        ),
    ] {
        let faults = Plan::parse(file).unwrap_err();
        assert_eq!(faults.named[0].line, line, "{faults}");
    }
    assert!(Plan::parse(b"code,name,tier,parent_code\n").is_ok());
    let mut many = "code,name,tier,parent_code\n".to_owned();
    many.push_str(&"x,y,z,\n".repeat(300));
    let faults = Plan::parse(many.as_bytes()).unwrap_err();
    assert_eq!(faults.named.len() + faults.more, 600);
    assert!(faults.to_string().ends_with("… and 400 more\n"));
}

#[tokio::test]
async fn a_posting_is_seen_at_once_and_a_deputy_on_the_day() {
    for kind in KINDS {
        let house = House::new(kind).await;
        house.import(TOWN).await.unwrap();
        let town_id = house.id("990001100000").await;
        let village = house.id("990001100200").await;
        let before = house.town(town_id).await;
        assert!(!before.staffing(now()).manned(village));
        let secretary = house
            .officer("secretary_1", Role::VillageSecretary, village)
            .await
            .unwrap();
        let other = house
            .officer("village_officer_1", Role::VillageOfficer, village)
            .await
            .unwrap();
        let town = house.town(town_id).await;
        let staffing = town.staffing(now());
        assert!(staffing.manned(village) && staffing.has_secretary(village));
        assert!(!town.staffing(now() - TimeDelta::seconds(1)).manned(village));
        assert_eq!(town.officer_name(secretary), Some("名 secretary_1"));
        assert!(Arc::ptr_eq(&town, &house.town(town_id).await), "kept");

        // From tomorrow for a day, the officer stands in for the secretary.
        let (from, to) = (now() + TimeDelta::days(1), now() + TimeDelta::days(2));
        house
            .store
            .write(Lane::Interactive, move |conn| {
                let posting: Uuid = postings::table
                    .filter(postings::officer_id.eq(Id(secretary)))
                    .select(postings::id)
                    .first(conn)?;
                add_deputy(conn, posting, other, (from, to), None, now())?;
                diesel::update(officers::table.find(Id(secretary)))
                    .set(officers::disabled_at.eq(Some(now())))
                    .execute(conn)?;
                town::touch_directory(conn, town_id)?;
                Ok(())
            })
            .await
            .unwrap();
        let town = house.town(town_id).await;
        let path = town.path(village).unwrap();
        for (at, deciders) in [
            (now(), vec![]),
            (from, vec![other]),
            (to - TimeDelta::microseconds(1), vec![other]),
            (to, vec![]),
        ] {
            let staffing = town.staffing(at);
            assert_eq!(staffing.has_secretary(village), !deciders.is_empty());
            assert_eq!(staffing.deciders(path), deciders, "at {at}");
        }
        let acting = house
            .store
            .read(move |conn| {
                Ok((
                    active_postings(conn, other, now())?,
                    active_postings(conn, other, from)?,
                ))
            })
            .await
            .unwrap();
        assert_eq!(acting.0.len(), 1);
        assert_eq!(acting.1.len(), 2);
        assert_eq!(acting.1[1].on_behalf_of, Some(secretary));
        assert_eq!(acting.1[1].role, Role::VillageSecretary);
        assert_eq!(acting.1[1].grid, path);
    }
}

#[tokio::test]
async fn a_version_that_was_rolled_back_never_comes_again() {
    for kind in KINDS {
        let house = House::new(kind).await;
        house.import(TOWN).await.unwrap();
        let town_id = house.id("990001100000").await;
        let village = house.id("990001100200").await;
        let directory = house.directory.clone();
        // Somebody is posted, the directory is asked within the transaction, which then fails.
        let undone = house
            .store
            .write(Lane::Interactive, move |conn| {
                let officer = NewOfficer {
                    id: Uuid::now_v7(),
                    username: "ghost".to_owned(),
                    name: "无".to_owned(),
                    phone: None,
                    password_hash: String::new(),
                    must_change_password: false,
                };
                let posting = NewPosting {
                    role: Role::VillageSecretary,
                    grid_id: village,
                    from: now(),
                    to: None,
                };
                create(conn, &officer, posting, None, now())?;
                assert!(
                    directory
                        .town(conn, town_id)?
                        .staffing(now())
                        .manned(village)
                );
                Err::<(), _>(Problem::new(gridpatrol_domain::error::Code::NotFound).into())
            })
            .await;
        assert!(undone.is_err());
        assert!(!house.town(town_id).await.staffing(now()).manned(village));
        house
            .store
            .write(Lane::Interactive, move |conn| {
                Ok(town::touch_directory(conn, town_id)?)
            })
            .await
            .unwrap();
        assert!(!house.town(town_id).await.staffing(now()).manned(village));
    }
}

#[tokio::test]
async fn a_wrong_officer_is_refused_by_pointer() {
    for kind in KINDS {
        let house = House::new(kind).await;
        house.import(TOWN).await.unwrap();
        let village = house.id("990001100200").await;
        house
            .officer("secretary_1", Role::VillageSecretary, village)
            .await
            .unwrap();
        for (username, role, pointer) in [
            ("Secretary_1", Role::VillageOfficer, "/username"),
            ("名字", Role::VillageOfficer, "/username"),
            ("leader", Role::GroupLeader, "/role"),
        ] {
            let problem = house.officer(username, role, village).await.unwrap_err();
            assert_eq!(problem.errors[0].pointer, pointer);
        }
        house.officer("admin", Role::Admin, village).await.unwrap();
        let nowhere = house.officer("x1", Role::Admin, Uuid::now_v7()).await;
        assert_eq!(nowhere.unwrap_err().code.status(), 404);
        let officers: i64 = house
            .store
            .read(|conn| Ok(officers::table.count().get_result(conn)?))
            .await
            .unwrap();
        assert_eq!(officers, 2, "a refusal leaves nothing behind");
    }
}
