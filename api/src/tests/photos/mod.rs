//! Photos on both databases: through the commands, the workers, and HTTP.

mod house;

mod commands;
mod requests;
#[allow(dead_code, reason = "each user takes some of them")]
#[path = "../../../reports/src/photos/imaging/samples.rs"]
mod samples;
mod work;
