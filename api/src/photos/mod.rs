//! Photos: taken in streamed and checked, kept byte for byte, shown small and upright.

pub mod commands;
pub mod digest;
pub mod imaging;
pub mod links;
pub mod objects;
pub mod queries;
pub mod rows;
pub mod wire;
