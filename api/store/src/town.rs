//! The town's row: the order of its changes, the head of its event chain, the number of its last
//! report, and the version of its directory.
//!
//! Owns this row and its lock. A command updates the row in its transaction and keeps it locked until
//! the commit, so changes are numbered in the order of commits, without gaps. It must not know what a
//! change means.

use diesel::prelude::*;
use gridpatrol_domain::audit::{Digest, GENESIS};
use uuid::Uuid;

use super::Conn;
use super::schema::{calendar_state, towns};
use super::types::Id;
use crate::{on_each, prepared};

/// The locked row. [`super::events::append`] saves changes to it; a command that appends no event calls
/// [`save`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TownSequence {
    /// The town.
    pub town_id: Uuid,
    /// The number of this change. Everything the command writes gets it.
    pub change_seq: i64,
    /// The version of grids, officers, postings and deputies.
    pub directory_version: i64,
    pub(super) event_seq: i64,
    pub(super) chain_head: Digest,
    number_year: i32,
    number_seq: i32,
    notice_seq: i64,
}

impl TownSequence {
    /// The head of a town without events.
    pub(super) const fn genesis(town_id: Uuid) -> Self {
        Self {
            town_id,
            change_seq: 0,
            directory_version: 0,
            event_seq: 0,
            chain_head: GENESIS,
            number_year: 0,
            number_seq: 0,
            notice_seq: 0,
        }
    }

    /// Checks that the directory has not changed since it was read. The row is locked now.
    ///
    /// # Errors
    /// A lost race: the write is run again.
    pub fn unchanged_since(&self, directory_version: i64) -> QueryResult<()> {
        if self.directory_version == directory_version {
            Ok(())
        } else {
            Err(try_again("the directory has changed"))
        }
    }

    /// The year of the town's next report, and the report's number in that year. The year never goes
    /// back, so that no number is used twice, whatever the clock does.
    pub fn next_number(&mut self, year: i32) -> (i32, i32) {
        if year > self.number_year {
            self.number_year = year;
            self.number_seq = 0;
        }
        self.number_seq += 1;
        (self.number_year, self.number_seq)
    }

    /// The number of the town's next notice.
    pub const fn next_notice(&mut self) -> i64 {
        self.notice_seq += 1;
        self.notice_seq
    }

    /// The number of the town's last notice.
    #[must_use]
    pub const fn last_notice(&self) -> i64 {
        self.notice_seq
    }

    /// The place of the last appended event in the chain.
    #[must_use]
    pub const fn last_event(&self) -> i64 {
        self.event_seq
    }
}

/// The data that was read before locking the town's row is out of date. The write is run again, as
/// after a serialization failure of PostgreSQL. On SQLite this never happens: it has one writer.
#[must_use]
pub fn try_again(reason: &'static str) -> diesel::result::Error {
    diesel::result::Error::DatabaseError(
        diesel::result::DatabaseErrorKind::SerializationFailure,
        Box::new(reason.to_owned()),
    )
}

/// Creates the row of a new town, whose grid exists.
///
/// # Errors
/// If the database fails.
pub fn found(conn: &mut Conn, town_id: Uuid) -> QueryResult<()> {
    diesel::insert_into(towns::table)
        .values((
            towns::id.eq(Id(town_id)),
            towns::chain_head.eq(GENESIS.as_slice()),
        ))
        .execute(conn)
        .map(drop)
}

#[derive(Insertable)]
#[diesel(table_name = towns, treat_none_as_default_value = false)]
struct NewTown {
    id: Id,
    event_seq: i64,
    chain_head: Vec<u8>,
    import_id: Option<Uuid>,
}

/// Creates the rows of new towns, whose grids exist, with these heads. An import's towns stay invisible
/// until [`publish`].
///
/// # Errors
/// If the database fails.
pub(super) fn found_all(
    conn: &mut Conn,
    heads: &[TownSequence],
    import: Option<Uuid>,
) -> QueryResult<()> {
    let rows: Vec<NewTown> = heads
        .iter()
        .map(|head| NewTown {
            id: Id(head.town_id),
            event_seq: head.event_seq,
            chain_head: head.chain_head.to_vec(),
            import_id: import,
        })
        .collect();
    on_each!(conn,
        sqlite c => rows.iter().try_for_each(|row| {
            diesel::insert_into(towns::table).values(row).execute(c).map(drop)
        }),
        postgres c => diesel::insert_into(towns::table).values(&rows).execute(c).map(drop),
    )
}

/// Makes all towns of an import visible, in one statement.
///
/// # Errors
/// If the database fails.
pub fn publish(conn: &mut Conn, import: Uuid) -> QueryResult<usize> {
    diesel::update(towns::table.filter(towns::import_id.eq(Some(import))))
        .set(towns::import_id.eq(None::<Uuid>))
        .execute(conn)
}

/// Locks the town's row and gives the command the next change number. Lock order: after rows of reports
/// and photos, before inserts and counters.
///
/// # Errors
/// `NotFound` if there is no such town; otherwise if the database fails.
pub fn advance(conn: &mut Conn, town_id: Uuid) -> QueryResult<TownSequence> {
    let step = diesel::update(towns::table.find(Id(town_id)))
        .set(towns::change_seq.eq(towns::change_seq + 1))
        .returning((
            towns::change_seq,
            towns::event_seq,
            towns::chain_head,
            towns::number_year,
            towns::number_seq,
            towns::directory_version,
            towns::notice_seq,
        ));
    type Columns = (i64, i64, Vec<u8>, i32, i32, i64, i64);
    let (
        change_seq,
        event_seq,
        chain_head,
        number_year,
        number_seq,
        directory_version,
        notice_seq,
    ): Columns = prepared!(conn, step, get_result)?;
    let chain_head = Digest::try_from(chain_head).map_err(|found| {
        let reason = format!("the chain head of town {town_id} has {} bytes", found.len());
        diesel::result::Error::DeserializationError(reason.into())
    })?;
    Ok(TownSequence {
        town_id,
        change_seq,
        directory_version,
        event_seq,
        chain_head,
        number_year,
        number_seq,
        notice_seq,
    })
}

/// Writes back the chain's head, the last report number and the last notice number.
///
/// # Errors
/// If the database fails.
pub fn save(conn: &mut Conn, head: &TownSequence) -> QueryResult<()> {
    let save = diesel::update(towns::table.find(Id(head.town_id))).set((
        towns::event_seq.eq(head.event_seq),
        towns::chain_head.eq(head.chain_head.as_slice()),
        towns::number_year.eq(head.number_year),
        towns::number_seq.eq(head.number_seq),
        towns::notice_seq.eq(head.notice_seq),
    ));
    prepared!(conn, save, execute).map(drop)
}

/// Tells every process that grids, officers, postings or deputies of the town have changed. The new
/// version is random and not the next number: somebody may have seen the version of a transaction that
/// was rolled back, and it must never return with other content.
///
/// # Errors
/// If the database fails.
pub fn touch_directory(conn: &mut Conn, town_id: Uuid) -> QueryResult<()> {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    diesel::update(towns::table.find(Id(town_id)))
        .set(towns::directory_version.eq(i64::from_be_bytes((high >> 1).to_be_bytes())))
        .execute(conn)
        .map(drop)
}

/// The versions at which a snapshot of a town was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// Of grids, officers, postings, deputies and settings.
    pub directory: i64,
    /// Of the calendar of all towns.
    pub calendar: i64,
}

/// The versions of what a snapshot of the town holds, or none if the town does not exist (yet).
///
/// # Errors
/// If the database fails.
pub fn versions(conn: &mut Conn, town_id: Uuid) -> QueryResult<Option<Versions>> {
    let calendar = calendar_state::table
        .select(calendar_state::version)
        .single_value();
    let versions = towns::table
        .find(Id(town_id))
        .filter(towns::import_id.is_null())
        .select((towns::directory_version, calendar));
    let found: Option<(i64, Option<i64>)> = on_each!(conn, c => versions.first(c)).optional()?;
    Ok(found.map(|(directory, calendar)| Versions {
        directory,
        calendar: calendar.unwrap_or_default(),
    }))
}
