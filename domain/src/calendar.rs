//! Time as limits count it: calendar time for now, and the seam for working time.
//!
//! Owns how a span is added to an instant and how a share of it is measured. It must not know what a
//! limit is for (`report::limits`).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A length of time as a limit states it (DOMAIN.md 2): one of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(example = json!({"days": 7})))]
pub enum Span {
    /// Hours, round the clock.
    Hours(u32),
    /// Days.
    Days(u32),
    /// Working days.
    WorkingDays(u32),
}

/// How time counts.
pub trait Calendar {
    /// The instant at which `span` has passed since `from`.
    fn after(&self, from: DateTime<Utc>, span: Span) -> DateTime<Utc>;

    /// The instant at which `percent` of the time from `from` to `until` has passed.
    fn part(&self, from: DateTime<Utc>, until: DateTime<Utc>, percent: u32) -> DateTime<Utc>;
}

/// Every hour counts, every day is a working day.
#[derive(Debug, Clone, Copy, Default)]
pub struct CalendarTime;

impl Calendar for CalendarTime {
    fn after(&self, from: DateTime<Utc>, span: Span) -> DateTime<Utc> {
        from + match span {
            Span::Hours(hours) => TimeDelta::hours(i64::from(hours)),
            Span::Days(days) | Span::WorkingDays(days) => TimeDelta::days(i64::from(days)),
        }
    }

    fn part(&self, from: DateTime<Utc>, until: DateTime<Utc>, percent: u32) -> DateTime<Utc> {
        from + TimeDelta::seconds(
            (until - from)
                .num_seconds()
                .saturating_mul(i64::from(percent))
                / 100,
        )
    }
}
