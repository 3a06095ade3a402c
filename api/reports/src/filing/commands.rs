//! Filing a report: load, ask the domain, apply; one transaction.
//!
//! Owns the order of the steps and of the locks (photos, report, town row, then the
//! rest). What may happen is the domain's to say; what is written stands in `record`.

use chrono::Datelike;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::report::filing::{Filing, file as decide_filing};
use gridpatrol_domain::report::{Category, Decision, Disposition, PhotoRole, Severity, Source};
use serde_json::json;
use uuid::Uuid;

use crate::filing::filing_target::{Place, answered_lately, spot};
use crate::filing::request::{PhotoDeclaration, ReportFiling};
use crate::filing::texts;
use crate::links::recurrence;
use crate::photos;
use crate::record::apply::{Decided, Kept, Texts, apply};
use crate::record::queries;
use crate::record::rows::ReportRow;
use crate::services::Services;
use crate::view::present::{self, Viewer};
use crate::view::refusals::{not_found, refused};
use crate::view::status_text::beijing;
use crate::view::stored::Stored;
use gridpatrol_http::choice::OptionalChoice;
use gridpatrol_problem::Problem;
use gridpatrol_store::town;
use gridpatrol_store::{Conn, Outcome};

/// A report that was filed, now or before.
pub struct Filed {
    /// The report as it stands.
    pub report: Stored,
    /// Whether this request filed it.
    pub created: bool,
}

/// Files a report, or answers with it as it stands if the same request filed it before.
pub fn file(
    conn: &mut Conn,
    services: &Services,
    viewer: &Viewer,
    id: Uuid,
    filing: &ReportFiling,
    hash: [u8; 32],
) -> Outcome<Filed> {
    queries::lock_id(conn, id)?;
    if let Some((reporter, known)) = queries::filing_of(conn, id)? {
        if reporter != viewer.actor.officer_id || known != hash {
            return Err(Problem::new(Code::IdConflict)
                .detail("A report of this id was filed with another content. Choose a new id for a new report.")
                .into());
        }
        let found = match queries::find(conn, &viewer.scope, id)? {
            // A transfer to another town in between; the answer to this very filing may be lost.
            None => answered_lately(conn, &services.directory, viewer, filing, id)?,
            found => found,
        };
        return Ok(Filed {
            report: Stored::read(
                conn,
                &services.directory,
                found.ok_or_else(not_found)?,
                viewer.now,
            )?,
            created: false,
        });
    }

    let Place {
        staffed,
        path: place,
        ended,
        as_of,
        ..
    } = spot(conn, &services.directory, viewer, filing)?;
    let declared = declare(
        conn,
        viewer,
        place.town_id(),
        id,
        &filing.photos,
        PhotoRole::Before,
    )?;
    // A new report has no photos but those it declares.
    let photos = if filing.photos.is_empty() {
        Vec::new()
    } else {
        present::photos_of(conn, id)?
    };
    let facts = Filing {
        id,
        place,
        category: filing.category.get().unwrap_or(Category::Unclassified),
        severity: filing.severity.get().unwrap_or(Severity::General),
        source: filing.source.get().unwrap_or(Source::Patrol),
        disposition: filing.disposition.get().unwrap_or(Disposition::Escalate),
        as_of,
    };
    let context = staffed.context(viewer.now, present::evidence(&photos, None), viewer.now);
    let Decision { report, mut events } =
        decide_filing(&facts, &viewer.actor, &context).map_err(|refusal| refused(refusal, None))?;

    let named = recurrence::named(conn, viewer, filing.rebound_of)?;
    let mut head = town::advance(conn, place.town_id())?;
    // The grid must not have moved or ended since it was looked up.
    head.unchanged_since(staffed.town.version())?;
    let year = beijing(viewer.now).year();
    let (year, sequence) = head.next_number(year);
    let code = staffed.town.code.get(..9).unwrap_or(&staffed.town.code);
    let number = format!("{code}-{year}-{sequence:06}");
    let mut row = ReportRow::filed(
        &report,
        number,
        filing.observed_at.unwrap_or(viewer.now),
        head.change_seq,
    );
    let mut texts = texts::filed(filing, &row, hash);
    let linked = named.and_then(|named| {
        let seen_at = row.observed_at.min(viewer.now);
        let (event, linked) = named.link(&staffed, &report, &mut texts, seen_at);
        events.push(event);
        linked
    });
    if let Some(location) = &filing.location {
        let position = location
            .crs
            .get()
            .and_then(|crs| crs.to_wgs84(location.lat, location.lon).ok());
        row.lat = position.map(|position| position.lat);
        row.lon = position.map(|position| position.lon);
    }
    row.photos_declared = declared.declared;
    row.photos_ready = declared.ready;

    services.wake(&report);
    // The request itself is part of the record; it may name people, so it stands in the payload.
    if let Some(first) = events.first_mut() {
        let request = serde_json::to_value(filing).unwrap_or_default();
        first.payload.insert("request".to_owned(), request);
        if ended {
            let successor = json!({"before": filing.grid_id, "after": place.id()});
            first.payload.insert("successor".to_owned(), successor);
        }
    }
    let kept = Kept {
        before: None,
        after: &row,
        texts: Texts::Filed(&texts),
        participants: vec![viewer.actor.officer_id],
    };
    let decided = Decided::new(None, Decision { report, events }, viewer.by());
    apply(conn, &mut head, staffed.parts(), &kept, vec![decided])?;
    if let Some(linked) = linked {
        linked.save(conn, &mut head, viewer, &staffed, &row)?;
    }
    Ok(Filed {
        report: Stored {
            staffed,
            row,
            texts,
            photos,
            original: None,
        },
        created: true,
    })
}

/// Attaches the photos that come with a request to its report. Before the report is locked.
///
/// # Errors
/// As [`photos::commands::declare`].
pub fn declare(
    conn: &mut Conn,
    viewer: &Viewer,
    town: Uuid,
    report: Uuid,
    photos: &[PhotoDeclaration],
    usual: PhotoRole,
) -> Outcome<photos::commands::Declared> {
    let declarations: Vec<photos::commands::Declaration> = photos
        .iter()
        .map(|photo| photos::commands::Declaration {
            id: photo.id,
            sha256: photo.digest(),
            size: photo.size,
            role: photo.role.get().unwrap_or(usual),
        })
        .collect();
    photos::commands::declare(
        conn,
        report,
        town,
        viewer.actor.officer_id,
        &declarations,
        viewer.now,
    )
}
