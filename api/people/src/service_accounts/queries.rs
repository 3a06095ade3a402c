//! SQL of service accounts and their keys.
//!
//! Owns statements only.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::service::Access;
use uuid::Uuid;

use gridpatrol_store::conn::MultiBackend;
use gridpatrol_store::schema::{officers, service_accounts as accounts, service_keys as keys};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, locked};

/// A service account, with its name. Read from the join with its principal.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub struct Account {
    /// Its id, as principal too.
    pub id: Uuid,
    /// Its name.
    #[diesel(select_expression = officers::name)]
    pub name: String,
    /// Its town.
    pub town_id: Uuid,
    /// The grid it is bound to.
    pub grid_id: Uuid,
    /// What it may do there.
    pub access: Coded<Access>,
    /// Requests a minute that it may send.
    pub requests_per_minute: Option<i32>,
    /// Who made it.
    pub created_by: Option<Uuid>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// When it was ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Its version.
    pub version: i64,
}

/// A key of a service account.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = keys)]
pub struct KeyRow {
    /// Its id.
    pub id: Uuid,
    /// Its account.
    pub account_id: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it expires. None: together with its account.
    pub valid_until: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl KeyRow {
    /// Whether the key itself is valid. Its account may still have ended.
    #[must_use]
    pub fn live(&self, now: DateTime<Utc>) -> bool {
        self.valid_until.is_none_or(|until| now < until)
    }
}

/// The account of this id.
///
/// # Errors
/// If the database fails.
pub fn find(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Account>> {
    accounts::table
        .inner_join(officers::table)
        .filter(accounts::id.eq(Id(id)))
        .select(Account::as_select())
        .first(conn)
        .optional()
}

/// Locks the account's row until the transaction ends.
///
/// # Errors
/// If the database fails.
pub fn lock(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Uuid>> {
    locked!(
        conn,
        accounts::table
            .filter(accounts::id.eq(Id(id)))
            .select(accounts::id),
        first
    )
    .optional()
}

/// Accounts of these towns after an id, newest first. Ended accounts only if asked for.
///
/// # Errors
/// If the database fails.
pub fn of_towns(
    conn: &mut Conn,
    towns: &[Uuid],
    ended: bool,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<Account>> {
    let mut query = accounts::table
        .inner_join(officers::table)
        .filter(accounts::town_id.eq_any(towns.iter().copied().map(Id)))
        .select(Account::as_select())
        .order(accounts::id.desc())
        .limit(limit)
        .into_boxed::<MultiBackend>();
    if !ended {
        query = query.filter(accounts::ended_at.is_null());
    }
    if let Some(after) = after {
        query = query.filter(accounts::id.lt(Id(after)));
    }
    query.load(conn)
}

/// How many accounts of a town have not ended.
///
/// # Errors
/// If the database fails.
pub fn count_open(conn: &mut Conn, town: Uuid) -> QueryResult<i64> {
    accounts::table
        .filter(accounts::town_id.eq(Id(town)))
        .filter(accounts::ended_at.is_null())
        .count()
        .get_result(conn)
}

/// Writes a new account and its principal.
///
/// # Errors
/// If the database fails.
pub fn add(conn: &mut Conn, account: &Account) -> QueryResult<()> {
    diesel::insert_into(officers::table)
        .values((
            officers::id.eq(Id(account.id)),
            // No officer can have this name, because it has a colon, and no password has this hash.
            officers::username.eq(format!("service:{}", account.id.simple())),
            officers::name.eq(&account.name),
            officers::password_hash.eq(""),
            officers::created_at.eq(At(account.created_at)),
        ))
        .execute(conn)?;
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(Id(account.id)),
            accounts::town_id.eq(Id(account.town_id)),
            accounts::grid_id.eq(Id(account.grid_id)),
            accounts::access.eq(account.access),
            accounts::requests_per_minute.eq(account.requests_per_minute),
            accounts::created_by.eq(account.created_by),
            accounts::created_at.eq(At(account.created_at)),
            accounts::expires_at.eq(At(account.expires_at)),
            accounts::version.eq(account.version),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes the fields of an account that can change.
///
/// # Errors
/// If the database fails.
pub fn save(conn: &mut Conn, account: &Account) -> QueryResult<()> {
    diesel::update(officers::table.find(Id(account.id)))
        .set((
            officers::name.eq(&account.name),
            officers::disabled_at.eq(account.ended_at),
        ))
        .execute(conn)?;
    diesel::update(accounts::table.find(Id(account.id)))
        .set((
            accounts::access.eq(account.access),
            accounts::requests_per_minute.eq(account.requests_per_minute),
            accounts::expires_at.eq(At(account.expires_at)),
            accounts::ended_at.eq(account.ended_at),
            accounts::version.eq(account.version),
        ))
        .execute(conn)?;
    Ok(())
}

/// The keys of each of these accounts, newest first.
///
/// # Errors
/// If the database fails.
pub fn keys_of(conn: &mut Conn, ids: &[Uuid]) -> QueryResult<HashMap<Uuid, Vec<KeyRow>>> {
    let mut found: HashMap<Uuid, Vec<KeyRow>> = HashMap::new();
    let rows: Vec<KeyRow> = keys::table
        .filter(keys::account_id.eq_any(ids.iter().copied().map(Id)))
        .order((keys::created_at.desc(), keys::id.desc()))
        .select(KeyRow::as_select())
        .load(conn)?;
    for row in rows {
        found.entry(row.account_id).or_default().push(row);
    }
    Ok(found)
}

/// Adds a key.
///
/// # Errors
/// If the database fails.
pub fn add_key(
    conn: &mut Conn,
    account: Uuid,
    id: Uuid,
    hash: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(keys::table)
        .values((
            keys::id.eq(Id(id)),
            keys::account_id.eq(Id(account)),
            keys::secret_hash.eq(hash),
            keys::created_at.eq(At(now)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Makes keys expire at an instant at the latest.
///
/// # Errors
/// If the database fails.
pub fn end_keys(conn: &mut Conn, ids: &[Uuid], until: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(keys::table.filter(keys::id.eq_any(ids.iter().copied().map(Id))))
        .set(keys::valid_until.eq(Some(until)))
        .execute(conn)?;
    Ok(())
}

/// Deletes keys that expired long ago, so that rotation does not fill the table.
///
/// # Errors
/// If the database fails.
pub fn forget_keys(conn: &mut Conn, ids: &[Uuid]) -> QueryResult<()> {
    diesel::delete(keys::table.filter(keys::id.eq_any(ids.iter().copied().map(Id))))
        .execute(conn)?;
    Ok(())
}
