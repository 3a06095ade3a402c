//! Teams of a town: a lead and members who take work together, with an area and a field.
//!
//! Owns their life and who is shown them. What a team may be given the domain says
//! (`gridpatrol_domain::team`), and who of it is there (`gridpatrol_domain::officer::staffing`). Teams
//! are part of the town's directory, so that desks, inboxes and notices know them without asking.

pub mod answer;
pub mod commands;
pub mod queries;
pub mod requests;
pub mod routes;
