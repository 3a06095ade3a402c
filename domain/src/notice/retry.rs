//! When a delivery that failed is tried again: soon at first, then ever more seldom, for three days.
//!
//! Owns the schedule. It must not know what failed.

use chrono::{DateTime, TimeDelta, Utc};

/// Seconds until the next try, by how many have failed; the last one repeats.
const DELAYS_S: [i64; 11] = [
    5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 43_200,
];

/// For how long a delivery is tried.
pub const TRIED_FOR: TimeDelta = TimeDelta::days(3);

/// By how much at most a delay is lengthened by chance, so that what failed together does not come
/// back together: a fifth.
const SPREAD: i64 = 5;

fn delay_s(failed: u32) -> i64 {
    let place = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX);
    DELAYS_S
        .get(place)
        .or(DELAYS_S.last())
        .copied()
        .unwrap_or(43_200)
}

/// How long a delivery waits at most of itself after so many tries that failed. What waits for longer
/// was asked to, or waits for the morning.
#[must_use]
pub fn longest_delay(failed: u32) -> TimeDelta {
    let delay = delay_s(failed);
    TimeDelta::seconds(delay + delay / SPREAD)
}

/// For how long nothing came through where it was an outage. What failed by it need not wait any longer
/// once the receiver is back; after a shorter one it waits for minutes at most.
pub const OUTAGE: TimeDelta = TimeDelta::minutes(10);

/// The instant of the next try, after `failed` tries of which the first was at `first`. `asked` is how
/// long the receiver asks to wait (`Retry-After`); `chance` is any number. None: it is given up.
#[must_use]
pub fn next_try(
    first: DateTime<Utc>,
    now: DateTime<Utc>,
    failed: u32,
    asked: Option<TimeDelta>,
    chance: u16,
) -> Option<DateTime<Utc>> {
    let delay = delay_s(failed);
    let spread = delay * 1000 / SPREAD * i64::from(chance) / i64::from(u16::MAX);
    let own = TimeDelta::seconds(delay) + TimeDelta::milliseconds(spread);
    let last = first + TRIED_FOR;
    if now >= last {
        return None;
    }
    let next = now + asked.map_or(own, |asked| asked.max(own));
    // What would come too late is tried once more at the end.
    Some(next.min(last))
}

/// Seconds that an endpoint rests at least after trouble, doubled each time.
const REST_S: i64 = 5;
/// Seconds that it rests at most of itself.
const LONGEST_REST_S: i64 = 300;
/// How long it rests at most when it asks to.
const LONGEST_ASKED: TimeDelta = TimeDelta::days(1);

/// How long an endpoint rests after so many troubles in a row, so that one that is down is not asked
/// about each of its deliveries.
#[must_use]
pub fn rest(troubles: u32, asked: Option<TimeDelta>) -> TimeDelta {
    let doubled = REST_S.saturating_mul(1_i64 << troubles.saturating_sub(1).min(16));
    let own = TimeDelta::seconds(doubled.min(LONGEST_REST_S));
    asked.map_or(own, |asked| asked.clamp(own, LONGEST_ASKED.max(own)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_ends_after_three_days_and_about_fifteen_tries() {
        let first = DateTime::UNIX_EPOCH;
        let (mut now, mut tries) = (first, 1);
        while let Some(next) = next_try(first, now, tries, None, 0) {
            now = next;
            tries += 1;
        }
        assert_eq!(now, first + TRIED_FOR);
        assert_eq!(tries, 15);
    }

    #[test]
    fn an_endpoint_rests_longer_and_longer_and_as_long_as_it_asks() {
        let rests = [1, 2, 3, 7, 40].map(|troubles| rest(troubles, None).num_seconds());
        assert_eq!(rests, [5, 10, 20, 300, 300]);
        let hour = Some(TimeDelta::hours(1));
        assert_eq!(rest(1, hour), TimeDelta::hours(1));
        assert_eq!(rest(1, Some(TimeDelta::days(9))), TimeDelta::days(1));
        assert_eq!(rest(3, Some(TimeDelta::seconds(1))).num_seconds(), 20);
    }

    proptest! {
        #[test]
        fn the_next_try_lies_ahead_waits_as_asked_and_within_three_days(
            since in 0_i64..300_000,
            failed in 1_u32..30,
            asked in prop::option::of(0_i64..500_000),
            chance: u16,
        ) {
            let first = DateTime::UNIX_EPOCH;
            let now = first + TimeDelta::seconds(since);
            let asked = asked.map(TimeDelta::seconds);
            match next_try(first, now, failed, asked, chance) {
                Some(next) => {
                    prop_assert!(next > now && next <= first + TRIED_FOR);
                    prop_assert!(asked.is_some() || next <= now + longest_delay(failed));
                    let wanted = now + asked.unwrap_or_default();
                    prop_assert!(next >= wanted || next == first + TRIED_FOR);
                }
                None => prop_assert!(now >= first + TRIED_FOR),
            }
        }
    }
}
