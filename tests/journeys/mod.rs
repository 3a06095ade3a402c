//! Stories that use several features.

mod clock;
mod demonstration;
mod digests;
mod due_at_once;
mod duplicates;
mod end_to_end;
mod failures;
mod filings;
mod killed;
mod measures;
mod mergers;
mod moving;
mod national_day;
mod notices;
mod officer_departure;
mod phones;
mod photo_races;
mod races;
mod rebounds;
mod returns;
mod staffing;
mod teams;
mod vacancy;
mod webhook_turns;
mod webhooks;
