//! Making, changing, rotating, testing, replaying and ending endpoints: one transaction each.
//!
//! Owns who may do this (administrators and the town's leader), how many endpoints a town may have, and
//! what is recorded: an event in the town's chain and an entry in the security log. It must not make
//! secrets inside a transaction, because a transaction may run twice.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::notice::delivery::{DeliveryState, PauseReason};
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::scope::Scope;
use reqwest::Url;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::deliveries::{self, NewDelivery};
use super::dispatch::{self, Facts};
use super::queries::{self, Endpoint, SecretRow};
use super::secret::Made;
use gridpatrol_http::etag::{self, IfMatch};
use gridpatrol_people::auth::security_log::{self, Kind, Record};
use gridpatrol_people::service_accounts::commands::Caller;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;
use gridpatrol_reports::notices::envelope::{self, Ping, PingData};
use gridpatrol_store::events::{self, EventRecord};
use gridpatrol_store::schema::notices;
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, Outcome, town};

/// Endpoints of a town that have not ended, at most.
const MOST_ENDPOINTS: i64 = 50;
/// Secrets of an endpoint that sign at the same time, at most.
const MOST_SECRETS: usize = 2;
/// Notices that one request replays at most.
pub const MOST_REPLAYED: i64 = 1000;
/// The kind of a ping.
const PING: &str = "ping";

/// How long the former secret still signs at most.
pub const LONGEST_OVERLAP: TimeDelta = TimeDelta::days(30);
/// How long it does unless said otherwise.
pub const USUAL_OVERLAP: TimeDelta = TimeDelta::hours(24);

/// An endpoint to be.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The grid it is bound to.
    pub grid_id: Uuid,
    /// Where it is.
    pub url: String,
    /// The push service whose tokens it gets.
    pub provider: Option<String>,
    /// The kinds it wants; none: all.
    pub kinds: Option<Vec<String>>,
}

/// What is to be different.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The name.
    pub name: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// The kinds it wants; inside none: all.
    pub kinds: Option<Option<Vec<String>>>,
    /// Whether nothing is sent.
    pub paused: Option<bool>,
    /// Whether what has gathered while it was paused is left out.
    pub skip_waiting: bool,
}

/// An endpoint with its secrets.
#[derive(Debug, Clone)]
pub struct Found {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its secrets, newest first.
    pub secrets: Vec<SecretRow>,
}

impl Found {
    fn read(conn: &mut Conn, endpoint: Endpoint) -> Outcome<Self> {
        let secrets = queries::secrets_of(conn, &[endpoint.id])?
            .remove(&endpoint.id)
            .unwrap_or_default();
        Ok(Self { endpoint, secrets })
    }
}

/// The list of kinds as it is stored.
fn kept(kinds: Option<&Vec<String>>) -> Option<String> {
    kinds.map(|kinds| json!(kinds).to_string())
}

/// Makes an endpoint with its first secret. It gets what happens from now on.
///
/// # Errors
/// `not_found` when there is no such grid in the caller's towns, `not_permitted`, `limit_reached`.
pub fn create(
    conn: &mut Conn,
    directory: &Directory,
    caller: &Caller,
    new: &NewEndpoint,
    secret: &Made,
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
    let mut head = town::advance(conn, path.town_id())?;
    if queries::count_open(conn, path.town_id())? >= MOST_ENDPOINTS {
        return Err(Problem::new(Code::LimitReached)
            .detail("A town has at most 50 webhooks. End one that is not used.")
            .into());
    }
    let endpoint = Endpoint {
        id: new.id,
        town_id: path.town_id(),
        grid_id: new.grid_id,
        name: new.name.clone(),
        url: new.url.clone(),
        provider: new.provider.clone(),
        kinds: kept(new.kinds.as_ref()),
        created_by: Some(caller.actor.officer_id),
        created_at: caller.now,
        dispatched_seq: head.last_notice(),
        last_number: 0,
        failing_since: None,
        failures: 0,
        rests_until: None,
        paused_at: None,
        pause_reason: None,
        leased_until: None,
        leased_by: None,
        ended_at: None,
        version: 1,
        served_at: caller.now,
    };
    queries::add(conn, &endpoint)?;
    queries::add_secret(conn, endpoint.id, secret.id, &secret.bytes, caller.now)?;
    let mut facts = Map::new();
    facts.insert("grid_id".to_owned(), json!(endpoint.grid_id));
    facts.insert("provider".to_owned(), json!(endpoint.provider));
    facts.insert("secret_id".to_owned(), json!(secret.id));
    let payload = json!({
        "name": endpoint.name, "host": host(&endpoint.url), "kinds": new.kinds,
    });
    let created = event(caller, endpoint.id, "webhook_created", facts, Some(payload));
    events::append(conn, &mut head, vec![created])?;
    log(
        conn,
        caller,
        Kind::WebhookSecretIssued,
        endpoint.id,
        Some(secret.id),
    )?;
    Found::read(conn, endpoint)
}

/// Reads an endpoint that the caller administers.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn read(conn: &mut Conn, directory: &Directory, actor: &Actor, id: Uuid) -> Outcome<Found> {
    let found = queries::find(conn, id)?;
    let endpoint = administered(conn, directory, actor, found)?;
    Found::read(conn, endpoint)
}

/// Changes an endpoint.
///
/// # Errors
/// `not_found`, `not_permitted`, `precondition_required`, `version_mismatch`.
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
    if let Some(url) = &change.url {
        after.url.clone_from(url);
        // A new receiver: requests of the old one no longer count, and neither do its failures.
        after.rests_until = None;
        after.failing_since = None;
        after.failures = 0;
    }
    if let Some(kinds) = &change.kinds {
        after.kinds = kept(kinds.as_ref());
    }
    let mut head = town::advance(conn, before.town_id)?;
    match change.paused {
        Some(true) if before.paused_at.is_none() => {
            after.paused_at = Some(caller.now);
            after.pause_reason = Some(Coded(PauseReason::Requested));
        }
        Some(false) if before.paused_at.is_some() => {
            after.paused_at = None;
            after.pause_reason = None;
            after.failing_since = None;
            after.failures = 0;
            after.rests_until = None;
            if change.skip_waiting {
                deliveries::give_up(conn, id)?;
                after.dispatched_seq = head.last_notice();
            } else {
                deliveries::begin_anew(conn, id, caller.now)?;
            }
        }
        _ => {}
    }
    if after == before {
        return Found::read(conn, before);
    }
    after.version += 1;
    queries::save(conn, &after)?;
    let mut facts = Map::new();
    facts.insert("version".to_owned(), json!(after.version));
    facts.insert("paused".to_owned(), json!(after.paused_at.is_some()));
    let payload = json!({ "changes": difference(&before, &after) });
    let changed = event(caller, id, "webhook_changed", facts, Some(payload));
    events::append(conn, &mut head, vec![changed])?;
    Found::read(conn, after)
}

/// Adds a secret. The one that signs now does so until an instant at most, so that the receiver can
/// change over. An instant that is past ends it at once; where two sign, the former of them.
///
/// # Errors
/// `not_found`, `not_permitted`, `limit_reached` when two sign already.
pub fn rotate(
    conn: &mut Conn,
    directory: &Directory,
    caller: &Caller,
    id: Uuid,
    old_valid_until: DateTime<Utc>,
    secret: &Made,
) -> Outcome<Found> {
    let endpoint = locked(conn, directory, caller, id)?;
    let secrets = Found::read(conn, endpoint.clone())?.secrets;
    let (live, over): (Vec<&SecretRow>, Vec<&SecretRow>) =
        secrets.iter().partition(|secret| secret.live(caller.now));
    let at_once = old_valid_until <= caller.now;
    let (ended, kept): (Vec<&SecretRow>, Vec<&SecretRow>) = live
        .iter()
        .partition(|secret| at_once && (live.len() < MOST_SECRETS || secret.valid_until.is_some()));
    if kept.len() >= MOST_SECRETS {
        return Err(Problem::new(Code::LimitReached)
            .detail("Two secrets sign already. Wait until the former one has ended, or end it at once with an old_valid_until that is past.")
            .into());
    }
    // What makes room leaves the newest the usual time: it may be the only one that the receiver has.
    let until = if at_once {
        caller.now + USUAL_OVERLAP
    } else {
        old_valid_until
    };
    let ended: Vec<Uuid> = ended.iter().map(|secret| secret.id).collect();
    let shortened: Vec<Uuid> = kept
        .iter()
        .filter(|secret| secret.valid_until.is_none_or(|valid| valid > until))
        .map(|secret| secret.id)
        .collect();
    let mut head = town::advance(conn, endpoint.town_id)?;
    queries::end_secrets(conn, &ended, caller.now)?;
    queries::end_secrets(conn, &shortened, until)?;
    let spent: Vec<Uuid> = over.iter().map(|secret| secret.id).collect();
    queries::forget_secrets(conn, &spent)?;
    queries::add_secret(conn, id, secret.id, &secret.bytes, caller.now)?;
    let mut facts = Map::new();
    facts.insert("secret_id".to_owned(), json!(secret.id));
    if !ended.is_empty() {
        facts.insert("ended".to_owned(), json!(ended));
    }
    if !shortened.is_empty() {
        facts.insert("former".to_owned(), json!(shortened));
        facts.insert("former_until".to_owned(), json!(until));
    }
    let rotated = event(caller, id, "webhook_secret_added", facts, None);
    events::append(conn, &mut head, vec![rotated])?;
    log(conn, caller, Kind::WebhookSecretIssued, id, Some(secret.id))?;
    Found::read(conn, endpoint)
}

/// Queues a ping; returns its number.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn ping(conn: &mut Conn, directory: &Directory, caller: &Caller, id: Uuid) -> Outcome<i64> {
    let mut endpoint = locked(conn, directory, caller, id)?;
    endpoint.last_number += 1;
    let number = endpoint.last_number;
    let notice_id = format!("ping_{}_{number}", id.simple());
    let ping = Ping {
        specversion: envelope::SPECVERSION,
        id: notice_id.clone(),
        source: envelope::source(endpoint.town_id),
        r#type: format!("{}.ping", envelope::TYPES),
        subject: id,
        time: caller.now,
        datacontenttype: envelope::CONTENT_TYPE,
        data: PingData {
            webhook_id: id,
            name: endpoint.name.clone(),
        },
    };
    let body = etag::write(&ping)?;
    queries::save(conn, &endpoint)?;
    deliveries::insert(
        conn,
        &[NewDelivery {
            endpoint_id: Id(id),
            number,
            notice_seq: None,
            notice_id,
            kind: PING.to_owned(),
            subject_id: Id(id),
            body: Some(body),
            state: Coded(DeliveryState::Pending),
            due_at: Some(At(caller.now)),
            created_at: At(caller.now),
        }],
    )?;
    Ok(number)
}

/// What is to be sent again.
#[derive(Debug, Clone)]
pub enum Replay {
    /// These deliveries.
    Numbers(Vec<i64>),
    /// What happened from one instant until before another.
    Range(DateTime<Utc>, DateTime<Utc>),
}

/// Queues notices again in their order. Returns the numbers of the first and the last delivery, or none
/// if there is nothing to replay.
///
/// # Errors
/// `not_found`, `not_permitted`, `limit_reached` when it is too much at a time.
pub fn replay(
    conn: &mut Conn,
    directory: &Directory,
    caller: &Caller,
    id: Uuid,
    asked: &Replay,
) -> Outcome<Option<(i64, i64)>> {
    let mut endpoint = locked(conn, directory, caller, id)?;
    let town = notices::town_id.eq(Id(endpoint.town_id));
    let found: Vec<Facts> = match asked {
        Replay::Numbers(numbers) => {
            let seqs = deliveries::notices_of(conn, id, numbers)?;
            notices::table
                .filter(town)
                .filter(notices::seq.eq_any(seqs))
                .order(notices::seq)
                .select(Facts::as_select())
                .load(conn)?
        }
        Replay::Range(from, to) => {
            let found = notices::table
                .filter(town)
                .filter(notices::seq.le(endpoint.dispatched_seq))
                .filter(notices::at.ge(At(*from)))
                .filter(notices::at.lt(At(*to)))
                .order(notices::seq)
                .limit(MOST_REPLAYED + 1)
                .select(Facts::as_select())
                .load::<Facts>(conn)?;
            if found.len() > usize::try_from(MOST_REPLAYED).unwrap_or(usize::MAX) {
                return Err(Problem::new(Code::LimitReached)
                    .detail("More than 1,000 things happened in this time. Ask for shorter times, one after another.")
                    .into());
            }
            dispatch::wanted(conn, directory, &endpoint, found)?
        }
    };
    if found.is_empty() {
        return Ok(None);
    }
    let first = endpoint.last_number + 1;
    dispatch::queue(conn, directory, &mut endpoint, &found, caller.now)?;
    queries::save(conn, &endpoint)?;
    Ok(Some((first, endpoint.last_number)))
}

/// Ends an endpoint with its secrets, at once. Safe to repeat.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn end(conn: &mut Conn, directory: &Directory, caller: &Caller, id: Uuid) -> Outcome<()> {
    let endpoint = queries::lock(conn, id)?;
    let mut endpoint = authorised(conn, directory, &caller.actor, endpoint)?;
    if endpoint.ended_at.is_some() {
        return Ok(());
    }
    endpoint.ended_at = Some(caller.now);
    endpoint.version += 1;
    let mut head = town::advance(conn, endpoint.town_id)?;
    queries::save(conn, &endpoint)?;
    deliveries::give_up(conn, id)?;
    let secrets: Vec<Uuid> = Found::read(conn, endpoint)?
        .secrets
        .iter()
        .map(|secret| secret.id)
        .collect();
    queries::forget_secrets(conn, &secrets)?;
    let ended = event(caller, id, "webhook_ended", Map::new(), None);
    events::append(conn, &mut head, vec![ended])?;
    log(conn, caller, Kind::WebhookEnded, id, None)
}

/// The endpoint, if it is of one of the caller's towns and the caller administers its grid; ended or
/// not.
fn authorised(
    conn: &mut Conn,
    directory: &Directory,
    actor: &Actor,
    found: Option<Endpoint>,
) -> Outcome<Endpoint> {
    let endpoint = found
        .filter(|endpoint| actor.in_town(endpoint.town_id))
        .ok_or_else(absent)?;
    let path = directory
        .town(conn, endpoint.town_id)?
        .path(endpoint.grid_id)
        .ok_or(diesel::result::Error::NotFound)?;
    if actor.administers(path) {
        Ok(endpoint)
    } else {
        Err(not_permitted().into())
    }
}

/// As [`authorised`], and it has not ended.
fn administered(
    conn: &mut Conn,
    directory: &Directory,
    actor: &Actor,
    found: Option<Endpoint>,
) -> Outcome<Endpoint> {
    let found = found.filter(|endpoint| endpoint.ended_at.is_none());
    authorised(conn, directory, actor, found)
}

/// As [`administered`], the row locked until the transaction ends.
fn locked(conn: &mut Conn, directory: &Directory, caller: &Caller, id: Uuid) -> Outcome<Endpoint> {
    let found = queries::lock(conn, id)?;
    administered(conn, directory, &caller.actor, found)
}

fn absent() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such webhook in your towns.")
}

/// 403 for everybody else.
#[must_use]
pub fn not_permitted() -> Problem {
    Problem::new(Code::NotPermitted)
        .detail("Only administrators and the town's leader may manage webhooks.")
}

/// The host of a URL: the rest may be as good as a password.
fn host(url: &str) -> Option<String> {
    Url::parse(url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
}

fn difference(before: &Endpoint, after: &Endpoint) -> Map<String, Value> {
    let mut changes = Map::new();
    let mut note = |field: &str, before: Value, after: Value| {
        if before != after {
            changes.insert(field.to_owned(), json!({"before": before, "after": after}));
        }
    };
    note("name", json!(before.name), json!(after.name));
    note("host", json!(host(&before.url)), json!(host(&after.url)));
    note("kinds", json!(before.wanted()), json!(after.wanted()));
    note(
        "paused",
        json!(before.paused_at.is_some()),
        json!(after.paused_at.is_some()),
    );
    if before.url != after.url {
        changes.insert("url".to_owned(), json!("changed"));
    }
    changes
}

fn event(
    caller: &Caller,
    endpoint: Uuid,
    kind: &'static str,
    facts: Map<String, Value>,
    payload: Option<Value>,
) -> EventRecord {
    EventRecord {
        subject_kind: "webhook",
        subject_id: endpoint,
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
    endpoint: Uuid,
    secret: Option<Uuid>,
) -> Outcome<()> {
    let detail = match secret {
        Some(secret) => format!("webhook {endpoint} secret {secret}"),
        None => format!("webhook {endpoint}"),
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
