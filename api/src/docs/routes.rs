//! The document, its reader, and the guides over HTTP.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use gridpatrol_domain::error::Code;
use serde::Deserialize;

use super::embedded::File;
use super::served::{Form, Served, file_answer, speaks};
use gridpatrol_http::Open;
use gridpatrol_http::refusals;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_problem::Problem;
use gridpatrol_problem::language::Language;

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(start)
        .service(openapi_yaml)
        .service(openapi_json)
        .service(reader)
        .service(guides)
        .service(guide)
        .service(asset);
}

refusals! {
    Missing = [] + [NotFound];
}

/// A language, where the reader chooses one.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
enum Chosen {
    /// Chinese.
    #[serde(rename = "zh", alias = "zh-CN")]
    Chinese,
    /// English.
    #[serde(rename = "en")]
    English,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InLanguage {
    /// The language of the texts. Otherwise `Accept-Language` decides.
    #[param(inline, required = false)]
    lang: Option<Chosen>,
}

impl Validate for InLanguage {
    fn validate(&self, _: &mut Errors) {}
}

impl InLanguage {
    fn or(&self, otherwise: Language) -> Language {
        match self.lang {
            Some(Chosen::Chinese) => Language::Chinese,
            Some(Chosen::English) => Language::English,
            None => otherwise,
        }
    }

    /// For tools: most send no language, or any, and want the document that is checked in.
    fn of_document(&self, request: &HttpRequest) -> Language {
        self.or(Language::named_by(request.headers()).unwrap_or(Language::English))
    }
}

/// Go to the documentation
///
/// Leads to `/docs`.
#[utoipa::path(
    operation_id = "getStart",
    tag = "operation",
    responses((status = 303, description = "The documentation is at `Location`."), refusals::Open)
)]
#[get("/")]
async fn start(_: Open) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, "docs"))
        .finish()
}

/// This document as YAML
///
/// The same for the same program: `gridpatrol openapi` prints it. Its texts are English for clients that
/// send no `Accept-Language` or any (`*`), and otherwise in the language they prefer.
#[utoipa::path(
    operation_id = "getOpenapi",
    tag = "operation",
    params(InLanguage),
    responses(
        (status = 200, description = "OpenAPI 3.1 in YAML.", content_type = "application/yaml", body = String),
        (status = 304, description = "It has not changed."),
        refusals::Open
    )
)]
#[get("/openapi.yaml")]
async fn openapi_yaml(
    request: HttpRequest,
    served: Data<Served>,
    call: Open<(), InLanguage>,
) -> Result<HttpResponse, Problem> {
    served.answer(&request, Form::Yaml, call.query.of_document(&request))
}

/// This document as JSON
///
/// The same as `/openapi.yaml`, for tools that read no YAML.
#[utoipa::path(
    operation_id = "getOpenapiJson",
    tag = "operation",
    params(InLanguage),
    responses(
        (status = 200, description = "OpenAPI 3.1 in JSON.", content_type = "application/json", body = Object),
        (status = 304, description = "It has not changed."),
        refusals::Open
    )
)]
#[get("/openapi.json")]
async fn openapi_json(
    request: HttpRequest,
    served: Data<Served>,
    call: Open<(), InLanguage>,
) -> Result<HttpResponse, Problem> {
    served.answer(&request, Form::Json, call.query.of_document(&request))
}

/// The documentation to read and try
///
/// Everything it needs comes from this server. Chinese unless the browser prefers English.
#[utoipa::path(
    operation_id = "getDocs",
    tag = "operation",
    params(InLanguage),
    responses(
        (status = 200, description = "The page.", content_type = "text/html", body = String),
        (status = 304, description = "It has not changed."),
        refusals::Open
    )
)]
#[get("/docs")]
async fn reader(request: HttpRequest, call: Open<(), InLanguage>) -> Result<HttpResponse, Problem> {
    page(&request, "reference", call.query.or(call.language))
}

/// The guides
///
/// What each is about, with links.
#[utoipa::path(
    operation_id = "listGuides",
    tag = "operation",
    params(InLanguage),
    responses(
        (status = 200, description = "The page.", content_type = "text/html", body = String),
        (status = 304, description = "It has not changed."),
        refusals::Open
    )
)]
#[get("/docs/guide")]
async fn guides(request: HttpRequest, call: Open<(), InLanguage>) -> Result<HttpResponse, Problem> {
    page(&request, "guide", call.query.or(call.language))
}

/// One guide
///
/// In the other language where it is not written in yours.
#[utoipa::path(
    operation_id = "getGuide",
    tag = "operation",
    params(
        ("topic" = String, Path, description = "What it is about.", example = "operate"),
        InLanguage
    ),
    responses(
        (status = 200, description = "The page.", content_type = "text/html", body = String),
        (status = 304, description = "It has not changed."),
        Missing
    )
)]
#[get("/docs/guide/{topic}")]
async fn guide(
    request: HttpRequest,
    call: Open<String, InLanguage>,
) -> Result<HttpResponse, Problem> {
    let name = format!("guide/{}", call.path);
    page(&request, &name, call.query.or(call.language))
}

/// A file of the documentation
///
/// What the page of `/docs` is made of.
#[utoipa::path(
    operation_id = "getDocsFile",
    tag = "operation",
    params(("file" = String, Path, description = "The file.", example = "docs.css")),
    responses(
        (status = 200, description = "A script, style or picture.", content_type = "text/css", body = String),
        (status = 303, description = "The folder itself: the page is `/docs`."),
        (status = 304, description = "It has not changed."),
        Missing
    )
)]
#[get("/docs/{file:.*}")]
async fn asset(request: HttpRequest, call: Open<String>) -> Result<HttpResponse, Problem> {
    if call.path.is_empty() {
        return Ok(HttpResponse::SeeOther()
            .insert_header((LOCATION, "../docs"))
            .finish());
    }
    let file = File::named(&format!("reader/{}", call.path))
        .ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(guarded(file_answer(&request, file)?))
}

fn page(request: &HttpRequest, name: &str, language: Language) -> Result<HttpResponse, Problem> {
    let file = File::named(&format!("{name}.{}", language.tag()))
        .ok_or_else(|| Problem::new(Code::NotFound))?;
    let mut response = file_answer(request, file)?;
    speaks(&mut response, language);
    Ok(guarded(response))
}

/// A part of the documentation: nothing may come from elsewhere, nor go there, and no text becomes a
/// script.
fn guarded(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
        ),
    );
    response
}
