//! HTTP for every room: reading requests in one order of checks, and answering them in one form.
//!
//! The order (DESIGN.md 4): size, type and syntax (400, 408, 413, 415) → who is it (401) → does
//! that one ask too often (429) → shape and values, all errors at once (422) → an earlier answer again → and then the room's own checks.
//! This room must not know any feature, and must not touch the database itself.

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
