//! What is wrong with a value, as every room says it.
//!
//! Owns the form alone. What may be given where is said by the room that owns the value.

/// A value that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue {
    /// Where it stands: an RFC 6901 pointer into what was given.
    pub pointer: String,
    /// What to do about it.
    pub detail: String,
}
