//! Verifying the chains of towns, however long, in little memory and while a server writes.
//!
//! Owns the order of the reads: first a town's head, then its events up to there, a run of them at a
//! time. What a chain must keep is the domain's (`gridpatrol_domain::audit`).

use diesel::prelude::*;
use gridpatrol_domain::audit::walk::Walk;
use gridpatrol_domain::audit::{Broken, Digest, Fault, Record, Verified};
use uuid::Uuid;

use super::queries::{self, NamedTown};
use crate::on_each;
use crate::problem::Problem;
use crate::store::{Store, events};

/// Events read at a time.
const RUN: i64 = 500;
/// Towns read at a time.
const TOWNS: i64 = 500;

/// Whether the chain of a town holds, up to the head it had when this began; heads that were signed
/// before must lie on it. An event that cannot be read breaks it. Never on an async thread.
///
/// # Errors
/// If the database cannot be read at all, or there is no such town.
pub fn chain(
    store: &Store,
    town: Uuid,
    heads: &[(i64, Digest)],
) -> Result<Result<Verified, Broken>, Problem> {
    let (seq, hash, beyond) = store.read_blocking(|conn| {
        let (seq, hash) = events::head(conn, town)?;
        let beyond = queries::reaches_beyond(conn, town, seq)?;
        Ok((seq, hash, beyond))
    })?;
    let mut walk = Walk::new(town, heads.iter().copied());
    while walk.end().seq < seq {
        let after = walk.end().seq;
        let most = RUN.min(seq - after);
        let run = store.read_blocking(|conn| Ok(events::after(conn, town, after, most)?));
        let walked = match run {
            // Fewer than there must be: the chain ends here.
            Ok(run) if run.is_empty() => break,
            Ok(run) => run.iter().try_for_each(|record| walk.step(record)),
            Err(_) => one_by_one(store, town, &mut walk, most)?,
        };
        if let Err(broken) = walked {
            return Ok(Err(broken));
        }
    }
    if beyond && walk.end().seq == seq {
        let fault = Fault::Head;
        return Ok(Err(Broken {
            seq: seq + 1,
            fault,
        }));
    }
    Ok(walk.finish(seq, &hash))
}

/// Follows a run that cannot be read as a whole, to name the event that cannot.
fn one_by_one(
    store: &Store,
    town: Uuid,
    walk: &mut Walk,
    most: i64,
) -> Result<Result<(), Broken>, Problem> {
    for _ in 0..most {
        let after = walk.end().seq;
        let read: Result<Vec<Record>, Problem> =
            store.read_blocking(|conn| Ok(events::after(conn, town, after, 1)?));
        let stepped = match read {
            Ok(run) => run.iter().try_for_each(|record| walk.step(record)),
            Err(problem) => {
                // Where not even the head can be read, it is not this event's fault.
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
