//! A report that says the same as another: what it is the duplicate of, and who learns of it.
//!
//! Owns the link between the two. Voiding the duplicate is an action like any other.

use gridpatrol_domain::report::{Event, EventKind, Status};
use serde_json::{Map, json};
use uuid::Uuid;

use super::commands::{Change, record};
use super::queries;
use super::rows::ReportRow;
use super::view::{StaffedTown, Viewer};
use crate::problem::{FieldError, Problem};
use crate::store::town::TownHead;
use crate::store::{Conn, Outcome};

/// The report that another one repeats, as the caller sees it.
pub(super) fn original_of(
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

/// Tells those of the original that it was reported again, and gives the other reporter sight of it,
/// so that both learn how the matter ends. The original itself does not change. With the town's row
/// locked.
pub(super) fn link(
    conn: &mut Conn,
    head: &mut TownHead,
    viewer: &Viewer,
    staffed: &StaffedTown,
    original: &ReportRow,
    duplicate: &ReportRow,
) -> Outcome<()> {
    queries::add_participant(conn, original, duplicate.reporter_id)?;
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
