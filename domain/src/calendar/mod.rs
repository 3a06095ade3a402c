//! Time as limits count it: China Standard Time, working hours, nights, weekends, holidays.
//!
//! Owns how a span is added to an instant and how much counted time lies between two. China has one
//! time zone without summer time (+08:00). It must not know what a limit is for (`report::deadlines`).
//!
//! An instant that was promised is kept by whoever promised it: a holiday table or a setting that
//! changes later moves nothing that was counted before, only what is counted from then on.

pub mod holidays;
pub mod hours;
mod span;

#[cfg(test)]
mod tests;

use chrono::{DateTime, FixedOffset, NaiveDate, Offset as _, TimeDelta, Utc};

pub use holidays::{Day, Holidays, Year};
pub use hours::{QuietHours, TimeOfDay, WorkingHours};
pub use span::Span;

/// Which time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pace {
    /// Every hour.
    Continuous,
    /// The night does not.
    Waking,
    /// Only working hours of working days.
    Working,
}

/// How time counts: the tables and the hours in force.
#[derive(Debug, Clone, Copy)]
pub struct Calendar<'a> {
    /// Holidays and make-up days.
    pub holidays: &'a Holidays,
    /// Working hours.
    pub hours: WorkingHours,
    /// The night.
    pub night: QuietHours,
}

/// Weekends, usual hours and the usual night; no holidays.
impl Default for Calendar<'_> {
    fn default() -> Self {
        Self {
            holidays: &holidays::NONE,
            hours: WorkingHours::default(),
            night: QuietHours::default(),
        }
    }
}

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// How far China Standard Time is ahead.
const AHEAD: i64 = 8 * 3_600_000_000;
/// Days looked at, at most: no limit reaches farther.
const FARTHEST: i64 = 36_525;

/// The day (counted from 1 January 1970) and the microsecond in it, in China.
fn local(at: DateTime<Utc>) -> (i64, i64) {
    let micros = at.timestamp_micros().saturating_add(AHEAD);
    (micros.div_euclid(DAY), micros.rem_euclid(DAY))
}

/// The instant of this microsecond of this day in China.
fn instant(day: i64, micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(day.saturating_mul(DAY).saturating_add(micros - AHEAD))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// An instant in China Standard Time, the one time zone of the field.
#[must_use]
pub fn china(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    at.with_timezone(&FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| Utc.fix()))
}

/// The date in China.
#[must_use]
pub fn date(at: DateTime<Utc>) -> NaiveDate {
    let midnight = instant(local(at).0, AHEAD);
    midnight.date_naive()
}

impl Calendar<'_> {
    /// The instant at which `span` has passed since `from`; hours round the clock.
    #[must_use]
    pub fn after(&self, from: DateTime<Utc>, span: Span) -> DateTime<Utc> {
        let close = self.hours.to.micros();
        match span {
            Span::Hours(hours) => {
                self.add(Pace::Continuous, from, TimeDelta::hours(i64::from(hours)))
            }
            Span::Days(days) => {
                let first = self.working_day_from(local(from).0 + 1);
                let last = first + i64::from(days.max(1)) - 1;
                instant(self.working_day_from(last), close)
            }
            Span::WorkingDays(days) => {
                let mut day = local(from).0;
                for _ in 0..days.max(1) {
                    day = self.working_day_from(day + 1);
                }
                instant(day, close)
            }
        }
    }

    /// The first instant by which `amount` of the time that counts has passed since `from`.
    #[must_use]
    pub fn add(&self, pace: Pace, from: DateTime<Utc>, amount: TimeDelta) -> DateTime<Utc> {
        let mut left = amount.num_microseconds().unwrap_or(i64::MAX);
        if left <= 0 {
            return from;
        }
        if pace == Pace::Continuous {
            return from
                .checked_add_signed(amount)
                .unwrap_or(DateTime::<Utc>::MAX_UTC);
        }
        let (first, since) = local(from);
        for day in first..first + FARTHEST {
            let begun = if day == first { since } else { 0 };
            for (open, close) in self.windows(pace, day) {
                let open = open.max(begun);
                let counts = (close - open).max(0);
                if left <= counts {
                    return instant(day, open + left);
                }
                left -= counts;
            }
        }
        instant(first + FARTHEST, 0)
    }

    /// How much of the time from one instant to another counts; nothing when they are the other way
    /// round. What [`Calendar::add`] added, this measures.
    #[must_use]
    pub fn measure(&self, pace: Pace, from: DateTime<Utc>, until: DateTime<Utc>) -> TimeDelta {
        if until <= from {
            return TimeDelta::zero();
        }
        if pace == Pace::Continuous {
            return until - from;
        }
        let ((first, since), (last, to)) = (local(from), local(until));
        let mut counted = 0;
        for day in first..=last.min(first + FARTHEST) {
            let begun = if day == first { since } else { 0 };
            let ended = if day == last { to } else { DAY };
            for (open, close) in self.windows(pace, day) {
                counted += (close.min(ended) - open.max(begun)).max(0);
            }
        }
        TimeDelta::microseconds(counted)
    }

    /// When what was due at `due` is due, after the clock stood still from `since` to `until`: then as
    /// much of the time that counts is left as was left before. What had no such time left is later by
    /// the whole standstill.
    #[must_use]
    pub fn resumed(
        &self,
        pace: Pace,
        due: DateTime<Utc>,
        (since, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> DateTime<Utc> {
        let left = self.measure(pace, since, due);
        if left > TimeDelta::zero() {
            self.add(pace, until, left)
        } else {
            due + (until - since).max(TimeDelta::zero())
        }
    }

    /// When a limit that is given at `from` begins to count: in working time with the next working
    /// day, else at once.
    #[must_use]
    pub fn begins(&self, pace: Pace, from: DateTime<Utc>) -> DateTime<Utc> {
        match pace {
            Pace::Continuous | Pace::Waking => from,
            Pace::Working => instant(
                self.working_day_from(local(from).0 + 1),
                self.hours.from.micros(),
            ),
        }
    }

    /// How much time a limit from `from` to `until` gives. Where none of it counts (a limit that was
    /// cut short), all of it does.
    fn given(
        &self,
        pace: Pace,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> (Pace, DateTime<Utc>, TimeDelta) {
        let begins = self.begins(pace, from);
        let total = self.measure(pace, begins, until);
        if total > TimeDelta::zero() {
            (pace, begins, total)
        } else {
            (
                Pace::Continuous,
                from,
                (until - from).max(TimeDelta::zero()),
            )
        }
    }

    /// The instant at which `percent` of a limit from `from` to `until` has passed, to the second,
    /// counted in the time in which the limit counts.
    #[must_use]
    pub fn part(
        &self,
        pace: Pace,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        percent: u32,
    ) -> DateTime<Utc> {
        if percent >= 100 {
            return until;
        }
        let (pace, begins, total) = self.given(pace, from, until);
        self.add(pace, begins, share(total, percent))
    }

    /// The instant by which whoever gets a matter at `since` has had `percent` of its limit, and at
    /// least `least`, in the time in which the limit counts.
    #[must_use]
    pub fn allowance(
        &self,
        pace: Pace,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        since: DateTime<Utc>,
        percent: u32,
        least: TimeDelta,
    ) -> DateTime<Utc> {
        let (pace, _, total) = self.given(pace, from, until);
        self.add(pace, since, share(total, percent).max(least))
    }

    /// The next instant after `now` at which a working day opens.
    #[must_use]
    pub fn opening_after(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let (today, time) = local(now);
        let opens = self.hours.from.micros();
        let from = if time < opens { today } else { today + 1 };
        instant(self.working_day_from(from), opens)
    }

    /// Whether people work on this day.
    #[must_use]
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        self.works(holidays::number(date))
    }

    /// The first working day that is no earlier.
    fn working_day_from(&self, day: i64) -> i64 {
        (day..day + FARTHEST)
            .find(|day| self.works(*day))
            .unwrap_or(day)
    }

    /// What the tables say, else Monday to Friday.
    fn works(&self, day: i64) -> bool {
        // 1 January 1970 was a Thursday.
        let weekend = matches!(day.rem_euclid(7), 2 | 3);
        self.holidays
            .is_off_day(day)
            .map_or(!weekend, |is_off_day| !is_off_day)
    }

    /// The parts of a day that count, in order.
    fn windows(&self, pace: Pace, day: i64) -> [(i64, i64); 2] {
        const NOTHING: (i64, i64) = (0, 0);
        match pace {
            Pace::Continuous => [(0, DAY), NOTHING],
            Pace::Waking => {
                let (dusk, dawn) = (self.night.from.micros(), self.night.to.micros());
                match dusk.cmp(&dawn) {
                    std::cmp::Ordering::Equal => [(0, DAY), NOTHING],
                    std::cmp::Ordering::Greater => [(dawn, dusk), NOTHING],
                    std::cmp::Ordering::Less => [(0, dusk), (dawn, DAY)],
                }
            }
            Pace::Working if self.works(day) => {
                [(self.hours.from.micros(), self.hours.to.micros()), NOTHING]
            }
            Pace::Working => [NOTHING, NOTHING],
        }
    }
}

/// A share of a length of time, to the second.
fn share(total: TimeDelta, percent: u32) -> TimeDelta {
    TimeDelta::seconds(total.num_seconds().saturating_mul(i64::from(percent)) / 100)
}
