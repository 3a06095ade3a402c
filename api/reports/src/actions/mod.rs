//! Actions on reports: what clients send, and what it means in the terms of the rules.
//!
//! Owns one operation for each action, the request bodies, and their translation to the domain. It
//! must not decide whether an action is allowed (the domain does) and must not save it (`commands`
//! does).

pub mod action_translation;
pub mod amend_routes;
pub mod commands;
pub mod measure_routes;
pub mod measures;
pub mod requests;
pub mod routes;
