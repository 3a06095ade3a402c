//! What an app needs when it starts, in one answer.
//!
//! Owns how it is put together; every part of it is another room's. It reads what changes (the caller,
//! the town's snapshot, the inbox) in a few statements, and the rest is in memory.

pub mod content;
pub mod routes;
