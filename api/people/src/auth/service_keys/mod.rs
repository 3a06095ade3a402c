//! Signs service accounts in by their keys.
//!
//! Owns the form of keys, what an account may call, and finding the caller behind a key. It must
//! not make or change accounts: `service_accounts` does.

pub mod access;
pub mod authenticate;
pub mod key;
pub mod queries;
