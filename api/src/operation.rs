//! Probes for operators and tools: is the server alive, and is it ready.
//!
//! Owns the probes. It must not show data of a town.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::Datelike as _;
use gridpatrol_domain::calendar;
use gridpatrol_domain::error::Code;
use serde::Serialize;

use crate::ready::Ready;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::{Open, refusals};
use gridpatrol_people::towns::holidays::holidays;
use gridpatrol_problem::Problem;
use gridpatrol_reports::photos::PhotoService;

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(health).service(readiness);
}

/// How the server is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"status": "ready", "version": "0.1.0"}))]
pub struct Health {
    /// `alive` or `ready`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
    /// What should be looked after, though it serves; absent: nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<String>,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn healthy(status: &'static str, warnings: Vec<String>) -> HttpResponse {
    HttpResponse::Ok().json(Health {
        status,
        version: VERSION,
        warnings,
    })
}

/// Is the process alive
///
/// Looks at nothing but itself: restart it if this does not answer.
#[utoipa::path(
    operation_id = "getHealth",
    tag = "operation",
    responses((status = 200, description = "It is alive.", body = Health), refusals::Open)
)]
#[get("/healthz")]
async fn health(_: Open) -> HttpResponse {
    healthy("alive", Vec::new())
}

/// Can it serve
///
/// The database answers and is of this version, photos can be stored, and the background work is
/// alive. Otherwise 503, whose detail names what is wrong: send requests elsewhere. `warnings` name what
/// can wait, such as a year without its table of holidays.
#[utoipa::path(
    operation_id = "getReadiness",
    tag = "operation",
    responses((status = 200, description = "It can serve.", body = Health), refusals::Open)
)]
#[get("/readyz")]
async fn readiness(
    gallery: Data<PhotoService>,
    ready: Data<Ready>,
    call: Open,
) -> Result<HttpResponse, Problem> {
    let mut wrong = Vec::new();
    if call.store.ping().await.is_err() {
        wrong.push("the database does not answer".to_owned());
    }
    if let Err(error) = gallery.objects.ping().await {
        tracing::warn!(%error, "the photo store does not answer");
        wrong.push("the photo store does not answer".to_owned());
    }
    for worker in ready.silent() {
        wrong.push(format!("the worker {worker} shows no sign of life"));
    }
    if wrong.is_empty() {
        Ok(healthy("ready", warnings(&call).await))
    } else {
        let wrong = wrong.join("; ");
        tracing::warn!(wrong, "not ready");
        Err(Problem::new(Code::Unavailable)
            .detail(format!("Not ready: {wrong}."))
            .retry_after(5))
    }
}

/// What can wait: a year whose holidays nobody has given. The next year's are announced in November.
async fn warnings(call: &Open) -> Vec<String> {
    let today = calendar::date(call.now);
    let mut needed = vec![today.year()];
    if today.month() == 12 {
        needed.push(today.year() + 1);
    }
    let known = call.store.read(|conn| Ok(holidays(conn)?)).await;
    let Ok(known) = known else {
        return Vec::new();
    };
    needed
        .into_iter()
        .filter(|year| !known.knows(*year))
        .map(|year| {
            format!(
                "the calendar has no table for {year}, so only weekends are off: import holidays FILE, or PUT /v1/calendar"
            )
        })
        .collect()
}
