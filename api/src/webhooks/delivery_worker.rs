//! Serves an endpoint: takes its notices, sends what is due, and stores the results.
//!
//! Owns one endpoint's round. One process at a time serves it and holds its lease. It sends several
//! deliveries at once, but only one for each report, so that they arrive in order. It must not store a
//! result before the receiver has answered: after a crash, the delivery is sent again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use gridpatrol_domain::notice::delivery::{DeliveryState, Fault, PauseReason};
use gridpatrol_domain::notice::retry;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::deliveries::{self, Delivery, Tried};
use super::dispatch;
use super::queries::{self, Endpoint};
use super::send::{Parcel, Sender, Sent};
use super::settings::WebhookSettings;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;
use gridpatrol_reports::notices::{push, push_tokens};
use gridpatrol_store::clock::Clock;
use gridpatrol_store::types::Coded;
use gridpatrol_store::{Conn, Lane, Outcome, Store};

/// Deliveries of an endpoint that are under way at the same time.
const AT_ONCE: i64 = 8;
/// Runs of notices taken in one transaction.
const MOST_RUNS: usize = 5;
/// How long an endpoint is served before the others that wait have their turn.
const TURN: Duration = Duration::from_secs(5);
/// How much longer a lease lasts than a try may take.
const MARGIN: TimeDelta = TimeDelta::seconds(45);

/// What sends webhooks in this process.
pub struct DeliveryWorker {
    /// The settings.
    pub settings: WebhookSettings,
    sender: Sender,
    store: Store,
    directory: Directory,
    clock: Clock,
    /// This process, as leases name it.
    process: Uuid,
    rounds: Mutex<HashMap<Uuid, JoinHandle<()>>>,
    stopping: AtomicBool,
}

impl DeliveryWorker {
    /// A delivery_worker with these settings.
    ///
    /// # Errors
    /// When TLS cannot be made ready.
    pub fn new(
        settings: &WebhookSettings,
        store: Store,
        directory: Directory,
        clock: Clock,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            sender: Sender::new(settings)?,
            settings: settings.clone(),
            store,
            directory,
            clock,
            process: Uuid::new_v4(),
            rounds: Mutex::default(),
            stopping: AtomicBool::new(false),
        })
    }

    /// How long a lease lasts.
    fn lease(&self) -> TimeDelta {
        TimeDelta::from_std(self.settings.timeout()).unwrap_or(MARGIN) + MARGIN
    }

    /// Starts serving these endpoints, as many as the settings allow, and returns how many rounds have
    /// begun. Skips an endpoint that is already being served.
    pub fn begin(self: &Arc<Self>, endpoints: &[Uuid]) -> usize {
        let mut rounds = lock(&self.rounds);
        rounds.retain(|_, round| !round.is_finished());
        let room = self.settings.at_once.saturating_sub(rounds.len());
        let new: Vec<Uuid> = endpoints
            .iter()
            .filter(|endpoint| !rounds.contains_key(endpoint))
            .take(room)
            .copied()
            .collect();
        for endpoint in &new {
            let (delivery_worker, endpoint) = (Arc::clone(self), *endpoint);
            let round = tokio::spawn(async move {
                if let Err(problem) = serve(&delivery_worker, endpoint).await {
                    tracing::warn!(%endpoint, %problem, "a round of webhooks broke off");
                }
            });
            rounds.insert(endpoint, round);
        }
        new.len()
    }

    /// Finishes running deliveries and starts no new ones.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let rounds: Vec<JoinHandle<()>> = lock(&self.rounds).drain().map(|(_, one)| one).collect();
        for round in rounds {
            if let Err(error) = round.await {
                tracing::error!(%error, "a round of webhooks did not end as it should");
            }
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A delivery under way.
struct UnderWay {
    delivery: Delivery,
    /// None: there is nothing to send, and this is why.
    parcel: Result<Parcel, Nothing>,
}

/// Why there is nothing to send.
#[derive(Debug, Clone, Copy)]
enum Nothing {
    /// The notice has been deleted.
    Expired,
    /// No phone is reached by it.
    Nobody,
}

/// Serves an endpoint until nothing of it is due, its turn is over, or somebody else serves it.
///
/// # Errors
/// When the database fails; the lease then ends by itself.
async fn serve(delivery_worker: &DeliveryWorker, endpoint: Uuid) -> Result<(), Problem> {
    let began = Instant::now();
    loop {
        let (now, lease) = (delivery_worker.clock.now(), delivery_worker.lease());
        let (process, stopping) = (delivery_worker.process, delivery_worker.is_stopping());
        let directory = delivery_worker.directory.clone();
        let batch = delivery_worker
            .store
            .write(Lane::Background, move |conn| {
                let Some(mut found) = queries::lock(conn, endpoint)? else {
                    return Ok(Vec::new());
                };
                let others = found.leased_by.is_some_and(|other| other != process)
                    && found.leased_until.is_some_and(|until| until > now);
                if others {
                    return Ok(Vec::new());
                }
                let batch = if found.serves(now) && !stopping {
                    for _ in 0..MOST_RUNS {
                        if !dispatch::run(conn, &directory, &mut found, now)? {
                            break;
                        }
                    }
                    // Quiet hours count also for deliveries that were resumed, tried again or late.
                    if let Some(until) = dispatch::quiet(conn, &directory, &found, now)? {
                        deliveries::quieten(conn, found.town_id, endpoint, until, now)?;
                    }
                    due(conn, &found, now)?
                } else {
                    Vec::new()
                };
                let held = !batch.is_empty();
                found.leased_by = held.then_some(process);
                found.leased_until = held.then_some(now + lease);
                found.served_at = now;
                queries::save(conn, &found)?;
                Ok(batch)
            })
            .await?;
        if batch.is_empty() {
            return Ok(());
        }
        let ends = join_all(batch.iter().map(|one| try_one(delivery_worker, one))).await;
        let results: Vec<(Delivery, End)> = batch
            .into_iter()
            .map(|one| one.delivery)
            .zip(ends)
            .collect();
        let (now, pause_after) = (
            delivery_worker.clock.now(),
            delivery_worker.settings.pause_after_hours,
        );
        let over = began.elapsed() >= TURN;
        delivery_worker
            .store
            .write(Lane::Background, move |conn| {
                let patience = TimeDelta::hours(pause_after.into());
                let left_by = over.then_some(process);
                settle(conn, endpoint, &results, patience, left_by, now)
            })
            .await?;
        if over {
            return Ok(());
        }
    }
}

/// What is due, with what is to be sent of it.
fn due(conn: &mut Conn, endpoint: &Endpoint, now: DateTime<Utc>) -> Outcome<Vec<UnderWay>> {
    let found = deliveries::due(conn, endpoint.id, now, AT_ONCE)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let seqs = found.iter().filter_map(|delivery| delivery.notice_seq);
    let mut envelopes = deliveries::envelopes(conn, endpoint.town_id, seqs)?;
    let secrets: Vec<Vec<u8>> = queries::secrets_of(conn, &[endpoint.id])?
        .remove(&endpoint.id)
        .unwrap_or_default()
        .into_iter()
        .filter(|secret| secret.live(now))
        .map(|secret| secret.secret)
        .collect();
    found
        .into_iter()
        .map(|delivery| {
            let body = match (delivery.notice_seq, &delivery.body) {
                (Some(seq), _) => envelopes.remove(&seq),
                (None, body) => body.clone(),
            };
            let body = match (body, &endpoint.provider, delivery.notice_seq) {
                (None, ..) => Err(Nothing::Expired),
                (Some(body), Some(provider), Some(_)) => {
                    addressed(conn, provider, &body, now)?.ok_or(Nothing::Nobody)
                }
                (Some(body), ..) => Ok(body),
            };
            let parcel = body.map(|body| Parcel {
                url: endpoint.url.clone(),
                id: delivery.notice_id.clone(),
                body,
                secrets: secrets.clone(),
                confidential: endpoint.provider.is_some(),
            });
            Ok(UnderWay { delivery, parcel })
        })
        .collect()
}

/// The envelope with the push tokens of its recipients, or none if there are none.
fn addressed(
    conn: &mut Conn,
    provider: &str,
    envelope: &str,
    now: DateTime<Utc>,
) -> Outcome<Option<String>> {
    let Ok(envelope) = serde_json::from_str(envelope) else {
        return Ok(None);
    };
    let told = push::told(&envelope);
    if told.is_empty() {
        return Ok(None);
    }
    let tokens = push_tokens::reaching(conn, provider, &told, now)?;
    Ok(push::addressed(envelope, &tokens))
}

/// How a try ended.
#[derive(Debug, Clone)]
enum End {
    Sent(Sent),
    Nothing(Nothing),
}

async fn try_one(delivery_worker: &DeliveryWorker, one: &UnderWay) -> End {
    match &one.parcel {
        Ok(parcel) => End::Sent(
            delivery_worker
                .sender
                .send(parcel, delivery_worker.clock.now())
                .await,
        ),
        Err(nothing) => End::Nothing(*nothing),
    }
}

/// Writes down how tries ended, and what that says of the endpoint. `left_by`: the process whose turn at
/// it is over.
fn settle(
    conn: &mut Conn,
    endpoint: Uuid,
    results: &[(Delivery, End)],
    patience: TimeDelta,
    left_by: Option<Uuid>,
    now: DateTime<Utc>,
) -> Outcome<()> {
    let Some(mut found) = queries::lock(conn, endpoint)? else {
        return Ok(());
    };
    if left_by.is_some() && found.leased_by == left_by {
        found.leased_by = None;
        found.leased_until = None;
    }
    let sent = || {
        results.iter().filter_map(|(_, end)| match end {
            End::Sent(sent) => Some(sent),
            End::Nothing(_) => None,
        })
    };
    if sent().any(|sent| sent.fault.is_none()) {
        if found
            .failing_since
            .is_some_and(|since| now - since >= retry::OUTAGE)
        {
            resume_failed(conn, endpoint, now)?;
        }
        found.failing_since = None;
        found.failures = 0;
        // It works, but still asks for a pause.
        let asked = sent()
            .filter(|sent| sent.fault == Some(Fault::Busy))
            .filter_map(|sent| sent.retry_after)
            .max();
        found.rests_until = asked.map(|asked| now + retry::rest(1, Some(asked)));
    } else if sent().next().is_some() {
        let since = *found.failing_since.get_or_insert(now);
        let trouble = sent()
            .filter(|sent| sent.fault.is_some_and(Fault::is_of_endpoint))
            .map(|sent| sent.retry_after)
            .max();
        if let Some(asked) = trouble {
            found.failures = found.failures.saturating_add(1);
            found.rests_until = Some(now + retry::rest(found.failures.unsigned_abs(), asked));
        }
        let reason = if sent().any(|sent| sent.fault == Some(Fault::Gone)) {
            Some(PauseReason::Gone)
        } else {
            (now - since >= patience).then_some(PauseReason::Failing)
        };
        if let Some(reason) = reason.filter(|_| found.paused_at.is_none()) {
            tracing::warn!(%endpoint, %reason, "a webhook is paused");
            found.paused_at = Some(now);
            found.pause_reason = Some(Coded(reason));
            found.version += 1;
        }
    }
    let paused = found.paused_at.is_some();
    for (delivery, end) in results {
        let tried = match end {
            End::Nothing(Nothing::Expired) => Tried {
                fault: Some(Fault::Expired),
                ..untried(delivery, DeliveryState::GivenUp)
            },
            End::Nothing(Nothing::Nobody) => untried(delivery, DeliveryState::Skipped),
            End::Sent(sent) => tried(delivery, sent, paused, now),
        };
        deliveries::settle(conn, endpoint, delivery.number, &tried)?;
        if let Some(next) = tried.due_at {
            deliveries::hold_back(conn, endpoint, delivery.subject_id, next)?;
        }
    }
    queries::save(conn, &found)?;
    if found.ended_at.is_some() {
        // The endpoint ended meanwhile.
        deliveries::give_up(conn, endpoint)?;
    }
    Ok(())
}

/// An outage is over: what failed by it is tried at once, and not when the outage might have been over.
/// What waits for longer than failing made it wait goes on waiting.
fn resume_failed(conn: &mut Conn, endpoint: Uuid, now: DateTime<Utc>) -> Outcome<()> {
    for failed in deliveries::failed(conn, endpoint, now)? {
        let of_endpoint = failed.fault.is_some_and(|fault| fault.0.is_of_endpoint());
        let (Some(last), Some(due)) = (failed.last_attempt_at, failed.due_at) else {
            continue;
        };
        let longest = retry::longest_delay(failed.attempts.unsigned_abs());
        if of_endpoint && due <= last + longest {
            deliveries::bring_forward(conn, endpoint, failed.subject_id, due, now)?;
        }
    }
    Ok(())
}

fn untried(delivery: &Delivery, state: DeliveryState) -> Tried {
    Tried {
        state,
        due_at: None,
        attempts: delivery.attempts,
        first_attempt_at: delivery.first_attempt_at,
        last_attempt_at: delivery.last_attempt_at,
        duration_ms: delivery.duration_ms,
        status: delivery.status,
        fault: None,
        answer: None,
    }
}

/// What a try led to. What a paused endpoint has not got waits until it is resumed.
fn tried(delivery: &Delivery, sent: &Sent, paused: bool, now: DateTime<Utc>) -> Tried {
    let attempts = delivery.attempts.saturating_add(1);
    let first = delivery.first_attempt_at.unwrap_or(now);
    let (state, due_at) = match sent.fault {
        None => (DeliveryState::Delivered, None),
        Some(_) if paused => (DeliveryState::Pending, Some(now)),
        Some(_) => {
            let [high, low, ..] = *Uuid::new_v4().as_bytes();
            let chance = u16::from_be_bytes([high, low]);
            let next = retry::next_try(
                first,
                now,
                attempts.unsigned_abs(),
                sent.retry_after,
                chance,
            );
            match next {
                Some(next) => (DeliveryState::Pending, Some(next)),
                None => (DeliveryState::GivenUp, None),
            }
        }
    };
    Tried {
        state,
        due_at,
        attempts,
        first_attempt_at: Some(first),
        last_attempt_at: Some(now),
        duration_ms: i32::try_from(sent.duration.as_millis()).ok(),
        status: sent.status.map(i32::from),
        fault: sent.fault,
        answer: sent.answer.clone(),
    }
}
