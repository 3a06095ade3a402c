//! A report that says the same as another: what it is the duplicate of, and who learns of it.
//!
//! Owns the link between the two, of which there may be a chain: what was void as a duplicate of a
//! report follows that one, should it turn out to repeat another itself. Voiding the duplicate is an
//! action like any other.

use std::collections::HashSet;

use diesel::prelude::*;
use gridpatrol_domain::notice::concerns_duplicates;
use gridpatrol_domain::report::{Event, EventKind, Report, Status};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::commands::{Change, record};
use crate::notices::envelope::OriginalReport;
use crate::notices::outbox::SameMatter;
use crate::record::queries;
use crate::record::rows::ReportRow;
use crate::view::present::{StaffedTown, Viewer};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::town::TownSequence;
use gridpatrol_store::types::Id;
use gridpatrol_store::{Conn, Outcome};

/// The report that this one is void as a duplicate of.
///
/// # Errors
/// If the database fails.
pub fn original(conn: &mut Conn, row: &ReportRow) -> QueryResult<Option<OriginalReport>> {
    numbered(conn, row.duplicate_of.map(|Id(original)| original))
}

fn numbered(conn: &mut Conn, id: Option<Uuid>) -> QueryResult<Option<OriginalReport>> {
    let mut numbers = queries::numbers_of(conn, id.into_iter().collect())?;
    Ok(id.and_then(|id| {
        let number = numbers.remove(&id)?;
        Some(OriginalReport { id, number })
    }))
}

/// Whom these events of a report concern besides its own people, and which report it repeats.
///
/// # Errors
/// If the database fails.
pub fn same_matter(conn: &mut Conn, report: &Report, events: &[Event]) -> QueryResult<SameMatter> {
    let concerned = events.iter().any(|event| concerns_duplicates(event.kind));
    Ok(SameMatter {
        original: numbered(conn, report.duplicate_of)?,
        filed_again_by: if concerned {
            filed_again_by(conn, report.id)?
        } else {
            Vec::new()
        },
    })
}

/// Who filed what is void as a duplicate of this report, or of such a duplicate.
fn filed_again_by(conn: &mut Conn, report: Uuid) -> QueryResult<Vec<Uuid>> {
    let (mut known, mut reporters) = (HashSet::from([report]), Vec::new());
    let mut last = vec![report];
    while !last.is_empty() {
        let mut found = queries::duplicates_of(conn, last)?;
        found.retain(|(id, _)| known.insert(*id));
        reporters.extend(found.iter().map(|(_, reporter)| *reporter));
        last = found.into_iter().map(|(id, _)| id).collect();
    }
    Ok(reporters)
}

/// The report that another one repeats, as the caller sees it. Both are locked: whoever makes one a
/// duplicate of the other waits for who does the opposite.
pub fn original_of(
    conn: &mut Conn,
    viewer: &Viewer,
    town: Uuid,
    original: Uuid,
) -> Outcome<ReportRow> {
    let found = queries::find(conn, &viewer.scope, original)?;
    found
        .map(|found| found.row)
        .filter(|row| row.town_id == town && row.status.0 != Status::Void)
        .ok_or_else(|| {
            Problem::invalid(vec![FieldError::new(
                "/duplicate_of",
                "not_found",
                "Name a report of the same town that is not void itself.",
            )])
            .into()
        })
}

/// Tells those of the original that it was reported again, and gives who reported it again sight of
/// it: they are told how the matter ends ([`same_matter`]). The original itself does not change. With
/// the town's row locked, after the duplicate was saved.
pub fn link(
    conn: &mut Conn,
    head: &mut TownSequence,
    viewer: &Viewer,
    staffed: &StaffedTown,
    original: &ReportRow,
    duplicate: &ReportRow,
) -> Outcome<()> {
    for reporter in filed_again_by(conn, original.id)? {
        queries::add_participant(conn, original, reporter)?;
    }
    let report = original.state(|grid| staffed.town.path(grid));
    let mut payload = Map::new();
    payload.insert("duplicate_id".to_owned(), json!(duplicate.id));
    payload.insert("duplicate_number".to_owned(), json!(duplicate.number));
    let change = Change {
        staffed,
        before: Some(&report),
        after: &report,
        number: &original.number,
    };
    let linked = Event {
        kind: EventKind::DuplicateLinked,
        on_behalf_of: None,
        payload,
    };
    record(conn, head, viewer, &change, vec![linked])
}
