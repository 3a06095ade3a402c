//! Webhooks: notices on their way to apps and systems of others.
//!
//! Owns endpoints and their life, what is sent to which (`dispatch`), how (`send`), and what became of it
//! (`deliveries`). Each envelope is sent at least once, those of one report in their order, signed as
//! Standard Webhooks says. What a notice says is the room of `notices`; when to try again the domain
//! says (`gridpatrol_domain::notice::retry`).

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
