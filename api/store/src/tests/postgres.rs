//! What only a server does: races, lost connections, failed transactions.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use super::*;

/// The second of two rows, locked in one order by one writer and in the other by the other.
#[tokio::test]
async fn a_deadlock_is_run_again() {
    let (_database, store) = fresh(Kind::Postgres);
    for code in ["1", "2"] {
        store.write(Lane::Interactive, insert(code)).await.unwrap();
    }
    let both_hold_one = Arc::new(Barrier::new(2));
    let runs = Arc::new(AtomicUsize::new(0));
    let writer = |codes: [&'static str; 2]| {
        let (barrier, runs) = (Arc::clone(&both_hold_one), Arc::clone(&runs));
        let mut first = true;
        let work = move |conn: &mut Conn| {
            runs.fetch_add(1, Ordering::SeqCst);
            for code in codes {
                diesel::update(grids::table.filter(grids::code.eq(code)))
                    .set(grids::version.eq(grids::version + 1))
                    .execute(conn)?;
                if std::mem::take(&mut first) {
                    barrier.wait();
                }
            }
            Ok(())
        };
        let store = store.clone();
        tokio::spawn(async move { store.write(Lane::Interactive, work).await })
    };
    let (one, other) = (writer(["1", "2"]), writer(["2", "1"]));
    one.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    let versions = store
        .read(|conn| Ok(grids::table.select(grids::version).load::<i64>(conn)?))
        .await
        .unwrap();
    assert_eq!(versions, [3, 3]);
    store.close().await;
}

const END_MYSELF: &str = "SELECT pg_terminate_backend(pg_backend_pid())";

#[tokio::test]
async fn a_connection_lost_before_the_commit_is_replaced() {
    let (_database, store) = fresh(Kind::Postgres);
    let mut runs = 0;
    let ran = store
        .write(Lane::Interactive, move |conn| {
            runs += 1;
            insert("1")(conn)?;
            if runs < 3 {
                conn.batch_execute(END_MYSELF)?;
            }
            Ok(runs)
        })
        .await
        .unwrap();
    assert_eq!(ran, 3);
    assert_eq!(store.read(codes).await.unwrap(), ["1"]);
    // Not for ever.
    let lost = store
        .write(
            Lane::Interactive,
            |conn| Ok(conn.batch_execute(END_MYSELF)?),
        )
        .await;
    assert_eq!(lost.unwrap_err().code, Code::Unavailable);
    store.close().await;
}

#[tokio::test]
async fn waiting_connections_that_broke_are_replaced() {
    let (_database, store) = fresh(Kind::Postgres);
    for attempt in 0..2 {
        // One connection that waits, and ended behind our back.
        let pid: i32 = store
            .read(|conn| {
                Ok(
                    diesel::dsl::sql::<diesel::sql_types::Integer>("SELECT pg_backend_pid()")
                        .get_result(conn)?,
                )
            })
            .await
            .unwrap();
        let database = Database::fresh(Kind::Postgres);
        let mut other = PgConnection::establish(&database.url).unwrap();
        other
            .batch_execute(&format!("SELECT pg_terminate_backend({pid}, 5000)"))
            .unwrap();
        if attempt == 0 {
            store.read(codes).await.unwrap();
        } else {
            store.write(Lane::Interactive, insert("1")).await.unwrap();
        }
    }
    store.close().await;
}

#[tokio::test]
async fn a_swallowed_error_does_not_pass_for_a_commit() {
    let (_database, store) = fresh(Kind::Postgres);
    store.write(Lane::Interactive, insert("1")).await.unwrap();
    let result = store
        .write(Lane::Interactive, |conn| {
            insert("2")(conn)?;
            // PostgreSQL fails the whole transaction here, and says so only to the next statement.
            drop(insert("1")(conn));
            Ok(())
        })
        .await;
    assert_eq!(result.unwrap_err().code, Code::Unavailable);
    assert_eq!(store.read(codes).await.unwrap(), ["1"]);
    store.write(Lane::Interactive, insert("3")).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_statement_may_not_take_for_ever() {
    let database = Database::fresh(Kind::Postgres);
    let store = Store::open(&StoreSettings {
        statement_timeout: Duration::from_millis(100),
        ..settings(&database)
    })
    .unwrap();
    let slow = store
        .read(|conn| Ok(conn.batch_execute("SELECT pg_sleep(20)")?))
        .await;
    assert_eq!(slow.unwrap_err().code, Code::Unavailable);
    store.close().await;
}

#[tokio::test]
async fn parameters_of_the_url_are_kept() {
    let mut database = Database::fresh(Kind::Postgres);
    database
        .url
        .push_str("?options=-c%20geqo%3Doff&connect_timeout=9");
    let store = Store::open(&settings(&database)).unwrap();
    let show = |name: &'static str| {
        store.read(move |conn| {
            Ok(
                diesel::dsl::sql::<diesel::sql_types::Text>(&format!("SHOW {name}"))
                    .get_result::<String>(conn)?,
            )
        })
    };
    assert_eq!(show("geqo").await.unwrap(), "off");
    assert_eq!(show("timezone").await.unwrap(), "UTC");
    assert_eq!(show("statement_timeout").await.unwrap(), "15s");
    store.close().await;
}
