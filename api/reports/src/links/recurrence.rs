//! A filing that names the closed report whose matter came back: both are linked, and it is counted.
//!
//! Owns how that is found, saved and recorded. Whether it counts says the domain
//! (`gridpatrol_domain::report::rebound`). A filing is never refused for it.

use chrono::{DateTime, Utc};
use gridpatrol_domain::report::rebound::{Rebound, rebound};
use gridpatrol_domain::report::{Decision, Event, EventKind, Report};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::record::apply::{Decided, Kept, apply};
use crate::record::queries;
use crate::record::rows::{ReportRow, TextsRow};
use crate::view::present::{StaffedTown, Viewer};
use gridpatrol_store::town::TownSequence;
use gridpatrol_store::types::Id;
use gridpatrol_store::{Conn, Outcome};

/// What a filing says to be a rebound of.
pub struct Named {
    id: Uuid,
    /// The report of that id; none where the filer sees none.
    original: Option<ReportRow>,
}

/// Looks for the report that is named, and keeps it locked. Before the town's row is locked.
pub fn named(conn: &mut Conn, viewer: &Viewer, id: Option<Uuid>) -> Outcome<Option<Named>> {
    let Some(id) = id else { return Ok(None) };
    let found = queries::find_locked(conn, &viewer.scope, id)?;
    Ok(Some(Named {
        id,
        original: found.map(|found| found.row),
    }))
}

/// A report that was linked, before and after.
pub struct Linked {
    row: ReportRow,
    before: Report,
    after: Report,
    counted: bool,
}

impl Named {
    /// What the filing comes to: the event of the new report, and the report that is linked, if one is.
    pub fn link(
        self,
        staffed: &StaffedTown,
        filed: &Report,
        texts: &mut TextsRow,
        seen_at: DateTime<Utc>,
    ) -> (Event, Option<Linked>) {
        let id = self.id;
        let unlinked = |reason| {
            (
                event(
                    EventKind::ReboundUnlinked,
                    json!({"original_id": id, "reason": reason}),
                ),
                None,
            )
        };
        // What another town has is out of this one's sight, whoever files.
        let Some(row) = self
            .original
            .filter(|row| row.town_id == filed.place.town_id())
        else {
            return unlinked("not_found");
        };
        let before = row.state(|grid| staffed.town.path(grid));
        let rules = &staffed
            .town
            .settings()
            .at(row.received_at)
            .reports
            .proceedings;
        match rebound(&before, filed.place, seen_at, rules.reopen_days) {
            Rebound::NotLinked => unlinked("not_closed"),
            Rebound::Linked { original, counted } => {
                texts.rebound_of = Some(Id(id));
                let told = json!({
                    "original_id": id, "original_number": row.number, "counted": counted,
                });
                let linked = Linked {
                    row,
                    before,
                    after: *original,
                    counted,
                };
                (event(EventKind::FiledAsRebound, told), Some(linked))
            }
        }
    }
}

impl Linked {
    /// Saves and records the report that was linked. Its version stays: nobody acted on it. With the
    /// town's row locked, after the new report is recorded.
    pub fn save(
        self,
        conn: &mut Conn,
        head: &mut TownSequence,
        viewer: &Viewer,
        staffed: &StaffedTown,
        filed: &ReportRow,
    ) -> Outcome<()> {
        let mut row = self.row.clone();
        row.take_over(&self.after);
        row.change_seq = head.change_seq;
        let told = json!({
            "rebound_id": filed.id, "rebound_number": filed.number, "counted": self.counted,
        });
        let decision = Decision {
            report: self.after,
            events: vec![event(EventKind::ReboundLinked, told)],
        };
        let decided = Decided::new(Some(self.before), decision, viewer.by());
        let kept = Kept::row(&self.row, &row);
        apply(conn, head, staffed.parts(), &kept, vec![decided])
    }
}

fn event(kind: EventKind, told: Value) -> Event {
    let payload = match told {
        Value::Object(payload) => payload,
        _ => Map::new(),
    };
    Event {
        kind,
        on_behalf_of: None,
        payload,
    }
}
