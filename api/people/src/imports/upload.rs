//! Receives a file: checks its headers and streams it into the database piece by piece.
//!
//! Owns the limits of a file and the answer 202. Each piece is one short write in the background
//! lane, so that new reports need not wait. It must not start an import before the whole file has
//! arrived.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;
use gridpatrol_domain::error::Code;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::file::PIECE;
use super::queries::{self, NewImport};
use super::routes::Import;
use super::{ImportKind, sheet};
use crate::auth::Call;
use crate::imports::ImportQueue;
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::Lane;

/// Largest file in bytes.
pub const MOST_BYTES: usize = 64 * 1024 * 1024;
/// How long a file may take to arrive.
const PATIENCE: Duration = Duration::from_secs(300);

/// How a file is to be imported.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Only say what would be done, and what is wrong.
    pub dry_run: bool,
    /// What the file is called, for the list of imports.
    #[param(max_length = 200, example = "divisions.csv")]
    pub file_name: Option<String>,
}

impl Validate for ImportQuery {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("file_name", &self.file_name, 200);
    }
}

/// A CSV or XLSX file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code)] // Never made; it stands for bytes in the document.
pub struct SheetFile(Vec<u8>);

/// A body whose headers announce a file of the right kind and size. We check this before sign-in.
#[derive(Debug)]
pub struct Announced;

impl FromRequest for Announced {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(announced(request))
    }
}

fn announced(request: &HttpRequest) -> Result<Announced, Problem> {
    const TYPES: [&str; 6] = [
        "text/csv",
        "text/plain",
        "application/csv",
        "application/octet-stream",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ];
    let text = |name| {
        let value = request.headers().get(name)?;
        value.to_str().ok()
    };
    let length = text(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > MOST_BYTES as u64) {
        return Err(too_large());
    }
    let media = text(CONTENT_TYPE).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    let plain = text(CONTENT_ENCODING).is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
    if plain && TYPES.contains(&media.to_ascii_lowercase().as_str()) {
        Ok(Announced)
    } else {
        Err(Problem::new(Code::UnsupportedMediaType).detail(
            "Send the file itself as text/csv, as the type of XLSX or as application/octet-stream, without Content-Encoding.",
        ))
    }
}

fn too_large() -> Problem {
    Problem::new(Code::BodyTooLarge).detail(format!("A file has at most {MOST_BYTES} bytes."))
}

/// Receives the file of a request and answers 202 with the import.
///
/// # Errors
/// `body_too_large`, `request_timeout`, `malformed_request` if the body ends too early,
/// `unsupported_media_type` if it is not a file of this kind, `validation_failed` if it is empty,
/// 503.
pub async fn receive(
    imports: &ImportQueue,
    call: &Call<(), ImportQuery>,
    mut body: web::Payload,
    kind: ImportKind,
) -> Result<HttpResponse, Problem> {
    let (id, now) = (Uuid::now_v7(), call.now);
    let new = NewImport {
        id,
        kind,
        dry_run: call.query.dry_run,
        actor_id: Some(call.actor.officer.id),
        file_name: call.query.file_name.clone(),
    };
    call.store
        .write(Lane::Background, move |conn| {
            Ok(queries::begin(conn, &new, now)?)
        })
        .await?;
    let deadline = Instant::now() + PATIENCE;
    let (mut piece, mut size, mut position) = (Vec::with_capacity(PIECE), 0_usize, 0_i32);
    let mut digest = Sha256::new();
    loop {
        let chunk = timeout_at(deadline, body.next()).await.map_err(|_| {
            Problem::new(Code::RequestTimeout).detail(format!(
                "A file must arrive within {} seconds.",
                PATIENCE.as_secs()
            ))
        })?;
        let ended = chunk.is_none();
        if let Some(chunk) = chunk {
            let chunk = chunk.map_err(|error| {
                Problem::new(Code::MalformedRequest).detail(format!("The body broke off: {error}."))
            })?;
            size += chunk.len();
            if size > MOST_BYTES {
                return Err(too_large());
            }
            digest.update(&chunk);
            piece.extend_from_slice(&chunk);
        }
        while piece.len() >= PIECE || (ended && !piece.is_empty()) {
            let rest = piece.split_off(piece.len().min(PIECE));
            let content = std::mem::replace(&mut piece, rest);
            if position == 0 {
                sheet::sniff(&content)
                    .map_err(|detail| Problem::new(Code::UnsupportedMediaType).detail(detail))?;
            }
            call.store
                .write(Lane::Background, move |conn| {
                    Ok(queries::add_piece(conn, id, position, &content)?)
                })
                .await?;
            position += 1;
        }
        if ended {
            break;
        }
    }
    if size == 0 {
        let empty = FieldError::new("", "required", "Send the file as the body.");
        return Err(Problem::invalid(vec![empty]));
    }
    let hash = hex::encode(digest.finalize());
    let ticket = call.ticket_for(&json!({ "content": hash }));
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let answered = idempotency::answered(&call.store, call.clock.now(), ticket, move |conn| {
        let import = queries::arrived(conn, id, size)?;
        Ok(Answer::new(StatusCode::ACCEPTED, &Import::of(import))?)
    })
    .await?;
    imports.arrivals.notify_one();
    Ok(answered.located("/v1/imports/"))
}
