//! The clock: processes all reports that are due, then sleeps until the next one is due.
//!
//! Owns when it runs. A report that is filed or decided meanwhile and is due sooner wakes it; if another
//! process did that, the clock sees it after its longest sleep. Processes that share a database skip
//! reports that another one is working on, so that each step happens once. A report that fails does not
//! delay others and is tried again later. It must not decide what happens to a report:
//! `gridpatrol_reports` does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Next;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;
use gridpatrol_reports::deadlines::lapses::{self, Due};
use gridpatrol_reports::deadlines::wake_timer::WakeTimer;
use gridpatrol_store::{Lane, Store};

/// The longest sleep.
pub const NAP: Duration = Duration::from_secs(2);
/// How long others have for what they have at hand.
const WHILE_OTHERS_WORK: Duration = Duration::from_millis(200);
/// Reports looked at in one round.
const ROUND: i64 = 512;
/// Reports of one transaction: filing waits for no longer than these take.
const AT_ONCE: usize = 32;
/// When a report that failed is tried again.
const AFTER_FAILURE: TimeDelta = TimeDelta::minutes(5);
/// From when on the clock is said to be late.
const LATE: TimeDelta = TimeDelta::minutes(1);

/// The reports that failed, and when each is tried again.
#[derive(Debug, Default)]
pub struct Failed(Mutex<HashMap<Uuid, DateTime<Utc>>>);

impl Failed {
    fn waiting(&self, now: DateTime<Utc>) -> Vec<Uuid> {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, again| *again > now);
        failed.keys().copied().collect()
    }

    fn add(&self, id: Uuid, again: DateTime<Utc>) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.insert(id, again);
    }
}

/// What the clock works with. Cheap to clone.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The towns as they stand.
    pub directory: Directory,
    /// Wakes the clock early.
    pub wake_timer: Arc<WakeTimer>,
}

/// Takes the steps that are due by `now`, up to a round's share of them.
///
/// # Errors
/// When the database fails.
pub async fn run_once(parts: &Parts, failed: &Failed, now: DateTime<Utc>) -> Result<Next, Problem> {
    let set = parts.wake_timer.look(now + NAP);
    let waiting = failed.waiting(now);
    let most = ROUND.saturating_add(i64::try_from(waiting.len()).unwrap_or(ROUND));
    let (due, next) = parts
        .store
        .read(move |conn| Ok((lapses::due(conn, now, most)?, lapses::next(conn)?)))
        .await?;
    let due: Vec<Due> = due
        .into_iter()
        .filter(|due| !waiting.contains(&due.id))
        .collect();
    let Some(first) = due.first() else {
        // The change that set the wake-up may not be committed yet.
        let next = next.into_iter().chain(set).min();
        return Ok(Next::After(until(next, now)));
    };
    if now - first.at > LATE {
        tracing::info!(reports = due.len(), since = %first.at, "the clock catches up");
    }
    let (mut steps, mut worked, mut stuck) = (0, false, Vec::new());
    for (town_id, ids) in batches(&due) {
        for (ids, taken) in batch(parts, town_id, ids, now).await {
            match taken {
                Ok(taken) => {
                    worked = true;
                    steps += taken;
                }
                Err(problem) => stuck.push((ids, problem)),
            }
        }
    }
    for (ids, problem) in stuck {
        // If every report fails, the reports are not the cause.
        if !worked {
            return Err(problem);
        }
        for id in ids {
            tracing::error!(report = %id, %problem, "what is due to a report cannot happen; it is tried again later");
            failed.add(id, now + AFTER_FAILURE);
        }
    }
    Ok(if steps == 0 {
        Next::After(WHILE_OTHERS_WORK)
    } else {
        Next::Again
    })
}

/// Takes all steps that are due by `now`, those included that become due by one of them.
///
/// # Errors
/// When the database fails.
pub async fn run_through(parts: &Parts, now: DateTime<Utc>) -> Result<(), Problem> {
    let failed = Failed::default();
    while run_once(parts, &failed, now).await? == Next::Again {}
    Ok(())
}

fn until(next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    next.map_or(NAP, |next| {
        (next - now).to_std().unwrap_or(WHILE_OTHERS_WORK)
    })
    .clamp(Duration::from_millis(10), NAP)
}

/// The reports of each town together, a few at a time, the town of the earliest first.
fn batches(due: &[Due]) -> Vec<(Uuid, Vec<Uuid>)> {
    let mut towns: Vec<(Uuid, Vec<Uuid>)> = Vec::new();
    let mut at: HashMap<Uuid, usize> = HashMap::new();
    for due in due {
        let index = *at.entry(due.town_id).or_insert_with(|| {
            towns.push((due.town_id, Vec::new()));
            towns.len() - 1
        });
        if let Some((_, ids)) = towns.get_mut(index) {
            ids.push(due.id);
        }
    }
    towns
        .into_iter()
        .flat_map(|(town, ids)| {
            let pieces: Vec<Vec<Uuid>> = ids.chunks(AT_ONCE).map(<[Uuid]>::to_vec).collect();
            pieces.into_iter().map(move |piece| (town, piece))
        })
        .collect()
}

/// One transaction; where it fails, one for each of its reports.
async fn batch(
    parts: &Parts,
    town_id: Uuid,
    ids: Vec<Uuid>,
    now: DateTime<Utc>,
) -> Vec<(Vec<Uuid>, Result<usize, Problem>)> {
    let whole = take(parts, town_id, ids.clone(), now).await;
    let Err(problem) = &whole else {
        return vec![(ids, whole)];
    };
    if ids.len() == 1 {
        return vec![(ids, whole)];
    }
    tracing::warn!(%town_id, %problem, "due reports are taken one by one");
    let mut each = Vec::with_capacity(ids.len());
    for id in ids {
        each.push((vec![id], take(parts, town_id, vec![id], now).await));
    }
    each
}

async fn take(
    parts: &Parts,
    town_id: Uuid,
    ids: Vec<Uuid>,
    now: DateTime<Utc>,
) -> Result<usize, Problem> {
    let directory = parts.directory.clone();
    parts
        .store
        .write(Lane::Background, move |conn| {
            lapses::catch_up(conn, &directory, town_id, &ids, now)
        })
        .await
}
