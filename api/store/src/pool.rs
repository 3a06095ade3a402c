//! Connections that wait to be used again, behind global permits.
//!
//! A caller holds a permit before it goes to a blocking thread, so that a flood waits in line
//! instead of opening connections or threads without end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::priority::{Held, PriorityPermits};
use super::{Conn, StoreError, overloaded, unavailable};
use gridpatrol_problem::Problem;

type Open = Box<dyn Fn() -> Result<Conn, StoreError> + Send + Sync>;

/// The right to one connection, until dropped.
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
    /// caller waits up to `patience` for its turn.
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

    /// Waits for a turn within the caller's share.
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

    /// A connection: one used before if there is one.
    pub(super) fn take(&self) -> Result<Conn, StoreError> {
        let idle = self.lock().pop();
        idle.map_or_else(&self.open, Ok)
    }

    /// A connection never used before; those that wait are given up, for they broke with the one
    /// that the caller had.
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

    /// No more turns; connections that wait are closed.
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
