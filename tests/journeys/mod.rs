//! Stories that cross the rooms.

mod clock;
mod demonstration;
mod digests;
mod failures;
mod filings;
mod killed;
mod leaving;
mod measures;
mod mergers;
mod moving;
mod notices;
mod phones;
mod photo_races;
mod races;
mod rebounds;
mod returns;
mod staffing;
mod teams;
mod webhooks;
mod whole;
