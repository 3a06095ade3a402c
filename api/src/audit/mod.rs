//! The town's record as a whole: reading it, verifying it, heads of it that are signed for outsiders,
//! and erasing personal data from it.
//!
//! Owns everything about the record but how events are written (`store::events`) and what an event and
//! a chain are (`gridpatrol_domain::audit`). It must not change what was recorded: erasing takes a
//! payload away, says so in an event of its own, and leaves the chain whole.

pub mod answer;
pub mod erase_routes;
pub mod erasure;
pub mod heads;
pub mod labels;
pub mod queries;
pub mod routes;
pub mod verify;
