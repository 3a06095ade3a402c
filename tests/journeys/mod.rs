//! Stories that cross the rooms.

mod failures;
mod filings;
mod photo_races;
mod races;
mod returns;
mod staffing;
mod whole;
