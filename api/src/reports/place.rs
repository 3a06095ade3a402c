//! Where a filing goes: a grid of the caller's towns, its successor, or one of a posting held before.
//!
//! Owns the lookup, and for how long a filing may stay on a phone over a transfer. What becomes of the
//! filing is the domain's to say, and `commands` files it.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::officer::{Actor, Posting};
use gridpatrol_domain::scope::Scope;
use gridpatrol_domain::settings::OfflineRules;
use uuid::Uuid;

use super::queries::{self, Found};
use super::request::ReportFiling;
use super::view::{StaffedTown, Viewer};
use crate::auth::authenticate::active_postings;
use crate::problem::Problem;
use crate::store::{Conn, Outcome};
use crate::towns::directory::{Directory, Town};

/// Where a report is filed, and by what.
pub struct Place {
    /// The town, with who is posted there now.
    pub staffed: StaffedTown,
    /// The grid that the report goes to.
    pub path: GridPath,
    /// The grid that the filing names.
    pub named: GridPath,
    /// Whether the grid that was named has ended, and this one took over.
    pub ended: bool,
    /// The posting held when it was observed, where that is what the filing goes by.
    pub as_of: Option<Posting>,
}

/// Where the caller files: at any grid of a town where the caller is posted; or, for what was observed
/// before a transfer and stayed on the phone, at the grids of the posting held then.
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

/// The report of this very filing, while its town still takes filings by the posting held then.
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

/// How long a town takes filings by a posting that has ended since they were observed.
fn offline_window(town: &Town, now: DateTime<Utc>) -> TimeDelta {
    TimeDelta::days(town.settings().at(now).offline.filing_days.into())
}

/// The longest that any town may set for filings by a former posting.
const LONGEST_OFFLINE: TimeDelta = TimeDelta::days(OfflineRules::MOST_FILING_DAYS as i64);

/// When it was observed, if that is not so long ago that a former posting counts nowhere any more.
fn observed_lately(viewer: &Viewer, filing: &ReportFiling) -> Option<DateTime<Utc>> {
    filing
        .observed_at
        .filter(|at| *at <= viewer.now && viewer.now - *at <= LONGEST_OFFLINE)
}

/// A grid of these towns to file for. A filing for a grid that has ended, from a phone that did not
/// know yet, goes to its successor.
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
