//! The store on both databases.

mod migrations;
mod parity;
mod postgres;
mod priorities;
mod records;
mod writer;

use super::testing::{Database, KINDS, Kind};
use super::types::{At, Coded, Id};
use super::*;
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use gridpatrol_domain::grid::Tier;
use schema::grids;
use uuid::Uuid;

fn settings(database: &Database) -> StoreSettings {
    StoreSettings::new(database.url.parse().unwrap())
}

fn fresh(kind: Kind) -> (Database, Store) {
    let database = Database::fresh(kind);
    let store = Store::open(&settings(&database)).unwrap();
    store.migrate().unwrap();
    (database, store)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap()
}

/// Any row will do: a town's grid, with this code.
fn insert_grid(conn: &mut Conn, id: Uuid, code: &str) -> QueryResult<usize> {
    diesel::insert_into(grids::table)
        .values((
            grids::id.eq(Id(id)),
            grids::town_id.eq(Id(id)),
            grids::tier.eq(Coded(Tier::Town)),
            grids::code.eq(code),
            grids::name.eq("示范镇"),
            grids::created_at.eq(At(now())),
        ))
        .execute(conn)
}

fn insert(code: &'static str) -> impl FnMut(&mut Conn) -> Outcome<()> + Send + 'static {
    move |conn| {
        insert_grid(conn, Uuid::now_v7(), code)?;
        Ok(())
    }
}

/// The codes of all grids, in order.
fn codes(conn: &mut Conn) -> Outcome<Vec<String>> {
    Ok(grids::table
        .select(grids::code)
        .order(grids::code)
        .load(conn)?)
}

#[tokio::test]
async fn values_come_back_as_they_were() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let (id, village, at) = (Uuid::now_v7(), Uuid::new_v4(), now());
        store
            .write(Lane::Interactive, move |conn| {
                insert_grid(conn, village, "990001100200")?;
                diesel::insert_into(grids::table)
                    .values((
                        grids::id.eq(Id(id)),
                        grids::town_id.eq(Id(id)),
                        grids::village_id.eq(Some(village)),
                        grids::tier.eq(Coded(Tier::Town)),
                        grids::code.eq("990001100000"),
                        grids::name.eq("示范镇"),
                        grids::created_at.eq(At(at)),
                    ))
                    .execute(conn)?;
                Ok(())
            })
            .await
            .unwrap();
        let found = store
            .read(move |conn| {
                Ok(grids::table
                    .filter(grids::id.eq_any([Id(id)]))
                    .filter(grids::village_id.eq(Id(village)))
                    .filter(grids::created_at.le(At(at)))
                    .select((
                        grids::id,
                        grids::village_id,
                        grids::parent_id,
                        grids::tier,
                        grids::name,
                        grids::created_at,
                    ))
                    .first::<(
                        Uuid,
                        Option<Uuid>,
                        Option<Uuid>,
                        Coded<Tier>,
                        String,
                        DateTime<Utc>,
                    )>(conn)?)
            })
            .await
            .unwrap();
        assert_eq!(
            found,
            (
                id,
                Some(village),
                None,
                Coded(Tier::Town),
                "示范镇".to_owned(),
                at
            )
        );
        store.close().await;
    }
}

#[tokio::test]
async fn a_read_sees_one_state_and_changes_nothing() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let other = store.clone();
        let (before, after) = tokio::task::spawn_blocking(move || {
            other.clone().read_blocking(move |conn| {
                let before = codes(conn)?;
                other.write_blocking(Lane::Interactive, insert("1"))?;
                Ok((before, codes(conn)?))
            })
        })
        .await
        .unwrap()
        .unwrap();
        assert_eq!(before, after, "{kind:?}");
        assert_eq!(store.read(codes).await.unwrap(), ["1"]);

        let refused = store.read(|conn| insert("2")(conn)).await.unwrap_err();
        assert_eq!(refused.code, Code::Unavailable, "{kind:?}");
        assert_eq!(store.read(codes).await.unwrap(), ["1"]);
        store.close().await;
    }
}

#[tokio::test]
async fn a_refusal_reaches_the_caller_and_leaves_nothing() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let refused = store
            .write(Lane::Interactive, |conn| -> Outcome<()> {
                insert("1")(conn)?;
                Err(Problem::new(Code::WrongStatus).detail("no").into())
            })
            .await
            .unwrap_err();
        assert_eq!(refused.code, Code::WrongStatus);
        assert_eq!(refused.detail.as_deref(), Some("no"));
        // A fault of the database says nothing of it to the caller.
        store.write(Lane::Interactive, insert("1")).await.unwrap();
        let fault = store
            .write(Lane::Interactive, insert("1"))
            .await
            .unwrap_err();
        assert_eq!((fault.code, fault.detail), (Code::Unavailable, None));
        assert!(fault.retry_after_s.is_some());
        assert_eq!(store.read(codes).await.unwrap(), ["1"]);
        store.close().await;
    }
}

#[tokio::test]
async fn a_panic_is_that_commands_fault_alone() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let panicked = store
            .write(Lane::Interactive, |conn| -> Outcome<()> {
                insert("1")(conn)?;
                // Deeper than the store's own transaction.
                conn.transaction::<(), Interrupt, _>(|_| panic!("in a command"))
            })
            .await
            .unwrap_err();
        assert_eq!(panicked.code, Code::Internal, "{kind:?}");
        let panicked = store
            .read(|_| -> Outcome<()> { panic!("in a read") })
            .await
            .unwrap_err();
        assert_eq!(panicked.code, Code::Internal, "{kind:?}");
        store.write(Lane::Interactive, insert("2")).await.unwrap();
        assert_eq!(store.read(codes).await.unwrap(), ["2"], "{kind:?}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_503_and_serves_when_it_is_back() {
    let (database, store) = fresh(Kind::Sqlite);
    store.write(Lane::Interactive, insert("1")).await.unwrap();
    store.close().await;

    let away = database.path().with_extension("away");
    std::fs::rename(database.path(), &away).unwrap();
    // A folder in the file's place: it cannot be opened.
    std::fs::create_dir(database.path()).unwrap();
    let store = Store::open(&settings(&database)).unwrap();
    let read = store.read(codes).await.unwrap_err();
    let written = store.write(Lane::Interactive, insert("2")).await;
    assert_eq!(read.code, Code::Unavailable);
    assert_eq!(written.unwrap_err().code, Code::Unavailable);
    assert_eq!(store.ping().await.unwrap_err().code, Code::Unavailable);

    std::fs::remove_dir(database.path()).unwrap();
    std::fs::rename(&away, database.path()).unwrap();
    store.ping().await.unwrap();
    store.write(Lane::Interactive, insert("2")).await.unwrap();
    assert_eq!(store.read(codes).await.unwrap(), ["1", "2"]);
    store.close().await;
}

#[tokio::test]
async fn a_closed_store_takes_no_more_work() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        store.write(Lane::Interactive, insert("1")).await.unwrap();
        store.close().await;
        let written = store.write(Lane::Interactive, insert("2")).await;
        assert_eq!(written.unwrap_err().code, Code::Unavailable);
        assert_eq!(store.read(codes).await.unwrap_err().code, Code::Unavailable);
    }
}

#[tokio::test]
async fn callers_wait_in_line_for_a_connection_but_not_for_ever() {
    for kind in KINDS {
        let database = Database::fresh(kind);
        let store = Store::open(&StoreSettings {
            readers: 1,
            connections: 1,
            patience: Duration::from_millis(50),
            ..settings(&database)
        })
        .unwrap();
        store.migrate().unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = tokio::spawn({
            let store = store.clone();
            async move {
                store
                    .read(move |_| {
                        held.recv().unwrap();
                        Ok(())
                    })
                    .await
            }
        });
        tokio::task::yield_now().await;
        let impatient = store.read(codes).await.unwrap_err();
        assert_eq!(impatient.code, Code::Overloaded);
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        store.read(codes).await.unwrap();
        store.close().await;
    }
}

#[test]
fn database_urls_are_read_and_their_passwords_never_printed() {
    let url = |text: &str| text.parse::<DatabaseUrl>();
    assert_eq!(
        url("sqlite://data/a b.db"),
        Ok(DatabaseUrl::Sqlite("data/a b.db".into()))
    );
    assert_eq!(
        url("sqlite:///srv/gp.db"),
        Ok(DatabaseUrl::Sqlite("/srv/gp.db".into()))
    );
    for wrong in [
        "sqlite://",
        "sqlite::memory:",
        "sqlite://a?mode=ro",
        "mysql://x",
        "gp.db",
    ] {
        assert!(url(wrong).is_err(), "{wrong}");
    }
    let secret = url("postgres://town:p@ss@db.example:5432/gp?sslmode=require").unwrap();
    assert_eq!(secret.to_string(), "postgres://db.example:5432/gp");
    assert_eq!(format!("{secret:?}"), "postgres://db.example:5432/gp");
}

#[test]
fn slow_statements_are_logged_without_their_values() {
    use tracing_subscriber::fmt::MakeWriter;

    #[derive(Clone, Default)]
    struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    for kind in KINDS {
        let logged = |slow| {
            let database = Database::fresh(kind);
            let store = Store::open(&StoreSettings {
                slow_statement: slow,
                ..settings(&database)
            })
            .unwrap();
            store.migrate().unwrap();
            let log = Log::default();
            let subscriber = tracing_subscriber::fmt()
                .with_writer(log.clone())
                .with_ansi(false)
                .finish();
            tracing::subscriber::with_default(subscriber, || {
                store
                    .read_blocking(|conn| {
                        Ok(grids::table
                            .filter(grids::name.eq("张三 13800000000"))
                            .count()
                            .get_result::<i64>(conn)?)
                    })
                    .unwrap();
            });
            let text = log.0.lock().unwrap().clone();
            String::from_utf8(text).unwrap()
        };
        let log = logged(Duration::ZERO);
        assert!(
            log.contains("slow statement") && log.contains("COUNT(*)"),
            "{log}"
        );
        assert!(!log.contains("13800000000"), "{log}");
        assert_eq!(logged(Duration::from_secs(60)), "", "{kind:?}");
    }
}

#[test]
fn a_fixed_statement_is_prepared_once_and_does_what_it_says() {
    use diesel::connection::InstrumentationEvent;
    use std::sync::atomic::{AtomicUsize, Ordering};

    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let kept = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&kept);
        store
            .write_blocking(Lane::Interactive, move |conn| {
                insert("1")(conn)?;
                let count = Arc::clone(&count);
                conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                    if let InstrumentationEvent::CacheQuery { sql, .. } = event {
                        assert!(sql.starts_with("UPDATE"), "{sql}");
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                });
                for version in 2..=6_i64 {
                    let update = diesel::update(grids::table.filter(grids::code.eq("1")))
                        .set(grids::version.eq(version))
                        .returning(grids::version);
                    let now: i64 = crate::prepared!(conn, update, get_result)?;
                    assert_eq!(now, version);
                }
                for (code, rows) in [("1", 1), ("2", 0), ("1", 1)] {
                    let update = diesel::update(grids::table.filter(grids::code.eq(code)))
                        .set(grids::version.eq(grids::version + 1));
                    assert_eq!(crate::prepared!(conn, update, execute)?, rows);
                }
                Ok(())
            })
            .unwrap();
        // Two places in the code, two statements.
        assert_eq!(kept.load(Ordering::SeqCst), 2, "{kind:?}");
    }
}
