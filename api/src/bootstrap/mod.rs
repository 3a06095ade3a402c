//! What an app needs when it starts, in one answer.
//!
//! Owns how the answer is put together. It reads what changes (the caller, the town's snapshot, the inbox)
//! in a few statements; the rest is in memory. It must not own any of these parts: other features do.

pub mod content;
pub mod routes;
