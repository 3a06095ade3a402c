//! SQL for photos: find, lock, write. Statements that read for a person take the [`Scope`] of that
//! person.
//!
//! Owns statements only. `commands` and the workers say what they are for.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::photo::{PhotoState, Rendition};
use gridpatrol_domain::report::{PhotoRole, Status};
use gridpatrol_domain::scope::Scope;
use uuid::Uuid;

use super::digest::Digest;
use super::rows::PhotoRow;
use crate::record::queries::sees;
use gridpatrol_store::prepared_statement::{PreparedByText, padded};
use gridpatrol_store::schema::{blobs, photos, reports};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, locked, on_each, unclaimed};

/// Inserts the missing rows, as not yet arrived and without a report, and locks all of them.
/// Declaration and arrival both begin with this, so that each sees what the other did.
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

/// A photo, without a check of the caller. For signed links and workers.
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

/// A photo that the scope shows: one of a report that it shows, or the officer's own photo without
/// a report.
///
/// # Errors
/// If the database fails.
pub fn find_seen(conn: &mut Conn, scope: &Scope, id: Uuid) -> QueryResult<Option<PhotoRow>> {
    let Some(photo) = find(conn, id)? else {
        return Ok(None);
    };
    let seen = match photo.report_id {
        Some(report) => sees(conn, scope, report)?,
        None => photo.owner_id == scope.officer_id(),
    };
    Ok(seen.then_some(photo))
}

/// Town and status of a report. Locks its row until the transaction ends; lock photos before it.
///
/// # Errors
/// If the database fails, or the report is gone.
pub fn lock_report(conn: &mut Conn, id: Uuid) -> QueryResult<(Uuid, Status)> {
    let (town, Coded(status)): (Uuid, Coded<Status>) = locked!(
        conn,
        reports::table
            .filter(reports::id.eq(Id(id)))
            .select((reports::town_id, reports::status)),
        first
    )?;
    Ok((town, status))
}

/// How many photos a report has, arrived or not.
///
/// # Errors
/// If the database fails, or the report is gone.
pub fn declared_of(conn: &mut Conn, id: Uuid) -> QueryResult<i32> {
    reports::table
        .filter(reports::id.eq(Id(id)))
        .select(reports::photos_declared)
        .first(conn)
}

/// Who filed a report.
///
/// # Errors
/// If the database fails, or the report is gone.
pub fn reporter_of(conn: &mut Conn, id: Uuid) -> QueryResult<Uuid> {
    reports::table
        .filter(reports::id.eq(Id(id)))
        .select(reports::reporter_id)
        .first(conn)
}

/// The photos of each of these reports, in order. One query for a page.
///
/// # Errors
/// If the database fails.
pub fn of_reports(conn: &mut Conn, reports: &[Uuid]) -> QueryResult<HashMap<Uuid, Vec<PhotoRow>>> {
    let mut of_report: HashMap<Uuid, Vec<PhotoRow>> = HashMap::new();
    if reports.is_empty() {
        return Ok(of_report);
    }
    let ids = padded(reports.iter().copied().map(Id));
    let found: Vec<PhotoRow> = on_each!(conn, c => PreparedByText(photos::table
        .filter(photos::report_id.eq_any(ids))
        .order((photos::report_id, photos::position, photos::id))
        .select(PhotoRow::as_select()))
    .load(c))?;
    for photo in found {
        if let Some(report) = photo.report_id {
            of_report.entry(report).or_default().push(photo);
        }
    }
    Ok(of_report)
}

/// Whether a photo with this role has arrived for the report. The closing rule needs an
/// after-photo.
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

/// The first free place after the last photo of a report.
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

/// Tells the cleanup that this content is about to be stored, possibly again.
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

/// How far the smaller copies of a content are, if other photos share it.
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

/// Requests that the smaller copies of a photo are made again.
///
/// # Errors
/// If the database fails.
pub fn render_again(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(photos::table.find(Id(id)))
        .filter(photos::rendition.eq(Coded(Rendition::Ready)))
        .set((
            photos::rendition.eq(Coded(Rendition::Pending)),
            photos::rendition_attempts.eq(0),
            photos::rendition_due_at.eq(Some(now)),
        ))
        .execute(conn)
        .map(drop)
}

/// A photo for which this process is making the smaller copies.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = photos)]
pub struct Leased {
    /// The photo.
    pub id: Uuid,
    /// The digest of its content.
    pub sha256: Option<Vec<u8>>,
    /// The format of its content.
    pub media_type: Option<String>,
    /// How it must be rotated.
    pub orientation: Option<i32>,
    /// How often this was tried before.
    pub rendition_attempts: i32,
}

/// Whether no photo is waiting for its smaller copies now.
///
/// # Errors
/// If the database fails.
pub fn none_due(conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<bool> {
    diesel::select(diesel::dsl::not(diesel::dsl::exists(
        photos::table
            .filter(photos::rendition.eq(Coded(Rendition::Pending)))
            .filter(photos::rendition_due_at.le(Some(now))),
    )))
    .get_result(conn)
}

/// Leases the photos that have waited longest for their smaller copies: no other process takes them
/// before `until`. Each lease counts as an attempt, so a picture that crashes the process is given
/// up after some tries.
///
/// # Errors
/// If the database fails.
pub fn lease(
    conn: &mut Conn,
    most: i64,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> QueryResult<Vec<Leased>> {
    let leased: Vec<Leased> = unclaimed!(
        conn,
        photos::table
            .filter(photos::rendition.eq(Coded(Rendition::Pending)))
            .filter(photos::rendition_due_at.le(Some(now)))
            .order(photos::rendition_due_at)
            .limit(most)
            .select(Leased::as_select())
    )?;
    for photo in &leased {
        diesel::update(photos::table.find(Id(photo.id)))
            .set((
                photos::rendition_attempts.eq(photos::rendition_attempts + 1),
                photos::rendition_due_at.eq(Some(until)),
            ))
            .execute(conn)?;
    }
    Ok(leased)
}

/// Saves the result of making copies of a content, for every waiting photo with that content.
///
/// # Errors
/// If the database fails.
pub fn settle(conn: &mut Conn, id: Uuid, rendition: Rendition) -> QueryResult<()> {
    let content: Option<Vec<u8>> = photos::table
        .find(Id(id))
        .select(photos::sha256)
        .first(conn)
        .optional()?
        .flatten();
    let waiting: Vec<Uuid> = locked!(
        conn,
        photos::table
            .filter(photos::rendition.eq(Coded(Rendition::Pending)))
            .filter(photos::sha256.eq(content).or(photos::id.eq(Id(id))))
            .order(photos::id)
            .select(photos::id),
        load
    )?;
    diesel::update(photos::table.filter(photos::id.eq_any(waiting.into_iter().map(Id))))
        .set((
            photos::rendition.eq(Coded(rendition)),
            photos::rendition_due_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .map(drop)
}

/// Returns a lease without counting the attempt, because the store of contents did not answer.
///
/// # Errors
/// If the database fails.
pub fn give_back(conn: &mut Conn, id: Uuid, until: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(photos::table.find(Id(id)))
        .filter(photos::rendition.eq(Coded(Rendition::Pending)))
        .set((
            photos::rendition_attempts.eq(photos::rendition_attempts - 1),
            photos::rendition_due_at.eq(Some(until)),
        ))
        .execute(conn)
        .map(drop)
}

/// Deletes photos that have had no report since before an instant, at most `most`; returns how
/// many. Their contents are removed later, as contents without a photo.
///
/// # Errors
/// If the database fails.
pub fn forget_unattached(conn: &mut Conn, before: DateTime<Utc>, most: i64) -> QueryResult<usize> {
    let ids: Vec<Uuid> = unclaimed!(
        conn,
        photos::table
            .filter(photos::report_id.is_null())
            .filter(photos::created_at.lt(At(before)))
            .order(photos::created_at)
            .limit(most)
            .select(photos::id)
    )?;
    diesel::delete(photos::table)
        .filter(photos::id.eq_any(ids.into_iter().map(Id)))
        .execute(conn)
}

/// Locks contents that no photo has and that were not pinned since an instant, at most `most`.
///
/// # Errors
/// If the database fails.
pub fn lock_nobodys(conn: &mut Conn, before: DateTime<Utc>, most: i64) -> QueryResult<Vec<Digest>> {
    let found: Vec<Vec<u8>> = unclaimed!(
        conn,
        blobs::table
            .filter(blobs::pinned_at.lt(At(before)))
            .filter(diesel::dsl::not(diesel::dsl::exists(
                photos::table.filter(photos::sha256.eq(blobs::sha256.nullable())),
            )))
            .limit(most)
            .select(blobs::sha256)
    )?;
    Ok(found
        .iter()
        .filter_map(|bytes| Digest::from_slice(bytes))
        .collect())
}

/// Deletes the row of a content.
///
/// # Errors
/// If the database fails, or a photo has it.
pub fn forget_content(conn: &mut Conn, digest: Digest) -> QueryResult<()> {
    diesel::delete(blobs::table.find(digest.bytes().as_slice()))
        .execute(conn)
        .map(drop)
}
