//! Filing, acting, reading.

mod bounded;
mod colours;
mod inbox;
mod lists;
mod package;
mod permissions;
mod similar;
mod stations;
