//! A town with a village, a group and their officers, in a fresh database, with a fresh folder of
//! photos.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::officer::{Actor, Covers, Posting, Role};
use gridpatrol_domain::report::{Category, PhotoRole, Severity, Source, Status};
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;
use crate::testing::{Database, Kind};
use gridpatrol_problem::Problem;
use gridpatrol_reports::photos::commands::{self, Arrival, Declaration, Declared, Taken};
use gridpatrol_reports::photos::digest::Digest;
use gridpatrol_reports::photos::imaging::{Format, Picture};
use gridpatrol_reports::photos::queries;
use gridpatrol_store::clock::Clock;
use gridpatrol_store::schema::{grids, officers, postings, reports};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, Lane, Outcome, town};

pub const PASSWORD: &str = "demo-Patrol-2026";

pub struct House {
    pub app: Arc<App>,
    pub town: Uuid,
    pub village: Uuid,
    pub group: Uuid,
    pub leader: Actor,
    pub other_leader: Actor,
    pub secretary: Actor,
    pub admin: Actor,
    folder: Folder,
    // Dropped after the application that uses it.
    _database: Database,
}

struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What the server still has in hand may write another file while the folder goes.
        let gone = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            std::fs::remove_dir_all(&self.0).is_ok()
        });
        assert!(
            gone || std::thread::panicking(),
            "{} stays",
            self.0.display()
        );
    }
}

/// Settings for a fresh database and folder.
fn settings(database: &Database) -> (Config, Folder) {
    let folder =
        std::env::temp_dir().join(format!("gridpatrol_photos_{}", Uuid::new_v4().simple()));
    let mut config = Config {
        data_dir: folder.clone(),
        database_url: Some(database.url.parse().unwrap()),
        bind: "127.0.0.1:0".parse().unwrap(),
        ..Config::default()
    };
    config.auth.argon2_memory_kib = 64;
    config.auth.argon2_passes = 1;
    config.http.workers = 1;
    config.photos.max_bytes = 200_000;
    config.photos.max_pixels = 1_000_000;
    (config, Folder(folder))
}

impl House {
    pub async fn new(kind: Kind) -> Self {
        let database = Database::fresh(kind);
        let (config, folder) = settings(&database);
        let app = App::open(config, Clock::adjustable()).await.unwrap();
        Self::furnish(Arc::new(app), database, folder).await
    }

    /// The same, served over HTTP. Returns its address.
    pub async fn served(kind: Kind) -> (Self, String) {
        Self::served_with(kind, |_| {}).await
    }

    /// The same, with other settings.
    pub async fn served_with(kind: Kind, change: impl FnOnce(&mut Config)) -> (Self, String) {
        let database = Database::fresh(kind);
        let (mut config, folder) = settings(&database);
        change(&mut config);
        let server = crate::app::build_at(config, Clock::adjustable())
            .await
            .unwrap();
        let address = format!("http://{}", server.address());
        let app = Arc::clone(server.app());
        actix_web::rt::spawn(server.run());
        (Self::furnish(app, database, folder).await, address)
    }

    async fn furnish(app: Arc<App>, database: Database, folder: Folder) -> Self {
        let [town, village, group, other_group] = std::array::from_fn(|_| Uuid::now_v7());
        let hash = app.auth.passwords.hash_blocking(PASSWORD).unwrap();
        let now = app.clock.now();
        let people = [
            (
                "group_1_1",
                Role::GroupLeader,
                GridPath::group(town, village, group),
            ),
            (
                "group_1_2",
                Role::GroupLeader,
                GridPath::group(town, village, other_group),
            ),
            (
                "secretary_1",
                Role::VillageSecretary,
                GridPath::village(town, village),
            ),
            ("admin", Role::Admin, GridPath::town(town)),
        ]
        .map(|(name, role, grid)| {
            let posting = Posting {
                id: Uuid::now_v7(),
                role,
                grid,
                on_behalf_of: None,
                covers: Covers::All,
                manages: false,
            };
            let actor = Actor {
                officer_id: Uuid::now_v7(),
                postings: vec![posting],
                service: None,
            };
            (name, actor)
        });
        let moving_in = people.clone();
        app.store
            .write(Lane::Interactive, move |conn| {
                for (id, code, tier, village_id, parent) in [
                    (town, "990001100000", Tier::Town, None, None),
                    (
                        village,
                        "990001100200",
                        Tier::Village,
                        Some(village),
                        Some(town),
                    ),
                    (
                        group,
                        "990001100200001",
                        Tier::Group,
                        Some(village),
                        Some(village),
                    ),
                    (
                        other_group,
                        "990001100200002",
                        Tier::Group,
                        Some(village),
                        Some(village),
                    ),
                ] {
                    diesel::insert_into(grids::table)
                        .values((
                            grids::id.eq(Id(id)),
                            grids::town_id.eq(Id(town)),
                            grids::village_id.eq(village_id),
                            grids::parent_id.eq(parent),
                            grids::tier.eq(Coded(tier)),
                            grids::code.eq(code),
                            grids::name.eq(code),
                            grids::created_at.eq(At(now)),
                        ))
                        .execute(conn)?;
                }
                town::found(conn, town)?;
                for (name, actor) in &moving_in {
                    diesel::insert_into(officers::table)
                        .values((
                            officers::id.eq(Id(actor.officer_id)),
                            officers::username.eq(*name),
                            officers::name.eq(*name),
                            officers::password_hash.eq(&hash),
                            officers::created_at.eq(At(now)),
                        ))
                        .execute(conn)?;
                    for posting in &actor.postings {
                        diesel::insert_into(postings::table)
                            .values((
                                postings::id.eq(Id(posting.id)),
                                postings::officer_id.eq(Id(actor.officer_id)),
                                postings::grid_id.eq(Id(posting.grid.id())),
                                postings::town_id.eq(Id(town)),
                                postings::role.eq(Coded(posting.role)),
                                postings::valid_from.eq(At(now)),
                                postings::created_at.eq(At(now)),
                            ))
                            .execute(conn)?;
                    }
                }
                Ok(())
            })
            .await
            .unwrap();
        let [leader, other_leader, secretary, admin] = people.map(|(_, actor)| actor);
        Self {
            app,
            town,
            village,
            group,
            leader,
            other_leader,
            secretary,
            admin,
            folder,
            _database: database,
        }
    }

    /// How many files lie anywhere in the folder of photos.
    pub fn files(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| {
                    let path = entry.unwrap().path();
                    if path.is_dir() { count(&path) } else { 1 }
                })
                .sum()
        }
        count(&self.folder.0.join("photos"))
    }

    /// Where an original lies.
    pub fn original(&self, content: &[u8]) -> std::path::PathBuf {
        let name = Digest::of(content).to_string();
        self.folder
            .0
            .join("photos/original")
            .join(&name[..2])
            .join(&name[2..4])
            .join(&name)
    }

    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Problem> {
        self.app.store.write(Lane::Interactive, work).await
    }

    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> T {
        self.app.store.read(work).await.unwrap()
    }

    /// Files a report of the leader's group that declares these photos, as the reports' room does.
    pub async fn file(&self, report: Uuid, photos: Vec<Declaration>) -> Result<Declared, Problem> {
        let (town_id, village, group) = (self.town, self.village, self.group);
        let (officer, now) = (self.leader.officer_id, self.app.clock.now());
        self.write(move |conn| {
            let declared = commands::declare(conn, report, town_id, officer, &photos, now)?;
            let mut head = town::advance(conn, town_id)?;
            let (year, number) = head.next_number(2026);
            diesel::insert_into(reports::table)
                .values((
                    (
                        reports::town_id.eq(Id(town_id)),
                        reports::id.eq(Id(report)),
                        reports::number.eq(format!("990001100-{year}-{number:06}")),
                        reports::grid_id.eq(Id(group)),
                        reports::village_id.eq(Some(village)),
                        reports::group_id.eq(Some(group)),
                        reports::filing_tier.eq(Coded(Tier::Group)),
                        reports::category.eq(Coded(Category::StrawBurning)),
                        reports::severity.eq(Coded(Severity::General)),
                        reports::source.eq(Coded(Source::Patrol)),
                        reports::status.eq(Coded(Status::Open)),
                    ),
                    (
                        reports::holder_id.eq(Id(group)),
                        reports::holder_tier.eq(Coded(Tier::Group)),
                        reports::desk_since.eq(At(now)),
                        reports::reporter_id.eq(Id(officer)),
                        reports::received_at.eq(At(now)),
                        reports::observed_at.eq(At(now)),
                        reports::deadline_at.eq(At(now)),
                        reports::photos_declared.eq(declared.declared),
                        reports::photos_ready.eq(declared.ready),
                        reports::version.eq(1),
                        reports::change_seq.eq(head.change_seq),
                    ),
                ))
                .execute(conn)?;
            town::save(conn, &head)?;
            Ok(declared)
        })
        .await
    }

    /// Declared and arrived photos of a report, its version and its place among the changes.
    pub async fn counts(&self, report: Uuid) -> (i32, i32, i64, i64) {
        self.read(move |conn| {
            Ok(reports::table
                .filter(reports::id.eq(Id(report)))
                .select((
                    reports::photos_declared,
                    reports::photos_ready,
                    reports::version,
                    reports::change_seq,
                ))
                .first(conn)?)
        })
        .await
    }

    pub async fn set_status(&self, report: Uuid, status: Status) {
        self.write(move |conn| {
            diesel::update(reports::table.filter(reports::id.eq(Id(report))))
                .set(reports::status.eq(Coded(status)))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    }

    /// Pins a content and takes it in.
    pub async fn arrive(&self, arrival: Arrival) -> Result<Taken, Problem> {
        let (now, directory) = (self.app.clock.now(), self.app.directory.clone());
        self.write(move |conn| {
            queries::pin(conn, arrival.digest, arrival.size, now)?;
            commands::arrive(conn, &directory, &arrival, now)
        })
        .await
    }
}

/// A photo as it arrives, of this content.
pub fn arrival(actor: &Actor, id: Uuid, content: &[u8]) -> Arrival {
    Arrival {
        id,
        actor: actor.clone(),
        report_id: None,
        role: None,
        taken_at: None,
        position: None,
        sent: None,
        digest: Digest::of(content),
        size: i64::try_from(content.len()).unwrap(),
        picture: Picture {
            format: Format::Jpeg,
            size: Some((4032, 3024)),
            orientation: 6,
            taken_at: DateTime::<Utc>::from_timestamp(1_790_000_000, 0),
            position: Some((26.69, 101.85)),
        },
    }
}

/// A photo as a report declares it, without knowing its content.
pub fn declaration(id: Uuid) -> Declaration {
    Declaration {
        id,
        sha256: None,
        size: None,
        role: PhotoRole::Before,
    }
}
