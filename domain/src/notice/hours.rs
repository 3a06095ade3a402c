//! When notices are held back: the quiet hours of a town, and the times of its digests.
//!
//! Owns both as functions of an instant. It must not know who is told what.

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};

use crate::calendar::{QuietHours, TimeOfDay, china};

/// Days looked ahead for a digest: longer than any holiday.
const FAR: u64 = 31;

/// Until when the quiet hours last that hold at `now`; none: it is not quiet.
#[must_use]
pub fn quiet_until(quiet: QuietHours, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (from, to) = (quiet.from.get(), quiet.to.get());
    let local = china(now);
    let (day, time) = (local.date_naive(), local.time());
    let end = if from <= to {
        (from <= time && time < to).then_some(day)
    } else if time >= from {
        day.checked_add_days(Days::new(1))
    } else {
        (time < to).then_some(day)
    }?;
    at(end, to, local.offset())
}

/// The next instant after `now` at which digests are due: at one of these times of a working day.
/// None: digests are switched off.
#[must_use]
pub fn next_digest(
    times: &[TimeOfDay],
    working: impl Fn(NaiveDate) -> bool,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let local = china(now);
    let today = local.date_naive();
    (0..FAR)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .filter(|day| working(*day))
        .find_map(|day| {
            times
                .iter()
                .filter_map(|time| at(day, time.get(), local.offset()))
                .filter(|at| *at > now)
                .min()
        })
}

/// Monday to Friday.
#[must_use]
pub fn weekday(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

fn at(day: NaiveDate, time: NaiveTime, zone: &FixedOffset) -> Option<DateTime<Utc>> {
    zone.from_local_datetime(&day.and_time(time))
        .single()
        .map(|at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> TimeOfDay {
        serde_json::from_value(serde_json::json!(text)).unwrap()
    }

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_night_ends_in_the_morning_and_holds_at_no_other_time() {
        let night = QuietHours {
            from: time("22:00"),
            to: time("07:00"),
        };
        let morning = Some(instant("2026-11-21T07:00:00+08:00"));
        assert_eq!(
            quiet_until(night, instant("2026-11-20T22:00:00+08:00")),
            morning
        );
        assert_eq!(
            quiet_until(night, instant("2026-11-21T06:59:59+08:00")),
            morning
        );
        assert_eq!(
            quiet_until(night, instant("2026-11-21T07:00:00+08:00")),
            None
        );
        assert_eq!(
            quiet_until(night, instant("2026-11-20T21:59:59+08:00")),
            None
        );
        let noon = QuietHours {
            from: time("12:00"),
            to: time("14:00"),
        };
        let after = Some(instant("2026-11-20T14:00:00+08:00"));
        assert_eq!(
            quiet_until(noon, instant("2026-11-20T13:00:00+08:00")),
            after
        );
        assert_eq!(
            quiet_until(noon, instant("2026-11-20T23:00:00+08:00")),
            None
        );
        let never = QuietHours {
            from: time("00:00"),
            to: time("00:00"),
        };
        assert_eq!(
            quiet_until(never, instant("2026-11-20T00:00:00+08:00")),
            None
        );
    }

    #[test]
    fn digests_come_at_the_next_time_of_a_working_day() {
        let times = [time("17:00"), time("08:30")];
        let next = |now: &str| next_digest(&times, weekday, instant(now));
        // A Friday.
        assert_eq!(
            next("2026-11-20T08:00:00+08:00"),
            Some(instant("2026-11-20T08:30:00+08:00"))
        );
        assert_eq!(
            next("2026-11-20T08:30:00+08:00"),
            Some(instant("2026-11-20T17:00:00+08:00"))
        );
        assert_eq!(
            next("2026-11-20T17:00:00+08:00"),
            Some(instant("2026-11-23T08:30:00+08:00"))
        );
        assert_eq!(
            next_digest(&[], weekday, instant("2026-11-20T08:00:00+08:00")),
            None
        );
        assert_eq!(
            next_digest(&times, |_| false, instant("2026-11-20T08:00:00+08:00")),
            None
        );
    }
}
