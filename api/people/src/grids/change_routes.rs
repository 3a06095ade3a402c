//! HTTP of changing grids: create, change, move and end one, and read its history.
//!
//! Owns paths and wire types. It must not hold rules: they are in
//! `gridpatrol_domain::grid_management`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, Datelike as _, Utc};
use gridpatrol_domain::division::DivisionCode;
use gridpatrol_domain::error::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::commands::{Amendment, Manager, NewGrid};
use super::import::{MOST_CONTACT_CHARS, MOST_NAME_CHARS};
use super::open_reports::OpenReports;
use super::queries::{self, HistoryRow};
use super::record;
use super::restructure::Restructuring;
use super::routes::GridFacts;
use crate::auth::Call;
use crate::towns::directory::Directory;
use crate::towns::queries as towns;
use crate::towns::snapshot::Person;
use gridpatrol_http::idempotency::{Answer, keyed};
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_problem::language::Language;
use gridpatrol_store::Lane;

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_grid)
        .service(amend_grid)
        .service(move_grid)
        .service(archive_grid)
        .service(list_grid_history);
}

refusals! {
    Create = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, IdConflict, ParentInvalid, CodeTaken];
    Amend = [BODY, SIGNED] + [NotFound, NotPermitted, VersionMismatch, PreconditionRequired, GridArchived, CodeTaken];
    Move = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, GridArchived, ParentInvalid, CodeTaken];
    Archive = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, GridArchived, SuccessorInvalid, GridInUse];
}

/// The grid of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ById {
    /// The grid's id.
    pub id: Uuid,
}

/// The caller, in the form that the rules for changing grids use.
pub(super) fn manager<P, Q, B>(directory: &Directory, call: &Call<P, Q, B>) -> Manager {
    Manager {
        directory: directory.clone(),
        actor: call.actor.actor.clone(),
        now: call.now,
    }
}

/// A grid to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"parent_id": "0192f7a0-0000-7000-8000-000000000001", "code": "990001100203", "name": "石桥村"})))]
pub struct GridCreation {
    /// Chosen by the client (UUID, v7 recommended), or by the server.
    pub id: Option<Uuid>,
    /// The grid above: a town or a village. Absent: a new town, by an administrator.
    pub parent_id: Option<Uuid>,
    /// Its division code, below that of the grid above (12 digits, a group's 15). A code that any grid
    /// has or had is never given again.
    #[schema(pattern = "^[0-9]{9,15}$")]
    pub code: String,
    /// Its name, at most 60 characters.
    #[schema(pattern = r"\S", max_length = 60)]
    pub name: String,
    /// A phone number or the like, at most 100 characters.
    #[schema(pattern = r"\S", max_length = 100)]
    pub contact: Option<String>,
    /// From when it is valid; now unless said otherwise.
    pub valid_from: Option<DateTime<Utc>>,
}

/// What changes of a grid. At least one field.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"name": "青山新村", "contact": "0812-8210000"})))]
pub struct GridAmendment {
    /// Another name, at most 60 characters.
    #[schema(pattern = r"\S", max_length = 60)]
    pub name: Option<String>,
    /// Another contact, at most 100 characters; an empty string takes it away.
    #[schema(max_length = 100)]
    pub contact: Option<String>,
    /// Another division code. The present one is kept as a former code.
    #[schema(pattern = "^[0-9]{9,15}$")]
    pub code: Option<String>,
    /// From when the new code is valid; now unless said otherwise.
    pub code_from: Option<DateTime<Utc>>,
}

/// Where a group moves.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"parent_id": "0192f7a0-0000-7000-8000-000000000003", "reason": "村组调整"})))]
pub struct GridMove {
    /// Another village of the same town.
    pub parent_id: Uuid,
    /// The code it has there; it keeps its own unless said otherwise.
    #[schema(pattern = "^[0-9]{15}$")]
    pub code: Option<String>,
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: Option<String>,
}

/// How a grid ends.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(examples(json!({"successor_id": "0192f7a0-0000-7000-8000-000000000003", "reason": "两村合并"})))]
pub struct GridArchiving {
    /// Who takes over its grids and its open reports: another of its tier in the same town, or for a
    /// group its village. Required where there is something to take over.
    pub successor_id: Option<Uuid>,
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: Option<String>,
}

fn code(value: &str, errors: &mut Errors) {
    if let Err(fault) = DivisionCode::parse(value) {
        errors.add("code", "bad_format", format!("{fault}."));
    }
}

fn plain(segment: &str, value: Option<&str>, errors: &mut Errors) {
    if value.is_some_and(|value| value.chars().any(char::is_control)) {
        errors.add(segment, "not_allowed", "No control characters.");
    }
}

/// An instant between the years 1949 and 2199.
fn dated(segment: &str, value: Option<DateTime<Utc>>, errors: &mut Errors) {
    if value.is_some_and(|value| !(1949..=2199).contains(&value.year())) {
        let detail = "Give an instant between the years 1949 and 2199.";
        errors.add(segment, "out_of_range", detail);
    }
}

impl Validate for GridCreation {
    fn validate(&self, errors: &mut Errors) {
        code(&self.code, errors);
        errors.filled("name", &self.name, MOST_NAME_CHARS);
        plain("name", Some(&self.name), errors);
        errors.filled("contact", &self.contact, MOST_CONTACT_CHARS);
        plain("contact", self.contact.as_deref(), errors);
        dated("valid_from", self.valid_from, errors);
    }
}

impl Validate for GridAmendment {
    fn validate(&self, errors: &mut Errors) {
        if self.name.is_none() && self.contact.is_none() && self.code.is_none() {
            errors.add(
                "",
                "required",
                "Give name, contact, code, or several of them.",
            );
        }
        errors.filled("name", &self.name, MOST_NAME_CHARS);
        plain("name", self.name.as_deref(), errors);
        errors.text("contact", &self.contact, MOST_CONTACT_CHARS);
        plain("contact", self.contact.as_deref(), errors);
        if let Some(value) = &self.code {
            code(value, errors);
        } else if self.code_from.is_some() {
            errors.add("code", "required", "Give the code that is valid from then.");
        }
        dated("code_from", self.code_from, errors);
    }
}

impl Validate for GridMove {
    fn validate(&self, errors: &mut Errors) {
        if let Some(value) = &self.code {
            code(value, errors);
        }
        errors.filled("reason", &self.reason, 1000);
    }
}

impl Validate for GridArchiving {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reason", &self.reason, 1000);
    }
}

/// A validated code.
fn parsed(code: &str) -> Result<DivisionCode, Problem> {
    DivisionCode::parse(code).map_err(|_| Problem::new(Code::ValidationFailed))
}

/// Makes a grid
///
/// A village or a group, for who manages the town; a town for administrators.
#[utoipa::path(
    operation_id = "createGrid",
    tag = "grids",
    request_body = GridCreation,
    responses((status = 201, description = "The grid.", body = GridFacts), Create)
)]
#[post("/v1/grids")]
async fn create_grid(
    directory: Data<Directory>,
    call: Call<(), (), GridCreation>,
) -> Result<HttpResponse, Problem> {
    let manager = manager(&directory, &call);
    if call.body.valid_from.is_some_and(|from| from > manager.now) {
        let mut errors = Errors::body();
        errors.add("valid_from", "in_the_future", "It lies in the future.");
        errors.into_result()?;
    }
    let new = NewGrid {
        id: call.body.id.unwrap_or_else(Uuid::now_v7),
        parent_id: call.body.parent_id,
        code: parsed(&call.body.code)?,
        name: call.body.name.clone(),
        contact: call.body.contact.clone(),
        valid_from: call.body.valid_from,
    };
    keyed(&call, move |conn| {
        let grid = manager.create(conn, &new)?;
        let town = manager.directory.town(conn, grid.path.town_id())?;
        Ok(Answer::created(&GridFacts::of(&town, &grid))?)
    })
    .await
}

/// Changes name, contact or code of a grid
///
/// `If-Match` with the grid's ETag is required, so that nobody overwrites what they have not read.
/// For administrators, and for who manages the town.
#[utoipa::path(
    operation_id = "amendGrid",
    tag = "grids",
    params(ById),
    request_body = GridAmendment,
    responses((status = 200, description = "The grid as it stands.", body = GridFacts), Amend)
)]
#[patch("/v1/grids/{id}")]
async fn amend_grid(
    directory: Data<Directory>,
    call: Call<ById, (), GridAmendment>,
) -> Result<HttpResponse, Problem> {
    let (manager, id) = (manager(&directory, &call), call.path.id);
    let (body, if_match) = (call.body, call.if_match);
    let amendment = Amendment {
        name: body.name,
        contact: body.contact,
        code: body.code.as_deref().map(parsed).transpose()?,
        code_from: body.code_from,
    };
    let grid = call
        .store
        .write(Lane::Interactive, move |conn| {
            let grid = manager.amend(conn, id, &amendment, if_match.as_ref())?;
            let town = manager.directory.town(conn, grid.path.town_id())?;
            Ok(GridFacts::of(&town, &grid))
        })
        .await?;
    Ok(etag::answer(
        StatusCode::OK,
        Some(grid.version()),
        etag::write(&grid)?,
    ))
}

/// Moves a group to another village of its town
///
/// Its open reports follow: each says so in its record. Closed ones keep the path of their time.
#[utoipa::path(
    operation_id = "moveGrid",
    tag = "grids",
    params(ById),
    request_body = GridMove,
    responses((status = 200, description = "The group as it stands.", body = GridFacts), Move)
)]
#[post("/v1/grids/{id}/move")]
async fn move_grid(
    directory: Data<Directory>,
    open_reports: Data<dyn OpenReports>,
    call: Call<ById, (), GridMove>,
) -> Result<HttpResponse, Problem> {
    let (manager, id) = (manager(&directory, &call), call.path.id);
    let (body, if_match) = (call.body.clone(), call.if_match.clone());
    let code = body.code.as_deref().map(parsed).transpose()?;
    keyed(&call, move |conn| {
        let (town, group) = manager.managed(conn, id, if_match.as_ref(), false)?;
        let (_, village) = manager.seen(conn, body.parent_id)?;
        if let Some(code) = &code {
            super::commands::check_code(code, group.tier(), Some(&village))?;
        }
        let restructuring = restructuring(&manager, &**open_reports, body.reason.as_deref());
        let code = code.as_ref().map(DivisionCode::as_str);
        let grid = restructuring.move_group(conn, town.id, id, village.id, code)?;
        let town = manager.directory.town(conn, town.id)?;
        Ok(Answer::ok(&GridFacts::of(&town, &grid))?)
    })
    .await
}

/// Ends a grid
///
/// Its successor takes over the grids below it and its open reports, each of which says so in its
/// record; closed ones keep the path of their time. Postings at the grid end with it. It is left out
/// of lists from now on, and named for ever. A report that is still filed for it goes to the
/// successor. Its code is never given again.
#[utoipa::path(
    operation_id = "archiveGrid",
    tag = "grids",
    params(ById),
    request_body = GridArchiving,
    responses((status = 200, description = "The grid as it was left.", body = GridFacts), Archive)
)]
#[post("/v1/grids/{id}/archive")]
async fn archive_grid(
    directory: Data<Directory>,
    open_reports: Data<dyn OpenReports>,
    call: Call<ById, (), GridArchiving>,
) -> Result<HttpResponse, Problem> {
    let (manager, id) = (manager(&directory, &call), call.path.id);
    let (body, if_match) = (call.body.clone(), call.if_match.clone());
    keyed(&call, move |conn| {
        let (town, _) = manager.managed(conn, id, if_match.as_ref(), false)?;
        if let Some(successor) = body.successor_id {
            manager.seen(conn, successor)?;
        }
        let restructuring = restructuring(&manager, &**open_reports, body.reason.as_deref());
        let grid = restructuring.archive(conn, town.id, id, body.successor_id)?;
        let town = manager.directory.town(conn, town.id)?;
        Ok(Answer::ok(&GridFacts::of(&town, &grid))?)
    })
    .await
}

fn restructuring<'a>(
    manager: &'a Manager,
    open_reports: &'a dyn OpenReports,
    reason: Option<&'a str>,
) -> Restructuring<'a> {
    Restructuring {
        directory: &manager.directory,
        open_reports,
        actor_id: Some(manager.actor.officer_id),
        now: manager.now,
        reason,
    }
}

/// A page of a history.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<Cursor>,
    /// How many entries at most.
    pub limit: Limit,
}

impl Validate for HistoryQuery {
    fn validate(&self, _: &mut Errors) {}
}

/// Somebody who changed a grid.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = GridChanger)]
pub struct Changer {
    /// The officer.
    officer_id: Uuid,
    /// The officer's name.
    #[schema(example = "李镇长")]
    name: String,
}

/// Something that happened to a grid.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "seq": 812, "kind": "grid_updated", "label": "修改", "at": "2026-11-20T00:15:00Z",
    "officer": {"officer_id": "0192f7a0-0000-7000-8000-000000000010", "name": "李镇长"},
    "details": {"changes": {"name": {"before": "青山村", "after": "青山新村"}}}
}))]
pub struct GridEvent {
    /// Its place in the town's record.
    seq: i64,
    /// What happened: `grid_created`, `grid_updated`, `grid_moved`, `grid_archived`, `grid_boundary`;
    /// tolerate others.
    kind: String,
    /// The same in the caller's language.
    label: String,
    /// When.
    at: DateTime<Utc>,
    /// Who; absent: the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    officer: Option<Changer>,
    /// What changed, each field before and after, and why. A boundary is told by its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
}

fn shown(
    row: HistoryRow,
    names: &std::collections::HashMap<Uuid, Person>,
    language: Language,
) -> GridEvent {
    let known = record::KINDS.iter().find(|(kind, ..)| *kind == row.kind);
    let label = match (known, language) {
        (Some((_, label, _)), Language::Chinese) | (Some((_, _, label)), Language::English) => {
            (*label).to_owned()
        }
        (None, _) => row.kind.clone(),
    };
    GridEvent {
        seq: row.seq,
        kind: row.kind,
        label,
        at: row.at,
        officer: row.actor_id.map(|officer_id| Changer {
            officer_id,
            name: names
                .get(&officer_id)
                .map(|person| person.name.clone())
                .unwrap_or_default(),
        }),
        details: row
            .payload
            .and_then(|payload| serde_json::from_str(&payload).ok()),
    }
}

/// What happened to a grid, the latest first
///
/// Who changed it, when, and what stood there before. For all who see the grid.
#[utoipa::path(
    operation_id = "listGridHistory",
    tag = "grids",
    params(ById, HistoryQuery),
    responses((status = 200, description = "A page of it.", body = Page<GridEvent>), refusals::Read)
)]
#[get("/v1/grids/{id}/history")]
async fn list_grid_history(
    directory: Data<Directory>,
    call: Call<ById, HistoryQuery>,
) -> Result<HttpResponse, Problem> {
    let (manager, id, limit) = (manager(&directory, &call), call.path.id, call.query.limit);
    let filters = ("grid_history", id);
    let before: Option<i64> = call
        .cursors
        .open_optional(call.query.cursor.as_ref(), &filters)?;
    let (rows, names) = call
        .store
        .read(move |conn| {
            let (town, _) = manager.seen(conn, id)?;
            let before = before.unwrap_or(i64::MAX);
            let rows = queries::history_of(conn, town.id, id, before, limit.and_one())?;
            let people: std::collections::HashSet<Uuid> =
                rows.iter().filter_map(|row| row.actor_id).collect();
            let names = towns::people(conn, people)?;
            Ok((rows, names))
        })
        .await?;
    let language = call.language;
    let page = Page::of(
        rows,
        limit,
        &call.cursors,
        &filters,
        |row| row.seq,
        |row| shown(row, &names, language),
    )?;
    etag::json(call.if_none_match.as_deref(), 0, &page)
}
