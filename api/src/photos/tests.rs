//! Photos on both databases: through the commands, the workers, and HTTP.

mod house;

mod commands;
mod requests;
mod work;
