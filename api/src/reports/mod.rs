//! Reports: filed, sent up, handled, closed, and read.
//!
//! Owns everything about a report but the rules, which stand in `gridpatrol_domain::report`, and its
//! photos, which have a room of their own.

pub mod action_routes;
pub mod actions;
pub mod answer;
pub mod asked;
mod changes;
pub mod clock;
pub mod commands;
pub mod decisions;
pub mod duplicate;
mod examples;
mod forecast;
pub mod foresight_routes;
pub mod inbox;
pub mod inbox_item;
pub mod inbox_routes;
pub mod list;
pub mod list_routes;
pub mod measure_routes;
pub mod measures;
mod package;
pub mod phrase;
mod place;
pub mod queries;
mod rebound;
pub mod relocation;
pub mod request;
pub mod routes;
pub mod rows;
pub mod search;
pub mod services;
pub mod similar;
pub mod similar_routes;
mod texts;
mod underway;
pub mod view;
pub mod wake_timer;
