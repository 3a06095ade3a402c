//! When the clock looks next, and what wakes it earlier.
//!
//! Owns that instant. Work in this process sets the timer; the clock sees the work of other
//! processes at its next regular look.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

/// The timer that wakes the clock.
#[derive(Debug, Default)]
pub struct WakeTimer {
    set: Mutex<Set>,
    wake: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Set {
    /// When the clock looks anyway; none if it is not running.
    look: Option<DateTime<Utc>>,
    /// When something is due before that.
    due: Option<DateTime<Utc>>,
}

impl WakeTimer {
    /// Says that something is due at this instant, once the present transaction commits. Wakes the
    /// clock if it would look later than that.
    pub fn set(&self, due: DateTime<Utc>) {
        let mut set = self.lock();
        let before = set.due.or(set.look);
        if before.is_some_and(|before| due < before) {
            set.due = Some(due);
            self.wake.notify_one();
        }
    }

    /// Says that the clock looks now, and again at `next` at the latest. Returns what the timer was
    /// set to.
    pub fn look(&self, next: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut set = self.lock();
        set.look = Some(next);
        set.due.take()
    }

    /// Notifies the clock that it must look now.
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    fn lock(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    async fn woken(timer: &WakeTimer) -> bool {
        tokio::time::timeout(Duration::from_millis(1), timer.wake().notified())
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_is_due_before_the_next_look_wakes_the_clock() {
        let timer = WakeTimer::default();
        timer.set(at(1));
        assert!(!woken(&timer).await, "nothing runs");

        assert_eq!(timer.look(at(10)), None);
        timer.set(at(10));
        timer.set(at(3600));
        assert!(!woken(&timer).await, "it looks by then anyway");

        timer.set(at(7));
        timer.set(at(8));
        assert!(woken(&timer).await);
        assert!(!woken(&timer).await, "once");
        assert_eq!(timer.look(at(12)), Some(at(7)));
        assert_eq!(timer.look(at(14)), None, "the look was for that");
    }
}
