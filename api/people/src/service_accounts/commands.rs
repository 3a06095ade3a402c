//! Creates, changes, rotates and ends service accounts, one transaction each.
//!
//! Owns who may do it (administrators and the town's leader), how many accounts there may be, and
//! what we record: an event in the town's chain and an entry in the security log. It must not make
//! keys inside a transaction, because that may run twice.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::scope::Scope;
use gridpatrol_domain::service::Access;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::queries::{self, Account, KeyRow};
use crate::auth::security_log::{self, Kind, Origin, Record};
use crate::auth::service_keys::key::Made;
use crate::towns::directory::Directory;
use gridpatrol_http::etag::{self, IfMatch};
use gridpatrol_problem::Problem;
use gridpatrol_store::events::{self, EventRecord};
use gridpatrol_store::types::Coded;
use gridpatrol_store::{Conn, Outcome, town};

/// The most accounts of a town that have not ended.
const MOST_ACCOUNTS: i64 = 200;
/// The most valid keys of an account at the same time.
const MOST_KEYS: usize = 2;
/// The most keys of an account that we keep, expired ones included.
const MOST_KEPT: usize = 20;

/// Who calls, from where, and when.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The caller in the form that the rules use.
    pub actor: Actor,
    /// Where the request came from.
    pub origin: Origin,
    /// The instant of the request.
    pub now: DateTime<Utc>,
}

/// A new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The grid it is bound to.
    pub grid_id: Uuid,
    /// What it may do there.
    pub access: Access,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// Requests a minute that it may send.
    pub requests_per_minute: Option<i32>,
}

/// What is to be different.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The name.
    pub name: Option<String>,
    /// What it may do.
    pub access: Option<Access>,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// Requests a minute. Inner none: the usual limit.
    pub requests_per_minute: Option<Option<i32>>,
}

/// An account with its keys.
#[derive(Debug, Clone)]
pub struct Found {
    /// The account.
    pub account: Account,
    /// Its keys, newest first.
    pub keys: Vec<KeyRow>,
}

impl Found {
    fn read(conn: &mut Conn, account: Account) -> Outcome<Self> {
        let keys = queries::keys_of(conn, &[account.id])?
            .remove(&account.id)
            .unwrap_or_default();
        Ok(Self { account, keys })
    }
}

/// Makes an account with its first key.
///
/// # Errors
/// `not_found` if there is no such grid in the caller's towns, `not_permitted`, `limit_reached`.
pub fn create(
    conn: &mut Conn,
    directory: &Directory,
    caller: &Caller,
    new: &NewAccount,
    key: &Made,
) -> Outcome<Found> {
    let towns = Scope::of(&caller.actor).towns().to_vec();
    let (_, path) = directory
        .find(conn, &towns, new.grid_id)?
        .filter(|(town, _)| town.living(new.grid_id).is_some())
        .ok_or_else(|| {
            Problem::new(Code::NotFound).detail("There is no such grid in your towns.")
        })?;
    if !caller.actor.administers(path) {
        return Err(not_permitted().into());
    }
    let account = Account {
        id: new.id,
        name: new.name.clone(),
        town_id: path.town_id(),
        grid_id: new.grid_id,
        access: Coded(new.access),
        requests_per_minute: new.requests_per_minute,
        created_by: Some(caller.actor.officer_id),
        created_at: caller.now,
        expires_at: new.expires_at,
        ended_at: None,
        version: 1,
    };
    let mut head = town::advance(conn, account.town_id)?;
    if queries::count_open(conn, account.town_id)? >= MOST_ACCOUNTS {
        return Err(Problem::new(Code::LimitReached)
            .detail("A town has at most 200 service accounts. End one that is not used.")
            .into());
    }
    queries::add(conn, &account)?;
    queries::add_key(conn, account.id, key.id, &key.hash, caller.now)?;
    let mut facts = Map::new();
    facts.insert("grid_id".to_owned(), json!(account.grid_id));
    facts.insert("access".to_owned(), json!(account.access.0));
    facts.insert("expires_at".to_owned(), json!(account.expires_at));
    facts.insert("key_id".to_owned(), json!(key.id));
    let payload = json!({
        "name": account.name,
        "requests_per_minute": account.requests_per_minute,
    });
    let created = event(
        caller,
        account.id,
        "service_account_created",
        facts,
        Some(payload),
    );
    events::append(conn, &mut head, vec![created])?;
    town::touch_directory(conn, account.town_id)?;
    log(
        conn,
        caller,
        Kind::ServiceKeyIssued,
        account.id,
        Some(key.id),
    )?;
    Found::read(conn, account)
}

/// Reads an account that the caller may administer.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn read(conn: &mut Conn, directory: &Directory, actor: &Actor, id: Uuid) -> Outcome<Found> {
    let account = administered(conn, directory, actor, id)?;
    Found::read(conn, account)
}

/// Changes an account.
///
/// # Errors
/// `not_found`, `not_permitted`, `precondition_required`, `version_mismatch`, `already_ended`.
pub fn change(
    conn: &mut Conn,
    directory: &Directory,
    caller: &Caller,
    id: Uuid,
    if_match: Option<&IfMatch>,
    change: &Change,
) -> Outcome<Found> {
    let before = locked(conn, directory, caller, id)?;
    etag::require(if_match, before.version)?;
    let mut after = before.clone();
    if let Some(name) = &change.name {
        after.name.clone_from(name);
    }
    after.access = change.access.map_or(before.access, Coded);
    after.expires_at = change.expires_at.unwrap_or(before.expires_at);
    after.requests_per_minute = change
        .requests_per_minute
        .unwrap_or(before.requests_per_minute);
    if after == before {
        return Found::read(conn, before);
    }
    open(&before)?;
    after.version += 1;
    let mut head = town::advance(conn, after.town_id)?;
    queries::save(conn, &after)?;
    let mut facts = Map::new();
    facts.insert("version".to_owned(), json!(after.version));
    facts.insert("access".to_owned(), json!(after.access.0));
    facts.insert("expires_at".to_owned(), json!(after.expires_at));
    let payload = json!({ "changes": difference(&before, &after) });
    let changed = event(caller, id, "service_account_changed", facts, Some(payload));
    events::append(conn, &mut head, vec![changed])?;
    town::touch_directory(conn, after.town_id)?;
    Found::read(conn, after)
}

/// Adds a key. The current key stays valid until a given instant at most, so that its users can
/// switch.
///
/// # Errors
/// `not_found`, `not_permitted`, `already_ended`, `limit_reached` if two keys are already valid.
pub fn rotate(
    conn: &mut Conn,
    directory: &Directory,
    caller: &Caller,
    id: Uuid,
    old_valid_until: DateTime<Utc>,
    key: &Made,
) -> Outcome<Found> {
    let account = locked(conn, directory, caller, id)?;
    open(&account)?;
    let keys = Found::read(conn, account.clone())?.keys;
    let (live, over): (Vec<&KeyRow>, Vec<&KeyRow>) =
        keys.iter().partition(|key| key.live(caller.now));
    if live.len() >= MOST_KEYS {
        return Err(Problem::new(Code::LimitReached)
            .detail("Two keys are already valid. End one of them first.")
            .into());
    }
    let mut head = town::advance(conn, account.town_id)?;
    let shortened: Vec<Uuid> = live
        .iter()
        .filter(|key| key.valid_until.is_none_or(|until| until > old_valid_until))
        .map(|key| key.id)
        .collect();
    queries::end_keys(conn, &shortened, old_valid_until)?;
    let spent: Vec<Uuid> = over
        .iter()
        .skip(MOST_KEPT - MOST_KEYS)
        .map(|key| key.id)
        .collect();
    queries::forget_keys(conn, &spent)?;
    queries::add_key(conn, id, key.id, &key.hash, caller.now)?;
    let mut facts = Map::new();
    facts.insert("key_id".to_owned(), json!(key.id));
    if !shortened.is_empty() {
        facts.insert("former".to_owned(), json!(shortened));
        facts.insert("former_until".to_owned(), json!(old_valid_until));
    }
    let rotated = event(caller, id, "service_key_added", facts, None);
    events::append(conn, &mut head, vec![rotated])?;
    log(conn, caller, Kind::ServiceKeyIssued, id, Some(key.id))?;
    Found::read(conn, account)
}

/// Ends a key at once. A key that has already ended does not change.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn end_key(
    conn: &mut Conn,
    directory: &Directory,
    caller: &Caller,
    id: Uuid,
    key_id: Uuid,
) -> Outcome<()> {
    let account = locked(conn, directory, caller, id)?;
    let town_id = account.town_id;
    let key = Found::read(conn, account)?
        .keys
        .into_iter()
        .find(|key| key.id == key_id)
        .ok_or_else(|| Problem::new(Code::NotFound).detail("The account has no such key."))?;
    if !key.live(caller.now) {
        return Ok(());
    }
    let mut head = town::advance(conn, town_id)?;
    queries::end_keys(conn, &[key_id], caller.now)?;
    let mut facts = Map::new();
    facts.insert("key_id".to_owned(), json!(key_id));
    let ended = event(caller, id, "service_key_ended", facts, None);
    events::append(conn, &mut head, vec![ended])?;
    log(conn, caller, Kind::ServiceKeyEnded, id, Some(key_id))
}

/// Ends an account with all its keys at once. Its reports keep its name.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn end(conn: &mut Conn, directory: &Directory, caller: &Caller, id: Uuid) -> Outcome<()> {
    let mut account = locked(conn, directory, caller, id)?;
    if account.ended_at.is_some() {
        return Ok(());
    }
    account.ended_at = Some(caller.now);
    account.version += 1;
    let mut head = town::advance(conn, account.town_id)?;
    queries::save(conn, &account)?;
    let live: Vec<Uuid> = Found::read(conn, account.clone())?
        .keys
        .iter()
        .filter(|key| key.live(caller.now))
        .map(|key| key.id)
        .collect();
    queries::end_keys(conn, &live, caller.now)?;
    let ended = event(caller, id, "service_account_ended", Map::new(), None);
    events::append(conn, &mut head, vec![ended])?;
    town::touch_directory(conn, account.town_id)?;
    log(conn, caller, Kind::ServiceAccountEnded, id, None)
}

/// The account, if it belongs to one of the caller's towns and the caller administers its grid.
fn administered(
    conn: &mut Conn,
    directory: &Directory,
    actor: &Actor,
    id: Uuid,
) -> Outcome<Account> {
    let account = queries::find(conn, id)?
        .filter(|account| actor.in_town(account.town_id))
        .ok_or_else(|| {
            Problem::new(Code::NotFound).detail("There is no such service account in your towns.")
        })?;
    let path = directory
        .town(conn, account.town_id)?
        .path(account.grid_id)
        .ok_or(diesel::result::Error::NotFound)?;
    if actor.administers(path) {
        Ok(account)
    } else {
        Err(not_permitted().into())
    }
}

/// Like [`administered`], with the row locked until the transaction ends.
fn locked(conn: &mut Conn, directory: &Directory, caller: &Caller, id: Uuid) -> Outcome<Account> {
    queries::lock(conn, id)?;
    administered(conn, directory, &caller.actor, id)
}

fn open(account: &Account) -> Result<(), Problem> {
    match account.ended_at {
        None => Ok(()),
        Some(_) => Err(Problem::new(Code::AlreadyEnded)
            .detail("This service account has ended. Create a new one.")),
    }
}

fn not_permitted() -> Problem {
    Problem::new(Code::NotPermitted)
        .detail("Only administrators and the town's leader can manage service accounts.")
}

fn difference(before: &Account, after: &Account) -> Map<String, Value> {
    let mut changes = Map::new();
    let mut note = |field: &str, before: Value, after: Value| {
        if before != after {
            changes.insert(field.to_owned(), json!({"before": before, "after": after}));
        }
    };
    note("name", json!(before.name), json!(after.name));
    note("access", json!(before.access.0), json!(after.access.0));
    note(
        "expires_at",
        json!(before.expires_at),
        json!(after.expires_at),
    );
    note(
        "requests_per_minute",
        json!(before.requests_per_minute),
        json!(after.requests_per_minute),
    );
    changes
}

fn event(
    caller: &Caller,
    account: Uuid,
    kind: &'static str,
    facts: Map<String, Value>,
    payload: Option<Value>,
) -> EventRecord {
    EventRecord {
        subject_kind: "service_account",
        subject_id: account,
        kind,
        at: caller.now,
        actor_id: Some(caller.actor.officer_id),
        facts,
        payload,
    }
}

fn log(
    conn: &mut Conn,
    caller: &Caller,
    kind: Kind,
    account: Uuid,
    key: Option<Uuid>,
) -> Outcome<()> {
    let detail = match key {
        Some(key) => format!("account {account} key {key}"),
        None => format!("account {account}"),
    };
    let record = Record {
        kind,
        officer_id: Some(caller.actor.officer_id),
        username: None,
        detail: Some(&detail),
    };
    Ok(security_log::record(
        conn,
        caller.now,
        &caller.origin,
        record,
    )?)
}

/// How long an account lasts at most.
pub const LONGEST: TimeDelta = TimeDelta::days(730);
/// How long it lasts by default.
pub const USUAL: TimeDelta = TimeDelta::days(365);
/// How long the old key stays valid at most.
pub const LONGEST_OVERLAP: TimeDelta = TimeDelta::days(30);
/// How long the old key stays valid by default.
pub const USUAL_OVERLAP: TimeDelta = TimeDelta::hours(24);
