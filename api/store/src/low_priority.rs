//! Work that may wait for the processor: receiving and shrinking photos, heavy lists.
//!
//! Owns the low-priority threads: one small runtime for the process, with its own threads for work that
//! blocks (files, the database). While filing, deciding or reading needs the processors, those threads
//! get little of them; otherwise they may use them fully. This needs a nice value for each thread, as
//! Linux has; elsewhere the work runs at normal priority. It must not know what it runs. It must not run
//! writes: a write may hold a lock that others wait for.

use std::future::pending;
use std::io;
use std::sync::LazyLock;

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

/// Gives a tenth of what a normal thread gets when both want the same processor (`sched(7)`).
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Most threads that may block at once: enough for files, a picture and heavy lists on each processor.
/// Not more, because the C library does not give back the memory of a thread that made a picture.
fn most_threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from) * 2 + 4
}

/// The runtime, or none if the system gives it no thread.
static RUNTIME: LazyLock<Option<Handle>> = LazyLock::new(|| match start() {
    Ok(handle) => Some(handle),
    Err(error) => {
        tracing::warn!(%error, "no thread for low-priority work; it runs at normal priority");
        None
    }
});

fn start() -> io::Result<Handle> {
    #[cfg(target_os = "linux")]
    LazyLock::force(&LOW);
    let runtime = Builder::new_current_thread()
        .enable_all()
        .thread_name("low-priority")
        .max_blocking_threads(most_threads())
        .on_thread_start(step_back)
        .build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("low-priority".to_owned())
        .spawn(move || {
            step_back();
            runtime.block_on(pending::<()>());
        })?;
    Ok(handle)
}

fn handle() -> Handle {
    RUNTIME.clone().unwrap_or_else(Handle::current)
}

/// Runs this at low priority. Call it within a runtime.
pub fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    handle().spawn(work)
}

/// Runs this at low priority, on a thread that may block. Call it within a runtime.
pub fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    handle().spawn_blocking(work)
}

/// The niceness of this work: so much above that of whoever asked for it first. Set as a whole, not
/// added, because a thread inherits what the one that started it has.
#[cfg(target_os = "linux")]
static LOW: LazyLock<Option<i32>> = LazyLock::new(|| {
    let own = rustix::process::nice(0).ok()?;
    Some(own.saturating_add(NICENESS).min(19))
});

#[cfg(target_os = "linux")]
fn step_back() {
    let Some(low) = *LOW else { return };
    // Without a process it is the calling thread's (`setpriority(2)`).
    if let Err(error) = rustix::process::setpriority_process(None, low) {
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
        assert_eq!(spawn(async { 7 }).await.ok(), Some(7));
        let panicked = spawn_blocking(|| panic!("a picture that kills")).await;
        assert!(panicked.is_err_and(|error| error.is_panic()));
        assert_eq!(spawn_blocking(|| 8).await.ok(), Some(8));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_work_steps_back() {
        let here = || rustix::process::nice(0).unwrap();
        let (before, low) = (here(), here().saturating_add(NICENESS).min(19));
        assert_eq!(spawn(async move { here() }).await.unwrap(), low);
        assert_eq!(spawn_blocking(here).await.unwrap(), low);
        // Blocking work within it too: files.
        let inner = spawn(async move { tokio::task::spawn_blocking(here).await });
        assert_eq!(inner.await.unwrap().unwrap(), low);
        assert_eq!(here(), before);
    }
}
