//! The names of push services.
//!
//! Owns the rule for such a name. It does not know which services exist.

use gridpatrol_http::validate::Errors;

/// Whether this can be the name of a push service.
#[must_use]
pub fn is_provider(text: &str) -> bool {
    (2..=32).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Adds an error if this cannot be the name of a push service.
pub fn check_provider(segment: &str, provider: &str, errors: &mut Errors) {
    if !is_provider(provider) {
        errors.add(
            segment,
            "bad_format",
            "Give 2 to 32 lower-case letters, digits and underscores. The first must be a letter.",
        );
    }
}
