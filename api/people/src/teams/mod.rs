//! Teams of a town: a lead and members who do work together, with an area and a field of work.
//!
//! Owns creating, changing and archiving teams, and who can see them. It must not decide which work
//! a team may get (`gridpatrol_domain::team` does) or which members are present
//! (`gridpatrol_domain::officer::staffing` does). Teams are part of the town's directory, so desks,
//! inboxes and notices need no extra query.

pub mod answer;
pub mod commands;
pub mod queries;
pub mod requests;
pub mod routes;
