//! The one way to change a report: whoever decides, its row, counters, search entry, participants,
//! notices and events are written here, in one order.
//!
//! Owns that nothing of these is left out and that notices and events get their places in the town's
//! chain. What changes the domain decides; who may ask for it and what is locked first is the caller's.
//! With the report's and the town's row locked.

use chrono::{DateTime, Utc};
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::officer::Staffing;
use gridpatrol_domain::report::{Decision, Report};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::notices::outbox::{self, NewNotice, ReportChange, SameMatter};
use crate::record::rows::{ReportRow, TextsRow};
use crate::record::same_matter::same_matter;
use crate::record::{queries, search};
use gridpatrol_people::towns::directory::Town;
use gridpatrol_store::counters::Shifts;
use gridpatrol_store::events::{self, EventRecord};
use gridpatrol_store::town::TownSequence;
use gridpatrol_store::{Conn, Outcome};

/// Who changes a report, and when.
#[derive(Debug, Clone, Copy)]
pub struct By {
    /// The officer; none for the system.
    pub officer: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a change does to the texts of a report and to how they are found.
#[derive(Debug, Clone, Copy)]
pub enum Texts<'a> {
    /// Nothing.
    Same,
    /// They are new.
    Filed(&'a TextsRow),
    /// They say something else now; the key of their search entry stands beside them.
    Changed(i64, &'a TextsRow),
    /// The report is found at another grid.
    Moved(i64, &'a TextsRow),
}

/// What is kept of a report, before and after a change.
#[derive(Debug, Clone)]
pub struct Kept<'a> {
    /// The row before; none when it is filed.
    pub before: Option<&'a ReportRow>,
    /// The row afterwards.
    pub after: &'a ReportRow,
    /// Its texts.
    pub texts: Texts<'a>,
    /// Who gets lasting sight of it: officers and grids.
    pub participants: Vec<Uuid>,
}

impl<'a> Kept<'a> {
    /// A report whose row is another now, and nothing else.
    #[must_use]
    pub const fn row(before: &'a ReportRow, after: &'a ReportRow) -> Self {
        Self {
            before: Some(before),
            after,
            texts: Texts::Same,
            participants: Vec::new(),
        }
    }
}

/// A decision about a report, and what the record says of it.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The report before; none when it is filed.
    pub before: Option<Report>,
    /// The report afterwards, and what happened.
    pub decision: Decision,
    /// Who did it.
    pub by: By,
    /// What stays in the record forever. It names no person but by id; what was said stands in the
    /// payload.
    pub facts: Map<String, Value>,
}

impl Decided {
    /// A decision with the [usual facts](facts).
    #[must_use]
    pub fn new(before: Option<Report>, decision: Decision, by: By) -> Self {
        let facts = facts(&decision.report);
        Self {
            before,
            decision,
            by,
            facts,
        }
    }
}

/// Where a report stands, as the record of most events says it.
#[must_use]
pub fn facts(report: &Report) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("status".to_owned(), json!(report.status));
    facts.insert("holder_id".to_owned(), json!(report.holder().id()));
    facts.insert("version".to_owned(), json!(report.version));
    facts
}

/// Changes one report by these decisions, which follow each other.
///
/// # Errors
/// If the database fails.
pub fn apply(
    conn: &mut Conn,
    head: &mut TownSequence,
    (town, staffing): (&Town, &Staffing),
    kept: &Kept<'_>,
    decided: Vec<Decided>,
) -> Outcome<()> {
    let mut changes = Changes::of(town, staffing);
    changes.apply(conn, head, kept, decided)?;
    changes.finish(conn, head)
}

/// Changes of many reports of one town: the rows are written one by one, counters, notices and events
/// together.
pub struct Changes<'a> {
    town: &'a Town,
    staffing: &'a Staffing,
    shifts: Shifts,
    notices: Vec<NewNotice>,
    records: Vec<EventRecord>,
    /// Whether a report was changed since the events were written last.
    changed: bool,
}

impl<'a> Changes<'a> {
    /// No changes yet.
    #[must_use]
    pub fn of(town: &'a Town, staffing: &'a Staffing) -> Self {
        Self {
            town,
            staffing,
            shifts: Shifts::default(),
            notices: Vec::new(),
            records: Vec::new(),
            changed: false,
        }
    }

    /// Changes a report by these decisions, which follow each other. What is told of it waits for
    /// [`finish`](Self::finish).
    ///
    /// # Errors
    /// If the database fails.
    pub fn apply(
        &mut self,
        conn: &mut Conn,
        head: &mut TownSequence,
        kept: &Kept<'_>,
        decided: Vec<Decided>,
    ) -> Outcome<()> {
        self.changed = true;
        keep(conn, kept)?;
        for (row, by) in [(kept.before, -1), (Some(kept.after), 1)] {
            if let Some(row) = row {
                self.shifts.add(row.place(), row.counted(), by);
            }
        }
        for decided in decided {
            self.tell(conn, head, &kept.after.number, decided)?;
        }
        Ok(())
    }

    /// Gives what happened its places in the chain.
    fn tell(
        &mut self,
        conn: &mut Conn,
        head: &mut TownSequence,
        number: &str,
        decided: Decided,
    ) -> Outcome<()> {
        let Decided {
            before,
            decision: Decision { report, events },
            by,
            facts,
        } = decided;
        // What the clock does concerns nobody who filed the same again.
        let same = match by.officer {
            Some(_) => same_matter(conn, &report, &events)?,
            None => SameMatter::default(),
        };
        let happened = ReportChange {
            town: self.town,
            staffing: self.staffing,
            before: before.as_ref(),
            after: &report,
            number,
            same: &same,
            actor_id: by.officer,
            at: by.at,
        };
        let next = i64::try_from(self.records.len()).unwrap_or(i64::MAX);
        let first_event = head.last_event().saturating_add(next).saturating_add(1);
        self.notices
            .extend(happened.notices(head, first_event, &events)?);
        self.records.extend(events.into_iter().map(|event| {
            let mut facts = facts.clone();
            if let Some(officer) = event.on_behalf_of {
                facts.insert("on_behalf_of".to_owned(), json!(officer));
            }
            EventRecord {
                subject_kind: "report",
                subject_id: report.id,
                kind: event.kind.code(),
                at: by.at,
                actor_id: by.officer,
                facts,
                payload: (!event.payload.is_empty()).then_some(Value::Object(event.payload)),
            }
        }));
        Ok(())
    }

    /// Writes the notices and events so far, so that they do not pile up in memory.
    ///
    /// # Errors
    /// If the database fails.
    pub fn flush(&mut self, conn: &mut Conn, head: &mut TownSequence) -> Outcome<()> {
        if !std::mem::take(&mut self.changed) {
            return Ok(());
        }
        outbox::insert(conn, &std::mem::take(&mut self.notices))?;
        Ok(events::append(
            conn,
            head,
            std::mem::take(&mut self.records),
        )?)
    }

    /// Writes what waits: counters, notices, events, and the town's row.
    ///
    /// # Errors
    /// If the database fails.
    pub fn finish(mut self, conn: &mut Conn, head: &mut TownSequence) -> Outcome<()> {
        std::mem::take(&mut self.shifts).write(conn)?;
        self.flush(conn, head)
    }
}

/// Writes the row, the texts with their search entry, and who sees the report from now on.
fn keep(conn: &mut Conn, kept: &Kept<'_>) -> Outcome<()> {
    if let Some(before) = kept.before {
        queries::update(conn, before, kept.after)?;
    }
    match kept.texts {
        Texts::Same => {}
        Texts::Filed(texts) => {
            let entry = queries::insert(conn, kept.after, texts)?;
            search::index(conn, entry, kept.after, texts)?;
        }
        Texts::Changed(entry, texts) => {
            queries::update_texts(conn, texts)?;
            search::index(conn, entry, kept.after, texts)?;
        }
        Texts::Moved(entry, texts) => search::index(conn, entry, kept.after, texts)?,
    }
    for participant in &kept.participants {
        queries::add_participant(conn, kept.after, *participant)?;
    }
    Ok(())
}
