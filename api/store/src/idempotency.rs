//! The stored answers to requests with an `Idempotency-Key`.
//!
//! Owns the table of keys. The request's transaction writes the row before anything else (lock order):
//! on PostgreSQL, a second request with the same key waits there until the first has ended. It must not
//! know what a request does.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::Conn;
use super::schema::idempotency_keys as keys;
use super::types::{At, Id};
use crate::prepared;

/// What is known about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This request has taken it. [`complete`] it in the same transaction.
    New,
    /// The request was answered before with this answer.
    Replay {
        /// The status of that answer.
        status: u16,
        /// The body of that answer.
        body: String,
    },
    /// Another request of this officer used the key.
    Reused,
}

/// Takes the key for a request, which its hash identifies.
///
/// # Errors
/// If the database fails.
pub fn claim(
    conn: &mut Conn,
    officer: Uuid,
    key: &str,
    request_hash: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<Claim> {
    let row = (
        keys::officer_id.eq(Id(officer)),
        keys::key.eq(key),
        keys::request_hash.eq(request_hash),
        keys::status.eq(0),
        keys::body.eq(""),
        keys::created_at.eq(At(now)),
    );
    let take = diesel::insert_into(keys::table)
        .values(row)
        .on_conflict((keys::officer_id, keys::key))
        .do_nothing();
    let inserted = prepared!(conn, take, execute)?;
    if inserted == 1 {
        return Ok(Claim::New);
    }
    let (hash, status, body) = keys::table
        .find((Id(officer), key))
        .select((keys::request_hash, keys::status, keys::body))
        .first::<(Vec<u8>, i32, String)>(conn)?;
    // A status of 0 was never completed. We do not know what it did, so we do not repeat it.
    match u16::try_from(status) {
        Ok(status) if status != 0 && hash == request_hash => Ok(Claim::Replay { status, body }),
        _ => Ok(Claim::Reused),
    }
}

/// Stores the answer for the key that this transaction claimed.
///
/// # Errors
/// If the database fails, or the key was not claimed (`NotFound`).
pub fn complete(
    conn: &mut Conn,
    officer: Uuid,
    key: &str,
    status: u16,
    body: &str,
) -> QueryResult<()> {
    let answer = diesel::update(keys::table.find((Id(officer), key)))
        .set((keys::status.eq(i32::from(status)), keys::body.eq(body)));
    let updated = prepared!(conn, answer, execute)?;
    if updated == 1 {
        Ok(())
    } else {
        Err(diesel::result::Error::NotFound)
    }
}

/// Deletes about `most` keys from before an instant, oldest first, and returns how many.
///
/// # Errors
/// If the database fails.
pub fn sweep(conn: &mut Conn, before: DateTime<Utc>, most: u32) -> QueryResult<usize> {
    let last = keys::table
        .filter(keys::created_at.lt(At(before)))
        .order(keys::created_at)
        .select(keys::created_at)
        .offset(i64::from(most.saturating_sub(1)))
        .first::<DateTime<Utc>>(conn)
        .optional()?;
    match last {
        Some(last) => {
            diesel::delete(keys::table.filter(keys::created_at.le(At(last)))).execute(conn)
        }
        None => diesel::delete(keys::table.filter(keys::created_at.lt(At(before)))).execute(conn),
    }
}
