//! Filing, acting, reading.

mod bounded;
mod inbox;
mod lists;
mod package;
mod permissions;
mod similar;
mod stations;
mod warning_levels;
