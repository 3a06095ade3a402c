//! Deadlines of reports: what lapses, what comes next, and when the clock looks.
//!
//! Owns how the steps of the clock are saved, the forecast, the list of lapsed steps, and the wake
//! timer. It must not decide what a lapse does to a report: the domain does
//! (`gridpatrol_domain::report::lapse`).

pub mod forecast;
pub mod lapses;
pub mod routes;
pub mod wake_timer;
