//! Background workers: they start with the server, are supervised, and stop with it.
//!
//! Each worker is a function `run_once(…, now)` that does what is due and returns how much it did, or
//! when to run again. Owns when each worker runs, that a failure or a panic ends only a round and not
//! the worker, and the reports that `readyz` reads. It must not know what the workers do.

pub mod cleanup;
pub mod clock;
pub mod digests;
pub mod imports;
pub mod renditions;
pub mod webhooks;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::ready::{Pulse, Ready};
use gridpatrol_problem::Problem;
use gridpatrol_store::clock::Clock;

/// How long a worker pauses after a failed round.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How much longer than its pause a worker may take for a round.
const LONGEST_ROUND: Duration = Duration::from_secs(300);
/// An import of the nation on a slow disk is one round.
pub const LONGEST_IMPORT: Duration = Duration::from_secs(1800);

/// When a worker runs again, as far as it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At once: there may be more.
    Again,
    /// After its usual pause.
    Usual,
    /// After this pause, or the usual one if that is shorter.
    After(Duration),
}

impl From<usize> for Next {
    fn from(done: usize) -> Self {
        if done == 0 { Self::Usual } else { Self::Again }
    }
}

/// When a worker runs.
pub struct Rhythm {
    /// Its name in logs and in `readyz`.
    pub name: &'static str,
    /// The longest pause between two rounds.
    pub every: Duration,
    /// The longest round.
    pub longest: Duration,
    /// Ends a pause early.
    pub wake: Arc<Notify>,
}

impl Rhythm {
    /// A worker with the usual longest round, which nothing wakes.
    #[must_use]
    pub fn every(name: &'static str, every: Duration) -> Self {
        Self {
            name,
            every,
            longest: LONGEST_ROUND,
            wake: Arc::default(),
        }
    }

    /// The same worker, but this ends its pause early.
    #[must_use]
    pub fn woken_by(mut self, wake: Arc<Notify>) -> Self {
        self.wake = wake;
        self
    }

    /// The same one, whose rounds may take this long.
    #[must_use]
    pub const fn lasting(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }
}

/// The workers of a server that runs.
pub struct Workers {
    clock: Clock,
    ready: Ready,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    /// None yet.
    #[must_use]
    pub fn new(clock: Clock, ready: Ready) -> Self {
        Self {
            clock,
            ready,
            stop: watch::channel(false).0,
            tasks: Vec::new(),
        }
    }

    /// Starts a worker.
    pub fn start<F>(&mut self, rhythm: Rhythm, round: impl Fn(DateTime<Utc>) -> F + Send + 'static)
    where
        F: Future<Output = Result<Next, Problem>> + Send + 'static,
    {
        let pulse = self.ready.watch(rhythm.name, rhythm.every + rhythm.longest);
        let (clock, stopped) = (self.clock.clone(), self.stop.subscribe());
        self.tasks
            .push(tokio::spawn(supervise(rhythm, pulse, stopped, move || {
                round(clock.now())
            })));
    }

    /// Waits until each worker has finished its round, and ends it.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a worker did not end as it should");
            }
        }
    }
}

/// Runs round after round until it is stopped.
async fn supervise<F>(
    rhythm: Rhythm,
    pulse: Pulse,
    mut stopped: watch::Receiver<bool>,
    mut round: impl FnMut() -> F,
) where
    F: Future<Output = Result<Next, Problem>>,
{
    let worker = rhythm.name;
    loop {
        // A wake-up during the round takes effect after it.
        let rest = match AssertUnwindSafe(async { round().await })
            .catch_unwind()
            .await
        {
            Ok(Ok(next)) => {
                tracing::trace!(worker, ?next, "a round is done");
                pulse.beat();
                match next {
                    Next::Again => Duration::ZERO,
                    Next::Usual => rhythm.every,
                    Next::After(rest) => rest.min(rhythm.every),
                }
            }
            Ok(Err(problem)) => {
                tracing::warn!(worker, %problem, "a round failed");
                pulse.beat();
                AFTER_FAILURE
            }
            Err(_) => {
                tracing::error!(worker, "a round panicked; the worker goes on");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(rest) => {}
            () = rhythm.wake.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use gridpatrol_domain::error::Code;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_worker_survives_failures_and_panics_and_stops() {
        let (stop, stopped) = watch::channel(false);
        let rounds = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&rounds);
        let ready = Ready::default();
        let rhythm = Rhythm {
            name: "test",
            every: Duration::from_secs(3600),
            longest: LONGEST_ROUND,
            wake: Arc::default(),
        };
        let wake = Arc::clone(&rhythm.wake);
        let worker = tokio::spawn(supervise(
            rhythm,
            ready.watch("test", Duration::from_secs(60)),
            stopped,
            move || {
                let round = counted.fetch_add(1, Ordering::SeqCst);
                async move {
                    match round {
                        0 => Err(Problem::new(Code::Unavailable)),
                        1 => panic!("as a bug would"),
                        2 => Ok(Next::from(7)),
                        _ => Ok(Next::from(0)),
                    }
                }
            },
        ));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(rounds.load(Ordering::SeqCst), 4, "then it rests");
        wake.notify_one();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(rounds.load(Ordering::SeqCst), 5, "it was woken");
        stop.send_replace(true);
        worker.await.unwrap();
    }
}
