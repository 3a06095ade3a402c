//! The time, for all features.
//!
//! Owns the only place that reads the system's clock for what is stored or decided, so that tests can
//! move the time. It must not decide what happens at which time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// The current time, in microseconds as the database stores it.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Microseconds ahead of the system, if this clock can be moved.
    ahead: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self { ahead: None }
    }

    /// A clock that can be moved forward, for tests.
    #[must_use]
    pub fn adjustable() -> Self {
        Self {
            ahead: Some(Arc::default()),
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let ahead = self
            .ahead
            .as_ref()
            .map_or(0, |ahead| ahead.load(Ordering::SeqCst));
        (Utc::now() + TimeDelta::microseconds(ahead)).trunc_subsecs(6)
    }

    /// Moves an adjustable clock forward. Does nothing to the system's clock.
    pub fn advance(&self, by: TimeDelta) {
        if let (Some(ahead), Some(by)) = (&self.ahead, by.num_microseconds()) {
            ahead.fetch_add(by, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adjustable_clock_moves_for_all_who_share_it() {
        let clock = Clock::adjustable();
        let shared = clock.clone();
        clock.advance(TimeDelta::days(2));
        assert!(shared.now() - Utc::now() > TimeDelta::days(1));
        let system = Clock::system();
        system.advance(TimeDelta::days(2));
        assert!(system.now() - Utc::now() < TimeDelta::days(1));
        assert_eq!(system.now().timestamp_subsec_nanos() % 1000, 0);
    }
}
