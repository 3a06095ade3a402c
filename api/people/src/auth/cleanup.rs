//! Forgets what sign-in needs no more.
//!
//! Owns which rows are spent: failures long past, refresh tokens that have expired, sessions that
//! ended or expired long ago. It must not touch the security log.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use gridpatrol_store::Conn;
use gridpatrol_store::schema::{login_failures, refresh_tokens, sessions};
use gridpatrol_store::types::{At, Id};

/// Rows of a table that one run takes at most, so that it holds the writer briefly.
const AT_ONCE: i64 = 500;

/// One run. Returns how many rows went; call again while it is not zero.
///
/// # Errors
/// When the database fails.
pub fn run_once(conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<usize> {
    let day_ago = now - TimeDelta::days(1);
    let subjects: Vec<String> = login_failures::table
        .filter(
            login_failures::last_failed_at.lt(At(day_ago)).and(
                login_failures::locked_until
                    .is_null()
                    .or(login_failures::locked_until.lt(Some(now))),
            ),
        )
        .select(login_failures::subject)
        .limit(AT_ONCE)
        .load(conn)?;
    let tokens: Vec<Vec<u8>> = refresh_tokens::table
        .filter(refresh_tokens::expires_at.lt(At(day_ago)))
        .select(refresh_tokens::token_hash)
        .limit(AT_ONCE)
        .load(conn)?;
    let mut gone = 0;
    if !subjects.is_empty() {
        gone +=
            diesel::delete(login_failures::table.filter(login_failures::subject.eq_any(subjects)))
                .execute(conn)?;
    }
    if !tokens.is_empty() {
        gone +=
            diesel::delete(refresh_tokens::table.filter(refresh_tokens::token_hash.eq_any(tokens)))
                .execute(conn)?;
    }
    // A session goes when its last token has gone; the security log tells that it was.
    let spent: Vec<Uuid> =
        sessions::table
            .filter(sessions::expires_at.lt(At(day_ago)).and(diesel::dsl::not(
                diesel::dsl::exists(
                    refresh_tokens::table.filter(refresh_tokens::session_id.eq(sessions::id)),
                ),
            )))
            .select(sessions::id)
            .limit(AT_ONCE)
            .load(conn)?;
    if !spent.is_empty() {
        gone +=
            diesel::delete(sessions::table.filter(sessions::id.eq_any(spent.into_iter().map(Id))))
                .execute(conn)?;
    }
    Ok(gone)
}
