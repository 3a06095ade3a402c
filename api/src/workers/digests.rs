//! Writes the digests of towns when they are due.
//!
//! Owns when to look. It must not decide what a digest says or which process writes it:
//! `notices::digest` does.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Next;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;
use gridpatrol_reports::notices::digest;
use gridpatrol_store::{Lane, Store};

/// The longest pause: a new town is found after this time at the latest.
pub const NAP: Duration = Duration::from_secs(60);
/// Towns looked at in one round.
const AT_ONCE: i64 = 64;

/// Writes what is due by `now`, each town in a transaction of its own.
///
/// # Errors
/// When the database fails.
pub async fn run_once(
    store: &Store,
    directory: &Directory,
    now: DateTime<Utc>,
) -> Result<Next, Problem> {
    let (new, due) = store
        .read(move |conn| {
            Ok((
                digest::new_towns(conn, AT_ONCE)?,
                digest::due(conn, now, AT_ONCE)?,
            ))
        })
        .await?;
    let full = |towns: &[_]| i64::try_from(towns.len()).is_ok_and(|count| count >= AT_ONCE);
    let more = full(&new) || full(&due);
    for town_id in new {
        let directory = directory.clone();
        store
            .write(Lane::Background, move |conn| {
                digest::begin(conn, &directory, town_id, now)
            })
            .await?;
    }
    for town_id in due {
        let directory = directory.clone();
        let known = directory.clone();
        let gathered = store
            .read(move |conn| digest::gather(conn, &known, town_id, now))
            .await?;
        if let Some(gathered) = gathered {
            store
                .write(Lane::Background, move |conn| {
                    digest::make(conn, &directory, &gathered, now)
                })
                .await?;
        }
    }
    if more {
        return Ok(Next::Again);
    }
    let next = store.read(|conn| Ok(digest::next(conn)?)).await?;
    Ok(Next::After(next.map_or(NAP, |next| {
        (next - now).to_std().unwrap_or(NAP).min(NAP)
    })))
}
