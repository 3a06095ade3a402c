//! Settings over HTTP.
//!
//! Owns paths and wire types only. It must not hold rules.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, put};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::scope::Scope;
use gridpatrol_domain::settings::{Settings, Version, effective_from};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::commands::{self, Change};
use super::queries;
use crate::auth::Call;
use crate::auth::me::Named;
use crate::towns::directory::{Directory, Town};
use gridpatrol_domain::settings::Allowed;
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::{Conn, Lane, Outcome};

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_settings)
        .service(put_settings)
        .service(list_settings_history);
}

refusals! {
    Changed = [BODY, SIGNED] + [NotFound, NotPermitted, VersionMismatch, PreconditionRequired];
}

/// Whose settings.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// Any grid of the town; needed only by who is posted in several towns.
    grid: Option<Uuid>,
}

impl Validate for Whose {
    fn validate(&self, _: &mut Errors) {}
}

/// The settings of a town.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SettingsState {
    /// The town.
    grid_id: Uuid,
    /// The number of the latest version, in force or to come; 0: nobody has set anything yet.
    version: i64,
    /// Since when these settings are in force; absent: they are the defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_from: Option<DateTime<Utc>>,
    /// The settings in force.
    settings: Settings,
    /// What is to come, in order.
    upcoming: Vec<SettingsVersion>,
}

/// A version of the settings of a town.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SettingsVersion {
    /// Its number.
    version: i64,
    /// From when it holds. Of two at one instant, the later version holds.
    effective_from: DateTime<Utc>,
    /// The settings.
    settings: Settings,
}

impl SettingsVersion {
    fn of(version: &Version) -> Self {
        Self {
            version: version.number,
            effective_from: version.from,
            settings: Settings::clone(&version.settings),
        }
    }
}

impl SettingsState {
    fn of(town: &Town, now: DateTime<Utc>) -> Self {
        let timeline = town.settings();
        Self {
            grid_id: town.id,
            version: timeline.latest(),
            effective_from: timeline.version_at(now).map(|version| version.from),
            settings: Settings::clone(timeline.at(now)),
            upcoming: timeline.after(now).map(SettingsVersion::of).collect(),
        }
    }
}

/// The town that the request means.
fn town_of(
    conn: &mut Conn,
    directory: &Directory,
    scope: &Scope,
    whose: &Whose,
) -> Outcome<Arc<Town>> {
    let absent = || {
        Problem::new(Code::NotFound)
            .detail("There is no such grid in the towns where you are posted.")
    };
    match (whose.grid, scope.towns()) {
        (Some(grid), towns) => {
            let found = directory.find(conn, towns, grid)?;
            Ok(found.map(|(town, _)| town).ok_or_else(absent)?)
        }
        (None, [town]) => directory.town(conn, *town),
        (None, []) => Err(absent().into()),
        (None, _) => Err(Problem::invalid(vec![FieldError::new(
            "query/grid",
            "required",
            "You are posted in several towns. Name a grid of the town that you mean.",
        )])
        .into()),
    }
}

/// The settings of a town
///
/// Those in force and those to come, for everybody of the town. Its ETag is for changing them.
#[utoipa::path(
    operation_id = "getSettings",
    tag = "settings",
    params(Whose),
    responses(
        (status = 200, description = "The settings.", body = SettingsState),
        (status = 304, description = "They have not changed."),
        refusals::Read
    )
)]
#[get("/v1/settings")]
async fn get_settings(
    directory: Data<Directory>,
    call: Call<(), Whose>,
) -> Result<HttpResponse, Problem> {
    let (scope, directory, now) = (call.actor.scope(), directory.clone(), call.now);
    let whose = call.query;
    let town = call
        .store
        .read(move |conn| town_of(conn, &directory, &scope, &whose))
        .await?;
    let state = SettingsState::of(&town, now);
    etag::json(call.if_none_match.as_deref(), state.version, &state)
}

/// A change of settings.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "effective_from": "2027-01-01T00:00:00+08:00",
    "settings": {
        "reports": {
            "limits": {"straw_burning": {"critical": {"hours": 1}, "serious": {"hours": 2}, "general": {"hours": 12}}},
            "closing": {"village": "general"}
        },
        "quiet_hours": {"from": "21:00", "to": "07:00"}
    }
}))]
pub struct SettingsChange {
    /// From when they hold: at least a minute from now, which is also when nothing is said.
    effective_from: Option<DateTime<Utc>>,
    /// All settings: what is left out has its default.
    settings: Settings,
}

impl Validate for SettingsChange {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("effective_from", self.effective_from);
    }
}

impl SettingsChange {
    /// Checks when it takes effect, and lists every wrong value at once.
    fn checked(&self, now: DateTime<Utc>, server: &Allowed) -> Result<DateTime<Utc>, Problem> {
        let mut errors = Errors::body();
        for wrong in self.settings.faults(*server) {
            errors.add_at(
                &format!("/settings{}", wrong.pointer),
                "out_of_range",
                wrong.detail,
            );
        }
        let from = effective_from(self.effective_from, now);
        if let Err(detail) = from {
            errors.add("effective_from", "out_of_range", detail);
        }
        errors.into_result()?;
        from.map_err(|_| Problem::new(Code::ValidationFailed))
    }
}

/// Changes the settings of a town
///
/// For the town's leader and administrators. `If-Match` with the ETag of `GET /v1/settings` is
/// required. A change lies ahead and is a version of its own; it never moves what was filed before:
/// each report follows, to its end, the limits and closing rules that were in force when it was
/// received.
#[utoipa::path(
    operation_id = "putSettings",
    tag = "settings",
    params(Whose),
    request_body = SettingsChange,
    responses((status = 200, description = "The settings in force and to come.", body = SettingsState), Changed)
)]
#[put("/v1/settings")]
async fn put_settings(
    allowed: Data<Allowed>,
    directory: Data<Directory>,
    call: Call<(), Whose, SettingsChange>,
) -> Result<HttpResponse, Problem> {
    let (signed, directory, now) = (call.actor, directory.clone(), call.now);
    let from = call.body.checked(now, &allowed)?;
    let (scope, actor, whose) = (signed.scope(), signed.actor, call.query);
    let (settings, if_match) = (call.body.settings.completed(), call.if_match);
    let town = call
        .store
        .write(Lane::Interactive, move |conn| {
            let change = Change {
                town_id: town_of(conn, &directory, &scope, &whose)?.id,
                settings: settings.clone(),
                from,
            };
            commands::change(conn, &directory, &actor, if_match.as_ref(), &change, now)
        })
        .await?;
    let state = SettingsState::of(&town, now);
    let version = Some(state.version);
    Ok(etag::answer(StatusCode::OK, version, etag::write(&state)?))
}

/// Whose settings, page by page.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Any grid of the town; needed only by who is posted in several towns.
    grid: Option<Uuid>,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
    /// How many versions at most.
    limit: Limit,
}

impl Validate for HistoryQuery {
    fn validate(&self, _: &mut Errors) {}
}

/// A version of the settings of a town, and who set it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SettingsRecord {
    /// Its number.
    version: i64,
    /// From when it holds. Of two at one instant, the later version holds.
    effective_from: DateTime<Utc>,
    /// When it was set.
    changed_at: DateTime<Utc>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_by: Option<Named>,
    /// The settings.
    settings: Settings,
}

/// The versions of a town's settings
///
/// The latest first. What each changed, before and after, stands in the town's record as well.
#[utoipa::path(
    operation_id = "listSettingsHistory",
    tag = "settings",
    params(HistoryQuery),
    responses((status = 200, description = "A page of versions.", body = Page<SettingsRecord>), refusals::Read)
)]
#[get("/v1/settings/history")]
async fn list_settings_history(
    directory: Data<Directory>,
    call: Call<(), HistoryQuery>,
) -> Result<HttpResponse, Problem> {
    let (scope, directory) = (call.actor.scope(), directory.clone());
    let HistoryQuery {
        grid,
        cursor,
        limit,
    } = call.query;
    let filters = ("settings", grid);
    let after: Option<i64> = call.cursors.open_optional(cursor.as_ref(), &filters)?;
    let records = call
        .store
        .read(move |conn| {
            let town = town_of(conn, &directory, &scope, &Whose { grid })?;
            queries::history(conn, town.id, after, limit.and_one())?
                .iter()
                .map(|row| {
                    Ok(SettingsRecord {
                        version: row.version,
                        effective_from: row.effective_from,
                        changed_at: row.created_at,
                        changed_by: row.created_by.map(|id| Named {
                            id,
                            name: town.officer_name(id).unwrap_or_default().to_owned(),
                        }),
                        settings: row.settings()?,
                    })
                })
                .collect::<Outcome<Vec<_>>>()
        })
        .await?;
    let page = Page::of(
        records,
        limit,
        &call.cursors,
        &filters,
        |record| record.version,
        |record| record,
    )?;
    Ok(etag::answer(StatusCode::OK, None, etag::write(&page)?))
}
