//! The language of texts for people: Chinese, unless `Accept-Language` prefers English.
//!
//! Owns this choice. It must not hold the texts: each feature keeps its own. Codes are never translated.

/// A language this server speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese, the default.
    #[default]
    Chinese,
    /// English.
    English,
}

impl Language {
    /// The language that `Accept-Language` prefers, or none if it names neither language.
    #[must_use]
    pub fn named<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut best = (None, 0.0);
        for range in values.into_iter().flat_map(|value| value.split(',')) {
            let (tag, quality) = match range.split_once(';') {
                Some((tag, parameter)) => (tag, quality(parameter)),
                None => (range, 1.0),
            };
            if let Some(language) = Self::tagged(tag.trim())
                && quality > best.1
            {
                best = (Some(language), quality);
            }
        }
        best.0
    }

    /// The tag for `Content-Language`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    fn tagged(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::Chinese)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::English)
        } else {
            None
        }
    }
}

fn quality(parameter: &str) -> f32 {
    parameter
        .trim()
        .strip_prefix("q=")
        .and_then(|value| value.parse::<f32>().ok())
        .filter(|value| (0.0..=1.0).contains(value))
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &'static str) -> Language {
        Language::named([value]).unwrap_or_default()
    }

    #[test]
    fn chinese_unless_english_is_preferred() {
        assert_eq!(Language::named([]).unwrap_or_default(), Language::Chinese);
        assert_eq!(asked("en"), Language::English);
        assert_eq!(asked("en-GB,en;q=0.9,zh;q=0.8"), Language::English);
        assert_eq!(asked("zh-CN,zh;q=0.9,en;q=0.8"), Language::Chinese);
        assert_eq!(asked("fr, en;q=0.3"), Language::English);
        assert_eq!(asked("fr"), Language::Chinese);
        assert_eq!(asked("en;q=0"), Language::Chinese);
        assert_eq!(asked("en;q=huge, *"), Language::Chinese);
    }

    #[test]
    fn tools_name_no_language() {
        let named = |value: &'static str| Language::named([value]);
        assert_eq!(Language::named([]), None);
        assert_eq!(named("*"), None);
        assert_eq!(named("fr, *;q=0.5"), None);
        assert_eq!(named("zh-CN,zh;q=0.9"), Some(Language::Chinese));
        assert_eq!(named("*, en;q=0.1"), Some(Language::English));
    }
}
