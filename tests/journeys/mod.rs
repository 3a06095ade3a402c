//! Stories that cross the rooms.

mod filings;
mod returns;
mod staffing;
mod whole;
