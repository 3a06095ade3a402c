//! Holidays and make-up days (调休), year by year, as the State Council announces them.
//!
//! Owns the table's form (DOMAIN.md 2), what is wrong with one, and which table speaks for a day. A
//! day that no table names is a working day from Monday to Friday.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::validation::InvalidValue;

/// Days of one table at most. So many days off leave a year its working days.
pub const MOST_DAYS: usize = 100;
/// Years that a table may be for.
pub const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;
/// Longest name of a day, in characters.
pub const LONGEST_NAME: usize = 50;

/// One year's table, in the form in which it is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = HolidayYear))]
pub struct Year {
    /// The year that it is for.
    pub year: i32,
    /// Days off that would be working days or lie in the weekend, and weekend days that are worked.
    pub days: Vec<Day>,
}

/// A day that is not what its weekday says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = HolidayDay))]
pub struct Day {
    /// What it is called, such as 国庆节.
    #[cfg_attr(feature = "openapi", schema(pattern = r"\S", max_length = 50))]
    pub name: String,
    /// The date in China: of the table's year, or of the December before.
    pub date: NaiveDate,
    /// Whether it is off; otherwise it is worked.
    #[serde(rename = "isOffDay")]
    pub is_off_day: bool,
}

impl Year {
    /// Every value that cannot be accepted, at once.
    #[must_use]
    pub fn faults(&self) -> Vec<InvalidValue> {
        let mut faults = Vec::new();
        let mut wrong = |pointer: String, detail: &str| {
            faults.push(InvalidValue {
                pointer,
                detail: detail.to_owned(),
            });
        };
        if !YEARS.contains(&self.year) {
            wrong("/year".to_owned(), "Give a year from 2000 to 2100.");
        }
        if self.days.len() > MOST_DAYS {
            wrong("/days".to_owned(), "Give at most 100 days.");
        }
        let mut seen = BTreeSet::new();
        for (at, day) in self.days.iter().enumerate() {
            let name = day.name.trim();
            if name.is_empty() || name.chars().count() > LONGEST_NAME {
                wrong(
                    format!("/days/{at}/name"),
                    "Give a name of 1 to 50 characters.",
                );
            }
            // An announcement may change the end of the year before.
            let before = day.date.year() == self.year - 1 && day.date.month() == 12;
            if day.date.year() != self.year && !before {
                wrong(
                    format!("/days/{at}/date"),
                    "Give a date of the year itself, or of the December before.",
                );
            }
            if !seen.insert(day.date) {
                wrong(format!("/days/{at}/date"), "Name each date once.");
            }
        }
        faults
    }

    /// The same, with its days in order.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.days.sort_by_key(|day| day.date);
        self
    }
}

/// The tables of all years that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holidays {
    years: BTreeSet<i32>,
    /// Whether a day is off, by its number.
    days: BTreeMap<i64, bool>,
}

/// No tables.
pub(super) static NONE: Holidays = Holidays {
    years: BTreeSet::new(),
    days: BTreeMap::new(),
};

/// The number of a date, counted from 1 January 1970.
pub(super) fn number(date: NaiveDate) -> i64 {
    date.signed_duration_since(DateTime::UNIX_EPOCH.date_naive())
        .num_days()
}

impl Holidays {
    /// These tables. Where two name one day, the later year's speaks: it was announced later.
    #[must_use]
    pub fn new(mut years: Vec<Year>) -> Self {
        years.sort_by_key(|table| table.year);
        let mut holidays = Self::default();
        for table in years {
            holidays.years.insert(table.year);
            for day in table.days {
                holidays.days.insert(number(day.date), day.is_off_day);
            }
        }
        holidays
    }

    /// Whether there is a table for this year.
    #[must_use]
    pub fn knows(&self, year: i32) -> bool {
        self.years.contains(&year)
    }

    /// What the tables say of a day.
    pub(super) fn is_off_day(&self, day: i64) -> Option<bool> {
        self.days.get(&day).copied()
    }
}
