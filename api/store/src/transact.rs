//! The parts of one transaction on one connection: begin, work, end, and what a failure means.
//!
//! Owns these parts. It must not decide which work runs when: `writer` and `remote` do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use gridpatrol_domain::error::Code;

use super::{Conn, Interrupt, Outcome, unavailable};
use crate::on_each;
use gridpatrol_problem::Problem;

/// Begins a read-only transaction that sees one state of the database.
pub(super) fn begin_read(conn: &mut Conn) -> QueryResult<()> {
    on_each!(conn,
        sqlite c => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN"),
        postgres c => AnsiTransactionManager::begin_transaction_sql(
            c,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ),
    )
}

/// Begins a transaction that writes. In SQLite it takes the write lock at once.
pub(super) fn begin_write(conn: &mut Conn) -> QueryResult<()> {
    on_each!(conn,
        sqlite c => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        postgres c => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN"),
    )
}

/// Makes the transaction durable.
pub(super) fn commit(conn: &mut Conn) -> QueryResult<()> {
    on_each!(conn,
        sqlite c => AnsiTransactionManager::commit_transaction(c),
        // PostgreSQL rolls a failed transaction back at COMMIT, but reports no error. Work that ignored
        // a statement's error would seem to be written. Any statement before the COMMIT shows the
        // failure, in the same round trip.
        postgres c => c.batch_execute("SELECT 1; COMMIT"),
    )
}

/// How many transactions and savepoints are open on the connection.
pub(super) fn depth(conn: &mut Conn) -> QueryResult<u32> {
    let status = <Conn as TransactionManager<Conn>>::transaction_manager_status_mut(conn);
    Ok(status.transaction_depth()?.map_or(0, u32::from))
}

/// Rolls savepoints and transactions back until only `target` are open.
pub(super) fn rollback_to(conn: &mut Conn, target: u32) -> QueryResult<()> {
    let mut now = depth(conn)?;
    if now < target {
        // The database has already ended the transaction.
        return Err(Error::NotInTransaction);
    }
    while now > target {
        <Conn as TransactionManager<Conn>>::rollback_transaction(conn)?;
        let left = depth(conn)?;
        if left >= now {
            return Err(Error::BrokenTransactionManager);
        }
        now = left;
    }
    Ok(())
}

/// Runs work that may panic. A panic becomes an internal error of that work only.
pub(super) fn caught<T>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Outcome<T>,
) -> Result<Outcome<T>, Problem> {
    catch_unwind(AssertUnwindSafe(|| work(conn))).map_err(|payload| {
        let reason = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        tracing::error!(reason, "panic in a database command");
        Problem::new(Code::Internal)
    })
}

/// The problem for the caller. A database fault is logged and becomes 503.
pub(super) fn answer(interrupt: Interrupt) -> Problem {
    match interrupt {
        Interrupt::Refused(problem) => problem,
        Interrupt::Database(error) => fault(&error),
    }
}

/// Logs a database fault. The caller should try again.
pub(super) fn fault(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(%error, "database fault");
    unavailable()
}

/// Whether the transaction lost a race against another and may be run again.
pub(super) fn lost_race(error: &Error) -> bool {
    match error {
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        // Diesel has no error kind for a deadlock, and the message is in the server's language.
        Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            let message = information.message();
            message.contains("deadlock") || message.contains("死锁")
        }
        _ => false,
    }
}

/// Whether the connection is unusable after this error.
pub(super) fn is_broken(conn: &mut Conn, error: &Error) -> bool {
    matches!(
        error,
        Error::BrokenTransactionManager
            | Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _
            )
    ) || depth(conn).is_err()
}
