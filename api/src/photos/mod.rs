//! Photos: taken in streamed and checked, kept byte for byte, shown small and upright.

pub mod imaging;
