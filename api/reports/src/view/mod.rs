//! A report as one caller sees it.
//!
//! Owns the shapes of report answers, how they are filled, and the routes that read one report and
//! its record. It must not change a report: `commands` does that.

pub mod by_id;
pub mod examples;
pub mod present;
pub mod proceedings_view;
pub mod refusals;
pub mod response;
pub mod routes;
pub mod status_text;
pub mod stored;
