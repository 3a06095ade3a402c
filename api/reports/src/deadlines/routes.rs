//! The routes that show what the clock will do to a report, and what lapsed at the caller's grids.
//!
//! Owns the HTTP side and nothing else.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use gridpatrol_domain::calendar::Span;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::report::lapse::Rule;
use gridpatrol_domain::report::permission::recallable;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::deadlines::forecast::{self, Forecast, label};
use crate::deadlines::lapses::{self, LapsedRow, Place};
use crate::record::queries;
use crate::record::rows::ReportRow;
use crate::services::Services;
use crate::view::by_id::ById;
use crate::view::present::{self, StaffedTown, Viewer};
use crate::view::refusals::not_found;
use crate::view::response::Report;
use gridpatrol_http::etag;
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::refusals::Read;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_people::auth::Call;
use gridpatrol_problem::Problem;
use gridpatrol_store::{Conn, Outcome};

/// Adds the operations of this file.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(forecast_report).service(list_lapsed);
}

/// Foretells what happens if nobody acts
///
/// When the report moves, to whom by name, by which rule, down to the reminders of the town that repeat
/// until somebody acts. It is the clock's own reckoning: what is foretold happens at that instant, unless
/// somebody acts before, or postings and absences change.
#[utoipa::path(
    operation_id = "forecastReport",
    tag = "reports",
    params(ById),
    responses((status = 200, body = Forecast, description = "What happens, in order."), Read)
)]
#[get("/v1/reports/{id}/forecast")]
pub async fn forecast_report(
    services: Data<Services>,
    call: Call<ById>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    let (id, inner) = (call.path.id, services.clone());
    let forecast = call
        .store
        .read(move |conn| {
            let found = queries::find(conn, &viewer.scope, id)?.ok_or_else(not_found)?;
            let row = found.row;
            let staffed = StaffedTown::read(conn, &inner.directory, row.town_id, viewer.now)?;
            let report = row.state(|grid| staffed.town.path(grid));
            Ok(forecast::forecast(
                &staffed,
                &report,
                &row.number,
                viewer.now,
                viewer.language,
            ))
        })
        .await?;
    Ok(etag::answer(StatusCode::OK, None, etag::write(&forecast)?))
}

/// A page of what lapsed.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LapsedQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<Cursor>,
    /// How many at most.
    pub limit: Limit,
}

impl Validate for LapsedQuery {
    fn validate(&self, _: &mut Errors) {}
}

/// A step that one of the caller's grids let lapse.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!(crate::view::examples::lapsed()))]
pub struct LapsedReport {
    /// By which rule the report moved.
    rule: Rule,
    /// Its name in the caller's language.
    #[schema(example = "审核超时自动上报")]
    label: String,
    /// The grid that let it lapse.
    grid_id: Uuid,
    /// Its tier.
    tier: Tier,
    /// When the step was due.
    due_at: DateTime<Utc>,
    /// When the report moved.
    lapsed_at: DateTime<Utc>,
    /// Whether the grid is charged with it: not, if it got the report when the step was over already.
    charged: bool,
    /// Until when the village's secretary may recall it; absent: not, or not any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    recall_until: Option<DateTime<Utc>>,
    /// The report as it stands.
    report: Report,
}

/// What lapsed at the caller's grids, latest first
///
/// Reports that the system moved because nobody at one of the caller's grids, own or as a deputy, acted
/// in time. Nobody is said to have approved them.
#[utoipa::path(
    operation_id = "listLapsed",
    tag = "reports",
    params(LapsedQuery),
    responses((status = 200, body = Page<LapsedReport>, description = "One page.", example = json!(crate::view::examples::lapsed_page())), Read)
)]
#[get("/v1/inbox/lapsed")]
pub async fn list_lapsed(
    services: Data<Services>,
    call: Call<(), LapsedQuery>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    let after: Option<Place> = call
        .cursors
        .open_optional(call.query.cursor.as_ref(), &"lapsed")?;
    let limit = call.query.limit;
    let inner = services.clone();
    let (items, next) = call
        .store
        .read(move |conn| {
            let grids: BTreeSet<Uuid> = viewer
                .actor
                .acting()
                .map(|posting| posting.grid.id())
                .collect();
            let mut rows = lapses::lapsed(conn, &grids, after, limit.and_one())?;
            let more = rows.len() > limit.size();
            rows.truncate(limit.size());
            let next = rows.last().filter(|_| more).map(|(lapse, _)| lapse.place());
            let mut shown = Vec::with_capacity(rows.len());
            for (lapse, row) in rows {
                if queries::shows(conn, &viewer.scope, &row)? {
                    shown.push((lapse, row));
                }
            }
            Ok((answers(conn, &inner, &viewer, shown)?, next))
        })
        .await?;
    let next_cursor = next
        .map(|next| call.cursors.seal(&"lapsed", &next))
        .transpose()?;
    Ok(etag::answer(
        StatusCode::OK,
        None,
        etag::write(&Page { items, next_cursor })?,
    ))
}

fn answers(
    conn: &mut Conn,
    services: &Services,
    viewer: &Viewer,
    shown: Vec<(LapsedRow, ReportRow)>,
) -> Outcome<Vec<LapsedReport>> {
    let mut towns: HashMap<Uuid, StaffedTown> = HashMap::new();
    let mut until = Vec::with_capacity(shown.len());
    for (lapse, row) in &shown {
        let staffed = match towns.entry(row.town_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(StaffedTown::read(
                conn,
                &services.directory,
                row.town_id,
                viewer.now,
            )?),
        };
        let report = row.state(|grid| staffed.town.path(grid));
        let context = staffed.context(row.received_at, false, viewer.now);
        let days = context.policy.proceedings.recall_working_days;
        until.push(
            recallable(&report, &context)
                .filter(|last| last.due_at == lapse.due_at)
                .map(|last| context.calendar.after(last.at, Span::WorkingDays(days))),
        );
    }
    let (lapses, rows): (Vec<LapsedRow>, Vec<ReportRow>) = shown.into_iter().unzip();
    let reports = present::page(conn, services, viewer, rows)?;
    Ok(lapses
        .into_iter()
        .zip(until)
        .zip(reports)
        .map(|((lapse, recall_until), report)| LapsedReport {
            rule: lapse.rule.0,
            label: label(lapse.rule.0, viewer.language).to_owned(),
            grid_id: lapse.grid_id,
            tier: lapse.tier.0,
            due_at: lapse.due_at,
            lapsed_at: lapse.lapsed_at,
            charged: lapse.charged,
            recall_until,
            report,
        })
        .collect())
}
