//! A report as one caller sees it.

pub mod by_id;
pub mod examples;
pub mod present;
pub mod proceedings_view;
pub mod refusals;
pub mod response;
pub mod routes;
pub mod status_text;
pub mod stored;
