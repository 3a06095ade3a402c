//! Finds the grid a filing goes to: one in the caller's towns, the successor of one that ended, or
//! one of a posting the caller held before.
//!
//! Owns the lookup, and how long a filing may wait on a phone while its owner changes towns. The
//! domain decides what becomes of the filing, and `commands` saves it.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::officer::{Actor, Posting};
use gridpatrol_domain::scope::Scope;
use gridpatrol_domain::settings::OfflineRules;
use uuid::Uuid;

use crate::filing::request::ReportFiling;
use crate::record::queries;
use crate::record::queries::Found;
use crate::view::present::StaffedTown;
use crate::view::present::Viewer;
use gridpatrol_people::auth::authenticate::active_postings;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_people::towns::directory::Town;
use gridpatrol_problem::Problem;
use gridpatrol_store::Conn;
use gridpatrol_store::Outcome;

/// Where a report is filed, and by which posting.
pub struct Place {
    /// The town, with who is posted there now.
    pub staffed: StaffedTown,
    /// The grid that the report goes to.
    pub path: GridPath,
    /// The grid that the filing names.
    pub named: GridPath,
    /// Whether the named grid has ended and `path` is its successor.
    pub ended: bool,
    /// The posting the caller held at the time of observation, if the filing is accepted because of
    /// it.
    pub as_of: Option<Posting>,
}

/// Finds where the caller files. Any grid of a town where the caller is posted will do. A filing
/// that was observed before a transfer and waited on the phone may also go to the grids of the
/// earlier posting.
///
/// # Errors
/// `not_found` where the caller may not file; otherwise if the database fails.
pub fn spot(
    conn: &mut Conn,
    directory: &Directory,
    viewer: &Viewer,
    filing: &ReportFiling,
) -> Outcome<Place> {
    let present = place_of(
        conn,
        directory,
        viewer,
        viewer.scope.towns(),
        filing.grid_id,
    )?;
    let own = |place: &Place| {
        let mut working = viewer.actor.working();
        working.any(|posting| posting.grid.covers(place.named))
    };
    let officer = viewer.actor.service.is_none();
    if let Some(observed_at) = observed_lately(viewer, filing).filter(|_| officer)
        && !present.as_ref().is_some_and(own)
    {
        let former = Actor {
            officer_id: viewer.actor.officer_id,
            postings: active_postings(conn, viewer.actor.officer_id, observed_at)?,
            service: None,
        };
        let towns = Scope::of(&former);
        if let Some(place) = place_of(conn, directory, viewer, towns.towns(), filing.grid_id)? {
            let held = former
                .working()
                .filter(|posting| posting.grid.covers(place.named))
                .min_by_key(|posting| (posting.grid.tier(), posting.on_behalf_of.is_some()));
            let window = offline_window(&place.staffed.town, viewer.now);
            if let Some(held) = held.filter(|_| viewer.now - observed_at <= window) {
                return Ok(Place {
                    as_of: Some(*held),
                    ..place
                });
            }
        }
    }
    present.ok_or_else(|| {
        Problem::new(Code::NotFound)
            .detail("There is no grid of this grid_id in the towns where you are posted.")
            .into()
    })
}

/// The report that this same filing made before, as long as its town still accepts filings by the
/// earlier posting.
///
/// # Errors
/// If the database fails.
pub fn answered_lately(
    conn: &mut Conn,
    directory: &Directory,
    viewer: &Viewer,
    filing: &ReportFiling,
    id: Uuid,
) -> Outcome<Option<Found>> {
    let (Some(observed_at), Some(found)) = (
        observed_lately(viewer, filing),
        queries::find_any(conn, id)?,
    ) else {
        return Ok(None);
    };
    let town = directory.town(conn, found.row.town_id)?;
    let window = offline_window(&town, viewer.now);
    Ok((viewer.now - observed_at <= window).then_some(found))
}

/// How long after the observation a town accepts filings by a posting that has ended.
fn offline_window(town: &Town, now: DateTime<Utc>) -> TimeDelta {
    TimeDelta::days(town.settings().at(now).offline.filing_days.into())
}

/// The longest time any town may set for filings by an ended posting.
const LONGEST_OFFLINE: TimeDelta = TimeDelta::days(OfflineRules::MOST_FILING_DAYS as i64);

/// When it was observed; none if no town would still accept an ended posting for it.
fn observed_lately(viewer: &Viewer, filing: &ReportFiling) -> Option<DateTime<Utc>> {
    filing
        .observed_at
        .filter(|at| *at <= viewer.now && viewer.now - *at <= LONGEST_OFFLINE)
}

/// Finds the grid in these towns. If the grid has ended and the phone did not know yet, the filing
/// goes to its successor.
fn place_of(
    conn: &mut Conn,
    directory: &Directory,
    viewer: &Viewer,
    towns: &[Uuid],
    grid: Uuid,
) -> Outcome<Option<Place>> {
    for town in towns {
        let staffed = StaffedTown::read(conn, directory, *town, viewer.now)?;
        let Some(named) = staffed.town.grid(grid) else {
            continue;
        };
        let (ended, named) = (named.is_archived(), named.path);
        let path = staffed.town.home(grid);
        return Ok(Some(Place {
            staffed,
            path,
            named,
            ended,
            as_of: None,
        }));
    }
    Ok(None)
}
