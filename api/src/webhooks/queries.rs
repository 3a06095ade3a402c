//! SQL for endpoints and their secrets.
//!
//! Owns statements. It must not decide anything.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::notice::delivery::PauseReason;
use uuid::Uuid;

use super::dispatch;
use gridpatrol_store::conn::MultiBackend;
use gridpatrol_store::schema::{
    towns, webhook_deliveries as deliveries, webhook_endpoints as endpoints,
    webhook_secrets as secrets,
};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, locked, on_each};

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = endpoints)]
pub struct Endpoint {
    /// Its id.
    pub id: Uuid,
    /// Its town.
    pub town_id: Uuid,
    /// The grid it is bound to.
    pub grid_id: Uuid,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// The push service whose tokens it gets.
    pub provider: Option<String>,
    /// The kinds it wants, as a JSON array; none: all.
    pub kinds: Option<String>,
    /// Who made it.
    pub created_by: Option<Uuid>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Notices up to this one have become deliveries.
    pub dispatched_seq: i64,
    /// The number of its last delivery.
    pub last_number: i64,
    /// Since when nothing came through.
    pub failing_since: Option<DateTime<Utc>>,
    /// Troubles in a row.
    pub failures: i32,
    /// Until when it is left alone.
    pub rests_until: Option<DateTime<Utc>>,
    /// Since when nothing is sent.
    pub paused_at: Option<DateTime<Utc>>,
    /// Why.
    pub pause_reason: Option<Coded<PauseReason>>,
    /// Until when a process serves it.
    pub leased_until: Option<DateTime<Utc>>,
    /// Which one.
    pub leased_by: Option<Uuid>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Its version.
    pub version: i64,
    /// When it was served last.
    pub served_at: DateTime<Utc>,
}

impl Endpoint {
    /// Whether something may be sent to it now.
    #[must_use]
    pub fn serves(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none()
            && self.paused_at.is_none()
            && self.rests_until.is_none_or(|until| until <= now)
    }

    /// The kinds it wants; none: all.
    #[must_use]
    pub fn wanted(&self) -> Option<Vec<String>> {
        self.kinds
            .as_deref()
            .and_then(|kinds| serde_json::from_str(kinds).ok())
    }
}

/// A secret of an endpoint.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = secrets)]
pub struct SecretRow {
    /// Its id.
    pub id: Uuid,
    /// Its endpoint.
    pub endpoint_id: Uuid,
    /// The bytes that sign.
    pub secret: Vec<u8>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it signs; none: without end.
    pub valid_until: Option<DateTime<Utc>>,
}

// The bytes stand in no log.
impl std::fmt::Debug for SecretRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SecretRow")
            .field("id", &self.id)
            .field("valid_until", &self.valid_until)
            .finish_non_exhaustive()
    }
}

impl SecretRow {
    /// Whether it signs.
    #[must_use]
    pub fn live(&self, now: DateTime<Utc>) -> bool {
        self.valid_until.is_none_or(|until| now < until)
    }
}

/// The endpoint of this id, ended or not.
///
/// # Errors
/// If the database fails.
pub fn find(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Endpoint>> {
    endpoints::table
        .find(Id(id))
        .select(Endpoint::as_select())
        .first(conn)
        .optional()
}

/// As [`find`], the row locked until the transaction ends.
///
/// # Errors
/// If the database fails.
pub fn lock(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Endpoint>> {
    locked!(
        conn,
        endpoints::table.find(Id(id)).select(endpoints::id),
        first
    )
    .optional()
    .and_then(|found: Option<Uuid>| found.map_or(Ok(None), |id| find(conn, id)))
}

/// Endpoints of these towns that have not ended, newest first, behind an id.
///
/// # Errors
/// If the database fails.
pub fn of_towns(
    conn: &mut Conn,
    towns: &[Uuid],
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<Endpoint>> {
    let mut query = endpoints::table
        .filter(endpoints::town_id.eq_any(towns.iter().copied().map(Id)))
        .filter(endpoints::ended_at.is_null())
        .select(Endpoint::as_select())
        .order(endpoints::id.desc())
        .limit(limit)
        .into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(endpoints::id.lt(Id(after)));
    }
    query.load(conn)
}

/// How many endpoints of a town have not ended.
///
/// # Errors
/// If the database fails.
pub fn count_open(conn: &mut Conn, town: Uuid) -> QueryResult<i64> {
    endpoints::table
        .filter(endpoints::town_id.eq(Id(town)))
        .filter(endpoints::ended_at.is_null())
        .count()
        .get_result(conn)
}

/// Endpoints with work that no process serves: a notice that may still become a delivery, or a delivery
/// that is due. Those that have waited longest come first.
///
/// # Errors
/// If the database fails.
pub fn waiting(conn: &mut Conn, now: DateTime<Utc>, most: i64) -> QueryResult<Vec<Uuid>> {
    let due = diesel::dsl::exists(
        deliveries::table
            .filter(deliveries::endpoint_id.eq(endpoints::id))
            .filter(deliveries::due_at.le(Some(now))),
    );
    let full = diesel::dsl::exists(
        deliveries::table
            .filter(deliveries::endpoint_id.eq(endpoints::id))
            .filter(deliveries::due_at.is_not_null())
            .limit(1)
            .offset(dispatch::MOST_WAITING - 1),
    );
    endpoints::table
        .inner_join(towns::table)
        .filter(endpoints::ended_at.is_null())
        .filter(endpoints::paused_at.is_null())
        .filter(
            endpoints::rests_until
                .is_null()
                .or(endpoints::rests_until.le(Some(now))),
        )
        .filter(
            endpoints::leased_until
                .is_null()
                .or(endpoints::leased_until.le(Some(now))),
        )
        .filter(
            towns::notice_seq
                .gt(endpoints::dispatched_seq)
                .and(diesel::dsl::not(full))
                .or(due),
        )
        .order((endpoints::served_at, endpoints::id))
        .limit(most)
        .select(endpoints::id)
        .load(conn)
}

/// Writes a new endpoint.
///
/// # Errors
/// If the database fails.
pub fn add(conn: &mut Conn, endpoint: &Endpoint) -> QueryResult<()> {
    diesel::insert_into(endpoints::table)
        .values((
            endpoints::id.eq(Id(endpoint.id)),
            endpoints::town_id.eq(Id(endpoint.town_id)),
            endpoints::grid_id.eq(Id(endpoint.grid_id)),
            endpoints::name.eq(&endpoint.name),
            endpoints::url.eq(&endpoint.url),
            endpoints::provider.eq(&endpoint.provider),
            endpoints::kinds.eq(&endpoint.kinds),
            endpoints::created_by.eq(endpoint.created_by),
            endpoints::created_at.eq(At(endpoint.created_at)),
            endpoints::dispatched_seq.eq(endpoint.dispatched_seq),
            endpoints::served_at.eq(At(endpoint.served_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes what may change of an endpoint.
///
/// # Errors
/// If the database fails.
pub fn save(conn: &mut Conn, endpoint: &Endpoint) -> QueryResult<()> {
    diesel::update(endpoints::table.find(Id(endpoint.id)))
        .set((
            endpoints::name.eq(&endpoint.name),
            endpoints::url.eq(&endpoint.url),
            endpoints::kinds.eq(&endpoint.kinds),
            endpoints::dispatched_seq.eq(endpoint.dispatched_seq),
            endpoints::last_number.eq(endpoint.last_number),
            endpoints::failing_since.eq(endpoint.failing_since),
            endpoints::failures.eq(endpoint.failures),
            endpoints::rests_until.eq(endpoint.rests_until),
            endpoints::paused_at.eq(endpoint.paused_at),
            endpoints::pause_reason.eq(endpoint.pause_reason),
            endpoints::leased_until.eq(endpoint.leased_until),
            endpoints::leased_by.eq(endpoint.leased_by),
            endpoints::ended_at.eq(endpoint.ended_at),
            endpoints::version.eq(endpoint.version),
            endpoints::served_at.eq(At(endpoint.served_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// The secrets of each of these endpoints, newest first.
///
/// # Errors
/// If the database fails.
pub fn secrets_of(conn: &mut Conn, ids: &[Uuid]) -> QueryResult<HashMap<Uuid, Vec<SecretRow>>> {
    let mut found: HashMap<Uuid, Vec<SecretRow>> = HashMap::new();
    let rows: Vec<SecretRow> = secrets::table
        .filter(secrets::endpoint_id.eq_any(ids.iter().copied().map(Id)))
        .order((secrets::created_at.desc(), secrets::id.desc()))
        .select(SecretRow::as_select())
        .load(conn)?;
    for row in rows {
        found.entry(row.endpoint_id).or_default().push(row);
    }
    Ok(found)
}

/// Adds a secret.
///
/// # Errors
/// If the database fails.
pub fn add_secret(
    conn: &mut Conn,
    endpoint: Uuid,
    id: Uuid,
    bytes: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(secrets::table)
        .values((
            secrets::id.eq(Id(id)),
            secrets::endpoint_id.eq(Id(endpoint)),
            secrets::secret.eq(bytes),
            secrets::created_at.eq(At(now)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends secrets at an instant at the latest.
///
/// # Errors
/// If the database fails.
pub fn end_secrets(conn: &mut Conn, ids: &[Uuid], until: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(secrets::table.filter(secrets::id.eq_any(ids.iter().copied().map(Id))))
        .set(secrets::valid_until.eq(Some(until)))
        .execute(conn)?;
    Ok(())
}

/// Forgets secrets of an endpoint that sign no more; all of them where it has ended.
///
/// # Errors
/// If the database fails.
pub fn forget_secrets(conn: &mut Conn, ids: &[Uuid]) -> QueryResult<()> {
    on_each!(conn, c => diesel::delete(
        secrets::table.filter(secrets::id.eq_any(ids.iter().copied().map(Id))),
    )
    .execute(c))?;
    Ok(())
}
