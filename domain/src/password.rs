//! What a password must be like (DOMAIN.md 9), and what a username may be like.
//!
//! Owns the rules on the texts alone. The dictionary of common ones, hashing, history and throttling
//! are the API's.

/// The rules in force. The numbers are settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordRules {
    /// Fewest characters.
    pub min_chars: usize,
    /// Most characters: hashing must not become a burden that strangers choose.
    pub max_chars: usize,
    /// How many of the four classes (lower case, upper case, digits, others) must occur.
    pub min_classes: usize,
    /// How many former passwords, the present one included, must not come back.
    pub remembered: usize,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self {
            min_chars: 8,
            max_chars: 128,
            min_classes: 3,
            remembered: 5,
        }
    }
}

/// A rule that a password breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Too few characters.
    #[error("a password has at least {0} characters")]
    TooShort(usize),
    /// Too many characters.
    #[error("a password has at most {0} characters")]
    TooLong(usize),
    /// Too few kinds of characters.
    #[error(
        "a password has at least {0} of: lower-case letters, upper-case letters, digits, other characters"
    )]
    TooFewClasses(usize),
    /// The username stands in it.
    #[error("a password must not contain the username")]
    ContainsUsername,
    /// It is one of those that are tried first (which the API's dictionary tells).
    #[error("this password is too common: it would be guessed soon")]
    TooCommon,
}

impl PasswordFault {
    /// The stable code of the reason.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort(_) => "too_short",
            Self::TooLong(_) => "too_long",
            Self::TooFewClasses(_) => "too_simple",
            Self::ContainsUsername => "contains_username",
            Self::TooCommon => "too_common",
        }
    }
}

impl PasswordRules {
    /// Every rule that this password of this officer breaks.
    #[must_use]
    pub fn faults(&self, password: &str, username: &str) -> Vec<PasswordFault> {
        let chars = password.chars().count();
        let mut faults = Vec::new();
        if chars < self.min_chars {
            faults.push(PasswordFault::TooShort(self.min_chars));
        }
        if chars > self.max_chars {
            faults.push(PasswordFault::TooLong(self.max_chars));
        }
        if classes(password) < self.min_classes {
            faults.push(PasswordFault::TooFewClasses(self.min_classes));
        }
        let (folded, name) = (
            password.trim().to_lowercase(),
            username.trim().to_lowercase(),
        );
        // A name of one or two letters stands in many a word.
        if folded == name || (name.chars().count() > 2 && folded.contains(&name)) {
            faults.push(PasswordFault::ContainsUsername);
        }
        faults
    }
}

/// How many of the four classes occur.
fn classes(password: &str) -> usize {
    let occurs = |belongs: fn(char) -> bool| usize::from(password.chars().any(belongs));
    occurs(char::is_lowercase)
        + occurs(char::is_uppercase)
        + occurs(char::is_numeric)
        + occurs(|each| !each.is_lowercase() && !each.is_uppercase() && !each.is_numeric())
}

/// Fewest and most characters of a username.
pub const USERNAME_CHARS: std::ops::RangeInclusive<usize> = 2..=32;

/// A username as it is stored and compared: without spaces around it, in lower case, so that a
/// phone's keyboard that capitalises does not keep anybody out. None when it breaks the rule: 2 to
/// 32 letters a to z, digits, `.`, `_`, `-`, beginning with a letter or digit.
#[must_use]
pub fn username(text: &str) -> Option<String> {
    let name = text.trim().to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = USERNAME_CHARS.contains(&name.len())
        && name.bytes().next().is_some_and(plain)
        && name
            .bytes()
            .all(|byte| plain(byte) || matches!(byte, b'.' | b'_' | b'-'));
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{PasswordFault, PasswordRules, username};
    use proptest::prelude::*;

    #[test]
    fn each_rule_is_named_and_all_at_once() {
        let rules = PasswordRules::default();
        assert_eq!(rules.faults("demo-Patrol-2026", "admin"), []);
        assert_eq!(rules.faults("Zhen2026", "admin"), []);
        assert_eq!(rules.faults("网格员Patrol", "admin"), []);
        assert_eq!(rules.faults("Az3!", "admin"), [PasswordFault::TooShort(8)]);
        assert_eq!(
            rules.faults("abcdefg1", "admin"),
            [PasswordFault::TooFewClasses(3)]
        );
        assert_eq!(
            rules.faults("Group_1_1", "group_1_1"),
            [PasswordFault::ContainsUsername]
        );
        assert_eq!(
            rules.faults("my-Zhang-2026", "zhang"),
            [PasswordFault::ContainsUsername]
        );
        assert_eq!(rules.faults("my-Zhang-2026", "zh"), []);
        assert_eq!(
            rules.faults("a", "a"),
            [
                PasswordFault::TooShort(8),
                PasswordFault::TooFewClasses(3),
                PasswordFault::ContainsUsername
            ]
        );
        assert_eq!(rules.faults(&"aB3".repeat(42), "admin"), []);
        assert_eq!(
            rules.faults(&"aB3".repeat(43), "admin"),
            [PasswordFault::TooLong(128)]
        );
    }

    #[test]
    fn a_username_is_forgiving_in_case_only() {
        assert_eq!(username(" Group_1_1 ").as_deref(), Some("group_1_1"));
        assert_eq!(username("13800138000").as_deref(), Some("13800138000"));
        for wrong in ["", "a", "_ab", "a b", "张三", "a@b", &"a".repeat(33)] {
            assert_eq!(username(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_username_is_stable(text in ".{0,40}") {
            if let Some(name) = username(&text) {
                let again = username(&name);
                prop_assert_eq!(again.as_deref(), Some(name.as_str()));
            }
        }

        #[test]
        fn longer_is_never_worse_for_classes(password in ".{8,60}", more in ".{0,60}") {
            let rules = PasswordRules::default();
            if rules.faults(&password, "admin").is_empty() {
                prop_assert_eq!(rules.faults(&format!("{password}{more}"), "admin"), []);
            }
        }
    }
}
