//! HTTP of the duty roster, and of who is responsible for a grid.
//!
//! Owns paths and wire types. It must not decide anything: `roster` and `responsible` do.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, put};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::named;
use super::requests::RosterWindow;
use super::responsible::{self, Chain};
use super::roster;
use super::subject::Manager;
use crate::auth::Call;
use crate::auth::me::Named;
use crate::towns::choice::town_of;
use crate::towns::directory::{Directory, Town};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_store::Lane;

/// The routes.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_roster)
        .service(put_roster)
        .service(who_is_responsible);
}

refusals! {
    /// Setting the roster.
    PutRefusals = [BODY, SIGNED] + [NotFound, NotPermitted];
}

/// Which part of which roster.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// The town; absent: the only one where the caller is posted.
    town: Option<Uuid>,
    /// From when; absent: now.
    from: Option<DateTime<Utc>>,
    /// Until when, at most 400 days later; absent: 31 days.
    to: Option<DateTime<Utc>>,
}

impl Validate for Part {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("from", self.from);
        errors.instant("to", self.to);
        if let (Some(from), Some(to)) = (self.from, self.to)
            && (to <= from || to - from > roster::LONGEST)
        {
            let detail = format!("At most {} days after `from`.", roster::LONGEST.num_days());
            errors.add("to", "out_of_range", detail);
        }
    }
}

/// A part of a duty roster.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "town_id": "0192f7a0-0000-7000-8000-000000000001", "from": "2026-11-22T16:00:00Z", "to": "2026-11-24T16:00:00Z",
    "shifts": [{"officer": {"id": "0192f7a0-0000-7000-8000-000000000010", "name": "王环保"},
        "from": "2026-11-22T16:00:00Z", "to": "2026-11-23T16:00:00Z"}]
}))]
#[schema(as = DutyRoster)]
pub struct Roster {
    /// The town.
    town_id: Uuid,
    /// From when.
    from: DateTime<Utc>,
    /// Until when.
    to: DateTime<Utc>,
    /// The shifts that reach into this time, in order.
    shifts: Vec<DutyShift>,
}

/// A shift.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DutyShift {
    /// Who is on duty.
    officer: Named,
    /// From when.
    from: DateTime<Utc>,
    /// Until when.
    to: DateTime<Utc>,
}

impl Roster {
    fn of(town: &Town, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let shifts = town
            .shifts()
            .iter()
            .filter(|shift| shift.from < to && from < shift.to)
            .map(|shift| DutyShift {
                officer: named(town, shift.officer_id),
                from: shift.from,
                to: shift.to,
            })
            .collect();
        Self {
            town_id: town.id,
            from,
            to,
            shifts,
        }
    }
}

/// The duty roster of a town
///
/// Who is named first when a lower grid falls to the town. Everybody posted in the town sees it.
#[utoipa::path(
    operation_id = "getDutyRoster",
    tag = "officers",
    params(Part),
    responses(
        (status = 200, description = "A part of the roster.", body = Roster),
        (status = 304, description = "It has not changed."),
        refusals::Read
    )
)]
#[get("/v1/duty-roster")]
async fn get_roster(
    directory: Data<Directory>,
    call: Call<(), Part>,
) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    let (towns, admin) = (manager.scope.towns(), manager.actor.is_admin());
    let town = town_of(towns, admin, call.query.town)?;
    let from = call.query.from.unwrap_or(manager.now);
    let to = call.query.to.unwrap_or(from + TimeDelta::days(31));
    let directory = directory.clone();
    let town = call
        .store
        .read(move |conn| directory.town(conn, town))
        .await?;
    let roster = Roster::of(&town, from, to);
    etag::json(call.if_none_match.as_deref(), 0, &roster)
}

/// Which roster.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfTown {
    /// The town; absent: the only one where the caller is posted.
    town: Option<Uuid>,
}

impl Validate for OfTown {
    fn validate(&self, _: &mut Errors) {}
}

/// Set a part of the duty roster
///
/// Between `from` and `to` the roster becomes what is given, as a whole; what lies in the past stays
/// as it was. For who manages the town: its leaders, admins, and town officers with the managing
/// right. Safe to repeat; the last one wins.
#[utoipa::path(
    operation_id = "setDutyRoster",
    tag = "officers",
    params(OfTown),
    request_body = RosterWindow,
    responses((status = 200, description = "The part as it is now.", body = Roster), PutRefusals)
)]
#[put("/v1/duty-roster")]
async fn put_roster(
    directory: Data<Directory>,
    call: Call<(), OfTown, RosterWindow>,
) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    let (towns, admin) = (manager.scope.towns(), manager.actor.is_admin());
    let town = town_of(towns, admin, call.query.town)?;
    let (window, inner) = (call.body.window(), directory.clone());
    let roster = call
        .store
        .write(Lane::Interactive, move |conn| {
            roster::put(conn, &inner, &manager, town, &window)?;
            let town = inner.town(conn, town)?;
            Ok(Roster::of(&town, window.from, window.to))
        })
        .await?;
    Ok(etag::answer(StatusCode::OK, None, etag::write(&roster)?))
}

/// When.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Instant {
    /// The instant; absent: now. For the past, it tells by the postings and the roster as they are on
    /// record, and by the accounts as they are now.
    at: Option<DateTime<Utc>>,
}

impl Validate for Instant {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("at", self.at);
    }
}

/// Who is responsible for a grid
///
/// For each duty who does it by name, by what, and until when: who is posted there and present, and
/// who stands in; else the grid above; else the town's duty officer; else anybody of the town. The
/// desks of reports are filled by the same rule.
#[utoipa::path(
    operation_id = "getResponsible",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The grid."), Instant),
    responses(
        (status = 200, description = "The chain.", body = Chain),
        (status = 304, description = "It has not changed."),
        refusals::Read
    )
)]
#[get("/v1/grids/{id}/responsible")]
async fn who_is_responsible(
    directory: Data<Directory>,
    call: Call<Uuid, Instant>,
) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    let at = call.query.at.unwrap_or(manager.now);
    let (directory, asking, id) = (directory.clone(), manager.clone(), call.path);
    let (town, grid) = call
        .store
        .read(move |conn| asking.place(conn, &directory, id))
        .await?;
    let chain = responsible::chain(&town, grid, &manager.actor, at);
    etag::json(call.if_none_match.as_deref(), 0, &chain)
}
