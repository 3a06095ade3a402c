//! Cleanup: deletes expired data in small steps, so that nobody has to wait for it.
//!
//! Owns how long each kind of data is stored. It must not know the rows: each feature does.

use chrono::{DateTime, TimeDelta, Utc};

use crate::webhooks::deliveries;
use gridpatrol_people::auth;
use gridpatrol_problem::Problem;
use gridpatrol_reports::notices::{outbox, push_tokens};
use gridpatrol_reports::photos::objects::ObjectsError;
use gridpatrol_reports::photos::{PhotoService, queries};
use gridpatrol_store::{Lane, Store, idempotency};

/// Photos that no report declared.
const UNATTACHED: TimeDelta = TimeDelta::days(90);
/// Answers to requests with an `Idempotency-Key`.
const ANSWERS: TimeDelta = TimeDelta::days(90);
/// Contents that were pinned but never used by a photo, or are no longer used.
const NOBODYS: TimeDelta = TimeDelta::days(1);

/// Rows of a kind that one transaction takes.
const MOST_ROWS: u32 = 500;
/// Contents that one transaction removes; it waits for each.
const MOST_CONTENTS: i64 = 10;

/// Removes some of each kind and returns how many. Zero means that nothing expired is left.
///
/// # Errors
/// When the database or the store of contents fails.
pub async fn run_once(
    store: &Store,
    gallery: &PhotoService,
    keep_days: u32,
    now: DateTime<Utc>,
) -> Result<usize, Problem> {
    let photos = store
        .write(Lane::Background, move |conn| {
            Ok(queries::forget_unattached(
                conn,
                now - UNATTACHED,
                i64::from(MOST_ROWS),
            )?)
        })
        .await?;
    let contents = remove_nobodys(gallery, store, now).await?;
    let answers = store
        .write(Lane::Background, move |conn| {
            Ok(idempotency::sweep(conn, now - ANSWERS, MOST_ROWS)?)
        })
        .await?;
    let sign_ins = store
        .write(Lane::Background, move |conn| {
            Ok(auth::cleanup::run_once(conn, now)?)
        })
        .await?;
    let notices = sweep_notices(store, keep_days, now).await?;
    let left_over = sweep_incoming(gallery).await?;
    Ok(photos + contents + answers + sign_ins + notices + left_over)
}

/// Forgets notices, what became of them, and tokens of phones that are signed in no more.
async fn sweep_notices(
    store: &Store,
    keep_days: u32,
    now: DateTime<Utc>,
) -> Result<usize, Problem> {
    let before = now - TimeDelta::days(keep_days.into());
    store
        .write(Lane::Background, move |conn| {
            let most = i64::from(MOST_ROWS);
            Ok(deliveries::sweep(conn, before, most)?
                + outbox::sweep(conn, before, most)?
                + push_tokens::sweep(conn, now, most)?)
        })
        .await
}

/// Removes unused contents. It deletes the files while their rows are locked: an upload of the same
/// content pins the row first, so it waits and writes its file afterwards.
async fn remove_nobodys(
    gallery: &PhotoService,
    store: &Store,
    now: DateTime<Utc>,
) -> Result<usize, Problem> {
    let objects = gallery.objects.clone();
    let runtime = tokio::runtime::Handle::current();
    store
        .write(Lane::Background, move |conn| {
            let nobodys = queries::lock_nobodys(conn, now - NOBODYS, MOST_CONTENTS)?;
            for digest in &nobodys {
                runtime
                    .block_on(objects.remove(*digest))
                    .map_err(Problem::from)?;
                queries::forget_content(conn, *digest)?;
            }
            Ok(nobodys.len())
        })
        .await
}

/// Removes files of uploads that a crash cut off.
async fn sweep_incoming(gallery: &PhotoService) -> Result<usize, Problem> {
    let objects = gallery.objects.clone();
    let age = NOBODYS.to_std().unwrap_or_default();
    match tokio::task::spawn_blocking(move || objects.sweep_incoming(age)).await {
        Ok(swept) => Ok(swept.map_err(ObjectsError::from)?),
        Err(error) => {
            tracing::error!(%error, "sweeping left-overs was interrupted");
            Ok(0)
        }
    }
}
