//! The stored event chain of a town: appending, reading back, verifying.
//!
//! Owns the table of events. It must not define headers or hashes: `gridpatrol_domain::audit` does.

use chrono::{DateTime, Utc};
use diesel::ExecuteCopyFromDsl as _;
use diesel::prelude::*;
use gridpatrol_domain::audit::{self, Broken, Header, Link, NO_PAYLOAD, Record, Verified};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::schema::{events, towns};
use super::town::{self, TownSequence};
use super::types::{At, Id};
use super::{Conn, Outcome};
use crate::on_each;

/// Events verified at a time.
const RUN: i64 = 1000;

/// Something that happened, to be recorded.
#[derive(Debug, Clone)]
pub struct EventRecord {
    /// What kind of thing it is about: `report`, `officer`, ….
    pub subject_kind: &'static str,
    /// The thing.
    pub subject_id: Uuid,
    /// What happened.
    pub kind: &'static str,
    /// When.
    pub at: DateTime<Utc>,
    /// The officer who did it; none for the system.
    pub actor_id: Option<Uuid>,
    /// Facts that stay forever: status, holder, version, …. No personal data.
    pub facts: Map<String, Value>,
    /// Everything else. Erasing it does not break the chain.
    pub payload: Option<Value>,
}

#[derive(Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
struct NewEvent {
    town_id: Id,
    seq: i64,
    subject_kind: &'static str,
    subject_id: Id,
    kind: &'static str,
    at: At,
    actor_id: Option<Uuid>,
    header: String,
    payload: Option<String>,
    salt: Option<Vec<u8>>,
    commitment: Vec<u8>,
    hash: Vec<u8>,
}

/// Appends events to the town's chain and saves the town's row.
///
/// # Errors
/// If the database fails.
pub fn append(
    conn: &mut Conn,
    town: &mut TownSequence,
    records: Vec<EventRecord>,
) -> QueryResult<()> {
    let rows = records
        .into_iter()
        .map(|record| seal(town, record))
        .collect::<serde_json::Result<Vec<_>>>()
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    on_each!(conn,
        // One prepared statement, used for each row.
        sqlite c => rows.iter().try_for_each(|row| {
            diesel::insert_into(events::table).values(row).execute(c).map(drop)
        }),
        // One round trip.
        postgres c => diesel::insert_into(events::table).values(&rows).execute(c).map(drop),
    )?;
    town::save(conn, town)
}

/// Creates the rows of new towns, whose grids exist, with their first events: many towns in few
/// statements. An import's towns stay invisible until it publishes them.
///
/// # Errors
/// If the database fails.
pub fn found(
    conn: &mut Conn,
    new: Vec<(Uuid, Vec<EventRecord>)>,
    import: Option<Uuid>,
) -> QueryResult<()> {
    let mut heads = Vec::with_capacity(new.len());
    let mut rows = Vec::new();
    for (id, records) in new {
        let mut head = TownSequence::genesis(id);
        for record in records {
            let row = seal(&mut head, record)
                .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
            rows.push(row);
        }
        heads.push(head);
    }
    town::found_all(conn, &heads, import)?;
    on_each!(conn,
        sqlite c => rows.iter().try_for_each(|row| {
            diesel::insert_into(events::table).values(row).execute(c).map(drop)
        }),
        postgres c => diesel::copy_from(events::table).from_insertable(&rows).execute(c).map(drop),
    )
}

/// Gives an event its place in the chain.
fn seal(town: &mut TownSequence, record: EventRecord) -> serde_json::Result<NewEvent> {
    let seq = town.event_seq + 1;
    let header = Header {
        town_id: town.town_id,
        seq,
        subject_kind: record.subject_kind,
        subject_id: record.subject_id,
        kind: record.kind,
        at: record.at,
        actor_id: record.actor_id,
        facts: &record.facts,
    }
    .canonical()?;
    let payload = record
        .payload
        .as_ref()
        .map(serde_json_canonicalizer::to_string)
        .transpose()?;
    let salt = payload.as_ref().map(|_| salt());
    let commitment = match (&payload, &salt) {
        (Some(payload), Some(salt)) => audit::commitment(salt, payload),
        _ => NO_PAYLOAD,
    };
    let hash = audit::link(&town.chain_head, &header, &commitment);
    town.event_seq = seq;
    town.chain_head = hash;
    Ok(NewEvent {
        town_id: Id(town.town_id),
        seq,
        subject_kind: record.subject_kind,
        subject_id: Id(record.subject_id),
        kind: record.kind,
        at: At(record.at),
        actor_id: record.actor_id,
        header,
        payload,
        salt: salt.map(|salt| salt.to_vec()),
        commitment: commitment.to_vec(),
        hash: hash.to_vec(),
    })
}

/// Makes a payload's hash impossible to guess: 122 random bits from the operating system.
fn salt() -> [u8; audit::SALT_BYTES] {
    Uuid::new_v4().into_bytes()
}

/// A row of the chain, in the order of the table.
type Row = (
    i64,
    String,
    Uuid,
    String,
    DateTime<Utc>,
    Option<Uuid>,
    String,
    Option<String>,
    Option<Vec<u8>>,
    Vec<u8>,
    Vec<u8>,
);

/// At most `most` events of a town after a place in its chain, in order.
///
/// # Errors
/// If the database fails.
pub fn after(conn: &mut Conn, town_id: Uuid, seq: i64, most: i64) -> QueryResult<Vec<Record>> {
    let rows = events::table
        .filter(events::town_id.eq(Id(town_id)))
        .filter(events::seq.gt(seq))
        .order(events::seq)
        .limit(most)
        .select((
            events::seq,
            events::subject_kind,
            events::subject_id,
            events::kind,
            events::at,
            events::actor_id,
            events::header,
            events::payload,
            events::salt,
            events::commitment,
            events::hash,
        ))
        .load::<Row>(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| Record {
            town_id,
            seq: row.0,
            subject_kind: row.1,
            subject_id: row.2,
            kind: row.3,
            at: row.4,
            actor_id: row.5,
            header: row.6,
            payload: row.7,
            salt: row.8,
            commitment: row.9,
            hash: row.10,
        })
        .collect())
}

/// The head of a town's chain: the place and the hash of its last event.
///
/// # Errors
/// `NotFound` if there is no such town; otherwise if the database fails.
pub fn head(conn: &mut Conn, town_id: Uuid) -> QueryResult<(i64, Vec<u8>)> {
    towns::table
        .find(Id(town_id))
        .select((towns::event_seq, towns::chain_head))
        .first(conn)
}

/// Verifies the whole chain of a town, up to the head in its row. Needs one [`super::Store::read`].
///
/// # Errors
/// `NotFound` if there is no such town; otherwise if the database fails.
pub fn verify(conn: &mut Conn, town_id: Uuid) -> Outcome<Result<Verified, Broken>> {
    let (head_seq, head_hash) = head(conn, town_id)?;
    let mut verified = Verified {
        end: Link::genesis(town_id),
        erased: 0,
    };
    loop {
        let records = after(conn, town_id, verified.end.seq, RUN)?;
        if records.is_empty() {
            break;
        }
        match audit::verify(verified.end, &records) {
            Ok(run) => {
                verified.end = run.end;
                verified.erased += run.erased;
            }
            Err(broken) => return Ok(Err(broken)),
        }
    }
    Ok(audit::ends_at(verified.end, head_seq, &head_hash).map(|()| verified))
}

/// Erases an event's payload and keeps its header, so that the chain can still be verified.
///
/// # Errors
/// If the database fails.
pub fn erase_payload(conn: &mut Conn, town_id: Uuid, seq: i64) -> QueryResult<usize> {
    diesel::update(events::table.find((Id(town_id), seq)))
        .set((
            events::payload.eq(None::<String>),
            events::salt.eq(None::<Vec<u8>>),
        ))
        .execute(conn)
}
