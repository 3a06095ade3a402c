//! Reports: people file, decide, handle, close and read them, with their photos and notices.
//!
//! Owns everything about a report except its rules, which are in `gridpatrol_domain::report`. The
//! rooms, from the bottom up: `notices`, `record` (the row of a report and how it changes),
//! `photos`, `view` (a report as one caller sees it), then `links`, `deadlines`,
//! `filing`, `actions`, `inbox`, `list` and `export`.

pub mod actions;
pub mod deadlines;
pub mod export;
pub mod filing;
pub mod inbox;
pub mod links;
pub mod list;
pub mod notices;
pub mod photos;
pub mod record;
pub mod relocation;
pub mod routes;
pub mod services;
pub mod view;
