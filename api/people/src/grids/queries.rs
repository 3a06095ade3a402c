//! SQL for grids.
//!
//! Owns statements only.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::ExecuteCopyFromDsl as _;
use diesel::prelude::*;
use gridpatrol_domain::grid::Tier;
use uuid::Uuid;

use crate::towns::snapshot::Grid;
use gridpatrol_store::schema::{events, grid_codes, grids};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, on_each, prepared};

/// Values of one `IN`, rows of one insert.
const AT_ONCE: usize = 500;

/// Which of these codes are former codes, and of which grids.
///
/// # Errors
/// If the database fails.
pub fn former_codes(conn: &mut Conn, codes: &[&str]) -> QueryResult<HashMap<String, Uuid>> {
    let mut found = HashMap::new();
    for codes in codes.chunks(AT_ONCE) {
        let rows: Vec<(String, Uuid)> = grid_codes::table
            .filter(grid_codes::code.eq_any(codes.iter().copied()))
            .select((grid_codes::code, grid_codes::grid_id))
            .load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Whether any grid has this code, including grids of towns that are not published yet.
///
/// # Errors
/// If the database fails.
pub fn code_exists(conn: &mut Conn, code: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        grids::table.filter(grids::code.eq(code)),
    ))
    .get_result(conn)
}

/// Whether any grid has this id.
///
/// # Errors
/// If the database fails.
pub fn id_exists(conn: &mut Conn, id: Uuid) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(grids::table.find(Id(id)))).get_result(conn)
}

/// Stores a grid's code as a former code that ends at this instant.
///
/// # Errors
/// If the database fails.
pub fn keep_code(conn: &mut Conn, grid: &Grid, until: DateTime<Utc>) -> QueryResult<()> {
    diesel::insert_into(grid_codes::table)
        .values((
            grid_codes::grid_id.eq(Id(grid.id)),
            grid_codes::valid_from.eq(At(grid.code_from)),
            grid_codes::valid_to.eq(At(until)),
            grid_codes::code.eq(&grid.code),
        ))
        .execute(conn)
        .map(drop)
}

/// A code with its dates.
pub type DatedCode = (String, DateTime<Utc>, DateTime<Utc>);

/// The former codes of a grid with their dates.
///
/// # Errors
/// If the database fails.
pub fn codes_of(conn: &mut Conn, grid: Uuid) -> QueryResult<Vec<DatedCode>> {
    grid_codes::table
        .filter(grid_codes::grid_id.eq(Id(grid)))
        .order(grid_codes::valid_from)
        .select((
            grid_codes::code,
            grid_codes::valid_from,
            grid_codes::valid_to,
        ))
        .load(conn)
}

/// One entry of a grid's history.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = events)]
#[allow(missing_docs)] // The migration explains the columns.
pub struct HistoryRow {
    pub seq: i64,
    pub kind: String,
    pub at: DateTime<Utc>,
    pub actor_id: Option<Uuid>,
    pub payload: Option<String>,
}

/// The history of a grid, latest first, before a position in the town's chain.
///
/// # Errors
/// If the database fails.
pub fn history_of(
    conn: &mut Conn,
    town: Uuid,
    grid: Uuid,
    before: i64,
    most: i64,
) -> QueryResult<Vec<HistoryRow>> {
    events::table
        .filter(events::subject_id.eq(Id(grid)))
        .filter(events::town_id.eq(Id(town)))
        .filter(events::subject_kind.eq("grid"))
        .filter(events::seq.lt(before))
        .order(events::seq.desc())
        .limit(most)
        .select(HistoryRow::as_select())
        .load(conn)
}

/// How many grids these towns have.
///
/// # Errors
/// If the database fails.
pub fn sizes_of(conn: &mut Conn, towns: &HashSet<Uuid>) -> QueryResult<HashMap<Uuid, usize>> {
    let mut sizes = HashMap::new();
    for town in towns {
        let size: i64 = grids::table
            .filter(grids::town_id.eq(Id(*town)))
            .count()
            .get_result(conn)?;
        sizes.insert(*town, usize::try_from(size).unwrap_or(usize::MAX));
    }
    Ok(sizes)
}

/// Writes the fields of a grid that can change.
///
/// # Errors
/// If the database fails.
pub fn update(conn: &mut Conn, grid: &Grid) -> QueryResult<()> {
    let update = diesel::update(grids::table.find(Id(grid.id))).set((
        grids::village_id.eq(grid.path.village_id()),
        grids::parent_id.eq(grid.parent_id),
        grids::code.eq(&grid.code),
        grids::name.eq(&grid.name),
        grids::contact.eq(&grid.contact),
        grids::version.eq(grid.version),
        grids::valid_from.eq(At(grid.valid_from)),
        grids::valid_to.eq(grid.valid_to),
        grids::successor_id.eq(grid.successor_id),
        grids::code_from.eq(At(grid.code_from)),
    ));
    prepared!(conn, update, execute).map(drop)
}

#[derive(Insertable)]
#[diesel(table_name = grids, treat_none_as_default_value = false)]
struct NewGrid<'a> {
    id: Id,
    town_id: Id,
    village_id: Option<Uuid>,
    parent_id: Option<Uuid>,
    tier: Coded<Tier>,
    code: &'a str,
    name: &'a str,
    contact: Option<&'a str>,
    created_at: At,
    valid_from: At,
    code_from: At,
}

/// Adds grids, each after its parent.
///
/// # Errors
/// If the database fails.
pub fn add_grids(conn: &mut Conn, new: &[&Grid], now: DateTime<Utc>) -> QueryResult<()> {
    for new in new.chunks(AT_ONCE) {
        let rows: Vec<NewGrid<'_>> = new
            .iter()
            .map(|grid| NewGrid {
                id: Id(grid.id),
                town_id: Id(grid.path.town_id()),
                // A village counts as below itself, so this finds it together with its groups.
                village_id: grid.path.village_id(),
                parent_id: grid.parent_id,
                tier: Coded(grid.tier()),
                code: &grid.code,
                name: &grid.name,
                contact: grid.contact.as_deref(),
                created_at: At(now),
                valid_from: At(grid.valid_from),
                code_from: At(grid.code_from),
            })
            .collect();
        on_each!(conn,
            sqlite c => rows.iter().try_for_each(|row| {
                diesel::insert_into(grids::table).values(row).execute(c).map(drop)
            }),
            postgres c => diesel::copy_from(grids::table)
                .from_insertable(&rows)
                .execute(c)
                .map(drop),
        )?;
    }
    Ok(())
}
