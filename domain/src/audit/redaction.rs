//! Words that must be removed from all texts: a name, a phone number.
//!
//! Owns how they are found and masked. The caller chooses the texts.

use serde_json::Value;

/// What stands in place of a word.
pub const MASK: &str = "＊";

/// The words to erase. None: everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redaction(Vec<String>);

impl Redaction {
    /// These words, without the blanks around them.
    #[must_use]
    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        let words = words.into_iter().map(|word| word.trim().to_owned());
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    /// Whether to erase everything.
    #[must_use]
    pub const fn everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text holds one of them.
    #[must_use]
    pub fn found_in(&self, text: &str) -> bool {
        self.0.iter().any(|word| text.contains(word.as_str()))
    }

    /// Whether any text of a JSON value holds one of them, names of members included.
    #[must_use]
    pub fn found_in_value(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.found_in(text),
            Value::Array(items) => items.iter().any(|item| self.found_in_value(item)),
            Value::Object(members) => members
                .iter()
                .any(|(name, member)| self.found_in(name) || self.found_in_value(member)),
            Value::Number(number) => self.found_in(&number.to_string()),
            Value::Null | Value::Bool(_) => false,
        }
    }

    /// The text after the erasure: none if everything is erased, else with each word masked. What
    /// overlaps is masked as a whole.
    #[must_use]
    pub fn erased_from(&self, text: &str) -> Option<String> {
        if self.everything() {
            return None;
        }
        let mut found: Vec<(usize, usize)> = Vec::new();
        for word in &self.0 {
            let starts = text.char_indices().map(|(at, _)| at);
            let matches = starts.filter(|at| {
                text.get(*at..)
                    .is_some_and(|rest| rest.starts_with(word.as_str()))
            });
            found.extend(matches.map(|at| (at, at + word.len())));
        }
        found.sort_unstable();
        let mut masked = String::with_capacity(text.len());
        let mut at = 0;
        for (from, to) in found {
            if from >= at {
                masked.push_str(text.get(at..from).unwrap_or_default());
                masked.push_str(MASK);
            }
            at = at.max(to);
        }
        masked.push_str(text.get(at..).unwrap_or_default());
        Some(masked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn words(words: &[&str]) -> Redaction {
        Redaction::new(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn words_are_masked_wherever_they_stand() {
        let both = words(&[" 张三 ", "三丰", "13800000000"]);
        let masked = |text: &str| both.erased_from(text).unwrap();
        assert_eq!(
            masked("张三家门口，电话13800000000。"),
            "＊家门口，电话＊。"
        );
        assert_eq!(masked("张三丰"), "＊");
        assert_eq!(masked("张三张三"), "＊＊");
        assert_eq!(masked("李四"), "李四");
        assert_eq!(words(&["", " "]).erased_from("李四"), None);
    }

    #[test]
    fn every_text_of_a_value_is_looked_through() {
        let name = words(&["张三"]);
        assert!(name.found_in_value(&json!({"a": [{"b": "见张三"}]})));
        assert!(name.found_in_value(&json!({"张三": 1})));
        assert!(words(&["138"]).found_in_value(&json!({"phone": 13_800_000_000_i64})));
        assert!(!name.found_in_value(&json!({"a": [1, null, true, "李四"]})));
    }

    proptest! {
        #[test]
        fn nothing_of_it_remains(
            text in "[ab张三]{0,30}", one in "[ab张三]{1,3}", other in "[ab张三]{1,3}",
        ) {
            let words = words(&[&one, &other]);
            let masked = words.erased_from(&text).unwrap();
            prop_assert!(!words.found_in(&masked), "{masked}");
            prop_assert_eq!(masked == text, !words.found_in(&text));
        }
    }
}
