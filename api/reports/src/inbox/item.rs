//! What the inbox says about a report besides the report itself: why it waits for the caller, and
//! what happens if the caller does nothing.
//!
//! Owns these two additions. It must not query the database for each report: the postings of a town
//! are already loaded.

use std::collections::HashMap;

use gridpatrol_domain::officer::By;
use gridpatrol_domain::report::{self as domain, Duty};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::deadlines::forecast::{self, ForecastStep};
use crate::record::rows::ReportRow;
use crate::services::Services;
use crate::view::present::{self, StaffedTown, Viewer};
use crate::view::response::Report;
use gridpatrol_people::auth::me::Named;
use gridpatrol_store::{Conn, Outcome};

/// A report that waits for the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!(crate::view::examples::inbox_item()))]
pub struct InboxItem {
    /// The report.
    #[serde(flatten)]
    report: Report,
    /// The small copy of its first photo that has one; a link as those of `photos`.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
    /// By what it is the caller's turn: given the work in person, beside others or with a team, before as
    /// a deputy of one to whom it was given; else as an officer posted there, as a deputy, or because
    /// nobody is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<By>,
    /// As whose deputy, where it waits for the caller only as a deputy.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<Named>,
    /// What happens next if nobody acts, when, by which rule, and whose turn it is then: the first step
    /// of `forecastReport` that is more than a change of colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    if_nobody_acts: Option<ForecastStep>,
}

/// The items of a page of the inbox, in the order of the page.
///
/// # Errors
/// If the database fails.
pub fn items(
    conn: &mut Conn,
    services: &Services,
    viewer: &Viewer,
    towns: &HashMap<Uuid, StaffedTown>,
    rows: Vec<ReportRow>,
) -> Outcome<Vec<InboxItem>> {
    let more: Vec<_> = rows
        .iter()
        .map(|row| {
            let staffed = towns.get(&row.town_id)?;
            let report = row.state(|grid| staffed.town.path(grid));
            let (by, on_behalf_of) = turn(&report, staffed, viewer.actor.officer_id);
            let next = forecast::next(staffed, &report, &row.number, viewer.now, viewer.language);
            let named = |officer| Named {
                id: officer,
                name: staffed.person(officer).name,
            };
            Some((by, on_behalf_of.map(named), next))
        })
        .collect();
    let reports = present::page(conn, services, viewer, rows)?;
    Ok(reports
        .into_iter()
        .zip(more)
        .map(|(report, more)| {
            let (by, on_behalf_of, if_nobody_acts) = more.unwrap_or_default();
            let thumbnail = |report: &Report| {
                let mut photos = report.photos.iter();
                photos.find_map(|photo| photo.thumbnail_url.clone())
            };
            InboxItem {
                thumbnail_url: thumbnail(&report),
                by,
                on_behalf_of,
                if_nobody_acts,
                report,
            }
        })
        .collect())
}

/// Why this officer must act, and for whom if as a deputy.
fn turn(
    report: &domain::Report,
    staffed: &StaffedTown,
    officer: Uuid,
) -> (Option<By>, Option<Uuid>) {
    let staffing = &staffed.staffing;
    let Some(desk) = report.desk() else {
        return (None, None);
    };
    // Work given to persons is done by them or by their deputies.
    let handler = report.handler.as_ref();
    let in_person = handler
        .filter(|_| desk.duty == Duty::Handle)
        .and_then(|handler| handler.named(officer, staffing));
    if let Some((by, on_behalf_of)) = in_person {
        return (Some(by), on_behalf_of);
    }
    let responsible = match desk.duty {
        Duty::Decide => staffing.deciding_for(report.place),
        Duty::Handle | Duty::Verify | Duty::Grant => staffing.working_for(desk.grid),
    };
    responsible
        .into_iter()
        .find(|responsible| responsible.post.officer_id == officer)
        .map_or((None, None), |responsible| {
            (Some(responsible.by), responsible.post.on_behalf_of)
        })
}
