//! SQL for photos: find, lock, write. Each that reads on behalf of somebody takes that one's
//! [`Scope`].
//!
//! Owns statements only; what they are for stands in `commands` and in the workers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::photo::{PhotoState, Rendition};
use gridpatrol_domain::report::{PhotoRole, Status};
use gridpatrol_domain::scope::Scope;
use uuid::Uuid;

use super::digest::Digest;
use super::rows::PhotoRow;
use crate::store::Conn;
use crate::store::schema::{blobs, photos, report_participants, reports};
use crate::store::types::{At, Coded, Id};
use crate::{locked, on_each};

/// Makes the rows that are not there yet, awaited and without a report, and locks all of them. The
/// first thing that declaration and arrival do, so that each sees what the other did.
///
/// # Errors
/// If the database fails.
pub fn touch(
    conn: &mut Conn,
    ids: &[Uuid],
    owner: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Vec<PhotoRow>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for id in &ids {
        let row = (
            photos::id.eq(Id(*id)),
            photos::role.eq(Coded(PhotoRole::Other)),
            photos::owner_id.eq(Id(owner)),
            photos::state.eq(Coded(PhotoState::Missing)),
            photos::rendition.eq(Coded(Rendition::None)),
            photos::created_at.eq(At(now)),
        );
        on_each!(conn, c => diesel::insert_into(photos::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    locked!(
        conn,
        photos::table
            .filter(photos::id.eq_any(ids.iter().copied().map(Id)))
            .order(photos::id)
            .select(PhotoRow::as_select()),
        load
    )
}

/// A photo, whoever asks. For signed links and workers.
///
/// # Errors
/// If the database fails.
pub fn find(conn: &mut Conn, id: Uuid) -> QueryResult<Option<PhotoRow>> {
    photos::table
        .find(Id(id))
        .select(PhotoRow::as_select())
        .first(conn)
        .optional()
}

/// A photo that the scope shows: that of a report it shows, or one of the officer's own without a
/// report.
///
/// # Errors
/// If the database fails.
pub fn find_seen(conn: &mut Conn, scope: &Scope, id: Uuid) -> QueryResult<Option<PhotoRow>> {
    let Some(photo) = find(conn, id)? else {
        return Ok(None);
    };
    let seen = match photo.report_id {
        Some(report) => report_seen(conn, scope, report)?.is_some(),
        None => photo.owner_id == scope.officer_id(),
    };
    Ok(seen.then_some(photo))
}

/// Town and status of a report that the scope shows.
///
/// # Errors
/// If the database fails.
pub fn report_seen(
    conn: &mut Conn,
    scope: &Scope,
    id: Uuid,
) -> QueryResult<Option<(Uuid, Status)>> {
    let found = reports::table
        .filter(reports::id.eq(Id(id)))
        .select((
            reports::town_id,
            reports::village_id,
            reports::group_id,
            reports::status,
        ))
        .first::<(Uuid, Option<Uuid>, Option<Uuid>, Coded<Status>)>(conn)
        .optional()?;
    let Some((town, village, group, Coded(status))) = found else {
        return Ok(None);
    };
    let path = match (village, group) {
        (Some(village), Some(group)) => GridPath::group(town, village, group),
        (Some(village), None) => GridPath::village(town, village),
        (None, _) => GridPath::town(town),
    };
    let seen = scope.sees(path)
        || scope.in_town(town)
            && diesel::select(diesel::dsl::exists(
                report_participants::table
                    .filter(report_participants::report_id.eq(Id(id)))
                    .filter(
                        report_participants::participant_id
                            .eq_any(scope.participants().iter().copied().map(Id)),
                    ),
            ))
            .get_result(conn)?;
    Ok(seen.then_some((town, status)))
}

/// The status of a report, its row locked until the transaction ends. After the photos (lock order).
///
/// # Errors
/// If the database fails, or the report is gone.
pub fn lock_report(conn: &mut Conn, id: Uuid) -> QueryResult<Status> {
    let status: Coded<Status> = locked!(
        conn,
        reports::table
            .filter(reports::id.eq(Id(id)))
            .select(reports::status),
        first
    )?;
    Ok(status.0)
}

/// The photos of each of these reports, in their order. One query a page.
///
/// # Errors
/// If the database fails.
pub fn of_reports(conn: &mut Conn, reports: &[Uuid]) -> QueryResult<HashMap<Uuid, Vec<PhotoRow>>> {
    let mut of_report: HashMap<Uuid, Vec<PhotoRow>> = HashMap::new();
    if reports.is_empty() {
        return Ok(of_report);
    }
    let found: Vec<PhotoRow> = photos::table
        .filter(photos::report_id.eq_any(reports.iter().copied().map(Id)))
        .order((photos::report_id, photos::position, photos::id))
        .select(PhotoRow::as_select())
        .load(conn)?;
    for photo in found {
        if let Some(report) = photo.report_id {
            of_report.entry(report).or_default().push(photo);
        }
    }
    Ok(of_report)
}

/// Whether a photo of this role has arrived for the report: the after-photo of the closing rule.
///
/// # Errors
/// If the database fails.
pub fn has_arrived(conn: &mut Conn, report: Uuid, role: PhotoRole) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        photos::table
            .filter(photos::report_id.eq(Id(report)))
            .filter(photos::role.eq(Coded(role)))
            .filter(photos::state.eq(Coded(PhotoState::Ready))),
    ))
    .get_result(conn)
}

/// The place behind the last photo of a report.
///
/// # Errors
/// If the database fails.
pub fn next_position(conn: &mut Conn, report: Uuid) -> QueryResult<i32> {
    let last: Option<i32> = photos::table
        .filter(photos::report_id.eq(Id(report)))
        .select(diesel::dsl::max(photos::position))
        .first(conn)?;
    Ok(last.map_or(0, |last| last.saturating_add(1)))
}

/// Tells the sweeper that this content is about to be kept, or is again.
///
/// # Errors
/// If the database fails.
pub fn pin(conn: &mut Conn, digest: Digest, size: i64, now: DateTime<Utc>) -> QueryResult<()> {
    let row = (
        blobs::sha256.eq(digest.bytes().as_slice()),
        blobs::size.eq(size),
        blobs::pinned_at.eq(At(now)),
    );
    on_each!(conn, c => diesel::insert_into(blobs::table)
        .values(row)
        .on_conflict(blobs::sha256)
        .do_update()
        .set(blobs::pinned_at.eq(At(now)))
        .execute(c)
        .map(drop))
}

/// How far the smaller copies of a content are that other photos share.
///
/// # Errors
/// If the database fails.
pub fn settled_rendition(conn: &mut Conn, digest: Digest) -> QueryResult<Option<Rendition>> {
    let settled = [Rendition::Ready, Rendition::Unsupported, Rendition::Failed];
    photos::table
        .filter(photos::sha256.eq(digest.bytes().as_slice()))
        .filter(photos::rendition.eq_any(settled.map(Coded)))
        .select(photos::rendition)
        .first::<Coded<Rendition>>(conn)
        .optional()
        .map(|found| found.map(|Coded(rendition)| rendition))
}
