//! A report that says the same as another: what it is the duplicate of, and who learns of it.
//!
//! Owns the link between the two, of which there may be a chain: what was void as a duplicate of a
//! report follows that one, should it turn out to repeat another itself. Voiding the duplicate is an
//! action like any other.

use gridpatrol_domain::report::{Decision, Event, EventKind, Status};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::record::apply::{Decided, Kept, apply};
use crate::record::queries;
use crate::record::rows::ReportRow;
use crate::record::same_matter::filed_again_by;
use crate::view::present::{StaffedTown, Viewer};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::town::TownSequence;
use gridpatrol_store::{Conn, Outcome};

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
/// it: they are told how the matter ends ([`same_matter`](crate::record::same_matter::same_matter)). The original itself does not change. With
/// the town's row locked, after the duplicate was saved.
pub fn link(
    conn: &mut Conn,
    head: &mut TownSequence,
    viewer: &Viewer,
    staffed: &StaffedTown,
    original: &ReportRow,
    duplicate: &ReportRow,
) -> Outcome<()> {
    let report = original.state(|grid| staffed.town.path(grid));
    let mut payload = Map::new();
    payload.insert("duplicate_id".to_owned(), json!(duplicate.id));
    payload.insert("duplicate_number".to_owned(), json!(duplicate.number));
    let decision = Decision {
        report: report.clone(),
        events: vec![Event {
            kind: EventKind::DuplicateLinked,
            on_behalf_of: None,
            payload,
        }],
    };
    let kept = Kept {
        participants: filed_again_by(conn, original.id)?,
        ..Kept::row(original, original)
    };
    let decided = Decided::new(Some(report), decision, viewer.by());
    apply(conn, head, staffed.parts(), &kept, vec![decided])
}
