//! Statistical division codes: the codes by which towns, villages and groups are known to people
//! and to other systems (DOMAIN.md 4).
//!
//! Owns their shape and the rule that the parent is what remains when the last three digits go. A
//! code is an attribute of a grid, never its key: codes change when divisions merge. It must not
//! know which codes exist.

use crate::grid::Tier;

/// Digits of a town or village code.
const TOWN_OR_VILLAGE: usize = 12;
/// Digits of a group code: its village's code and three more.
const GROUP: usize = 15;
/// Digits that name a town; three zeros follow.
const TOWN_DIGITS: usize = 9;
/// Digits of the county's code, before the three that name a town.
const COUNTY_DIGITS: usize = 6;

/// A well-formed division code, always in its full length.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DivisionCode {
    text: String,
    tier: Tier,
}

/// Why a text is no division code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DivisionFault {
    /// Something else than the digits 0 to 9.
    #[error("a code consists of the digits 0 to 9 only")]
    NotDigits,
    /// Neither nine (a town), twelve (a town or village) nor fifteen digits (a group).
    #[error("a code has 12 digits (town, village) or 15 (group); a town's may be cut to 9")]
    Length,
    /// The three digits of the town are zero: a county or above.
    #[error("digits 7 to 9 must not be 000: this is the code of a county or above")]
    NoTown,
    /// A group's code whose village part names a town.
    #[error("digits 10 to 12 of a group's code name its village and must not be 000")]
    NoVillage,
    /// A group's code that ends in zeros.
    #[error("the last three digits of a group's code must be 001 to 999")]
    NoGroup,
}

impl DivisionCode {
    /// Reads a code. A town may be given by its first nine digits.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, DivisionFault> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DivisionFault::NotDigits);
        }
        let ends_in_zeros = text.ends_with("000");
        let tier = match text.len() {
            TOWN_DIGITS => Tier::Town,
            TOWN_OR_VILLAGE if ends_in_zeros => Tier::Town,
            TOWN_OR_VILLAGE => Tier::Village,
            GROUP if ends_in_zeros => return Err(DivisionFault::NoGroup),
            GROUP => Tier::Group,
            _ => return Err(DivisionFault::Length),
        };
        if text.get(COUNTY_DIGITS..TOWN_DIGITS) == Some("000") {
            return Err(DivisionFault::NoTown);
        }
        if tier == Tier::Group && text.get(TOWN_DIGITS..TOWN_OR_VILLAGE) == Some("000") {
            return Err(DivisionFault::NoVillage);
        }
        let mut text = text.to_owned();
        if text.len() == TOWN_DIGITS {
            text.push_str("000");
        }
        Ok(Self { text, tier })
    }

    /// The full code: 12 digits, a group's 15.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The tier that the shape of the code tells.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        self.tier
    }

    /// The nine digits that name its town, as report numbers carry them.
    #[must_use]
    pub fn town_digits(&self) -> &str {
        self.text.get(..TOWN_DIGITS).unwrap_or(&self.text)
    }

    /// The code of its town.
    #[must_use]
    pub fn town(&self) -> Self {
        Self {
            text: format!("{}000", self.town_digits()),
            tier: Tier::Town,
        }
    }

    /// The code one tier up; none above a town.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        match self.tier {
            Tier::Town => None,
            Tier::Village => Some(self.town()),
            Tier::Group => self.text.get(..TOWN_OR_VILLAGE).map(|text| Self {
                text: text.to_owned(),
                tier: Tier::Village,
            }),
        }
    }
}

impl std::fmt::Display for DivisionCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{DivisionCode, DivisionFault};
    use crate::grid::Tier;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<(String, Tier), DivisionFault> {
        DivisionCode::parse(text).map(|code| (code.as_str().to_owned(), code.tier()))
    }

    #[test]
    fn the_tier_follows_from_the_shape() {
        let town = ("510422100000".to_owned(), Tier::Town);
        assert_eq!(parse("510422100000"), Ok(town.clone()));
        assert_eq!(parse("510422100"), Ok(town));
        assert_eq!(
            parse("510422100200"),
            Ok(("510422100200".to_owned(), Tier::Village))
        );
        assert_eq!(
            parse("510422100200001"),
            Ok(("510422100200001".to_owned(), Tier::Group))
        );
    }

    #[test]
    fn each_broken_rule_has_its_name() {
        for (text, fault) in [
            ("", DivisionFault::Length),
            ("51042210000", DivisionFault::Length),
            ("5104221000000", DivisionFault::Length),
            ("51042210000a", DivisionFault::NotDigits),
            ("510422100 00", DivisionFault::NotDigits),
            ("５１０４２２１００", DivisionFault::NotDigits),
            ("510422000", DivisionFault::NoTown),
            ("510422000000", DivisionFault::NoTown),
            ("510422000200", DivisionFault::NoTown),
            ("510422100000001", DivisionFault::NoVillage),
            ("510422100200000", DivisionFault::NoGroup),
        ] {
            assert_eq!(parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn the_parent_is_what_remains() {
        let group = DivisionCode::parse("990001100200003").unwrap();
        let village = group.parent().unwrap();
        assert_eq!(village.as_str(), "990001100200");
        assert_eq!(village.parent(), Some(group.town()));
        assert_eq!(group.town().as_str(), "990001100000");
        assert_eq!(group.town().parent(), None);
        assert_eq!(group.town_digits(), "990001100");
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_kept_with_a_valid_line_of_parents(text in "[0-9]{0,16}|.{0,16}") {
            if let Ok(code) = DivisionCode::parse(&text) {
                prop_assert!(code.as_str().starts_with(&text));
                prop_assert_eq!(DivisionCode::parse(code.as_str()), Ok(code.clone()));
                let mut above = Some(code.clone());
                while let Some(each) = above {
                    prop_assert_eq!(DivisionCode::parse(each.as_str()), Ok(each.clone()));
                    prop_assert_eq!(each.town(), code.town());
                    prop_assert_eq!(each.parent().map(|parent| parent.tier()), each.tier().above());
                    above = each.parent();
                }
            }
        }
    }
}
