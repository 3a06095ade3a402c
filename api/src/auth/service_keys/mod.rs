//! Signing in by the key of a service account.
//!
//! Owns the form of keys, what an account may call, and from a key to a caller. How accounts are made
//! and changed is `service_accounts`'s.

pub mod access;
pub mod authenticate;
pub mod key;
pub mod queries;
