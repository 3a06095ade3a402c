//! Declaring photos and taking them in, each in one transaction.
//!
//! A photo's row is touched and locked first by both, so that a report's count of arrived photos
//! misses neither. Owns who may upload what; it must not know how a picture is read or kept.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::photo::{PhotoState, Rendition};
use gridpatrol_domain::report::{Decision, Event, EventKind, PhotoRole, Status};
use gridpatrol_domain::scope::Scope;
use gridpatrol_domain::settings::PhotoRules;
use serde_json::json;
use uuid::Uuid;

use super::digest::Digest;
use super::imaging::Picture;
use super::queries;
use super::rows::PhotoRow;
use crate::record::apply::{By, Decided, Kept, apply};
use crate::record::queries::sees;
use crate::record::rows::ReportRow;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_people::towns::settings;
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::schema::{photos, reports};
use gridpatrol_store::types::{Coded, Id};
use gridpatrol_store::{Conn, Outcome, locked, town};

/// A photo that a report names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its id, chosen by the client.
    pub id: Uuid,
    /// The SHA-256 of its content, where the client knows it.
    pub sha256: Option<Digest>,
    /// The size of its content, where the client knows it.
    pub size: Option<i64>,
    /// What it shows.
    pub role: PhotoRole,
}

/// What declaring added to a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Declared {
    /// Photos it did not have before.
    pub declared: i32,
    /// Those of them that have arrived.
    pub ready: i32,
    /// Those of them that have arrived and show it afterwards.
    pub after_ready: i32,
}

/// Attaches photos to a report, arrived or awaited. Before the report's row is locked or written
/// (lock order); that row may be written later in the same transaction. Declaring again what the
/// report has already adds nothing.
///
/// # Errors
/// `photo_taken` when one is another officer's or belongs to another report, `photo_rejected` when
/// one has arrived and differs from what is declared here.
pub fn declare(
    conn: &mut Conn,
    report: Uuid,
    town: Uuid,
    officer: Uuid,
    declarations: &[Declaration],
    now: DateTime<Utc>,
) -> Outcome<Declared> {
    let mut added = Declared::default();
    if declarations.is_empty() {
        return Ok(added);
    }
    let ids: Vec<Uuid> = declarations.iter().map(|photo| photo.id).collect();
    let rows = queries::touch(conn, &ids, officer, now)?;
    let mut wrong = Vec::new();
    let mut attached = Vec::new();
    for (index, declaration) in declarations.iter().enumerate() {
        let row = rows
            .iter()
            .find(|row| row.id == declaration.id)
            .ok_or(diesel::result::Error::NotFound)?;
        if row.owner_id != officer || row.report_id.is_some_and(|taken| taken != report) {
            return Err(taken(declaration.id).into());
        }
        if row.is_ready() {
            wrong.extend(
                differences(declaration.sha256, declaration.size, row.digest(), row.size).map(
                    |(member, detail)| {
                        FieldError::new(format!("/photos/{index}/{member}"), "not_allowed", detail)
                    },
                ),
            );
        }
        if row.report_id.is_none() && !attached.contains(&declaration.id) {
            attached.push(declaration.id);
            added.declared += 1;
            if row.is_ready() {
                added.ready += 1;
                added.after_ready += i32::from(declaration.role == PhotoRole::After);
            }
        }
    }
    if !wrong.is_empty() {
        let mut problem = Problem::new(Code::PhotoRejected)
            .detail("A photo that has arrived differs from what is declared here.");
        problem.errors = wrong;
        return Err(problem.into());
    }
    let first = queries::next_position(conn, report)?;
    let new = declarations
        .iter()
        .filter(|declaration| attached.contains(&declaration.id));
    for (declaration, position) in new.zip(first..) {
        diesel::update(photos::table.find(Id(declaration.id)))
            .set((
                photos::report_id.eq(Some(report)),
                photos::town_id.eq(Some(town)),
                photos::position.eq(position),
                photos::role.eq(Coded(declaration.role)),
                photos::declared_sha256
                    .eq(declaration.sha256.map(|digest| digest.bytes().to_vec())),
                photos::declared_size.eq(declaration.size),
            ))
            .execute(conn)?;
    }
    Ok(added)
}

/// A content that has arrived and is kept, and what its uploader says of it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The photo.
    pub id: Uuid,
    /// Who uploads it, by which postings.
    pub actor: Actor,
    /// The report it is to belong to; absent: the one that declared it, if any.
    pub report_id: Option<Uuid>,
    /// What it shows, if it was not declared.
    pub role: Option<PhotoRole>,
    /// When it was taken, by the client.
    pub taken_at: Option<DateTime<Utc>>,
    /// Where it was taken, by the client, in WGS-84.
    pub position: Option<(f64, f64)>,
    /// The same as it was sent.
    pub sent: Option<(f64, f64, Crs)>,
    /// The digest of the content.
    pub digest: Digest,
    /// Its size.
    pub size: i64,
    /// What it says of itself.
    pub picture: Picture,
}

/// A photo that is there now.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The photo.
    pub photo: PhotoRow,
    /// Whether it arrived now; otherwise it had before.
    pub first: bool,
}

/// Takes in a photo whose content is kept. The same content again is no change.
///
/// # Errors
/// `photo_taken` when it is another officer's or belongs to another report, `id_conflict` when
/// another content has arrived under this id, `photo_rejected` when it differs from what was
/// declared; `not_found`, `not_permitted` or `wrong_status` when the report named does not take it.
pub fn arrive(
    conn: &mut Conn,
    directory: &Directory,
    arrival: &Arrival,
    now: DateTime<Utc>,
) -> Outcome<Taken> {
    let officer = arrival.actor.officer_id;
    let row = queries::touch(conn, &[arrival.id], officer, now)?
        .pop()
        .ok_or(diesel::result::Error::NotFound)?;
    fits(&row, arrival)?;
    let first = !row.is_ready();
    // Declared photos go where they were declared; a report named now must take one more.
    let new_report = arrival.report_id.filter(|_| row.report_id.is_none());
    let new_town = new_report
        .map(|report| takes_photos(conn, &arrival.actor, report))
        .transpose()?;
    if first {
        write_arrived(conn, arrival, &row, now)?;
    }
    if let (Some(report), Some(town)) = (new_report, new_town) {
        let timeline = settings::timeline(conn, town)?;
        let declared = queries::declared_of(conn, report)?;
        room(declared, 1, &timeline.at(now).photos)?;
        attach(conn, arrival, report, town)?;
    }
    if let Some(report) = new_report.or(row.report_id.filter(|_| first)) {
        let declared = i32::from(new_report.is_some());
        count(conn, directory, report, arrival, declared, now)?;
    }
    let photo = queries::find(conn, arrival.id)?.ok_or(diesel::result::Error::NotFound)?;
    Ok(Taken { photo, first })
}

/// Refuses early what [`arrive`] would refuse, so that nothing is kept for it. What changes in
/// between, `arrive` sees.
///
/// # Errors
/// As [`arrive`].
pub fn foresee(conn: &mut Conn, arrival: &Arrival) -> Outcome<()> {
    let row = queries::find(conn, arrival.id)?;
    if let Some(row) = &row {
        fits(row, arrival)?;
    }
    let attached = row.is_some_and(|row| row.report_id.is_some());
    if let Some(report) = arrival.report_id.filter(|_| !attached) {
        takes_photos(conn, &arrival.actor, report)?;
    }
    Ok(())
}

/// Whether this photo may be what arrives: the uploader's, of the report named, and what was
/// declared or has arrived before.
fn fits(row: &PhotoRow, arrival: &Arrival) -> Result<(), Problem> {
    let elsewhere = |asked: Uuid| row.report_id.is_some_and(|report| report != asked);
    if row.owner_id != arrival.actor.officer_id || arrival.report_id.is_some_and(elsewhere) {
        return Err(taken(arrival.id));
    }
    if row.is_ready() {
        if row.digest() == Some(arrival.digest) {
            return Ok(());
        }
        return Err(Problem::new(Code::IdConflict)
            .detail("Another picture has arrived under this id. Choose a new id for this one."));
    }
    let declared = row.declared_sha256.as_deref().and_then(Digest::from_slice);
    let wrong: Vec<FieldError> = differences(
        declared,
        row.declared_size,
        Some(arrival.digest),
        Some(arrival.size),
    )
    .map(|(member, detail)| FieldError::new(format!("/{member}"), "not_allowed", detail))
    .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let mut problem = Problem::new(Code::PhotoRejected)
        .detail("The content differs from what the report declared. Send the declared file.");
    problem.errors = wrong;
    Err(problem)
}

/// The town of a report that this officer sees and that takes one more photo of theirs: one that
/// they may comment on, neither closed nor void.
fn takes_photos(conn: &mut Conn, actor: &Actor, report: Uuid) -> Outcome<Uuid> {
    if !sees(conn, &Scope::of(actor), report)? {
        return Err(Problem::new(Code::NotFound)
            .detail("There is no such report, or it lies outside your grids.")
            .into());
    }
    let own = actor.service.is_some() && queries::reporter_of(conn, report)? == actor.officer_id;
    if actor.acting().next().is_none() && !own {
        return Err(Problem::new(Code::NotPermitted)
            .detail("An administrator adds nothing to reports, a service account only to its own.")
            .into());
    }
    match queries::lock_report(conn, report)? {
        (_, Status::Closed | Status::Void) => Err(Problem::new(Code::WrongStatus)
            .detail("The report is closed or void; it takes only the photos it declared.")
            .into()),
        (town, _) => Ok(town),
    }
}

/// Whether a report that has so many photos takes some more. What a filing declares is always taken.
///
/// # Errors
/// `limit_reached`.
pub fn room(has: i32, more: i32, rules: &PhotoRules) -> Result<(), Problem> {
    let most = rules.per_report;
    if more > 0 && i64::from(has) + i64::from(more) > i64::from(most) {
        return Err(Problem::new(Code::LimitReached).detail(format!(
            "A report of this town has at most {most} photos; this one has {has}."
        )));
    }
    Ok(())
}

/// Writes down what has arrived.
fn write_arrived(
    conn: &mut Conn,
    arrival: &Arrival,
    row: &PhotoRow,
    now: DateTime<Utc>,
) -> Outcome<()> {
    let rendition = if arrival.picture.format.decodable() {
        queries::settled_rendition(conn, arrival.digest)?.unwrap_or(Rendition::Pending)
    } else {
        Rendition::Unsupported
    };
    let side = |length: u32| i32::try_from(length).ok();
    let (width, height) = arrival
        .picture
        .size
        .map_or((None, None), |(width, height)| (side(width), side(height)));
    let role = match row.report_id {
        Some(_) => row.role.0,
        None => arrival.role.unwrap_or(PhotoRole::Other),
    };
    diesel::update(photos::table.find(Id(arrival.id)))
        .set((
            photos::role.eq(Coded(role)),
            photos::state.eq(Coded(PhotoState::Ready)),
            photos::rendition.eq(Coded(rendition)),
            photos::rendition_due_at.eq((rendition == Rendition::Pending).then_some(now)),
            photos::sha256.eq(Some(arrival.digest.bytes().to_vec())),
            photos::size.eq(Some(arrival.size)),
            photos::media_type.eq(Some(arrival.picture.format.media_type())),
            photos::width.eq(width),
            photos::height.eq(height),
            photos::orientation.eq(Some(i32::from(arrival.picture.orientation))),
            photos::taken_at.eq(arrival.taken_at),
            photos::lat.eq(arrival.position.map(|(lat, _)| lat)),
            photos::lon.eq(arrival.position.map(|(_, lon)| lon)),
            photos::exif_taken_at.eq(arrival.picture.taken_at),
            photos::exif_lat.eq(arrival.picture.position.map(|(lat, _)| lat)),
            photos::exif_lon.eq(arrival.picture.position.map(|(_, lon)| lon)),
            photos::arrived_at.eq(Some(now)),
            (
                photos::sent_lat.eq(arrival.sent.map(|(lat, ..)| lat)),
                photos::sent_lon.eq(arrival.sent.map(|(_, lon, _)| lon)),
                photos::sent_crs.eq(arrival.sent.map(|(.., crs)| Coded(crs))),
            ),
        ))
        .execute(conn)?;
    Ok(())
}

fn attach(conn: &mut Conn, arrival: &Arrival, report: Uuid, town: Uuid) -> QueryResult<()> {
    let position = queries::next_position(conn, report)?;
    diesel::update(photos::table.find(Id(arrival.id)))
        .set((
            photos::report_id.eq(Some(report)),
            photos::town_id.eq(Some(town)),
            photos::position.eq(position),
        ))
        .execute(conn)?;
    if let Some(role) = arrival.role {
        diesel::update(photos::table.find(Id(arrival.id)))
            .set(photos::role.eq(Coded(role)))
            .execute(conn)?;
    }
    Ok(())
}

/// Counts an arrived photo on its report, moves the report in the feeds, records and tells it. The
/// report's version stays: nobody's change to it is stale by a photo.
fn count(
    conn: &mut Conn,
    directory: &Directory,
    report: Uuid,
    arrival: &Arrival,
    declared: i32,
    now: DateTime<Utc>,
) -> Outcome<()> {
    let row = locked!(
        conn,
        reports::table
            .filter(reports::id.eq(Id(report)))
            .select(ReportRow::as_select()),
        first
    )?;
    let mut head = town::advance(conn, row.town_id)?;
    let mut after = row.clone();
    after.photos_ready += 1;
    after.photos_declared += declared;
    after.change_seq = head.change_seq;
    let town = directory.town(conn, row.town_id)?;
    let state = row.state(|grid| town.path(grid));
    let facts = json!({
        "photo": arrival.id,
        "sha256": arrival.digest.to_string(),
        "size": arrival.size,
        "version": row.version,
    });
    let decided = Decided {
        before: Some(state.clone()),
        decision: Decision {
            report: state,
            events: vec![Event {
                kind: EventKind::PhotoArrived,
                on_behalf_of: None,
                payload: serde_json::Map::new(),
            }],
        },
        by: By {
            officer: Some(arrival.actor.officer_id),
            at: now,
        },
        facts: facts.as_object().cloned().unwrap_or_default(),
    };
    let kept = Kept::row(&row, &after);
    let staffing = town.staffing(now);
    apply(conn, &mut head, (&town, &staffing), &kept, vec![decided])
}

fn taken(id: Uuid) -> Problem {
    Problem::new(Code::PhotoTaken).detail(format!(
        "The photo {id} belongs to another report, or another officer declared it. Choose a new id."
    ))
}

/// In which members a content differs from its declaration, and how.
fn differences(
    declared: Option<Digest>,
    declared_size: Option<i64>,
    digest: Option<Digest>,
    size: Option<i64>,
) -> impl Iterator<Item = (&'static str, String)> {
    let other_digest = declared
        .zip(digest)
        .filter(|(declared, digest)| declared != digest)
        .map(|(declared, digest)| {
            (
                "sha256",
                format!("Declared {declared}, the content has {digest}."),
            )
        });
    let other_size = declared_size
        .zip(size)
        .filter(|(declared, size)| declared != size)
        .map(|(declared, size)| {
            (
                "size",
                format!("Declared {declared} bytes, the content has {size}."),
            )
        });
    other_digest.into_iter().chain(other_size)
}
