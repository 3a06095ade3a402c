//! How many database connections each priority may use, so that no kind of work starves another.
//!
//! The most important work has [`Full`](Priority::Full) priority and may use all places; other work
//! must leave a reserve free, and heavy work may use half. Work holds a place only while it uses the
//! database, never while a body arrives. It must not decide which request has which priority.

use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// How many of the places work may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// All of them: filing, and the program's own work.
    Full,
    /// All except the reserve.
    Common,
    /// Half of them, and none from the reserve.
    Heavy,
}

tokio::task_local! {
    static SHARE: Priority;
}

impl Priority {
    /// Runs work with this priority: it applies to all store calls on this task.
    pub async fn within<F: Future>(self, work: F) -> F::Output {
        SHARE.scope(self, work).await
    }

    /// The priority of the current work.
    pub(super) fn now() -> Self {
        SHARE.try_with(|share| *share).unwrap_or(Self::Full)
    }
}

/// The places for work below full priority.
pub(super) struct PriorityPermits {
    common: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
}

/// Places held until dropped.
pub(super) struct Held {
    _common: Option<OwnedSemaphorePermit>,
    _heavy: Option<OwnedSemaphorePermit>,
}

impl PriorityPermits {
    /// Divides this many places: a quarter is the reserve, at least one if there are two or more.
    pub(super) fn of(places: usize) -> Self {
        let common = (places - (places / 4).max(1).min(places.saturating_sub(1))).max(1);
        let heavy = (places / 2).clamp(1, common);
        Self {
            common: Arc::new(Semaphore::new(common)),
            heavy: Arc::new(Semaphore::new(heavy)),
        }
    }

    /// Waits for the places that the work's priority needs.
    pub(super) async fn hold(&self) -> Result<Held, AcquireError> {
        let share = Priority::now();
        // The scarcer place first, so that work waiting for it holds no other.
        let heavy = match share {
            Priority::Heavy => Some(Arc::clone(&self.heavy).acquire_owned().await?),
            Priority::Full | Priority::Common => None,
        };
        let common = match share {
            Priority::Common | Priority::Heavy => {
                Some(Arc::clone(&self.common).acquire_owned().await?)
            }
            Priority::Full => None,
        };
        Ok(Held {
            _common: common,
            _heavy: heavy,
        })
    }

    /// Ends all waiting.
    pub(super) fn close(&self) {
        self.common.close();
        self.heavy.close();
    }
}
