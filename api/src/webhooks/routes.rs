//! Webhooks over HTTP: making, reading, changing, rotating, ending.
//!
//! Owns the wire form. It must not store a secret's text: only the first answer shows it, and the answer
//! stored for a repeated request leaves it out.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, patch, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::answer::{IssuedSecret, Webhook};
use super::commands::{self, Change, Found, NewEndpoint};
use super::delivery_worker::DeliveryWorker;
use super::requests::{NewWebhook, SecretRotation, WebhookChange, kinds};
use super::secret::{self, Made};
use super::{address, delivery_routes, queries};
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_people::auth::Call;
use gridpatrol_people::auth::security_log::Origin;
use gridpatrol_people::service_accounts::commands::Caller;
use gridpatrol_people::towns::directory::{Directory, Town};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::schema::towns;
use gridpatrol_store::types::Id;
use gridpatrol_store::{Conn, Lane, Outcome};

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_webhooks)
        .service(create_webhook)
        .service(get_webhook)
        .service(change_webhook)
        .service(end_webhook)
        .service(rotate_webhook_secret);
    delivery_routes::routes(config);
}

refusals! {
    Listed = [SIGNED] + [NotPermitted];
    /// One webhook.
    pub Single = [SIGNED] + [NotFound, NotPermitted];
    Created = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, LimitReached];
    Changed = [BODY, SIGNED] + [NotFound, NotPermitted, VersionMismatch, PreconditionRequired];
    Rotated = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, LimitReached];
}

/// The webhook of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ById {
    /// The webhook's id.
    pub id: Uuid,
}

/// Which webhooks.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
    /// How many at most.
    limit: Limit,
}

impl Validate for Listing {
    fn validate(&self, _: &mut Errors) {}
}

/// Who calls, from where, when.
pub fn caller<P, Q, B>(call: &Call<P, Q, B>) -> Caller {
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
) -> Outcome<Webhook> {
    let town = directory.town(conn, found.endpoint.town_id)?;
    let last = towns::table
        .find(Id(town.id))
        .select(towns::notice_seq)
        .first::<i64>(conn)?;
    Ok(Webhook::of(&town, found, last, now))
}

/// Webhooks of the caller's towns
///
/// For administrators and town leaders: newest first. A page may be short while a cursor follows.
#[utoipa::path(
    operation_id = "listWebhooks",
    tag = "webhooks",
    params(Listing),
    responses((status = 200, description = "A page of webhooks.", body = Page<Webhook>), Listed)
)]
#[get("/v1/webhooks")]
async fn list_webhooks(
    directory: Data<Directory>,
    call: Call<(), Listing>,
) -> Result<HttpResponse, Problem> {
    let (now, directory) = (call.now, directory.clone());
    let Listing { cursor, limit } = call.query;
    let filters = "webhooks";
    let after: Option<Uuid> = call.cursors.open_optional(cursor.as_ref(), &filters)?;
    let (actor, scope) = (call.actor.actor.clone(), call.actor.scope());
    if !scope.subtrees().iter().any(|grid| actor.administers(*grid)) {
        return Err(commands::not_permitted());
    }
    let (webhooks, next) = call
        .store
        .read(move |conn| {
            let seen: Vec<Arc<Town>> = scope
                .towns()
                .iter()
                .map(|id| directory.town(conn, *id))
                .collect::<Outcome<_>>()?;
            let mut rows = queries::of_towns(conn, scope.towns(), after, limit.and_one())?;
            let more = rows.len() > limit.size();
            rows.truncate(limit.size());
            let next = rows.last().filter(|_| more).map(|row| row.id);
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            let mut secrets = queries::secrets_of(conn, &ids)?;
            let mut webhooks = Vec::new();
            for endpoint in rows {
                let town = seen.iter().find(|town| town.id == endpoint.town_id);
                let administered = town
                    .and_then(|town| town.path(endpoint.grid_id))
                    .is_some_and(|path| actor.administers(path));
                if administered {
                    let secrets = secrets.remove(&endpoint.id).unwrap_or_default();
                    let found = Found { endpoint, secrets };
                    webhooks.push(shown(conn, &directory, &found, now)?);
                }
            }
            Ok((webhooks, next))
        })
        .await?;
    let page = Page {
        items: webhooks,
        next_cursor: next
            .map(|next| call.cursors.seal(&filters, &next))
            .transpose()?,
    };
    Ok(etag::answer(StatusCode::OK, None, etag::write(&page)?))
}

fn new_secret() -> Result<Made, Problem> {
    secret::make().map_err(|error| {
        tracing::error!(%error, "a secret cannot be made");
        Problem::new(Code::Internal)
    })
}

/// The first answer shows the secret; the answer stored for a repeated request does not.
fn issued(webhook: Webhook, secret: &Made) -> Result<Answer, Problem> {
    let mut issued = IssuedSecret {
        webhook,
        secret_id: secret.id,
        secret: None,
    };
    let kept = Answer::created(&issued)?;
    issued.secret = Some(secret.text());
    kept.shown_once(&issued)
}

/// Refuses a URL that nothing is sent to.
fn check_url(delivery_worker: &DeliveryWorker, url: Option<&String>) -> Result<(), Problem> {
    let Some(url) = url else { return Ok(()) };
    match address::read(url, &delivery_worker.settings) {
        Ok(_) => Ok(()),
        Err(detail) => Err(Problem::invalid(vec![FieldError::new(
            "/url",
            "not_allowed",
            detail,
        )])),
    }
}

/// Makes a webhook
///
/// For administrators and the town's leader, within their grids. It gets what happens from now on, as
/// CloudEvents 1.0 (see the section on webhooks), signed as Standard Webhooks says. The answer shows the
/// secret, this once: keep it like a password.
#[utoipa::path(
    operation_id = "createWebhook",
    tag = "webhooks",
    request_body = NewWebhook,
    responses((status = 201, description = "The webhook and its first secret.", body = IssuedSecret), Created)
)]
#[post("/v1/webhooks")]
async fn create_webhook(
    delivery_worker: Data<DeliveryWorker>,
    directory: Data<Directory>,
    call: Call<(), (), NewWebhook>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&call);
    let asked = call.body.clone();
    check_url(&delivery_worker, Some(&asked.url))?;
    let new = NewEndpoint {
        id: Uuid::now_v7(),
        name: asked.name.trim().to_owned(),
        grid_id: asked.grid_id,
        url: asked.url,
        provider: asked.provider,
        kinds: asked.kinds.as_deref().and_then(kinds),
    };
    let (secret, directory) = (new_secret()?, directory.clone());
    idempotency::keyed(&call, move |conn| {
        let found = commands::create(conn, &directory, &caller, &new, &secret)?;
        Ok(issued(
            shown(conn, &directory, &found, caller.now)?,
            &secret,
        )?)
    })
    .await
}

/// One webhook
///
/// For administrators and the town's leader. Its secrets are named, and not shown.
#[utoipa::path(
    operation_id = "getWebhook",
    tag = "webhooks",
    params(ById),
    responses(
        (status = 200, description = "The webhook.", body = Webhook),
        (status = 304, description = "It has not changed."),
        Single
    )
)]
#[get("/v1/webhooks/{id}")]
async fn get_webhook(
    directory: Data<Directory>,
    call: Call<ById>,
) -> Result<HttpResponse, Problem> {
    let (now, directory) = (call.now, directory.clone());
    let (actor, id) = (call.actor.actor, call.path.id);
    let webhook = call
        .store
        .read(move |conn| {
            let found = commands::read(conn, &directory, &actor, id)?;
            shown(conn, &directory, &found, now)
        })
        .await?;
    etag::json(call.if_none_match.as_deref(), webhook.version(), &webhook)
}

/// Changes a webhook
///
/// Its grid and its provider stay: for others, make another webhook. `paused: false` resumes one that
/// was paused, by whomever; what has waited is sent then, unless `skip_waiting`. `If-Match` is required.
#[utoipa::path(
    operation_id = "changeWebhook",
    tag = "webhooks",
    params(ById),
    request_body = WebhookChange,
    responses((status = 200, description = "The webhook.", body = Webhook), Changed)
)]
#[patch("/v1/webhooks/{id}")]
async fn change_webhook(
    delivery_worker: Data<DeliveryWorker>,
    directory: Data<Directory>,
    call: Call<ById, (), WebhookChange>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&call);
    check_url(&delivery_worker, call.body.url.as_ref())?;
    let asked = call.body;
    let change = Change {
        name: asked.name.map(|name| name.trim().to_owned()),
        url: asked.url,
        kinds: asked.kinds.map(|asked| kinds(&asked)),
        paused: asked.paused,
        skip_waiting: asked.skip_waiting == Some(true),
    };
    let (id, if_match, directory) = (call.path.id, call.if_match, directory.clone());
    let webhook = call
        .store
        .write(Lane::Interactive, move |conn| {
            let found =
                commands::change(conn, &directory, &caller, id, if_match.as_ref(), &change)?;
            shown(conn, &directory, &found, caller.now)
        })
        .await?;
    Ok(etag::answer(
        StatusCode::OK,
        Some(webhook.version()),
        etag::write(&webhook)?,
    ))
}

/// Ends a webhook
///
/// At once, with its secrets; what waits is not sent. Safe to repeat.
#[utoipa::path(
    operation_id = "endWebhook",
    tag = "webhooks",
    params(ById),
    responses((status = 204, description = "It has ended."), Single)
)]
#[delete("/v1/webhooks/{id}")]
async fn end_webhook(
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

/// Makes a further secret
///
/// The former one signs as well for a while: each request then carries two signatures, and the receiver
/// may change over when it likes. The answer shows the secret, this once.
#[utoipa::path(
    operation_id = "rotateWebhookSecret",
    tag = "webhooks",
    params(ById),
    request_body = SecretRotation,
    responses((status = 201, description = "The webhook and its new secret.", body = IssuedSecret), Rotated)
)]
#[post("/v1/webhooks/{id}/secrets")]
async fn rotate_webhook_secret(
    directory: Data<Directory>,
    call: Call<ById, (), SecretRotation>,
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
            "The former secret signs for at most 30 days.",
        )]));
    }
    let until = until.max(now);
    let (secret, directory, id) = (new_secret()?, directory.clone(), call.path.id);
    idempotency::keyed(&call, move |conn| {
        let found = commands::rotate(conn, &directory, &caller, id, until, &secret)?;
        Ok(issued(shown(conn, &directory, &found, now)?, &secret)?)
    })
    .await
}
