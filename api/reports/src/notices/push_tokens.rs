//! The tokens with which push services reach the phones of officers.
//!
//! Owns the rows of `push_tokens`: one for each session and service. A token ends with its session
//! and with the account of its officer, because the query that reads tokens checks both. Only the
//! webhook of its service may get a token; not even its owner does.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use uuid::Uuid;

use gridpatrol_problem::Problem;
use gridpatrol_store::schema::{officers, push_tokens, sessions};
use gridpatrol_store::types::{At, Id};
use gridpatrol_store::{Conn, Outcome, on_each};

/// The most services that one session can register.
const MOST_OF_SESSION: i64 = 10;

/// What may be shown of a token: everything except the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The push service.
    pub provider: String,
    /// The session of the phone.
    pub session_id: Uuid,
    /// What its owner calls the phone.
    pub device_name: Option<String>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

/// Registers a phone, or changes its token. If another session had this token, it loses it: the
/// phone has a new user.
///
/// # Errors
/// `limit_reached`; otherwise if the database fails.
pub fn register(
    conn: &mut Conn,
    officer: Uuid,
    session: Uuid,
    provider: &str,
    token: &str,
    now: DateTime<Utc>,
) -> Outcome<()> {
    let others: i64 = push_tokens::table
        .filter(push_tokens::session_id.eq(Id(session)))
        .filter(push_tokens::provider.ne(provider))
        .count()
        .get_result(conn)?;
    if others >= MOST_OF_SESSION {
        return Err(Problem::new(Code::LimitReached)
            .detail("A phone can be registered with at most 10 push services. Remove one first.")
            .into());
    }
    diesel::delete(
        push_tokens::table
            .filter(push_tokens::provider.eq(provider))
            .filter(push_tokens::token.eq(token))
            .filter(push_tokens::session_id.ne(Id(session))),
    )
    .execute(conn)?;
    let row = (
        push_tokens::session_id.eq(Id(session)),
        push_tokens::provider.eq(provider),
        push_tokens::officer_id.eq(Id(officer)),
        push_tokens::token.eq(token),
        push_tokens::created_at.eq(At(now)),
    );
    on_each!(conn, c => diesel::insert_into(push_tokens::table)
        .values(row)
        .on_conflict((push_tokens::session_id, push_tokens::provider))
        .do_update()
        .set((push_tokens::token.eq(token), push_tokens::created_at.eq(At(now))))
        .execute(c))?;
    Ok(())
}

/// Deletes the token of a phone, if there is one.
///
/// # Errors
/// If the database fails.
pub fn remove(conn: &mut Conn, session: Uuid, provider: &str) -> QueryResult<usize> {
    diesel::delete(push_tokens::table.find((Id(session), provider))).execute(conn)
}

/// The registered phones of an officer, the latest first.
///
/// # Errors
/// If the database fails.
pub fn of_officer(
    conn: &mut Conn,
    officer: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Registered>> {
    let rows: Vec<(String, Uuid, Option<String>, DateTime<Utc>)> = push_tokens::table
        .inner_join(sessions::table)
        .filter(push_tokens::officer_id.eq(Id(officer)))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(At(now)))
        .order((push_tokens::created_at.desc(), push_tokens::provider))
        .select((
            push_tokens::provider,
            push_tokens::session_id,
            sessions::device_name,
            push_tokens::created_at,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(
            |(provider, session_id, device_name, created_at)| Registered {
                provider,
                session_id,
                device_name,
                created_at,
            },
        )
        .collect())
}

/// The tokens of these officers with a service, for phones that are signed in.
///
/// # Errors
/// If the database fails.
pub fn reaching(
    conn: &mut Conn,
    provider: &str,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> QueryResult<HashMap<Uuid, Vec<String>>> {
    let rows: Vec<(Uuid, String)> = push_tokens::table
        .inner_join(sessions::table.inner_join(officers::table))
        .filter(push_tokens::provider.eq(provider))
        .filter(push_tokens::officer_id.eq_any(ids.iter().copied().map(Id)))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(At(now)))
        .filter(officers::disabled_at.is_null())
        .order((push_tokens::officer_id, push_tokens::created_at))
        .select((push_tokens::officer_id, push_tokens::token))
        .load(conn)?;
    let mut found: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (officer, token) in rows {
        found.entry(officer).or_default().push(token);
    }
    Ok(found)
}

/// Deletes tokens of ended sessions, a limited number at a time; returns how many.
///
/// # Errors
/// If the database fails.
pub fn sweep(conn: &mut Conn, now: DateTime<Utc>, most: i64) -> QueryResult<usize> {
    let spent: Vec<(Uuid, String)> = push_tokens::table
        .inner_join(sessions::table)
        .filter(
            sessions::ended_at
                .is_not_null()
                .or(sessions::expires_at.le(At(now))),
        )
        .limit(most)
        .select((push_tokens::session_id, push_tokens::provider))
        .load(conn)?;
    for (session, provider) in &spent {
        remove(conn, *session, provider)?;
    }
    Ok(spent.len())
}
