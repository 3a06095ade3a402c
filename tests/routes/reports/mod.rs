//! Filing, acting, reading.

mod bounded;
mod lists;
mod package;
mod permissions;
mod similar;
mod stations;
