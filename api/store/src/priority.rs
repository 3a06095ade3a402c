//! How much of the database one kind of work may take, so that no kind starves another.
//!
//! What is most important finds the [`Full`](Priority::Full); the rest shares what a reserve leaves,
//! and heavy work shares half. A place is held only while work is in the database, never while a body
//! arrives. Which request has which share is not decided here.

use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// The part of the places that work may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// All of them: filing, and the program's own work.
    Full,
    /// Those beyond the reserve.
    Common,
    /// Half of them, and none of the reserve.
    Heavy,
}

tokio::task_local! {
    static SHARE: Priority;
}

impl Priority {
    /// Does work with this share: whatever the work asks of the store on this task counts towards it.
    pub async fn within<F: Future>(self, work: F) -> F::Output {
        SHARE.scope(self, work).await
    }

    /// The share of the work that asks.
    pub(super) fn now() -> Self {
        SHARE.try_with(|share| *share).unwrap_or(Self::Full)
    }
}

/// The places of work that has not the whole.
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
    /// The shares of so many places: a quarter is reserved, and at least one where there are two.
    pub(super) fn of(places: usize) -> Self {
        let common = (places - (places / 4).max(1).min(places.saturating_sub(1))).max(1);
        let heavy = (places / 2).clamp(1, common);
        Self {
            common: Arc::new(Semaphore::new(common)),
            heavy: Arc::new(Semaphore::new(heavy)),
        }
    }

    /// Waits for the places that the work's share asks for.
    pub(super) async fn hold(&self) -> Result<Held, AcquireError> {
        let share = Priority::now();
        // The rarer place first: who waits for it holds no other.
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

    /// Nobody waits any longer.
    pub(super) fn close(&self) {
        self.common.close();
        self.heavy.close();
    }
}
