//! The routes for the counts of the inbox and for decisions in bulk.
//!
//! Owns the HTTP side and nothing else. The list of the inbox is in `list::routes`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::queries::{self as inbox, Desks};
use crate::inbox::decisions::{self, Decided, Deciding, Decisions};
use crate::services::Services;
use crate::view::present::{StaffedTown, Viewer};
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::refusals::Read;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::{etag, refusals};
use gridpatrol_people::auth::Call;
use gridpatrol_problem::Problem;

/// Adds the operations of this file.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(count_inbox).service(decide_inbox);
}

refusals! {
    Decide = [BODY, SIGNED, KEYED] + [];
}

/// How many reports wait for the caller.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(example = json!({
    "total": 43, "handle": 3, "decide": 40, "verify": 0, "grant": 0, "overdue": 2, "own": 41, "deputy": 2
}))]
pub struct InboxTally {
    /// In all.
    total: i64,
    /// To work on.
    handle: i64,
    /// To decide on.
    decide: i64,
    /// To verify.
    verify: i64,
    /// Requests for more time to answer.
    grant: i64,
    /// Whose deadline has passed: those marked red.
    overdue: i64,
    /// By the caller's own postings, or given to the caller in person: items without `on_behalf_of`.
    own: i64,
    /// Only as somebody's deputy: items with `on_behalf_of`.
    deputy: i64,
}

/// How many reports wait
///
/// For a badge: the counts of the inbox and nothing else. It costs what waits, never the history.
#[utoipa::path(
    operation_id = "countInbox",
    tag = "reports",
    responses((status = 200, body = InboxTally, description = "How many wait."), Read)
)]
#[get("/v1/inbox/counts")]
pub async fn count_inbox(services: Data<Services>, call: Call) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    let inner = services.clone();
    let tally = call
        .store
        .read(move |conn| {
            let mut own = viewer.actor.clone();
            own.postings
                .retain(|posting| posting.on_behalf_of.is_none());
            let (mut desks, mut owned) = (Vec::new(), Vec::new());
            for town in viewer.scope.towns() {
                let staffed = StaffedTown::read(conn, &inner.directory, *town, viewer.now)?;
                desks.push(Desks::of(&viewer.actor, &staffed.town, &staffed.staffing));
                owned.push(Desks::of(&own, &staffed.town, &staffed.staffing));
            }
            let counts = inbox::counts(conn, &desks)?;
            let total = counts.total();
            let stands_in = own.postings.len() < viewer.actor.postings.len();
            let own = if stands_in {
                inbox::counts(conn, &owned)?.total()
            } else {
                total
            };
            Ok(InboxTally {
                total,
                handle: counts.handle,
                decide: counts.decide,
                verify: counts.verify,
                grant: counts.grant,
                overdue: inbox::overdue(conn, &desks)?,
                own,
                deputy: total - own,
            })
        })
        .await?;
    Ok(etag::answer(StatusCode::OK, None, etag::write(&tally)?))
}

/// Decides on many reports at once
///
/// Each as its own operation would (`approveReport`, `returnReport`, `escalateReport`, `closeReport`,
/// `voidReport`): by itself, so that one refusal spoils no other. The answer is 200 with a result for
/// each, in the order of the request. With an `Idempotency-Key`, a request that was cut off half-way may
/// be repeated: what was decided is not decided again, what is missing is; once all of it is answered,
/// that answer comes again. Where the server cannot serve half-way, what is `left` has the status 503 and
/// is decided by the repeated request; 503 as a whole means that nothing was decided.
#[utoipa::path(
    operation_id = "decideInbox",
    tag = "actions",
    request_body = Decisions,
    responses((status = 200, body = Decided, description = "What became of each."), Decide)
)]
#[post("/v1/inbox/decide")]
pub async fn decide_inbox(
    services: Data<Services>,
    call: Call<(), (), Decisions>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    let ticket = call.ticket();
    if let Some(answered) = idempotency::begin(&call.store, &ticket, call.now).await? {
        return Ok(answered.respond());
    }
    let deciding = Deciding {
        store: call.store,
        services: services.as_ref().clone(),
        viewer,
        ticket,
    };
    let decided = decisions::decide(&deciding, call.body.decisions).await?;
    let answer = Answer::ok(&decided)?;
    if decided.left > 0 {
        return Ok(answer.unkept());
    }
    // The results are answered even if the whole answer cannot be stored: each decision was stored
    // by itself.
    match idempotency::finish(&deciding.store, &deciding.ticket, answer.clone()).await {
        Ok(answered) => Ok(answered.respond()),
        Err(_) => Ok(answer.unkept()),
    }
}
