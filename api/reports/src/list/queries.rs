//! Lists of reports, newest first, within a scope.
//!
//! Owns the SQL that keeps a list as cheap with ten million reports as with ten thousand. Each
//! strand (an area or a participant, with one status) reads one index downward from a key, and the
//! strands are merged. For filters without an index, a page looks at no more than [`MOST_SCANNED`]
//! rows; then the page is short and has a cursor. Text search, in `record::search`, is one more way
//! to find candidates.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::report::{Category, Severity, Source, Status, WarningLevel};
use gridpatrol_domain::scope::Scope;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::record::rows::ReportRow;
use crate::record::search::{self, Search};
use gridpatrol_store::Conn;
use gridpatrol_store::conn::MultiBackend;
use gridpatrol_store::prepared_statement::{PreparedByText, padded};
use gridpatrol_store::schema::{report_participants, report_texts, reports};
use gridpatrol_store::types::{At, Coded, Id};

/// The most rows that one page may look at.
pub const MOST_SCANNED: i64 = 10_000;

/// How many candidates are read at a time when they do not come from an index of `reports`.
const CHUNK: i64 = 200;

/// The sort key of a list: newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// When the report was received.
    pub received_at: DateTime<Utc>,
    /// The report.
    pub id: Uuid,
}

impl Key {
    fn of(row: &ReportRow) -> Self {
        Self {
            received_at: row.received_at,
            id: row.id,
        }
    }
}

/// Where a page of a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// After this report.
    Newest(Key),
    /// After this entry of the search index.
    Found(i64),
}

/// Which reports are listed.
#[derive(Debug, Clone)]
pub enum View {
    /// Those in these areas; the scope shows all of them.
    Areas(Vec<GridPath>),
    /// Those in which the officer took part.
    Mine,
}

/// A box of WGS-84 degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Western edge.
    pub west: f64,
    /// Southern edge.
    pub south: f64,
    /// Eastern edge.
    pub east: f64,
    /// Northern edge.
    pub north: f64,
}

/// The filters of a list. An empty one filters nothing.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// These statuses.
    pub statuses: Vec<Status>,
    /// Held by these tiers.
    pub tiers: Vec<Tier>,
    /// These categories.
    pub categories: Vec<Category>,
    /// These severities.
    pub severities: Vec<Severity>,
    /// From these sources.
    pub sources: Vec<Source>,
    /// These warning levels.
    pub colours: Vec<WarningLevel>,
    /// Late or not, as the clock has marked them: late is red and not void.
    pub overdue: Option<bool>,
    /// Received at or after this time.
    pub from: Option<DateTime<Utc>>,
    /// Received before this time.
    pub to: Option<DateTime<Utc>>,
    /// Within this box.
    pub bounds: Option<Bounds>,
}

impl Filter {
    /// Whether a filter has no index for this area. The reports of a group are indexed by time
    /// only, those of a village and a town by status and category too.
    fn scans(&self, area: GridPath) -> bool {
        let by_time_alone = area.tier() == Tier::Group;
        !self.tiers.is_empty()
            || (by_time_alone && !self.statuses.is_empty())
            || self.categories.len() > 1
            || (self.categories.len() == 1 && (by_time_alone || self.statuses.is_empty()))
            || !self.severities.is_empty()
            || !self.sources.is_empty()
            || self.overdue.is_some()
            || (!self.colours.is_empty() && self.colours_by_index(area).is_none())
            || self.bounds.is_some()
    }

    /// The warning levels whose index serves the list of this area; none if it is not read by
    /// warning level. Green has no index, because most reports are green.
    fn colours_by_index(&self, area: GridPath) -> Option<Vec<WarningLevel>> {
        if area.tier() == Tier::Group || !self.statuses.is_empty() {
            return None;
        }
        let late = |colour: &WarningLevel| *colour == WarningLevel::Red;
        let colours: Vec<WarningLevel> = match (self.overdue, self.colours.is_empty()) {
            (Some(true), true) => vec![WarningLevel::Red],
            (Some(true), false) => self.colours.iter().copied().filter(late).collect(),
            (_, _) => self.colours.clone(),
        };
        (!colours.is_empty() && !colours.contains(&WarningLevel::Green)).then_some(colours)
    }
}

/// A page of rows, and where the next one starts.
pub struct Rows {
    /// Newest first.
    pub rows: Vec<ReportRow>,
    /// Absent at the end.
    pub next: Option<Position>,
}

type Boxed<'a> = reports::BoxedQuery<'a, MultiBackend>;

/// One page.
pub fn page(
    conn: &mut Conn,
    scope: &Scope,
    view: &View,
    filter: &Filter,
    search: Option<&Search>,
    after: Option<Position>,
    limit: usize,
) -> QueryResult<Rows> {
    match (search, view) {
        (Some(search), _) => found(conn, scope, view, filter, search, after, limit),
        (None, View::Mine) => mine(conn, scope, filter, after, limit),
        (None, View::Areas(areas)) => in_areas(conn, areas, filter, after, limit),
    }
}

/// The conditions of the filter, including those that an index serves.
fn narrowed<'a>(mut query: Boxed<'a>, filter: &Filter) -> Boxed<'a> {
    fn coded<T: gridpatrol_domain::coded_value::CodedValue>(values: &[T]) -> Vec<Coded<T>> {
        padded(values.iter().copied().map(Coded))
    }
    if !filter.statuses.is_empty() {
        query = query.filter(reports::status.eq_any(coded(&filter.statuses)));
    }
    if !filter.tiers.is_empty() {
        query = query.filter(reports::holder_tier.eq_any(coded(&filter.tiers)));
    }
    if !filter.categories.is_empty() {
        query = query.filter(reports::category.eq_any(coded(&filter.categories)));
    }
    if !filter.severities.is_empty() {
        query = query.filter(reports::severity.eq_any(coded(&filter.severities)));
    }
    if !filter.sources.is_empty() {
        query = query.filter(reports::source.eq_any(coded(&filter.sources)));
    }
    if let Some(from) = filter.from {
        query = query.filter(reports::received_at.ge(At(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(reports::received_at.lt(At(to)));
    }
    if let Some(bounds) = filter.bounds {
        query = query
            .filter(reports::lat.between(bounds.south, bounds.north))
            .filter(reports::lon.between(bounds.west, bounds.east));
    }
    if !filter.colours.is_empty() {
        query = query.filter(reports::colour.eq_any(coded(&filter.colours)));
    }
    match filter.overdue {
        Some(true) => query
            .filter(reports::colour.eq(Coded(WarningLevel::Red)))
            .filter(reports::status.ne(Coded(Status::Void))),
        Some(false) => query.filter(
            reports::colour
                .ne(Coded(WarningLevel::Red))
                .or(reports::status.eq(Coded(Status::Void))),
        ),
        None => query,
    }
}

/// One pass down an index: what all its reports have in common.
#[derive(Debug, Clone, Copy)]
enum Strand {
    Any,
    Status(Status),
    WarningLevel(WarningLevel),
}

impl Strand {
    /// The strands that make up a list of this area.
    fn of(filter: &Filter, area: GridPath) -> Vec<Self> {
        if let Some(colours) = filter.colours_by_index(area) {
            return colours.into_iter().map(Self::WarningLevel).collect();
        }
        if filter.statuses.is_empty() || area.tier() == Tier::Group {
            return vec![Self::Any];
        }
        filter.statuses.iter().copied().map(Self::Status).collect()
    }
}

/// Reports of an area in one strand after a key, in list order.
fn strand<'a>(area: GridPath, strand: Strand, filter: &Filter, after: Option<Key>) -> Boxed<'a> {
    let mut query = reports::table.into_boxed::<MultiBackend>();
    query = match area.tier() {
        Tier::Town => query.filter(reports::town_id.eq(Id(area.id()))),
        Tier::Village => query.filter(reports::village_id.eq(Some(area.id()))),
        Tier::Group => query.filter(reports::group_id.eq(Some(area.id()))),
    };
    match strand {
        Strand::Any => {}
        Strand::Status(status) => {
            query = query.filter(reports::status.eq(Coded(status)));
            if let [category] = filter.categories.as_slice() {
                query = query.filter(reports::category.eq(Coded(*category)));
            }
        }
        // Written exactly as in the index, so that the database uses the index.
        Strand::WarningLevel(colour) => {
            query = query
                .filter(sql::<Bool>("reports.colour <> 'green'"))
                .filter(reports::colour.eq(Coded(colour)));
        }
    }
    if let Some(from) = filter.from {
        query = query.filter(reports::received_at.ge(At(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(reports::received_at.lt(At(to)));
    }
    if let Some(after) = after {
        query = query
            .filter(reports::received_at.le(At(after.received_at)))
            .filter(
                reports::received_at
                    .lt(At(after.received_at))
                    .or(reports::id.lt(Id(after.id))),
            );
    }
    query.order((reports::received_at.desc(), reports::id.desc()))
}

fn in_areas(
    conn: &mut Conn,
    areas: &[GridPath],
    filter: &Filter,
    after: Option<Position>,
    limit: usize,
) -> QueryResult<Rows> {
    let after = match after {
        Some(Position::Newest(key)) => Some(key),
        _ => None,
    };
    let strands: Vec<(GridPath, Strand)> = areas
        .iter()
        .flat_map(|area| {
            let strands = Strand::of(filter, *area).into_iter();
            strands.map(|strand| (*area, strand))
        })
        .collect();
    // The strands share the rows that one page may look at.
    let share = i64::try_from(strands.len()).map_or(1, |strands| MOST_SCANNED / strands.max(1));
    let mut rows = Vec::new();
    let mut floor: Option<Key> = None;
    for (area, along) in strands {
        let mut query = strand(area, along, filter, after);
        if filter.scans(area) {
            // How far down this page may look: an index-only scan finds the key.
            let deepest = strand(area, along, filter, after)
                .select((reports::received_at, reports::id))
                .offset(share.max(1) - 1)
                .limit(1);
            let deepest = PreparedByText(deepest)
                .get_result::<(DateTime<Utc>, Uuid)>(conn)
                .optional()?;
            if let Some((received_at, id)) = deepest {
                let key = Key { received_at, id };
                floor = floor.max(Some(key));
                query = query.filter(reports::received_at.ge(At(received_at)));
            }
            query = narrowed(query, filter);
        }
        let query = query.limit(more_than(limit)).select(ReportRow::as_select());
        rows.extend(PreparedByText(query).load::<ReportRow>(conn)?);
    }
    rows.sort_by_key(|row| std::cmp::Reverse(Key::of(row)));
    rows.retain(|row| floor.is_none_or(|floor| Key::of(row) >= floor));
    Ok(cut(rows, limit, floor.map(Position::Newest)))
}

fn more_than(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1
}

/// Makes the page from these rows; `scanned_to` is where the search stopped if the page is short.
fn cut(mut rows: Vec<ReportRow>, limit: usize, scanned_to: Option<Position>) -> Rows {
    let next = if rows.len() > limit {
        rows.truncate(limit);
        rows.last().map(|row| Position::Newest(Key::of(row)))
    } else {
        scanned_to
    };
    Rows { rows, next }
}

fn mine(
    conn: &mut Conn,
    scope: &Scope,
    filter: &Filter,
    after: Option<Position>,
    limit: usize,
) -> QueryResult<Rows> {
    let mut after = match after {
        Some(Position::Newest(key)) => Some(key),
        _ => None,
    };
    let mut rows = Vec::new();
    let mut looked_at = 0;
    // Most pages are full after the first read.
    let mut most = more_than(limit);
    loop {
        // Each participant is a strand, so the same report may come more than once.
        let mut keys = Vec::new();
        for participant in scope.participants() {
            keys.extend(took_part(conn, scope, *participant, filter, after, most)?);
        }
        keys.sort_unstable_by(|one, other| other.cmp(one));
        keys.dedup();
        keys.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        most = CHUNK;
        let Some(last) = keys.last().copied() else {
            return Ok(cut(rows, limit, None));
        };
        looked_at += i64::try_from(keys.len()).unwrap_or(i64::MAX);
        let ids = padded(keys.iter().map(|key| Id(key.id)));
        let chunk = narrowed(
            reports::table.into_boxed().filter(reports::id.eq_any(ids)),
            filter,
        )
        .select(ReportRow::as_select());
        let mut chunk: Vec<ReportRow> = PreparedByText(chunk).load(conn)?;
        chunk.sort_by_key(|row| std::cmp::Reverse(Key::of(row)));
        rows.extend(chunk);
        after = Some(last);
        if rows.len() > limit || looked_at >= MOST_SCANNED {
            return Ok(cut(rows, limit, Some(Position::Newest(last))));
        }
    }
}

fn took_part(
    conn: &mut Conn,
    scope: &Scope,
    participant: Uuid,
    filter: &Filter,
    after: Option<Key>,
    most: i64,
) -> QueryResult<Vec<Key>> {
    use report_participants as part;
    let mut query = part::table
        .filter(part::participant_id.eq(Id(participant)))
        .filter(part::town_id.eq_any(padded(scope.towns().iter().copied().map(Id))))
        .into_boxed::<MultiBackend>();
    if let Some(from) = filter.from {
        query = query.filter(part::received_at.ge(At(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(part::received_at.lt(At(to)));
    }
    if let Some(after) = after {
        query = query
            .filter(part::received_at.le(At(after.received_at)))
            .filter(
                part::received_at
                    .lt(At(after.received_at))
                    .or(part::report_id.lt(Id(after.id))),
            );
    }
    let query = query
        .order((part::received_at.desc(), part::report_id.desc()))
        .limit(most)
        .select((part::received_at, part::report_id));
    let keys: Vec<(DateTime<Utc>, Uuid)> = PreparedByText(query).load(conn)?;
    Ok(keys
        .into_iter()
        .map(|(received_at, id)| Key { received_at, id })
        .collect())
}

fn found(
    conn: &mut Conn,
    scope: &Scope,
    view: &View,
    filter: &Filter,
    search: &Search,
    after: Option<Position>,
    limit: usize,
) -> QueryResult<Rows> {
    let mut before = match after {
        Some(Position::Found(entry)) => Some(entry),
        _ => None,
    };
    let within: Vec<Uuid> = match view {
        View::Areas(areas) => areas.iter().map(|area| area.id()).collect(),
        View::Mine => scope.towns().to_vec(),
    };
    let mut rows: Vec<(i64, ReportRow)> = Vec::new();
    let mut looked_at = 0;
    loop {
        let entries = search::candidates(conn, search, &within, before, CHUNK)?;
        let Some(last) = entries.last().copied() else {
            return Ok(cut_found(rows, limit, None));
        };
        looked_at += CHUNK;
        let mut query = narrowed(reports::table.into_boxed(), filter).filter(
            reports::id.eq_any(
                report_texts::table
                    .filter(report_texts::search_id.eq_any(padded(entries)))
                    .select(report_texts::report_id),
            ),
        );
        if let View::Mine = view {
            query = query.filter(
                reports::id.eq_any(
                    report_participants::table
                        .filter(
                            report_participants::participant_id
                                .eq_any(padded(scope.participants().iter().copied().map(Id))),
                        )
                        .select(report_participants::report_id),
                ),
            );
        }
        let candidates: Vec<ReportRow> =
            PreparedByText(query.select(ReportRow::as_select())).load(conn)?;
        rows.extend(search::confirmed(conn, search, candidates)?);
        before = Some(last);
        if rows.len() > limit || looked_at >= MOST_SCANNED {
            return Ok(cut_found(rows, limit, Some(Position::Found(last))));
        }
    }
}

fn cut_found(mut rows: Vec<(i64, ReportRow)>, limit: usize, scanned_to: Option<Position>) -> Rows {
    rows.sort_by_key(|(entry, _)| std::cmp::Reverse(*entry));
    let next = if rows.len() > limit {
        rows.truncate(limit);
        rows.last().map(|(entry, _)| Position::Found(*entry))
    } else {
        scanned_to
    };
    Rows {
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        next,
    }
}
