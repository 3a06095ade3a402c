//! Filing, acting, reading.

mod bounded;
mod lists;
mod permissions;
mod similar;
mod stations;
