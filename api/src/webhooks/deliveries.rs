//! SQL for deliveries: what was sent to an endpoint, and what must be sent.
//!
//! Owns statements. The endpoint's row is locked before its deliveries are written. It must not decide
//! when to try again: the domain does.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::notice::delivery::{DeliveryState, Fault};
use uuid::Uuid;

use gridpatrol_store::conn::MultiBackend;
use gridpatrol_store::schema::{notices, webhook_deliveries as deliveries};
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, on_each};

/// A delivery to be.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = deliveries, treat_none_as_default_value = false)]
pub struct NewDelivery {
    /// The endpoint.
    pub endpoint_id: Id,
    /// Its number there.
    pub number: i64,
    /// The notice; none: a ping.
    pub notice_seq: Option<i64>,
    /// The id in the envelope.
    pub notice_id: String,
    /// The kind of the notice.
    pub kind: String,
    /// What it is about.
    pub subject_id: Id,
    /// The body of a ping.
    pub body: Option<String>,
    /// Where it stands.
    pub state: Coded<DeliveryState>,
    /// When it is tried.
    pub due_at: Option<At>,
    /// When it was made.
    pub created_at: At,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = deliveries)]
pub struct Delivery {
    /// Its number at its endpoint.
    pub number: i64,
    /// The notice; none: a ping.
    pub notice_seq: Option<i64>,
    /// The id in the envelope.
    pub notice_id: String,
    /// The kind of the notice.
    pub kind: String,
    /// What it is about.
    pub subject_id: Uuid,
    /// The body of a ping.
    pub body: Option<String>,
    /// Where it stands.
    pub state: Coded<DeliveryState>,
    /// When it is tried next.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i32,
    /// When first.
    pub first_attempt_at: Option<DateTime<Utc>>,
    /// When last.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// How long the last try took.
    pub duration_ms: Option<i32>,
    /// The last answer's status.
    pub status: Option<i32>,
    /// Why the last try failed.
    pub fault: Option<Coded<Fault>>,
    /// How the last answer began.
    pub answer: Option<String>,
}

/// Writes deliveries.
///
/// # Errors
/// If the database fails.
pub fn insert(conn: &mut Conn, rows: &[NewDelivery]) -> QueryResult<()> {
    on_each!(conn,
        sqlite c => rows.iter().try_for_each(|row| {
            diesel::insert_into(deliveries::table).values(row).execute(c).map(drop)
        }),
        postgres c => diesel::insert_into(deliveries::table).values(rows).execute(c).map(drop),
    )
}

/// How many deliveries of an endpoint wait.
///
/// # Errors
/// If the database fails.
pub fn count_pending(conn: &mut Conn, endpoint: Uuid) -> QueryResult<i64> {
    deliveries::table
        .filter(deliveries::endpoint_id.eq(Id(endpoint)))
        .filter(deliveries::due_at.is_not_null())
        .count()
        .get_result(conn)
}

/// Deliveries that are due and may be sent now: the first waiting one of each subject. Those that have
/// been due longest come first.
///
/// # Errors
/// If the database fails.
pub fn due(
    conn: &mut Conn,
    endpoint: Uuid,
    now: DateTime<Utc>,
    most: i64,
) -> QueryResult<Vec<Delivery>> {
    let waiting = deliveries::table
        .filter(deliveries::endpoint_id.eq(Id(endpoint)))
        .filter(deliveries::due_at.is_not_null());
    let first = waiting
        .group_by(deliveries::subject_id)
        .select(diesel::dsl::min(deliveries::number));
    let first: Vec<Option<i64>> = on_each!(conn, c => first.load(c))?;
    let first: Vec<i64> = first.into_iter().flatten().collect();
    let mut found = Vec::new();
    // Few are requested at a time, so the lists stay short.
    for numbers in first.chunks(500) {
        found.extend(
            deliveries::table
                .filter(deliveries::endpoint_id.eq(Id(endpoint)))
                .filter(deliveries::number.eq_any(numbers.iter().copied()))
                .filter(deliveries::due_at.le(Some(now)))
                .order((deliveries::due_at, deliveries::number))
                .limit(most)
                .select(Delivery::as_select())
                .load::<Delivery>(conn)?,
        );
    }
    found.sort_by_key(|delivery| (delivery.due_at, delivery.number));
    found.truncate(usize::try_from(most).unwrap_or(0));
    Ok(found)
}

/// The envelopes of these notices of a town.
///
/// # Errors
/// If the database fails.
pub fn envelopes(
    conn: &mut Conn,
    town: Uuid,
    seqs: impl IntoIterator<Item = i64>,
) -> QueryResult<HashMap<i64, String>> {
    let seqs: Vec<i64> = seqs.into_iter().collect();
    let rows: Vec<(i64, String)> = notices::table
        .filter(notices::town_id.eq(Id(town)))
        .filter(notices::seq.eq_any(seqs))
        .select((notices::seq, notices::envelope))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// What a try led to.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Where the delivery stands now.
    pub state: DeliveryState,
    /// When it is tried next.
    pub due_at: Option<DateTime<Utc>>,
    /// How often it was tried.
    pub attempts: i32,
    /// When first.
    pub first_attempt_at: Option<DateTime<Utc>>,
    /// When last.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// How long this try took.
    pub duration_ms: Option<i32>,
    /// The answer's status.
    pub status: Option<i32>,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// How the answer began.
    pub answer: Option<String>,
}

/// Writes down what a try led to.
///
/// # Errors
/// If the database fails.
pub fn settle(conn: &mut Conn, endpoint: Uuid, number: i64, tried: &Tried) -> QueryResult<()> {
    diesel::update(deliveries::table.find((Id(endpoint), number)))
        .set((
            deliveries::state.eq(Coded(tried.state)),
            deliveries::due_at.eq(tried.due_at),
            deliveries::attempts.eq(tried.attempts),
            deliveries::first_attempt_at.eq(tried.first_attempt_at),
            deliveries::last_attempt_at.eq(tried.last_attempt_at),
            deliveries::duration_ms.eq(tried.duration_ms),
            deliveries::status.eq(tried.status),
            deliveries::fault.eq(tried.fault.map(Coded)),
            deliveries::answer.eq(tried.answer.as_deref()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Makes deliveries after one of the same subject wait at least as long as it.
///
/// # Errors
/// If the database fails.
pub fn hold_back(
    conn: &mut Conn,
    endpoint: Uuid,
    subject: Uuid,
    until: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(
        deliveries::table
            .filter(deliveries::endpoint_id.eq(Id(endpoint)))
            .filter(deliveries::subject_id.eq(Id(subject)))
            .filter(deliveries::due_at.is_not_null())
            .filter(deliveries::due_at.lt(Some(until))),
    )
    .set(deliveries::due_at.eq(Some(until)))
    .execute(conn)?;
    Ok(())
}

/// Until when what waits of these subjects does, where that is ahead.
///
/// # Errors
/// If the database fails.
pub fn waiting_until(
    conn: &mut Conn,
    endpoint: Uuid,
    subjects: impl IntoIterator<Item = Uuid>,
    now: DateTime<Utc>,
) -> QueryResult<HashMap<Uuid, DateTime<Utc>>> {
    let rows: Vec<(Uuid, Option<DateTime<Utc>>)> = deliveries::table
        .filter(deliveries::endpoint_id.eq(Id(endpoint)))
        .filter(deliveries::subject_id.eq_any(subjects.into_iter().map(Id)))
        .filter(deliveries::due_at.gt(Some(now)))
        .select((deliveries::subject_id, deliveries::due_at))
        .load(conn)?;
    let mut found: HashMap<Uuid, DateTime<Utc>> = HashMap::new();
    for (subject, due_at) in rows {
        let until = found.entry(subject).or_insert(now);
        *until = due_at.unwrap_or(now).max(*until);
    }
    Ok(found)
}

/// A delivery that has failed, and is to be tried again.
#[derive(Debug, Clone, Queryable)]
pub struct Failed {
    /// What it is about.
    pub subject_id: Uuid,
    /// How often it was tried.
    pub attempts: i32,
    /// When last.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// Why that failed.
    pub fault: Option<Coded<Fault>>,
    /// When it is tried next.
    pub due_at: Option<DateTime<Utc>>,
}

/// Deliveries that have failed, and are due later.
///
/// # Errors
/// If the database fails.
pub fn failed(conn: &mut Conn, endpoint: Uuid, now: DateTime<Utc>) -> QueryResult<Vec<Failed>> {
    deliveries::table
        .filter(deliveries::endpoint_id.eq(Id(endpoint)))
        .filter(deliveries::due_at.gt(Some(now)))
        .filter(deliveries::attempts.gt(0))
        .select((
            deliveries::subject_id,
            deliveries::attempts,
            deliveries::last_attempt_at,
            deliveries::fault,
            deliveries::due_at,
        ))
        .load(conn)
}

/// Makes deliveries of a subject that wait until `until` at most due at once.
///
/// # Errors
/// If the database fails.
pub fn bring_forward(
    conn: &mut Conn,
    endpoint: Uuid,
    subject: Uuid,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(
        deliveries::table
            .filter(deliveries::endpoint_id.eq(Id(endpoint)))
            .filter(deliveries::subject_id.eq(Id(subject)))
            .filter(deliveries::due_at.gt(Some(now)))
            .filter(deliveries::due_at.le(Some(until))),
    )
    .set(deliveries::due_at.eq(Some(now)))
    .execute(conn)?;
    Ok(())
}

/// Makes due deliveries wait until the quiet hours end, except for subjects with a waiting delivery that
/// may break them.
///
/// # Errors
/// If the database fails.
pub fn quieten(
    conn: &mut Conn,
    town: Uuid,
    endpoint: Uuid,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let due: HashSet<Uuid> = deliveries::table
        .filter(deliveries::endpoint_id.eq(Id(endpoint)))
        .filter(deliveries::due_at.le(Some(now)))
        .filter(deliveries::notice_seq.is_not_null())
        .select(deliveries::subject_id)
        .load::<Uuid>(conn)?
        .into_iter()
        .collect();
    if due.is_empty() {
        return Ok(());
    }
    let waiting: Vec<(Uuid, i64)> = deliveries::table
        .filter(deliveries::endpoint_id.eq(Id(endpoint)))
        .filter(deliveries::subject_id.eq_any(due.iter().copied().map(Id)))
        .filter(deliveries::due_at.is_not_null())
        .filter(deliveries::notice_seq.is_not_null())
        .select((
            deliveries::subject_id,
            deliveries::notice_seq.assume_not_null(),
        ))
        .load(conn)?;
    let loud: HashSet<i64> = notices::table
        .filter(notices::town_id.eq(Id(town)))
        .filter(notices::seq.eq_any(waiting.iter().map(|(_, seq)| *seq)))
        .filter(notices::breaks_quiet.eq(true))
        .select(notices::seq)
        .load::<i64>(conn)?
        .into_iter()
        .collect();
    let called: HashSet<Uuid> = waiting
        .into_iter()
        .filter(|(_, seq)| loud.contains(seq))
        .map(|(subject, _)| subject)
        .collect();
    diesel::update(
        deliveries::table
            .filter(deliveries::endpoint_id.eq(Id(endpoint)))
            .filter(deliveries::subject_id.eq_any(due.difference(&called).copied().map(Id)))
            .filter(deliveries::due_at.lt(Some(until))),
    )
    .set(deliveries::due_at.eq(Some(until)))
    .execute(conn)?;
    Ok(())
}

/// Makes deliveries of a subject that were held back and never tried due at once; after one that has
/// failed, due together with that one.
///
/// # Errors
/// If the database fails.
pub fn hasten(
    conn: &mut Conn,
    endpoint: Uuid,
    subject: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let failed: Option<DateTime<Utc>> = deliveries::table
        .filter(deliveries::endpoint_id.eq(Id(endpoint)))
        .filter(deliveries::subject_id.eq(Id(subject)))
        .filter(deliveries::attempts.gt(0))
        .filter(deliveries::due_at.gt(Some(now)))
        .order(deliveries::due_at.desc())
        .select(deliveries::due_at.assume_not_null())
        .first(conn)
        .optional()?;
    let at = failed.unwrap_or(now);
    diesel::update(
        deliveries::table
            .filter(deliveries::endpoint_id.eq(Id(endpoint)))
            .filter(deliveries::subject_id.eq(Id(subject)))
            .filter(deliveries::attempts.eq(0))
            .filter(deliveries::due_at.gt(Some(at))),
    )
    .set(deliveries::due_at.eq(Some(at)))
    .execute(conn)?;
    Ok(())
}

/// Restarts all waiting deliveries.
///
/// # Errors
/// If the database fails.
pub fn begin_anew(conn: &mut Conn, endpoint: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(
        deliveries::table
            .filter(deliveries::endpoint_id.eq(Id(endpoint)))
            .filter(deliveries::due_at.is_not_null()),
    )
    .set((
        deliveries::due_at.eq(Some(now)),
        deliveries::attempts.eq(0),
        deliveries::first_attempt_at.eq(None::<DateTime<Utc>>),
    ))
    .execute(conn)?;
    Ok(())
}

/// Gives up everything that waits: the endpoint has ended.
///
/// # Errors
/// If the database fails.
pub fn give_up(conn: &mut Conn, endpoint: Uuid) -> QueryResult<()> {
    diesel::update(
        deliveries::table
            .filter(deliveries::endpoint_id.eq(Id(endpoint)))
            .filter(deliveries::due_at.is_not_null()),
    )
    .set((
        deliveries::due_at.eq(None::<DateTime<Utc>>),
        deliveries::state.eq(Coded(DeliveryState::GivenUp)),
    ))
    .execute(conn)?;
    Ok(())
}

/// Deliveries of an endpoint before a number, the latest first.
///
/// # Errors
/// If the database fails.
pub fn log(
    conn: &mut Conn,
    endpoint: Uuid,
    state: Option<DeliveryState>,
    before: Option<i64>,
    limit: i64,
) -> QueryResult<Vec<Delivery>> {
    let mut query = deliveries::table
        .filter(deliveries::endpoint_id.eq(Id(endpoint)))
        .order(deliveries::number.desc())
        .limit(limit)
        .select(Delivery::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(state) = state {
        query = query.filter(deliveries::state.eq(Coded(state)));
    }
    if let Some(before) = before {
        query = query.filter(deliveries::number.lt(before));
    }
    query.load(conn)
}

/// The notices of these deliveries, those of pings left out.
///
/// # Errors
/// If the database fails.
pub fn notices_of(conn: &mut Conn, endpoint: Uuid, numbers: &[i64]) -> QueryResult<Vec<i64>> {
    let seqs: Vec<Option<i64>> = deliveries::table
        .filter(deliveries::endpoint_id.eq(Id(endpoint)))
        .filter(deliveries::number.eq_any(numbers.iter().copied()))
        .select(deliveries::notice_seq)
        .load(conn)?;
    Ok(seqs.into_iter().flatten().collect())
}

/// Forgets deliveries from before an instant, about `most` of them; returns how many.
///
/// # Errors
/// If the database fails.
pub fn sweep(conn: &mut Conn, before: DateTime<Utc>, most: i64) -> QueryResult<usize> {
    let spent: Vec<(Uuid, i64)> = deliveries::table
        .filter(deliveries::created_at.lt(At(before)))
        .order(deliveries::created_at)
        .limit(most)
        .select((deliveries::endpoint_id, deliveries::number))
        .load(conn)?;
    for (endpoint, number) in &spent {
        diesel::delete(deliveries::table.find((Id(*endpoint), *number))).execute(conn)?;
    }
    Ok(spent.len())
}
