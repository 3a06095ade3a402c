//! Filing, acting, reading.

mod lists;
mod permissions;
mod stations;
