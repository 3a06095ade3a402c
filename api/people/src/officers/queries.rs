//! SQL of officers, postings, deputies, absences and shifts.
//!
//! Owns statements only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::notice::NotificationMode;
use gridpatrol_domain::officer::{Covers, Held, Role};
use uuid::Uuid;

use crate::towns::queries::path;
use gridpatrol_store::schema::{
    absences, deputies, duty_shifts, grids, invitations, officers, postings,
};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, locked, on_each};

/// An officer's account.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = officers)]
pub struct OfficerRow {
    /// The officer.
    pub id: Uuid,
    /// The name to sign in with.
    pub username: String,
    /// The person's name.
    pub name: String,
    /// The phone number.
    pub phone: Option<String>,
    /// The hash of the password; empty: none.
    pub password_hash: String,
    /// Whether the password must be changed first.
    pub must_change_password: bool,
    /// Since when the account is disabled.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Every change of the account or its postings raises it.
    pub version: i64,
    /// How the officer wants to receive notices.
    pub telling: Option<Coded<NotificationMode>>,
}

/// A posting with its grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostingRow {
    /// Its id.
    pub id: Uuid,
    /// As what.
    pub role: Role,
    /// Where.
    pub grid: GridPath,
    /// From when.
    pub from: DateTime<Utc>,
    /// When it ends. None: no end.
    pub to: Option<DateTime<Utc>>,
    /// Whether it has the managing right.
    pub manages: bool,
}

impl PostingRow {
    /// Whether it is in force at this instant or later.
    #[must_use]
    pub fn lasts(&self, now: DateTime<Utc>) -> bool {
        self.to.is_none_or(|to| now < to && self.from < to)
    }

    /// Whether it is in force at this instant.
    #[must_use]
    pub fn active(&self, now: DateTime<Utc>) -> bool {
        self.from <= now && self.to.is_none_or(|to| now < to)
    }

    /// Whether both are in force at some instant. An empty posting never is.
    #[must_use]
    pub fn meets(&self, from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> bool {
        self.to.is_none_or(|end| self.from < end && from < end)
            && to.is_none_or(|to| self.from < to)
    }

    /// The posting as the managing rules need it.
    #[must_use]
    pub const fn held(&self) -> Held {
        Held {
            role: self.role,
            grid: self.grid,
            manages: self.manages,
        }
    }
}

/// An account.
pub fn officer(conn: &mut Conn, id: Uuid) -> QueryResult<Option<OfficerRow>> {
    officers::table
        .find(Id(id))
        .select(OfficerRow::as_select())
        .first(conn)
        .optional()
}

/// An account, locked until the transaction ends.
pub fn officer_locked(conn: &mut Conn, id: Uuid) -> QueryResult<Option<OfficerRow>> {
    locked!(
        conn,
        officers::table.find(Id(id)).select(OfficerRow::as_select()),
        first
    )
    .optional()
}

/// All postings of an officer, past, current and future, in order.
pub fn postings(conn: &mut Conn, officer: Uuid) -> QueryResult<Vec<PostingRow>> {
    type Row = (
        Uuid,
        Coded<Role>,
        Uuid,
        Uuid,
        Option<Uuid>,
        Coded<Tier>,
        DateTime<Utc>,
        Option<DateTime<Utc>>,
        bool,
    );
    let rows: Vec<Row> = postings::table
        .inner_join(grids::table.on(grids::id.eq(postings::grid_id)))
        .filter(postings::officer_id.eq(Id(officer)))
        .order((postings::valid_from, postings::id))
        .select((
            postings::id,
            postings::role,
            postings::grid_id,
            grids::town_id,
            grids::village_id,
            grids::tier,
            postings::valid_from,
            postings::valid_to,
            postings::manages,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .filter_map(
            |(id, Coded(role), grid, town, village, Coded(tier), from, to, manages)| {
                Some(PostingRow {
                    id,
                    role,
                    grid: path(grid, town, village, tier)?,
                    from,
                    to,
                    manages,
                })
            },
        )
        .collect())
}

/// Adds a posting.
pub fn add_posting(
    conn: &mut Conn,
    officer: Uuid,
    posting: &PostingRow,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(postings::table)
        .values((
            postings::id.eq(Id(posting.id)),
            postings::officer_id.eq(Id(officer)),
            postings::grid_id.eq(Id(posting.grid.id())),
            postings::town_id.eq(Id(posting.grid.town_id())),
            postings::role.eq(Coded(posting.role)),
            postings::valid_from.eq(At(posting.from)),
            postings::valid_to.eq(posting.to),
            postings::created_at.eq(At(now)),
            postings::manages.eq(posting.manages),
        ))
        .execute(conn)
        .map(drop)
}

/// Writes the dates and the managing right of a posting.
pub fn update_posting(conn: &mut Conn, posting: &PostingRow) -> QueryResult<()> {
    diesel::update(postings::table.find(Id(posting.id)))
        .set((
            postings::valid_from.eq(At(posting.from)),
            postings::valid_to.eq(posting.to),
            postings::manages.eq(posting.manages),
        ))
        .execute(conn)
        .map(drop)
}

/// Writes the name and phone, and raises the version.
pub fn update_officer(
    conn: &mut Conn,
    id: Uuid,
    name: &str,
    phone: Option<&str>,
    telling: Option<NotificationMode>,
) -> QueryResult<()> {
    diesel::update(officers::table.find(Id(id)))
        .set((
            officers::name.eq(name),
            officers::phone.eq(phone),
            officers::telling.eq(telling.map(Coded)),
            officers::version.eq(officers::version + 1),
        ))
        .execute(conn)
        .map(drop)
}

/// Disables an account or enables it again, and raises the version.
pub fn set_disabled(conn: &mut Conn, id: Uuid, since: Option<DateTime<Utc>>) -> QueryResult<()> {
    diesel::update(officers::table.find(Id(id)))
        .set((
            officers::disabled_at.eq(since),
            officers::version.eq(officers::version + 1),
        ))
        .execute(conn)
        .map(drop)
}

/// Sets a password that another person chose, or none (an empty hash), and raises the version.
pub fn set_first_password(conn: &mut Conn, id: Uuid, hash: &str) -> QueryResult<()> {
    diesel::update(officers::table.find(Id(id)))
        .set((
            officers::password_hash.eq(hash),
            officers::must_change_password.eq(!hash.is_empty()),
            officers::version.eq(officers::version + 1),
        ))
        .execute(conn)
        .map(drop)
}

/// Raises the version.
pub fn touch_officer(conn: &mut Conn, id: Uuid) -> QueryResult<()> {
    diesel::update(officers::table.find(Id(id)))
        .set(officers::version.eq(officers::version + 1))
        .execute(conn)
        .map(drop)
}

/// Makes transactions that remove an admin wait for each other. SQLite has only one writer anyway.
pub fn lock_admins(conn: &mut Conn) -> QueryResult<()> {
    /// "gradmins" in ASCII.
    const LOCK: i64 = 0x6772_6164_6d69_6e73;
    on_each!(conn,
        sqlite _c => Ok(()),
        postgres c => diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
            .bind::<diesel::sql_types::BigInt, _>(LOCK)
            .execute(c)
            .map(drop),
    )
}

/// How many postings of enabled admins are in force at an instant.
pub fn admins(conn: &mut Conn, at: DateTime<Utc>) -> QueryResult<i64> {
    postings::table
        .inner_join(officers::table)
        .filter(
            postings::role
                .eq(Coded(Role::Admin))
                .and(postings::valid_from.le(At(at)))
                .and(
                    postings::valid_to
                        .is_null()
                        .or(postings::valid_to.gt(Some(at)).assume_not_null()),
                )
                .and(officers::disabled_at.is_null()),
        )
        .count()
        .get_result(conn)
}

/// A deputy for a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeputyRow {
    /// Its id.
    pub id: Uuid,
    /// The posting.
    pub posting_id: Uuid,
    /// The deputy.
    pub deputy_id: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// Which duties of the posting.
    pub covers: Covers,
    /// The absence that it belongs to.
    pub absence_id: Option<Uuid>,
}

/// Adds a deputy.
pub fn add_deputy(conn: &mut Conn, deputy: &DeputyRow, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::insert_into(deputies::table)
        .values((
            deputies::id.eq(Id(deputy.id)),
            deputies::posting_id.eq(Id(deputy.posting_id)),
            deputies::deputy_id.eq(Id(deputy.deputy_id)),
            deputies::valid_from.eq(At(deputy.from)),
            deputies::valid_to.eq(At(deputy.to)),
            deputies::created_at.eq(At(now)),
            deputies::covers.eq(Coded(deputy.covers)),
            deputies::absence_id.eq(deputy.absence_id),
        ))
        .execute(conn)
        .map(drop)
}

type DeputyColumns = (
    Uuid,
    Uuid,
    Uuid,
    DateTime<Utc>,
    DateTime<Utc>,
    Coded<Covers>,
    Option<Uuid>,
);

/// The current and future deputies for an officer's postings, in order.
pub fn deputies_for(
    conn: &mut Conn,
    officer: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Vec<DeputyRow>> {
    let rows: Vec<DeputyColumns> = deputies::table
        .inner_join(postings::table)
        .filter(
            postings::officer_id
                .eq(Id(officer))
                .and(deputies::valid_to.gt(At(now)))
                .and(deputies::valid_from.lt(deputies::valid_to)),
        )
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
            |(id, posting_id, deputy_id, from, to, Coded(covers), absence_id)| DeputyRow {
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

/// Ends a deputy at an instant. A deputy that has not begun never begins.
pub fn end_deputy(conn: &mut Conn, deputy: &DeputyRow, at: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(deputies::table.find(Id(deputy.id)))
        .set(deputies::valid_to.eq(At(at.max(deputy.from))))
        .execute(conn)
        .map(drop)
}

/// When an officer is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = absences)]
pub struct AbsenceRow {
    /// Its id.
    pub id: Uuid,
    /// Who.
    pub officer_id: Uuid,
    /// The deputy.
    pub deputy_id: Option<Uuid>,
    /// From when.
    pub valid_from: DateTime<Utc>,
    /// Until when.
    pub valid_to: DateTime<Utc>,
}

/// The current or future absence of an officer.
pub fn absence(
    conn: &mut Conn,
    officer: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Option<AbsenceRow>> {
    absences::table
        .filter(
            absences::officer_id
                .eq(Id(officer))
                .and(absences::valid_to.gt(At(now)))
                .and(absences::valid_from.lt(absences::valid_to)),
        )
        .order((absences::valid_from, absences::id))
        .select(AbsenceRow::as_select())
        .first(conn)
        .optional()
}

/// Adds an absence.
pub fn add_absence(conn: &mut Conn, absence: &AbsenceRow, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::insert_into(absences::table)
        .values((
            absences::id.eq(Id(absence.id)),
            absences::officer_id.eq(Id(absence.officer_id)),
            absences::deputy_id.eq(absence.deputy_id),
            absences::valid_from.eq(At(absence.valid_from)),
            absences::valid_to.eq(At(absence.valid_to)),
            absences::created_at.eq(At(now)),
        ))
        .execute(conn)
        .map(drop)
}

/// Ends an absence at an instant. An absence that has not begun never begins.
pub fn end_absence(conn: &mut Conn, absence: &AbsenceRow, at: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(absences::table.find(Id(absence.id)))
        .set(absences::valid_to.eq(At(at.max(absence.valid_from))))
        .execute(conn)
        .map(drop)
}

/// A shift of a duty roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = duty_shifts)]
pub struct ShiftRow {
    /// Its id.
    pub id: Uuid,
    /// Who is on duty.
    pub officer_id: Uuid,
    /// From when.
    pub valid_from: DateTime<Utc>,
    /// Until when.
    pub valid_to: DateTime<Utc>,
}

/// The shifts of a town that overlap a window, in order.
pub fn shifts(
    conn: &mut Conn,
    town: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> QueryResult<Vec<ShiftRow>> {
    duty_shifts::table
        .filter(
            duty_shifts::town_id
                .eq(Id(town))
                .and(duty_shifts::valid_from.lt(At(to)))
                .and(duty_shifts::valid_to.gt(At(from))),
        )
        .order((duty_shifts::valid_from, duty_shifts::id))
        .select(ShiftRow::as_select())
        .load(conn)
}

/// Adds a shift.
pub fn add_shift(
    conn: &mut Conn,
    town: Uuid,
    shift: &ShiftRow,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(duty_shifts::table)
        .values((
            duty_shifts::id.eq(Id(shift.id)),
            duty_shifts::town_id.eq(Id(town)),
            duty_shifts::officer_id.eq(Id(shift.officer_id)),
            duty_shifts::valid_from.eq(At(shift.valid_from)),
            duty_shifts::valid_to.eq(At(shift.valid_to)),
            duty_shifts::created_at.eq(At(now)),
        ))
        .execute(conn)
        .map(drop)
}

/// Removes a shift from the roster. The part in the past stays.
pub fn cut_shift(conn: &mut Conn, shift: &ShiftRow, at: DateTime<Utc>) -> QueryResult<()> {
    if shift.valid_from < at {
        diesel::update(duty_shifts::table.find(Id(shift.id)))
            .set(duty_shifts::valid_to.eq(At(at)))
            .execute(conn)
            .map(drop)
    } else {
        diesel::delete(duty_shifts::table.find(Id(shift.id)))
            .execute(conn)
            .map(drop)
    }
}

/// When an officer's unused invitation expires.
pub fn invited_until(
    conn: &mut Conn,
    officer: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Option<DateTime<Utc>>> {
    invitations::table
        .filter(
            invitations::officer_id
                .eq(Id(officer))
                .and(invitations::ended_at.is_null())
                .and(invitations::accepted_at.is_null())
                .and(invitations::expires_at.gt(At(now))),
        )
        .order(invitations::expires_at.desc())
        .select(invitations::expires_at)
        .first(conn)
        .optional()
}
