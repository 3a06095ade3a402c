//! Service accounts over HTTP.
//!
//! Owns the wire and nothing else. A key's text is in the first answer alone: what is kept to answer a
//! repeated request does not hold it.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, patch, post};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::service::Access;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::commands::{self, Caller, Change, Found, NewAccount};
use super::key;
use super::queries::{self, KeyRow};
use crate::app::App;
use crate::auth::me::Named;
use crate::auth::security_log::Origin;
use crate::grids::directory::{Directory, Town};
use crate::http::choice::{Choice, OptionalChoice as _};
use crate::http::keyed::{self, Answer};
use crate::http::page::{Cursor, Limit, Page};
use crate::http::validate::{Errors, Validate};
use crate::http::{Call, etag};
use crate::problem::{FieldError, Problem};
use crate::refusals;
use crate::store::{Conn, Lane, Outcome};

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_service_accounts)
        .service(create_service_account)
        .service(get_service_account)
        .service(change_service_account)
        .service(end_service_account)
        .service(rotate_service_key)
        .service(end_service_key);
}

refusals! {
    Listed = [SIGNED] + [NotPermitted];
    Single = [SIGNED] + [NotFound, NotPermitted];
    Created = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, LimitReached];
    Changed = [BODY, SIGNED] + [NotFound, NotPermitted, VersionMismatch, PreconditionRequired, AlreadyEnded];
    Rotated = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, LimitReached, AlreadyEnded];
}

/// Most characters of a name.
const MOST_NAME_CHARS: usize = 60;
/// Requests a minute that an account may be given.
const RATES: std::ops::RangeInclusive<i32> = 1..=60_000;

/// A service account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-0000000000e1", "name": "镇指挥中心大屏",
    "grid_id": "0192f7a0-0000-7000-8000-000000000001", "grid_name": "示范镇", "tier": "town",
    "access": "read", "requests_per_minute": 120,
    "created_at": "2026-11-20T00:15:00Z",
    "created_by": {"id": "0192f7a0-0000-7000-8000-000000000012", "name": "李镇长"},
    "expires_at": "2027-11-20T00:15:00Z",
    "keys": [{"id": "0192f7a0-0000-7000-8000-0000000000f1", "created_at": "2026-11-20T00:15:00Z", "live": true}],
    "version": 1
}))]
pub struct ServiceAccount {
    /// Its id; as `reporter.officer_id` of what it files, too.
    id: Uuid,
    /// Its name; what it files is filed under it.
    name: String,
    /// The grid it is bound to.
    grid_id: Uuid,
    /// That grid's name.
    grid_name: String,
    /// That grid's tier; it files as this tier.
    tier: Tier,
    /// What it may do within that grid.
    access: Access,
    /// Requests a minute that it may send; absent: as many as anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<i32>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<Named>,
    /// When it ends by itself.
    expires_at: DateTime<Utc>,
    /// When it was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
    /// Its keys, newest first: at most two of them are live. Some that are over are kept for the record.
    keys: Vec<ServiceKey>,
    /// Its version.
    version: i64,
}

/// A key of a service account, without its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServiceKey {
    /// Its id: the 32 digits behind `gp_` in the key itself.
    id: Uuid,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Until when it is good; absent: as long as its account.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<DateTime<Utc>>,
    /// Whether it is good now.
    live: bool,
}

/// A service account with a new key.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IssuedKey {
    /// The account.
    account: ServiceAccount,
    /// The new key's id.
    key_id: Uuid,
    /// The key: send it as `Authorization: Bearer gp_…`. It is shown this once; the answer to a
    /// repeated request leaves it out, and then another key has to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "gp_0192f7a00000700080000000000000f1_9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    key: Option<String>,
}

impl ServiceAccount {
    fn of(town: &Town, found: &Found, now: DateTime<Utc>) -> Self {
        let account = &found.account;
        let over = account.ended_at.is_some() || account.expires_at <= now;
        Self {
            id: account.id,
            name: account.name.clone(),
            grid_id: account.grid_id,
            grid_name: town
                .grid_name(account.grid_id)
                .unwrap_or_default()
                .to_owned(),
            tier: town
                .path(account.grid_id)
                .map_or(Tier::Town, |path| path.tier()),
            access: account.access.0,
            requests_per_minute: account.requests_per_minute,
            created_at: account.created_at,
            created_by: account.created_by.map(|id| Named {
                id,
                name: town.officer_name(id).unwrap_or_default().to_owned(),
            }),
            expires_at: account.expires_at,
            ended_at: account.ended_at,
            keys: found
                .keys
                .iter()
                .map(|key| ServiceKey::of(key, now, over))
                .collect(),
            version: account.version,
        }
    }
}

impl ServiceKey {
    fn of(key: &KeyRow, now: DateTime<Utc>, over: bool) -> Self {
        Self {
            id: key.id,
            created_at: key.created_at,
            valid_until: key.valid_until,
            last_used_at: key.last_used_at,
            live: !over && key.live(now),
        }
    }
}

/// The account of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ById {
    /// The service account's id.
    pub id: Uuid,
}

/// A key of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ByKey {
    /// The service account's id.
    pub id: Uuid,
    /// The key's id.
    pub key_id: Uuid,
}

/// Which accounts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Those that were ended, too.
    ended: bool,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
    /// How many at most.
    limit: Limit,
}

impl Validate for Listing {
    fn validate(&self, _: &mut Errors) {}
}

fn caller<P, Q, B>(app: &App, call: &Call<P, Q, B>) -> Caller {
    Caller {
        actor: call.actor.actor.clone(),
        origin: Origin {
            address: call.address.clone(),
            request_id: call.request_id.clone(),
        },
        now: app.clock.now(),
    }
}

fn shown(
    conn: &mut Conn,
    directory: &Directory,
    found: &Found,
    now: DateTime<Utc>,
) -> Outcome<ServiceAccount> {
    let town = directory.town(conn, found.account.town_id)?;
    Ok(ServiceAccount::of(&town, found, now))
}

/// Service accounts of the caller's towns
///
/// For administrators and town leaders: newest first. A page may be short while a cursor follows.
#[utoipa::path(
    operation_id = "listServiceAccounts",
    tag = "service-accounts",
    params(Listing),
    responses((status = 200, description = "A page of accounts.", body = Page<ServiceAccount>), Listed)
)]
#[get("/v1/service-accounts")]
async fn list_service_accounts(
    app: Data<App>,
    call: Call<(), Listing>,
) -> Result<HttpResponse, Problem> {
    let (now, directory) = (app.clock.now(), app.directory.clone());
    let Listing {
        ended,
        cursor,
        limit,
    } = call.query;
    let filters = ("service-accounts", ended);
    let after: Option<Uuid> = app.cursors.open_optional(cursor.as_ref(), &filters)?;
    let (actor, scope) = (call.actor.actor.clone(), call.actor.scope());
    if !scope.subtrees().iter().any(|grid| actor.administers(*grid)) {
        return Err(Problem::new(Code::NotPermitted)
            .detail("Service accounts are for administrators and the town's leader."));
    }
    let (accounts, next) = app
        .store
        .read(move |conn| {
            let towns: Vec<Arc<Town>> = scope
                .towns()
                .iter()
                .map(|id| directory.town(conn, *id))
                .collect::<Outcome<_>>()?;
            let mut rows = queries::of_towns(conn, scope.towns(), ended, after, limit.and_one())?;
            let more = rows.len() > limit.size();
            rows.truncate(limit.size());
            let next = rows.last().filter(|_| more).map(|row| row.id);
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            let mut keys = queries::keys_of(conn, &ids)?;
            let mut accounts = Vec::new();
            for account in rows {
                let town = towns.iter().find(|town| town.id == account.town_id);
                let path = town.and_then(|town| town.path(account.grid_id));
                if let (Some(town), Some(true)) = (town, path.map(|path| actor.administers(path))) {
                    let keys = keys.remove(&account.id).unwrap_or_default();
                    accounts.push(ServiceAccount::of(town, &Found { account, keys }, now));
                }
            }
            Ok((accounts, next))
        })
        .await?;
    let page = Page {
        items: accounts,
        next_cursor: next
            .map(|next| app.cursors.seal(&filters, &next))
            .transpose()?,
    };
    Ok(etag::answer(StatusCode::OK, None, etag::write(&page)?))
}

/// A new service account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "镇指挥中心大屏", "grid_id": "0192f7a0-0000-7000-8000-000000000001", "access": "read",
    "requests_per_minute": 120
}))]
pub struct NewServiceAccount {
    /// What it is for. What it files is filed under this name.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// The grid it is bound to: it sees that one and all below, and nothing else.
    grid_id: Uuid,
    /// What it may do there.
    access: Choice<Access>,
    /// When it ends by itself: within two years; a year from now unless said otherwise.
    expires_at: Option<DateTime<Utc>>,
    /// Requests a minute that it may send, within what the server allows anybody.
    #[schema(minimum = 1, maximum = 60_000)]
    requests_per_minute: Option<i32>,
}

impl Validate for NewServiceAccount {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("name", &self.name, MOST_NAME_CHARS);
        self.access.check("access", errors);
        errors.instant("expires_at", self.expires_at);
        errors.within("requests_per_minute", self.requests_per_minute, RATES);
    }
}

/// Refuses an end that is past, or too far away.
fn check_expiry(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Problem> {
    match at {
        Some(at) if at <= now || at > now + commands::LONGEST => {
            Err(Problem::invalid(vec![FieldError::new(
                "/expires_at",
                "out_of_range",
                "Give an instant ahead, within two years.",
            )]))
        }
        _ => Ok(()),
    }
}

fn new_key() -> Result<key::Made, Problem> {
    key::make().map_err(|error| {
        tracing::error!(%error, "a key cannot be made");
        Problem::new(Code::Internal)
    })
}

/// The first answer shows the key; what is kept for a repeated request does not.
fn issued(account: ServiceAccount, key: &key::Made) -> Result<Answer, Problem> {
    let mut issued = IssuedKey {
        account,
        key_id: key.id,
        key: None,
    };
    let kept = Answer::created(&issued)?;
    issued.key = Some(key.text.clone());
    kept.shown_once(&issued)
}

/// Makes a service account
///
/// For administrators and the town's leader, within their grids. The answer shows the first key, this
/// once: keep it like a password.
#[utoipa::path(
    operation_id = "createServiceAccount",
    tag = "service-accounts",
    request_body = NewServiceAccount,
    responses((status = 201, description = "The account and its first key.", body = IssuedKey), Created)
)]
#[post("/v1/service-accounts")]
async fn create_service_account(
    app: Data<App>,
    call: Call<(), (), NewServiceAccount>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &call);
    let asked = call.body.clone();
    check_expiry(asked.expires_at, caller.now)?;
    let new = NewAccount {
        id: Uuid::now_v7(),
        name: asked.name.trim().to_owned(),
        grid_id: asked.grid_id,
        // The body was validated: the access is known.
        access: asked.access.get().unwrap_or(Access::Read),
        expires_at: asked.expires_at.unwrap_or(caller.now + commands::USUAL),
        requests_per_minute: asked.requests_per_minute,
    };
    let (key, directory) = (new_key()?, app.directory.clone());
    keyed::keyed(&app, &call, move |conn| {
        let found = commands::create(conn, &directory, &caller, &new, &key)?;
        Ok(issued(shown(conn, &directory, &found, caller.now)?, &key)?)
    })
    .await
}

/// One service account
///
/// For administrators and the town's leader. Its keys are named, their texts are not kept.
#[utoipa::path(
    operation_id = "getServiceAccount",
    tag = "service-accounts",
    params(ById),
    responses(
        (status = 200, description = "The account.", body = ServiceAccount),
        (status = 304, description = "It has not changed."),
        Single
    )
)]
#[get("/v1/service-accounts/{id}")]
async fn get_service_account(app: Data<App>, call: Call<ById>) -> Result<HttpResponse, Problem> {
    let (now, directory) = (app.clock.now(), app.directory.clone());
    let (actor, id) = (call.actor.actor, call.path.id);
    let account = app
        .store
        .read(move |conn| {
            let found = commands::read(conn, &directory, &actor, id)?;
            shown(conn, &directory, &found, now)
        })
        .await?;
    etag::json(call.if_none_match.as_deref(), account.version, &account)
}

/// What is to be different. At least one field.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "镇指挥中心大屏（二楼）", "requests_per_minute": 240}))]
pub struct ServiceAccountChange {
    /// What it is for.
    #[schema(min_length = 1, max_length = 60)]
    name: Option<String>,
    /// What it may do.
    access: Option<Choice<Access>>,
    /// When it ends by itself: within two years from now.
    expires_at: Option<DateTime<Utc>>,
    /// Requests a minute; 0: as many as anybody.
    #[schema(minimum = 0, maximum = 60_000)]
    requests_per_minute: Option<i32>,
}

impl Validate for ServiceAccountChange {
    fn validate(&self, errors: &mut Errors) {
        if self.name.is_none()
            && self.access.is_none()
            && self.expires_at.is_none()
            && self.requests_per_minute.is_none()
        {
            errors.add("", "required", "Give at least one field to change.");
        }
        errors.filled("name", &self.name, MOST_NAME_CHARS);
        self.access.check("access", errors);
        errors.instant("expires_at", self.expires_at);
        errors.within(
            "requests_per_minute",
            self.requests_per_minute,
            0..=*RATES.end(),
        );
    }
}

/// Changes a service account
///
/// Its grid stays: for another one, make another account. `If-Match` is required.
#[utoipa::path(
    operation_id = "changeServiceAccount",
    tag = "service-accounts",
    params(ById),
    request_body = ServiceAccountChange,
    responses((status = 200, description = "The account.", body = ServiceAccount), Changed)
)]
#[patch("/v1/service-accounts/{id}")]
async fn change_service_account(
    app: Data<App>,
    call: Call<ById, (), ServiceAccountChange>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &call);
    check_expiry(call.body.expires_at, caller.now)?;
    let change = Change {
        name: call.body.name.map(|name| name.trim().to_owned()),
        access: call.body.access.get(),
        expires_at: call.body.expires_at,
        requests_per_minute: call
            .body
            .requests_per_minute
            .map(|rate| Some(rate).filter(|rate| *rate > 0)),
    };
    let (id, if_match, directory) = (call.path.id, call.if_match, app.directory.clone());
    let account = app
        .store
        .write(Lane::Interactive, move |conn| {
            let found =
                commands::change(conn, &directory, &caller, id, if_match.as_ref(), &change)?;
            shown(conn, &directory, &found, caller.now)
        })
        .await?;
    let version = Some(account.version);
    Ok(etag::answer(
        StatusCode::OK,
        version,
        etag::write(&account)?,
    ))
}

/// Ends a service account
///
/// At once, with all its keys and tickets. What it filed stays, under its name. Safe to repeat.
#[utoipa::path(
    operation_id = "endServiceAccount",
    tag = "service-accounts",
    params(ById),
    responses((status = 204, description = "It has ended."), Single)
)]
#[delete("/v1/service-accounts/{id}")]
async fn end_service_account(app: Data<App>, call: Call<ById>) -> Result<HttpResponse, Problem> {
    let (caller, directory) = (caller(&app, &call), app.directory.clone());
    let id = call.path.id;
    app.store
        .write(Lane::Interactive, move |conn| {
            commands::end(conn, &directory, &caller, id)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How keys change over.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"old_valid_until": "2026-11-22T00:00:00+08:00"}))]
pub struct KeyRotation {
    /// Until when the former key stays good: within 30 days; 24 hours from now unless said otherwise.
    /// An instant that is past ends it at once.
    old_valid_until: Option<DateTime<Utc>>,
}

impl Validate for KeyRotation {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("old_valid_until", self.old_valid_until);
    }
}

/// Makes a further key
///
/// The former one stays good for a while, so that those who use it can change over. At most two are
/// good at the same time: where there are, end one first. The answer shows the key, this once.
#[utoipa::path(
    operation_id = "rotateServiceKey",
    tag = "service-accounts",
    params(ById),
    request_body = KeyRotation,
    responses((status = 201, description = "The account and its new key.", body = IssuedKey), Rotated)
)]
#[post("/v1/service-accounts/{id}/keys")]
async fn rotate_service_key(
    app: Data<App>,
    call: Call<ById, (), KeyRotation>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &call);
    let now = caller.now;
    let until = call
        .body
        .old_valid_until
        .unwrap_or(now + commands::USUAL_OVERLAP);
    if until > now + commands::LONGEST_OVERLAP {
        return Err(Problem::invalid(vec![FieldError::new(
            "/old_valid_until",
            "out_of_range",
            "The former key stays good for at most 30 days.",
        )]));
    }
    let until = until.max(now);
    let (key, directory, id) = (new_key()?, app.directory.clone(), call.path.id);
    keyed::keyed(&app, &call, move |conn| {
        let found = commands::rotate(conn, &directory, &caller, id, until, &key)?;
        Ok(issued(shown(conn, &directory, &found, now)?, &key)?)
    })
    .await
}

/// Ends a key of a service account
///
/// At once, with its tickets; such as one that leaked: the digits behind `gp_` are its id. Safe to
/// repeat.
#[utoipa::path(
    operation_id = "endServiceKey",
    tag = "service-accounts",
    params(ByKey),
    responses((status = 204, description = "It has ended."), Single)
)]
#[delete("/v1/service-accounts/{id}/keys/{key_id}")]
async fn end_service_key(app: Data<App>, call: Call<ByKey>) -> Result<HttpResponse, Problem> {
    let (caller, directory) = (caller(&app, &call), app.directory.clone());
    let ByKey { id, key_id } = call.path;
    app.store
        .write(Lane::Interactive, move |conn| {
            commands::end_key(conn, &directory, &caller, id, key_id)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
