//! HTTP for every feature: checks requests in one order and answers them in one form.
//!
//! Owns the order of checks: size, type and syntax (400, 408, 413, 415) → who calls (401) → too many
//! requests (429) → form and values, all errors at once (422) → an earlier answer with the same
//! `Idempotency-Key` → the checks of the feature. It must not know any feature or use the database
//! itself, except for idempotency keys.

pub mod body;
pub mod call;
pub mod choice;
pub mod compression;
pub mod context;
pub mod cors;
pub mod deserialize;
pub mod etag;
pub mod idempotency;
pub mod middleware;
pub mod page;
pub mod query;
pub mod refusals;
pub mod serde_errors;
pub mod service_config;
pub mod settings;
pub mod system;
pub mod trace;
pub mod traffic;
pub mod unmatched;
pub mod validate;

pub use call::{Open, SignedCall};
pub use context::{Identity, RequestContext};
