//! Work that takes the processor and may wait: pictures, and nothing that a request waits for.
//!
//! Owns the thread of such work. Each runs on a thread of its own that asks the system for little: while
//! requests want the processors they have them, and when none does the work has a whole one. Where
//! niceness is not a thread's own (it is on Linux), the work runs as any other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

/// How little: a tenth of what a thread of a request gets where both want the same processor.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The work has panicked, or there was no thread for it.
#[derive(Debug, thiserror::Error)]
#[error("the work ended without a result")]
pub struct Interrupted;

/// Does the work beside everything else. It goes on when nobody waits for it any longer.
///
/// # Errors
/// When it panics, or when the system gives no thread.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Interrupted> {
    let (done, result) = oneshot::channel();
    std::thread::Builder::new()
        .name("aside".to_owned())
        .spawn(move || {
            step_back();
            if let Ok(made) = catch_unwind(AssertUnwindSafe(work)) {
                // Nobody may be waiting any longer.
                let _ = done.send(made);
            }
        })
        .map_err(|error| {
            tracing::warn!(%error, "no thread for work that may wait");
            Interrupted
        })?;
    result.await.map_err(|_| Interrupted)
}

#[cfg(target_os = "linux")]
fn step_back() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "work that may wait could not step back");
    }
}

#[cfg(not(target_os = "linux"))]
const fn step_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_result_comes_back_and_a_panic_does_not_spread() {
        assert_eq!(aside(|| 7).await.ok(), Some(7));
        let panicked: Result<(), Interrupted> = aside(|| panic!("a picture that kills")).await;
        assert!(panicked.is_err());
        assert_eq!(aside(|| 8).await.ok(), Some(8));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_work_steps_back() {
        let here = || rustix::process::nice(0).unwrap();
        let before = here();
        let there = aside(here).await.unwrap();
        assert_eq!(there, (before + NICENESS).min(19));
        assert_eq!(here(), before);
    }
}
