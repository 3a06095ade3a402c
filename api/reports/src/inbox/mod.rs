//! What waits for a desk, and deciding on many at once.

pub mod decisions;
pub mod item;
pub mod queries;
pub mod routes;
