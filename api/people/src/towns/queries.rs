//! SQL for the snapshot of a town: grids, postings, absences, people.
//!
//! Owns statements only.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::notice::NotificationMode;
use gridpatrol_domain::officer::{Covers, Role};
use uuid::Uuid;

use super::snapshot::{DatedAbsence, DatedDeputy, DatedPosting, Grid, Person, Shift};
use gridpatrol_store::Conn;
use gridpatrol_store::schema::{
    absences, deputies, duty_shifts, grids, officers, postings, service_accounts, towns,
};
use gridpatrol_store::types::{Coded, Id};

/// Values of one `IN`.
const AT_ONCE: usize = 500;

/// The path of a grid from its row. None for a group without a village, which the program never
/// creates.
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
    // Sort here, not in SQL, because a database's collation might sort differently.
    found.sort_by(|one, other| one.code.cmp(&other.code));
    Ok(found)
}

/// The grids with these codes, ended ones included. Without grids of towns that are not published
/// yet.
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
        // A separate query: with a join, PostgreSQL would scan all towns each time.
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

/// The grid with this id. None if its town is not published yet.
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

/// All postings in a town, past and future ones included.
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

/// All deputies for postings in a town.
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

/// The past, current and future absences of these officers.
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

/// The service accounts of a town, ended ones included.
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
