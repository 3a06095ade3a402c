//! The whole record of a town: reading and verifying it, signing its heads for outsiders, and erasing
//! personal data from it.
//!
//! Owns everything about the record, except how events are written (`store::events`) and what an event
//! and a chain are (`gridpatrol_domain::audit`). It must not change recorded events: erasing removes a
//! payload, records that in its own event, and leaves the chain valid.

pub mod answer;
pub mod erase_routes;
pub mod erasure;
pub mod heads;
pub mod labels;
pub mod queries;
pub mod routes;
pub mod verify;
