//! Settings of a town over HTTP and in the store.
//!
//! Owns reading, changing and recording them. It must not decide which settings exist or which
//! values are allowed: `gridpatrol_domain::settings` does. The town's snapshot (`towns::directory`)
//! keeps them in memory. The server's own configuration is separate.

pub mod commands;
pub mod queries;
pub mod routes;
