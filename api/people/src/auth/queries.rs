//! SQL of accounts, sessions, refresh tokens, failed sign-ins and former passwords.
//!
//! Owns statements only. It must not decide what they mean: `login`, `sessions` and
//! `change_password` do.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::throttle::Failures;
use gridpatrol_store::schema::{
    login_failures, officers, password_history, refresh_tokens, sessions,
};
use gridpatrol_store::types::{At, Id};
use gridpatrol_store::{Conn, locked, on_each};

/// An account, as sign-in needs it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = officers)]
pub struct Account {
    /// The officer.
    pub id: Uuid,
    /// The name to sign in with.
    pub username: String,
    /// The person's name.
    pub name: String,
    /// The phone number.
    pub phone: Option<String>,
    /// The hash of the password; empty: none.
    pub password_hash: String,
    /// Whether the password must be changed first.
    pub must_change_password: bool,
    /// Since when the account is disabled.
    pub disabled_at: Option<DateTime<Utc>>,
}

impl Account {
    /// The hash of the password, if there is one.
    #[must_use]
    pub fn hash(&self) -> Option<String> {
        (!self.password_hash.is_empty()).then(|| self.password_hash.clone())
    }
}

/// A session.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub officer_id: Uuid,
    /// The device's id, sent by the client.
    pub device_id: Option<String>,
    /// The device's name.
    pub device_name: Option<String>,
    /// The device's platform.
    pub platform: Option<String>,
    /// The address it was last refreshed from.
    pub address: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it ended.
    pub end_reason: Option<String>,
}

/// A refresh token, hashed.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = refresh_tokens)]
pub struct StoredToken {
    /// The hash of its secret.
    pub token_hash: Vec<u8>,
    /// Its session.
    pub session_id: Uuid,
    /// The token it was exchanged for.
    pub predecessor_hash: Option<Vec<u8>>,
    /// When it was given out.
    pub issued_at: DateTime<Utc>,
    /// When it stops being valid.
    pub expires_at: DateTime<Utc>,
    /// When it was first exchanged.
    pub first_used_at: Option<DateTime<Utc>>,
    /// When a successor or sibling was first exchanged.
    pub superseded_at: Option<DateTime<Utc>>,
}

/// The account of this name.
pub fn account_named(conn: &mut Conn, username: &str) -> QueryResult<Option<Account>> {
    officers::table
        .filter(officers::username.eq(username))
        .select(Account::as_select())
        .first(conn)
        .optional()
}

/// The account of this officer.
pub fn account(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Account>> {
    officers::table
        .find(Id(id))
        .select(Account::as_select())
        .first(conn)
        .optional()
}

/// The account of this officer, locked until the transaction ends.
pub fn account_locked(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Account>> {
    locked!(
        conn,
        officers::table.find(Id(id)).select(Account::as_select()),
        first
    )
    .optional()
}

/// Replaces a hash if it is still the expected one.
pub fn replace_hash(conn: &mut Conn, id: Uuid, expected: &str, hash: &str) -> QueryResult<usize> {
    diesel::update(
        officers::table.filter(
            officers::id
                .eq(Id(id))
                .and(officers::password_hash.eq(expected)),
        ),
    )
    .set(officers::password_hash.eq(hash))
    .execute(conn)
}

/// Sets a password that the officer chose.
pub fn set_password(conn: &mut Conn, id: Uuid, hash: &str) -> QueryResult<()> {
    diesel::update(officers::table.find(Id(id)))
        .set((
            officers::password_hash.eq(hash),
            officers::must_change_password.eq(false),
            officers::version.eq(officers::version + 1),
        ))
        .execute(conn)?;
    Ok(())
}

/// The latest passwords of an officer, newest first.
pub fn former_hashes(conn: &mut Conn, id: Uuid, most: i64) -> QueryResult<Vec<String>> {
    password_history::table
        .filter(password_history::officer_id.eq(Id(id)))
        .order(password_history::set_at.desc())
        .limit(most)
        .select(password_history::password_hash)
        .load(conn)
}

/// Stores a password and deletes all but the latest `most`.
pub fn remember_hash(
    conn: &mut Conn,
    id: Uuid,
    hash: &str,
    now: DateTime<Utc>,
    most: i64,
) -> QueryResult<()> {
    diesel::insert_into(password_history::table)
        .values((
            password_history::id.eq(Id(Uuid::now_v7())),
            password_history::officer_id.eq(Id(id)),
            password_history::set_at.eq(At(now)),
            password_history::password_hash.eq(hash),
        ))
        .execute(conn)?;
    let beyond: Vec<Uuid> = password_history::table
        .filter(password_history::officer_id.eq(Id(id)))
        .order((password_history::set_at.desc(), password_history::id.desc()))
        .offset(most.max(1))
        .limit(100)
        .select(password_history::id)
        .load(conn)?;
    if !beyond.is_empty() {
        diesel::delete(
            password_history::table.filter(password_history::id.eq_any(beyond.into_iter().map(Id))),
        )
        .execute(conn)?;
    }
    Ok(())
}

type FailureColumns = (i32, DateTime<Utc>, Option<DateTime<Utc>>);

fn failures_of((count, last_at, locked_until): FailureColumns) -> Failures {
    Failures {
        count: u32::try_from(count).unwrap_or(0),
        last_at,
        locked_until,
    }
}

/// What is remembered of a name or an address.
pub fn failures(conn: &mut Conn, subject: &str) -> QueryResult<Option<Failures>> {
    Ok(login_failures::table
        .find(subject)
        .select((
            login_failures::failures,
            login_failures::last_failed_at,
            login_failures::locked_until,
        ))
        .first::<FailureColumns>(conn)
        .optional()?
        .map(failures_of))
}

/// The same, but creates the row if needed and locks it until the transaction ends.
pub fn failures_locked(
    conn: &mut Conn,
    subject: &str,
    now: DateTime<Utc>,
) -> QueryResult<Failures> {
    let row = (
        login_failures::subject.eq(subject),
        login_failures::failures.eq(0),
        login_failures::last_failed_at.eq(At(now)),
    );
    on_each!(conn, c => diesel::insert_into(login_failures::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    locked!(
        conn,
        login_failures::table.find(subject).select((
            login_failures::failures,
            login_failures::last_failed_at,
            login_failures::locked_until,
        )),
        first
    )
    .map(failures_of)
}

/// Stores failures in an existing row.
pub fn save_failures(conn: &mut Conn, subject: &str, failures: Failures) -> QueryResult<()> {
    diesel::update(login_failures::table.find(subject))
        .set((
            login_failures::failures.eq(i32::try_from(failures.count).unwrap_or(i32::MAX)),
            login_failures::last_failed_at.eq(At(failures.last_at)),
            login_failures::locked_until.eq(failures.locked_until),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets the failures of a subject.
pub fn forget_failures(conn: &mut Conn, subject: &str) -> QueryResult<()> {
    diesel::delete(login_failures::table.find(subject)).execute(conn)?;
    Ok(())
}

/// The session, locked until the transaction ends.
pub fn session_locked(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Session>> {
    locked!(
        conn,
        sessions::table.find(Id(id)).select(Session::as_select()),
        first
    )
    .optional()
}

/// The sessions of an officer that have not ended, last used first.
pub fn open_sessions(
    conn: &mut Conn,
    officer_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Session>> {
    sessions::table
        .filter(
            sessions::officer_id
                .eq(Id(officer_id))
                .and(sessions::ended_at.is_null())
                .and(sessions::expires_at.gt(At(now))),
        )
        .order((sessions::last_seen_at.desc(), sessions::id.desc()))
        .select(Session::as_select())
        .load(conn)
}

/// Adds a session.
pub fn add_session(conn: &mut Conn, session: &Session) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(Id(session.id)),
            sessions::officer_id.eq(Id(session.officer_id)),
            sessions::device_id.eq(&session.device_id),
            sessions::device_name.eq(&session.device_name),
            sessions::platform.eq(&session.platform),
            sessions::address.eq(&session.address),
            sessions::created_at.eq(At(session.created_at)),
            sessions::last_seen_at.eq(At(session.last_seen_at)),
            sessions::expires_at.eq(At(session.expires_at)),
            sessions::ended_at.eq(session.ended_at),
            sessions::end_reason.eq(&session.end_reason),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends those of the sessions that have not ended yet.
pub fn end_sessions(
    conn: &mut Conn,
    ids: &[Uuid],
    reason: &str,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::update(
        sessions::table.filter(
            sessions::id
                .eq_any(ids.iter().copied().map(Id))
                .and(sessions::ended_at.is_null()),
        ),
    )
    .set((
        sessions::ended_at.eq(Some(now)),
        sessions::end_reason.eq(Some(reason)),
    ))
    .execute(conn)
}

/// Notes that sessions were used.
pub fn touch_session(conn: &mut Conn, id: Uuid, at: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(
        sessions::table.filter(
            sessions::id
                .eq(Id(id))
                .and(sessions::last_seen_at.lt(At(at))),
        ),
    )
    .set(sessions::last_seen_at.eq(At(at)))
    .execute(conn)?;
    Ok(())
}

/// Notes that a session was refreshed, and from where.
pub fn session_refreshed(
    conn: &mut Conn,
    id: Uuid,
    address: &str,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(sessions::table.find(Id(id)))
        .set((
            sessions::last_seen_at.eq(At(at)),
            sessions::address.eq(Some(address)),
        ))
        .execute(conn)?;
    Ok(())
}

/// The token of this hash.
pub fn token(conn: &mut Conn, hash: &[u8]) -> QueryResult<Option<StoredToken>> {
    refresh_tokens::table
        .find(hash)
        .select(StoredToken::as_select())
        .first(conn)
        .optional()
}

/// Adds a token.
pub fn add_token(conn: &mut Conn, token: &StoredToken) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(&token.token_hash),
            refresh_tokens::session_id.eq(Id(token.session_id)),
            refresh_tokens::predecessor_hash.eq(&token.predecessor_hash),
            refresh_tokens::issued_at.eq(At(token.issued_at)),
            refresh_tokens::expires_at.eq(At(token.expires_at)),
            refresh_tokens::first_used_at.eq(token.first_used_at),
            refresh_tokens::superseded_at.eq(token.superseded_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// Records the first exchange of a token. It replaces every other token of its session.
pub fn use_token(conn: &mut Conn, token: &StoredToken, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(refresh_tokens::table.find(&token.token_hash))
        .set(refresh_tokens::first_used_at.eq(Some(now)))
        .execute(conn)?;
    diesel::update(
        refresh_tokens::table.filter(
            refresh_tokens::session_id
                .eq(Id(token.session_id))
                .and(refresh_tokens::token_hash.ne(&token.token_hash))
                .and(refresh_tokens::superseded_at.is_null()),
        ),
    )
    .set(refresh_tokens::superseded_at.eq(Some(now)))
    .execute(conn)?;
    Ok(())
}

/// Deletes a token's oldest unused successors beyond `most`, so that a client that repeats requests
/// does not fill the table.
pub fn trim_successors(conn: &mut Conn, token: &StoredToken, most: i64) -> QueryResult<()> {
    let beyond: Vec<Vec<u8>> = refresh_tokens::table
        .filter(
            refresh_tokens::session_id
                .eq(Id(token.session_id))
                .and(refresh_tokens::predecessor_hash.eq(Some(token.token_hash.as_slice())))
                .and(refresh_tokens::first_used_at.is_null()),
        )
        .order(refresh_tokens::issued_at.desc())
        .offset(most)
        .limit(100)
        .select(refresh_tokens::token_hash)
        .load(conn)?;
    if !beyond.is_empty() {
        diesel::delete(refresh_tokens::table.filter(refresh_tokens::token_hash.eq_any(beyond)))
            .execute(conn)?;
    }
    Ok(())
}
