//! Holidays and make-up days over HTTP.
//!
//! Owns paths and wire types only. It must not decide anything.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, put};
use chrono::{DateTime, Datelike as _, Utc};
use gridpatrol_domain::calendar::holidays::{LONGEST_NAME, MOST_DAYS, YEARS};
use gridpatrol_domain::calendar::{self, Day, Year};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::commands::{self, Giver};
use super::queries::{self, Row};
use crate::auth::Call;
use crate::auth::routes::origin;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Lane, Outcome};

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_calendar).service(put_calendar);
}

refusals! {
    Changed = [BODY, SIGNED] + [NotPermitted, VersionMismatch, PreconditionRequired];
}

/// Which year.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// The year, 2000 to 2100; left out: the present one in China.
    #[param(minimum = 2000, maximum = 2100, example = 2026)]
    year: Option<i32>,
}

impl Validate for Which {
    fn validate(&self, errors: &mut Errors) {
        errors.within("year", self.year, YEARS);
    }
}

/// The holidays and make-up days of a year.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "year": 2026, "version": 1, "changed_at": "2025-11-05T02:00:00Z",
    "days": [
        {"name": "国庆节", "date": "2026-10-01", "isOffDay": true},
        {"name": "国庆节补班", "date": "2026-10-10", "isOffDay": false}
    ]
}))]
pub struct CalendarYear {
    /// The year.
    year: i32,
    /// The version of its table; 0: there is none yet, and only weekends are off.
    version: i64,
    /// When that version was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<DateTime<Utc>>,
    /// Days that are not what their weekday says, in order.
    days: Vec<Day>,
}

impl CalendarYear {
    fn of(year: i32, row: Option<&Row>) -> Outcome<Self> {
        Ok(Self {
            year,
            version: row.map_or(0, |row| row.version),
            changed_at: row.map(|row| row.created_at),
            days: row
                .map(Row::year)
                .transpose()?
                .map(|table| table.days)
                .unwrap_or_default(),
        })
    }
}

/// The holidays and make-up days of a year
///
/// One calendar for all towns, for everybody. What it does not name is a working day from Monday to
/// Friday. Its ETag is for changing it. When people work on a working day, and when it is night, each
/// town has set for itself (`GET /v1/settings`).
#[utoipa::path(
    operation_id = "getCalendar",
    tag = "settings",
    params(Which),
    responses(
        (status = 200, description = "The year's table.", body = CalendarYear),
        (status = 304, description = "It has not changed."),
        refusals::Read
    )
)]
#[get("/v1/calendar")]
async fn get_calendar(call: Call<(), Which>) -> Result<HttpResponse, Problem> {
    let present = calendar::date(call.now).year();
    let year = call.query.year.unwrap_or(present);
    let state = call
        .store
        .read(move |conn| CalendarYear::of(year, queries::latest(conn, year)?.as_ref()))
        .await?;
    etag::json(call.if_none_match.as_deref(), state.version, &state)
}

/// The table of a year, whole, in the form in which such tables are published.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "year": 2026,
    "days": [
        {"name": "国庆节", "date": "2026-10-01", "isOffDay": true},
        {"name": "国庆节补班", "date": "2026-10-10", "isOffDay": false}
    ]
}))]
pub struct CalendarChange {
    /// The year, 2000 to 2100.
    #[schema(minimum = 2000, maximum = 2100)]
    year: i32,
    /// Its days that are not what their weekday says: holidays (also those on a weekend) and weekend
    /// days that are worked.
    #[schema(max_items = 100)]
    days: Vec<Day>,
}

impl CalendarChange {
    fn table(&self) -> Year {
        Year {
            year: self.year,
            days: self.days.clone(),
        }
        .in_order()
    }
}

const _: () = assert!(MOST_DAYS == 100 && LONGEST_NAME == 50);

impl Validate for CalendarChange {
    fn validate(&self, errors: &mut Errors) {
        let table = Year {
            year: self.year,
            days: self.days.clone(),
        };
        for wrong in table.faults() {
            errors.add_at(&wrong.pointer, "out_of_range", wrong.detail);
        }
    }
}

/// Gives a year its holidays and make-up days
///
/// For administrators, and for all towns. `If-Match` with the ETag of `GET /v1/calendar` is required
/// (of a year without a table too). Nothing that was promised before moves: deadlines and steps that
/// were given stay, what begins from now on counts by the new table. The same table again is no
/// change.
#[utoipa::path(
    operation_id = "putCalendar",
    tag = "settings",
    request_body = CalendarChange,
    responses((status = 200, description = "The year's table.", body = CalendarYear), Changed)
)]
#[put("/v1/calendar")]
async fn put_calendar(call: Call<(), (), CalendarChange>) -> Result<HttpResponse, Problem> {
    commands::may_change(&call.actor.actor)?;
    let if_match = call.if_match.clone();
    if if_match.is_none() {
        etag::require(None, 0)?;
    }
    let giver = Giver {
        officer_id: Some(call.actor.officer.id),
        origin: origin(&call),
    };
    let (table, now) = (call.body.table(), call.now);
    let year = table.year;
    let state = call
        .store
        .write(Lane::Interactive, move |conn| {
            let row = commands::give(conn, &giver, &table, if_match.as_ref(), now)?;
            CalendarYear::of(year, Some(&row))
        })
        .await?;
    let version = Some(state.version);
    Ok(etag::answer(StatusCode::OK, version, etag::write(&state)?))
}
