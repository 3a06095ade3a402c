//! Officers: accounts, postings, absences, deputies, the duty roster.
//!
//! Owns which officers exist, where and when they are posted, who is away and who deputises. It
//! must not know how they sign in (`auth`), nor decide who may manage or act
//! (`gridpatrol_domain::officer`).

pub mod absence_routes;
pub mod absences;
pub mod accounts;
pub mod answer;
pub mod chains;
pub mod commands;
pub mod import;
pub mod invitations;
pub mod posting_routes;
pub mod postings;
pub mod queries;
pub mod requests;
pub mod responsible;
pub mod roster;
pub mod roster_routes;
pub mod routes;
pub mod session_routes;
pub mod subject;
