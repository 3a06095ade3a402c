//! Times of day that a town sets: working hours and the night.
//!
//! Owns their form. What counts in them is [`super::Calendar`].

use chrono::{NaiveTime, Timelike as _};
use serde::{Deserialize, Serialize};

/// When people work on a working day, in China Standard Time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkingHours {
    /// When they begin.
    pub from: TimeOfDay,
    /// Close of business: day-limits end then. Later than `from`.
    pub to: TimeOfDay,
}

impl Default for WorkingHours {
    fn default() -> Self {
        Self {
            from: TimeOfDay::at(9, 0),
            to: TimeOfDay::at(17, 0),
        }
    }
}

/// When the night begins and ends, in China Standard Time. The same time twice: there is no night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuietHours {
    /// When it begins.
    pub from: TimeOfDay,
    /// When it ends, the next day if that is earlier.
    pub to: TimeOfDay,
}

impl Default for QuietHours {
    fn default() -> Self {
        Self {
            from: TimeOfDay::at(22, 0),
            to: TimeOfDay::at(7, 0),
        }
    }
}

impl QuietHours {
    /// How many minutes the night has.
    #[must_use]
    pub fn minutes(self) -> u32 {
        let minute = |time: TimeOfDay| time.0.num_seconds_from_midnight() / 60;
        (minute(self.to) + 24 * 60 - minute(self.from)) % (24 * 60)
    }
}

/// A time of day, `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(NaiveTime);

impl TimeOfDay {
    /// This hour and minute; midnight if there is no such time.
    #[must_use]
    pub fn at(hour: u32, minute: u32) -> Self {
        Self(NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default())
    }

    /// The time.
    #[must_use]
    pub const fn get(self) -> NaiveTime {
        self.0
    }

    /// Microseconds since midnight.
    pub(super) fn micros(self) -> i64 {
        i64::from(self.0.num_seconds_from_midnight()) * 1_000_000
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.format("%H:%M"))
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Two digits each: chrono alone would take one as well.
        let sound = text.len() == 5;
        NaiveTime::parse_from_str(&text, "%H:%M")
            .ok()
            .filter(|_| sound)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("give a time of day such as 22:00"))
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for TimeOfDay {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^([01][0-9]|2[0-3]):[0-5][0-9]$"))
            .description(Some("A time of day in China Standard Time."))
            .examples(["22:00"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for TimeOfDay {}
