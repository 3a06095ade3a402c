//! Transactions on pooled connections: all reads, and PostgreSQL's writes.
//!
//! Owns when a transaction is run again. It must not know what the work does.

use std::time::Duration;

use super::pool::Pool;
use super::transact::{self, answer, caught, fault, is_broken, lost_race, rollback_to};
use super::{Conn, Interrupt, Outcome};
use gridpatrol_problem::Problem;

/// How many times a write is run again after it lost a race or its connection.
const RETRIES: u32 = 3;

/// Reads in one transaction. A connection that broke while it waited is replaced once.
pub(super) fn read<T>(
    pool: &Pool,
    work: impl FnOnce(&mut Conn) -> Outcome<T>,
) -> Result<T, Problem> {
    let mut conn = pool.take().map_err(|error| fault(&error))?;
    if let Err(error) = transact::begin_read(&mut conn) {
        tracing::info!(%error, "a waiting connection broke");
        drop(conn);
        conn = pool.replace().map_err(|error| fault(&error))?;
        transact::begin_read(&mut conn).map_err(|error| fault(&error))?;
    }
    // After a panic the connection is dropped.
    let outcome = caught(&mut conn, work)?;
    match rollback_to(&mut conn, 0) {
        Ok(()) => pool.give(conn),
        Err(error) => tracing::info!(%error, "a connection broke after a read"),
    }
    outcome.map_err(answer)
}

/// Writes in one transaction. It is run again after a deadlock, a serialization failure, or when
/// the connection broke before the commit began.
pub(super) fn write<T>(
    pool: &Pool,
    mut work: impl FnMut(&mut Conn) -> Outcome<T>,
) -> Result<T, Problem> {
    let mut conn = pool.take().map_err(|error| fault(&error))?;
    let mut attempt = 0;
    loop {
        let error = match try_write(&mut conn, &mut work) {
            Ok(outcome) => {
                match rollback_to(&mut conn, 0) {
                    Ok(()) => pool.give(conn),
                    Err(error) => tracing::info!(%error, "a connection broke after a write"),
                }
                return outcome;
            }
            Err(Lost::Panicked(problem)) => return Err(problem),
            // The commit may have reached the server: running it again could do it twice.
            Err(Lost::AtCommit(error)) if !lost_race(&error) => return Err(fault(&error)),
            Err(Lost::AtCommit(error) | Lost::Before(error)) => error,
        };
        let broken = is_broken(&mut conn, &error);
        attempt += 1;
        if attempt > RETRIES || !(broken || lost_race(&error)) {
            if !broken && rollback_to(&mut conn, 0).is_ok() {
                pool.give(conn);
            }
            return Err(fault(&error));
        }
        tracing::info!(%error, attempt, "a write is run again");
        if broken || rollback_to(&mut conn, 0).is_err() {
            drop(conn);
            conn = pool.replace().map_err(|error| fault(&error))?;
        }
        pause(attempt);
    }
}

/// How a write failed.
enum Lost {
    /// Before the commit began. Nothing is written.
    Before(diesel::result::Error),
    /// At the commit.
    AtCommit(diesel::result::Error),
    /// The work panicked. Nothing is written, and the connection is not used again.
    Panicked(Problem),
}

fn try_write<T>(
    conn: &mut Conn,
    work: &mut impl FnMut(&mut Conn) -> Outcome<T>,
) -> Result<Result<T, Problem>, Lost> {
    transact::begin_write(conn).map_err(Lost::Before)?;
    match caught(conn, work).map_err(Lost::Panicked)? {
        Ok(value) => {
            transact::commit(conn).map_err(Lost::AtCommit)?;
            Ok(Ok(value))
        }
        Err(Interrupt::Refused(problem)) => Ok(Err(problem)),
        Err(Interrupt::Database(error)) => Err(Lost::Before(error)),
    }
}

/// Waits so that the winner of the race can finish. Two losers wait for different times.
fn pause(attempt: u32) {
    let spread = u64::from(uuid::Uuid::new_v4().as_bytes()[0]) * 40;
    std::thread::sleep(Duration::from_micros(u64::from(attempt) * 5_000 + spread));
}
