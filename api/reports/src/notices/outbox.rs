//! The outbox: notices are written beside the events that they tell, and read by who sends them.
//!
//! Owns the rows of `notices`. Writing asks the database nothing: what a notice says is at hand where the
//! event is recorded.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::notice::hours::quiet_until;
use gridpatrol_domain::notice::{Happening, Naming, breaks_quiet, text};
use gridpatrol_domain::officer::Staffing;
use gridpatrol_domain::report::{Event, Report};
use serde::Serialize;
use uuid::Uuid;

use super::envelope::{
    self, NoticeDesk, NoticeRecipients, NoticeReport, OriginalReport, ReportNotice,
    ReportNoticeData,
};
use gridpatrol_people::towns::directory::Town;
use gridpatrol_store::schema::notices;
use gridpatrol_store::town::TownSequence;
use gridpatrol_store::types::{At, Id};
use gridpatrol_store::{Conn, on_each, prepared};

/// What a report has to do with others about the same matter.
#[derive(Debug, Clone, Default)]
pub struct SameMatter {
    /// The report that it repeats, as long as it is void for that.
    pub original: Option<OriginalReport>,
    /// Who filed the reports that are void as duplicates of it; needed only where an event concerns
    /// them ([`concerns_duplicates`](gridpatrol_domain::notice::concerns_duplicates)).
    pub filed_again_by: Vec<Uuid>,
}

/// A change of a report, whose events are about to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct ReportChange<'a> {
    /// The town, for names and settings.
    pub town: &'a Town,
    /// Who is posted where.
    pub staffing: &'a Staffing,
    /// The report before; none when it was filed.
    pub before: Option<&'a Report>,
    /// The report afterwards.
    pub after: &'a Report,
    /// Its number.
    pub number: &'a str,
    /// Reports about the same matter. What the clock does concerns them never.
    pub same: &'a SameMatter,
    /// Who did it; none for the system.
    pub actor_id: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A notice to be written.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = notices, treat_none_as_default_value = false)]
pub struct NewNotice {
    pub(super) town_id: Id,
    pub(super) seq: i64,
    pub(super) kind: &'static str,
    pub(super) subject_id: Id,
    pub(super) grid_id: Id,
    pub(super) at: At,
    pub(super) quiet_until: Option<At>,
    pub(super) envelope: String,
    pub(super) former_grid_id: Option<Id>,
    pub(super) breaks_quiet: bool,
}

/// An envelope as it is kept.
pub(super) fn json(envelope: &impl Serialize) -> QueryResult<String> {
    serde_json::to_string(envelope)
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))
}

impl ReportChange<'_> {
    /// The notices of these events. `first_event` is the place in the chain that the first of them gets.
    /// With the town's row locked; [`insert`] writes them, and who appends the events saves the row.
    ///
    /// # Errors
    /// If an envelope cannot be written as JSON.
    pub fn notices(
        &self,
        head: &mut TownSequence,
        first_event: i64,
        events: &[Event],
    ) -> QueryResult<Vec<NewNotice>> {
        let happening = Happening {
            before: self.before,
            after: self.after,
            actor_id: self.actor_id,
            staffing: self.staffing,
            filed_again_by: &self.same.filed_again_by,
        };
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        let calling = happening.calling(&kinds);
        let quiet = (!breaks_quiet(self.after.severity))
            .then(|| quiet_until(self.town.settings().at(self.at).quiet_hours, self.at))
            .flatten();
        let report = self.report();
        let desk = self.after.desk();
        let desk = desk.map(|desk| self.town.desk_name(&desk, self.staffing));
        let naming = Naming {
            number: self.number,
            place: &report.grid_name,
            desk: desk.as_deref().unwrap_or_default(),
            original: report
                .duplicate_of
                .as_ref()
                .map(|original| original.number.as_str()),
        };
        let former = self.former_place().map(Id);
        let town_id = self.town.id;
        let usual = self.town.settings().at(self.at).notices.notify;
        let telling = |officer| {
            self.town
                .person(officer)
                .and_then(|person| person.telling)
                .unwrap_or(usual)
        };
        events
            .iter()
            .zip(first_event..)
            .enumerate()
            .map(|(at, (event, event_seq))| {
                let seq = head.next_notice();
                let recipients = happening
                    .recipients(event.kind, calling == Some(at))
                    .gathered(self.after.severity, telling);
                let notice = ReportNotice {
                    specversion: envelope::SPECVERSION,
                    id: envelope::id(town_id, seq),
                    source: envelope::source(town_id),
                    r#type: format!("{}.report.{}", envelope::TYPES, event.kind.code()),
                    subject: self.after.id,
                    time: self.at,
                    datacontenttype: envelope::CONTENT_TYPE,
                    data: ReportNoticeData {
                        seq,
                        event_seq,
                        kind: event.kind,
                        actor_id: self.actor_id,
                        on_behalf_of: event.on_behalf_of,
                        text: text(event.kind, self.after, &naming, self.at),
                        report: report.clone(),
                        recipients: NoticeRecipients {
                            must_act: recipients.must_act,
                            should_know: recipients.should_know,
                            in_digest: recipients.in_digest,
                        },
                        quiet_until: quiet,
                        // Added to what is sent, never frozen.
                        push_addresses: Vec::new(),
                    },
                };
                Ok(NewNotice {
                    town_id: Id(town_id),
                    seq,
                    kind: event.kind.code(),
                    subject_id: Id(self.after.id),
                    grid_id: Id(self.after.place.id()),
                    at: At(self.at),
                    quiet_until: quiet.map(At),
                    envelope: json(&notice)?,
                    former_grid_id: former,
                    breaks_quiet: breaks_quiet(self.after.severity),
                })
            })
            .collect()
    }

    /// The grid that the report has left: where it was, or the village that a group was of before.
    fn former_place(&self) -> Option<Uuid> {
        let (before, after) = (self.before?.place, self.after.place);
        if before.id() != after.id() {
            Some(before.id())
        } else if before != after {
            before.village_id()
        } else {
            None
        }
    }

    fn report(&self) -> NoticeReport {
        let report = self.after;
        let name = |grid: Uuid| self.town.grid_name(grid).unwrap_or_default().to_owned();
        NoticeReport {
            id: report.id,
            number: self.number.to_owned(),
            status: report.status,
            tier: report.holder_tier,
            grid_id: report.place.id(),
            grid_name: name(report.place.id()),
            holder_id: report.holder().id(),
            desk: report.desk().map(|desk| NoticeDesk {
                grid_id: desk.grid.id(),
                grid_name: name(desk.grid.id()),
                officer_id: desk.officer,
                team_id: desk.team,
                duty: desk.duty,
            }),
            category: report.category,
            severity: report.severity,
            source: report.source,
            received_at: report.received_at,
            next_due_at: report.next_due_at,
            deadline_at: report.deadline_at,
            version: report.version,
            duplicate_of: self.same.original.clone(),
        }
    }
}

/// Writes notices.
///
/// # Errors
/// If the database fails.
pub fn insert(conn: &mut Conn, rows: &[NewNotice]) -> QueryResult<()> {
    on_each!(conn,
        // One prepared statement, again and again.
        sqlite c => rows.iter().try_for_each(|row| {
            prepared!(diesel::insert_into(notices::table).values(row)).execute(c).map(drop)
        }),
        // One round trip.
        postgres c => diesel::insert_into(notices::table).values(rows).execute(c).map(drop),
    )
}

/// Forgets notices from before an instant, of the `most` oldest; returns how many. An endpoint that was
/// paused for so long goes on behind them.
///
/// # Errors
/// If the database fails.
pub fn sweep(conn: &mut Conn, before: DateTime<Utc>, most: i64) -> QueryResult<usize> {
    // In the order in which they were written, which needs no index of its own.
    let oldest: Vec<(i64, DateTime<Utc>)> = notices::table
        .order(notices::position)
        .limit(most)
        .select((notices::position, notices::at))
        .load(conn)?;
    let spent: Vec<i64> = oldest
        .into_iter()
        .filter(|(_, at)| *at < before)
        .map(|(position, _)| position)
        .collect();
    diesel::delete(notices::table.filter(notices::position.eq_any(spent))).execute(conn)
}
