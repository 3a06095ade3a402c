//! Officers: roles, dated postings, deputies, and by what an officer acts.
//!
//! Owns what an actor may stand on. Who is responsible where is `staffing`, who manages whom
//! `managing`. It must not know what an action does (`report::lifecycle`).

pub mod actor;
pub mod managing;
pub mod role;
pub mod staffing;

pub use actor::{Actor, Authority, Posting};
pub use managing::Held;
pub use role::{Covers, Role};
pub use staffing::{By, Post, Responsible, Staffing, TeamRoster};
