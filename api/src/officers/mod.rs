//! Officers: accounts and postings.
//!
//! Owns who exists and who is posted where. It must not know how they sign in (`auth`) nor what they
//! may do (`gridpatrol_domain::officer`).

pub mod commands;
