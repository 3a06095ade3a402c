//! Import, directory and posting on both databases.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::officer::Role;
use uuid::Uuid;

use crate::testing::{Database, KINDS, Kind};
use gridpatrol_people::auth::authenticate::active_postings;
use gridpatrol_people::grids::import::import_file;
use gridpatrol_people::imports::Counts;
use gridpatrol_people::imports::cli_import::{Ended, ImportFileError};
use gridpatrol_people::officers::commands::{NewOfficer, NewPosting, add_deputy, create};
use gridpatrol_people::towns::directory::{Directory, Town};
use gridpatrol_people::towns::queries as towns;
use gridpatrol_problem::Problem;
use gridpatrol_reports::relocation::FollowingReports;
use gridpatrol_store::schema::{grids, officers, postings};
use gridpatrol_store::types::Id;
use gridpatrol_store::{Lane, Store, StoreSettings, events, town};

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

    async fn import(&self, file: &str) -> Counts {
        let ended = self.imported(file, false).await;
        assert!(ended.done, "{ended}");
        ended.counts
    }

    async fn imported(&self, file: &str, dry_run: bool) -> Ended {
        self.bytes(file.as_bytes().to_vec(), dry_run).await.unwrap()
    }

    async fn bytes(&self, file: Vec<u8>, dry_run: bool) -> Result<Ended, ImportFileError> {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || {
            import_file(
                &store,
                Arc::new(FollowingReports),
                file.as_slice(),
                None,
                dry_run,
                now,
            )
        })
        .await
        .unwrap()
    }

    async fn named(&self, code: &'static str) -> String {
        self.store
            .read(move |conn| Ok(towns::grids_coded(conn, &[code])?))
            .await
            .unwrap()
            .remove(code)
            .unwrap()
            .name
    }

    async fn id(&self, code: &'static str) -> Uuid {
        self.store
            .read(move |conn| Ok(towns::grids_coded(conn, &[code])?))
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

type Places = Vec<(i64, Option<String>, String)>;

fn places(ended: &Ended) -> Places {
    let errors = ended.errors.iter();
    let mut places: Places = errors
        .map(|error| (error.line, error.field.clone(), error.code.clone()))
        .collect();
    places.sort();
    places
}

fn at(line: i64, column: &str, code: &str) -> (i64, Option<String>, String) {
    let column = (!column.is_empty()).then(|| column.to_owned());
    (line, column, code.to_owned())
}

fn counted(created: i64, updated: i64, unchanged: i64) -> Counts {
    Counts {
        created,
        updated,
        unchanged,
        archived: 0,
    }
}

#[tokio::test]
async fn an_import_creates_what_is_new_and_may_be_repeated() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let dry = house.imported(TOWN, true).await;
        assert!(dry.done && dry.errors_total == 0);
        assert_eq!(dry.counts, counted(5, 0, 0));
        assert_eq!(house.grids().await, 0, "a dry run writes nothing");
        assert_eq!(house.import(TOWN).await, counted(5, 0, 0));
        assert_eq!(house.import(TOWN).await, counted(0, 0, 5));
        // Columns in another order; the village is there already, a name has changed.
        let more = "tier,parent_code,name,code,联系电话\n\
            group,990001100201,三组,990001100201003,\n\
            村,990001100,碧水村,990001100201,0812-8210001\n";
        assert_eq!(house.import(more).await, counted(1, 1, 0));
        let town_id = house.id("990001100000").await;
        let town = house.town(town_id).await;
        let names: Vec<&str> = town.grids().map(|grid| grid.name.as_str()).collect();
        assert_eq!(
            names,
            ["示范镇", "青山村", "一组", "二组,河边", "碧水村", "三组"]
        );
        let group = house.id("990001100201003").await;
        let path = town.path(group).unwrap();
        let village = house.id("990001100201").await;
        assert_eq!(path.village_id(), Some(village));
        assert_eq!(path.town_id(), town_id);
        let village = town.grid(village).unwrap();
        assert_eq!(village.contact.as_deref(), Some("0812-8210001"));
        assert_eq!(village.version, 2);
        let (verified, kinds) = house
            .store
            .read(move |conn| {
                let verified = events::verify(conn, town_id)?.unwrap();
                let events = events::after(conn, town_id, 0, 100)?;
                let kinds: Vec<String> = events.into_iter().map(|event| event.kind).collect();
                Ok((verified, kinds))
            })
            .await
            .unwrap();
        assert_eq!(verified.end.seq, 7);
        let created = kinds.iter().filter(|kind| *kind == "grid_created");
        assert_eq!(created.count(), 6);
        assert!(kinds.contains(&"grid_updated".to_owned()));
    }
}

#[tokio::test]
async fn every_bad_line_is_named_and_nothing_is_imported() {
    for kind in KINDS {
        let house = House::new(kind).await;
        house.import(TOWN).await;
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
        let refused = house.imported(bad, false).await;
        assert!(!refused.done);
        assert_eq!(
            places(&refused),
            [
                at(4, "name", "required"),
                at(5, "tier", "not_allowed"),
                at(6, "parent_code", "not_allowed"),
                at(7, "code", "bad_format"),
                at(8, "", "repeated"),
                at(9, "", "wrong_length"),
                at(10, "tier", "not_allowed"),
            ]
        );
        let contradicting = "code,name,tier,parent_code\n\
            990001101000,新镇,town,\n\
            990001102200001,一组,group,990001102200\n\
            990001100000,改名镇,town,\n";
        let refused = house.imported(contradicting, false).await;
        assert_eq!(places(&refused), [at(3, "parent_code", "not_found")]);
        assert_eq!(house.grids().await, 5);
    }
}

#[tokio::test]
async fn a_file_that_is_none_is_named_as_such() {
    let house = House::new(Kind::Sqlite).await;
    for (file, line, code) in [
        (b"".as_slice(), 1, "empty"),
        (b"code;name;tier;parent_code\n", 1, "unknown_column"),
        (b"code,tier\n", 1, "required"),
        (b"code,code,name,tier,parent_code\n", 1, "repeated"),
        ("\u{feff}code,name\n990001101000,镇\n".as_bytes(), 0, ""),
        // GBK, as Excel in China saves CSV.
        (b"code,name\n990001102000,\xd0\xc2\xd5\xf2\n", 0, ""),
        // UTF-8 by its mark, but not throughout.
        (
            b"\xef\xbb\xbfcode,name\n990001103000,\xd0\xc2\xd5\xf2\n",
            2,
            "bad_encoding",
        ),
    ] {
        let ended = house.bytes(file.to_vec(), false).await.unwrap();
        assert_eq!(ended.done, line == 0, "{ended}");
        if line > 0 {
            assert_eq!(ended.errors[0].line, line, "{ended}");
            assert_eq!(ended.errors[0].code, code, "{ended}");
        }
    }
    assert_eq!(house.named("990001102000").await, "新镇");
    let empty = house.bytes(b"code,name,tier,parent_code\n".to_vec(), false);
    assert!(empty.await.unwrap().done);
    for binary in [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...".as_slice(), b"a\0b"] {
        assert!(house.bytes(binary.to_vec(), false).await.is_err());
    }
    let mut many = "code,name,tier,parent_code\n".to_owned();
    many.push_str(&"x,y,z,\n".repeat(700));
    let ended = house.imported(&many, false).await;
    assert_eq!((ended.errors.len(), ended.errors_total), (1000, 1400));
    assert!(ended.to_string().ends_with("… and 400 more\n"));
}

#[tokio::test]
async fn a_posting_is_seen_at_once_and_a_deputy_on_the_day() {
    for kind in KINDS {
        let house = House::new(kind).await;
        house.import(TOWN).await;
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
        house.import(TOWN).await;
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
        house.import(TOWN).await;
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
