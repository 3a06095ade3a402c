//! Stories that cross the rooms.

mod clock;
mod demonstration;
mod digests;
mod due_at_once;
mod duplicates;
mod failures;
mod filings;
mod killed;
mod leaving;
mod measures;
mod mergers;
mod moving;
mod national_day;
mod notices;
mod phones;
mod photo_races;
mod races;
mod rebounds;
mod returns;
mod somebody;
mod staffing;
mod teams;
mod webhook_turns;
mod webhooks;
mod whole;
