//! Slows down and then stops people who guess passwords.
//!
//! Owns the rules: a growing delay per name, then a lock; and a lock per address, which many
//! officers may share and which always ends. We do not keep requests waiting: the answer is 429
//! with the seconds to wait. This module must not know what a password is. `login` asks it before
//! and after the check.

use chrono::{DateTime, TimeDelta, Utc};

/// When a subject has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Failures until the lock.
    pub failures: u32,
    /// How long the lock lasts. The count also restarts this long after the last failure.
    pub lock: TimeDelta,
    /// Whether each failure from the second on asks for a pause: 2, 4, 8 … seconds.
    pub delays: bool,
}

/// What we store about a name or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// Failed sign-ins since the last success or since they were forgotten.
    pub count: u32,
    /// The last of them.
    pub last_at: DateTime<Utc>,
    /// Until this time we try no password at all.
    pub locked_until: Option<DateTime<Utc>>,
}

/// How long to wait before the next password is tried. `Some` is at least one second.
#[must_use]
pub fn wait(failures: Option<Failures>, limits: Limits, now: DateTime<Utc>) -> Option<u64> {
    let failures = failures?;
    let until = match failures.locked_until {
        Some(until) => until,
        None if limits.delays => failures.last_at + pause(failures.count),
        None => return None,
    };
    let left = (until - now).num_milliseconds();
    (left > 0).then(|| u64::try_from(left).unwrap_or(0).div_ceil(1000))
}

/// What we store after one more failure. We never count failures during a wait, so a lock ends at
/// the promised time, whatever strangers do.
#[must_use]
pub fn failed(failures: Option<Failures>, limits: Limits, now: DateTime<Utc>) -> Failures {
    let count = failures
        .filter(|known| known.locked_until.is_none() && now - known.last_at < limits.lock)
        .map_or(0, |known| known.count)
        .saturating_add(1);
    Failures {
        count,
        last_at: now,
        locked_until: (count >= limits.failures).then(|| now + limits.lock),
    }
}

/// The pause that follows the nth failure.
fn pause(count: u32) -> TimeDelta {
    if count < 2 {
        return TimeDelta::zero();
    }
    TimeDelta::seconds(1_i64 << (count - 1).min(10))
}

/// The subject under which a name's failures are counted.
#[must_use]
pub fn name_subject(username: &str) -> String {
    format!("name:{username}")
}

/// The subject under which a signed-in officer's failures are counted.
#[must_use]
pub fn officer_subject(officer_id: uuid::Uuid) -> String {
    format!("officer:{officer_id}")
}

#[cfg(test)]
mod tests {
    use super::{Failures, Limits, failed, wait};
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    const NAME: Limits = Limits {
        failures: 5,
        lock: TimeDelta::minutes(30),
        delays: true,
    };
    const ADDRESS: Limits = Limits {
        failures: 60,
        lock: TimeDelta::minutes(5),
        delays: false,
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn the_delay_grows_and_ends_in_a_lock() {
        let mut known = None;
        let mut clock = 0;
        let mut waits = Vec::new();
        for _ in 0..5 {
            known = Some(failed(known, NAME, at(clock)));
            let left = wait(known, NAME, at(clock));
            waits.push(left.unwrap_or(0));
            clock += i64::try_from(left.unwrap_or(0)).unwrap();
            assert_eq!(wait(known, NAME, at(clock)), None, "it ends when it said");
        }
        assert_eq!(waits, [0, 2, 4, 8, 30 * 60]);
    }

    #[test]
    fn the_count_begins_anew_after_a_lock_and_after_a_while() {
        let locked = Failures {
            count: 5,
            last_at: at(0),
            locked_until: Some(at(1800)),
        };
        assert_eq!(wait(Some(locked), NAME, at(1799)), Some(1));
        assert_eq!(wait(Some(locked), NAME, at(1800)), None);
        assert_eq!(failed(Some(locked), NAME, at(1800)).count, 1);
        let four = Failures {
            count: 4,
            last_at: at(0),
            locked_until: None,
        };
        assert_eq!(failed(Some(four), NAME, at(1799)).count, 5);
        assert_eq!(failed(Some(four), NAME, at(1800)).count, 1);
    }

    #[test]
    fn an_address_waits_only_after_many_failures() {
        let mut known = None;
        for count in 1..60 {
            known = Some(failed(known, ADDRESS, at(count)));
            assert_eq!(wait(known, ADDRESS, at(count)), None);
        }
        known = Some(failed(known, ADDRESS, at(60)));
        assert_eq!(wait(known, ADDRESS, at(60)), Some(300));
    }

    proptest! {
        /// However persistent strangers are, the owner gets in: no wait is longer than the lock,
        /// and the subject is free after the wait.
        #[test]
        fn every_wait_ends(steps in prop::collection::vec(0_i64..4000, 1..60)) {
            let mut known = None;
            let mut clock = 0;
            for step in steps {
                clock += step;
                match wait(known, NAME, at(clock)) {
                    None => known = Some(failed(known, NAME, at(clock))),
                    Some(left) => {
                        let left = i64::try_from(left).unwrap();
                        prop_assert!(left <= NAME.lock.num_seconds());
                        prop_assert_eq!(wait(known, NAME, at(clock + left)), None);
                    }
                }
            }
        }
    }
}
