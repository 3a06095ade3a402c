//! The rules of group commit.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use super::*;
use crate::writer::Writer;

/// A writer whose first command has begun and waits to be let go, so that what is submitted
/// meanwhile is in the same batch.
struct Held {
    database: Database,
    store: Store,
    go: mpsc::Sender<()>,
    first: Answer<()>,
}

type Answer<T> = oneshot::Receiver<Result<T, Problem>>;

fn writer(store: &Store) -> &Writer {
    store.inner.writer.as_ref().unwrap()
}

fn submit<T: Send + 'static>(
    store: &Store,
    lane: Lane,
    work: impl FnMut(&mut Conn) -> Outcome<T> + Send + 'static,
) -> Answer<T> {
    writer(store).submit(lane, work).unwrap()
}

fn hold(lane: Lane) -> Held {
    let (database, store) = fresh(Kind::Sqlite);
    hold_in(database, store, lane)
}

fn hold_in(database: Database, store: Store, lane: Lane) -> Held {
    let (go, wait) = mpsc::channel();
    let (begun, has_begun) = mpsc::channel();
    let mut once = Some((begun, wait));
    let first = submit(&store, lane, move |_| {
        if let Some((begun, wait)) = once.take() {
            begun.send(()).unwrap();
            wait.recv().unwrap();
        }
        Ok(())
    });
    has_begun.recv().unwrap();
    Held {
        database,
        store,
        go,
        first,
    }
}

fn code<T: std::fmt::Debug>(answer: Result<Result<T, Problem>, oneshot::error::RecvError>) -> Code {
    answer.unwrap().unwrap_err().code
}

#[tokio::test]
async fn nobody_is_answered_before_the_commit() {
    let held = hold(Lane::Interactive);
    let one = Arc::new(Mutex::new(submit(
        &held.store,
        Lane::Interactive,
        insert("1"),
    )));
    let (theirs, store) = (Arc::clone(&one), held.store.clone());
    let other = submit(&held.store, Lane::Interactive, move |conn| {
        // In the same transaction the other's row is there …
        assert_eq!(codes(conn)?, ["1"]);
        // … but nobody else sees it, and its caller has no answer.
        let outside = store.read_blocking(codes)?;
        let answered = theirs.lock().unwrap().try_recv().is_ok();
        Ok((outside, answered))
    });
    held.go.send(()).unwrap();
    assert_eq!(other.await.unwrap().unwrap(), (Vec::new(), false));
    one.lock().unwrap().try_recv().unwrap().unwrap();
    assert_eq!(held.store.read(codes).await.unwrap(), ["1"]);
}

#[tokio::test]
async fn a_failed_commit_is_503_for_all_and_service_goes_on() {
    let held = hold(Lane::Interactive);
    let good = submit(&held.store, Lane::Interactive, insert("1"));
    let refused = submit(&held.store, Lane::Interactive, |_| -> Outcome<()> {
        Err(Problem::new(Code::NotFound).into())
    });
    // What SQLite does by itself when the disk is full or fails.
    let culprit = submit(&held.store, Lane::Interactive, |conn| {
        Ok(conn.batch_execute("ROLLBACK")?)
    });
    held.go.send(()).unwrap();
    // Not even the refusal stands: what it was decided on was never written.
    assert_eq!(code(held.first.await), Code::Unavailable);
    assert_eq!(code(good.await), Code::Unavailable);
    assert_eq!(code(refused.await), Code::Unavailable);
    assert_eq!(code(culprit.await), Code::Unavailable);

    held.store
        .write(Lane::Interactive, insert("2"))
        .await
        .unwrap();
    assert_eq!(held.store.read(codes).await.unwrap(), ["2"]);
}

#[tokio::test]
async fn a_full_disk_is_503_until_there_is_room() {
    let (database, store) = fresh(Kind::Sqlite);
    // The database may not grow beyond this many pages.
    let room = Arc::new(AtomicU32::new(1));
    let (url, theirs) = (database.path(), Arc::clone(&room));
    let open = move || {
        let watch = SlowQueryLog::new(Duration::from_secs(1));
        let mut conn = conn::open_sqlite(&url, Use::Write, watch)?;
        let pages = theirs.load(Ordering::SeqCst);
        conn.batch_execute(&format!("PRAGMA max_page_count = {pages}"))?;
        Ok(Conn::Sqlite(conn))
    };
    let writer = Writer::start(64, Box::new(open)).unwrap();
    let mut answers = Vec::new();
    for code in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        let work = move |conn: &mut Conn| {
            insert(code)(conn)?;
            diesel::update(grids::table.filter(grids::code.eq(code)))
                .set(grids::name.eq("长".repeat(20_000)))
                .execute(conn)?;
            Ok(())
        };
        answers.push(writer.submit(Lane::Interactive, work).unwrap());
    }
    for answer in answers {
        assert_eq!(code(answer.await), Code::Unavailable);
    }
    assert_eq!(store.read(codes).await.unwrap(), [""; 0]);

    room.store(100_000, Ordering::SeqCst);
    let answer = writer.submit(Lane::Interactive, insert("9")).unwrap();
    answer.await.unwrap().unwrap();
    assert_eq!(store.read(codes).await.unwrap(), ["9"]);
}

#[tokio::test]
async fn each_command_stands_for_itself() {
    let held = hold(Lane::Interactive);
    let good = submit(&held.store, Lane::Interactive, insert("1"));
    let panicking = submit(&held.store, Lane::Interactive, |conn| -> Outcome<()> {
        insert("2")(conn)?;
        panic!("in the batch")
    });
    let refused = submit(&held.store, Lane::Interactive, |conn| -> Outcome<()> {
        insert("3")(conn)?;
        Err(Problem::new(Code::NotFound).into())
    });
    let faulty = submit(&held.store, Lane::Interactive, insert("1"));
    let partly = submit(&held.store, Lane::Interactive, |conn| {
        // A savepoint of its own may fail without the command.
        let inner = conn.transaction::<(), Interrupt, _>(|conn| {
            insert("4")(conn)?;
            insert("1")(conn)
        });
        assert!(inner.is_err());
        insert("5")(conn)
    });
    held.go.send(()).unwrap();
    held.first.await.unwrap().unwrap();
    good.await.unwrap().unwrap();
    assert_eq!(code(panicking.await), Code::Internal);
    assert_eq!(code(refused.await), Code::NotFound);
    assert_eq!(code(faulty.await), Code::Unavailable);
    partly.await.unwrap().unwrap();
    assert_eq!(held.store.read(codes).await.unwrap(), ["1", "5"]);
}

#[tokio::test]
async fn a_deferred_constraint_fails_its_own_command_alone() {
    let held = hold(Lane::Interactive);
    let good = submit(&held.store, Lane::Interactive, insert("1"));
    let dangling = submit(&held.store, Lane::Interactive, |conn| {
        conn.batch_execute("PRAGMA defer_foreign_keys = ON")?;
        diesel::insert_into(grids::table)
            .values((
                grids::id.eq(Id(Uuid::now_v7())),
                grids::town_id.eq(Id(Uuid::nil())),
                grids::tier.eq(Coded(Tier::Group)),
                grids::code.eq("2"),
                grids::name.eq("无镇"),
                grids::created_at.eq(At(now())),
            ))
            .execute(conn)?;
        Ok(())
    });
    let refused = submit(&held.store, Lane::Interactive, |_| -> Outcome<()> {
        Err(Problem::new(Code::NotFound).into())
    });
    held.go.send(()).unwrap();
    held.first.await.unwrap().unwrap();
    good.await.unwrap().unwrap();
    assert_eq!(code(dangling.await), Code::Unavailable);
    assert_eq!(code(refused.await), Code::NotFound);
    assert_eq!(held.store.read(codes).await.unwrap(), ["1"]);
}

#[tokio::test]
async fn people_go_before_machines_and_machines_still_move() {
    let held = hold(Lane::Interactive);
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |name: u32| {
        let order = Arc::clone(&order);
        move |_: &mut Conn| {
            order.lock().unwrap().push(name);
            Ok(())
        }
    };
    let mut answers = vec![
        submit(&held.store, Lane::Background, note(1000)),
        submit(&held.store, Lane::Background, note(1001)),
    ];
    // More than one commit takes.
    for name in 0..100 {
        answers.push(submit(&held.store, Lane::Interactive, note(name)));
    }
    held.go.send(()).unwrap();
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    let order = order.lock().unwrap();
    let place = |name| order.iter().position(|other| *other == name).unwrap();
    let people: Vec<_> = order.iter().filter(|name| **name < 1000).collect();
    assert!(people.is_sorted());
    // The first commit takes 64 commands (the first is the one that held the writer) and then one
    // of the machines'; the other one waits until no person does.
    assert_eq!((place(1000), place(1001)), (63, 101));
}

#[tokio::test]
async fn a_full_queue_is_503_in_its_own_lane() {
    let database = Database::fresh(Kind::Sqlite);
    let store = Store::open(&StoreSettings {
        queue: 2,
        ..settings(&database)
    })
    .unwrap();
    store.migrate().unwrap();
    let held = hold_in(database, store, Lane::Interactive);
    let one = submit(&held.store, Lane::Interactive, insert("1"));
    let other = submit(&held.store, Lane::Interactive, insert("2"));
    let third = held.store.write(Lane::Interactive, insert("3")).await;
    let third = third.unwrap_err();
    assert_eq!(third.code, Code::Overloaded);
    assert!(third.retry_after_s.is_some());
    let background = submit(&held.store, Lane::Background, insert("4"));
    held.go.send(()).unwrap();
    for answer in [held.first, one, other, background] {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(held.store.read(codes).await.unwrap(), ["1", "2", "4"]);
}

#[tokio::test]
async fn closing_finishes_what_waits() {
    let held = hold(Lane::Background);
    let waiting = submit(&held.store, Lane::Background, insert("1"));
    let closing = tokio::spawn({
        let store = held.store.clone();
        async move { store.close().await }
    });
    while writer(&held.store)
        .submit(Lane::Interactive, |_| Ok(()))
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    assert!(!closing.is_finished());
    held.go.send(()).unwrap();
    closing.await.unwrap();
    waiting.await.unwrap().unwrap();

    let again = Store::open(&settings(&held.database)).unwrap();
    assert_eq!(again.read(codes).await.unwrap(), ["1"]);
}

#[tokio::test]
async fn a_dropped_store_finishes_what_waits() {
    let held = hold(Lane::Interactive);
    let waiting = submit(&held.store, Lane::Interactive, insert("1"));
    drop(held.store);
    held.go.send(()).unwrap();
    waiting.await.unwrap().unwrap();
}

#[test]
fn a_lone_command_does_not_wait_for_others() {
    let (_database, store) = fresh(Kind::Sqlite);
    store
        .write_blocking(Lane::Interactive, insert("0"))
        .unwrap();
    let started = std::time::Instant::now();
    for _ in 0..20 {
        store.write_blocking(Lane::Interactive, |_| Ok(())).unwrap();
    }
    // Twenty waits of even a group's time slice would take longer.
    assert!(started.elapsed() < Duration::from_millis(20 * 20));
}
