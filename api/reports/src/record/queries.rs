//! SQL for single reports: find within a scope, lock, insert, update, participants, record.
//!
//! Owns statements only. Each one that reads on behalf of somebody takes that one's [`Scope`].
//! Lists stand in `list`, the inbox in `inbox`, text search in `search`.

use std::collections::HashMap;

use diesel::prelude::*;
use gridpatrol_domain::scope::Scope;
use uuid::Uuid;

use crate::record::changes::Changes;
use crate::record::rows::{ReportRow, TextsRow};
use gridpatrol_store::prepared_statement::{PreparedByText, padded};
use gridpatrol_store::schema::{events, report_hands, report_participants, report_texts, reports};
use gridpatrol_store::types::{At, Id};
use gridpatrol_store::{Conn, locked, on_each, prepared};

/// A report, its texts and where its texts are indexed.
#[derive(Debug, Clone)]
pub struct Found {
    /// The narrow row.
    pub row: ReportRow,
    /// The texts.
    pub texts: TextsRow,
    /// The key of the search index.
    pub search_id: i64,
}

/// The report if the scope shows it.
pub fn find(conn: &mut Conn, scope: &Scope, id: Uuid) -> QueryResult<Option<Found>> {
    let row = on_each!(conn, c => reports::table
        .filter(reports::id.eq(Id(id)))
        .select(ReportRow::as_select())
        .first(c))
    .optional()?;
    seen(conn, scope, row)
}

/// As [`find`], and keeps the row locked until the transaction ends.
pub fn find_locked(conn: &mut Conn, scope: &Scope, id: Uuid) -> QueryResult<Option<Found>> {
    let row = locked!(
        conn,
        reports::table
            .filter(reports::id.eq(Id(id)))
            .select(ReportRow::as_select()),
        first
    )
    .optional()?;
    seen(conn, scope, row)
}

/// The report whoever asks: only for its own reporter, who has proved to know the filing.
pub fn find_any(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Found>> {
    let row = reports::table
        .filter(reports::id.eq(Id(id)))
        .select(ReportRow::as_select())
        .first(conn)
        .optional()?;
    row.map(|row| whole(conn, row)).transpose()
}

fn seen(conn: &mut Conn, scope: &Scope, row: Option<ReportRow>) -> QueryResult<Option<Found>> {
    let Some(row) = row else { return Ok(None) };
    if !scope.sees(row.place()) && !took_part(conn, scope, &row)? {
        return Ok(None);
    }
    whole(conn, row).map(Some)
}

fn whole(conn: &mut Conn, row: ReportRow) -> QueryResult<Found> {
    let (search_id, texts) = on_each!(conn, c => report_texts::table
        .filter(report_texts::report_id.eq(Id(row.id)))
        .select((report_texts::search_id, TextsRow::as_select()))
        .first(c))?;
    Ok(Found {
        row,
        texts,
        search_id,
    })
}

fn took_part(conn: &mut Conn, scope: &Scope, row: &ReportRow) -> QueryResult<bool> {
    if !scope.in_town(row.town_id) {
        return Ok(false);
    }
    diesel::select(diesel::dsl::exists(
        report_participants::table
            .filter(report_participants::report_id.eq(Id(row.id)))
            .filter(
                report_participants::participant_id
                    .eq_any(scope.participants().iter().copied().map(Id)),
            ),
    ))
    .get_result(conn)
}

/// Whether the scope shows a report that was found in another way.
pub fn shows(conn: &mut Conn, scope: &Scope, row: &ReportRow) -> QueryResult<bool> {
    Ok(scope.sees(row.place()) || took_part(conn, scope, row)?)
}

/// Whether the scope shows a report of this id.
pub fn sees(conn: &mut Conn, scope: &Scope, id: Uuid) -> QueryResult<bool> {
    let row = reports::table
        .filter(reports::id.eq(Id(id)))
        .select(ReportRow::as_select())
        .first(conn)
        .optional()?;
    match row {
        Some(row) => Ok(scope.sees(row.place()) || took_part(conn, scope, &row)?),
        None => Ok(false),
    }
}

/// Who filed the report of this id, and the hash of the filing request: whether an id is taken is no
/// secret, for clients choose it.
pub fn filing_of(conn: &mut Conn, id: Uuid) -> QueryResult<Option<(Uuid, Vec<u8>)>> {
    let filing = reports::table
        .inner_join(report_texts::table.on(report_texts::report_id.eq(reports::id)))
        .filter(reports::id.eq(Id(id)))
        .select((reports::reporter_id, report_texts::filing_hash));
    on_each!(conn, c => filing.first(c)).optional()
}

/// Makes filings of one id wait for each other. SQLite's one writer does so anyway.
pub fn lock_id(conn: &mut Conn, id: Uuid) -> QueryResult<()> {
    on_each!(conn,
        sqlite _c => Ok(()),
        postgres c => {
            let (high, low) = id.as_u64_pair();
            diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
                .bind::<diesel::sql_types::BigInt, _>((high ^ low).cast_signed())
                .execute(c)
                .map(|_| ())
        },
    )
}

/// The town of a report, if that is one of the scope's towns.
pub fn town_of(conn: &mut Conn, scope: &Scope, id: Uuid) -> QueryResult<Option<Uuid>> {
    reports::table
        .filter(reports::id.eq(Id(id)))
        .filter(reports::town_id.eq_any(scope.towns().iter().copied().map(Id)))
        .select(reports::town_id)
        .first(conn)
        .optional()
}

/// Writes a new report; answers the key of the search index.
pub fn insert(conn: &mut Conn, row: &ReportRow, texts: &TextsRow) -> QueryResult<i64> {
    let report = diesel::insert_into(reports::table).values(row.clone());
    prepared!(conn, report, execute)?;
    let texts = diesel::insert_into(report_texts::table)
        .values(texts.clone())
        .returning(report_texts::search_id);
    prepared!(conn, texts, get_result)
}

/// Locks these reports of a town, in the order of their ids.
pub fn lock(conn: &mut Conn, town: Uuid, ids: &[Uuid]) -> QueryResult<()> {
    let locked: QueryResult<Vec<Uuid>> = locked!(
        conn,
        reports::table
            .filter(reports::town_id.eq(Id(town)))
            .filter(reports::id.eq_any(ids.iter().copied().map(Id)))
            .order(reports::id)
            .select(reports::id),
        load
    );
    locked.map(drop)
}

/// The numbers of these reports.
pub fn numbers_of(conn: &mut Conn, ids: Vec<Uuid>) -> QueryResult<HashMap<Uuid, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = padded(ids.into_iter().map(Id));
    let numbers: Vec<(Uuid, String)> = PreparedByText(
        reports::table
            .filter(reports::id.eq_any(ids))
            .select((reports::id, reports::number)),
    )
    .load(conn)?;
    Ok(numbers.into_iter().collect())
}

/// The reports that are void as duplicates of one of these, each with who filed it.
pub fn duplicates_of(conn: &mut Conn, ids: Vec<Uuid>) -> QueryResult<Vec<(Uuid, Uuid)>> {
    let ids = padded(ids.into_iter().map(Id));
    let duplicates = reports::table
        .filter(reports::duplicate_of.assume_not_null().eq_any(ids))
        .order(reports::id)
        .select((reports::id, reports::reporter_id));
    PreparedByText(duplicates).load(conn)
}

/// Writes the row as it is now, and who works on it. `before` is what it was.
pub fn update(conn: &mut Conn, before: &ReportRow, row: &ReportRow) -> QueryResult<()> {
    keep_hands(conn, before, row)?;
    let Some(changes) = Changes::between(before, row) else {
        return Ok(());
    };
    let update = diesel::update(reports::table)
        .filter(reports::town_id.eq(Id(row.town_id)))
        .filter(reports::id.eq(Id(row.id)))
        .set(changes);
    // It takes as many forms as there are kinds of actions.
    on_each!(conn, c => PreparedByText(update).execute(c).map(drop))
}

/// Keeps the index of who works on a report: it holds what waits now and nothing of the past.
fn keep_hands(conn: &mut Conn, before: &ReportRow, row: &ReportRow) -> QueryResult<()> {
    let (former, assignees) = (before.assignees(), row.assignees());
    if former == assignees {
        return Ok(());
    }
    diesel::delete(report_hands::table.filter(report_hands::report_id.eq(Id(row.id))))
        .execute(conn)?;
    for assignee in assignees {
        let here = (
            report_hands::hand_id.eq(Id(assignee)),
            report_hands::report_id.eq(Id(row.id)),
        );
        diesel::insert_into(report_hands::table)
            .values(here)
            .execute(conn)?;
    }
    Ok(())
}

/// Writes the texts as they are now.
pub fn update_texts(conn: &mut Conn, texts: &TextsRow) -> QueryResult<()> {
    let update = diesel::update(report_texts::table)
        .filter(report_texts::report_id.eq(Id(texts.report_id)))
        .set(texts.clone());
    prepared!(conn, update, execute).map(drop)
}

/// Gives somebody lasting sight of a report: an officer, or a grid.
pub fn add_participant(conn: &mut Conn, row: &ReportRow, participant: Uuid) -> QueryResult<()> {
    on_each!(conn, c => prepared!(diesel::insert_into(report_participants::table)
        .values((
            report_participants::participant_id.eq(Id(participant)),
            report_participants::report_id.eq(Id(row.id)),
            report_participants::town_id.eq(Id(row.town_id)),
            report_participants::received_at.eq(At(row.received_at)),
        ))
        .on_conflict_do_nothing())
    .execute(c)
    .map(drop))
}

/// One entry of the record.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = events)]
pub struct EventRow {
    /// Its place in the town's chain.
    pub seq: i64,
    /// What happened.
    pub kind: String,
    /// When.
    pub at: chrono::DateTime<chrono::Utc>,
    /// Who.
    pub actor_id: Option<Uuid>,
    /// Non-personal facts, canonical JSON.
    pub header: String,
    /// What was said and changed.
    pub payload: Option<String>,
    /// The link of the chain.
    pub hash: Vec<u8>,
}

/// The record of a report that the caller was found to see, oldest first.
pub fn events_of(
    conn: &mut Conn,
    found: &Found,
    after: i64,
    most: i64,
) -> QueryResult<Vec<EventRow>> {
    events::table
        .filter(events::subject_id.eq(Id(found.row.id)))
        .filter(events::town_id.eq(Id(found.row.town_id)))
        .filter(events::seq.gt(after))
        .order(events::seq)
        .limit(most)
        .select(EventRow::as_select())
        .load(conn)
}

/// The texts of several reports.
pub fn texts_of(conn: &mut Conn, ids: &[Uuid]) -> QueryResult<Vec<TextsRow>> {
    let ids = padded(ids.iter().copied().map(Id));
    on_each!(conn, c => PreparedByText(report_texts::table
        .filter(report_texts::report_id.eq_any(ids))
        .select(TextsRow::as_select()))
    .load(c))
}
