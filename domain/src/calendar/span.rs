//! A length of time as a limit states it, and its form in JSON.
//!
//! Owns that form: one object with three members, of which exactly one is given. Generated clients
//! read it as a plain object; a choice between three objects they cannot. How a span is counted
//! stands in `calendar`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A length of time as a limit states it (DOMAIN.md 2): one of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members", into = "Members")]
pub enum Span {
    /// Hours, round the clock; in a limit for what is less than critical, without the night.
    Hours(u32),
    /// Calendar days. They begin with the next working day and end at close of business, on a
    /// working day: a last day that is none moves to the next one.
    Days(u32),
    /// Working days, from the next one on, until close of business of the last.
    WorkingDays(u32),
}

/// A length of time as a limit states it. Exactly one of the three is given.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = Span, example = json!({"days": 7}))
)]
struct Members {
    /// Hours, round the clock; in a limit for what is less than critical, without the night.
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<u32>,
    /// Calendar days. They begin with the next working day and end at close of business, on a
    /// working day: a last day that is none moves to the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
    /// Working days, from the next one on, until close of business of the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    working_days: Option<u32>,
}

/// None of the three is given, or more than one.
#[derive(Debug)]
enum Miscounted {
    None,
    Several,
}

impl fmt::Display for Miscounted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "missing one of hours, days and working_days",
            Self::Several => "more than one of hours, days and working_days",
        })
    }
}

impl TryFrom<Members> for Span {
    type Error = Miscounted;

    fn try_from(members: Members) -> Result<Self, Miscounted> {
        match (members.hours, members.days, members.working_days) {
            (Some(hours), None, None) => Ok(Self::Hours(hours)),
            (None, Some(days), None) => Ok(Self::Days(days)),
            (None, None, Some(days)) => Ok(Self::WorkingDays(days)),
            (None, None, None) => Err(Miscounted::None),
            _ => Err(Miscounted::Several),
        }
    }
}

impl From<Span> for Members {
    fn from(span: Span) -> Self {
        let none = Self::default();
        match span {
            Span::Hours(hours) => Self {
                hours: Some(hours),
                ..none
            },
            Span::Days(days) => Self {
                days: Some(days),
                ..none
            },
            Span::WorkingDays(days) => Self {
                working_days: Some(days),
                ..none
            },
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Span {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <Members as utoipa::PartialSchema>::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Span {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_written_as_it_was_before_and_read_back() {
        for (span, written) in [
            (Span::Hours(2), json!({"hours": 2})),
            (Span::Days(7), json!({"days": 7})),
            (Span::WorkingDays(15), json!({"working_days": 15})),
        ] {
            assert_eq!(serde_json::to_value(span).unwrap(), written);
            assert_eq!(serde_json::from_value::<Span>(written).unwrap(), span);
        }
    }

    #[test]
    fn clients_that_write_null_for_absent_are_understood() {
        let written = json!({"hours": null, "days": 7, "working_days": null});
        assert_eq!(
            serde_json::from_value::<Span>(written).unwrap(),
            Span::Days(7)
        );
    }

    #[test]
    fn anything_but_one_of_the_three_is_refused() {
        for (wrong, message) in [
            (json!({}), "missing one of"),
            (json!({"days": null}), "missing one of"),
            (json!({"hours": 1, "days": 1}), "more than one of"),
            (json!({"weeks": 1}), "unknown field `weeks`"),
        ] {
            let error = serde_json::from_value::<Span>(wrong).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
        }
    }
}
