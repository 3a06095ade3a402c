//! For operators and tools: is it alive, and is it ready.
//!
//! Owns the probes. It must not show anything of a town.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::Datelike as _;
use gridpatrol_domain::calendar;
use gridpatrol_domain::error::Code;
use serde::Serialize;

use crate::openapi::Served;
use crate::ready::Ready;
use gridpatrol_http::{Open, etag, refusals};
use gridpatrol_people::towns::holidays::holidays;
use gridpatrol_problem::Problem;
use gridpatrol_reports::photos::Gallery;

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
    gallery: Data<Gallery>,
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

/// This document
///
/// The same for the same program: `gridpatrol openapi` prints it.
#[utoipa::path(
    operation_id = "getOpenapi",
    tag = "operation",
    responses(
        (status = 200, description = "OpenAPI 3.1 in YAML.", content_type = "application/yaml", body = String),
        (status = 304, description = "It has not changed."),
        refusals::Open
    )
)]
#[get("/openapi.yaml")]
async fn openapi(request: HttpRequest, document: Data<Served>, _: Open) -> HttpResponse {
    let written = document.written();
    let headers = [
        (ETAG, written.tag.as_str()),
        (CACHE_CONTROL, "public, no-cache"),
    ];
    let known = request
        .headers()
        .get(actix_web::http::header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|known| etag::names(known, &written.tag)) {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    for header in headers {
        response.insert_header(header);
    }
    response
        .insert_header((CONTENT_TYPE, "application/yaml"))
        .body(written.yaml.clone())
}

/// The documentation to read and try
///
/// Everything it needs comes from this server.
#[utoipa::path(
    operation_id = "getDocs",
    tag = "operation",
    responses(
        (status = 200, description = "The page.", content_type = "text/html", body = String),
        refusals::Open
    )
)]
#[get("/docs")]
async fn docs(_: Open) -> Result<HttpResponse, Problem> {
    // The page stands beside its folder, so that the document's address is the same for both.
    let page = file("index.html")?.ok_or_else(|| Problem::new(Code::Internal))?;
    let page = String::from_utf8_lossy(&page.bytes)
        .replace("\"./", "\"docs/")
        .replace("\"index.css", "\"docs/index.css")
        .replace("<title>Swagger UI", "<title>gridpatrol");
    Ok(shown("text/html; charset=utf-8").body(page))
}

/// A file of the documentation
///
/// What the page of `/docs` is made of.
#[utoipa::path(
    operation_id = "getDocsFile",
    tag = "operation",
    params(("file" = String, Path, description = "The file.", example = "swagger-ui.css")),
    responses(
        (status = 200, description = "A script, style or picture.", content_type = "text/css", body = String),
        (status = 303, description = "The folder itself: the page is `/docs`."),
        Missing
    )
)]
#[get("/docs/{file:.*}")]
async fn docs_file(call: Open<String>) -> Result<HttpResponse, Problem> {
    if call.path.is_empty() {
        return Ok(HttpResponse::SeeOther()
            .insert_header((LOCATION, "../docs"))
            .finish());
    }
    let file = file(&call.path)?.ok_or_else(|| Problem::new(Code::NotFound))?;
    let mut response = shown(&file.content_type);
    if file.gzpipped {
        response.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(response.body(file.bytes.into_owned()))
}

/// A file of the documentation, if there is one of this name.
fn file(name: &str) -> Result<Option<SwaggerFile<'static>>, Problem> {
    static SETTINGS: OnceLock<Arc<DocsSettings<'static>>> = OnceLock::new();
    let settings = SETTINGS.get_or_init(|| {
        Arc::new(
            DocsSettings::from("openapi.yaml")
                .deep_linking(true)
                .display_operation_id(true)
                .persist_authorization(false)
                .validator_url("none"),
        )
    });
    utoipa_swagger_ui::serve(name, Arc::clone(settings)).map_err(|error| {
        tracing::error!(%error, "the documentation cannot be served");
        Problem::new(Code::Internal)
    })
}

/// A part of the documentation: nothing may come from elsewhere, nor go there.
fn shown(content_type: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ));
    response
}
