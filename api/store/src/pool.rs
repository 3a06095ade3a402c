//! A pool of connections behind permits.
//!
//! Owns idle connections and permits. A caller needs a permit before it goes to a blocking thread, so
//! that a flood of requests queues instead of opening ever more connections or threads. It must not
//! know what a connection is used for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::priority::{Held, PriorityPermits};
use super::{Conn, StoreError, overloaded, unavailable};
use gridpatrol_problem::Problem;

type Open = Box<dyn Fn() -> Result<Conn, StoreError> + Send + Sync>;

/// The right to use one connection, until dropped.
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
    _held: Held,
}

/// A bounded set of connections.
pub(super) struct Pool {
    idle: Mutex<Vec<Conn>>,
    permits: Arc<Semaphore>,
    shares: PriorityPermits,
    size: usize,
    patience: Duration,
    open: Open,
}

impl Pool {
    /// At most `size` connections at a time for asynchronous callers, opened when first needed. A
    /// caller waits up to `patience` for a permit.
    pub(super) fn new(size: usize, patience: Duration, open: Open) -> Self {
        Self {
            idle: Mutex::new(Vec::with_capacity(size)),
            permits: Arc::new(Semaphore::new(size)),
            shares: PriorityPermits::of(size),
            size,
            patience,
            open,
        }
    }

    /// Waits for a permit, as far as the caller's priority allows.
    pub(super) async fn permit(&self) -> Result<Turn, Problem> {
        let turn = async {
            let held = self.shares.hold().await?;
            let permit = Arc::clone(&self.permits).acquire_owned().await?;
            Ok::<_, AcquireError>(Turn {
                _permit: permit,
                _held: held,
            })
        };
        match tokio::time::timeout(self.patience, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_closed)) => Err(unavailable()),
            Err(_elapsed) => {
                tracing::warn!(size = self.size, "every database connection is busy");
                Err(overloaded())
            }
        }
    }

    /// A connection: an idle one if there is one.
    pub(super) fn take(&self) -> Result<Conn, StoreError> {
        let idle = self.lock().pop();
        idle.map_or_else(&self.open, Ok)
    }

    /// A new connection. Closes the idle ones, because they probably broke together with the caller's
    /// connection.
    pub(super) fn replace(&self) -> Result<Conn, StoreError> {
        let broken = std::mem::take(&mut *self.lock());
        drop(broken);
        (self.open)()
    }

    /// Takes a healthy connection back.
    pub(super) fn give(&self, conn: Conn) {
        let mut idle = self.lock();
        if idle.len() < self.size && !self.permits.is_closed() {
            idle.push(conn);
        }
    }

    /// Gives no more permits and closes idle connections.
    pub(super) fn close(&self) {
        self.permits.close();
        self.shares.close();
        let idle = std::mem::take(&mut *self.lock());
        drop(idle);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Conn>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
