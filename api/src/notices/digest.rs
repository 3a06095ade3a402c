//! Digests: what an officer should know, gathered until the times that the town has set.
//!
//! Owns when they are due, one envelope for each officer for whom there is news, and the rows of
//! `town_digests`. Who is told by a digest was settled when it happened, and stands in the notices.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::notice::hours::{next_digest, quiet_until};
use gridpatrol_domain::notice::{Informed, Text, digest_text};
use serde::Deserialize;
use uuid::Uuid;

use super::envelope::{self, DigestNotice, DigestNoticeData, DigestReport};
use super::outbox::{self, NewNotice};
use crate::grids::directory::{Directory, Town};
use crate::store::schema::{notices, town_digests, towns};
use crate::store::types::{At, Id};
use crate::store::{Conn, Outcome, town};
use crate::{locked, on_each};

/// The kind of such a notice.
const KIND: &str = "digest";
/// Notices gathered at a time: more than a town has between two digests.
const AT_ONCE: i64 = 2000;
/// Reports told in a digest: the latest news. The others are counted.
const MOST_REPORTS: usize = 50;
/// When it is looked again where no working day is in sight.
const NOT_IN_SIGHT: TimeDelta = TimeDelta::days(1);

/// Towns whose digests are due.
///
/// # Errors
/// If the database fails.
pub fn due(conn: &mut Conn, now: DateTime<Utc>, most: i64) -> QueryResult<Vec<Uuid>> {
    town_digests::table
        .filter(town_digests::due_at.le(At(now)))
        .order(town_digests::due_at)
        .limit(most)
        .select(town_digests::town_id)
        .load(conn)
}

/// When the next digests are due.
///
/// # Errors
/// If the database fails.
pub fn next(conn: &mut Conn) -> QueryResult<Option<DateTime<Utc>>> {
    town_digests::table
        .order(town_digests::due_at)
        .select(town_digests::due_at)
        .first(conn)
        .optional()
}

/// Towns that have notices, and never had a digest.
///
/// # Errors
/// If the database fails.
pub fn new_towns(conn: &mut Conn, most: i64) -> QueryResult<Vec<Uuid>> {
    towns::table
        .left_join(town_digests::table)
        .filter(towns::notice_seq.gt(0))
        .filter(town_digests::town_id.is_null())
        .limit(most)
        .select(towns::id)
        .load(conn)
}

/// Sets the first digests of a town.
///
/// # Errors
/// If the database fails.
pub fn begin(
    conn: &mut Conn,
    directory: &Directory,
    town_id: Uuid,
    now: DateTime<Utc>,
) -> Outcome<()> {
    let town = directory.town(conn, town_id)?;
    let row = (
        town_digests::town_id.eq(Id(town_id)),
        town_digests::seq.eq(0),
        town_digests::due_at.eq(At(following(&town, now))),
    );
    on_each!(conn, c => diesel::insert_into(town_digests::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

fn following(town: &Town, now: DateTime<Utc>) -> DateTime<Utc> {
    let calendar = town.calendar(now);
    let times = &town.settings().at(now).notices.digest_times;
    next_digest(times, |day| calendar.is_working_day(day), now).unwrap_or(now + NOT_IN_SIGHT)
}

/// A notice, as far as a digest looks at it.
#[derive(Debug, Deserialize)]
struct Told {
    time: DateTime<Utc>,
    data: ToldData,
}

#[derive(Debug, Deserialize)]
struct ToldData {
    kind: String,
    report: ToldReport,
    recipients: ToldRecipients,
    text: Text,
}

#[derive(Debug, Deserialize)]
struct ToldReport {
    id: Uuid,
    number: String,
    status: String,
}

#[derive(Debug, Default, Deserialize)]
struct ToldRecipients {
    #[serde(default)]
    in_digest: Vec<Informed>,
}

/// What there is to tell an officer.
#[derive(Debug, Default)]
struct News {
    notices: usize,
    /// The latest last.
    reports: Vec<DigestReport>,
}

impl News {
    fn add(&mut self, told: &Told, why: Informed) {
        self.notices += 1;
        let report = &told.data.report;
        let before = self.reports.iter().position(|one| one.id == report.id);
        let notices = before.map_or(0, |at| self.reports.remove(at).notices) + 1;
        self.reports.push(DigestReport {
            id: report.id,
            number: report.number.clone(),
            status: report.status.clone(),
            why: why.why,
            notices,
            kind: told.data.kind.clone(),
            time: told.time,
            text: told.data.text.clone(),
        });
    }
}

/// Writes the digests of a town, if they are due. Returns whether there is more to gather.
///
/// # Errors
/// If the database fails.
pub fn make(
    conn: &mut Conn,
    directory: &Directory,
    town_id: Uuid,
    now: DateTime<Utc>,
) -> Outcome<bool> {
    // Another process may be at it: then it is no longer due once the row is free.
    let row: Option<(i64, DateTime<Utc>)> = locked!(
        conn,
        town_digests::table
            .find(Id(town_id))
            .select((town_digests::seq, town_digests::due_at)),
        first
    )
    .optional()?;
    let Some((seq, due_at)) = row.filter(|(_, due)| *due <= now) else {
        return Ok(false);
    };
    let town = directory.town(conn, town_id)?;
    let last: i64 = towns::table
        .find(Id(town_id))
        .select(towns::notice_seq)
        .first(conn)?;
    let found: Vec<(i64, String)> = notices::table
        .filter(notices::town_id.eq(Id(town_id)))
        .filter(notices::seq.gt(seq))
        .filter(notices::seq.le(last))
        .order(notices::seq)
        .limit(AT_ONCE)
        .select((notices::seq, notices::envelope))
        .load(conn)?;
    let more = found.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
    let upto = found.last().filter(|_| more).map_or(last, |(seq, _)| *seq);
    write(conn, &town, &gather(&town, &found), due_at, now)?;
    diesel::update(town_digests::table.find(Id(town_id)))
        .set((
            town_digests::seq.eq(upto),
            town_digests::due_at.eq(At(if more { now } else { following(&town, now) })),
        ))
        .execute(conn)?;
    Ok(more)
}

/// The news in these notices, by officer; of those who serve still.
fn gather(town: &Town, found: &[(i64, String)]) -> BTreeMap<Uuid, News> {
    let mut news: BTreeMap<Uuid, News> = BTreeMap::new();
    // A digest, and what an earlier version of the program wrote, has nothing for digests.
    let told = found
        .iter()
        .filter_map(|(_, envelope)| serde_json::from_str::<Told>(envelope).ok());
    for told in told {
        for why in &told.data.recipients.in_digest {
            if town
                .person(why.officer_id)
                .is_some_and(|person| !person.disabled)
            {
                news.entry(why.officer_id).or_default().add(&told, *why);
            }
        }
    }
    news
}

fn write(
    conn: &mut Conn,
    town: &Town,
    news: &BTreeMap<Uuid, News>,
    due_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Outcome<()> {
    if news.is_empty() {
        return Ok(());
    }
    // Where the town has chosen a time within its quiet hours, it wants them then.
    let chosen_quiet = quiet_until(town.settings().at(due_at).quiet_hours, due_at).is_some();
    let mut head = town::advance(conn, town.id)?;
    let rows = news
        .iter()
        .map(|(officer_id, news)| {
            let seq = head.next_notice();
            let reports = news.reports.len();
            let digest = DigestNotice {
                specversion: envelope::SPECVERSION,
                id: envelope::id(town.id, seq),
                source: envelope::source(town.id),
                r#type: format!("{}.{KIND}", envelope::TYPES),
                subject: *officer_id,
                time: now,
                datacontenttype: envelope::CONTENT_TYPE,
                data: DigestNoticeData {
                    seq,
                    officer_id: *officer_id,
                    notices: news.notices,
                    reports: news
                        .reports
                        .iter()
                        .rev()
                        .take(MOST_REPORTS)
                        .cloned()
                        .collect(),
                    reports_left_out: reports.saturating_sub(MOST_REPORTS),
                    text: digest_text(news.notices, reports),
                    // Added to what is sent, never frozen.
                    push_addresses: Vec::new(),
                },
            };
            Ok(NewNotice {
                town_id: Id(town.id),
                seq,
                kind: KIND,
                subject_id: Id(*officer_id),
                grid_id: Id(town.id),
                at: At(now),
                quiet_until: None,
                envelope: outbox::json(&digest)?,
                former_grid_id: None,
                breaks_quiet: chosen_quiet,
            })
        })
        .collect::<QueryResult<Vec<NewNotice>>>()?;
    outbox::insert(conn, &rows)?;
    town::save(conn, &head)?;
    Ok(())
}
