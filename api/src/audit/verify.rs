//! Verifies the chains of towns with little memory, also long ones and while a server writes.
//!
//! Owns the order of the reads: first a town's head, then its events up to the head, in batches. If a
//! payload is missing and no event up to the head explains it, the head is read again: the payload may
//! have been erased meanwhile, and the event that says so comes later. It must not define what makes a
//! chain valid: `gridpatrol_domain::audit` does.

use diesel::prelude::*;
use gridpatrol_domain::audit::chain_verifier::ChainVerifier;
use gridpatrol_domain::audit::{Broken, Digest, Fault, Record, Verified};
use uuid::Uuid;

use super::queries::{self, NamedTown};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Store, events, on_each};

/// Events read at a time.
const RUN: i64 = 500;
/// How many times the head is read again because something was erased meanwhile.
const ERASED_MEANWHILE: usize = 5;
/// Towns read at a time.
const TOWNS: i64 = 500;

/// The head of a town's chain as it stood at an instant.
#[derive(Debug, Clone)]
pub struct Standing {
    seq: i64,
    hash: Vec<u8>,
    /// Whether there are events behind it.
    beyond: bool,
}

impl Standing {
    /// As it stands now. Never on an async thread.
    ///
    /// # Errors
    /// If the database cannot be read, or there is no such town.
    pub fn now(store: &Store, town: Uuid) -> Result<Self, Problem> {
        store.read_blocking(|conn| {
            let (seq, hash) = events::head(conn, town)?;
            let beyond = queries::reaches_beyond(conn, town, seq)?;
            Ok(Self { seq, hash, beyond })
        })
    }
}

/// Whether the chain of a town holds, up to the head it has; heads that were signed before must lie on
/// it. An event that cannot be read breaks it. Never on an async thread.
///
/// # Errors
/// If the database cannot be read at all, or there is no such town.
pub fn chain(
    store: &Store,
    town: Uuid,
    heads: &[(i64, Digest)],
) -> Result<Result<Verified, Broken>, Problem> {
    chain_to(store, town, heads, Standing::now(store, town)?)
}

/// As [`chain`], with a head that was read before.
///
/// # Errors
/// As [`chain`].
pub fn chain_to(
    store: &Store,
    town: Uuid,
    heads: &[(i64, Digest)],
    mut head: Standing,
) -> Result<Result<Verified, Broken>, Problem> {
    let mut verifier = ChainVerifier::new(town, heads.iter().copied());
    for _ in 0..ERASED_MEANWHILE {
        let held = follow(store, town, &mut verifier, &head)?;
        // One transaction erases a payload and records that. So a head that is read after the payload
        // was found missing includes that record.
        let Err(Broken {
            fault: Fault::UnrecordedErasure,
            ..
        }) = held
        else {
            return Ok(held);
        };
        head = Standing::now(store, town)?;
    }
    follow(store, town, &mut verifier, &head)
}

/// Follows the chain up to a head, and tells whether it holds until there.
fn follow(
    store: &Store,
    town: Uuid,
    verifier: &mut ChainVerifier,
    head: &Standing,
) -> Result<Result<Verified, Broken>, Problem> {
    while verifier.end().seq < head.seq {
        let after = verifier.end().seq;
        let most = RUN.min(head.seq - after);
        let run = store.read_blocking(|conn| Ok(events::after(conn, town, after, most)?));
        let walked = match run {
            // There are fewer events than expected: the chain ends here.
            Ok(run) if run.is_empty() => break,
            Ok(run) => run.iter().try_for_each(|record| verifier.step(record)),
            Err(_) => one_by_one(store, town, verifier, most)?,
        };
        if let Err(broken) = walked {
            return Ok(Err(broken));
        }
    }
    if head.beyond && verifier.end().seq == head.seq {
        let fault = Fault::Head;
        return Ok(Err(Broken {
            seq: head.seq + 1,
            fault,
        }));
    }
    Ok(verifier.finish(head.seq, &head.hash))
}

/// Follows a run that cannot be read as a whole, to name the event that cannot.
fn one_by_one(
    store: &Store,
    town: Uuid,
    verifier: &mut ChainVerifier,
    most: i64,
) -> Result<Result<(), Broken>, Problem> {
    for _ in 0..most {
        let after = verifier.end().seq;
        let read: Result<Vec<Record>, Problem> =
            store.read_blocking(|conn| Ok(events::after(conn, town, after, 1)?));
        let stepped = match read {
            Ok(run) => run.iter().try_for_each(|record| verifier.step(record)),
            Err(problem) => {
                // If even the head cannot be read, this event is not at fault.
                store
                    .read_blocking(|conn| Ok(events::head(conn, town)?))
                    .map_err(|_| problem)?;
                Err(Broken {
                    seq: after + 1,
                    fault: Fault::Unreadable,
                })
            }
        };
        if stepped.is_err() {
            return Ok(stepped);
        }
    }
    Ok(Ok(()))
}

/// Every town, or the one with this code, as it was or is called.
///
/// # Errors
/// If the database cannot be read.
pub fn towns(store: &Store, code: Option<&str>) -> Result<Vec<NamedTown>, Problem> {
    let mut found = Vec::new();
    loop {
        let after = found.last().map(|town: &NamedTown| town.id);
        let page = store.read_blocking(|conn| Ok(queries::towns(conn, code, after, TOWNS)?))?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}

/// Towns of which there are events, and which are not among the [`towns`]: somebody took them away.
///
/// # Errors
/// If the database cannot be read.
pub fn missing_towns(store: &Store) -> Result<Vec<Uuid>, Problem> {
    let (mut missing, mut after) = (Vec::new(), Uuid::nil());
    while let Some((town, listed)) =
        store.read_blocking(|conn| Ok(queries::next_with_events(conn, after)?))?
    {
        if !listed {
            missing.push(town);
        }
        after = town;
    }
    Ok(missing)
}

/// What SQLite finds wrong with the table of events and its indexes: a row that an index does not know
/// is there for some readers and not for others. PostgreSQL checks its pages itself.
///
/// # Errors
/// If the database cannot be read.
pub fn damage(store: &Store) -> Result<Vec<String>, Problem> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        integrity_check: String,
    }
    let lines: Vec<Line> = store.read_blocking(|conn| {
        Ok(on_each!(conn,
            sqlite c => diesel::sql_query("PRAGMA integrity_check(events)").load(c),
            postgres _c => Ok(Vec::new()),
        )?)
    })?;
    Ok(lines
        .into_iter()
        .map(|line| line.integrity_check)
        .filter(|line| line != "ok")
        .collect())
}
