//! SQL of grids, and of who is posted in a town.
//!
//! Owns statements only.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::ExecuteCopyFromDsl as _;
use diesel::prelude::*;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::notice::NotificationMode;
use gridpatrol_domain::officer::{Covers, Role};
use uuid::Uuid;

use super::directory::{DatedAbsence, DatedDeputy, DatedPosting, Grid, Person, Shift};
use crate::store::Conn;
use crate::store::schema::{
    absences, deputies, duty_shifts, events, grid_codes, grids, officers, postings,
    service_accounts, towns,
};
use crate::store::types::{At, Coded, Id};
use crate::{fixed, on_each};

/// Values of one `IN`, rows of one insert.
const AT_ONCE: usize = 500;

/// The path of a grid from its row. None for a group without a village, which the program never
/// makes.
#[must_use]
pub fn path(id: Uuid, town: Uuid, village: Option<Uuid>, tier: Tier) -> Option<GridPath> {
    match tier {
        Tier::Town => Some(GridPath::town(town)),
        Tier::Village => Some(GridPath::village(town, id)),
        Tier::Group => village.map(|village| GridPath::group(town, village, id)),
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = grids)]
struct GridRow {
    id: Uuid,
    town_id: Uuid,
    village_id: Option<Uuid>,
    parent_id: Option<Uuid>,
    tier: Coded<Tier>,
    code: String,
    name: String,
    contact: Option<String>,
    version: i64,
    valid_from: DateTime<Utc>,
    valid_to: Option<DateTime<Utc>>,
    successor_id: Option<Uuid>,
    code_from: DateTime<Utc>,
}

impl GridRow {
    fn grid(self) -> QueryResult<Grid> {
        let path = path(self.id, self.town_id, self.village_id, self.tier.0).ok_or_else(|| {
            let reason = format!("group {} has no village", self.id);
            diesel::result::Error::DeserializationError(reason.into())
        })?;
        Ok(Grid {
            id: self.id,
            code: self.code,
            name: self.name,
            path,
            parent_id: self.parent_id,
            contact: self.contact,
            version: self.version,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            successor_id: self.successor_id,
            code_from: self.code_from,
        })
    }
}

/// All grids of a town by code.
///
/// # Errors
/// If the database fails.
pub fn grids_of(conn: &mut Conn, town: Uuid) -> QueryResult<Vec<Grid>> {
    let rows: Vec<GridRow> = grids::table
        .filter(grids::town_id.eq(Id(town)))
        .select(GridRow::as_select())
        .load(conn)?;
    let mut found: Vec<Grid> = rows
        .into_iter()
        .map(GridRow::grid)
        .collect::<QueryResult<_>>()?;
    // Here, not in SQL: a database's collation might sort otherwise.
    found.sort_by(|one, other| one.code.cmp(&other.code));
    Ok(found)
}

/// The grids that have these codes, those that have ended included; none of a town that is not
/// published yet.
///
/// # Errors
/// If the database fails.
pub fn grids_coded(conn: &mut Conn, codes: &[&str]) -> QueryResult<HashMap<String, Grid>> {
    let mut found = HashMap::new();
    for codes in codes.chunks(AT_ONCE) {
        let rows: Vec<GridRow> = grids::table
            .filter(grids::code.eq_any(codes.iter().copied()))
            .select(GridRow::as_select())
            .load(conn)?;
        // Asked apart: joined, PostgreSQL would go through all towns each time.
        let of: HashSet<Id> = rows.iter().map(|row| Id(row.town_id)).collect();
        let hidden: Vec<Uuid> = towns::table
            .filter(towns::id.eq_any(of))
            .filter(towns::import_id.is_not_null())
            .select(towns::id)
            .load(conn)?;
        for row in rows
            .into_iter()
            .filter(|row| !hidden.contains(&row.town_id))
        {
            let grid = row.grid()?;
            found.insert(grid.code.clone(), grid);
        }
    }
    Ok(found)
}

/// The grid of this id; none of a town that is not published yet.
///
/// # Errors
/// If the database fails.
pub fn grid_by_id(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Grid>> {
    let row: Option<GridRow> = grids::table
        .inner_join(towns::table.on(towns::id.eq(grids::town_id)))
        .filter(grids::id.eq(Id(id)))
        .filter(towns::import_id.is_null())
        .select(GridRow::as_select())
        .first(conn)
        .optional()?;
    row.map(GridRow::grid).transpose()
}

/// Which of these codes grids had before, and which grids.
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

/// Whether any grid has this code, one of a town that is not published yet included.
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

/// Keeps the code that a grid has until an instant.
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

/// The codes that a grid had before, each from when until when.
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

/// What happened to a grid, the latest first, before a place in the town's chain.
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

/// Writes what may change of a grid as it is now.
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
    fixed!(conn, update, execute).map(drop)
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

/// Adds grids; each after the one above it.
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
                // A village is below itself: that finds it with its groups.
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

#[derive(Queryable, Selectable)]
#[diesel(table_name = postings)]
struct PostingRow {
    id: Uuid,
    officer_id: Uuid,
    grid_id: Uuid,
    role: Coded<Role>,
    valid_from: DateTime<Utc>,
    valid_to: Option<DateTime<Utc>>,
    manages: bool,
}

/// All postings in a town, past and to come included.
///
/// # Errors
/// If the database fails.
pub fn postings_of(conn: &mut Conn, town: Uuid) -> QueryResult<Vec<DatedPosting>> {
    let rows: Vec<PostingRow> = postings::table
        .filter(postings::town_id.eq(Id(town)))
        .order((postings::valid_from, postings::id))
        .select(PostingRow::as_select())
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| DatedPosting {
            id: row.id,
            officer_id: row.officer_id,
            grid_id: row.grid_id,
            role: row.role.0,
            from: row.valid_from,
            to: row.valid_to,
            manages: row.manages,
        })
        .collect())
}

/// All who stand in for postings in a town.
///
/// # Errors
/// If the database fails.
pub fn deputies_of(conn: &mut Conn, town: Uuid) -> QueryResult<Vec<DatedDeputy>> {
    type Row = (
        Uuid,
        Uuid,
        Uuid,
        DateTime<Utc>,
        DateTime<Utc>,
        Coded<Covers>,
        Option<Uuid>,
    );
    let rows: Vec<Row> = deputies::table
        .inner_join(postings::table)
        .filter(postings::town_id.eq(Id(town)))
        .order((deputies::valid_from, deputies::id))
        .select((
            deputies::id,
            deputies::posting_id,
            deputies::deputy_id,
            deputies::valid_from,
            deputies::valid_to,
            deputies::covers,
            deputies::absence_id,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(
            |(id, posting_id, deputy_id, from, to, Coded(covers), absence_id)| DatedDeputy {
                id,
                posting_id,
                deputy_id,
                from,
                to,
                covers,
                absence_id,
            },
        )
        .collect())
}

/// When these officers are away, were or will be.
///
/// # Errors
/// If the database fails.
pub fn absences_of(
    conn: &mut Conn,
    ids: impl IntoIterator<Item = Uuid>,
) -> QueryResult<Vec<DatedAbsence>> {
    type Row = (Uuid, Option<Uuid>, DateTime<Utc>, DateTime<Utc>);
    let ids: Vec<Id> = ids.into_iter().map(Id).collect();
    let mut found = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        let rows: Vec<Row> = absences::table
            .filter(absences::officer_id.eq_any(ids.iter().copied()))
            .select((
                absences::officer_id,
                absences::deputy_id,
                absences::valid_from,
                absences::valid_to,
            ))
            .load(conn)?;
        found.extend(
            rows.into_iter()
                .map(|(officer_id, deputy_id, from, to)| DatedAbsence {
                    officer_id,
                    deputy_id,
                    from,
                    to,
                }),
        );
    }
    Ok(found)
}

/// The duty roster of a town, past shifts included, in order.
///
/// # Errors
/// If the database fails.
pub fn shifts_of(conn: &mut Conn, town: Uuid) -> QueryResult<Vec<Shift>> {
    let rows: Vec<(Uuid, Uuid, DateTime<Utc>, DateTime<Utc>)> = duty_shifts::table
        .filter(duty_shifts::town_id.eq(Id(town)))
        .order((duty_shifts::valid_from, duty_shifts::id))
        .select((
            duty_shifts::id,
            duty_shifts::officer_id,
            duty_shifts::valid_from,
            duty_shifts::valid_to,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, officer_id, from, to)| Shift {
            id,
            officer_id,
            from,
            to,
        })
        .collect())
}

/// The service accounts of a town, those that have ended included.
///
/// # Errors
/// If the database fails.
pub fn service_accounts_of(conn: &mut Conn, town: Uuid) -> QueryResult<Vec<Uuid>> {
    service_accounts::table
        .filter(service_accounts::town_id.eq(Id(town)))
        .select(service_accounts::id)
        .load(conn)
}

/// The names of officers.
///
/// # Errors
/// If the database fails.
pub fn people(
    conn: &mut Conn,
    ids: impl IntoIterator<Item = Uuid>,
) -> QueryResult<HashMap<Uuid, Person>> {
    type Row = (
        Uuid,
        String,
        String,
        Option<String>,
        Option<DateTime<Utc>>,
        Option<Coded<NotificationMode>>,
    );
    let ids: Vec<Id> = ids.into_iter().map(Id).collect();
    let mut found = HashMap::new();
    for ids in ids.chunks(AT_ONCE) {
        let rows: Vec<Row> = officers::table
            .filter(officers::id.eq_any(ids.iter().copied()))
            .select((
                officers::id,
                officers::username,
                officers::name,
                officers::phone,
                officers::disabled_at,
                officers::telling,
            ))
            .load(conn)?;
        found.extend(
            rows.into_iter()
                .map(|(id, username, name, phone, disabled_at, telling)| {
                    (
                        id,
                        Person {
                            username,
                            name,
                            phone,
                            disabled: disabled_at.is_some(),
                            telling: telling.map(|Coded(telling)| telling),
                        },
                    )
                }),
        );
    }
    Ok(found)
}
