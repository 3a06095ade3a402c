//! Digests: what an officer should know, collected until the times that the town has set.
//!
//! Owns when digests are due, the one envelope for each officer who has news, and the rows of
//! `town_digests`. It must not decide who is told by a digest: that was settled when the event
//! happened, and is in the notices.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::notice::hours::{next_digest, quiet_until};
use gridpatrol_domain::notice::{Informed, Text, digest_text};
use serde::Deserialize;
use uuid::Uuid;

use super::envelope::{self, DigestNotice, DigestNoticeData, DigestReport};
use super::outbox::{self, NewNotice};
use gridpatrol_people::towns::directory::{Directory, Town};
use gridpatrol_store::schema::{notices, town_digests, towns};
use gridpatrol_store::types::{At, Id};
use gridpatrol_store::{Conn, Outcome, locked, on_each, town};

/// The kind of a digest notice.
const KIND: &str = "digest";
/// How many notices are read at a time.
const AT_ONCE: i64 = 2000;
/// How many reports a digest lists: those with the latest news. The others are only counted.
const MOST_REPORTS: usize = 50;
/// When to look again if no working day is in sight.
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

/// Towns that have notices and never had a digest.
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

/// The parts of a notice that a digest reads.
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

/// The news for one officer.
#[derive(Debug, Default)]
struct News {
    notices: usize,
    /// How many notices there are about each report.
    of_report: HashMap<Uuid, usize>,
    /// The reports with the latest notices, the newest last.
    latest: VecDeque<DigestReport>,
}

impl News {
    fn add(&mut self, told: &Told, why: Informed) {
        let report = &told.data.report;
        self.notices += 1;
        let notices = self.of_report.entry(report.id).or_default();
        *notices += 1;
        self.latest.retain(|one| one.id != report.id);
        self.latest.push_back(DigestReport {
            id: report.id,
            number: report.number.clone(),
            status: report.status.clone(),
            why: why.why,
            notices: *notices,
            kind: told.data.kind.clone(),
            time: told.time,
            text: told.data.text.clone(),
        });
        if self.latest.len() > MOST_REPORTS {
            self.latest.pop_front();
        }
    }
}

/// The news in a town.
#[derive(Debug)]
pub struct Gathered {
    town_id: Uuid,
    /// Covers the notices after `from`, up to `upto`.
    from: i64,
    upto: i64,
    due_at: DateTime<Utc>,
    news: BTreeMap<Uuid, News>,
}

/// Collects the news in a town, if its digests are due. One digest tells all of it, however much
/// there is. Memory holds only what the digest will say, and no lock is held meanwhile.
///
/// # Errors
/// If the database fails.
pub fn gather(
    conn: &mut Conn,
    directory: &Directory,
    town_id: Uuid,
    now: DateTime<Utc>,
) -> Outcome<Option<Gathered>> {
    let row: Option<(i64, DateTime<Utc>)> = town_digests::table
        .find(Id(town_id))
        .select((town_digests::seq, town_digests::due_at))
        .first(conn)
        .optional()?;
    let Some((from, due_at)) = row.filter(|(_, due)| *due <= now) else {
        return Ok(None);
    };
    let town = directory.town(conn, town_id)?;
    let upto: i64 = towns::table
        .find(Id(town_id))
        .select(towns::notice_seq)
        .first(conn)?;
    let mut news = BTreeMap::new();
    let mut seq = from;
    loop {
        let found: Vec<(i64, String)> = notices::table
            .filter(notices::town_id.eq(Id(town_id)))
            .filter(notices::seq.gt(seq))
            .filter(notices::seq.le(upto))
            .order(notices::seq)
            .limit(AT_ONCE)
            .select((notices::seq, notices::envelope))
            .load(conn)?;
        let Some((last, _)) = found.last() else { break };
        seq = *last;
        add(&mut news, &town, &found);
    }
    Ok(Some(Gathered {
        town_id,
        from,
        upto,
        due_at,
        news,
    }))
}

/// Adds the news in these notices, by officer, for officers who are still in service.
fn add(news: &mut BTreeMap<Uuid, News>, town: &Town, found: &[(i64, String)]) {
    // Digests themselves add nothing, and neither do notices from older versions of the program.
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
}

/// Writes the collected digests, unless another process has done so.
///
/// # Errors
/// If the database fails.
pub fn make(
    conn: &mut Conn,
    directory: &Directory,
    gathered: &Gathered,
    now: DateTime<Utc>,
) -> Outcome<()> {
    let town_id = gathered.town_id;
    let row: Option<(i64, DateTime<Utc>)> = locked!(
        conn,
        town_digests::table
            .find(Id(town_id))
            .select((town_digests::seq, town_digests::due_at)),
        first
    )
    .optional()?;
    if row != Some((gathered.from, gathered.due_at)) {
        return Ok(());
    }
    let town = directory.town(conn, town_id)?;
    write(conn, &town, &gathered.news, gathered.due_at, now)?;
    diesel::update(town_digests::table.find(Id(town_id)))
        .set((
            town_digests::seq.eq(gathered.upto),
            town_digests::due_at.eq(At(following(&town, now))),
        ))
        .execute(conn)?;
    Ok(())
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
    // A digest time within the quiet hours is what the town chose, so the digest is not held back.
    let chosen_quiet = quiet_until(town.settings().at(due_at).quiet_hours, due_at).is_some();
    let mut head = town::advance(conn, town.id)?;
    let rows = news
        .iter()
        .map(|(officer_id, news)| {
            let seq = head.next_notice();
            let reports = news.of_report.len();
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
                    reports: news.latest.iter().rev().cloned().collect(),
                    reports_left_out: reports.saturating_sub(MOST_REPORTS),
                    text: digest_text(news.notices, reports),
                    // Added when it is sent; the stored envelope does not hold it.
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
