//! Service accounts over HTTP.
//!
//! Owns paths and wire types only. It must show a key's text only in the first answer: what we
//! store for a repeated request does not contain it.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, patch, post};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::service::Access;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::commands::{self, Caller, Change, Found, NewAccount};
use super::queries;
use super::wire::{
    IssuedKey, KeyRotation, NewServiceAccount, ServiceAccount, ServiceAccountChange,
};
use crate::auth::Call;
use crate::auth::security_log::Origin;
use crate::auth::service_keys::key;
use crate::towns::directory::{Directory, Town};
use gridpatrol_http::choice::OptionalChoice as _;
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::{Conn, Lane, Outcome};

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

fn caller<P, Q, B>(call: &Call<P, Q, B>) -> Caller {
    Caller {
        actor: call.actor.actor.clone(),
        origin: Origin {
            address: call.address.clone(),
            request_id: call.request_id.clone(),
        },
        now: call.now,
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
    directory: Data<Directory>,
    call: Call<(), Listing>,
) -> Result<HttpResponse, Problem> {
    let (now, directory) = (call.now, directory.clone());
    let Listing {
        ended,
        cursor,
        limit,
    } = call.query;
    let filters = ("service-accounts", ended);
    let after: Option<Uuid> = call.cursors.open_optional(cursor.as_ref(), &filters)?;
    let (actor, scope) = (call.actor.actor.clone(), call.actor.scope());
    if !scope.subtrees().iter().any(|grid| actor.administers(*grid)) {
        return Err(Problem::new(Code::NotPermitted)
            .detail("Only administrators and the town's leader can manage service accounts."));
    }
    let (accounts, next) = call
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
            .map(|next| call.cursors.seal(&filters, &next))
            .transpose()?,
    };
    Ok(etag::answer(StatusCode::OK, None, etag::write(&page)?))
}

/// Refuses an end that is in the past or too far away.
fn check_expiry(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Problem> {
    match at {
        Some(at) if at <= now || at > now + commands::LONGEST => {
            Err(Problem::invalid(vec![FieldError::new(
                "/expires_at",
                "out_of_range",
                "Give a future time within two years.",
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

/// The first answer shows the key. What we store for a repeated request does not.
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
    directory: Data<Directory>,
    call: Call<(), (), NewServiceAccount>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&call);
    let asked = call.body.clone();
    check_expiry(asked.expires_at, caller.now)?;
    let new = NewAccount {
        id: Uuid::now_v7(),
        name: asked.name.trim().to_owned(),
        grid_id: asked.grid_id,
        // The body is already validated, so the access is known.
        access: asked.access.get().unwrap_or(Access::Read),
        expires_at: asked.expires_at.unwrap_or(caller.now + commands::USUAL),
        requests_per_minute: asked.requests_per_minute,
    };
    let (key, directory) = (new_key()?, directory.clone());
    idempotency::keyed(&call, move |conn| {
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
async fn get_service_account(
    directory: Data<Directory>,
    call: Call<ById>,
) -> Result<HttpResponse, Problem> {
    let (now, directory) = (call.now, directory.clone());
    let (actor, id) = (call.actor.actor, call.path.id);
    let account = call
        .store
        .read(move |conn| {
            let found = commands::read(conn, &directory, &actor, id)?;
            shown(conn, &directory, &found, now)
        })
        .await?;
    etag::json(call.if_none_match.as_deref(), account.version, &account)
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
    directory: Data<Directory>,
    call: Call<ById, (), ServiceAccountChange>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&call);
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
    let (id, if_match, directory) = (call.path.id, call.if_match, directory.clone());
    let account = call
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
async fn end_service_account(
    directory: Data<Directory>,
    call: Call<ById>,
) -> Result<HttpResponse, Problem> {
    let (caller, directory) = (caller(&call), directory.clone());
    let id = call.path.id;
    call.store
        .write(Lane::Interactive, move |conn| {
            commands::end(conn, &directory, &caller, id)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
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
    directory: Data<Directory>,
    call: Call<ById, (), KeyRotation>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&call);
    let now = caller.now;
    let until = call
        .body
        .old_valid_until
        .unwrap_or(now + commands::USUAL_OVERLAP);
    if until > now + commands::LONGEST_OVERLAP {
        return Err(Problem::invalid(vec![FieldError::new(
            "/old_valid_until",
            "out_of_range",
            "The old key can stay valid for at most 30 days.",
        )]));
    }
    let until = until.max(now);
    let (key, directory, id) = (new_key()?, directory.clone(), call.path.id);
    idempotency::keyed(&call, move |conn| {
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
async fn end_service_key(
    directory: Data<Directory>,
    call: Call<ByKey>,
) -> Result<HttpResponse, Problem> {
    let (caller, directory) = (caller(&call), directory.clone());
    let ByKey { id, key_id } = call.path;
    call.store
        .write(Lane::Interactive, move |conn| {
            commands::end_key(conn, &directory, &caller, id, key_id)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
