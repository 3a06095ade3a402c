//! Reports: filed, sent up, handled, closed, and read; with their photos and notices.
//!
//! Owns everything about a report but the rules, which stand in `gridpatrol_domain::report`. Rooms,
//! each of which may use those before it: `notices`, `record` (the row of a report and how it changes),
//! `photos`, `view` (a report as one caller sees it), then `links`, `deadlines`, `filing`, `actions`,
//! `inbox`, `list` and `export`.

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
