//! Imports over HTTP: their progress and their bad lines.
//!
//! Owns paths and wire types. It must not start imports: grids and officers have their own
//! endpoints for that. The sender of an import and administrators can see it.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::{Actor, Role};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::queries::{self, ErrorRow, ImportRow};
use super::{ImportKind, ImportState};
use crate::auth::Call;
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Conn, Outcome};

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_imports)
        .service(get_import)
        .service(list_import_errors);
}

/// The import of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ById {
    /// The import's id.
    pub id: Uuid,
}

/// What the lines of a file did; of one that is only checked, what they would do.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ImportCounts {
    /// New things.
    created: i64,
    /// Things that were there, otherwise.
    updated: i64,
    /// Things that were there, alike.
    unchanged: i64,
    /// Things that ended.
    archived: i64,
}

/// A file that is or was imported.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-0000000000f1", "kind": "grids", "state": "publishing",
    "dry_run": false, "file_name": "divisions.csv", "size": 34603008,
    "created_at": "2026-11-20T00:15:00Z", "lines": 660000, "lines_done": 120400,
    "counts": {"created": 120390, "updated": 2, "unchanged": 8, "archived": 0}, "errors_total": 0
}))]
#[schema(as = ImportJob)]
pub struct Import {
    /// Its id.
    id: Uuid,
    /// What it holds.
    kind: ImportKind,
    /// How far it is. Ask again while it is neither `done` nor `failed`.
    state: ImportState,
    /// Whether it is only checked.
    dry_run: bool,
    /// What the file is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    /// Its size in bytes.
    size: i64,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    officer_id: Option<Uuid>,
    /// When it arrived.
    created_at: DateTime<Utc>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<DateTime<Utc>>,
    /// Its lines, as far as they are read.
    lines: i64,
    /// How many of them are gone through in this state.
    lines_done: i64,
    /// What they did, or would do.
    counts: ImportCounts,
    /// How many things are wrong with its lines.
    errors_total: i64,
}

impl Import {
    /// What a client sees of an import.
    #[must_use]
    pub fn of(row: ImportRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind.0,
            state: row.state.0,
            dry_run: row.dry_run,
            file_name: row.file_name,
            size: row.size,
            officer_id: row.actor_id,
            created_at: row.created_at,
            finished_at: row.finished_at,
            lines: row.lines,
            lines_done: row.lines_done,
            counts: ImportCounts {
                created: row.created,
                updated: row.updated,
                unchanged: row.unchanged,
                archived: row.archived,
            },
            errors_total: row.errors,
        }
    }
}

/// A bad line.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "line": 17, "column": "code", "code": "bad_format",
    "detail": "A code has 12 digits (town, village) or 15 (group); a town's may be cut to 9."
}))]
#[schema(as = ImportLineError)]
pub struct ImportError {
    /// Its number in the file, from 1; the header is line 1.
    line: i64,
    /// The column that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    /// A stable code of the reason.
    code: String,
    /// What is wrong and what to do about it.
    detail: String,
}

impl From<ErrorRow> for ImportError {
    fn from(row: ErrorRow) -> Self {
        Self {
            line: row.line,
            column: row.field,
            code: row.code,
            detail: row.detail,
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<Cursor>,
    /// How many at most.
    pub limit: Limit,
}

impl Validate for PageQuery {
    fn validate(&self, _: &mut Errors) {}
}

/// Which imports this actor can see: their own, or all.
fn seen_by(actor: &Actor) -> Option<Uuid> {
    let admin = actor
        .postings
        .iter()
        .any(|posting| posting.role == Role::Admin);
    (!admin).then_some(actor.officer_id)
}

fn found(conn: &mut Conn, actor: &Actor, id: Uuid) -> Outcome<ImportRow> {
    queries::find(conn, id)?
        .filter(|import| import.state.0 != ImportState::Receiving)
        .filter(|import| seen_by(actor).is_none_or(|officer| import.actor_id == Some(officer)))
        .ok_or_else(|| Problem::new(Code::NotFound).into())
}

/// Imports, the latest first
///
/// The caller's own; an administrator sees all.
#[utoipa::path(
    operation_id = "listImports",
    tag = "imports",
    params(PageQuery),
    responses((status = 200, description = "A page of imports.", body = Page<Import>), refusals::Read)
)]
#[get("/v1/imports")]
async fn list_imports(call: Call<(), PageQuery>) -> Result<HttpResponse, Problem> {
    let of = seen_by(&call.actor.actor);
    let filters = ("imports", of);
    let before: Option<(DateTime<Utc>, Uuid)> = call
        .cursors
        .open_optional(call.query.cursor.as_ref(), &filters)?;
    let limit = call.query.limit;
    let rows = call
        .store
        .read(move |conn| Ok(queries::list(conn, of, before, limit.and_one())?))
        .await?;
    let key = |row: &ImportRow| (row.created_at, row.id);
    let page = Page::of(rows, limit, &call.cursors, &filters, key, Import::of)?;
    etag::json(call.if_none_match.as_deref(), 0, &page)
}

/// How far an import is
///
/// Ask again while it has no `finished_at`: every second or two is enough. Seen by who sent it, and by
/// administrators.
#[utoipa::path(
    operation_id = "getImport",
    tag = "imports",
    params(ById),
    responses((status = 200, description = "The import.", body = Import), refusals::Read)
)]
#[get("/v1/imports/{id}")]
async fn get_import(call: Call<ById>) -> Result<HttpResponse, Problem> {
    let (actor, id) = (call.actor.actor, call.path.id);
    let import = call.store.read(move |conn| found(conn, &actor, id)).await?;
    etag::json(call.if_none_match.as_deref(), 0, &Import::of(import))
}

/// What is wrong with the lines of a file
///
/// In the order it was found, at most 1,000; `errors_total` of the import tells how many there are.
#[utoipa::path(
    operation_id = "listImportErrors",
    tag = "imports",
    params(ById, PageQuery),
    responses((status = 200, description = "A page of bad lines.", body = Page<ImportError>), refusals::Read)
)]
#[get("/v1/imports/{id}/errors")]
async fn list_import_errors(call: Call<ById, PageQuery>) -> Result<HttpResponse, Problem> {
    let (actor, id, limit) = (call.actor.actor, call.path.id, call.query.limit);
    let filters = ("import_errors", id);
    let after: Option<i64> = call
        .cursors
        .open_optional(call.query.cursor.as_ref(), &filters)?;
    let rows = call
        .store
        .read(move |conn| {
            found(conn, &actor, id)?;
            Ok(queries::errors_of(
                conn,
                id,
                after.unwrap_or_default(),
                limit.and_one(),
            )?)
        })
        .await?;
    let key = |row: &ErrorRow| row.position;
    let page = Page::of(rows, limit, &call.cursors, &filters, key, ImportError::from)?;
    etag::json(call.if_none_match.as_deref(), 0, &page)
}
