//! A database that fails: every waiting caller must try again, nothing is half written, and the server
//! works again when the database does.

use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::future::{join, join_all};
use gridpatrol_domain::error::Code;
use gridpatrol_store::{Conn, Lane, Outcome};
use serde_json::json;
use uuid::Uuid;

use crate::support::towns::PASSWORD;
use crate::support::{Answer, Client, Filing, Kind, World, filing, pictures, run, run_in};

/// Files many reports at once; each id with its answer.
async fn flood(leader: &Client, filing: &Filing, count: usize) -> Vec<(Uuid, Answer)> {
    join_all((0..count).map(|_| async {
        let id = Uuid::now_v7();
        (id, leader.put_report(id, filing).await)
    }))
    .await
}

/// Each was filed or told to try again; what was acknowledged is there and nothing else is, not even
/// in part (the audit at the end looks at the parts).
async fn whole_or_not_at_all(leader: &Client, answers: &[(Uuid, Answer)]) -> (usize, usize) {
    let mut counts = (0, 0);
    for (id, answer) in answers {
        let there = leader.get(&format!("/v1/reports/{id}")).await;
        if answer.status == 201 {
            counts.0 += 1;
            there.ok();
        } else {
            counts.1 += 1;
            answer.refused(Code::Unavailable);
            there.refused(Code::NotFound);
        }
    }
    counts
}

/// Runs this on the writer's own connection of SQLite.
async fn on_the_writer(world: &World, sql: &'static str) {
    let done = world
        .app()
        .store
        .write(Lane::Interactive, move |conn| Ok(conn.batch_execute(sql)?))
        .await;
    drop(done);
}

#[test]
fn a_commit_that_fails_fails_for_all_who_wait() {
    run(Kind::Sqlite, |world| async move {
        let leader = world.leader(1, 1).await;
        let filing = filing(world.here().group(1, 1));
        let mut failed = 0;
        for _ in 0..10 {
            // What SQLite does by itself when the disk is full: it ends the transaction.
            let culprits = async {
                for _ in 0..20 {
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                    on_the_writer(&world, "ROLLBACK").await;
                }
            };
            let (answers, ()) = join(flood(&leader, &filing, 12), culprits).await;
            failed += whole_or_not_at_all(&leader, &answers).await.1;
        }
        assert!(failed > 0, "some filings waited for a commit that failed");
        leader.file(&filing).await;
    });
}

#[test]
fn a_command_that_breaks_the_commit_breaks_only_its_own() {
    run(Kind::Sqlite, |world| async move {
        let leader = world.leader(1, 1).await;
        let filing = filing(world.here().group(1, 1));
        let owner = world.officer("group_1_1");
        let culprit = world
            .app()
            .store
            .write(Lane::Interactive, move |conn| orphan(conn, owner));
        let (answers, refused) = join(flood(&leader, &filing, 12), culprit).await;
        assert_eq!(
            refused.expect_err("a photo of no report").code,
            Code::Unavailable
        );
        let (filed, failed) = whole_or_not_at_all(&leader, &answers).await;
        assert_eq!((filed, failed), (12, 0));
    });
}

/// A photo of a report that never comes: the deferred reference fails at the commit.
fn orphan(conn: &mut Conn, owner: Uuid) -> Outcome<()> {
    use gridpatrol_store::schema::photos;
    use gridpatrol_store::types::{At, Id};
    diesel::insert_into(photos::table)
        .values((
            photos::id.eq(Id(Uuid::now_v7())),
            photos::report_id.eq(Some(Uuid::now_v7())),
            photos::role.eq("before"),
            photos::owner_id.eq(Id(owner)),
            photos::state.eq("missing"),
            photos::rendition.eq("none"),
            photos::created_at.eq(At(chrono::Utc::now())),
        ))
        .execute(conn)?;
    Ok(())
}

#[test]
fn while_another_process_holds_the_file_it_is_503_and_reading_goes_on() {
    run(Kind::Sqlite, |world| async move {
        let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
        let filing = filing(world.here().group(1, 1));
        let known = crate::support::client::id_of(&leader.file(&filing).await);
        let mut other = SqliteConnection::establish(&world.database().path().display().to_string())
            .expect("another process");
        other.batch_execute("BEGIN IMMEDIATE").expect("the lock");
        let picture = pictures::snapshot();
        let (answers, (acted, (photo, signed))) = join(
            flood(&leader, &filing, 12),
            join(
                secretary.act(known, "approve", json!({})),
                join(
                    leader.put_photo(Uuid::now_v7(), &picture),
                    world.stranger().sign_in("group_1_1", PASSWORD),
                ),
            ),
        )
        .await;
        assert_eq!(whole_or_not_at_all(&leader, &answers).await, (0, 12));
        for answer in [acted, photo, signed] {
            answer.refused(Code::Unavailable);
        }
        leader.report(known).await;
        other.batch_execute("ROLLBACK").expect("released");
        // What was refused may be sent again as it was.
        leader.put_report(answers[0].0, &filing).await.created();
        secretary.act(known, "approve", json!({})).await.ok();
    });
}

#[test]
fn a_file_that_may_not_be_written_is_503_and_a_new_connection_serves() {
    run(Kind::Sqlite, |world| async move {
        let leader = world.leader(1, 1).await;
        let filing = filing(world.here().group(1, 1));
        let mut failed = 0;
        for _ in 0..4 {
            on_the_writer(&world, "PRAGMA query_only = ON").await;
            failed += whole_or_not_at_all(&leader, &flood(&leader, &filing, 12).await)
                .await
                .1;
        }
        assert!(failed > 0, "the file was read-only");
        leader.file(&filing).await;
    });
}

#[test]
fn a_file_that_may_not_grow_is_503_until_it_may() {
    run(Kind::Sqlite, |world| async move {
        let leader = world.leader(1, 1).await;
        let long = filing(world.here().group(1, 1)).description(&"满".repeat(2000));
        // Less than the file has: it may not grow by one page.
        on_the_writer(&world, "PRAGMA max_page_count = 1").await;
        let answers = flood(&leader, &long, 30).await;
        let (_, failed) = whole_or_not_at_all(&leader, &answers).await;
        assert!(failed > 0, "the file was full");
        on_the_writer(&world, "PRAGMA max_page_count = 1000000").await;
        assert_eq!(
            whole_or_not_at_all(&leader, &flood(&leader, &long, 12).await).await,
            (12, 0)
        );
    });
}

/// A small file system of its own, where the account may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(bytes: u64) -> Option<Self> {
        let path = std::env::temp_dir().join(format!("gridpatrol_{}", Uuid::new_v4().simple()));
        std::fs::create_dir(&path).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "none"])
            .arg(&path)
            .output()
            .is_ok_and(|output| output.status.success());
        if mounted {
            return Some(Self(path));
        }
        drop(std::fs::remove_dir(&path));
        None
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
        drop(std::fs::remove_dir(&self.0));
    }
}

/// Where the test may mount a file system (as root), a disk that is full indeed. The tests above
/// stand for it where it may not.
#[test]
fn a_disk_that_is_full_is_503_until_there_is_room() {
    let Some(disk) = SmallDisk::mount(6 << 20) else {
        return;
    };
    let place = |config: &mut gridpatrol::config::Config| {
        let database = config.database();
        let gridpatrol_store::DatabaseUrl::Sqlite(from) = database else {
            panic!("a file");
        };
        let to = disk.0.join("gridpatrol.db");
        std::fs::copy(from, &to).expect("a copy");
        config.database_url = Some(format!("sqlite://{}", to.display()).parse().expect("a URL"));
        config.data_dir = disk.0.clone();
        std::fs::write(disk.ballast(), vec![1; 2 << 20]).expect("room for the ballast");
    };
    run_in(Kind::Sqlite, place, |world| async {
        let world = world;
        let leader = world.leader(1, 1).await;
        let long = filing(world.here().group(1, 1)).description(&"满".repeat(2000));
        let mut full = Vec::new();
        for _ in 0..200 {
            full = flood(&leader, &long, 12).await;
            let (_, failed) = whole_or_not_at_all(&leader, &full).await;
            if failed > 0 {
                break;
            }
        }
        assert!(
            full.iter().any(|(_, answer)| answer.status == 503),
            "the disk is full"
        );
        fill(&disk.0);
        let photo = Uuid::now_v7();
        let picture = pictures::jpeg(640, 480, 1);
        leader
            .put_photo(photo, &picture)
            .await
            .refused(Code::Unavailable);
        let again = flood(&leader, &long, 12).await;
        whole_or_not_at_all(&leader, &again).await;
        leader.get("/v1/me").await.ok();

        std::fs::remove_file(disk.ballast()).expect("room again");
        drop(std::fs::remove_file(disk.0.join("rest")));
        let refused = full
            .iter()
            .find(|(_, answer)| answer.status == 503)
            .expect("one");
        leader.put_report(refused.0, &long).await.created();
        leader.put_photo(photo, &picture).await.created();
        assert_eq!(
            whole_or_not_at_all(&leader, &flood(&leader, &long, 12).await).await,
            (12, 0)
        );
    });
}

/// Takes what is left of the disk.
fn fill(disk: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(disk.join("rest")).expect("a file");
    while file.write_all(&[0; 512]).is_ok() {}
}

#[test]
fn connections_that_are_cut_are_503_or_success_and_service_goes_on() {
    run(Kind::Postgres, |world| async move {
        let leader = world.leader(1, 1).await;
        let filing = filing(world.here().group(1, 1));
        let name = world
            .database()
            .url
            .rsplit_once('/')
            .expect("a name")
            .1
            .to_owned();
        let mut ids = Vec::new();
        for _ in 0..12 {
            let cut = tokio::task::spawn_blocking({
                let name = name.clone();
                move || cut(&name)
            });
            let (answers, cut) = join(flood(&leader, &filing, 16), cut).await;
            cut.expect("the server is there");
            for (id, answer) in answers {
                if answer.status != 201 {
                    answer.refused(Code::Unavailable);
                }
                ids.push(id);
            }
        }
        // The honest retry of every filing: each is there once.
        for id in &ids {
            let again = leader.put_report(*id, &filing).await;
            assert!(matches!(again.status, 200 | 201), "{}", again.text());
        }
        assert_eq!(leader.all("/v1/reports?limit=200").await.len(), ids.len());
    });
}

/// Ends every session of this database, and again as they come back.
fn cut(database: &str) {
    let url = std::env::var("GRIDPATROL_TEST_POSTGRES").expect("the test server");
    let mut server = PgConnection::establish(&url).expect("the test server");
    for _ in 0..4 {
        let query = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        );
        server.batch_execute(&query).expect("sessions ended");
        std::thread::sleep(std::time::Duration::from_millis(15));
    }
}
