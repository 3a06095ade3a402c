//! Work that may wait for the processor: photos being taken in and made smaller, heavy lists.
//!
//! Owns the threads of such work. They ask the system for little: while those who file, decide and
//! read want the processors they have them, and otherwise this work has them whole. One small runtime
//! for the process, as the processors are the process's too; what blocks within it (files, the
//! database) blocks on threads of the same kind. Where niceness is not a thread's own (it is on Linux),
//! the work runs as any other. It must not know what it runs. Nothing that others wait for belongs here:
//! no write, for it may hold a lock.

use std::future::pending;
use std::io;
use std::sync::LazyLock;

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

/// A tenth of what another thread gets where both want the same processor (`sched(7)`).
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Threads that may block at once: some for files beside a picture and the heavy lists of each
/// processor. Few: the C library keeps what a thread that made a picture needed for that.
fn most_threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from) * 2 + 4
}

/// The runtime; none, where the system gives no thread for it.
static RUNTIME: LazyLock<Option<Handle>> = LazyLock::new(|| match start() {
    Ok(handle) => Some(handle),
    Err(error) => {
        tracing::warn!(%error, "no thread for work that may wait; it runs beside all other");
        None
    }
});

fn start() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .thread_name("aside")
        .max_blocking_threads(most_threads())
        .on_thread_start(step_back)
        .build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("aside".to_owned())
        .spawn(move || {
            step_back();
            runtime.block_on(pending::<()>());
        })?;
    Ok(handle)
}

fn handle() -> Handle {
    RUNTIME.clone().unwrap_or_else(Handle::current)
}

/// Does this aside. Called within a runtime.
pub fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    handle().spawn(work)
}

/// Does this aside, on a thread that may block. Called within a runtime.
pub fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    handle().spawn_blocking(work)
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
        assert_eq!(spawn(async { 7 }).await.ok(), Some(7));
        let panicked = spawn_blocking(|| panic!("a picture that kills")).await;
        assert!(panicked.is_err_and(|error| error.is_panic()));
        assert_eq!(spawn_blocking(|| 8).await.ok(), Some(8));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_work_steps_back() {
        let here = || rustix::process::nice(0).unwrap();
        let (before, aside) = (here(), here().saturating_add(NICENESS).min(19));
        assert_eq!(spawn(async move { here() }).await.unwrap(), aside);
        assert_eq!(spawn_blocking(here).await.unwrap(), aside);
        // What blocks within it, too: files.
        let inner = spawn(async move { tokio::task::spawn_blocking(here).await });
        assert_eq!(inner.await.unwrap().unwrap(), aside);
        assert_eq!(here(), before);
    }
}
