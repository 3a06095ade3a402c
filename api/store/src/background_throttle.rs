//! Limits how much of the SQLite writer's time background work takes while people write.
//!
//! Owns this calculation. It must not run or queue commands: the writer does, and asks it how long the
//! background lane must pause.

use std::time::{Duration, Instant};

use super::Lane;

/// After a background command, the background lane pauses for this many times the command's run time.
/// That leaves it a quarter of the time.
const TIMES: u32 = 3;

/// It pauses only if a person wrote within this time.
const BUSY: Duration = Duration::from_millis(100);

/// Decides when the background lane pauses, so that people who file do not wait for it.
#[derive(Debug, Default)]
pub(super) struct BackgroundThrottle {
    /// When an interactive command last ended.
    interactive_at: Option<Instant>,
    /// The background lane pauses until then.
    until: Option<Instant>,
}

impl BackgroundThrottle {
    /// A command of this lane ran.
    pub(super) fn ran(&mut self, lane: Lane, began: Instant, ended: Instant) {
        match lane {
            Lane::Interactive => self.interactive_at = Some(ended),
            Lane::Background => {
                let busy = self
                    .interactive_at
                    .is_some_and(|at| began.saturating_duration_since(at) < BUSY);
                self.until = busy.then(|| ended + ended.saturating_duration_since(began) * TIMES);
            }
        }
    }

    /// How much longer the background lane pauses, or none if it may work.
    pub(super) fn remaining(&self, now: Instant) -> Option<Duration> {
        let remaining = self.until?.checked_duration_since(now)?;
        (!remaining.is_zero()).then_some(remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(begun: Instant, milliseconds: u64) -> Instant {
        begun + Duration::from_millis(milliseconds)
    }

    #[test]
    fn beside_people_machines_have_a_quarter_of_the_time() {
        let begun = Instant::now();
        let mut rest = BackgroundThrottle::default();
        rest.ran(Lane::Interactive, begun, after(begun, 5));
        rest.ran(Lane::Background, after(begun, 10), after(begun, 30));
        let left = |at| {
            rest.remaining(after(begun, at))
                .map(|left| left.as_millis())
        };
        assert_eq!(
            [left(30), left(89), left(90), left(200)],
            [Some(60), Some(1), None, None]
        );
    }

    #[test]
    fn alone_machines_do_not_rest() {
        let begun = Instant::now();
        let mut rest = BackgroundThrottle::default();
        rest.ran(Lane::Background, begun, after(begun, 20));
        assert_eq!(rest.remaining(after(begun, 20)), None);
        // The person who wrote is gone.
        rest.ran(Lane::Interactive, after(begun, 20), after(begun, 21));
        rest.ran(Lane::Background, after(begun, 121), after(begun, 141));
        assert_eq!(rest.remaining(after(begun, 141)), None);
    }
}
