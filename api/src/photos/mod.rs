//! Photos: taken in streamed and checked, kept byte for byte, shown small and upright.

pub mod digest;
pub mod imaging;
pub mod objects;
