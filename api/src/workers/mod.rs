//! Work that nobody waits for: started with the server, supervised, stopped with it.
//!
//! Each worker is a function `run_once(app, now)` that does what is due and says how much that was, or
//! when to run again.
//! Owns their rhythm: when each runs, that a failure or a panic ends a round and never the worker,
//! and the signs of life by which `readyz` knows. It must not know what they do.

pub mod alarm;
pub mod clock;
pub mod digests;
pub mod imports;
pub mod renditions;
pub mod sweeper;
pub mod webhooks;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::problem::Problem;
use crate::ready::Pulse;

/// How long a worker rests after a round that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How much longer than its rest a worker may take for a round.
const LONGEST_ROUND: Duration = Duration::from_secs(300);
/// An import of the nation on a slow disk is one round.
const LONGEST_IMPORT: Duration = Duration::from_secs(1800);

/// When a worker runs again, as far as it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At once: there may be more.
    Again,
    /// After its usual rest.
    Usual,
    /// After this rest, or the usual one if that is shorter.
    After(Duration),
}

impl From<usize> for Next {
    fn from(done: usize) -> Self {
        if done == 0 { Self::Usual } else { Self::Again }
    }
}

/// The workers of a server that runs.
pub struct Workers {
    app: Arc<App>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// When a worker runs.
struct Rhythm {
    name: &'static str,
    /// The longest rest between two rounds.
    every: Duration,
    /// The longest round.
    longest: Duration,
    /// Ends a rest early.
    wake: Arc<Notify>,
}

impl Workers {
    /// Starts all workers.
    #[must_use]
    pub fn start(app: &Arc<App>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let renditions = Rhythm {
            name: "renditions",
            every: Duration::from_secs(5),
            longest: LONGEST_ROUND,
            wake: Arc::clone(&app.gallery.arrivals),
        };
        let sweeper = Rhythm {
            name: "sweeper",
            every: Duration::from_secs(3600),
            longest: LONGEST_ROUND,
            wake: Arc::default(),
        };
        let imports = Rhythm {
            name: "imports",
            every: Duration::from_secs(10),
            longest: LONGEST_IMPORT,
            wake: Arc::clone(&app.imports.arrivals),
        };
        let webhooks = Rhythm {
            name: "webhooks",
            every: Duration::from_secs(1),
            longest: LONGEST_ROUND,
            wake: Arc::default(),
        };
        let digests = Rhythm {
            name: "digests",
            every: digests::NAP,
            longest: LONGEST_ROUND,
            wake: Arc::default(),
        };
        let ticking = Rhythm {
            name: "clock",
            every: clock::NAP,
            longest: LONGEST_ROUND,
            wake: app.alarm.wake(),
        };
        let mut tasks = vec![
            spawn(app, renditions, stopped.clone(), async |app, now| {
                renditions::run_once(&app, now).await.map(Next::from)
            }),
            spawn(app, sweeper, stopped.clone(), async |app, now| {
                sweeper::run_once(&app, now).await.map(Next::from)
            }),
            spawn(app, imports, stopped.clone(), async |app, now| {
                imports::run_once(&app, now).await.map(Next::from)
            }),
            spawn(app, webhooks, stopped.clone(), async |app, now| {
                webhooks::run_once(&app, now).await.map(Next::from)
            }),
            spawn(app, digests, stopped.clone(), async |app, now| {
                digests::run_once(&app, now).await
            }),
        ];
        if app.config.clock.enabled {
            let failed = Arc::new(clock::Failed::default());
            tasks.push(spawn(app, ticking, stopped, move |app, now| {
                let failed = Arc::clone(&failed);
                async move { clock::run_once(&app, &failed, now).await }
            }));
        }
        Self {
            app: Arc::clone(app),
            stop,
            tasks,
        }
    }

    /// Lets each worker finish its round, and ends it. An import pauses; the next start goes on.
    pub async fn stop(self) {
        self.app.imports.stop();
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a worker did not end as it should");
            }
        }
        self.app.courier.stop().await;
    }
}

fn spawn<F>(
    app: &Arc<App>,
    rhythm: Rhythm,
    stopped: watch::Receiver<bool>,
    round: impl Fn(Arc<App>, DateTime<Utc>) -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = Result<Next, Problem>> + Send + 'static,
{
    let pulse = app.ready.watch(rhythm.name, rhythm.every + rhythm.longest);
    let app = Arc::clone(app);
    tokio::spawn(supervise(rhythm, pulse, stopped, move || {
        round(Arc::clone(&app), app.clock.now())
    }))
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
        // A wake-up that comes during the round is kept until the rest.
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
    use crate::ready::Ready;

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
