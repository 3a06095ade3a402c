//! SQL for the whole record.
//!
//! Owns statements. It must not decide anything.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use gridpatrol_people::auth::security_log::Kind;
use gridpatrol_store::Conn;
use gridpatrol_store::conn::MultiBackend;
use gridpatrol_store::prepared_statement::{PreparedByText, padded};
use gridpatrol_store::schema::{
    events, grids, idempotency_keys, invitations, officers, password_history, security_log,
    sessions, towns,
};
use gridpatrol_store::types::{At, Id};

/// No more events than this are looked at for one page.
pub const MOST_SCANNED: i64 = 10_000;

/// A town by its names.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct NamedTown {
    /// Its id.
    pub id: Uuid,
    /// Its division code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Whether anybody sees it: not while an import writes it, which may yet fail and take it back.
    pub published: bool,
}

/// Towns by id, behind one; only the one with this code, if a code is given.
///
/// # Errors
/// If the database fails.
pub fn towns(
    conn: &mut Conn,
    code: Option<&str>,
    after: Option<Uuid>,
    most: i64,
) -> QueryResult<Vec<NamedTown>> {
    let mut query = towns::table
        .inner_join(grids::table)
        .order(towns::id)
        .limit(most)
        .select((
            towns::id,
            grids::code,
            grids::name,
            towns::import_id.is_null(),
        ))
        .into_boxed::<MultiBackend>();
    if let Some(code) = code {
        query = query.filter(grids::code.eq(code.to_owned()));
    }
    if let Some(after) = after {
        query = query.filter(towns::id.gt(Id(after)));
    }
    query.load(conn)
}

/// The next town that events are of, behind one, and whether it is among the [`towns`].
///
/// # Errors
/// If the database fails.
pub fn next_with_events(conn: &mut Conn, after: Uuid) -> QueryResult<Option<(Uuid, bool)>> {
    // Read in one statement: a town may be founded meanwhile.
    let found: Option<(Uuid, Option<Uuid>, Option<Uuid>)> = events::table
        .left_join(towns::table.on(towns::id.eq(events::town_id)))
        .left_join(grids::table.on(grids::id.eq(events::town_id)))
        .filter(events::town_id.gt(Id(after)))
        .order(events::town_id)
        .limit(1)
        .select((events::town_id, towns::id.nullable(), grids::id.nullable()))
        .first(conn)
        .optional()?;
    Ok(found.map(|(town, row, grid)| (town, row.is_some() && grid.is_some())))
}

/// Whether a town has events behind this place.
///
/// # Errors
/// If the database fails.
pub fn reaches_beyond(conn: &mut Conn, town: Uuid, seq: i64) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        events::table
            .filter(events::town_id.eq(Id(town)))
            .filter(events::seq.gt(seq)),
    ))
    .get_result(conn)
}

/// What the record is narrowed to. What is absent does not narrow.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This kind of thing.
    pub subject_kind: Option<String>,
    /// This thing.
    pub subject_id: Option<Uuid>,
    /// What happened.
    pub kind: Option<String>,
    /// By this officer.
    pub actor_id: Option<Uuid>,
    /// From then on.
    pub from: Option<DateTime<Utc>>,
    /// Before then.
    pub to: Option<DateTime<Utc>>,
}

/// An event as the record shows it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = events)]
#[allow(missing_docs)] // As in `gridpatrol_domain::audit::Record`.
pub struct AuditRow {
    pub seq: i64,
    pub subject_kind: String,
    pub subject_id: Uuid,
    pub kind: String,
    pub at: DateTime<Utc>,
    pub actor_id: Option<Uuid>,
    pub header: String,
    pub payload: Option<String>,
    pub commitment: Vec<u8>,
    pub hash: Vec<u8>,
}

/// Events of a town below a place in its chain, the latest first, and the place below which the next
/// page looks. Events of one thing come from its index; others are sought among the [`MOST_SCANNED`]
/// below the place, for places have no gaps.
///
/// # Errors
/// If the database fails.
pub fn page(
    conn: &mut Conn,
    town: Uuid,
    filter: &Filter,
    below: i64,
    limit: i64,
) -> QueryResult<(Vec<AuditRow>, Option<i64>)> {
    let mut query = events::table
        .filter(events::town_id.eq(Id(town)))
        .filter(events::seq.lt(below))
        .order(events::seq.desc())
        .limit(limit + 1)
        .select(AuditRow::as_select())
        .into_boxed::<MultiBackend>();
    let floor = (below - MOST_SCANNED).max(1);
    match filter.subject_id {
        Some(subject) => query = query.filter(events::subject_id.eq(Id(subject))),
        None => query = query.filter(events::seq.ge(floor)),
    }
    if let Some(kind) = &filter.subject_kind {
        query = query.filter(events::subject_kind.eq(kind.clone()));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(events::kind.eq(kind.clone()));
    }
    if let Some(actor) = filter.actor_id {
        query = query.filter(events::actor_id.eq(Some(actor)));
    }
    if let Some(from) = filter.from {
        query = query.filter(events::at.ge(At(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(events::at.lt(At(to)));
    }
    let mut rows: Vec<AuditRow> = query.load(conn)?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() > size {
        rows.truncate(size);
        let next = rows.last().map(|row| row.seq);
        return Ok((rows, next));
    }
    let next = (filter.subject_id.is_none() && floor > 1).then_some(floor);
    Ok((rows, next))
}

/// The names of officers and service accounts.
///
/// # Errors
/// If the database fails.
pub fn names(conn: &mut Conn, ids: &HashSet<Uuid>) -> QueryResult<HashMap<Uuid, String>> {
    let ids = padded(ids.iter().copied().map(Id));
    let found: Vec<(Uuid, String)> = PreparedByText(
        officers::table
            .filter(officers::id.eq_any(ids))
            .select((officers::id, officers::name)),
    )
    .load(conn)?;
    Ok(found.into_iter().collect())
}

/// An entry of the security log.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = security_log)]
#[allow(missing_docs)] // As in `auth::security_log`.
pub struct SecurityRow {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub officer_id: Option<Uuid>,
    pub username: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub detail: Option<String>,
}

/// Where a page of the security log ended: the instant and the id of an entry.
pub type SecurityKey = (DateTime<Utc>, Uuid);

/// What the security log is narrowed to. What is absent does not narrow.
#[derive(Debug, Clone, Default)]
pub struct SecurityFilter {
    /// About this officer.
    pub officer_id: Option<Uuid>,
    /// What happened.
    pub kind: Option<String>,
    /// From then on.
    pub from: Option<DateTime<Utc>>,
    /// Before then.
    pub to: Option<DateTime<Utc>>,
}

/// Entries of the security log behind one, the latest first, and where the next page starts. It looks
/// at no more than [`MOST_SCANNED`].
///
/// # Errors
/// If the database fails.
pub fn security(
    conn: &mut Conn,
    filter: &SecurityFilter,
    after: Option<SecurityKey>,
    limit: i64,
) -> QueryResult<(Vec<SecurityRow>, Option<SecurityKey>)> {
    use security_log as log;
    let verifier = || {
        let mut query = log::table
            .order((log::at.desc(), log::id.desc()))
            .into_boxed::<MultiBackend>();
        if let Some(officer) = filter.officer_id {
            query = query.filter(log::officer_id.eq(Some(officer)));
        }
        if let Some(from) = filter.from {
            query = query.filter(log::at.ge(At(from)));
        }
        if let Some(to) = filter.to {
            query = query.filter(log::at.lt(At(to)));
        }
        if let Some((at, id)) = after {
            query = query
                .filter(log::at.le(At(at)))
                .filter(log::at.lt(At(at)).or(log::id.lt(Id(id))));
        }
        query
    };
    let mut query = verifier().limit(limit + 1);
    let mut floor: Option<SecurityKey> = None;
    if let Some(kind) = &filter.kind {
        floor = verifier()
            .select((log::at, log::id))
            .offset(MOST_SCANNED - 1)
            .limit(1)
            .get_result(conn)
            .optional()?;
        if let Some((at, _)) = floor {
            query = query.filter(log::at.ge(At(at)));
        }
        query = query.filter(log::kind.eq(kind.clone()));
    }
    let mut rows: Vec<SecurityRow> = query.select(SecurityRow::as_select()).load(conn)?;
    rows.retain(|row| floor.is_none_or(|floor| (row.at, row.id) >= floor));
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() > size {
        rows.truncate(size);
        let next = rows.last().map(|row| (row.at, row.id));
        return Ok((rows, next));
    }
    Ok((rows, floor))
}

/// The payloads that the events about a thing still have, by place; not those that say why something
/// was erased before.
///
/// # Errors
/// If the database fails.
pub fn payloads(conn: &mut Conn, town: Uuid, subject: Uuid) -> QueryResult<Vec<(i64, String)>> {
    events::table
        .filter(events::town_id.eq(Id(town)))
        .filter(events::subject_id.eq(Id(subject)))
        .filter(events::payload.is_not_null())
        .filter(events::kind.ne_all(ERASURES))
        .order(events::seq)
        .select((events::seq, events::payload.assume_not_null()))
        .load(conn)
}

/// The payloads that events about a town's grids still have, by place; of grids that have ended too.
///
/// # Errors
/// If the database fails.
pub fn grid_payloads(conn: &mut Conn, town: Uuid) -> QueryResult<Vec<(i64, String)>> {
    let ids: Vec<Uuid> = grids::table
        .filter(grids::town_id.eq(Id(town)))
        .select(grids::id)
        .load(conn)?;
    let mut found = Vec::new();
    // Grid by grid: there is an index of what is about a thing, and none of what is about grids.
    for id in ids {
        let of_grid: Vec<(i64, String)> = events::table
            .filter(events::town_id.eq(Id(town)))
            .filter(events::subject_id.eq(Id(id)))
            .filter(events::subject_kind.eq("grid"))
            .filter(events::payload.is_not_null())
            .select((events::seq, events::payload.assume_not_null()))
            .load(conn)?;
        found.extend(of_grid);
    }
    found.sort_unstable();
    Ok(found)
}

/// The contacts of a town's grids, of those that have ended too, with the grids' versions.
///
/// # Errors
/// If the database fails.
pub fn contacts(conn: &mut Conn, town: Uuid) -> QueryResult<Vec<(Uuid, String, i64)>> {
    grids::table
        .filter(grids::town_id.eq(Id(town)))
        .filter(grids::contact.is_not_null())
        .order(grids::id)
        .select((grids::id, grids::contact.assume_not_null(), grids::version))
        .load(conn)
}

/// Writes a grid's contact with its next version. The town's row is locked.
///
/// # Errors
/// If the database fails.
pub fn save_contact(conn: &mut Conn, grid: Uuid, contact: &str, version: i64) -> QueryResult<()> {
    diesel::update(grids::table.find(Id(grid)))
        .set((grids::contact.eq(Some(contact)), grids::version.eq(version)))
        .execute(conn)
        .map(drop)
}

/// Kinds of events that record an erasure.
const ERASURES: [&str; 2] = ["data_erased", "officer_erased"];

/// Replaces an erased name.
pub const ERASED_NAME: &str = "（已删除）";

/// Forgets who an officer was; the security log before an instant forgets the name, the addresses and
/// the phones, failures under the name included, whoever was at it. Answers what was forgotten.
///
/// # Errors
/// If the database fails.
pub fn forget_officer(
    conn: &mut Conn,
    id: Uuid,
    log_before: DateTime<Utc>,
) -> QueryResult<Vec<&'static str>> {
    let nameless = format!("erased.{}", id.simple());
    let mut forgotten = Vec::new();
    let mut note = |what, rows: usize| {
        if rows > 0 {
            forgotten.push(what);
        }
    };
    own_entries(conn, id)?;
    let account = officers::table
        .find(Id(id))
        .filter(officers::username.ne(&nameless));
    let rows = diesel::update(account)
        .set((
            officers::username.eq(&nameless),
            officers::name.eq(ERASED_NAME),
            officers::phone.eq(None::<String>),
            officers::password_hash.eq(""),
            officers::version.eq(officers::version + 1),
        ))
        .execute(conn)?;
    note("account", rows);
    let rows =
        diesel::delete(password_history::table.filter(password_history::officer_id.eq(Id(id))))
            .execute(conn)?;
    note("passwords", rows);
    let devices = sessions::table
        .filter(sessions::officer_id.eq(Id(id)))
        .filter(
            sessions::device_id
                .is_not_null()
                .or(sessions::device_name.is_not_null())
                .or(sessions::address.is_not_null()),
        );
    let rows = diesel::update(devices)
        .set((
            sessions::device_id.eq(None::<String>),
            sessions::device_name.eq(None::<String>),
            sessions::address.eq(None::<String>),
        ))
        .execute(conn)?;
    note("devices", rows);
    let accepted = invitations::table
        .filter(invitations::officer_id.eq(Id(id)))
        .filter(invitations::device_id.is_not_null());
    let rows = diesel::update(accepted)
        .set(invitations::device_id.eq(None::<String>))
        .execute(conn)?;
    note("invitations", rows);
    let kept = idempotency_keys::table.filter(idempotency_keys::officer_id.eq(Id(id)));
    let rows = diesel::delete(kept).execute(conn)?;
    note("answers", rows);
    let old = || {
        security_log::table
            .filter(security_log::officer_id.eq(Some(id)))
            .filter(security_log::at.lt(At(log_before)))
    };
    let of_phones = Kind::OF_PHONES.map(Kind::code);
    let phones = old()
        .filter(security_log::kind.eq_any(of_phones))
        .filter(security_log::detail.is_not_null());
    let rows = diesel::update(phones)
        .set(security_log::detail.eq(None::<String>))
        .execute(conn)?;
    let named = old().filter(
        security_log::username
            .is_not_null()
            .or(security_log::address.is_not_null()),
    );
    let rows = rows
        + diesel::update(named)
            .set((
                security_log::username.eq(None::<String>),
                security_log::address.eq(None::<String>),
            ))
            .execute(conn)?;
    note("security_log", rows);
    Ok(forgotten)
}

/// Ascribes to an officer the entries of the security log that stand under the name alone: written by an
/// earlier release, or before there was an account of that name. Once the name is gone, nothing leads to
/// them any more.
fn own_entries(conn: &mut Conn, id: Uuid) -> QueryResult<()> {
    let name: Option<String> = officers::table
        .find(Id(id))
        .select(officers::username)
        .first(conn)
        .optional()?;
    let nameless = security_log::table
        .filter(security_log::officer_id.is_null())
        .filter(security_log::username.eq(name));
    diesel::update(nameless)
        .set(security_log::officer_id.eq(Some(id)))
        .execute(conn)
        .map(drop)
}
