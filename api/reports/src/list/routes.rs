//! The routes that list reports: by filter, and the inbox.
//!
//! Owns the HTTP side of both and nothing else. `list::queries` and `inbox::queries` find the
//! reports.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use gridpatrol_domain::coded_value::CodedValue;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::report::{Category, Duty, Severity, Source, Status, WarningLevel};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::queries::{self as list, Bounds, Filter, Position, View};
use crate::inbox::item;
use crate::inbox::queries::{self as inbox, Desks};
use crate::record::search::Search;
use crate::services::Services;
use crate::view::present::{self, StaffedTown, Viewer};
use crate::view::response::{Inbox, Report};
use gridpatrol_http::choice::{Choice, Choices, OptionalChoice};
use gridpatrol_http::etag;
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::refusals::Read;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_people::auth::Call;
use gridpatrol_problem::Problem;

/// Adds the operations of this file.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_reports).service(get_inbox);
}

/// What a list of reports is narrowed to.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `grid` (default): the caller's grids and all below. `mine`: what the caller filed or was assigned.
    #[param(inline)]
    pub view: Option<Choice<ViewName>>,
    /// Statuses, separated by commas.
    #[param(inline, style = Form, explode = false)]
    pub status: Choices<Status>,
    /// Tiers of the holder.
    #[param(inline, style = Form, explode = false)]
    pub tier: Choices<Tier>,
    /// A grid within the caller's: its reports and those of all below.
    pub grid: Option<Uuid>,
    /// Categories.
    #[param(inline, style = Form, explode = false)]
    pub category: Choices<Category>,
    /// Severities.
    #[param(inline, style = Form, explode = false)]
    pub severity: Choices<Severity>,
    /// How much of the limit is used up: `yellow` is due soon, `red` overdue.
    #[param(inline, style = Form, explode = false)]
    pub colour: Choices<WarningLevel>,
    /// Whether the deadline has passed, or had when the report ended: what is marked `red` and not void.
    /// The clock marks a report within seconds of its deadline, so that one may be `overdue` a moment
    /// before it is listed as such.
    pub overdue: Option<bool>,
    /// Who noticed.
    #[param(inline, style = Form, explode = false)]
    pub source: Choices<Source>,
    /// Received from then on.
    pub from: Option<DateTime<Utc>>,
    /// Received before then.
    pub to: Option<DateTime<Utc>>,
    /// Words that stand in the texts or the number; at least two characters each. The last twelve
    /// months, unless `from` is given.
    pub q: Option<String>,
    /// A box of WGS-84 degrees: `west,south,east,north` (RFC 7946).
    #[param(example = "101.80,26.60,101.95,26.75")]
    pub bbox: Option<String>,
    /// Positions in this system as well.
    #[param(inline)]
    pub crs: Option<Choice<Crs>>,
    /// `next_cursor` of the page before.
    pub cursor: Option<Cursor>,
    /// How many reports at most.
    pub limit: Limit,
}

/// Which reports are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewName {
    /// By grid.
    Grid,
    /// By participation.
    Mine,
}

impl CodedValue for ViewName {
    const ALL: &'static [Self] = &[Self::Grid, Self::Mine];

    fn code(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Mine => "mine",
        }
    }

    fn label_zh(self) -> &'static str {
        match self {
            Self::Grid => "网格",
            Self::Mine => "我的",
        }
    }

    fn label_en(self) -> &'static str {
        match self {
            Self::Grid => "Grid",
            Self::Mine => "Mine",
        }
    }
}

impl utoipa::PartialSchema for ViewName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        gridpatrol_domain::coded_value::open_set::<Self>()
    }
}

impl utoipa::ToSchema for ViewName {}

impl ListQuery {
    fn bounds(&self) -> Option<Bounds> {
        let edges: Vec<f64> = self
            .bbox
            .as_deref()?
            .split(',')
            .map(|edge| edge.trim().parse().ok())
            .collect::<Option<_>>()?;
        let [west, south, east, north] = <[f64; 4]>::try_from(edges).ok()?;
        let sound = west <= east
            && south <= north
            && (-180.0..=180.0).contains(&west)
            && (-180.0..=180.0).contains(&east)
            && (-90.0..=90.0).contains(&south)
            && (-90.0..=90.0).contains(&north);
        sound.then_some(Bounds {
            west,
            south,
            east,
            north,
        })
    }

    fn filter(&self, now: DateTime<Utc>) -> Filter {
        Filter {
            statuses: self.status.get(),
            tiers: self.tier.get(),
            categories: self.category.get(),
            severities: self.severity.get(),
            sources: self.source.get(),
            colours: self.colour.get(),
            overdue: self.overdue,
            from: self
                .from
                .or_else(|| self.q.as_ref().map(|_| now - chrono::TimeDelta::days(366))),
            to: self.to,
            bounds: self.bounds(),
        }
    }

    /// The filters that a cursor belongs to.
    fn signature(&self) -> impl Serialize + use<> {
        fn slugs<T: CodedValue>(values: &Choices<T>) -> Vec<&'static str> {
            values.get().into_iter().map(CodedValue::code).collect()
        }
        (
            (
                "reports",
                self.view.get().map(CodedValue::code),
                slugs(&self.status),
                slugs(&self.tier),
                self.grid,
                slugs(&self.category),
                slugs(&self.severity),
            ),
            (
                self.overdue,
                slugs(&self.colour),
                slugs(&self.source),
                self.from,
                self.to,
                self.q.clone(),
                self.bbox.clone(),
            ),
        )
    }
}

impl Validate for ListQuery {
    fn validate(&self, errors: &mut Errors) {
        self.view.check("view", errors);
        self.status.check("status", errors);
        self.tier.check("tier", errors);
        self.category.check("category", errors);
        self.severity.check("severity", errors);
        self.colour.check("colour", errors);
        self.source.check("source", errors);
        self.crs.check("crs", errors);
        errors.instant("from", self.from);
        errors.instant("to", self.to);
        errors.text("q", &self.q, 100);
        if self.q.as_deref().is_some_and(|q| Search::new(q).is_none()) {
            errors.add(
                "q",
                "too_short",
                "Give words of at least two characters each.",
            );
        }
        if self.bbox.is_some() && self.bounds().is_none() {
            errors.add(
                "bbox",
                "bad_format",
                "Give west,south,east,north in WGS-84 degrees.",
            );
        }
    }
}

/// Lists reports, newest first
///
/// A page may hold fewer than `limit` while a cursor follows: filters that no index serves look at a
/// bounded number of reports a page.
#[utoipa::path(
    operation_id = "listReports",
    tag = "reports",
    params(ListQuery),
    responses((status = 200, body = Page<Report>, description = "One page."), Read)
)]
#[get("/v1/reports")]
pub async fn list_reports(
    services: Data<Services>,
    call: Call<(), ListQuery>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call).in_system(call.query.crs.get());
    let query = call.query;
    let signature = query.signature();
    let after: Option<Position> = call
        .cursors
        .open_optional(query.cursor.as_ref(), &signature)?;
    let filter = query.filter(viewer.now);
    let search = query.q.as_deref().and_then(Search::new);
    let limit = query.limit.size();
    let (grid, mine) = (query.grid, query.view.get() == Some(ViewName::Mine));
    let inner = services.clone();
    let (items, next) = call
        .store
        .read(move |conn| {
            let view = match grid {
                _ if mine => View::Mine,
                None => View::Areas(viewer.scope.subtrees().to_vec()),
                Some(grid) => {
                    let mut area = None;
                    for town in viewer.scope.towns() {
                        let path = inner.directory.town(conn, *town)?.path(grid);
                        area = area.or(path.filter(|path| viewer.scope.sees(*path)));
                    }
                    View::Areas(vec![area.ok_or_else(|| {
                        Problem::new(Code::NotFound)
                            .detail("There is no such grid, or it is outside your grids.")
                    })?])
                }
            };
            let page = list::page(
                conn,
                &viewer.scope,
                &view,
                &filter,
                search.as_ref(),
                after,
                limit,
            )?;
            Ok((present::page(conn, &inner, &viewer, page.rows)?, page.next))
        })
        .await?;
    let next_cursor = next
        .map(|next| call.cursors.seal(&signature, &next))
        .transpose()?;
    Ok(etag::answer(
        StatusCode::OK,
        None,
        etag::write(&Page { items, next_cursor })?,
    ))
}

/// What the inbox is narrowed to.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// Only this duty.
    #[param(inline)]
    pub duty: Option<Choice<Duty>>,
    /// Positions in this system as well.
    #[param(inline)]
    pub crs: Option<Choice<Crs>>,
    /// `next_cursor` of the page before.
    pub cursor: Option<Cursor>,
    /// How many reports at most.
    pub limit: Limit,
}

impl Validate for InboxQuery {
    fn validate(&self, errors: &mut Errors) {
        self.duty.check("duty", errors);
        self.crs.check("crs", errors);
    }
}

/// What waits for the caller, due first
///
/// By posting, as a deputy, and where a post below is vacant: `by` tells which, and `on_behalf_of` as whose
/// deputy. `if_nobody_acts` foretells what becomes of each report, and when, if it is left lying.
#[utoipa::path(
    operation_id = "getInbox",
    tag = "reports",
    params(InboxQuery),
    responses((status = 200, body = Inbox, description = "One page, and how many wait in all."), Read)
)]
#[get("/v1/inbox")]
pub async fn get_inbox(
    services: Data<Services>,
    call: Call<(), InboxQuery>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call).in_system(call.query.crs.get());
    let duty = call.query.duty.get();
    let signature = ("inbox", duty.map(CodedValue::code));
    let after: Option<inbox::Key> = call
        .cursors
        .open_optional(call.query.cursor.as_ref(), &signature)?;
    let limit = call.query.limit;
    let inner = services.clone();
    let (counts, items, next) = call
        .store
        .read(move |conn| {
            let (mut desks, mut towns) = (Vec::new(), HashMap::new());
            for town in viewer.scope.towns() {
                let staffed = StaffedTown::read(conn, &inner.directory, *town, viewer.now)?;
                desks.push(Desks::of(&viewer.actor, &staffed.town, &staffed.staffing));
                towns.insert(*town, staffed);
            }
            let counts = inbox::counts(conn, &desks)?;
            let mut rows = inbox::page(conn, &desks, duty, after, limit.and_one())?;
            let more = rows.len() > limit.size();
            rows.truncate(limit.size());
            let next = rows.last().filter(|_| more).map(inbox::Key::of);
            let items = item::items(conn, &inner, &viewer, &towns, rows)?;
            Ok((counts, items, next))
        })
        .await?;
    let inbox = Inbox {
        counts,
        items,
        next_cursor: next
            .map(|next| call.cursors.seal(&signature, &next))
            .transpose()?,
    };
    Ok(etag::answer(StatusCode::OK, None, etag::write(&inbox)?))
}
