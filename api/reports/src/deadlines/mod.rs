//! What is due to reports: what lapses, what comes next, and when the clock looks.

pub mod forecast;
pub mod lapses;
pub mod routes;
pub mod wake_timer;
