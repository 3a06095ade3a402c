//! Webhooks: send notices to other apps and systems.
//!
//! Owns endpoints and their life, what is sent to which (`dispatch`), how (`send`), and the result
//! (`deliveries`). Each envelope is sent at least once, signed as Standard Webhooks says; envelopes of one
//! report are sent in order. It must not decide what a notice says (`notices` does) or when to try again
//! (`gridpatrol_domain::notice::retry` does).

pub mod address;
pub mod answer;
pub mod commands;
pub mod deliveries;
pub mod delivery_routes;
pub mod delivery_worker;
pub mod dispatch;
pub mod queries;
pub mod requests;
pub mod routes;
pub mod secret;
pub mod send;
pub mod sent;
pub mod settings;
