//! How much of the one writer's time is for work nobody waits for.
//!
//! Owns the account alone; the writer asks it whose turn it is.

use std::time::{Duration, Instant};

use super::Lane;

/// After a background command the lane rests so many times as long as that ran, which leaves it a
/// quarter of the time.
const TIMES: u32 = 3;

/// It rests only if a person wrote within this.
const BUSY: Duration = Duration::from_millis(100);

/// When the background lane rests, so that whoever files does not wait for it.
#[derive(Debug, Default)]
pub(super) struct BackgroundThrottle {
    /// When an interactive command last ended.
    interactive_at: Option<Instant>,
    /// Until when the background lane rests.
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

    /// How much longer the background lane rests; none, if it may work.
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
        // Whoever wrote has gone again.
        rest.ran(Lane::Interactive, after(begun, 20), after(begun, 21));
        rest.ran(Lane::Background, after(begun, 121), after(begun, 141));
        assert_eq!(rest.remaining(after(begun, 141)), None);
    }
}
