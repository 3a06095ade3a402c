//! Deliveries of a webhook over HTTP: their log, sending again, testing.
//!
//! Owns the wire form. It must not hold rules: `commands` does.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use gridpatrol_domain::notice::delivery::DeliveryState;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{QueuedDeliveries, WebhookDelivery};
use super::commands::{self, Replay};
use super::deliveries;
use super::requests::ReplayRequest;
use super::routes::{ById, Single, caller};
use gridpatrol_http::choice::{Choice, OptionalChoice as _};
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_people::auth::Call;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;

/// The routes of deliveries.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_webhook_deliveries)
        .service(replay_webhook)
        .service(test_webhook);
}

refusals! {
    Replayed = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, LimitReached];
    Tested = [SIGNED, KEYED] + [NotFound, NotPermitted];
}

/// Which deliveries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Log {
    /// Only those that stand so.
    #[param(inline)]
    state: Option<Choice<DeliveryState>>,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
    /// How many at most.
    limit: Limit,
}

impl Validate for Log {
    fn validate(&self, errors: &mut Errors) {
        self.state.check("state", errors);
    }
}

/// What was sent to a webhook
///
/// The latest first, with what became of it. Kept 30 days, unless the server's settings say otherwise.
#[utoipa::path(
    operation_id = "listWebhookDeliveries",
    tag = "webhooks",
    params(ById, Log),
    responses((status = 200, description = "A page of deliveries.", body = Page<WebhookDelivery>), Single)
)]
#[get("/v1/webhooks/{id}/deliveries")]
async fn list_webhook_deliveries(
    directory: Data<Directory>,
    call: Call<ById, Log>,
) -> Result<HttpResponse, Problem> {
    let (directory, actor, id) = (directory.clone(), call.actor.actor.clone(), call.path.id);
    let (state, limit) = (call.query.state.get(), call.query.limit);
    let filters = ("webhook-deliveries", id, state);
    let before: Option<i64> = call
        .cursors
        .open_optional(call.query.cursor.as_ref(), &filters)?;
    let rows = call
        .store
        .read(move |conn| {
            commands::read(conn, &directory, &actor, id)?;
            Ok(deliveries::log(conn, id, state, before, limit.and_one())?)
        })
        .await?;
    let page = Page::of(
        rows,
        limit,
        &call.cursors,
        &filters,
        |delivery| delivery.number,
        WebhookDelivery::of,
    )?;
    Ok(etag::answer(StatusCode::OK, None, etag::write(&page)?))
}

/// Sends notices again
///
/// Single deliveries by their numbers, or everything that happened in a time and that the webhook wants:
/// at most 1,000 notices a request. Each is a new delivery under the same `webhook-id`, behind what waits
/// already.
#[utoipa::path(
    operation_id = "replayWebhook",
    tag = "webhooks",
    params(ById),
    request_body = ReplayRequest,
    responses((status = 202, description = "So many deliveries were queued.", body = QueuedDeliveries), Replayed)
)]
#[post("/v1/webhooks/{id}/replay")]
async fn replay_webhook(
    directory: Data<Directory>,
    call: Call<ById, (), ReplayRequest>,
) -> Result<HttpResponse, Problem> {
    let (caller, directory, id) = (caller(&call), directory.clone(), call.path.id);
    let body = call.body.clone();
    let asked = match (body.numbers, body.from) {
        (None, Some(from)) => Replay::Range(from, body.to.unwrap_or(caller.now)),
        (numbers, _) => Replay::Numbers(numbers.unwrap_or_default()),
    };
    idempotency::keyed(&call, move |conn| {
        let numbers = commands::replay(conn, &directory, &caller, id, &asked)?;
        let queued = QueuedDeliveries::of(numbers);
        Ok(Answer::new(StatusCode::ACCEPTED, &queued)?)
    })
    .await
}

/// Sends a ping
///
/// An envelope of the type `org.gridpatrol.ping`; its delivery tells whether it arrived. A paused webhook
/// gets it when it is resumed.
#[utoipa::path(
    operation_id = "testWebhook",
    tag = "webhooks",
    params(ById),
    responses((status = 202, description = "The ping was queued.", body = QueuedDeliveries), Tested)
)]
#[post("/v1/webhooks/{id}/test")]
async fn test_webhook(
    directory: Data<Directory>,
    call: Call<ById>,
) -> Result<HttpResponse, Problem> {
    let (caller, directory, id) = (caller(&call), directory.clone(), call.path.id);
    idempotency::keyed(&call, move |conn| {
        let number = commands::ping(conn, &directory, &caller, id)?;
        let queued = QueuedDeliveries::of(Some((number, number)));
        Ok(Answer::new(StatusCode::ACCEPTED, &queued)?)
    })
    .await
}
